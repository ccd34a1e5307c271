//! What a long job says while it runs.

use super::{Evidence, Measurement, RewriteId, Rung};

/// A message from a running job, in the order things happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// Estimated minutes per rung, before anything runs: (rung, seconds).
    Estimate(Vec<(Rung, u64)>),
    /// A step began: what runs, how far (done, total; total 0 where unknown).
    Step {
        /// What runs, `cargo test -p gateway (candidate)`.
        what: String,
        /// Steps done.
        done: u64,
        /// Steps in all; 0 where unknown.
        total: u64,
    },
    /// A line of the running command's output.
    Log(String),
    /// Old and new were timed so far; more numbers may come.
    Measured(RewriteId, Box<Measurement>),
    /// A rung ended.
    Rung(RewriteId, Evidence),
}
