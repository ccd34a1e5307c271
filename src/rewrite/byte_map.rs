//! A map from bytes to numbers in; an array that the byte is the index of out.

use super::{Draft, Recipe, borrow, file_of, holds, short, unused_import};
use crate::model::{Finding, RuleId};
use crate::source::SourceFile;
use crate::source::byte_maps::byte_maps;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("byte-map"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let map = byte_maps(file).into_iter().find(|map| file.range(map.local) == finding.range);
    let map = map.ok_or("the map is no longer where it was found")?;
    let mut edits = map.edits;
    let gone: Vec<_> = edits.iter().map(|edit| edit.range).collect();
    for name in ["HashMap", "BTreeMap"] {
        edits.extend(unused_import::dropped(file, finding.range, &["std", "collections", name], &[name], &gone));
    }
    Ok(Draft {
        title: format!("count {} in an array in {}", map.name, short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("nothing tells a byte that was never counted from one at zero"),
            holds("every use of the map is known"),
            borrow("the keys are bytes, and the array does wherever the map did"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "byte-map";

    #[test]
    fn the_byte_becomes_the_index() {
        check(
            RULE,
            "fn f(trades: &[(u64, u64)]) -> u64 {
    // By hour.
    let mut by_hour: HashMap<u8, u64> = HashMap::new();
    for (secs, qty) in trades {
        let hour = ((secs / 3600) % 24) as u8;
        *by_hour.entry(hour).or_insert(0) += *qty; // all
    }
    by_hour.get(&(12 as u8)).copied().unwrap_or(0) + *by_hour.get(&13).unwrap_or(&0)
}
",
            "fn f(trades: &[(u64, u64)]) -> u64 {
    // By hour.
    let mut by_hour: [u64; 256] = [0; 256];
    for (secs, qty) in trades {
        let hour = ((secs / 3600) % 24) as u8;
        by_hour[usize::from(hour)] += *qty; // all
    }
    by_hour[usize::from(12 as u8)] + by_hour[usize::from(13)]
}
",
        );
    }

    #[test]
    fn what_was_never_counted_is_left_out_of_the_list() {
        check(
            RULE,
            "use std::collections::HashMap;
fn f(payload: &[u8]) -> Vec<(u8, u64)> {
    let mut counts: HashMap<u8, u64> = HashMap::new();
    for b in payload {
        *counts.entry(*b).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}
",
            "fn f(payload: &[u8]) -> Vec<(u8, u64)> {
    let mut counts: [u64; 256] = [0; 256];
    for b in payload {
        counts[usize::from(*b)] += 1;
    }
    (0..=u8::MAX).zip(counts).filter(|(_, n)| *n > 0).collect()
}
",
        );
    }

    #[test]
    fn a_comment_in_a_use_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(x: u8) -> u64 { let mut m: HashMap<u8, u64> = HashMap::new(); *m.entry(x).or_insert(0) += 1; m.get(/* first */ &x).copied().unwrap_or(0) }",
            "the comment \"/* first */\" would be lost (line 1)",
        );
    }
}
