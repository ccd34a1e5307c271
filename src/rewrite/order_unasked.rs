//! An ordered map of which nobody asks the order in; a hash map out.

use super::{Draft, Recipe, borrow, file_of, holds, place, probe};
use crate::model::{Finding, ProbeQuestion, RuleId, TextRange};
use crate::source::functions::{derives, head, items, type_arguments};
use crate::source::{SourceFile, types};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("order-unasked"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (ty, name) = (captured("type")?, captured("name")?);
    let (old, shown) = (file.slice(ty), file.slice(name));
    place::refuse_other_users(files, file, shown)?;
    let new = old.replace("BTree", "Hash");
    let made = finding.captures_named("made").into_iter().filter(|range| range.start < range.end);
    let spelled: Vec<TextRange> = std::iter::once(ty).chain(made).collect();
    let edits = place::renamed(file, finding.range, &["std", "collections"], [old, &new], &spelled);
    let key = finding.capture("key").ok_or("no key of the map is seen whose type could be asked for")?;
    let keys: syn::Type = syn::parse_str(file.slice(finding.range)).map_err(|_| "its type cannot be read")?;
    let keys = type_arguments(&keys).first().map(|ty| (*ty).clone()).ok_or("the type of its keys is not written")?;
    if !is_ordered_as_it_is(files, &keys, 0) {
        return Err("whether the keys are ordered by all that they are is not known".to_owned());
    }
    let preconditions = vec![
        holds(format!("`{shown}` is private, and only looked up, changed by key and counted")),
        holds("the keys are of std, or derive the order by which they were told apart"),
        probe(file, "the keys can be hashed, and are equal as they were", key, ProbeQuestion::HashEq),
        borrow("a hash map has every method that is called"),
    ];
    Ok(Draft {
        title: format!("hash the keys of {shown} instead of ordering them"),
        edits: vec![(file.path.clone(), edits)],
        preconditions,
        obligations: vec![
            "an insertion that fills the room moves all entries once: no single insertion must be short".to_owned(),
        ],
        ..Draft::default()
    })
}

/// True for types that are equal in their order where they are equal: texts and numbers of std, and what derives `Ord`.
fn is_ordered_as_it_is(files: &[SourceFile], ty: &syn::Type, depth: u32) -> bool {
    let ty = match ty {
        syn::Type::Reference(r) => &*r.elem,
        other => other,
    };
    if let syn::Type::Tuple(parts) = ty {
        return parts.elems.iter().all(|part| is_ordered_as_it_is(files, part, depth));
    }
    let name = head(ty);
    if types::is_primitive(ty) || ["String", "str"].contains(&name.as_str()) {
        return true;
    }
    let all = || files.iter().flat_map(|file| items(&file.ast)).map(|placed| placed.item);
    let mut known = all().filter_map(|item| match item {
        syn::Item::Struct(x) if x.ident == name => Some(derives(&x.attrs).iter().any(|d| d == "Ord")),
        syn::Item::Enum(x) if x.ident == name => Some(derives(&x.attrs).iter().any(|d| d == "Ord")),
        syn::Item::Type(x) if x.ident == name && depth < 4 => Some(is_ordered_as_it_is(files, &x.ty, depth + 1)),
        _ => None,
    });
    // What the workspace declares twice must be so in both cases.
    known.next().is_some_and(|first| first && known.all(|other| other))
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "order-unasked";

    #[test]
    fn the_map_hashes_its_keys() {
        let rewrite = check(
            RULE,
            "use std::collections::BTreeMap;

/// By number.
pub struct Table {
    rows: BTreeMap<u64, Row>, // all
}

impl Table {
    pub fn new() -> Table {
        Table { rows: BTreeMap::new() }
    }
    pub fn put(&mut self, id: u64, row: Row) {
        self.rows.insert(id, row);
    }
    pub fn has(&self, id: u64) -> bool {
        self.rows.contains_key(&id)
    }
}
",
            "use std::collections::HashMap;

/// By number.
pub struct Table {
    rows: HashMap<u64, Row>, // all
}

impl Table {
    pub fn new() -> Table {
        Table { rows: HashMap::new() }
    }
    pub fn put(&mut self, id: u64, row: Row) {
        self.rows.insert(id, row);
    }
    pub fn has(&self, id: u64) -> bool {
        self.rows.contains_key(&id)
    }
}
",
        );
        assert_eq!((rewrite.obligations.len(), rewrite.preconditions.len()), (1, 4));
        check(
            RULE,
            "use std::collections::{BTreeMap, HashMap};\nstruct T {\n    rows: BTreeMap<u64, u8>,\n    other: HashMap<u64, u8>,\n}\nfn f(t: &mut T) -> Option<&u8> {\n    t.rows.insert(1, 2);\n    t.rows.get(&1)\n}\nfn g(t: &BTreeMap<u8, u8>) {}\n",
            "use std::collections::{BTreeMap, HashMap};\nstruct T {\n    rows: HashMap<u64, u8>,\n    other: HashMap<u64, u8>,\n}\nfn f(t: &mut T) -> Option<&u8> {\n    t.rows.insert(1, 2);\n    t.rows.get(&1)\n}\nfn g(t: &BTreeMap<u8, u8>) {}\n",
        );
    }

    #[test]
    fn keys_that_are_not_seen_are_refused() {
        check_refuses(
            RULE,
            "use std::collections::BTreeMap; struct T { rows: BTreeMap<K, u8> } fn f(t: &T, k: &K) -> Option<u8> { t.rows.get(k).copied() }",
            "no key of the map is seen whose type could be asked for",
        );
    }

    #[test]
    fn keys_ordered_by_hand_are_refused() {
        let uses = "impl T { fn f(&mut self, k: K) -> bool { self.rows.insert(k, 1); self.rows.contains_key(&K(1)) } }";
        let key = "#[derive(Hash, PartialEq, Eq)] struct K(u8); impl Ord for K {}";
        check_refuses(
            RULE,
            &format!("use std::collections::BTreeMap; {key} struct T {{ rows: BTreeMap<K, u8> }} {uses}"),
            "whether the keys are ordered by all that they are is not known",
        );
    }
}
