//! One line of source with the colours of its tokens and changed words in; styled cells from a first column on out.

use ratatui::style::Style;
use unicode_width::UnicodeWidthChar;

use crate::source::TokenClass;
use crate::tui::pen::Pen;
use crate::tui::state::LineTokens;
use crate::tui::text::is_bidi_control;
use crate::tui::theme::{Theme, Tone};

/// A line of source as it is to be drawn.
pub struct SourceLine<'a> {
    /// Its text without line end.
    pub text: &'a str,
    /// Its colours.
    pub tokens: Option<&'a LineTokens>,
    /// Byte ranges of changed words, and how they are shown.
    pub words: Option<(&'a [(u32, u32)], Tone)>,
    /// What is searched for; empty for nothing.
    pub search: &'a str,
}

/// The tone of a token.
pub fn tone_of(class: TokenClass) -> Tone {
    match class {
        TokenClass::Comment | TokenClass::Doc => Tone::Comment,
        TokenClass::Keyword => Tone::Keyword,
        TokenClass::Type => Tone::Type,
        TokenClass::Function => Tone::Function,
        TokenClass::Macro | TokenClass::Attribute => Tone::Macro,
        TokenClass::Lifetime => Tone::Lifetime,
        TokenClass::Str | TokenClass::Char => Tone::Literal,
        TokenClass::Number => Tone::Number,
        TokenClass::Ident | TokenClass::Punct => Tone::Text,
    }
}

impl SourceLine<'_> {
    /// Draws from column `skip` to the edge; `‹` and `›` mark what is left out at either side.
    pub fn draw(&self, pen: &mut Pen<'_>, theme: &Theme, skip: usize) {
        let room = pen.left();
        if room == 0 {
            return;
        }
        let matches = self.matches();
        let (mut column, mut run, mut run_style) = (0_usize, String::new(), Style::new());
        let mut cut = false;
        for (at, c) in self.text.char_indices() {
            let (shown, cells) = shown_char(c, column);
            let next = column + cells;
            if next <= skip {
                column = next;
                continue;
            }
            if next > skip + room {
                cut = true;
                break;
            }
            let style = self.style_at(theme, at as u32, &matches);
            if style != run_style && !run.is_empty() {
                pen.put_styled(&std::mem::take(&mut run), run_style);
            }
            run_style = style;
            match column < skip {
                true => run.extend(std::iter::repeat_n(' ', next - skip)),
                false => run.push_str(&shown),
            }
            column = next;
        }
        pen.put_styled(&run, run_style);
        if cut {
            pen.mark_last(theme.glyph("›", ">"));
        }
    }

    fn style_at(&self, theme: &Theme, at: u32, matches: &[(u32, u32)]) -> Style {
        let token = self.tokens.and_then(|tokens| {
            let i = tokens.partition_point(|(range, _)| range.end <= at);
            tokens.get(i).filter(|(range, _)| range.start <= at).map(|(_, class)| *class)
        });
        let mut style = theme.style(token.map_or(Tone::Text, tone_of));
        if let Some((words, tone)) = self.words
            && words.iter().any(|(from, to)| *from <= at && at < *to)
        {
            style = style.patch(theme.style(tone));
        }
        if matches.iter().any(|(from, to)| *from <= at && at < *to) {
            style = style.patch(theme.style(Tone::Match));
        }
        style
    }

    fn matches(&self) -> Vec<(u32, u32)> {
        if self.search.is_empty() {
            return Vec::new();
        }
        // Lower-casing may change byte lengths outside ASCII; there the match is looked up as it stands.
        let (text, needle) = if self.text.is_ascii() {
            (self.text.to_ascii_lowercase(), self.search.to_lowercase())
        } else {
            (self.text.to_string(), self.search.to_string())
        };
        text.match_indices(&needle).map(|(i, m)| (i as u32, (i + m.len()) as u32)).collect()
    }
}

/// What is drawn for a character at a column, and how many cells it takes.
fn shown_char(c: char, column: usize) -> (String, usize) {
    match c {
        '\t' => {
            let cells = 4 - column % 4;
            (" ".repeat(cells), cells)
        }
        c if c.is_control() || is_bidi_control(c) => (String::from("?"), 1),
        c => (c.to_string(), c.width().unwrap_or(0)),
    }
}
