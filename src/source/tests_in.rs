//! A text and its tokens in; what stands inside of functions of tests out, told by tokens alone.
//!
//! What is found is left out of a tree that only rules read, so what is missed costs time and nothing else.

use super::file;
use super::lexer::{Token, TokenKind};
use crate::model::TextRange;

/// Ranges between the brackets of the bodies of functions of tests, in the order of the text, where `is_test` says that all of
/// the text is. Bodies in which functions are nested are not among them, those of the nested functions are.
pub(super) fn bodies(text: &str, tokens: &[Token], is_test: bool) -> Vec<TextRange> {
    if !is_test && !["test", "bench"].iter().any(|word| text.contains(word)) {
        return Vec::new();
    }
    let tokens: Vec<Token> = tokens.iter().copied().filter(|t| !t.is_comment()).collect();
    let words = Words { text, tokens: &tokens };
    let mut found = Vec::new();
    if is_test {
        words.bodies(0..tokens.len(), &mut found);
        return found;
    }
    let mut at = 0;
    while at < tokens.len() {
        let Some(end) = words.attribute(at) else {
            at += 1;
            continue;
        };
        let item = if file::says_test(words.all(at..end)) { words.item(end) } else { at..end };
        if item.end > end {
            words.bodies(item.clone(), &mut found);
        }
        at = item.end.max(end);
    }
    found
}

/// The tokens of a text but its comments.
#[derive(Clone, Copy)]
struct Words<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

type Range = std::ops::Range<usize>;

impl<'a> Words<'a> {
    fn word(self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |t| t.text(self.text))
    }

    /// The text of several.
    fn all(self, tokens: Range) -> &'a str {
        let (first, last) = (self.tokens[tokens.start].range, self.tokens[tokens.end - 1].range);
        &self.text[first.start as usize..last.end as usize]
    }

    /// One behind the attribute that begins here.
    fn attribute(self, at: usize) -> Option<usize> {
        let is_one = self.word(at) == "#" && self.word(at + 1) == "[";
        is_one.then(|| self.close(at + 1)).flatten()
    }

    /// One behind the bracket that closes the one that stands here.
    fn close(self, at: usize) -> Option<usize> {
        let mut depth = 0usize;
        for (place, token) in self.tokens.iter().enumerate().skip(at).filter(|(_, t)| t.kind == TokenKind::Punct) {
            match self.text.as_bytes()[token.range.start as usize] {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth -= 1,
                _ => continue,
            }
            if depth == 0 {
                return Some(place + 1);
            }
        }
        None
    }

    /// The function, module, `impl` or trait that begins behind an attribute, with all attributes in between, or nothing.
    fn item(self, behind: usize) -> Range {
        let mut at = behind;
        while let Some(end) = self.attribute(at) {
            at = end;
        }
        loop {
            match self.word(at) {
                "fn" | "mod" | "impl" | "trait" => break,
                "(" => at = self.close(at).unwrap_or(self.tokens.len()),
                "pub" | "async" | "unsafe" | "extern" | "default" => at += 1,
                "const" if self.word(at + 1) != "_" => at += 1,
                word if word.starts_with('"') => at += 1,
                _ => return behind..behind,
            }
        }
        self.block(at).map_or(behind..behind, |block| at..block.end)
    }

    /// The first block in curly brackets behind a place that stands in no other brackets, before any semicolon.
    fn block(self, mut at: usize) -> Option<Range> {
        loop {
            match self.word(at) {
                "" | ";" | "}" | ")" | "]" => return None,
                "{" => return self.close(at).map(|end| at..end),
                "(" | "[" => at = self.close(at)?,
                _ => at += 1,
            }
        }
    }

    fn bodies(self, inside: Range, found: &mut Vec<TextRange>) {
        let mut at = inside.start;
        while at < inside.end {
            let Some(body) = self.begins_function(at).then(|| self.block(at)).flatten() else {
                at += 1;
                continue;
            };
            let inner = body.start + 1..body.end - 1;
            let range = TextRange { start: self.tokens[body.start].range.end, end: self.tokens[inner.end].range.start };
            let nests = inner.clone().any(|at| self.begins_function(at));
            if !nests && !inner.is_empty() && self.is_straight(range) {
                found.push(range);
            }
            at = if nests { inner.start } else { body.end };
        }
    }

    fn begins_function(self, at: usize) -> bool {
        self.word(at) == "fn" && self.tokens.get(at + 1).is_some_and(|t| t.kind == TokenKind::Ident)
    }

    /// True if nothing behind the range moves when each of its bytes becomes a space: columns are counted in characters.
    fn is_straight(self, range: TextRange) -> bool {
        let inside = &self.text[range.bytes()];
        inside[inside.rfind('\n').unwrap_or(0)..].is_ascii()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::lexer;

    #[track_caller]
    fn check(text: &str, is_test: bool, expected: &[&str]) {
        let found = bodies(text, &lexer::tokens(text), is_test);
        let found: Vec<&str> = found.iter().map(|range| text[range.bytes()].trim()).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn functions_of_tests_are_found() {
        check("#[test] fn a() { 1 } fn b() { 2 }", false, &["1"]);
        check("#[tokio::test(flavor = \"x\")] #[ignore] pub(crate) async fn a() -> [u8; { 3 }] { 1 }", false, &["1"]);
        check(
            "#[cfg(all(unix, test))] mod m { fn a<T>(t: T) where T: Fn() { 1 } impl S { fn b(&self) { 2 } } } fn c() { 3 }",
            false,
            &["1", "2"],
        );
        check("fn x() { 0 } #[cfg(test)] impl S { const A: fn() = f; fn a(self) { 1 } }", false, &["1"]);
        check("fn a() { 1 } mod m { fn b() { // 2\n 2 } }", true, &["1", "// 2\n 2"]);
    }

    #[test]
    fn nothing_else_is() {
        check("#[cfg(not(test))] fn a() { 1 }", false, &[]);
        check("#[cfg(any(not(test), test))] fn a() { 1 }", false, &["1"]);
        check("#[cfg(feature = \"test\")] fn a() { 1 }", false, &[]);
        check("#[doc = \"test\"] fn a() { 1 } #[test = 1] fn b() { 2 }", false, &[]);
        check("#[cfg_attr(test, derive(X))] struct S { a: u8 } fn a() { 1 }", false, &[]);
        check("#[cfg(test)] use a::b; fn a() { 1 }", false, &[]);
        check("#[cfg(test)] mod tests; fn a() { 1 }", false, &[]);
        check("#[cfg(test)] const A: u8 = { 1 }; fn a() { 1 }", false, &[]);
        check("fn a() { #[cfg(test)] let x = 1; #[cfg(test)] { 2 } }", false, &[]);
        check("fn f(g: fn(u8) -> u8) { }", true, &[]);
    }

    #[test]
    fn a_body_in_which_a_function_is_nested_stays() {
        check("#[test] fn a() { fn b() { 1 } 2 } #[test] fn c() { 3 }", false, &["1", "3"]);
    }

    #[test]
    fn what_stands_behind_a_body_on_its_line_keeps_its_column() {
        check("#[test] fn a() { \"é\" } #[test] fn b() {\n \"é\";\n }", false, &["\"é\";"]);
    }

    #[test]
    fn text_that_does_not_end_is_no_trouble() {
        for text in [
            "#[cfg(test)] mod m { fn a() {",
            "#[",
            "#[cfg(test",
            "#[test] fn",
            "#[test] fn a(",
            "#[test] pub(",
            "#[test] }",
        ] {
            check(text, false, &[]);
            check(text, true, &[]);
        }
    }
}
