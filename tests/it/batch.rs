//! Several proposals proved at once: what holds keeps its evidence, what breaks falls alone, and any part of a batch lands.

use refit::jobs::{self, Ear, ProveOptions, prove};
use refit::model::*;
use refit::source;

use crate::proposals::accept;
use crate::scene::Scene;
use crate::verify::{UNMEASURED, open, proposal, states, tiny_with};

/// Three functions that a proposal each can change, with a test each.
const LIB: &str = r#"//! Sums.

/// Doubles.
pub fn double(n: u64) -> u64 {
    n + n
}

/// Squares.
pub fn square(n: u64) -> u64 {
    n * n
}

/// Counts what two lists share.
pub fn shared(items: &[u64], known: &[u64]) -> usize {
    items.iter().filter(|i| known.contains(i)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_is_doubled() {
        assert_eq!(double(2), 4);
    }

    #[test]
    fn three_is_squared() {
        assert_eq!(square(3), 9);
    }

    #[test]
    fn half_is_shared() {
        let (items, known): (Vec<u64>, Vec<u64>) = ((0..400).collect(), (200..600).collect());
        for _ in 0..40 {
            assert_eq!(shared(&items, &known), 200);
        }
    }
}
"#;

const SET: &str = "let known: std::collections::HashSet<u64> = known.iter().copied().collect();\n    items.iter().filter(|i| known.contains(i)).count()";

fn proposals() -> Vec<Rewrite> {
    vec![
        proposal(LIB, "n + n", "2 * n"),
        proposal(LIB, "n * n", "n * n + 1"),
        proposal(LIB, "items.iter().filter(|i| known.contains(i)).count()", SET),
    ]
}

fn proved(scene: &Scene, options: &ProveOptions) -> Vec<Verdict> {
    prove(&open(scene), &proposals(), options, &Ear::deaf()).expect("the proof runs")
}

#[test]
fn what_breaks_a_test_falls_alone_and_the_rest_is_proved_together() {
    let verdicts = proved(&tiny_with(LIB), &UNMEASURED);
    let outcomes: Vec<_> = verdicts.iter().map(|v| (v.outcome(), v.by())).collect();
    assert_eq!(
        outcomes[1],
        (Outcome::Refuted, "tests pass: 1 test passed before and fails now: tests::three_is_squared")
    );
    for i in [0, 2] {
        assert_eq!(
            states(&verdicts[i])[..3],
            [("compiles", "passed"), ("tests pass", "passed"), ("tests reach it", "passed")],
            "{:?}",
            verdicts[i].evidence()
        );
    }
    let ids: Vec<&RewriteId> = verdicts.iter().map(Verdict::rewrite).collect();
    assert_eq!(ids, proposals().iter().map(|r| &r.id).collect::<Vec<_>>());
}

#[test]
fn each_of_a_batch_is_counted_and_timed_by_itself() {
    let scene = tiny_with(LIB);
    let both: Vec<Rewrite> = proposals().into_iter().filter(|r| r.id != proposals()[1].id).collect();
    let verdicts = prove(&open(&scene), &both, &ProveOptions::default(), &Ear::deaf()).expect("the proof runs");
    for verdict in &verdicts {
        let tests = &verdict.rung(Rung::TestsPass).unwrap().detail;
        assert_eq!(tests, "3 tests, the same 3 pass, with counters in the code, together with another proposal");
    }
    let reached = |i: usize| verdicts[i].rung(Rung::TestsReach).unwrap().detail.clone();
    assert!(reached(0).starts_with("1 of 1 places executed by 1 test, at least 1 times"), "{}", reached(0));
    assert!(reached(1).starts_with("2 of 2 places executed by 1 test, at least "), "{}", reached(1));
    let timed = verdicts[1].measurement().expect("it was timed");
    assert_eq!((timed.speed, timed.exercised_by.as_str()), (Speed::Improved, "tests"));
    assert!(verdicts[1].rung(Rung::Faster).unwrap().detail.starts_with("IMPROVED shared: "));
    assert_eq!(verdicts[0].tree(), verdicts[1].tree(), "both were proved on one tree");
}

#[test]
fn a_twin_that_does_not_build_is_timed_alone_and_the_others_together() {
    // The old body needs the constant that its own edit removes.
    let lib = LIB.replace(
        "/// Squares.",
        "const TIMES: u64 = 3;\n\n/// Triples.\npub fn triple(n: u64) -> u64 {\n    n * TIMES\n}\n\n/// Squares.",
    );
    let lib = lib.replace(
        "    #[test]\n    fn three",
        "    #[test]\n    fn two_is_tripled() {\n        assert_eq!(triple(2), 6);\n    }\n\n    #[test]\n    fn three",
    );
    let edit = |(from, to): (&str, &str)| {
        let start = lib.find(from).unwrap();
        TextEdit { range: TextRange::new(start, start + from.len()), text: to.to_owned() }
    };
    let edits = [("const TIMES: u64 = 3;\n\n", ""), ("n * TIMES", "3 * n")].map(edit).to_vec();
    let edits = vec![EditSet::new("src/lib.rs", source::hash(&lib), edits).unwrap()];
    let broken = Rewrite { edits, ..proposal(&lib, "n * TIMES", "3 * n") };
    let all = [
        proposal(&lib, "n + n", "2 * n"),
        broken,
        proposal(&lib, "items.iter().filter(|i| known.contains(i)).count()", SET),
    ];
    let (progress, heard) = crossbeam_channel::unbounded();
    let ear = Ear { progress, ..Ear::deaf() };
    let verdicts = prove(&open(&tiny_with(&lib)), &all, &ProveOptions::default(), &ear).expect("the proof runs");
    let step = |said| match said {
        Progress::Step { what, .. } => Some(what),
        _ => None,
    };
    let steps: Vec<String> = heard.try_iter().filter_map(step).collect();
    assert!(steps.iter().any(|s| s == "timing 2 proposals by the tests"), "{steps:#?}");
    let faster = |i: usize| verdicts[i].rung(Rung::Faster).unwrap().detail.clone();
    assert!(faster(1).starts_with("old and new cannot stand side by side: error[E0425]"), "{}", faster(1));
    assert!(faster(2).starts_with("IMPROVED shared: "), "{}", faster(2));
}

#[test]
fn what_was_tested_with_counters_in_it_lands_after_the_tests_ran_without() {
    let scene = tiny_with(LIB);
    let workspace = open(&scene);
    let one = Rewrite { kind: Kind::ErrorLadder, ..proposal(LIB, "n * n", "n.pow(1 + 1)") };
    let verdict =
        prove(&workspace, std::slice::from_ref(&one), &UNMEASURED, &Ear::deaf()).expect("the proof runs").remove(0);
    assert_eq!((verdict.outcome(), verdict.is_counted()), (Outcome::Verified, true), "{:?}", verdict.evidence());
    accept(&workspace, &one);
    let signed = jobs::sign(&workspace, &one, Some(verdict), "", None).unwrap();
    let (progress, heard) = crossbeam_channel::unbounded();
    jobs::apply(&workspace, &[signed], &Ear { progress, ..Ear::deaf() }).unwrap();
    let step = |said| match said {
        Progress::Step { what, .. } => Some(what),
        _ => None,
    };
    let steps: Vec<String> = heard.try_iter().filter_map(step).collect();
    let is_test = |s: &&String| s.contains("--no-fail-fast") && s.ends_with(" (stack)");
    assert_eq!(steps.iter().filter(is_test).count(), 1, "{steps:#?}");
}

#[test]
fn one_of_a_batch_lands_after_exactly_its_own_tree_was_proved() {
    let scene = tiny_with(LIB);
    let workspace = open(&scene);
    let both: Vec<Rewrite> = vec![proposal(LIB, "n + n", "2 * n"), proposal(LIB, "n * n", "n.pow(2)")];
    let verdicts = prove(&workspace, &both, &UNMEASURED, &Ear::deaf()).expect("the proof runs");
    let base = scene.git(&["rev-parse", "HEAD^{tree}"]);
    let tree = |text: String| scene.repository().tree_with(&base, &[("src/lib.rs".into(), text.into_bytes())]).unwrap();
    assert_eq!(verdicts[0].tree(), tree(LIB.replace("n + n", "2 * n").replace("n * n", "n.pow(2)")));
    accept(&workspace, &both[0]);
    let told = jobs::sign(&workspace, &both[0], Some(verdicts[0].clone()), "", Some("not timed".into())).unwrap();
    jobs::apply(&workspace, &[told], &Ear::deaf()).unwrap();
    let landed = scene.git(&["rev-parse", "refit/tiny^{tree}"]);
    assert_eq!(landed, tree(LIB.replace("n + n", "2 * n")));
}
