//! Type declarations of the workspace in; whether a value of a type comes back from JSON as it went there, out.

use super::functions::{derives, head, items, type_arguments};
use super::{SourceFile, types};

/// A type whose values come back from JSON as they went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Survives {
    /// True if it holds floats: `NaN` does not come back.
    pub has_floats: bool,
    /// True if it holds hash collections, whose order is their own.
    pub has_hashes: bool,
}

/// Types of std that JSON writes and reads without loss.
const LEAVES: &[&str] = &["String", "Duration", "Value"];
/// Collections and boxes that do so where what they hold does.
const OF_ONE: &[&str] = &["Vec", "VecDeque", "Box", "BTreeSet", "HashSet"];
const MAPS: &[&str] = &["BTreeMap", "HashMap"];
/// Attributes of serde that change both ways alike.
const EVEN: &[&str] = &["default", "rename", "rename_all", "alias", "deny_unknown_fields"];

/// What is known of the way there and back; all structs and enums on the way must derive these traits. A name means what
/// the file in which it is written declares, or else what the workspace declares once.
///
/// # Errors
/// The first thing on the way that changes, or that nothing is known of: one sentence.
pub fn survives(files: &[SourceFile], home: &SourceFile, ty: &syn::Type, needed: &[&str]) -> Result<Survives, String> {
    let mut walk = Walk { files, home, needed, seen: Vec::new(), found: Survives::default() };
    walk.ty(ty)?;
    Ok(walk.found)
}

struct Walk<'a> {
    files: &'a [SourceFile],
    home: &'a SourceFile,
    needed: &'a [&'a str],
    seen: Vec<(String, String)>,
    found: Survives,
}

impl<'a> Walk<'a> {
    fn ty(&mut self, ty: &syn::Type) -> Result<(), String> {
        match ty {
            syn::Type::Tuple(t) if !t.elems.is_empty() => t.elems.iter().try_for_each(|e| self.ty(e)),
            syn::Type::Paren(p) => self.ty(&p.elem),
            syn::Type::Array(a) => self.ty(&a.elem),
            syn::Type::Path(_) => self.named(ty),
            _ => Err(unknown(ty)),
        }
    }

    fn named(&mut self, ty: &syn::Type) -> Result<(), String> {
        let (name, arguments) = (head(ty), type_arguments(ty));
        self.found.has_floats |= name == "f32" || name == "f64";
        self.found.has_hashes |= name.starts_with("Hash");
        match arguments.as_slice() {
            [] if types::is_primitive(ty) || LEAVES.contains(&name.as_str()) => Ok(()),
            // `null` is one thing for both options.
            [inner] if name == "Option" && !["Option", "Value"].contains(&head(inner).as_str()) => self.ty(inner),
            [inner] if OF_ONE.contains(&name.as_str()) => self.ty(inner),
            [key, value] if MAPS.contains(&name.as_str()) => {
                let is_text = head(key) == "String" || (types::is_primitive(key) && !head(key).starts_with('f'));
                if is_text { self.ty(value) } else { Err(format!("`{name}` has keys that are no texts")) }
            }
            [] => self.declared(&name, ty),
            _ => Err(unknown(ty)),
        }
    }

    fn declared(&mut self, name: &str, ty: &syn::Type) -> Result<(), String> {
        if let Some((home, alias)) = self.alias_of(name) {
            let before = std::mem::replace(&mut self.home, home);
            self.ty(alias)?;
            self.home = before;
            return Ok(());
        }
        let (home, only) = self.declaration_of(name).ok_or_else(|| unknown(ty))?;
        let key = (home.path.clone(), name.to_owned());
        if self.seen.contains(&key) {
            return Ok(());
        }
        self.seen.push(key);
        let before = std::mem::replace(&mut self.home, home);
        if only.is_generic {
            return Err(unknown(ty));
        }
        let derived = derives(only.attrs);
        if let Some(lacking) = self.needed.iter().find(|needed| !derived.iter().any(|d| d == **needed)) {
            return Err(format!("`{name}` does not derive `{lacking}`"));
        }
        even(only.attrs, name)?;
        for (attrs, fields) in &only.fields {
            even(attrs, name)?;
            for field in fields.iter() {
                even(&field.attrs, name)?;
                self.ty(&field.ty)?;
            }
        }
        self.home = before;
        Ok(())
    }

    /// What the one `type name = …;` of the file at hand, or else of the workspace, stands for, where nothing else has the name.
    fn alias_of(&self, name: &str) -> Option<(&'a SourceFile, &'a syn::Type)> {
        if self.declaration_of(name).is_some() {
            return None;
        }
        let near = aliases(self.home, name);
        let far = || self.files.iter().flat_map(|file| aliases(file, name)).collect();
        let mut all: Vec<_> = if near.is_empty() { far() } else { near };
        if all.len() == 1 { all.pop() } else { None }
    }

    /// The one declaration of a name in the file at hand, or else in the workspace.
    fn declaration_of(&self, name: &str) -> Option<(&'a SourceFile, Declaration<'a>)> {
        let near = declarations(self.home, name);
        let far = || self.files.iter().flat_map(|file| declarations(file, name)).collect();
        let mut all: Vec<_> = if near.is_empty() { far() } else { near };
        if all.len() == 1 { all.pop() } else { None }
    }
}

fn aliases<'a>(file: &'a SourceFile, name: &str) -> Vec<(&'a SourceFile, &'a syn::Type)> {
    let all = items(&file.ast).into_iter().filter_map(|placed| match placed.item {
        syn::Item::Type(alias) if alias.ident == name && alias.generics.params.is_empty() => Some((file, &*alias.ty)),
        _ => None,
    });
    all.collect()
}

fn declarations<'a>(file: &'a SourceFile, name: &str) -> Vec<(&'a SourceFile, Declaration<'a>)> {
    let all = items(&file.ast).into_iter().filter_map(|placed| declaration(placed.item));
    all.filter(|found| found.name == name).map(|found| (file, found)).collect()
}

struct Declaration<'a> {
    name: String,
    attrs: &'a [syn::Attribute],
    is_generic: bool,
    fields: Vec<(&'a [syn::Attribute], &'a syn::Fields)>,
}

fn declaration(item: &syn::Item) -> Option<Declaration<'_>> {
    let is_generic = |generics: &syn::Generics| !generics.params.is_empty();
    match item {
        syn::Item::Struct(s) => Some(Declaration {
            name: s.ident.to_string(),
            attrs: &s.attrs,
            is_generic: is_generic(&s.generics),
            fields: vec![(&[], &s.fields)],
        }),
        syn::Item::Enum(e) => Some(Declaration {
            name: e.ident.to_string(),
            attrs: &e.attrs,
            is_generic: is_generic(&e.generics),
            fields: e.variants.iter().map(|v| (&v.attrs[..], &v.fields)).collect(),
        }),
        _ => None,
    }
}

/// Fails where an attribute of serde may change one way only.
fn even(attrs: &[syn::Attribute], name: &str) -> Result<(), String> {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        let mut odd = None;
        let read = attr.parse_nested_meta(|meta| {
            let word = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            let value = meta.value().ok().map(syn::parse::ParseBuffer::parse::<syn::LitStr>).transpose()?;
            let value = value.map(|v| v.value()).unwrap_or_default();
            let is_even =
                EVEN.contains(&word.as_str()) || (word == "skip_serializing_if" && value == "Option::is_none");
            if !is_even {
                odd = Some(word);
            }
            Ok(())
        });
        if let Some(word) = odd {
            return Err(format!("`#[serde({word})]` of `{name}` changes what comes back"));
        }
        if read.is_err() {
            return Err(format!("an attribute of serde on `{name}` cannot be read"));
        }
    }
    Ok(())
}

fn unknown(ty: &syn::Type) -> String {
    let shown = quote::ToTokens::to_token_stream(ty).to_string().replace(' ', "");
    format!("whether `{shown}` comes back from JSON as it went is not known")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileRole;

    #[track_caller]
    fn said(declarations: &str, ty: &str) -> Result<Survives, String> {
        let file = SourceFile::parse("a.rs", declarations, &FileRole::default()).unwrap();
        survives(&[], &file, &syn::parse_str(ty).unwrap(), &["Clone", "Serialize"])
    }

    const D: &str = "#[derive(Clone, Serialize)]";
    const D_S: &str = "#[derive(Clone, Serialize)] struct T { a: u8 }";

    #[test]
    fn plain_data_comes_back_as_it_went() {
        let order = format!(
            "{D} struct Order {{ id: u64, #[serde(default, rename = \"n\")] name: Option<String>, lines: Vec<Line> }}
             {D} #[serde(rename_all = \"camelCase\")] enum Line {{ Gift, Paid(i64), Many {{ of: Box<Order> }} }}"
        );
        assert_eq!(said(&order, "Order"), Ok(Survives::default()));
        assert_eq!(said("", "BTreeMap<String, (u8, bool)>"), Ok(Survives::default()));
        assert!(said("", "HashMap<u32, Vec<f64>>").unwrap().has_floats);
        assert!(said("", "HashMap<u32, Vec<f64>>").unwrap().has_hashes);
    }

    #[test]
    fn a_name_means_what_its_own_file_declares() {
        let parse = |path: &str, text: &str| SourceFile::parse(path, text, &FileRole::default()).unwrap();
        let home = parse("a.rs", &format!("{D} struct S {{ a: u8 }} {D} struct H {{ a: Far }}"));
        let far = parse("b.rs", &format!("{D} struct S {{ a: f64 }} {D} struct Far {{ a: S }}"));
        let all = [home, far];
        let of = |ty: &str| survives(&all, &all[0], &syn::parse_str(ty).unwrap(), &["Clone"]).unwrap();
        assert!(!of("S").has_floats);
        assert!(of("H").has_floats);
        let both = [parse("b.rs", D_S), parse("c.rs", D_S)];
        let elsewhere = survives(&both, &all[0], &syn::parse_str("T").unwrap(), &["Clone"]);
        assert_eq!(elsewhere, Err("whether `T` comes back from JSON as it went is not known".to_owned()));
    }

    #[test]
    fn what_changes_on_the_way_is_named() {
        for (declarations, ty, reason) in [
            (
                format!("{D} struct S {{ #[serde(skip)] a: u8 }}"),
                "S",
                "`#[serde(skip)]` of `S` changes what comes back",
            ),
            (
                format!("{D} struct S {{ #[serde(serialize_with = \"f\")] a: u8 }}"),
                "Vec<S>",
                "`#[serde(serialize_with)]` of `S` changes what comes back",
            ),
            (
                format!("{D} #[serde(untagged)] enum S {{ A }}"),
                "S",
                "`#[serde(untagged)]` of `S` changes what comes back",
            ),
            ("#[derive(Clone)] struct S; impl Serialize for S {}".into(), "S", "`S` does not derive `Serialize`"),
            (
                format!("{D} struct S {{ a: Rc<u8> }}"),
                "S",
                "whether `Rc<u8>` comes back from JSON as it went is not known",
            ),
            (format!("{D} struct S<T> {{ a: T }}"), "S", "whether `S` comes back from JSON as it went is not known"),
            (String::new(), "T", "whether `T` comes back from JSON as it went is not known"),
            (
                String::new(),
                "Option<Option<u8>>",
                "whether `Option<Option<u8>>` comes back from JSON as it went is not known",
            ),
            (String::new(), "&str", "whether `&str` comes back from JSON as it went is not known"),
            (String::new(), "BTreeMap<(u8, u8), u8>", "`BTreeMap` has keys that are no texts"),
        ] {
            assert_eq!(said(&declarations, ty), Err(reason.to_owned()), "{declarations}");
        }
    }
}
