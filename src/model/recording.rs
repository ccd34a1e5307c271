//! When and at which commit a source was recorded.

/// How the time and the commit of a recording are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KnownBy {
    /// `slo.toml` names them (`commit`, `recorded`).
    Named,
    /// The commit that brought the file as it stands.
    Commit,
    /// The file's own time, and the commit that was the newest then: git does not have this recording.
    #[default]
    FileTime,
}

impl KnownBy {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            KnownBy::Named => "slo.toml says so",
            KnownBy::Commit => "by the commit that brought the file",
            KnownBy::FileTime => "by the file's time",
        }
    }
}

/// When and at which commit a source was recorded, as far as it can be known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// The file as named in `slo.toml`.
    pub file: String,
    /// Seconds since the epoch.
    pub at: Option<u64>,
    /// Seconds from then until it was read.
    pub age: Option<u64>,
    /// The commit it was made at, in full.
    pub commit: Option<String>,
    /// Commits of the checked-out branch since then.
    pub since: Option<u64>,
    /// How that is known.
    pub known_by: KnownBy,
}

/// Lines of a file that stand unchanged in a newer text of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SameLines {
    /// The first of them in the old text, from 1.
    pub old: u32,
    /// The first of them in the new text, from 1.
    pub new: u32,
    /// How many.
    pub count: u32,
}

/// Where the lines of a file went that was changed after a recording was made of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MovedLines {
    /// File relative to the project root.
    pub file: String,
    /// What it was called then; empty where it has its name still.
    pub was: String,
    /// What stayed, in the order of the text.
    pub same: Vec<SameLines>,
}

impl MovedLines {
    /// Where a line of the old text stands now; `None` if it was changed.
    pub fn now(&self, old: u32) -> Option<u32> {
        let after = self.same.partition_point(|s| s.old <= old);
        let same = self.same[..after].last()?;
        (old < same.old + same.count).then(|| same.new + (old - same.old))
    }
}

/// What was changed since a recording was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// The recorded commit, in full.
    pub commit: String,
    /// True if somebody names the commit, false if a time alone points to it.
    pub is_certain: bool,
    /// The changed files.
    pub moved: Vec<MovedLines>,
}
