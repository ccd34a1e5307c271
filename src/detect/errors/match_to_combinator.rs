//! A `match` that only wraps what it finds otherwise, where `ok_or`, `map_err` or `ok` says the same.

use super::match_to_map_err::may_leave;
use super::match_to_question::{arms, is_variant, only_expression};
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::names::{bound_in, peel, plain_name};
use crate::source::{SourceFile, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("match-to-combinator"),
    eye: Eye::Errors,
    kind: Kind::ErrorLadder,
    class: Class::A,
    title: "value wrapped anew by a match where ok_or or map_err says the same",
    explain: EXPLAIN,
    triggers: &["Some", "Ok"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `match o { Some(v) => Ok(v), None => Err(e) }`, `match r { Ok(v) => Ok(v), Err(e) => Err(wrap(e)) }` and
`match r { Ok(v) => Some(v), Err(_) => None }`, with `if let … else` as well.

## Why it costs

It costs no time: rustc makes the same code of both. It costs the reader four lines in which a second meaning might hide. The
rewrite is neutral in speed and is never counted as a saving.

## Before

```rust
let value = match raw {
    Some(v) => Ok(v),
    None => Err(Error::Missing(\"PORT\")),
};
```

## After

```rust
let value = raw.ok_or(Error::Missing(\"PORT\"));
```

## When it is refused

An arm does more, or may leave the function on its way; what is looked at is borrowed, so that the value would be taken out of it
(rustc does not accept it). An error that is given back as it is, is left to `match-to-question`.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    // While compiling, the methods that take closures cannot be called, nor those that drop what is left.
    for function in words::functions_with(file, RULE.triggers).filter(|f| f.sig.constness.is_none()) {
        found.extend(shapes::exprs(function.block).into_iter().filter_map(|expr| wrapped(file, expr)));
    }
    found
}

/// What is looked at, the pattern of success with what it gives, and that of failure.
struct Arms<'a> {
    looked_at: &'a syn::Expr,
    success: (&'a syn::Pat, &'a syn::Expr),
    failure: (Option<&'a syn::Pat>, &'a syn::Expr),
}

fn read(expr: &syn::Expr) -> Option<Arms<'_>> {
    match expr {
        syn::Expr::Match(node) => {
            let is_success = |pat: &syn::Pat| is_variant(pat, "Ok") || is_variant(pat, "Some");
            let [first, second] = node.arms.as_slice() else { return None };
            let (good, bad) = if is_success(&second.pat) { (second, first) } else { arms(node)? };
            let (good, bad) = if is_success(&first.pat) { (first, second) } else { (good, bad) };
            let is_plain = node.attrs.is_empty() && first.attrs.is_empty() && second.attrs.is_empty();
            is_plain.then_some(Arms {
                looked_at: &node.expr,
                success: (&good.pat, only_expression(&good.body)),
                failure: (Some(&bad.pat), only_expression(&bad.body)),
            })
        }
        syn::Expr::If(node) => {
            let syn::Expr::Let(cond) = &*node.cond else { return None };
            let [syn::Stmt::Expr(good, None)] = node.then_branch.stmts.as_slice() else { return None };
            let [syn::Stmt::Expr(bad, None)] = shapes::else_block(node)?.stmts.as_slice() else { return None };
            Some(Arms { looked_at: &cond.expr, success: (&cond.pat, good), failure: (None, bad) })
        }
        _ => None,
    }
}

fn wrapped(file: &SourceFile, expr: &syn::Expr) -> Option<Fact> {
    let arms = read(expr)?;
    let of = |variant: &str| shapes::bound_in_variant(arms.success.0, variant);
    let gives = |variant: &str, name: &syn::Ident| {
        shapes::call(arms.success.1, &[variant])
            .is_some_and(|call| call.args.len() == 1 && plain_name(&call.args[0]).is_some_and(|found| found == name))
    };
    let failed = shapes::call(arms.failure.1, &["Err"]).filter(|call| call.args.len() == 1).map(|call| &call.args[0]);
    let is_none = |e: &syn::Expr| matches!(peel(e), syn::Expr::Path(p) if p.path.is_ident("None"));
    let is_left = match arms.failure.0 {
        None => true,
        Some(syn::Pat::Wild(_)) => true,
        Some(syn::Pat::Ident(p)) => p.ident == "None" && p.subpat.is_none(),
        Some(syn::Pat::TupleStruct(t)) => {
            t.path.is_ident("Err") && t.elems.iter().all(|p| matches!(p, syn::Pat::Wild(_)))
        }
        _ => false,
    };
    let mut fact = Fact::at(file, file.range(expr)).capture("looked-at", file.range(arms.looked_at));
    if let (Some(some), Some(error)) = (of("Some"), failed)
        && gives("Ok", some)
        && is_left
    {
        is_movable(error, None).then_some(())?;
        let way = if is_made_for_nothing(error) { "ok_or" } else { "ok_or_else" };
        fact = fact.capture(way, file.range(error));
    } else if let (Some(ok), Some(error)) = (of("Ok"), failed)
        && gives("Ok", ok)
    {
        match arms.failure.0.and_then(|pat| shapes::bound_in_variant(pat, "Err")) {
            Some(name) => {
                is_movable(error, Some(name)).then_some(())?;
                let is_itself = plain_name(error).is_some_and(|found| found == name);
                (!is_itself && shapes::count(error, &name.to_string()) > 0).then_some(())?;
                fact = fact.capture("map_err", file.range(error)).capture("name", file.span_range(name.span()));
            }
            None => {
                (is_left && is_movable(error, None)).then_some(())?;
                fact = fact.capture("map_err", file.range(error));
            }
        }
    } else if let Some(ok) = of("Ok")
        && gives("Some", ok)
        && is_none(arms.failure.1)
        && is_left
    {
        fact = fact.capture("ok", file.range(arms.looked_at));
    } else {
        return None;
    }
    // What is borrowed gives references, which the methods would not.
    let is_borrowed = matches!(peel(arms.looked_at), syn::Expr::Reference(_));
    let is_simple = is_chained(arms.looked_at) && !is_borrowed;
    is_simple.then(|| fact.note("message", "a value is wrapped anew in several lines: one method does the same"))
}

/// True where a method may be called on the expression as it stands.
fn is_chained(expr: &syn::Expr) -> bool {
    matches!(
        peel(expr),
        syn::Expr::Call(_)
            | syn::Expr::MethodCall(_)
            | syn::Expr::Path(_)
            | syn::Expr::Field(_)
            | syn::Expr::Await(_)
            | syn::Expr::Try(_)
    )
}

/// True if the error may be made in a closure: it leaves nothing, and takes nothing apart.
fn is_movable(error: &syn::Expr, name: Option<&syn::Ident>) -> bool {
    let binds_again = name.is_some_and(|name| bound_in(error).iter().any(|bound| name == bound));
    let has_lets = shapes::exprs_in(error).iter().any(|e| matches!(e, syn::Expr::Block(_) | syn::Expr::Let(_)));
    !may_leave(error) && !binds_again && !has_lets
}

/// True if making the error costs nothing and shows nowhere: literals, names, variants of them.
fn is_made_for_nothing(error: &syn::Expr) -> bool {
    match peel(error) {
        syn::Expr::Lit(_) => true,
        syn::Expr::Path(p) => {
            p.path.segments.last().is_some_and(|s| s.ident.to_string().starts_with(char::is_uppercase))
        }
        syn::Expr::Call(call) => {
            let is_variant = matches!(&*call.func, syn::Expr::Path(p)
                if p.path.segments.last().is_some_and(|s| s.ident.to_string().starts_with(char::is_uppercase)));
            is_variant && call.args.iter().all(|arg| matches!(arg, syn::Expr::Lit(_)) || is_made_for_nothing(arg))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_one_method_says_it() {
        for text in [
            "fn f(o: Option<u8>) -> R { let v = $0match o { Some(v) => Ok(v), None => Err(E::Gone) }$0; v }",
            "fn f(m: &M) -> R { $0match m.get(&1) { None => Err(format!(\"no {}\", 1)), Some(v) => Ok(v) }$0 }",
            "fn f(m: &M) -> R { $0match m.find(1) { Some(v) => { Ok(v) } _ => { Err(E::Gone(m.id)) } }$0 }",
            "fn f(m: &M) -> R { $0if let Some(v) = m.get(&1) { Ok(v) } else { Err(E::Gone) }$0 }",
            "fn f(s: &str) -> R { $0match s.parse::<u8>() { Ok(v) => Ok(v), Err(e) => Err(E::Number(e)) }$0 }",
            "fn f(s: &str) -> R { let v = $0match s.parse::<u8>() { Err(e) => Err(format!(\"{s}: {e}\")), Ok(n) => Ok(n) }$0?; Ok(v) }",
            "fn f(s: &str) -> R { $0match s.parse::<u8>() { Ok(v) => Ok(v), Err(_) => Err(E::Number) }$0 }",
            "fn f(s: &str) -> Option<u8> { $0match s.parse() { Ok(v) => Some(v), Err(_) => None }$0 }",
            "fn f(s: &str) -> Option<u8> { $0if let Ok(v) = s.parse() { Some(v) } else { None }$0 }",
            "async fn f(s: &S) -> R { $0match s.load().await { Ok(v) => Ok(v), Err(e) => Err(E::Load { cause: e }) }$0 }",
            "fn f(xs: &[S]) -> V { xs.iter().map(|x| $0match x.id() { Some(v) => Ok(v), None => Err(E::Gone) }$0).collect() }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "const fn f(o: Option<u8>) -> R { match o { Some(v) => Ok(v), None => Err(E::Gone) } }",
                "fn f(o: Option<u8>) -> R { match o { Some(v) => Ok(v + 1), None => Err(E::Gone) } }",
                "fn f(o: Option<u8>) -> R { match o { Some(v) => Ok(w), None => Err(E::Gone) } }",
                "fn f(o: Option<u8>) -> R { match o { Some(v) if v > 1 => Ok(v), _ => Err(E::Gone) } }",
                "fn f(o: Option<u8>) -> R { match o { Some(v) => Ok(v), None => return Err(E::Gone) } }",
                "fn f(o: Option<u8>) -> R { match o { Some(v) => Ok(v), None => Err(make()?) } }",
                "fn f(o: Option<u8>) -> R { match o { Some(v) => Ok(v), None => { count(); Err(E::Gone) } } }",
                "async fn f(o: Option<u8>) -> R { match o { Some(v) => Ok(v), None => Err(make().await) } }",
                "fn f(o: Option<u8>) -> R { match o { Some(v) => Ok(v), None => Ok(0) } }",
                "fn f(o: &Option<u8>) -> R { match &self.o { Some(v) => Ok(v), None => Err(E::Gone) } }",
                "fn f(o: E3) -> R { match o { E3::Some(v, _) => Ok(v), _ => Err(E::Gone) } }",
                "fn f(s: &str) -> R { match s.parse() { Ok(v) => Ok(v), Err(e) => Err(e) } }",
                "fn f(s: &str) -> R { match s.parse() { Ok(v) => Ok(v), Err(e) if e.gone() => Err(E::Gone), Err(e) => Err(E::N(e)) } }",
                "fn f(s: &str) -> R { match s.parse() { Ok(v) => Ok(v), Err(E::Gone) => Err(F::Gone) } }",
                "fn f(s: &str) -> R { match s.parse() { Ok(v) => Ok(v), Err(e) => Ok(fallback(e)) } }",
                "fn f(s: &str) -> R { match s.parse() { Ok(ref v) => Ok(v), Err(e) => Err(E::N(e)) } }",
                "fn f(s: &str) -> Option<u8> { match s.parse() { Ok(v) => Some(v), Err(e) => { warn(e); None } } }",
                "fn f(s: &str) -> Option<u8> { if let Ok(v) = s.parse() { Some(v) } else if a { Some(1) } else { None } }",
                "fn f(s: &str) -> R { m!(match s.parse() { Ok(v) => Ok(v), Err(e) => Err(E::N(e)) }) }",
                "#[test] fn f() { match o { Some(v) => Ok(v), None => Err(E::Gone) }; }",
            ],
        );
    }
}
