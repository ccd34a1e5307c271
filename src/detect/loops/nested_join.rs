//! A loop inside a loop that only does something where two keys are equal.

use super::hoist::{Hoist, hoist};
use super::linear_lookup::{is_independent, is_part_of};
use crate::detect::{Fact, Rule, fields};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::{SourceFile, shapes, types, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("nested-loop-join"),
    eye: Eye::Loops,
    kind: Kind::Quadratic,
    class: Class::A,
    title: "two lists are joined by comparing every pair",
    explain: EXPLAIN,
    triggers: &["for"],
    facts,
    judge: |rule, facts, known| fields::judge(rule, facts, known, types::is_sequence),
};

const EXPLAIN: &str = "\
A loop stands inside a loop, and its body is one `if` that compares a key of the inner element with something else.

## Why it costs

Every pair is looked at, though few are equal: 2,000 lines against 1,000 rates are two million comparisons. With the
inner list grouped by its key, each outer element finds its partners at once.

## Before

```rust
for item in items {
    for rate in rates {
        if item.category == rate.category {
            lines.push(tax(item, rate));
        }
    }
}
```

## After

```rust
let mut rates_by_category = std::collections::HashMap::<_, Vec<_>>::new();
for rate in rates {
    rates_by_category.entry(&rate.category).or_default().push(rate);
}
for item in items {
    for rate in rates_by_category.get(&item.category).into_iter().flatten().copied() {
        lines.push(tax(item, rate));
    }
}
```

Partners come in the order of the inner list, as before. Where the body ends in `break`, only the first is kept.

## When it is refused

- The inner list is not a `Vec`, `VecDeque`, slice or array that stays the same in the outer loop.
- The key is not `Eq + Hash`, or its `PartialEq` may disagree with its `Hash`.
- The `if` has an `else`, or its condition is more than one `==`.
- A comment stands between the inner loop's head and its `if`: it would have to go.
- The body ends in `break` and has another `break` or `continue` of the inner loop.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let exprs = words::bodies_with(file, RULE.triggers).flat_map(shapes::exprs);
    let joins = exprs.filter_map(|expr| match expr {
        syn::Expr::ForLoop(inner) => join(file, inner),
        _ => None,
    });
    joins.collect()
}

/// The list that an inner loop goes over by reference: `list`, `&list`, `list.iter()`.
fn list_of(expr: &syn::Expr) -> &syn::Expr {
    match expr {
        syn::Expr::Reference(r) if r.mutability.is_none() => &r.expr,
        syn::Expr::MethodCall(call) if call.method == "iter" && call.args.is_empty() => &call.receiver,
        other => other,
    }
}

fn join(file: &SourceFile, inner: &syn::ExprForLoop) -> Option<Fact> {
    let syn::Pat::Ident(syn::PatIdent { ident, by_ref: None, mutability: None, subpat: None, .. }) = &*inner.pat else {
        return None;
    };
    let [syn::Stmt::Expr(syn::Expr::If(only), _)] = &inner.body.stmts[..] else { return None };
    let syn::Expr::Binary(syn::ExprBinary { left, op: syn::BinOp::Eq(_), right, .. }) = &*only.cond else {
        return None;
    };
    if only.else_branch.is_some() || inner.label.is_some() {
        return None;
    }
    let name = ident.to_string();
    let sides = [(&**left, &**right), (&**right, &**left)];
    let (element, key) = sides.into_iter().find(|(e, k)| is_part_of(e, &name) && is_independent(k, &name))?;
    let list = list_of(&inner.expr);
    let place = usage::place(list)?;
    let needed = match types::type_of(file, list) {
        Some(ty) if types::is_sequence(&ty) => None,
        Some(_) => return None,
        None => Some(types::last_field(list)?),
    };
    let site = file.range(inner);
    let Hoist { statement, repeated } = hoist(file, site, &place)?;
    let outer_line = file.line_column(file.range(repeated).start).0;
    let message = format!(
        "every element of `{}` is compared for each round of the loop at line {outer_line}: the time grows with the product of both lengths",
        file.on_one_line(file.range(list))
    );
    let fact = Fact::at(file, site)
        .capture("list", file.range(list))
        .capture("statement", statement)
        .capture("element", file.range(element))
        .capture("key", file.range(key))
        .note("message", message);
    Some(match needed {
        Some(field) => fact.note(fields::NEEDS, field),
        None => fact,
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_a_join_by_one_key() {
        check(
            &RULE,
            "fn f(items: &[Item], rates: &[Rate]) {
                for item in items { $0for rate in rates { if item.category == rate.category { hit(item, rate); } }$0 }
            }",
        );
        check(
            &RULE,
            "struct Table { rates: Vec<Rate> }
             fn f(items: &[Item], table: &Table) {
                for item in items { before(); $0for rate in table.rates.iter() { if rate.id == item.id { hit(); break; } }$0 }
            }",
        );
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Not inside a loop.
                "fn f(i: &I, rs: &[R]) { for r in rs { if r.id == i.id { hit(); } } }",
                // The inner list belongs to the outer element.
                "fn f(os: &[O]) { for o in os { for r in &o.rs { if r.id == o.id { hit(); } } } }",
                // More than the comparison, or an `else`.
                "fn f(is: &[I], rs: &[R]) { for i in is { for r in rs { count(); if r.id == i.id { hit(); } } } }",
                "fn f(is: &[I], rs: &[R]) { for i in is { for r in rs { if r.id == i.id { a(); } else { b(); } } } }",
                "fn f(is: &[I], rs: &[R]) { for i in is { for r in rs { if r.id <= i.id { a(); } } } }",
                "fn f(is: &[I], rs: &[R]) { for i in is { for r in rs { if r.id == i.id && r.on { a(); } } } }",
                // A map, a range, elements changed in place.
                "fn f(is: &[I], rs: &BTreeMap<u8, R>) { for i in is { for r in rs { if r.id == i.id { a(); } } } }",
                "fn f(is: &[I]) { for i in is { for r in 0..9 { if r == i.id { a(); } } } }",
                "fn f(is: &[I], rs: &mut Vec<R>) { for i in is { for r in &mut rs { if r.id == i.id { a(); } } } }",
                // The inner list grows in the outer loop.
                "fn f(is: &[I], rs: &mut Vec<R>) { for i in is { for r in rs.iter() { if r.id == i.id { a(); } } rs.push(i); } }",
            ],
        );
    }
}
