//! A walk through a function's body in; what the rounds of the loops around evaluate each time, out.

use super::names::peel;
use super::visit::{self, Visit};

/// Methods that call their closure once for each element, whatever they are called on.
const EACH: &[&str] = &[
    "all",
    "any",
    "filter_map",
    "find_map",
    "flat_map",
    "fold",
    "for_each",
    "max_by_key",
    "min_by_key",
    "partition",
    "position",
    "retain",
    "skip_while",
    "sort_by",
    "sort_by_key",
    "take_while",
];
/// Methods that do so on iterators, but not on an `Option`.
const EACH_OF_ITERATOR: &[&str] = &["filter", "find", "inspect", "map", "and_then", "zip"];
const ITERATORS: &[&str] = &[
    "iter",
    "into_iter",
    "iter_mut",
    "lines",
    "chars",
    "bytes",
    "split",
    "split_whitespace",
    "keys",
    "values",
    "drain",
    "windows",
    "chunks",
    "enumerate",
    "filter",
    "rev",
    "skip",
    "take",
    "zip",
    "cloned",
    "copied",
];

/// What surrounds the place where a walk stands.
#[derive(Clone, Copy)]
enum Level<'a> {
    /// A loop or the closure of an iterator, and the statement around it.
    Loop(&'a syn::Expr, &'a syn::Stmt),
    /// Something that is not evaluated in each round.
    Sometimes,
}

/// The loops and statements around the place where a walk stands, innermost last.
#[derive(Default)]
pub struct Rounds<'a> {
    levels: Vec<Level<'a>>,
    stmts: Vec<&'a syn::Stmt>,
}

impl<'a> Rounds<'a> {
    /// Notes that the walk goes into a statement.
    pub fn enter(&mut self, stmt: &'a syn::Stmt) {
        self.stmts.push(stmt);
    }

    /// Notes that the walk comes out of the statement entered last.
    pub fn leave(&mut self) {
        self.stmts.pop();
    }

    /// True where each round of the innermost loop comes by.
    pub fn is_in_loop(&self) -> bool {
        matches!(self.levels.last(), Some(Level::Loop(..)))
    }

    /// The outermost loop that evaluates the place in every round and in which something is fixed, as are all loops within,
    /// with the statement around it.
    pub fn outermost(
        &self,
        is_fixed: impl Fn(&'a syn::Expr, &'a syn::Stmt) -> bool,
    ) -> Option<(&'a syn::Expr, &'a syn::Stmt)> {
        let loops = self.levels.iter().rev().map_while(|level| match *level {
            Level::Loop(around, before) => Some((around, before)),
            Level::Sometimes => None,
        });
        loops.take_while(|(around, before)| is_fixed(around, before)).last()
    }
}

/// A visitor that knows the loops around the place where it stands. It enters and leaves statements itself.
pub trait InRounds<'a>: Visit<'a> + Sized {
    /// What surrounds the place.
    fn rounds(&mut self) -> &mut Rounds<'a>;
}

fn at<'a, W: InRounds<'a>>(walk: &mut W, level: Level<'a>, visit: impl FnOnce(&mut W)) {
    walk.rounds().levels.push(level);
    visit(walk);
    walk.rounds().levels.pop();
}

fn in_loop<'a, W: InRounds<'a>>(walk: &mut W, around: &'a syn::Expr, visit: impl FnOnce(&mut W)) {
    if let Some(stmt) = walk.rounds().stmts.last().copied() {
        at(walk, Level::Loop(around, stmt), visit);
    }
}

fn sometimes<'a, W: InRounds<'a>>(walk: &mut W, visit: impl FnOnce(&mut W)) {
    at(walk, Level::Sometimes, visit);
}

/// Visits what an expression holds, and notes what of it is evaluated in each round and what is not.
pub fn descend<'a, W: InRounds<'a>>(walk: &mut W, node: &'a syn::Expr) {
    match node {
        syn::Expr::ForLoop(inner) => {
            walk.visit_expr(&inner.expr);
            in_loop(walk, node, |walk| walk.visit_block(&inner.body));
        }
        syn::Expr::While(inner) => in_loop(walk, node, |walk| {
            walk.visit_expr(&inner.cond);
            walk.visit_block(&inner.body);
        }),
        syn::Expr::Loop(inner) => in_loop(walk, node, |walk| walk.visit_block(&inner.body)),
        syn::Expr::If(inner) => {
            walk.visit_expr(&inner.cond);
            sometimes(walk, |walk| {
                walk.visit_block(&inner.then_branch);
                if let Some((_, other)) = &inner.else_branch {
                    walk.visit_expr(other);
                }
            });
        }
        syn::Expr::Match(inner) => {
            walk.visit_expr(&inner.expr);
            sometimes(walk, |walk| inner.arms.iter().for_each(|arm| walk.visit_arm(arm)));
        }
        syn::Expr::Closure(inner) => sometimes(walk, |walk| walk.visit_expr(&inner.body)),
        syn::Expr::Async(inner) => sometimes(walk, |walk| walk.visit_block(&inner.block)),
        syn::Expr::Binary(inner) if matches!(inner.op, syn::BinOp::And(_) | syn::BinOp::Or(_)) => {
            walk.visit_expr(&inner.left);
            sometimes(walk, |walk| walk.visit_expr(&inner.right));
        }
        syn::Expr::MethodCall(inner) => {
            walk.visit_expr(&inner.receiver);
            arguments(walk, node, inner);
        }
        _ => visit::visit_expr(walk, node),
    }
}

/// Visits the arguments of a call, `node`: the closure of an iterator is a loop.
pub fn arguments<'a, W: InRounds<'a>>(walk: &mut W, node: &'a syn::Expr, call: &'a syn::ExprMethodCall) {
    let each = calls_for_each(call);
    for argument in &call.args {
        match argument {
            syn::Expr::Closure(closure) if each => in_loop(walk, node, |walk| walk.visit_expr(&closure.body)),
            other => walk.visit_expr(other),
        }
    }
}

/// True for methods that call their closure once for each element.
fn calls_for_each(call: &syn::ExprMethodCall) -> bool {
    let method = call.method.to_string();
    EACH.contains(&method.as_str()) || (EACH_OF_ITERATOR.contains(&method.as_str()) && is_iterator(&call.receiver))
}

fn is_iterator(expr: &syn::Expr) -> bool {
    match peel(expr) {
        syn::Expr::MethodCall(call) => {
            ITERATORS.contains(&call.method.to_string().as_str()) || is_iterator(&call.receiver)
        }
        syn::Expr::Range(_) => true,
        _ => false,
    }
}
