//! Texts of panics that are formatted whether anything panics or not.

use super::eager_error_text::only_looks;
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::usage::{self, How};
use crate::source::{SourceFile, names, pure, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("formatted-expect"),
    eye: Eye::Errors,
    kind: Kind::ErrorLadder,
    class: Class::B,
    title: "text of a panic formatted before anything panics",
    explain: EXPLAIN,
    triggers: &["expect"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `option.expect(&format!(…))`, also where the text has a name of its own in the statement before.

## Why it costs

The text is formatted and allocated on every call, and freed unread on all that find a value.

## Before

```rust
let uri = self.variants.get(rate).expect(&format!(\"no variant for bit rate {rate}\"));
```

## After

```rust
let uri = self.variants.get(rate).unwrap_or_else(|| panic!(\"no variant for bit rate {rate}\"));
```

## When it is refused

It is no `Option` (asked of rustc); something in the text does more than look, or changes in between; the text is used elsewhere; an
edition before 2021, in which `panic!` with a text alone formats nothing; a comment stands in what goes.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for function in words::functions_with(file, RULE.triggers).filter(|f| f.sig.constness.is_none()) {
        found.extend(shapes::exprs(function.block).into_iter().filter_map(|expr| direct(file, expr)));
        for block in shapes::blocks_in(function.block) {
            found.extend(block.stmts.windows(2).enumerate().filter_map(|(at, _)| named(file, block, at)));
        }
    }
    found
}

/// `option.expect(&format!(…))`
fn direct(file: &SourceFile, expr: &syn::Expr) -> Option<Fact> {
    let (call, text) = expected(expr)?;
    let format = shapes::macro_call(text, "format").filter(|format| only_looks(format))?;
    Some(fact(file, call, format))
}

/// `let text = format!(…);` and `option.expect(&text)` in the next statement.
fn named(file: &SourceFile, block: &syn::Block, at: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[at]).filter(|l| !l.is_mut && l.ty.is_none())?;
    let format = shapes::macro_call(bound.value, "format").filter(|format| only_looks(format))?;
    let rest = shapes::rest(block, at);
    let name = bound.name.to_string();
    let uses = usage::uses(file, &rest, &name);
    let [only] = uses.as_slice() else { return None };
    let next = &block.stmts[at + 1];
    let is_lent = matches!(only.how, How::Read | How::Method(_)) && only.is_bare && !only.is_captured;
    if shapes::count(&rest, &name) != 1 || !is_lent || !file.range(next).contains(only.name) {
        return None;
    }
    let call = shapes::exprs_of(next)
        .into_iter()
        .filter_map(expected)
        .find_map(|(call, text)| (names::plain_name(text).is_some_and(|n| n == name.as_str())).then_some(call))?;
    if repeats(file, next, file.range(call)) || !pure::keeps_roots(file, bound.value, std::slice::from_ref(next)) {
        return None;
    }
    Some(fact(file, call, format).capture("let", file.range(bound.local)))
}

/// The call of `expect` and the text that it borrows.
fn expected(expr: &syn::Expr) -> Option<(&syn::ExprMethodCall, &syn::Expr)> {
    let syn::Expr::MethodCall(call) = expr else { return None };
    if call.method != "expect" || call.args.len() != 1 {
        return None;
    }
    let text = match &call.args[0] {
        syn::Expr::Reference(lent) if lent.mutability.is_none() => &*lent.expr,
        syn::Expr::MethodCall(lent) if lent.method == "as_str" && lent.args.is_empty() => &*lent.receiver,
        _ => return None,
    };
    Some((call, text))
}

/// True if a place inside a statement may be reached more than once, or later than the statement.
fn repeats(file: &SourceFile, stmt: &syn::Stmt, at: TextRange) -> bool {
    shapes::exprs_of(stmt).into_iter().any(|expr| {
        let is_around = matches!(
            expr,
            syn::Expr::ForLoop(_)
                | syn::Expr::While(_)
                | syn::Expr::Loop(_)
                | syn::Expr::Closure(_)
                | syn::Expr::Async(_)
        );
        is_around && file.range(expr).contains(at)
    })
}

fn fact(file: &SourceFile, call: &syn::ExprMethodCall, format: &syn::Macro) -> Fact {
    let site = TextRange { start: file.span_range(call.method.span()).start, end: file.range(call).end };
    Fact::at(file, site)
        .capture("option", file.range(&*call.receiver))
        .capture("format", file.range(format))
        .note("message", "the text is formatted and freed unread by every call that finds a value")
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_texts_that_only_a_panic_needs() {
        for text in [
            "fn f(m: &M, k: u8) -> u8 { *m.get(&k).$0expect(&format!(\"no {k}\"))$0 }",
            "fn f(s: &S, k: u8) -> &V { s.all.get(&k).$0expect(format!(\"no {k} of {}\", s.name).as_str())$0 }",
            "fn f(s: &S, k: u8) -> &V { let text = format!(\"no {k} of {}\", s.all.len()); let v = s.all.get(&k).$0expect(&text)$0; v }",
            "fn f(s: &S) { for k in &s.keys { let text = format!(\"no {k}\"); g(s.all.get(k).$0expect(text.as_str())$0); } }",
            "fn f(m: &M) -> V { m.iter().map(|k| find(k).$0expect(&format!(\"no {k}\"))$0).collect() }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(m: &M, k: u8) -> u8 { *m.get(&k).expect(\"a value\") }",
                "fn f(m: &M, k: u8) -> u8 { *m.get(&k).unwrap_or_else(|| panic!(\"no {k}\")) }",
                "fn f(m: &M, k: u8) -> u8 { *m.get(&k).expect(&NAMES[k]) }",
                // It does more than look.
                "fn f(m: &M, s: &S) -> u8 { *m.get(&1).expect(&format!(\"no {}\", s.next_id())) }",
                // Used elsewhere, or later.
                "fn f(m: &M, k: u8) -> u8 { let t = format!(\"no {k}\"); let v = m.get(&k).expect(&t); log(&t); *v }",
                "fn f(m: &M, k: u8) -> u8 { let t = format!(\"no {k}\"); other(); *m.get(&k).expect(&t) }",
                "fn f(m: &M, k: u8) -> V { let t = format!(\"no {k}\"); k.iter().map(|x| m.get(x).expect(&t)).collect() }",
                "fn f(m: &M, k: u8) { let t = format!(\"no {k}\"); for x in k { m.get(x).expect(&t); } }",
                // What it is made of changes first.
                "fn f(m: &mut M) -> u8 { let t = format!(\"none of {}\", m.left); m.take().expect(&t) }",
                "#[test] fn f() { m.get(&k).expect(&format!(\"no {k}\")); }",
            ],
        );
    }
}
