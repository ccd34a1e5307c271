//! Fields that hold room for a large value that is mostly not there.

use crate::detect::{Fact, FileFacts, Rule};
use crate::model::{Class, Eye, Finding, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::declarations::Known;
use crate::source::functions::{attributes, derives, head, items, type_arguments};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("large-option"),
    eye: Eye::Layout,
    kind: Kind::Footprint,
    class: Class::B,
    title: "room for a large value that is mostly not there",
    explain: EXPLAIN,
    triggers: &["Option"],
    facts,
    judge,
};

const EXPLAIN: &str = "\
Finds private fields of the type `Option<T>`, where `T` holds at least 200 bytes and four times as much as the rest of the
struct, and of the type `Vec<Option<T>>`, that are made as `None`.

## Why it costs

An `Option` without a value is as large as one with it: vectors of the struct fill the cache with room for what is not
there, and each move copies all of it. A `Box` is one word, and none at all where the value is missing.

## Before

```rust
struct Account {
    id: u64,
    evidence: Option<Evidence>,
}
account.evidence = Some(Evidence { scan });
```

## After

```rust
struct Account {
    id: u64,
    evidence: Option<Box<Evidence>>,
}
account.evidence = Some(Box::new(Evidence { scan }));
```

Whether the value is mostly missing only the running service knows: where it is not, the box costs an allocation each time.

## When it is refused

Nothing makes the field as `None`; another struct has a field of the same name; the struct is `Copy`, laid out by `repr` or
for the wire; rustc does not accept the box.
";

/// Bytes from which a value is large.
const LARGE: u64 = 200;

/// Derives that look at the bytes of a type, or lay it out for the wire.
const FIXED: &[&str] = &["Copy", "Pod", "Zeroable", "Archive", "FromBytes", "AsBytes", "IntoBytes", "Queryable"];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for placed in items(&file.ast).into_iter().filter(|placed| !placed.is_test) {
        let syn::Item::Struct(item) = placed.item else { continue };
        let is_fixed = attributes(placed.item).iter().any(|a| a.path().is_ident("repr"))
            || derives(&item.attrs).iter().any(|d| FIXED.contains(&d.as_str()));
        if is_fixed || !item.generics.params.is_empty() {
            continue;
        }
        for field in &item.fields {
            let (Some(name), Some((inner, in_list))) = (&field.ident, missing(&field.ty)) else { continue };
            if matches!(field.vis, syn::Visibility::Public(_)) || !field.attrs.iter().all(|a| a.path().is_ident("doc"))
            {
                continue;
            }
            let rest = item.fields.iter().filter(|other| other.ident != field.ident);
            let rest: Vec<&str> = rest.map(|other| file.text_of(&other.ty)).collect();
            let fact = Fact::at(file, file.range(&field.ty))
                .capture("name", file.span_range(name.span()))
                .capture("inner", file.range(inner))
                .note("field", name.to_string())
                .note("inner", file.text_of(inner))
                .note("list", if in_list { "yes" } else { "no" })
                .note("rest", rest.join("\u{1}"));
            let is_private = matches!(field.vis, syn::Visibility::Inherited);
            found.push(if is_private { fact.capture("private", file.span_range(name.span())) } else { fact });
        }
    }
    found
}

/// `T` of `Option<T>` or `Vec<Option<T>>`, and whether it is the latter.
fn missing(ty: &syn::Type) -> Option<(&syn::Type, bool)> {
    let only = |ty: &'_ syn::Type, name: &str| head(ty) == name && type_arguments(ty).len() == 1;
    if only(ty, "Option") {
        return Some((type_arguments(ty)[0], false));
    }
    let inner = only(ty, "Vec").then(|| type_arguments(ty)[0])?;
    only(inner, "Option").then(|| (type_arguments(inner)[0], true))
}

fn judge(rule: &Rule, facts: &[FileFacts], known: &Known) -> Vec<Finding> {
    let known = known.types();
    let all = facts.iter().flat_map(|f| f.facts.iter().map(|fact| (f.file.as_str(), fact)));
    all.filter_map(|(file, fact)| {
        let (field, bytes) = (fact.word("field")?, known.least(fact.word("inner")?));
        let rest: u64 = fact.word("rest")?.split('\u{1}').map(|ty| known.least(ty)).sum();
        let is_much = fact.word("list") == Some("yes") || bytes >= rest.max(1) * 4;
        let message = format!("`{field}` takes at least {bytes} bytes even where there is nothing in it");
        (bytes >= LARGE && is_much).then(|| rule.finding(file, fact, message))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_large_values_that_may_be_missing() {
        for text in [
            "struct A { id: u64, e: $0Option<[u8; 1024]>$0 }",
            "struct E { scan: [u8; 512] } pub struct A { id: u64, e: $0Option<E>$0 }",
            "struct E([u64; 64]); #[derive(Debug, Default)] struct A { /// One.\n e: $0Option<E>$0 }",
            "struct Ring { slots: $0Vec<Option<[u64; 256]>>$0, n: usize }",
            "type Page = [u64; 256]; struct Ring { slots: $0Vec<Option<Page>>$0 }",
            "struct E { a: [u8; 300] } struct A { name: String, pub(crate) e: $0std::option::Option<E>$0 }",
            "mod m { pub struct E { pub a: [u8; 300] } } struct A { e: $0Option<m::E>$0, n: u32 }",
            "struct E { a: [u64; 40], s: String } #[derive(Clone)] struct A { a: u8, e: $0Option<E>$0, c: Vec<u8> }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "struct A { id: u64, e: Option<Box<[u8; 1024]>> }",
                "struct A { id: u64, e: Option<u64> }",
                "struct A { id: u64, e: Option<[u8; 64]> }",
                "struct A { all: [u8; 900], e: Option<[u8; 1024]> }",
                "struct A { id: u64, pub e: Option<[u8; 1024]> }",
                "struct A { id: u64, e: Option<Foreign> }",
                "struct A { id: u64, e: Option<Vec<[u8; 1024]>> }",
                "#[derive(Clone, Copy)] struct A { id: u64, e: Option<[u8; 1024]> }",
                "#[repr(C)] struct A { id: u64, e: Option<[u8; 1024]> }",
                "#[derive(Archive)] struct A { id: u64, e: Option<[u8; 1024]> }",
                "struct A { id: u64, #[serde(skip)] e: Option<[u8; 1024]> }",
                "struct A<T> { id: T, e: Option<[u8; 1024]> }",
                "struct A(u64, Option<[u8; 1024]>);",
                "enum A { B { e: Option<[u8; 1024]> } }",
                "struct A { e: Vec<[u8; 1024]>, f: Option<&'static [u8; 1024]> }",
                "#[cfg(test)] mod t { struct A { id: u64, e: Option<[u8; 1024]> } }",
            ],
        );
    }
}
