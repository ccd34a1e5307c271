//! A copy of a local that is never used again: the local itself could have been given away.

use super::clone_then_read::is_shared_by_cloning;
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::usage;
use crate::source::{self, Node, SourceFile, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("clone-at-last-use"),
    eye: Eye::Memory,
    kind: Kind::DefensiveCopy,
    class: Class::A,
    title: "a local is copied where it is used for the last time",
    explain: EXPLAIN,
    triggers: &["clone", "to_vec", "to_owned", "to_string", "cloned"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
`value.clone()` is passed on, and `value`, which the function owns, is not used afterwards on any path. So are `text.to_string()`
of a `String`, `text.as_bytes().to_vec()`, `list.extend(value.iter().cloned())`, and copies of a field of an owned local.

## Why it costs

The copy allocates, and the original is freed unused a moment later.

## Before

```rust
let question = Question { payment, lines };
let answer = acquirer.ask(question.clone()).await?;
```

## After

```rust
let question = Question { payment, lines };
let answer = acquirer.ask(question).await?;
```

## When it is refused

- The value is used later, or the copy stands in a loop or a closure that the value does not.
- The value is not known to be owned plain data: a clone of an `Rc`, `Arc` or channel sender means something, and a
  reference cannot be given away.
- rustc does not accept the move.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    words::method_calls_with(file, RULE.triggers).filter_map(|call| last_copy(file, call)).collect()
}

/// What is copied by `value.clone()` and its kin, and what makes the copy of the value itself.
fn copied(copy: &syn::ExprMethodCall) -> Option<(&syn::Expr, &'static str)> {
    let method = copy.method.to_string();
    if !copy.args.is_empty() {
        return None;
    }
    let lent = match &*copy.receiver {
        syn::Expr::MethodCall(lent) if lent.args.is_empty() => Some((lent.method.to_string(), &*lent.receiver)),
        _ => None,
    };
    match (lent, method.as_str()) {
        (Some((lent, value)), "to_vec" | "to_owned") if lent == "as_bytes" => Some((value, ".into_bytes()")),
        (Some((lent, value)), "to_string" | "to_owned") if lent == "as_str" => Some((value, "")),
        (Some((lent, value)), "to_vec" | "to_owned") if lent == "as_slice" => Some((value, "")),
        (Some((lent, value)), "cloned") if lent == "iter" => Some((value, "")),
        (None, "clone" | "to_vec" | "to_owned" | "to_string") => Some((&copy.receiver, "")),
        _ => None,
    }
}

fn last_copy(file: &SourceFile, copy: &syn::ExprMethodCall) -> Option<Fact> {
    let (value, instead) = copied(copy)?;
    let place = usage::place(value).filter(|place| place.is_plain)?;
    let root = root(value);
    let (name, is_part) = (place.root.clone(), !place.fields.is_empty());
    if name == "self" || (is_part && matches!(types::type_of(file, root)?, syn::Type::Reference(_))) {
        return None;
    }
    let ty = types::type_of(file, value)?;
    let head = types::head(&ty)?;
    let method = copy.method.to_string();
    let is_walked = method == "cloned";
    let changes_type = match method.as_str() {
        "to_vec" => head != "Vec" && instead.is_empty(),
        "to_owned" => head == "[]",
        "to_string" => head != "String",
        "cloned" => head != "Vec" || !is_given_whole(file, copy),
        _ => false,
    };
    let is_other = !instead.is_empty() && head != "String";
    let is_generic_part = is_generic(file, copy, &head);
    if is_shared_by_cloning(&head) || types::is_primitive(&ty) || changes_type || is_other || is_generic_part {
        return None;
    }
    let site = file.range(copy);
    let body = source::function_body(file, site)?;
    if usage::bindings(file, body, &name).len() > 1 || is_borrowed_at_once(file, site) {
        return None;
    }
    let is_last = usage::uses(file, body, &name)
        .iter()
        .all(|u| u.name.start <= site.start || (is_part && !usage::may_overlap(&place, &place.root, &u.fields)));
    if !is_last || repeats_without(file, body, site, &name) {
        return None;
    }
    let shown = file.text_of(value);
    let message = format!("`{shown}` is copied although this is its last use");
    let method = TextRange { start: file.range(value).end, end: site.end };
    let fact =
        Fact::at(file, site).capture("value", file.range(value)).capture("copy", method).note("message", message);
    Some(match instead {
        "" if !is_walked => fact,
        "" => fact.capture("walked", method),
        _ => fact.capture("bytes", method),
    })
}

/// The local at the root of a place.
fn root(expr: &syn::Expr) -> &syn::Expr {
    match expr {
        syn::Expr::Field(f) => root(&f.base),
        syn::Expr::Paren(p) => root(&p.expr),
        other => other,
    }
}

/// `list.extend(value.iter().cloned())` and `for x in value.iter().cloned()`: the elements may come from the value itself.
fn is_given_whole(file: &SourceFile, copy: &syn::ExprMethodCall) -> bool {
    let site = file.range(copy);
    source::path_to(file, site).into_iter().rev().find_map(|node| match node {
        Node::Expr(expr) if file.range(expr) == site => None,
        Node::Expr(syn::Expr::MethodCall(call)) => Some(call.method == "extend"),
        Node::Expr(syn::Expr::ForLoop(around)) => Some(file.range(&*around.expr) == site),
        _ => Some(false),
    }) == Some(true)
}

/// A type parameter may stand for a reference.
fn is_generic(file: &SourceFile, copy: &syn::ExprMethodCall, head: &str) -> bool {
    let signature = source::signature(file, file.range(copy));
    head == "Self" || signature.is_some_and(|s| s.generics.type_params().any(|p| p.ident == head))
}

/// `&value.clone()`: a matter for a borrow, not for a move.
fn is_borrowed_at_once(file: &SourceFile, site: TextRange) -> bool {
    source::path_to(file, site)
        .iter()
        .rev()
        .nth(1)
        .is_some_and(|node| matches!(node, Node::Expr(syn::Expr::Reference(_))))
}

/// True if a loop, a closure or an `async` block around the site begins after the name was bound.
fn repeats_without(file: &SourceFile, body: &syn::Block, site: TextRange, name: &str) -> bool {
    let bound = usage::bindings(file, body, name).first().map_or(0, |range| range.start);
    source::path_to(file, site).into_iter().any(|node| match node {
        Node::Expr(
            expr @ (syn::Expr::ForLoop(_)
            | syn::Expr::While(_)
            | syn::Expr::Loop(_)
            | syn::Expr::Closure(_)
            | syn::Expr::Async(_)),
        ) => {
            let range = file.range(expr);
            let is_head = matches!(expr, syn::Expr::ForLoop(l) if file.range(&l.expr).contains(site));
            !is_head && range.start > bound && file.range(body).contains(range)
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_an_owned_local_is_not_used_again() {
        check(&RULE, "fn f() { let q = Question { a: 1 }; ask($0q.clone()$0); }");
        check(&RULE, "fn f(name: String) -> S { log(&name); S { name: $0name.clone()$0 } }");
        check(
            &RULE,
            "fn f(key: &str) { let key = key.to_owned(); if m.insert(key.clone(), 1) { q.push($0key.clone()$0); } }",
        );
        check(&RULE, "fn f(xs: &[u8]) { for x in xs { let s = format!(\"{x}\"); out.push($0s.clone()$0); } }");
        check(&RULE, "fn f(xs: Vec<u8>) { for x in $0xs.clone()$0 { g(x); } }");
        check(&RULE, "fn f(s: String) -> Vec<u8> { log(&s); $0s.as_bytes().to_vec()$0 }");
        check(&RULE, "fn f(s: String) -> S { S { name: $0s.as_str().to_string()$0 } }");
        check(&RULE, "fn f(s: String) -> S { S { name: $0s.to_string()$0 } }");
        check(
            &RULE,
            "fn f(x: &X) -> R { match serde_json::to_string(x) { Ok(t) => R { b: $0t.as_bytes().to_vec()$0 }, Err(_) => R::bad() } }",
        );
        check(&RULE, "fn f(xs: Vec<String>, out: &mut Vec<String>) { out.extend($0xs.iter().cloned()$0); }");
        let batch = "struct B { key: String, lines: Vec<String>, n: u64, a: Arc<u8> }";
        check(
            &RULE,
            &format!(
                "{batch} fn f(b: B, m: &mut M) {{ let n = b.lines.len(); m.entry($0b.key.clone()$0).extend($0b.lines.iter().cloned()$0); }}"
            ),
        );
        check(&RULE, &format!("{batch} fn f(b: B) -> S {{ S {{ key: $0b.key.clone()$0, n: b.n }} }}"));
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Used again: later, in a macro, in a format string, in another branch.
                "fn f(s: String) { g(s.clone()); h(&s); }",
                "fn f(s: String) { g(s.clone()); println!(\"{s}\"); }",
                "fn f(s: String) { g(s.clone()); send!(s); }",
                "fn f(s: String) { h(s.clone(), s.len()); }",
                // Used again by the next round or call.
                "fn f(s: String) { for x in xs { g(s.clone()); } }",
                "fn f(s: String) { while more() { g(s.clone()); } }",
                "fn f(s: String) { let c = || g(s.clone()); c(); c(); }",
                "fn f(s: String) { spawn(async { g(s.clone()) }); }",
                // Not owned, shared, a number, generic, unknown.
                "fn f(s: &String) { g(s.clone()); }",
                "fn f(s: &str) { g(s.to_owned()); }",
                "fn f(s: Arc<S>) { g(s.clone()); }",
                "fn f(tx: mpsc::Sender<u8>) { g(tx.clone()); }",
                "fn f() { let a = Arc::new(1); g(a.clone()); }",
                "fn f(n: u32) { g(n.clone()); }",
                "fn f<T: Clone>(t: T) { g(t.clone()); }",
                "fn f() { let a = make(); g(a.clone()); }",
                // A part of something, or borrowed at once.
                "fn f(s: S) { g(s.name.clone()); }",
                "fn f(s: String) { g(&s.clone()); }",
                "struct B { key: String } fn f(b: &B) { g(b.key.clone()); }",
                "struct B { key: String } fn f(b: B) { g(b.key.clone()); h(&b); }",
                "struct B { key: String } fn f(b: B) { g(b.key.clone()); h(&b.key); }",
                "struct B { key: String } fn f(b: B) { for x in xs { g(b.key.clone()); } }",
                "struct B { key: String } impl B { fn f(&self) { g(self.key.clone()); } }",
                "struct B { a: Arc<u8>, n: u64 } fn f(b: B) { g(b.a.clone()); h(b.n.clone()); }",
                // Made into something else.
                "fn f(s: &str) -> Vec<u8> { s.as_bytes().to_vec() }",
                "fn f(n: u64) -> String { n.to_string() }",
                "fn f(xs: Vec<String>) -> Vec<String> { xs.iter().cloned().filter(|x| x.is_empty()).collect() }",
                "fn f(xs: &[String], out: &mut Vec<String>) { out.extend(xs.iter().cloned()); }",
                // Another thing of the same name.
                "fn f(s: String) { if let Some(s) = o { g(s.clone()); } }",
            ],
        );
    }
}
