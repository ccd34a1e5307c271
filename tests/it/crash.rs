//! `kill -9` at every step of landing and undo: after the next start everything is as before or as after.

use std::path::Path;
use std::process::{Command, ExitStatus};

use refit::effects::git::Repository;
use refit::jobs::{self, Workspace};

use crate::proposals::*;
use crate::scene::Scene;

const BRANCH: &str = "refit/latency";

/// In the child: the project, and what to do there.
const ROOT: &str = "REFIT_TEST_CRASH_ROOT";
const ACTION: &str = "REFIT_TEST_CRASH_ACTION";

/// What must be as before or as after: files with modes, index entries, branches, HEAD.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    files: Vec<(String, Vec<u8>)>,
    index: String,
    refs: String,
    head: String,
}

fn git(top: &Path, args: &[&str]) -> String {
    let out = Command::new("git").current_dir(top).args(args).output().unwrap();
    assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).to_string()
}

fn state(top: &Path) -> State {
    let all = crate::scene::everything(top);
    State {
        files: all.into_iter().filter(|(name, _)| !name.starts_with(".git/")).collect(),
        index: git(top, &["ls-files", "-s"]),
        refs: git(top, &["for-each-ref", "refs/heads", "refs/tags", "refs/stash"]),
        head: git(top, &["symbolic-ref", "HEAD"]),
    }
}

fn workspace_at(top: &Path) -> Workspace {
    Workspace {
        root: top.to_path_buf(),
        config: top.join("slo.toml"),
        slo: refit::model::Slo::default(),
        problems: Vec::new(),
        branch: BRANCH.into(),
        earlier: None,
    }
}

fn act(workspace: &Workspace, action: &str) {
    match action {
        "apply" => drop(land(workspace, "src/a.rs", "1", "100")),
        "land" => drop(jobs::land_here(workspace).unwrap()),
        "undo" => drop(jobs::undo(workspace).unwrap()),
        "redo" => drop(jobs::redo(workspace).unwrap()),
        other => panic!("{other}?"),
    }
}

/// Not a test by itself: what the killed process does.
#[test]
fn child_that_is_killed() {
    let (Ok(root), Ok(action)) = (std::env::var(ROOT), std::env::var(ACTION)) else { return };
    act(&workspace_at(Path::new(&root)), &action);
}

/// Runs an action in a process of its own, killed at a step (0: not at all). Times are fixed, so that commits are equal.
fn run(top: &Path, action: &str, at: u32) -> ExitStatus {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "crash::child_that_is_killed", "--nocapture"]).env(ROOT, top).env(ACTION, action);
    child.env("GIT_AUTHOR_DATE", "1700000000 +0000").env("GIT_COMMITTER_DATE", "1700000000 +0000");
    child.env("REFIT_FAILPOINT", at.to_string());
    let out = child.output().unwrap();
    if !out.status.success() && !String::from_utf8_lossy(&out.stderr).contains("failpoint") {
        panic!("{action} failed by itself: {}", String::from_utf8_lossy(&out.stdout));
    }
    out.status
}

fn copy(top: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let from = format!("{}/.", top.display());
    assert!(Command::new("cp").args(["-a", &from]).arg(dir.path()).status().unwrap().success());
    dir
}

/// A repository whose landing branch changes, adds and removes files; the checkout is dirty elsewhere.
fn scene() -> Scene {
    let scene = Scene::with(&[
        ("src/a.rs", "pub fn a() -> u32 {\n    1\n}\n"),
        ("src/b.rs", "pub fn b() {}\n"),
        ("src/deep/gone.rs", "pub fn gone() {}\n"),
        ("dirty.rs", "pub fn d() {}\n"),
        ("slo.toml", ""),
    ]);
    scene.git(&["checkout", "-q", "-b", BRANCH]);
    std::fs::remove_file(scene.top().join("src/deep/gone.rs")).unwrap();
    scene.commit(&[("src/b.rs", "pub fn b() { let _ = 2; }\n"), ("src/new/n.rs", "pub fn n() {}\n")]);
    scene.git(&["checkout", "-q", "main"]);
    scene.write("dirty.rs", "pub fn changed() {}\n");
    scene.write("staged.rs", "pub fn s() {}\n");
    scene.git(&["add", "staged.rs"]);
    scene
}

/// Kills an action at each of its steps and starts again; returns how many steps there are.
#[track_caller]
fn kill_everywhere(top: &Path, action: &str) -> u32 {
    let before = state(top);
    let whole = copy(top);
    assert!(run(whole.path(), action, 0).success());
    let after = state(whole.path());
    assert_ne!(before, after);
    for step in 1.. {
        let trial = copy(top);
        let dir = trial.path();
        if run(dir, action, step).success() {
            return step - 1;
        }
        let workspace = workspace_at(dir);
        let said = jobs::recover(&workspace).unwrap_or_else(|p| panic!("{action} killed at {step}: {p}"));
        let now = state(dir);
        assert!(now == before || now == after, "{action} killed at {step} ({said:?}): {now:#?}");
        assert_eq!(git(dir, &["fsck", "--no-dangling", "--strict"]), "", "{action} killed at {step}");
        assert!(!dir.join(".git/index.lock").exists(), "{action} killed at {step} left a lock");
        assert_eq!(jobs::recover(&workspace).unwrap(), None, "there is nothing left to recover");
        if now == before {
            assert!(run(dir, action, 0).success());
            assert_eq!(state(dir), after, "{action} killed at {step}, done again");
        }
    }
    unreachable!()
}

#[test]
fn apply_killed_at_any_step_is_as_before_or_as_after() {
    let scene = scene();
    let steps = kill_everywhere(scene.top(), "apply");
    assert!(steps >= 12, "only {steps} steps");
}

#[test]
fn landing_here_killed_at_any_step_is_as_before_or_as_after() {
    let scene = scene();
    let steps = kill_everywhere(scene.top(), "land");
    assert!(steps >= 20, "only {steps} steps");
}

#[test]
fn undo_and_redo_killed_at_any_step_are_as_before_or_as_after() {
    let scene = scene();
    act(&workspace(&scene), "land");
    let steps = kill_everywhere(scene.top(), "undo");
    assert!(steps >= 20, "only {steps} steps");
    act(&workspace(&scene), "undo");
    let steps = kill_everywhere(scene.top(), "redo");
    assert!(steps >= 20, "only {steps} steps");
}

#[test]
fn undoing_the_first_commit_of_a_branch_survives_a_kill_at_any_step() {
    let scene = scene();
    scene.git(&["branch", "-q", "-D", BRANCH]);
    act(&workspace(&scene), "apply");
    let steps = kill_everywhere(scene.top(), "undo");
    assert!(steps >= 12, "only {steps} steps");
}

/// Kills landing at the first step of that name, and returns where it was.
fn killed_when(scene: &Scene, action: &str, wanted: &str) -> tempfile::TempDir {
    for step in 1..100 {
        let trial = copy(scene.top());
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "crash::child_that_is_killed"]).env(ROOT, trial.path()).env(ACTION, action);
        let out = child.args(["--nocapture"]).env("REFIT_FAILPOINT", step.to_string()).output().unwrap();
        if String::from_utf8_lossy(&out.stderr).contains(&format!(": {wanted}")) {
            return trial;
        }
    }
    panic!("there is no step {wanted:?}");
}

#[test]
fn what_the_user_changed_between_crash_and_restart_is_kept() {
    let scene = scene();
    let before = state(scene.top());
    let trial = killed_when(&scene, "land", "file: after");
    // The user meets a half-landed checkout and goes on working in a file that was still to come.
    std::fs::write(trial.path().join("src/new.txt"), "mine\n").unwrap();
    std::fs::create_dir_all(trial.path().join("src/new")).unwrap();
    std::fs::write(trial.path().join("src/new/n.rs"), "pub fn mine() {}\n").unwrap();
    let said = jobs::recover(&workspace_at(trial.path())).unwrap().unwrap();
    assert!(said.what.starts_with("took back"), "{said}");
    let mut now = state(trial.path());
    now.files.retain(|(name, _)| name != "src/new.txt" && name != "src/new/n.rs");
    assert_eq!(now, before);
    let kept = std::fs::read_to_string(trial.path().join("src/new/n.rs")).unwrap();
    assert_eq!(kept, "pub fn mine() {}\n");
}

#[test]
fn a_lock_left_by_a_killed_refit_is_taken_over_and_a_journal_is_finished_by_the_next_operation() {
    let scene = scene();
    let trial = killed_when(&scene, "land", "index: locked");
    assert!(trial.path().join(".git/index.lock").exists());
    assert!(Repository::discover(trial.path()).unwrap().base(BRANCH).is_ok(), "reading goes on meanwhile");
    // Nobody called recover: the next operation does.
    jobs::undo(&workspace_at(trial.path())).unwrap();
    assert_eq!(state(trial.path()), state(scene.top()));
    assert!(!trial.path().join(".git/index.lock").exists());
}
