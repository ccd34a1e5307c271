//! `while !queue.is_empty()` with `queue.pop_front().unwrap()` as the first step inside, which asks a second time.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::lookups::begins_with;
use crate::source::names::peel;
use crate::source::{SourceFile, shapes, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("empty-then-taken"),
    eye: Eye::Errors,
    kind: Kind::DefensiveRedundancy,
    class: Class::A,
    title: "asked whether it is empty before a value is taken that answers the same",
    explain: EXPLAIN,
    triggers: &["is_empty", "len", "is_some", "is_none"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `while !queue.is_empty() { let x = queue.pop_front().unwrap(); … }`, the same with `if`, and
`if list.is_empty() { … leave … }` with `list.first().unwrap()` (`last`, `pop`, `iter().max()`, …) as the next step.

## Why it costs

The length is looked at twice, and the second look carries a branch to a panic with its text.

## Before

```rust
while !self.outbox.is_empty() {
    let (user, text) = self.outbox.pop_front().unwrap();
    send(user, &text);
}
```

## After

```rust
while let Some((user, text)) = self.outbox.pop_front() {
    send(user, &text);
}
```

## When it is refused

The value is not the first thing that is taken; the collection is computed, or is not one of std (asked of rustc); other
conditions stand behind the question, or beside it where the edition (before 2024) or the promised Rust (before 1.88) has no
`let` there. Behind a check that leaves: the package promises to build with a Rust older than 1.65.
";

/// Methods that give `None` exactly where the collection is empty.
const TAKES: &[&str] = &[
    "back",
    "back_mut",
    "first",
    "first_key_value",
    "first_mut",
    "front",
    "front_mut",
    "last",
    "last_key_value",
    "last_mut",
    "peek",
    "pop",
    "pop_back",
    "pop_first",
    "pop_front",
    "pop_last",
];
/// Methods that end an iterator and give `None` exactly where it is empty.
const ENDS: &[&str] =
    &["last", "max", "max_by", "max_by_key", "min", "min_by", "min_by_key", "next", "next_back", "reduce"];
/// Steps of an iterator that leave no element out.
const KEEPS: &[&str] = &["cloned", "copied", "enumerate", "map", "rev"];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        for (index, stmt) in block.stmts.iter().enumerate() {
            if let syn::Stmt::Expr(syn::Expr::While(node), _) = stmt {
                found.extend(inside(file, &node.cond, &node.body, || file.range(node)));
            }
            for node in shapes::own_ifs(stmt) {
                found.extend(inside(file, &node.cond, &node.then_branch, || file.range(node)));
            }
            found.extend(behind(file, stmt, block.stmts.get(index + 1)));
        }
    }
    found
}

/// `while … && !queue.is_empty() { take … }`, and the same with `if`.
fn inside(file: &SourceFile, cond: &syn::Expr, body: &syn::Block, whole: impl FnOnce() -> TextRange) -> Option<Fact> {
    let conditions = shapes::conjuncts(cond);
    if conditions.len() > 1 && !shapes::may_chain(file) {
        return None;
    }
    let last = *conditions.last()?;
    let (place, true) = question(last)? else { return None };
    let first = body.stmts.first()?;
    if let Some((pat, value, block)) = taken_if(first).filter(|_| body.stmts.len() == 1 && conditions.len() == 1)
        && takes(value, place)
        && let whole = whole()
        && file.slice(whole).starts_with("while")
    {
        let fact =
            fact(file, file.range(last), place, value).capture("whole", whole).capture("pattern", file.range(pat));
        return Some(fact.capture("block", file.span_range(block.brace_token.span.join())));
    }
    let taken = taken(file, first, place)?;
    Some(with_binding(file, fact(file, file.range(last), place, taken.value), first, &taken))
}

/// `if queue.is_empty() { … leave … }` before a statement that takes.
fn behind(file: &SourceFile, guard: &syn::Stmt, next: Option<&syn::Stmt>) -> Option<Fact> {
    let syn::Stmt::Expr(syn::Expr::If(node), semicolon) = guard else { return None };
    let (place, false) = question(&node.cond)? else { return None };
    if node.else_branch.is_some() || !shapes::diverges(&node.then_branch) {
        return None;
    }
    let taken = taken(file, next?, place)?;
    let mut fact = fact(file, file.range(&*node.cond), place, taken.value)
        .capture("guard", file.range(node))
        .capture("leaves", file.span_range(node.then_branch.brace_token.span.join()));
    if semicolon.is_some() {
        fact = fact.capture("semicolon", file.range(node));
    }
    Some(with_binding(file, fact, next?, &taken))
}

fn fact(file: &SourceFile, site: TextRange, place: &syn::Expr, value: &syn::Expr) -> Fact {
    let shown = file.text_of(place);
    let message = format!("`{shown}` is asked whether it is empty, and then for a value that answers the same");
    Fact::at(file, site)
        .capture("place", file.range(place))
        .capture("value", file.range(value))
        .note("message", message)
}

/// The pattern of a `let` that does nothing but take, or the taking itself where the value needs a name.
fn with_binding(file: &SourceFile, fact: Fact, stmt: &syn::Stmt, taken: &Taken<'_>) -> Fact {
    match stmt {
        syn::Stmt::Local(local)
            if local.attrs.is_empty()
                && !matches!(local.pat, syn::Pat::Type(_))
                && local.init.as_ref().is_some_and(|i| i.diverge.is_none() && file.range(&*i.expr) == taken.whole) =>
        {
            fact.capture("pattern", file.range(&local.pat)).capture("let", file.range(local))
        }
        _ => fact.capture("taken", taken.whole),
    }
}

/// The place that a condition asks about, and whether it holds where the place has elements.
fn question(cond: &syn::Expr) -> Option<(&syn::Expr, bool)> {
    let plain = |expr| usage::place(expr).is_some_and(|p| p.is_plain);
    if let Some(denied) = shapes::denied(cond) {
        return question(denied).map(|(p, holds)| (p, !holds));
    }
    match peel(cond) {
        syn::Expr::MethodCall(call) if call.method == "is_empty" && call.args.is_empty() => {
            plain(&call.receiver).then_some((&*call.receiver, false))
        }
        syn::Expr::MethodCall(call)
            if call.args.is_empty() && (call.method == "is_some" || call.method == "is_none") =>
        {
            let syn::Expr::MethodCall(look) = peel(&call.receiver) else { return None };
            let is_look = ["first", "last", "front", "back", "peek"].iter().any(|name| look.method == name);
            (is_look && look.args.is_empty() && plain(&look.receiver))
                .then(|| (&*look.receiver, call.method == "is_some"))
        }
        syn::Expr::Binary(b) => {
            let len = shapes::method(&b.left, "len", 0)?;
            let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(n), .. }) = peel(&b.right) else { return None };
            let has_elements = match (&b.op, n.base10_digits()) {
                (syn::BinOp::Eq(_), "0") | (syn::BinOp::Lt(_), "1") => false,
                (syn::BinOp::Gt(_) | syn::BinOp::Ne(_), "0") | (syn::BinOp::Ge(_), "1") => true,
                _ => return None,
            };
            plain(&len.receiver).then_some((&*len.receiver, has_elements))
        }
        _ => None,
    }
}

struct Taken<'a> {
    /// `queue.pop_front()`
    value: &'a syn::Expr,
    /// The same with its `unwrap`.
    whole: TextRange,
}

/// The taking that a statement begins with.
fn taken<'a>(file: &SourceFile, stmt: &'a syn::Stmt, place: &syn::Expr) -> Option<Taken<'a>> {
    let expr = match stmt {
        syn::Stmt::Local(local) => &*local.init.as_ref()?.expr,
        syn::Stmt::Expr(expr, _) => expr,
        _ => return None,
    };
    let found = shapes::exprs_in(expr).into_iter().find_map(|expr| match expr {
        syn::Expr::MethodCall(call) if call.method == "unwrap" || call.method == "expect" => {
            takes(&call.receiver, place).then(|| Taken { value: &call.receiver, whole: file.range(call) })
        }
        _ => None,
    })?;
    // What is unwrapped is read once: a second look in the same statement would move with it.
    begins_with(file, stmt, found.whole).then_some(found)
}

/// True if the expression takes from the place, and gives `None` exactly where that is empty.
fn takes(value: &syn::Expr, place: &syn::Expr) -> bool {
    let syn::Expr::MethodCall(call) = peel(value) else { return false };
    let name = call.method.to_string();
    let is_place = shapes::same(peel(&call.receiver), peel(place));
    if is_place && call.args.is_empty() {
        return TAKES.contains(&name.as_str());
    }
    if (name == "copied" || name == "cloned") && call.args.is_empty() {
        return takes(&call.receiver, place);
    }
    ENDS.contains(&name.as_str()) && is_whole_iterator(&call.receiver, place)
}

fn is_whole_iterator(expr: &syn::Expr, place: &syn::Expr) -> bool {
    let syn::Expr::MethodCall(call) = peel(expr) else { return false };
    if shapes::same(peel(&call.receiver), peel(place)) {
        return call.args.is_empty() && ["iter", "iter_mut", "keys", "values"].iter().any(|name| call.method == name);
    }
    KEEPS.iter().any(|name| call.method == name) && is_whole_iterator(&call.receiver, place)
}

/// `if let Some(x) = queue.pop_front() { … }` without an `else`.
fn taken_if(stmt: &syn::Stmt) -> Option<(&syn::Pat, &syn::Expr, &syn::Block)> {
    let syn::Stmt::Expr(syn::Expr::If(node), _) = stmt else { return None };
    let syn::Expr::Let(cond) = &*node.cond else { return None };
    let syn::Pat::TupleStruct(t) = &*cond.pat else { return None };
    (t.path.is_ident("Some") && node.else_branch.is_none()).then_some((
        t.elems.first()?,
        &*cond.expr,
        &node.then_branch,
    ))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_the_value_answers_the_question() {
        for text in [
            "fn f(q: &mut Q) { while $0!q.is_empty()$0 { let x = q.pop_front().unwrap(); g(x); } }",
            "fn f(&mut self) { while $0self.jobs.len() > 0$0 { let (a, b) = self.jobs.pop().expect(\"checked\"); g(a, b); } }",
            "fn f(q: &mut Q) { while $0!q.is_empty()$0 { g(q.pop_front().unwrap(), 1); } }",
            "fn f(q: &mut Q) { while $0!q.is_empty()$0 { if let Some(x) = q.pop_front() { g(x); } } }",
            "fn f(q: &mut Q, n: u8) { while n < 9 && $0!q.is_empty()$0 { let x = q.pop_back().unwrap(); g(x); } }",
            "fn f(v: &mut Vec<u8>) -> u8 { if $0!v.is_empty()$0 { v.pop().unwrap() } else { 0 } }",
            "fn f(v: &[u8]) -> u8 { if $0v.len() == 0$0 { return 0; } let first = v.first().unwrap(); *first }",
            "fn f(v: &[u8]) -> Option<u8> { if $0v.is_empty()$0 { return None; } let top = v.iter().copied().max().unwrap(); Some(top) }",
            "fn f(q: &mut Q) { loop { if $0q.is_empty()$0 { break; } let x = q.pop_front().unwrap(); g(x); } }",
            "fn f(v: &[u8]) -> u8 { if $0v.is_empty()$0 { return 0; } *v.last().unwrap() }",
            "fn f(h: &mut H) { while $0h.peek().is_some()$0 { let x = h.pop().unwrap(); g(x); } }",
            "fn f(v: &[S]) -> R { if $0v.is_empty()$0 { return Err(E::Empty); } let s = v.iter().min_by_key(|s| s.n).unwrap(); Ok(s.n) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Something happens first, or the other way round.
                "fn f(q: &mut Q) { while !q.is_empty() { tick(); let x = q.pop_front().unwrap(); g(x); } }",
                "fn f(q: &mut Q) { while !q.is_empty() { g(next(), q.pop_front().unwrap()); } }",
                "fn f(q: &mut Q) { while q.is_empty() { let x = q.pop_front().unwrap(); g(x); } }",
                "fn f(q: &mut Q) { while !q.is_empty() { if q[0] > 3 { break; } let x = q.pop_front().unwrap(); g(x); } }",
                "fn f(q: &mut Q) { while !q.is_empty() && a() { let x = q.pop_front().unwrap(); g(x); } }",
                "fn f(q: &mut Q) { while !q.is_empty() || a() { let x = q.pop_front().unwrap(); g(x); } }",
                // Another place, or one that is computed.
                "fn f(q: &mut Q, r: &mut Q) { while !q.is_empty() { let x = r.pop_front().unwrap(); g(x); } }",
                "fn f(q: &M) { while !q.lock().is_empty() { let x = q.lock().pop_front().unwrap(); g(x); } }",
                "fn f(qs: &mut [Q], i: usize) { while !qs[i].is_empty() { let x = qs[i].pop().unwrap(); g(x); } }",
                // Elements may be left out, or more are needed.
                "fn f(v: &[u8]) -> u8 { if v.is_empty() { return 0; } *v.iter().filter(|x| **x > 1).max().unwrap() }",
                "fn f(v: &[u8]) -> u8 { if v.len() < 2 { return 0; } *v.last().unwrap() }",
                "fn f(v: &[u8]) -> u8 { if v.is_empty() { log(); } *v.last().unwrap() }",
                "fn f(v: &[u8]) -> u8 { if v.is_empty() { return 0; } else { h(); } *v.last().unwrap() }",
                "fn f(v: &[u8]) -> u8 { if v.is_empty() { return 0; } tick(); *v.last().unwrap() }",
                "fn f(v: &[u8], n: usize) -> u8 { if v.is_empty() { return 0; } *v.get(n).unwrap() }",
                "fn f(v: &mut V) { while !v.is_empty() { let x = v.remove(0); g(x); } }",
                "fn f(q: &mut Q) { if !q.is_empty() { if let Some(x) = q.pop() { g(x); } } }",
                "fn f(q: &mut Q) { while !q.is_empty() { if let Some(x) = q.pop() { g(x); } else { h(); } } }",
                "fn f(q: &mut Q) { while !q.is_empty() { let x = q.pop().unwrap_or_default(); g(x); } }",
                "#[test] fn f() { while !q.is_empty() { let x = q.pop().unwrap(); g(x); } }",
            ],
        );
    }
}
