//! `contains`, `find`, `any`, `position` or `filter` over the same list for each element of another collection.

use super::hoist::{Hoist, hoist};
use crate::detect::{Fact, Rule, fields};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::usage::{self, PlacePath};
use crate::source::{SourceFile, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("linear-lookup-in-loop"),
    eye: Eye::Loops,
    kind: Kind::Quadratic,
    class: Class::A,
    title: "a list is searched from its start for each element of another collection",
    explain: EXPLAIN,
    triggers: &["contains", "find", "any", "position", "filter"],
    facts,
    judge: |rule, facts, known| fields::judge(rule, facts, known, types::is_sequence),
};

const EXPLAIN: &str = "\
A loop (or an iterator's closure) looks something up in a list that stays the same for the whole loop, by
`contains`, or by `iter()` with `find`, `any`, `position` or `filter` and one `==`.

## Why it costs

Each look-up walks the list, so the loop takes the product of both lengths. 2,000 lines against 5,000 articles are ten
million comparisons; a set or a map takes 2,000 look-ups and 5,000 insertions.

## Before

```rust
for item in items {
    match catalogue.iter().find(|product| product.sku == item.sku) {
        Some(product) => weight += product.weight,
        None => unknown.push(item.sku.clone()),
    }
}
```

## After

```rust
let mut catalogue_by_sku = std::collections::HashMap::new();
for product in catalogue.iter() {
    catalogue_by_sku.entry(&product.sku).or_insert(product);
}
for item in items {
    match catalogue_by_sku.get(&item.sku).copied() {
        Some(product) => weight += product.weight,
        None => unknown.push(item.sku.clone()),
    }
}
```

The first of several equal elements wins, as before; for `filter` the index holds all of them in their order.

## When it is refused

- The list is not a `Vec`, `VecDeque`, slice or array, or is an array written out in the code.
- The key is not `Eq + Hash`, or its `PartialEq` may disagree with its `Hash` (floats, hand-written comparisons).
- Something in the loop changes the list, or rustc does not accept that the index borrows it meanwhile.
- The condition is more than one `==` between a part of the element and something else.

For lists of a few dozen elements a map may be slower than the walk: the measurement decides.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let calls = words::method_calls_with(file, RULE.triggers);
    calls.filter_map(|call| contains(file, call).or_else(|| search(file, call))).collect()
}

/// `list.contains(&key)`.
fn contains(file: &SourceFile, call: &syn::ExprMethodCall) -> Option<Fact> {
    if call.method != "contains" || call.args.len() != 1 {
        return None;
    }
    let key = call.args.first()?;
    let is_key = matches!(key, syn::Expr::Reference(_) | syn::Expr::Path(_) | syn::Expr::MethodCall(_));
    let list = usage::place(&call.receiver).filter(|_| is_key)?;
    let known = match types::type_of(file, &call.receiver) {
        Some(ty) if is_indexable(&ty) => None,
        Some(_) => return None,
        None => Some(types::last_field(&call.receiver)?),
    };
    let fact = fact(file, call, &call.receiver, &list)?.capture("key", file.range(key));
    Some(match known {
        Some(field) => fact.note(fields::NEEDS, field),
        None => fact,
    })
}

/// A sequence whose length is not written in the code.
fn is_indexable(ty: &syn::Type) -> bool {
    types::is_sequence(ty) && !matches!(types::strip(ty), syn::Type::Array(_))
}

/// `list.iter().find(|element| element.key == key)` and its kin.
fn search(file: &SourceFile, call: &syn::ExprMethodCall) -> Option<Fact> {
    if !["find", "any", "position", "filter"].contains(&call.method.to_string().as_str()) {
        return None;
    }
    let syn::Expr::MethodCall(iter) = &*call.receiver else { return None };
    let syn::Expr::Closure(closure) = call.args.first()? else { return None };
    if iter.method != "iter" || !iter.args.is_empty() {
        return None;
    }
    let list = usage::place(&iter.receiver)?;
    let known = match types::type_of(file, &iter.receiver) {
        Some(ty) if is_indexable(&ty) => None,
        Some(_) => return None,
        None => types::last_field(&iter.receiver),
    };
    let (element, key) = equality(closure)?;
    let fact = fact(file, call, &iter.receiver, &list)?
        .capture("element", file.range(element))
        .capture("key", file.range(key));
    Some(match known {
        Some(field) => fact.note(fields::NEEDS, field),
        None => fact,
    })
}

/// The sides of `|element| element.key == key`: one speaks of the element alone, the other not at all.
fn equality(closure: &syn::ExprClosure) -> Option<(&syn::Expr, &syn::Expr)> {
    let syn::Expr::Binary(syn::ExprBinary { left, op: syn::BinOp::Eq(_), right, .. }) = &*closure.body else {
        return None;
    };
    let sides = [(&**left, &**right), (&**right, &**left)];
    let name = match closure.inputs.iter().collect::<Vec<_>>()[..] {
        [syn::Pat::Ident(parameter)] => parameter.ident.to_string(),
        [syn::Pat::Tuple(pair)] => {
            let names = pair_names(pair)?;
            let is_free = |key: &syn::Expr| names.iter().all(|name| is_independent(key, name));
            let is_part = |e: &syn::Expr| {
                usage::place(e).is_some_and(|p| p.fields.is_empty() && names.contains(&p.root) && !contains_index(e))
            };
            return sides.into_iter().find(|(element, key)| is_part(element) && is_free(key));
        }
        _ => return None,
    };
    sides.into_iter().find(|(element, key)| is_part_of(element, &name) && is_independent(key, &name))
}

/// The names in `(name, _)`; `None` for anything but names and `_`.
fn pair_names(pair: &syn::PatTuple) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for part in &pair.elems {
        match part {
            syn::Pat::Ident(p) if p.by_ref.is_none() && p.mutability.is_none() && p.subpat.is_none() => {
                names.push(p.ident.to_string());
            }
            syn::Pat::Wild(_) => {}
            _ => return None,
        }
    }
    Some(names)
}

/// `element`, `*element`, `element.field`, `element.field.as_str()`.
pub(super) fn is_part_of(expr: &syn::Expr, name: &str) -> bool {
    match expr {
        syn::Expr::MethodCall(call) if call.method == "as_str" && call.args.is_empty() => {
            is_part_of(&call.receiver, name)
        }
        syn::Expr::Reference(r) if r.mutability.is_none() => is_part_of(&r.expr, name),
        expr => !contains_index(expr) && usage::place(expr).is_some_and(|path| path.root == name),
    }
}

fn contains_index(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Index(_) => true,
        syn::Expr::Field(f) => contains_index(&f.base),
        syn::Expr::Unary(u) => contains_index(&u.expr),
        syn::Expr::Paren(p) => contains_index(&p.expr),
        _ => false,
    }
}

/// A place, literal or pure view of one that does not speak of the element: it may be evaluated once instead of often.
pub(super) fn is_independent(expr: &syn::Expr, name: &str) -> bool {
    match expr {
        syn::Expr::Lit(_) => true,
        syn::Expr::Reference(r) => r.mutability.is_none() && is_independent(&r.expr, name),
        syn::Expr::MethodCall(call) => {
            ["as_str", "as_ref", "as_bytes", "trim"].contains(&call.method.to_string().as_str())
                && call.args.is_empty()
                && is_independent(&call.receiver, name)
        }
        expr => !contains_index(expr) && usage::place(expr).is_some_and(|path| path.root != name),
    }
}

fn fact(file: &SourceFile, call: &syn::ExprMethodCall, list: &syn::Expr, place: &PlacePath) -> Option<Fact> {
    if is_constant(place) {
        return None;
    }
    let site = file.range(call);
    let Hoist { statement, repeated } = hoist(file, site, place)?;
    let list_range = file.range(list);
    let loop_line = file.line_column(file.range(repeated).start).0;
    let message = format!(
        "`{}` walks `{}` for each round of the loop at line {loop_line}: the time grows with the product of both lengths",
        call.method,
        file.on_one_line(list_range)
    );
    Some(
        Fact::at(file, site)
            .capture("list", list_range)
            .capture("statement", statement)
            .capture("repeated", TextRange { ..file.range(repeated) })
            .note("message", message),
    )
}

/// Constants are short lists as a rule, and their element types need no index.
fn is_constant(place: &PlacePath) -> bool {
    place.root.chars().all(|c| c.is_uppercase() || c == '_' || c.is_numeric())
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_lookups_in_a_list_that_stays_the_same() {
        check(
            &RULE,
            "fn f(items: &[Item], restricted: &[String]) {
                for item in items { if $0restricted.contains(&item.sku)$0 { hit(item); } }
            }",
        );
        check(
            &RULE,
            "fn f(items: &[Item], catalogue: &[Product]) {
                for item in items { g($0catalogue.iter().find(|p| p.sku == item.sku)$0); }
                while more() { g($0catalogue.iter().position(|p| key == p.sku)$0); }
            }",
        );
        check(
            &RULE,
            "fn f(items: &[Item], known: &Vec<u32>) -> Vec<u32> {
                items.iter().map(|i| i.id).filter(|id| !$0known.contains(id)$0).collect()
            }",
        );
    }

    #[test]
    fn fires_on_searches_by_a_part_of_a_pair() {
        check(
            &RULE,
            "fn f(keys: &[String], table: &[(String, u64)]) -> u64 {
                let mut t = 0;
                for k in keys { if let Some((_, v)) = $0table.iter().find(|(n, _)| n == k)$0 { t += v; } }
                t
            }",
        );
        check_ignores(
            &RULE,
            &[
                "fn f(ks: &[K], t: &[(K, u64)]) { for k in ks { g(t.iter().find(|(n, m)| n == m)); } }",
                "fn f(ks: &[K], t: &[(K, (u8, u8))]) { for k in ks { g(t.iter().find(|(n, (a, _))| a == k)); } }",
                "fn f(ks: &[K], t: &[(K, u64)]) { for k in ks { g(t.iter().find(|&(n, _)| n == k)); } }",
            ],
        );
    }

    #[test]
    fn fires_on_filters_by_one_key() {
        check(
            &RULE,
            "fn f(orders: &[Order], fills: &[Fill]) -> Vec<u64> {
                orders.iter().map(|o| { let n = $0fills.iter().filter(|f| f.order_id == o.id)$0.count(); n + 1 }).collect()
            }",
        );
    }

    #[test]
    fn fires_on_fields_that_are_lists_wherever_their_struct_stands() {
        check(
            &RULE,
            "struct Lists { restricted: Vec<String> }
             fn f(items: &[Item], lists: &Lists) { for i in items { $0lists.restricted.contains(&i.sku)$0; } }",
        );
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // No loop around it.
                "fn f(xs: &[u32]) { if xs.contains(&1) {} }",
                // A set, a map, a text, a range.
                "fn f(xs: &HashSet<u32>) { for i in 0..9 { xs.contains(&i); } }",
                "fn f(xs: &BTreeMap<u32, u32>) { for i in 0..9 { xs.iter().find(|(k, _)| k == i); } }",
                "fn f(s: &str) { for i in ws { s.contains(&i); } }",
                "fn f() { for i in ws { (1..9).contains(&i); } }",
                // A list that changes in the loop.
                "fn f(xs: &mut Vec<u32>) { for i in 0..9 { if xs.contains(&i) { xs.push(i); } } }",
                "fn f(mut xs: Vec<u32>) { for i in 0..9 { if xs.contains(&i) { xs[0] = i; } } }",
                // An index may panic before a loop that has no round.
                "fn f(xs: &[Vec<u32>], n: usize) { for i in 0..9 { if xs[n].contains(&i) {} } }",
                // The list belongs to the round.
                "fn f(os: &[Order]) { for o in os { let xs: Vec<u32> = o.ids(); if xs.contains(&1) {} } }",
                "fn f(os: &[Vec<u32>]) { for xs in os { if xs.contains(&1) {} } }",
                // More than one comparison, another comparison, an effect in the key.
                "fn f(xs: &[P]) { for i in is { xs.iter().find(|p| p.id == i.id && p.on); } }",
                "fn f(xs: &[P]) { for i in is { xs.iter().any(|p| p.id < i.id); } }",
                "fn f(xs: &[P]) { for i in is { g(xs.iter().filter(|p| p.id != i.id).count()); } }",
                "fn f(xs: &[P]) { for i in is { g(xs.iter().filter(|p| p.id == i.id && p.on).count()); } }",
                "fn f(xs: &[P]) { for i in is { g(xs.iter().skip(1).filter(|p| p.id == i.id).count()); } }",
                "fn f(xs: &mut Vec<P>) { for i in is { g(xs.iter().filter(|p| p.id == i.id).count()); xs.pop(); } }",
                "fn f(xs: &[P]) { for i in is { xs.iter().any(|p| p.id == i.next()); } }",
                "fn f(xs: &[P]) { for i in is { xs.iter().any(|p| p.id == p.other); } }",
                // Short lists that stand in the code.
                "const KNOWN: &[u32] = &[1]; fn f() { for i in 0..9 { KNOWN.contains(&i); } }",
                "fn f() { let xs = [1, 2]; for i in 0..9 { xs.contains(&i); } }",
                // Nothing says that it is a list.
                "fn f(xs: Foo) { for i in 0..9 { xs.contains(&i); } }",
                "struct A { xs: HashSet<u32> } fn f(a: A) { for i in 0..9 { a.xs.contains(&i); } }",
                // Tests.
                "#[test] fn f() { let xs: Vec<u32> = v(); for i in 0..9 { xs.contains(&i); } }",
            ],
        );
    }
}
