//! Rust text in, what each stretch of it is to a reader's eye out.

use super::lexer::{self, Token, TokenKind};
use crate::model::TextRange;

/// What a stretch of source is to a reader's eye; a theme gives it a style.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenClass {
    /// A comment.
    Comment,
    /// A doc comment.
    Doc,
    /// A keyword.
    Keyword,
    /// A name that is none of the following.
    Ident,
    /// A type by its capital letter, or a primitive.
    Type,
    /// A name that is called.
    Function,
    /// A macro with its exclamation mark.
    Macro,
    /// A lifetime or label.
    Lifetime,
    /// A string of any form.
    Str,
    /// A character literal.
    Char,
    /// A number.
    Number,
    /// An attribute, `#[…]` whole, or a shebang.
    Attribute,
    /// Punctuation.
    Punct,
}

/// Classes of the text in its order; white space is left out.
pub fn highlight(text: &str) -> Vec<(TextRange, TokenClass)> {
    let tokens = lexer::tokens(text);
    let mut out = Vec::with_capacity(tokens.len());
    let mut i = 0;
    while i < tokens.len() {
        let end = attribute_end(text, &tokens, i);
        for n in i..end {
            let token = tokens[n];
            let class = if end > i + 1 && !token.is_comment() && token.kind != TokenKind::Str {
                TokenClass::Attribute
            } else {
                class(text, &tokens, n)
            };
            out.push((token.range, class));
        }
        i = end;
    }
    out
}

/// Classes line by line, with ranges counted from the start of the line: made once, then any viewport is a slice of it.
pub fn highlight_lines(text: &str) -> Vec<Vec<(TextRange, TokenClass)>> {
    let starts = super::LineIndex::new(text);
    let mut lines = vec![Vec::new(); starts.count()];
    for (range, class) in highlight(text) {
        let (first, last) = (starts.line(range.start), starts.line(range.end.saturating_sub(1).max(range.start)));
        for line in first..=last {
            let extent = starts.extent(text, line);
            let (from, to) = (range.start.max(extent.start), range.end.min(extent.end));
            if from < to {
                lines[line as usize - 1]
                    .push((TextRange { start: from - extent.start, end: to - extent.start }, class));
            }
        }
    }
    lines
}

/// One past the last token of the attribute that starts at `i`, or `i + 1`.
fn attribute_end(text: &str, tokens: &[Token], i: usize) -> usize {
    let is = |n: usize, s: &str| tokens.get(n).is_some_and(|t| t.text(text) == s);
    let open = if is(i, "#") && is(i + 1, "[") {
        i + 1
    } else if is(i, "#") && is(i + 1, "!") && is(i + 2, "[") {
        i + 2
    } else {
        return i + 1;
    };
    let mut depth = 0;
    for (n, token) in tokens.iter().enumerate().skip(open) {
        match token.text(text) {
            "[" => depth += 1,
            "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return n + 1;
        }
    }
    i + 1
}

const PRIMITIVES: &[&str] = &[
    "bool", "char", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "str", "u128", "u16", "u32", "u64", "u8",
    "usize",
];

fn class(text: &str, tokens: &[Token], i: usize) -> TokenClass {
    match tokens[i].kind {
        TokenKind::LineComment | TokenKind::BlockComment => TokenClass::Comment,
        TokenKind::DocComment => TokenClass::Doc,
        TokenKind::Keyword => TokenClass::Keyword,
        TokenKind::Str => TokenClass::Str,
        TokenKind::Char => TokenClass::Char,
        TokenKind::Lifetime => TokenClass::Lifetime,
        TokenKind::Number => TokenClass::Number,
        TokenKind::Shebang => TokenClass::Attribute,
        TokenKind::Punct => TokenClass::Punct,
        TokenKind::Ident => name_class(text, tokens, i),
    }
}

fn name_class(text: &str, tokens: &[Token], i: usize) -> TokenClass {
    let next = |n: usize| tokens.get(i + n).map_or("", |t| t.text(text));
    let name = tokens[i].text(text);
    if next(1) == "!" && next(2) != "=" {
        TokenClass::Macro
    } else if PRIMITIVES.binary_search(&name).is_ok() || name.starts_with(char::is_uppercase) {
        TokenClass::Type
    } else if next(1) == "(" {
        TokenClass::Function
    } else {
        TokenClass::Ident
    }
}

#[cfg(test)]
mod tests {
    use super::TokenClass::*;
    use super::*;

    #[test]
    fn names_are_told_apart_by_what_follows() {
        let text = "#[inline]\nlet x: u8 = foo(Bar, vec![1]);";
        let found: Vec<_> =
            highlight(text).into_iter().filter(|(_, c)| *c != Punct).map(|(r, c)| (&text[r.bytes()], c)).collect();
        assert_eq!(
            found,
            [
                ("#", Attribute),
                ("[", Attribute),
                ("inline", Attribute),
                ("]", Attribute),
                ("let", Keyword),
                ("x", Ident),
                ("u8", Type),
                ("foo", Function),
                ("Bar", Type),
                ("vec", Macro),
                ("1", Number),
            ]
        );
    }

    #[test]
    fn a_token_over_several_lines_is_cut_at_line_ends() {
        let lines = highlight_lines("a /* b\r\n c */ d\n");
        let range = |start, end| TextRange { start, end };
        assert_eq!(lines[0], [(range(0, 1), Ident), (range(2, 6), Comment)]);
        assert_eq!(lines[1], [(range(0, 5), Comment), (range(6, 7), Ident)]);
        assert_eq!(lines.len(), 3);
        assert!(lines[2].is_empty());
    }
}
