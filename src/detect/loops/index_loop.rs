//! Loops over the indices of a list that use the index for nothing but the list's elements.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::names::{peel, plain_name};
use crate::source::usage::{self, How};
use crate::source::{SourceFile, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("index-loop"),
    eye: Eye::Loops,
    kind: Kind::DefensiveRedundancy,
    class: Class::A,
    title: "loop over indices where the elements would do",
    explain: EXPLAIN,
    triggers: &["len"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds `for i in 0..list.len()` whose body only reads `list[i]`, and leaves the list alone.

## Why it costs

Each `list[i]` is checked against the length again, with a branch to a panic; where rustc cannot prove that the index is
within bounds, the check also keeps the loop from being vectorised.

## Before

```rust
for i in 0..prices.len() {
    total += prices[i] * rate;
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

The body writes to the list, looks at other places of it, hands it on, or hides it in a macro or a closure; the end of the
range is a number rather than the length (then the loop may panic half-way, and would not any more); the list is not a
vector, slice or array of std (asked of rustc).
";

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        for expr in shapes::exprs(body) {
            if let syn::Expr::ForLoop(around) = expr {
                found.extend(index_loop(file, around));
            }
        }
    }
    found
}

fn index_loop(file: &SourceFile, around: &syn::ExprForLoop) -> Option<Fact> {
    let syn::Expr::Range(_) = peel(&around.expr) else { return None };
    let list = shapes::counted(&around.expr)?;
    let place = usage::place(list).filter(|p| p.is_plain)?;
    let syn::Pat::Ident(syn::PatIdent { ident: index, by_ref: None, mutability: None, subpat: None, .. }) =
        &*around.pat
    else {
        return None;
    };
    let known = types::type_of(file, list).and_then(|ty| types::head(types::strip(&ty)));
    if known.is_some_and(|head| !["Vec", "[]"].contains(&head.as_str())) {
        return None;
    }
    let name = index.to_string();
    let body = &around.body;
    let is_bound = |name: &str| !usage::bindings(file, body, name).is_empty();
    if is_bound(&name) || is_bound(&place.root) {
        return None;
    }
    let elements = elements(file, body, list, index);
    // Every use of the list is one of its element at the index.
    let uses = usage::uses(file, body, &place.root);
    let of_list: Vec<&usage::Use> =
        uses.iter().filter(|u| usage::may_overlap(&place, &place.root, &u.fields)).collect();
    let is_read = of_list.iter().all(|u| !u.is_captured && u.how != How::Mutate && u.how != How::Opaque && !u.is_bare);
    if elements.is_empty() || of_list.len() != elements.len() || !is_read || is_changed(&elements, &of_list) {
        return None;
    }
    let is_needed = shapes::count(body, &name) != elements.len();
    let shown = file.text_of(list);
    let mut fact = Fact::at(file, file.range(&*around.expr))
        .capture("list", file.range(list))
        .capture("index", file.span_range(index.span()))
        .note("message", format!("each `{shown}[{name}]` is checked against the length that ends the loop"));
    if is_needed {
        fact = fact.capture("needed", file.span_range(index.span()));
    }
    for (range, how) in elements {
        fact = fact.capture(how, range);
    }
    Some(fact)
}

/// True if an element is the receiver of a method that may change it.
pub(super) fn is_changed(elements: &[(TextRange, &'static str)], uses: &[&usage::Use]) -> bool {
    uses.iter().any(|u| match &u.how {
        // `list[i].count()` is a method of the element, which may take `&mut self`: only std's reading ones are known.
        How::Method(name) => {
            elements.iter().any(|(range, _)| u.place.contains(*range)) && !usage::is_reading_method(name)
        }
        How::Scrutinee | How::Iterated => true,
        _ => false,
    })
}

/// The expressions `list[i]`, and how each is used.
pub(super) fn elements(
    file: &SourceFile,
    body: &syn::Block,
    list: &syn::Expr,
    index: &syn::Ident,
) -> Vec<(TextRange, &'static str)> {
    let exprs = shapes::exprs(body);
    let is_element = |e: &syn::Expr| match e {
        syn::Expr::Index(i) => {
            shapes::same(peel(&i.expr), peel(list)) && plain_name(&i.index).is_some_and(|name| name == index)
        }
        _ => false,
    };
    let mut found: Vec<(TextRange, &'static str)> = Vec::new();
    // Outer expressions come first: what stands around an element says how it is used.
    let mut told: Vec<TextRange> = Vec::new();
    for expr in exprs {
        let (element, whole, how) = match expr {
            syn::Expr::Reference(r) if is_element(&r.expr) && r.mutability.is_none() => {
                (file.range(&*r.expr), file.range(r), "reference")
            }
            syn::Expr::MethodCall(call) if is_element(&call.receiver) => {
                let own = file.range(&*call.receiver);
                (own, own, "reference")
            }
            syn::Expr::Field(f) if is_element(&f.base) => (file.range(&*f.base), file.range(&*f.base), "reference"),
            syn::Expr::Index(i) if is_element(&i.expr) => (file.range(&*i.expr), file.range(&*i.expr), "reference"),
            syn::Expr::Try(t) if is_element(&t.expr) => {
                (file.range(&*t.expr), file.range(&*t.expr), "value in brackets")
            }
            other if is_element(other) => (file.range(other), file.range(other), "value"),
            _ => continue,
        };
        if !told.contains(&element) {
            told.push(element);
            found.push((whole, how));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    #[test]
    fn fires_where_the_index_only_finds_elements() {
        for text in [
            "fn f(v: &[u64]) -> u64 { let mut s = 0; for i in $00..v.len()$0 { s += v[i]; } s }",
            "fn f(v: &Vec<S>) { for i in $00..v.len()$0 { g(&v[i]); } }",
            "fn f(o: &Order) { for i in $00..o.lines.len()$0 { g(o.lines[i].amount, o.rate); } }",
            "impl S { fn f(&self) { for i in $00..self.xs.len()$0 { if self.xs[i] > self.max { g(); } } } }",
            "fn f(v: &[u64]) { for i in $00..v.len()$0 { g(i, v[i]); } }",
            "fn f(v: &[Vec<u8>]) { for i in $00..v.len()$0 { g(v[i][0], v[i].len()); } }",
            "fn f(v: &[u8], w: &mut [u8]) { for i in $00..v.len()$0 { w[i] = v[i]; } }",
            "fn f(v: &[&str]) { for i in $00..v.len()$0 { if v[i].is_empty() { continue; } g(v[i]); } }",
        ] {
            check(&RULE, text);
        }
    }

    #[test]
    fn ignores_look_alikes() {
        check_ignores(
            &RULE,
            &[
                // Other places of the list, or the list as a whole.
                "fn f(v: &[u64]) { for i in 0..v.len() { g(v[i], v[i + 1]); } }",
                "fn f(v: &[u64]) { for i in 0..v.len() { g(v[i], v); } }",
                "fn f(v: &[u64]) { for i in 0..v.len() { g(v[i], v.len()); } }",
                "fn f(v: &[u64]) { for i in 0..v.len() { g(i); } }",
                // The list is changed.
                "fn f(v: &mut [u64]) { for i in 0..v.len() { v[i] += 1; } }",
                "fn f(v: &mut Vec<u64>) { for i in 0..v.len() { g(v[i]); v.push(1); } }",
                "fn f(v: &mut [S]) { for i in 0..v.len() { g(&mut v[i]); } }",
                "fn f(v: &mut [S]) { for i in 0..v.len() { v[i].bump(); } }",
                "impl S { fn f(&mut self) { for i in 0..self.xs.len() { g(self.xs[i]); self.grow(); } } }",
                // The end is not the length, or the start is not zero.
                "fn f(v: &[u64], n: usize) { for i in 0..n { g(v[i]); } }",
                "fn f(v: &[u64]) { for i in 1..v.len() { g(v[i]); } }",
                "fn f(v: &[u64]) { for i in 0..=v.len() { g(v[i]); } }",
                "fn f(v: &[u64], w: &[u64]) { for i in 0..v.len() { g(w[i]); } }",
                // Another collection, where an index means something else.
                "fn f(m: &HashMap<usize, u8>) { for i in 0..m.len() { g(m[&i]); } }",
                "fn f(v: &VecDeque<u8>) { for i in 0..v.len() { g(v[i]); } }",
                "struct Ring; fn f(v: &Ring) { for i in 0..v.len() { g(v[i]); } }",
                // Hidden, captured, matched on, shadowed.
                "fn f(v: &[u64]) { for i in 0..v.len() { show!(v[i]); } }",
                "fn f(v: &[u64]) { for i in 0..v.len() { run(|| g(v[i])); } }",
                "fn f(v: &[Option<S>]) { for i in 0..v.len() { if let Some(s) = v[i] { g(s); } } }",
                "fn f(v: &[u64]) { for i in 0..v.len() { let i = i + 1; g(v[i]); } }",
                "fn f(v: &[u64]) { for i in (0..v.len()).rev() { g(v[i]); } }",
                "#[test] fn f() { for i in 0..v.len() { g(v[i]); } }",
            ],
        );
    }
}
