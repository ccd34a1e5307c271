//! Values that pass through `serde_json::Value` on their way to or from JSON.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::{SourceFile, json, shapes};

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
`serde_json::from_value(serde_json::from_str(text)?)`, in one expression or by way of a `let` on the line before.

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
    for item in shapes::bodies(file) {
        for expr in shapes::exprs(item) {
            found.extend(written(file, expr).or_else(|| shown(file, expr)).or_else(|| read(file, expr)));
        }
        for block in shapes::blocks_in(item) {
            found.extend((0..block.stmts.len()).filter_map(|index| named(file, item, block, index)));
        }
    }
    found
}

/// `let tree = serde_json::from_str(text)?;` or `serde_json::to_value(x)?` with its only use in the next statement.
fn named(file: &SourceFile, body: &syn::Block, block: &syn::Block, index: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut)?;
    let (made, first_end) = json::failing(file, bound.value);
    let syn::Expr::Call(call) = made else { return None };
    let way = json::function(call)?;
    let x = call.args.first().filter(|x| call.args.len() == 1 && shapes::is_quiet(shapes::unreferenced(x)))?;
    let next = block.stmts.get(index + 1)?;
    if shapes::count(&shapes::rest(block, index), &bound.name.to_string()) != 1 {
        return None;
    }
    json::run_once(next).into_iter().find_map(|expr| {
        let (inner, end) = json::failing(file, expr);
        let syn::Expr::Call(second) = inner else { return None };
        let argument = second.args.first().filter(|a| shapes::is_name(shapes::unreferenced(a), bound.name))?;
        let name = json::function(second)?;
        let is_read = name == "from_value" && ["from_str", "from_slice"].contains(&way.as_str());
        let is_written = ["to_string", "to_vec", "to_string_pretty"].contains(&name.as_str()) && way == "to_value";
        if !(is_read || is_written) || !json::ends_alike(first_end, end, json::is_returned(file, body, next, expr)) {
            return None;
        }
        let syn::Expr::Path(path) = &*second.func else { return None };
        let ident = file.span_range(path.path.segments.last()?.ident.span());
        let (way, at) = match way.as_str() {
            "from_str" => ("from_str", ident),
            "from_slice" => ("from_slice", ident),
            _ => ("argument", file.range(argument)),
        };
        let found = fact(file, file.range(bound.local), way, at, file.range(x));
        Some(found.capture("argument-of-read", file.range(argument)).capture("let", file.range(bound.local)))
    })
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
