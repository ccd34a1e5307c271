//! Collections that are walked several times in a row, each time for one number.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::passes::passes;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("two-passes"),
    eye: Eye::Loops,
    kind: Kind::Quadratic,
    class: Class::A,
    title: "collection walked several times where once would do",
    explain: EXPLAIN,
    triggers: &["count", "sum"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let` after `let` that walks the same collection, with `filter(…).count()` or `map(…).sum()`, where none needs what
another came to.

## Why it costs

Each walk fetches the whole collection again; where it is larger than the cache, from memory. Filters that are the same are
evaluated again, too. Small collections of numbers may be as fast in two vectorised walks: the measurement decides.

## Before

```rust
let large = orders.iter().filter(|o| o.cents > limit).count();
let total: u64 = orders.iter().filter(|o| o.cents > limit).map(|o| o.cents).sum();
```

## After

```rust
let (mut large, mut total) = (0usize, 0u64);
for o in orders.iter() {
    if o.cents > limit {
        large += 1;
        total += o.cents;
    }
}
```

## When it is refused

A closure does more than compute a value: it calls what is not known, and its effects would come in another order. More than
one of the passes computes what may overflow besides its sum: another one would panic first. A pass uses the result of one
before it. Something stands between them. The sum is not of a written integer type: sums of floats, durations and amounts of
one's own are not rewritten. The collection is not one of std (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let fact = |run: &crate::source::passes::Passes<'_>| {
        let times = match run.all.len() {
            2 => "twice".to_owned(),
            n => format!("{n} times"),
        };
        let shown = file.text_of(run.list);
        Fact::at(file, run.site).note("message", format!("`{shown}` is walked {times} in a row: one walk would do"))
    };
    passes(file).iter().map(fact).collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_passes_that_do_not_need_one_another() {
        for text in [
            "fn f(v: &[O]) { $0let n = v.iter().filter(|o| o.a).count(); let s: u64 = v.iter().map(|o| o.c).sum();$0 g(n, s); }",
            "fn f(v: &[O]) { $0let s = v.iter().map(|o| o.c).sum::<u64>(); let n: usize = v.iter().filter(|o| o.a > 1).count();$0 g(n, s); }",
            "fn f(m: &M) { $0let n = m.values().filter(|o| o.a.is_some()).count(); let k = m.values().filter(|o| o.b.is_empty()).count();$0 g(n, k); }",
            "fn f(v: &[u64]) { $0let n = v.iter().filter(|x| **x > 3).count(); let s: u64 = v.iter().filter(|&&x| x > 3).sum();$0 g(n, s); }",
            "impl S { fn f(&self) { $0let n = self.v.iter().filter(|o| o.a).count(); let s: i64 = self.v.iter().map(|o| o.c * o.d).sum();$0 g(n, s); } }",
            "fn f(v: &[O]) { a(); $0let n = v.iter().filter(|o| o.a).count(); let m = v.iter().filter(|o| !o.a).count(); let s: u32 = v.iter().filter(|o| o.a && o.b != 1).map(|o| o.c).sum();$0 g(n, m, s); }",
            "fn f(v: &[O]) { $0let n = v.iter().filter(|o| o.kind == Kind::A).count(); let s: u64 = v.iter().filter(|p| p.a).filter(|p| p.b).map(|p| p.c as u64).sum();$0 let z: f64 = v.iter().map(|o| o.f).sum(); g(n, s, z); }",
            "fn f(v: &[u8]) { $0let n = v.iter().filter(|x| **x == b'a').count(); let m = v.iter().filter(|&x| *x == b'b').count();$0 g(n, m); }",
            "fn f(v: &[O]) { $0let a: u64 = v.iter().map(|o| o.c).sum(); let b: u64 = v.iter().map(|o| o.d).sum();$0 g(a, b); }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // The second needs the first, or something stands between.
                "fn f(v: &[O]) { let n = v.iter().filter(|o| o.a).count(); let s: usize = v.iter().map(|o| o.c * n).sum(); g(s); }",
                "fn f(v: &mut Vec<O>) { let n = v.iter().filter(|o| o.a).count(); v.clear(); let s: u64 = v.iter().map(|o| o.c).sum(); }",
                "fn f(v: &[O]) { let n = v.iter().filter(|o| o.a).count(); log(n); let s: u64 = v.iter().map(|o| o.c).sum(); }",
                // Other collections, or other ways through them.
                "fn f(v: &[O], w: &[O]) { let n = v.iter().filter(|o| o.a).count(); let s: u64 = w.iter().map(|o| o.c).sum(); }",
                "fn f(v: &[O]) { let n = v.iter().filter(|o| o.a).count(); let s: u64 = v.iter().rev().map(|o| o.c).sum(); }",
                "fn f(v: &[O]) { let n = v.iter().filter(|o| o.a).count(); let s: u64 = v.iter().take(3).map(|o| o.c).sum(); }",
                "fn f(s: &S) { let n = s.rows().iter().filter(|o| o.a).count(); let t: u64 = s.rows().iter().map(|o| o.c).sum(); }",
                "fn f(v: V) { let n = v.into_iter().filter(|o| o.a).count(); let t: u64 = v.into_iter().map(|o| o.c).sum(); }",
                // Closures that do more than compute.
                "fn f(v: &[O]) { let n = v.iter().filter(|o| check(o)).count(); let s: u64 = v.iter().map(|o| o.c).sum(); }",
                "fn f(v: &[O]) { let n = v.iter().filter(|o| o.check()).count(); let s: u64 = v.iter().map(|o| o.c).sum(); }",
                "fn f(v: &[O]) { let n = v.iter().filter(|o| { log(); o.a }).count(); let s: u64 = v.iter().map(|o| o.c).sum(); }",
                "fn f(v: &[O]) { let n = v.iter().filter(|o| t[o.a]).count(); let s: u64 = v.iter().map(|o| o.c).sum(); }",
                "fn f(v: &[O]) { let n = v.iter().filter(is_open).count(); let s: u64 = v.iter().map(O::cents).sum(); }",
                // Both may panic.
                "fn f(v: &[O]) { let n = v.iter().filter(|o| o.a + o.b > 1).count(); let s: u64 = v.iter().map(|o| o.c * o.d).sum(); }",
                // Sums whose order or type is another matter.
                "fn f(v: &[O]) { let n = v.iter().filter(|o| o.a).count(); let s: f64 = v.iter().map(|o| o.c).sum(); }",
                "fn f(v: &[O]) { let n = v.iter().filter(|o| o.a).count(); let s: Duration = v.iter().map(|o| o.c).sum(); }",
                "fn f(v: &[O]) -> u64 { let n = v.iter().filter(|o| o.a).count(); let s = v.iter().map(|o| o.c).sum(); g(n); s }",
                "fn f(v: &[O]) { let n = v.iter().filter(|o| o.a).count(); let s: Option<u64> = v.iter().map(|o| o.c).sum(); }",
                // Lengths, names of the list, mutable results.
                "fn f(v: &[O]) { let n = v.iter().count(); let s: u64 = v.iter().map(|o| o.c).sum(); }",
                "fn f(v: &[O]) { let v = v.iter().filter(|o| o.a).count(); let s: u64 = v.iter().map(|o| o.c).sum(); }",
                "#[test] fn f() { let n = v.iter().filter(|o| o.a).count(); let s: u64 = v.iter().map(|o| o.c).sum(); }",
            ],
        );
    }
}
