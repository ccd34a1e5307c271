//! A function's body in; the values that are written as JSON only to be compared, out.

use super::usage::{self, How};
use super::{SourceFile, json, names, shapes};
use crate::model::TextRange;

/// Two values whose JSON is compared.
pub struct Compared<'a> {
    /// The comparison.
    pub site: TextRange,
    /// `==` or `!=`.
    pub sign: &'static str,
    /// The two values, as they are handed over.
    pub values: [&'a syn::Expr; 2],
    /// The `let`s that name the texts.
    pub lines: Vec<TextRange>,
    /// Where a text is asked whether it is empty, which JSON never is.
    pub empties: Vec<TextRange>,
}

/// All such comparisons of a body.
pub fn compared<'a>(file: &'a SourceFile, body: &'a syn::Block) -> Vec<Compared<'a>> {
    let mut found = Vec::new();
    for expr in shapes::exprs(body) {
        let Some((sign, left, right)) = comparison(expr) else { continue };
        let site = file.range(expr);
        if let (Some(a), Some(b)) = (value(file, left), value(file, right)) {
            if a.1 == b.1 {
                let (lines, empties) = (Vec::new(), Vec::new());
                found.push(Compared { site, sign, values: [a.0, b.0], lines, empties });
            }
        } else if let Some((values, lines)) = printed(file, body, left, right) {
            found.push(Compared { site, sign, values, lines, empties: Vec::new() });
        } else if shapes::is_quiet(left) && shapes::is_quiet(right) {
            found.extend(shapes::blocks_in(body).into_iter().find_map(|block| named(file, block, expr)));
        }
    }
    found
}

fn comparison(expr: &syn::Expr) -> Option<(&'static str, &syn::Expr, &syn::Expr)> {
    let syn::Expr::Binary(b) = expr else { return None };
    let sign = match b.op {
        syn::BinOp::Eq(_) => "==",
        syn::BinOp::Ne(_) => "!=",
        _ => return None,
    };
    Some((sign, &b.left, &b.right))
}

/// The value of `serde_json::to_string(value)?`, with the name of the function and what is done with the failure.
fn value<'a>(file: &'a SourceFile, expr: &'a syn::Expr) -> Option<(&'a syn::Expr, String)> {
    let (inner, end) = json::failing(file, expr);
    let syn::Expr::Call(call) = inner else { return None };
    let name = json::function(call).filter(|name| ["to_string", "to_vec", "to_value"].contains(&name.as_str()))?;
    let value = call.args.first().filter(|value| shapes::is_quiet(shapes::unreferenced(value)))?;
    let bare: String = end.split_whitespace().collect();
    let is_handled = ["?", ".unwrap()", ".unwrap_or_default()", ".ok()", ".ok()?"].contains(&bare.as_str())
        || bare.starts_with(".expect(");
    is_handled.then_some((value, name))
}

/// The values of `print(a) == print(b)` where `print` is a closure of the body that writes what it is given as JSON and does
/// nothing else, with its `let` where it is used for nothing else.
fn printed<'a>(
    file: &SourceFile,
    body: &'a syn::Block,
    left: &'a syn::Expr,
    right: &'a syn::Expr,
) -> Option<([&'a syn::Expr; 2], Vec<TextRange>)> {
    let (name, a) = printer_call(left)?;
    let (_, b) = printer_call(right).filter(|(other, _)| *other == name)?;
    let lets = shapes::blocks_in(body).into_iter().flat_map(|block| &block.stmts);
    let mut bound = lets.filter_map(shapes::plain_let).filter(|l| l.name == name);
    let (only, None) = (bound.next()?, bound.next()) else { return None };
    let syn::Expr::Closure(closure) = names::peel(only.value) else { return None };
    let [parameter] = &closure.inputs.iter().collect::<Vec<_>>()[..] else { return None };
    let parameter = match parameter {
        syn::Pat::Type(t) => &*t.pat,
        other => other,
    };
    let syn::Pat::Ident(parameter) = parameter else { return None };
    let (written, _) = value(file, &closure.body)?;
    let is_it = shapes::is_name(shapes::unreferenced(written), &parameter.ident);
    let is_calm = !shapes::exprs_in(&closure.body).iter().any(|e| matches!(e, syn::Expr::Try(_)));
    // Its own name, and the two calls.
    let uses = shapes::count(body, &name.to_string());
    let lines = if uses == 3 { vec![file.range(only.local)] } else { Vec::new() };
    (is_it && is_calm && !only.is_mut).then_some(([a, b], lines))
}

fn printer_call(expr: &syn::Expr) -> Option<(&syn::Ident, &syn::Expr)> {
    let syn::Expr::Call(call) = names::peel(expr) else { return None };
    let argument =
        call.args.first().filter(|arg| call.args.len() == 1 && shapes::is_quiet(shapes::unreferenced(arg)))?;
    Some((names::plain_name(&call.func)?, argument))
}

/// Two `let`s side by side whose names are compared, and used for nothing else.
fn named<'a>(file: &'a SourceFile, block: &'a syn::Block, comparison_expr: &syn::Expr) -> Option<Compared<'a>> {
    let (sign, left, right) = comparison(comparison_expr)?;
    (0..block.stmts.len().saturating_sub(1)).find_map(|index| {
        let [first, second] = [&block.stmts[index], &block.stmts[index + 1]].map(shapes::plain_let);
        let (first, second) = (first.filter(|l| !l.is_mut)?, second.filter(|l| !l.is_mut)?);
        let is_pair = |a: &syn::Ident, b: &syn::Ident| shapes::is_name(left, a) && shapes::is_name(right, b);
        let values = match () {
            () if is_pair(first.name, second.name) => [value(file, first.value)?, value(file, second.value)?],
            () if is_pair(second.name, first.name) => [value(file, second.value)?, value(file, first.value)?],
            () => return None,
        };
        let rest = shapes::rest(block, index + 1);
        let site = file.range(comparison_expr);
        let mut empties = Vec::new();
        for name in [first.name, second.name] {
            for used in usage::uses(file, &rest, &name.to_string()) {
                let is_compared = used.how == How::Compare && site.contains(used.name);
                match &used.how {
                    _ if is_compared && !used.is_captured => {}
                    How::Method(method) if method == "is_empty" => empties.push(used.whole),
                    _ => return None,
                }
            }
        }
        // Nothing between the two may change what was written.
        let between = TextRange { start: file.range(second.local).end, end: site.start };
        let is_quiet_between = block.stmts[index + 2..]
            .iter()
            .filter(|s| file.range(*s).start < between.end)
            .all(|s| file.range(s).contains(site) || is_early_exit(file, s, &empties));
        let is_once = usage::bindings(file, &rest, &first.name.to_string()).is_empty();
        let [a, b] = values;
        (a.1 == b.1 && is_quiet_between && is_once && is_asked_first(file, block, index + 2, site)).then(|| Compared {
            site,
            sign,
            values: [a.0, b.0],
            lines: vec![file.range(first.local), file.range(second.local)],
            empties: empties.clone(),
        })
    })
}

/// `if text.is_empty() { return …; }`
fn is_early_exit(file: &SourceFile, stmt: &syn::Stmt, empties: &[TextRange]) -> bool {
    let syn::Stmt::Expr(syn::Expr::If(node), _) = stmt else { return false };
    empties.iter().any(|e| file.range(&*node.cond).contains(*e)) && shapes::diverges(&node.then_branch)
}

/// True if the comparison is what its statement computes first: its condition, its value, or what is returned.
fn is_asked_first(file: &SourceFile, block: &syn::Block, from: usize, site: TextRange) -> bool {
    let stmt = block.stmts[from..].iter().find(|stmt| file.range(*stmt).contains(site));
    let Some(stmt) = stmt else { return false };
    let expr = match stmt {
        syn::Stmt::Expr(expr, _) => expr,
        syn::Stmt::Local(local) => match &local.init {
            Some(init) => &init.expr,
            None => return false,
        },
        _ => return false,
    };
    let first = match expr {
        syn::Expr::If(node) => &node.cond,
        syn::Expr::Return(node) => match &node.expr {
            Some(value) => value,
            None => return false,
        },
        other => return first_of(file, other, site),
    };
    first_of(file, first, site)
}

fn is_wrapper(callee: &syn::Expr) -> bool {
    matches!(callee, syn::Expr::Path(p) if p.path.is_ident("Ok") || p.path.is_ident("Some"))
}

fn first_of(file: &SourceFile, expr: &syn::Expr, site: TextRange) -> bool {
    match expr {
        _ if file.range(expr) == site => true,
        syn::Expr::Binary(b) if matches!(b.op, syn::BinOp::And(_) | syn::BinOp::Or(_)) => first_of(file, &b.left, site),
        syn::Expr::Paren(p) => first_of(file, &p.expr, site),
        syn::Expr::Unary(u) => first_of(file, &u.expr, site),
        // `Ok(before != after)`.
        syn::Expr::Call(call) if call.args.len() == 1 && is_wrapper(&call.func) => first_of(file, &call.args[0], site),
        _ => false,
    }
}
