//! A buffer and a place in it in; styled text written from left to right, never past the edge, out.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text::{clip, clip_left, printable, width};
use super::theme::{Theme, Tone};

/// Writes one row of the screen.
pub struct Pen<'a> {
    buffer: &'a mut Buffer,
    theme: &'a Theme,
    x: u16,
    y: u16,
    end: u16,
    under: Style,
}

impl<'a> Pen<'a> {
    /// A pen at the left edge of row `row` (from 0) of an area.
    pub fn new(buffer: &'a mut Buffer, theme: &'a Theme, area: Rect, row: u16) -> Pen<'a> {
        let inside = row < area.height && buffer.area.height > area.y + row;
        let end = if inside { area.right().min(buffer.area.right()) } else { area.x };
        Pen { buffer, theme, x: area.x, y: area.y + row, end, under: Style::new() }
    }

    /// Fills the rest of the row with a background (the selected row) and keeps it under everything that follows.
    pub fn under(mut self, tone: Tone) -> Pen<'a> {
        self.under = self.theme.style(tone);
        if self.x < self.end {
            self.buffer.set_style(Rect::new(self.x, self.y, self.end - self.x, 1), self.under);
        }
        self
    }

    /// The theme it writes in.
    pub fn theme(&self) -> &'a Theme {
        self.theme
    }

    /// Cells left in the row.
    pub fn left(&self) -> usize {
        usize::from(self.end.saturating_sub(self.x))
    }

    /// Column of the pen.
    pub fn x(&self) -> u16 {
        self.x
    }

    /// The cells from a column to the pen.
    pub fn since(&self, start: u16) -> Rect {
        Rect::new(start, self.y, self.x.saturating_sub(start), 1)
    }

    /// Writes text, cut with `…` at the edge.
    pub fn put(&mut self, text: &str, tone: Tone) -> &mut Self {
        self.put_styled(text, self.theme.style(tone))
    }

    /// Writes text in a style of one's own.
    pub fn put_styled(&mut self, text: &str, style: Style) -> &mut Self {
        if self.left() == 0 || text.is_empty() {
            return self;
        }
        let shown = clip(&printable(text), self.left());
        let shown = self.theme.plain(&shown);
        let style = self.under.patch(style);
        let (x, _) = self.buffer.set_stringn(self.x, self.y, &shown, self.left(), style);
        self.x = x;
        self
    }

    /// Writes text in reverse: the cell of a text cursor.
    pub fn put_reversed(&mut self, text: &str) -> &mut Self {
        self.put_styled(text, Style::new().add_modifier(ratatui::style::Modifier::REVERSED))
    }

    /// Writes text into a column of `cells`, left aligned.
    pub fn column(&mut self, text: &str, cells: usize, tone: Tone) -> &mut Self {
        let text = clip(&printable(text), cells);
        let pad = cells.saturating_sub(width(&text));
        self.put(&text, tone).space(pad)
    }

    /// Writes a path into a column of `cells`; its end stays readable.
    pub fn path_column(&mut self, text: &str, cells: usize, tone: Tone) -> &mut Self {
        let text = clip_left(&printable(text), cells);
        let pad = cells.saturating_sub(width(&text));
        self.put(&text, tone).space(pad)
    }

    /// Writes text into a column of `cells`, right aligned: numbers.
    pub fn right(&mut self, text: &str, cells: usize, tone: Tone) -> &mut Self {
        let text = clip(text, cells);
        let pad = cells.saturating_sub(width(&text));
        self.space(pad).put(&text, tone)
    }

    /// Puts a mark on the row's last cell: something is left out there.
    pub fn mark_last(&mut self, mark: &str) {
        let style = self.under.patch(self.theme.style(Tone::Dim));
        if self.end > 0 {
            self.buffer.set_stringn(self.end - 1, self.y, mark, 1, style);
        }
    }

    /// Leaves cells free.
    pub fn space(&mut self, cells: usize) -> &mut Self {
        self.x = self.x.saturating_add(cells as u16).min(self.end.max(self.x));
        self
    }

    /// Moves to `cells` before the right edge, if the pen is not past it; what follows stands at the right.
    pub fn move_to_right(&mut self, cells: usize) -> bool {
        let at = usize::from(self.end).saturating_sub(cells);
        if at < usize::from(self.x) {
            return false;
        }
        self.x = at as u16;
        true
    }

    /// Draws a rule to the edge.
    pub fn rule(&mut self) -> &mut Self {
        let line = self.theme.rule().repeat(self.left());
        self.put(&line, Tone::Dim)
    }
}

/// Draws a vertical rule down an area's first column.
pub fn vertical_rule(buffer: &mut Buffer, theme: &Theme, area: Rect) {
    for y in area.top()..area.bottom() {
        buffer.set_stringn(area.x, y, theme.bar(), 1, theme.style(Tone::Dim));
    }
}
