//! A `match` that wraps an error and returns it, where `map_err` and `?` say the same.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::conversions::{What, clues};
use crate::source::functions::fallible;
use crate::source::names::plain_name;
use crate::source::{SourceFile, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("match-to-map-err"),
    eye: Eye::Errors,
    kind: Kind::ErrorLadder,
    class: Class::A,
    title: "error wrapped and returned by a match where map_err says the same",
    explain: EXPLAIN,
    triggers: &["Err"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `match r { Ok(v) => v, Err(e) => return Err(wrap(e)) }` (and `if let Err(e) = f() { return Err(wrap(e)); }`) in functions that
return a `Result`, where the arm does nothing but to wrap the error.

## Why it costs

It costs no time: rustc makes the same code of both. It costs the reader the main path. The rewrite is neutral in speed and
is never counted as a saving.

## Before

```rust
let port = match text.parse::<u16>() {
    Ok(port) => port,
    Err(e) => return Err(format!(\"port {text}: {e}\")),
};
```

## After

```rust
let port = text.parse::<u16>().map_err(|e| format!(\"port {text}: {e}\"))?;
```

## When it is refused

The arm does more than to return the error; what it returns is made by a function or a conversion (`?` converts once more, which may
box twice), or may leave the function on its way. A wrapping in a variant that stands several times, or for which a `From` exists, is
left to `repeated-map-err`, and an error that is passed on as it is to `match-to-question`.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found: Vec<(Fact, String)> = Vec::new();
    for function in fallible(file) {
        for stmt in shapes::own_blocks(function.block).into_iter().flat_map(|block| &block.stmts) {
            found.extend(wrapped(file, stmt));
        }
    }
    if found.iter().all(|(_, variant)| variant.is_empty()) {
        return found.into_iter().map(|(fact, _)| fact).collect();
    }
    let known = clues(file);
    let is_left = |variant: &String| {
        let is_it = |target: &str, name: &str| variant.ends_with(&format!("{target}::{name}"));
        let sites =
            known.iter().filter(|c| matches!(c.what, What::Match | What::MapErr) && is_it(&c.canonical, &c.variant));
        !variant.is_empty()
            && (sites.count() > 1 || known.iter().any(|c| c.what == What::From && is_it(&c.target, &c.variant)))
    };
    found.into_iter().filter(|(_, variant)| !is_left(variant)).map(|(fact, _)| fact).collect()
}

/// The fact, and the path of the variant where the error is wrapped in nothing else.
fn wrapped(file: &SourceFile, stmt: &syn::Stmt) -> Option<(Fact, String)> {
    let (whole, is_statement) = match stmt {
        syn::Stmt::Local(local) => {
            (&*local.init.as_ref().filter(|i| i.diverge.is_none() && local.attrs.is_empty())?.expr, None)
        }
        syn::Stmt::Expr(expr, semicolon) => (expr, Some(semicolon.is_some())),
        _ => return None,
    };
    let (fallible, name, leave) = match whole {
        syn::Expr::Match(node) => of_match(node, is_statement.is_some())?,
        syn::Expr::If(node) if is_statement.is_some() && node.else_branch.is_none() => {
            let syn::Expr::Let(cond) = &*node.cond else { return None };
            let [syn::Stmt::Expr(leave, _)] = node.then_branch.stmts.as_slice() else { return None };
            (&*cond.expr, shapes::bound_in_variant(&cond.pat, "Err")?, leave)
        }
        _ => return None,
    };
    let syn::Expr::Return(back) = only(leave) else { return None };
    let call = shapes::call(back.expr.as_deref()?, &["Err"]).filter(|c| c.args.len() == 1)?;
    let returned = &call.args[0];
    let is_call = matches!(fallible, syn::Expr::Call(_) | syn::Expr::MethodCall(_) | syn::Expr::Await(_));
    if !is_call || !makes(returned) || may_leave(returned) || shapes::is_name(returned, name) {
        return None;
    }
    let message = "an error is wrapped and returned in several lines: `map_err` and `?` do the same in one";
    let mut fact = Fact::at(file, file.range(whole))
        .capture("fallible", file.range(fallible))
        .capture("name", file.span_range(name.span()))
        .capture("returned", file.range(returned))
        .note("message", message);
    if is_statement == Some(false) {
        fact = fact.capture("open", TextRange::at(file.range(whole).end as usize));
    }
    let variant = of_variant(file, returned, name).map(|range| {
        fact.captures.push(("variant", range));
        file.slice(range).to_owned()
    });
    Some((fact, variant.unwrap_or_default()))
}

type Rung<'a> = (&'a syn::Expr, &'a syn::Ident, &'a syn::Expr);

/// `match r { Ok(v) => v, Err(e) => … }`; as a statement `Ok(_) => {}` as well, and only that.
fn of_match(node: &syn::ExprMatch, is_statement: bool) -> Option<Rung<'_>> {
    let [first, second] = node.arms.as_slice() else { return None };
    if !node.attrs.is_empty() || !first.attrs.is_empty() || !second.attrs.is_empty() {
        return None;
    }
    let is_err = |arm: &syn::Arm| shapes::bound_in_variant(&arm.pat, "Err").is_some();
    let (ok, err) = if is_err(first) { (second, first) } else { (first, second) };
    let name = shapes::bound_in_variant(&err.pat, "Err")?;
    let gives = match shapes::bound_in_variant(&ok.pat, "Ok") {
        Some(value) => !is_statement && plain_name(only(&ok.body)).is_some_and(|found| found == value),
        None => is_statement && drops(&ok.pat) && is_nothing(&ok.body),
    };
    gives.then_some((&*node.expr, name, &*err.body))
}

fn drops(pat: &syn::Pat) -> bool {
    let syn::Pat::TupleStruct(t) = pat else { return false };
    t.path.is_ident("Ok")
        && match t.elems.first() {
            Some(syn::Pat::Wild(_)) => true,
            Some(syn::Pat::Tuple(unit)) => unit.elems.is_empty(),
            _ => false,
        }
}

fn is_nothing(body: &syn::Expr) -> bool {
    match body {
        syn::Expr::Tuple(t) => t.elems.is_empty(),
        syn::Expr::Block(b) => b.block.stmts.is_empty() && b.label.is_none(),
        _ => false,
    }
}

/// The expression of a block that holds nothing else.
fn only(expr: &syn::Expr) -> &syn::Expr {
    match expr {
        syn::Expr::Block(block) if block.label.is_none() => match block.block.stmts.as_slice() {
            [syn::Stmt::Expr(inner, _)] => inner,
            _ => expr,
        },
        other => other,
    }
}

/// True if the expression is the error itself for certain, so that `?` does not convert it once more.
pub(super) fn makes(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Struct(_) | syn::Expr::Lit(_) => true,
        syn::Expr::Macro(m) => {
            ["format", "anyhow"].iter().any(|name| m.mac.path.segments.last().is_some_and(|s| s.ident == name))
        }
        syn::Expr::MethodCall(call) => {
            call.args.is_empty() && (call.method == "to_string" || call.method == "to_owned")
        }
        syn::Expr::Call(call) => match &*call.func {
            syn::Expr::Path(path) => {
                path.path.segments.last().is_some_and(|s| s.ident.to_string().starts_with(char::is_uppercase))
            }
            _ => false,
        },
        _ => false,
    }
}

/// True if the expression may leave the function on its way; `anyhow!` only does so by what stands in it.
pub(super) fn may_leave(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Macro(m) if m.mac.path.segments.last().is_some_and(|s| s.ident == "anyhow") => {
            let tokens = m.mac.tokens.to_string();
            tokens.contains('?') || ["await", "return", "break"].iter().any(|word| tokens.contains(word))
        }
        other => !shapes::exits_of(other).is_empty(),
    }
}

/// The path of `E::Variant(e)`.
fn of_variant(file: &SourceFile, returned: &syn::Expr, name: &syn::Ident) -> Option<TextRange> {
    let syn::Expr::Call(call) = returned else { return None };
    (call.args.len() == 1 && shapes::is_name(&call.args[0], name)).then(|| file.range(&*call.func))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_each_way_to_wrap_and_return() {
        for text in [
            "fn f(s: &str) -> Result<u8, String> { let v = $0match s.parse::<u8>() { Ok(v) => v, Err(e) => return Err(format!(\"{s}: {e}\")) }$0; Ok(v) }",
            "fn f(s: &str) -> Result<u8, E> { let v = $0match s.parse::<u8>() { Err(e) => { return Err(E::Number { text: s.into(), cause: e }); } Ok(v) => v }$0; Ok(v) }",
            "fn f(s: &str) -> Result<u8, E> { let v = $0match g(s) { Ok(v) => v, Err(e) => return Err(E::Read(e)) }$0; Ok(v) }",
            "fn f(s: &str) -> Result<u8, E> { $0if let Err(e) = g(s) { return Err(E::Read(e, s.len())); }$0 Ok(1) }",
            "fn f(s: &mut S) -> io::Result<u8> { $0match s.go() { Ok(_) => {} Err(e) => return Err(io::Error::Other(e)) }$0 Ok(1) }",
            "async fn f(s: &S) -> LoadResult<u8> { let v = $0match s.load().await { Ok(v) => v, Err(e) => return Err(Failed::Load(e.to_string())) }$0; Ok(v) }",
            "fn f(s: &str) -> anyhow::Result<u8> { let v = $0match g(s) { Ok(v) => v, Err(e) => return Err(anyhow!(\"no {s}: {e}\")) }$0; Ok(v) }",
            "fn f(s: &str) -> Result<u8, String> { for l in s.lines() { let v = $0match g(l) { Ok(v) => v, Err(e) => return Err(e.to_string()) }$0; h(v); } Ok(1) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Passed on as it is, or converted: `?` alone.
                "fn f(s: &str) -> Result<u8, E> { let v = match g(s) { Ok(v) => v, Err(e) => return Err(e) }; Ok(v) }",
                "fn f(s: &str) -> Result<u8, E> { let v = match g(s) { Ok(v) => v, Err(e) => return Err(e.into()) }; Ok(v) }",
                "fn f(s: &str) -> Result<u8, E> { let v = match g(s) { Ok(v) => v, Err(e) => return Err(E::from(e)) }; Ok(v) }",
                // `?` would box twice, or nobody knows.
                "fn f(s: &str) -> Result<u8, Box<dyn Error>> { let v = match g(s) { Ok(v) => v, Err(e) => return Err(Box::new(e)) }; Ok(v) }",
                "fn f(s: &str) -> Result<u8, Box<dyn Error>> { let v = match g(s) { Ok(v) => v, Err(e) => return Err(wrap(e)) }; Ok(v) }",
                "fn f(s: &str) -> Result<u8, Box<dyn Error>> { let v = match g(s) { Ok(v) => v, Err(e) => return Err(format!(\"{e}\").into()) }; Ok(v) }",
                // The arm does more.
                "fn f(s: &str) -> Result<u8, E> { let v = match g(s) { Ok(v) => v, Err(e) => { count(); return Err(E::Read(e)) } }; Ok(v) }",
                "fn f(s: &str) -> Result<u8, E> { let v = match g(s) { Ok(v) => v + 1, Err(e) => return Err(E::Read(e)) }; Ok(v) }",
                "fn f(s: &str) -> Result<u8, E> { let v = match g(s) { Ok(v) => v, Err(e) if e.gone() => 0, Err(e) => return Err(E::Read(e)) }; Ok(v) }",
                "fn f(s: &str) -> Result<u8, E> { let v = match g(s) { Ok(v) => v, Err(e) => return Err(E::Read(h(e)?)) }; Ok(v) }",
                "fn f(s: &str) -> Result<u8, E> { let v = match g(s) { Ok(v) => v, Err(e) => return Ok(u8::Read(e)) }; Ok(v) }",
                "fn f(s: &str) -> Result<u8, E> { let v = match g(s) { Ok(v) => v, Err(_) => return Err(E::Gone) }; Ok(v) }",
                "fn f(s: &str) -> Result<u8, E> { if let Err(e) = g(s) { return Err(E::Read(e)); } else { h(); } Ok(1) }",
                "fn f(r: Result<u8, F>) -> Result<u8, E> { if let Err(e) = r { return Err(E::Read(e)); } Ok(1) }",
                // `?` would leave something else, or nothing.
                "fn f(s: &str) -> Option<u8> { let v = match g(s) { Ok(v) => v, Err(e) => return Err(E::Read(e)) }; Some(v) }",
                "fn f(s: &str) -> Result<u8, E> { run(|| { let v = match g(s) { Ok(v) => v, Err(e) => return Err(E::Read(e)) }; Ok(v) }) }",
                // One `From` says it.
                "enum E { Read(F) } impl From<F> for E { fn from(e: F) -> E { E::Read(e) } } fn f(s: &str) -> Result<u8, E> { let v = match g(s) { Ok(v) => v, Err(e) => return Err(E::Read(e)) }; Ok(v) }",
                "#[test] fn f() -> Result<(), E> { let v = match g(s) { Ok(v) => v, Err(e) => return Err(E::Read(e)) }; Ok(v) }",
            ],
        );
    }
}
