//! `if result.is_err() { return Err(…) }` with `result.unwrap()` behind it, which `?` does at once.

use super::match_to_map_err::{makes, may_leave};
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::functions::fallible;
use crate::source::lookups::begins_with;
use crate::source::names::{arguments, mentions, plain_name};
use crate::source::usage::{self, How};
use crate::source::{SourceFile, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("error-then-unwrap"),
    eye: Eye::Errors,
    kind: Kind::ErrorLadder,
    class: Class::A,
    title: "error returned by hand and the value unwrapped behind it",
    explain: EXPLAIN,
    triggers: &["is_err", "Err"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `if result.is_err() { return Err(result.unwrap_err()); }` and `if let Err(e) = result { return Err(e); }` with
`result.unwrap()` behind them, in functions that return a `Result`. What wraps the error on its way goes into `map_err`.

## Why it costs

It costs next to no time: the result is looked at twice or three times, and the unwraps carry branches to panics. It costs the
reader the main path. The rewrite is neutral in speed and is never counted as a saving.

## Before

```rust
let low = text.parse::<u32>();
if low.is_err() {
    return Err(low.unwrap_err());
}
let low = low.unwrap();
```

## After

```rust
let low = text.parse::<u32>();
let low = low?;
```

## When it is refused

The block does more than to return the error; what is returned may leave the function on its way, or names the result once more; the
result is used in between, is computed anew, or is not the `Result` of std itself (asked of rustc); the check stands in a closure or
an `async` block, where `?` would leave something else.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for function in fallible(file) {
        for block in shapes::own_blocks(function.block) {
            found.extend((0..block.stmts.len()).filter_map(|index| passed_on(file, block, index)));
        }
    }
    found
}

/// A check that returns the error of a result.
struct Guard<'a> {
    result: &'a syn::Expr,
    returned: &'a syn::Expr,
    /// The error in what is returned, where it is taken out there.
    taken: Option<TextRange>,
    /// The name that the pattern gives it.
    name: Option<&'a syn::Ident>,
}

fn guard<'a>(file: &SourceFile, stmt: &'a syn::Stmt) -> Option<Guard<'a>> {
    let syn::Stmt::Expr(syn::Expr::If(node), _) = stmt else { return None };
    let [syn::Stmt::Expr(syn::Expr::Return(back), _)] = node.then_branch.stmts.as_slice() else { return None };
    let call = shapes::call(back.expr.as_deref()?, &["Err"]).filter(|c| c.args.len() == 1)?;
    let returned = &call.args[0];
    if node.else_branch.is_some() {
        return None;
    }
    if let syn::Expr::Let(cond) = &*node.cond {
        let name = shapes::bound_in_variant(&cond.pat, "Err")?;
        return Some(Guard { result: &cond.expr, returned, taken: None, name: Some(name) });
    }
    let result = &*shapes::method(&node.cond, "is_err", 0)?.receiver;
    let takes = |expr: &syn::Expr| match expr {
        syn::Expr::MethodCall(call) if call.method == "unwrap_err" || call.method == "expect_err" => {
            shapes::same(&*call.receiver, result)
        }
        syn::Expr::MethodCall(call) if call.method == "unwrap" => {
            shapes::method(&call.receiver, "err", 0).is_some_and(|err| shapes::same(&*err.receiver, result))
        }
        _ => false,
    };
    // What is returned may say nothing of the error.
    let taken = find(file, returned, &takes);
    Some(Guard { result, returned, taken, name: None })
}

/// The first expression of that kind, those among the arguments of a macro included.
fn find(file: &SourceFile, expr: &syn::Expr, is_it: &dyn Fn(&syn::Expr) -> bool) -> Option<TextRange> {
    shapes::exprs_in(expr).into_iter().find_map(|inner| match inner {
        _ if is_it(inner) => Some(file.range(inner)),
        syn::Expr::Macro(m) => arguments(&m.mac)?.iter().find_map(|argument| find(file, argument, is_it)),
        _ => None,
    })
}

fn passed_on(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let guard = guard(file, &block.stmts[index])?;
    let place = usage::place(guard.result).filter(|p| p.is_plain)?;
    let in_returned = usage::uses_in_expr(file, guard.returned, &place.root);
    // What is made by a function or a conversion may be converted once more by `?`.
    let is_variant = matches!(guard.returned, syn::Expr::Path(p)
        if p.path.segments.last().is_some_and(|s| s.ident.to_string().starts_with(char::is_uppercase)));
    let is_certain = is_plain(file, guard.returned, &guard) || makes(guard.returned) || is_variant;
    let is_named_once = in_returned.len() == usize::from(guard.taken.is_some());
    if !is_certain || !is_named_once || may_leave(guard.returned) {
        return None;
    }
    let next = block.stmts.get(index + 1)?;
    let next_to_it = syn::Block { brace_token: block.brace_token, stmts: vec![next.clone()] };
    let behind = shapes::rest(block, index);
    let (is_bare, is_let) = (place.fields.is_empty(), matches!(next, syn::Stmt::Local(_)));
    let unwrap = match unwrapped(file, &next_to_it, &place.root, guard.result) {
        Some(found) if begins_with(file, next, found) && (is_let || !is_bare) => (found, true),
        _ => (unwrapped(file, &behind, &place.root, guard.result).filter(|_| is_bare)?, false),
    };
    let shown = file.text_of(guard.result);
    let message = format!("the error of `{shown}` is returned by hand, and its value unwrapped: `?` does both");
    let mut fact = Fact::at(file, file.range(&block.stmts[index]))
        .capture("result", file.range(guard.result))
        .capture("returned", file.range(guard.returned))
        .capture(if unwrap.1 { "next" } else { "later" }, unwrap.0)
        .note("message", message);
    if let Some(taken) = guard.taken {
        fact = fact.capture("taken", taken);
    }
    if let Some(name) = guard.name {
        fact = fact.capture("name", file.span_range(name.span()));
    }
    if is_plain(file, guard.returned, &guard) {
        fact = fact.capture("plain", file.range(guard.returned));
    }
    Some(fact)
}

/// The one place where the value is unwrapped, if nothing else is done with the result up to where its name is bound anew.
fn unwrapped(file: &SourceFile, code: &syn::Block, root: &str, result: &syn::Expr) -> Option<TextRange> {
    let is_rebound = |s: &&syn::Stmt| shapes::plain_let(s).is_some_and(|l| l.name == root);
    let rebound = code.stmts.iter().find(is_rebound).and_then(shapes::plain_let);
    // The value of a `let` is computed before its name is bound.
    let end = rebound.as_ref().map_or(u32::MAX, |l| file.range(l.local).end);
    let uses: Vec<_> = usage::uses(file, code, root).into_iter().filter(|u| u.name.end <= end).collect();
    let own = rebound.map(|l| file.span_range(l.name.span()));
    let is_hidden = usage::bindings(file, code, root).iter().any(|b| b.end <= end && Some(*b) != own);
    match uses.as_slice() {
        [only] if !is_hidden => of_use(file, code, only, result),
        _ => None,
    }
}

fn of_use(file: &SourceFile, code: &syn::Block, u: &usage::Use, result: &syn::Expr) -> Option<TextRange> {
    let How::Method(name) = &u.how else { return None };
    if u.is_captured || !(name == "unwrap" || name == "expect") {
        return None;
    }
    let is_it = |expr: &&syn::Expr| matches!(expr, syn::Expr::MethodCall(call) if shapes::same(&*call.receiver, result) && file.range(*expr) == u.whole);
    shapes::exprs(code).into_iter().find(is_it).map(|expr| file.range(expr))
}

/// True if the error is returned as it is, or through `From`: what `?` does.
fn is_plain(file: &SourceFile, returned: &syn::Expr, guard: &Guard<'_>) -> bool {
    let is_error = |expr: &syn::Expr| match (guard.name, guard.taken) {
        (Some(name), _) => plain_name(expr).is_some_and(|found| found == name),
        (_, Some(taken)) => file.range(expr) == taken,
        _ => false,
    };
    match returned {
        syn::Expr::MethodCall(call) if call.method == "into" && call.args.is_empty() => is_error(&call.receiver),
        syn::Expr::Call(call) => {
            let is_from =
                mentions(&call.func, "from") && matches!(&*call.func, syn::Expr::Path(p) if p.path.segments.len() > 1);
            is_from && call.args.len() == 1 && is_error(&call.args[0])
        }
        other => is_error(other),
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_an_error_is_returned_and_the_value_unwrapped() {
        for text in [
            "fn f(s: &str) -> Result<u8, E> { let r = g(s); $0if r.is_err() { return Err(r.unwrap_err()); }$0 let v = r.unwrap(); Ok(v) }",
            "fn f(s: &str) -> Result<u8, E> { let r = g(s); $0if r.is_err() { return Err(E::Gone(1)); }$0 let v = r.unwrap(); Ok(v) }",
            "fn f(s: &str) -> Result<u8, E> { let r = g(s); $0if let Err(e) = r { return Err(e); }$0 let r = r.unwrap(); h(r); Ok(r) }",
            "fn f(s: &str) -> Result<u8, E> { let r = g(s); $0if let Err(e) = r { return Err(E::from(e)); }$0 Ok(r.unwrap()) }",
            "fn f(s: &str) -> io::Result<u8> { let r = g(s); $0if r.is_err() { return Err(r.unwrap_err().into()); }$0 h(); Ok(r.unwrap().n) }",
            "fn f(s: &str) -> Result<u8, String> { let r = g(s); $0if r.is_err() { return Err(format!(\"no: {}\", r.unwrap_err())); }$0 let v = r.unwrap(); Ok(v) }",
            "fn f(s: &str) -> Result<u8, E> { let r = g(s); $0if let Err(e) = r { return Err(E::Read(e)); }$0 let v = r.expect(\"checked\"); Ok(v) }",
            "async fn f(s: &str) -> LedgerResult<u8> { let r = g(s).await; $0if r.is_err() { return Err(r.err().unwrap()); }$0 let v = r.unwrap(); Ok(v) }",
            "fn f(xs: &[X]) -> Result<u8, E> { for x in xs { let r = g(x); $0if r.is_err() { return Err(r.unwrap_err()); }$0 h(r.unwrap()); } Ok(1) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // The block does more, or gives back something else.
                "fn f(s: &str) -> Result<u8, E> { let r = g(s); if r.is_err() { count(); return Err(r.unwrap_err()); } let v = r.unwrap(); Ok(v) }",
                "fn f(s: &str) -> Result<u8, E> { let r = g(s); if r.is_err() { return Ok(0); } let v = r.unwrap(); Ok(v) }",
                "fn f(s: &str) -> Result<u8, E> { let r = g(s); if r.is_err() { return Err(gone()); } let v = r.unwrap(); Ok(v) }",
                "fn f(s: &str) -> Result<u8, E> { let r = g(s); if r.is_err() { return Err(E::Gone(r.is_ok())); } let v = r.unwrap(); Ok(v) }",
                "fn f(s: &str) -> Result<u8, E> { let r = g(s); if r.is_err() { return Err(r.unwrap_err()); } else { h(); } let v = r.unwrap(); Ok(v) }",
                "fn f(s: &str) -> Result<u8, E> { let r = g(s); if r.is_ok() { return Err(E::Ok); } let v = r.unwrap(); Ok(v) }",
                "fn f(s: &str) -> Result<u8, E> { let r = g(s); if let Err(e) = r { return Err(load(e)?); } let v = r.unwrap(); Ok(v) }",
                "fn f(s: &str) -> Result<u8, E> { let r = g(s); if let Err(E::Io(e)) = r { return Err(e); } let v = r.unwrap(); Ok(v) }",
                "fn f(s: &str) -> Result<u8, Box<dyn Error>> { let r = g(s); if let Err(e) = r { return Err(Box::new(e)); } let v = r.unwrap(); Ok(v) }",
                // Another result, one that is used in between, or that is not unwrapped.
                "fn f(s: &str) -> Result<u8, E> { let r = g(s); let q = g(s); if r.is_err() { return Err(r.unwrap_err()); } let v = q.unwrap(); Ok(v) }",
                "fn f(s: &str) -> Result<u8, E> { let r = g(s); if r.is_err() { return Err(r.unwrap_err()); } log(&r); let v = r.unwrap(); Ok(v) }",
                "fn f(s: &str) -> Result<u8, E> { let r = g(s); if r.is_err() { return Err(r.unwrap_err()); } Ok(r.unwrap_or(0)) }",
                "fn f(s: &str) -> Result<u8, E> { let r = g(s); if r.is_err() { return Err(r.unwrap_err()); } Ok(1) }",
                "fn f(s: &str) -> Result<u8, E> { if g(s).is_err() { return Err(g(s).unwrap_err()); } let v = g(s).unwrap(); Ok(v) }",
                "fn f(s: &str) -> Result<u8, E> { let r = g(s); if r.is_err() { return Err(r.unwrap_err()); } let v = run(|| r.unwrap()); Ok(v) }",
                // `?` would leave something else, or nothing.
                "fn f(s: &str) -> Option<u8> { let r = g(s); if r.is_err() { return Err(r.unwrap_err()); } let v = r.unwrap(); Some(v) }",
                "fn f(s: &str) -> Result<u8, E> { run(|| { let r = g(s); if r.is_err() { return Err(r.unwrap_err()); } let v = r.unwrap(); Ok(v) }) }",
                "fn f(s: &str) -> Result<u8, E> { spawn(async { let r = g(s); if r.is_err() { return Err(r.unwrap_err()); } let v = r.unwrap(); Ok(v) }) }",
                "#[test] fn f() -> Result<(), E> { let r = g(); if r.is_err() { return Err(r.unwrap_err()); } r.unwrap(); Ok(()) }",
            ],
        );
    }
}
