//! Vectors that start empty and are filled by a loop that pushes once per element of a collection.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::names::{bound_by, mentions};
use crate::source::usage::{self, How};
use crate::source::{SourceFile, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("missing-capacity"),
    eye: Eye::Memory,
    kind: Kind::AllocChurn,
    class: Class::A,
    title: "vector grows step by step although its length is known",
    explain: EXPLAIN,
    triggers: &["push", "push_back", "insert"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let mut v = Vec::new();` (and `VecDeque`, `HashMap`) before a loop that pushes or inserts exactly once for each
element of a collection.

## Why it costs

The vector doubles again and again: each time it allocates, copies what it has and frees the old block. For n elements
that is about log2 n allocations and up to n copies more than one allocation of the right size.

## Before

```rust
let mut names = Vec::new();
for item in items {
    names.push(item.name.clone());
}
```

## After

```rust
let mut names = Vec::with_capacity(items.len());
for item in items {
    names.push(item.name.clone());
}
```

## When it is refused

The push stands under a condition, or the loop may be left early: then the length is only a bound. What is looped over
does not know its length (asked of rustc). Somebody asks for the capacity. The number of rounds is a number from
elsewhere rather than the length of something that is already in memory: a wrong number could then ask for too much.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        for (index, stmt) in block.stmts.iter().enumerate() {
            found.extend(empty_vec(stmt).and_then(|empty| grown(file, block, index, &empty)));
        }
    }
    found
}

/// `let mut v = Vec::new();`
struct Empty<'a> {
    name: &'a syn::Ident,
    value: &'a syn::Expr,
}

fn empty_vec(stmt: &syn::Stmt) -> Option<Empty<'_>> {
    let bound = shapes::plain_let(stmt).filter(|l| l.is_mut)?;
    let is_empty = match bound.value {
        syn::Expr::Macro(m) => m.mac.path.is_ident("vec") && m.mac.tokens.is_empty(),
        other => ["Vec", "VecDeque", "HashMap"]
            .iter()
            .any(|name| shapes::call(other, &[name, "new"]).is_some_and(|call| call.args.is_empty())),
    };
    is_empty.then_some(Empty { name: bound.name, value: bound.value })
}

/// Statements between the `let` and the loop that may stand there.
const NEAR: usize = 3;

fn grown(file: &SourceFile, block: &syn::Block, index: usize, empty: &Empty<'_>) -> Option<Fact> {
    let name = empty.name.to_string();
    let after = &block.stmts[index + 1..];
    let at = after.iter().take(NEAR + 1).position(|stmt| mentions(stmt, &name))?;
    let around = rounds(&after[at])?;
    let list = shapes::counted(around.over)?;
    let place = usage::place(list)?;
    let between = syn::Block { brace_token: block.brace_token, stmts: after[..at].to_vec() };
    let is_same = usage::bindings(file, &between, &place.root).is_empty()
        && usage::uses(file, &between, &place.root).iter().all(|u| !u.is_change())
        && shapes::exits(&between).is_empty();
    let ty = types::type_of(file, list);
    let is_opaque = matches!(ty.as_ref().map(types::strip), Some(syn::Type::ImplTrait(_)));
    let known = ty.and_then(|ty| types::head(types::strip(&ty)));
    let is_lazy = is_opaque || known.is_some_and(|head| ["Range", "Option", "Result"].contains(&head.as_str()));
    let is_asked = usage::uses(file, block, &name).iter().any(|u| u.how == How::Method("capacity".to_owned()));
    if place.root == name || !is_same || is_lazy || is_asked || !around.pushes_once(&name) {
        return None;
    }
    if bound_by(around.pat).contains(&name) {
        return None;
    }
    let shown = file.on_one_line(file.range(list));
    let message = format!("`{name}` grows step by step although `{shown}` knows how many will come");
    Some(
        Fact::at(file, file.range(&block.stmts[index]))
            .capture("empty", file.range(empty.value))
            .capture("name", file.span_range(empty.name.span()))
            .capture("list", file.range(list))
            .capture("loop", file.range(&after[at]))
            .note("message", message),
    )
}

/// A loop, or a `for_each`: what it walks, what it binds, and what each round does.
struct Rounds<'a> {
    over: &'a syn::Expr,
    pat: &'a syn::Pat,
    body: Body<'a>,
}

enum Body<'a> {
    Block(&'a syn::Block),
    Expr(&'a syn::Expr),
}

/// `for x in xs { … }` without a label, and `xs.iter().for_each(|x| …);`.
fn rounds(stmt: &syn::Stmt) -> Option<Rounds<'_>> {
    match stmt {
        syn::Stmt::Expr(syn::Expr::ForLoop(l), _) if l.label.is_none() => {
            Some(Rounds { over: &l.expr, pat: &l.pat, body: Body::Block(&l.body) })
        }
        syn::Stmt::Expr(syn::Expr::MethodCall(call), _) if call.method == "for_each" && call.args.len() == 1 => {
            let syn::Expr::Closure(closure) = &call.args[0] else { return None };
            let body = match &*closure.body {
                syn::Expr::Block(b) if b.label.is_none() => Body::Block(&b.block),
                other => Body::Expr(other),
            };
            (closure.inputs.len() == 1).then(|| Rounds { over: &call.receiver, pat: &closure.inputs[0], body })
        }
        _ => None,
    }
}

impl Rounds<'_> {
    /// True if each round pushes exactly once, speaks of the vector nowhere else and always ends.
    fn pushes_once(&self, name: &str) -> bool {
        match self.body {
            Body::Expr(expr) => {
                is_push(expr, name) && shapes::count(expr, name) == 1 && shapes::exits_of(expr).is_empty()
            }
            Body::Block(body) => {
                let is_push = |stmt: &&syn::Stmt| matches!(stmt, syn::Stmt::Expr(expr, _) if is_push(expr, name));
                let pushes = body.stmts.iter().filter(is_push).count();
                let always_ends = shapes::exits(body).iter().all(|e| *e == shapes::Exit::Question);
                pushes == 1 && shapes::count(body, name) == 1 && always_ends
            }
        }
    }
}

fn is_push(expr: &syn::Expr, name: &str) -> bool {
    [("push", 1), ("push_back", 1), ("insert", 2)]
        .iter()
        .find_map(|(method, arguments)| shapes::method(expr, method, *arguments))
        .is_some_and(|call| shapes::is_name(&call.receiver, &syn::Ident::new(name, call.method.span())))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_each_round_pushes_once() {
        for text in [
            "fn f(xs: &[u8]) -> Vec<u8> { $0let mut v = Vec::new();$0 for x in xs { v.push(x + 1); } v }",
            "fn f(xs: Vec<u8>) -> Vec<u8> { $0let mut v = vec![];$0 for x in &xs { v.push(*x); } v }",
            "fn f(o: &Order) -> Vec<u8> { $0let mut v: Vec<u8> = Vec::new();$0 for x in o.items.iter().rev() { v.push(x.n) } v }",
            "fn f(xs: &[u8]) -> Vec<usize> { $0let mut v = Vec::<usize>::new();$0 for i in 0..xs.len() { let y = g(i); v.push(y); } v }",
            "fn f(xs: &[u8]) -> R { $0let mut v = Vec::new();$0 for (i, x) in xs.iter().enumerate() { v.push(g(i, x)?); } Ok(v) }",
            "fn f(m: &HashMap<u8, u8>) -> Vec<u8> { $0let mut v = Vec::new();$0 for k in m.keys() { v.push(*k); } v }",
            "fn f(xs: &[u8]) { $0let mut v = Vec::new();$0 let n = g(); for x in xs { if n > 1 { h(x); } v.push(x); } k(v) }",
            "fn f(xs: &[u8]) { if a { $0let mut v = std::vec::Vec::new();$0 for x in xs { for y in x { g(y); } v.push(x); } } }",
            "async fn f(xs: Vec<S>) -> Vec<S> { $0let mut v = Vec::new();$0 for x in xs { v.push(x); } v }",
            "fn f(xs: &[S]) -> M { $0let mut m = HashMap::new();$0 for x in xs { m.insert(x.id, x.n); } m }",
            "fn f(xs: &[u8]) -> Vec<u8> { $0let mut v = Vec::new();$0 xs.iter().for_each(|x| v.push(x + 1)); v }",
            "fn f(xs: &[u8]) -> Vec<u8> { $0let mut v: Vec<u8> = Vec::new();$0 xs.iter().enumerate().for_each(|(i, x)| { g(i); v.push(*x); }); v }",
            "fn f(xs: &[S]) -> Q { $0let mut q = VecDeque::new();$0 for x in xs { q.push_back(x.id); } q }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Only some rounds push, or several times.
                "fn f(xs: &[u8]) { let mut v = Vec::new(); for x in xs { if *x > 1 { v.push(x); } } }",
                "fn f(xs: &[u8]) { let mut v = Vec::new(); for x in xs { v.push(x); v.push(x); } }",
                "fn f(xs: &[u8]) { let mut v = Vec::new(); for x in xs { for y in x { v.push(y); } } }",
                "fn f(xs: &[u8]) { let mut v = Vec::new(); for x in xs { if *x == 0 { break; } v.push(x); } }",
                "fn f(xs: &[u8]) { let mut v = Vec::new(); for x in xs { if *x == 0 { continue; } v.push(x); } }",
                "fn f(xs: &[u8]) { let mut v = Vec::new(); for x in xs { if *x == 0 { return; } v.push(x); } }",
                "fn f(xs: &[u8]) { let mut v = Vec::new(); for x in xs { skip!(x); v.push(x); } }",
                "fn f(xs: &[u8]) { let mut v = Vec::new(); xs.iter().for_each(|x| if *x > 1 { v.push(x) }); }",
                "fn f(xs: &[u8]) { let mut v = Vec::new(); xs.iter().filter(|x| **x > 1).for_each(|x| v.push(x)); }",
                "fn f(xs: &[u8]) { let mut v = Vec::new(); xs.iter().for_each(|x| { if *x == 0 { return; } v.push(x); }); }",
                // What is looped over does not know its length, or a number from outside says it.
                "fn f(xs: &[u8]) { let mut v = Vec::new(); for x in xs.iter().filter(|x| **x > 1) { v.push(x); } }",
                "fn f(n: usize) { let mut v = Vec::new(); for i in 0..n { v.push(i); } }",
                "fn f(s: &str) { let mut v = Vec::new(); for l in s.lines() { v.push(l); } }",
                "fn f(rx: Receiver<u8>) { let mut v = Vec::new(); for x in rx.iter().skip(1) { v.push(x); } }",
                "fn f() { let mut v = Vec::new(); for x in make() { v.push(x); } }",
                "fn f(xs: impl IntoIterator<Item = u8>) { let mut v = Vec::new(); for x in xs { v.push(x); } }",
                // Another vector, another constructor, an observer.
                "fn f(xs: &[S]) { let mut m = BTreeMap::new(); for x in xs { m.insert(x.id, x.n); } }",
                "fn f(xs: &[S]) { let mut s = HashSet::new(); for x in xs { s.insert(x.id); } }",
                "fn f(xs: &[S]) { let mut m = HashMap::new(); for x in xs { if x.a { m.insert(x.id, x.n); } } }",
                "fn f(xs: &[u8]) { let mut v = SmallVec::new(); for x in xs { v.push(x); } }",
                "fn f(xs: &[u8]) { let mut v = Vec::with_capacity(4); for x in xs { v.push(x); } }",
                "fn f(xs: &[u8]) { let mut v = Vec::new(); for x in xs { v.push(x); } g(v.capacity()); }",
                "fn f(xs: &[u8]) { let mut v = Vec::new(); g(&mut v); for x in xs { v.push(x); } }",
                "fn f(xs: &[u8]) { let mut v = vec![1]; for x in xs { v.push(*x); } }",
                // The collection comes to be, or changes, in between.
                "fn f() { let mut v = Vec::new(); let xs = g(); for x in xs { v.push(x); } }",
                "fn f(mut xs: Vec<u8>) { let mut v = Vec::new(); xs.push(1); for x in xs { v.push(x); } }",
                "#[test] fn f() { let mut v = Vec::new(); for x in xs { v.push(x); } }",
            ],
        );
    }
}
