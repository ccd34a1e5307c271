//! The proposals in; what rustc is asked about them while the person reads, hottest first, and what became of them, out.

use super::working;
use crate::model::{Refusal, Rewrite, RewriteId};
use crate::tui::message::{Command, Lane, Task};
use crate::tui::state::{Job, Phase, State};
use crate::tui::update::set_proposals;

/// So many of the hottest are asked about first, so that their answers do not wait for all others.
const FIRST: usize = 8;

/// Asks about proposals that rustc was not asked about yet, and prepares the slots once there are none left; only where
/// this was wished for, the commands may run, and the compiler has nothing else to do.
pub fn go_on(state: &mut State) -> Vec<Command> {
    let trusted = state.project.as_ref().is_some_and(|p| p.unseen.is_empty());
    if !trusted || state.phase != Phase::Ready || !state.reviews_read || working::can_warm(state).is_err() {
        return Vec::new();
    }
    let mut left = if state.asks { unsettled(state) } else { Vec::new() };
    if !left.is_empty() {
        if state.settled.is_empty() {
            left.truncate(FIRST);
        }
        return vec![state.start(Task::Settle(left))];
    }
    if !state.warm || state.proposals.is_empty() {
        return Vec::new();
    }
    state.warm = false;
    vec![state.start(Task::Warm)]
}

/// The proposals of the analysis without an answer. What a person edited is theirs: it is proved, and never taken away.
fn unsettled(state: &State) -> Vec<Rewrite> {
    let Some(analysis) = &state.analysis else { return Vec::new() };
    let has_verdict = |id: &RewriteId| state.proposals.iter().any(|p| p.rewrite.id == *id && p.verdict.is_some());
    let is_new = |r: &&Rewrite| !state.settled.contains_key(&r.id) && !has_verdict(&r.id);
    analysis.rewrites.iter().filter(is_new).cloned().collect()
}

/// Takes the answers in: what rustc refuses leaves the list, and its reason stands beside those of the findings.
pub fn settled(state: &mut State, said: Vec<(RewriteId, Option<Refusal>)>) {
    state.settled.extend(said);
    let proposals = std::mem::take(&mut state.proposals);
    set_proposals(state, proposals);
}

/// A person's own work does not wait for questions that nobody asked aloud: they are stopped, and asked again later.
pub fn make_room(state: &mut State, task: &Task) -> Vec<Command> {
    if task.lane() != Lane::Compiles {
        return Vec::new();
    }
    let now = state.now;
    let asked = state.jobs.iter_mut().filter(|j| j.is_open() && matches!(j.task, Task::Settle(_)));
    let stop = |job: &mut Job| {
        job.stop(now);
        Command::Cancel(job.id)
    };
    asked.map(stop).collect()
}
