//! A file in; its structs of atomic counters, and the places that change such a counter, out.

use super::visit::code::{self as visit, Visit};

use super::SourceFile;
use super::functions::{Function, functions, head, items};
use super::names::{peel, plain_name};
use crate::model::TextRange;

/// A struct with at least two atomic integers.
pub struct Counters<'a> {
    /// The struct.
    pub item: &'a syn::ItemStruct,
    /// Its atomic integers.
    pub fields: Vec<&'a syn::Field>,
    /// True under `#[cfg(test)]`.
    pub is_test: bool,
}

/// A place that reads, changes and writes back a counter.
pub struct Write {
    /// The call.
    pub site: TextRange,
    /// Name of the field.
    pub field: String,
    /// The type whose field it is, where the place tells it; else empty.
    pub owner: String,
}

const ATOMICS: &[&str] = &["AtomicU64", "AtomicUsize", "AtomicU32", "AtomicI64", "AtomicIsize", "AtomicI32"];

/// The structs of counters of a file; not those with a `repr`, whose layout has been thought about.
pub fn counters(file: &SourceFile) -> Vec<Counters<'_>> {
    let mut found = Vec::new();
    for placed in items(&file.ast) {
        let syn::Item::Struct(item) = placed.item else { continue };
        let syn::Fields::Named(fields) = &item.fields else { continue };
        let fields: Vec<&syn::Field> = fields.named.iter().filter(|f| is_atomic(&f.ty)).collect();
        let has_repr = item.attrs.iter().any(|attr| attr.path().is_ident("repr"));
        if fields.len() > 1 && !has_repr && item.generics.params.is_empty() {
            found.push(Counters { item, fields, is_test: placed.is_test });
        }
    }
    found
}

/// True for an atomic integer.
pub fn is_atomic(ty: &syn::Type) -> bool {
    ATOMICS.contains(&head(ty).as_str())
}

/// The changes of counters in a file. A `store` is none, as flags and settings are stored and counters are counted, but for
/// one that goes on from what the same function loaded: a cursor.
pub fn writes(file: &SourceFile) -> Vec<Write> {
    let mut found = Vec::new();
    for function in functions(file).into_iter().filter(|f| !f.is_test) {
        let mut walk = Writes { file, function, found: Vec::new() };
        walk.visit_block(function.block);
        found.extend(walk.found);
    }
    found
}

struct Writes<'a> {
    file: &'a SourceFile,
    function: Function<'a>,
    found: Vec<Write>,
}

impl Writes<'_> {
    /// The type of a receiver's base: the self type for `self`, a parameter's type, or unknown.
    fn owner(&self, base: &syn::Expr) -> Option<String> {
        let name = plain_name(base).map(ToString::to_string);
        for input in &self.function.sig.inputs {
            match input {
                syn::FnArg::Receiver(receiver) if name.as_deref() == Some("self") => {
                    // Who holds `&mut self` shares it with nobody.
                    let shared = !super::names::mentions(receiver, "mut")
                        && quote::ToTokens::to_token_stream(receiver).to_string().starts_with('&');
                    return shared.then(|| self.function.self_ty.map(head).unwrap_or_default());
                }
                syn::FnArg::Typed(typed) => {
                    if let (syn::Pat::Ident(ident), Some(name)) = (&*typed.pat, &name)
                        && ident.ident == name
                    {
                        return owner_of(&typed.ty);
                    }
                }
                _ => {}
            }
        }
        Some(String::new())
    }
}

impl Writes<'_> {
    /// True for `self.head.store(h + 1, …)` where the function loads `head` as well.
    fn goes_on(&self, store: &syn::ExprMethodCall) -> bool {
        let steps = store.args.first().is_some_and(|value| match peel(value) {
            syn::Expr::Binary(b) => matches!(b.op, syn::BinOp::Add(_) | syn::BinOp::Sub(_)),
            syn::Expr::MethodCall(call) => call.method.to_string().starts_with("wrapping_"),
            _ => false,
        });
        steps && {
            super::shapes::exprs(self.function.block).into_iter().any(|expr| {
                super::shapes::method(expr, "load", 1)
                    .is_some_and(|load| super::shapes::same(&*load.receiver, &*store.receiver))
            })
        }
    }
}

fn owner_of(ty: &syn::Type) -> Option<String> {
    match ty {
        syn::Type::Reference(reference) if reference.mutability.is_some() => None,
        syn::Type::Reference(reference) => owner_of(&reference.elem),
        other if head(other) == "Arc" => super::functions::type_arguments(other).first().and_then(|ty| owner_of(ty)),
        other => Some(head(other)),
    }
}

impl<'a> Visit<'a> for Writes<'_> {
    fn visit_expr_method_call(&mut self, node: &'a syn::ExprMethodCall) {
        let method = node.method.to_string();
        let changes = method.starts_with("fetch_")
            || method.starts_with("compare_exchange")
            || method == "swap"
            || (method == "store" && self.goes_on(node));
        if changes
            && let syn::Expr::Field(field) = peel(&node.receiver)
            && let syn::Member::Named(name) = &field.member
            && let Some(owner) = self.owner(&field.base)
        {
            self.found.push(Write { site: self.file.range(node), field: name.to_string(), owner });
        }
        visit::visit_expr_method_call(self, node);
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}
