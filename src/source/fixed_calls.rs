//! A file in; the calls of its own functions out that each round of a loop makes anew although they give the same each time.

use super::functions::{Function, functions};
use super::invariants::{is_fixed, only_looked_at};
use super::names::peel;
use super::rounds::{self, InRounds, Rounds};
use super::too_early::{costs, may_fail, only_compute};
use super::visit::{self, Visit};
use super::{SourceFile, pure, shapes, types};

/// A call that gives the same in each round.
pub struct FixedCall<'a> {
    /// The function that makes it.
    pub function: Function<'a>,
    /// The call.
    pub value: &'a syn::Expr,
    /// The name of what is called.
    pub callee: &'a syn::Ident,
    /// The `let` of the loop's body that names its result, if one does.
    pub binding: Option<&'a syn::Stmt>,
    /// The outermost loop in which it does not change.
    pub around: &'a syn::Expr,
    /// The statement before which it can be made.
    pub before: &'a syn::Stmt,
}

/// Functions are followed from one another this deep.
const DEPTH: u32 = 4;

/// The calls of a file.
pub fn fixed_calls(file: &SourceFile) -> Vec<FixedCall<'_>> {
    let all = functions(file);
    let mut found = Vec::new();
    for function in all.iter().filter(|f| !f.is_test) {
        let mut walk = Walk { file, all: &all, function: *function, rounds: Rounds::default(), found: Vec::new() };
        walk.visit_block(function.block);
        found.append(&mut walk.found);
    }
    found
}

struct Walk<'a, 'f> {
    file: &'a SourceFile,
    all: &'f [Function<'a>],
    function: Function<'a>,
    rounds: Rounds<'a>,
    found: Vec<FixedCall<'a>>,
}

impl<'a> Walk<'a, '_> {
    /// The function of the file that a call calls, if there is one by that name.
    fn callee(&self, value: &'a syn::Expr) -> Option<(&'a syn::Ident, Function<'a>)> {
        let (name, is_method) = match peel(value) {
            syn::Expr::MethodCall(call) => (&call.method, true),
            syn::Expr::Call(call) => match &*call.func {
                syn::Expr::Path(p) => (&p.path.segments.last()?.ident, false),
                _ => return None,
            },
            _ => return None,
        };
        let mut named = self.all.iter().filter(|f| f.sig.ident == *name);
        let (only, second) = (named.next()?, named.next());
        let is_it = second.is_none() && only.sig.receiver().is_some() == is_method;
        (is_it && only.sig.generics.type_params().next().is_none()).then_some((name, *only))
    }

    fn consider(&mut self, value: &'a syn::Expr, binding: Option<&'a syn::Stmt>, rest: &'a [syn::Stmt]) -> bool {
        if !self.rounds.is_in_loop() {
            return false;
        }
        let Some((callee, function)) = self.callee(value) else { return false };
        let gives_number = matches!(&function.sig.output, syn::ReturnType::Type(_, ty) if types::is_primitive(ty));
        let named = binding.and_then(shapes::plain_let);
        let is_kept = match named {
            Some(bound) => !bound.is_mut && (gives_number || only_looked_at(rest, &bound.name.to_string())),
            None => gives_number,
        };
        if !is_kept || !costs(self.all, value) || !self.only_computes(value, function) {
            return false;
        }
        let roots: Option<Vec<syn::Expr>> = pure::roots(value).iter().map(|root| syn::parse_str(root).ok()).collect();
        let Some(roots) = roots else { return false };
        let callee_name = callee.to_string();
        let is_free = |root: &syn::Expr| !matches!(root, syn::Expr::Path(p) if p.path.is_ident(&callee_name));
        let roots: Vec<syn::Expr> = roots.into_iter().filter(is_free).collect();
        let is_fixed = |around, before| roots.iter().all(|part| is_fixed(&self.function, part, around, before));
        let Some((around, before)) = self.rounds.outermost(is_fixed) else { return false };
        self.found.push(FixedCall { function: self.function, value, callee, binding, around, before });
        true
    }

    /// True if the call and all that it calls in turn compute from what they are given, and do not fail.
    fn only_computes(&self, value: &syn::Expr, function: Function<'a>) -> bool {
        let alone = syn::Stmt::Expr(value.clone(), None);
        only_compute(self.file, std::iter::once(&alone)) && self.never_fails(function, 0)
    }

    fn never_fails(&self, function: Function<'a>, depth: u32) -> bool {
        let inner = |expr| self.callee(expr).map(|(_, inner)| inner);
        depth < DEPTH
            && !may_fail(function.block)
            && shapes::exprs(function.block).into_iter().filter_map(inner).all(|f| self.never_fails(f, depth + 1))
    }
}

impl<'a> Visit<'a> for Walk<'a, '_> {
    fn visit_block(&mut self, node: &'a syn::Block) {
        for (index, stmt) in node.stmts.iter().enumerate() {
            self.rounds.enter(stmt);
            let bound = shapes::plain_let(stmt).map(|bound| bound.value);
            if !bound.is_some_and(|value| self.consider(value, Some(stmt), &node.stmts[index + 1..])) {
                visit::visit_stmt(self, stmt);
            }
            self.rounds.leave();
        }
    }

    fn visit_expr(&mut self, node: &'a syn::Expr) {
        if !self.consider(node, None, &[]) {
            rounds::descend(self, node);
        }
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}

impl<'a> InRounds<'a> for Walk<'a, '_> {
    fn rounds(&mut self) -> &mut Rounds<'a> {
        &mut self.rounds
    }
}
