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
    let not = if finding.capture("not").is_some() { "!" } else { "" };
    let gone = |range| TextEdit { range, text: String::new() };
    let edits = match (finding.capture("alone"), finding.capture("else")) {
        (Some(whole), _) => {
            Template::new(file, whole).keep(TextRange { start: insert.start, end: statement.end }).edits()
        }
        (None, other) => vec![
            TextEdit { range: finding.range, text: format!("{not}{}", file.slice(insert)) },
            gone(other.unwrap_or_else(|| hoist::whole_lines(file, statement))),
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
    fn a_check_that_leaves_asks_the_insertion() {
        check(
            RULE,
            "fn f(seen: &mut HashSet<String>, key: String) -> bool {
    // Once.
    if seen.contains(&key) {
        return false; // known
    }
    seen.insert(key);
    true
}
",
            "fn f(seen: &mut HashSet<String>, key: String) -> bool {
    // Once.
    if !seen.insert(key) {
        return false; // known
    }
    true
}
",
        );
        check(
            RULE,
            "fn f(seen: &mut HashSet<u8>, x: u8) {
    if seen.contains(&x) {
        g();
    } else {
        seen.insert(x);
    }
}
",
            "fn f(seen: &mut HashSet<u8>, x: u8) {
    if !seen.insert(x) {
        g();
    }
}
",
        );
        check(
            RULE,
            "fn f(seen: &mut HashSet<u8>, x: u8) -> bool {
    let is_new = !seen.contains(&x);
    seen.insert(x);
    is_new
}
",
            "fn f(seen: &mut HashSet<u8>, x: u8) -> bool {
    let is_new = seen.insert(x);
    is_new
}
",
        );
    }

    #[test]
    fn a_removal_answers_as_well() {
        check(
            RULE,
            "fn f(open: &mut BTreeSet<u8>, x: &u8, n: &mut u8) {
    if open.contains(x) {
        open.remove(x);
        *n -= 1;
    }
}
",
            "fn f(open: &mut BTreeSet<u8>, x: &u8, n: &mut u8) {
    if open.remove(x) {
        *n -= 1;
    }
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
