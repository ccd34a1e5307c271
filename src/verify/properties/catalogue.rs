//! The files of a workspace in; where a name that stands in one of them is defined, and the impls of a type, out.

use std::collections::BTreeMap;

use crate::source::functions::head;
use crate::source::{FileRole, SourceFile, is_test_attribute, names};

/// Types, aliases and impls of a workspace's files; what stands in inline modules is not known.
#[derive(Default)]
pub struct Catalogue {
    files: Vec<File>,
    types: BTreeMap<String, Vec<Place>>,
    impls: BTreeMap<String, Vec<Place>>,
    traits: BTreeMap<String, Vec<Place>>,
}

/// One file.
struct File {
    krate: String,
    modules: Vec<String>,
    imports: Vec<(String, String)>,
    source: SourceFile,
}

/// An item: which file, and which of its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub file: usize,
    item: usize,
}

/// What a name stands for.
pub(super) enum Named {
    /// A type of std, by its last name.
    Std(String),
    /// A type or an alias of the workspace.
    Own(Place),
    /// Anything else, and why nothing is known of it.
    Unknown(String),
}

const PRELUDE: &[&str] = &[
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64", "bool",
    "char", "str", "String", "Vec", "Option", "Result", "Box",
];

impl Catalogue {
    /// Reads files with their paths and places in their crates; what does not parse is left out.
    pub fn of<'t>(texts: impl IntoIterator<Item = (&'t str, &'t str, &'t FileRole)>) -> Catalogue {
        let mut catalogue = Catalogue::default();
        for (path, text, role) in texts.into_iter().filter(|(_, _, role)| !role.is_test) {
            if let Ok(source) = SourceFile::parse(path, text, role) {
                catalogue.enter(role, source);
            }
        }
        catalogue
    }

    fn enter(&mut self, role: &FileRole, source: SourceFile) {
        let file = self.files.len();
        for (item, node) in source.ast.items.iter().enumerate() {
            let place = Place { file, item };
            let of = |map: &mut BTreeMap<String, Vec<Place>>, name: String| map.entry(name).or_default().push(place);
            match node {
                syn::Item::Struct(x) => of(&mut self.types, x.ident.to_string()),
                syn::Item::Enum(x) => of(&mut self.types, x.ident.to_string()),
                syn::Item::Type(x) => of(&mut self.types, x.ident.to_string()),
                syn::Item::Trait(x) => of(&mut self.traits, x.ident.to_string()),
                syn::Item::Impl(x) if !is_gated(&x.attrs) => of(&mut self.impls, head(&x.self_ty)),
                _ => {}
            }
        }
        let imports = names::all_imports(&source).to_vec();
        let (krate, modules) = (role.krate.clone(), role.modules.clone());
        self.files.push(File { krate, modules, imports, source });
    }

    /// The number of a file.
    pub(super) fn file(&self, path: &str) -> Option<usize> {
        self.files.iter().position(|f| f.source.path == path)
    }

    /// An item.
    pub(super) fn item(&self, place: Place) -> &syn::Item {
        &self.files[place.file].source.ast.items[place.item]
    }

    /// True if two files belong to one crate.
    pub(super) fn are_together(&self, a: usize, b: usize) -> bool {
        self.files[a].krate == self.files[b].krate
    }

    /// The impls of types of this name that stand in the crate of the type.
    pub(super) fn impls(&self, of: Place, name: &str) -> impl Iterator<Item = (usize, &syn::ItemImpl)> {
        let all = self.impls.get(name).into_iter().flatten();
        let own = all.filter(move |p| self.are_together(p.file, of.file));
        own.filter_map(|p| match self.item(*p) {
            syn::Item::Impl(item) => Some((p.file, item)),
            _ => None,
        })
    }

    /// Types of the workspace, without parameters, that have a trait of it.
    pub(super) fn implementors(&self, name: &str) -> Vec<(usize, &syn::Type)> {
        let mut found = Vec::new();
        for place in self.impls.values().flatten() {
            let syn::Item::Impl(item) = self.item(*place) else { continue };
            let Some((path, _)) = &item.trait_ else { continue };
            if item.generics.params.is_empty() && path.segments.last().is_some_and(|s| s.ident == name) {
                found.push((place.file, &*item.self_ty));
            }
        }
        found
    }

    /// True if the workspace defines a trait of this name.
    pub(super) fn has_trait(&self, name: &str) -> bool {
        self.traits.contains_key(name)
    }

    /// What a path that stands in a file names.
    pub(super) fn named(&self, path: &syn::Path, file: usize) -> Named {
        let idents: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        let Some((name, before)) = idents.split_last() else { return Named::Unknown(String::from("it has no name")) };
        let is_std = |root: &str| ["std", "core", "alloc"].contains(&root);
        let first = before.first().unwrap_or(name);
        let defined = self.types.get(name).and_then(|all| all.iter().find(|p| p.file == file)).copied();
        if let (Some(place), true) = (defined, before.is_empty()) {
            return Named::Own(place);
        }
        if let Some((_, full)) = self.files[file].imports.iter().find(|(n, _)| n == first) {
            let (root, last) = (full.split("::").next().unwrap_or(full), full.rsplit("::").next().unwrap_or(full));
            let name = if before.is_empty() { last } else { name };
            return match is_std(root) {
                true => Named::Std(name.to_owned()),
                false => self.found(name, file),
            };
        }
        if is_std(first) || (before.is_empty() && PRELUDE.contains(&name.as_str())) {
            return Named::Std(name.clone());
        }
        self.found(name, file)
    }

    /// The only type of this name in the file's crate, else in the workspace.
    fn found(&self, name: &str, file: usize) -> Named {
        let all = self.types.get(name).map_or(&[][..], |all| &all[..]);
        let near: Vec<&Place> = all.iter().filter(|p| self.are_together(p.file, file)).collect();
        match (&near[..], all) {
            ([one], _) => Named::Own(**one),
            ([], [one]) => Named::Own(*one),
            ([], []) => Named::Unknown(format!("`{name}` is no type of std that is known here, nor of this workspace")),
            _ => Named::Unknown(format!("several types of the workspace are called `{name}`")),
        }
    }

    /// True if a type that stands in a file is public, or not of the workspace.
    pub(super) fn is_public(&self, ty: &syn::Type, file: usize) -> bool {
        let syn::Type::Path(path) = ty else { return true };
        let Named::Own(place) = self.named(&path.path, file) else { return true };
        match self.item(place) {
            syn::Item::Struct(item) => matches!(item.vis, syn::Visibility::Public(_)),
            syn::Item::Enum(item) => matches!(item.vis, syn::Visibility::Public(_)),
            _ => true,
        }
    }

    /// How a type of the workspace is written in a file.
    pub(super) fn path(&self, place: Place, name: &str, file: usize) -> String {
        let (own, there) = (&self.files[file], &self.files[place.file]);
        let is_it = |(n, full): &(String, String)| n == name && full.rsplit("::").next() == Some(name);
        if place.file == file || own.imports.iter().any(is_it) {
            return name.to_owned();
        }
        let root = if own.krate == there.krate { "crate" } else { &there.krate };
        let modules = there.modules.iter().map(|m| format!("{m}::")).collect::<String>();
        format!("{root}::{modules}{name}")
    }
}

/// True for what is only there under a condition.
pub(super) fn is_gated(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|a| a.path().is_ident("cfg") || is_test_attribute(a))
}
