//! A `while` loop that counts an index in; a loop over the elements out.

use super::index_loop::elements;
use super::{Draft, Recipe, borrow, file_of, hoist, holds, place, short, std_types};
use crate::model::{Finding, RuleId, TextEdit, TextRange};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("while-index-loop"), derive };

fn derive(files: &[crate::source::SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (list, index) = (captured("list")?, captured("index")?);
    let (start, begin, step) = (captured("while")?, captured("begin")?, captured("step")?);
    let shown = file.on_one_line(list);
    let base = place::base_name(&shown);
    let around = TextRange { start: begin.start, end: step.end };
    let name = place::fresh_name(file, around, base.strip_suffix('s').filter(|n| n.len() > 1).unwrap_or("element"));
    let (pattern, iter) = match finding.capture("needed").is_some() {
        true => (format!("({}, {name})", file.slice(index)), ".iter().enumerate()"),
        false => (name.clone(), ".iter()"),
    };
    let gone = |stmt: TextRange| TextEdit { range: hoist::whole_lines(file, stmt), text: String::new() };
    let mut edits = vec![
        gone(begin),
        TextEdit { range: TextRange { start: start.start, end: list.start }, text: format!("for {pattern} in ") },
        TextEdit { range: TextRange { start: list.end, end: finding.range.end }, text: iter.to_owned() },
        gone(step),
    ];
    edits.extend(elements(finding, &name));
    Ok(Draft {
        title: format!("go over the elements of {shown} in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("the index counts every element of `{shown}` once, and nobody looks at it afterwards")),
            holds(format!("the loop only reads `{shown}` at the index")),
            std_types::is_one(file, list, &std_types::SLICE),
            borrow(format!("`{shown}` may be borrowed while the loop runs")),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "while-index-loop";

    #[test]
    fn the_elements_take_the_place_of_the_counting() {
        check(
            RULE,
            "fn f(order: &Order) -> u64 {
    let mut total = 0;
    let mut i = 0;
    // All of them.
    while i < order.prices.len() {
        total += order.prices[i] as u64; // minor units
        i += 1;
    }
    total
}
",
            "fn f(order: &Order) -> u64 {
    let mut total = 0;
    // All of them.
    for price in order.prices.iter() {
        total += *price as u64; // minor units
    }
    total
}
",
        );
        check(
            RULE,
            "fn f(v: &[S], w: &mut [u8]) {
    let mut i = 0;
    'all: while i < v.len() {
        if v[i].name.is_empty() || g(&v[i]) {
            break 'all;
        }
        w[i] = v[i].rank[0];
        i += 1;
    }
}
",
            "fn f(v: &[S], w: &mut [u8]) {
    'all: for (i, element) in v.iter().enumerate() {
        if element.name.is_empty() || g(element) {
            break 'all;
        }
        w[i] = element.rank[0];
    }
}
",
        );
    }

    #[test]
    fn a_comment_in_the_condition_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(v: &[u64]) { let mut i = 0; while i /* each */ < v.len() { g(v[i]); i += 1; } }",
            "the comment \"/* each */\" would be lost (line 1)",
        );
    }
}
