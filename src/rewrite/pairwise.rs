//! Two loops that compare all pairs in; one loop with a set of what was seen out.

use super::contains_then_get::one_of;
use super::{Draft, Recipe, borrow, file_of, holds, place, probe, short, std_types};
use crate::model::{Finding, ProbeQuestion, RuleId};
use crate::source::{self, SourceFile, Template, names};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("pairwise-duplicates"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    place::require_std(files, file)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (list, left, then) = (captured("list")?, captured("left")?, captured("then")?);
    let shown = file.on_one_line(list);
    let element = match finding.capture("named") {
        Some(name) => file.slice(name).to_owned(),
        None => place::fresh_name(file, finding.range, &one_of(&shown)),
    };
    let seen = place::fresh_name(file, finding.range, "seen");
    let set = place::collection(file, finding.range, "HashSet");
    let compared = source::expr_at(file, left).ok_or("the comparison changed")?;
    let fields = fields_of(file, compared);
    let held = if fields.is_empty() { element.clone() } else { format!("&{element}{fields}") };
    let head =
        format!("let mut {seen} = {set}::new();\nfor {element} in {shown}.iter() {{\n    if !{seen}.insert({held}) ");
    let steps = 1 - place::steps(file, finding.range.start, then.end);
    let new = Template::new(file, finding.range).text(head).keep_moved(then, steps).text("\n}");
    let what = format!("`{}` is `Eq + Hash`, and both agree", file.on_one_line(left));
    Ok(Draft {
        title: format!("remember what was seen of {shown} in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), new.edits())],
        preconditions: vec![
            holds("what is done does not depend on which two are equal, and leaves the loops"),
            std_types::is_one(file, list, &std_types::SLICE),
            probe(file, what, left, ProbeQuestion::HashEq),
            borrow(format!("`{shown}` may be borrowed for the walk")),
        ],
        ..Draft::default()
    })
}

/// `.address.email` of `xs[i].address.email` and of `x.address.email`.
fn fields_of(file: &SourceFile, expr: &syn::Expr) -> String {
    match names::peel(expr) {
        syn::Expr::Field(f) => format!("{}.{}", fields_of(file, &f.base), file.text_of(&f.member)),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "pairwise-duplicates";

    #[test]
    fn what_was_seen_is_remembered() {
        check(
            RULE,
            "fn f(customers: &[Customer]) -> bool {
    // Twice?
    for i in 0..customers.len() {
        for j in (i + 1)..customers.len() {
            if customers[i].email == customers[j].email {
                return true; // found
            }
        }
    }
    false
}
",
            "fn f(customers: &[Customer]) -> bool {
    // Twice?
    let mut seen = std::collections::HashSet::new();
    for customer in customers.iter() {
        if !seen.insert(&customer.email) {
            return true; // found
        }
    }
    false
}
",
        );
        check(
            RULE,
            "fn f(ids: &[u64]) -> Result<(), E> {
    for (i, id) in ids.iter().enumerate() {
        if ids[..i].contains(id) {
            return Err(E::Twice);
        }
    }
    Ok(())
}
",
            "fn f(ids: &[u64]) -> Result<(), E> {
    let mut seen = std::collections::HashSet::new();
    for id in ids.iter() {
        if !seen.insert(id) {
            return Err(E::Twice);
        }
    }
    Ok(())
}
",
        );
    }

    #[test]
    fn a_comment_between_the_loops_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(xs: &[C]) -> bool {\n    for i in 0..xs.len() {\n        // All after it.\n        for j in (i + 1)..xs.len() {\n            if xs[i].e == xs[j].e {\n                return true;\n            }\n        }\n    }\n    false\n}\n",
            "the comment \"// All after it.\" would be lost (line 3)",
        );
    }
}
