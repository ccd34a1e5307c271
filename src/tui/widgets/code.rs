//! A file with its heat and findings in; the visible rows of source with both in place out.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::spans::SourceLine;
use crate::model::Finding;
use crate::tui::pen::Pen;
use crate::tui::state::{SourceText, State};
use crate::tui::text::{interval_ms, ms, wrap};
use crate::tui::theme::{Theme, Tone};

/// Cells of the heat gutter: a share and a bar.
const HEAT_CELLS: usize = 9;

/// Where notes stand between the lines of a file: rows are counted from the notes alone, never from all lines.
pub struct CodeRows<'a> {
    lines: usize,
    /// (line from 1, wrapped rows of its notes), in the order of lines.
    notes: Vec<(u32, Vec<Note<'a>>)>,
}

/// One row of a note under a line.
struct Note<'a> {
    finding: &'a Finding,
    text: String,
    first: bool,
}

/// What a row shows.
enum Row<'r, 'a> {
    Line(u32),
    Note(&'r Note<'a>),
}

impl<'a> CodeRows<'a> {
    /// Lays findings out under their lines, wrapped to `cells`.
    pub fn new(state: &'a State, text: &SourceText, cells: usize) -> CodeRows<'a> {
        let mut findings: Vec<&Finding> = match &state.analysis {
            Some(analysis) => analysis.findings.iter().filter(|f| f.file == text.file).collect(),
            None => Vec::new(),
        };
        findings.sort_by_key(|f| (f.line, f.column));
        let mut notes: Vec<(u32, Vec<Note<'a>>)> = Vec::new();
        for finding in findings {
            let rows = note_rows(finding, cells);
            match notes.last_mut().filter(|(line, _)| *line == finding.line) {
                Some((_, at)) => at.extend(rows),
                None => notes.push((finding.line, rows)),
            }
        }
        CodeRows { lines: text.lines.len(), notes }
    }

    /// Rows in all.
    pub fn count(&self) -> usize {
        self.lines + self.notes.iter().map(|(_, n)| n.len()).sum::<usize>()
    }

    /// The row of a line (from 1).
    pub fn row_of(&self, line: u32) -> usize {
        let above: usize = self.notes.iter().take_while(|(l, _)| *l < line).map(|(_, n)| n.len()).sum();
        line as usize - 1 + above
    }

    /// What stands on a row.
    fn at(&self, row: usize) -> Option<Row<'_, 'a>> {
        let mut before = 0;
        for (line, notes) in &self.notes {
            let row_of_line = *line as usize - 1 + before;
            if row <= row_of_line {
                break;
            }
            if row <= row_of_line + notes.len() {
                return Some(Row::Note(&notes[row - row_of_line - 1]));
            }
            before += notes.len();
        }
        let line = row - before;
        (line < self.lines).then_some(Row::Line(line as u32 + 1))
    }

    /// The line of a row: of a note the line above it.
    pub fn line_of(&self, row: usize) -> Option<u32> {
        match self.at(row)? {
            Row::Line(line) => Some(line),
            Row::Note(note) => Some(note.finding.line),
        }
    }
}

fn note_rows(finding: &Finding, cells: usize) -> Vec<Note<'_>> {
    let price = match &finding.cost {
        Some(c) => format!(
            "at most {} ms {} of the objective ({})",
            ms(c.c_ms),
            interval_ms(c.ci_ms.low, c.ci_ms.high),
            c.basis
        ),
        None => String::from("cost not measured"),
    };
    let leads = if finding.has_rewrite { "" } else { "; no rewrite known" };
    let text = format!("{}: {} · {price}{leads}", finding.rule, finding.message);
    let rows = wrap(&text, cells.saturating_sub(4)).into_iter().enumerate();
    rows.map(|(i, text)| Note { finding, text, first: i == 0 }).collect()
}

/// Draws the rows from `top` on and returns how many were computed.
pub fn draw(
    buffer: &mut Buffer,
    area: Rect,
    state: &State,
    text: &SourceText,
    rows: &CodeRows<'_>,
    top: usize,
) -> usize {
    let heat = state.analysis.as_ref().and_then(|a| a.heat.iter().find(|h| h.file == text.file));
    let weight = |line: u32| {
        let lines = &heat?.lines;
        let i = lines.binary_search_by_key(&line, |(l, _)| *l).ok()?;
        Some(lines[i].1)
    };
    let hottest = heat.and_then(|h| h.lines.iter().map(|(_, w)| *w).max_by(f64::total_cmp)).unwrap_or(0.0);
    let mut drawn = 0;
    for y in 0..area.height {
        let Some(row) = rows.at(top + usize::from(y)) else { break };
        let mut pen = Pen::new(buffer, &state.theme, area, y);
        match row {
            Row::Line(line) => draw_line(&mut pen, state, text, line, weight(line), hottest, area.width),
            Row::Note(note) => draw_note(&mut pen, &state.theme, note, area.width),
        }
        drawn += 1;
    }
    drawn
}

/// True if there is room for the heat gutter.
fn has_gutter(width: u16) -> bool {
    width >= 50
}

fn draw_line(
    pen: &mut Pen<'_>,
    state: &State,
    text: &SourceText,
    line: u32,
    weight: Option<f64>,
    hottest: f64,
    width: u16,
) {
    let theme = &state.theme;
    let here = line == state.line;
    pen.put(if here { theme.glyph("▸", ">") } else { " " }, Tone::Key);
    if has_gutter(width) {
        draw_heat(pen, theme, weight, hottest);
    }
    pen.right(&line.to_string(), 5, if here { Tone::Key } else { Tone::Dim }).space(2);
    let index = line as usize - 1;
    let source =
        SourceLine { text: &text.lines[index], tokens: text.tokens.get(index), words: None, search: &state.search };
    source.draw(pen, theme, state.column);
}

/// The line's share of the samples around the quantile, as number and bar.
fn draw_heat(pen: &mut Pen<'_>, theme: &Theme, weight: Option<f64>, hottest: f64) {
    let Some(weight) = weight.filter(|w| *w >= 0.0005) else {
        pen.space(HEAT_CELLS);
        return;
    };
    let tone = match weight / hottest.max(f64::MIN_POSITIVE) {
        r if r >= 0.5 => Tone::Bad,
        r if r >= 0.15 => Tone::Warn,
        _ => Tone::Dim,
    };
    pen.right(&format!("{:.1}%", weight * 100.0), 6, tone).space(1);
    pen.column(&bar(theme, weight / hottest.max(f64::MIN_POSITIVE), 2), HEAT_CELLS - 7, tone);
}

/// A bar of at most `cells`, in eighths.
pub fn bar(theme: &Theme, share: f64, cells: usize) -> String {
    const EIGHTHS: [&str; 9] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];
    let share = share.clamp(0.0, 1.0);
    if theme.glyphs == crate::tui::theme::Glyphs::Ascii {
        return "#".repeat((share * cells as f64).round() as usize);
    }
    let eighths = ((share * cells as f64 * 8.0).round() as usize).max(usize::from(share > 0.0));
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

fn draw_note(pen: &mut Pen<'_>, theme: &Theme, note: &Note<'_>, width: u16) {
    let indent = if has_gutter(width) { HEAT_CELLS + 6 } else { 6 };
    pen.space(indent);
    let lead = if note.first { theme.glyph("└─ ", "`- ") } else { "   " };
    pen.put(lead, Tone::Warn).put(&note.text, Tone::Warn);
}

/// Cells that a note may take in a pane of this width.
pub fn note_cells(width: u16) -> usize {
    usize::from(width).saturating_sub(if has_gutter(width) { HEAT_CELLS + 6 } else { 6 })
}
