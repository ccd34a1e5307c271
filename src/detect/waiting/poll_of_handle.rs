//! Handles of threads and tasks that a loop asks whether they have ended, before they are waited for anyway.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::{SourceFile, locks, names, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("poll-of-handle"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "end of a task polled for before it is awaited",
    explain: EXPLAIN,
    triggers: &["is_finished"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds loops that sleep until `is_finished()` of a handle, right in front of its `join()` or `.await`.

## Why it costs

The result is there for half of the sleep on average, and for all of it at the p99, before anybody looks.

## Before

```rust
let handle = tokio::task::spawn_blocking(work);
while !handle.is_finished() {
    tokio::time::sleep(Duration::from_millis(40)).await;
}
handle.await
```

## After

```rust
let handle = tokio::task::spawn_blocking(work);
handle.await
```

## When it is refused

The loop does anything else, or ends otherwise; the next statement does something before it waits; a thread is joined where the loop
slept as a task, because the join would block the executor; a comment stands in the loop; it is no handle of std or tokio (asked of
rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend(block.stmts.windows(2).filter_map(|pair| polled(file, &pair[0], &pair[1])));
    }
    found
}

fn polled(file: &SourceFile, looped: &syn::Stmt, next: &syn::Stmt) -> Option<Fact> {
    let syn::Stmt::Expr(around, _) = looped else { return None };
    let (asked, sleep) = parts(around)?;
    let handle = names::plain_name(&asked.receiver)?.to_string();
    let is_task = match sleep {
        syn::Expr::Await(pause) if is_quiet(shapes::call(&pause.base, &["sleep"])?) => true,
        pause if locks::is_sleep(pause) && is_quiet(shapes::call(pause, &["sleep"])?) => false,
        _ => return None,
    };
    match first(next)? {
        syn::Expr::Await(waits) if names::plain_name(&waits.base).is_some_and(|n| n == handle.as_str()) => {}
        syn::Expr::MethodCall(joins)
            if joins.method == "join"
                && joins.args.is_empty()
                && !is_task
                && names::plain_name(&joins.receiver).is_some_and(|n| n == handle.as_str()) => {}
        _ => return None,
    }
    let message = format!("`{handle}` is waited for anyway: up to a whole sleep passes after it has ended");
    let fact = Fact::at(file, file.range(looped)).capture("handle", file.range(&*asked.receiver));
    Some(fact.note("message", message))
}

/// True if how long it sleeps is read, or computed by `Duration`.
fn is_quiet(sleep: &syn::ExprCall) -> bool {
    let is_duration = |call: &syn::ExprCall| match &*call.func {
        syn::Expr::Path(p) => p.path.segments.iter().rev().nth(1).is_some_and(|s| s.ident == "Duration"),
        _ => false,
    };
    sleep.args.iter().flat_map(shapes::exprs_in).all(|expr| match expr {
        syn::Expr::Path(_) | syn::Expr::Lit(_) | syn::Expr::Field(_) | syn::Expr::Binary(_) => true,
        syn::Expr::Call(call) => is_duration(call),
        _ => false,
    })
}

/// The question and the sleep of a loop that has nothing else.
fn parts(around: &syn::Expr) -> Option<(&syn::ExprMethodCall, &syn::Expr)> {
    match around {
        syn::Expr::While(l) if l.label.is_none() => {
            let syn::Expr::Unary(syn::ExprUnary { op: syn::UnOp::Not(_), expr, .. }) = &*l.cond else { return None };
            let [syn::Stmt::Expr(sleep, _)] = l.body.stmts.as_slice() else { return None };
            Some((question(expr)?, sleep))
        }
        syn::Expr::Loop(l) if l.label.is_none() => match l.body.stmts.as_slice() {
            [syn::Stmt::Expr(syn::Expr::If(check), _), syn::Stmt::Expr(sleep, _)] if check.else_branch.is_none() => {
                Some((leaves(check)?, sleep))
            }
            _ => None,
        },
        _ => None,
    }
}

/// `if handle.is_finished() { break; }`
fn leaves(check: &syn::ExprIf) -> Option<&syn::ExprMethodCall> {
    let [syn::Stmt::Expr(syn::Expr::Break(leave), _)] = check.then_branch.stmts.as_slice() else { return None };
    question(&check.cond).filter(|_| leave.label.is_none() && leave.expr.is_none())
}

fn question(expr: &syn::Expr) -> Option<&syn::ExprMethodCall> {
    match expr {
        syn::Expr::MethodCall(call) if call.method == "is_finished" && call.args.is_empty() => Some(call),
        _ => None,
    }
}

/// What a statement computes first, if that is a wait.
fn first(stmt: &syn::Stmt) -> Option<&syn::Expr> {
    let mut expr = match stmt {
        syn::Stmt::Local(local) => &*local.init.as_ref()?.expr,
        syn::Stmt::Expr(expr, _) => expr,
        _ => return None,
    };
    loop {
        expr = match expr {
            syn::Expr::Await(_) => return Some(expr),
            syn::Expr::MethodCall(call) if call.method == "join" => return Some(expr),
            syn::Expr::MethodCall(call) => &call.receiver,
            syn::Expr::Try(tried) => &tried.expr,
            syn::Expr::Match(matched) => &matched.expr,
            syn::Expr::If(asked) => match &*asked.cond {
                syn::Expr::Let(bound) => &bound.expr,
                cond => cond,
            },
            syn::Expr::Return(returned) => returned.expr.as_deref()?,
            syn::Expr::Paren(inner) => &inner.expr,
            // `Ok(handle.await?)`
            syn::Expr::Call(call) if call.args.len() == 1 && matches!(&*call.func, syn::Expr::Path(_)) => &call.args[0],
            _ => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_handles_that_are_waited_for_anyway() {
        for text in [
            "async fn f() -> Option<V> { let h = spawn(work); $0while !h.is_finished() { tokio::time::sleep(D).await; }$0 h.await.ok() }",
            "async fn f() { let h = spawn(work); $0loop { if h.is_finished() { break; } sleep(D).await; }$0 let all = h.await?; }",
            "fn f() { let h = thread::spawn(work); $0while !h.is_finished() { thread::sleep(D); }$0 h.join().unwrap() }",
            "fn f() -> R { let h = thread::spawn(work); $0loop { if h.is_finished() { break } std::thread::sleep(D) }$0 match h.join() { Ok(r) => r, Err(_) => R::default() } }",
            "async fn f(h: JoinHandle<u8>) -> R { $0while !h.is_finished() { std::thread::sleep(D); }$0 Ok(h.await?) }",
            "async fn f(h: JoinHandle<u8>) { $0while !h.is_finished() { tokio::time::sleep(D).await }$0 if let Err(e) = h.await { log(e); } }",
            "async fn f(h: JoinHandle<u8>) -> u8 { $0while !h.is_finished() { tokio::time::sleep(D).await }$0 return h.await.unwrap_or(0); }",
            "fn f(s: &Scope) { let h = s.spawn(work); $0while !h.is_finished() { thread::sleep(Duration::from_millis(1)); }$0 let n: u64 = h.join().expect(\"it ends\"); }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Something is done in the rounds, or they end otherwise.
                "fn f() { while !h.is_finished() { tick(); thread::sleep(D); } h.join().unwrap() }",
                "fn f() { loop { if h.is_finished() { break; } if late() { return; } thread::sleep(D); } h.join().unwrap() }",
                "fn f() { loop { if h.is_finished() { return; } thread::sleep(D); } h.join().unwrap() }",
                "fn f() { while !h.is_finished() && n < 9 { thread::sleep(D); } h.join().unwrap() }",
                "fn f() { while !h.is_finished() { thread::sleep(next(&mut d)); } h.join().unwrap() }",
                // Something is done before the wait, or another is waited for.
                "fn f() { while !h.is_finished() { thread::sleep(D); } done(); h.join().unwrap() }",
                "fn f() { while !h.is_finished() { thread::sleep(D); } send(now(), h.join()) }",
                "fn f() { while !h.is_finished() { thread::sleep(D); } let t = now() - h.join().unwrap(); }",
                "fn f() { while !h.is_finished() { thread::sleep(D); } g.join().unwrap() }",
                "fn f() { while !h.is_finished() { thread::sleep(D); } }",
                "async fn f() { while !h.is_finished() { sleep(D).await; } flush().await; h.await }",
                // The join would block the executor.
                "async fn f() { while !h.is_finished() { tokio::time::sleep(D).await; } h.join().unwrap() }",
                // It is not a handle of a place of its own.
                "fn f() { while !self.pool[0].is_finished() { thread::sleep(D); } self.pool.remove(0).join() }",
                "#[test] fn f() { while !h.is_finished() { thread::sleep(D); } h.join().unwrap() }",
            ],
        );
    }
}
