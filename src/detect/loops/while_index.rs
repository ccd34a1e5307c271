//! `while` loops that count through the indices of a list and use them for nothing but the list's elements.

use super::index_loop::{elements, is_changed};
use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::names::{mentions, peel, plain_name};
use crate::source::shapes::Exit;
use crate::source::usage::{self, How};
use crate::source::{SourceFile, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("while-index-loop"),
    eye: Eye::Loops,
    kind: Kind::DefensiveRedundancy,
    class: Class::A,
    title: "index counted by hand through a list whose elements would do",
    explain: EXPLAIN,
    triggers: &["len"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `let mut i = 0; while i < list.len() { … i += 1; }` whose body only reads `list[i]`, and leaves the list alone.

## Why it costs

The length is read again in each round, and each `list[i]` is checked against it once more, with a branch to a panic; where
rustc cannot prove that nothing changed, the checks also keep the loop from being vectorised.

## Before

```rust
let mut i = 0;
while i < prices.len() {
    total += prices[i] * rate;
    i += 1;
}
```

## After

```rust
for price in prices.iter() {
    total += *price * rate;
}
```

Where the index is used for something else, too, `enumerate()` gives both.

## When it is refused

The index is counted elsewhere, otherwise or only in some rounds; a `continue` would leave the counting out; the index is
looked at after the loop. The body writes to the list, looks at other places of it, hands it on, or hides it in a macro or a
closure. The list is not a vector, slice or array of std (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    // A `for` cannot run while compiling.
    let functions = words::functions_with(file, RULE.triggers).filter(|f| f.sig.constness.is_none());
    for block in functions.flat_map(|f| shapes::blocks_in(f.block)) {
        for (at, stmt) in block.stmts.iter().enumerate() {
            if let syn::Stmt::Expr(syn::Expr::While(around), _) = stmt {
                found.extend(counted(file, block, at, around));
            }
        }
    }
    found
}

fn counted(file: &SourceFile, block: &syn::Block, at: usize, around: &syn::ExprWhile) -> Option<Fact> {
    let syn::Expr::Binary(syn::ExprBinary { left, op: syn::BinOp::Lt(_), right, .. }) = peel(&around.cond) else {
        return None;
    };
    let index = plain_name(left)?;
    let list = &*shapes::method(right, "len", 0)?.receiver;
    let place = usage::place(list).filter(|p| p.is_plain && *index != p.root)?;
    let known = types::type_of(file, list).and_then(|ty| types::head(types::strip(&ty)));
    if known.is_some_and(|head| !["Vec", "[]"].contains(&head.as_str())) || !around.attrs.is_empty() {
        return None;
    }
    let name = index.to_string();
    let begin = begin(block, at, &name)?;
    let body = &around.body;
    let step = body.stmts.last().filter(|stmt| is_step(stmt, index))?;
    let is_bound = |name: &str| !usage::bindings(file, body, name).is_empty();
    if is_bound(&name) || is_bound(&place.root) || is_looked_at_later(block, at, &name) {
        return None;
    }
    // `continue` goes past the counting, and what an unknown macro does cannot be seen.
    if shapes::exits(body).iter().any(|exit| matches!(exit, Exit::Continue | Exit::Macro)) {
        return None;
    }
    let counts = usage::uses(file, body, &name);
    if counts.iter().filter(|u| matches!(u.how, How::Mutate | How::Opaque)).count() != 1 {
        return None;
    }
    let elements = elements(file, body, list, index);
    let uses = usage::uses(file, body, &place.root);
    let of_list: Vec<&usage::Use> =
        uses.iter().filter(|u| usage::may_overlap(&place, &place.root, &u.fields)).collect();
    let is_read = of_list.iter().all(|u| !u.is_captured && u.how != How::Mutate && u.how != How::Opaque && !u.is_bare);
    if elements.is_empty() || of_list.len() != elements.len() || !is_read || is_changed(&elements, &of_list) {
        return None;
    }
    let shown = file.text_of(list);
    let mut fact = Fact::at(file, file.range(&*around.cond))
        .capture("list", file.range(list))
        .capture("index", file.span_range(index.span()))
        .capture("while", file.span_range(around.while_token.span))
        .capture("begin", file.range(begin))
        .capture("step", file.range(step))
        .note("message", format!("`{name}` is counted by hand, and each `{shown}[{name}]` is checked once more"));
    if shapes::count(body, &name) != elements.len() + 1 {
        fact = fact.capture("needed", file.span_range(index.span()));
    }
    for (range, how) in elements {
        fact = fact.capture(how, range);
    }
    Some(fact)
}

/// `let mut i = 0;` before the loop, with nothing in between that speaks of `i`.
fn begin<'a>(block: &'a syn::Block, at: usize, name: &str) -> Option<&'a syn::Stmt> {
    let begin = block.stmts[..at].iter().rev().find(|stmt| mentions(*stmt, name))?;
    let bound = shapes::plain_let(begin).filter(|l| l.is_mut && l.name == name)?;
    let is_usize = bound.ty.is_none_or(|ty| matches!(ty, syn::Type::Path(p) if p.path.is_ident("usize")));
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(zero), .. }) = bound.value else { return None };
    let is_zero = zero.base10_digits() == "0" && ["", "usize"].contains(&zero.suffix());
    (is_usize && is_zero).then_some(begin)
}

/// `i += 1;`
fn is_step(stmt: &syn::Stmt, index: &syn::Ident) -> bool {
    let syn::Stmt::Expr(syn::Expr::Binary(step), _) = stmt else { return false };
    let is_one = matches!(peel(&step.right), syn::Expr::Lit(l) if matches!(&l.lit, syn::Lit::Int(n) if n.base10_digits() == "1"));
    matches!(step.op, syn::BinOp::AddAssign(_)) && shapes::is_name(&step.left, index) && is_one
}

/// True if the index is looked at behind the loop, rather than begun anew.
fn is_looked_at_later(block: &syn::Block, at: usize, name: &str) -> bool {
    let Some(next) = block.stmts[at + 1..].iter().find(|stmt| mentions(*stmt, name)) else { return false };
    !shapes::plain_let(next).is_some_and(|l| l.name == name && !mentions(l.value, name))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_the_index_only_finds_elements() {
        for text in [
            "fn f(v: &[u64]) -> u64 { let mut s = 0; let mut i = 0; while $0i < v.len()$0 { s += v[i]; i += 1; } s }",
            "fn f(v: &Vec<S>) { let mut i = 0usize; log(); 'a: while $0i < v.len()$0 { if v[i].a { break 'a; } g(&v[i]); i += 1; } }",
            "fn f(o: &O) { let mut i: usize = 0; while $0i < o.lines.len()$0 { g(i, o.lines[i].amount); i += 1; } }",
            "fn f(v: &[u8], w: &mut [u8]) { let mut i = 0; while $0i < v.len()$0 { w[i] = v[i]; i += 1 } }",
            "fn f(v: &[u8]) { let mut i = 0; while $0i < v.len()$0 { for x in xs { if x { continue; } g(v[i], x); } i += 1; } }",
            "impl S { fn f(&self) -> R { let mut i = 0; while $0i < self.xs.len()$0 { g(self.xs[i])?; i += 1; } Ok(()) } }",
            "fn f(v: &[u8], w: &[u8]) { let mut i = 0; while $0i < v.len()$0 { g(v[i]); i += 1; } let mut i = 0; while $0i < w.len()$0 { g(w[i]); i += 1; } }",
            "async fn f(v: &[u8]) { let mut i = 0; while $0i < v.len()$0 { g(v[i]).await; i += 1; } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Counted otherwise.
                "fn f(v: &[u8]) { let mut i = 0; while i < v.len() { g(v[i]); i += 2; } }",
                "fn f(v: &[u8]) { let mut i = 1; while i < v.len() { g(v[i]); i += 1; } }",
                "fn f(v: &[u8]) { let mut i = 0; while i < v.len() { if v[i] > 1 { i += 1; } g(v[i]); i += 1; } }",
                "fn f(v: &[u8]) { let mut i = 0; while i < v.len() { if v[i] > 1 { i += 1; continue; } i += 1; } }",
                "fn f(v: &[u8]) { let mut i = 0; while i < v.len() { if v[i] > 1 { continue; } i += 1; } }",
                "fn f(v: &[u8]) { let mut i = 0; while i < v.len() { i += 1; g(v[i]); } }",
                "fn f(v: &[u8]) { let mut i = 0; while i < v.len() { skip(&mut i); g(v[i]); i += 1; } }",
                "fn f(v: &[u8]) { let mut i = 0; while i <= v.len() { g(v[i]); i += 1; } }",
                "fn f(v: &[u8]) { let mut i = 0; while i + 1 < v.len() { g(v[i]); i += 1; } }",
                "fn f(v: &[u8], mut i: usize) { while i < v.len() { g(v[i]); i += 1; } }",
                "fn f(v: &[u8]) { let mut i = 0u32; while i < v.len() { g(v[i]); i += 1; } }",
                "const fn f(v: &[u8]) -> u8 { let mut s = 0; let mut i = 0; while i < v.len() { s ^= v[i]; i += 1; } s }",
                // Looked at later.
                "fn f(v: &[u8]) -> usize { let mut i = 0; while i < v.len() { if v[i] > 1 { break; } i += 1; } i }",
                "fn f(v: &[u8]) { let mut i = 0; while i < v.len() { g(v[i]); i += 1; } i = 0; h(i); }",
                "fn f(v: &[u8]) { let mut i = 0; h(i); i = 3; while i < v.len() { g(v[i]); i += 1; } }",
                // The list changes, or more of it is looked at.
                "fn f(v: &mut Vec<u8>) { let mut i = 0; while i < v.len() { if v[i] > 1 { v.remove(i); } i += 1; } }",
                "fn f(v: &mut [u8]) { let mut i = 0; while i < v.len() { v[i] += 1; i += 1; } }",
                "fn f(v: &[u8]) { let mut i = 0; while i < v.len() { g(v[i], v.len()); i += 1; } }",
                "fn f(v: &[u8]) { let mut i = 0; while i < v.len() { g(v[i], v[i - 1]); i += 1; } }",
                "fn f(v: &VecDeque<u8>) { let mut i = 0; while i < v.len() { g(v[i]); i += 1; } }",
                "fn f(v: &[u8]) { let mut i = 0; while i < v.len() { show!(v[i]); i += 1; } }",
                "fn f(v: &[u8]) { let mut i = 0; while i < v.len() { run(|| g(v[i])); i += 1; } }",
                "fn f(v: &[u8], n: usize) { let mut i = 0; while i < n { g(v[i]); i += 1; } }",
                "#[test] fn f() { let mut i = 0; while i < v.len() { g(v[i]); i += 1; } }",
            ],
        );
    }
}
