//! What clippy itself wrote of a project in; its findings beside Refit's, and its fix proved by the same ladder, out.

use std::process::Command;

use refit::jobs::{Ear, prove};
use refit::model::{Class, Outcome, Rung, RungState};

use crate::scene::Scene;
use crate::verify::{LOCK, MANIFEST, UNMEASURED, open};

const LIB: &str = "//! Words.\n\n/// Copies a word.\npub fn copied(word: &str) -> String {\n    format!(\"{}\", word)\n}\n\n\
                   #[test]\nfn a_word_is_copied() {\n    assert_eq!(copied(\"a\"), \"a\");\n}\n";
const SLO: &str = "version = \"slo/v1\"\n[service]\nname = \"tiny\"\n[[slo]]\nname = \"latency\"\np99 = \"200ms\"\n[code]\nclippy = \"target/clippy.jsonl\"\n";

fn scene() -> Scene {
    let files = [
        ("slo.toml", SLO),
        ("Cargo.toml", MANIFEST),
        ("Cargo.lock", LOCK),
        (".gitignore", "target\n"),
        ("src/lib.rs", LIB),
    ];
    Scene::with(&files)
}

#[test]
fn its_findings_are_shown_and_its_fixes_are_proved() {
    let scene = scene();
    let root = open(&scene).root.clone();
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let args = ["clippy", "--offline", "--message-format=json"];
    let ran = Command::new(cargo).args(args).current_dir(&root).env_remove("CARGO_TARGET_DIR").output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    std::fs::create_dir_all(root.join("target")).unwrap();
    std::fs::write(root.join("target/clippy.jsonl"), &ran.stdout).unwrap();
    let analysis = open(&scene).analyse(true, &Ear::deaf()).unwrap();
    let finding = analysis.findings.iter().find(|f| f.rule.0 == "clippy::useless_format").expect("clippy's finding");
    assert_eq!((finding.function.0.as_str(), finding.has_rewrite, finding.class), ("tiny::copied", true, Class::B));
    let rewrite = analysis.rewrites.iter().find(|r| r.rule == finding.rule).expect("its fix").clone();
    assert_eq!(rewrite.title, "fix clippy::useless_format in tiny::copied");
    let verdicts = prove(&open(&scene), &[rewrite], &UNMEASURED, &Ear::deaf()).unwrap();
    assert_eq!(verdicts[0].rung(Rung::TestsPass).unwrap().state, RungState::Passed, "{:?}", verdicts[0].evidence());
    assert_ne!(verdicts[0].outcome(), Outcome::Refuted);
}

#[test]
fn a_file_that_is_not_there_is_said_and_loses_nothing() {
    let analysis = open(&scene()).analyse(true, &Ear::deaf()).unwrap();
    let said: Vec<&str> = analysis.problems.iter().map(|p| p.what.as_str()).collect();
    assert!(said.iter().any(|what| what.contains("clippy")), "{said:?}");
}
