//! Decisions of people in, reviews and sign-offs kept in the repository's own refs out.

use super::Workspace;
use crate::model::{Decision, Hunk, Problem, Review, Rewrite, SignOff, Verdict};

/// A proposal with its hunks, the decisions on them and the evidence known for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reviewed {
    /// The proposal, as edited if it was edited.
    pub rewrite: Rewrite,
    /// Its hunks.
    pub hunks: Vec<Hunk>,
    /// Decisions and comments.
    pub review: Review,
    /// The newest verdict on exactly this proposal and the present base.
    pub verdict: Option<Verdict>,
}

/// Joins proposals with what was decided and proved before.
///
/// # Errors
/// The repository cannot be read.
pub fn load_reviews(workspace: &Workspace, rewrites: &[Rewrite]) -> Result<Vec<Reviewed>, Problem> {
    let _ = (workspace, rewrites);
    Err(Problem::error("not built yet"))
}

/// Decides one hunk.
///
/// # Errors
/// No such hunk; the repository cannot be written.
pub fn decide(workspace: &Workspace, rewrite: &Rewrite, hunk: usize, decision: Decision) -> Result<Review, Problem> {
    let _ = (workspace, rewrite, hunk, decision);
    Err(Problem::error("not built yet"))
}

/// Remarks on a line of a hunk.
///
/// # Errors
/// As [`decide`].
pub fn comment(
    workspace: &Workspace,
    rewrite: &Rewrite,
    hunk: usize,
    line: usize,
    text: &str,
) -> Result<Review, Problem> {
    let _ = (workspace, rewrite, hunk, line, text);
    Err(Problem::error("not built yet"))
}

/// Accepts the obligations of a proposal by name.
///
/// # Errors
/// As [`decide`].
pub fn accept_obligations(workspace: &Workspace, rewrite: &Rewrite) -> Result<Review, Problem> {
    let _ = (workspace, rewrite);
    Err(Problem::error("not built yet"))
}

/// Replaces the proposal's new text of one file by what a person wrote; the result is a new proposal with that author.
///
/// # Errors
/// Text that does not parse; a file that is not part of the proposal.
pub fn edit(workspace: &Workspace, rewrite: &Rewrite, file: &str, new_text: &str) -> Result<Rewrite, Problem> {
    let _ = (workspace, rewrite, file, new_text);
    Err(Problem::error("not built yet"))
}

/// Signs a reviewed proposal with the name of git's configuration.
///
/// # Errors
/// What [`SignOff::sign`] refuses; no name configured.
pub fn sign(
    workspace: &Workspace,
    rewrite: &Rewrite,
    verdict: Option<Verdict>,
    role: &str,
    override_reason: Option<String>,
) -> Result<SignOff, Problem> {
    let _ = (workspace, rewrite, verdict, role, override_reason);
    Err(Problem::error("not built yet"))
}
