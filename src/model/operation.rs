//! What Refit did to a repository: the operation log's entries and the plan of a commit.

use super::RewriteId;

/// What kind of operation an entry records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OperationKind {
    /// Commits on a branch, checkout untouched.
    Apply,
    /// The branch was merged into the checkout by fast-forward.
    LandHere,
    /// An earlier operation was taken back.
    Undo,
    /// An undone operation was done again.
    Redo,
}

impl OperationKind {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            OperationKind::Apply => "apply",
            OperationKind::LandHere => "land",
            OperationKind::Undo => "undo",
            OperationKind::Redo => "redo",
        }
    }
}

/// One entry of the operation log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Number, from 1.
    pub number: u64,
    /// What it was.
    pub kind: OperationKind,
    /// One line: `index seen by a set in risk::score on refit/sprint`.
    pub title: String,
    /// Proposals it landed.
    pub rewrites: Vec<RewriteId>,
    /// Refs it moved: name, before, after (empty for absent).
    pub refs: Vec<(String, String, String)>,
    /// Seconds since the epoch.
    pub at: u64,
    /// True if it is undone at present.
    pub undone: bool,
}

/// A commit to make: the new contents of files on top of a base, and its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitPlan {
    /// Branch it lands on, `refit/<name>`.
    pub branch: String,
    /// Files and their new bytes; modes stay as they are.
    pub files: Vec<(String, Vec<u8>)>,
    /// The whole message with trailers.
    pub message: String,
    /// Proposals it carries.
    pub rewrites: Vec<RewriteId>,
    /// Tree the evidence was made on; the commit's tree must be equal, unless forced.
    pub proved_tree: Option<String>,
}
