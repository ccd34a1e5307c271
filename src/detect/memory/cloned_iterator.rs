//! Functions in; the iterators out that copy every element although the steps after only look at most of them.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::cloned::cloned;
use crate::source::{SourceFile, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("cloned-iterator"),
    eye: Eye::Memory,
    kind: Kind::DefensiveCopy,
    class: Class::A,
    title: "every element copied before it is looked at",
    explain: EXPLAIN,
    triggers: &["cloned", "clone", "into_iter"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `items.iter().cloned()` (and `.map(|x| x.clone())`, `items.clone().into_iter()`) where the steps after only look at the
elements, or throw most of them away before the rest is kept; and `for item in items.iter().cloned()` whose body only looks.

## Why it costs

Every element is copied with all it holds, and freed again, though a reference would have shown it.

## Before

```rust
let tags: usize = customers.iter().cloned().filter(|c| c.is_active).map(|c| c.tags.len()).sum();
let due: Vec<Order> = orders.iter().cloned().filter(|o| o.is_due()).collect();
```

## After

```rust
let tags: usize = customers.iter().filter(|c| c.is_active).map(|c| c.tags.len()).sum();
let due: Vec<Order> = orders.iter().filter(|o| o.is_due()).cloned().collect();
```

## When it is refused

A closure takes its element apart, hands it on as a whole, compares it as a whole, or changes it; the type of the elements is not
written down, is a number, or its `Clone` is not plain data (asked of rustc); the steps are numbered or zipped.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        for cloned in cloned(file, body) {
            let shown = file.on_one_line(file.range(cloned.source));
            let message = format!("every element of `{shown}` is copied before the next step looks at it");
            found.push(Fact::at(file, cloned.site).note("message", message));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_copies_that_are_only_looked_at_or_thrown_away() {
        for text in [
            "fn f(xs: &[X]) -> usize { $0xs.iter().cloned().filter(|x| x.a > 1).map(|x| x.tags.len())$0.sum() }",
            "struct S { xs: Vec<X> } impl S { fn f(&self) -> usize { $0self.xs.iter().cloned().map(|x| x.len())$0.sum() } }",
            "fn f(xs: &[String]) -> bool { $0xs.iter().cloned().any(|x| x.is_empty())$0 }",
            "fn f(xs: &[X]) -> Vec<X> { $0xs.iter().cloned().filter(|x| x.is_due()).collect()$0 }",
            "fn f(xs: &[X]) -> Option<X> { $0xs.iter().cloned().find(|x| x.id == 3)$0 }",
            "fn f(xs: &[X]) -> Option<X> { $0xs.iter().cloned().last()$0 }",
            "fn f(xs: &[X]) -> usize { $0xs.iter().map(|x| x.clone()).filter(|x| x.is_due()).count()$0 }",
            "fn f(xs: &Vec<X>) -> usize { $0xs.clone().into_iter().filter(|x| x.is_due()).map(|x| x.id)$0.max() }",
            "fn f(m: &HashMap<u64, X>) -> usize { $0m.values().cloned().filter(|x| x.is_due()).count()$0 }",
            "fn f(xs: &[(String, String)]) -> Vec<(String, String)> { $0xs.iter().cloned().filter(|(k, _)| k.is_empty()).collect()$0 }",
            "fn f(xs: &[(String, u8)]) -> Option<(String, u8)> { $0xs.iter().cloned().find(|(_, n)| *n == 1)$0 }",
            "fn f(xs: &[X]) { for x in $0xs.iter().cloned()$0 { g(&x.name); } }",
            "fn f(xs: &[X]) { for x in $0xs.iter().cloned()$0 { if x.is_on { g(&x.name); } } }",
            "fn f(xs: &[X]) -> Vec<X> { $0xs.iter().cloned().skip(3).take(2).collect()$0 }",
            "fn f(xs: &[X]) { $0xs.iter().cloned().for_each(|x| println!(\"{}\", x.name))$0; }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(xs: &[X]) -> Vec<X> { xs.iter().cloned().collect() }",
                "fn f(xs: &[u64]) -> u64 { xs.iter().cloned().filter(|x| *x > 1).sum() }",
                "fn f(xs: &[X]) -> Vec<X> { xs.iter().cloned().map(|x| g(x)).collect() }",
                "fn f(xs: &[X]) -> Vec<X> { xs.iter().cloned().map(|mut x| { x.a = 1; x }).collect() }",
                "fn f(xs: &[X]) -> Vec<Y> { xs.iter().cloned().map(Y::from).collect() }",
                "fn f(xs: &[X]) -> Vec<Y> { xs.iter().cloned().map(|x| x.into_y()).collect() }",
                "fn f(xs: &[X]) -> usize { xs.iter().cloned().filter(|x| *x == y()).count() }",
                "fn f(xs: &[(u8, u8)]) -> Vec<(u8, u8)> { xs.iter().cloned().filter(|(k, _)| *k > 1).collect() }",
                "fn f(xs: &[(String, u8)]) -> Vec<(String, u8)> { xs.iter().cloned().filter(|&(_, n)| n > 1).collect() }",
                "fn f(xs: &[(X, Y)]) -> usize { xs.iter().cloned().map(|(x, y)| x.len()).sum() }",
                "fn f(xs: &[Arc<X>]) -> usize { xs.iter().cloned().filter(|x| x.is_due()).count() }",
                "fn f(xs: &[X]) { for x in xs.iter().cloned() { keep(x); } }",
                "fn f(xs: &[X]) { for x in xs.iter().cloned() { spawn(move || g(&x)); } }",
                "fn f(xs: I) -> usize { xs.iter().cloned().filter(|x| x.is_due()).count() }",
                "fn f(xs: &[X]) -> Vec<(usize, X)> { xs.iter().cloned().enumerate().collect() }",
                "fn f(xs: &[X]) -> Vec<X> { xs.iter().filter(|x| x.is_due()).cloned().collect() }",
                "fn f(xs: &[X]) -> X { xs.iter().cloned().fold(X::new(), |a, x| a.join(x)) }",
                "fn f(x: Option<X>) -> Option<u8> { x.iter().cloned().map(|x| x.a).next() }",
                "#[test] fn f() { let xs: Vec<X> = y(); xs.iter().cloned().filter(|x| x.a).count(); }",
            ],
        );
    }
}
