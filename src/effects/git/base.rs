//! HEAD, the tracked changes of the checkout and the landing branch in, the one tree that everything derives from out.

use std::path::Path;

use super::command::Git;
use super::objects;
use super::repository::{Repository, TreeChange};
use crate::model::{Place, Problem};

/// The tree that is analysed and proved: HEAD plus the tracked changes of the checkout, on top of what has landed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// Tree id of the whole repository.
    pub tree: String,
    /// Commit that is checked out.
    pub head: String,
    /// Commit that the next one stands on: the landing branch's tip, or HEAD where there is no such branch yet.
    pub tip: String,
    /// Tree id of [`Base::tip`]: what the next commit changes.
    pub tip_tree: String,
    /// Where the landing branch points; `None` before the first landing.
    pub branch: Option<String>,
    /// Paths of the repository (not of the model) whose tracked content differs from HEAD, sorted.
    pub dirty: Vec<String>,
    /// What is worth saying about it: a branch that went its own way, submodules, large files kept elsewhere.
    pub notes: Vec<Problem>,
}

impl Repository {
    /// Makes the base tree for a landing branch (`refit/<name>`). Objects are written, nothing else changes.
    ///
    /// # Errors
    /// No commit yet; a file that was changed in the checkout and on the branch in the same lines.
    pub fn base(&self, branch: &str) -> Result<Base, Problem> {
        let found = self.resolve(&["HEAD^{commit}", "HEAD^{tree}", &format!("refs/heads/{branch}^{{commit}}")])?;
        let [Some(head), Some(head_tree), at] = &found[..] else { return Err(unborn()) };
        let mut notes = self.notes();
        let tip = self.stacked_tip(branch, head, at.as_deref(), &mut notes)?;
        let checkout = match objects::checkout(self.git_dir(), self.toplevel(), head_tree) {
            Some(tree) => tree,
            None => self.checkout_tree()?,
        };
        let dirty = self.changes(head_tree, &checkout)?;
        let tip_tree = if tip == *head { head_tree.clone() } else { self.tree_of(&tip)? };
        let tree = if tip_tree == *head_tree { checkout } else { self.stack(head_tree, &tip_tree, &dirty)? };
        let dirty = dirty.into_iter().map(|c| c.path).collect();
        Ok(Base { tree, head: head.clone(), tip, tip_tree, branch: at.clone(), dirty, notes })
    }

    /// The tree of the checkout's tracked files as `git commit -a` would write it, made in a copy of the index.
    ///
    /// # Errors
    /// A tracked file that cannot be read, a filter that fails.
    pub fn checkout_tree(&self) -> Result<String, Problem> {
        let scratch = self.scratch()?;
        let copy = scratch.join("index");
        copy_index(&self.git_dir().join("index"), &copy)?;
        // Mixed line ends are the user's affair: here they must not stop a reading.
        let git = self.git.with_index(&copy).with_setting("core.safecrlf=false");
        git.run(&["add", "-u", "--", ":/"])?;
        git.line(&["write-tree"])
    }

    /// The branch's tip if it stands on HEAD, else HEAD.
    fn stacked_tip(
        &self,
        branch: &str,
        head: &str,
        at: Option<&str>,
        notes: &mut Vec<Problem>,
    ) -> Result<String, Problem> {
        let Some(at) = at else { return Ok(head.to_string()) };
        if self.is_ancestor(head, at)? {
            return Ok(at.to_string());
        }
        if !self.is_ancestor(at, head)? {
            notes.push(
                Problem::note(format!("the branch {branch} does not stand on HEAD: proposals derive from HEAD"))
                    .help(format!("bring it up to date with `git rebase HEAD {branch}`, or delete it")),
            );
        }
        Ok(head.to_string())
    }

    /// Puts the checkout's changes on top of the branch: whole files where only one side changed, else by lines.
    fn stack(&self, head: &str, tip: &str, dirty: &[TreeChange]) -> Result<String, Problem> {
        let landed = self.changes(head, tip)?;
        let mut lines = Vec::new();
        for change in dirty {
            let twin = landed.iter().find(|l| l.path == change.path);
            let side = match twin {
                Some(landed) if landed.after != change.after => Some(self.merge(change, landed)?),
                _ => change.after.clone(),
            };
            let (mode, oid) = side.unwrap_or_else(|| (String::from("0"), self.zero()));
            lines.extend_from_slice(format!("{mode} {oid}\t{}\0", change.path).as_bytes());
        }
        let scratch = self.scratch()?;
        let git = self.git.with_index(&scratch.join("index"));
        git.run(&["read-tree", tip])?;
        git.feed(&["update-index", "-z", "--index-info"], &lines)?;
        git.line(&["write-tree"])
    }

    /// Three-way merge of one file; conflicts are refused with the file's name.
    fn merge(&self, ours: &TreeChange, theirs: &TreeChange) -> Result<(String, String), Problem> {
        let (Some(base), Some(our), Some(their)) = (&ours.before, &ours.after, &theirs.after) else {
            return Err(conflict(&ours.path));
        };
        let bytes = self.blobs(&[&base.1, &our.1, &their.1])?;
        let merged = self.merge_bytes(&bytes[0], &bytes[1], &bytes[2])?.ok_or_else(|| conflict(&ours.path))?;
        Ok((our.0.clone(), self.write_blob(&merged)?))
    }

    /// Three-way merge by lines; `None` where both sides changed the same or neighbouring lines.
    ///
    /// # Errors
    /// Temporary files cannot be written.
    pub fn merge_bytes(&self, base: &[u8], ours: &[u8], theirs: &[u8]) -> Result<Option<Vec<u8>>, Problem> {
        let scratch = self.scratch()?;
        for (name, content) in [("ours", ours), ("base", base), ("theirs", theirs)] {
            std::fs::write(scratch.join(name), content)
                .map_err(|e| Problem::error(format!("cannot write {}: {e}", scratch.join(name).display())))?;
        }
        let merged = Git::at(scratch.path()).ask(&["merge-file", "-p", "-q", "ours", "base", "theirs"], b"")?;
        Ok(merged.ok().then_some(merged.stdout))
    }

    /// What the base does not follow, said once.
    fn notes(&self) -> Vec<Problem> {
        let mut notes = Vec::new();
        if self.toplevel().join(".gitmodules").exists() {
            notes.push(Problem::note("submodules are left as they are: only this repository's own files are analysed"));
        }
        let attributes = std::fs::read_to_string(self.toplevel().join(".gitattributes")).unwrap_or_default();
        if attributes.contains("filter=lfs") {
            notes.push(Problem::note("files kept in git LFS are seen as pointers, and never changed"));
        }
        notes
    }
}

/// Copies the index with its time: git recognises entries that changed in the same tick as the index by comparing the two.
pub(super) fn copy_index(from: &Path, to: &Path) -> Result<(), Problem> {
    let failed = |e: std::io::Error| Problem::error(format!("cannot read the index {}: {e}", from.display()));
    match std::fs::metadata(from) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(failed(e)),
        Ok(meta) => {
            std::fs::copy(from, to).map_err(failed)?;
            let file = std::fs::OpenOptions::new().write(true).open(to).map_err(failed)?;
            file.set_modified(meta.modified().map_err(failed)?).map_err(failed)
        }
    }
}

fn unborn() -> Problem {
    Problem::error("this repository has no commit yet")
        .help("commit once, so that there is something to stand on: `git add -A && git commit -m start`")
}

fn conflict(path: &str) -> Problem {
    Problem::error("this file has uncommitted changes in lines that the landing branch changed too")
        .at(Place::file(path))
        .help("commit or stash your changes of this file, or merge the landing branch first")
}
