//! Loops in; the collections out that each round builds anew although nothing they are built of changes.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::prepared::prepared;
use crate::source::{SourceFile, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("collection-in-loop"),
    eye: Eye::Loops,
    kind: Kind::RebuiltInvariant,
    class: Class::A,
    title: "collection built anew in each round of a loop",
    explain: EXPLAIN,
    triggers: &["collect", "from_iter", "to_vec", "clone"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds a `let` in a loop, or in the closure of an iterator, that collects, copies or sorts what does not change in the loop, into a
collection that the round only looks at.

## Why it costs

Each round walks the whole source, allocates, hashes or sorts it, and frees the collection again: a loop that looks like one pass
is as many passes as it has rounds.

## Before

```rust
for batch in batches {
    let known: HashSet<&str> = names.iter().map(|name| name.as_str()).collect();
    count += batch.iter().filter(|name| known.contains(name.as_str())).count();
}
```

## After

```rust
let known: HashSet<&str> = names.iter().map(|name| name.as_str()).collect();
for batch in batches {
    count += batch.iter().filter(|name| known.contains(name.as_str())).count();
}
```

Statements that bring it into order (`sort`, `dedup`, `reverse`, `retain`) move with it. It is built once even if the loop runs
zero times.

## When it is refused

What it is built of may change in the loop; the round moves or changes the collection; it is only built in some rounds; it is built
by something that may do more than compute; its source is no collection of the standard library (asked of rustc); the name is
taken outside of the loop.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for function in words::functions_with(file, RULE.triggers) {
        for prepared in prepared(&function) {
            let message = format!(
                "each round of the loop builds `{}` anew although nothing it is built of changes",
                prepared.name
            );
            found.push(Fact::at(file, file.range(prepared.binding)).note("message", message));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check_ignores, check_sites};

    const HEAD: &str =
        "fn f(batches: &[Vec<String>], names: &[String], tiers: &[(u64, u64)], mut own: Vec<u64>) -> usize";

    #[track_caller]
    fn fires_on(body: &str, site: &str) {
        check_sites(&RULE, &format!("{HEAD} {{ {body} 0 }}"), &[site]);
    }

    #[track_caller]
    fn ignores_body(body: &str) {
        check_ignores(&RULE, &[&format!("{HEAD} {{ {body} 0 }}")]);
    }

    #[test]
    fn fires_on_collections_of_what_stands_outside_the_loop() {
        let set = "let s: HashSet<&str> = names.iter().map(|n| n.as_str()).collect();";
        fires_on(&format!("for b in batches {{ {set} g(b.iter().any(|x| s.contains(x.as_str()))); }}"), set);
        let turbofish = "let s = names.iter().map(String::as_str).collect::<HashSet<_>>();";
        fires_on(&format!("let mut i = 0; while i < 9 {{ {turbofish} g(s.len()); i += 1; }}"), turbofish);
        let of_iter = "let s = HashSet::<&String>::from_iter(names.iter());";
        fires_on(&format!("for b in batches {{ {of_iter} if s.contains(&b[0]) {{ g(); }} }}"), of_iter);
        let map = "let m: HashMap<u64, u64> = tiers.iter().copied().collect();";
        fires_on(&format!("for b in batches {{ for x in b {{ {map} g(m.get(&x.len())); }} }}"), map);
        let lower = "let l: Vec<String> = names.iter().filter(|n| !n.is_empty()).map(|n| n.to_lowercase()).collect();";
        fires_on(&format!("for b in batches {{ {lower} g(&l, b); }}"), lower);
    }

    #[test]
    fn fires_in_the_closure_of_an_iterator() {
        let set = "let s: HashSet<&str> = names.iter().map(|n| n.as_str()).collect();";
        fires_on(&format!("batches.iter().filter(|b| {{ {set} s.contains(b[0].as_str()) }}).count();"), set);
        fires_on(&format!("batches.iter().for_each(|b| {{ {set} g(b, &s); }});"), set);
    }

    #[test]
    fn fires_on_copies_that_are_brought_into_order() {
        let copy = "let mut t = tiers.to_vec();";
        fires_on(
            &format!("for b in batches {{ {copy} t.sort_by_key(|(a, _)| *a); g(t.iter().rev().next(), b); }}"),
            copy,
        );
        let cloned = "let mut t = own.clone();";
        fires_on(
            &format!("for b in batches {{ {cloned} t.sort_unstable(); t.dedup(); g(t.binary_search(&b.len())); }}"),
            cloned,
        );
        let collected = "let mut t: Vec<&String> = names.iter().collect();";
        fires_on(
            &format!("for b in batches {{ {collected} t.sort_by(|a, b| b.len().cmp(&a.len())); g(&t[0], b); }}"),
            collected,
        );
    }

    #[test]
    fn ignores_what_the_loop_binds_or_changes() {
        ignores_body("for b in batches { let s: HashSet<&String> = b.iter().collect(); g(s.len()); }");
        ignores_body(
            "for b in batches { let s: HashSet<u64> = own.iter().copied().collect(); own.retain(|x| !s.contains(x)); }",
        );
        ignores_body("for b in batches { let s: Vec<u64> = own.iter().map(|x| x + b.len()).collect(); g(s.len()); }");
        ignores_body("for b in batches { let mut t = own.clone(); t.sort(); own = t.iter().copied().collect(); }");
        ignores_body(
            "for b in batches { let n = b.len(); let s: Vec<u64> = own.iter().filter(|x| **x > n).copied().collect(); g(&s); }",
        );
    }

    #[test]
    fn ignores_collections_that_the_round_changes_or_moves() {
        ignores_body(
            "for b in batches { let mut s: HashSet<&String> = names.iter().collect(); s.insert(&b[0]); g(s.len()); }",
        );
        ignores_body("for b in batches { let s: Vec<&String> = names.iter().collect(); out.push(s); }");
        ignores_body("for b in batches { let s: Vec<&String> = names.iter().collect(); for x in s { g(x, b); } }");
        ignores_body("for b in batches { let mut t = own.clone(); t.sort(); t.push(1); g(&t); }");
        ignores_body("for b in batches { let mut t = own.clone(); g(&t); t.sort(); }");
        ignores_body("for b in batches { let s: Vec<u8> = g(names).iter().collect(); h(&s); }");
        ignores_body("for b in batches { let s: Vec<u8> = names.iter().map(|n| next(n)).collect(); h(&s); }");
        ignores_body("for b in batches { let s: Vec<u8> = names.iter().map(|n| n.touch()).collect(); h(&s); }");
        ignores_body("for b in batches { let s: R = names.iter().map(|n| n.parse()).collect(); h(s?); }");
    }

    #[test]
    fn ignores_what_only_some_rounds_build_and_what_stands_in_no_loop() {
        ignores_body(
            "for b in batches { if b.is_empty() { let s: HashSet<&String> = names.iter().collect(); g(s.len()); } }",
        );
        ignores_body("let s: HashSet<&String> = names.iter().collect(); g(s.len());");
        ignores_body("batches.first().map(|b| { let s: HashSet<&String> = names.iter().collect(); s.len() });");
        ignores_body("for b in batches { let t = own.clone(); g(&t); }");
    }
}
