//! A file in; the `let`s at the top of a loop's body out that make the same thing in each round.

use super::visit::{self, Visit};

use super::names::{self, bound_by};
use super::usage::{self, How};
use super::{SourceFile, shapes, takes_self_mutably};
use crate::model::TextRange;

/// A `let` that could stand before its loop.
pub struct Made<'a> {
    /// The `let`.
    pub local: &'a syn::Local,
    /// Its name.
    pub name: &'a syn::Ident,
    /// What makes it, without what becomes of its failure.
    pub made: &'a syn::Expr,
    /// The statement that is the loop.
    pub around: &'a syn::Stmt,
    /// True if statements follow the loop, other than the value of the block.
    pub is_followed: bool,
}

/// All `let`s in loops whose initialiser, without what becomes of its failure, is wanted, is the same in each round, and
/// is only lent in the round.
pub fn made_in_loop<'a>(file: &'a SourceFile, wanted: fn(&syn::Expr) -> bool) -> Vec<Made<'a>> {
    let mut found = Vec::new();
    for block in shapes::blocks(file) {
        for (at, stmt) in block.stmts.iter().enumerate() {
            let syn::Stmt::Expr(around, _) = stmt else { continue };
            let Some((body, bound)) = looped(around) else { continue };
            for (index, inner) in body.stmts.iter().enumerate() {
                let Some(made) = shapes::plain_let(inner) else { continue };
                let value = handled(made.value);
                if !wanted(value) {
                    continue;
                }
                let name = made.name.to_string();
                let is_free = shapes::count(block, &name) == shapes::count(stmt, &name);
                if !is_free || !is_same_each_round(file, body, &bound, made.value) || !is_lent(file, body, index) {
                    continue;
                }
                let after = &block.stmts[at + 1..];
                let is_followed = !matches!(after, [] | [syn::Stmt::Expr(_, None)]);
                found.push(Made { local: made.local, name: made.name, made: value, around: stmt, is_followed });
            }
        }
    }
    found
}

/// The body of a loop, and what its head binds.
fn looped(expr: &syn::Expr) -> Option<(&syn::Block, Vec<String>)> {
    match expr {
        syn::Expr::ForLoop(l) => Some((&l.body, bound_by(&l.pat))),
        syn::Expr::While(l) => Some((&l.body, names::bound_in(&l.cond))),
        syn::Expr::Loop(l) => Some((&l.body, Vec::new())),
        _ => None,
    }
}

/// The expression without `?`, `unwrap`, `expect`, `map_err` and the like behind it.
pub fn handled(expr: &syn::Expr) -> &syn::Expr {
    const HANDLES: &[&str] = &["unwrap", "expect", "map_err", "unwrap_or_else", "context", "with_context", "ok"];
    match names::peel(expr) {
        syn::Expr::Try(t) => handled(&t.expr),
        syn::Expr::MethodCall(call) if HANDLES.iter().any(|name| call.method == name) => handled(&call.receiver),
        other => other,
    }
}

/// True if the value is made of nothing that the loop binds or changes.
pub fn is_same_each_round(file: &SourceFile, body: &syn::Block, bound: &[String], value: &syn::Expr) -> bool {
    let mut all = All { names: bound.to_vec() };
    all.visit_block(body);
    if all.names.iter().any(|name| shapes::count(value, name) > 0 && !names::bound_in(value).contains(name)) {
        return false;
    }
    let own = file.range(value);
    let roots: std::collections::BTreeSet<String> =
        shapes::exprs_in(value).into_iter().filter_map(names::plain_name).map(ToString::to_string).collect();
    roots.iter().all(|root| {
        let made_of = usage::uses_in_expr(file, value, root);
        usage::uses(file, body, root).iter().filter(|u| !own.contains(u.name)).all(|u| {
            let meets = made_of.iter().any(|part| {
                let common = part.fields.len().min(u.fields.len());
                part.fields[..common] == u.fields[..common]
            });
            !meets || !is_change(file, root, u)
        })
    })
}

fn is_change(file: &SourceFile, root: &str, u: &usage::Use) -> bool {
    match &u.how {
        How::Method(name) if root == "self" && u.is_bare => takes_self_mutably(file, name),
        How::Method(name) => usage::is_changing_method(name),
        How::Iterated | How::Scrutinee | How::Value => false,
        _ => u.is_change(),
    }
}

/// True if what is made is used, and never moved, by the rest of the round.
fn is_lent(file: &SourceFile, body: &syn::Block, index: usize) -> bool {
    let Some(made) = shapes::plain_let(&body.stmts[index]) else { return false };
    let name = made.name.to_string();
    let rest = shapes::rest(body, index);
    let uses = usage::uses(file, &rest, &name);
    let is_lent = |u: &usage::Use| !u.is_bare || matches!(u.how, How::Method(_) | How::Read | How::Mutate);
    let is_assigned = |u: &usage::Use| u.how == How::Mutate && !file.slice(u.whole).starts_with('&');
    !uses.is_empty()
        && uses.iter().all(|u| is_lent(u) && !is_assigned(u))
        && usage::bindings(file, &rest, &name).is_empty()
}

struct All {
    names: Vec<String>,
}

impl<'a> Visit<'a> for All {
    fn visit_pat_ident(&mut self, node: &'a syn::PatIdent) {
        self.names.push(node.ident.to_string());
        visit::visit_pat_ident(self, node);
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}

impl Made<'_> {
    /// The bytes of the `let` and of the loop.
    pub fn ranges(&self, file: &SourceFile) -> (TextRange, TextRange) {
        (file.range(self.local), file.range(self.around))
    }
}
