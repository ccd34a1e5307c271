//! Calls of `std::fs` in `async` code, which block the executor's thread.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::{SourceFile, names, shapes, usage};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("blocking-in-async"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "file system called in async code",
    explain: EXPLAIN,
    triggers: &["fs", "exists"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds calls of `std::fs` (`read`, `write`, `read_to_string`, `copy`, `rename`, `metadata`, …), and of `exists` on paths, in
`async` functions and blocks.

## Why it costs

The thread of the executor waits for the disk, and with it every other task that it was to run. A file system that takes
20 ms now and then gives 20 ms to requests that have nothing to do with it.

## Before

```rust
async fn template(&self, name: &str) -> io::Result<String> {
    std::fs::read_to_string(self.folder.join(name))
}
```

## After

```rust
async fn template(&self, name: &str) -> io::Result<String> {
    tokio::fs::read_to_string(self.folder.join(name)).await
}
```

The call goes to tokio's threads for blocking work. A single call gets slower by the way there and back: what is won is the
latency of everybody else.

## When it is refused

The crate does not use tokio, or not its `fs` (rustc does not accept it); a guard of a lock, or something borrowed from a
`RefCell`, may be held meanwhile. Closures are left alone: they may run on a thread of their own (`spawn_blocking`).
";

/// Functions that `tokio::fs` has under the same name, with the same arguments and the same result.
const FUNCTIONS: &[&str] = &[
    "canonicalize",
    "copy",
    "create_dir",
    "create_dir_all",
    "hard_link",
    "metadata",
    "read",
    "read_link",
    "read_to_string",
    "remove_dir",
    "remove_dir_all",
    "remove_file",
    "rename",
    "set_permissions",
    "symlink_metadata",
    "write",
];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let calls = shapes::async_exprs(file).into_iter().filter_map(|expr| match expr {
        syn::Expr::Call(call) => std_fs(file, call).map(|name| (call, name)),
        _ => None,
    });
    let fact = |(call, name): (&syn::ExprCall, String)| {
        let message = format!("`fs::{name}` blocks the thread, and with it every task that the executor runs on it");
        Fact::at(file, file.range(call)).capture("callee", file.range(&*call.func)).note("message", message)
    };
    let asked = shapes::async_exprs(file).into_iter().filter_map(|expr| {
        let call = shapes::method(expr, "exists", 0)?;
        let is_path = usage::place(&call.receiver).is_some() || shapes::method(&call.receiver, "join", 1).is_some();
        is_path.then_some(call)
    });
    let asks = |call: &syn::ExprMethodCall| {
        let message = "`exists` blocks the thread, and with it every task that the executor runs on it";
        Fact::at(file, file.range(call)).capture("path", file.range(&*call.receiver)).note("message", message)
    };
    calls.map(fact).chain(asked.map(asks)).collect()
}

/// The function of `std::fs` that is called.
pub(super) fn std_fs(file: &SourceFile, call: &syn::ExprCall) -> Option<String> {
    let syn::Expr::Path(callee) = &*call.func else { return None };
    let segments: Vec<String> = callee.path.segments.iter().map(|s| s.ident.to_string()).collect();
    let name = segments.last().filter(|name| FUNCTIONS.contains(&name.as_str()))?.clone();
    let is_std = match &segments[..segments.len() - 1] {
        [std, fs] => std == "std" && fs == "fs",
        [fs] => fs == "fs" && names::imports(file, "fs") == ["std::fs"],
        _ => false,
    };
    is_std.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_in_async_code() {
        for text in [
            "async fn f(p: &Path) -> R { Ok($0std::fs::read(p)$0?) }",
            "use std::fs; async fn f(p: &Path) { let t = $0fs::read_to_string(p)$0.unwrap(); g(t).await; }",
            "use std::{fs, io}; async fn f(p: &Path) -> io::Result<()> { $0fs::write(p, b\"a\")$0 }",
            "fn f(p: PathBuf) { spawn(async move { let _ = $0std::fs::remove_file(&p)$0; }); }",
            "impl S { async fn f(&self) -> R { if $0std::fs::metadata(&self.p)$0?.len() > 1 { g().await } Ok(()) } }",
            "async fn f(p: &Path) -> R { for q in a() { $0std::fs::rename(p, q)$0?; } Ok(()) }",
            "async fn f(p: &Path) -> R { $0std::fs::create_dir_all(p)$0?; $0std::fs::copy(p, q)$0?; Ok(()) }",
            "async fn f(p: &Path) -> bool { $0p.exists()$0 && g().await }",
            "impl S { async fn f(&self, n: &str) -> bool { if !$0self.root.join(n).exists()$0 { g().await } true } }",
            "async fn f(p: &Path) { match $0std::fs::read(p)$0 { Ok(b) => g(b), Err(e) => h(e) } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(p: &Path) -> R { std::fs::read(p) }",
                "async fn f(p: &Path) -> R { tokio::fs::read(p).await }",
                "use tokio::fs; async fn f(p: &Path) -> R { fs::read(p).await }",
                "use async_fs as fs; async fn f(p: &Path) -> R { fs::read(p).await }",
                "use my::fs; async fn f(p: &Path) -> R { fs::read(p) }",
                "use std::fs; use tokio::fs; async fn f(p: &Path) -> R { fs::read(p) }",
                "async fn f(p: &Path) -> R { fs::read(p) }",
                "async fn f(p: PathBuf) { spawn_blocking(move || std::fs::read(p)).await; }",
                "async fn f(p: &Path) { fn g(p: &Path) { std::fs::read(p); } g(p); }",
                "async fn f(p: &Path) { for e in std::fs::read_dir(p).unwrap() { g(e); } }",
                "async fn f(p: &Path) -> bool { std::fs::exists(p).unwrap() }",
                "async fn f(s: &S) { s.fs.read(1); }",
                "fn f(p: &Path) -> bool { p.exists() }",
                "async fn f(s: &S) -> bool { s.exists(1) }",
                "async fn f(s: &S) -> bool { s.table().exists() }",
                "async fn f(p: P) -> bool { spawn_blocking(move || p.exists()).await }",
                "async fn f(p: &Path) { let read = std::fs::read; g(read); }",
                "async fn f(p: &Path) { trace!(std::fs::read(p)); }",
                "#[tokio::test] async fn f() { std::fs::read(p).unwrap(); }",
            ],
        );
    }
}
