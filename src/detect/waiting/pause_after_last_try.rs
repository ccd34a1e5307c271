//! Loops that try a few times and pause after each try, after the last as well.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::names::{self, mentions, peel};
use crate::source::usage;
use crate::source::{SourceFile, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("pause-after-last-try"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "pause behind the last try",
    explain: EXPLAIN,
    triggers: &["sleep"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `for attempt in 1..=3` loops that leave when they succeed and else end each round with a sleep, where nothing but a failure
follows the loop.

## Why it costs

No try follows the last sleep: the caller waits for it, often the longest of all, only to be told that it failed.

## Before

```rust
for attempt in 1..=3 {
    if self.once(post).await? {
        return Ok(());
    }
    tokio::time::sleep(pause).await;
    pause *= 2;
}
Err(Error::Overloaded)
```

## After

```rust
for attempt in 1..=3 {
    if self.once(post).await? {
        return Ok(());
    }
    if attempt < 3 {
        tokio::time::sleep(pause).await;
    }
    pause *= 2;
}
Err(Error::Overloaded)
```

The failure is told one pause sooner. That is for a person to accept.

## When it is refused

Something is tried or asked behind the loop; the loop never leaves early, so that the sleeps are its pace; a condition looks at the
number of the try already; the length of the pause is computed with an effect; what follows the sleep in the round is used behind
the loop.
";

/// Methods of durations and numbers that compute.
const COMPUTES: &[&str] = &[
    "as_millis",
    "as_secs",
    "checked_mul",
    "from_millis",
    "from_secs",
    "max",
    "min",
    "mul_f32",
    "mul_f64",
    "pow",
    "saturating_add",
    "saturating_mul",
    "unwrap_or",
    "wrapping_mul",
];

/// Macros that write a line and go on.
const LINES: &[&str] = &["debug", "eprintln", "error", "info", "println", "trace", "warn"];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        for (index, stmt) in block.stmts.iter().enumerate() {
            if let syn::Stmt::Expr(syn::Expr::ForLoop(around), _) = stmt {
                found.extend(paused(file, around, &block.stmts[index + 1..]));
            }
        }
    }
    found
}

fn paused(file: &SourceFile, around: &syn::ExprForLoop, after: &[syn::Stmt]) -> Option<Fact> {
    let syn::Expr::Range(range) = peel(&around.expr) else { return None };
    let (start, end) = (range.start.as_deref()?, range.end.as_deref()?);
    let is_plain = shapes::is_quiet(end) && !matches!(end, syn::Expr::MethodCall(_));
    if !matches!(start, syn::Expr::Lit(_)) || !is_plain {
        return None;
    }
    let name = match &*around.pat {
        syn::Pat::Ident(p) if p.by_ref.is_none() && p.mutability.is_none() => Some(p.ident.to_string()),
        syn::Pat::Wild(_) => None,
        _ => return None,
    };
    let sleep = pause(file, &around.body.stmts, after)?;
    let leaves = shapes::exits(&around.body).iter().any(|e| matches!(e, shapes::Exit::Return | shapes::Exit::Break));
    let is_counted = |expr: &&syn::Expr| match expr {
        syn::Expr::If(i) => name.as_ref().is_some_and(|name| mentions(&i.cond, name)),
        syn::Expr::Match(m) => name
            .as_ref()
            .is_some_and(|name| mentions(&m.expr, name) || m.arms.iter().any(|arm| mentions(&arm.pat, name))),
        _ => false,
    };
    let is_known = shapes::exprs(&around.body).iter().any(is_counted);
    if !leaves || is_known || around.label.is_some() || !only_fails(after) {
        return None;
    }
    let message = "the pause behind the last try delays nothing but the failure";
    Some(
        Fact::at(file, file.range(sleep))
            .capture("pattern", file.range(&*around.pat))
            .capture("range", file.range(&*around.expr))
            .note("message", message),
    )
}

/// The sleep with which a round ends, but for updates of what nobody sees behind the loop.
fn pause<'a>(file: &SourceFile, stmts: &'a [syn::Stmt], after: &[syn::Stmt]) -> Option<&'a syn::Stmt> {
    for stmt in stmts.iter().rev() {
        if is_sleep(file, stmt) {
            return Some(stmt);
        }
        match stmt {
            stmt if is_update(stmt, after) => {}
            syn::Stmt::Expr(syn::Expr::Match(m), _) => {
                return m.arms.iter().find_map(|arm| match &*arm.body {
                    syn::Expr::Block(b) => pause(file, &b.block.stmts, after),
                    _ => None,
                });
            }
            syn::Stmt::Expr(syn::Expr::If(i), _) => {
                let other = shapes::else_block(i).and_then(|block| pause(file, &block.stmts, after));
                return other.or_else(|| pause(file, &i.then_branch.stmts, after));
            }
            _ => return None,
        }
    }
    None
}

/// `std::thread::sleep(…);` and `tokio::time::sleep(…).await;` with a length that only computes.
fn is_sleep(file: &SourceFile, stmt: &syn::Stmt) -> bool {
    let syn::Stmt::Expr(expr, Some(_)) = stmt else { return false };
    let (call, is_awaited) = match expr {
        syn::Expr::Await(a) => (&*a.base, true),
        other => (other, false),
    };
    let owners: &[&str] = if is_awaited { &["time"] } else { &["thread"] };
    let imported = names::imports(file, "sleep")
        .iter()
        .any(|path| path == if is_awaited { "tokio::time::sleep" } else { "std::thread::sleep" });
    let called = owners.iter().find_map(|owner| shapes::call(call, &[owner, "sleep"]));
    let bare = || {
        shapes::call(call, &["sleep"])
            .filter(|c| imported && matches!(&*c.func, syn::Expr::Path(p) if p.path.segments.len() == 1))
    };
    called.or_else(bare).is_some_and(|call| call.args.iter().all(computes))
}

/// True for names, literals, sums and products, and what durations compute.
fn computes(expr: &syn::Expr) -> bool {
    shapes::exprs_in(expr).into_iter().all(|expr| match expr {
        syn::Expr::Call(call) => match &*call.func {
            syn::Expr::Path(p) => p.path.segments.iter().rev().nth(1).is_some_and(|owner| {
                let owner = owner.ident.to_string();
                owner == "Duration" || owner.starts_with(['u', 'i', 'f']) && owner[1..].parse::<u8>().is_ok()
            }),
            _ => false,
        },
        syn::Expr::MethodCall(call) => {
            COMPUTES.iter().any(|name| call.method == name) || usage::is_pure_reading_method(&call.method.to_string())
        }
        syn::Expr::Assign(_)
        | syn::Expr::Macro(_)
        | syn::Expr::Await(_)
        | syn::Expr::Try(_)
        | syn::Expr::Closure(_) => false,
        syn::Expr::Binary(b) => !usage::is_assignment(&b.op),
        _ => true,
    })
}

/// `pause *= 2;`: a local changes that nothing behind the loop looks at.
fn is_update(stmt: &syn::Stmt, after: &[syn::Stmt]) -> bool {
    let syn::Stmt::Expr(expr, Some(_)) = stmt else { return false };
    let (left, right) = match expr {
        syn::Expr::Assign(a) => (&*a.left, &*a.right),
        syn::Expr::Binary(b) if usage::is_assignment(&b.op) => (&*b.left, &*b.right),
        _ => return false,
    };
    let name = names::plain_name(left).map(ToString::to_string);
    name.is_some_and(|name| after.iter().all(|stmt| shapes::count(stmt, &name) == 0)) && computes(right)
}

/// True if nothing but a failure follows: log lines, and an error as the value of the block.
fn only_fails(after: &[syn::Stmt]) -> bool {
    let Some((last, before)) = after.split_last() else { return false };
    let is_line = |stmt: &syn::Stmt| match stmt {
        syn::Stmt::Macro(m) => m.mac.path.segments.last().is_some_and(|s| LINES.iter().any(|line| s.ident == line)),
        _ => false,
    };
    let fails = match last {
        syn::Stmt::Expr(expr, _) => is_failure(expr),
        syn::Stmt::Macro(m) => {
            ["bail", "panic"].iter().any(|name| m.mac.path.segments.last().is_some_and(|s| s.ident == name))
        }
        _ => false,
    };
    fails && before.iter().all(is_line) && !after.iter().any(|stmt| mentions(stmt, "await"))
}

fn is_failure(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Return(r) => r.expr.as_deref().is_some_and(is_failure),
        syn::Expr::Path(p) => p.path.is_ident("None"),
        syn::Expr::Call(call) => matches!(&*call.func, syn::Expr::Path(p) if p.path.is_ident("Err")),
        syn::Expr::Match(m) => m.arms.iter().all(|arm| is_failure(&arm.body)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_pauses_that_no_try_follows() {
        for text in [
            "async fn f() -> R { for n in 1..=3u32 { if once().await? { return Ok(()); } warn!(\"{n}\"); $0tokio::time::sleep(pause).await;$0 pause *= 2; } Err(E::Busy) }",
            "fn f() -> R { for _ in 0..TRIES { match once() { Ok(v) => return Ok(v), Err(e) => { warn!(\"{e}\"); $0std::thread::sleep(Duration::from_millis(50));$0 } } } Err(E::Busy) }",
            "fn f() -> R { let mut last = None; for n in 0..3 { match once() { Ok(v) => return Ok(v), Err(e) => last = Some(e), } $0thread::sleep(BASE * 2);$0 } Err(last.unwrap()) }",
            "fn f() -> Option<u8> { for n in 0..3 { if let Some(v) = once() { return Some(v); } $0thread::sleep(base.saturating_mul(n));$0 } error!(\"gone\"); None }",
            "use tokio::time::sleep; async fn f() -> R { for n in 0..3 { if ok().await { return Ok(()); } else { $0sleep(PAUSE).await;$0 } } Err(E) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Something is tried or asked behind the loop, or it gives a value.
                "fn f() -> R { for n in 0..3 { if ok() { return Ok(()); } thread::sleep(P); } once() }",
                "async fn f() -> R { for n in 0..3 { if ok() { return Ok(()); } time::sleep(P).await; } Err(why().await) }",
                "fn f() -> bool { for n in 0..3 { if ok() { return true; } thread::sleep(P); } ok() }",
                "fn f() { for n in 0..3 { if ok() { break; } thread::sleep(P); } go() }",
                "fn f() -> R { for n in 0..3 { if ok() { return Ok(()); } thread::sleep(P); } if ok() { return Ok(()); } Err(E) }",
                // The sleeps are the pace of the work, or the last is left out already.
                "fn f() -> R { for n in 0..3 { step(n); thread::sleep(P); } Err(E) }",
                "fn f() -> R { for n in 0..3 { if ok() { return Ok(()); } if n < 2 { thread::sleep(P); } } Err(E) }",
                "fn f() -> R { for n in 0..3 { match once() { Ok(v) => return Ok(v), Err(e) if n == 2 => return Err(e), Err(_) => { thread::sleep(P); } } } Err(E) }",
                "fn f(xs: &[X]) -> R { for x in xs { if ok(x) { return Ok(()); } thread::sleep(P); } Err(E) }",
                "fn f() -> R { for n in 0..3 { thread::sleep(P); if ok() { return Ok(()); } } Err(E) }",
                // The pause has an effect, or what follows it is seen.
                "fn f() -> R { for n in 0..3 { if ok() { return Ok(()); } thread::sleep(backoff.advance()); } Err(E) }",
                "fn f() -> R { for n in 0..3 { if ok() { return Ok(()); } thread::sleep(P); waited += 1; } Err(E::After(waited)) }",
                "fn f() -> R { for n in 0..3 { if ok() { return Ok(()); } thread::sleep(P); note(n); } Err(E) }",
                "fn f() -> R { for n in 0..3 { if ok() { return Ok(()); } bed.sleep(P); } Err(E) }",
                "async fn f() -> R { for n in 0..3 { if ok() { return Ok(()); } sleep(P).await; } Err(E) }",
                "#[test] fn f() { for n in 0..3 { if ok() { return; } thread::sleep(P); } panic!(\"late\"); }",
            ],
        );
    }
}
