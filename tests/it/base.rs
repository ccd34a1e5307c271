//! The base tree: HEAD plus the tracked changes of the checkout, on top of what has landed.

use refit::effects::git::Repository;

use crate::scene::{Scene, hermetic};

const BRANCH: &str = "refit/latency";

fn files(scene: &Scene) -> Vec<(String, String)> {
    let repository = scene.repository();
    let base = repository.base(BRANCH).unwrap();
    let read = repository.read_files(&base.tree, |_| true).unwrap();
    read.into_iter().map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect()
}

/// Ten lines, so that changes far apart merge.
fn ten(first: &str, last: &str) -> String {
    format!("{first}\n2\n3\n4\n5\n6\n7\n8\n9\n{last}\n")
}

#[test]
fn the_base_of_a_clean_checkout_is_heads_tree() {
    let scene = Scene::with(&[("src/lib.rs", "fn a() {}\n")]);
    let base = scene.repository().base(BRANCH).unwrap();
    assert_eq!(base.tree, scene.git(&["rev-parse", "HEAD^{tree}"]));
    assert_eq!((base.head.clone(), base.branch), (base.tip, None));
    assert!(base.dirty.is_empty());
}

#[test]
fn tracked_changes_staged_or_not_belong_to_the_base_and_untracked_files_do_not() {
    let scene = Scene::with(&[("a.rs", "1\n"), ("b.rs", "1\n"), ("gone.rs", "1\n")]);
    scene.write("a.rs", "unstaged\n");
    scene.write("b.rs", "staged\n");
    scene.write("new.rs", "staged new\n");
    scene.git(&["add", "b.rs", "new.rs"]);
    scene.write("untracked.rs", "no\n");
    std::fs::remove_file(scene.top().join("gone.rs")).unwrap();
    assert_eq!(files(&scene), pairs(&[("a.rs", "unstaged\n"), ("b.rs", "staged\n"), ("new.rs", "staged new\n")]));
    assert_eq!(scene.repository().base(BRANCH).unwrap().dirty, ["a.rs", "b.rs", "gone.rs", "new.rs"]);
}

#[test]
fn making_the_base_leaves_files_index_refs_and_config_as_they_were() {
    let scene = Scene::with(&[("a.rs", "1\n"), ("b.rs", "1\n")]);
    scene.write("a.rs", "stashed\n");
    scene.git(&["stash", "-q"]);
    scene.git(&["tag", "v1"]);
    scene.write("a.rs", "changed\n");
    scene.write("b.rs", "staged\n");
    scene.git(&["add", "b.rs"]);
    let before = scene.everything();
    let base = scene.repository().base(BRANCH).unwrap();
    scene.repository().read_files(&base.tree, |_| true).unwrap();
    scene.repository().tree_with(&base.tree, &[("a.rs".into(), b"new".to_vec())]).unwrap();
    assert_eq!(scene.everything(), before);
}

#[test]
fn a_change_within_the_same_clock_tick_and_size_as_the_index_is_still_seen() {
    let scene = Scene::empty();
    for round in 0..20 {
        scene.write("a.rs", format!("{:04}\n", round));
        scene.git(&["add", "-A"]);
        scene.git(&["commit", "-q", "--allow-empty", "-m", "round"]);
        scene.write("a.rs", format!("{:04}\n", round + 5000));
        assert_eq!(files(&scene), pairs(&[("a.rs", &format!("{:04}\n", round + 5000))]));
    }
}

#[test]
fn a_project_in_a_subfolder_sees_its_own_files_under_its_own_paths() {
    let scene = Scene::in_folder("services/gateway", &[]);
    scene.commit(&[("services/gateway/src/lib.rs", "x\n"), ("services/gateway/slo.toml", ""), ("README.md", "top\n")]);
    assert_eq!(files(&scene), pairs(&[("slo.toml", ""), ("src/lib.rs", "x\n")]));
    let repository = scene.repository();
    assert_eq!(repository.to_git("src/lib.rs"), "services/gateway/src/lib.rs");
    assert_eq!(repository.to_git("../other/./a.rs"), "services/other/a.rs");
    assert_eq!(repository.from_git("README.md"), None);
    // Changes outside of the project are part of the tree all the same: other crates are built from it.
    scene.write("README.md", "changed\n");
    assert_eq!(repository.base(BRANCH).unwrap().dirty, ["README.md"]);
}

#[test]
fn paths_beyond_ascii_come_through_unquoted() {
    let scene = Scene::with(&[("src/größe λ \"x\".rs", "ok\n")]);
    scene.write("src/größe λ \"x\".rs", "changed\n");
    assert_eq!(files(&scene), pairs(&[("src/größe λ \"x\".rs", "changed\n")]));
    assert_eq!(scene.repository().base(BRANCH).unwrap().dirty, ["src/größe λ \"x\".rs"]);
}

#[test]
fn carriage_returns_are_stored_as_the_repository_asks() {
    let scene = Scene::with(&[("crlf.rs", "a\r\nb\r\n")]);
    assert_eq!(files(&scene), pairs(&[("crlf.rs", "a\r\nb\r\n")]));
    scene.git(&["config", "core.autocrlf", "true"]);
    scene.git(&["config", "core.safecrlf", "true"]);
    scene.commit(&[("lf.rs", "a\r\n")]);
    scene.write("lf.rs", "a\r\nb\r\n");
    assert_eq!(files(&scene)[1], (String::from("lf.rs"), String::from("a\nb\n")));
    scene.write("lf.rs", "a\nb\r\n");
    assert_eq!(files(&scene)[1], (String::from("lf.rs"), String::from("a\nb\n")));
    assert_eq!(scene.read("lf.rs"), "a\nb\r\n");
}

#[test]
fn the_base_stands_on_the_landing_branch_where_that_stands_on_head() {
    let scene = Scene::with(&[("a.rs", "1\n"), ("b.rs", "1\n")]);
    scene.git(&["checkout", "-q", "-b", BRANCH]);
    scene.commit(&[("a.rs", "landed\n")]);
    scene.git(&["checkout", "-q", "main"]);
    scene.write("b.rs", "dirty\n");
    assert_eq!(files(&scene), pairs(&[("a.rs", "landed\n"), ("b.rs", "dirty\n")]));
    let base = scene.repository().base(BRANCH).unwrap();
    assert_eq!(base.tip, scene.git(&["rev-parse", BRANCH]));
    assert_eq!(base.head, scene.git(&["rev-parse", "main"]));
}

#[test]
fn changes_of_one_file_in_checkout_and_branch_are_merged_by_lines() {
    let scene = Scene::with(&[("a.rs", &ten("1", "10"))]);
    scene.git(&["checkout", "-q", "-b", BRANCH]);
    scene.commit(&[("a.rs", &ten("landed", "10"))]);
    scene.git(&["checkout", "-q", "main"]);
    scene.write("a.rs", ten("1", "dirty"));
    assert_eq!(files(&scene), pairs(&[("a.rs", &ten("landed", "dirty"))]));
}

#[test]
fn changes_of_the_same_lines_are_refused_with_the_files_name() {
    let scene = Scene::with(&[("a.rs", "1\n")]);
    scene.git(&["checkout", "-q", "-b", BRANCH]);
    scene.commit(&[("a.rs", "landed\n")]);
    scene.git(&["checkout", "-q", "main"]);
    scene.write("a.rs", "dirty\n");
    let problem = scene.repository().base(BRANCH).unwrap_err();
    insta::assert_snapshot!(problem, @r"
    error: this file has uncommitted changes in lines that the landing branch changed too
      --> a.rs
      help: commit or stash your changes of this file, or merge the landing branch first
    ");
}

#[test]
fn a_branch_that_went_its_own_way_is_left_aside_and_said() {
    let scene = Scene::with(&[("a.rs", "1\n")]);
    scene.git(&["checkout", "-q", "-b", BRANCH]);
    scene.commit(&[("a.rs", "landed\n")]);
    scene.git(&["checkout", "-q", "main"]);
    scene.commit(&[("a.rs", "other\n")]);
    let base = scene.repository().base(BRANCH).unwrap();
    assert_eq!(base.tip, base.head);
    assert!(base.notes[0].what.contains("does not stand on HEAD"), "{:?}", base.notes);
}

#[test]
fn repositories_without_commit_or_checkout_are_refused_with_what_to_do() {
    hermetic();
    let unborn = Scene::empty();
    unborn.write("a.rs", "1\n");
    let problem = unborn.repository().base(BRANCH).unwrap_err();
    assert!(problem.to_string().contains("no commit yet") && problem.help.contains("git commit"), "{problem}");

    let bare = tempfile::tempdir().unwrap();
    unborn.git(&["init", "-q", "--bare", &bare.path().to_string_lossy()]);
    assert!(Repository::discover(bare.path()).unwrap_err().what.contains("bare"));
    let inside = Repository::discover(&unborn.top().join(".git")).unwrap_err();
    assert!(inside.what.contains("inside of a git folder"), "{inside}");

    let none = tempfile::tempdir().unwrap();
    let problem = Repository::discover(none.path()).unwrap_err();
    assert!(problem.what.contains("no git repository") && problem.help.contains("git init"), "{problem}");
}

#[test]
fn repositories_of_newer_formats_are_served() {
    for format in [&["--object-format=sha256"][..], &["--ref-format=reftable"]] {
        let probe = Scene::empty();
        if probe.try_git(&[&["init", "-q"], format, &["probe"]].concat()).is_err() {
            eprintln!("this git cannot make {format:?}: not tested");
            continue;
        }
        let scene = Scene::in_folder("", format);
        scene.commit(&[("a.rs", "1\n")]);
        scene.git(&["checkout", "-q", "-b", BRANCH]);
        scene.commit(&[("a.rs", "landed\n")]);
        scene.git(&["checkout", "-q", "main"]);
        assert_eq!(files(&scene), pairs(&[("a.rs", "landed\n")]));
    }
}

#[test]
fn a_tree_with_new_bytes_keeps_modes_and_everything_else() {
    let scene = Scene::with(&[("run.sh", "1\n"), ("a.rs", "1\n")]);
    scene.git(&["update-index", "--chmod=+x", "run.sh"]);
    scene.git(&["commit", "-q", "-m", "executable"]);
    let repository = scene.repository();
    let head = scene.git(&["rev-parse", "HEAD^{tree}"]);
    let tree = repository.tree_with(&head, &[("run.sh".into(), b"2\r\n".to_vec())]).unwrap();
    assert_eq!(scene.git(&["ls-tree", &tree, "run.sh"]).split(' ').next(), Some("100755"));
    let changes = repository.changes(&head, &tree).unwrap();
    assert_eq!(changes.iter().map(|c| c.path.as_str()).collect::<Vec<_>>(), ["run.sh"]);
    assert_eq!(repository.blobs(&[&changes[0].after.as_ref().unwrap().1]).unwrap(), [b"2\r\n".to_vec()]);
}
