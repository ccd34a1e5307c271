//! Values that are turned into JSON and read back at once, in one process.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::json_steps::{Joint, Steps, steps};
use crate::source::names::mentions;
use crate::source::{self, SourceFile, json, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("json-round-trip"),
    eye: Eye::Boundary,
    kind: Kind::Marshalling,
    class: Class::B,
    title: "value sent through JSON and back",
    explain: EXPLAIN,
    triggers: &["serde_json"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `serde_json::from_str(&serde_json::to_string(&x)?)` and its kin (`from_slice` of `to_vec`, `from_value` of
`to_value`, `from_str` of the text of a `Value`), in one expression, by way of a `let` on the line before, of an `if let` that
holds nothing else, or by `and_then`.

## Why it costs

Every field is written as text, every number printed and parsed again, every key looked up by its name, to arrive at a value
that was there before.

## Before

```rust
let copy: Order = serde_json::from_str(&serde_json::to_string(&order)?)?;
let tree: Value = serde_json::from_str(&serde_json::to_string(&order)?)?;
let order: Order = serde_json::from_str(&tree.to_string())?;
```

## After

```rust
let copy: Order = order.clone();
let tree: Value = serde_json::to_value(&order)?;
let order: Order = serde_json::from_value(tree)?;
```

A copy is made where the declarations of the workspace show that JSON gives back what it was given. Without the text `f32`
keeps all its digits, and errors of a tree name no line: that is for a person to accept.

## When it is refused

The text is used for anything else (not reported). A field is skipped, or written in a way of its own; a type on the way does
not derive `Clone`; the two types differ: between two types, a `From` that names the fields says the same, which only a person
can write. The failures of writing are treated in another way than those of reading, and a tree is made.
";

/// Pairs of functions that undo each other.
const PAIRS: &[(&str, &[&str])] = &[
    ("from_str", &["to_string", "to_string_pretty"]),
    ("from_slice", &["to_vec", "to_string", "to_vec_pretty"]),
    ("from_value", &["to_value"]),
];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        let all = steps(file, body);
        found.extend(all.iter().filter(|steps| is_round_trip(file, steps)).map(|steps| fact(file, steps)));
    }
    found
}

fn fact(file: &SourceFile, steps: &Steps<'_>) -> Fact {
    let site = if matches!(steps.joint, Joint::Inside) { steps.call } else { steps.made };
    Fact::at(file, site)
        .capture("made", steps.made)
        .capture("call", steps.call)
        .note("message", "a value is written as JSON only to be read back")
}

fn is_round_trip(file: &SourceFile, steps: &Steps<'_>) -> bool {
    let second = steps.second();
    match steps.first {
        syn::Expr::Call(call) => {
            let makes = PAIRS.iter().find(|(read, _)| *read == second).map_or(&[][..], |(_, makes)| makes);
            json::function(call).is_some_and(|name| makes.contains(&name.as_str()))
        }
        syn::Expr::MethodCall(call) => second == "from_str" && is_tree(file, &call.receiver),
        _ => false,
    }
}

/// True if the text says that an expression is a `Value` of serde_json, or does not say what it is where trees are at hand.
fn is_tree(file: &SourceFile, expr: &syn::Expr) -> bool {
    // A part of a tree is a tree.
    match expr {
        syn::Expr::Try(t) => return is_tree(file, &t.expr),
        syn::Expr::MethodCall(call) if call.method == "get" || call.method == "pointer" => {
            return is_tree(file, &call.receiver);
        }
        _ => {}
    }
    match types::type_of(file, expr) {
        Some(ty) => types::head(types::strip(&ty)).as_deref() == Some("Value"),
        None => {
            let range = file.range(expr);
            let is_plain = matches!(shapes::unreferenced(expr), syn::Expr::Path(_));
            let speaks = |sig: &syn::Signature| mentions(sig, "Value");
            let body = source::function_body(file, range).is_some_and(|body| mentions(body, "Value"));
            is_plain && (body || source::signature(file, range).is_some_and(speaks))
        }
    }
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
            "fn f(x: &X) -> O { let Ok(t) = $0serde_json::to_string(x)$0 else { return None }; serde_json::from_str(&t).ok() }",
            "fn f(x: &X) { if let Ok(t) = $0serde_json::to_string(x)$0 { if let Ok(y) = serde_json::from_str::<Y>(&t) { g(y); } } }",
            "fn f(x: &X) -> O { $0serde_json::to_string(x).ok()$0.and_then(|t| serde_json::from_str::<Y>(&t).ok()) }",
            "fn f(xs: &[X]) -> V { xs.iter().filter_map(|x| { let b = $0serde_json::to_vec(x).ok()?$0; serde_json::from_slice::<Value>(&b).ok() }).collect() }",
            "fn f(v: Value) -> R { let t = $0v.to_string()$0; serde_json::from_str(&t) }",
            "fn f(v: &Value) -> R { $0serde_json::from_str(&v.to_string())$0 }",
            "struct E { body: Value } fn f(e: E) -> O { let t = $0e.body.to_string()$0; let x: X = serde_json::from_str(&t).ok()?; Some(x) }",
            "fn f(v: Value) -> O { match v { Value::Object(mut m) => { let p = m.remove(\"p\")?; let t = $0p.to_string()$0; serde_json::from_str(&t).ok() } _ => None } }",
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
                "fn f(v: &Value, s: &str) -> R { let t = s.to_string(); serde_json::from_str(&t) }",
                "fn f(v: &Value) -> R { let t = v.to_string(); log(&t); serde_json::from_str(&t) }",
                "fn f(v: &Value) -> R { let t = v[\"a\"].name().to_string(); serde_json::from_str(&t) }",
                "#[test] fn f() { let y: Y = serde_json::from_str(&serde_json::to_string(&x).unwrap()).unwrap(); }",
            ],
        );
    }
}
