//! The same check twice in a function, with nothing changed in between.

use std::collections::HashMap;

use crate::source::visit::code::{self as visit, Visit};

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::functions::functions;
use crate::source::names::bound_by;
use crate::source::{SourceFile, pure, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("checked-twice"),
    eye: Eye::Errors,
    kind: Kind::DefensiveRedundancy,
    class: Class::B,
    title: "same check twice on what did not change",
    explain: EXPLAIN,
    triggers: &["Err", "None", "Ok", "Some", "is_empty", "is_none", "is_some", "len"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `check(&order)?;` (or `if order.lines.is_empty() { … leave … }`, `if let Err(e) = check(&order) { return … }`) that stands
a second time in the same function, or in a second loop over the same values, where nothing that it looks at has changed.

## Why it costs

The second check runs on each call and can never fail: the first would have left the function.

## Before

```rust
validate(&order)?;
if order.memo.is_empty() {
    return Err(Error::NoMemo);
}
validate(&order)?;
ledger.push(order);
```

## After

```rust
validate(&order)?;
if order.memo.is_empty() {
    return Err(Error::NoMemo);
}
ledger.push(order);
```

## When it is refused

The check does more than to compute from what it is given, as far as the file shows it (it logs, counts, locks, waits, or stands in
another file). What it looks at is assigned, borrowed as `&mut`, given to a method that may change it, or bound anew in between. A
reviewer accepts that nothing else the check reads changes in between.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found: Vec<Fact> = Vec::new();
    for function in functions(file).into_iter().filter(|f| !f.is_test) {
        let blocks = shapes::blocks_in(function.block);
        let mut said: HashMap<&str, usize> = HashMap::new();
        let checks = blocks.iter().flat_map(|b| &b.stmts).filter_map(check);
        checks.for_each(|c| *said.entry(file.text_of(c.asked())).or_default() += 1);
        if said.values().all(|count| *count < 2) {
            continue;
        }
        for (block, index) in blocks.iter().flat_map(|b| (0..b.stmts.len()).map(move |index| (*b, index))) {
            for again in twice(file, function.sig, block, index, &said) {
                if !found.iter().any(|known| known.site == again.site) {
                    found.push(again);
                }
            }
        }
    }
    found
}

/// A check: what is asked, whatever becomes of it.
enum Check<'a> {
    /// `call?;`
    Fails(&'a syn::Expr),
    /// `if asked { … leave … }`
    Leaves(&'a syn::Expr),
}

impl<'a> Check<'a> {
    fn asked(&self) -> &'a syn::Expr {
        match self {
            Check::Fails(asked) | Check::Leaves(asked) => asked,
        }
    }

    fn is_same(&self, other: &Check<'_>) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && shapes::same(self.asked(), other.asked())
    }
}

fn check(stmt: &syn::Stmt) -> Option<Check<'_>> {
    match stmt {
        syn::Stmt::Expr(syn::Expr::Try(node), Some(_)) => match &*node.expr {
            call @ (syn::Expr::Call(_) | syn::Expr::MethodCall(_)) => Some(Check::Fails(call)),
            _ => None,
        },
        syn::Stmt::Expr(syn::Expr::If(node), _) if node.else_branch.is_none() => {
            shapes::diverges(&node.then_branch).then_some(Check::Leaves(&node.cond))
        }
        _ => None,
    }
}

/// Places behind a check, in its block or inside what follows, where it stands again.
fn twice(
    file: &SourceFile,
    sig: &syn::Signature,
    block: &syn::Block,
    index: usize,
    said: &HashMap<&str, usize>,
) -> Vec<Fact> {
    let stmt = &block.stmts[index];
    let (first, of_loop) = match (check(stmt), stmt) {
        (Some(first), _) => (first, None),
        // A loop that does nothing but check.
        (None, syn::Stmt::Expr(syn::Expr::ForLoop(l), _)) if l.label.is_none() => match l.body.stmts.as_slice() {
            [only] => match check(only) {
                Some(first) => (first, Some(l)),
                None => return Vec::new(),
            },
            _ => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    if said.get(file.text_of(first.asked())).is_none_or(|count| *count < 2) {
        return Vec::new();
    }
    let behind = &block.stmts[index + 1..];
    let candidates: Vec<(usize, &syn::Stmt)> = match of_loop {
        None => again(behind, &first),
        Some(l) => in_second_loop(behind, l, &first),
    };
    let leaves_otherwise = !shapes::exits_of(first.asked()).is_empty();
    if candidates.is_empty() || leaves_otherwise || !pure::is_pure(file, first.asked()) {
        return Vec::new();
    }
    let mut roots: Vec<(&syn::Expr, String)> =
        pure::roots(first.asked()).into_iter().map(|r| (first.asked(), r)).collect();
    if let Some(l) = of_loop {
        let bound = bound_by(&l.pat);
        roots.retain(|(_, root)| !bound.contains(root));
        roots.extend(pure::roots(&l.expr).into_iter().map(|r| (&*l.expr, r)));
    }
    let is_kept = |end: usize, again: &syn::Stmt| {
        // A loop goes round: what stands behind the check in it runs before it as well.
        let stmts = &behind[..=end];
        let except = file.range(again);
        roots
            .iter()
            .all(|(expr, root)| pure::is_unchanged(file, stmts, root, pure::held(file, sig, expr, root), except))
    };
    let shown = file.on_one_line(file.range(first.asked()));
    let message = format!("`{shown}` was checked before, and nothing it looks at has changed since");
    let found = candidates.into_iter().filter(|(at, again)| is_kept(*at, again));
    found.map(|(_, again)| Fact::at(file, file.range(again)).note("message", message.clone())).collect()
}

/// The same check in the statements, with the index of the outermost one.
fn again<'a>(behind: &'a [syn::Stmt], first: &Check<'_>) -> Vec<(usize, &'a syn::Stmt)> {
    let mut found = Vec::new();
    for (at, stmt) in behind.iter().enumerate() {
        if check(stmt).is_some_and(|other| first.is_same(&other)) {
            found.push((at, stmt));
            continue;
        }
        let mut inner = Inner { found: Vec::new() };
        inner.visit_stmt(stmt);
        let blocks = inner.found.into_iter().filter(|block| block.stmts.len() > 1);
        let same = blocks.flat_map(|b| &b.stmts).filter(|s| check(s).is_some_and(|other| first.is_same(&other)));
        found.extend(same.map(|stmt| (at, stmt)));
    }
    found
}

/// The same check as a statement of a later loop over the same.
fn in_second_loop<'a>(behind: &'a [syn::Stmt], l: &syn::ExprForLoop, first: &Check<'_>) -> Vec<(usize, &'a syn::Stmt)> {
    let mut found = Vec::new();
    for (at, stmt) in behind.iter().enumerate() {
        let syn::Stmt::Expr(syn::Expr::ForLoop(other), _) = stmt else { continue };
        if shapes::same(&l.pat, &other.pat) && shapes::same(&l.expr, &other.expr) && other.body.stmts.len() > 1 {
            let same = other.body.stmts.iter().filter(|s| check(s).is_some_and(|o| first.is_same(&o)));
            found.extend(same.map(|s| (at, s)));
        }
    }
    found
}

/// Blocks that run as part of a statement: not those of closures, `async` blocks and items.
struct Inner<'a> {
    found: Vec<&'a syn::Block>,
}

impl<'a> Visit<'a> for Inner<'a> {
    fn visit_block(&mut self, node: &'a syn::Block) {
        self.found.push(node);
        visit::visit_block(self, node);
    }

    fn visit_expr_closure(&mut self, _: &'a syn::ExprClosure) {}
    fn visit_expr_async(&mut self, _: &'a syn::ExprAsync) {}
    fn visit_item(&mut self, _: &'a syn::Item) {}
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const CHECK: &str = "fn valid(p: &P) -> Result<(), E> { if p.n == 0 { return Err(E::Zero); } Ok(()) }";
    const METHOD: &str = "impl V { fn valid(&self, n: &str) -> Result<(), E> { if n.len() > self.max { return Err(E::Long); } Ok(()) } }";

    #[test]
    fn fires_on_the_second_check() {
        for text in [
            "fn f(p: &P) -> R { valid(p)?; g(); $0valid(p)?;$0 Ok(()) }",
            "fn f(p: P, l: &mut L) -> R { valid(&p)?; if p.memo.is_none() { return Err(E::Memo); } $0valid(&p)?;$0 l.push(p); Ok(()) }",
            "fn f(xs: &[u8], k: u8) -> u8 { if xs.is_empty() { return 0; } g(k); $0if xs.is_empty() { return 1; }$0 xs[0] }",
            "fn f(p: &P, n: u8) -> R { if n > p.max { return Err(E::Much); } for i in 0..n { g(i); $0if n > p.max { return Err(E::Much); }$0 } Ok(()) }",
            "fn f(p: &P) -> R { valid(p)?; if p.a { h(); $0valid(p)?;$0 } Ok(()) }",
            "fn f(p: &P) -> R { if let Err(e) = valid(p) { return Err(e); } g(p); $0if let Err(e) = valid(p) { return Err(e); }$0 Ok(()) }",
            "fn f(xs: &[u8]) { for x in xs { if *x == 3 { continue; } g(x); $0if *x == 3 { continue; }$0 h(x); } }",
        ] {
            check(&RULE, &format!("{text} {CHECK}"));
        }
        let loops = "impl W { fn f(&self, v: &V, ns: &[String]) -> R { for n in ns { v.valid(n)?; } let mut out = vec![]; for n in ns { $0v.valid(n)?;$0 out.push(n); } Ok(out) } }";
        check(&RULE, &format!("{loops} {METHOD}"));
    }

    #[test]
    fn ignores_look_alikes() {
        let of_check = [
            // Changed in between, in whatever way.
            "fn f(mut p: P) -> R { valid(&p)?; p.n += 1; valid(&p)?; Ok(()) }",
            "fn f(p: &mut P) -> R { valid(p)?; fix(p); valid(p)?; Ok(()) }",
            "fn f(mut p: P) -> R { valid(&p)?; fix(&mut p); valid(&p)?; Ok(()) }",
            "fn f(p: &mut P) -> R { valid(&p)?; p.refill(); valid(&p)?; Ok(()) }",
            "fn f(p: P) -> R { valid(&p)?; let p = p.fixed(); valid(&p)?; Ok(()) }",
            "fn f(p: &P, q: &P) -> R { valid(p)?; valid(q)?; Ok(()) }",
            "fn f(xs: &mut Vec<u8>) -> u8 { if xs.is_empty() { return 0; } xs.pop(); if xs.is_empty() { return 1; } 2 }",
            "fn f(mut n: u8) -> u8 { if n > 9 { return 0; } loop { n += 1; g(); if n > 9 { return 1; } h(); } }",
            // In the loop it runs before what changes.
            "fn f(mut p: P) -> R { valid(&p)?; for i in 0..3 { valid(&p)?; p.n = i; } Ok(()) }",
            // The first one need not have run, or goes on.
            "fn f(p: &P, a: bool) -> R { if a { valid(p)?; } valid(p)?; Ok(()) }",
            "fn f(p: &P) -> R { if p.n > 1 { log(); } g(); if p.n > 1 { log(); } Ok(()) }",
            "fn f(p: &P) -> R { run(|| { valid(p)?; Ok(()) }); valid(p)?; Ok(()) }",
            // Not known to compute alone.
            "fn f(p: &P) -> R { far::away(p)?; g(); far::away(p)?; Ok(()) }",
            "fn f(p: &P) -> R { p.step()?; g(); p.step()?; Ok(()) }",
            "fn f(q: &Q) -> R { if q.rx.try_recv().is_err() { return no(); } if q.rx.try_recv().is_err() { return no(); } Ok(()) }",
            "fn f(t: &str) -> u8 { let op = g(t); if let Some(op) = op { return op; } let op = h(t); if let Some(op) = op { return op; } 0 }",
            "fn f(mut it: Chars) -> Option<char> { it.next()?; it.next()?; it.next() }",
            "fn f(it: &mut Chars) -> bool { if it.next() != Some('a') { return false; } if it.next() != Some('a') { return false; } true }",
            "impl P { fn f(&mut self) -> bool { if !self.rest.any(|c| c == ',') { return false; } if !self.rest.any(|c| c == ',') { return false; } true } }",
            "fn f(s: &mut Option<u8>) -> bool { if s.take().is_some() { return true; } refill(); if s.take().is_some() { return true; } false }",
            "fn f(n: &Cell<u8>) -> bool { if n.get() > 3 { return true; } step(); if n.get() > 3 { return true; } false }",
            "fn f(input: ParseStream) -> R { if input.is_empty() { return no(); } let a = input.parse()?; if input.is_empty() { return no(); } Ok(a) }",
            "fn f(input: ParseStream, parser: F) -> R { loop { if input.is_empty() { break; } parser(input)?; if input.is_empty() { break; } step(); } Ok(()) }",
            "impl L { fn is_empty(&self) -> bool { self.n == 0 } } fn f(input: ParseStream, parser: F) -> R { if input.is_empty() { return no(); } parser(input)?; if input.is_empty() { return no(); } Ok(()) }",
            "impl P { fn f(&self) -> R { if self.is_done() { return no(); } self.bump(); if self.is_done() { return no(); } Ok(()) } fn is_done(&self) -> bool { self.rest.is_empty() } fn bump(&self) { self.rest.cut(1) } }",
            "fn f(p: &mut P, i: &mut I) -> R { p.parse(i)?; p.parse(i)?; Ok(()) }",
            "fn f(l: &Mutex<V>) -> u8 { if l.lock().is_empty() { return 0; } g(); if l.lock().is_empty() { return 1; } 2 }",
            // Other values in the second loop.
            "fn f(ps: &[P], qs: &[P]) -> R { for p in ps { valid(p)?; } for p in qs { valid(p)?; g(p); } Ok(()) }",
            "fn f(ps: &mut Vec<P>) -> R { for p in ps.iter() { valid(p)?; } ps.push(x()); for p in ps.iter() { valid(p)?; g(p); } Ok(()) }",
            "#[test] fn f() -> R { valid(p)?; valid(p)?; Ok(()) }",
        ];
        let texts: Vec<String> = of_check.iter().map(|text| format!("{text} {CHECK}")).collect();
        check_ignores(&RULE, &texts.iter().map(String::as_str).collect::<Vec<_>>());
        check_ignores(
            &RULE,
            &[
                "fn f(p: &P) -> R { valid(p)?; g(); valid(p)?; Ok(()) } fn valid(p: &P) -> R { info!(\"{p}\"); Ok(()) }",
                "fn f(p: &P) -> R { valid(p)?; g(); valid(p)?; Ok(()) } fn valid(p: &P) -> R { COUNT.fetch_add(1, O); Ok(()) }",
                "async fn f(p: &P) -> R { valid(p).await?; g(); valid(p).await?; Ok(()) } async fn valid(p: &P) -> R { Ok(()) }",
                "fn f(p: &P) -> R { valid(p)?; g(); valid(p)?; Ok(()) } fn valid(p: &P) -> R { if p.due < Instant::now() { return Err(E) } Ok(()) }",
            ],
        );
    }
}
