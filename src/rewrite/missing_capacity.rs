//! A vector that grows step by step in; the vector with room for all that will come out.

use super::{Draft, Recipe, borrow, file_of, holds, short, std_types};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{self, SourceFile};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("missing-capacity"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (empty, name, list, around) = (captured("empty")?, captured("name")?, captured("list")?, captured("loop")?);
    let value = source::expr_at(file, empty).ok_or("the vector is no longer made where it was found")?;
    let shown = file.on_one_line(list);
    let new = match value {
        syn::Expr::Call(call) => match &*call.func {
            syn::Expr::Path(path) => {
                let new = path.path.segments.last().ok_or("the path is empty")?;
                let start = file.text_of(&path.path).len() - file.text_of(&new.ident).len();
                format!("{}with_capacity({shown}.len())", &file.text_of(&path.path)[..start])
            }
            _ => return Err("the vector is made by something that is not a path".to_owned()),
        },
        _ => format!("Vec::with_capacity({shown}.len())"),
    };
    Ok(Draft {
        title: format!("make room for all of {} in {}", shown, short(&finding.function)),
        edits: vec![(file.path.clone(), vec![TextEdit { range: empty, text: new }])],
        preconditions: vec![
            holds("each round of the loop pushes exactly once, and nobody asks for the capacity"),
            std_types::is_one(file, list, &std_types::COUNTED),
            std_types::is_one_at(file, name, around.start, &std_types::GROWN),
            borrow(format!("`{shown}` is there before the vector is made")),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "missing-capacity";

    #[test]
    fn room_is_made_for_all_that_will_come() {
        check(
            RULE,
            "fn f(order: &Order) -> Vec<u64> {
    let mut all = Vec::new(); // in minor units
    for item in order.items.iter() {
        all.push(item.amount);
    }
    all
}
",
            "fn f(order: &Order) -> Vec<u64> {
    let mut all = Vec::with_capacity(order.items.len()); // in minor units
    for item in order.items.iter() {
        all.push(item.amount);
    }
    all
}
",
        );
        check(
            RULE,
            "fn f(xs: &[u8]) {
    let mut a = std::vec::Vec::<u8>::new();
    for x in xs {
        a.push(*x);
    }
    g(a);
}
",
            "fn f(xs: &[u8]) {
    let mut a = std::vec::Vec::<u8>::with_capacity(xs.len());
    for x in xs {
        a.push(*x);
    }
    g(a);
}
",
        );
        check(
            RULE,
            "fn f(xs: &[u8]) {
    let mut a = vec![];
    for i in 0..xs.len() {
        a.push(i);
    }
    g(a);
}
",
            "fn f(xs: &[u8]) {
    let mut a = Vec::with_capacity(xs.len());
    for i in 0..xs.len() {
        a.push(i);
    }
    g(a);
}
",
        );
    }

    #[test]
    fn a_comment_inside_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(xs: &[u8]) { let mut a = Vec::new(/* none yet */); for x in xs { a.push(*x); } g(a); }",
            "the comment \"/* none yet */\" would be lost (line 1)",
        );
    }
}
