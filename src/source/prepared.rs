//! A function in; the collections out that its loops build anew in each round although nothing they are built of changes.

use super::visit::{self, Visit};

use super::functions::Function;
use super::invariants::is_fixed;
use super::names::{Use, bound_by, bound_in, is_formatting, peel, uses};
use super::rounds::{self, InRounds, Rounds};
use super::shapes;
use super::usage::{is_pure_reading_method, is_reading_method, macro_arguments};

/// A collection that every round of a loop builds anew.
pub struct Prepared<'a> {
    /// The `let` that builds it.
    pub binding: &'a syn::Stmt,
    /// Its name.
    pub name: &'a syn::Ident,
    /// Statements right after it that bring it into order: `name.sort();`.
    pub ordered: Vec<&'a syn::Stmt>,
    /// The outermost loop in which it does not change.
    pub around: &'a syn::Expr,
    /// The statement before which it can be built.
    pub before: &'a syn::Stmt,
    /// Where the round consumes it, by `into_iter` on this name: it holds references, which can be copied.
    pub consumed: Vec<syn::Ident>,
    /// What is walked to build it.
    pub source: &'a syn::Expr,
}

/// Methods that bring a collection into order, or cut it.
const ORDERS: &[&str] = &[
    "sort",
    "sort_unstable",
    "sort_by",
    "sort_by_key",
    "sort_by_cached_key",
    "sort_unstable_by",
    "sort_unstable_by_key",
    "dedup",
    "dedup_by_key",
    "reverse",
    "retain",
    "truncate",
    "shrink_to_fit",
];
/// Methods by which collections are walked and built, and which compute from numbers, besides those that only read.
const COMPUTES: &[&str] = &[
    "abs",
    "and_then",
    "chain",
    "collect",
    "count",
    "enumerate",
    "filter",
    "filter_map",
    "flat_map",
    "flatten",
    "map",
    "max",
    "min",
    "ok",
    "rev",
    "reverse",
    "skip",
    "step_by",
    "take",
    "then",
    "then_with",
    "total_cmp",
    "unwrap_or",
    "unwrap_or_default",
    "zip",
];

/// The collections of a function.
pub fn prepared<'a>(function: &Function<'a>) -> Vec<Prepared<'a>> {
    let mut walk = Walk { function: *function, rounds: Rounds::default(), found: Vec::new() };
    walk.visit_block(function.block);
    walk.found
}

struct Walk<'a> {
    function: Function<'a>,
    rounds: Rounds<'a>,
    found: Vec<Prepared<'a>>,
}

impl<'a> Walk<'a> {
    fn consider(&mut self, binding: &'a syn::Stmt, rest: &'a [syn::Stmt]) -> Option<()> {
        if !self.rounds.is_in_loop() {
            return None;
        }
        let bound = shapes::plain_let(binding)?;
        let name = bound.name.to_string();
        let source = built_of(bound.value)?;
        let ordered: Vec<&syn::Stmt> = rest.iter().take_while(|stmt| brings_into_order(stmt, bound.name)).collect();
        let is_collected = is_collected(bound.value);
        // A copy that nothing brings into order is a copy too many, and no matter of loops.
        if bound.is_mut == ordered.is_empty() || (ordered.is_empty() && !is_collected) {
            return None;
        }
        let uses = uses(&rest[ordered.len()..], &name)?;
        let holds_references = is_of_references(bound.value);
        let consumes = |how: &Use| matches!(how, Use::Method(method) if method == "into_iter");
        let consumed = uses.iter().filter(|found| consumes(&found.how)).map(|found| found.ident.clone()).collect();
        let only_looked_at = uses.iter().all(|found| match &found.how {
            how if consumes(how) => holds_references,
            Use::Method(method) => is_reading_method(method),
            Use::Borrow | Use::Compare | Use::Format | Use::Captured | Use::Index => true,
            _ => false,
        });
        let mut parts = Parts { is_pure: true, bound: vec![name], parts: Vec::new() };
        parts.visit_expr(bound.value);
        ordered.iter().for_each(|stmt| parts.visit_stmt(stmt));
        if uses.is_empty() || !only_looked_at || !parts.is_pure {
            return None;
        }
        let is_fixed = |around, before| parts.parts.iter().all(|part| is_fixed(&self.function, part, around, before));
        let (around, before) = self.rounds.outermost(is_fixed)?;
        self.found.push(Prepared { binding, name: bound.name, ordered, around, before, consumed, source });
        Some(())
    }
}

impl<'a> Visit<'a> for Walk<'a> {
    fn visit_block(&mut self, node: &'a syn::Block) {
        for (index, stmt) in node.stmts.iter().enumerate() {
            self.rounds.enter(stmt);
            self.consider(stmt, &node.stmts[index + 1..]);
            visit::visit_stmt(self, stmt);
            self.rounds.leave();
        }
    }

    fn visit_expr(&mut self, node: &'a syn::Expr) {
        rounds::descend(self, node);
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}

impl<'a> InRounds<'a> for Walk<'a> {
    fn rounds(&mut self) -> &mut Rounds<'a> {
        &mut self.rounds
    }
}

/// What is walked by `source.iter().….collect()`, `Set::from_iter(source.iter())`, `source.to_vec()`, `source.clone()`.
fn built_of(value: &syn::Expr) -> Option<&syn::Expr> {
    let chain = match peel(value) {
        syn::Expr::MethodCall(call) if ["collect", "to_vec", "clone", "to_owned"].iter().any(|m| call.method == m) => {
            value
        }
        syn::Expr::Call(call) => {
            shapes::call(value, &["from_iter"])?;
            call.args.first()?
        }
        _ => return None,
    };
    let source = shapes::unreferenced(shapes::chain_root(chain));
    super::usage::place(source).filter(|place| place.is_plain).map(|_| source)
}

/// `list.iter().collect()`, with nothing between that would make other things of the references.
fn is_of_references(value: &syn::Expr) -> bool {
    const KEEPS: &[&str] = &["filter", "rev", "skip", "take"];
    let Some(collect) = shapes::method(value, "collect", 0) else { return false };
    let mut walked = &*collect.receiver;
    while let syn::Expr::MethodCall(call) = peel(walked) {
        if call.method == "iter" && call.args.is_empty() {
            return true;
        }
        if !KEEPS.iter().any(|name| call.method == name) {
            return false;
        }
        walked = &call.receiver;
    }
    false
}

fn is_collected(value: &syn::Expr) -> bool {
    shapes::method(value, "collect", 0).is_some() || matches!(peel(value), syn::Expr::Call(_))
}

/// `name.sort_by(|a, b| …);`
fn brings_into_order(stmt: &syn::Stmt, name: &syn::Ident) -> bool {
    let syn::Stmt::Expr(syn::Expr::MethodCall(call), Some(_)) = stmt else { return false };
    shapes::is_name(&call.receiver, name) && ORDERS.contains(&call.method.to_string().as_str())
}

/// What an expression is made of, and whether it computes nothing that could be noticed.
struct Parts {
    is_pure: bool,
    bound: Vec<String>,
    parts: Vec<syn::Expr>,
}

impl<'a> Visit<'a> for Parts {
    fn visit_expr(&mut self, node: &'a syn::Expr) {
        match node {
            syn::Expr::Path(path) => {
                let is_bound = path.path.get_ident().is_some_and(|ident| self.bound.contains(&ident.to_string()));
                if path.path.segments.len() == 1 && !is_bound {
                    self.parts.push(node.clone());
                }
            }
            syn::Expr::MethodCall(call) => {
                let name = call.method.to_string();
                self.is_pure &= [COMPUTES, ORDERS].iter().any(|known| known.contains(&name.as_str()))
                    || is_pure_reading_method(&name);
                visit::visit_expr(self, node);
            }
            syn::Expr::Closure(closure) => {
                let known = self.bound.len();
                self.bound.extend(closure.inputs.iter().flat_map(bound_by));
                self.bound.extend(bound_in(&closure.body));
                self.visit_expr(&closure.body);
                self.bound.truncate(known);
            }
            syn::Expr::Call(call) => {
                let syn::Expr::Path(callee) = &*call.func else { return self.is_pure = false };
                let last = callee.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
                self.is_pure &= ["Some", "from_iter", "from", "Reverse"].contains(&last.as_str());
                call.args.iter().for_each(|argument| self.visit_expr(argument));
            }
            syn::Expr::Macro(mac) => match macro_arguments(&mac.mac).filter(|_| is_formatting(&mac.mac)) {
                Some((arguments, _)) if mac.mac.path.is_ident("format") && arguments.len() > 1 => {
                    let mut inner = Parts { is_pure: true, bound: self.bound.clone(), parts: Vec::new() };
                    arguments.iter().for_each(|argument| inner.visit_expr(argument));
                    self.is_pure &= inner.is_pure;
                    self.parts.append(&mut inner.parts);
                }
                _ => self.is_pure = false,
            },
            syn::Expr::Reference(r) if r.mutability.is_some() => self.is_pure = false,
            syn::Expr::Binary(b) => {
                self.is_pure &= !super::usage::is_assignment(&b.op);
                visit::visit_expr(self, node);
            }
            syn::Expr::Field(_)
            | syn::Expr::Lit(_)
            | syn::Expr::Reference(_)
            | syn::Expr::Unary(_)
            | syn::Expr::Paren(_)
            | syn::Expr::Tuple(_)
            | syn::Expr::Cast(_)
            | syn::Expr::Range(_)
            | syn::Expr::Block(_) => visit::visit_expr(self, node),
            _ => self.is_pure = false,
        }
    }

    fn visit_item(&mut self, _: &'a syn::Item) {
        self.is_pure = false;
    }
}
