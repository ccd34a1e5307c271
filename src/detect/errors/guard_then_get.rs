//! `if !map.contains_key(key) { return … }` with look-ups of the same key behind it.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::lookups::{self, LookUp, Question};
use crate::source::{SourceFile, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("guard-then-get"),
    eye: Eye::Errors,
    kind: Kind::DefensiveRedundancy,
    class: Class::A,
    title: "left where a key is missing, and then looked up again",
    explain: EXPLAIN,
    triggers: &["contains_key", "get"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `if !map.contains_key(key) { … leave … }` (or `map.get(key).is_none()`, of vectors and slices as well) with look-ups of
that key in the statements behind it: `map[key]`, `map.get(key).unwrap()`, `map.get_mut(key).unwrap()`.

## Why it costs

Each look-up hashes the key, or walks down the tree and compares it; the later ones also carry a branch to a panic.

## Before

```rust
if !rates.contains_key(&currency) {
    return None;
}
let rate = rates.get(&currency).unwrap();
```

## After

```rust
let Some(rate) = rates.get(&currency) else {
    return None;
};
```

## When it is refused

The block does not leave. Something else is done with the map before the look-up, or the key changes; the key is computed; the
map is not one of std (asked of rustc); the package promises to build with a Rust older than 1.65.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| guarded(file, block, index)));
    }
    found
}

fn guarded(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let syn::Stmt::Expr(syn::Expr::If(node), semicolon) = &block.stmts[index] else { return None };
    if node.else_branch.is_some() || !shapes::diverges(&node.then_branch) {
        return None;
    }
    let question = lookups::question(&node.cond).filter(|q| !q.is_there)?;
    let found = behind(file, block, index, &question);
    let first = found.first()?;
    let shown = file.text_of(question.collection);
    let message = format!("`{shown}` is asked for a key, and looked through for it again behind the check");
    let mut fact = Fact::at(file, file.range(&*node.cond))
        .capture("whole", file.range(node))
        .capture("map", file.range(question.collection))
        .capture("key", file.range(question.key))
        .capture("block", file.span_range(node.then_branch.brace_token.span.join()))
        .capture(if question.by_get { "by get" } else { "by contains_key" }, file.range(&*node.cond))
        .note("message", message);
    if semicolon.is_some() {
        fact = fact.capture("semicolon", file.range(node));
    }
    if let Some(bound) = block.stmts.get(index + 1).and_then(shapes::plain_let).filter(|l| l.ty.is_none())
        && found.len() == 1
        && file.range(bound.value) == first.whole
        && (first.how == "reference" || (first.how == "value" && !bound.is_mut && first.way == "get"))
    {
        fact = fact.capture("bound", file.span_range(bound.name.span())).capture("let", file.range(bound.local));
        if bound.is_mut {
            fact = fact.capture("mut", file.range(bound.local));
        }
    }
    for look_up in &found {
        fact = fact.capture(look_up.how, look_up.whole).capture(look_up.way, look_up.whole);
    }
    Some(fact)
}

/// Look-ups of one way in the statements behind the check, up to where something else is done with the collection.
fn behind(file: &SourceFile, block: &syn::Block, index: usize, question: &Question<'_>) -> Vec<LookUp> {
    let mut found: Vec<LookUp> = Vec::new();
    for stmt in &block.stmts[index + 1..] {
        let code = syn::Block { brace_token: block.brace_token, stmts: vec![stmt.clone()] };
        let Some(again) = lookups::again(file, question, &code) else { break };
        let way = |l: &LookUp| l.way;
        if let (Some(known), Some(new)) = (found.first().map(way), again.look_ups.first().map(way))
            && known != new
        {
            break;
        }
        // What is taken out must be taken out at once.
        let is_taken = again.look_ups.first().is_some_and(|l| l.way == "remove");
        if is_taken
            && (!std::ptr::eq(stmt, &block.stmts[index + 1])
                || !lookups::begins_with(file, stmt, again.look_ups[0].whole))
        {
            break;
        }
        found.extend(again.look_ups);
        if is_taken || !again.is_left_alone {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_look_ups_behind_a_check() {
        for text in [
            "fn f(m: &M, k: u8) -> u8 { if $0!m.contains_key(&k)$0 { return 0; } let v = m.get(&k).unwrap(); *v }",
            "fn f(m: &M, k: u8) -> u8 { if $0m.get(&k).is_none()$0 { return 0; } m[&k] }",
            "fn f(m: &M, k: &str) -> u8 { if $0m.get(k).is_none()$0 { return 0; } if *m.get(k).unwrap() < 2 { return 1; } *m.get(k).unwrap() }",
            "fn f(m: &mut M, k: u8) -> R { if $0!m.contains_key(&k)$0 { return Err(E::Gone(k)); } m.get_mut(&k).unwrap().n += 1; Ok(()) }",
            "fn f(m: &mut M, k: u8) -> R { if $0!m.contains_key(&k)$0 { return Err(E::Gone); } let v = m.remove(&k).unwrap(); Ok(v) }",
            "fn f(m: &M, ks: &[u8]) { for k in ks { if $0!m.contains_key(k)$0 { continue; } g(m[k]); } }",
            "impl S { fn log(&self) {} fn f(&self, k: u8) -> u8 { if $0!self.m.contains_key(&k)$0 { return 0; } self.log(); self.m[&k] } }",
            "fn f(v: &[u8], i: usize) -> u8 { if $0v.get(i).is_none()$0 { return 0; } v[i] }",
            "fn f(m: &mut M, k: u8) -> u8 { if $0!m.contains_key(&k)$0 { return 0; } let v = m[&k]; m.insert(k, v + 1); v }",
            "fn f(m: &M, k: u8) -> u8 { if $0let None = m.get(&k)$0 { return 0; } h(); m.get(&k).copied().unwrap() }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // It goes on, asks the other way, or asks for more.
                "fn f(m: &M, k: u8) -> u8 { if !m.contains_key(&k) { log(); } m[&k] }",
                "fn f(m: &mut M, k: u8) -> u8 { if !m.contains_key(&k) { m.insert(k, 1); } m[&k] }",
                "fn f(m: &M, k: u8) -> u8 { if m.contains_key(&k) { return 0; } m[&k] }",
                "fn f(m: &M, k: u8) -> u8 { if !m.contains_key(&k) || a() { return 0; } m[&k] }",
                "fn f(m: &M, k: u8) -> u8 { if !m.contains_key(&k) { return 0; } else { h(); } m[&k] }",
                // Another key or map, a changed or computed one.
                "fn f(m: &M, k: u8, l: u8) -> u8 { if !m.contains_key(&k) { return 0; } m[&l] }",
                "fn f(m: &M, n: &M, k: u8) -> u8 { if !m.contains_key(&k) { return 0; } n[&k] }",
                "fn f(m: &M, mut k: u8) -> u8 { if !m.contains_key(&k) { return 0; } k += 1; m[&k] }",
                "fn f(m: &M, k: u8) -> u8 { if !m.contains_key(&k) { return 0; } let k = k + 1; m[&k] }",
                "fn f(m: &M) -> u8 { if !m.contains_key(&next()) { return 0; } m[&next()] }",
                // The map changes first, or is out of sight.
                "fn f(m: &mut M, k: u8) -> u8 { if !m.contains_key(&k) { return 0; } m.clear(); m[&k] }",
                "fn f(m: &mut M, k: u8) -> u8 { if !m.contains_key(&k) { return 0; } refill(m); m[&k] }",
                "impl S { fn reload(&mut self) {} fn f(&mut self, k: u8) -> u8 { if !self.m.contains_key(&k) { return 0; } self.reload(); self.m[&k] } }",
                "fn f(m: &M, k: u8) -> u8 { if !m.contains_key(&k) { return 0; } spawn(move || m[&k]); 1 }",
                "fn f(m: &M, k: u8) -> u8 { if !m.contains_key(&k) { return 0; } show!(m[&k]); 1 }",
                // Taken out only later, or never looked up.
                "fn f(m: &mut M, k: u8) -> u8 { if !m.contains_key(&k) { return 0; } h(); m.remove(&k).unwrap() }",
                "fn f(m: &mut M, k: u8) -> u8 { if !m.contains_key(&k) { return 0; } if a { return m.remove(&k).unwrap(); } 1 }",
                "fn f(m: &M, k: u8) -> u8 { if !m.contains_key(&k) { return 0; } m.get(&k).map_or(0, g) }",
                "fn f(m: &M, k: u8) -> u8 { if !m.contains_key(&k) { return 0; } 1 }",
                "#[test] fn f() { if !m.contains_key(&k) { return; } g(m[&k]); }",
            ],
        );
    }
}
