//! Calls in loops that give the same in each round.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::fixed_calls::fixed_calls;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("call-in-loop"),
    eye: Eye::Loops,
    kind: Kind::RebuiltInvariant,
    class: Class::B,
    title: "function called in each round of a loop although it gives the same each time",
    explain: EXPLAIN,
    triggers: &[
        "chars",
        "collect",
        "count",
        "exp",
        "fold",
        "format",
        "hypot",
        "iter",
        "ln",
        "powf",
        "powi",
        "push",
        "saturating_sub",
        "split",
        "sum",
        "wrapping_add",
    ],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds calls in a loop of functions of the same file that walk or allocate something, or raise and take roots, only compute from
what they are given, and are given the same in each round; and chains as `xs.iter().map(…).sum()` that a `let` of a loop names.

## Why it costs

Each round walks and allocates again to arrive at the same value: the work is multiplied by the number of rounds.

## Before

```rust
for (user, minutes) in idle {
    if *minutes > self.idle_limit() {
        out.push(*user);
    }
}
```

## After

```rust
let idle_limit = self.idle_limit();
for (user, minutes) in idle {
    if *minutes > idle_limit {
        out.push(*user);
    }
}
```

The call is made once even if the loop runs zero times.

## When it is refused

What the function is given may change in the loop; the function, or one that it calls, does more than compute (a lock, an
atomic, a clock, input or output, a change), may fail (`unwrap`, an index, a division by what may be zero), or is not in the
file; only some rounds make the call; the loop does more with its result than look at it; several functions have that name.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let calls = fixed_calls(file).into_iter();
    calls
        .map(|call| {
            let message = format!("each round calls `{}`, which gives the same each time", call.callee);
            let mut fact = Fact::at(file, file.range(call.value)).note("message", message);
            if let Some(binding) = call.binding {
                fact = fact.capture("binding", file.range(binding));
            }
            fact
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const STOPS: &str = "fn stops() -> Vec<String> { let mut l = Vec::new(); for w in \"a b\".split(' ') { l.push(w.to_owned()); } l.sort(); l }";
    const LIMIT: &str = "fn limit(&self) -> u32 { self.total() / 7 + self.grace } fn total(&self) -> u32 { let mut n = 0; for (a, b) in &self.spans { n += b.saturating_sub(*a); } n }";

    #[test]
    fn fires_on_what_gives_the_same_each_time() {
        check(
            &RULE,
            &format!(
                "{STOPS} fn f(ws: &[String]) {{ for w in ws {{ let s = $0stops()$0; if s.binary_search(w).is_ok() {{ continue; }} keep(w); }} }}"
            ),
        );
        check(
            &RULE,
            &format!(
                "impl H {{ {LIMIT} fn f(&self, xs: &[u32]) {{ for x in xs {{ if *x > $0self.limit()$0 {{ keep(x); }} }} }} }}"
            ),
        );
        check(
            &RULE,
            "fn top(xs: &[u64]) -> u64 { let mut n = 0; for x in xs { n = n.max(*x); } n } fn f(xs: &[u64]) -> Vec<u64> { xs.iter().map(|x| x + $0top(xs)$0).collect() }",
        );
        for text in [
            "struct S { half: f64, step: f64 } impl S { fn fade(&self) -> f64 { 0.5f64.powf(self.step / self.half) } fn f(&self, xs: &mut [f64]) { for x in xs { *x = $0self.fade()$0 * *x + (1.0 - self.fade()); } } }",
            "#[derive(Default)] struct Rules { least: u8 } impl P { fn rules(&self) -> Rules { let mut r = Rules::default(); for w in self.text.split(',') { if let Some(n) = w.strip_prefix(\"least=\") { r.least = n.parse().unwrap_or(0); } } r } fn f(&self, vs: &[V]) -> usize { vs.iter().filter(|v| { let rules = $0self.rules()$0; v.age >= rules.least }).count() } }",
            "impl W { fn f(&self, all: &[E]) -> usize { let mut n = 0; for (i, a) in all.iter().enumerate() { for b in &all[..i] { let reach = $0self.limits.iter().copied().fold(0.0f32, f32::max)$0; if (a.x - b.x).abs() <= reach { n += 1; } } } n } }",
            "fn f(rows: &[R], ws: &[u64]) -> Vec<u64> { let mut out = Vec::new(); for r in rows { let all = $0ws.iter().sum::<u64>()$0; out.push(r.n * 100 + all); } out }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        let of_self = |rest: &str| format!("impl H {{ {LIMIT} {rest} }}");
        let texts = [
            of_self("fn f(&self, xs: &[u32]) { for x in xs { if x.on && *x > self.limit() { keep(x); } } }"),
            of_self("fn f(&mut self, xs: &[u32]) { for x in xs { if *x > self.limit() { self.spans.push((0, *x)); } } }"),
            of_self("fn f(&self, hs: &[H]) { for h in hs { if h.limit() > 3 { keep(h); } } }"),
            of_self("fn f(&self) { if self.limit() > 3 { keep(1); } }"),
            format!("{STOPS} fn f(ws: &[String]) {{ for w in ws {{ let s = stops(); keep(s); }} }}"),
            format!("{STOPS} fn f(ws: &[String]) {{ for w in ws {{ let mut s = stops(); s.push(w.clone()); keep(&s); }} }}"),
            "impl H { fn number(&self) -> u64 { for x in &self.xs {} self.n.fetch_add(1, R) } fn f(&self, xs: &[u32]) { for x in xs { keep(self.number()); } } }".into(),
            "impl H { fn now(&self) -> u64 { for x in &self.xs {} clock() } fn f(&self, xs: &[u32]) { for x in xs { keep(self.now()); } } }".into(),
            "impl H { fn cap(&self) -> u64 { let l = self.l.read().unwrap(); l.iter().sum() } fn f(&self, xs: &[u32]) { for x in xs { keep(self.cap()); } } }".into(),
            "impl H { fn mid(&self) -> u64 { self.xs.iter().sum::<u64>() / self.n } fn f(&self, xs: &[u32]) { for x in xs { keep(self.mid()); } } }".into(),
            "impl H { fn first(&self) -> u64 { for x in &self.xs {} self.xs[0] } fn f(&self, xs: &[u32]) { for x in xs { keep(self.first()); } } }".into(),
            "impl H { fn size(&self) -> usize { self.xs.len() } fn f(&self, xs: &[u32]) { for x in xs { keep(self.size()); } } }".into(),
            "struct S { n: u64 } impl S { fn share(&self) -> f64 { 2f64.powf(1.0) * (100 / self.n) as f64 } fn f(&self, xs: &[u32]) { for x in xs { keep(self.share()); } } }".into(),
            "fn f(rows: &[R], ws: &mut Vec<u64>) { for r in rows { let all = ws.iter().sum::<u64>(); ws.push(all); } }".into(),
            "fn f(rows: &[R]) -> Vec<u64> { let mut out = Vec::new(); for r in rows { let all = r.ws.iter().sum::<u64>(); out.push(all); } out }".into(),
            "fn f(rows: &[R], it: &mut I) { for r in rows { let all = it.take(3).sum::<u64>(); keep(all); } }".into(),
            "fn f(rows: &[R], ws: &[u64]) { for r in rows { let all = ws.iter().map(|w| w / r.n).sum::<u64>(); keep(all); } }".into(),
            "fn f(rows: &[R], ws: &[u64]) { for r in rows { let all = ws.iter().map(|w| weigh(w)).sum::<u64>(); keep(all); } }".into(),
            "fn f(rows: &[R], ws: &[String]) { for r in rows { let top = ws.iter().max(); keep(top); } }".into(),
            "impl Default for R { fn default() -> R { R { n: next() } } } impl P { fn rules(&self) -> R { let r = R::default(); for w in &self.ws {} r } fn f(&self, vs: &[V]) { for v in vs { let rules = self.rules(); keep(rules.n); } } }".into(),
            "fn roll() -> u64 { for x in Y.iter() {} random() } fn f(xs: &[u32]) { for x in xs { keep(roll()); } }".into(),
        ];
        check_ignores(&RULE, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
