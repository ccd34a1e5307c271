//! A copy of a local that is never used again: the local itself could have been given away.

use super::clone_then_read::is_shared_by_cloning;
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::usage;
use crate::source::{self, Node, SourceFile, types};
use syn::visit::{self, Visit};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("clone-at-last-use"),
    eye: Eye::Memory,
    kind: Kind::DefensiveCopy,
    class: Class::A,
    title: "a local is copied where it is used for the last time",
    explain: EXPLAIN,
    triggers: &["clone", "to_vec", "to_owned"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
`value.clone()` is passed on, and `value`, which the function owns, is not used afterwards on any path.

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
    let mut walk = Copies { file, out: Vec::new() };
    walk.visit_file(&file.ast);
    walk.out
}

struct Copies<'a> {
    file: &'a SourceFile,
    out: Vec<Fact>,
}

impl<'ast> Visit<'ast> for Copies<'_> {
    fn visit_expr_method_call(&mut self, node: &'ast syn::ExprMethodCall) {
        self.out.extend(last_copy(self.file, node));
        visit::visit_expr_method_call(self, node);
    }
}

fn last_copy(file: &SourceFile, copy: &syn::ExprMethodCall) -> Option<Fact> {
    let syn::Expr::Path(path) = &*copy.receiver else { return None };
    let name = path.path.get_ident()?.to_string();
    let is_copy = ["clone", "to_vec", "to_owned"].contains(&copy.method.to_string().as_str()) && copy.args.is_empty();
    if !is_copy || name == "self" {
        return None;
    }
    let ty = types::type_of(file, &copy.receiver)?;
    let head = types::head(&ty)?;
    let changes_type = copy.method == "to_vec" && head != "Vec" || copy.method == "to_owned" && head == "[]";
    if is_shared_by_cloning(&head) || types::is_primitive(&ty) || changes_type || is_generic(file, copy, &head) {
        return None;
    }
    let site = file.range(copy);
    let body = source::function_body(file, site)?;
    if usage::bindings(file, body, &name).len() > 1 || is_borrowed_at_once(file, site) {
        return None;
    }
    let is_last = usage::uses(file, body, &name).iter().all(|u| u.name.start <= site.start);
    if !is_last || repeats_without(file, body, site, &name) {
        return None;
    }
    let message = format!("`{name}` is copied although this is its last use");
    let method = TextRange { start: file.range(&copy.receiver).end, end: site.end };
    Some(
        Fact::at(file, site)
            .capture("value", file.range(&copy.receiver))
            .capture("copy", method)
            .note("message", message),
    )
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
                // Another thing of the same name.
                "fn f(s: String) { if let Some(s) = o { g(s.clone()); } }",
            ],
        );
    }
}
