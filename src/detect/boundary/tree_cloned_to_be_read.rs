//! JSON trees that are copied whole only to be taken apart.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::names::all_imports;
use crate::source::{SourceFile, json, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("tree-cloned-to-be-read"),
    eye: Eye::Boundary,
    kind: Kind::Marshalling,
    class: Class::A,
    title: "tree of JSON copied only to be taken apart",
    explain: EXPLAIN,
    triggers: &["from_value"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `serde_json::from_value(tree.clone())` and `serde_json::from_value(tree[\"part\"].clone())`.

## Why it costs

Every map, list and text of the tree is copied, taken apart once and freed. A reference to a tree can be taken apart as well: only what
the type keeps is copied.

## Before

```rust
let job: EmailJob = serde_json::from_value(envelope[\"payload\"].clone())?;
```

## After

```rust
let job: EmailJob = serde::Deserialize::deserialize(&envelope[\"payload\"])?;
```

## When it is refused

The file does not name the crate `serde`, which the other way needs; what is copied is no tree (rustc does not accept it).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    if !all_imports(file).iter().any(|(_, full)| full.starts_with("serde::")) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        for expr in shapes::exprs(body) {
            found.extend(read(file, expr));
        }
    }
    found
}

fn read(file: &SourceFile, expr: &syn::Expr) -> Option<Fact> {
    let syn::Expr::Call(call) = expr else { return None };
    json::function(call).filter(|name| name == "from_value")?;
    let copy = shapes::method(call.args.first()?, "clone", 0)?;
    let is_place = |e: &syn::Expr| crate::source::usage::place(e).is_some();
    let syn::Expr::Path(callee) = &*call.func else { return None };
    is_place(&copy.receiver).then(|| {
        let mut fact = Fact::at(file, file.range(expr))
            .capture("tree", file.range(&*copy.receiver))
            .note("message", "a JSON tree is copied whole only to be taken apart");
        if let Some(syn::PathArguments::AngleBracketed(list)) = callee.path.segments.last().map(|s| &s.arguments)
            && let Some(ty) = list.args.first()
        {
            fact = fact.capture("type", file.range(ty));
        }
        fact
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_trees_that_are_copied_to_be_read() {
        for text in [
            "fn f(v: &Value) -> R { $0serde_json::from_value(v.clone())$0 }",
            "fn f(v: &Value) -> R { let x: X = $0serde_json::from_value(v[\"a\"].clone())$0?; Ok(x) }",
            "fn f(v: &Value) -> O { $0serde_json::from_value::<X>(v[\"a\"][0].clone())$0.ok() }",
            "fn f(e: &E) -> X { $0serde_json::from_value(e.body.clone())$0.unwrap() }",
            "impl E { fn f(&self) -> R { Ok($0serde_json::from_value(self.body.clone())$0?) } }",
            "fn f(vs: &[Value]) -> V { vs.iter().filter_map(|v| $0serde_json::from_value::<X>(v.clone())$0.ok()).collect() }",
            "fn f(v: &Value) { if let Ok(x) = $0serde_json::from_value::<X>(v.clone())$0 { g(x); } }",
            "fn f(v: &Value) { match $0serde_json::from_value::<X>(v[k].clone())$0 { Ok(x) => g(x), Err(e) => h(e) } }",
        ] {
            check(&RULE, &format!("use serde::Deserialize; {text}"));
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(v: &Value) -> R { serde_json::from_value(v.clone()) }",
                "use serde::Serialize; fn f(v: Value) -> R { serde_json::from_value(v) }",
                "use serde::Serialize; fn f(v: &Value) -> R { serde_json::from_value(make(v).clone()) }",
                "use serde::Serialize; fn f(v: &Value) -> R { toml::from_value(v.clone()) }",
                "use serde::Serialize; fn f(v: &Value) -> R { let own = v.clone(); serde_json::from_value(own) }",
                "use serde::Serialize; fn f(v: &Value) -> R { serde_json::from_value(v.take()) }",
                "use serde::Serialize; fn f(v: &mut Value) -> R { serde_json::from_value(v[\"a\"].take()) }",
                "use serde::Serialize; fn f(v: &Value) -> R { serde_json::from_value(json!({ \"a\": v.clone() })) }",
                "use serde::Serialize; fn f(v: &Value) -> R { serde_json::from_str(&v.clone()) }",
                "use serde::Serialize; fn f(v: &Value) -> R { serde_json::to_value(v.clone()) }",
                "use serde::Serialize; fn f(v: &Value) -> R { from_value(v.clone()) }",
                "use serde_json::Value; fn f(v: &Value) -> R { serde_json::from_value(v.clone()) }",
                "use serde::Serialize; #[test] fn f() { let x: X = serde_json::from_value(v.clone()).unwrap(); }",
            ],
        );
    }
}
