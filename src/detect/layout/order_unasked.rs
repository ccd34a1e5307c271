//! Ordered maps and sets of which nobody asks the order.

use crate::detect::{Fact, Rule, each};
use crate::model::{Class, Eye, Kind, RuleId, TextRange};
use crate::source::functions::{derives, head};
use crate::source::own_fields::{OwnField, own_fields, uses_of};
use crate::source::{SourceFile, names};

/// The rule.
pub const RULE: Rule = Rule {
    id: RuleId("order-unasked"),
    eye: Eye::Layout,
    kind: Kind::CacheLayout,
    class: Class::B,
    title: "ordered map of which nobody asks the order",
    explain: EXPLAIN,
    triggers: &["BTreeMap", "BTreeSet"],
    facts,
    judge: each,
};

const EXPLAIN: &str = "\
Finds private fields of the types `BTreeMap` and `BTreeSet` that are only inserted into, looked up, removed from and counted.

## Why it costs

Each step walks down a tree and compares keys at every level: some log₂ n comparisons, each on a cache line of its own. A hash map goes
to the place at once.

## Before

```rust
struct Table {
    rows: BTreeMap<u64, Row>,
}
```

## After

```rust
struct Table {
    rows: HashMap<u64, Row>,
}
```

An insertion that fills the room moves all entries once. That is for a person to accept.

## When it is refused

The map is walked, ranged over, asked for its first or last, lent, or used in any way that is not known; its struct is serialised,
hashed, ordered or printed by a derive; the keys cannot be hashed (rustc does not accept it), or may be compared in a way of their own.
";

/// What does the same whatever the order.
const ORDERLESS: &[&str] = &[
    "clear",
    "contains",
    "contains_key",
    "entry",
    "get",
    "get_key_value",
    "get_mut",
    "insert",
    "is_empty",
    "len",
    "remove",
    "remove_entry",
    "take",
];

fn facts(file: &SourceFile) -> Vec<Fact> {
    let is_std = |field: &OwnField<'_>| {
        let name = head(&field.field.ty);
        names::imports(file, &name) == [format!("std::collections::{name}")]
    };
    let fields = own_fields(file, RULE.triggers).into_iter().filter(is_std);
    fields.filter_map(|field| unasked(file, &field)).collect()
}

fn unasked(file: &SourceFile, field: &OwnField<'_>) -> Option<Fact> {
    const SHOWS: &[&str] = &["Debug", "Deserialize", "Hash", "Ord", "PartialOrd", "Serialize"];
    if derives(&field.owner.attrs).iter().any(|name| SHOWS.contains(&name.as_str())) {
        return None;
    }
    let uses = uses_of(file, field)?;
    let mut fact = Fact::at(file, file.range(&field.field.ty));
    let mut is_asked = false;
    for (reached, parent) in &uses.reached {
        match parent {
            Some(syn::Expr::MethodCall(call)) if file.range(&*call.receiver) == file.range(*reached) => {
                let name = call.method.to_string();
                ORDERLESS.contains(&name.as_str()).then_some(())?;
                is_asked |= name.starts_with("get") || name.starts_with("contains") || name == "entry";
                if let Some(key) = call.args.first().filter(|_| name == "insert" || name == "entry") {
                    fact = fact.capture("key", file.range(key));
                }
            }
            Some(syn::Expr::Index(index)) if file.range(&*index.expr) == file.range(*reached) => is_asked = true,
            _ => return None,
        }
    }
    for made in &uses.made {
        fact = fact.capture("made", maker(file, made, &head(&field.field.ty))?);
    }
    let message = format!("nobody asks the order in which `{}` is kept", field.name);
    let ty = file.range(&field.field.ty);
    let name = TextRange { start: ty.start, end: ty.start + head(&field.field.ty).len() as u32 };
    // Another path to the type, as `collections::BTreeMap`, is not spelled anew.
    let is_bare = file.slice(name) == head(&field.field.ty);
    (is_asked && is_bare).then(|| {
        fact.capture("type", name).capture("name", file.span_range(field.name.span())).note("message", message)
    })
}

/// The name of the type in `BTreeMap::new()`; an empty range where `Default::default()` names none.
pub(super) fn maker(file: &SourceFile, expr: &syn::Expr, ty: &str) -> Option<TextRange> {
    let syn::Expr::Call(call) = names::peel(expr) else { return None };
    let syn::Expr::Path(path) = &*call.func else { return None };
    let segments: Vec<_> = path.path.segments.iter().collect();
    let [owner, made] = segments.as_slice() else { return None };
    let range = file.span_range(owner.ident.span());
    match (made.ident == "new" || made.ident == "default", call.args.is_empty()) {
        (true, true) if owner.ident == ty => Some(range),
        (true, true) if owner.ident == "Default" => Some(TextRange { start: range.start, end: range.start }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::detect::testing::{check, check_ignores};

    const USE: &str = "use std::collections::{BTreeMap, BTreeSet};";

    #[test]
    fn fires_where_the_order_is_not_asked() {
        for text in [
            "#[derive(Default)] pub struct T { rows: $0BTreeMap<u64, Row>$0 } impl T { fn put(&mut self, id: u64, r: Row) -> bool { self.rows.insert(id, r).is_some() } fn get(&self, id: u64) -> u32 { self.rows.get(&id).map_or(0, |r| r.n) } fn len(&self) -> usize { self.rows.len() } }",
            "struct S { seen: $0BTreeSet<String>$0 } impl S { fn new() -> S { S { seen: BTreeSet::new() } } fn is_new(&mut self, k: &str) -> bool { if self.seen.contains(k) { return false; } self.seen.insert(k.to_owned()) } }",
            "struct S { n: $0BTreeMap<u8, u8>$0 } impl S { fn up(&mut self, k: u8) { *self.n.entry(k).or_insert(0) += 1; } fn of(&self, k: u8) -> u8 { self.n[&k] } }",
        ] {
            check(&RULE, &format!("{USE} {text}"));
        }
    }

    #[test]
    fn ignores_look_alikes() {
        let texts: Vec<String> = [
            "struct T { rows: BTreeMap<u64, Row> } impl T { fn f(&self) { for (k, r) in &self.rows { g(k, r); } self.rows.get(&1); } }",
            "struct T { rows: BTreeMap<u64, Row> } impl T { fn f(&self) -> V { self.rows.get(&1); self.rows.values().cloned().collect() } }",
            "struct T { rows: BTreeMap<u64, Row> } impl T { fn f(&self) -> R { self.rows.get(&1); self.rows.range(3..).next() } }",
            "struct T { rows: BTreeMap<u64, Row> } impl T { fn f(&mut self) -> R { self.rows.get(&1); self.rows.pop_first() } }",
            "struct T { rows: BTreeMap<u64, Row> } impl T { fn f(&self) { self.rows.get(&1); show(&self.rows); } }",
            "struct T { rows: BTreeMap<u64, Row> } impl T { fn f(&self) { self.rows.get(&1); println!(\"{:?}\", self.rows); } }",
            "struct T { rows: BTreeMap<u64, Row> } impl T { fn f(self) -> BTreeMap<u64, Row> { self.rows.get(&1); self.rows } }",
            "struct T { rows: BTreeMap<u64, Row> } impl T { fn new(rows: BTreeMap<u64, Row>) -> T { T { rows } } fn f(&self) { self.rows.get(&1); } }",
            "struct T { pub rows: BTreeMap<u64, Row> } impl T { fn f(&self) { self.rows.get(&1); } }",
            "#[derive(Serialize)] struct T { rows: BTreeMap<u64, Row> } impl T { fn f(&self) { self.rows.get(&1); } }",
            "#[derive(Debug)] struct T { rows: BTreeMap<u64, Row> } impl T { fn f(&self) { self.rows.get(&1); } }",
            "struct T { rows: BTreeMap<u64, Row> } impl T { fn f(&mut self) { self.rows.insert(1, r()); } }",
            "struct T { rows: BTreeMap<u64, Row> } fn f(t: T) { let T { rows } = t; rows.get(&1); }",
            "#[cfg(test)] mod tests { struct T { rows: BTreeMap<u64, Row> } impl T { fn f(&self) { self.rows.get(&1); } } }",
        ]
        .iter()
        .map(|text| format!("{USE} {text}"))
        .chain(["use my::BTreeMap; struct T { rows: BTreeMap<u64, Row> } impl T { fn f(&self) { self.rows.get(&1); } }".into()])
        .collect();
        check_ignores(&RULE, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
