//! Loops that write small pieces to a file that the function is lent, or that `self` holds.

use crate::source::visit::code::{self as visit, Visit};

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::usage::{self, How};
use crate::source::{SourceFile, names, shapes, types};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("unbuffered-lent-file"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "lent file written in small pieces without a buffer",
    explain: EXPLAIN,
    triggers: &["File"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds loops that write by `write!`, `writeln!` or `write_all` to a field of `self` of the type `File`, or to a parameter of
the type `&mut File`, without a buffer.

## Why it costs

Every call is a system call, and `writeln!` makes one for each piece of its format: a line of three arguments can be seven
writes.

## Before

```rust
for actor in actors {
    writeln!(self.file, \"{} {}\", self.seq, actor)?;
}
```

## After

```rust
let mut file_writer = std::io::BufWriter::new(&mut self.file);
for actor in actors {
    writeln!(file_writer, \"{} {}\", self.seq, actor)?;
}
file_writer.flush()?;
```

The buffer lives for the loop alone: what follows finds the file written.

## When it is refused

The round does more with the file than write (syncs, seeks, reads, hands it on), or calls a method of `self`, which might;
the writes fail in different ways; the type is no `File` of std (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let imported = names::imports(file, "File");
    if !imported.is_empty() && imported != ["std::fs::File"] {
        return Vec::new();
    }
    let mut found = Vec::new();
    for block in shapes::blocks(file) {
        for stmt in &block.stmts {
            let syn::Stmt::Expr(around, _) = stmt else { continue };
            let body = match around {
                syn::Expr::ForLoop(l) => &l.body,
                syn::Expr::While(l) => &l.body,
                _ => continue,
            };
            found.extend(written(file, stmt, body));
        }
    }
    found
}

fn written(file: &SourceFile, stmt: &syn::Stmt, body: &syn::Block) -> Option<Fact> {
    let mut walk = Writes { targets: Vec::new() };
    walk.visit_block(body);
    let first = walk.targets.first()?;
    let place = usage::place(first).filter(|p| p.is_plain)?;
    let is_field = place.root == "self" && !place.fields.is_empty();
    let ty = types::type_of(file, first)?;
    let is_lent = place.fields.is_empty() && matches!(&ty, syn::Type::Reference(r) if r.mutability.is_some());
    if types::head(types::strip(&ty)).as_deref() != Some("File") || !(is_field || is_lent) {
        return None;
    }
    // What the writes name must be all that the round does with the file, and with what holds it.
    let uses = usage::uses(file, body, &place.root);
    let mut sites = Vec::new();
    for u in uses.iter().filter(|u| usage::may_overlap(&place, &place.root, &u.fields)) {
        let is_same = u.fields == place.fields;
        let is_write = match &u.how {
            How::Method(name) => ["write_all", "write_fmt"].contains(&name.as_str()),
            How::Read | How::Mutate => {
                let before = file.text[..u.whole.start as usize].trim_end();
                before.ends_with("write!(") || before.ends_with("writeln!(")
            }
            _ => false,
        };
        if !is_same || !is_write || u.is_captured {
            return None;
        }
        sites.push(u.place);
    }
    let is_rebound = !usage::bindings(file, body, &place.root).is_empty();
    if sites.is_empty() || is_rebound || sites.len() != walk.targets.len() {
        return None;
    }
    let shown = file.on_one_line(sites[0]);
    let mut fact = Fact::at(file, sites[0])
        .capture("around", file.range(stmt))
        .capture(if is_lent { "lent" } else { "held" }, sites[0])
        .note("message", format!("`{shown}` is a bare file: each write in the loop is a system call"));
    for site in sites {
        fact = fact.capture("site", site);
    }
    Some(fact)
}

/// What is written to by `write!`, `writeln!`, `write_all`, `write_fmt`.
struct Writes {
    targets: Vec<syn::Expr>,
}

impl Writes {
    fn note(&mut self, target: &syn::Expr) {
        let target = match names::peel(target) {
            syn::Expr::Reference(r) => &r.expr,
            other => other,
        };
        self.targets.push(target.clone());
    }
}

impl<'a> Visit<'a> for Writes {
    fn visit_expr_method_call(&mut self, node: &'a syn::ExprMethodCall) {
        if node.method == "write_all" || node.method == "write_fmt" {
            self.note(&node.receiver);
        }
        visit::visit_expr_method_call(self, node);
    }

    fn visit_macro(&mut self, node: &'a syn::Macro) {
        let is_write = node.path.segments.last().is_some_and(|s| s.ident == "write" || s.ident == "writeln");
        if let Some(target) = names::arguments(node).filter(|_| is_write).and_then(|all| all.into_iter().next()) {
            self.note(&target);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const JOURNAL: &str = "struct J { file: File, seq: u64 } ";

    #[test]
    fn fires_on_loops_that_write_to_a_file_of_somebody_else() {
        for text in [
            "impl J { fn f(&mut self, xs: &[S]) -> R { for x in xs { $0self.file$0.write_all(x)?; self.file.write_all(b\"x\")?; } Ok(()) } }",
            "impl J { fn f(&mut self, xs: &[S]) -> R { for x in xs { self.seq += 1; writeln!($0self.file$0, \"{} {x}\", self.seq)?; } Ok(()) } }",
            "fn f(file: &mut File, xs: &[S]) -> R { for x in xs { writeln!($0file$0, \"{x}\")?; } Ok(()) }",
            "fn f(file: &mut std::fs::File, xs: &[S]) { for x in xs { $0file$0.write_all(x).unwrap(); } }",
            "fn f(file: &mut File, q: &Q) -> R { while let Some(x) = q.next() { write!($0file$0, \"{x}\")?; } Ok(()) }",
            "impl J { fn f(&mut self, xs: &[S]) -> R { for x in xs { if x.ok { writeln!(&mut $0self.file$0, \"{x}\")?; } } Ok(()) } }",
            "use std::fs::File; fn f(out: &mut File, xs: &[S]) -> R { for x in xs { for y in x { write!($0out$0, \"{y}\")?; } } Ok(()) }",
            "impl J { fn f(&mut self, xs: &[S]) { for x in xs { let _ = writeln!($0self.file$0, \"{x}\"); } self.seq += 1; } }",
        ] {
            check(&RULE, &format!("{JOURNAL}{text}"));
        }
    }

    #[test]
    fn ignores_look_alikes() {
        for text in [
            "impl J { fn f(&mut self, xs: &[S]) -> R { for x in xs { self.file.write_all(x)?; self.file.sync_data()?; } Ok(()) } }",
            "impl J { fn f(&mut self, xs: &[S]) -> R { for x in xs { self.file.write_all(x)?; self.file.flush()?; } Ok(()) } }",
            "impl J { fn f(&mut self, xs: &[S]) -> R { for x in xs { self.file.write_all(x)?; self.check()?; } Ok(()) } }",
            "impl J { fn f(&mut self, xs: &[S]) -> R { for x in xs { self.file.write_all(x)?; g(&mut self.file)?; } Ok(()) } }",
            "impl J { fn f(&mut self, x: &[u8]) -> R { self.file.write_all(x)?; self.file.write_all(b\"x\") } }",
            "struct B { file: BufWriter<File> } impl B { fn f(&mut self, xs: &[S]) -> R { for x in xs { self.file.write_all(x)?; } Ok(()) } }",
            "fn f(file: &mut BufWriter<File>, xs: &[S]) -> R { for x in xs { writeln!(file, \"{x}\")?; } Ok(()) }",
            "fn f(out: &mut Vec<u8>, xs: &[S]) -> R { for x in xs { writeln!(out, \"{x}\")?; } Ok(()) }",
            "fn f<W: Write>(out: &mut W, xs: &[S]) -> R { for x in xs { writeln!(out, \"{x}\")?; } Ok(()) }",
            "fn f(file: &mut File, xs: &[S]) -> R { for x in xs { show!(file, x); } Ok(()) }",
            "fn f(file: &mut File, other: &mut V, xs: &[S]) -> R { for x in xs { writeln!(file, \"{x}\")?; writeln!(other, \"{x}\")?; } Ok(()) }",
            "#[test] fn f() { let file: &mut File = g(); for x in xs { writeln!(file, \"{x}\").unwrap(); } }",
        ] {
            check_ignores(&RULE, &[&format!("{JOURNAL}{text}")]);
        }
        check_ignores(
            &RULE,
            &[
                "use tokio::fs::File; async fn f(file: &mut File, xs: &[S]) -> R { for x in xs { file.write_all(x).await?; } Ok(()) }",
            ],
        );
    }
}
