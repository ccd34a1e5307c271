//! Actions of the workbench itself: palette, help, messages, leaving.

use crate::model::Problem;
use crate::tui::message::{Command, Task};
use crate::tui::popups::{Choice, Popup, Sheet};
use crate::tui::state::{Leaving, Phase, State};

/// Opens the palette.
pub fn palette(state: &mut State) -> Vec<Command> {
    state.popup = Some(Popup::palette());
    Vec::new()
}

/// Opens the help.
pub fn help(state: &mut State) -> Vec<Command> {
    state.popup = Some(Popup::help());
    Vec::new()
}

/// Everything worth saying about what was read.
pub fn all_problems(state: &State) -> Vec<Problem> {
    let mut all: Vec<Problem> = state.project.iter().flat_map(|p| p.problems.iter().cloned()).collect();
    all.extend(state.analysis.iter().flat_map(|a| a.problems.iter().cloned()));
    if let Phase::Failed(problems) = &state.phase {
        all.extend(problems.iter().cloned());
    }
    all.sort_by_key(|p| std::cmp::Reverse(p.level));
    all.dedup();
    all
}

/// There are messages.
pub fn has_problems(state: &State) -> Result<(), String> {
    let nothing = all_problems(state).is_empty() && state.notice.is_none();
    if nothing { Err(String::from("there are none")) } else { Ok(()) }
}

/// Shows the messages.
pub fn problems(state: &mut State) -> Vec<Command> {
    let mut all: Vec<Problem> = state.notice.iter().map(|n| n.problem.clone()).collect();
    all.extend(all_problems(state));
    state.popup = Some(Popup::Sheet(Sheet::problems("messages", &all)));
    Vec::new()
}

/// Something was measured.
pub fn has_sources(state: &State) -> Result<(), String> {
    let any = state.analysis.as_ref().is_some_and(|a| !a.sources.is_empty());
    if any { Ok(()) } else { Err(String::from("nothing measured was read")) }
}

/// Shows what was measured, with age and quality.
pub fn sources(state: &mut State) -> Vec<Command> {
    state.popup = Some(Popup::Sheet(Sheet::sources(state)));
    Vec::new()
}

/// Goes to the background.
pub fn suspend(_: &mut State) -> Vec<Command> {
    vec![Command::Suspend]
}

/// Leaves, or asks while jobs run.
pub fn quit(state: &mut State) -> Vec<Command> {
    // Reading can be left at any moment: nothing is lost by it. What nobody asked for aloud is no reason to stay.
    let mut jobs = state.open_jobs();
    jobs.retain(|j| !matches!(j.task, Task::Analyse | Task::Rest(_)));
    if state.leaving == Leaving::WhenIdle || jobs.is_empty() {
        return vec![Command::Quit(0)];
    }
    let text = match jobs.len() {
        1 => format!("a job runs: {}", jobs[0].title),
        n => format!("{n} jobs run or wait"),
    };
    state.popup = Some(Popup::choose(
        "quit",
        &text,
        vec![
            ('f', "let them finish, then leave", Choice::LeaveWhenIdle),
            ('s', "stop them and leave", Choice::LeaveNow),
        ],
    ));
    Vec::new()
}
