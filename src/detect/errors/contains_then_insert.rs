//! `if !set.contains(x)` whose block begins with `set.insert(x)`, which would have said the same.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::names::peel;
use crate::source::{SourceFile, shapes, types, usage};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("contains-then-insert"),
    eye: Eye::Errors,
    kind: Kind::DefensiveRedundancy,
    class: Class::A,
    title: "set asked before the insertion that answers the same",
    explain: EXPLAIN,
    triggers: &["contains"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `if !set.contains(&x) { set.insert(x); … }`.

## Why it costs

The value is hashed, or compared down the tree, twice. `insert` says whether the value was new.

## Before

```rust
if !seen.contains(&order.id) {
    seen.insert(order.id);
    total += order.amount;
}
```

## After

```rust
if seen.insert(order.id) {
    total += order.amount;
}
```

## When it is refused

What is inserted is another value, or a copy that is made only where it is new (`x.clone()`): then every round would make
it. The value is computed. The set is not one of std (asked of rustc). The value is moved into the set and still used where
it was there already (rustc does not accept it).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in shapes::blocks(file) {
        for stmt in &block.stmts {
            if let syn::Stmt::Expr(syn::Expr::If(node), _) = stmt {
                found.extend(checked_insert(file, node));
            }
        }
    }
    found
}

fn checked_insert(file: &SourceFile, node: &syn::ExprIf) -> Option<Fact> {
    let syn::Expr::Unary(syn::ExprUnary { op: syn::UnOp::Not(_), expr, .. }) = &*node.cond else { return None };
    let check = shapes::method(expr, "contains", 1)?;
    let syn::Stmt::Expr(first, Some(_)) = node.then_branch.stmts.first()? else { return None };
    let insert = shapes::method(first, "insert", 1)?;
    let is_plain = usage::place(&check.receiver).is_some_and(|p| p.is_plain);
    let known = types::type_of(file, &check.receiver).and_then(|ty| types::head(types::strip(&ty)));
    let is_other = known.is_some_and(|head| !["HashSet", "BTreeSet"].contains(&head.as_str()));
    let (asked, inserted) = (&check.args[0], &insert.args[0]);
    let is_same_value = shapes::same(shapes::unreferenced(asked), peel(inserted))
        || matches!(peel(inserted), syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) && shapes::same(peel(&u.expr), peel(asked)));
    if !is_plain || is_other || !is_same_value || !shapes::is_quiet(inserted) {
        return None;
    }
    if !shapes::same(peel(&check.receiver), peel(&insert.receiver)) {
        return None;
    }
    let shown = file.text_of(&check.receiver);
    let message = format!("`{shown}` is asked for a value that the next line inserts: `insert` answers that, too");
    let mut fact = Fact::at(file, file.range(&*node.cond))
        .capture("insert", file.range(insert))
        .capture("set", file.range(&check.receiver))
        .capture("statement", file.range(&node.then_branch.stmts[0]))
        .note("message", message);
    if node.then_branch.stmts.len() == 1 && node.else_branch.is_none() {
        fact = fact.capture("alone", file.range(node));
    }
    Some(fact)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_insert_would_answer() {
        for text in [
            "fn f(s: &mut HashSet<u8>, x: u8) { if $0!s.contains(&x)$0 { s.insert(x); g(); } }",
            "fn f(s: &mut HashSet<u8>, x: &u8) { if $0!s.contains(x)$0 { s.insert(*x); g(); } }",
            "fn f(s: &mut BTreeSet<&str>, x: &str) { if $0!s.contains(x)$0 { s.insert(x); g(); } else { h(); } }",
            "fn f(os: &[Order]) { let mut s = HashSet::new(); for o in os { if $0!s.contains(&o.id)$0 { s.insert(o.id); g(o); } } }",
            "impl S { fn f(&mut self, x: u8) { if $0!self.seen.contains(&x)$0 { self.seen.insert(x); self.n += 1; } } }",
            "fn f(s: &mut HashSet<(u8, u8)>, a: u8, b: u8) { if $0!s.contains(&(a, b))$0 { s.insert((a, b)); g(); } }",
            "fn f(s: &mut HashSet<u8>, x: u8) { if $0!s.contains(&x)$0 { s.insert(x); } }",
            "fn f(s: &mut Seen, x: &'static str) { if $0!s.ids.contains(&x)$0 { s.ids.insert(x); return; } g(); }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(s: &mut HashSet<String>, x: &String) { if !s.contains(x) { s.insert(x.clone()); g(); } }",
                "fn f(s: &mut HashSet<String>, x: &str) { if !s.contains(x) { s.insert(x.to_owned()); g(); } }",
                "fn f(s: &mut HashSet<u8>, x: u8, y: u8) { if !s.contains(&x) { s.insert(y); g(); } }",
                "fn f(s: &mut HashSet<u8>, t: &mut HashSet<u8>, x: u8) { if !s.contains(&x) { t.insert(x); g(); } }",
                "fn f(s: &mut HashSet<u8>, x: u8) { if s.contains(&x) { s.insert(x); g(); } }",
                "fn f(s: &mut HashSet<u8>, x: u8) { if !s.contains(&x) { g(); s.insert(x); } }",
                "fn f(s: &mut HashSet<u8>) { if !s.contains(&next()) { s.insert(next()); } }",
                "fn f(s: &mut HashSet<u8>, x: u8) { if !s.contains(&x) && a() { s.insert(x); g(); } }",
                "fn f(s: &mut HashSet<u8>, x: u8) { if !s.contains(&x) { if a() { s.insert(x); } } }",
                "fn f(s: &mut HashSet<u8>, x: u8) { if !s.contains(&x) { let new = s.insert(x); g(new); } }",
                "fn f(v: &mut Vec<u8>, x: u8) { if !v.contains(&x) { v.push(x); } }",
                "fn f(v: &mut Vec<u8>, x: u8) { if !v.contains(&x) { v.insert(0, x); } }",
                "struct Own; fn f(v: &mut Own, x: u8) { if !v.contains(&x) { v.insert(x); g(); } }",
                "fn f(p: &P, x: u8) { if !p.set().contains(&x) { p.set().insert(x); g(); } }",
                "fn f(m: &mut HashMap<u8, u8>, x: u8) { if !m.contains_key(&x) { m.insert(x, 1); } }",
                "#[test] fn f() { if !s.contains(&x) { s.insert(x); } }",
            ],
        );
    }
}
