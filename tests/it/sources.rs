//! A real program's recording beside its requests in; through the binary, the same split from every kind of source, out.
//!
//! `fixtures/truth/service.rs` is compiled in a project of its own and notes its stacks, from which a `perf.data` is made; its
//! requests are told once as a request log and once as an OTLP trace with times of day.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use refit::jobs::{Ear, Workspace};
use serde_json::{Value, json};

use crate::truth::{Taken, mapped, perf_data};

const REQUESTS: &str = "600";
const PERIOD_NS: u64 = 500_000;
/// What the recording says the clock of day showed when the monotonic one began.
const DAY: u64 = 1_795_311_083_000_000_000;

/// The service as a repository of its own.
pub struct Project {
    pub dir: tempfile::TempDir,
    pub root: PathBuf,
}

/// What the program noted of a run: requests with their start and end, and polls with their thread, start and end.
#[derive(Default)]
pub struct Noted {
    pub program: PathBuf,
    /// Where the program's file begins in memory.
    base: u64,
    taken: Vec<Taken>,
    requests: Vec<(String, u64, u64)>,
    polls: Vec<(String, u64, u64, u64)>,
}

impl Project {
    pub fn new() -> Project {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("ws");
        std::fs::create_dir_all(root.join("src")).unwrap();
        std::fs::create_dir_all(root.join("perf")).unwrap();
        let manifest = "[package]\nname = \"truth\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
        let service = include_str!("fixtures/truth/service.rs");
        let files = [
            ("Cargo.toml", manifest),
            ("src/main.rs", service),
            ("src/clock.rs", include_str!("fixtures/truth/clock.rs")),
            (".gitignore", "/perf\n/slo.toml\n"),
        ];
        files.iter().for_each(|(path, text)| std::fs::write(root.join(path), text).unwrap());
        let project = Project { dir, root };
        project.git(&["init", "-q", "-b", "main"]);
        project.git(&["add", "."]);
        project.commit("first");
        project
    }

    pub fn git(&self, args: &[&str]) -> String {
        let out = Command::new("git").args(args).current_dir(&self.root).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    }

    pub fn commit(&self, what: &str) -> String {
        self.git(&["-c", "user.name=E", "-c", "user.email=e@example.invalid", "commit", "-q", "-a", "-m", what]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Compiles the service, runs it and writes what it noted as `perf/NAME.perf.data`.
    pub fn record(&self, name: &str, flags: &[String]) -> Noted {
        let program = self.dir.path().join(name);
        let fixed = ["--edition", "2024", "--crate-name", "truth", "-O", "-C", "force-frame-pointers=yes"];
        let debug = ["-C", "debuginfo=line-tables-only"];
        let mut rustc = Command::new(std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into()));
        rustc.args(fixed).args(debug).args(flags).arg("-o").arg(&program).arg("src/main.rs");
        let made = rustc.current_dir(&self.root).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let ran = Command::new(&program).arg(REQUESTS).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let (mut maps, mut noted) = (Vec::new(), Noted { program: program.clone(), ..Noted::default() });
        let path = program.display().to_string();
        for line in String::from_utf8(ran.stdout).unwrap().lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let number = |at: usize| words[at].parse::<u64>().unwrap();
            match words[0] {
                "S" => {
                    let stack = (3..words.len()).map(number).collect();
                    noted.taken.push(Taken { tid: number(1) as u32, time_ns: number(2), stack });
                }
                "P" => noted.polls.push((words[1].into(), number(2), number(3), number(4))),
                "R" => noted.requests.push((words[1].into(), number(2), number(3))),
                "M" => {
                    if words.last() == Some(&path.as_str()) && words[3] == "00000000" {
                        let start = words[1].split('-').next().unwrap();
                        noted.base = u64::from_str_radix(start, 16).unwrap();
                    }
                    maps.extend(mapped(&words));
                }
                _ => {}
            }
        }
        let recording = with_clock(perf_data(&maps, &noted.taken, PERIOD_NS));
        std::fs::write(self.root.join(format!("perf/{name}.perf.data")), recording).unwrap();
        noted
    }

    pub fn configure(&self, sources: &[&str]) {
        let mut text = String::from("version = \"slo/v1\"\n\n[service]\nname = \"truth\"\n\n");
        sources.iter().for_each(|source| text += &format!("[[source]]\n{source}\n\n"));
        text += "[[slo]]\nname = \"latency\"\noperation = \"GET /\"\np99 = \"10ms\"\n";
        std::fs::write(self.root.join("slo.toml"), text).unwrap();
    }

    pub fn rank(&self, more: &[&str], input: Stdio) -> Value {
        let mut refit = Command::new(env!("CARGO_BIN_EXE_refit"));
        refit.args(["rank", "--json", "--root"]).arg(&self.root).args(more).stdin(input);
        let ran = refit.env("XDG_CACHE_HOME", self.dir.path().join("cache")).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        serde_json::from_slice(&ran.stdout).unwrap()
    }
}

/// Adds what `perf record -k mono` writes behind the records: a moment on the clock of day and on the recorded one.
fn with_clock(mut file: Vec<u8>) -> Vec<u8> {
    const FEATURES: usize = 72;
    const CLOCK_DATA: u32 = 29;
    let bits = u64::from_le_bytes(file[FEATURES..FEATURES + 8].try_into().unwrap()) | 1 << CLOCK_DATA;
    file[FEATURES..FEATURES + 8].copy_from_slice(&bits.to_le_bytes());
    let place = file.len() as u64 + 16;
    // Version 1, CLOCK_MONOTONIC.
    for word in [place, 24, 1 | 1 << 32, DAY + 5_000_000_000, 5_000_000_000] {
        file.extend(word.to_le_bytes());
    }
    file
}

pub fn log(noted: &Noted) -> String {
    let request = |(id, start, end): &(String, u64, u64)| {
        format!("{{\"request\":\"{id}\",\"operation\":\"GET /\",\"start_ns\":{start},\"end_ns\":{end}}}\n")
    };
    let poll = |(id, tid, start, end): &(String, u64, u64, u64)| {
        format!("{{\"request\":\"{id}\",\"tid\":{tid},\"poll_start_ns\":{start},\"poll_end_ns\":{end}}}\n")
    };
    noted.requests.iter().map(request).chain(noted.polls.iter().map(poll)).collect()
}

/// One export a line, as the collector's file exporter writes: a root span for each request, and one below it for each poll.
fn trace(noted: &Noted) -> String {
    let text = |ns: u64| (DAY + ns).to_string();
    let thread = |tid: &u64| json!([{"key": "thread.id", "value": {"intValue": tid.to_string()}}]);
    let root = |(id, start, end): &(String, u64, u64)| {
        json!({"traceId": format!("{id:0>32}"), "spanId": "00000000000000aa", "name": "GET /", "kind": 2,
            "startTimeUnixNano": text(*start), "endTimeUnixNano": text(*end)})
    };
    let child = |(at, (id, tid, start, end)): (usize, &(String, u64, u64, u64))| {
        json!({"traceId": format!("{id:0>32}"), "spanId": format!("{at:016x}"), "parentSpanId": "00000000000000aa",
            "name": "poll", "startTimeUnixNano": text(*start), "endTimeUnixNano": text(*end), "attributes": thread(tid)})
    };
    let children = (1 << 32..).zip(&noted.polls).map(child);
    let spans = children.chain(noted.requests.iter().map(root));
    spans.map(|s| format!("{}\n", json!({"resourceSpans": [{"scopeSpans": [{"spans": [s]}]}]}))).collect()
}

/// Kind, name, file and milliseconds of the rows of a split.
fn rows(ranked: &Value) -> Vec<(String, String, String, String)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let row = |r: &Value| {
        (text(&r["kind"]), text(&r["name"]), text(&r["file"]), format!("{:.6}", r["c_ms"].as_f64().unwrap()))
    };
    ranked["objectives"][0]["split"].as_array().unwrap().iter().map(row).collect()
}

#[test]
fn spans_beside_a_recording_split_the_p99_as_its_request_log_does() {
    let project = Project::new();
    let noted = project.record("service", &[]);
    std::fs::write(project.root.join("perf/requests.jsonl"), log(&noted)).unwrap();
    std::fs::write(project.root.join("perf/spans.jsonl"), trace(&noted)).unwrap();
    let ranked = ["requests", "spans"].map(|requests| {
        project.configure(&["file = \"perf/service.perf.data\"", &format!("file = \"perf/{requests}.jsonl\"")]);
        project.rank(&[], Stdio::null())
    });
    let [by_log, by_trace] = ranked.each_ref().map(|ranked| &ranked["objectives"][0]);
    assert_eq!(ranked[1]["sources"][1]["format"], "OTLP JSON");
    for split in [by_log, by_trace] {
        assert_eq!((&split["basis"], &split["requests"]), (&json!("samples+requests"), &json!(600)), "{split:#}");
        let sum = split["sum_ms"].as_f64().unwrap() - split["measured_ms"].as_f64().unwrap();
        assert!(sum.abs() < 1e-6, "{split:#}");
    }
    assert_eq!(by_log["measured_ms"], by_trace["measured_ms"]);
    assert_eq!(rows(&ranked[0]), rows(&ranked[1]));
    let names: Vec<String> = rows(&ranked[1]).into_iter().map(|row| row.1).collect();
    assert!(names.contains(&"truth::<Right as Task>::run".into()) && names.len() > 10, "{names:?}");
}

/// The same stacks as samply saves them: addresses in the program's file, those of callers one before where they return to.
fn samply(noted: &Noted) -> String {
    let mut frames: Vec<u64> = Vec::new();
    let mut stacks: Vec<(u64, Option<usize>)> = Vec::new();
    let (mut frame_of, mut stack_of) = (HashMap::new(), HashMap::new());
    let mut threads: BTreeMap<u32, (Vec<usize>, Vec<f64>)> = BTreeMap::new();
    for sample in &noted.taken {
        let mut stack = None;
        for (depth, address) in sample.stack.iter().enumerate().rev() {
            let address = address - noted.base - u64::from(depth > 0);
            let frame = *frame_of.entry(address).or_insert_with(|| {
                frames.push(address);
                frames.len() - 1
            });
            stack = Some(*stack_of.entry((frame, stack)).or_insert_with(|| {
                stacks.push((frame as u64, stack));
                stacks.len() - 1
            }));
        }
        let (leaves, times) = threads.entry(sample.tid).or_default();
        leaves.push(stack.unwrap());
        times.push(sample.time_ns as f64 / 1e6);
    }
    let strings: Vec<String> =
        std::iter::once("service".into()).chain(frames.iter().map(|a| format!("{a:#x}"))).collect();
    let (count, none) = (frames.len(), vec![Value::Null; frames.len()]);
    let thread = |(tid, (leaves, times)): (&u32, &(Vec<usize>, Vec<f64>))| {
        json!({"name": "worker", "tid": tid.to_string(), "pid": "77",
            "samples": {"length": leaves.len(), "stack": leaves, "time": times, "weight": null, "weightType": "samples"},
            "stackTable": {"length": stacks.len(), "frame": stacks.iter().map(|s| s.0).collect::<Vec<_>>(),
                "prefix": stacks.iter().map(|s| s.1).collect::<Vec<_>>()},
            "frameTable": {"length": count, "address": frames, "inlineDepth": vec![0; count],
                "func": (0..count).collect::<Vec<_>>(), "nativeSymbol": none, "line": none},
            "funcTable": {"length": count, "name": (1..=count).collect::<Vec<_>>(), "resource": vec![0; count], "fileName": none},
            "resourceTable": {"length": 1, "lib": [0], "name": [0]},
            "nativeSymbols": {"length": 0, "libIndex": []}, "stringArray": strings})
    };
    let path = noted.program.display().to_string();
    json!({"meta": {"preprocessedProfileVersion": 55, "interval": PERIOD_NS as f64 / 1e6, "startTime": (DAY / 1_000_000) as f64,
            "startTimeAsClockMonotonicNanosecondsSinceBoot": 0},
        "libs": [{"name": "service", "path": path, "debugName": "service", "debugPath": path}],
        "threads": threads.iter().map(thread).collect::<Vec<_>>()})
    .to_string()
}

#[test]
fn a_samply_recording_without_symbols_is_split_as_the_perf_data_of_the_same_stacks() {
    let project = Project::new();
    let noted = project.record("service", &[]);
    std::fs::write(project.root.join("perf/requests.jsonl"), log(&noted)).unwrap();
    std::fs::write(project.root.join("perf/service.json"), samply(&noted)).unwrap();
    let [perf, samply] = ["service.perf.data", "service.json"].map(|recording| {
        project.configure(&[&format!("file = \"perf/{recording}\""), "file = \"perf/requests.jsonl\""]);
        project.rank(&["--what-if", "<Right as Task>::run=-40%"], Stdio::null())
    });
    assert_eq!(samply["sources"][0]["format"], "Firefox profile");
    assert_eq!(rows(&samply), rows(&perf));
    let predicted = &samply["what_if"][0];
    assert_eq!(predicted, &perf["what_if"][0]);
    let [now, then] = ["measured_ms", "predicted_ms"].map(|what| predicted[what].as_f64().unwrap());
    assert!(then < now, "{predicted}");
}

#[test]
fn a_program_built_with_remapped_paths_is_placed_as_any_other() {
    let project = Project::new();
    let root = project.root.display().to_string();
    let noted = project.record("plain", &[]);
    std::fs::write(project.root.join("perf/requests.jsonl"), log(&noted)).unwrap();
    // As a build server would, with and without a folder in its place, and with one that is a part of the workspace.
    let remapped = [format!("{root}=/build/agent-7/ws"), format!("{root}="), format!("{root}=."), "src=".into()];
    for (at, remap) in remapped.iter().enumerate() {
        let name = format!("remapped{at}");
        project.record(&name, &[format!("--remap-path-prefix={remap}")]);
        project.configure(&[&format!("file = \"perf/{name}.perf.data\""), "file = \"perf/requests.jsonl\""]);
        let ranked = project.rank(&["--base", "perf/plain.perf.data"], Stdio::null());
        let text = serde_json::to_string(&ranked["problems"]).unwrap();
        assert!(!text.contains("another version") && !text.contains("not in the source"), "{remap}: {text}");
        let lines = ranked["comparison"]["lines"].as_array().unwrap();
        assert!(lines.len() > 10, "{remap}: {} lines", lines.len());
        for side in ["rows", "lines"] {
            for row in ranked["comparison"][side].as_array().unwrap() {
                let [base, now] = [&row["base"], &row["now"]].map(|v| v.as_f64().unwrap());
                assert!((base - now).abs() < 0.02, "{remap}, {side}: {row}");
                assert!(row["difference_ci"].is_array() && row["clear"] == false, "{remap}: {row}");
            }
        }
    }
}

/// Stacks with lines, as speedscope writes them.
fn stacks(line: u32, symbol: &str) -> String {
    json!({"$schema": "https://www.speedscope.app/file-format-schema.json",
        "shared": {"frames": [{"name": symbol, "file": "src/lib.rs", "line": line}]},
        "profiles": [{"type": "sampled", "name": "main", "unit": "milliseconds", "startValue": 0, "endValue": 40,
            "samples": vec![[0]; 40], "weights": vec![1; 40]}]})
    .to_string()
}

#[test]
fn two_recordings_of_two_commits_in_one_run_are_moved_each_by_its_own() {
    let project = Project::new();
    let functions = "pub fn first() {\n    one();\n}\npub fn second() {\n    two();\n}\n";
    let write = |text: String| std::fs::write(project.root.join("src/lib.rs"), text).unwrap();
    write(functions.into());
    project.git(&["add", "."]);
    let old = project.commit("two functions");
    write(format!("// Above.\n// And above.\n{functions}"));
    let newer = project.commit("two lines above");
    write(format!("// Above.\n// And above.\n{}", functions.replace("pub fn second", "// Between.\npub fn second")));
    project.commit("a line between");
    std::fs::write(project.root.join("perf/old.json"), stacks(2, "truth::first")).unwrap();
    std::fs::write(project.root.join("perf/newer.json"), stacks(7, "truth::second")).unwrap();
    let source = |file: &str, commit: &str| format!("file = \"perf/{file}.json\"\ncommit = \"{commit}\"");
    project.configure(&[&source("old", &old), &source("newer", &newer)]);
    let workspace = Workspace::open(&project.root, Path::new("slo.toml")).unwrap();
    let analysis = workspace.analyse(true, &Ear::deaf()).unwrap();
    let heat: Vec<(u32, f64)> =
        analysis.heat.iter().filter(|h| h.file == "src/lib.rs").flat_map(|h| h.lines.clone()).collect();
    assert_eq!(heat, [(4, 0.5), (8, 0.5)], "{:#?}", analysis.problems);
    let said: Vec<String> =
        analysis.problems.iter().filter(|p| p.what.starts_with("recorded at")).map(ToString::to_string).collect();
    assert!(said.iter().any(|s| s.contains(&old[..7]) && s.contains("perf/old.json")), "{said:#?}");
    assert!(said.iter().any(|s| s.contains(&newer[..7]) && s.contains("perf/newer.json")), "{said:#?}");
}
