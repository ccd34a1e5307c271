//! What the compiler said about a tree: one error or warning with its place.

use super::TextRange;

/// One message of rustc, read from its JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostic {
    /// `error`, `warning`, `note`, …, as rustc spells it.
    pub level: String,
    /// `E0382`, `unused_variables`; empty where it has none.
    pub code: String,
    /// The message without its place.
    pub message: String,
    /// File of the primary span relative to the project root; empty where it has none.
    pub file: String,
    /// Primary span, bytes of the file as it is on disk.
    pub range: TextRange,
    /// First line of the primary span, from 1; 0 where it has none.
    pub line: u32,
    /// Column in characters, from 1; 0 where it has none.
    pub column: u32,
    /// The message as rustc prints it.
    pub rendered: String,
}

impl Diagnostic {
    /// True for an error.
    pub fn is_error(&self) -> bool {
        self.level.starts_with("error")
    }

    /// `error[E0382] src/a.rs:12: borrow of moved value: ...`.
    pub fn line_for_people(&self) -> String {
        let code = if self.code.is_empty() { String::new() } else { format!("[{}]", self.code) };
        let place = if self.file.is_empty() { String::new() } else { format!(" {}:{}", self.file, self.line) };
        format!("{}{code}{place}: {}", self.level, self.message)
    }
}
