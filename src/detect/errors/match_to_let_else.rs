//! A `match` or `if let` that takes a value out or leaves, where `let … else` says the same.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::names::{peel, plain_name};
use crate::source::{SourceFile, shapes, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("match-to-let-else"),
    eye: Eye::Errors,
    kind: Kind::ErrorLadder,
    class: Class::A,
    title: "value taken out by a match where let-else says the same",
    explain: EXPLAIN,
    triggers: &["Some", "Ok"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let v = match x { Some(v) => v, None => return … };` and `let v = if let Some(v) = x { v } else { … };`, with `Ok` as
well, whose other branch leaves.

## Why it costs

It costs no time: rustc makes the same code of both. It costs the reader the main path. The rewrite is neutral in speed and
is never counted as a saving.

## Before

```rust
let rule = match rules.get(&sku) {
    Some(rule) => rule,
    None => return 0,
};
```

## After

```rust
let Some(rule) = rules.get(&sku) else {
    return 0;
};
```

## When it is refused

The value is changed on the way; the pattern of the `let` leaves a part of a place where it is; the other branch looks at the error, or does more than leave with what lies at hand while
the looked-at expression may hold a guard (a `match` keeps it until the end of the statement, `let … else` does not); the
package promises to build with a Rust older than 1.65. `return None` and `return Err(e)` are left to `?`.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        for stmt in &block.stmts {
            found.extend(taken(file, stmt));
        }
    }
    found
}

/// The parts of a rung.
struct Rung<'a> {
    pat: &'a syn::Pat,
    looked_at: &'a syn::Expr,
    leave: &'a syn::Expr,
}

fn taken(file: &SourceFile, stmt: &syn::Stmt) -> Option<Fact> {
    let syn::Stmt::Local(local) = stmt else { return None };
    let init = local.init.as_ref().filter(|init| init.diverge.is_none() && local.attrs.is_empty())?;
    let rung = match &*init.expr {
        syn::Expr::Match(node) => of_match(node)?,
        syn::Expr::If(node) => of_if(node)?,
        _ => return None,
    };
    let variant = ["Some", "Ok"].into_iter().find(|variant| shapes::bound_in_variant(rung.pat, variant).is_some())?;
    if !may_stand_in_it(&local.pat, rung.looked_at)
        || !leaves(rung.leave, rung.looked_at)
        || is_for_question(rung.leave)
    {
        return None;
    }
    let leave = file.range(rung.leave);
    let fact = Fact::at(file, file.range(local))
        .capture(variant, file.range(&local.pat))
        .capture("value", file.range(rung.looked_at))
        .capture(if matches!(rung.leave, syn::Expr::Block(_)) { "block" } else { "leave" }, leave)
        .note("message", "a value is taken out or the function is left, in several lines: `let … else` does the same");
    Some(fact)
}

/// True if the pattern of the `let` may stand inside that of the variant: it takes all of the value, or the value is made for it.
fn may_stand_in_it(pat: &syn::Pat, looked_at: &syn::Expr) -> bool {
    let is_place = crate::source::usage::place(looked_at).is_some();
    match pat {
        syn::Pat::Ident(p) => p.by_ref.is_none() && p.subpat.is_none(),
        syn::Pat::Tuple(t) => t.elems.iter().all(|p| may_stand_in_it(p, looked_at)),
        syn::Pat::TupleStruct(t) => t.elems.iter().all(|p| may_stand_in_it(p, looked_at)),
        syn::Pat::Struct(s) => {
            (s.rest.is_none() || !is_place) && s.fields.iter().all(|f| may_stand_in_it(&f.pat, looked_at))
        }
        syn::Pat::Wild(_) | syn::Pat::Rest(_) => !is_place,
        _ => false,
    }
}

/// `match x { Some(v) => v, None => leave }`, the arms in either order.
fn of_match(node: &syn::ExprMatch) -> Option<Rung<'_>> {
    let [first, second] = node.arms.as_slice() else { return None };
    let is_plain = |arm: &syn::Arm| arm.attrs.is_empty() && !matches!(arm.pat, syn::Pat::Guard(_));
    if !node.attrs.is_empty() || !is_plain(first) || !is_plain(second) {
        return None;
    }
    let (take, other) = if gives_back(first) { (first, second) } else { (second, first) };
    let is_rest = match &other.pat {
        syn::Pat::Wild(_) => true,
        syn::Pat::Ident(p) => p.ident == "None" && p.subpat.is_none(),
        syn::Pat::Path(p) => p.path.is_ident("None"),
        syn::Pat::TupleStruct(t) => t.path.is_ident("Err") && t.elems.iter().all(|p| matches!(p, syn::Pat::Wild(_))),
        _ => false,
    };
    // `_` before the taking arm would hide it.
    let is_in_order = !matches!(other.pat, syn::Pat::Wild(_)) || gives_back(first);
    (gives_back(take) && is_rest && is_in_order).then_some(Rung {
        pat: &take.pat,
        looked_at: &node.expr,
        leave: &other.body,
    })
}

fn gives_back(arm: &syn::Arm) -> bool {
    let bound = ["Some", "Ok"].iter().find_map(|variant| shapes::bound_in_variant(&arm.pat, variant));
    bound.is_some_and(|name| plain_name(&arm.body).is_some_and(|body| body == name))
}

/// `if let Some(v) = x { v } else { leave }`
fn of_if(node: &syn::ExprIf) -> Option<Rung<'_>> {
    let syn::Expr::Let(cond) = &*node.cond else { return None };
    let name = ["Some", "Ok"].iter().find_map(|variant| shapes::bound_in_variant(&cond.pat, variant))?;
    let [syn::Stmt::Expr(value, None)] = node.then_branch.stmts.as_slice() else { return None };
    let (_, leave) = node.else_branch.as_ref()?;
    let is_block = matches!(**leave, syn::Expr::Block(_));
    (plain_name(value)? == name && is_block).then_some(Rung { pat: &cond.pat, looked_at: &cond.expr, leave })
}

/// True if the branch always leaves, and nobody can see whether temporaries of the looked-at expression are gone by then.
fn leaves(leave: &syn::Expr, looked_at: &syn::Expr) -> bool {
    let is_leaving = match leave {
        syn::Expr::Return(_) | syn::Expr::Continue(_) | syn::Expr::Break(_) => true,
        syn::Expr::Block(b) => b.label.is_none() && b.attrs.is_empty() && shapes::diverges(&b.block),
        syn::Expr::Macro(m) => {
            ["panic", "unreachable", "todo", "unimplemented"].iter().any(|name| m.mac.path.is_ident(name))
        }
        _ => false,
    };
    let calls = |expr: &syn::Expr| {
        shapes::exprs_in(expr)
            .into_iter()
            .any(|e| matches!(e, syn::Expr::Call(_) | syn::Expr::MethodCall(_) | syn::Expr::Macro(_)))
    };
    let is_place = crate::source::usage::place(looked_at).is_some();
    let is_brace = matches!(peel(looked_at), syn::Expr::Struct(_));
    let ends_in_brace = ends_in_brace(looked_at);
    let is_unseen = is_place || !calls(leave) || only_makes(leave) || !may_hold(looked_at);
    is_leaving && !is_brace && !ends_in_brace && is_unseen
}

/// True if all that is called makes texts, errors and their like: nobody sees whether that is before or after a drop.
fn only_makes(leave: &syn::Expr) -> bool {
    const MAKES: &[&str] = &["clone", "into", "to_owned", "to_string"];
    shapes::exprs_in(leave).into_iter().all(|e| match e {
        syn::Expr::MethodCall(call) => call.args.is_empty() && MAKES.iter().any(|name| call.method == name),
        syn::Expr::Call(call) => match &*call.func {
            syn::Expr::Path(p) => {
                let last = p.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
                last.starts_with(char::is_uppercase)
                    || shapes::ends_with(&p.path, &["String", "from"])
                    || shapes::ends_with(&p.path, &["String", "new"])
                    || shapes::ends_with(&p.path, &["Vec", "new"])
                    || shapes::ends_with(&p.path, &["HashMap", "new"])
            }
            _ => false,
        },
        syn::Expr::Macro(m) => ["format", "vec", "panic", "unreachable"].iter().any(|name| m.mac.path.is_ident(name)),
        _ => true,
    })
}

/// `let … else` does not take an expression that ends in a brace.
fn ends_in_brace(expr: &syn::Expr) -> bool {
    matches!(
        peel(expr),
        syn::Expr::Block(_)
            | syn::Expr::If(_)
            | syn::Expr::Match(_)
            | syn::Expr::Loop(_)
            | syn::Expr::While(_)
            | syn::Expr::ForLoop(_)
            | syn::Expr::Unsafe(_)
            | syn::Expr::Async(_)
            | syn::Expr::Closure(_)
            | syn::Expr::Binary(_)
            | syn::Expr::Macro(_)
    )
}

/// Methods that give a guard.
pub(super) const GUARDS: &[&str] =
    &["lock", "read", "write", "borrow", "borrow_mut", "try_lock", "enter", "guard", "pin", "acquire"];

/// True if a temporary of the expression may be a guard, by the names of its calls.
fn may_hold(expr: &syn::Expr) -> bool {
    shapes::exprs_in(expr).into_iter().any(|e| match e {
        syn::Expr::MethodCall(call) => GUARDS.iter().any(|name| call.method == name),
        syn::Expr::Call(_) => true,
        _ => false,
    })
}

/// `return None` is what `?` does, and clippy says so.
fn is_for_question(leave: &syn::Expr) -> bool {
    let is_none = |e: &syn::Expr| matches!(e, syn::Expr::Return(r) if r.expr.as_ref().is_some_and(|e| plain_name(e).is_some_and(|n| n == "None")));
    match leave {
        syn::Expr::Block(b) => match b.block.stmts.as_slice() {
            [syn::Stmt::Expr(only, _)] => is_none(only),
            _ => false,
        },
        other => is_none(other),
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_each_way_to_take_or_leave() {
        for text in [
            "fn f(x: Option<u8>) -> u8 { $0let v = match x { Some(v) => v, None => return 0 };$0 v }",
            "fn f(x: Option<u8>) -> u8 { $0let v = match x { None => return 0, Some(v) => v };$0 v }",
            "fn f(x: Result<u8, E>) -> u8 { $0let v = match x { Ok(v) => v, Err(_) => return 0 };$0 v }",
            "fn f(x: Option<u8>) -> u8 { $0let v = if let Some(v) = x { v } else { return 0 };$0 v }",
            "fn f(xs: &[O]) { for x in xs { $0let v = match x.get(1) { Some(v) => v, _ => continue };$0 g(v); } }",
            "fn f(m: &M) { loop { $0let v = match m.get(&k) { Some(v) => v, None => break };$0 g(v); } }",
            "fn f(x: Option<u8>) -> R { $0let v = match x { Some(v) => v, None => { log(); return Err(E::Gone); } };$0 Ok(v) }",
            "fn f(m: &M) -> R { $0let v = match m.get(&k) { Some(v) => v, None => return Err(E::Gone) };$0 Ok(v) }",
            "fn f(m: &M) -> u8 { $0let v = match m.get(&k) { Some(v) => v, None => panic!(\"no {k}\") };$0 *v }",
            "fn f(x: Option<u8>) -> u8 { $0let w = match x { Some(v) => v, None => return 0 };$0 w }",
            "fn f(x: Option<u8>) -> u8 { $0let mut v = match x { Some(v) => v, None => return 0 };$0 v += 1; v }",
            "fn f(s: &str) -> R { $0let (a, b) = match s.split_once(':') { Some(pair) => pair, None => return Err(\"no colon\".to_string()) };$0 g(a, b) }",
            "fn f(b: &[u8]) -> String { $0let t = match str::from_utf8(&b[1..]) { Ok(s) => s, Err(_) => return String::from(\"binary\") };$0 t.into() }",
            "fn f(b: &[u8]) -> String { $0let kind = if let Some(b) = b.first() { b } else { return String::from(\"drop\"); };$0 g(kind) }",
            "fn f(m: &M) -> R { $0let P { a, .. } = match m.pop() { Some(p) => p, None => return Err(E::Gone) };$0 Ok(a) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // The value changes on the way, or the error is looked at.
                "fn f(x: Option<u8>) -> u8 { let v = match x { Some(v) => v + 1, None => return 0 }; v }",
                "fn f(x: Option<(u8, S)>) -> u8 { let (a, _) = match x { Some(v) => v, None => return 0 }; a }",
                "fn f(x: Option<u8>) -> u8 { let w = match x { Some(v) => w, None => return 0 }; w }",
                "fn f(x: Option<S>) -> u8 { let ref w = match x { Some(v) => v, None => return 0 }; w.n }",
                "fn f(x: Result<u8, E>) -> u8 { let v = match x { Ok(v) => v, Err(e) => return g(e) }; v }",
                "fn f(x: Option<u8>) -> u8 { let v = match x { Some(v) if v > 1 => v, _ => return 0 }; v }",
                "fn f(x: Option<u8>) -> u8 { let v = match x { Some(ref v) => v, None => return 0 }; *v }",
                "fn f(x: Option<u8>) -> u8 { let v = match x { Some(v @ 1..) => v, _ => return 0 }; v }",
                // It does not leave.
                "fn f(x: Option<u8>) -> u8 { let v = match x { Some(v) => v, None => 0 }; v }",
                "fn f(x: Option<u8>) -> u8 { let v = match x { Some(v) => v, None => { if a { return 0; } 1 } }; v }",
                "fn f(x: Option<u8>) -> u8 { let v = match x { Some(v) => v, None => exit() }; v }",
                // A guard may be alive in the branch.
                "fn f(m: &M) -> u8 { let v = match m.lock().unwrap().get(1) { Some(v) => v, None => return m.other() }; v }",
                "fn f(m: &M) -> u8 { let v = match view(m) { Some(v) => v, None => { refill(m); return 0; } }; v }",
                "fn f(c: &C) -> u8 { let v = match c.borrow().next { Some(v) => v, None => { c.fill(); return 0; } }; v }",
                // `?` says it shorter.
                "fn f(x: Option<u8>) -> Option<u8> { let v = match x { Some(v) => v, None => return None }; Some(v) }",
                // More arms, other patterns, a type, `mut`.
                "fn f(x: E) -> u8 { let v = match x { E::A(v) => v, E::B => return 0 }; v }",
                "fn f(x: Option<u8>) -> u8 { let v: u8 = match x { Some(v) => v, None => return 0 }; v }",
                "fn f(x: Option<u8>) -> u8 { let v = match x { _ => return 0, Some(v) => v }; v }",
                "fn f(x: Option<u8>) -> u8 { let v = match { x } { Some(v) => v, None => return 0 }; v }",
                "fn f(x: Option<u8>) -> u8 { let v = if let Some(v) = x { v } else if a { return 0 } else { return 1 }; v }",
                "#[test] fn f() { let v = match x { Some(v) => v, None => return }; g(v); }",
            ],
        );
    }
}
