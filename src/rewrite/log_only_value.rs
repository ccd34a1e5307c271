//! A value computed for one log line in; the line that computes it itself out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, place, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{SourceFile, calm, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("log-only-value"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let value = finding.capture("value").ok_or("the finding has no \"value\"")?;
    let text = file.slice(value);
    let calls: Vec<&str> = finding.captures_named("call").into_iter().map(|range| file.slice(range)).collect();
    if let Some(call) = calls.iter().find(|call| !calm::is_unnoticed(files, call)) {
        return Err(format!("leaving out `{call}` could be noticed, as far as its source shows"));
    }
    if !lexer::comments(file.slice(finding.range)).is_empty() || text.contains('\n') {
        return Err("the value spans lines, or a comment stands in it".to_owned());
    }
    let mut edits = vec![TextEdit { range: hoist::whole_lines(file, finding.range), text: String::new() }];
    if let Some(first) = finding.capture("first") {
        edits.extend(place::insert_before(file, first, file.slice(finding.range)));
    } else if let Some(argument) = finding.capture("argument") {
        edits.push(TextEdit { range: argument, text: text.to_owned() });
    } else {
        let (name, line) = finding.capture("captured").zip(finding.capture("line")).ok_or("the line is gone")?;
        edits.push(named(file, line, file.slice(name), text));
    }
    let mut obligations = vec!["the value is not computed where the line is off: nobody relies on that".to_owned()];
    if !calls.is_empty() {
        obligations.push(format!("`{}` only computes its result", calls.join("`, `")));
    }
    Ok(Draft {
        title: format!("compute for the log only where it is written in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the value is used for the line and for nothing else"),
            holds("nothing that it is computed from changes before the line"),
            holds("nothing in it could be noticed if it were left out, as far as the source shows"),
            borrow("what it is computed from may still be looked at there"),
        ],
        obligations,
        ..Draft::default()
    })
}

/// `, name = value` behind the arguments of a line whose text captures the name.
fn named(file: &SourceFile, line: TextRange, name: &str, value: &str) -> TextEdit {
    let inside = file.slice(line);
    let kept = inside.trim_end().trim_end_matches(',');
    let at = line.start + kept.len() as u32;
    TextEdit { range: TextRange { start: at, end: at }, text: format!(", {name} = {value}") }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "log-only-value";

    #[test]
    fn the_line_computes_for_itself() {
        let rewrite = check(
            RULE,
            "fn print_of(rs: &[R]) -> String {
    rs.iter().map(|r| r.n.to_string()).collect()
}
fn f(rs: &[R]) {
    let print = print_of(rs);
    // In order.
    for r in rs {
        keep(r.n);
    }
    log::trace!(\"{} of {}\", rs.len(), print); // short
}
",
            "fn print_of(rs: &[R]) -> String {
    rs.iter().map(|r| r.n.to_string()).collect()
}
fn f(rs: &[R]) {
    // In order.
    for r in rs {
        keep(r.n);
    }
    log::trace!(\"{} of {}\", rs.len(), print_of(rs)); // short
}
",
        );
        assert_eq!(rewrite.obligations.len(), 2);
        check(
            RULE,
            "fn f(xs: &[String]) {\n    let all = xs.join(\",\");\n    log::debug!(\"got {all}\");\n}\n",
            "fn f(xs: &[String]) {\n    log::debug!(\"got {all}\", all = xs.join(\",\"));\n}\n",
        );
    }

    #[test]
    fn the_value_sinks_into_the_branch_that_logs() {
        check(
            RULE,
            "fn f(verbose: bool, terms: &[&str]) {
    let summary = format!(\"{} terms: {}\", terms.len(), terms.join(\",\"));
    if verbose {
        log::info!(\"{summary}\");
    }
}
",
            "fn f(verbose: bool, terms: &[&str]) {
    if verbose {
        let summary = format!(\"{} terms: {}\", terms.len(), terms.join(\",\"));
        log::info!(\"{summary}\");
    }
}
",
        );
    }

    #[test]
    fn what_could_be_noticed_refuses() {
        let reason = "leaving out `next` could be noticed, as far as its source shows";
        check_refuses(
            RULE,
            "fn next(s: &S) -> u64 { s.n.fetch_add(1) } fn f(s: &S) { let t = next(s); log::debug!(\"{}\", t); }",
            reason,
        );
        check_refuses(RULE, "fn f() { let t = format!(\"{} x\", next()); log::debug!(\"{} {}\", 1, t); }", reason);
    }
}
