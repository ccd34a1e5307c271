//! The text of a source file in; every path it imports or mentions out, with `crate`, `self` and `super` resolved.

use syn::visit::{self, Visit};

/// Something outside of its own lines that a file mentions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mention {
    /// A module of this crate, by its first name below `crate`.
    Own(String),
    /// A path into another crate.
    Outside(String),
    /// A macro by its last name.
    Macro(String),
}

/// All mentions of a file, those in code that only tests compile left out.
pub fn mentions(file: &str, text: &str) -> Vec<Mention> {
    if is_test_file(file) {
        return Vec::new();
    }
    let parsed = syn::parse_file(text).unwrap_or_else(|e| panic!("{file}: {e}"));
    let mut finder = Finder { modules: modules_of(file), found: Vec::new() };
    finder.visit_file(&parsed);
    finder.found.sort();
    finder.found.dedup();
    finder.found
}

/// Files that a `#[cfg(test)] mod` brings in.
fn is_test_file(file: &str) -> bool {
    file.ends_with("/tests.rs") || file.contains("/tests/") || file.ends_with("/testing.rs")
}

/// The module path of a file below `crate`.
fn modules_of(file: &str) -> Vec<String> {
    let below = file.strip_prefix("src/").unwrap_or(file).trim_end_matches(".rs");
    let mut modules: Vec<String> = below.split('/').map(str::to_owned).collect();
    if modules.last().is_some_and(|m| m == "mod" || m == "lib" || m == "main") {
        modules.pop();
    }
    modules
}

struct Finder {
    modules: Vec<String>,
    found: Vec<Mention>,
}

impl Finder {
    fn path(&mut self, segments: &[String]) {
        let Some(first) = segments.first() else { return };
        let mut base = match first.as_str() {
            "crate" | "refit" => Vec::new(),
            "self" => self.modules.clone(),
            "super" => self.modules[..self.modules.len().saturating_sub(1)].to_vec(),
            _ => return self.found.push(Mention::Outside(segments.join("::"))),
        };
        for segment in &segments[1..] {
            match segment.as_str() {
                "super" => drop(base.pop()),
                "self" => {}
                _ => base.push(segment.clone()),
            }
        }
        self.found.extend(base.into_iter().next().map(Mention::Own));
    }

    fn tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: String| [before, &[name]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(path.ident.to_string()), &path.tree),
            syn::UseTree::Name(name) if name.ident == "self" => self.path(before),
            syn::UseTree::Name(name) => self.path(&with(name.ident.to_string())),
            syn::UseTree::Rename(rename) => self.path(&with(rename.ident.to_string())),
            syn::UseTree::Glob(_) => self.path(before),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(before, item)),
        }
    }
}

impl<'a> Visit<'a> for Finder {
    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        if only_tests(&item.attrs) {
            return;
        }
        self.modules.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.modules.pop();
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        if !only_tests(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        if !only_tests(&item.attrs) {
            self.tree(&[], &item.tree);
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        // A single name is a local one; what it stands for was imported by a path that is looked at.
        if path.segments.len() > 1 {
            self.path(&path.segments.iter().map(|s| s.ident.to_string()).collect::<Vec<_>>());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'a syn::Macro) {
        self.found.extend(item.path.segments.last().map(|s| Mention::Macro(s.ident.to_string())));
        // Arguments of the usual macros are expressions, and may name anything.
        let arguments =
            item.parse_body_with(syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated);
        for argument in arguments.into_iter().flatten() {
            let mut inner = Finder { modules: self.modules.clone(), found: Vec::new() };
            inner.visit_expr(&argument);
            self.found.append(&mut inner.found);
        }
        visit::visit_macro(self, item);
    }
}

fn only_tests(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|a| {
        let is_cfg_test = a.path().is_ident("cfg")
            && a.meta
                .require_list()
                .is_ok_and(|list| list.tokens.to_string().split(|c: char| !c.is_alphanumeric()).any(|w| w == "test"));
        is_cfg_test || a.path().is_ident("test")
    })
}
