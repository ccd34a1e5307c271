//! A parsed file and a byte range in, the syntax nodes around it out.

use super::visit::code::{self as visit, Visit};

use super::SourceFile;
use super::file::Sort;
use crate::model::TextRange;

/// A node on the way from the file to a place.
#[derive(Clone, Copy)]
pub enum Node<'a> {
    /// A block, of a function, a loop or by itself.
    Block(&'a syn::Block),
    /// A statement.
    Stmt(&'a syn::Stmt),
    /// An expression.
    Expr(&'a syn::Expr),
    /// A free function.
    Fn(&'a syn::ItemFn),
    /// A method.
    Method(&'a syn::ImplItemFn),
    /// A method with a body in a trait.
    TraitMethod(&'a syn::TraitItemFn),
}

/// The nodes that contain `range`, outermost first.
pub fn path_to(file: &SourceFile, range: TextRange) -> Vec<Node<'_>> {
    let mut walk = PathTo { file, range, out: Vec::new() };
    walk.visit_file(&file.ast);
    walk.out
}

/// The outermost expression with exactly this range.
pub fn expr_at(file: &SourceFile, range: TextRange) -> Option<&syn::Expr> {
    path_to(file, range).into_iter().find_map(|node| match node {
        Node::Expr(expr) if file.range(expr) == range => Some(expr),
        _ => None,
    })
}

/// The innermost statement around `range`, with its block and its index in it.
pub fn stmt_around(file: &SourceFile, range: TextRange) -> Option<(&syn::Block, usize)> {
    let path = path_to(file, range);
    let block = path.iter().rev().find_map(|node| match node {
        Node::Block(block) => Some(*block),
        _ => None,
    })?;
    let index = block.stmts.iter().position(|stmt| file.range(stmt).contains(range))?;
    Some((block, index))
}

/// The body of the innermost function (not closure) around `range`.
pub fn function_body(file: &SourceFile, range: TextRange) -> Option<&syn::Block> {
    path_to(file, range).into_iter().rev().find_map(|node| match node {
        Node::Fn(f) => Some(&*f.block),
        Node::Method(f) => Some(&f.block),
        Node::TraitMethod(f) => f.default.as_ref(),
        _ => None,
    })
}

/// The signature of the innermost function around `range`.
pub fn signature(file: &SourceFile, range: TextRange) -> Option<&syn::Signature> {
    path_to(file, range).into_iter().rev().find_map(|node| match node {
        Node::Fn(f) => Some(&f.sig),
        Node::Method(f) => Some(&f.sig),
        Node::TraitMethod(f) => Some(&f.sig),
        _ => None,
    })
}

/// True if a method of this file by that name takes `self` other than by `&self`.
pub fn takes_self_mutably(file: &SourceFile, name: &str) -> bool {
    let methods = file.items.iter().filter(|item| item.name == name && !item.self_type.is_empty());
    methods
        .filter_map(|item| signature(file, item.body)?.receiver())
        .any(|receiver| !matches!(receiver.kind, syn::ReceiverKind::Reference(_, _, None)))
}

struct PathTo<'a> {
    file: &'a SourceFile,
    range: TextRange,
    out: Vec<Node<'a>>,
}

impl<'a> PathTo<'a> {
    /// Pushes the node and goes on inside it, if it contains the range: what lies beside the path is never walked.
    fn step(&mut self, range: TextRange, node: Node<'a>, inside: impl FnOnce(&mut Self)) {
        if range.contains(self.range) {
            self.out.push(node);
            inside(self);
        }
    }
}

impl<'a> Visit<'a> for PathTo<'a> {
    fn visit_item(&mut self, node: &'a syn::Item) {
        if self.file.range_in_tree(Sort::Item, node).contains(self.range) {
            visit::visit_item(self, node);
        }
    }

    fn visit_item_fn(&mut self, node: &'a syn::ItemFn) {
        self.out.push(Node::Fn(node));
        visit::visit_item_fn(self, node);
    }

    fn visit_impl_item_fn(&mut self, node: &'a syn::ImplItemFn) {
        let range = self.file.range_in_tree(Sort::Method, node);
        self.step(range, Node::Method(node), |walk| visit::visit_impl_item_fn(walk, node));
    }

    fn visit_trait_item_fn(&mut self, node: &'a syn::TraitItemFn) {
        let range = self.file.range_in_tree(Sort::TraitMethod, node);
        self.step(range, Node::TraitMethod(node), |walk| visit::visit_trait_item_fn(walk, node));
    }

    fn visit_block(&mut self, node: &'a syn::Block) {
        let range = self.file.span_range(node.brace_token.span.join());
        self.step(range, Node::Block(node), |walk| visit::visit_block(walk, node));
    }

    fn visit_stmt(&mut self, node: &'a syn::Stmt) {
        self.step(self.file.range_in_tree(Sort::Stmt, node), Node::Stmt(node), |walk| visit::visit_stmt(walk, node));
    }

    fn visit_expr(&mut self, node: &'a syn::Expr) {
        self.step(self.file.range_in_tree(Sort::Expr, node), Node::Expr(node), |walk| visit::visit_expr(walk, node));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileRole;

    const TEXT: &str = "\u{feff}mod m { impl S { fn f(&self) { let x = 1; for i in xs { g(i + 1); } } } }";

    fn range_of(needle: &str) -> TextRange {
        let start = TEXT.find(needle).unwrap();
        TextRange::new(start, start + needle.len())
    }

    #[test]
    fn an_expression_is_found_by_its_exact_range_only() {
        let file = SourceFile::parse("a.rs", TEXT, &FileRole::default()).unwrap();
        assert!(matches!(expr_at(&file, range_of("i + 1")), Some(syn::Expr::Binary(_))));
        assert!(matches!(expr_at(&file, range_of("for i in xs { g(i + 1); }")), Some(syn::Expr::ForLoop(_))));
        assert!(expr_at(&file, range_of("i + ")).is_none());
    }

    #[test]
    fn every_kind_of_place_has_its_way_from_the_file() {
        let text = "#[a] fn f(#[b] n: u8) { fn g() { 1 } 2 } trait T { fn h(m: u16); fn k() { 3 } }
            const C: u8 = { fn l() { 4 } 5 }; static S: u8 = 60; impl T for X { #[c] fn o(&self, p: i8) { 7 } const D: u8 = 80; }
            mod m { mod n { fn q() { 9 } } enum E { V = 10 } }";
        let file = SourceFile::parse("a.rs", text, &FileRole::default()).unwrap();
        let way = |needle: &str| -> String {
            let start = text.find(needle).unwrap();
            let range = TextRange::new(start, start + needle.len());
            let word = |node: Node| match node {
                Node::Block(_) => "block",
                Node::Stmt(_) => "stmt",
                Node::Expr(_) => "expr",
                Node::Fn(_) => "fn",
                Node::Method(_) => "method",
                Node::TraitMethod(_) => "trait method",
            };
            path_to(&file, range).into_iter().map(word).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(way("u8"), "fn", "a parameter");
        assert_eq!(way("1"), "fn block stmt fn block stmt expr");
        assert_eq!(way("2"), "fn block stmt expr");
        assert_eq!(way("u16"), "trait method");
        assert_eq!(way("3"), "trait method block stmt expr");
        assert_eq!(way("4"), "expr block stmt fn block stmt expr");
        assert_eq!(way("5"), "expr block stmt expr");
        assert_eq!(way("60"), "expr");
        assert_eq!(way("i8"), "method");
        assert_eq!(way("7"), "method block stmt expr");
        assert_eq!(way("80"), "expr");
        assert_eq!(way("9"), "fn block stmt expr");
        assert_eq!(way("10"), "expr");
    }

    #[test]
    fn the_statement_and_the_function_around_a_place_are_found() {
        let file = SourceFile::parse("a.rs", TEXT, &FileRole::default()).unwrap();
        let (block, index) = stmt_around(&file, range_of("g(i + 1)")).unwrap();
        assert_eq!((block.stmts.len(), index), (1, 0));
        let (block, index) = stmt_around(&file, range_of("for i in xs")).unwrap();
        assert_eq!((block.stmts.len(), index), (2, 1));
        assert_eq!(function_body(&file, range_of("g(i + 1)")).map(|b| b.stmts.len()), Some(2));
        assert_eq!(signature(&file, range_of("xs")).map(|s| s.ident.to_string()).as_deref(), Some("f"));
    }
}
