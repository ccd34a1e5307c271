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
