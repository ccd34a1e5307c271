//! The workbench: one state, `update` and `view` over it, two worker lanes.

use std::path::Path;

use crate::model::Problem;

/// Opens the workbench on the project at `root` and returns when the person quits.
///
/// # Errors
/// No terminal, or one that cannot be set up. Problems of the project are shown inside.
pub fn run(root: &Path, config: &Path) -> Result<(), Problem> {
    let _ = (root, config);
    Err(Problem::error("not built yet"))
}
