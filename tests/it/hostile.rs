//! Tests, build scripts, disks and kills that mean no good: the user's repository stays as it was, nothing runs on, and the
//! verdict says what happened.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use refit::effects::slots;
use refit::jobs::{Ear, prove};
use refit::model::*;

use crate::scene::Scene;
use crate::verify::{LOCK, MANIFEST, UNMEASURED, open, proposal, tiny_with};

/// A function and a test of it, beside another test.
fn lib(test: &str) -> String {
    format!(
        "//! Sums.\n\n/// Doubles.\npub fn double(n: u64) -> u64 {{\n    n + n\n}}\n\n#[cfg(test)]\nmod tests {{\n    \
         use super::*;\n\n    #[test]\n    fn two_is_doubled() {{\n        assert_eq!(double(2), 4);\n    }}\n\n    \
         #[test]\n    fn another() {{\n{test}    }}\n}}\n"
    )
}

/// Proves that `n + n` may be `to`; nothing of the user's changes, and nothing runs on.
#[track_caller]
fn proved(scene: &Scene, lib: &str, to: &str) -> Result<Verdict, Problem> {
    let before = scene.everything();
    let verdicts = prove(&open(scene), &[proposal(lib, "n + n", to)], &UNMEASURED, &Ear::deaf());
    assert_eq!(scene.everything(), before, "the user's repository has changed");
    assert_eq!(running_in(&slot_folder(scene)), [0i32; 0], "something runs on");
    verdicts.map(|mut all| all.remove(0))
}

#[track_caller]
fn check(verdict: &Verdict, rung: Rung, state: RungState, said: &str) {
    let found = verdict.rung(rung).unwrap_or_else(|| panic!("{rung:?} is not in {verdict:?}"));
    assert_eq!(found.state, state, "{found:?}");
    assert!(found.detail.contains(said), "{found:?}");
}

fn slot_folder(scene: &Scene) -> PathBuf {
    let cache = std::env::var_os("REFIT_CACHE_DIR").expect("the scene has set it");
    Path::new(&cache).join("slots").join(slots::folder_name(&scene.root()))
}

/// Processes that work in a folder or are programs in it, now.
fn working_in(folder: &Path) -> Vec<i32> {
    let is_there = |pid: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let link = |name| std::fs::read_link(format!("/proc/{pid}/{name}")).ok();
        let is_in = ["cwd", "exe"].into_iter().filter_map(link).any(|path| path.starts_with(folder));
        is_in && !stat.contains(") Z ")
    };
    let entries = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|e| e.file_name().to_str()?.parse().ok()).filter(is_there).collect()
}

/// As [`working_in`], once what was killed had the time to die, which a busy machine may take a while for.
fn running_in(folder: &Path) -> Vec<i32> {
    for _ in 0..500 {
        if working_in(folder).is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    working_in(folder)
}

#[test]
fn a_test_that_hangs_with_the_change_is_stopped_and_that_is_said() {
    let wait = "        while double(1) == 3 {\n            std::thread::sleep(std::time::Duration::from_millis(10));\n        }\n";
    let lib = lib(wait);
    let verdict = proved(&tiny_with(&lib), &lib, "n + n + u64::from(n == 1)").expect("the proof runs");
    check(&verdict, Rung::TestsPass, RungState::Undecided, "the tests did not end within their time limit");
    assert_eq!(verdict.outcome(), Outcome::Inconclusive);
}

#[test]
fn a_build_script_that_fails_is_told_in_its_own_words() {
    let script = "fn main() {\n    println!(\"cargo::rerun-if-changed=src/lib.rs\");\n    let text = std::fs::read_to_string(\"src/lib.rs\").unwrap();\n    if text.contains(\"2 * n\") {\n        panic!(\"no products here\");\n    }\n}\n";
    let lib = lib("");
    let scene = tiny_with(&lib);
    scene.commit(&[("build.rs", script)]);
    let verdict = proved(&scene, &lib, "2 * n").expect("the proof runs");
    check(&verdict, Rung::Compiles, RungState::Failed, "failed to run custom build command");
    assert!(verdict.rung(Rung::Compiles).unwrap().log.contains("no products here"), "{verdict:?}");
    scene.commit(&[("build.rs", "fn main() {\n    panic!(\"never\");\n}\n")]);
    let problem = proved(&scene, &lib, "n << 1").unwrap_err();
    assert!(problem.what.starts_with("the base does not build: error: failed to run custom build"), "{problem}");
}

#[test]
fn what_tests_write_into_the_source_tree_stays_in_the_slot_and_is_gone_at_the_next_start() {
    let write = "        let root = std::path::Path::new(env!(\"CARGO_MANIFEST_DIR\"));\n        let text = std::fs::read_to_string(root.join(\"src/lib.rs\")).unwrap();\n        std::fs::write(root.join(\"src/lib.rs\"), text + \"\\n// seen\\n\").unwrap();\n        std::fs::write(root.join(\"notes.txt\"), \"mine\").unwrap();\n";
    let lib = lib(write);
    let scene = tiny_with(&lib);
    let verdict = proved(&scene, &lib, "2 * n").expect("the proof runs");
    check(&verdict, Rung::TwinsAgree, RungState::Passed, "none differs");
    let left = [slot_folder(&scene).join("base/checkout"), slot_folder(&scene).join("candidate/checkout")];
    for checkout in &left {
        assert!(checkout.join("notes.txt").exists(), "that is where it went");
        std::fs::create_dir_all(checkout.join("tests/deep")).unwrap();
        std::fs::write(checkout.join("tests/left.rs"), "this does not compile").unwrap();
        std::fs::write(checkout.join("tests/deep/left.txt"), "").unwrap();
        std::fs::remove_file(checkout.join("Cargo.lock")).unwrap();
    }
    let verdict = proved(&scene, &lib, "n << 1").expect("the proof runs");
    check(&verdict, Rung::TestsPass, RungState::Passed, "2 tests, the same 2 pass");
    assert!(left.iter().all(|checkout| !checkout.join("tests").exists()));
}

#[test]
fn what_a_test_leaves_running_is_ended() {
    let leave = "        for (program, args) in [(\"sleep\", &[\"600\"][..]), (\"setsid\", &[\"sleep\", \"600\"])] {\n            std::process::Command::new(program).args(args).spawn().unwrap();\n        }\n";
    let lib = lib(leave);
    let verdict = proved(&tiny_with(&lib), &lib, "2 * n").expect("the proof runs");
    check(&verdict, Rung::TwinsAgree, RungState::Passed, "none differs");
}

#[test]
fn a_test_that_runs_git_meets_a_repository_of_its_own() {
    let git = "        for args in [&[\"config\", \"user.name\", \"Nobody\"][..], &[\"config\", \"user.email\", \"n@example.invalid\"], &[\"tag\", \"theirs\"],\n            &[\"stash\"], &[\"checkout\", \"-q\", \"-b\", \"theirs\"], &[\"commit\", \"-q\", \"--allow-empty\", \"-m\", \"theirs\"]] {\n            let _ = std::process::Command::new(\"git\").args(args).status();\n        }\n";
    let lib = lib(git);
    let scene = tiny_with(&lib);
    scene.write("unfinished.txt", "work in progress");
    scene.git(&["add", "unfinished.txt"]);
    for to in ["2 * n", "n << 1"] {
        let verdict = proved(&scene, &lib, to).expect("the proof runs");
        check(&verdict, Rung::TestsPass, RungState::Passed, "2 tests, the same 2 pass");
        check(&verdict, Rung::TwinsAgree, RungState::Passed, "none differs");
    }
    assert_eq!(
        scene.git(&["tag"]) + &scene.git(&["stash", "list"]) + &scene.git(&["config", "user.name"]),
        "Maintainer"
    );
}

const SLO: &str = "version = \"slo/v1\"\nservice = { name = \"tiny\" }\n[[slo]]\nname = \"latency\"\np99 = \"200ms\"\n";

/// A crate in which a rule finds one thing.
fn shop() -> Scene {
    let lib = "//! Sales.\n\n/// Pieces on sale.\npub fn on_sale(lines: &[(u32, u64)], sale: &[u32]) -> u64 {\n    let mut pieces = 0;\n    for line in lines {\n        if sale.contains(&line.0) {\n            pieces += line.1;\n        }\n    }\n    pieces\n}\n\n#[test]\nfn pieces_are_counted() {\n    assert_eq!(on_sale(&[(1, 2), (2, 5)], &[1]), 2);\n}\n";
    let files = [
        ("slo.toml", SLO),
        ("Cargo.toml", MANIFEST),
        ("Cargo.lock", LOCK),
        (".gitignore", "target\n"),
        ("src/lib.rs", lib),
    ];
    Scene::with(&files)
}

/// `refit verify --all` on it with a cache of its own, run by `outer`.
fn verify(scene: &Scene, cache: &Path, outer: &[&str]) -> Command {
    let program = env!("CARGO_BIN_EXE_refit");
    let (first, rest) = outer.split_first().map_or((program, &[][..]), |(first, rest)| (*first, rest));
    let mut command = Command::new(first);
    command.args(rest);
    if !outer.is_empty() {
        command.arg(program);
    }
    let id = proposed(scene, cache);
    command.args(["verify", &id, "--trust", "--no-measurement", "--json", "--root"]).arg(scene.root());
    command.env("REFIT_CACHE_DIR", cache).stdin(Stdio::null());
    command
}

/// The id of the one proposal.
fn proposed(scene: &Scene, cache: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_refit"));
    command.args(["propose", "--all", "--json", "--root"]).arg(scene.root()).env("REFIT_CACHE_DIR", cache);
    let said: serde_json::Value = serde_json::from_slice(&command.output().expect("refit runs").stdout).unwrap();
    said["rewrites"][0]["id"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned()
}

/// What a verification that nothing disturbs says: rungs with their states.
#[track_caller]
fn undisturbed(scene: &Scene, cache: &Path) -> Vec<String> {
    let ran = verify(scene, cache, &[]).output().expect("refit runs");
    rungs(&serde_json::from_slice(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}")))
}

#[track_caller]
fn rungs(said: &serde_json::Value) -> Vec<String> {
    let rungs = said["verdicts"][0]["evidence"].as_array().unwrap_or_else(|| panic!("{said}"));
    rungs.iter().map(|e| format!("{} {}", e["rung"].as_str().unwrap(), e["state"].as_str().unwrap())).collect()
}

const HOLDS: [&str; 4] = ["compiles passed", "tests pass passed", "tests reach it passed", "twins agree passed"];

#[test]
fn a_proof_that_is_killed_anywhere_leaves_nothing_behind_and_is_taken_up_again() {
    let (scene, cache) = (shop(), tempfile::tempdir().unwrap());
    let before = scene.everything();
    // Lines of progress: estimate, checkout, dependencies, check, build, tests twice, questions, check, build, tests, …
    for line in [2, 4, 6, 8, 9, 11] {
        let mut child =
            verify(&scene, cache.path(), &[]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("refit runs");
        let heard = BufReader::new(child.stderr.take().unwrap()).lines();
        let told = heard.take(line).count();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(running_in(cache.path()), [0i32; 0], "killed at line {told}");
        assert_eq!(scene.everything(), before, "killed at line {told}");
    }
    assert_eq!(undisturbed(&scene, cache.path())[..4], HOLDS);
    assert_eq!(scene.everything(), before);
}

#[test]
fn what_left_its_group_ends_when_the_program_is_killed() {
    let leave = "        std::process::Command::new(\"setsid\").args([\"sleep\", \"600\"]).status().unwrap();\n";
    let lookup = shop().read("src/lib.rs");
    let scene = shop();
    scene.commit(&[("src/lib.rs", &lookup.replace("    assert_eq!", &format!("{leave}    assert_eq!")))]);
    let cache = tempfile::tempdir().unwrap();
    let mut child =
        verify(&scene, cache.path(), &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("refit runs");
    let sleeps = |pid: &i32| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|n| n.trim() == "sleep");
    let began = std::time::Instant::now();
    while !working_in(cache.path()).iter().any(sleeps) {
        assert!(began.elapsed().as_secs() < 120, "the test never began to sleep");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(running_in(cache.path()), [0i32; 0]);
}

#[test]
fn a_full_disk_is_told_as_that_and_refutes_nothing() {
    let (scene, cache) = (shop(), tempfile::tempdir().unwrap());
    let before = scene.everything();
    // Files that may not grow beyond this many blocks of 512 bytes stand for a disk that takes no more.
    for blocks in ["0", "8", "64", "900"] {
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let ran = verify(&scene, cache.path(), &["sh", "-c", &limited]).output().expect("sh runs");
        let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(!said.contains("refuted"), "{blocks} blocks: {said}");
        assert!(
            said.contains("File too large") || ran.status.success() || said.contains("inconclusive"),
            "{blocks} blocks: {said}"
        );
        assert_eq!(scene.everything(), before, "{blocks} blocks");
    }
    assert_eq!(undisturbed(&scene, tempfile::tempdir().unwrap().path())[..4], HOLDS);
    let nowhere = scene.top().join("Cargo.toml");
    let ran = verify(&scene, cache.path(), &[]).env("REFIT_CACHE_DIR", &nowhere).output().expect("refit runs");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(said.contains("cannot write") && said.contains("REFIT_CACHE_DIR"), "{said}");
}

/// Takes the right to write whatever permissions say from a program that root starts: they hold for it as for everybody.
fn bound_by_permissions(command: &mut Command) -> &mut Command {
    const CAP_DAC_OVERRIDE: libc::c_ulong = 1;
    // SAFETY: a system call alone between fork and exec; whoever is not root has no such right, and is refused.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0);
            Ok(())
        })
    }
}

/// Sets the rights of a folder and of all folders in it.
fn set_rights(folder: &Path, mode: u32) {
    // What takes the right to list comes last, what gives it first.
    let set = || std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
    set();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            set_rights(&entry.path(), mode);
        }
    }
}

/// The test would show nothing where folders could be written all the same.
fn assert_cannot_be_written(folder: &Path) {
    let mut touch = Command::new("touch");
    let touched = bound_by_permissions(touch.arg(folder.join("touched"))).output().expect("touch runs");
    assert!(String::from_utf8_lossy(&touched.stderr).contains("Permission denied"), "{touched:?}");
}

#[test]
fn a_target_folder_of_the_project_that_cannot_be_written_is_only_read() {
    let (scene, cache) = (shop(), tempfile::tempdir().unwrap());
    scene.write("target/debug/deps/libx.rlib", "x");
    scene.write("target/debug/.fingerprint/x-1/lib-x", "x");
    let target = scene.top().join("target");
    set_rights(&target, 0o555);
    assert_cannot_be_written(&target);
    let before = scene.everything();
    let mut command = verify(&scene, cache.path(), &[]);
    let ran = bound_by_permissions(&mut command).output().expect("refit runs");
    let said: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
    assert_eq!(rungs(&said)[..4], HOLDS);
    assert_eq!(scene.everything(), before);
    set_rights(&target, 0o755);
}

#[test]
fn a_target_folder_of_a_slot_that_cannot_be_written_is_told_as_that_and_refutes_nothing() {
    let (scene, cache) = (shop(), tempfile::tempdir().unwrap());
    undisturbed(&scene, cache.path());
    for arm in ["base", "candidate"] {
        // Another tree: nothing of it is known yet.
        scene.commit(&[("src/lib.rs", &format!("{}\n// Before {arm}.\n", scene.read("src/lib.rs")))]);
        let before = scene.everything();
        let slots = cache.path().join("slots").join(slots::folder_name(&scene.root()));
        let target = slots.join(arm).join("checkout/target");
        set_rights(&target, 0o555);
        assert_cannot_be_written(&target);
        let ran = bound_by_permissions(&mut verify(&scene, cache.path(), &[])).output().expect("refit runs");
        let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(!said.contains("refuted"), "{arm}: {said}");
        assert!(said.contains("this machine could not") && said.contains("Permission denied"), "{arm}: {said}");
        assert_eq!(scene.everything(), before, "{arm}");
        set_rights(&target, 0o755);
        assert_eq!(undisturbed(&scene, cache.path())[..4], HOLDS);
    }
}
