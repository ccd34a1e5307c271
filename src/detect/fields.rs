//! Struct declarations of all files in; what a field's name says about its type, wherever the struct stands, out.

use std::collections::{HashMap, HashSet};

use super::{Fact, FileFacts, Rule};
use crate::model::Finding;
use crate::source::SourceFile;
use crate::source::types::struct_fields;

/// Note of a fact that is a finding only if the field of this name has the type that the rule asks for.
pub const NEEDS: &str = "needs-field";

/// Background facts: one per named field of the file.
pub fn facts(file: &SourceFile) -> Vec<Fact> {
    struct_fields(file)
        .iter()
        .map(|field| {
            let fact = Fact::at(file, field.range).note("field", &field.name).note("type", &field.ty);
            Fact { is_background: true, ..fact }
        })
        .collect()
}

/// Findings of all facts but those about fields; a fact that needs a field holds if every struct of the workspace that
/// has a field of that name gives it such a type.
pub fn judge(rule: &Rule, facts: &[FileFacts], is_wanted: fn(&syn::Type) -> bool) -> Vec<Finding> {
    let asked: HashSet<&str> = facts.iter().flat_map(|f| &f.facts).filter_map(|fact| fact.word(NEEDS)).collect();
    let mut fields: HashMap<&str, bool> = HashMap::new();
    for fact in facts.iter().flat_map(|f| &f.facts) {
        if let (Some(name), Some(ty)) = (fact.word("field"), fact.word("type"))
            && asked.contains(name)
        {
            let holds = syn::parse_str(ty).is_ok_and(|ty| is_wanted(&ty));
            *fields.entry(name).or_insert(true) &= holds;
        }
    }
    let all = facts.iter().flat_map(|f| f.facts.iter().map(|fact| (f.file.as_str(), fact)));
    all.filter(|(_, fact)| fact.word("field").is_none())
        .filter(|(_, fact)| fact.word(NEEDS).is_none_or(|name| fields.get(name).copied().unwrap_or(false)))
        .map(|(file, fact)| rule.finding(file, fact, fact.word("message").unwrap_or(rule.title)))
        .collect()
}
