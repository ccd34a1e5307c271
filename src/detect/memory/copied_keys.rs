//! Texts that are copied into a local collection which only asks, sorts and counts them.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId};
use crate::source::functions::{head, type_arguments};
use crate::source::names::{self, peel};
use crate::source::usage::{self, How};
use crate::source::{SourceFile, shapes, types, words};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("copied-keys"),
    eye: Eye::Memory,
    kind: Kind::DefensiveCopy,
    class: Class::A,
    title: "texts copied into a local collection that could lend them",
    explain: EXPLAIN,
    triggers: &["clone", "to_owned", "to_string"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds vectors, sets and maps that a function makes for itself, into which it copies texts that live on (`seen.insert(row.name.clone())`),
and which it only asks, sorts, counts and drops.

## Why it costs

Each copy is an allocation, for a text that is at hand as long as the collection is.

## Before

```rust
let mut authors: Vec<String> = Vec::with_capacity(books.len());
for book in books {
    authors.push(book.author.clone());
}
authors.sort();
authors.dedup();
authors.len()
```

## After

```rust
let mut authors: Vec<&str> = Vec::with_capacity(books.len());
for book in books {
    authors.push(book.author.as_str());
}
authors.sort();
authors.dedup();
authors.len()
```

## When it is refused

The collection is handed on, returned, lent or captured; something is put into it that is no copy of a text, by the types that are
written; what is lent changes or goes before the collection does (rustc does not accept it).
";

/// What a collection does that gives none of its texts away.
const QUIET: &[&str] = &[
    "binary_search",
    "clear",
    "concat",
    "contains",
    "contains_key",
    "dedup",
    "get",
    "is_empty",
    "join",
    "len",
    "remove",
    "reverse",
    "sort",
    "sort_unstable",
    "truncate",
    "values",
];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let mut found = Vec::new();
    for body in words::bodies_with(file, RULE.triggers) {
        // Most bodies put no copy into anything: they are told by one look at their calls.
        let filled: Vec<&syn::Ident> = shapes::exprs(body).into_iter().filter_map(filled_by_copies).collect();
        if filled.is_empty() {
            continue;
        }
        for block in shapes::blocks_in(body) {
            found.extend((0..block.stmts.len()).filter_map(|index| copied(file, block, index, &filled)));
        }
    }
    found
}

/// The local into which a call puts what may be a copy.
fn filled_by_copies(expr: &syn::Expr) -> Option<&syn::Ident> {
    let syn::Expr::MethodCall(call) = expr else { return None };
    let is_adding = ["push", "insert", "entry"].iter().any(|add| call.method == add);
    let added = call.args.first().filter(|_| is_adding)?;
    let is_copy = match peel(added) {
        syn::Expr::MethodCall(copy) => COPIES.iter().any(|name| copy.method == name),
        other => shapes::call(other, &["String", "from"]).is_some(),
    };
    names::plain_name(&call.receiver).filter(|_| is_copy)
}

/// Methods that make a `String` of a text.
const COPIES: &[&str] = &["clone", "to_owned", "to_string"];

fn copied(file: &SourceFile, block: &syn::Block, index: usize, filled: &[&syn::Ident]) -> Option<Fact> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| l.is_mut && filled.contains(&l.name))?;
    let adds = adding(made(bound.value)?)?;
    let name = bound.name.to_string();
    let rest = shapes::rest(block, index);
    let uses = usage::uses(file, &rest, &name);
    let is_quiet = |u: &usage::Use| {
        let is_known = matches!(&u.how, How::Method(m) if QUIET.contains(&m.as_str()) || adds.contains(&m.as_str()));
        is_known && u.is_bare && !u.is_captured
    };
    let is_own = uses.iter().all(is_quiet) && uses.len() == shapes::count(&rest, &name);
    if !is_own || !usage::bindings(file, &rest, &name).is_empty() {
        return None;
    }
    let message = format!("each text in `{name}` is a copy, though the text itself lives as long");
    let mut fact = Fact::at(file, file.range(bound.local)).note("message", message);
    if let Some(ty) = bound.ty {
        let key = *type_arguments(ty).first().filter(|key| head(key) == "String")?;
        fact = fact.capture("key", file.range(key));
    }
    let mut is_filled = false;
    for expr in shapes::exprs(&rest) {
        let syn::Expr::MethodCall(call) = expr else { continue };
        if !shapes::is_name(&call.receiver, bound.name) || !adds.iter().any(|add| call.method == add) {
            continue;
        }
        let (whole, place, is_str) = copy_of(file, call.args.first()?)?;
        fact =
            fact.capture(if is_str { "text" } else { "string" }, file.range(place)).capture("copy", file.range(whole));
        is_filled = true;
    }
    is_filled.then_some(fact)
}

/// The type that `Vec::new()` and its like make.
fn made(expr: &syn::Expr) -> Option<String> {
    let syn::Expr::Call(call) = peel(expr) else { return None };
    let syn::Expr::Path(path) = &*call.func else { return None };
    let segments: Vec<_> = path.path.segments.iter().collect();
    let [.., owner, made] = segments.as_slice() else { return None };
    let is_empty = ["new", "with_capacity", "default"].iter().any(|name| made.ident == name);
    (is_empty && owner.arguments.is_none()).then(|| owner.ident.to_string())
}

/// The methods by which texts come into a collection.
fn adding(ty: String) -> Option<&'static [&'static str]> {
    match ty.as_str() {
        "Vec" => Some(&["push"]),
        "HashSet" | "BTreeSet" => Some(&["insert"]),
        "HashMap" | "BTreeMap" => Some(&["insert", "entry"]),
        _ => None,
    }
}

/// The place of `place.clone()`, `place.to_string()` or `String::from(place)`, and whether it is a `&str` rather than a `String`.
fn copy_of<'a>(file: &SourceFile, expr: &'a syn::Expr) -> Option<(&'a syn::Expr, &'a syn::Expr, bool)> {
    let place = match peel(expr) {
        syn::Expr::MethodCall(call) if call.args.is_empty() => {
            COPIES.iter().any(|m| call.method == m).then_some(&*call.receiver)?
        }
        syn::Expr::Call(_) => shapes::unreferenced(shapes::call(expr, &["String", "from"])?.args.first()?),
        _ => return None,
    };
    usage::place(place)?;
    let ty = types::type_of(file, place)?;
    let depth =
        std::iter::successors(Some(&ty), |ty| if let syn::Type::Reference(r) = ty { Some(&*r.elem) } else { None });
    match (types::head(types::strip(&ty))?.as_str(), depth.count() - 1) {
        ("String", 0 | 1) => Some((expr, place, false)),
        ("str", 1) => Some((expr, place, true)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const ROW: &str = "struct Row { name: String, n: u32 }";

    #[test]
    fn fires_on_texts_that_live_on() {
        for text in [
            "fn f(rows: &[Row]) -> usize { $0let mut all: Vec<String> = Vec::with_capacity(rows.len());$0 for r in rows { all.push(r.name.clone()); } all.sort(); all.dedup(); all.len() }",
            "fn f(rows: &[Row]) -> usize { $0let mut seen = HashSet::new();$0 let mut n = 0; for r in rows { if seen.insert(r.name.to_string()) { n += r.n; } } n }",
            "fn f(rows: &[Row]) -> Option<u32> { $0let mut sums = HashMap::new();$0 for r in rows { *sums.entry(r.name.clone()).or_insert(0) += r.n; } sums.values().copied().max() }",
            "fn f(t: &str) -> usize { $0let mut words: HashSet<String> = HashSet::new();$0 for w in t.split(' ') { words.insert(w.to_owned()); } words.len() }",
        ] {
            check(&RULE, &format!("{ROW} {text}"));
        }
    }

    #[test]
    fn ignores_look_alikes() {
        let texts: Vec<String> = [
            // Handed on, or walked.
            "fn f(rows: &[Row]) -> Vec<String> { let mut all = Vec::new(); for r in rows { all.push(r.name.clone()); } all }",
            "fn f(rows: &[Row]) { let mut all = Vec::new(); for r in rows { all.push(r.name.clone()); } g(&all); }",
            "fn f(rows: &[Row]) -> S { let mut all = HashSet::new(); for r in rows { all.insert(r.name.clone()); } S { all } }",
            "fn f(rows: &[Row]) -> Option<String> { let mut all = Vec::new(); for r in rows { all.push(r.name.clone()); } all.pop() }",
            "fn f(rows: &[Row]) -> V { let mut all = Vec::new(); for r in rows { all.push(r.name.clone()); } all.into_iter().collect() }",
            // Not a copy of a text, or not only.
            "fn f(rows: &[Row]) -> usize { let mut all = Vec::new(); for r in rows { all.push(r.n.to_string()); } all.len() }",
            "fn f(rows: &[Row]) -> usize { let mut all = Vec::new(); all.push(g()); for r in rows { all.push(r.name.clone()); } all.len() }",
            "fn f(rows: &[Row]) -> usize { let mut all = HashSet::new(); for r in rows { all.insert(r.name.to_lowercase()); } all.len() }",
            "fn f(rows: &[Row]) -> usize { let mut all = HashSet::new(); for r in rows { all.insert(format!(\"{}\", r.name)); } all.len() }",
            "fn f(rows: &[Row]) -> usize { let mut all = Pool::new(); for r in rows { all.insert(r.name.clone()); } all.len() }",
            "fn f(rows: &[Other]) -> usize { let mut all = HashSet::new(); for r in rows { all.insert(r.key.clone()); } all.len() }",
            "fn f(rows: &[Row]) -> usize { let mut all: HashSet<Key> = HashSet::new(); for r in rows { all.insert(r.name.clone()); } all.len() }",
            "#[test] fn f() { let mut all = Vec::new(); for r in rows { all.push(r.name.clone()); } all.len(); }",
        ]
        .iter()
        .map(|text| format!("{ROW} {text}"))
        .collect();
        check_ignores(&RULE, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
