//! A syntax tree in; its blocks and expressions, flat, and what a call, an ending or an exit among them looks like, out.

use super::visit::code::{self as visit, Visit};
use proc_macro2::TokenStream;
use quote::ToTokens;

use super::SourceFile;
use super::names::{peel, plain_name};
use crate::model::TextRange;

/// All blocks of a file that hold statements, those of nested functions and closures included, in the order of the text.
pub fn blocks(file: &SourceFile) -> Vec<&syn::Block> {
    let mut all = Flat { wants: Wants::Blocks, ..Flat::default() };
    all.visit_file(&file.ast);
    all.blocks
}

/// The bodies of all functions of a file, nested functions as bodies of their own.
pub fn bodies(file: &SourceFile) -> Vec<&syn::Block> {
    super::functions::functions(file).into_iter().map(|function| function.block).collect()
}

/// A block and all blocks inside it, but not those of nested items.
pub fn blocks_in(block: &syn::Block) -> Vec<&syn::Block> {
    let mut all = Flat { skips_items: true, wants: Wants::Blocks, ..Flat::default() };
    all.visit_block(block);
    all.blocks
}

/// A block and the blocks that run as part of it: not those of closures, `async` blocks and nested items.
pub fn own_blocks(block: &syn::Block) -> Vec<&syn::Block> {
    struct Own<'a>(Vec<&'a syn::Block>);
    impl<'a> Visit<'a> for Own<'a> {
        fn visit_block(&mut self, node: &'a syn::Block) {
            self.0.push(node);
            visit::visit_block(self, node);
        }
        fn visit_expr_closure(&mut self, _: &'a syn::ExprClosure) {}
        fn visit_expr_async(&mut self, _: &'a syn::ExprAsync) {}
        fn visit_expr_try_block(&mut self, _: &'a syn::ExprTryBlock) {}
        fn visit_item(&mut self, _: &'a syn::Item) {}
    }
    let mut all = Own(Vec::new());
    all.visit_block(block);
    all.0
}

/// All expressions inside a block, closures' bodies included, nested items not; outer before inner.
pub fn exprs(block: &syn::Block) -> Vec<&syn::Expr> {
    let mut all = Flat { skips_items: true, ..Flat::default() };
    all.visit_block(block);
    all.exprs
}

/// All expressions of a statement, closures' bodies included, nested items not; outer before inner.
pub fn exprs_of(stmt: &syn::Stmt) -> Vec<&syn::Expr> {
    let mut all = Flat { skips_items: true, ..Flat::default() };
    all.visit_stmt(stmt);
    all.exprs
}

/// An expression and all expressions inside it; outer before inner.
pub fn exprs_in(expr: &syn::Expr) -> Vec<&syn::Expr> {
    let mut all = Flat { skips_items: true, ..Flat::default() };
    all.visit_expr(expr);
    all.exprs
}

/// Expressions that run as part of an `async` function or block, not in a closure or an item inside it.
pub fn async_exprs(file: &SourceFile) -> Vec<&syn::Expr> {
    let mut walk = Async { is_async: false, found: Vec::new() };
    walk.visit_file(&file.ast);
    walk.found
}

struct Async<'a> {
    is_async: bool,
    found: Vec<&'a syn::Expr>,
}

impl<'a> Async<'a> {
    fn within(&mut self, is_async: bool, walk: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.is_async, is_async);
        walk(self);
        self.is_async = before;
    }
}

impl<'a> Visit<'a> for Async<'a> {
    fn visit_item_fn(&mut self, node: &'a syn::ItemFn) {
        self.within(node.sig.asyncness.is_some(), |walk| walk.visit_block(&node.block));
    }

    fn visit_impl_item_fn(&mut self, node: &'a syn::ImplItemFn) {
        self.within(node.sig.asyncness.is_some(), |walk| walk.visit_block(&node.block));
    }

    fn visit_trait_item_fn(&mut self, node: &'a syn::TraitItemFn) {
        self.within(node.sig.asyncness.is_some(), |walk| visit::visit_trait_item_fn(walk, node));
    }

    fn visit_expr(&mut self, node: &'a syn::Expr) {
        if self.is_async {
            self.found.push(node);
        }
        let is_async = match node {
            syn::Expr::Async(_) => true,
            syn::Expr::Closure(_) => false,
            _ => self.is_async,
        };
        self.within(is_async, |walk| visit::visit_expr(walk, node));
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Wants {
    Blocks,
    #[default]
    Exprs,
}

#[derive(Default)]
struct Flat<'a> {
    skips_items: bool,
    wants: Wants,
    blocks: Vec<&'a syn::Block>,
    exprs: Vec<&'a syn::Expr>,
}

impl<'a> Visit<'a> for Flat<'a> {
    fn visit_block(&mut self, node: &'a syn::Block) {
        if self.wants == Wants::Blocks {
            self.blocks.push(node);
        }
        visit::visit_block(self, node);
    }

    fn visit_expr(&mut self, node: &'a syn::Expr) {
        if self.wants == Wants::Exprs {
            self.exprs.push(node);
        }
        visit::visit_expr(self, node);
    }

    fn visit_item(&mut self, node: &'a syn::Item) {
        if !self.skips_items {
            visit::visit_item(self, node);
        }
    }
}

/// The method call of that name with that many arguments.
pub fn method<'a>(expr: &'a syn::Expr, name: &str, arguments: usize) -> Option<&'a syn::ExprMethodCall> {
    match peel(expr) {
        syn::Expr::MethodCall(call) if call.method == name && call.args.len() == arguments => Some(call),
        _ => None,
    }
}

/// The call of a function whose path ends with these segments: `["serde_json", "to_string"]`.
pub fn call<'a>(expr: &'a syn::Expr, path: &[&str]) -> Option<&'a syn::ExprCall> {
    let syn::Expr::Call(call) = peel(expr) else { return None };
    let syn::Expr::Path(callee) = &*call.func else { return None };
    ends_with(&callee.path, path).then_some(call)
}

/// True if the last segments of a path are these.
pub fn ends_with(path: &syn::Path, end: &[&str]) -> bool {
    let skip = path.segments.len().checked_sub(end.len());
    skip.is_some_and(|skip| path.segments.iter().skip(skip).zip(end).all(|(s, name)| s.ident == name))
}

/// The name and the tokens of a macro call.
pub fn macro_call<'a>(expr: &'a syn::Expr, name: &str) -> Option<&'a syn::Macro> {
    match peel(expr) {
        syn::Expr::Macro(node) if node.mac.path.segments.last().is_some_and(|s| s.ident == name) => Some(&node.mac),
        _ => None,
    }
}

/// What stands between the brackets of a macro call.
pub fn inside(file: &SourceFile, mac: &syn::Macro) -> TextRange {
    let span = mac.delimiter.span();
    TextRange { start: file.span_range(span.open()).end, end: file.span_range(span.close()).start }
}

/// The conditions that `&&` joins, in their order; the whole where nothing is joined.
pub fn conjuncts(cond: &syn::Expr) -> Vec<&syn::Expr> {
    match cond {
        syn::Expr::Binary(b) if matches!(b.op, syn::BinOp::And(_)) => {
            let mut all = conjuncts(&b.left);
            all.push(&b.right);
            all
        }
        other => vec![other],
    }
}

/// What a condition denies: `a` of `!a`, `a == false` and `a != true`.
pub fn denied(cond: &syn::Expr) -> Option<&syn::Expr> {
    let is = |expr: &syn::Expr, value: bool| matches!(peel(expr), syn::Expr::Lit(l) if matches!(&l.lit, syn::Lit::Bool(b) if b.value == value));
    match peel(cond) {
        syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Not(_)) => Some(&u.expr),
        syn::Expr::Binary(b) => {
            let denies = match b.op {
                syn::BinOp::Eq(_) => false,
                syn::BinOp::Ne(_) => true,
                _ => return None,
            };
            match (is(&b.left, denies), is(&b.right, denies)) {
                (_, true) => Some(&b.left),
                (true, _) => Some(&b.right),
                _ => None,
            }
        }
        _ => None,
    }
}

/// True if the file's edition lets `let` stand between other conditions, and the package promises no older Rust.
pub fn may_chain(file: &SourceFile) -> bool {
    file.role.edition == "2024" && (file.role.rust_version == 0 || file.role.rust_version >= 88)
}

/// A block of conditions and of what is done where they hold, in the order in which they run.
pub fn joined(conditions: &[&syn::Expr], body: &syn::Block) -> syn::Block {
    let mut stmts: Vec<syn::Stmt> =
        conditions.iter().map(|c| syn::Stmt::Expr((*c).clone(), Some(Default::default()))).collect();
    stmts.extend(body.stmts.iter().cloned());
    syn::Block { brace_token: body.brace_token, stmts }
}

/// The `if`s of a statement, those of an `else if` included, but not those inside their blocks.
pub fn own_ifs(stmt: &syn::Stmt) -> Vec<&syn::ExprIf> {
    let mut expr = match stmt {
        syn::Stmt::Expr(syn::Expr::Return(back), _) => back.expr.as_deref(),
        syn::Stmt::Expr(expr, _) => Some(expr),
        syn::Stmt::Local(local) => local.init.as_ref().map(|init| &*init.expr),
        _ => None,
    };
    let mut found = Vec::new();
    while let Some(syn::Expr::If(node)) = expr {
        found.push(node);
        expr = node.else_branch.as_ref().map(|(_, e)| &**e);
    }
    found
}

/// The block of a plain `else`.
pub fn else_block(node: &syn::ExprIf) -> Option<&syn::Block> {
    match &*node.else_branch.as_ref()?.1 {
        syn::Expr::Block(b) if b.label.is_none() && b.attrs.is_empty() => Some(&b.block),
        _ => None,
    }
}

/// The expression without the `&` and parentheses around it.
pub fn unreferenced(expr: &syn::Expr) -> &syn::Expr {
    match peel(expr) {
        syn::Expr::Reference(r) if r.mutability.is_none() => unreferenced(&r.expr),
        other => other,
    }
}

/// An expression and what is done with its failure: `(f(x), "?")` of `f(x)?`, `.unwrap()`, `.expect("…")`, or nothing.
pub fn fallible<'a>(file: &'a SourceFile, expr: &'a syn::Expr) -> (&'a syn::Expr, &'a str) {
    let inner = match expr {
        syn::Expr::Try(t) => &*t.expr,
        syn::Expr::MethodCall(call) if call.method == "unwrap" && call.args.is_empty() => &*call.receiver,
        syn::Expr::MethodCall(call) if call.method == "expect" && call.args.len() == 1 => &*call.receiver,
        _ => return (expr, ""),
    };
    (inner, file.slice(TextRange { start: file.range(inner).end, end: file.range(expr).end }))
}

/// The local that a statement binds to a value by `let name = value;`, with nothing but `mut` and a type beside it.
pub struct Let<'a> {
    /// The `let`.
    pub local: &'a syn::Local,
    /// The name.
    pub name: &'a syn::Ident,
    /// True for `let mut`.
    pub is_mut: bool,
    /// The written type.
    pub ty: Option<&'a syn::Type>,
    /// What it is bound to.
    pub value: &'a syn::Expr,
}

/// Reads `let name = value;`; `None` for other patterns, `let … else` and attributes.
pub fn plain_let(stmt: &syn::Stmt) -> Option<Let<'_>> {
    let syn::Stmt::Local(local) = stmt else { return None };
    let init = local.init.as_ref().filter(|init| init.diverge.is_none() && local.attrs.is_empty())?;
    let (pat, ty) = match &local.pat {
        syn::Pat::Type(t) => (&*t.pat, Some(&*t.ty)),
        other => (other, None),
    };
    match pat {
        syn::Pat::Ident(syn::PatIdent { ident, mutability, by_ref: None, subpat: None, .. }) => {
            Some(Let { local, name: ident, is_mut: mutability.is_some(), ty, value: &init.expr })
        }
        _ => None,
    }
}

/// The name that `Some(name)` or `Ok(name)` binds.
pub fn bound_in_variant<'a>(pat: &'a syn::Pat, variant: &str) -> Option<&'a syn::Ident> {
    let syn::Pat::TupleStruct(t) = pat else { return None };
    let (true, Some(syn::Pat::Ident(inner)), 1) = (t.path.is_ident(variant), t.elems.first(), t.elems.len()) else {
        return None;
    };
    (inner.by_ref.is_none() && inner.subpat.is_none() && inner.mutability.is_none()).then_some(&inner.ident)
}

/// True if two pieces of syntax are the same but for white space and comments.
pub fn same(a: &impl ToTokens, b: &impl ToTokens) -> bool {
    a.to_token_stream().to_string() == b.to_token_stream().to_string()
}

/// How control may leave a stretch of code other than by its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// `return`.
    Return,
    /// `?`.
    Question,
    /// `break` out of it.
    Break,
    /// `continue` of a loop around it.
    Continue,
    /// `.await`, where a future may be dropped.
    Await,
    /// A macro whose meaning is not known: it may hide any of them.
    Macro,
}

/// All ways to leave a block but its end; closures and nested items keep theirs to themselves.
pub fn exits(block: &syn::Block) -> Vec<Exit> {
    let mut walk = Exits::default();
    walk.visit_block(block);
    walk.found
}

/// As [`exits`], of an expression.
pub fn exits_of(expr: &syn::Expr) -> Vec<Exit> {
    let mut walk = Exits::default();
    walk.visit_expr(expr);
    walk.found
}

#[derive(Default)]
struct Exits {
    loops: u32,
    found: Vec<Exit>,
}

impl Exits {
    fn in_loop(&mut self, block: &syn::Block) {
        self.loops += 1;
        self.visit_block(block);
        self.loops -= 1;
    }
}

impl<'a> Visit<'a> for Exits {
    fn visit_expr(&mut self, node: &'a syn::Expr) {
        match node {
            syn::Expr::Return(_) => self.found.push(Exit::Return),
            syn::Expr::Try(_) => self.found.push(Exit::Question),
            syn::Expr::Await(_) => self.found.push(Exit::Await),
            // A label may name a loop outside.
            syn::Expr::Break(b) if self.loops == 0 || b.label.is_some() => self.found.push(Exit::Break),
            syn::Expr::Continue(c) if self.loops == 0 || c.label.is_some() => self.found.push(Exit::Continue),
            _ => {}
        }
        match node {
            syn::Expr::Closure(_) | syn::Expr::Async(_) => {}
            syn::Expr::ForLoop(l) => {
                self.visit_expr(&l.expr);
                self.in_loop(&l.body);
            }
            syn::Expr::While(w) => {
                self.loops += 1;
                self.visit_expr(&w.cond);
                self.loops -= 1;
                self.in_loop(&w.body);
            }
            syn::Expr::Loop(l) => self.in_loop(&l.body),
            _ => visit::visit_expr(self, node),
        }
    }

    fn visit_macro(&mut self, node: &'a syn::Macro) {
        match super::usage::macro_arguments(node) {
            Some((arguments, _)) => arguments.iter().for_each(|argument| {
                let mut inner = Exits { loops: self.loops, found: Vec::new() };
                inner.visit_expr(argument);
                self.found.extend(inner.found);
            }),
            None => self.found.push(Exit::Macro),
        }
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}

/// True if a block never reaches its end, by its last statement: `return`, `continue`, `break`, or a panic.
pub fn diverges(block: &syn::Block) -> bool {
    match block.stmts.last() {
        Some(syn::Stmt::Expr(expr, _)) => match expr {
            syn::Expr::Return(_) | syn::Expr::Continue(_) | syn::Expr::Break(_) => true,
            syn::Expr::Macro(m) => is_panic(&m.mac),
            _ => false,
        },
        Some(syn::Stmt::Macro(m)) => is_panic(&m.mac),
        _ => false,
    }
}

fn is_panic(mac: &syn::Macro) -> bool {
    let name = mac.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
    ["panic", "unreachable", "unimplemented", "todo", "bail"].contains(&name.as_str())
}

/// True for what can be evaluated once more, or not at all, without anybody noticing: names, fields, literals,
/// references and dereferences of them, and reading methods of std without arguments.
pub fn is_quiet(expr: &syn::Expr) -> bool {
    match peel(expr) {
        syn::Expr::Path(_) | syn::Expr::Lit(_) => true,
        syn::Expr::Field(f) => is_quiet(&f.base),
        syn::Expr::Reference(r) => r.mutability.is_none() && is_quiet(&r.expr),
        syn::Expr::Unary(u) => matches!(u.op, syn::UnOp::Deref(_)) && is_quiet(&u.expr),
        syn::Expr::Tuple(t) => t.elems.iter().all(is_quiet),
        syn::Expr::MethodCall(call) => {
            const QUIET: &[&str] = &["as_str", "as_ref", "as_bytes", "as_slice", "as_deref", "len", "is_empty", "trim"];
            call.args.is_empty() && QUIET.contains(&call.method.to_string().as_str()) && is_quiet(&call.receiver)
        }
        _ => false,
    }
}

/// The expression at the bottom of a chain of method calls, `xs` of `xs.iter().map(f).rev()`.
pub fn chain_root(expr: &syn::Expr) -> &syn::Expr {
    match peel(expr) {
        syn::Expr::MethodCall(call) => chain_root(&call.receiver),
        other => other,
    }
}

/// The place whose length is the number of rounds: `xs` of `&xs`, `xs.iter().enumerate()`, `0..xs.len()`.
pub fn counted(expr: &syn::Expr) -> Option<&syn::Expr> {
    const KEEP: &[&str] = &["iter", "iter_mut", "into_iter", "enumerate", "rev", "copied", "cloned", "keys", "values"];
    match peel(expr) {
        syn::Expr::Reference(r) => counted(&r.expr),
        syn::Expr::MethodCall(call) if call.args.is_empty() && KEEP.contains(&call.method.to_string().as_str()) => {
            counted(&call.receiver)
        }
        syn::Expr::Range(range) => {
            let is_zero =
                range.start.as_deref().is_some_and(|s| matches!(peel(s), syn::Expr::Lit(l) if is_zero(&l.lit)));
            let is_open = matches!(range.limits, syn::RangeLimits::HalfOpen(_));
            let end = method(range.end.as_deref()?, "len", 0)?;
            (is_zero && is_open).then_some(&*end.receiver)
        }
        other => super::usage::place(other).filter(|p| p.is_plain).map(|_| other),
    }
}

fn is_zero(lit: &syn::Lit) -> bool {
    matches!(lit, syn::Lit::Int(n) if n.base10_digits() == "0")
}

/// A block of the statements after one of another block: for questions about what comes later.
pub fn rest(block: &syn::Block, after: usize) -> syn::Block {
    let stmts = block.stmts.get(after + 1..).unwrap_or_default().to_vec();
    syn::Block { brace_token: block.brace_token, stmts }
}

/// True if an expression is this plain name.
pub fn is_name(expr: &syn::Expr, name: &syn::Ident) -> bool {
    plain_name(expr).is_some_and(|found| found == name)
}

/// How often these tokens hold an identifier of this name; names captured by format strings count too.
pub fn count(tokens: &impl ToTokens, name: &str) -> usize {
    fn walk(stream: TokenStream, name: &str) -> usize {
        stream
            .into_iter()
            .map(|token| match token {
                proc_macro2::TokenTree::Ident(ident) => usize::from(ident == name),
                proc_macro2::TokenTree::Group(group) => walk(group.stream(), name),
                proc_macro2::TokenTree::Literal(l) => usize::from(super::names::captures(&l.to_string(), name)),
                proc_macro2::TokenTree::Punct(_) => 0,
            })
            .sum()
    }
    walk(tokens.to_token_stream(), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> syn::Block {
        syn::parse_str(&format!("{{ {text} }}")).unwrap()
    }

    #[test]
    fn every_way_out_of_a_block_is_seen_but_those_of_closures_and_inner_loops() {
        assert_eq!(exits(&block("a()?; b.await; return;")), [Exit::Question, Exit::Await, Exit::Return]);
        assert_eq!(exits(&block("for x in xs { break; } loop { continue }")), []);
        assert_eq!(exits(&block("break; for x in xs { break 'outer; }")), [Exit::Break, Exit::Break]);
        assert_eq!(exits(&block("let f = || return 1; async { g()? }; fn h() { return }")), []);
        assert_eq!(exits(&block("println!(\"{}\", f()?); select!(a)")), [Exit::Question, Exit::Macro]);
    }

    #[test]
    fn quiet_expressions_compute_nothing_that_could_be_noticed() {
        for text in ["a.b", "&a", "*a", "a.len()", "a.name.as_str()", "1", "(a, b)"] {
            assert!(is_quiet(&syn::parse_str(text).unwrap()), "{text}");
        }
        for text in ["f()", "a.next()", "a[0]", "-a", "a.get(1)", "m!(a)", "&mut a", "a + b"] {
            assert!(!is_quiet(&syn::parse_str(text).unwrap()), "{text}");
        }
    }

    #[test]
    fn a_denial_is_read_whatever_way_it_is_put() {
        let denied_of = |text: &str| {
            let cond: syn::Expr = syn::parse_str(text).unwrap();
            denied(&cond).map(|inner| inner.to_token_stream().to_string().replace(' ', ""))
        };
        for text in ["!a.b()", "(!a.b())", "a.b() == false", "false == a.b()", "a.b() != true", "(a.b()) == (false)"] {
            let inner = denied_of(text).unwrap();
            assert_eq!(inner.trim_matches(['(', ')']), "a.b", "{text}");
        }
        for text in ["a.b()", "a == true", "a != false", "a == b", "a < false", "-a"] {
            assert_eq!(denied_of(text), None, "{text}");
        }
    }

    #[test]
    fn calls_and_lets_are_read_by_their_shape() {
        let expr: syn::Expr = syn::parse_str("serde_json::to_string(&x)").unwrap();
        assert!(call(&expr, &["serde_json", "to_string"]).is_some());
        assert!(call(&expr, &["to_string"]).is_some());
        assert!(call(&expr, &["toml", "to_string"]).is_none());
        let body = block("let mut a: Vec<u8> = b; let (c, d) = e; let f; let Some(g) = h else { return };");
        let found: Vec<bool> = body.stmts.iter().map(|s| plain_let(s).is_some()).collect();
        assert_eq!(found, [true, false, false, false]);
        assert_eq!(count(&body, "b"), 1);
    }

    #[test]
    fn a_block_diverges_by_its_last_statement() {
        for text in ["return;", "continue", "break 'a;", "log(); panic!(\"no\");", "return Err(e)"] {
            assert!(diverges(&block(text)), "{text}");
        }
        for text in ["", "a();", "if b { return }", "return; a()"] {
            assert!(!diverges(&block(text)), "{text}");
        }
    }
}
