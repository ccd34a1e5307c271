//! A function that pushes formatted texts onto others in; the function that formats where the text is wanted out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, place, short, std_types};
use crate::model::{Answer, AnsweredBy, Finding, Precondition, RuleId, TextEdit, TextRange};
use crate::source::lexer::{self, TokenKind};
use crate::source::{self, SourceFile, Template, columns_before};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("push-format"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let ranges = |name: &'static str| ranges_of(finding, name);
    let mut edits = import(files, file, finding)?;
    let mut preconditions = vec![holds("the arguments do not look at the text they are pushed onto")];
    for ((site, text), arguments) in ranges("site").zip(ranges("text")).zip(ranges("arguments")) {
        let is_marked = |mark: &str| ranges_of(finding, mark).any(|range| range == site);
        if is_marked("grown") {
            edits.push(TextEdit { range: site, text: grown(file, text, arguments)? });
        } else if is_marked("shown") {
            edits.extend(
                Template::new(file, site)
                    .text("let _ = write!(")
                    .keep(text)
                    .text(", \"{}\", ")
                    .keep(arguments)
                    .text(")")
                    .edits(),
            );
        } else {
            edits.extend(written(file, site, text, arguments).edits());
        }
        let question = std_types::is_one(file, text, &std_types::STRING);
        if preconditions.iter().all(|p| p.text != question.text) {
            preconditions.push(question);
        }
    }
    for bound in ranges("let") {
        edits.push(TextEdit { range: hoist::whole_lines(file, bound), text: String::new() });
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

fn ranges_of<'a>(finding: &'a Finding, name: &'a str) -> impl Iterator<Item = TextRange> + 'a {
    finding.captures.iter().filter(move |(n, _)| *n == name).map(|(_, r)| *r)
}

/// `let _ = write!(text, "…", …)` for `text = format!("{}…", text, …)`: what stands first is there already.
fn grown(file: &SourceFile, text: TextRange, arguments: TextRange) -> Result<String, String> {
    let (given, name) = (file.slice(arguments).trim(), file.slice(text));
    let tokens = lexer::tokens(given);
    let literal = tokens.first().filter(|t| t.kind == TokenKind::Str).ok_or("the format string is gone")?.text(given);
    if tokens.iter().any(|t| t.is_comment()) {
        return Err("a comment stands among the arguments".to_owned());
    }
    let after = given[literal.len()..].trim();
    let (literal, after) = match literal.strip_prefix("\"{}") {
        Some(rest) => {
            let after = after.strip_prefix(',').map(str::trim_start).and_then(|a| a.strip_prefix(name));
            (rest, after.ok_or("the text is not the first argument")?)
        }
        None => (literal.strip_prefix(&format!("\"{{{name}}}")).ok_or("the text does not stand first")?, after),
    };
    let after = after.trim().trim_end_matches(',').trim_end();
    let after = after.strip_prefix(',').map_or(String::new(), |a| format!(", {}", a.trim_start()));
    Ok(format!("let _ = write!({name}, \"{literal}{after})"))
}

/// `let _ = write!(text, arguments)` for the statement at `site`, on as many lines as rustfmt would take.
fn written<'a>(file: &'a SourceFile, site: TextRange, text: TextRange, arguments: TextRange) -> Template<'a> {
    let template = Template::new(file, site);
    let given = file.slice(arguments);
    let Some(parts) = parts(file, arguments) else {
        let own_lines = given.starts_with(['\n', '\r']);
        let (open, comma) = if own_lines { ("let _ = write!(\n    ", ",") } else { ("let _ = write!(", ", ") };
        return template.text(open).keep(text).text(comma).keep(arguments).text(")");
    };
    let length: usize = parts.iter().map(|p| p.len() + 1).sum();
    let call = file.slice(text).chars().count() + ", ".len() + length - 1;
    let column = columns_before(&file.text, site.start);
    let fits = |before: &str| column + before.len() + call + ");".len() <= file.role.width.0;
    let (open, comma, between, close) = match () {
        () if fits("let _ = write!(") => ("let _ = write!(", ", ", " ", ")"),
        () if fits("    write!(") => ("let _ =\n    write!(", ", ", " ", ")"),
        () => ("let _ = write!(\n    ", ",\n    ", "\n    ", "\n)"),
    };
    let mut template = template.text(open).keep(text).text(comma);
    for (at, part) in parts.iter().enumerate() {
        template = if at > 0 { template.text(between) } else { template }.keep(*part);
    }
    template.text(close)
}

/// The arguments of the macro in pieces that may stand on one line or on lines of their own: the format string with its
/// comma, then what it formats. `None` where a comment or a text of several lines has to stay as it is.
fn parts(file: &SourceFile, arguments: TextRange) -> Option<Vec<TextRange>> {
    let given = file.slice(arguments);
    let tokens = lexer::tokens(given);
    let has_lines = |t: &lexer::Token| t.text(given).contains('\n');
    if tokens.iter().any(|t| t.is_comment() || has_lines(t)) {
        return None;
    }
    let last = tokens.iter().rposition(|t| t.text(given) != ",")?;
    let at = |from: &lexer::Token, to: &lexer::Token| TextRange {
        start: arguments.start + from.range.start,
        end: arguments.start + to.range.end,
    };
    match &tokens[..=last] {
        [all] => Some(vec![at(all, all)]),
        [string, comma, rest @ ..] if string.kind == TokenKind::Str && comma.text(given) == "," => {
            let rest = at(&rest[0], &tokens[last]);
            // What spans lines was broken by rustfmt for a reason that the new call does not take away.
            (!file.slice(rest).contains('\n')).then(|| vec![at(string, comma), rest])
        }
        _ => None,
    }
}

/// `use std::fmt::Write as _;` at the head of the function, where nothing imports the trait yet.
/// Imports `fmt::Write` at the head of the function, unless it is there.
pub(super) fn import(files: &[SourceFile], file: &SourceFile, finding: &Finding) -> Result<Vec<TextEdit>, String> {
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
        let _ = write!(
            out,
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
    fn a_text_that_is_named_or_grown_is_written_as_well() {
        check(
            RULE,
            "use std::fmt::Write as _;
fn f(xs: &[P], out: &mut String, n: u64) {
    for x in xs {
        // One row.
        let row = format!(\"{}|\", x.name);
        out.push_str(&row); // kept
    }
    out.push_str(&n.to_string());
}
",
            "use std::fmt::Write as _;
fn f(xs: &[P], out: &mut String, n: u64) {
    for x in xs {
        // One row.
        let _ = write!(out, \"{}|\", x.name); // kept
    }
    let _ = write!(out, \"{}\", n);
}
",
        );
        check(
            RULE,
            "use std::fmt::Write as _;
fn f(xs: &[P]) -> String {
    let mut out = String::new();
    for x in xs {
        out = format!(\"{}{}\\n\", out, x.name);
        out = format!(\"{out};\");
    }
    out
}
",
            "use std::fmt::Write as _;
fn f(xs: &[P]) -> String {
    let mut out = String::new();
    for x in xs {
        let _ = write!(out, \"{}\\n\", x.name);
        let _ = write!(out, \";\");
    }
    out
}
",
        );
    }

    #[test]
    fn lines_are_broken_where_rustfmt_breaks_them() {
        let long = "{}: a text that is so long that nothing else has room";
        let longest = format!("{long}, and then some more of it {{}}");
        check(
            RULE,
            &format!(
                "use std::fmt::Write as _;
fn f(out: &mut String, line: &Line) {{
    out.push_str(&format!(
        \"{{}}\\n\",
        line.a
    ));
    out.push_str(&format!(\"{long}\", line.item));
    out.push_str(&format!(\"{longest}\", line.item, line.b));
}}
"
            ),
            &format!(
                "use std::fmt::Write as _;
fn f(out: &mut String, line: &Line) {{
    let _ = write!(out, \"{{}}\\n\", line.a);
    let _ = write!(out, \"{long}\", line.item);
    let _ = write!(
        out,
        \"{longest}\",
        line.item, line.b
    );
}}
"
            ),
        );
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
