//! The git repository of a project: its base tree, its commits, its refs and the operations done to it.

mod base;
mod command;
mod landed;
mod repository;
mod scratch;

pub use base::Base;
pub use command::{Answer, Git};
pub use landed::LandedCommit;
pub use repository::{Repository, TreeChange, TreeEntry};
pub use scratch::Scratch;
