//! `if x.is_none() { return … }` with `x.unwrap()` on the next line, which asks a second time what is known.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::{SourceFile, shapes, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("guard-then-unwrap"),
    eye: Eye::Errors,
    kind: Kind::DefensiveRedundancy,
    class: Class::A,
    title: "checked for none, left, and then unwrapped",
    explain: EXPLAIN,
    triggers: &["is_none"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `if place.is_none() { … leave … }` with `let value = place.unwrap();` as the next statement.

## Why it costs

The option is looked at twice, and the second look carries a branch to a panic with its text.

## Before

```rust
if order.limit.is_none() {
    return Ok(());
}
let limit = order.limit.unwrap();
```

## After

```rust
let Some(limit) = order.limit else {
    return Ok(());
};
```

## When it is refused

The block does not leave, or looks at the option; the place is computed anew; it is not the `Option` of std itself (asked of
rustc); the package promises to build with a Rust older than 1.65.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        for pair in block.stmts.windows(2) {
            found.extend(guarded(file, &pair[0], &pair[1]));
        }
    }
    found
}

fn guarded(file: &SourceFile, guard: &syn::Stmt, next: &syn::Stmt) -> Option<Fact> {
    let syn::Stmt::Expr(syn::Expr::If(node), _) = guard else { return None };
    let check = shapes::method(&node.cond, "is_none", 0)?;
    let place = usage::place(&check.receiver).filter(|p| p.is_plain)?;
    let bound = shapes::plain_let(next).filter(|l| l.ty.is_none())?;
    let (inner, end) = shapes::fallible(file, bound.value);
    let is_unwrap = end.contains("unwrap") || end.contains("expect");
    let (inner, by_reference) = match shapes::method(inner, "as_ref", 0) {
        Some(call) => (&*call.receiver, true),
        None => (inner, false),
    };
    let is_same = shapes::same(inner, &check.receiver);
    let uses = usage::uses(file, &node.then_branch, &place.root);
    let is_left_alone = uses.iter().all(|u| !usage::may_overlap(&place, &place.root, &u.fields));
    if !is_unwrap || !is_same || !is_left_alone || node.else_branch.is_some() || !shapes::diverges(&node.then_branch) {
        return None;
    }
    let shown = file.text_of(&check.receiver);
    let range = crate::model::TextRange { start: file.range(guard).start, end: file.range(next).end };
    let mut fact = Fact::at(file, range)
        .capture("place", file.range(&check.receiver))
        .capture("name", file.span_range(bound.name.span()))
        .capture("block", file.span_range(node.then_branch.brace_token.span.join()))
        .note("message", format!("`{shown}` is checked and then unwrapped: `let … else` looks once"));
    if bound.is_mut {
        fact = fact.capture("mut", file.range(bound.local));
    }
    if by_reference {
        fact = fact.capture("by-reference", file.range(inner));
    }
    Some(fact)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_a_guard_and_its_unwrap() {
        for text in [
            "fn f(x: Option<u8>) -> u8 { $0if x.is_none() { return 0; } let v = x.unwrap();$0 v }",
            "fn f(o: &O) -> R { $0if o.limit.is_none() { return Err(E::Gone); } let limit = o.limit.unwrap();$0 Ok(limit) }",
            "fn f(xs: &[O]) { for x in xs { $0if x.a.is_none() { continue; } let a = x.a.expect(\"checked\");$0 g(a); } }",
            "fn f(x: Option<S>) -> u8 { $0if x.is_none() { log(); return 0; } let v = x.as_ref().unwrap();$0 v.n }",
            "impl S { fn f(&self) { $0if self.a.is_none() { return; } let a = self.a.unwrap();$0 g(a); } }",
            "fn f(x: Option<u8>) { loop { $0if x.is_none() { break } let v = x.unwrap();$0 g(v); } }",
            "fn f(x: Option<u8>) -> u8 { $0if x.is_none() { panic!(\"no x\"); } let mut v = x.unwrap();$0 v += 1; v }",
            "fn f(x: Option<u8>, y: u8) -> u8 { $0if x.is_none() { return y; } let x = x.unwrap();$0 x }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(x: Option<u8>) -> u8 { if x.is_none() { log(); } let v = x.unwrap(); v }",
                "fn f(x: Option<u8>) -> u8 { if x.is_none() { if a { return 0; } } let v = x.unwrap(); v }",
                "fn f(mut x: Option<u8>) -> u8 { if x.is_none() { x = Some(1); return 0; } let v = x.unwrap(); v }",
                "fn f(x: Option<u8>) -> u8 { if x.is_none() { return g(x); } let v = x.unwrap(); v }",
                "fn f(x: Option<u8>) -> u8 { if x.is_none() { return 0; } tick(); let v = x.unwrap(); v }",
                "fn f(x: Option<u8>) -> u8 { if x.is_some() { return 0; } let v = x.unwrap(); v }",
                "fn f(x: Option<u8>, y: Option<u8>) -> u8 { if x.is_none() { return 0; } let v = y.unwrap(); v }",
                "fn f() -> u8 { if next().is_none() { return 0; } let v = next().unwrap(); v }",
                "fn f(q: &Q) -> u8 { if q.peek().is_none() { return 0; } let v = q.pop().unwrap(); v }",
                "fn f(x: Option<u8>) -> u8 { if x.is_none() || a() { return 0; } let v = x.unwrap(); v }",
                "fn f(x: Option<u8>) -> u8 { if x.is_none() { return 0; } else { g(); } let v = x.unwrap(); v }",
                "fn f(x: Option<u8>) -> u8 { if x.is_none() { return 0; } let v = x.unwrap() + 1; v }",
                "fn f(x: Option<u8>) -> u8 { if x.is_none() { return 0; } let v = x.unwrap_or(1); v }",
                "fn f(x: Option<u8>) -> u8 { if x.is_none() { return 0; } let v: u8 = x.unwrap(); v }",
                "fn f(v: &[Option<u8>], i: usize) -> u8 { if v[i].is_none() { return 0; } let w = v[i].unwrap(); w }",
                "fn f(x: Option<u8>) -> R { if x.is_none() { return no(); } let v = x?; Ok(v) }",
                "#[test] fn f() { if x.is_none() { return; } let v = x.unwrap(); g(v); }",
            ],
        );
    }
}
