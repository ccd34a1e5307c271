//! A file in; its local maps that a loop fills with the indices from zero on, and what stands for their uses once they are
//! vectors, out.

use super::functions::{head, type_arguments};
use super::names::{self, plain_name};
use super::visit::{self, Visit};
use super::{SourceFile, shapes, usage};
use crate::model::{TextEdit, TextRange};

/// A local map that a vector could stand for.
pub struct DenseMap<'a> {
    /// The `let`.
    pub local: &'a syn::Local,
    /// Its name.
    pub name: &'a syn::Ident,
    /// What turns its type, its initialiser and all uses into those of a vector.
    pub edits: Vec<TextEdit>,
}

/// The maps of a file of which every use is known.
pub fn dense_maps(file: &SourceFile) -> Vec<DenseMap<'_>> {
    let mut found = Vec::new();
    for block in shapes::blocks(file) {
        found.extend((0..block.stmts.len()).filter_map(|index| dense_map(file, block, index)));
    }
    found
}

fn dense_map<'a>(file: &SourceFile, block: &'a syn::Block, index: usize) -> Option<DenseMap<'a>> {
    let bound = shapes::plain_let(&block.stmts[index]).filter(|l| l.is_mut)?;
    let ty = bound.ty.filter(|ty| ["HashMap", "BTreeMap"].contains(&head(ty).as_str()))?;
    let [key, value] = type_arguments(ty)[..] else { return None };
    let syn::Expr::Call(made) = names::peel(bound.value) else { return None };
    let syn::Expr::Path(callee) = &*made.func else { return None };
    let how = callee.path.segments.last()?.ident.to_string();
    let is_empty = matches!((how.as_str(), made.args.len()), ("new" | "default", 0) | ("with_capacity", 1));
    if head(key) != "usize" || !is_empty {
        return None;
    }
    let name = bound.name.to_string();
    let rest = shapes::rest(block, index);
    let (insert, pushed) = block.stmts[index + 1..].iter().find_map(|stmt| filled(file, stmt, &name))?;
    let mut walk = Uses { file, name: &name, insert: file.range(insert), known: 1, edits: Vec::new() };
    block.stmts[index + 1..].iter().for_each(|stmt| walk.visit_stmt(stmt));
    if walk.known != shapes::count(&rest, &name) {
        return None;
    }
    let made = match made.args.first() {
        Some(capacity) => format!("Vec::with_capacity({})", file.text_of(capacity)),
        None => "Vec::new()".to_owned(),
    };
    let mut edits = vec![
        TextEdit { range: file.range(ty), text: format!("Vec<{}>", file.text_of(value)) },
        TextEdit { range: file.range(bound.value), text: made },
        TextEdit {
            range: TextRange { start: file.span_range(insert.method.span()).start, end: file.range(pushed).start },
            text: "push(".to_owned(),
        },
    ];
    edits.extend(walk.edits);
    Some(DenseMap { local: bound.local, name: bound.name, edits })
}

/// The `map.insert(index, value);` of a loop that runs it once in each round, for the indices from zero on.
fn filled<'a>(file: &SourceFile, stmt: &'a syn::Stmt, name: &str) -> Option<(&'a syn::ExprMethodCall, &'a syn::Expr)> {
    let syn::Stmt::Expr(syn::Expr::ForLoop(around), _) = stmt else { return None };
    let index = counter(around)?;
    // A round that leaves early would leave a gap.
    if shapes::exits(&around.body).iter().any(|exit| matches!(exit, shapes::Exit::Continue | shapes::Exit::Macro)) {
        return None;
    }
    let mut inserts = around.body.stmts.iter().filter_map(|stmt| match stmt {
        syn::Stmt::Expr(expr, Some(_)) => shapes::method(expr, "insert", 2),
        _ => None,
    });
    let insert = inserts.find(|call| plain_name(&call.receiver).is_some_and(|found| found == name))?;
    let is_index = plain_name(&insert.args[0]).is_some_and(|found| *found == index);
    let is_own = usage::bindings(file, &around.body, &index).is_empty();
    (is_index && is_own).then(|| (insert, &insert.args[1]))
}

/// The name that counts from zero: `i` of `for i in 0..n`, `for (i, x) in xs.iter().enumerate()`.
fn counter(around: &syn::ExprForLoop) -> Option<String> {
    match names::peel(&around.expr) {
        syn::Expr::Range(range) => {
            let is_zero = matches!(range.start.as_deref(), Some(syn::Expr::Lit(l)) if matches!(&l.lit, syn::Lit::Int(n) if n.base10_digits() == "0"));
            match &*around.pat {
                syn::Pat::Ident(p) if is_zero && p.by_ref.is_none() => Some(p.ident.to_string()),
                _ => None,
            }
        }
        syn::Expr::MethodCall(call) if call.method == "enumerate" && call.args.is_empty() => {
            let syn::Pat::Tuple(pair) = &*around.pat else { return None };
            match pair.elems.first()? {
                syn::Pat::Ident(p) if p.by_ref.is_none() && pair.elems.len() == 2 => Some(p.ident.to_string()),
                _ => None,
            }
        }
        _ => None,
    }
}

struct Uses<'a> {
    file: &'a SourceFile,
    name: &'a str,
    insert: TextRange,
    known: usize,
    edits: Vec<TextEdit>,
}

impl Uses<'_> {
    fn is_map(&self, expr: &syn::Expr) -> bool {
        plain_name(expr).is_some_and(|name| name == self.name)
    }

    /// `&key` as `key`, and `key` of another kind dereferenced.
    fn key(&mut self, expr: &syn::Expr) {
        let range = self.file.range(expr);
        let edit =
            |start: u32, end: u32, text: &str| TextEdit { range: TextRange { start, end }, text: text.to_owned() };
        match expr {
            syn::Expr::Reference(r) if r.mutability.is_none() => {
                // Brackets that only the `&` needed go with it.
                let inner = self.file.range(names::peel(&r.expr));
                self.edits.push(edit(range.start, inner.start, ""));
                if inner.end < range.end {
                    self.edits.push(edit(inner.end, range.end, ""));
                }
            }
            _ => self.edits.push(edit(range.start, range.start, "*")),
        }
    }
}

impl<'a> Visit<'a> for Uses<'_> {
    fn visit_expr(&mut self, node: &'a syn::Expr) {
        match node {
            // What a closure of its own captures is another matter.
            syn::Expr::Async(_) => return,
            syn::Expr::Index(i) if self.is_map(&i.expr) => {
                self.known += 1;
                self.key(&i.index);
                return self.visit_expr(&i.index);
            }
            syn::Expr::MethodCall(call) if self.is_map(&call.receiver) && self.file.range(node) != self.insert => {
                match (call.method.to_string().as_str(), call.args.first()) {
                    ("get", Some(key)) => self.key(key),
                    ("len" | "is_empty", None) => {}
                    _ => return,
                }
                self.known += 1;
                return call.args.iter().for_each(|arg| self.visit_expr(arg));
            }
            _ => {}
        }
        visit::visit_expr(self, node);
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}
