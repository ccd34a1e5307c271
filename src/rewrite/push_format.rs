//! A function that pushes formatted texts onto others in; the function that formats where the text is wanted out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short, std_types};
use crate::model::{Answer, AnsweredBy, Finding, Precondition, RuleId, TextEdit, TextRange};
use crate::source::{self, SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("push-format"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let ranges = |name: &'static str| finding.captures.iter().filter(move |(n, _)| *n == name).map(|(_, r)| *r);
    let mut edits = import(files, file, finding)?;
    let mut preconditions = vec![holds("the arguments do not look at the text they are pushed onto")];
    for ((site, text), arguments) in ranges("site").zip(ranges("text")).zip(ranges("arguments")) {
        let comma = if file.slice(arguments).starts_with(['\n', '\r']) { "," } else { ", " };
        let new = Template::new(file, site).text("let _ = write!(").keep(text).text(comma).keep(arguments).text(")");
        edits.extend(new.edits());
        let question = std_types::is_one(file, text, &std_types::STRING);
        if preconditions.iter().all(|p| p.text != question.text) {
            preconditions.push(question);
        }
    }
    preconditions.push(borrow("the text may be written to while its arguments are borrowed"));
    preconditions.push(Precondition {
        text: "no `Display` of the arguments fails or panics half-way".to_owned(),
        answered_by: AnsweredBy::Run,
        state: Answer::Open,
        probe: None,
    });
    Ok(Draft {
        title: format!("format in place in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), place::joined(edits))],
        preconditions,
        ..Draft::default()
    })
}

/// `use std::fmt::Write as _;` at the head of the function, where nothing imports the trait yet.
fn import(files: &[SourceFile], file: &SourceFile, finding: &Finding) -> Result<Vec<TextEdit>, String> {
    let is_there = |root: &str| place::is_imported(file, finding.range, &[root, "fmt", "Write"]);
    if is_there("std") || is_there("core") || is_there("alloc") {
        return Ok(Vec::new());
    }
    let root = if place::require_std(files, file).is_ok() { "std" } else { "core" };
    let body = source::function_body(file, finding.range).ok_or("the function changed")?;
    let first = body.stmts.first().ok_or("the function is empty")?;
    let range: TextRange = file.range(first);
    Ok(place::insert_before(file, range, &format!("use {root}::fmt::Write as _;")))
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "push-format";

    #[test]
    fn texts_are_formatted_in_place_and_the_trait_is_imported_once() {
        let rewrite = check(
            RULE,
            "fn page(items: &[Item]) -> String {
    // Head first.
    let mut out = String::new();
    for item in items {
        out.push_str(&format!(\"{}: {}\\n\", item.name, item.price)); // a line
        out += &format!(
            \"{item:?}\", // all
        );
    }
    out
}
",
            "fn page(items: &[Item]) -> String {
    use std::fmt::Write as _;
    // Head first.
    let mut out = String::new();
    for item in items {
        let _ = write!(out, \"{}: {}\\n\", item.name, item.price); // a line
        let _ = write!(out,
            \"{item:?}\", // all
        );
    }
    out
}
",
        );
        assert_eq!(rewrite.preconditions.len(), 4);
    }

    #[test]
    fn an_import_that_is_there_is_used() {
        check(
            RULE,
            "use std::fmt::{self, Write as _};
fn f(p: &mut P, n: u8) {
    p.out.push_str(&format!(\"{n}\"));
}
",
            "use std::fmt::{self, Write as _};
fn f(p: &mut P, n: u8) {
    let _ = write!(p.out, \"{n}\");
}
",
        );
    }

    #[test]
    fn a_crate_without_std_takes_the_trait_from_core() {
        check(
            RULE,
            "#![no_std]
fn f(out: &mut String, n: u8) {
    out.push_str(&format!(\"{n}\"));
}
",
            "#![no_std]
fn f(out: &mut String, n: u8) {
    use core::fmt::Write as _;
    let _ = write!(out, \"{n}\");
}
",
        );
    }

    #[test]
    fn a_comment_between_the_parts_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(s: &mut String, n: u8) { s.push_str(/* why */ &format!(\"{n}\")); }",
            "the comment \"/* why */\" would be lost (line 1)",
        );
    }
}
