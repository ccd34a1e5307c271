//! Values that are written as JSON only to see whether they are equal.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::json_compare::compared;
use crate::source::{SourceFile, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("compare-json-texts"),
    eye: Eye::Boundary,
    kind: Kind::Marshalling,
    class: Class::B,
    title: "values written as JSON only to be compared",
    explain: EXPLAIN,
    triggers: &["serde_json"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `serde_json::to_string(&a)? == serde_json::to_string(&b)?` (and `to_vec`, `to_value`, `!=`), at once or by way of two
`let`s whose names are only compared.

## Why it costs

Both values are written out in full, with an allocation that grows as it goes, where `==` stops at the first difference.

## Before

```rust
let before = serde_json::to_string(old)?;
let after = serde_json::to_string(new)?;
if before != after {
    publish(new);
}
```

## After

```rust
if *old != *new {
    publish(new);
}
```

Hash maps are equal by what they hold, whatever their order: their texts may differ. That is for a person to accept.

## When it is refused

The type does not derive `PartialEq`; a field is skipped, or written in a way of its own; there are floats, which compare in
another way than their texts (`NaN`, `-0.0`); the types are not written down; the texts are used for more than that.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        for compared in compared(file, body) {
            let message = "two values are written as JSON only to be compared";
            found.push(Fact::at(file, compared.site).note("message", message));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_texts_that_are_only_compared() {
        for text in [
            "fn f(a: &X, b: &X) -> bool { $0serde_json::to_string(a).unwrap() == serde_json::to_string(b).unwrap()$0 }",
            "fn f(a: &X, b: &X) -> bool { $0serde_json::to_vec(a).unwrap() != serde_json::to_vec(b).unwrap()$0 }",
            "fn f(a: &X, b: &X) -> R { if $0serde_json::to_value(&a.x)? == serde_json::to_value(&b.x)?$0 { g(); } Ok(()) }",
            "fn f(a: &X, b: &X) -> bool { $0serde_json::to_string(a).ok() == serde_json::to_string(b).ok()$0 }",
            "fn f(a: &X, b: &X) -> bool { let s = serde_json::to_string(a).unwrap(); let t = serde_json::to_string(b).unwrap(); $0s == t$0 }",
            "fn f(a: &X, b: &X) -> R { let s = serde_json::to_vec(a)?; let t = serde_json::to_vec(b)?; if $0s != t$0 { g(b); } Ok(()) }",
            "fn f(a: &X, b: &X) -> bool { let s = serde_json::to_string(a).unwrap(); let t = serde_json::to_string(b).unwrap(); if s.is_empty() { return true; } $0s != t$0 }",
            "fn f(a: &X, b: &X) -> R<bool> { let s = serde_json::to_vec(&a.x)?; let t = serde_json::to_vec(&b.x)?; Ok($0s != t$0) }",
            "fn f(xs: &[X], ys: &[X]) -> bool { let print = |x: &X| serde_json::to_string(x).expect(\"plain\"); xs.iter().zip(ys).all(|(x, y)| $0print(x) == print(y)$0) }",
            "impl S { fn f(&self, b: &X) -> bool { $0serde_json::to_string(&self.x).unwrap() == serde_json::to_string(b).unwrap()$0 } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(a: &X, b: &X) -> bool { let print = |x: &X| serde_json::to_string(x).unwrap().len(); print(a) == print(b) }",
                "fn f(a: &X, b: &X) -> bool { let print = |x: &X| { log(x); serde_json::to_string(x).unwrap() }; print(a) == print(b) }",
                "fn f(a: &X, b: &X) -> bool { let print = |x: &X| serde_json::to_string(a).unwrap(); print(a) == print(b) }",
                "fn f(a: &X, b: &X) -> bool { let p = |x: &X| serde_json::to_string(x).unwrap(); let q = |x: &X| serde_json::to_vec(x).unwrap(); p(a) == q(b) }",
                "fn f(a: &X, b: &str) -> bool { serde_json::to_string(a).unwrap() == b }",
                "fn f(a: &X, b: &X) -> bool { serde_json::to_string(a).unwrap() < serde_json::to_string(b).unwrap() }",
                "fn f(a: &X, b: &X) -> bool { serde_json::to_string(a).unwrap() == serde_json::to_string_pretty(b).unwrap() }",
                "fn f(a: &X, b: &X) -> bool { toml::to_string(a).unwrap() == toml::to_string(b).unwrap() }",
                "fn f(a: &X, b: &X) -> bool { let s = serde_json::to_string(a).unwrap(); let t = serde_json::to_string(b).unwrap(); log(&s); s == t }",
                "fn f(a: &X, b: &X) -> bool { let s = serde_json::to_string(a).unwrap(); let t = serde_json::to_string(b).unwrap(); s.len() == t.len() }",
                "fn f(a: &X, b: &X) -> bool { let mut s = serde_json::to_string(a).unwrap(); let t = serde_json::to_string(b).unwrap(); s.push('a'); s == t }",
                "fn f(a: &mut X, b: &X) -> bool { let s = serde_json::to_string(a).unwrap(); change(a); let t = serde_json::to_string(a).unwrap(); s == t }",
                "fn f(a: &mut X, b: &X) -> R { let s = serde_json::to_vec(&a.x)?; let t = serde_json::to_vec(&b.x)?; change(tidy(a), s != t) }",
                "fn f(a: &X) -> bool { serde_json::to_string(&make()).unwrap() == serde_json::to_string(a).unwrap() }",
                "fn f(a: &X, b: &X) -> bool { let s = serde_json::to_string(a).unwrap(); let t = other(b); s == t }",
                "fn f(a: &X, b: &X) -> bool { serde_json::to_string(a).unwrap_or_default() == serde_json::to_string(b).unwrap_or_default() }",
                "fn f(a: &X, b: &X) { let s = serde_json::to_string(a).unwrap(); let t = serde_json::to_string(b).unwrap(); assert_eq!(s, t); }",
                "#[test] fn f() { assert!(serde_json::to_string(&a).unwrap() == serde_json::to_string(&b).unwrap()); }",
            ],
        );
    }
}
