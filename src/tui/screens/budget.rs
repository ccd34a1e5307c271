//! Budget: what misses its limit by how much, which functions own it, and what to press.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Footer, Screen, ScreenId};
use crate::model::{Basis, Contribution, Level, ObjectiveSplit, RowKind};
use crate::tui::actions::{general, moving, working};
use crate::tui::pen::{Pen, vertical_rule};
use crate::tui::state::{Order, Page, Pane, State};
use crate::tui::text::{count, estimate, interval_ms, ms, plural, quantile, short_ms, short_path, width, wrap};
use crate::tui::theme::Tone;
use crate::tui::view::{Drawn, Target, requests};
use crate::tui::widgets::{histogram, top_for};

/// The screen.
pub const SCREEN: Screen = Screen { id: ScreenId::Budget, title: "Budget", badge: |_| String::new(), footer, view };

fn footer(state: &State) -> Footer {
    let prove = match working::to_prove(state).len() {
        0 | 1 => String::from("prove it"),
        _ => String::from("prove them"),
    };
    vec![
        ("enter", moving::enter_label(state)),
        ("prove", Some(prove)),
        ("code", Some(String::from("code"))),
        ("order", Some(String::from("p99/flame"))),
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
    let used = glance(state, split, buffer, area, drawn);
    let below = Rect::new(area.x, area.y + used, area.width, area.height - used);
    if area.width >= 120 && below.height >= 14 {
        let left = Rect::new(below.x, below.y, (below.width * 2 / 3).max(84), below.height);
        let right = Rect::new(left.right(), below.y, below.width - left.width, below.height);
        table(state, split, buffer, left, drawn);
        vertical_rule(buffer, &state.theme, right);
        beside(state, split, buffer, Rect::new(right.x + 2, right.y, right.width - 3, right.height));
        return;
    }
    let plot = if below.height >= 24 { 7 } else { 0 };
    table(state, split, buffer, Rect { height: below.height - plot, ..below }, drawn);
    if plot > 0 {
        let foot = Rect::new(below.x + 1, below.bottom() - plot, below.width - 2, plot);
        Pen::new(buffer, &state.theme, foot, 0).put("latencies", Tone::Dim).put(" ", Tone::Dim).rule();
        histogram::draw(buffer, &state.theme, Rect::new(foot.x, foot.y + 1, foot.width, foot.height - 1), split);
    }
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

/// The block that says everything at one glance; returns the rows it took.
fn glance(state: &State, split: &ObjectiveSplit, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) -> u16 {
    let theme = &state.theme;
    let roomy = area.height >= 16;
    let mut row = 0;
    objective_line(state, split, &mut Pen::new(buffer, theme, area, row), roomy);
    row += 1;
    parts_line(split, &mut Pen::new(buffer, theme, area, row));
    row += 1;
    if area.height >= 9 {
        enough_line(split, &mut Pen::new(buffer, theme, area, row));
        row += 1;
    }
    if area.height >= 12 {
        press_line(state, &mut Pen::new(buffer, theme, area, row));
        row += 1;
    }
    if area.height >= 14 && message_line(state, &mut Pen::new(buffer, theme, area, row)) {
        drawn.hit(Rect::new(area.x, area.y + row, area.width, 1), Target::Action("problems"));
        row += 1;
    }
    if roomy && area.width < 120 && area.height < 28 {
        let mut pen = Pen::new(buffer, theme, area, row);
        pen.space(1);
        histogram::draw_line(&mut pen, theme, split);
        row += 1;
    }
    row
}

/// `POST /authorize   p99 243 ms [236–251] / 200   43 over      4,000 requests · a1b2c3d`
fn objective_line(state: &State, split: &ObjectiveSplit, pen: &mut Pen<'_>, roomy: bool) {
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
    let right = recorded(state, split);
    if roomy && pen.left() > width(&right) + 3 && pen.move_to_right(width(&right) + 1) {
        pen.put(&right, Tone::Dim);
    }
}

/// How much was measured, and at which commit.
fn recorded(state: &State, split: &ObjectiveSplit) -> String {
    let mut parts = vec![requests(split.requests)];
    let commit = state.project.iter().flat_map(|p| &p.slo.sources).find_map(|s| s.commit.clone());
    parts.extend(commit.map(|c| c.chars().take(7).collect()));
    let objectives = state.analysis.as_ref().map_or(1, |a| a.objectives.len());
    if objectives > 1 {
        parts.push(format!("objective {} of {objectives}", state.objective + 1));
    }
    parts.join(" · ")
}

/// `code 121 │ waits 88 (ledger lock 61, acquirer 27) │ unplaced 34`
fn parts_line(split: &ObjectiveSplit, pen: &mut Pen<'_>) {
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
    if of(RowKind::Window).next().is_some() {
        pen.put(&format!(" {bar} "), Tone::Dim).put(&format!("window {}", short_ms(sum(RowKind::Window))), Tone::Dim);
    }
    let basis = format!("basis {} ", split.basis.word());
    if pen.left() > width(&basis) + 3 && pen.move_to_right(width(&basis)) {
        pen.put(&basis, Tone::Dim);
    }
}

/// `enough to meet it: audit::write + risk::score (together at most 58 ms)`
fn enough_line(split: &ObjectiveSplit, pen: &mut Pen<'_>) {
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
            pen.put(&format!(" (together at most {} ms)", short_ms(split.smallest_set_ms)), Tone::Dim);
        }
    }
}

/// `Enter  review 3 proposals        v  prove them (about 6 min)`
fn press_line(state: &State, pen: &mut Pen<'_>) {
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

/// The gravest message of reading, if there is a warning or worse; true if it took the row.
fn message_line(state: &State, pen: &mut Pen<'_>) -> bool {
    let all = general::all_problems(state);
    let Some(first) = all.first().filter(|p| p.level >= Level::Warning) else { return false };
    let tone = if first.level == Level::Error { Tone::Bad } else { Tone::Warn };
    let more = if all.len() > 1 { format!("   ! all {} messages", all.len()) } else { String::from("   ! more") };
    let room = pen.left().saturating_sub(width(&more) + 2);
    let text = format!("{}: {}", first.level.word(), first.what);
    pen.space(1).put(&crate::tui::text::clip(&text, room), tone).put(&more, Tone::Dim);
    true
}

/// A column of the table.
#[derive(Clone, Copy)]
struct Column {
    head: &'static str,
    cells: usize,
    /// The table has to be this wide for it.
    from: u16,
    text: fn(&State, &Contribution) -> String,
}

const COLUMNS: &[Column] = &[
    Column { head: "ms", cells: 7, from: 0, text: |_, r| ms(r.c_ms) },
    Column { head: "95 %", cells: 11, from: 50, text: |_, r| interval_of(r) },
    Column { head: "mean", cells: 7, from: 44, text: |_, r| number(r.mean_ms) },
    Column { head: "self", cells: 7, from: 70, text: |_, r| of_function(r, number(r.self_ms)) },
    Column { head: "total", cells: 7, from: 78, text: |_, r| of_function(r, number(r.total_ms)) },
    Column { head: "budget", cells: 7, from: 80, text: |_, r| r.budget_ms.map(ms).unwrap_or_default() },
    Column {
        head: "over",
        cells: 6,
        from: 62,
        text: |_, r| if r.over_ms > 0.0 { ms(r.over_ms) } else { String::new() },
    },
    Column { head: "flame", cells: 10, from: 92, text: flame },
    Column { head: "fnd", cells: 4, from: 56, text: findings },
];

/// What stands in place of the ms where only shares are known.
const SHARE: Column = Column { head: "share", cells: 8, from: 0, text: |_, r| format!("{:.1}%", r.share * 100.0) };

fn number(value: f64) -> String {
    if value > 0.0 { ms(value) } else { String::new() }
}

fn of_function(row: &Contribution, text: String) -> String {
    if row.kind == RowKind::Function { text } else { String::new() }
}

fn interval_of(row: &Contribution) -> String {
    match row.kind {
        RowKind::Window => String::new(),
        _ if row.ci_ms.low == 0.0 && row.ci_ms.high == 0.0 => String::new(),
        _ => interval_ms(row.ci_ms.low, row.ci_ms.high),
    }
}

/// The share a flame graph would show, with its rank there for the first three: these may look hotter than they are.
fn flame(state: &State, row: &Contribution) -> String {
    let rank = row.function.as_ref().and_then(|f| state.flame_rank(f)).map(|n| format!("#{n} ")).unwrap_or_default();
    of_function(row, format!("{rank}{:.1}%", row.share * 100.0))
}

fn findings(state: &State, row: &Contribution) -> String {
    match row.function.as_ref().map(|f| state.counts_of(f).0) {
        Some(n) if n > 0 => count(n as u64),
        _ => String::new(),
    }
}

fn columns(split: &ObjectiveSplit, width: u16) -> Vec<Column> {
    let budgets = split.rows.iter().any(|r| r.budget_ms.is_some());
    let fits = |c: &&Column| width >= c.from && (budgets || !["budget", "over"].contains(&c.head));
    if split.basis == Basis::SampledShare {
        let rest = COLUMNS.iter().filter(|c| c.head == "fnd");
        return std::iter::once(SHARE).chain(rest.filter(fits).copied()).collect();
    }
    COLUMNS.iter().filter(fits).copied().collect()
}

/// The table of the split: heading, visible rows, and the sum that equals the measured quantile.
fn table(state: &State, split: &ObjectiveSplit, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    if area.height < 3 {
        return;
    }
    let theme = &state.theme;
    let columns = columns(split, area.width);
    let name_cells = usize::from(area.width).saturating_sub(4 + columns.iter().map(|c| c.cells).sum::<usize>());
    heading(state, split, &mut Pen::new(buffer, theme, area, 0), &columns, name_cells);
    let height = usize::from(area.height - 2);
    let cursor = state.row.unwrap_or(0).min(state.rows.len().saturating_sub(1));
    let top = top_for(Page { height, ..state.page(Pane::Split) }, cursor, state.rows.len(), height);
    let body = Rect::new(area.x, area.y + 1, area.width, area.height - 2);
    drawn.pane(Pane::Split, body, top);
    for (y, (shown, &index)) in (0..body.height).zip(state.rows.iter().enumerate().skip(top)) {
        let line = Rect::new(body.x, body.y + y, body.width, 1);
        draw_row(state, split, buffer, line, &split.rows[index], (&columns, name_cells), state.row == Some(shown));
        drawn.hit(line, Target::Row(Pane::Split, shown));
        drawn.computed += 1;
    }
    let sum_row = body.height.min(state.rows.len() as u16) + 1;
    sum(split, &mut Pen::new(buffer, theme, area, sum_row), &columns, name_cells);
}

fn heading(state: &State, split: &ObjectiveSplit, pen: &mut Pen<'_>, columns: &[Column], name_cells: usize) {
    let title = if state.order == Order::Mean { "function, in flame graph order" } else { "function" };
    pen.space(3).column(title, name_cells, Tone::Dim);
    for column in columns {
        let ranked = (column.head == "ms" && state.order == Order::Quantile)
            || (column.head == "mean" && state.order == Order::Mean);
        let head =
            if column.head == "ms" { format!("{} ms", quantile(split.quantile)) } else { column.head.to_string() };
        pen.right(&head, column.cells, if ranked { Tone::Title } else { Tone::Dim });
    }
}

/// The name of a row: a function by the end of its path, everything else by what it is.
fn row_name(row: &Contribution, cells: usize) -> (String, Tone) {
    match row.kind {
        RowKind::Function if cells >= width(&row.name) => (row.name.clone(), Tone::Text),
        RowKind::Function => (short_path(&row.name), Tone::Text),
        RowKind::Wait => (format!("wait: {}", row.name), Tone::Warn),
        RowKind::Window => (String::from("window: cohort mean to quantile"), Tone::Dim),
        RowKind::Unattributed => (row.name.clone(), Tone::Dim),
    }
}

fn draw_row(
    state: &State,
    split: &ObjectiveSplit,
    buffer: &mut Buffer,
    area: Rect,
    row: &Contribution,
    (columns, name_cells): (&[Column], usize),
    selected: bool,
) {
    let theme = &state.theme;
    let mut pen = Pen::new(buffer, theme, area, 0);
    if selected {
        pen = pen.under(Tone::Selected);
    }
    let enough = row.function.as_ref().is_some_and(|f| split.gap_ms > 0.0 && split.smallest_set.contains(f));
    pen.put(if selected { theme.glyph("▸", ">") } else { " " }, Tone::Key);
    pen.put(if enough { "*" } else { " " }, Tone::Accent).space(1);
    let (name, tone) = row_name(row, name_cells);
    let matched = !state.search.is_empty() && row.name.to_lowercase().contains(&state.search.to_lowercase());
    let (cells, tone) = (name_cells.saturating_sub(1), if matched { Tone::Match } else { tone });
    match row.kind {
        RowKind::Function => pen.path_column(&name, cells, tone),
        _ => pen.column(&name, cells, tone),
    };
    pen.space(1);
    for column in columns {
        let text = (column.text)(state, row);
        let tone = match column.head {
            "over" if row.over_ms >= 1.0 => Tone::Bad,
            "ms" if enough => Tone::Title,
            "ms" | "share" => Tone::Text,
            "fnd" => Tone::Accent,
            "flame" if text.starts_with('#') && !enough => Tone::Warn,
            _ => Tone::Dim,
        };
        pen.right(&text, column.cells, tone);
    }
}

/// The rows add up to the measured quantile; the sum is shown to say so.
fn sum(split: &ObjectiveSplit, pen: &mut Pen<'_>, columns: &[Column], name_cells: usize) {
    if split.measured_ms.is_none() {
        return;
    }
    let label = format!("sum = measured {}", quantile(split.quantile));
    pen.space(3).column(&label, name_cells, Tone::Title);
    for column in columns {
        let text = if column.head == "ms" { ms(split.sum_ms) } else { String::new() };
        pen.right(&text, column.cells, Tone::Title);
    }
}

/// Histogram and what is known of the selected row.
fn beside(state: &State, split: &ObjectiveSplit, buffer: &mut Buffer, area: Rect) {
    let theme = &state.theme;
    let plot = (area.height / 3).clamp(6, 12);
    Pen::new(buffer, theme, area, 0).put("latencies, log scale ", Tone::Dim).rule();
    histogram::draw(buffer, theme, Rect::new(area.x, area.y + 1, area.width, plot - 1), split);
    let rest = Rect::new(area.x, area.y + plot + 1, area.width, area.height - plot - 1);
    let lines = about(state, usize::from(area.width));
    for (y, (text, tone)) in (0..rest.height).zip(&lines) {
        Pen::new(buffer, theme, rest, y).put(text, *tone);
    }
}

/// What is known of the selected row: place, rank, findings with their price, proposals with their state.
fn about(state: &State, cells: usize) -> Vec<(String, Tone)> {
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
            say(format!("{band}{samples} samples, {} around the quantile", count(row.cohort_samples)), Tone::Dim);
            if row.cohort_samples < 30 {
                say(String::from("fewer than 30 samples there: not resolved"), Tone::Warn);
            }
        }
        RowKind::Wait => say(
            String::from("time off the CPU, named by what was waited for; no rewrite of code on the CPU wins it"),
            Tone::Dim,
        ),
        RowKind::Window => say(
            String::from(
                "the requests around the quantile are on average this far from it; the column adds up with it",
            ),
            Tone::Dim,
        ),
        RowKind::Unattributed => {
            say(String::from("in the request, but not placed on any function of the workspace"), Tone::Dim)
        }
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
        say(plural(proposals.len(), "proposal"), Tone::Title);
        for p in proposals {
            let word = p.verdict.as_ref().map_or("open", |v| v.state_word());
            say(format!("{} · {word}", p.rewrite.title), Tone::Text);
        }
    }
    lines
}
