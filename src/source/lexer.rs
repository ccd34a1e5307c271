//! Rust text in, its comments and tokens with byte ranges out; total on any text, finished or not.

use crate::model::TextRange;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenKind {
    /// `#!/usr/bin/env …` on the first line.
    Shebang,
    /// `// …` without the line end.
    LineComment,
    /// `/* … */`, nested ones included.
    BlockComment,
    /// `///`, `//!`, `/** */` or `/*! */`.
    DocComment,
    /// `"…"`, raw, byte and C strings, with prefix and suffix.
    Str,
    /// `'x'`, `b'x'`.
    Char,
    /// `'a`.
    Lifetime,
    /// A name, raw or not.
    Ident,
    /// A word that cannot be a name.
    Keyword,
    /// An integer or float with its suffix.
    Number,
    /// One character of punctuation or a delimiter.
    Punct,
}

/// A token with its bytes; white space stands between tokens and is not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its bytes.
    pub range: TextRange,
}

impl Token {
    /// True for comments of every form, doc comments included.
    pub fn is_comment(self) -> bool {
        matches!(self.kind, TokenKind::LineComment | TokenKind::BlockComment | TokenKind::DocComment)
    }

    /// Its text in the file it was read from.
    pub fn text(self, text: &str) -> &str {
        &text[self.range.bytes()]
    }
}

/// All tokens in the order of the text. What is not closed ends with the text.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0, out: Vec::with_capacity(text.len() / 4) };
    lexer.run();
    lexer.out
}

/// Every comment of the text.
pub fn comments(text: &str) -> Vec<TextRange> {
    tokens(text).into_iter().filter(|t| t.is_comment()).map(|t| t.range).collect()
}

/// True for a word that cannot be a name.
pub fn is_keyword(word: &str) -> bool {
    match word.len() {
        2 => matches!(word, "as" | "fn" | "if" | "in"),
        3 => matches!(word, "dyn" | "for" | "let" | "mod" | "mut" | "pub" | "ref" | "use"),
        4 => matches!(word, "Self" | "else" | "enum" | "impl" | "loop" | "move" | "self" | "true" | "type"),
        5 => matches!(
            word,
            "async" | "await" | "break" | "const" | "crate" | "false" | "match" | "super" | "trait" | "where" | "while"
        ),
        6 => matches!(word, "extern" | "return" | "static" | "struct" | "unsafe"),
        _ => word == "continue",
    }
}

/// Bytes of the names that most programs use; letters beyond ASCII are looked at as characters.
const NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = byte as u8 == b'_' || (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    table
};

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    out: Vec<Token>,
}

impl Lexer<'_> {
    fn run(&mut self) {
        if self.text.starts_with('\u{feff}') {
            self.at = '\u{feff}'.len_utf8();
        }
        self.shebang();
        while self.at < self.bytes.len() {
            let start = self.at;
            if let Some(kind) = self.token() {
                self.out.push(Token { kind, range: TextRange::new(start, self.at) });
            }
        }
    }

    fn shebang(&mut self) {
        let rest = &self.text[self.at..];
        let is_attribute = rest.strip_prefix("#!").is_some_and(|r| r.trim_start().starts_with('['));
        if rest.starts_with("#!") && !is_attribute {
            let start = self.at;
            self.skip_line();
            self.out.push(Token { kind: TokenKind::Shebang, range: TextRange::new(start, self.at) });
        }
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn char(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    /// Reads one token or one run of white space (`None`).
    fn token(&mut self) -> Option<TokenKind> {
        let kind = match self.byte(0) {
            b'/' if self.byte(1) == b'/' => self.line_comment(),
            b'/' if self.byte(1) == b'*' => self.block_comment(),
            b'"' => self.string(0),
            b'\'' => self.quote(),
            b'0'..=b'9' => self.number(),
            b'b' | b'c' | b'r' if self.literal_prefix().is_some() => self.prefixed(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            b' ' | b'\t' | b'\n' | b'\r' => {
                let rest = &self.bytes[self.at..];
                self.at += rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
                return None;
            }
            b'!'..=b'~' => {
                self.at += 1;
                return Some(TokenKind::Punct);
            }
            _ => return self.other(),
        };
        Some(kind)
    }

    fn other(&mut self) -> Option<TokenKind> {
        let c = self.char()?;
        if is_name_start(c) {
            return Some(self.word());
        }
        self.at += c.len_utf8();
        if c.is_whitespace() { None } else { Some(TokenKind::Punct) }
    }

    fn skip_line(&mut self) {
        let end = memchr::memchr(b'\n', &self.bytes[self.at..]).map_or(self.bytes.len(), |n| self.at + n);
        // The carriage return of CRLF belongs to the line end, not to the comment.
        self.at = if end > self.at && self.bytes[end - 1] == b'\r' { end - 1 } else { end };
    }

    fn line_comment(&mut self) -> TokenKind {
        let is_doc = (self.byte(2) == b'/' && self.byte(3) != b'/') || self.byte(2) == b'!';
        self.skip_line();
        if is_doc { TokenKind::DocComment } else { TokenKind::LineComment }
    }

    fn block_comment(&mut self) -> TokenKind {
        let is_doc = self.byte(2) == b'!' || (self.byte(2) == b'*' && !matches!(self.byte(3), b'*' | b'/'));
        let mut depth = 0u32;
        while self.at < self.bytes.len() {
            match (self.byte(0), self.byte(1)) {
                (b'/', b'*') => (depth, self.at) = (depth + 1, self.at + 2),
                (b'*', b'/') => (depth, self.at) = (depth - 1, self.at + 2),
                _ => self.at += 1,
            }
            if depth == 0 {
                break;
            }
        }
        self.at = self.at.min(self.bytes.len());
        if is_doc { TokenKind::DocComment } else { TokenKind::BlockComment }
    }

    /// Length of `b`, `c`, `r`, `br`, `cr` in front of a string, a byte character or a raw string.
    fn literal_prefix(&self) -> Option<usize> {
        let raw_at = |n: usize| {
            let hashes = self.bytes[(self.at + n).min(self.bytes.len())..].iter().take_while(|b| **b == b'#').count();
            self.byte(n + hashes) == b'"'
        };
        match (self.byte(0), self.byte(1)) {
            (b'b' | b'c', b'"') | (b'b', b'\'') => Some(1),
            (b'r', b'"' | b'#') if raw_at(1) => Some(1),
            (b'b' | b'c', b'r') if raw_at(2) => Some(2),
            _ => None,
        }
    }

    fn prefixed(&mut self) -> TokenKind {
        let prefix = self.literal_prefix().unwrap_or(1);
        let is_raw = self.byte(prefix - 1) == b'r';
        if is_raw {
            return self.raw_string(prefix);
        }
        if self.byte(prefix) == b'\'' {
            self.at += prefix;
            return self.quote();
        }
        self.string(prefix)
    }

    fn raw_string(&mut self, prefix: usize) -> TokenKind {
        self.at += prefix;
        let hashes = self.bytes[self.at..].iter().take_while(|b| **b == b'#').count();
        self.at += hashes + 1;
        while self.at < self.bytes.len() {
            let Some(n) = memchr::memchr(b'"', &self.bytes[self.at..]) else {
                self.at = self.bytes.len();
                break;
            };
            self.at += n + 1;
            if self.bytes[self.at..].iter().take(hashes).filter(|b| **b == b'#').count() == hashes {
                self.at += hashes;
                self.suffix();
                break;
            }
        }
        TokenKind::Str
    }

    fn string(&mut self, prefix: usize) -> TokenKind {
        self.at += prefix + 1;
        while self.at < self.bytes.len() {
            let Some(n) = memchr::memchr2(b'\\', b'"', &self.bytes[self.at..]) else {
                self.at = self.bytes.len();
                break;
            };
            self.at += n;
            if self.bytes[self.at] == b'"' {
                self.at += 1;
                self.suffix();
                break;
            }
            self.at += 2;
        }
        self.settle();
        TokenKind::Str
    }

    /// Moves to a character boundary after a skip of two bytes, and never past the end.
    fn settle(&mut self) {
        self.at = self.at.min(self.bytes.len());
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    /// A character literal, a lifetime, or a lone quote.
    fn quote(&mut self) -> TokenKind {
        self.at += 1;
        let Some(c) = self.char() else { return TokenKind::Punct };
        if c == '\\' {
            self.at += 2;
            self.settle();
            while self.at < self.bytes.len() && !matches!(self.bytes[self.at], b'\'' | b'\n') {
                self.at += 1;
            }
            self.at += usize::from(self.byte(0) == b'\'');
            return TokenKind::Char;
        }
        let after = self.at + c.len_utf8();
        if self.bytes.get(after) == Some(&b'\'') && c != '\'' {
            self.at = after + 1;
            self.suffix();
            return TokenKind::Char;
        }
        if is_name_start(c) {
            self.word();
            return TokenKind::Lifetime;
        }
        TokenKind::Punct
    }

    fn suffix(&mut self) {
        if self.char().is_some_and(is_name_start) {
            self.name();
        }
    }

    fn name(&mut self) {
        self.at += self.bytes[self.at..].iter().take_while(|b| NAME[usize::from(**b)]).count();
        if self.byte(0) < 128 {
            return;
        }
        while let Some(c) = self.char().filter(|c| is_name_part(*c)) {
            self.at += c.len_utf8();
        }
    }

    fn word(&mut self) -> TokenKind {
        let start = self.at;
        if self.byte(0) == b'r' && self.byte(1) == b'#' {
            self.at += 2;
            self.name();
            return TokenKind::Ident;
        }
        self.name();
        if is_keyword(&self.text[start..self.at]) { TokenKind::Keyword } else { TokenKind::Ident }
    }

    fn number(&mut self) -> TokenKind {
        let is_radix = self.byte(0) == b'0' && matches!(self.byte(1), b'x' | b'o' | b'b');
        self.digits(is_radix);
        let is_fraction = self.byte(0) == b'.' && self.byte(1).is_ascii_digit();
        let is_final_dot = self.byte(0) == b'.'
            && self.byte(1) != b'.'
            && !is_name_start(char::from(self.byte(1)))
            && self.byte(1) < 128;
        if !is_radix && (is_fraction || is_final_dot) {
            self.at += 1;
            self.digits(false);
        }
        TokenKind::Number
    }

    /// Digits with underscores, exponent and suffix.
    fn digits(&mut self, is_radix: bool) {
        while self.byte(0).is_ascii_alphanumeric() || self.byte(0) == b'_' {
            let is_exponent = !is_radix && matches!(self.byte(0), b'e' | b'E');
            self.at += 1;
            if is_exponent && matches!(self.byte(0), b'+' | b'-') && self.byte(1).is_ascii_digit() {
                self.at += 1;
            }
        }
    }
}

fn is_name_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn is_name_part(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::TokenKind::*;
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(TokenKind, &str)]) {
        let found: Vec<_> = tokens(text).into_iter().map(|t| (t.kind, &text[t.range.bytes()])).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_quote_is_a_character_or_a_lifetime() {
        check(
            "'a 'b' '\\'' '\\u{1F600}' 'static '(' 'é' b'x' 'r#x",
            &[
                (Lifetime, "'a"),
                (Char, "'b'"),
                (Char, "'\\''"),
                (Char, "'\\u{1F600}'"),
                (Lifetime, "'static"),
                (Char, "'('"),
                (Char, "'é'"),
                (Char, "b'x'"),
                (Lifetime, "'r#x"),
            ],
        );
    }

    #[test]
    fn strings_hide_comments_and_comments_hide_strings() {
        check(
            r###""// no" r#"/* "no" */"# b"\"//" cr"//" /* "yes */ x // "yes"###,
            &[
                (Str, r#""// no""#),
                (Str, r###"r#"/* "no" */"#"###),
                (Str, r#"b"\"//""#),
                (Str, r#"cr"//""#),
                (BlockComment, "/* \"yes */"),
                (Ident, "x"),
                (LineComment, "// \"yes"),
            ],
        );
    }

    #[test]
    fn block_comments_nest() {
        check("/* a /* b */ c */x", &[(BlockComment, "/* a /* b */ c */"), (Ident, "x")]);
    }

    #[test]
    fn doc_comments_are_told_from_rulers_and_empty_comments() {
        check(
            "/// a\n//// b\n//! c\n/** d */ /*** e */ /**/ /*! f */",
            &[
                (DocComment, "/// a"),
                (LineComment, "//// b"),
                (DocComment, "//! c"),
                (DocComment, "/** d */"),
                (BlockComment, "/*** e */"),
                (BlockComment, "/**/"),
                (DocComment, "/*! f */"),
            ],
        );
    }

    #[test]
    fn numbers_stop_before_ranges_and_methods() {
        check(
            "0..2 1.5e-3f64 1.max(2) 0xffu8",
            &[
                (Number, "0"),
                (Punct, "."),
                (Punct, "."),
                (Number, "2"),
                (Number, "1.5e-3f64"),
                (Number, "1"),
                (Punct, "."),
                (Ident, "max"),
                (Punct, "("),
                (Number, "2"),
                (Punct, ")"),
                (Number, "0xffu8"),
            ],
        );
    }

    #[test]
    fn a_shebang_is_not_an_inner_attribute() {
        check("\u{feff}#!/bin/run\nfn", &[(Shebang, "#!/bin/run"), (Keyword, "fn")]);
        check("#![x]", &[(Punct, "#"), (Punct, "!"), (Punct, "["), (Ident, "x"), (Punct, "]")]);
    }

    #[test]
    fn the_carriage_return_is_not_part_of_a_comment() {
        check("// a\r\nb", &[(LineComment, "// a"), (Ident, "b")]);
    }

    #[test]
    fn what_is_not_closed_ends_with_the_text() {
        for text in ["\"abc\\", "r#\"abc\"", "/* abc /* ", "'\\", "b\"é\\", "'", "'é", "r#", "br##\"", "0x"] {
            let all = tokens(text);
            assert_eq!(all.last().map(|t| t.range.end as usize), Some(text.len()), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn tokens_are_in_order_on_character_boundaries_and_leave_only_white_space(text in "[ \n\r\t'\"#/*a-z0-9é\\\\r(){}!]{0,60}") {
            let mut at = 0;
            for token in tokens(&text) {
                let gap = text[at..token.range.start as usize].trim_start_matches('\u{feff}');
                assert!(gap.trim().is_empty());
                assert!(!token.range.is_empty());
                at = token.range.end as usize;
            }
            assert!(text[at..].trim().is_empty());
        }
    }
}
