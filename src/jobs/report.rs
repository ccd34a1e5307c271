//! A project in, its Markdown report out: what was found, changed, proved and won.

use super::{Ear, Workspace, load_reviews, measure_objective};
use crate::effects::git::LandedCommit;
use crate::effects::machine;
use crate::model::{ObjectiveMeasurement, Problem, RewriteId};
use crate::report::{self, Entry, Landed, Ledger};

/// Whether the objectives are measured again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remeasure {
    /// What was not measured before stays unmeasured.
    Never,
    /// Once on the accepted stack, where something landed and a workload exercises the objective.
    OnceLanded,
}

/// A report and what is worth saying about how it was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The text.
    pub markdown: String,
    /// Problems on the way.
    pub problems: Vec<Problem>,
}

/// Makes the report.
///
/// # Errors
/// What keeps the analysis from being made; a measurement that fails is told beside the report.
pub fn report(workspace: &Workspace, remeasure: Remeasure, ear: &Ear) -> Result<Report, Vec<Problem>> {
    let analysis = workspace.analyse(false, ear)?;
    let mut problems = analysis.problems.clone();
    let reviewed = load_reviews(workspace, &analysis.rewrites).map_err(|p| vec![p])?;
    let landed = landed(workspace).map_err(|p| vec![p])?;
    let measured = match remeasure {
        Remeasure::OnceLanded if !landed.is_empty() => measure_all(workspace, ear, &mut problems),
        _ => Vec::new(),
    };
    let entry = |r: super::Reviewed| Entry { rewrite: r.rewrite, review: r.review, verdict: r.verdict };
    let ledger = Ledger {
        service: analysis.service,
        at: machine::now(),
        objectives: analysis.objectives,
        findings: analysis.findings,
        proposals: reviewed.into_iter().map(entry).collect(),
        refused: analysis.refused,
        landed,
        measured,
        sources: analysis.sources,
    };
    let markdown = report::markdown(&ledger).map_err(|p| vec![p])?;
    Ok(Report { markdown, problems })
}

/// True if a report would run the workload: something landed, and some objective has one.
pub fn can_remeasure(workspace: &Workspace) -> bool {
    !workspace.slo.workloads.is_empty() && landed(workspace).is_ok_and(|l| !l.is_empty())
}

fn measure_all(workspace: &Workspace, ear: &Ear, problems: &mut Vec<Problem>) -> Vec<ObjectiveMeasurement> {
    let mut measured = Vec::new();
    for workload in workspace.slo.workloads.iter().filter(|w| !w.load.is_empty()) {
        match measure_objective(workspace, &workload.slo, ear) {
            Ok(measurement) => measured.push(measurement),
            // The report is still worth having: it then says that nothing was measured again.
            Err(mut problem) => {
                problem.level = crate::model::Level::Warning;
                problems.push(problem);
            }
        }
    }
    measured
}

/// What landed on the branch or below the checked-out commit, oldest first.
fn landed(workspace: &Workspace) -> Result<Vec<Landed>, Problem> {
    let commits = workspace.repository()?.landed(&workspace.branch)?;
    Ok(commits.iter().flat_map(LandedCommit::apart).map(|c| from_commit(&c)).collect())
}

fn from_commit(commit: &LandedCommit) -> Landed {
    let trailer = |name: &str| commit.trailer(name).to_owned();
    Landed {
        commit: commit.commit.clone(),
        title: commit.subject.clone(),
        rewrite: RewriteId(trailer("Refit-Proposal")),
        rule: trailer("Refit-Rule"),
        predicted: trailer("Refit-Predicted"),
        measured: trailer("Refit-Measured"),
        reviewer: trailer("Reviewed-by"),
        forced: trailer("Refit-Forced"),
    }
}
