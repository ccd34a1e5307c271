//! Neighbouring statements that take the same lock one after the other and do little in between.

use crate::source::visit::code::Visit;

use super::lock_per_item::{Round, is_changed};
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::usage;
use crate::source::{SourceFile, locks, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("lock-taken-twice"),
    eye: Eye::Concurrency,
    kind: Kind::WideLock,
    class: Class::B,
    title: "lock taken again by the next statement",
    explain: EXPLAIN,
    triggers: &["lock", "read", "write"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds statements in a row that each take the same lock for a short look or change: `let a = m.lock().0; let b = m.lock().1;`,
or a check under the lock before the lock is taken for the change.

## Why it costs

Each lock is two atomic operations, and under contention a wait of its own. What was checked under the first may no longer
hold under the second.

## Before

```rust
let hits = self.stats.lock().unwrap().hits;
let misses = self.stats.lock().unwrap().misses;
```

## After

```rust
let stats_guard = self.stats.lock().unwrap();
let hits = stats_guard.hits;
let misses = stats_guard.misses;
drop(stats_guard);
```

Nobody comes in between the two any more. That is for a person to accept.

## When it is refused

The statements call anything that may wait, lock or take long (unknown functions and macros, `.await`, closures); they take
the lock in different ways (`read`, then `write`), or take another lock as well; the lock is that of nothing known (asked of
rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    if locks::calls(file) < 2 {
        return found;
    }
    for block in words::blocks_with(file, RULE.triggers) {
        let mut at = 0;
        while at < block.stmts.len() {
            match run(file, block, at) {
                Some((fact, end)) => {
                    found.push(fact);
                    at = end + 1;
                }
                None => at += 1,
            }
        }
    }
    found
}

/// The expressions of a short statement that take a lock; `None` where the statement is not short.
fn taken(stmt: &syn::Stmt) -> Option<Vec<&syn::Expr>> {
    let mut round = Round::default();
    round.visit_stmt(stmt);
    round.is_short.then_some(round.taken)
}

/// The statements from one on that take the same lock, and the index of the last of them.
fn run(file: &SourceFile, block: &syn::Block, start: usize) -> Option<(Fact, usize)> {
    let first = taken(&block.stmts[start])?;
    let [only] = first.as_slice() else { return None };
    let acquired = locks::acquired(only)?;
    let lock = usage::place(acquired.lock).filter(|p| p.is_plain)?;
    if named_guard(&block.stmts[start], only).is_some() {
        return None;
    }
    let (mut all, mut last, mut guard) = (vec![*only], start, None);
    for (at, stmt) in block.stmts.iter().enumerate().skip(start + 1) {
        let Some(here) = taken(stmt) else { break };
        if here.is_empty() {
            // One quiet statement may stand in between, no more: the lock would be held for longer.
            if at > last + 1 || rebinds(stmt, &lock.root) {
                break;
            }
            continue;
        }
        let [again] = here.as_slice() else { break };
        if !shapes::same(*again, *only) {
            break;
        }
        all.push(again);
        last = at;
        guard = named_guard(stmt, again);
        if guard.is_some() || rebinds(stmt, &lock.root) {
            break;
        }
    }
    if all.len() < 2 {
        return None;
    }
    let shown = file.on_one_line(file.range(acquired.lock));
    let mut fact = Fact::at(file, file.range(*only))
        .capture("lock", file.range(acquired.lock))
        .capture("before", file.range(&block.stmts[start]))
        .capture("last", file.range(&block.stmts[last]))
        .note("message", format!("`{shown}` is locked, unlocked, and locked again by the next statement"));
    if let Some(guard) = guard {
        let name = guard.name.to_string();
        let before = syn::Block { brace_token: block.brace_token, stmts: block.stmts[start..last].to_vec() };
        let is_taken =
            !usage::uses(file, &before, &name).is_empty() || !usage::bindings(file, &before, &name).is_empty();
        if is_taken {
            return None;
        }
        fact = fact.capture("guard", file.span_range(guard.name.span())).capture("statement", file.range(guard.local));
        all.pop();
    } else if all.iter().any(|taken| is_changed(block, taken)) {
        fact = fact.capture("changed", file.range(*only));
    }
    if matches!(&block.stmts[last], syn::Stmt::Expr(_, None)) && last + 1 == block.stmts.len() {
        fact = fact.capture("tail", file.range(&block.stmts[last]));
    }
    if acquired.call.method != "lock" {
        fact = fact.capture("shared", file.range(acquired.lock));
    }
    for expr in all {
        fact = fact.capture("taken", TextRange { start: file.range(expr).start, end: file.range(expr).end });
    }
    Some((fact, last))
}

/// The `let` that gives the guard a name.
fn named_guard<'a>(stmt: &'a syn::Stmt, taken: &syn::Expr) -> Option<shapes::Let<'a>> {
    shapes::plain_let(stmt).filter(|l| std::ptr::eq(l.value, taken))
}

fn rebinds(stmt: &syn::Stmt, name: &str) -> bool {
    matches!(stmt, syn::Stmt::Local(local) if crate::source::names::bound_by(&local.pat).iter().any(|n| n == name))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_the_next_statement_locks_again() {
        for text in [
            "fn f(m: &Mutex<(u64, u64)>) -> u64 { let a = $0m.lock().unwrap()$0.0; let b = m.lock().unwrap().1; a + b }",
            "impl S { fn f(&self) -> u64 { let a = $0self.m.lock()$0.a; let b = self.m.lock().b; a + b } }",
            "fn f(m: &Mutex<M>, k: &str) -> Option<u64> { if $0m.lock().unwrap()$0.get(k).is_none() { return None; } let mut g = m.lock().unwrap(); let v = g.get_mut(k)?; v.n += 1; Some(v.n) }",
            "fn f(l: &RwLock<V>) -> usize { let a = $0l.read().unwrap()$0.len(); let b = l.read().unwrap().capacity(); a + b }",
            "fn f(m: &Mutex<V>, x: u8) { $0m.lock().unwrap()$0.push(x); m.lock().unwrap().push(x); }",
            "fn f(m: &Mutex<V>, x: u8) { $0m.lock().unwrap()$0.push(x); let y = x + 1; m.lock().unwrap().push(y); h(); }",
            "fn f(m: &Mutex<V>) -> usize { $0m.lock().unwrap()$0.clear(); m.lock().unwrap().len() }",
            "fn f(m: &Mutex<V>, k: u8) { if !$0m.lock().unwrap()$0.contains(&k) { m2(); } }"
                .replace("{ m2(); }", "{ return; } m.lock().unwrap().insert(k);")
                .as_str(),
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(m: &Mutex<V>) { let a = m.lock().unwrap().len(); }",
                "fn f(m: &Mutex<V>, n: &Mutex<V>) { let a = m.lock().unwrap().len(); let b = n.lock().unwrap().len(); }",
                "fn f(l: &RwLock<V>) { let a = l.read().unwrap().len(); l.write().unwrap().push(a); }",
                "fn f(m: &Mutex<V>) { let a = m.lock().unwrap().len(); compute(a); m.lock().unwrap().push(a); }",
                "fn f(m: &Mutex<V>) { let a = m.lock().unwrap().len(); std::thread::sleep(D); m.lock().unwrap().push(a); }",
                "fn f(m: &Mutex<V>) { let a = m.lock().unwrap().len(); println!(\"{a}\"); m.lock().unwrap().push(a); }",
                "fn f(m: &Mutex<V>) { let a = m.lock().unwrap().len(); let b = load(a); m.lock().unwrap().push(b); }",
                "async fn f(m: &Mutex<V>) { let a = m.lock().await.len(); let b = m.lock().await.cap(); }",
                "fn f(m: &Mutex<V>) { let g = m.lock().unwrap(); drop(g); let g = m.lock().unwrap(); k(g); }",
                "fn f(m: &Mutex<V>) { if m.lock().unwrap().is_empty() { refill(m); } m.lock().unwrap().pop(); }",
                "fn f(m: &Mutex<V>) { { m.lock().unwrap().pop(); } yield_now(); { m.lock().unwrap().pop(); } }",
                "fn f(ms: &[Mutex<V>]) { let a = ms[0].lock().unwrap().len(); let b = ms[0].lock().unwrap().len(); }",
                "fn f(m: &Mutex<V>) { let m2 = m.lock().unwrap().next(); let b = m.lock().unwrap().len(); }",
                "#[test] fn f() { let a = m.lock().unwrap().0; let b = m.lock().unwrap().1; }",
            ],
        );
    }
}
