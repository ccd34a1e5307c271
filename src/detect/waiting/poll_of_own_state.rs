//! Loops that sleep until a field of their own struct has changed, which other methods of the struct could tell them.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::own_polls::{OwnPoll, own_polls};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("poll-of-own-state"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "own state polled although its writers could tell",
    explain: EXPLAIN,
    triggers: &["sleep"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds methods that look at an atomic or behind a lock of `self`, sleep, and look again, where other methods of the same struct
make the change that is waited for.

## Why it costs

On average half of the sleep passes between the change and the next look, and at the p99 all of it; meanwhile every look
wakes the processor for nothing.

## Before

```rust
pub fn mark_ready(&self) {
    self.ready.store(true, Ordering::Release);
}

pub async fn wait_until_ready(&self) {
    while !self.ready.load(Ordering::Acquire) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
```

## After

```rust
pub fn mark_ready(&self) {
    self.ready.store(true, Ordering::Release);
    self.ready_changed.notify_waiters();
}

pub async fn wait_until_ready(&self) {
    while !self.ready.load(Ordering::Acquire) {
        let changed = self.ready_changed.notified();
        if !self.ready.load(Ordering::Acquire) {
            let _ = tokio::time::timeout(Duration::from_millis(50), changed).await;
        }
    }
}
```

A thread waits on a `Condvar`. The old pause stays as the longest time between two looks, so that a change that nobody tells
of is seen as late as it was before.

## When it is refused

The loop does anything but look and sleep; no method of the struct makes the change by itself; the struct derives more than
`Debug` and `Default`, has nothing but public fields, or is taken apart by a pattern; a thread waits for what is behind
anything but an atomic or a `Mutex` of std or parking_lot.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let fact = |poll: &OwnPoll<'_>| {
        let name = poll.field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
        let message = format!("`{name}` is looked at again after each sleep, though who changes it could tell");
        Fact::at(file, file.range(poll.sleep)).capture("loop", file.range(poll.around)).note("message", message)
    };
    own_polls(file).iter().map(fact).collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    /// A struct with a flag and a queue, and these methods.
    fn with(methods: &str) -> String {
        format!(
            "use std::sync::Mutex; use std::sync::atomic::AtomicBool;
            pub struct S {{ ready: AtomicBool, jobs: Mutex<VecDeque<u8>>, n: u8 }}
            impl S {{ {methods} }}"
        )
    }

    #[test]
    fn fires_where_another_method_makes_the_change() {
        for methods in [
            "fn set(&self) { self.ready.store(true, Release); } async fn wait(&self) { while !self.ready.load(Acquire) { $0tokio::time::sleep(D).await;$0 } }",
            "fn set(&self) { self.ready.store(true, Release); } fn wait(&self) { while !self.ready.load(Acquire) { $0std::thread::sleep(D);$0 } }",
            "fn set(&self) { self.ready.store(true, Release); } fn wait(&self) { loop { if self.ready.load(Acquire) { break; } $0thread::sleep(self.pause);$0 } }",
            "fn add(&self, j: u8) { self.jobs.lock().unwrap().push_back(j); } fn next(&self) -> u8 { loop { if let Some(j) = self.jobs.lock().unwrap().pop_front() { return j; } $0thread::sleep(Duration::from_millis(5));$0 } }",
            "fn add(&self, j: u8) { let mut q = self.jobs.lock().unwrap(); q.push_back(j); } fn next(&self) -> O { loop { if self.ready.load(Acquire) { return None; } if let Some(j) = self.jobs.lock().unwrap().pop_front() { return Some(j); } $0thread::sleep(D);$0 } }",
            "fn set(&self) { self.ready.swap(true, Release); } async fn next(&self) -> O { loop { if let Some(j) = self.jobs.lock().unwrap().pop_front() { return Some(j); } if self.ready.load(Acquire) { return None; } $0tokio::time::sleep(D).await;$0 } }",
            "fn set(&self, q: Q) { *self.jobs.lock().unwrap() = q; } fn wait(&self) { while self.jobs.lock().unwrap().is_empty() { $0thread::sleep(D);$0 } }",
            "async fn set(&self) { if a { self.ready.store(true, Release); } } async fn wait(&self) -> u8 { while !self.ready.load(Acquire) { $0sleep(D).await;$0 } self.n }",
        ] {
            check(&RULE, &with(methods));
        }
    }

    #[test]
    fn ignores_look_alikes() {
        let texts: Vec<String> = [
            // Nobody here makes the change.
            "fn wait(&self) { while !self.ready.load(Acquire) { thread::sleep(D); } }",
            "fn next(&self) { loop { if let Some(j) = self.jobs.lock().unwrap().pop() { return; } thread::sleep(D); } } fn drop_all(&self) { self.jobs.lock().unwrap().clear(); }",
            // It paces, beats or works.
            "fn set(&self) { self.ready.store(true, Release); } fn beat(&self) { while !self.ready.load(Acquire) { self.tick(); thread::sleep(D); } }",
            "fn set(&self) { self.ready.store(true, Release); } fn beat(&self) { loop { if self.ready.load(Acquire) { return; } self.tick(); thread::sleep(D); } }",
            "fn set(&self) { self.ready.store(true, Release); } fn beat(&self) { for _ in 0..3 { if self.ready.load(Acquire) { return; } thread::sleep(D); } }",
            "fn set(&self) { self.ready.store(true, Release); } fn beat(&self) { while !self.ready.load(Acquire) { thread::sleep(jitter()); } }",
            // It looks at the world.
            "fn set(&self) { self.ready.store(true, Release); } fn wait(&self, p: &Path) { while p.exists() { thread::sleep(D); } }",
            "fn set(&self) { self.ready.store(true, Release); } fn wait(&self) { while !self.is_done() { thread::sleep(D); } }",
            "fn set(&self) { self.ready.store(true, Release); } fn wait(&self) { while probe(&self.ready) { thread::sleep(D); } }",
            // It waits already, or sleeps once.
            "fn set(&self) { self.ready.store(true, Release); } async fn wait(&self) { while !self.ready.load(Acquire) { self.told.notified().await; } }",
            "fn set(&self) { self.ready.store(true, Release); } fn wait(&self) { if !self.ready.load(Acquire) { thread::sleep(D); } }",
            // A thread's sleep in a task, a flag of somebody else.
            "fn set(&self) { self.ready.store(true, Release); } async fn wait(&self) { while !self.ready.load(Acquire) { thread::sleep(D); } }",
            "fn set(&self) { self.ready.store(true, Release); } fn wait(&self, f: &AtomicBool) { while !f.load(Acquire) { thread::sleep(D); } }",
        ]
        .iter()
        .map(|methods| with(methods))
        .collect();
        check_ignores(&RULE, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
