//! One line of text being typed: keys in, text and cursor out.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::tui::pen::Pen;
use crate::tui::text::{printable, width};
use crate::tui::theme::Tone;

/// A line of text and the place of the cursor in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineInput {
    /// What was typed.
    pub text: String,
    cursor: usize,
}

impl LineInput {
    /// A line with text in it, the cursor at its end.
    pub fn new(text: &str) -> LineInput {
        LineInput { text: text.to_string(), cursor: text.len() }
    }

    /// Types text at the cursor; line breaks become spaces, other controls are left out.
    pub fn insert(&mut self, text: &str) {
        let breaks_as_spaces = text.replace("\r\n", " ").replace(['\n', '\r', '\t'], " ");
        let clean: String = breaks_as_spaces.chars().filter(|c| !c.is_control()).collect();
        self.text.insert_str(self.cursor, &clean);
        self.cursor += clean.len();
    }

    /// Edits by a key; false if the key is none of editing.
    pub fn key(&mut self, event: &KeyEvent) -> bool {
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        match event.code {
            KeyCode::Char('u') if control => {
                self.text.drain(..self.cursor);
                self.cursor = 0;
            }
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = self.text.len(),
            KeyCode::Char('w') if control => self.delete_word(),
            KeyCode::Char(_) if control || event.modifiers.contains(KeyModifiers::ALT) => return false,
            KeyCode::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace => {
                if let Some(before) = self.before() {
                    self.text.drain(before..self.cursor);
                    self.cursor = before;
                }
            }
            KeyCode::Delete => {
                if let Some(after) = self.after() {
                    self.text.drain(self.cursor..after);
                }
            }
            KeyCode::Left => self.cursor = self.before().unwrap_or(0),
            KeyCode::Right => self.cursor = self.after().unwrap_or(self.text.len()),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            _ => return false,
        }
        true
    }

    fn before(&self) -> Option<usize> {
        self.text[..self.cursor].char_indices().next_back().map(|(i, _)| i)
    }

    fn after(&self) -> Option<usize> {
        self.text[self.cursor..].chars().next().map(|c| self.cursor + c.len_utf8())
    }

    fn delete_word(&mut self) {
        let kept = self.text[..self.cursor].trim_end();
        let start = kept.rfind(' ').map_or(0, |i| i + 1);
        self.text.drain(start..self.cursor);
        self.cursor = start;
    }

    /// Draws the line with a mark under the cursor; a long text scrolls so that the cursor can be seen.
    pub fn draw(&self, pen: &mut Pen<'_>) {
        let room = pen.left().saturating_sub(1);
        let (before, after) = self.text.split_at(self.cursor);
        let mut shown = before;
        while width(shown) > room {
            shown = &shown[shown.chars().next().map_or(1, char::len_utf8)..];
        }
        pen.put(&printable(shown), Tone::Text);
        let mut rest = after.chars();
        let under = rest.next().map_or_else(|| String::from(" "), String::from);
        pen.put_reversed(&under);
        pen.put(rest.as_str(), Tone::Text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[KeyCode]) -> LineInput {
        let mut input = LineInput::default();
        for code in keys {
            input.key(&KeyEvent::new(*code, KeyModifiers::NONE));
        }
        input
    }

    #[test]
    fn editing_keeps_to_character_boundaries() {
        let c = KeyCode::Char;
        assert_eq!(typed(&[c('ü'), c('b'), KeyCode::Left, KeyCode::Left, c('a')]).text, "aüb");
        assert_eq!(typed(&[c('ü'), KeyCode::Backspace, KeyCode::Backspace]).text, "");
        assert_eq!(typed(&[c('a'), c('日'), KeyCode::Home, KeyCode::Delete]).text, "日");
    }

    #[test]
    fn pasted_line_breaks_become_spaces() {
        let mut input = LineInput::default();
        input.insert("one\r\ntwo\nthree\x1b[31m");
        assert_eq!(input.text, "one two three[31m");
    }
}
