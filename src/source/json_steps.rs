//! A function's body in; the pairs of calls out of which the first makes what only the second, one of serde_json, takes.

use super::failures::fate;
use super::{SourceFile, json, shapes};
use crate::model::TextRange;

/// Two calls of which the second alone takes what the first makes.
pub struct Steps<'a> {
    /// The first call, without what is done with its failure.
    pub first: &'a syn::Expr,
    /// The first with what is done with its failure.
    pub made: TextRange,
    /// The function of serde_json that takes it.
    pub callee: &'a syn::ExprPath,
    /// The call of it; the path alone where it is handed to `and_then`.
    pub call: TextRange,
    /// What it is given; nothing where it is handed to `and_then`.
    pub argument: Option<TextRange>,
    /// How the two are joined.
    pub joint: Joint,
    /// True if both failures end alike.
    pub is_alike: bool,
}

/// How two calls are joined.
pub enum Joint {
    /// The first stands in the second.
    Inside,
    /// By a `let` just before the second.
    Let(TextRange),
    /// By an `if let` that holds nothing but another one.
    Nested {
        /// The outer `if`.
        outer: TextRange,
        /// The inner one.
        inner: TextRange,
    },
    /// By a condition of an `if`, up to the next condition.
    Chained(TextRange),
    /// By `and_then`: the whole, and what follows the second call in the closure.
    AndThen(TextRange, TextRange),
}

impl Steps<'_> {
    /// Name of the function that is called second: `from_value`.
    pub fn second(&self) -> String {
        self.callee.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default()
    }

    /// Where that name stands.
    pub fn second_ident(&self, file: &SourceFile) -> Option<TextRange> {
        Some(file.span_range(self.callee.path.segments.last()?.ident.span()))
    }

    /// What is read and parsed, written or copied in the end: the first call's only argument or its receiver.
    pub fn source(&self) -> Option<&syn::Expr> {
        match self.first {
            syn::Expr::Call(call) if call.args.len() == 1 => call.args.first(),
            syn::Expr::MethodCall(call) if call.args.is_empty() => Some(&call.receiver),
            _ => None,
        }
    }
}

/// All such pairs of a body.
pub fn steps<'a>(file: &'a SourceFile, body: &'a syn::Block) -> Vec<Steps<'a>> {
    let mut found = Vec::new();
    for expr in shapes::exprs(body) {
        found.extend(inside(file, expr));
        found.extend(nested(file, expr));
        found.extend(chained(file, expr));
        found.extend(and_then(file, expr));
    }
    for block in shapes::blocks_in(body) {
        for index in 0..block.stmts.len() {
            found.extend(named(file, block, index));
        }
    }
    found
}

/// The call of a function of serde_json, and what it takes.
fn taking(expr: &syn::Expr) -> Option<(&syn::ExprPath, &syn::Expr)> {
    let syn::Expr::Call(call) = expr else { return None };
    json::function(call)?;
    let syn::Expr::Path(callee) = &*call.func else { return None };
    Some((callee, call.args.first().filter(|_| call.args.len() == 1)?))
}

/// A call that makes something from something: `serde_json::to_string(x)`, `String::from_utf8(x)`, `x.to_string()`.
fn is_maker(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Call(call) => {
            let is_text = ["String", "str"].iter().any(|owner| shapes::call(expr, &[owner, "from_utf8"]).is_some());
            call.args.len() == 1 && (is_text || json::function(call).is_some())
        }
        syn::Expr::MethodCall(call) => call.method == "to_string" && call.args.is_empty(),
        _ => false,
    }
}

/// What can be evaluated one statement later without anybody noticing.
fn is_movable(expr: &syn::Expr) -> bool {
    match shapes::unreferenced(expr) {
        syn::Expr::Index(index) => {
            let range_ends = |range: &syn::ExprRange| {
                [&range.start, &range.end].into_iter().flatten().all(|end| shapes::is_quiet(end))
            };
            let is_quiet_index = match &*index.index {
                syn::Expr::Range(range) => range_ends(range),
                other => shapes::is_quiet(other),
            };
            is_quiet_index && is_movable(&index.expr)
        }
        syn::Expr::MethodCall(call) if call.args.is_empty() && (call.method == "to_vec" || call.method == "clone") => {
            is_movable(&call.receiver)
        }
        other => shapes::is_quiet(other),
    }
}

fn inside<'a>(file: &'a SourceFile, expr: &'a syn::Expr) -> Option<Steps<'a>> {
    let (callee, argument) = taking(expr)?;
    let (first, _) = json::failing(file, json::bytes_of(argument));
    if !is_maker(first) {
        return None;
    }
    let call = file.range(expr);
    Some(Steps {
        first,
        made: file.range(json::bytes_of(argument)),
        callee,
        call,
        argument: Some(file.range(argument)),
        joint: Joint::Inside,
        is_alike: alike(file, first, call),
    })
}

fn alike(file: &SourceFile, first: &syn::Expr, second: TextRange) -> bool {
    let is_sure = matches!(first, syn::Expr::MethodCall(_));
    is_sure || fate(file, file.range(first)).is_some_and(|one| fate(file, second) == Some(one))
}

/// What a `let` names: by a plain name, by `Ok(name)` with an `else`, or by a `match` that gives `Ok(name)` through.
fn bound<'a>(file: &'a SourceFile, stmt: &'a syn::Stmt) -> Option<(&'a syn::Local, &'a syn::Ident, &'a syn::Expr)> {
    let syn::Stmt::Local(local) = stmt else { return None };
    let init = local.init.as_ref().filter(|_| local.attrs.is_empty())?;
    let (value, _) = json::failing(file, through(&init.expr));
    if let Some(plain) = shapes::plain_let(stmt) {
        return Some((local, plain.name, value)).filter(|_| !plain.is_mut);
    }
    let variant = ["Ok", "Some"].iter().find_map(|variant| shapes::bound_in_variant(&local.pat, variant));
    Some((local, variant.filter(|_| init.diverge.is_some())?, value))
}

/// `call` of `match call { Ok(v) => v, Err(_) => return … }`.
fn through(expr: &syn::Expr) -> &syn::Expr {
    let syn::Expr::Match(node) = expr else { return expr };
    let gives = |arm: &syn::Arm| {
        let name = ["Ok", "Some"].iter().find_map(|variant| shapes::bound_in_variant(&arm.pat, variant));
        name.is_some_and(|name| shapes::is_name(&arm.body, name))
    };
    if node.arms.len() == 2 && node.arms.iter().any(gives) { &node.expr } else { expr }
}

fn named<'a>(file: &'a SourceFile, block: &'a syn::Block, index: usize) -> Option<Steps<'a>> {
    let (local, name, first) = bound(file, &block.stmts[index])?;
    let next = block.stmts.get(index + 1).filter(|_| is_maker(first))?;
    if shapes::count(&shapes::rest(block, index), &name.to_string()) != 1 {
        return None;
    }
    let (call, callee, argument) = json::run_once(next).into_iter().find_map(|expr| {
        let (callee, argument) = taking(expr)?;
        shapes::is_name(json::bytes_of(argument), name).then_some((file.range(expr), callee, file.range(argument)))
    })?;
    let found = Steps {
        first,
        made: file.range(&local.init.as_ref()?.expr),
        callee,
        call,
        argument: Some(argument),
        joint: Joint::Let(file.range(local)),
        is_alike: alike(file, first, call),
    };
    let is_first = || run_first(next).is_some_and(|first| asked_first(file, first, call));
    found.source().is_some_and(|source| is_movable(source) || (is_first() && is_got(source))).then_some(found)
}

/// What a statement computes before anything else.
fn run_first(stmt: &syn::Stmt) -> Option<&syn::Expr> {
    match stmt {
        syn::Stmt::Expr(expr, _) => Some(expr),
        syn::Stmt::Local(local) => local.init.as_ref().map(|init| &*init.expr),
        _ => None,
    }
}

/// True if an expression begins with this call.
fn asked_first(file: &SourceFile, expr: &syn::Expr, call: TextRange) -> bool {
    if file.range(expr) == call {
        return true;
    }
    match expr {
        syn::Expr::MethodCall(outer) => asked_first(file, &outer.receiver, call),
        syn::Expr::Try(t) => asked_first(file, &t.expr, call),
        syn::Expr::Match(m) => asked_first(file, &m.expr, call),
        syn::Expr::Return(r) => r.expr.as_ref().is_some_and(|value| asked_first(file, value, call)),
        syn::Expr::Call(c) if matches!(&*c.func, syn::Expr::Path(_)) => {
            c.args.first().is_some_and(|first| asked_first(file, first, call))
        }
        _ => false,
    }
}

/// `tree.get("body")?`: what one look gives, or leaves the function for.
fn is_got(expr: &syn::Expr) -> bool {
    let syn::Expr::Try(t) = expr else { return false };
    let syn::Expr::MethodCall(call) = &*t.expr else { return false };
    let is_look = call.method == "get" || call.method == "pointer";
    is_look && call.args.iter().all(|key| matches!(key, syn::Expr::Lit(_))) && shapes::is_quiet(&call.receiver)
}

/// `Ok(name) = first` of a condition.
fn condition<'a>(file: &'a SourceFile, expr: &'a syn::Expr) -> Option<(&'a syn::Ident, &'a syn::Expr, TextRange)> {
    let syn::Expr::Let(condition) = expr else { return None };
    let name = ["Ok", "Some"].iter().find_map(|variant| shapes::bound_in_variant(&condition.pat, variant))?;
    let (first, _) = json::failing(file, &condition.expr);
    is_maker(first).then(|| (name, first, file.range(&*condition.expr)))
}

/// The call among these expressions that takes the name.
fn taken<'a>(
    file: &SourceFile,
    all: Vec<&'a syn::Expr>,
    name: &syn::Ident,
) -> Option<(TextRange, &'a syn::ExprPath, TextRange)> {
    all.into_iter().find_map(|expr| {
        let (callee, argument) = taking(expr)?;
        shapes::is_name(json::bytes_of(argument), name).then(|| (file.range(expr), callee, file.range(argument)))
    })
}

fn nested<'a>(file: &'a SourceFile, expr: &'a syn::Expr) -> Option<Steps<'a>> {
    let syn::Expr::If(outer) = expr else { return None };
    let (name, first, made) = condition(file, &outer.cond)?;
    let ([syn::Stmt::Expr(held @ syn::Expr::If(inner), _)], None) = (&outer.then_branch.stmts[..], &outer.else_branch)
    else {
        return None;
    };
    if shapes::count(&outer.then_branch, &name.to_string()) != 1 || inner.else_branch.is_some() {
        return None;
    }
    let syn::Expr::Let(condition) = &*inner.cond else { return None };
    let (call, callee, argument) = taken(file, shapes::exprs_in(&condition.expr), name)?;
    Some(Steps {
        first,
        made,
        callee,
        call,
        argument: Some(argument),
        joint: Joint::Nested { outer: file.range(expr), inner: file.range(held) },
        is_alike: alike(file, first, call),
    })
}

fn chained<'a>(file: &'a SourceFile, expr: &'a syn::Expr) -> Option<Steps<'a>> {
    let syn::Expr::If(node) = expr else { return None };
    let mut conditions = Vec::new();
    flatten(&node.cond, &mut conditions);
    conditions.windows(2).find_map(|pair| {
        let (name, first, made) = condition(file, pair[0])?;
        let (call, callee, argument) = taken(file, shapes::exprs_in(pair[1]), name)?;
        // Its binding is one more.
        if shapes::count(node, &name.to_string()) != 2 {
            return None;
        }
        let gone = TextRange { start: file.range(pair[0]).start, end: file.range(pair[1]).start };
        Some(Steps {
            first,
            made,
            callee,
            call,
            argument: Some(argument),
            joint: Joint::Chained(gone),
            is_alike: alike(file, first, call),
        })
    })
}

fn flatten<'a>(expr: &'a syn::Expr, out: &mut Vec<&'a syn::Expr>) {
    match expr {
        syn::Expr::Binary(b) if matches!(b.op, syn::BinOp::And(_)) => {
            flatten(&b.left, out);
            flatten(&b.right, out);
        }
        other => out.push(other),
    }
}

fn and_then<'a>(file: &'a SourceFile, expr: &'a syn::Expr) -> Option<Steps<'a>> {
    let syn::Expr::MethodCall(node) = expr else { return None };
    if node.method != "and_then" || node.args.len() != 1 {
        return None;
    }
    let (first, first_end) = json::failing(file, &node.receiver);
    if !is_maker(first) || matches!(first, syn::Expr::MethodCall(_)) {
        return None;
    }
    let whole = file.range(expr);
    let steps = |callee, call, argument, end: TextRange, is_alike| Steps {
        first,
        made: file.range(&*node.receiver),
        callee,
        call,
        argument,
        joint: Joint::AndThen(whole, end),
        is_alike,
    };
    match &node.args[0] {
        syn::Expr::Path(path) => {
            let range = file.range(path);
            let segments: Vec<_> = path.path.segments.iter().collect();
            let is_json = matches!(segments.as_slice(), [owner, _] if owner.ident == "serde_json");
            let end = TextRange { start: range.end, end: range.end };
            is_json.then(|| steps(path, range, None, end, first_end.is_empty()))
        }
        syn::Expr::Closure(closure) if closure.inputs.len() == 1 => {
            let syn::Pat::Ident(name) = &closure.inputs[0] else { return None };
            let (second, second_end) = json::failing(file, &closure.body);
            let (callee, argument) = taking(second)?;
            if !shapes::is_name(json::bytes_of(argument), &name.ident) {
                return None;
            }
            let call = file.range(second);
            let end = TextRange { start: call.end, end: file.range(&*closure.body).end };
            let bare = |text: &str| text.split_whitespace().collect::<String>();
            let is_alike = bare(first_end) == bare(second_end);
            Some(steps(callee, call, Some(file.range(argument)), end, is_alike))
        }
        _ => None,
    }
}
