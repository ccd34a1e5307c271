//! Reviews: decisions that bind to the byte, survive, travel between people, and gate what lands.

use refit::jobs::{self, Reviewed, Workspace};
use refit::model::*;

use crate::proposals::*;
use crate::scene::Scene;

const CODE: &str = "\
/// First.
pub fn first() -> u32 {
    // kept
    let a = 1;
    a
}






pub fn second(lock: &std::sync::Mutex<u32>) -> u32 {
    let b = 2;
    *lock.lock().unwrap() + b
}
";

fn scene() -> Scene {
    Scene::with(&[("src/lib.rs", CODE), ("slo.toml", "")])
}

fn load(workspace: &Workspace, rewrite: &Rewrite) -> Reviewed {
    let mut all = jobs::load_reviews(workspace, std::slice::from_ref(rewrite)).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Problem>, words: &str) -> Problem {
    let problem = result.expect_err("it must be refused");
    assert!(problem.to_string().contains(words), "{words:?} is not in: {problem}");
    problem
}

/// Two hunks: one far from any lock, one on the line of the lock.
fn two_hunks(workspace: &Workspace) -> Rewrite {
    let mut rewrite = propose(workspace, "src/lib.rs", "let a = 1;", "let a = 10;");
    let old = "*lock.lock().unwrap() + b";
    let at = CODE.find(old).unwrap();
    let mut edits = rewrite.edits[0].edits().to_vec();
    edits.push(TextEdit { range: TextRange::new(at, at + old.len()), text: "b + *lock.lock().unwrap()".into() });
    rewrite.edits = vec![EditSet::new("src/lib.rs", rewrite.edits[0].base().clone(), edits).unwrap()];
    rewrite.id = refit::rewrite::id(rewrite.rule, &rewrite.edits);
    rewrite
}

#[test]
fn decisions_comments_and_obligations_are_there_again_at_the_next_start() {
    let scene = scene();
    let workspace = workspace(&scene);
    let mut rewrite = two_hunks(&workspace);
    rewrite.obligations = vec!["the log may lose its last lines in a crash".into()];
    jobs::decide(&workspace, &rewrite, 0, Decision::Accepted).unwrap();
    jobs::decide(&workspace, &rewrite, 1, Decision::Deferred).unwrap();
    jobs::comment(&workspace, &rewrite, 1, 2, "why this order?\n").unwrap();
    jobs::accept_obligations(&workspace, &rewrite).unwrap();
    jobs::decide(&workspace, &rewrite, 1, Decision::Rejected(" order matters ".into())).unwrap();
    let Reviewed { review, hunks, .. } = load(&workspace, &rewrite);
    assert_eq!(review.decisions, [Decision::Accepted, Decision::Rejected("order matters".into())]);
    assert_eq!((hunks[0].index, hunks[1].index), (0, 1));
    assert_eq!(review.obligations_accepted, rewrite.obligations);
    assert_eq!((review.comments[0].hunk, review.comments[0].line), (1, 2));
    assert_eq!(review.comments[0].text, "why this order?");
    assert_eq!(review.reviewer, "Maintainer <maintainer@example.org>");
}

#[test]
fn a_sign_off_is_there_again_at_the_next_start_until_its_base_or_a_decision_changes() {
    let scene = scene();
    let workspace = workspace(&scene);
    let rewrite = propose(&workspace, "src/lib.rs", "let a = 1;", "let a = 10;");
    assert_eq!(load(&workspace, &rewrite).signed, None);
    force(&workspace, &rewrite);
    let signed = load(&workspace, &rewrite).signed.expect("it was signed before");
    assert_eq!(signed.forced(), Some("tried by hand"));
    assert_eq!(signed.reviewer(), "Maintainer <maintainer@example.org>");

    jobs::decide(&workspace, &rewrite, 0, Decision::Deferred).unwrap();
    jobs::decide(&workspace, &rewrite, 0, Decision::Accepted).unwrap();
    assert_eq!(load(&workspace, &rewrite).signed, None, "a decision after the sign-off took it back");

    force(&workspace, &rewrite);
    assert!(load(&workspace, &rewrite).signed.is_some());
    scene.git(&["config", "user.name", "Another"]);
    assert_eq!(load(&workspace, &rewrite).signed, None, "nobody lands on what somebody else signed");
    scene.git(&["config", "user.name", "Maintainer"]);
    scene.write("src/other.rs", "// something else has changed\n");
    scene.git(&["add", "."]);
    assert_eq!(load(&workspace, &rewrite).signed, None, "the base is another one");
}

#[test]
fn reviewing_changes_nothing_but_the_reviewers_own_ref() {
    let scene = scene();
    let workspace = workspace(&scene);
    scene.write("src/lib.rs", CODE.replace("let b = 2", "let b = 3"));
    let before = scene.everything();
    let rewrite = propose(&workspace, "src/lib.rs", "let a = 1;", "let a = 10;");
    force(&workspace, &rewrite);
    jobs::edit(&workspace, &rewrite, "src/lib.rs", &CODE.replace("let a = 1", "let a = 7")).unwrap();
    let mut after = scene.everything();
    after.retain(|name, _| !name.starts_with(".git/refs/refit"));
    assert_eq!(after, before);
    let refs = scene.git(&["for-each-ref", "--format=%(refname)", "refs/refit"]);
    assert!(refs.starts_with("refs/refit/review/latency/") && refs.lines().count() == 1, "{refs}");
    assert_eq!(scene.git(&["fsck", "--no-dangling", "--strict"]), "");
}

#[test]
fn a_changed_byte_of_the_proposal_makes_its_decisions_stale() {
    let scene = scene();
    let workspace = workspace(&scene);
    let rewrite = propose(&workspace, "src/lib.rs", "let a = 1;", "let a = 10;");
    accept(&workspace, &rewrite);
    let other = propose(&workspace, "src/lib.rs", "let a = 1;", "let a = 11;");
    assert_eq!(load(&workspace, &other).review.decisions, [Decision::Undecided]);
    scene.write("src/lib.rs", format!("{CODE}\n"));
    assert!(jobs::load_reviews(&workspace, std::slice::from_ref(&rewrite)).unwrap().is_empty(), "the file has changed");
    let anew = propose(&workspace, "src/lib.rs", "let a = 1;", "let a = 10;");
    assert_ne!(anew.id, rewrite.id);
    assert_eq!(load(&workspace, &anew).review.decisions, [Decision::Undecided]);
}

#[test]
fn an_edited_proposal_is_a_new_one_with_its_author_and_undecided_hunks() {
    let scene = scene();
    let workspace = workspace(&scene);
    let rewrite = propose(&workspace, "src/lib.rs", "let a = 1;", "let a = 10;");
    accept(&workspace, &rewrite);
    let text = CODE.replace("let a = 1;", "let a = 5 + 5;");
    let edited = jobs::edit(&workspace, &rewrite, "src/lib.rs", &text).unwrap();
    assert_ne!(edited.id, rewrite.id);
    assert_eq!(refit::source::apply(&edited.edits[0], CODE).unwrap(), text);
    assert!(edited.diff.contains("+    let a = 5 + 5;"), "{}", edited.diff);
    let again = jobs::edit(&workspace, &edited, "src/lib.rs", &CODE.replace("let a = 1;", "let a = 9;")).unwrap();
    let shown = load(&workspace, &rewrite);
    assert_eq!(shown.rewrite, again);
    assert_eq!(shown.review.edited_by, "Maintainer <maintainer@example.org>");
    assert_eq!(shown.review.decisions, [Decision::Undecided]);
    let signed = force(&workspace, &again);
    jobs::apply(&workspace, &[signed], &deaf()).unwrap();
    assert!(scene.git(&["show", "refit/latency:src/lib.rs"]).contains("let a = 9;"));
}

#[test]
fn an_edit_that_breaks_the_file_loses_a_comment_or_takes_all_back_is_refused() {
    let scene = scene();
    let workspace = workspace(&scene);
    let rewrite = propose(&workspace, "src/lib.rs", "let a = 1;", "let a = 10;");
    let edit = |text: &str| jobs::edit(&workspace, &rewrite, "src/lib.rs", text);
    refused(edit(&CODE.replace("let a = 1;", "let a = ;")), "src/lib.rs");
    refused(edit(&CODE.replace("    // kept\n", "").replace("let a = 1", "let a = 3")), "comment");
    refused(edit(CODE), "as it was before");
    refused(jobs::edit(&workspace, &rewrite, "slo.toml", "x"), "does not change this file");
    let same = edit(&CODE.replace("let a = 1;", "let a = 10;")).unwrap();
    assert_eq!(refit::source::apply(&same.edits[0], CODE).unwrap(), CODE.replace("let a = 1;", "let a = 10;"));
}

#[test]
fn a_rejection_hides_the_finding_until_the_functions_code_changes() {
    let scene = scene();
    let workspace = workspace(&scene);
    let rewrite = propose(&workspace, "src/lib.rs", "let a = 1;", "let a = 10;");
    refused(jobs::decide(&workspace, &rewrite, 0, Decision::Rejected("  ".into())), "needs a reason");
    jobs::decide(&workspace, &rewrite, 0, Decision::Rejected("one is right".into())).unwrap();
    // Another function changes: the proposal has a new id, the code it is about is the same.
    scene.commit(&[("src/lib.rs", &CODE.replace("let b = 2", "let b = 22"))]);
    let later = propose(&workspace, "src/lib.rs", "let a = 1;", "let a = 10;");
    assert_ne!(later.id, rewrite.id);
    assert_eq!(load(&workspace, &later).review.decisions, [Decision::Rejected("one is right".into())]);
    let elsewhere = propose(&workspace, "src/lib.rs", "let b = 22;", "let b = 3;");
    assert_eq!(load(&workspace, &elsewhere).review.decisions, [Decision::Undecided]);
    let mut other_rule = later.clone();
    other_rule.rule = RuleId("defensive-copy");
    other_rule.id = refit::rewrite::id(other_rule.rule, &other_rule.edits);
    assert_eq!(load(&workspace, &other_rule).review.decisions, [Decision::Undecided]);
    scene.commit(&[("src/lib.rs", &CODE.replace("    a\n", "    a + 1\n"))]);
    let changed = propose(&workspace, "src/lib.rs", "let a = 1;", "let a = 10;");
    assert_eq!(load(&workspace, &changed).review.decisions, [Decision::Undecided]);
}

#[test]
fn accepting_all_leaves_hunks_on_locks_to_be_decided_one_by_one() {
    let scene = scene();
    let workspace = workspace(&scene);
    let rewrite = two_hunks(&workspace);
    let (review, left) = jobs::accept_all(&workspace, &rewrite).unwrap();
    assert_eq!(review.decisions, [Decision::Accepted, Decision::Undecided]);
    assert_eq!(left, [1]);
    refused(jobs::sign(&workspace, &rewrite, None, "", Some("why".into())), "hunk 2");
    jobs::decide(&workspace, &rewrite, 1, Decision::Accepted).unwrap();
    assert_eq!(jobs::accept_all(&workspace, &rewrite).unwrap().1, Vec::<usize>::new());
}

#[test]
fn hunks_and_lines_that_do_not_exist_are_refused() {
    let scene = scene();
    let workspace = workspace(&scene);
    let rewrite = two_hunks(&workspace);
    refused(jobs::decide(&workspace, &rewrite, 2, Decision::Accepted), "has 2 hunks, no hunk 3");
    refused(jobs::comment(&workspace, &rewrite, 0, 99, "x"), "no line 100");
    refused(jobs::comment(&workspace, &rewrite, 0, 0, " \n"), "empty");
    scene.git(&["config", "--unset", "user.email"]);
    refused(jobs::decide(&workspace, &rewrite, 0, Decision::Accepted), "who you are");
}

#[test]
fn signing_needs_evidence_or_a_reason_and_the_reason_is_remembered() {
    let scene = scene();
    let workspace = workspace(&scene);
    let rewrite = propose(&workspace, "src/lib.rs", "let a = 1;", "let a = 10;");
    accept(&workspace, &rewrite);
    refused(jobs::sign(&workspace, &rewrite, None, "", None), "no evidence");
    refused(jobs::sign(&workspace, &rewrite, None, "", Some(" ".into())), "no evidence");
    jobs::sign(&workspace, &rewrite, None, "", Some("measured in production".into())).unwrap();
    let again = jobs::sign(&workspace, &rewrite, None, "", None).unwrap();
    assert_eq!(again.forced(), Some("measured in production"));
    // The override was given for this base alone.
    scene.write("slo.toml", "# changed\n");
    refused(jobs::sign(&workspace, &rewrite, None, "", None), "no evidence");
}

fn with_rules(scene: &Scene, rules: &[(&str, ReviewWhen)]) -> Workspace {
    let mut workspace = workspace(scene);
    workspace.slo.reviews = rules.iter().map(|(r, w)| ReviewRule { role: r.to_string(), when: w.clone() }).collect();
    workspace
}

#[test]
fn what_a_role_has_still_to_sign_does_not_land() {
    let scene = scene();
    let paths = ReviewWhen::Paths(vec!["src/**".into()]);
    let workspace = with_rules(&scene, &[("security", paths), ("concurrency", ReviewWhen::SyncPrimitives)]);
    let rewrite = propose(&workspace, "src/lib.rs", "let a = 1;", "let a = 10;");
    let signed = force(&workspace, &rewrite);
    let problem =
        refused(jobs::apply(&workspace, std::slice::from_ref(&signed), &deaf()), "waits for a sign-off as security");
    assert!(problem.help.contains("--role"));
    refused(jobs::sign(&workspace, &rewrite, None, "securty", Some("x".into())), "no [[review]] rule names");
    jobs::sign(&workspace, &rewrite, None, "security", Some("x".into())).unwrap();
    jobs::apply(&workspace, &[signed], &deaf()).unwrap();
    let trailers = scene.git(&["log", "-1", "--format=%(trailers:key=Refit-Signed,valueonly)", "refit/latency"]);
    assert_eq!(trailers, "security by Maintainer <maintainer@example.org>");
}

#[test]
fn who_edited_a_change_cannot_sign_it_for_a_role_but_another_person_can() {
    let scene = scene();
    let workspace = with_rules(&scene, &[("security", ReviewWhen::Always)]);
    let rewrite = propose(&workspace, "src/lib.rs", "let a = 1;", "let a = 10;");
    let edited = jobs::edit(&workspace, &rewrite, "src/lib.rs", &CODE.replace("let a = 1;", "let a = 12;")).unwrap();
    accept(&workspace, &edited);
    refused(jobs::sign(&workspace, &edited, None, "security", Some("x".into())), "cannot sign it as security");
    scene.git(&["config", "user.name", "Specialist"]);
    scene.git(&["config", "user.email", "specialist@example.org"]);
    let signed = jobs::sign(&workspace, &edited, None, "security", Some("x".into())).unwrap();
    assert_eq!(signed.reviewer(), "Specialist <specialist@example.org>");
    jobs::apply(&workspace, &[signed], &deaf()).unwrap();
}

#[test]
fn where_git_checks_signatures_an_unsigned_sign_off_does_not_count_for_a_role() {
    let scene = scene();
    let key = scene.top().join(".git/key");
    let made =
        std::process::Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    if !made.is_ok_and(|s| s.success()) {
        eprintln!("ssh-keygen is missing: signatures are not tested");
        return;
    }
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    std::fs::write(scene.top().join(".git/allowed"), format!("maintainer@example.org {public}")).unwrap();
    scene.git(&["config", "gpg.format", "ssh"]);
    scene.git(&["config", "gpg.ssh.allowedSignersFile", &scene.top().join(".git/allowed").to_string_lossy()]);
    let workspace = with_rules(&scene, &[("security", ReviewWhen::Always)]);
    let rewrite = propose(&workspace, "src/lib.rs", "let a = 1;", "let a = 10;");
    accept(&workspace, &rewrite);
    let signed = jobs::sign(&workspace, &rewrite, None, "security", Some("x".into())).unwrap();
    refused(jobs::apply(&workspace, std::slice::from_ref(&signed), &deaf()), "waits for a sign-off as security");
    scene.git(&["config", "user.signingkey", &key.to_string_lossy()]);
    scene.git(&["config", "commit.gpgsign", "true"]);
    let signed = jobs::sign(&workspace, &rewrite, None, "security", Some("x".into())).unwrap();
    jobs::apply(&workspace, &[signed], &deaf()).unwrap();
}

/// A second person's clone of the same hub.
fn second_person(hub: &std::path::Path) -> Scene {
    let clone = Scene::empty();
    clone.git(&["remote", "add", "origin", &hub.to_string_lossy()]);
    clone.git(&["fetch", "-q", "origin"]);
    clone.git(&["checkout", "-q", "-B", "main", "origin/main"]);
    clone.git(&["config", "user.name", "Specialist"]);
    clone.git(&["config", "user.email", "specialist@example.org"]);
    clone
}

#[test]
fn two_people_review_at_once_and_both_see_the_same() {
    let scene = scene();
    let hub = tempfile::tempdir().unwrap();
    scene.git(&["init", "-q", "--bare", &hub.path().to_string_lossy()]);
    scene.git(&["remote", "add", "origin", &hub.path().to_string_lossy()]);
    scene.git(&["push", "-q", "origin", "main"]);
    let other = second_person(hub.path());
    let (here, there) = (workspace(&scene), workspace(&other));
    let rewrite = two_hunks(&here);
    assert_eq!(two_hunks(&there).id, rewrite.id, "the same code gives the same proposal");
    // Both decide without having seen each other; both push; nobody conflicts.
    jobs::decide(&here, &rewrite, 0, Decision::Accepted).unwrap();
    jobs::decide(&there, &rewrite, 0, Decision::Deferred).unwrap();
    jobs::comment(&there, &rewrite, 1, 0, "the lock is held too long").unwrap();
    let base = scene.repository().base("refit/latency").unwrap();
    jobs::sync_reviews(&here, "origin").unwrap();
    jobs::sync_reviews(&there, "origin").unwrap();
    jobs::sync_reviews(&here, "origin").unwrap();
    let (a, b) = (load(&here, &rewrite).review, load(&there, &rewrite).review);
    assert_eq!(a, b);
    assert_eq!(a.comments[0].author, "Specialist <specialist@example.org>");
    // What is decided after seeing the other's decision holds.
    jobs::decide(&here, &rewrite, 0, Decision::Accepted).unwrap();
    jobs::decide(&here, &rewrite, 1, Decision::Accepted).unwrap();
    let proved = verdict(&rewrite.id, &base.tree);
    jobs::sign(&here, &rewrite, Some(proved), "", None).unwrap();
    jobs::sync_reviews(&here, "origin").unwrap();
    jobs::sync_reviews(&there, "origin").unwrap();
    let seen = load(&there, &rewrite);
    assert_eq!(seen.review.decisions, [Decision::Accepted, Decision::Accepted]);
    let verdict = seen.verdict.expect("evidence travels with the sign-off");
    assert_eq!((verdict.outcome(), verdict.tree()), (Outcome::Verified, base.tree.as_str()));
}
