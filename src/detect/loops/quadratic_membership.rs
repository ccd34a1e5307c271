//! `contains` on the very list that a loop fills: each round walks all rounds before.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::usage::{self, How, Use};
use crate::source::{self, Node, SourceFile, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("quadratic-membership"),
    eye: Eye::Loops,
    kind: Kind::Quadratic,
    class: Class::A,
    title: "a loop searches the list that it fills",
    explain: EXPLAIN,
    triggers: &["contains", "any"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
A loop collects distinct elements: it pushes to a list unless the list has the element already, and asks the list itself
by `contains` or `iter().any(…)`.

## Why it costs

The k-th round walks up to k elements, so n rounds take n²/2 comparisons: 5,000 distinct elements are twelve million.
A set beside the list answers in constant time; the list keeps its order.

## Before

```rust
let mut seen: Vec<String> = Vec::new();
for item in items {
    if !seen.contains(&item.sku) {
        seen.push(item.sku.clone());
    }
}
```

## After

```rust
let mut seen: Vec<String> = Vec::new();
let mut seen_set = std::collections::HashSet::new();
for item in items {
    if seen_set.insert(&item.sku) {
        seen.push(item.sku.clone());
    }
}
```

## When it is refused

- The list is not an empty `Vec` or `VecDeque` made in the same function, or is used in another way before or in the
  loop: its content at the start of the loop must be known.
- The element is not `Eq + Hash`, or its `PartialEq` may disagree with its `Hash` (floats, hand-written comparisons).
- What is pushed is not visibly what was looked for.

For lists that stay at a few dozen elements the walk may be faster: the measurement decides.
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    words::method_calls_with(file, RULE.triggers).filter_map(|call| membership(file, call)).collect()
}

/// `list.contains(&key)` or `list.iter().any(|element| element == &key)`: the list and what is asked for, as a reference
/// or not.
fn question(call: &syn::ExprMethodCall) -> Option<(&syn::Expr, &syn::Expr)> {
    if call.method == "contains" && call.args.len() == 1 {
        return Some((&call.receiver, call.args.first()?));
    }
    let syn::Expr::MethodCall(iter) = &*call.receiver else { return None };
    let syn::Expr::Closure(closure) = call.args.first()? else { return None };
    if call.method != "any" || iter.method != "iter" {
        return None;
    }
    let [syn::Pat::Ident(element)] = closure.inputs.iter().collect::<Vec<_>>()[..] else { return None };
    let syn::Expr::Binary(syn::ExprBinary { left, op: syn::BinOp::Eq(_), right, .. }) = &*closure.body else {
        return None;
    };
    let is_element = |e: &syn::Expr| usage::place(e).is_some_and(|p| element.ident == p.root && p.fields.is_empty());
    let sides = [(&**left, &**right), (&**right, &**left)];
    let (_, key) = sides
        .into_iter()
        .find(|(e, k)| is_element(e) && super::linear_lookup::is_independent(k, &element.ident.to_string()))?;
    Some((&iter.receiver, key))
}

fn membership(file: &SourceFile, call: &syn::ExprMethodCall) -> Option<Fact> {
    let (list, key) = question(call)?;
    let name = match list {
        syn::Expr::Path(p) => p.path.get_ident()?.to_string(),
        _ => return None,
    };
    if !types::type_of(file, list).is_some_and(|ty| types::is_sequence(&ty) && !matches!(ty, syn::Type::Reference(_))) {
        return None;
    }
    let site = file.range(call);
    let (declared, statement) = declaration(file, site, &name)?;
    let body = source::function_body(file, site)?;
    if usage::bindings(file, body, &name).len() != 1 {
        return None;
    }
    let pushed = only_push(file, body, &name, statement, site)?;
    let before = TextRange { start: declared.end, end: statement.start };
    if !is_empty_at_first(file, body, &name, before) {
        return None;
    }
    let message =
        format!("`{name}` is walked in each round of the loop that fills it: n rounds take about n²/2 comparisons");
    Some(
        Fact::at(file, site)
            .capture("list", file.range(list))
            .capture("key", file.range(key))
            .capture("push", pushed)
            .capture("statement", statement)
            .note("message", message),
    )
}

/// The `let` of a list, and the statement of the same block that holds the loop around `site`.
fn declaration(file: &SourceFile, site: TextRange, name: &str) -> Option<(TextRange, TextRange)> {
    for node in source::path_to(file, site) {
        let Node::Block(block) = node else { continue };
        let Some(at) = block.stmts.iter().position(|stmt| file.range(stmt).contains(site)) else { continue };
        let declared = block.stmts[..at].iter().rev().find(|stmt| declares_empty(stmt, name));
        if let Some(declared) = declared {
            let statement = &block.stmts[at];
            return has_loop(file, statement, site).then(|| (file.range(declared), file.range(statement)));
        }
    }
    None
}

/// `let mut name = Vec::new();`, `vec![]`, `Vec::with_capacity(n)`, `VecDeque::new()`.
fn declares_empty(stmt: &syn::Stmt, name: &str) -> bool {
    let syn::Stmt::Local(local) = stmt else { return false };
    let pat = match &local.pat {
        syn::Pat::Type(t) => &*t.pat,
        other => other,
    };
    let Some(init) = &local.init else { return false };
    if !matches!(pat, syn::Pat::Ident(p) if p.ident == name) {
        return false;
    }
    match &*init.expr {
        syn::Expr::Macro(m) => m.mac.path.is_ident("vec") && m.mac.tokens.is_empty(),
        syn::Expr::Call(call) => match &*call.func {
            syn::Expr::Path(p) => {
                let words: Vec<String> = p.path.segments.iter().rev().take(2).map(|s| s.ident.to_string()).collect();
                matches!(
                    words.join(" ").as_str(),
                    "new Vec" | "with_capacity Vec" | "new VecDeque" | "with_capacity VecDeque" | "default Vec"
                )
            }
            _ => false,
        },
        _ => false,
    }
}

/// True if a loop inside the statement has the site in its body.
fn has_loop(file: &SourceFile, stmt: &syn::Stmt, site: TextRange) -> bool {
    let range = file.range(stmt);
    source::path_to(file, site).into_iter().any(|node| match node {
        Node::Expr(expr @ (syn::Expr::ForLoop(_) | syn::Expr::While(_) | syn::Expr::Loop(_))) => {
            range.contains(file.range(expr))
        }
        _ => false,
    })
}

/// The one `push` to the list inside the statement, if everything else there only reads the list.
fn only_push(
    file: &SourceFile,
    body: &syn::Block,
    name: &str,
    statement: TextRange,
    site: TextRange,
) -> Option<TextRange> {
    let inside: Vec<Use> = usage::uses(file, body, name).into_iter().filter(|u| statement.contains(u.name)).collect();
    let is_push = |u: &&Use| matches!(&u.how, How::Method(m) if m == "push" || m == "push_back");
    let pushes: Vec<&Use> = inside.iter().filter(is_push).collect();
    let others = inside.iter().filter(|u| !is_push(u)).all(|u| u.is_read() && !u.is_captured);
    match pushes[..] {
        [push] if others && !push.is_captured && push.name.start > site.start => Some(push.whole),
        _ => None,
    }
}

fn is_empty_at_first(file: &SourceFile, body: &syn::Block, name: &str, before: TextRange) -> bool {
    usage::uses(file, body, name).iter().filter(|u| before.contains(u.name)).all(Use::is_read)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_the_loop_searches_what_it_fills() {
        check(
            &RULE,
            "fn f(items: &[Item]) -> Vec<String> {
                let mut seen: Vec<String> = Vec::new();
                for item in items { if !$0seen.contains(&item.sku)$0 { seen.push(item.sku.clone()); } }
                seen
            }",
        );
        check(
            &RULE,
            "fn f(items: &[u32]) {
                let mut seen = vec![];
                for item in items { if $0seen.contains(item)$0 { continue; } seen.push(*item); }
            }",
        );
        check(
            &RULE,
            "fn f(items: &[u32]) {
                let mut seen = Vec::new();
                for item in items { if !$0seen.iter().any(|s| s == item)$0 { seen.push(*item); } }
            }",
        );
    }

    #[test]
    fn ignores_look_alikes() {
        let body = |text: &str| format!("fn f(xs: &[u32], other: &mut Vec<u32>) {{ {text} }}");
        let texts: Vec<String> = [
            // No loop; another list; a set.
            "let mut s = Vec::new(); if !s.contains(&1) { s.push(1); }",
            "let mut s: Vec<u32> = Vec::new(); for x in xs { if !other.contains(x) { s.push(*x); } }",
            "let mut s = HashSet::new(); for x in xs { if !s.contains(x) { s.insert(*x); } }",
            // Content before the loop that is not known, or removed in it.
            "for x in xs { if !other.contains(x) { other.push(*x); } }",
            "let mut s = vec![1]; for x in xs { if !s.contains(x) { s.push(*x); } }",
            "let mut s = Vec::new(); s.push(3); for x in xs { if !s.contains(x) { s.push(*x); } }",
            "let mut s = Vec::new(); fill(&mut s); for x in xs { if !s.contains(x) { s.push(*x); } }",
            "let mut s = Vec::new(); for x in xs { if !s.contains(x) { s.push(*x); } s.retain(|y| y != x); }",
            "let mut s = Vec::new(); for x in xs { if !s.contains(x) { s.push(*x); } else { s.clear(); } }",
            // A list of the round.
            "for x in xs { let mut s = Vec::new(); if !s.contains(x) { s.push(*x); } }",
            // Two pushes; a push in a closure; shadowed.
            "let mut s = Vec::new(); for x in xs { if !s.contains(x) { s.push(*x); s.push(1); } }",
            "let mut s = Vec::new(); for x in xs { if !s.contains(x) { g(|| s.push(*x)); } }",
            "let mut s = Vec::new(); for x in xs { let s2 = 1; } let mut s = Vec::new(); for x in xs { if !s.contains(x) { s.push(*x); } }",
            // Looked for in a string.
            "let mut s = String::new(); for x in xs { if !s.contains(\"a\") { s.push('a'); } }",
        ]
        .into_iter()
        .map(body)
        .collect();
        check_ignores(&RULE, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
