//! Lists that are sorted for their first or last element alone.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::{self, mentions};
use crate::source::usage::{self, How};
use crate::source::{SourceFile, pure, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("sorted-for-one"),
    eye: Eye::Loops,
    kind: Kind::Quadratic,
    class: Class::A,
    title: "list sorted for its first or last element alone",
    explain: EXPLAIN,
    triggers: &["sort", "sort_unstable", "sort_by", "sort_by_key", "sort_unstable_by", "sort_unstable_by_key"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds a local list that is sorted, and of which then nothing but `first()`, `last()`, `[0]`, `[list.len() - 1]`,
`into_iter().next()` or `pop()` is used.

## Why it costs

Sorting n elements compares about n log n times and moves them about; finding the least or the greatest compares n times.

## Before

```rust
candidates.sort_unstable();
let (_, number) = candidates.first()?;
```

## After

```rust
let (_, number) = candidates.iter().min()?;
```

The first of equal elements is taken, or the last, as a stable sort would bring them there. An element asked for by its index
becomes `min()?` where a guard has just returned `None` for the empty list, and else `min().unwrap()`, which panics where the index
did.

## When it is refused

The list is a parameter by reference or a field, so that others see its order; it is used once more after the sort; the comparison
does more than compute, or looks at something that changes; the list is no vector, slice or array of std (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for function in words::functions_with(file, RULE.triggers) {
        for block in shapes::own_blocks(function.block) {
            found.extend((0..block.stmts.len()).filter_map(|index| sorted(file, block, index)));
        }
    }
    found
}

fn sorted(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let syn::Stmt::Expr(syn::Expr::MethodCall(sort), Some(_)) = &block.stmts[index] else { return None };
    let is_sort = RULE.triggers.iter().any(|name| sort.method == name);
    let name = names::plain_name(&sort.receiver).filter(|_| is_sort)?;
    let text = name.to_string();
    // The list is a local of this block, made before the sort.
    let made =
        block.stmts[..index].iter().position(|s| shapes::plain_let(s).is_some_and(|l| l.is_mut && l.name == name))?;
    let bound = shapes::plain_let(&block.stmts[made])?;
    if matches!(bound.value, syn::Expr::Reference(_))
        || bound.ty.is_some_and(|ty| matches!(ty, syn::Type::Reference(_)))
    {
        return None;
    }
    let rest = shapes::rest(block, index);
    let uses = usage::uses(file, &rest, &text);
    let at = rest.stmts.iter().position(|stmt| mentions(stmt, &text))?;
    let is_loop =
        matches!(&rest.stmts[at], syn::Stmt::Expr(syn::Expr::While(_) | syn::Expr::Loop(_) | syn::Expr::ForLoop(_), _));
    let is_seen =
        uses.iter().all(|u| !u.is_captured && u.how != How::Mutate) && usage::bindings(file, &rest, &text).is_empty();
    if !is_seen || at > 0 || is_loop {
        return None;
    }
    let is_calm = |e: &syn::Expr| pure::is_pure(file, e) && shapes::exits_of(e).is_empty();
    if !sort.args.iter().all(is_calm) {
        return None;
    }
    let one = match uses.as_slice() {
        [only] if only.is_bare => {
            let How::Method(method) = &only.how else { return None };
            shapes::exprs(&rest).into_iter().find_map(|e| match e {
                syn::Expr::MethodCall(call) => asked(file, call, only.whole, method),
                _ => None,
            })?
        }
        several => indexed(file, &rest.stmts[at], &text, several.len())?,
    };
    let One { walked, is_least: takes_least, site, .. } = one;
    // Nothing but the sort changed the list: then nobody needs it to be `mut` any more.
    let before = usage::uses(file, &shapes::rest(block, made), &text);
    let is_changed = before.iter().any(|u| u.name.start < file.range(sort).start && u.is_change());
    let least = if takes_least { "least" } else { "greatest" };
    let mut fact = Fact::at(file, file.range(&block.stmts[index]))
        .capture("list", file.range(&*sort.receiver))
        .capture("asked", site)
        .capture(walked, site)
        .capture(least, site)
        .capture("method", file.span_range(sort.method.span()))
        .note("message", format!("`{text}` is sorted, and then only its {least} element is looked at"));
    if let Some(by) = sort.args.first() {
        fact = fact.capture("by", file.range(by));
    }
    let pat = match &bound.local.pat {
        syn::Pat::Type(t) => &*t.pat,
        other => other,
    };
    if one.is_index {
        let way = if is_guarded(&block.stmts[made..index], &text) { "tried" } else { "unwrapped" };
        fact = fact.capture(way, site);
        fact = if one.is_looked_into { fact } else { fact.capture("whole", site) };
    }
    if !is_changed {
        fact = fact.capture("mut", file.range(pat)).capture("name", file.span_range(bound.name.span()));
    }
    Some(fact)
}

/// What is asked of the list.
struct One {
    /// How the list is walked for it.
    walked: &'static str,
    is_least: bool,
    /// The expression that gives it.
    site: TextRange,
    /// True for `list[0]`, which panics where there is none.
    is_index: bool,
    /// True where a field or a method of the element is what is wanted.
    is_looked_into: bool,
}

fn asked(file: &SourceFile, call: &syn::ExprMethodCall, whole: TextRange, method: &str) -> Option<One> {
    let range = file.range(call);
    let is_whole = range == whole;
    let one = |walked, is_least| Some(One { walked, is_least, site: range, is_index: false, is_looked_into: false });
    let is_zero = |arg: &syn::Expr| matches!(arg, syn::Expr::Lit(l) if matches!(&l.lit, syn::Lit::Int(n) if n.base10_digits() == "0"));
    match method {
        "first" | "last" if is_whole && call.args.is_empty() => one("iter", method == "first"),
        "get" if is_whole && call.args.first().is_some_and(is_zero) => one("iter", true),
        "pop" if is_whole && call.args.is_empty() => one("into_iter", false),
        "iter" | "into_iter" if call.args.is_empty() && file.range(&*call.receiver) == whole => {
            let walked = if method == "iter" { "iter" } else { "into_iter" };
            match call.method.to_string().as_str() {
                "next" => one(walked, true),
                "last" | "next_back" => one(walked, false),
                _ => None,
            }
        }
        _ => None,
    }
}

/// `list[0]` or `list[list.len() - 1]` where nothing else of the list is used; `uses` is how often its name stands there.
fn indexed(file: &SourceFile, stmt: &syn::Stmt, list: &str, uses: usize) -> Option<One> {
    let all = shapes::exprs_of(stmt);
    let is_it = |e: &syn::Expr| names::plain_name(e).is_some_and(|name| name == list);
    let index = all.iter().find_map(|e| match e {
        syn::Expr::Index(index) if is_it(&index.expr) => Some(index),
        _ => None,
    })?;
    let is_least = match names::peel(&index.index) {
        syn::Expr::Lit(l) => {
            matches!(&l.lit, syn::Lit::Int(n) if n.base10_digits() == "0" && uses == 1).then_some(true)?
        }
        syn::Expr::Binary(b) => {
            let is_one = matches!(&*b.right, syn::Expr::Lit(l) if matches!(&l.lit, syn::Lit::Int(n) if n.base10_digits() == "1"));
            let is_len = shapes::method(&b.left, "len", 0).is_some_and(|len| is_it(&len.receiver));
            (matches!(b.op, syn::BinOp::Sub(_)) && is_one && is_len && uses == 2).then_some(false)?
        }
        _ => return None,
    };
    let range = file.range(index);
    let lent = all.iter().find(|e| matches!(e, syn::Expr::Reference(r) if file.range(&*r.expr) == range));
    let site = lent.map_or(range, |e| file.range(*e));
    // What is borrowed of a place is borrowed of what `min` gives, too; what is moved out of one is not.
    let is_looked_into = lent.is_some()
        || all.iter().any(|e| match e {
            syn::Expr::Field(f) => file.range(&*f.base) == range,
            syn::Expr::MethodCall(call) => file.range(&*call.receiver) == range,
            _ => false,
        });
    Some(One { walked: "iter", is_least, site, is_index: true, is_looked_into })
}

/// True if one of the statements is `if list.is_empty() { return None; }`.
fn is_guarded(stmts: &[syn::Stmt], list: &str) -> bool {
    stmts.iter().any(|stmt| {
        let syn::Stmt::Expr(syn::Expr::If(guard), _) = stmt else { return false };
        let asks = shapes::method(&guard.cond, "is_empty", 0)
            .is_some_and(|call| names::plain_name(&call.receiver).is_some_and(|name| name == list));
        let [syn::Stmt::Expr(syn::Expr::Return(back), _)] = &guard.then_branch.stmts[..] else { return false };
        let is_none = back.expr.as_deref().and_then(names::plain_name).is_some_and(|name| name == "None");
        asks && is_none && guard.else_branch.is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_one_element_is_wanted() {
        for text in [
            "fn f(xs: &[u8]) -> Option<u8> { let mut v = xs.to_vec(); $0v.sort();$0 v.first().copied() }",
            "fn f(xs: &[u8]) -> Option<u8> { let mut v = Vec::new(); for x in xs { v.push(*x); } $0v.sort_unstable();$0 let x = v.last()?; Some(*x) }",
            "fn f(xs: &[P]) -> Option<P> { let mut v = xs.to_vec(); $0v.sort_by_key(|p| p.n);$0 v.into_iter().next() }",
            "fn f(xs: &[P]) -> Option<P> { let mut v = xs.to_vec(); $0v.sort_by(|a, b| a.n.cmp(&b.n));$0 v.pop() }",
            "fn f(xs: &[P]) -> Option<u8> { let mut v: Vec<&P> = xs.iter().collect(); if v.is_empty() { return None; } $0v.sort_by(|a, b| a.n.cmp(&b.n).then(a.id.cmp(&b.id)));$0 let best = v[0]; Some(best.id) }",
            "fn f(xs: &[u8]) -> u8 { let mut v = xs.to_vec(); $0v.sort_unstable();$0 v[v.len() - 1] }",
            "fn f(xs: &[f64]) -> f64 { let mut v = xs.to_vec(); $0v.sort_by(|a, b| a.partial_cmp(b).unwrap());$0 v[0] }",
            "fn f(xs: &[u8]) -> Option<u8> { let mut v = xs.to_vec(); $0v.sort();$0 v.get(0).copied() }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(v: &mut Vec<u8>) -> Option<&u8> { v.sort(); v.first() }",
                "fn f(xs: &mut X) -> Option<&u8> { let mut v = &mut xs.v; v.sort(); v.first() }",
                "fn f(xs: &[u8]) -> (Option<u8>, Vec<u8>) { let mut v = xs.to_vec(); v.sort(); (v.first().copied(), v) }",
                "fn f(xs: &[u8]) -> V { let mut v = xs.to_vec(); v.sort(); let n = v.first(); v.len() }",
                "fn f(xs: &[u8]) -> Option<u8> { let mut v = xs.to_vec(); v.sort(); v.get(3).copied() }",
                "fn f(xs: &[u8]) -> V { let mut v = xs.to_vec(); v.sort(); v.iter().take(3).collect() }",
                "fn f(xs: &[u8]) -> u8 { let mut v = xs.to_vec(); v.sort(); v[1] }",
                "fn f(xs: &[u8]) -> u8 { let mut v = xs.to_vec(); v.sort(); v[v.len() / 2] }",
                "fn f(xs: &[u8]) -> u8 { let mut v = xs.to_vec(); v.sort(); v[0] + v[v.len() - 1] }",
                "fn f(xs: &[u8]) -> u8 { let mut v = xs.to_vec(); v.sort(); v[0] + v[3] }",
                "fn f(xs: &[u8]) -> usize { let mut v = xs.to_vec(); v.sort(); v.len() - 1 }",
                "fn f(xs: &[u8], n: &mut u8) -> Option<u8> { let mut v = xs.to_vec(); v.sort_by_key(|x| { *n += 1; *x }); v.first().copied() }",
                "fn f(xs: &[u8]) -> V { let mut v = xs.to_vec(); v.sort(); while let Some(x) = v.pop() { g(x); } }",
                "impl S { fn f(&mut self) -> Option<&u8> { self.v.sort(); self.v.first() } }",
            ],
        );
    }
}
