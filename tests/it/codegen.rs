//! The rung *codegen*: what becomes the same machine code is equivalent and no faster.

use std::process::{Command, Stdio};

use refit::jobs::{Ear, ProveOptions, prove};
use refit::model::*;

use crate::scene::Scene;
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

/// What is sold, and what of it is on sale.
const SHOP: &str = r#"//! Sales.

/// Pieces on sale.
pub fn on_sale(lines: &[(u32, u64)], sale: &[u32]) -> u64 {
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
    let lines: Vec<(u32, u64)> = (1_000..3_000).map(|n| (n, 1)).collect();
    let sale: Vec<u32> = (0..2_000).collect();
    for _ in 0..100 {
        assert_eq!(on_sale(&lines, &sale), 1_000);
    }
}
"#;

/// Fast where it is tested, and what it was everywhere else.
const FOR_TESTS_ALONE: &str = "    if cfg!(test) {
        let sale: std::collections::HashSet<&u32> = sale.iter().collect();
        return lines.iter().filter(|l| sale.contains(&l.0)).map(|l| l.1).sum();
    }
    let mut pieces = 0;
";

/// The program on a project, with an editor that puts this text into the place of any other; what it printed.
fn refit(scene: &Scene, args: &[&str], edited: &str) -> String {
    let text = scene.root().join(".git/edited.rs");
    std::fs::write(&text, edited).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_refit"));
    command.args(args).arg("--root").arg(scene.root()).env_remove("VISUAL");
    command.env("EDITOR", format!("cp {}", text.display())).stdin(Stdio::null());
    String::from_utf8(command.output().expect("refit runs").stdout).unwrap()
}

#[test]
fn what_is_timed_as_faster_is_compared_without_being_asked_and_the_same_machine_code_takes_the_word_back() {
    let scene = tiny_with(SHOP);
    let edited = SHOP.replace("    let mut pieces = 0;\n", FOR_TESTS_ALONE);
    let program = |args: &[&str]| refit(&scene, args, &edited);
    let found: serde_json::Value = serde_json::from_str(&program(&["propose", "--all", "--json"])).unwrap();
    let id = found["rewrites"][0]["id"].as_str().expect("a rule finds the list");
    let verdict = |id: &str| -> serde_json::Value {
        let said = program(&["verify", id, "--trust", "--quick", "--json"]);
        let mut told: serde_json::Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
        told["verdicts"][0].take()
    };
    let rung = |verdict: &serde_json::Value, name: &str| {
        let all = verdict["evidence"].as_array().unwrap();
        let found = all.iter().find(|e| e["rung"] == name).unwrap_or_else(|| panic!("{name}: {verdict:#}"));
        (found["state"].as_str().unwrap().to_owned(), found["detail"].as_str().unwrap().to_owned())
    };
    let proposed = verdict(id);
    assert_eq!(proposed["measurement"]["speed"], "IMPROVED", "{:#}", proposed["evidence"]);
    let (state, detail) = rung(&proposed, "codegen");
    assert_eq!((state.as_str(), proposed["verdict"].as_str()), ("passed", Some("verified")), "{detail}");
    let told = program(&["review", "edit", id]);
    let told = verdict(told.split(' ').next().unwrap());
    assert_eq!(told["verdict"], "refuted", "{told:#}");
    assert!(told["by"].as_str().unwrap().ends_with("they are equivalent, and nothing can be won"), "{told:#}");
    let (state, detail) = rung(&told, "faster");
    assert_eq!(state, "undecided", "{detail}");
    assert!(detail.starts_with("void: it was timed as 0."), "{detail}");
    assert!(!told.to_string().contains("IMPROVED") && told["measurement"].is_null(), "{told:#}");
}
