//! `for` loops that await one independent call after the other.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::names::{bound_by, mentions, root};
use crate::source::{SourceFile, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("await-in-loop"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::C,
    title: "independent calls awaited one after the other",
    explain: EXPLAIN,
    triggers: &["await"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `for` loops over a collection in which a call that depends on the item alone is awaited, and no round uses what an
earlier one found.

## Why it costs

The latencies add up: ten calls of 5 ms are 50 ms where 5 would do. It is the usual shape of an N+1 query.

## Before

```rust
for sku in skus {
    prices.push(self.catalogue.price(sku).await?);
}
```

## After

```rust
let mut prices: Vec<Price> = stream::iter(skus)
    .map(|sku| self.catalogue.price(sku))
    .buffered(8)
    .try_collect()
    .await?;
```

Or better one call for all of them, where the other side offers it. How much load the other side takes, in which order
things happen and what is cancelled when one call fails is for a person to decide: there is no automatic rewrite.

## When it is refused

Not reported: rounds that depend on one another (a variable from outside is assigned, the loop is left early), ordered
things (sends, writes, reads, locks, sleeps), and streams.
";

/// Awaited calls whose order is their meaning.
const ORDERED: &[&str] = &[
    "send",
    "recv",
    "next",
    "write",
    "write_all",
    "flush",
    "read",
    "read_exact",
    "read_line",
    "lock",
    "acquire",
    "sleep",
    "tick",
    "execute",
    "commit",
    "close",
    "shutdown",
    "join",
    "wait",
    "ready",
    "changed",
    "notified",
    "yield_now",
    "feed",
    "poll_ready",
    "accept",
    "begin",
    "save",
    "insert",
    "update",
    "delete",
    "append",
    "push",
    "apply",
    "run",
];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for expr in shapes::async_exprs(file) {
        let syn::Expr::ForLoop(around) = expr else { continue };
        let awaited: Vec<&syn::Expr> =
            shapes::exprs(&around.body).into_iter().filter(|e| matches!(e, syn::Expr::Await(_))).collect();
        let [syn::Expr::Await(only)] = awaited.as_slice() else { continue };
        if shapes::counted(&around.expr).is_some() && is_of_the_item(&only.base, around) && !is_chained(around) {
            let message = "each round waits for its own call although no round needs what another found";
            found.push(Fact::at(file, file.range(only)).note("message", message));
        }
    }
    found
}

/// True for a call that speaks of the item and does not have to keep its turn.
fn is_of_the_item(call: &syn::Expr, around: &syn::ExprForLoop) -> bool {
    let name = match call {
        syn::Expr::MethodCall(call) => call.method.to_string(),
        syn::Expr::Call(call) => match &*call.func {
            syn::Expr::Path(path) => path.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default(),
            _ => return false,
        },
        _ => return false,
    };
    let bound = bound_by(&around.pat);
    !ORDERED.contains(&name.as_str()) && bound.iter().any(|item| mentions(call, item))
}

/// True if a round may depend on another: it assigns outside, borrows mutably, or leaves the loop.
fn is_chained(around: &syn::ExprForLoop) -> bool {
    let mut own = bound_by(&around.pat);
    for block in shapes::blocks_in(&around.body) {
        for stmt in &block.stmts {
            if let syn::Stmt::Local(local) = stmt {
                own.extend(bound_by(&local.pat));
            }
        }
    }
    let is_own = |expr: &syn::Expr| root(expr).is_some_and(|name| own.iter().any(|own| name == own));
    let changes = shapes::exprs(&around.body).into_iter().any(|expr| match expr {
        syn::Expr::Assign(a) => !is_own(&a.left),
        syn::Expr::Binary(b) => is_assignment(&b.op) && !is_own(&b.left),
        syn::Expr::Reference(r) => r.mutability.is_some() && !is_own(&r.expr),
        _ => false,
    });
    let leaves = shapes::exits(&around.body)
        .iter()
        .any(|e| matches!(e, shapes::Exit::Break | shapes::Exit::Return | shapes::Exit::Macro));
    changes || leaves || around.label.is_some()
}

fn is_assignment(op: &syn::BinOp) -> bool {
    quote::ToTokens::to_token_stream(op).to_string().ends_with('=')
        && !matches!(op, syn::BinOp::Eq(_) | syn::BinOp::Ne(_) | syn::BinOp::Le(_) | syn::BinOp::Ge(_))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_independent_rounds() {
        for text in [
            "async fn f(c: &C, xs: &[u8]) { for x in xs { out.push($0c.price(x).await$0); } }",
            "async fn f(c: &C, xs: &[u8]) -> R { for x in xs { let p = $0c.price(*x).await$0?; out.push(p); } Ok(()) }",
            "async fn f(xs: Vec<Url>) { for x in &xs { $0fetch(x).await$0; } }",
            "fn f() { spawn(async move { for x in xs.iter() { let r = $0get(x.id).await$0; all.insert(x.id, r); } }); }",
            "impl S { async fn f(&self, xs: &[S]) -> R { for x in xs { if let Some(y) = $0self.db.find(&x.key).await$0? { out.push(y); } } Ok(()) } }",
            "async fn f(m: &HashMap<u8, U>) { for (k, u) in m.iter().enumerate() { v.push((k, $0client.get(u).await$0)); } }",
            "async fn f(xs: &[u8]) { for x in xs { let mut n = 0; n += 1; $0load(x, n).await$0; } }",
            "async fn f(xs: &[u8]) { for x in xs { match $0load(x).await$0 { Ok(v) => g(v), Err(e) => h(e) } } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // One round needs the other.
                "async fn f(xs: &[u8]) { let mut last = 0; for x in xs { last = next(x, last).await; } }",
                "async fn f(xs: &[u8]) { let mut n = 0; for x in xs { n += load(x).await; } }",
                "async fn f(xs: &[u8]) { for x in xs { if load(x).await { break; } } }",
                "async fn f(xs: &[u8]) -> u8 { for x in xs { if load(x).await { return *x; } } 0 }",
                "async fn f(xs: &[u8], s: &mut S) { for x in xs { step(&mut s, x).await; } }",
                // Order is the meaning.
                "async fn f(tx: Sender<u8>, xs: &[u8]) { for x in xs { tx.send(x).await; } }",
                "async fn f(w: &mut W, xs: &[B]) { for x in xs { w.write_all(x).await; } }",
                "async fn f(xs: &[D]) { for x in xs { sleep(*x).await; } }",
                "async fn f(ms: &[M]) { for m in ms { let g = m.lock().await; h(g); } }",
                "async fn f(db: &D, xs: &[u8]) { for x in xs { db.insert(x).await; } }",
                // Not of the item, several, not over a collection, not async.
                "async fn f(xs: &[u8]) { for x in xs { tick().await; g(x); } }",
                "async fn f(xs: &[u8]) { for x in xs { let y = a(x).await; b(x, y).await; } }",
                "async fn f(n: u8) { for x in 0..n { load(x).await; } }",
                "async fn f(s: &mut S) { while let Some(x) = s.next().await { load(x).await; } }",
                "async fn f(xs: &[u8]) { let all = xs.iter().map(|x| async move { load(x).await }); join_all(all).await; }",
                "async fn f(xs: &[u8]) { for x in xs { trace!(x); load(x).await; select!(x); } }",
                "#[tokio::test] async fn f() { for x in xs { load(x).await; } }",
            ],
        );
    }
}
