//! A copy that is changed and then put in the place of its original.

use super::clone_then_read::is_shared_by_cloning;
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::peel;
use crate::source::usage::{self, How, PlacePath, Use};
use crate::source::{SourceFile, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("changed-copy-put-back"),
    eye: Eye::Memory,
    kind: Kind::DefensiveCopy,
    class: Class::B,
    title: "copy that is changed and put back",
    explain: EXPLAIN,
    triggers: &["clone"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let mut next = place.clone();`, statements that change `next` and never leave in between, and `place = next;` behind them.

## Why it costs

All of the place is copied for the few parts that change, and the original is freed.

## Before

```rust
let mut next = self.state.clone();
next.count += 1;
next.buckets[bucket] += 1;
self.state = next;
```

## After

```rust
let next = &mut self.state;
next.count += 1;
next.buckets[bucket] += 1;
```

If one of the statements panics, and somebody catches it, the place is half changed, where it was unchanged before. That is for a
person to accept.

## When it is refused

A statement in between may leave (`return`, `?`, `break`, `.await`), so that the copy is what undoes the change; it looks at the
place, or calls what may; the copy is handed on, or used after it was put back; the type's `Clone` is not plain data (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| put_back(file, block, index)));
    }
    found
}

fn put_back(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| l.is_mut && l.ty.is_none())?;
    let clone = shapes::method(bound.value, "clone", 0)?;
    let place = usage::place(&clone.receiver).filter(|p| p.is_plain)?;
    let (at, is_behind_reference) = (index + 2..block.stmts.len())
        .find_map(|at| Some((at, assigned_back(&block.stmts[at], &clone.receiver, bound.name)?)))?;
    let between = syn::Block { brace_token: block.brace_token, stmts: block.stmts[index + 1..at].to_vec() };
    let name = bound.name.to_string();
    let is_gone = shapes::count(&shapes::rest(block, at), &name) == 0;
    if !is_gone || !shapes::exits(&between).is_empty() || !is_changed_in_place(file, &between, &name, &place) {
        return None;
    }
    let head = types::type_of(file, &clone.receiver).map(|ty| types::strip(&ty).clone());
    let is_cheap = head.as_ref().is_some_and(types::is_primitive);
    if is_cheap || head.as_ref().and_then(types::head).is_some_and(|head| is_shared_by_cloning(&head)) {
        return None;
    }
    let shown = file.text_of(&clone.receiver);
    let local = file.range(bound.local);
    let start = local.start + file.slice(local).find("mut")? as u32;
    let fact = Fact::at(file, file.range(bound.value))
        .capture("place", file.range(&*clone.receiver))
        .capture("mut", TextRange { start, end: file.span_range(bound.name.span()).start })
        .capture("back", file.range(&block.stmts[at]))
        .note("message", format!("all of `{shown}` is copied, changed and put back"));
    Some(if is_behind_reference { fact.capture("reference", file.range(&*clone.receiver)) } else { fact })
}

/// `place = name;`, or `*place = name;` where the place is a reference: whether it is one.
fn assigned_back(stmt: &syn::Stmt, place: &syn::Expr, name: &syn::Ident) -> Option<bool> {
    let syn::Stmt::Expr(syn::Expr::Assign(assign), Some(_)) = stmt else { return None };
    if !shapes::is_name(&assign.right, name) {
        return None;
    }
    match peel(&assign.left) {
        left if shapes::same(left, peel(place)) => Some(false),
        syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) && matches!(peel(place), syn::Expr::Path(_)) => {
            shapes::same(peel(&u.expr), peel(place)).then_some(true)
        }
        _ => None,
    }
}

/// True if the statements change parts of the copy, and nothing in them can tell the copy from the place.
pub(super) fn is_changed_in_place(file: &SourceFile, between: &syn::Block, name: &str, place: &PlacePath) -> bool {
    let is_alike = |u: &Use| {
        let is_shown = u.how == How::Read && !file.slice(u.whole).starts_with('&');
        let is_fine = match &u.how {
            How::Opaque => false,
            How::Method(_) => true,
            _ => !u.is_bare || is_shown,
        };
        is_fine && !u.is_captured
    };
    let copies = usage::uses(file, between, name);
    let is_changed = copies.iter().any(|u| match &u.how {
        How::Mutate => true,
        How::Method(method) => !usage::is_reading_method(method),
        _ => false,
    });
    let is_apart = usage::uses(file, between, &place.root)
        .iter()
        .all(|u| !usage::may_overlap(place, &place.root, &u.fields) && u.how != How::Opaque);
    let is_bound = |name: &str| !usage::bindings(file, between, name).is_empty();
    is_changed && copies.iter().all(is_alike) && is_apart && !is_bound(name) && !is_bound(&place.root)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_the_copy_replaces_the_original() {
        for text in [
            "impl S { fn f(&mut self, v: u64) { let mut next = $0self.state.clone()$0; next.count += 1; next.all.push(v); self.state = next; } }",
            "fn f(s: &mut S) { let mut next = $0s.state.clone()$0; if a { next.n = 1; } for b in &mut next.all { *b += 1; } s.state = next; }",
            "fn f(s: &mut S) { let mut next = $0s.all.clone()$0; next.push(s.other); s.all = next; s.all.len() }",
            "fn f(all: &mut Vec<u8>) { let mut next = $0all.clone()$0; next.push(1); *all = next; }",
            "fn f(mut all: Vec<u8>) -> Vec<u8> { let mut next = $0all.clone()$0; next.push(1); all = next; all }",
            "impl S { fn f(&mut self) { let mut m = $0self.map.clone()$0; m.insert(self.id, 1); info!(\"{:?}\", m); self.map = m; } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // It may leave in between: the place stays as it was then.
                "fn f(s: &mut S) -> R { let mut n = s.all.clone(); n.push(read()?); s.all = n; Ok(()) }",
                "fn f(s: &mut S) { let mut n = s.all.clone(); n.push(1); if n.len() > 3 { return; } s.all = n; }",
                "async fn f(s: &mut S) { let mut n = s.all.clone(); n.push(get().await); s.all = n; }",
                "fn f(s: &mut S) { loop { let mut n = s.all.clone(); n.push(1); if a { break; } s.all = n; } }",
                "fn f(s: &mut S) { let mut n = s.all.clone(); change!(n); s.all = n; }",
                "fn f(s: &mut S) { let mut n = s.all.clone(); n.push(1); if a { s.all = n; } }",
                // The original is looked at, or may be.
                "fn f(s: &mut S) { let mut n = s.all.clone(); n.push(s.all.len()); s.all = n; }",
                "fn f(s: &mut S) { let mut n = s.all.clone(); n.push(1); s.check(); s.all = n; }",
                "impl S { fn f(&mut self) { let mut n = self.all.clone(); n.push(self.next()); self.all = n; } }",
                "fn f(s: &mut S) { let mut n = s.all.clone(); n.push(1); log(s); s.all = n; }",
                // The copy is handed on, replaced, captured, or used afterwards.
                "fn f(s: &mut S) { let mut n = s.all.clone(); fill(&mut n); s.all = n; }",
                "fn f(s: &mut S) { let mut n = s.all.clone(); n = other(n); s.all = n; }",
                "fn f(s: &mut S) { let mut n = s.all.clone(); xs.for_each(|x| n.push(x)); s.all = n; }",
                "fn f(s: &mut S) { let mut n = s.pos.clone(); n.x += 1; s.pos = n; g(n); }",
                // Put elsewhere, or never changed.
                "fn f(s: &mut S) { let mut n = s.all.clone(); n.push(1); s.old = n; }",
                "fn f(s: &mut S) { let mut n = s.all.clone(); g(n.len()); s.all = n; }",
                "struct S { n: u32 } fn f(s: &mut S) { let mut n = s.n.clone(); n.inc(); s.n = n; }",
                "struct S { n: Arc<T> } fn f(s: &mut S) { let mut n = s.n.clone(); n.set(1); s.n = n; }",
                "fn f(m: &M) { let mut n = m.lock().all.clone(); n.push(1); m.lock().all = n; }",
            ],
        );
    }
}
