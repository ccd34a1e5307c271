//! Texts that are formatted for a log line whose level may be off.

use crate::detect::{Fact, FileFacts, Rule, each};
use crate::model::{Class, Eye, Finding, Kind, RuleId, TextRange};
use crate::source::declarations::Known;
use crate::source::{self, SourceFile, calm, names, shapes, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("eager-log-text"),
    eye: Eye::Boundary,
    kind: Kind::FlushLogging,
    class: Class::A,
    title: "text formatted before the log level is looked at",
    explain: EXPLAIN,
    triggers: &["debug", "trace", "info", "warn", "error"],
    facts,
    judge,
};

const EXPLAIN: &str = "\
Finds `let text = format!(…);` whose only use is the next statement, `debug!(\"{}\", text)` or `debug!(\"{text}\")` of log or
tracing.

## Why it costs

The text is formatted and allocated even where the level is off, which it is on most lines of most services.

## Before

```rust
let text = format!(\"{} of {:?}\", order.id, order.lines);
log::debug!(\"{}\", text);
```

## After

```rust
log::debug!(\"{} of {:?}\", order.id, order.lines);
```

The arguments are now looked at only where the line is written.

## When it is refused

An argument calls something that does more than compute, so that leaving it out could be noticed (functions of the
workspace are followed, and then it is for a person to accept); the line says more than the text; the macro is not
known to be that of log or tracing.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| eager(file, block, index)));
    }
    found
}

fn eager(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut && l.ty.is_none())?;
    let format = shapes::macro_call(bound.value, "format")?;
    let arguments = names::arguments(format)?;
    let is_literal = matches!(arguments.first(), Some(syn::Expr::Lit(_)));
    let mut calls = Vec::new();
    let mut named = |expr: &syn::Expr| {
        let value = if let syn::Expr::Assign(named) = expr { &*named.right } else { expr };
        is_looked_at(value) || calm::unnoticed(value).map(|found| calls.extend(found)).is_some()
    };
    if !is_literal || !arguments[1..].iter().all(&mut named) {
        return None;
    }
    if is_behind_level(file, file.range(bound.local)) {
        return None;
    }
    let name = bound.name.to_string();
    let next = block.stmts.get(index + 1)?;
    let syn::Stmt::Macro(line) = next else { return None };
    let is_only_use = shapes::count(&shapes::rest(block, index), &name) == 1;
    if !is_only_use || !is_log(file, &line.mac) || !says_only(&line.mac, &name) {
        return None;
    }
    let message = format!("`{name}` is formatted even where the level of the line is off");
    let mut fact = Fact::at(file, file.range(bound.local))
        .capture("format", shapes::inside(file, format))
        .capture("line", shapes::inside(file, &line.mac))
        .note("message", message);
    for call in calls {
        // What a macro's arguments were parsed from keeps its place in the file.
        fact = fact.capture("call", file.span_range(call.span()));
    }
    Some(fact)
}

fn judge(rule: &Rule, facts: &[FileFacts], known: &Known) -> Vec<Finding> {
    let mut found = each(rule, facts, known);
    for finding in found.iter_mut().filter(|finding| finding.capture("call").is_some()) {
        finding.class = Class::B;
    }
    found
}

/// True inside `if log_enabled!(…) { … }`: the level was looked at already.
pub(super) fn is_behind_level(file: &SourceFile, site: TextRange) -> bool {
    source::path_to(file, site).into_iter().any(|node| match node {
        source::Node::Expr(syn::Expr::If(i)) => shapes::exprs_in(&i.cond).into_iter().any(|e| {
            ["log_enabled", "enabled", "event_enabled"].iter().any(|name| shapes::macro_call(e, name).is_some())
        }),
        _ => false,
    })
}

/// True for what nobody notices if it is left out: places, literals and std's reading methods on them.
fn is_looked_at(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Reference(r) => r.mutability.is_none() && is_looked_at(&r.expr),
        syn::Expr::MethodCall(call) => {
            const QUIET: &[&str] = &["len", "is_empty", "as_str", "is_some", "is_none", "is_ok", "is_err", "as_ref"];
            call.args.is_empty() && QUIET.iter().any(|name| call.method == name) && is_looked_at(&call.receiver)
        }
        syn::Expr::Lit(_) => true,
        other => usage::place(other).is_some_and(|p| p.is_plain),
    }
}

/// `log::debug!`, `tracing::debug!`, or `debug!` that a `use` brings in from there.
pub(super) fn is_log(file: &SourceFile, mac: &syn::Macro) -> bool {
    const LEVELS: &[&str] = &["trace", "debug", "info", "warn", "error"];
    let segments: Vec<String> = mac.path.segments.iter().map(|s| s.ident.to_string()).collect();
    match segments.as_slice() {
        [owner, level] => ["log", "tracing"].contains(&owner.as_str()) && LEVELS.contains(&level.as_str()),
        [level] if LEVELS.contains(&level.as_str()) => {
            let imports = names::imports(file, level);
            imports == [format!("log::{level}")] || imports == [format!("tracing::{level}")]
        }
        _ => false,
    }
}

/// True for `("{}", name)` and `("{name}")`.
pub(super) fn says_only(mac: &syn::Macro, name: &str) -> bool {
    let list = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
    let Ok(arguments) = mac.parse_body_with(list) else { return false };
    let Some(syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. })) = arguments.first() else { return false };
    match arguments.len() {
        1 => text.value() == format!("{{{name}}}"),
        2 => text.value() == "{}" && names::plain_name(&arguments[1]).is_some_and(|found| found == name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_texts_for_one_line() {
        for text in [
            "fn f(o: &O) { $0let t = format!(\"{}\", o.id);$0 log::debug!(\"{}\", t); }",
            "fn f(o: &O) { $0let t = format!(\"{} {:?}\", o.id, o.lines);$0 tracing::debug!(\"{t}\"); g(); }",
            "use log::trace; fn f(n: u8) { $0let text = format!(\"{n}\");$0 trace!(\"{text}\"); }",
            "use tracing::{debug, info}; fn f(n: u8) { $0let text = format!(\"{n}\");$0 info!(\"{}\", text); }",
            "fn f(o: &O) { $0let t = format!(\"{} lines\", o.lines.len());$0 log::warn!(\"{}\", t); }",
            "fn f(o: &O) { if a { $0let t = format!(\"{a} {b}\", a = o.a, b = 1);$0 log::error!(\"{t}\"); } }",
            "async fn f(o: O) { g().await; $0let t = format!(\"{}\", &o.id);$0 tracing::trace!(\"{}\", t); }",
            "impl S { fn f(&self, n: u8) { $0let t = format!(\"{n} against {}\", self.book.dump());$0 log::debug!(\"{}\", t); } }",
            "fn f(s: &S) { for x in xs { $0let t = format!(\"{x}\");$0 log::debug!(\"{t}\"); } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // The text is used for more.
                "fn f(n: u8) { let t = format!(\"{n}\"); log::debug!(\"{t}\"); keep(t); }",
                "fn f(n: u8) { let t = format!(\"{n}\"); g(); log::debug!(\"{t}\"); }",
                "fn f(n: u8) { let t = format!(\"{n}\"); log::debug!(\"text: {t}\"); }",
                "fn f(n: u8) { let t = format!(\"{n}\"); log::debug!(\"{t:?}\"); }",
                "fn f(n: u8) { let t = format!(\"{n}\"); log::debug!(\"{} {}\", t, n); }",
                "fn f(n: u8) { let t = format!(\"{n}\"); log::debug!(target: \"a\", \"{}\", t); }",
                "fn f(n: u8) { let t = format!(\"{n}\"); tracing::debug!(n, \"{t}\"); }",
                "fn f(n: u8) { let mut t = format!(\"{n}\"); log::debug!(\"{t}\"); }",
                // An argument does something.
                "fn f(q: &mut Q) { let t = format!(\"{:?}\", q.pop()); log::debug!(\"{t}\"); }",
                "fn f(v: &[u8], i: usize) { let t = format!(\"{}\", v[i]); log::debug!(\"{t}\"); }",
                "fn f(a: u8, b: u8) { let t = format!(\"{}\", a / b); log::debug!(\"{t}\"); }",
                // The level is looked at before.
                "fn f(n: u8) { if log::log_enabled!(log::Level::Debug) { let t = format!(\"{n}\"); log::debug!(\"{t}\"); } }",
                // Another macro, another text.
                "fn f(n: u8) { let t = format!(\"{n}\"); println!(\"{t}\"); }",
                "fn f(n: u8) { let t = format!(\"{n}\"); debug!(\"{t}\"); }",
                "use defmt::debug; fn f(n: u8) { let t = format!(\"{n}\"); debug!(\"{t}\"); }",
                "fn f(n: u8) { let t = n.to_string(); log::debug!(\"{t}\"); }",
                "#[test] fn f() { let t = format!(\"{n}\"); log::debug!(\"{t}\"); }",
            ],
        );
    }
}
