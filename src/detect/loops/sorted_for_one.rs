//! Lists that are sorted for their first or last element alone.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::names::mentions;
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
Finds a local list that is sorted, and of which then nothing but `first()`, `last()`, `into_iter().next()` or `pop()` is used.

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

The first of equal elements is taken, or the last, as a stable sort would bring them there.

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
    let name = crate::source::names::plain_name(&sort.receiver).filter(|_| is_sort)?;
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
    let [only] = uses.as_slice() else { return None };
    let How::Method(method) = &only.how else { return None };
    let at = rest.stmts.iter().position(|stmt| mentions(stmt, &text))?;
    let is_loop =
        matches!(&rest.stmts[at], syn::Stmt::Expr(syn::Expr::While(_) | syn::Expr::Loop(_) | syn::Expr::ForLoop(_), _));
    if only.is_captured || !only.is_bare || at > 0 || is_loop || !usage::bindings(file, &rest, &text).is_empty() {
        return None;
    }
    let is_calm = |e: &syn::Expr| pure::is_pure(file, e) && shapes::exits_of(e).is_empty();
    if !sort.args.iter().all(is_calm) {
        return None;
    }
    let whole = shapes::exprs(&rest).into_iter().find_map(|e| match e {
        syn::Expr::MethodCall(call) => asked(file, call, only.whole, method),
        _ => None,
    })?;
    let (walked, takes_least, site) = whole;
    // Nothing but the sort changed the list: then nobody needs it to be `mut` any more.
    let before = usage::uses(file, &shapes::rest(block, made), &text);
    let is_changed =
        before.iter().any(|u| u.place != file.range(&*sort.receiver) && u.whole != only.whole && u.is_change());
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
    if !is_changed {
        fact = fact.capture("mut", file.range(pat)).capture("name", file.span_range(bound.name.span()));
    }
    Some(fact)
}

/// How the list is walked for one element, whether that is the least, and the call that gives it.
fn asked(
    file: &SourceFile,
    call: &syn::ExprMethodCall,
    whole: crate::model::TextRange,
    method: &str,
) -> Option<(&'static str, bool, crate::model::TextRange)> {
    let range = file.range(call);
    match method {
        "first" | "last" if range == whole && call.args.is_empty() => Some(("iter", method == "first", range)),
        "pop" if range == whole && call.args.is_empty() => Some(("into_iter", false, range)),
        "iter" | "into_iter" if call.args.is_empty() && file.range(&*call.receiver) == whole => {
            let walked = if method == "iter" { "iter" } else { "into_iter" };
            match call.method.to_string().as_str() {
                "next" => Some((walked, true, range)),
                "last" | "next_back" => Some((walked, false, range)),
                _ => None,
            }
        }
        _ => None,
    }
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
                "fn f(xs: &[u8], n: &mut u8) -> Option<u8> { let mut v = xs.to_vec(); v.sort_by_key(|x| { *n += 1; *x }); v.first().copied() }",
                "fn f(xs: &[u8]) -> V { let mut v = xs.to_vec(); v.sort(); while let Some(x) = v.pop() { g(x); } }",
                "impl S { fn f(&mut self) -> Option<&u8> { self.v.sort(); self.v.first() } }",
            ],
        );
    }
}
