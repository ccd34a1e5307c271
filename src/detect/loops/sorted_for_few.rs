//! Lists that are sorted as a whole and of which then only the first few are kept.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::functions::Function;
use crate::source::usage::{self, How};
use crate::source::{SourceFile, names, pure, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("sorted-for-few"),
    eye: Eye::Loops,
    kind: Kind::Quadratic,
    class: Class::A,
    title: "list sorted as a whole for its first few elements",
    explain: EXPLAIN,
    triggers: &["sort", "sort_unstable", "sort_unstable_by", "sort_unstable_by_key"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds a local list that is sorted and of which then only the first elements are kept: `list.truncate(n)`, `list.iter().take(n)` or
`list.into_iter().take(n)`.

## Why it costs

Sorting n elements compares about n log n times. Bringing the k least to the front compares about n times, and sorting those k log k.

## Before

```rust
ranked.sort_unstable_by(|a, b| b.score.cmp(&a.score));
ranked.truncate(keep);
```

## After

```rust
if ranked.len() > keep {
    ranked.select_nth_unstable_by(keep, |a, b| b.score.cmp(&a.score));
    ranked.truncate(keep);
}
ranked.sort_unstable_by(|a, b| b.score.cmp(&a.score));
```

## When it is refused

The sort is stable and elements that compare equal may differ, so that their order would be seen; the list is no local, or only one
element was added before the sort; the comparison or the number does more than compute; the list is no vector of std (asked of
rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for function in words::functions_with(file, RULE.triggers) {
        for block in shapes::own_blocks(function.block) {
            found.extend((0..block.stmts.len()).filter_map(|index| sorted(file, &function, block, index)));
        }
    }
    found
}

fn sorted(file: &SourceFile, function: &Function<'_>, block: &syn::Block, index: usize) -> Option<Fact> {
    let syn::Stmt::Expr(syn::Expr::MethodCall(sort), Some(_)) = &block.stmts[index] else { return None };
    let is_sort = RULE.triggers.iter().any(|name| sort.method == name);
    let name = names::plain_name(&sort.receiver).filter(|_| is_sort)?;
    let text = name.to_string();
    let (kept, number) = block.stmts[index + 1..].iter().find_map(|stmt| kept(stmt, &text))?;
    const SELECTS: &[&str] = &["select_nth_unstable", "select_nth_unstable_by", "select_nth_unstable_by_key"];
    let is_selected = block.stmts[..index].iter().any(|stmt| names::mentions_any(stmt, SELECTS));
    if is_selected || !(is_given_whole(function, &text) || is_filled(block, index, &text)) {
        return None;
    }
    if sort.method == "sort" && !is_alike(file, &sort.receiver) {
        return None;
    }
    let is_calm = |e: &syn::Expr| pure::is_pure(file, e) && shapes::exits_of(e).is_empty();
    if !sort.args.iter().all(is_calm) || !is_number(number) {
        return None;
    }
    // The first use behind the sort is the one that takes the few, and what it takes is all that is wanted.
    let rest = shapes::rest(block, index);
    let uses = usage::uses(file, &rest, &text);
    let first = uses.first().filter(|u| u.is_bare && !u.is_captured)?;
    let is_it = matches!(&first.how, How::Method(m) if ["truncate", "iter", "into_iter"].contains(&m.as_str()));
    let is_all = kept.method == "truncate" || uses.len() == 1;
    let is_own = file.range(kept).contains(first.whole) && usage::bindings(file, &rest, &text).is_empty();
    // The number is taken before the sort then.
    let between = &rest.stmts[..rest.stmts.iter().position(|s| file.range(s).contains(first.name))?];
    if !is_it || !is_all || !is_own || !between.is_empty() {
        return None;
    }
    let message =
        format!("all of `{text}` is sorted, and then only its first {} are kept", file.on_one_line(file.range(number)));
    let mut fact = Fact::at(file, file.range(&block.stmts[index]))
        .capture("list", file.range(&*sort.receiver))
        .capture("method", file.span_range(sort.method.span()))
        .capture("number", file.range(number))
        .note("message", message);
    if let Some(by) = sort.args.first() {
        fact = fact.capture("by", file.range(by));
    }
    // A statement of its own is said earlier instead.
    if kept.method == "truncate" {
        let stmt = rest
            .stmts
            .iter()
            .find(|s| matches!(s, syn::Stmt::Expr(e, Some(_)) if file.range(e) == file.range(kept)))?;
        fact = fact.capture("truncate", file.range(stmt));
    }
    Some(fact)
}

/// `list.truncate(n)`, or `list.iter().take(n)` in a statement.
fn kept<'a>(stmt: &'a syn::Stmt, list: &str) -> Option<(&'a syn::ExprMethodCall, &'a syn::Expr)> {
    let is_list = |e: &syn::Expr| names::plain_name(e).is_some_and(|name| name == list);
    shapes::exprs_of(stmt).into_iter().find_map(|expr| {
        let syn::Expr::MethodCall(call) = expr else { return None };
        let is_truncate = call.method == "truncate" && is_list(&call.receiver);
        let is_take = call.method == "take"
            && ["iter", "into_iter"]
                .iter()
                .any(|walk| shapes::method(&call.receiver, walk, 0).is_some_and(|walk| is_list(&walk.receiver)));
        (is_truncate || is_take).then_some((call, call.args.first()?))
    })
}

/// A name, a constant, a field or a literal: it is said twice.
fn is_number(expr: &syn::Expr) -> bool {
    shapes::is_quiet(expr) && !matches!(names::peel(expr), syn::Expr::MethodCall(_) | syn::Expr::Reference(_))
}

/// True for a parameter that the function was given as a whole, `mut rows: Vec<Row>`.
fn is_given_whole(function: &Function<'_>, list: &str) -> bool {
    function.sig.inputs.iter().any(|input| match input {
        syn::FnArg::Typed(t) => {
            matches!(&*t.pat, syn::Pat::Ident(p) if p.ident == list) && types::head(&t.ty).as_deref() == Some("Vec")
        }
        syn::FnArg::Receiver(_) => false,
    })
}

/// True for a local of the block that many elements come into before the sort, not one after the other between sorts.
fn is_filled(block: &syn::Block, index: usize, list: &str) -> bool {
    const WHOLE: &[&str] = &["collect", "to_vec", "clone", "into_iter", "to_owned"];
    let made = block.stmts[..index].iter().rev().find_map(|s| shapes::plain_let(s).filter(|l| l.name == list));
    let Some(made) = made.filter(|l| l.is_mut) else { return false };
    let is_lent = |ty: &syn::Type| matches!(ty, syn::Type::Reference(_));
    let is_whole =
        matches!(names::peel(made.value), syn::Expr::MethodCall(call) if WHOLE.iter().any(|m| call.method == m));
    let is_loop = |s: &syn::Stmt| matches!(s, syn::Stmt::Expr(syn::Expr::ForLoop(_) | syn::Expr::While(_), _));
    let fills = block.stmts[..index].iter().any(|s| is_loop(s) && names::mentions(s, list));
    !matches!(made.value, syn::Expr::Reference(_)) && !made.ty.is_some_and(is_lent) && (is_whole || fills)
}

/// True if elements of the list that compare equal cannot be told apart.
fn is_alike(file: &SourceFile, list: &syn::Expr) -> bool {
    fn is_plain(ty: &syn::Type) -> bool {
        match types::strip(ty) {
            syn::Type::Tuple(t) => t.elems.iter().all(is_plain),
            ty => types::is_primitive(ty) || matches!(types::head(ty).as_deref(), Some("String" | "str")),
        }
    }
    types::type_of(file, list).and_then(|ty| types::element(&ty)).is_some_and(|ty| is_plain(&ty))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_a_few_are_kept() {
        for text in [
            "fn f(xs: &[(u8, u8)], k: usize) -> V { let mut v = xs.to_vec(); $0v.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));$0 v.truncate(k); v.into_iter().map(|x| x.0).collect() }",
            "fn f(mut v: Vec<P>, k: usize) -> Vec<P> { $0v.sort_unstable_by_key(|p| p.n);$0 v.truncate(k); v }",
            "fn f(xs: &[u8]) -> Vec<u8> { let mut v: Vec<u8> = xs.iter().copied().filter(|x| *x > 1).collect(); $0v.sort();$0 v.iter().take(3).copied().collect() }",
            "fn f(xs: &[P]) -> V { let mut v = Vec::new(); for x in xs { v.push(x.n); } $0v.sort_unstable();$0 v.into_iter().take(TOP).collect() }",
            "fn f(&self) -> V { let mut v: Vec<_> = self.m.iter().collect(); $0v.sort_unstable_by(|a, b| b.1.cmp(a.1));$0 v.truncate(self.most); v }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Equal elements would be seen in another order.
                "fn f(xs: &[P], k: usize) -> V { let mut v = xs.to_vec(); v.sort_by(|a, b| b.n.cmp(&a.n)); v.truncate(k); v }",
                "fn f(xs: &[P], k: usize) -> V { let mut v: Vec<P> = xs.to_vec(); v.sort(); v.truncate(k); v }",
                // All of it is wanted.
                "fn f(xs: &[u8], k: usize) -> V { let mut v = xs.to_vec(); v.sort_unstable(); let t: V = v.iter().take(k).collect(); g(t, v) }",
                "fn f(xs: &[u8], k: usize) -> V { let mut v = xs.to_vec(); v.sort_unstable(); let n = v.len(); v.truncate(k); g(n, v) }",
                "fn f(xs: &[u8]) -> V { let mut v = xs.to_vec(); v.sort_unstable(); v.iter().skip(3).collect() }",
                "fn f(xs: &[u8]) -> V { let mut v = xs.to_vec(); v.sort_unstable(); v }",
                // Others see it, or it stays sorted.
                "fn f(v: &mut Vec<u8>, k: usize) { v.sort_unstable(); v.truncate(k); }",
                "fn f(v: &mut Vec<u8>, x: u8) { let mut v = std::mem::take(v); v.push(x); v.sort_unstable(); v.truncate(9); }",
                // More than computing.
                "fn f(xs: &[u8], n: &mut u8) -> V { let mut v = xs.to_vec(); v.sort_unstable_by_key(|x| { *n += 1; *x }); v.truncate(3); v }",
                "fn f(xs: &[u8]) -> V { let mut v = xs.to_vec(); v.sort_unstable(); v.truncate(next()); v }",
                "fn f(xs: &[u8]) -> V { let mut v = xs.to_vec(); v.sort_unstable(); let k = next(); v.truncate(k); v }",
                "#[test] fn f() { let mut v = xs.to_vec(); v.sort_unstable(); v.truncate(3); }",
            ],
        );
    }
}
