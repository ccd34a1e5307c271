//! Loops that empty a vector from its front by `remove(0)`.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::peel;
use crate::source::{SourceFile, shapes, types, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("remove-first-in-loop"),
    eye: Eye::Loops,
    kind: Kind::Quadratic,
    class: Class::A,
    title: "vector emptied from its front",
    explain: EXPLAIN,
    triggers: &["remove"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `while !list.is_empty() { let item = list.remove(0); … }` (and `while list.len() > 0`), where the rounds leave the
list alone otherwise.

## Why it costs

`remove(0)` moves all other elements by one place: n rounds move n²/2 elements.

## Before

```rust
while !queue.is_empty() {
    let job = queue.remove(0);
    run(job);
}
```

## After

```rust
for job in queue.drain(..) {
    run(job);
}
```

## When it is refused

The round may be left early (then the rest would stay in the list, and `drain` throws it away) or looks at the list; the
list is not a `Vec` of std (asked of rustc).
";

/// The statements of the loops that are found, which take what `drain` will give.
pub(super) fn drained(file: &SourceFile) -> Vec<TextRange> {
    let captures = facts(file).into_iter().flat_map(|fact| fact.captures);
    captures.filter(|(name, _)| *name == "statement").map(|(_, range)| range).collect()
}

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        for expr in shapes::exprs(body) {
            match expr {
                syn::Expr::While(around) => found.extend(emptied(file, &while_full(file, around))),
                syn::Expr::Loop(around) => found.extend(until_empty(file, around).and_then(|a| emptied(file, &a))),
                _ => {}
            }
        }
    }
    found
}

/// A loop that goes on while a list is not empty.
struct Emptying<'a> {
    list: Option<&'a syn::Expr>,
    site: TextRange,
    keyword: TextRange,
    body: &'a syn::Block,
    /// How many statements of the body ask whether the list is empty.
    asked: usize,
}

/// `while !list.is_empty() { … }`
fn while_full<'a>(file: &SourceFile, around: &'a syn::ExprWhile) -> Emptying<'a> {
    Emptying {
        list: not_empty(&around.cond),
        site: file.range(&*around.cond),
        keyword: file.span_range(around.while_token.span),
        body: &around.body,
        asked: 0,
    }
}

/// `loop { if list.is_empty() { break; } … }`
fn until_empty<'a>(file: &SourceFile, around: &'a syn::ExprLoop) -> Option<Emptying<'a>> {
    let first = around.body.stmts.first().filter(|_| around.label.is_none())?;
    let syn::Stmt::Expr(syn::Expr::If(check), _) = first else { return None };
    let asked = shapes::method(&check.cond, "is_empty", 0)?;
    let leaves = matches!(check.then_branch.stmts.as_slice(), [syn::Stmt::Expr(syn::Expr::Break(b), _)]
        if b.expr.is_none() && b.label.is_none());
    (leaves && check.else_branch.is_none()).then(|| Emptying {
        list: Some(&*asked.receiver),
        site: file.range(first),
        keyword: file.span_range(around.loop_token.span),
        body: &around.body,
        asked: 1,
    })
}

fn emptied(file: &SourceFile, around: &Emptying<'_>) -> Option<Fact> {
    let list = around.list?;
    let place = usage::place(list).filter(|p| p.is_plain)?;
    let first = around.body.stmts.get(around.asked)?;
    let bound = shapes::plain_let(first).filter(|l| l.ty.is_none())?;
    let removal = shapes::method(bound.value, "remove", 1)?;
    let is_first =
        matches!(&removal.args[0], syn::Expr::Lit(l) if matches!(&l.lit, syn::Lit::Int(n) if n.base10_digits() == "0"));
    let known = types::type_of(file, list).and_then(|ty| types::head(types::strip(&ty)));
    let is_other = known.is_some_and(|head| head != "Vec");
    if !is_first || is_other || !shapes::same(peel(&removal.receiver), peel(list)) {
        return None;
    }
    let rest = shapes::rest(around.body, around.asked);
    let is_alone =
        usage::uses(file, &rest, &place.root).iter().all(|u| !usage::may_overlap(&place, &place.root, &u.fields));
    let is_rebound = !usage::bindings(file, &rest, &place.root).is_empty() || bound.name == place.root.as_str();
    if !is_alone || is_rebound || !shapes::exits(&rest).iter().all(|e| *e == shapes::Exit::Continue) {
        return None;
    }
    let shown = file.text_of(list);
    let mut fact = Fact::at(file, around.site)
        .capture("list", file.range(list))
        .capture("name", file.span_range(bound.name.span()))
        .capture("keyword", around.keyword)
        .capture("statement", file.range(first))
        .note("message", format!("each `remove(0)` moves all that is left in `{shown}` by one place"));
    if around.asked > 0 {
        fact = fact.capture("check", around.site);
    }
    if bound.is_mut {
        fact = fact.capture("mut", file.range(first));
    }
    Some(fact)
}

/// The list of `!list.is_empty()` and `list.len() > 0`.
fn not_empty(cond: &syn::Expr) -> Option<&syn::Expr> {
    if let Some(denied) = shapes::denied(cond) {
        return shapes::method(denied, "is_empty", 0).map(|call| &*call.receiver);
    }
    match peel(cond) {
        syn::Expr::Binary(b) if matches!(b.op, syn::BinOp::Gt(_) | syn::BinOp::Ne(_)) => {
            let is_zero = matches!(&*b.right, syn::Expr::Lit(l) if matches!(&l.lit, syn::Lit::Int(n) if n.base10_digits() == "0"));
            shapes::method(&b.left, "len", 0).filter(|_| is_zero).map(|call| &*call.receiver)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_vectors_emptied_from_the_front() {
        for text in [
            "fn f(mut v: Vec<u8>) { while $0!v.is_empty()$0 { let x = v.remove(0); g(x); } }",
            "fn f(v: &mut Vec<u8>) { while $0v.len() > 0$0 { let x = v.remove(0); g(x); } }",
            "fn f(v: &mut Vec<u8>) { while $0v.len() != 0$0 { let x = v.remove(0); g(x); } }",
            "impl S { fn f(&mut self) { while $0!self.jobs.is_empty()$0 { let j = self.jobs.remove(0); self.n += j.n; } } }",
            "fn f(mut v: Vec<S>) { while $0!v.is_empty()$0 { let mut x = v.remove(0); x.n = 1; g(x); } }",
            "fn f(mut v: Vec<S>) { while $0!v.is_empty()$0 { let x = v.remove(0); if x.n == 0 { continue; } g(x); } }",
            "fn f(mut v: Vec<S>) { while $0!v.is_empty()$0 { let x = v.remove(0); for y in x.all { if y { break; } g(y); } } }",
            "fn f(mut v: Vec<u8>) { loop { $0if v.is_empty() { break; }$0 let x = v.remove(0); g(x); } }",
            "fn f(s: &mut S) { while $0!s.a.is_empty()$0 { let x = s.a.remove(0); s.b.push(x); } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // The round adds to the list, or looks at it.
                "fn f(mut v: Vec<S>) { while !v.is_empty() { let x = v.remove(0); v.extend(x.children); } }",
                "fn f(mut v: Vec<S>) { while !v.is_empty() { let x = v.remove(0); g(x, v.len()); } }",
                "impl S { fn f(&mut self) { while !self.jobs.is_empty() { let j = self.jobs.remove(0); self.run(j); } } }",
                // The rest would stay.
                "fn f(mut v: Vec<S>) { while !v.is_empty() { let x = v.remove(0); if x.last { break; } g(x); } }",
                "fn f(mut v: Vec<S>) { while !v.is_empty() { let x = v.remove(0); if x.last { return; } g(x); } }",
                "fn f(mut v: Vec<S>) -> R { while !v.is_empty() { let x = v.remove(0); g(x)?; } Ok(()) }",
                "async fn f(mut v: Vec<S>) { while !v.is_empty() { let x = v.remove(0); g(x).await; } }",
                "fn f(mut v: Vec<S>) { while !v.is_empty() { let x = v.remove(0); step!(x); } }",
                "fn f(mut v: Vec<S>) { loop { if v.is_empty() { return; } let x = v.remove(0); g(x); } }",
                "fn f(mut v: Vec<S>) { loop { if v.is_empty() { break; } let x = v.remove(0); if x.a { break; } } }",
                "fn f(mut v: Vec<S>) { loop { let x = v.remove(0); if v.is_empty() { break; } g(x); } }",
                // Another place, another end, another collection.
                "fn f(mut v: Vec<S>) { while !v.is_empty() { let x = v.remove(1); g(x); } }",
                "fn f(mut v: Vec<S>) { while !v.is_empty() { let x = v.pop().unwrap(); g(x); } }",
                "fn f(mut v: Vec<S>, mut w: Vec<S>) { while !v.is_empty() { let x = w.remove(0); g(x); } }",
                "fn f(mut v: Vec<S>) { while v.len() > 1 { let x = v.remove(0); g(x); } }",
                "fn f(mut v: Vec<S>) { while !v.is_empty() && a() { let x = v.remove(0); g(x); } }",
                "fn f(mut v: VecDeque<S>) { while !v.is_empty() { let x = v.remove(0); g(x); } }",
                "fn f(mut v: String) { while !v.is_empty() { let x = v.remove(0); g(x); } }",
                "fn f(mut v: Vec<S>) { if !v.is_empty() { let x = v.remove(0); g(x); } }",
                "fn f(mut v: Vec<S>) { while !v.is_empty() { tick(); let x = v.remove(0); g(x); } }",
                "#[test] fn f() { while !v.is_empty() { let x = v.remove(0); g(x); } }",
            ],
        );
    }
}
