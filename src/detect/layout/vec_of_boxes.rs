//! Private fields of the type `Vec<Box<T>>`, where the vector alone would hold the values.

use crate::detect::{Fact, FileFacts, Rule};
use crate::model::{Class, Eye, Finding, Kind, RuleId};
use crate::source::bulk::boxed_element;
use crate::source::declarations::Known;
use crate::source::functions::{attributes, derives, items};
use crate::source::{SourceFile, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("vec-of-boxes"),
    eye: Eye::Layout,
    kind: Kind::Footprint,
    class: Class::B,
    title: "each element in a box of its own",
    explain: EXPLAIN,
    triggers: &["Box"],
    facts,
    judge,
};

const EXPLAIN: &str = "\
Finds private fields and locals of the type `Vec<Box<T>>`, where `T` has at most 256 bytes.

## Why it costs

Each element is an allocation of its own, and looking at one follows a pointer to a cache line that nothing else shares. A
vector of the values lies in one piece, in the order in which it is walked.

## Before

```rust
struct Book {
    entries: Vec<Box<Entry>>,
}
self.entries.push(Box::new(entry));
```

## After

```rust
struct Book {
    entries: Vec<Entry>,
}
self.entries.push(entry);
```

Elements now move when the vector grows: nobody may keep their address. That is for a person to accept.

## When it is refused

The field, or another of its name, is used in a way that is not known (moved out, sorted other than by parts of its
elements, handed on, in a macro, taken apart by a pattern); `T` is a trait object or generic; the struct is `repr(C)`.
";

/// Bytes up to which an element may move with the vector.
const SMALL: u64 = 256;

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for placed in items(&file.ast).into_iter().filter(|placed| !placed.is_test) {
        let syn::Item::Struct(item) = placed.item else { continue };
        let is_fixed = attributes(placed.item).iter().any(|a| a.path().is_ident("repr"));
        let is_wire =
            derives(&item.attrs).iter().any(|d| ["Archive", "Pod", "FromBytes", "Queryable"].contains(&d.as_str()));
        for field in item.fields.iter().filter(|_| !is_fixed && !is_wire) {
            let (Some(name), Some(element)) = (&field.ident, boxed_element(&field.ty)) else { continue };
            if matches!(field.vis, syn::Visibility::Inherited) && field.attrs.iter().all(|a| a.path().is_ident("doc")) {
                let fact = Fact::at(file, file.range(&field.ty))
                    .capture("name", file.span_range(name.span()))
                    .capture("element", file.range(element))
                    .note("element", spelled(file, element))
                    .note("field", name.to_string());
                found.push(fact);
            }
        }
    }
    found.extend(locals(file));
    found
}

/// The name of a type, or how a tuple or an array is written.
fn spelled(file: &SourceFile, ty: &syn::Type) -> String {
    match ty {
        syn::Type::Tuple(_) | syn::Type::Array(_) => file.text_of(ty).to_owned(),
        named => crate::source::functions::head(named),
    }
}

/// `let mut list: Vec<Box<T>> = …;`
fn locals(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in shapes::blocks(file) {
        for bound in block.stmts.iter().filter_map(shapes::plain_let) {
            let Some((ty, element)) = bound.ty.and_then(|ty| Some((ty, boxed_element(ty)?))) else { continue };
            let fact = Fact::at(file, file.range(ty))
                .capture("name", file.span_range(bound.name.span()))
                .capture("element", file.range(element))
                .capture("local", file.range(bound.local))
                .note("element", spelled(file, element))
                .note("field", bound.name.to_string());
            found.push(fact);
        }
    }
    found
}

fn judge(rule: &Rule, facts: &[FileFacts], known: &Known) -> Vec<Finding> {
    let known = known.types();
    let all = facts.iter().flat_map(|f| f.facts.iter().map(|fact| (f.file.as_str(), fact)));
    all.filter_map(|(file, fact)| {
        let (element, field) = (fact.word("element")?, fact.word("field")?);
        let is_known = known.declaration(element).is_some() || known.whole(element).is_some();
        let is_small = is_known && known.least(element) <= SMALL;
        let message = format!("each element of `{field}` is an allocation of its own, away from its neighbours");
        is_small.then(|| rule.finding(file, fact, message))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_private_fields_of_boxes() {
        for text in [
            "struct E { n: u64 } struct B { es: $0Vec<Box<E>>$0 }",
            "struct E(u64); pub struct B { es: $0Vec<Box<E>>$0, n: u8 }",
            "enum E { A, C(String) } struct B { es: $0std::vec::Vec<Box<E>>$0 }",
            "mod m { pub struct E; } struct B { /// All.\n es: $0Vec<Box<m::E>>$0 }",
            "struct E { a: [u8; 200] } #[derive(Debug, Clone)] struct B { es: $0Vec<Box<E>>$0 }",
            "struct E { next: Vec<E> } struct B { a: $0Vec<Box<E>>$0, b: $0Vec<Box<E>>$0 }",
            "mod m { struct E { n: u64 } struct B { es: $0Vec<Box<E>>$0 } }",
            "struct E { f: Foreign } struct B<T> { es: $0Vec<Box<E>>$0, t: T }",
            "struct B { es: $0Vec<Box<u64>>$0 }",
            "fn f(ps: &[(f64, f64)]) -> f64 { let ns: $0Vec<Box<(f64, f64)>>$0 = ps.iter().map(|p| Box::new(*p)).collect(); ns[0].0 }",
            "struct E { n: u8 } fn f() { let mut es: $0Vec<Box<E>>$0 = Vec::new(); es.push(Box::new(E { n: 1 })); }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "struct E; struct B { es: Vec<E> }",
                "struct E; struct B { es: Box<Vec<E>> }",
                "struct E; struct B { es: Vec<Rc<E>> }",
                "struct E; struct B { es: Vec<Option<Box<E>>> }",
                "struct E; struct B { pub es: Vec<Box<E>> }",
                "struct E; struct B { pub(crate) es: Vec<Box<E>> }",
                "struct E; struct B(Vec<Box<E>>);",
                "trait E {} struct B { es: Vec<Box<dyn E>> }",
                "struct B { es: Vec<Box<str>>, bs: Vec<Box<[u8]>> }",
                "struct B { es: Vec<Box<Foreign>> }",
                "struct E<T>(T); struct B { es: Vec<Box<E<u8>>> }",
                "struct B<T> { es: Vec<Box<T>> }",
                "struct E { a: [u64; 64] } struct B { es: Vec<Box<E>> }",
                "struct E; #[repr(C)] struct B { es: Vec<Box<E>> }",
                "struct E; struct B { #[serde(with = \"m\")] es: Vec<Box<E>> }",
                "struct E; fn f(es: Vec<Box<E>>) {}",
                "#[cfg(test)] mod t { struct E; struct B { es: Vec<Box<E>> } }",
            ],
        );
    }
}
