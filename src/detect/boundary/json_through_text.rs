//! Bytes that are made a text only to be parsed as JSON.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::json_steps::{Joint, Steps, steps};
use crate::source::{SourceFile, json, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("json-through-text"),
    eye: Eye::Boundary,
    kind: Kind::Marshalling,
    class: Class::B,
    title: "bytes made a text only to be parsed",
    explain: EXPLAIN,
    triggers: &["serde_json"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `serde_json::from_str(std::str::from_utf8(bytes)?)` and `serde_json::from_str(&String::from_utf8(bytes)?)`, in one
expression, by way of a `let` (with or without `else`) on the line before, of an `if let` that holds nothing else, of the
condition before, or by `and_then`.

## Why it costs

All bytes are read once to see that they are UTF-8 and once more to parse them; `to_vec()` before copies them, too.
`from_slice` looks at each byte once.

## Before

```rust
let text = String::from_utf8(body.to_vec())?;
let order: Order = serde_json::from_str(&text)?;
```

## After

```rust
let order: Order = serde_json::from_slice(&body)?;
```

Bytes that are no UTF-8 are now an error of serde_json, and no error at all where they stand in a part that the type does
not ask for. That is for a person to accept.

## When it is refused

The text is used for anything else; the failures of the two steps are treated in different ways; the text is made by
`from_utf8_lossy`, which replaces what is no UTF-8; the value borrows from the text (rustc does not accept it, or it
borrows from the bytes as well).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        found.extend(steps(file, body).iter().filter_map(|steps| joined(file, steps)));
        for expr in shapes::exprs(body) {
            found.extend(at_once(file, expr));
        }
    }
    found
}

/// The call of `from_str` with what it reads and what becomes of its failure.
struct Parse<'a> {
    ident: TextRange,
    argument: &'a syn::Expr,
    end: &'a str,
}

fn parse<'a>(file: &'a SourceFile, expr: &'a syn::Expr) -> Option<Parse<'a>> {
    let (inner, end) = json::failing(file, expr);
    let syn::Expr::Call(call) = inner else { return None };
    json::function(call).filter(|name| name == "from_str")?;
    let syn::Expr::Path(path) = &*call.func else { return None };
    let ident = file.span_range(path.path.segments.last()?.ident.span());
    Some(Parse { ident, argument: call.args.first()?, end })
}

/// What bytes a text is made of: the bytes, and whether they must be borrowed to be read.
fn bytes<'a>(file: &'a SourceFile, expr: &'a syn::Expr) -> Option<(&'a syn::Expr, bool, &'a str)> {
    let (inner, end) = json::failing(file, expr);
    if end.is_empty() {
        return None;
    }
    if let Some(call) = shapes::call(inner, &["str", "from_utf8"]) {
        return Some((call.args.first()?, false, end));
    }
    let call = shapes::call(inner, &["String", "from_utf8"])?;
    let owned = call.args.first()?;
    let copied = shapes::method(owned, "to_vec", 0).map(|copy| &*copy.receiver);
    Some((copied.unwrap_or(owned), true, end))
}

fn fact(file: &SourceFile, whole: TextRange, parse: &Parse<'_>, bytes: &syn::Expr, is_owned: bool) -> Fact {
    Fact::at(file, whole)
        .capture("ident", parse.ident)
        .capture("argument", file.range(parse.argument))
        .capture(if is_owned { "owned" } else { "borrowed" }, file.range(bytes))
        .note("message", "all bytes are read once to be a text, and once more to be parsed")
}

fn at_once(file: &SourceFile, expr: &syn::Expr) -> Option<Fact> {
    let parse = parse(file, expr)?;
    let (bytes, is_owned, end) = bytes(file, json::bytes_of(parse.argument))?;
    json::ends_alike(end, parse.end, false).then(|| fact(file, file.range(expr), &parse, bytes, is_owned))
}

/// `let text = std::str::from_utf8(bytes)?;` with the parse in the next statement, in the `if let` inside, in the next
/// condition, or in an `and_then`.
fn joined(file: &SourceFile, steps: &Steps<'_>) -> Option<Fact> {
    let is_text = ["str", "String"].iter().any(|owner| shapes::call(steps.first, &[owner, "from_utf8"]).is_some());
    let site = match steps.joint {
        Joint::Inside => return None,
        Joint::Let(line) => line,
        _ => steps.made,
    };
    (is_text && steps.second() == "from_str" && steps.is_alike).then(|| {
        Fact::at(file, site)
            .capture("joined", steps.made)
            .note("message", "all bytes are read once to be a text, and once more to be parsed")
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_the_text_is_only_parsed() {
        for text in [
            "fn f(b: &[u8]) -> R { Ok($0serde_json::from_str(std::str::from_utf8(b)?)?$0) }",
            "fn f(b: &[u8]) -> X { $0serde_json::from_str(std::str::from_utf8(b).unwrap()).unwrap()$0 }",
            "fn f(b: Vec<u8>) -> R { Ok($0serde_json::from_str::<X>(&String::from_utf8(b)?)?$0) }",
            "fn f(b: &[u8]) -> R { let x: X = $0serde_json::from_str(&String::from_utf8(b.to_vec())?)?$0; Ok(x) }",
            "fn f(b: &[u8]) -> R { $0let t = std::str::from_utf8(b)?;$0 let x: X = serde_json::from_str(t)?; Ok(x) }",
            "fn f(b: &[u8]) -> R { $0let t = String::from_utf8(b.to_vec())?;$0 Ok(serde_json::from_str(&t)?) }",
            "fn f(b: &[u8]) -> O { $0let t = std::str::from_utf8(b).ok()?;$0 serde_json::from_str(t).ok() }",
            "fn f(b: &[u8]) -> R { $0let t = std::str::from_utf8(b).map_err(bad)?;$0 serde_json::from_str(t).map_err(bad) }",
            "fn f(r: &Req) -> R { $0let t = str::from_utf8(&r.body)?;$0 let x: X = serde_json::from_str(t)?; Ok(x) }",
            "fn f(b: &[u8]) -> R { $0let t = String::from_utf8(b.to_vec()).map_err(|_| bad())?;$0 match serde_json::from_str::<X>(&t) { Ok(x) => Ok(x), Err(_) => Err(bad()) } }",
            "fn f(b: &[u8]) -> O { $0let Ok(t) = std::str::from_utf8(b) else { return None };$0 let Ok(x) = serde_json::from_str::<X>(t) else { return None }; Some(x) }",
            "fn f(b: &[u8]) { if let Ok(t) = $0std::str::from_utf8(b)$0 { if let Ok(x) = serde_json::from_str::<X>(t) { g(x); } } }",
            "fn f(b: &[u8]) { if let Ok(t) = $0std::str::from_utf8(&b[1..])$0 && let Ok(x) = serde_json::from_str::<X>(t) { g(x); } }",
            "fn f(b: &[u8]) -> O { $0std::str::from_utf8(b).ok()$0.and_then(|t| serde_json::from_str::<X>(t).ok()) }",
            "fn f(b: &[u8]) -> R { $0let t: &str = std::str::from_utf8(b)?;$0 Ok(serde_json::from_str(t)?) }",
            "fn f(b: Vec<u8>) -> R { $0let t = String::from_utf8(b)?;$0 let x = serde_json::from_str(t.as_str())?; Ok(x) }",
            "async fn f(r: Req) -> R { let b = r.bytes().await?; $0let t = std::str::from_utf8(&b)?;$0 Ok(serde_json::from_str::<X>(t)?) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(t: &str) -> R { Ok(serde_json::from_str(t)?) }",
                "fn f(b: &[u8]) -> O { let t = std::str::from_utf8(b).ok()?; let x = serde_json::from_str(t).ok(); g(x) }",
                "fn f(b: &[u8]) -> R { let t = std::str::from_utf8(b).map_err(|_| 415)?; serde_json::from_str(t).map_err(|_| 422) }",
                "fn f(b: &[u8]) -> R { Ok(serde_json::from_slice(b)?) }",
                "fn f(b: &[u8]) -> R { let t = String::from_utf8_lossy(b); Ok(serde_json::from_str(&t)?) }",
                "fn f(b: &[u8]) -> R { Ok(serde_json::from_str(&String::from_utf8_lossy(b))?) }",
                "fn f(b: &[u8]) -> R { let t = std::str::from_utf8(b)?; log(t); Ok(serde_json::from_str(t)?) }",
                "fn f(b: &[u8]) -> R { let t = std::str::from_utf8(b)?; let x = serde_json::from_str(t)?; keep(t); Ok(x) }",
                "fn f(b: &[u8]) -> R { let t = std::str::from_utf8(b)?; let x = serde_json::from_str(t.trim())?; Ok(x) }",
                "fn f(b: &[u8]) -> R { let t = std::str::from_utf8(b).map_err(bad)?; Ok(serde_json::from_str(t)?) }",
                "fn f(b: &[u8]) -> R { let t = std::str::from_utf8(b).unwrap(); Ok(serde_json::from_str(t)?) }",
                "fn f(b: &[u8]) -> R { let t = std::str::from_utf8(b)?; Ok(toml::from_str(t)?) }",
                "fn f(b: &[u8]) -> R { let t = unsafe { std::str::from_utf8_unchecked(b) }; Ok(serde_json::from_str(t)?) }",
                "fn f(b: &[u8]) -> R { let t = decode(b)?; Ok(serde_json::from_str(&t)?) }",
                "fn f(b: &[u8]) -> O { let Ok(t) = std::str::from_utf8(b) else { return None }; if let Ok(x) = serde_json::from_str::<X>(t) { g(x); } Some(1) }",
                "fn f(b: &[u8]) -> R { let t = std::str::from_utf8(b).map_err(|e| e.to_string())?; serde_json::from_str(t).map_err(|_| bad()) }",
                "fn f(b: &[u8]) { if let Ok(t) = std::str::from_utf8(b) { if let Ok(x) = serde_json::from_str::<X>(t) { g(x); } else { h(t); } } }",
                "fn f() -> R { let t = String::from_utf8(read()?)?; Ok(serde_json::from_str(&t)?) }",
                "#[test] fn f() { let t = std::str::from_utf8(b).unwrap(); let x: X = serde_json::from_str(t).unwrap(); }",
            ],
        );
    }
}
