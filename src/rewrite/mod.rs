//! A finding in, a rewrite or a refusal with its reason out; one file per recipe.

use crate::model::{Finding, FunctionId, Precondition, RuleId, TextEdit};
use crate::source::SourceFile;

/// Answers the findings of one rule.
pub struct Recipe {
    /// The rule it answers.
    pub rule: RuleId,
    /// Re-checks the syntax at the finding and derives the edit, or says why not (one sentence, lower case).
    pub derive: fn(&[SourceFile], &Finding) -> Result<Draft, String>,
}

/// What a recipe came up with, before ids, diffs and prices are added.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Imperative title that fits a commit subject.
    pub title: String,
    /// Edits by file.
    pub edits: Vec<(String, Vec<TextEdit>)>,
    /// Functions whose bodies change.
    pub touched: Vec<FunctionId>,
    /// What must hold, with what syntax already answered.
    pub preconditions: Vec<Precondition>,
    /// What a reviewer must accept (class B).
    pub obligations: Vec<String>,
}

/// All recipes.
pub const REGISTRY: &[&Recipe] = &[];
