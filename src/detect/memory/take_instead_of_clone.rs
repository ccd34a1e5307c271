//! A copy of a buffer that is emptied on the next line: it could have been taken.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::names::peel;
use crate::source::{SourceFile, shapes, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("take-instead-of-clone"),
    eye: Eye::Memory,
    kind: Kind::DefensiveCopy,
    class: Class::A,
    title: "copy of what is emptied on the next line",
    explain: EXPLAIN,
    triggers: &["clone"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let batch = place.clone();` with `place.clear();` (or `place = Vec::new();`, `String::new()`) as the next statement, or
a few statements on where those in between neither touch the place nor call anything that might fail.

## Why it costs

All elements are copied, with an allocation for each text in them, and the originals are dropped at once.

## Before

```rust
let batch = self.pending.clone();
self.pending.clear();
```

## After

```rust
let batch = std::mem::take(&mut self.pending);
```

The place is left empty and without room: what fills it next allocates, as the copy did.

## When it is refused

The place is not a `String`, `Vec` or map of std over plain data (asked of rustc), for which taking and copying look alike.
";

/// How many statements on the place may be emptied.
const NEAR: usize = 4;

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        for (index, stmt) in block.stmts.iter().enumerate() {
            let after = &block.stmts[index + 1..];
            let at = (0..after.len().min(NEAR)).find_map(|at| copied(file, stmt, &after[..at], &after[at]));
            found.extend(at);
        }
    }
    found
}

fn copied(file: &SourceFile, copy: &syn::Stmt, between: &[syn::Stmt], next: &syn::Stmt) -> Option<Fact> {
    let bound = shapes::plain_let(copy)?;
    let clone = shapes::method(bound.value, "clone", 0)?;
    let place = usage::place(&clone.receiver).filter(|p| p.is_plain)?;
    let syn::Stmt::Expr(emptied, Some(_)) = next else { return None };
    if !is_emptied(emptied, &clone.receiver) || !leave_alone(file, between, &place) {
        return None;
    }
    let shown = file.text_of(&clone.receiver);
    Some(
        Fact::at(file, file.range(clone))
            .capture("place", file.range(&*clone.receiver))
            .capture("emptied", file.range(next))
            .note("message", format!("all of `{shown}` is copied, and the original thrown away on the next line")),
    )
}

/// True if statements always reach their end, and neither look at the place nor change it.
fn leave_alone(file: &SourceFile, between: &[syn::Stmt], place: &usage::PlacePath) -> bool {
    let block = syn::Block { brace_token: Default::default(), stmts: between.to_vec() };
    // What is called might fail, or reach the place by another way.
    let is_harmless = |expr: &&syn::Expr| match expr {
        syn::Expr::MethodCall(call) => usage::is_reading_method(&call.method.to_string()),
        syn::Expr::Call(_) | syn::Expr::Loop(_) | syn::Expr::While(_) | syn::Expr::Index(_) => false,
        _ => true,
    };
    let is_apart = usage::uses(file, &block, &place.root)
        .iter()
        .all(|u| !usage::may_overlap(place, &place.root, &u.fields) && u.how != usage::How::Opaque);
    let is_bound = usage::bindings(file, &block, &place.root).is_empty();
    shapes::exits(&block).is_empty() && shapes::exprs(&block).iter().all(is_harmless) && is_apart && is_bound
}

/// `place.clear()` or `place = Vec::new()`.
fn is_emptied(expr: &syn::Expr, place: &syn::Expr) -> bool {
    if let Some(call) = shapes::method(expr, "clear", 0) {
        return shapes::same(peel(&call.receiver), peel(place));
    }
    let syn::Expr::Assign(assign) = expr else { return false };
    let is_new = |owner: &str| shapes::call(&assign.right, &[owner, "new"]).is_some_and(|c| c.args.is_empty());
    let is_empty = ["Vec", "String", "HashMap", "BTreeMap", "HashSet", "BTreeSet"].iter().any(|owner| is_new(owner))
        || shapes::macro_call(&assign.right, "vec").is_some_and(|mac| mac.tokens.is_empty());
    is_empty && shapes::same(peel(&assign.left), peel(place))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_the_original_is_emptied() {
        for text in [
            "impl S { fn f(&mut self) -> V { let b = $0self.pending.clone()$0; self.pending.clear(); b } }",
            "fn f(v: &mut Vec<u8>) { let w = $0v.clone()$0; v.clear(); g(w); }",
            "fn f(s: &mut S) { let t = $0s.text.clone()$0; s.text = String::new(); g(t); }",
            "fn f(s: &mut S) { let t = $0s.all.clone()$0; s.all = Vec::new(); g(t); }",
            "fn f(s: &mut S) { let t = $0s.all.clone()$0; s.all = vec![]; g(t); }",
            "fn f(s: &mut S) { let mut t = $0s.map.clone()$0; s.map = std::collections::HashMap::new(); t.remove(1); }",
            "fn f(s: &mut S) { let t: Vec<u8> = $0s.all.clone()$0; s.all.clear(); g(t); }",
            "impl S { fn f(&mut self) -> V { let b = $0self.pending.clone()$0; self.landed += b.len(); self.pending.clear(); b } }",
            "fn f(s: &mut S) { let t = $0s.all.clone()$0; s.count = t.len(); debug!(\"{} left\", t.len()); s.all = Vec::new(); g(t); }",
            "fn f(s: &mut S) { if s.full() { let t = $0s.all.clone()$0; s.all.clear(); g(t); } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(s: &mut S) { let t = s.all.clone(); g(t); }",
                "fn f(s: &mut S) { let t = s.all.clone(); s.other.clear(); g(t); }",
                "fn f(s: &mut S) { let t = s.all.clone(); g(&s.all); s.all.clear(); h(t); }",
                "fn f(s: &mut S) { let t = s.all.clone(); s.n = s.all.len(); s.all.clear(); h(t); }",
                "fn f(s: &mut S) { let t = s.all.clone(); send(&t); s.all.clear(); h(t); }",
                "fn f(s: &mut S) -> R { let t = s.all.clone(); s.n = limit?; s.all.clear(); h(t) }",
                "fn f(s: &mut S) { let t = s.all.clone(); if t.is_empty() { return; } s.all.clear(); h(t); }",
                "fn f(s: &mut S) { let t = s.all.clone(); s.tidy(); s.all.clear(); h(t); }",
                "impl S { fn f(&mut self) { let t = self.all.clone(); self.tidy(); self.all.clear(); h(t); } }",
                "fn f(s: &mut S) { let t = s.all.clone(); check!(s); s.all.clear(); h(t); }",
                "fn f(s: &mut S) { let t = s.all.clone(); let s = other(); s.all.clear(); h(t); }",
                "async fn f(s: &mut S) { let t = s.all.clone(); s.n = tick.await; s.all.clear(); h(t); }",
                "fn f(s: &mut S) { let t = s.all.clone(); s.all.truncate(1); g(t); }",
                "fn f(s: &mut S) { let t = s.all.clone(); s.all = make(); g(t); }",
                "fn f(s: &mut S) { let t = s.all.clone(); s.all = vec![1]; g(t); }",
                "fn f(s: &mut S) { let t = s.all.clone(); s.all = Vec::with_capacity(9); g(t); }",
                "fn f(s: &mut S) { let t = s.all().clone(); s.all().clear(); g(t); }",
                "fn f(s: &mut S, i: usize) { let t = s.all[i].clone(); s.all[i].clear(); g(t); }",
                "fn f(s: &mut S) { let t = s.all.clone().len(); s.all.clear(); g(t); }",
                "fn f(s: &mut S) { let t = std::mem::take(&mut s.all); g(t); }",
                "fn f(s: &mut S) { s.all.clear(); let t = s.all.clone(); g(t); }",
                "fn f(s: &mut S) { let (t, u) = (s.all.clone(), 1); s.all.clear(); g(t, u); }",
                "fn f(s: &mut S) { let t = s.all.to_vec(); s.all.clear(); g(t); }",
                "#[test] fn f() { let t = s.all.clone(); s.all.clear(); g(t); }",
            ],
        );
    }
}
