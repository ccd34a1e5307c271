//! The proposals in; what is done about them while the person reads: rustc asked about all, hottest first, and the ladder of
//! those that the person has had proved climbed to its end.

use super::working;
use crate::model::{Outcome, Refusal, Rewrite, RewriteId, Rung, Verdict};
use crate::tui::message::{Command, Lane, Task};
use crate::tui::state::{Job, Leaving, Phase, Proposal, State};
use crate::tui::update::set_proposals;

/// So many of the hottest are asked about first, so that their answers do not wait for all others.
const FIRST: usize = 8;

/// Asks about proposals that rustc was not asked about yet, prepares the slots once there are none left, and then climbs
/// what is left of ladders; only where this was wished for, the commands may run, and the compiler has nothing else to do.
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
    if state.warm && !state.proposals.is_empty() {
        state.warm = false;
        return vec![state.start(Task::Warm)];
    }
    rest(state)
}

/// The rest of the ladder of the next proposal that the person has had proved; only where nothing else is to be done in
/// the slots.
fn rest(state: &mut State) -> Vec<Command> {
    if !state.asks || state.leaving != Leaving::No || !state.open_jobs().is_empty() {
        return Vec::new();
    }
    let lacks = |p: &&Proposal| {
        let verdict = p.verdict.as_ref().filter(|v| v.outcome() != Outcome::Refuted);
        let lacking = |v: &Verdict| Rung::ALL.iter().any(|rung| rung.is_on_demand() && v.rung(*rung).is_none());
        state.cared.contains(&p.rewrite.id) && verdict.is_some_and(lacking)
    };
    match state.proposals.iter().find(lacks).map(|p| p.rewrite.clone()) {
        Some(rewrite) => vec![state.start(Task::Rest(vec![rewrite]))],
        None => Vec::new(),
    }
}

/// Remembers what a person has had proved, and forgets what has come to its end; what only made room comes again.
pub fn care(state: &mut State, task: &Task, was_stopped: bool) {
    let of_task = |id: &RewriteId| task.proves().iter().any(|r| r.id == *id);
    match task {
        Task::Prove(rewrites) if !was_stopped => state.cared.extend(rewrites.iter().map(|r| r.id.clone())),
        Task::Rest(_) if !was_stopped => state.cared.retain(|id| !of_task(id)),
        _ => {}
    }
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

/// A person's own work does not wait for what nobody asked for aloud: that is stopped, and done later. What lands is
/// tested in the slots, too.
pub fn make_room(state: &mut State, task: &Task) -> Vec<Command> {
    if task.lane() != Lane::Compiles && !matches!(task, Task::Apply(_) | Task::ApplySet(_)) {
        return Vec::new();
    }
    let now = state.now;
    let asked = state.jobs.iter_mut().filter(|j| j.is_open() && matches!(j.task, Task::Settle(_) | Task::Rest(_)));
    let stop = |job: &mut Job| {
        job.stop(now);
        Command::Cancel(job.id)
    };
    asked.map(stop).collect()
}
