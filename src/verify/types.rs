//! A type as rustc prints it and a question in, yes or no out: shapes, plain data, and `Hash` that agrees with `Eq`.

use std::collections::{BTreeMap, BTreeSet};

use syn::{GenericArgument, PathArguments, Type};

use crate::model::ProbeQuestion;

const PRIMITIVES: &[&str] =
    &["u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "bool", "char"];
/// Types of std that hold nothing but their own bytes.
const PLAIN: &[&str] = &[
    "String",
    "str",
    "f32",
    "f64",
    "PathBuf",
    "Path",
    "OsString",
    "OsStr",
    "Duration",
    "Instant",
    "SystemTime",
    "CString",
];
/// Collections of std whose clone is that of their elements.
const PLAIN_OF: &[&str] =
    &["Vec", "VecDeque", "Option", "Box", "HashMap", "HashSet", "BTreeMap", "BTreeSet", "Result", "BinaryHeap", "Cow"];
/// Types of std whose `Hash` agrees with their `Eq`, given their elements' does.
const AGREEING: &[&str] =
    &["String", "str", "Duration", "Instant", "SystemTime", "PathBuf", "OsString", "OsStr", "Path"];
const AGREEING_OF: &[&str] = &["Vec", "VecDeque", "Option", "Box", "BTreeMap", "BTreeSet", "Rc", "Arc"];

/// What is known of the workspace's own types, by name. A name that two types share is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownTypes {
    plain: BTreeSet<String>,
    agreeing: BTreeSet<String>,
}

impl KnownTypes {
    /// Reads the definitions of all files; what does not parse is left out.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> KnownTypes {
        let mut definitions = BTreeMap::new();
        for text in texts {
            let Ok(file) = syn::parse_file(text) else { continue };
            gather(&file.items, &mut definitions);
        }
        let deriving = |wanted: &[&str]| -> BTreeSet<String> {
            let has = |d: &&Definition| d.copies == 1 && wanted.iter().all(|w| d.derives.iter().any(|x| x == w));
            definitions.values().filter(has).map(|d| d.name.clone()).collect()
        };
        let mut known = KnownTypes { plain: deriving(&["Clone"]), agreeing: deriving(&["PartialEq", "Eq", "Hash"]) };
        // The greatest sets that are closed under their fields: what has a foreign field falls out until nothing does.
        loop {
            let before = known.clone();
            let fits = |name: &String, is: &dyn Fn(&Type) -> bool| definitions[name].fields.iter().all(is);
            known.plain.retain(|name| fits(name, &|t| before.is_plain(t)));
            known.agreeing.retain(|name| fits(name, &|t| before.agrees(t)));
            if known == before {
                return known;
            }
        }
    }

    fn is_plain(&self, ty: &Type) -> bool {
        match ty {
            Type::Reference(r) => r.mutability.is_none(),
            Type::Slice(s) => self.is_plain(&s.elem),
            Type::Array(a) => self.is_plain(&a.elem),
            Type::Tuple(t) => t.elems.iter().all(|e| self.is_plain(e)),
            Type::Paren(p) => self.is_plain(&p.elem),
            Type::Path(_) => {
                let (name, args) = head(ty);
                let leaf = is(PRIMITIVES, &name) || is(PLAIN, &name) || self.plain.contains(&name);
                let with = is(PLAIN_OF, &name) || (args.is_empty() && leaf);
                with && args.iter().all(|a| self.is_plain(a))
            }
            _ => false,
        }
    }

    fn agrees(&self, ty: &Type) -> bool {
        match ty {
            Type::Reference(r) => self.agrees(&r.elem),
            Type::Slice(s) => self.agrees(&s.elem),
            Type::Array(a) => self.agrees(&a.elem),
            Type::Tuple(t) => t.elems.iter().all(|e| self.agrees(e)),
            Type::Paren(p) => self.agrees(&p.elem),
            Type::Path(_) => {
                let (name, args) = head(ty);
                let leaf = is(PRIMITIVES, &name) || is(AGREEING, &name) || self.agreeing.contains(&name);
                let with = is(AGREEING_OF, &name) || (args.is_empty() && leaf);
                with && args.iter().all(|a| self.agrees(a))
            }
            _ => false,
        }
    }
}

/// Answers a question from the printed type (`Vec<api::Item>`); `None` where printing does not tell.
///
/// rustc shortens a path to its last name only if no other type in sight has that name, so that `Vec` is std's.
pub fn answer(question: &ProbeQuestion, printed: &str, known: &KnownTypes) -> Option<bool> {
    let ty: Type = syn::parse_str(&without_braces(printed)).ok()?;
    let bare = stripped(&ty);
    match question {
        ProbeQuestion::IsSequence => Some(element(bare).is_some()),
        ProbeQuestion::ElementHashEq => Some(element(bare).is_some_and(|e| known.agrees(e))),
        ProbeQuestion::HashEq => Some(known.agrees(bare)),
        ProbeQuestion::PlainClone => Some(known.is_plain(bare)),
        ProbeQuestion::IsType(wanted) => Some(is_type(&ty, &syn::parse_str(wanted).ok()?)),
        ProbeQuestion::IsOneOf(wanted) => {
            let wanted: Option<Vec<Type>> = wanted.iter().map(|w| syn::parse_str(w).ok()).collect();
            Some(wanted?.iter().any(|w| is_type(bare, w)))
        }
        ProbeQuestion::Copy | ProbeQuestion::Sync => None,
    }
}

/// rustc prints closures and coroutines in braces, which are no Rust.
fn without_braces(printed: &str) -> String {
    let mut depth = 0;
    let mut out = String::new();
    for c in printed.chars() {
        match c {
            '{' => {
                depth += 1;
                if depth == 1 {
                    out.push_str("__unnamed");
                }
            }
            '}' => depth -= 1,
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

fn stripped(ty: &Type) -> &Type {
    match ty {
        Type::Reference(r) => stripped(&r.elem),
        Type::Paren(p) => stripped(&p.elem),
        Type::Group(g) => stripped(&g.elem),
        other => other,
    }
}

fn element(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Slice(s) => Some(&s.elem),
        Type::Array(a) => Some(&a.elem),
        Type::Path(_) => match (head(ty), first_argument(ty)) {
            ((name, _), Some(element)) if name == "Vec" || name == "VecDeque" => Some(element),
            _ => None,
        },
        _ => None,
    }
}

fn first_argument(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(args) = &path.path.segments.last()?.arguments else { return None };
    args.args.iter().find_map(|a| if let GenericArgument::Type(t) = a { Some(t) } else { None })
}

/// Last name of a path and its type arguments.
fn head(ty: &Type) -> (String, Vec<&Type>) {
    let Type::Path(path) = ty else { return (String::new(), Vec::new()) };
    let Some(last) = path.path.segments.last() else { return (String::new(), Vec::new()) };
    let args = match &last.arguments {
        PathArguments::AngleBracketed(args) => {
            args.args.iter().filter_map(|a| if let GenericArgument::Type(t) = a { Some(t) } else { None }).collect()
        }
        _ => Vec::new(),
    };
    (last.ident.to_string(), args)
}

fn is(list: &[&str], name: &str) -> bool {
    list.contains(&name)
}

/// The printed path may be shorter than the wanted one; `_` in the wanted one stands for anything.
fn is_type(printed: &Type, wanted: &Type) -> bool {
    match (printed, wanted) {
        (_, Type::Infer(_)) => true,
        (Type::Paren(p), w) => is_type(&p.elem, w),
        (Type::Reference(p), Type::Reference(w)) => {
            p.mutability.is_some() == w.mutability.is_some() && is_type(&p.elem, &w.elem)
        }
        (Type::Slice(p), Type::Slice(w)) => is_type(&p.elem, &w.elem),
        (Type::Array(p), Type::Array(w)) => is_type(&p.elem, &w.elem),
        (Type::Tuple(p), Type::Tuple(w)) => {
            p.elems.len() == w.elems.len() && p.elems.iter().zip(&w.elems).all(|(p, w)| is_type(p, w))
        }
        (Type::Path(p), Type::Path(w)) => {
            let names =
                |path: &syn::Path| -> Vec<String> { path.segments.iter().map(|s| s.ident.to_string()).collect() };
            let (short, long) = (names(&p.path), names(&w.path));
            let ((_, given), (_, asked)) = (head(printed), head(wanted));
            let ends = long.ends_with(&short) || short.ends_with(&long);
            ends && (asked.is_empty()
                || (given.len() >= asked.len() && asked.iter().zip(&given).all(|(w, p)| is_type(p, w))))
        }
        _ => false,
    }
}

#[derive(Default)]
struct Definition {
    name: String,
    derives: Vec<String>,
    fields: Vec<Type>,
    copies: usize,
}

fn gather(items: &[syn::Item], into: &mut BTreeMap<String, Definition>) {
    for item in items {
        let (ident, attrs, fields) = match item {
            syn::Item::Struct(s) => (&s.ident, &s.attrs, types(&s.fields)),
            syn::Item::Enum(e) => (&e.ident, &e.attrs, e.variants.iter().flat_map(|v| types(&v.fields)).collect()),
            syn::Item::Mod(m) => {
                if let Some((_, inner)) = &m.content {
                    gather(inner, into);
                }
                continue;
            }
            _ => continue,
        };
        let definition = into.entry(ident.to_string()).or_default();
        definition.name = ident.to_string();
        definition.copies += 1;
        definition.derives = derives(attrs);
        definition.fields = fields;
    }
}

fn types(fields: &syn::Fields) -> Vec<Type> {
    fields.iter().map(|f| f.ty.clone()).collect()
}

fn derives(attrs: &[syn::Attribute]) -> Vec<String> {
    let mut found = Vec::new();
    for attr in attrs.iter().filter(|a| a.path().is_ident("derive")) {
        let _ = attr.parse_nested_meta(|meta| {
            found.extend(meta.path.segments.last().map(|s| s.ident.to_string()));
            Ok(())
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "
        #[derive(Clone, PartialEq, Eq, Hash)] pub struct Key { a: String, b: (u8, Option<char>) }
        #[derive(Clone, PartialEq)] pub struct Price { value: f64, key: Key }
        #[derive(Clone)] pub struct Shared { inner: Arc<u8> }
        #[derive(Clone)] pub struct Holder { shared: Shared }
        #[derive(PartialEq, Eq, Hash)] pub struct Part(Price);
        pub struct Manual(u8); impl Clone for Manual { fn clone(&self) -> Self { Manual(0) } }
        mod a { #[derive(Clone)] pub struct Twice(u8); } mod b { #[derive(Clone)] pub struct Twice(u8); }
        #[derive(Clone)] pub enum Tree { Leaf, Node(Vec<Tree>) }
    ";

    #[track_caller]
    fn check(question: ProbeQuestion, yes: &[&str], no: &[&str]) {
        let known = KnownTypes::of([CODE]);
        for printed in yes {
            assert_eq!(answer(&question, printed, &known), Some(true), "{printed}");
        }
        for printed in no {
            assert_ne!(answer(&question, printed, &known), Some(true), "{printed}");
        }
    }

    #[test]
    fn sequences_are_those_of_std_behind_any_references() {
        check(
            ProbeQuestion::IsSequence,
            &["Vec<String>", "&&'a mut [u8]", "[u8; 4]", "&VecDeque<{closure@src/a.rs:1:2: 1:4}>"],
            &["String", "HashSet<u8>", "SmallVec<u8>", "T", "Box<[u8]>", "Vec"],
        );
    }

    #[test]
    fn hash_agrees_with_eq_for_what_derives_both_and_never_for_floats() {
        check(
            ProbeQuestion::ElementHashEq,
            &["Vec<String>", "&[(u8, &str)]", "Vec<api::Key>", "Vec<Option<Key>>"],
            &["Vec<f64>", "Vec<Price>", "Vec<Part>", "Vec<T>", "Vec<(u8, f32)>", "String"],
        );
        check(ProbeQuestion::HashEq, &["&&String", "Key"], &["f32", "Price", "Unknown", "dyn Any"]);
    }

    #[test]
    fn plain_clones_are_derived_over_plain_data() {
        check(
            ProbeQuestion::PlainClone,
            &["String", "Vec<Price>", "HashMap<String, Key>", "Tree", "&[Key]"],
            &["Shared", "Holder", "Manual", "a::Twice", "Arc<str>", "Sender<u8>"],
        );
    }

    #[test]
    fn one_of_several_types_is_looked_for_behind_references() {
        let maps = ["std::collections::HashMap<_, _>", "std::collections::BTreeMap<_, _>"].map(String::from);
        check(
            ProbeQuestion::IsOneOf(maps.to_vec()),
            &["HashMap<u8, String>", "&mut BTreeMap<Key, u8>", "&&HashMap<u8, u8, FxBuildHasher>"],
            &["hashbrown::HashMap<u8, u8>", "Registry", "Option<HashMap<u8, u8>>", "HashSet<u8>"],
        );
        let sequences = ["std::vec::Vec<_>", "[_]", "[_; 0]"].map(String::from);
        check(ProbeQuestion::IsOneOf(sequences.to_vec()), &["Vec<u8>", "&[u8]", "[String; 4]"], &["String"]);
    }

    #[test]
    fn a_type_is_compared_by_what_rustc_shortened() {
        let string = ProbeQuestion::IsType("std::string::String".into());
        check(string, &["String", "std::string::String"], &["&String", "mine::String", "str"]);
        let guard = ProbeQuestion::IsType("std::sync::Mutex<_>".into());
        check(guard, &["Mutex<u8>", "std::sync::Mutex<Vec<u8>>"], &["tokio::sync::Mutex<u8>", "RwLock<u8>", "Mutex"]);
    }
}
