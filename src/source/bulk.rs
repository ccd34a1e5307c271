//! Type declarations in; the bytes that a type holds at least, whatever order rustc gives its fields, out.
//!
//! Padding is left out and niches are taken into account, so that the number is a lower bound on a 64-bit target.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::functions::{derives, head, items, type_arguments};
use super::{SourceFile, shapes};
use crate::model::TextRange;

/// A struct or enum as it is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// Its bytes in the text.
    pub range: TextRange,
    /// The field types of a struct; those of each variant of an enum.
    pub variants: Vec<Vec<String>>,
    /// Names of an enum's variants, or of a struct's fields where they have names.
    pub names: Vec<String>,
    /// True if it derives `Copy`.
    pub is_copy: bool,
    /// True for `type Name = …;`, whose one variant holds what it stands for.
    pub is_alias: bool,
}

/// All structs and enums of a file that have no type parameters.
pub fn declared(file: &SourceFile) -> &[Declared] {
    file.declared.get_or_init(|| read(file))
}

fn read(file: &SourceFile) -> Vec<Declared> {
    let types = |fields: &syn::Fields| fields.iter().map(|f| file.text_of(&f.ty).to_owned()).collect::<Vec<_>>();
    let all = items(&file.ast).into_iter().filter_map(|placed| {
        let (ident, generics, attrs, variants, names, range) = match placed.item {
            syn::Item::Struct(s) => {
                let names = s.fields.iter().filter_map(|f| f.ident.as_ref().map(ToString::to_string)).collect();
                (&s.ident, &s.generics, &s.attrs, vec![types(&s.fields)], names, file.range(s))
            }
            syn::Item::Enum(e) => {
                let names = e.variants.iter().map(|v| v.ident.to_string()).collect();
                (
                    &e.ident,
                    &e.generics,
                    &e.attrs,
                    e.variants.iter().map(|v| types(&v.fields)).collect(),
                    names,
                    file.range(e),
                )
            }
            syn::Item::Type(t) => {
                let meant = vec![vec![file.text_of(&*t.ty).to_owned()]];
                (&t.ident, &t.generics, &t.attrs, meant, Vec::new(), file.range(t))
            }
            _ => return None,
        };
        let is_plain = generics.type_params().next().is_none() && generics.const_params().next().is_none();
        let is_copy = derives(attrs).iter().any(|d| d == "Copy");
        let is_alias = matches!(placed.item, syn::Item::Type(_));
        is_plain.then(|| Declared { name: ident.to_string(), range, variants, names, is_copy, is_alias })
    });
    all.collect()
}

/// What is known of types by name; a name that two types share is not known.
#[derive(Default)]
pub struct Bulk<'a> {
    known: HashMap<&'a str, Option<Known<'a>>>,
}

struct Known<'a> {
    declared: &'a Declared,
    /// Its variants, once somebody asked for their types; `None` for a type that cannot be read.
    variants: OnceCell<Vec<Vec<Option<syn::Type>>>>,
}

impl Known<'_> {
    fn variants(&self) -> &[Vec<Option<syn::Type>>] {
        let read = |fields: &Vec<String>| fields.iter().map(|ty| syn::parse_str(ty).ok()).collect();
        self.variants.get_or_init(|| self.declared.variants.iter().map(read).collect())
    }
}

/// Bytes from which a variant is large.
const LARGE: u64 = 200;

/// A variant far larger than all others of its enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlier {
    /// The variant.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
    /// Bytes of the next largest variant.
    pub next: u64,
    /// How many other variants there are.
    pub others: usize,
}

/// Declarations are followed this deep.
const DEPTH: u32 = 6;

impl<'a> Bulk<'a> {
    /// Learns from declarations.
    pub fn of(all: impl IntoIterator<Item = &'a Declared>) -> Bulk<'a> {
        let mut known: HashMap<&str, Option<Known>> = HashMap::new();
        for declared in all {
            let one = Known { declared, variants: OnceCell::new() };
            known.entry(&declared.name).and_modify(|twice| *twice = None).or_insert(Some(one));
        }
        Bulk { known }
    }

    fn known(&self, name: &str) -> Option<&Known<'a>> {
        self.known.get(name)?.as_ref()
    }

    /// The declaration of that name.
    pub fn declaration(&self, name: &str) -> Option<&'a Declared> {
        self.known(name).map(|known| known.declared)
    }

    /// The only declaration that has fields of all these names.
    pub fn with_fields(&self, fields: &[&str]) -> Option<&'a Declared> {
        let has_all =
            |d: &&Declared| d.variants.len() == 1 && fields.iter().all(|f| d.names.iter().any(|name| name == f));
        let all = self.known.values().flatten().map(|known| known.declared);
        let mut all = all.filter(has_all).filter(|_| !fields.is_empty());
        let only = all.next()?;
        all.next().is_none().then_some(only)
    }

    /// The variant of an enum that is far larger than all others.
    pub fn outlier(&self, name: &str) -> Option<Outlier> {
        let known = self.known(name)?;
        let sizes = self.sizes(known)?;
        let index = (0..sizes.len()).max_by_key(|i| sizes[*i])?;
        let next = sizes.iter().enumerate().filter(|(i, _)| *i != index).map(|(_, bytes)| *bytes).max()?;
        let name = known.declared.names.get(index).cloned()?;
        let is_outlier = sizes[index] >= LARGE && sizes[index] >= next.max(1) * 4;
        is_outlier.then(|| Outlier { name, bytes: sizes[index], next, others: sizes.len() - 1 })
    }

    /// Bytes that a value holds at least; 0 where nothing is known.
    pub fn least(&self, ty: &str) -> u64 {
        syn::parse_str(ty).map_or(0, |ty| self.bytes(&ty, 0).0)
    }

    /// True for primitives, declared `Copy` types, arrays of them and aliases of those.
    pub fn is_copy(&self, ty: &str) -> bool {
        syn::parse_str(ty).is_ok_and(|ty| self.copies(&ty, 0))
    }

    fn copies(&self, ty: &syn::Type, depth: u32) -> bool {
        match ty {
            syn::Type::Array(a) => self.copies(&a.elem, depth),
            syn::Type::Path(_) if super::types::is_primitive(ty) => true,
            syn::Type::Path(_) => self.known(&head(ty)).is_some_and(|known| {
                let meant = || known.variants().first()?.first()?.as_ref();
                let stands_for = |ty| self.copies(ty, depth + 1);
                let declared = known.declared;
                declared.is_copy || (declared.is_alias && depth < DEPTH && meant().is_some_and(stands_for))
            }),
            _ => false,
        }
    }

    /// As [`Bulk::least`], where every part of the type is known.
    pub fn whole(&self, ty: &str) -> Option<u64> {
        let (bytes, is_whole) = self.bytes(&syn::parse_str(ty).ok()?, 0);
        is_whole.then_some(bytes)
    }

    fn bytes(&self, ty: &syn::Type, depth: u32) -> (u64, bool) {
        match ty {
            syn::Type::Paren(p) => self.bytes(&p.elem, depth),
            syn::Type::Tuple(t) => self.sum(t.elems.iter(), depth),
            syn::Type::Array(a) => {
                let (bytes, is_whole) = self.bytes(&a.elem, depth);
                match &a.len {
                    syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(n), .. }) => {
                        (n.base10_parse::<u64>().map_or(0, |n| n.saturating_mul(bytes)), is_whole)
                    }
                    _ => (0, false),
                }
            }
            syn::Type::Reference(r) => (if is_wide(&r.elem) { 16 } else { 8 }, true),
            syn::Type::Path(_) => self.path(ty, depth),
            _ => (0, false),
        }
    }

    fn sum<'t>(&self, types: impl Iterator<Item = &'t syn::Type>, depth: u32) -> (u64, bool) {
        types
            .map(|ty| self.bytes(ty, depth))
            .fold((0, true), |(sum, all), (bytes, is_whole)| (sum + bytes, all && is_whole))
    }

    fn path(&self, ty: &syn::Type, depth: u32) -> (u64, bool) {
        let (name, arguments) = (head(ty), type_arguments(ty));
        if let Some(bytes) = of_std(&name) {
            return (bytes, true);
        }
        match (name.as_str(), arguments.as_slice()) {
            ("Box" | "Rc" | "Arc", [inner]) => (if is_wide(inner) { 16 } else { 8 }, true),
            ("Option", [inner]) => self.bytes(inner, depth),
            (_, []) if depth < DEPTH => match self.known(&name) {
                Some(known) => self.declared(known, depth + 1),
                None => (0, false),
            },
            _ => (0, false),
        }
    }

    /// A struct holds all of its fields, an enum those of its largest variant.
    fn declared(&self, known: &Known, depth: u32) -> (u64, bool) {
        let sizes = known.variants().iter().map(|fields| self.fields(fields, depth));
        sizes.fold((0, true), |(most, all), (bytes, is_whole)| (most.max(bytes), all && is_whole))
    }

    fn fields(&self, fields: &[Option<syn::Type>], depth: u32) -> (u64, bool) {
        let (bytes, is_whole) = self.sum(fields.iter().flatten(), depth);
        (bytes, is_whole && fields.iter().all(Option::is_some))
    }

    /// Bytes of each variant of an enum, where all parts of all variants are known.
    fn sizes(&self, known: &Known) -> Option<Vec<u64>> {
        let whole = |fields: &Vec<_>| Some(self.fields(fields, 1)).filter(|(_, is_whole)| *is_whole);
        known.variants().iter().map(|fields| Some(whole(fields)?.0)).collect()
    }
}

fn is_wide(ty: &syn::Type) -> bool {
    matches!(ty, syn::Type::Slice(_) | syn::Type::TraitObject(_)) || head(ty) == "str"
}

/// True for primitives and types of std of a known size, all of which are small.
pub fn is_small(name: &str) -> bool {
    of_std(name).is_some()
}

/// Sizes of primitives and of types of std that have had one size for years.
fn of_std(name: &str) -> Option<u64> {
    Some(match name {
        "bool" | "u8" | "i8" | "AtomicBool" | "AtomicU8" => 1,
        "u16" | "i16" | "AtomicU16" => 2,
        "u32" | "i32" | "f32" | "char" | "AtomicU32" => 4,
        "u64" | "i64" | "f64" | "usize" | "isize" | "AtomicU64" | "AtomicUsize" | "AtomicI64" => 8,
        "u128" | "i128" | "Duration" | "Instant" | "SystemTime" => 16,
        "String" | "Vec" | "PathBuf" | "OsString" | "BTreeMap" | "BTreeSet" | "BinaryHeap" => 24,
        "VecDeque" => 32,
        "HashMap" | "HashSet" => 48,
        _ => return None,
    })
}

/// True if the type of a field is `Vec<Box<T>>`, and what `T` is.
pub fn boxed_element(ty: &syn::Type) -> Option<&syn::Type> {
    let argument = |ty: &'_ syn::Type, name: &str| head(ty) == name && type_arguments(ty).len() == 1;
    let boxed = argument(ty, "Vec").then(|| type_arguments(ty)[0])?;
    let inner = argument(boxed, "Box").then(|| type_arguments(boxed)[0])?;
    if let syn::Type::Tuple(parts) = inner {
        return (!parts.elems.is_empty()).then_some(inner);
    }
    let syn::Type::Path(path) = inner else { return None };
    let is_bare = path.path.segments.iter().all(|s| matches!(s.arguments, syn::PathArguments::None));
    (is_bare && path.qself.is_none() && !shapes::ends_with(&path.path, &["str"])).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileRole;

    const CODE: &str = "
        #[derive(Clone, Copy)] struct Grid { cells: [[u32; 8]; 8], at: (u8, u16), end: Option<u64> }
        struct Holder { grid: Grid, name: String, other: Foreign }
        enum Event { Small(u8), Large(Grid), Named { grid: Holder } }
        struct Generic<T> { a: [u8; 900], t: T }
        struct Again { next: Box<Again>, key: [u8; N] }
    ";

    #[test]
    fn types_hold_at_least_the_sum_of_their_parts() {
        let file = SourceFile::parse("a.rs", CODE, &FileRole::default()).unwrap();
        let bulk = Bulk::of(declared(&file));
        assert_eq!((bulk.least("Grid"), bulk.whole("Grid")), (256 + 3 + 8, Some(267)));
        assert_eq!((bulk.least("Holder"), bulk.whole("Holder")), (267 + 24, None));
        assert_eq!(bulk.least("Event"), 291);
        assert_eq!((bulk.least("Generic"), bulk.least("Again"), bulk.least("&str")), (0, 8, 16));
        assert!(bulk.declaration("Grid").unwrap().is_copy && !bulk.declaration("Holder").unwrap().is_copy);
        assert_eq!(bulk.sizes(bulk.known("Event").unwrap()), None);
    }

    #[test]
    fn a_name_of_two_types_is_not_known() {
        let file =
            SourceFile::parse("a.rs", "mod a { struct S([u8; 9]); } mod b { struct S(u8); }", &FileRole::default());
        assert_eq!(Bulk::of(declared(&file.unwrap())).least("S"), 0);
    }

    #[test]
    fn vectors_of_boxes_of_plain_types_are_told_from_others() {
        let inner = |ty: &str| boxed_element(&syn::parse_str(ty).unwrap()).map(|t| quote::quote!(#t).to_string());
        assert_eq!(inner("Vec<Box<Order>>").as_deref(), Some("Order"));
        for ty in [
            "Vec<Order>",
            "Box<Vec<Order>>",
            "Vec<Box<dyn Fn()>>",
            "Vec<Box<str>>",
            "Vec<Box<[u8]>>",
            "Vec<Box<A<u8>>>",
        ] {
            assert_eq!(inner(ty), None, "{ty}");
        }
    }
}
