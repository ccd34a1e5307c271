//! Runtimes that a function builds on each call, blocks on once, and throws away.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::functions::{Function, functions};
use crate::source::made_in_loop::handled;
use crate::source::usage::{self, How};
use crate::source::{Node, SourceFile, names, path_to, shapes};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("runtime-per-call"),
    eye: Eye::Waiting,
    kind: Kind::HiddenWait,
    class: Class::B,
    title: "runtime built anew on each call",
    explain: EXPLAIN,
    triggers: &["block_on"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds functions that are not async and build a runtime of tokio for one `block_on`.

## Why it costs

A runtime opens an event queue of the kernel and starts a thread for each core; when it is dropped, they are joined. That is
milliseconds per call, before anything has been waited for.

## Before

```rust
pub fn resolve(host: &str) -> io::Result<Vec<SocketAddr>> {
    let runtime = Runtime::new()?;
    runtime.block_on(lookup(host))
}
```

## After

```rust
pub fn resolve(host: &str) -> io::Result<Vec<SocketAddr>> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = match RUNTIME.get() {
        Some(runtime) => runtime,
        None => {
            let made = Runtime::new()?;
            RUNTIME.get_or_init(|| made)
        }
    };
    runtime.block_on(lookup(host))
}
```

A failure to build it is told as before, and tried anew by the next call. The runtime lives as long as the process: that is
for a person to accept.

## When it is refused

The function looks like the start of a program (`main`, or what it calls; `run_…`, `serve`, `start_…`); the runtime is made of
arguments, moved, shut down, or used more than once; the future starts tasks or goes through many things in a loop, so that
one runtime serves them all; it is built on a thread of its own, in a loop, or in async code.
";

/// Words at the beginning of names of functions that run once in the life of a process.
const STARTS: &[&str] =
    &["boot", "bootstrap", "daemon", "entry", "init", "launch", "listen", "main", "run", "serve", "setup", "start"];

/// Words of a future that starts what may outlive it, or that is a service.
const SERVES: &[&str] =
    &["spawn", "spawn_local", "spawn_blocking", "JoinSet", "LocalSet", "accept", "ctrl_c", "serve", "signal", "select"];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let all = functions(file);
    let main = all.iter().find(|f| f.sig.ident == "main");
    let is_once = |f: &Function<'_>| {
        let name = f.sig.ident.to_string();
        f.sig.asyncness.is_some()
            || f.sig.constness.is_some()
            || name.split('_').next().is_some_and(|word| STARTS.contains(&word))
            || main.is_some_and(|main| names::mentions(main.block, &name))
    };
    let mut found = Vec::new();
    for function in all.iter().filter(|f| !f.is_test && names::mentions(f.block, "block_on") && !is_once(f)) {
        for block in shapes::own_blocks(function.block) {
            found.extend(
                (0..block.stmts.len()).filter_map(|at| named(file, block, at).or_else(|| bare(file, block, at))),
            );
        }
    }
    found
}

/// `let rt = Runtime::new()?;` that is used for one `block_on` alone.
fn named(file: &SourceFile, block: &syn::Block, at: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[at]).filter(|l| !l.is_mut)?;
    is_runtime(file, handled(bound.value)).then_some(())?;
    let name = bound.name.to_string();
    let rest = shapes::rest(block, at);
    let uses = usage::uses(file, &rest, &name);
    let [only] = uses.as_slice() else { return None };
    let is_blocked = only.is_bare && !only.is_captured && only.how == How::Method("block_on".to_owned());
    if !is_blocked
        || shapes::count(&rest, &name) != 1
        || is_repeated(file, only.whole)
        || is_repeated(file, file.range(bound.local))
    {
        return None;
    }
    let call = shapes::exprs(&rest).into_iter().find(|e| file.range(*e) == only.whole)?;
    let future = &shapes::method(call, "block_on", 1)?.args[0];
    if serves(future) {
        return None;
    }
    Some(
        Fact::at(file, file.range(bound.local))
            .capture("name", file.span_range(bound.name.span()))
            .capture("value", file.range(bound.value))
            .note("message", format!("each call builds the runtime `{name}` anew, and joins its threads in the end")),
    )
}

/// `Runtime::new()?.block_on(future)`, computed before all else of its statement.
fn bare(file: &SourceFile, block: &syn::Block, at: usize) -> Option<Fact> {
    let first = match &block.stmts[at] {
        syn::Stmt::Expr(syn::Expr::Return(back), _) => back.expr.as_deref()?,
        syn::Stmt::Expr(expr, _) => expr,
        syn::Stmt::Local(local) => &local.init.as_ref()?.expr,
        _ => return None,
    };
    let call = blocking(first)?;
    is_runtime(file, handled(&call.receiver)).then_some(())?;
    if is_repeated(file, file.range(call)) || serves(&call.args[0]) {
        return None;
    }
    Some(
        Fact::at(file, file.range(call))
            .capture("value", file.range(&*call.receiver))
            .capture("before", file.range(&block.stmts[at]))
            .note("message", "each call builds a runtime anew, and joins its threads in the end"),
    )
}

/// The `block_on` that runs before all else of an expression.
fn blocking(expr: &syn::Expr) -> Option<&syn::ExprMethodCall> {
    match names::peel(expr) {
        syn::Expr::Try(t) => blocking(&t.expr),
        syn::Expr::Match(m) => blocking(&m.expr),
        syn::Expr::MethodCall(call) if call.method == "block_on" && call.args.len() == 1 => Some(call),
        syn::Expr::MethodCall(call) => blocking(&call.receiver),
        _ => None,
    }
}

/// `Runtime::new()`, `Builder::new_current_thread().enable_all().build()` of tokio, made of constants.
fn is_runtime(file: &SourceFile, expr: &syn::Expr) -> bool {
    let is_call = |expr: &syn::Expr, ty: &str, functions: &[&str]| {
        let syn::Expr::Call(call) = names::peel(expr) else { return false };
        let syn::Expr::Path(path) = &*call.func else { return false };
        let segments: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
        let [owner @ .., last] = segments.as_slice() else { return false };
        let is_tokio = match owner {
            [only] => only == ty && names::imports(file, ty) == [format!("tokio::runtime::{ty}")],
            [module, only] => {
                only == ty && module == "runtime" && names::imports(file, "runtime") == ["tokio::runtime"]
            }
            [krate, module, only] => krate == "tokio" && module == "runtime" && only == ty,
            _ => false,
        };
        is_tokio && call.args.is_empty() && functions.contains(&last.as_str())
    };
    if is_call(expr, "Runtime", &["new"]) {
        return true;
    }
    let Some(build) = shapes::method(expr, "build", 0) else { return false };
    // A name for its threads, or a hook: somebody cares which runtime this is.
    let is_plain = |e: &&syn::Expr| match e {
        syn::Expr::MethodCall(call) => {
            ["enable_all", "enable_io", "enable_time", "worker_threads", "build"].iter().any(|n| call.method == n)
        }
        syn::Expr::Call(_) | syn::Expr::Path(_) | syn::Expr::Lit(_) => true,
        _ => false,
    };
    let is_constant = |e: &&syn::Expr| names::plain_name(e).is_none_or(|name| *name == name.to_string().to_uppercase());
    let parts = shapes::exprs_in(expr);
    is_call(shapes::chain_root(&build.receiver), "Builder", &["new_current_thread", "new_multi_thread"])
        && parts.iter().all(is_plain)
        && parts.iter().all(is_constant)
}

/// True where a loop, a closure or an `async` block stands between the function and the place.
fn is_repeated(file: &SourceFile, at: TextRange) -> bool {
    path_to(file, at)
        .into_iter()
        .rev()
        .take_while(|node| !matches!(node, Node::Fn(_) | Node::Method(_) | Node::TraitMethod(_)))
        .any(|node| {
            matches!(
                node,
                Node::Expr(
                    syn::Expr::ForLoop(_)
                        | syn::Expr::While(_)
                        | syn::Expr::Loop(_)
                        | syn::Expr::Closure(_)
                        | syn::Expr::Async(_)
                )
            )
        })
}

/// True for futures for which one runtime is not too much: they start tasks, or await in a loop.
fn serves(future: &syn::Expr) -> bool {
    let is_loop = |e: &&syn::Expr| matches!(e, syn::Expr::ForLoop(_) | syn::Expr::While(_) | syn::Expr::Loop(_));
    let awaits = |e: &syn::Expr| shapes::exprs_in(e).iter().any(|inner| matches!(inner, syn::Expr::Await(_)));
    names::mentions_any(future, SERVES) || shapes::exprs_in(future).iter().filter(|e| is_loop(e)).any(|e| awaits(e))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_runtimes_for_one_wait() {
        for text in [
            "use tokio::runtime::Runtime; fn f(h: &str) -> R { $0let rt = Runtime::new()?;$0 rt.block_on(look(h)) }",
            "fn f(h: &str) -> u8 { $0let rt = tokio::runtime::Runtime::new().expect(\"runtime\");$0 let n = rt.block_on(async { look(h).await }); n }",
            "use tokio::runtime; fn f() -> R { $0let rt = runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;$0 rt.block_on(g()) }",
            "use tokio::runtime::Builder; impl S { pub fn get(&self, k: &str) -> V { $0let rt = Builder::new_multi_thread().worker_threads(1).enable_io().build().unwrap();$0 rt.block_on(self.client.get(k)) } }",
            "fn f() -> u8 { $0tokio::runtime::Runtime::new().unwrap().block_on(g())$0 }",
            "fn f() -> R { let n = $0tokio::runtime::Builder::new_current_thread().build()?.block_on(g())$0?; Ok(n) }",
            "fn f(a: bool) -> u8 { if a { $0let rt = tokio::runtime::Runtime::new().unwrap();$0 return rt.block_on(g()); } 0 }",
            "fn block<F: Future>(f: F) -> F::Output { $0let rt = tokio::runtime::Runtime::new().unwrap();$0 rt.block_on(f) }",
            "impl Store for S { fn load(&self) -> R { match $0tokio::runtime::Runtime::new()?.block_on(self.get())$0 { Ok(v) => Ok(v), Err(e) => Err(e.into()) } } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // The start of a program.
                "fn main() { let rt = tokio::runtime::Runtime::new().unwrap(); rt.block_on(g()); }",
                "fn run_service(s: S) -> R { let rt = tokio::runtime::Runtime::new()?; rt.block_on(s) }",
                "fn serve() { tokio::runtime::Runtime::new().unwrap().block_on(g()) }",
                "fn main() { real() } fn real() { let rt = tokio::runtime::Runtime::new().unwrap(); rt.block_on(g()); }",
                // One for many waits.
                "fn f(xs: &[u8]) { let rt = tokio::runtime::Runtime::new().unwrap(); for x in xs { rt.block_on(g(x)); } }",
                "fn f() { let rt = tokio::runtime::Runtime::new().unwrap(); rt.block_on(g()); rt.block_on(h()); }",
                "fn f(xs: V) { let rt = tokio::runtime::Runtime::new().unwrap(); rt.block_on(async { for x in xs { g(x).await; } }); }",
                "fn f() { let rt = tokio::runtime::Runtime::new().unwrap(); rt.block_on(async { tokio::spawn(g()); h().await }); }",
                // Kept, shut down, lent.
                "fn f() -> R { let rt = tokio::runtime::Runtime::new()?; Ok(S { rt }) }",
                "fn f() { let rt = tokio::runtime::Runtime::new().unwrap(); rt.block_on(g()); rt.shutdown_timeout(D); }",
                "fn f() { let rt = tokio::runtime::Runtime::new().unwrap(); let _e = rt.enter(); rt.block_on(g()); }",
                // A thread of its own, a loop, another crate's, made of an argument.
                "fn f() { std::thread::spawn(move || { let rt = tokio::runtime::Runtime::new().unwrap(); rt.block_on(g()); }); }",
                "fn f(xs: V) { for x in xs { let rt = tokio::runtime::Runtime::new().unwrap(); rt.block_on(g(x)); } }",
                "fn f() { let rt = Runtime::new().unwrap(); rt.block_on(g()); }",
                "use monoio::Runtime; fn f() { let rt = Runtime::new().unwrap(); rt.block_on(g()); }",
                "fn f(n: usize) { let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(n).build().unwrap(); rt.block_on(g()); }",
                "fn f() { let rt = tokio::runtime::Builder::new_multi_thread().thread_name(\"jobs\").build().unwrap(); rt.block_on(g()); }",
                "async fn f() { let rt = tokio::runtime::Runtime::new().unwrap(); rt.block_on(g()); }",
                "#[test] fn f() { let rt = tokio::runtime::Runtime::new().unwrap(); rt.block_on(g()); }",
            ],
        );
    }
}
