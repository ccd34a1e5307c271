//! `if map.contains_key(key)` with a second look-up of the same key inside.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::lookups::{self, Again, Question};
use crate::source::{SourceFile, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("contains-then-get"),
    eye: Eye::Errors,
    kind: Kind::DefensiveRedundancy,
    class: Class::A,
    title: "map asked for the same key twice",
    explain: EXPLAIN,
    triggers: &["contains_key", "get"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `if map.contains_key(key) { … }` (or `map.get(key).is_some()`, of vectors and slices as well) in whose block the map is
asked for that key again: `map[key]`, `map.get(key).unwrap()`, `map.get(key).cloned().unwrap()` or
`map.get_mut(key).unwrap()`; the same in the `else` of the opposite question, and between other conditions.

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

The map is used in another way before the last look-up, or may be changed by something there; the key is computed, or changes;
the map is not one of std (asked of rustc), whose look-ups always answer alike. Between other conditions, where the edition
(before 2024) or the promised Rust (before 1.88) has no `let` there.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        for node in block.stmts.iter().flat_map(shapes::own_ifs) {
            found.extend(asked_twice(file, node).or_else(|| asked_the_other_way(file, node)));
        }
    }
    found
}

/// `if … && map.contains_key(key) && … { look-ups }`.
fn asked_twice(file: &SourceFile, node: &syn::ExprIf) -> Option<Fact> {
    let conditions = shapes::conjuncts(&node.cond);
    if conditions.len() > 1 && !shapes::may_chain(file) {
        return None;
    }
    let (at, question) = conditions.iter().enumerate().find_map(|(at, cond)| {
        let question = lookups::question(cond).filter(|q| q.is_there)?;
        Some((at, question))
    })?;
    let code = shapes::joined(&conditions[at + 1..], &node.then_branch);
    let again = lookups::again(file, &question, &code).filter(|a| !a.look_ups.is_empty())?;
    // What is taken out before something else happens must have been taken out first.
    let first = code.stmts.first().filter(|_| at + 1 == conditions.len());
    let taken = again.look_ups.iter().find(|l| l.way == "remove");
    if taken.is_some_and(|l| !first.is_some_and(|stmt| lookups::begins_with(file, stmt, l.whole))) {
        return None;
    }
    Some(fact(file, file.range(conditions[at]), &question, &again))
}

/// `if !map.contains_key(key) { … } else { look-ups }`.
fn asked_the_other_way(file: &SourceFile, node: &syn::ExprIf) -> Option<Fact> {
    let question = lookups::question(&node.cond).filter(|q| !q.is_there)?;
    let other = shapes::else_block(node)?;
    let again = lookups::again(file, &question, other).filter(|a| !a.look_ups.is_empty())?;
    let taken = again.look_ups.iter().find(|l| l.way == "remove");
    if taken.is_some_and(|l| !other.stmts.first().is_some_and(|stmt| lookups::begins_with(file, stmt, l.whole))) {
        return None;
    }
    let whole = |block: &syn::Block| file.span_range(block.brace_token.span.join());
    let found = fact(file, file.range(&*node.cond), &question, &again);
    Some(
        found
            .capture("whole", file.range(node))
            .capture("missing", whole(&node.then_branch))
            .capture("there", whole(other)),
    )
}

fn fact(file: &SourceFile, site: TextRange, question: &Question<'_>, again: &Again) -> Fact {
    let shown = file.text_of(question.collection);
    let message = format!("`{shown}` is asked for the same key twice: once whether it is there, once for its value");
    let mut fact = Fact::at(file, site)
        .capture("map", file.range(question.collection))
        .capture("key", file.range(question.key))
        .capture(if question.by_get { "by get" } else { "by contains_key" }, site)
        .note("message", message);
    for look_up in &again.look_ups {
        fact = fact.capture(look_up.how, look_up.whole).capture(look_up.way, look_up.whole);
    }
    fact
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
            // Asked in another way, or for more than that.
            "fn f(m: &M, k: u8) -> u8 { if $0m.get(&k).is_some()$0 { *m.get(&k).unwrap() } else { 0 } }",
            "fn f(m: &M, k: u8) -> u8 { return if $0!m.get(&k).is_none()$0 { m[&k] } else { 0 }; }",
            "fn f(m: &M, k: u8) -> u8 { if $0let Some(_) = m.get(&k)$0 { m.get(&k).copied().unwrap() } else { 0 } }",
            "fn f(v: &[S], i: usize) { if $0v.get(i).is_some()$0 { g(&v[i]); } }",
            "fn f(m: &M, k: u8) { if a() && $0m.contains_key(&k)$0 && m[&k] > 1 { g(m[&k]); } }",
            "fn f(m: &M, k: u8) { if $0m.contains_key(&k)$0 && a() { g(m[&k]); } }",
            "fn f(m: &M, k: u8) -> u8 { if $0!m.contains_key(&k)$0 { 0 } else { m[&k] } }",
            "fn f(m: &mut M, k: u8) { if $0m.get(&k).is_none()$0 { m.insert(k, vec![1]); } else { m.get_mut(&k).unwrap().push(1); } }",
            // Several times, and changed behind the last.
            "fn f(m: &M, k: u8) { if $0m.contains_key(&k)$0 { g(m[&k].a, m.get(&k).unwrap().b); } }",
            "fn f(m: &mut M, k: u8) { if $0m.contains_key(&k)$0 { let v = m[&k]; m.insert(k, v + 1); } }",
            "fn f(m: &M, k: &str) -> String { if $0m.contains_key(k)$0 { m.get(k).cloned().unwrap() } else { String::new() } }",
            "impl S { fn note(&self) {} fn f(&self, k: u8) { if $0self.m.contains_key(&k)$0 { self.note(); g(self.m[&k]); } } }",
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
                "fn f(m: &mut M, k: u8) { if m.contains_key(&k) { m.insert(k, 1); let v = m[&k]; g(v); } }",
                "fn f(m: &mut M, k: u8) { if m.contains_key(&k) { let v = m[&k]; m.clear(); g(v, m.get(&k).unwrap()); } }",
                "fn f(m: &mut M, k: u8) { if m.contains_key(&k) { m.get_mut(&k).unwrap().a = m[&k].b; } }",
                "fn f(m: &mut M, k: u8) { if m.contains_key(&k) { change(m); g(m[&k]); } }",
                "impl S { fn f(&mut self, k: u8) { if self.m.contains_key(&k) { self.reload(); g(self.m[&k]); } } }",
                // The key is computed or changes.
                "fn f(m: &M) { if m.contains_key(&next()) { g(m[&next()]); } }",
                "fn f(m: &M, mut k: u8) { if m.contains_key(&k) { k += 1; g(m[&k]); } }",
                "fn f(m: &M, k: u8) { if m.contains_key(&k) { let k = 2; g(m[&k]); } }",
                // More is asked, or it is hidden.
                "fn f(m: &M, k: u8) { if m.contains_key(&k) || a() { g(m[&k]); } }",
                "fn f(m: &M, k: u8) { if !m.contains_key(&k) { g(m[&k]); } }",
                "fn f(m: &M, k: u8) { if !m.contains_key(&k) && a() { h(); } else { g(m[&k]); } }",
                "fn f(m: &mut M, k: u8) { if m.contains_key(&k) && a() { g(m.remove(&k).unwrap()); h(m.len()); } }",
                "fn f(m: &M, k: u8) { if m.get(&k).is_some_and(|v| *v > 1) { g(m[&k]); } }",
                "fn f(m: &M, v: &[u8]) { if m.get(1..3).is_some() { g(m.get(1..3).unwrap()); } }",
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
