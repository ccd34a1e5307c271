//! A value that is looked up to be changed or else inserted, which `entry` does with one look-up.

use super::insert_if_missing::is_copied;
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::lookups::may_be_map;
use crate::source::names::{mentions, peel, plain_name};
use crate::source::{SourceFile, shapes, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("updated-or-inserted"),
    eye: Eye::Errors,
    kind: Kind::DefensiveRedundancy,
    class: Class::A,
    title: "value looked up, changed and inserted where `entry` does it at once",
    explain: EXPLAIN,
    triggers: &["get", "get_mut"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds counters and groups that are kept by hand: `let n = match map.get(&k) { Some(n) => *n + 1, None => 1 }; map.insert(k, n);`,
`map.insert(k, map.get(&k).copied().unwrap_or(0) + 1)`, and `if let Some(list) = map.get_mut(&k) { list.push(x) } else {
map.insert(k, vec![x]); }`.

## Why it costs

The key is hashed and looked for twice where once would do.

## Before

```rust
let next = match self.attempts.get(&job) {
    Some(n) => *n + 1,
    None => 1,
};
self.attempts.insert(job, next);
```

## After

```rust
*self.attempts.entry(job).or_insert(0) += 1;
```

## When it is refused

What is found is changed by more than one step; the key is copied only where it is missing (`entry` would copy it each time);
the step or the first value is computed; the map is no `HashMap` or `BTreeMap` of std (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        for (index, stmt) in block.stmts.iter().enumerate() {
            let fact = inserted_at_once(file, stmt)
                .or_else(|| inserted_next(file, block, index))
                .or_else(|| changed_or_inserted(file, stmt));
            found.extend(fact);
        }
    }
    found
}

/// `old + 1` of what is found, or else a first value.
struct Update<'a> {
    map: &'a syn::Expr,
    asked: &'a syn::Expr,
    /// The operator, without the `=` behind it.
    op: TextRange,
    operand: &'a syn::Expr,
    /// Where nothing is found: what the step starts from, or what stands instead of its result.
    initial: Initial<'a>,
}

enum Initial<'a> {
    /// `unwrap_or(0) + 1`.
    Before(&'a syn::Expr),
    /// `unwrap_or_default() + 1`.
    Default,
    /// `None => 1`.
    After(&'a syn::Expr),
}

/// `map.insert(k, map.get(&k).copied().unwrap_or(0) + 1);`
fn inserted_at_once(file: &SourceFile, stmt: &syn::Stmt) -> Option<Fact> {
    let syn::Stmt::Expr(insert, Some(_)) = stmt else { return None };
    let insert = shapes::method(insert, "insert", 2)?;
    let update = update(file, &insert.args[1])?;
    fact(file, file.range(stmt), insert, &update)
}

/// `let n = …;` before `map.insert(k, n);`
fn inserted_next(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut)?;
    let next = block.stmts.get(index + 1)?;
    let syn::Stmt::Expr(insert, Some(_)) = next else { return None };
    let insert = shapes::method(insert, "insert", 2)?;
    let name = bound.name.to_string();
    let update = match update(file, bound.value) {
        Some(update) => shapes::is_name(&insert.args[1], bound.name).then_some(update)?,
        // `let n = map.get(&k).copied().unwrap_or(0); map.insert(k, n + 1);`
        None => {
            let (map, asked, initial) = old(bound.value)?;
            let (op, left, operand) = step(file, &insert.args[1])?;
            shapes::is_name(left, bound.name).then_some(())?;
            let rest = shapes::rest(block, index + 1);
            (usage::uses(file, &rest, &name).is_empty() && !rest.stmts.iter().any(|s| mentions(s, &name)))
                .then_some(())?;
            Update { map, asked, op, operand, initial }
        }
    };
    let site = TextRange { start: file.range(&block.stmts[index]).start, end: file.range(next).end };
    let fact = fact(file, site, insert, &update)?;
    let is_used = shapes::rest(block, index + 1).stmts.iter().any(|s| mentions(s, &name));
    Some(if is_used { fact.capture("named", file.span_range(bound.name.span())) } else { fact })
}

/// The step from what is found, and what stands for it where nothing is.
fn update<'a>(file: &SourceFile, value: &'a syn::Expr) -> Option<Update<'a>> {
    if let Some((op, left, operand)) = step(file, value) {
        let (map, asked, initial) = old(left)?;
        return Some(Update { map, asked, op, operand, initial });
    }
    let (looked_up, name, changed, other) = either(value)?;
    let get = shapes::method(looked_up, "get", 1)?;
    let (op, left, operand) = step(file, changed)?;
    let is_old = plain_name(dereferenced(left)).is_some_and(|found| found == name);
    let is_used_once = usage::uses_in_expr(file, operand, &name.to_string()).is_empty();
    (is_old && is_used_once).then_some(Update {
        map: &get.receiver,
        asked: &get.args[0],
        op,
        operand,
        initial: Initial::After(other),
    })
}

/// `match looked_up { Some(n) => a, None => b }` and the other ways to say it.
fn either(value: &syn::Expr) -> Option<(&syn::Expr, &syn::Ident, &syn::Expr, &syn::Expr)> {
    let only = super::match_to_question::only_expression;
    match peel(value) {
        syn::Expr::Match(node) => {
            let [first, second] = node.arms.as_slice() else { return None };
            let is_some = |arm: &syn::Arm| some_name(&arm.pat).is_some();
            let (some, none) = if is_some(first) { (first, second) } else { (second, first) };
            let is_none =
                matches!(&none.pat, syn::Pat::Ident(p) if p.ident == "None") || matches!(none.pat, syn::Pat::Wild(_));
            let is_plain = node.attrs.is_empty() && first.attrs.is_empty() && second.attrs.is_empty();
            (is_none && is_plain).then_some((&*node.expr, some_name(&some.pat)?, only(&some.body), only(&none.body)))
        }
        syn::Expr::If(node) => {
            let syn::Expr::Let(cond) = &*node.cond else { return None };
            let [syn::Stmt::Expr(some, _)] = node.then_branch.stmts.as_slice() else { return None };
            let [syn::Stmt::Expr(none, _)] = shapes::else_block(node)?.stmts.as_slice() else { return None };
            Some((&*cond.expr, some_name(&cond.pat)?, some, none))
        }
        syn::Expr::MethodCall(call) => {
            let (looked_up, closure, other) = match (call.method.to_string().as_str(), call.args.len()) {
                ("map_or", 2) => (&*call.receiver, &call.args[1], &call.args[0]),
                ("unwrap_or", 1) => {
                    let map = shapes::method(&call.receiver, "map", 1)?;
                    (&*map.receiver, &map.args[0], &call.args[0])
                }
                _ => return None,
            };
            let syn::Expr::Closure(closure) = closure else { return None };
            let [pat] = closure.inputs.iter().collect::<Vec<_>>()[..] else { return None };
            Some((looked_up, plain_pat(pat)?, &*closure.body, other))
        }
        _ => None,
    }
}

/// The name in `Some(n)` and `Some(&n)`.
fn some_name(pat: &syn::Pat) -> Option<&syn::Ident> {
    let syn::Pat::TupleStruct(t) = pat else { return None };
    if !t.path.is_ident("Some") || t.elems.len() != 1 { None } else { plain_pat(&t.elems[0]) }
}

fn plain_pat(pat: &syn::Pat) -> Option<&syn::Ident> {
    match pat {
        syn::Pat::Ident(p) if p.by_ref.is_none() && p.mutability.is_none() && p.subpat.is_none() => Some(&p.ident),
        syn::Pat::Reference(r) if r.mutability.is_none() => plain_pat(&r.pat),
        _ => None,
    }
}

/// `map.get(&k).copied().unwrap_or(0)` and `*map.get(&k).unwrap_or(&0)`.
fn old(expr: &syn::Expr) -> Option<(&syn::Expr, &syn::Expr, Initial<'_>)> {
    let (call, is_lent) = match peel(expr) {
        syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => (peel(&u.expr), true),
        other => (other, false),
    };
    let syn::Expr::MethodCall(call) = call else { return None };
    let initial = match (call.method.to_string().as_str(), call.args.first()) {
        ("unwrap_or", Some(syn::Expr::Reference(r))) if is_lent => Initial::Before(&r.expr),
        ("unwrap_or", Some(value)) if !is_lent => Initial::Before(value),
        ("unwrap_or_default", None) if !is_lent => Initial::Default,
        _ => return None,
    };
    let looked_up = match &*call.receiver {
        get if is_lent => get,
        other => ["copied", "cloned"].iter().find_map(|name| shapes::method(other, name, 0)).map(|c| &*c.receiver)?,
    };
    let get = shapes::method(looked_up, "get", 1)?;
    Some((&*get.receiver, &get.args[0], initial))
}

/// `left + right` and its like: the operator, and both sides.
fn step<'a>(file: &SourceFile, expr: &'a syn::Expr) -> Option<(TextRange, &'a syn::Expr, &'a syn::Expr)> {
    let syn::Expr::Binary(b) = peel(expr) else { return None };
    let is_arithmetic = matches!(
        b.op,
        syn::BinOp::Add(_) | syn::BinOp::Sub(_) | syn::BinOp::Mul(_) | syn::BinOp::BitOr(_) | syn::BinOp::BitAnd(_)
    );
    is_arithmetic.then(|| (file.range(&b.op), &*b.left, &*b.right))
}

fn dereferenced(expr: &syn::Expr) -> &syn::Expr {
    match peel(expr) {
        syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => peel(&u.expr),
        other => other,
    }
}

/// `if let Some(n) = map.get_mut(&k) { *n += 1; } else { map.insert(k, 1); }`, with `match` as well.
fn changed_or_inserted(file: &SourceFile, stmt: &syn::Stmt) -> Option<Fact> {
    let syn::Stmt::Expr(whole @ (syn::Expr::Match(_) | syn::Expr::If(_)), _) = stmt else { return None };
    let (looked_up, name, changed, other) = either(whole)?;
    let get = shapes::method(looked_up, "get_mut", 1)?;
    let insert = shapes::method(other, "insert", 2)?;
    // The key is made each time, where it was made only if it was missing.
    let is_copied = is_copied(&insert.args[0], shapes::unreferenced(&get.args[0]))?;
    if is_copied {
        return None;
    }
    let first = &insert.args[1];
    match peel(changed) {
        syn::Expr::Binary(b) if usage::is_assignment(&b.op) => {
            let is_old = plain_name(dereferenced(&b.left)).is_some_and(|found| found == name);
            let op = file.range(&b.op);
            let op = TextRange { start: op.start, end: op.end - 1 };
            let update = Update {
                map: &get.receiver,
                asked: &get.args[0],
                op,
                operand: &b.right,
                initial: Initial::After(first),
            };
            let is_used_once = usage::uses_in_expr(file, &b.right, &name.to_string()).is_empty();
            (is_old && is_used_once).then(|| fact(file, file.range(stmt), insert, &update)).flatten()
        }
        syn::Expr::MethodCall(push) if push.method == "push" && push.args.len() == 1 => {
            let syn::Expr::Macro(list) = first else { return None };
            let only = crate::source::names::arguments(&list.mac).filter(|_| list.mac.path.is_ident("vec"))?;
            let is_same = only.len() == 1 && shapes::same(&only[0], &push.args[0]);
            let is_it = plain_name(&push.receiver).is_some_and(|found| found == name);
            let is_single = shapes::exits_of(&push.args[0]).is_empty();
            let fact = common(file, file.range(stmt), insert, &get.receiver, &get.args[0])?;
            (is_same && is_it && is_single).then(|| fact.capture("pushed", file.range(&push.args[0])))
        }
        _ => None,
    }
}

fn common(
    file: &SourceFile,
    site: TextRange,
    insert: &syn::ExprMethodCall,
    map: &syn::Expr,
    asked: &syn::Expr,
) -> Option<Fact> {
    let place = usage::place(map).filter(|p| p.is_plain)?;
    let key = &insert.args[0];
    is_copied(key, shapes::unreferenced(asked))?;
    let is_same = shapes::same(peel(map), peel(&insert.receiver));
    if !may_be_map(file, map) || !is_same || !shapes::is_quiet(shapes::unreferenced(asked)) || mentions(key, "?") {
        return None;
    }
    let shown = file.on_one_line(file.range(map));
    let is_in_key = place.fields.is_empty() && shapes::count(key, &place.root) > 0;
    (!is_in_key).then(|| {
        Fact::at(file, site).capture("map", file.range(map)).capture("key", file.range(key)).note(
            "message",
            format!("`{shown}` is looked into to change a value, and again to insert it: `entry` looks once"),
        )
    })
}

fn fact(file: &SourceFile, site: TextRange, insert: &syn::ExprMethodCall, update: &Update<'_>) -> Option<Fact> {
    let fact = common(file, site, insert, update.map, update.asked)?
        .capture("op", update.op)
        .capture("operand", file.range(update.operand));
    let is_plain = |expr: &syn::Expr| shapes::is_quiet(expr);
    let is_known = match &update.initial {
        Initial::Before(value) | Initial::After(value) => is_plain(value),
        Initial::Default => true,
    };
    if !is_known || !is_plain(update.operand) {
        return None;
    }
    Some(match &update.initial {
        Initial::Before(value) => fact.capture("before", file.range(*value)),
        Initial::Default => fact,
        Initial::After(value) => fact.capture("after", file.range(*value)),
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_counters_and_groups_kept_by_hand() {
        for text in [
            "fn f(m: &mut HashMap<u8, u32>, k: u8) { $0let n = match m.get(&k) { Some(n) => *n + 1, None => 1 }; m.insert(k, n);$0 }",
            "fn f(m: &mut HashMap<u8, u32>, k: u8) -> u32 { $0let n = if let Some(n) = m.get(&k) { n + 1 } else { 1 }; m.insert(k, n);$0 n }",
            "impl S { fn f(&mut self, k: u8) { $0let n = self.m.get(&k).copied().unwrap_or(0) + 1; self.m.insert(k, n);$0 } }",
            "fn f(m: &mut BTreeMap<u8, u32>, k: u8) { $0let n = *m.get(&k).unwrap_or(&0); m.insert(k, n + 5);$0 }",
            "fn f(m: &mut BTreeMap<u8, u32>, k: u8) { $0m.insert(k, m.get(&k).copied().unwrap_or_default() + 1);$0 }",
            "fn f(m: &mut M, k: &str, c: u64) { $0let n = m.get(k).map_or(c, |n| n + c); m.insert(k.to_string(), n);$0 }",
            "fn f(m: &mut M, k: K) { $0let n = m.get(&k).map(|n| *n * 2).unwrap_or(1); m.insert(k, n);$0 }",
            "fn f(m: &mut M, k: u8) { $0if let Some(n) = m.get_mut(&k) { *n += 1; } else { m.insert(k, 1); }$0 }",
            "fn f(m: &mut M, k: u8, x: X) { $0match m.get_mut(&k) { Some(list) => list.push(x), None => { m.insert(k, vec![x]); } }$0 }",
            "fn f(m: &mut M, xs: &[X]) { for x in xs { $0match m.get_mut(&x.id) { None => { m.insert(x.id, x.k); } Some(n) => { *n += x.k; } }$0 } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Another key or map.
                "fn f(m: &mut M, k: u8, l: u8) { let n = match m.get(&k) { Some(n) => *n + 1, None => 1 }; m.insert(l, n); }",
                "fn f(m: &mut M, o: &mut M, k: u8) { let n = match m.get(&k) { Some(n) => *n + 1, None => 1 }; o.insert(k, n); }",
                "fn f(m: &mut M, k: u8) { let n = match m.get(&k) { Some(n) => *n + 1, None => 1 }; m.insert(k, n + 1); }",
                "fn f(m: &mut M, k: u8) { let n = match m.get(&k) { Some(n) => *n + 1, None => 1 }; check(n)?; m.insert(k, n); }",
                // The old value is needed, or the step is more than one.
                "fn f(m: &mut M, k: u8) -> u8 { let n = m.get(&k).copied().unwrap_or(0); m.insert(k, n + 1); n }",
                "fn f(m: &mut M, k: u8) { let n = match m.get(&k) { Some(n) => step(*n), None => 1 }; m.insert(k, n); }",
                "fn f(m: &mut M, k: u8) { let n = match m.get(&k) { Some(n) if *n > 1 => *n + 1, _ => 1 }; m.insert(k, n); }",
                "fn f(m: &mut M, k: u8) { let n = match m.get(&k) { Some(n) => *n + next(), None => 1 }; m.insert(k, n); }",
                "fn f(m: &mut M, k: u8) { let n = match m.get(&k) { Some(n) => 1 + 1, None => 1 }; m.insert(k, n); }",
                "fn f(m: &mut M, k: u8) { let n = match m.get(&k) { Some(n) => *n + n, None => 1 }; m.insert(k, n); }",
                "fn f(m: &mut M, k: u8) { let n = match m.get(&k) { Some(n) => *n + 1, None => load(k) }; m.insert(k, n); }",
                "fn f(m: &mut M, k: u8) { if let Some(n) = m.get_mut(&k) { *n += 1; log(); } else { m.insert(k, 1); } }",
                "fn f(m: &mut M, k: u8) { if let Some(n) = m.get_mut(&k) { *n += 1; } else { m.insert(k, 1); log(); } }",
                "fn f(m: &mut M, k: u8) -> R { if let Some(n) = m.get_mut(&k) { *n += 1; } else { m.insert(k, load()?); } Ok(()) }",
                // The key would be copied each time.
                "fn f(m: &mut M, k: &str) { if let Some(n) = m.get_mut(k) { *n += 1; } else { m.insert(k.to_string(), 1); } }",
                "fn f(m: &mut M, k: u8, x: X) { match m.get_mut(&k) { Some(list) => list.push(x), None => { m.insert(k, vec![y]); } } }",
                // No map of std.
                "fn f(v: &mut Vec<u8>, k: usize) { let n = match v.get(k) { Some(n) => *n + 1, None => 1 }; v.insert(k, n); }",
                "fn f(s: &S, k: u8) { let n = match s.m().get(&k) { Some(n) => *n + 1, None => 1 }; s.m().insert(k, n); }",
                "fn f(m: &mut M) { let n = match m.get(&next()) { Some(n) => *n + 1, None => 1 }; m.insert(next(), n); }",
                "#[test] fn f() { let n = match m.get(&k) { Some(n) => *n + 1, None => 1 }; m.insert(k, n); }",
            ],
        );
    }
}
