//! A file of the checkout in; the commit that brought it, and how many commits came since, out.

use std::path::Path;

use git2::{Oid, Repository as Opened, Sort, Status};

use super::repository::Repository;

/// Commits of the first-parent history that are looked at: a file older than that has no known commit.
const REACH: usize = 5_000;

/// A commit and its time in seconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitTime {
    /// Its id.
    pub commit: String,
    /// When it was committed.
    pub at: u64,
}

impl Repository {
    /// The commit of the checked-out branch that brought a file (a path of the model) as it stands; `None` if git does
    /// not have it like that, or if the commit lies further back than [`REACH`].
    pub fn brought_by(&self, path: &str) -> Option<CommitTime> {
        let path = self.to_git(path);
        let path = Path::new(&path);
        let Ok(opened) = Opened::open(self.git_dir()) else { return self.asked_brought_by(path) };
        let status = opened.status_file(path).ok()?;
        if status != Status::CURRENT {
            return None;
        }
        let head = opened.head().ok()?.peel_to_commit().ok()?;
        let entry = |commit: &git2::Commit<'_>| Some(commit.tree().ok()?.get_path(path).ok()?.id());
        let wanted = entry(&head)?;
        let mut newest = head;
        for _ in 0..REACH {
            match newest.parent(0) {
                Ok(parent) if entry(&parent) == Some(wanted) => newest = parent,
                _ => return Some(timed(&newest)),
            }
        }
        None
    }

    /// The newest commit of the checked-out branch's first-parent history that is not younger than a time.
    pub fn newest_at(&self, at: u64) -> Option<CommitTime> {
        let opened = Opened::open(self.git_dir()).ok()?;
        let mut commit = opened.head().ok()?.peel_to_commit().ok()?;
        for _ in 0..REACH {
            if timed(&commit).at <= at {
                return Some(timed(&commit));
            }
            commit = commit.parent(0).ok()?;
        }
        None
    }

    /// How many commits the checked-out branch has that `commit` does not have.
    pub fn commits_since(&self, commit: &str) -> Option<u64> {
        let Ok(opened) = Opened::open(self.git_dir()) else {
            return self.git.line(&["rev-list", "--count", &format!("{commit}..HEAD")]).ok()?.parse().ok();
        };
        let mut walk = opened.revwalk().ok()?;
        walk.set_sorting(Sort::NONE).ok()?;
        walk.push_head().ok()?;
        walk.hide(Oid::from_str(commit).ok()?).ok()?;
        Some(walk.count() as u64)
    }

    /// As [`Repository::brought_by`], by the `git` binary.
    fn asked_brought_by(&self, path: &Path) -> Option<CommitTime> {
        let path = path.to_str()?;
        let is_clean = self.git.ask(&["diff", "--quiet", "HEAD", "--", path], b"").ok()?.ok();
        let line = self.git.line(&["log", "-1", "--first-parent", "--format=%H %ct", "--", path]).ok()?;
        let (commit, at) = line.split_once(' ').filter(|_| is_clean)?;
        Some(CommitTime { commit: commit.to_owned(), at: at.parse().ok()? })
    }
}

fn timed(commit: &git2::Commit<'_>) -> CommitTime {
    CommitTime { commit: commit.id().to_string(), at: u64::try_from(commit.time().seconds()).unwrap_or_default() }
}
