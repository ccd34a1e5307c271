//! Object ids in; trees and bytes read in this process through libgit2 out.
//!
//! Every function answers `None` where libgit2 cannot (reftable, sha256, an object that a partial clone has yet to
//! fetch); the `git` binary is asked then, which also knows how to name what is missing.

use std::path::Path;

use git2::{ObjectType, Oid, Repository, TreeWalkMode, TreeWalkResult};

use super::repository::TreeEntry;

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

/// The bytes of blobs, in the order asked for.
pub fn blobs(git_dir: &Path, oids: &[&str]) -> Option<Vec<Vec<u8>>> {
    let repository = Repository::open(git_dir).ok()?;
    let database = repository.odb().ok()?;
    oids.iter().map(|oid| Some(database.read(Oid::from_str(oid).ok()?).ok()?.data().to_vec())).collect()
}
