//! Futures that async code blocks its thread on.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::{SourceFile, names, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("block-on-in-async"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "thread blocked on a future in async code",
    explain: EXPLAIN,
    triggers: &["block_on"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `Handle::current().block_on(future)` and `futures::executor::block_on(future)` in `async` functions and blocks, inside
`tokio::task::block_in_place` or not.

## Why it costs

The thread of the executor waits for one future, and with it every other task that it was to run; on a runtime with one
thread it waits for ever, or panics.

## Before

```rust
let outcome = tokio::task::block_in_place(|| Handle::current().block_on(authorise(amount)));
```

## After

```rust
let outcome = authorise(amount).await;
```

The task gives its thread away while it waits, and may be dropped there. That is for a person to accept.

## When it is refused

The future leaves the closure by `?` or `return`; the closure does more than block; a guard of a lock may be held meanwhile;
what lives across the wait may not be sent where the task goes (rustc does not accept it).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found: Vec<Fact> = Vec::new();
    for expr in shapes::async_exprs(file) {
        let Some(future) = in_place(expr).or_else(|| blocked_on(expr)) else { continue };
        let site = file.range(expr);
        let leaves = !shapes::exits_of(future).is_empty();
        if leaves || found.iter().any(|f| f.site.contains(site)) {
            continue;
        }
        let message = "the thread waits for this future, and with it every task that it was to run".to_owned();
        found.push(Fact::at(file, site).capture("future", file.range(future)).note("message", message));
    }
    found
}

/// The future of `block_in_place(|| Handle::current().block_on(future))`.
fn in_place(expr: &syn::Expr) -> Option<&syn::Expr> {
    let call = shapes::call(expr, &["block_in_place"]).filter(|call| call.args.len() == 1)?;
    let syn::Expr::Closure(closure) = &call.args[0] else { return None };
    blocked_on(alone(&closure.body)?)
}

/// The only expression of a block, or the expression itself.
fn alone(expr: &syn::Expr) -> Option<&syn::Expr> {
    match names::peel(expr) {
        syn::Expr::Block(b) => match b.block.stmts.as_slice() {
            [syn::Stmt::Expr(only, None)] => alone(only),
            _ => None,
        },
        other => Some(other),
    }
}

/// The future of `Handle::current().block_on(future)`, `futures::executor::block_on(future)`.
fn blocked_on(expr: &syn::Expr) -> Option<&syn::Expr> {
    if let Some(call) = shapes::method(expr, "block_on", 1) {
        shapes::call(&call.receiver, &["Handle", "current"])?;
        return Some(&call.args[0]);
    }
    let is = |path: &[&str]| shapes::call(expr, path).filter(|call| call.args.len() == 1);
    is(&["executor", "block_on"]).or_else(|| is(&["futures_lite", "future", "block_on"])).map(|call| &call.args[0])
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_futures_that_async_code_blocks_on() {
        for text in [
            "async fn f() -> u8 { $0tokio::task::block_in_place(|| { tokio::runtime::Handle::current().block_on(g()) })$0 }",
            "async fn f() -> u8 { let x = $0tokio::task::block_in_place(|| Handle::current().block_on(g()))$0; x }",
            "async fn f() -> u8 { let x = $0block_in_place(move || Handle::current().block_on(async { g().await }))$0; x }",
            "async fn f(n: u8) -> R { $0Handle::current().block_on(g(n))$0?; Ok(()) }",
            "impl S { async fn f(&self) { $0futures::executor::block_on(self.g())$0; } }",
            "fn f() { tokio::spawn(async move { $0futures::executor::block_on(g())$0 }); }",
            "async fn f() { if a { $0tokio::runtime::Handle::current().block_on(g())$0; } }",
            "async fn f() { match $0block_in_place(|| Handle::current().block_on(g()))$0 { Ok(_) => {} Err(_) => h() } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f() -> u8 { Handle::current().block_on(g()) }",
                "fn f() -> R { let rt = Runtime::new()?; rt.block_on(g()) }",
                "async fn f(rt: &Runtime) { rt.block_on(g()); }",
                "async fn f(h: Handle) { std::thread::spawn(move || h.block_on(g())); }",
                "async fn f() { tokio::task::spawn_blocking(|| Handle::current().block_on(g())).await; }",
                "async fn f() { tokio::task::block_in_place(|| compute()); }",
                "async fn f() { tokio::task::block_in_place(|| { let x = load(); Handle::current().block_on(g(x)) }); }",
                "async fn f() -> R { block_in_place(|| Handle::current().block_on(g(h()?))) }",
                "async fn f() { g().await; }",
                "async fn f(p: &Pool) { p.block_on(g()); }",
                "async fn f() { block_on(g()); }",
                "#[tokio::test] async fn f() { Handle::current().block_on(g()); }",
            ],
        );
    }
}
