//! `if x.is_some()` with an `x.unwrap()` inside, which asks a second time what is known.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::usage::{self, How, Use};
use crate::source::{self, SourceFile, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("checked-then-unwrapped"),
    eye: Eye::Errors,
    kind: Kind::DefensiveRedundancy,
    class: Class::A,
    title: "option checked and then unwrapped",
    explain: EXPLAIN,
    triggers: &["is_some", "is_ok"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `if place.is_some() { … place.unwrap() … }` (and `is_ok`, `expect`, `as_ref().unwrap()`), where nothing in between
changes the place.

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
`Result` of std (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in shapes::blocks(file) {
        // Only what this block holds itself: inner blocks are visited on their own.
        for expr in block.stmts.iter().flat_map(own_ifs) {
            found.extend(checked(file, expr));
        }
    }
    found
}

/// The `if`s of a statement, those of an `else if` included, but not those inside their blocks.
fn own_ifs(stmt: &syn::Stmt) -> Vec<&syn::ExprIf> {
    let mut expr = match stmt {
        syn::Stmt::Expr(expr, _) => Some(expr),
        syn::Stmt::Local(local) => local.init.as_ref().map(|init| &*init.expr),
        _ => None,
    };
    let mut found = Vec::new();
    while let Some(syn::Expr::If(node)) = expr {
        found.push(node);
        expr = node.else_branch.as_ref().map(|(_, e)| &**e);
    }
    found
}

fn checked(file: &SourceFile, node: &syn::ExprIf) -> Option<Fact> {
    let (variant, check) = shapes::method(&node.cond, "is_some", 0)
        .map(|call| ("Some", call))
        .or_else(|| shapes::method(&node.cond, "is_ok", 0).map(|call| ("Ok", call)))?;
    let place = usage::place(&check.receiver).filter(|p| p.is_plain)?;
    let body = &node.then_branch;
    if !usage::bindings(file, body, &place.root).is_empty() {
        return None;
    }
    let uses = usage::uses(file, body, &place.root);
    let (of_place, others): (Vec<&Use>, Vec<&Use>) = uses
        .iter()
        .filter(|u| usage::may_overlap(&place, &place.root, &u.fields))
        .partition(|u| u.fields == place.fields);
    // `self.check()` may change what `self.limit` holds.
    let is_quiet_around = others.iter().all(|u| match &u.how {
        How::Method(name) => place.root == "self" && !source::takes_self_mutably(file, name) && u.fields.is_empty(),
        _ => false,
    });
    let unwraps: Option<Vec<Unwrap>> = of_place.iter().map(|u| unwrap(file, body, u)).collect();
    let unwraps = unwraps.filter(|found| !found.is_empty() && is_quiet_around)?;
    let by_reference = unwraps[0].by_reference;
    if unwraps.iter().any(|u| u.by_reference != by_reference) {
        return None;
    }
    let shown = file.text_of(&check.receiver);
    let message = format!("`{shown}` is checked and then unwrapped: `if let` looks once");
    let mut fact = Fact::at(file, file.range(&*node.cond))
        .capture(if variant == "Some" { "some" } else { "ok" }, file.range(&check.receiver))
        .note("message", message);
    if by_reference {
        fact = fact.capture("by-reference", file.range(&check.receiver));
    }
    for unwrap in unwraps {
        fact = fact.capture("unwrap", unwrap.whole);
    }
    Some(fact)
}

struct Unwrap {
    whole: TextRange,
    by_reference: bool,
}

/// `place.unwrap()` or `place.as_ref().unwrap()` as an expression of its own.
fn unwrap(file: &SourceFile, body: &syn::Block, u: &Use) -> Option<Unwrap> {
    let How::Method(method) = &u.how else { return None };
    if u.is_captured {
        return None;
    }
    shapes::exprs(body).into_iter().find_map(|expr| match expr {
        syn::Expr::MethodCall(call) if is_unwrap(call) => {
            let receiver = file.range(&*call.receiver);
            let direct = call.method == method.as_str() && receiver == u.place;
            let through = method == "as_ref" && receiver == u.whole;
            (direct || through).then(|| Unwrap { whole: file.range(call), by_reference: through })
        }
        _ => None,
    })
}

fn is_unwrap(call: &syn::ExprMethodCall) -> bool {
    (call.method == "unwrap" && call.args.is_empty())
        || (call.method == "expect" && call.args.len() == 1 && matches!(call.args[0], syn::Expr::Lit(_)))
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
                "fn f(x: Option<u8>) { if x.is_some() && a() { g(x.unwrap()); } }",
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
