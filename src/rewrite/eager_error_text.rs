//! A text made before anything failed in; the text made where it is needed out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("eager-error-text"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (value, argument) = (captured("value")?, captured("argument")?);
    let text = file.slice(value);
    if !lexer::comments(file.slice(finding.range)).is_empty() || text.contains('\n') {
        return Err("the text spans lines, or a comment stands in it".to_owned());
    }
    let edits = vec![
        TextEdit { range: hoist::whole_lines(file, finding.range), text: String::new() },
        TextEdit { range: argument, text: text.to_owned() },
    ];
    Ok(Draft {
        title: format!("make the text of the error of {} where it fails", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the text is used where something failed and nowhere else"),
            holds("nothing that it is made of changes before, and making it only looks at names and fields"),
            borrow("what it is made of may still be looked at there"),
        ],
        obligations: vec![
            "what is shown is not formatted where nothing fails: no `Display` of the project relies on it".to_owned(),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "eager-error-text";

    #[test]
    fn the_text_is_made_where_it_fails() {
        check(
            RULE,
            "fn assess(id: u64, value: u64, duty: &Duty) -> Result<u64> {
    let context = format!(\"{id}: {value} at {} bp\", duty.rate);
    let due = match rate(value) {
        Ok(due) => due,
        Err(()) => return Err(Error::Rejected(context)), // told
    };
    Ok(due)
}
",
            "fn assess(id: u64, value: u64, duty: &Duty) -> Result<u64> {
    let due = match rate(value) {
        Ok(due) => due,
        Err(()) => return Err(Error::Rejected(format!(\"{id}: {value} at {} bp\", duty.rate))), // told
    };
    Ok(due)
}
",
        );
        check(
            RULE,
            "fn f(id: u64) -> Result<u64> {
    let context = format!(\"{id}\");
    find(id).ok_or_else(|| Error::Missing(context.clone()))
}
",
            "fn f(id: u64) -> Result<u64> {
    find(id).ok_or_else(|| Error::Missing(format!(\"{id}\")))
}
",
        );
    }

    #[test]
    fn a_comment_in_the_text_refuses() {
        check_refuses(
            RULE,
            "fn f(id: u8) -> R { let c = format!(\"{}\", id /* own */); find(id).ok_or_else(|| E::Bad(c)) }",
            "the text spans lines, or a comment stands in it",
        );
    }
}
