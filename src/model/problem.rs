//! What went wrong, where, and what to do about it: the one form of every message.

use std::fmt;

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Worth knowing; nothing is lost or refused.
    Note,
    /// Something was left out or is doubtful; work goes on.
    Warning,
    /// What was asked cannot be done as it stands (exit status 2).
    Error,
}

impl Level {
    /// The word shown before the message and written in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

/// A position in a file: relative path, line and column from 1, 0 where unknown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Path relative to the project root.
    pub file: String,
    /// Line, counted from 1; 0 where the whole file is meant.
    pub line: u32,
    /// Column in characters, counted from 1; 0 where the whole line is meant.
    pub column: u32,
}

impl Place {
    /// The whole file.
    pub fn file(file: impl Into<String>) -> Place {
        Place { file: file.into(), line: 0, column: 0 }
    }

    /// A line and column of a file, both from 1.
    pub fn at(file: impl Into<String>, line: u32, column: u32) -> Place {
        Place { file: file.into(), line, column }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, _) => write!(f, "{}", self.file),
            (line, 0) => write!(f, "{}:{line}", self.file),
            (line, column) => write!(f, "{}:{line}:{column}", self.file),
        }
    }
}

/// One message: what went wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// How bad it is.
    pub level: Level,
    /// What went wrong: lower-case start, no final full stop.
    pub what: String,
    /// Where, if it has a place.
    pub place: Option<Place>,
    /// What to do about it; empty where nothing helps.
    pub help: String,
}

impl Problem {
    /// An error without a place yet.
    pub fn error(what: impl Into<String>) -> Problem {
        Problem { level: Level::Error, what: what.into(), place: None, help: String::new() }
    }

    /// A warning without a place yet.
    pub fn warning(what: impl Into<String>) -> Problem {
        Problem { level: Level::Warning, ..Problem::error(what) }
    }

    /// A note without a place yet.
    pub fn note(what: impl Into<String>) -> Problem {
        Problem { level: Level::Note, ..Problem::error(what) }
    }

    /// The same problem at a place.
    pub fn at(mut self, place: Place) -> Problem {
        self.place = Some(place);
        self
    }

    /// The same problem with what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = help.into();
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.level.word(), self.what)?;
        if let Some(place) = &self.place {
            write!(f, "\n  --> {place}")?;
        }
        if !self.help.is_empty() {
            write!(f, "\n  help: {}", self.help)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

/// A value together with every problem met on the way to it; an [`Level::Error`] may come with a partial value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed<T> {
    /// What could be read.
    pub value: T,
    /// All problems, in the order of their places.
    pub problems: Vec<Problem>,
}

impl<T> Parsed<T> {
    /// True if any problem is an error.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|p| p.level == Level::Error)
    }
}
