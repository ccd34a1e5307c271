//! Loops whose bodies nest in `if let`, `match` and `if` where a guard clause would go on with the next round.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::nests::{Around, nests};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("nested-loop-body"),
    eye: Eye::Loops,
    kind: Kind::ErrorLadder,
    class: Class::A,
    title: "loop body nested in conditions where guard clauses would do",
    explain: EXPLAIN,
    triggers: &["Some", "Ok", "Err", "None"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds loops whose body ends in `if let`, a `match` with an arm that does nothing, or `if`, one inside the other, or in one
`if let` around several statements.

## Why it costs

It costs no time: rustc makes the same code of both. It costs the reader the main path, and it hides the loops inside the
nest, where the quadratic work is. The rewrite is neutral in speed and is never counted as a saving.

## Before

```rust
for line in lines {
    if let Some(order) = orders.get(&line.order) {
        if order.is_open() {
            if let Ok(amount) = line.amount.parse::<u64>() {
                total += amount;
                seen += 1;
            }
        }
    }
}
```

## After

```rust
for line in lines {
    let Some(order) = orders.get(&line.order) else {
        continue;
    };
    if !order.is_open() {
        continue;
    }
    let Ok(amount) = line.amount.parse::<u64>() else {
        continue;
    };
    total += amount;
    seen += 1;
}
```

## When it is refused

What is looked at may hold a guard, or makes one on the way: an `if let` keeps it for the whole block, `let … else` does not.
The pattern leaves a part of a computed value where it is, to be dropped later. The other branch does more than one thing
without leaving. An `else if`, a let chain, a guard of an arm, items in the block. Before edition 2024, a last expression
without a semicolon that makes something on its way. The package promises to build with a Rust older than 1.65.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let all = nests(file).into_iter().filter(|nest| nest.around == Around::Loop);
    let fact = |depth: usize, site| {
        let steps = if depth == 1 { "a condition holds".to_owned() } else { format!("{depth} conditions hold") };
        let message = format!("what a round does stands where {steps}: guard clauses say the same without the nest");
        Fact::at(file, site).note("message", message)
    };
    all.map(|nest| fact(nest.levels.len(), nest.site)).collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_nests_that_end_a_round() {
        for text in [
            "fn f(xs: &[O]) { for x in xs { $0if let Some(y) = x.get(1) { a(y); b(y); }$0 } }",
            "fn f(xs: &[O]) { for x in xs { $0if let Some(y) = x { if let Ok(z) = y.get() { a(z); } }$0 } }",
            "fn f(xs: &[O]) { for x in xs { g(x); $0if x.is_open { if let Some(y) = &x.y { a(y); } }$0 } }",
            "fn f(xs: &[O]) { for x in xs { $0match m.get(x) { Some(y) => { a(y); b(y); } None => {} }$0 } }",
            "fn f(xs: &[O]) { for x in xs { $0match x.parse::<u8>() { Err(_) => continue, Ok(y) => { a(y); b(y); } }$0 } }",
            "fn f(xs: &[O]) { while let Some(x) = xs.pop() { $0if let E::A { b, c } = x { a(b); b(c); };$0 } }",
            "fn f(rx: &R) { loop { $0if let Some(x) = rx.next() { a(x); b(x); } else { break; }$0 } }",
            "fn f(xs: &[O]) { for x in xs { $0if let Some(y) = x { a(y); b(y); } else { failed += 1; }$0 } }",
            "async fn f(xs: &[O]) -> R { for x in xs { $0if let Some(y) = load(x).await? { a(y)?; b(y).await; }$0 } Ok(()) }",
            "fn f(xs: &[O]) { for x in xs { $0if let Some(y) = x.tags.iter().find(|t| t.a) { a(y); b(y); }$0 } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // One of several steps that look alike.
                "fn f(xs: &[O]) { for x in xs { if let Some(a) = x.a { g(a); h(a); } if let Some(b) = x.b { g(b); h(b); } } }",
                "fn f(xs: &[O]) { for x in xs { if x.on { if let Some(a) = x.a { g(a); } if let Some(b) = x.b { g(b); } } } }",
                // Guards that the block keeps.
                "fn f(xs: &[O]) { for x in xs { if let Some(y) = m.lock().unwrap().get(x) { a(y); b(y); } } }",
                "fn f(xs: &[O]) { for x in xs { if let Some(y) = c.borrow().get(x) { a(y); b(y); } } }",
                "fn f(xs: &[O]) { for x in xs { if let Some(y) = store.session().user(x) { a(y); b(y); } } }",
                "fn f(xs: &[O]) { for x in xs { if let Some(y) = v.drain(..).next() { a(y); b(y); } } }",
                // A part that stays in the value that is looked at.
                "fn f(xs: &[O]) { for x in xs { if let Some((y, _)) = load(x) { a(y); b(y); } } }",
                "fn f(xs: &[O]) { for x in xs { if let Some(_) = load(x) { a(); b(); } } }",
                "fn f(xs: &[O]) { for x in xs { if let Some(ref y) = load(x) { a(y); b(y); } } }",
                // Not the end of the round, or not the only way on.
                "fn f(xs: &[O]) { for x in xs { if let Some(y) = x { a(y); b(y); } c(); } }",
                "fn f(xs: &[O]) { for x in xs { if let Some(y) = x { a(y); b(y); } else if c { d(); } } }",
                "fn f(xs: &[O]) { for x in xs { if let Some(y) = x { a(y); b(y); } else { c(); d(); } } }",
                "fn f(xs: &[O]) { for x in xs { match x { Some(y) if y > 1 => { a(y); b(y); } _ => {} } } }",
                "fn f(xs: &[O]) { for x in xs { match x { E::A(y) => { a(y); b(y); } E::B => {} } } }",
                "fn f(xs: &[O]) { for x in xs { match x { _ => {} Some(y) => { a(y); b(y); } } } }",
                "fn f(xs: &[O]) { for x in xs { if let Some(y) = x && y > 1 { a(y); b(y); } } }",
                "fn f(xs: &[O]) { for x in xs { if let Some(y) = x { fn g() {} g(); a(y); } } }",
                // Nothing to win.
                "fn f(xs: &[O]) { for x in xs { if let Some(y) = x { a(y); } } }",
                "fn f(xs: &[O]) { for x in xs { if x.a { if x.b { a(x); b(x); } } } }",
                "fn f(xs: &[O]) { for x in xs { if let y = x { a(y); b(y); } } }",
                // Not what a guard clause may be made of.
                "fn f(xs: &[O]) { for x in xs { if let A(y) | B(y) = x { a(y); b(y); } } }",
                "fn f(xs: &[O]) { for x in xs { if let Some(y) = { x } { a(y); b(y); } } }",
                "fn f(xs: &[O]) { each!(for x in xs { if let Some(y) = x { a(y); b(y); } }); }",
                "#[test] fn f() { for x in xs { if let Some(y) = x { a(y); b(y); } } }",
            ],
        );
    }
}
