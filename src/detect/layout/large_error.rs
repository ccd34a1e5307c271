//! Functions whose error is far larger than what they return.

use crate::detect::{Fact, FileFacts, Rule};
use crate::model::{Class, Eye, Finding, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::bulk;
use crate::source::declarations::Known;
use crate::source::functions::{functions, head, type_arguments};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("large-error"),
    eye: Eye::Layout,
    kind: Kind::Footprint,
    class: Class::B,
    title: "error that makes every result large",
    explain: EXPLAIN,
    triggers: &["Result"],
    facts,
    judge,
};

const EXPLAIN: &str = "\
Finds functions that return `Result<T, E>`, where `E` is a struct of the workspace that holds more than 128 bytes and twice
as much as `T`.

## Why it costs

A result is as large as the larger of its sides: each call returns through memory and each `?` copies it, although the error
almost never happens.

## Before

```rust
fn authorise(pan: &str) -> Result<u64, Declined> {
    Err(Declined { code: 14, raw: [0; 2048] })
}
```

## After

```rust
fn authorise(pan: &str) -> Result<u64, Box<Declined>> {
    Err(Box::new(Declined { code: 14, raw: [0; 2048] }))
}
```

All functions of the crate that return the error change together; `?` turns an error into a box by itself. Where errors are
the common case, the box costs an allocation each: that is for a person to accept.

## When it is refused

One of the functions is public, of a trait, or generic over the error; an error is returned in a way that the syntax does not
show; rustc does not accept the box (a caller takes the error apart by a pattern, or turns it into another with `From`).
";

/// Bytes above which an error is large.
const LARGE: u64 = 128;

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for function in functions(file).into_iter().filter(|f| !f.is_test && !f.in_trait) {
        let syn::ReturnType::Type(_, output) = &function.sig.output else { continue };
        if head(output) != "Result" {
            continue;
        }
        let [value, error] = type_arguments(output)[..] else { continue };
        if !bulk::is_small(&head(error)) && matches!(error, syn::Type::Path(_)) && type_arguments(error).is_empty() {
            let fact = Fact::at(file, file.range(error))
                .capture("name", file.span_range(function.sig.ident.span()))
                .note("error", file.text_of(error))
                .note("value", file.text_of(value));
            found.push(fact);
        }
    }
    found
}

fn judge(rule: &Rule, facts: &[FileFacts], known: &Known) -> Vec<Finding> {
    let known = known.types();
    let all = facts.iter().flat_map(|f| f.facts.iter().map(|fact| (f.file.as_str(), fact)));
    let mut seen = std::collections::BTreeSet::new();
    all.filter_map(|(file, fact)| {
        let error = fact.word("error")?;
        let name = error.rsplit("::").next()?.trim();
        let is_struct = known.declaration(name).is_some_and(|d| d.variants.len() == 1 && !d.is_alias);
        let (bytes, value) = (known.least(name), known.least(fact.word("value")?));
        if !is_struct || bytes <= LARGE || bytes < value * 2 || !seen.insert(name.to_owned()) {
            return None;
        }
        let message = format!("the error `{name}` makes each result at least {bytes} bytes large");
        Some(rule.finding(file, fact, message))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const BIG: &str = "struct Big { code: u16, raw: [u8; 2048] } ";

    #[test]
    fn fires_on_errors_that_are_large_structs() {
        for text in [
            "fn f() -> Result<u64, $0Big$0> { g() }",
            "impl S { fn f(&self) -> Result<(), $0Big$0> { g() } }",
            "async fn f() -> Result<String, $0crate::Big$0> { g().await }",
            "fn f() -> std::result::Result<[u8; 16], $0Big$0> { g() }",
            "fn f() -> Result<u64, $0Big$0> { g() } fn g() -> Result<u8, Big> { h() }",
            "mod m { use super::Big; pub(crate) fn f() -> Result<(), $0Big$0> { g() } }",
            "struct E(Big, u8); fn f() -> Result<(), $0E$0> { g() }",
            "pub fn f() -> Result<(), $0Big$0> { g() }",
        ] {
            check(&RULE, &format!("{BIG}{text}"));
        }
    }

    #[test]
    fn ignores_look_alikes() {
        let with_big = [
            "fn f() -> Result<u64, Box<Big>> { g() }",
            "fn f() -> Result<Big, u64> { g() }",
            "fn f() -> Result<Big, Big> { g() }",
            "fn f() -> Result<[u8; 1500], Big> { g() }",
            "fn f() -> Option<Big> { g() }",
            "fn f() -> Result<u64, Foreign> { g() }",
            "fn f() -> Result<u64, String> { g() }",
            "fn f() -> Result<u64> { g() }",
            "impl TryFrom<u8> for S { fn try_from(x: u8) -> Result<S, Big> { g() } }",
            "trait T { fn f() -> Result<u64, Big>; }",
            "enum E { A, B(Big) } fn f() -> Result<u64, E> { g() }",
            "struct Small { code: [u8; 100] } fn f() -> Result<u64, Small> { g() }",
            "type E = Big; fn f() -> Result<u64, E> { g() }",
            "#[test] fn f() -> Result<u64, Big> { g() }",
        ];
        for text in with_big {
            check_ignores(&RULE, &[&format!("{BIG}{text}")]);
        }
    }
}
