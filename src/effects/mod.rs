//! The only door out: files, git, scratch slots, cargo, processes and the clock.

mod cancel;
pub mod evidence;
pub mod files;
pub mod git;
pub mod project;
pub mod trust;

pub use cancel::Cancel;
