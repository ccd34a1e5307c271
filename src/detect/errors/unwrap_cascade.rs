//! Functions that can return an error and panic instead, several times.

use crate::source::visit::code::{self as visit, Visit};

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::functions::{Function, head};
use crate::source::{SourceFile, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("unwrap-cascade"),
    eye: Eye::Errors,
    kind: Kind::ErrorLadder,
    class: Class::D,
    title: "function that could return its errors panics instead",
    explain: EXPLAIN,
    triggers: &["unwrap", "expect"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds functions that return a `Result` (or an `Option`) and unwrap at least two others on the way, with `.unwrap()` or
`.expect(\"…\")`.

**This rewrite changes behaviour, and is of class D for that: it is proposed only where it is asked for, with
`refit propose --class D`.** What panicked returns an error afterwards.

## Why it costs

It costs no time: the rewrite is neutral in speed and is never counted as a saving. A panic takes the request down, and with
`panic = \"abort\"` the process, for a failure that the caller is there to handle.

## Before

```rust
fn load(path: &Path) -> Result<u64, Error> {
    let text = fs::read_to_string(path).unwrap();
    let limit = text.trim().parse::<u64>().expect(\"a number\");
    Ok(limit)
}
```

## After

```rust
fn load(path: &Path) -> Result<u64, Error> {
    let text = fs::read_to_string(path)?;
    let limit = text.trim().parse::<u64>()?;
    Ok(limit)
}
```

## When it is refused

The error of the function cannot be made of the error at hand (rustc does not accept it); the unwrapped value is not a
`Result` where the function returns one, or not an `Option` where it returns one (asked of rustc); the call stands in a
closure, an `async` block or a macro, where `?` would leave something else; a lock is unwrapped: that it is poisoned is
seldom an error of the caller.
";

/// Functions and methods of std and the usual crates that give a `Result`.
const FALLIBLE: &[&str] = &[
    "bind",
    "canonicalize",
    "connect",
    "create",
    "create_dir_all",
    "duration_since",
    "from_reader",
    "from_slice",
    "from_str",
    "from_str_radix",
    "from_utf8",
    "from_value",
    "metadata",
    "open",
    "parse",
    "read_dir",
    "read_exact",
    "read_line",
    "read_to_end",
    "read_to_string",
    "recv",
    "remove_file",
    "to_vec",
    "to_writer",
    "try_from",
    "try_into",
    "var",
    "write_all",
];

/// Those that give an `Option`.
const OPTIONAL: &[&str] = &[
    "checked_add",
    "checked_div",
    "checked_mul",
    "checked_sub",
    "extension",
    "file_name",
    "find",
    "first",
    "get",
    "get_mut",
    "last",
    "next",
    "next_back",
    "nth",
    "parent",
    "pop",
    "position",
    "split_once",
    "strip_prefix",
    "strip_suffix",
];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let all = words::functions_with(file, RULE.triggers);
    all.filter_map(|function| cascade(file, &function)).collect()
}

fn cascade(file: &SourceFile, function: &Function<'_>) -> Option<Fact> {
    let syn::ReturnType::Type(_, output) = &function.sig.output else { return None };
    let returns = head(output);
    let wanted = if returns.ends_with("Result") { "Result" } else { "Option" };
    if !returns.ends_with(wanted) {
        return None;
    }
    let mut walk = Unwraps { found: Vec::new() };
    walk.visit_block(function.block);
    let known: Vec<_> = walk.found.into_iter().filter(|call| gives(file, &call.receiver, wanted)).collect();
    if known.len() < 2 {
        return None;
    }
    let name = file.span_range(function.sig.ident.span());
    let message = format!("`{}` can return what fails, and panics in {} places", function.sig.ident, known.len());
    let mut fact = Fact::at(file, name).note("message", message);
    fact.captures.extend(known.iter().map(|call| (wanted, file.range(*call))));
    Some(fact)
}

/// True if the unwrapped value is of the type by its declaration or by the name of what makes it.
fn gives(file: &SourceFile, receiver: &syn::Expr, wanted: &str) -> bool {
    const LOCKS: &[&str] = &["lock", "read", "write", "borrow", "borrow_mut", "join", "try_lock"];
    let inner = match receiver {
        syn::Expr::Await(awaited) => &awaited.base,
        other => other,
    };
    let name = match inner {
        syn::Expr::MethodCall(call) => call.method.to_string(),
        syn::Expr::Call(call) => match &*call.func {
            syn::Expr::Path(path) => path.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default(),
            _ => return false,
        },
        _ => String::new(),
    };
    if LOCKS.contains(&name.as_str()) || shapes::call(inner, &["Regex", "new"]).is_some() {
        return false;
    }
    let told = types::type_of(file, inner).and_then(|ty| types::head(types::strip(&ty)));
    match told {
        Some(head) => head == wanted || (wanted == "Result" && head.ends_with("Result")),
        None => (if wanted == "Result" { FALLIBLE } else { OPTIONAL }).contains(&name.as_str()),
    }
}

/// The calls of `unwrap` and `expect` that would leave the function: those of closures and `async` blocks leave these.
struct Unwraps<'a> {
    found: Vec<&'a syn::ExprMethodCall>,
}

impl<'a> Visit<'a> for Unwraps<'a> {
    fn visit_expr(&mut self, node: &'a syn::Expr) {
        match node {
            syn::Expr::Closure(_) | syn::Expr::Async(_) | syn::Expr::Const(_) | syn::Expr::TryBlock(_) => {}
            syn::Expr::MethodCall(call)
                if (call.method == "unwrap" && call.args.is_empty())
                    || (call.method == "expect" && call.args.len() == 1) =>
            {
                self.visit_expr(&call.receiver);
                self.found.push(call);
            }
            _ => visit::visit_expr(self, node),
        }
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_a_function_could_return_what_it_unwraps() {
        for text in [
            "fn $0f$0(p: &Path) -> Result<u64, E> { let t = fs::read_to_string(p).unwrap(); Ok(t.parse::<u64>().unwrap()) }",
            "fn $0f$0(p: &Path) -> io::Result<u64> { let f = File::open(p).expect(\"a file\"); f.read_to_end(&mut b).unwrap(); Ok(1) }",
            "fn a() -> Result<u8, E> { Err(E) } fn $0f$0() -> Result<u8, E> { Ok(a().unwrap() + a().unwrap()) }",
            "async fn $0f$0(s: &str) -> Result<u8, E> { let a: u8 = s.parse().unwrap(); let b = u8::try_from(a).unwrap(); Ok(b) }",
            "impl S { fn $0f$0(&self, k: &str) -> Option<u8> { let a = self.m.get(k).unwrap(); a.v.first().unwrap().checked_add(1) } }",
            "fn $0f$0(s: &str) -> Result<u8, E> { for l in s.lines() { g(l.parse::<u8>().unwrap()); h(i8::from_str(l).unwrap()); } Ok(1) }",
            "fn $0f$0(s: &str) -> anyhow::Result<V> { let v: V = serde_json::from_str(s).unwrap(); let n: u8 = v.n.parse().unwrap(); Ok(v) }",
            "fn $0f$0(s: &[u8]) -> StoreResult<u8> { let t = str::from_utf8(s).unwrap(); Ok(t.parse().unwrap()) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Nothing to return the error by.
                "fn f(s: &str) -> u8 { let a: u8 = s.parse().unwrap(); let b: u8 = s.parse().unwrap(); a + b }",
                "fn f(s: &str) { let a: u8 = s.parse().unwrap(); let b: u8 = s.parse().unwrap(); }",
                "fn f(s: &str) -> Vec<Result<u8, E>> { vec![Ok(s.parse().unwrap()), Ok(s.parse().unwrap())] }",
                "fn f(s: &str) -> Option<u8> { let a: u8 = s.parse().unwrap(); let b: u8 = s.parse().unwrap(); Some(a + b) }",
                "fn f(v: &[u8]) -> Result<u8, E> { Ok(v.first().unwrap() + v.last().unwrap()) }",
                // One is no cascade.
                "fn f(s: &str) -> Result<u8, E> { Ok(s.parse().unwrap()) }",
                // Locks, threads, patterns.
                "fn f(m: &Mutex<u8>) -> Result<u8, E> { let a = *m.lock().unwrap(); let b = *m.lock().unwrap(); Ok(a + b) }",
                "fn f(h: H, i: H) -> Result<u8, E> { h.join().unwrap(); i.join().unwrap(); Ok(1) }",
                "fn f() -> Result<u8, E> { let a = Regex::new(\"a\").unwrap(); let b = Regex::new(\"b\").unwrap(); Ok(1) }",
                // `?` would leave something else.
                "fn f(v: &[&str]) -> Result<u8, E> { g(v.iter().map(|s| s.parse::<u8>().unwrap() + s.parse::<u8>().unwrap())) }",
                "fn f(s: &str) -> Result<u8, E> { spawn(async { a(s.parse().unwrap()); b(s.parse().unwrap()); }); Ok(1) }",
                "fn f(s: &str) -> Result<u8, E> { fn g(s: &str) -> u8 { s.parse::<u8>().unwrap() + s.parse::<u8>().unwrap() } Ok(g(s)) }",
                "fn f(s: &str) -> Result<u8, E> { check!(s.parse::<u8>().unwrap(), s.parse::<u8>().unwrap()); Ok(1) }",
                // Another `unwrap`.
                "fn f(s: &str) -> Result<u8, E> { Ok(s.parse().unwrap_or(1) + s.parse().unwrap_or_default()) }",
                "fn f(d: D) -> Result<u8, E> { let a = d.parcel().unwrap(); let b = d.parcel().unwrap(); Ok(1) }",
                "#[test] fn f() -> Result<(), E> { a(s.parse().unwrap()); b(s.parse().unwrap()); Ok(()) }",
            ],
        );
    }
}
