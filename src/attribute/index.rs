//! A symbol's structure in, the one item it can mean out, or all that it might.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::symbol::{Impl, Symbol};
use crate::model::Item;

/// What a symbol means in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Exactly this item.
    Item(u32),
    /// One of these; the symbol does not tell which.
    Ambiguous(Vec<u32>),
    /// A crate of ours, but no function in its text: derived, made by a macro, or a static's initialiser.
    Ours,
    /// std, a dependency, the kernel, C.
    Outside,
}

/// Items by the paths that compilers give them.
pub struct Index<'a> {
    items: &'a [Item],
    /// `crate::modules::Type::name` without the marks of twins.
    full: HashMap<String, Vec<u32>>,
    /// `Type::name`, `<Type as Trait>::name`, `Trait::name`, `name`, each perhaps with functions inside.
    local: HashMap<String, Vec<u32>>,
    by_name: BTreeMap<&'a str, Vec<u32>>,
    modules: HashSet<String>,
    crates: HashSet<&'a str>,
}

impl<'a> Index<'a> {
    /// Indexes the items.
    pub fn new(items: &'a [Item]) -> Index<'a> {
        let (full, local, by_name) = (HashMap::new(), HashMap::new(), BTreeMap::new());
        let mut index = Index { items, full, local, by_name, modules: HashSet::new(), crates: HashSet::new() };
        for (at, item) in items.iter().enumerate() {
            let at = at as u32;
            let module = module_path(&item.krate, &item.modules);
            let full = without_twin_marks(&item.id.0);
            let local = full.strip_prefix(&module).and_then(|l| l.strip_prefix("::")).unwrap_or(&full).to_owned();
            index.full.entry(full).or_default().push(at);
            index.local.entry(local).or_default().push(at);
            index.by_name.entry(&item.name).or_default().push(at);
            index.modules.insert(module);
            index.crates.insert(&item.krate);
        }
        index
    }

    /// True if any crate that the symbol may belong to has items here.
    pub fn may_be_ours(&self, symbol: &Symbol) -> bool {
        symbol.crates.iter().any(|c| self.crates.contains(c.as_str()))
    }

    /// The meaning of a symbol; never a guess between two.
    pub fn resolve(&self, symbol: &Symbol) -> Meaning {
        if !self.may_be_ours(symbol) {
            return Meaning::Outside;
        }
        // A closure, const or static inside a function belongs to that function: drop names from the inside.
        let least = symbol.functions_from.map_or(1, |f| f + 1).max(1);
        for length in (least..=symbol.path.len()).rev() {
            let path = &symbol.path[..length];
            let found = match &symbol.in_impl {
                Some(in_impl) => self.method(symbol, in_impl, path),
                None if length < symbol.path.len() && self.is_module(symbol, path) => return Meaning::Ours,
                None => self.plain(symbol, path),
            };
            match found[..] {
                [] => continue,
                [one] => return Meaning::Item(one),
                _ => return Meaning::Ambiguous(found),
            }
        }
        // A trait impl without an item may be a dependency's impl that merely mentions a type of ours.
        match &symbol.in_impl {
            Some(_) if symbol.crates.len() > 1 && !self.crates.contains(symbol.crates[0].as_str()) => Meaning::Outside,
            _ => Meaning::Ours,
        }
    }

    fn is_module(&self, symbol: &Symbol, path: &[String]) -> bool {
        self.modules.contains(&module_path(&symbol.crates[0], path))
    }

    fn plain(&self, symbol: &Symbol, path: &[String]) -> Vec<u32> {
        self.full.get(&module_path(&symbol.crates[0], path)).cloned().unwrap_or_default()
    }

    fn method(&self, symbol: &Symbol, in_impl: &Impl, path: &[String]) -> Vec<u32> {
        let name = path.join("::");
        let Some(self_type) = in_impl.self_type.last() else { return Vec::new() };
        let Some(of) = &in_impl.trait_path else {
            return self.narrow(symbol, in_impl, self.local(&format!("{self_type}::{name}")));
        };
        let of_name = of.last().map_or("", String::as_str);
        if of_name == "_" {
            let named = path.last().and_then(|n| self.by_name.get(n.as_str()));
            let any = named.into_iter().flatten().copied().filter(|i| self.is_of(*i, self_type)).collect();
            return self.narrow(symbol, in_impl, any);
        }
        let exact = self.narrow(symbol, in_impl, self.local(&format!("<{self_type} as {of_name}>::{name}")));
        if !exact.is_empty() {
            return exact;
        }
        let blanket = self.blanket(symbol, in_impl, of_name, path);
        if !blanket.is_empty() {
            return blanket;
        }
        self.default_method(of, &name)
    }

    fn local(&self, key: &str) -> Vec<u32> {
        self.local.get(key).cloned().unwrap_or_default()
    }

    fn is_of(&self, item: u32, self_type: &str) -> bool {
        let item = &self.items[item as usize];
        item.self_type == self_type && !item.trait_name.is_empty()
    }

    /// Keeps what the crate and the module of the impl allow; without a module, the type's own module goes first.
    fn narrow(&self, symbol: &Symbol, in_impl: &Impl, mut found: Vec<u32>) -> Vec<u32> {
        found.retain(|i| symbol.crates.contains(&self.items[*i as usize].krate));
        if let Some(module) = &in_impl.module {
            found.retain(|i| self.items[*i as usize].modules == *module);
        } else if let [module @ .., _] = &in_impl.self_type[..]
            && !module.is_empty()
        {
            let is_beside = |i: &u32| self.modules_and_crate(*i) == module;
            found.retain(|i| !self.items[*i as usize].is_beside_type || is_beside(i));
            let beside: Vec<u32> = found.iter().copied().filter(is_beside).collect();
            found = if beside.is_empty() { found } else { beside };
        }
        found
    }

    fn modules_and_crate(&self, item: u32) -> Vec<String> {
        let item = &self.items[item as usize];
        std::iter::once(&item.krate).chain(&item.modules).cloned().collect()
    }

    /// `impl<T> Trait for T`: v0 names the type it was made for, the source names the parameter.
    fn blanket(&self, symbol: &Symbol, in_impl: &Impl, of_name: &str, path: &[String]) -> Vec<u32> {
        let (Some(module), [name]) = (&in_impl.module, path) else { return Vec::new() };
        let mut found = self.by_name.get(name.as_str()).cloned().unwrap_or_default();
        found.retain(|i| {
            let item = &self.items[*i as usize];
            item.trait_name == of_name && item.modules == *module && symbol.crates.contains(&item.krate)
        });
        found.retain(|i| is_parameter(&self.items[*i as usize].self_type));
        found
    }

    /// A method that the trait itself provides.
    fn default_method(&self, of: &[String], name: &str) -> Vec<u32> {
        self.full.get(&format!("{}::{name}", of.join("::"))).cloned().unwrap_or_default()
    }
}

/// A name such as `T` or `T1`; types have longer names by convention.
fn is_parameter(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_ascii_uppercase()) && letters.all(|c| c.is_ascii_digit())
}

fn module_path(krate: &str, modules: &[String]) -> String {
    let mut path = krate.to_owned();
    for module in modules {
        path.push_str("::");
        path.push_str(module);
    }
    path
}

/// `pay::risk#2::f#3` names the same path as `pay::risk::f` to the compiler.
fn without_twin_marks(id: &str) -> String {
    let mut parts = id.split('#');
    let mut path = parts.next().unwrap_or("").to_owned();
    for part in parts {
        path.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FunctionId;

    fn item(id: &str, modules: &[&str], self_type: &str, trait_name: &str, name: &str) -> Item {
        Item {
            id: FunctionId(id.into()),
            krate: "gw".into(),
            modules: modules.iter().map(|m| m.to_string()).collect(),
            self_type: self_type.into(),
            trait_name: trait_name.into(),
            name: name.into(),
            file: "src/lib.rs".into(),
            line: 1,
            end_line: 2,
            is_beside_type: id.starts_with("gw::near::"),
            ..Item::default()
        }
    }

    fn items() -> Vec<Item> {
        vec![
            item("gw::work", &[], "", "", "work"),
            item("gw::work::inner", &[], "", "", "inner"),
            item("gw::risk::Scorer::new", &["risk"], "Scorer", "", "new"),
            item("gw::risk::<Scorer as Score>::score", &["risk"], "Scorer", "Score", "score"),
            item("gw::ledger::<Scorer as Score>::score", &["ledger"], "Scorer", "Score", "score"),
            item("gw::Score::twice", &[], "", "Score", "twice"),
            item("gw::risk::Pair::tree", &["risk"], "Pair", "", "tree"),
            item("gw::risk::Pair::tree#2", &["risk"], "Pair", "", "tree"),
            item("gw::<T as Loud>::shout", &[], "T", "Loud", "shout"),
            item("gw::far::<Ledger as Score>::score", &["far"], "Ledger", "Score", "score"),
            item("gw::near::<Walk as Score>::score", &["near"], "Walk", "Score", "score"),
        ]
    }

    #[track_caller]
    fn check(symbol: &str, expected: &str) {
        let items = items();
        let name = |i: &u32| items[*i as usize].id.0.clone();
        let meaning = match Index::new(&items).resolve(&Symbol::parse(symbol)) {
            Meaning::Item(i) => name(&i),
            Meaning::Ambiguous(all) => all.iter().map(name).collect::<Vec<_>>().join(" or "),
            other => format!("{other:?}"),
        };
        assert_eq!(meaning, expected, "{symbol}");
    }

    #[test]
    fn functions_closures_and_functions_inside_functions_are_found() {
        check("gw::work", "gw::work");
        check("gw::work::{{closure}}", "gw::work");
        check("gw::work::inner", "gw::work::inner");
        check("gw::work::RE::{closure#0}", "gw::work");
        check("_RNCNvCsfTVhDoAT1RM_2gw4work0", "gw::work");
        check("gw::risk::Scorer::new", "gw::risk::Scorer::new");
        check("<gw::risk::Scorer>::new", "gw::risk::Scorer::new");
    }

    #[test]
    fn two_impls_with_the_same_method_are_told_apart_by_their_type() {
        check("<gw::risk::Scorer as gw::Score>::score", "gw::risk::<Scorer as Score>::score");
        check("<gw::ledger::Scorer as gw::Score>::score", "gw::ledger::<Scorer as Score>::score");
        check("_RNvXNtCsfT_2gw4riskNtB2_6ScorerNtB4_5Score5score", "gw::risk::<Scorer as Score>::score");
        check("<gw::far::types::Ledger as gw::Score>::score", "gw::far::<Ledger as Score>::score");
        check("<gw::near::Walk as gw::Score>::score", "gw::near::<Walk as Score>::score");
        // Made by a macro, so without an item: the type of that name in another module is another.
        check("<gw::other::Walk as gw::Score>::score", "Ours");
    }

    #[test]
    fn what_the_symbol_does_not_tell_apart_stays_ambiguous() {
        check("gw::risk::Pair<u8>::tree", "gw::risk::Pair::tree or gw::risk::Pair::tree#2");
        let elsewhere = "gw::risk::<Scorer as Score>::score or gw::ledger::<Scorer as Score>::score";
        check("<gw::types::Scorer as gw::Score>::score", elsewhere);
    }

    #[test]
    fn default_methods_and_blanket_impls_are_found() {
        check("<gw::risk::Scorer as gw::Score>::twice", "gw::Score::twice");
        check("gw::Score::twice", "gw::Score::twice");
        check("<T as gw::Loud>::shout", "gw::<T as Loud>::shout");
        check("_RNvXCsfT_2gwhNtB2_4Loud5shout", "gw::<T as Loud>::shout");
    }

    #[test]
    fn derived_code_is_ours_without_an_item() {
        check("<gw::risk::Tx as serde::ser::Serialize>::serialize", "Ours");
        check("gw::risk::made_by_a_macro", "Ours");
    }

    #[test]
    fn std_dependencies_and_c_are_outside_whatever_they_were_made_for() {
        check("core::ptr::drop_in_place::<gw::risk::Scorer>", "Outside");
        check("<alloc::vec::Vec<gw::risk::Scorer> as core::ops::drop::Drop>::drop", "Outside");
        check("memcpy", "Outside");
        check("[unknown]", "Outside");
        check("other::work", "Outside");
    }
}
