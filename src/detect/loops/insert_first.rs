//! Loops that put each element in front of all others, by `insert(0, …)`.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::grown::{self, Grown};
use crate::source::usage::{How, Use};
use crate::source::{SourceFile, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("insert-first-in-loop"),
    eye: Eye::Loops,
    kind: Kind::Quadratic,
    class: Class::A,
    title: "vector filled from its front",
    explain: EXPLAIN,
    triggers: &["insert"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds loops that fill a new vector by `list.insert(0, item)` and do nothing else with it.

## Why it costs

`insert(0, …)` moves all elements by one place: n rounds move n²/2 elements.

## Before

```rust
let mut newest = Vec::new();
for event in events {
    newest.insert(0, event.id);
}
```

## After

```rust
let mut newest = Vec::new();
for event in events {
    newest.push(event.id);
}
newest.reverse();
```

## When it is refused

The vector is not new and empty when the loop begins, is looked at or changed in another way in the loop, or is used in a closure; it
is not a `Vec` of std (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    grown::grown(file).iter().filter_map(|grown| filled(file, grown)).collect()
}

fn filled(file: &SourceFile, grown: &Grown<'_>) -> Option<Fact> {
    let exprs = shapes::exprs(&grown.code);
    let calls: Option<Vec<(TextRange, TextRange)>> = grown.uses.iter().map(|u| insertion(file, &exprs, u)).collect();
    let calls = calls.filter(|calls| !calls.is_empty())?;
    let name = grown.name;
    let message = format!("each round moves all elements of `{name}` by one place to put one before them");
    let mut fact = Fact::at(file, calls[0].1)
        .capture("loop", grown.around)
        .capture("list", grown.uses[0].name)
        .note("message", message);
    for (head, _) in calls {
        fact = fact.capture("insert", head);
    }
    Some(fact)
}

/// `list.insert(0, x)`: from the name of the method to where the element begins, and the whole.
fn insertion(file: &SourceFile, exprs: &[&syn::Expr], u: &Use) -> Option<(TextRange, TextRange)> {
    if u.how != How::Method("insert".to_owned()) || !u.is_bare {
        return None;
    }
    exprs.iter().find_map(|expr| match expr {
        syn::Expr::MethodCall(call) if file.range(*expr) == u.whole && call.args.len() == 2 => {
            let is_first = matches!(&call.args[0], syn::Expr::Lit(l) if matches!(&l.lit, syn::Lit::Int(n) if n.base10_digits() == "0"));
            let start = file.span_range(call.method.span()).start;
            is_first.then(|| (TextRange { start, end: file.range(&call.args[1]).start }, u.whole))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_a_new_vector_is_filled_from_its_front() {
        for text in [
            "fn f(xs: &[u8]) -> Vec<u8> { let mut out = Vec::new(); for x in xs { $0out.insert(0, *x)$0; } out }",
            "fn f(xs: &[u8]) -> Vec<u8> { let mut out: Vec<u8> = vec![]; for x in xs { if *x > 1 { continue; } $0out.insert(0, *x)$0; } out }",
            "fn f(mut n: u8) -> Vec<u8> { let mut out = Vec::with_capacity(9); while n > 0 { $0out.insert(0, n % 10)$0; n /= 10; } out }",
            "fn f(r: &mut R) -> Vec<u8> { let mut out = Vec::<u8>::new(); loop { let Some(x) = r.next() else { break }; $0out.insert(0, x)$0; } out }",
            "fn f(xs: &[X]) -> R { let mut out = Vec::new(); for x in xs { $0out.insert(0, g(x)?)$0; } Ok(out) }",
            "fn f(xs: &[X]) -> Vec<X> { let mut out = Vec::new(); for x in xs { for y in &x.ys { $0out.insert(0, y.clone())$0; } } h(&out); out }",
            "impl S { fn f(&self) -> Vec<X> { let n = 3; let mut out = Vec::new(); log(); for x in &self.xs { $0out.insert(0, x.a)$0; out.insert(0, n); } out } }",
            "fn f(xs: &[u8]) -> usize { if a() { let mut out = Vec::new(); for x in xs { $0out.insert(0, *x)$0; } return out.len(); } 0 }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Not new, not empty, not a vector.
                "fn f(out: &mut Vec<u8>, xs: &[u8]) { for x in xs { out.insert(0, *x); } }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut out = vec![1]; for x in xs { out.insert(0, *x); } out }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut out = load(); for x in xs { out.insert(0, *x); } out }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut out = Vec::new(); out.push(1); for x in xs { out.insert(0, *x); } out }",
                "fn f(xs: &[char]) -> String { let mut out = String::new(); for x in xs { out.insert(0, *x); } out }",
                "fn f(xs: &[u8]) -> HashMap<u8, u8> { let mut out = HashMap::new(); for x in xs { out.insert(0, *x); } out }",
                "impl S { fn f(&mut self, xs: &[u8]) { for x in xs { self.out.insert(0, *x); } } }",
                // Looked at or changed otherwise.
                "fn f(xs: &[u8]) -> Vec<u8> { let mut out = Vec::new(); for x in xs { out.insert(0, *x); g(&out); } out }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut out = Vec::new(); for x in xs { out.insert(0, *x); out.truncate(3); } out }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut out = Vec::new(); for x in xs { if *x > 3 { out.push(*x); } else { out.insert(0, *x); } } out }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut out = Vec::new(); for x in xs { if *x > 3 { return out; } out.insert(0, *x); } out }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut out = Vec::new(); while out.len() < 3 { out.insert(0, 1); } out }",
                "fn f(xs: &[u8]) -> Vec<usize> { let mut out = Vec::new(); for x in xs { out.insert(0, out.len()); } out }",
                // Another place, or no loop.
                "fn f(xs: &[u8], i: usize) -> Vec<u8> { let mut out = Vec::new(); for x in xs { out.insert(i, *x); } out }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut out = Vec::new(); for x in xs { out.insert(1, *x); } out }",
                "fn f(x: u8) -> Vec<u8> { let mut out = Vec::new(); out.insert(0, x); out }",
                "fn f(xs: &[u8]) { for x in xs { let mut out = Vec::new(); out.insert(0, *x); g(out); } }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut out = Vec::new(); xs.iter().for_each(|x| out.insert(0, *x)); out }",
                "fn f(xs: &[u8]) -> Vec<u8> { let mut out = Vec::new(); for x in xs { each(|| out.insert(0, *x)); } out }",
                "#[test] fn f() { let mut out = Vec::new(); for x in xs { out.insert(0, x); } }",
            ],
        );
    }
}
