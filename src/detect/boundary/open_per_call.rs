//! Functions in; those out that open a file for appending each time they are called.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::SourceFile;
use crate::source::writers::openings;

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("open-per-call"),
    eye: Eye::Boundary,
    kind: Kind::FlushLogging,
    class: Class::B,
    title: "file opened on every call",
    explain: EXPLAIN,
    triggers: &["append"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds functions that open a file for appending, write a little to it, and close it again when they return.

## Why it costs

Each call resolves the path, opens, writes and closes: three or more system calls and the locks of the file system for
one line.

## Before

```rust
struct DayBook { path: PathBuf }

fn enter(&mut self, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
    writeln!(file, \"{line}\")
}
```

## After

```rust
struct DayBook { path: PathBuf, writer: Option<File> }

fn enter(&mut self, line: &str) -> io::Result<()> {
    let file = match &mut self.writer {
        Some(writer) => writer,
        none => none.insert(OpenOptions::new().create(true).append(true).open(&self.path)?),
    };
    writeln!(file, \"{line}\")
}
```

The file is opened at the first write and kept open; behind `&self` a `Mutex` guards it. Nothing is buffered: every line
reaches the file when it did before, so that other readers see no difference and nothing more is lost when the process is
killed. What is given up: a file that somebody moves away is still written to under its new name, and a handle stays in
use. That is for a person to accept.

## When it is refused

The path is not a field of the struct; the struct derives what a file cannot (`Clone`, comparisons, serde); it is built
where that cannot be seen, or taken apart by a pattern; it reads, renames or removes files.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let openings = openings(file);
    let fact = |found: &crate::source::writers::Opening<'_>| {
        let message = format!("`{}` opens, writes and closes a file on every call", found.function.sig.ident);
        Fact::at(file, file.range(&found.block.stmts[found.index])).note("message", message)
    };
    openings.iter().map(fact).collect()
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const OPEN: &str = "OpenOptions::new().create(true).append(true).open(&self.path)";

    #[test]
    fn fires_on_open_write_close() {
        check(
            &RULE,
            &format!(
                "impl B {{ fn e(&self) -> R {{ $0let mut f = {OPEN}?;$0 writeln!(f, \"a\")?; f.flush()?; Ok(()) }} }}"
            ),
        );
        check(
            &RULE,
            &format!(
                "impl B {{ fn e(&mut self) {{ $0let mut f = {OPEN}.unwrap();$0 f.write_all(b\"a\").unwrap(); }} }}"
            ),
        );
        check(
            &RULE,
            "fn log(path: &Path) -> R { $0let mut f = File::options().append(true).open(path)?;$0 writeln!(f, \"a\") }",
        );
    }

    #[test]
    fn ignores_files_that_are_kept_or_handed_on() {
        check_ignores(
            &RULE,
            &[
                &format!("impl B {{ fn open(&self) -> R {{ let f = {OPEN}?; Ok(B {{ f }}) }} }}"),
                &format!("impl B {{ fn open(&self) -> R {{ let f = {OPEN}?; Ok(BufWriter::new(f)) }} }}"),
                &format!(
                    "impl B {{ fn e(&mut self) -> R {{ let mut f = {OPEN}?; writeln!(f, \"a\")?; self.f = Some(f); Ok(()) }} }}"
                ),
                &format!(
                    "impl B {{ fn e(&mut self) -> R {{ let mut f = {OPEN}?; writeln!(f, \"a\")?; dump(&mut f) }} }}"
                ),
            ],
        );
    }

    #[test]
    fn ignores_files_that_are_not_appended_to() {
        check_ignores(
            &RULE,
            &[
                "fn f(p: &Path) -> R { let mut f = File::create(p)?; writeln!(f, \"a\")?; Ok(()) }",
                "fn f(p: &Path) -> R { let mut f = OpenOptions::new().write(true).truncate(true).open(p)?; writeln!(f, \"a\")?; Ok(()) }",
                "fn f(p: &Path) -> R { let mut f = OpenOptions::new().read(true).append(true).open(p)?; writeln!(f, \"a\")?; Ok(()) }",
            ],
        );
    }

    #[test]
    fn ignores_what_is_opened_under_a_condition_or_never_written() {
        check_ignores(
            &RULE,
            &[
                &format!(
                    "impl B {{ fn e(&mut self) -> R {{ if self.full {{ let mut f = {OPEN}?; writeln!(f, \"a\")?; }} Ok(()) }} }}"
                ),
                &format!("impl B {{ fn touch(&self) -> R {{ let f = {OPEN}?; f.sync_all()?; Ok(()) }} }}"),
                &format!("impl B {{ fn size(&self) -> R {{ let f = {OPEN}?; Ok(f.metadata()?.len()) }} }}"),
            ],
        );
    }

    #[test]
    fn ignores_async_files_and_tests() {
        check_ignores(
            &RULE,
            &[
                "async fn f(p: &Path) -> R { let mut f = OpenOptions::new().append(true).open(p).await?; f.write_all(b\"a\").await }",
                &format!(
                    "impl B {{ #[test] fn e(&self) {{ let mut f = {OPEN}.unwrap(); writeln!(f, \"a\").unwrap(); }} }}"
                ),
            ],
        );
    }
}
