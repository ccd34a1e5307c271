//! Write guards of reader-writer locks through which nothing is written.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::usage::{self, How};
use crate::source::{SourceFile, locks, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("write-lock-only-read"),
    eye: Eye::Concurrency,
    kind: Kind::WideLock,
    class: Class::B,
    title: "write lock taken where only something is read",
    explain: EXPLAIN,
    triggers: &["write"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let guard = lock.write().unwrap();` where `guard` is not `mut`, so that nothing can be written through it, and is
only looked at.

## Why it costs

A writer waits for all readers to leave and keeps all of them out: readers that could go on together line up.

## Before

```rust
let rates = self.rates.write().unwrap();
let rate = rates.get(&currency).copied();
```

## After

```rust
let rates = self.rates.read().unwrap();
let rate = rates.get(&currency).copied();
```

Two threads can now be in this place at once. Where the write lock was meant to keep them apart for another reason (a file,
a counter beside it), that must be said otherwise.

## When it is refused

The guard is handed on, downgraded or captured; it is never used, so that it can only be there to keep others out; the lock
is no `RwLock` of std, parking_lot or tokio (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| only_read(file, block, index)));
    }
    for body in words::bodies_with(file, RULE.triggers) {
        found.extend(shapes::exprs(body).into_iter().filter_map(|expr| read_at_once(file, expr)));
    }
    found
}

/// `lock.write().unwrap().len()`: a guard without a name, through which one thing is read.
fn read_at_once(file: &SourceFile, expr: &syn::Expr) -> Option<Fact> {
    let syn::Expr::MethodCall(call) = expr else { return None };
    let taken = locks::acquired(&call.receiver).filter(|a| a.call.method == "write")?;
    let method = call.method.to_string();
    let is_read = usage::is_reading_method(&method) || ["get", "len", "is_empty", "contains_key"].contains(&&*method);
    if !is_read || ["unwrap", "expect", "unwrap_or_else"].contains(&&*method) {
        return None;
    }
    usage::place(taken.lock).filter(|p| p.is_plain)?;
    let shown = file.on_one_line(file.range(taken.lock));
    Some(
        Fact::at(file, file.range(&*call.receiver))
            .capture("lock", file.range(taken.lock))
            .capture("method", file.span_range(taken.call.method.span()))
            .note("message", format!("`{shown}` is locked for writing although `{method}` only reads")),
    )
}

fn only_read(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let guard = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut && l.ty.is_none())?;
    let taken = locks::acquired(guard.value).filter(|a| a.call.method == "write")?;
    if usage::place(taken.lock).is_none_or(|p| !p.is_plain) {
        return None;
    }
    let name = guard.name.to_string();
    let rest = shapes::rest(block, index);
    let uses = usage::uses(file, &rest, &name);
    let is_read = uses.iter().all(|u| match &u.how {
        How::Read | How::Compare => true,
        How::Method(method) => !u.is_bare || usage::is_reading_method(method) || method == "get",
        How::Iterated | How::Scrutinee | How::Value => !u.is_bare,
        How::Mutate | How::Opaque => false,
    });
    let is_captured = uses.iter().any(|u| u.is_captured);
    // The drop by hand at the end is no look.
    if uses.is_empty() || !is_read || is_captured || !usage::bindings(file, &rest, &name).is_empty() {
        return None;
    }
    let shown = file.on_one_line(file.range(taken.lock));
    let message = format!("`{shown}` is locked for writing although `{name}` only reads");
    Some(
        Fact::at(file, file.range(guard.value))
            .capture("lock", file.range(taken.lock))
            .capture("method", file.span_range(taken.call.method.span()))
            .note("message", message),
    )
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_write_guards_that_only_read() {
        for text in [
            "fn f(l: &RwLock<V>) -> usize { let g = $0l.write().unwrap()$0; g.len() }",
            "impl S { fn f(&self) -> u8 { let g = $0self.rates.write().unwrap()$0; g.rate } }",
            "fn f(l: &RwLock<M>, k: u8) -> u8 { let g = $0l.write().expect(\"lock\")$0; *g.get(&k).unwrap() }",
            "fn f(l: &RwLock<V>) -> R { let g = $0l.write()?$0; for x in g.iter() { h(x); } Ok(()) }",
            "fn f(l: &RwLock<V>) { let g = $0l.write().unwrap()$0; h(&g); }",
            "fn f(l: &RwLock<V>) -> usize { $0l.write().unwrap()$0.len() }",
            "impl S { fn f(&self, k: &K) -> bool { $0self.hot.write()$0.contains_key(k) } }",
            "impl S { async fn f(&self, k: &K) -> O { $0self.hot.write().await$0.get(k).cloned() } }",
            "impl S { fn f(&self, k: &K) -> O { $0self.rates.write().unwrap()$0.get(k).copied() } }",
            "async fn f(l: &RwLock<V>) -> V { let g = $0l.write().await$0; g.clone() }",
            "fn f(l: &RwLock<V>) { let g = $0l.write().unwrap()$0; println!(\"{}\", g.name); }",
            "fn f(l: &RwLock<V>) -> bool { let g = $0l.write().unwrap()$0; g.n == 1 && *g == other() }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(l: &RwLock<V>) { let mut g = l.write().unwrap(); g.push(1); }",
                "fn f(l: &RwLock<V>) -> usize { let g = l.read().unwrap(); g.len() }",
                "fn f(l: &RwLock<V>) -> usize { l.read().unwrap().len() }",
                "fn f(l: &RwLock<V>) { l.write().unwrap().push(1); }",
                "fn f(l: &RwLock<V>) { *l.write().unwrap() = v; }",
                "fn f(l: &RwLock<V>) { l.write().unwrap().entry(1).or_default(); }",
                "fn f(w: &mut File) -> usize { w.write(b).unwrap().count_ones() }",
                // It keeps others out by being there.
                "fn f(l: &RwLock<()>) { let _g = l.write().unwrap(); h(); }",
                "fn f(l: &RwLock<()>) { let g = l.write().unwrap(); h(); drop(g); }",
                // Handed on, downgraded, captured, returned.
                "fn f(l: &RwLock<V>) { let g = l.write().unwrap(); h(g); }",
                "fn f(l: &RwLock<V>) { let g = l.write().unwrap(); let r = RwLockWriteGuard::downgrade(g); h(&r); }",
                "fn f(l: &RwLock<V>) -> G { let g = l.write().unwrap(); g.len(); g }",
                "fn f(l: &RwLock<V>) { let g = l.write().unwrap(); run(|| g.len()); }",
                "fn f(l: &RwLock<V>) { let g = l.write().unwrap(); show!(g); }",
                // Methods that nobody knows: the interior may change.
                "fn f(l: &RwLock<V>) { let g = l.write().unwrap(); g.bump(); }",
                "fn f(l: &RwLock<V>) { let g = l.write().unwrap(); let r = g.downgrade(); h(&r); }",
                // No lock.
                "fn f(w: &mut File) { let n = w.write(b).unwrap(); h(&n); }",
                "fn f(l: &Locks) { let g = l.of(1).write().unwrap(); g.len(); }",
                "fn f(l: &RwLock<V>) { let g: RwLockWriteGuard<'_, V> = l.write().unwrap(); g.len(); }",
                "fn f(m: &Mutex<V>) -> usize { let g = m.lock().unwrap(); g.len() }",
                "#[test] fn f() { let g = l.write().unwrap(); g.len(); }",
            ],
        );
    }
}
