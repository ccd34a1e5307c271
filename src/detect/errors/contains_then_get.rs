//! `if map.contains_key(key)` with a second look-up of the same key inside.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::peel;
use crate::source::usage::{self, PlacePath};
use crate::source::{SourceFile, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("contains-then-get"),
    eye: Eye::Errors,
    kind: Kind::DefensiveRedundancy,
    class: Class::A,
    title: "map asked for the same key twice",
    explain: EXPLAIN,
    triggers: &["contains_key"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `if map.contains_key(key) { … }` in whose block the map is asked for that key once more: `map[key]`,
`map.get(key).unwrap()` or `map.get_mut(key).unwrap()`.

## Why it costs

Each look-up hashes the key, or walks down the tree and compares it; the second also carries a branch to a panic.

## Before

```rust
if rates.contains_key(&currency) {
    total += amount * rates[&currency];
}
```

## After

```rust
if let Some(rate) = rates.get(&currency) {
    total += amount * *rate;
}
```

## When it is refused

The map is used in another way inside the block, or may be changed by something there; the key is computed, or changes;
the map is not one of std (asked of rustc), whose look-ups always answer alike.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in shapes::blocks(file) {
        for stmt in &block.stmts {
            let mut expr = match stmt {
                syn::Stmt::Expr(expr, _) => Some(expr),
                syn::Stmt::Local(local) => local.init.as_ref().map(|init| &*init.expr),
                _ => None,
            };
            while let Some(syn::Expr::If(node)) = expr {
                found.extend(asked_twice(file, node));
                expr = node.else_branch.as_ref().map(|(_, e)| &**e);
            }
        }
    }
    found
}

fn asked_twice(file: &SourceFile, node: &syn::ExprIf) -> Option<Fact> {
    let check = shapes::method(&node.cond, "contains_key", 1)?;
    let map = usage::place(&check.receiver).filter(|p| p.is_plain)?;
    let key = &check.args[0];
    let body = &node.then_branch;
    if !shapes::is_quiet(key) || !is_left_alone(file, body, &map, key) {
        return None;
    }
    let mut again = Vec::new();
    look_ups(file, body, check, &mut again);
    let [found] = again.as_slice() else { return None };
    // What is taken out before something else happens must have been taken out first.
    let is_first = body.stmts.first().is_some_and(|first| begins_with(file, first, found.whole));
    if found.way == "remove" && !is_first {
        return None;
    }
    let shown = file.text_of(&check.receiver);
    let message = format!("`{shown}` is asked for the same key twice: once whether it is there, once for its value");
    Some(
        Fact::at(file, file.range(&*node.cond))
            .capture("map", file.range(&check.receiver))
            .capture("key", file.range(key))
            .capture(found.how, found.whole)
            .capture(found.way, found.whole)
            .note("message", message),
    )
}

/// True if what a statement does first, and whatever happens, is this.
fn begins_with(file: &SourceFile, stmt: &syn::Stmt, first: TextRange) -> bool {
    let mut expr = match stmt {
        syn::Stmt::Local(local) => local.init.as_ref().map(|init| &*init.expr),
        syn::Stmt::Expr(expr, _) => Some(expr),
        _ => None,
    };
    while let Some(outer) = expr {
        if file.range(outer).start == first.start {
            return true;
        }
        expr = match outer {
            syn::Expr::Return(back) => back.expr.as_deref(),
            syn::Expr::Call(call) if matches!(&*call.func, syn::Expr::Path(_)) => call.args.first(),
            _ => None,
        };
    }
    false
}

/// True if the block speaks of the map once, and changes neither it nor the key, by what can be seen.
fn is_left_alone(file: &SourceFile, body: &syn::Block, map: &PlacePath, key: &syn::Expr) -> bool {
    let uses = usage::uses(file, body, &map.root);
    let of_map = uses.iter().filter(|u| usage::may_overlap(map, &map.root, &u.fields)).count();
    let is_bound = |name: &str| !usage::bindings(file, body, name).is_empty();
    let key_roots = usage_roots(key);
    let is_key_same = key_roots.iter().all(|root| {
        !is_bound(root) && usage::uses(file, body, root).iter().all(|u| !u.is_change() || u.how == usage::How::Value)
    });
    of_map == 1 && !is_bound(&map.root) && is_key_same && !uses.iter().any(|u| u.is_captured)
}

/// The locals that a quiet expression is made of.
fn usage_roots(expr: &syn::Expr) -> Vec<String> {
    let paths = shapes::exprs_in(expr).into_iter().filter_map(|e| match e {
        syn::Expr::Path(p) => p.path.get_ident().map(ToString::to_string),
        _ => None,
    });
    paths.collect()
}

struct LookUp {
    whole: TextRange,
    how: &'static str,
    /// The method that asks once: `get`, `get_mut` or `remove`.
    way: &'static str,
}

/// Where the block asks for the same key of the same map.
fn look_ups(file: &SourceFile, body: &syn::Block, check: &syn::ExprMethodCall, out: &mut Vec<LookUp>) {
    let exprs = shapes::exprs(body);
    let is_same = |map: &syn::Expr, key: &syn::Expr| {
        shapes::same(peel(map), peel(&check.receiver)) && shapes::same(key, &check.args[0])
    };
    for expr in &exprs {
        match expr {
            syn::Expr::Index(i) if is_same(&i.expr, &i.index) => out.push(index(file, &exprs, i)),
            syn::Expr::MethodCall(call) if call.method == "unwrap" || call.method == "expect" => {
                for way in ["get", "get_mut", "remove"] {
                    if shapes::method(&call.receiver, way, 1).is_some_and(|get| is_same(&get.receiver, &get.args[0])) {
                        out.push(LookUp { whole: file.range(call), how: "reference", way });
                    }
                }
            }
            _ => {}
        }
    }
}

/// How `map[key]` is used: by reference, as the base of a longer place, or as a value.
fn index(file: &SourceFile, exprs: &[&syn::Expr], node: &syn::ExprIndex) -> LookUp {
    let own = file.range(node);
    let is_own = |e: &syn::Expr| matches!(e, syn::Expr::Index(i) if std::ptr::eq(i, node));
    let look_up = |whole, how| LookUp { whole, how, way: "get" };
    for expr in exprs {
        match expr {
            syn::Expr::Reference(r) if is_own(&r.expr) && r.mutability.is_none() => {
                return look_up(file.range(r), "reference");
            }
            // What a reference converts into may be another thing than what the value does.
            syn::Expr::MethodCall(call) if is_own(&call.receiver) => {
                let converts = call.method == "into" || call.method == "try_into";
                return look_up(own, if converts { "value in brackets" } else { "reference" });
            }
            syn::Expr::Field(f) if is_own(&f.base) => return look_up(own, "reference"),
            syn::Expr::Index(i) if is_own(&i.expr) => return look_up(own, "reference"),
            syn::Expr::Try(t) if is_own(&t.expr) => return look_up(own, "value in brackets"),
            _ => {}
        }
    }
    look_up(own, "value")
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_a_second_look_up() {
        for text in [
            "fn f(m: &HashMap<u8, u8>, k: u8) -> u8 { if $0m.contains_key(&k)$0 { m[&k] } else { 0 } }",
            "fn f(m: &HashMap<u8, u8>, k: u8) { if $0m.contains_key(&k)$0 { g(*m.get(&k).unwrap()); } }",
            "fn f(m: &mut BTreeMap<u8, u8>, k: u8) { if $0m.contains_key(&k)$0 { *m.get_mut(&k).unwrap() += 1; } }",
            "fn f(m: &HashMap<String, S>, k: &str) { if $0m.contains_key(k)$0 { g(&m[k]); } }",
            "fn f(m: &HashMap<String, S>, o: &O) { if $0m.contains_key(&o.sku)$0 { let n = m[&o.sku].len(); g(n, &o.sku); } }",
            "impl S { fn f(&self, k: u8) { if $0self.m.contains_key(&k)$0 { g(self.m[&k].price, self.n); } } }",
            "fn f(m: &M, k: u8) { if a() { h(); } else if $0m.contains_key(&k)$0 { g(m.get(&k).expect(\"there\")); } }",
            "fn f(m: &M, ks: &[u8]) { for k in ks { if $0m.contains_key(k)$0 { if *k > 1 { g(m[k]); } } } }",
            "fn f(m: &mut M, k: u8) { if $0m.contains_key(&k)$0 { g(m.remove(&k).unwrap()); } }",
            "fn f(m: &mut M, k: u8) -> O { if $0m.contains_key(&k)$0 { let v = m.remove(&k).unwrap(); h(); return Some(v.n); } None }",
            "fn f(m: &M, k: u8) { let v = if $0m.contains_key(&k)$0 { m[&k] } else { 1 }; g(v); }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // No second look-up, another key, another map.
                "fn f(m: &M, k: u8) { if m.contains_key(&k) { g(k); } }",
                "fn f(m: &M, k: u8, l: u8) { if m.contains_key(&k) { g(m[&l]); } }",
                "fn f(m: &M, n: &M, k: u8) { if m.contains_key(&k) { g(n[&k]); } }",
                "fn f(m: &M, k: u8) { if m.contains_key(&k) { h(); } else { g(m[&k]); } }",
                // The map is changed, or used more than once.
                "fn f(m: &mut M, k: u8) { if m.contains_key(&k) { m.clear(); g(m[&k]); } }",
                "fn f(m: &mut M, k: u8) { if m.contains_key(&k) { let v = m[&k]; m.insert(k, v + 1); } }",
                "fn f(m: &mut M, k: u8) { if m.contains_key(&k) { change(m); g(m[&k]); } }",
                "impl S { fn f(&mut self, k: u8) { if self.m.contains_key(&k) { self.reload(); g(self.m[&k]); } } }",
                // The key is computed or changes.
                "fn f(m: &M) { if m.contains_key(&next()) { g(m[&next()]); } }",
                "fn f(m: &M, mut k: u8) { if m.contains_key(&k) { k += 1; g(m[&k]); } }",
                "fn f(m: &M, k: u8) { if m.contains_key(&k) { let k = 2; g(m[&k]); } }",
                // More is asked, or it is hidden.
                "fn f(m: &M, k: u8) { if m.contains_key(&k) && a() { g(m[&k]); } }",
                "fn f(m: &M, k: u8) { if !m.contains_key(&k) { g(m[&k]); } }",
                "fn f(m: &M, k: u8) { if m.contains_key(&k) { show!(m[&k]); } }",
                "fn f(m: &M, k: u8) { if m.contains_key(&k) { spawn(move || g(m[&k])); } }",
                // What is taken out only sometimes, or after something else.
                "fn f(m: &mut M, k: u8) { if m.contains_key(&k) { if a { g(m.remove(&k).unwrap()); } } }",
                "fn f(m: &mut M, k: u8) { if m.contains_key(&k) { a && m.remove(&k).unwrap(); } }",
                "fn f(m: &mut M, k: u8) { if m.contains_key(&k) { h(); g(m.remove(&k).unwrap()); } }",
                "fn f(m: &mut M, k: u8) { if m.contains_key(&k) { match a { 1 => m.remove(&k).unwrap(), _ => 0 }; } }",
                "fn f(m: &P, k: u8) { if m.maps().contains_key(&k) { g(m.maps()[&k]); } }",
                "fn f(m: &M, k: u8) { if m.contains_key(&k) { g(m.get(&k).unwrap_or(&1)); } }",
                "fn f(m: &M, k: u8) { while m.contains_key(&k) { g(m[&k]); } }",
                "#[test] fn f() { if m.contains_key(&k) { g(m[&k]); } }",
            ],
        );
    }
}
