//! Sets that are collected to be asked for one element, once.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::functions::{head, type_arguments};
use crate::source::names::{mentions, peel};
use crate::source::too_early::may_fail;
use crate::source::usage::{self, How};
use crate::source::{SourceFile, pure, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("set-for-one-question"),
    eye: Eye::Memory,
    kind: Kind::AllocChurn,
    class: Class::A,
    title: "set collected to be asked once",
    explain: EXPLAIN,
    triggers: &["HashSet", "BTreeSet"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let allowed: HashSet<&str> = ….collect();` of which nothing but one `allowed.contains(x)` is used, outside of loops.

## Why it costs

All elements are hashed and stored, and the set grows and is freed, to answer what one look at each would: a search stops at the first
that is equal.

## Before

```rust
let allowed: HashSet<&str> = self.hosts.iter().map(|h| h.as_str()).collect();
allowed.contains(host)
```

## After

```rust
self.hosts.iter().map(|h| h.as_str()).any(|item| item == host)
```

## When it is refused

The set is asked more than once, or in a loop or a closure; the chain does more than compute; what it is made of changes in between;
the elements are no texts, numbers or characters of std, by the type that is written.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| asked_once(file, block, index)));
    }
    found
}

fn asked_once(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut)?;
    let collect = shapes::method(bound.value, "collect", 0)?;
    let set = match (&collect.turbofish, bound.ty) {
        (Some(fish), _) => match fish.args.first()? {
            syn::GenericArgument::Type(ty) => ty,
            _ => return None,
        },
        (None, ty) => ty?,
    };
    let element = *type_arguments(set).first().filter(|_| RULE.triggers.contains(&head(set).as_str()))?;
    let chain = &*collect.receiver;
    let is_fresh = matches!(peel(chain), syn::Expr::MethodCall(_));
    if !is_plain(element) || !is_fresh || !pure::is_pure(file, chain) || !shapes::exits_of(chain).is_empty() {
        return None;
    }
    // Whoever stops at the one that is asked for never comes to the one that panics.
    let alone = vec![syn::Stmt::Expr(chain.clone(), None)];
    if may_fail(file, &syn::Block { brace_token: block.brace_token, stmts: alone }) {
        return None;
    }
    let name = bound.name.to_string();
    let rest = shapes::rest(block, index);
    let uses = usage::uses(file, &rest, &name);
    let [only] = uses.as_slice() else { return None };
    let is_own = only.is_bare && !only.is_captured && usage::bindings(file, &rest, &name).is_empty();
    if !is_own || only.how != How::Method("contains".to_owned()) || shapes::count(&rest, &name) != 1 {
        return None;
    }
    let at = (index + 1..block.stmts.len()).find(|at| mentions(&block.stmts[*at], &name))?;
    let is_repeated = |e: &syn::Expr| {
        matches!(e, syn::Expr::ForLoop(_) | syn::Expr::While(_) | syn::Expr::Loop(_))
            && file.range(e).contains(only.whole)
    };
    let inside = shapes::exprs_of(&block.stmts[at]);
    if inside.iter().any(|e| is_repeated(e)) || !pure::keeps_roots(file, chain, &block.stmts[index + 1..=at]) {
        return None;
    }
    let asked = inside.iter().find_map(|e| match e {
        syn::Expr::MethodCall(call) if file.range(call) == only.whole => call.args.first(),
        _ => None,
    })?;
    let (wanted, kind) = match (element, asked) {
        (syn::Type::Reference(_), asked) => (file.range(asked), "same"),
        (_, syn::Expr::Reference(r)) if r.mutability.is_none() => (file.range(&*r.expr), "same"),
        (_, asked) => (file.range(asked), "behind"),
    };
    Some(
        Fact::at(file, file.range(&block.stmts[index]))
            .capture("chain", file.range(chain))
            .capture("asked", only.whole)
            .capture(kind, wanted)
            .note("message", format!("`{name}` is hashed, stored and freed for one question")),
    )
}

/// Texts, numbers and characters of std, by reference or not.
fn is_plain(ty: &syn::Type) -> bool {
    let bare = match ty {
        syn::Type::Reference(r) if r.mutability.is_none() => &*r.elem,
        other => other,
    };
    types::is_primitive(bare) || matches!(types::head(bare).as_deref(), Some("str" | "String"))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_one_question() {
        for text in [
            "fn f(&self, host: &str) -> bool { $0let allowed: HashSet<&str> = self.hosts.iter().map(|h| h.as_str()).collect();$0 allowed.contains(host) }",
            "fn f(xs: &[u32], x: u32) -> R { $0let known: HashSet<u32> = xs.iter().copied().collect();$0 if !known.contains(&x) { return Err(E); } Ok(()) }",
            "fn f(xs: &[S], x: &u64) -> bool { $0let ids = xs.iter().map(|s| s.id).collect::<BTreeSet<u64>>();$0 let n = 1; x > &n && ids.contains(x) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(xs: &[u32], ys: &[u32]) -> usize { let known: HashSet<u32> = xs.iter().copied().collect(); ys.iter().filter(|y| known.contains(y)).count() }",
                "fn f(xs: &[u32], ys: &[u32]) { let known: HashSet<u32> = xs.iter().copied().collect(); for y in ys { if known.contains(y) { g(y); } } }",
                "fn f(xs: &[u32]) -> bool { let known: HashSet<u32> = xs.iter().copied().collect(); known.contains(&1) && known.contains(&2) }",
                "fn f(xs: &[u32]) -> usize { let known: HashSet<u32> = xs.iter().copied().collect(); known.len() }",
                "fn f(xs: &[Key], k: &Key) -> bool { let known: HashSet<&Key> = xs.iter().collect(); known.contains(k) }",
                "fn f(xs: &[u32], k: &u32) -> bool { let known: HashSet<_> = xs.iter().collect(); known.contains(k) }",
                "fn f(it: I, k: &u32) -> bool { let known: HashSet<u32> = it.collect(); known.contains(k) }",
                "fn f(xs: &mut Vec<u32>, k: &u32) -> bool { let known: HashSet<u32> = xs.iter().copied().collect(); xs.clear(); known.contains(k) }",
                "fn f(xs: &mut [H], k: &u32) -> bool { let known: HashSet<u32> = xs.iter_mut().map(|h| h.step()).collect(); known.contains(k) }",
                "fn f(xs: &[&str], k: &u32) -> bool { let known: HashSet<u32> = xs.iter().map(|x| x.parse().unwrap()).collect(); known.contains(k) }",
                "fn f(xs: &[u32], k: &u32) -> bool { let known: Vec<u32> = xs.iter().copied().collect(); known.contains(k) }",
                "#[test] fn f() { let known: HashSet<u32> = xs.iter().copied().collect(); assert!(known.contains(&1)); }",
            ],
        );
    }
}
