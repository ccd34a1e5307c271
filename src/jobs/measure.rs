//! The objective's own quantile, measured once on the accepted stack against the base.

use super::{Ear, Workspace};
use crate::model::Problem;

/// The objective before and after the accepted stack, measured in ABBA blocks of the workload.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectiveMeasurement {
    /// Name of the objective.
    pub slo: String,
    /// Limit in ms.
    pub limit_ms: f64,
    /// Quantile before, ms, with its interval.
    pub before_ms: (f64, f64, f64),
    /// Quantile after, ms, with its interval.
    pub after_ms: (f64, f64, f64),
    /// After minus before, ms, with its interval (block bootstrap).
    pub difference_ms: (f64, f64, f64),
    /// Requests per arm.
    pub requests: u64,
    /// Tree of the base and of the stack.
    pub trees: (String, String),
}

/// Builds base and stack in two slots and runs the workload in ABBA blocks, each with its own log.
///
/// # Errors
/// No workload, a service that does not come up, too few requests for the quantile.
pub fn measure_objective(workspace: &Workspace, slo: &str, ear: &Ear) -> Result<ObjectiveMeasurement, Problem> {
    let _ = (workspace, slo, ear);
    Err(Problem::error("not built yet"))
}
