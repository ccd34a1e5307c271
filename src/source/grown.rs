//! A file in; vectors that are new and empty before a loop, with all that the loop does with each, out.

use super::usage::{self, Use};
use super::{SourceFile, shapes};
use crate::model::TextRange;

/// A new vector and the loop that fills it.
pub struct Grown<'a> {
    /// The name of the vector.
    pub name: &'a syn::Ident,
    /// The loop, a statement of the block in which the vector is made.
    pub around: TextRange,
    /// The loop as a block of its own, for questions about what is in it.
    pub code: syn::Block,
    /// What the loop does with the vector, in the order of the text; nothing in a closure.
    pub uses: Vec<Use>,
}

/// All vectors of the file that are made empty, not touched until a loop begins, and used in that loop.
pub fn grown(file: &SourceFile) -> Vec<Grown<'_>> {
    let mut found = Vec::new();
    for block in shapes::blocks(file) {
        for (index, stmt) in block.stmts.iter().enumerate() {
            let Some(bound) = shapes::plain_let(stmt).filter(|l| l.is_mut && is_new(l.value)) else { continue };
            found.extend(filled(file, block, index, bound.name));
        }
    }
    found
}

fn filled<'a>(file: &SourceFile, block: &'a syn::Block, index: usize, name: &'a syn::Ident) -> Option<Grown<'a>> {
    let text = name.to_string();
    for stmt in &block.stmts[index + 1..] {
        let code = syn::Block { brace_token: block.brace_token, stmts: vec![stmt.clone()] };
        let uses = usage::uses(file, &code, &text);
        if !usage::bindings(file, &code, &text).is_empty() {
            return None;
        }
        if uses.is_empty() {
            continue;
        }
        let is_loop = match stmt {
            syn::Stmt::Expr(syn::Expr::ForLoop(l), _) => l.label.is_none(),
            syn::Stmt::Expr(syn::Expr::While(l), _) => l.label.is_none(),
            syn::Stmt::Expr(syn::Expr::Loop(l), _) => l.label.is_none(),
            _ => false,
        };
        let is_plain = is_loop && uses.iter().all(|u| !u.is_captured);
        return is_plain.then(|| Grown { name, around: file.range(stmt), code, uses });
    }
    None
}

/// `Vec::new()`, `Vec::with_capacity(n)`, `vec![]`.
fn is_new(value: &syn::Expr) -> bool {
    match value {
        syn::Expr::Call(_) => {
            [["Vec", "new"], ["Vec", "with_capacity"]].iter().any(|path| shapes::call(value, path).is_some())
        }
        syn::Expr::Macro(m) => m.mac.path.is_ident("vec") && m.mac.tokens.is_empty(),
        _ => false,
    }
}
