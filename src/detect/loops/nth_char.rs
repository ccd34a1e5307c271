//! Loops that count through a text for each character they look at.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::peel;
use crate::source::usage::{self, How};
use crate::source::{SourceFile, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("nth-char-in-loop"),
    eye: Eye::Loops,
    kind: Kind::Quadratic,
    class: Class::B,
    title: "text counted through for each character",
    explain: EXPLAIN,
    triggers: &["nth"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds loops in which `text.chars().nth(i)` looks at a text that the loop leaves as it is.

## Why it costs

`nth(i)` decodes the i characters before: n rounds decode n²/2 characters.

## Before

```rust
while i < n {
    let c = text.chars().nth(i).unwrap();
    i += 1;
}
```

## After

```rust
let text_chars: Vec<char> = text.chars().collect();
while i < n {
    let c = text_chars.get(i).copied().unwrap();
    i += 1;
}
```

A reviewer accepts that the characters take four bytes each while the loop runs.

## When it is refused

The text changes in the loop or is made there; it is not a text of std (asked of rustc). Not reported: a fixed place (`nth(0)`).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found: Vec<(TextRange, Fact)> = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        for stmt in &block.stmts {
            let is_loop =
                matches!(stmt, syn::Stmt::Expr(syn::Expr::ForLoop(_) | syn::Expr::While(_) | syn::Expr::Loop(_), _));
            let around = file.range(stmt);
            for (text, fact) in if is_loop { counted(file, block, stmt) } else { Vec::new() } {
                // Outer loops come first: what stands before them stands before the inner ones.
                let is_known = |(known, other): &(TextRange, Fact)| {
                    known.contains(around) && other.word("text") == Some(text.as_str())
                };
                if !found.iter().any(is_known) {
                    found.push((around, fact));
                }
            }
        }
    }
    found.into_iter().map(|(_, fact)| fact).collect()
}

/// The texts that a loop counts through, by their spelling.
fn counted(file: &SourceFile, block: &syn::Block, stmt: &syn::Stmt) -> Vec<(String, Fact)> {
    let code = syn::Block { brace_token: block.brace_token, stmts: vec![stmt.clone()] };
    let all: Vec<_> = shapes::exprs(&code).into_iter().filter_map(|e| Some((e, looked_at(e)?))).collect();
    let mut found: Vec<(String, Fact)> = Vec::new();
    // Where the characters are made, their number is known, too.
    for (expr, (text, is_nth)) in all.iter().filter(|(_, (_, nth))| *nth).chain(all.iter().filter(|(_, (_, nth))| !nth))
    {
        let shown = file.on_one_line(file.range(*text));
        let known = found.iter_mut().find(|(known, _)| *known == shown);
        let capture = |fact: Fact| fact.capture(if *is_nth { "nth" } else { "count" }, file.range(*expr));
        match known {
            Some((_, fact)) => *fact = capture(fact.clone()),
            None if *is_nth && is_kept(file, &code, text) => {
                let message = format!("each round counts through `{shown}` from its start to find a character");
                let fact = Fact::at(file, file.range(*expr))
                    .capture("loop", file.range(stmt))
                    .capture("text", file.range(*text))
                    .note("text", shown.clone())
                    .note("message", message);
                found.push((shown, capture(fact)));
            }
            None => {}
        }
    }
    found
}

/// True if the loop leaves the text as it is.
fn is_kept(file: &SourceFile, code: &syn::Block, text: &syn::Expr) -> bool {
    let Some(place) = usage::place(text).filter(|p| p.is_plain) else { return false };
    let is_shared = matches!(types::type_of(file, text), Some(syn::Type::Reference(r)) if r.mutability.is_none());
    let is_calm =
        |u: &usage::Use| u.is_read() || (is_shared && matches!(u.how, How::Value | How::Iterated | How::Scrutinee));
    let of_root = usage::uses(file, code, &place.root);
    let mut of_text = of_root.iter().filter(|u| usage::may_overlap(&place, &place.root, &u.fields));
    usage::bindings(file, code, &place.root).is_empty() && of_text.all(is_calm)
}

/// `text.chars().nth(i)`, or `text.chars().count()`.
fn looked_at(expr: &syn::Expr) -> Option<(&syn::Expr, bool)> {
    let syn::Expr::MethodCall(call) = expr else { return None };
    let is_nth = call.method == "nth" && call.args.len() == 1 && !matches!(peel(&call.args[0]), syn::Expr::Lit(_));
    let is_count = call.method == "count" && call.args.is_empty();
    let chars = shapes::method(&call.receiver, "chars", 0).filter(|_| is_nth || is_count)?;
    Some((&*chars.receiver, is_nth))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_a_loop_counts_through_a_text() {
        for text in [
            "fn f(t: &str, n: usize) { let mut i = 0; while i < n { g($0t.chars().nth(i)$0.unwrap()); i += 1; } }",
            "fn f(t: &str) { for i in 0..t.chars().count() { if let Some(c) = $0t.chars().nth(i)$0 { g(c); } } }",
            "fn f(t: &str) { let mut i = 0; while i < t.chars().count() { g($0t.chars().nth(i)$0); i += 1; } }",
            "fn f(t: &String, xs: &[usize]) { for x in xs { let c = $0t.chars().nth(*x)$0.unwrap_or(' '); g(c, t.len()); } }",
            "impl S { fn f(&self) { for i in 0..self.n { if $0self.name.chars().nth(i)$0 == Some('a') { g(); } } } }",
            "fn f(t: &str, n: usize) { for i in 1..n { let (a, b) = ($0t.chars().nth(i - 1)$0, t.chars().nth(i)); g(a, b); } }",
            "fn f(t: &str, n: usize) { for i in 0..n { for j in 0..n { g(i, $0t.chars().nth(j)$0); } } }",
            "fn f(t: &str, n: usize) { for i in 0..n { h(t); g($0t.chars().nth(i)$0); } }",
            "fn f(t: &str) { let mut i = 0; loop { match $0t.chars().nth(i)$0 { Some(c) => g(c), None => break } i += 1; } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(t: &str, i: usize) { g(t.chars().nth(i)); }",
                "fn f(t: &str) { for x in 0..3 { g(t.chars().nth(0), x); } }",
                "fn f(ts: &[String], i: usize) { for t in ts { g(t.chars().nth(i)); } }",
                "fn f(ts: &[String]) { for i in 0..3 { g(ts[i].chars().nth(i)); } }",
                "fn f(mut t: String, n: usize) { for i in 0..n { g(t.chars().nth(i)); t.push('a'); } }",
                "fn f(t: &mut String, n: usize) { for i in 0..n { g(t.chars().nth(i)); t.pop(); } }",
                "fn f(mut t: &str, n: usize) { for i in 0..n { g(t.chars().nth(i)); t = &t[1..]; } }",
                "fn f(mut t: String, n: usize) { for i in 0..n { g(t.chars().nth(i)); fill(&mut t); } }",
                "fn f(t: &str, n: usize) { for i in 0..n { g(t.chars().rev().nth(i)); } }",
                "fn f(t: &str, n: usize) { for i in 0..n { g(t.chars().skip(1).nth(i)); } }",
                "fn f(t: &str, n: usize) { for i in 0..n { g(t.bytes().nth(i)); } }",
                "fn f(t: &T, n: usize) { for i in 0..n { g(t.text().chars().nth(i)); } }",
                "fn f(t: &str, n: usize) { let mut cs = t.chars(); for i in 0..n { g(cs.nth(i)); } }",
                "fn f(t: &str, n: usize) { for i in 0..n { let t = t.trim(); g(t.chars().nth(i)); } }",
                "fn f(t: &str) { for i in 0..9 { g(t.chars().count()); } }",
                "#[test] fn f() { for i in 0..n { g(t.chars().nth(i)); } }",
            ],
        );
    }
}
