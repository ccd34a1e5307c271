//! Loops in; those out that wait for the disk in each round although nobody is told before the end.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::syncs::syncs;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("sync-in-loop"),
    eye: Eye::Boundary,
    kind: Kind::FlushLogging,
    class: Class::B,
    title: "file synced in each round of a loop",
    explain: EXPLAIN,
    triggers: &["sync_all", "sync_data"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `for` loops over a list that write to a file of std and call `sync_all` or `sync_data` in each round, where no round tells anybody
that it is done.

## Why it costs

A sync waits until the disk has written: a millisecond and more, for each entry. One sync behind the loop waits once for all of them.

## Before

```rust
for entry in entries {
    file.write_all(entry.line().as_bytes())?;
    file.sync_all()?;
}
```

## After

```rust
for entry in entries {
    file.write_all(entry.line().as_bytes())?;
}
file.sync_all()?;
```

When the loop has ended, everything is on the disk as before. If it fails half way, or the machine loses power meanwhile, the rounds that
had ended may be lost. That is for a person to accept.

## When it is refused

A round sends, answers, logs or calls anything that is not known to keep to itself: somebody may be told that it is durable; the list is
an iterator or a channel, whose next element may wait for the last; the sync speaks of what the loop binds; the file's type is not known.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let all = syncs(file);
    let fact = |found: &crate::source::syncs::Sync<'_>| {
        Fact::at(file, file.range(found.flush.stmt))
            .capture("loop", file.range(found.around))
            .note("message", "each round waits until the disk has written")
    };
    all.iter().map(fact).collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_syncs_that_nobody_waits_for() {
        for text in [
            "fn f(file: &mut File, xs: &[E]) -> R { let mut n = 0; for x in xs { file.write_all(x.line.as_bytes())?; $0file.sync_all()?;$0 n += x.line.len(); } Ok(n) }",
            "fn f(file: &File, xs: &[E]) -> R { let mut l = String::new(); for x in xs { l.clear(); let _ = std::fmt::Write::write_fmt(&mut l, format_args!(\"{}\", x.n)); file.write_all(l.as_bytes())?; $0file.sync_data()?;$0 } Ok(()) }",
            "struct S { file: File } impl S { fn f(&mut self, xs: &Vec<E>) -> R { for x in xs.iter() { writeln!(self.file, \"{}\", x.n)?; $0self.file.sync_all()?;$0 } Ok(()) } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Somebody is told, or may be.
                "fn f(file: &mut File, xs: &[E]) -> R { for x in xs { file.write_all(&x.b)?; file.sync_all()?; let _ = x.done.send(x.n); } Ok(()) }",
                "fn f(file: &mut File, xs: &[E]) -> R { for x in xs { file.write_all(&x.b)?; file.sync_all()?; x.ack(); } Ok(()) }",
                "fn f(file: &mut File, xs: &[E]) -> R { for x in xs { file.write_all(&x.b)?; file.sync_all()?; report(x); } Ok(()) }",
                "fn f(file: &mut File, xs: &[E]) -> R { for x in xs { file.write_all(&x.b)?; file.sync_all()?; info!(\"{}\", x.n); } Ok(()) }",
                "fn f(file: &mut File, xs: &[E], seen: &AtomicU64) -> R { for x in xs { file.write_all(&x.b)?; file.sync_all()?; seen.store(x.n, Release); } Ok(()) }",
                "fn f(file: &mut File, xs: impl Iterator<Item = E>) -> R { for x in xs { file.write_all(&x.b)?; file.sync_all()?; } Ok(()) }",
                "fn f(file: &mut File, rx: &Receiver<E>) -> R { for x in rx.iter() { file.write_all(&x.b)?; file.sync_all()?; } Ok(()) }",
                // Another file each time, another type, never written, or left early.
                "fn f(xs: &[E]) -> R { for x in xs { let mut file = File::create(&x.p)?; file.write_all(&x.b)?; file.sync_all()?; } Ok(()) }",
                "fn f(xs: &mut [File]) -> R { for file in xs { file.write_all(b\"a\")?; file.sync_all()?; } Ok(()) }",
                "fn f(log: &mut Wal, xs: &[E]) -> R { for x in xs { log.write_all(&x.b)?; log.sync_all()?; } Ok(()) }",
                "fn f(file: &File, xs: &[E]) -> R { for x in xs { file.sync_all()?; } Ok(()) }",
                "fn f(file: &mut File, xs: &[E]) -> R { for x in xs { file.write_all(&x.b)?; file.sync_all()?; if x.last { break; } } Ok(()) }",
                "use tokio::fs::File; async fn f(file: &mut File, xs: &[E]) -> R { for x in xs { file.write_all(&x.b).await?; file.sync_all().await?; } Ok(()) }",
            ],
        );
    }
}
