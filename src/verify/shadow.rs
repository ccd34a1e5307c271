//! A file in which a type's layout changes in; its text with the type's owner kept in old and new form side by side out.
//!
//! State of one layout cannot be given to code of another, so the whole owner lives three times, old, new and old again,
//! and every call is made on all three. That works where values of the type do not leave their file and calls have no
//! effect but on the owner itself; anything else is said.

use std::collections::BTreeSet;

use quote::ToTokens;

use super::change::Change;
use super::purity::Effects;
use super::twin::{Ask, Twin, Twinned, runtime};
use crate::source::functions::{derives, head};
use crate::source::names::mentions;
use crate::source::{FileRole, SourceFile};

const FORMS: [&str; 3] = ["__refit_old", "__refit_new", "__refit_again"];
/// Derives that a struct of three copies can have as each copy has them.
const DERIVES: &[&str] = &["Debug", "Clone", "Default", "PartialEq", "Eq"];

/// Keeps the owners of the changed type three times. `others` are the other files of the workspace.
///
/// # Errors
/// Why old and new cannot live side by side, one sentence.
pub fn shadow<'a>(
    change: &Change,
    others: impl IntoIterator<Item = (&'a str, &'a str)>,
    effects: &Effects,
) -> Result<Twinned, String> {
    let parse = |text: &str| SourceFile::parse(&change.file, text, &FileRole::default()).map_err(|p| p.what);
    let (old, new) = (parse(&change.old)?, parse(&change.new)?);
    let family = Family::of(&old, change)?;
    for (path, text) in others {
        if path != change.file && text.contains(&family.name) && names(text, &family.name) {
            return Err(format!("values of {} leave their file (to {path})", family.name));
        }
    }
    let counterpart = Family::of(&new, change)?;
    if counterpart.members != family.members {
        return Err(format!("the items around {} differ", family.name));
    }
    let mut made = Facades { file: &old, family: &family, effects, twins: Vec::new(), text: String::new() };
    made.write()?;
    let texts = [items_text(&old, &family), items_text(&new, &family), items_text(&old, &family)];
    let mut text = without(&old, &family);
    for (form, items) in FORMS.iter().zip(texts) {
        text.push_str(&format!("\n#[allow(warnings)]\nmod {form} {{\n    use super::*;\n{items}}}\n"));
    }
    text.push_str(&made.text);
    text.push_str(&runtime(Ask { matched: false, allocator: false, tallies: false, layout: 0 }));
    Ok(Twinned { text, twins: made.twins, left_out: Vec::new() })
}

fn names(text: &str, name: &str) -> bool {
    syn::parse_file(text).map_or(true, |file| mentions(&file, name))
}

/// The changed type and the items of its file that cannot do without it.
struct Family {
    name: String,
    /// Types that hold it, itself included.
    types: BTreeSet<String>,
    /// Those of them that nothing outside of the file can see.
    hidden: BTreeSet<String>,
    /// Indices of the items that stand in each form.
    members: Vec<usize>,
}

impl Family {
    fn of(file: &SourceFile, change: &Change) -> Result<Family, String> {
        let is_new = file.text == change.new;
        let place = |p: &(crate::model::TextRange, crate::model::TextRange)| if is_new { p.1 } else { p.0 };
        let holds = |item: &&syn::Item| change.places.iter().all(|p| file.range(*item).contains(place(p)));
        let name = match file.ast.items.iter().find(holds) {
            Some(syn::Item::Struct(item)) => item.ident.to_string(),
            _ => return Err(String::from("the change is not inside of one struct")),
        };
        let mut types = BTreeSet::from([name.clone()]);
        loop {
            let before = types.len();
            for item in &file.ast.items {
                let (ident, is_held) = match item {
                    syn::Item::Struct(s) => (&s.ident, types.iter().any(|t| mentions(&s.fields, t))),
                    syn::Item::Enum(e) => (&e.ident, types.iter().any(|t| mentions(&e.variants, t))),
                    _ => continue,
                };
                if is_held {
                    types.insert(ident.to_string());
                }
            }
            if types.len() == before {
                break;
            }
        }
        let is_seen = |item: &syn::Item| match item {
            syn::Item::Struct(s) if s.ident != name && !matches!(s.vis, syn::Visibility::Inherited) => {
                Some(s.ident.to_string())
            }
            _ => None,
        };
        let seen: BTreeSet<String> = file.ast.items.iter().filter_map(is_seen).collect();
        let hidden = types.difference(&seen).cloned().collect();
        let mut family = Family { name, types, hidden, members: Vec::new() };
        for (index, item) in file.ast.items.iter().enumerate() {
            if family.takes(item)? {
                family.members.push(index);
            }
        }
        Ok(family)
    }

    fn names(&self, node: &impl ToTokens) -> bool {
        self.types.iter().any(|t| mentions(node, t))
    }

    /// True if the item has to stand in each form.
    fn takes(&self, item: &syn::Item) -> Result<bool, String> {
        let name = &self.name;
        match item {
            syn::Item::Struct(s) => Ok(self.types.contains(&s.ident.to_string())),
            syn::Item::Enum(e) => Ok(self.types.contains(&e.ident.to_string())),
            syn::Item::Impl(i) if self.types.contains(&head(&i.self_ty)) => Ok(true),
            syn::Item::Mod(m) if m.attrs.iter().any(crate::source::is_test_attribute) => Ok(false),
            syn::Item::Fn(f) if self.hidden.iter().any(|t| mentions(f, t)) => match f.vis {
                syn::Visibility::Inherited => Ok(true),
                _ => Err(format!("values of {name} leave their file through {}", f.sig.ident)),
            },
            syn::Item::Fn(_) => Ok(false),
            syn::Item::Impl(i) if self.names(i) => {
                Err(format!("values of {name} reach the methods of {}, which does not own them", head(&i.self_ty)))
            }
            other if self.names(other) => {
                Err(format!("an item that is no function or struct names {name} or what holds it"))
            }
            _ => Ok(false),
        }
    }
}

/// The family's items as they stand.
fn items_text(file: &SourceFile, family: &Family) -> String {
    let text = |i: &usize| format!("{}\n", file.slice(file.range(&file.ast.items[*i])));
    family.members.iter().map(text).collect()
}

/// The file without them.
fn without(file: &SourceFile, family: &Family) -> String {
    let mut text = file.text.clone();
    for i in family.members.iter().rev() {
        text.replace_range(file.range(&file.ast.items[*i]).bytes(), "");
    }
    text
}

/// Writes the owners that the rest of the program sees: each holds its three forms and passes calls on.
struct Facades<'a> {
    file: &'a SourceFile,
    family: &'a Family,
    effects: &'a Effects,
    twins: Vec<Twin>,
    text: String,
}

impl Facades<'_> {
    fn write(&mut self) -> Result<(), String> {
        let items: Vec<&syn::Item> = self.family.members.iter().map(|i| &self.file.ast.items[*i]).collect();
        if items.iter().any(|item| mentions(item, "super")) {
            return Err(String::from("paths with `super` would lead elsewhere"));
        }
        let mut owners = BTreeSet::new();
        for item in &items {
            if let syn::Item::Struct(s) = item
                && s.ident != self.family.name
                && !matches!(s.vis, syn::Visibility::Inherited)
            {
                owners.insert(s.ident.to_string());
                self.owner(s)?;
            }
        }
        if owners.is_empty() {
            return Err(format!("no type that the rest of the program sees owns values of {}", self.family.name));
        }
        for item in &items {
            match item {
                syn::Item::Impl(i) if owners.contains(&head(&i.self_ty)) => self.methods(i)?,
                _ => {}
            }
        }
        match self.twins.is_empty() {
            true => Err(String::from("the owner has no method that can be called on old and new")),
            false => Ok(()),
        }
    }

    fn owner(&mut self, item: &syn::ItemStruct) -> Result<(), String> {
        let name = &item.ident;
        if !item.generics.params.is_empty() {
            return Err(format!("{name} is generic"));
        }
        if item.fields.iter().any(|f| !matches!(f.vis, syn::Visibility::Inherited)) {
            return Err(format!("other code reaches the fields of {name}"));
        }
        let derived = derives(&item.attrs);
        if let Some(other) = derived.iter().find(|d| !DERIVES.contains(&d.as_str())) {
            return Err(format!("{name} derives {other}"));
        }
        let forms: Vec<String> = FORMS.iter().map(|form| format!("{form}::{name}")).collect();
        let visible = self.file.text_of(&item.vis);
        self.text.push_str(&format!(
            "\n#[derive({})]\n#[allow(warnings)]\n{visible} struct {name}({});\n",
            derived.join(", "),
            forms.join(", ")
        ));
        Ok(())
    }

    fn methods(&mut self, item: &syn::ItemImpl) -> Result<(), String> {
        let owner = head(&item.self_ty);
        let of = match &item.trait_ {
            Some((path, _)) => format!("{} for ", self.file.text_of(path)),
            None => String::new(),
        };
        if !of.is_empty() && item.items.iter().any(|i| !matches!(i, syn::ImplItem::Fn(_))) {
            return Err(format!("an impl of a trait for {owner} has more than functions"));
        }
        let mut methods = String::new();
        for inner in &item.items {
            let syn::ImplItem::Fn(method) = inner else { continue };
            // A trait's method has no visibility of its own; of others only what is seen from outside is passed on.
            if !of.is_empty() || !matches!(method.vis, syn::Visibility::Inherited) {
                methods.push_str(&self.method(&owner, method)?);
            }
        }
        self.text.push_str(&format!("\n#[allow(warnings)]\nimpl {of}{owner} {{\n{methods}}}\n"));
        Ok(())
    }

    fn method(&mut self, owner: &str, method: &syn::ImplItemFn) -> Result<String, String> {
        let name = method.sig.ident.to_string();
        let called = format!("{owner}::{name}");
        let head_text = self.file.slice(crate::model::TextRange {
            start: match &method.vis {
                syn::Visibility::Inherited => self.file.range(&method.sig).start,
                vis => self.file.range(vis).start,
            },
            end: self.file.range(&method.sig).end,
        });
        if method.sig.asyncness.is_some() || method.sig.constness.is_some() || !method.sig.generics.params.is_empty() {
            return Err(format!("{called} is async, const or generic"));
        }
        if self.effects.in_function(self.file.text_of(method)) {
            return Err(format!("{called} has effects, which must not happen three times"));
        }
        let (mut arguments, mut clones) = (Vec::new(), Vec::new());
        let mut receiver = None;
        for input in &method.sig.inputs {
            match input {
                syn::FnArg::Receiver(r) => receiver = Some(self.file.text_of(r).to_owned()),
                syn::FnArg::Typed(t) => {
                    let syn::Pat::Ident(ident) = &*t.pat else { return Err(format!("{called} takes a pattern")) };
                    if self.family.names(&t.ty) || mentions(&t.ty, "Self") {
                        return Err(format!("{called} takes what exists three times"));
                    }
                    match &*t.ty {
                        syn::Type::Reference(r) if r.mutability.is_some() => {
                            return Err(format!("{called} changes its argument {}", ident.ident));
                        }
                        syn::Type::ImplTrait(_) => return Err(format!("{called} is generic")),
                        syn::Type::Reference(_) => {}
                        _ => clones.push(ident.ident.to_string()),
                    }
                    arguments.push(ident.ident.to_string());
                }
            }
        }
        let makes = match &method.sig.output {
            syn::ReturnType::Type(_, ty) => head(ty) == "Self" || head(ty) == owner,
            syn::ReturnType::Default => false,
        };
        let returned = method.sig.output.to_token_stream();
        if !makes && (self.family.names(&returned) || mentions(&returned, "Self") || mentions(&returned, "impl")) {
            return Err(format!("{called} hands out what exists three times"));
        }
        let cloned = |a: &String| if clones.contains(a) { format!("{a}.clone()") } else { a.clone() };
        let passed = arguments.iter().map(cloned).collect::<Vec<_>>().join(", ");
        match (receiver.as_deref(), makes) {
            (None, true) => {
                let forms: Vec<String> = FORMS.iter().map(|f| format!("{f}::{owner}::{name}({passed})")).collect();
                Ok(format!("    {head_text} {{ {owner}({}) }}\n", forms.join(", ")))
            }
            (Some("&self" | "&mut self"), false) => Ok(self.passed_on(owner, &name, head_text, &arguments, &clones)),
            (None, false) => Ok(format!("    {head_text} {{ {}::{owner}::{name}({passed}) }}\n", FORMS[0])),
            _ => Err(format!("{called} takes or hands out the owner by value")),
        }
    }

    fn passed_on(&mut self, owner: &str, name: &str, head: &str, arguments: &[String], clones: &[String]) -> String {
        let number = self.twins.len();
        self.twins.push(Twin { number, name: format!("{owner}::{name}"), matched: true });
        let copies: String = clones.iter().map(|c| format!("let {c} = {c}.clone(); ")).collect();
        let passed = arguments.join(", ");
        let arm = |n: usize| {
            format!(
                "{n} => {{ {copies}__refit.begin(); let __refit_made = ::std::hint::black_box(self.{n}.{name}({passed})); __refit.end(); __refit_{n} = ::std::option::Option::Some(__refit_made); }} "
            )
        };
        format!(
            "    {head} {{\n        let mut __refit = __refit_twin::shadow({number});\n        \
             let (mut __refit_0, mut __refit_1, mut __refit_2) = (::std::option::Option::None, ::std::option::Option::None, ::std::option::Option::None);\n        \
             while let ::std::option::Option::Some(__refit_form) = __refit.next() {{ match __refit_form {{ {}{}{}_ => {{}} }} }}\n        \
             __refit_0.unwrap()\n    }}\n",
            arm(0),
            arm(1),
            arm(2)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EditSet, TextEdit, TextRange};
    use crate::source::hash;

    const OLD: &str = "use std::mem;\n\nconst SIZE: usize = 4;\n\n#[repr(C)]\n#[derive(Clone, Copy, Default)]\nstruct Cell {\n    used: bool,\n    last: u64,\n}\n\n/// Counts.\n#[derive(Clone)]\npub struct Table {\n    cells: Vec<Cell>,\n}\n\nimpl Table {\n    pub fn new(name: String) -> Self {\n        Table { cells: vec![Cell::default(); SIZE + name.len()] }\n    }\n\n    pub fn seen(&mut self, card: u32, note: Vec<u8>) -> u64 {\n        let cell = self.cell(card);\n        cell.last += note.len() as u64;\n        cell.last\n    }\n\n    fn cell(&mut self, card: u32) -> &mut Cell {\n        &mut self.cells[card as usize]\n    }\n}\n\npub fn fresh() -> Table {\n    Table::new(String::new())\n}\n";

    fn made(old: &str, from: &str, to: &str, others: &[(&str, &str)]) -> Result<Twinned, String> {
        let start = old.find(from).unwrap();
        let edit = TextEdit { range: TextRange::new(start, start + from.len()), text: to.to_owned() };
        let set = EditSet::new("a.rs", hash(old), vec![edit]).unwrap();
        let change = Change::new(&set, old, &old.replacen(from, to, 1));
        shadow(&change, others.iter().copied(), &Effects::of([old]))
    }

    const FIELDS: (&str, &str) = ("    used: bool,\n    last: u64,\n", "    last: u64,\n    used: bool,\n");

    #[track_caller]
    fn refuses(old: &str, others: &[(&str, &str)], why: &str) {
        assert_eq!(made(old, FIELDS.0, FIELDS.1, others).map(|t| t.text), Err(why.to_owned()));
    }

    #[test]
    fn the_owner_lives_three_times_and_passes_its_calls_on() {
        let made = made(OLD, FIELDS.0, FIELDS.1, &[("b.rs", "fn f(t: &mut Table) { t.seen(1, vec![]); }")]).unwrap();
        assert!(syn::parse_file(&made.text).is_ok(), "{}", made.text);
        let end = made.text.find("#[doc(hidden)]").unwrap();
        assert_eq!(made.twins.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["Table::seen"]);
        let text = &made.text[..end];
        for part in [
            "mod __refit_old {\n    use super::*;\n#[repr(C)]\n#[derive(Clone, Copy, Default)]\nstruct Cell {\n    used: bool,\n    last: u64,\n}",
            "mod __refit_new {\n    use super::*;\n#[repr(C)]\n#[derive(Clone, Copy, Default)]\nstruct Cell {\n    last: u64,\n    used: bool,\n}",
            "pub struct Table(__refit_old::Table, __refit_new::Table, __refit_again::Table);",
            "pub fn new(name: String) -> Self { Table(__refit_old::Table::new(name.clone()), __refit_new::Table::new(name.clone()), __refit_again::Table::new(name.clone())) }",
            "let note = note.clone(); __refit.begin(); let __refit_made = ::std::hint::black_box(self.1.seen(card, note)); __refit.end();",
            "pub fn fresh() -> Table {\n    Table::new(String::new())\n}",
        ] {
            assert!(text.contains(part), "{part}\n--- is not in ---\n{text}");
        }
        assert_eq!(text.matches("struct Cell").count(), 3);
    }

    #[test]
    fn what_leaves_its_file_or_reaches_out_refuses() {
        refuses(OLD, &[("b.rs", "fn f(c: &Cell) {}")], "values of Cell leave their file (to b.rs)");
        refuses(&OLD.replace("    cells: Vec", "    pub cells: Vec"), &[], "other code reaches the fields of Table");
        refuses(
            &OLD.replace("cell.last\n", "std::fs::remove_file(\"x\");\n        cell.last\n"),
            &[],
            "Table::seen has effects, which must not happen three times",
        );
        refuses(&OLD.replace("    fn cell(", "    pub fn cell("), &[], "Table::cell hands out what exists three times");
        refuses(
            &OLD.replace("pub struct Table", "struct Table").replace("pub fn fresh", "fn fresh"),
            &[],
            "no type that the rest of the program sees owns values of Cell",
        );
        refuses(
            &format!("{OLD}pub fn first(t: &Table) -> Cell {{ t.cells[0] }}\n"),
            &[],
            "values of Cell leave their file through first",
        );
    }
}
