//! Vectors that are collected for one or two of their elements.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::peel;
use crate::source::too_early::may_fail;
use crate::source::usage::{self, How, Use};
use crate::source::{SourceFile, pure, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("collected-for-one"),
    eye: Eye::Memory,
    kind: Kind::AllocChurn,
    class: Class::A,
    title: "vector collected for one or two of its elements",
    explain: EXPLAIN,
    triggers: &["collect"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let parts: Vec<_> = ….collect();` with a guard that leaves where there are too few of them, and of which then nothing but one
element, or the first and the last, is used.

## Why it costs

The vector is allocated, filled and grown, and all elements are walked, where the iterator gives the one that is wanted.

## Before

```rust
let parts: Vec<&str> = header.split(';').collect();
if parts.len() < 2 {
    return None;
}
parts[1].trim().strip_prefix(\"charset=\")
```

## After

```rust
let Some(part) = header.split(';').nth(1) else {
    return None;
};
part.trim().strip_prefix(\"charset=\")
```

Where nothing but `parts.get(n)`, `parts.first()` or `parts.last()` is asked, the iterator is asked instead of the vector.

## When it is refused

The vector is used for more; the guard asks for another number than the element needs; the chain does more than compute; the iterator
cannot go backwards where the last is wanted (rustc does not accept it).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        let all = 0..block.stmts.len();
        found.extend(all.filter_map(|index| {
            let collected = Collected::of(file, block, index)?;
            collected.guarded(block, index).or_else(|| collected.asked())
        }));
    }
    found
}

struct Collected<'a> {
    file: &'a SourceFile,
    bound: shapes::Let<'a>,
    chain: &'a syn::Expr,
    rest: syn::Block,
    uses: Vec<Use>,
}

/// An element by its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Nth(usize),
    Last,
}

impl<'a> Collected<'a> {
    /// A vector of a chain that only computes.
    fn of(file: &'a SourceFile, block: &'a syn::Block, index: usize) -> Option<Collected<'a>> {
        let bound = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut)?;
        let collect = shapes::method(bound.value, "collect", 0)?;
        let told = match (&collect.turbofish, bound.ty) {
            (Some(fish), _) => match fish.args.first()? {
                syn::GenericArgument::Type(ty) => types::head(ty)?,
                _ => return None,
            },
            (None, ty) => types::head(ty?)?,
        };
        let chain = &*collect.receiver;
        let name = bound.name.to_string();
        let is_fresh = matches!(peel(chain), syn::Expr::MethodCall(_)) && may_be_for_one(block, index, bound.name);
        if told != "Vec" || !is_fresh || !pure::is_pure(file, chain) || !shapes::exits_of(chain).is_empty() {
            return None;
        }
        // Whoever stops at one element never comes to the one that panics.
        let alone = vec![syn::Stmt::Expr(chain.clone(), None)];
        if may_fail(file, &syn::Block { brace_token: block.brace_token, stmts: alone }) {
            return None;
        }
        let rest = shapes::rest(block, index);
        let uses = usage::uses(file, &rest, &name);
        let is_seen = uses.len() == shapes::count(&rest, &name) && uses.iter().all(|u| !u.is_captured);
        let is_own = is_seen && !uses.is_empty() && usage::bindings(file, &rest, &name).is_empty();
        is_own.then_some(Collected { file, bound, chain, rest, uses })
    }

    /// `let parts = …; if parts.len() < 2 { return … }` with `parts[1]` behind it.
    fn guarded(&self, block: &'a syn::Block, index: usize) -> Option<Fact> {
        let syn::Stmt::Expr(syn::Expr::If(guard), _) = block.stmts.get(index + 1)? else { return None };
        let name = self.bound.name;
        let least = too_few(&guard.cond, name).filter(|_| guard.else_branch.is_none())?;
        if !shapes::diverges(&guard.then_branch) || shapes::count(guard, &name.to_string()) != 1 {
            return None;
        }
        let behind = &block.stmts[index + 2..];
        let all: Vec<&syn::Expr> = behind.iter().flat_map(shapes::exprs_of).collect();
        let indices: Vec<(&syn::ExprIndex, Which)> = all.iter().filter_map(|e| index_of(e, name)).collect();
        // `parts[parts.len() - 1]` names it twice; the guard has named it once.
        let named: usize = indices.iter().map(|(_, which)| if *which == Which::Last { 2 } else { 1 }).sum();
        let is_met = indices.iter().all(|(_, which)| match which {
            Which::Nth(n) => n + 1 == least,
            Which::Last => least == 1,
        });
        let is_changed = self.uses.iter().any(|u| u.how == How::Mutate);
        if indices.is_empty() || named + 1 != self.uses.len() || !is_met || is_changed {
            return None;
        }
        let file = self.file;
        let (start, end) = (file.range(self.bound.local).start, file.range(guard).end);
        let mut fact = self
            .fact("one or two of its elements")
            .capture("guard", TextRange { start, end })
            .capture("otherwise", file.range(&guard.then_branch));
        for (index, which) in indices {
            let range = file.range(index);
            let named = behind.iter().find_map(|stmt| shapes::plain_let(stmt).filter(|l| file.range(l.value) == range));
            let named = named.filter(|l| !l.is_mut && l.ty.is_none());
            let [plain, bound] = match which {
                Which::Nth(_) => ["nth", "nth named"],
                Which::Last => ["last", "last named"],
            };
            if let Which::Nth(_) = which {
                fact = fact.capture("number", file.range(&*index.index));
            }
            fact = match named {
                Some(l) => fact.capture(bound, file.span_range(l.name.span())).capture("named", file.range(l.local)),
                None => fact.capture(plain, range),
            };
        }
        Some(fact)
    }

    /// Nothing but `parts.get(1)`, `parts.first()` or `parts.last()`, once.
    fn asked(&self) -> Option<Fact> {
        let [only] = self.uses.as_slice() else { return None };
        let all = shapes::exprs(&self.rest);
        let call = all.iter().find_map(|e| match e {
            syn::Expr::MethodCall(call) if self.file.range(call) == only.whole => Some(call),
            _ => None,
        })?;
        let kind = match (call.method.to_string().as_str(), call.args.first()) {
            ("get", Some(arg)) if literal(arg).is_some() => "nth",
            ("first", None) => "nth",
            ("last", None) => "last",
            _ => return None,
        };
        let is_copy = |call: &&syn::ExprMethodCall| call.method == "copied" || call.method == "cloned";
        let copied = all.iter().find_map(|e| match e {
            syn::Expr::MethodCall(outer) if self.file.range(&*outer.receiver) == only.whole => Some(outer),
            _ => None,
        });
        let end = copied.filter(is_copy).map_or(only.whole.end, |outer| self.file.range(outer).end);
        let asked = TextRange { start: only.whole.start, end };
        let fact = self.fact("one of its elements").capture("asked", asked).capture(kind, asked);
        Some(call.args.iter().fold(fact, |fact, number| fact.capture("number", self.file.range(number))))
    }

    fn fact(&self, what: &str) -> Fact {
        let file = self.file;
        let message = format!("`{}` is collected only for {what}", self.bound.name);
        Fact::at(file, file.range(self.bound.local))
            .capture("name", file.span_range(self.bound.name.span()))
            .capture("chain", file.range(self.chain))
            .note("message", message)
    }
}

/// True if a guard that counts the elements stands behind the `let`, or one of them is asked for: most are used otherwise.
fn may_be_for_one(block: &syn::Block, index: usize, name: &syn::Ident) -> bool {
    const ASKS: &[&str] = &["get", "first", "last"];
    let behind = &block.stmts[index + 1..];
    let is_guard =
        matches!(behind.first(), Some(syn::Stmt::Expr(syn::Expr::If(i), _)) if too_few(&i.cond, name).is_some());
    let is_asked = |e: &syn::Expr| matches!(e, syn::Expr::MethodCall(c) if ASKS.iter().any(|m| c.method == m) && shapes::is_name(&c.receiver, name));
    is_guard || behind.iter().any(|stmt| shapes::exprs_of(stmt).into_iter().any(is_asked))
}

/// How many elements there must be for a condition not to hold: 2 of `parts.len() < 2`, 1 of `parts.is_empty()`.
fn too_few(cond: &syn::Expr, name: &syn::Ident) -> Option<usize> {
    if let Some(call) = shapes::method(cond, "is_empty", 0) {
        return shapes::is_name(&call.receiver, name).then_some(1);
    }
    let syn::Expr::Binary(b) = peel(cond) else { return None };
    let len = shapes::method(&b.left, "len", 0).filter(|call| shapes::is_name(&call.receiver, name))?;
    let number = literal(&b.right).filter(|_| len.args.is_empty())?;
    match b.op {
        syn::BinOp::Lt(_) => Some(number),
        syn::BinOp::Le(_) => Some(number + 1),
        syn::BinOp::Eq(_) if number == 0 => Some(1),
        _ => None,
    }
    .filter(|least| *least > 0)
}

/// `list[3]` and `list[list.len() - 1]`.
fn index_of<'e>(expr: &'e syn::Expr, name: &syn::Ident) -> Option<(&'e syn::ExprIndex, Which)> {
    let syn::Expr::Index(index) = expr else { return None };
    if !shapes::is_name(&index.expr, name) {
        return None;
    }
    match peel(&index.index) {
        syn::Expr::Binary(b) if matches!(b.op, syn::BinOp::Sub(_)) => {
            let len = shapes::method(&b.left, "len", 0)?;
            (literal(&b.right)? == 1 && shapes::is_name(&len.receiver, name)).then_some((index, Which::Last))
        }
        other => literal(other).map(|n| (index, Which::Nth(n))),
    }
}

fn literal(expr: &syn::Expr) -> Option<usize> {
    match peel(expr) {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(n), .. }) => n.base10_parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_one_or_two_are_wanted() {
        for text in [
            "fn f(t: &str) -> Option<&str> { $0let parts: Vec<&str> = t.split(';').collect();$0 if parts.len() < 2 { return None; } parts[1].trim().strip_prefix(\"a=\") }",
            "fn f(t: &str) -> bool { $0let cs: Vec<char> = t.chars().collect();$0 if cs.is_empty() { return false; } let first = cs[0]; let last = cs[cs.len() - 1]; first != '.' && last != '.' }",
            "fn f(t: &str) -> R { $0let ws = t.split_whitespace().collect::<Vec<_>>();$0 if ws.len() == 0 { return Err(E); } Ok(ws[0].to_owned()) }",
            "fn f(t: &str) -> Option<String> { $0let ws: Vec<&str> = t.split(' ').collect();$0 ws.get(1).map(|w| w.to_string()) }",
            "fn f(t: &str) -> Option<&str> { $0let ws: Vec<&str> = t.split('/').collect();$0 ws.last().copied() }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Used for more.
                "fn f(t: &str) -> Option<u8> { let p: Vec<&str> = t.split(';').collect(); if p.len() < 2 { return None; } g(p[0], p[1]) }",
                "fn f(t: &str) -> Option<u8> { let p: Vec<&str> = t.split(';').collect(); if p.len() < 2 { return None; } g(p[1], p.len()) }",
                "fn f(t: &str) -> Option<u8> { let p: Vec<&str> = t.split(';').collect(); if p.len() < 2 { return None; } g(p[1], &p) }",
                "fn f(t: &str) -> Option<u8> { let p: Vec<&str> = t.split(';').collect(); if p.is_empty() { return None; } p.iter().map(|x| x.len() + p[0].len()).max() }",
                // Another number than that of the guard, or none.
                "fn f(t: &str) -> Option<&str> { let p: Vec<&str> = t.split(';').collect(); if p.len() < 3 { return None; } Some(p[1]) }",
                "fn f(t: &str) -> Option<&str> { let p: Vec<&str> = t.split(';').collect(); if p.len() != 2 { return None; } Some(p[1]) }",
                "fn f(t: &str) -> Option<&str> { let p: Vec<&str> = t.split(';').collect(); if p.len() < 2 { return None; } Some(p[p.len() - 1]) }",
                "fn f(t: &str) -> &str { let p: Vec<&str> = t.split(';').collect(); p[1] }",
                "fn f(t: &str, n: usize) -> Option<&str> { let p: Vec<&str> = t.split(';').collect(); p.get(n).copied() }",
                // The guard stays, or says what is missing.
                "fn f(t: &str) -> Option<&str> { let p: Vec<&str> = t.split(';').collect(); if p.len() < 2 { warn(); } Some(p[1]) }",
                "fn f(t: &str) -> R { let p: Vec<&str> = t.split(';').collect(); if p.len() < 2 { return Err(p.len()); } Ok(p[1]) }",
                // More than computing, another collection.
                "fn f(it: &mut I) -> Option<u8> { let p: Vec<u8> = it.collect(); p.first().copied() }",
                "fn f(hs: &mut [H]) -> Option<u8> { let p: Vec<u8> = hs.iter_mut().map(|h| h.step()).collect(); p.first().copied() }",
                "fn f(t: &str) -> Option<u8> { let p: Vec<u8> = t.split(';').map(|w| w.parse().unwrap()).collect(); p.first().copied() }",
                "fn f(t: &str) -> Option<&str> { let p: BTreeSet<&str> = t.split(';').collect(); p.first().copied() }",
                "#[test] fn f() { let p: Vec<&str> = t.split(';').collect(); if p.len() < 2 { return; } g(p[1]); }",
            ],
        );
    }
}
