//! Calls that are awaited one after the other although none needs what another found.

use std::cell::OnceCell;

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::functions::{Function, functions, type_arguments};
use crate::source::names::{self, mentions};
use crate::source::polls::is_async;
use crate::source::{SourceFile, shapes, usage, words};

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
Finds two and more `let a = x.rate(…).await?;` side by side of which none is given what another found, and which only ask: their names
say so (`get`, `fetch`, `load`, `rate`, …), or they are functions of the same file that change nothing and call nothing that does.

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

A name says that something is done and not only asked, or that its turn matters (reads of a stream, sends, locks), here or in
the function of the file that is called; an argument is
computed; a comment stands between the questions; the crate does not use tokio; the callee borrows mutably (rustc does not accept it).
";

/// First words of names that only ask.
const ASKS: &[&str] = &[
    "availability",
    "balance",
    "count",
    "current",
    "depth",
    "describe",
    "details",
    "estimate",
    "exists",
    "fetch",
    "find",
    "forecast",
    "get",
    "has",
    "history",
    "info",
    "latest",
    "list",
    "load",
    "lookup",
    "price",
    "profile",
    "query",
    "quote",
    "rate",
    "recent",
    "resolve",
    "score",
    "search",
    "size",
    "stat",
    "stats",
    "status",
    "summary",
];

/// Words that say that there is more to it than asking.
const DOES: &[&str] = &[
    "acquire",
    "add",
    "advance",
    "and",
    "apply",
    "begin",
    "charge",
    "commit",
    "confirm",
    "create",
    "delete",
    "enqueue",
    "execute",
    "increment",
    "insert",
    "lock",
    "next",
    "notify",
    "or",
    "pay",
    "pop",
    "post",
    "publish",
    "push",
    "put",
    "recv",
    "register",
    "release",
    "remove",
    "replace",
    "reserve",
    "save",
    "send",
    "set",
    "spawn",
    "store",
    "submit",
    "swap",
    "take",
    "token",
    "update",
    "wait",
    "write",
];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    let own = OnceCell::new();
    let only_asks = |name: &str| {
        let own = own.get_or_init(|| functions(file));
        asks(name) || is_reading(own, name)
    };
    for block in words::blocks_with(file, RULE.triggers) {
        let mut index = 0;
        while index < block.stmts.len() {
            let group = group(&block.stmts[index..], &only_asks);
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
fn group<'a>(stmts: &'a [syn::Stmt], only_asks: &dyn Fn(&str) -> bool) -> Vec<Question<'a>> {
    let mut found: Vec<Question<'_>> = Vec::new();
    for stmt in stmts {
        let Some(next) = question(stmt, only_asks) else { break };
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

fn question<'a>(stmt: &'a syn::Stmt, only_asks: &dyn Fn(&str) -> bool) -> Option<Question<'a>> {
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
    (is_plain && only_asks(&name)).then_some(Question { bound, call, is_tried })
}

fn asks(name: &str) -> bool {
    name.split('_').next().is_some_and(|first| ASKS.contains(&first)) && !does(name)
}

/// True if all functions of the file by that name are `async`, give something, and change nothing, nor call what does by its
/// name.
fn is_reading(own: &[Function<'_>], name: &str) -> bool {
    let named: Vec<_> = own.iter().filter(|f| f.sig.ident == *name).collect();
    !named.is_empty() && !does(name) && named.iter().all(|f| gives(f.sig) && is_quiet(f.block))
}

/// True for an `async` function that borrows nothing mutably and gives more than whether it went well.
fn gives(sig: &syn::Signature) -> bool {
    let is_lent = |input: &syn::FnArg| match input {
        syn::FnArg::Receiver(r) => matches!(r.kind, syn::ReceiverKind::Reference(_, _, None)),
        syn::FnArg::Typed(t) => !matches!(&*t.ty, syn::Type::Reference(r) if r.mutability.is_some()),
    };
    let is_unit = |ty: &syn::Type| matches!(ty, syn::Type::Tuple(t) if t.elems.is_empty());
    let is_value = match &sig.output {
        syn::ReturnType::Default => false,
        syn::ReturnType::Type(_, ty) => !is_unit(ty) && !type_arguments(ty).first().is_some_and(|ty| is_unit(ty)),
    };
    sig.asyncness.is_some() && is_value && sig.inputs.iter().all(is_lent)
}

/// True if nothing in a body changes what it was given, as far as names tell.
fn is_quiet(block: &syn::Block) -> bool {
    shapes::exprs(block).into_iter().all(|expr| match expr {
        syn::Expr::MethodCall(call) => {
            let is_of_self = names::root(&call.receiver).is_some_and(|root| root == "self");
            let name = call.method.to_string();
            !(does(&name) || is_of_self && usage::is_changing_method(&name))
        }
        syn::Expr::Call(call) => match &*call.func {
            syn::Expr::Path(p) => p.path.segments.last().is_some_and(|last| !does(&last.ident.to_string())),
            _ => false,
        },
        syn::Expr::Macro(m) => ["format", "vec", "matches"].iter().any(|name| m.mac.path.is_ident(name)),
        syn::Expr::Assign(a) => names::plain_name(&a.left).is_some(),
        syn::Expr::Binary(b) if usage::is_assignment(&b.op) => names::plain_name(&b.left).is_some(),
        syn::Expr::Reference(r) => r.mutability.is_none(),
        syn::Expr::Unsafe(_) => false,
        _ => true,
    }) && !shapes::blocks_in(block).iter().any(|b| b.stmts.iter().any(|s| matches!(s, syn::Stmt::Macro(_))))
}

fn does(name: &str) -> bool {
    name.split('_').any(|word| DOES.contains(&word))
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
        let book = "impl B { async fn past(&self, p: u32) -> Vec<String> { sleep(self.gap).await; vec![format!(\"{p}\")] } async fn open_slots(&self, d: u32) -> Result<Vec<u16>, E> { Ok(self.days.iter().filter(|s| **s > d).collect()) } }";
        check(
            &RULE,
            &format!(
                "{book} async fn f(b: &B, p: u32) -> V {{ $0let past = b.past(p).await; let slots = b.open_slots(p).await;$0 V {{ past, slots }} }}"
            ),
        );
    }

    #[test]
    fn what_the_functions_of_the_file_do_tells_more_than_their_names() {
        let texts: Vec<String> = [
            "async fn past(&self) -> u8 { self.n.fetch_and_add(1); 1 }",
            "async fn past(&self) -> u8 { self.seen.insert(1); 1 }",
            "async fn past(&self) -> u8 { self.tx.send(1).await; 1 }",
            "async fn past(&mut self) -> u8 { 1 }",
            "async fn past(&self) { call().await }",
            "async fn past(&self) -> Result<(), E> { call().await }",
            "async fn past(&self) -> u8 { write_log(self).await; 1 }",
            "async fn past(&self) -> u8 { println!(\"asked\"); 1 }",
            "fn past(&self) -> F { later() }",
            "async fn store_past(&self) -> u8 { 1 }",
        ]
        .iter()
        .map(|own| {
            let name = if own.contains("store_past") { "store_past" } else { "past" };
            format!("impl B {{ {own} }} async fn f(b: &B) -> R {{ let a = b.{name}().await; let c = b.get_c().await; g(a, c) }}")
        })
        .collect();
        check_ignores(&RULE, &texts.iter().map(String::as_str).collect::<Vec<_>>());
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
