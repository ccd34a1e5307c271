//! Actions that set work going: proving, cancelling, measuring, reading again, the report.

use super::settling;
use crate::model::{Rewrite, RewriteId, Rung, RungState};
use crate::tui::message::{Command, Lane, Task};
use crate::tui::popups::{Choice, Popup, Sheet};
use crate::tui::screens::ScreenId;
use crate::tui::state::{Job, JobState, Phase, Proposal, State};

/// The proposals that `v` speaks of: the open or selected one, or those of the selected function.
pub fn to_prove(state: &State) -> Vec<&Proposal> {
    match state.screen {
        ScreenId::Review | ScreenId::Jobs => state.selected().into_iter().collect(),
        ScreenId::Code => state.function.as_ref().map(|f| state.proposals_of(f)).unwrap_or_default(),
        ScreenId::Budget => match state.contribution().and_then(|c| c.function.as_ref()) {
            Some(function) => state.proposals_of(function),
            None => Vec::new(),
        },
    }
}

fn unproved(state: &State) -> Vec<Rewrite> {
    let open = |p: &&Proposal| p.verdict.as_ref().is_none_or(|v| v.state_word() != "proved");
    to_prove(state).into_iter().filter(open).map(|p| p.rewrite.clone()).collect()
}

/// There is something to prove that is not being proved.
pub fn can_prove(state: &State) -> Result<(), String> {
    if to_prove(state).is_empty() {
        return Err(match state.screen {
            ScreenId::Review | ScreenId::Jobs => String::from("no proposal is selected"),
            _ => String::from("no proposal for this row; choose one that lists some"),
        });
    }
    let wanted = unproved(state);
    if wanted.is_empty() {
        return Err(String::from("it is proved already"));
    }
    let underway = |r: &Rewrite| state.jobs.iter().any(|j| j.is_open() && j.task.proves().iter().any(|q| q.id == r.id));
    if wanted.iter().all(underway) {
        return Err(String::from("it is being proved; 4 shows how far it is"));
    }
    Ok(())
}

/// Proves them; asks first if the project's commands were never agreed to.
pub fn prove(state: &mut State) -> Vec<Command> {
    let rewrites = unproved(state);
    start_compile(state, Task::Prove(rewrites))
}

/// Starts compiler work, after the person agreed to the commands.
pub fn start_compile(state: &mut State, task: Task) -> Vec<Command> {
    let unseen = state.project.as_ref().map(|p| p.unseen.clone()).unwrap_or_default();
    if !unseen.is_empty() {
        state.popup = Some(Popup::trust(unseen, task));
        return Vec::new();
    }
    let mut commands = settling::make_room(state, &task);
    commands.push(state.start(task));
    commands
}

/// A job runs or waits.
pub fn can_cancel(state: &State) -> Result<(), String> {
    match to_cancel(state) {
        Some(_) => Ok(()),
        None => Err(String::from("no job runs")),
    }
}

fn to_cancel(state: &State) -> Option<crate::tui::message::JobId> {
    let open = |j: &&&crate::tui::state::Job| j.is_open() && !matches!(j.state, JobState::Stopping(_));
    let jobs = state.open_jobs();
    let chosen = (state.screen == ScreenId::Jobs).then(|| state.shown_job()).flatten().filter(|j| open(&j));
    chosen
        .or_else(|| jobs.iter().filter(open).find(|j| matches!(j.state, JobState::Running(_))).copied())
        .or_else(|| jobs.iter().find(open).copied())
        .map(|j| j.id)
}

/// Stops the selected job, or the one that runs.
pub fn cancel(state: &mut State) -> Vec<Command> {
    let Some(id) = to_cancel(state) else { return Vec::new() };
    let now = state.now;
    if let Some(job) = state.jobs.iter_mut().find(|j| j.id == id) {
        job.stop(now);
        if let Task::Rest(rewrites) = &job.task {
            // What the person stops does not begin again by itself.
            state.cared.retain(|id| rewrites.iter().all(|r| r.id != *id));
        }
    }
    vec![Command::Cancel(id)]
}

/// The selected proposal has evidence.
pub fn has_evidence(state: &State) -> Result<(), String> {
    match evidence_of(state) {
        Some(_) => Ok(()),
        None => Err(String::from("nothing was proved yet; v proves")),
    }
}

fn evidence_of(state: &State) -> Option<&Proposal> {
    let selected = match state.screen {
        ScreenId::Review => state.selected(),
        ScreenId::Jobs => super::choosing::of_job(state).or_else(|| state.selected()),
        _ => to_prove(state).into_iter().find(|p| p.verdict.is_some()),
    };
    selected.filter(|p| p.verdict.is_some())
}

/// Shows every rung with its log.
pub fn evidence(state: &mut State) -> Vec<Command> {
    let sheet = evidence_of(state).map(|p| Sheet::evidence(&state.theme, p));
    if let Some(sheet) = sheet {
        state.popup = Some(Popup::Sheet(sheet));
    }
    Vec::new()
}

/// There is an objective with a workload, and something was landed.
pub fn can_measure(state: &State) -> Result<(), String> {
    let split = state.split().ok_or("nothing is read yet")?;
    let project = state.project.as_ref().ok_or("nothing is read yet")?;
    if !project.slo.workloads.iter().any(|w| w.slo == split.slo) {
        return Err(format!("slo.toml has no [[workload]] for {}", split.slo));
    }
    if !state.operations.iter().any(|o| !o.undone && o.kind == crate::model::OperationKind::Apply) {
        return Err(String::from("nothing has landed on the branch yet; L lands what is signed"));
    }
    Ok(())
}

/// Measures the objective before and after the accepted stack.
pub fn measure(state: &mut State) -> Vec<Command> {
    let Some(slo) = state.split().map(|s| s.slo.clone()) else { return Vec::new() };
    start_compile(state, Task::Measure(slo))
}

/// The slots are not being prepared, and nothing else compiles.
pub fn can_warm(state: &State) -> Result<(), String> {
    if state.phase != Phase::Ready {
        return Err(String::from("nothing is read yet"));
    }
    if state.jobs.iter().any(|j| j.is_open() && j.task.lane() == crate::tui::message::Lane::Compiles) {
        return Err(String::from("a compiler run is underway"));
    }
    Ok(())
}

/// Prepares the slots.
pub fn warm(state: &mut State) -> Vec<Command> {
    start_compile(state, Task::Warm)
}

/// There is a project, and nothing proves in its slots.
pub fn can_clean(state: &State) -> Result<(), String> {
    has_project(state)?;
    // What nobody asked for aloud makes room.
    let holds = |j: &&Job| j.task.lane() == Lane::Compiles && !matches!(j.task, Task::Settle(_) | Task::Rest(_));
    let in_slots = state.jobs.iter().filter(|j| j.is_open()).find(holds);
    match in_slots {
        Some(job) => Err(format!("the slots are in use: {}", job.title)),
        None => Ok(()),
    }
}

/// Asks before the slots are removed: building them again takes minutes.
pub fn ask_clean(state: &mut State) -> Vec<Command> {
    let text = "the next proof has to check out and build this project anew; evidence and decisions stay";
    let remove = ('y', "remove the build slots", Choice::Clean);
    state.popup = Some(Popup::choose("remove build slots", text, vec![remove]));
    Vec::new()
}

/// There is a project.
pub fn has_project(state: &State) -> Result<(), String> {
    if state.project.is_some() { Ok(()) } else { Err(String::from("no project is open")) }
}

/// Writes and shows the report.
pub fn report(state: &mut State) -> Vec<Command> {
    vec![state.start(Task::Report)]
}

/// Nothing is being read.
pub fn can_refresh(state: &State) -> Result<(), String> {
    let reading = state.jobs.iter().any(|j| j.is_open() && matches!(j.task, Task::Open | Task::Analyse));
    if reading { Err(String::from("it is being read")) } else { Ok(()) }
}

/// Reads everything again.
pub fn refresh(state: &mut State) -> Vec<Command> {
    if matches!(state.phase, Phase::Failed(_)) {
        state.phase = Phase::Reading;
    }
    vec![state.start(Task::Open)]
}

/// Seconds that proving the selected proposals will take, as far as earlier runs tell.
pub fn estimate(state: &State) -> Option<u64> {
    let each = state.proof_seconds()?;
    Some(each * unproved(state).len() as u64)
}

/// True for a rung that a job climbs: one that is always climbed, or that was asked for.
pub fn is_wanted(job: &crate::tui::state::Job, rung: Rung) -> bool {
    match &job.task {
        Task::Rest(_) => true,
        Task::Ask(_, asked) => !rung.is_on_demand() || *asked == rung,
        _ => !rung.is_on_demand(),
    }
}

/// The proposal and rung that a proof is at: the first proposal that is not through, its first rung without evidence.
pub fn at_work(job: &crate::tui::state::Job) -> Option<(RewriteId, Rung)> {
    let rewrites = job.task.proves();
    let of =
        |r: &Rewrite, rung: Rung| job.rungs.iter().find(|(id, e)| *id == r.id && e.rung == rung).map(|(_, e)| e.state);
    // What is asked for in addition is climbed after everything else.
    let always = |r: &Rewrite| Rung::ALL.iter().copied().find(|rung| !rung.is_on_demand() && of(r, *rung).is_none());
    let asked = |r: &Rewrite| Rung::ALL.iter().copied().find(|rung| is_wanted(job, *rung) && of(r, *rung).is_none());
    let next = |r: &Rewrite| always(r).or_else(|| asked(r));
    let through = |r: &Rewrite| Rung::ALL.iter().any(|rung| of(r, *rung) == Some(RungState::Failed));
    let at = rewrites.iter().find(|r| !through(r) && next(r).is_some())?;
    Some((at.id.clone(), next(at)?))
}
