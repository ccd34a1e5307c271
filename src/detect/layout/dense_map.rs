//! Hash maps that a loop fills with the indices from zero on, where a vector would hold the same.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::dense_maps::dense_maps;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("dense-map"),
    eye: Eye::Layout,
    kind: Kind::CacheLayout,
    class: Class::A,
    title: "map keyed by the indices from zero on",
    explain: EXPLAIN,
    triggers: &["HashMap", "BTreeMap"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds locals of the type `HashMap<usize, T>` or `BTreeMap<usize, T>` that one loop fills, in each round at the index of the
round, and that are only looked up after that.

## Why it costs

Each step hashes the index, probes a table that lies anywhere in memory, and may grow it. A vector lies in one piece, and the
index is the place.

## Before

```rust
let mut fees: HashMap<usize, u32> = HashMap::with_capacity(7);
for day in 0..7 {
    fees.insert(day, fee(day));
}
let today = fees[&(day % 7)];
```

## After

```rust
let mut fees: Vec<u32> = Vec::with_capacity(7);
for day in 0..7 {
    fees.push(fee(day));
}
let today = fees[day % 7];
```

An index that is not there panics, or is `None`, as before; the words of the panic are others.

## When it is refused

A round may leave without filling its place; the map is filled elsewhere as well, changed, walked, handed on, captured by an
`async` block, or used in any other way; its type is not written.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for map in dense_maps(file) {
        let message = format!("`{}` hashes an index for each step: a vector would be indexed by it", map.name);
        found.push(Fact::at(file, file.range(map.local)).note("message", message));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_maps_that_are_filled_from_zero_on() {
        for text in [
            "fn f(xs: &[usize]) -> u32 { $0let mut m: HashMap<usize, u32> = HashMap::with_capacity(7);$0 for d in 0..7usize { m.insert(d, if d > 4 { 30 } else { 5 }); } xs.iter().map(|x| m[&(x % 7)]).sum() }",
            "fn f(xs: &[i64]) -> Vec<i64> { $0let mut m: HashMap<usize, i64> = HashMap::new();$0 let mut s = 0; for (i, x) in xs.iter().enumerate() { s += x; m.insert(i, s); } (0..xs.len()).map(|i| m[&i]).collect() }",
            "fn f(xs: &[S], k: usize) -> Option<S> { $0let mut m: BTreeMap<usize, S> = BTreeMap::new();$0 for (i, x) in xs.iter().enumerate() { m.insert(i, x.clone()); } m.get(&k).cloned() }",
            "fn f(n: usize, k: &usize) -> u8 { $0let mut m: HashMap<usize, u8> = HashMap::default();$0 for i in 0..n { m.insert(i, g(i)); } m.get(k).copied().unwrap_or(0) }",
            "fn f(n: usize) -> usize { $0let mut m: HashMap<usize, Vec<u8>> = HashMap::new();$0 for i in 0..n { let v = g(i); m.insert(i, v); } if m.is_empty() { 0 } else { m.len() + m[&0].len() } }",
            "fn f(n: usize) -> u64 { $0let mut m: HashMap<usize, u64> = HashMap::new();$0 for i in 0..n { let before = if i == 0 { 1 } else { m[&(i - 1)] }; m.insert(i, before * 2); } m[&(n - 1)] }",
            "fn f(n: usize) -> R { $0let mut m: std::collections::HashMap<usize, u64> = std::collections::HashMap::new();$0 for i in 0..n { m.insert(i, g(i)?); } Ok(m[&1]) }",
            "fn f(n: usize) { if a { $0let mut m: HashMap<usize, u64> = HashMap::new();$0 for i in 0..=n { m.insert(i, 1); } h(m.get(&n)); } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(n: usize) -> u64 { let mut m: HashMap<u64, u64> = HashMap::new(); for i in 0..n { m.insert(i, 1); } m[&1] }",
                "fn f(n: usize) -> u64 { let mut m: HashMap<usize, u64> = HashMap::new(); for i in 1..n { m.insert(i, 1); } m[&1] }",
                "fn f(n: usize) -> u64 { let mut m: HashMap<usize, u64> = HashMap::new(); for i in 0..n { if a { continue; } m.insert(i, 1); } m[&1] }",
                "fn f(n: usize) -> u64 { let mut m: HashMap<usize, u64> = HashMap::new(); for i in 0..n { if a { m.insert(i, 1); } } m[&1] }",
                "fn f(n: usize) -> u64 { let mut m: HashMap<usize, u64> = HashMap::new(); for i in 0..n { m.insert(i * 2, 1); } m[&1] }",
                "fn f(n: usize) -> u64 { let mut m: HashMap<usize, u64> = HashMap::new(); for i in 0..n { let i = g(i); m.insert(i, 1); } m[&1] }",
                "fn f(n: usize) -> u64 { let mut m: HashMap<usize, u64> = HashMap::new(); for i in 0..n { m.insert(i, 1); } m.insert(900, 1); m[&1] }",
                "fn f(n: usize) -> u64 { let mut m: HashMap<usize, u64> = HashMap::new(); for i in 0..n { m.insert(i, 1); } m.remove(&1); m[&1] }",
                "fn f(n: usize) -> HashMap<usize, u64> { let mut m: HashMap<usize, u64> = HashMap::new(); for i in 0..n { m.insert(i, 1); } m }",
                "fn f(n: usize) { let mut m: HashMap<usize, u64> = HashMap::new(); for i in 0..n { m.insert(i, 1); } for (k, v) in m { h(k, v); } }",
                "fn f(n: usize) { let mut m: HashMap<usize, u64> = HashMap::new(); for i in 0..n { m.insert(i, 1); } h(&m); }",
                "fn f(xs: &[O]) -> u64 { let mut m: HashMap<usize, u64> = HashMap::new(); for x in xs { m.insert(x.id, 1); } m[&1] }",
                "fn f(xs: &[O]) -> u64 { let mut m: HashMap<usize, u64> = HashMap::new(); for (i, x) in xs.iter().enumerate().skip(3) { m.insert(i, 1); } m[&1] }",
                "fn f(n: usize) -> u64 { let mut m = HashMap::new(); for i in 0..n { m.insert(i, 1); } m[&1] }",
                "#[test] fn f() { let mut m: HashMap<usize, u64> = HashMap::new(); for i in 0..3 { m.insert(i, 1); } h(m[&1]); }",
            ],
        );
    }
}
