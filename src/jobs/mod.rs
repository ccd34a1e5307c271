//! Long work: effects are read, a stage is called, progress is told; the same for screen and shell.

mod change_set;
mod check;
mod clean;
mod doctor;
mod editor;
mod init;
mod land;
mod land_stack;
mod measure;
mod open;
mod prove;
mod provisional;
mod quiet;
mod reading;
mod record;
mod record_log;
mod recordings;
mod replay;
mod report;
mod review;
mod review_fold;
mod sources;
mod stand;
mod survey;
mod symbols;
mod try_example;

pub use crate::effects::attestation::Attestation;
pub use change_set::prove_set;
pub use check::{Checked, Exercise, Point, PointState, check};
pub use clean::{Cleaned, Fate, Sweep, clean};
pub use doctor::{Examined, Health, Sign, examine};
pub use editor::edit_in_editor;
pub use init::{OperationSeen, Started, init};
pub use land::{apply, apply_set, land_here, log, recover, redo, undo};
pub use measure::{ObjectiveMeasurement, measure_objective};
pub use open::{Code, Trust, Workspace};
pub use prove::{ProveOptions, Said, Settled, Tests, prove, prove_among, settle, warm};
pub use quiet::{Asking, Measuring, Quiet};
pub use record::{RecordOptions, Recorded, StackMode, record};
pub use replay::{Compared, Replay, Replayed, replay};
pub use report::{Remeasure, Report, can_remeasure, report};
pub use review::{Reviewed, accept_all, accept_obligations, comment, decide, edit, load_reviews, sign, sync_reviews};
pub use sources::{Callers, read_by_symbols, read_sources};
pub use try_example::{can_try, example_names, try_example};

use crossbeam_channel::Sender;

use crate::effects::Cancel;
use crate::model::{Brush, Place, Problem, Progress};
use crate::pipeline::{Analysis, Look};

/// Whom a job tells what it does, and who can stop it.
#[derive(Clone, Debug)]
pub struct Ear {
    /// Progress goes here; a closed channel is no error.
    pub progress: Sender<Progress>,
    /// Raised when the person cancels.
    pub cancel: Cancel,
    /// Keeps questions back while something is measured.
    pub quiet: Quiet,
}

impl Ear {
    /// An ear for which nobody listens.
    pub fn deaf() -> Ear {
        Ear { progress: crossbeam_channel::unbounded().0, cancel: Cancel::default(), quiet: Quiet::default() }
    }

    /// Tells progress.
    pub fn tell(&self, progress: Progress) {
        let _ = self.progress.send(progress);
    }
}

/// Looks at a part of the recording again: its call tree, beside that of the older recording `older` unless that is empty,
/// and with a brush its splits.
///
/// # Errors
/// As [`Workspace::read_older`].
pub fn look(
    workspace: &Workspace,
    analysis: &Analysis,
    (objective, tail): (usize, bool),
    brush: &Brush,
    older: &str,
    ear: &Ear,
) -> Result<Look, Problem> {
    let read = || workspace.read_older(older, ear).map(|(profile, _)| profile);
    let first = |problems: Vec<Problem>| {
        let unread = || Problem::error("this recording cannot be read").at(Place::file(older));
        problems.into_iter().max_by_key(|p| p.level).unwrap_or_else(unread)
    };
    let older = (!older.is_empty()).then(|| analysis.ready.older(older, read)).transpose().map_err(first)?;
    Ok(crate::pipeline::look(analysis, &workspace.slo, objective, tail, brush, older.as_deref()))
}

/// Makes the recording ready for looks, beside whatever else is done, and never while something is measured.
pub fn make_ready(workspace: &Workspace, analysis: &std::sync::Arc<Analysis>, quiet: &Quiet) {
    let (slo, analysis, quiet) = (workspace.slo.clone(), analysis.clone(), quiet.clone());
    std::thread::spawn(move || {
        let _asking = quiet.ask(&Cancel::default(), || {});
        analysis.make_ready(&slo);
    });
}

/// Notes in Refit's own request log that a frame is on its way, until what it returns is dropped.
pub fn frame(name: &str) -> impl Drop + use<> {
    crate::effects::measured::entered(name)
}
