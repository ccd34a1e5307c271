//! `if !map.contains_key(key)` around an insertion of that key, which `entry` does with one look-up.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::lookups::{self, LookUp, Question};
use crate::source::names::{bound_by, mentions, peel, plain_name};
use crate::source::{Node, SourceFile, json, path_to, shapes, types, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("insert-if-missing"),
    eye: Eye::Errors,
    kind: Kind::DefensiveRedundancy,
    class: Class::A,
    title: "map asked before an insertion that `entry` does at once",
    explain: EXPLAIN,
    triggers: &["contains_key", "get"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `if !map.contains_key(&key) { map.insert(key, value); }` (or `map.get(&key).is_none()`), alone or before a
`map.get_mut(&key).unwrap()`, `map.get(&key).unwrap()` or `map[&key]`. Where the key is copied for the insertion, the look-up
stands first, so that the copy is still made only where the key is missing.

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

The key is copied for the insertion, and nothing looks it up behind (`entry` would copy it on every call, unless it is not
needed any more); what is inserted looks at the map, or may leave the function; the map is no `HashMap` or `BTreeMap` of std (asked of rustc). Not reported: blocks that do more than insert.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| inserted(file, block, index)));
    }
    found
}

fn inserted(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let syn::Stmt::Expr(syn::Expr::If(node), _) = &block.stmts[index] else { return None };
    let question = lookups::question(&node.cond).filter(|q| !q.is_there)?;
    let [syn::Stmt::Expr(only, _)] = node.then_branch.stmts.as_slice() else { return None };
    let insert = shapes::method(only, "insert", 2).filter(|_| node.else_branch.is_none())?;
    let map = usage::place(question.collection).filter(|p| p.is_plain)?;
    let (key, value) = (&insert.args[0], &insert.args[1]);
    let asked = shapes::unreferenced(question.key);
    let is_copied = is_copied(key, asked)?;
    let is_same_map = shapes::same(peel(question.collection), peel(&insert.receiver));
    let is_quiet = shapes::is_quiet(asked) && shapes::exits_of(value).is_empty() && !mentions(value, &map.root);
    if !is_same_map || !is_quiet {
        return None;
    }
    let shown = file.text_of(question.collection);
    let message = format!("`{shown}` is asked for the key, and asked again to insert it: `entry` looks once");
    let mut fact = Fact::at(file, file.range(&*node.cond))
        .capture("map", file.range(question.collection))
        .capture("asked", file.range(question.key))
        .capture("key", file.range(key))
        .capture("inserted", file.range(value))
        .capture("whole", file.range(node))
        .note("message", message);
    if is_copied {
        fact = fact.capture("copied", file.range(key));
        if is_spent(file, block, index, key, asked) {
            fact = fact.capture("spent", file.range(asked));
        }
    }
    if let Some(again) = block.stmts.get(index + 1).and_then(|next| looked_up(file, block, next, &question)) {
        fact = fact.capture(again.how, again.whole).capture(again.way, again.whole);
        if let Some(statement) = kept_whole(file, &block.stmts[index + 1], &again) {
            fact = fact.capture("statement", statement);
        }
    }
    Some(fact)
}

/// True if the key is a local of its own that is cloned for the insertion, and not needed behind it.
fn is_spent(file: &SourceFile, block: &syn::Block, index: usize, key: &syn::Expr, asked: &syn::Expr) -> bool {
    let Some(name) = plain_name(asked) else { return false };
    let is_clone = shapes::method(key, "clone", 0).is_some();
    let is_owned = types::type_of(file, asked).is_some_and(|ty| !matches!(ty, syn::Type::Reference(_)));
    let behind = shapes::rest(block, index);
    let is_same = |u: &usage::Use| u.how == usage::How::Read && u.is_bare && !u.is_captured;
    let later = usage::uses(file, &behind, &name.to_string());
    // The look-up on the next line asks for it by reference, and goes.
    let in_next = block.stmts.get(index + 1).map(|next| file.range(next));
    let is_gone = |u: &usage::Use| is_same(u) && in_next.is_some_and(|next| next.contains(u.name));
    is_clone && is_owned && later.len() <= 1 && later.iter().all(is_gone) && is_of_block(file, block, index, name)
}

/// True if a name comes to life with each run of the block: a `let` of it, a parameter of its function, what its loop binds.
fn is_of_block(file: &SourceFile, block: &syn::Block, index: usize, name: &syn::Ident) -> bool {
    let is_let = |s: &syn::Stmt| shapes::plain_let(s).is_some_and(|l| l.name == name);
    if block.stmts[..index].iter().any(is_let) {
        return true;
    }
    let path = path_to(file, file.range(&block.stmts[index]));
    let at = path.iter().position(|node| matches!(node, Node::Block(b) if std::ptr::eq(*b, block)));
    let around = at.and_then(|at| path.get(at.checked_sub(1)?));
    let is_parameter = |sig: &syn::Signature| {
        sig.inputs.iter().any(|arg| matches!(arg, syn::FnArg::Typed(t) if bound_by(&t.pat).iter().any(|n| name == n)))
    };
    match around {
        Some(Node::Fn(f)) => is_parameter(&f.sig),
        Some(Node::Method(f)) => is_parameter(&f.sig),
        Some(Node::Expr(syn::Expr::ForLoop(l))) => bound_by(&l.pat).iter().any(|n| name == n),
        _ => false,
    }
}

/// True if the inserted key is a copy of the one asked for, false if it is that one itself; `None` for another key.
pub(super) fn is_copied(key: &syn::Expr, asked: &syn::Expr) -> Option<bool> {
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

/// A look-up of the key as all that the next statement does with the map, once and whatever happens.
fn looked_up(file: &SourceFile, block: &syn::Block, next: &syn::Stmt, question: &Question<'_>) -> Option<LookUp> {
    let only = syn::Block { brace_token: block.brace_token, stmts: vec![next.clone()] };
    let again = lookups::again(file, question, &only).filter(|a| a.is_left_alone && a.look_ups.len() == 1)?;
    let found = again.look_ups.into_iter().next().filter(|l| l.way != "remove" && l.how != "clone")?;
    json::run_once(next).into_iter().any(|expr| found.whole.contains(file.range(expr))).then_some(found)
}

/// The statement where it does nothing but bind the value.
fn kept_whole(file: &SourceFile, next: &syn::Stmt, again: &LookUp) -> Option<TextRange> {
    let bound = shapes::plain_let(next)?;
    (file.range(bound.value) == again.whole).then(|| file.range(bound.local))
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
            "fn f(m: &mut M, k: K) { if $0m.get(&k).is_none()$0 { m.insert(k, 1); } }",
            "fn f(m: &mut M, k: K) { if $0let None = m.get(&k)$0 { m.insert(k, 1) } }",
            "fn f(m: &mut M, k: &str) { if $0!m.contains_key(k)$0 { m.insert(k.into(), 1); } g(m.get(k).unwrap()); }",
            "fn f(m: &mut M, k: K) -> u8 { if $0!m.contains_key(&k)$0 { m.insert(k, 1); } m[&k] }",
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
