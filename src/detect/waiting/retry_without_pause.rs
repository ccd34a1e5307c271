//! Loops that try again at once, without end, when what they try fails.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::names::mentions;
use crate::source::{SourceFile, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("retry-without-pause"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::C,
    title: "tried again at once and without end",
    explain: EXPLAIN,
    triggers: &["Err"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `loop { match call() { Ok(v) => return v, Err(_) => continue } }`: nothing between two attempts, no limit of attempts
and no deadline.

## Why it costs

A failure that lasts turns every caller into a stream of calls, just when the other side is slow; the caller's latency has no
bound. Where the layer below retries as well, the attempts multiply.

## Before

```rust
loop {
    match self.acquirer.ask(&question) {
        Ok(answer) => return Ok(answer),
        Err(_) => continue,
    }
}
```

## After

```rust
for attempt in 0..3 {
    match self.acquirer.ask(&question) {
        Ok(answer) => return Ok(answer),
        Err(error) if attempt == 2 || Instant::now() >= deadline => return Err(error),
        Err(_) => std::thread::sleep(pause(attempt)),
    }
}
```

How often it is right to try, how long to wait in between and whether the call may be made twice at all is for a person to
decide: there is no automatic rewrite.

## When it is refused

Not reported: loops that wait, count, or look at a clock; loops over what is read or received, whose next attempt is another
thing; a compare-and-swap, which is tried again by design.
";

/// Words by which a loop waits, counts, or asks for something new each time.
const BOUNDED: &[&str] = &[
    "sleep",
    "delay",
    "backoff",
    "timeout",
    "interval",
    "tick",
    "deadline",
    "attempt",
    "attempts",
    "tries",
    "retries",
    "elapsed",
    "now",
    "wait",
    "recv",
    "accept",
    "next",
    "read",
    "read_line",
    "pop",
    "park",
    "yield_now",
    "spin_loop",
    "compare_exchange",
    "compare_exchange_weak",
    "try_recv",
    "select",
    "poll",
];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        for expr in shapes::exprs(body) {
            if let syn::Expr::Loop(around) = expr
                && let [syn::Stmt::Expr(syn::Expr::Match(node), _)] = around.body.stmts.as_slice()
                && is_retry(node)
                && BOUNDED.iter().all(|word| !mentions(&around.body, word))
            {
                let message = "a failure is tried again at once and without end";
                found.push(Fact::at(file, file.range(&*node.expr)).note("message", message));
            }
        }
    }
    found
}

/// One arm leaves with what was found, the other tries again whatever went wrong.
fn is_retry(node: &syn::ExprMatch) -> bool {
    let is_call = match &*node.expr {
        syn::Expr::Await(a) => matches!(*a.base, syn::Expr::Call(_) | syn::Expr::MethodCall(_)),
        other => matches!(other, syn::Expr::Call(_) | syn::Expr::MethodCall(_)),
    };
    let [first, second] = node.arms.as_slice() else { return false };
    let of = |arm: &syn::Arm, variant: &str| matches!(&arm.pat, syn::Pat::TupleStruct(t) if t.path.is_ident(variant));
    let (ok, err) = if of(first, "Ok") { (first, second) } else { (second, first) };
    let leaves = shapes::exits_of(&ok.body).iter().any(|e| matches!(e, shapes::Exit::Return | shapes::Exit::Break));
    let stays = shapes::exits_of(&err.body).iter().all(|e| matches!(e, shapes::Exit::Continue | shapes::Exit::Await));
    is_call && of(ok, "Ok") && of(err, "Err") && leaves && stays
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_endless_attempts() {
        for text in [
            "fn f() -> u8 { loop { match $0ask()$0 { Ok(v) => return v, Err(_) => continue } } }",
            "fn f() -> u8 { loop { match $0ask()$0 { Ok(v) => break v, Err(_) => {} } } }",
            "fn f(a: &A) -> u8 { loop { match $0a.ask(1)$0 { Err(e) => log(e), Ok(v) => return v } } }",
            "async fn f(a: &A) -> u8 { loop { match $0a.ask(1).await$0 { Ok(v) => return v, Err(_) => {} } } }",
            "fn f() -> u8 { let v = loop { match $0ask()$0 { Ok(v) => break v, Err(_) => continue } }; v }",
            "fn f() { 'a: loop { match $0ask()$0 { Ok(v) => { g(v); break 'a; } Err(e) => { log(e); } } } }",
            "impl S { fn f(&mut self) -> u8 { loop { match $0self.ask()$0 { Ok(v) => return v, Err(_) => self.failures += 1 } } } }",
            "fn f() { for x in xs { loop { match $0put(x)$0 { Ok(()) => break, Err(_) => {} } } } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f() -> R { loop { match ask() { Ok(v) => return Ok(v), Err(e) => return Err(e) } } }",
                "fn f() -> u8 { loop { match ask() { Ok(v) => return v, Err(_) => sleep(D) } } }",
                "fn f() -> u8 { loop { match ask() { Ok(v) => return v, Err(_) => { attempts += 1; } } } }",
                "fn f() -> R { loop { match ask() { Ok(v) => return Ok(v), Err(e) if e.fatal => return Err(e), Err(_) => {} } } }",
                "fn f() -> R { loop { match ask() { Ok(v) => return Ok(v), Err(e) => { if e.fatal { break Err(e); } } } } }",
                "fn f(a: &AtomicU8) { loop { match a.compare_exchange(1, 2, X, Y) { Ok(_) => return, Err(_) => {} } } }",
                "fn f(r: &R) -> u8 { loop { match r.recv() { Ok(v) => return v, Err(_) => {} } } }",
                "fn f(r: &R) -> u8 { loop { match r.read(&mut b) { Ok(n) => return n, Err(_) => {} } } }",
                "fn f(l: &L) { loop { match l.accept() { Ok(s) => break, Err(_) => {} } } }",
                "fn f() -> u8 { for _ in 0..3 { match ask() { Ok(v) => return v, Err(_) => {} } } 0 }",
                "fn f() -> u8 { while a() { match ask() { Ok(v) => return v, Err(_) => {} } } 0 }",
                "fn f() { loop { match ask() { Ok(v) => g(v), Err(_) => {} } } }",
                "fn f() -> u8 { loop { tick(); match ask() { Ok(v) => return v, Err(_) => {} } } }",
                "fn f() -> u8 { loop { match state { Ok(v) => return v, Err(_) => {} } } }",
                "fn f() -> u8 { loop { match ask() { Some(v) => return v, None => {} } } }",
                "#[test] fn f() { loop { match ask() { Ok(v) => return, Err(_) => {} } } }",
            ],
        );
    }
}
