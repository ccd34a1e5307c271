//! Folders, revisions and object ids in; what libgit2 reads of them in this process out.
//!
//! Every function answers `None` where libgit2 cannot (reftable, sha256, an object that a partial clone has yet to
//! fetch); the `git` binary is asked then, which also knows how to name what is missing. Starting it costs some
//! milliseconds each time, and reading a project asks half a dozen questions.

use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Oid, Repository, TreeWalkMode, TreeWalkResult};

use super::repository::TreeEntry;

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

/// True if neither the index nor any tracked file below `toplevel` differs from the tree.
pub fn is_clean(git_dir: &Path, toplevel: &Path, tree: &str) -> Option<bool> {
    let repository = Repository::open(git_dir).ok()?;
    if repository.workdir()?.canonicalize().ok()? != toplevel {
        return None;
    }
    let tree = repository.find_tree(Oid::from_str(tree).ok()?).ok()?;
    let staged = repository.diff_tree_to_index(Some(&tree), None, None).ok()?;
    let changed = repository.diff_index_to_workdir(None, None).ok()?;
    Some(staged.deltas().len() == 0 && changed.deltas().len() == 0)
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
}
