//! Text in, the places of its lines out: line and column of any byte by binary search.

use crate::model::TextRange;

/// Number of lines of a text; a final newline ends the last one.
pub fn lines(text: &str) -> u64 {
    let is_open = !text.is_empty() && !text.ends_with('\n');
    memchr::memchr_iter(b'\n', text.as_bytes()).count() as u64 + u64::from(is_open)
}

/// Where the lines of a text begin. Lines end at `\n`; a carriage return before it belongs to the line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<u32>,
}

impl LineIndex {
    /// Finds the line starts in one pass.
    pub fn new(text: &str) -> LineIndex {
        let breaks = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at as u32 + 1);
        LineIndex { starts: std::iter::once(0).chain(breaks).collect() }
    }

    /// Number of lines; a final newline opens an empty last one.
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// The line, from 1, that holds a byte.
    pub fn line(&self, offset: u32) -> u32 {
        self.starts.partition_point(|s| *s <= offset) as u32
    }

    /// First byte of a line counted from 1; the last line's for what lies beyond.
    pub fn start(&self, line: u32) -> u32 {
        self.starts[(line.max(1) as usize - 1).min(self.starts.len() - 1)]
    }

    /// Bytes of a line without its line end.
    pub fn extent(&self, text: &str, line: u32) -> TextRange {
        let start = self.start(line) as usize;
        let end = self.starts.get(line as usize).map_or(text.len(), |next| *next as usize);
        let content = text[start..end].trim_end_matches('\n');
        TextRange::new(start, start + content.strip_suffix('\r').unwrap_or(content).len())
    }

    /// Line and column (in characters), both from 1.
    pub fn line_column(&self, text: &str, offset: u32) -> (u32, u32) {
        let line = self.line(offset);
        let before = &text[self.start(line) as usize..offset as usize];
        (line, before.chars().filter(|c| *c != '\u{feff}').count() as u32 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_as_str_counts_them() {
        for text in ["", "\n", "a", "a\n", "a\r\nb", "a\n\n", "\n\nb\n"] {
            assert_eq!(lines(text), text.lines().count() as u64, "{text:?}");
        }
    }

    #[test]
    fn columns_count_characters_and_leave_out_the_bom() {
        let text = "\u{feff}é!\r\nb";
        let lines = LineIndex::new(text);
        assert_eq!(lines.line_column(text, 5), (1, 2));
        assert_eq!(lines.line_column(text, 8), (2, 1));
        assert_eq!(lines.line_column(text, 9), (2, 2));
        assert_eq!(&text[lines.extent(text, 1).bytes()], "\u{feff}é!");
    }
}
