//! A function of a file in; how a test calls it with made inputs, and the text of that test, out.

use super::own::tokens;
use super::recipes::{Lending, Making, Recipe, Recipes, Scope};
use super::{Given, Ground, Home, Known, Subject, makers};
use crate::model::TextRange;
use crate::source::SourceFile;
use crate::source::functions::{head, type_arguments};
use crate::verify::agree::TRAITS;
use crate::verify::change::Passing;
use crate::verify::compare::{self, Slot};

/// More arguments than this are not made.
const ARGUMENTS: usize = 6;

/// A function that can be called.
pub(super) struct Found {
    name: String,
    /// Its path with all type arguments, as the test writes it, and as people do.
    path: String,
    called: String,
    arguments: Vec<(String, Making)>,
    /// The makers of the workspace's own types.
    makers: String,
    is_public: bool,
}

/// Where a function stands.
#[derive(Clone, Copy)]
struct Standing<'a> {
    sig: &'a syn::Signature,
    vis: Option<&'a syn::Visibility>,
    within: Option<&'a syn::ItemImpl>,
}

/// How the function with this range is called.
///
/// # Errors
/// Why no test can call it, beginning with a verb.
pub(super) fn of(file: &SourceFile, whole: TextRange, ground: Ground) -> Result<Found, String> {
    let standing = standing(file, whole)?;
    let home = ground.catalogue.file(&file.path).ok_or("stands in a file whose crate is not known")?;
    let mut recipes = Recipes::new(ground.catalogue, home, ground.effects);
    let mut scope = Scope::of(home);
    let owner = match standing.within {
        Some(item) => Some(owner(&mut recipes, item, &mut scope)?),
        None => None,
    };
    let sig = standing.sig;
    recipes.instantiate(&sig.generics, &mut scope).map_err(|why| format!("is generic: {why}"))?;
    let arguments = arguments(&mut recipes, standing, &scope)?;
    let makers = makers::text(&recipes.own).map_err(|why| format!("cannot be called with made inputs: {why}"))?;
    let method = sig.ident.to_string();
    let fish = turbofish(&sig.generics, &scope);
    let (path, called, name) = match (&owner, standing.within.and_then(|i| i.trait_.as_ref())) {
        // The module of the test has a function of its own.
        (None, _) => (format!("super::super::{method}"), method.clone(), method),
        (Some(owner), None) => (
            format!("<{}>::{method}", owner.value),
            format!("{}::{method}", owner.name),
            format!("{}::{method}", owner.name),
        ),
        (Some(owner), Some((path, _))) => {
            let of = tokens(path).replace(' ', "");
            let name = format!("{}::{method}", owner.name);
            (format!("<{} as {of}>::{method}", owner.value), format!("<{} as {of}>::{method}", owner.name), name)
        }
    };
    let is_public = match (standing.vis, &owner) {
        (Some(vis), None) => matches!(vis, syn::Visibility::Public(_)),
        (Some(vis), Some(owner)) => matches!(vis, syn::Visibility::Public(_)) && owner.is_public,
        (None, Some(owner)) => owner.is_public,
        (None, None) => false,
    };
    let called = format!("{called}{}", fish.1);
    Ok(Found { name, path: format!("{path}{}", fish.0), called, arguments, makers, is_public })
}

/// The function at the top of the file or of one of its impls.
fn standing(file: &SourceFile, whole: TextRange) -> Result<Standing<'_>, String> {
    for item in &file.ast.items {
        match item {
            syn::Item::Fn(f) if file.range(&*f.block).end == whole.end => {
                return Ok(Standing { sig: &f.sig, vis: Some(&f.vis), within: None });
            }
            syn::Item::Impl(within) => {
                for inner in &within.items {
                    if let syn::ImplItem::Fn(f) = inner
                        && file.range(&f.block).end == whole.end
                    {
                        let vis = within.trait_.is_none().then_some(&f.vis);
                        return Ok(Standing { sig: &f.sig, vis, within: Some(within) });
                    }
                }
            }
            syn::Item::Trait(t) if file.range(t).contains(whole) => {
                return Err(format!(
                    "is given by the trait `{}` to all that have it: whose it is to be is open",
                    t.ident
                ));
            }
            _ => {}
        }
    }
    Err(String::from("stands inside of a function or a module: no test can call it by its name alone"))
}

/// The type to which a method belongs.
struct Owned {
    /// As the test writes it, with all arguments.
    value: String,
    /// As people call it.
    name: String,
    is_public: bool,
}

fn owner(recipes: &mut Recipes, item: &syn::ItemImpl, scope: &mut Scope) -> Result<Owned, String> {
    recipes.instantiate(&item.generics, scope).map_err(|why| format!("is a method of a generic type: {why}"))?;
    let ty = &item.self_ty;
    let name = head(ty);
    // A function without a receiver needs no value of its type.
    let this = recipes.recipe(ty, scope);
    let value = match &this {
        Ok(recipe) => recipe.value(),
        Err(_) if type_arguments(ty).is_empty() => tokens(ty),
        Err(why) => return Err(format!("is a method of `{}`, of which no value can be made: {why}", tokens(ty))),
    };
    if let Ok(recipe) = &this {
        scope.types.insert(String::from("Self"), recipe.clone());
    } else if let Err(why) = &this {
        scope.missing = Some(why.clone());
    }
    let is_public = recipes.catalogue().is_public(ty, scope.file);
    Ok(Owned { value, name: if name.is_empty() { tokens(ty) } else { name }, is_public })
}

fn arguments(recipes: &mut Recipes, standing: Standing, scope: &Scope) -> Result<Vec<(String, Making)>, String> {
    let sig = standing.sig;
    // What a type with a lifetime keeps of its arguments has to live as long as it.
    let keeps = standing.within.is_some_and(|i| i.generics.lifetimes().next().is_some());
    let lending = if keeps { Lending::ForEver } else { Lending::ForTheCall };
    let one = |arg: &syn::FnArg| -> Result<(String, Making), String> {
        let of = |name: &str, written: String, made: Result<Making, String>| match made {
            Ok(making) => Ok((name.to_owned(), making)),
            Err(why) => Err(format!("takes `{written}`, of which no value can be made: {why}")),
        };
        match arg {
            syn::FnArg::Receiver(r) => {
                let this = match (&r.kind, standing.within) {
                    (syn::ReceiverKind::Reference(..) | syn::ReceiverKind::Value, Some(item)) => item.self_ty.clone(),
                    _ => return Err(String::from("has a receiver that is neither `self` nor a reference to it")),
                };
                let recipe = match &scope.missing {
                    Some(why) => Err(why.clone()),
                    None => recipes.recipe(&this, scope),
                };
                let (around, passing) = match &r.kind {
                    syn::ReceiverKind::Reference(_, _, None) => (("&", ""), Passing::AsItIs),
                    syn::ReceiverKind::Reference(..) => (("&mut ", ""), Passing::Changed),
                    _ => (("", ""), Passing::Value),
                };
                of(
                    "self",
                    tokens(r).replace(' ', "").replace("&mut", "&mut "),
                    recipe.map(|recipe| Making { recipe, around, passing }),
                )
            }
            syn::FnArg::Typed(t) => match &*t.pat {
                syn::Pat::Ident(p) => {
                    let name = p.ident.to_string();
                    let written = format!("{name}: {}", written(&t.ty));
                    let lending = if is_mutable(&t.ty) { Lending::ForTheCall } else { lending };
                    let made = recipes.argument(&t.ty, scope, lending);
                    of(&name, written, made)
                }
                _ => Err(String::from("has an argument without a name")),
            },
        }
    };
    if sig.inputs.is_empty() {
        return Err(String::from("takes no input"));
    }
    if sig.inputs.len() > ARGUMENTS {
        return Err(format!("takes more than {ARGUMENTS} arguments"));
    }
    sig.inputs.iter().map(one).collect()
}

fn is_mutable(ty: &syn::Type) -> bool {
    matches!(ty, syn::Type::Reference(r) if r.mutability.is_some())
}

/// A type on one line, as people write it.
fn written(ty: &syn::Type) -> String {
    let text = tokens(ty);
    let tight =
        [(" < ", "<"), (" >", ">"), ("& ", "&"), (" :: ", "::"), (" ,", ","), (" ;", ";"), ("< ", "<"), (" <", "<")];
    tight.iter().fold(text, |text, (from, to)| text.replace(from, to)).replace("[ ", "[").replace(" ]", "]")
}

/// The type and const arguments of a call, as the test writes them, and as people do.
fn turbofish(generics: &syn::Generics, scope: &Scope) -> (String, String) {
    let of = |param: &syn::GenericParam| match param {
        syn::GenericParam::Type(t) => scope.types.get(&t.ident.to_string()).map(|r| (r.value(), plain(r))),
        syn::GenericParam::Const(c) => scope.consts.get(&c.ident.to_string()).map(|n| (n.clone(), n.clone())),
        syn::GenericParam::Lifetime(_) => None,
    };
    let (code, said): (Vec<String>, Vec<String>) = generics.params.iter().filter_map(of).unzip();
    match code.is_empty() {
        true => (String::new(), String::new()),
        false => (format!("::<{}>", code.join(", ")), format!("::<{}>", said.join(", "))),
    }
}

/// The name of a plain type; others are left to be inferred.
fn plain(recipe: &Recipe) -> String {
    match recipe.text.strip_prefix("::std::primitive::") {
        Some(name) => name.to_owned(),
        None if recipe.text == "::std::string::String" => String::from("String"),
        None => String::from("_"),
    }
}

impl Found {
    /// The test, with what makes its inputs, on one line.
    pub(super) fn test(&self, number: usize, known: &Known, home: Home) -> String {
        let runtime = home.path(2);
        let each = |f: &dyn Fn(usize, &Making) -> String| -> String {
            self.arguments.iter().enumerate().map(|(i, (_, m))| f(i, m)).collect()
        };
        let types = each(&|_, m| format!("{}, ", m.recipe.text));
        let built = each(&|i, _| format!("v.{i}.build(), "));
        let bound = each(&|i, _| format!("mut a{i}, "));
        let spelled = each(&|i, _| format!("v.{i}.spell(), "));
        let given = each(&|i, m| match m.passing {
            Passing::AsItIs => format!("let r{i} = {}a{i}{}; ", m.around.0, m.around.1),
            _ => String::new(),
        });
        let slots: Vec<Slot> =
            self.arguments.iter().enumerate().map(|(i, (name, m))| slot(number, i, name, m)).collect();
        let numbers: Vec<String> = known.numbers.iter().map(|n| n.to_string()).collect();
        let texts: Vec<String> = known.texts.iter().map(|t| format!("{t:?}")).collect();
        format!(
            "mod f{number} {{ use super::super::*; use super::super::__refit_made::{{self as made, Make as _}}; {makers}\
             #[test] fn asked() {{ {runtime}::patient(); made::run::<({types})>({number}, &[{numbers}], &[{texts}], |v| {{ \
             use {runtime}::{{self as __R, {traits}}}; \
             let __R::Ran::Gave(({bound})) = __R::run({number}, __R::OLD, || ({built})) else {{ return }}; \
             if let ::std::option::Option::Some(mut __refit) = __R::begin({number}) {{ {given}{compared} \
             if __refit.differs() {{ __refit.tell(&[]); }} }} }}, \
             |v| ::std::vec![{spelled}], {runtime}::last, {runtime}::write); }} }}\n",
            traits = TRAITS,
            makers = self.makers,
            numbers = numbers.join(", "),
            texts = texts.join(", "),
            compared = compare::text(&slots, number, &self.path),
        )
    }

    /// What is judged.
    pub(super) fn into_subject(self, number: usize) -> Subject {
        let given = |(name, m): (String, Making)| Given { name, owned: m.recipe.text, around: m.around };
        let arguments = self.arguments.into_iter().map(given).collect();
        Subject { number, name: self.name, called: self.called, arguments, is_public: self.is_public }
    }
}

/// A clone where there is one, because it keeps what a value drew by chance; else it is built once more.
fn slot(number: usize, i: usize, name: &str, making: &Making) -> Slot {
    let built = format!(
        "match __R::run({number}, __R::OLD, || v.{i}.build()) {{ __R::Ran::Gave(made) => ::std::option::Option::Some(made), _ => ::std::option::Option::None }}"
    );
    Slot {
        label: name.to_owned(),
        given: format!("r{i}"),
        passing: making.passing,
        copy: format!("__R::Of(&a{i}).copied().or_else(|| {built})"),
    }
}
