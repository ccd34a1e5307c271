//! Loops that look for one element after the other and remove each by its index.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::peel;
use crate::source::{SourceFile, pure, shapes, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("removed-one-by-one"),
    eye: Eye::Loops,
    kind: Kind::Quadratic,
    class: Class::A,
    title: "elements removed one by one",
    explain: EXPLAIN,
    triggers: &["remove"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds loops that remove each element of a list for which a condition holds by its index: `while let Some(at) =
list.iter().position(…) { list.remove(at); }`, and an index that is counted up where nothing is removed.

## Why it costs

Each removal moves all elements behind it, and each search begins at the front again: n removals take n²/2 steps.

## Before

```rust
while let Some(at) = self.effects.iter().position(|e| e.until <= now) {
    self.effects.remove(at);
    dropped += 1;
}
```

## After

```rust
let effects_before = self.effects.len();
self.effects.retain(|e| e.until > now);
dropped += effects_before - self.effects.len();
```

## When it is refused

The removed elements are used; the condition does more than compute, or looks at what the loop changes; the loop does more than
count; the list is no vector or queue of std (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        for (index, stmt) in block.stmts.iter().enumerate() {
            let syn::Stmt::Expr(syn::Expr::While(around), _) = stmt else { continue };
            if around.label.is_some() {
                continue;
            }
            found.extend(searched(file, stmt, around).or_else(|| counted(file, block, index, around)));
        }
    }
    found
}

/// `while let Some(at) = list.iter().position(|e| …) { list.remove(at); }`.
fn searched(file: &SourceFile, stmt: &syn::Stmt, around: &syn::ExprWhile) -> Option<Fact> {
    let syn::Expr::Let(cond) = &*around.cond else { return None };
    let at = shapes::bound_in_variant(&cond.pat, "Some")?;
    let position = shapes::method(&cond.expr, "position", 1)?;
    let iter = shapes::method(&position.receiver, "iter", 0)?;
    let list = &*iter.receiver;
    let syn::Expr::Closure(closure) = &position.args[0] else { return None };
    let ([parameter], syn::ReturnType::Default) = (&closure.inputs.iter().collect::<Vec<_>>()[..], &closure.output)
    else {
        return None;
    };
    usage::place(list).filter(|p| p.is_plain)?;
    let counter = removal(&around.body.stmts, list, at)?;
    if !is_steady(file, &closure.body, &[Some(list), counter.map(|c| &*c.left)]) {
        return None;
    }
    let fact = fact(file, stmt, list, counter)
        .capture("parameter", file.range(*parameter))
        .capture("condition", file.range(&*closure.body));
    Some(fact)
}

/// `while i < list.len() { if … { list.remove(i); } else { i += 1; } }`, right behind `let mut i = 0;`.
fn counted(file: &SourceFile, block: &syn::Block, index: usize, around: &syn::ExprWhile) -> Option<Fact> {
    let start = shapes::plain_let(block.stmts.get(index.checked_sub(1)?)?).filter(|l| l.is_mut)?;
    let syn::Expr::Binary(b) = peel(&around.cond) else { return None };
    let len = shapes::method(&b.right, "len", 0)?;
    let list = &*len.receiver;
    usage::place(list).filter(|p| p.is_plain)?;
    let is_counted =
        matches!(b.op, syn::BinOp::Lt(_)) && shapes::is_name(&b.left, start.name) && is_number(start.value, "0");
    let [syn::Stmt::Expr(syn::Expr::If(choice), _)] = &around.body.stmts[..] else { return None };
    let [syn::Stmt::Expr(syn::Expr::Binary(step), Some(_))] = &shapes::else_block(choice)?.stmts[..] else {
        return None;
    };
    let is_step = matches!(step.op, syn::BinOp::AddAssign(_))
        && shapes::is_name(&step.left, start.name)
        && is_number(&step.right, "1");
    let counter = removal(&choice.then_branch.stmts, list, start.name)?;
    let name = start.name.to_string();
    let is_last = shapes::count(&shapes::rest(block, index), &name) == 0;
    // All that the condition knows of the list is the element at the index.
    let elements: Vec<TextRange> = shapes::exprs_in(&choice.cond)
        .into_iter()
        .filter(|e| matches!(e, syn::Expr::Index(i) if shapes::same(&*i.expr, list) && shapes::is_name(&i.index, start.name)))
        .map(|e| file.range(e))
        .collect();
    let is_own = shapes::count(&*choice.cond, &name) == elements.len() && !elements.is_empty();
    let others = uses_of_list(file, &choice.cond, list)? == elements.len();
    if !(is_counted && is_step && is_last && is_own && others) || matches!(&*choice.cond, syn::Expr::Let(_)) {
        return None;
    }
    let changed = [counter.map(|c| &*c.left)];
    if !is_steady(file, &choice.cond, &changed) {
        return None;
    }
    let stmt = &block.stmts[index];
    let fact = fact(file, stmt, list, counter)
        .capture("start", file.range(&block.stmts[index - 1]))
        .capture("condition", file.range(&*choice.cond));
    Some(elements.into_iter().fold(fact, |fact, element| fact.capture("element", element)))
}

/// How often a condition names the list.
fn uses_of_list(file: &SourceFile, cond: &syn::Expr, list: &syn::Expr) -> Option<usize> {
    let place = usage::place(list)?;
    let uses = usage::uses_in_expr(file, cond, &place.root);
    Some(uses.iter().filter(|u| usage::may_overlap(&place, &place.root, &u.fields)).count())
}

/// `list.remove(at);` and nothing else but `count += 1;`, which is given.
fn removal<'a>(stmts: &'a [syn::Stmt], list: &syn::Expr, at: &syn::Ident) -> Option<Option<&'a syn::ExprBinary>> {
    let is_removal = |stmt: &syn::Stmt| match stmt {
        syn::Stmt::Expr(expr, Some(_)) => shapes::method(expr, "remove", 1)
            .is_some_and(|call| shapes::same(&*call.receiver, list) && shapes::is_name(&call.args[0], at)),
        _ => false,
    };
    let count = |stmt: &'a syn::Stmt| match stmt {
        syn::Stmt::Expr(syn::Expr::Binary(b), Some(_)) => {
            let is_place = usage::place(&b.left).is_some_and(|p| p.is_plain);
            (matches!(b.op, syn::BinOp::AddAssign(_)) && is_number(&b.right, "1") && is_place).then_some(b)
        }
        _ => None,
    };
    match stmts {
        [only] if is_removal(only) => Some(None),
        [first, second] if is_removal(first) => count(second).map(Some),
        [first, second] if is_removal(second) => count(first).map(Some),
        _ => None,
    }
}

fn is_number(expr: &syn::Expr, digits: &str) -> bool {
    matches!(peel(expr), syn::Expr::Lit(l) if matches!(&l.lit, syn::Lit::Int(n) if n.base10_digits() == digits))
}

/// True if a condition only computes, and not from what the loop changes.
fn is_steady(file: &SourceFile, cond: &syn::Expr, changed: &[Option<&syn::Expr>]) -> bool {
    let is_apart = |place: &syn::Expr| {
        let Some(path) = usage::place(place) else { return false };
        let uses = usage::uses_in_expr(file, cond, &path.root);
        uses.iter().all(|u| !(usage::may_overlap(&path, &path.root, &u.fields) || u.is_bare && path.root == "self"))
    };
    let is_calm = |e: &&syn::Expr| matches!(e, syn::Expr::Reference(r) if r.mutability.is_some());
    pure::is_pure(file, cond)
        && shapes::exits_of(cond).is_empty()
        && !shapes::exprs_in(cond).iter().any(is_calm)
        && changed.iter().flatten().all(|place| is_apart(place))
}

fn fact(file: &SourceFile, stmt: &syn::Stmt, list: &syn::Expr, counter: Option<&syn::ExprBinary>) -> Fact {
    let shown = file.on_one_line(file.range(list));
    let fact = Fact::at(file, file.range(stmt))
        .capture("list", file.range(list))
        .note("message", format!("elements of `{shown}` are removed one by one, and all behind them moved each time"));
    match counter {
        Some(count) => fact.capture("counter", file.range(&*count.left)),
        None => fact,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_removals_by_index() {
        for text in [
            "impl W { fn f(&mut self, now: u64) -> usize { let mut n = 0; $0while let Some(at) = self.effects.iter().position(|e| e.until <= now) { self.effects.remove(at); n += 1; }$0 n } }",
            "fn f(v: &mut Vec<S>) { $0while let Some(i) = v.iter().position(|s| s.is_empty()) { v.remove(i); }$0 }",
            "fn f(v: &mut Vec<S>, most: u8) { let mut i = 0; $0while i < v.len() { if v[i].n > most { v.remove(i); } else { i += 1; } }$0 }",
            "impl W { fn f(&mut self) { let mut i = 0; $0while i < self.all.len() { if self.all[i] == 0 || self.all[i] > self.most { self.gone += 1; self.all.remove(i); } else { i += 1; } }$0 } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // The element is used, or only one is removed.
                "fn f(v: &mut Vec<S>) { while let Some(i) = v.iter().position(|s| s.on) { let s = v.remove(i); g(s); } }",
                "fn f(v: &mut Vec<S>) { while let Some(i) = v.iter().position(|s| s.on) { g(v.remove(i)); } }",
                "fn f(v: &mut Vec<S>) { if let Some(i) = v.iter().position(|s| s.on) { v.remove(i); } }",
                "fn f(v: &mut Vec<S>) { while let Some(i) = v.iter().position(|s| s.on) { v.swap_remove(i); } }",
                "fn f(v: &mut Vec<S>, w: &mut Vec<S>) { while let Some(i) = v.iter().position(|s| s.on) { w.remove(i); } }",
                // More is done, or the condition changes.
                "fn f(v: &mut Vec<S>) { while let Some(i) = v.iter().position(|s| s.on) { v.remove(i); log(i); } }",
                "fn f(v: &mut Vec<S>) { let mut n = 0; while let Some(i) = v.iter().position(|s| s.n > n) { v.remove(i); n += 1; } }",
                "fn f(v: &mut Vec<S>, r: &mut R) { while let Some(i) = v.iter().position(|s| r.roll(s)) { v.remove(i); } }",
                "impl W { fn f(&mut self) { while let Some(i) = self.all.iter().position(|s| self.all.len() > s.n) { self.all.remove(i); } } }",
                "fn f(v: &mut Vec<S>) { let mut i = 0; while i < v.len() { if v[i].n > i { v.remove(i); } else { i += 1; } } }",
                "fn f(v: &mut Vec<S>) { let mut i = 0; while i < v.len() { if v[i].n > v.len() { v.remove(i); } else { i += 1; } } }",
                "fn f(v: &mut Vec<S>) { let mut i = 1; while i < v.len() { if v[i].on { v.remove(i); } else { i += 1; } } }",
                "fn f(v: &mut Vec<S>) -> usize { let mut i = 0; while i < v.len() { if v[i].on { v.remove(i); } else { i += 1; } } i }",
                "fn f(v: &mut Vec<S>) { let mut i = 0; while i < v.len() { if v[i].on { v.remove(i); } i += 1; } }",
                "fn f(v: &mut Vec<S>) { let mut i = 0; while i < v.len() { if v[i] == v[0] { v.remove(i); } else { i += 1; } } }",
                "#[test] fn f() { while let Some(i) = v.iter().position(|s| s.on) { v.remove(i); } }",
            ],
        );
    }
}
