//! Numbers that are written as a text only to be parsed as numbers again.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::through_text::through_text;
use crate::source::{SourceFile, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("number-through-text"),
    eye: Eye::Boundary,
    kind: Kind::Marshalling,
    class: Class::A,
    title: "number written only to be parsed again",
    explain: EXPLAIN,
    triggers: &["parse", "from_str"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `n.to_string().parse::<u64>().unwrap()` and `u64::from_str(&n.to_string())?`, where `n` is a number.

## Why it costs

A text is allocated, the digits are divided out one by one, read back one by one, and the text is freed, for what one
instruction does.

## Before

```rust
let wide: u64 = amount.to_string().parse().unwrap();
```

## After

```rust
let wide: u64 = u64::from(amount);
```

Where not every value fits, `u32::try_from(amount)` fails for the same values as parsing does.

## When it is refused

The types of the numbers are not written down; digits are cut off on the way (`format!(\"{:.2}\")`); an integer that not every
float holds becomes one; not every value fits, and the error is looked at.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        for way in through_text(file, body) {
            let message = format!("a number (`{}`) is written as a text only to be parsed as `{}`", way.from, way.to);
            found.push(Fact::at(file, way.whole).note("message", message));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_each_way_through_a_text() {
        for text in [
            "fn f(n: u32) -> u64 { $0n.to_string().parse::<u64>().unwrap()$0 }",
            "fn f(xs: &[u32]) { for x in xs { let w: u64 = $0x.to_string().parse().unwrap()$0; g(w); } }",
            "fn f(n: u64) -> u32 { $0n.to_string().parse::<u32>().unwrap_or(0)$0 }",
            "fn f(n: i64) -> O { let m = $0n.to_string().parse::<usize>().ok()?$0; Some(m) }",
            "fn f(n: i64) -> Option<i32> { $0n.to_string().parse::<i32>().ok()$0 }",
            "fn f(n: u16) -> R { let m = $0n.to_string().parse::<u32>()?$0; Ok(m) }",
            "fn f(n: u8) -> u64 { $0u64::from_str(&n.to_string()).expect(\"digits\")$0 }",
            "struct S { n: u32 } impl S { fn f(&self) -> u32 { $0self.n.to_string().parse::<u32>().unwrap_or_default()$0 } }",
            "fn f(n: i32) -> f64 { $0n.to_string().as_str().parse::<f64>().unwrap()$0 }",
            "fn f(n: u32) -> R { let m: u64 = $0n.to_string().parse().map_err(bad)?$0; Ok(m) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(n: &str) -> u64 { n.to_string().parse::<u64>().unwrap() }",
                "fn f(n: f64) -> f64 { format!(\"{n:.2}\").parse::<f64>().unwrap() }",
                "fn f(n: f64) -> i64 { n.to_string().parse::<i64>().unwrap() }",
                "fn f(n: u64) -> f64 { n.to_string().parse::<f64>().unwrap() }",
                "fn f(n: f32) -> f64 { n.to_string().parse::<f64>().unwrap() }",
                "fn f(n: char) -> u32 { n.to_string().parse::<u32>().unwrap() }",
                "fn f(n: u64) -> R { let m = n.to_string().parse::<u32>()?; Ok(m) }",
                "fn f(n: u64) -> R { let m = n.to_string().parse::<u32>().map_err(bad)?; Ok(m) }",
                "fn f(n: u64) -> u32 { n.to_string().parse::<u32>().unwrap_or_else(|e| log(e)) }",
                "fn f(n: Id) -> u64 { n.to_string().parse::<u64>().unwrap() }",
                "fn f() -> u64 { id().to_string().parse::<u64>().unwrap() }",
                "fn f(n: u32) -> Id { n.to_string().parse::<Id>().unwrap() }",
                "fn f(n: u32) -> bool { n.to_string().parse::<u64>().is_ok() }",
                "fn f(n: u32) { let m = n.to_string().parse().unwrap(); g(m); }",
                "fn f(n: u32) -> u64 { n.to_string()[1..].parse::<u64>().unwrap() }",
                "fn f(n: u32) -> u64 { n.to_string().replace('0', \"1\").parse::<u64>().unwrap() }",
                "#[test] fn f() { let n: u32 = 1; n.to_string().parse::<u64>().unwrap(); }",
            ],
        );
    }
}
