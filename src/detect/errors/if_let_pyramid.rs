//! Functions whose main path stands at the bottom of a pyramid of `if let`, where `let … else` would leave early.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::nests::{Around, nests};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("if-let-pyramid"),
    eye: Eye::Errors,
    kind: Kind::ErrorLadder,
    class: Class::A,
    title: "pyramid of if-let where let-else would leave early",
    explain: EXPLAIN,
    triggers: &["Some", "Ok", "Err", "None"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds functions that end in at least two `if let` (or a `match` with an arm that only fails), one inside the other, whose
`else` gives back a value or nothing.

## Why it costs

It costs no time: rustc makes the same code of both. What fails stands far from what was tried, in the opposite order. The
rewrite is neutral in speed and is never counted as a saving.

## Before

```rust
if let Some(account) = accounts.get(&id) {
    if let Some(owner) = &account.owner {
        Ok(owner.to_uppercase())
    } else {
        Err(Error::NoOwner)
    }
} else {
    Err(Error::NoAccount)
}
```

## After

```rust
let Some(account) = accounts.get(&id) else {
    return Err(Error::NoAccount);
};
let Some(owner) = &account.owner else {
    return Err(Error::NoOwner);
};
Ok(owner.to_uppercase())
```

## When it is refused

What is looked at may hold a guard, or makes one on the way: an `if let` keeps it for the whole block, `let … else` does not.
The pattern leaves a part of a computed value where it is. More follows behind the pyramid than a plain value. The other
branch does more than two things. An `else if`, a let chain, a guard of an arm, items in the block. Before edition 2024, a
last expression that makes something on its way. The package promises to build with a Rust older than 1.65.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let all = nests(file).into_iter().filter(|nest| nest.around == Around::Function);
    let fact = |depth: usize, site| {
        let message =
            format!("the main path stands under {depth} conditions: `let … else` leaves where each one fails");
        Fact::at(file, site).note("message", message)
    };
    all.map(|nest| fact(nest.levels.len(), nest.site)).collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_pyramids_that_end_a_function() {
        for text in [
            "fn f(m: &M) -> R { $0if let Some(a) = m.get(&1) { if let Some(b) = &a.b { Ok(g(b)) } else { Err(E::B) } } else { Err(E::A) }$0 }",
            "fn f(m: &M) { $0if let Some(a) = m.get(&1) { if let Some(b) = &a.b { g(b); } }$0 }",
            "fn f(m: &M) { $0if let Some(a) = m.get(&1) { let c = a.c(); if let Some(b) = c { g(b); } };$0 }",
            "fn f(m: &M) -> R { $0if let Some(a) = m.get(&1) { if a.open { if let Some(b) = &a.b { g(b); } } }$0 Ok(()) }",
            "fn f(m: &M) -> R { $0match m.get(&1) { Some(a) => { match a.b() { Ok(b) => { Ok(g(b)) } Err(_) => Err(E::B) } } None => Err(E::A) }$0 }",
            "fn f(m: &M) -> u8 { $0if let Some(a) = m.get(&1) { if let Ok(b) = a.b() { b } else { log(); 0 } } else { return 1; }$0 }",
            "async fn f(m: &M) -> bool { $0if let Ok(a) = load().await { if let Some(b) = a.b { g(b).await } else { false } } else { false }$0 }",
            "impl S { fn f(&mut self) -> Option<u8> { $0if let Some(a) = self.a.take() { if let Some(b) = self.b.get(&a) { self.n += 1; Some(*b) } else { None } } else { None }$0 } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Nothing comes behind it.
                "fn f(m: &M) -> Option<u8> { if let Some(a) = m.get(&1) { if let Some(b) = &a.b { return Some(*b); } } None }",
                // One step is no pyramid.
                "fn f(m: &M) -> R { if let Some(a) = m.get(&1) { Ok(a) } else { Err(E::A) } }",
                "fn f(m: &M) { if let Some(a) = m.get(&1) { if a.open { g(a); } } }",
                // Guards.
                "fn f(m: &M) { if let Some(a) = m.lock().unwrap().get(&1) { if let Some(b) = &a.b { g(b); } } }",
                "fn f(m: &M) { if let Ok(a) = view(m).get(&1) { if let Some(b) = &a.b { g(b); } } }",
                "fn f(m: &M) { if let Some((a, _)) = pop(m) { if let Some(b) = &a.b { g(b); } } }",
                // More behind it.
                "fn f(m: &M) { if let Some(a) = m.get(&1) { if let Some(b) = &a.b { g(b); } } h(); }",
                "fn f(m: &M) -> R { if let Some(a) = m.get(&1) { if let Some(b) = &a.b { g(b); } } finish(m) }",
                "fn f(m: &M, a: u8) -> u8 { if let Some(a) = m.get(&1) { if let Some(b) = &a.b { g(b); } } a }",
                "fn f(m: &M) { if let Some(a) = m.get(&1) { if let Some(b) = &a.b { g(b); } h(a); } }",
                // The other branch goes on, or does much.
                "fn f(m: &M) -> u8 { if let Some(a) = m.get(&1) { if let Some(b) = &a.b { g(b); } } else { log(); } 0 }",
                "fn f(m: &M) -> u8 { if let Some(a) = m.get(&1) { if let Some(b) = &a.b { 1 } else { x(); y(); 0 } } else { 2 } }",
                "fn f(m: &M) -> u8 { if let Some(a) = m.get(&1) { if let Some(b) = &a.b { 1 } else { 3 } } else if c { 0 } else { 2 } }",
                // A value that is not the function's.
                "fn f(m: &M) -> u8 { let n = if let Some(a) = m.get(&1) { if let Some(b) = &a.b { 1 } else { 3 } } else { 2 }; n }",
                "fn f(m: &M) { run(|| { if let Some(a) = m.get(&1) { if let Some(b) = &a.b { g(b); } } }); }",
                "fn f(m: &M) { if let Some(a) = m.get(&1) { use g::h; if let Some(b) = &a.b { h(b); } } }",
                "fn f(m: &M) { make!(if let Some(a) = m.get(&1) { if let Some(b) = &a.b { g(b); } }); }",
                "#[test] fn f() { if let Some(a) = m.get(&1) { if let Some(b) = &a.b { g(b); } } }",
            ],
        );
    }
}
