//! A set that is asked before an insertion in; the insertion that answers out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short, std_types};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("contains-then-insert"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (insert, set, statement) = (captured("insert")?, captured("set")?, captured("statement")?);
    let shown = file.on_one_line(set);
    let edits = match finding.capture("alone") {
        Some(whole) => Template::new(file, whole).keep(TextRange { start: insert.start, end: statement.end }).edits(),
        None => vec![
            TextEdit { range: finding.range, text: file.slice(insert).to_owned() },
            TextEdit { range: hoist::whole_lines(file, statement), text: String::new() },
        ],
    };
    Ok(Draft {
        title: format!("let the insertion into {shown} answer in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("what is asked for and what is inserted are the same, and cost nothing to make"),
            std_types::is_one(file, set, &std_types::SET),
            borrow("the value is not needed where it was there already"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "contains-then-insert";

    #[test]
    fn the_insertion_becomes_the_condition() {
        check(
            RULE,
            "fn f(orders: &[Order]) -> u64 {
    let mut seen = HashSet::new();
    let mut total = 0;
    for order in orders {
        // Each once.
        if !seen.contains(&order.id) {
            seen.insert(order.id);
            total += order.amount;
        }
    }
    total
}
",
            "fn f(orders: &[Order]) -> u64 {
    let mut seen = HashSet::new();
    let mut total = 0;
    for order in orders {
        // Each once.
        if seen.insert(order.id) {
            total += order.amount;
        }
    }
    total
}
",
        );
    }

    #[test]
    fn an_insertion_alone_needs_no_condition() {
        check(
            RULE,
            "fn f(s: &mut HashSet<u8>, x: u8) {
    if !s.contains(&x) {
        s.insert(x);
    }
}
",
            "fn f(s: &mut HashSet<u8>, x: u8) {
    s.insert(x);
}
",
        );
    }

    #[test]
    fn a_comment_beside_the_insertion_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(s: &mut HashSet<u8>, x: u8) { if !s.contains(/* yet */ &x) { s.insert(x); g(); } }",
            "the comment \"/* yet */\" would be lost (line 1)",
        );
    }
}
