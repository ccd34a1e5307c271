//! Files of std that async code opens and works on through a handle.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::polls::is_async;
use crate::source::usage::{self, How, Use};
use crate::source::{SourceFile, names, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("blocking-handle-in-async"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "file of std written or read in async code",
    explain: EXPLAIN,
    triggers: &["File", "OpenOptions"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `async` functions and blocks that open or create a `std::fs::File` for themselves and only write to it, read from it or
sync it.

## Why it costs

The thread of the executor waits for the disk at each call, and with it every other task that it was to run; a sync takes
milliseconds.

## Before

```rust
let mut file = std::fs::File::create(&path)?;
for line in lines {
    file.write_all(line.as_bytes())?;
}
file.sync_all()?;
```

## After

```rust
use tokio::io::AsyncWriteExt as _;
let mut file = tokio::io::BufWriter::new(tokio::fs::File::create(&path).await?);
for line in lines {
    file.write_all(line.as_bytes()).await?;
}
file.flush().await?;
file.get_ref().sync_all().await?;
```

What a loop writes goes through a buffer, because each call takes the way to tokio's threads for blocking work and back.

## When it is refused

The file is used for anything else (handed on, sought, captured); a guard of a lock may be held
meanwhile; the crate does not use tokio, or not its `fs` (rustc does not accept it).
";

/// Methods that files of tokio have as well.
const METHODS: &[&str] =
    &["write_all", "flush", "sync_all", "sync_data", "read_to_string", "read_to_end", "read_exact", "set_len"];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in shapes::blocks(file) {
        found.extend((0..block.stmts.len()).filter_map(|index| handle(file, block, index)));
    }
    found
}

fn handle(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| l.is_mut && l.ty.is_none())?;
    let (opened, end) = shapes::fallible(file, bound.value);
    let callee = std_file(file, opened)?;
    let site = file.range(bound.local);
    if end.is_empty() || !is_async(file, site) {
        return None;
    }
    let name = bound.name.to_string();
    let rest = shapes::rest(block, index);
    let uses = usage::uses(file, &rest, &name);
    let written = written(file, &rest, &name);
    let is_work = |u: &Use| {
        let is_call = matches!(&u.how, How::Method(m) if METHODS.contains(&m.as_str()));
        u.is_bare && !u.is_captured && (is_call || written.iter().any(|(argument, _)| *argument == u.name))
    };
    if uses.is_empty() || !uses.iter().all(is_work) || !usage::bindings(file, &rest, &name).is_empty() {
        return None;
    }
    let last = block.stmts.iter().rfind(|stmt| file.range(*stmt).contains(uses[uses.len() - 1].name))?;
    let mut fact = Fact::at(file, site)
        .capture("name", file.span_range(bound.name.span()))
        .capture("callee", callee)
        .capture("opened", file.range(opened))
        .capture("value", file.range(bound.value))
        .capture("last", file.range(last))
        .note("message", format!("`{name}` blocks the thread at each call, and with it every task that it was to run"));
    for u in &uses {
        let whole = written.iter().find(|(argument, _)| *argument == u.name).map_or(u.whole, |(_, whole)| *whole);
        fact = fact.capture("use", whole);
    }
    let loops = block.stmts[index + 1..].iter().filter(|stmt| is_loop(stmt));
    if loops.into_iter().any(|stmt| shapes::count(stmt, &name) > 0) {
        fact = fact.capture("looped", site);
    }
    Some(fact)
}

/// `write!(name, "…")` and `writeln!(name, "…")`: the name in them, and the whole.
fn written(file: &SourceFile, block: &syn::Block, name: &str) -> Vec<(TextRange, TextRange)> {
    let macros = shapes::exprs(block).into_iter().filter_map(|expr| {
        let mac = shapes::macro_call(expr, "writeln").or_else(|| shapes::macro_call(expr, "write"))?;
        let arguments = names::arguments(mac)?;
        let [to, syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }), ..] = arguments.as_slice() else {
            return None;
        };
        let is_text = file.slice(file.span_range(text.span())).starts_with('"');
        let is_name = names::plain_name(to).is_some_and(|found| found == name);
        (is_text && is_name).then(|| (file.range(to), file.range(expr)))
    });
    macros.collect()
}

fn is_loop(stmt: &syn::Stmt) -> bool {
    matches!(stmt, syn::Stmt::Expr(syn::Expr::ForLoop(_) | syn::Expr::While(_) | syn::Expr::Loop(_), _))
}

/// The path of `std::fs::File::open` or `create`, or of `OpenOptions::new` behind which `open` is called, however they
/// are imported.
fn std_file(file: &SourceFile, expr: &syn::Expr) -> Option<TextRange> {
    if let Some(open) = shapes::method(expr, "open", 1) {
        let root = shapes::chain_root(&open.receiver);
        const KNOWN: &[&str] = &["read", "write", "append", "truncate", "create", "create_new"];
        let chain = shapes::exprs_in(&open.receiver);
        let is_known = chain.iter().all(|e| match e {
            syn::Expr::MethodCall(call) => KNOWN.iter().any(|m| call.method == m),
            _ => true,
        });
        return std_call(file, root, "OpenOptions", &["new"]).filter(|_| is_known);
    }
    std_call(file, expr, "File", &["open", "create"])
}

/// The path of a call of a function of `std::fs`.
fn std_call(file: &SourceFile, expr: &syn::Expr, wanted: &str, functions: &[&str]) -> Option<TextRange> {
    let syn::Expr::Call(call) = names::peel(expr) else { return None };
    let syn::Expr::Path(path) = &*call.func else { return None };
    let segments: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
    let [owner @ .., ty, name] = segments.as_slice() else { return None };
    let is_std = match owner {
        [] => names::imports(file, wanted) == [format!("std::fs::{wanted}")],
        [fs] => fs == "fs" && names::imports(file, "fs") == ["std::fs"],
        [std, fs] => std == "std" && fs == "fs",
        _ => false,
    };
    (is_std && ty == wanted && functions.contains(&name.as_str())).then(|| file.range(&*call.func))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_handles_that_async_code_works_on() {
        for text in [
            "async fn f(p: &Path, xs: &[S]) -> R { $0let mut w = std::fs::File::create(p)?;$0 for x in xs { w.write_all(x)?; } w.sync_all()?; Ok(()) }",
            "use std::fs::File; async fn f(p: &Path) -> R { $0let mut w = File::open(p)?;$0 let mut t = String::new(); w.read_to_string(&mut t)?; Ok(t) }",
            "use std::fs; async fn f(p: &Path) { $0let mut w = fs::File::create(p).unwrap();$0 w.write_all(b\"x\").unwrap(); }",
            "impl S { async fn f(&mut self) -> R { $0let mut w = std::fs::File::create(self.root.join(\"a\"))?;$0 w.write_all(b\"x\")?; w.flush()?; g().await; Ok(()) } }",
            "fn f(p: P) { tokio::spawn(async move { $0let mut w = std::fs::File::create(p)?;$0 w.write_all(b\"x\")?; g().await; Ok(()) }); }",
            "impl H for S { async fn f(&self) -> R { $0let mut w = std::fs::File::open(&self.p)?;$0 w.read_exact(&mut b)?; Ok(()) } }",
            "async fn f(p: &Path) -> R { if a { $0let mut w = std::fs::File::create(p).expect(\"p\");$0 w.write_all(b\"x\")?; } Ok(()) }",
            "async fn f(p: &Path) -> R { $0let mut w = std::fs::File::open(p)?;$0 let mut b = Vec::new(); w.read_to_end(&mut b)?; g(b).await }",
            "async fn f(p: &Path) -> R { $0let mut w = std::fs::OpenOptions::new().append(true).create(true).open(p)?;$0 writeln!(w, \"{x}\")?; Ok(()) }",
            "use std::fs::OpenOptions; fn f(p: P) { tokio::spawn(async move { while let Some(e) = rx.recv().await { $0let mut w = OpenOptions::new().append(true).open(&p).unwrap();$0 writeln!(w, \"{} {}\", e.a, e.b).unwrap(); } }); }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(p: &Path) -> R { let mut w = std::fs::File::create(p)?; w.write_all(b\"x\")?; Ok(()) }",
                "async fn f(p: &Path) -> R { let mut w = tokio::fs::File::create(p).await?; w.write_all(b\"x\").await?; Ok(()) }",
                "use tokio::fs::File; async fn f(p: &Path) -> R { let mut w = File::create(p).await?; w.write_all(b\"x\").await?; Ok(()) }",
                "async fn f(p: P) -> R { spawn_blocking(move || { let mut w = std::fs::File::create(p)?; w.write_all(b\"x\")?; Ok(()) }).await }",
                "async fn f(p: &Path) -> R { let mut w = std::fs::File::create(p)?; dump(&mut w)?; Ok(()) }",
                "async fn f(p: &Path) -> R { let mut w = std::fs::File::create(p)?; writeln!(w)?; Ok(()) }",
                "async fn f(p: &Path) -> R { let mut w = std::fs::File::create(p)?; writeln!(w, \"{}\", w.len())?; Ok(()) }",
                "async fn f(p: &Path) -> R { let mut w = std::fs::OpenOptions::new().mode(0o600).open(p)?; w.write_all(b\"x\")?; Ok(()) }",
                "use tokio::fs::OpenOptions; async fn f(p: &Path) -> R { let mut w = OpenOptions::new().open(p).await?; w.write_all(b\"x\").await?; Ok(()) }",
                "async fn f(p: &Path) -> R { let mut w = std::fs::File::create(p)?; w.write_all(b\"x\")?; Ok(w) }",
                "async fn f(p: &Path) -> R { let mut w = std::fs::File::open(p)?; w.seek(s)?; w.read_exact(&mut b)?; Ok(()) }",
                "async fn f(p: &Path) -> R { let mut w = BufWriter::new(std::fs::File::create(p)?); w.write_all(b\"x\")?; Ok(()) }",
                "async fn f(p: &Path) -> R { let mut w = std::fs::File::create(p)?; xs.iter().for_each(|x| w.write_all(x).unwrap()); Ok(()) }",
                "async fn f(p: &Path) -> R { let w = std::fs::File::create(p)?; w.sync_all()?; Ok(()) }",
                "async fn f(p: &Path) -> R { let mut w = Store::create(p)?; w.write_all(b\"x\")?; Ok(()) }",
                "#[tokio::test] async fn f() { let mut w = std::fs::File::create(p).unwrap(); w.write_all(b\"x\").unwrap(); }",
            ],
        );
    }
}
