//! The name of a struct in; the places of a file that build it field by field out.

use super::visit::{self, Visit};

use super::SourceFile;
use super::functions::head;

/// A place that builds the struct.
pub struct Literal<'a> {
    /// The expression `Name { … }` or `Self { … }`.
    pub node: &'a syn::ExprStruct,
}

impl<'a> Literal<'a> {
    /// The value of a field.
    pub fn value(&self, field: &str) -> Option<&'a syn::Expr> {
        self.field(field).map(|value| &value.expr)
    }

    /// True where the field is written without a colon, as `Name { field }`.
    pub fn is_shorthand(&self, field: &str) -> bool {
        self.field(field).is_some_and(|value| value.colon_token.is_none())
    }

    fn field(&self, field: &str) -> Option<&'a syn::FieldValue> {
        self.node.fields.iter().find(|value| matches!(&value.member, syn::Member::Named(name) if name == field))
    }
}

/// The places of a file that build the struct.
///
/// # Errors
/// A pattern takes the struct apart, so that its fields are named where nothing is built.
pub fn literals<'a>(file: &'a SourceFile, name: &str) -> Result<Vec<Literal<'a>>, String> {
    let mut walk = Literals { name, own: false, found: Vec::new(), is_taken_apart: false };
    walk.visit_file(&file.ast);
    if walk.is_taken_apart {
        return Err(format!("a pattern takes `{name}` apart in {}", file.path));
    }
    Ok(walk.found)
}

struct Literals<'a, 'n> {
    name: &'n str,
    own: bool,
    found: Vec<Literal<'a>>,
    is_taken_apart: bool,
}

impl Literals<'_, '_> {
    fn is_this(&self, path: &syn::Path) -> bool {
        path.segments.last().is_some_and(|s| s.ident == self.name || (self.own && s.ident == "Self"))
    }
}

impl<'a> Visit<'a> for Literals<'a, '_> {
    fn visit_item_impl(&mut self, node: &'a syn::ItemImpl) {
        let before = std::mem::replace(&mut self.own, head(&node.self_ty) == self.name);
        visit::visit_item_impl(self, node);
        self.own = before;
    }

    fn visit_expr_struct(&mut self, node: &'a syn::ExprStruct) {
        if self.is_this(&node.path) {
            self.found.push(Literal { node });
        }
        visit::visit_expr_struct(self, node);
    }

    fn visit_pat_struct(&mut self, node: &'a syn::PatStruct) {
        self.is_taken_apart |= self.is_this(&node.path);
        visit::visit_pat_struct(self, node);
    }
}
