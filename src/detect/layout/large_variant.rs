//! Enums one variant of which is far larger than all others, so that every value pays for it.

use crate::detect::{Fact, FileFacts, Rule};
use crate::model::{Class, Eye, Finding, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::declarations::Known;
use crate::source::functions::{attributes, items};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("large-variant"),
    eye: Eye::Layout,
    kind: Kind::Footprint,
    class: Class::B,
    title: "one variant makes every value large",
    explain: EXPLAIN,
    triggers: &["enum"],
    facts,
    judge,
};

const EXPLAIN: &str = "\
Finds enums whose largest variant holds at least 200 bytes and four times as much as the next one.

## Why it costs

Every value of the enum is as large as its largest variant: vectors of it fill the cache with what is not there, and each
move copies all of it. Where the large variant is rare, a `Box` around it makes all others small.

## Before

```rust
enum Event {
    Tick(u64),
    Snapshot([u64; 64]),
}
```

## After

```rust
enum Event {
    Tick(u64),
    Snapshot(Box<[u64; 64]>),
}
```

Each large field gets a box of its own, so that patterns keep their shape. Whether the variant is rare only the running
service knows: where it is common, the boxes cost an allocation per value, and that is for a person to accept.

## When it is refused

The enum is `Copy` or laid out for the wire; it has only two variants, so that the large one may well be the common one; a
pattern looks into a boxed field; a variant is built or taken apart where the syntax does not show it (a macro, an import of
the variants, the variant as a function); rustc does not accept the boxes. For a public enum the rewrite is a scaffold
(class C): users elsewhere have to follow.

Not reported: enums whose layout is fixed by `repr`, with a part whose size the syntax does not tell, with type parameters, or with one variant.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for placed in items(&file.ast).into_iter().filter(|placed| !placed.is_test) {
        let is_fixed = attributes(placed.item).iter().any(|a| a.path().is_ident("repr"));
        if let syn::Item::Enum(item) = placed.item
            && !is_fixed
        {
            let site = file.span_range(item.ident.span());
            let vis = if matches!(item.vis, syn::Visibility::Public(_)) { "public" } else { "private" };
            found.push(Fact::at(file, site).note("enum", item.ident.to_string()).note("vis", vis));
        }
    }
    found
}

fn judge(rule: &Rule, facts: &[FileFacts], known: &Known) -> Vec<Finding> {
    let known = known.types();
    let all = facts.iter().flat_map(|f| f.facts.iter().map(|fact| (f.file.as_str(), fact)));
    all.filter_map(|(file, fact)| {
        let found = known.outlier(fact.word("enum")?)?;
        let (name, bytes, next) = (&found.name, found.bytes, found.next);
        let message = format!("`{name}` holds {bytes} bytes and the next variant {next}: every value is as large");
        let class = if fact.word("vis") == Some("public") { Class::C } else { rule.class };
        Some(Finding { class, ..rule.finding(file, fact, message) })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_one_variant_far_larger_than_the_others() {
        for text in [
            "enum $0E$0 { A(u64), B([u64; 64]) }",
            "enum $0E$0 { A, B { big: [u8; 200] } }",
            "struct Big { a: [u64; 32], b: String } enum $0E$0 { A(u32, u32), B(Big) }",
            "pub enum $0E$0 { A(Box<str>), B(Vec<u8>), C([u32; 100], bool) }",
            "struct Order { lines: [[u64; 4]; 8] } enum $0E$0 { Paid(Order), Gone(Option<u64>) }",
            "mod m { enum $0E$0 { A(char), B((u128, [u128; 20])) } }",
            "enum $0E$0 { A(Inner), B(u8) } struct Inner { a: [HashMap<u8, u8>; 5] }",
            "enum $0E$0 { A(Duration), B([Duration; 16], Instant) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "enum E { A([u64; 60]), B([u64; 64]) }",
                "enum E { A(u64), B(Box<[u64; 64]>) }",
                "enum E { A(u64), B(Vec<[u64; 64]>) }",
                "enum E { A(u64), B([u64; 20]) }",
                "enum E { A([u64; 64]) }",
                "enum E { A, B, C }",
                "enum E { A(Foreign), B([u64; 64]) }",
                "enum E { A(u8), B(Foreign) }",
                "enum E<T> { A(T), B([u64; 64]) }",
                "enum E { A(u8), B([u64; N]) }",
                "enum E { A(u8), B(&'static [u64; 64]) }",
                "#[repr(C)] enum E { A(u8), B([u64; 64]) }",
                "struct S { a: u8, b: [u64; 64] }",
                "enum E { A(fn()), B([u64; 64]) }",
                "mod a { struct S([u8; 900]); } mod b { struct S(u8); } enum E { A(u8), B(S) }",
                "#[cfg(test)] mod t { enum E { A(u8), B([u64; 64]) } }",
            ],
        );
    }
}
