//! A file of std in async code in; a file of tokio, awaited at each call, out.

use super::{Draft, Recipe, borrow, file_of, holds, place, runtime, short, unused_import};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::{self, SourceFile, names, shapes};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("blocking-handle-in-async"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (name, callee, opened) = (file.slice(captured("name")?), captured("callee")?, captured("opened")?);
    let (value, last) = (captured("value")?, captured("last")?);
    runtime::require_tokio(files, file)?;
    let uses = finding.captures_named("use");
    for at in uses.iter().chain([&finding.range]) {
        runtime::refuse_held_guards(file, *at)?;
    }
    let calls: Vec<Call<'_>> = uses.iter().filter_map(|at| call_at(file, *at)).collect();
    let reads = calls.iter().any(|call| call.method.starts_with("read"));
    let writes = calls.iter().any(|call| call.method.starts_with("write"));
    let is_buffered = finding.capture("looped").is_some() && writes && !reads;
    let mut edits = imports(file, finding.range, reads, writes);
    let function = file.slice(callee).rsplit("::").next().unwrap_or_default();
    let ty = if function.trim() == "new" { "OpenOptions" } else { "File" };
    edits.push(TextEdit { range: callee, text: format!("tokio::fs::{ty}::{}", function.trim()) });
    edits.push(insertion(opened.end, ".await"));
    if is_buffered {
        edits.push(insertion(value.start, "tokio::io::BufWriter::new("));
        edits.push(insertion(value.end, ")"));
    }
    for call in &calls {
        match &call.printed {
            Some(printed) => edits.extend(printed.iter().cloned()),
            None => edits.push(insertion(call.range.end, ".await")),
        }
        if is_buffered && call.method.starts_with("sync") {
            let (block, index) = source::stmt_around(file, call.range).ok_or("the call is gone")?;
            let flush = format!("{name}.flush().await{};", call.end);
            edits.extend(place::insert_before(file, file.range(&block.stmts[index]), &flush));
            edits.push(insertion(call.receiver.end, ".get_ref()"));
        }
        if is_buffered && call.method == "set_len" {
            return Err(format!("`{name}` is cut while a buffer would hold what was written"));
        }
    }
    let gone: Vec<TextRange> = calls.iter().map(|call| call.range).chain([callee]).collect();
    const WRITE: &[&str] = &["Write", "write_all", "write_fmt", "write", "writeln", "flush", "by_ref"];
    const READ: &[&str] = &["Read", "read", "read_to_end", "read_to_string", "read_exact", "bytes", "take", "by_ref"];
    edits.extend(unused_import::dropped(file, finding.range, &["std", "io", "Write"], WRITE, &gone));
    edits.extend(unused_import::dropped(file, finding.range, &["std", "io", "Read"], READ, &gone));
    edits.extend(unused_import::dropped(file, finding.range, &["std", "fs", "File"], &["File"], &gone));
    edits.extend(unused_import::dropped(file, finding.range, &["std", "fs", "OpenOptions"], &["OpenOptions"], &gone));
    // What is still on its way is lost when a file of tokio is dropped.
    let is_settled = calls.last().is_some_and(|call| !call.method.starts_with("write"));
    if let Some(write) = calls.last().filter(|_| writes && !is_settled) {
        edits.extend(place::insert_after(file, last, &format!("{name}.flush().await{};", write.end)));
    }
    Ok(Draft {
        title: format!("work on {name} without blocking the executor in {}", short(&finding.function)),
        edits: vec![(file.path.clone(), place::joined(edits))],
        preconditions: vec![
            holds("the crate uses tokio, and no guard is held while it waits"),
            holds(format!("`{name}` is only written, read and synced")),
            borrow("what lives across the calls may be sent where the future goes"),
        ],
        obligations: vec![
            "cancellation: the task may be dropped at each call, and other tasks run meanwhile".to_owned(),
        ],
        ..Draft::default()
    })
}

/// A call on the handle, and what is done with its failure.
struct Call<'a> {
    range: TextRange,
    receiver: TextRange,
    method: String,
    end: &'a str,
    /// What becomes of a macro that writes.
    printed: Option<Vec<TextEdit>>,
}

fn call_at(file: &SourceFile, at: TextRange) -> Option<Call<'_>> {
    let call = source::expr_at(file, at)?;
    let around = source::path_to(file, at).into_iter().rev().find_map(|node| match node {
        source::Node::Expr(expr) => {
            Some(shapes::fallible(file, expr)).filter(|(inner, end)| file.range(*inner) == at && !end.is_empty())
        }
        _ => None,
    });
    let end = around.map_or("", |(_, end)| end);
    match call {
        syn::Expr::MethodCall(call) => {
            let receiver = file.range(&*call.receiver);
            Some(Call { range: at, receiver, method: call.method.to_string(), end, printed: None })
        }
        syn::Expr::Macro(m) => {
            let printed = Some(printed(file, &m.mac, at)?);
            let receiver = file.range(names::arguments(&m.mac)?.first()?);
            Some(Call { range: at, receiver, method: "write_all".to_owned(), end, printed })
        }
        _ => None,
    }
}

/// `writeln!(file, "{x}")` as `file.write_all(format!("{x}\n").as_bytes()).await`.
fn printed(file: &SourceFile, mac: &syn::Macro, at: TextRange) -> Option<Vec<TextEdit>> {
    let arguments = names::arguments(mac)?;
    let (to, text) = (file.range(&arguments[0]), file.range(arguments.get(1)?));
    let mut edits = vec![
        TextEdit {
            range: TextRange { start: at.start, end: text.start },
            text: format!("{}.write_all(format!(", file.slice(to)),
        },
        TextEdit { range: TextRange { start: at.end - 1, end: at.end }, text: ").as_bytes()).await".to_owned() },
    ];
    if mac.path.is_ident("writeln") {
        edits.push(insertion(text.end - 1, "\\n"));
    }
    Some(edits)
}

fn imports(file: &SourceFile, before: TextRange, reads: bool, writes: bool) -> Vec<TextEdit> {
    let wanted = [(reads, "AsyncReadExt"), (writes, "AsyncWriteExt")]
        .into_iter()
        .filter(|(is_used, name)| *is_used && !place::is_imported(file, before, &["tokio", "io", name]));
    let lines: Vec<String> = wanted.map(|(_, name)| format!("use tokio::io::{name} as _;")).collect();
    if lines.is_empty() { Vec::new() } else { place::insert_before(file, before, &lines.join("\n")) }
}

fn insertion(at: u32, text: &str) -> TextEdit {
    TextEdit { range: TextRange { start: at, end: at }, text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "blocking-handle-in-async";

    #[test]
    fn a_loop_writes_through_a_buffer_of_tokio() {
        let rewrite = check(
            RULE,
            "async fn f(path: &Path, lines: &[String]) -> io::Result<()> {
    tokio::spawn(g());
    // Anew.
    let mut file = std::fs::File::create(path)?;
    for line in lines {
        file.write_all(line.as_bytes())?; // whole
    }
    file.sync_all()?;
    Ok(())
}
",
            "async fn f(path: &Path, lines: &[String]) -> io::Result<()> {
    tokio::spawn(g());
    use tokio::io::AsyncWriteExt as _;
    // Anew.
    let mut file = tokio::io::BufWriter::new(tokio::fs::File::create(path).await?);
    for line in lines {
        file.write_all(line.as_bytes()).await?; // whole
    }
    file.flush().await?;
    file.get_ref().sync_all().await?;
    Ok(())
}
",
        );
        assert_eq!(rewrite.obligations.len(), 1);
    }

    #[test]
    fn a_file_that_is_read_or_written_once_is_awaited() {
        check(
            RULE,
            "async fn f(path: &Path) -> io::Result<Vec<u8>> {
    tokio::spawn(g());
    let mut file = std::fs::File::open(path)?;
    let mut all = Vec::new();
    file.read_to_end(&mut all)?;
    Ok(all)
}
",
            "async fn f(path: &Path) -> io::Result<Vec<u8>> {
    tokio::spawn(g());
    use tokio::io::AsyncReadExt as _;
    let mut file = tokio::fs::File::open(path).await?;
    let mut all = Vec::new();
    file.read_to_end(&mut all).await?;
    Ok(all)
}
",
        );
        check(
            RULE,
            "async fn f(path: &Path) {\n    tokio::spawn(g());\n    let mut file = std::fs::File::create(path).unwrap();\n    file.write_all(b\"x\").unwrap();\n    done();\n}\n",
            "async fn f(path: &Path) {\n    tokio::spawn(g());\n    use tokio::io::AsyncWriteExt as _;\n    let mut file = tokio::fs::File::create(path).await.unwrap();\n    file.write_all(b\"x\").await.unwrap();\n    file.flush().await.unwrap();\n    done();\n}\n",
        );
    }

    #[test]
    fn lines_that_a_macro_writes_are_formatted_before() {
        check(
            RULE,
            "use std::io::Write;
async fn f(path: &Path, line: &str) -> io::Result<()> {
    tokio::spawn(g());
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path)?;
    writeln!(file, \"{}: {line}\", now())?; // at once
    Ok(())
}
",
            "async fn f(path: &Path, line: &str) -> io::Result<()> {
    tokio::spawn(g());
    use tokio::io::AsyncWriteExt as _;
    let mut file = tokio::fs::OpenOptions::new().append(true).create(true).open(path).await?;
    file.write_all(format!(\"{}: {line}\\n\", now()).as_bytes()).await?; // at once
    file.flush().await?;
    Ok(())
}
",
        );
    }

    #[test]
    fn a_guard_and_a_crate_without_tokio_refuse() {
        check_refuses(
            RULE,
            "async fn f(m: &tokio::sync::Mutex<V>) -> R { let g = m.lock().await; let mut w = std::fs::File::create(p)?; w.write_all(b\"x\")?; Ok(()) }",
            "the guard `g` may be held while the task waits: others would wait for it, too",
        );
        check_refuses(
            RULE,
            "async fn f(p: &Path) -> R { let mut w = std::fs::File::create(p)?; w.write_all(b\"x\")?; Ok(()) }",
            "nothing in the crate speaks of tokio, whose timer would be used",
        );
    }
}
