//! Many proposals asked of rustc at once: the bad ones fall alone by its words, the rest stands as one whole.

use refit::jobs::{Ear, Said, Settled, prove, settle};
use refit::model::*;

use crate::verify::{UNMEASURED, open, proposal, tiny_with};

const LIB: &str = r#"//! Sums.

use std::collections::BTreeSet;

/// Doubles.
pub fn double(n: u64) -> u64 {
    n + n
}

/// Squares.
pub fn square(n: u64) -> u64 {
    n * n
}

/// Counts what differs.
pub fn different(items: &[u64]) -> usize {
    items.iter().collect::<BTreeSet<_>>().len()
}

/// Keeps a text.
pub fn kept(text: String) -> (String, usize) {
    let len = text.len();
    (text, len)
}
"#;

fn settled(proposals: &[Rewrite]) -> Settled {
    settle(&open(&tiny_with(LIB)), proposals, &Ear::deaf()).expect("rustc is asked")
}

fn said(settled: &Settled) -> Vec<String> {
    let word = |said: &Said| match said {
        Said::Accepted => String::from("accepted"),
        Said::Alternative(_) => String::from("alternative"),
        Said::Refused(why) => format!("refused: {why}"),
        Said::Open(why) => format!("open: {why}"),
    };
    settled.said.iter().map(|(_, said)| word(said)).collect()
}

#[test]
fn all_that_is_good_is_settled_by_two_runs() {
    let settled = settled(&[proposal(LIB, "n + n", "2 * n"), proposal(LIB, "n * n", "n.pow(2)")]);
    assert_eq!(said(&settled), ["accepted", "accepted"]);
    assert_eq!(settled.runs, 2, "the base and the whole");
    let whole = settled.together.expect("they stand together");
    assert!(whole.diff.contains("+    2 * n") && whole.diff.contains("+    n.pow(2)"), "{}", whole.diff);
}

#[test]
fn errors_are_mapped_back_to_their_edits_and_nothing_else_falls() {
    let proposals = [
        proposal(LIB, "n + n", "2 * n"),
        proposal(LIB, "n * n", "n.squared()"),
        // Moved and borrowed again: only the borrow checker sees it.
        proposal(LIB, "let len = text.len();\n    (text, len)", "let moved = text;\n    (moved, text.len())"),
    ];
    let settled = settled(&proposals);
    let said = said(&settled);
    assert_eq!(said[0], "accepted");
    assert!(said[1].starts_with("refused: does not compile: error[E0599] src/lib.rs:"), "{said:?}");
    assert!(said[2].starts_with("refused: does not compile: error[E0382] src/lib.rs:"), "{said:?}");
    assert!(settled.runs <= 4, "{} runs", settled.runs);
}

#[test]
fn an_import_that_an_edit_leaves_unused_is_its_fault() {
    let proposals = [proposal(LIB, "n + n", "2 * n"), proposal(LIB, "collect::<BTreeSet<_>>().len()", "count()")];
    let said = said(&settled(&proposals));
    assert_eq!(said[0], "accepted");
    assert!(said[1].starts_with("refused: a new warning: ") && said[1].contains("unused import"), "{said:?}");
}

#[test]
fn an_error_that_points_at_none_of_the_edits_is_found_by_halving() {
    // The error is in a function that no proposal touches: its callee changed its type.
    let lib = LIB.to_owned()
        + "\n/// Uses it.\npub fn user() -> u64 {\n    inner() + 1\n}\n\nfn inner() -> u64 {\n    7\n}\n";
    let proposals = [
        proposal(&lib, "n + n", "2 * n"),
        proposal(&lib, "fn inner() -> u64 {\n    7", "fn inner() -> u32 {\n    7"),
        proposal(&lib, "n * n", "n.pow(2)"),
    ];
    let settled = settle(&open(&tiny_with(&lib)), &proposals, &Ear::deaf()).expect("rustc is asked");
    let said = said(&settled);
    assert_eq!((&*said[0], &*said[2]), ("accepted", "accepted"));
    assert!(said[1].starts_with("refused: does not compile: error[E0"), "{said:?}");
}

#[test]
fn proposals_for_one_place_are_alternatives_and_each_is_asked() {
    let proposals =
        [proposal(LIB, "n + n", "2 * n"), proposal(LIB, "n + n", "n << 1"), proposal(LIB, "n + n", "n.twice()")];
    let settled = settled(&proposals);
    let said = said(&settled);
    assert_eq!(said[..2], ["accepted", "alternative"]);
    assert!(said[2].starts_with("refused: does not compile"), "{said:?}");
    assert_eq!(settled.said[1].1, Said::Alternative(proposals[0].id.clone()));
}

#[test]
fn benches_that_do_not_build_on_the_base_are_left_out_and_said_to_be() {
    let lib = LIB.to_owned()
        + "\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn doubles() {\n        assert_eq!(super::double(2), 4);\n    }\n}\n";
    let scene = tiny_with(&lib);
    scene.commit(&[("benches/old.rs", "#![feature(test)]\nfn main() {}\n")]);
    let good = [proposal(&lib, "n + n", "2 * n")];
    let settled = settle(&open(&scene), &good, &Ear::deaf()).expect("rustc is asked");
    assert_eq!(said(&settled), ["accepted"]);
    let verdicts = prove(&open(&scene), &good, &UNMEASURED, &Ear::deaf()).expect("the proof runs");
    let compiles = verdicts[0].rung(Rung::Compiles).expect("it was climbed");
    assert_eq!(
        compiles.detail,
        "compiles without a new warning; 0 of 0 preconditions hold; benches are left out, because they do not build on the base"
    );
}
