//! Values that are turned into JSON and read back at once, in one process.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::{SourceFile, json, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("json-round-trip"),
    eye: Eye::Boundary,
    kind: Kind::Marshalling,
    class: Class::C,
    title: "value sent through JSON and back",
    explain: EXPLAIN,
    triggers: &["serde_json"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `serde_json::from_str(&serde_json::to_string(&x)?)` and its kin (`from_slice` of `to_vec`, `from_value` of
`to_value`), in one expression or by way of a `let` on the line before.

## Why it costs

Every field is written as text, every number printed and parsed again, every key looked up by its name, to arrive at a value
that was there before.

## Before

```rust
let copy: Order = serde_json::from_str(&serde_json::to_string(&order)?)?;
```

## After

```rust
let copy: Order = order.clone();
```

Between two types, a `From` that names the fields says the same. What JSON changes on the way (skipped, renamed and defaulted
fields, `NaN`, the error itself) only the types tell: there is no automatic rewrite.

## When it is refused

Not reported: texts that are used for anything else, and formats that differ between the two ways.
";

/// Pairs of functions that undo each other.
const PAIRS: &[(&str, &[&str])] = &[
    ("from_str", &["to_string", "to_string_pretty"]),
    ("from_slice", &["to_vec", "to_string", "to_vec_pretty"]),
    ("from_value", &["to_value"]),
];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in shapes::bodies(file) {
        for expr in shapes::exprs(body) {
            found.extend(read(expr).filter(|(way, from)| made(file, from, way)).map(|_| fact(file, expr)));
        }
        for block in shapes::blocks_in(body) {
            for (index, pair) in block.stmts.windows(2).enumerate() {
                found.extend(named(file, block, index, &pair[0], &pair[1]));
            }
        }
    }
    found
}

fn fact(file: &SourceFile, expr: &syn::Expr) -> Fact {
    Fact::at(file, file.range(expr)).note("message", "a value is written as JSON only to be read back")
}

/// The function that reads, and what it reads from.
fn read(expr: &syn::Expr) -> Option<(String, &syn::Expr)> {
    let syn::Expr::Call(call) = expr else { return None };
    let name = json::function(call).filter(|name| PAIRS.iter().any(|(read, _)| read == name))?;
    Some((name, json::bytes_of(call.args.first()?)))
}

/// True if an expression makes what that function reads.
fn made(file: &SourceFile, expr: &syn::Expr, way: &str) -> bool {
    let syn::Expr::Call(call) = json::failing(file, expr).0 else { return false };
    let makes = PAIRS.iter().find(|(read, _)| *read == way).map_or(&[][..], |(_, makes)| makes);
    json::function(call).is_some_and(|name| makes.contains(&name.as_str()))
}

/// `let text = serde_json::to_string(&x)?;` with its only use in a read of the next statement.
fn named(file: &SourceFile, block: &syn::Block, index: usize, first: &syn::Stmt, next: &syn::Stmt) -> Option<Fact> {
    let bound = shapes::plain_let(first)?;
    let only = syn::Block { brace_token: block.brace_token, stmts: vec![next.clone()] };
    let exprs = shapes::exprs(&only);
    let (way, _) = exprs.iter().filter_map(|e| read(e)).find(|(_, from)| shapes::is_name(from, bound.name))?;
    let is_only_use = shapes::count(&shapes::rest(block, index), &bound.name.to_string()) == 1;
    (is_only_use && made(file, bound.value, &way)).then(|| fact(file, bound.value))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_each_way_there_and_back() {
        for text in [
            "fn f(x: &X) -> R { Ok($0serde_json::from_str(&serde_json::to_string(x)?)$0?) }",
            "fn f(x: &X) -> Y { $0serde_json::from_str::<Y>(&serde_json::to_string(x).unwrap())$0.unwrap() }",
            "fn f(x: &X) -> R { Ok($0serde_json::from_slice(&serde_json::to_vec(x)?)$0?) }",
            "fn f(x: &X) -> R { Ok($0serde_json::from_slice(serde_json::to_string(x)?.as_bytes())$0?) }",
            "fn f(x: &X) -> R { let y: Y = $0serde_json::from_value(serde_json::to_value(x)?)$0?; Ok(y) }",
            "fn f(x: &X) -> R { let t = $0serde_json::to_string(x)?$0; let y: Y = serde_json::from_str(&t)?; Ok(y) }",
            "fn f(x: &X) -> R { let v = $0serde_json::to_value(x)?$0; Ok(serde_json::from_value(v)?) }",
            "fn f(x: &X) -> R { let v = $0serde_json::to_vec(&x.a)?$0; g(serde_json::from_slice(&v)?); Ok(()) }",
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
                "fn f(t: &str) -> R { Ok(serde_json::from_str(t)?) }",
                "fn f(x: &X) -> R { let t = serde_json::to_string(x)?; log(&t); Ok(serde_json::from_str(&t)?) }",
                "fn f(x: &X) -> R { let t = serde_json::to_string(x)?; let y = serde_json::from_str(&t)?; keep(t); Ok(y) }",
                "fn f(x: &X) -> R { let t = serde_json::to_string(x)?; let u = edit(t)?; Ok(serde_json::from_str(&u)?) }",
                "fn f(x: &X) -> R { let mut v = serde_json::to_value(x)?; v[\"a\"] = 1; Ok(serde_json::from_value(v)?) }",
                "fn f(x: &X) -> R { Ok(serde_json::from_str(&toml::to_string(x)?)?) }",
                "fn f(x: &X) -> R { Ok(toml::from_str(&serde_json::to_string(x)?)?) }",
                "fn f(x: &X) -> R { Ok(serde_json::from_str(&mine::to_string(x)?)?) }",
                "fn f(x: &X) -> R { Ok(serde_json::from_str(&x.to_string())?) }",
                "fn f(x: &X) -> R { send(serde_json::to_string(x)?); Ok(serde_json::from_str(&receive()?)?) }",
                "fn f(x: &X) -> R { let t = serde_json::to_string(x)?; Ok(serde_json::from_str(&t[1..])?) }",
                "fn f(x: &X) -> R { Ok(serde_json::from_value(serde_json::json!({ \"a\": x }))?) }",
                "fn f(x: &X) -> R { Ok(serde_json::from_reader(serde_json::to_vec(x)?)?) }",
                "#[test] fn f() { let y: Y = serde_json::from_str(&serde_json::to_string(&x).unwrap()).unwrap(); }",
            ],
        );
    }
}
