//! What lies over a screen and takes the keys first: palette, questions, sheets of text, sign-off.

mod ask;
mod choose;
mod palette;
mod sheet;
mod sign;
mod trust;

pub use ask::Ask;
pub use choose::Choice;
pub use palette::fuzzy;
pub use sheet::{Sheet, SheetLine, measurement_lines};

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use super::message::{Command, Task};
use super::pen::Pen;
use super::state::{Proposal, State};
use super::theme::{Theme, Tone};
use super::view::Drawn;

/// A pop-up and what it holds.
#[derive(Clone, Debug)]
pub enum Popup {
    /// Every action, found by its name.
    Palette(palette::Palette),
    /// Text to read.
    Sheet(Sheet),
    /// A line of text is asked for.
    Ask(ask::Question),
    /// One of a few things is chosen.
    Choose(choose::Choose),
    /// Commands nobody agreed to yet.
    Trust(trust::Agreement),
    /// A sign-off.
    Sign(Box<sign::SignSheet>),
}

impl Popup {
    /// Every action.
    pub fn palette() -> Popup {
        Popup::Palette(palette::Palette::default())
    }

    /// All keys.
    pub fn help() -> Popup {
        Popup::Sheet(sheet::help())
    }

    /// Asks for a line of text.
    pub fn ask(what: Ask, text: &str) -> Popup {
        Popup::Ask(ask::Question::new(what, text))
    }

    /// Asks to choose.
    pub fn choose(title: &str, text: &str, choices: Vec<(char, &'static str, Choice)>) -> Popup {
        Popup::Choose(choose::Choose { title: title.to_string(), text: text.trim().to_string(), choices })
    }

    /// Asks to agree to commands before a task.
    pub fn trust(commands: Vec<String>, then: Task) -> Popup {
        Popup::Trust(trust::Agreement { commands, then })
    }

    /// A sign-off of a proposal.
    pub fn sign(proposal: &Proposal, roles: Vec<String>) -> Popup {
        Popup::Sign(Box::new(sign::SignSheet::new(proposal, roles)))
    }

    /// True if typed characters are text here.
    pub fn takes_text(&self) -> bool {
        match self {
            Popup::Palette(_) | Popup::Ask(_) => true,
            Popup::Sign(sheet) => sheet.takes_text(),
            _ => false,
        }
    }
}

/// Gives a key to the pop-up; Esc closes it.
pub fn key(state: &mut State, popup: Popup, event: &KeyEvent) -> Vec<Command> {
    let leave = event.code == KeyCode::Esc
        || (event.code == KeyCode::Char('c') && event.modifiers.contains(KeyModifiers::CONTROL));
    if leave {
        return Vec::new();
    }
    match popup {
        Popup::Palette(p) => palette::key(state, p, event),
        Popup::Sheet(s) => sheet::key(state, s, event),
        Popup::Ask(q) => ask::key(state, q, event),
        Popup::Choose(c) => choose::key(state, c, event),
        Popup::Trust(a) => trust::key(state, a, event),
        Popup::Sign(s) => sign::key(state, s, event),
    }
}

/// Pasted text goes where text is typed, and nowhere else.
pub fn paste(popup: &mut Popup, text: &str) {
    match popup {
        Popup::Palette(p) => p.paste(text),
        Popup::Ask(q) => q.input.insert(text),
        Popup::Sign(s) => s.paste(text),
        _ => {}
    }
}

/// A row of the pop-up was clicked, counted from the top of what it shows.
pub fn click(state: &mut State, row: usize) -> Vec<Command> {
    match state.popup.take() {
        Some(Popup::Palette(p)) => palette::click(state, p, row),
        Some(Popup::Choose(c)) => choose::click(state, c, row),
        other => {
            state.popup = other;
            Vec::new()
        }
    }
}

/// Draws the pop-up over the screen.
pub fn view(state: &State, popup: &Popup, frame: &mut Frame<'_>, drawn: &mut Drawn) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    match popup {
        Popup::Palette(p) => palette::view(state, p, buffer, area, drawn),
        Popup::Sheet(s) => sheet::view(state, s, buffer, area, drawn),
        Popup::Ask(q) => ask::view(state, q, buffer, area),
        Popup::Choose(c) => choose::view(state, c, buffer, area, drawn),
        Popup::Trust(a) => trust::view(state, a, buffer, area),
        Popup::Sign(s) => sign::view(state, s, buffer, area),
    }
}

/// A cleared box in the middle of the screen with a title and, at its foot, what to press; returns its inside.
pub fn boxed(buffer: &mut Buffer, theme: &Theme, screen: Rect, wanted: (u16, u16), title: &str, foot: &str) -> Rect {
    let width = wanted.0.saturating_add(4).min(screen.width);
    let height = wanted.1.saturating_add(2).min(screen.height);
    let x = screen.x + (screen.width - width) / 2;
    let y = screen.y + (screen.height - height) / 3;
    let area = Rect::new(x, y, width, height);
    Clear.render(area, buffer);
    border(buffer, theme, area);
    if height >= 2 && width > 6 {
        let head = Rect::new(x + 2, y, width - 4, 1);
        Pen::new(buffer, theme, head, 0).put(" ", Tone::Dim).put(title, Tone::Title).put(" ", Tone::Dim);
        let cells = (foot.chars().count() as u16 + 2).min(width - 4);
        let tail = Rect::new(x + width - 2 - cells, y + height - 1, cells, 1);
        Pen::new(buffer, theme, tail, 0).put(" ", Tone::Dim).put(foot, Tone::Dim).put(" ", Tone::Dim);
    }
    Rect::new(x + 2, y + 1, width.saturating_sub(4), height.saturating_sub(2))
}

fn border(buffer: &mut Buffer, theme: &Theme, area: Rect) {
    if area.width < 2 || area.height < 2 {
        return;
    }
    let style = theme.style(Tone::Accent);
    let across = theme.rule().repeat(usize::from(area.width) - 2);
    let (left, right) = (area.x, area.right() - 1);
    for (y, corners) in [
        (area.y, (theme.glyph("╭", "+"), theme.glyph("╮", "+"))),
        (area.bottom() - 1, (theme.glyph("╰", "+"), theme.glyph("╯", "+"))),
    ] {
        buffer.set_stringn(left, y, corners.0, 1, style);
        buffer.set_stringn(left + 1, y, &across, across.len(), style);
        buffer.set_stringn(right, y, corners.1, 1, style);
    }
    for y in area.y + 1..area.bottom() - 1 {
        buffer.set_stringn(left, y, theme.bar(), 1, style);
        buffer.set_stringn(right, y, theme.bar(), 1, style);
    }
}
