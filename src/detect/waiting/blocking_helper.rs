//! Private functions that block, and that `async` code alone calls.

use super::blocking_in_async::std_fs;
use super::sleep_in_async::is_std_sleep;
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::functions::Function;
use crate::source::own_calls::{OwnCall, own_calls};
use crate::source::{SourceFile, locks, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("blocking-helper"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "function that blocks, called from async code",
    explain: EXPLAIN,
    triggers: &["sleep", "fs"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds private functions that call `std::thread::sleep` or functions of `std::fs`, and whose callers are all `async`.

## Why it costs

The thread of the executor sleeps, or waits for the disk, and with it every other task that it was to run. Nothing where the function
is called shows it.

## Before

```rust
fn back_off(&self, attempt: u32) {
    std::thread::sleep(self.base * attempt);
}

async fn send(&self) {
    self.back_off(1);
}
```

## After

```rust
async fn back_off(&self, attempt: u32) {
    tokio::time::sleep(self.base * attempt).await;
}

async fn send(&self) {
    self.back_off(1).await;
}
```

## When it is refused

The function is not private, belongs to a trait, calls itself, or is handed on; one of its callers is not `async`, or calls it in a
closure; it does input or output that tokio does not have under the same name; a guard may be held where it is called; the crate does
not use tokio.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    if !file.text.contains("async") {
        return Vec::new();
    }
    words::functions_with(file, RULE.triggers).filter_map(|function| blocking(file, &function)).collect()
}

fn blocking(file: &SourceFile, function: &Function<'_>) -> Option<Fact> {
    let sig = function.sig;
    let is_plain = sig.asyncness.is_none()
        && sig.constness.is_none()
        && sig.abi.is_none()
        && !matches!(sig.safety, syn::Safety::Unsafe(_));
    if !function.is_private || !is_plain {
        return None;
    }
    let exprs = shapes::exprs(function.block);
    let blocks: Vec<&syn::ExprCall> = exprs.iter().filter_map(|expr| blocking_call(file, expr)).collect();
    let is_other = |expr: &&syn::Expr| {
        let is_known = blocking_call(file, expr).is_some();
        matches!(expr, syn::Expr::Closure(_) | syn::Expr::Async(_)) || !is_known && locks::slow_call(expr).is_some()
    };
    if blocks.is_empty() || exprs.iter().any(is_other) {
        return None;
    }
    let calls = own_calls(file, function)?;
    if !calls.iter().all(|call| !call.is_own && is_async(file, call)) {
        return None;
    }
    let name = sig.ident.to_string();
    let message = format!("`{name}` blocks the thread, and async code alone calls it");
    let keyword = file.span_range(sig.fn_token.span).start;
    let fact = Fact::at(file, file.span_range(sig.ident.span()))
        .capture("fn", TextRange { start: keyword, end: keyword })
        .note("message", message);
    let fact = calls.iter().fold(fact, |fact, call| fact.capture("call", file.range(call.call)));
    Some(
        blocks.into_iter().fold(fact, |fact, call| {
            fact.capture("callee", file.range(&*call.func)).capture("blocks", file.range(call))
        }),
    )
}

/// A call for which tokio has one that only lets the task wait.
fn blocking_call<'a>(file: &SourceFile, expr: &'a syn::Expr) -> Option<&'a syn::ExprCall> {
    let syn::Expr::Call(call) = expr else { return None };
    (is_std_sleep(file, expr) || std_fs(file, call).is_some()).then_some(call)
}

/// True if a call runs as part of an `async` function or block.
fn is_async(file: &SourceFile, call: &OwnCall<'_>) -> bool {
    let inner = call.around.iter().rev().find_map(|expr| match expr {
        syn::Expr::Async(_) => Some(true),
        syn::Expr::Closure(_) => Some(false),
        _ => None,
    });
    inner.unwrap_or_else(|| file.item_around(file.range(call.call)).is_some_and(|item| item.is_async))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_functions_that_async_code_alone_calls() {
        for text in [
            "impl S { fn $0back_off$0(&self, n: u32) { let p = self.base * n; std::thread::sleep(p.min(MOST)); } async fn f(&self) { match g().await { Ok(_) => {} Err(_) => self.back_off(1), } } }",
            "use std::fs; fn $0load$0(p: &Path) -> io::Result<Vec<u8>> { let b = fs::read(p)?; Ok(b) } pub async fn f(p: &Path) -> io::Result<usize> { Ok(load(p)?.len()) }",
            "use std::thread; fn $0nap$0() { for _ in 0..3 { thread::sleep(D); } } fn f() { spawn(async move { nap(); g().await; }); }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "pub fn nap() { std::thread::sleep(D); } async fn f() { nap(); }",
                "fn nap() { std::thread::sleep(D); } async fn f() { nap(); } fn g() { nap(); }",
                "fn nap() { std::thread::sleep(D); } async fn f() { spawn_blocking(|| nap()).await; }",
                "fn nap() { std::thread::sleep(D); } async fn f() { spawn_blocking(nap).await; }",
                "fn nap() { std::thread::sleep(D); } fn f() { std::thread::spawn(move || { nap(); }); }",
                "fn nap() { std::thread::sleep(D); }",
                "fn nap(n: u8) { std::thread::sleep(D); if n > 0 { nap(n - 1); } } async fn f() { nap(3); }",
                "fn nap() { retry(|| std::thread::sleep(D)); } async fn f() { nap(); }",
                "impl Nap for S { fn nap(&self) { std::thread::sleep(D); } } async fn f(s: &S) { s.nap(); }",
                "fn load(p: &Path) -> R { std::fs::create_dir_all(p)?; let f = File::open(p)?; Ok(f) } async fn f(p: &Path) { load(p); }",
                "fn load(p: &Path) -> R { fs::read(p) } async fn f(p: &Path) { load(p); }",
                "async fn nap() { tokio::time::sleep(D).await; } async fn f() { nap().await; }",
                "fn nap() { std::thread::sleep(D); } async fn f() { println!(\"{:?}\", nap()); }",
            ],
        );
    }
}
