//! A list sorted a second time in the same way, with its order kept in between.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::peel;
use crate::source::usage::{self, How, PlacePath};
use crate::source::{SourceFile, pure, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("sorted-twice"),
    eye: Eye::Errors,
    kind: Kind::DefensiveRedundancy,
    class: Class::A,
    title: "list sorted again that is sorted already",
    explain: EXPLAIN,
    triggers: &[
        "sort",
        "sort_by",
        "sort_by_cached_key",
        "sort_by_key",
        "sort_unstable",
        "sort_unstable_by",
        "sort_unstable_by_key",
    ],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `list.sort_by_key(…);` that stands a second time in the same block, where in between the list was only read, or elements
were left out of it (`retain`, `truncate`, `dedup`, `pop`).

## Why it costs

The second sort walks over all elements and calls the key or the comparison for each, to find them in order.

## Before

```rust
postings.sort_by_key(|p| p.account);
postings.retain(|p| p.amount != 0);
postings.sort_by_key(|p| p.account);
```

## After

```rust
postings.sort_by_key(|p| p.account);
postings.retain(|p| p.amount != 0);
```

## When it is refused

The list is changed in any other way in between, or lent to something that may change it; the key or the comparison does more than
to compute from the elements, or looks at something that changes; the list is no vector or slice of std (asked of rustc).
";

/// Methods of a vector that leave the order of what stays in it as it is.
const KEEPS_ORDER: &[&str] =
    &["clear", "dedup", "dedup_by", "dedup_by_key", "pop", "remove", "reserve", "retain", "shrink_to_fit", "truncate"];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for function in words::functions_with(file, RULE.triggers) {
        for block in shapes::blocks_in(function.block) {
            found.extend((0..block.stmts.len()).filter_map(|index| again(file, function.sig, block, index)));
        }
    }
    found
}

fn again(file: &SourceFile, sig: &syn::Signature, block: &syn::Block, index: usize) -> Option<Fact> {
    let second = sort(&block.stmts[index])?;
    let place = usage::place(&second.receiver).filter(|p| p.is_plain)?;
    let first = (0..index).rev().find(|at| {
        sort(&block.stmts[*at]).is_some_and(|other| shapes::same(peel(&other.receiver), peel(&second.receiver)))
    })?;
    let is_same = shapes::same(sort(&block.stmts[first])?, second);
    let between = &block.stmts[first + 1..index];
    let is_kept = |arg: &syn::Expr, root: &String| {
        pure::is_unchanged(file, between, root, pure::held(file, sig, arg, root), TextRange::at(0))
    };
    let is_calm = |arg: &syn::Expr| pure::is_pure(file, arg) && pure::roots(arg).iter().all(|r| is_kept(arg, r));
    let arguments = || second.args.iter().all(is_calm);
    if !is_same || !keeps_order(file, between, &place) || !arguments() {
        return None;
    }
    let shown = file.text_of(&*second.receiver);
    let message = format!("`{shown}` is sorted already: nothing that could change its order stands between the two");
    Some(
        Fact::at(file, file.range(&block.stmts[index]))
            .capture("list", file.range(&*second.receiver))
            .note("message", message),
    )
}

/// `list.sort…(…);`
fn sort(stmt: &syn::Stmt) -> Option<&syn::ExprMethodCall> {
    match stmt {
        syn::Stmt::Expr(syn::Expr::MethodCall(call), Some(_)) => {
            RULE.triggers.iter().any(|name| call.method == name).then_some(call)
        }
        _ => None,
    }
}

fn keeps_order(file: &SourceFile, between: &[syn::Stmt], place: &PlacePath) -> bool {
    let code = syn::Block { brace_token: Default::default(), stmts: between.to_vec() };
    let uses = usage::uses(file, &code, &place.root);
    let mut of_place = uses.iter().filter(|u| usage::may_overlap(place, &place.root, &u.fields));
    usage::bindings(file, &code, &place.root).is_empty()
        && of_place.all(|u| match &u.how {
            How::Method(name) if u.fields == place.fields && KEEPS_ORDER.contains(&name.as_str()) => {
                // `list[i].pop()` is another thing.
                file.slice(u.place).len() <= shown_len(place)
            }
            _ => u.is_read(),
        })
}

/// Length of `self.rows` as it is written without blanks.
fn shown_len(place: &PlacePath) -> usize {
    place.root.len() + place.fields.iter().map(|f| f.len() + 1).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_the_second_sort() {
        for text in [
            "fn f(mut v: Vec<P>) -> Vec<P> { v.sort_by_key(|p| p.a); v.retain(|p| p.n != 0); $0v.sort_by_key(|p| p.a);$0 v }",
            "fn f(v: &mut Vec<u8>) { v.sort(); v.dedup(); $0v.sort();$0 }",
            "fn f(v: &mut Vec<E>) { v.sort_by(|a, b| b.n.cmp(&a.n)); v.truncate(3); $0v.sort_by(|a, b| b.n.cmp(&a.n));$0 g(v); }",
            "impl S { fn f(&mut self) { self.rows.sort_unstable(); self.n = self.rows.len(); $0self.rows.sort_unstable();$0 } }",
            "fn f(v: &mut Vec<u8>) -> u8 { v.sort(); let m = v[v.len() / 2]; for x in v.iter() { g(x); } $0v.sort();$0 m }",
            "fn f(v: &mut Vec<String>) { v.sort_by_cached_key(|s| s.to_lowercase()); h(&v); $0v.sort_by_cached_key(|s| s.to_lowercase());$0 }",
            "fn f(v: &mut [f64]) { v.sort_by(|a, b| a.total_cmp(b)); let lo = v.first(); g(lo); $0v.sort_by(|a, b| a.total_cmp(b));$0 }",
            "fn f(a: bool) { if a { let mut v = load(); v.sort(); if v.is_empty() { return; } $0v.sort();$0 g(v); } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Another order, another list.
                "fn f(v: &mut Vec<P>) { v.sort_by_key(|p| p.a); v.sort_by_key(|p| p.b); }",
                "fn f(v: &mut Vec<P>) { v.sort_by_key(|p| p.a); v.sort_by_key(|p| p.b); v.sort_by_key(|p| p.a); }",
                "fn f(v: &mut Vec<u8>, w: &mut Vec<u8>) { v.sort(); w.sort(); }",
                "fn f(v: &mut Vec<u8>) { v.sort(); v.reverse(); v.sort(); }",
                // Changed in between.
                "fn f(v: &mut Vec<u8>, x: u8) { v.sort(); v.push(x); v.sort(); }",
                "fn f(v: &mut Vec<u8>, w: &[u8]) { v.sort(); v.extend(w); v.sort(); }",
                "fn f(v: &mut Vec<P>) { v.sort_by_key(|p| p.a); for p in v.iter_mut() { p.a += 1; } v.sort_by_key(|p| p.a); }",
                "fn f(v: &mut Vec<u8>) { v.sort(); v[0] = 9; v.sort(); }",
                "fn f(v: &mut Vec<u8>) { v.sort(); fill(v); v.sort(); }",
                "fn f(v: &mut Vec<u8>) { v.sort(); fill(&mut *v); v.sort(); }",
                "fn f(v: &mut Vec<u8>) { v.sort(); v.swap_remove(0); v.sort(); }",
                "fn f(v: &mut Vec<Vec<u8>>) { v.sort(); v[0].pop(); v.sort(); }",
                "fn f(mut v: Vec<u8>) { v.sort(); let mut v = load(); v.sort(); }",
                "impl S { fn f(&mut self) { self.v.sort(); self.refill(); self.v.sort(); } fn refill(&mut self) {} }",
                "fn f(v: &mut Vec<u8>) { v.sort(); fill!(v); v.sort(); }",
                // The key does more, or looks at what changes.
                "fn f(v: &mut Vec<P>) { v.sort_by_key(|p| next(p)); g(); v.sort_by_key(|p| next(p)); }",
                "fn f(v: &mut Vec<P>, mut n: u8) { v.sort_by_key(|p| p.a ^ n); n += 1; v.sort_by_key(|p| p.a ^ n); }",
                // Each by itself.
                "fn f(v: &mut Vec<u8>, a: bool) { if a { v.sort(); } v.sort(); }",
                "#[test] fn f() { v.sort(); v.sort(); }",
            ],
        );
    }
}
