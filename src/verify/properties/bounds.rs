//! The bounds of a type parameter in; a type that satisfies them, by how its values are made, out.

use super::recipes::{Recipe, Recipes, Scope};

/// What the types that stand for a parameter can do, besides what needs no more than their size: all of them, those that
/// are equal to themselves, those that can be computed with, and those that are made of bits.
const ANY: &[&str] =
    &["Clone", "Debug", "Default", "Display", "FromStr", "PartialEq", "PartialOrd", "ToOwned", "ToString"];
const TOTAL: &[&str] = &["Eq", "Hash", "Ord"];
const COMPUTED: &[&str] = &[
    "Copy",
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Rem",
    "Neg",
    "AddAssign",
    "SubAssign",
    "MulAssign",
    "DivAssign",
    "RemAssign",
    "Sum",
    "Product",
];
const BITS: &[&str] = &["Not", "BitAnd", "BitOr", "BitXor", "Shl", "Shr"];
const NUMBER: &[&[&str]] = &[ANY, TOTAL, COMPUTED, BITS];
const FLOAT: &[&[&str]] = &[ANY, COMPUTED];
const TEXT: &[&[&str]] = &[ANY, TOTAL];
/// What every type here is, or what asks for nothing.
const FREE: &[&str] = &["Sized", "Send", "Sync", "Unpin", "Any", "UnwindSafe", "RefUnwindSafe"];

impl Recipes<'_> {
    /// Gives each type and const parameter that has no type yet one that satisfies its bounds.
    ///
    /// # Errors
    /// A parameter for which no type is known, with its bound.
    pub(super) fn instantiate(&mut self, generics: &syn::Generics, scope: &mut Scope) -> Result<(), String> {
        for param in generics.const_params() {
            let value = match &param.ty {
                syn::Type::Path(p) if p.path.is_ident("bool") => "true",
                syn::Type::Path(p) if p.path.is_ident("char") => "'a'",
                _ => "3",
            };
            scope.consts.insert(param.ident.to_string(), String::from(value));
        }
        let open = |scope: &Scope| -> Vec<syn::TypeParam> {
            generics.type_params().filter(|p| !scope.types.contains_key(&p.ident.to_string())).cloned().collect()
        };
        // A bound may name a parameter that comes later: `I: Iterator<Item = T>, T: Ord`.
        for is_last in [false, true] {
            for param in open(scope) {
                let bounds = bounds_of(generics, &param);
                match self.satisfying(&bounds, scope) {
                    Ok(recipe) => drop(scope.types.insert(param.ident.to_string(), recipe)),
                    Err(why) if is_last => {
                        return Err(format!("no type can be taken for its type parameter `{}`: {why}", param.ident));
                    }
                    Err(_) => {}
                }
            }
        }
        Ok(())
    }

    /// A type that satisfies all bounds.
    pub(super) fn satisfying(&mut self, bounds: &[syn::TypeParamBound], scope: &Scope) -> Result<Recipe, String> {
        let mut plain: Vec<String> = Vec::new();
        let mut special: Option<Recipe> = None;
        for bound in bounds {
            let syn::TypeParamBound::Trait(bound) = bound else { continue };
            let Some(last) = bound.path.segments.last() else { continue };
            let name = last.ident.to_string();
            if bound.maybe.is_some() || FREE.contains(&name.as_str()) {
                continue;
            }
            match self.by_arguments(&name, last, scope)? {
                Some(recipe) => special = Some(recipe),
                None => plain.push(name),
            }
        }
        if let Some(recipe) = special {
            return Ok(recipe);
        }
        self.by_names(&plain)
    }

    /// The type that a bound with types in it asks for: `String` of `Into<String>`, `Vec<T>` of `IntoIterator<Item = T>`.
    fn by_arguments(
        &mut self,
        name: &str,
        segment: &syn::PathSegment,
        scope: &Scope,
    ) -> Result<Option<Recipe>, String> {
        if name.starts_with("Fn") || name.starts_with("AsyncFn") {
            return Err(format!("it is a closure (`{name}`), whose effects are not known"));
        }
        let syn::PathArguments::AngleBracketed(args) = &segment.arguments else { return Ok(None) };
        let ty = args.args.iter().find_map(|a| match a {
            syn::GenericArgument::Type(ty) => Some(ty),
            _ => None,
        });
        let item = args.args.iter().find_map(|a| match a {
            syn::GenericArgument::AssocType(a) if a.ident == "Item" => Some(&a.ty),
            _ => None,
        });
        match (name, ty, item) {
            ("Into" | "TryInto" | "Borrow", Some(ty), _) => self.recipe(ty, scope).map(Some),
            ("AsRef", Some(syn::Type::Slice(s)), _) => {
                self.recipe(&s.elem, scope).map(|one| Some(Recipe::list("::std::vec::Vec", &one)))
            }
            ("AsRef", Some(syn::Type::Path(p)), _) if ["str", "Path", "OsStr"].iter().any(|n| p.path.is_ident(n)) => {
                Ok(Some(Recipe::text()))
            }
            ("IntoIterator", _, Some(item)) => {
                self.recipe(item, scope).map(|one| Some(Recipe::list("::std::vec::Vec", &one)))
            }
            ("Iterator" | "DoubleEndedIterator" | "ExactSizeIterator", _, Some(item)) => {
                self.recipe(item, scope).map(|one| Some(Recipe::list("made::Items", &one)))
            }
            _ => Ok(None),
        }
    }

    fn by_names(&mut self, names: &[String]) -> Result<Recipe, String> {
        if let Some(own) = names.iter().find(|n| self.catalogue().has_trait(n)) {
            return self.implementor(own);
        }
        let has = |wanted: &[&str]| names.iter().any(|n| wanted.contains(&n.as_str()));
        let number = (NUMBER, "::std::primitive::i64");
        let float = (FLOAT, "::std::primitive::f64");
        let text = (TEXT, "::std::string::String");
        // Whoever asks for a partial order alone may be given floats, of which one is not even equal to itself.
        let is_partial = has(&["PartialOrd", "PartialEq"]) && !has(&["Ord", "Eq", "Hash"]);
        let order = if is_partial { [float, number, text] } else { [number, text, float] };
        let fits = |can: &[&[&str]]| names.iter().all(|n| can.iter().any(|list| list.contains(&n.as_str())));
        match order.iter().find(|(can, _)| fits(can)) {
            Some((_, ty)) => Ok(Recipe::plain(ty)),
            None => Err(format!("no type is known here that is `{}`", names.join(" + "))),
        }
    }

    /// The first type of the workspace with a trait of it of which values can be made.
    pub(super) fn implementor(&mut self, name: &str) -> Result<Recipe, String> {
        let found: Vec<(usize, syn::Type)> =
            self.catalogue().implementors(name).into_iter().map(|(file, ty)| (file, ty.clone())).collect();
        let mut why = format!("no type of the workspace is seen to have its trait `{name}`");
        for (file, ty) in found {
            match self.recipe(&ty, &Scope::of(file)) {
                Ok(recipe) => return Ok(recipe),
                Err(said) => why = said,
            }
        }
        Err(why)
    }
}

fn bounds_of(generics: &syn::Generics, param: &syn::TypeParam) -> Vec<syn::TypeParamBound> {
    let mut bounds: Vec<syn::TypeParamBound> = param.bounds.iter().cloned().collect();
    for predicate in generics.where_clause.iter().flat_map(|w| &w.predicates) {
        if let syn::WherePredicate::Type(predicate) = predicate
            && matches!(&predicate.bounded_ty, syn::Type::Path(p) if p.path.is_ident(&param.ident))
        {
            bounds.extend(predicate.bounds.iter().cloned());
        }
    }
    bounds
}
