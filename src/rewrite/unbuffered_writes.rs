//! A bare file that a loop writes to in; the file behind a buffer, flushed when the writes have ended, out.

use super::{Draft, Recipe, borrow, file_of, holds, place, short, std_types};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{self, SourceFile, Template, shapes};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("unbuffered-writes"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (name, opened, next, last) = (captured("name")?, captured("file")?, captured("next")?, captured("last")?);
    let shown = file.slice(name);
    let mut edits = Template::new(file, opened).text("std::io::BufWriter::new(").keep(opened).text(")").edits();
    if let Some(returned) = finding.capture("returned") {
        let end = end_of_writes(file, finding, last)?.ok_or("a failed write is not told")?;
        let text = format!("{shown}.into_inner().map_err(std::io::IntoInnerError::into_error){end}");
        edits.push(TextEdit { range: returned, text });
    } else if !is_flush(file, last, shown) {
        edits.extend(place::insert_after(file, last, &flush(file, last, shown)?));
    }
    Ok(Draft {
        title: format!("buffer what is written to {shown} in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("`{shown}` is only written to, and by nobody else while it is open")),
            std_types::is_one_at(file, name, next.start, &std_types::FILE),
            borrow("a buffered writer does wherever the file did"),
        ],
        obligations: vec![
            "durability: while the loop runs, up to 8 KiB are lost if the process is killed".to_owned(),
            "where the function is left early, the error of the last write is not seen".to_owned(),
        ],
        ..Draft::default()
    })
}

/// True if the statement is a flush already.
fn is_flush(file: &SourceFile, stmt: TextRange, name: &str) -> bool {
    let text: String = file.slice(stmt).split_whitespace().collect();
    text.starts_with(&format!("{name}.flush()")) || text.starts_with(&format!("let_={name}.flush()"))
}

/// `file.flush()?;` with the end that the writes have.
pub(super) fn flush(file: &SourceFile, last: TextRange, name: &str) -> Result<String, String> {
    let (block, index) = source::stmt_around(file, last).ok_or("the last write is gone")?;
    match end_of(file, &block.stmts[index..=index])? {
        Some(end) => Ok(format!("{name}.flush(){end};")),
        None => Ok(format!("let _ = {name}.flush();")),
    }
}

/// What is done with the failure of the last write between the `let` and the last use.
fn end_of_writes<'a>(file: &'a SourceFile, finding: &Finding, last: TextRange) -> Result<Option<&'a str>, String> {
    let (block, from) = source::stmt_around(file, finding.range).ok_or("the file is no longer opened there")?;
    let to = block.stmts.iter().position(|stmt| file.range(stmt) == last).ok_or("the last write is gone")?;
    end_of(file, &block.stmts[from + 1..=to])
}

/// What is done with the failure of the last write of the statements; nothing where it is not told.
fn end_of<'a>(file: &'a SourceFile, stmts: &[syn::Stmt]) -> Result<Option<&'a str>, String> {
    let only = syn::Block { brace_token: Default::default(), stmts: stmts.to_vec() };
    let is_write = |expr: &syn::Expr| match expr {
        syn::Expr::Macro(m) => m.mac.path.segments.last().is_some_and(|s| s.ident == "write" || s.ident == "writeln"),
        syn::Expr::MethodCall(call) => call.method == "write_all" || call.method == "write_fmt",
        _ => false,
    };
    let exprs = shapes::exprs(&only);
    let ends = exprs.iter().filter_map(|expr| {
        let (inner, _) = shapes::fallible(file, expr);
        let end = file.slice(TextRange { start: file.range(inner).end, end: file.range(*expr).end });
        (is_write(inner) && !end.is_empty()).then_some(end)
    });
    match ends.last() {
        Some(end) if end.contains(['\n', '/']) => Err("the end of the last write spans lines".to_owned()),
        end => Ok(end),
    }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "unbuffered-writes";

    #[test]
    fn writes_go_through_a_buffer_that_is_flushed() {
        let rewrite = check(
            RULE,
            "fn f(path: &Path, items: &[Item]) -> io::Result<()> {
    let mut file = File::create(path)?; // anew
    for item in items {
        writeln!(file, \"{item}\")?;
    } // all of them
    Ok(())
}
",
            "fn f(path: &Path, items: &[Item]) -> io::Result<()> {
    let mut file = std::io::BufWriter::new(File::create(path)?); // anew
    for item in items {
        writeln!(file, \"{item}\")?;
    } // all of them
    file.flush()?;
    Ok(())
}
",
        );
        assert_eq!(rewrite.obligations.len(), 2);
    }

    #[test]
    fn the_flush_fails_as_the_writes_do() {
        check(
            RULE,
            "fn f(path: &Path, items: &[Item]) {
    let mut file = File::create(path).unwrap();
    for item in items {
        file.write_all(item.bytes()).expect(\"room\");
    }
}
",
            "fn f(path: &Path, items: &[Item]) {
    let mut file = std::io::BufWriter::new(File::create(path).unwrap());
    for item in items {
        file.write_all(item.bytes()).expect(\"room\");
    }
    file.flush().expect(\"room\");
}
",
        );
        check(
            RULE,
            "fn f(path: &Path, items: &[Item]) {
    let mut file = File::create(path).unwrap();
    for item in items {
        let _ = write!(file, \"{item}\");
    }
    done();
}
",
            "fn f(path: &Path, items: &[Item]) {
    let mut file = std::io::BufWriter::new(File::create(path).unwrap());
    for item in items {
        let _ = write!(file, \"{item}\");
    }
    let _ = file.flush();
    done();
}
",
        );
    }

    #[test]
    fn a_file_that_is_given_back_leaves_the_buffer_first() {
        check(
            RULE,
            "fn f(path: &Path, items: &[Item]) -> io::Result<File> {
    let mut file = File::create(path)?;
    file.write_all(b\"HSP1\")?;
    for item in items {
        file.write_all(&item.id)?;
    }
    Ok(file) // at its end
}
",
            "fn f(path: &Path, items: &[Item]) -> io::Result<File> {
    let mut file = std::io::BufWriter::new(File::create(path)?);
    file.write_all(b\"HSP1\")?;
    for item in items {
        file.write_all(&item.id)?;
    }
    Ok(file.into_inner().map_err(std::io::IntoInnerError::into_error)?) // at its end
}
",
        );
        check_refuses(
            RULE,
            "fn f(path: &Path, items: &[Item]) -> io::Result<File> { let mut file = File::create(path)?; for item in items { let _ = file.write_all(item); } Ok(file) }",
            "a failed write is not told",
        );
    }

    #[test]
    fn a_flush_that_is_there_is_enough() {
        check(
            RULE,
            "fn f(path: &Path, items: &[Item]) -> io::Result<()> {
    let mut file = File::create(path)?;
    for item in items {
        write!(file, \"{item}\")?;
    }
    file.flush()?;
    Ok(())
}
",
            "fn f(path: &Path, items: &[Item]) -> io::Result<()> {
    let mut file = std::io::BufWriter::new(File::create(path)?);
    for item in items {
        write!(file, \"{item}\")?;
    }
    file.flush()?;
    Ok(())
}
",
        );
    }

    #[test]
    fn a_place_under_a_procedural_macro_is_left_alone() {
        check_refuses(
            RULE,
            "#[rewritten] fn f(p: &Path) -> R { let mut w = File::create(p)?; for x in xs { writeln!(w, \"{x}\")?; } Ok(()) }",
            "the function is under `#[rewritten]`, which may rewrite its body",
        );
    }
}
