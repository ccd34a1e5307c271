//! A loop over indices in; a loop over the elements out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short, std_types};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("index-loop"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (list, index) = (captured("list")?, captured("index")?);
    let shown = file.on_one_line(list);
    let base = place::base_name(&shown);
    let name =
        place::fresh_name(file, finding.range, base.strip_suffix('s').filter(|n| n.len() > 1).unwrap_or("element"));
    let is_needed = finding.capture("needed").is_some();
    let (pattern, iter) = match is_needed {
        true => (format!("({}, {name})", file.slice(index)), ".iter().enumerate()"),
        false => (name.clone(), ".iter()"),
    };
    let before = TextRange { start: finding.range.start, end: list.start };
    let after = TextRange { start: list.end, end: finding.range.end };
    let mut edits = vec![
        TextEdit { range: index, text: pattern },
        TextEdit { range: before, text: String::new() },
        TextEdit { range: after, text: iter.to_owned() },
    ];
    edits.extend(elements(finding, &name));
    Ok(Draft {
        title: format!("go over the elements of {shown} in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("the loop only reads `{shown}` at the index, and ends with its length")),
            std_types::is_one(file, list, &std_types::SLICE),
            borrow(format!("`{shown}` may be borrowed while the loop runs")),
        ],
        ..Draft::default()
    })
}

/// The element in place of each look at the list by the index, as the finding says how it is used.
pub(super) fn elements(finding: &Finding, name: &str) -> impl Iterator<Item = TextEdit> {
    finding.captures.iter().filter_map(move |(how, range)| {
        let text = match *how {
            "reference" => name.to_owned(),
            "value" => format!("*{name}"),
            "value in brackets" => format!("(*{name})"),
            _ => return None,
        };
        Some(TextEdit { range: *range, text })
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "index-loop";

    #[test]
    fn the_elements_take_the_place_of_their_indices() {
        check(
            RULE,
            "fn f(order: &Order, price: u64) -> u64 {
    let mut total = 0;
    // All of them.
    for i in 0..order.prices.len() {
        total += order.prices[i] as u64 * price; // minor units
    }
    total
}
",
            "fn f(order: &Order, price: u64) -> u64 {
    let mut total = 0;
    // All of them.
    for price_2 in order.prices.iter() {
        total += *price_2 as u64 * price; // minor units
    }
    total
}
",
        );
        check(
            RULE,
            "fn f(v: &[S], w: &mut [u8]) {
    'all: for i in 0..v.len() {
        if v[i].name.is_empty() || g(&v[i]) {
            continue 'all;
        }
        w[i] = v[i].rank[0];
    }
}
",
            "fn f(v: &[S], w: &mut [u8]) {
    'all: for (i, element) in v.iter().enumerate() {
        if element.name.is_empty() || g(element) {
            continue 'all;
        }
        w[i] = element.rank[0];
    }
}
",
        );
    }

    #[test]
    fn a_comment_in_the_range_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(v: &[u64]) { for i in 0../* all */v.len() { g(v[i]); } }",
            "the comment \"/* all */\" would be lost (line 1)",
        );
    }
}
