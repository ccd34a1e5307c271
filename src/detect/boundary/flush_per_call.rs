//! Structs that write to files in; those out that flush on every call.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::writers::{flushed_calls, sinks};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("flush-per-call"),
    eye: Eye::Boundary,
    kind: Kind::FlushLogging,
    class: Class::B,
    title: "file flushed on every call",
    explain: EXPLAIN,
    triggers: &["flush", "sync_data", "sync_all"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds methods that write to a `File` or `BufWriter<File>` of their struct and flush or sync it before they return, also
behind a `Mutex`.

## Why it costs

Every call becomes a system call of its own (a sync waits for the disk), often while a lock is held. A buffer of 8 KiB
turns some hundred lines into one call.

## Before

```rust
struct AuditLog { file: File }

fn record(&mut self, line: &str) -> io::Result<()> {
    self.file.write_all(line.as_bytes())?;
    self.file.flush()?;
    Ok(())
}
```

## After

```rust
struct AuditLog { file: BufWriter<File> }

fn record(&mut self, line: &str) -> io::Result<()> {
    self.file.write_all(line.as_bytes())?;
    Ok(())
}
```

Methods that are there to flush (`flush`, `close`, `commit`, `shutdown` and the like) stay as they are, and the buffer
writes itself out when it is full and when the struct is dropped. Where the method knows how severe an event is, the
severe ones are still flushed at once.

What is given up is durability: up to 8 KiB of the youngest lines are lost if the process is killed, aborts, or exits
without dropping the struct. That is for a person to accept.

## When it is refused

A method of the struct reads files, renames or truncates them: it would miss what is still buffered. The field is public.
A bare `File` is used otherwise than for writing, or the struct is built where that cannot be seen. Flushes under a
condition, and those of sockets and pipes, whose other end waits for them, are not reported.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for sink in sinks(file) {
        let calls = flushed_calls(file, &sink);
        let Some(first) = calls.first() else { continue };
        let mut fact = Fact::at(file, file.range(first.flush.stmt));
        for call in &calls {
            fact = fact.capture("flush", file.range(call.flush.stmt));
        }
        let own = &sink.item.ident;
        let what = if calls.iter().any(|call| call.flush.syncs) { "synced to the disk" } else { "flushed" };
        let message = match (calls.len(), sink.bare) {
            (1, None) => format!("`{own}::{}` is {what} on every call: its buffer never fills", sink.name),
            (1, Some(_)) => format!("`{own}::{}` is written without a buffer and {what} on every call", sink.name),
            (n, _) => format!("`{own}::{}` is {what} on every call of {n} methods", sink.name),
        };
        found.push(fact.note("message", message));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[track_caller]
    fn fires_in(ty: &str, method: &str) {
        check(&RULE, &format!("struct L {{ out: {ty}, n: u64 }} impl L {{ {method} }}"));
    }

    #[track_caller]
    fn ignores_in(ty: &str, method: &str) {
        check_ignores(&RULE, &[&format!("struct L {{ out: {ty}, n: u64 }} impl L {{ {method} }}")]);
    }

    #[test]
    fn fires_on_each_way_to_flush_what_was_just_written() {
        fires_in(
            "BufWriter<File>",
            "fn r(&mut self, s: &[u8]) -> R { self.out.write_all(s)?; $0self.out.flush()?;$0 Ok(()) }",
        );
        fires_in(
            "File",
            "fn r(&mut self, s: &[u8]) -> R { self.out.write_all(s)?; $0self.out.sync_data()?;$0 Ok(()) }",
        );
        fires_in("BufWriter<File>", "fn r(&mut self) -> R { writeln!(self.out, \"a\")?; $0self.out.flush()$0 }");
        fires_in(
            "std::io::BufWriter<std::fs::File>",
            "fn r(&mut self) { let _ = writeln!(&mut self.out, \"a\"); $0let _ = self.out.flush();$0 }",
        );
        fires_in(
            "BufWriter<File>",
            "fn r(&mut self) -> R { for x in xs { writeln!(self.out, \"{x}\")?; } $0self.out.flush().map_err(E::Io)?;$0 Ok(()) }",
        );
    }

    #[test]
    fn fires_behind_a_lock() {
        fires_in(
            "Mutex<File>",
            "fn r(&self) -> R { let mut f = self.out.lock().unwrap(); writeln!(f, \"a\")?; $0f.flush()?;$0 Ok(()) }",
        );
        fires_in(
            "Arc<Mutex<BufWriter<File>>>",
            "fn r(&self) -> R { { let mut f = self.out.lock().unwrap(); f.write_all(b\"a\")?; $0f.flush()?;$0 } Ok(()) }",
        );
    }

    #[test]
    fn ignores_methods_that_are_there_to_flush() {
        for name in ["flush", "close", "commit", "write_and_sync", "finish"] {
            ignores_in(
                "BufWriter<File>",
                &format!("fn {name}(&mut self) -> R {{ writeln!(self.out, \"end\")?; self.out.flush() }}"),
            );
        }
        check_ignores(
            &RULE,
            &[
                "struct L { out: BufWriter<File> } impl Write for L { fn write(&mut self, b: &[u8]) -> R { self.out.write_all(b)?; self.out.flush()?; Ok(1) } }",
            ],
        );
    }

    #[test]
    fn ignores_flushes_under_a_condition() {
        ignores_in(
            "BufWriter<File>",
            "fn r(&mut self) -> R { writeln!(self.out, \"a\")?; if self.n % 100 == 0 { self.out.flush()?; } Ok(()) }",
        );
        ignores_in(
            "BufWriter<File>",
            "fn r(&mut self, l: Level) -> R { writeln!(self.out, \"a\")?; match l { Level::Error => self.out.flush()?, _ => {} } Ok(()) }",
        );
    }

    #[test]
    fn ignores_flushes_of_what_was_not_written() {
        ignores_in("BufWriter<File>", "fn r(&mut self) -> R { self.out.flush()?; Ok(()) }");
        ignores_in("BufWriter<File>", "fn r(&mut self) -> R { self.out.flush()?; writeln!(self.out, \"a\")?; Ok(()) }");
        ignores_in("BufWriter<File>", "fn r(&mut self, o: &mut W) -> R { writeln!(o, \"a\")?; o.flush()?; Ok(()) }");
    }

    #[test]
    fn ignores_sockets_and_files_of_another_runtime() {
        ignores_in(
            "BufWriter<TcpStream>",
            "fn r(&mut self) -> R { writeln!(self.out, \"a\")?; self.out.flush()?; Ok(()) }",
        );
        ignores_in("tokio::fs::File", "fn r(&mut self) -> R { self.out.write_all(b\"a\"); self.out.flush()?; Ok(()) }");
        check_ignores(
            &RULE,
            &[
                "use tokio::fs::File; struct L { out: File } impl L { fn r(&mut self) -> R { self.out.write_all(b\"a\"); self.out.flush()?; Ok(()) } }",
            ],
        );
    }

    #[test]
    fn ignores_flushes_in_loops_and_tests() {
        ignores_in(
            "BufWriter<File>",
            "fn r(&mut self) -> R { for x in xs { writeln!(self.out, \"{x}\")?; self.out.flush()?; } Ok(()) }",
        );
        ignores_in(
            "BufWriter<File>",
            "#[test] fn r(&mut self) -> R { writeln!(self.out, \"a\")?; self.out.flush()?; Ok(()) }",
        );
    }
}
