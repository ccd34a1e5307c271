//! The nouns that every stage speaks: plain values, no serde, no I/O, no outside crate.

mod attribution;
mod comparison;
mod cost;
mod diagnostic;
mod edit;
mod evidence;
mod finding;
mod fold;
mod item;
mod job;
mod objective;
mod operation;
mod problem;
mod profile;
mod recording;
mod review;
mod rewrite;
mod samples;

pub use attribution::*;
pub use comparison::*;
pub use cost::*;
pub use diagnostic::*;
pub use edit::*;
pub use evidence::*;
pub use finding::*;
pub use fold::*;
pub use item::*;
pub use job::*;
pub use objective::*;
pub use operation::*;
pub use problem::*;
pub use profile::*;
pub use recording::*;
pub use review::*;
pub use rewrite::*;
pub use samples::*;
