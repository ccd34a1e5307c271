//! The objective's own quantile, measured once on the accepted stack against the base.

use super::{Ear, Workspace};
use crate::model::Problem;

pub use crate::model::ObjectiveMeasurement;

/// Builds base and stack in two slots and runs the workload in ABBA blocks, each with its own log.
///
/// # Errors
/// No workload, a service that does not come up, too few requests for the quantile.
pub fn measure_objective(workspace: &Workspace, slo: &str, ear: &Ear) -> Result<ObjectiveMeasurement, Problem> {
    let _ = (workspace, slo, ear);
    Err(Problem::error("not built yet"))
}
