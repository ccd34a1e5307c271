//! Guards of small values that could be copied out of their lock before the work that reads them.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::functions::{derives, items};
use crate::source::usage::{self, How, Use};
use crate::source::{SourceFile, locks, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("copy-under-guard"),
    eye: Eye::Concurrency,
    kind: Kind::WideLock,
    class: Class::B,
    title: "lock held while a copy of what it guards would do",
    explain: EXPLAIN,
    triggers: &["lock", "read"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds guards (`let curve = self.curve.lock().unwrap();`) of a number, or of a struct of the file that is `Copy`, which are only read, by
a loop, a wait, input or output, or while a text is made.

## Why it costs

Everybody else who wants the lock waits until the work is done, though the work needs no more than the few bytes as they were when it
began.

## Before

```rust
let curve = self.curve.lock().unwrap();
for level in levels {
    best = best.min(curve.fixed / level);
}
```

## After

```rust
let curve = *self.curve.lock().unwrap();
for level in levels {
    best = best.min(curve.fixed / level);
}
```

The work goes on with the values as they were when it began. That is for a person to accept.

## When it is refused

The guard is handed on, dropped by hand, or waited with; another lock is taken meanwhile; nothing but a few steps is done under it;
the value is not `Copy` (rustc does not accept it); it is no lock of std, parking_lot or tokio (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    if locks::calls(file) == 0 {
        return found;
    }
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| held(file, block, index)));
    }
    found
}

fn held(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let guard = shapes::plain_let(&block.stmts[index]).filter(|l| l.ty.is_none() && !l.is_mut)?;
    let taken = locks::acquired(guard.value).filter(|a| a.call.method != "write")?;
    let after = &block.stmts[index + 1..];
    if !after.iter().any(takes_long) || !is_copy(file, taken.lock) {
        return None;
    }
    let is_locked_again = |expr: &syn::Expr| locks::acquired(expr).is_some();
    if after.iter().flat_map(shapes::exprs_of).any(is_locked_again) {
        return None;
    }
    let name = guard.name.to_string();
    let rest = shapes::rest(block, index);
    let uses = usage::uses(file, &rest, &name);
    let is_all = !uses.is_empty() && uses.iter().all(is_look) && uses.len() == shapes::count(&rest, &name);
    if !is_all || !usage::bindings(file, &rest, &name).is_empty() {
        return None;
    }
    let message = format!("`{name}` keeps its lock for all that follows, which only reads a copy's worth of it");
    let start = file.range(guard.value).start;
    let mut fact = Fact::at(file, file.range(guard.local))
        .capture("name", file.span_range(guard.name.span()))
        .capture("start", TextRange { start, end: start })
        .capture("next", file.range(&after[0]))
        .note("message", message);
    for u in uses.iter().filter(|u| u.fields.is_empty() && u.place != u.name) {
        fact = fact.capture("reached", u.place);
    }
    Some(fact)
}

/// A look at a field, at the whole by `*guard`, or by a method of what is guarded.
fn is_look(u: &Use) -> bool {
    match &u.how {
        How::Read | How::Compare | How::Value => !u.is_bare,
        How::Method(method) => !usage::is_changing_method(method) && method != "clone",
        How::Scrutinee | How::Iterated | How::Mutate | How::Opaque => false,
    }
}

/// True if a statement loops, waits, reads, writes, or makes a text.
fn takes_long(stmt: &syn::Stmt) -> bool {
    let is_long = |expr: &syn::Expr| match expr {
        syn::Expr::ForLoop(_) | syn::Expr::While(_) | syn::Expr::Loop(_) => true,
        syn::Expr::Macro(m) => m.mac.path.is_ident("format"),
        syn::Expr::MethodCall(call) => ["collect", "sum", "fold", "for_each", "count"].iter().any(|m| call.method == m),
        _ => false,
    };
    locks::slow_work(stmt).is_some() || shapes::exprs_of(stmt).into_iter().any(is_long)
}

/// True if the lock guards a number, or a struct of this file that is `Copy`.
fn is_copy(file: &SourceFile, lock: &syn::Expr) -> bool {
    let Some(ty) = types::type_of(file, lock) else { return false };
    let mut ty = types::strip(&ty).clone();
    if types::head(&ty).as_deref() == Some("Arc") {
        let Some(inner) = types::argument(&ty) else { return false };
        ty = inner;
    }
    let is_lock = matches!(types::head(&ty).as_deref(), Some("Mutex" | "RwLock"));
    let Some(guarded) = types::argument(&ty).filter(|_| is_lock) else { return false };
    let name = types::head(&guarded);
    let is_declared = |item: &syn::Item| match item {
        syn::Item::Struct(s) => Some(s.ident.to_string()) == name && derives(&s.attrs).iter().any(|d| d == "Copy"),
        syn::Item::Enum(e) => Some(e.ident.to_string()) == name && derives(&e.attrs).iter().any(|d| d == "Copy"),
        _ => false,
    };
    types::is_primitive(&guarded) || items(&file.ast).iter().any(|placed| is_declared(placed.item))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const STATS: &str = "#[derive(Clone, Copy)] struct Stats { kills: u32, deaths: u32 } struct S { stats: Mutex<Stats>, most: Arc<RwLock<u64>>, names: Mutex<Vec<String>>, opened: Condvar }";

    #[test]
    fn fires_where_a_copy_would_do() {
        for body in [
            "fn f(&self) -> String { $0let s = self.stats.lock().unwrap();$0 let r = s.kills / s.deaths.max(1); format!(\"{r} {}\", s.kills) }",
            "fn f(&self, n: u32) -> u32 { $0let s = self.stats.lock();$0 let mut b = 0; for i in 0..n { b = b.max(i * s.kills); } b }",
            "fn f(&self, xs: &[u64]) -> u64 { $0let m = self.most.read().unwrap();$0 xs.iter().filter(|x| **x < *m).sum() }",
            "fn f(&self) -> io::Result<()> { $0let s = self.stats.lock().unwrap();$0 std::fs::write(\"a\", s.kills.to_string()) }",
            "async fn f(&self) { $0let s = self.stats.lock().await;$0 send(s.score()).await; }",
        ] {
            check(&RULE, &format!("{STATS} impl S {{ {body} }}"));
        }
    }

    #[test]
    fn ignores_look_alikes() {
        let texts: Vec<String> = [
            // Not a copy, or not only read.
            "fn f(&self) -> String { let s = self.names.lock().unwrap(); format!(\"{}\", s.len()) }",
            "fn f(&self) -> String { let mut s = self.stats.lock().unwrap(); s.kills += 1; format!(\"{}\", s.kills) }",
            "fn f(&self, xs: &[u32]) { let mut s = self.stats.lock().unwrap(); for x in xs { s.kills += x; } }",
            // Handed on, dropped, waited with.
            "fn f(&self) { let s = self.stats.lock().unwrap(); for x in 0..9 { show(&s, x); } }",
            "fn f(&self) -> String { let s = self.stats.lock().unwrap(); let n = s.kills; drop(s); format!(\"{n}\") }",
            "fn f(&self) { let s = self.stats.lock().unwrap(); let s = self.opened.wait(s).unwrap(); for x in 0..9 { g(s.kills); } }",
            "fn f(&self) -> u32 { let s = *self.stats.lock().unwrap(); (0..9).map(|x| s.kills * x).sum() }",
            // Little is done, or two locks stand for one another.
            "fn f(&self) -> u32 { let s = self.stats.lock().unwrap(); s.kills + s.deaths }",
            "fn f(&self) -> String { let s = self.stats.lock().unwrap(); let n = self.names.lock().unwrap(); format!(\"{} {}\", s.kills, n.len()) }",
            "fn f(&self) -> String { let s = self.most.write().unwrap(); format!(\"{}\", *s) }",
        ]
        .iter()
        .map(|body| format!("{STATS} impl S {{ {body} }}"))
        .collect();
        check_ignores(&RULE, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
