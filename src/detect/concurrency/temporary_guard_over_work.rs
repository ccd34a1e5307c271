//! Guards without a name that live as long as the statement around them, slow work included.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::locks::{self, Slow};
use crate::source::temporary_guards::{HeadSort, Hoisted, hoisted};
use crate::source::{SourceFile, names, shapes, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("temporary-guard-over-work"),
    eye: Eye::Concurrency,
    kind: Kind::WideLock,
    class: Class::B,
    title: "lock held by a temporary across slow work",
    explain: EXPLAIN,
    triggers: &["lock", "read", "write"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `if let`, `match`, `while let` and `for` whose head takes a lock without giving the guard a name, and calls that wait
or do input or output with an argument that does, where slow work follows.

## Why it costs

What a head makes lives as long as its body, and what an argument makes as long as the call: the lock is held for all of
it, although nobody reads it so. Whoever wants the lock waits for the slowest call of the body, and a body that takes the
lock again waits for ever.

## Before

```rust
while let Some(job) = self.queue.lock().unwrap().pop_front() {
    std::fs::write(job.path, job.text)?;
}
```

## After

```rust
loop {
    let Some(job) = self.queue.lock().unwrap().pop_front() else { break };
    std::fs::write(job.path, job.text)?;
}
```

What is taken out of the lock, or a copy of it, gets a name before the statement; the rest runs without the lock. Whether
others may come in between is for a person to accept.

## When it is refused

What is looked at is borrowed for change, or cannot be copied (rustc does not accept it); something else is computed before
the lock is taken; it is no lock of std, parking_lot or tokio (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found: Vec<Fact> = Vec::new();
    if locks::calls(file) == 0 {
        return found;
    }
    let mut slow_functions: Option<Vec<String>> = None;
    for block in words::blocks_with(file, RULE.triggers) {
        for stmt in &block.stmts {
            let Some(expr) = first(stmt) else { continue };
            let in_head = head(expr).and_then(|(head, sort)| {
                let taken = hoisted(head, sort)?;
                let known = slow_functions.get_or_insert_with(|| locks::slow_functions(file));
                let slow = slow_body(expr, known)?;
                Some(fact(file, stmt, (head, sort), &taken, slow, expr))
            });
            found.extend(in_head.or_else(|| argument(file, stmt, expr)));
        }
    }
    found
}

/// The expression of a statement that runs before all else in it.
fn first(stmt: &syn::Stmt) -> Option<&syn::Expr> {
    match stmt {
        syn::Stmt::Expr(syn::Expr::Return(back), _) => back.expr.as_deref(),
        syn::Stmt::Expr(expr, _) => Some(expr),
        syn::Stmt::Local(local) => local.init.as_ref().filter(|i| i.diverge.is_none()).map(|init| &*init.expr),
        _ => None,
    }
}

/// What stands in the head of a statement.
fn head(expr: &syn::Expr) -> Option<(&syn::Expr, HeadSort)> {
    match expr {
        syn::Expr::If(i) => match &*i.cond {
            syn::Expr::Let(l) => Some((&l.expr, HeadSort::Looked)),
            _ => None,
        },
        syn::Expr::While(w) => match &*w.cond {
            syn::Expr::Let(l) if matches!(&*l.pat, syn::Pat::TupleStruct(_)) => Some((&l.expr, HeadSort::Repeated)),
            _ => None,
        },
        syn::Expr::ForLoop(l) => Some((&l.expr, HeadSort::Walked)),
        syn::Expr::Match(m) => Some((&m.expr, HeadSort::Looked)),
        _ => None,
    }
}

/// The slow work of the body that a head stands before.
fn slow_body(expr: &syn::Expr, known: &[String]) -> Option<Slow> {
    let slow_in = |body: &syn::Block| body.stmts.iter().find_map(|stmt| locks::slow_work_with(stmt, known));
    match expr {
        syn::Expr::If(i) => slow_in(&i.then_branch),
        syn::Expr::While(w) => slow_in(&w.body),
        syn::Expr::ForLoop(l) => slow_in(&l.body),
        syn::Expr::Match(m) => {
            m.arms.iter().find_map(|arm| locks::slow_work_with(&syn::Stmt::Expr((*arm.body).clone(), None), known))
        }
        _ => None,
    }
}

fn fact(
    file: &SourceFile,
    stmt: &syn::Stmt,
    (head, sort): (&syn::Expr, HeadSort),
    taken: &Hoisted<'_>,
    slow: Slow,
    around: &syn::Expr,
) -> Fact {
    let shown = file.on_one_line(file.range(taken.lock));
    let message = format!("`{shown}` stays locked to the end of the statement, while {}", slow.words());
    let mut fact = Fact::at(file, file.range(taken.guard))
        .capture("lock", file.range(taken.lock))
        .capture("before", file.range(stmt))
        .capture(sort.word(), file.range(head))
        .note("message", message);
    if let syn::Expr::While(w) = around
        && let syn::Expr::Let(l) = &*w.cond
    {
        let start = file.span_range(w.while_token.span).start;
        let end = file.span_range(w.body.brace_token.span.open()).end;
        fact = fact.capture("loop", TextRange { start, end }).capture("pattern", file.range(&*l.pat));
    }
    fact
}

/// `client.send(lock.lock().unwrap().clone()).await`: a call that waits while its argument holds the lock.
fn argument(file: &SourceFile, stmt: &syn::Stmt, expr: &syn::Expr) -> Option<Fact> {
    let mut at = expr;
    loop {
        let (slow, args): (Slow, Vec<&syn::Expr>) = match names::peel(at) {
            syn::Expr::Try(t) => {
                at = &t.expr;
                continue;
            }
            syn::Expr::Match(m) => {
                at = &m.expr;
                continue;
            }
            syn::Expr::If(i) => match &*i.cond {
                syn::Expr::Let(l) => {
                    at = &l.expr;
                    continue;
                }
                _ => return None,
            },
            syn::Expr::Await(a) => match names::peel(&a.base) {
                syn::Expr::MethodCall(call) if is_plain(&call.receiver) => (Slow::Await, call.args.iter().collect()),
                syn::Expr::Call(call) => (Slow::Await, call.args.iter().collect()),
                _ => return None,
            },
            syn::Expr::MethodCall(call) => match locks::slow_call(at) {
                Some(slow) if is_plain(&call.receiver) => (slow, call.args.iter().collect()),
                Some(_) => return None,
                None => {
                    at = &call.receiver;
                    continue;
                }
            },
            syn::Expr::Call(call) => (locks::slow_call(at)?, call.args.iter().collect()),
            _ => return None,
        };
        let place = args.iter().position(|arg| hoisted(arg, HeadSort::Lent).is_some())?;
        if !args[..place].iter().all(|arg| shapes::is_quiet(arg)) || args[place + 1..].iter().any(|arg| takes_lock(arg))
        {
            return None;
        }
        let taken = hoisted(args[place], HeadSort::Lent)?;
        // A lock taken in the call itself is that of the call.
        if slow == Slow::Marshal {
            return None;
        }
        return Some(fact(file, stmt, (args[place], HeadSort::Lent), &taken, slow, expr));
    }
}

fn is_plain(expr: &syn::Expr) -> bool {
    usage::place(expr).is_some() || shapes::is_quiet(expr)
}

fn takes_lock(expr: &syn::Expr) -> bool {
    shapes::exprs_in(expr).into_iter().any(|e| locks::acquired(e).is_some())
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_temporaries_that_hold_the_lock() {
        for text in [
            "fn f(q: &Mutex<VecDeque<J>>) -> R { while let Some(j) = $0q.lock().unwrap()$0.pop_front() { std::fs::write(j.p, j.t)?; } Ok(()) }",
            "async fn f(q: &Mutex<Vec<J>>) { while let Some(j) = $0q.lock().await$0.pop() { send(j).await; } }",
            "impl S { async fn f(&self, k: &str) { if let Some(v) = $0self.m.lock().unwrap()$0.get(k) { push(v).await; } } }",
            "impl S { fn f(&self) { if let Some(v) = $0self.m.lock()$0.take() { std::thread::sleep(v.gap); } } }",
            "fn f(m: &RwLock<M>, k: u8) -> R { match $0m.read().unwrap()$0.get(&k).cloned() { Some(v) => { std::fs::write(\"a\", v)?; } None => {} } Ok(()) }",
            "async fn f(m: &Mutex<V>) { for tx in $0m.lock().unwrap()$0.iter() { tx.send(1).await; } }",
            "async fn f(m: &RwLock<M>) { for tx in $0m.read().await$0.values() { tx.send(1).await; } }",
            "fn f(m: &Mutex<V>) -> R { for x in $0m.lock().unwrap()$0.drain(..) { out.write_all(&x)?; } Ok(()) }",
            "fn f(m: &Mutex<V>) -> R { for x in std::mem::take(&mut *$0m.lock().unwrap()$0) { out.write_all(&x)?; } Ok(()) }",
            "impl S { fn f(&self) { for p in &$0self.s.lock().unwrap()$0.peers { println!(\"{p}\"); } } }",
            "impl S { async fn f(&self) -> R { self.tx.send($0self.s.lock().unwrap()$0.clone()).await?; Ok(()) } }",
            "impl S { async fn f(&self) -> R { let r = call(&$0self.cfg.lock()$0.url).await?; Ok(r) } }",
            "fn f(m: &Mutex<V>, w: &mut File) -> R { w.write_all($0m.lock().unwrap()$0.join(\",\").as_bytes())?; Ok(()) }",
            "fn deliver(j: &J) { std::fs::write(\"a\", j); } fn f(q: &Mutex<V>) { if let Some(j) = $0q.lock().unwrap()$0.pop() { deliver(&j); } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // The guard ends before the body.
                "fn f(q: &Mutex<V>) { if q.lock().unwrap().is_empty() { std::thread::sleep(D); } }",
                "fn f(q: &Mutex<V>) { let j = q.lock().unwrap().pop(); if let Some(j) = j { std::fs::write(\"a\", j); } }",
                "fn f(q: &Mutex<V>) { let Some(j) = q.lock().unwrap().pop() else { return }; std::fs::write(\"a\", j); }",
                // What is behind the lock is what the work is done on.
                "fn f(m: &Mutex<O>) { if let Some(f) = m.lock().unwrap().as_mut() { f.write_all(b\"x\"); } }",
                "fn f(m: &Mutex<M>) { if let Some(f) = m.lock().unwrap().get_mut(&1) { f.write_all(b\"x\"); } }",
                "fn f(m: &Mutex<V>) { for x in m.lock().unwrap().iter_mut() { x.flush(); } }",
                "fn f(m: &Mutex<File>) { m.lock().unwrap().write_all(b\"x\"); }",
                "async fn f(m: &Mutex<C>) { m.lock().await.send(1).await; }",
                "fn f(m: &Mutex<O>) { if let Some(f) = m.lock().unwrap().as_ref() { f.sync_all(); } }",
                // The guard has a name: other rules.
                "fn f(m: &Mutex<V>) { if let Ok(g) = m.lock() { std::fs::write(\"a\", &*g); } }",
                "fn f(m: &Mutex<V>) { match m.lock() { Ok(g) => { std::fs::write(\"a\", &*g); } Err(_) => {} } }",
                // Nothing slow.
                "fn f(q: &Mutex<V>) { while let Some(j) = q.lock().unwrap().pop() { out.push(j); } }",
                "fn f(m: &Mutex<V>) { for x in m.lock().unwrap().iter() { n += x; } }",
                "fn f(m: &Mutex<V>) { show(m.lock().unwrap().clone()); }",
                // It runs later.
                "fn f(m: &Mutex<V>) { if let Some(x) = m.lock().unwrap().pop() { spawn(move || std::fs::write(\"a\", x)); } }",
                // Something else is computed before.
                "async fn f(m: &Mutex<V>) { send(next(), m.lock().unwrap().clone()).await; }",
                // No lock.
                "fn f(r: &mut R) { for x in r.iter() { std::fs::write(\"a\", x); } }",
                "#[test] fn f() { while let Some(j) = q.lock().unwrap().pop() { std::fs::write(\"a\", j); } }",
            ],
        );
    }
}
