//! The listed proposals in; the visible rows of their list, with the sums of groups and the change set, out.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::diff::decision_mark;
use super::top_for;
use crate::model::{ChangeSet, MOST_LINES};
use crate::tui::listing::{Line, Risk, Saving, Sums, risk, saving};
use crate::tui::message::Task;
use crate::tui::pen::Pen;
use crate::tui::screens::code::proposal_state;
use crate::tui::state::{Page, Pane, Proposal, State};
use crate::tui::text::{interval_ms, ms, plural, width};
use crate::tui::theme::{Theme, Tone};
use crate::tui::view::{Drawn, Target};

/// Which columns have room; the list is ordered by what the left out ones say.
#[derive(Clone, Copy)]
struct Columns {
    set: usize,
    class: usize,
    numbers: usize,
    intervals: bool,
    place: bool,
}

impl Columns {
    fn of(cells: u16) -> Columns {
        Columns {
            set: if cells >= 50 { 4 } else { 0 },
            class: match cells {
                0..66 => 0,
                66..110 => 3,
                _ => 6,
            },
            numbers: match cells {
                0..60 => 0,
                _ => 8,
            },
            intervals: cells >= 120,
            place: cells >= 130,
        }
    }
}

/// Draws the list: what is shown of how many, the columns' names, the rows around the cursor.
pub fn draw(state: &State, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    let columns = Columns::of(area.width);
    let above = if area.height >= 8 { 1 } else { 0 };
    if above > 0 {
        summary(state, &mut Pen::new(buffer, &state.theme, area, 0));
    }
    let table = Rect::new(area.x, area.y + above, area.width, area.height - above);
    heading(&mut Pen::new(buffer, &state.theme, table, 0), columns);
    let body = Rect::new(table.x, table.y + 1, table.width, table.height - 1);
    if state.listing.lines.is_empty() {
        let text = format!("no proposal passes the filter `{}`; Esc shows all again", state.wanted.text);
        Pen::new(buffer, &state.theme, body, 0).space(2).put(&text, Tone::Warn);
        return;
    }
    let height = usize::from(body.height);
    let lines = &state.listing.lines;
    let cursor = state.selected_index().and_then(|at| state.listing.line_of(at)).unwrap_or(0);
    let top = top_for(Page { height, ..state.page(Pane::Proposals) }, cursor, lines.len(), height);
    drawn.pane(Pane::Proposals, body, top);
    for (y, (index, line)) in (0..body.height).zip(lines.iter().enumerate().skip(top)) {
        let place = Rect::new(body.x, body.y + y, body.width, 1);
        match line {
            Line::Heading(group) => {
                let (name, sums) = &state.listing.groups[*group];
                group_row(&mut Pen::new(buffer, &state.theme, place, 0), columns, name, sums);
            }
            Line::Proposal(at) => row(state, &state.proposals[*at], buffer, place, columns),
        }
        drawn.hit(place, Target::Row(Pane::Proposals, index));
        drawn.computed += 1;
    }
}

/// How the list is made, what it comes to, and what lies beside it.
fn summary(state: &State, pen: &mut Pen<'_>) {
    let all = &state.listing.all;
    let shown = match state.wanted.is_empty() {
        true => plural(all.count, "proposal"),
        false => format!("{} of {}", all.count, plural(state.proposals.len(), "proposal")),
    };
    pen.space(2).put(&shown, Tone::Title).put(&format!(" {}", state.grouping.words()), Tone::Dim);
    if !state.wanted.is_empty() {
        pen.put(" · ", Tone::Dim).put(&format!("filter `{}`", state.wanted.text), Tone::Accent);
    }
    let asked = state.jobs.iter().filter(|j| j.is_open()).find_map(|j| match &j.task {
        Task::Settle(asked) => Some(asked.len()),
        _ => None,
    });
    if let Some(asked) = asked {
        pen.put(" · ", Tone::Dim).put(&format!("asking rustc about {asked}"), Tone::Accent);
    }
    set_summary(state, pen);
    if pen.left() > 70 {
        let overlap = if all.overlaps() { ", what overlaps counted once" } else { "" };
        pen.put(
            &format!(" · proved {} ms, at most {} ms more{overlap}", ms(all.proved_ms), ms(all.at_most_ms)),
            Tone::Dim,
        );
    }
    let refused = state.refused().len();
    let text = format!("{} refused (w) ", refused);
    if refused > 0 && pen.left() > width(&text) + 2 && pen.move_to_right(width(&text)) {
        pen.put(&text, Tone::Dim);
    }
}

/// The change set that is being put together.
fn set_summary(state: &State, pen: &mut Pen<'_>) {
    let taken = state.taken();
    if taken.is_empty() {
        return;
    }
    let lines: u32 = taken.iter().map(|r| r.changed_lines()).sum();
    let (tone, hint) = match ChangeSet::new(&taken) {
        Ok(_) => (Tone::Accent, "P proves it"),
        Err(_) => (Tone::Bad, "too large"),
    };
    pen.put(" · ", Tone::Dim).put(&format!("set: {} taken, {lines} of {MOST_LINES} lines, {hint}", taken.len()), tone);
}

fn heading(pen: &mut Pen<'_>, columns: Columns) {
    pen.space(2).column("hunks", 6, Tone::Dim).column("state", 9, Tone::Dim);
    pen.column("set", columns.set, Tone::Dim);
    if columns.class > 0 {
        let name = if columns.class > 5 { "class" } else { "cl" };
        pen.column(name, columns.class, Tone::Dim).column("risk", 5, Tone::Dim);
    }
    if columns.numbers > 0 {
        pen.right("proved", columns.numbers, Tone::Dim);
        interval(pen, columns, None);
        pen.right("at most", columns.numbers, Tone::Dim).put(" ms", Tone::Dim);
    }
    pen.space(2).put("proposal", Tone::Dim);
}

/// The interval of the number before it, where there is room for one.
fn interval(pen: &mut Pen<'_>, columns: Columns, of: Option<(f64, f64)>) {
    if columns.intervals {
        pen.space(1).column(&of.map(|(low, high)| interval_ms(low, high)).unwrap_or_default(), 11, Tone::Dim);
    }
}

/// A group: its sums stand in the columns of the rows below it.
fn group_row(pen: &mut Pen<'_>, columns: Columns, name: &str, sums: &Sums) {
    let cells = 15 + columns.set + if columns.class > 0 { columns.class + 5 } else { 0 };
    let glyph = pen.theme().glyph("▾ ", "v ");
    pen.put(glyph, Tone::Dim);
    if columns.numbers == 0 {
        pen.put(name, Tone::Title).put(&format!(" {}", sums.count), Tone::Dim);
        return;
    }
    pen.column(&plural(sums.count, "proposal"), cells, Tone::Dim);
    let number = |ms_: f64| if ms_ > 0.0 { ms(ms_) } else { String::new() };
    pen.right(&number(sums.proved_ms), columns.numbers, Tone::Title);
    interval(pen, columns, None);
    pen.right(&number(sums.at_most_ms), columns.numbers, Tone::Title).space(3);
    pen.space(2).put(name, Tone::Title);
    if sums.overlaps() {
        pen.put(&format!("  together; {} apart, they overlap", ms(sums.apart_ms)), Tone::Dim);
    }
}

fn row(state: &State, proposal: &Proposal, buffer: &mut Buffer, area: Rect, columns: Columns) {
    let theme = &state.theme;
    let rewrite = &proposal.rewrite;
    let selected = state.proposal.as_ref() == Some(&rewrite.id);
    let mut pen = Pen::new(buffer, theme, area, 0);
    if selected {
        pen = pen.under(Tone::Selected);
    }
    pen.put(if selected { theme.glyph("▸ ", "> ") } else { "  " }, Tone::Key);
    for hunk in 0..proposal.hunks.len().min(5) {
        let (mark, tone) = decision_mark(theme, proposal.review.decisions.get(hunk));
        pen.put(mark, tone);
    }
    pen.space(6 - proposal.hunks.len().min(5));
    let (word, tone) = word_of(state, proposal);
    pen.column(word, 9, tone);
    if columns.set > 0 {
        let (mark, tone) = set_mark(state, theme, proposal);
        pen.column(&mark, columns.set, tone);
    }
    if columns.class > 0 {
        let (risk, _) = risk(proposal);
        let tone = match risk {
            Risk::Low => Tone::Text,
            Risk::Mid => Tone::Warn,
            Risk::High => Tone::Bad,
        };
        pen.column(rewrite.class.word(), columns.class, Tone::Text).column(risk.word(), 5, tone);
    }
    numbers(&mut pen, proposal, columns);
    pen.space(2).put(&rewrite.title, Tone::Text);
    if columns.place {
        let place = format!("{}:{} ", rewrite.file, rewrite.line);
        let with_rule = format!("{} {place}", rewrite.rule);
        let fitting = [with_rule, place].into_iter().find(|text| pen.left() > width(text) + 2);
        if let Some(text) = fitting.filter(|text| pen.move_to_right(width(text))) {
            pen.put(&text, Tone::Dim);
        }
    }
}

/// What is proved and what is only bounded never stand in one column.
fn numbers(pen: &mut Pen<'_>, proposal: &Proposal, columns: Columns) {
    if columns.numbers == 0 {
        return;
    }
    let (proved, most) = match saving(proposal) {
        Saving::Proved(won, interval) => (Some((won, interval)), None),
        Saving::AtMost(bound) => (None, Some(bound)),
        Saving::Unknown | Saving::Nothing => (None, None),
    };
    pen.right(&proved.map(|(won, _)| ms(won)).unwrap_or_default(), columns.numbers, Tone::Good);
    interval(pen, columns, proved.map(|(_, i)| (i.low, i.high)));
    pen.right(&most.map(ms).unwrap_or_default(), columns.numbers, Tone::Text).space(3);
}

/// What is happening to a proposal, in a word.
fn word_of(state: &State, proposal: &Proposal) -> (&'static str, Tone) {
    let is_proved_now =
        |job: &crate::tui::state::Job| job.is_open() && job.task.proves().iter().any(|r| r.id == proposal.rewrite.id);
    match () {
        () if state.jobs.iter().any(is_proved_now) => ("proving", Tone::Accent),
        () if state.signed.contains_key(&proposal.rewrite.id) => ("signed", Tone::Good),
        () => proposal_state(proposal),
    }
}

/// Whether it is taken into the set, and the number of the proved set that it is in.
fn set_mark(state: &State, theme: &Theme, proposal: &Proposal) -> (String, Tone) {
    let id = &proposal.rewrite.id;
    let taken = if state.marked.contains(id) { theme.glyph("◆", "*") } else { " " };
    match state.set_of(id) {
        Some((number, set)) if set.set.members().contains(id) => (format!("{taken}{number}"), Tone::Good),
        Some((number, set)) if set.fallen.iter().any(|f| f.rewrite == *id) => {
            (format!("{taken}{}{number}", theme.glyph("✗", "x")), Tone::Bad)
        }
        _ => (taken.to_string(), Tone::Accent),
    }
}
