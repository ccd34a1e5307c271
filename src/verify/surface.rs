//! A file's texts before and after in; what changes of what other crates see of it, in words, out.

use std::collections::BTreeMap;

use quote::ToTokens;
use syn::Visibility;

use super::change::Change;
use crate::source::functions::derives;
use crate::source::{FileRole, SourceFile};

/// What of the public signatures of a file another crate would see differ, each with what it was and what it becomes.
/// Whether the modules around it are public is not looked at: what only might be seen is told, too.
pub fn changed(change: &Change) -> Vec<String> {
    let (old, new) = (shown(&change.file, &change.old), shown(&change.file, &change.new));
    let gone = old.iter().filter(|(name, _)| !new.contains_key(*name)).map(|(_, was)| format!("`{was}` goes"));
    let other = new.iter().filter_map(|(name, is)| match old.get(name) {
        None => Some(format!("`{is}` is new")),
        Some(was) if was != is => Some(format!("`{was}` becomes `{is}`")),
        Some(_) => None,
    });
    gone.chain(other).collect()
}

/// Public items by a name that an edit of their signature leaves alone.
fn shown(path: &str, text: &str) -> BTreeMap<String, String> {
    let Ok(file) = SourceFile::parse(path, text, &FileRole::default()) else { return BTreeMap::new() };
    let mut surface = Surface { file: &file, found: BTreeMap::new() };
    surface.items(&file.ast.items, "");
    surface.found
}

struct Surface<'f> {
    file: &'f SourceFile,
    found: BTreeMap<String, String>,
}

impl Surface<'_> {
    fn items(&mut self, items: &[syn::Item], module: &str) {
        for item in items {
            self.item(item, module);
        }
    }

    fn item(&mut self, item: &syn::Item, module: &str) {
        let named = |kind: &str, name: &dyn ToTokens| format!("{module}{kind} {}", name.to_token_stream());
        match item {
            syn::Item::Fn(f) if is_public(&f.vis) => self.put(named("fn", &f.sig.ident), self.of(&f.sig)),
            syn::Item::Struct(s) if is_public(&s.vis) => self.of_struct(&named("struct", &s.ident), s),
            syn::Item::Enum(e) if is_public(&e.vis) => {
                let name = named("enum", &e.ident);
                self.put(name.clone(), format!("enum {}{}", e.ident, e.generics.to_token_stream()));
                for variant in &e.variants {
                    self.put(format!("{name}::{}", variant.ident), self.of(variant));
                }
            }
            syn::Item::Trait(t) if is_public(&t.vis) => {
                let name = named("trait", &t.ident);
                self.put(name.clone(), format!("trait {}{}", t.ident, t.generics.to_token_stream()));
                for (i, item) in t.items.iter().enumerate() {
                    match item {
                        syn::TraitItem::Fn(f) => self.put(format!("{name}::{}", f.sig.ident), self.of(&f.sig)),
                        other => self.put(format!("{name} {i}"), self.of(other)),
                    }
                }
            }
            syn::Item::Impl(i) => self.of_impl(i, module),
            syn::Item::Type(t) if is_public(&t.vis) => self.put(named("type", &t.ident), self.of(t)),
            syn::Item::Const(c) if is_public(&c.vis) => {
                self.put(named("const", &c.ident), format!("const {}: {}", c.ident, self.of(&*c.ty)));
            }
            syn::Item::Static(s) if is_public(&s.vis) => {
                self.put(named("static", &s.ident), format!("static {}: {}", s.ident, self.of(&*s.ty)));
            }
            syn::Item::Use(u) if is_public(&u.vis) => self.put(named("use", &u.tree), self.of(u)),
            syn::Item::Mod(m) => {
                if let Some((_, items)) = &m.content {
                    self.items(items, &format!("{module}{}::", m.ident));
                }
            }
            _ => {}
        }
    }

    /// Fields that are public, whether others are private, and what is derived.
    fn of_struct(&mut self, name: &str, item: &syn::ItemStruct) {
        let hides = if item.fields.iter().all(|f| is_public(&f.vis)) { "" } else { ", .." };
        let derives = derives(&item.attrs).join(", ");
        let head = format!("struct {}{}{hides}", item.ident, item.generics.to_token_stream());
        self.put(name.to_owned(), if derives.is_empty() { head } else { format!("{head} with {derives}") });
        for (i, field) in item.fields.iter().enumerate().filter(|(_, f)| is_public(&f.vis)) {
            let place = field.ident.as_ref().map_or_else(|| i.to_string(), ToString::to_string);
            self.put(format!("{name}.{place}"), format!("{}.{place}: {}", item.ident, self.of(&field.ty)));
        }
    }

    /// Public functions of a type; of a trait that is there or not.
    fn of_impl(&mut self, item: &syn::ItemImpl, module: &str) {
        let owner = self.of(&*item.self_ty);
        if let Some((path, _)) = &item.trait_ {
            let said = format!("impl {} for {owner}", self.of(path));
            self.put(format!("{module}{said}"), said);
            return;
        }
        for item in &item.items {
            match item {
                syn::ImplItem::Fn(f) if is_public(&f.vis) => {
                    let name = format!("{module}fn {owner}::{}", f.sig.ident);
                    self.put(name, format!("{owner}: {}", self.of(&f.sig)));
                }
                syn::ImplItem::Const(c) if is_public(&c.vis) => {
                    self.put(format!("{module}const {owner}::{}", c.ident), format!("{owner}: {}", self.of(&c.ty)));
                }
                _ => {}
            }
        }
    }

    /// The first of several of one name: they stand behind conditions that exclude one another.
    fn put(&mut self, name: String, said: String) {
        self.found.entry(name).or_insert(said);
    }

    fn of<T: syn::spanned::Spanned + 'static>(&self, node: &T) -> String {
        self.file.on_one_line(self.file.range(node))
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EditSet, TextEdit, TextRange};
    use crate::source::hash;

    #[track_caller]
    fn check(old: &str, from: &str, to: &str, expected: &[&str]) {
        let start = old.find(from).unwrap();
        let edit = TextEdit { range: TextRange::new(start, start + from.len()), text: to.to_owned() };
        let new = old.replacen(from, to, 1);
        let change = Change::new(&EditSet::new("a.rs", hash(old), vec![edit]).unwrap(), old, &new);
        assert_eq!(changed(&change), expected);
    }

    #[test]
    fn a_signature_that_others_see_is_told_with_what_it_was() {
        check(
            "pub fn f(a: String) -> u8 {\n    1\n}\n",
            "a: String",
            "a: &str",
            &["`fn f(a: String) -> u8` becomes `fn f(a: &str) -> u8`"],
        );
        let methods = "pub struct S;\nimpl S {\n    pub fn f(&self) -> u8 {\n        1\n    }\n    fn g(&self) {}\n}\n";
        check(methods, "u8", "Result<u8, E>", &["`S: fn f(&self) -> u8` becomes `S: fn f(&self) -> Result<u8, E>`"]);
        check(methods, "    pub fn f", "    fn f", &["`S: fn f(&self) -> u8` goes"]);
    }

    #[test]
    fn types_are_told_by_their_fields_variants_and_traits() {
        let types = "#[derive(Clone, Copy)]\npub struct P {\n    pub x: [u8; 64],\n    y: u8,\n}\npub enum E {\n    A(Big),\n    B,\n}\nimpl Drop for P {\n    fn drop(&mut self) {}\n}\n";
        check(types, "[u8; 64]", "Box<[u8; 64]>", &["`P.x: [u8; 64]` becomes `P.x: Box<[u8; 64]>`"]);
        check(types, "A(Big)", "A(Box<Big>)", &["`A(Big)` becomes `A(Box<Big>)`"]);
        check(types, "Clone, Copy", "Clone", &["`struct P, .. with Clone, Copy` becomes `struct P, .. with Clone`"]);
        check(types, "impl Drop for P {\n    fn drop(&mut self) {}\n}\n", "", &["`impl Drop for P` goes"]);
    }

    #[test]
    fn bodies_private_items_and_what_a_crate_keeps_to_itself_change_nothing() {
        let text = "pub fn f() -> u8 {\n    old()\n}\nfn g(a: String) {}\npub(crate) fn h(a: String) {}\npub struct P {\n    x: u8,\n}\n";
        check(text, "old()", "new()", &[]);
        check(text, "g(a: String)", "g(a: &str)", &[]);
        check(text, "h(a: String)", "h(a: &str)", &[]);
        check(text, "x: u8", "x: u16", &[]);
        check(text, "fn g", "fn k() {}\nfn g", &[]);
    }
}
