//! Old and new side by side: shims that rustc accepts, and a workload whose service is timed and measured.

use std::process::Command;

use refit::jobs::{Ear, ProveOptions, measure_objective, prove};
use refit::model::*;
use refit::source;
use refit::verify::change::Change;
use refit::verify::purity::Effects;
use refit::verify::twin::{Ask, twin};

use crate::scene::Scene;
use crate::verify::{open, proposal};

/// One function of each form that a shim must cope with; `10` is what the edit changes.
pub const FORMS: &str = r#"#![deny(warnings)]
#![forbid(unsafe_code)]
use std::fmt::Display;

pub struct Store<T> {
    items: Vec<T>,
    log: String,
}

pub trait Find<K: ?Sized> {
    fn find(&self, key: &K) -> Option<&str>;
    fn size(&self) -> usize {
        10
    }
}

impl<T: Clone + PartialEq> Store<T> {
    pub fn first<'a>(&'a self, other: &'a T) -> &'a T {
        self.items.get(10).unwrap_or(other)
    }

    pub fn add(&mut self, text: &str) -> Result<&str, std::num::ParseIntError> {
        if text.is_empty() {
            return Ok("10");
        }
        let n: u8 = text.parse()?;
        self.log.push_str(&n.to_string());
        Ok(&self.log)
    }

    pub async fn wait<F: Future<Output = Result<u8, String>>>(&mut self, future: F) -> Result<u8, String> {
        let n = future.await?;
        let m = async { Ok::<u8, String>(n) }.await?;
        self.log.clear();
        Ok(m + 10)
    }
}

impl Find<str> for Store<String> {
    fn find(&self, key: &str) -> Option<&str> {
        self.items.iter().skip(10).find(|i| *i == key).map(String::as_str)
    }
}

pub fn shown(items: impl Iterator<Item = u32>, by: &dyn Display, mut n: usize) -> String {
    n += 10;
    items.map(|i| format!("{i}{by}")).take(n).collect()
}

mod inner {
    pub mod deeper {
        pub fn sum<const N: usize>(values: &[u64; N], scale: u64) -> u64 {
            values.iter().map(|v| v * scale).sum::<u64>() + 10
        }
    }
}
pub use inner::deeper::sum;
"#;

#[test]
fn shims_of_every_form_of_function_compile() {
    let places: Vec<usize> = FORMS.match_indices("10").map(|(at, _)| at).collect();
    let edits = places.iter().map(|at| TextEdit { range: TextRange::new(*at, at + 2), text: "11".into() });
    let set = EditSet::new("lib.rs", source::hash(FORMS), edits.collect()).unwrap();
    let change = Change::new(&set, FORMS, &FORMS.replace("10", "11"));
    let effects = Effects::of([FORMS]);
    for (matched, rest, layout) in [(true, true, 0), (true, false, 1), (false, false, 2)] {
        let ask = Ask { matched, allocator: rest, tallies: rest, layout };
        let twinned = twin(&change, &effects, ask, 0);
        assert_eq!((twinned.twins.len(), twinned.left_out), (7, vec![]));
        let repeated: Vec<&str> = twinned.twins.iter().filter(|t| t.matched).map(|t| t.name.as_str()).collect();
        assert_eq!(repeated, if ask.matched { vec!["size", "first", "find", "sum"] } else { vec![] });
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("lib.rs"), &twinned.text).unwrap();
        let args = ["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "--cap-lints", "allow", "lib.rs"];
        let out = Command::new("rustc").args(args).current_dir(dir.path()).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
}

const SLO: &str = r#"version = "slo/v1"
[service]
name = "tiny"
[[slo]]
name = "latency"
operation = "GET /"
p99 = "200ms"
[[workload]]
slo = "latency"
build = "cargo build --release --bins"
run = "target/release/tiny {port} {log}"
ready = "GET http://127.0.0.1:{port}/health"
load = "target/release/load {port} LOAD"
[gate]
max_time = "1s"
"#;

/// Its library.
pub const LIB: &str = r#"/// Counts what is different.
pub fn distinct(values: &[u64]) -> usize {
    let mut seen: Vec<u64> = Vec::new();
    for value in values {
        if !seen.contains(value) {
            seen.push(*value);
        }
    }
    seen.len()
}

#[test]
fn counts() {
    assert_eq!(distinct(&[1, 1, 2]), 2);
}
"#;

const SERVICE: &str = r#"use std::io::{Read, Write};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let listener = std::net::TcpListener::bind(format!("127.0.0.1:{}", arguments[1])).unwrap();
    let mut log = std::fs::File::create(&arguments[2]).unwrap();
    let began = std::time::Instant::now();
    let values: Vec<u64> = (0..600).collect();
    for (n, stream) in listener.incoming().enumerate() {
        let mut stream = stream.unwrap();
        let mut bytes = [0; 512];
        let read = stream.read(&mut bytes).unwrap_or(0);
        let start = began.elapsed().as_nanos();
        let is_asked = bytes[..read].starts_with(b"GET / ");
        let found = if is_asked { tiny::distinct(&values) } else { 0 };
        let end = began.elapsed().as_nanos();
        let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{found}");
        if is_asked {
            let line = format!("{{\"request\":\"r{n}\",\"operation\":\"GET /\",\"start_ns\":{start},\"end_ns\":{end}}}\n");
            log.write_all(line.as_bytes()).unwrap();
        }
    }
}
"#;

const LOAD: &str = r#"use std::io::{Read, Write};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    for _ in 0..arguments[2].parse().unwrap() {
        let mut stream = std::net::TcpStream::connect(format!("127.0.0.1:{}", arguments[1])).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
}
"#;

/// A small service with a workload of so many requests.
pub fn service(requests: usize) -> Scene {
    service_under(&format!("target/release/load {{port}} {requests}"))
}

fn service_under(load: &str) -> Scene {
    let scene = Scene::with(&[
        ("slo.toml", &SLO.replace("target/release/load {port} LOAD", load)),
        ("Cargo.toml", crate::verify::MANIFEST),
        ("Cargo.lock", crate::verify::LOCK),
        (".gitignore", "target\n"),
        ("src/lib.rs", LIB),
        ("src/main.rs", SERVICE),
        ("src/bin/load.rs", LOAD),
    ]);
    open(&scene);
    scene
}

/// What is slow in it.
pub const OLD: &str = "let mut seen: Vec<u64> = Vec::new();
    for value in values {
        if !seen.contains(value) {
            seen.push(*value);
        }
    }
    seen.len()";
/// What does the same.
pub const NEW: &str = "let mut seen: Vec<u64> = values.to_vec();
    seen.sort_unstable();
    seen.dedup();
    seen.len()";

#[test]
fn the_calls_of_the_workload_time_old_and_new() {
    let scene = service(200);
    let rewrite = proposal(LIB, OLD, NEW);
    let verdicts = prove(&open(&scene), &[rewrite], &ProveOptions::default(), &Ear::deaf()).unwrap();
    let measurement = verdicts[0].measurement().unwrap_or_else(|| panic!("{:?}", verdicts[0].evidence()));
    assert_eq!((measurement.exercised_by.as_str(), measurement.speed), ("workload", Speed::Improved));
    assert_eq!(verdicts[0].outcome(), Outcome::Verified, "{}", verdicts[0].by());
}

/// What the rung *twins agree* says where the workload is run, and of what.
fn compared(scene: &Scene, new: &str) -> (Verdict, Evidence) {
    let verdict =
        prove(&open(scene), &[proposal(LIB, OLD, new)], &ProveOptions::default(), &Ear::deaf()).unwrap().remove(0);
    let twins = verdict.rung(Rung::TwinsAgree).expect("it is always climbed").clone();
    (verdict, twins)
}

#[test]
fn the_calls_of_the_workload_are_compared_and_counted_apart() {
    let (_, twins) = compared(&service(200), NEW);
    assert_eq!(twins.state, RungState::Passed, "{}\n{}", twins.detail, twins.log);
    let count =
        twins.detail.strip_prefix("1 call of distinct by the tests and ").unwrap_or_else(|| panic!("{}", twins.detail));
    let (count, rest) = count.split_once(' ').expect("a number");
    assert_eq!(rest, "calls by the workload compared, none differs in its result or a panic");
    // The service is killed in the end: it told of its calls at every power of two.
    assert!((128..=200).contains(&count.parse::<u64>().expect("a number")), "{count}");
}

#[test]
fn what_only_the_inputs_of_the_workload_tell_apart_is_refuted_with_its_source() {
    let wrong = NEW.replace("seen.len()", "seen.len().min(599)");
    let (verdict, twins) = compared(&service(60), &wrong);
    assert_eq!(verdict.rung(Rung::TestsPass).map(|e| e.state), Some(RungState::Passed));
    assert_eq!((twins.state, verdict.outcome()), (RungState::Failed, Outcome::Refuted), "{}", twins.detail);
    assert!(twins.detail.starts_with("distinct(values = [0, 1, 2, "), "{}", twins.detail);
    let said = "its result is 600 with the old code and 599 with the new (a call of the workload)";
    assert!(twins.detail.ends_with(said), "{}", twins.detail);
    assert!(twins.log.contains(", by the workload\n"), "{}", twins.log);
}

#[test]
fn a_workload_that_fails_takes_nothing_from_what_the_tests_showed() {
    let (_, twins) = compared(&service_under("echo no route to it; exit 3"), NEW);
    assert_eq!(twins.state, RungState::Passed, "{}", twins.detail);
    let said =
        "1 call of distinct compared, none differs in its result or a panic; the workload's calls are not compared: ";
    assert!(twins.detail.starts_with(said), "{}", twins.detail);
    assert!(twins.detail.ends_with("the load ended with exit status 3"), "{}", twins.detail);
}

#[test]
fn a_workload_that_fails_once_is_tried_again() {
    let scene = service_under("test -e tried || { touch tried; exit 3; }; target/release/load {port} 200");
    let verdicts = prove(&open(&scene), &[proposal(LIB, OLD, NEW)], &ProveOptions::default(), &Ear::deaf()).unwrap();
    assert_eq!(verdicts[0].outcome(), Outcome::Verified, "{}", verdicts[0].by());
    assert_eq!(verdicts[0].measurement().map(|m| m.exercised_by.as_str()), Some("workload"));
}

#[test]
fn where_the_workload_fails_slower_calls_of_the_tests_refute_nothing() {
    let scene = service_under("echo no route to it; exit 3");
    let slower = NEW
        .replace("seen.len()", "(0..4000u64).for_each(|n| drop(std::hint::black_box(n.to_string())));\n    seen.len()");
    let verdicts =
        prove(&open(&scene), &[proposal(LIB, OLD, &slower)], &ProveOptions::default(), &Ear::deaf()).unwrap();
    let faster = verdicts[0].rung(Rung::Faster).unwrap();
    assert_eq!((verdicts[0].outcome(), faster.state), (Outcome::Inconclusive, RungState::Undecided));
    assert!(faster.detail.starts_with("REGRESSED distinct: "), "{}", faster.detail);
    assert!(
        faster.detail.ends_with("; the workload failed: `echo no route to it; exit 3` failed: no route to it"),
        "{}",
        faster.detail
    );
}

#[test]
fn the_objective_is_measured_on_what_has_landed() {
    let scene = service(190);
    let problem = measure_objective(&open(&scene), "latency", &Ear::deaf()).unwrap_err();
    assert_eq!(problem.what, "nothing has landed on refit/tiny: there is no stack to measure");
    land(&scene);
    let found = measure_objective(&open(&scene), "latency", &Ear::deaf()).unwrap();
    assert!(found.requests >= 368, "{found:?}");
    assert!(found.before_ms.1 <= found.before_ms.0 && found.before_ms.0 <= found.before_ms.2, "{found:?}");
    assert_ne!(found.trees.0, found.trees.1);
    let row = |what: &str| found.spent.table.lines().any(|l| l.starts_with(what));
    assert!(row("p50") && row("peak memory") && row("binary") && row("benches"), "{}", found.spent.table);
    assert!(found.spent.unknown.contains(&"benches".to_owned()), "the project has none: {:?}", found.spent);
}

#[test]
fn too_few_requests_for_the_quantile_are_refused() {
    let scene = service(5);
    land(&scene);
    let problem = measure_objective(&open(&scene), "latency", &Ear::deaf()).unwrap_err();
    assert_eq!(
        problem.what,
        "30 requests of GET / per arm are too few for the quantile 0.99: 299 give a bound, 368 an interval"
    );
}

/// Commits the new code on the landing branch without a change to the checkout.
fn land(scene: &Scene) {
    scene.git(&["checkout", "-q", "-b", "refit/tiny"]);
    scene.commit(&[("src/lib.rs", &LIB.replace(OLD, NEW))]);
    scene.git(&["checkout", "-q", "main"]);
}
