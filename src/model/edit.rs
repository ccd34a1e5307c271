//! Byte-range edits on the original text of one file, bound to that text by its hash.

use super::Problem;

/// A half-open byte range of a file's original bytes (BOM and shebang included in the count).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextRange {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl TextRange {
    /// A range from byte offsets.
    pub fn new(start: usize, end: usize) -> TextRange {
        TextRange { start: start as u32, end: end as u32 }
    }

    /// An empty range: an insertion point.
    pub fn at(offset: usize) -> TextRange {
        TextRange::new(offset, offset)
    }

    /// Length in bytes.
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// True for an insertion point.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// True if `other` lies inside.
    pub fn contains(self, other: TextRange) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// True if the ranges share a byte.
    pub fn intersects(self, other: TextRange) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// As a range of `usize` for slicing.
    pub fn bytes(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// SHA-256 of a file's bytes, in hex.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub String);

/// One replacement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextEdit {
    /// What is replaced; empty for an insertion.
    pub range: TextRange,
    /// The new text, with the line ends of the place.
    pub text: String,
}

/// Sorted, disjoint edits of one file, bound to the content they were made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditSet {
    file: String,
    base: ContentHash,
    edits: Vec<TextEdit>,
}

impl EditSet {
    /// Sorts the edits; fails if two of them overlap or insert at the same offset.
    pub fn new(file: impl Into<String>, base: ContentHash, mut edits: Vec<TextEdit>) -> Result<EditSet, Problem> {
        let file = file.into();
        edits.sort();
        for pair in edits.windows(2) {
            let same_point = pair[0].range.is_empty() && pair[0].range == pair[1].range;
            if pair[1].range.start < pair[0].range.end || same_point {
                return Err(Problem::error(format!("two edits of {file} overlap at byte {}", pair[1].range.start)));
            }
        }
        Ok(EditSet { file, base, edits })
    }

    /// Path relative to the project root.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Hash of the text it was made for.
    pub fn base(&self) -> &ContentHash {
        &self.base
    }

    /// Sorted, disjoint edits.
    pub fn edits(&self) -> &[TextEdit] {
        &self.edits
    }
}
