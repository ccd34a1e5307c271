//! Runtimes and clients that a loop builds anew in each round.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::made_in_loop::{Made, made_in_loop};
use crate::source::{SourceFile, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("runtime-in-loop"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "runtime or client built anew in each round",
    explain: EXPLAIN,
    triggers: &["Runtime", "Builder", "Client", "Agent", "ThreadPoolBuilder"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds loops that build a runtime of tokio, a pool of threads or an HTTP client in each round.

## Why it costs

A runtime starts a thread for each core and joins them when it is dropped; a client loads certificates and throws its
connections away. Each is milliseconds per round, in which nothing else happens.

## Before

```rust
for amount in amounts {
    let rt = Runtime::new()?;
    total += rt.block_on(authorise(*amount))?;
}
```

## After

```rust
let rt = Runtime::new()?;
for amount in amounts {
    total += rt.block_on(authorise(*amount))?;
}
```

It is now built even where there is no round, and what one round leaves running on it goes on in the next. That is for a
person to accept.

## When it is refused

What it is built of depends on the round; it is moved, or shut down, in the round; the name is used outside of the loop.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let fact = |made: &Made<'_>| {
        let (local, around) = made.ranges(file);
        Fact::at(file, local)
            .capture("name", file.span_range(made.name.span()))
            .capture("before", around)
            .note("message", format!("each round builds `{}` anew and throws it away", made.name))
    };
    made_in_loop(file, is_costly).iter().map(fact).collect()
}

fn is_costly(expr: &syn::Expr) -> bool {
    let is_call = |path: &[&str]| shapes::call(expr, path).is_some();
    if is_call(&["Runtime", "new"]) || is_call(&["Client", "new"]) || is_call(&["Agent", "new"]) {
        return true;
    }
    let Some(build) = shapes::method(expr, "build", 0) else { return false };
    let root = shapes::chain_root(&build.receiver);
    let is_root = |path: &[&str]| shapes::call(root, path).is_some();
    is_root(&["Builder", "new_current_thread"])
        || is_root(&["Builder", "new_multi_thread"])
        || is_root(&["Client", "builder"])
        || is_root(&["ClientBuilder", "new"])
        || is_root(&["ThreadPoolBuilder", "new"])
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_what_each_round_builds() {
        for text in [
            "fn f(xs: &[u8]) -> R { for x in xs { $0let rt = Runtime::new()?;$0 rt.block_on(g(x)); } Ok(()) }",
            "fn f(xs: &[u8]) { for x in xs { $0let rt = tokio::runtime::Runtime::new().expect(\"runtime\");$0 out.push(rt.block_on(g(x))); } }",
            "fn f(xs: &[u8]) -> R { for x in xs { $0let rt = Runtime::new().map_err(|e| e.to_string())?;$0 rt.block_on(g(x))?; } Ok(()) }",
            "fn f(xs: &[u8]) { for x in xs { $0let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();$0 rt.block_on(g(x)); } }",
            "async fn f(xs: &[S]) -> R { for x in xs { $0let c = reqwest::Client::new();$0 c.get(x).send().await?; } Ok(()) }",
            "fn f(xs: &[S], t: D) -> R { for x in xs { $0let c = Client::builder().timeout(t).build()?;$0 c.get(x).send()?; } Ok(()) }",
            "fn f(q: &Q) -> R { while let Some(x) = q.pop() { $0let rt = Runtime::new()?;$0 rt.block_on(g(x)); } Ok(()) }",
            "fn f(xs: &[u8]) -> R { for x in xs { let y = h(x); $0let pool = ThreadPoolBuilder::new().num_threads(4).build()?;$0 pool.install(|| g(y)); } Ok(()) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(xs: &[u8]) -> R { let rt = Runtime::new()?; for x in xs { rt.block_on(g(x)); } Ok(()) }",
                "fn f(xs: &[D]) -> R { for x in xs { let c = Client::builder().timeout(*x).build()?; c.get(u).send()?; } Ok(()) }",
                "fn f(xs: &[u8]) -> R { for x in xs { let rt = Runtime::new()?; keep(rt); } Ok(()) }",
                "fn f(xs: &[u8]) -> R { for x in xs { let rt = Runtime::new()?; rts.push(rt); } Ok(()) }",
                "fn f(xs: &[u8]) -> R { for x in xs { if x.bad { let rt = Runtime::new()?; rt.block_on(g(x)); } } Ok(()) }",
                "fn f(xs: &[u8]) -> R { for x in xs { let c = Connection::new()?; c.run(x); } Ok(()) }",
                "fn f(xs: &[u8]) -> R { for x in xs { let b = Builder::new().name(n).build()?; b.run(x); } Ok(()) }",
                "fn f(xs: &[u8]) -> R { for x in xs { let rt = Runtime::new()?; } Ok(()) }",
                "fn f() -> R { let rt = Runtime::new()?; rt.block_on(g()) }",
                "fn f(rt: u8, xs: &[u8]) { for x in xs { let rt = Runtime::new().unwrap(); rt.block_on(g(x)); } h(rt); }",
                "fn f(xs: &[u8]) { xs.iter().for_each(|x| { let rt = Runtime::new().unwrap(); rt.block_on(g(x)); }); }",
                "fn f(xs: &[C]) { for x in xs { let c = Client::builder().agent(x.name()).build().unwrap(); c.get(u); } }",
                "#[test] fn f() { for x in xs { let rt = Runtime::new().unwrap(); rt.block_on(g(x)); } }",
            ],
        );
    }
}
