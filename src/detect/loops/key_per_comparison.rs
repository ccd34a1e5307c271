//! Sorts that make the keys of two elements anew for each comparison.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::comparisons::keyed;
use crate::source::functions::functions;
use crate::source::{SourceFile, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("key-per-comparison"),
    eye: Eye::Loops,
    kind: Kind::RebuiltInvariant,
    class: Class::A,
    title: "sort that makes its keys anew for each comparison",
    explain: EXPLAIN,
    triggers: &["sort_by", "sort_unstable_by", "sort_by_key", "sort_unstable_by_key"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds sorts that compare keys which allocate, walk something, or come from a function of the file that does, as
`sort_by(|a, b| a.name.to_lowercase().cmp(&b.name.to_lowercase()))` and `sort_by_key(|a| a.name.to_lowercase())`.

## Why it costs

Sorting n elements compares about n log n times, and each comparison makes two keys: thirteen thousand texts for a thousand
names.

## Before

```rust
facets.sort_by(|a, b| a.label.to_lowercase().cmp(&b.label.to_lowercase()));
```

## After

```rust
facets.sort_by_cached_key(|a| a.label.to_lowercase());
```

Each key is made once; equal elements stay in their order.

## When it is refused

The two sides are not the same key of the two elements; making the key does more than compute from the element; the key is cheap, as
a field; what is sorted is no vector or slice of std (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let all = functions(file);
    let mut found = Vec::new();
    for function in words::functions_with(file, RULE.triggers) {
        for expr in shapes::exprs(function.block) {
            let syn::Expr::MethodCall(call) = expr else { continue };
            if !RULE.triggers.iter().any(|name| call.method == name) || keyed(file, &all, call).is_none() {
                continue;
            }
            let message = format!("`{}` makes the keys of both elements anew for each comparison", call.method);
            found.push(
                Fact::at(file, file.range(expr))
                    .capture("list", file.range(&*call.receiver))
                    .capture("method", file.span_range(call.method.span()))
                    .note("message", message),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_keys_that_cost_something() {
        for text in [
            "fn f(xs: &mut Vec<F>) { $0xs.sort_by(|a, b| a.l.to_lowercase().cmp(&b.l.to_lowercase()))$0; }",
            "fn f(xs: &mut [F]) { $0xs.sort_unstable_by(|x, y| y.l.to_string().cmp(&x.l.to_string()))$0; }",
            "fn f(xs: &mut [F]) { $0xs.sort_by(|a, b| { let l = a.l.to_lowercase(); let r = b.l.to_lowercase(); l.cmp(&r) })$0; }",
            "fn f(xs: &mut [F]) { $0xs.sort_by_key(|x| x.l.to_lowercase())$0; }",
            "fn f(xs: &mut [F]) { $0xs.sort_by_key(|x| total(x))$0; } fn total(x: &F) -> u64 { x.ns.iter().sum() }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(xs: &mut [F]) { xs.sort_by_key(|x| x.n); }",
                "fn f(xs: &mut [F]) { xs.sort_by(|a, b| a.n.cmp(&b.n)); }",
                "fn f(xs: &mut [F]) { xs.sort_by_cached_key(|x| x.l.to_lowercase()); }",
                "fn f(xs: &mut [F]) { xs.sort_by(|a, b| a.l.to_lowercase().cmp(&b.m.to_lowercase())); }",
                "fn f(xs: &mut [F]) { xs.sort_by(|a, b| a.l.to_lowercase().cmp(&b.l.to_lowercase()).then(a.n.cmp(&b.n))); }",
                "fn f(xs: &mut [F]) { xs.sort_by(|a, b| a.l.to_lowercase().partial_cmp(&b.l.to_lowercase()).unwrap()); }",
                "fn f(xs: &mut [F], n: &mut u64) { xs.sort_by_key(|x| { *n += 1; x.l.to_lowercase() }); }",
                "fn f(xs: &mut [F]) { xs.sort_by_key(|x| draw(x).to_string()); }",
                "impl T { fn to_lowercase(&self) -> &str { &self.low } } fn f(xs: &mut [F]) { xs.sort_by_key(|x| x.n.max(1)); }",
                "fn f(xs: &mut [F]) { xs.sort_by(|a, b| { let l = a.l.to_lowercase(); let r = b.l.to_lowercase(); r.len().cmp(&l.len()) }); }",
            ],
        );
    }
}
