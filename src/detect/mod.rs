//! Facts of files in, findings out; one folder per eye, one file per rule.

use crate::model::{Class, Eye, Finding, FunctionId, Kind, RuleId, TextRange};
use crate::source::SourceFile;

/// Recognises one pattern that costs time.
pub struct Rule {
    /// Stable id.
    pub id: RuleId,
    /// Its eye.
    pub eye: Eye,
    /// Its kind.
    pub kind: Kind,
    /// Class of its rewrite.
    pub class: Class,
    /// Short title, lower case.
    pub title: &'static str,
    /// Manual page in Markdown: what, why it costs, before and after, when it is refused.
    pub explain: &'static str,
    /// Identifiers of which a file must contain at least one to be worth parsing for this rule.
    pub triggers: &'static [&'static str],
    /// Facts of one file: cached by content, without any syn type.
    pub facts: fn(&SourceFile) -> Vec<Fact>,
    /// Findings from the facts of all files of the workspace.
    pub judge: fn(&Rule, &[FileFacts]) -> Vec<Finding>,
}

/// Something a rule saw in one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// What would be flagged.
    pub site: TextRange,
    /// Line and column of its start, and its last line.
    pub place: (u32, u32, u32),
    /// The function around it.
    pub function: FunctionId,
    /// Named ranges.
    pub captures: Vec<(&'static str, TextRange)>,
    /// Named words (a callee, a type, a verdict such as `from-impl`).
    pub notes: Vec<(&'static str, String)>,
}

/// All facts of one rule in one file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileFacts {
    /// Path relative to the project root.
    pub file: String,
    /// Facts in the order of the text.
    pub facts: Vec<Fact>,
}

/// All rules, in the order of listings.
pub const REGISTRY: &[&Rule] = &[];
