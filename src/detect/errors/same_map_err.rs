//! The same closure at several `map_err`s of one function.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::names::{self, mentions};
use crate::source::{self, SourceFile, shapes, words};
use quote::ToTokens;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("same-map-err"),
    eye: Eye::Errors,
    kind: Kind::ErrorLadder,
    class: Class::A,
    title: "the same closure at several failures",
    explain: EXPLAIN,
    triggers: &["map_err"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds three and more `.map_err(|e| …)` of one function whose closures are the same to the word and add context.

## Why it costs

Each closure is compiled at its place, with its formatting, which stands between the steps of the fast path. Said once, it is one
function that is called where something fails. It is neutral in speed elsewhere and never counted as a saving.

## Before

```rust
let version = bytes.read_u8().map_err(|e| Error::Parse(format!(\"head: {e}\")))?;
let source = bytes.read_u32().map_err(|e| Error::Parse(format!(\"head: {e}\")))?;
let count = bytes.read_u16().map_err(|e| Error::Parse(format!(\"head: {e}\")))?;
```

## After

```rust
let to_error = |e| Error::Parse(format!(\"head: {e}\"));
let version = bytes.read_u8().map_err(to_error)?;
let source = bytes.read_u32().map_err(to_error)?;
let count = bytes.read_u16().map_err(to_error)?;
```

## When it is refused

The closures name what is bound or changed between them; they move what they capture, leave the function, or call a method of the error,
whose type is not known before its first use; the errors are of several types (rustc does not accept it).
";

/// How many make it worth a name.
const SEVERAL: usize = 3;

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        found.extend(repeated(file, body));
    }
    found
}

fn repeated(file: &SourceFile, body: &syn::Block) -> Vec<Fact> {
    let mut groups: Vec<(String, Vec<&syn::ExprClosure>)> = Vec::new();
    for expr in shapes::exprs(body) {
        let Some(call) = shapes::method(expr, "map_err", 1) else { continue };
        let syn::Expr::Closure(closure) = &call.args[0] else { continue };
        if !adds_context(closure) {
            continue;
        }
        let words = closure.to_token_stream().to_string();
        match groups.iter_mut().find(|(known, _)| *known == words) {
            Some((_, all)) => all.push(closure),
            None => groups.push((words, vec![closure])),
        }
    }
    groups.retain(|(_, all)| all.len() >= SEVERAL);
    groups.into_iter().filter_map(|(_, all)| fact(file, body, &all)).collect()
}

/// True for `|e| Error::Parse(format!("… {e}"))` and `|_| Error::Parse("…".to_owned())`: more than a wrapping, and nothing that
/// must know the type of the error.
fn adds_context(closure: &syn::ExprClosure) -> bool {
    let [syn::Pat::Ident(syn::PatIdent { by_ref: None, mutability: None, subpat: None, .. }) | syn::Pat::Wild(_)] =
        closure.inputs.iter().collect::<Vec<_>>()[..]
    else {
        return false;
    };
    let is_wrapping = matches!(&*closure.body, syn::Expr::Call(call) if call.args.iter().all(|a| matches!(a, syn::Expr::Path(_))))
            // A name for the closure would be no shorter than what it says.
            || matches!(&*closure.body, syn::Expr::Path(_) | syn::Expr::Lit(_));
    let asks = |expr: &&syn::Expr| match expr {
        syn::Expr::MethodCall(call) => !matches!(names::peel(&call.receiver), syn::Expr::Lit(_)),
        syn::Expr::Field(_) | syn::Expr::Block(_) | syn::Expr::Unsafe(_) => true,
        _ => false,
    };
    let is_plain =
        closure.capture.is_none() && closure.asyncness.is_none() && matches!(closure.output, syn::ReturnType::Default);
    is_plain
        && !is_wrapping
        && shapes::exits_of(&closure.body).is_empty()
        && !shapes::exprs_in(&closure.body).iter().any(asks)
}

fn fact(file: &SourceFile, body: &syn::Block, all: &[&syn::ExprClosure]) -> Option<Fact> {
    let ranges: Vec<_> = all.iter().map(|closure| file.range(*closure)).collect();
    let first = *ranges.first()?;
    // The name must be seen by all: it stands before the statement of the body that holds the first.
    let at = body.stmts.iter().find(|stmt| file.range(*stmt).contains(first))?;
    let own: Vec<String> = all[0].inputs.iter().flat_map(names::bound_by).collect();
    let captured = |name: &String| !own.contains(name) && mentions(&all[0].body, name);
    let mut bound = Vec::new();
    for block in shapes::blocks_in(body) {
        for stmt in &block.stmts {
            if let syn::Stmt::Local(local) = stmt {
                bound.extend(names::bound_by(&local.pat).into_iter().map(|name| (name, file.range(local).start)));
            }
        }
    }
    let inner: Vec<String> = shapes::exprs(body)
        .into_iter()
        .flat_map(|expr| match expr {
            syn::Expr::ForLoop(l) => names::bound_by(&l.pat),
            syn::Expr::Closure(c) if !all.iter().any(|known| std::ptr::eq(*known, c)) => {
                c.inputs.iter().flat_map(names::bound_by).collect()
            }
            syn::Expr::Match(m) => m.arms.iter().flat_map(|arm| names::bound_by(&arm.pat)).collect(),
            syn::Expr::Let(l) => names::bound_by(&l.pat),
            _ => Vec::new(),
        })
        .collect();
    let start = file.range(at).start;
    let is_late = bound.iter().any(|(name, since)| *since >= start && captured(name)) || inner.iter().any(captured);
    let is_nested = source::path_to(file, first).iter().any(|node| match node {
        source::Node::Expr(syn::Expr::Async(a)) => file.range(a).start >= start,
        _ => false,
    });
    if is_late || is_nested {
        return None;
    }
    let message = format!("the same closure stands at {} failures", all.len());
    let mut fact = Fact::at(file, first).capture("before", file.range(at)).note("message", message);
    for range in ranges {
        fact = fact.capture("closure", range);
    }
    Some(fact)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_closures_that_are_said_again_and_again() {
        for text in [
            "fn f(b: &mut B) -> R { let v = b.u8().map_err($0|e| E::Parse(format!(\"head: {e}\"))$0)?; let s = b.u32().map_err(|e| E::Parse(format!(\"head: {e}\")))?; let c = b.u16().map_err(|e| E::Parse(format!(\"head: {e}\")))?; Ok(H { v, s, c }) }",
            "fn f(t: &str, n: u8) -> R { let p = t; let a = p.a().map_err($0|_| E::Line(\"bad\".to_owned(), n)$0)?; g(p.b().map_err(|_| E::Line(\"bad\".to_owned(), n))?, p.c().map_err(|_| E::Line(\"bad\".to_owned(), n))?) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        let three = |closure: &str| {
            format!(
                "fn f(b: &mut B, n: u8) -> R {{ let v = b.u8().map_err({closure})?; let s = b.u32().map_err({closure})?; let c = b.u16().map_err({closure})?; Ok(v) }}"
            )
        };
        for text in [
            three("|e| E::Io(e)"),
            three("E::Io"),
            three("|_| E::TooShort"),
            three("|e| E::Parse(e.to_string())"),
            three("move |e| E::Parse(format!(\"{n} {e}\"))"),
            three("|e| { count(); E::Parse(format!(\"{e}\")) }"),
            three("|e: io::Error| -> E { E::Parse(format!(\"{e}\")) }"),
            three("|e| E::Parse(show!(e))"),
        ] {
            check(&RULE, &text);
        }
        check_ignores(
            &RULE,
            &[
                // Each says something else, or only two are alike.
                "fn f(b: B) -> R { b.a().map_err(|e| E(format!(\"a: {e}\")))?; b.b().map_err(|e| E(format!(\"b: {e}\")))?; b.c().map_err(|e| E(format!(\"c: {e}\")))?; Ok(()) }",
                "fn f(b: B) -> R { b.a().map_err(|e| E(format!(\"a: {e}\")))?; b.b().map_err(|e| E(format!(\"a: {e}\")))?; Ok(()) }",
                // They name what is bound on the way.
                "fn f(b: B) -> R { for n in 0..3 { b.a().map_err(|e| E(format!(\"{n}: {e}\")))?; b.b().map_err(|e| E(format!(\"{n}: {e}\")))?; b.c().map_err(|e| E(format!(\"{n}: {e}\")))?; } Ok(()) }",
                "fn f(b: B) -> R { let n = 1; b.a().map_err(|e| E(format!(\"{n}: {e}\")))?; let n = 2; b.b().map_err(|e| E(format!(\"{n}: {e}\")))?; b.c().map_err(|e| E(format!(\"{n}: {e}\")))?; Ok(()) }",
            ],
        );
    }
}
