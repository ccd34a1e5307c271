//! Vectors that are collected to be asked whether they are empty, or how long they are.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::{fresh, peel};
use crate::source::too_early::may_fail;
use crate::source::usage::{self, How};
use crate::source::{SourceFile, pure, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("collected-to-be-asked"),
    eye: Eye::Memory,
    kind: Kind::AllocChurn,
    class: Class::A,
    title: "vector collected only to ask whether it is empty, or how long",
    explain: EXPLAIN,
    triggers: &["collect"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let late: Vec<_> = ….collect();` of which nothing but `late.is_empty()`, or nothing but `late.len()`, is used.

## Why it costs

The vector is allocated, filled and grown, and all elements are looked at, where the first that passes would answer; a count needs
no vector.

## Before

```rust
let late: Vec<&Truck> = waiting.iter().filter(|t| t.is_late()).collect();
if late.is_empty() {
    return false;
}
```

## After

```rust
let any_late = waiting.iter().any(|t| t.is_late());
if !any_late {
    return false;
}
```

A `filter` at the end becomes `any`; any other chain is asked for `next()`, and `count()` where its length is wanted.

## When it is refused

The vector is used for more; the chain does more than compute, so that somebody would notice if it stopped early; it is collected
into something other than a `Vec`, as a set, which drops what is equal; it ends in `?`.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| collected(file, block, index)));
    }
    found
}

fn collected(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut)?;
    let collect = shapes::method(bound.value, "collect", 0)?;
    let told = match (&collect.turbofish, bound.ty) {
        (Some(fish), _) => match fish.args.first()? {
            syn::GenericArgument::Type(ty) => types::head(ty)?,
            _ => return None,
        },
        (None, Some(ty)) => types::head(ty)?,
        _ => return None,
    };
    let name = bound.name.to_string();
    let rest = shapes::rest(block, index);
    let uses = usage::uses(file, &rest, &name);
    let asks = |wanted: &str| {
        !uses.is_empty() && uses.iter().all(|u| u.is_bare && matches!(&u.how, How::Method(m) if m == wanted))
    };
    let is_asked = asks("is_empty");
    if told != "Vec" || !(is_asked || asks("len")) || !usage::bindings(file, &rest, &name).is_empty() {
        return None;
    }
    let chain = &*collect.receiver;
    // An iterator that has a name would be left where the answer was found.
    let is_fresh = matches!(peel(chain), syn::Expr::MethodCall(_));
    if !is_fresh || !pure::is_pure(file, chain) || !shapes::exits_of(chain).is_empty() {
        return None;
    }
    // Whoever stops at the first element never comes to the one that panics.
    let stmts = vec![syn::Stmt::Expr(chain.clone(), None)];
    if is_asked && may_fail(file, &syn::Block { brace_token: block.brace_token, stmts }) {
        return None;
    }
    let what = if is_asked { "whether it is empty" } else { "how long it is" };
    let chain_end = file.range(chain).end;
    let mut fact = Fact::at(file, file.range(&block.stmts[index]))
        .capture("head", TextRange { start: file.range(bound.local).start, end: file.range(bound.value).start })
        .capture("name", file.span_range(bound.name.span()))
        .capture("collect", TextRange { start: chain_end, end: file.range(bound.value).end })
        .note("message", format!("`{name}` is collected only to ask {what}"));
    if is_asked {
        match peel(chain) {
            syn::Expr::MethodCall(filter) if filter.method == "filter" && filter.args.len() == 1 => {
                fact = fact.capture("filter", file.span_range(filter.method.span()));
            }
            _ => fact = fact.capture("next", TextRange { start: chain_end, end: chain_end }),
        }
    } else {
        fact = fact.capture("count", TextRange { start: chain_end, end: chain_end });
    }
    // A new name that is taken already would answer another question.
    let new = if is_asked { format!("any_{name}") } else { format!("{name}_count") };
    if fresh(block, &new) != new {
        return None;
    }
    Some(uses.iter().fold(fact, |fact, u| fact.capture("asked", u.whole)))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_one_question_is_asked() {
        for text in [
            "fn f(xs: &[T]) -> bool { $0let late: Vec<&T> = xs.iter().filter(|t| t.on).collect();$0 if late.is_empty() { return false; } true }",
            "fn f(xs: &[T]) -> usize { $0let l = xs.iter().filter(|t| t.on).collect::<Vec<_>>();$0 g(l.len()) }",
            "fn f(t: &str) -> bool { $0let ws: Vec<&str> = t.split_whitespace().collect();$0 !ws.is_empty() }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(xs: &[T]) -> usize { let l: Vec<&T> = xs.iter().filter(|t| t.on).collect(); if l.is_empty() { return 0; } l.len() }",
                "fn f(xs: &[T]) -> V { let l: Vec<&T> = xs.iter().filter(|t| t.on).collect(); if l.is_empty() { return e(); } l }",
                "fn f(xs: &[u8]) -> usize { let l: HashSet<&u8> = xs.iter().collect(); l.len() }",
                "fn f(hs: &mut [H]) -> bool { let l: Vec<_> = hs.iter_mut().filter(|h| h.incoming()).collect(); !l.is_empty() }",
                "fn f(xs: &[&str]) -> Result<usize, E> { let l: Vec<u8> = xs.iter().map(|x| x.parse()).collect::<Result<_, _>>()?; Ok(l.len()) }",
                "fn f(xs: &[&str]) -> bool { let l: Vec<u8> = xs.iter().map(|x| x.parse().unwrap()).collect(); l.is_empty() }",
                "fn f(xs: &[usize], of: &[T]) -> bool { let l: Vec<_> = xs.iter().filter(|x| of[**x].on).collect(); l.is_empty() }",
                "fn f(xs: I) -> bool { let l: Vec<u8> = xs.collect(); l.is_empty() }",
                "fn f(xs: &[T], n: &mut u8) -> bool { let l: Vec<_> = xs.iter().map(|x| { *n += 1; x }).collect(); l.is_empty() }",
                "fn f(xs: &[T]) -> bool { let any_l = g(); let l: Vec<_> = xs.iter().map(|x| x.n).collect(); let any_l = any_l || h(); l.is_empty() }",
                "#[test] fn f() { let l: Vec<_> = xs.iter().collect(); assert!(l.is_empty()); }",
            ],
        );
    }
}
