//! A text formatted for one log line in; the line that formats it itself out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("eager-log-text"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (format, line) = (captured("format")?, captured("line")?);
    if !lexer::comments(file.slice(finding.range)).is_empty() || file.slice(format).contains('\n') {
        return Err("the text spans lines, or a comment stands in it".to_owned());
    }
    let edits = vec![
        TextEdit { range: line, text: file.slice(format).trim().to_owned() },
        TextEdit { range: hoist::whole_lines(file, finding.range), text: String::new() },
    ];
    Ok(Draft {
        title: format!("format for the log only where it is written in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the line says the text and nothing else, and the text is used for nothing else"),
            holds("the arguments are places, literals and lengths: nobody notices if they are not looked at"),
            borrow("the macro takes the arguments"),
        ],
        ..Draft::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "eager-log-text";

    #[test]
    fn the_line_formats_for_itself() {
        check(
            RULE,
            "fn f(order: &Order) {
    // Seldom looked at.
    let text = format!(\"{} of {:?}\", order.id, order.lines);
    log::debug!(\"{}\", text); // short
    done();
}
",
            "fn f(order: &Order) {
    // Seldom looked at.
    log::debug!(\"{} of {:?}\", order.id, order.lines); // short
    done();
}
",
        );
    }

    #[test]
    fn a_comment_in_the_text_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(n: u8) { let t = format!(\"{}\", n /* of them */); log::debug!(\"{t}\"); }",
            "the text spans lines, or a comment stands in it",
        );
    }
}
