//! What a person may give by mistake, and a Refit that was killed; a message with what, where and what to do out.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use refit::effects::Cancel;
use refit::effects::process;
use refit::effects::slots::Slots;
use refit::jobs::{Ear, ProveOptions, prove};

use crate::scene::Scene;
use crate::verify::{LOCK, MANIFEST, open, proposal};

const SLO: &str = "version = \"slo/v1\"\nservice = { name = \"gw\" }\n[[source]]\nfile = \"perf.txt\"\n[[slo]]\n\
                   name = \"latency\"\np99 = \"200ms\"\n";
const GW: &str = "[package]\nname = \"gw\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
const PROFILE: &str = include_str!("fixtures/profiles/fp-v0.txt");

/// Exit status, standard output and standard error of the real program.
fn refit(scene: &Scene, args: &[&str]) -> (i32, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_refit"))
        .args(args)
        .current_dir(scene.top())
        .env("NO_COLOR", "1")
        .output()
        .expect("refit runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code().unwrap_or(-1), text(&out.stdout), text(&out.stderr))
}

#[test]
fn the_profile_of_another_program_is_named_and_nothing_is_ranked() {
    let shop = GW.replace("gw", "shop");
    let files = [("slo.toml", SLO), ("perf.txt", PROFILE), ("Cargo.toml", &shop), ("src/lib.rs", "pub fn cart() {}\n")];
    let scene = Scene::with(&files);
    for command in ["rank", "scan", "propose"] {
        let (status, _, err) = refit(&scene, &[command]);
        assert_eq!(status, 2, "{command}: {err}");
        assert!(err.contains("no function of this workspace is in the profile; it has gw"), "{command}: {err}");
        assert!(err.contains("--> perf.txt") && err.contains("help: name the profile of this service"), "{err}");
        assert_eq!(err.matches("error:").count(), 1, "the same is not said twice: {err}");
    }
}

#[test]
fn a_source_tree_that_does_not_match_the_profile_is_told_with_what_is_missing() {
    // The program of the profile, after its functions were given other names.
    let moved = "fn main() { shift(1); }\nfn shift(n: u64) -> u64 { n }\n";
    let scene = Scene::with(&[("slo.toml", SLO), ("perf.txt", PROFILE), ("Cargo.toml", GW), ("src/main.rs", moved)]);
    let (status, _, err) = refit(&scene, &["rank"]);
    assert_eq!(status, 2, "{err}");
    assert!(err.contains("not in the source: gw::"), "{err}");
    assert!(err.contains("recorded from another version of the source: record again at this commit"), "{err}");
}

#[test]
fn a_file_that_does_not_parse_is_named_and_the_others_are_read() {
    let files = [
        ("slo.toml", "version = \"slo/v1\"\nservice = { name = \"gw\" }\n[[slo]]\nname = \"latency\"\np99 = \"1ms\"\n"),
        ("Cargo.toml", GW),
        ("src/lib.rs", "mod broken;\npub fn f(key: String) -> String { key.clone() }\n"),
        ("src/broken.rs", "fn f( {\n"),
    ];
    let (status, out, err) = refit(&Scene::with(&files), &["scan", "--all"]);
    assert_eq!(status, 2, "{err}");
    assert!(err.contains("does not parse") && err.contains("--> src/broken.rs:1"), "{err}");
    assert!(out.contains("clone-at-last-use"), "{out}");
}

#[test]
fn without_cargo_code_is_still_read_and_a_proof_says_what_is_missing() {
    let slo = SLO.replace("[[source]]\nfile = \"perf.txt\"\n", "");
    let code = "pub fn f(key: String) -> String {\n    key.clone()\n}\n";
    let scene = Scene::with(&[("slo.toml", &slo), ("Cargo.toml", GW), ("src/lib.rs", code)]);
    let before = scene.everything();
    // A machine that has git and nothing else.
    let bare = tempfile::tempdir().unwrap();
    let paths = std::env::var_os("PATH").unwrap();
    let git = std::env::split_paths(&paths).map(|dir| dir.join("git")).find(|path| path.is_file()).unwrap();
    std::os::unix::fs::symlink(git, bare.path().join("git")).unwrap();
    let run = |args: &[&str]| {
        let mut refit = Command::new(env!("CARGO_BIN_EXE_refit"));
        refit.args(args).current_dir(scene.top()).env("NO_COLOR", "1").env("PATH", bare.path()).output().unwrap()
    };
    let proposed = run(&["propose", "--all", "--json"]);
    assert!(proposed.status.success(), "{}", String::from_utf8_lossy(&proposed.stderr));
    let proposed: serde_json::Value = serde_json::from_slice(&proposed.stdout).unwrap();
    let id = proposed["rewrites"][0]["id"].as_str().expect("one proposal");
    let verified = run(&["verify", id, "--trust"]);
    let err = String::from_utf8_lossy(&verified.stderr);
    assert_eq!(verified.status.code(), Some(2), "{err}");
    assert!(err.contains("cannot run `rustc`") && err.contains("help: install Rust (rustup.rs)"), "{err}");
    assert_eq!(scene.everything(), before, "nothing is lost");
}

const BROKEN: &str = "/// One.\npub fn one() -> u32 {\n    \"one\"\n}\n";

#[test]
fn a_project_that_does_not_build_is_told_with_the_first_error_before_anything_is_proved() {
    let slo = SLO.replace("[[source]]\nfile = \"perf.txt\"\n", "");
    let scene =
        Scene::with(&[("slo.toml", &slo), ("Cargo.toml", MANIFEST), ("Cargo.lock", LOCK), ("src/lib.rs", BROKEN)]);
    let before = scene.everything();
    let rewrite = proposal(BROKEN, "\"one\"", "1");
    let told = prove(&open(&scene), &[rewrite], &ProveOptions::default(), &Ear::deaf()).expect_err("it does not build");
    assert!(told.what.starts_with("the base does not build: error[E0308] src/lib.rs:3"), "{told}");
    assert!(told.help.contains("cargo check"), "{told}");
    assert_eq!(scene.everything(), before);
}

#[test]
fn a_project_that_does_not_build_ends_a_proof_with_status_2() {
    let slo = SLO.replace("[[source]]\nfile = \"perf.txt\"\n", "");
    let code = format!("pub fn f(key: String) -> String {{\n    key.clone()\n}}\n{BROKEN}");
    let scene =
        Scene::with(&[("slo.toml", &slo), ("Cargo.toml", MANIFEST), ("Cargo.lock", LOCK), ("src/lib.rs", &code)]);
    let before = scene.everything();
    let (status, proposed, err) = refit(&scene, &["propose", "--all", "--json"]);
    assert_eq!(status, 0, "{err}");
    let proposed: serde_json::Value = serde_json::from_str(&proposed).unwrap();
    let id = proposed["rewrites"][0]["id"].as_str().expect("one proposal");
    let (status, _, err) = refit(&scene, &["verify", id, "--trust"]);
    assert_eq!(status, 2, "{err}");
    assert!(err.contains("the base does not build: error[E0308]") && err.contains("src/lib.rs:6"), "{err}");
    assert_eq!(scene.everything(), before, "nothing is lost");
}

#[test]
fn without_git_code_is_still_read_and_an_example_says_what_is_missing() {
    let slo = SLO.replace("[[source]]\nfile = \"perf.txt\"\n", "");
    let scene = Scene::with(&[("slo.toml", &slo), ("Cargo.toml", GW), ("src/lib.rs", "pub fn f() {}\n")]);
    let before = scene.everything();
    let nothing = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let mut refit = Command::new(env!("CARGO_BIN_EXE_refit"));
        let ran = refit.args(args).current_dir(scene.top()).env("PATH", nothing.path()).output().unwrap();
        (ran.status.code(), String::from_utf8_lossy(&ran.stderr).into_owned())
    };
    let (status, err) = run(&["scan", "--all"]);
    assert_eq!(status, Some(0), "{err}");
    let (status, err) = run(&["try", "payment-gateway", "--no-open"]);
    assert_eq!(status, Some(2), "{err}");
    assert!(err.contains("git cannot be started") && err.contains("install git"), "{err}");
    assert_eq!(scene.everything(), before, "nothing is lost");
}

#[test]
fn a_second_instance_is_told_who_proves_and_can_prove_afterwards() {
    let slo = SLO.replace("[[source]]\nfile = \"perf.txt\"\n", "");
    let scene = Scene::with(&[("slo.toml", &slo), ("Cargo.toml", MANIFEST), ("src/lib.rs", BROKEN)]);
    let workspace = open(&scene);
    let hold = || Slots::open(&workspace.repository().unwrap(), &workspace.root, &Cancel::default());
    let first = hold().expect("nobody else holds the slots");
    let rewrite = proposal(BROKEN, "\"one\"", "1");
    let told = prove(&workspace, &[rewrite], &ProveOptions::default(), &Ear::deaf()).expect_err("the slots are held");
    assert_eq!(told.what, format!("another Refit (process {}) is proving in this project", std::process::id()));
    assert!(told.help.contains("wait until it has finished"), "{told}");
    drop(first);
    hold().expect("the slots are free again");
}

/// In the child: where it writes the process that it started.
const ORPHAN: &str = "REFIT_TEST_ORPHAN";

/// Not a test by itself: it runs what a killed Refit leaves behind.
#[test]
fn child_that_runs_a_long_command() {
    let Ok(told) = std::env::var(ORPHAN) else { return };
    let line = format!("trap '' TERM HUP; sleep 600 & echo $! > {told}.part && mv {told}.part {told}; wait");
    let _ = process::Command::shell(&line, Path::new("/")).run(&Cancel::default(), &mut |_| {});
}

#[test]
fn what_a_killed_refit_has_started_ends_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let told = dir.path().join("pid");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "refusals::child_that_runs_a_long_command"])
        .env(ORPHAN, &told)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let pid = eventually("the command is started", || std::fs::read_to_string(&told).ok());
    assert!(is_running(&pid), "the command runs");
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("the command is gone", || (!is_running(&pid)).then_some(()));
}

#[track_caller]
fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_running(pid: &str) -> bool {
    let asked = Command::new("ps").args(["-o", "stat=", "-p", pid.trim()]).output().unwrap();
    let state = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}
