//! Guards that are taken before slow work whose outcome they are then used for.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::functions::functions;
use crate::source::locks::{self, Slow};
use crate::source::usage::{self, How};
use crate::source::{SourceFile, names, pure, shapes, too_early, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("lock-taken-early"),
    eye: Eye::Concurrency,
    kind: Kind::WideLock,
    class: Class::B,
    title: "lock taken before slow work that comes before its first use",
    explain: EXPLAIN,
    triggers: &["lock", "write"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds guards that are not used before a `let` that reads, writes, serialises, or waits for another task or machine, and are used for
its outcome only after that.

## Why it costs

Everybody else who wants the lock waits for work that does not need it.

## Before

```rust
let mut pages = self.pages.lock().unwrap();
let text = std::fs::read_to_string(path)?;
pages.insert(name, text);
```

## After

```rust
let text = std::fs::read_to_string(path)?;
let mut pages = self.pages.lock().unwrap();
pages.insert(name, text);
```

Two threads can now do the work at once. Whether the lock was meant to keep them apart is for a person to say.

## When it is refused

The slow work is done for its effect rather than for what it gives; another lock is taken meanwhile; what is guarded is looked at
before the work; it is no lock of std, parking_lot or tokio (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    if locks::calls(file) == 0 {
        return found;
    }
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| early(file, block, index)));
    }
    found
}

fn early(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let guard = shapes::plain_let(&block.stmts[index]).filter(|l| l.ty.is_none())?;
    let taken = locks::acquired(guard.value)?;
    let lock = usage::place(taken.lock).filter(|p| p.is_plain)?;
    if taken.call.method == "read" {
        return None;
    }
    let is_await = |e: &syn::Expr| matches!(e, syn::Expr::Await(_));
    let is_awaited = shapes::exprs_in(guard.value).into_iter().any(is_await);
    let name = guard.name.to_string();
    let after = &block.stmts[index + 1..];
    let first = after.iter().position(|stmt| shapes::count(stmt, &name) > 0)?;
    let (between, rest) = after.split_at(first);
    let known = between.iter().find_map(locks::slow_work);
    let computed = if known.is_none() { computed(file, between) } else { None };
    let slow = known.or(computed.as_ref().map(|_| Slow::Compute))?;
    // What is done for its effect may have to be done under the lock.
    let gives = |stmt: &syn::Stmt| match stmt {
        syn::Stmt::Local(local) => Some(names::bound_by(&local.pat)),
        // What only changes what was made between is part of making it.
        syn::Stmt::Expr(_, Some(_)) if computed.is_some() => Some(Vec::new()),
        _ => None,
    };
    let given: Vec<Vec<String>> = between.iter().map(gives).collect::<Option<_>>()?;
    let is_wanted = rest
        .iter()
        .filter(|stmt| shapes::count(*stmt, &name) > 0)
        .any(|stmt| given.iter().flatten().any(|given| shapes::count(stmt, given) > 0));
    let is_safe = slow != Slow::Wait && (slow == Slow::Await) == is_awaited && is_wanted;
    let locks_again = between.iter().any(|stmt| {
        let syn::Stmt::Local(local) = stmt else { return computed.is_none() };
        local.init.as_ref().is_some_and(|init| {
            let all = shapes::exprs_in(&init.expr);
            all.iter().any(|e| locks::acquired(e).is_some() || !is_awaited && is_await(e))
        })
    });
    let uses = usage::uses(file, &shapes::rest(block, index), &lock.root);
    let end = file.range(&rest[0]).start;
    let is_moved =
        uses.iter().any(|u| u.name.start < end && (u.how == How::Mutate || (u.is_bare && u.how == How::Value)));
    if !is_safe || locks_again || is_moved || given.iter().flatten().any(|given| *given == lock.root) {
        return None;
    }
    let message = format!("`{name}` is locked while {}, before anything is done with it", slow.words());
    let fact = Fact::at(file, file.range(&block.stmts[index]))
        .capture("lock", file.range(taken.lock))
        .capture("name", file.span_range(guard.name.span()))
        .capture("first", file.range(&rest[0]))
        .note("message", message);
    let calls = computed.into_iter().flatten();
    Some(calls.fold(fact, |fact, call| fact.capture("call", file.span_range(call.span()))))
}

/// The functions of other files that statements call, where they walk, build or sort lists and do nothing but compute, as far
/// as this file shows.
fn computed<'a>(file: &SourceFile, stmts: &'a [syn::Stmt]) -> Option<Vec<&'a syn::Ident>> {
    const SORTS: &[&str] = &[
        "sort",
        "sort_by",
        "sort_by_key",
        "sort_by_cached_key",
        "sort_unstable",
        "sort_unstable_by",
        "sort_unstable_by_key",
    ];
    let all = functions(file);
    let made: Vec<String> = stmts.iter().filter_map(|s| Some(shapes::plain_let(s)?.name.to_string())).collect();
    let (mut calls, mut costs) = (Vec::new(), false);
    for stmt in stmts {
        let value = match stmt {
            syn::Stmt::Local(_) => shapes::plain_let(stmt)?.value,
            syn::Stmt::Expr(expr @ syn::Expr::MethodCall(call), Some(_)) => {
                made.iter().any(|name| names::plain_name(&call.receiver).is_some_and(|n| n == name)).then_some(expr)?
            }
            _ => return None,
        };
        costs |= too_early::costs(&all, value);
        for expr in shapes::exprs_in(value) {
            match expr {
                syn::Expr::MethodCall(call) => {
                    let name = call.method.to_string();
                    let is_own = names::root(&call.receiver).is_some_and(|root| made.iter().any(|m| root == m));
                    let is_sort = is_own && SORTS.contains(&name.as_str());
                    costs |= is_sort;
                    let is_known = pure::computes(&name) || is_sort || (is_own && usage::is_changing_method(&name));
                    let is_of_file = all.iter().any(|f| f.sig.ident == call.method);
                    if !is_known || (is_of_file && !pure::is_pure(file, expr)) {
                        return None;
                    }
                }
                syn::Expr::Call(call) => {
                    let syn::Expr::Path(path) = &*call.func else { return None };
                    let last = &path.path.segments.last()?.ident;
                    if !pure::is_pure(file, expr) && all.iter().any(|f| f.sig.ident == *last) {
                        return None;
                    }
                    let is_built = last.to_string().starts_with(char::is_uppercase);
                    let is_module = path.path.segments.len() > 1
                        && path.path.segments[0].ident.to_string().starts_with(char::is_lowercase);
                    if !is_built && (is_module || !names::imports(file, &last.to_string()).is_empty()) {
                        costs = true;
                        calls.push(last);
                    } else if !pure::is_pure(file, expr) {
                        return None;
                    }
                }
                syn::Expr::Macro(m) if !["format", "vec", "matches"].iter().any(|name| m.mac.path.is_ident(name)) => {
                    return None;
                }
                syn::Expr::Assign(_)
                | syn::Expr::Await(_)
                | syn::Expr::Try(_)
                | syn::Expr::Unsafe(_)
                | syn::Expr::Return(_) => return None,
                syn::Expr::Reference(r) if r.mutability.is_some() => return None,
                syn::Expr::Binary(b) if usage::is_assignment(&b.op) => return None,
                _ => {}
            }
        }
    }
    costs.then_some(calls)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_the_work_comes_before_the_first_use() {
        for text in [
            "fn f(m: &Mutex<M>, p: &Path) -> R { $0let mut g = m.lock().unwrap();$0 let t = std::fs::read_to_string(p)?; g.insert(p, t); Ok(()) }",
            "impl S { fn f(&self, o: &O) -> R { $0let mut g = self.log.lock();$0 let t = serde_json::to_string(o)?; g.push(t); Ok(()) } }",
            "fn f(m: &RwLock<M>, xs: &[u8]) { $0let mut g = m.write().unwrap();$0 let t: Vec<S> = xs.iter().map(|x| format!(\"{x}\")).collect(); g.extend(t); }",
            "fn f(m: &Mutex<M>, p: &Path) -> R { $0let mut g = m.lock().unwrap();$0 let b = std::fs::read(p)?; let n = b.len(); *g += n; Ok(()) }",
            "fn f(m: &Mutex<M>) -> R { if a { $0let mut g = m.lock().unwrap();$0 let v: V = serde_json::from_str(T)?; if v.ok { g.push(v); } } Ok(()) }",
            "fn f(m: &Mutex<M>, p: &Path) -> R { $0let mut g = m.lock().expect(\"l\");$0 let n = std::fs::metadata(p)?.len(); g.size = n; Ok(()) }",
            "fn f(m: &Mutex<M>) -> R { $0let mut g = m.lock().unwrap();$0 let out = Command::new(\"a\").output()?; g.push(out); Ok(()) }",
            "async fn f(&self, url: &str) -> R { $0let mut sizes = self.sizes.lock().await;$0 let page = self.transport.get(url).await?; let size = page.body.len(); sizes.insert(page.url, size); Ok(size) }",
            "fn f(xs: &[P], m: &Mutex<M>) -> R { for p in xs { $0let mut g = m.lock().unwrap();$0 let t = std::fs::read(p)?; g.push(t); } Ok(()) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Done for its effect, or in an order.
                "fn f(m: &Mutex<M>, t: S) -> R { let mut g = m.lock().unwrap(); std::fs::write(\"a\", &t)?; g.push(t); Ok(()) }",
                "fn f(m: &Mutex<M>, t: S) { let mut g = m.lock().unwrap(); let _ = std::fs::write(\"a\", &t); g.push(t); }",
                "fn f(m: &Mutex<M>) { let mut g = m.lock().unwrap(); std::thread::sleep(D); g.push(1); }",
                // Looked at before.
                "fn f(m: &Mutex<M>, p: &Path) -> R { let mut g = m.lock().unwrap(); if g.is_empty() { return Ok(()); } let t = std::fs::read(p)?; g.push(t); Ok(()) }",
                "fn f(m: &Mutex<M>) -> R { let mut g = m.lock().unwrap(); let t = std::fs::read(&g.path)?; g.push(t); Ok(()) }",
                // One at a time, on purpose.
                "async fn f(m: &Mutex<M>) -> R { let mut g = m.lock().await; if let Some(t) = g.get(1) { return t; } let t = fetch().await; g.push(t); }",
                "async fn f(m: &Mutex<M>) { let mut g = m.lock().await; let t = fetch(g.len()).await; g.push(t); }",
                "async fn f(m: &Mutex<M>, n: &Mutex<M>) { let mut g = m.lock().await; let t = n.lock().await.len(); g.push(t); }",
                "async fn f(m: &Mutex<()>) { let _g = m.lock().await; let t = fetch().await; h(t); }",
                "fn f(m: &Mutex<M>) { let mut g = m.lock().unwrap(); let t = fetch().await; g.push(t); }",
                "fn f(m: &Mutex<M>) { let mut g = m.lock().unwrap(); let t = rx.recv(); g.push(t); }",
                // Nothing slow, nothing of it used, another lock.
                "fn f(m: &Mutex<M>, x: u8) { let mut g = m.lock().unwrap(); let y = x + 1; g.push(y); }",
                "fn f(m: &Mutex<M>, p: &Path) -> R { let mut g = m.lock().unwrap(); let t = std::fs::read(p)?; g.push(1); h(t) }",
                "fn f(m: &Mutex<M>, n: &Mutex<M>) -> R { let mut g = m.lock().unwrap(); let t = std::fs::read(n.lock().unwrap().path)?; g.push(t); Ok(()) }",
                "fn f(m: &RwLock<M>, p: &Path) -> R { let g = m.read().unwrap(); let t = std::fs::read(p)?; h(&g, t) }",
                "fn f(m: &Mutex<()>, p: &Path) -> R { let _g = m.lock().unwrap(); let t = std::fs::read(p)?; h(t) }",
                "fn f(m: &mut Mutex<M>, p: &Path) -> R { let mut g = m.lock().unwrap(); let m = std::fs::read(p)?; g.push(m); Ok(()) }",
                "#[test] fn f() { let mut g = m.lock().unwrap(); let t = std::fs::read(p).unwrap(); g.push(t); }",
            ],
        );
    }
}
