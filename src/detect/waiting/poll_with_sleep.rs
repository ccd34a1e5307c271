//! Loops that ask again and again, with a sleep in between, whether something has happened.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::{SourceFile, locks, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("poll-with-sleep"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::C,
    title: "poll with a sleep in between",
    explain: EXPLAIN,
    triggers: &["sleep"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds loops that do nothing but look whether something has happened, and sleep where it has not.

## Why it costs

On average half of the sleep passes between the event and the next look, and at the p99 all of it; meanwhile every look
wakes the processor for nothing.

## Before

```rust
while !self.ready.load(Ordering::Acquire) {
    std::thread::sleep(Duration::from_millis(10));
}
```

## After

```rust
let mut ready = self.ready.lock().unwrap();
while !*ready {
    ready = self.changed.wait(ready).unwrap();
}
```

Whoever makes it happen must notify: that is another place, so there is no automatic rewrite. In async code,
`tokio::sync::Notify` does the same.

## When it is refused

Not reported: loops that do anything else in their rounds (they pace work rather than wait for it), and sleeps outside of
loops.
";

/// Calls by which a loop looks whether something has happened.
const LOOKS: &[&str] = &[
    "load",
    "is_finished",
    "try_recv",
    "try_lock",
    "try_wait",
    "exists",
    "is_empty",
    "is_some",
    "is_none",
    "is_ready",
    "is_done",
    "poll",
    "try_acquire",
    "is_terminated",
    "has_changed",
    "is_file",
    "pop",
    "pop_front",
    "pop_back",
    "pop_first",
    "try_pop",
    "get",
    "contains_key",
    "contains",
];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        for stmt in &block.stmts {
            if let syn::Stmt::Expr(expr @ (syn::Expr::While(_) | syn::Expr::Loop(_)), _) = stmt
                && let Some(sleep) = polled(expr)
            {
                let message = "it is asked again after each sleep: up to a whole sleep passes before the event is seen";
                found.push(Fact::at(file, file.range(sleep)).note("message", message));
            }
        }
    }
    found
}

/// The sleep of a loop that does nothing but look and sleep.
fn polled(expr: &syn::Expr) -> Option<&syn::Expr> {
    match expr {
        syn::Expr::While(l) if looks(&l.cond) => match l.body.stmts.as_slice() {
            [only] => sleep(only),
            _ => None,
        },
        syn::Expr::Loop(l) => match l.body.stmts.as_slice() {
            [syn::Stmt::Expr(check, _), last] if ends_the_loop(check) => sleep(last),
            _ => None,
        },
        _ => None,
    }
}

/// `if flag.load(…) { break; }`, `match rx.try_recv() { Ok(v) => break v, … }`.
fn ends_the_loop(check: &syn::Expr) -> bool {
    let (looked, is_leaving) = match check {
        syn::Expr::If(i) => (looks(&i.cond), i.else_branch.is_none() && shapes::diverges(&i.then_branch)),
        syn::Expr::Match(m) => {
            let leaves = |arm: &syn::Arm| {
                shapes::exits_of(&arm.body).iter().any(|e| *e == shapes::Exit::Break || *e == shapes::Exit::Return)
            };
            let idles = |arm: &syn::Arm| match &*arm.body {
                syn::Expr::Block(b) => b.block.stmts.is_empty(),
                syn::Expr::Tuple(t) => t.elems.is_empty(),
                _ => false,
            };
            (looks(&m.expr), m.arms.iter().any(leaves) && m.arms.iter().all(|arm| leaves(arm) || idles(arm)))
        }
        _ => return false,
    };
    looked && is_leaving
}

fn looks(expr: &syn::Expr) -> bool {
    shapes::exprs_in(expr)
        .into_iter()
        .any(|e| matches!(e, syn::Expr::MethodCall(call) if LOOKS.iter().any(|name| call.method == name)))
}

/// `thread::sleep(…);` or `….sleep(…).await;` as a statement.
fn sleep(stmt: &syn::Stmt) -> Option<&syn::Expr> {
    let syn::Stmt::Expr(expr, _) = stmt else { return None };
    let is_sleep = match expr {
        syn::Expr::Await(a) => shapes::call(&a.base, &["sleep"]).is_some(),
        other => locks::is_sleep(other) || shapes::call(other, &["sleep"]).is_some(),
    };
    is_sleep.then_some(expr)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_loops_that_look_and_sleep() {
        for text in [
            "fn f(r: &AtomicBool) { while !r.load(Acquire) { $0std::thread::sleep(D)$0; } }",
            "fn f(h: &JoinHandle<()>) { while !h.is_finished() { $0thread::sleep(D)$0 } }",
            "fn f(rx: &R) -> u8 { loop { match rx.try_recv() { Ok(v) => return v, Err(_) => {} } $0thread::sleep(D)$0; } }",
            "fn f(p: &Path) { loop { if p.exists() { break; } $0std::thread::sleep(D)$0; } }",
            "async fn f(r: &AtomicBool) { while !r.load(Acquire) { $0tokio::time::sleep(D).await$0; } }",
            "fn f(c: &mut Child) { loop { if c.try_wait().unwrap().is_some() { return; } $0thread::sleep(D)$0; } }",
            "fn f(q: &Queue) { while q.is_empty() { $0sleep(D)$0; } }",
            "fn f(q: &Mutex<Vec<J>>) -> J { loop { if let Some(j) = q.lock().unwrap().pop() { return j; } $0thread::sleep(D)$0; } }",
            "fn f(m: &Mutex<bool>) { 'a: loop { if m.try_lock().is_ok() { break 'a; } $0thread::sleep(D)$0; } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Paces work.
                "fn f(r: &AtomicBool) { while !r.load(Acquire) { work(); thread::sleep(D); } }",
                "fn f() { loop { collect(); thread::sleep(D); } }",
                "fn f() { loop { thread::sleep(D); tick(); } }",
                "fn f() { for x in xs { send(x); thread::sleep(D); } }",
                "fn f() { while more() { thread::sleep(D); } }",
                // A retry: other advice.
                "fn f() -> R { loop { match call() { Ok(v) => return v, Err(_) => {} } thread::sleep(D); } }",
                "fn f(r: &A) { loop { if r.load(Acquire) { break; } else { work(); } thread::sleep(D); } }",
                "fn f(rx: &R) { loop { match rx.try_recv() { Ok(v) => handle(v), Err(_) => break } thread::sleep(D); } }",
                // No sleep, a wait that is told.
                "fn f(r: &AtomicBool) { while !r.load(Acquire) { std::hint::spin_loop(); } }",
                "fn f() { while !*g { g = c.wait(g).unwrap(); } }",
                "fn f(rx: &R) { loop { match rx.recv_timeout(D) { Ok(v) => return v, Err(_) => {} } } }",
                "fn f() { thread::sleep(D); }",
                "fn f(r: &AtomicBool) { if !r.load(Acquire) { thread::sleep(D); } }",
                "fn f(r: &AtomicBool) { while !r.load(Acquire) { r.park(D); } }",
                "#[test] fn f() { while !r.load(Acquire) { thread::sleep(D); } }",
            ],
        );
    }
}
