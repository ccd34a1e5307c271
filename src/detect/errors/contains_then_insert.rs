//! `if !set.contains(x)` whose block begins with `set.insert(x)`, which would have said the same.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::peel;
use crate::source::{SourceFile, shapes, types, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("contains-then-insert"),
    eye: Eye::Errors,
    kind: Kind::DefensiveRedundancy,
    class: Class::A,
    title: "set asked before the insertion that answers the same",
    explain: EXPLAIN,
    triggers: &["contains"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `if !set.contains(&x) { set.insert(x); … }`, `if set.contains(&x) { … leave … }` or `let known = set.contains(&x);` with
`set.insert(x);` behind it, and `if set.contains(&x) { set.remove(&x); … }`.

## Why it costs

The value is hashed, or compared down the tree, twice. `insert` says whether the value was new.

## Before

```rust
if !seen.contains(&order.id) {
    seen.insert(order.id);
    total += order.amount;
}
```

## After

```rust
if seen.insert(order.id) {
    total += order.amount;
}
```

## When it is refused

What is inserted is another value, or a copy that is made only where it is new (`x.clone()`): then every round would make
it. The value is computed. The set is not one of std (asked of rustc). The value is moved into the set and still used where
it was there already (rustc does not accept it).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        for (index, stmt) in block.stmts.iter().enumerate() {
            let next = block.stmts.get(index + 1);
            for node in shapes::own_ifs(stmt) {
                let is_statement = matches!(stmt, syn::Stmt::Expr(syn::Expr::If(own), _) if std::ptr::eq(own, node));
                found.extend(asked_inside(file, node, is_statement));
            }
            if let syn::Stmt::Expr(syn::Expr::If(node), _) = stmt {
                found.extend(asked_before(file, node, next));
            }
            found.extend(asked_and_kept(file, stmt, next));
        }
    }
    found
}

/// `if … && !set.contains(&x) { set.insert(x); … }`, `if set.contains(&x) { … } else { set.insert(x); … }`, and
/// `if set.contains(&x) { set.remove(&x); … }`.
fn asked_inside(file: &SourceFile, node: &syn::ExprIf, is_statement: bool) -> Option<Fact> {
    let conditions = shapes::conjuncts(&node.cond);
    let last = *conditions.last()?;
    let (check, is_there) = question(last)?;
    let other = shapes::else_block(node).filter(|_| conditions.len() == 1);
    let (block, name) = match (is_there, other) {
        (false, _) => (&node.then_branch, "insert"),
        (true, Some(other)) if changes(other.stmts.first(), check, "insert").is_some() => (other, "insert"),
        (true, _) => (&node.then_branch, "remove"),
    };
    let stmt = block.stmts.first();
    let change = changes(stmt, check, name)?;
    let mut fact = fact(file, last, check, change)?.capture("statement", file.range(stmt?));
    let is_alone = block.stmts.len() == 1;
    if is_there && name == "insert" {
        fact = fact.capture("not", file.range(last));
        if is_alone {
            let then = file.span_range(node.then_branch.brace_token.span.join());
            fact = fact.capture("else", TextRange { start: then.end, end: file.range(node).end });
        }
    } else if is_alone && is_statement && node.else_branch.is_none() && conditions.len() == 1 {
        fact = fact.capture("alone", file.range(node));
    }
    Some(fact)
}

/// `if set.contains(&x) { … leave … }` before `set.insert(x);`.
fn asked_before(file: &SourceFile, node: &syn::ExprIf, next: Option<&syn::Stmt>) -> Option<Fact> {
    let (check, true) = question(&node.cond)? else { return None };
    let change = changes(next, check, "insert")?;
    if node.else_branch.is_some() || !shapes::diverges(&node.then_branch) {
        return None;
    }
    let fact = fact(file, &node.cond, check, change)?;
    Some(fact.capture("statement", file.range(next?)).capture("not", file.range(&*node.cond)))
}

/// `let known = set.contains(&x);` before `set.insert(x);`.
fn asked_and_kept(file: &SourceFile, stmt: &syn::Stmt, next: Option<&syn::Stmt>) -> Option<Fact> {
    let bound = shapes::plain_let(stmt)?;
    let (check, is_there) = question(bound.value)?;
    let change = changes(next, check, "insert")?;
    let fact = fact(file, bound.value, check, change)?.capture("statement", file.range(next?));
    Some(if is_there { fact.capture("not", file.range(bound.value)) } else { fact })
}

/// `set.contains(&x)`, and whether the condition holds where it does.
fn question(cond: &syn::Expr) -> Option<(&syn::ExprMethodCall, bool)> {
    match shapes::denied(cond) {
        Some(denied) => question(denied).map(|(c, holds)| (c, !holds)),
        None => shapes::method(cond, "contains", 1).map(|call| (call, true)),
    }
}

/// `set.insert(x);` or `set.remove(&x);` of the value and the set that were asked about.
fn changes<'a>(
    stmt: Option<&'a syn::Stmt>,
    check: &syn::ExprMethodCall,
    name: &str,
) -> Option<&'a syn::ExprMethodCall> {
    let syn::Stmt::Expr(first, Some(_)) = stmt? else { return None };
    let change = shapes::method(first, name, 1)?;
    let (asked, changed) = (&check.args[0], &change.args[0]);
    let is_dereferenced = matches!(peel(changed), syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) && shapes::same(peel(&u.expr), peel(asked)));
    let is_same = match name {
        "remove" => shapes::same(shapes::unreferenced(asked), shapes::unreferenced(changed)),
        _ => shapes::same(shapes::unreferenced(asked), peel(changed)) || is_dereferenced,
    };
    let is_same_set = shapes::same(peel(&check.receiver), peel(&change.receiver));
    (is_same && is_same_set && shapes::is_quiet(changed)).then_some(change)
}

fn fact(
    file: &SourceFile,
    cond: &syn::Expr,
    check: &syn::ExprMethodCall,
    change: &syn::ExprMethodCall,
) -> Option<Fact> {
    let known = types::type_of(file, &check.receiver).and_then(|ty| types::head(types::strip(&ty)));
    let is_other = known.is_some_and(|head| !["HashSet", "BTreeSet"].contains(&head.as_str()));
    if is_other || !usage::place(&check.receiver).is_some_and(|p| p.is_plain) {
        return None;
    }
    let shown = file.text_of(&check.receiver);
    let (what, name) = if change.method == "insert" { ("inserted", "insert") } else { ("removed", "remove") };
    let message = format!("`{shown}` is asked for a value that is then {what}: `{name}` answers that, too");
    Some(
        Fact::at(file, file.range(cond))
            .capture("insert", file.range(change))
            .capture("set", file.range(&check.receiver))
            .note("message", message),
    )
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_insert_would_answer() {
        for text in [
            "fn f(s: &mut HashSet<u8>, x: u8) { if $0!s.contains(&x)$0 { s.insert(x); g(); } }",
            "fn f(s: &mut HashSet<u8>, x: &u8) { if $0!s.contains(x)$0 { s.insert(*x); g(); } }",
            "fn f(s: &mut BTreeSet<&str>, x: &str) { if $0!s.contains(x)$0 { s.insert(x); g(); } else { h(); } }",
            "fn f(os: &[Order]) { let mut s = HashSet::new(); for o in os { if $0!s.contains(&o.id)$0 { s.insert(o.id); g(o); } } }",
            "impl S { fn f(&mut self, x: u8) { if $0!self.seen.contains(&x)$0 { self.seen.insert(x); self.n += 1; } } }",
            "fn f(s: &mut HashSet<(u8, u8)>, a: u8, b: u8) { if $0!s.contains(&(a, b))$0 { s.insert((a, b)); g(); } }",
            "fn f(s: &mut HashSet<u8>, x: u8) { if $0!s.contains(&x)$0 { s.insert(x); } }",
            "fn f(s: &mut Seen, x: &'static str) { if $0!s.ids.contains(&x)$0 { s.ids.insert(x); return; } g(); }",
            "fn f(s: &mut HashSet<String>, x: String) -> bool { if $0s.contains(&x)$0 { return false; } s.insert(x); true }",
            "fn f(s: &mut HashSet<u8>, xs: &[u8]) { for x in xs { if $0s.contains(x)$0 { continue; } s.insert(*x); g(x); } }",
            "fn f(s: &mut HashSet<u8>, x: u8) { if $0s.contains(&x)$0 { h(); } else { s.insert(x); g(); } }",
            "fn f(s: &mut HashSet<u8>, x: u8) { if $0s.contains(&x)$0 { h(); } else { s.insert(x); } }",
            "fn f(s: &mut HashSet<u8>, x: u8) { if $0s.contains(&x) == false$0 { s.insert(x); g(); } }",
            "fn f(s: &mut HashSet<u8>, x: u8) -> bool { if $0true != s.contains(&x)$0 { s.insert(x); return true; } false }",
            "fn f(s: &mut HashSet<u8>, x: u8) { let known = $0s.contains(&x)$0; s.insert(x); g(known); }",
            "fn f(s: &mut HashSet<u8>, x: u8) { let is_new = $0!s.contains(&x)$0; s.insert(x); g(is_new); }",
            "fn f(s: &mut HashSet<u8>, x: u8) { if $0s.contains(&x)$0 { s.remove(&x); g(); } }",
            "fn f(s: &mut HashSet<u8>, x: u8) { if a() && $0!s.contains(&x)$0 { s.insert(x); g(); } }",
            "fn f(s: &mut HashSet<u8>, x: u8) { if a() { h(); } else if $0!s.contains(&x)$0 { s.insert(x); g(); } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(s: &mut HashSet<String>, x: &String) { if !s.contains(x) { s.insert(x.clone()); g(); } }",
                "fn f(s: &mut HashSet<String>, x: &str) { if !s.contains(x) { s.insert(x.to_owned()); g(); } }",
                "fn f(s: &mut HashSet<u8>, x: u8, y: u8) { if !s.contains(&x) { s.insert(y); g(); } }",
                "fn f(s: &mut HashSet<u8>, t: &mut HashSet<u8>, x: u8) { if !s.contains(&x) { t.insert(x); g(); } }",
                "fn f(s: &mut HashSet<u8>, x: u8) { if s.contains(&x) { s.insert(x); g(); } }",
                "fn f(s: &mut HashSet<u8>, x: u8) { if s.contains(&x) != false { s.insert(x); g(); } }",
                "fn f(s: &mut HashSet<u8>, x: u8) -> bool { if s.contains(&x) { return false; } check(x)?; s.insert(x); true }",
                "fn f(s: &mut HashSet<u8>, x: u8) { if s.contains(&x) { log(); } s.insert(x); }",
                "fn f(s: &mut HashSet<u8>, x: u8) { if !s.contains(&x) { return; } s.insert(x); }",
                "fn f(s: &mut HashSet<u8>, x: u8, y: u8) { if s.contains(&x) { return; } s.insert(y); }",
                "fn f(s: &mut HashSet<String>, x: &str) { if s.contains(x) { return; } s.insert(x.to_owned()); }",
                "fn f(s: &mut HashSet<u8>, x: u8) { let known = s.contains(&x); if a() { s.insert(x); } g(known); }",
                "fn f(s: &mut HashSet<u8>, x: u8) { if !s.contains(&x) { s.remove(&x); } }",
                "fn f(s: &mut HashSet<u8>, x: u8) { if s.contains(&x) { g(); s.remove(&x); } }",
                "fn f(s: &mut HashSet<u8>, x: u8) { if !s.contains(&x) { g(); s.insert(x); } }",
                "fn f(s: &mut HashSet<u8>) { if !s.contains(&next()) { s.insert(next()); } }",
                "fn f(s: &mut HashSet<u8>, x: u8) { if !s.contains(&x) && a() { s.insert(x); g(); } }",
                "fn f(s: &mut HashSet<u8>, x: u8) { if !s.contains(&x) { if a() { s.insert(x); } } }",
                "fn f(s: &mut HashSet<u8>, x: u8) { if !s.contains(&x) { let new = s.insert(x); g(new); } }",
                "fn f(v: &mut Vec<u8>, x: u8) { if !v.contains(&x) { v.push(x); } }",
                "fn f(v: &mut Vec<u8>, x: u8) { if !v.contains(&x) { v.insert(0, x); } }",
                "struct Own; fn f(v: &mut Own, x: u8) { if !v.contains(&x) { v.insert(x); g(); } }",
                "fn f(p: &P, x: u8) { if !p.set().contains(&x) { p.set().insert(x); g(); } }",
                "fn f(m: &mut HashMap<u8, u8>, x: u8) { if !m.contains_key(&x) { m.insert(x, 1); } }",
                "#[test] fn f() { if !s.contains(&x) { s.insert(x); } }",
            ],
        );
    }
}
