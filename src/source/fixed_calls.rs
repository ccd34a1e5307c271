//! A file in; the calls of its own functions, and the walks, out that each round of a loop makes anew although they give the
//! same each time.

use super::functions::{Function, functions};
use super::invariants::{is_fixed, only_looked_at};
use super::names::peel;
use super::rounds::{self, InRounds, Rounds};
use super::too_early::{costs, may_fail, only_compute};
use super::visit::{self, Visit};
use super::{SourceFile, pure, shapes, types, usage};

/// A call that gives the same in each round.
pub struct FixedCall<'a> {
    /// The function that makes it.
    pub function: Function<'a>,
    /// The call, or a chain of calls that walks a list.
    pub value: &'a syn::Expr,
    /// The same call once more, in the same loop: it gives the same, too.
    pub again: Vec<&'a syn::Expr>,
    /// The name of what is called; in a chain, of its last call.
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
        found.append(&mut once_each(walk.found));
    }
    found
}

/// Calls that a loop makes twice, as one.
fn once_each(calls: Vec<FixedCall<'_>>) -> Vec<FixedCall<'_>> {
    let mut kept: Vec<FixedCall<'_>> = Vec::new();
    for call in calls {
        let is_it = |k: &&mut FixedCall<'_>| {
            std::ptr::eq(k.around, call.around) && k.binding.is_none() && shapes::same(k.value, call.value)
        };
        match kept.iter_mut().find(is_it).filter(|_| call.binding.is_none()) {
            Some(first) => first.again.push(call.value),
            None => kept.push(call),
        }
    }
    kept
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
        let Some((callee, gives_number)) = self.fixed(value, binding.is_some()) else { return false };
        let named = binding.and_then(shapes::plain_let);
        let is_kept = match named {
            Some(bound) => !bound.is_mut && (gives_number || self.is_only_read(rest, &bound.name.to_string())),
            None => gives_number,
        };
        if !is_kept {
            return false;
        }
        let roots: Option<Vec<syn::Expr>> = pure::roots(value).iter().map(|root| syn::parse_str(root).ok()).collect();
        let Some(roots) = roots else { return false };
        let callee_name = callee.to_string();
        let is_free = |root: &syn::Expr| !matches!(root, syn::Expr::Path(p) if p.path.is_ident(&callee_name));
        let roots: Vec<syn::Expr> = roots.into_iter().filter(is_free).collect();
        let is_fixed = |around, before| roots.iter().all(|part| is_fixed(&self.function, part, around, before));
        let Some((around, before)) = self.rounds.outermost(is_fixed) else { return false };
        let again = Vec::new();
        self.found.push(FixedCall { function: self.function, value, again, callee, binding, around, before });
        true
    }

    /// The name of what is called where a value costs something and does nothing but compute, and whether it is a number.
    fn fixed(&self, value: &'a syn::Expr, is_bound: bool) -> Option<(&'a syn::Ident, bool)> {
        if let Some((callee, function)) = self.callee(value) {
            let gives_number = matches!(&function.sig.output, syn::ReturnType::Type(_, ty) if types::is_primitive(ty));
            let is_worth_it = costs(self.all, value) || calculates(function.block);
            return (is_worth_it && self.only_computes(value, function)).then_some((callee, gives_number));
        }
        let (last, gives_number) = walk_of(value).filter(|_| is_bound)?;
        let alone = syn::Stmt::Expr(value.clone(), None);
        only_compute(self.file, std::iter::once(&alone)).then_some((last, gives_number))
    }

    /// True where a value that lives outside the loop serves every use of the name.
    fn is_only_read(&self, rest: &'a [syn::Stmt], name: &str) -> bool {
        let parts_are_read = || {
            let code = syn::Block { brace_token: Default::default(), stmts: rest.to_vec() };
            let uses = usage::uses(self.file, &code, name);
            uses.iter().all(usage::Use::is_read) && usage::bindings(self.file, &code, name).is_empty()
        };
        only_looked_at(rest, name) || parts_are_read()
    }

    /// True if the call and all that it calls in turn compute from what they are given, and do not fail.
    fn only_computes(&self, value: &syn::Expr, function: Function<'a>) -> bool {
        let alone = syn::Stmt::Expr(value.clone(), None);
        only_compute(self.file, std::iter::once(&alone)) && self.never_fails(function, 0)
    }

    fn never_fails(&self, function: Function<'a>, depth: u32) -> bool {
        let inner = |expr| self.callee(expr).map(|(_, inner)| inner);
        depth < DEPTH
            && !may_fail(self.file, function.block)
            && shapes::exprs(function.block).into_iter().filter_map(inner).all(|f| self.never_fails(f, depth + 1))
    }
}

/// True for a function that calls one of the functions of floats that take tens of nanoseconds.
fn calculates(block: &syn::Block) -> bool {
    const SLOW: &[&str] =
        &["atan2", "cbrt", "cos", "exp", "exp2", "hypot", "ln", "log10", "log2", "powf", "powi", "sin", "tan"];
    let is_slow = |expr: &&syn::Expr| matches!(expr, syn::Expr::MethodCall(c) if SLOW.iter().any(|n| c.method == n));
    shapes::exprs(block).iter().any(is_slow)
}

/// The last call of a chain that walks all of a place, as `xs.iter().map(f).sum()`, and whether it gives a number.
fn walk_of(value: &syn::Expr) -> Option<(&syn::Ident, bool)> {
    const ENDS: &[&str] =
        &["fold", "sum", "product", "count", "max", "min", "max_by_key", "min_by_key", "max_by", "min_by"];
    const STARTS: &[&str] = &["iter", "keys", "values", "chars", "bytes", "lines", "split_whitespace"];
    let syn::Expr::MethodCall(last) = peel(value) else { return None };
    let mut first = last;
    while let syn::Expr::MethodCall(before) = peel(&first.receiver) {
        first = before;
    }
    let is_walk = ENDS.iter().any(|name| last.method == name)
        && STARTS.iter().any(|name| first.method == name)
        && first.args.is_empty()
        && usage::place(&first.receiver).is_some_and(|place| place.is_plain);
    let of_number = || match last.turbofish.as_ref().and_then(|fish| fish.args.first()) {
        Some(syn::GenericArgument::Type(ty)) => types::is_primitive(ty),
        _ => last.method == "fold" && matches!(last.args.first(), Some(syn::Expr::Lit(_))),
    };
    is_walk.then(|| (&last.method, last.method == "count" || of_number()))
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
