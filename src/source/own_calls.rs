//! A file and one of its private functions in; all calls of it out, where nothing else is done with it.

use super::SourceFile;
use super::functions::Function;
use super::lexer::{Token, TokenKind};
use super::visit::code::{self as visit, Visit};

/// A call of a function of the file.
pub struct OwnCall<'a> {
    /// The call.
    pub call: &'a syn::Expr,
    /// The expressions around it, innermost last.
    pub around: Vec<&'a syn::Expr>,
    /// True where it is made inside the function itself.
    pub is_own: bool,
}

/// The calls, but for those of tests, of a function that is private and the only thing of its name in the file; `None` where the name stands for
/// something else, too, or where the function is handed on rather than called.
pub fn own_calls<'a>(file: &'a SourceFile, function: &Function<'a>) -> Option<Vec<OwnCall<'a>>> {
    let name = &function.sig.ident;
    let text = name.to_string();
    let is_it = |t: &&Token| t.kind == TokenKind::Ident && t.text(&file.text) == text;
    let count = file.tokens.iter().filter(is_it).filter(|t| !file.is_in_test(t.range)).count();
    if !function.is_private || count < 2 {
        return None;
    }
    let is_method = function.sig.receiver().is_some();
    let mut walk =
        Calls { file, name, is_method, body: function.block, is_own: false, stack: Vec::new(), found: Vec::new() };
    walk.visit_file(&file.ast);
    // Its own name is the one that is no call.
    (walk.found.len() + 1 == count).then_some(walk.found)
}

struct Calls<'a, 'n> {
    file: &'a SourceFile,
    name: &'n syn::Ident,
    is_method: bool,
    body: &'a syn::Block,
    is_own: bool,
    stack: Vec<&'a syn::Expr>,
    found: Vec<OwnCall<'a>>,
}

impl Calls<'_, '_> {
    fn is_it(&self, node: &syn::Expr) -> bool {
        match node {
            syn::Expr::MethodCall(call) => self.is_method && call.method == *self.name,
            syn::Expr::Call(call) => match &*call.func {
                syn::Expr::Path(p) => p.path.segments.last().is_some_and(|last| last.ident == *self.name),
                _ => false,
            },
            _ => false,
        }
    }

    fn apart(&mut self, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::take(&mut self.stack);
        visit(self);
        self.stack = outer;
    }
}

impl<'a> Visit<'a> for Calls<'a, '_> {
    fn visit_expr(&mut self, node: &'a syn::Expr) {
        if self.is_it(node) && !self.file.is_in_test(self.file.range(node)) {
            self.found.push(OwnCall { call: node, around: self.stack.clone(), is_own: self.is_own });
        }
        self.stack.push(node);
        visit::visit_expr(self, node);
        self.stack.pop();
    }

    fn visit_block(&mut self, node: &'a syn::Block) {
        let before = self.is_own;
        self.is_own |= std::ptr::eq(node, self.body);
        visit::visit_block(self, node);
        self.is_own = before;
    }

    fn visit_item(&mut self, node: &'a syn::Item) {
        self.apart(|walk| visit::visit_item(walk, node));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileRole;
    use crate::source::functions::functions;

    #[track_caller]
    fn check(text: &str, expected: Option<&[&str]>) {
        let file = SourceFile::parse("a.rs", text, &FileRole::default()).unwrap();
        let all = functions(&file);
        let found = own_calls(&file, &all[0]).map(|calls| {
            let shown = |found: &OwnCall<'_>| {
                let outer = found.around.last().map_or("", |expr| file.text_of(*expr));
                format!("{}|{outer}", file.text_of(found.call))
            };
            calls.iter().map(shown).collect::<Vec<_>>()
        });
        let expected = expected.map(|all| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn all_calls_are_listed_with_what_holds_them() {
        check("fn ask() {} fn f() { ask(); g(ask()); }", Some(&["ask()|", "ask()|g(ask())"]));
        check("impl S { fn ask(&self) {} fn f(&self) { self.ask()? } }", Some(&["self.ask()|self.ask()?"]));
        check("impl S { fn ask() {} } fn f() { if let Ok(x) = S::ask() {} }", Some(&["S::ask()|let Ok(x) = S::ask()"]));
    }

    #[test]
    fn nothing_is_said_of_what_others_may_use() {
        for text in [
            "pub fn ask() {} fn f() { ask(); }",
            "fn ask() {}",
            "fn ask() {} fn f() { xs.iter().map(ask); ask(); }",
            "fn ask() {} fn f() { println!(\"{}\", ask()); }",
            "fn ask() {} fn f(ask: u8) { ask(); }",
            "fn ask() {} fn f(s: S) { ask(); s.ask(); }",
            "impl T for S { fn ask(&self) {} } fn f(s: S) { s.ask() }",
        ] {
            check(text, None);
        }
    }
}
