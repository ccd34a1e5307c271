//! Sign-offs in, commits on a branch out, each operation snapshotted so that it can be undone.

use super::{Ear, Workspace};
use crate::model::{Operation, Problem, SignOff};

/// Lands signed proposals as commits on the workspace's branch, without any change to the checkout.
///
/// # Errors
/// A merge in progress, an unborn HEAD, a bare repository, a base file that changed, overlap with uncommitted lines.
pub fn apply(workspace: &Workspace, signed: &[SignOff], ear: &Ear) -> Result<Operation, Problem> {
    let _ = (workspace, signed, ear);
    Err(Problem::error("not built yet"))
}

/// Fast-forwards the checkout's branch to the landed branch.
///
/// # Errors
/// Not a fast-forward; local changes that overlap.
pub fn land_here(workspace: &Workspace) -> Result<Operation, Problem> {
    let _ = workspace;
    Err(Problem::error("not built yet"))
}

/// Takes back the newest operation that is not undone.
///
/// # Errors
/// Nothing to undo; files or refs that changed since in a way that would be lost.
pub fn undo(workspace: &Workspace) -> Result<Operation, Problem> {
    let _ = workspace;
    Err(Problem::error("not built yet"))
}

/// Does the newest undone operation again.
///
/// # Errors
/// As [`undo`].
pub fn redo(workspace: &Workspace) -> Result<Operation, Problem> {
    let _ = workspace;
    Err(Problem::error("not built yet"))
}

/// All operations, newest first.
///
/// # Errors
/// The repository cannot be read.
pub fn log(workspace: &Workspace) -> Result<Vec<Operation>, Problem> {
    let _ = workspace;
    Err(Problem::error("not built yet"))
}
