//! The only door out: files, git, scratch slots, cargo, processes and the clock.

mod cancel;

pub use cancel::Cancel;
