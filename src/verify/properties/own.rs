//! A struct or enum of the workspace in; the ways to make values of it, and what changes them afterwards, out.

use quote::ToTokens;

use super::catalogue::{Place, is_gated};
use super::recipes::{Lending, Making, Recipe, Recipes, Scope, scope_of};
use crate::source::functions::derives;

/// So many methods that change a value are called on it, and with so many arguments, at most.
const METHODS: usize = 8;
const ARGUMENTS: usize = 4;

/// One type of the workspace.
#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    /// The type of the values, as the tests write it.
    pub value: String,
    /// How values come to be.
    pub ways: Vec<Way>,
    /// How they change afterwards; none where every value comes to be at once.
    pub then: Vec<Way>,
}

/// One way to make or to change a value.
#[derive(Clone, Debug)]
pub(super) struct Way {
    /// What it is made of.
    pub parts: Vec<Making>,
    /// The expression, with `{}` for each part, as code and as people write it.
    pub code: String,
    pub spelled: String,
}

impl Recipes<'_> {
    /// All ways to make a value of a struct or an enum.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn ways(&mut self, place: Place, name: &str, args: &[Recipe], number: usize) -> Result<Own, String> {
        let (generics, is_seen) = match self.catalogue().item(place) {
            syn::Item::Struct(item) => (item.generics.clone(), is_seen(&item.vis)),
            syn::Item::Enum(item) => (item.generics.clone(), is_seen(&item.vis)),
            _ => return Err(format!("`{name}` is neither a struct nor an enum")),
        };
        if !is_seen && !self.is_home(place.file) {
            return Err(format!("{name} is private to another file"));
        }
        if generics.const_params().next().is_some() {
            return Err(format!("{name} has a const parameter"));
        }
        if generics.type_params().count() != args.len() {
            return Err(format!("not every type parameter of {name} is given"));
        }
        let written = self.written(place, name);
        let lifetimes = generics.lifetimes().map(|_| String::from("'static"));
        let all: Vec<String> = lifetimes.chain(args.iter().map(Recipe::value)).collect();
        let value = if all.is_empty() { written.clone() } else { format!("{written}<{}>", all.join(", ")) };
        let this = Recipe { text: format!("__Made{number}"), needs: std::collections::BTreeSet::from([number]) };
        let mut scope = scope_of(place.file, &generics, args);
        scope.types.insert(String::from("Self"), this.clone());
        let mut own = Own { value, ..Own::default() };
        match self.literal(place, &written, &scope) {
            Ok(ways) => own.ways = ways,
            Err(private) => {
                let made = self.constructors(place, name, args, &this, &own.value, &written);
                (own.ways, own.then) = made;
                if own.ways.is_empty() {
                    own.ways = match is_seen {
                        true => return Err(private),
                        // Its fields are private because it is: nobody outside of the file has a say in them.
                        false => self.fields_of(place, &written, &scope)?,
                    };
                }
            }
        }
        Ok(own)
    }

    /// By its fields or variants, where whoever makes it may write them.
    fn literal(&mut self, place: Place, written: &str, scope: &Scope) -> Result<Vec<Way>, String> {
        if let syn::Item::Struct(item) = self.catalogue().item(place) {
            let is_private = item.fields.iter().any(|f| !is_seen(&f.vis));
            if is_private {
                let wanted = "no function that makes one (`new`, `Default`, or another that gives back `Self`)";
                return Err(format!("{} has private fields, and there is {wanted} of what can be made", item.ident));
            }
        }
        self.fields_of(place, written, scope)
    }

    fn fields_of(&mut self, place: Place, written: &str, scope: &Scope) -> Result<Vec<Way>, String> {
        match self.catalogue().item(place) {
            syn::Item::Struct(item) => self.fields(&item.fields, written, scope).map(|way| vec![way]),
            syn::Item::Enum(item) => {
                let variants = item.variants.iter().filter(|v| !is_gated(&v.attrs));
                let all: Vec<Result<Way, String>> =
                    variants.map(|v| self.fields(&v.fields, &format!("{written}::{}", v.ident), scope)).collect();
                let why = all.iter().find_map(|w| w.as_ref().err().cloned());
                let ways: Vec<Way> = all.into_iter().filter_map(Result::ok).collect();
                match ways.is_empty() {
                    true => Err(why.unwrap_or_else(|| format!("{} has no variants", item.ident))),
                    false => Ok(ways),
                }
            }
            _ => Err(String::from("it is neither a struct nor an enum")),
        }
    }

    fn fields(&mut self, fields: &syn::Fields, written: &str, scope: &Scope) -> Result<Way, String> {
        let part = |f: &syn::Field| match self.argument(&f.ty, scope, Lending::ForEver) {
            Ok(making) => Ok(making),
            Err(why) => {
                Err(format!("{}: {why}", f.ident.as_ref().map_or(String::from("a field"), |i| format!("`{i}`"))))
            }
        };
        let parts = fields.iter().map(part).collect::<Result<Vec<Making>, String>>()?;
        let code = match fields {
            syn::Fields::Unit => written.to_owned(),
            syn::Fields::Unnamed(_) => format!("{written}({})", vec!["{}"; parts.len()].join(", ")),
            syn::Fields::Named(named) => {
                let one =
                    |f: &syn::Field| format!("{}: {{}}", f.ident.as_ref().map(|i| i.to_string()).unwrap_or_default());
                let all: Vec<String> = named.named.iter().map(one).collect();
                format!("{written} {{{{ {} }}}}", all.join(", "))
            }
        };
        Ok(Way { parts, spelled: code.clone(), code })
    }

    /// By functions of its own, and methods that change it afterwards. What does more than compute is not called.
    fn constructors(
        &mut self,
        place: Place,
        name: &str,
        args: &[Recipe],
        this: &Recipe,
        value: &str,
        written: &str,
    ) -> (Vec<Way>, Vec<Way>) {
        let (mut ways, mut then) = (Vec::new(), Vec::new());
        let (attrs, is_public) = match self.catalogue().item(place) {
            syn::Item::Struct(item) => (&item.attrs, is_seen(&item.vis)),
            syn::Item::Enum(item) => (&item.attrs, is_seen(&item.vis)),
            _ => return (ways, then),
        };
        if derives(attrs).iter().any(|d| d == "Default") {
            let code = format!("<{value} as ::std::default::Default>::default()");
            ways.push(Way { parts: Vec::new(), code, spelled: format!("{written}::default()") });
        }
        let impls: Vec<(usize, syn::ItemImpl)> =
            self.catalogue().impls(place, name).map(|(file, item)| (file, item.clone())).collect();
        for (file, item) in &impls {
            let Some(mut scope) = impl_scope(*file, item, args) else { continue };
            scope.types.insert(String::from("Self"), this.clone());
            let of_trait = item.trait_.as_ref().and_then(|(path, _)| path.segments.last()).map(|s| s.ident.to_string());
            if of_trait.as_ref().is_some_and(|t| !["Default", "From", "FromStr"].contains(&t.as_str())) {
                continue;
            }
            for inner in &item.items {
                let syn::ImplItem::Fn(function) = inner else { continue };
                let seen = of_trait.is_some() || is_seen(&function.vis) || (!is_public && self.is_home(*file));
                if !seen || is_gated(&function.attrs) || !self.is_harmless(function) {
                    continue;
                }
                let path = match (&item.trait_, function.sig.ident.to_string()) {
                    (Some((path, _)), method) => format!("<{value} as {}>::{method}", tokens(path)),
                    (None, method) => format!("<{value}>::{method}"),
                };
                match role(&function.sig, name) {
                    Role::Makes(end) => ways.extend(self.call(&path, written, function, end, &scope)),
                    Role::Changes if then.len() < METHODS => then.extend(self.step(&path, function, &scope)),
                    _ => {}
                }
            }
        }
        (ways, then)
    }

    fn is_harmless(&self, function: &syn::ImplItemFn) -> bool {
        let sig = &function.sig;
        sig.asyncness.is_none()
            && !matches!(sig.safety, syn::Safety::Unsafe(_))
            && !matches!(&sig.output, syn::ReturnType::Type(_, ty) if matches!(**ty, syn::Type::Never(_)))
            && !self.effects.in_function(&tokens(function))
    }

    fn parts(&mut self, function: &syn::ImplItemFn, scope: &Scope) -> Option<Vec<Making>> {
        let mut scope = scope.clone();
        self.instantiate(&function.sig.generics, &mut scope).ok()?;
        let typed = function.sig.inputs.iter().filter_map(|i| match i {
            syn::FnArg::Typed(t) => Some(&*t.ty),
            syn::FnArg::Receiver(_) => None,
        });
        let parts: Vec<Making> =
            typed.map(|ty| self.argument(ty, &scope, Lending::ForEver).ok()).collect::<Option<Vec<_>>>()?;
        (parts.len() <= ARGUMENTS).then_some(parts)
    }

    fn call(&mut self, path: &str, written: &str, function: &syn::ImplItemFn, end: &str, scope: &Scope) -> Option<Way> {
        let parts = self.parts(function, scope)?;
        let holes = vec!["{}"; parts.len()].join(", ");
        let spelled = match function.sig.ident == "from_str" && path.contains(" as ") {
            true => format!("<{written} as std::str::FromStr>::from_str({holes}){end}"),
            false => format!("{written}::{}({holes}){end}", function.sig.ident),
        };
        Some(Way { parts, code: format!("{path}({holes}){end}"), spelled })
    }

    /// A statement on `it`.
    fn step(&mut self, path: &str, function: &syn::ImplItemFn, scope: &Scope) -> Option<Way> {
        let parts = self.parts(function, scope)?;
        let holes: String = parts.iter().map(|_| ", {}").collect();
        let method = &function.sig.ident;
        let spelled_holes = vec!["{}"; parts.len()].join(", ");
        let is_built = matches!(function.sig.inputs.first(), Some(syn::FnArg::Receiver(r)) if matches!(r.kind, syn::ReceiverKind::Value));
        Some(match is_built {
            true => Way {
                parts,
                code: format!("it = {path}(it{holes});"),
                spelled: format!("it = it.{method}({spelled_holes});"),
            },
            false => Way {
                parts,
                code: format!("let _ = {path}(&mut it{holes});"),
                spelled: format!("it.{method}({spelled_holes});"),
            },
        })
    }
}

/// What a function of a type does for its values.
enum Role {
    /// It gives back one; what follows the call to get at it.
    Makes(&'static str),
    /// It changes one.
    Changes,
    /// Neither.
    Other,
}

fn role(sig: &syn::Signature, name: &str) -> Role {
    let gives = |ty: &syn::Type| {
        let head = crate::source::functions::head(ty);
        head == "Self" || head == name
    };
    let end = match &sig.output {
        syn::ReturnType::Default => None,
        syn::ReturnType::Type(_, ty) if gives(ty) => Some(""),
        syn::ReturnType::Type(_, ty) => {
            let inner = crate::source::functions::type_arguments(ty);
            match (crate::source::functions::head(ty).as_str(), inner.first().is_some_and(|t| gives(t))) {
                ("Option", true) => Some(".unwrap()"),
                ("Result", true) => Some(".ok().unwrap()"),
                _ => None,
            }
        }
    };
    match (sig.receiver().map(|r| &r.kind), end) {
        (None, Some(end)) => Role::Makes(end),
        (Some(syn::ReceiverKind::Reference(_, _, Some(_))), _) => Role::Changes,
        (Some(syn::ReceiverKind::Value), Some("")) => Role::Changes,
        _ => Role::Other,
    }
}

/// What the parameters of an impl mean for a type with these arguments; `None` where it is one of other arguments.
pub(super) fn impl_scope(file: usize, item: &syn::ItemImpl, args: &[Recipe]) -> Option<Scope> {
    let mut scope = Scope::of(file);
    let given = crate::source::functions::type_arguments(&item.self_ty);
    if given.len() != args.len() {
        return None;
    }
    for (ty, arg) in given.iter().zip(args) {
        let syn::Type::Path(path) = ty else { return None };
        let name = path.path.get_ident()?.to_string();
        if !item.generics.type_params().any(|p| p.ident == name) {
            return None;
        }
        scope.types.insert(name, arg.clone());
    }
    Some(scope)
}

/// True for what is not private to its module.
pub(super) fn is_seen(vis: &syn::Visibility) -> bool {
    !matches!(vis, syn::Visibility::Inherited)
}

/// The name of a struct or an enum.
pub(super) fn name_of(item: &syn::Item) -> String {
    match item {
        syn::Item::Struct(item) => item.ident.to_string(),
        syn::Item::Enum(item) => item.ident.to_string(),
        _ => String::new(),
    }
}

/// A node as tokens.
pub(super) fn tokens(node: &impl ToTokens) -> String {
    node.to_token_stream().to_string()
}
