//! A file in; the loops that write to a file of std and sync it in each round, and do nothing else that anybody sees, out.

use super::functions::functions;
use super::usage::{self, How};
use super::writers::{Flush, flush_of, writes_to};
use super::{SourceFile, names, pure, shapes, types};

/// A sync in each round of a loop that could stand after it.
pub struct Sync<'a> {
    /// The loop.
    pub around: &'a syn::ExprForLoop,
    /// The sync.
    pub flush: Flush<'a>,
}

/// The syncs in loops of a file.
pub fn syncs(file: &SourceFile) -> Vec<Sync<'_>> {
    let mut found = Vec::new();
    for function in functions(file).into_iter().filter(|f| !f.is_test && f.sig.asyncness.is_none()) {
        for block in shapes::own_blocks(function.block) {
            for stmt in &block.stmts {
                if let syn::Stmt::Expr(syn::Expr::ForLoop(around), _) = stmt {
                    found.extend(synced(file, around));
                }
            }
        }
    }
    found
}

fn synced<'a>(file: &SourceFile, around: &'a syn::ExprForLoop) -> Option<Sync<'a>> {
    let flushes = around.body.stmts.iter().enumerate().filter_map(|(at, stmt)| Some((at, flush_of(stmt, false)?)));
    let (at, flush) = flushes.into_iter().find(|(_, flush)| flush.syncs)?;
    let place = usage::place(flush.place).filter(|p| p.is_plain)?;
    let is_file = types::type_of(file, flush.place)
        .and_then(|ty| types::head(types::strip(&ty)))
        .is_some_and(|head| head == "File" && is_std_file(file));
    let is_list = shapes::counted(&around.expr).and_then(|list| types::type_of(file, list)).is_some_and(|ty| {
        types::is_sequence(&ty) || matches!(types::head(types::strip(&ty)).as_deref(), Some("HashMap" | "BTreeMap"))
    });
    let bound = names::bound_by(&around.pat);
    if !is_file || !is_list || bound.contains(&place.root) || around.label.is_some() {
        return None;
    }
    let others: Vec<&syn::Stmt> =
        around.body.stmts.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, s)| s).collect();
    let is_written = others.iter().any(|stmt| writes_to(stmt, flush.place));
    let leaves = shapes::exits(&around.body).iter().any(|exit| *exit != shapes::Exit::Question);
    let is_own = |stmt: &&syn::Stmt| is_quiet(file, stmt, flush.place);
    (is_written && !leaves && others.iter().all(is_own)).then_some(Sync { around, flush })
}

fn is_std_file(file: &SourceFile) -> bool {
    let imported = names::imports(file, "File");
    imported.is_empty() || imported == ["std::fs::File"]
}

/// True if a statement writes to the file, or computes and changes what is its own, and tells nobody.
fn is_quiet(file: &SourceFile, stmt: &syn::Stmt, place: &syn::Expr) -> bool {
    const WRITES: &[&str] = &["write_all", "write_fmt"];
    let block = syn::Block { brace_token: Default::default(), stmts: vec![stmt.clone()] };
    let is_fine = |expr: &syn::Expr| match expr {
        syn::Expr::MethodCall(call) => {
            let name = call.method.to_string();
            let is_place = shapes::same(names::peel(&call.receiver), names::peel(place));
            let is_text = ["clear", "push", "push_str", "extend_from_slice"].contains(&name.as_str());
            match () {
                () if WRITES.contains(&name.as_str()) => is_place,
                () => is_text || pure::computes(&name) || is_handled(&name),
            }
        }
        // `std::fmt::Write::write_fmt(&mut line, …)` into a text of the round.
        syn::Expr::Call(call) => {
            let is_format =
                matches!(&*call.func, syn::Expr::Path(p) if shapes::ends_with(&p.path, &["fmt", "Write", "write_fmt"]));
            is_format || pure::is_pure(file, expr)
        }
        syn::Expr::Macro(m) => names::is_formatting(&m.mac),
        syn::Expr::Closure(_) | syn::Expr::Async(_) | syn::Expr::Await(_) | syn::Expr::Unsafe(_) => false,
        _ => true,
    };
    let macros = block.stmts.iter().all(|s| match s {
        syn::Stmt::Macro(m) => ["write", "writeln"].iter().any(|name| m.mac.path.is_ident(name)),
        _ => true,
    });
    let moves = usage::uses(file, &block, &names::root(place).map(ToString::to_string).unwrap_or_default());
    let is_kept = moves.iter().all(|u| match &u.how {
        How::Value | How::Opaque => !u.is_bare,
        _ => true,
    });
    macros && is_kept && shapes::exprs(&block).into_iter().all(is_fine)
}

/// What is done with the failure of a write.
fn is_handled(name: &str) -> bool {
    ["unwrap", "expect", "map_err"].contains(&name)
}
