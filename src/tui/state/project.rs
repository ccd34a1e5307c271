//! What was opened, as screens show it: the project, a file's text, a proposal in review.

use crate::model::{Hunk, Problem, Review, Rewrite, SignOff, Slo, Verdict};
use crate::source::TokenClass;
use crate::tui::widgets::diff::DiffRows;

/// Colours of one line: byte ranges of the line and what they are.
pub type LineTokens = Vec<(crate::model::TextRange, TokenClass)>;

/// What is known of the opened project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Project {
    /// Name of its folder.
    pub name: String,
    /// What `slo.toml` says.
    pub slo: Slo,
    /// Problems of reading it.
    pub problems: Vec<Problem>,
    /// Branch that proposals land on.
    pub branch: String,
    /// Commands that nobody agreed to yet; empty when they may run.
    pub unseen: Vec<String>,
}

/// The text of a file, in lines with their colours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceText {
    /// Path relative to the project root.
    pub file: String,
    /// Lines without line ends.
    pub lines: Vec<String>,
    /// Colours per line.
    pub tokens: Vec<LineTokens>,
}

/// A proposal as it stands in review.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The proposal, as edited if it was edited.
    pub rewrite: Rewrite,
    /// Its hunks.
    pub hunks: Vec<Hunk>,
    /// Colours of the hunks' lines.
    pub tokens: Vec<Vec<LineTokens>>,
    /// Decisions and comments.
    pub review: Review,
    /// The newest verdict on exactly this proposal.
    pub verdict: Option<Verdict>,
    /// The person's own sign-off of an earlier session, while it holds.
    pub signed: Option<SignOff>,
    /// Rows of its diff in both layouts; made anew when comments change.
    pub rows: DiffRows,
    /// rustc accepts it; it was asked before anything was run.
    pub compiles: bool,
}

impl Proposal {
    /// The state of its proof in a word.
    pub fn word(&self) -> &'static str {
        match &self.verdict {
            Some(verdict) => verdict.state_word(),
            None if self.compiles => "compiles",
            None => "open",
        }
    }
}
