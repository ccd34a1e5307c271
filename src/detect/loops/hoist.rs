//! A place inside loops and the list that it searches in; the statement before which an index of that list can stand out.

use crate::model::TextRange;
use crate::source::usage::{self, How, PlacePath};
use crate::source::{self, Node, SourceFile};

/// Where an index may be built.
pub struct Hoist<'a> {
    /// The statement around the outermost loop in which the list stays the same.
    pub statement: TextRange,
    /// That loop, or the call that runs a closure for each element.
    pub repeated: &'a syn::Expr,
}

/// Methods that call their closure once per element.
const ADAPTORS: &[&str] = &[
    "all",
    "any",
    "filter",
    "filter_map",
    "find_map",
    "flat_map",
    "fold",
    "for_each",
    "inspect",
    "map",
    "map_while",
    "partition",
    "retain",
    "skip_while",
    "take_while",
];

/// The outermost repetition around `site` that leaves the list as it is; `None` where none repeats or the list changes.
pub fn hoist<'a>(file: &'a SourceFile, site: TextRange, list: &PlacePath) -> Option<Hoist<'a>> {
    // `rows[i].names` before the loop could panic where the loop, without a round, did not.
    if !list.is_plain {
        return None;
    }
    let path = source::path_to(file, site);
    let mut statement = None;
    for node in &path {
        match node {
            Node::Stmt(stmt) => statement = Some((file.range(*stmt), *stmt)),
            Node::Expr(expr) if repeats(file, expr, site) => {
                let (range, stmt) = statement?;
                if !binds_inside(file, stmt, &list.root) && is_unchanged(file, expr, list) {
                    return Some(Hoist { statement: range, repeated: expr });
                }
            }
            _ => {}
        }
    }
    None
}

/// True if the expression runs `site` again and again: a loop with the site in its body or condition, or an adaptor
/// with the site in its closure.
fn repeats(file: &SourceFile, expr: &syn::Expr, site: TextRange) -> bool {
    let within = |block: &syn::Block| file.span_range(block.brace_token.span.join()).contains(site);
    match expr {
        syn::Expr::ForLoop(l) => within(&l.body),
        syn::Expr::While(l) => within(&l.body),
        syn::Expr::Loop(l) => within(&l.body),
        syn::Expr::MethodCall(call) => {
            ADAPTORS.contains(&call.method.to_string().as_str())
                && call.args.iter().any(|arg| matches!(arg, syn::Expr::Closure(_)) && file.range(arg).contains(site))
        }
        _ => false,
    }
}

/// True if the list's root is bound inside the statement: an index before the statement would not see it.
fn binds_inside(file: &SourceFile, stmt: &syn::Stmt, root: &str) -> bool {
    let block = syn::Block { brace_token: syn::token::Brace::default(), stmts: vec![stmt.clone()] };
    !usage::bindings(file, &block, root).is_empty()
}

/// True if nothing inside the repetition changes the list, by what can be seen.
fn is_unchanged(file: &SourceFile, repeated: &syn::Expr, list: &PlacePath) -> bool {
    usage::uses_in_expr(file, repeated, &list.root)
        .iter()
        .filter(|u| usage::may_overlap(list, &list.root, &u.fields))
        .all(|u| match &u.how {
            How::Iterated | How::Scrutinee | How::Value => true,
            How::Method(name) if u.is_bare && list.root == "self" => !source::takes_self_mutably(file, name),
            _ => !u.is_change(),
        })
}
