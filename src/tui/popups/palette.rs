//! Letters of an action's name in; the action found and done, or the reason why it cannot be, out.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;

use super::{Popup, boxed};
use crate::tui::keymap::{Binding, KEYMAP, perform, spelled};
use crate::tui::message::Command;
use crate::tui::pen::Pen;
use crate::tui::state::{Page, Pane, State};
use crate::tui::theme::Tone;
use crate::tui::view::{Drawn, Target};
use crate::tui::widgets::input::LineInput;
use crate::tui::widgets::top_for;

/// What was typed, and the row chosen.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    input: LineInput,
    selected: usize,
}

impl Palette {
    /// Takes pasted text over.
    pub fn paste(&mut self, text: &str) {
        self.input.insert(text);
        self.selected = 0;
    }

    /// The nearest names first; of equally near ones what can be done now.
    fn found(&self, state: &State) -> Vec<&'static Binding> {
        let score = |b: &'static Binding| {
            let score = fuzzy(&self.input.text, &format!("{} {}", b.title, b.help))?;
            Some(((score, (b.ready)(state).is_err()), b))
        };
        let mut found: Vec<_> = KEYMAP.iter().filter_map(score).collect();
        found.sort_by_key(|(score, _)| *score);
        found.into_iter().map(|(_, b)| b).collect()
    }
}

/// How badly letters match a text: `None` if they do not appear in order; smaller is better.
///
/// Gaps between the letters and a late start count against it, the start of a word counts for it.
pub fn fuzzy(letters: &str, text: &str) -> Option<u32> {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let mut at = 0;
    let mut score = 0;
    for letter in letters.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let found = (at..text.len()).find(|&i| text[i] == letter)?;
        let word_start = found == 0 || !text[found - 1].is_alphanumeric();
        let gap = (found - at) as u32;
        score += if word_start { gap.min(2) } else { gap * 2 };
        at = found + 1;
    }
    Some(score)
}

/// Edits the word, moves, or does the chosen action.
pub fn key(state: &mut State, mut palette: Palette, event: &KeyEvent) -> Vec<Command> {
    let count = palette.found(state).len();
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    match event.code {
        KeyCode::Enter => return choose(state, &palette, palette.selected),
        KeyCode::Down | KeyCode::Tab => palette.selected = (palette.selected + 1).min(count.saturating_sub(1)),
        KeyCode::Up | KeyCode::BackTab => palette.selected = palette.selected.saturating_sub(1),
        KeyCode::Char('n') if control => palette.selected = (palette.selected + 1).min(count.saturating_sub(1)),
        KeyCode::Char('p') if control => palette.selected = palette.selected.saturating_sub(1),
        _ => {
            palette.input.key(event);
            palette.selected = 0;
        }
    }
    state.popup = Some(Popup::Palette(palette));
    Vec::new()
}

/// Does the action of a clicked row.
pub fn click(state: &mut State, palette: Palette, row: usize) -> Vec<Command> {
    choose(state, &palette, row)
}

fn choose(state: &mut State, palette: &Palette, row: usize) -> Vec<Command> {
    match palette.found(state).get(row) {
        Some(binding) => perform(state, binding),
        None => Vec::new(),
    }
}

/// Draws the word, and under it the actions that it finds.
pub fn view(state: &State, palette: &Palette, buffer: &mut Buffer, screen: Rect, drawn: &mut Drawn) {
    let theme = &state.theme;
    let found = palette.found(state);
    let rows = (found.len() as u16 + 2).max(4).min(screen.height.saturating_sub(4));
    let area = boxed(buffer, theme, screen, (72, rows), "palette", "Enter does it · Esc");
    let mut pen = Pen::new(buffer, theme, area, 0);
    pen.put("> ", Tone::Key);
    palette.input.draw(&mut pen);
    Pen::new(buffer, theme, area, 1).rule();
    let list = Rect::new(area.x, area.y + 2.min(area.height), area.width, area.height.saturating_sub(2));
    let height = usize::from(list.height);
    let top = top_for(Page { top: state.page(Pane::Popup).top, height }, palette.selected, found.len(), height);
    drawn.pages.insert(Pane::Popup, Page { top, height });
    for (row, binding) in found.iter().enumerate().skip(top).take(height) {
        let y = (row - top) as u16;
        draw_action(state, buffer, Rect::new(list.x, list.y + y, list.width, 1), binding, row == palette.selected);
        drawn.hit(Rect::new(list.x, list.y + y, list.width, 1), Target::Popup(row));
    }
    if found.is_empty() {
        Pen::new(buffer, theme, list, 0).put("no action is called that", Tone::Dim);
    }
}

fn draw_action(state: &State, buffer: &mut Buffer, area: Rect, binding: &Binding, selected: bool) {
    let mut pen = Pen::new(buffer, &state.theme, area, 0);
    if selected {
        pen = pen.under(Tone::Selected);
    }
    let keys = binding.keys.first().map(|k| spelled(*k)).unwrap_or_default();
    pen.put(if selected { state.theme.glyph("▸ ", "> ") } else { "  " }, Tone::Key);
    let ready = (binding.ready)(state);
    pen.column(&keys, 6, if ready.is_ok() { Tone::Key } else { Tone::Dim });
    pen.column(binding.title, 20, if ready.is_ok() { Tone::Text } else { Tone::Dim });
    match ready {
        Ok(()) => pen.put(binding.help, Tone::Dim),
        Err(why) => pen.put("not now: ", Tone::Warn).put(&why, Tone::Dim),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::Theme;

    #[test]
    fn letters_in_order_find_the_nearest_name_first() {
        let theme = Theme::detect(|_| None, None);
        let state = State::new((80, 24), theme, false);
        let first = |typed: &str| {
            let palette = Palette { input: LineInput::new(typed), selected: 0 };
            palette.found(&state).first().map(|b| b.name)
        };
        assert_eq!(first("undo"), Some("undo"));
        assert_eq!(first("land"), Some("land"));
        assert_eq!(first("splv"), Some("split-view"));
        assert_eq!(first("zzzz"), None);
        assert_eq!(fuzzy("ba", "ab"), None);
    }
}
