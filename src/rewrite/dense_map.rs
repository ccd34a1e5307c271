//! A map that a loop fills from zero on in; a vector out.

use super::{Draft, Recipe, borrow, file_of, holds, short, unused_import};
use crate::model::{Finding, RuleId, TextRange};
use crate::source::dense_maps::dense_maps;
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("dense-map"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let all = dense_maps(file);
    let map = all.iter().find(|m| file.range(m.local) == finding.range).ok_or("the map is gone")?;
    if !lexer::comments(file.slice(finding.range)).is_empty() {
        return Err("a comment stands in the `let`".to_owned());
    }
    let mut edits = map.edits.clone();
    let gone: Vec<TextRange> = edits.iter().map(|edit| edit.range).collect();
    for name in ["HashMap", "BTreeMap"] {
        edits.extend(unused_import::dropped(file, finding.range, &["std", "collections", name], &[name], &gone));
    }
    let name = map.name;
    Ok(Draft {
        title: format!("index {name} in {} instead of hashing", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{name}` is filled once for each index from zero on, and only looked up")),
            borrow("every use is one that a vector has"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "dense-map";

    #[test]
    fn the_map_becomes_a_vector() {
        let rewrite = check(
            RULE,
            "use std::collections::HashMap;

fn penalty(days: &[usize]) -> u32 {
    // Of the week.
    let mut penalty: HashMap<usize, u32> = HashMap::with_capacity(7);
    for day in 0..7usize {
        penalty.insert(day, if day >= 5 { 30 } else { 5 }); // each
    }
    days.iter().map(|d| penalty[&(d % 7)]).sum::<u32>() + penalty.get(&9).copied().unwrap_or(0)
}
",
            "
fn penalty(days: &[usize]) -> u32 {
    // Of the week.
    let mut penalty: Vec<u32> = Vec::with_capacity(7);
    for day in 0..7usize {
        penalty.push(if day >= 5 { 30 } else { 5 }); // each
    }
    days.iter().map(|d| penalty[d % 7]).sum::<u32>() + penalty.get(9).copied().unwrap_or(0)
}
",
        );
        assert_eq!(rewrite.obligations.len(), 0);
    }

    #[test]
    fn a_comment_inside_the_let_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(n: usize) -> u64 { let mut m: HashMap<usize, u64> = HashMap::new(/* none */); for i in 0..n { m.insert(i, 1); } m[&1] }",
            "a comment stands in the `let`",
        );
    }
}
