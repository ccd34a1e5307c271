//! Calls that are awaited one after the other although none needs what another found.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::mentions;
use crate::source::polls::is_async;
use crate::source::{SourceFile, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("awaits-in-sequence"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "questions awaited one after the other",
    explain: EXPLAIN,
    triggers: &["await"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds two and more `let a = x.rate(…).await?;` side by side whose names say that they only ask (`get`, `fetch`, `load`, `rate`, …), and
of which none is given what another found.

## Why it costs

The latencies add up: three questions of 20 ms take 60, where all under way at once take 20.

## Before

```rust
let exchange = self.exchange.rate(currency).await?;
let tax = self.taxes.rate(country).await?;
```

## After

```rust
let (exchange, tax) = tokio::join!(self.exchange.rate(currency), self.taxes.rate(country));
let (exchange, tax) = (exchange?, tax?);
```

The first failure in the order of the text is returned, as before. That the other side takes the questions at once, and that they are
asked although one before them failed, is for a person to accept.

## When it is refused

A name says that something is done and not only asked, or that its turn matters (reads of a stream, sends, locks); an argument is
computed; a comment stands between the questions; the crate does not use tokio; the callee borrows mutably (rustc does not accept it).
";

/// First words of names that only ask.
const ASKS: &[&str] = &[
    "balance", "count", "depth", "describe", "estimate", "exists", "fetch", "find", "get", "has", "list", "load",
    "lookup", "price", "query", "quote", "rate", "resolve", "score", "search", "size", "stat", "stats", "status",
];

/// Words that say that there is more to it than asking.
const DOES: &[&str] = &[
    "and", "or", "create", "insert", "lock", "next", "pop", "send", "set", "take", "token", "update", "wait", "write",
];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        let mut index = 0;
        while index < block.stmts.len() {
            let group = group(&block.stmts[index..]);
            if group.len() > 1 && is_async(file, file.range(&block.stmts[index])) {
                found.push(fact(file, &group));
            }
            index += group.len().max(1);
        }
    }
    found
}

/// A question that a `let` awaits.
struct Question<'a> {
    bound: shapes::Let<'a>,
    call: &'a syn::Expr,
    /// True where its failure is passed on.
    is_tried: bool,
}

/// The questions at the beginning of the statements, of which none needs another.
fn group(stmts: &[syn::Stmt]) -> Vec<Question<'_>> {
    let mut found: Vec<Question<'_>> = Vec::new();
    for stmt in stmts {
        let Some(next) = question(stmt) else { break };
        let needs = |known: &Question<'_>| {
            let name = known.bound.name.to_string();
            known.is_tried != next.is_tried || mentions(next.call, &name) || next.bound.name == known.bound.name
        };
        if found.iter().any(needs) {
            break;
        }
        found.push(next);
    }
    found
}

fn question(stmt: &syn::Stmt) -> Option<Question<'_>> {
    let bound = shapes::plain_let(stmt).filter(|l| l.ty.is_none())?;
    let (awaited, is_tried) = match bound.value {
        syn::Expr::Try(t) => (&*t.expr, true),
        other => (other, false),
    };
    let syn::Expr::Await(awaited) = awaited else { return None };
    let call = &*awaited.base;
    let (name, args) = match call {
        syn::Expr::MethodCall(c) if shapes::is_quiet(&c.receiver) => (c.method.to_string(), &c.args),
        syn::Expr::Call(c) => match &*c.func {
            syn::Expr::Path(p) => (p.path.segments.last()?.ident.to_string(), &c.args),
            _ => return None,
        },
        _ => return None,
    };
    let is_mutable = |arg: &syn::Expr| matches!(arg, syn::Expr::Reference(r) if r.mutability.is_some());
    let is_plain = args.iter().all(|arg| !is_mutable(arg) && shapes::is_quiet(shapes::unreferenced(arg)));
    (is_plain && asks(&name)).then_some(Question { bound, call, is_tried })
}

fn asks(name: &str) -> bool {
    let words: Vec<&str> = name.split('_').collect();
    ASKS.contains(&words[0]) && !words.iter().any(|word| DOES.contains(word))
}

fn fact(file: &SourceFile, group: &[Question<'_>]) -> Fact {
    let (first, last) = (file.range(group[0].bound.local), file.range(group[group.len() - 1].bound.local));
    let message = format!("{} answers are waited for one after the other, and none needs another", group.len());
    let mut fact = Fact::at(file, TextRange { start: first.start, end: last.end }).note("message", message);
    for question in group {
        fact = fact
            .capture(
                if question.bound.is_mut { "mut name" } else { "name" },
                file.span_range(question.bound.name.span()),
            )
            .capture("call", file.range(question.call));
    }
    if group[0].is_tried { fact.capture("tried", first) } else { fact }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_questions_that_need_no_other() {
        for text in [
            "async fn f(&self, a: &str) -> R { $0let e = self.exchange.rate(a).await?; let t = self.taxes.rate(&self.land).await?;$0 Ok(e + t) }",
            "async fn f(db: &Db, id: u64) -> R { $0let user = db.get_user(id).await?; let mut all = db.list_orders(id).await?; let n = count_visits(db, id).await?;$0 Ok(()) }",
            "async fn f(c: &C) -> u8 { go(); $0let a = c.status().await; let b = fetch(c).await;$0 a + b }",
            "async fn f(c: &C) -> R { let id = c.find_id().await?; $0let a = c.get_a(id).await?; let b = c.get_b(id).await?;$0 Ok(()) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // One needs another, or something is done.
                "async fn f(c: &C) -> R { let a = c.get_a().await?; let b = c.get_b(a).await?; Ok(()) }",
                "async fn f(c: &C) -> R { let a = c.get_a().await?; let b = c.get_b(&a.id).await?; Ok(()) }",
                "async fn f(c: &C) -> R { let a = c.reserve(1).await?; let b = c.get_b(2).await?; Ok(()) }",
                "async fn f(c: &C) -> R { let a = c.get_or_insert(1).await?; let b = c.get_b(2).await?; Ok(()) }",
                "async fn f(c: &C) -> R { let a = c.fetch_and_lock(1).await?; let b = c.get_b(2).await?; Ok(()) }",
                "async fn f(s: &mut S) -> R { let a = s.read_u8().await?; let b = s.read_u32().await?; Ok(()) }",
                "async fn f(rx: &mut Rx) -> R { let a = rx.recv().await?; let b = rx.recv().await?; Ok(()) }",
                "async fn f(c: &C) -> R { c.notify(1).await?; let b = c.get_b(2).await?; Ok(()) }",
                // Something is computed, changed or left in between.
                "async fn f(c: &C) -> R { let a = c.get_a(next()).await?; let b = c.get_b(next()).await?; Ok(()) }",
                "async fn f(c: &C, t: &mut T) -> R { let a = c.get_a(&mut t.x).await?; let b = c.get_b(&mut t.y).await?; Ok(()) }",
                "async fn f(c: &C) -> R { let a = c.get_a().await?; log(&a); let b = c.get_b().await?; Ok(()) }",
                "async fn f(c: &C) -> R { let a = c.get_a().await?; if a.none() { return Ok(()); } let b = c.get_b().await?; Ok(()) }",
                "async fn f(c: &C) -> R { let a = c.get_a().await?; let a = c.get_b().await?; Ok(()) }",
                "async fn f(c: &C) -> R { let a = c.get_a().await?; let b = c.get_b().await; Ok(()) }",
                "async fn f(c: &C) -> R { let a = c.get_a().await?; Ok(a) }",
                "fn f(c: &C) -> R { let a = c.get_a()?; let b = c.get_b()?; Ok(()) }",
            ],
        );
    }
}
