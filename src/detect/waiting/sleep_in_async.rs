//! `std::thread::sleep` in `async` code, which puts the executor's thread to sleep.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::{SourceFile, locks, names, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("sleep-in-async"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "thread put to sleep in async code",
    explain: EXPLAIN,
    triggers: &["sleep"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `std::thread::sleep(…)` in `async` functions and blocks.

## Why it costs

The thread of the executor sleeps, and with it every other task that it was to run: one request's pause becomes the latency
of all of them.

## Before

```rust
async fn settle(&self) {
    std::thread::sleep(self.pause);
    self.send().await;
}
```

## After

```rust
async fn settle(&self) {
    tokio::time::sleep(self.pause).await;
    self.send().await;
}
```

Other tasks now run in between, and the task may be dropped while it sleeps.

## When it is refused

The crate does not use tokio; a guard of a lock, or something borrowed from a `RefCell`, may be held while it sleeps.
Closures are left alone: they may run on a thread of their own (`spawn_blocking`).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let calls = shapes::async_exprs(file).into_iter().filter_map(|expr| match expr {
        syn::Expr::Call(call) if is_std_sleep(file, expr) => Some(call),
        _ => None,
    });
    let fact = |call: &syn::ExprCall| {
        Fact::at(file, file.range(call))
            .capture("callee", file.range(&*call.func))
            .note("message", "the thread sleeps, and with it every task that the executor runs on it")
    };
    calls.map(fact).collect()
}

/// `std::thread::sleep`, or `thread::sleep` and `sleep` where a `use` says that they are std's.
pub(super) fn is_std_sleep(file: &SourceFile, expr: &syn::Expr) -> bool {
    if locks::is_sleep(expr) {
        let is_spelled = shapes::call(expr, &["std", "thread", "sleep"]).is_some();
        return is_spelled || names::imports(file, "thread") == ["std::thread"];
    }
    let is_bare = shapes::call(expr, &["sleep"])
        .is_some_and(|call| matches!(&*call.func, syn::Expr::Path(p) if p.path.get_ident().is_some()));
    is_bare && names::imports(file, "sleep") == ["std::thread::sleep"]
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_in_async_code() {
        for text in [
            "async fn f() { $0std::thread::sleep(D)$0; }",
            "use std::thread; async fn f() { $0thread::sleep(D)$0; g().await; }",
            "use std::{thread, time::Duration}; async fn f(n: u64) { $0thread::sleep(Duration::from_millis(n))$0; }",
            "use std::thread::sleep; async fn f() { $0sleep(D)$0; }",
            "fn f() { spawn(async { $0std::thread::sleep(D)$0; }); }",
            "fn f() { spawn(async move { loop { if a().await { break; } $0std::thread::sleep(D)$0; } }); }",
            "impl S { async fn f(&self) { if self.slow { $0std::thread::sleep(self.pause)$0; } } }",
            "trait T { async fn f(&self) { $0::std::thread::sleep(D)$0; } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f() { std::thread::sleep(D); }",
                "async fn f() { tokio::time::sleep(D).await; }",
                "use tokio::time::sleep; async fn f() { sleep(D).await; }",
                "use loom::thread; async fn f() { thread::sleep(D); }",
                "use my::thread; async fn f() { thread::sleep(D); }",
                "async fn f() { sleep(D); }",
                "async fn f() { spawn_blocking(|| std::thread::sleep(D)).await; }",
                "async fn f() { std::thread::spawn(move || { std::thread::sleep(D); }); }",
                "async fn f() { fn g() { std::thread::sleep(D); } g(); }",
                "async fn f() { my!(std::thread::sleep(D)); }",
                "async fn f(s: &S) { s.thread.sleep(D); }",
                "async fn f() { let nap = std::thread::sleep; g(nap); }",
                "async fn f() { std::thread::park_timeout(D); }",
                "fn f() -> impl Future { std::thread::sleep(D); async { 1 } }",
                "#[tokio::test] async fn f() { std::thread::sleep(D); }",
            ],
        );
    }
}
