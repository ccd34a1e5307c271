//! Operations in, a chain of commits in `refs/refit/ops` that holds everything to take them back out, and back.

use serde::{Deserialize, Serialize};

use super::refs::RefMove;
use super::repository::Repository;
use crate::model::{Operation, OperationKind, Problem, RewriteId};

/// The ref of the operation log.
pub const OPS: &str = "refs/refit/ops";

/// Version of the entries.
const SCHEMA: &str = "refit.operation/1";

/// The entry's own file in its commit.
const ENTRY: &str = "op.json";

/// A file of the checkout as it stands there, filters and all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// Octal mode as git writes it.
    pub mode: String,
    /// Object id of the raw bytes.
    pub blob: String,
}

/// What stands somewhere before and after; `None` for nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Before.
    pub before: Option<Side>,
    /// After.
    pub after: Option<Side>,
}

impl Move {
    /// The way back.
    pub fn reversed(&self) -> Move {
        Move { before: self.after.clone(), after: self.before.clone() }
    }
}

/// A path that an operation changes: the file in the checkout, and its entry in the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMove {
    /// Path relative to the top of the repository.
    pub path: String,
    /// The file's raw bytes; `None` where the checkout has none to change (submodules).
    pub file: Option<Move>,
    /// The index entry: what git has stored, filtered.
    pub index: Option<Move>,
}

impl FileMove {
    /// The way back.
    pub fn reversed(&self) -> FileMove {
        FileMove {
            path: self.path.clone(),
            file: self.file.as_ref().map(Move::reversed),
            index: self.index.as_ref().map(Move::reversed),
        }
    }
}

/// Everything an operation changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Refs.
    pub refs: Vec<RefMove>,
    /// Files of the checkout.
    pub files: Vec<FileMove>,
}

impl Change {
    /// The way back.
    pub fn reversed(&self) -> Change {
        Change {
            refs: self.refs.iter().map(RefMove::reversed).collect(),
            files: self.files.iter().rev().map(FileMove::reversed).collect(),
        }
    }
}

/// An operation before it has a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What it is.
    pub kind: OperationKind,
    /// One line.
    pub title: String,
    /// Proposals it lands.
    pub rewrites: Vec<RewriteId>,
    /// For undo and redo: the operation that is taken back or done again.
    pub target: Option<u64>,
    /// What it changes.
    pub change: Change,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    schema: String,
    /// Number, from 1.
    pub number: u64,
    kind: String,
    /// One line.
    pub title: String,
    rewrites: Vec<String>,
    refs: Vec<(String, Option<String>, Option<String>)>,
    files: Vec<FileMove>,
    /// What HEAD named: a branch, or a commit.
    head: String,
    /// Top of the working tree it was done in.
    pub toplevel: String,
    at: u64,
    /// The operation that is taken back or done again.
    pub target: Option<u64>,
}

impl Entry {
    /// Numbers a draft.
    pub fn new(draft: &Draft, number: u64, head: String, toplevel: String, at: u64) -> Entry {
        Entry {
            schema: SCHEMA.into(),
            number,
            kind: draft.kind.word().into(),
            title: draft.title.clone(),
            rewrites: draft.rewrites.iter().map(|r| r.0.clone()).collect(),
            refs: draft.change.refs.iter().map(|r| (r.name.clone(), r.before.clone(), r.after.clone())).collect(),
            files: draft.change.files.clone(),
            head,
            toplevel,
            at,
            target: draft.target,
        }
    }

    /// What it was; `None` for a kind that a later version of Refit knows.
    pub fn kind(&self) -> Option<OperationKind> {
        use OperationKind::{Apply, LandHere, Redo, Undo};
        [Apply, LandHere, Undo, Redo].into_iter().find(|k| k.word() == self.kind)
    }

    /// What it changed.
    pub fn change(&self) -> Change {
        let moved = |(name, before, after): &(String, Option<String>, Option<String>)| RefMove {
            name: name.clone(),
            before: before.clone(),
            after: after.clone(),
        };
        Change { refs: self.refs.iter().map(moved).collect(), files: self.files.clone() }
    }

    /// The proposals it landed.
    pub fn rewrites(&self) -> Vec<RewriteId> {
        self.rewrites.iter().cloned().map(RewriteId).collect()
    }

    /// As a noun of the model.
    pub fn operation(&self, undone: bool) -> Option<Operation> {
        let text = |o: &Option<String>| o.clone().unwrap_or_default();
        Some(Operation {
            number: self.number,
            kind: self.kind()?,
            title: self.title.clone(),
            rewrites: self.rewrites(),
            refs: self.refs.iter().map(|(n, b, a)| (n.clone(), text(b), text(a))).collect(),
            at: self.at,
            undone,
        })
    }
}

/// The numbers of operations that are undone at present, in the order in which they were undone.
pub fn undone(entries: &[Entry]) -> Vec<u64> {
    let mut stack = Vec::new();
    for entry in entries {
        match (entry.kind(), entry.target) {
            (Some(OperationKind::Undo), Some(target)) => stack.push(target),
            (Some(OperationKind::Redo), Some(target)) => stack.retain(|n| *n != target),
            _ => {}
        }
    }
    stack
}

/// What `undo` takes back: the newest operation that is not undone.
pub fn to_undo(entries: &[Entry]) -> Option<&Entry> {
    let undone = undone(entries);
    entries.iter().rev().find(|e| is_first_hand(e) && !undone.contains(&e.number))
}

/// What `redo` does again: what was undone last, unless something new was done since.
pub fn to_redo(entries: &[Entry]) -> Option<&Entry> {
    let newest = entries.iter().rev().find(|e| is_first_hand(e)).map_or(0, |e| e.number);
    let last = undone(entries).pop()?;
    let undo = entries.iter().rev().find(|e| e.target == Some(last))?;
    (undo.number > newest).then(|| entries.iter().find(|e| e.number == last))?
}

fn is_first_hand(entry: &Entry) -> bool {
    matches!(entry.kind(), Some(OperationKind::Apply | OperationKind::LandHere))
}

impl Repository {
    /// The operation log, oldest first.
    ///
    /// # Errors
    /// git cannot run, or an entry is damaged.
    pub fn operations(&self) -> Result<Vec<Entry>, Problem> {
        let Some(tip) = self.ref_at(OPS)? else { return Ok(Vec::new()) };
        let chain = self.git.line(&["rev-list", "--first-parent", &tip])?;
        let names: Vec<String> = chain.lines().map(|c| format!("{c}:{ENTRY}")).collect();
        // The chain begins with an empty commit, which keeps it apart from the user's history.
        let named = &names[..names.len().saturating_sub(1)];
        let blobs = self.blobs(&named.iter().map(String::as_str).collect::<Vec<_>>())?;
        blobs.iter().rev().map(|bytes| from_json(bytes)).collect()
    }

    /// Writes an entry as a commit on the log's tip, with all its snapshots, without moving the ref yet.
    ///
    /// # Errors
    /// The repository cannot be written.
    pub(super) fn write_entry(&self, entry: &Entry, tip: Option<&str>) -> Result<String, Problem> {
        let json = serde_json::to_vec_pretty(entry).map_err(|e| damaged(&e))?;
        let mut files = vec![(ENTRY.to_string(), self.write_blob(&json)?)];
        if let Ok(index) = std::fs::read(self.git_dir().join("index")) {
            files.push((String::from("index"), self.write_blob(&index)?));
        }
        for (number, file) in entry.files.iter().enumerate() {
            let Some(moved) = &file.file else { continue };
            for (when, side) in [("before", &moved.before), ("after", &moved.after)] {
                files.extend(side.iter().map(|s| (format!("{when}-{number:05}"), s.blob.clone())));
            }
        }
        let root = match tip {
            Some(tip) => tip.to_string(),
            None => self.own_commit(&self.flat_tree(&[])?, &[], "operations of Refit\n")?,
        };
        // As parents, what was undone stays out of the reach of `git gc`.
        let moved = entry.refs.iter().flat_map(|(_, before, after)| [before, after]).flatten();
        let mut parents = vec![root.as_str()];
        moved.for_each(|c| {
            if !parents.contains(&c.as_str()) {
                parents.push(c);
            }
        });
        self.own_commit(&self.flat_tree(&files)?, &parents, &format!("{}: {}\n", entry.kind, entry.title))
    }
}

fn from_json(bytes: &[u8]) -> Result<Entry, Problem> {
    serde_json::from_slice(bytes).map_err(|e| damaged(&e))
}

fn damaged(error: &serde_json::Error) -> Problem {
    Problem::error(format!("an entry of the operation log cannot be read: {error}"))
        .help(format!("look at it with `git log --first-parent {OPS}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u64, kind: OperationKind, target: Option<u64>) -> Entry {
        let draft = Draft { kind, title: String::new(), rewrites: Vec::new(), target, change: Change::default() };
        Entry::new(&draft, number, String::new(), String::new(), 0)
    }

    /// `a` apply, `u` undo, `r` redo, each undo and redo taking what the log says.
    fn play(keys: &str) -> Vec<Entry> {
        let mut log = Vec::new();
        for key in keys.chars() {
            let number = log.len() as u64 + 1;
            let (kind, target) = match key {
                'u' => (OperationKind::Undo, to_undo(&log).map(|e| e.number)),
                'r' => (OperationKind::Redo, to_redo(&log).map(|e| e.number)),
                _ => (OperationKind::Apply, None),
            };
            log.push(entry(number, kind, target));
        }
        log
    }

    #[track_caller]
    fn check(keys: &str, undo: Option<u64>, redo: Option<u64>) {
        let log = play(keys);
        assert_eq!((to_undo(&log).map(|e| e.number), to_redo(&log).map(|e| e.number)), (undo, redo), "{keys}");
    }

    #[test]
    fn undo_walks_back_and_redo_walks_forth() {
        check("", None, None);
        check("a", Some(1), None);
        check("aa", Some(2), None);
        check("aau", Some(1), Some(2));
        check("aauu", None, Some(1));
        check("aauur", Some(1), Some(2));
        check("aauurr", Some(2), None);
        check("aauurru", Some(1), Some(2));
    }

    #[test]
    fn something_new_ends_what_can_be_redone() {
        check("aaua", Some(4), None);
        check("aauau", Some(1), Some(4));
        check("aauaur", Some(4), None);
    }
}
