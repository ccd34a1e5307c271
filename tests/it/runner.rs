//! Who runs the tests: nextest where this machine has it and the project works under it, else cargo; documentation, flaky tests and the whole ladder.

use std::process::{Command, Stdio};

use refit::jobs::{Ear, prove};
use refit::model::*;

use crate::scene::Scene;
use crate::verify::{MANIFEST, UNMEASURED, open, proposal, tiny_with};

/// A function with an example and a test; another that only an example calls.
const LIB: &str = r#"//! Sums.

/// Doubles.
///
/// ```
/// assert_eq!(tiny::double(2), 4);
/// ```
pub fn double(n: u64) -> u64 {
    n + n
}

/// One less, and nothing less than nothing.
///
/// ```
/// assert_eq!(tiny::less(0), 0);
/// ```
pub fn less(n: u64) -> u64 {
    n.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_is_doubled() {
        assert_eq!(double(2), 4);
    }

    #[test]
    fn five_is_one_more_than_four() {
        assert_eq!(less(5), 4);
    }
}
"#;

/// What *tests pass* says of each, and the steps that were told.
fn proved(scene: &Scene, rewrites: &[Rewrite]) -> (Vec<(RungState, String)>, Vec<String>) {
    let (progress, heard) = crossbeam_channel::unbounded();
    let verdicts =
        prove(&open(scene), rewrites, &UNMEASURED, &Ear { progress, ..Ear::deaf() }).expect("the proof runs");
    let said = |v: &Verdict| v.rung(Rung::TestsPass).map(|e| (e.state, e.detail.clone())).expect("it was climbed");
    let step = |told| match told {
        Progress::Step { what, .. } => Some(what),
        _ => None,
    };
    (verdicts.iter().map(said).collect(), heard.try_iter().filter_map(step).collect())
}

/// Both runners know the same tests, those in the documentation too, and name what breaks.
#[track_caller]
fn check_both_kinds(scene: &Scene) -> Vec<String> {
    let right = proposal(LIB, "n + n", "2 * n");
    let wrong = proposal(LIB, "n.saturating_sub(1)", "n.wrapping_sub(1)");
    let (said, mut steps) = proved(scene, &[right]);
    assert_eq!(said, [(RungState::Passed, String::from("4 tests, the same 4 pass, with counters in the code"))]);
    let (said, more) = proved(scene, &[wrong]);
    let broken = "1 test passed before and fails now: src/lib.rs - less";
    assert_eq!(said, [(RungState::Failed, String::from(broken))]);
    steps.extend(more);
    steps
}

/// The step of the base's tests by each runner.
const BY_NEXTEST: &str =
    "cargo nextest run --no-fail-fast --no-tests=pass --workspace; cargo test --doc --no-fail-fast -p tiny (base)";
const BY_CARGO: &str = "cargo test --no-fail-fast --workspace (base)";

fn has_nextest() -> bool {
    Command::new("cargo").args(["nextest", "--version"]).output().is_ok_and(|o| o.status.success())
}

#[test]
fn nextest_runs_the_tests_where_it_is_there_and_cargo_those_in_the_documentation() {
    let steps = check_both_kinds(&tiny_with(LIB));
    let wanted = if has_nextest() { BY_NEXTEST } else { BY_CARGO };
    assert!(steps.iter().any(|s| s == wanted), "{steps:#?}");
    assert!(!has_nextest() || !steps.iter().any(|s| s == BY_CARGO), "nothing failed: {steps:#?}");
}

#[test]
fn the_tests_that_come_by_are_known_by_name_whoever_runs_them() {
    let lib = LIB.to_owned();
    let verdict = crate::verify::prove_one(&tiny_with(&lib), &proposal(&lib, "n + n", "2 * n"), &UNMEASURED);
    let reached = verdict.rung(Rung::TestsReach).expect("it was climbed");
    assert_eq!(reached.state, RungState::Passed, "{reached:?}");
    assert!(reached.log.contains("tests::two_is_doubled"), "{reached:?}");
    assert!(!reached.log.contains("five_is_one_more"), "{reached:?}");
}

/// Tests that only pass because another one of their program has run before them.
const TOGETHER: &str = r#"
#[cfg(test)]
mod together {
    static FIRST: std::sync::OnceLock<u64> = std::sync::OnceLock::new();

    #[test]
    fn one_starts_it() {
        FIRST.get_or_init(|| crate::double(1));
    }

    #[test]
    fn the_other_waits_for_it() {
        let began = std::time::Instant::now();
        while FIRST.get().is_none() && began.elapsed().as_secs() < 3 {
            std::thread::yield_now();
        }
        assert_eq!(FIRST.get(), Some(&2));
    }
}
"#;

#[test]
fn what_only_passes_in_one_process_is_run_by_cargo() {
    let lib = format!("{LIB}{TOGETHER}");
    let (said, steps) = proved(&tiny_with(&lib), &[proposal(&lib, "n + n", "2 * n")]);
    assert_eq!(said, [(RungState::Passed, String::from("6 tests, the same 6 pass, with counters in the code"))]);
    assert!(steps.iter().any(|s| s == BY_CARGO), "{steps:#?}");
}

#[test]
fn where_nextest_cannot_list_the_tests_cargo_runs_them() {
    let scene = tiny_with(LIB);
    let manifest = format!("{MANIFEST}\n[[test]]\nname = \"own\"\nharness = false\n");
    scene
        .commit(&[("Cargo.toml", &manifest), ("tests/own.rs", "fn main() {\n    println!(\"test own ... ok\");\n}\n")]);
    let (said, steps) = proved(&scene, &[proposal(LIB, "n + n", "2 * n")]);
    assert_eq!(said, [(RungState::Passed, String::from("5 tests, the same 5 pass, with counters in the code"))]);
    assert!(steps.iter().any(|s| s == BY_CARGO), "{steps:#?}");
}

#[test]
fn a_test_that_passes_only_now_and_then_is_known_by_its_name_and_refutes_nothing() {
    let place = tempfile::tempdir().unwrap();
    let seen = place.path().join("seen");
    let flaky = format!(
        "    #[test]\n    fn now_and_then() {{\n        let seen = std::path::Path::new({seen:?});\n        let is_there = seen.exists();\n        \
         std::fs::write(seen, \"\").unwrap();\n        assert!(!is_there);\n    }}\n}}\n"
    );
    let lib = LIB.strip_suffix("}\n").unwrap().to_owned() + "\n" + &flaky;
    let (said, _) = proved(&tiny_with(&lib), &[proposal(&lib, "n + n", "2 * n")]);
    let expected = "4 tests, the same 4 pass; failing or flaky before: tests::now_and_then, with counters in the code";
    assert_eq!(said, [(RungState::Passed, String::from(expected))]);
}

const LOOKUPS: &str = r#"//! Sales.

/// Pieces on sale.
pub fn on_sale(lines: &[(String, u64)], sale: &[String]) -> u64 {
    let mut pieces = 0;
    for line in lines {
        if sale.contains(&line.0) {
            pieces += line.1;
        }
    }
    pieces
}

#[test]
fn pieces_are_counted() {
    let named = |from: u64, to: u64| (from..to).map(|n| format!("article {n}")).collect::<Vec<String>>();
    let lines: Vec<(String, u64)> = named(150, 450).into_iter().zip(1..).collect();
    let sale = named(0, 300);
    for _ in 0..50 {
        assert_eq!(on_sale(&lines, &sale), 150 * 151 / 2);
    }
    assert_eq!(on_sale(&lines, &[]), 0);
}
"#;

/// `refit` on the project: its one document.
fn refit(scene: &Scene, args: &[&str]) -> serde_json::Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_refit"));
    let ran = command.args(args).arg("--root").arg(scene.root()).stdin(Stdio::null()).output().expect("refit runs");
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&ran.stderr)))
}

/// The rungs of the one verdict, each with its state.
#[track_caller]
fn rungs(told: &serde_json::Value) -> Vec<(String, String)> {
    let all = told["verdicts"][0]["evidence"].as_array().unwrap_or_else(|| panic!("{told:#}"));
    let word = |e: &serde_json::Value, name: &str| e[name].as_str().unwrap().to_owned();
    all.iter().map(|e| (word(e, "rung"), word(e, "state"))).collect()
}

#[test]
fn a_proposal_that_is_named_climbs_every_rung_and_lands_with_all_of_it_which_replay_finds_again() {
    let scene = tiny_with(LOOKUPS);
    let found = refit(&scene, &["propose", "--all", "--json"]);
    let id = found["rewrites"][0]["id"].as_str().expect("a rule finds the list");
    let names = |rungs: &[(String, String)]| rungs.iter().map(|(rung, _)| rung.clone()).collect::<Vec<_>>();
    let quick = rungs(&refit(&scene, &["verify", id, "--trust", "--quick", "--json"]));
    // Machine code is compared wherever something is called faster.
    let always = ["compiles", "tests pass", "tests reach it", "twins agree", "codegen", "faster"];
    assert_eq!(names(&quick), always);
    let told = refit(&scene, &["verify", id, "--trust", "--json"]);
    let whole = rungs(&told);
    assert_eq!(names(&whole), Rung::ALL.iter().map(|r| r.word().to_owned()).collect::<Vec<_>>());
    let state = |rung: &str| whole.iter().find(|(name, _)| name == rung).map(|(_, state)| state.as_str());
    assert_eq!(state("properties agree"), Some("passed"), "{told:#}");
    // So little code has fewer than ten wrong versions, which is no power yet.
    assert_eq!(state("gate has power"), Some("undecided"), "{told:#}");
    assert_eq!((state("codegen"), state("nothing worse")), (Some("passed"), Some("undecided")), "{told:#}");
    assert!(told["verdicts"][0]["power"]["viable"].as_u64().is_some_and(|n| n >= 5), "{told:#}");
    assert_eq!(told["verdicts"][0]["verdict"], "verified", "{told:#}");
    let numbers = ["speed", "ratio", "ci", "pairs", "calls", "noise_floor", "mde", "exercised_by", "witness", "slices"];
    for name in numbers {
        assert!(!told["verdicts"][0]["measurement"][name].is_null(), "{name}: {told:#}");
    }

    for hunk in 1..=refit(&scene, &["review", "show", id, "--json"])["proposals"][0]["hunks"].as_array().unwrap().len()
    {
        refit(&scene, &["review", "accept", id, &hunk.to_string(), "--json"]);
    }
    refit(&scene, &["review", "sign", id, "--accept-obligations", "--json"]);
    refit(&scene, &["apply", id, "--json"]);
    check_what_landed(&scene, id);

    let replayed = refit(&scene, &["verify", "--replay", "refit/tiny", "--trust", "--json"]);
    let compared = replayed["proposals"][0]["compared"].as_array().unwrap_or_else(|| panic!("{replayed:#}"));
    let again = ["message", "change", "evidence", "interval", "proved again"];
    for what in again.iter().copied().chain(Rung::ALL.iter().map(|r| r.word())) {
        let point = compared.iter().find(|c| c["what"] == what).unwrap_or_else(|| panic!("{what}: {compared:#?}"));
        // A machine that is busy by then may see less of the time than it did.
        let is_timed = ["proved again", "faster"].contains(&what);
        assert!(point["agrees"] == true || (is_timed && point["agrees"] != false), "{point}");
    }
}

/// Message and note name the rule and its version, what it rests on with the answers, what tests and twins came to, the power
/// of the gate, the interval, and the digests of texts and raw numbers.
fn check_what_landed(scene: &Scene, id: &str) {
    let message = scene.git(&["log", "-1", "--format=%B", "refit/tiny"]);
    let digest = "Refit-Attestation: sha256:";
    for line in ["Refit-Rule: linear-lookup-in-loop", &format!("Refit-Proposal: {id}"), "Refit-Measured: 0.", digest] {
        assert!(message.lines().any(|l| l.starts_with(line)), "{line} is not in\n{message}");
    }
    for said in ["51 calls of on_sale compared", "places executed by 1 test", "10000 inputs of on_sale made"] {
        assert!(message.replace("\n  ", " ").contains(said), "{said} is not in\n{message}");
    }
    let note = scene.git(&["notes", "--ref=refit", "show", "refit/tiny"]);
    let line = note.lines().find(|l| l.starts_with('{')).unwrap_or_else(|| panic!("{note}"));
    let note: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (note["rule"].as_str(), note["refit"].as_str(), note["proposal"].as_str()),
        (Some("linear-lookup-in-loop"), Some(env!("CARGO_PKG_VERSION")), Some(id))
    );
    let answers = note["preconditions"].as_array().unwrap();
    assert!(answers.len() == 4 && answers.iter().all(|p| p[2] == "holds"), "{note:#}");
    let is_digest =
        |value: &serde_json::Value| value.as_str().is_some_and(|d| d.starts_with("sha256:") && d.len() == 71);
    assert!(is_digest(&note["slices"]) && is_digest(&note["files"][0][1]), "{note:#}");
    let sealed: serde_json::Value = serde_json::from_str(note["evidence"].as_str().unwrap()).unwrap();
    let sealed = sealed["body"].as_str().unwrap();
    let all = ["by 1 test", "51 calls of on_sale compared", "mutants killed", "\"killed\"", "\"ci\"", "\"slices\""];
    for said in all {
        assert!(sealed.contains(said), "{said} is not in {sealed}");
    }
}
