//! A text that each round of a loop makes anew in; the loop with the text made before it out.

use super::{Draft, Recipe, borrow, file_of, holds, probe_at, short};
use crate::model::{Finding, Precondition, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::functions::{Function, functions};
use crate::source::invariants::{Invariant, Told, invariants, told};
use crate::source::names::{fresh, mentions, root};
use crate::source::{SourceFile, Template, lexer, shapes};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("invariant-in-loop"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let all = functions(file);
    let mut found = all.iter().flat_map(|function| invariants(function).into_iter().map(move |i| (function, i)));
    let (function, invariant) = found
        .find(|(_, invariant)| file.range(invariant.value) == finding.range)
        .ok_or("the text is no longer made where it was found")?;
    if let Some(part) = invariant.parts.iter().find(|part| told(files, function, part) == Told::Workspace) {
        let text = quote::ToTokens::to_token_stream(part).to_string().replace(' ', "");
        return Err(format!("`{text}` is of a type of the workspace, whose `Display` is written by hand"));
    }
    let edits = match invariant.binding {
        Some(binding) => {
            let mut edits = moved(file, function, &invariant, binding)?;
            let given = finding.captures.iter().filter(|(name, _)| *name == "given");
            edits.extend(given.map(|(_, ident)| TextEdit {
                range: TextRange { start: ident.end, end: ident.end },
                text: ".clone()".to_owned(),
            }));
            edits
        }
        None => named(file, function, &invariant),
    };
    Ok(Draft {
        title: format!("make a text of {} once instead of in each round", short(&finding.function)),
        edits: vec![(finding.file.clone(), edits)],
        touched: vec![finding.function.clone()],
        preconditions: preconditions(files, file, function, &invariant),
        ..Draft::default()
    })
}

fn preconditions(
    files: &[SourceFile],
    file: &SourceFile,
    function: &Function<'_>,
    invariant: &Invariant<'_>,
) -> Vec<Precondition> {
    let value = file.range(invariant.value);
    let changes_case = matches!(invariant.value, syn::Expr::MethodCall(call) if call.method != "to_string");
    let mut all = vec![
        holds("nothing the text is made of is bound, assigned or borrowed as `&mut` in the loop"),
        holds("the loop only looks at the text"),
    ];
    for part in &invariant.parts {
        let text = quote::ToTokens::to_token_stream(part).to_string().replace(' ', "");
        let precondition = match told(files, function, part) {
            Told::Text => {
                holds(format!("`{text}` is a text of std: making a text of it has no effect and cannot fail"))
            }
            Told::Primitive if !changes_case => holds(format!("`{text}` is a primitive: its `Display` has no effect")),
            _ => is_plain(file, value, invariant, part, &text),
        };
        if !all.contains(&precondition) {
            all.push(precondition);
        }
    }
    all.push(borrow("the text made before the loop lives long enough and is moved nowhere"));
    all
}

/// The question to rustc whether a part is a text or a number of std.
fn is_plain(
    file: &SourceFile,
    value: TextRange,
    invariant: &Invariant<'_>,
    part: &syn::Expr,
    text: &str,
) -> Precondition {
    let at = file.range(invariant.before).start;
    let is_method = matches!(invariant.value, syn::Expr::MethodCall(call) if call.method != "to_string");
    if is_method {
        let ty = "std::string::String";
        let what = format!("`{}` is a `{ty}`, as that of `str` is", file.slice(value));
        return probe_at(file, what, value, at, ProbeQuestion::IsType(ty.to_string()));
    }
    // What a format string captures has no expression of its own: the whole is asked about instead of the part.
    let range = file.range(part);
    let expr = if value.contains(range) && file.slice(range) == text { range } else { value };
    let what = format!("`{text}` is a text or an integer of the standard library, whose `Display` has no effect");
    probe_at(file, what, expr, at, ProbeQuestion::HashEq)
}

/// The `let` of the loop's body, moved before the loop with the comment above it.
pub(super) fn moved(
    file: &SourceFile,
    function: &Function<'_>,
    invariant: &Invariant<'_>,
    binding: &syn::Stmt,
) -> Result<Vec<TextEdit>, String> {
    let name = shapes::plain_let(binding).ok_or("the `let` binds a pattern")?.name.to_string();
    let within = file.range(invariant.around);
    if is_mentioned_outside(file, function, within, &name) {
        return Err(format!("the name `{name}` is used outside of the loop too"));
    }
    let stmt = file.range(binding);
    let (lines, comments) = lines_of(file, stmt);
    let mut text = String::new();
    for comment in comments {
        text.push_str(&comment);
        text.push('\n');
    }
    text.push_str(file.slice(stmt));
    text.push('\n');
    let before = file.range(invariant.before).start;
    let mut edits = Template::new(file, TextRange { start: before, end: before }).text(text).edits();
    edits.push(TextEdit { range: lines, text: String::new() });
    Ok(edits)
}

pub(super) fn is_mentioned_outside(file: &SourceFile, function: &Function<'_>, within: TextRange, name: &str) -> bool {
    let body = file.span_range(function.block.brace_token.span.join());
    let outside = |token: &lexer::Token| {
        let range = TextRange { start: token.range.start + body.start, end: token.range.end + body.start };
        !within.contains(range)
    };
    let text = file.slice(body);
    let in_body = lexer::tokens(text).into_iter().filter(outside).any(|token| match token.kind {
        lexer::TokenKind::Ident => token.text(text) == name,
        lexer::TokenKind::Str => crate::source::names::captures(token.text(text), name),
        _ => false,
    });
    in_body || mentions(function.sig, name)
}

pub(super) use crate::source::whole_lines;

/// True if no other code and no comment stands on the lines of a statement.
pub(super) fn stands_alone(file: &SourceFile, stmt: TextRange) -> bool {
    whole_lines(file, stmt) != stmt
}

/// The whole lines of a statement with the line comments directly above it; the statement alone where it shares its line.
pub(super) fn lines_of(file: &SourceFile, stmt: TextRange) -> (TextRange, Vec<String>) {
    let text = &file.text;
    let whole = whole_lines(file, stmt);
    if whole == stmt {
        return (stmt, Vec::new());
    }
    let mut start = whole.start as usize;
    let mut comments = Vec::new();
    while start > 0 {
        let above = text[..start - 1].rfind('\n').map_or(0, |n| n + 1);
        let line = text[above..start].trim();
        if !line.starts_with("//") || line.contains("SAFETY") {
            break;
        }
        comments.insert(0, line.to_string());
        start = above;
    }
    (TextRange { start: start as u32, end: whole.end }, comments)
}

/// A `let` with a new name before the loop, and the name instead of the expression.
fn named(file: &SourceFile, function: &Function<'_>, invariant: &Invariant<'_>) -> Vec<TextEdit> {
    let value = file.range(invariant.value);
    let name = fresh(function.block, &name_for(invariant));
    let text = format!("let {name} = {};\n", file.slice(value));
    let before = file.range(invariant.before).start;
    let mut edits = Template::new(file, TextRange { start: before, end: before }).text(text).edits();
    edits.push(TextEdit { range: value, text: name });
    edits
}

/// `email_lowercase` for `order.email.to_lowercase()`, `email_text` for `format!("@{email}")`.
fn name_for(invariant: &Invariant<'_>) -> String {
    let part = invariant.parts.first();
    let last = part.and_then(|part| match part {
        syn::Expr::Field(field) => match &field.member {
            syn::Member::Named(name) => Some(name.to_string()),
            syn::Member::Unnamed(_) => None,
        },
        other => root(other).map(|ident| ident.to_string()),
    });
    let what = match invariant.value {
        syn::Expr::MethodCall(call) if call.method != "to_string" => {
            call.method.to_string().trim_start_matches("to_").trim_start_matches("ascii_").to_string()
        }
        _ => "text".to_string(),
    };
    format!("{}_{what}", last.unwrap_or_else(|| "fixed".to_string()).trim_start_matches("r#"))
}

#[cfg(test)]
mod tests {
    use crate::model::AnsweredBy;
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "invariant-in-loop";

    #[test]
    fn a_let_moves_before_the_loop_with_its_comment() {
        let rewrite = check(
            RULE,
            "fn f(email: &str, domains: &[String]) -> bool {\n    // Look at all.\n    for domain in domains {\n        // Case does not count.\n        let address = email.to_lowercase();\n        if address.ends_with(domain.as_str()) {\n            return true;\n        }\n    }\n    false\n}\n",
            "fn f(email: &str, domains: &[String]) -> bool {\n    // Look at all.\n    // Case does not count.\n    let address = email.to_lowercase();\n    for domain in domains {\n        if address.ends_with(domain.as_str()) {\n            return true;\n        }\n    }\n    false\n}\n",
        );
        assert!(rewrite.preconditions.iter().all(|p| p.answered_by != AnsweredBy::Type));
    }

    #[test]
    fn a_text_that_some_rounds_give_away_is_cloned_there() {
        check(
            RULE,
            "fn f(tenant: &str, keys: &[&str], out: &mut Vec<String>) {\n    for key in keys {\n        let prefix = format!(\"{}/\", tenant.to_lowercase());\n        if key.starts_with(&prefix) {\n            out.push(key.to_string());\n        } else {\n            out.push(prefix + key); // joined\n        }\n    }\n}\n",
            "fn f(tenant: &str, keys: &[&str], out: &mut Vec<String>) {\n    let prefix = format!(\"{}/\", tenant.to_lowercase());\n    for key in keys {\n        if key.starts_with(&prefix) {\n            out.push(key.to_string());\n        } else {\n            out.push(prefix.clone() + key); // joined\n        }\n    }\n}\n",
        );
    }

    #[test]
    fn a_text_that_each_round_starts_from_is_cloned_there() {
        check(
            RULE,
            "fn f(tenant: &str, keys: &[&str], out: &mut Vec<String>) {\n    for key in keys {\n        let prefix = format!(\"{}/\", tenant.to_lowercase());\n        let mut full = prefix; // to start from\n        full.push_str(key);\n        out.push(full);\n    }\n}\n",
            "fn f(tenant: &str, keys: &[&str], out: &mut Vec<String>) {\n    let prefix = format!(\"{}/\", tenant.to_lowercase());\n    for key in keys {\n        let mut full = prefix.clone(); // to start from\n        full.push_str(key);\n        out.push(full);\n    }\n}\n",
        );
    }

    #[test]
    fn an_expression_gets_a_name_before_the_statement_of_the_loop() {
        let rewrite = check(
            RULE,
            "fn f(query: &Query, names: &[String]) -> bool {\n    let hit = names.iter().any(|name| *name == query.text.to_lowercase());\n    hit\n}\n",
            "fn f(query: &Query, names: &[String]) -> bool {\n    let text_lowercase = query.text.to_lowercase();\n    let hit = names.iter().any(|name| *name == text_lowercase);\n    hit\n}\n",
        );
        let probe = rewrite.preconditions.iter().find_map(|p| p.probe.as_ref()).unwrap();
        assert_eq!(probe.question, crate::model::ProbeQuestion::IsType("std::string::String".into()));
    }

    #[test]
    fn a_format_moves_out_of_both_loops() {
        check(
            RULE,
            "fn f(prefix: &str, xs: &[u8]) {\n    for x in xs {\n        for y in xs {\n            g(&format!(\"{prefix}-{}\", prefix), x, y); // both\n        }\n    }\n}\n",
            "fn f(prefix: &str, xs: &[u8]) {\n    let prefix_text = format!(\"{prefix}-{}\", prefix);\n    for x in xs {\n        for y in xs {\n            g(&prefix_text, x, y); // both\n        }\n    }\n}\n",
        );
    }

    #[test]
    fn a_part_that_is_not_told_to_be_a_text_is_asked_about() {
        let rewrite = check(
            RULE,
            "fn f(id: Id, xs: &[String]) -> bool {\n    xs.iter().any(|x| *x == id.to_string())\n}\n",
            "fn f(id: Id, xs: &[String]) -> bool {\n    let id_text = id.to_string();\n    xs.iter().any(|x| *x == id_text)\n}\n",
        );
        let asked: Vec<_> = rewrite.preconditions.iter().filter(|p| p.answered_by == AnsweredBy::Type).collect();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].probe.as_ref().unwrap().question, crate::model::ProbeQuestion::HashEq);
    }

    #[test]
    fn the_structs_of_the_workspace_tell_the_types_of_fields() {
        let order = "struct Order {\n    merchant: String,\n    lines: u32,\n}\n";
        let rewrite = check(
            RULE,
            &format!(
                "{order}\nfn f(order: &Order, xs: &[u8], text: &mut String) {{\n    for x in xs {{\n        let heading = format!(\"{{}} {{}}\", order.merchant.to_uppercase(), order.lines);\n        text.push_str(&heading);\n        text.push(*x as char);\n    }}\n}}\n"
            ),
            &format!(
                "{order}\nfn f(order: &Order, xs: &[u8], text: &mut String) {{\n    let heading = format!(\"{{}} {{}}\", order.merchant.to_uppercase(), order.lines);\n    for x in xs {{\n        text.push_str(&heading);\n        text.push(*x as char);\n    }}\n}}\n"
            ),
        );
        assert!(rewrite.preconditions.iter().all(|p| p.answered_by != AnsweredBy::Type));
    }

    #[test]
    fn a_display_that_is_written_by_hand_is_refused() {
        check_refuses(
            RULE,
            "struct Id(u8);\nfn f(id: &Id, xs: &[String]) -> bool { xs.iter().any(|x| *x == id.to_string()) }",
            "`id` is of a type of the workspace, whose `Display` is written by hand",
        );
    }

    #[test]
    fn a_name_that_stands_for_something_else_outside_is_refused() {
        check_refuses(
            RULE,
            "fn f(email: &str, xs: &[String]) {\n    let a = 1;\n    for x in xs {\n        let a = email.to_lowercase();\n        g(&a, x);\n    }\n    h(a);\n}\n",
            "the name `a` is used outside of the loop too",
        );
    }
}
