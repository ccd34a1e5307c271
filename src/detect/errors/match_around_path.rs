//! A `match` or `if let` whose one arm holds what is done and whose other only passes the error on.

use super::match_to_let_else::GUARDS;
use super::match_to_map_err::{makes, may_leave};
use super::match_to_question::{arms, is_converted, is_variant, only_expression};
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::functions::fallible;
use crate::source::names::{bound_by, mentions_any, plain_name};
use crate::source::{SourceFile, shapes, usage};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("match-around-path"),
    eye: Eye::Errors,
    kind: Kind::ErrorLadder,
    class: Class::A,
    title: "main path inside a match whose other arm passes the error on",
    explain: EXPLAIN,
    triggers: &["Err"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `match r { Ok(v) => { … } Err(e) => return Err(e) }` at the end of a block, the same with `Err(e) => Err(e)` at the end of
the function, and `if let Ok(v) = r { … } else if let Err(e) = r { return Err(e); }`, in functions that return a `Result`. What
wraps the error on its way goes into `map_err`.

## Why it costs

It costs no time: rustc makes the same code of both. It costs the reader the main path, which stands one step further in for
each call that may fail. The rewrite is neutral in speed and is never counted as a saving.

## Before

```rust
let parsed = field.parse::<u64>();
if let Ok(n) = parsed {
    total += n;
} else if let Err(e) = parsed {
    return Err(e);
}
```

## After

```rust
let parsed = field.parse::<u64>();
let n = parsed?;
total += n;
```

## When it is refused

The arm of the error does more than to return it, or what it returns is made by a function or may leave the function on its way;
the looked-at expression may hold a guard, which a `match` keeps for all of its arms; more follows behind the `match`, and its
main arm has locals of its own; a closure or an `async` block stands around it, where `?` would leave something else; a comment
between the arms would be lost.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for function in fallible(file) {
        for block in shapes::own_blocks(function.block) {
            for (index, stmt) in block.stmts.iter().enumerate() {
                let is_end = index + 1 == block.stmts.len();
                let is_value = is_end && std::ptr::eq(block, function.block);
                found.extend(around(file, block, index, is_value).map(|path| fact(file, stmt, is_end, &path)));
            }
        }
    }
    found
}

/// What is done with the value of a result, and what is returned of its error.
struct Path<'a> {
    result: &'a syn::Expr,
    pat: &'a syn::Pat,
    body: &'a syn::Expr,
    block: Option<&'a syn::Block>,
    name: &'a syn::Ident,
    returned: &'a syn::Expr,
}

fn around<'a>(file: &SourceFile, block: &'a syn::Block, index: usize, is_value: bool) -> Option<Path<'a>> {
    let syn::Stmt::Expr(expr, semicolon) = &block.stmts[index] else { return None };
    let path = match expr {
        syn::Expr::Match(node) => of_match(node, is_value && semicolon.is_none())?,
        syn::Expr::If(node) => of_if(node)?,
        _ => return None,
    };
    let is_certain = is_converted(path.returned, &path.name.to_string()) || makes(path.returned);
    if !is_certain || may_leave(path.returned) || may_hold(path.result) || !is_plain(path.pat) {
        return None;
    }
    let rest = shapes::rest(block, index);
    let names = bound_by(path.pat);
    let stmts = path.block.map(|b| b.stmts.as_slice()).unwrap_or_default();
    let has_items = stmts.iter().any(|s| matches!(s, syn::Stmt::Item(_)));
    let has_locals = stmts.iter().any(|s| matches!(s, syn::Stmt::Local(_)));
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    let is_unseen = !rest.stmts.iter().any(|s| mentions_any(s, &words));
    // Behind the arms the value would live on: a guard, or a file that is closed by being dropped.
    let is_gone = names.iter().all(|name| is_given_away(file, &path, name));
    let is_free = rest.stmts.is_empty() || (!has_locals && is_unseen && is_gone);
    (is_free && !has_items).then_some(path)
}

/// True if the arm surely moves the value, or only counts with it.
fn is_given_away(file: &SourceFile, path: &Path<'_>, name: &str) -> bool {
    let is_plain =
        |expr: &syn::Expr| !shapes::exprs_in(expr).iter().any(|e| ends_itself(e) || matches!(e, syn::Expr::Closure(_)));
    let gives = |expr: &syn::Expr| {
        let uses = usage::uses_in_expr(file, expr, name);
        is_plain(expr) && (assigns(expr) || uses.iter().any(|u| u.is_bare && u.how == usage::How::Value))
    };
    match path.block {
        Some(block) => block.stmts.iter().any(|stmt| matches!(stmt, syn::Stmt::Expr(expr, _) if gives(expr))),
        None => gives(path.body),
    }
}

/// `match r { Ok(p) => …, Err(e) => return Err(e) }`; as the value of the function `Err(e) => Err(e)` as well.
fn of_match(node: &syn::ExprMatch, is_value: bool) -> Option<Path<'_>> {
    let (ok, err) = arms(node).filter(|(ok, err)| is_variant(&ok.pat, "Ok") && is_variant(&err.pat, "Err"))?;
    let syn::Pat::TupleStruct(taken) = &ok.pat else { return None };
    let name = shapes::bound_in_variant(&err.pat, "Err")?;
    let returned = match only_expression(&err.body) {
        syn::Expr::Return(back) => back.expr.as_deref()?,
        other if is_value => other,
        _ => return None,
    };
    let returned = shapes::call(returned, &["Err"]).filter(|call| call.args.len() == 1)?;
    let block = match &*ok.body {
        syn::Expr::Block(b) if b.label.is_none() && b.attrs.is_empty() => Some(&b.block),
        _ => None,
    };
    // What only hands the value on, or nothing, is a `?` without more.
    let is_more = match block {
        Some(block) => !block.stmts.is_empty(),
        None => plain_name(&ok.body).is_none() && !matches!(&*ok.body, syn::Expr::Tuple(t) if t.elems.is_empty()),
    };
    let is_echo = shapes::call(only_expression(&ok.body), &["Ok"])
        .and_then(|call| plain_name(call.args.first()?))
        .is_some_and(|value| shapes::bound_in_variant(&ok.pat, "Ok").is_some_and(|bound| bound == value));
    (is_more && !is_echo).then_some(Path {
        result: &node.expr,
        pat: taken.elems.first()?,
        body: &ok.body,
        block,
        name,
        returned: &returned.args[0],
    })
}

/// `if let Ok(p) = r { … } else if let Err(e) = r { return Err(e); }` of a place.
fn of_if(node: &syn::ExprIf) -> Option<Path<'_>> {
    let syn::Expr::Let(ok) = &*node.cond else { return None };
    let syn::Expr::If(other) = &*node.else_branch.as_ref()?.1 else { return None };
    let syn::Expr::Let(err) = &*other.cond else { return None };
    let syn::Pat::TupleStruct(taken) = &*ok.pat else { return None };
    let name = shapes::bound_in_variant(&err.pat, "Err")?;
    let [syn::Stmt::Expr(syn::Expr::Return(back), _)] = other.then_branch.stmts.as_slice() else { return None };
    let returned = shapes::call(back.expr.as_deref()?, &["Err"]).filter(|call| call.args.len() == 1)?;
    let is_same = shapes::same(&*ok.expr, &*err.expr) && usage::place(&ok.expr).is_some_and(|p| p.is_plain);
    (is_variant(&ok.pat, "Ok") && is_same && other.else_branch.is_none() && !node.then_branch.stmts.is_empty())
        .then_some(Path {
            result: &ok.expr,
            pat: taken.elems.first()?,
            body: &ok.expr,
            block: Some(&node.then_branch),
            name,
            returned: &returned.args[0],
        })
}

/// Patterns that a `let` takes as they are.
fn is_plain(pat: &syn::Pat) -> bool {
    match pat {
        syn::Pat::Ident(p) => p.by_ref.is_none() && p.subpat.is_none(),
        syn::Pat::Wild(_) => true,
        syn::Pat::Tuple(t) => t.elems.iter().all(|p| is_plain(p) && !matches!(p, syn::Pat::Wild(_))),
        _ => false,
    }
}

/// True if a temporary of the looked-at expression may be a guard: its own value is taken out in both ways.
fn may_hold(result: &syn::Expr) -> bool {
    let is_guard = |e: &syn::Expr| match e {
        syn::Expr::MethodCall(call) => GUARDS.iter().any(|name| call.method == name),
        syn::Expr::Call(call) => match &*call.func {
            syn::Expr::Path(p) => {
                !p.path.segments.last().is_some_and(|s| s.ident.to_string().starts_with(char::is_uppercase))
            }
            _ => true,
        },
        syn::Expr::Macro(m) => !m.mac.path.is_ident("format") && !m.mac.path.is_ident("vec"),
        syn::Expr::Block(_) | syn::Expr::Unsafe(_) | syn::Expr::If(_) | syn::Expr::Match(_) => true,
        _ => false,
    };
    match result {
        syn::Expr::Await(a) => may_hold(&a.base),
        syn::Expr::Call(call) => call.args.iter().flat_map(shapes::exprs_in).any(is_guard),
        syn::Expr::MethodCall(call) => {
            let inside = call.args.iter().chain([&*call.receiver]).flat_map(shapes::exprs_in).any(is_guard);
            inside || GUARDS.iter().any(|name| call.method == name)
        }
        other => usage::place(other).is_none_or(|p| !p.is_plain),
    }
}

fn fact(file: &SourceFile, stmt: &syn::Stmt, is_end: bool, path: &Path<'_>) -> Fact {
    let mut fact = Fact::at(file, file.range(stmt))
        .capture("result", file.range(path.result))
        .capture("name", file.span_range(path.name.span()))
        .capture("returned", file.range(path.returned))
        .note("message", "what is done with the value stands inside a `match`: `?` leaves with the error before it");
    if !matches!(path.pat, syn::Pat::Wild(_)) && !matches!(path.pat, syn::Pat::Tuple(t) if t.elems.is_empty()) {
        fact = fact.capture("pattern", file.range(path.pat));
    }
    if is_converted(path.returned, &path.name.to_string()) {
        fact = fact.capture("plain", file.range(path.returned));
    }
    let last = match path.block {
        Some(block) => match block.stmts.last() {
            Some(syn::Stmt::Expr(last, None)) => Some(last),
            _ => None,
        },
        None => Some(path.body),
    };
    let is_statement = !is_end || matches!(stmt, syn::Stmt::Expr(_, Some(_)));
    if last.is_some_and(|last| assigns(last) || is_statement && !ends_itself(last)) {
        fact = fact.capture("statement", file.range(stmt));
    }
    let body = match path.block {
        Some(block) => {
            let braces = file.span_range(block.brace_token.span.join());
            let inside = TextRange { start: braces.start + 1, end: braces.end - 1 };
            let text = file.slice(inside);
            let start = inside.start + (text.len() - text.trim_start().len()) as u32;
            TextRange { start, end: start + text.trim().len() as u32 }
        }
        None => file.range(path.body),
    };
    fact.capture("body", body)
}

fn assigns(expr: &syn::Expr) -> bool {
    matches!(expr, syn::Expr::Assign(_)) || matches!(expr, syn::Expr::Binary(b) if usage::is_assignment(&b.op))
}

/// True for what is a statement without a semicolon.
fn ends_itself(expr: &syn::Expr) -> bool {
    matches!(
        expr,
        syn::Expr::Block(_)
            | syn::Expr::ForLoop(_)
            | syn::Expr::If(_)
            | syn::Expr::Loop(_)
            | syn::Expr::Match(_)
            | syn::Expr::Unsafe(_)
            | syn::Expr::While(_)
    )
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_the_main_path_stands_inside() {
        for text in [
            "fn f(s: &str) -> Result<u8, E> { $0match s.parse() { Ok(v) => { let w = g(v); Ok(w) } Err(e) => Err(e) }$0 }",
            "fn f(s: &str) -> Result<u8, E> { $0match s.parse() { Ok(v) => Ok(v + 1), Err(e) => Err(e.into()) }$0 }",
            "fn f(s: &str) -> Result<u8, E> { $0match s.parse() { Ok(v) => g(v), Err(e) => Err(E::Number(e)) }$0 }",
            "fn f(s: &str) -> Result<u8, E> { $0match s.parse() { Err(e) => return Err(format!(\"{e}\")), Ok(v) => { h(); g(v) } }$0 }",
            "fn f(xs: &[&str]) -> Result<u8, E> { for x in xs { let r = x.parse(); $0if let Ok(n) = r { t += n; } else if let Err(e) = r { return Err(e); }$0 } Ok(t) }",
            "fn f(xs: &[&str]) -> Result<u8, E> { for x in xs { $0match x.parse::<u8>() { Ok(n) => t += n, Err(e) => return Err(e.into()) }$0 } Ok(t) }",
            "fn f(s: &str) -> io::Result<u8> { $0match g(s) { Ok(n) => { h(n); } Err(e) => return Err(e) }$0 Ok(1) }",
            "fn f(v: Result<u8, E>) -> Result<u8, E> { $0match v { Ok(v) => { let w = v + 1; Ok(w) } Err(e) => Err(e) }$0 }",
            "async fn f(s: &S) -> Result<u8, E> { $0match s.load(1).await { Ok((a, b)) => { h(a).await; Ok(b) } Err(e) => Err(e) }$0 }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // `?` without more, or nothing at all.
                "fn f(s: &str) -> Result<u8, E> { match s.parse() { Ok(v) => Ok(v), Err(e) => Err(e) } }",
                "fn f(s: &str) -> Result<u8, E> { match g(s) { Ok(_) => {} Err(e) => return Err(e) } Ok(1) }",
                // The arm does more, or something else.
                "fn f(s: &str) -> Result<u8, E> { match s.parse() { Ok(v) => g(v), Err(e) => { count(); Err(e) } } }",
                "fn f(s: &str) -> Result<u8, E> { match s.parse() { Ok(v) => g(v), Err(e) => Err(wrap(e)) } }",
                "fn f(s: &str) -> Result<u8, E> { match s.parse() { Ok(v) => g(v), Err(e) => Ok(0) } }",
                "fn f(s: &str) -> Result<u8, E> { match s.parse() { Ok(v) => g(v), Err(_) => Err(E::Gone) } }",
                "fn f(s: &str) -> Result<u8, E> { match s.parse() { Ok(v) if v > 1 => g(v), Ok(_) => h(), Err(e) => Err(e) } }",
                "fn f(s: &str) -> Result<u8, E> { match s.parse() { Ok(v) => g(v), Err(e) if e.again() => h(), Err(e) => Err(e) } }",
                "fn f(s: &str) -> Result<u8, E> { match s.parse() { Ok(v) => g(v), Err(e) => Err(E::Number(h(e)?)) } }",
                // A guard lives as long as the arms.
                "fn f(m: &M) -> Result<u8, E> { match m.lock().unwrap().next(1) { Ok(v) => { g(v); Ok(1) } Err(e) => Err(e) } }",
                "fn f(m: &M) -> Result<u8, E> { match m.lock() { Ok(v) => { g(&v); Ok(1) } Err(e) => Err(e) } }",
                "fn f(m: &M) -> Result<u8, E> { match view(m).next(1) { Ok(v) => { g(v); Ok(1) } Err(e) => Err(e) } }",
                // More follows.
                "fn f(s: &str) -> Result<u8, E> { match g(s) { Ok(n) => { let k = n + 1; h(k); } Err(e) => return Err(e) } Ok(k) }",
                "fn f(s: &str, n: u8) -> Result<u8, E> { match g(s) { Ok(n) => { h(n); } Err(e) => return Err(e) } Ok(n) }",
                "fn f(s: &str) -> Result<u8, E> { match open(s) { Ok(n) => { h(&n); } Err(e) => return Err(e) } Ok(1) }",
                "fn f(s: &str) -> Result<u8, E> { match open(s) { Ok(n) => { if a() { h(n); } } Err(e) => return Err(e) } Ok(1) }",
                "fn f(s: &str) -> Result<u8, E> { let x = match g(s) { Ok(v) => h(v), Err(e) => Err(e) }; x }",
                // `?` would leave something else, or nothing.
                "fn f(s: &str) -> Option<u8> { match s.parse() { Ok(v) => Some(v), Err(e) => return Err(e) } }",
                "fn f(s: &str) -> Result<u8, E> { run(|| { match s.parse() { Ok(v) => g(v), Err(e) => Err(e) } }) }",
                "fn f(s: &str) -> Result<u8, E> { spawn(async { match g(s) { Ok(v) => { h(v) } Err(e) => return Err(e) } }); Ok(1) }",
                "fn f(s: &str) -> Result<u8, E> { let q = g(s); let r = g(s); if let Ok(n) = r { h(n); } else if let Err(e) = q { return Err(e); } Ok(1) }",
                "fn f(s: &str) -> Result<u8, E> { if let Ok(n) = g(s) { h(n); } else if let Err(e) = g(s) { return Err(e); } Ok(1) }",
                "#[test] fn f() -> Result<(), E> { match g() { Ok(v) => { h(v); Ok(()) } Err(e) => Err(e) } }",
            ],
        );
    }
}
