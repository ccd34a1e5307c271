//! A lock around nothing but a number or a flag, each use of which is one look or one change.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::mutexes::{Does, accesses, counted};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("mutex-number"),
    eye: Eye::Concurrency,
    kind: Kind::WideLock,
    class: Class::B,
    title: "lock around a number that an atomic would hold",
    explain: EXPLAIN,
    triggers: &["Mutex"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds private fields and statics of type `Mutex<u64>`, `Mutex<bool>` and their like, each use of which locks, reads or changes
the whole value in one expression, and unlocks.

## Why it costs

A lock takes two atomic operations for each use, and whoever finds it taken spins and then asks the kernel to sleep. An
atomic takes one operation, and nobody waits.

## Before

```rust
struct Stats {
    hits: Mutex<u64>,
}

*self.hits.lock().unwrap() += 1;
```

## After

```rust
struct Stats {
    hits: AtomicU64,
}

self.hits.fetch_add(1, Ordering::SeqCst);
```

## What a reviewer accepts

An atomic wraps around where `+=` panics in builds that check for overflow. The lock no longer orders what else happens
around it. The text of `Debug` is the bare number.

## When it is refused

The field or static is public; a use holds the guard for longer than one look or one change, hands it on, waits with it on
a `Condvar`, or does other work in the same statement; the value is looked at in the head of a `match`, an `if let` or a
`for`, which keep the guard; the lock is not that of std or parking_lot, or lies in an `Arc`; another file or a macro uses it; two structs
have a field of that name.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for lock in counted(file) {
        let name = lock.name.to_string();
        let Ok(all) = accesses(file, &lock) else { continue };
        // A lock that nobody writes through is no counter.
        if all.iter().all(|access| access.does == Does::Load) {
            continue;
        }
        let what = if lock.inner == "bool" { "flag" } else { "number" };
        let message = format!("`{name}` locks and unlocks for each use of a {what} that an atomic would hold");
        found.push(Fact::at(file, file.span_range(lock.name.span())).note("message", message));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[track_caller]
    fn fires(body: &str) {
        check(&RULE, &format!("use std::sync::Mutex; struct S {{ $0n$0: Mutex<u64> }} impl S {{ {body} }}"));
    }

    #[test]
    fn fires_where_each_use_is_one_look_or_one_change() {
        for body in [
            "fn f(&self) { *self.n.lock().unwrap() += 1; }",
            "fn f(&self, by: u64) -> u64 { *self.n.lock().expect(\"n\") -= by; *self.n.lock().unwrap() }",
            "fn f(&self) { *self.n.lock().unwrap_or_else(|e| e.into_inner()) = self.compute(); }",
            "fn f(&self) { let mut n = self.n.lock().unwrap(); *n += 1; }",
            "fn f(&self, by: u64) { let mut n = self.n.lock().unwrap(); *n = n.wrapping_add(by); }",
            "fn f(&self, by: u64) { let mut n = self.n.lock().unwrap(); *n = *n + by; drop(n); self.log(); }",
            "fn f(&self) { let mut n = self.n.lock().unwrap(); *n += 1; drop(n); self.log(); }",
            "fn f(&self) -> u64 { let mut n = self.n.lock().unwrap(); *n += 1; *n }",
            "fn f(&self) -> u64 { let mut n = self.n.lock().unwrap(); let old = *n; *n += 1; old }",
            "fn f(&self) -> bool { *self.n.lock().unwrap() |= 4; if *self.n.lock().unwrap() > 3 { g(); } true }",
            "fn f(&self) -> V { *self.n.lock().unwrap() += 1; V { n: *self.n.lock().unwrap(), m: 1 } }",
        ] {
            fires(body);
        }
        check(
            &RULE,
            "use std::sync::Mutex; static $0N$0: Mutex<bool> = Mutex::new(false); fn f() { *N.lock().unwrap() = true; }",
        );
        check(
            &RULE,
            "use parking_lot::Mutex; struct S { $0n$0: Mutex<u32> } impl S { fn f(&self) { *self.n.lock() += 1; } fn g(&self) -> u32 { *self.n.lock() } fn h(&self) { let mut n = self.n.lock(); *n += 2; } }",
        );
        check(
            &RULE,
            "struct S { $0n$0: std::sync::Mutex<usize> } impl S { fn f(&self) { *self.n.lock().unwrap() += 1; } }",
        );
    }

    #[test]
    fn ignores_look_alikes() {
        let field = |body: &str| format!("use std::sync::Mutex; struct S {{ n: Mutex<u64> }} impl S {{ {body} }}");
        let texts: Vec<String> = [
            // The guard lives longer.
            "fn f(&self) { let mut n = self.n.lock().unwrap(); *n += 1; self.log(); }",
            "fn f(&self) { let mut n = self.n.lock().unwrap(); if *n < 3 { *n += 1; } }",
            "fn f(&self) { let mut n = self.n.lock().unwrap(); *n += self.compute(); }",
            "fn f(&self) { *self.n.lock().unwrap() += 1; match *self.n.lock().unwrap() { 1 => g(), _ => h() } }",
            "fn f(&self) { *self.n.lock().unwrap() += 1; for _ in 0..*self.n.lock().unwrap() { g(); } }",
            "fn f(&self) { *self.n.lock().unwrap() += 1; g(*self.n.lock().unwrap(), self.other()); }",
            "fn f(&self) { *self.n.lock().unwrap() += 1; println!(\"{}\", *self.n.lock().unwrap()); }",
            // It is handed on or waited with.
            "fn f(&self) { let mut n = self.n.lock().unwrap(); while *n > 0 { n = self.c.wait(n).unwrap(); } }",
            "fn f(&self) -> MutexGuard<u64> { *self.n.lock().unwrap() += 1; self.n.lock().unwrap() }",
            "fn f(&self) { *self.n.lock().unwrap() += 1; share(&self.n); }",
            "fn f(&mut self) { *self.n.lock().unwrap() += 1; *self.n.get_mut().unwrap() = 1; }",
            "fn f(&self) { if let Ok(mut n) = self.n.try_lock() { *n += 1; } }",
            "async fn f(&self) { *self.n.lock().await += 1; }",
            "fn f(&self) -> R { *self.n.lock()? += 1; Ok(()) }",
            // Nobody writes, or another operation is asked for.
            "fn f(&self) -> u64 { *self.n.lock().unwrap() }",
            "fn f(&self) { *self.n.lock().unwrap() *= 2; }",
        ]
        .iter()
        .map(|body| field(body))
        .chain(
            [
                "use std::sync::Mutex; pub struct S { pub n: Mutex<u64> } impl S { fn f(&self) { *self.n.lock().unwrap() += 1; } }",
                "use std::sync::Mutex; pub static N: Mutex<u64> = Mutex::new(0); fn f() { *N.lock().unwrap() += 1; }",
                "use parking_lot::Mutex; struct S { n: Mutex<u64> } impl S { fn f(&self) { *self.n.lock() += 1; if let Some(mut n) = self.n.try_lock() { *n = 0; } } }",
                "use parking_lot::Mutex; struct S { n: Mutex<u64> } impl S { fn f(&self) { let mut n = self.n.lock(); *n += 1; self.log(); } }",
                "use spin::Mutex; struct S { n: Mutex<u64> } impl S { fn f(&self) { *self.n.lock() += 1; } }",
                "use tokio::sync::Mutex; struct S { n: Mutex<u64> } impl S { fn f(&self) { *self.n.lock().unwrap() += 1; } }",
                "use std::sync::Mutex; struct S { n: Mutex<u128> } impl S { fn f(&self) { *self.n.lock().unwrap() += 1; } }",
                "use std::sync::Mutex; struct S { n: Mutex<f64> } impl S { fn f(&self) { *self.n.lock().unwrap() += 1.0; } }",
                "use std::sync::Mutex; struct S { n: Mutex<(u64, u64)> } impl S { fn f(&self) { self.n.lock().unwrap().0 += 1; } }",
                "use std::sync::{Arc, Mutex}; struct S { n: Arc<Mutex<u64>> } impl S { fn f(&self) { *self.n.lock().unwrap() += 1; } }",
                "#[cfg(test)] mod tests { use std::sync::Mutex; static N: Mutex<u64> = Mutex::new(0); fn f() { *N.lock().unwrap() += 1; } }",
            ]
            .map(str::to_owned),
        )
        .collect();
        check_ignores(&RULE, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
