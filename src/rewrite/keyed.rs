//! The two sides of an `==` in a search in; how an index holds the one and is asked with the other, out.

use crate::source::{SourceFile, types, usage};

/// How to index and ask by a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The key of an element, as the index holds it: `&product.sku`.
    pub held: String,
    /// What the index is asked with: `&item.sku`.
    pub asked: String,
    /// Name of the compared field, `sku`; empty for the element itself.
    pub field: String,
}

/// Reads `element == key`. `references` is the number of references between the closure's parameter (or loop variable)
/// and the list's element.
pub fn keyed(
    files: &[SourceFile],
    file: &SourceFile,
    element: &syn::Expr,
    key: &syn::Expr,
    references: usize,
) -> Result<Keyed, String> {
    let (part, is_reference) = match element {
        syn::Expr::Reference(r) => (&*r.expr, true),
        syn::Expr::MethodCall(call) => (&*call.receiver, true),
        other => (other, false),
    };
    let path = usage::place(part).ok_or("the compared part of the element is not a place")?;
    let field = path.fields.last().cloned().unwrap_or_default();
    let text = file.text_of(element).to_owned();
    if is_reference {
        return Ok(Keyed { held: text, asked: file.text_of(key).to_owned(), field });
    }
    if field.is_empty() {
        return whole_element(files, file, element, key, &path.root, references);
    }
    if is_str(files, file, key) {
        return Ok(Keyed { held: format!("{text}.as_str()"), asked: file.text_of(key).to_owned(), field });
    }
    Ok(Keyed { held: format!("&{text}"), asked: referenced(file, key), field })
}

/// `*element == key`, `element == key`: what the references on both sides cancel to.
fn whole_element(
    files: &[SourceFile],
    file: &SourceFile,
    element: &syn::Expr,
    key: &syn::Expr,
    name: &str,
    references: usize,
) -> Result<Keyed, String> {
    let (held, field) = (name.to_owned(), String::new());
    match references.checked_sub(dereferences(element)) {
        Some(0) if is_str(files, file, key) => {
            Ok(Keyed { held: format!("{name}.as_str()"), asked: file.text_of(key).to_owned(), field })
        }
        Some(0) => Ok(Keyed { held, asked: referenced(file, key), field }),
        Some(1) => Ok(Keyed { held, asked: file.text_of(key).to_owned(), field }),
        _ => Err("the references on both sides of `==` do not cancel".to_owned()),
    }
}

fn dereferences(expr: &syn::Expr) -> usize {
    match expr {
        syn::Expr::Unary(u) => 1 + dereferences(&u.expr),
        syn::Expr::Paren(p) => dereferences(&p.expr),
        _ => 0,
    }
}

/// True if the text says that the expression is a `&str`, which a `String` compares with but a set of them does not.
fn is_str(files: &[SourceFile], file: &SourceFile, key: &syn::Expr) -> bool {
    let is_str_type = |ty: &syn::Type| types::head(types::strip(ty)).as_deref() == Some("str");
    types::type_among(files, file, key).is_some_and(|ty| is_str_type(&ty))
}

/// A reference to an expression: `x` for `*x`, else `&x`.
pub fn referenced(file: &SourceFile, expr: &syn::Expr) -> String {
    match expr {
        syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => file.text_of(&u.expr).to_owned(),
        syn::Expr::Paren(p) => referenced(file, &p.expr),
        other => format!("&{}", file.text_of(other)),
    }
}
