//! Hash maps from bytes to numbers that live in one function, where an array would hold the same.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::byte_maps::byte_maps;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("byte-map"),
    eye: Eye::Layout,
    kind: Kind::CacheLayout,
    class: Class::A,
    title: "map keyed by a byte",
    explain: EXPLAIN,
    triggers: &["HashMap", "BTreeMap"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds locals of the type `HashMap<u8, N>` or `BTreeMap<u8, N>`, where `N` is a number, that are only counted into and read
with zero for what is not there.

## Why it costs

Each step hashes the byte, probes a table that lies anywhere in memory, and may grow it. An array of 256 numbers lies in one
piece, and the byte is its index.

## Before

```rust
let mut counts: HashMap<u8, u64> = HashMap::new();
for b in payload {
    *counts.entry(*b).or_insert(0) += 1;
}
let spaces = counts.get(&b' ').copied().unwrap_or(0);
```

## After

```rust
let mut counts: [u64; 256] = [0; 256];
for b in payload {
    counts[usize::from(*b)] += 1;
}
let spaces = counts[usize::from(b' ')];
```

## When it is refused

Something tells an absent key from one at zero, other than by going over a map whose numbers only grow; the map is handed on,
captured, or used in any other way; the type of the map is not written.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for map in byte_maps(file) {
        let message = format!("`{}` hashes a byte for each step: an array of 256 would be indexed by it", map.name);
        found.push(Fact::at(file, file.range(map.local)).note("message", message));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_maps_that_count_bytes() {
        for text in [
            "fn f(xs: &[u8]) -> u64 { $0let mut m: HashMap<u8, u64> = HashMap::new();$0 for x in xs { *m.entry(*x).or_insert(0) += 1; } m.get(&1).copied().unwrap_or(0) }",
            "fn f(xs: &[u8]) -> u64 { $0let mut m: HashMap<u8, u64> = HashMap::with_capacity(24);$0 for x in xs { *m.entry(*x).or_default() += 2; } m.get(&1).copied().unwrap_or_default() }",
            "fn f(xs: &[u8]) -> Vec<(u8, u64)> { $0let mut m: HashMap<u8, u64> = HashMap::new();$0 for x in xs { *m.entry(*x).or_insert(0) += 1; } m.into_iter().collect() }",
            "fn f(xs: &[u8]) -> u32 { $0let mut m: BTreeMap<u8, u32> = BTreeMap::new();$0 for x in xs { *m.entry(x % 24).or_insert(0) += g(x); } *m.get(&3).unwrap_or(&0) }",
            "fn f(xs: &[u8]) { $0let mut m: std::collections::HashMap<u8, i64> = std::collections::HashMap::new();$0 for x in xs { *m.entry(*x).or_insert(0) -= 1; } h(m.get(&xs[0]).copied().unwrap_or(0)); }",
            "fn f(xs: &[u8]) { $0let mut m: HashMap<u8, usize> = HashMap::default();$0 for x in xs { *m.entry(*x).or_insert(0) += 1; } for (k, n) in m { h(k, n); } }",
            "fn f(xs: &[u8]) { $0let mut m: HashMap<u8, f64> = HashMap::new();$0 for x in xs { *m.entry(*x).or_insert(0.0) += 1.5; } h(m.get(&0).copied().unwrap_or(0.0)); }",
            "fn f(xs: &[u8]) { if a { $0let mut m: HashMap<u8, u8> = HashMap::new();$0 for x in xs { *m.entry(*x).or_insert(0) |= 1; } h(m.get(&0).cloned().unwrap_or(0)); } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(xs: &[u64]) { let mut m: HashMap<u64, u64> = HashMap::new(); for x in xs { *m.entry(*x).or_insert(0) += 1; } h(m.get(&1).copied().unwrap_or(0)); }",
                "fn f(xs: &[u8]) { let mut m: HashMap<u8, String> = HashMap::new(); for x in xs { *m.entry(*x).or_default() += \"a\"; } h(m.into_iter()); }",
                "fn f(xs: &[u8]) { let mut m = HashMap::new(); for x in xs { *m.entry(*x).or_insert(0) += 1; } h(m.get(&1).copied().unwrap_or(0)); }",
                "fn f(xs: &[u8]) -> HashMap<u8, u64> { let mut m: HashMap<u8, u64> = HashMap::new(); for x in xs { *m.entry(*x).or_insert(0) += 1; } m }",
                "fn f(xs: &[u8]) -> bool { let mut m: HashMap<u8, u64> = HashMap::new(); for x in xs { *m.entry(*x).or_insert(0) += 1; } m.contains_key(&1) }",
                "fn f(xs: &[u8]) -> usize { let mut m: HashMap<u8, u64> = HashMap::new(); for x in xs { *m.entry(*x).or_insert(0) += 1; } m.len() }",
                "fn f(xs: &[u8]) -> Option<u64> { let mut m: HashMap<u8, u64> = HashMap::new(); for x in xs { *m.entry(*x).or_insert(0) += 1; } m.get(&1).copied() }",
                "fn f(xs: &[u8]) -> u64 { let mut m: HashMap<u8, u64> = HashMap::new(); for x in xs { *m.entry(*x).or_insert(0) += 1; } m.get(&1).copied().unwrap_or(7) }",
                "fn f(xs: &[u8]) -> u64 { let mut m: HashMap<u8, u64> = HashMap::new(); for x in xs { *m.entry(*x).or_insert(1) *= 2; } m.get(&1).copied().unwrap_or(0) }",
                "fn f(xs: &[u8]) -> V { let mut m: HashMap<u8, u64> = HashMap::new(); for x in xs { *m.entry(*x).or_insert(0) += g(x); } m.into_iter().collect() }",
                "fn f(xs: &[u8]) -> V { let mut m: HashMap<u8, i64> = HashMap::new(); for x in xs { *m.entry(*x).or_insert(0) -= 1; } m.into_iter().collect() }",
                "fn f(xs: &[u8]) { let mut m: HashMap<u8, u64> = HashMap::new(); for x in xs { *m.entry(*x).or_insert(0) += 1; } run(move || m.get(&1).copied().unwrap_or(0)); }",
                "fn f(m: &mut HashMap<u8, u64>, xs: &[u8]) { for x in xs { *m.entry(*x).or_insert(0) += 1; } }",
                "#[test] fn f() { let mut m: HashMap<u8, u64> = HashMap::new(); *m.entry(1).or_insert(0) += 1; h(m.get(&1).copied().unwrap_or(0)); }",
            ],
        );
    }
}
