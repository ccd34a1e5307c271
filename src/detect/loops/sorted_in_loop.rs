//! Loops that sort a vector after each element they add to it.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::grown::{self, Grown};
use crate::source::usage::{self, How};
use crate::source::{SourceFile, pure, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("sorted-in-loop"),
    eye: Eye::Loops,
    kind: Kind::Quadratic,
    class: Class::A,
    title: "vector sorted after each element that is added",
    explain: EXPLAIN,
    triggers: &["sort", "sort_by", "sort_by_cached_key", "sort_by_key", "sort_unstable"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds loops that fill a new vector by `list.push(item)` (or `extend`) with `list.sort()` behind it in each round, and do nothing else
with it; and those that do so with a field of `self`.

## Why it costs

Each round walks over all elements to bring one to its place: n rounds compare at least n²/2 times.

## Before

```rust
let mut merged = Vec::new();
for sample in samples {
    merged.push(*sample);
    merged.sort();
}
```

## After

```rust
let mut merged = Vec::new();
for sample in samples {
    merged.push(*sample);
}
merged.sort();
```

Equal elements stay in the order in which they came, as `sort` is stable. A field is sorted behind the loop only if it has grown: it
may have been in another order before.

## When it is refused

The vector is neither new and empty when the loop begins nor a field, or is looked at in the loop; the function may leave the loop of a
field (`return`, `?`); a round may end between the addition and the sort;
the key or the comparison does more than to compute from the elements, or looks at something that changes in the loop; the vector is
not a `Vec` of std (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found: Vec<Fact> = grown::grown(file).iter().filter_map(|grown| sorted(file, grown)).collect();
    for function in words::functions_with(file, RULE.triggers) {
        for stmt in shapes::own_blocks(function.block).into_iter().flat_map(|block| &block.stmts) {
            let body = match stmt {
                syn::Stmt::Expr(syn::Expr::ForLoop(l), _) if l.label.is_none() => &l.body,
                syn::Stmt::Expr(syn::Expr::While(l), _) if l.label.is_none() => &l.body,
                _ => continue,
            };
            found.extend(kept_sorted(file, stmt, body));
        }
    }
    found
}

/// A field of `self` that each round adds to and sorts, and that the loop does not look at.
fn kept_sorted(file: &SourceFile, around: &syn::Stmt, body: &syn::Block) -> Option<Fact> {
    let index = body.stmts.iter().position(|s| sort_of(s).is_some())?;
    let call = sort_of(&body.stmts[index])?;
    let place = usage::place(&call.receiver).filter(|p| p.is_plain && p.root == "self" && !p.fields.is_empty())?;
    let added = shapes::method(
        match index.checked_sub(1).and_then(|at| body.stmts.get(at))? {
            syn::Stmt::Expr(expr, Some(_)) => expr,
            _ => return None,
        },
        "push",
        1,
    )?;
    let code = syn::Block { brace_token: body.brace_token, stmts: vec![around.clone()] };
    let uses = usage::uses(file, &code, "self");
    let of_list = uses.iter().filter(|u| usage::may_overlap(&place, "self", &u.fields)).count();
    let is_pushed = shapes::same(&*added.receiver, &*call.receiver) && of_list == 2;
    // Who leaves the function in between would leave the list as it is.
    let leaves = |exit: &shapes::Exit| !matches!(exit, shapes::Exit::Continue | shapes::Exit::Break);
    let is_calm = |arg: &syn::Expr| {
        let kept = |root: &String| {
            root != "self" && pure::is_unchanged(file, &code.stmts, root, pure::Held::Value, TextRange::at(0))
        };
        pure::is_pure(file, arg) && pure::roots(arg).iter().all(kept)
    };
    if !is_pushed || shapes::exits(body).iter().any(leaves) || !call.args.iter().all(is_calm) {
        return None;
    }
    let shown = file.on_one_line(file.range(&*call.receiver));
    Some(
        Fact::at(file, file.range(&body.stmts[index]))
            .capture("loop", file.range(around))
            .capture("list", file.range(&*call.receiver))
            .capture("kept", file.range(&*call.receiver))
            .note("message", format!("`{shown}` is sorted in each round, and not looked at in the loop")),
    )
}

/// `list.sort_by_key(…);`
fn sort_of(stmt: &syn::Stmt) -> Option<&syn::ExprMethodCall> {
    match stmt {
        syn::Stmt::Expr(syn::Expr::MethodCall(call), Some(_)) => {
            RULE.triggers.iter().any(|name| call.method == name).then_some(call)
        }
        _ => None,
    }
}

fn sorted(file: &SourceFile, grown: &Grown<'_>) -> Option<Fact> {
    let name = grown.name.to_string();
    let is_sort = |how: &How| matches!(how, How::Method(m) if RULE.triggers.contains(&m.as_str()));
    let is_addition =
        |how: &How| matches!(how, How::Method(m) if ["push", "extend", "extend_from_slice"].contains(&m.as_str()));
    let (sorts, others): (Vec<_>, Vec<_>) = grown.uses.iter().partition(|u| is_sort(&u.how));
    let ([sort], false) = (sorts.as_slice(), others.is_empty()) else { return None };
    if grown.uses.iter().any(|u| !u.is_bare) || !others.iter().all(|u| is_addition(&u.how)) {
        return None;
    }
    // The block in which the sort is a statement of its own; all additions stand before it there.
    let (block, index) = shapes::blocks_in(&grown.code).into_iter().find_map(|block| {
        let is_it = |s: &syn::Stmt| matches!(s, syn::Stmt::Expr(e @ syn::Expr::MethodCall(_), Some(_)) if file.range(e) == sort.whole);
        block.stmts.iter().position(is_it).map(|index| (block, index))
    })?;
    let first = block.stmts[..index].iter().position(|s| others.iter().any(|u| file.range(s).contains(u.name)))?;
    let added = &block.stmts[first..index];
    let is_before = |at: TextRange| added.iter().any(|s| file.range(s).contains(at));
    if !others.iter().all(|u| is_before(u.name)) || may_go_on(block, first, index) {
        return None;
    }
    let syn::Stmt::Expr(syn::Expr::MethodCall(call), _) = &block.stmts[index] else { return None };
    let is_kept = |arg: &syn::Expr| {
        let roots = pure::roots(arg);
        let unchanged =
            |root: &String| pure::is_unchanged(file, &grown.code.stmts, root, pure::Held::Value, TextRange::at(0));
        pure::is_pure(file, arg) && roots.iter().all(unchanged)
    };
    if !call.args.iter().all(is_kept) {
        return None;
    }
    let message = format!("`{name}` is sorted in each round, and read only behind the loop");
    Some(
        Fact::at(file, file.range(&block.stmts[index]))
            .capture("loop", grown.around)
            .capture("list", file.range(&*call.receiver))
            .note("message", message),
    )
}

/// True if a round may end between the first addition and the sort.
fn may_go_on(block: &syn::Block, first: usize, index: usize) -> bool {
    let between = syn::Block { brace_token: block.brace_token, stmts: block.stmts[first..index].to_vec() };
    shapes::exits(&between).into_iter().any(|exit| !matches!(exit, shapes::Exit::Return | shapes::Exit::Question))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_each_round_sorts() {
        for text in [
            "fn f(xs: &[u8]) -> Vec<u8> { let mut v = Vec::new(); for x in xs { v.push(*x); $0v.sort();$0 } v }",
            "fn f(ss: &[Vec<u8>]) -> Vec<u8> { let mut v: Vec<u8> = Vec::new(); for s in ss { for x in s { v.push(*x); $0v.sort();$0 } } v.truncate(3); v }",
            "fn f(ss: &[Vec<u8>]) -> Vec<u8> { let mut v = vec![]; for s in ss { for x in s { v.push(*x); } $0v.sort_unstable();$0 } v }",
            "fn f(ss: &[Vec<u8>]) -> Vec<u8> { let mut v = vec![]; for s in ss { v.extend(s.iter().copied()); $0v.sort();$0 } v }",
            "fn f(xs: &[P]) -> Vec<P> { let mut v = Vec::new(); for x in xs { if x.n > 1 { v.push(x.clone()); $0v.sort_by_key(|p| p.n);$0 } } v }",
            "fn f(xs: &[P]) -> Vec<P> { let mut v = Vec::new(); for x in xs { if x.n == 0 { continue; } v.push(x.clone()); log(); $0v.sort_by(|a, b| b.n.cmp(&a.n));$0 } v }",
            "fn f(r: &mut R) -> Res { let mut v = Vec::with_capacity(4); while let Some(x) = r.next() { v.push(g(x)?); $0v.sort();$0 } Ok(v) }",
            "impl R { fn f(&mut self, cs: Vec<C>) { for c in cs { if !self.by_id.contains_key(&c.id) { continue; } self.ladder.push(c); $0self.ladder.sort_by_key(|c| (c.level, c.id));$0 } } }",
            "fn f(xs: &[P], desc: bool) -> Vec<P> { let mut v = Vec::new(); for x in xs { v.push(x.clone()); $0v.sort_by_key(|p| if desc { -p.n } else { p.n });$0 } v }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Looked at in the loop.
                "fn f(xs: &[u8]) -> u8 { let mut v = Vec::new(); for x in xs { v.push(*x); v.sort(); g(v[0]); } v[0] }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut v = Vec::new(); for x in xs { v.push(*x); v.sort(); v.truncate(3); } v }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut v = Vec::new(); for x in xs { if v.binary_search(x).is_err() { v.push(*x); v.sort(); } } v }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut v = Vec::new(); for x in xs { v.push(*x); v.sort(); if *x > 3 { return v; } } v }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut v = Vec::new(); for x in xs { v.sort(); v.push(*x); } v }",
                // Not sorted in each round that adds.
                "fn f(xs: &[u8]) -> Vec<u8> { let mut v = Vec::new(); for x in xs { v.push(*x); if *x > 3 { v.sort(); } } v }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut v = Vec::new(); for x in xs { v.push(*x); if *x > 3 { continue; } v.sort(); } v }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut v = Vec::new(); for x in xs { v.push(*x); if *x > 3 { break; } v.sort(); } v }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut v = Vec::new(); for x in xs { if *x > 3 { v.push(*x); } else { v.push(1); v.sort(); } } v }",
                // Not new, not empty.
                "fn f(v: &mut Vec<u8>, xs: &[u8]) { for x in xs { v.push(*x); v.sort(); } }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut v = load(); for x in xs { v.push(*x); v.sort(); } v }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut v = Vec::new(); v.push(9); for x in xs { v.push(*x); v.sort(); } v }",
                "fn f(xs: &[u8]) { for x in xs { let mut v = Vec::new(); v.push(*x); v.sort(); g(v); } }",
                // The key does more, or changes with the rounds.
                "fn f(xs: &[P]) -> Vec<P> { let mut v = Vec::new(); for x in xs { v.push(x.clone()); v.sort_by_key(|p| rank(p)); } v }",
                "fn f(xs: &[P]) -> Vec<P> { let mut v = Vec::new(); for x in xs { v.push(x.clone()); v.sort_by_key(|p| p.n ^ x.n); } v }",
                "fn f(xs: &[P], mut k: u8) -> Vec<P> { let mut v = Vec::new(); for x in xs { v.push(x.clone()); v.sort_by_key(|p| p.n ^ k); k += 1; } v }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut v = Vec::new(); for x in xs { v.push(*x); v.sort(); v.sort(); } v }",
                "impl R { fn f(&mut self, cs: Vec<C>) { for c in cs { self.ladder.push(c); self.ladder.sort(); self.tell(); } } }",
                "impl R { fn f(&mut self, cs: Vec<C>) -> Option<u8> { for c in cs { self.ladder.push(c); self.ladder.sort(); let n = self.ladder.first()?; } None } }",
                "impl R { fn f(&mut self, cs: Vec<C>) -> Result<(), E> { for c in cs { let c = c?; self.ladder.push(c); self.ladder.sort(); } Ok(()) } }",
                "impl R { fn f(&mut self, cs: Vec<C>) { for c in cs { self.ladder.push(c); self.ladder.sort_by_key(|c| self.rank(c)); } } }",
                "#[test] fn f() { let mut v = Vec::new(); for x in xs { v.push(x); v.sort(); } }",
            ],
        );
    }
}
