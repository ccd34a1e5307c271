//! Structs that are turned into a tree of JSON for a field or two.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::tree_fields::tree_fields;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("tree-for-fields"),
    eye: Eye::Boundary,
    kind: Kind::Marshalling,
    class: Class::A,
    title: "struct turned into a JSON tree for a field",
    explain: EXPLAIN,
    triggers: &["to_value"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let tree = serde_json::to_value(order)?;` (or `if let Ok(tree) = …`) of which nothing but `tree[\"total\"].as_u64()` and its like
is used, where `order` is a struct of the file that has the field.

## Why it costs

A map is made, each field is copied into it, texts and lists among them, and all of it is freed, for what is at hand.

## Before

```rust
if let Ok(tree) = serde_json::to_value(creative) {
    top = top.max(tree[\"priority\"].as_u64().unwrap_or(0));
}
```

## After

```rust
top = top.max(u64::from(creative.priority));
```

## When it is refused

The tree is used for more; an attribute of serde stands on the struct, by which the field may have another name or another form; the
field is neither an integer that fits, nor a flag, nor a `String`; the struct may fail to be written.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let fact = |found: &crate::source::tree_fields::TreeFields<'_>| {
        let shown = file.on_one_line(file.range(found.value));
        let message = format!("all of `{shown}` becomes a tree of maps, of which little is looked at");
        Fact::at(file, file.range(found.call)).note("message", message)
    };
    tree_fields(file).iter().map(fact).collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const C: &str = "#[derive(Serialize)] struct C { priority: u8, name: String, on: bool, rate: f64 }";

    #[test]
    fn fires_on_trees_of_which_fields_are_read() {
        for text in [
            "fn f(cs: &[C]) -> u64 { let mut top = 0; for c in cs { if let Ok(tree) = $0serde_json::to_value(c)$0 { top = top.max(tree[\"priority\"].as_u64().unwrap_or(0)); } } top }",
            "fn f(c: &C) -> R { let t = $0serde_json::to_value(c)$0?; if t[\"on\"].as_bool().unwrap_or(false) { return Ok(t[\"name\"].as_str().unwrap_or(\"\").len()); } Ok(0) }",
        ] {
            check(&RULE, &format!("{C} {text}"));
        }
    }

    #[test]
    fn ignores_look_alikes() {
        let texts: Vec<String> = [
            "fn f(c: &C) -> R { let t = serde_json::to_value(c)?; keep(&t); Ok(t[\"priority\"].as_u64()) }",
            "fn f(c: &C) -> R { let t = serde_json::to_value(c)?; Ok(t[\"rate\"].as_f64()) }",
            "fn f(c: &C) -> R { let t = serde_json::to_value(c)?; Ok(t[\"other\"].as_u64()) }",
            "fn f(c: &D) -> R { let t = serde_json::to_value(c)?; Ok(t[\"priority\"].as_u64()) }",
            "fn f(c: &mut C) -> R { let t = serde_json::to_value(&c)?; c.priority = 3; Ok(t[\"priority\"].as_u64()) }",
            "fn f(c: &C) -> R { if let Ok(t) = serde_json::to_value(c) { g(t[\"priority\"].as_u64()); } else { h(); } Ok(()) }",
            "fn f(c: &C) -> R { let t = serde_json::to_value(c)?; Ok(t[\"priority\"].clone()) }",
        ]
        .iter()
        .map(|text| format!("{C} {text}"))
        .collect();
        check_ignores(&RULE, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
