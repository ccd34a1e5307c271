//! Lists of atomic counters, one for each worker, that lie side by side.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::counters::is_atomic;
use crate::source::functions::{derives, head, items, type_arguments};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("worker-atomics"),
    eye: Eye::Layout,
    kind: Kind::CacheLayout,
    class: Class::B,
    title: "counters of several workers on one cache line",
    explain: EXPLAIN,
    triggers: &["AtomicU64", "AtomicUsize", "AtomicU32", "AtomicI64", "AtomicIsize", "AtomicI32"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds private fields of the type `[AtomicU64; N]`, `Vec<AtomicU64>` or `Box<[AtomicU64]>` whose name, or whose struct's name,
says that there is one for each worker, thread, core or shard.

## Why it costs

Eight counters share a cache line. A write to one takes the line from every core, so that workers wait for one another
although each writes only its own.

## Before

```rust
struct WorkerStats {
    handled: [AtomicU64; 8],
}
```

## After

```rust
struct WorkerStats {
    handled: [CachePadded<AtomicU64>; 8],
}
```

`CachePadded` is a small type with `#[repr(align(64))]` and `Deref`, put beside the struct. Each counter takes 64 bytes
instead of 8. Only a run with several writing threads can show the gain: a person decides.

## When it is refused

Nothing changes the counters; the struct is `repr`, or derives more than `Debug` and `Default`; it is taken apart by a
pattern, or its counters are built otherwise than by `AtomicU64::new(…)`; rustc does not accept the padding.
";

/// Words that say that each thread has its own.
const EACH_ITS_OWN: &[&str] = &["worker", "thread", "core", "cpu", "shard", "lane"];

/// Methods that change an atomic.
const CHANGES: &[&str] = &["fetch_add", "fetch_sub", "fetch_max", "fetch_min", "fetch_update", "swap"];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let is_changed = file.tokens.iter().any(|t| CHANGES.contains(&t.text(&file.text)));
    let mut found = Vec::new();
    for placed in items(&file.ast).into_iter().filter(|placed| is_changed && !placed.is_test) {
        let syn::Item::Struct(item) = placed.item else { continue };
        let has_repr = item.attrs.iter().any(|a| a.path().is_ident("repr"));
        let is_plain = derives(&item.attrs).iter().all(|d| ["Debug", "Default"].contains(&d.as_str()));
        if has_repr || !is_plain || !item.generics.params.is_empty() {
            continue;
        }
        for field in &item.fields {
            let (Some(name), Some(atomic)) = (&field.ident, listed(&field.ty)) else { continue };
            let words = format!("{} {name}", item.ident).to_lowercase();
            let is_private = matches!(field.vis, syn::Visibility::Inherited);
            if is_private && EACH_ITS_OWN.iter().any(|word| words.contains(word)) {
                let message =
                    format!("the counters of `{name}` share cache lines: each write takes the line from all workers");
                let fact = Fact::at(file, file.span_range(name.span()))
                    .capture("atomic", file.range(atomic))
                    .note("message", message);
                found.push(fact);
            }
        }
    }
    found
}

/// The atomic of an array, a vector or a boxed slice of atomics.
fn listed(ty: &syn::Type) -> Option<&syn::Type> {
    let element = match ty {
        syn::Type::Array(a) => &*a.elem,
        syn::Type::Path(_) if head(ty) == "Vec" => type_arguments(ty).first().copied()?,
        syn::Type::Path(_) if head(ty) == "Box" => match type_arguments(ty).first()? {
            syn::Type::Slice(s) => &*s.elem,
            _ => return None,
        },
        _ => return None,
    };
    is_atomic(element).then_some(element)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const BUMP: &str = "fn bump(c: &AtomicU64) { c.fetch_add(1, R); } ";

    #[test]
    fn fires_on_a_counter_for_each_worker() {
        for text in [
            "struct WorkerStats { $0handled$0: [AtomicU64; 8] }",
            "pub struct Stats { $0per_worker$0: Vec<AtomicU64> }",
            "struct Pool { n: u8, $0by_thread$0: Box<[AtomicUsize]> }",
            "#[derive(Default)] struct CoreCounters { $0hits$0: [AtomicU32; 16] }",
            "#[derive(Debug)] struct S { $0shard_hits$0: Vec<std::sync::atomic::AtomicU64>, name: String }",
            "mod m { struct Lanes { $0sent$0: [AtomicI64; 4] } }",
            "struct S { $0cpu_ticks$0: [AtomicU64; CPUS] }",
            "struct ThreadCounts { $0a$0: [AtomicU64; 4], $0b$0: [AtomicU64; 4] }",
        ] {
            check(&RULE, &format!("{BUMP}{text}"));
        }
    }

    #[test]
    fn ignores_look_alikes() {
        for text in [
            "struct Histogram { buckets: [AtomicU64; 64] }",
            "struct WorkerStats { handled: [u64; 8] }",
            "struct WorkerStats { handled: AtomicU64 }",
            "struct WorkerStats { handled: [CachePadded<AtomicU64>; 8] }",
            "struct WorkerStats { handled: Vec<Arc<AtomicU64>> }",
            "struct WorkerStats { pub handled: [AtomicU64; 8] }",
            "struct WorkerStats { stop: [AtomicBool; 8] }",
            "#[repr(C)] struct WorkerStats { handled: [AtomicU64; 8] }",
            "#[derive(Serialize)] struct WorkerStats { handled: [AtomicU64; 8] }",
            "struct WorkerStats<const N: usize> { handled: [AtomicU64; N] }",
            "struct WorkerStats([AtomicU64; 8]);",
            "#[cfg(test)] mod t { struct WorkerStats { handled: [AtomicU64; 8] } }",
        ] {
            check_ignores(&RULE, &[&format!("{BUMP}{text}")]);
        }
        check_ignores(
            &RULE,
            &["struct WorkerStats { handled: [AtomicU64; 8] } fn f(s: &WorkerStats) { s.handled[0].load(R); }"],
        );
    }
}
