//! A collection that each round of a loop builds anew in; the loop with the collection built before it out.

use super::hoist::{is_mentioned_outside, lines_of};
use super::{Draft, Recipe, borrow, file_of, holds, probe_at, short, std_types};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::functions::functions;
use crate::source::prepared::prepared;
use crate::source::{Template, lexer};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("collection-in-loop"), derive };

fn derive(files: &[crate::source::SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let all = functions(file);
    let mut found = all.iter().flat_map(|function| prepared(function).into_iter().map(move |p| (function, p)));
    let (function, prepared) = found
        .find(|(_, prepared)| file.range(prepared.binding) == finding.range)
        .ok_or("the collection is no longer built where it was found")?;
    let name = prepared.name.to_string();
    if is_mentioned_outside(file, function, file.range(prepared.around), &name) {
        return Err(format!("the name `{name}` is used outside of the loop too"));
    }
    let last = prepared.ordered.last().map_or(finding.range, |stmt| file.range(*stmt));
    let (lines, comments) = lines_of(file, TextRange { start: finding.range.start, end: last.end });
    let inner = TextRange { start: finding.range.start, end: last.end };
    let own = lexer::comments(file.slice(inner)).len();
    if own > 0 && prepared.ordered.is_empty() {
        return Err("a comment stands inside the statement".to_owned());
    }
    let mut text: String = comments.iter().map(|comment| format!("{comment}\n")).collect();
    text.push_str(&at_the_margin(file.slice(inner), crate::source::indent_of(&file.text, inner.start)));
    text.push('\n');
    let before = file.range(prepared.before).start;
    let mut edits = Template::new(file, TextRange { start: before, end: before }).text(text).edits();
    edits.push(TextEdit { range: lines, text: String::new() });
    for ident in &prepared.consumed {
        let at = file.span_range(ident.span()).end;
        let call = ".into_iter()";
        if !file.text[at as usize..].starts_with(call) {
            return Err(format!("`{name}` is consumed in each round"));
        }
        let range = TextRange { start: at, end: at + call.len() as u32 };
        edits.push(TextEdit { range, text: ".iter().copied()".to_owned() });
    }
    let source = file.range(prepared.source);
    let shown = file.on_one_line(source);
    Ok(Draft {
        title: format!("build {name} once instead of in each round of {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        touched: vec![finding.function.clone()],
        preconditions: vec![
            holds("nothing it is built of is bound, assigned or borrowed as `&mut` in the loop"),
            holds("the round only looks at the collection"),
            probe_at(
                file,
                format!("`{shown}` is {}", std_types::LOOKED_THROUGH.name()),
                source,
                before,
                std_types::LOOKED_THROUGH.question(),
            ),
            borrow("the collection built before the loop lives long enough, and what it borrows is not changed"),
        ],
        ..Draft::default()
    })
}

/// Lines after the first without the indentation of the place.
fn at_the_margin(text: &str, indent: &str) -> String {
    let mut lines = text.lines();
    let mut out = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        out.push('\n');
        out.push_str(line.strip_prefix(indent).unwrap_or(line));
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::model::AnsweredBy;
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "collection-in-loop";

    #[test]
    fn a_set_is_built_before_the_loop_with_its_comment() {
        let rewrite = check(
            RULE,
            "fn f(batches: &[Vec<String>], known: &[String]) -> usize {\n    let mut n = 0;\n    // All.\n    for batch in batches {\n        // By name.\n        let lookup: HashSet<&str> = known.iter().map(|k| k.as_str()).collect();\n        n += batch.iter().filter(|name| lookup.contains(name.as_str())).count(); // hits\n    }\n    n\n}\n",
            "fn f(batches: &[Vec<String>], known: &[String]) -> usize {\n    let mut n = 0;\n    // All.\n    // By name.\n    let lookup: HashSet<&str> = known.iter().map(|k| k.as_str()).collect();\n    for batch in batches {\n        n += batch.iter().filter(|name| lookup.contains(name.as_str())).count(); // hits\n    }\n    n\n}\n",
        );
        assert_eq!(rewrite.preconditions.iter().filter(|p| p.answered_by == AnsweredBy::Type).count(), 1);
    }

    #[test]
    fn what_brings_it_into_order_moves_with_it() {
        check(
            RULE,
            "fn f(amounts: &[u64], tiers: &[(u64, u64)], fees: &mut Vec<u64>) {\n    let mut i = 0;\n    while i < amounts.len() {\n        let mut sorted = tiers.to_vec();\n        sorted.sort_by_key(|(least, _)| *least);\n        fees.push(sorted.iter().rev().map(|(_, fee)| *fee).max().unwrap_or(0));\n        i += 1;\n    }\n}\n",
            "fn f(amounts: &[u64], tiers: &[(u64, u64)], fees: &mut Vec<u64>) {\n    let mut i = 0;\n    let mut sorted = tiers.to_vec();\n    sorted.sort_by_key(|(least, _)| *least);\n    while i < amounts.len() {\n        fees.push(sorted.iter().rev().map(|(_, fee)| *fee).max().unwrap_or(0));\n        i += 1;\n    }\n}\n",
        );
    }

    #[test]
    fn a_closure_gives_it_to_the_statement_around() {
        check(
            RULE,
            "fn f<'a>(names: &'a [String], listed: &[String]) -> Vec<&'a String> {\n    names\n        .iter()\n        .filter(|name| {\n            let set: HashSet<&str> = listed.iter().map(|s| s.as_str()).collect();\n            set.contains(name.as_str())\n        })\n        .collect()\n}\n",
            "fn f<'a>(names: &'a [String], listed: &[String]) -> Vec<&'a String> {\n    let set: HashSet<&str> = listed.iter().map(|s| s.as_str()).collect();\n    names\n        .iter()\n        .filter(|name| {\n            set.contains(name.as_str())\n        })\n        .collect()\n}\n",
        );
    }

    #[test]
    fn a_name_that_stands_for_something_else_outside_is_refused() {
        check_refuses(
            RULE,
            "fn f(xs: &[u8], ys: &[u8]) {\n    let s = 1;\n    for x in xs {\n        let s: HashSet<&u8> = ys.iter().collect();\n        g(s.contains(x));\n    }\n    h(s);\n}\n",
            "the name `s` is used outside of the loop too",
        );
    }
}
