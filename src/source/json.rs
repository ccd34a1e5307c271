//! Expressions in; what they turn into JSON or read from it, out.

use super::visit::code::{self as visit, Visit};
use super::{SourceFile, shapes};
use crate::model::TextRange;

/// A value turned into JSON text.
pub struct Made<'a> {
    /// What is serialised, as it is handed over: `&answer`.
    pub value: TextRange,
    /// What becomes of a failure: `?`, `.unwrap()`, …
    pub end: &'a str,
    /// Where that stands.
    pub end_range: TextRange,
    /// True for the pretty form.
    pub is_pretty: bool,
}

/// Reads `serde_json::to_string(&x)?` and its kin, with what becomes of the failure.
pub fn made<'a>(file: &'a SourceFile, expr: &'a syn::Expr) -> Option<Made<'a>> {
    let (inner, end) = failing(file, expr);
    let syn::Expr::Call(call) = inner else { return None };
    let name = function(call)?;
    let is_pretty = name.ends_with("_pretty");
    let makes = ["to_string", "to_vec", "to_string_pretty", "to_vec_pretty"].contains(&name.as_str());
    (makes && !end.is_empty() && call.args.len() == 1).then(|| Made {
        value: file.range(&call.args[0]),
        end,
        end_range: TextRange { start: file.range(inner).end, end: file.range(expr).end },
        is_pretty,
    })
}

/// A call and all that is done with its failure: `(f(x), ".map_err(g)?")` of `f(x).map_err(g)?`; nothing where it is kept.
pub fn failing<'a>(file: &'a SourceFile, expr: &'a syn::Expr) -> (&'a syn::Expr, &'a str) {
    let mut inner = expr;
    loop {
        inner = match inner {
            syn::Expr::Try(t) => &*t.expr,
            syn::Expr::MethodCall(call) => {
                let ends: &[(&str, usize)] = &[("unwrap", 0), ("expect", 1), ("ok", 0), ("map_err", 1)];
                if !ends.iter().any(|(name, n)| call.method == name && call.args.len() == *n) {
                    break;
                }
                &*call.receiver
            }
            _ => break,
        };
    }
    if std::ptr::eq(inner, expr) {
        return (expr, "");
    }
    (inner, file.slice(TextRange { start: file.range(inner).end, end: file.range(expr).end }))
}

/// True if two failures end alike: by the same words, or the second as what the function returns and the first by `?`.
pub fn ends_alike(first: &str, second: &str, is_returned: bool) -> bool {
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    let (first, second) = (bare(first), bare(second));
    !first.is_empty() && (first == second || (is_returned && first.strip_suffix('?') == Some(&second)))
}

/// Expressions of a statement that run once as part of it: not those of closures and `async` blocks.
pub fn run_once(stmt: &syn::Stmt) -> Vec<&syn::Expr> {
    #[derive(Default)]
    struct Once<'a>(Vec<&'a syn::Expr>);
    impl<'a> Visit<'a> for Once<'a> {
        fn visit_expr(&mut self, node: &'a syn::Expr) {
            self.0.push(node);
            match node {
                syn::Expr::Closure(_) | syn::Expr::Async(_) => {}
                syn::Expr::ForLoop(_) | syn::Expr::While(_) | syn::Expr::Loop(_) => {}
                _ => visit::visit_expr(self, node),
            }
        }
        fn visit_item(&mut self, _: &'a syn::Item) {}
    }
    let mut all = Once::default();
    Visit::visit_stmt(&mut all, stmt);
    all.0
}

/// True if a statement is the last of a function's body and is what the function returns.
pub fn is_returned(file: &SourceFile, body: &syn::Block, stmt: &syn::Stmt, expr: &syn::Expr) -> bool {
    let is_last = body.stmts.last().is_some_and(|last| file.range(last) == file.range(stmt));
    is_last && matches!(stmt, syn::Stmt::Expr(tail, None) if file.range(tail) == file.range(expr))
}

/// The function of serde_json that is called: `from_str` of `serde_json::from_str::<T>(s)`.
pub fn function(call: &syn::ExprCall) -> Option<String> {
    let syn::Expr::Path(path) = &*call.func else { return None };
    let segments: Vec<&syn::PathSegment> = path.path.segments.iter().collect();
    match segments.as_slice() {
        [owner, function] if owner.ident == "serde_json" => Some(function.ident.to_string()),
        _ => None,
    }
}

/// What a payload is the bytes of: `text` of `text.as_bytes()`, `&text`, `text`.
pub fn bytes_of(expr: &syn::Expr) -> &syn::Expr {
    match shapes::unreferenced(expr) {
        syn::Expr::MethodCall(call)
            if call.args.is_empty() && ["as_bytes", "as_str", "as_slice"].iter().any(|name| call.method == name) =>
        {
            &call.receiver
        }
        other => other,
    }
}
