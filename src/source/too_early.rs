//! A file in; the values that it computes before it is known whether anybody needs them out, and where they could be computed.

use super::functions::{Function, functions};
use super::names::{bound_by, mentions, peel, plain_name};
use super::pure;
use super::visit::{self, Visit};
use super::{SourceFile, calm, shapes, types};
use crate::model::TextRange;

/// Something that is computed before it is needed.
pub struct TooEarly<'a> {
    /// The statements that compute it, in their order.
    pub computing: Vec<&'a syn::Stmt>,
    /// The name that is used later.
    pub name: &'a syn::Ident,
    /// Where it is needed.
    pub goal: Goal<'a>,
}

/// Where a value is needed.
#[derive(Clone, Copy)]
pub enum Goal<'a> {
    /// Not before this statement of the same block, which comes after guards.
    Behind(&'a syn::Stmt),
    /// In the branch that begins with this statement.
    Into(&'a syn::Stmt),
    /// As this operand of a chain of `&&`, where the others hold.
    Operand {
        /// The whole chain.
        chain: &'a syn::Expr,
        /// The operand: the name, or its negation.
        operand: &'a syn::Expr,
    },
}

/// What the functions of a file compute too early.
pub fn too_early(file: &SourceFile) -> Vec<TooEarly<'_>> {
    let all = functions(file);
    let mut found = Vec::new();
    for function in all.iter().filter(|f| !f.is_test) {
        let look = Look { file, all: &all, function: *function };
        for block in shapes::own_blocks(function.block) {
            for index in 1..block.stmts.len() {
                if is_guard(&block.stmts[index]) && !is_guard(&block.stmts[index - 1]) {
                    found.extend(look.before_guards(block, index));
                }
            }
            for index in 0..block.stmts.len().saturating_sub(1) {
                found.extend(look.before_branch(block, index).or_else(|| look.before_operands(block, index)));
            }
        }
    }
    // What can go behind a guard and into a branch goes into the branch.
    let places: Vec<usize> = found.iter().map(|f| std::ptr::from_ref(f.computing[0]) as usize).collect();
    let mut at = 0;
    found.retain(|f| {
        at += 1;
        !matches!(f.goal, Goal::Behind(_)) || f.computing.len() > 1 || !places[at..].contains(&places[at - 1])
    });
    found
}

/// The method that computes lazily what this call is given whether or not it is needed: `unwrap_or_else` for `unwrap_or`.
pub fn lazy_form(call: &syn::ExprMethodCall) -> Option<&'static str> {
    const FORMS: &[(&str, usize, &str)] = &[
        ("unwrap_or", 1, "unwrap_or_else"),
        ("or", 1, "or_else"),
        ("ok_or", 1, "ok_or_else"),
        ("map_or", 2, "map_or_else"),
        ("or_insert", 1, "or_insert_with"),
        ("get_or_insert", 1, "get_or_insert_with"),
        ("then_some", 1, "then"),
    ];
    let is_it = |(name, count, _): &&(&str, usize, &str)| call.method == name && call.args.len() == *count;
    FORMS.iter().find(is_it).map(|(_, _, lazy)| *lazy)
}

/// True if an expression does enough to be worth leaving out: it allocates, walks something, or calls what does.
pub fn costs(all: &[Function<'_>], expr: &syn::Expr) -> bool {
    // A closure costs nothing before it is called.
    !matches!(peel(expr), syn::Expr::Closure(_)) && shapes::exprs_in(expr).into_iter().any(|e| costs_itself(all, e, 0))
}

/// False where [`costs`] is false without a look into functions.
fn may_cost(all: &[Function<'_>], expr: &syn::Expr) -> bool {
    let is_of_file = |name: &syn::Ident| all.iter().any(|f| f.sig.ident == *name);
    shapes::exprs_in(expr).into_iter().any(|part| match part {
        syn::Expr::MethodCall(call) => COSTLY.iter().any(|name| call.method == name) || is_of_file(&call.method),
        syn::Expr::Call(call) => match &*call.func {
            syn::Expr::Path(p) => p.path.segments.last().is_some_and(|last| is_of_file(&last.ident)),
            _ => false,
        },
        syn::Expr::Macro(_) | syn::Expr::ForLoop(_) | syn::Expr::While(_) | syn::Expr::Loop(_) => true,
        _ => false,
    })
}

/// As [`costs`], of the expression but not its parts; a loop costs something, too.
fn costs_itself(all: &[Function<'_>], expr: &syn::Expr, depth: u32) -> bool {
    match expr {
        syn::Expr::MethodCall(call) => {
            // A method that std has by this name is hardly that of the file.
            let is_of_std = pure::computes(&call.method.to_string());
            COSTLY.iter().any(|name| call.method == name) || !is_of_std && walks(all, &call.method, depth)
        }
        syn::Expr::Call(call) => match &*call.func {
            syn::Expr::Path(p) => p.path.segments.last().is_some_and(|last| walks(all, &last.ident, depth)),
            _ => false,
        },
        syn::Expr::Macro(m) => m.mac.path.is_ident("format"),
        syn::Expr::ForLoop(_) | syn::Expr::While(_) | syn::Expr::Loop(_) => true,
        _ => false,
    }
}

/// Methods of std that allocate or walk what they are called on.
const COSTLY: &[&str] = &[
    "collect",
    "concat",
    "count",
    "fold",
    "join",
    "max_by",
    "max_by_key",
    "min_by",
    "min_by_key",
    "product",
    "repeat",
    "replace",
    "sum",
    "to_ascii_lowercase",
    "to_ascii_uppercase",
    "to_lowercase",
    "to_owned",
    "to_string",
    "to_uppercase",
    "to_vec",
];

/// True if a function of the file by that name, or one that it calls, has something in it that costs.
fn walks(all: &[Function<'_>], name: &syn::Ident, depth: u32) -> bool {
    let named = |f: &&Function<'_>| f.sig.ident == *name;
    depth < 2
        && all.iter().filter(named).any(|f| shapes::exprs(f.block).into_iter().any(|e| costs_itself(all, e, depth + 1)))
}

/// True if statements only compute, surely end, and take nothing from what others hold: whether and when they run,
/// nobody could tell, but for a panic of arithmetic or of a function that they call.
pub fn only_compute<'s>(file: &SourceFile, stmts: impl Iterator<Item = &'s syn::Stmt> + Clone) -> bool {
    let block = as_block(stmts.clone());
    let exits = shapes::exits(&block);
    exits.is_empty() && !may_fail(file, &block) && pure::are_pure(file, stmts)
}

/// True if a block may fail, never end, or take something out of a place, as far as the block itself shows.
pub fn may_fail(file: &SourceFile, block: &syn::Block) -> bool {
    struct Walk<'f>(&'f SourceFile, bool);
    impl<'a> Visit<'a> for Walk<'_> {
        fn visit_expr(&mut self, node: &'a syn::Expr) {
            self.1 |= fails(node) && !is_of_floats(self.0, node);
            visit::visit_expr(self, node);
        }
        fn visit_macro(&mut self, node: &'a syn::Macro) {
            self.1 |= !["format", "vec", "matches", "write", "writeln"].iter().any(|name| node.path.is_ident(name));
        }
    }
    let mut walk = Walk(file, false);
    walk.visit_block(block);
    walk.1
}

/// True for a division of floats, which gives infinity where one of integers would panic.
fn is_of_floats(file: &SourceFile, expr: &syn::Expr) -> bool {
    let syn::Expr::Binary(b) = expr else { return false };
    let is_float = |side: &syn::Expr| {
        if matches!(peel(side), syn::Expr::Lit(l) if matches!(l.lit, syn::Lit::Float(_))) {
            return true;
        }
        let ty = types::type_of(file, peel(side));
        ty.is_some_and(|ty| matches!(types::head(types::strip(&ty)).as_deref(), Some("f32" | "f64")))
    };
    is_float(&b.right) || is_float(&b.left)
}

/// True if an expression itself may fail, never end, or take something out of a place, whatever its parts do.
fn fails(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::MethodCall(call) => {
            const FAILS: &[&str] =
                &["unwrap", "expect", "split_at", "clamp", "remove", "swap_remove", "swap", "drain", "split_off"];
            const SIZED: &[&str] = &["chunks", "chunks_exact", "windows", "step_by"];
            const TAKES: &[&str] = &["next", "next_back", "nth", "take", "reverse", "by_ref"];
            let is_named = |names: &[&str]| names.iter().any(|name| call.method == name);
            let is_place = super::usage::place(&call.receiver).is_some();
            let is_sized = call.args.first().is_some_and(|n| matches!(peel(n), syn::Expr::Lit(_)));
            is_named(FAILS)
                || is_named(SIZED) && !is_sized
                || is_named(TAKES) && is_place && !(call.method == "take" && call.args.len() == 1)
        }
        syn::Expr::Binary(b) if matches!(b.op, syn::BinOp::Div(_) | syn::BinOp::Rem(_)) => {
            !matches!(peel(&b.right), syn::Expr::Lit(_))
        }
        syn::Expr::Index(_) | syn::Expr::Loop(_) | syn::Expr::While(_) => true,
        syn::Expr::Await(_) | syn::Expr::Yield(_) | syn::Expr::Unsafe(_) => true,
        _ => false,
    }
}

fn as_block<'s>(stmts: impl Iterator<Item = &'s syn::Stmt>) -> syn::Block {
    syn::Block { brace_token: syn::token::Brace::default(), stmts: stmts.cloned().collect() }
}

/// `if … { return … }` or `let … else { return … };`.
fn is_guard(stmt: &syn::Stmt) -> bool {
    let leaves = |block: &syn::Block| {
        let last = block.stmts.last();
        let last = last.and_then(|stmt| if let syn::Stmt::Expr(expr, _) = stmt { Some(expr) } else { None });
        matches!(last, Some(syn::Expr::Return(_) | syn::Expr::Break(_) | syn::Expr::Continue(_)))
    };
    match stmt {
        syn::Stmt::Expr(syn::Expr::If(node), _) => node.else_branch.is_none() && leaves(&node.then_branch),
        syn::Stmt::Local(local) => {
            let diverges = local.init.as_ref().and_then(|init| init.diverge.as_ref());
            diverges.is_some_and(|(_, expr)| matches!(&**expr, syn::Expr::Block(b) if leaves(&b.block)))
        }
        _ => false,
    }
}

struct Look<'a, 'f> {
    file: &'a SourceFile,
    all: &'f [Function<'a>],
    function: Function<'a>,
}

impl<'a> Look<'a, '_> {
    /// What stands before the guards from `first` on and is used only after them.
    fn before_guards(&self, block: &'a syn::Block, first: usize) -> Option<TooEarly<'a>> {
        let stmts = &block.stmts;
        let guards = stmts[first..].iter().take_while(|stmt| is_guard(stmt)).count();
        let mut unit: Vec<usize> = Vec::new();
        let mut kept: Vec<&syn::Stmt> = stmts[first..first + guards].iter().collect();
        for (index, stmt) in stmts[..first].iter().enumerate().rev() {
            let is_wanted = match stmt {
                syn::Stmt::Expr(syn::Expr::ForLoop(l), _) => l.label.is_none(),
                stmt => {
                    let Some(bound) = shapes::plain_let(stmt) else { break };
                    let name = bound.name.to_string();
                    let is_part = unit.iter().any(|i| mentions(&stmts[*i], &name));
                    let is_needed = kept.iter().any(|stmt| mentions(*stmt, &name));
                    if is_part && is_needed {
                        return None;
                    }
                    let is_used = || stmts[first + guards..].iter().any(|stmt| mentions(stmt, &name));
                    !is_needed && (is_part || is_used() && costs(self.all, bound.value))
                }
            };
            if is_wanted {
                unit.push(index);
            } else {
                kept.push(stmt);
            }
        }
        unit.reverse();
        let computing: Vec<&syn::Stmt> = unit.iter().map(|index| &stmts[*index]).collect();
        let names: Vec<&syn::Ident> = computing.iter().filter_map(|s| Some(shapes::plain_let(s)?.name)).collect();
        let name = *names.first()?;
        let is_using = |stmt: &syn::Stmt| names.iter().any(|name| mentions(stmt, &name.to_string()));
        let used = (first + guards..stmts.len()).find(|at| is_using(&stmts[*at]))?;
        let behind = (first..used).rev().find(|at| is_guard(&stmts[*at]))? + 1;
        let between = (unit[0]..behind).filter(|index| !unit.contains(index)).map(|index| stmts[index].clone());
        let between: Vec<syn::Stmt> = between.collect();
        let goal = Goal::Behind(&stmts[behind]);
        self.may_move(&computing, &between).then_some(TooEarly { computing, name, goal })
    }

    /// A `let`, and where its name is used first, if nothing behind that place uses it.
    fn bound(&self, block: &'a syn::Block, index: usize) -> Option<(shapes::Let<'a>, usize)> {
        let bound = shapes::plain_let(&block.stmts[index]).filter(|bound| may_cost(self.all, bound.value))?;
        let name = bound.name.to_string();
        let at = (index + 1..block.stmts.len()).find(|at| mentions(&block.stmts[*at], &name))?;
        let is_last = !block.stmts[at + 1..].iter().any(|stmt| mentions(stmt, &name));
        is_last.then_some((bound, at))
    }

    /// A value that one branch of a later statement alone uses.
    fn before_branch(&self, block: &'a syn::Block, index: usize) -> Option<TooEarly<'a>> {
        let (bound, at) = self.bound(block, index)?;
        let syn::Stmt::Expr(node, _) = &block.stmts[at] else { return None };
        let (branch, asked) = branch(node, &bound.name.to_string())?;
        let first = branch.stmts.first()?;
        // What is only logged is another rule's.
        let logs = branch.stmts.iter().any(|stmt| matches!(stmt, syn::Stmt::Macro(_)));
        if logs && calm::unnoticed(bound.value).is_some() {
            return None;
        }
        // Asked late: it looks into functions.
        if !costs(self.all, bound.value) {
            return None;
        }
        let mut between = block.stmts[index + 1..at].to_vec();
        between.extend(asked.into_iter().map(|expr| syn::Stmt::Expr(expr, Some(Default::default()))));
        let computing = vec![&block.stmts[index]];
        self.may_move(&computing, &between).then_some(TooEarly { computing, name: bound.name, goal: Goal::Into(first) })
    }

    /// A value that is one condition among cheaper ones.
    fn before_operands(&self, block: &'a syn::Block, index: usize) -> Option<TooEarly<'a>> {
        let (bound, at) = self.bound(block, index)?;
        let name = bound.name.to_string();
        let stmt = &block.stmts[at];
        let chain = match stmt {
            syn::Stmt::Expr(syn::Expr::If(node), _) => &*node.cond,
            syn::Stmt::Expr(syn::Expr::Return(node), _) => node.expr.as_deref()?,
            syn::Stmt::Expr(expr, None) => expr,
            syn::Stmt::Local(local) => &*local.init.as_ref()?.expr,
            _ => return None,
        };
        let conjuncts = shapes::conjuncts(chain);
        let is_it = |e: &&syn::Expr| plain_name(shapes::denied(e).unwrap_or(e)).is_some_and(|n| *n == name);
        let place = conjuncts.iter().position(is_it)?;
        let rest_is_cheap = conjuncts[place + 1..].iter().all(|e| is_cheap(e));
        let is_one = conjuncts.len() >= 2 && !bound.is_mut && shapes::count(stmt, &name) == 1 && rest_is_cheap;
        if !is_one || !costs(self.all, bound.value) {
            return None;
        }
        let mut between = block.stmts[index + 1..at].to_vec();
        between.extend(conjuncts.iter().map(|e| syn::Stmt::Expr((*e).clone(), Some(Default::default()))));
        let computing = vec![&block.stmts[index]];
        let goal = Goal::Operand { chain, operand: conjuncts[place] };
        self.may_move(&computing, &between).then_some(TooEarly { computing, name: bound.name, goal })
    }

    /// True if the statements only compute, from what those that would come before them leave as it is.
    fn may_move(&self, computing: &[&'a syn::Stmt], between: &[syn::Stmt]) -> bool {
        is_free(self.file, &self.function, computing, between)
    }
}

/// True if the statements only compute, from what those in `between` leave as it is.
pub fn is_free(file: &SourceFile, function: &Function<'_>, computing: &[&syn::Stmt], between: &[syn::Stmt]) -> bool {
    if !only_compute(file, computing.iter().copied()) {
        return false;
    }
    let whole =
        syn::Expr::Block(syn::ExprBlock { attrs: Vec::new(), label: None, block: as_block(computing.iter().copied()) });
    let shadows = computing
        .iter()
        .filter_map(|s| shapes::plain_let(s))
        .any(|l| pure::roots(l.value).contains(&l.name.to_string()));
    !shadows
        && pure::roots(&whole).iter().all(|root| {
            let held = pure::held(file, function.sig, &whole, root);
            pure::is_unchanged(file, between, root, held, TextRange::at(0))
        })
}

/// Conditions that cost next to nothing: names, fields, lengths, and comparisons of them.
pub fn is_cheap(expr: &syn::Expr) -> bool {
    match peel(expr) {
        syn::Expr::Unary(u) => matches!(u.op, syn::UnOp::Not(_) | syn::UnOp::Deref(_)) && is_cheap(&u.expr),
        syn::Expr::Binary(b) => {
            use syn::BinOp::*;
            matches!(b.op, Eq(_) | Ne(_) | Lt(_) | Le(_) | Gt(_) | Ge(_) | And(_) | Or(_))
                && is_cheap(&b.left)
                && is_cheap(&b.right)
        }
        syn::Expr::MethodCall(call) => {
            const CHEAP: &[&str] = &["is_some", "is_none", "is_ok", "is_err"];
            shapes::is_quiet(expr)
                || call.args.is_empty()
                    && CHEAP.iter().any(|name| call.method == name)
                    && shapes::is_quiet(&call.receiver)
        }
        other => shapes::is_quiet(other),
    }
}

/// The one branch of an `if` or a `match` that holds the name, and the expressions that are looked at before it; `None`
/// where a condition, a pattern or another branch holds it too.
fn branch<'a>(node: &'a syn::Expr, name: &str) -> Option<(&'a syn::Block, Vec<syn::Expr>)> {
    let mut branches: Vec<&syn::Block> = Vec::new();
    let mut asked = Vec::new();
    let mut next = Some(node);
    while let Some(expr) = next.take() {
        match expr {
            syn::Expr::If(node) => {
                asked.push((*node.cond).clone());
                branches.push(&node.then_branch);
                next = node.else_branch.as_ref().map(|(_, e)| &**e);
            }
            syn::Expr::Block(b) if b.label.is_none() => branches.push(&b.block),
            syn::Expr::Match(m) => {
                asked.push((*m.expr).clone());
                for arm in &m.arms {
                    let syn::Expr::Block(body) = &*arm.body else {
                        if mentions(&arm.body, name) {
                            return None;
                        }
                        continue;
                    };
                    let binds = mentions(&arm.pat, name) || !bound_by(&arm.pat).is_empty() && mentions(body, name);
                    if binds {
                        return None;
                    }
                    branches.push(&body.block);
                }
            }
            _ => return None,
        }
    }
    let using: Vec<&syn::Block> = branches.into_iter().filter(|b| mentions(*b, name)).collect();
    let [only] = using.as_slice() else { return None };
    (!asked.iter().any(|e| mentions(e, name))).then_some((*only, asked))
}
