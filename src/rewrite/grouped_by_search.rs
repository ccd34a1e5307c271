//! A loop that searches the groups that it makes in; the loop with an index of the groups out.

use super::{Draft, Recipe, borrow, file_of, holds, place, probe, short};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::{self, SourceFile, expr_at, types};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("grouped-by-search"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    place::require_std(files, file)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (list, around, key, push) = (captured("name")?, captured("loop")?, captured("key")?, captured("push")?);
    let list = file.slice(list);
    let index = place::fresh_name(file, finding.range, &format!("{list}_index"));
    let map = place::collection(file, finding.range, "HashMap");
    let (held, asked) = asked_with(file, key)?;
    let mut edits = place::insert_before(file, around, &format!("let mut {index}: {map}<_, usize> = {map}::new();"));
    edits.push(TextEdit { range: finding.range, text: format!("{index}.get({asked}).copied()") });
    let added = format!("{index}.insert({held}, {list}.len());");
    edits.extend(before(file, push, &added, finding.capture("bare push").is_some()));
    if let Some(pattern) = finding.capture("pattern") {
        let at = place::fresh_name(file, finding.range, "at");
        let bound = format!("let {} = &mut {list}[{at}];", file.on_one_line(pattern));
        edits.push(TextEdit { range: pattern, text: at });
        let (range, is_bare) = match finding.capture("found") {
            Some(first) => (first, false),
            None => (captured("bare found")?, true),
        };
        edits.extend(before(file, range, &bound, is_bare));
    }
    let what = format!("`{}` is `Eq + Hash`, and both agree", file.on_one_line(key));
    Ok(Draft {
        title: format!("find the groups of {list} by an index in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{list}` is empty before the loop and only grows by keys that were not in it")),
            holds("what is pushed holds the key that was looked for, and no round changes it"),
            probe(file, what, key, ProbeQuestion::HashEq),
            borrow(format!("the keys that `{index}` holds live as long as the loop")),
        ],
        ..Draft::default()
    })
}

/// The key as the index holds it, and as it is asked for.
fn asked_with(file: &SourceFile, key: TextRange) -> Result<(String, String), String> {
    let expr = expr_at(file, key).ok_or("the key is no longer where it was")?;
    let text = file.on_one_line(key);
    Ok(match types::type_of(file, expr) {
        Some(syn::Type::Reference(_)) => (text.clone(), text),
        Some(ty) if types::is_primitive(&ty) => (text.clone(), format!("&{text}")),
        _ => (format!("&{text}"), format!("&{text}")),
    })
}

/// A statement before another one, which gets braces where it stands alone in an arm.
fn before(file: &SourceFile, stmt: TextRange, new: &str, is_bare: bool) -> Vec<TextEdit> {
    let indent = source::indent_of(&file.text, stmt.start);
    let at = |at: u32, text: String| TextEdit { range: TextRange { start: at, end: at }, text };
    if !is_bare {
        return vec![at(stmt.start, format!("{new}\n{indent}"))];
    }
    let unit = source::indent_unit(&file.text, stmt.start);
    vec![at(stmt.start, format!("{{\n{indent}{unit}{new}\n{indent}{unit}")), at(stmt.end, format!("\n{indent}}}"))]
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "grouped-by-search";

    #[test]
    fn positions_are_found_by_an_index() {
        check(
            RULE,
            "fn f(zones: &[&str]) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    // In order of appearance.
    for zone in zones {
        match counts.iter().position(|(name, _)| name == zone) {
            Some(at) => counts[at].1 += 1, // once more
            None => counts.push((zone.to_string(), 1)),
        }
    }
    counts
}
",
            "fn f(zones: &[&str]) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    let mut counts_index: std::collections::HashMap<_, usize> = std::collections::HashMap::new();
    // In order of appearance.
    for zone in zones {
        match counts_index.get(zone).copied() {
            Some(at) => counts[at].1 += 1, // once more
            None => {
                counts_index.insert(zone, counts.len());
                counts.push((zone.to_string(), 1))
            },
        }
    }
    counts
}
",
        );
    }

    #[test]
    fn elements_are_taken_by_their_position() {
        check(
            RULE,
            "fn f(items: &[Item]) -> Vec<Group> {
    let mut groups = Vec::new();
    for item in items {
        if let Some(group) = groups.iter_mut().find(|g| g.name == item.name) {
            group.total += item.qty;
        } else {
            groups.push(Group { name: item.name.clone(), total: item.qty });
        }
    }
    groups
}
",
            "fn f(items: &[Item]) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut groups_index: std::collections::HashMap<_, usize> = std::collections::HashMap::new();
    for item in items {
        if let Some(at) = groups_index.get(&item.name).copied() {
            let group = &mut groups[at];
            group.total += item.qty;
        } else {
            groups_index.insert(&item.name, groups.len());
            groups.push(Group { name: item.name.clone(), total: item.qty });
        }
    }
    groups
}
",
        );
    }

    #[test]
    fn a_comment_in_the_search_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(xs: &[X]) -> V { let mut gs = Vec::new(); for x in xs { match gs.iter_mut().find(|g| /* same */ g.0 == x.id) { Some(g) => g.1 += 1, None => gs.push((x.id, 1)) } } gs }",
            "the comment \"/* same */\" would be lost (line 1)",
        );
    }
}
