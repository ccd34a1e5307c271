//! A file in; its structs out whose elements are walked for a few fields while large arrays lie between them.

use super::visit::Visit;

use super::functions::{derives, functions, head, items, type_arguments};
use super::sizes::{Known, shape};
use super::{SourceFile, names, shapes, usage};

/// A struct with arrays that no walk over its elements looks at.
pub struct Cold<'a> {
    /// The struct.
    pub item: &'a syn::ItemStruct,
    /// The fields that no walk looks at, with their bytes.
    pub fields: Vec<(&'a syn::Field, u64)>,
    /// The first walk that looks at other fields alone.
    pub walk: &'a syn::Expr,
}

/// Bytes from which an array is worth a box of its own: two cache lines.
const LARGE: u64 = 128;

/// The structs of a file of which that can be told.
pub fn cold(file: &SourceFile) -> Vec<Cold<'_>> {
    let structs =
        items(&file.ast).into_iter().filter(|placed| !placed.is_test).filter_map(|placed| match placed.item {
            syn::Item::Struct(item) => Some(item),
            _ => None,
        });
    let mut bodies: Option<Vec<&syn::Expr>> = None;
    let mut found = Vec::new();
    for item in structs {
        let large = large_fields(item);
        if large.is_empty() || !is_free(file, item) {
            continue;
        }
        let exprs = bodies.get_or_insert_with(|| {
            functions(file).iter().filter(|f| !f.is_test).flat_map(|f| shapes::exprs(f.block)).collect()
        });
        found.extend(among(file, item, large, exprs));
    }
    found
}

fn large_fields(item: &syn::ItemStruct) -> Vec<(&syn::Field, u64)> {
    let is_closed = matches!(item.vis, syn::Visibility::Inherited);
    let sized = item.fields.iter().filter_map(|field| {
        let size = shape(&field.ty, &Known::new()).filter(|_| matches!(field.ty, syn::Type::Array(_)))?.size;
        let is_own = is_closed || matches!(field.vis, syn::Visibility::Inherited);
        let is_plain = field.attrs.iter().all(|a| a.path().is_ident("doc"));
        (size >= LARGE && is_own && is_plain && field.ident.is_some()).then_some((field, size))
    });
    sized.collect()
}

/// True where nothing asks for the bytes of the struct to lie in one piece.
fn is_free(file: &SourceFile, item: &syn::ItemStruct) -> bool {
    const KNOWN: &[&str] =
        &["Clone", "Debug", "Eq", "Hash", "PartialEq", "PartialOrd", "Ord", "Serialize", "Deserialize"];
    let is_plain = derives(&item.attrs).iter().all(|d| KNOWN.contains(&d.as_str()));
    let is_fixed = item.attrs.iter().any(|a| a.path().is_ident("repr"));
    let name = item.ident.to_string();
    let asks = ["size_of::<", "align_of::<", "offset_of!("].map(|word| format!("{word}{name}"));
    let is_measured =
        asks.iter().map(String::as_str).chain(["transmute", "from_raw_parts"]).any(|w| file.text.contains(w));
    is_plain
        && !is_fixed
        && !is_measured
        && item.generics.params.is_empty()
        && !file.text.contains(&format!("*const {name}"))
}

fn among<'a>(
    file: &'a SourceFile,
    item: &'a syn::ItemStruct,
    large: Vec<(&'a syn::Field, u64)>,
    exprs: &[&'a syn::Expr],
) -> Option<Cold<'a>> {
    let lists = lists(file, &item.ident.to_string());
    let is_list = |expr: &syn::Expr| {
        shapes::counted(expr)
            .and_then(usage::place)
            .is_some_and(|p| lists.contains(p.fields.last().unwrap_or(&p.root)) && p.is_plain)
    };
    let walks: Vec<&syn::Expr> = exprs.iter().copied().filter(|e| is_walk(e, &is_list)).collect();
    let name_of = |field: &syn::Field| field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
    let fields: Vec<(&syn::Field, u64)> = large
        .into_iter()
        .filter(|(field, _)| walks.iter().all(|walk| !names::mentions(*walk, &name_of(field))))
        .collect();
    let others: Vec<String> =
        item.fields.iter().filter(|f| fields.iter().all(|(cold, _)| !std::ptr::eq(*cold, *f))).map(name_of).collect();
    let walk = walks.into_iter().find(|walk| others.iter().any(|name| names::mentions(*walk, name)))?;
    (!fields.is_empty() && !others.is_empty()).then_some(Cold { item, fields, walk })
}

/// A loop over a list, or a chain of calls over it with a closure in it.
fn is_walk(expr: &syn::Expr, is_list: &dyn Fn(&syn::Expr) -> bool) -> bool {
    match expr {
        syn::Expr::ForLoop(l) => is_list(&l.expr),
        syn::Expr::MethodCall(call) => {
            const WALKS: &[&str] = &[
                "all",
                "any",
                "filter",
                "filter_map",
                "find",
                "fold",
                "for_each",
                "map",
                "max_by_key",
                "min_by_key",
                "position",
            ];
            WALKS.iter().any(|m| call.method == m)
                && call.args.iter().any(|a| matches!(a, syn::Expr::Closure(_)))
                && is_list(&call.receiver)
                && matches!(names::peel(&call.receiver), syn::Expr::MethodCall(_))
        }
        _ => false,
    }
}

/// Names of fields and parameters that hold many of a type: `Vec<T>`, `&[T]`, `VecDeque<T>`.
fn lists(file: &SourceFile, of: &str) -> Vec<String> {
    struct Lists<'n> {
        of: &'n str,
        found: Vec<String>,
    }
    impl Lists<'_> {
        fn is_list(&self, ty: &syn::Type) -> bool {
            match ty {
                syn::Type::Reference(r) => self.is_list(&r.elem),
                syn::Type::Slice(s) => head(&s.elem) == self.of,
                syn::Type::Array(a) => head(&a.elem) == self.of,
                other => {
                    ["Vec", "VecDeque"].contains(&head(other).as_str())
                        && type_arguments(other).first().is_some_and(|inner| head(inner) == self.of)
                }
            }
        }
    }
    impl<'a> Visit<'a> for Lists<'_> {
        fn visit_field(&mut self, node: &'a syn::Field) {
            if let Some(name) = node.ident.as_ref().filter(|_| self.is_list(&node.ty)) {
                self.found.push(name.to_string());
            }
        }
        fn visit_signature(&mut self, node: &'a syn::Signature) {
            for input in &node.inputs {
                if let syn::FnArg::Typed(typed) = input
                    && let syn::Pat::Ident(name) = &*typed.pat
                    && self.is_list(&typed.ty)
                {
                    self.found.push(name.ident.to_string());
                }
            }
        }
    }
    let mut lists = Lists { of, found: Vec::new() };
    lists.visit_file(&file.ast);
    lists.found
}
