//! Two loops that compare each element with all after it, to say whether any two are equal.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::names::{mentions, peel, plain_name};
use crate::source::{SourceFile, shapes, types, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("pairwise-duplicates"),
    eye: Eye::Loops,
    kind: Kind::Quadratic,
    class: Class::A,
    title: "every pair of elements compared to find two that are equal",
    explain: EXPLAIN,
    triggers: &["len", "skip", "iter"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `for i in 0..xs.len() { for j in (i + 1)..xs.len() { if xs[i].key == xs[j].key { … leave … } } }`, where what is done does not
depend on which two are equal, and `for (i, x) in xs.iter().enumerate() { if xs[i + 1..].iter().any(|y| y.key == x.key) { … } }`.

## Why it costs

n elements are n²/2 pairs: 10,000 elements take fifty million comparisons. A set that remembers what was seen takes 10,000 insertions.

## Before

```rust
for i in 0..customers.len() {
    for j in (i + 1)..customers.len() {
        if customers[i].email == customers[j].email {
            return true;
        }
    }
}
```

## After

```rust
let mut seen = std::collections::HashSet::new();
for customer in customers.iter() {
    if !seen.insert(&customer.email) {
        return true;
    }
}
```

## When it is refused

The elements are not `Eq + Hash`, or their `PartialEq` may disagree with their `Hash` (floats, hand-written comparisons; asked of
rustc); what is done speaks of an index or an element, or goes on with the loop; the list is no `Vec`, slice or array of std.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        for expr in shapes::exprs(body) {
            if let syn::Expr::ForLoop(outer) = expr {
                found.extend(pairs(file, outer));
            }
        }
    }
    found
}

/// One comparison of two elements, and what is done where they are equal.
struct Pair<'a> {
    list: &'a syn::Expr,
    left: &'a syn::Expr,
    right: &'a syn::Expr,
    then: &'a syn::Block,
    /// The element, where the loop names it.
    name: Option<&'a syn::Ident>,
}

fn pairs(file: &SourceFile, outer: &syn::ExprForLoop) -> Option<Fact> {
    let [syn::Stmt::Expr(only, _)] = outer.body.stmts.as_slice() else { return None };
    let (pair, names) = by_index(outer, only).or_else(|| by_rest(outer, only))?;
    let place = usage::place(pair.list).filter(|p| p.is_plain)?;
    let known = types::type_of(file, pair.list);
    let is_other = known.as_ref().is_some_and(|ty| !types::is_sequence(ty));
    let speaks = names.iter().any(|name| mentions(pair.then, name)) || mentions(pair.then, &place.root);
    let leaves = shapes::diverges(pair.then) && shapes::exits(pair.then).iter().all(|e| *e == shapes::Exit::Return);
    // With nothing but literals to give back it does not matter which two were found.
    if is_other || speaks || !leaves || outer.label.is_some() || !outer.attrs.is_empty() {
        return None;
    }
    let shown = file.on_one_line(file.range(pair.list));
    let named = pair.name.map(|name| ("named", file.span_range(name.span())));
    let message = format!("every pair of elements of `{shown}` is compared, only to know whether two are equal");
    let fact = Fact::at(file, file.range(outer))
        .capture("list", file.range(pair.list))
        .capture("left", file.range(pair.left))
        .capture("right", file.range(pair.right))
        .capture("then", file.span_range(pair.then.brace_token.span.join()))
        .note("message", message);
    Some(match named {
        Some((what, name)) => fact.capture(what, name),
        None => fact,
    })
}

/// `for i in 0..xs.len() { for j in i + 1..xs.len() { if xs[i].key == xs[j].key { … } } }`
fn by_index<'a>(outer: &'a syn::ExprForLoop, only: &'a syn::Expr) -> Option<(Pair<'a>, [String; 2])> {
    let syn::Expr::ForLoop(inner) = only else { return None };
    let (i, j) = (name_of(&outer.pat)?, name_of(&inner.pat)?);
    let list = shapes::counted(&outer.expr).filter(|_| is_range(&outer.expr))?;
    let range = match peel(&inner.expr) {
        syn::Expr::Range(range) => range,
        _ => return None,
    };
    let is_same_end =
        shapes::method(range.end.as_deref()?, "len", 0).is_some_and(|len| shapes::same(&*len.receiver, list));
    let is_open = matches!(range.limits, syn::RangeLimits::HalfOpen(_));
    let starts_next = is_next(range.start.as_deref()?, &i);
    let [syn::Stmt::Expr(syn::Expr::If(node), _)] = inner.body.stmts.as_slice() else { return None };
    let syn::Expr::Binary(b) = peel(&node.cond) else { return None };
    let of = |expr: &syn::Expr| indexed(expr, list);
    let (a, c) = (of(&b.left)?, of(&b.right)?);
    let is_pair = (a.0 == i && c.0 == j || a.0 == j && c.0 == i) && a.1 == c.1;
    let is_plain = matches!(b.op, syn::BinOp::Eq(_)) && node.else_branch.is_none() && inner.label.is_none();
    (is_same_end && is_open && starts_next && is_pair && is_plain)
        .then_some((Pair { list, left: &b.left, right: &b.right, then: &node.then_branch, name: None }, [i, j]))
}

/// `for (i, x) in xs.iter().enumerate() { if xs[i + 1..].iter().any(|y| y.key == x.key) { … } }`, and `xs[..i].contains(x)`
fn by_rest<'a>(outer: &'a syn::ExprForLoop, only: &'a syn::Expr) -> Option<(Pair<'a>, [String; 2])> {
    let syn::Pat::Tuple(pat) = &*outer.pat else { return None };
    let [i, x] = pat.elems.iter().map(name_of).collect::<Option<Vec<_>>>()?.try_into().ok()?;
    let enumerate = shapes::method(&outer.expr, "enumerate", 0)?;
    let list = &*shapes::method(&enumerate.receiver, "iter", 0)?.receiver;
    let syn::Expr::If(node) = only else { return None };
    let syn::Expr::MethodCall(asked) = peel(&node.cond) else { return None };
    let is_others = |expr: &syn::Expr| match expr {
        syn::Expr::Index(part) if shapes::same(&*part.expr, list) => match peel(&part.index) {
            syn::Expr::Range(r) => match (r.start.as_deref(), r.end.as_deref()) {
                (Some(start), None) => is_next(start, &i),
                (None, Some(end)) => {
                    matches!(r.limits, syn::RangeLimits::HalfOpen(_)) && plain_name(end).is_some_and(|n| *n == i)
                }
                _ => false,
            },
            _ => false,
        },
        _ => false,
    };
    let (left, right) = match asked.method.to_string().as_str() {
        "contains" if is_others(&asked.receiver) && asked.args.len() == 1 => {
            plain_name(&asked.args[0]).filter(|n| **n == x)?;
            (&asked.args[0], &asked.args[0])
        }
        "any" if asked.args.len() == 1 => {
            is_others(&shapes::method(&asked.receiver, "iter", 0)?.receiver).then_some(())?;
            let syn::Expr::Closure(closure) = &asked.args[0] else { return None };
            let [syn::Pat::Ident(y)] = closure.inputs.iter().collect::<Vec<_>>()[..] else { return None };
            let syn::Expr::Binary(b) = peel(&closure.body) else { return None };
            let (a, c) = (usage::place(&b.left)?, usage::place(&b.right)?);
            let is_pair =
                (y.ident == a.root && c.root == x || y.ident == c.root && a.root == x) && a.fields == c.fields;
            (is_pair && a.is_plain == c.is_plain && matches!(b.op, syn::BinOp::Eq(_))).then_some(())?;
            if a.root == x { (&*b.left, &*b.right) } else { (&*b.right, &*b.left) }
        }
        _ => return None,
    };
    node.else_branch
        .is_none()
        .then_some((Pair { list, left, right, then: &node.then_branch, name: ident_of(&pat.elems[1]) }, [i, x]))
}

fn is_range(expr: &syn::Expr) -> bool {
    matches!(peel(expr), syn::Expr::Range(_))
}

/// `i + 1`.
fn is_next(expr: &syn::Expr, name: &str) -> bool {
    let syn::Expr::Binary(b) = peel(expr) else { return false };
    let is_one =
        matches!(peel(&b.right), syn::Expr::Lit(l) if matches!(&l.lit, syn::Lit::Int(n) if n.base10_digits() == "1"));
    matches!(b.op, syn::BinOp::Add(_)) && is_one && plain_name(&b.left).is_some_and(|n| n == name)
}

fn name_of(pat: &syn::Pat) -> Option<String> {
    ident_of(pat).map(ToString::to_string)
}

fn ident_of(pat: &syn::Pat) -> Option<&syn::Ident> {
    match pat {
        syn::Pat::Ident(p) if p.by_ref.is_none() && p.mutability.is_none() && p.subpat.is_none() => Some(&p.ident),
        _ => None,
    }
}

/// The index and the fields behind it: `i` and `.email` of `xs[i].email`.
fn indexed(expr: &syn::Expr, list: &syn::Expr) -> Option<(String, String)> {
    match peel(expr) {
        syn::Expr::Field(f) => {
            let (index, fields) = indexed(&f.base, list)?;
            let member = quote::ToTokens::to_token_stream(&f.member);
            Some((index, format!("{fields}.{member}")))
        }
        syn::Expr::Index(i) if shapes::same(peel(&i.expr), list) => {
            Some((plain_name(&i.index)?.to_string(), String::new()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_loops_that_ask_whether_two_are_equal() {
        for text in [
            "fn f(xs: &[C]) -> bool { $0for i in 0..xs.len() { for j in (i + 1)..xs.len() { if xs[i].email == xs[j].email { return true; } } }$0 false }",
            "fn f(xs: &Vec<u64>) -> Result<(), E> { $0for i in 0..xs.len() { for j in i + 1..xs.len() { if xs[j] == xs[i] { return Err(E::Twice); } } }$0 Ok(()) }",
            "impl S { fn f(&self) -> bool { $0for i in 0..self.all.len() { for j in i + 1..self.all.len() { if self.all[i].a.id == self.all[j].a.id { return false; } } }$0 true } }",
            "fn f(xs: &[C]) -> bool { $0for (i, x) in xs.iter().enumerate() { if xs[i + 1..].iter().any(|y| y.email == x.email) { return true; } }$0 false }",
            "fn f(xs: &[u64]) -> bool { $0for (i, x) in xs.iter().enumerate() { if xs[..i].contains(x) { return true; } }$0 false }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Which two, or how often, is asked.
                "fn f(xs: &[C]) -> Option<usize> { for i in 0..xs.len() { for j in (i + 1)..xs.len() { if xs[i].email == xs[j].email { return Some(i); } } } None }",
                "fn f(xs: &[C]) -> Option<C> { for i in 0..xs.len() { for j in (i + 1)..xs.len() { if xs[i].email == xs[j].email { return Some(xs[j]); } } } None }",
                "fn f(xs: &[C]) -> u8 { let mut n = 0; for i in 0..xs.len() { for j in (i + 1)..xs.len() { if xs[i].email == xs[j].email { n += 1; } } } n }",
                "fn f(xs: &[C]) -> bool { for i in 0..xs.len() { for j in (i + 1)..xs.len() { if xs[i].email == xs[j].email { break; } } } false }",
                // Other pairs or other comparisons.
                "fn f(xs: &[C]) -> bool { for i in 0..xs.len() { for j in 0..xs.len() { if xs[i].email == xs[j].email { return true; } } } false }",
                "fn f(xs: &[C]) -> bool { for i in 0..xs.len() { for j in (i + 2)..xs.len() { if xs[i].email == xs[j].email { return true; } } } false }",
                "fn f(xs: &[C]) -> bool { for i in 0..xs.len() { for j in (i + 1)..xs.len() { if xs[i].email != xs[j].email { return true; } } } false }",
                "fn f(xs: &[C]) -> bool { for i in 0..xs.len() { for j in (i + 1)..xs.len() { if xs[i].email == xs[j].name { return true; } } } false }",
                "fn f(xs: &[C]) -> bool { for i in 0..xs.len() { for j in (i + 1)..xs.len() { if near(&xs[i], &xs[j]) { return true; } } } false }",
                "fn f(xs: &[C], ys: &[C]) -> bool { for i in 0..xs.len() { for j in (i + 1)..xs.len() { if xs[i].email == ys[j].email { return true; } } } false }",
                "fn f(xs: &[C]) -> bool { for i in 0..xs.len() { for j in (i + 1)..xs.len() { if xs[i].email == xs[j].email && a { return true; } } } false }",
                // More is done.
                "fn f(xs: &[C]) -> bool { for i in 0..xs.len() { log(i); for j in (i + 1)..xs.len() { if xs[i].email == xs[j].email { return true; } } } false }",
                "fn f(xs: &[C]) -> bool { for i in 0..xs.len() { for j in (i + 1)..xs.len() { if xs[i].email == xs[j].email { return true; } else { h(); } } } false }",
                "fn f(xs: &Grid) -> bool { let g: Grid = g(); for i in 0..g.len() { for j in (i + 1)..g.len() { if g[i].email == g[j].email { return true; } } } false }",
                "fn f(xs: &[C]) -> bool { for (i, x) in xs.iter().enumerate() { if xs[i..].iter().any(|y| y.email == x.email) { return true; } } false }",
                "#[test] fn f() -> bool { for i in 0..xs.len() { for j in (i + 1)..xs.len() { if xs[i] == xs[j] { return true; } } } false }",
            ],
        );
    }
}
