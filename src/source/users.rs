//! A struct and files in; the functions that read or write its fields, with the lines on which they do, out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::visit::{self, Visit};

use super::SourceFile;
use super::functions::{Function, functions, head, items, type_arguments};
use super::names::{mentions, plain_name};
use super::types::FieldDecl;
use crate::model::{CostLines, FunctionId, TextRange};

/// The fields of all structs of a workspace.
#[derive(Debug, Default)]
pub struct FieldOwners<'a> {
    /// Per field the names of the structs that have it.
    by_field: HashMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> FieldOwners<'a> {
    /// Learns from the fields of every file.
    pub fn new(fields: impl IntoIterator<Item = &'a FieldDecl>) -> FieldOwners<'a> {
        let mut by_field: HashMap<&'a str, BTreeSet<&'a str>> = HashMap::new();
        for field in fields {
            by_field.entry(&field.name).or_default().insert(&field.owner);
        }
        FieldOwners { by_field }
    }

    /// True if no other struct has such a field.
    fn lead_to(&self, name: &str, field: &str) -> bool {
        self.by_field.get(field).is_none_or(|owners| owners.iter().all(|owner| *owner == name))
    }
}

/// What a file must spell somewhere to be among the [`users`]: the struct, or one of the fields.
pub fn spellings(home: &SourceFile, ident: TextRange, only: &[TextRange]) -> Vec<String> {
    let structs = structs(home);
    let Some(item) = structs.iter().find(|s| home.range(&s.ident) == ident) else { return Vec::new() };
    let mut words = named_fields(home, item, only);
    words.push(item.ident.to_string());
    words
}

fn named_fields(home: &SourceFile, item: &syn::ItemStruct, only: &[TextRange]) -> Vec<String> {
    let named = |f: &&syn::Field| f.ident.as_ref().is_some_and(|i| only.is_empty() || only.contains(&home.range(i)));
    item.fields.iter().filter(named).filter_map(|f| f.ident.as_ref().map(ToString::to_string)).collect()
}

/// The functions of `files` that reach fields of the struct whose name stands at `ident` in `home`; `only` keeps to the
/// fields whose names stand at these places, none of them to all.
///
/// A receiver whose type the signature tells counts if it is the struct. Of any other, the field's name must lead to this
/// struct: it stands in the struct's own file and no other struct there has it, the function names the struct, or no other
/// struct of the workspace has such a field.
pub fn users<'a>(
    files: impl IntoIterator<Item = &'a SourceFile>,
    owners: &FieldOwners,
    home: &SourceFile,
    ident: TextRange,
    only: &[TextRange],
) -> Vec<CostLines> {
    let structs = structs(home);
    let Some(item) = structs.iter().find(|s| home.range(&s.ident) == ident) else { return Vec::new() };
    let fields = named_fields(home, item, only);
    let name = item.ident.to_string();
    let mut found: BTreeMap<FunctionId, CostLines> = BTreeMap::new();
    for file in files {
        let leads = |field: &&str| match file.path == home.path {
            true => !structs.iter().any(|s| s.ident != name && has(s, field)),
            false => owners.lead_to(&name, field),
        };
        let clear: BTreeSet<&str> = fields.iter().map(String::as_str).filter(leads).collect();
        for function in functions(file).into_iter().filter(|f| !f.is_test) {
            let mut walk = Walk {
                file,
                function,
                name: &name,
                fields: &fields,
                clear: &clear,
                lines: BTreeSet::new(),
                around: None,
            };
            walk.visit_block(function.block);
            let Some(around) = file.item_around(file.range(&function.sig.ident)) else { continue };
            if walk.lines.is_empty() || around.is_test {
                continue;
            }
            let new = || CostLines { function: around.id.clone(), file: file.path.clone(), lines: Vec::new() };
            let entry = found.entry(around.id.clone()).or_insert_with(new);
            entry.lines.extend(walk.lines);
            entry.lines.sort_unstable();
            entry.lines.dedup();
        }
    }
    found.into_values().collect()
}

fn structs(file: &SourceFile) -> Vec<&syn::ItemStruct> {
    let all = items(&file.ast).into_iter();
    all.filter_map(|p| if let syn::Item::Struct(item) = p.item { Some(item) } else { None }).collect()
}

fn has(item: &syn::ItemStruct, field: &str) -> bool {
    item.fields.iter().any(|f| f.ident.as_ref().is_some_and(|i| i == field))
}

struct Walk<'a, 'n> {
    file: &'a SourceFile,
    function: Function<'a>,
    name: &'n str,
    fields: &'n [String],
    clear: &'n BTreeSet<&'n str>,
    lines: BTreeSet<u32>,
    /// The innermost plain statement around.
    around: Option<TextRange>,
}

impl Walk<'_, '_> {
    fn is_own(&self, base: &syn::Expr, field: &str) -> bool {
        if let Some(known) = plain_name(base).and_then(|n| self.known(&n.to_string())) {
            return known == self.name;
        }
        let named = || mentions(self.function.sig, self.name) || mentions(self.function.block, self.name);
        self.clear.contains(field) || named()
    }

    /// The type of `self` or of a parameter, as far as the signature tells it.
    fn known(&self, name: &str) -> Option<String> {
        self.function.sig.inputs.iter().find_map(|input| match input {
            syn::FnArg::Receiver(_) if name == "self" => self.function.self_ty.map(head),
            syn::FnArg::Typed(typed) => match &*typed.pat {
                syn::Pat::Ident(ident) if ident.ident == name => Some(inner(&typed.ty)),
                _ => None,
            },
            _ => None,
        })
    }

    fn note(&mut self, range: TextRange) {
        let range = self.around.unwrap_or(range);
        let lines = self.file.lines();
        self.lines.extend(lines.line(range.start)..=lines.line(range.end.saturating_sub(1).max(range.start)));
    }
}

/// The type behind references and `Arc`.
fn inner(ty: &syn::Type) -> String {
    match ty {
        syn::Type::Reference(r) => inner(&r.elem),
        other => match (head(other).as_str(), type_arguments(other).first()) {
            ("Arc" | "Rc" | "Box", Some(behind)) => inner(behind),
            (name, _) => name.to_owned(),
        },
    }
}

impl<'a> Visit<'a> for Walk<'a, '_> {
    // A chain over several lines counts whole; of a loop or a branch only the line of the use itself.
    fn visit_stmt(&mut self, node: &'a syn::Stmt) {
        use syn::Expr::{Async, Block, ForLoop, If, Loop, Match, Unsafe, While};
        let is_block = |e: &syn::Expr| {
            matches!(e, Async(_) | Block(_) | ForLoop(_) | If(_) | Loop(_) | Match(_) | Unsafe(_) | While(_))
        };
        let plain = match node {
            syn::Stmt::Local(local) => local.init.as_ref().is_none_or(|init| !is_block(&init.expr)),
            syn::Stmt::Expr(expr, _) => !is_block(expr),
            syn::Stmt::Macro(_) => true,
            syn::Stmt::Item(_) => return,
        };
        let before = self.around;
        self.around = plain.then(|| self.file.range(node));
        visit::visit_stmt(self, node);
        self.around = before;
    }

    fn visit_expr_field(&mut self, node: &'a syn::ExprField) {
        if let syn::Member::Named(member) = &node.member {
            let member = member.to_string();
            if self.fields.contains(&member) && self.is_own(&node.base, &member) {
                self.note(self.file.range(node));
            }
        }
        visit::visit_expr_field(self, node);
    }

    fn visit_expr_struct(&mut self, node: &'a syn::ExprStruct) {
        let own = self.function.self_ty.is_some_and(|ty| head(ty) == self.name);
        if node.path.segments.last().is_some_and(|s| s.ident == self.name || (own && s.ident == "Self")) {
            self.note(self.file.range(node));
        }
        visit::visit_expr_struct(self, node);
    }

    fn visit_macro(&mut self, node: &'a syn::Macro) {
        for argument in super::names::arguments(node).into_iter().flatten() {
            let mut inner = Fields { found: Vec::new() };
            inner.visit_expr(&argument);
            if inner.found.iter().any(|(base, field)| self.fields.contains(field) && self.is_own(base, field)) {
                self.note(self.file.range(node));
            }
        }
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}

/// The fields of expressions that live no longer than the macro's tokens.
struct Fields {
    found: Vec<(syn::Expr, String)>,
}

impl<'a> Visit<'a> for Fields {
    fn visit_expr_field(&mut self, node: &'a syn::ExprField) {
        if let syn::Member::Named(member) = &node.member {
            self.found.push(((*node.base).clone(), member.to_string()));
        }
        visit::visit_expr_field(self, node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileRole;
    use crate::source::types::struct_fields;

    #[track_caller]
    fn check(texts: &[&str], name: &str, only: &[&str], expected: &[(&str, &[u32])]) {
        let role = FileRole { krate: "pay".into(), ..FileRole::default() };
        let parse = |(i, text): (usize, &&str)| SourceFile::parse(&format!("{i}.rs"), text, &role).unwrap();
        let files: Vec<SourceFile> = texts.iter().enumerate().map(parse).collect();
        let at = |word: &str| {
            let start = texts[0].find(word).unwrap();
            TextRange::new(start, start + word.len())
        };
        let only: Vec<TextRange> = only.iter().map(|f| at(f)).collect();
        let owners = FieldOwners::new(files.iter().flat_map(struct_fields));
        let found = users(&files, &owners, &files[0], at(name), &only);
        let found: Vec<(&str, &[u32])> = found.iter().map(|u| (u.function.0.as_str(), &u.lines[..])).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn readers_writers_and_builders_of_the_fields_are_found_with_their_lines() {
        check(
            &[
                "struct Cell { last: u64, card: u32 }\nfn new() -> Cell {\n    Cell { last: 0, card: 1 }\n}\nimpl Table {\n    fn sum(&self) -> u64 {\n        self.cells\n            .iter()\n            .map(|c| c.last)\n            .sum()\n    }\n    fn size(&self) -> usize { self.cells.len() }\n}\nfn each(t: &Table) {\n    for c in &t.cells {\n        if c.card > 1 {\n            println!(\"{}\", c.last);\n        }\n    }\n}",
            ],
            "Cell",
            &[],
            &[("pay::Table::sum", &[7, 8, 9, 10]), ("pay::each", &[16, 17]), ("pay::new", &[3])],
        );
    }

    #[test]
    fn fields_of_the_same_name_in_other_types_are_not_counted() {
        check(
            &[
                "struct Cell { last: u64, card: u32 }\nstruct Row { last: u64 }\nfn a(r: &Row) -> u64 { r.last }\nfn b(rows: &[Row]) -> u64 { rows[0].last }\nfn c(c: &Cell) -> u64 { c.last }\nimpl Row { fn d(&self) -> u64 { self.last } }",
                "struct Other { card: u32 }\nfn e(all: &[Other]) -> u32 { all[0].card }\nfn f(all: &[Cell]) -> u32 {\n    all[0].card\n}",
            ],
            "Cell",
            &[],
            &[("pay::c", &[5]), ("pay::f", &[4])],
        );
    }

    #[test]
    fn only_the_fields_asked_for_count_and_tests_do_not() {
        check(
            &[
                "struct C { hits: AtomicU64, name: String }\nimpl C {\n    fn hit(&self) { self.hits.fetch_add(1, R); }\n    fn name(&self) -> &str { &self.name }\n}\n#[cfg(test)] mod t { fn x(c: &C) { c.hits.load(R); } }",
            ],
            "C",
            &["hits"],
            &[("pay::C::hit", &[3])],
        );
    }
}
