//! A recording whose frames are addresses in; symbols, lines and inlined functions, and no process that was started for them, out.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::sources::{Project, log};

/// What others ask for symbols, and what they might be asked through.
const TOOLS: [&str; 20] = [
    "addr2line",
    "llvm-addr2line",
    "llvm-symbolizer",
    "eu-addr2line",
    "atos",
    "nm",
    "llvm-nm",
    "objdump",
    "llvm-objdump",
    "readelf",
    "c++filt",
    "rustfilt",
    "gdb",
    "debuginfod-find",
    "perf",
    "sh",
    "cargo",
    "rustc",
    "rustup",
    "git",
];

/// A folder of programs that write down that they were started.
fn traps(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    for tool in TOOLS {
        let script = format!("#!/bin/sh\necho \"{tool} $*\" >> '{}'\nexit 1\n", folder.join("started").display());
        std::fs::write(folder.join(tool), script).unwrap();
        std::fs::set_permissions(folder.join(tool), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Pages that all children of a program which has ended, and which nobody has waited for yet, had to be given. Whatever is started
/// is given some.
fn pages_of_children(pid: u32) -> u64 {
    loop {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it was not waited for");
        // Behind the name, which may hold blanks: the state first, pages of children ninth.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        if fields[0] == "Z" {
            return fields[8].parse().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs a command to its end; gives what it printed and what its children were given.
fn ended(mut command: Command, folder: &Path) -> (String, u64) {
    let out = folder.join("out");
    let printed = std::fs::File::create(&out).unwrap();
    let mut child = command.stdin(Stdio::null()).stdout(printed).spawn().unwrap();
    let pages = pages_of_children(child.id());
    assert!(child.wait().unwrap().success());
    (std::fs::read_to_string(out).unwrap(), pages)
}

#[test]
fn symbols_and_lines_are_found_without_starting_any_process() {
    let project = Project::new();
    let noted = project.record("service", &[]);
    std::fs::write(project.root.join("perf/requests.jsonl"), log(&noted)).unwrap();
    project.configure(&["file = \"perf/service.perf.data\"", "file = \"perf/requests.jsonl\""]);
    let tools = project.dir.path().join("tools");
    traps(&tools);
    let mut refit = Command::new(env!("CARGO_BIN_EXE_refit"));
    refit.args(["rank", "--json", "--base", "perf/service.perf.data", "--root"]).arg(&project.root).env("PATH", &tools);
    // Nothing is known from an earlier run.
    refit.env("XDG_CACHE_HOME", project.dir.path().join("empty"));
    let (printed, pages) = ended(refit, project.dir.path());
    let ranked: Value = serde_json::from_str(&printed).unwrap();
    let names: Vec<&str> =
        ranked["objectives"][0]["split"].as_array().unwrap().iter().filter_map(|r| r["name"].as_str()).collect();
    assert!(names.contains(&"truth::<Right as Task>::run"), "{names:?}");
    // `helper` is always inlined: that it has a row took the debug information.
    assert!(names.contains(&"truth::helper"), "{names:?}");
    assert!(ranked["comparison"]["lines"].as_array().unwrap().len() > 10);
    let started = std::fs::read_to_string(tools.join("started")).unwrap_or_default();
    assert_eq!((started.as_str(), pages), ("", 0));
}

#[test]
fn a_process_that_starts_another_is_seen_to() {
    let folder = tempfile::tempdir().unwrap();
    traps(folder.path());
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "addr2line -e x; :"]).env("PATH", folder.path());
    let (_, pages) = ended(shell, folder.path());
    let started = std::fs::read_to_string(folder.path().join("started")).unwrap();
    assert_eq!((started.as_str(), pages > 0), ("addr2line -e x\n", true));
}
