//! Guards of locks that stay alive across I/O, waiting or serialising after their last use.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::locks::{self, Slow};
use crate::source::usage::{self, How};
use crate::source::{SourceFile, names, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("guard-across-work"),
    eye: Eye::Concurrency,
    kind: Kind::WideLock,
    class: Class::B,
    title: "lock held across slow work that does not need it",
    explain: EXPLAIN,
    triggers: &["lock", "read", "write"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds guards (`let guard = lock.lock().unwrap();`) that live on to the end of their block although their last use lies
before input or output, sleeping, `.await`, serialising, logging or formatting a text for each of many items.

## Why it costs

Everybody else who wants the lock waits for work that has nothing to do with it: the slowest call in the block becomes
part of everyone's critical section, and shows up in their tail latency.

## Before

```rust
let mut ledger = self.ledger.lock().unwrap();
ledger.push(entry.clone());
self.audit.write_all(entry.line().as_bytes())?;
```

## After

```rust
let mut ledger = self.ledger.lock().unwrap();
ledger.push(entry.clone());
drop(ledger);
self.audit.write_all(entry.line().as_bytes())?;
```

What follows runs without the lock: another thread may come in between. Whether it may is for a person to say.

## When it is refused

The guard is used later, moved, captured, or dropped by hand already; it is never used by name (then it guards what
follows); something borrowed from it is still in use (rustc does not accept it); it is not the guard of a lock of std,
parking_lot or tokio (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| idle_guard(file, block, index)));
    }
    found
}

fn idle_guard(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let guard = shapes::plain_let(&block.stmts[index])?;
    locks::acquired(guard.value)?;
    let name = guard.name.to_string();
    let after = &block.stmts[index + 1..];
    let rest = shapes::rest(block, index);
    let uses = usage::uses(file, &rest, &name);
    let is_kept = uses.iter().any(|u| u.is_captured || u.how == How::Opaque || (u.is_bare && u.how == How::Value));
    if is_kept || uses.is_empty() || !usage::bindings(file, &rest, &name).is_empty() {
        return None;
    }
    // A lock taken later, or a wait for others, may rely on this one.
    let idle = idle(after, &name, &[])?;
    let message = format!("`{name}` keeps its lock while {}, though nothing there uses it", idle.slow.words());
    let fact = Fact::at(file, file.range(&block.stmts[index]))
        .capture("name", file.span_range(guard.name.span()))
        .capture("next", file.range(after.first()?))
        .note("message", message);
    Some(match idle.ends {
        Ends::After(stmt) => fact.capture("last", file.range(stmt)),
        Ends::Before(stmt) => fact.capture("first", file.range(stmt)),
    })
}

/// Slow work that nothing of the guard is needed for, and where the guard could end.
struct Idle<'a> {
    slow: Slow,
    ends: Ends<'a>,
}

/// Where a guard could end.
enum Ends<'a> {
    After(&'a syn::Stmt),
    Before(&'a syn::Stmt),
}

/// Looks behind the last use for slow work; where the last use is a branching, inside its blocks. `tied` are names that
/// may borrow from the guard.
fn idle<'a>(stmts: &'a [syn::Stmt], name: &str, tied: &[String]) -> Option<Idle<'a>> {
    let mut tied = tied.to_vec();
    let last = stmts.iter().rposition(|stmt| shapes::count(stmt, name) > 0);
    if last.is_none() && tied.is_empty() {
        return None;
    }
    let used = last.map_or(0, |last| last + 1);
    tied.extend(stmts[..used].iter().filter(|stmt| shapes::count(*stmt, name) > 0).flat_map(borrows));
    let found = stmts[used..].iter().enumerate().find_map(|(at, stmt)| Some((at, locks::slow_work(stmt)?)));
    if let Some((at, slow)) = found {
        let is_tied = |stmt: &syn::Stmt| tied.iter().any(|name| shapes::count(stmt, name) > 0);
        let held = stmts[used..used + at].iter().rposition(is_tied).map(|held| used + held);
        return match held.or(last) {
            Some(last) => Some(Idle { slow, ends: Ends::After(&stmts[last]) }),
            None if is_tied(&stmts[used + at]) => None,
            None => Some(Idle { slow, ends: Ends::Before(&stmts[used]) }),
        };
    }
    branches(&stmts[last?]).into_iter().find_map(|(names, block)| {
        let all: Vec<String> = tied.iter().cloned().chain(names).collect();
        let uses = block.stmts.iter().any(|stmt| shapes::count(stmt, name) > 0);
        // A head that keeps the guard busy ends before the blocks; what it binds may borrow from it.
        if uses || !all.is_empty() { idle(&block.stmts, name, &all) } else { first_of(block) }
    })
}

/// The guard is done with before a block: it could end where the block begins.
fn first_of(block: &syn::Block) -> Option<Idle<'_>> {
    let slow = block.stmts.iter().find_map(locks::slow_work)?;
    Some(Idle { slow, ends: Ends::Before(block.stmts.first()?) })
}

/// Names that a `let` binds to what may borrow from the guard in it.
fn borrows(stmt: &syn::Stmt) -> Vec<String> {
    let syn::Stmt::Local(local) = stmt else { return Vec::new() };
    let is_own = local.init.as_ref().is_some_and(|init| is_owned(&init.expr));
    if is_own { Vec::new() } else { names::bound_by(&local.pat) }
}

/// True for values that borrow from nothing, as far as names tell.
fn is_owned(expr: &syn::Expr) -> bool {
    const OWNED: &[&str] = &[
        "clone",
        "cloned",
        "collect",
        "contains",
        "contains_key",
        "copied",
        "count",
        "insert",
        "is_empty",
        "join",
        "len",
        "pop",
        "pop_back",
        "pop_front",
        "remove",
        "sum",
        "swap_remove",
        "take",
        "to_owned",
        "to_string",
        "to_vec",
    ];
    match expr {
        syn::Expr::MethodCall(call) => OWNED.iter().any(|name| call.method == name),
        syn::Expr::Macro(_) | syn::Expr::Unary(_) | syn::Expr::Binary(_) => true,
        _ => false,
    }
}

/// The blocks of which a statement runs one, with the names that their heads bind.
fn branches(stmt: &syn::Stmt) -> Vec<(Vec<String>, &syn::Block)> {
    fn of<'a>(expr: &'a syn::Expr, found: &mut Vec<(Vec<String>, &'a syn::Block)>) {
        match expr {
            syn::Expr::If(i) => {
                let bound = match &*i.cond {
                    syn::Expr::Let(l) if is_owned(&l.expr) => Vec::new(),
                    cond => names::bound_in(cond),
                };
                found.push((bound, &i.then_branch));
                if let Some((_, other)) = &i.else_branch {
                    of(other, found);
                }
            }
            syn::Expr::Match(m) => found.extend(m.arms.iter().filter_map(|arm| match &*arm.body {
                syn::Expr::Block(b) if is_owned(&m.expr) => Some((Vec::new(), &b.block)),
                syn::Expr::Block(b) => Some((names::bound_by(&arm.pat), &b.block)),
                _ => None,
            })),
            syn::Expr::Block(b) => found.push((Vec::new(), &b.block)),
            syn::Expr::Return(back) => {
                if let Some(expr) = &back.expr {
                    of(expr, found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    match stmt {
        syn::Stmt::Expr(expr, _) => of(expr, &mut found),
        syn::Stmt::Local(local) => {
            if let Some(init) = &local.init {
                of(&init.expr, &mut found);
            }
        }
        _ => {}
    }
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_slow_work_follows_the_last_use() {
        for text in [
            "fn f(m: &Mutex<V>) { $0let mut g = m.lock().unwrap();$0 g.push(1); std::thread::sleep(D); }",
            "impl S { fn f(&self) -> R { $0let g = self.m.lock().unwrap();$0 let n = g.len(); self.out.write_all(b\"x\")?; Ok(n) } }",
            "async fn f(m: &Mutex<V>) { $0let g = m.lock().await;$0 let n = g.len(); send(n).await; }",
            "fn f(m: &RwLock<V>) -> R { $0let g = m.read().unwrap();$0 let v = g.clone(); let s = serde_json::to_string(&v)?; Ok(s) }",
            "fn f(m: &RwLock<V>) { $0let mut g = m.write().expect(\"lock\");$0 *g = 1; println!(\"changed\"); }",
            "fn f(m: &Mutex<V>) -> R { $0let mut g = m.lock();$0 g.n += 1; std::fs::write(\"a\", \"b\")?; Ok(()) }",
            "fn f(m: &Mutex<V>) { if a { $0let g = m.lock().unwrap();$0 h(&g); let x = 1; file.sync_all(); } }",
            "fn f(m: &RwLock<V>) -> S { $0let g = m.read().unwrap();$0 let v = g.to_vec(); let t: Vec<S> = v.iter().map(|x| format!(\"{x}\")).collect(); t.join(\";\") }",
            "fn f(m: &Mutex<V>) -> S { $0let g = m.lock();$0 let n = g.len(); let mut t = S::new(); for i in 0..n { t += &format!(\"{i}\"); } t }",
            "fn f(m: &Mutex<V>) { for x in xs { $0let mut g = m.lock().unwrap();$0 g.push(x); stream.flush(); } }",
            "fn f(m: &Mutex<V>) { $0let g = m.lock().unwrap();$0 for x in g.iter() { k(x); } if b { TcpStream::connect(A); } }",
            // Inside of the last branching that uses it.
            "async fn f(m: &Mutex<V>, i: usize) -> R { $0let g = m.lock().await;$0 if let Some(e) = g.get(i) { let t = e.clone(); push(&t).await?; } Ok(()) }",
            "async fn f(m: &Mutex<V>) { $0let mut g = m.lock().await;$0 match g.pop() { Some(j) => { send(j).await; } None => {} } }",
            "fn f(m: &Mutex<V>) -> R { $0let mut g = m.lock().unwrap();$0 if g.len() > 3 { let all = std::mem::take(&mut *g); std::fs::write(\"a\", all)?; } Ok(()) }",
            // A text built of many items.
            "fn f(m: &RwLock<M>) -> S { $0let g = m.read();$0 let mut k: Vec<S> = g.keys().cloned().collect(); k.sort(); let mut t = S::new(); for x in &k { t.push_str(x); } t }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Needed after the I/O, or during it.
                "fn f(m: &Mutex<V>) { let mut g = m.lock().unwrap(); std::thread::sleep(D); g.push(1); }",
                "fn f(m: &Mutex<V>) { let mut g = m.lock().unwrap(); g.a(); file.flush(); g.b(); }",
                "fn f(m: &Mutex<V>) -> R { let g = m.lock().unwrap(); out.write_all(&g.bytes)?; Ok(()) }",
                "fn f(m: &Mutex<V>) { let g = m.lock().unwrap(); println!(\"{g:?}\"); }",
                // It guards what follows by being alive.
                "fn f(m: &Mutex<()>) { let _g = m.lock().unwrap(); std::thread::sleep(D); }",
                "fn f(m: &Mutex<V>) { let _ = m.lock().unwrap(); std::thread::sleep(D); }",
                // Dropped, moved, returned, captured already.
                "fn f(m: &Mutex<V>) { let g = m.lock().unwrap(); let n = g.len(); drop(g); std::thread::sleep(D); }",
                "fn f(m: &Mutex<V>) { let g = m.lock().unwrap(); let g = c.wait(g).unwrap(); g.len(); std::thread::sleep(D); }",
                "fn f(m: &Mutex<V>) -> G { let g = m.lock().unwrap(); g.len(); std::thread::sleep(D); g }",
                "fn f(m: &Mutex<V>) { let g = m.lock().unwrap(); run(move || g.len()); std::thread::sleep(D); }",
                "fn f(m: &Mutex<V>) { let n = { let g = m.lock().unwrap(); g.len() }; std::thread::sleep(D); }",
                // What a branch looks at is still that behind the lock.
                "async fn f(m: &Mutex<V>, i: usize) -> R { let g = m.lock().await; if let Some(e) = g.get(i) { push(e).await?; } Ok(()) }",
                "async fn f(m: &Mutex<V>) { let mut g = m.lock().await; if g.is_none() { let t = fetch().await; *g = Some(t); } }",
                "async fn f(m: &Mutex<V>) { let g = m.lock().await; for x in g.iter() { let y = x.clone(); send(y).await; } }",
                "async fn f(m: &Mutex<V>) { let mut g = m.lock().await; while let Some(x) = g.pop() { send(x).await; } }",
                // Nothing slow, or no lock.
                "fn f(m: &Mutex<V>) { let mut g = m.lock().unwrap(); g.push(1); h(2); }",
                "fn f(m: &Mutex<V>) { let n = m.lock().unwrap().len(); std::thread::sleep(D); }",
                "fn f(r: &mut File) { let n = r.read(&mut b).unwrap(); g(n); std::thread::sleep(D); }",
                "fn f(w: &mut File) { let n = w.write(b).unwrap(); g(n); std::thread::sleep(D); }",
                "fn f(d: &Door) { let key = d.lock(1).unwrap(); key.turn(); std::thread::sleep(D); }",
                "fn f(m: &Mutex<V>) { let g = m.lock().unwrap(); show!(g); std::thread::sleep(D); }",
                "fn f() { let out = std::io::stdout().lock(); out.len(); std::thread::sleep(D); }",
                "#[test] fn f() { let g = m.lock().unwrap(); g.len(); std::thread::sleep(D); }",
            ],
        );
    }
}
