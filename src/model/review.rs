//! Hunks, what people decided on them, and the sign-off without which nothing lands.

use super::{Outcome, Problem, Rewrite, RewriteId, Verdict};

/// A contiguous change of one file inside a rewrite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// The file.
    pub file: String,
    /// Index among the rewrite's hunks, from 0.
    pub index: usize,
    /// First old line, from 1.
    pub old_start: u32,
    /// Number of old lines shown (context included).
    pub old_lines: u32,
    /// First new line, from 1.
    pub new_start: u32,
    /// Number of new lines shown.
    pub new_lines: u32,
    /// Lines with their marks.
    pub lines: Vec<HunkLine>,
    /// True if it touches synchronisation primitives (by syntax): must be shown and decided by itself.
    pub touches_sync: bool,
}

/// A line of a hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HunkLine {
    /// What happened to it.
    pub mark: LineMark,
    /// Text without line end.
    pub text: String,
    /// Old line number, if it is in the old text.
    pub old: Option<u32>,
    /// New line number, if it is in the new text.
    pub new: Option<u32>,
    /// Byte ranges of changed words inside `text`.
    pub words: Vec<(u32, u32)>,
}

/// What happened to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineMark {
    /// Unchanged.
    Context,
    /// Only in the old text.
    Removed,
    /// Only in the new text.
    Added,
}

/// What a person decided on a hunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Decision {
    /// Nothing yet.
    #[default]
    Undecided,
    /// Take it.
    Accepted,
    /// Leave it, for this reason.
    Rejected(String),
    /// Later.
    Deferred,
}

impl Decision {
    /// The word in JSON and on screens.
    pub fn word(&self) -> &'static str {
        match self {
            Decision::Undecided => "undecided",
            Decision::Accepted => "accepted",
            Decision::Rejected(_) => "rejected",
            Decision::Deferred => "deferred",
        }
    }
}

/// A remark on a line of a hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Who wrote it: `Name <mail>`.
    pub author: String,
    /// Hunk index.
    pub hunk: usize,
    /// Line index inside the hunk.
    pub line: usize,
    /// Text.
    pub text: String,
    /// Seconds since the epoch.
    pub at: u64,
}

/// The state of one proposal's review.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Review {
    /// The proposal it binds to.
    pub rewrite: RewriteId,
    /// One decision per hunk.
    pub decisions: Vec<Decision>,
    /// Remarks.
    pub comments: Vec<Comment>,
    /// Obligations that the reviewer accepted by name.
    pub obligations_accepted: Vec<String>,
    /// Who decided last: `Name <mail>`.
    pub reviewer: String,
    /// Who edited a hunk and thereby became an author; empty for an untouched proposal.
    pub edited_by: String,
}

/// A person's approval of a proposal, with the evidence it rests on; built by [`SignOff::sign`] alone.
#[derive(Clone, Debug, PartialEq)]
pub struct SignOff {
    rewrite: Rewrite,
    verdict: Option<Verdict>,
    reviewer: String,
    role: String,
    at: u64,
    forced: Option<String>,
}

impl SignOff {
    /// Signs a reviewed proposal.
    ///
    /// Needs every hunk accepted, every obligation accepted and a verified verdict of this very rewrite, or an
    /// override with a reason, which is recorded as `FORCED`. `at` is in seconds since the epoch.
    ///
    /// # Errors
    /// Says which hunk, obligation or rung is missing.
    pub fn sign(
        rewrite: Rewrite,
        review: &Review,
        verdict: Option<Verdict>,
        reviewer: String,
        role: String,
        at: u64,
        override_reason: Option<String>,
    ) -> Result<SignOff, Problem> {
        let id = &rewrite.id;
        if review.rewrite != *id {
            return Err(Problem::error(format!("the review is of {}, not of {id}", review.rewrite)));
        }
        if reviewer.trim().is_empty() {
            return Err(Problem::error("a sign-off needs a name")
                .help("set it with `git config user.name` and `git config user.email`"));
        }
        let undecided = review.decisions.iter().position(|d| *d != Decision::Accepted);
        if review.decisions.is_empty() || undecided.is_some() {
            let n = undecided.map_or(1, |i| i + 1);
            return Err(Problem::error(format!("hunk {n} of {id} is not accepted"))
                .help("accept every hunk (`a`, or `refit review accept`), or reject the proposal"));
        }
        if let Some(open) = rewrite.obligations.iter().find(|o| !review.obligations_accepted.contains(o)) {
            return Err(Problem::error(format!("the obligation of {id} is not accepted: {open}"))
                .help("accept it by name when you sign (`s`, or `refit review sign --accept-obligations`)"));
        }
        let forced = match (&verdict, override_reason) {
            (Some(v), _) if v.rewrite() == id && v.outcome() == Outcome::Verified => None,
            (_, Some(reason)) if !reason.trim().is_empty() => Some(reason),
            (Some(v), _) => {
                return Err(Problem::error(format!("{id} is not proved: {}", v.by()))
                    .help("prove it (`v`, or `refit verify`), or override with a reason that is recorded"));
            }
            (None, _) => {
                return Err(Problem::error(format!("{id} has no evidence yet"))
                    .help("prove it first (`v`, or `refit verify`), or override with a reason that is recorded"));
            }
        };
        Ok(SignOff { rewrite, verdict, reviewer, role, at, forced })
    }

    /// The proposal as signed.
    pub fn rewrite(&self) -> &Rewrite {
        &self.rewrite
    }

    /// The evidence it rests on; `None` only with an override.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// `Name <mail>`.
    pub fn reviewer(&self) -> &str {
        &self.reviewer
    }

    /// The role signed for; empty for none.
    pub fn role(&self) -> &str {
        &self.role
    }

    /// Seconds since the epoch.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// The recorded reason, where evidence was overridden.
    pub fn forced(&self) -> Option<&str> {
        self.forced.as_deref()
    }
}
