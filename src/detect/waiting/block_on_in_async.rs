//! Futures that async code blocks its thread on.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::{SourceFile, names, shapes, usage};

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
`tokio::task::block_in_place` or not, and there on a handle that is kept elsewhere.

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
        let (future, handle) = match in_place(expr) {
            Some(found) => found,
            None => match blocked_on(file, expr) {
                Some(future) => (future, None),
                None => continue,
            },
        };
        let site = file.range(expr);
        let leaves = !shapes::exits_of(future).is_empty();
        if leaves || found.iter().any(|f| f.site.contains(site)) {
            continue;
        }
        let message = "the thread waits for this future, and with it every task that it was to run".to_owned();
        let fact = Fact::at(file, site).capture("future", file.range(future)).note("message", message);
        found.push(match handle {
            Some(handle) => fact.capture("handle", file.range(handle)),
            None => fact,
        });
    }
    found
}

/// The future of `block_in_place(|| Handle::current().block_on(future))`, and the handle where it is kept elsewhere.
fn in_place(expr: &syn::Expr) -> Option<(&syn::Expr, Option<&syn::Expr>)> {
    let call = shapes::call(expr, &["block_in_place"]).filter(|call| call.args.len() == 1)?;
    let syn::Expr::Closure(closure) = &call.args[0] else { return None };
    if let Some(future) = bound_first(&closure.body) {
        return Some((future, None));
    }
    let only = alone(&closure.body)?;
    let call = shapes::method(only, "block_on", 1)?;
    match is_current(&call.receiver) {
        true => Some((&call.args[0], None)),
        false => usage::place(&call.receiver).map(|_| (&call.args[0], Some(&*call.receiver))),
    }
}

/// `{ let handle = Handle::current(); handle.block_on(future) }`.
fn bound_first(body: &syn::Expr) -> Option<&syn::Expr> {
    let syn::Expr::Block(b) = names::peel(body) else { return None };
    let [first, syn::Stmt::Expr(last, None)] = b.block.stmts.as_slice() else { return None };
    let bound = shapes::plain_let(first).filter(|l| is_current(l.value))?;
    let call = shapes::method(last, "block_on", 1).filter(|call| shapes::is_name(&call.receiver, bound.name))?;
    (shapes::count(&call.args[0], &bound.name.to_string()) == 0).then(|| &call.args[0])
}

fn is_current(expr: &syn::Expr) -> bool {
    shapes::call(expr, &["Handle", "current"]).is_some_and(|call| call.args.is_empty())
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
fn blocked_on<'a>(file: &SourceFile, expr: &'a syn::Expr) -> Option<&'a syn::Expr> {
    if let Some(call) = shapes::method(expr, "block_on", 1) {
        return is_current(&call.receiver).then(|| &call.args[0]);
    }
    let is = |path: &[&str]| shapes::call(expr, path).filter(|call| call.args.len() == 1);
    let paths: [&[&str]; 4] = [
        &["executor", "block_on"],
        &["futures_lite", "future", "block_on"],
        &["pollster", "block_on"],
        &["smol", "block_on"],
    ];
    let found = paths.into_iter().find_map(is).or_else(|| {
        const IMPORTED: &[&str] =
            &["futures::executor::block_on", "futures_lite::future::block_on", "pollster::block_on", "smol::block_on"];
        let call = is(&["block_on"])?;
        let syn::Expr::Path(path) = &*call.func else { return None };
        let is_known = names::imports(file, "block_on").iter().all(|path| IMPORTED.contains(&path.as_str()));
        let is_imported = !names::imports(file, "block_on").is_empty() && is_known;
        (path.path.segments.len() == 1 && is_imported).then_some(call)
    });
    found.map(|call| &call.args[0])
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
            "async fn f() -> u8 { $0tokio::task::block_in_place(|| { let handle = tokio::runtime::Handle::current(); handle.block_on(g()) })$0 }",
            "impl S { async fn f(&self) -> u8 { $0tokio::task::block_in_place(|| self.handle.block_on(g()))$0 } }",
            "use futures::executor::block_on; async fn f() { $0block_on(g())$0; }",
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
                "use mine::block_on; async fn f() { block_on(g()); }",
                "async fn f() { block_in_place(|| { let handle = Handle::current(); handle.block_on(g(&handle)) }); }",
                "async fn f() { block_in_place(|| { let other = make(); other.block_on(g()) }); }",
                "#[tokio::test] async fn f() { Handle::current().block_on(g()); }",
            ],
        );
    }
}
