//! Texts that are collected into a vector only to be joined without anything in between.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::peel;
use crate::source::{SourceFile, json, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("collect-then-join"),
    eye: Eye::Memory,
    kind: Kind::AllocChurn,
    class: Class::A,
    title: "texts collected only to be joined",
    explain: EXPLAIN,
    triggers: &["join", "concat"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `iterator.collect::<Vec<String>>().join(\"\")` and `.concat()`, at once or by way of a `let` whose name is used for nothing
else.

## Why it costs

A vector is allocated and grown for texts that are copied into another text at once; that text could grow by itself.

## Before

```rust
let parts: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
parts.join(\"\")
```

## After

```rust
words.iter().map(|word| word.to_lowercase()).collect::<String>()
```

## When it is refused

Something stands between the texts (the standard library has no join for iterators); the vector is used for anything else; it does
not hold texts, as far as its type is written.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        for expr in shapes::exprs(body) {
            found.extend(at_once(file, expr));
        }
        for block in shapes::blocks_in(body) {
            found.extend((0..block.stmts.len()).filter_map(|index| named(file, block, index)));
        }
    }
    found
}

/// The receiver of `.join("")` and of `.concat()`.
fn joined(expr: &syn::Expr) -> Option<&syn::ExprMethodCall> {
    if let Some(call) = shapes::method(expr, "concat", 0) {
        return Some(call);
    }
    let call = shapes::method(expr, "join", 1)?;
    let is_empty = matches!(&call.args[0], syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) if text.value().is_empty());
    is_empty.then_some(call)
}

/// The iterator that is collected, where what is written of its type says a vector of texts.
fn collected<'a>(expr: &'a syn::Expr, ty: Option<&syn::Type>) -> Option<&'a syn::ExprMethodCall> {
    let syn::Expr::MethodCall(collect) = peel(expr) else { return None };
    if collect.method != "collect" || !collect.args.is_empty() {
        return None;
    }
    let turbofish = collect.turbofish.as_ref().and_then(|list| match list.args.first() {
        Some(syn::GenericArgument::Type(ty)) => Some(ty),
        _ => None,
    });
    let told = ty.or(turbofish)?;
    let element = types::argument(told).filter(|_| types::head(told).as_deref() == Some("Vec"))?;
    let head = types::head(types::strip(&element));
    let is_text = match &element {
        syn::Type::Infer(_) => true,
        syn::Type::Reference(r) => head.as_deref() == Some("str") && matches!(*r.elem, syn::Type::Path(_)),
        _ => head.as_deref() == Some("String"),
    };
    is_text.then_some(collect)
}

fn fact(file: &SourceFile, site: TextRange, collect: &syn::ExprMethodCall, join: &syn::ExprMethodCall) -> Fact {
    Fact::at(file, site)
        .capture("chain", file.range(&*collect.receiver))
        .capture("dot", file.span_range(collect.dot_token.span))
        .capture("joined", file.range(join))
        .note("message", "texts are collected into a vector only to be copied into one text")
}

fn at_once(file: &SourceFile, expr: &syn::Expr) -> Option<Fact> {
    let join = joined(expr).filter(|_| matches!(expr, syn::Expr::MethodCall(_)))?;
    let collect = collected(&join.receiver, None)?;
    Some(fact(file, file.range(expr), collect, join))
}

fn named(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut)?;
    let collect = collected(bound.value, bound.ty)?;
    let next = block.stmts.get(index + 1)?;
    if shapes::count(&shapes::rest(block, index), &bound.name.to_string()) != 1 {
        return None;
    }
    let join = json::run_once(next).into_iter().find_map(|expr| {
        joined(expr)
            .filter(|join| matches!(expr, syn::Expr::MethodCall(_)) && shapes::is_name(&join.receiver, bound.name))
    })?;
    Some(fact(file, file.range(bound.local), collect, join).capture("let", file.range(bound.local)))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_texts_that_are_joined_without_anything_between() {
        for text in [
            "fn f(xs: &[X]) -> String { $0xs.iter().map(|x| x.name()).collect::<Vec<String>>().join(\"\")$0 }",
            "fn f(xs: &[X]) -> String { $0xs.iter().map(|x| x.name()).collect::<Vec<_>>().concat()$0 }",
            "fn f(xs: &[X]) -> String { $0let parts: Vec<String> = xs.iter().map(|x| x.name()).collect();$0 parts.join(\"\") }",
            "fn f(xs: &[X]) -> String { $0let parts: Vec<&str> = xs.iter().map(|x| x.name()).collect();$0 parts.concat() }",
            "fn f(xs: &[X]) { $0let parts = xs.iter().map(name).collect::<Vec<String>>();$0 let all = parts.join(\"\"); g(all); }",
            "fn f(t: &str) -> R { $0let parts: Vec<String> = t.chars().map(|c| c.to_string()).collect();$0 Ok(parts.join(\"\")) }",
            "fn f(t: &str) -> usize { $0t.split(',').collect::<Vec<&str>>().concat()$0.len() }",
            "fn f(t: &str) { g(&$0t.lines().map(|l| format!(\"{l};\")).collect::<Vec<_>>().join(\"\")$0); }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(xs: &[X]) -> String { xs.iter().map(|x| x.name()).collect::<Vec<String>>().join(\",\") }",
                "fn f(xs: &[X]) -> String { let p: Vec<String> = xs.iter().map(|x| x.name()).collect(); p.join(\" \") }",
                "fn f(xs: &[X], s: &str) -> String { xs.iter().map(|x| x.name()).collect::<Vec<String>>().join(s) }",
                "fn f(xs: &[X]) -> String { let p: Vec<String> = xs.iter().map(|x| x.name()).collect(); g(&p); p.join(\"\") }",
                "fn f(xs: &[X]) -> String { let mut p: Vec<String> = xs.iter().map(|x| x.name()).collect(); p.sort(); p.join(\"\") }",
                "fn f(xs: &[X]) -> Vec<u8> { xs.iter().map(|x| x.bytes()).collect::<Vec<Vec<u8>>>().concat() }",
                "fn f(xs: &[X]) -> R { let p = xs.iter().map(|x| x.name()).collect::<Result<Vec<String>, E>>()?; Ok(p.join(\"\")) }",
                "fn f(xs: &[X]) -> String { let p: Vec<PathBuf> = xs.iter().map(|x| x.path()).collect(); p.concat() }",
                "fn f(p: &[String]) -> String { p.join(\"\") }",
                "fn f(p: Vec<String>) -> String { p.concat() }",
                "fn f(p: &Path) -> PathBuf { p.join(\"\") }",
                "fn f(xs: &[X]) { let p: Vec<String> = xs.iter().map(|x| x.name()).collect(); run(|| p.join(\"\")); }",
                "fn f(xs: &[X]) { let p: Vec<String> = xs.iter().map(|x| x.name()).collect(); h(); g(); p.join(\"\"); }",
                "#[test] fn f() { g(xs.iter().map(name).collect::<Vec<String>>().join(\"\")); }",
            ],
        );
    }
}
