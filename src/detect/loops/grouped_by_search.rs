//! Lists that a loop groups by searching them: each round walks all groups before it.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::grown::{Grown, grown};
use crate::source::names::peel;
use crate::source::usage::{self, How};
use crate::source::{SourceFile, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("grouped-by-search"),
    eye: Eye::Loops,
    kind: Kind::Quadratic,
    class: Class::A,
    title: "a loop searches the groups that it makes",
    explain: EXPLAIN,
    triggers: &["position", "find"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds loops that group or count in a list of pairs or structs: `match counts.iter().position(|(name, _)| name == zone) { Some(i) =>
counts[i].1 += 1, None => counts.push((zone.to_owned(), 1)) }`, and `if let Some(e) = list.iter_mut().find(|e| e.key == key) { … } else {
list.push(…); }`.

## Why it costs

The k-th round walks up to k groups, so n rounds with many groups take n²/2 comparisons. An index beside the list answers in constant
time; the list keeps its order.

## Before

```rust
let mut counts: Vec<(String, usize)> = Vec::new();
for zone in zones {
    match counts.iter().position(|(name, _)| name == zone) {
        Some(at) => counts[at].1 += 1,
        None => counts.push((zone.to_owned(), 1)),
    }
}
```

## After

```rust
let mut counts: Vec<(String, usize)> = Vec::new();
let mut counts_index: std::collections::HashMap<_, usize> = std::collections::HashMap::new();
for zone in zones {
    match counts_index.get(zone).copied() {
        Some(at) => counts[at].1 += 1,
        None => {
            counts_index.insert(zone, counts.len());
            counts.push((zone.to_owned(), 1))
        }
    }
}
```

## When it is refused

The list is not an empty `Vec` made in the same function, or the loop does more with it; what is pushed does not visibly hold the key
that was looked for, or the round changes it; the key is not `Eq + Hash`, or both may disagree (asked of rustc); the key does not live
as long as the loop (rustc does not accept it). For lists that stay at a few dozen groups the walk may be faster: the measurement
decides.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for list in grown(file) {
        let exprs = shapes::exprs(&list.code);
        found.extend(exprs.into_iter().find_map(|expr| searched(file, &list, expr)));
    }
    found
}

/// A search and both ways to go on.
struct Search<'a> {
    looked_up: &'a syn::Expr,
    pat: &'a syn::Pat,
    found: &'a syn::Expr,
    found_block: Option<&'a syn::Block>,
    missing: &'a syn::Expr,
    missing_block: Option<&'a syn::Block>,
}

fn read(expr: &syn::Expr) -> Option<Search<'_>> {
    let some =
        |pat: &'_ syn::Pat| matches!(pat, syn::Pat::TupleStruct(t) if t.path.is_ident("Some") && t.elems.len() == 1);
    match expr {
        syn::Expr::Match(node) => {
            let [first, second] = node.arms.as_slice() else { return None };
            let (good, bad) = if some(&first.pat) { (first, second) } else { (second, first) };
            let is_none =
                matches!(&bad.pat, syn::Pat::Ident(p) if p.ident == "None") || matches!(bad.pat, syn::Pat::Wild(_));
            let syn::Pat::TupleStruct(t) = &good.pat else { return None };
            (is_none && some(&good.pat)).then(|| Search {
                looked_up: &node.expr,
                pat: &t.elems[0],
                found: &good.body,
                found_block: block_of(&good.body),
                missing: &bad.body,
                missing_block: block_of(&bad.body),
            })
        }
        syn::Expr::If(node) => {
            let syn::Expr::Let(cond) = &*node.cond else { return None };
            let syn::Pat::TupleStruct(t) = &*cond.pat else { return None };
            let other = shapes::else_block(node)?;
            some(&cond.pat).then_some(Search {
                looked_up: &cond.expr,
                pat: &t.elems[0],
                found: &cond.expr,
                found_block: Some(&node.then_branch),
                missing: &cond.expr,
                missing_block: Some(other),
            })
        }
        _ => None,
    }
}

fn block_of(expr: &syn::Expr) -> Option<&syn::Block> {
    match expr {
        syn::Expr::Block(b) if b.label.is_none() => Some(&b.block),
        _ => None,
    }
}

fn searched(file: &SourceFile, list: &Grown<'_>, expr: &syn::Expr) -> Option<Fact> {
    let search = read(expr)?;
    let whole = file.range(expr);
    let (by_position, closure) = match search.looked_up {
        syn::Expr::MethodCall(call) if call.args.len() == 1 => {
            let (iter, by_position) = match call.method.to_string().as_str() {
                "position" => ("iter", true),
                "find" => ("iter_mut", false),
                _ => return None,
            };
            let walked = shapes::method(&call.receiver, iter, 0)?;
            shapes::is_name(&walked.receiver, list.name).then_some(())?;
            (by_position, &call.args[0])
        }
        _ => return None,
    };
    let syn::Expr::Closure(closure) = closure else { return None };
    let (part, key) = key_of(closure)?;
    let push = match search.missing_block {
        Some(block) => match block.stmts.as_slice() {
            [syn::Stmt::Expr(only, _)] => only,
            _ => return None,
        },
        None => search.missing,
    };
    let pushed = shapes::method(push, "push", 1).filter(|call| shapes::is_name(&call.receiver, list.name))?;
    let is_held = part_of(&pushed.args[0], &part).is_some_and(|held| is_copy(held, key));
    let is_all = list.uses.iter().all(|u| whole.contains(u.name) && !u.is_captured);
    if !is_held || !is_all || !leaves_key(file, list, &search, by_position, &part) {
        return None;
    }
    let message =
        format!("`{}` is walked in each round of the loop that fills it, to find the group of the round", list.name);
    let mut fact = Fact::at(file, file.range(search.looked_up))
        .capture("name", file.span_range(list.name.span()))
        .capture("loop", list.around)
        .capture("key", file.range(key))
        .capture("push", file.range(push))
        .note("message", message);
    if search.missing_block.is_none() {
        fact = fact.capture("bare push", file.range(push));
    }
    if !by_position {
        fact = fact.capture("pattern", file.range(search.pat));
        fact = match search.found_block {
            Some(block) => fact.capture("found", file.range(block.stmts.first()?)),
            None => fact.capture("bare found", file.range(search.found)),
        };
    }
    Some(fact)
}

/// The part of an element that `|e| e.key == key` and `|(name, _)| name == key` compare, and what it is compared with.
fn key_of(closure: &syn::ExprClosure) -> Option<(String, &syn::Expr)> {
    let syn::Expr::Binary(syn::ExprBinary { left, op: syn::BinOp::Eq(_), right, .. }) = peel(&closure.body) else {
        return None;
    };
    let bare = |expr: &'_ syn::Expr| -> Option<usage::PlacePath> { usage::place(bared(expr)) };
    let sides = [(&**left, &**right), (&**right, &**left)];
    match closure.inputs.iter().collect::<Vec<_>>()[..] {
        [syn::Pat::Ident(element)] => sides.into_iter().find_map(|(e, k)| {
            let (place, key) = (bare(e)?, bare(k)?);
            let is_part = element.ident == place.root && place.fields.len() == 1 && element.ident != key.root;
            is_part.then(|| (place.fields[0].clone(), bared(k)))
        }),
        [syn::Pat::Tuple(pair)] => sides.into_iter().find_map(|(e, k)| {
            let (place, key) = (bare(e)?, bare(k)?);
            let named = |name: &str| pair.elems.iter().position(|p| matches!(p, syn::Pat::Ident(p) if p.ident == name));
            let at = named(&place.root).filter(|_| place.fields.is_empty() && named(&key.root).is_none())?;
            Some((at.to_string(), bared(k)))
        }),
        _ => None,
    }
}

/// The place without references, dereferences and `as_str`.
fn bared(expr: &syn::Expr) -> &syn::Expr {
    match peel(expr) {
        syn::Expr::Reference(r) if r.mutability.is_none() => bared(&r.expr),
        syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => bared(&u.expr),
        syn::Expr::MethodCall(call) if call.method == "as_str" && call.args.is_empty() => bared(&call.receiver),
        other => other,
    }
}

/// What a new pair or struct holds in that part.
fn part_of<'a>(new: &'a syn::Expr, part: &str) -> Option<&'a syn::Expr> {
    match peel(new) {
        syn::Expr::Tuple(t) => t.elems.get(part.parse::<usize>().ok()?),
        syn::Expr::Struct(s) => {
            let field = s.fields.iter().find(|f| matches!(&f.member, syn::Member::Named(n) if n == part))?;
            Some(&field.expr)
        }
        _ => None,
    }
}

/// True for the key itself, or a copy of it.
fn is_copy(held: &syn::Expr, key: &syn::Expr) -> bool {
    let held = match peel(held) {
        syn::Expr::MethodCall(call) if call.args.is_empty() => {
            let copies = ["clone", "to_owned", "to_string", "into"].iter().any(|name| call.method == name);
            if copies { bared(&call.receiver) } else { return false }
        }
        call @ syn::Expr::Call(_) => match shapes::call(call, &["String", "from"]).and_then(|c| c.args.first()) {
            Some(argument) => bared(argument),
            None => return false,
        },
        other => bared(other),
    };
    shapes::same(held, key)
}

/// True if what is done with a group that is found leaves its key as it is.
fn leaves_key(file: &SourceFile, list: &Grown<'_>, search: &Search<'_>, by_position: bool, part: &str) -> bool {
    let within =
        search.found_block.map_or_else(|| file.range(search.found), |b| file.span_range(b.brace_token.span.join()));
    if by_position {
        let Some(index) = index_name(search.pat) else { return false };
        let (element, key) = (format!("{}[{index}]", list.name), format!("{}[{index}].{part}", list.name));
        return list.uses.iter().filter(|u| within.contains(u.name)).all(|u| {
            let place: String = file.slice(u.place).split_whitespace().collect();
            let is_other =
                place.starts_with(&format!("{element}.")) && place != key && !place.starts_with(&format!("{key}."));
            is_other || u.is_read() && !u.is_bare
        });
    }
    match search.pat {
        syn::Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => {
            let name = name.ident.to_string();
            let code = match search.found_block {
                Some(block) => block.clone(),
                None => syn::Block {
                    brace_token: syn::token::Brace::default(),
                    stmts: vec![syn::Stmt::Expr(search.found.clone(), None)],
                },
            };
            let is_kept = |u: &usage::Use| match u.fields.first() {
                Some(first) => first != part || u.is_read(),
                None => matches!(&u.how, How::Method(method) if usage::is_reading_method(method)),
            };
            usage::bindings(file, &code, &name).is_empty() && usage::uses(file, &code, &name).iter().all(is_kept)
        }
        syn::Pat::Tuple(pair) => {
            let is_left = |at: usize| matches!(pair.elems.get(at), Some(syn::Pat::Wild(_)));
            part.parse::<usize>().is_ok_and(is_left)
        }
        _ => false,
    }
}

fn index_name(pat: &syn::Pat) -> Option<String> {
    match pat {
        syn::Pat::Ident(p) if p.by_ref.is_none() && p.mutability.is_none() && p.subpat.is_none() => {
            Some(p.ident.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_groups_that_are_searched_for() {
        for text in [
            "fn f(zones: &[&str]) -> C { let mut c: Vec<(String, usize)> = Vec::new(); for z in zones { match $0c.iter().position(|(n, _)| n == z)$0 { Some(i) => c[i].1 += 1, None => c.push((z.to_string(), 1)) } } c }",
            "fn f(xs: &[X]) -> Vec<G> { let mut gs = Vec::new(); for x in xs { if let Some(g) = $0gs.iter_mut().find(|g| g.name == x.name)$0 { g.n += x.n; } else { gs.push(G { name: x.name.clone(), n: x.n }); } } gs }",
            "fn f(xs: &[X]) -> Vec<(u64, u64)> { let mut gs: Vec<(u64, u64)> = vec![]; for x in xs { if let Some((_, n)) = $0gs.iter_mut().find(|(id, _)| *id == x.id)$0 { *n += x.n; } else { gs.push((x.id, x.n)); } } gs }",
            "fn f(xs: &[X]) -> V { let mut gs = Vec::new(); for x in xs { match $0gs.iter_mut().find(|g| g.0 == x.id)$0 { Some(g) => g.1.push(x), None => gs.push((x.id, vec![x])) } } gs }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // The list is used otherwise, or is not empty at first.
                "fn f(xs: &[X]) -> V { let mut gs = Vec::new(); for x in xs { if gs.len() > 3 { break; } match gs.iter_mut().find(|g| g.0 == x.id) { Some(g) => g.1 += 1, None => gs.push((x.id, 1)) } } gs }",
                "fn f(xs: &[X], mut gs: Vec<(u64, u64)>) -> V { for x in xs { match gs.iter_mut().find(|g| g.0 == x.id) { Some(g) => g.1 += 1, None => gs.push((x.id, 1)) } } gs }",
                // Another key is held, the key changes, or more is compared.
                "fn f(xs: &[X]) -> V { let mut gs = Vec::new(); for x in xs { match gs.iter_mut().find(|g| g.0 == x.id) { Some(g) => g.1 += 1, None => gs.push((x.other, 1)) } } gs }",
                "fn f(xs: &[X]) -> V { let mut gs = Vec::new(); for x in xs { match gs.iter_mut().find(|g| g.0 == x.id) { Some(g) => g.0 += 1, None => gs.push((x.id, 1)) } } gs }",
                "fn f(xs: &[X]) -> V { let mut gs = Vec::new(); for x in xs { match gs.iter_mut().find(|g| g.0 == x.id && g.1 < 3) { Some(g) => g.1 += 1, None => gs.push((x.id, 1)) } } gs }",
                "fn f(xs: &[X]) -> V { let mut gs = Vec::new(); for x in xs { match gs.iter_mut().find(|g| g.0 < x.id) { Some(g) => g.1 += 1, None => gs.push((x.id, 1)) } } gs }",
                "fn f(xs: &[X]) -> V { let mut gs = Vec::new(); for x in xs { match gs.iter_mut().find(|g| g.id == x.id) { Some(g) => g.renew(), None => gs.push(G { id: x.id }) } } gs }",
                "fn f(xs: &[X]) -> V { let mut gs = Vec::new(); for x in xs { match gs.iter_mut().find(|g| g.id == x.id) { Some(g) => *g = new(), None => gs.push(G { id: x.id }) } } gs }",
                "fn f(xs: &[X]) -> V { let mut gs = Vec::new(); for x in xs { match gs.iter_mut().find(|g| g.id == x.id) { Some(g) => g.n += 1, None => gs.push(G::of(x)) } } gs }",
                "fn f(xs: &[X]) -> V { let mut gs = Vec::new(); for x in xs { match gs.iter().position(|g| g.0 == x.id) { Some(i) => gs[i].0 = 1, None => gs.push((x.id, 1)) } } gs }",
                "fn f(xs: &[X]) -> V { let mut gs = Vec::new(); for x in xs { match gs.iter().position(|g| g.0 == x.id) { Some(i) => { gs.remove(i); } None => gs.push((x.id, 1)) } } gs }",
                // More is done where nothing is found.
                "fn f(xs: &[X]) -> V { let mut gs = Vec::new(); for x in xs { match gs.iter_mut().find(|g| g.0 == x.id) { Some(g) => g.1 += 1, None => { log(); gs.push((x.id, 1)) } } } gs }",
                "#[test] fn f() { let mut gs = Vec::new(); for x in xs { match gs.iter_mut().find(|g| g.0 == x.id) { Some(g) => g.1 += 1, None => gs.push((x.id, 1)) } } }",
            ],
        );
    }
}
