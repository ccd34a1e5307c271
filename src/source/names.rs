//! A name and a stretch of syntax in; where and how the name is used there, what imports it, and names still free, out.

use super::visit::{self, Visit};
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;

use super::SourceFile;
use super::functions::{functions, items};

/// How a local name is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use {
    /// Receiver of this method.
    Method(String),
    /// `&name`.
    Borrow,
    /// `&mut name`.
    BorrowMut,
    /// `name[…]`.
    Index,
    /// `name.field`.
    Field,
    /// `name == …`, `… < name`.
    Compare,
    /// An argument of a formatting macro, which borrows it.
    Format,
    /// Captured by the text of a format string, `{name}`: no token of its own.
    Captured,
    /// `name = …`, `name += …`.
    Assign,
    /// Anything else: moved, returned, called, matched on.
    Other,
}

/// One use: how, and the identifier.
#[derive(Clone, Debug)]
pub struct NameUse {
    /// How.
    pub how: Use,
    /// The identifier where it stands; for [`Use::Captured`] that of the macro.
    pub ident: Ident,
}

/// How a local `name` is used in a block. `None` where an unknown macro mentions it or the name is bound again.
pub fn uses<'a>(stmts: impl IntoIterator<Item = &'a syn::Stmt>, name: &str) -> Option<Vec<NameUse>> {
    let mut seen = Uses { name, found: Vec::new(), opaque: false };
    for stmt in stmts {
        seen.visit_stmt(stmt);
    }
    (!seen.opaque).then_some(seen.found)
}

/// The path of a plain name, through parentheses.
pub fn plain_name(expr: &syn::Expr) -> Option<&Ident> {
    match peel(expr) {
        syn::Expr::Path(path) if path.qself.is_none() => path.path.get_ident(),
        _ => None,
    }
}

/// The expression without parentheses and invisible groups around it.
pub fn peel(expr: &syn::Expr) -> &syn::Expr {
    match expr {
        syn::Expr::Paren(inner) => peel(&inner.expr),
        syn::Expr::Group(inner) => peel(&inner.expr),
        other => other,
    }
}

/// The local name at the root of a place: `a` of `a`, `a.b`, `a.b[0]`, `*a`.
pub fn root(expr: &syn::Expr) -> Option<&Ident> {
    match peel(expr) {
        syn::Expr::Field(field) => root(&field.base),
        syn::Expr::Index(index) => root(&index.expr),
        syn::Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Deref(_)) => root(&unary.expr),
        other => plain_name(other),
    }
}

/// True where the tokens hold this identifier, or a string literal that captures it as `{name}`.
pub fn mentions(node: &impl ToTokens, name: &str) -> bool {
    mentions_any(node, &[name])
}

/// True where the tokens hold one of these identifiers; as [`mentions`], but the tokens are walked once.
pub fn mentions_any(node: &impl ToTokens, names: &[&str]) -> bool {
    fn walk(tokens: TokenStream, names: &[&str]) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => names.iter().any(|name| ident == name),
            TokenTree::Group(group) => walk(group.stream(), names),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                names.iter().any(|name| captures(&text, name))
            }
            TokenTree::Punct(_) => false,
        })
    }
    walk(node.to_token_stream(), names)
}

/// True where a format string captures `name`, as `{name}` or `{name:…}`.
pub fn captures(text: &str, name: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        rest = &rest[at + 1..];
        let word: &str = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        if word == name || rest.split('}').next().is_some_and(|inner| inner.contains(&format!("{name}$"))) {
            return true;
        }
    }
    false
}

/// All names that patterns inside the expression bind.
pub fn bound_in(expr: &syn::Expr) -> Vec<String> {
    let mut bound = Bound { names: Vec::new() };
    bound.visit_expr(expr);
    bound.names
}

/// All names that a pattern binds.
pub fn bound_by(pat: &syn::Pat) -> Vec<String> {
    let mut bound = Bound { names: Vec::new() };
    bound.visit_pat(pat);
    bound.names
}

struct Bound {
    names: Vec<String>,
}

impl<'a> Visit<'a> for Bound {
    fn visit_pat_ident(&mut self, node: &'a syn::PatIdent) {
        self.names.push(node.ident.to_string());
        visit::visit_pat_ident(self, node);
    }
}

/// The arguments of a macro of std or a logging crate that takes expressions; `None` for every other macro.
pub fn arguments(mac: &syn::Macro) -> Option<Vec<syn::Expr>> {
    let known = FORMATTING.contains(&name_of(mac).as_str()) || EXPRESSIONS.contains(&name_of(mac).as_str());
    if !known {
        return None;
    }
    mac.parse_body_with(Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated).ok().map(|p| p.into_iter().collect())
}

/// True for macros whose arguments after the format string are only borrowed.
pub fn is_formatting(mac: &syn::Macro) -> bool {
    FORMATTING.contains(&name_of(mac).as_str())
}

fn name_of(mac: &syn::Macro) -> String {
    mac.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default()
}

const FORMATTING: &[&str] = &[
    "format",
    "print",
    "println",
    "eprint",
    "eprintln",
    "write",
    "writeln",
    "panic",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "unreachable",
    "format_args",
];
const EXPRESSIONS: &[&str] = &["vec", "dbg"];

/// A name that the syntax does not mention: `base`, or `base` with a number from 2.
pub fn fresh(inside: &impl ToTokens, base: &str) -> String {
    let taken = |name: &str| mentions(inside, name);
    if !taken(base) {
        return base.to_string();
    }
    let numbered = (2..).map(|n| format!("{base}_{n}")).find(|name| !taken(name));
    numbered.unwrap_or_else(|| base.to_string())
}

/// `check_sku` as `CHECK_SKU`.
pub fn screaming(name: &str) -> String {
    name.trim_start_matches("r#").to_uppercase()
}

/// The full paths that `use` declarations of the file give to `name`, `regex::Regex` for `Regex`.
pub fn imports(file: &SourceFile, name: &str) -> Vec<String> {
    let named = all_imports(file).iter().filter(|(n, _)| n == name);
    let mut found: Vec<String> = named.map(|(_, full)| full.clone()).collect();
    found.sort();
    found.dedup();
    found
}

/// Every name that a `use` declaration of the file brings in, with its full path; globs bring in nothing that is known.
pub fn all_imports(file: &SourceFile) -> &[(String, String)] {
    file.imports.get_or_init(|| spelled_imports(file))
}

fn spelled_imports(file: &SourceFile) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for placed in items(&file.ast) {
        if let syn::Item::Use(item) = placed.item {
            spell(&item.tree, "", &mut found);
        }
    }
    for function in functions(file) {
        for stmt in &function.block.stmts {
            if let syn::Stmt::Item(syn::Item::Use(item)) = stmt {
                spell(&item.tree, "", &mut found);
            }
        }
    }
    found
}

fn spell(tree: &syn::UseTree, before: &str, found: &mut Vec<(String, String)>) {
    match tree {
        syn::UseTree::Path(path) => spell(&path.tree, &format!("{before}{}::", path.ident), found),
        // `use std::fs::{self}` brings in `fs`.
        syn::UseTree::Name(last) if last.ident == "self" => {
            let whole = before.trim_end_matches("::");
            let name = whole.rsplit("::").next().unwrap_or(whole);
            found.push((name.to_owned(), whole.to_owned()));
        }
        syn::UseTree::Rename(last) if last.ident == "self" => {
            found.push((last.rename.to_string(), before.trim_end_matches("::").to_owned()));
        }
        syn::UseTree::Name(last) => found.push((last.ident.to_string(), format!("{before}{}", last.ident))),
        syn::UseTree::Rename(last) => found.push((last.rename.to_string(), format!("{before}{}", last.ident))),
        syn::UseTree::Group(group) => group.items.iter().for_each(|tree| spell(tree, before, found)),
        syn::UseTree::Glob(_) => {}
    }
}

struct Uses<'n> {
    name: &'n str,
    found: Vec<NameUse>,
    opaque: bool,
}

impl Uses<'_> {
    fn is(&self, expr: &syn::Expr) -> Option<Ident> {
        plain_name(expr).filter(|ident| *ident == self.name).cloned()
    }

    fn note(&mut self, how: Use, ident: Ident) {
        self.found.push(NameUse { how, ident });
    }

    /// Notes `expr` as a use of that kind if it is the name, and looks inside it otherwise.
    fn operand(&mut self, expr: &syn::Expr, how: Use) {
        match self.is(expr) {
            Some(ident) => self.note(how, ident),
            None => self.visit_expr(expr),
        }
    }

    /// Notes a change of the place `expr` as one of the name at its root, `x` of `x.a[0]`.
    fn place(&mut self, expr: &syn::Expr, how: Use) {
        match root(expr).filter(|ident| *ident == self.name && plain_name(expr).is_none()).cloned() {
            Some(ident) => self.note(how, ident),
            None => self.operand(expr, how),
        }
    }

    fn inside_macro(&mut self, mac: &syn::Macro) {
        if !mentions(&mac.tokens, self.name) {
            return;
        }
        let Some(arguments) = arguments(mac) else {
            self.opaque = true;
            return;
        };
        let how = if is_formatting(mac) { Use::Format } else { Use::Other };
        for argument in &arguments {
            if let syn::Expr::Assign(named) = argument {
                self.operand(&named.right, how.clone());
            } else {
                self.operand(argument, how.clone());
            }
            if let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = argument
                && captures(&text.value(), self.name)
            {
                let ident = Ident::new(self.name, text.span());
                self.note(Use::Captured, ident);
            }
        }
    }
}

fn is_comparison(op: &syn::BinOp) -> bool {
    use syn::BinOp::{Eq, Ge, Gt, Le, Lt, Ne};
    matches!(op, Eq(_) | Ne(_) | Lt(_) | Le(_) | Gt(_) | Ge(_))
}

fn is_assignment(op: &syn::BinOp) -> bool {
    let text = op.to_token_stream().to_string();
    text.ends_with('=') && !is_comparison(op)
}

impl<'a> Visit<'a> for Uses<'_> {
    fn visit_expr_method_call(&mut self, node: &'a syn::ExprMethodCall) {
        self.operand(&node.receiver, Use::Method(node.method.to_string()));
        node.args.iter().for_each(|arg| self.visit_expr(arg));
    }

    fn visit_expr_reference(&mut self, node: &'a syn::ExprReference) {
        match node.mutability {
            Some(_) => self.place(&node.expr, Use::BorrowMut),
            None => self.operand(&node.expr, Use::Borrow),
        }
    }

    fn visit_expr_index(&mut self, node: &'a syn::ExprIndex) {
        self.operand(&node.expr, Use::Index);
        self.visit_expr(&node.index);
    }

    fn visit_expr_field(&mut self, node: &'a syn::ExprField) {
        self.operand(&node.base, Use::Field);
    }

    fn visit_expr_binary(&mut self, node: &'a syn::ExprBinary) {
        let left = if is_comparison(&node.op) {
            Use::Compare
        } else if is_assignment(&node.op) {
            Use::Assign
        } else {
            Use::Other
        };
        let right = if is_comparison(&node.op) { Use::Compare } else { Use::Other };
        match left {
            Use::Assign => self.place(&node.left, left),
            _ => self.operand(&node.left, left),
        }
        self.operand(&node.right, right);
    }

    fn visit_expr_assign(&mut self, node: &'a syn::ExprAssign) {
        self.place(&node.left, Use::Assign);
        self.visit_expr(&node.right);
    }

    fn visit_expr_path(&mut self, node: &'a syn::ExprPath) {
        if node.path.is_ident(self.name)
            && let Some(ident) = node.path.get_ident()
        {
            self.note(Use::Other, ident.clone());
        }
    }

    fn visit_pat_ident(&mut self, node: &'a syn::PatIdent) {
        self.opaque |= node.ident == self.name;
        visit::visit_pat_ident(self, node);
    }

    fn visit_macro(&mut self, node: &'a syn::Macro) {
        self.inside_macro(node);
    }

    // Items inside a body cannot see its locals.
    fn visit_item(&mut self, _: &'a syn::Item) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileRole;

    #[track_caller]
    fn check(body: &str, expected: Option<&[Use]>) {
        let block: syn::Block = syn::parse_str(&format!("{{ {body} }}")).unwrap();
        let seen = uses(&block.stmts, "x").map(|found| found.into_iter().map(|u| u.how).collect::<Vec<_>>());
        assert_eq!(seen.as_deref(), expected, "{body}");
    }

    #[test]
    fn every_use_is_told_by_what_stands_around_it() {
        check("x.len(); f(&x); g(&mut x);", Some(&[Use::Method("len".into()), Use::Borrow, Use::BorrowMut]));
        check(
            "x[0]; x.a; x == y; x = 1; x += 1;",
            Some(&[Use::Index, Use::Field, Use::Compare, Use::Assign, Use::Assign]),
        );
        check("x.a[0] = 1; f(&mut x.a);", Some(&[Use::Assign, Use::BorrowMut]));
        check("f(x); S { x }; return x;", Some(&[Use::Other, Use::Other, Use::Other]));
    }

    #[test]
    fn formatting_macros_are_read_and_unknown_ones_are_opaque() {
        check(r#"println!("{}", x);"#, Some(&[Use::Format]));
        check(r#"println!("{x:?}");"#, Some(&[Use::Captured]));
        check("select!(x);", None);
        check("select!(y);", Some(&[]));
    }

    #[test]
    fn a_field_or_method_of_that_name_is_no_use_and_a_second_binding_ends_the_count() {
        check("y.x; y.x(); let s = S { x: 1 };", Some(&[]));
        check("let x = 2;", None);
        check("v.iter().map(|x| x + 1);", None);
    }

    #[test]
    fn imports_are_spelled_in_full_through_groups_and_renames() {
        let text = "use regex::{Regex, bytes::Regex as Bytes}; use a::b;";
        let file = SourceFile::parse("src/lib.rs", text, &FileRole::default()).unwrap();
        assert_eq!(imports(&file, "Regex"), ["regex::Regex"]);
        assert_eq!(imports(&file, "Bytes"), ["regex::bytes::Regex"]);
        assert!(imports(&file, "c").is_empty());
    }

    #[test]
    fn a_fresh_name_avoids_every_identifier_of_the_file() {
        let file: syn::File = syn::parse_str("static SKU: u32 = 1; fn f() { g!(SKU_2) }").unwrap();
        assert_eq!(fresh(&file, "SKU"), "SKU_3");
        assert_eq!(fresh(&file, "CARD"), "CARD");
    }
}
