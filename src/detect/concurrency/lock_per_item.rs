//! Loops over a collection that take the same lock in each round and do little else.

use crate::source::visit::code::{self as visit, Visit};

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::names::{bound_by, mentions};
use crate::source::usage::{self, PlacePath};
use crate::source::{SourceFile, locks, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("lock-per-item"),
    eye: Eye::Concurrency,
    kind: Kind::WideLock,
    class: Class::B,
    title: "lock taken anew for each item",
    explain: EXPLAIN,
    triggers: &["lock", "read", "write"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `for` loops over a collection in memory that take the same lock once in each round, and whose rounds are short: they
call nothing but methods of std's collections, numbers and texts.

## Why it costs

Taking a free lock costs two atomic operations; taking a contended one costs a sleep and a wake-up. A loop that takes it n
times lines up behind everybody else n times.

## Before

```rust
for order in orders {
    self.totals.lock().unwrap().push(order.amount);
}
```

## After

```rust
let mut totals = self.totals.lock().unwrap();
for order in orders {
    totals.push(order.amount);
}
drop(totals);
```

The lock is now held for the whole loop, and taken even where there is nothing to loop over. That is for a person to
accept.

## When it is refused

The round calls anything that may wait, lock or take long (unknown functions and macros, `.await`, closures); the loop
goes over a channel or another iterator that may wait, rather than over a collection of std (asked of rustc); the lock
depends on the item; it is no lock of std, parking_lot or tokio (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        for stmt in &block.stmts {
            if let syn::Stmt::Expr(syn::Expr::ForLoop(around), _) = stmt {
                found.extend(locked_each(file, block, stmt, around));
            }
        }
    }
    found
}

fn locked_each(file: &SourceFile, block: &syn::Block, stmt: &syn::Stmt, around: &syn::ExprForLoop) -> Option<Fact> {
    let list = match &*around.expr {
        syn::Expr::Range(range) if is_counted(range) => None,
        other => Some(shapes::counted(other)?),
    };
    let mut round = Round::default();
    round.visit_block(&around.body);
    if !round.is_short {
        return None;
    }
    let [taken] = round.taken.as_slice() else { return None };
    let acquired = locks::acquired(taken)?;
    let lock = usage::place(acquired.lock).filter(|p| p.is_plain)?;
    if !is_invariant(file, around, &lock) || mentions(&around.expr, "lock") {
        return None;
    }
    let shown = file.on_one_line(file.range(acquired.lock));
    let mut fact = Fact::at(file, file.range(*taken))
        .capture("lock", file.range(acquired.lock))
        .capture("loop", file.range(around))
        .capture("before", file.range(stmt))
        .note("message", format!("`{shown}` is locked and unlocked once for each item"));
    if let Some(list) = list {
        fact = fact.capture("list", file.range(list));
    }
    if acquired.call.method != "lock" {
        fact = fact.capture("shared", file.range(acquired.lock));
    }
    let own = around.body.stmts.iter().find_map(|s| shapes::plain_let(s).filter(|l| std::ptr::eq(l.value, *taken)));
    if let Some(bound) = own {
        let name = bound.name.to_string();
        let inside = shapes::count(&around.body, &name);
        if shapes::count(block, &name) != inside || !usage::bindings(file, &around.body, &name)[1..].is_empty() {
            return None;
        }
        fact = fact.capture("guard", file.span_range(bound.name.span())).capture("statement", file.range(bound.local));
        let uses = usage::uses(file, &around.body, &name);
        if uses.iter().any(|u| u.is_bare && u.how == usage::How::Value) {
            return None;
        }
    } else if is_changed(&around.body, taken) {
        fact = fact.capture("changed", file.range(*taken));
    }
    Some(fact)
}

/// `0..n`: numbers, between which nothing waits.
fn is_counted(range: &syn::ExprRange) -> bool {
    let ends = [range.start.as_deref(), range.end.as_deref()];
    ends.iter().all(|end| end.is_some_and(shapes::is_quiet))
}

/// True if nothing in the loop binds or changes what leads to the lock.
fn is_invariant(file: &SourceFile, around: &syn::ExprForLoop, lock: &PlacePath) -> bool {
    let bound =
        bound_by(&around.pat).contains(&lock.root) || !usage::bindings(file, &around.body, &lock.root).is_empty();
    let uses = usage::uses(file, &around.body, &lock.root);
    !bound && uses.iter().filter(|u| usage::may_overlap(lock, &lock.root, &u.fields)).count() == 1
}

/// Methods of numbers, entries and options that take no time.
const SHORT: &[&str] = &[
    "abs",
    "and_modify",
    "checked_add",
    "checked_sub",
    "is_some_and",
    "map_or",
    "max",
    "min",
    "or_default",
    "or_insert",
    "or_insert_with",
    "saturating_add",
    "saturating_sub",
    "wrapping_add",
    "wrapping_sub",
];

/// Methods that run a closure at most once.
const ONCE: &[&str] = &["and_modify", "is_some_and", "map_or", "or_insert_with"];

/// What a round does: the expressions that take a lock, and whether all the rest is short.
pub(super) struct Round<'a> {
    /// Expressions whose value is a guard.
    pub(super) taken: Vec<&'a syn::Expr>,
    /// True if nothing in it may wait or take long.
    pub(super) is_short: bool,
    /// Closures that run at most once.
    once: Vec<&'a syn::Expr>,
}

impl Default for Round<'_> {
    fn default() -> Self {
        Round { taken: Vec::new(), is_short: true, once: Vec::new() }
    }
}

impl<'a> Visit<'a> for Round<'a> {
    fn visit_expr(&mut self, node: &'a syn::Expr) {
        if locks::acquired(node).is_some_and(|a| !std::ptr::eq(node, &*a.call.receiver)) && is_whole(node) {
            self.taken.push(node);
            return;
        }
        self.is_short &= match node {
            syn::Expr::MethodCall(call) => {
                let name = call.method.to_string();
                usage::is_reading_method(&name) || usage::is_changing_method(&name) || SHORT.contains(&name.as_str())
            }
            // What an entry or an option is handed runs once.
            syn::Expr::Closure(_) if self.once.iter().any(|once| std::ptr::eq(*once, node)) => true,
            syn::Expr::Call(call) => is_constructor(call),
            syn::Expr::Closure(_) | syn::Expr::Async(_) | syn::Expr::Await(_) | syn::Expr::Macro(_) => false,
            syn::Expr::Loop(_)
            | syn::Expr::While(_)
            | syn::Expr::ForLoop(_)
            | syn::Expr::Break(_)
            | syn::Expr::Yield(_) => false,
            _ => true,
        };
        if let syn::Expr::MethodCall(call) = node
            && ONCE.iter().any(|name| call.method == name)
        {
            self.once.extend(&call.args);
        }
        visit::visit_expr(self, node);
    }

    fn visit_macro(&mut self, _: &'a syn::Macro) {
        self.is_short = false;
    }
}

/// The outermost expression that is the guard: with its `unwrap`, `expect` or `?`.
fn is_whole(node: &syn::Expr) -> bool {
    match node {
        // A lock of tokio is taken by waiting for it.
        syn::Expr::Try(_) | syn::Expr::Await(_) => true,
        syn::Expr::MethodCall(call) => {
            // A lock of parking_lot is taken by the bare call; that of std never stands here without its `unwrap`.
            const WHOLE: &[&str] = &["unwrap", "expect", "unwrap_or_else", "lock", "read", "write"];
            WHOLE.iter().any(|name| call.method == name)
        }
        _ => false,
    }
}

/// `Some(x)`, `Entry::new(x)`, `String::from(x)`: makes a value of std, or wraps one.
fn is_constructor(call: &syn::ExprCall) -> bool {
    let syn::Expr::Path(path) = &*call.func else { return false };
    path.path.segments.last().is_some_and(|s| s.ident.to_string().starts_with(char::is_uppercase))
        || shapes::ends_with(&path.path, &["String", "from"])
}

/// True if what is done with the guard needs it mutable.
pub(super) fn is_changed(body: &syn::Block, taken: &syn::Expr) -> bool {
    let starts_at = |e: &syn::Expr| std::ptr::eq(bottom(e), taken);
    shapes::exprs(body).into_iter().any(|expr| match expr {
        syn::Expr::MethodCall(call) => starts_at(&call.receiver) && !usage::is_reading_method(&call.method.to_string()),
        syn::Expr::Assign(a) => starts_at(&a.left),
        syn::Expr::Binary(b) => starts_at(&b.left) && usage::is_assignment(&b.op),
        syn::Expr::Reference(r) => r.mutability.is_some() && starts_at(&r.expr),
        _ => false,
    })
}

/// The expression at the root of a place.
fn bottom(expr: &syn::Expr) -> &syn::Expr {
    match expr {
        syn::Expr::Field(f) => bottom(&f.base),
        syn::Expr::Index(i) => bottom(&i.expr),
        syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => bottom(&u.expr),
        syn::Expr::Paren(p) => bottom(&p.expr),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_short_rounds_that_lock() {
        for text in [
            "fn f(m: &Mutex<Vec<u8>>, xs: &[u8]) { for x in xs { $0m.lock().unwrap()$0.push(*x); } }",
            "fn f(m: &Mutex<Vec<u8>>, xs: &[u8]) { for x in xs { let mut g = $0m.lock().unwrap()$0; g.push(*x); } }",
            "fn f(l: &RwLock<V>, xs: &[u8]) { for x in xs { $0l.write().unwrap()$0.push(*x); } }",
            "impl S { fn f(&self, xs: &[(S, u32)]) { for (k, n) in xs { let mut g = $0self.stock.write()$0; *g.entry(k.clone()).or_insert(0) += n; } } }",
            "async fn f(m: &Mutex<V>, xs: &[u8]) { for x in xs { $0m.lock().await$0.push(*x); } }",
            "impl S { fn f(&self, xs: &[u8]) { for x in xs.iter() { *$0self.n.lock().unwrap()$0 += *x as u64; } } }",
            "fn f(s: &S, xs: Vec<O>) { for o in xs { $0s.by_id.lock().expect(\"lock\")$0.insert(o.id, Entry { n: o.n }); } }",
            "fn f(m: &Mutex<H>, xs: &[u8]) -> bool { for x in xs { if $0m.lock().unwrap()$0.contains(x) { return true; } } false }",
            "fn f(m: &Mutex<V>, xs: &[u8]) { for i in 0..xs.len() { let mut g = $0m.lock().unwrap()$0; if let Some(v) = g.get_mut(i) { *v += 1; } } }",
            "fn f(m: &Mutex<V>, xs: &[u8]) { for (i, x) in xs.iter().enumerate() { $0m.lock().unwrap()$0[i] = *x; } }",
            "fn f(m: &Mutex<V>, xs: &[S]) { for x in xs { $0m.lock().unwrap()$0.push(x.name.clone()); } }",
            "fn f(m: &Mutex<V>, xs: &[u8]) { for x in xs { $0m.lock()$0.push(*x); } }",
            "fn f(m: &Mutex<V>, xs: &[u8]) { for x in xs { let mut g = $0m.lock()$0; *g.entry(*x).or_insert(0) += 1; } }",
            "fn f(m: &Mutex<V>, n: u8) { for i in 0..n { *$0m.lock().unwrap()$0 += i; } }",
            "fn f(m: &Mutex<V>, xs: &[u8]) { for x in xs { $0m.lock().unwrap_or_else(E::into_inner)$0.entry(*x).and_modify(|n| *n += 1).or_insert(1); } }",
            "fn f(l: &RwLock<H>, xs: &[u8]) { for x in xs { let r = $0l.read().unwrap()$0.get(x).copied(); out.push(r); } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // The round takes long, or calls what is not known.
                "fn f(m: &Mutex<V>, xs: &[u8]) { for x in xs { m.lock().unwrap().push(compute(x)); } }",
                "fn f(m: &Mutex<V>, xs: &[u8]) { for x in xs { let y = x.score(); m.lock().unwrap().push(y); } }",
                "fn f(m: &Mutex<V>, xs: &[u8]) { for x in xs { m.lock().unwrap().push(x); std::thread::sleep(D); } }",
                "async fn f(m: &Mutex<V>, xs: &[u8]) { for x in xs { m.lock().unwrap().push(get(x).await); } }",
                "fn f(m: &Mutex<V>, xs: &[u8]) { for x in xs { m.lock().unwrap().push(x); println!(\"{x}\"); } }",
                "fn f(m: &Mutex<V>, xs: &[u8]) { for x in xs { m.lock().unwrap().retain(|y| y != x); } }",
                // Locked twice in a round: it would wait for itself.
                "fn f(l: &RwLock<V>, xs: &[u8]) { for x in xs { let n = l.read().unwrap().len(); wait(n); } }",
                "fn f(m: &Mutex<V>, xs: &[u8]) { for x in xs { m.lock().unwrap().push(x); m.lock().unwrap().push(x); } }",
                "fn f(s: &S, xs: &[u8]) { for x in xs { s.a.lock().unwrap().push(x); s.push(x); } }",
                // The lock is the item's, or the loop's own.
                "fn f(ms: &[Mutex<V>]) { for m in ms { m.lock().unwrap().push(1); } }",
                "fn f(m: &Mutex<V>, xs: &[O]) { for x in xs { x.m.lock().unwrap().push(1); } }",
                "fn f(s: &S, xs: &[u8]) { for x in xs { let m = s.shard; m.lock().unwrap().push(*x); } }",
                // The loop waits between its rounds, or holds the lock already.
                "fn f(m: &Mutex<V>, rx: Receiver<u8>) { for x in rx.recv_all() { m.lock().unwrap().push(x); } }",
                "fn f(m: &Mutex<V>) { for x in m.lock().unwrap().iter() { m.lock().unwrap().len(); } }",
                "fn f(m: &Mutex<V>, xs: &[u8]) { while a { m.lock().unwrap().push(1); } loop { m.lock().unwrap().push(2); } }",
                // Not a lock, already outside, kept for longer.
                "impl R { fn f(&mut self, n: u32) -> X { let mut all = Vec::new(); for _ in 0..n { all.push(self.read()?); } Ok(all) } }",
                "fn f(r: &mut Reader, n: u32) -> X { for _ in 0..n { r.read::<Symbol>()?; } Ok(()) }",
                "fn f(m: &Door, xs: &[u8]) { for x in xs { m.lock(x).unwrap().push(1); } }",
                "fn f(m: &Mutex<V>, xs: &[u8]) { let mut g = m.lock().unwrap(); for x in xs { g.push(x); } }",
                "fn f(m: &Mutex<V>, xs: &[u8]) { for x in xs { let g = m.lock().unwrap(); gs.push(g); } }",
                "fn f(m: &Mutex<V>, xs: &[u8]) { let g = 1; for x in xs { let mut g = m.lock().unwrap(); g.push(x); } k(g); }",
                "#[test] fn f() { for x in xs { m.lock().unwrap().push(x); } }",
            ],
        );
    }
}
