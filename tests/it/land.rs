//! Landing: commits on a branch, fast-forward into the checkout, undo and redo, and what is refused.

use refit::effects::evidence;
use refit::jobs::{self, Workspace};
use refit::model::*;

use crate::proposals::*;
use crate::scene::Scene;

const BRANCH: &str = "refit/latency";

/// A crate with one function per ten lines, so that edits stand apart.
fn code() -> String {
    (0..6)
        .map(|n| format!("/// Number {n}.\npub fn f{n}() -> u32 {{\n    // kept\n    let x = {n};\n    x\n}}\n\n\n\n"))
        .collect()
}

fn scene() -> Scene {
    Scene::with(&[("src/lib.rs", &code()), ("src/other.rs", "pub fn o() {}\n"), ("slo.toml", "")])
}

#[track_caller]
fn refused(result: Result<Operation, Problem>, words: &str) -> Problem {
    let problem = result.expect_err("it must be refused");
    let text = problem.to_string();
    assert!(text.contains(words), "{words:?} is not in: {text}");
    problem
}

#[test]
fn a_signed_proposal_becomes_one_commit_on_the_branch_and_the_checkout_stays_as_it_was() {
    let scene = scene();
    let workspace = workspace(&scene);
    let rewrite = propose(&workspace, "src/lib.rs", "let x = 2", "let x = 20");
    let signed = force(&workspace, &rewrite);
    let before = scene.everything();
    let operation = jobs::apply(&workspace, &[signed], &deaf()).unwrap();
    assert_eq!(scene.git(&["show", &format!("{BRANCH}:src/lib.rs")]), code().replace("x = 2;", "x = 20;").trim());
    assert_eq!(scene.git(&["rev-parse", &format!("{BRANCH}~1")]), scene.git(&["rev-parse", "HEAD"]));
    assert_eq!(
        scene.git(&["log", "-1", "--format=%an <%ae>, %cn", BRANCH]),
        "Maintainer <maintainer@example.org>, Maintainer"
    );
    let message = scene.git(&["log", "-1", "--format=%B", BRANCH]);
    assert!(message.contains("tried by hand") && message.contains("Maintainer"), "{message}");
    assert!(!scene.git(&["interpret-trailers", "--parse", "/dev/null"]).contains("x"));
    let mut after = scene.everything();
    after.retain(|name, _| {
        !name.starts_with(".git/refs/heads/refit")
            && !name.starts_with(".git/refs/refit")
            && !name.contains("refs/notes/refit")
            && !name.contains("logs/refs/heads/refit")
    });
    let mut before = before;
    before.retain(|name, _| !name.starts_with(".git/refs/refit"));
    assert_eq!(after, before);
    assert_eq!((operation.number, operation.kind), (1, OperationKind::Apply));
    assert_eq!(operation.rewrites, [rewrite.id]);
}

#[test]
fn the_next_proposal_stands_on_the_landed_one() {
    let scene = scene();
    let workspace = workspace(&scene);
    land(&workspace, "src/lib.rs", "let x = 1", "let x = 10");
    land(&workspace, "src/lib.rs", "let x = 10", "let x = 100");
    assert_eq!(scene.git(&["rev-list", "--count", &format!("main..{BRANCH}")]), "2");
    assert!(scene.git(&["show", &format!("{BRANCH}:src/lib.rs")]).contains("let x = 100;"));
}

#[test]
fn several_proposals_of_one_file_land_as_a_commit_each() {
    let scene = scene();
    let workspace = workspace(&scene);
    let signed: Vec<SignOff> = [("let x = 4", "let x = 40"), ("let x = 1", "let x = 10")]
        .iter()
        .map(|(old, new)| force(&workspace, &propose(&workspace, "src/lib.rs", old, new)))
        .collect();
    jobs::apply(&workspace, &signed, &deaf()).unwrap();
    assert_eq!(scene.git(&["diff", "--numstat", &format!("{BRANCH}~1"), BRANCH]), "1\t1\tsrc/lib.rs");
    let both = code().replace("x = 4;", "x = 40;").replace("x = 1;", "x = 10;");
    assert_eq!(scene.git(&["show", &format!("{BRANCH}:src/lib.rs")]), both.trim());
}

#[test]
fn proposals_that_edit_the_same_bytes_are_refused_together() {
    let scene = scene();
    let workspace = workspace(&scene);
    let signed: Vec<SignOff> = ["7", "8"]
        .iter()
        .map(|n| force(&workspace, &propose(&workspace, "src/lib.rs", "x = 4", &format!("x = {n}"))))
        .collect();
    refused(jobs::apply(&workspace, &signed, &deaf()), "overlap");
    assert!(scene.try_git(&["rev-parse", "--verify", BRANCH]).is_err());
}

#[test]
fn evidence_counts_for_exactly_the_tree_that_was_proved() {
    let scene = scene();
    let workspace = workspace(&scene);
    let rewrite = propose(&workspace, "src/lib.rs", "let x = 2", "let x = 20");
    let repository = scene.repository();
    let base = repository.base(BRANCH).unwrap();
    let new = refit::source::apply(&rewrite.edits[0], &code()).unwrap();
    let tree = repository.tree_with(&base.tree, &[("src/lib.rs".into(), new.into_bytes())]).unwrap();
    let wrong = sign_proved(&workspace, &rewrite, &base.tree);
    refused(jobs::apply(&workspace, &[wrong], &deaf()), "evidence of");
    let right = sign_proved(&workspace, &rewrite, &tree);
    jobs::apply(&workspace, &[right], &deaf()).unwrap();
    assert_eq!(scene.git(&["rev-parse", &format!("{BRANCH}^{{tree}}")]), tree);
}

/// Proposals with evidence that speaks of each alone, and the tree of all of them.
fn proved_one_by_one(
    scene: &Scene,
    workspace: &Workspace,
    text: &str,
    changes: &[(&str, &str)],
) -> (Vec<SignOff>, String) {
    let repository = scene.repository();
    let base = repository.base(&workspace.branch).unwrap();
    let tree = |text: String| repository.tree_with(&base.tree, &[("src/lib.rs".into(), text.into_bytes())]).unwrap();
    let mut all = text.to_string();
    let mut signed = Vec::new();
    for (old, new) in changes {
        let rewrite = propose(workspace, "src/lib.rs", old, new);
        all = all.replace(old, new);
        signed.push(sign_proved(workspace, &rewrite, &tree(text.replace(old, new))));
    }
    (signed, tree(all))
}

#[test]
fn proposals_proved_one_by_one_do_not_land_together_unproved() {
    let scene = scene();
    let workspace = workspace(&scene);
    let (signed, stack) =
        proved_one_by_one(&scene, &workspace, &code(), &[("x = 1;", "x = 10;"), ("x = 3;", "x = 30;")]);
    // There is no manifest: the stack cannot be proved.
    jobs::apply(&workspace, &signed, &deaf()).unwrap_err();
    assert!(scene.try_git(&["rev-parse", "--verify", "-q", BRANCH]).is_err());
    let base = scene.repository().base(BRANCH).unwrap();
    evidence::save(&base.tree, "rustc", &verdict(&RewriteId(evidence::STACK.into()), &stack), false).unwrap();
    jobs::apply(&workspace, &signed, &deaf()).unwrap();
    assert_eq!(scene.git(&["rev-parse", &format!("{BRANCH}^{{tree}}")]), stack);
}

#[test]
fn a_stack_is_compiled_and_tested_before_it_lands_and_refused_where_it_fails_together() {
    let lib = "//! Two numbers.\n\n/// One.\npub fn one() -> u32 {\n    1\n}\n\n\n\n\n\n\n\n/// Two.\npub fn two() -> u32 {\n    2\n}\n\n\n\n\n\n\n\n\
               #[test]\nfn their_sum_stays_small() {\n    assert!(one() + two() < 20);\n}\n";
    let manifest = "[package]\nname = \"pair\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    let locked = "version = 4\n\n[[package]]\nname = \"pair\"\nversion = \"0.1.0\"\n";
    let files = [
        ("src/lib.rs", lib),
        ("slo.toml", ""),
        ("Cargo.toml", manifest),
        ("Cargo.lock", locked),
        (".gitignore", "target\n"),
    ];
    let scene = Scene::with(&files);
    let workspace = workspace(&scene);
    workspace.agree().unwrap();
    let (signed, _) = proved_one_by_one(&scene, &workspace, lib, &[("    1", "    10"), ("    2", "    12")]);
    refused(jobs::apply(&workspace, &signed, &deaf()), "not together: tests pass");
    assert!(scene.try_git(&["rev-parse", "--verify", "-q", BRANCH]).is_err());
    let (signed, stack) = proved_one_by_one(&scene, &workspace, lib, &[("    1", "    3 - 2"), ("    2", "    4 - 2")]);
    jobs::apply(&workspace, &signed, &deaf()).unwrap();
    assert_eq!(scene.git(&["rev-parse", &format!("{BRANCH}^{{tree}}")]), stack);
    assert_eq!(scene.git(&["rev-list", "--count", &format!("main..{BRANCH}")]), "2");
}

#[test]
fn a_dirty_checkout_lands_what_does_not_touch_its_lines_and_says_so() {
    let scene = scene();
    let workspace = workspace(&scene);
    scene.write("src/lib.rs", code().replace("let x = 5", "let x = 55"));
    scene.write("src/other.rs", "pub fn dirty() {}\n");
    land(&workspace, "src/lib.rs", "let x = 1", "let x = 10");
    assert_eq!(scene.git(&["show", &format!("{BRANCH}:src/lib.rs")]), code().replace("x = 1;", "x = 10;").trim());
    assert_eq!(scene.git(&["diff", "--name-only", "main", BRANCH]), "src/lib.rs");
    assert!(
        scene
            .git(&["log", "-1", "--format=%B", BRANCH])
            .contains("Refit-Proved-With: uncommitted changes in src/lib.rs, src/other.rs")
    );
}

#[test]
fn a_proposal_on_uncommitted_lines_waits_and_says_which() {
    let scene = scene();
    let workspace = workspace(&scene);
    scene.write("src/lib.rs", code().replace("let x = 5", "let x = 55"));
    let signed = force(&workspace, &propose(&workspace, "src/lib.rs", "let x = 55", "let x = 6"));
    let problem = refused(jobs::apply(&workspace, &[signed], &deaf()), "not committed yet");
    assert_eq!(problem.place, Some(Place::at("src/lib.rs", 49, 0)));
    assert_eq!(problem.help, "commit or stash line 49 first");
}

#[test]
fn a_file_that_changed_since_the_proposal_is_refused() {
    let scene = scene();
    let workspace = workspace(&scene);
    let signed = force(&workspace, &propose(&workspace, "src/lib.rs", "let x = 5", "let x = 6"));
    scene.commit(&[("src/lib.rs", &code().replace("let x = 1", "let x = 11"))]);
    refused(jobs::apply(&workspace, &[signed], &deaf()), "changed since");
}

#[test]
fn a_project_in_a_subfolder_lands_below_it() {
    let scene = Scene::in_folder("services/gateway", &[]);
    scene.commit(&[("services/gateway/src/lib.rs", &code()), ("src/lib.rs", "top\n")]);
    let workspace = workspace(&scene);
    land(&workspace, "src/lib.rs", "let x = 1", "let x = 10");
    assert_eq!(scene.git(&["diff", "--name-only", "main", BRANCH]), "services/gateway/src/lib.rs");
    jobs::land_here(&workspace).unwrap();
    assert!(scene.read("services/gateway/src/lib.rs").contains("let x = 10;"));
    assert_eq!(scene.git(&["status", "--porcelain"]), "");
}

#[test]
fn landing_here_moves_branch_files_and_index_and_keeps_unrelated_changes() {
    let scene = scene();
    let workspace = workspace(&scene);
    land(&workspace, "src/lib.rs", "let x = 1", "let x = 10");
    scene.write("src/other.rs", "pub fn dirty() {}\n");
    scene.write("notes.txt", "untracked\n");
    jobs::land_here(&workspace).unwrap();
    assert_eq!(scene.git(&["rev-parse", "main"]), scene.git(&["rev-parse", BRANCH]));
    assert_eq!(scene.git(&["symbolic-ref", "HEAD"]), "refs/heads/main");
    assert!(scene.read("src/lib.rs").contains("let x = 10;"));
    assert_eq!(scene.git(&["status", "--porcelain"]), "M src/other.rs\n?? notes.txt");
    refused(jobs::land_here(&workspace), "has everything");
}

#[test]
fn landing_here_refuses_what_would_lose_or_invent_something() {
    let scene = scene();
    let workspace = workspace(&scene);
    refused(jobs::land_here(&workspace), "there is no branch");
    land(&workspace, "src/lib.rs", "let x = 1", "let x = 10");
    scene.write("src/lib.rs", code().replace("let x = 5", "let x = 55"));
    refused(jobs::land_here(&workspace), "uncommitted changes");
    scene.git(&["add", "-A"]);
    scene.git(&["show", "HEAD:src/lib.rs"]);
    scene.write("src/lib.rs", code());
    refused(jobs::land_here(&workspace), "uncommitted changes");
    scene.git(&["reset", "-q", "--hard"]);
    scene.git(&["checkout", "-q", "--detach"]);
    refused(jobs::land_here(&workspace), "on no branch");
    scene.git(&["checkout", "-q", "main"]);
    scene.commit(&[("src/other.rs", "pub fn on() {}\n")]);
    refused(jobs::land_here(&workspace), "gone apart");
}

#[test]
fn an_untracked_file_is_never_overwritten_by_landing() {
    let scene = scene();
    let workspace = workspace(&scene);
    scene.git(&["checkout", "-q", "-b", BRANCH]);
    scene.commit(&[("src/new.rs", "pub fn n() {}\n")]);
    scene.git(&["checkout", "-q", "main"]);
    scene.write("src/new.rs", "mine\n");
    let before = scene.everything();
    refused(jobs::land_here(&workspace), "untracked file");
    assert_eq!(scene.everything(), before);
    std::fs::remove_file(scene.top().join("src/new.rs")).unwrap();
    jobs::land_here(&workspace).unwrap();
    assert_eq!(scene.read("src/new.rs"), "pub fn n() {}\n");
    jobs::undo(&workspace).unwrap();
    assert!(!scene.top().join("src/new.rs").exists());
    assert_eq!(scene.git(&["status", "--porcelain"]), "");
}

#[test]
fn operations_in_progress_and_checked_out_branches_are_refused() {
    let scene = scene();
    let workspace = workspace(&scene);
    let signed = force(&workspace, &propose(&workspace, "src/lib.rs", "let x = 1", "let x = 10"));
    scene.git(&["checkout", "-q", "-b", "side"]);
    scene.commit(&[("src/other.rs", "side\n")]);
    scene.git(&["checkout", "-q", "main"]);
    scene.commit(&[("src/other.rs", "main\n")]);
    assert!(scene.try_git(&["merge", "side"]).is_err());
    let problem = refused(jobs::apply(&workspace, std::slice::from_ref(&signed), &deaf()), "a merge is in progress");
    assert!(problem.help.contains("git merge --abort"));
    scene.git(&["merge", "--abort"]);
    assert!(scene.try_git(&["rebase", "side"]).is_err());
    refused(jobs::apply(&workspace, std::slice::from_ref(&signed), &deaf()), "a rebase is in progress");
    scene.git(&["rebase", "--abort"]);
    assert!(scene.try_git(&["cherry-pick", "side"]).is_err());
    refused(jobs::apply(&workspace, std::slice::from_ref(&signed), &deaf()), "a cherry-pick is in progress");
    scene.git(&["cherry-pick", "--abort"]);
    scene.git(&["bisect", "start"]);
    refused(jobs::apply(&workspace, std::slice::from_ref(&signed), &deaf()), "a bisect is in progress");
    scene.git(&["bisect", "reset"]);
    let elsewhere = tempfile::tempdir().unwrap();
    scene.git(&["worktree", "add", "-q", "-b", BRANCH, &elsewhere.path().join("w").to_string_lossy()]);
    refused(jobs::apply(&workspace, &[signed], &deaf()), "is checked out in");
}

#[test]
fn a_branch_that_went_its_own_way_is_not_landed_on() {
    let scene = scene();
    let workspace = workspace(&scene);
    land(&workspace, "src/lib.rs", "let x = 1", "let x = 10");
    scene.commit(&[("src/other.rs", "pub fn on() {}\n")]);
    let signed = force(&workspace, &propose(&workspace, "src/lib.rs", "let x = 2", "let x = 20"));
    refused(jobs::apply(&workspace, &[signed], &deaf()), "does not stand on HEAD");
}

#[test]
fn undo_and_redo_walk_the_whole_chain_there_and_back() {
    let scene = scene();
    let workspace = workspace(&scene);
    let state = |scene: &Scene| {
        let branch = scene.try_git(&["rev-parse", "--verify", "-q", BRANCH]).unwrap_or_default();
        (
            scene.git(&["rev-parse", "main"]),
            branch,
            scene.read("src/lib.rs"),
            scene.git(&["ls-files", "-s"]),
            scene.git(&["status", "--porcelain"]),
        )
    };
    let mut states = vec![state(&scene)];
    land(&workspace, "src/lib.rs", "let x = 1", "let x = 10");
    states.push(state(&scene));
    jobs::land_here(&workspace).unwrap();
    states.push(state(&scene));
    land(&workspace, "src/lib.rs", "let x = 2", "let x = 20");
    states.push(state(&scene));
    jobs::land_here(&workspace).unwrap();
    states.push(state(&scene));
    for _ in 0..2 {
        for expected in states.iter().rev().skip(1) {
            assert_eq!(jobs::undo(&workspace).unwrap().kind, OperationKind::Undo);
            assert_eq!(state(&scene), *expected);
        }
        refused(jobs::undo(&workspace), "nothing to undo");
        for expected in states.iter().skip(1) {
            assert_eq!(jobs::redo(&workspace).unwrap().kind, OperationKind::Redo);
            assert_eq!(state(&scene), *expected);
        }
        refused(jobs::redo(&workspace), "nothing to redo");
    }
    let log = jobs::log(&workspace).unwrap();
    assert_eq!(log.len(), 4 + 16);
    assert!(log.iter().all(|o| !o.undone) && log[0].number == 20);
    assert_eq!(scene.git(&["fsck", "--no-dangling", "--strict"]), "");
}

#[test]
fn what_was_undone_survives_gits_cleaning() {
    let scene = scene();
    let workspace = workspace(&scene);
    land(&workspace, "src/lib.rs", "let x = 1", "let x = 10");
    let landed = scene.git(&["rev-parse", BRANCH]);
    jobs::undo(&workspace).unwrap();
    scene.git(&["reflog", "expire", "--expire=all", "--all"]);
    scene.git(&["gc", "-q", "--prune=now"]);
    jobs::redo(&workspace).unwrap();
    assert_eq!(scene.git(&["rev-parse", BRANCH]), landed);
}

#[test]
fn undo_refuses_what_would_lose_a_later_change() {
    let scene = scene();
    let workspace = workspace(&scene);
    land(&workspace, "src/lib.rs", "let x = 1", "let x = 10");
    jobs::land_here(&workspace).unwrap();
    let landed = scene.read("src/lib.rs");
    scene.write("src/lib.rs", format!("{landed}// mine\n"));
    let before = scene.everything();
    let problem = refused(jobs::undo(&workspace), "changed since");
    assert!(problem.help.contains("git stash push -- src/lib.rs"), "{}", problem.help);
    let mut after = scene.everything();
    after.retain(|n, _| n != ".git/logs/refs/refit/ops");
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert_eq!(after, before);
    scene.write("src/lib.rs", &landed);
    scene.commit(&[("src/other.rs", "pub fn later() {}\n")]);
    refused(jobs::undo(&workspace), "has moved since");
    assert_eq!(scene.read("src/lib.rs"), landed);
}

#[test]
fn carriage_returns_executable_bits_and_names_beyond_ascii_land_and_come_back_whole() {
    let scene = Scene::empty();
    scene.git(&["config", "core.autocrlf", "true"]);
    let crlf = code().replace('\n', "\r\n");
    scene.commit(&[("src/größe λ.rs", &crlf), (".gitattributes", "*.rs text\n")]);
    scene.git(&["update-index", "--chmod=+x", "src/größe λ.rs"]);
    scene.git(&["commit", "-q", "-m", "mode"]);
    scene.git(&["checkout", "-q", "--", "."]);
    scene.git(&["reset", "-q", "--hard"]);
    let workspace = workspace(&scene);
    let before = scene.everything();
    land(&workspace, "src/größe λ.rs", "let x = 1", "let x = 10");
    jobs::land_here(&workspace).unwrap();
    assert_eq!(scene.read("src/größe λ.rs"), crlf.replace("x = 1;", "x = 10;"));
    assert_eq!(scene.git(&["status", "--porcelain"]), "");
    assert!(scene.git(&["ls-files", "-s"]).contains("100755"));
    jobs::undo(&workspace).unwrap();
    let file = "src/größe λ.rs";
    assert_eq!(scene.everything().get(file), before.get(file));
    assert_eq!(scene.git(&["status", "--porcelain"]), "");
}

#[cfg(unix)]
fn hook(scene: &Scene, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = scene.top().join(".git/hooks").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
#[test]
fn the_users_hooks_see_the_change_staged_and_may_complete_the_message() {
    let scene = scene();
    let workspace = workspace(&scene);
    scene.git(&["config", "hooktest.value", "a \"b\" c"]);
    hook(
        &scene,
        "pre-commit",
        "test \"$(git diff --cached --name-only)\" = src/lib.rs && grep -q 'x = 10;' src/lib.rs && test -f src/other.rs && test \"$(git symbolic-ref HEAD)\" = refs/heads/refit/latency",
    );
    hook(&scene, "commit-msg", "echo \"Checked-By: $(git config hooktest.value)\" >> \"$1\"");
    let rewrite = propose(&workspace, "src/lib.rs", "let x = 1", "let x = 10");
    let signed = force(&workspace, &rewrite);
    jobs::apply(&workspace, &[signed], &deaf()).unwrap();
    assert!(scene.git(&["log", "-1", "--format=%B", BRANCH]).ends_with("Checked-By: a \"b\" c"));
    assert_eq!(scene.git(&["status", "--porcelain"]), "");
    assert_eq!(scene.git(&["fsck", "--no-dangling", "--strict"]), "");
}

#[cfg(unix)]
#[test]
fn a_hook_that_refuses_or_rewrites_keeps_the_proposal_from_landing() {
    let scene = scene();
    let workspace = workspace(&scene);
    let signed = force(&workspace, &propose(&workspace, "src/lib.rs", "let x = 1", "let x = 10"));
    hook(&scene, "pre-commit", "echo 'line too long' >&2; exit 1");
    refused(jobs::apply(&workspace, std::slice::from_ref(&signed), &deaf()), "line too long");
    hook(&scene, "pre-commit", "echo '// formatted' >> src/lib.rs; git add src/lib.rs");
    refused(jobs::apply(&workspace, &[signed], &deaf()), "no longer what was proved");
    assert!(scene.try_git(&["rev-parse", "--verify", "-q", BRANCH]).is_err());
    assert!(jobs::log(&workspace).unwrap().is_empty());
}

#[cfg(unix)]
#[test]
fn a_hook_that_never_ends_is_ended_by_cancelling_and_nothing_lands() {
    let scene = scene();
    let workspace = workspace(&scene);
    let signed = force(&workspace, &propose(&workspace, "src/lib.rs", "let x = 1", "let x = 10"));
    let mark = scene.top().join(".git/hook-runs");
    hook(&scene, "pre-commit", &format!("touch {}\nsleep 1000 & wait", mark.display()));
    let ear = deaf();
    let cancel = ear.cancel.clone();
    let canceller = std::thread::spawn(move || {
        while !mark.exists() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        cancel.cancel();
    });
    refused(jobs::apply(&workspace, &[signed], &ear), "cancelled");
    canceller.join().unwrap();
    assert!(scene.try_git(&["rev-parse", "--verify", "-q", BRANCH]).is_err());
    assert!(jobs::log(&workspace).unwrap().is_empty());
}

#[test]
fn commits_are_signed_where_the_user_signs() {
    let scene = scene();
    let key = scene.top().join(".git/key");
    let made =
        std::process::Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    if !made.is_ok_and(|s| s.success()) {
        eprintln!("ssh-keygen is missing: signing is not tested");
        return;
    }
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    std::fs::write(scene.top().join(".git/allowed"), format!("maintainer@example.org {public}")).unwrap();
    scene.git(&["config", "gpg.format", "ssh"]);
    scene.git(&["config", "user.signingkey", &key.to_string_lossy()]);
    scene.git(&["config", "gpg.ssh.allowedSignersFile", &scene.top().join(".git/allowed").to_string_lossy()]);
    scene.git(&["config", "commit.gpgsign", "true"]);
    let workspace = workspace(&scene);
    land(&workspace, "src/lib.rs", "let x = 1", "let x = 10");
    assert_eq!(scene.git(&["log", "-1", "--format=%G?", BRANCH]), "G");
    #[cfg(unix)]
    hook(&scene, "commit-msg", "echo hooked >> \"$1\"");
    land(&workspace, "src/lib.rs", "let x = 2", "let x = 20");
    assert_eq!(scene.git(&["log", "-2", "--format=%G?", BRANCH]), "G\nG");
    scene.git(&["config", "user.signingkey", "/nowhere/key"]);
    let rewrite = propose(&workspace, "src/lib.rs", "let x = 3", "let x = 30");
    accept(&workspace, &rewrite);
    let problem = jobs::sign(&workspace, &rewrite, None, "", Some("tried".into())).unwrap_err();
    assert!(problem.what.contains("/nowhere/key"), "{problem}");
}

#[test]
fn without_a_name_nothing_lands_and_the_message_says_how_to_set_it() {
    let scene = scene();
    let workspace = workspace(&scene);
    let signed = force(&workspace, &propose(&workspace, "src/lib.rs", "let x = 1", "let x = 10"));
    scene.git(&["config", "--unset", "user.name"]);
    let problem = refused(jobs::apply(&workspace, &[signed], &deaf()), "who you are");
    assert!(problem.help.contains("git config user.name"));
}

#[test]
fn a_foreign_index_lock_is_respected_and_its_owner_named() {
    let scene = scene();
    let workspace = workspace(&scene);
    land(&workspace, "src/lib.rs", "let x = 1", "let x = 10");
    let lock = scene.top().join(".git/index.lock");
    let held = std::fs::File::create(&lock).unwrap();
    let problem = refused(jobs::land_here(&workspace), "the index is locked");
    if cfg!(target_os = "linux") {
        assert!(problem.what.contains(&format!("process {}", std::process::id())), "{problem}");
    }
    drop(held);
    let problem = refused(jobs::land_here(&workspace), "the index is locked");
    assert!(problem.help.contains("rm "), "{problem}");
    assert!(scene.git(&["rev-parse", "main"]) != scene.git(&["rev-parse", BRANCH]));
    assert_eq!(scene.git(&["status", "--porcelain"]), "");
    std::fs::remove_file(lock).unwrap();
    jobs::land_here(&workspace).unwrap();
}

#[test]
fn two_instances_do_not_change_a_repository_at_once() {
    let scene = scene();
    let workspace = workspace(&scene);
    let repository = scene.repository();
    let held = repository.lock().unwrap();
    let problem = refused(jobs::undo(&workspace), "another Refit");
    assert!(problem.what.contains(&std::process::id().to_string()));
    drop(held);
    refused(jobs::undo(&workspace), "nothing to undo");
}

#[test]
fn a_linked_worktree_lands_into_its_own_checkout_and_leaves_the_other_alone() {
    let scene = scene();
    let elsewhere = tempfile::tempdir().unwrap();
    let linked = elsewhere.path().join("linked");
    scene.git(&["worktree", "add", "-q", "-b", "side", &linked.to_string_lossy()]);
    let main = scene.read("src/lib.rs");
    let workspace = Workspace { root: linked.clone(), config: linked.join("slo.toml"), ..workspace(&scene) };
    land(&workspace, "src/lib.rs", "let x = 1", "let x = 10");
    jobs::land_here(&workspace).unwrap();
    assert!(std::fs::read_to_string(linked.join("src/lib.rs")).unwrap().contains("let x = 10;"));
    assert_eq!((scene.read("src/lib.rs"), scene.git(&["status", "--porcelain"])), (main.clone(), String::new()));
    jobs::undo(&workspace).unwrap();
    assert_eq!(std::fs::read_to_string(linked.join("src/lib.rs")).unwrap(), main);
    assert_eq!(scene.git(&["rev-parse", "side"]), scene.git(&["rev-parse", "main"]));
    assert_eq!(scene.git(&["-C", &linked.to_string_lossy(), "status", "--porcelain"]), "");
}

#[test]
fn newer_repository_formats_land_and_undo_too() {
    for format in [&["--object-format=sha256"][..], &["--ref-format=reftable"]] {
        if Scene::empty().try_git(&[&["init", "-q"], format, &["probe"]].concat()).is_err() {
            eprintln!("this git cannot make {format:?}: not tested");
            continue;
        }
        let scene = Scene::in_folder("", format);
        scene.commit(&[("src/lib.rs", &code())]);
        let workspace = workspace(&scene);
        #[cfg(unix)]
        hook(&scene, "commit-msg", "echo hooked >> \"$1\"");
        land(&workspace, "src/lib.rs", "let x = 1", "let x = 10");
        jobs::land_here(&workspace).unwrap();
        assert!(scene.read("src/lib.rs").contains("x = 10;"));
        jobs::undo(&workspace).unwrap();
        jobs::undo(&workspace).unwrap();
        assert_eq!(scene.read("src/lib.rs"), code());
        assert_eq!(scene.git(&["status", "--porcelain"]), "");
    }
}
