//! Two loops in; whether they walk a table across its rows where swapped they would walk along them, out.

use super::names::{mentions, peel, plain_name};
use super::usage;
use super::{SourceFile, shapes, words};
use crate::model::TextRange;

/// Two loops around one statement that adds something of a table to something, element by element.
pub struct Walk<'a> {
    /// The outer loop.
    pub outer: &'a syn::ExprForLoop,
    /// The inner loop.
    pub inner: &'a syn::ExprForLoop,
    /// What is indexed: the sums, and what is added to them.
    pub indexed: Vec<&'a syn::Expr>,
}

/// All such pairs of a file, outside of tests.
pub fn walks(file: &SourceFile) -> Vec<Walk<'_>> {
    let mut found = Vec::new();
    for block in words::blocks_with(file, &["for"]) {
        for stmt in &block.stmts {
            if let syn::Stmt::Expr(syn::Expr::ForLoop(outer), _) = stmt {
                found.extend(walk(file, outer));
            }
        }
    }
    found
}

fn walk<'a>(file: &SourceFile, outer: &'a syn::ExprForLoop) -> Option<Walk<'a>> {
    let [syn::Stmt::Expr(syn::Expr::ForLoop(inner), _)] = outer.body.stmts.as_slice() else { return None };
    let [syn::Stmt::Expr(syn::Expr::Binary(adds), _)] = inner.body.stmts.as_slice() else { return None };
    if !usage::is_assignment(&adds.op) || outer.label.is_some() || inner.label.is_some() {
        return None;
    }
    let (out, within) = (counter(outer)?, counter(inner)?);
    if mentions(&inner.expr, &out) || mentions(&outer.expr, &within) {
        return None;
    }
    let syn::Expr::Index(sum) = peel(&adds.left) else { return None };
    let sums = usage::place(&sum.expr).filter(|p| p.is_plain)?;
    // Each sum gets its parts in the order in which it got them before: of two rounds of the outer loop none has the same sum.
    if !is_along(&sum.index, &out) || mentions(&sum.index, &within) || !is_plain(&sum.index) {
        return None;
    }
    let mut indexed = vec![&*sum.expr];
    let mut across = 0;
    for expr in shapes::exprs_in(&adds.right) {
        match expr {
            syn::Expr::Index(part) => {
                if !is_plain(&part.index) {
                    return None;
                }
                across += usize::from(is_across(part, &within));
                // After the swap this one would be walked across.
                if is_across(part, &out) {
                    return None;
                }
                indexed.push(&part.expr);
            }
            other if !is_arithmetic(other) => return None,
            _ => {}
        }
    }
    let reads = usage::uses_in_expr(file, &adds.right, &sums.root);
    let is_apart = reads.iter().all(|u| !usage::may_overlap(&sums, &sums.root, &u.fields));
    let is_fixed = [&outer.expr, &inner.expr].iter().all(|range| {
        let uses = usage::uses_in_expr(file, range, &sums.root);
        uses.iter().all(|u| !usage::may_overlap(&sums, &sums.root, &u.fields) || u.is_read())
    });
    (across > 0 && is_apart && is_fixed).then_some(Walk { outer, inner, indexed })
}

/// The name that a loop over a plain range counts with.
fn counter(l: &syn::ExprForLoop) -> Option<String> {
    let syn::Expr::Range(range) = peel(&l.expr) else { return None };
    let ends = [range.start.as_deref(), range.end.as_deref()];
    let is_quiet = ends.iter().flatten().all(|end| is_plain(end)) && ends.iter().all(Option::is_some);
    match &*l.pat {
        syn::Pat::Ident(p) if is_quiet && p.by_ref.is_none() && p.mutability.is_none() => Some(p.ident.to_string()),
        _ => None,
    }
}

/// Names, fields, literals, lengths, and sums and products of them.
fn is_plain(expr: &syn::Expr) -> bool {
    match peel(expr) {
        syn::Expr::Binary(b) => !usage::is_assignment(&b.op) && is_plain(&b.left) && is_plain(&b.right),
        syn::Expr::Cast(c) => is_plain(&c.expr),
        other => shapes::is_quiet(other),
    }
}

/// What may stand around the elements that are added: it computes, and does nothing else.
fn is_arithmetic(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Call(call) => match &*call.func {
            // `u64::from(x)`.
            syn::Expr::Path(p) => {
                let names: Vec<String> = p.path.segments.iter().map(|s| s.ident.to_string()).collect();
                matches!(names.as_slice(), [owner, from] if from == "from" && is_number(owner))
            }
            _ => false,
        },
        syn::Expr::Binary(b) => !usage::is_assignment(&b.op),
        syn::Expr::Path(_) | syn::Expr::Field(_) | syn::Expr::Lit(_) | syn::Expr::Cast(_) | syn::Expr::Paren(_) => true,
        syn::Expr::Unary(_) => true,
        _ => false,
    }
}

fn is_number(name: &str) -> bool {
    const NUMBERS: &[&str] =
        &["f32", "f64", "i128", "i16", "i32", "i64", "i8", "u128", "u16", "u32", "u64", "u8", "usize", "isize"];
    NUMBERS.contains(&name)
}

/// `i`, `start + i`: the next one of the name is the next element.
fn is_along(index: &syn::Expr, name: &str) -> bool {
    let is_it = |expr: &syn::Expr| plain_name(expr).is_some_and(|found| found == name);
    match peel(index) {
        syn::Expr::Binary(b) if matches!(b.op, syn::BinOp::Add(_)) => {
            (is_it(&b.left) && !mentions(&b.right, name)) || (is_it(&b.right) && !mentions(&b.left, name))
        }
        other => is_it(other),
    }
}

/// `table[i * width + x]` and `table[i][x]`: the next one of the name is a row away.
fn is_across(part: &syn::ExprIndex, name: &str) -> bool {
    let multiplied = |expr: &syn::Expr| match expr {
        syn::Expr::Binary(b) => {
            matches!(b.op, syn::BinOp::Mul(_)) && (mentions(&b.left, name) || mentions(&b.right, name))
        }
        _ => false,
    };
    let in_row = matches!(peel(&part.expr), syn::Expr::Index(row) if mentions(&row.index, name));
    in_row || shapes::exprs_in(&part.index).into_iter().any(multiplied)
}

impl Walk<'_> {
    /// The pattern and the range of each loop: of the outer, then of the inner.
    pub fn heads(&self, file: &SourceFile) -> [(TextRange, TextRange); 2] {
        [self.outer, self.inner].map(|l| (file.range(&*l.pat), file.range(&*l.expr)))
    }
}
