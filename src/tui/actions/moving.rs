//! Actions that move: between screens, rows, panes, matches and undecided hunks.

use super::{choosing, flame};
use crate::model::{Decision, FunctionId, RewriteId};
use crate::tui::listing::Line;
use crate::tui::message::{Command, Task};
use crate::tui::popups::{Ask, Popup};
use crate::tui::screens::ScreenId;
use crate::tui::state::{Focus, Order, Page, Pane, State};
use crate::tui::widgets::diff::{DiffRow, side_by_side};

/// Shows a screen.
pub fn go(state: &mut State, screen: ScreenId) -> Vec<Command> {
    if state.screen != screen {
        state.focus = Focus::Main;
    }
    state.screen = screen;
    if screen == ScreenId::Review && state.selected().is_none() {
        let first = state.listing.proposals().next();
        select_id(state, first.map(|at| state.proposals[at].rewrite.id.clone()));
    }
    state.settle();
    Vec::new()
}

/// A function with a file is selected.
pub fn can_show_code(state: &State) -> Result<(), String> {
    match code_target(state) {
        Some(_) => Ok(()),
        None if state.analysis.is_none() => Err(String::from("nothing is read yet")),
        None => Err(String::from("this row has no code; choose a function in Budget (1)")),
    }
}

/// The function, file and line that the code screen would show.
fn code_target(state: &State) -> Option<(FunctionId, String, u32)> {
    let of_proposal = || {
        let r = &state.selected()?.rewrite;
        Some((r.function.clone(), r.file.clone(), r.line))
    };
    let of_row = || {
        let row = state.contribution()?;
        let place = (row.function.clone()?, row.file.clone(), row.line.max(1));
        (!row.file.is_empty()).then_some(place)
    };
    let of_frame = || {
        let function = flame::function(state)?;
        let item = state.analysis.as_ref()?.items.iter().find(|i| i.id == function)?;
        Some((function, item.file.clone(), item.line))
    };
    let shown = || Some((state.function.clone()?, state.text.as_ref()?.file.clone(), state.line));
    match state.screen {
        ScreenId::Budget if flame::has_keys(state) => of_frame(),
        ScreenId::Budget => of_row(),
        ScreenId::Review => of_proposal().or_else(shown),
        ScreenId::Code => shown(),
        ScreenId::Jobs => shown().or_else(of_proposal).or_else(of_row),
    }
}

/// Shows the source of the selected function.
pub fn go_to_code(state: &mut State) -> Vec<Command> {
    let Some((function, file, line)) = code_target(state) else { return Vec::new() };
    go(state, ScreenId::Code);
    let same = state.function.as_ref() == Some(&function) && state.text.as_ref().is_some_and(|t| t.file == file);
    if same {
        return Vec::new();
    }
    state.function = Some(function);
    state.line = line;
    state.column = 0;
    show_near_top(state);
    if state.text.as_ref().is_some_and(|t| t.file == file) {
        return Vec::new();
    }
    state.text = None;
    vec![state.start(Task::Text(file))]
}

/// The function's head stands near the top, its body below it.
pub fn show_near_top(state: &mut State) {
    let height = state.page(Pane::Code).height;
    state.drawn.pages.insert(Pane::Code, Page { top: (state.line as usize).saturating_sub(5), height });
}

/// Moves the cursor of the pane that has the keys.
pub fn step(state: &mut State, by: isize) -> Vec<Command> {
    if flame::has_keys(state) {
        return flame::step(state, by);
    }
    let moved = |at: usize, count: usize| at.saturating_add_signed(by).min(count.saturating_sub(1));
    match (state.screen, state.focus) {
        (ScreenId::Budget, _) => {
            let count = state.rows.len();
            state.row = (count > 0).then(|| state.row.map_or(0, |r| moved(r, count)));
        }
        (ScreenId::Code, _) => {
            let count = state.text.as_ref().map_or(1, |t| t.lines.len());
            state.line = moved(state.line as usize - 1, count) as u32 + 1;
            follow_function(state);
        }
        (ScreenId::Review, Focus::Main) if !state.opened => {
            let shown: Vec<usize> = state.listing.proposals().collect();
            let at = state.selected_index().and_then(|i| shown.iter().position(|s| *s == i));
            if let Some(&to) = shown.get(at.map_or(0, |at| moved(at, shown.len()))) {
                select_proposal(state, to);
            }
        }
        (ScreenId::Review, Focus::Main) => {
            let count = state.selected().map_or(0, |p| p.rows.of(side_by_side(state)).len());
            state.diff_row = moved(state.diff_row, count);
        }
        (ScreenId::Review, Focus::Aside) => state.aside = state.aside.saturating_add_signed(by),
        (ScreenId::Jobs, Focus::Main) => step_job(state, by),
        (ScreenId::Jobs, Focus::Aside) => state.log_back = state.log_back.saturating_add_signed(-by),
    }
    Vec::new()
}

fn step_job(state: &mut State, by: isize) {
    let ids: Vec<_> = state.listed_jobs().iter().map(|j| j.id).collect();
    let at = state.shown_job().and_then(|j| ids.iter().position(|id| *id == j.id)).unwrap_or(0);
    let to = at.saturating_add_signed(by).min(ids.len().saturating_sub(1));
    if state.job != ids.get(to).copied() {
        state.job = ids.get(to).copied();
        state.log_back = 0;
    }
}

/// The function shown beside the code is the one under the cursor.
fn follow_function(state: &mut State) {
    let (Some(text), Some(analysis)) = (&state.text, &state.analysis) else { return };
    let inside = |i: &&crate::model::Item| i.file == text.file && i.line <= state.line && state.line <= i.end_line;
    if let Some(item) = analysis.items.iter().filter(inside).min_by_key(|i| i.end_line - i.line) {
        state.function = Some(item.id.clone());
    }
}

/// Selects the proposal of a place in the list, and puts the cursor at its start.
pub fn select_proposal(state: &mut State, at: usize) {
    let id = state.proposals.get(at).map(|p| p.rewrite.id.clone());
    select_id(state, id);
}

fn select_id(state: &mut State, id: Option<RewriteId>) {
    if state.proposal != id {
        state.proposal = id;
        state.diff_row = 0;
        state.column = 0;
        state.aside = 0;
    }
}

/// Moves a page.
pub fn page(state: &mut State, pages: isize) -> Vec<Command> {
    let pane = pane_of(state);
    let rows = state.page(pane).height.saturating_sub(1).max(1) as isize;
    step(state, rows * pages)
}

/// The pane that the moving keys speak to.
pub fn pane_of(state: &State) -> Pane {
    match (state.screen, state.focus) {
        (ScreenId::Budget, _) => Pane::Split,
        (ScreenId::Code, _) => Pane::Code,
        (ScreenId::Review, Focus::Main) if !state.opened => Pane::Proposals,
        (ScreenId::Review, Focus::Main) => Pane::Diff,
        (ScreenId::Review, Focus::Aside) => Pane::Aside,
        (ScreenId::Jobs, Focus::Main) => Pane::Jobs,
        (ScreenId::Jobs, Focus::Aside) => Pane::Log,
    }
}

/// To the first row.
pub fn first(state: &mut State) -> Vec<Command> {
    if flame::has_keys(state) {
        return flame::first(state);
    }
    step(state, -(isize::MAX / 2))
}

/// To the last row.
pub fn last(state: &mut State) -> Vec<Command> {
    step(state, isize::MAX / 2)
}

/// Code or a diff is on the screen.
pub fn has_long_lines(state: &State) -> Result<(), String> {
    let shown =
        state.screen == ScreenId::Code || flame::has_keys(state) || (state.screen == ScreenId::Review && state.opened);
    if shown { Ok(()) } else { Err(String::from("nothing here is wider than the screen")) }
}

/// Moves long lines sideways.
pub fn sideways(state: &mut State, by: isize) -> Vec<Command> {
    if flame::has_keys(state) {
        return flame::sideways(state, by);
    }
    state.column = state.column.saturating_add_signed(by).min(10_000);
    Vec::new()
}

/// The selected row leads somewhere.
pub fn can_enter(state: &State) -> Result<(), String> {
    enter_label(state).map(|_| ()).ok_or_else(|| {
        String::from(match state.screen {
            ScreenId::Budget if flame::has_keys(state) => "the whole call tree is shown; j goes down in it",
            ScreenId::Budget if state.rows.is_empty() => "there is no row",
            ScreenId::Budget => "this row has no code behind it; choose a function",
            ScreenId::Code => "no proposal for this function",
            ScreenId::Review if state.opened => "the proposal is open; a accepts, x rejects, d defers",
            ScreenId::Review => "there is no proposal",
            ScreenId::Jobs => "this job speaks of no proposal",
        })
    })
}

/// What Enter does here, for the footer.
pub fn enter_label(state: &State) -> Option<String> {
    match state.screen {
        ScreenId::Budget if flame::has_keys(state) => {
            let (zoom, cursor) = (state.flame.zoom, state.flame.cursor);
            let label = if zoom == cursor { "zoom out" } else { "zoom in" };
            state.flame.look.as_ref().filter(|_| (zoom, cursor) != (0, 0)).map(|_| String::from(label))
        }
        ScreenId::Budget if state.fold().is_some() => Some(String::from("show them one by one")),
        ScreenId::Budget => {
            let row = state.contribution()?;
            let function = row.function.as_ref()?;
            match state.proposals_of(function).len() {
                0 if row.file.is_empty() => None,
                0 => Some(String::from("read the code")),
                1 => Some(String::from("review 1 proposal")),
                n => Some(format!("review {n} proposals")),
            }
        }
        ScreenId::Code => proposal_at_cursor(state).map(|_| String::from("review the proposal")),
        ScreenId::Review if state.opened => None,
        ScreenId::Review => state.selected().map(|_| String::from("open")),
        ScreenId::Jobs => proposal_of_job(state).map(|_| String::from("review the proposal")),
    }
}

/// The proposal for the line under the cursor, or the nearest of the function.
pub fn proposal_at_cursor(state: &State) -> Option<RewriteId> {
    let function = state.function.as_ref()?;
    let distance = |from: u32, to: u32| match state.line {
        line if line < from => from - line,
        line if line > to => line - to,
        _ => 0,
    };
    let near = state.proposals_of(function);
    let best = near.iter().min_by_key(|p| distance(p.rewrite.line, p.rewrite.end_line))?;
    Some(best.rewrite.id.clone())
}

fn proposal_of_job(state: &State) -> Option<RewriteId> {
    let id = state.shown_job()?.task.proves().first()?.id.clone();
    state.proposals.iter().any(|p| p.rewrite.id == id).then_some(id)
}

/// Into the selected row.
pub fn enter(state: &mut State) -> Vec<Command> {
    let wanted = match state.screen {
        ScreenId::Budget if flame::has_keys(state) => return flame::zoom(state),
        ScreenId::Budget if state.fold().is_some() => return toggle_fold(state),
        ScreenId::Budget => {
            let function = state.contribution().and_then(|c| c.function.clone());
            let first = function.and_then(|f| state.proposals_of(&f).first().map(|p| p.rewrite.id.clone()));
            if first.is_none() {
                return go_to_code(state);
            }
            first
        }
        ScreenId::Code => proposal_at_cursor(state),
        ScreenId::Review => state.proposal.clone(),
        ScreenId::Jobs => proposal_of_job(state),
    };
    if wanted.is_some() {
        select_id(state, wanted);
        go(state, ScreenId::Review);
        state.opened = true;
    }
    Vec::new()
}

/// Out of what is open.
pub fn leave(state: &mut State) -> Vec<Command> {
    state.notice = None;
    match state.screen {
        _ if state.focus == Focus::Aside => state.focus = Focus::Main,
        ScreenId::Budget if flame::has_keys(state) => return flame::leave(state),
        ScreenId::Budget if !state.flame.brush.is_empty() => return flame::brush(state, ""),
        ScreenId::Review if state.opened => {
            state.opened = false;
            state.settle();
        }
        ScreenId::Review if !state.wanted.is_empty() => return choosing::filter_by(state, ""),
        ScreenId::Budget if !state.filter.is_empty() => return filter_by(state, String::new()),
        ScreenId::Budget => state.search.clear(),
        _ => return go(state, ScreenId::Budget),
    }
    Vec::new()
}

/// The screen has two panes that move.
pub fn has_aside(state: &State) -> Result<(), String> {
    let two = matches!(state.screen, ScreenId::Jobs) || (state.screen == ScreenId::Review && state.opened);
    if two { Ok(()) } else { Err(String::from("this screen has one pane that moves")) }
}

/// The moving keys speak to the other pane.
pub fn other_pane(state: &mut State) -> Vec<Command> {
    state.focus = if state.focus == Focus::Main { Focus::Aside } else { Focus::Main };
    Vec::new()
}

/// Asks for a word.
pub fn ask_search(state: &mut State) -> Vec<Command> {
    let before = state.search.clone();
    state.popup = Some(Popup::ask(Ask::Search, &before));
    Vec::new()
}

/// A word was searched for.
pub fn has_search(state: &State) -> Result<(), String> {
    if state.search.is_empty() { Err(String::from("no word was searched for (/)")) } else { Ok(()) }
}

/// How many rows the search looks through, where it stands, and the text of each.
fn haystack(state: &State) -> (usize, usize, Box<dyn Fn(usize) -> String + '_>) {
    match state.screen {
        ScreenId::Budget => {
            let text = |i: usize| {
                let row = state.rows.get(i).and_then(|&r| state.line_of(r));
                row.map(|r| format!("{} {}", r.name, r.file)).unwrap_or_default()
            };
            (state.rows.len(), state.row.unwrap_or(0), Box::new(text))
        }
        ScreenId::Code => {
            let lines = state.text.as_ref().map_or(0, |t| t.lines.len());
            let text = |i: usize| state.text.as_ref().map(|t| t.lines[i].clone()).unwrap_or_default();
            (lines, state.line as usize - 1, Box::new(text))
        }
        ScreenId::Review if state.opened => {
            let rows = state.selected().map_or(0, |p| p.rows.of(side_by_side(state)).len());
            (rows, state.diff_row, Box::new(|i| row_text(state, i)))
        }
        ScreenId::Review => {
            let text = |i: usize| {
                let Some(Line::Proposal(at)) = state.listing.lines.get(i) else { return String::new() };
                let r = &state.proposals[*at].rewrite;
                format!("{} {} {} {}", r.title, r.rule, r.function, r.file)
            };
            let here = state.selected_index().and_then(|at| state.listing.line_of(at));
            (state.listing.lines.len(), here.unwrap_or(0), Box::new(text))
        }
        ScreenId::Jobs => {
            let titles: Vec<String> = state.listed_jobs().iter().map(|j| j.title.clone()).collect();
            (titles.len(), 0, Box::new(move |i| titles[i].clone()))
        }
    }
}

fn row_text(state: &State, row: usize) -> String {
    let Some(proposal) = state.selected() else { return String::new() };
    let line = |hunk: u32, line: u32| proposal.hunks[hunk as usize].lines[line as usize].text.as_str();
    match proposal.rows.of(side_by_side(state)).get(row) {
        Some(DiffRow::Line { hunk, line: l }) => line(*hunk, *l).to_string(),
        Some(DiffRow::Pair { hunk, left, right }) => {
            let side = |l: &Option<u32>| l.map(|l| line(*hunk, l)).unwrap_or_default();
            format!("{}\n{}", side(left), side(right))
        }
        Some(DiffRow::Comment { comment, .. }) => proposal.review.comments[*comment as usize].text.clone(),
        _ => String::new(),
    }
}

/// Goes to the next or previous row with the word.
pub fn find(state: &mut State, forward: bool) -> Vec<Command> {
    if flame::has_keys(state) {
        return flame::find(state, forward);
    }
    let needle = state.search.to_lowercase();
    let (count, at, text) = haystack(state);
    let order = (1..=count).map(|i| if forward { (at + i) % count } else { (at + count * 2 - i) % count });
    let hit = order.into_iter().find(|&i| text(i).to_lowercase().contains(&needle));
    drop(text);
    match hit {
        Some(row) => to_row(state, row),
        None => state.say(crate::model::Problem::note(format!("`{}` is not on this screen", state.search))),
    }
    Vec::new()
}

/// Puts the cursor of the screen's main pane on a row.
pub fn to_row(state: &mut State, row: usize) {
    match state.screen {
        ScreenId::Budget => state.row = (row < state.rows.len()).then_some(row),
        ScreenId::Code => {
            state.line = row as u32 + 1;
            follow_function(state);
        }
        ScreenId::Review if state.opened => {
            let rows = state.selected().map_or(0, |p| p.rows.of(side_by_side(state)).len());
            state.diff_row = row.min(rows.saturating_sub(1));
        }
        ScreenId::Review => {
            // A heading stands for the first proposal below it.
            let below = state.listing.lines.iter().skip(row).find_map(|line| match line {
                Line::Proposal(at) => Some(*at),
                Line::Heading(_) => None,
            });
            if let Some(at) = below {
                select_proposal(state, at);
            }
        }
        ScreenId::Jobs => {
            state.job = state.listed_jobs().get(row).map(|j| j.id);
            state.log_back = 0;
        }
    }
}

/// There is an undecided hunk, or on the code screen a finding.
pub fn has_undecided(state: &State) -> Result<(), String> {
    if state.screen == ScreenId::Code {
        let file = state.text.as_ref().map(|t| t.file.as_str()).unwrap_or_default();
        let any = state.analysis.as_ref().is_some_and(|a| a.findings.iter().any(|f| f.file == file));
        return if any { Ok(()) } else { Err(String::from("this file has no finding")) };
    }
    let open = |p: &crate::tui::state::Proposal| (0..p.hunks.len()).any(|i| is_undecided(p, i));
    if state.listing.proposals().any(|at| open(&state.proposals[at])) {
        Ok(())
    } else {
        Err(String::from("every hunk is decided"))
    }
}

fn is_undecided(proposal: &crate::tui::state::Proposal, hunk: usize) -> bool {
    matches!(proposal.review.decisions.get(hunk), None | Some(Decision::Undecided))
}

/// The next or previous undecided hunk over all proposals; on the code screen the next or previous finding.
pub fn undecided(state: &mut State, forward: bool) -> Vec<Command> {
    if state.screen == ScreenId::Code {
        to_finding(state, forward);
        return Vec::new();
    }
    let mut hunks = Vec::new();
    let shown: Vec<usize> = state.listing.proposals().collect();
    for (p, proposal) in shown.iter().map(|at| &state.proposals[*at]).enumerate() {
        hunks.extend((0..proposal.hunks.len()).filter(|&h| is_undecided(proposal, h)).map(|h| (p, h)));
    }
    let open = state.screen == ScreenId::Review && state.opened;
    let proposal = state.selected_index().and_then(|i| shown.iter().position(|s| *s == i)).unwrap_or(0);
    let hunk = super::deciding::hunk_at(state).map(|(h, _)| h as isize);
    let here = (proposal as isize, if open { hunk.unwrap_or(-1) } else { -1 });
    let place = |&(p, h): &(usize, usize)| (p as isize, h as isize);
    let found = match forward {
        true => hunks.iter().find(|x| place(x) > here).or(hunks.first()),
        false => hunks.iter().rev().find(|x| place(x) < here).or(hunks.last()),
    };
    if let Some(&(p, h)) = found {
        select_proposal(state, shown[p]);
        go(state, ScreenId::Review);
        state.opened = true;
        if let Some(proposal) = state.selected() {
            state.diff_row = proposal.rows.row_of(side_by_side(state), (h, 0));
        }
    }
    Vec::new()
}

fn to_finding(state: &mut State, forward: bool) {
    let (Some(text), Some(analysis)) = (&state.text, &state.analysis) else { return };
    let mut lines: Vec<u32> = analysis.findings.iter().filter(|f| f.file == text.file).map(|f| f.line).collect();
    lines.sort_unstable();
    let found = match forward {
        true => lines.iter().find(|&&l| l > state.line).or(lines.first()),
        false => lines.iter().rev().find(|&&l| l < state.line).or(lines.last()),
    };
    if let Some(&line) = found {
        state.line = line;
        follow_function(state);
    }
}

/// There is more than one objective.
pub fn has_objectives(state: &State) -> Result<(), String> {
    match state.analysis.as_ref().map_or(0, |a| a.objectives.len()) {
        0 | 1 => Err(String::from("slo.toml has no second objective with measurements")),
        _ => Ok(()),
    }
}

/// The split of the next objective.
pub fn next_objective(state: &mut State) -> Vec<Command> {
    let count = state.analysis.as_ref().map_or(1, |a| a.objectives.len().max(1));
    state.objective = (state.objective + 1) % count;
    state.row = Some(0);
    state.reorder();
    flame::ask(state)
}

/// There is a split.
pub fn has_split(state: &State) -> Result<(), String> {
    if state.split().is_some() { Ok(()) } else { Err(String::from("nothing is read yet")) }
}

/// By the next column.
pub fn other_order(state: &mut State) -> Vec<Command> {
    let has_allocations = state.split().is_some_and(|split| split.rows.iter().any(|r| r.allocated.is_some()));
    let mut orders = Order::ALL.into_iter().filter(|o| *o != Order::Allocated || has_allocations).cycle();
    let next = orders.by_ref().skip_while(|o| *o != state.order).nth(1);
    order_by(state, next.unwrap_or_default())
}

/// Orders the split; the cursor stays on its row.
pub fn order_by(state: &mut State, order: Order) -> Vec<Command> {
    state.order = order;
    state.lay_out();
    state.screen = ScreenId::Budget;
    Vec::new()
}

/// Small rows are folded, or could be.
pub fn can_fold(state: &State) -> Result<(), String> {
    match () {
        () if state.split().is_none() => Err(String::from("nothing is read yet")),
        () if !state.filter.is_empty() => Err(String::from("the table is filtered (Esc shows every row again)")),
        () if state.folds.is_empty() && !state.unfolded => Err(String::from("every row fits on the screen")),
        () => Ok(()),
    }
}

/// Shows small rows by themselves, or folds them again.
pub fn toggle_fold(state: &mut State) -> Vec<Command> {
    state.unfolded = !state.unfolded;
    state.lay_out();
    state.screen = ScreenId::Budget;
    Vec::new()
}

/// There are rows to filter: of the split, or proposals.
pub fn can_filter(state: &State) -> Result<(), String> {
    match state.screen {
        ScreenId::Review if state.proposals.is_empty() => Err(String::from("there is no proposal")),
        ScreenId::Review => Ok(()),
        _ => has_split(state),
    }
}

/// Asks for the words that rows must have.
pub fn ask_filter(state: &mut State) -> Vec<Command> {
    if state.screen == ScreenId::Review {
        let before = state.wanted.text.clone();
        state.popup = Some(Popup::ask(Ask::Wanted, &before));
        return Vec::new();
    }
    let before = state.filter.clone();
    state.popup = Some(Popup::ask(Ask::Filter, &before));
    Vec::new()
}

/// Shows only rows with the word; every row for none.
pub fn filter_by(state: &mut State, word: String) -> Vec<Command> {
    state.filter = word;
    state.screen = ScreenId::Budget;
    state.lay_out();
    if state.row.is_none() {
        state.row = (!state.rows.is_empty()).then_some(0);
    }
    Vec::new()
}
