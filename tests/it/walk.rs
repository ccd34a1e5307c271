//! The whole walk in a real pseudo-terminal: from a missed p99 to a proved, reviewed, landed commit, and back.

use std::path::Path;
use std::process::Command;

use super::pty::Session;

/// The till of the fixtures as a repository with one commit; its recorded run misses its p99.
pub fn till(into: &Path) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/till");
    copy(&fixture, into);
    // A nested manifest would be left out of a package, hence its name in the fixtures.
    std::fs::rename(into.join("Cargo.toml.txt"), into.join("Cargo.toml")).unwrap();
    std::fs::write(into.join(".gitignore"), "/target\n").unwrap();
    git(into, &["init", "-q", "-b", "main"]);
    git(into, &["config", "user.name", "Engineer"]);
    git(into, &["config", "user.email", "engineer@example.org"]);
    git(into, &["add", "."]);
    git(into, &["commit", "-q", "-m", "Add the till"]);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

fn git(root: &Path, args: &[&str]) -> String {
    let done = Command::new("git").args(args).current_dir(root).output().expect("git runs");
    assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim_end().to_string()
}

#[test]
fn a_missed_p99_becomes_a_proved_reviewed_commit_and_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("till");
    till(&root);
    let before = git(&root, &["status", "--porcelain=v2", "--branch"]);

    let mut session = Session::open(&root, &[("REFIT_DATA_DIR", &dir.path().join("data").display().to_string())]);
    session.shows("enough to meet it: basket::distinct_articles");
    session.keys("\r");
    session.shows("2 open");
    session.keys("\r");
    session.shows("hunk 1/1");
    session.keys("v");
    session.shows("cargo check --all-targets");
    session.keys("y");
    proved(&mut session);
    session.keys("a");
    session.shows("accepted");
    session.keys("s");
    session.shows("Enter signs");
    session.keys("\r");
    session.shows("L lands it");
    session.keys("L");
    session.shows("commit on the branch");
    session.keys("b");
    session.shows("apply: remember what seen holds");

    let message = git(&root, &["log", "-1", "--format=%B", "refit/till"]);
    for trailer in ["Refit-SLO: checkout-latency", "Refit-Measured:", "Refit-Evidence:", "Reviewed-by: Engineer"] {
        assert!(message.contains(trailer), "{trailer} is missing:\n{message}");
    }
    assert!(git(&root, &["show", "refit/till:src/basket.rs"]).contains("HashSet"));
    assert_eq!(git(&root, &["status", "--porcelain=v2", "--branch"]), before, "the checkout is not touched");

    session.keys("u");
    session.shows("take it back");
    session.keys("y");
    session.shows("undo of 1");
    assert_eq!(git(&root, &["branch", "--list", "refit/*"]), "");
    session.keys("q");
    let (status, _) = session.ends();
    assert_eq!(status, 0);
    git(&root, &["fsck", "--strict"]);
}

/// Waits for the verdict; on a machine that does other things a measurement may be void, then it is asked for again.
fn proved(session: &mut Session) {
    for _ in 0..4 {
        let done = |text: &str| text.contains("proved   1 of 2") || text.contains("open: remember what seen holds");
        let screen = session.until("a verdict", |o| done(&o.screen()));
        if screen.contains("proved   1 of 2") {
            return;
        }
        session.keys("v");
    }
    panic!("no verdict in four measurements of a sevenfold gain");
}
