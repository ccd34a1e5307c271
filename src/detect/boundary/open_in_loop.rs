//! Files that a loop opens for appending anew in each round.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::made_in_loop::made_in_loop;
use crate::source::{SourceFile, names, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("open-in-loop"),
    eye: Eye::Boundary,
    kind: Kind::FlushLogging,
    class: Class::B,
    title: "file opened anew in each round of a loop",
    explain: EXPLAIN,
    triggers: &["append"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds loops that open the same file for appending in each round, write a little to it, and close it again.

## Why it costs

Each round resolves the path, opens and closes: two more system calls and the locks of the file system for one line.

## Before

```rust
for record in records {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    writeln!(file, \"{record}\")?;
}
```

## After

```rust
let mut file = OpenOptions::new().create(true).append(true).open(path)?;
for record in records {
    writeln!(file, \"{record}\")?;
}
```

Nothing is buffered: every line reaches the file when it did before. The file is now opened even where there is no round,
and stays the same if somebody moves it away meanwhile. That is for a person to accept.

## When it is refused

The path or the options depend on the round; the file is read as well, truncated, or moved somewhere in the round; the name
is used outside of the loop.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let found = made_in_loop(file, appends);
    let fact = |made: &crate::source::made_in_loop::Made<'_>| {
        let (local, around) = made.ranges(file);
        let fact = Fact::at(file, local)
            .capture("name", file.span_range(made.name.span()))
            .capture("before", around)
            .note("message", format!("each round opens and closes the file that `{}` names", made.name));
        if made.is_followed { fact.capture("followed", around) } else { fact }
    };
    found.iter().map(fact).collect()
}

/// `OpenOptions::new()….append(true)….open(path)` without reading.
fn appends(expr: &syn::Expr) -> bool {
    let Some(open) = shapes::method(expr, "open", 1) else { return false };
    let root = shapes::chain_root(&open.receiver);
    let is_std =
        shapes::call(root, &["OpenOptions", "new"]).is_some() || shapes::call(root, &["File", "options"]).is_some();
    let says = |word: &str| names::mentions(&open.receiver, word);
    is_std && says("append") && !says("read") && !says("truncate") && !says("create_new") && !says("tokio")
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const OPEN: &str = "OpenOptions::new().create(true).append(true)";

    #[test]
    fn fires_on_files_opened_in_each_round() {
        for text in [
            "fn f(p: &Path, rs: &[R]) -> R { for r in rs { $0let mut w = OPEN.open(p)?;$0 writeln!(w, \"{r}\")?; } Ok(()) }",
            "impl S { fn f(&mut self, rs: &[R]) -> R { for r in rs { $0let mut w = OPEN.open(&self.path)?;$0 w.write_all(r)?; self.n += 1; } Ok(()) } }",
            "fn f(p: &Path, rs: &[R]) { for r in rs { $0let mut w = OPEN.open(p).unwrap();$0 w.write_all(r).unwrap(); } }",
            "fn f(p: &Path, rs: &[R]) -> R { for r in rs { let t = g(r); $0let mut w = OPEN.open(p).map_err(E::Open)?;$0 write!(w, \"{t}\")?; } Ok(()) }",
            "fn f(d: &Path, rs: &[R]) -> R { for r in rs { $0let mut w = OPEN.open(d.join(\"log\"))?;$0 to_writer(&mut w, r)?; } Ok(()) }",
            "fn f(p: &Path, q: &Q) -> R { while let Some(r) = q.pop() { $0let mut w = OPEN.open(p)?;$0 writeln!(w, \"{r}\")?; } Ok(()) }",
            "fn f(p: &Path, rs: &[R]) -> R { for r in rs { $0let mut w = File::options().append(true).open(p)?;$0 writeln!(w, \"{r}\")?; } g(); Ok(()) }",
            "fn f(p: &Path, rs: &[R]) -> R { for r in rs { $0let w = &mut 0;$0 } Ok(()) }".replace("$0let w = &mut 0;$0", "$0let mut w = std::fs::OpenOptions::new().append(true).open(p).expect(\"log\");$0 w.write_all(b\"x\")?;").as_str(),
        ] {
            check(&RULE, &text.replace("OPEN", OPEN));
        }
    }

    #[test]
    fn ignores_look_alikes() {
        for text in [
            "fn f(rs: &[R]) -> R { for r in rs { let mut w = OPEN.open(&r.path)?; writeln!(w, \"x\")?; } Ok(()) }",
            "fn f(d: &Path, rs: &[R]) -> R { for r in rs { let p = d.join(r.name()); let mut w = OPEN.open(p)?; writeln!(w, \"x\")?; } Ok(()) }",
            "fn f(d: &Path, rs: &[R]) -> R { for (i, r) in rs.iter().enumerate() { let mut w = OPEN.open(format!(\"{i}.log\"))?; writeln!(w, \"x\")?; } Ok(()) }",
            "fn f(p: &Path, rs: &[R]) -> R { for r in rs { let mut w = File::create(p)?; writeln!(w, \"x\")?; } Ok(()) }",
            "fn f(p: &Path, rs: &[R]) -> R { for r in rs { let mut w = File::open(p)?; w.read_to_end(&mut b)?; } Ok(()) }",
            "fn f(p: &Path, rs: &[R]) -> R { for r in rs { let mut w = OpenOptions::new().read(true).append(true).open(p)?; w.write_all(b\"x\")?; } Ok(()) }",
            "fn f(p: &Path, rs: &[R]) -> R { for r in rs { let mut w = OpenOptions::new().append(true).truncate(true).open(p)?; w.write_all(b\"x\")?; } Ok(()) }",
            "fn f(p: &Path, rs: &[R]) -> R { for r in rs { let w = OPEN.open(p)?; ws.push(w); } Ok(()) }",
            "fn f(p: &Path, rs: &[R]) -> R { for r in rs { let w = BufWriter::new(OPEN.open(p)?); g(w); } Ok(()) }",
            "fn f(p: &Path, rs: &[R]) -> R { let mut w = OPEN.open(p)?; for r in rs { writeln!(w, \"x\")?; } Ok(()) }",
            "fn f(p: &Path, rs: &[R]) -> R { for r in rs { if r.bad { let mut w = OPEN.open(p)?; writeln!(w, \"x\")?; } } Ok(()) }",
            "impl S { fn f(&mut self, rs: &[R]) -> R { for r in rs { let mut w = OPEN.open(&self.path)?; writeln!(w, \"x\")?; self.rotate(); } Ok(()) } fn rotate(&mut self) {} }",
            "fn f(mut p: PathBuf, rs: &[R]) -> R { for r in rs { let mut w = OPEN.open(&p)?; writeln!(w, \"x\")?; p.push(\"a\"); } Ok(()) }",
            "fn f(p: &Path, w: u8, rs: &[R]) -> R { for r in rs { let mut w = OPEN.open(p)?; writeln!(w, \"x\")?; } g(w); Ok(()) }",
            "#[test] fn f() { for r in rs { let mut w = OPEN.open(p)?; writeln!(w, \"x\")?; } }",
        ] {
            check_ignores(&RULE, &[&text.replace("OPEN", OPEN)]);
        }
    }
}
