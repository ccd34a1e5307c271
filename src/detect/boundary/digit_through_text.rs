//! Characters that are made a text only to be parsed as a digit.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::digits::digits;
use crate::source::{SourceFile, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("digit-through-text"),
    eye: Eye::Boundary,
    kind: Kind::Marshalling,
    class: Class::A,
    title: "character made a text to be parsed as a digit",
    explain: EXPLAIN,
    triggers: &["parse"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `c.to_string().parse::<u64>()` where `c` is a `char`.

## Why it costs

Each digit allocates a text of one character, runs the parser of whole numbers over it, and frees it.

## Before

```rust
for c in text.chars() {
    sum += c.to_string().parse::<u64>().unwrap_or(0);
}
```

## After

```rust
for c in text.chars() {
    sum += c.to_digit(10).map_or(0, u64::from);
}
```

A text of one character is a number if and only if the character is one of `0` to `9`.

## When it is refused

The error is looked at; the type that is parsed is not written at the call, or is no integer; the character's type is not known to be
`char` (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        for digit in digits(file, body) {
            let message = "a text is allocated for one character, to be parsed as a digit";
            found.push(Fact::at(file, digit.whole).note("message", message));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_digits_that_go_through_a_text() {
        for text in [
            "fn f(t: &str) { for (i, c) in t.chars().rev().enumerate() { n += $0c.to_string().parse::<u64>().unwrap_or(0)$0 << i; } }",
            "fn f(c: char) -> Option<u32> { $0c.to_string().parse::<u32>().ok()$0 }",
            "fn f(c: char) -> u8 { $0c.to_string().parse::<u8>().unwrap()$0 }",
            "fn f(c: &char) -> bool { $0c.to_string().parse::<i64>().is_ok()$0 }",
            "fn f(c: char) -> R { let n = $0c.to_string().parse::<u64>().map_err(|_| E::Digit(c))?$0; Ok(n) }",
            "fn f(t: &str) -> u64 { t.chars().map(|c| $0c.to_string().parse::<u64>().unwrap()$0).sum() }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(c: &str) -> u64 { c.to_string().parse::<u64>().unwrap_or(0) }",
                "fn f(c: u8) -> u64 { c.to_string().parse::<u64>().unwrap_or(0) }",
                "fn f(c: Symbol) -> u64 { c.to_string().parse::<u64>().unwrap_or(0) }",
                "fn f(c: char) -> f64 { c.to_string().parse::<f64>().unwrap_or(0.0) }",
                "fn f(c: char) -> bool { c.to_string().parse::<bool>().unwrap_or(false) }",
                "fn f(c: char) -> u64 { c.to_string().parse().unwrap_or(0) }",
                "fn f(c: char) -> R { Ok(c.to_string().parse::<u64>()?) }",
                "fn f(c: char) -> R { c.to_string().parse::<u64>().map_err(|e| E::Digit(e))?; Ok(()) }",
                "fn f(c: char) -> u64 { c.to_string().parse::<u64>().unwrap_or(other()) }",
                "fn f(c: char) -> u64 { c.to_string().repeat(2).parse::<u64>().unwrap_or(0) }",
                "fn f(c: char) -> u64 { match c.to_string().parse::<u64>() { Ok(n) => n, Err(e) => g(e) } }",
            ],
        );
    }
}
