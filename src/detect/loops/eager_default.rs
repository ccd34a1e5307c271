//! Defaults that are computed although the value is there.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::functions::{Function, functions};
use crate::source::names::{mentions, plain_name};
use crate::source::too_early::{costs, is_free, lazy_form, only_compute};
use crate::source::{SourceFile, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("eager-default"),
    eye: Eye::Loops,
    kind: Kind::RebuiltInvariant,
    class: Class::B,
    title: "default computed although the value is there",
    explain: EXPLAIN,
    triggers: &["unwrap_or", "or", "ok_or", "map_or", "or_insert", "get_or_insert", "then_some"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `unwrap_or(…)`, `or(…)`, `ok_or(…)`, `map_or(…, f)`, `or_insert(…)`, `get_or_insert(…)` and `then_some(…)` with a value
that costs something to compute (it walks or allocates, or calls a function of the file that does), written there or bound by a
`let` before it and used nowhere else.

## Why it costs

The argument is computed before the method is called: also where the value is there, which it is most of the time.

## Before

```rust
let fallback = nearest(service, table);
agreed.unwrap_or(fallback)
```

## After

```rust
agreed.unwrap_or_else(|| nearest(service, table))
```

## When it is refused

Computing the default could be noticed (a change, input or output, a function that is not seen to do nothing but compute,
`unwrap`, an index, `?`); what it is computed from may change between the `let` and its use; the `let` spans lines; the
receiver is no `Option`, `Result`, `bool` or entry of a map.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let all = functions(file);
    let mut found = Vec::new();
    for function in words::functions_with(file, RULE.triggers).filter(|f| f.sig.constness.is_none()) {
        for expr in shapes::exprs(function.block) {
            let syn::Expr::MethodCall(call) = expr else { continue };
            if lazy_form(call).is_some() {
                found.extend(fact(file, &all, &function, call));
            }
        }
    }
    found
}

fn fact(file: &SourceFile, all: &[Function<'_>], function: &Function<'_>, call: &syn::ExprMethodCall) -> Option<Fact> {
    let value = call.args.first()?;
    let Some(name) = plain_name(value) else {
        let stmt = syn::Stmt::Expr(value.clone(), None);
        if !costs(all, value) || !only_compute(file, std::iter::once(&stmt)) {
            return None;
        }
        return Some(said(file, call, file.range(value)));
    };
    for block in shapes::own_blocks(function.block) {
        for (index, stmt) in block.stmts.iter().enumerate() {
            let Some(bound) = shapes::plain_let(stmt).filter(|l| l.name == name && !l.is_mut && costs(all, l.value))
            else {
                continue;
            };
            let text = name.to_string();
            let later = shapes::rest(block, index);
            let at = later.stmts.iter().position(|s| mentions(s, &text))?;
            let is_here = shapes::count(&later, &text) == 1
                && runs_here(file, &later.stmts[at], call)
                && is_free(file, function, &[stmt], &later.stmts[..=at]);
            return is_here.then(|| said(file, call, file.range(bound.value)).capture("binding", file.range(stmt)));
        }
    }
    None
}

/// True if the call runs as part of the statement: not in a loop, a closure or a branch of it, whose names are others.
fn runs_here(file: &SourceFile, stmt: &syn::Stmt, call: &syn::ExprMethodCall) -> bool {
    let wanted = file.range(call);
    let mut expr = match stmt {
        syn::Stmt::Local(local) => match &local.init {
            Some(init) => &*init.expr,
            None => return false,
        },
        syn::Stmt::Expr(expr, _) => expr,
        _ => return false,
    };
    loop {
        if file.range(expr) == wanted {
            return true;
        }
        expr = match expr {
            syn::Expr::MethodCall(outer) if outer.args.iter().any(|a| file.range(a).contains(wanted)) => return false,
            syn::Expr::MethodCall(outer) => &outer.receiver,
            syn::Expr::Return(back) => match &back.expr {
                Some(inner) => inner,
                None => return false,
            },
            syn::Expr::Try(t) => &t.expr,
            syn::Expr::Reference(r) => &r.expr,
            syn::Expr::Unary(u) => &u.expr,
            syn::Expr::Paren(p) => &p.expr,
            syn::Expr::Field(f) => &f.base,
            syn::Expr::Assign(a) => &a.right,
            syn::Expr::Binary(b) if file.range(&*b.right).contains(wanted) => &b.right,
            syn::Expr::Binary(b) => &b.left,
            syn::Expr::Call(c) => match c.args.iter().find(|a| file.range(*a).contains(wanted)) {
                Some(argument) => argument,
                None => return false,
            },
            _ => return false,
        };
    }
}

fn said(file: &SourceFile, call: &syn::ExprMethodCall, value: crate::model::TextRange) -> Fact {
    let method = &call.method;
    Fact::at(file, file.range(call))
        .capture("receiver", file.range(&*call.receiver))
        .capture("method", file.span_range(method.span()))
        .capture("argument", file.range(&call.args[0]))
        .capture("value", value)
        .note("message", format!("what `{method}` is given is computed even where it is not needed"))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_defaults_that_cost_something() {
        for text in [
            "fn f(o: Option<String>, n: u8) -> String { $0o.unwrap_or(format!(\"n{n}\"))$0 }",
            "fn f(o: Option<u64>, xs: &[u64]) -> u64 { let all: u64 = xs.iter().sum(); $0o.unwrap_or(all)$0 }",
            "fn f(m: &mut HashMap<u8, Vec<u64>>, k: u8, xs: &[u64]) -> u64 { let new = xs.to_vec(); let t = $0m.entry(k).or_insert(new)$0; t[0] }",
            "fn near(xs: &[u64]) -> u64 { let mut n = 0; for x in xs { n ^= x; } n } fn f(o: Option<u64>, xs: &[u64]) -> u64 { $0o.map_or(near(xs), |n| n + 1)$0 }",
            "fn f(o: Option<u8>, k: &str) -> Result<u8, E> { let n = $0o.ok_or(E::Missing(k.to_string()))$0?; Ok(n) }",
            "fn f(on: bool, xs: &[S]) -> Option<String> { $0on.then_some(xs.join(\",\"))$0 }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(o: Option<u16>) -> u16 { o.unwrap_or(u16::MAX) }",
                "fn f<'a>(o: Option<&'a u8>, xs: &'a [u8]) -> Option<&'a u8> { o.or(xs.first()) } impl T { fn first(&self) -> u8 { for x in &self.xs {} 1 } }",
                "fn f(o: Option<String>) -> String { o.unwrap_or(String::new()) }",
                "fn f(o: Option<u8>, d: u8) -> u8 { o.unwrap_or(d) }",
                "fn f(o: Option<u8>, xs: &[u8]) -> u8 { o.unwrap_or(xs[0]) }",
                "fn f(o: Option<u8>, x: &str) -> R { Ok(o.unwrap_or(x.to_lowercase().parse()?)) }",
                "impl Q { fn take(&mut self) -> u64 { for x in y {} self.n += 1; self.n } fn f(&mut self, o: Option<u64>) -> u64 { o.unwrap_or(self.take()) } }",
                "impl Q { fn number(&self) -> u64 { for x in y {} self.n.fetch_add(1, R) } fn f(&self, o: Option<u64>) -> u64 { let n = self.number(); o.unwrap_or(n) } }",
                "fn f(o: Option<String>, xs: &[String]) -> String { let all = xs.join(\",\"); keep(&all); o.unwrap_or(all) }",
                "fn f(o: Option<String>, xs: &mut Vec<String>) -> String { let all = xs.join(\",\"); xs.clear(); o.unwrap_or(all) }",
                "fn f(os: Vec<Option<String>>, xs: &[String]) -> V { let all = xs.join(\",\"); os.into_iter().map(|o| o.unwrap_or(all)).collect() }",
                "fn f(o: Option<String>, p: &Path) -> String { o.unwrap_or(std::fs::read_to_string(p).unwrap_or_default().to_lowercase()) }",
                "async fn f(o: Option<String>, c: &C) -> String { o.unwrap_or(c.get(1).await.to_string()) }",
            ],
        );
    }
}
