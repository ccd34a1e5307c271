//! A text formatted for one log line in; the line that formats it itself out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, short};
use crate::model::{Finding, RuleId, TextEdit};
use crate::source::{SourceFile, calm, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("eager-log-text"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (format, line) = (captured("format")?, captured("line")?);
    let calls: Vec<&str> = finding.captures_named("call").into_iter().map(|range| file.slice(range)).collect();
    if let Some(call) = calls.iter().find(|call| !calm::is_unnoticed(files, call)) {
        return Err(format!("leaving out `{call}` could be noticed, as far as its source shows"));
    }
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
            holds("the arguments only compute: nobody notices if they are not looked at"),
            borrow("the macro takes the arguments"),
        ],
        obligations: match calls.is_empty() {
            true => Vec::new(),
            false => vec![format!("`{}` only computes its result", calls.join("`, `"))],
        },
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
    fn a_call_is_followed_to_what_it_does() {
        let rewrite = check(
            RULE,
            "impl S {
    fn dump(&self) -> String {
        self.lines.join(\",\")
    }
    fn f(&self, n: u8) {
        let text = format!(\"{n} of {}\", self.dump());
        log::debug!(\"{}\", text);
    }
}
",
            "impl S {
    fn dump(&self) -> String {
        self.lines.join(\",\")
    }
    fn f(&self, n: u8) {
        log::debug!(\"{n} of {}\", self.dump());
    }
}
",
        );
        assert_eq!((rewrite.class, rewrite.obligations.len()), (crate::model::Class::B, 1));
        check_refuses(
            RULE,
            "fn next() -> u8 { COUNT.fetch_add(1) } fn f() { let t = format!(\"{}\", next()); log::debug!(\"{t}\"); }",
            "leaving out `next` could be noticed, as far as its source shows",
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
