//! The split's lines in; the table of the split, with the sum that equals the measured quantile, out.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::top_for;
use crate::model::{Basis, Contribution, ObjectiveSplit, RowKind, SplitLine};
use crate::tui::pen::Pen;
use crate::tui::state::{Order, Page, Pane, State};
use crate::tui::text::{bytes, count, interval_ms, ms, quantile, short_path, width};
use crate::tui::theme::Tone;
use crate::tui::view::{Drawn, Target};

/// Lines of the table that are no rows: heading and sum.
pub const FRAME: u16 = 2;

/// A column of the table.
#[derive(Clone, Copy)]
struct Column {
    head: &'static str,
    cells: usize,
    /// The table has to be this wide for it.
    from: u16,
    text: fn(&State, &Contribution) -> String,
    /// What a click on its heading orders by.
    order: Option<Order>,
}

const COLUMNS: &[Column] = &[
    Column { head: "ms", cells: 7, from: 0, text: |_, r| ms(r.c_ms), order: Some(Order::Quantile) },
    Column { head: "95 %", cells: 11, from: 50, text: |_, r| interval_of(r), order: None },
    Column { head: "mean", cells: 7, from: 44, text: |_, r| number(r.mean_ms), order: Some(Order::Mean) },
    Column {
        head: "self",
        cells: 7,
        from: 70,
        text: |_, r| of_function(r, number(r.self_ms)),
        order: Some(Order::SelfTime),
    },
    Column {
        head: "total",
        cells: 7,
        from: 88,
        text: |_, r| of_function(r, number(r.total_ms)),
        order: Some(Order::Total),
    },
    Column { head: "budget", cells: 7, from: 80, text: |_, r| r.budget_ms.map(ms).unwrap_or_default(), order: None },
    Column {
        head: "over",
        cells: 6,
        from: 62,
        text: |_, r| if r.over_ms > 0.0 { ms(r.over_ms) } else { String::new() },
        order: Some(Order::Over),
    },
    Column { head: "flame", cells: 10, from: 92, text: flame, order: Some(Order::Mean) },
    Column { head: "blocks", cells: 10, from: 66, text: blocks, order: Some(Order::Allocated) },
    Column { head: "bytes", cells: 9, from: 100, text: allocated_bytes, order: None },
    Column { head: "fnd", cells: 4, from: 56, text: findings, order: Some(Order::Findings) },
];

/// What stands in place of the ms where only shares are known.
const SHARE: Column = Column {
    head: "share",
    cells: 8,
    from: 0,
    text: |_, r| format!("{:.1}%", r.share * 100.0),
    order: Some(Order::Mean),
};

fn number(value: f64) -> String {
    if value > 0.0 { ms(value) } else { String::new() }
}

fn of_function(row: &Contribution, text: String) -> String {
    if row.kind == RowKind::Function { text } else { String::new() }
}

fn interval_of(row: &Contribution) -> String {
    match row.kind {
        _ if row.ci_ms.low == 0.0 && row.ci_ms.high == 0.0 => String::new(),
        _ => interval_ms(row.ci_ms.low, row.ci_ms.high),
    }
}

/// The share a flame graph would show, with its rank there for the first three: these may look hotter than they are.
fn flame(state: &State, row: &Contribution) -> String {
    let rank = row.function.as_ref().and_then(|f| state.flame_rank(f)).map(|n| format!("#{n} ")).unwrap_or_default();
    of_function(row, format!("{rank}{:.1}%", row.share * 100.0))
}

/// Allocated blocks: of a request's mean where requests are known, else of the whole recording.
fn blocks(_: &State, row: &Contribution) -> String {
    let of = |a: crate::model::AllocatedBy| if a.per_request { short_number(a.blocks) } else { count(a.blocks as u64) };
    row.allocated.filter(|a| a.blocks > 0.0).map(of).unwrap_or_default()
}

fn allocated_bytes(_: &State, row: &Contribution) -> String {
    row.allocated.filter(|a| a.bytes > 0.0).map(|a| bytes(a.bytes.round() as u64)).unwrap_or_default()
}

/// Two digits behind the point below ten, none from a hundred on.
fn short_number(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => count(value.round() as u64),
    }
}

fn findings(state: &State, row: &Contribution) -> String {
    match row.function.as_ref().map(|f| state.counts_of(f).0) {
        Some(n) if n > 0 => count(n as u64),
        _ => String::new(),
    }
}

fn columns(split: &ObjectiveSplit, width: u16) -> Vec<Column> {
    let budgets = split.rows.iter().any(|r| r.budget_ms.is_some());
    let allocations = split.rows.iter().any(|r| r.allocated.is_some());
    let fits = |c: &&Column| match c.head {
        "budget" | "over" if !budgets => false,
        "blocks" | "bytes" if !allocations => false,
        _ => width >= c.from,
    };
    if split.basis == Basis::SampledShare {
        let rest = COLUMNS.iter().filter(|c| ["blocks", "bytes", "fnd"].contains(&c.head));
        return std::iter::once(SHARE).chain(rest.filter(fits).copied()).collect();
    }
    COLUMNS.iter().filter(fits).copied().collect()
}

/// Draws the table: heading, visible lines, and the sum.
pub fn draw(state: &State, split: &ObjectiveSplit, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    if area.height <= FRAME {
        return;
    }
    let theme = &state.theme;
    let columns = columns(split, area.width);
    let name_cells = usize::from(area.width).saturating_sub(4 + columns.iter().map(|c| c.cells).sum::<usize>());
    heading(state, split, &mut Pen::new(buffer, theme, area, 0), (&columns, name_cells), drawn);
    // All names alike: a whole path among ends of paths looks as if it were another crate's.
    let is_wide = state.rows.iter().filter_map(|line| state.line_of(*line)).all(|r| width(&r.name) < name_cells);
    let height = usize::from(area.height - FRAME);
    let cursor = state.row.unwrap_or(0).min(state.rows.len().saturating_sub(1));
    let top = top_for(Page { height, ..state.page(Pane::Split) }, cursor, state.rows.len(), height);
    let body = Rect::new(area.x, area.y + 1, area.width, area.height - FRAME);
    drawn.pane(Pane::Split, body, top);
    for (y, (shown, &line)) in (0..body.height).zip(state.rows.iter().enumerate().skip(top)) {
        let Some(row) = state.line_of(line) else { continue };
        let place = Rect::new(body.x, body.y + y, body.width, 1);
        let is_fold = matches!(line, SplitLine::Fold(_));
        draw_row(
            state,
            split,
            buffer,
            place,
            (row, is_fold),
            (&columns, name_cells, is_wide),
            state.row == Some(shown),
        );
        drawn.hit(place, Target::Row(Pane::Split, shown));
        drawn.computed += 1;
    }
    let sum_row = body.height.min(state.rows.len() as u16) + 1;
    sum(state, split, &mut Pen::new(buffer, theme, area, sum_row), &columns, name_cells);
}

fn heading(
    state: &State,
    split: &ObjectiveSplit,
    pen: &mut Pen<'_>,
    (columns, name_cells): (&[Column], usize),
    drawn: &mut Drawn,
) {
    let title = match state.filter.as_str() {
        "" => state.order.words().to_owned(),
        word => format!("{} with \"{word}\"", state.order.words()),
    };
    let tone = if state.order == Order::Name { Tone::Title } else { Tone::Dim };
    let start = pen.x();
    pen.space(3).column(&title, name_cells, tone);
    drawn.hit(pen.since(start), Target::Order(Order::Name));
    let is_flame = columns.iter().any(|c| c.head == "flame");
    for column in columns {
        // Both show the mean; the share is what it is ordered by.
        let ranked = column.order == Some(state.order) && !(column.head == "mean" && is_flame);
        let per_request = split.rows.iter().any(|r| r.allocated.is_some_and(|a| a.per_request));
        let head = match column.head {
            "ms" => format!("{} ms", quantile(split.quantile)),
            "blocks" if per_request => String::from("allocs/rq"),
            head => head.to_string(),
        };
        let start = pen.x();
        pen.right(&head, column.cells, if ranked { Tone::Title } else { Tone::Dim });
        if let Some(order) = column.order {
            drawn.hit(pen.since(start), Target::Order(order));
        }
    }
}

/// The name of a row: a function by the end of its path, or by all of it where there is room; everything else by what it is.
fn row_name(row: &Contribution, is_wide: bool) -> (String, Tone) {
    match row.kind {
        RowKind::Function if is_wide => (row.name.clone(), Tone::Text),
        RowKind::Function => (short_path(&row.name), Tone::Text),
        RowKind::Wait => (format!("wait: {}", row.name), Tone::Warn),
        RowKind::Unattributed => (row.name.clone(), Tone::Dim),
    }
}

fn draw_row(
    state: &State,
    split: &ObjectiveSplit,
    buffer: &mut Buffer,
    area: Rect,
    (row, is_fold): (&Contribution, bool),
    (columns, name_cells, is_wide): (&[Column], usize, bool),
    selected: bool,
) {
    let theme = &state.theme;
    let mut pen = Pen::new(buffer, theme, area, 0);
    if selected {
        pen = pen.under(Tone::Selected);
    }
    let enough = row.function.as_ref().is_some_and(|f| split.gap_ms > 0.0 && split.smallest_set.contains(f));
    pen.put(if selected { theme.glyph("▸", ">") } else { " " }, Tone::Key);
    let mark = if is_fold { theme.glyph("▾", "+") } else { " " };
    pen.put(if enough { "*" } else { mark }, Tone::Accent).space(1);
    let (name, tone) = if is_fold { (row.name.clone(), Tone::Dim) } else { row_name(row, is_wide) };
    let matched = !state.search.is_empty() && row.name.to_lowercase().contains(&state.search.to_lowercase());
    let (cells, tone) = (name_cells.saturating_sub(1), if matched { Tone::Match } else { tone });
    match row.kind {
        RowKind::Function if !is_fold => pen.path_column(&name, cells, tone),
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

/// The rows add up to the measured quantile; the sum is shown to say so. Of filtered rows it is their own sum.
fn sum(state: &State, split: &ObjectiveSplit, pen: &mut Pen<'_>, columns: &[Column], name_cells: usize) {
    if split.measured_ms.is_none() {
        return;
    }
    let (label, value) = match state.filter.is_empty() {
        true => (format!("sum = measured {}", quantile(split.quantile)), split.sum_ms),
        false => {
            let shown = state.rows.iter().filter_map(|line| state.line_of(*line)).map(|r| r.c_ms).sum();
            (format!("sum of {} of {} rows", state.rows.len(), split.rows.len()), shown)
        }
    };
    pen.space(3).column(&label, name_cells, Tone::Title);
    for column in columns {
        let text = if column.head == "ms" { ms(value) } else { String::new() };
        pen.right(&text, column.cells, Tone::Title);
    }
}
