//! Questions whose answer the next step gives by itself: whether a list is empty before a loop over it, whether a key is there before a
//! look-up that says `None`.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::lookups::{self, may_be_map};
use crate::source::names::peel;
use crate::source::{SourceFile, shapes, types, usage, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("asked-for-nothing"),
    eye: Eye::Errors,
    kind: Kind::DefensiveRedundancy,
    class: Class::A,
    title: "question whose answer the next step gives by itself",
    explain: EXPLAIN,
    triggers: &["is_empty", "len", "contains_key", "is_some", "is_none"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `if !list.is_empty() { for x in &list { … } }`, `if map.contains_key(&k) { map.remove(&k) } else { None }` (`get`, `get_mut`,
`get(…).cloned()`), and `if list.is_empty() { None } else { list.last() }` (`first`, `pop`, `iter().max()`).

## Why it costs

The key is hashed and looked for twice, and every reader looks for what is different where it is empty. A loop over nothing does
nothing, and a look-up that finds nothing says `None`.

## Before

```rust
if self.open.contains_key(&id) {
    self.open.remove(&id)
} else {
    None
}
```

## After

```rust
self.open.remove(&id)
```

## When it is refused

More stands in the blocks; the key is computed; the collection is computed, or is not one of std (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        for expr in shapes::exprs(body) {
            if let syn::Expr::If(node) = expr {
                found.extend(before_loop(file, node).or_else(|| before_look_up(file, node)));
            }
        }
    }
    found
}

/// `if !list.is_empty() { for x in &list { … } }`
fn before_loop(file: &SourceFile, node: &syn::ExprIf) -> Option<Fact> {
    let [syn::Stmt::Expr(whole @ syn::Expr::ForLoop(l), _)] = node.then_branch.stmts.as_slice() else { return None };
    let (list, false) = emptiness(&node.cond)? else { return None };
    let is_same = shapes::counted(&l.expr).is_some_and(|walked| shapes::same(peel(walked), peel(list)));
    let is_range = matches!(peel(&l.expr), syn::Expr::Range(_));
    (is_same && !is_range && node.else_branch.is_none() && node.attrs.is_empty())
        .then(|| made(file, node, list, file.range(whole), "list"))
        .flatten()
}

/// `if map.contains_key(&k) { map.get(&k) } else { None }` and `if list.is_empty() { None } else { list.last() }`
fn before_look_up(file: &SourceFile, node: &syn::ExprIf) -> Option<Fact> {
    let only = |block: &'_ syn::Block| match block.stmts.as_slice() {
        [syn::Stmt::Expr(only, None)] => Some(only.clone()),
        _ => None,
    };
    let is_none = |expr: &syn::Expr| matches!(peel(expr), syn::Expr::Path(p) if p.path.is_ident("None"));
    let other = shapes::else_block(node)?;
    let (then, other_value) = (only(&node.then_branch)?, only(other)?);
    let (first, second) = (node.then_branch.stmts.first()?, other.stmts.first()?);
    let expr_of = |stmt: &'_ syn::Stmt| match stmt {
        syn::Stmt::Expr(expr, _) => Some(file.range(expr)),
        _ => None,
    };
    let (value, range, is_there) = match (is_none(&then), is_none(&other_value)) {
        (false, true) => (then, expr_of(first)?, true),
        (true, false) => (other_value, expr_of(second)?, false),
        _ => return None,
    };
    if let Some(question) = lookups::question(&node.cond).filter(|q| q.is_there == is_there) {
        let look_up = match &value {
            syn::Expr::MethodCall(call)
                if call.args.is_empty() && (call.method == "cloned" || call.method == "copied") =>
            {
                &*call.receiver
            }
            other => other,
        };
        let call = ["get", "get_mut", "remove"].iter().find_map(|name| shapes::method(look_up, name, 1))?;
        let is_same = shapes::same(peel(&call.receiver), peel(question.collection))
            && shapes::same(shapes::unreferenced(&call.args[0]), shapes::unreferenced(question.key));
        let is_quiet = shapes::is_quiet(question.key) && may_be_map(file, question.collection);
        return (is_same && is_quiet).then(|| made(file, node, question.collection, range, "map")).flatten();
    }
    let (list, is_empty) = emptiness(&node.cond)?;
    let is_taken = match &value {
        syn::Expr::MethodCall(call) => {
            const TAKES: &[&str] = &["back", "first", "front", "last", "pop", "pop_back", "pop_front"];
            const ENDS: &[&str] = &["last", "max", "min", "next"];
            let of_list = |expr: &syn::Expr| shapes::same(peel(expr), peel(list));
            let takes = TAKES.iter().any(|name| call.method == name) && of_list(&call.receiver);
            let iterated = shapes::method(&call.receiver, "iter", 0).is_some_and(|iter| of_list(&iter.receiver));
            call.args.is_empty() && (takes || iterated && ENDS.iter().any(|name| call.method == name))
        }
        _ => false,
    };
    (is_taken && is_empty != is_there).then(|| made(file, node, list, range, "list")).flatten()
}

/// `list.is_empty()` and `list.len() == 0`, and whether the condition holds where it is empty.
fn emptiness(cond: &syn::Expr) -> Option<(&syn::Expr, bool)> {
    if let Some(denied) = shapes::denied(cond) {
        return emptiness(denied).map(|(list, is_empty)| (list, !is_empty));
    }
    if let Some(call) = shapes::method(cond, "is_empty", 0) {
        return Some((&call.receiver, true));
    }
    let syn::Expr::Binary(b) = peel(cond) else { return None };
    let len = shapes::method(&b.left, "len", 0)?;
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(n), .. }) = peel(&b.right) else { return None };
    let is_empty = match (&b.op, n.base10_digits()) {
        (syn::BinOp::Eq(_), "0") => true,
        (syn::BinOp::Gt(_) | syn::BinOp::Ne(_), "0") | (syn::BinOp::Ge(_), "1") => false,
        _ => return None,
    };
    Some((&len.receiver, is_empty))
}

fn made(file: &SourceFile, node: &syn::ExprIf, asked: &syn::Expr, kept: TextRange, what: &'static str) -> Option<Fact> {
    usage::place(asked).filter(|p| p.is_plain)?;
    let head = types::type_of(file, asked).and_then(|ty| types::head(types::strip(&ty)));
    if what == "list" && head.is_some_and(|head| head == "Option" || head == "Result" || head == "Range") {
        return None;
    }
    let shown = file.on_one_line(file.range(asked));
    Some(
        Fact::at(file, file.range(node)).capture(what, file.range(asked)).capture("kept", kept).note(
            "message",
            format!("`{shown}` is asked first, although what follows gives the same answer by itself"),
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_on_questions_whose_answer_follows_by_itself() {
        for text in [
            "fn f(xs: &[u8]) { $0if !xs.is_empty() { for x in xs { g(x); } }$0 h(); }",
            "impl S { fn f(&self) { $0if self.xs.len() > 0 { for (i, x) in self.xs.iter().enumerate() { g(i, x); } }$0 } }",
            "fn f(m: &mut HashMap<u8, u8>, k: u8) -> Option<u8> { $0if m.contains_key(&k) { m.remove(&k) } else { None }$0 }",
            "fn f(m: &HashMap<u8, String>, k: u8) -> Option<String> { let v = $0if m.contains_key(&k) { m.get(&k).cloned() } else { None }$0; v }",
            "fn f(m: &M, k: &str) -> Option<&V> { $0if !m.contains_key(k) { None } else { m.get(k) }$0 }",
            "fn f(m: &M, k: &str) -> Option<&V> { $0if m.get(k).is_some() { m.get(k) } else { None }$0 }",
            "fn f(xs: &[u8]) -> Option<&u8> { $0if xs.is_empty() { None } else { xs.last() }$0 }",
            "fn f(xs: &mut Vec<u8>) -> Option<u8> { $0if xs.len() > 0 { xs.pop() } else { None }$0 }",
            "fn f(xs: &[u8]) -> Option<&u8> { $0if xs.is_empty() { None } else { xs.iter().max() }$0 }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                "fn f(xs: &[u8]) { if !xs.is_empty() { start(); for x in xs { g(x); } } }",
                "fn f(xs: &[u8]) { if !xs.is_empty() { for x in xs { g(x); } } else { h(); } }",
                "fn f(xs: &[u8], ys: &[u8]) { if !xs.is_empty() { for y in ys { g(y); } } }",
                "fn f(xs: &[u8]) { if xs.is_empty() { for x in xs { g(x); } } }",
                "fn f(xs: &[u8]) { if xs.len() > 1 { for x in xs { g(x); } } }",
                "fn f(xs: &[u8]) { if !xs.is_empty() && a { for x in xs { g(x); } } }",
                "fn f(s: &S) { if !s.list().is_empty() { for x in s.list() { g(x); } } }",
                "fn f(m: &mut M, k: u8) -> Option<u8> { if m.contains_key(&k) { m.remove(&k) } else { Some(0) } }",
                "fn f(m: &mut M, k: u8, l: u8) -> Option<u8> { if m.contains_key(&k) { m.remove(&l) } else { None } }",
                "fn f(m: &mut M, n: &mut M, k: u8) -> Option<u8> { if m.contains_key(&k) { n.remove(&k) } else { None } }",
                "fn f(m: &mut M, k: u8) -> Option<u8> { if m.contains_key(&k) { m.insert(k, 1) } else { None } }",
                "fn f(m: &mut M, k: u8) -> Option<u8> { if !m.contains_key(&k) { m.remove(&k) } else { None } }",
                "fn f(m: &mut M, k: u8) -> Option<u8> { if m.contains_key(&k) { count(); m.remove(&k) } else { None } }",
                "fn f(m: &mut M) -> Option<u8> { if m.contains_key(&next()) { m.remove(&next()) } else { None } }",
                "fn f(xs: &[u8]) -> Option<&u8> { if xs.is_empty() { None } else { xs.get(1) } }",
                "fn f(xs: &[u8]) -> Option<&u8> { if xs.is_empty() { Some(&0) } else { xs.last() } }",
                "fn f(v: &mut Vec<u8>, k: usize) -> Option<u8> { if v.get(k).is_some() { Some(v.remove(k)) } else { None } }",
                "#[test] fn f() { if !xs.is_empty() { for x in xs { g(x); } } }",
            ],
        );
    }
}
