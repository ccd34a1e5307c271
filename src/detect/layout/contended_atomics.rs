//! Structs in; those out whose atomic counters share a cache line although several functions write them.

use std::collections::BTreeSet;

use crate::detect::{Fact, FileFacts, Rule};
use crate::model::{Class, Eye, Finding, Kind, RuleId, TextRange};
use crate::source::counters::{counters, writes};
use crate::source::declarations::Known;
use crate::source::{Node, SourceFile, path_to, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("contended-atomics"),
    eye: Eye::Layout,
    kind: Kind::CacheLayout,
    class: Class::B,
    title: "atomic counters that share a cache line",
    explain: EXPLAIN,
    triggers: CELLS,
    facts,
    judge,
};

/// Words of which a file with counters, or with writes to them, has one.
const CELLS: &[&str] = &[
    "AtomicU64",
    "AtomicUsize",
    "AtomicU32",
    "AtomicI64",
    "AtomicIsize",
    "AtomicI32",
    "fetch_add",
    "fetch_sub",
    "fetch_max",
    "fetch_min",
    "compare_exchange",
    "compare_exchange_weak",
    "fetch_update",
    "swap",
    "store",
];

const EXPLAIN: &str = "\
Finds structs with two or more atomic integers side by side that different functions write through `&self`.

## Why it costs

A write to an atomic takes the whole cache line (64 bytes) away from every other core. Threads that write *different*
counters of one struct then wait for one another, although they share no data.

## Before

```rust
#[derive(Default)]
struct Counters {
    requests: AtomicU64,
    failed: AtomicU64,
}
```

## After

```rust
#[derive(Default)]
struct Counters {
    requests: CachePadded<AtomicU64>,
    failed: CachePadded<AtomicU64>,
}
```

`CachePadded` is a small type with `#[repr(align(64))]` and `Deref`, put beside the struct. Each padded counter takes 64
bytes instead of 8.

There is no deterministic witness for false sharing: only a run with several writing threads can show the gain, and a
machine with few cores shows little. The proposal says so, and a person decides.

## When it is refused

Only one function writes, or only one of the fields is written; writes are plain `store`s (flags, settings) that do not go
on from what the function loaded; the struct
is `repr`; it derives more than `Debug` and `Default`; it is taken apart by a pattern; its counters are built otherwise
than by `AtomicU64::new(…)` or `Default`.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for counter in counters(file) {
        let mut fact = Fact::at(file, file.range(&counter.item.ident)).note("struct", counter.item.ident.to_string());
        for field in &counter.fields {
            let Some(ident) = &field.ident else { continue };
            fact = fact.note("field", ident.to_string()).capture("field", file.range(ident));
        }
        fact.is_background |= counter.is_test;
        found.push(fact);
    }
    for write in writes(file) {
        let thread = thread_around(file, write.site).map_or_else(String::new, |at| at.to_string());
        let fact = Fact::at(file, write.site).note("writes", write.field).note("owner", write.owner);
        found.push(fact.note("thread", thread));
    }
    found
}

/// Where the closure around a place begins that is handed to `spawn`: a thread of its own.
fn thread_around(file: &SourceFile, site: TextRange) -> Option<u32> {
    let path = path_to(file, site);
    path.windows(2).rev().find_map(|pair| match pair {
        [Node::Expr(syn::Expr::MethodCall(call)), Node::Expr(closure @ syn::Expr::Closure(_))]
            if call.method == "spawn" =>
        {
            Some(file.range(*closure).start)
        }
        [Node::Expr(syn::Expr::Call(call)), Node::Expr(closure @ syn::Expr::Closure(_))] => match &*call.func {
            syn::Expr::Path(p) if shapes::ends_with(&p.path, &["spawn"]) => Some(file.range(*closure).start),
            _ => None,
        },
        _ => None,
    })
}

fn judge(rule: &Rule, facts: &[FileFacts], _: &Known) -> Vec<Finding> {
    let all: Vec<(&FileFacts, &Fact)> = facts.iter().flat_map(|f| f.facts.iter().map(move |fact| (f, fact))).collect();
    let mut found = Vec::new();
    for (file, fact) in &all {
        let Some(name) = fact.word("struct") else { continue };
        let fields: Vec<&str> = fact.notes.iter().filter(|(n, _)| *n == "field").map(|(_, w)| w.as_str()).collect();
        let written: Vec<(&str, (&str, &str))> = all
            .iter()
            .filter(|(_, write)| !write.is_background && write.word("owner").is_some_and(|o| o == name || o.is_empty()))
            .filter_map(|(_, write)| Some((write.word("writes")?, (write.function.0.as_str(), write.word("thread")?))))
            .filter(|(field, _)| fields.contains(field))
            .collect();
        let targets: BTreeSet<&str> = written.iter().map(|(field, _)| *field).collect();
        let writers: BTreeSet<(&str, &str)> = written.iter().map(|(_, function)| *function).collect();
        if targets.len() < 2 || writers.len() < 2 {
            continue;
        }
        let message = format!(
            "{} atomics of `{name}` lie side by side and {} functions or threads write them: a write to one takes the line from all",
            targets.len(),
            writers.len()
        );
        found.push(rule.finding(&file.file, fact, message));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const WRITERS: &str =
        "impl C { fn a(&self) { self.x.fetch_add(1, Relaxed); } fn b(&self) { self.y.fetch_add(1, Relaxed); } }";

    #[test]
    fn fires_on_counters_that_several_functions_write() {
        check(&RULE, &format!("struct $0C$0 {{ x: AtomicU64, y: AtomicU64 }} {WRITERS}"));
        check(
            &RULE,
            &format!("struct $0C$0 {{ x: std::sync::atomic::AtomicUsize, n: String, y: AtomicU64 }} {WRITERS}"),
        );
    }

    #[test]
    fn fires_on_writes_of_threads_that_one_function_starts() {
        let with = |second: &str| {
            format!(
                "struct C {{ x: AtomicU64, y: AtomicU64 }} impl C {{ fn run(&self) {{ std::thread::scope(|s| {{ s.spawn(|| {{ self.x.fetch_add(1, R); }}); {second} }}); }} }}"
            )
        };
        check(&RULE, &with("s.spawn(|| { self.y.fetch_add(1, R); });").replace("struct C", "struct $0C$0"));
        check_ignores(&RULE, &[&with("s.spawn(|| { self.x.fetch_add(1, R); });")]);
        let alone = "struct C { x: AtomicU64, y: AtomicU64 } impl C { fn run(&self) { each(|| { self.x.fetch_add(1, R); }); self.y.fetch_add(1, R); } }";
        check_ignores(&RULE, &[alone]);
    }

    #[test]
    fn fires_on_writes_from_outside_of_the_impl() {
        check(
            &RULE,
            "pub struct $0C$0 { x: AtomicU64, y: AtomicU64 }
             fn a(c: &C) { c.x.fetch_add(1, Relaxed); } fn b(s: &S) { s.counters.y.fetch_sub(1, Relaxed); }",
        );
    }

    #[test]
    fn fires_on_cursors_that_go_on_from_what_was_loaded() {
        check(
            &RULE,
            "struct $0Ring$0 { head: AtomicU64, tail: AtomicU64 }
             impl Ring { fn put(&self) { let h = self.head.load(R); self.head.store(h + 1, R); }
             fn take(&self) { let t = self.tail.load(R); self.tail.store(t.wrapping_add(1), R); } }",
        );
        check_ignores(
            &RULE,
            &[
                "struct C { x: AtomicU64, y: AtomicU64 } impl C { fn a(&self, n: u64) { self.x.store(n + 1, R); } fn b(&self, n: u64) { self.y.store(n - 1, R); } }",
            ],
        );
    }

    #[test]
    fn ignores_one_writer_and_one_written_field() {
        check_ignores(
            &RULE,
            &[
                "struct C { x: AtomicU64, y: AtomicU64 } impl C { fn a(&self) { self.x.fetch_add(1, R); self.y.fetch_add(1, R); } }",
                "struct C { x: AtomicU64, y: AtomicU64 } impl C { fn a(&self) { self.x.fetch_add(1, R); } fn b(&self) { self.x.fetch_sub(1, R); } }",
                "struct C { x: AtomicU64, y: AtomicU64 } impl C { fn a(&self) { self.x.load(R); } fn b(&self) { self.y.load(R); } }",
            ],
        );
    }

    #[test]
    fn ignores_flags_and_settings_that_are_stored_rarely() {
        check_ignores(
            &RULE,
            &[
                "struct C { x: AtomicBool, y: AtomicBool } impl C { fn a(&self) { self.x.store(true, R); } fn b(&self) { self.y.store(true, R); } }",
                "struct C { x: AtomicU64, y: AtomicU64 } impl C { fn a(&self, n: u64) { self.x.store(n, R); } fn b(&self, n: u64) { self.y.store(n, R); } }",
            ],
        );
    }

    #[test]
    fn ignores_what_is_padded_or_plain() {
        check_ignores(
            &RULE,
            &[
                &format!("struct C {{ x: CachePadded<AtomicU64>, y: CachePadded<AtomicU64> }} {WRITERS}"),
                &format!("#[repr(C)] struct C {{ x: AtomicU64, y: AtomicU64 }} {WRITERS}"),
                &format!("#[repr(align(128))] struct C {{ x: AtomicU64, y: AtomicU64 }} {WRITERS}"),
                "struct C { x: u64, y: u64 } impl C { fn a(&mut self) { self.x += 1; } fn b(&mut self) { self.y += 1; } }",
            ],
        );
    }

    #[test]
    fn ignores_writes_that_tests_make_and_writes_to_other_types() {
        check_ignores(
            &RULE,
            &[
                &format!("struct C {{ x: AtomicU64, y: AtomicU64 }} #[cfg(test)] mod t {{ {WRITERS} }}"),
                "struct C { x: AtomicU64, y: AtomicU64 } struct D { x: AtomicU64, y: u8 }
                 impl D { fn a(&self) { self.x.fetch_add(1, R); } fn b(&self) { self.x.fetch_sub(1, R); } }
                 impl E { fn a(&self) { self.x.fetch_add(1, R); } fn b(&self) { self.y.fetch_sub(1, R); } }",
            ],
        );
    }

    #[test]
    fn ignores_structs_that_one_thread_owns() {
        check_ignores(
            &RULE,
            &[
                "struct C { x: AtomicU64, y: AtomicU64 } impl C { fn a(&mut self) { self.x.fetch_add(1, R); } fn b(&mut self) { self.y.fetch_add(1, R); } }",
            ],
        );
    }
}
