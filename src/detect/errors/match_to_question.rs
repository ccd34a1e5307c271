//! Functions in; those out that return an error by a `match` or `if let` of several lines where `?` says the same.

use quote::ToTokens;
use syn::visit::{self, Visit};

use crate::detect::{Fact, FileFacts, Rule};
use crate::model::{Class, Eye, Finding, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::functions::{functions, head};
use crate::source::names::{peel, plain_name};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("match-to-question"),
    eye: Eye::Errors,
    kind: Kind::ErrorLadder,
    class: Class::A,
    title: "error passed on by a match where `?` says the same",
    explain: EXPLAIN,
    triggers: &["Err"],
    facts,
    judge,
};

const EXPLAIN: &str = "\
Finds errors that are passed on by hand: `match r { Ok(v) => v, Err(e) => return Err(e.into()) }` and
`if let Err(e) = r { return Err(e); }`, with `e` as it is, `e.into()`, `From::from(e)` or `Target::from(e)`. All rungs of
a function are one proposal with several hunks.

## Why it costs

It costs no time: rustc makes the same code of both. It costs the reader the main path, and a ladder is where a dropped
error hides. The rewrite is neutral in speed and is never counted as a saving.

## Before

```rust
let body = match read(stream) {
    Ok(body) => body,
    Err(error) => return Err(error.into()),
};
```

## After

```rust
let body = read(stream)?;
```

## When it is refused

The arm does anything else (logs, counts, wraps the error by hand); the nearest function or closure does not say that it
returns a `Result`; inside `async` and `try` blocks and `const fn`; the result is a place that is looked at again; the
workspace implements `Into` by hand, so that `.into()` may not be `From`; a comment inside the match would be lost. An
error type that records the place of its conversion records the same function, but another column.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for function in functions(&file.ast) {
        if function.is_test || function.sig.constness.is_some() {
            continue;
        }
        let mut walk = Ladders { returns_result: returns_result(&function.sig.output), found: Vec::new() };
        walk.visit_block(function.block);
        let Some(first) = walk.found.first() else { continue };
        let mut fact = Fact::at(file, file.range(first.whole));
        for rung in &walk.found {
            fact.captures.push(("ladder", file.range(rung.whole)));
            fact.captures.push(("fallible", file.range(rung.fallible)));
        }
        fact.notes.push(("rungs", walk.found.len().to_string()));
        found.push(fact);
    }
    found
}

fn judge(rule: &Rule, facts: &[FileFacts]) -> Vec<Finding> {
    let one = |file: &FileFacts, fact: &Fact| {
        let message = match fact.word("rungs").unwrap_or_default() {
            "1" => "an error is passed on by hand, in several lines: `?` does the same in one character".to_string(),
            rungs => {
                format!("{rungs} errors are passed on by hand: `?` does the same and leaves the main path readable")
            }
        };
        rule.finding(&file.file, fact, message)
    };
    facts.iter().flat_map(|file| file.facts.iter().map(move |fact| one(file, fact))).collect()
}

/// One hand-written `?`.
struct Rung<'a> {
    whole: &'a syn::Expr,
    fallible: &'a syn::Expr,
}

struct Ladders<'a> {
    returns_result: bool,
    found: Vec<Rung<'a>>,
}

impl<'a> Ladders<'a> {
    fn inside(&mut self, returns_result: bool, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.returns_result, returns_result);
        visit(self);
        self.returns_result = before;
    }
}

impl<'a> Visit<'a> for Ladders<'a> {
    fn visit_stmt(&mut self, node: &'a syn::Stmt) {
        // Only as a statement of its own may the value of `Ok` be thrown away.
        if let syn::Stmt::Expr(expr, _) = node
            && self.returns_result
            && let Some(fallible) = statement_rung(expr)
        {
            self.found.push(Rung { whole: expr, fallible });
            self.visit_expr(fallible);
            return;
        }
        visit::visit_stmt(self, node);
    }

    fn visit_expr(&mut self, node: &'a syn::Expr) {
        if self.returns_result
            && let Some(fallible) = value_rung(node)
        {
            self.found.push(Rung { whole: node, fallible });
            self.visit_expr(fallible);
            return;
        }
        visit::visit_expr(self, node);
    }

    fn visit_expr_closure(&mut self, node: &'a syn::ExprClosure) {
        self.inside(returns_result(&node.output), |this| visit::visit_expr_closure(this, node));
    }

    // In an async block the error type is inferred from the `return` alone, and in a `try` block `?` goes elsewhere.
    fn visit_expr_async(&mut self, node: &'a syn::ExprAsync) {
        self.inside(false, |this| visit::visit_expr_async(this, node));
    }

    fn visit_expr_try_block(&mut self, node: &'a syn::ExprTryBlock) {
        self.inside(false, |this| visit::visit_expr_try_block(this, node));
    }

    fn visit_expr_const(&mut self, _: &'a syn::ExprConst) {}
    fn visit_item(&mut self, _: &'a syn::Item) {}
}

/// True for `Result<…>` and the aliases of crates, which keep the word.
fn returns_result(output: &syn::ReturnType) -> bool {
    match output {
        syn::ReturnType::Type(_, ty) => head(ty) == "Result",
        syn::ReturnType::Default => false,
    }
}

/// `match r { Ok(v) => v, Err(e) => return Err(e) }` in any place.
fn value_rung(expr: &syn::Expr) -> Option<&syn::Expr> {
    let syn::Expr::Match(node) = expr else { return None };
    let (ok, err) = arms(node)?;
    (passes_on(err) && hands_over(ok)).then_some(&*node.expr)
}

/// The same where the value is not used, and `if let Err(e) = r { return Err(e); }`.
fn statement_rung(expr: &syn::Expr) -> Option<&syn::Expr> {
    match expr {
        syn::Expr::Match(node) => {
            let (ok, err) = arms(node)?;
            (passes_on(err) && drops_value(ok)).then_some(&*node.expr)
        }
        syn::Expr::If(node) if node.else_branch.is_none() && node.attrs.is_empty() => {
            let syn::Expr::Let(cond) = peel(&node.cond) else { return None };
            let name = wrapped_name(&cond.pat, "Err")?;
            let [syn::Stmt::Expr(only, _)] = node.then_branch.stmts.as_slice() else { return None };
            // A result that is looked at in place would be moved by `?`.
            let is_place = matches!(peel(&cond.expr), syn::Expr::Path(_) | syn::Expr::Field(_) | syn::Expr::Index(_));
            (!is_place && returns_error(only, &name)).then_some(&*cond.expr)
        }
        _ => None,
    }
}

fn arms(node: &syn::ExprMatch) -> Option<(&syn::Arm, &syn::Arm)> {
    let [first, second] = node.arms.as_slice() else { return None };
    if !node.attrs.is_empty() || !first.attrs.is_empty() || !second.attrs.is_empty() {
        return None;
    }
    if is_variant(&first.pat, "Ok") { Some((first, second)) } else { Some((second, first)) }
}

fn is_variant(pat: &syn::Pat, name: &str) -> bool {
    matches!(pat, syn::Pat::TupleStruct(tuple) if ends_with(&tuple.path, name) && tuple.elems.len() == 1)
}

/// `Ok`, `Result::Ok`, `std::result::Result::Ok`.
fn ends_with(path: &syn::Path, name: &str) -> bool {
    let mut segments = path.segments.iter().rev().map(|s| s.ident.to_string());
    segments.next().as_deref() == Some(name) && segments.next().is_none_or(|parent| parent == "Result")
}

/// The name that `Ok(name)` or `Err(name)` binds by value.
fn wrapped_name(pat: &syn::Pat, variant: &str) -> Option<String> {
    let syn::Pat::TupleStruct(tuple) = pat else { return None };
    if !is_variant(pat, variant) {
        return None;
    }
    match tuple.elems.first()? {
        syn::Pat::Ident(ident) if ident.by_ref.is_none() && ident.mutability.is_none() && ident.subpat.is_none() => {
            Some(ident.ident.to_string())
        }
        _ => None,
    }
}

fn passes_on(arm: &syn::Arm) -> bool {
    wrapped_name(&arm.pat, "Err").is_some_and(|name| returns_error(&arm.body, &name))
}

/// `Ok(v) => v`, `Ok(()) => ()`, `Ok(()) => {}`.
fn hands_over(arm: &syn::Arm) -> bool {
    if let Some(name) = wrapped_name(&arm.pat, "Ok") {
        return plain_name(only_expression(&arm.body)).is_some_and(|ident| *ident == name);
    }
    is_variant(&arm.pat, "Ok") && inner_text(&arm.pat) == "()" && is_unit(&arm.body)
}

/// `Ok(_) => {}`, `Ok(()) => ()`.
fn drops_value(arm: &syn::Arm) -> bool {
    is_variant(&arm.pat, "Ok") && matches!(inner_text(&arm.pat).as_str(), "()" | "_") && is_unit(&arm.body)
}

fn inner_text(pat: &syn::Pat) -> String {
    match pat {
        syn::Pat::TupleStruct(tuple) => tuple.elems.to_token_stream().to_string().replace(' ', ""),
        _ => String::new(),
    }
}

fn is_unit(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Tuple(tuple) => tuple.elems.is_empty(),
        syn::Expr::Block(block) => block.block.stmts.is_empty() && block.label.is_none(),
        _ => false,
    }
}

/// The expression of a block that holds nothing else.
fn only_expression(expr: &syn::Expr) -> &syn::Expr {
    match expr {
        syn::Expr::Block(block) if block.label.is_none() => match block.block.stmts.as_slice() {
            [syn::Stmt::Expr(inner, _)] => inner,
            _ => expr,
        },
        other => other,
    }
}

/// `return Err(e)` with `e` as it is or through `From`; anything else does more than `?`.
fn returns_error(expr: &syn::Expr, name: &str) -> bool {
    let syn::Expr::Return(back) = only_expression(expr) else { return false };
    let Some(syn::Expr::Call(call)) = back.expr.as_deref() else { return false };
    let syn::Expr::Path(func) = &*call.func else { return false };
    call.args.len() == 1 && ends_with(&func.path, "Err") && is_converted(&call.args[0], name)
}

fn is_converted(expr: &syn::Expr, name: &str) -> bool {
    let is_error = |expr: &syn::Expr| plain_name(expr).is_some_and(|ident| ident == name);
    match expr {
        syn::Expr::MethodCall(call) => call.method == "into" && call.args.is_empty() && is_error(&call.receiver),
        syn::Expr::Call(call) => {
            let syn::Expr::Path(func) = &*call.func else { return false };
            let last = func.path.segments.last().is_some_and(|s| s.ident == "from");
            last && func.path.segments.len() > 1 && call.args.len() == 1 && is_error(&call.args[0])
        }
        other => is_error(other),
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check_ignores, check_sites};

    #[track_caller]
    fn fires_on(body: &str, ladder: &str) {
        check_sites(&RULE, &format!("fn f() -> Result<u8, E> {{ {body} }}"), &[ladder]);
    }

    #[track_caller]
    fn ignores_body(body: &str) {
        check_ignores(&RULE, &[&format!("fn f() -> Result<u8, E> {{ {body} }}")]);
    }

    #[test]
    fn fires_on_each_way_to_pass_an_error_on() {
        for back in ["return Err(e)", "return Err(e.into())", "return Err(From::from(e))", "return Err(E::from(e))"] {
            let ladder = format!("match g() {{ Ok(v) => v, Err(e) => {back} }}");
            fires_on(&format!("let v = {ladder}; Ok(v)"), &ladder);
            let turned = format!("match g() {{ Err(e) => {{ {back}; }} Ok(v) => {{ v }} }}");
            fires_on(&format!("let v = {turned}; Ok(v)"), &turned);
        }
    }

    #[test]
    fn fires_on_an_error_that_is_looked_for_alone() {
        let ladder = "if let Err(e) = g() { return Err(e.into()); }";
        fires_on(&format!("{ladder} Ok(1)"), ladder);
        let unit = "match g() { Ok(_) => {} Err(e) => return Err(e) }";
        fires_on(&format!("{unit} Ok(1)"), unit);
    }

    #[test]
    fn a_function_is_one_finding_however_many_rungs_it_has() {
        let first = "match g() { Ok(v) => v, Err(e) => return Err(e) }";
        fires_on(&format!("let a = {first}; let b = {first}; Ok(a)"), first);
    }

    #[test]
    fn fires_in_methods_io_results_and_annotated_closures() {
        let ladder = "match g() { Ok(v) => v, Err(e) => return Err(e) }";
        check_sites(&RULE, &format!("impl S {{ fn f(&self) -> io::Result<u8> {{ Ok({ladder}) }} }}"), &[ladder]);
        check_sites(&RULE, &format!("fn f() {{ let c = |x| -> Result<u8, E> {{ Ok({ladder}) }}; }}"), &[ladder]);
        check_sites(&RULE, &format!("async fn f() -> Result<u8, E> {{ Ok({ladder}) }}"), &[ladder]);
    }

    #[test]
    fn ignores_arms_that_do_more_than_pass_on() {
        ignores_body("let v = match g() { Ok(v) => v, Err(e) => { log(&e); return Err(e) } }; Ok(v)");
        ignores_body("let v = match g() { Ok(v) => v + 1, Err(e) => return Err(e) }; Ok(v)");
        ignores_body("let v = match g() { Ok(v) => v, Err(e) => return Err(E::Io(e)) }; Ok(v)");
        ignores_body("let v = match g() { Ok(v) => v, Err(_) => return Err(E::Gone) }; Ok(v)");
        ignores_body("let v = match g() { Ok(v) => v, Err(e) if e.retry() => 1, Err(e) => return Err(e) }; Ok(v)");
        ignores_body("let v = match g() { Ok(v) if v > 1 => v, Err(e) => return Err(e) }; Ok(v)");
        ignores_body("let v = match g() { Ok(ref v) => v, Err(e) => return Err(e) }; Ok(*v)");
        ignores_body("let v = match g() { Ok(v) => w, Err(e) => return Err(e) }; Ok(v)");
    }

    #[test]
    fn ignores_if_lets_with_an_else_or_a_place() {
        ignores_body("if let Err(e) = g() { return Err(e); } else { h(); } Ok(1)");
        ignores_body("if let Err(e) = r { return Err(e); } r");
        ignores_body("if let Err(e) = g() { h(); return Err(e); } Ok(1)");
    }

    #[test]
    fn ignores_where_a_question_mark_would_go_elsewhere() {
        let ladder = "match g() { Ok(v) => v, Err(e) => return Err(e) }";
        check_ignores(&RULE, &[&format!("fn f() -> Poll<Result<u8, E>> {{ Ok({ladder}) }}")]);
        check_ignores(&RULE, &[&format!("fn f() -> Option<u8> {{ {ladder} }}")]);
        check_ignores(&RULE, &[&format!("const fn f() -> Result<u8, E> {{ Ok({ladder}) }}")]);
        ignores_body(&format!("let a = async {{ {ladder} }}; Ok(1)"));
        ignores_body(&format!("let a = |x| {ladder}; Ok(1)"));
        ignores_body("let v = match g() { Some(v) => v, None => return Err(E) }; Ok(v)");
        ignores_body("let v = loop { match g() { Ok(v) => break v, Err(e) => return Err(e) } }; Ok(v)");
    }

    #[test]
    fn ignores_macros_and_tests() {
        ignores_body("m! { match g() { Ok(v) => v, Err(e) => return Err(e) } }; Ok(1)");
        check_ignores(
            &RULE,
            &[
                "#[cfg(test)] mod t { fn f() -> Result<u8, E> { Ok(match g() { Ok(v) => v, Err(e) => return Err(e) }) } }",
            ],
        );
    }
}
