//! A loop over a copy of a collection whose elements it only reads.

use crate::detect::{Fact, Rule, fields};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::usage::{self, How, PlacePath, Use};
use crate::source::{self, SourceFile, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("clone-of-iterated"),
    eye: Eye::Memory,
    kind: Kind::DefensiveCopy,
    class: Class::A,
    title: "a loop goes over a copy of what it only reads",
    explain: EXPLAIN,
    triggers: COPIES,
    facts,
    judge: |rule, facts, known| fields::judge(rule, facts, known, is_collection),
};

const EXPLAIN: &str = "\
A `for` goes over `list.clone()`, `list.to_vec()` or `list.to_owned()`, and its body only reads the elements.

## Why it costs

The copy allocates once for the list and once for each string or list in its elements, and frees all of it after the loop.

## Before

```rust
for item in order.items.clone() {
    total += item.amount();
}
```

## After

```rust
for item in order.items.iter() {
    total += item.amount();
}
```

## When it is refused

- The body moves an element, keeps it, or changes it.
- The body changes the list: then the copy is what makes the loop legal.
- The collection's `Clone` is not plain data (`Rc`, `Arc`, channels), or an iterator is cloned and not a collection.
- rustc does not accept the borrow.
";

pub(super) fn is_collection(ty: &syn::Type) -> bool {
    const NAMES: &[&str] = &["Vec", "VecDeque", "[]", "HashMap", "BTreeMap", "HashSet", "BTreeSet", "BinaryHeap"];
    types::head(types::strip(ty)).is_some_and(|name| NAMES.contains(&name.as_str()))
}

fn facts(file: &SourceFile) -> Vec<Fact> {
    let exprs = words::bodies_with(file, RULE.triggers).flat_map(shapes::exprs);
    let copies = exprs.filter_map(|expr| match expr {
        syn::Expr::ForLoop(node) => copied_list(file, node),
        _ => None,
    });
    copies.collect()
}

/// Methods that copy a list.
const COPIES: &[&str] = &["clone", "to_vec", "to_owned"];

fn copied_list(file: &SourceFile, l: &syn::ExprForLoop) -> Option<Fact> {
    let syn::Expr::MethodCall(outer) = &*l.expr else { return None };
    let through = ["iter", "into_iter"].iter().any(|name| outer.method == name) && outer.args.is_empty();
    let copy = match &*outer.receiver {
        syn::Expr::MethodCall(inner) if through => inner,
        _ => outer,
    };
    // The elements of `list.clone().iter()` are references already.
    let is_lent = !std::ptr::eq(copy, outer) && outer.method == "iter";
    if !COPIES.contains(&copy.method.to_string().as_str()) || !copy.args.is_empty() {
        return None;
    }
    let place = usage::place(&copy.receiver)?;
    let names = if is_lent { Vec::new() } else { bound_names(&l.pat)? };
    let known = match types::type_of(file, &copy.receiver) {
        Some(ty) if is_collection(&ty) => None,
        Some(_) => return None,
        // Only slices and their kin have `to_vec`.
        None if copy.method == "to_vec" => None,
        None => Some(types::last_field(&copy.receiver)?),
    };
    if !(elements_are_read(file, &l.body, &names) || is_lent) || !is_untouched(file, &l.body, &place) {
        return None;
    }
    let list = file.text_of(&copy.receiver);
    let message = format!("`{list}` is copied whole for a loop that only reads its elements");
    let end = if is_lent { file.range(copy).end } else { file.range(outer).end };
    let method = TextRange { start: file.range(&copy.receiver).end, end };
    let fact = Fact::at(file, file.range(copy))
        .capture("list", file.range(&copy.receiver))
        .capture("copy", method)
        .note("message", message);
    let fact = if is_lent { fact.capture("lent", method) } else { fact };
    Some(match known {
        Some(field) => fact.note(fields::NEEDS, field),
        None => fact,
    })
}

/// True if the body of a loop does nothing with these elements that references to them would not do as well.
pub(super) fn elements_are_read(file: &SourceFile, body: &syn::Block, names: &[String]) -> bool {
    names
        .iter()
        .all(|name| usage::bindings(file, body, name).is_empty() && usage::uses(file, body, name).iter().all(is_read))
}

/// `item` or `(key, value)`; other patterns take elements apart by value.
pub(super) fn bound_names(pat: &syn::Pat) -> Option<Vec<String>> {
    match pat {
        syn::Pat::Ident(p) if p.mutability.is_none() && p.by_ref.is_none() && p.subpat.is_none() => {
            Some(vec![p.ident.to_string()])
        }
        syn::Pat::Wild(_) => Some(Vec::new()),
        syn::Pat::Tuple(t) => t.elems.iter().map(bound_names).collect::<Option<Vec<_>>>().map(|names| names.concat()),
        _ => None,
    }
}

/// A read that means the same through a reference.
fn is_read(u: &Use) -> bool {
    match &u.how {
        // A comparison of the element itself would compare a reference with a value.
        How::Compare => !u.is_bare,
        How::Method(name) => !usage::is_changing_method(name),
        How::Read => true,
        How::Value => !u.is_bare,
        _ => false,
    }
}

/// True if the body leaves the list alone, by what can be seen.
fn is_untouched(file: &SourceFile, body: &syn::Block, list: &PlacePath) -> bool {
    usage::uses(file, body, &list.root).iter().filter(|u| usage::may_overlap(list, &list.root, &u.fields)).all(|u| {
        match &u.how {
            How::Method(name) if u.is_bare && list.root == "self" => !source::takes_self_mutably(file, name),
            _ => !u.is_change(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_copies_of_what_is_only_read() {
        check(
            &RULE,
            "struct Order { items: Vec<Item> }
             fn f(order: &Order) { for item in $0order.items.clone()$0 { total += item.amount(); g(&item.sku); } }",
        );
        check(&RULE, "fn f(xs: &Vec<u8>) { for x in $0xs.clone()$0.iter() { g(x); } }");
        check(&RULE, "fn f(xs: &Vec<S>) { for x in $0xs.clone()$0.into_iter() { g(&x); } }");
        check(&RULE, "fn f(hits: &[Hit]) { for hit in $0hits.to_vec()$0 { text.push_str(&hit.rule); } }");
        check(
            &RULE,
            "fn f(map: HashMap<u8, String>) { for (k, v) in $0map.clone()$0 { println!(\"{k} {}\", v.len()); } }",
        );
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Elements are moved, changed, kept or compared as values.
                "fn f(xs: &[String]) { for x in xs.to_vec() { out.push(x); } }",
                "fn f(xs: &[String]) { for mut x in xs.to_vec() { x.push('a'); } }",
                "fn f(xs: &[String]) { for x in xs.to_vec() { let y = x; } }",
                "fn f(xs: &[String]) { for x in xs.to_vec() { g(x.into_bytes()); } }",
                "fn f(xs: &[String]) { for x in xs.to_vec() { if x == other {} } }",
                "fn f(xs: &Vec<String>) { for x in xs.clone().into_iter() { out.push(x); } }",
                "fn f(xs: &mut Vec<S>) { for x in xs.clone().iter() { xs.push(x.next()); } }",
                // The copy makes it legal to change the list.
                "fn f(xs: &mut Vec<String>) { for x in xs.clone() { xs.push(x.len().to_string()); } }",
                "struct S { xs: Vec<u8> } impl S { fn g(&mut self) {} fn f(&mut self) { for x in self.xs.clone() { h(&x); self.g(); } } }",
                // Not a collection, or nothing says that it is.
                "fn f(it: std::ops::Range<u8>) { for x in it.clone() { g(&x); } }",
                "fn f(it: Arc<Foo>) { for x in it.clone() { g(&x); } }",
                "fn f() { let it = things(); for x in it.clone() { g(&x); } }",
                "struct S { it: Peekable<I> } fn f(s: S) { for x in s.it.clone() { g(&x); } }",
                // What is behind a call is no place.
                "fn f(m: &Mutex<Vec<u8>>) { for x in m.lock().unwrap().clone() { g(&x); } }",
                // An unknown macro may do anything with the element.
                "fn f(xs: &[String]) { for x in xs.to_vec() { send!(x); } }",
            ],
        );
    }
}
