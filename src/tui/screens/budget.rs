//! Budget: what misses its limit by how much, which functions own it, and what to press.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Footer, Screen, ScreenId};
use crate::model::{Contribution, Fold, Level, ObjectiveSplit, Problem, RowKind};
use crate::tui::actions::{self, general, moving, working};
use crate::tui::pen::{Pen, vertical_rule};
use crate::tui::sources;
use crate::tui::state::State;
use crate::tui::text::{bytes, count, estimate, interval_ms, ms, plural, quantile, short_ms, short_path, width, wrap};
use crate::tui::theme::Tone;
use crate::tui::view::{Drawn, Target, body, requests};
use crate::tui::widgets::{flame, histogram, split_table};

/// The screen.
pub const SCREEN: Screen = Screen { id: ScreenId::Budget, title: "Budget", badge: |_| String::new(), footer, view };

fn footer(state: &State) -> Footer {
    if state.flame.is_shown {
        let tail = if state.flame.is_tail { "all requests" } else { "tail only" };
        return vec![
            ("enter", moving::enter_label(state)),
            ("leave", Some(String::from(actions::flame::leave_label(state)))),
            ("code", Some(String::from("code"))),
            ("tail", Some(String::from(tail))),
            ("colours", None),
            ("search", None),
            ("brush", None),
            ("flame", Some(String::from("table"))),
            ("compare", None),
        ];
    }
    let prove = match working::to_prove(state).len() {
        0 | 1 => String::from("prove it"),
        _ => String::from("prove them"),
    };
    vec![
        ("enter", moving::enter_label(state)),
        ("prove", Some(prove)),
        ("code", Some(String::from("code"))),
        ("order", Some(String::from("order"))),
        ("flame", None),
        ("fold", Some(String::from(if state.unfolded { "fold" } else { "unfold" }))),
        ("objective", None),
        ("search", None),
        ("report", None),
    ]
}

fn view(state: &State, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    let Some(split) = state.split() else {
        nothing(state, buffer, area);
        return;
    };
    let places = places(state, area);
    glance(state, split, buffer, places.glance, drawn);
    if state.flame.is_shown {
        let below = Rect { y: places.table.y, height: area.bottom() - places.table.y, ..area };
        flame::draw(state, buffer, below, drawn);
        return;
    }
    split_table::draw(state, split, buffer, places.table, drawn);
    if let Some(right) = places.beside {
        vertical_rule(buffer, &state.theme, right);
        beside(state, split, buffer, Rect::new(right.x + 2, right.y, right.width - 3, right.height));
    }
    if let Some(foot) = places.plot {
        Pen::new(buffer, &state.theme, foot, 0).put("latencies", Tone::Dim).put(" ", Tone::Dim).rule();
        histogram::draw(buffer, &state.theme, Rect::new(foot.x, foot.y + 1, foot.width, foot.height - 1), split);
    }
}

/// Where the parts of the screen stand.
struct Places {
    glance: Rect,
    table: Rect,
    beside: Option<Rect>,
    plot: Option<Rect>,
}

fn places(state: &State, area: Rect) -> Places {
    let used = GLANCE.iter().filter(|line| (line.fits)(state, area)).count() as u16;
    let used = used.min(area.height);
    let glance = Rect { height: used, ..area };
    let below = Rect::new(area.x, area.y + used, area.width, area.height - used);
    if area.width >= 120 && below.height >= 14 {
        let table = Rect::new(below.x, below.y, (below.width * 7 / 10).max(84), below.height);
        let beside = Rect::new(table.right(), below.y, below.width - table.width, below.height);
        return Places { glance, table, beside: Some(beside), plot: None };
    }
    let plot = if below.height >= 24 { 7 } else { 0 };
    let foot = Rect::new(below.x + 1, below.bottom() - plot, below.width.saturating_sub(2), plot);
    let table = Rect { height: below.height - plot, ..below };
    Places { glance, table, beside: None, plot: (plot > 0).then_some(foot) }
}

/// Lines that the table of the split has room for.
pub fn room(state: &State) -> usize {
    let (columns, rows) = state.size;
    let places = places(state, body(Rect::new(0, 0, columns, rows)));
    usize::from(places.table.height.saturating_sub(split_table::FRAME))
}

fn nothing(state: &State, buffer: &mut Buffer, area: Rect) {
    let text = match &state.project {
        Some(p) if p.slo.objectives.is_empty() => {
            "slo.toml names no objective yet.\n\nAdd one, with the operation it speaks of and its limit:\n\n  [[slo]]\n  name = \"authorize-latency\"\n  operation = \"POST /authorize\"\n  p99 = \"200ms\"\n\nthen r reads again."
        }
        _ => {
            "nothing measured speaks of the objectives in slo.toml.\n\nName a profile or a request log as [[source]] in slo.toml, then r reads again; ! lists what reading found."
        }
    };
    for (y, line) in (1..area.height).zip(wrap(text, usize::from(area.width).saturating_sub(4))) {
        Pen::new(buffer, &state.theme, area, y).space(2).put(&line, Tone::Text);
    }
}

/// A line of the block that says everything at one glance.
struct GlanceLine {
    /// True where there is room and reason for it.
    fits: fn(&State, Rect) -> bool,
    draw: fn(&State, &ObjectiveSplit, &mut Pen<'_>),
    /// What a click on it does.
    action: Option<&'static str>,
}

const GLANCE: &[GlanceLine] = &[
    GlanceLine { fits: |_, _| true, draw: objective_line, action: Some("sources") },
    GlanceLine { fits: |_, _| true, draw: parts_line, action: None },
    GlanceLine { fits: |_, area| area.height >= 9, draw: enough_line, action: None },
    GlanceLine { fits: |_, area| area.height >= 12, draw: press_line, action: None },
    GlanceLine {
        fits: |s, area| area.height >= 14 && message(s).is_some(),
        draw: message_line,
        action: Some("problems"),
    },
    GlanceLine {
        fits: |_, area| area.height >= 16 && area.width < 120 && area.height < 28,
        draw: plot_line,
        action: None,
    },
];

fn glance(state: &State, split: &ObjectiveSplit, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    // The block was given exactly the lines that fit the whole screen.
    let whole = body(Rect::new(0, 0, state.size.0, state.size.1));
    let lines = GLANCE.iter().filter(|line| (line.fits)(state, whole));
    for (row, line) in (0..area.height).zip(lines) {
        (line.draw)(state, split, &mut Pen::new(buffer, &state.theme, area, row));
        if let Some(action) = line.action {
            drawn.hit(Rect::new(area.x, area.y + row, area.width, 1), Target::Action(action));
        }
    }
}

fn plot_line(state: &State, split: &ObjectiveSplit, pen: &mut Pen<'_>) {
    pen.space(1);
    histogram::draw_line(pen, &state.theme, split);
}

/// `POST /authorize   p99 243 ms [236–251] / 200   43 over      4,000 requests · 2 h ago · a1b2c3d +3 commits`
fn objective_line(state: &State, split: &ObjectiveSplit, pen: &mut Pen<'_>) {
    let name = if split.operation.is_empty() { &split.slo } else { &split.operation };
    pen.space(1).put(name, Tone::Title).put("   ", Tone::Text);
    pen.put(&quantile(split.quantile), Tone::Text).put(" ", Tone::Text);
    match split.measured_ms {
        Some(measured) => {
            let over = split.gap_ms > 0.0;
            pen.put(&format!("{} ms", short_ms(measured)), if over { Tone::Bad } else { Tone::Good });
            pen.put(&format!(" {}", interval_ms(split.ci_ms.low, split.ci_ms.high)), Tone::Dim);
            pen.put(&format!(" / {}   ", short_ms(split.limit_ms)), Tone::Text);
            let gap = short_ms(split.gap_ms.abs());
            match over {
                true => pen.put(&format!("{gap} ms over"), Tone::Bad),
                false => pen.put(&format!("met, {gap} ms to spare"), Tone::Good),
            };
        }
        None => {
            pen.put(&format!("not measured / {} ms", short_ms(split.limit_ms)), Tone::Warn);
        }
    }
    let fitting = recorded(state, split).into_iter().find(|right| pen.left() >= width(right) + 2);
    if let Some(right) = fitting {
        let margin = usize::from(pen.left() > width(&right) + 3);
        pen.move_to_right(width(&right) + margin);
        pen.put(&right, Tone::Dim);
    }
}

/// How much was measured, when, and at which commit: in full, and shorter and shorter.
fn recorded(state: &State, split: &ObjectiveSplit) -> Vec<String> {
    let objectives = state.analysis.as_ref().map_or(1, |a| a.objectives.len());
    let which = (objectives > 1).then(|| format!("objective {} of {objectives}", state.objective + 1));
    let part = actions::flame::brush_text(&state.flame.brush);
    let count = match part.is_empty() {
        true => Some(requests(split.requests)),
        false => Some(format!("part {part} (Esc: all) · {}", requests(split.requests))),
    };
    let recorded = sources::summary(state);
    let (age, commit, since) = (recorded.age, recorded.commit, recorded.since);
    let join = |parts: Vec<Option<String>>| parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let at = match (&commit, &since) {
        (Some(commit), Some(since)) => Some(format!("{commit} {since}")),
        (commit, since) => commit.clone().or(since.clone()),
    };
    vec![
        join(vec![which, count.clone(), age.clone(), at]),
        join(vec![count.clone(), age.clone(), since.clone()]),
        join(vec![age.clone(), since]),
        join(vec![age.or(count)]),
    ]
}

/// `code 121 │ waits 88 (ledger lock 61, acquirer 27) │ unplaced 34`
fn parts_line(_: &State, split: &ObjectiveSplit, pen: &mut Pen<'_>) {
    let of = |kind: RowKind| split.rows.iter().filter(move |r| r.kind == kind);
    let sum = |kind: RowKind| of(kind).map(|r| r.c_ms).sum::<f64>();
    if split.measured_ms.is_none() {
        pen.space(1).put(
            "no latencies were measured: the split shows shares of CPU; add request marks to see the ",
            Tone::Warn,
        );
        pen.put(&quantile(split.quantile), Tone::Warn);
        return;
    }
    pen.space(1).put(&format!("code {} ms", short_ms(sum(RowKind::Function))), Tone::Text);
    let mut waits: Vec<&Contribution> = of(RowKind::Wait).collect();
    waits.sort_by(|a, b| b.c_ms.total_cmp(&a.c_ms));
    if !waits.is_empty() {
        let bar = pen.theme().bar();
        pen.put(&format!(" {bar} "), Tone::Dim).put(&format!("waits {}", short_ms(sum(RowKind::Wait))), Tone::Text);
        let worth = waits.iter().filter(|w| w.c_ms >= 1.0).take(3);
        let named: Vec<String> = worth.map(|w| format!("{} {}", w.name, short_ms(w.c_ms))).collect();
        let more = if waits.len() > named.len() { ", …" } else { "" };
        pen.put(&format!(" ({}{more})", named.join(", ")), Tone::Dim);
    }
    let bar = pen.theme().bar();
    pen.put(&format!(" {bar} "), Tone::Dim)
        .put(&format!("unplaced {}", short_ms(sum(RowKind::Unattributed))), Tone::Text);
    let basis = format!("basis {} ", split.basis.word());
    if pen.left() > width(&basis) + 3 && pen.move_to_right(width(&basis)) {
        pen.put(&basis, Tone::Dim);
    }
}

/// `enough to meet it: audit::write + risk::score (together at most 58 ms)`
fn enough_line(_: &State, split: &ObjectiveSplit, pen: &mut Pen<'_>) {
    pen.space(1);
    let waits: f64 = split.rows.iter().filter(|r| r.kind == RowKind::Wait).map(|r| r.c_ms).sum();
    let names: Vec<String> = split.smallest_set.iter().map(|f| short_path(&f.0)).collect();
    match () {
        () if split.measured_ms.is_none() => {}
        () if waits > split.limit_ms => {
            let text = format!(
                "waits alone are {} ms: code cannot bring it under {} ms",
                short_ms(waits),
                short_ms(split.limit_ms)
            );
            pen.put(&text, Tone::Bad);
        }
        () if split.gap_ms <= 0.0 => {
            pen.put("nothing has to change to meet it", Tone::Good);
        }
        () if !split.reachable => {
            pen.put("cannot meet the objective by code alone", Tone::Bad);
            pen.put(&format!(": all functions together are {} ms", short_ms(split.smallest_set_ms)), Tone::Dim);
        }
        () => {
            pen.put("enough to meet it: ", Tone::Text).put(&names.join(" + "), Tone::Title);
            let sum = format!(" (together at most {} ms)", short_ms(split.smallest_set_ms));
            if pen.left() >= width(&sum) {
                pen.put(&sum, Tone::Dim);
            }
        }
    }
}

/// `Enter  review 3 proposals        v  prove them (about 6 min)`
fn press_line(state: &State, _: &ObjectiveSplit, pen: &mut Pen<'_>) {
    pen.space(1);
    if let Some(label) = moving::enter_label(state) {
        pen.put("Enter", Tone::Key).put(&format!("  {label}        "), Tone::Text);
    }
    if working::can_prove(state).is_ok() {
        let them = if working::to_prove(state).len() == 1 { "prove it" } else { "prove them" };
        let time = working::estimate(state).map(|s| format!(" ({})", estimate(s))).unwrap_or_default();
        pen.put("v", Tone::Key).put(&format!("  {them}{time}        "), Tone::Text);
    }
    let jobs = state.open_jobs().len();
    if jobs > 0 {
        let noun = if jobs == 1 { "1 job running" } else { "jobs running" };
        pen.put(&if jobs == 1 { noun.to_string() } else { format!("{jobs} {noun}") }, Tone::Dim);
    }
}

/// The gravest message of reading, if there is a warning or worse, and how many there are in all.
fn message(state: &State) -> Option<(Problem, usize)> {
    let all = general::all_problems(state);
    let count = all.len();
    all.into_iter().next().filter(|p| p.level >= Level::Warning).map(|p| (p, count))
}

fn message_line(state: &State, _: &ObjectiveSplit, pen: &mut Pen<'_>) {
    let Some((first, count)) = message(state) else { return };
    let tone = if first.level == Level::Error { Tone::Bad } else { Tone::Warn };
    let more = if count > 1 { format!("   ! all {count} messages") } else { String::from("   ! more") };
    let room = pen.left().saturating_sub(width(&more) + 2);
    let text = format!("{}: {}", first.level.word(), first.what);
    pen.space(1).put(&crate::tui::text::clip(&text, room), tone).put(&more, Tone::Dim);
}

/// Histogram and what is known of the selected row.
fn beside(state: &State, split: &ObjectiveSplit, buffer: &mut Buffer, area: Rect) {
    let theme = &state.theme;
    // Without requests there is nothing to plot.
    let above = if split.requests == 0 { 0 } else { (area.height / 3).clamp(6, 12) + 1 };
    if above > 0 {
        Pen::new(buffer, theme, area, 0).put("latencies, log scale ", Tone::Dim).rule();
        histogram::draw(buffer, theme, Rect::new(area.x, area.y + 1, area.width, above - 2), split);
    }
    let rest = Rect::new(area.x, area.y + above, area.width, area.height - above);
    let mut lines = about(state, split, usize::from(area.width));
    let measured = measured_lines(state, usize::from(area.width));
    // Where there is room the sources stand at the foot; S shows them everywhere.
    if lines.len() + measured.len() < usize::from(rest.height) {
        lines.resize(usize::from(rest.height) - measured.len(), (String::new(), Tone::Text));
        lines.extend(measured);
    }
    for (y, (text, tone)) in (0..rest.height).zip(&lines) {
        Pen::new(buffer, theme, rest, y).put(text, *tone);
    }
}

/// The sources with their quality, wrapped.
fn measured_lines(state: &State, cells: usize) -> Vec<(String, Tone)> {
    let mut out = Vec::new();
    for (indent, text, tone) in sources::lines(state) {
        let wrapped = wrap(&text, cells.saturating_sub(indent));
        out.extend(wrapped.into_iter().map(|line| (format!("{}{line}", " ".repeat(indent)), tone)));
    }
    out
}

/// What is known of the selected row: place, rank, findings with their price, proposals with their state.
fn about(state: &State, split: &ObjectiveSplit, cells: usize) -> Vec<(String, Tone)> {
    if let Some(fold) = state.fold() {
        return about_fold(state, fold, cells);
    }
    let Some(row) = state.contribution() else {
        return vec![(String::from("the row has gone; choose one"), Tone::Dim)];
    };
    let mut lines: Vec<(String, Tone)> = wrap(&row.name, cells).into_iter().map(|l| (l, Tone::Title)).collect();
    if !row.file.is_empty() {
        lines.push((format!("{}:{}", row.file, row.line), Tone::Dim));
    }
    let mut say = |text: String, tone: Tone| lines.extend(wrap(&text, cells).into_iter().map(|l| (l, tone)));
    match row.kind {
        RowKind::Function => {
            let band = if row.band > 0 { format!("rank band {} · ", row.band) } else { String::new() };
            let samples = count(row.samples);
            if split.measured_ms.is_none() {
                say(format!("{samples} samples; what they have to do with the quantile only requests tell"), Tone::Dim);
            } else {
                say(format!("{band}{samples} samples, {} around the quantile", count(row.cohort_samples)), Tone::Dim);
                if !split.is_resolved(row) {
                    let few = row.cohort_samples < ObjectiveSplit::ENOUGH_SAMPLES;
                    let why = if few { "too few samples there" } else { "smaller than other intervals leave open" };
                    say(format!("{why}: not resolved"), Tone::Warn);
                }
            }
        }
        RowKind::Wait => say(
            String::from("time off the CPU, named by what was waited for; no rewrite of code on the CPU wins it"),
            Tone::Dim,
        ),
        RowKind::Unattributed => {
            say(String::from("in the request, but not placed on any function of the workspace"), Tone::Dim)
        }
    }
    if let Some(a) = row.allocated.filter(|a| a.blocks > 0.0) {
        let per = if a.per_request { "a request" } else { "in the whole recording" };
        say(format!("allocates {:.1} blocks, {} {per}", a.blocks, bytes(a.bytes.round() as u64)), Tone::Text);
    }
    if let Some(function) = &row.function {
        let findings = state.findings_of(function);
        say(String::new(), Tone::Text);
        say(plural(findings.len(), "finding"), Tone::Title);
        for f in findings {
            let price = f.cost.as_ref().map(|c| format!(" · at most {} ms", ms(c.c_ms))).unwrap_or_default();
            say(format!("{} line {}{price}", f.rule, f.line), Tone::Warn);
        }
        let proposals = state.proposals_of(function);
        say(String::new(), Tone::Text);
        say(state.proposals_in_words(proposals.len()), Tone::Title);
        for p in proposals {
            say(format!("{} · {}", p.rewrite.title, p.word()), Tone::Text);
        }
    }
    lines
}

/// What a fold holds: the largest of its rows.
fn about_fold(state: &State, fold: &Fold, cells: usize) -> Vec<(String, Tone)> {
    let mut lines =
        vec![(fold.sum.name.clone(), Tone::Title), (String::from("Enter shows them one by one"), Tone::Dim)];
    let rows = fold.rows.iter().filter_map(|&r| state.split()?.rows.get(r));
    for row in rows.take(20) {
        let text = format!("{:>6}  {}", ms(row.c_ms), short_path(&row.name));
        lines.push((crate::tui::text::clip(&text, cells), Tone::Text));
    }
    lines
}
