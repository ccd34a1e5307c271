//! New text and kept ranges in; edits that touch nothing but the text between the kept ranges out.

use std::collections::HashSet;

use super::lexer::{self, TokenKind};
use super::{SourceFile, print};
use crate::model::{TextEdit, TextRange};

/// A replacement written as a template with holes: what is kept are the author's own bytes, comments included.
///
/// ```text
/// Template::new(file, condition).text("seen_set.insert(").keep(argument).text(")").edits()
/// ```
pub struct Template<'a> {
    file: &'a SourceFile,
    range: TextRange,
    parts: Vec<Part>,
}

enum Part {
    New(String),
    Keep { range: TextRange, steps: i32 },
}

impl<'a> Template<'a> {
    /// A replacement of a range.
    pub fn new(file: &'a SourceFile, range: TextRange) -> Template<'a> {
        Template { file, range, parts: Vec::new() }
    }

    /// New text: lines after the first are given relative to the place, in steps of four spaces, with `\n`.
    pub fn text(mut self, new: impl Into<String>) -> Template<'a> {
        self.parts.push(Part::New(new.into()));
        self
    }

    /// Bytes of the original, verbatim.
    pub fn keep(self, range: TextRange) -> Template<'a> {
        self.keep_moved(range, 0)
    }

    /// Bytes of the original, with its lines after the first moved by steps of indentation (negative: outwards).
    /// Lines that begin inside a string or a comment stay.
    pub fn keep_moved(mut self, range: TextRange, steps: i32) -> Template<'a> {
        self.parts.push(Part::Keep { range, steps });
        self
    }

    /// The edits: one per gap between kept ranges, so that kept bytes are not even touched; a single one where the
    /// kept ranges stand in another order than in the file.
    pub fn edits(self) -> Vec<TextEdit> {
        let mut out = Vec::new();
        let mut at = self.range.start;
        let mut new = String::new();
        for part in &self.parts {
            match part {
                Part::New(text) => new.push_str(text),
                Part::Keep { range, .. } if range.start < at || range.end > self.range.end => return self.whole(),
                Part::Keep { range, steps } => {
                    self.gap(&mut out, TextRange { start: at, end: range.start }, &new);
                    new.clear();
                    out.extend(moved(self.file, *range, *steps));
                    at = range.end;
                }
            }
        }
        self.gap(&mut out, TextRange { start: at, end: self.range.end }, &new);
        out
    }

    fn gap(&self, out: &mut Vec<TextEdit>, range: TextRange, new: &str) {
        let text = self.laid_out(new);
        if self.file.slice(range) != text {
            out.push(TextEdit { range, text });
        }
    }

    fn laid_out(&self, new: &str) -> String {
        let mut text = print::laid_out(new, &self.file.text, self.range.start);
        // What follows a final line break stands at the place: it needs the indentation that `new` could not know.
        if new.ends_with('\n') {
            text.push_str(print::indent_of(&self.file.text, self.range.start));
        }
        text
    }

    fn whole(&self) -> Vec<TextEdit> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::New(new) => text.push_str(&self.laid_out(new)),
                Part::Keep { range, steps } => {
                    let mut at = range.start;
                    for edit in moved(self.file, *range, *steps) {
                        text.push_str(self.file.slice(TextRange { start: at, end: edit.range.start }));
                        text.push_str(&edit.text);
                        at = edit.range.end;
                    }
                    text.push_str(self.file.slice(TextRange { start: at, end: range.end }));
                }
            }
        }
        vec![TextEdit { range: self.range, text }]
    }
}

/// White-space edits at the starts of the lines that begin inside a range.
fn moved(file: &SourceFile, range: TextRange, steps: i32) -> Vec<TextEdit> {
    if steps == 0 {
        return Vec::new();
    }
    let text = &file.text;
    let unit = print::indent_unit(text, range.start);
    let verbatim = string_line_starts(text);
    let starts = memchr::memchr_iter(b'\n', &text.as_bytes()[range.bytes()]).map(|n| range.start as usize + n + 1);
    starts
        .filter(|start| !verbatim.contains(start) && !text[*start..].starts_with(['\n', '\r']))
        .filter_map(|start| {
            if steps > 0 {
                return Some(TextEdit { range: TextRange::at(start), text: unit.repeat(steps as usize) });
            }
            let excess = unit.repeat(steps.unsigned_abs() as usize);
            let common = text[start..].bytes().zip(excess.bytes()).take_while(|(a, b)| a == b).count();
            let range = TextRange::new(start, start + common);
            (common > 0).then_some(TextEdit { range, text: String::new() })
        })
        .collect()
}

/// Offsets of the lines that begin inside a string or a block comment: their white space belongs to the author.
pub(super) fn string_line_starts(text: &str) -> HashSet<usize> {
    let inside = lexer::tokens(text)
        .into_iter()
        .filter(|t| matches!(t.kind, TokenKind::Str | TokenKind::BlockComment | TokenKind::DocComment));
    inside
        .flat_map(|t| {
            let start = t.range.start as usize;
            memchr::memchr_iter(b'\n', &text.as_bytes()[t.range.bytes()]).map(move |n| start + n + 1)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EditSet;
    use crate::source::{FileRole, apply, hash};

    const TEXT: &str =
        "fn f() {\r\n\tif a {\r\n\t\t// why\r\n\t\tb(x /* here */);\r\n\t\tlet s = \"p\r\n\t\tq\";\r\n\t}\r\n}\r\n";

    fn range_of(needle: &str) -> TextRange {
        let start = TEXT.find(needle).unwrap();
        TextRange::new(start, start + needle.len())
    }

    fn applied(build: impl Fn(&SourceFile) -> Vec<TextEdit>) -> String {
        let file = SourceFile::parse("a.rs", TEXT, &FileRole::default()).unwrap();
        let edits = build(&file);
        apply(&EditSet::new("a.rs", hash(TEXT), edits).unwrap(), TEXT).unwrap()
    }

    #[test]
    fn kept_ranges_are_not_touched() {
        let new = applied(|file| {
            let edits = Template::new(file, range_of("b(x /* here */);"))
                .text("c(")
                .keep(range_of("x /* here */"))
                .text(", 1);")
                .edits();
            assert_eq!(edits.len(), 2);
            edits
        });
        assert_eq!(new, TEXT.replace("b(x /* here */)", "c(x /* here */, 1)"));
    }

    #[test]
    fn new_lines_take_the_place_and_a_body_moves_outwards_without_its_strings() {
        let body = range_of("// why\r\n\t\tb(x /* here */);\r\n\t\tlet s = \"p\r\n\t\tq\";");
        let whole = TextRange { start: range_of("if a").start, end: range_of("\t}\r\n}").start + 2 };
        let new = applied(|file| {
            Template::new(file, whole).text("let Some(a) = a else {\n    return;\n};\n").keep_moved(body, -1).edits()
        });
        assert_eq!(
            new,
            "fn f() {\r\n\tlet Some(a) = a else {\r\n\t\treturn;\r\n\t};\r\n\t// why\r\n\tb(x /* here */);\r\n\tlet s = \"p\r\n\t\tq\";\r\n}\r\n"
        );
    }

    #[test]
    fn kept_ranges_in_another_order_make_one_edit() {
        let edits_of = |file: &SourceFile| {
            Template::new(file, range_of("b(x /* here */)"))
                .keep(range_of("x /* here */"))
                .text(".")
                .keep(range_of("b("))
                .text(")")
                .edits()
        };
        assert!(applied(edits_of).contains("x /* here */.b();"));
    }
}
