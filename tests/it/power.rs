//! Wrong versions of new code against tests that pin what it does, and against tests that hardly look.

use refit::jobs::ProveOptions;
use refit::model::*;

use crate::verify::{UNMEASURED, proposal, prove_one, tiny_with};

const ASKED: ProveOptions = ProveOptions { power: true, ..UNMEASURED };

const BODY: &str = r#"    let mut picked = Vec::new();
    for score in scores {
        if *score >= low && *score <= high {
            picked.push(*score);
        }
    }
    if picked.is_empty() {
        return None;
    }
    Some(picked.iter().sum::<u32>() / picked.len() as u32)
"#;

/// One of its wrong versions never ends.
const NEW: &str = r#"    let (mut sum, mut n, mut i) = (0, 0, 0);
    while i < scores.len() {
        if scores[i] >= low && scores[i] <= high {
            sum += scores[i];
            n += 1;
        }
        i += 1;
    }
    if n == 0 {
        return None;
    }
    Some(sum / n)
"#;

fn lib(tests: &str) -> String {
    format!(
        "//! Grades.\n#![deny(warnings)]\n\n/// The mean of the scores from `low` to `high`, rounded down.\n\
         pub fn mean_between(scores: &[u32], low: u32, high: u32) -> Option<u32> {{\n{BODY}}}\n\n\
         #[cfg(test)]\nmod tests {{\n    use super::*;\n\n{tests}}}\n"
    )
}

const STRONG: &str = r#"    #[test]
    fn only_what_lies_between_counts() {
        assert_eq!(mean_between(&[1, 10, 20, 99], 5, 50), Some(15));
        assert_eq!(mean_between(&[10, 13, 20, 3], 10, 20), Some(14));
    }

    #[test]
    fn bounds_belong_to_it() {
        assert_eq!(mean_between(&[5, 50], 5, 5), Some(5));
        assert_eq!(mean_between(&[5, 50], 50, 50), Some(50));
        assert_eq!(mean_between(&[4, 51], 5, 50), None);
    }

    #[test]
    fn nothing_has_no_mean() {
        assert_eq!(mean_between(&[], 0, 9), None);
    }
"#;

const WEAK: &str = r#"    #[test]
    fn nothing_has_no_mean() {
        assert_eq!(mean_between(&[], 0, 9), None);
    }

    #[test]
    fn something_else_is_tested() {
        assert_eq!(1 + 1, 2);
    }
"#;

#[track_caller]
fn rung(verdict: &Verdict) -> &Evidence {
    verdict.rung(Rung::GateHasPower).unwrap_or_else(|| panic!("{:?}", verdict.evidence()))
}

#[test]
fn tests_that_pin_the_code_catch_its_wrong_versions_and_only_who_asks_waits_for_them() {
    let lib = lib(STRONG);
    let (scene, rewrite) = (tiny_with(&lib), proposal(&lib, BODY, NEW));
    assert_eq!(prove_one(&scene, &rewrite, &UNMEASURED).rung(Rung::GateHasPower), None);
    let verdict = prove_one(&scene, &rewrite, &ASKED);
    let (found, power) = (rung(&verdict), verdict.power().expect("the share"));
    assert_eq!(found.state, RungState::Passed, "{}\n{}", found.detail, found.log);
    assert!(power.viable >= 20 && power.share() >= 0.8, "{power:?}");
    assert!(found.detail.starts_with(&format!("{} of {} mutants killed (", power.killed, power.viable)), "{found:?}");
    assert!(found.log.contains("src/lib.rs:12 `0` for `1`: killed by tests"), "it never ends: {}", found.log);
    let others = || verdict.evidence().iter().filter(|e| e.rung != Rung::GateHasPower);
    assert!(others().filter(|e| e.state == RungState::Passed).all(|e| e.cached), "{:?}", verdict.evidence());
    let again = prove_one(&scene, &rewrite, &UNMEASURED);
    assert_eq!((again.power(), rung(&again).cached), (verdict.power(), true), "what is known is shown");
}

#[test]
fn tests_that_hardly_look_are_called_weak_and_what_they_let_through_is_named() {
    let lib = lib(WEAK);
    let verdict = prove_one(&tiny_with(&lib), &proposal(&lib, BODY, NEW), &ASKED);
    let (found, power) = (rung(&verdict), verdict.power().expect("the share"));
    assert_eq!(found.state, RungState::Weak, "{}\n{}", found.detail, found.log);
    assert!(power.share() < 0.8 && power.killed > 0, "{power:?}");
    assert!(verdict.by().contains("gate has power: weak evidence: "), "{}", verdict.by());
    assert_eq!(verdict.rung(Rung::TestsPass).map(|e| e.state), Some(RungState::Passed));
    let survivors: Vec<String> = power.survivors.iter().map(Survivor::line_for_people).collect();
    assert!(survivors.contains(&String::from("src/lib.rs:8 `||` for `&&` (no test comes by)")), "{survivors:#?}");
    assert_ne!(verdict.outcome(), Outcome::Refuted, "weak evidence refutes nothing");
}
