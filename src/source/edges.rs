//! A node of a syntax tree in; its first and last spans out, without printing the node.
//!
//! syn finds the span of a node by printing all of its tokens, which costs as much as the node is large: asked for every
//! node of a file, that is quadratic in its depth. Here the leftmost and the rightmost child are followed instead. Nodes
//! that are rarely asked for are still printed.

use std::any::Any;

use proc_macro2::Span;
use proc_macro2::extra::DelimSpan;
use syn::spanned::Spanned;
use syn::{Expr, Item, Stmt};

/// The spans of the first and the last token of a node.
pub(super) fn edges<T: Spanned + 'static>(node: &T) -> (Span, Span) {
    known(node).unwrap_or_else(|| both(node.span()))
}

/// True for nodes that doc comments may lead, without which a lean tree was parsed.
pub(super) fn may_have_docs(node: &dyn Any) -> bool {
    node.is::<Item>()
        || node.is::<Stmt>()
        || node.is::<syn::Field>()
        || node.is::<syn::ImplItem>()
        || node.is::<syn::TraitItem>()
        || node.is::<syn::ImplItemFn>()
        || node.is::<syn::TraitItemFn>()
        || node.is::<syn::ItemFn>()
        || node.is::<syn::ItemStruct>()
        || node.is::<syn::ItemEnum>()
        || node.is::<syn::ItemImpl>()
        || node.is::<syn::ItemMod>()
        || node.is::<syn::ItemTrait>()
        || node.is::<syn::ItemUse>()
        || node.is::<syn::ItemConst>()
        || node.is::<syn::ItemStatic>()
        || node.is::<syn::ItemType>()
}

fn both(span: Span) -> (Span, Span) {
    (span, span)
}

fn known(node: &dyn Any) -> Option<(Span, Span)> {
    if let Some(expr) = node.downcast_ref::<Expr>() {
        return Some((first(expr), last(expr)));
    }
    if let Some(call) = node.downcast_ref::<syn::ExprMethodCall>() {
        return Some((led(&call.attrs, || first(&call.receiver)), call.paren_token.span.close()));
    }
    if let Some(stmt) = node.downcast_ref::<Stmt>() {
        return Some(of_stmt(stmt));
    }
    if let Some(ident) = node.downcast_ref::<syn::Ident>() {
        return Some(both(ident.span()));
    }
    if let Some(block) = node.downcast_ref::<syn::Block>() {
        return Some(of_pair(&block.brace_token.span));
    }
    if let Some(block) = node.downcast_ref::<Box<syn::Block>>() {
        return Some(of_pair(&block.brace_token.span));
    }
    if let Some(expr) = node.downcast_ref::<Box<Expr>>() {
        return Some((first(expr), last(expr)));
    }
    if let Some(pat) = node.downcast_ref::<syn::Pat>() {
        return Some(of_pat(pat));
    }
    if let Some(f) = node.downcast_ref::<syn::ItemFn>() {
        return Some(of_fn(f));
    }
    if let Some(f) = node.downcast_ref::<syn::ImplItemFn>() {
        let start = led(&f.attrs, || {
            visible(&f.vis, || f.modifiers.defaultness.as_ref().map_or_else(|| first_of_signature(&f.sig), |t| t.span))
        });
        return Some((start, f.block.brace_token.span.close()));
    }
    if let Some(f) = node.downcast_ref::<syn::TraitItemFn>() {
        let block = f.default.as_ref()?;
        return (f.modifiers.defaultness.is_none())
            .then(|| (led(&f.attrs, || first_of_signature(&f.sig)), block.brace_token.span.close()));
    }
    if let Some(arm) = node.downcast_ref::<syn::Arm>() {
        let end = arm.comma.as_ref().map_or_else(|| last(&arm.body), |comma| comma.span);
        return Some((led(&arm.attrs, || of_pat(&arm.pat).0), end));
    }
    if let Some(field) = node.downcast_ref::<syn::Field>() {
        let name = field.ident.as_ref()?;
        return Some((led(&field.attrs, || visible(&field.vis, || name.span())), last_of_type(&field.ty)));
    }
    if let Some(ty) = node.downcast_ref::<syn::Type>() {
        return Some((first_of_type(ty), last_of_type(ty)));
    }
    node.downcast_ref::<Item>().map(of_item)
}

fn first_of_type(ty: &syn::Type) -> Span {
    match ty {
        syn::Type::Path(ty) => first_of_path(ty.qself.as_ref(), &ty.path),
        syn::Type::Reference(ty) => ty.and_token.span,
        other => other.span(),
    }
}

fn last_of_type(ty: &syn::Type) -> Span {
    match ty {
        syn::Type::Path(path) if path.qself.is_none() => last_segment(&path.path).unwrap_or_else(|| ty.span()),
        syn::Type::Reference(ty) => last_of_type(&ty.elem),
        other => other.span(),
    }
}

fn last_segment(path: &syn::Path) -> Option<Span> {
    let segment = path.segments.last()?;
    match &segment.arguments {
        syn::PathArguments::None => Some(segment.ident.span()),
        syn::PathArguments::AngleBracketed(arguments) => Some(arguments.gt_token.span),
        syn::PathArguments::Parenthesized(_) => None,
    }
}

fn of_pair(span: &DelimSpan) -> (Span, Span) {
    (span.open(), span.close())
}

/// The first outer attribute, or what follows the attributes.
fn led(attrs: &[syn::Attribute], rest: impl FnOnce() -> Span) -> Span {
    let outer = attrs.iter().find(|a| matches!(a.style, syn::AttrStyle::Outer));
    outer.map_or_else(rest, |a| a.pound_token.span)
}

fn visible(vis: &syn::Visibility, rest: impl FnOnce() -> Span) -> Span {
    match vis {
        syn::Visibility::Public(token) => token.span,
        syn::Visibility::Restricted(restricted) => restricted.pub_token.span,
        syn::Visibility::Inherited => rest(),
    }
}

/// The first token of a function's signature.
pub(super) fn first_of_signature(sig: &syn::Signature) -> Span {
    let safety = match &sig.safety {
        syn::Safety::Safe(token) => Some(token.span()),
        syn::Safety::Unsafe(token) => Some(token.span),
        syn::Safety::Default => None,
    };
    let before = sig.constness.as_ref().map(|t| t.span).or(sig.asyncness.as_ref().map(|t| t.span));
    let abi = || sig.abi.as_ref().map(|abi| abi.extern_token.span);
    before.or(safety).or_else(abi).unwrap_or(sig.fn_token.span)
}

fn of_fn(f: &syn::ItemFn) -> (Span, Span) {
    (led(&f.attrs, || visible(&f.vis, || first_of_signature(&f.sig))), f.block.brace_token.span.close())
}

fn of_stmt(stmt: &Stmt) -> (Span, Span) {
    match stmt {
        Stmt::Local(local) => (led(&local.attrs, || local.let_token.span), local.semi_token.span),
        Stmt::Item(item) => of_item(item),
        Stmt::Expr(expr, semi) => (first(expr), semi.as_ref().map_or_else(|| last(expr), |semi| semi.span)),
        Stmt::Macro(mac) => {
            let end = mac.semi_token.as_ref().map_or_else(|| mac.mac.delimiter.span().close(), |semi| semi.span);
            (led(&mac.attrs, || first_of_path(None, &mac.mac.path)), end)
        }
    }
}

fn of_item(item: &Item) -> (Span, Span) {
    match item {
        Item::Fn(f) => of_fn(f),
        Item::Impl(i) => {
            let defaultness = i.modifiers.defaultness.as_ref().map(|t| t.span);
            let unsafety = i.unsafety.as_ref().map(|t| t.span);
            let begin = || defaultness.or(unsafety).unwrap_or(i.impl_token.span);
            (led(&i.attrs, begin), i.brace_token.span.close())
        }
        Item::Mod(m) => match &m.content {
            Some((brace, _)) => {
                let begin = || visible(&m.vis, || m.unsafety.as_ref().map_or(m.mod_token.span, |t| t.span));
                (led(&m.attrs, begin), brace.span.close())
            }
            None => both(m.span()),
        },
        Item::Enum(e) => (led(&e.attrs, || visible(&e.vis, || e.enum_token.span)), e.brace_token.span.close()),
        Item::Struct(s) => match &s.fields {
            syn::Fields::Named(fields) => {
                (led(&s.attrs, || visible(&s.vis, || s.struct_token.span)), fields.brace_token.span.close())
            }
            _ => both(s.span()),
        },
        Item::Const(c) => (led(&c.attrs, || visible(&c.vis, || c.const_token.span)), c.semi_token.span),
        Item::Static(s) => (led(&s.attrs, || visible(&s.vis, || s.static_token.span)), s.semi_token.span),
        Item::Use(u) => (led(&u.attrs, || visible(&u.vis, || u.use_token.span)), u.semi_token.span),
        Item::Type(t) => (led(&t.attrs, || visible(&t.vis, || t.type_token.span)), t.semi_token.span),
        other => both(other.span()),
    }
}

fn of_pat(pat: &syn::Pat) -> (Span, Span) {
    match pat {
        syn::Pat::Ident(p)
            if p.attrs.is_empty() && p.by_ref.is_none() && p.mutability.is_none() && p.subpat.is_none() =>
        {
            both(p.ident.span())
        }
        syn::Pat::Wild(p) if p.attrs.is_empty() => both(p.underscore_token.span),
        syn::Pat::Tuple(p) if p.attrs.is_empty() => of_pair(&p.paren_token.span),
        syn::Pat::TupleStruct(p) if p.attrs.is_empty() && p.qself.is_none() => {
            (first_of_path(None, &p.path), p.paren_token.span.close())
        }
        other => both(other.span()),
    }
}

fn first_of_path(qself: Option<&syn::QSelf>, path: &syn::Path) -> Span {
    if let Some(qself) = qself {
        return qself.lt_token.span;
    }
    match (&path.leading_colon, path.segments.first()) {
        (Some(colon), _) => colon.spans[0],
        (None, Some(segment)) => segment.ident.span(),
        (None, None) => path.span(),
    }
}

fn last_of_path(node: &syn::ExprPath) -> Span {
    let plain = node.qself.is_none().then(|| last_segment(&node.path)).flatten();
    plain.unwrap_or_else(|| node.span())
}

fn first(expr: &Expr) -> Span {
    match expr {
        Expr::Array(e) => led(&e.attrs, || e.bracket_token.span.open()),
        Expr::Assign(e) => led(&e.attrs, || first(&e.left)),
        Expr::Async(e) => led(&e.attrs, || e.async_token.span),
        Expr::Await(e) => led(&e.attrs, || first(&e.base)),
        Expr::Binary(e) => led(&e.attrs, || first(&e.left)),
        Expr::Block(e) => led(&e.attrs, || labelled(e.label.as_ref(), e.block.brace_token.span.open())),
        Expr::Break(e) => led(&e.attrs, || e.break_token.span),
        Expr::Call(e) => led(&e.attrs, || first(&e.func)),
        Expr::Cast(e) => led(&e.attrs, || first(&e.expr)),
        Expr::Closure(e) if e.lifetimes.is_none() && e.constness.is_none() => led(&e.attrs, || {
            let before = e.asyncness.as_ref().map(|t| t.span).or(e.capture.as_ref().map(|t| t.span));
            before.unwrap_or(e.inputs_begin.span)
        }),
        Expr::Const(e) => led(&e.attrs, || e.const_token.span),
        Expr::Continue(e) => led(&e.attrs, || e.continue_token.span),
        Expr::Field(e) => led(&e.attrs, || first(&e.base)),
        Expr::ForLoop(e) => led(&e.attrs, || labelled(e.label.as_ref(), e.for_token.span)),
        Expr::If(e) => led(&e.attrs, || e.if_token.span),
        Expr::Index(e) => led(&e.attrs, || first(&e.expr)),
        Expr::Infer(e) => led(&e.attrs, || e.underscore_token.span),
        Expr::Let(e) => led(&e.attrs, || e.let_token.span),
        Expr::Lit(e) => led(&e.attrs, || e.lit.span()),
        Expr::Loop(e) => led(&e.attrs, || labelled(e.label.as_ref(), e.loop_token.span)),
        Expr::Macro(e) => led(&e.attrs, || first_of_path(None, &e.mac.path)),
        Expr::Match(e) => led(&e.attrs, || e.match_token.span),
        Expr::MethodCall(e) => led(&e.attrs, || first(&e.receiver)),
        Expr::Paren(e) => led(&e.attrs, || e.paren_token.span.open()),
        Expr::Path(e) => led(&e.attrs, || first_of_path(e.qself.as_ref(), &e.path)),
        Expr::Range(e) => led(&e.attrs, || match &e.start {
            Some(start) => first(start),
            None => limits(&e.limits).0,
        }),
        Expr::RawAddr(e) => led(&e.attrs, || e.and_token.span),
        Expr::Reference(e) => led(&e.attrs, || e.and_token.span),
        Expr::Repeat(e) => led(&e.attrs, || e.bracket_token.span.open()),
        Expr::Return(e) => led(&e.attrs, || e.return_token.span),
        Expr::Struct(e) => led(&e.attrs, || first_of_path(e.qself.as_ref(), &e.path)),
        Expr::Try(e) => led(&e.attrs, || first(&e.expr)),
        Expr::TryBlock(e) => led(&e.attrs, || e.try_token.span),
        Expr::Tuple(e) => led(&e.attrs, || e.paren_token.span.open()),
        Expr::Unary(e) => led(&e.attrs, || match &e.op {
            syn::UnOp::Deref(t) => t.span,
            syn::UnOp::Not(t) => t.span,
            syn::UnOp::Neg(t) => t.span,
            _ => e.span(),
        }),
        Expr::Unsafe(e) => led(&e.attrs, || e.unsafe_token.span),
        Expr::While(e) => led(&e.attrs, || labelled(e.label.as_ref(), e.while_token.span)),
        Expr::Yield(e) => led(&e.attrs, || e.yield_token.span),
        other => other.span(),
    }
}

fn labelled(label: Option<&syn::Label>, span: Span) -> Span {
    label.map_or(span, |label| label.name.apostrophe)
}

fn limits(limits: &syn::RangeLimits) -> (Span, Span) {
    match limits {
        syn::RangeLimits::HalfOpen(token) => (token.spans[0], token.spans[1]),
        syn::RangeLimits::Closed(token) => (token.spans[0], token.spans[2]),
    }
}

fn last(expr: &Expr) -> Span {
    match expr {
        Expr::Array(e) => e.bracket_token.span.close(),
        Expr::Assign(e) => last(&e.right),
        Expr::Async(e) => e.block.brace_token.span.close(),
        Expr::Await(e) => e.await_token.span,
        Expr::Binary(e) => last(&e.right),
        Expr::Block(e) => e.block.brace_token.span.close(),
        Expr::Call(e) => e.paren_token.span.close(),
        Expr::Const(e) => e.block.brace_token.span.close(),
        Expr::Closure(e) if matches!(e.output, syn::ReturnType::Default) => last(&e.body),
        Expr::Field(e) => match &e.member {
            syn::Member::Named(ident) => ident.span(),
            syn::Member::Unnamed(index) => index.span,
        },
        Expr::ForLoop(e) => e.body.brace_token.span.close(),
        Expr::If(e) => match &e.else_branch {
            Some((_, otherwise)) => last(otherwise),
            None => e.then_branch.brace_token.span.close(),
        },
        Expr::Index(e) => e.bracket_token.span.close(),
        Expr::Infer(e) => e.underscore_token.span,
        Expr::Let(e) => last(&e.expr),
        Expr::Lit(e) => e.lit.span(),
        Expr::Loop(e) => e.body.brace_token.span.close(),
        Expr::Macro(e) => e.mac.delimiter.span().close(),
        Expr::Match(e) => e.brace_token.span.close(),
        Expr::MethodCall(e) => e.paren_token.span.close(),
        Expr::Paren(e) => e.paren_token.span.close(),
        Expr::Path(e) => last_of_path(e),
        Expr::Range(e) => e.end.as_ref().map_or_else(|| limits(&e.limits).1, |end| last(end)),
        Expr::RawAddr(e) => last(&e.expr),
        Expr::Reference(e) => last(&e.expr),
        Expr::Repeat(e) => e.bracket_token.span.close(),
        Expr::Return(e) => e.expr.as_ref().map_or(e.return_token.span, |value| last(value)),
        Expr::Struct(e) => e.brace_token.span.close(),
        Expr::Try(e) => e.question_token.span,
        Expr::TryBlock(e) => e.block.brace_token.span.close(),
        Expr::Tuple(e) => e.paren_token.span.close(),
        Expr::Unary(e) => last(&e.expr),
        Expr::Unsafe(e) => e.block.brace_token.span.close(),
        Expr::While(e) => e.body.brace_token.span.close(),
        other => other.span(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::visit::{self, Visit};
    use crate::source::{FileRole, SourceFile};

    /// Compares with what printing says, node by node.
    struct Compare<'a> {
        file: &'a SourceFile,
        seen: usize,
    }

    impl Compare<'_> {
        #[track_caller]
        fn check<T: Spanned + 'static>(&mut self, node: &T) {
            let printed = node.span().byte_range();
            let base = self.file.text.len() - self.file.text.trim_start_matches('\u{feff}').len();
            let range = self.file.range(node);
            assert_eq!(range.bytes(), printed.start + base..printed.end + base, "{}", self.file.slice(range));
            self.seen += 1;
        }
    }

    impl<'ast> Visit<'ast> for Compare<'_> {
        fn visit_expr(&mut self, node: &'ast Expr) {
            self.check(node);
            visit::visit_expr(self, node);
        }
        fn visit_stmt(&mut self, node: &'ast Stmt) {
            self.check(node);
            visit::visit_stmt(self, node);
        }
        fn visit_pat(&mut self, node: &'ast syn::Pat) {
            self.check(node);
            visit::visit_pat(self, node);
        }
        fn visit_type(&mut self, node: &'ast syn::Type) {
            self.check(node);
            visit::visit_type(self, node);
        }
        fn visit_field(&mut self, node: &'ast syn::Field) {
            self.check(node);
            visit::visit_field(self, node);
        }
        fn visit_arm(&mut self, node: &'ast syn::Arm) {
            self.check(node);
            visit::visit_arm(self, node);
        }
        fn visit_block(&mut self, node: &'ast syn::Block) {
            self.check(node);
            visit::visit_block(self, node);
        }
        fn visit_item(&mut self, node: &'ast Item) {
            self.check(node);
            visit::visit_item(self, node);
        }
        fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
            self.check(node);
            visit::visit_impl_item_fn(self, node);
        }
        fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
            self.check(node);
            visit::visit_trait_item_fn(self, node);
        }
    }

    #[track_caller]
    fn check(text: &str) -> usize {
        let file = SourceFile::parse("a.rs", text, &FileRole::default()).unwrap();
        let mut compare = Compare { file: &file, seen: 0 };
        compare.visit_file(&file.ast);
        compare.seen
    }

    #[test]
    fn every_form_has_the_edges_that_printing_finds() {
        let seen = check(
            "\u{feff}#![a] #[b] pub(crate) const unsafe extern \"C\" fn f(&self) -> u8 { #![c] let (a, mut b) = x else { return }; 1 }
             /// doc\npub async fn g<T>() where T: 'static { 'l: for i in 0.. { break 'l; } 'm: loop { continue } }
             unsafe impl<T> X for Y<T> { pub default fn h() {} #[d] fn i() {} const C: u8 = 1; }
             pub trait Z { fn k() {} fn l(); unsafe fn m() {} async fn n() {} }
             enum E { A } struct S { a: u8, #[z] pub b: &'static mut a::B<u8>, c: Box<dyn Fn(u8) -> u8>, d: <T as U>::V, e: fn() } struct P(u8); struct U; pub static Q: u8 = 0; type O = u8; use a::{b, c};
             mod r { fn s() {} } mod t; macro_rules! u { () => {} } extern crate std; union V { a: u8 }
             fn w() {
                 #[cfg(x)] let _ = [é, 2]; a = b; async move {}; a.b().await?; x as u8 + 1; {} ; 'b: { break 'b 1 };
                 move |x| x; |x: u8| -> u8 { x }; async || 1; for<'a> |x: &'a u8| x; if a { } else if b { } else { };
                 if let Some(x) = y && z {} x[1][2]; ..; 1..; ..=2; a..b; &raw const x; &mut *x; &&y; -1; !a; [0; 4];
                 a::<u8>; ::a::b; <T as U>::c; <T>::d; a::B { c: 1, ..d }; (1, 2); (3); (); while a {} ; return; return 1;
                 unsafe {} ; const {} ; println!(\"é{}\", 1); vec![1]; m! { 2 } a.0.1; a.b.c; \"a\"; b\"b\"; 'c'; 1.5; true;
                 match x { A(_) | B { .. } => 1, #[y] ref mut c @ 1..=2 if d => { 2 } (a, _) => {} &e => e, _ => {} }
                 fn inner() {} a.b(c).d(e)
             }",
        );
        assert!(seen > 250, "{seen} nodes");
    }

    #[test]
    fn line_ends_and_letters_of_several_bytes_do_not_shift_them() {
        check("fn früh() {\r\n    let é = \"ü\";\r\n    é.len() /* ß */ + 1\r\n}\r\n");
        check("fn a() {\n\tlet s = \"über\nzwei ö\"; s }\n");
    }
}
