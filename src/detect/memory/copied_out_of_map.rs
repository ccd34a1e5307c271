//! Values that are copied out of a map, changed, and inserted again.

use super::changed_copy_put_back::is_changed_in_place;
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::peel;
use crate::source::usage;
use crate::source::{SourceFile, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("copied-out-of-map"),
    eye: Eye::Memory,
    kind: Kind::DefensiveCopy,
    class: Class::B,
    title: "value copied out of a map, changed and inserted again",
    explain: EXPLAIN,
    triggers: &["cloned"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let mut usage = map.get(&key).cloned().unwrap_or_default();`, statements that change `usage` and never leave in between, and
`map.insert(key, usage);` behind them.

## Why it costs

All of the value is copied for the few parts that change, and the old one is freed; the key is looked up twice.

## Before

```rust
let mut usage = self.usage.get(&client).cloned().unwrap_or_default();
usage.days.push(requests);
self.usage.insert(client, usage);
```

## After

```rust
let usage = self.usage.entry(client).or_default();
usage.days.push(requests);
```

If one of the statements panics, and somebody catches it, the value is half changed. That is for a person to accept.

## When it is refused

A statement in between may leave (`return`, `?`, `break`, `.await`); it looks at the map, or calls what may; the copy is handed on, or
used after it was inserted; what `insert` gives back is used; the value's `Clone` is not plain data (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| put_back(file, block, index)));
    }
    found
}

fn put_back(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| l.is_mut && l.ty.is_none())?;
    let (got, otherwise) = with_default(bound.value)?;
    let cloned = shapes::method(got, "cloned", 0)?;
    let get = shapes::method(&cloned.receiver, "get", 1)?;
    let map = usage::place(&get.receiver).filter(|p| p.is_plain)?;
    let key = shapes::unreferenced(&get.args[0]);
    let (at, insert) = (index + 2..block.stmts.len()).find_map(|at| match &block.stmts[at] {
        syn::Stmt::Expr(expr, Some(_)) => {
            let insert = shapes::method(expr, "insert", 2).filter(|i| shapes::is_name(&i.args[1], bound.name))?;
            shapes::same(&*insert.receiver, &*get.receiver).then_some((at, insert))
        }
        _ => None,
    })?;
    let between = syn::Block { brace_token: block.brace_token, stmts: block.stmts[index + 1..at].to_vec() };
    let name = bound.name.to_string();
    let is_gone = shapes::count(&shapes::rest(block, at), &name) == 0;
    let is_same_key = shapes::is_quiet(key) && shapes::same(key, owned(&insert.args[0]));
    if !is_gone || !is_same_key || !shapes::exits(&between).is_empty() || !keeps(file, &between, key) {
        return None;
    }
    if !is_changed_in_place(file, &between, &name, &map) {
        return None;
    }
    let local = file.range(bound.local);
    let start = local.start + file.slice(local).find("mut")? as u32;
    let shown = file.on_one_line(file.range(&*get.receiver));
    let fact = Fact::at(file, file.range(bound.value))
        .capture("map", file.range(&*get.receiver))
        .capture("key", file.range(&insert.args[0]))
        .capture("mut", TextRange { start, end: file.span_range(bound.name.span()).start })
        .capture("back", file.range(&block.stmts[at]))
        .note("message", format!("a value is copied out of `{shown}`, changed, and inserted again"));
    Some(match otherwise {
        Some(made) => fact.capture("otherwise", file.range(made)),
        None => fact,
    })
}

/// What is before `unwrap_or_default()`, and before `unwrap_or_else(Usage::new)` with what makes the new value.
fn with_default(value: &syn::Expr) -> Option<(&syn::Expr, Option<&syn::Expr>)> {
    if let Some(call) = shapes::method(value, "unwrap_or_default", 0) {
        return Some((&call.receiver, None));
    }
    let call = shapes::method(value, "unwrap_or_else", 1)?;
    matches!(&call.args[0], syn::Expr::Path(_)).then_some((&*call.receiver, Some(&call.args[0])))
}

/// `key` of `key.clone()`, `key.to_string()` and `*key`.
fn owned(key: &syn::Expr) -> &syn::Expr {
    match peel(key) {
        syn::Expr::MethodCall(call)
            if call.args.is_empty() && ["clone", "to_owned", "to_string"].iter().any(|copy| call.method == copy) =>
        {
            shapes::unreferenced(&call.receiver)
        }
        syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => peel(&u.expr),
        other => other,
    }
}

/// True if the statements leave the key as it is.
fn keeps(file: &SourceFile, between: &syn::Block, key: &syn::Expr) -> bool {
    let Some(place) = usage::place(key) else { return matches!(key, syn::Expr::Lit(_)) };
    let uses = usage::uses(file, between, &place.root);
    let is_kept = |u: &usage::Use| {
        !usage::may_overlap(&place, &place.root, &u.fields)
            || (u.how != usage::How::Mutate && u.how != usage::How::Opaque)
    };
    uses.iter().all(is_kept) && usage::bindings(file, between, &place.root).is_empty()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_a_copy_goes_back() {
        for text in [
            "impl Q { fn f(&mut self, client: u64, n: u32) -> usize { let mut usage = $0self.usage.get(&client).cloned().unwrap_or_default()$0; usage.days.push(n); if n > 9 { usage.tags.push(1); } let days = usage.days.len(); self.usage.insert(client, usage); days } }",
            "fn f(m: &mut HashMap<String, V>, k: &str) { let mut v = $0m.get(k).cloned().unwrap_or_else(V::new)$0; v.n += 1; m.insert(k.to_string(), v); }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Left in between, or used as a whole.
                "fn f(m: &mut M, k: u8) -> R { let mut v = m.get(&k).cloned().unwrap_or_default(); v.n += read()?; m.insert(k, v); Ok(()) }",
                "fn f(m: &mut M, k: u8) { let mut v = m.get(&k).cloned().unwrap_or_default(); v.n += 1; if v.n > 9 { return; } m.insert(k, v); }",
                "fn f(m: &mut M, k: u8) { let mut v = m.get(&k).cloned().unwrap_or_default(); change(&mut v); m.insert(k, v); }",
                "fn f(m: &mut M, k: u8) { let mut v = m.get(&k).cloned().unwrap_or_default(); v.n += 1; if a { m.insert(k, v); } }",
                // Another key, another map, the map looked at, what was there before.
                "fn f(m: &mut M, k: u8) { let mut v = m.get(&k).cloned().unwrap_or_default(); v.n += 1; m.insert(k + 1, v); }",
                "fn f(m: &mut M, w: &mut M, k: u8) { let mut v = m.get(&k).cloned().unwrap_or_default(); v.n += 1; w.insert(k, v); }",
                "fn f(m: &mut M, k: u8) { let mut v = m.get(&k).cloned().unwrap_or_default(); v.n += m.len(); m.insert(k, v); }",
                "fn f(m: &mut M, mut k: u8) { let mut v = m.get(&k).cloned().unwrap_or_default(); v.n += 1; k += 1; m.insert(k, v); }",
                "fn f(m: &mut M, k: u8) -> Option<V> { let mut v = m.get(&k).cloned().unwrap_or_default(); v.n += 1; m.insert(k, v) }",
                "fn f(m: &mut M, k: u8) { let mut v = m.get(&k).cloned().unwrap_or_default(); v.n += 1; m.insert(k, v.clone()); g(v); }",
                "fn f(m: &mut M, k: u8) { let mut v = m.get(&k).cloned().unwrap_or(first()); v.n += 1; m.insert(k, v); }",
                "#[test] fn f() { let mut v = m.get(&k).cloned().unwrap_or_default(); v.n += 1; m.insert(k, v); }",
            ],
        );
    }
}
