//! `if !map.contains_key(key)` around an insertion of that key, which `entry` does with one look-up.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::{mentions, peel};
use crate::source::usage::{self, PlacePath};
use crate::source::{SourceFile, json, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("insert-if-missing"),
    eye: Eye::Errors,
    kind: Kind::DefensiveRedundancy,
    class: Class::A,
    title: "map asked before an insertion that `entry` does at once",
    explain: EXPLAIN,
    triggers: &["contains_key"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `if !map.contains_key(&key) { map.insert(key, value); }`, alone or before a `map.get_mut(&key).unwrap()`.

## Why it costs

The key is hashed and looked for two or three times where once would do.

## Before

```rust
if !self.by_user.contains_key(&id) {
    self.by_user.insert(id, Vec::new());
}
self.by_user.get_mut(&id).unwrap().push(order);
```

## After

```rust
self.by_user.entry(id).or_insert_with(Vec::new).push(order);
```

## When it is refused

The key is copied for the insertion (`entry` would copy it on every call); what is inserted looks at the map, or may leave the
function; the map is no `HashMap` or `BTreeMap` of std (asked of rustc). Not reported: blocks that do more than insert.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in shapes::blocks(file) {
        found.extend((0..block.stmts.len()).filter_map(|index| inserted(file, block, index)));
    }
    found
}

fn inserted(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let syn::Stmt::Expr(syn::Expr::If(node), _) = &block.stmts[index] else { return None };
    let syn::Expr::Unary(syn::ExprUnary { op: syn::UnOp::Not(_), expr, .. }) = peel(&node.cond) else { return None };
    let check = shapes::method(expr, "contains_key", 1)?;
    let [syn::Stmt::Expr(only, Some(_))] = node.then_branch.stmts.as_slice() else { return None };
    let insert = shapes::method(only, "insert", 2).filter(|_| node.else_branch.is_none())?;
    let map = usage::place(&check.receiver).filter(|p| p.is_plain)?;
    let (key, value) = (&insert.args[0], &insert.args[1]);
    let asked = shapes::unreferenced(&check.args[0]);
    let is_copied = is_copied(key, asked)?;
    let is_same_map = shapes::same(peel(&check.receiver), peel(&insert.receiver));
    let is_quiet = shapes::is_quiet(asked) && shapes::exits_of(value).is_empty() && !mentions(value, &map.root);
    if !is_same_map || !is_quiet {
        return None;
    }
    let shown = file.text_of(&check.receiver);
    let message = format!("`{shown}` is asked for the key, and asked again to insert it: `entry` looks once");
    let mut fact = Fact::at(file, file.range(&*node.cond))
        .capture("map", file.range(&check.receiver))
        .capture("key", file.range(key))
        .capture("value", file.range(value))
        .capture("whole", file.range(node))
        .note("message", message);
    if is_copied {
        fact = fact.capture("copied", file.range(key));
    }
    if let Some(again) = block.stmts.get(index + 1).and_then(|next| looked_up(file, block, next, check, &map)) {
        fact = fact.capture("again", again);
    }
    Some(fact)
}

/// True if the inserted key is a copy of the one asked for, false if it is that one itself; `None` for another key.
fn is_copied(key: &syn::Expr, asked: &syn::Expr) -> Option<bool> {
    let key = peel(key);
    if shapes::same(key, asked) {
        return Some(false);
    }
    match key {
        syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => {
            shapes::same(peel(&u.expr), asked).then_some(false)
        }
        syn::Expr::MethodCall(call) if call.args.is_empty() => {
            let copies = ["clone", "to_string", "to_owned", "to_vec", "into"].iter().any(|name| call.method == name);
            (copies && shapes::same(shapes::unreferenced(&call.receiver), asked)).then_some(true)
        }
        syn::Expr::Call(_) => {
            let call = shapes::call(key, &["String", "from"])?;
            shapes::same(shapes::unreferenced(call.args.first()?), asked).then_some(true)
        }
        _ => None,
    }
}

/// `map.get_mut(&key).unwrap()` as all that the next statement does with the map.
fn looked_up(
    file: &SourceFile,
    block: &syn::Block,
    next: &syn::Stmt,
    check: &syn::ExprMethodCall,
    map: &PlacePath,
) -> Option<TextRange> {
    let only = syn::Block { brace_token: block.brace_token, stmts: vec![next.clone()] };
    let of_map = usage::uses(file, &only, &map.root);
    let of_map = of_map.iter().filter(|u| usage::may_overlap(map, &map.root, &u.fields)).count();
    json::run_once(next).into_iter().filter(|_| of_map == 1).find_map(|expr| {
        let syn::Expr::MethodCall(unwrap) = expr else { return None };
        let get = shapes::method(&unwrap.receiver, "get_mut", 1)?;
        let is_unwrapped = ["unwrap", "expect"].iter().any(|name| unwrap.method == name);
        let is_same = shapes::same(peel(&get.receiver), peel(&check.receiver))
            && shapes::same(shapes::unreferenced(&get.args[0]), shapes::unreferenced(&check.args[0]));
        (is_unwrapped && is_same).then(|| file.range(unwrap))
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_insertions_behind_a_question() {
        for text in [
            "fn f(m: &mut HashMap<u64, u8>, k: u64) { if $0!m.contains_key(&k)$0 { m.insert(k, 1); } }",
            "fn f(m: &mut HashMap<u64, u8>, k: &u64) { if $0!m.contains_key(k)$0 { m.insert(*k, 1); } }",
            "fn f(&mut self, k: u64) { if $0!self.m.contains_key(&k)$0 { self.m.insert(k, make()); } }",
            "fn f(m: &mut M, k: &str) { if $0!m.contains_key(k)$0 { m.insert(k.to_string(), Vec::new()); } m.get_mut(k).unwrap().push(1); }",
            "fn f(m: &mut M, k: &str) { if $0!m.contains_key(k)$0 { m.insert(String::from(k), 1); } }",
            "fn f(m: &mut M, ks: &[K]) { for k in ks { if $0!m.contains_key(&k.id)$0 { m.insert(k.id, vec![]); } } }",
            "fn f(m: &mut M, k: K) { if $0!m.contains_key(&k)$0 { m.insert(k.clone(), 1); } *m.get_mut(&k).unwrap() += 1; }",
            "fn f(m: &mut M, k: K) { g(); if $0!(m.contains_key(&k))$0 { m.insert(k, (1, 2)); }; }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(m: &mut M, k: K, l: K) { if !m.contains_key(&k) { m.insert(l, 1); } }",
                "fn f(m: &mut M, n: &mut M, k: K) { if !m.contains_key(&k) { n.insert(k, 1); } }",
                "fn f(m: &mut M, k: K) { if m.contains_key(&k) { m.insert(k, 1); } }",
                "fn f(m: &mut M, k: K) { if !m.contains_key(&k) { m.insert(k, m.len()); } }",
                "fn f(m: &mut M, k: K) -> R { if !m.contains_key(&k) { m.insert(k, make()?); } Ok(()) }",
                "fn f(m: &mut M, k: K) { if !m.contains_key(&k) { m.insert(k, 1); count += 1; } }",
                "fn f(m: &mut M, k: K) { if !m.contains_key(&k) { m.insert(k, 1); } else { g(); } }",
                "fn f(m: &mut M, k: K) { if !m.contains_key(&next()) { m.insert(next(), 1); } }",
                "fn f(m: &mut M, k: K) { if !m.contains_key(&k) && a { m.insert(k, 1); } }",
                "fn f(&mut self, k: K) { if !self.m.contains_key(&k) { self.m.insert(k, self.make()); } }",
                "fn f(s: &mut S, k: K) { if !s.contains(&k) { s.insert(k); } }",
                "async fn f(m: &mut M, k: K) { if !m.contains_key(&k) { m.insert(k, load().await); } }",
                "#[test] fn f() { if !m.contains_key(&k) { m.insert(k, 1); } }",
            ],
        );
    }
}
