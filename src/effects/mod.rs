//! The only door out: files, git, scratch slots, cargo, processes and the clock.

mod cancel;
pub mod cargo;
mod carry;
pub mod evidence;
pub mod files;
pub mod git;
pub mod process;
pub mod project;
pub mod slots;
pub mod trust;

pub use cancel::Cancel;
