//! Vectors that loops empty from their front, and that are looked at or left in between.

use super::remove_first;
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::queues::queues;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("queue-in-vec"),
    eye: Eye::Loops,
    kind: Kind::Quadratic,
    class: Class::A,
    title: "vector used as a queue",
    explain: EXPLAIN,
    triggers: &["remove"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `list.remove(0)` in a loop, where the list is a local, a parameter, or a private field of a struct, and everything else that is
done with it a `VecDeque` can do as well.

## Why it costs

`remove(0)` moves all other elements by one place: n rounds move n²/2 elements.

## Before

```rust
struct Dock {
    pending: Vec<Shipment>,
}

while !self.pending.is_empty() {
    if used + self.pending[0].weight > limit {
        break;
    }
    let next = self.pending.remove(0);
    used += next.weight;
}
```

## After

```rust
struct Dock {
    pending: std::collections::VecDeque<Shipment>,
}

while !self.pending.is_empty() {
    if used + self.pending[0].weight > limit {
        break;
    }
    let next = self.pending.pop_front().expect(\"the queue is not empty\");
    used += next.weight;
}
```

## When it is refused

The list is sorted, sliced, lent, returned or given away as a whole; the field is public, has attributes, or is spoken of in another
file or in a way that is not understood; the struct derives more than copying, comparing, printing and serde; the list is made anew
in each round. A list that a loop empties without looking at it is left to `remove-first-in-loop`.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let drained = remove_first::drained(file);
    let all = queues(file).into_iter().filter(|q| !drained.iter().any(|statement| statement.contains(q.site)));
    let fact = |queue: crate::source::queues::Queue| {
        let shown = file.on_one_line(queue.place);
        Fact::at(file, queue.site).capture("place", queue.place).note(
            "message",
            format!("each `remove(0)` moves all that is left in `{shown}` by one place: a queue moves nothing"),
        )
    };
    all.map(fact).collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_vectors_used_as_queues() {
        for text in [
            "fn f(start: N) { let mut q = vec![start]; while !q.is_empty() { let n = $0q.remove(0)$0; for c in n.all { q.push(c); } } }",
            "fn f(mut q: Vec<N>) { while !q.is_empty() { if q[0].heavy { break; } let n = $0q.remove(0)$0; g(n); } }",
            "fn f(xs: &[N]) -> R { let mut q: Vec<N> = xs.to_vec(); while q.len() > 0 { let n = $0q.remove(0)$0; g(n)?; } Ok(()) }",
            "struct S { q: Vec<N>, n: u8 } impl S { fn f(&mut self) -> R { while !self.q.is_empty() { let n = $0self.q.remove(0)$0; g(&n)?; self.n += 1; } Ok(()) } fn len(&self) -> usize { self.q.len() } }",
            "struct S { q: Vec<N> } impl S { fn new(q: Vec<N>) -> Self { Self { q } } fn f(&mut self) { while !self.q.is_empty() && self.q[0].due { let n = $0self.q.remove(0)$0; g(n); } } fn add(&mut self, n: N) { self.q.push(n); } }",
            "fn f() { let mut q: Vec<N> = Vec::new(); q.push(first()); loop { if q.is_empty() { return; } let n = $0q.remove(0)$0; if let Some(m) = n.next { q.push(m); } } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Another rule's own.
                "fn f(mut v: Vec<u8>) { while !v.is_empty() { let x = v.remove(0); g(x); } }",
                // Needed as a vector.
                "fn f(mut q: Vec<N>) -> Vec<N> { while q.len() > 3 { let n = q.remove(0); g(n); } q }",
                "fn f(mut q: Vec<N>) { while !q.is_empty() { q.sort(); let n = q.remove(0); g(n); } }",
                "fn f(mut q: Vec<N>) { while !q.is_empty() { h(&q); let n = q.remove(0); g(n); } }",
                "fn f(mut q: Vec<N>) { while !q.is_empty() { h(&q[1..]); let n = q.remove(0); g(n); } }",
                "fn f(mut q: Vec<N>) { while !q.is_empty() { let n = q.remove(0); q.extend_from_slice(&n.all); } }",
                "fn f(q: &mut Vec<N>) { while !q.is_empty() { if q[0].a { break; } let n = q.remove(0); g(n); } }",
                // Public, spoken of elsewhere, or of another type.
                "struct S { pub q: Vec<N> } impl S { fn f(&mut self) { while !self.q.is_empty() { if a() { break; } let n = self.q.remove(0); g(n); } } }",
                "struct S { q: Vec<N> } impl S { fn f(&mut self) { while !self.q.is_empty() { if a() { break; } let n = self.q.remove(0); g(n); } } fn all(&self) -> &[N] { &self.q } }",
                "struct S { q: Vec<N> } impl S { fn f(&mut self) { while !self.q.is_empty() { if a() { break; } let n = self.q.remove(0); g(n); } } } fn h(s: &S) -> usize { s.q.len() }",
                "struct S { q: Vec<N> } impl S { fn f(&mut self) { while !self.q.is_empty() { if a() { break; } let n = self.q.remove(0); g(n); } } fn h(self) { let S { q } = self; k(q); } }",
                "struct S { q: VecDeque<N> } impl S { fn f(&mut self) { while !self.q.is_empty() { if a() { break; } let n = self.q.remove(0); g(n); } } }",
                "struct S { q: String } impl S { fn f(&mut self) { while !self.q.is_empty() { if a() { break; } let n = self.q.remove(0); g(n); } } }",
                "#[derive(Archive)] struct S { q: Vec<N> } impl S { fn f(&mut self) { while !self.q.is_empty() { if a() { break; } let n = self.q.remove(0); g(n); } } }",
                // Kept short.
                "fn f(ids: &[u64]) { let mut last = Vec::new(); for id in ids { last.push(*id); if last.len() > 3 { last.remove(0); } } }",
                "struct S { q: Vec<N> } impl S { fn f(&mut self, ns: &[N]) { for n in ns { if self.q.len() >= MAX { self.q.remove(0); } self.q.push(n.clone()); } } }",
                // Once, or anew in each round.
                "fn f(mut q: Vec<N>) { let n = q.remove(0); g(n); }",
                "fn f(xs: &[N]) { for x in xs { let mut q = x.all.to_vec(); let n = q.remove(0); g(n, q.len()); } }",
                "fn f(mut q: Vec<N>) { while !q.is_empty() { let n = q.remove(1); g(n, q.len()); } }",
                "fn f() { let mut q = make(); while !q.is_empty() { let n = q.remove(0); q.push(n); } }",
                "#[test] fn f() { let mut q = vec![1]; while !q.is_empty() { let n = q.remove(0); q.push(n); } }",
            ],
        );
    }
}
