//! Elements copied out of a list at its last use in; the list taken apart out.

use super::{Draft, Recipe, borrow, file_of, holds, probe, short};
use crate::model::{Finding, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::SourceFile;

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("copied-from-owned-list"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (list, element, copy) = (captured("list")?, captured("element")?, captured("copy")?);
    let shown = file.on_one_line(list);
    let gone = |start: u32, end: u32| TextEdit { range: TextRange { start, end }, text: String::new() };
    let mut edits = vec![gone(copy.start, copy.end)];
    if finding.range.start < list.start {
        edits.push(gone(finding.range.start, list.start));
    }
    if list.end < finding.range.end {
        edits.push(gone(list.end, finding.range.end));
    }
    let what = format!("cloning `{}` copies plain data", file.slice(element));
    Ok(Draft {
        title: format!("move the elements out of {shown} in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{shown}` is owned and not used any more, and each element is copied at its last use")),
            probe(file, what, element, ProbeQuestion::PlainClone),
            borrow(format!("`{shown}` may be moved out of what holds it")),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "copied-from-owned-list";

    #[test]
    fn the_elements_are_moved() {
        check(
            RULE,
            "struct Invoice {
    lines: Vec<Line>,
}
fn absorb(mut own: Invoice, other: Invoice) -> Invoice {
    for line in other.lines.iter() {
        if line.quantity == 0 {
            continue;
        }
        own.lines.push(line.clone()); // kept
    }
    own
}
",
            "struct Invoice {
    lines: Vec<Line>,
}
fn absorb(mut own: Invoice, other: Invoice) -> Invoice {
    for line in other.lines {
        if line.quantity == 0 {
            continue;
        }
        own.lines.push(line); // kept
    }
    own
}
",
        );
        check(
            RULE,
            "fn f(names: Vec<String>) {
    for name in &names {
        keep(name.clone());
    }
}
",
            "fn f(names: Vec<String>) {
    for name in names {
        keep(name);
    }
}
",
        );
    }

    #[test]
    fn a_comment_in_the_walk_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(xs: Vec<String>) { for x in xs/* all */.iter() { keep(x.clone()); } }",
            "the comment \"/* all */\" would be lost (line 1)",
        );
    }
}
