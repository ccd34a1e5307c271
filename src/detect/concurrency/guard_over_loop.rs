//! Guards of locks that are held while a loop over what they guard waits in each round.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::locks::{self, Slow};
use crate::source::usage;
use crate::source::{SourceFile, names, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("guard-over-loop"),
    eye: Eye::Concurrency,
    kind: Kind::WideLock,
    class: Class::B,
    title: "lock held while a loop over its content waits",
    explain: EXPLAIN,
    triggers: &["lock", "read", "write"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds guards (`let subs = lock.lock().await;`) whose only use is a loop over what they guard, or one that empties it, that
sends, writes, sleeps or awaits in each round.

## Why it costs

Everybody else who wants the lock waits for the whole loop: one slow receiver holds up all who want to register or leave.

## Before

```rust
let subs = self.subs.lock().await;
for tx in subs.iter() {
    let _ = tx.send(text.to_string()).await;
}
```

## After

```rust
let subs = self.subs.lock().await.clone();
for tx in subs.iter() {
    let _ = tx.send(text.to_string()).await;
}
```

The loop now goes over a copy, made under the lock, or over what was taken out of it: what joins or leaves meanwhile is not
seen. Where a loop takes one after the other, each is taken under a lock of its own. That is for a person to accept.

## When it is refused

The guard is used for anything else, or changed; the content cannot be cloned (rustc does not accept it); it is not the
guard of a lock of std, parking_lot or tokio (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    if locks::calls(file) == 0 {
        return found;
    }
    for block in words::blocks_with(file, RULE.triggers) {
        let all = 0..block.stmts.len();
        found.extend(all.filter_map(|index| looped(file, block, index).or_else(|| emptied(file, block, index))));
    }
    found
}

fn looped(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let guard = shapes::plain_let(&block.stmts[index]).filter(|l| l.ty.is_none() && !l.is_mut)?;
    let acquired = locks::acquired(guard.value)?;
    if acquired.call.method == "write" || names::mentions(acquired.lock, "stdout") {
        return None;
    }
    let name = guard.name.to_string();
    let rest = shapes::rest(block, index);
    let (stmt, around) = block.stmts[index + 1..].iter().find_map(|stmt| match stmt {
        syn::Stmt::Expr(syn::Expr::ForLoop(around), _) if is_walk(&around.expr, &name) => Some((stmt, around)),
        _ => None,
    })?;
    let count = shapes::count(&rest, &name);
    let is_only_looked_at = || {
        let uses = usage::uses(file, &rest, &name);
        let looks =
            |u: &usage::Use| matches!(&u.how, usage::How::Method(m) if usage::is_reading_method(m) && m != "get");
        uses.len() == count && uses.iter().all(|u| u.is_bare && !u.is_captured && looks(u))
    };
    if !usage::bindings(file, &rest, &name).is_empty() || !(count == 1 || is_only_looked_at()) {
        return None;
    }
    let of_body = around.body.stmts.iter().find_map(locks::slow_work).or_else(|| sends(&around.body));
    let slow = of_body.or_else(|| locks::slow_work(stmt))?;
    let end = file.range(guard.value).end;
    let message = format!("`{name}` keeps its lock for the whole loop, while {}", slow.words());
    Some(
        Fact::at(file, file.range(&block.stmts[index]))
            .capture("name", file.span_range(guard.name.span()))
            .capture("end", TextRange { start: end, end })
            .capture("next", file.range(&block.stmts[index + 1]))
            .note("message", message),
    )
}

/// A loop that empties what is guarded: `for x in name.drain(..)`, `while let Some(x) = name.pop_front()`.
fn emptied(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let guard = shapes::plain_let(&block.stmts[index]).filter(|l| l.ty.is_none() && l.is_mut)?;
    let acquired = locks::acquired(guard.value)?;
    usage::place(acquired.lock)?;
    let name = guard.name.to_string();
    let rest = shapes::rest(block, index);
    let is_name = |expr: &syn::Expr| names::plain_name(expr).is_some_and(|found| *found == name);
    let at = block.stmts[index + 1..].iter().position(|stmt| shapes::count(stmt, &name) > 0)?;
    let syn::Stmt::Expr(around, _) = &block.stmts[index + 1 + at] else { return None };
    if shapes::count(&rest, &name) != 1 || !usage::bindings(file, &rest, &name).is_empty() {
        return None;
    }
    let (body, each) = match around {
        syn::Expr::ForLoop(l) => {
            let drain = shapes::method(&l.expr, "drain", 1).filter(|call| is_name(&call.receiver))?;
            let is_all = matches!(&drain.args[0], syn::Expr::Range(r) if r.start.is_none() && r.end.is_none());
            (is_all.then_some(&l.body)?, None)
        }
        // Only what stands directly before the loop may move into it.
        syn::Expr::While(w) if at == 0 => {
            let syn::Expr::Let(l) = &*w.cond else { return None };
            let syn::Expr::MethodCall(call) = names::peel(&l.expr) else { return None };
            let takes = ["pop", "pop_front", "pop_back", "pop_first", "pop_last"].iter().any(|m| call.method == m);
            let is_some = matches!(&*l.pat, syn::Pat::TupleStruct(_));
            ((takes && is_some && is_name(&call.receiver)).then_some(&w.body)?, Some((w, l, &*call.receiver)))
        }
        _ => return None,
    };
    let slow = body.stmts.iter().find_map(locks::slow_work).or_else(|| sends(body))?;
    let message = format!("`{name}` keeps its lock until all of it is worked off, while {}", slow.words());
    let fact = Fact::at(file, file.range(&block.stmts[index]))
        .capture("name", file.span_range(guard.name.span()))
        .capture("value", file.range(guard.value))
        .capture("next", file.range(&block.stmts[index + 1]))
        .note("message", message);
    Some(match each {
        None => fact,
        Some((w, l, receiver)) => {
            let start = file.span_range(w.while_token.span).start;
            let end = file.span_range(w.body.brace_token.span.open()).end;
            fact.capture("loop", TextRange { start, end })
                .capture("pattern", file.range(&*l.pat))
                .capture("taken", file.range(&*l.expr))
                .capture("receiver", file.range(receiver))
        }
    })
}

/// `name.iter()`, `name.values()`, `&*name`, with adaptors of whole items behind.
fn is_walk(expr: &syn::Expr, name: &str) -> bool {
    match names::peel(expr) {
        syn::Expr::MethodCall(call) if call.args.is_empty() => {
            const WALKS: &[&str] = &["iter", "values", "keys"];
            const BEHIND: &[&str] = &["enumerate", "rev", "cloned", "copied"];
            let method = call.method.to_string();
            let is_name = names::plain_name(&call.receiver).is_some_and(|found| found == name);
            (WALKS.contains(&method.as_str()) && is_name)
                || (BEHIND.contains(&method.as_str()) && is_walk(&call.receiver, name))
        }
        syn::Expr::Reference(r) if r.mutability.is_none() => match &*r.expr {
            syn::Expr::Unary(u) => names::plain_name(&u.expr).is_some_and(|found| found == name),
            _ => false,
        },
        _ => false,
    }
}

/// `channel.send(x)` of channels that may be full.
fn sends(body: &syn::Block) -> Option<Slow> {
    let is_send = |expr: &&syn::Expr| shapes::method(expr, "send", 1).is_some();
    shapes::exprs(body).iter().any(is_send).then_some(Slow::Wait)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_loops_that_wait_under_the_guard() {
        for text in [
            "async fn f(m: &Mutex<V>) { $0let g = m.lock().await;$0 for tx in g.iter() { tx.send(1).await; } }",
            "async fn f(m: &RwLock<M>) { $0let g = m.read().await;$0 let mut n = 0; for tx in g.values() { if tx.send(1).await.is_ok() { n += 1; } } h(n) }",
            "fn f(m: &Mutex<V>) -> R { $0let g = m.lock().unwrap();$0 for s in g.iter() { out.write_all(s)?; } Ok(()) }",
            "impl S { fn f(&self) { $0let g = self.m.lock();$0 for x in g.iter() { std::thread::sleep(x.gap); } } }",
            "fn f(m: &RwLock<V>) { $0let g = m.read().unwrap();$0 for x in &*g { println!(\"{x}\"); } }",
            "fn f(m: &Mutex<V>) { $0let g = m.lock().unwrap();$0 for tx in g.iter() { tx.send(1).unwrap(); } }",
            "fn f(m: &Mutex<V>) -> R { $0let g = m.lock().expect(\"l\");$0 for (i, p) in g.iter().enumerate() { std::fs::write(p, i)?; } Ok(()) }",
            "async fn f(m: &RwLock<M>) { $0let g = m.read().await;$0 for k in g.keys() { ping(k).await; } }",
            "fn f(m: &Mutex<V>) { $0let mut g = m.lock();$0 let mut n = 0; for x in g.drain(..) { if !send(&x) { std::thread::sleep(D); } n += 1; } }",
            "fn f(m: &Mutex<V>) -> R { $0let mut g = m.lock().unwrap();$0 while let Some(x) = g.pop_front() { out.write_all(&x)?; } Ok(()) }",
            "impl S { async fn f(&self) { $0let mut g = self.q.lock().await;$0 while let Some(x) = g.pop() { post(x).await; } done(); } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "async fn f(m: &Mutex<V>) { let g = m.lock().await; for x in g.iter() { n += x; } }",
                "async fn f(m: &Mutex<V>) { let mut g = m.lock().await; for x in g.iter_mut() { x.send(1).await; } }",
                "async fn f(m: &Mutex<V>) { let g = m.lock().await; for x in g.iter() { x.send(g.n).await; } }",
                "async fn f(m: &Mutex<V>) { let g = m.lock().await; for x in g.iter() { x.send(1).await; } done(g); }",
                "async fn f(m: &Mutex<V>) { let g = m.lock().await.clone(); for x in g.iter() { x.send(1).await; } }",
                "async fn f(m: &Mutex<V>) { let g = m.lock().await; let all = g.to_vec(); for x in all.iter() { x.send(1).await; } }",
                "async fn f(m: &Mutex<V>) { for x in m.lock().await.iter() { x.send(1).await; } }",
                "async fn f(m: &Mutex<V>) { let g = m.lock().await; if g.is_none() { fetch().await; } }",
                "async fn f(m: &Mutex<V>) { let _g = m.lock().await; for x in xs.iter() { x.send(1).await; } }",
                "async fn f(m: &RwLock<V>) { let g = m.write().await; for x in g.iter() { x.send(1).await; } }",
                "fn f(m: &Mutex<V>) { let g = m.lock().unwrap(); for x in g.iter() { show!(x); } }",
                "fn f(m: &Mutex<V>) { let g = m.lock().unwrap(); for x in g.drain(..) { tx.send(x); } }",
                "fn f(m: &Mutex<V>) { let mut g = m.lock().unwrap(); for x in g.drain(..3) { out.write_all(x); } }",
                "fn f(m: &Mutex<V>) { let mut g = m.lock().unwrap(); for x in g.drain(..) { out.push(x); } }",
                "fn f(m: &Mutex<V>) { let mut g = m.lock().unwrap(); while let Some(x) = g.pop() { out.push(x); } }",
                "fn f(m: &Mutex<V>) { let mut g = m.lock().unwrap(); while let Some(x) = g.pop() { std::fs::write(\"a\", x); } g.push(1); }",
                "fn f(m: &Mutex<V>) { let mut g = m.lock().unwrap(); while let Some(x) = g.get_mut(0) { x.flush(); } }",
                "fn f(v: &V) { let g = v.clone(); for x in g.iter() { x.send(1); } }",
                "#[test] fn f() { let g = m.lock().unwrap(); for tx in g.iter() { tx.send(1).unwrap(); } }",
            ],
        );
    }
}
