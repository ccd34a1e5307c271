//! The git repository of a project: its base tree, its commits, its refs and the operations done to it.

mod base;
mod command;
mod commit;
mod files;
mod history;
mod index;
mod journal;
mod landed;
mod notes;
mod objects;
mod oplog;
mod perform;
mod refs;
mod repository;
mod scratch;

pub use base::Base;
pub use command::{Answer, Git};
pub use history::CommitTime;
pub use journal::Lock;
pub use landed::LandedCommit;
pub use oplog::{Change, Draft, Entry, FileMove, Move, Side, to_redo, to_undo, undone};
pub use refs::{LogLine, RefMove};
pub use repository::{Rename, Repository, TreeChange, TreeEntry};
pub use scratch::Scratch;
