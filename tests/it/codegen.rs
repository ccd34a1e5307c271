//! The rung *codegen*: what becomes the same machine code is equivalent and no faster.

use refit::jobs::{Ear, ProveOptions, prove};
use refit::model::*;

use crate::verify::{UNMEASURED, open, proposal, tiny_with};

const ASKED: ProveOptions = ProveOptions { codegen: true, ..UNMEASURED };

const LIB: &str = r#"//! Sums.

/// The next one.
pub fn next(v: &[u32]) -> Option<u32> {
    let n = match v.first() {
        Some(n) => n,
        None => return None,
    };
    n.checked_add(1)
}

/// How long all are.
pub fn total(v: &[String]) -> usize {
    v.to_vec().iter().map(|s| s.len()).sum()
}

/// Of anything.
pub fn copied<T: Clone>(v: &[T]) -> Vec<T> {
    v.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_right() {
        assert_eq!((next(&[1]), next(&[]), total(&["ab".into()])), (Some(2), None, 2));
        assert_eq!(copied(&[1]), [1]);
    }
}
"#;

const LADDER: &str = "match v.first() {\n        Some(n) => n,\n        None => return None,\n    }";

/// What the rung says of a proposal of this kind.
fn said(kind: Kind, old: &str, new: &str) -> (Outcome, RungState, String) {
    // What is known of a proposal is kept by its id, and another kind is another proposal.
    let proposal = proposal(LIB, old, new);
    let rewrite = Rewrite { kind, id: RewriteId(format!("{}{}", proposal.id, kind.word())), ..proposal };
    let verdicts = prove(&open(&tiny_with(LIB)), &[rewrite], &ASKED, &Ear::deaf()).expect("the proof runs");
    let rung = verdicts[0].rung(Rung::Codegen).expect("it was climbed");
    (verdicts[0].outcome(), rung.state, rung.detail.clone())
}

#[test]
fn a_ladder_and_a_question_mark_are_equivalent() {
    let (outcome, state, detail) = said(Kind::ErrorLadder, LADDER, "v.first()?");
    assert_eq!((outcome, state), (Outcome::Verified, RungState::Passed), "{detail}");
    assert!(
        detail.starts_with("old and new are the same ") && detail.ends_with("and as fast as each other"),
        "{detail}"
    );
}

#[test]
fn the_same_machine_code_refutes_that_it_is_faster() {
    let (outcome, state, detail) = said(Kind::Quadratic, LADDER, "v.first()?");
    assert_eq!((outcome, state), (Outcome::Refuted, RungState::Failed), "{detail}");
    assert!(detail.ends_with("they are equivalent, and nothing can be won"), "{detail}");
}

#[test]
fn other_machine_code_claims_nothing() {
    let (_, state, detail) = said(Kind::DefensiveCopy, "v.to_vec().iter()", "v.iter()");
    assert_eq!(state, RungState::Passed, "{detail}");
    assert!(detail.ends_with("which says nothing of their time"), "{detail}");
}

#[test]
fn a_generic_function_is_not_decided_in_its_own_crate() {
    let (_, state, detail) = said(Kind::DefensiveCopy, "Vec<T> {\n    v.to_vec()", "Vec<T> {\n    Vec::from(v)");
    assert_eq!(state, RungState::Undecided, "{detail}");
    assert!(detail.starts_with("copied has no machine code of its own"), "{detail}");
}
