//! `if x.is_some()` with an `x.unwrap()` inside, which asks a second time what is known.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::peel;
use crate::source::usage::{self, How, Use};
use crate::source::{self, SourceFile, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("checked-then-unwrapped"),
    eye: Eye::Errors,
    kind: Kind::DefensiveRedundancy,
    class: Class::A,
    title: "option checked and then unwrapped",
    explain: EXPLAIN,
    triggers: &["unwrap", "expect", "unwrap_err", "expect_err"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `if place.is_some() { … place.unwrap() … }` (and `is_ok`, `is_err`, `expect`, `as_ref().unwrap()`, `as_mut`, `clone`), where
nothing in between changes the place; the same in the `else` of `is_none()`, and between other conditions.

## Why it costs

The value is looked at twice, and the second look carries a branch to a panic with its text. Where rustc cannot see that
both are the same, both stay in the machine code.

## Before

```rust
if limit.is_some() {
    check(amount, limit.unwrap());
}
```

## After

```rust
if let Some(limit_value) = limit {
    check(amount, limit_value);
}
```

## When it is refused

The place is used in another way inside the branch (assigned, taken, borrowed as `&mut`, hidden in a macro or a closure);
it is computed anew by each call; some unwraps look through `as_ref()` and others do not; the type is not the `Option` or
`Result` of std (asked of rustc). Between other conditions, where the edition (before 2024) or the promised Rust (before 1.88)
has no `let` there.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        // Only what this block holds itself: inner blocks are visited on their own.
        for node in block.stmts.iter().flat_map(shapes::own_ifs) {
            found.extend(checked(file, node).or_else(|| checked_the_other_way(file, node)));
        }
    }
    found
}

/// `if … && place.is_some() && … { unwraps }`.
fn checked(file: &SourceFile, node: &syn::ExprIf) -> Option<Fact> {
    let conditions = shapes::conjuncts(&node.cond);
    if conditions.len() > 1 && !shapes::may_chain(file) {
        return None;
    }
    conditions.iter().enumerate().find_map(|(at, cond)| {
        let (variant, looked_at) = asked(cond)?;
        let code = shapes::joined(&conditions[at + 1..], &node.then_branch);
        fact(file, file.range(*cond), variant, looked_at, &code)
    })
}

/// `if place.is_none() { … } else { unwraps }`.
fn checked_the_other_way(file: &SourceFile, node: &syn::ExprIf) -> Option<Fact> {
    let other = shapes::else_block(node)?;
    let (variant, looked_at) = asked(&node.cond)?;
    let opposite = match variant {
        "none" => "some",
        "err" => "ok",
        "ok" => "err",
        _ => return None,
    };
    let whole = |block: &syn::Block| file.span_range(block.brace_token.span.join());
    let fact = fact(file, file.range(&*node.cond), opposite, looked_at, other)?;
    Some(
        fact.capture("whole", file.range(node))
            .capture("first", whole(&node.then_branch))
            .capture("second", whole(other)),
    )
}

/// What a condition says of a place: `some`, `none`, `ok` or `err`.
fn asked(cond: &syn::Expr) -> Option<(&'static str, &syn::Expr)> {
    const OPPOSITE: &[(&str, &str)] = &[("some", "none"), ("none", "some"), ("ok", "err"), ("err", "ok")];
    if let Some(denied) = shapes::denied(cond) {
        let (variant, place) = asked(denied)?;
        return Some((OPPOSITE.iter().find(|(v, _)| *v == variant)?.1, place));
    }
    match peel(cond) {
        syn::Expr::MethodCall(call) if call.args.is_empty() => {
            let name = call.method.to_string();
            let variant = OPPOSITE.iter().map(|(v, _)| *v).find(|v| name.strip_prefix("is_") == Some(v))?;
            Some((variant, &call.receiver))
        }
        syn::Expr::Let(node) => {
            let syn::Pat::TupleStruct(t) = &*node.pat else { return None };
            let is_open = matches!(t.elems.first(), Some(syn::Pat::Wild(_))) && t.elems.len() == 1;
            let variant = [("Some", "some"), ("Ok", "ok"), ("Err", "err")].iter().find(|(v, _)| t.path.is_ident(v))?.1;
            is_open.then_some((variant, &*node.expr))
        }
        _ => None,
    }
}

fn fact(
    file: &SourceFile,
    site: TextRange,
    variant: &'static str,
    looked_at: &syn::Expr,
    code: &syn::Block,
) -> Option<Fact> {
    let place = usage::place(looked_at).filter(|p| p.is_plain && variant != "none")?;
    if !usage::bindings(file, code, &place.root).is_empty() {
        return None;
    }
    let uses = usage::uses(file, code, &place.root);
    let (of_place, others): (Vec<&Use>, Vec<&Use>) = uses
        .iter()
        .filter(|u| usage::may_overlap(&place, &place.root, &u.fields))
        .partition(|u| u.fields == place.fields);
    // `self.check()` may change what `self.limit` holds.
    let is_quiet_around = others.iter().all(|u| match &u.how {
        How::Method(name) => place.root == "self" && !source::takes_self_mutably(file, name) && u.fields.is_empty(),
        _ => false,
    });
    let exprs = shapes::exprs(code);
    let unwraps: Option<Vec<Unwrap>> = of_place.iter().map(|u| unwrap(file, &exprs, u, variant)).collect();
    let unwraps = unwraps.filter(|found| !found.is_empty() && is_quiet_around)?;
    let way = unwraps[0].way;
    if unwraps.iter().any(|u| u.way != way) {
        return None;
    }
    let shown = file.text_of(looked_at);
    let message = format!("`{shown}` is checked and then unwrapped: `if let` looks once");
    let mut fact = Fact::at(file, site)
        .capture(variant, file.range(looked_at))
        .capture(way, file.range(looked_at))
        .note("message", message);
    for unwrap in unwraps {
        fact = fact.capture(if unwrap.is_clone { "cloned" } else { "unwrap" }, unwrap.whole);
    }
    Some(fact)
}

struct Unwrap {
    whole: TextRange,
    /// `by-value`, `by-reference` (`as_ref`, `clone`), `by-mutable` (`as_mut`), `by-deref` (`as_deref`).
    way: &'static str,
    is_clone: bool,
}

/// `place.unwrap()`, `place.as_ref().unwrap()` and their like as expressions of their own.
fn unwrap(file: &SourceFile, exprs: &[&syn::Expr], u: &Use, variant: &str) -> Option<Unwrap> {
    let How::Method(method) = &u.how else { return None };
    if u.is_captured {
        return None;
    }
    exprs.iter().find_map(|expr| match expr {
        syn::Expr::MethodCall(call) if is_unwrap(call, variant) => {
            let receiver = file.range(&*call.receiver);
            let way = if call.method == method.as_str() && receiver == u.place {
                Some("by-value")
            } else if receiver == u.whole {
                match method.as_str() {
                    "as_ref" | "clone" => Some("by-reference"),
                    "as_mut" => Some("by-mutable"),
                    "as_deref" => Some("by-deref"),
                    _ => None,
                }
            } else {
                None
            };
            Some(Unwrap { whole: file.range(call), way: way?, is_clone: method == "clone" })
        }
        _ => None,
    })
}

fn is_unwrap(call: &syn::ExprMethodCall, variant: &str) -> bool {
    let (unwrap, expect) = if variant == "err" { ("unwrap_err", "expect_err") } else { ("unwrap", "expect") };
    (call.method == unwrap && call.args.is_empty())
        || (call.method == expect && call.args.len() == 1 && matches!(call.args[0], syn::Expr::Lit(_)))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_a_check_and_its_unwrap() {
        for text in [
            "fn f(x: Option<u8>) { if $0x.is_some()$0 { g(x.unwrap()); } }",
            "fn f(x: Result<u8, E>) { if $0x.is_ok()$0 { g(x.unwrap()); } }",
            "fn f(x: Option<u8>) -> u8 { if $0x.is_some()$0 { x.unwrap() } else { 0 } }",
            "fn f(o: &Order) { if $0o.limit.is_some()$0 { g(o.limit.unwrap()); h(o.limit.unwrap()); } }",
            "fn f(x: Option<String>) { if $0x.is_some()$0 { g(x.as_ref().unwrap()); h(&x.as_ref().unwrap().a); } }",
            "impl S { fn r(&self) {} fn f(&self) { if $0self.a.is_some()$0 { self.r(); g(self.a.expect(\"checked\")); } } }",
            "fn f(x: Option<u8>, y: Option<u8>) { if y.is_some() { h(); } else if $0x.is_some()$0 { g(x.unwrap()); } }",
            "fn f(x: Option<u8>) { let y = if $0x.is_some()$0 { x.unwrap() + 1 } else { 0 }; g(y); }",
            "fn f(xs: &[Option<u8>]) { for x in xs { if $0x.is_some()$0 { if a { g(x.unwrap()); } } } }",
            "fn f(x: Option<u8>) { if $0x.is_some()$0 && a() { g(x.unwrap()); } }",
            "fn f(x: Option<u8>) { if a() && $0x.is_some()$0 && x.unwrap() > 1 { g(x.unwrap()); } }",
            "fn f(p: &P) { if $0p.memo.is_some()$0 && p.n != 0 { let m = p.memo.as_ref().unwrap(); g(m); } else { h(); } }",
            "fn f(x: Option<u8>) -> u8 { if $0x.is_none()$0 { 0 } else { x.unwrap() } }",
            "fn f(x: Option<u8>) -> u8 { return if $0!x.is_none()$0 { x.unwrap() } else { 0 }; }",
            "fn f(x: Result<u8, E>) { if $0x.is_err()$0 { log(x.unwrap_err()); } else { h(); } }",
            "fn f(x: Result<u8, E>) { if $0x.is_err()$0 { log(); } else { h(x.unwrap()); } }",
            "fn f(x: Option<u8>) { if $0let Some(_) = x$0 { g(x.unwrap()); } }",
            "fn f(s: &mut S) { if $0s.last.is_some()$0 { s.last.as_mut().unwrap().n += 1; } }",
            "fn f(s: &S) { if $0s.name.is_some()$0 { g(s.name.clone().unwrap(), s.name.as_ref().unwrap().len()); } }",
            "fn f(s: &S) { if $0s.name.is_some()$0 { g(s.name.as_deref().unwrap()); } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Not unwrapped inside, or only after.
                "fn f(x: Option<u8>) { if x.is_some() { g(x); } }",
                "fn f(x: Option<u8>) { if x.is_some() { h(); } g(x.unwrap()); }",
                "fn f(x: Option<u8>) { if x.is_some() { h(); } else { g(x.unwrap()); } }",
                "fn f(x: Option<u8>, y: Option<u8>) { if x.is_some() { g(y.unwrap()); } }",
                // Changed, taken or replaced in between.
                "fn f(mut x: Option<u8>) { if x.is_some() { x = None; g(x.unwrap()); } }",
                "fn f(mut x: Option<u8>) { if x.is_some() { g(x.take().unwrap()); } }",
                "fn f(mut x: Option<u8>) { if x.is_some() { change(&mut x); g(x.unwrap()); } }",
                "impl S { fn f(&mut self) { if self.a.is_some() { self.refill(); g(self.a.unwrap()); } } fn refill(&mut self) {} }",
                "fn f(o: &mut O) { if o.a.is_some() { o.refill(); g(o.a.unwrap()); } }",
                // Computed anew: each call may answer otherwise.
                "fn f() { if next().is_some() { g(next().unwrap()); } }",
                "fn f(q: &Queue) { if q.peek().is_some() { g(q.pop().unwrap()); } }",
                "fn f(m: &Map) { if m.get(1).is_some() { g(m.get(1).unwrap()); } }",
                "fn f(v: &[Option<u8>], i: usize) { if v[i].is_some() { g(v[i].unwrap()); } }",
                // More is asked than that.
                "fn f(x: Option<u8>) { if x.is_some() || a() { g(x.unwrap()); } }",
                "fn f(mut x: Option<u8>) { if x.is_some() && x.take() == y { g(x.unwrap()); } }",
                "fn f(x: Option<u8>) { if x.is_none() && a() { h(); } else { g(x.unwrap()); } }",
                "fn f(x: Result<u8, E>) { if x.is_ok() { h(); } else { g(x.unwrap()); } }",
                "fn f(x: Result<u8, E>) { if x.is_err() { g(x.err().unwrap()); } }",
                "fn f(s: &mut S) { if s.a.is_some() { g(s.a.as_mut().unwrap(), s.a.as_ref().unwrap()); } }",
                "fn f(x: Option<u8>) { if let Some(1) = x { g(x.unwrap()); } }",
                "fn f(x: Option<u8>) { if !x.is_some() { g(x.unwrap()); } }",
                "fn f(x: Option<u8>) { while x.is_some() { g(x.unwrap()); } }",
                // Hidden, shadowed, mixed.
                "fn f(x: Option<u8>) { if x.is_some() { m!(x.unwrap()); } }",
                "fn f(x: Option<u8>) { if x.is_some() { let x = y(); g(x.unwrap()); } }",
                "fn f(x: Option<S>) { if x.is_some() { g(x.as_ref().unwrap()); h(x.unwrap()); } }",
                "fn f(x: Option<S>) { if x.is_some() { spawn(move || g(x.unwrap())); } }",
                "fn f(x: Option<S>) { if x.is_some() { g(x.unwrap_or_default()); } }",
                "#[test] fn f() { if x.is_some() { g(x.unwrap()); } }",
            ],
        );
    }
}
