//! Facts about places whose type a field tells in; those that hold wherever the struct stands, out.

use super::{FileFacts, Rule};
use crate::model::Finding;
use crate::source::declarations::Known;

/// Note of a fact that is a finding only if the field of this name has the type that the rule asks for.
pub const NEEDS: &str = "needs-field";

/// Findings of all facts; one that needs a field holds if every struct of the workspace that has a field of that name gives
/// it such a type.
pub fn judge(rule: &Rule, facts: &[FileFacts], known: &Known, is_wanted: fn(&syn::Type) -> bool) -> Vec<Finding> {
    let all = facts.iter().flat_map(|f| f.facts.iter().map(|fact| (f.file.as_str(), fact)));
    all.filter(|(_, fact)| fact.word(NEEDS).is_none_or(|name| known.all_fields(name, is_wanted)))
        .map(|(file, fact)| rule.finding(file, fact, fact.word("message").unwrap_or(rule.title)))
        .collect()
}
