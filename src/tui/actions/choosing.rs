//! Actions on the list of proposals: grouping, filtering, taking some as one change set, asking for more of their proof.

use super::working::start_compile;
use crate::model::{ChangeSet, Outcome, Problem, Rewrite, RewriteId, Rung, SetVerdict};
use crate::tui::listing::{Filter, Grouping};
use crate::tui::message::{Command, Task};
use crate::tui::screens::ScreenId;
use crate::tui::state::{Proposal, State};
use crate::tui::text::plural;
use crate::tui::update;

/// There are proposals to group.
pub fn can_group(state: &State) -> Result<(), String> {
    if state.proposals.is_empty() { Err(String::from("there is no proposal")) } else { Ok(()) }
}

/// By the next of ms, function, rule and eye; shows the list.
pub fn other_grouping(state: &mut State) -> Vec<Command> {
    let at = Grouping::ALL.iter().position(|g| *g == state.grouping).unwrap_or(0);
    state.grouping = Grouping::ALL[(at + 1) % Grouping::ALL.len()];
    show_list(state);
    state.list();
    Vec::new()
}

/// Lists only what passes; everything for nothing. A filter that cannot be read leaves the one before.
pub fn filter_by(state: &mut State, text: &str) -> Vec<Command> {
    match Filter::read(text) {
        Ok(filter) => {
            state.wanted = filter;
            show_list(state);
            state.list();
            if state.proposal.is_none() {
                let first = state.listing.proposals().next();
                state.proposal = first.map(|at| state.proposals[at].rewrite.id.clone());
            }
        }
        Err(problem) => state.say(problem),
    }
    Vec::new()
}

fn show_list(state: &mut State) {
    super::moving::go(state, ScreenId::Review);
    state.opened = false;
}

/// A proposal is selected that may be part of a change.
pub fn can_take(state: &State) -> Result<(), String> {
    let proposal = chosen(state)?;
    let refuted = proposal.verdict.as_ref().is_some_and(|v| v.outcome() == Outcome::Refuted);
    if refuted && !state.marked.contains(&proposal.rewrite.id) {
        return Err(String::from("it was refuted (w says why), so no set with it would hold"));
    }
    Ok(())
}

/// The selected proposal, where the screen shows which one that is.
fn chosen(state: &State) -> Result<&Proposal, String> {
    if state.screen != ScreenId::Review {
        return Err(String::from("proposals are chosen in Review (3)"));
    }
    state.selected().ok_or_else(|| String::from("no proposal is selected"))
}

/// Takes the selected proposal into the change set, or out of it.
pub fn toggle_taken(state: &mut State) -> Vec<Command> {
    let Some(id) = state.selected().map(|p| p.rewrite.id.clone()) else { return Vec::new() };
    match state.marked.iter().position(|m| *m == id) {
        Some(at) => drop(state.marked.remove(at)),
        None => state.marked.push(id),
    }
    match ChangeSet::new(&in_order(state)) {
        Err(problem) if !state.marked.is_empty() => {
            state.say(Problem { level: crate::model::Level::Warning, ..problem })
        }
        _ => {}
    }
    state.list();
    Vec::new()
}

/// The taken proposals as they land: in the order of the list without groups.
fn in_order(state: &State) -> Vec<&Rewrite> {
    let taken = |p: &&Proposal| state.marked.contains(&p.rewrite.id);
    state.proposals.iter().filter(taken).map(|p| &p.rewrite).collect()
}

/// Proposals are taken, few enough lines in all, and are not being proved as a set.
pub fn can_prove_set(state: &State) -> Result<(), String> {
    if state.marked.is_empty() {
        return Err(String::from("nothing is taken into it (M takes one)"));
    }
    ChangeSet::new(&in_order(state)).map_err(|p| format!("{}; {}", p.what, p.help))?;
    if state.jobs.iter().any(|j| j.is_open() && matches!(j.task, Task::ProveSet(_))) {
        return Err(String::from("a change set is being proved; 4 shows how far it is"));
    }
    Ok(())
}

/// Proves the taken proposals as one change; what breaks it is found and falls out.
pub fn prove_set(state: &mut State) -> Vec<Command> {
    let rewrites = in_order(state).into_iter().cloned().collect();
    start_compile(state, Task::ProveSet(rewrites))
}

/// What was proved as a set; what fell out is taken out of it.
pub fn proved(state: &mut State, verdict: SetVerdict) -> Vec<Command> {
    let commands = update::proved(state, verdict.verdicts.clone());
    state.marked.retain(|id| !verdict.fallen.iter().any(|f| f.rewrite == *id));
    let title = |id: &RewriteId| {
        let proposal = state.proposals.iter().find(|p| p.rewrite.id == *id);
        proposal.map_or_else(|| id.0.clone(), |p| p.rewrite.title.clone())
    };
    let held = verdict.set.members().len();
    let mut said = match held {
        0 => String::from("nothing of the change set holds"),
        n => format!(
            "change set {}: {} together, {} lines",
            state.sets.len() + 1,
            plural(n, "proposal") + if n == 1 { " holds" } else { " hold" },
            verdict.set.lines()
        ),
    };
    for fallen in &verdict.fallen {
        said.push_str(&format!("; fell out: {} ({})", title(&fallen.rewrite), fallen.why));
    }
    state.say(Problem::note(said));
    state.sets.push(verdict);
    state.list();
    commands
}

/// Proposals that are not there any more are in no change set.
pub fn forget_gone(state: &mut State) {
    let ids: Vec<_> = state.proposals.iter().map(|p| p.rewrite.id.clone()).collect();
    state.marked.retain(|id| ids.contains(id));
}

/// A proposal is selected whose proof can have a rung that is climbed only where it is asked for.
fn can_ask(state: &State, rung: Rung) -> Result<(), String> {
    let proposal = match state.screen {
        ScreenId::Jobs => of_job(state).ok_or("this job speaks of no proposal")?,
        _ => chosen(state)?,
    };
    if proposal.verdict.as_ref().is_some_and(|v| v.outcome() == Outcome::Refuted) {
        return Err(String::from("it was refuted (w says why)"));
    }
    if proposal.verdict.as_ref().is_some_and(|v| v.rung(rung).is_some()) {
        return Err(format!("{} was asked for; i shows what came out", rung.word()));
    }
    let same = |t: &Task| matches!(t, Task::Ask(rs, r) if *r == rung && rs.iter().any(|r| r.id == proposal.rewrite.id));
    if state.jobs.iter().any(|j| j.is_open() && same(&j.task)) {
        return Err(String::from("that is under way; 4 shows how far it is"));
    }
    Ok(())
}

/// The proposal that an action of the jobs screen speaks of: the first of the job that is shown.
pub fn of_job(state: &State) -> Option<&Proposal> {
    let id = &state.shown_job()?.task.proves().first()?.id;
    state.proposals.iter().find(|p| p.rewrite.id == *id)
}

fn ask(state: &mut State, rung: Rung) -> Vec<Command> {
    let proposal = if state.screen == ScreenId::Jobs { of_job(state) } else { state.selected() };
    let Some(rewrite) = proposal.map(|p| p.rewrite.clone()) else { return Vec::new() };
    start_compile(state, Task::Ask(vec![rewrite], rung))
}

/// Wrong versions of the selected proposal were not made yet.
pub fn can_ask_power(state: &State) -> Result<(), String> {
    can_ask(state, Rung::GateHasPower)
}

/// Asks how many wrong versions of the new code tests and twins catch.
pub fn ask_power(state: &mut State) -> Vec<Command> {
    ask(state, Rung::GateHasPower)
}

/// The selected proposal was not called on made inputs yet.
pub fn can_ask_properties(state: &State) -> Result<(), String> {
    can_ask(state, Rung::PropertiesAgree)
}

/// Calls old and new on made inputs.
pub fn ask_properties(state: &mut State) -> Vec<Command> {
    ask(state, Rung::PropertiesAgree)
}

/// The machine code of the selected proposal was not compared yet.
pub fn can_ask_codegen(state: &State) -> Result<(), String> {
    can_ask(state, Rung::Codegen)
}

/// Compares what old and new compile to.
pub fn ask_codegen(state: &mut State) -> Vec<Command> {
    ask(state, Rung::Codegen)
}

/// What the selected proposal spends was not measured yet.
pub fn can_ask_limits(state: &State) -> Result<(), String> {
    can_ask(state, Rung::NothingWorse)
}

/// Compares what base and candidate spend on the workload.
pub fn ask_limits(state: &mut State) -> Vec<Command> {
    ask(state, Rung::NothingWorse)
}
