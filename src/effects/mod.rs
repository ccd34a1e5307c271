//! The only door out: files, git, scratch slots, cargo, processes and the clock.

pub mod attestation;
mod cancel;
pub mod cargo;
mod carry;
pub mod clock;
mod criterion;
pub mod editor;
pub mod evidence;
pub mod example;
pub mod failpoint;
pub mod files;
pub mod git;
mod gpu;
pub mod machine;
pub mod measured;
pub mod objects;
pub mod process;
pub mod project;
// The file that services copy is the one Refit itself is measured with.
#[allow(missing_docs)]
#[path = "../../templates/instrument/request_log.rs"]
pub mod request_log;
pub mod reviews;
pub mod slots;
mod strays;
pub mod surveys;
pub mod trust;
pub mod walk;
pub mod workload;

pub use cancel::Cancel;
