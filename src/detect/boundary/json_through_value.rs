//! Values that pass through `serde_json::Value` on their way to or from JSON.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::json_steps::{Joint, Steps, steps};
use crate::source::{SourceFile, json, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("json-through-value"),
    eye: Eye::Boundary,
    kind: Kind::Marshalling,
    class: Class::B,
    title: "tree built on the way to or from JSON",
    explain: EXPLAIN,
    triggers: &["serde_json"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `serde_json::to_string(&serde_json::to_value(&x)?)`, `serde_json::to_value(&x)?.to_string()` and
`serde_json::from_value(serde_json::from_str(text)?)`, in one expression, by way of a `let` (with or without `else`) on the
line before, of an `if let` that holds nothing else, of the condition before, or by `and_then`.

## Why it costs

The `Value` is a tree: a map of strings for each struct, an allocation for each key and each text, and all of it is walked
and freed at once.

## Before

```rust
let body = serde_json::to_value(&answer)?.to_string();
```

## After

```rust
let body = serde_json::to_string(&answer)?;
```

A `Value` sorts the keys of its maps (unless the feature `preserve_order` is on), widens `f32`, and forgets duplicate keys.
Without it the keys come in the order of the declaration. That is for a person to accept.

## When it is refused

The failures of the two steps are treated in different ways; the `Value` is changed or used for anything else.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for item in words::bodies_with(file, RULE.triggers) {
        for expr in shapes::exprs(item) {
            found.extend(written(file, expr).or_else(|| shown(file, expr)).or_else(|| read(file, expr)));
        }
        found.extend(steps(file, item).iter().filter_map(|steps| joined(file, steps)));
    }
    found
}

/// `let tree = serde_json::from_str(text)?;` or `serde_json::to_value(x)?` with its only use in the next statement, in the
/// `if let` inside, in the next condition, or in an `and_then`.
fn joined(file: &SourceFile, steps: &Steps<'_>) -> Option<Fact> {
    let syn::Expr::Call(first) = steps.first else { return None };
    let (way, then) = (json::function(first)?, steps.second());
    let is_read = then == "from_value" && ["from_str", "from_slice"].contains(&way.as_str());
    let is_written = ["to_string", "to_vec", "to_string_pretty"].contains(&then.as_str()) && way == "to_value";
    let site = match steps.joint {
        Joint::Inside => return None,
        Joint::Let(line) => line,
        _ => steps.made,
    };
    let value = file.range(steps.source()?);
    let is_it = (is_read || is_written) && steps.is_alike;
    is_it.then(|| fact(file, site, "joined", steps.made, value))
}

fn fact(file: &SourceFile, whole: TextRange, way: &'static str, at: TextRange, value: TextRange) -> Fact {
    Fact::at(file, whole)
        .capture(way, at)
        .capture("value", value)
        .note("message", "a tree of maps and texts is built only to be walked once and freed")
}

/// `serde_json::to_string(&serde_json::to_value(&x)?)`
fn written(file: &SourceFile, expr: &syn::Expr) -> Option<Fact> {
    let (inner, outer_end) = json::failing(file, expr);
    let syn::Expr::Call(call) = inner else { return None };
    let name = json::function(call).filter(|name| ["to_string", "to_vec", "to_string_pretty"].contains(&name.as_str()));
    let value = name.and_then(|_| call.args.first())?;
    let (made, end) = json::failing(file, shapes::unreferenced(value));
    let x = of(made, "to_value")?;
    (!end.is_empty() && end == outer_end)
        .then(|| fact(file, file.range(expr), "argument", file.range(value), x_range(file, x)))
}

/// `serde_json::to_value(&x)?.to_string()`
fn shown(file: &SourceFile, expr: &syn::Expr) -> Option<Fact> {
    let call = shapes::method(expr, "to_string", 0)?;
    let (made, end) = json::failing(file, &call.receiver);
    let x = of(made, "to_value")?;
    let ends = TextRange { start: file.range(made).end, end: file.range(&*call.receiver).end };
    (!end.is_empty()).then(|| fact(file, file.range(expr), "end", ends, x_range(file, x)))
}

/// `serde_json::from_value(serde_json::from_str(text)?)`
fn read(file: &SourceFile, expr: &syn::Expr) -> Option<Fact> {
    let (inner, outer_end) = json::failing(file, expr);
    let syn::Expr::Call(call) = inner else { return None };
    json::function(call).filter(|name| name == "from_value")?;
    let value = call.args.first()?;
    let (made, end) = json::failing(file, value);
    let (way, x) = ["from_str", "from_slice"].iter().find_map(|way| Some((*way, of(made, way)?)))?;
    let syn::Expr::Path(path) = &*call.func else { return None };
    let ident = file.span_range(path.path.segments.last()?.ident.span());
    let found =
        fact(file, file.range(expr), way, ident, x_range(file, x)).capture("argument-of-read", file.range(value));
    (!end.is_empty() && end == outer_end).then_some(found)
}

/// The argument of that function of serde_json.
fn of<'a>(expr: &'a syn::Expr, name: &str) -> Option<&'a syn::Expr> {
    let syn::Expr::Call(call) = expr else { return None };
    json::function(call).filter(|found| found == name).and_then(|_| call.args.first())
}

fn x_range(file: &SourceFile, x: &syn::Expr) -> TextRange {
    file.range(x)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_each_way_through_a_value() {
        for text in [
            "fn f(x: &X) -> R { Ok($0serde_json::to_string(&serde_json::to_value(x)?)?$0) }",
            "fn f(x: &X) -> String { $0serde_json::to_string(&serde_json::to_value(x).unwrap()).unwrap()$0 }",
            "fn f(x: &X) -> R { let v = $0serde_json::to_vec(&serde_json::to_value(&x.a)?)?$0; Ok(v) }",
            "fn f(x: &X) -> R { Ok($0serde_json::to_value(x)?.to_string()$0) }",
            "fn f(x: &X) -> String { $0serde_json::to_value(&x).expect(\"plain\").to_string()$0 }",
            "fn f(s: &str) -> R { let x: X = $0serde_json::from_value(serde_json::from_str(s)?)?$0; Ok(x) }",
            "fn f(b: &[u8]) -> R { Ok($0serde_json::from_value::<X>(serde_json::from_slice(b)?)?$0) }",
            "fn f(s: &str) -> X { $0serde_json::from_value(serde_json::from_str::<serde_json::Value>(s).unwrap()).unwrap()$0 }",
            "fn f(s: &str) -> R { $0let v: Value = serde_json::from_str(s)?;$0 let x: X = serde_json::from_value(v)?; Ok(x) }",
            "fn f(s: &str) -> R { $0let v: Value = serde_json::from_str(s)?;$0 serde_json::from_value(v) }",
            "fn f(x: &X) -> R { $0let v = serde_json::to_value(x)?;$0 Ok(serde_json::to_string(&v)?) }",
            "fn f(s: &str) -> O { $0let v: Value = serde_json::from_str(s).ok()?;$0 serde_json::from_value(v).ok() }",
            "fn f(s: &str) -> O { $0let Ok(v) = serde_json::from_str::<Value>(s) else { return None };$0 serde_json::from_value(v).ok() }",
            "fn f(xs: &[&str]) { for s in xs { $0let Ok(v) = serde_json::from_str::<Value>(s) else { continue };$0 if let Ok(x) = serde_json::from_value::<X>(v) { g(x); } } }",
            "fn f(s: &str) -> R { $0let v: Value = serde_json::from_str(s).map_err(|_| E::Bad)?;$0 match serde_json::from_value::<X>(v) { Ok(x) => Ok(x), Err(_) => Err(E::Bad) } }",
            "fn f(s: &str) -> R { $0let v: Value = match serde_json::from_str(s) { Ok(v) => v, Err(e) => return Err(e.into()) };$0 Ok(serde_json::from_value(v)?) }",
            "fn f(s: &str) { if let Ok(v) = $0serde_json::from_str::<Value>(s)$0 { if let Ok(x) = serde_json::from_value::<X>(v) { g(x); } } }",
            "fn f(s: &str) { if let Ok(v) = $0serde_json::from_str::<Value>(s)$0 && let Ok(x) = serde_json::from_value::<X>(v) { g(x); } }",
            "fn f(s: &str) -> R { $0serde_json::from_str::<Value>(s)$0.and_then(serde_json::from_value::<X>) }",
            "fn f(s: &str) -> O { $0serde_json::from_str::<Value>(s).ok()$0.and_then(|v| serde_json::from_value::<X>(v).ok()) }",
            "fn f(xs: &[&str]) -> V { xs.iter().filter_map(|s| { $0let v: Value = serde_json::from_str(s).ok()?;$0 serde_json::from_value::<X>(v).ok() }).collect() }",
            "fn f(b: &[u8]) -> R { $0let v: Value = serde_json::from_slice(&b[4..])?;$0 serde_json::from_value(v) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(x: &X) -> R { Ok(serde_json::to_string(x)?) }",
                "fn f(x: &X) -> R { Ok(serde_json::to_value(x)?) }",
                "fn f(s: &str) -> R { let mut v: Value = serde_json::from_str(s)?; v[\"a\"] = 1; serde_json::from_value(v) }",
                "fn f(s: &str) -> R { let v: Value = serde_json::from_str(s)?; log(&v); serde_json::from_value(v) }",
                "fn f(s: &str) -> R { let v: Value = serde_json::from_str(s).map_err(E::A)?; serde_json::from_value(v).map_err(E::B) }",
                "fn f(s: &str) -> R { let v: Value = serde_json::from_str(s)?; let r = serde_json::from_value(v); g(r) }",
                "fn f(s: &str) -> R { let v: Value = serde_json::from_str(s)?; g(|| serde_json::from_value(v)?) }",
                "fn f() -> R { let v: Value = serde_json::from_str(&read())?; serde_json::from_value(v) }",
                "fn f(xs: &[&str]) -> O { for s in xs { let Ok(v) = serde_json::from_str::<Value>(s) else { return None }; if let Ok(x) = serde_json::from_value::<X>(v) { g(x); } } }",
                "fn f(xs: &[&str]) { for s in xs { let Ok(v) = serde_json::from_str::<Value>(s) else { continue }; if let Ok(x) = serde_json::from_value::<X>(v) { g(x); } h(); } }",
                "fn f(s: &str) { if let Ok(v) = serde_json::from_str::<Value>(s) { if let Ok(x) = serde_json::from_value::<X>(v) { g(x); } h(); } }",
                "fn f(s: &str) { if let Ok(v) = serde_json::from_str::<Value>(s) { if let Ok(x) = serde_json::from_value::<X>(v.clone()) { g(x, v); } } }",
                "fn f(s: &str) { if let Ok(v) = serde_json::from_str::<Value>(s) { if let Ok(x) = serde_json::from_value::<X>(v) { g(x); } else { bad(); } } }",
                "fn f(s: &str) -> R { serde_json::from_str::<Value>(s).map_err(E::A).and_then(|v| serde_json::from_value::<X>(v).map_err(E::B)) }",
                "fn f(s: &str) -> R { let v: Value = serde_json::from_str(s).map_err(|_| 415)?; serde_json::from_value(v).map_err(|_| 422) }",
                "fn f(x: &X) -> R { let mut v = serde_json::to_value(x)?; v[\"a\"] = 1; Ok(v.to_string()) }",
                "fn f(x: &X) -> R { Ok(serde_json::to_value(x)?[\"a\"].to_string()) }",
                "fn f(x: &X) -> R { Ok(serde_json::to_string(&serde_json::to_value(x).unwrap())?) }",
                "fn f(x: &X) -> R { Ok(serde_json::to_string(&serde_json::to_value(x).map_err(E::A)?)?) }",
                "fn f(v: Value) -> R { Ok(serde_json::to_string(&v)?) }",
                "fn f(v: Value) -> R { Ok(serde_json::from_value(v)?) }",
                "fn f(s: &str) -> R { Ok(serde_json::from_str(s)?) }",
                "fn f(s: &str) -> R { Ok(serde_json::from_value(serde_json::from_str(s).unwrap_or_default())?) }",
                "fn f(s: &str) -> R { Ok(toml::from_value(serde_json::from_str(s)?)?) }",
                "fn f(x: &X) -> R { Ok(mine::to_string(&serde_json::to_value(x)?)?) }",
                "fn f(x: &X) -> String { json!({ \"a\": x }).to_string() }",
                "fn f(x: &X) -> R { Ok(serde_json::to_string(&to_value(x)?)?) }",
                "#[test] fn f() { serde_json::to_value(x).unwrap().to_string(); }",
            ],
        );
    }
}
