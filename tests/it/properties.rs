//! Old and new on made inputs: what the tests never ask is asked, and what cannot be asked says why.

use refit::jobs::ProveOptions;
use refit::model::*;

use crate::verify::{UNMEASURED, proposal, prove_one, tiny_with};

const ASKED: ProveOptions = ProveOptions { properties: true, ..UNMEASURED };

const LIB: &str = r#"//! Widths.
#![deny(warnings)]

/// Letters of a name between its blanks.
pub fn width(name: &str, most: usize) -> usize {
    let name = name.trim();
    name.chars().count().min(most)
}

/// A limit.
pub struct Limit(pub usize);

impl Limit {
    /// The limit, or less.
    pub fn of(&self, n: usize) -> usize {
        if n > self.0 { self.0 } else { n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_do_not_count() {
        assert_eq!(width("ab ", 9), 2);
        assert_eq!(width("", 9), 0);
        assert_eq!(width("abc", 2), 2);
    }

    #[test]
    fn limits_hold() {
        assert_eq!((Limit(3).of(5), Limit(3).of(2)), (3, 2));
    }
}
"#;

#[track_caller]
fn check(from: &str, to: &str, state: RungState) -> (Verdict, Evidence) {
    let verdict = prove_one(&tiny_with(LIB), &proposal(LIB, from, to), &ASKED);
    let found = verdict.rung(Rung::PropertiesAgree).expect("it was asked for").clone();
    assert_eq!(found.state, state, "{}\n{}", found.detail, found.log);
    (verdict, found)
}

#[test]
fn a_wrong_rewrite_that_tests_and_twins_let_pass_falls_with_a_small_input_and_a_test() {
    let (verdict, found) = check("let name = name.trim();", "let name = name.trim_end();", RungState::Failed);
    assert_eq!(verdict.rung(Rung::TwinsAgree).map(|e| e.state), Some(RungState::Passed), "{:?}", verdict.evidence());
    assert_eq!(verdict.outcome(), Outcome::Refuted);
    assert!(found.detail.starts_with("width(name = String::from(\""), "{}", found.detail);
    assert!(found.detail.ends_with("its result is 1 with the old code and 2 with the new"), "{}", found.detail);
    assert!(
        found.log.starts_with("#[test]\nfn width_gives_what_it_gave() {\n    let a0 = String::from(\""),
        "{}",
        found.log
    );
    assert!(found.log.contains("    assert_eq!(format!(\"{:?}\", width(&a0[..], a1)), \"1\");\n"), "{}", found.log);
}

#[test]
fn a_right_rewrite_holds_for_thousands_of_made_inputs() {
    let (_, found) = check(
        "let name = name.trim();\n    name.chars().count().min(most)",
        "name.trim().chars().take(most).count()",
        RungState::Passed,
    );
    assert!(found.detail.ends_with(" inputs of width made, none differs"), "{}", found.detail);
    let inputs: u64 = found.detail.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    assert!(inputs >= 1_000, "{inputs}");
}

#[test]
fn what_cannot_be_called_with_made_inputs_stays_open_and_says_why() {
    let (verdict, found) = check("if n > self.0 { self.0 } else { n }", "n.min(self.0)", RungState::Undecided);
    assert_eq!(found.detail, "of is a method or stands inside of something: no test can call it by its name alone");
    assert_ne!(verdict.outcome(), Outcome::Refuted);
}
