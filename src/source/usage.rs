//! A syntax node and a local name in; every use of that name, and what the use does with it, out.

use super::visit::{self, Visit};
use proc_macro2::{TokenStream, TokenTree};

use super::SourceFile;
pub use super::std_methods::{is_changing_method, is_pure_reading_method, is_reading_method};
use crate::model::TextRange;

/// What a use does with a place (`x`, `x.field`, `x[i]`, `*x`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// `&x`, or an argument of a formatting macro.
    Read,
    /// An operand of a comparison.
    Compare,
    /// `x.method(…)`: it may take `self`, `&self` or `&mut self`.
    Method(String),
    /// What `match` or `if let` looks at.
    Scrutinee,
    /// `for … in x`.
    Iterated,
    /// Assigned to, or borrowed mutably.
    Mutate,
    /// Any other position: moved, or copied if the type is `Copy`.
    Value,
    /// Somewhere in the arguments of a macro whose meaning is not known.
    Opaque,
}

/// One use of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The name itself.
    pub name: TextRange,
    /// The place expression around it, `x.field[0]` for `x`.
    pub place: TextRange,
    /// The expression that holds the place where it matters: `&x` for [`How::Read`], the call for [`How::Method`].
    pub whole: TextRange,
    /// Names of the fields from `x` on, up to the first index or dereference.
    pub fields: Vec<String>,
    /// True if the place is the bare name.
    pub is_bare: bool,
    /// What is done with it.
    pub how: How,
    /// True inside a closure or an `async` block that begins inside the node looked at.
    pub is_captured: bool,
}

impl Use {
    /// True if the use leaves the place as it is for certain.
    pub fn is_read(&self) -> bool {
        match &self.how {
            How::Read | How::Compare => true,
            How::Method(name) => is_reading_method(name),
            // A part that is used by value is copied out, or the borrow checker objects.
            How::Value => !self.is_bare,
            _ => false,
        }
    }

    /// True if the use changes, moves or hides the place, as far as names tell.
    pub fn is_change(&self) -> bool {
        match &self.how {
            How::Mutate | How::Opaque => true,
            How::Method(name) => is_changing_method(name),
            How::Value | How::Iterated | How::Scrutinee => self.is_bare,
            How::Read | How::Compare => false,
        }
    }
}

/// Every use of `name` inside a block, in the order of the text. Uses behind a shadowing are listed as well: ask
/// [`bindings`] first.
pub fn uses(file: &SourceFile, block: &syn::Block, name: &str) -> Vec<Use> {
    let mut walk = Walk { file, name, captured: 0, out: Vec::new() };
    walk.visit_block(block);
    walk.sorted()
}

/// As [`uses`], inside an expression.
pub fn uses_in_expr(file: &SourceFile, expr: &syn::Expr, name: &str) -> Vec<Use> {
    let mut walk = Walk { file, name, captured: 0, out: Vec::new() };
    walk.visit_expr(expr);
    walk.sorted()
}

/// Every pattern inside a block that binds `name`, closures' and nested functions' parameters included.
pub fn bindings(file: &SourceFile, block: &syn::Block, name: &str) -> Vec<TextRange> {
    struct Patterns<'a> {
        file: &'a SourceFile,
        name: &'a str,
        out: Vec<TextRange>,
    }
    impl<'ast> Visit<'ast> for Patterns<'_> {
        fn visit_pat_ident(&mut self, node: &'ast syn::PatIdent) {
            if node.ident == self.name {
                self.out.push(self.file.span_range(node.ident.span()));
            }
            visit::visit_pat_ident(self, node);
        }
    }
    let mut walk = Patterns { file, name, out: Vec::new() };
    walk.visit_block(block);
    walk.out
}

/// True if a block uses the name, and only its parts or its methods: whether it is the value or a reference to it makes no
/// difference there.
pub fn is_only_looked_at(file: &SourceFile, block: &syn::Block, name: &str) -> bool {
    is_only_looked_at_but(file, block, name, &[])
}

/// As [`is_only_looked_at`], whatever is done with it at these places.
pub fn is_only_looked_at_but(file: &SourceFile, block: &syn::Block, name: &str, but: &[TextRange]) -> bool {
    let mut found = uses(file, block, name);
    found.retain(|u| !but.contains(&u.place) || u.is_captured);
    let is_look = |u: &Use| match &u.how {
        How::Method(method) => !is_changing_method(method) || !u.is_bare,
        How::Value | How::Compare | How::Scrutinee | How::Iterated | How::Read => !u.is_bare,
        How::Mutate | How::Opaque => false,
    };
    !found.is_empty() && found.iter().all(|u| is_look(u) && !u.is_captured) && bindings(file, block, name).is_empty()
}

/// A place: the name at its root, its fields, and whether an index or a dereference is on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacePath {
    /// The local, or `self`.
    pub root: String,
    /// Fields up to the first index or dereference.
    pub fields: Vec<String>,
    /// True if nothing but fields stands between root and place.
    pub is_plain: bool,
}

/// Reads `x.a.b`, `x[i].c`, `*x`, `(x)` as places; `None` for anything that computes.
pub fn place(expr: &syn::Expr) -> Option<PlacePath> {
    match expr {
        syn::Expr::Path(p) if p.qself.is_none() => {
            let root = p.path.get_ident()?.to_string();
            Some(PlacePath { root, fields: Vec::new(), is_plain: true })
        }
        syn::Expr::Field(f) => {
            let mut base = place(&f.base)?;
            if base.is_plain {
                base.fields.push(match &f.member {
                    syn::Member::Named(name) => name.to_string(),
                    syn::Member::Unnamed(index) => index.index.to_string(),
                });
            }
            Some(base)
        }
        syn::Expr::Index(i) => Some(PlacePath { is_plain: false, ..place(&i.expr)? }),
        syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => {
            Some(PlacePath { is_plain: false, ..place(&u.expr)? })
        }
        syn::Expr::Paren(p) => place(&p.expr),
        syn::Expr::Group(g) => place(&g.expr),
        _ => None,
    }
}

/// True if two places may be the same memory or one inside the other, by their names.
pub fn may_overlap(a: &PlacePath, b_root: &str, b_fields: &[String]) -> bool {
    let common = a.fields.len().min(b_fields.len());
    a.root == b_root && a.fields[..common] == b_fields[..common]
}

/// Arguments of macros that only look at them through references.
const READING_MACROS: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "debug",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "eprint",
    "eprintln",
    "error",
    "format",
    "format_args",
    "info",
    "panic",
    "print",
    "println",
    "todo",
    "trace",
    "unimplemented",
    "unreachable",
    "warn",
    "write",
    "writeln",
];

/// The arguments of a macro whose arguments are plain expressions, and whether it only reads them.
pub(super) fn macro_arguments(mac: &syn::Macro) -> Option<(Vec<syn::Expr>, bool)> {
    let name = mac.path.segments.last()?.ident.to_string();
    let is_reading = READING_MACROS.contains(&name.as_str());
    if !is_reading && !matches!(name.as_str(), "vec" | "dbg" | "matches") {
        return None;
    }
    let tokens = if name == "matches" { before_comma(mac.tokens.clone()) } else { mac.tokens.clone() };
    let list = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
    let arguments: Vec<_> = match mac.parse_body_with(list) {
        Ok(list) if name != "matches" => list.into_iter().collect(),
        _ => match syn::parse2::<syn::ExprRepeat>(quote::quote! { [#tokens] }) {
            Ok(repeat) if name == "vec" => vec![*repeat.expr, *repeat.len],
            _ => vec![syn::parse2(tokens).ok()?],
        },
    };
    Some((arguments, is_reading))
}

fn before_comma(tokens: TokenStream) -> TokenStream {
    tokens.into_iter().take_while(|t| !matches!(t, TokenTree::Punct(p) if p.as_char() == ',')).collect()
}

struct Walk<'a> {
    file: &'a SourceFile,
    name: &'a str,
    captured: u32,
    out: Vec<Use>,
}

impl Walk<'_> {
    fn sorted(mut self) -> Vec<Use> {
        self.out.sort_by_key(|u| u.name);
        self.out
    }

    /// Notes the use if `expr` is a place of the name; true if it was a place at all. Indices on the way are walked.
    fn note(&mut self, expr: &syn::Expr, whole: &syn::Expr, how: How) -> bool {
        let Some(path) = place(expr) else { return false };
        if path.root == self.name {
            let is_bare = path.is_plain && path.fields.is_empty();
            let name = self.file.range(root(expr));
            let (place, whole) = (self.file.range(expr), self.file.range(whole));
            let is_captured = self.captured > 0;
            self.out.push(Use { name, place, whole, fields: path.fields, is_bare, how, is_captured });
        }
        self.walk_indices(expr);
        true
    }

    fn walk_indices(&mut self, expr: &syn::Expr) {
        match expr {
            syn::Expr::Index(i) => {
                self.visit_expr(&i.index);
                self.walk_indices(&i.expr);
            }
            syn::Expr::Field(f) => self.walk_indices(&f.base),
            syn::Expr::Unary(u) => self.walk_indices(&u.expr),
            syn::Expr::Paren(p) => self.walk_indices(&p.expr),
            syn::Expr::Group(g) => self.walk_indices(&g.expr),
            _ => {}
        }
    }

    fn note_or_visit(&mut self, expr: &syn::Expr, whole: &syn::Expr, how: How) {
        if !self.note(expr, whole, how) {
            self.visit_expr(expr);
        }
    }

    fn opaque(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.opaque(group.stream()),
                TokenTree::Ident(ident) if ident == self.name => {
                    let range = self.file.span_range(ident.span());
                    self.push_bare(range, How::Opaque);
                }
                TokenTree::Literal(literal) => self.inline_arguments(&literal.to_string(), literal.span(), How::Opaque),
                _ => {}
            }
        }
    }

    fn push_bare(&mut self, range: TextRange, how: How) {
        let is_captured = self.captured > 0;
        self.out.push(Use {
            name: range,
            place: range,
            whole: range,
            fields: Vec::new(),
            is_bare: true,
            how,
            is_captured,
        });
    }

    /// `"{name}"`, `"{name:?}"` and `"{:name$}"` in a format string read the name.
    fn inline_arguments(&mut self, literal: &str, span: proc_macro2::Span, how: How) {
        let is_used = literal.match_indices(self.name).any(|(at, name)| {
            let before = literal[..at].chars().next_back();
            let after = literal[at + name.len()..].chars().next();
            (before == Some('{') && matches!(after, Some('}' | ':'))) || after == Some('$')
        });
        if is_used && literal.contains('"') {
            let range = self.file.span_range(span);
            self.push_bare(range, how);
        }
    }
}

/// The name at the root of a place.
fn root(expr: &syn::Expr) -> &syn::Expr {
    match expr {
        syn::Expr::Field(f) => root(&f.base),
        syn::Expr::Index(i) => root(&i.expr),
        syn::Expr::Unary(u) => root(&u.expr),
        syn::Expr::Paren(p) => root(&p.expr),
        syn::Expr::Group(g) => root(&g.expr),
        other => other,
    }
}

/// True for `+=` and its like.
pub fn is_assignment(op: &syn::BinOp) -> bool {
    use syn::BinOp::*;
    matches!(
        op,
        AddAssign(_)
            | SubAssign(_)
            | MulAssign(_)
            | DivAssign(_)
            | RemAssign(_)
            | BitXorAssign(_)
            | BitAndAssign(_)
            | BitOrAssign(_)
            | ShlAssign(_)
            | ShrAssign(_)
    )
}

fn is_comparison(op: &syn::BinOp) -> bool {
    use syn::BinOp::*;
    matches!(op, Eq(_) | Lt(_) | Le(_) | Ne(_) | Ge(_) | Gt(_))
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_expr(&mut self, node: &'ast syn::Expr) {
        match node {
            syn::Expr::Reference(r) => {
                let how = if r.mutability.is_some() { How::Mutate } else { How::Read };
                self.note_or_visit(&r.expr, node, how);
            }
            syn::Expr::RawAddr(r) => self.note_or_visit(&r.expr, node, How::Mutate),
            syn::Expr::Assign(a) => {
                self.note_or_visit(&a.left, node, How::Mutate);
                self.visit_expr(&a.right);
            }
            syn::Expr::Binary(b) if is_assignment(&b.op) => {
                self.note_or_visit(&b.left, node, How::Mutate);
                self.visit_expr(&b.right);
            }
            syn::Expr::Binary(b) if is_comparison(&b.op) => {
                self.note_or_visit(&b.left, node, How::Compare);
                self.note_or_visit(&b.right, node, How::Compare);
            }
            syn::Expr::MethodCall(call) => {
                self.note_or_visit(&call.receiver, node, How::Method(call.method.to_string()));
                call.args.iter().for_each(|arg| self.visit_expr(arg));
            }
            syn::Expr::ForLoop(l) => {
                self.note_or_visit(&l.expr, node, How::Iterated);
                self.visit_block(&l.body);
            }
            syn::Expr::Match(m) => {
                self.note_or_visit(&m.expr, node, How::Scrutinee);
                m.arms.iter().for_each(|arm| self.visit_arm(arm));
            }
            syn::Expr::Let(l) => {
                self.note_or_visit(&l.expr, node, How::Scrutinee);
                self.visit_pat(&l.pat);
            }
            syn::Expr::Closure(c) => {
                self.captured += 1;
                self.visit_expr(&c.body);
                self.captured -= 1;
            }
            syn::Expr::Async(a) => {
                self.captured += 1;
                self.visit_block(&a.block);
                self.captured -= 1;
            }
            _ if self.note(node, node, How::Value) => {}
            _ => visit::visit_expr(self, node),
        }
    }

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        let Some((arguments, is_reading)) = macro_arguments(node) else {
            return self.opaque(node.tokens.clone());
        };
        for argument in &arguments {
            let argument = match argument {
                syn::Expr::Assign(named) => &*named.right,
                other => other,
            };
            if let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = argument {
                self.inline_arguments(&text.token().to_string(), text.span(), How::Read);
            } else if is_reading {
                self.note_or_visit(argument, argument, How::Read);
            } else {
                self.visit_expr(argument);
            }
        }
    }

    /// Nested functions do not see the locals around them.
    fn visit_item(&mut self, _: &'ast syn::Item) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileRole, function_body};

    #[track_caller]
    fn check(body: &str, expected: &[(&str, How)]) {
        let text = format!("fn f() {{ {body} }}");
        let file = SourceFile::parse("a.rs", &text, &FileRole::default()).unwrap();
        let block = function_body(&file, TextRange::new(9, 9)).unwrap();
        let found: Vec<_> =
            uses(&file, block, "x").into_iter().map(|u| (file.slice(u.place).to_owned(), u.how)).collect();
        let expected: Vec<_> = expected.iter().map(|(s, h)| ((*s).to_owned(), h.clone())).collect();
        assert_eq!(found, expected, "{body}");
    }

    #[test]
    fn the_position_of_a_name_says_what_is_done_with_it() {
        let method = |name: &str| How::Method(name.to_owned());
        check(
            "f(&x); f(&mut x.a); x.b = 1; x += 1;",
            &[("x", How::Read), ("x.a", How::Mutate), ("x.b", How::Mutate), ("x", How::Mutate)],
        );
        check(
            "x.len(); x.a.push(x.b); (x).go()",
            &[("x", method("len")), ("x.a", method("push")), ("x.b", How::Value), ("(x)", method("go"))],
        );
        check(
            "if x == y {} for a in x {} match x.a {} if let Some(b) = x {}",
            &[("x", How::Compare), ("x", How::Iterated), ("x.a", How::Scrutinee), ("x", How::Scrutinee)],
        );
        check("g(x); S { x }; return x", &[("x", How::Value), ("x", How::Value), ("x", How::Value)]);
        check("a[x.i] = y[x]; *x", &[("x.i", How::Value), ("x", How::Value), ("*x", How::Value)]);
    }

    #[test]
    fn known_macros_read_and_unknown_ones_hide() {
        check(
            "println!(\"{} {x:?}\", x.a); assert_eq!(x, 1); vec![x; 3];",
            &[("\"{} {x:?}\"", How::Read), ("x.a", How::Read), ("x", How::Read), ("x", How::Value)],
        );
        check("json!({ \"a\": x }); matches!(x, Some(x))", &[("x", How::Opaque), ("x", How::Value)]);
        check("println!(\"x {y}\"); println!(\"{xx}\");", &[]);
    }

    #[test]
    fn other_things_of_the_same_name_are_no_uses() {
        check("a.x; x::y(); fn g(x: u8) { x } y.x(); S { x: 1 }", &[]);
    }

    #[test]
    fn captures_are_marked() {
        let text = "fn f() { x; let c = || x; async { &x } }";
        let file = SourceFile::parse("a.rs", text, &FileRole::default()).unwrap();
        let block = function_body(&file, TextRange::new(9, 9)).unwrap();
        let found: Vec<bool> = uses(&file, block, "x").into_iter().map(|u| u.is_captured).collect();
        assert_eq!(found, [false, true, true]);
    }

    #[test]
    fn places_overlap_by_their_fields() {
        let path = |text: &str| place(&syn::parse_str(text).unwrap()).unwrap();
        let fields = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert!(may_overlap(&path("self.a.b"), "self", &fields(&["a"])));
        assert!(may_overlap(&path("self"), "self", &fields(&["a"])));
        assert!(!may_overlap(&path("self.a"), "self", &fields(&["b"])));
        assert!(!may_overlap(&path("x"), "y", &[]));
        assert!(may_overlap(&path("x.a[0].b"), "x", &fields(&["a", "c"])));
    }
}
