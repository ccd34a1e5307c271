//! A loop over a copy; the loop over references to the original.

use super::{Draft, Recipe, borrow, file_of, holds, probe};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit};
use crate::source::{self, SourceFile, types};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("clone-of-iterated"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (list, copy) = (captured("list")?, captured("copy")?);
    let expr = source::expr_at(file, list).ok_or("the list changed")?;
    let element = types::type_among(files, file, expr).as_ref().and_then(types::element);
    // Numbers stay numbers, so that the body reads as before.
    let is_copy = element.is_some_and(|ty| types::is_primitive(&ty));
    let iter = if finding.capture("lent").is_some() {
        ""
    } else if is_copy {
        ".iter().copied()"
    } else {
        ".iter()"
    };
    let shown = file.slice(list);
    Ok(Draft {
        title: format!("iterate over {shown} instead of a copy of it"),
        edits: vec![(file.path.clone(), vec![TextEdit { range: copy, text: iter.to_owned() }])],
        preconditions: vec![
            holds("the loop only reads the elements, and leaves the collection alone"),
            probe(file, format!("cloning `{shown}` copies plain data"), list, ProbeQuestion::PlainClone),
            borrow(format!("nothing changes or moves `{shown}` while the loop borrows it")),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "clone-of-iterated";

    #[test]
    fn the_loop_goes_over_references() {
        check(
            RULE,
            "struct Order {
    items: Vec<Item>,
}
fn f(order: &Order) -> u64 {
    let mut total = 0;
    for item in order.items.clone() {
        total += item.amount(); // minor units
    }
    total
}
",
            "struct Order {
    items: Vec<Item>,
}
fn f(order: &Order) -> u64 {
    let mut total = 0;
    for item in order.items.iter() {
        total += item.amount(); // minor units
    }
    total
}
",
        );
    }

    #[test]
    fn numbers_stay_numbers() {
        check(
            RULE,
            "fn f(xs: &[u32]) {
    for x in xs.to_vec() {
        g(&x);
    }
}
",
            "fn f(xs: &[u32]) {
    for x in xs.iter().copied() {
        g(&x);
    }
}
",
        );
    }

    #[test]
    fn a_comment_in_the_copy_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(xs: &[S]) { for x in xs /* a snapshot */ .to_vec() { g(&x); } }",
            "the comment \"/* a snapshot */\" would be lost (line 1)",
        );
    }
}
