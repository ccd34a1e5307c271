//! Files that are created, written to in small pieces by a loop, and closed in the same block.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::small_io::{self, Handle, Opened};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("unbuffered-writes"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "file written in small pieces without a buffer",
    explain: EXPLAIN,
    triggers: &["File", "OpenOptions"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds files that a function creates or opens for itself and writes in a loop by `write!`, `writeln!` or `write_all`, without
a buffer.

## Why it costs

Every call is a system call, and `writeln!` makes one for each piece of its format: a line of three arguments can be seven
writes.

## Before

```rust
let mut file = File::create(path)?;
for item in items {
    writeln!(file, \"{} {}\", item.sku, item.price)?;
}
```

## After

```rust
let mut file = std::io::BufWriter::new(File::create(path)?);
for item in items {
    writeln!(file, \"{} {}\", item.sku, item.price)?;
}
file.flush()?;
```

The flush stands where the writes have ended and treats its error as they treat theirs. A file that the function gives back at
its end (`Ok(file)`) is taken out of the buffer by `into_inner`, which writes the rest.

## When it is refused

The file is used for anything but writing (seeking, syncing, locking, handing on); it is read or handed to another process
meanwhile; the last write is the value of the block; the type is no `File` of std (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let opened = small_io::opened(file, Handle::Written);
    let fact = |found: &Opened<'_>| {
        let message = format!("`{}` is a bare file: each write in the loop is a system call", found.name);
        let fact = Fact::at(file, file.range(found.local))
            .capture("name", file.span_range(found.name.span()))
            .capture("file", file.range(found.value))
            .capture("next", file.range(found.next))
            .capture("last", file.range(found.last))
            .note("message", message);
        match found.returned {
            Some(name) => fact.capture("returned", name),
            None => fact,
        }
    };
    opened.iter().map(fact).collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_loops_that_write_small_pieces() {
        for text in [
            "fn f(p: &Path) -> R { $0let mut w = File::create(p)?;$0 for x in xs { writeln!(w, \"{x}\")?; } Ok(()) }",
            "fn f(p: &Path) { $0let mut w = File::create(p).unwrap();$0 for x in xs { w.write_all(x).unwrap(); } }",
            "fn f(p: &Path) -> R { $0let mut w = std::fs::File::create(p)?;$0 writeln!(w, \"head\")?; while a() { write!(&mut w, \"b\")?; } Ok(()) }",
            "fn f(p: &Path) -> R { $0let mut w = OpenOptions::new().create(true).append(true).open(p)?;$0 for x in xs { writeln!(w, \"{x}\")?; } Ok(()) }",
            "fn f(p: &Path) { $0let mut w = File::create(p).expect(\"room\");$0 for x in xs { let _ = writeln!(w, \"{x}\"); } }",
            "fn f(p: &Path) -> R { if a { $0let mut w = File::create(p)?;$0 for x in xs { for y in x { write!(w, \"{y} \")?; } writeln!(w)?; } } Ok(()) }",
            "impl S { fn f(&self) -> R { $0let mut w = File::create(&self.p)?;$0 for x in &self.xs { if x.ok { writeln!(w, \"{x}\")?; } } Ok(()) } }",
            "fn f(p: &Path) -> R { $0let mut w = File::create(p)?;$0 xs.iter().for_each(|x| writeln!(w, \"{x}\").unwrap()); Ok(()) }",
            "fn f(p: &Path) -> R { $0let mut w = File::create(p)?;$0 xs.iter().enumerate().try_for_each(|(i, x)| -> R { w.write_all(x)?; n += i; Ok(()) })?; Ok(()) }",
            "fn f(p: &Path) -> R { $0let mut w = File::create(p)?;$0 for x in xs { w.write_all(x)?; } Ok(w) }",
            "fn f(p: &Path) -> R { $0let mut w = File::create_new(p)?;$0 for x in xs { w.write_all(x)?; } w.flush()?; Ok(()) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Buffered already, or not a file.
                "fn f(p: &Path) -> R { let mut w = BufWriter::new(File::create(p)?); for x in xs { writeln!(w, \"{x}\")?; } Ok(()) }",
                "fn f(a: A) -> R { let mut w = TcpStream::connect(a)?; for x in xs { writeln!(w, \"{x}\")?; } Ok(()) }",
                "fn f() -> R { let mut w = Vec::new(); for x in xs { writeln!(w, \"{x}\")?; } Ok(()) }",
                "fn f(p: &Path) -> R { let mut w = Journal::create(p)?; for x in xs { writeln!(w, \"{x}\")?; } Ok(()) }",
                // Not in a loop.
                "fn f(p: &Path) -> R { let mut w = File::create(p)?; writeln!(w, \"a\")?; writeln!(w, \"b\")?; Ok(()) }",
                "fn f(ps: &[P]) -> R { for p in ps { let mut w = File::create(p)?; writeln!(w, \"a\")?; } Ok(()) }",
                // More than written: synced, sought, handed on, returned, kept, captured, renamed meanwhile.
                "fn f(p: &Path) -> R { let mut w = File::create(p)?; for x in xs { writeln!(w, \"{x}\")?; } w.sync_all()?; Ok(()) }",
                "fn f(p: &Path) -> R { let mut w = File::create(p)?; for x in xs { writeln!(w, \"{x}\")?; } w.rewind()?; Ok(()) }",
                "fn f(p: &Path) -> R { let mut w = File::create(p)?; for x in xs { dump(&mut w, x)?; } Ok(()) }",
                "fn f(p: &Path) -> R { let mut w = File::create(p)?; for x in xs { writeln!(w, \"{x}\")?; } Ok(wrap(w)) }",
                "fn f(p: &Path) -> R { let mut w = File::create(p)?; for x in xs { writeln!(w, \"{x}\")?; } Some(w) }",
                "fn f(p: &Path) -> R { let mut w = File::create(p)?; for x in xs { writeln!(w, \"{x}\")?; if x.last() { return Ok(w); } } Ok(w) }",
                "fn f(p: &Path) -> R { let mut w = File::create(p)?; xs.iter().map(|x| writeln!(w, \"{x}\").unwrap()); Ok(()) }",
                "fn f(p: &Path) -> R { let mut w = File::create(p)?; pool.for_each(move |x| writeln!(w, \"{x}\").unwrap()); Ok(()) }",
                "fn f(p: &Path) -> R { let w = File::create(p)?; for x in xs { show!(w, x); } Ok(()) }",
                "fn f(p: &Path) -> R { let mut w = File::create(p)?; for x in xs { writeln!(w, \"{x}\")?; } std::fs::rename(p, q)?; writeln!(w, \"e\")?; Ok(()) }",
                "fn f(p: &Path) -> R { let mut w = File::create(p)?; for x in xs { writeln!(w, \"{x}\")?; Command::new(\"a\").arg(p); } Ok(()) }",
                "fn f(p: &Path) -> R { let mut w: File = File::create(p)?; for x in xs { writeln!(w, \"{x}\")?; } Ok(()) }",
                // Its last write is what the block gives back; the loop ends the process; it waits between writes.
                "fn f(p: &Path) -> R { let mut w = File::create(p)?; for x in xs { writeln!(w, \"{x}\")?; } writeln!(w, \"end\") }",
                "fn f(p: &Path) -> R { let mut w = File::create(p)?; for x in xs { writeln!(w, \"{x}\")?; if x.bad { std::process::exit(1); } } Ok(()) }",
                "fn f(p: &Path) -> R { let mut w = File::create(p)?; loop { writeln!(w, \"{}\", rx.recv()?)?; } }",
                "async fn f(p: &Path) -> R { let mut w = File::create(p).await?; for x in xs { w.write_all(x).await?; } Ok(()) }",
                "#[test] fn f() { let mut w = File::create(p).unwrap(); for x in xs { writeln!(w, \"{x}\").unwrap(); } }",
            ],
        );
    }
}
