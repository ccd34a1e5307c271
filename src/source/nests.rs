//! Loops and functions in; what nests in them as `if let`, `match` and `if` and could leave early instead, out.

use super::visit::code::{self as visit, Visit};

use super::SourceFile;
use super::functions::functions;
use super::names::{bound_in, mentions, peel};
use super::shapes;
use super::temporaries::{self, Kept};
use crate::model::TextRange;

/// Where a step that fails goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Around {
    /// To the next round.
    Loop,
    /// To the end of the function.
    Function,
}

/// Steps, each inside the one before.
pub struct Nest<'a> {
    /// What stands around.
    pub around: Around,
    /// The steps, outermost first; the last is an `if let` or a `match`.
    pub levels: Vec<Level<'a>>,
    /// From the first step to its end, with a semicolon behind it.
    pub site: TextRange,
    /// True if the value of the nest is that of the function.
    pub gives_value: bool,
    /// What the function gives back after the nest: `Ok(())` behind it.
    pub tail: Option<TextRange>,
}

/// One step.
pub struct Level<'a> {
    /// The `if` or `match`.
    pub expr: &'a syn::Expr,
    /// What is asked.
    pub asked: Asked<'a>,
    /// What runs if it holds.
    pub body: Body<'a>,
    /// What is done otherwise; `None` for nothing.
    pub otherwise: Option<&'a syn::Expr>,
    /// Places whose types must be of std, so that nobody sees when what is made on the way to the value is dropped.
    pub of_std: Vec<&'a syn::Expr>,
}

/// What a step asks.
pub enum Asked<'a> {
    /// `if let pattern = value`.
    Fits {
        /// The pattern.
        pattern: &'a syn::Pat,
        /// What it must fit.
        value: &'a syn::Expr,
    },
    /// `if condition`.
    Holds(&'a syn::Expr),
}

/// What a step leads to.
#[derive(Clone, Copy)]
pub enum Body<'a> {
    /// `{ … }`
    Block(&'a syn::Block),
    /// What stands behind the arrow of an arm without brackets.
    Value(&'a syn::Expr),
}

impl<'a> Body<'a> {
    fn stmts(self) -> &'a [syn::Stmt] {
        match self {
            Body::Block(block) => &block.stmts,
            Body::Value(_) => &[],
        }
    }

    /// The expression that stands last, whether a semicolon follows it or not.
    fn last(self) -> Option<&'a syn::Expr> {
        match (self, self.stmts().last()) {
            (Body::Value(value), _) | (_, Some(syn::Stmt::Expr(value, _))) => Some(value),
            _ => None,
        }
    }

    /// The expression that is the value of all.
    pub fn value(self) -> Option<&'a syn::Expr> {
        match (self, self.stmts().last()) {
            (Body::Value(value), _) | (_, Some(syn::Stmt::Expr(value, None))) => Some(value),
            _ => None,
        }
    }
}

impl Asked<'_> {
    fn is_let(&self) -> bool {
        matches!(self, Asked::Fits { .. })
    }
}

/// The nests of a file: those that end the body of a loop, and those that end a function.
pub fn nests(file: &SourceFile) -> Vec<Nest<'_>> {
    let mut walk = Loops { bodies: Vec::new() };
    walk.visit_file(&file.ast);
    let of_loops = walk.bodies.into_iter().filter_map(|body| of_loop(file, body));
    let of_functions = functions(file).into_iter().filter_map(|f| of_function(file, f.sig, f.block));
    of_loops.chain(of_functions).collect()
}

struct Loops<'a> {
    bodies: Vec<&'a syn::Block>,
}

impl<'a> Visit<'a> for Loops<'a> {
    fn visit_expr(&mut self, node: &'a syn::Expr) {
        match node {
            syn::Expr::ForLoop(l) => self.bodies.push(&l.body),
            syn::Expr::While(l) => self.bodies.push(&l.body),
            syn::Expr::Loop(l) => self.bodies.push(&l.body),
            _ => {}
        }
        visit::visit_expr(self, node);
    }
}

/// True for the last of several steps in a row: as a guard it would no longer look like the others, and nothing could
/// stand behind it.
fn is_one_of_several(stmts: &[syn::Stmt]) -> bool {
    let is_step = |stmt: &syn::Stmt| match stmt {
        syn::Stmt::Expr(syn::Expr::If(node), _) => {
            node.else_branch.is_none()
                && matches!(*node.cond, syn::Expr::Let(_))
                && !shapes::diverges(&node.then_branch)
        }
        _ => false,
    };
    matches!(stmts, [.., before, last] if is_step(before) && is_step(last))
}

/// A loop's nest: steps inside one another, or one step with more than a statement in it.
fn of_loop<'a>(file: &SourceFile, body: &'a syn::Block) -> Option<Nest<'a>> {
    let last = body.stmts.last().filter(|_| !is_one_of_several(&body.stmts))?;
    let levels = levels(file, last, Around::Loop, true);
    let innermost = levels.last()?;
    let is_worth_it = levels.len() > 1 || innermost.body.stmts().len() > 1;
    let site = file.range(last);
    is_worth_it.then_some(Nest { around: Around::Loop, site, levels, gives_value: false, tail: None })
}

/// A function's nest: at least two `if let` inside one another, with nothing but a plain value behind them.
fn of_function<'a>(file: &SourceFile, sig: &syn::Signature, body: &'a syn::Block) -> Option<Nest<'a>> {
    let is_unit = matches!(sig.output, syn::ReturnType::Default);
    let (last, tail) = match body.stmts.as_slice() {
        [.., nest, syn::Stmt::Expr(tail, None)] if !is_unit && is_nest(nest) && is_plain_value(tail) => {
            (nest, Some(tail))
        }
        [.., last] => (last, None),
        [] => return None,
    };
    // Behind a semicolon the value of the nest is not that of the function.
    let gives_value = tail.is_none() && !is_unit;
    if gives_value && !matches!(last, syn::Stmt::Expr(_, None)) {
        return None;
    }
    let levels = levels(file, last, Around::Function, !gives_value);
    let lets = levels.iter().filter(|level| level.asked.is_let()).count();
    let hides = |tail: &syn::Expr| bound_in(levels[0].expr).iter().any(|name| mentions(tail, name));
    if lets < 2 || tail.is_some_and(hides) {
        return None;
    }
    // Nothing would come to the tail behind a body that leaves by itself.
    if tail.is_some() && levels.last().and_then(|level| level.body.last()).is_some_and(leaves) {
        return None;
    }
    // What a step without an `else` does is to go on behind the nest.
    if tail.is_some() && levels.iter().any(|level| level.otherwise.is_some_and(|other| !leaves(other))) {
        return None;
    }
    let (site, tail) = (file.range(last), tail.map(|t| file.range(t)));
    Some(Nest { around: Around::Function, site, tail, levels, gives_value })
}

fn is_nest(stmt: &syn::Stmt) -> bool {
    matches!(stmt, syn::Stmt::Expr(syn::Expr::If(_) | syn::Expr::Match(_), _))
}

/// `Ok(())`, `None`, `false`, `total`: what can be written twice.
fn is_plain_value(expr: &syn::Expr) -> bool {
    match peel(expr) {
        syn::Expr::Tuple(t) => t.elems.iter().all(is_plain_value),
        syn::Expr::Call(call) => {
            let wraps =
                matches!(&*call.func, syn::Expr::Path(p) if ["Ok", "Some", "Err"].iter().any(|w| p.path.is_ident(w)));
            wraps && call.args.iter().all(is_plain_value)
        }
        syn::Expr::Path(_) | syn::Expr::Lit(_) => true,
        syn::Expr::Field(f) => is_plain_value(&f.base),
        _ => false,
    }
}

/// The steps from a statement inwards, as far as each can leave early instead; none where the last `if let` is missing.
fn levels<'a>(file: &SourceFile, stmt: &'a syn::Stmt, around: Around, is_unit: bool) -> Vec<Level<'a>> {
    let mut found = Vec::new();
    let syn::Stmt::Expr(first, _) = stmt else { return found };
    let mut next = Some(first);
    while let Some(expr) = next {
        let Some(level) = level(file, expr).filter(|l| may_leave(l, around, is_unit)) else { break };
        next = level.body.last().filter(|_| !is_one_of_several(level.body.stmts()));
        found.push(level);
    }
    while found.last().is_some_and(|level| !level.asked.is_let()) {
        found.pop();
    }
    // Where the last value of a block is computed, edition 2024 drops what that takes before the block's locals, and
    // the editions before it after them: moved into the block around, it would outlive more of them.
    let is_late = file.role.edition.as_str() < "2024"
        && found
            .last()
            .and_then(|level| level.body.value())
            .is_some_and(|value| temporaries::kept(head(value)) != Kept::Nothing);
    if is_late { Vec::new() } else { found }
}

/// What of a block's last expression may leave something behind: the head of a statement with a body of its own.
fn head(expr: &syn::Expr) -> &syn::Expr {
    match expr {
        syn::Expr::If(node) => match &*node.cond {
            syn::Expr::Let(cond) => &cond.expr,
            other => other,
        },
        syn::Expr::Match(node) => &node.expr,
        syn::Expr::ForLoop(node) => &node.expr,
        syn::Expr::Assign(node) => &node.right,
        other => other,
    }
}

fn level<'a>(file: &SourceFile, expr: &'a syn::Expr) -> Option<Level<'a>> {
    let level = match expr {
        syn::Expr::If(node) => of_if(expr, node)?,
        syn::Expr::Match(node) => of_match(expr, node)?,
        _ => return None,
    };
    let has_items = level.body.stmts().iter().any(|stmt| match stmt {
        syn::Stmt::Item(_) => true,
        syn::Stmt::Macro(mac) => mac.mac.path.is_ident("macro_rules"),
        _ => false,
    });
    let Asked::Fits { pattern, value } = &level.asked else { return (!has_items).then_some(level) };
    let of_std = match temporaries::kept(value) {
        Kept::Nothing => Vec::new(),
        Kept::OfStd(roots) => roots,
        Kept::Unknown => return None,
    };
    let is_place = matches!(peel(value), syn::Expr::Reference(_)) || super::usage::place(value).is_some();
    let fits = refutes(pattern) && (is_place || takes_all(pattern));
    let is_open = file.slice(file.range(*value)).trim_end().ends_with('}');
    (fits && !has_items && !is_open).then_some(Level { of_std, ..level })
}

/// `if let pattern = value { … }`, `if condition { … }`, with an `else { … }` or without.
fn of_if<'a>(expr: &'a syn::Expr, node: &'a syn::ExprIf) -> Option<Level<'a>> {
    let asked = match &*node.cond {
        syn::Expr::Let(cond) => Asked::Fits { pattern: &cond.pat, value: &cond.expr },
        other if shapes::exprs_in(other).iter().any(|e| matches!(e, syn::Expr::Let(_))) => return None,
        other => Asked::Holds(other),
    };
    let otherwise = match &node.else_branch {
        Some((_, other)) if matches!(**other, syn::Expr::Block(_)) => Some(&**other),
        Some(_) => return None,
        None => None,
    };
    let level = Level { expr, asked, body: Body::Block(&node.then_branch), otherwise, of_std: Vec::new() };
    node.attrs.is_empty().then_some(level)
}

/// `match value { pattern => { … } None => … }`, the arms in either order.
fn of_match<'a>(expr: &'a syn::Expr, node: &'a syn::ExprMatch) -> Option<Level<'a>> {
    let [first, second] = node.arms.as_slice() else { return None };
    let is_plain = |arm: &syn::Arm| arm.attrs.is_empty() && !matches!(arm.pat, syn::Pat::Guard(_));
    if !node.attrs.is_empty() || !is_plain(first) || !is_plain(second) {
        return None;
    }
    let (take, other) = if is_rest(&second.pat) { (first, second) } else { (second, first) };
    let hides = is_rest(&first.pat) && matches!(first.pat, syn::Pat::Wild(_));
    let body = match &*take.body {
        syn::Expr::Block(body) if body.label.is_some() || !body.attrs.is_empty() => return None,
        syn::Expr::Block(body) => Body::Block(&body.block),
        value => Body::Value(value),
    };
    if !is_rest(&other.pat) || is_rest(&take.pat) || hides {
        return None;
    }
    let does_nothing = match &*other.body {
        syn::Expr::Tuple(t) => t.elems.is_empty(),
        syn::Expr::Block(b) => b.block.stmts.is_empty(),
        _ => false,
    };
    Some(Level {
        expr,
        asked: Asked::Fits { pattern: &take.pat, value: &node.expr },
        body,
        otherwise: (!does_nothing).then_some(&*other.body),
        of_std: Vec::new(),
    })
}

/// `_`, `None`, `Err(_)`.
fn is_rest(pat: &syn::Pat) -> bool {
    match pat {
        syn::Pat::Wild(_) => true,
        syn::Pat::Ident(p) => p.ident == "None" && p.subpat.is_none(),
        syn::Pat::Path(p) => p.path.is_ident("None"),
        syn::Pat::TupleStruct(t) => t.path.is_ident("Err") && t.elems.iter().all(|p| matches!(p, syn::Pat::Wild(_))),
        _ => false,
    }
}

/// True for a pattern that `let … else` takes and that may fail.
fn refutes(pat: &syn::Pat) -> bool {
    match pat {
        syn::Pat::TupleStruct(_) | syn::Pat::Slice(_) => true,
        syn::Pat::Struct(s) => s.path.segments.len() > 1,
        syn::Pat::Reference(r) => refutes(&r.pat),
        syn::Pat::Tuple(t) => t.elems.iter().any(refutes),
        _ => false,
    }
}

/// True if the pattern moves all that may have a drop out of the value: nothing of it is left to be dropped later.
fn takes_all(pat: &syn::Pat) -> bool {
    match pat {
        syn::Pat::Ident(p) => p.by_ref.is_none() && p.subpat.is_none(),
        syn::Pat::TupleStruct(t) => t.elems.iter().all(takes_all),
        syn::Pat::Tuple(t) => t.elems.iter().all(takes_all),
        syn::Pat::Struct(s) => s.rest.is_none() && s.fields.iter().all(|field| takes_all(&field.pat)),
        syn::Pat::Lit(_) | syn::Pat::Path(_) | syn::Pat::Range(_) => true,
        // What a reference leads to is dropped by its owner.
        syn::Pat::Reference(_) => true,
        _ => false,
    }
}

/// True if what a step does otherwise can stand before the rest, and then leave.
fn may_leave(level: &Level<'_>, around: Around, is_unit: bool) -> bool {
    let Some(other) = level.otherwise else { return is_unit };
    if leaves(other) {
        return true;
    }
    let statements = match other {
        syn::Expr::Block(b) if b.label.is_none() && b.attrs.is_empty() => b.block.stmts.as_slice(),
        syn::Expr::Block(_) => return false,
        _ => &[],
    };
    let has_items = statements.iter().any(|stmt| matches!(stmt, syn::Stmt::Item(_)));
    let most = if around == Around::Loop { 1 } else { 2 };
    // The last value of an `else` that the function gives back.
    let has_value = matches!(statements.last(), Some(syn::Stmt::Expr(_, None)) | None);
    !has_items && statements.len() <= most && (is_unit || has_value)
}

/// True if control never comes behind the expression.
pub fn leaves(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Return(_) | syn::Expr::Continue(_) | syn::Expr::Break(_) => true,
        syn::Expr::Block(b) => b.label.is_none() && b.attrs.is_empty() && shapes::diverges(&b.block),
        syn::Expr::Macro(m) => ["panic", "unreachable", "todo", "unimplemented"].iter().any(|n| m.mac.path.is_ident(n)),
        _ => false,
    }
}
