//! Actions on hunks and sign-offs: accept, reject, defer, edit, comment, sign, land, undo and redo.

use crate::model::{ChangeSet, Decision, LineMark, Operation, OperationKind, Problem};
use crate::tui::message::{Command, EditorOrder, Task};
use crate::tui::popups::{Ask, Choice, Popup, Sheet};
use crate::tui::screens::ScreenId;
use crate::tui::state::{Split, State};
use crate::tui::widgets::diff::side_by_side;

/// The hunk under the cursor, and the line of it (0 on its heading).
pub fn hunk_at(state: &State) -> Option<(usize, usize)> {
    let proposal = state.selected().filter(|_| state.opened)?;
    let rows = proposal.rows.of(side_by_side(state));
    rows.get(state.diff_row.min(rows.len().saturating_sub(1)))?.place()
}

/// A hunk is on the screen and under the cursor.
pub fn can_decide(state: &State) -> Result<(), String> {
    if state.screen != ScreenId::Review {
        return Err(String::from("hunks are decided in Review (3)"));
    }
    if state.selected().is_none() {
        return Err(String::from("no proposal is selected"));
    }
    if !state.opened {
        return Err(String::from("open the proposal first (Enter): a hunk is decided where it can be read"));
    }
    hunk_at(state).map(|_| ()).ok_or_else(|| String::from("no hunk is under the cursor"))
}

/// Takes the hunk.
pub fn accept(state: &mut State) -> Vec<Command> {
    decide(state, Decision::Accepted)
}

/// Decides it later.
pub fn defer(state: &mut State) -> Vec<Command> {
    decide(state, Decision::Deferred)
}

/// Asks for the reason of a rejection.
pub fn ask_reject(state: &mut State) -> Vec<Command> {
    if let (Some((hunk, _)), Some(id)) = (hunk_at(state), state.proposal.clone()) {
        state.popup = Some(Popup::ask(Ask::Reject(id, hunk), ""));
    }
    Vec::new()
}

/// Asks for the text of a comment.
pub fn ask_comment(state: &mut State) -> Vec<Command> {
    if let (Some((hunk, line)), Some(id)) = (hunk_at(state), state.proposal.clone()) {
        state.popup = Some(Popup::ask(Ask::Comment(id, hunk, line), ""));
    }
    Vec::new()
}

fn decide(state: &mut State, decision: Decision) -> Vec<Command> {
    match (hunk_at(state), state.proposal.clone()) {
        (Some((hunk, _)), Some(id)) => decide_hunk(state, &id, hunk, decision),
        _ => Vec::new(),
    }
}

/// Shows a decision at once and keeps it; moves on to the next undecided hunk of the same proposal.
pub fn decide_hunk(state: &mut State, id: &crate::model::RewriteId, hunk: usize, decision: Decision) -> Vec<Command> {
    let Some(at) = state.proposals.iter().position(|p| p.rewrite.id == *id) else { return Vec::new() };
    let hunks = state.proposals[at].hunks.len();
    let decisions = &mut state.proposals[at].review.decisions;
    decisions.resize(hunks.max(decisions.len()), Decision::Undecided);
    let Some(place) = decisions.get_mut(hunk) else { return Vec::new() };
    *place = decision.clone();
    state.signed.remove(id);
    let rewrite = Box::new(state.proposals[at].rewrite.clone());
    let command = state.start(Task::Decide(rewrite, hunk, decision));
    announce(state, at, hunk);
    vec![command]
}

/// Says what is left to decide, and goes to the next undecided hunk if there is one.
fn announce(state: &mut State, at: usize, hunk: usize) {
    let proposal = &state.proposals[at];
    let decisions = &proposal.review.decisions;
    let open = decisions.iter().filter(|d| **d == Decision::Undecided).count();
    let next =
        (0..decisions.len()).map(|i| (hunk + 1 + i) % decisions.len()).find(|&i| decisions[i] == Decision::Undecided);
    let said = match (open, decisions.iter().all(|d| *d == Decision::Accepted)) {
        (0, true) if proposal.verdict.as_ref().is_some_and(|v| v.state_word() == "proved") => {
            String::from("every hunk is accepted and proved: s signs it")
        }
        (0, true) => String::from("every hunk is accepted: v proves it, s signs it"),
        (0, false) => String::from("every hunk is decided; the proposal lands only if all are accepted"),
        (n, _) => format!("hunk {} {}; {n} of {} undecided", hunk + 1, decisions[hunk].word(), decisions.len()),
    };
    if let Some(next) = next {
        let rows = proposal.rows.of(side_by_side(state));
        if let Some(row) = rows.iter().position(|r| r.place() == Some((next, 0))) {
            state.diff_row = row;
        }
    }
    state.say(Problem::note(said));
}

/// Hands the new text to the editor.
pub fn edit(state: &mut State) -> Vec<Command> {
    let (Some((hunk, line)), Some(proposal)) = (hunk_at(state), state.selected()) else { return Vec::new() };
    let hunk = &proposal.hunks[hunk];
    let at = hunk.lines[line.min(hunk.lines.len().saturating_sub(1))..]
        .iter()
        .find(|l| l.mark != LineMark::Removed)
        .and_then(|l| l.new)
        .unwrap_or(hunk.new_start);
    let order = EditorOrder { rewrite: proposal.rewrite.clone(), file: hunk.file.clone(), line: at };
    vec![Command::Editor(Box::new(order))]
}

/// Something was refused or refuted here.
pub fn has_refusals(state: &State) -> Result<(), String> {
    let some = Sheet::refusals(state).is_some();
    if some { Ok(()) } else { Err(String::from("nothing was refused here")) }
}

/// Shows the reasons.
pub fn why(state: &mut State) -> Vec<Command> {
    if let Some(sheet) = Sheet::refusals(state) {
        state.popup = Some(Popup::Sheet(sheet));
    }
    Vec::new()
}

/// A diff is on the screen.
pub fn has_diff(state: &State) -> Result<(), String> {
    let shown = state.screen == ScreenId::Review && state.opened && state.selected().is_some();
    if shown { Ok(()) } else { Err(String::from("no diff is open (3, then Enter)")) }
}

/// One column or two; the cursor stays on its hunk and line.
pub fn toggle_split(state: &mut State) -> Vec<Command> {
    let place = hunk_at(state);
    state.split = if side_by_side(state) { Split::Unified } else { Split::SideBySide };
    if let (Some(place), Some(proposal)) = (place, state.selected()) {
        state.diff_row = proposal.rows.row_of(side_by_side(state), place);
    }
    Vec::new()
}

/// A proposal is selected whose hunks are all accepted.
pub fn can_sign(state: &State) -> Result<(), String> {
    let proposal = state.selected().ok_or("no proposal is selected (3)")?;
    if state.signed.contains_key(&proposal.rewrite.id) {
        return Err(String::from("it is signed; L lands it"));
    }
    let missing = (0..proposal.hunks.len()).find(|&i| proposal.review.decisions.get(i) != Some(&Decision::Accepted));
    match missing {
        Some(i) => Err(format!("hunk {} is not accepted (a accepts it)", i + 1)),
        None if proposal.hunks.is_empty() => Err(String::from("the proposal has no hunk")),
        None => Ok(()),
    }
}

/// Opens the sign-off.
pub fn ask_sign(state: &mut State) -> Vec<Command> {
    if let Some(proposal) = state.selected() {
        let roles = state.project.iter().flat_map(|p| p.slo.reviews.iter().map(|r| r.role.clone())).collect();
        state.popup = Some(Popup::sign(proposal, roles));
    }
    Vec::new()
}

fn landed_apart(state: &State) -> Option<&Operation> {
    undoable(state).filter(|newest| newest.kind == OperationKind::Apply)
}

/// Something is signed, or stands on the branch.
pub fn can_land(state: &State) -> Result<(), String> {
    if state.signed.is_empty() && landed_apart(state).is_none() {
        return Err(String::from("nothing is signed; s signs an accepted proposal"));
    }
    Ok(())
}

/// Asks where to land.
pub fn ask_land(state: &mut State) -> Vec<Command> {
    let branch = state.project.as_ref().map(|p| p.branch.clone()).unwrap_or_default();
    let signed: Vec<String> = state.signed.values().map(|s| s.rewrite().title.clone()).collect();
    let mut choices = Vec::new();
    let mut text = String::new();
    if !signed.is_empty() {
        text = format!("signed: {}", signed.join("; "));
        choices.push(('b', "commit on the branch; the checkout stays as it is", Choice::LandOnBranch));
        let rewrites: Vec<_> = state.signed.values().map(|s| s.rewrite()).collect();
        if rewrites.len() > 1 {
            match ChangeSet::new(&rewrites) {
                Ok(set) => {
                    text.push_str(&format!("\n{} changed lines in all", set.lines()));
                    choices.push(('s', "commit on the branch as one change set", Choice::LandAsOne));
                }
                Err(problem) => text.push_str(&format!("\none commit of all: {}; {}", problem.what, problem.help)),
            }
        }
    }
    if landed_apart(state).is_some() {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("{branch} is ahead of the checkout"));
        choices.push(('h', "land here: fast-forward the checkout to it", Choice::LandHere));
    }
    text.push_str(&format!("\nbranch: {branch}"));
    state.popup = Some(Popup::choose("land", &text, choices));
    Vec::new()
}

fn undoable(state: &State) -> Option<&Operation> {
    state.operations.iter().find(|o| !o.undone && !matches!(o.kind, OperationKind::Undo | OperationKind::Redo))
}

fn redoable(state: &State) -> Option<&Operation> {
    state
        .operations
        .iter()
        .filter(|o| !matches!(o.kind, OperationKind::Undo | OperationKind::Redo))
        .take_while(|o| o.undone)
        .last()
}

/// There is an operation to take back.
pub fn can_undo(state: &State) -> Result<(), String> {
    undoable(state).map(|_| ()).ok_or_else(|| String::from("no operation to undo"))
}

/// There is an undone operation.
pub fn can_redo(state: &State) -> Result<(), String> {
    redoable(state).map(|_| ()).ok_or_else(|| String::from("no operation is undone"))
}

/// Asks before an operation is taken back.
pub fn ask_undo(state: &mut State) -> Vec<Command> {
    if let Some(text) = undoable(state).map(describe) {
        state.popup = Some(Popup::choose("undo", &text, vec![('y', "take it back (U does it again)", Choice::Undo)]));
    }
    Vec::new()
}

/// Asks before an operation is done again.
pub fn ask_redo(state: &mut State) -> Vec<Command> {
    if let Some(text) = redoable(state).map(describe) {
        state.popup = Some(Popup::choose("redo", &text, vec![('y', "do it again (u takes it back)", Choice::Redo)]));
    }
    Vec::new()
}

fn describe(operation: &Operation) -> String {
    let refs: Vec<String> = operation.refs.iter().map(|(name, before, after)| moved(name, before, after)).collect();
    format!("operation {}: {}\n{}", operation.number, operation.title, refs.join("\n"))
}

fn moved(name: &str, before: &str, after: &str) -> String {
    let short = |id: &str| if id.is_empty() { String::from("none") } else { id.chars().take(7).collect() };
    format!("{name}: {} → {}", short(before), short(after))
}
