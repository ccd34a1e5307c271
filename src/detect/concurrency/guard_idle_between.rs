//! Guards that are held across a wait between a look before it and a change after it which does not hang on that look.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::locks::{self, Slow};
use crate::source::usage::{self, How, Use};
use crate::source::{SourceFile, names, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("guard-idle-between"),
    eye: Eye::Concurrency,
    kind: Kind::WideLock,
    class: Class::B,
    title: "lock held by a wait between a look and an independent change",
    explain: EXPLAIN,
    triggers: &["lock", "write"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds guards of which something is copied before a wait, and which are changed after it in a way that does not hang on what was
copied: counted up or down, set to a constant, added to.

## Why it costs

Everybody else who wants the lock waits for whom this task or thread waits.

## Before

```rust
let mut peer = peer.lock().await;
let address = peer.address.clone();
let alive = ping(address).await;
peer.failures += u32::from(!alive);
```

## After

```rust
let mut peer = peer.lock().await;
let address = peer.address.clone();
drop(peer);
let alive = ping(address).await;
let mut peer = peer.lock().await;
peer.failures += u32::from(!alive);
```

Others may change what the lock guards meanwhile. That is for a person to accept.

## When it is refused

Before the wait something is decided or changed under the lock; after it something is set to what was read or computed; the
guard is handed on or captured; the lock cannot be named again; it is no lock of std, parking_lot or tokio (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    if locks::calls(file) == 0 {
        return found;
    }
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| idle(file, block, index)));
    }
    found
}

fn idle(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let guard = shapes::plain_let(&block.stmts[index]).filter(|l| l.ty.is_none() && l.is_mut)?;
    let taken = locks::acquired(guard.value)?;
    let lock = usage::place(taken.lock).filter(|p| p.is_plain)?;
    let name = guard.name.to_string();
    // The lock must still go by its name where it is taken again.
    if lock.root == name && lock.fields.is_empty() {
        return None;
    }
    let after = &block.stmts[index + 1..];
    let (from, slow) = after.iter().enumerate().find_map(|(at, stmt)| Some((at, locks::slow_work(stmt)?)))?;
    let (before, rest) = after.split_at(from);
    let until = rest.iter().position(|stmt| shapes::count(stmt, &name) > 0)?;
    let (waits, changes) = rest.split_at(until);
    let whole = shapes::rest(block, index);
    let uses = usage::uses(file, &whole, &name);
    let is_part = |u: &Use| !u.is_bare && !u.is_captured && u.how != How::Opaque;
    let is_safe = matches!(slow, Slow::Await | Slow::Wait | Slow::Io)
        && !waits.is_empty()
        && changes.iter().all(|stmt| locks::slow_work(stmt).is_none())
        && uses.iter().all(is_part)
        && uses.len() == shapes::count(&whole, &name)
        && usage::bindings(file, &whole, &name).is_empty();
    if !is_safe || !usage::bindings(file, &whole, &lock.root).is_empty() {
        return None;
    }
    let copied = copies(before, &name)?;
    let written = changes.iter().filter(|stmt| shapes::count(*stmt, &name) > 0);
    let depends = |stmt: &&syn::Stmt| copied.iter().any(|copy| shapes::count(*stmt, copy) > 0);
    let statements: Vec<&syn::Stmt> = written.collect();
    if copied.is_empty() || statements.iter().any(depends) {
        return None;
    }
    let block_of = syn::Block { brace_token: block.brace_token, stmts: changes.to_vec() };
    let exprs = shapes::exprs(&block_of);
    let is_change = |e: &&syn::Expr| changed(e, &name);
    if !exprs.iter().any(is_change) || !exprs.iter().filter(|e| is_change(e)).all(|e| is_independent(e)) {
        return None;
    }
    let shown = file.on_one_line(file.range(taken.lock));
    let message =
        format!("`{shown}` stays locked while {}, between a look and a change that does not hang on it", slow.words());
    Some(
        Fact::at(file, file.range(guard.local))
            .capture("name", file.span_range(guard.name.span()))
            .capture("lock", file.range(taken.lock))
            .capture("looked", file.range(before.last()?))
            .capture("changes", file.range(&changes[0]))
            .note("message", message),
    )
}

/// The names of what is copied out; `None` where anything else is done with the guard.
fn copies(before: &[syn::Stmt], name: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for stmt in before.iter().filter(|stmt| shapes::count(*stmt, name) > 0) {
        let bound = shapes::plain_let(stmt)?;
        const COPIES: &[&str] = &["clone", "cloned", "copied", "is_empty", "len", "to_owned", "to_string", "to_vec"];
        let is_copy = match names::peel(bound.value) {
            syn::Expr::MethodCall(call) => COPIES.iter().any(|m| call.method == m) && call.args.is_empty(),
            other => usage::place(other).is_some_and(|p| !p.fields.is_empty()),
        };
        found.push(is_copy.then(|| bound.name.to_string())?);
    }
    Some(found)
}

/// True for an assignment to a part of what is guarded, and a method that changes one.
fn changed(expr: &syn::Expr, name: &str) -> bool {
    let is_part = |e: &syn::Expr| names::root(e).is_some_and(|root| root == name);
    match expr {
        syn::Expr::Assign(a) => is_part(&a.left),
        syn::Expr::Binary(b) => usage::is_assignment(&b.op) && is_part(&b.left),
        syn::Expr::MethodCall(call) => is_part(&call.receiver) && !usage::is_reading_method(&call.method.to_string()),
        syn::Expr::Reference(r) => r.mutability.is_some() && is_part(&r.expr),
        _ => false,
    }
}

/// True for changes that may come in any order with those of others: counts, constants, additions.
fn is_independent(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Binary(b) => {
            matches!(b.op, syn::BinOp::AddAssign(_) | syn::BinOp::SubAssign(_) | syn::BinOp::BitOrAssign(_))
        }
        syn::Expr::Assign(a) => shapes::exprs_in(&a.right).into_iter().all(|e| match e {
            // A constant or a variant, not a local.
            syn::Expr::Path(p) => p
                .path
                .segments
                .last()
                .is_some_and(|s| s.ident.to_string().starts_with(char::is_uppercase) || s.ident == "now"),
            syn::Expr::Lit(_) | syn::Expr::Call(_) | syn::Expr::Paren(_) => true,
            _ => false,
        }),
        syn::Expr::MethodCall(call) => {
            ["push", "push_back", "push_str", "extend", "extend_from_slice"].iter().any(|m| call.method == m)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_the_change_does_not_hang_on_the_look() {
        for text in [
            "async fn f(peer: &Mutex<P>) -> bool { $0let mut g = peer.lock().await;$0 let a = g.addr.clone(); let up = ping(a).await; match up { Ok(_) => { g.failures = 0; true } _ => { g.failures += 1; false } } }",
            "impl S { async fn f(&self) -> R { $0let mut g = self.stats.lock().await;$0 let url = g.url.clone(); let body = get(&url).await?; g.bytes += body.len(); Ok(()) } }",
            "impl S { async fn f(&self) { $0let mut g = self.s.write().await;$0 let n = g.limit; let r = call(n).await; g.results.push(r); } }",
            "fn f(m: &Mutex<P>) -> R { $0let mut g = m.lock().unwrap();$0 let p = g.path.to_owned(); let t = std::fs::read(p)?; g.reads += 1; Ok(t) }",
            "fn f(m: &Mutex<P>) { $0let mut g = m.lock();$0 let d = g.pause; std::thread::sleep(d); g.woken = true; }",
            "impl S { async fn f(&self) { $0let mut g = self.s.lock().await;$0 let a = g.a.clone(); let b = g.b; post(a, b).await; g.last = Some(Instant::now()); } }",
            "async fn f(m: Arc<Mutex<P>>) { loop { $0let mut g = m.lock().await;$0 let a = g.addr.clone(); ping(a).await; g.rounds += 1; } }",
            "async fn f(m: &Mutex<P>) { if x { $0let mut g = m.lock().await;$0 let a = g.addr.clone(); let r = ping(a).await; if r.is_err() { g.state = State::Down; } } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // One at a time, on purpose.
                "async fn f(m: &Mutex<O>) -> S { let mut g = m.lock().await; if let Some(t) = g.as_ref() { return t.clone(); } let t = fetch().await; *g = Some(t.clone()); t }",
                "async fn f(m: &Mutex<T>) { let mut g = m.lock().await; let u = g.url.clone(); let t = fetch(u).await; g.token = t; }",
                "async fn f(m: &Mutex<M>) { let mut g = m.lock().await; let n = g.len(); let t = fetch(n).await; g.insert(n, t); }",
                // What is written hangs on what was read.
                "async fn f(m: &Mutex<T>) { let mut g = m.lock().await; let n = g.n; call(n).await; g.n = n + 1; }",
                "async fn f(m: &Mutex<T>) { let mut g = m.lock().await; let n = g.n; call().await; g.m += n; }",
                "async fn f(m: &Mutex<T>) { let mut g = m.lock().await; let n = g.n; call().await; if n > 3 { g.m = 0; } }",
                // Something is decided or changed before.
                "async fn f(m: &Mutex<T>) { let mut g = m.lock().await; g.open -= 1; let a = g.a.clone(); call(a).await; g.open += 1; }",
                "async fn f(m: &Mutex<T>) { let mut g = m.lock().await; let a = g.take_one(); call(a).await; g.open += 1; }",
                "async fn f(m: &Mutex<T>) { let mut g = m.lock().await; if g.closed { return; } let a = g.a.clone(); call(a).await; g.n += 1; }",
                // The order of what goes out is that of what is kept.
                "async fn f(m: &Mutex<V>, t: S) { let mut g = m.lock().await; push(&t).await; g.push(t); }",
                // Handed on, used by the wait, waited with.
                "async fn f(m: &Mutex<T>) { let mut g = m.lock().await; let a = g.a.clone(); call(a, &g).await; g.n += 1; }",
                "async fn f(m: &Mutex<T>) { let mut g = m.lock().await; let a = g.a.clone(); call(a).await; g.n += 1; done(g); }",
                "async fn f(m: &Mutex<T>) { let mut g = m.lock().await; let a = g.a.clone(); call(a).await; g.n += 1; call(b).await; }",
                "async fn f(m: Mutex<T>) { let mut m = m.lock().await; let a = m.a.clone(); call(a).await; m.n += 1; }",
                "#[tokio::test] async fn f() { let mut g = m.lock().await; let a = g.a.clone(); call(a).await; g.n += 1; }",
            ],
        );
    }
}
