//! A file in; the handles on files that a block opens for itself and uses in small pieces out.

use super::names::mentions;
use super::usage::{self, How, Use};
use super::{Node, SourceFile, path_to, shapes};
use crate::model::TextRange;

/// What a handle is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handle {
    /// Only written to.
    Written,
    /// Only read from.
    Read,
}

/// A handle that lives in one block.
pub struct Opened<'a> {
    /// The `let`.
    pub local: &'a syn::Local,
    /// Its name.
    pub name: &'a syn::Ident,
    /// What opens the file, with what becomes of its failure.
    pub value: &'a syn::Expr,
    /// The statement after the `let`.
    pub next: &'a syn::Stmt,
    /// The last statement that uses the handle, but for giving it back.
    pub last: &'a syn::Stmt,
    /// The name where the block gives the handle back as `Ok(name)`.
    pub returned: Option<TextRange>,
}

/// Words that end the privacy of a file: other handles, other processes, the end of this one.
const OTHERS: &[&str] = &["Command", "File", "OpenOptions", "fs", "exit", "abort", "recv", "sleep", "stdin", "accept"];

/// All handles that a block opens for itself and uses in a loop for nothing else.
pub fn opened(file: &SourceFile, wanted: Handle) -> Vec<Opened<'_>> {
    let mut found = Vec::new();
    for block in shapes::blocks(file) {
        found.extend((0..block.stmts.len()).filter_map(|index| handle(file, block, index, wanted)));
    }
    found
}

fn handle<'a>(file: &'a SourceFile, block: &'a syn::Block, index: usize, wanted: Handle) -> Option<Opened<'a>> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| l.ty.is_none())?;
    // `bytes` takes the file, so that its name needs no `mut`.
    if !bound.is_mut && !matches!(wanted, Handle::Read) {
        return None;
    }
    let (opens, failure) = shapes::fallible(file, bound.value);
    if failure.is_empty() || !opens_file(opens, wanted) {
        return None;
    }
    let name = bound.name.to_string();
    let mut after = &block.stmts[index + 1..];
    let given = after.last().and_then(|stmt| given_back(stmt, bound.name)).filter(|_| wanted == Handle::Written);
    if given.is_some() {
        after = &after[..after.len() - 1];
    }
    let last = after.iter().rposition(|stmt| shapes::count(stmt, &name) > 0)?;
    let rest = syn::Block { brace_token: block.brace_token, stmts: after.to_vec() };
    let uses = usage::uses(file, &rest, &name);
    let is_private = uses.iter().all(|u| (!u.is_captured || is_for_each(file, u)) && is_used_as(file, u, wanted));
    let is_alone = after[..=last].iter().all(|stmt| OTHERS.iter().all(|word| !mentions(stmt, word)));
    let is_rebound = !usage::bindings(file, &rest, &name).is_empty();
    // What is written must be flushed after its last use; what is read is not.
    let is_value = wanted == Handle::Written
        && matches!(&after[last], syn::Stmt::Expr(e, None) if last + 1 == after.len() && !is_loop(e));
    if !is_private || !is_alone || is_rebound || is_value || !is_used_in_loop(&after[..=last], &name) {
        return None;
    }
    let returned = given.map(|name| file.range(name));
    Some(Opened {
        local: bound.local,
        name: bound.name,
        value: bound.value,
        next: &after[0],
        last: &after[last],
        returned,
    })
}

/// The name in `Ok(name)` as the value of the block.
fn given_back<'a>(stmt: &'a syn::Stmt, name: &syn::Ident) -> Option<&'a syn::Expr> {
    let syn::Stmt::Expr(syn::Expr::Call(call), None) = stmt else { return None };
    let is_ok = matches!(&*call.func, syn::Expr::Path(p) if p.path.is_ident("Ok"));
    call.args.first().filter(|value| is_ok && call.args.len() == 1 && shapes::is_name(value, name))
}

/// True inside a closure that `for_each` or `try_for_each` runs before it returns, and in no other.
fn is_for_each(file: &SourceFile, u: &Use) -> bool {
    let mut depth = 0;
    for node in path_to(file, u.name) {
        match node {
            Node::Expr(syn::Expr::MethodCall(call)) if EACH.iter().any(|name| call.method == name) => depth += 1,
            Node::Expr(syn::Expr::Closure(c)) if c.capture.is_none() => depth -= 1,
            Node::Expr(syn::Expr::Closure(_) | syn::Expr::Async(_)) => return false,
            _ => {}
        }
    }
    depth == 0
}

/// Ends of an iterator that run their closure for each item.
const EACH: &[&str] = &["for_each", "try_for_each"];

fn is_loop(expr: &syn::Expr) -> bool {
    matches!(expr, syn::Expr::ForLoop(_) | syn::Expr::While(_))
}

fn opens_file(expr: &syn::Expr, wanted: Handle) -> bool {
    let is_call = |name: &str| shapes::call(expr, &["File", name]).is_some();
    match wanted {
        Handle::Read => is_call("open"),
        Handle::Written => is_call("create") || is_call("create_new") || opens_by_options(expr),
    }
}

/// `OpenOptions::new()….append(true)….open(path)` without reading.
fn opens_by_options(expr: &syn::Expr) -> bool {
    let Some(open) = shapes::method(expr, "open", 1) else { return false };
    let root = shapes::chain_root(&open.receiver);
    let is_options =
        shapes::call(root, &["OpenOptions", "new"]).is_some() || shapes::call(root, &["File", "options"]).is_some();
    is_options && !mentions(&open.receiver, "read") && !mentions(&open.receiver, "custom_flags")
}

fn is_used_as(file: &SourceFile, u: &Use, wanted: Handle) -> bool {
    match (&u.how, wanted) {
        (How::Method(name), Handle::Written) => {
            u.is_bare && ["write_all", "write_fmt", "flush"].contains(&name.as_str())
        }
        (How::Method(name), Handle::Read) => u.is_bare && ["read", "read_exact", "bytes"].contains(&name.as_str()),
        // `writeln!(file, …)` and `writeln!(&mut file, …)`.
        (How::Read | How::Mutate, Handle::Written) if u.is_bare => {
            let before = file.text[..u.whole.start as usize].trim_end();
            before.ends_with("write!(") || before.ends_with("writeln!(")
        }
        _ => false,
    }
}

/// True if a loop among the statements speaks of the name in its body.
fn is_used_in_loop(stmts: &[syn::Stmt], name: &str) -> bool {
    let block = syn::Block { brace_token: syn::token::Brace::default(), stmts: stmts.to_vec() };
    shapes::exprs(&block).into_iter().any(|expr| match expr {
        syn::Expr::ForLoop(l) => shapes::count(&l.body, name) > 0 || mentions(&l.expr, name),
        syn::Expr::While(l) => shapes::count(l, name) > 0,
        syn::Expr::Loop(l) => shapes::count(&l.body, name) > 0,
        syn::Expr::MethodCall(call) if EACH.iter().any(|each| call.method == each) => {
            call.args.iter().any(|a| matches!(a, syn::Expr::Closure(c) if shapes::count(&c.body, name) > 0))
        }
        _ => false,
    })
}
