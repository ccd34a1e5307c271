//! An expression in; the names in it that something around it binds, out.

use super::names::bound_by;
use super::usage;
use super::visit::{self, Visit};

/// The names at the roots of all that an expression reads, those left out that it binds itself where it reads them.
pub fn roots(expr: &syn::Expr) -> Vec<String> {
    let mut walk = Free { scopes: vec![Vec::new()], found: Vec::new() };
    walk.visit_expr(expr);
    walk.found.sort();
    walk.found.dedup();
    walk.found
}

struct Free {
    /// The names bound so far, innermost scope last.
    scopes: Vec<Vec<String>>,
    found: Vec<String>,
}

impl Free {
    fn read(&mut self, name: String) {
        let is_bound = self.scopes.iter().flatten().any(|bound| *bound == name);
        if !is_bound && !name.starts_with(char::is_uppercase) {
            self.found.push(name);
        }
    }

    fn bind(&mut self, pat: &syn::Pat) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.extend(bound_by(pat));
        }
    }

    fn inside(&mut self, visit: impl FnOnce(&mut Self)) {
        self.scopes.push(Vec::new());
        visit(self);
        self.scopes.pop();
    }
}

impl<'a> Visit<'a> for Free {
    fn visit_expr(&mut self, node: &'a syn::Expr) {
        match node {
            syn::Expr::Path(p) => self.found_path(p),
            // What is looked at is read before the pattern binds anything.
            syn::Expr::Let(l) => {
                self.visit_expr(&l.expr);
                self.bind(&l.pat);
            }
            syn::Expr::If(inner) => {
                self.inside(|walk| {
                    walk.visit_expr(&inner.cond);
                    walk.visit_block(&inner.then_branch);
                });
                inner.else_branch.iter().for_each(|(_, other)| self.visit_expr(other));
            }
            syn::Expr::While(inner) => self.inside(|walk| {
                walk.visit_expr(&inner.cond);
                walk.visit_block(&inner.body);
            }),
            syn::Expr::ForLoop(inner) => {
                self.visit_expr(&inner.expr);
                self.inside(|walk| {
                    walk.bind(&inner.pat);
                    walk.visit_block(&inner.body);
                });
            }
            syn::Expr::Match(inner) => {
                self.visit_expr(&inner.expr);
                for arm in &inner.arms {
                    self.inside(|walk| {
                        walk.bind(&arm.pat);
                        visit::visit_arm(walk, arm);
                    });
                }
            }
            syn::Expr::Closure(inner) => self.inside(|walk| {
                inner.inputs.iter().for_each(|pat| walk.bind(pat));
                walk.visit_expr(&inner.body);
            }),
            other => visit::visit_expr(self, other),
        }
    }

    fn visit_block(&mut self, node: &'a syn::Block) {
        self.inside(|walk| visit::visit_block(walk, node));
    }

    fn visit_local(&mut self, node: &'a syn::Local) {
        visit::visit_local(self, node);
        self.bind(&node.pat);
    }

    fn visit_macro(&mut self, node: &'a syn::Macro) {
        let arguments = usage::macro_arguments(node).map(|(arguments, _)| arguments).unwrap_or_default();
        for argument in &arguments {
            self.inside(|walk| walk.visit_expr(argument));
            captured(argument).into_iter().for_each(|name| self.read(name));
        }
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}

impl Free {
    fn found_path(&mut self, path: &syn::ExprPath) {
        if let Some(name) = path.path.get_ident() {
            self.read(name.to_string());
        }
    }
}

/// The words between the braces of a format string: the names that it captures, and perhaps a word of its format.
fn captured(expr: &syn::Expr) -> Vec<String> {
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = expr else { return Vec::new() };
    let text = text.value();
    let inside = text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(inside, _)| inside);
    let words = inside.flat_map(|inside| inside.split(|c: char| !(c.is_alphanumeric() || c == '_')));
    let is_name = |word: &&str| word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    words.filter(is_name).map(ToOwned::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::roots;

    #[test]
    fn what_an_expression_binds_is_free_only_where_it_is_not_bound_yet() {
        for (text, expected) in [
            ("a.b + c[d]", &["a", "c", "d"][..]),
            ("xs.iter().any(|x| x > max)", &["max", "xs"]),
            // The same name means what is around on the right, and what is bound behind.
            ("if let Some(op) = op { g(op) } else { 1 }", &["g", "op"]),
            ("match op { Some(op) => op, None => other }", &["op", "other"]),
            ("{ let n = n + 1; n }", &["n"]),
            ("{ let m = 1; m }", &[]),
            ("matches!(x, Some(_))", &["x"]),
            ("format!(\"{a} {b}\", b = c)", &["a", "b", "c"]),
            ("{ for x in x { f(x); } y }", &["f", "x", "y"]),
            ("MAX.len()", &[]),
        ] {
            let expr = syn::parse_str(text).expect(text);
            assert_eq!(roots(&expr), expected, "{text}");
        }
    }
}
