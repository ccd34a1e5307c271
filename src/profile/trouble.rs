//! What a reader met on its way in, one problem for each kind of trouble out.

use crate::model::{Level, Place, Problem};

/// Counts what could not be read and remembers where it was first met.
#[derive(Clone, Debug, Default)]
pub struct Trouble {
    /// The line that is being read, from 1.
    line: u64,
    malformed: u64,
    first_malformed: Option<(u64, String)>,
    not_utf8: u64,
    first_not_utf8: u64,
}

impl Trouble {
    /// Goes on to the next line.
    pub fn next_line(&mut self) {
        self.line += 1;
    }

    /// The line that is being read could not be; `why` ends the sentence "line 7: …".
    pub fn malformed(&mut self, why: impl Into<String>) {
        self.malformed_at(self.line, why);
    }

    /// The line before could not be read.
    pub fn malformed_before(&mut self, why: impl Into<String>) {
        self.malformed_at(self.line - 1, why);
    }

    fn malformed_at(&mut self, line: u64, why: impl Into<String>) {
        self.malformed += 1;
        self.first_malformed.get_or_insert_with(|| (line, why.into()));
    }

    /// The line that is being read has bytes that are not UTF-8; they are shown as U+FFFD.
    pub fn not_utf8(&mut self) {
        self.not_utf8 += 1;
        self.first_not_utf8 = if self.first_not_utf8 == 0 { self.line } else { self.first_not_utf8 };
    }

    /// Takes over what was met in the lines that follow.
    pub fn join(&mut self, later: Trouble) {
        let moved = |(line, why)| (self.line + line, why);
        if self.first_malformed.is_none() {
            self.first_malformed = later.first_malformed.map(moved);
        }
        if self.not_utf8 == 0 && later.not_utf8 > 0 {
            self.first_not_utf8 = self.line + later.first_not_utf8;
        }
        self.malformed += later.malformed;
        self.not_utf8 += later.not_utf8;
        self.line += later.line;
    }

    /// Lines that could not be read.
    pub fn count(&self) -> u64 {
        self.malformed
    }

    /// Everything that was met, as problems without a file name (who opened the file knows it).
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some((line, why)) = &self.first_malformed {
            let what =
                format!("{} could not be read; the first is line {line}: {why}", counted(self.malformed, "line"));
            problems.push(at_line(Problem::warning(what), *line).help("the rest was read; record again if it matters"));
        }
        if self.not_utf8 > 0 {
            let what =
                format!("{} not valid UTF-8; the bytes are shown as \u{fffd}", counted_are(self.not_utf8, "line"));
            problems.push(at_line(Problem { level: Level::Note, ..Problem::warning(what) }, self.first_not_utf8));
        }
        problems
    }
}

/// The problem at a line of the source; its file is filled in by who opened it.
pub fn at_line(problem: Problem, line: u64) -> Problem {
    problem.at(Place { file: String::new(), line: u32::try_from(line).unwrap_or(u32::MAX), column: 0 })
}

/// `1 line`, `2 lines`.
pub fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn counted_are(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun} is") } else { format!("{count} {noun}s are") }
}
