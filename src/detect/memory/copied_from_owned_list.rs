//! Elements that are copied out of a list which nobody needs any more.

use super::clone_of_iterated::is_collection;
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names;
use crate::source::usage::{self, How, PlacePath, Use};
use crate::source::visit::{self, Visit};
use crate::source::{self, Node, SourceFile, types};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("copied-from-owned-list"),
    eye: Eye::Memory,
    kind: Kind::DefensiveCopy,
    class: Class::A,
    title: "elements copied out of a list at its last use",
    explain: EXPLAIN,
    triggers: &["clone"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `for x in list.iter()` (or `&list`) over a list that the function owns and uses for the last time, with `x.clone()` at the last
use of each element.

## Why it costs

Each element is copied, with an allocation for each text in it, and the originals are freed right after.

## Before

```rust
for line in other.lines.iter() {
    if line.quantity > 0 {
        self.lines.push(line.clone());
    }
}
```

## After

```rust
for line in other.lines {
    if line.quantity > 0 {
        self.lines.push(line);
    }
}
```

## When it is refused

The list is borrowed, used later, or walked more than once; an element is copied twice, in a loop or a closure, or handed on as a
reference; the elements' `Clone` is not plain data (asked of rustc); rustc does not accept the move.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut walk = Loops { file, out: Vec::new() };
    walk.visit_file(&file.ast);
    walk.out
}

struct Loops<'a> {
    file: &'a SourceFile,
    out: Vec<Fact>,
}

impl<'ast> Visit<'ast> for Loops<'_> {
    fn visit_expr_for_loop(&mut self, node: &'ast syn::ExprForLoop) {
        self.out.extend(emptied(self.file, node));
        visit::visit_expr_for_loop(self, node);
    }
}

fn emptied(file: &SourceFile, l: &syn::ExprForLoop) -> Option<Fact> {
    let syn::Pat::Ident(syn::PatIdent { ident, mutability: None, by_ref: None, subpat: None, .. }) = &*l.pat else {
        return None;
    };
    let list = match &*l.expr {
        syn::Expr::MethodCall(call) if call.method == "iter" && call.args.is_empty() => &*call.receiver,
        syn::Expr::Reference(r) if r.mutability.is_none() => &*r.expr,
        _ => return None,
    };
    let name = ident.to_string();
    let uses = usage::uses(file, &l.body, &name);
    let is_copy = |u: &Use| u.is_bare && u.how == How::Method("clone".to_owned());
    let copy = uses.last().filter(|u| is_copy(u) && !u.is_captured)?;
    let is_fine =
        uses.iter().all(|u| u == copy || is_look(file, u)) && usage::bindings(file, &l.body, &name).is_empty();
    let place = usage::place(list).filter(|p| p.is_plain && p.root != "self")?;
    if !is_fine || repeats(file, copy.name, file.range(&l.body).start, None) || !is_owned(file, list) {
        return None;
    }
    is_last_use(file, l, &place).then_some(())?;
    let element = types::type_of(file, list).as_ref().and_then(types::element)?;
    if types::is_primitive(types::strip(&element)) || matches!(element, syn::Type::Reference(_)) {
        return None;
    }
    let shown = file.text_of(list);
    let whole = file.range(&*l.expr);
    let fact = Fact::at(file, whole)
        .capture("list", file.range(list))
        .capture("element", copy.place)
        .capture("copy", TextRange { start: copy.place.end, end: copy.whole.end })
        .note("message", format!("the elements of `{shown}` are copied out of it at its last use"));
    Some(fact)
}

/// A look at an element that means the same for the element itself.
fn is_look(file: &SourceFile, u: &Use) -> bool {
    let is_fine = match &u.how {
        How::Method(name) => !u.is_bare || (usage::is_reading_method(name) && name != "clone" && name != "to_owned"),
        How::Read => !u.is_bare || !file.slice(u.whole).starts_with('&'),
        How::Compare | How::Value | How::Scrutinee => !u.is_bare,
        _ => false,
    };
    is_fine && !u.is_captured
}

/// True if a loop or a closure that begins at or behind a place, other than this loop, stands around another.
fn repeats(file: &SourceFile, at: TextRange, behind: u32, but: Option<TextRange>) -> bool {
    source::path_to(file, at).iter().any(|node| match node {
        Node::Expr(
            expr @ (syn::Expr::ForLoop(_)
            | syn::Expr::While(_)
            | syn::Expr::Loop(_)
            | syn::Expr::Closure(_)
            | syn::Expr::Async(_)),
        ) => file.range(*expr).start >= behind && Some(file.range(*expr)) != but,
        _ => false,
    })
}

/// True if the text says that the list is a collection, and that what holds it is no reference and no handle.
fn is_owned(file: &SourceFile, list: &syn::Expr) -> bool {
    let is_bare = |ty: syn::Type| matches!(ty, syn::Type::Path(_));
    let root = match list {
        syn::Expr::Field(f) => &*f.base,
        other => other,
    };
    let is_own = |ty: &syn::Type| {
        let shared = ["Rc", "Arc", "Box", "Cow", "Ref", "RefMut"];
        types::head(ty).is_some_and(|head| !shared.contains(&head.as_str()) && !head.ends_with("Guard"))
    };
    let of_list = types::type_of(file, list).filter(is_collection).is_some_and(is_bare);
    of_list && matches!(root, syn::Expr::Path(_)) && types::type_of(file, root).filter(is_own).is_some_and(is_bare)
}

/// True if the list is not used in the loop or behind it, and the loop itself runs once for each list.
fn is_last_use(file: &SourceFile, l: &syn::ExprForLoop, place: &PlacePath) -> bool {
    let at = file.range(&*l.expr);
    let Some(body) = source::function_body(file, at) else { return false };
    let is_behind = |u: &Use| u.name.start > at.end && usage::may_overlap(place, &place.root, &u.fields);
    let is_used = usage::uses(file, body, &place.root).iter().any(is_behind);
    let bound: Vec<TextRange> = usage::bindings(file, body, &place.root);
    let parameters = source::signature(file, at).map_or(0, |sig| {
        let is_it =
            |arg: &&syn::FnArg| matches!(arg, syn::FnArg::Typed(t) if names::bound_by(&t.pat).contains(&place.root));
        sig.inputs.iter().filter(is_it).count()
    });
    let since = bound.first().map_or(0, |range| range.start);
    let is_repeated = repeats(file, at, since, Some(file.range(l)));
    bound.len() + parameters == 1 && !is_used && !is_repeated
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_lists_that_are_not_needed_any_more() {
        for text in [
            "fn f(xs: Vec<Line>) { for x in $0xs.iter()$0 { if x.n == 0 { continue; } out.push(x.clone()); } }",
            "fn f(xs: Vec<String>) { for x in $0&xs$0 { if x.is_empty() { continue; } out.push(x.clone()); } }",
            "struct I { lines: Vec<Line> } fn f(mut a: A, other: I) -> A { for x in $0other.lines.iter()$0 { a.lines.push(x.clone()); } a }",
            "fn f() { let xs: Vec<Line> = read(); for x in $0&xs$0 { send(x.clone()); } done(); }",
            "fn f(all: Vec<Vec<Line>>) { for xs in all { for x in $0xs.iter()$0 { out.push(x.clone()); } } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Lent, shared, or used again.
                "fn f(xs: &Vec<Line>) { for x in xs.iter() { out.push(x.clone()); } }",
                "fn f(xs: &[Line]) { for x in xs.iter() { out.push(x.clone()); } }",
                "fn f(xs: Vec<Line>) { for x in xs.iter() { out.push(x.clone()); } g(xs.len()); }",
                "fn f(xs: Vec<Line>) { for x in xs.iter() { out.push(x.clone()); log(&xs); } }",
                "fn f(xs: Vec<Line>) { for _ in 0..2 { for x in xs.iter() { out.push(x.clone()); } } }",
                "fn f(xs: Vec<Line>) { ys.iter().for_each(|y| { for x in xs.iter() { out.push(x.clone()); } }); }",
                "struct I { lines: Vec<Line> } fn f(i: &I) { for x in i.lines.iter() { out.push(x.clone()); } }",
                "struct I { lines: Vec<Line> } fn f(i: Arc<I>) { for x in i.lines.iter() { out.push(x.clone()); } }",
                "struct I { lines: Vec<Line> } impl I { fn f(&self) { for x in self.lines.iter() { out.push(x.clone()); } } }",
                "fn f() { let xs = lent(); for x in xs.iter() { out.push(x.clone()); } }",
                // Copied twice, in a loop, in a closure, or not at the end.
                "fn f(xs: Vec<Line>) { for x in xs.iter() { out.push(x.clone()); all.push(x.clone()); } }",
                "fn f(xs: Vec<Line>) { for x in xs.iter() { for _ in 0..2 { out.push(x.clone()); } } }",
                "fn f(xs: Vec<Line>) { for x in xs.iter() { ys.for_each(|y| out.push(x.clone())); } }",
                "fn f(xs: Vec<Line>) { for x in xs.iter() { out.push(x.clone()); g(x.n); } }",
                "fn f(xs: Vec<Line>) { for x in xs.iter() { g(x); out.push(x.clone()); } }",
                "fn f(xs: Vec<Line>) { for x in xs.iter() { if x == y {} out.push(x.clone()); } }",
                // Numbers and references are cheap to copy.
                "fn f(xs: Vec<u64>) { for x in xs.iter() { out.push(x.clone()); } }",
                "fn f(xs: Vec<&Line>) { for x in xs.iter() { out.push(x.clone()); } }",
                "fn f(xs: Lines) { for x in xs.iter() { out.push(x.clone()); } }",
            ],
        );
    }
}
