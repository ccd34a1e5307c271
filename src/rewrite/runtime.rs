//! Files and a place in async code in; why nothing may wait for tokio there, if so, out.

use crate::model::TextRange;
use crate::source::{self, Node, SourceFile, lexer, locks, shapes};

/// Fails where no file of the crate speaks of tokio.
pub fn require_tokio(files: &[SourceFile], file: &SourceFile) -> Result<(), String> {
    let of_crate = files.iter().filter(|f| f.role.krate == file.role.krate);
    let speaks = |f: &SourceFile| {
        let words = lexer::tokens(&f.text);
        words.iter().any(|t| t.kind == lexer::TokenKind::Ident && t.text(&f.text) == "tokio")
    };
    if of_crate.into_iter().any(speaks) {
        return Ok(());
    }
    Err("nothing in the crate speaks of tokio, whose timer would be used".to_owned())
}

/// Fails where a guard that was taken before the place may still be alive there.
pub fn refuse_held_guards(file: &SourceFile, at: TextRange) -> Result<(), String> {
    for node in source::path_to(file, at) {
        let stmts: &[syn::Stmt] = match node {
            Node::Block(block) => &block.stmts,
            // What the condition of an `if let` or `match` takes lives as long as its body.
            Node::Expr(syn::Expr::Match(m)) if holds_lock(&m.expr) => return Err(held("of the `match`")),
            Node::Expr(syn::Expr::If(i)) if holds_lock(&i.cond) => return Err(held("of the `if`")),
            Node::Expr(syn::Expr::ForLoop(l)) if holds_lock(&l.expr) => return Err(held("of the loop")),
            Node::Expr(syn::Expr::While(l)) if holds_lock(&l.cond) => return Err(held("of the loop")),
            _ => continue,
        };
        for stmt in stmts.iter().take_while(|stmt| file.range(*stmt).end <= at.start) {
            if let syn::Stmt::Local(local) = stmt
                && local.init.as_ref().is_some_and(|init| is_guard(&init.expr))
            {
                return Err(held(&format!("`{}`", file.text_of(&local.pat))));
            }
        }
    }
    Ok(())
}

fn held(which: &str) -> String {
    format!("the guard {which} may be held while the task waits: others would wait for it, too")
}

/// True for an expression whose value is a guard, by its last calls.
fn is_guard(expr: &syn::Expr) -> bool {
    locks::acquired(expr).is_some() || is_borrow(expr)
}

fn is_borrow(expr: &syn::Expr) -> bool {
    let names = ["borrow", "borrow_mut", "try_lock", "lock_owned", "acquire", "acquire_owned", "lock_arc"];
    match expr {
        syn::Expr::Try(t) => is_borrow(&t.expr),
        syn::Expr::Await(a) => is_borrow(&a.base),
        syn::Expr::MethodCall(call) if call.method == "unwrap" || call.method == "expect" => is_borrow(&call.receiver),
        syn::Expr::MethodCall(call) => names.iter().any(|name| call.method == name),
        _ => false,
    }
}

fn holds_lock(expr: &syn::Expr) -> bool {
    shapes::exprs_in(expr).into_iter().any(is_guard)
}
