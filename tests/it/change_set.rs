//! Proposals taken as one change: proved together, what breaks them found and named, landed as one commit.

use refit::effects::git::LandedCommit;
use refit::jobs::{self, Ear, prove_set};
use refit::model::*;
use refit::source;

use crate::proposals::accept;
use crate::scene::Scene;
use crate::verify::{UNMEASURED, open, proposal, tiny_with};

const LIB: &str = r#"//! Sums.

/// Doubles.
pub fn double(n: u64) -> u64 {
    n + n
}

/// Squares.
pub fn square(n: u64) -> u64 {
    n * n
}

/// Halves.
pub fn halve(n: u64) -> u64 {
    n / 2
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
    fn eight_is_halved() {
        assert_eq!(halve(8), 4);
    }
}
"#;

/// A proposal with several edits; the first names it.
fn edited(edits: &[(&str, &str)]) -> Rewrite {
    let edit = |(from, to): &(&str, &str)| {
        let start = LIB.find(from).expect("it is there");
        TextEdit { range: TextRange::new(start, start + from.len()), text: (*to).to_owned() }
    };
    let set = EditSet::new("src/lib.rs", source::hash(LIB), edits.iter().map(edit).collect()).unwrap();
    let new = source::apply(&set, LIB).unwrap();
    let diff = source::diff("src/lib.rs", LIB, &new);
    Rewrite { edits: vec![set], diff, ..proposal(LIB, edits[0].0, edits[0].1) }
}

/// The tree of the scene's commit with this text in the place of the library.
fn tree(scene: &Scene, text: String) -> String {
    let base = scene.git(&["rev-parse", "HEAD^{tree}"]);
    scene.repository().tree_with(&base, &[("src/lib.rs".into(), text.into_bytes())]).unwrap()
}

#[test]
fn what_breaks_the_set_is_named_and_the_rest_holds_as_one_tree_and_lands_as_one_commit() {
    let scene = tiny_with(LIB);
    let workspace = open(&scene);
    let all = [proposal(LIB, "n + n", "2 * n"), proposal(LIB, "n * n", "n * n + 1"), proposal(LIB, "n / 2", "n >> 1")];
    let proved = prove_set(&workspace, &all, &UNMEASURED, &Ear::deaf()).expect("the proof runs");
    assert_eq!(proved.fallen.len(), 1, "{:?}", proved.fallen);
    let fallen = &proved.fallen[0];
    assert_eq!((&fallen.rewrite, &fallen.with[..]), (&all[1].id, &[][..]));
    assert_eq!(fallen.why, "tests pass: 1 test passed before and fails now: tests::three_is_squared");
    assert_eq!(proved.set.members(), [all[0].id.clone(), all[2].id.clone()]);
    assert_eq!(proved.tree, tree(&scene, LIB.replace("n + n", "2 * n").replace("n / 2", "n >> 1")));
    assert!(proved.by.contains("tests pass: 3 tests, the same 3 pass"), "{}", proved.by);
    for held in [&proved.verdicts[0], &proved.verdicts[2]] {
        let states: Vec<_> = held.evidence().iter().take(4).map(|e| e.state).collect();
        assert_eq!(states, [RungState::Passed; 4], "the others keep their proof: {:?}", held.evidence());
    }

    let sign = |rewrite: &Rewrite, verdict: &Verdict| {
        accept(&workspace, rewrite);
        jobs::sign(&workspace, rewrite, Some(verdict.clone()), "", Some("not timed".into())).unwrap()
    };
    let signed = [sign(&all[0], &proved.verdicts[0]), sign(&all[2], &proved.verdicts[2])];
    let operation = jobs::apply_set(&workspace, &signed, &Ear::deaf()).expect("the set lands");
    assert_eq!(operation.rewrites, [all[0].id.clone(), all[2].id.clone()]);
    assert_eq!(scene.git(&["rev-list", "--count", "HEAD..refit/tiny"]), "1");
    assert_eq!(scene.git(&["rev-parse", "refit/tiny^{tree}"]), proved.tree);
    let commits: Vec<LandedCommit> = scene.repository().landed("refit/tiny").unwrap();
    let apart: Vec<LandedCommit> = commits.iter().flat_map(LandedCommit::apart).collect();
    let proposals: Vec<&str> = apart.iter().map(|c| c.trailer("Refit-Proposal")).collect();
    assert_eq!(proposals, [all[0].id.0.as_str(), all[2].id.0.as_str()]);
    for commit in &apart {
        assert!(commit.trailer("Refit-Evidence").contains("tests pass: passed"), "{commit:?}");
        assert_eq!(commit.trailer("Refit-Forced"), "not timed");
        assert!(commit.trailer("Reviewed-by").contains('@'), "{commit:?}");
    }
    jobs::undo(&workspace).expect("one operation takes it back");
    assert_eq!(scene.git(&["branch", "--list", "refit/*"]), "");
}

#[test]
fn two_that_hold_apart_and_not_together_are_found_and_the_later_one_falls_out() {
    let scene = tiny_with(LIB);
    let workspace = open(&scene);
    let all = [
        edited(&[("n + n", "n * TIMES"), ("/// Doubles.", "const TIMES: u64 = 2;\n\n/// Doubles.")]),
        proposal(LIB, "n / 2", "n >> 1"),
        edited(&[("n * n", "n.pow(TIMES)"), ("/// Squares.", "const TIMES: u32 = 2;\n\n/// Squares.")]),
    ];
    let proved = prove_set(&workspace, &all, &UNMEASURED, &Ear::deaf()).expect("the proof runs");
    assert!(proved.verdicts.iter().all(|v| v.outcome() != Outcome::Refuted), "each holds: {:?}", proved.verdicts);
    assert_eq!(proved.fallen.len(), 1, "{:?}", proved.fallen);
    let fallen = &proved.fallen[0];
    assert_eq!((&fallen.rewrite, &fallen.with[..]), (&all[2].id, &[all[0].id.clone()][..]));
    assert!(fallen.why.contains("TIMES"), "{}", fallen.why);
    assert_eq!(proved.set.members(), [all[0].id.clone(), all[1].id.clone()]);
}

#[test]
fn alternatives_and_sets_that_are_too_large_are_refused_before_anything_runs() {
    let scene = tiny_with(LIB);
    let workspace = open(&scene);
    let same = [proposal(LIB, "n + n", "2 * n"), proposal(LIB, "n + n", "n << 1")];
    let problem = prove_set(&workspace, &same, &UNMEASURED, &Ear::deaf()).expect_err("they overlap");
    assert!(problem.what.contains("change the same lines") && problem.what.contains(&same[1].id.0), "{}", problem.what);
    let body: String = (0..401).map(|i| format!("+// {i}\n")).collect();
    let large = Rewrite { diff: format!("@@ -0,0 +1,401 @@\n{body}"), ..proposal(LIB, "n / 2", "n >> 1") };
    let problem = prove_set(&workspace, &[same[0].clone(), large], &UNMEASURED, &Ear::deaf()).expect_err("too large");
    assert!(problem.help.starts_with("take out "), "{}", problem.help);
}
