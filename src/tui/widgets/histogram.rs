//! A histogram of latencies in; columns with the limit and the quantile marked out.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::ObjectiveSplit;
use crate::tui::pen::Pen;
use crate::tui::text::{count, ms, quantile};
use crate::tui::theme::{Glyphs, Theme, Tone};

/// A histogram brought to a number of columns of equal width on the ms axis.
struct Columns {
    counts: Vec<f64>,
    from: f64,
    step: f64,
}

impl Columns {
    /// Spreads each bucket evenly over the columns it covers; `None` where there is nothing to show or no room.
    fn new(split: &ObjectiveSplit, columns: usize) -> Option<Columns> {
        if columns < 8 {
            return None;
        }
        let last = split.histogram.last()?.0;
        let marks = split.measured_ms.unwrap_or(0.0).max(split.limit_ms);
        let to = last.min(marks * 2.5).max(marks * 1.05);
        let step = to / columns as f64;
        if !(step.is_finite() && step > 0.0) {
            return None;
        }
        let mut counts = vec![0.0; columns];
        let mut low = 0.0;
        for &(high, n) in &split.histogram {
            spread(&mut counts, step, (low, high), n as f64);
            low = high;
        }
        Some(Columns { counts, from: 0.0, step })
    }

    fn column_of(&self, ms: f64) -> usize {
        (((ms - self.from) / self.step) as usize).min(self.counts.len() - 1)
    }

    fn most(&self) -> f64 {
        self.counts.iter().copied().fold(1.0, f64::max)
    }
}

fn spread(counts: &mut [f64], step: f64, (low, high): (f64, f64), n: f64) {
    let width = (high - low).max(f64::MIN_POSITIVE);
    let last = counts.len() - 1;
    let (first, until) = ((low / step) as usize, ((high / step).ceil() as usize).max(1) - 1);
    let (first, until) = (first.min(last), until.min(last));
    for (i, count) in counts.iter_mut().enumerate().take(until + 1).skip(first) {
        let end = if i == last { f64::INFINITY } else { (i + 1) as f64 * step };
        let overlap = (high.min(end) - low.max(i as f64 * step)).max(0.0);
        *count += n * overlap / width;
    }
}

/// Draws the histogram with its axis; rows are counts on a logarithmic scale, so that the tail can be seen.
pub fn draw(buffer: &mut Buffer, theme: &Theme, area: Rect, split: &ObjectiveSplit) {
    if area.height < 3 || area.width < 16 {
        return;
    }
    let Some(columns) = Columns::new(split, usize::from(area.width)) else { return };
    let rows = area.height - 2;
    let scale = |n: f64| if n < 0.5 { 0.0 } else { (n + 1.0).ln() / (columns.most() + 1.0).ln() };
    for (i, &n) in columns.counts.iter().enumerate() {
        let over = (i as f64 + 0.5) * columns.step > split.limit_ms;
        draw_column(buffer, theme, area, i as u16, rows, scale(n), over);
    }
    draw_axis(buffer, theme, area, split, &columns, rows);
}

fn draw_column(buffer: &mut Buffer, theme: &Theme, area: Rect, x: u16, rows: u16, height: f64, over: bool) {
    const EIGHTHS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    let eighths = (height * f64::from(rows) * 8.0).round() as u16;
    let tone = if over { Tone::Bad } else { Tone::Accent };
    for row in 0..rows {
        let here = eighths.saturating_sub((rows - 1 - row) * 8).min(8);
        if here == 0 {
            continue;
        }
        let glyph = match theme.glyphs {
            Glyphs::Unicode => EIGHTHS[usize::from(here) - 1],
            Glyphs::Ascii if here >= 4 => "#",
            Glyphs::Ascii => ".",
        };
        buffer.set_stringn(area.x + x, area.y + row, glyph, 1, theme.style(tone));
    }
}

/// The axis: the limit as `|` and the quantile as `^`, with their numbers under it.
fn draw_axis(buffer: &mut Buffer, theme: &Theme, area: Rect, split: &ObjectiveSplit, columns: &Columns, rows: u16) {
    Pen::new(buffer, theme, area, rows).rule();
    let limit = columns.column_of(split.limit_ms) as u16;
    buffer.set_stringn(area.x + limit, area.y + rows, theme.glyph("┴", "|"), 1, theme.style(Tone::Title));
    let limit_label = format!("limit {}", ms(split.limit_ms));
    label(buffer, theme, area, rows + 1, limit, &limit_label, Tone::Text, true);
    if let Some(measured) = split.measured_ms {
        let at = columns.column_of(measured) as u16;
        let tone = if measured > split.limit_ms { Tone::Bad } else { Tone::Good };
        buffer.set_stringn(area.x + at, area.y + rows, theme.glyph("▲", "^"), 1, theme.style(tone));
        let label_text = format!("{} {} ms", quantile(split.quantile), ms(measured));
        label(buffer, theme, area, rows + 1, at, &label_text, tone, measured < split.limit_ms);
    }
}

/// Writes a label that ends (`before`) or starts at a column, kept inside the area.
#[expect(clippy::too_many_arguments, reason = "a label is a place, a text and a look")]
fn label(buffer: &mut Buffer, theme: &Theme, area: Rect, row: u16, at: u16, text: &str, tone: Tone, before: bool) {
    let cells = text.chars().count() as u16;
    let start = if before { (at + 1).saturating_sub(cells) } else { at };
    let start = start.min(area.width.saturating_sub(cells));
    let place = Rect::new(area.x + start, area.y, area.width - start, area.height);
    Pen::new(buffer, theme, place, row).put(text, tone);
}

/// One line: the same histogram in eighths, for small screens.
pub fn draw_line(pen: &mut Pen<'_>, theme: &Theme, split: &ObjectiveSplit) {
    const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    let legend = format!("  {} requests, limit {} ms at {}", count(split.requests), ms(split.limit_ms), theme.bar());
    let cells = pen.left().saturating_sub(legend.chars().count() + 9);
    let Some(columns) = Columns::new(split, cells) else { return };
    pen.put("latency ", Tone::Dim);
    let limit = columns.column_of(split.limit_ms);
    let most = (columns.most() + 1.0).ln();
    for (i, &n) in columns.counts.iter().enumerate() {
        if i == limit {
            pen.put(theme.bar(), Tone::Title);
            continue;
        }
        let level = if n < 0.5 { 0 } else { (((n + 1.0).ln() / most) * 7.0).round() as usize + 1 };
        let glyph = match theme.glyphs {
            Glyphs::Unicode => EIGHTHS[level.min(8)],
            Glyphs::Ascii => [" ", ".", ".", ":", ":", "+", "+", "#", "#"][level.min(8)],
        };
        pen.put(glyph, if i > limit { Tone::Bad } else { Tone::Accent });
    }
    pen.put(&legend, Tone::Dim);
}
