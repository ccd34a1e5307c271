//! Tasks that do nothing but wait for the file system, on a thread that others need.

use crate::source::visit::code::Visit;

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::{SourceFile, names, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("blocking-task"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "task that blocks instead of waiting",
    explain: EXPLAIN,
    triggers: &["spawn"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `tokio::spawn(async move { … })` whose body awaits nothing and works on files of `std::fs`.

## Why it costs

The task never gives its thread away: while the disk is slow, every other task of that thread waits with it.

## Before

```rust
tokio::spawn(async move {
    let mut file = std::fs::File::open(&path)?;
    file.read_to_end(&mut text)?;
    Ok(text.len())
})
```

## After

```rust
tokio::task::spawn_blocking(move || {
    let mut file = std::fs::File::open(&path)?;
    file.read_to_end(&mut text)?;
    Ok(text.len())
})
```

The handle is of the same type. Once it runs, such a task can no longer be aborted: that is for a person to accept.

## When it is refused

The body awaits, or starts tasks of its own; the block does not `move`; nothing in it works on files.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let all = shapes::blocks(file).into_iter().flat_map(|block| {
        block.stmts.iter().flat_map(|stmt| match stmt {
            syn::Stmt::Expr(e, _) => shapes::exprs_in(e),
            syn::Stmt::Local(l) => l.init.as_ref().map_or_else(Vec::new, |init| shapes::exprs_in(&init.expr)),
            _ => Vec::new(),
        })
    });
    let mut found: Vec<Fact> = Vec::new();
    for expr in all {
        if let Some(fact) = blocking(file, expr).filter(|fact| !found.iter().any(|f| f.site == fact.site)) {
            found.push(fact);
        }
    }
    found
}

fn blocking(file: &SourceFile, expr: &syn::Expr) -> Option<Fact> {
    let spawn = |path: &[&str]| shapes::call(expr, path).filter(|call| call.args.len() == 1);
    let call = spawn(&["tokio", "spawn"]).or_else(|| spawn(&["tokio", "task", "spawn"]))?;
    let syn::Expr::Async(body) = &call.args[0] else { return None };
    body.capture.as_ref()?;
    let inside = shapes::exprs(&body.block);
    let awaits = inside.iter().any(|e| matches!(e, syn::Expr::Await(_) | syn::Expr::Async(_)));
    let starts = names::mentions(&body.block, "spawn") || names::mentions(&body.block, "tokio");
    let mut macros = Macros { hides: false };
    macros.visit_block(&body.block);
    let hides = macros.hides;
    if awaits || starts || hides || !inside.iter().any(|e| works_on_files(e)) {
        return None;
    }
    let head = TextRange { start: file.range(body).start, end: file.range(&body.block).start };
    Some(
        Fact::at(file, file.range(call))
            .capture("callee", file.range(&*call.func))
            .capture("head", head)
            .note("message", "the task waits for files without ever giving its thread away"),
    )
}

/// Whether a macro that is not known may hide a wait.
struct Macros {
    hides: bool,
}

impl<'a> Visit<'a> for Macros {
    fn visit_macro(&mut self, node: &'a syn::Macro) {
        self.hides |= names::arguments(node).is_none();
    }
}

fn works_on_files(expr: &syn::Expr) -> bool {
    let syn::Expr::Call(call) = expr else { return false };
    let syn::Expr::Path(path) = &*call.func else { return false };
    let segments: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
    match segments.as_slice() {
        [.., owner, name] if owner == "File" => ["open", "create"].contains(&name.as_str()),
        [first, .., owner, _] if owner == "fs" => first == "std",
        [owner, _] => owner == "fs",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_tasks_that_only_block() {
        for text in [
            "fn f(p: P) -> J { $0tokio::spawn(async move { let mut w = std::fs::File::open(&p)?; w.read_to_end(&mut b)?; Ok(1) })$0 }",
            "fn f(p: P) { $0tokio::spawn(async move { std::fs::remove_file(p) })$0; }",
            "async fn f(p: P) -> R { let n = $0tokio::spawn(async move { std::fs::read(p) })$0.await?; Ok(n) }",
            "fn f(p: P) { let h = $0tokio::task::spawn(async move { let t = std::fs::read_to_string(&p)?; Ok(t.len()) })$0; g(h); }",
            "fn f(ps: Vec<P>) { for p in ps { $0tokio::spawn(async move { let w = File::create(p); w.is_ok() })$0; } }",
            "impl S { fn f(&self) { let p = self.p.clone(); $0tokio::spawn(async move { std::fs::write(p, b\"x\") })$0; } }",
            "fn f(p: P) { if a { $0tokio::spawn(async move { for q in p.all() { std::fs::copy(q, r).unwrap(); } })$0; } }",
            "fn f(p: P) { set.push($0tokio::spawn(async move { std::fs::metadata(&p).map(|m| m.len()) })$0); }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(p: P) { tokio::spawn(async move { let t = tokio::fs::read(p).await; g(t); }); }",
                "fn f(p: P) { tokio::spawn(async move { let t = std::fs::read(p)?; send(t).await; Ok(()) }); }",
                "fn f(p: P) { tokio::task::spawn_blocking(move || std::fs::read(p)); }",
                "fn f(p: P) { std::thread::spawn(move || std::fs::read(p)); }",
                "fn f(n: u8) { tokio::spawn(async move { compute(n) }); }",
                "fn f(p: P) { tokio::spawn(async { std::fs::read(\"a\") }); }",
                "fn f(p: P) { tokio::spawn(load(p)); }",
                "fn f(p: P) { tokio::spawn(async move { tokio::spawn(g()); std::fs::read(p) }); }",
                "fn f(p: P) { tokio::spawn(async move { select! { a = b => {} } std::fs::read(p) }); }",
                "fn f(p: P) { spawn(async move { std::fs::read(p) }); }",
                "fn f(p: P) { async_std::task::spawn(async move { std::fs::read(p) }); }",
                "#[test] fn f() { tokio::spawn(async move { std::fs::read(p) }); }",
            ],
        );
    }
}
