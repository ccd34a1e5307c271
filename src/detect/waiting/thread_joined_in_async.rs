//! Async code that starts a thread and blocks until it has ended.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::polls::is_async;
use crate::source::usage::{self, How};
use crate::source::{SourceFile, names, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("thread-joined-in-async"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "thread waited for in async code",
    explain: EXPLAIN,
    triggers: &["spawn"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `std::thread::spawn(…)` in an `async` function or block whose handle is joined there and used for nothing else.

## Why it costs

`join` blocks the executor's thread, and with it every other task that it was to run, for as long as the other thread works; and a
thread is started and ended for each call.

## Before

```rust
let worker = std::thread::spawn(move || merge(&a, &b));
let merged = worker.join().map_err(|_| Error::Closed)?;
```

## After

```rust
let worker = tokio::task::spawn_blocking(move || merge(&a, &b));
let merged = worker.await.map_err(|_| Error::Closed)?;
```

The work runs on tokio's threads for blocking work. That is for a person to accept.

## When it is refused

The handle is used for anything else, or the failure is looked at: its type is another; the thread has a name or a scope; the crate
does not use tokio (rustc does not accept it).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| joined_later(file, block, index)));
    }
    for body in words::bodies_with(file, RULE.triggers) {
        for expr in shapes::exprs(body) {
            let Some(join) = shapes::method(expr, "join", 0) else { continue };
            let Some(callee) = spawned(file, &join.receiver) else { continue };
            if is_async(file, callee) {
                found.extend(fact(file, callee, file.range(&*join.receiver), file.range(join)));
            }
        }
    }
    found
}

fn joined_later(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut && l.ty.is_none())?;
    let callee = spawned(file, bound.value)?;
    let name = bound.name.to_string();
    let rest = shapes::rest(block, index);
    let uses = usage::uses(file, &rest, &name);
    let [only] = uses.as_slice() else { return None };
    let is_join = only.is_bare && only.how == How::Method("join".to_owned()) && !only.is_captured;
    if !is_join || !usage::bindings(file, &rest, &name).is_empty() || !is_async(file, callee) {
        return None;
    }
    fact(file, callee, only.place, only.whole)
}

fn fact(file: &SourceFile, callee: TextRange, handle: TextRange, join: TextRange) -> Option<Fact> {
    is_failure_unseen(file, join.end).then(|| {
        Fact::at(file, callee).capture("join", TextRange { start: handle.end, end: join.end }).note(
            "message",
            "`join` blocks the executor's thread, and every task that it was to run, until the thread ends",
        )
    })
}

/// The path of `std::thread::spawn` where it is called with a closure or a name.
fn spawned(file: &SourceFile, expr: &syn::Expr) -> Option<TextRange> {
    let call = shapes::call(expr, &["thread", "spawn"]).filter(|call| call.args.len() == 1)?;
    let syn::Expr::Path(path) = &*call.func else { return None };
    let is_full = path.path.segments.len() == 3 && path.path.segments[0].ident == "std";
    let is_imported = path.path.segments.len() == 2 && names::imports(file, "thread") == ["std::thread"];
    (is_full || is_imported).then(|| file.range(&*call.func))
}

/// True if what follows the join does the same whatever the failure is.
fn is_failure_unseen(file: &SourceFile, at: u32) -> bool {
    let tokens = file.tokens.iter().filter(|t| t.range.start >= at && !t.is_comment()).take(8);
    let after: String = tokens.map(|t| t.text(&file.text)).collect();
    const ENDS: &[&str] = &[
        ".unwrap()",
        ".expect(",
        ".map_err(|_|",
        ".unwrap_or_else(|_|",
        ".unwrap_or(",
        ".unwrap_or_default()",
        ".ok()",
        ".is_err()",
        ".is_ok()",
    ];
    ENDS.iter().any(|end| after.starts_with(end))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_threads_that_async_code_waits_for() {
        for text in [
            "async fn f(a: Vec<u8>) -> R { let w = $0std::thread::spawn$0(move || merge(&a)); let m = w.join().map_err(|_| E::Closed)?; Ok(m) }",
            "use std::thread; async fn f() -> u8 { let w = $0thread::spawn$0(work); other(); w.join().unwrap() }",
            "async fn f() -> u8 { $0std::thread::spawn$0(|| work()).join().expect(\"it ends\") }",
            "fn f() { tokio::spawn(async move { let w = $0std::thread::spawn$0(work); w.join().unwrap(); }); }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f() -> u8 { let w = std::thread::spawn(work); w.join().unwrap() }",
                "async fn f() { let w = std::thread::spawn(work); keep(w); }",
                "async fn f() { let w = std::thread::spawn(work); w.thread().unpark(); w.join().unwrap(); }",
                "async fn f() { let w = std::thread::spawn(work); run(move || w.join().unwrap()); }",
                "async fn f() { let w = std::thread::spawn(work); if let Err(e) = w.join() { resume_unwind(e); } }",
                "async fn f() -> R { let w = std::thread::spawn(work); w.join().map_err(|e| E::Panicked(e))?; Ok(()) }",
                "async fn f() { let w = tokio::spawn(work()); w.await.unwrap(); }",
                "async fn f() { let w = pool.spawn(work); w.join().unwrap(); }",
                "use crate::thread; async fn f() { let w = thread::spawn(work); w.join().unwrap(); }",
                "async fn f(xs: Vec<String>) -> String { let w = xs; w.join(\",\") }",
                "async fn f(a: Span, b: Span) -> Option<Span> { a.join(b) }",
                "async fn f() { std::thread::scope(|s| { s.spawn(work).join().unwrap(); }); }",
                "async fn f() { std::thread::Builder::new().spawn(work).unwrap().join().unwrap(); }",
                "async fn f() { tokio::task::spawn_blocking(|| { let w = std::thread::spawn(work); w.join().unwrap(); }).await.unwrap(); }",
            ],
        );
    }
}
