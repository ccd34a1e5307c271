//! Review: the list of proposals; one opened as its diff, with what it rests on beside it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::code::proposal_state;
use super::{Footer, Screen, ScreenId};
use crate::model::{Answer, Decision, Evidence, MOST_LINES, Rung, RungState};
use crate::tui::actions::{moving, working};
use crate::tui::listing::risk;
use crate::tui::message::Task;
use crate::tui::pen::{Pen, vertical_rule};
use crate::tui::popups::measurement_lines;
use crate::tui::state::{Focus, Page, Pane, Proposal, State};
use crate::tui::text::{count, duration, estimate, interval_ms, ms, plural, short_path, width, wrap};
use crate::tui::theme::{Theme, Tone};
use crate::tui::view::{Drawn, Target};
use crate::tui::widgets::{diff, proposal_list, timing, top_for};

/// The screen.
pub const SCREEN: Screen = Screen { id: ScreenId::Review, title: "Review", badge, footer, view };

/// Decided hunks of all.
fn badge(state: &State) -> String {
    let undecided = |p: &Proposal| {
        (0..p.hunks.len()).any(|i| matches!(p.review.decisions.get(i), None | Some(Decision::Undecided)))
    };
    match state.proposals.iter().filter(|p| undecided(p)).count() {
        0 => String::new(),
        n => format!("{n} open"),
    }
}

fn footer(state: &State) -> Footer {
    if !state.opened {
        return vec![
            ("enter", moving::enter_label(state)),
            ("prove", None),
            ("take", Some(String::from(if takes_out(state) { "out of set" } else { "into set" }))),
            ("prove-set", None),
            ("group", Some(String::from("group"))),
            ("filter", None),
            ("why", None),
            ("land", None),
            ("sign", None),
            ("next-undecided", None),
            ("undo", None),
            ("search", None),
            ("leave", None),
        ];
    }
    vec![
        ("accept", None),
        ("reject", None),
        ("prove", None),
        ("sign", None),
        ("land", None),
        ("next-undecided", Some(String::from("next"))),
        ("defer", None),
        ("comment", None),
        ("edit", None),
        ("split-view", Some(String::from("split"))),
        ("evidence", None),
        ("why", None),
        ("take", Some(String::from(if takes_out(state) { "out of set" } else { "into set" }))),
        ("power", None),
        ("properties", None),
        ("undo", None),
        ("leave", None),
    ]
}

fn takes_out(state: &State) -> bool {
    state.proposal.as_ref().is_some_and(|id| state.marked.contains(id))
}

fn view(state: &State, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    match state.selected().filter(|_| state.opened) {
        Some(proposal) => opened(state, proposal, buffer, area, drawn),
        None => list(state, buffer, area, drawn),
    }
}

/// All proposals, what is proved of them and what was decided.
fn list(state: &State, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    match state.proposals.is_empty() {
        true => empty(state, buffer, area),
        false => proposal_list::draw(state, buffer, area, drawn),
    }
}

fn empty(state: &State, buffer: &mut Buffer, area: Rect) {
    let analysis = state.analysis.as_ref();
    let refused = state.refused().len();
    let mut lines: Vec<(String, Tone)> = Vec::new();
    let mut say = |text: &str, tone: Tone| {
        lines.extend(wrap(text, usize::from(area.width).saturating_sub(4)).into_iter().map(|l| (l, tone)));
    };
    match analysis.and_then(|a| a.broken.as_ref()) {
        Some(broken) => {
            say(&broken.what, Tone::Bad);
            if let Some(place) = &broken.place {
                say(&format!("at {place}"), Tone::Dim);
            }
            say(&broken.help, Tone::Accent);
            let found = analysis.map_or(0, |a| a.findings.len());
            say(&format!("\n{} in Code (2); r reads again", plural(found, "finding")), Tone::Text);
        }
        None if !state.reviews_read => say("reading what was decided before …", Tone::Text),
        None if refused > 0 => {
            say(&format!("no proposal: {refused} findings were refused, each for a reason; w shows them."), Tone::Text);
        }
        None => say(
            "no proposal: in the functions that matter, no rule found anything to rewrite.\n\n1 shows what owns the time.",
            Tone::Text,
        ),
    }
    for (y, (line, tone)) in (1..area.height).zip(lines) {
        Pen::new(buffer, &state.theme, area, y).space(2).put(&line, tone);
    }
}

/// One proposal: headlines, diff, and what it rests on.
fn opened(state: &State, proposal: &Proposal, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    let heads = headlines(state, proposal, buffer, area);
    let body = Rect::new(area.x, area.y + heads, area.width, area.height - heads);
    if area.width >= 110 {
        let beside = (area.width / 3).clamp(36, 52);
        let left = Rect::new(body.x, body.y, body.width - beside, body.height);
        let right = Rect::new(left.right(), body.y, beside, body.height);
        diff_pane(state, proposal, buffer, left, drawn);
        vertical_rule(buffer, &state.theme, right);
        aside_pane(state, proposal, buffer, Rect::new(right.x + 2, right.y, right.width - 3, right.height), drawn);
        return;
    }
    let under = match (body.height, state.focus) {
        (_, Focus::Aside) => body.height * 2 / 3,
        (0..12, _) => 0,
        (rows, _) => rows * 2 / 5,
    };
    let upper = Rect::new(body.x, body.y, body.width, body.height - under);
    diff_pane(state, proposal, buffer, upper, drawn);
    if under > 1 {
        let lower = Rect::new(body.x, upper.bottom(), body.width, under);
        Pen::new(buffer, &state.theme, lower, 0).rule();
        let inside = Rect::new(lower.x + 1, lower.y + 1, lower.width - 2, lower.height - 1);
        aside_pane(state, proposal, buffer, inside, drawn);
    }
}

/// Title with its place in the list, then rule, class and price; returns the rows taken.
fn headlines(state: &State, proposal: &Proposal, buffer: &mut Buffer, area: Rect) -> u16 {
    let theme = &state.theme;
    let r = &proposal.rewrite;
    let mut pen = Pen::new(buffer, theme, area, 0);
    let at = state.selected_index().map_or(0, |i| i + 1);
    let (word, tone) = proposal_state(proposal);
    let right = format!("{word}   {at} of {} ", state.proposals.len());
    let room = pen.left().saturating_sub(width(&right) + 2);
    pen.space(1).put(&crate::tui::text::clip(&r.title, room), Tone::Title);
    if pen.move_to_right(width(&right)) {
        pen.put(word, tone).put(&right[word.len()..], Tone::Dim);
    }
    if area.height < 8 {
        return 1;
    }
    let mut pen = Pen::new(buffer, theme, area, 1);
    pen.space(1).put(&format!("{} · class {} · {}", r.rule, r.class.word(), short_path(&r.function.0)), Tone::Dim);
    match &r.cost {
        Some(c) => {
            pen.put(" · at most ", Tone::Dim).put(&format!("{} ms", ms(c.c_ms)), Tone::Text);
            pen.put(&format!(" {} ({})", interval_ms(c.ci_ms.low, c.ci_ms.high), c.basis), Tone::Dim);
        }
        None => {
            pen.put(" · cost not measured", Tone::Dim);
        }
    }
    2
}

fn diff_pane(state: &State, proposal: &Proposal, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    let count = proposal.rows.of(diff::side_by_side(state)).len();
    if count == 0 {
        Pen::new(buffer, &state.theme, area, 1).space(2).put("the proposal changes nothing any more", Tone::Dim);
        return;
    }
    let cursor = state.diff_row.min(count - 1);
    let area = whole_line(state, proposal, cursor, buffer, area);
    let height = usize::from(area.height);
    let top = top_for(Page { height, ..state.page(Pane::Diff) }, cursor, count, height);
    drawn.pane(Pane::Diff, area, top);
    drawn.computed += diff::draw(buffer, area, state, proposal, top);
    for y in 0..(count - top).min(height) as u16 {
        drawn.hit(Rect::new(area.x, area.y + y, area.width, 1), Target::Row(Pane::Diff, top + usize::from(y)));
    }
}

/// A line under the cursor that is wider than its pane stands whole at the pane's foot: nothing is decided half read.
fn whole_line(state: &State, proposal: &Proposal, cursor: usize, buffer: &mut Buffer, area: Rect) -> Rect {
    let side = diff::side_by_side(state);
    let room = diff::text_cells(area.width, side);
    let mut rows = Vec::new();
    for line in diff::lines_at(proposal, proposal.rows.of(side).get(cursor)) {
        if width(&line.text) <= room {
            continue;
        }
        let (mark, tone) = diff::line_mark(line.mark);
        for (i, text) in wrap(line.text.trim(), usize::from(area.width).saturating_sub(4)).into_iter().enumerate() {
            rows.push((if i == 0 { mark } else { " " }, text, tone));
        }
    }
    let taken = (rows.len() as u16 + 1).min(area.height / 2);
    if rows.is_empty() || taken < 2 {
        return area;
    }
    let foot = Rect::new(area.x, area.bottom() - taken, area.width, taken);
    Pen::new(buffer, &state.theme, foot, 0).put(" the whole line ", Tone::Dim).rule();
    for (y, (mark, text, tone)) in (1..taken).zip(&rows) {
        Pen::new(buffer, &state.theme, foot, y).space(1).put(mark, *tone).space(1).put(text, Tone::Text);
    }
    Rect { height: area.height - taken, ..area }
}

/// One line beside the diff.
struct Line(String, Tone);

fn aside_pane(state: &State, proposal: &Proposal, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    let lines = beside(state, proposal, usize::from(area.width));
    let top = state.aside.min(lines.len().saturating_sub(usize::from(area.height)));
    drawn.pane(Pane::Aside, area, top);
    for (y, Line(text, tone)) in (0..area.height).zip(lines.iter().skip(top)) {
        Pen::new(buffer, &state.theme, area, y).put(text, *tone);
    }
    if lines.len() > top + usize::from(area.height) && area.height > 0 {
        let hidden = format!(" {} more (Tab) ", lines.len() - top - usize::from(area.height));
        let cells = width(&hidden).min(usize::from(area.width)) as u16;
        let corner = Rect::new(area.right() - cells, area.bottom() - 1, cells, 1);
        Pen::new(buffer, &state.theme, corner, 0).put(&hidden, Tone::Accent);
    }
}

/// What the proposal rests on: preconditions and who answered, obligations, the ladder, the measurement, remarks.
fn beside(state: &State, proposal: &Proposal, cells: usize) -> Vec<Line> {
    let mut out = Vec::new();
    let theme = &state.theme;
    preconditions(&mut out, theme, proposal, cells);
    obligations(&mut out, theme, proposal, cells);
    ladder(&mut out, state, proposal, cells);
    if let Some(m) = proposal.verdict.as_ref().and_then(|v| v.measurement()) {
        heading(&mut out, "measured");
        for line in measurement_lines(m) {
            say(&mut out, &line, Tone::Text, cells);
        }
        out.extend(timing::strips(theme, m, cells).into_iter().map(|line| Line(line, Tone::Text)));
    }
    in_set(&mut out, state, proposal, cells);
    remarks(&mut out, proposal, cells);
    signature(&mut out, state, proposal, cells);
    risks(&mut out, proposal, cells);
    out
}

fn heading(out: &mut Vec<Line>, text: &str) {
    if !out.is_empty() {
        out.push(Line(String::new(), Tone::Text));
    }
    out.push(Line(text.to_string(), Tone::Title));
}

fn say(out: &mut Vec<Line>, text: &str, tone: Tone, cells: usize) {
    out.extend(wrap(text, cells).into_iter().map(|l| Line(l, tone)));
}

/// A mark and a sentence, wrapped under itself.
fn marked(out: &mut Vec<Line>, mark: &str, text: &str, tone: Tone, cells: usize) {
    for (i, line) in wrap(text, cells.saturating_sub(2)).into_iter().enumerate() {
        out.push(Line(format!("{} {line}", if i == 0 { mark } else { " " }), if i == 0 { tone } else { Tone::Text }));
    }
}

fn preconditions(out: &mut Vec<Line>, theme: &Theme, proposal: &Proposal, cells: usize) {
    let all = &proposal.rewrite.preconditions;
    if all.is_empty() {
        return;
    }
    let open = all.iter().filter(|p| p.state == Answer::Open).count();
    let more = if open > 0 { format!(", {open} open until it is proved") } else { String::new() };
    heading(out, &format!("preconditions{more}"));
    for p in all {
        let (mark, tone) = match p.state {
            Answer::Holds => (theme.glyph("✓", "+"), Tone::Good),
            Answer::Refuted => (theme.glyph("✗", "x"), Tone::Bad),
            Answer::Open => (theme.glyph("○", "o"), Tone::Warn),
        };
        marked(out, mark, &format!("{} ({}: {})", p.text, p.answered_by.word(), p.state.word()), tone, cells);
    }
}

fn obligations(out: &mut Vec<Line>, theme: &Theme, proposal: &Proposal, cells: usize) {
    if proposal.rewrite.obligations.is_empty() {
        return;
    }
    heading(out, "what you answer for");
    for obligation in &proposal.rewrite.obligations {
        let accepted = proposal.review.obligations_accepted.contains(obligation);
        let (mark, tone) =
            if accepted { (theme.glyph("✓", "+"), Tone::Good) } else { (theme.glyph("○", "o"), Tone::Warn) };
        marked(out, mark, obligation, tone, cells);
    }
}

/// The mark and tone of a rung's state.
pub fn rung_mark(theme: &Theme, state: RungState) -> (&'static str, Tone) {
    match state {
        RungState::Passed => (theme.glyph("✓", "+"), Tone::Good),
        RungState::Failed => (theme.glyph("✗", "x"), Tone::Bad),
        RungState::Untested => ("!", Tone::Warn),
        RungState::Undecided => ("?", Tone::Warn),
        RungState::Weak => ("~", Tone::Warn),
        RungState::Skipped => ("-", Tone::Dim),
    }
}

/// The rungs with what came out; of a proof underway, those that ended.
fn ladder(out: &mut Vec<Line>, state: &State, proposal: &Proposal, cells: usize) {
    let speaks_of = |task: &Task| task.proves().iter().any(|r| r.id == proposal.rewrite.id);
    let job = state.jobs.iter().rev().find(|j| j.is_open() && speaks_of(&j.task));
    let fresh: Vec<&Evidence> = job
        .map(|j| j.rungs.iter().filter(|(id, _)| *id == proposal.rewrite.id).map(|(_, e)| e).collect())
        .unwrap_or_default();
    heading(out, if job.is_some() { "being proved" } else { "evidence" });
    if job.is_none() && proposal.verdict.is_none() {
        let time = working::estimate(state).map(|s| format!(" ({})", estimate(s))).unwrap_or_default();
        say(out, &format!("none yet: v proves it{time}"), Tone::Dim, cells);
        return;
    }
    for rung in Rung::ALL {
        let known = fresh.iter().find(|e| e.rung == *rung).copied();
        let known = known.or_else(|| proposal.verdict.as_ref().filter(|_| job.is_none())?.rung(*rung));
        match known {
            Some(e) => {
                let (mark, tone) = rung_mark(&state.theme, e.state);
                let cached = if e.cached { ", as before" } else { "" };
                let text = format!("{}: {} ({}{cached})", rung.word(), e.detail, duration(e.ms));
                marked(out, mark, &text, tone, cells);
            }
            None if rung.is_on_demand() => {}
            None => marked(out, state.theme.glyph("○", "o"), rung.word(), Tone::Dim, cells),
        }
    }
}

/// The change set that it is taken into, and the one that it was proved in.
fn in_set(out: &mut Vec<Line>, state: &State, proposal: &Proposal, cells: usize) {
    let id = &proposal.rewrite.id;
    let (taken, proved) = (state.marked.contains(id), state.set_of(id));
    if !taken && proved.is_none() {
        return;
    }
    heading(out, "change set");
    if taken {
        let all = state.taken();
        let lines: u32 = all.iter().map(|r| r.changed_lines()).sum();
        let text =
            format!("taken, with {}: {lines} of {MOST_LINES} lines; P proves it", plural(all.len() - 1, "other"));
        say(out, &text, Tone::Accent, cells);
    }
    let Some((number, set)) = proved else { return };
    match set.fallen.iter().find(|f| f.rewrite == *id) {
        Some(fallen) => {
            let beside = if fallen.with.is_empty() { "" } else { " beside others that hold" };
            say(out, &format!("fell out of set {number}{beside}: {}", fallen.why), Tone::Bad, cells);
        }
        None => {
            let (members, lines) = (set.set.members().len(), set.set.lines());
            let text = format!("set {number} holds: {}, {lines} lines; {}", plural(members, "proposal"), set.by);
            say(out, &text, Tone::Good, cells);
        }
    }
}

/// What makes the risk what it is.
fn risks(out: &mut Vec<Line>, proposal: &Proposal, cells: usize) {
    let (risk, why) = risk(proposal);
    heading(out, &format!("risk: {}", risk.word()));
    match why.is_empty() {
        true => say(out, "it keeps behaviour as far as compiler and tests tell", Tone::Text, cells),
        false => why.iter().for_each(|why| say(out, why, Tone::Text, cells)),
    }
    say(out, &format!("{} changed lines", proposal.rewrite.changed_lines()), Tone::Dim, cells);
}

fn remarks(out: &mut Vec<Line>, proposal: &Proposal, cells: usize) {
    if proposal.review.comments.is_empty() {
        return;
    }
    heading(out, &format!("comments, {}", count(proposal.review.comments.len() as u64)));
    for c in &proposal.review.comments {
        let author = c.author.split(" <").next().unwrap_or_default();
        say(out, &format!("{author} on hunk {} line {}: {}", c.hunk + 1, c.line + 1, c.text), Tone::Text, cells);
    }
}

fn signature(out: &mut Vec<Line>, state: &State, proposal: &Proposal, cells: usize) {
    let signed = state.signed.get(&proposal.rewrite.id);
    let edited = &proposal.review.edited_by;
    if signed.is_none() && edited.is_empty() {
        return;
    }
    heading(out, "signed");
    if !edited.is_empty() {
        say(out, &format!("edited by {edited}"), Tone::Text, cells);
    }
    match signed {
        Some(s) => {
            let role = if s.role().is_empty() { String::new() } else { format!(" as {}", s.role()) };
            say(out, &format!("{} {}{role}; L lands it", state.theme.glyph("✓", "+"), s.reviewer()), Tone::Good, cells);
            if let Some(reason) = s.forced() {
                say(out, &format!("FORCED: {reason}"), Tone::Warn, cells);
            }
        }
        None => say(out, "not signed", Tone::Dim, cells),
    }
}
