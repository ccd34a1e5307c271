//! The same key looked up again and again in one stretch of code that leaves the map as it is.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::lookups::{begins_with, is_left_as_it_is, may_be_map};
use crate::source::names::peel;
use crate::source::{SourceFile, shapes, types, usage};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("looked-up-again"),
    eye: Eye::Errors,
    kind: Kind::DefensiveRedundancy,
    class: Class::A,
    title: "the same key looked up again in a map that nothing changed",
    explain: EXPLAIN,
    triggers: &["get", "HashMap", "BTreeMap"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `map.get(key)?`, `map.get(key).unwrap()`, `map.get(key)` or `map[key]` two or more times in one block, for the same key of the
same map, while nothing changes either of them.

## Why it costs

The key is hashed and compared, or searched for down the tree, once more for each part of what was found the first time.

## Before

```rust
let on_hand = self.levels.get(sku)?.on_hand;
let reserved = self.levels.get(sku)?.reserved;
```

## After

```rust
let level = self.levels.get(sku)?;
let on_hand = level.on_hand;
let reserved = level.reserved;
```

## When it is refused

The first look-up is not the first thing that its statement does; the key is computed; the map is no `HashMap` or `BTreeMap` of std
(asked of rustc), or changes in between (rustc does not accept it). Look-ups behind `contains_key` or `is_some` are left to their
rules.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found: Vec<Fact> = Vec::new();
    for block in shapes::blocks(file) {
        for index in 0..block.stmts.len() {
            let again = repeated(file, block, index);
            // What an outer block reports, it reports with all that is inside.
            let is_known = |fact: &Fact| found.iter().any(|known| overlap(known, fact));
            found.extend(again.into_iter().filter(|fact| !is_known(fact)).collect::<Vec<_>>());
        }
    }
    found
}

fn overlap(a: &Fact, b: &Fact) -> bool {
    a.captures.iter().any(|(_, range)| b.captures.iter().any(|(_, other)| range == other))
}

/// How a look-up goes on, which all of them have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Question,
    Unwrap,
    Get,
    Index,
}

struct LookUp<'a> {
    map: &'a syn::Expr,
    key: &'a syn::Expr,
    /// `map.get(key)`, or `map[key]`.
    get: TextRange,
    /// The same with the `?` or the `unwrap` behind it.
    whole: TextRange,
    way: Way,
}

fn repeated(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let stmt = &block.stmts[index];
    let first =
        look_ups(file, &shapes::exprs_of(stmt)).into_iter().find(|found| begins_with(file, stmt, found.whole))?;
    let place = usage::place(first.map).filter(|p| p.is_plain)?;
    let known = types::type_of(file, first.map).and_then(|ty| types::head(types::strip(&ty)));
    let is_known_map = known.as_ref().is_some_and(|head| head == "HashMap" || head == "BTreeMap");
    // Whether an index is that of a map, its type must say.
    let may_be_map = is_known_map || first.way != Way::Index && may_be_map(file, first.map);
    if !may_be_map || !shapes::is_quiet(first.key) {
        return None;
    }
    let code = syn::Block { brace_token: block.brace_token, stmts: block.stmts[index..].to_vec() };
    let exprs = shapes::exprs(&code);
    let all = look_ups(file, &exprs);
    let same: Vec<&LookUp<'_>> = all
        .iter()
        .filter(|l| {
            shapes::same(peel(l.map), peel(first.map))
                && shapes::same(shapes::unreferenced(l.key), shapes::unreferenced(first.key))
        })
        .collect();
    let is_of_one_kind = same.iter().all(|l| (l.way == Way::Index) == (first.way == Way::Index));
    let ranges: Vec<TextRange> = same.iter().map(|l| l.get).collect();
    if same.len() < 2 || !is_of_one_kind || !is_left_as_it_is(file, &code, &place, first.key, &ranges) {
        return None;
    }
    let is_alike = same.iter().all(|l| l.way == first.way);
    let way = if is_alike { first.way } else { Way::Get };
    let bound = shapes::plain_let(stmt).filter(|l| !l.is_mut && l.ty.is_none());
    let of = |l: &LookUp<'_>| if is_alike { l.whole } else { l.get };
    let is_value = |l: &shapes::Let<'_>| match l.value {
        syn::Expr::Reference(r) if way == Way::Index => r.mutability.is_none() && file.range(&*r.expr) == first.get,
        value => way != Way::Index && file.range(value) == of(&first),
    };
    let name = bound.filter(is_value);
    let shown = file.on_one_line(file.range(first.map));
    let mut fact = Fact::at(file, of(&first))
        .capture("map", file.range(first.map))
        .note("message", format!("`{shown}` is asked {} times for the same key", same.len()));
    fact = match &name {
        Some(name) => fact.capture("named", file.span_range(name.name.span())),
        None => fact.capture("before", file.range(stmt)).capture("first", of(&first)),
    };
    for l in same.iter().filter(|l| name.is_none() || l.get != first.get) {
        let (how, range) = if way == Way::Index { indexed(file, &exprs, l.get) } else { ("reference", of(l)) };
        fact = fact.capture(how, range);
    }
    let is_rebound =
        name.is_some_and(|name| !usage::bindings(file, &shapes::rest(block, index), &name.name.to_string()).is_empty());
    (!is_rebound).then_some(fact)
}

/// How `map[key]` stands there once the value has a name.
fn indexed(file: &SourceFile, exprs: &[&syn::Expr], range: TextRange) -> (&'static str, TextRange) {
    let node = exprs.iter().find_map(|e| match e {
        syn::Expr::Index(i) if file.range(*e) == range => Some(i),
        _ => None,
    });
    match node {
        Some(node) => {
            let found = crate::source::lookups::index(file, exprs, node);
            (found.how, found.whole)
        }
        None => ("reference", range),
    }
}

/// All look-ups by `get` and by index among the expressions of a stretch of code.
fn look_ups<'a>(file: &SourceFile, exprs: &[&'a syn::Expr]) -> Vec<LookUp<'a>> {
    let mut found = Vec::new();
    for expr in exprs {
        let (map, key, way) = match expr {
            syn::Expr::MethodCall(call) if call.method == "get" && call.args.len() == 1 => {
                (&*call.receiver, &call.args[0], Way::Get)
            }
            syn::Expr::Index(i) if !matches!(*i.index, syn::Expr::Range(_)) => (&*i.expr, &*i.index, Way::Index),
            _ => continue,
        };
        let get = file.range(*expr);
        let mut look_up = LookUp { map, key, get, whole: get, way };
        for outer in exprs.iter().filter(|_| way == Way::Get) {
            match outer {
                syn::Expr::Try(t) if file.range(&*t.expr) == get => {
                    (look_up.whole, look_up.way) = (file.range(*outer), Way::Question);
                }
                syn::Expr::MethodCall(call) if file.range(&*call.receiver) == get => {
                    let is_unwrap =
                        call.method == "unwrap" || call.method == "expect" && matches!(call.args[0], syn::Expr::Lit(_));
                    if is_unwrap {
                        (look_up.whole, look_up.way) = (file.range(*outer), Way::Unwrap);
                    }
                    // Who only asks whether it is there has rules of his own.
                    if ["is_some", "is_none"].iter().any(|name| call.method == name) {
                        return Vec::new();
                    }
                }
                _ => {}
            }
        }
        found.push(look_up);
    }
    found.sort_by_key(|l| l.get);
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_the_same_key_is_looked_up_again() {
        for text in [
            "fn f(m: &HashMap<u8, L>, k: u8) -> Option<u8> { let a = $0m.get(&k)?$0.a; let b = m.get(&k)?.b; Some(a + b) }",
            "struct S { m: BTreeMap<String, L> } impl S { fn f(&self, k: &str) -> u8 { let a = $0self.m.get(k).unwrap()$0.a; g(); a + self.m.get(k).unwrap().b } }",
            "fn f(m: &HashMap<u8, L>, k: u8) -> u8 { let a = $0m[&k]$0.a; let b = m[&k].b; a + b }",
            "fn f(m: &HashMap<u8, L>, k: u8) -> u8 { $0m[&k]$0.a + m[&k].b }",
            "fn f(m: &HashMap<u8, L>, k: u8) -> u8 { let a = $0m.get(&k)$0.map(|l| l.a).unwrap_or(0); let b = m.get(&k).map_or(0, |l| l.b); a + b }",
            "fn f(m: &M, k: &K) -> Option<u8> { let l = $0m.get(k)?$0; g(l); h(m.get(k)?) }",
            "fn f(m: &M, ks: &[K]) { for k in ks { let a = $0m.get(k).expect(\"known\")$0.a; if a > 1 { g(m.get(k).expect(\"known\").b); } } }",
            "fn f(m: &M, k: &K) -> Option<u8> { let a = $0m.get(k)$0?.a; let b = m.get(k).map_or(0, |l| l.b); Some(a + b) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Once, another key, another map.
                "fn f(m: &HashMap<u8, L>, k: u8) -> Option<u8> { let a = m.get(&k)?.a; Some(a) }",
                "fn f(m: &HashMap<u8, L>, k: u8, l: u8) -> Option<u8> { let a = m.get(&k)?.a; let b = m.get(&l)?.b; Some(a + b) }",
                "fn f(m: &HashMap<u8, L>, n: &HashMap<u8, L>, k: u8) -> Option<u8> { let a = m.get(&k)?.a; let b = n.get(&k)?.b; Some(a + b) }",
                // The map or the key changes.
                "fn f(m: &mut HashMap<u8, L>, k: u8) -> Option<u8> { let a = m.get(&k)?.a; m.remove(&a); let b = m.get(&k)?.b; Some(a + b) }",
                "fn f(m: &mut HashMap<u8, L>, k: u8) -> Option<u8> { let a = m.get(&k)?.a; g(m); let b = m.get(&k)?.b; Some(a + b) }",
                "fn f(m: &HashMap<u8, L>, mut k: u8) -> Option<u8> { let a = m.get(&k)?.a; k += 1; let b = m.get(&k)?.b; Some(a + b) }",
                "fn f(m: &HashMap<u8, L>, k: u8) -> Option<u8> { let a = m.get(&k)?.a; let k = a; let b = m.get(&k)?.b; Some(a + b) }",
                "impl S { fn f(&mut self, k: u8) -> Option<u8> { let a = self.m.get(&k)?.a; self.turn(); let b = self.m.get(&k)?.b; Some(a + b) } fn turn(&mut self) {} }",
                // Something happens before it.
                "fn f(m: &HashMap<u8, L>, k: u8) -> Option<u8> { let a = g()? + m.get(&k)?.a; let b = m.get(&k)?.b; Some(a + b) }",
                "fn f(m: &HashMap<u8, L>, k: u8) -> Option<u8> { let a = if c { m.get(&k)?.a } else { 1 }; let b = m.get(&k)?.b; Some(a + b) }",
                // Not a map, or not known to be one; a key that is computed.
                "fn f(v: &[L], i: usize) -> u8 { let a = v[i].a; let b = v[i].b; a + b }",
                "fn f(v: &Rows, i: usize) -> u8 { let a = v[i].a; let b = v[i].b; a + b }",
                "fn f(v: &Vec<L>, i: usize) -> Option<u8> { let a = v.get(i)?.a; let b = v.get(i)?.b; Some(a + b) }",
                "fn f(m: &HashMap<u8, L>) -> Option<u8> { let a = m.get(&next())?.a; let b = m.get(&next())?.b; Some(a + b) }",
                "fn f(t: &T) -> Option<u8> { let a = t.get()?; let b = t.get()?; Some(a + b) }",
                "fn f(m: &RwLock<M>, k: u8) -> Option<u8> { let a = m.read().get(&k)?.a; let b = m.read().get(&k)?.b; Some(a + b) }",
                // Other rules' own.
                "fn f(m: &HashMap<u8, L>, k: u8) -> u8 { if m.get(&k).is_some() { m.get(&k).unwrap().a } else { 0 } }",
                "#[test] fn f() { let a = m.get(k).unwrap().a; let b = m.get(k).unwrap().b; }",
            ],
        );
    }
}
