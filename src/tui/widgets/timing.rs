//! A measurement in; before and after as distributions on one axis, and the pairs with the noise floor, out.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::symbols::Marker;
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Context, Line, Points};

use crate::model::Measurement;
use crate::tui::pen::Pen;
use crate::tui::text::{count, width};
use crate::tui::theme::{Glyphs, Theme, Tone};

/// Rows that the plots need at least: two distributions, an axis, and four rows of pairs with their heading.
pub const LEAST_ROWS: u16 = 8;

/// Cells of the names before distributions and of the numbers behind them.
const NAME: u16 = 7;
const NUMBER: u16 = 10;

/// Slices that interruptions stretched may not squeeze all others into one column: the axis ends at these quantiles.
const SHOWN: (f64, f64) = (0.01, 0.98);

/// Draws both plots, beside each other where there is room; nothing where no slices were kept.
pub fn draw(buffer: &mut Buffer, theme: &Theme, area: Rect, m: &Measurement) {
    if m.slices.is_empty() || area.height < LEAST_ROWS || area.width < 30 {
        return;
    }
    if area.width >= 96 {
        let half = area.width / 2;
        distributions(buffer, theme, Rect::new(area.x, area.y, half - 2, area.height), m);
        pairs(buffer, theme, Rect::new(area.x + half, area.y, area.width - half, area.height), m);
        return;
    }
    let upper = (area.height * 2 / 5).clamp(4, 8);
    distributions(buffer, theme, Rect::new(area.x, area.y, area.width, upper), m);
    pairs(buffer, theme, Rect::new(area.x, area.y + upper, area.width, area.height - upper), m);
}

/// Before and after as one row each, for text beside a diff: name, columns, median.
pub fn strips(theme: &Theme, m: &Measurement, cells: usize) -> Vec<String> {
    let room = cells.saturating_sub(usize::from(NAME + NUMBER)).min(60);
    if m.slices.is_empty() || room < 8 {
        return Vec::new();
    }
    let axis = Axis::of(m, room);
    let strip = |name: &str, arm: usize, ns: f64| {
        let columns = axis.columns(m, arm);
        let most = columns.iter().copied().max().unwrap_or(1).max(1);
        let cells: String = columns.iter().map(|n| eighth(theme, *n as f64 / most as f64)).collect();
        format!("{name:<0$}{cells} {1}", usize::from(NAME), time(ns))
    };
    vec![strip("before", 0, m.old_ns), strip("after", 1, m.new_ns)]
}

/// The axis of ns per call that both distributions share.
struct Axis {
    low: f64,
    step: f64,
    columns: usize,
}

impl Axis {
    fn of(m: &Measurement, columns: usize) -> Axis {
        let mut all: Vec<f64> = m.slices.iter().flat_map(|s| [s[0], s[1]]).collect();
        all.sort_by(f64::total_cmp);
        let at = |q: f64| all[((all.len() - 1) as f64 * q).round() as usize];
        let (low, high) = (at(SHOWN.0), at(SHOWN.1).max(at(SHOWN.0) * 1.001 + 1e-9));
        let margin = (high - low) * 0.04;
        let low = (low - margin).max(0.0);
        Axis { low, step: (high + margin - low) / columns as f64, columns }
    }

    fn column(&self, ns: f64) -> usize {
        (((ns - self.low) / self.step).max(0.0) as usize).min(self.columns - 1)
    }

    /// How many slices of an arm fall into each column.
    fn columns(&self, m: &Measurement, arm: usize) -> Vec<u32> {
        let mut columns = vec![0; self.columns];
        m.slices.iter().for_each(|s| columns[self.column(s[arm])] += 1);
        columns
    }
}

fn distributions(buffer: &mut Buffer, theme: &Theme, area: Rect, m: &Measurement) {
    let room = area.width.saturating_sub(NAME + NUMBER);
    let axis = Axis::of(m, usize::from(room.max(1)));
    let rows = (area.height - 2) / 2;
    let most = [0, 1].map(|arm| axis.columns(m, arm).into_iter().max().unwrap_or(1).max(1));
    let heading = format!("time per call, {} slices each", count(m.slices.len() as u64));
    Pen::new(buffer, theme, area, 0).put(&heading, Tone::Dim);
    for (arm, (name, ns, tone)) in
        [("before", m.old_ns, Tone::Text), ("after", m.new_ns, Tone::Good)].into_iter().enumerate()
    {
        let top = 1 + rows * arm as u16;
        let columns = axis.columns(m, arm);
        for (x, n) in (0_u16..).zip(&columns) {
            column(
                buffer,
                theme,
                Rect::new(area.x + NAME + x, area.y + top, 1, rows),
                f64::from(*n) / f64::from(most[arm]),
                tone,
            );
        }
        let foot = top + rows - 1;
        Pen::new(buffer, theme, area, foot).put(name, Tone::Dim);
        let right = Rect::new(area.x + NAME + room, area.y, NUMBER, area.height);
        Pen::new(buffer, theme, right, foot).space(1).put(&time(ns), tone);
    }
    let foot = Rect::new(area.x + NAME, area.y, room, area.height);
    let (low, high) = (time(axis.low), time(axis.low + axis.step * axis.columns as f64));
    let row = 1 + 2 * rows;
    let mut pen = Pen::new(buffer, theme, foot, row);
    pen.put(&low, Tone::Dim);
    if pen.move_to_right(width(&high)) {
        pen.put(&high, Tone::Dim);
    }
}

/// One column, in eighths of its rows, from below.
fn column(buffer: &mut Buffer, theme: &Theme, area: Rect, share: f64, tone: Tone) {
    let full = (share * f64::from(area.height) * 8.0).ceil();
    for row in 0..area.height {
        let here = (full - f64::from(area.height - 1 - row) * 8.0).clamp(0.0, 8.0);
        if here > 0.0 {
            buffer.set_stringn(area.x, area.y + row, eighth(theme, here / 8.0), 1, theme.style(tone));
        }
    }
}

/// The character for a share of a cell.
fn eighth(theme: &Theme, share: f64) -> &'static str {
    const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    const MARKS: [&str; 9] = [" ", ".", ".", ".", ":", ":", "+", "#", "#"];
    let level = (share * 8.0).ceil().clamp(0.0, 8.0) as usize;
    if theme.glyphs == Glyphs::Unicode { EIGHTHS[level] } else { MARKS[level] }
}

/// The new and the old time over the old one, slice by slice; the floor is what the old code differs from itself.
fn pairs(buffer: &mut Buffer, theme: &Theme, area: Rect, m: &Measurement) {
    let floor = m.noise_floor * 100.0;
    let heading = format!("new/old and old/old, pair by pair; noise floor ±{floor:.1} %");
    Pen::new(buffer, theme, area, 0).put(&heading, Tone::Dim);
    let plot =
        Rect::new(area.x + NAME, area.y + 1, area.width.saturating_sub(NAME + NUMBER), area.height.saturating_sub(1));
    if plot.width < 8 || plot.height < 2 {
        return;
    }
    let ratios = |arm: usize| m.slices.iter().map(|s| s[arm] / s[0]).filter(|r| r.is_finite()).collect::<Vec<f64>>();
    let (new, again) = (ratios(1), ratios(2));
    let (low, high) = bounds(&new, &again, m);
    let points = |of: &[f64]| -> Vec<(f64, f64)> {
        of.iter().enumerate().map(|(i, r)| (i as f64, r.clamp(low, high))).collect()
    };
    let (new, again, last) = (points(&new), points(&again), (m.slices.len().max(2) - 1) as f64);
    let colour = |tone: Tone| theme.style(tone).fg.unwrap_or_default();
    let marker = if theme.glyphs == Glyphs::Unicode { Marker::Braille } else { Marker::Custom('*') };
    let paint = |context: &mut Context<'_>| {
        for edge in [1.0 - m.noise_floor, 1.0 + m.noise_floor] {
            context.draw(&Line { x1: 0.0, y1: edge, x2: last, y2: edge, color: colour(Tone::Dim) });
        }
        context.draw(&Points { coords: &again, color: colour(Tone::Text) });
        context.layer();
        context.draw(&Points { coords: &new, color: colour(Tone::Good) });
    };
    Canvas::default().marker(marker).x_bounds([0.0, last]).y_bounds([low, high]).paint(paint).render(plot, buffer);
    let row_of = |ratio: f64| {
        let share = ((high - ratio) / (high - low)).clamp(0.0, 1.0);
        1 + (share * f64::from(plot.height - 1)).round() as u16
    };
    label(buffer, theme, area, row_of(1.0), ("1.00", "old/old"), Tone::Text);
    let at = row_of(m.ratio);
    // Where both lie on one row the label of the new code is the one that tells.
    label(buffer, theme, area, at, (&format!("{:.2}", m.ratio), "new/old"), Tone::Good);
}

/// A number before a row of the plot and a name behind it.
fn label(buffer: &mut Buffer, theme: &Theme, area: Rect, row: u16, (number, name): (&str, &str), tone: Tone) {
    let left = Rect::new(area.x, area.y, NAME.min(area.width), area.height);
    Pen::new(buffer, theme, left, row).right(number, usize::from(NAME) - 1, tone);
    let right = Rect::new(area.right() - NUMBER.min(area.width), area.y, NUMBER.min(area.width), area.height);
    Pen::new(buffer, theme, right, row).space(1).put(&format!("{name:<9}"), tone);
}

/// From below what is seen to above it, without the few that interruptions threw far out.
fn bounds(new: &[f64], again: &[f64], m: &Measurement) -> (f64, f64) {
    let mut all: Vec<f64> = new.iter().chain(again).copied().collect();
    all.sort_by(f64::total_cmp);
    let at = |q: f64| all.get((all.len().saturating_sub(1) as f64 * q).round() as usize).copied().unwrap_or(1.0);
    let low = at(SHOWN.0).min(1.0 - m.noise_floor).min(m.ratio);
    let high = at(SHOWN.1).max(1.0 + m.noise_floor).max(m.ratio);
    let margin = (high - low).max(1e-6) * 0.08;
    (low - margin, high + margin)
}

/// ns per call for people.
fn time(ns: f64) -> String {
    match ns {
        ns if ns >= 1e6 => format!("{:.2} ms", ns / 1e6),
        ns if ns >= 1e3 => format!("{:.2} µs", ns / 1e3),
        ns => format!("{ns:.0} ns"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Speed;
    use crate::tui::theme::{Depth, Shade};

    fn measurement(slices: Vec<[f64; 3]>) -> Measurement {
        Measurement {
            speed: Speed::Improved,
            ratio: 0.4,
            ci: (0.39, 0.41),
            confidence: 0.95,
            pairs: slices.len() as u64,
            calls: 4000,
            noise_floor: 0.02,
            mde: 0.03,
            old_ns: 1000.0,
            new_ns: 400.0,
            exercised_by: "workload".into(),
            witness: "single witness".into(),
            counted: Vec::new(),
            builds: Vec::new(),
            slices,
        }
    }

    fn plain(glyphs: Glyphs) -> Theme {
        Theme { depth: Depth::None, shade: Shade::Dark, glyphs }
    }

    fn shown(theme: &Theme, m: &Measurement, columns: u16, rows: u16) -> String {
        let area = Rect::new(0, 0, columns, rows);
        let mut buffer = Buffer::empty(area);
        draw(&mut buffer, theme, area, m);
        let line = |y: u16| (0..columns).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_string();
        (0..rows).map(line).collect::<Vec<_>>().join("\n")
    }

    fn steady() -> Measurement {
        measurement((0..40).map(|i| [1000.0 + f64::from(i % 5), 400.0 + f64::from(i % 3), 1001.0]).collect())
    }

    #[test]
    fn before_stands_right_of_after_where_it_took_longer_and_both_say_their_median() {
        let strips = strips(&plain(Glyphs::Ascii), &steady(), 60);
        let first = |line: &str| line[usize::from(NAME)..].find('#').expect("a column");
        assert!(first(&strips[0]) > first(&strips[1]) + 20, "{strips:#?}");
        assert!(strips[0].ends_with("1.00 µs") && strips[1].ends_with("400 ns"), "{strips:#?}");
    }

    #[test]
    fn pairs_name_both_ratios_and_the_floor() {
        for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
            for (columns, rows) in [(78, 10), (60, 8), (120, 12), (200, 30)] {
                let plot = shown(&plain(glyphs), &steady(), columns, rows);
                for text in ["before", "after", "new/old", "old/old", "1.00", "0.40", "2.0 %"] {
                    assert!(plot.contains(text), "{text} at {columns}x{rows}:\n{plot}");
                }
            }
        }
    }

    #[test]
    fn a_few_interruptions_do_not_squeeze_the_rest_into_one_column() {
        let mut m = steady();
        m.slices[7] = [900_000.0, 400.0, 1000.0];
        let columns = Axis::of(&m, 40).columns(&m, 1);
        assert!(columns[..38].iter().sum::<u32>() >= 39, "{columns:?}");
    }

    #[test]
    fn odd_numbers_and_odd_sizes_draw_something_or_nothing_and_never_panic() {
        let odd = [vec![], vec![[1.0, 1.0, 1.0]], vec![[0.0, 0.0, 0.0]; 3], vec![[1e12, 1e-3, 5.0]; 200]];
        for slices in odd {
            let m = measurement(slices);
            for columns in [1, 29, 30, 40, 80, 97, 300] {
                for rows in [0, 1, 7, 8, 9, 60] {
                    shown(&plain(Glyphs::Unicode), &m, columns, rows);
                }
                strips(&plain(Glyphs::Ascii), &m, columns.into());
            }
        }
    }
}
