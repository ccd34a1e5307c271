//! A loop in; the channel that it asks and sleeps, and what goes where it waits for the message instead, out.

use super::names::{self, peel};
use super::{Node, SourceFile, locks, path_to, shapes, usage};
use crate::model::TextRange;

/// How the receiver waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// `recv()` of a thread.
    Thread,
    /// `recv().await` of a task.
    Task,
    /// `blocking_recv()` of a thread on a channel of tasks.
    Blocking,
}

/// A loop that polls a channel.
pub struct Polled<'a> {
    /// The call of `try_recv`.
    pub call: &'a syn::ExprMethodCall,
    /// How it may wait.
    pub waits: Waits,
    /// What has to change around the call.
    pub parts: Parts<'a>,
}

/// What has to change around the call.
pub enum Parts<'a> {
    /// Nothing else is looked at: the arm for an empty channel goes, and with it the sleep behind the arms where nothing
    /// reaches it any more.
    Alone {
        /// Patterns of a message.
        messages: Vec<&'a syn::Pat>,
        /// Patterns of a failure that stay.
        failures: Vec<&'a syn::Pat>,
        /// The arm that goes.
        empty: Option<&'a syn::Arm>,
        /// The statement that goes.
        unreached: Option<&'a syn::Stmt>,
    },
    /// Each round looks at something else: it waits for no longer than it slept.
    Timed {
        /// Patterns of a message.
        messages: Vec<&'a syn::Pat>,
        /// The pattern for an empty channel, and the body that slept.
        empty: &'a syn::Arm,
        /// The pattern for a channel without senders.
        closed: &'a syn::Pat,
        /// For how long it slept.
        pause: &'a syn::Expr,
        /// True if `continue` follows the sleep.
        goes_on: bool,
    },
}

/// A sleep as a statement or the value of an arm: for how long, and whether a task sleeps.
pub struct Sleep<'a> {
    /// For how long.
    pub pause: &'a syn::Expr,
    /// True for `sleep(…).await`.
    pub is_task: bool,
}

/// Reads a loop that asks a channel in its first statement.
pub fn polled<'a>(file: &SourceFile, expr: &'a syn::Expr) -> Option<Polled<'a>> {
    let (body, is_steady) = match expr {
        syn::Expr::Loop(l) => (&l.body, true),
        syn::Expr::While(w) if !matches!(&*w.cond, syn::Expr::Let(_)) => (&w.body, is_steady(&w.cond)),
        _ => return None,
    };
    let at = body.stmts.iter().position(|stmt| asked(stmt).is_some())?;
    let looked = asked(&body.stmts[at])?;
    let is_first = at == 0 && is_steady;
    let behind = &body.stmts[at + 1..];
    let (call, parts, sleep) = match looked {
        Asked::Match(node) => in_match(node, behind, is_first, matches!(&body.stmts[at], syn::Stmt::Local(_)))?,
        Asked::If(node) if is_first => in_if(node, behind)?,
        Asked::If(_) => return None,
    };
    let waits = waits(file, call, &parts, &sleep)?;
    if waits == Waits::Blocking && matches!(parts, Parts::Timed { .. }) {
        return None;
    }
    Some(Polled { call, waits, parts })
}

enum Asked<'a> {
    Match(&'a syn::ExprMatch),
    If(&'a syn::ExprIf),
}

/// `match rx.try_recv() { … }`, by itself or as the value of a `let`; `if let Ok(x) = rx.try_recv() { … }`.
fn asked(stmt: &syn::Stmt) -> Option<Asked<'_>> {
    let expr = match stmt {
        syn::Stmt::Expr(expr, _) => expr,
        syn::Stmt::Local(local) => local.init.as_ref().filter(|i| i.diverge.is_none()).map(|init| &*init.expr)?,
        _ => return None,
    };
    match expr {
        syn::Expr::Match(m) if try_recv(&m.expr).is_some() => Some(Asked::Match(m)),
        syn::Expr::If(i) => match &*i.cond {
            syn::Expr::Let(l) if try_recv(&l.expr).is_some() => Some(Asked::If(i)),
            _ => None,
        },
        _ => None,
    }
}

fn try_recv(expr: &syn::Expr) -> Option<&syn::ExprMethodCall> {
    shapes::method(expr, "try_recv", 0).filter(|call| usage::place(&call.receiver).is_some())
}

/// True for conditions that nobody but the loop changes.
fn is_steady(cond: &syn::Expr) -> bool {
    shapes::exprs_in(cond).into_iter().all(|e| match e {
        syn::Expr::MethodCall(call) => {
            call.args.is_empty() && ["len", "is_empty", "is_none", "is_some"].iter().any(|m| call.method == m)
        }
        syn::Expr::Binary(_)
        | syn::Expr::Unary(_)
        | syn::Expr::Path(_)
        | syn::Expr::Field(_)
        | syn::Expr::Lit(_)
        | syn::Expr::Paren(_) => true,
        _ => false,
    })
}

type Read<'a> = (&'a syn::ExprMethodCall, Parts<'a>, Sleep<'a>);

fn in_match<'a>(node: &'a syn::ExprMatch, behind: &'a [syn::Stmt], is_first: bool, is_value: bool) -> Option<Read<'a>> {
    let call = try_recv(&node.expr)?;
    if node.arms.iter().any(|arm| matches!(arm.pat, syn::Pat::Guard(_)) || !arm.attrs.is_empty()) {
        return None;
    }
    let messages: Vec<&syn::Arm> = node.arms.iter().filter(|arm| inside(&arm.pat, "Ok").is_some()).collect();
    let failures: Vec<&syn::Arm> = node.arms.iter().filter(|arm| inside(&arm.pat, "Ok").is_none()).collect();
    let patterns = |arms: &[&'a syn::Arm]| arms.iter().map(|arm| &arm.pat).collect::<Vec<_>>();
    let empty = failures.iter().copied().find(|arm| is_error(&arm.pat, &["Empty"]));
    let others: Vec<&syn::Arm> =
        failures.iter().copied().filter(|arm| !empty.is_some_and(|e| std::ptr::eq(e, *arm))).collect();
    if messages.is_empty() || !others.iter().all(|arm| is_any_error(arm)) {
        return None;
    }
    match (empty, others.as_slice()) {
        (Some(arm), [closed]) => {
            if let Some((sleep, goes_on)) = idle(&arm.body) {
                // Without `continue`, what stands behind would run after each sleep.
                let is_alone = is_first && (goes_on || behind.is_empty());
                let parts = if is_alone {
                    Parts::Alone {
                        messages: patterns(&messages),
                        failures: vec![&closed.pat],
                        empty: Some(arm),
                        unreached: None,
                    }
                } else {
                    let pause = sleep.pause;
                    Parts::Timed { messages: patterns(&messages), empty: arm, closed: &closed.pat, pause, goes_on }
                };
                return Some((call, parts, sleep));
            }
            // The sleep stands behind the arms, and only the empty channel comes to it.
            let [last] = behind else { return None };
            let sleep = slept(last)?;
            let is_reached = !messages.iter().chain([closed]).all(|arm| leaves(&arm.body));
            if !is_first || is_value || is_reached || !does_nothing(&arm.body) {
                return None;
            }
            let parts = Parts::Alone {
                messages: patterns(&messages),
                failures: vec![&closed.pat],
                empty: Some(arm),
                unreached: Some(last),
            };
            Some((call, parts, sleep))
        }
        // A failure of either kind sleeps: that of the closed channel goes on to.
        (None, [arm]) if is_first => {
            let sleep = match (idle(&arm.body), behind) {
                (Some((sleep, goes_on)), _) if goes_on || behind.is_empty() => sleep,
                (None, [last]) if does_nothing(&arm.body) && messages.iter().all(|arm| leaves(&arm.body)) => {
                    slept(last)?
                }
                _ => return None,
            };
            let parts =
                Parts::Alone { messages: patterns(&messages), failures: vec![&arm.pat], empty: None, unreached: None };
            Some((call, parts, sleep))
        }
        _ => None,
    }
}

/// `if let Ok(x) = rx.try_recv() { … } else { sleep }`, or the sleep behind it.
fn in_if<'a>(node: &'a syn::ExprIf, behind: &'a [syn::Stmt]) -> Option<Read<'a>> {
    let syn::Expr::Let(l) = &*node.cond else { return None };
    inside(&l.pat, "Ok")?;
    let call = try_recv(&l.expr)?;
    let sleep = match (&node.else_branch, behind) {
        (Some((_, other)), rest) => idle(other).filter(|(_, goes_on)| *goes_on || rest.is_empty())?.0,
        (None, [last]) if shapes::diverges(&node.then_branch) => slept(last)?,
        _ => return None,
    };
    Some((call, Parts::Alone { messages: vec![&l.pat], failures: Vec::new(), empty: None, unreached: None }, sleep))
}

/// What stands in `Ok(…)`.
pub fn inside<'a>(pat: &'a syn::Pat, variant: &str) -> Option<&'a syn::PatTupleStruct> {
    match pat {
        syn::Pat::TupleStruct(t) if t.path.is_ident(variant) && t.elems.len() == 1 => Some(t),
        _ => None,
    }
}

/// `Err(mpsc::TryRecvError::Empty)`.
fn is_error(pat: &syn::Pat, names: &[&str]) -> bool {
    let Some(err) = inside(pat, "Err") else { return false };
    let path = match &err.elems[0] {
        syn::Pat::Path(p) => &p.path,
        syn::Pat::Ident(p) => return names.iter().any(|name| p.ident == name),
        _ => return false,
    };
    path.segments.last().is_some_and(|s| names.iter().any(|name| s.ident == name))
}

/// An arm for whatever failure, or for the closed channel, that does not look at the error.
fn is_any_error(arm: &syn::Arm) -> bool {
    if is_error(&arm.pat, &["Disconnected", "Closed"]) || matches!(arm.pat, syn::Pat::Wild(_)) {
        return true;
    }
    let Some(err) = inside(&arm.pat, "Err") else { return false };
    match &err.elems[0] {
        syn::Pat::Wild(_) => true,
        syn::Pat::Ident(name) => !names::mentions(&*arm.body, &name.ident.to_string()) && name.subpat.is_none(),
        _ => false,
    }
}

/// A block, or an arm, that only sleeps: the sleep, and whether `continue` follows.
fn idle(expr: &syn::Expr) -> Option<(Sleep<'_>, bool)> {
    match expr {
        syn::Expr::Block(b) if b.label.is_none() => match b.block.stmts.as_slice() {
            [only] => Some((slept(only)?, false)),
            [first, syn::Stmt::Expr(syn::Expr::Continue(c), _)] if c.label.is_none() => Some((slept(first)?, true)),
            _ => None,
        },
        other => Some((sleep_of(other)?, false)),
    }
}

/// The sleep that a statement is.
pub fn slept(stmt: &syn::Stmt) -> Option<Sleep<'_>> {
    match stmt {
        syn::Stmt::Expr(expr, _) => sleep_of(expr),
        _ => None,
    }
}

fn sleep_of(expr: &syn::Expr) -> Option<Sleep<'_>> {
    let (call, is_task) = match peel(expr) {
        syn::Expr::Await(a) => (shapes::call(&a.base, &["sleep"])?, true),
        other if locks::is_sleep(other) => (shapes::call(other, &["sleep"])?, false),
        _ => return None,
    };
    (call.args.len() == 1).then(|| Sleep { pause: &call.args[0], is_task })
}

fn does_nothing(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Block(b) => b.block.stmts.is_empty(),
        syn::Expr::Tuple(t) => t.elems.is_empty(),
        _ => false,
    }
}

fn leaves(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Return(_) | syn::Expr::Break(_) | syn::Expr::Continue(_) => true,
        syn::Expr::Block(b) => shapes::diverges(&b.block),
        _ => false,
    }
}

/// How the receiver of the call may wait there; `None` where channel and sleep do not belong together.
fn waits(file: &SourceFile, call: &syn::ExprMethodCall, parts: &Parts<'_>, sleep: &Sleep<'_>) -> Option<Waits> {
    let is_tokio = is_of_tokio(file, parts);
    match (is_async(file, file.range(call)), sleep.is_task, is_tokio) {
        (true, _, Some(true)) | (true, true, None) => Some(Waits::Task),
        (false, false, Some(true)) => Some(Waits::Blocking),
        (false, false, _) => Some(Waits::Thread),
        _ => None,
    }
}

/// Whether the channel is one of tokio, by the path of an error in a pattern, or by what the file speaks of.
fn is_of_tokio(file: &SourceFile, parts: &Parts<'_>) -> Option<bool> {
    let patterns: Vec<&syn::Pat> = match parts {
        Parts::Alone { failures, empty, .. } => failures.iter().copied().chain(empty.map(|arm| &arm.pat)).collect(),
        Parts::Timed { closed, empty, .. } => vec![closed, &empty.pat],
    };
    let paths = patterns.into_iter().filter_map(|pat| match &inside(pat, "Err")?.elems[0] {
        syn::Pat::Path(p) => Some(p.path.segments.iter().map(|s| s.ident.to_string()).collect::<Vec<_>>()),
        _ => None,
    });
    for path in paths {
        let full = match names::imports(file, &path[0]).as_slice() {
            [import] => import.clone(),
            _ => path[0].clone(),
        };
        if path.iter().any(|s| s == "error") || full.starts_with("tokio") {
            return Some(true);
        }
        if full.starts_with("std") || full.starts_with("crossbeam") {
            return Some(false);
        }
    }
    let speaks =
        |of: &str| file.text.contains(of) || names::all_imports(file).iter().any(|(_, full)| full.starts_with(of));
    match (speaks("tokio::sync::mpsc"), speaks("std::sync::mpsc") || speaks("crossbeam_channel")) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

/// True if the innermost function, closure or block around a place is `async`.
pub fn is_async(file: &SourceFile, site: TextRange) -> bool {
    let innermost = path_to(file, site).into_iter().rev().find_map(|node| match node {
        Node::Expr(syn::Expr::Async(_)) => Some(true),
        Node::Expr(syn::Expr::Closure(c)) => Some(c.asyncness.is_some()),
        Node::Fn(f) => Some(f.sig.asyncness.is_some()),
        Node::Method(f) => Some(f.sig.asyncness.is_some()),
        Node::TraitMethod(f) => Some(f.sig.asyncness.is_some()),
        _ => None,
    });
    innermost.unwrap_or(false)
}
