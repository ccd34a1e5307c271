//! Proposals in, verdicts out: the ladder climbed in scratch slots.

use super::{Ear, Workspace};
use crate::model::{Problem, Rewrite, Verdict};

/// How far and how long to prove.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProveOptions {
    /// Stop after the tests; do not measure.
    pub no_measurement: bool,
    /// Take nothing from the evidence cache.
    pub fresh: bool,
}

/// Climbs the ladder for each proposal on the base tree, in order; tells estimate, steps, log lines and rungs.
///
/// # Errors
/// What keeps any proof from starting (no cargo, a base that does not build); a refuted proposal is no error.
pub fn prove(
    workspace: &Workspace,
    rewrites: &[Rewrite],
    options: &ProveOptions,
    ear: &Ear,
) -> Result<Vec<Verdict>, Problem> {
    let _ = (workspace, rewrites, options, ear);
    Err(Problem::error("not built yet"))
}

/// Prepares the slots (checkout, dependencies, baseline tests) so that the first proof starts warm.
///
/// # Errors
/// As [`prove`].
pub fn warm(workspace: &Workspace, ear: &Ear) -> Result<(), Problem> {
    let _ = (workspace, ear);
    Err(Problem::error("not built yet"))
}
