//! JSON documents that are read as a whole tree, of which one or two fields are looked at.

use std::collections::BTreeSet;

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::usage::{self, How};
use crate::source::{SourceFile, json, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("value-for-one-field"),
    eye: Eye::Boundary,
    kind: Kind::Marshalling,
    class: Class::C,
    title: "whole document read for one field",
    explain: EXPLAIN,
    triggers: &["serde_json"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let v: serde_json::Value = serde_json::from_str(…)?;` where nothing but one or two fields of `v` is looked at, by
`v[\"name\"]` or `v.get(\"name\")`.

So does `serde_json::to_value(&own)?` of a value whose fields could be asked themselves.

## Why it costs

Every key and every text of the document is allocated, put into a map and freed, for the sake of one of them.

## Before

```rust
let body: serde_json::Value = serde_json::from_slice(bytes)?;
let id = body[\"id\"].as_str().unwrap_or_default();
```

## After

```rust
#[derive(serde::Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    id: &'a str,
}
let body: Body = serde_json::from_slice(bytes)?;
let id = body.id;
```

What is not asked for is skipped without being stored. Which type a field has, and what happens where it is missing, a person
must say: there is no automatic rewrite.

## When it is refused

Not reported: documents that are handed on, changed, iterated over, or looked at by a name that is computed.
";

/// Fields up to which a typed struct is plainly less.
const FEW: usize = 2;

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| looked_at(file, block, index)));
    }
    found
}

fn looked_at(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut)?;
    let (read, _) = json::failing(file, or_null(bound.value));
    let syn::Expr::Call(call) = read else { return None };
    let function = json::function(call)
        .filter(|name| ["from_str", "from_slice", "from_reader", "to_value"].contains(&name.as_str()))?;
    let is_made = function == "to_value";
    let is_value = is_made || bound.ty.is_some_and(is_value) || turbofish(call).is_some_and(|ty| is_value(&ty));
    let name = bound.name.to_string();
    let rest = shapes::rest(block, index);
    let uses = usage::uses(file, &rest, &name);
    if !is_value || uses.is_empty() || !usage::bindings(file, &rest, &name).is_empty() {
        return None;
    }
    let mut fields = BTreeSet::new();
    for u in &uses {
        fields.insert(field(file, &rest, u)?);
    }
    let list = fields.iter().map(|f| format!("`{f}`")).collect::<Vec<_>>().join(" and ");
    let whole = if is_made { "value" } else { "document" };
    let message = format!("the whole {whole} becomes a tree of maps, of which {list} is looked at");
    (fields.len() <= FEW).then(|| Fact::at(file, file.range(bound.local)).note("message", message))
}

/// What `….unwrap_or(Value::Null)` and `….unwrap_or_default()` stand behind.
fn or_null(expr: &syn::Expr) -> &syn::Expr {
    match expr {
        syn::Expr::MethodCall(call) if call.method == "unwrap_or" || call.method == "unwrap_or_default" => {
            &call.receiver
        }
        other => other,
    }
}

fn is_value(ty: &syn::Type) -> bool {
    types::head(ty).as_deref() == Some("Value")
}

/// `T` of `from_str::<T>`.
fn turbofish(call: &syn::ExprCall) -> Option<syn::Type> {
    let syn::Expr::Path(path) = &*call.func else { return None };
    let syn::PathArguments::AngleBracketed(list) = &path.path.segments.last()?.arguments else { return None };
    list.args.iter().find_map(|arg| match arg {
        syn::GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    })
}

/// The literal name of the field that a use looks at.
fn field(file: &SourceFile, rest: &syn::Block, u: &usage::Use) -> Option<String> {
    if u.is_captured || matches!(u.how, How::Mutate | How::Opaque) {
        return None;
    }
    let text = |expr: &syn::Expr| match expr {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(s), .. }) => Some(s.value()),
        _ => None,
    };
    shapes::exprs(rest).into_iter().find_map(|expr| match expr {
        syn::Expr::Index(i) if file.range(&*i.expr) == u.name => text(&i.index),
        syn::Expr::MethodCall(call) if call.method == "get" && file.range(&*call.receiver) == u.name => {
            text(call.args.first()?)
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_documents_of_which_little_is_wanted() {
        for text in [
            "fn f(b: &[u8]) -> R { $0let v: serde_json::Value = serde_json::from_slice(b)?;$0 Ok(v[\"id\"].as_str().map(g)) }",
            "fn f(t: &str) -> R { $0let v: Value = serde_json::from_str(t)?;$0 let id = v[\"id\"].as_u64(); Ok(id) }",
            "fn f(t: &str) -> R { $0let v = serde_json::from_str::<serde_json::Value>(t)?;$0 g(v.get(\"id\")); Ok(()) }",
            "fn f(t: &str) -> bool { $0let v: Value = serde_json::from_str(t).unwrap();$0 v[\"a\"].is_null() || v[\"b\"].is_null() }",
            "fn f(r: File) -> R { $0let v: Value = serde_json::from_reader(r)?;$0 Ok(v[\"a\"][\"b\"].as_u64()) }",
            "async fn f(b: Bytes) -> R { $0let v: Value = serde_json::from_slice(&b)?;$0 g(v[\"a\"].as_str()).await }",
            "fn f(t: &str) -> R { $0let v: Value = serde_json::from_str(t)?;$0 if v[\"a\"] == 1 { return Ok(()); } h(&v[\"a\"]) }",
            "fn f(x: &X) -> usize { $0let v = serde_json::to_value(x).unwrap_or(Value::Null);$0 v[\"a\"].as_array().map(|a| a.len()).unwrap_or(0) }",
            "fn f(t: &str) -> R { if a { $0let v: Value = serde_json::from_str(t)?;$0 g(v.get(\"a\").is_some()); } Ok(()) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(t: &str) -> R { let v: Value = serde_json::from_str(t)?; keep(v) }",
                "fn f(t: &str) -> R { let v: Value = serde_json::from_str(t)?; g(v[\"a\"].as_str()); keep(v) }",
                "fn f(t: &str) -> R { let v: Value = serde_json::from_str(t)?; g(&v); Ok(v[\"a\"].clone()) }",
                "fn f(t: &str) -> R { let v: Value = serde_json::from_str(t)?; g(&v[\"a\"], &v[\"b\"], &v[\"c\"]); Ok(()) }",
                "fn f(t: &str, k: &str) -> R { let v: Value = serde_json::from_str(t)?; Ok(v[k].as_u64()) }",
                "fn f(t: &str) -> R { let v: Value = serde_json::from_str(t)?; Ok(v[0].as_u64()) }",
                "fn f(t: &str) -> R { let mut v: Value = serde_json::from_str(t)?; v[\"a\"] = 1; keep(v) }",
                "fn f(t: &str) -> R { let v: Value = serde_json::from_str(t)?; for (k, x) in v.as_object().unwrap() { g(k, x); } Ok(()) }",
                "fn f(t: &str) -> R { let v: Order = serde_json::from_str(t)?; Ok(v[\"a\"].as_u64()) }",
                "fn f(t: &str) -> R { let v = serde_json::from_str(t)?; g(v) }",
                "fn f(x: &X) -> R { let v = serde_json::to_value(x)?; g(v[\"a\"].as_u64()); keep(v) }",
                "fn f(t: &str) -> R { let v: toml::Value = toml::from_str(t)?; Ok(v[\"a\"].as_str()) }",
                "fn f(t: &str) -> R { let v: Value = serde_json::from_str(t)?; Ok(()) }",
                "fn f(t: &str) -> R { let v: Value = serde_json::from_str(t)?; run(|| g(v[\"a\"].as_u64())); Ok(()) }",
                "fn f(t: &str) -> R { let v: Value = serde_json::from_str(t)?; show!(v[\"a\"]); Ok(()) }",
                "fn f(t: &str) -> R { let v: Value = serde_json::from_str(t)?; println!(\"{v}\"); Ok(()) }",
                "#[test] fn f() { let v: Value = serde_json::from_str(t).unwrap(); g(&v[\"a\"]); }",
            ],
        );
    }
}
