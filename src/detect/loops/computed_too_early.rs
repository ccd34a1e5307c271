//! Values that are computed before it is known whether they are needed.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::too_early::{Goal, TooEarly, too_early};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("computed-too-early"),
    eye: Eye::Loops,
    kind: Kind::RebuiltInvariant,
    class: Class::B,
    title: "value computed before it is known whether it is needed",
    explain: EXPLAIN,
    triggers: &[
        "collect",
        "concat",
        "count",
        "fold",
        "format",
        "iter",
        "join",
        "max_by_key",
        "min_by_key",
        "product",
        "push",
        "push_str",
        "repeat",
        "replace",
        "sum",
        "to_lowercase",
        "to_owned",
        "to_string",
        "to_uppercase",
        "to_vec",
        "writeln",
    ],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let`s that cost something (they walk or allocate, or call a function of the file that does) and whose value is not used
by the guards that follow and may return, is used by one branch of a later `if` or `match` alone, or is one condition of a `&&`
beside cheaper ones.

## Why it costs

The value is computed even where a guard leaves, another branch runs or a cheaper condition already decides, and is then thrown
away.

## Before

```rust
let table = rows.iter().map(|r| r.to_string()).collect::<Vec<_>>().join(\"\\n\");
if opted_out.contains(&customer) {
    return None;
}
Some(format!(\"Dear {customer},\\n{table}\"))
```

## After

```rust
if opted_out.contains(&customer) {
    return None;
}
let table = rows.iter().map(|r| r.to_string()).collect::<Vec<_>>().join(\"\\n\");
Some(format!(\"Dear {customer},\\n{table}\"))
```

## When it is refused

Computing the value could be noticed (a change, input or output, a function that is not seen to do nothing but compute,
`unwrap`, an index); what comes between may change what it is computed from; it is used earlier or in more than one branch; the
cheaper conditions do more than compare.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    too_early(file).iter().map(|found| fact(file, found)).collect()
}

fn fact(file: &SourceFile, found: &TooEarly<'_>) -> Fact {
    let name = found.name;
    let (what, goal) = match found.goal {
        Goal::Behind(stmt) => ("before guards that may leave without it", ("behind", file.range(stmt))),
        Goal::Into(stmt) => ("although one branch alone uses it", ("into", file.range(stmt))),
        Goal::Operand { operand, .. } => ("before cheaper conditions are looked at", ("operand", file.range(operand))),
    };
    let first = file.range(found.computing[0]);
    let mut fact = Fact::at(file, first).note("message", format!("`{name}` is computed {what}"));
    fact.captures.push(goal);
    if let Goal::Operand { chain, .. } = found.goal {
        fact = fact.capture("chain", file.range(chain));
    }
    found.computing.iter().fold(fact, |fact, stmt| fact.capture("computing", file.range(*stmt)))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_before_guards() {
        for text in [
            "fn f(xs: &[String], off: bool) -> Option<String> { $0let all = xs.join(\",\");$0 if off { return None; } Some(all) }",
            "fn f(xs: &[u64], n: Option<u8>) -> u64 { $0let sum: u64 = xs.iter().sum();$0 let Some(n) = n else { return 0; }; sum + u64::from(n) }",
            "fn f(xs: &[R], off: bool) -> u64 { $0let mut n = 0;$0 for x in xs.iter() { n += x.n; } if off { return 0; } n }",
            "fn f(xs: &[R], off: bool) -> String { $0let mut t = String::new();$0 for x in xs.iter().filter(|x| x.on) { let _ = writeln!(t, \"{}\", x.n); } if off { return String::new(); } t }",
            "fn d(xs: &[u8]) -> u32 { let mut n = 0; for x in xs.iter() { n += 1; } n } fn f(xs: &[u8], on: bool) -> u32 { $0let n = d(xs);$0 if !on { return 0; } n }",
            "fn f(xs: &[String]) { for x in xs { $0let t = x.to_lowercase();$0 if x.is_empty() { continue; } keep(t); } }",
            "struct A; impl A { fn new() -> A { A } } struct B; impl B { fn new() -> B { B } } fn f(xs: &[R], off: bool) -> String { $0let mut t = String::new();$0 for x in xs { t.push_str(&x.n); } if off { return String::new(); } t }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn fires_before_branches_and_operands() {
        for text in [
            "fn f(xs: &[String], on: bool) { $0let all = xs.join(\",\");$0 if on { keep(all); } }",
            "fn f(xs: &[String], on: bool) { $0let all = xs.join(\",\");$0 if on { keep(all); } else { other(); } }",
            "fn f(xs: &[String], k: K) -> String { $0let all = xs.concat();$0 match k { K::All => { keep(all) } K::None => String::new() } }",
            "fn f(xs: &[u64], on: bool) -> bool { $0let sum = xs.iter().sum::<u64>() > 9;$0 on && sum }",
            "fn f(xs: &[u64], on: bool) -> bool { $0let sum = xs.iter().sum::<u64>() > 9;$0 let few = xs.len() < 4; sum && few && on }",
            "fn d(xs: &[u8]) -> u64 { let mut n = 0u64; for x in xs.iter() { n ^= 1; } n } fn f(xs: &[u8], s: u64, on: bool) -> bool { $0let bad = d(xs) != s;$0 on && !bad }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_what_could_be_noticed() {
        check_ignores(
            &RULE,
            &[
                "fn f(q: &mut Vec<u8>, off: bool) -> usize { let got: Vec<u8> = q.drain(..).collect(); if off { return 0; } got.len() }",
                "impl B { fn f(&mut self, off: bool) -> usize { let got = std::mem::take(&mut self.inbox); if off { return 0; } got.len() } }",
                "impl B { fn f(&mut self, off: bool) -> String { let got = self.inbox.take().map(|x| x.to_string()); if off { return e(); } got } }",
                "impl B { fn number(&self) -> u64 { self.n.fetch_add(1, R) } fn f(&self, off: bool) -> String { let t = format!(\"{}\", self.number()); if off { return e(); } t } }",
                "impl M { fn join(&self, s: &str) -> String { self.n.set(1); x() } } fn f(m: &M, off: bool) -> String { let t = m.join(\",\"); if off { return e(); } t }",
                "fn f(p: &Path, off: bool) -> String { let t = std::fs::read_to_string(p).unwrap_or_default().to_lowercase(); if off { return e(); } t }",
                "fn f(it: &mut Lines, off: bool) -> String { let t = it.next().map(|x| x.to_string()); if off { return e(); } t }",
                "fn f(xs: &[u64], n: usize, off: bool) -> String { let t = xs[n].to_string(); if off { return e(); } t }",
                "fn f(x: &str, off: bool) -> R { let t = x.trim().to_string().parse::<u8>()?; if off { return e(); } t }",
                "fn f(xs: &[S], off: bool) { let t = Instant::now().to_string(); if off { return; } say(t) }",
                "fn f(xs: &[u64], n: &mut u64, off: bool) { let mut s = 0; for x in xs { s += x; *n += 1; } if off { return; } say(s) }",
            ],
        );
    }

    #[test]
    fn ignores_what_is_needed_or_changed_before() {
        check_ignores(
            &RULE,
            &[
                "fn f(xs: &[String]) -> String { let all = xs.join(\",\"); if all.is_empty() { return e(); } all }",
                "fn f(xs: &mut Vec<String>, off: bool) -> String { let all = xs.join(\",\"); if xs.pop().is_none() { return e(); } all }",
                "impl S { fn f(&mut self) -> String { let all = self.xs.join(\",\"); if self.shrink() { return e(); } all } fn shrink(&mut self) -> bool { true } }",
                "impl S { fn f(&mut self, k: u8) -> String { let old = self.xs.join(\",\"); self.xs = g(k); if k > 1 { return e(); } old } }",
                "fn f(q: &Queue<String>, x: String) -> String { let all = q.names.iter().collect(); if q.names.push(x).is_err() { return e(); } all }",
                "impl S { fn text(&self) -> String { self.n.get().to_string() } fn ends(&self) -> bool { self.n.set(1); true } fn f(&self) -> String { let t = self.text(); if self.ends() { return e(); } t } }",
                "fn f(xs: &[String], on: bool) { let all = xs.join(\",\"); if on { keep(all.clone()); } keep(all); }",
                "fn f(xs: &[String], on: bool) { let all = xs.join(\",\"); if on { keep(&all); } else { other(&all); } }",
                "fn f(xs: &[String], o: Option<Vec<String>>) { let all = xs.join(\",\"); if let Some(xs) = o { keep(all, xs); } }",
                "fn f(xs: &[String], on: bool) { let all = xs.join(\",\"); for i in 0..3 { if on { keep(&all); } } }",
                "fn f(xs: &[u64], on: &On) -> bool { let sum = xs.iter().sum::<u64>() > 9; sum && on.next() }",
                "fn f(xs: &[u64], on: bool) -> bool { let sum = xs.iter().sum::<u64>() > 9; on || sum }",
                "fn f(xs: &[u64], on: bool) -> u64 { let sum = |n: u64| xs.iter().sum::<u64>() + n; if on { return 0; } sum(1) }",
                "fn f(n: u64, on: bool) -> u64 { let m = n + 1; if on { return 0; } m }",
                "fn f(xs: &[u64], on: bool) -> usize { let mut out = Vec::new(); if on { return 0; } out.push(1); out.len() }",
                "fn f(xs: &[String], ok: bool) -> String { let all = xs.join(\",\"); assert!(ok); all }",
            ],
        );
    }
}
