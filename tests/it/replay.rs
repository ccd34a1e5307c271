//! A landed commit looked at again: message, note and numbers agree, or what does not is named.

use refit::jobs::{self, ProveOptions, Replay, Workspace};
use refit::model::*;
use refit::pipeline::{Depth, Inputs};
use refit::verify::timing;

use crate::proposals::*;
use crate::scene::Scene;

const BRANCH: &str = "refit/latency";
const CODE: &str = "pub fn a() -> u32 {\n    1\n}\n\n\n\n\n\npub fn b() -> u32 {\n    2\n}\n";

fn scene() -> Scene {
    Scene::with(&[("src/lib.rs", CODE), ("slo.toml", "")])
}

/// Forty slices in which the new code takes six tenths of the time.
fn measurement() -> Measurement {
    let wave = |i: i32| f64::from(i * 37 % 11) / 7.0;
    let slices = (0..40).map(|i| [100.0 + wave(i), 60.0 + wave(i + 3), 100.0 + wave(i + 5)]).collect();
    let m = Measurement {
        speed: Speed::Improved,
        ratio: 0.0,
        ci: (0.0, 0.0),
        confidence: 0.95,
        pairs: 40,
        calls: 4_000,
        noise_floor: 0.0,
        mde: 0.01,
        old_ns: 100.0,
        new_ns: 60.0,
        exercised_by: "workload".into(),
        witness: "single witness".into(),
        counted: Vec::new(),
        builds: Vec::new(),
        slices,
    };
    let (ratio, ci, noise_floor) = timing::recomputed(&m).expect("slices were kept");
    Measurement { ratio, ci, noise_floor, ..m }
}

/// Lands one measured proposal; what is proved on is the tree that lands.
fn landed(scene: &Scene, workspace: &Workspace, measurement: Measurement) -> String {
    let rewrite = propose(workspace, "src/lib.rs", "    1\n", "    1 + 0\n");
    accept(workspace, &rewrite);
    let repository = scene.repository();
    let base = repository.base(BRANCH).unwrap();
    let new = refit::source::apply(&rewrite.edits[0], CODE).unwrap();
    let tree = repository.tree_with(&base.tree, &[("src/lib.rs".into(), new.into_bytes())]).unwrap();
    let evidence = verdict(&rewrite.id, &tree).evidence().to_vec();
    let verdict = Verdict::judge(rewrite.id.clone(), tree, evidence, Some(measurement), false);
    let signed = jobs::sign(workspace, &rewrite, Some(verdict), "", None).unwrap();
    jobs::apply(workspace, &[signed], &deaf()).unwrap();
    scene.git(&["rev-parse", BRANCH])
}

fn replay(workspace: &Workspace, commit: &str) -> Result<Replay, Vec<Problem>> {
    jobs::replay(workspace, commit, &ProveOptions::default(), &deaf())
}

/// What was compared, and whether it agrees: `message yes`.
fn said(replay: &Replay) -> Vec<String> {
    let word = |agrees| match agrees {
        Some(true) => "yes",
        Some(false) => "no",
        None => "open",
    };
    let points = replay.proposals.iter().flat_map(|p| &p.points);
    points.map(|p| format!("{} {}", p.what, word(p.agrees))).collect()
}

#[test]
fn message_change_evidence_and_interval_of_a_landed_commit_are_found_again() {
    let scene = scene();
    let workspace = workspace(&scene);
    let commit = landed(&scene, &workspace, measurement());
    let replayed = replay(&workspace, BRANCH).unwrap();
    // There is no manifest, so nothing can be proved again.
    assert_eq!(said(&replayed), ["message yes", "change yes", "evidence yes", "interval yes", "proved again open"]);
    assert!(replayed.holds() && replayed.commit == commit);
    let attested = &replayed.proposals[0].attested;
    assert_eq!((attested.rule.as_str(), attested.refit.as_str()), ("quadratic-membership", env!("CARGO_PKG_VERSION")));
    assert!(attested.slices.as_ref().is_some_and(|s| s.starts_with("sha256:")));
    let shown = scene.git(&["log", "-1", "--notes=refit", BRANCH]);
    assert!(shown.contains("Refit-Attestation: sha256:") && shown.contains("refit verify --replay"), "{shown}");
}

/// A crate in which a rule finds something, and a list that says so.
const SHOP: &str = "//! Sales.\n\n/// Pieces on sale.\npub fn on_sale(lines: &[(u32, u64)], sale: &[u32]) -> u64 {\n    let mut pieces = 0;\n    for line in lines {\n        if sale.contains(&line.0) {\n            pieces += line.1;\n        }\n    }\n    pieces\n}\n\n#[test]\nfn pieces_are_counted() {\n    assert_eq!(on_sale(&[(1, 2), (2, 5)], &[1]), 2);\n}\n";

/// Proves, signs and lands, and looks again.
fn replayed_after_landing(workspace: &Workspace, rewrite: &Rewrite) -> Vec<(&'static str, Option<bool>, String)> {
    let options = ProveOptions { no_measurement: true, ..ProveOptions::default() };
    let proved = jobs::prove(workspace, std::slice::from_ref(rewrite), &options, &deaf()).expect("the proof runs");
    accept(workspace, rewrite);
    let signed = jobs::sign(workspace, rewrite, proved.into_iter().next(), "", Some("not timed".into())).unwrap();
    jobs::apply(workspace, &[signed], &deaf()).unwrap();
    let replayed = jobs::replay(workspace, &workspace.branch, &options, &deaf()).unwrap();
    assert!(replayed.holds(), "{replayed:#?}");
    replayed.proposals[0].points.iter().map(|p| (p.what, p.agrees, p.detail.clone())).collect()
}

#[test]
fn what_a_reviewer_edited_is_proved_again_as_it_was_edited() {
    let scene = crate::verify::tiny_with(SHOP);
    let workspace = crate::verify::open(&scene);
    let inputs = Inputs { all: true, depth: Depth::Propose, despite_quality: true, ..Inputs::default() };
    let found = workspace.compose(inputs, &deaf()).unwrap().rewrites.remove(0);
    let text = refit::source::apply(&found.edits[0], SHOP).unwrap();
    let edited =
        jobs::edit(&workspace, &found, "src/lib.rs", &text.replace("pieces += line.1", "pieces = pieces + line.1"))
            .unwrap();
    assert_ne!(edited.id, found.id);
    let points = replayed_after_landing(&workspace, &edited);
    let of = |what: &str| points.iter().find(|p| p.0 == what).unwrap_or_else(|| panic!("{what}: {points:#?}"));
    assert!(of("proved again").2.ends_with("; as its reviewer edited it"), "{points:#?}");
    assert!(of("compiles").2.contains("4 of 4 preconditions hold"), "{points:#?}");
    for rung in ["compiles", "tests pass", "tests reach it", "twins agree"] {
        assert_eq!(of(rung).1, Some(true), "{points:#?}");
    }
}

#[test]
fn what_no_rule_derives_is_proved_again_as_the_commit_holds_it() {
    let scene = crate::verify::tiny_with(SHOP);
    let workspace = crate::verify::open(&scene);
    let rule = refit::detect::rule("linear-lookup-in-loop").unwrap().id;
    let by_hand = Rewrite {
        rule,
        ..propose(&workspace, "src/lib.rs", "sale.contains(&line.0)", "sale.iter().any(|s| *s == line.0)")
    };
    let points = replayed_after_landing(&workspace, &by_hand);
    let of = |what: &str| points.iter().find(|p| p.0 == what).unwrap_or_else(|| panic!("{what}: {points:#?}"));
    assert!(of("proved again").2.ends_with("; as the commit holds it, because no rule derives it"), "{points:#?}");
    assert_eq!((of("tests pass").1, of("twins agree").1), (Some(true), Some(true)), "{points:#?}");
}

#[test]
fn numbers_that_the_slices_do_not_give_are_named() {
    let scene = scene();
    let workspace = workspace(&scene);
    landed(&scene, &workspace, Measurement { ratio: 0.5, ..measurement() });
    let replayed = replay(&workspace, BRANCH).unwrap();
    assert_eq!(said(&replayed)[3], "interval no");
    let detail = &replayed.proposals[0].points[3].detail;
    assert!(detail.starts_with("0.60") && detail.contains("said was 0.500"), "{detail}");
    assert!(!replayed.holds());
}

#[test]
fn a_note_that_was_changed_since_is_not_the_one_that_the_message_names() {
    let scene = scene();
    let workspace = workspace(&scene);
    landed(&scene, &workspace, measurement());
    let note = scene.git(&["notes", "--ref=refit", "show", BRANCH]);
    for (from, to, expected) in [
        ("Maintainer", "Someone", ["message no", "change yes", "evidence yes", "interval yes"].as_slice()),
        ("0.60368", "0.50368", &["message no", "change yes", "evidence no"]),
    ] {
        assert!(note.contains(from), "{from} is not in {note}");
        scene.git(&["notes", "--ref=refit", "add", "-f", "-m", &note.replacen(from, to, 1), BRANCH]);
        let replayed = replay(&workspace, BRANCH).unwrap();
        assert_eq!(&said(&replayed)[..expected.len()], expected);
        assert!(!replayed.holds());
    }
}

#[test]
fn undo_takes_the_note_back_and_redo_brings_it_again() {
    let scene = scene();
    let workspace = workspace(&scene);
    let commit = landed(&scene, &workspace, measurement());
    jobs::undo(&workspace).unwrap();
    assert!(scene.try_git(&["rev-parse", "--verify", "refs/notes/refit"]).is_err());
    let problem = replay(&workspace, &commit).unwrap_err();
    assert!(problem[0].to_string().contains("git fetch origin refs/notes/refit"), "{problem:?}");
    jobs::redo(&workspace).unwrap();
    assert!(replay(&workspace, &commit).unwrap().holds());
}

#[test]
fn a_commit_that_was_made_again_by_a_rebase_still_finds_its_note() {
    let scene = scene();
    let workspace = workspace(&scene);
    let first = landed(&scene, &workspace, measurement());
    let tree = scene.git(&["rev-parse", &format!("{BRANCH}^{{tree}}")]);
    let message = scene.git(&["log", "-1", "--format=%B", BRANCH]);
    let again = scene.git(&["commit-tree", &tree, "-p", "HEAD", "-m", &format!("{message}\n")]);
    assert_eq!(said(&replay(&workspace, &again).unwrap()), said(&replay(&workspace, &first).unwrap()));
}

#[test]
fn several_commits_have_a_note_each_and_the_users_own_notes_stay() {
    let scene = scene();
    let workspace = workspace(&scene);
    scene.git(&["notes", "--ref=refit", "add", "-m", "mine", "HEAD"]);
    let signed: Vec<SignOff> = [("    1\n", "    10\n"), ("    2\n", "    20\n")]
        .iter()
        .map(|(old, new)| force(&workspace, &propose(&workspace, "src/lib.rs", old, new)))
        .collect();
    jobs::apply(&workspace, &signed, &deaf()).unwrap();
    assert_eq!(scene.git(&["notes", "--ref=refit", "list"]).lines().count(), 3);
    assert_eq!(scene.git(&["notes", "--ref=refit", "show", "HEAD"]), "mine");
    for commit in [format!("{BRANCH}~1"), BRANCH.to_owned()] {
        let replayed = replay(&workspace, &commit).unwrap();
        assert_eq!(replayed.proposals.len(), 1);
        assert!(replayed.holds(), "{:?}", said(&replayed));
    }
    // The second of them holds the first one's lines, too.
    assert_eq!(said(&replay(&workspace, BRANCH).unwrap())[1], "change open");
}

#[test]
fn a_commit_that_refit_did_not_land_or_that_is_not_there_is_told() {
    let scene = scene();
    let workspace = workspace(&scene);
    let told = |commit: &str| replay(&workspace, commit).unwrap_err()[0].to_string();
    assert!(told("HEAD").contains("its message has no Refit-Rule"));
    assert!(told("nowhere").contains("there is no commit \"nowhere\""));
}
