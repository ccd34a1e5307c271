//! A loop that calls a method which searches a list in; the loop with an index made before it out.

use super::{Draft, Recipe, borrow, file_of, holds, place, probe, short};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, expr_at, types};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("search-helper-in-loop"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    place::require_std(files, file)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (before, list, key, helper) = (captured("before")?, captured("list")?, captured("key")?, captured("helper")?);
    let is_text = finding.capture("text").is_some();
    let (list, key, helper) = (file.on_one_line(list), file.slice(key), file.slice(helper));
    let base = if helper.contains("by_") { format!("{helper}_index") } else { format!("{helper}_by_{key}") };
    let index = place::fresh_name(file, before, &base);
    let item = place::fresh_name(file, before, "item");
    let map = place::collection(file, before, "HashMap");
    let held = if is_text { format!("{item}.{key}.as_str()") } else { format!("{item}.{key}") };
    let text = format!(
        "let mut {index} = {map}::with_capacity({list}.len());\nfor {item} in &{list} {{\n    {index}.entry({held}).or_insert({item});\n}}"
    );
    let mut edits = place::insert_before(file, before, &text);
    let asked = finding.captures_named("asked");
    for (call, asked) in finding.captures_named("call").into_iter().zip(&asked) {
        let given = if is_text { lent_text(file, *asked) } else { lent_number(file.slice(*asked)) };
        edits.push(TextEdit { range: call, text: format!("{index}.get({given}).copied()") });
    }
    let asked = *asked.first().ok_or("the calls are gone")?;
    Ok(Draft {
        title: format!("look keys up instead of searching for them in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{helper}` does nothing but to search `{list}`, which nobody changes meanwhile")),
            probe(file, "the keys can be hashed, and are equal as they were", asked, ProbeQuestion::HashEq),
            borrow("the index may borrow from the list as long as the loop runs"),
        ],
        obligations: vec!["the list is searched often enough to pay for an index of it".to_owned()],
        ..Draft::default()
    })
}

/// What a map of numbers is asked with: `&id`, `id` for `*id`.
fn lent_number(given: &str) -> String {
    given.strip_prefix('*').map_or_else(|| format!("&{given}"), ToOwned::to_owned)
}

/// What a map of texts is asked with: a `String` does not become a `str` by itself there.
fn lent_text(file: &SourceFile, asked: TextRange) -> String {
    let given = file.slice(asked);
    let ty = expr_at(file, asked).and_then(|expr| types::type_of(file, expr));
    match ty.as_ref().map(types::strip).and_then(types::head).as_deref() {
        Some("String") => format!("{}.as_str()", given.trim_start_matches('&')),
        _ => given.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::check;

    const RULE: &str = "search-helper-in-loop";

    #[test]
    fn the_keys_are_looked_up() {
        let rewrite = check(
            RULE,
            "use std::collections::HashMap;
impl Network {
    fn node(&self, id: u32) -> Option<&Node> {
        self.nodes.iter().find(|n| n.id == id)
    }
    fn transformers(&self) -> usize {
        let mut found = 0;
        // Each line.
        for line in &self.lines {
            let (Some(a), Some(b)) = (self.node(line.from), self.node(line.to)) else {
                continue;
            };
            found += usize::from(a.kilovolt != b.kilovolt);
        }
        found
    }
}
",
            "use std::collections::HashMap;
impl Network {
    fn node(&self, id: u32) -> Option<&Node> {
        self.nodes.iter().find(|n| n.id == id)
    }
    fn transformers(&self) -> usize {
        let mut found = 0;
        let mut node_by_id = HashMap::with_capacity(self.nodes.len());
        for item in &self.nodes {
            node_by_id.entry(item.id).or_insert(item);
        }
        // Each line.
        for line in &self.lines {
            let (Some(a), Some(b)) = (node_by_id.get(&line.from).copied(), node_by_id.get(&line.to).copied()) else {
                continue;
            };
            found += usize::from(a.kilovolt != b.kilovolt);
        }
        found
    }
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (1, 3));
    }
}
