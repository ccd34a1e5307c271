//! Functions in; those out that return an error by a `match` or `if let` of several lines where `?` says the same.

use crate::source::visit::code::{self as visit, Visit};
use quote::ToTokens;

use crate::detect::{Fact, FileFacts, Rule};
use crate::model::{Class, Eye, Finding, Kind, RuleId};
use crate::source::declarations::Known;
use crate::source::functions::{head, type_arguments};
use crate::source::names::{peel, plain_name};
use crate::source::{SourceFile, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("match-to-question"),
    eye: Eye::Errors,
    kind: Kind::ErrorLadder,
    class: Class::A,
    title: "error passed on by a match where `?` says the same",
    explain: EXPLAIN,
    triggers: &["Err", "None", "map_err"],
    facts,
    judge,
};

const EXPLAIN: &str = "\
Finds errors that are passed on by hand: `match r { Ok(v) => v, Err(e) => return Err(e.into()) }` and
`if let Err(e) = r { return Err(e); }`, with `e` as it is, `e.into()`, `From::from(e)` or `Target::from(e)`; and
`r.map_err(Target::from)?` where the function returns that `Target`. All rungs of a function are one proposal with several hunks.

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
    for function in words::functions_with(file, RULE.triggers) {
        if function.is_test || function.sig.constness.is_some() {
            continue;
        }
        let output = &function.sig.output;
        let mut walk = Ladders { returns: Returns::of(output), error: error_of(output), found: Vec::new() };
        walk.visit_block(function.block);
        let Some(first) = walk.found.first() else { continue };
        let mut fact = Fact::at(file, file.range(first.whole));
        for rung in &walk.found {
            let (ladder, fallible) = if rung.is_echo { ("echo", "echoed") } else { ("ladder", "fallible") };
            fact.captures.push((ladder, file.range(rung.whole)));
            fact.captures.push((fallible, file.range(rung.fallible)));
        }
        let what = match (walk.found.iter().all(|rung| rung.is_echo), first.of) {
            (true, _) => "echo",
            (_, Returns::Option) => "none",
            _ => "error",
        };
        fact.notes.push(("what", what.to_string()));
        fact.notes.push(("rungs", walk.found.len().to_string()));
        found.push(fact);
    }
    found
}

fn judge(rule: &Rule, facts: &[FileFacts], _: &Known) -> Vec<Finding> {
    let one = |file: &FileFacts, fact: &Fact| {
        let what = fact.word("what").unwrap_or_default();
        let message = match fact.word("rungs").unwrap_or_default() {
            _ if what == "echo" => "both arms give back what came in: the match says nothing".to_string(),
            "1" if what == "none" => {
                "`None` is passed on by hand, in several lines: `?` does the same in one character".to_string()
            }
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
    /// What the function around it returns.
    of: Returns,
    /// True where both arms give back what came in, so that not even a `?` is left.
    is_echo: bool,
}

/// What the nearest function or closure returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Returns {
    Result,
    Option,
    Other,
}

impl Returns {
    /// `Result<…>` and the aliases of crates, which keep the word; `Option<…>`.
    fn of(output: &syn::ReturnType) -> Returns {
        match output {
            syn::ReturnType::Type(_, ty) => match head(ty).as_str() {
                "Result" => Returns::Result,
                "Option" => Returns::Option,
                _ => Returns::Other,
            },
            syn::ReturnType::Default => Returns::Other,
        }
    }
}

/// The name of the error in `Result<T, Error>`; empty where it is not written down.
fn error_of(output: &syn::ReturnType) -> String {
    match output {
        syn::ReturnType::Type(_, ty) => match type_arguments(ty).as_slice() {
            [_, error] if head(ty) == "Result" => head(error),
            _ => String::new(),
        },
        syn::ReturnType::Default => String::new(),
    }
}

struct Ladders<'a> {
    returns: Returns,
    error: String,
    found: Vec<Rung<'a>>,
}

impl<'a> Ladders<'a> {
    fn inside(&mut self, output: Option<&syn::ReturnType>, visit: impl FnOnce(&mut Self)) {
        let returns = output.map_or(Returns::Other, Returns::of);
        let returns = std::mem::replace(&mut self.returns, returns);
        let error = std::mem::replace(&mut self.error, output.map(error_of).unwrap_or_default());
        visit(self);
        (self.returns, self.error) = (returns, error);
    }

    fn note(&mut self, whole: &'a syn::Expr, fallible: &'a syn::Expr, is_echo: bool) {
        self.found.push(Rung { whole, fallible, of: self.returns, is_echo });
        self.visit_expr(fallible);
    }
}

impl<'a> Visit<'a> for Ladders<'a> {
    fn visit_stmt(&mut self, node: &'a syn::Stmt) {
        // Only as a statement of its own may the value of `Ok` be thrown away.
        if let syn::Stmt::Expr(expr, _) = node
            && self.returns == Returns::Result
            && let Some(fallible) = statement_rung(expr)
        {
            return self.note(expr, fallible, false);
        }
        visit::visit_stmt(self, node);
    }

    fn visit_expr(&mut self, node: &'a syn::Expr) {
        let rung = match self.returns {
            Returns::Result => value_rung(node).or_else(|| converted_rung(node, &self.error)),
            Returns::Option => option_rung(node),
            Returns::Other => None,
        };
        match (rung, echo(node)) {
            (Some(fallible), _) => self.note(node, fallible, false),
            (None, Some(looked_at)) => self.note(node, looked_at, true),
            (None, None) => visit::visit_expr(self, node),
        }
    }

    fn visit_expr_closure(&mut self, node: &'a syn::ExprClosure) {
        self.inside(Some(&node.output), |this| visit::visit_expr_closure(this, node));
    }

    // In an async block the error type is inferred from the `return` alone, and in a `try` block `?` goes elsewhere.
    fn visit_expr_async(&mut self, node: &'a syn::ExprAsync) {
        self.inside(None, |this| visit::visit_expr_async(this, node));
    }

    fn visit_expr_try_block(&mut self, node: &'a syn::ExprTryBlock) {
        self.inside(None, |this| visit::visit_expr_try_block(this, node));
    }

    fn visit_expr_const(&mut self, _: &'a syn::ExprConst) {}
    fn visit_item(&mut self, _: &'a syn::Item) {}
}

/// `match o { Some(v) => v, None => return None }` in any place, and `if let Some(v) = o { v } else { return None }`.
fn option_rung(expr: &syn::Expr) -> Option<&syn::Expr> {
    if let syn::Expr::If(node) = expr {
        let syn::Expr::Let(cond) = &*node.cond else { return None };
        let name = wrapped_name(&cond.pat, "Some")?;
        let [syn::Stmt::Expr(value, None)] = node.then_branch.stmts.as_slice() else { return None };
        let (_, other) = node.else_branch.as_ref()?;
        let syn::Expr::Return(back) = only_expression(other) else { return None };
        let is_passed_on = back.expr.as_deref().is_some_and(is_none);
        return (is_passed_on && plain_name(value).is_some_and(|ident| *ident == name)).then_some(&*cond.expr);
    }
    let syn::Expr::Match(node) = expr else { return None };
    let (some, none) = option_arms(node)?;
    let name = wrapped_name(&some.pat, "Some")?;
    let is_value = plain_name(only_expression(&some.body)).is_some_and(|ident| *ident == name);
    let syn::Expr::Return(back) = only_expression(&none.body) else { return None };
    (is_value && back.expr.as_deref().is_some_and(is_none)).then_some(&*node.expr)
}

/// The arms of `Some(…)` and `None`.
fn option_arms(node: &syn::ExprMatch) -> Option<(&syn::Arm, &syn::Arm)> {
    let [first, second] = node.arms.as_slice() else { return None };
    if !node.attrs.is_empty() || !first.attrs.is_empty() || !second.attrs.is_empty() {
        return None;
    }
    let (some, none) = if is_variant(&first.pat, "Some") { (first, second) } else { (second, first) };
    let is_none = match &none.pat {
        syn::Pat::Ident(ident) => ident.ident == "None" && ident.subpat.is_none(),
        syn::Pat::Path(path) => path.path.segments.last().is_some_and(|s| s.ident == "None"),
        _ => false,
    };
    (is_variant(&some.pat, "Some") && is_none).then_some((some, none))
}

fn is_none(expr: &syn::Expr) -> bool {
    matches!(peel(expr), syn::Expr::Path(path) if path.path.is_ident("None"))
}

/// `match r { Ok(v) => Ok(v), Err(e) => Err(e) }`, which is `r`.
fn echo(expr: &syn::Expr) -> Option<&syn::Expr> {
    let syn::Expr::Match(node) = expr else { return None };
    let gives_back = |arm: &syn::Arm, variant: &str| {
        wrapped_name(&arm.pat, variant).is_some_and(|name| match only_expression(&arm.body) {
            syn::Expr::Call(call) => {
                let same = matches!(&*call.func, syn::Expr::Path(path) if path.path.is_ident(variant));
                same && call.args.len() == 1 && plain_name(&call.args[0]).is_some_and(|ident| *ident == name)
            }
            _ => false,
        })
    };
    let is_echo = match arms(node) {
        Some((ok, err)) if is_variant(&ok.pat, "Ok") => gives_back(ok, "Ok") && gives_back(err, "Err"),
        _ => option_arms(node)
            .is_some_and(|(some, none)| gives_back(some, "Some") && is_none(only_expression(&none.body))),
    };
    // What is borrowed would be given back by value.
    let is_borrowed = matches!(peel(&node.expr), syn::Expr::Reference(_));
    (is_echo && !is_borrowed).then_some(&*node.expr)
}

/// `match r { Ok(v) => v, Err(e) => return Err(e) }` in any place.
fn value_rung(expr: &syn::Expr) -> Option<&syn::Expr> {
    let syn::Expr::Match(node) = expr else { return None };
    let (ok, err) = arms(node)?;
    (passes_on(err) && hands_over(ok)).then_some(&*node.expr)
}

/// `r.map_err(Error::from)?` where the function returns that very `Error`: `?` converts by itself.
fn converted_rung<'a>(expr: &'a syn::Expr, error: &str) -> Option<&'a syn::Expr> {
    let syn::Expr::Try(passed) = expr else { return None };
    let syn::Expr::MethodCall(call) = &*passed.expr else { return None };
    let is_from = |func: &syn::Expr| match func {
        syn::Expr::Path(path) => {
            let mut last = path.path.segments.iter().rev().map(|s| s.ident.to_string());
            last.next().as_deref() == Some("from") && last.next().is_some_and(|target| target == error)
        }
        _ => false,
    };
    let converts = match call.args.first()? {
        syn::Expr::Closure(closure) => match (closure.inputs.first(), &*closure.body) {
            (Some(syn::Pat::Ident(name)), syn::Expr::Call(of)) => {
                let is_error = of.args.len() == 1 && plain_name(&of.args[0]).is_some_and(|found| *found == name.ident);
                is_error && closure.inputs.len() == 1 && is_from(&of.func)
            }
            _ => false,
        },
        func => is_from(func),
    };
    (call.method == "map_err" && call.args.len() == 1 && converts).then_some(&*call.receiver)
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

pub(super) fn arms(node: &syn::ExprMatch) -> Option<(&syn::Arm, &syn::Arm)> {
    let [first, second] = node.arms.as_slice() else { return None };
    if !node.attrs.is_empty() || !first.attrs.is_empty() || !second.attrs.is_empty() {
        return None;
    }
    if is_variant(&first.pat, "Ok") { Some((first, second)) } else { Some((second, first)) }
}

pub(super) fn is_variant(pat: &syn::Pat, name: &str) -> bool {
    matches!(pat, syn::Pat::TupleStruct(tuple) if ends_with(&tuple.path, name) && tuple.elems.len() == 1)
}

/// `Ok`, `Result::Ok`, `std::result::Result::Ok`.
fn ends_with(path: &syn::Path, name: &str) -> bool {
    let mut segments = path.segments.iter().rev().map(|s| s.ident.to_string());
    segments.next().as_deref() == Some(name) && segments.next().is_none_or(|parent| parent == "Result")
}

/// The name that `Ok(name)` or `Err(name)` binds by value.
pub(super) fn wrapped_name(pat: &syn::Pat, variant: &str) -> Option<String> {
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
pub(super) fn only_expression(expr: &syn::Expr) -> &syn::Expr {
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

pub(super) fn is_converted(expr: &syn::Expr, name: &str) -> bool {
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
    fn fires_on_none_passed_on_and_on_a_match_that_says_nothing() {
        let option = |body: &str| format!("fn f() -> Option<u8> {{ {body} }}");
        let ladder = "match g() { Some(v) => v, None => return None }";
        check_sites(&RULE, &option(&format!("let v = {ladder}; Some(v)")), &[ladder]);
        let looked_into = "if let Some(v) = g() { v } else { return None; }";
        check_sites(&RULE, &option(&format!("let v = {looked_into}; Some(v)")), &[looked_into]);
        let lent = "match &self.a { None => { return None; } Some(v) => v }";
        check_sites(&RULE, &option(&format!("let v = {lent}; Some(*v)")), &[lent]);
        let echo = "match g() { Ok(v) => Ok(v), Err(e) => Err(e) }";
        fires_on(echo, echo);
        check_sites(
            &RULE,
            &option("match g() { Some(v) => Some(v), None => None }"),
            &["match g() { Some(v) => Some(v), None => None }"],
        );
    }

    #[test]
    fn ignores_options_that_do_more_than_pass_none_on() {
        let option = |body: &str| format!("fn f() -> Option<u8> {{ {body} }}");
        check_ignores(
            &RULE,
            &[
                &option("let v = match g() { Some(v) => v, None => return Some(0) }; Some(v)"),
                &option("let v = match g() { Some(v) => v + 1, None => return None }; Some(v)"),
                &option("let v = match g() { Some(v) if v > 1 => v, None => return None, _ => 1 }; Some(v)"),
                &option("let v = match g() { Some(v) => v, None => { miss(); return None; } }; Some(v)"),
                &option("match g() { Some(v) => Some(v + 1), None => None }"),
                &option("let v = if let Some(v) = g() { v } else { return Some(0) }; Some(v)"),
                &option("let v = if let Some(v) = g() { v + 1 } else { return None }; Some(v)"),
                &option("let v = if let Some(v) = g() { v } else { miss(); return None }; Some(v)"),
                &option("match &self.a { Some(v) => Some(v), None => None }"),
                "fn f() -> Result<u8, E> { match g() { Ok(v) => Ok(v), Err(e) => Err(e.into()) } }",
                "fn f() -> Result<u8, E> { match g() { Ok(v) => Ok(w), Err(e) => Err(e) } }",
            ],
        );
    }

    #[test]
    fn fires_on_a_conversion_that_the_question_mark_makes_by_itself() {
        for converted in ["g().map_err(E::from)?", "g().map_err(|e| E::from(e))?", "g(1).h().map_err(my::E::from)?"] {
            fires_on(&format!("let v = {converted}; Ok(v)"), converted);
        }
        ignores_body("let v = g().map_err(F::from)?; Ok(v)");
        ignores_body("let v = g().map_err(|e| E::from(other))?; Ok(v)");
        ignores_body("let v = g().map_err(|e| E::from_code(e))?; Ok(v)");
        ignores_body("let v = g().map_err(E::Io)?; Ok(v)");
        ignores_body("g().map_err(E::from)");
        ignores_body("let v = run(|| g().map_err(E::from)?); Ok(v)");
        check_ignores(&RULE, &["fn f() -> Result<u8, Box<dyn Error>> { let v = g().map_err(E::from)?; Ok(v) }"]);
        check_ignores(&RULE, &["fn f() -> anyhow::Result<u8> { let v = g().map_err(E::from)?; Ok(v) }"]);
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
