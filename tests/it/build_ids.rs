//! A recording that tells the build ids of what was mapped in; the symbols of that build and of no other, once looked up from the
//! cache, out.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::path::Path;
use std::process::Command;

use refit::profile::symbols::Image;
use serde_json::Value;

use crate::perf_data::records;
use crate::sources::{Noted, Project, log};

/// As perf writes mappings where the kernel tells build ids: in the place of device and inode.
fn with_build_id(mut recording: Vec<u8>, program: &Path) -> Vec<u8> {
    const MMAP2: u8 = 10;
    const HOLDS_BUILD_ID: u16 = 1 << 14;
    let bytes = std::fs::read(program).unwrap();
    let id = Image::parse(&bytes).unwrap().build_id;
    let id: Vec<u8> = (0..id.len()).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap()).collect();
    assert_eq!(id.len(), 20, "the linker was asked for one");
    let path = program.display().to_string();
    let mut at = u64::from_le_bytes(recording[40..48].try_into().unwrap()) as usize;
    let mut told = 0;
    for record in records(&recording.clone()) {
        if record[0] == MMAP2 && record.windows(path.len()).any(|w| w == path.as_bytes()) {
            recording[at + 4..at + 6].copy_from_slice(&HOLDS_BUILD_ID.to_le_bytes());
            // Behind head, process, start, length and offset.
            recording[at + 40..at + 64].fill(0);
            recording[at + 40] = 20;
            recording[at + 44..at + 64].copy_from_slice(&id);
            told += 1;
        }
        at += record.len();
    }
    assert!(told > 0);
    recording
}

fn recorded(project: &Project) -> Noted {
    let noted = project.record("service", &["-C".into(), "link-arg=-Wl,--build-id=sha1".into()]);
    let path = project.root.join("perf/service.perf.data");
    let recording = with_build_id(std::fs::read(&path).unwrap(), &noted.program);
    std::fs::write(path, recording).unwrap();
    std::fs::write(project.root.join("perf/requests.jsonl"), log(&noted)).unwrap();
    project.configure(&["file = \"perf/service.perf.data\"", "file = \"perf/requests.jsonl\""]);
    noted
}

fn rank(project: &Project, cache: &str) -> Value {
    let mut refit = Command::new(env!("CARGO_BIN_EXE_refit"));
    refit.args(["rank", "--json", "--despite-quality", "--root"]).arg(&project.root);
    let ran = refit.env("REFIT_CACHE_DIR", project.dir.path().join(cache)).output().unwrap();
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&ran.stderr)))
}

/// `helper` is always inlined: that it has a row takes debug information.
fn knows_inlined_functions(ranked: &Value) -> bool {
    let rows = ranked["objectives"][0]["split"].as_array().cloned().unwrap_or_default();
    rows.iter().any(|row| row["name"] == "truth::helper")
}

fn said(ranked: &Value, what: &str) -> bool {
    let all = ranked["problems"].as_array().unwrap();
    all.iter().any(|problem| problem["what"].as_str().is_some_and(|said| said.contains(what)))
}

#[test]
fn what_was_looked_up_once_is_known_by_its_build_id_when_the_program_has_gone() {
    let project = Project::new();
    let noted = recorded(&project);
    let first = rank(&project, "cache");
    assert!(knows_inlined_functions(&first), "{:#}", first["problems"]);
    std::fs::remove_file(&noted.program).unwrap();
    let program = noted.program.display().to_string();
    let again = rank(&project, "cache");
    assert_eq!(again["objectives"], first["objectives"]);
    let without = rank(&project, "empty");
    assert!(!knows_inlined_functions(&without) && said(&without, &format!("are not here: {program}")));
}

#[test]
fn a_program_that_was_built_anew_names_nothing_and_is_said_to_be() {
    let project = Project::new();
    let noted = recorded(&project);
    let main = project.root.join("src/main.rs");
    let text = std::fs::read_to_string(&main).unwrap();
    std::fs::write(&main, text.replace("idle(300_000);", "idle(300_001);")).unwrap();
    let recording = std::fs::read(project.root.join("perf/service.perf.data")).unwrap();
    project.record("service", &["-C".into(), "link-arg=-Wl,--build-id=sha1".into()]);
    std::fs::write(project.root.join("perf/service.perf.data"), recording).unwrap();
    let ranked = rank(&project, "cache");
    let what = format!("{} was built anew since the recording", noted.program.display());
    assert!(said(&ranked, &what) && !knows_inlined_functions(&ranked), "{:#}", ranked["problems"]);
}
