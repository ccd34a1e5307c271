//! Values that are computed for a log line whose level may be off.

use super::eager_log_text::{is_behind_level, is_log, says_only};
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::usage;
use crate::source::{SourceFile, calm, names, pure, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("log-only-value"),
    eye: Eye::Boundary,
    kind: Kind::FlushLogging,
    class: Class::B,
    title: "value computed for a log line that may be off",
    explain: EXPLAIN,
    triggers: &["debug", "trace", "info", "warn", "error", "eprint", "eprintln", "print", "println"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let text = …;` whose only use is an argument of one line of log or tracing, or that is used only inside the `if` that
follows and logs or prints.

## Why it costs

The value is computed even where the level, or the flag, is off, which it is on most lines of most services.

## Before

```rust
let print = fingerprint(records);
for record in records {
    sink.push(record.seq);
}
trace!(\"accepted {} of {}\", records.len(), print);
```

## After

```rust
for record in records {
    sink.push(record.seq);
}
trace!(\"accepted {} of {}\", records.len(), fingerprint(records));
```

The macros of log and tracing look at their arguments only where the level is on.

## When it is refused

Something in the value could be noticed if it were left out (a change, input or output, a panic, an unknown macro, a function
that does more than compute); what it is computed from may change before the line; the value is used for more; the level was
looked at before.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    let logs = |stmt: &syn::Stmt| match stmt {
        syn::Stmt::Macro(line) => is_log(file, &line.mac),
        syn::Stmt::Expr(syn::Expr::If(node), _) => logs_directly(file, node),
        _ => false,
    };
    for block in words::blocks_with(file, RULE.triggers).filter(|block| block.stmts.iter().any(logs)) {
        for index in 0..block.stmts.len() {
            found.extend(logged(file, block, index).or_else(|| sunk(file, block, index)));
        }
    }
    found
}

/// A `let` without `mut` and type of a value that costs something and could be left out.
fn computed<'a>(file: &SourceFile, block: &'a syn::Block, index: usize) -> Option<(shapes::Let<'a>, Fact)> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut)?;
    let costs = shapes::exprs_in(bound.value).iter().any(|e| match e {
        syn::Expr::MethodCall(_) | syn::Expr::Call(_) => !shapes::is_quiet(e),
        syn::Expr::Macro(_) => true,
        _ => false,
    });
    let calls = calm::unnoticed(bound.value)?;
    let site = file.range(bound.local);
    if !costs || is_behind_level(file, site) {
        return None;
    }
    let mut fact = Fact::at(file, site).capture("value", file.range(bound.value));
    for call in &calls {
        fact = fact.capture("call", file.span_range(call.span()));
    }
    Some((bound, fact))
}

/// The value is an argument of one log line of the same block.
fn logged(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let (bound, fact) = computed(file, block, index)?;
    let name = bound.name.to_string();
    if shapes::count(&shapes::rest(block, index), &name) != 1 {
        return None;
    }
    let at = (index + 1..block.stmts.len()).find(|at| shapes::count(&block.stmts[*at], &name) == 1)?;
    let syn::Stmt::Macro(line) = &block.stmts[at] else { return None };
    let is_eager =
        at == index + 1 && shapes::macro_call(bound.value, "format").is_some() && says_only(&line.mac, &name);
    if !is_log(file, &line.mac) || is_eager || !pure::keeps_roots(file, bound.value, &block.stmts[index + 1..at]) {
        return None;
    }
    let message = format!("`{name}` is computed even where the level of its only line is off");
    let fact = fact.capture("line", shapes::inside(file, &line.mac)).note("message", message);
    match argument(&line.mac, &name) {
        Some(Some(ident)) => Some(fact.capture("argument", file.span_range(ident.span()))),
        Some(None) => Some(fact.capture("captured", file.span_range(bound.name.span()))),
        None => None,
    }
}

/// Where the name stands as a whole argument, or that the format string captures it.
fn argument(mac: &syn::Macro, name: &str) -> Option<Option<proc_macro2::Ident>> {
    use proc_macro2::TokenTree;
    let tokens: Vec<TokenTree> = mac.tokens.clone().into_iter().collect();
    let is_punct = |at: Option<usize>, chars: &str| matches!(at.and_then(|at| tokens.get(at)), Some(TokenTree::Punct(p)) if chars.contains(p.as_char()));
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(ident) if ident == name => {
                let ends = at + 1 == tokens.len() || is_punct(Some(at + 1), ",");
                return (is_punct(at.checked_sub(1), ",=%?") && ends).then(|| Some(ident.clone()));
            }
            TokenTree::Literal(text) if names::captures(&text.to_string(), name) => return Some(None),
            _ => {}
        }
    }
    None
}

/// The value is used only inside the `if` that follows, which logs.
fn sunk(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let (bound, fact) = computed(file, block, index)?;
    let name = bound.name.to_string();
    let syn::Stmt::Expr(syn::Expr::If(node), _) = block.stmts.get(index + 1)? else { return None };
    let inside = shapes::count(&node.then_branch, &name);
    let logs = logs_directly(file, node);
    if inside == 0 || inside != shapes::count(&shapes::rest(block, index), &name) || !logs || !is_flag(&node.cond) {
        return None;
    }
    let first = node.then_branch.stmts.first()?;
    let message = format!("`{name}` is computed even where the line that it is for is not written");
    Some(fact.capture("first", file.range(first)).note("message", message))
}

/// True if a line of log or tracing, or one that is printed, stands in the first branch.
fn logs_directly(file: &SourceFile, node: &syn::ExprIf) -> bool {
    let says = |mac: &syn::Macro| is_log(file, mac) || PRINTS.iter().any(|name| mac.path.is_ident(name));
    node.then_branch.stmts.iter().any(|s| matches!(s, syn::Stmt::Macro(m) if says(&m.mac)))
}

/// Macros that write a line whatever the level is.
const PRINTS: &[&str] = &["eprint", "eprintln", "print", "println"];

/// A condition that computes nothing.
fn is_flag(cond: &syn::Expr) -> bool {
    match names::peel(cond) {
        syn::Expr::Unary(u) => is_flag(&u.expr),
        syn::Expr::Macro(m) => {
            const LEVELS: &[&str] = &["log_enabled", "enabled", "event_enabled"];
            m.mac.path.segments.last().is_some_and(|s| LEVELS.iter().any(|level| s.ident == level))
        }
        syn::Expr::Binary(b) => !usage::is_assignment(&b.op) && is_flag(&b.left) && is_flag(&b.right),
        other => shapes::is_quiet(other),
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_values_for_one_line() {
        for text in [
            "fn f(r: &R) { $0let t = serde_json::to_string(r).unwrap_or_default();$0 log::debug!(\"got {}\", t); }",
            "fn f(rs: &[R]) { $0let p = print_of(rs);$0 for r in rs { g(r.n); } log::trace!(\"{} of {}\", rs.len(), p); }",
            "impl S { fn f(&self) { $0let t = format!(\"{} {}\", 1, self.book.dump());$0 log::debug!(\"book: {t}\"); } }",
            "fn f(xs: &[S]) { $0let all = xs.join(\",\");$0 tracing::debug!(n = xs.len(), items = %all, \"got\"); }",
            "fn f(xs: &[S]) { $0let all: Vec<_> = xs.iter().map(|x| x.len()).collect();$0 tracing::info!(\"{:?}\", all); }",
            "use log::info; impl S { fn f(&self, d: &str) { $0let t = format!(\"{}\", d.len());$0 if self.verbose { info!(\"{t}\"); } g(); } }",
            "fn f(v: bool, x: &X) { $0let t = x.describe();$0 if v && x.n > 1 { log::warn!(\"{}\", t); } }",
            "impl S { fn f(&self, m: &M) { $0let t = format!(\"{} -> {}\", m.from, m.to);$0 if self.verbose { eprintln!(\"{t}\"); } } }",
            "fn f(m: &M) { $0let t = format!(\"{} {}\", m.from, m.to);$0 if log::log_enabled!(log::Level::Debug) { log::debug!(\"{}\", t); } }",
            "fn f(r: &R) { $0let t = text_of(r);$0 log::debug!(\"{t} {t}\"); }",
            "fn f(r: &R) { $0let t = format!(\"{:?}\", r.all());$0 log::error!(\"failed: {}\", t); }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // What the text is made of changes before the line.
                "fn f(mut n: u8) { let text = format!(\"{n} of {}\", all()); n += 1; debug!(\"{}\", text); }",
                "fn f(mut n: u8) { let text = format!(\"{}\", n); n += 1; debug!(\"{}\", text); }",
                "fn f(r: &R) -> String { let t = text_of(r); log::debug!(\"{t}\"); t }",
                "fn f(r: &R) { let t = text_of(r); log::debug!(\"{} {}\", t, t); }",
                "fn f(q: &mut Q) { let t = q.pop(); log::debug!(\"{:?}\", t); }",
                "fn f(q: &Q) { let t = q.m.lock().unwrap().len(); log::debug!(\"{}\", t); }",
                "fn f(h: u64, t: u64) { let lag = h.saturating_sub(t); max(lag); log::debug!(\"{}\", lag); }",
                "fn f(h: u64) { let n = h; log::debug!(\"{}\", n); }",
                "fn f(xs: &[u8]) { let n = xs.len(); log::debug!(\"{}\", n); }",
                "fn f(xs: &mut Vec<S>) { let all = xs.join(\",\"); xs.clear(); log::debug!(\"{}\", all); }",
                "impl S { fn f(&mut self) { let t = self.text(); self.change(); log::debug!(\"{}\", t); } fn change(&mut self) {} }",
                "fn f(x: &X) { if log::log_enabled!(log::Level::Debug) { let t = x.dump(); log::debug!(\"{}\", t); } }",
                "fn f(x: &X) { let t = x.dump(); println!(\"{}\", t); }",
                "fn f(x: &X) { let t = x.dump()?; log::debug!(\"{}\", t); }",
                "fn f(x: &X) { let t = x.dump(); log::debug!(\"{}\", t.len()); }",
                "fn f(x: &X) { let t = x.dump(); if x.on { log::debug!(\"{}\", t); } else { keep(t); } }",
                "fn f(x: &X) { let t = x.dump(); if x.check() { log::debug!(\"{}\", t); } }",
                "fn f(x: &X) { let t = x.dump(); if x.on { keep(t); } }",
                "fn f(x: &X) { let t = x.dump(); if x.on { println!(\"{t}\"); } keep(t); }",
                "fn f(x: &X) { let t = x.dump(); if ready!(x) { println!(\"{t}\"); } }",
                "fn f(x: &X) { let t = x.dump(); while x.on { println!(\"{t}\"); } }",
                "#[test] fn f() { let t = x.dump(); log::debug!(\"{}\", t); }",
            ],
        );
    }
}
