//! Loops in; those out that flush a buffered writer in each round.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::writers::loop_flushes;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("flush-in-loop"),
    eye: Eye::Boundary,
    kind: Kind::FlushLogging,
    class: Class::B,
    title: "writer flushed in each round of a loop",
    explain: EXPLAIN,
    triggers: &["flush"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `for` loops that write to a buffered writer and flush it in the same round.

## Why it costs

The buffer is there to turn many small writes into few system calls; a flush per round undoes it: one call per line.

## Before

```rust
for item in items {
    writeln!(self.out, \"{item}\")?;
    self.out.flush()?;
}
```

## After

```rust
for item in items {
    writeln!(self.out, \"{item}\")?;
}
self.out.flush()?;
```

When the loop ends, everything is written out as before. What is given up: while the loop runs, up to 8 KiB of its lines
are lost if the process is killed, and if the loop returns early, what it wrote stays in the buffer until the next flush.
That is for a person to accept.

## When it is refused

The flush speaks of what the loop binds. Not reported at all: loops that wait for somebody (reads, receives, sleeps,
prompts, acknowledgements) or ask the writer for anything but writing, sockets and pipes, whose other end waits for each line; writers whose type the syntax does not tell; writers
that the loop makes itself; a bare `File`, whose flush does nothing.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let flushes = loop_flushes(file);
    let fact = |found: &crate::source::writers::LoopFlush<'_>| {
        let place = quote::ToTokens::to_token_stream(found.flush.place).to_string().replace(' ', "");
        Fact::at(file, file.range(found.flush.stmt))
            .capture("loop", file.range(found.around))
            .note("message", format!("`{place}` is flushed in each round of the loop: one system call for each line"))
    };
    flushes.iter().map(fact).collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_writers_that_hold_lines_back() {
        check(
            &RULE,
            "fn f(w: &mut BufWriter<File>, xs: &[u8]) -> R { for x in xs { writeln!(w, \"{x}\")?; $0w.flush()?;$0 } Ok(()) }",
        );
        check(
            &RULE,
            "fn f<W: Write>(w: &mut W, xs: &[u8]) -> R { for x in xs { $0w.flush()?;$0 w.write_all(x)?; } Ok(()) }",
        );
        check(
            &RULE,
            "fn f(xs: &[u8]) { let mut out = std::io::stdout().lock(); for x in xs { let _ = writeln!(out, \"{x}\"); $0let _ = out.flush();$0 } }",
        );
        check(
            &RULE,
            "struct L { out: BufWriter<File> } impl L { fn f(&mut self) -> R { for x in xs { writeln!(self.out, \"{x}\")?; $0self.out.flush()?;$0 } Ok(()) } }",
        );
        check(
            &RULE,
            "struct L { out: Mutex<BufWriter<File>> } impl L { fn f(&self) -> R { let mut w = self.out.lock().unwrap(); for x in xs { writeln!(w, \"{x}\")?; $0w.flush()?;$0 } Ok(()) } }",
        );
    }

    #[test]
    fn ignores_loops_that_wait_for_somebody() {
        for wait in ["std::io::stdin().read_line(&mut s)?;", "thread::sleep(d);", "rx.recv()?;", "child.wait()?;"] {
            check_ignores(
                &RULE,
                &[&format!(
                    "fn f(w: &mut BufWriter<File>) -> R {{ for x in xs {{ writeln!(w, \"a\")?; w.flush()?; {wait} }} Ok(()) }}"
                )],
            );
        }
        check_ignores(
            &RULE,
            &["fn f(w: &mut BufWriter<File>) -> R { for x in rx { writeln!(w, \"a\")?; w.flush()?; } Ok(()) }"],
        );
    }

    #[test]
    fn ignores_loops_that_hear_from_somebody() {
        for hears in ["if w.wait_ack()? { n += 1; }", "n += w.position();", "desk.confirm(x)?;", "next_reply(desk)?;"] {
            check_ignores(
                &RULE,
                &[&format!(
                    "fn f<W: Write + Acks>(w: &mut W) -> R {{ for x in xs {{ writeln!(w, \"a\")?; w.flush()?; {hears} }} Ok(()) }}"
                )],
            );
        }
    }

    #[test]
    fn ignores_conversations_and_unknown_writers() {
        check_ignores(
            &RULE,
            &[
                "fn f(w: &mut BufWriter<TcpStream>) -> R { for x in xs { writeln!(w, \"a\")?; w.flush()?; } Ok(()) }",
                "fn f(w: &mut Connection) -> R { for x in xs { writeln!(w, \"a\")?; w.flush()?; } Ok(()) }",
                "fn f(w: &mut File) -> R { for x in xs { writeln!(w, \"a\")?; w.flush()?; } Ok(()) }",
                "async fn f(w: &mut BufWriter<File>) -> R { for x in xs { w.write_all(x).await?; w.flush().await?; } Ok(()) }",
            ],
        );
    }

    #[test]
    fn ignores_writers_of_the_loop_and_other_writers() {
        check_ignores(
            &RULE,
            &[
                "fn f(ps: &[P]) -> R { for p in ps { let mut w = BufWriter::new(File::create(p)?); writeln!(w, \"a\")?; w.flush()?; } Ok(()) }",
                "fn f(ws: &mut [BufWriter<File>]) -> R { for w in ws { writeln!(w, \"a\")?; w.flush()?; } Ok(()) }",
                "fn f(v: &mut BufWriter<File>, w: &mut BufWriter<File>) -> R { for x in xs { writeln!(v, \"a\")?; w.flush()?; } Ok(()) }",
            ],
        );
    }

    #[test]
    fn ignores_flushes_under_a_condition_after_the_loop_and_in_endless_loops() {
        check_ignores(
            &RULE,
            &[
                "fn f(w: &mut BufWriter<File>) -> R { for x in xs { writeln!(w, \"a\")?; if x.last { w.flush()?; } } Ok(()) }",
                "fn f(w: &mut BufWriter<File>) -> R { for x in xs { writeln!(w, \"a\")?; } w.flush()?; Ok(()) }",
                "fn f(w: &mut BufWriter<File>) -> R { loop { writeln!(w, \"a\")?; w.flush()?; } }",
            ],
        );
    }
}
