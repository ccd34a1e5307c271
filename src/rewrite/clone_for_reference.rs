//! A copy that is only lent in; a reference to the original out.

use super::{Draft, Recipe, borrow, file_of, holds, probe, short};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit};
use crate::source::{SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("clone-for-reference"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (place, copy) = (captured("place")?, captured("copy")?);
    let shown = file.on_one_line(place);
    // `&name.clone()` of a reference is the reference itself.
    let edits = match finding.capture("bare") {
        Some(whole) => Template::new(file, whole).keep(place).edits(),
        None => vec![TextEdit { range: copy, text: String::new() }],
    };
    Ok(Draft {
        title: format!("lend {shown} instead of a copy in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("only a reference to the copy is handed over"),
            probe(file, format!("cloning `{shown}` copies plain data"), place, ProbeQuestion::PlainClone),
            borrow(format!("`{shown}` may be borrowed for the call")),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "clone-for-reference";

    #[test]
    fn the_original_is_lent() {
        check(
            RULE,
            "fn f(order: &Order) -> u64 {
    // Per line.
    fee_of(&order.lines.clone() /* all */, 1)
}
",
            "fn f(order: &Order) -> u64 {
    // Per line.
    fee_of(&order.lines /* all */, 1)
}
",
        );
    }

    #[test]
    fn a_comment_in_the_copy_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(o: &Order) { g(&o.lines/* now */.clone()); }",
            "the comment \"/* now */\" would be lost (line 1)",
        );
    }
}
