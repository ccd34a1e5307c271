//! A default that is computed although the value is there in; the method that computes it only where it is needed out.

use super::{Draft, Recipe, borrow, file_of, hoist, holds, probe, short, std_types};
use crate::model::{Finding, Precondition, ProbeQuestion, RuleId, TextEdit, TextRange};
use crate::source::too_early::lazy_form;
use crate::source::{SourceFile, expr_at, lexer, types};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("eager-default"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (method, argument, value) = (captured("method")?, captured("argument")?, captured("value")?);
    let Some(syn::Expr::MethodCall(call)) = expr_at(file, finding.range) else {
        return Err("the call is gone".to_owned());
    };
    let lazy = lazy_form(call).ok_or("the method is another now")?;
    let takes_error = lazy != "ok_or_else" && gives_result(file, &call.receiver);
    let head = if takes_error { "|_| " } else { "|| " };
    let mut edits = vec![TextEdit { range: method, text: lazy.to_owned() }];
    match finding.capture("binding") {
        None => edits.push(TextEdit { range: TextRange { end: argument.start, ..argument }, text: head.to_owned() }),
        Some(binding) => {
            let (lines, comments) = hoist::lines_of(file, binding);
            let is_alone = hoist::stands_alone(file, binding);
            let has_comments = !comments.is_empty() || !lexer::comments(file.slice(binding)).is_empty();
            if has_comments || !is_alone || file.slice(value).contains('\n') {
                return Err("the value spans lines, or a comment stands by it".to_owned());
            }
            edits.push(TextEdit { range: lines, text: String::new() });
            edits.push(TextEdit { range: argument, text: format!("{head}{}", file.slice(value)) });
        }
    }
    Ok(Draft {
        title: format!("compute the default only where it is needed in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds("the default is computed from its inputs alone, and nothing changes those before it is needed"),
            is_known(file, &call.receiver, lazy, takes_error),
            borrow("a closure may look at what the default is computed from"),
        ],
        obligations: vec![
            "the default is not computed where it is not needed: nor is there a panic, as of an overflow, in computing it"
                .to_owned(),
        ],
        ..Draft::default()
    })
}

/// The question to rustc whether the receiver is of the type of std that has both methods.
fn is_known(file: &SourceFile, receiver: &syn::Expr, lazy: &str, is_result: bool) -> Precondition {
    let range = file.range(receiver);
    match (lazy, receiver) {
        ("then", _) => {
            let text = format!("`{}` is a `bool`", file.on_one_line(range));
            probe(file, text, range, ProbeQuestion::IsType("bool".to_owned()))
        }
        ("or_insert_with", syn::Expr::MethodCall(entry)) if entry.method == "entry" => {
            std_types::is_one(file, file.range(&*entry.receiver), &std_types::MAP)
        }
        _ if is_result => std_types::is_one(file, range, &std_types::RESULT),
        _ => std_types::is_one(file, range, &std_types::OPTION),
    }
}

/// True if the text says that an expression is a `Result`: its type, or a method or function of std that gives one.
fn gives_result(file: &SourceFile, receiver: &syn::Expr) -> bool {
    if let Some(ty) = types::type_of(file, receiver) {
        return types::head(types::strip(&ty)).is_some_and(|head| head.ends_with("Result"));
    }
    match receiver {
        syn::Expr::MethodCall(call) => {
            const GIVES: &[&str] =
                &["parse", "try_into", "map_err", "ok_or", "ok_or_else", "binary_search", "into_string"];
            let passes = ["map", "and_then", "or_else"].iter().any(|name| call.method == name);
            GIVES.iter().any(|name| call.method == name) || passes && gives_result(file, &call.receiver)
        }
        syn::Expr::Call(call) => match &*call.func {
            syn::Expr::Path(p) => {
                let last = p.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
                ["from_utf8", "try_from", "from_str", "read_to_string", "var"].contains(&last.as_str())
            }
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "eager-default";

    #[test]
    fn the_default_is_computed_where_it_is_needed() {
        let rewrite = check(
            RULE,
            "fn price(agreed: Option<u64>, table: &[u64]) -> u64 {
    let nearest = table.iter().fold(0, |a, b| a ^ b);
    // As agreed.
    agreed.unwrap_or(nearest) // or nearly
}
",
            "fn price(agreed: Option<u64>, table: &[u64]) -> u64 {
    // As agreed.
    agreed.unwrap_or_else(|| table.iter().fold(0, |a, b| a ^ b)) // or nearly
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (1, 3));
        check(
            RULE,
            "fn f(m: &mut HashMap<u8, String>, k: u8) {\n    m.entry(k).or_insert(format!(\n        \"{k}\"\n    ));\n}\n",
            "fn f(m: &mut HashMap<u8, String>, k: u8) {\n    m.entry(k).or_insert_with(|| format!(\n        \"{k}\"\n    ));\n}\n",
        );
        check(
            RULE,
            "fn f(t: &str, xs: &[u64]) -> u64 {\n    t.parse().map_or(xs.iter().sum(), |n: u64| n + 1)\n}\n",
            "fn f(t: &str, xs: &[u64]) -> u64 {\n    t.parse().map_or_else(|_| xs.iter().sum(), |n: u64| n + 1)\n}\n",
        );
        check(
            RULE,
            "fn f(on: bool, xs: &[String]) -> Option<String> {\n    on.then_some(xs.concat())\n}\n",
            "fn f(on: bool, xs: &[String]) -> Option<String> {\n    on.then(|| xs.concat())\n}\n",
        );
    }

    #[test]
    fn a_comment_by_the_value_is_not_lost() {
        check_refuses(
            RULE,
            "fn f(o: Option<u64>, xs: &[u64]) -> u64 {\n    // Of all.\n    let n = xs.iter().sum();\n    o.unwrap_or(n)\n}\n",
            "the value spans lines, or a comment stands by it",
        );
    }
}
