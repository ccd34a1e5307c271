//! Private functions that make an error which no caller looks at.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::functions::{Function, functions, head, type_arguments};
use crate::source::own_calls::{OwnCall, own_calls};
use crate::source::{SourceFile, names, pure, shapes, too_early, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("unread-error"),
    eye: Eye::Errors,
    kind: Kind::ErrorLadder,
    class: Class::A,
    title: "error made that no caller looks at",
    explain: EXPLAIN,
    triggers: &["Err"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds private functions that give `Result<_, String>` or `Result<_, Box<dyn Error>>` and whose callers only ask whether they
succeeded: `is_ok()`, `is_err()`, `ok()`, `if let Ok(…)`, `while let Ok(…)`.

## Why it costs

Each failure formats and allocates a text, and each caller frees it unread. Where failing is ordinary (the end of the input, a value
that does not match), that is most of the work.

## Before

```rust
fn check(segment: u32) -> Result<(), String> {
    if segment > MOST {
        return Err(format!(\"segment {segment} is not known\"));
    }
    Ok(())
}

segments.retain(|s| check(*s).is_ok());
```

## After

```rust
fn check(segment: u32) -> Result<(), ()> {
    if segment > MOST {
        return Err(());
    }
    Ok(())
}
```

## When it is refused

The function is not private, belongs to a trait, or is handed on rather than called; a caller uses the error, or passes it on with
`?`; the function passes on errors of others with `?`; making the error does more than compute; a name is used for the error alone
and would be left over.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    if !["String", "Box"].iter().any(|word| file.text.contains(word)) {
        return Vec::new();
    }
    let with_errors = words::functions_with(file, RULE.triggers).filter(|function| function.is_private);
    let candidates: Vec<_> = with_errors.filter_map(|function| Some((error_of(&function)?, function))).collect();
    if candidates.is_empty() {
        return Vec::new();
    }
    let all = functions(file);
    candidates.iter().filter_map(|(error, function)| unread(file, &all, function, error)).collect()
}

fn unread(file: &SourceFile, all: &[Function<'_>], function: &Function<'_>, error: &syn::Type) -> Option<Fact> {
    let exprs = shapes::exprs(function.block);
    // The failure of a closure, or of a block, is another one's.
    let is_other = |e: &&syn::Expr| match e {
        syn::Expr::Closure(c) => names::mentions(&c.body, "Err"),
        syn::Expr::Async(a) => names::mentions(&a.block, "Err"),
        syn::Expr::Try(_) | syn::Expr::TryBlock(_) => true,
        _ => false,
    };
    if exprs.iter().any(is_other) {
        return None;
    }
    let made: Vec<&syn::Expr> = exprs.iter().filter_map(|e| made(e)).collect();
    let is_plain = |value: &&&syn::Expr| pure::is_pure(file, value) && shapes::exits_of(value).is_empty();
    let costs = |value: &&&syn::Expr| too_early::costs(all, value);
    if made.iter().filter(costs).count() == 0 || !made.iter().all(|value| is_plain(&value)) {
        return None;
    }
    let calls = own_calls(file, function)?;
    if !calls.iter().all(|call| !call.is_own && is_discarded(file, call)) || !leaves_no_name(file, function, &made) {
        return None;
    }
    let name = function.sig.ident.to_string();
    let message = format!("`{name}` makes an error that no caller looks at");
    let fact = Fact::at(file, file.range(error)).note("message", message);
    Some(made.iter().fold(fact, |fact, value| fact.capture("made", file.range(*value))))
}

/// The type of the error, where it is a text or a box.
fn error_of<'a>(function: &Function<'a>) -> Option<&'a syn::Type> {
    let syn::ReturnType::Type(_, output) = &function.sig.output else { return None };
    let [_, error] = type_arguments(output).try_into().ok().filter(|_| head(output) == "Result")?;
    let error: &syn::Type = error;
    ["String", "Box"].contains(&head(error).as_str()).then_some(error)
}

/// `value` of `Err(value)`.
fn made(expr: &syn::Expr) -> Option<&syn::Expr> {
    let syn::Expr::Call(call) = expr else { return None };
    let is_err = matches!(&*call.func, syn::Expr::Path(p) if p.path.is_ident("Err"));
    call.args.first().filter(|_| is_err && call.args.len() == 1)
}

/// True if a call's failure is not looked at.
fn is_discarded(file: &SourceFile, call: &OwnCall<'_>) -> bool {
    const ASKS: &[&str] = &["is_ok", "is_err", "is_ok_and", "ok", "unwrap_or", "unwrap_or_default"];
    let is_ok = |pat: &syn::Pat| matches!(pat, syn::Pat::TupleStruct(p) if p.path.is_ident("Ok"));
    let range = file.range(call.call);
    match call.around.last() {
        Some(syn::Expr::MethodCall(outer)) => {
            file.range(&*outer.receiver) == range && ASKS.iter().any(|name| outer.method == name)
        }
        Some(syn::Expr::Let(outer)) => is_ok(&outer.pat),
        _ => false,
    }
}

/// True if all that the errors are made of is used for something else, too.
fn leaves_no_name(file: &SourceFile, function: &Function<'_>, made: &[&syn::Expr]) -> bool {
    let mut names: Vec<String> = made.iter().flat_map(|value| pure::roots(value)).collect();
    names.sort();
    names.dedup();
    names.iter().filter(|name| *name != "self").all(|name| {
        let in_errors: usize = made.iter().map(|value| shapes::count(*value, name)).sum();
        let bound = usage::bindings(file, function.block, name).len();
        shapes::count(function.block, name) > in_errors + bound
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_errors_that_nobody_reads() {
        for text in [
            "fn check(n: u8) -> Result<(), $0String$0> { if n > 3 { return Err(format!(\"{n} is too much\")); } Ok(()) } fn f(xs: &mut Vec<u8>) { xs.retain(|x| check(*x).is_ok()); }",
            "fn next(b: &[u8]) -> std::result::Result<u8, $0Box<dyn Error>$0> { for x in b { if *x > 1 { return Ok(*x); } } Err(format!(\"{} bytes\", b.len()).into()) } pub fn f(b: &[u8]) { while let Ok(x) = next(b) { g(x); } }",
            "impl S { fn find(&self, k: u8) -> Result<u8, $0String$0> { match self.m.get(&k) { Some(v) => Ok(*v), None => Err(\"no such key\".to_string()) } } fn f(&self) -> u8 { if let Ok(v) = self.find(1) { return v; } self.find(2).unwrap_or(0) } }",
            "fn check(n: u8) -> Result<u8, $0String$0> { if n > 3 { Err(format!(\"{n}\")) } else { Ok(n) } } fn f() -> Option<u8> { check(1).ok() }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        let fails = "{ if n > 3 { return Err(format!(\"{n}\")); } Ok(()) }";
        let texts = [
            format!("pub fn check(n: u8) -> Result<(), String> {fails} fn f() -> bool {{ check(1).is_ok() }}"),
            format!("fn check(n: u8) -> Result<(), String> {fails} fn f() -> Result<(), String> {{ check(1)?; Ok(()) }}"),
            format!("fn check(n: u8) -> Result<(), String> {fails} fn f() {{ if let Err(e) = check(1) {{ log(e); }} }}"),
            format!("fn check(n: u8) -> Result<(), String> {fails} fn f() -> bool {{ check(1).is_ok() }} fn g() {{ check(2).unwrap(); }}"),
            format!("fn check(n: u8) -> Result<(), String> {fails} fn f() -> Result<(), String> {{ check(1) }}"),
            format!("fn check(n: u8) -> Result<(), String> {fails} fn f(xs: &[u8]) -> bool {{ xs.iter().copied().map(check).all(|r| r.is_ok()) }}"),
            format!("fn check(n: u8) -> Result<(), String> {fails}"),
            format!("impl Check for S {{ fn check(n: u8) -> Result<(), String> {fails} }} fn f() -> bool {{ S::check(1).is_ok() }}"),
            // Not a text, not made here, or more than a text.
            "fn check(n: u8) -> Result<(), E> { if n > 3 { return Err(E::Big(n)); } Ok(()) } fn f() -> bool { check(1).is_ok() }".into(),
            "fn check(n: u8) -> Result<(), String> { if n > 3 { return Err(String::new()); } Ok(()) } fn f() -> bool { check(1).is_ok() }".into(),
            "fn check(n: u8) -> Result<(), String> { other(n)?; Err(format!(\"{n}\")) } fn f() -> bool { check(1).is_ok() }".into(),
            "fn check(n: u8) -> Result<(), String> { if n > 3 { return Err(note(n)); } Ok(()) } fn f() -> bool { check(1).is_ok() }".into(),
            // The name would be left over.
            "fn check(n: u8, why: &str) -> Result<(), String> { if n > 3 { return Err(format!(\"{why}\")); } Ok(()) } fn f() -> bool { check(1, \"a\").is_ok() }".into(),
            "fn check(t: &str) -> Result<u8, String> { match t.parse() { Ok(n) => Ok(n), Err(e) => Err(format!(\"{t}: {e}\")) } } fn f() -> bool { check(\"1\").is_ok() }".into(),
        ];
        check_ignores(&RULE, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
