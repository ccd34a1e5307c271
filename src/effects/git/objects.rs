//! Folders, revisions and object ids in; what libgit2 reads of them in this process out.
//!
//! Every function answers `None` where libgit2 cannot (reftable, sha256, an object that a partial clone has yet to
//! fetch); the `git` binary is asked then, which also knows how to name what is missing. Starting it costs some
//! milliseconds each time, and reading a project asks half a dozen questions.

use std::path::{Path, PathBuf};

use git2::{
    AttrCheckFlags, Delta, DiffDelta, DiffFile, DiffOptions, ErrorCode, ObjectType, Oid, Repository, TreeWalkMode,
    TreeWalkResult,
};

use super::repository::{TreeChange, TreeEntry};

/// Where the repository around a folder lies.
pub struct Place {
    /// Top of the working tree.
    pub toplevel: PathBuf,
    /// The git folder of this working tree.
    pub git_dir: PathBuf,
    /// The git folder that all working trees share.
    pub common_dir: PathBuf,
    /// The folder below the top, with a `/` at its end; empty at the top.
    pub prefix: String,
}

/// The repository around `root`, which has no links in it.
pub fn place(root: &Path) -> Option<Place> {
    let repository = Repository::discover(root).ok()?;
    let toplevel = repository.workdir()?.canonicalize().ok()?;
    let git_dir = repository.path().canonicalize().ok()?;
    let common_dir = repository.commondir().canonicalize().ok()?;
    if root.starts_with(&git_dir) {
        return None;
    }
    let mut prefix = root.strip_prefix(&toplevel).ok()?.to_str()?.to_owned();
    if !prefix.is_empty() {
        prefix.push('/');
    }
    Some(Place { toplevel, git_dir, common_dir, prefix })
}

/// Object ids of revisions; an inner `None` for what does not exist.
pub fn resolve(git_dir: &Path, names: &[&str]) -> Option<Vec<Option<String>>> {
    let repository = Repository::open(git_dir).ok()?;
    let one = |name: &&str| match repository.revparse_single(name) {
        Ok(object) => Some(Some(object.id().to_string())),
        Err(e) if e.code() == ErrorCode::NotFound => Some(None),
        Err(_) => None,
    };
    names.iter().map(one).collect()
}

/// The tree of a commit.
pub fn tree_of(git_dir: &Path, commit: &str) -> Option<String> {
    let repository = Repository::open(git_dir).ok()?;
    Some(repository.find_commit(Oid::from_str(commit).ok()?).ok()?.tree_id().to_string())
}

/// True if `old` is an ancestor of `new`.
pub fn is_ancestor(git_dir: &Path, old: &str, new: &str) -> Option<bool> {
    let repository = Repository::open(git_dir).ok()?;
    repository.graph_descendant_of(Oid::from_str(new).ok()?, Oid::from_str(old).ok()?).ok()
}

/// The tree of the checkout's tracked files, as `git commit -a` would write it over the commit that has the tree `head`;
/// `None` also where more changed than the bytes of plain files, or where git would change these on their way in.
/// Objects are written, the index is not.
pub fn checkout(git_dir: &Path, toplevel: &Path, head: &str) -> Option<String> {
    let repository = Repository::open(git_dir).ok()?;
    if repository.workdir()?.canonicalize().ok()? != toplevel {
        return None;
    }
    let tree = repository.find_tree(Oid::from_str(head).ok()?).ok()?;
    let staged = repository.diff_tree_to_index(Some(&tree), None, None).ok()?;
    let changed = repository.diff_index_to_workdir(None, None).ok()?;
    if staged.deltas().len() == 0 && changed.deltas().len() == 0 {
        return Some(head.to_owned());
    }
    let mut index = repository.index().ok()?;
    for delta in changed.deltas() {
        let path = delta.new_file().path()?;
        if delta.status() != Delta::Modified || delta.old_file().mode() != delta.new_file().mode() {
            return None;
        }
        let mut entry = index.get_path(path, 0)?;
        entry.id = repository.blob(&plain_bytes(&repository, toplevel, path, entry.mode)?).ok()?;
        index.add(&entry).ok()?;
    }
    Some(index.write_tree().ok()?.to_string())
}

/// The bytes of a tracked file which git takes as they are.
fn plain_bytes(repository: &Repository, toplevel: &Path, path: &Path, mode: u32) -> Option<Vec<u8>> {
    let is_set =
        |name| repository.get_attr(path, name, AttrCheckFlags::default()).map_or(true, |value| value.is_some());
    if mode >> 12 != 0o10 || ["filter", "ident", "working-tree-encoding"].into_iter().any(is_set) {
        return None;
    }
    let bytes = std::fs::read(toplevel.join(path)).ok()?;
    // Line ends are settings of many kinds, none of which changes a text without carriage returns.
    (!bytes.contains(&b'\r')).then_some(bytes)
}

/// The differences between two trees, in the order of their paths.
pub fn changes(git_dir: &Path, old: &str, new: &str) -> Option<Vec<TreeChange>> {
    let repository = Repository::open(git_dir).ok()?;
    let tree = |oid: &str| repository.find_object(Oid::from_str(oid).ok()?, None).ok()?.peel_to_tree().ok();
    let mut options = DiffOptions::new();
    options.include_typechange(true);
    let diff = repository.diff_tree_to_tree(Some(&tree(old)?), Some(&tree(new)?), Some(&mut options)).ok()?;
    let side =
        |file: DiffFile<'_>| file.exists().then(|| (format!("{:06o}", u32::from(file.mode())), file.id().to_string()));
    let change = |delta: DiffDelta<'_>| {
        let (old, new) = (delta.old_file(), delta.new_file());
        let path = new.path().or(old.path())?.to_str()?.to_owned();
        Some(TreeChange { path, before: side(old), after: side(new) })
    };
    diff.deltas().map(change).collect()
}

/// Every entry of a tree, below its folders, in git's order.
pub fn entries(git_dir: &Path, tree: &str) -> Option<Vec<TreeEntry>> {
    let repository = Repository::open(git_dir).ok()?;
    let root = repository.find_object(Oid::from_str(tree).ok()?, None).ok()?.peel_to_tree().ok()?;
    let mut found = Vec::new();
    root.walk(TreeWalkMode::PreOrder, |folder, entry| {
        // A path that is not UTF-8 is left out, as the `git` binary's listing leaves it out.
        if let (Some(name), false) = (entry.name().ok(), entry.kind() == Some(ObjectType::Tree)) {
            let (mode, oid) = (format!("{:06o}", entry.filemode_raw()), entry.id().to_string());
            found.push(TreeEntry { mode, oid, path: format!("{folder}{name}") });
        }
        TreeWalkResult::Ok
    })
    .ok()?;
    Some(found)
}

/// Blobs for which another thread is worth its start.
const WORTH_A_THREAD: usize = 100;

/// The bytes of blobs, in the order asked for.
pub fn blobs(git_dir: &Path, oids: &[&str]) -> Option<Vec<Vec<u8>>> {
    // As the `git` binary does, which leaves it to `git fsck`: what was stored damaged does not inflate, and hashing every
    // blob anew takes twice as long as reading it.
    git2::opts::strict_hash_verification(false);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = oids.len().div_ceil(cores).max(WORTH_A_THREAD);
    if oids.len() <= share {
        return read_each(git_dir, oids);
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = oids.chunks(share).map(|share| scope.spawn(|| read_each(git_dir, share))).collect();
        let read: Option<Vec<_>> = threads.into_iter().map(|thread| thread.join().ok().flatten()).collect();
        Some(read?.into_iter().flatten().collect())
    })
}

fn read_each(git_dir: &Path, oids: &[&str]) -> Option<Vec<Vec<u8>>> {
    let repository = Repository::open(git_dir).ok()?;
    let database = repository.odb().ok()?;
    oids.iter().map(|oid| Some(database.read(Oid::from_str(oid).ok()?).ok()?.data().to_vec())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_blobs_come_in_the_order_asked_for_and_one_that_is_not_there_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        let texts: Vec<String> = (0..5 * WORTH_A_THREAD + 1).map(|n| format!("text {n}")).collect();
        let oids: Vec<String> = texts.iter().map(|t| repository.blob(t.as_bytes()).unwrap().to_string()).collect();
        let mut asked: Vec<&str> = oids.iter().map(String::as_str).collect();
        let expected: Vec<Vec<u8>> = texts.iter().map(|t| t.clone().into_bytes()).collect();
        assert_eq!(blobs(repository.path(), &asked), Some(expected));
        asked[300] = "0123456789012345678901234567890123456789";
        assert_eq!(blobs(repository.path(), &asked), None);
    }

    fn git(folder: &Path, arguments: &[&str]) -> String {
        let mut command = std::process::Command::new("git");
        command.args(["-c", "user.name=A", "-c", "user.email=a@example.org"]).args(arguments).current_dir(folder);
        let out = command.output().unwrap();
        assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    }

    /// A commit of `a.rs`, `deep/b.rs` and `c.rs`, and its tree.
    fn committed(attributes: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        for (name, text) in
            [("a.rs", "one\n"), ("deep/b.rs", "two\n"), ("c.rs", "three\n"), (".gitattributes", attributes)]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        git(folder.path(), &["init", "-q"]);
        git(folder.path(), &["add", "-A"]);
        git(folder.path(), &["commit", "-qm", "start"]);
        let tree = git(folder.path(), &["rev-parse", "HEAD^{tree}"]);
        (folder, tree)
    }

    /// The tree of the checkout as this process and as git write it; the index stays as it was.
    fn both(folder: &Path, head: &str) -> (Option<String>, String) {
        let index = folder.join(".git/index");
        let before = std::fs::read(&index).unwrap();
        let own = checkout(&folder.join(".git"), &folder.canonicalize().unwrap(), head);
        assert!(std::fs::read(&index).unwrap() == before);
        git(folder, &["add", "-u"]);
        (own, git(folder, &["write-tree"]))
    }

    #[test]
    fn the_tree_of_changed_files_is_the_one_that_git_writes() {
        let (folder, head) = committed("* text=auto\n");
        assert_eq!(both(folder.path(), &head), (Some(head.clone()), head.clone()));
        std::fs::write(folder.path().join("deep/b.rs"), "other\n").unwrap();
        std::fs::write(folder.path().join("untracked.rs"), "new\n").unwrap();
        std::fs::write(folder.path().join("c.rs"), "staged\n").unwrap();
        git(folder.path(), &["add", "c.rs"]);
        std::fs::write(folder.path().join("a.rs"), "of\nthe same\n").unwrap();
        let (own, gits) = both(folder.path(), &head);
        assert_eq!(own.as_deref(), Some(&*gits));
        assert_ne!(gits, head);
        let raw = git(folder.path(), &["diff-tree", "-r", "--raw", "--no-renames", "--no-abbrev", &head, &gits]);
        let own = changes(&folder.path().join(".git"), &head, &gits).unwrap();
        let shown = own.iter().map(|c| {
            let ((mode, old), (after, new)) = (c.before.clone().unwrap(), c.after.clone().unwrap());
            format!(":{mode} {after} {old} {new} M\t{}", c.path)
        });
        assert_eq!(shown.collect::<Vec<_>>(), raw.lines().collect::<Vec<_>>());
    }

    #[test]
    fn what_git_would_change_or_must_decide_is_left_to_it() {
        fn check(what: &str, attributes: &str, change: impl Fn(&Path)) {
            let (folder, head) = committed(attributes);
            git(folder.path(), &["config", "filter.loud.clean", "tr a-z A-Z"]);
            git(folder.path(), &["config", "core.autocrlf", "true"]);
            change(folder.path());
            let (own, gits) = both(folder.path(), &head);
            assert!(own.as_ref().is_none_or(|own| *own == gits), "{what}: {own:?} {gits}");
            assert_ne!(gits, head, "{what}");
        }
        let write = |text: &'static str| move |folder: &Path| std::fs::write(folder.join("a.rs"), text).unwrap();
        check("line ends", "", write("line\r\n"));
        check("ident", "a.rs ident\n", write("$Id: x$\n"));
        check("filter", "a.rs filter=loud\n", write("other\n"));
        check("encoding", "a.rs working-tree-encoding=UTF-16LE\n", write("a\0b\0"));
        check("removed", "", |folder| std::fs::remove_file(folder.join("a.rs")).unwrap());
        check("link", "", |folder| {
            std::fs::remove_file(folder.join("a.rs")).unwrap();
            std::os::unix::fs::symlink("c.rs", folder.join("a.rs")).unwrap();
        });
        check("mode", "", |folder| {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(folder.join("a.rs"), std::fs::Permissions::from_mode(0o755)).unwrap();
        });
        check("both", "", |folder| {
            use std::os::unix::fs::PermissionsExt;
            std::fs::write(folder.join("a.rs"), "other\n").unwrap();
            std::fs::set_permissions(folder.join("a.rs"), std::fs::Permissions::from_mode(0o755)).unwrap();
        });
        check("intent", "", |folder| {
            std::fs::write(folder.join("new.rs"), "new\n").unwrap();
            git(folder, &["add", "-N", "new.rs"]);
        });
    }

    #[test]
    fn differences_of_trees_name_what_came_and_went() {
        let (folder, head) = committed("");
        std::fs::remove_file(folder.path().join("a.rs")).unwrap();
        std::fs::write(folder.path().join("d.rs"), "four\n").unwrap();
        git(folder.path(), &["add", "-A"]);
        let new = git(folder.path(), &["write-tree"]);
        let found = changes(&folder.path().join(".git"), &head, &new).unwrap();
        let found: Vec<_> = found.iter().map(|c| (&*c.path, c.before.is_some(), c.after.is_some())).collect();
        assert_eq!(found, [("a.rs", true, false), ("d.rs", false, true)]);
    }
}
