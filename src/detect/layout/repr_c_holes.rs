//! Types with a fixed layout in; the `repr(C)` structs out whose fields lie so that padding makes them larger.

use std::collections::HashMap;

use quote::ToTokens;

use crate::detect::{Fact, FileFacts, Rule};
use crate::model::{Class, Eye, Finding, Kind, RuleId};
use crate::source::functions::items;
use crate::source::sizes::{Known, Layout, Shape, is_repr_c, lay_out, learn, shape, tag_shape, tightest};
use crate::source::{SourceFile, declarations};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("repr-c-holes"),
    eye: Eye::Layout,
    kind: Kind::CacheLayout,
    class: Class::B,
    title: "repr(C) struct larger than its fields by padding",
    explain: EXPLAIN,
    triggers: &["repr"],
    facts,
    judge,
};

const EXPLAIN: &str = "\
Finds `#[repr(C)]` structs whose fields, in the order of falling alignment, would take fewer bytes.

## Why it costs

`repr(C)` lays fields out as they are written, and fills up to the alignment of each. A table of such structs then spans
more cache lines than it holds data: every scan reads the holes too.

## Before

```rust
#[repr(C)]
struct Bucket {       // 24 bytes, 10 of them holes
    used: u8,
    refilled_ns: u64,
    tier: u8,
    merchant: u32,
}
```

## After

```rust
#[repr(C)]
struct Bucket {       // 16 bytes, 2 of them holes
    refilled_ns: u64,
    merchant: u32,
    used: u8,
    tier: u8,
}
```

Fields move with their documentation, attributes and comments. Sizes are those of a 64-bit target.

A struct without `repr` is never reported: rustc orders its fields by itself, and moving them in the source saves nothing.

## When it is refused

A field's size is not fixed by the language (`String`, `Option<u32>`, types of other crates); the type is seen by foreign
code (`extern`, a union), by bytes (`transmute`, casts of pointers, `from_raw_parts`, `offset_of!`, `size_of`, bytemuck,
zerocopy, rkyv), or by a derive that follows the order of fields (`PartialOrd`, `Ord`, `Hash`, serde); unsafe code names
it; two fields have drop glue, whose order would change; a field is under `cfg`. A derived `Debug` lists the fields in
the new order, and whoever reads the bytes from outside of the workspace reads other bytes: both are for a person to accept.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for placed in items(&file.ast) {
        match placed.item {
            syn::Item::Struct(item) if is_repr_c(&item.attrs) && item.generics.params.is_empty() => {
                let syn::Fields::Named(fields) = &item.fields else { continue };
                let types: Vec<String> = fields.named.iter().map(|f| f.ty.to_token_stream().to_string()).collect();
                let name = item.ident.to_string();
                let fact = Fact::at(file, file.range(&item.ident)).note("struct", name).note("types", types.join(";;"));
                found.push(Fact { is_background: fact.is_background || placed.is_test, ..fact });
            }
            syn::Item::Enum(item) => {
                let Some(shape) = tag_shape(item) else { continue };
                let name = item.ident.to_string();
                found.push(
                    Fact::at(file, file.range(&item.ident)).note("enum", name).note("size", shape.size.to_string()),
                );
            }
            _ => {}
        }
    }
    found
}

fn judge(rule: &Rule, facts: &[FileFacts], _: &declarations::Known) -> Vec<Finding> {
    let all: Vec<(&FileFacts, &Fact)> = facts.iter().flat_map(|f| f.facts.iter().map(move |fact| (f, fact))).collect();
    let known = known(&all);
    let mut found = Vec::new();
    for (file, fact) in &all {
        let Some(name) = fact.word("struct") else { continue };
        let shapes: Option<Vec<Shape>> = types(fact).iter().map(|ty| shape(ty, &known)).collect();
        let Some(shapes) = shapes.filter(|shapes| shapes.len() > 1) else { continue };
        let (now, then) = layouts(&shapes);
        if then.shape.size < now.shape.size {
            found.push(rule.finding(&file.file, fact, message(name, &now, &then)));
        }
    }
    found
}

/// The layout as it is written and the tightest.
fn layouts(shapes: &[Shape]) -> (Layout, Layout) {
    let tight: Vec<Shape> = tightest(shapes).into_iter().map(|i| shapes[i]).collect();
    (lay_out(shapes), lay_out(&tight))
}

fn message(name: &str, now: &Layout, then: &Layout) -> String {
    format!(
        "`{name}` takes {} bytes, {} of them holes between its fields; by falling alignment it takes {} ({} of holes)",
        now.shape.size, now.holes, then.shape.size, then.holes
    )
}

fn types(fact: &Fact) -> Vec<syn::Type> {
    let texts = fact.word("types").unwrap_or_default().split(";;");
    texts.filter_map(|text| syn::parse_str(text).ok()).collect()
}

/// The shapes of all types of the workspace whose name stands for one type only.
fn known(all: &[(&FileFacts, &Fact)]) -> Known {
    let name = |fact: &Fact| fact.word("struct").or(fact.word("enum")).map(str::to_string);
    let mut counts: HashMap<String, usize> = HashMap::new();
    for (_, fact) in all {
        *counts.entry(name(fact).unwrap_or_default()).or_default() += 1;
    }
    let is_unique = |fact: &Fact| counts.get(&name(fact).unwrap_or_default()) == Some(&1);
    let unique: Vec<&Fact> = all.iter().map(|(_, fact)| *fact).filter(|fact| is_unique(fact)).collect();
    let mut known = Known::new();
    for fact in &unique {
        if let (Some(name), Some(Ok(size))) = (fact.word("enum"), fact.word("size").map(str::parse)) {
            known.insert(name.to_string(), Shape { size, align: size });
        }
    }
    let structs = unique.iter().filter_map(|fact| fact.word("struct").map(|name| (name, types(fact))));
    learn(structs, &mut known);
    known
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores, findings};

    #[test]
    fn fires_on_holes_that_another_order_closes() {
        check(&RULE, "#[repr(C)] struct $0Cell$0 { used: bool, last_seen: u64, flagged: bool, card: u32 }");
        check(&RULE, "#[repr(C)]\n#[derive(Clone, Copy)]\npub struct $0P$0 { a: u8, b: [u64; 2], c: u8 }");
    }

    #[test]
    fn the_message_tells_sizes_and_holes() {
        let found = findings(&RULE, "#[repr(C)] struct Cell { used: bool, last_seen: u64, flagged: bool, card: u32 }");
        assert_eq!(
            found[0].message,
            "`Cell` takes 24 bytes, 10 of them holes between its fields; by falling alignment it takes 16 (2 of holes)"
        );
    }

    #[test]
    fn fires_through_structs_and_tags_of_the_workspace() {
        check(
            &RULE,
            "#[repr(C)] struct In { x: u32, y: u32 } #[repr(u8)] enum Tag { A, B }
             #[repr(C)] struct $0Out$0 { t: Tag, i: In, u: Tag, v: u16 }",
        );
    }

    #[test]
    fn never_fires_on_a_struct_that_rustc_orders_itself() {
        check_ignores(
            &RULE,
            &[
                "struct Cell { used: bool, last_seen: u64, flagged: bool, card: u32 }",
                "#[repr(Rust)] struct Cell { used: bool, last_seen: u64, flagged: bool }",
                "#[repr(align(64))] struct Cell { used: bool, last_seen: u64, flagged: bool }",
                "#[repr(transparent)] struct Cell { a: u8 }",
            ],
        );
    }

    #[test]
    fn ignores_holes_that_no_order_closes_and_packed_structs() {
        check_ignores(
            &RULE,
            &[
                "#[repr(C)] struct A { a: u64, b: u8 }",
                "#[repr(C)] struct A { a: u8, b: u64 }",
                "#[repr(C, packed)] struct A { a: u8, b: u64, c: u8 }",
                "#[repr(C, align(64))] struct A { a: u8, b: u64, c: u8 }",
                "#[repr(C)] struct A(u8, u64, u8);",
                "#[repr(C)] union A { a: u8, b: u64 }",
            ],
        );
    }

    #[test]
    fn ignores_sizes_that_the_language_does_not_fix() {
        check_ignores(
            &RULE,
            &[
                "#[repr(C)] struct A { a: u8, b: String, c: u8 }",
                "#[repr(C)] struct A { a: u8, b: Option<u32>, c: u8 }",
                "#[repr(C)] struct A<T> { a: u8, b: T, c: u8 }",
                "#[repr(C)] struct A { a: u8, b: other::Thing, c: u8 }",
                "#[repr(C)] struct A { a: u8, b: [u64; LEN], c: u8 }",
                "struct In { x: u64 } #[repr(C)] struct A { a: u8, b: In, c: u8 }",
            ],
        );
    }

    #[test]
    fn ignores_tests() {
        check_ignores(&RULE, &["#[cfg(test)] mod t { #[repr(C)] struct A { a: u8, b: u64, c: u8 } }"]);
    }
}
