//! Vectors that are collected only to be walked once, in the next statement.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::{bound_by, peel, plain_name};
use crate::source::usage::{self, How};
use crate::source::{self, SourceFile, json, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("collect-then-loop"),
    eye: Eye::Memory,
    kind: Kind::AllocChurn,
    class: Class::A,
    title: "vector collected only to be walked once",
    explain: EXPLAIN,
    triggers: &["collect"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let list: Vec<_> = items.iter().map(…).collect();` whose only use, soon after, loops over it, goes on
with `list.iter()` or `list.into_iter()`, or asks for `list.len()`.

## Why it costs

The vector is allocated, grown and freed to hold what each round needs for a moment.

## Before

```rust
let cents: Vec<i64> = entries.iter().map(|e| e.cents).collect();
for c in cents {
    total.add(c);
}
```

## After

```rust
for c in entries.iter().map(|e| e.cents) {
    total.add(c);
}
```

## When it is refused

A closure does more than look at its element (calls, arithmetic, macros): its effects, or its panic, would come in between the
rounds. What is walked is no collection of std (asked of rustc), or the loop changes it (rustc does not accept it). Not
reported: lists that are used twice, sorted, indexed or collected into a `Result`.
";

/// Where a chain may start, and what may follow, with the number of arguments.
const STARTS: &[(&str, usize)] = &[
    ("iter", 0),
    ("values", 0),
    ("keys", 0),
    ("chars", 0),
    ("bytes", 0),
    ("lines", 0),
    ("split", 1),
    ("split_whitespace", 0),
];
const STEPS: &[(&str, usize)] = &[
    ("map", 1),
    ("filter", 1),
    ("filter_map", 1),
    ("copied", 0),
    ("cloned", 0),
    ("enumerate", 0),
    ("rev", 0),
    ("skip", 1),
    ("take", 1),
    ("skip_while", 1),
    ("take_while", 1),
    ("flatten", 0),
];

/// Statements between the `let` and the walk that may stand there.
const NEAR: usize = 3;

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, RULE.triggers) {
        found.extend((0..block.stmts.len()).filter_map(|index| collected(file, block, index)));
    }
    for body in words::bodies_with(file, RULE.triggers) {
        found.extend(shapes::exprs(body).into_iter().filter_map(|expr| at_once(file, expr)));
    }
    found
}

/// `chain.collect::<Vec<_>>().into_iter()`, `.len()`, `list.extend(chain.collect::<Vec<_>>())`, and a `for` over it.
fn at_once(file: &SourceFile, expr: &syn::Expr) -> Option<Fact> {
    let (vector, walked, is_counted) = match expr {
        syn::Expr::MethodCall(call) if call.args.is_empty() => match call.method.to_string().as_str() {
            "into_iter" => (&*call.receiver, file.range(expr), false),
            "len" => (&*call.receiver, file.range(expr), true),
            "is_empty" => (&*call.receiver, file.range(expr), false),
            _ => return None,
        },
        syn::Expr::MethodCall(call) if call.method == "extend" && call.args.len() == 1 => {
            (&call.args[0], file.range(&call.args[0]), false)
        }
        syn::Expr::ForLoop(around) => (&*around.expr, file.range(&*around.expr), false),
        _ => return None,
    };
    let syn::Expr::MethodCall(collect) = vector else { return None };
    if collect.method != "collect" || !collect.args.is_empty() || !is_vec(None, collect) {
        return None;
    }
    let is_asked = matches!(expr, syn::Expr::MethodCall(call) if call.method == "is_empty");
    let root = chain(&collect.receiver, false)?;
    let is_ended = match expr {
        syn::Expr::ForLoop(around) => is_touched_in(file, &around.body, root),
        syn::Expr::MethodCall(call) if call.method == "extend" => {
            let (grown, walked) = (usage::place(&call.receiver)?, usage::place(root)?);
            usage::may_overlap(&grown, &walked.root, &walked.fields)
        }
        _ => false,
    };
    if is_ended {
        return None;
    }
    let fact = Fact::at(file, file.range(vector))
        .capture("chain", file.range(&*collect.receiver))
        .capture("root", file.range(root))
        .capture("walked", walked)
        .capture("at-once", walked)
        .note("message", "a vector is allocated and filled only to be walked once");
    let fact = if is_asked { fact.capture("asked", walked) } else { fact };
    Some(if is_counted { fact.capture("counted", walked) } else { fact })
}

fn collected(file: &SourceFile, block: &syn::Block, index: usize) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| !l.is_mut)?;
    let syn::Expr::MethodCall(collect) = bound.value else { return None };
    if collect.method != "collect" || !collect.args.is_empty() || !is_vec(bound.ty, collect) {
        return None;
    }
    let name = bound.name.to_string();
    let after = &block.stmts[index + 1..];
    let at = after.iter().take(NEAR + 1).position(|stmt| shapes::count(stmt, &name) > 0)?;
    let next = &after[at];
    let root = chain(&collect.receiver, only_counts(next) && after[..at].iter().all(is_start))?;
    let is_touched = after[..=at].iter().any(|stmt| is_touched(file, block, stmt, root));
    if shapes::count(&shapes::rest(block, index), &name) != 1 || is_touched {
        return None;
    }
    let (walked, is_counted) = walked(file, next, bound.name)?;
    let message = format!("`{name}` is allocated and filled only to be walked once");
    let mut fact = Fact::at(file, file.range(bound.local))
        .capture("chain", file.range(&*collect.receiver))
        .capture("root", file.range(root))
        .capture("walked", walked)
        .note("message", message);
    if is_counted {
        fact = fact.capture("counted", walked);
    }
    for star in stars(file, next, &walked) {
        fact = fact.capture("star", star);
    }
    Some(fact)
}

/// The `*` before the element of a loop over references to a list, whose chain gives the elements themselves.
fn stars(file: &SourceFile, next: &syn::Stmt, walked: &TextRange) -> Vec<TextRange> {
    let syn::Stmt::Expr(syn::Expr::ForLoop(l), _) = next else { return Vec::new() };
    let is_lent = file.slice(*walked).starts_with('&') || file.slice(*walked).ends_with(".iter()");
    let (true, syn::Pat::Ident(name)) = (is_lent, &*l.pat) else { return Vec::new() };
    let star = |expr: &&syn::Expr| match expr {
        syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) && shapes::is_name(&u.expr, &name.ident) => {
            let start = file.range(*expr).start;
            Some(TextRange { start, end: start + 1 })
        }
        _ => None,
    };
    shapes::exprs(&l.body).iter().filter_map(star).collect()
}

/// True where the annotation or the turbofish says `Vec`.
fn is_vec(ty: Option<&syn::Type>, collect: &syn::ExprMethodCall) -> bool {
    let turbofish = collect.turbofish.as_ref().and_then(|list| list.args.first());
    let told = match (ty, turbofish) {
        (Some(ty), _) => types::head(ty),
        (None, Some(syn::GenericArgument::Type(ty))) => types::head(ty),
        _ => None,
    };
    told.as_deref() == Some("Vec")
}

/// `let mut total = 0;`
fn is_start(stmt: &syn::Stmt) -> bool {
    shapes::plain_let(stmt).is_some_and(|l| matches!(l.value, syn::Expr::Lit(_)))
}

/// True for a loop whose rounds do nothing but arithmetic on locals: nobody sees whether a step before it, which could only panic,
/// comes before all rounds or between them.
fn only_counts(next: &syn::Stmt) -> bool {
    let syn::Stmt::Expr(syn::Expr::ForLoop(l), _) = next else { return false };
    let is_step = |stmt: &syn::Stmt| match stmt {
        syn::Stmt::Expr(syn::Expr::Binary(b), _) => {
            let is_number =
                matches!(b.op, syn::BinOp::AddAssign(_) | syn::BinOp::SubAssign(_) | syn::BinOp::MulAssign(_));
            let right = match &*b.right {
                syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => &*u.expr,
                other => other,
            };
            is_number && plain_name(&b.left).is_some() && is_look(right)
        }
        _ => false,
    };
    l.label.is_none() && !l.body.stmts.is_empty() && l.body.stmts.iter().all(is_step)
}

/// As [`is_look`], with arithmetic and conversions between numbers, which could only panic.
fn is_computed(expr: &syn::Expr) -> bool {
    use syn::BinOp::{Add, Div, Mul, Rem, Sub};
    match peel(expr) {
        syn::Expr::Binary(b) if matches!(b.op, Add(_) | Sub(_) | Mul(_) | Div(_) | Rem(_)) => {
            is_computed(&b.left) && is_computed(&b.right)
        }
        syn::Expr::Cast(c) => is_computed(&c.expr),
        syn::Expr::Call(call) => {
            const NUMBERS: &[&str] = &["f64", "i64", "i128", "u64", "u128", "u32", "i32", "usize"];
            let is_from = NUMBERS.iter().any(|name| shapes::call(expr, &[name, "from"]).is_some());
            is_from && call.args.iter().all(is_computed)
        }
        other => is_look(other),
    }
}

/// The place at the bottom of a chain of adaptors that only look, or that compute as well.
fn chain(expr: &syn::Expr, computes: bool) -> Option<&syn::Expr> {
    let syn::Expr::MethodCall(call) = peel(expr) else { return None };
    let is = |list: &[(&str, usize)]| list.iter().any(|(name, n)| call.method == name && call.args.len() == *n);
    if !call.args.iter().all(|argument| is_looking(argument, computes)) || call.turbofish.is_some() {
        return None;
    }
    let is_place = usage::place(&call.receiver).is_some_and(|p| p.is_plain);
    match is_place {
        true => is(STARTS).then_some(&*call.receiver),
        false => is(STEPS).then(|| chain(&call.receiver, computes)).flatten(),
    }
}

/// True for literals, and for closures that only look at their element.
fn is_looking(argument: &syn::Expr, computes: bool) -> bool {
    match argument {
        syn::Expr::Closure(c) => {
            let looks = is_look(&c.body) || computes && is_computed(&c.body);
            c.capture.is_none() && c.asyncness.is_none() && looks && !is_literal(&c.body)
        }
        other => shapes::is_quiet(other),
    }
}

/// True for what gets its type from the vector alone: a literal, or a tuple with one.
fn is_literal(expr: &syn::Expr) -> bool {
    match peel(expr) {
        syn::Expr::Lit(lit) => matches!(lit.lit, syn::Lit::Int(_) | syn::Lit::Float(_)),
        syn::Expr::Tuple(t) => t.elems.iter().any(is_literal),
        _ => false,
    }
}

/// True for an expression that neither calls what is not std's, nor panics, nor changes anything.
fn is_look(expr: &syn::Expr) -> bool {
    use syn::{BinOp, UnOp};
    match peel(expr) {
        syn::Expr::Path(_) | syn::Expr::Lit(_) => true,
        syn::Expr::Field(f) => is_look(&f.base),
        syn::Expr::Reference(r) => r.mutability.is_none() && is_look(&r.expr),
        syn::Expr::Unary(u) => matches!(u.op, UnOp::Deref(_) | UnOp::Not(_)) && is_look(&u.expr),
        syn::Expr::Tuple(t) => t.elems.iter().all(is_look),
        syn::Expr::Binary(b) => {
            let is_quiet = matches!(
                b.op,
                BinOp::Eq(_)
                    | BinOp::Ne(_)
                    | BinOp::Lt(_)
                    | BinOp::Le(_)
                    | BinOp::Gt(_)
                    | BinOp::Ge(_)
                    | BinOp::And(_)
                    | BinOp::Or(_)
            );
            is_quiet && is_look(&b.left) && is_look(&b.right)
        }
        syn::Expr::MethodCall(call) => {
            const LOOKS: &[&str] = &[
                "as_str",
                "as_ref",
                "as_bytes",
                "as_deref",
                "len",
                "is_empty",
                "is_some",
                "is_none",
                "is_ok",
                "is_err",
                "trim",
                "starts_with",
                "ends_with",
                "abs",
                "is_alphabetic",
                "is_alphanumeric",
                "is_ascii",
                "is_ascii_alphabetic",
                "is_ascii_alphanumeric",
                "is_ascii_digit",
                "is_ascii_punctuation",
                "is_ascii_whitespace",
                "is_control",
                "is_lowercase",
                "is_numeric",
                "is_uppercase",
                "is_whitespace",
                "to_ascii_lowercase",
                "to_ascii_uppercase",
                "eq_ignore_ascii_case",
                "trim_end",
                "trim_start",
                "ok",
            ];
            LOOKS.contains(&call.method.to_string().as_str())
                && is_look(&call.receiver)
                && call.args.iter().all(is_look)
        }
        _ => false,
    }
}

/// True if the next statement binds the name at the root of the chain, or changes what is walked, by what can be seen.
fn is_touched(file: &SourceFile, block: &syn::Block, next: &syn::Stmt, root: &syn::Expr) -> bool {
    let only = syn::Block { brace_token: block.brace_token, stmts: vec![next.clone()] };
    is_touched_in(file, &only, root)
}

/// As [`is_touched`], of all statements of a block.
fn is_touched_in(file: &SourceFile, only: &syn::Block, root: &syn::Expr) -> bool {
    let Some(place) = usage::place(root) else { return true };
    let is_changed = |u: &usage::Use| match &u.how {
        How::Method(name) if u.is_bare && place.root == "self" => source::takes_self_mutably(file, name),
        _ => u.is_change(),
    };
    let uses = usage::uses(file, only, &place.root);
    !usage::bindings(file, only, &place.root).is_empty()
        || uses.iter().any(|u| usage::may_overlap(&place, &place.root, &u.fields) && is_changed(u))
}

/// Where the statement walks the list, and whether it only counts it.
fn walked(file: &SourceFile, next: &syn::Stmt, name: &syn::Ident) -> Option<(TextRange, bool)> {
    let by_value = |expr: &syn::Expr| match expr {
        syn::Expr::MethodCall(call) if call.method == "into_iter" && call.args.is_empty() => {
            shapes::is_name(&call.receiver, name)
        }
        other => plain_name(other).is_some_and(|found| found == name),
    };
    if let syn::Stmt::Expr(syn::Expr::ForLoop(around), _) = next {
        let is_bound = bound_by(&around.pat).iter().any(|bound| name == bound);
        // Where references and what they refer to are not taken alike, rustc says so.
        let by_reference = |expr: &syn::Expr| match expr {
            syn::Expr::MethodCall(call) => {
                call.method == "iter" && call.args.is_empty() && shapes::is_name(&call.receiver, name)
            }
            syn::Expr::Reference(r) => r.mutability.is_none() && shapes::is_name(&r.expr, name),
            _ => false,
        };
        let is_walked = by_value(&around.expr) || by_reference(&around.expr);
        return (!is_bound && is_walked).then(|| (file.range(&*around.expr), false));
    }
    json::run_once(next).into_iter().find_map(|expr| {
        let syn::Expr::MethodCall(call) = expr else { return None };
        let is_it = shapes::is_name(&call.receiver, name) && call.args.is_empty();
        match call.method.to_string().as_str() {
            "iter" | "into_iter" if is_it => Some((file.range(call), false)),
            "len" if is_it => Some((file.range(call), true)),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_lists_that_are_walked_once() {
        for text in [
            "fn f(xs: &[X]) { $0let a: Vec<u8> = xs.iter().map(|x| x.a).collect();$0 for n in a { g(n); } }",
            "fn f(xs: &[X]) -> u8 { $0let all: Vec<&X> = xs.iter().filter(|x| x.a > 0).collect();$0 all.iter().map(|x| x.a).sum() }",
            "fn f(xs: &[X]) -> usize { $0let a = xs.iter().filter(|x| x.is_on).collect::<Vec<_>>();$0 a.len() }",
            "fn f(xs: &[X]) { $0let all: Vec<u8> = xs.iter().map(|x| x.a).collect();$0 let mut sum = 0; for n in all { sum += n; } }",
            "fn f(xs: &[X]) -> u64 { $0let all: Vec<u64> = xs.iter().filter(|x| x.n > 0).map(|x| u64::from(x.n) * x.c).collect();$0 let mut t = 0; for v in all.iter() { t += v; } t }",
            "fn f(xs: &[X]) { $0let a: Vec<&str> = xs.iter().map(|x| x.a.as_str()).collect();$0 for n in &a { g(n); } }",
            "fn f(m: &HashMap<u8, u32>) -> u32 { let mut t = 0; $0let all: Vec<u32> = m.values().cloned().collect();$0 for v in all.iter() { t += *v; } t }",
            "fn f(m: &HashMap<String, u32>) { for k in $0m.keys().cloned().collect::<Vec<_>>()$0 { g(&k); } }",
            "fn f(xs: &[X]) -> bool { $0xs.iter().filter(|x| x.n > 1).collect::<Vec<_>>()$0.is_empty() }",
            "fn f(t: &str) -> usize { $0let parts: Vec<&str> = t.split(',').collect();$0 parts.len() }",
            "fn f(&self) { $0let ks: Vec<_> = self.map.keys().collect();$0 for k in ks.into_iter() { g(k); } }",
            "fn f(t: &str) { $0let ls: Vec<_> = t.lines().map(|l| l.trim()).collect();$0 for l in ls { g(l); } }",
            "fn f(xs: &[X]) { $0let all: Vec<_> = xs.iter().map(|x| (x.a, &x.b)).rev().collect();$0 for (m, n) in all { g(m, n); } }",
            "fn f(t: &str) -> String { $0let kept: Vec<char> = t.chars().filter(|c| c.is_alphanumeric()).collect();$0 kept.iter().map(|c| c.to_ascii_lowercase()).collect() }",
            "fn f(xs: &[X]) { for n in $0xs.iter().map(|x| x.a).collect::<Vec<_>>()$0 { g(n); } }",
            "fn f(xs: &[X]) -> usize { $0xs.iter().filter(|x| x.is_on).collect::<Vec<_>>()$0.len() }",
            "fn f(xs: &[X], out: &mut Vec<u8>) { out.extend($0xs.iter().map(|x| x.a).collect::<Vec<u8>>()$0); }",
            "fn f(xs: &[X]) -> u64 { $0xs.iter().map(|x| x.a).collect::<Vec<u64>>()$0.into_iter().max().unwrap_or(0) }",
            "fn f(xs: &[X]) -> bool { $0let all: Vec<_> = xs.iter().filter_map(|x| x.a.as_ref()).collect();$0 all.into_iter().any(|a| h(a)) }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(xs: &[X]) { let a: Vec<u8> = xs.iter().map(|x| x.a).collect(); for n in &a { g(n); } h(a); }",
                "fn f(xs: &[X]) { let mut a: Vec<u8> = xs.iter().map(|x| x.a).collect(); a.sort(); for n in a { g(n); } }",
                "fn f(xs: &[X]) { let a: Vec<u8> = xs.iter().map(|x| spawn(x)).collect(); for n in a { g(n); } }",
                "fn f(xs: &[X]) { for n in xs.iter().map(|x| spawn(x)).collect::<Vec<u8>>() { n.join(); } }",
                "fn f(xs: &[X]) -> usize { xs.iter().map(|x| x.a).collect::<HashSet<u8>>().len() }",
                "fn f(m: &mut M) { for k in m.keys().copied().collect::<Vec<_>>() { m.remove(&k); } }",
                "fn f(xs: &mut Vec<u8>) { xs.extend(xs.iter().copied().collect::<Vec<_>>()); }",
                "fn f(xs: &[X]) { for n in m.keys().copied().collect::<HashSet<_>>() { g(n); } }",
                "fn f(xs: &[X], out: &mut Vec<u8>) { out.push(xs.iter().map(|x| x.a).collect::<Vec<u8>>()); }",
                "fn f(xs: &[X]) { let a: Vec<u8> = xs.iter().map(|x| x.load()).collect(); for n in a { g(n); } }",
                "fn f(xs: &[X]) { let a: Vec<u8> = xs.iter().map(|x| x.a / x.b).collect(); for n in a { g(n); } }",
                "fn f(xs: &[X]) { let a: Vec<u8> = xs.iter().map(|x| { n += 1; x.a }).collect(); for n in a { g(n); } }",
                "fn f(xs: &[X]) { let a: Vec<u8> = xs.iter().map(|x| x.a * x.b).collect(); for n in a { g(n); } }",
                "fn f(xs: &[X]) { let a: Vec<u8> = xs.iter().map(|x| x.a * x.b).collect(); for n in a { t += load(n); } }",
                "fn f(xs: &[X]) -> R { let a: Vec<u8> = xs.iter().map(|x| x.a.parse()).collect::<Result<_, _>>()?; for n in a { g(n); } Ok(()) }",
                "fn f(xs: &[X]) { let a: Vec<u8> = xs.iter().map(|_| 1).collect(); for n in a { g(n); } }",
                "fn f(xs: &[X]) { let a: Vec<(u8, u64)> = xs.iter().map(|x| (x.a, 0)).collect(); for n in a { g(n); } }",
                "fn f(xs: &[X]) { let a: HashSet<u8> = xs.iter().map(|x| x.a).collect(); for n in a { g(n); } }",
                "struct S { xs: Vec<X> } impl S { fn clear(&mut self) {} fn f(&mut self) { let a: Vec<u8> = self.xs.iter().map(|x| x.n).collect(); self.clear(); for n in a { g(n); } } }",
                "fn f(mut xs: Vec<X>) { let a: Vec<u8> = xs.iter().map(|x| x.n).collect(); xs.pop(); for n in a { g(n); } }",
                "fn f(m: &mut M) { let ks: Vec<u8> = m.keys().copied().collect(); for k in ks { m.remove(&k); } }",
                "fn f(&mut self) { let ks: Vec<u8> = self.m.keys().copied().collect(); for k in ks { self.m.remove(&k); } }",
                "fn f(xs: &[X]) { let a: Vec<u8> = xs.iter().map(|x| x.a).collect(); g(a); }",
                "fn f(xs: &[X]) -> Vec<u8> { let a: Vec<u8> = xs.iter().map(|x| x.a).collect(); a }",
                "fn f(xs: &[X]) { let a: Vec<u8> = xs.iter().map(|x| x.a).collect(); run(|| a.len()); }",
                "fn f(xs: &[X]) { let a: Vec<u8> = xs.iter().map(|x| x.a).collect(); loop { a.iter(); } }",
                "fn f() { let a: Vec<u8> = read().iter().map(|x| x.a).collect(); for n in a { g(n); } }",
            ],
        );
    }
}
