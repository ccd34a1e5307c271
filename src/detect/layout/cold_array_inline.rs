//! Elements that are walked for a few small fields, between which large arrays lie that no walk looks at.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::cold_fields::{Cold, cold};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("cold-array-inline"),
    eye: Eye::Layout,
    kind: Kind::CacheLayout,
    class: Class::B,
    title: "large arrays between the fields that are walked",
    explain: EXPLAIN,
    triggers: &[],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds structs in a vector or a slice with private arrays of 128 bytes and more, where loops go over the elements and look at
other fields alone.

## Why it costs

A walk loads at least one cache line for each element, and none of it serves the next. With the arrays elsewhere, several
elements share a line, and the processor reads ahead.

## Before

```rust
struct Backend {
    weight: u32,
    certificate: [u8; 2048],
}
let total: u32 = self.backends.iter().map(|b| b.weight).sum();
```

## After

```rust
struct Backend {
    weight: u32,
    certificate: Box<[u8; 2048]>,
}
let total: u32 = self.backends.iter().map(|b| b.weight).sum();
```

Each element allocates its arrays, and who reads one follows a pointer. That is for a person to accept.

## When it is refused

A walk looks at the array; the struct has a `repr`, is `Copy` or generic, or derives what asks for its bytes; something in
the file asks for its size or offsets; a pattern takes the struct apart; what is done with an array cannot be done through a box
(rustc does not accept it).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let fact = |cold: &Cold<'_>| {
        let bytes: u64 = cold.fields.iter().map(|(_, bytes)| bytes).sum();
        let name = &cold.item.ident;
        let message = format!("each step over a `{name}` passes {bytes} bytes that no walk looks at");
        Fact::at(file, file.range(cold.walk)).capture("struct", file.span_range(name.span())).note("message", message)
    };
    cold(file).iter().map(fact).collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_walks_past_large_arrays() {
        for text in [
            "struct E { n: u32, a: [u8; 512] } struct T { es: Vec<E> } impl T { fn f(&self) -> u32 { let mut s = 0; $0for e in &self.es { s += e.n; }$0 s } }",
            "struct E { n: u32, a: [u64; 16] } struct T { es: Vec<E> } impl T { fn f(&self) -> u32 { $0self.es.iter().map(|e| e.n)$0.sum() } }",
            "#[derive(Debug, Clone)] struct E { n: u32, a: [u8; 160], b: [u64; 32] } fn f(es: &[E]) -> usize { $0es.iter().filter(|e| e.n > 3)$0.count() }",
            "pub struct E { pub n: u32, a: [u8; 512] } pub struct T { es: Vec<E> } impl T { fn f(&mut self) { $0for e in self.es.iter_mut() { e.n += 1; }$0 } }",
            "struct E { n: u32, a: [u8; 512] } struct T { es: Vec<E> } impl T { fn f(&self) -> bool { $0self.es.iter().any(|e| e.n == 1)$0 } fn g(&self, i: usize) -> u8 { self.es[i].a[0] } }",
            "mod m { struct E { n: u32, t: Vec<String>, a: [u8; 256] } fn f(es: &Vec<E>) -> u32 { let mut s = 0; $0for (i, e) in es.iter().enumerate() { s += e.n; }$0 s } }",
            "struct E { hot: bool, a: [u8; 128], big: [u32; 64] } fn f(es: &[E]) -> u32 { let mut s = 0; $0for e in es { if e.hot { s += e.big[0]; } }$0 s }",
            "struct E { n: u32, a: [u8; 512] } const S: usize = size_of::<Other>(); fn f(es: &[E]) -> u32 { $0es.iter().map(|e| e.n)$0.sum() }",
            "struct E { n: u32, a: [u8; 512] } struct T { es: std::collections::VecDeque<E> } impl T { fn f(&self) -> u32 { $0self.es.iter().fold(0, |s, e| s + e.n)$0 } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "struct E { n: u32, a: [u8; 512] } fn f(es: &[E]) -> u32 { let mut s = 0; for e in es { s += e.n + e.a[0] as u32; } s }",
                "struct E { n: u32, a: [u8; 512] } fn f(e: &E) -> u32 { e.n }",
                "struct E { n: u32, a: [u8; 512] } struct T { es: Vec<E> } impl T { fn f(&self, i: usize) -> u32 { self.es[i].n } }",
                "struct E { n: u32, a: [u8; 64] } fn f(es: &[E]) -> u32 { es.iter().map(|e| e.n).sum() }",
                "struct E { n: u32, a: Vec<u8> } fn f(es: &[E]) -> u32 { es.iter().map(|e| e.n).sum() }",
                "struct E { n: u32, a: Box<[u8; 512]> } fn f(es: &[E]) -> u32 { es.iter().map(|e| e.n).sum() }",
                "#[repr(C)] struct E { n: u32, a: [u8; 512] } fn f(es: &[E]) -> u32 { es.iter().map(|e| e.n).sum() }",
                "#[derive(Clone, Copy)] struct E { n: u32, a: [u8; 512] } fn f(es: &[E]) -> u32 { es.iter().map(|e| e.n).sum() }",
                "#[derive(Pod)] struct E { n: u32, a: [u8; 512] } fn f(es: &[E]) -> u32 { es.iter().map(|e| e.n).sum() }",
                "pub struct E { pub n: u32, pub a: [u8; 512] } fn f(es: &[E]) -> u32 { es.iter().map(|e| e.n).sum() }",
                "struct E { n: u32, a: [u8; N] } fn f(es: &[E]) -> u32 { es.iter().map(|e| e.n).sum() }",
                "struct E { n: u32, a: [u8; 512] } const S: usize = std::mem::size_of::<E>(); fn f(es: &[E]) -> u32 { es.iter().map(|e| e.n).sum() }",
                "struct E { a: [u8; 512] } fn f(es: &[E]) -> usize { let mut n = 0; for e in es { n += 1; } n }",
                "struct E { n: u32, a: [u8; 512] } fn f(es: &[D]) -> u32 { es.iter().map(|e| e.n).sum() }",
                "#[cfg(test)] mod tests { struct E { n: u32, a: [u8; 512] } fn f(es: &[E]) -> u32 { es.iter().map(|e| e.n).sum() } }",
            ],
        );
    }
}
