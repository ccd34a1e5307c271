//! Channels that a loop asks again and again, with a sleep in between, whether a message has come.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::polls::{self, Polled};
use crate::source::{SourceFile, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("recv-by-polling"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "message polled for with a sleep in between",
    explain: EXPLAIN,
    triggers: &["try_recv"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds loops that ask a channel by `try_recv` and sleep where nothing has come.

## Why it costs

A message waits for half of the sleep on average, and for all of it at the p99; meanwhile the processor is woken for nothing.

## Before

```rust
while batch.len() < size {
    match rx.try_recv() {
        Ok(order) => batch.push(order),
        Err(TryRecvError::Empty) => tokio::time::sleep(Duration::from_millis(5)).await,
        Err(TryRecvError::Disconnected) => break,
    }
}
```

## After

```rust
while batch.len() < size {
    match rx.recv().await {
        Some(order) => batch.push(order),
        None => break,
    }
}
```

The receiver wakes when the message comes. A thread calls `recv()`, and a channel of tokio `blocking_recv()`.

## When it is refused

The arm for the empty channel does more than sleep; something else is looked at in each round, which would no longer be seen;
the sleep of the thread and the channel do not belong together; it is no channel of std, crossbeam or tokio (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let all = words::bodies_with(file, RULE.triggers).flat_map(shapes::exprs);
    let fact = |(around, polled): (&syn::Expr, Polled<'_>)| {
        let channel = file.range(&*polled.call.receiver);
        let shown = file.on_one_line(channel);
        let message = format!("`{shown}` is asked again after each sleep: a message waits for up to a whole sleep");
        Fact::at(file, file.range(polled.call)).capture("loop", file.range(around)).note("message", message)
    };
    all.filter_map(|expr| Some((expr, polls::polled(file, expr)?))).map(fact).collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_channels_that_are_polled() {
        for text in [
            "use tokio::sync::mpsc; async fn f(rx: &mut R, n: usize) -> V { let mut b = V::new(); while b.len() < n { match $0rx.try_recv()$0 { Ok(v) => b.push(v), Err(mpsc::error::TryRecvError::Empty) => { tokio::time::sleep(D).await; } Err(mpsc::error::TryRecvError::Disconnected) => break, } } b }",
            "use std::sync::mpsc::{Receiver, TryRecvError}; fn f(rx: &Receiver<u8>) -> V { let mut b = V::new(); loop { match $0rx.try_recv()$0 { Ok(v) => b.push(v), Err(TryRecvError::Empty) => thread::sleep(D), Err(TryRecvError::Disconnected) => return b } } }",
            "use std::sync::mpsc; fn f(rx: &mpsc::Receiver<u8>) -> u8 { loop { match $0rx.try_recv()$0 { Ok(v) => return v, Err(_) => {} } thread::sleep(D); } }",
            "impl S { fn f(&self) { loop { let job = match $0self.rx.try_recv()$0 { Ok(j) => j, Err(TryRecvError::Empty) => { std::thread::sleep(D); continue; } Err(_) => break }; job.go(); } } }",
            "use tokio::sync::mpsc; async fn f(mut rx: mpsc::Receiver<u8>) -> u8 { loop { if let Ok(v) = $0rx.try_recv()$0 { return v; } tokio::time::sleep(D).await; } }",
            "fn f(rx: &std::sync::mpsc::Receiver<J>) { loop { if let Ok(j) = $0rx.try_recv()$0 { j.go(); } else { thread::sleep(D); } } }",
            "fn f(rx: &std::sync::mpsc::Receiver<J>, stop: &AtomicBool) { while !stop.load(Relaxed) { match $0rx.try_recv()$0 { Ok(j) => j.go(), Err(TryRecvError::Empty) => thread::sleep(D), Err(TryRecvError::Disconnected) => break } } }",
            "fn f(rx: std::sync::mpsc::Receiver<J>) { thread::spawn(move || loop { match $0rx.try_recv()$0 { Ok(j) => j.go(), Err(_) => thread::sleep(D) } }); }",
            "use tokio::sync::mpsc::error::TryRecvError; fn f(mut rx: R) { loop { match $0rx.try_recv()$0 { Ok(j) => j.go(), Err(TryRecvError::Empty) => std::thread::sleep(D), Err(TryRecvError::Disconnected) => break } } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // It takes what is there, or does something else where nothing is.
                "fn f(rx: &mut R) { while let Ok(j) = rx.try_recv() { j.go(); } }",
                "fn f(rx: &std::sync::mpsc::Receiver<J>) { loop { match rx.try_recv() { Ok(j) => j.go(), Err(TryRecvError::Empty) => { tick(); thread::sleep(D); } Err(TryRecvError::Disconnected) => break } } }",
                "fn f(rx: &std::sync::mpsc::Receiver<J>) { loop { match rx.try_recv() { Ok(j) => j.go(), Err(TryRecvError::Empty) => return, Err(TryRecvError::Disconnected) => break } } }",
                // The sleep paces, whether a message came or not.
                "fn f(rx: &std::sync::mpsc::Receiver<J>) { loop { match rx.try_recv() { Ok(j) => j.go(), Err(_) => {} } thread::sleep(D); } }",
                "fn f(rx: &std::sync::mpsc::Receiver<J>) { loop { if let Ok(j) = rx.try_recv() { j.go(); } thread::sleep(D); } }",
                // Something else is looked at in each round, and a closed channel would be asked without end.
                "fn f(rx: &std::sync::mpsc::Receiver<J>, s: &A) { while !s.load(Relaxed) { match rx.try_recv() { Ok(j) => j.go(), Err(_) => thread::sleep(D) } } }",
                "fn f(rx: &std::sync::mpsc::Receiver<J>) { loop { if late() { return; } if let Ok(j) = rx.try_recv() { return; } thread::sleep(D); } }",
                "fn f(rx: &std::sync::mpsc::Receiver<J>) { loop { match rx.try_recv() { Ok(j) => j.go(), Err(_) => thread::sleep(D) } poll_other(); } }",
                // The error is looked at.
                "fn f(rx: &std::sync::mpsc::Receiver<J>) { loop { match rx.try_recv() { Ok(j) => j.go(), Err(TryRecvError::Empty) => thread::sleep(D), Err(e) => return log(e) } } }",
                // A channel of threads in a task.
                "async fn f(rx: std::sync::mpsc::Receiver<J>) { loop { match rx.try_recv() { Ok(j) => j.go(), Err(std::sync::mpsc::TryRecvError::Empty) => thread::sleep(D), Err(std::sync::mpsc::TryRecvError::Disconnected) => break } } }",
                // It waits already.
                "fn f(rx: &std::sync::mpsc::Receiver<J>) { loop { match rx.recv_timeout(D) { Ok(j) => j.go(), Err(_) => thread::sleep(D) } } }",
                "async fn f(rx: &mut R) { while let Some(j) = rx.recv().await { j.go(); tokio::time::sleep(D).await; } }",
                "#[test] fn f() { loop { match rx.try_recv() { Ok(j) => j.go(), Err(_) => thread::sleep(D) } } }",
            ],
        );
    }
}
