//! A type as it stands in a file in; how values of it are made, as the name of a type that makes them, out.

use std::collections::{BTreeMap, BTreeSet};

use super::catalogue::{Catalogue, Named, Place};
use super::own::{self, Own};
use crate::source::functions::type_arguments;
use crate::verify::change::Passing;
use crate::verify::purity::Effects;

/// How values of one type are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Recipe {
    /// The type that makes them.
    pub text: String,
    /// The workspace's own types, by number, without a value of which there is none of this one.
    pub needs: BTreeSet<usize>,
}

impl Recipe {
    /// One that needs no other.
    pub(super) fn plain(text: &str) -> Recipe {
        Recipe { text: text.to_owned(), needs: BTreeSet::new() }
    }

    /// That of `String`.
    pub(super) fn text() -> Recipe {
        Recipe::plain("::std::string::String")
    }

    /// Of a collection, which may be empty.
    pub(super) fn list(of: &str, one: &Recipe) -> Recipe {
        Recipe::plain(&format!("{of}<{}>", one.text))
    }

    /// The type of the values.
    pub(super) fn value(&self) -> String {
        format!("<{} as made::Make>::Value", self.text)
    }
}

/// What names mean where a type stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    /// The number of the file.
    pub file: usize,
    /// `Self` and type parameters.
    pub types: BTreeMap<String, Recipe>,
    /// Const parameters.
    pub consts: BTreeMap<String, String>,
    /// Why there is no `Self`, where there should be one.
    pub missing: Option<String>,
}

impl Scope {
    /// Outside of any item of the file.
    pub(super) fn of(file: usize) -> Scope {
        Scope { file, ..Scope::default() }
    }
}

/// How an argument is made and given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Making {
    /// Makes the value.
    pub recipe: Recipe,
    /// Before and after the value's name in the call.
    pub around: (&'static str, &'static str),
    /// How it is given a second time.
    pub passing: Passing,
}

/// How long what is lent to a function lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lending {
    /// As long as its call.
    ForTheCall,
    /// To the end of the process: what is made of it may keep it.
    ForEver,
}

/// The recipes of one function's arguments.
pub(super) struct Recipes<'c> {
    catalogue: &'c Catalogue,
    /// The file in which the tests stand.
    home: usize,
    /// Which functions have effects: those make no values.
    pub(super) effects: &'c Effects,
    /// The workspace's own types so far.
    pub(super) own: Vec<Own>,
    known: BTreeMap<String, usize>,
    refused: BTreeMap<String, String>,
}

impl<'c> Recipes<'c> {
    pub(super) fn new(catalogue: &'c Catalogue, home: usize, effects: &'c Effects) -> Recipes<'c> {
        let (known, refused) = Default::default();
        Recipes { catalogue, home, effects, own: Vec::new(), known, refused }
    }

    pub(super) fn catalogue(&self) -> &'c Catalogue {
        self.catalogue
    }

    /// How an argument of this type is made and given.
    ///
    /// # Errors
    /// Why no value of it can be made.
    pub(super) fn argument(&mut self, ty: &syn::Type, scope: &Scope, lending: Lending) -> Result<Making, String> {
        let shared = |recipe, around| Making { recipe, around, passing: Passing::AsItIs };
        match ty {
            syn::Type::Reference(r) if r.mutability.is_some() => {
                if lending == Lending::ForEver {
                    return Err(String::from("a mutable reference would have to be lent for ever"));
                }
                let (recipe, around, passing) = match &*r.elem {
                    syn::Type::Slice(s) => {
                        let one = self.recipe(&s.elem, scope)?;
                        (Recipe::list("::std::vec::Vec", &one), ("&mut ", "[..]"), Passing::ChangedSlice)
                    }
                    syn::Type::Path(p) if p.path.is_ident("str") => {
                        return Err(String::from("text can be changed in place in unsafe code alone"));
                    }
                    other => (self.recipe(other, scope)?, ("&mut ", ""), Passing::Changed),
                };
                Ok(Making { recipe, around, passing })
            }
            syn::Type::Reference(r) if lending == Lending::ForTheCall => Ok(match &*r.elem {
                syn::Type::Path(p) if p.path.is_ident("str") => shared(Recipe::text(), ("&", "[..]")),
                syn::Type::Slice(s) => {
                    let one = self.recipe(&s.elem, scope)?;
                    shared(Recipe::list("::std::vec::Vec", &one), ("&", "[..]"))
                }
                syn::Type::Path(p) if is_named(p, "Path") => shared(Recipe::plain("made::File"), ("", ".as_path()")),
                other => shared(self.recipe(other, scope)?, ("&", "")),
            }),
            syn::Type::Path(p) if lending == Lending::ForTheCall && is_named(p, "Option") => {
                match type_arguments(ty)[..] {
                    [syn::Type::Reference(r)] if is_str(&r.elem) => {
                        let list = Recipe::list("::std::option::Option", &Recipe::text());
                        Ok(shared(list, ("", ".as_deref()")))
                    }
                    _ => self.by_value(ty, scope),
                }
            }
            _ => self.by_value(ty, scope),
        }
    }

    fn by_value(&mut self, ty: &syn::Type, scope: &Scope) -> Result<Making, String> {
        let recipe = self.recipe(ty, scope)?;
        let is_plain = recipe.text.starts_with("::std::primitive::") || matches!(ty, syn::Type::Reference(_));
        let passing = if is_plain { Passing::AsItIs } else { Passing::Value };
        Ok(Making { recipe, around: ("", ""), passing })
    }

    /// How values of a type are made.
    ///
    /// # Errors
    /// Why none can be.
    pub(super) fn recipe(&mut self, ty: &syn::Type, scope: &Scope) -> Result<Recipe, String> {
        match ty {
            syn::Type::Paren(inner) => self.recipe(&inner.elem, scope),
            syn::Type::Group(inner) => self.recipe(&inner.elem, scope),
            syn::Type::Tuple(t) if t.elems.is_empty() => Ok(Recipe::plain("()")),
            syn::Type::Tuple(t) if t.elems.len() <= 6 => {
                let all = t.elems.iter().map(|e| self.recipe(e, scope)).collect::<Result<Vec<_>, _>>()?;
                Ok(joined("(", &all, ",)"))
            }
            syn::Type::Array(a) => {
                let one = self.recipe(&a.elem, scope)?;
                let length = match &a.len {
                    syn::Expr::Lit(lit) => own::tokens(lit),
                    syn::Expr::Path(p) => match p.path.get_ident().and_then(|i| scope.consts.get(&i.to_string())) {
                        Some(n) => n.clone(),
                        None => return Err(String::from("the length of an array is not written out")),
                    },
                    _ => return Err(String::from("the length of an array is not written out")),
                };
                Ok(Recipe { text: format!("[{}; {length}]", one.text), needs: one.needs })
            }
            syn::Type::Reference(r) if r.mutability.is_none() => match &*r.elem {
                syn::Type::Path(p) if p.path.is_ident("str") => Ok(Recipe::plain("made::Text")),
                syn::Type::Slice(s) => Ok(Recipe::list("made::Slice", &self.recipe(&s.elem, scope)?)),
                other => Ok(joined("made::Lent<", &[self.recipe(other, scope)?], ">")),
            },
            syn::Type::ImplTrait(i) => self.satisfying(&i.bounds.iter().cloned().collect::<Vec<_>>(), scope),
            syn::Type::TraitObject(_) => match trait_of(ty) {
                Some(name) if self.catalogue.has_trait(&name) => self.implementor(&name),
                _ => Err(String::from("it is a trait object of a trait that the workspace does not define")),
            },
            syn::Type::Path(p) if p.qself.is_none() => self.by_path(p, ty, scope),
            _ => Err(format!("values of `{}` are not made", own::tokens(ty))),
        }
    }

    fn by_path(&mut self, path: &syn::TypePath, ty: &syn::Type, scope: &Scope) -> Result<Recipe, String> {
        if let Some(known) = path.path.get_ident().and_then(|i| scope.types.get(&i.to_string())) {
            return Ok(known.clone());
        }
        if path.path.segments.len() > 1 && scope.types.contains_key(&path.path.segments[0].ident.to_string()) {
            return Err(format!("which type `{}` is is not known here", own::tokens(ty)));
        }
        match self.catalogue.named(&path.path, scope.file) {
            Named::Std(name) => self.of_std(&name, &type_arguments(ty), scope),
            Named::Own(place) => {
                let args = type_arguments(ty).iter().map(|t| self.recipe(t, scope)).collect::<Result<Vec<_>, _>>()?;
                self.of_workspace(place, &args)
            }
            Named::Unknown(why) => Err(why),
        }
    }

    fn of_std(&mut self, name: &str, args: &[&syn::Type], scope: &Scope) -> Result<Recipe, String> {
        const SCALARS: &[&str] = &[
            "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64",
            "bool", "char",
        ];
        if SCALARS.contains(&name) {
            return Ok(Recipe::plain(&format!("::std::primitive::{name}")));
        }
        let unsized_in = |of: &syn::Type| matches!(of, syn::Type::Slice(_)) || is_str(of);
        if let ([one], true) = (args, args.first().is_some_and(|a| unsized_in(a))) {
            return self.of_unsized(name, one, scope);
        }
        let all = args.iter().map(|t| self.recipe(t, scope)).collect::<Result<Vec<_>, _>>()?;
        let gathered = |ty: &str, of: String| {
            let values = all.iter().map(Recipe::value).collect::<Vec<_>>().join(", ");
            Recipe::plain(&format!("made::Gathered<::std::collections::{ty}<{values}>, {of}>"))
        };
        Ok(match (name, &all[..]) {
            ("String", []) => Recipe::text(),
            ("PathBuf", []) => Recipe::plain("made::File"),
            ("Duration", []) => Recipe::plain("::std::time::Duration"),
            ("Ordering", []) => Recipe::plain("::std::cmp::Ordering"),
            ("Vec", [one]) => Recipe::list("::std::vec::Vec", one),
            ("Option", [one]) => Recipe::list("::std::option::Option", one),
            ("VecDeque" | "BinaryHeap" | "BTreeSet" | "HashSet" | "LinkedList", [one]) => {
                gathered(name, one.text.clone())
            }
            ("BTreeMap" | "HashMap", [key, value]) => gathered(name, format!("({}, {})", key.text, value.text)),
            ("Box", [_]) => joined("made::Boxed<", &all, ">"),
            ("Rc", [_]) => joined("made::Counted<", &all, ">"),
            ("Arc", [_]) => joined("made::Shared<", &all, ">"),
            ("Reverse", [_]) => joined("made::Reversed<", &all, ">"),
            ("Range", [_]) => joined("::std::ops::Range<", &all, ">"),
            ("Result", [_, _]) => joined("::std::result::Result<", &all, ">"),
            _ => return Err(format!("values of std's `{name}` are not made")),
        })
    }

    fn of_unsized(&mut self, name: &str, of: &syn::Type, scope: &Scope) -> Result<Recipe, String> {
        if let syn::Type::Slice(slice) = of {
            let one = self.recipe(&slice.elem, scope)?;
            return match name {
                "Box" => Ok(Recipe::list("made::BoxedSlice", &one)),
                "Arc" => Ok(Recipe::list("made::SharedSlice", &one)),
                _ => Err(format!("values of std's `{name}` of a slice are not made")),
            };
        }
        match name {
            "Box" => Ok(Recipe::plain("made::BoxedText")),
            "Rc" => Ok(Recipe::plain("made::CountedText")),
            "Arc" => Ok(Recipe::plain("made::SharedText")),
            "Cow" => Ok(Recipe::plain("made::CowText")),
            _ => Err(format!("values of std's `{name}<str>` are not made")),
        }
    }

    /// How values of one of the workspace's own types are made.
    pub(super) fn of_workspace(&mut self, place: Place, args: &[Recipe]) -> Result<Recipe, String> {
        if let syn::Item::Type(alias) = self.catalogue.item(place) {
            let scope = scope_of(place.file, &alias.generics, args);
            return self.recipe(&alias.ty, &scope);
        }
        let name = own::name_of(self.catalogue.item(place));
        let key = format!("{place:?} {name}<{}>", args.iter().map(|a| a.text.as_str()).collect::<Vec<_>>().join(", "));
        if let Some(why) = self.refused.get(&key) {
            return Err(why.clone());
        }
        let number = match self.known.get(&key) {
            Some(number) => *number,
            None => {
                let number = self.own.len();
                self.known.insert(key.clone(), number);
                self.own.push(Own::default());
                match self.ways(place, &name, args, number) {
                    Ok(found) => self.own[number] = found,
                    Err(why) => {
                        self.own.truncate(number);
                        self.known.retain(|_, n| *n < number);
                        self.refused.insert(key, why.clone());
                        return Err(why);
                    }
                }
                number
            }
        };
        Ok(Recipe { text: format!("__Made{number}"), needs: BTreeSet::from([number]) })
    }

    /// How a type of the workspace is written where the tests stand.
    pub(super) fn written(&self, place: Place, name: &str) -> String {
        self.catalogue.path(place, name, self.home)
    }

    /// True if private items of a file are seen where the tests stand.
    pub(super) fn is_home(&self, file: usize) -> bool {
        self.home == file
    }
}

/// What the parameters of an item mean, given the arguments of its type.
pub(super) fn scope_of(file: usize, generics: &syn::Generics, args: &[Recipe]) -> Scope {
    let names = generics.type_params().map(|p| p.ident.to_string());
    Scope { file, types: names.zip(args.iter().cloned()).collect(), ..Scope::default() }
}

fn joined(open: &str, all: &[Recipe], close: &str) -> Recipe {
    let text = all.iter().map(|r| r.text.as_str()).collect::<Vec<_>>().join(", ");
    Recipe { text: format!("{open}{text}{close}"), needs: all.iter().flat_map(|r| r.needs.clone()).collect() }
}

fn is_str(ty: &syn::Type) -> bool {
    matches!(ty, syn::Type::Path(p) if p.path.is_ident("str"))
}

fn is_named(path: &syn::TypePath, name: &str) -> bool {
    path.path.segments.last().is_some_and(|s| s.ident == name)
}

fn trait_of(ty: &syn::Type) -> Option<String> {
    let syn::Type::TraitObject(object) = ty else { return None };
    object.bounds.iter().find_map(|b| match b {
        syn::TypeParamBound::Trait(b) => b.path.segments.last().map(|s| s.ident.to_string()),
        _ => None,
    })
}
