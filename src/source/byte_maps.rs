//! A file in; its local maps from bytes to numbers, and what stands for each use of them once they are arrays, out.

use super::visit::{self, Visit};

use super::functions::{head, type_arguments};
use super::names::{self, plain_name};
use super::{SourceFile, shapes, types};
use crate::model::{TextEdit, TextRange};

/// A local map that an array could stand for.
pub struct ByteMap<'a> {
    /// The `let`.
    pub local: &'a syn::Local,
    /// Its name.
    pub name: &'a syn::Ident,
    /// What turns its type, its initialiser and all uses into those of an array.
    pub edits: Vec<TextEdit>,
}

/// The maps of a file of which every use is known.
pub fn byte_maps(file: &SourceFile) -> Vec<ByteMap<'_>> {
    let mut found = Vec::new();
    for block in shapes::blocks(file) {
        for (index, stmt) in block.stmts.iter().enumerate() {
            found.extend(byte_map(file, block, index, stmt));
        }
    }
    found
}

fn byte_map<'a>(file: &SourceFile, block: &'a syn::Block, index: usize, stmt: &'a syn::Stmt) -> Option<ByteMap<'a>> {
    let bound = shapes::plain_let(stmt).filter(|l| l.is_mut)?;
    let ty = bound.ty.filter(|ty| ["HashMap", "BTreeMap"].contains(&head(ty).as_str()))?;
    let [key, number] = type_arguments(ty)[..] else { return None };
    let is_number = types::is_primitive(number) && !["bool", "char"].contains(&head(number).as_str());
    if head(key) != "u8" || !is_number || !is_empty(bound.value) {
        return None;
    }
    let name = bound.name.to_string();
    let mut walk = Uses { file, name: &name, known: 0, grows: true, is_listed: false, edits: Vec::new() };
    block.stmts[index + 1..].iter().for_each(|stmt| walk.visit_stmt(stmt));
    let rest = shapes::rest(block, index);
    let is_known = walk.known > 0 && walk.known == shapes::count(&rest, &name);
    if !is_known || (walk.is_listed && !walk.grows) {
        return None;
    }
    let shown = file.text_of(number);
    let zero = if head(number).starts_with('f') { "0.0" } else { "0" };
    let mut edits = vec![
        TextEdit { range: file.range(ty), text: format!("[{shown}; 256]") },
        TextEdit { range: file.range(bound.value), text: format!("[{zero}; 256]") },
    ];
    edits.extend(walk.edits);
    Some(ByteMap { local: bound.local, name: bound.name, edits })
}

/// `HashMap::new()`, `HashMap::with_capacity(n)`, `HashMap::default()`.
fn is_empty(expr: &syn::Expr) -> bool {
    let is = |path: &[&str]| shapes::call(expr, path).is_some_and(|call| call.args.iter().all(shapes::is_quiet));
    ["HashMap", "BTreeMap"].iter().any(|map| is(&[map, "new"]) || is(&[map, "with_capacity"]) || is(&[map, "default"]))
}

struct Uses<'a> {
    file: &'a SourceFile,
    name: &'a str,
    known: usize,
    /// True as long as every change adds a number above zero: what is zero was never there.
    grows: bool,
    /// True if something goes over what is there.
    is_listed: bool,
    edits: Vec<TextEdit>,
}

impl Uses<'_> {
    fn is_map(&self, expr: &syn::Expr) -> bool {
        plain_name(expr).is_some_and(|name| name == self.name)
    }

    /// `*map.entry(key).or_insert(0)`: the key.
    fn entry<'e>(&self, expr: &'e syn::Expr) -> Option<&'e syn::Expr> {
        let syn::Expr::Unary(u) = names::peel(expr) else { return None };
        let or = match names::peel(&u.expr) {
            syn::Expr::MethodCall(call) if matches!(u.op, syn::UnOp::Deref(_)) => call,
            _ => return None,
        };
        let is_zero = match (or.method.to_string().as_str(), or.args.len()) {
            ("or_default", 0) => true,
            ("or_insert", 1) => is_zero(&or.args[0]),
            _ => false,
        };
        let entry = shapes::method(&or.receiver, "entry", 1).filter(|_| is_zero)?;
        self.is_map(&entry.receiver).then(|| &entry.args[0])
    }

    /// `map.get(&key).copied().unwrap_or(0)` and its kin: the key, without its `&`.
    fn looked_up(&self, expr: &syn::Expr) -> Option<String> {
        let (inner, is_copied) = match names::peel(expr) {
            syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => {
                let or = shapes::method(&u.expr, "unwrap_or", 1)?;
                let syn::Expr::Reference(zero) = &or.args[0] else { return None };
                (is_zero(&zero.expr).then_some(&*or.receiver)?, false)
            }
            other => {
                let or = shapes::method(other, "unwrap_or_default", 0)
                    .or_else(|| shapes::method(other, "unwrap_or", 1).filter(|call| is_zero(&call.args[0])))?;
                (&*or.receiver, true)
            }
        };
        let inner = match is_copied {
            true => {
                let copied = shapes::method(inner, "copied", 0).or_else(|| shapes::method(inner, "cloned", 0))?;
                &*copied.receiver
            }
            false => inner,
        };
        let get = shapes::method(inner, "get", 1).filter(|get| self.is_map(&get.receiver))?;
        Some(match &get.args[0] {
            // Brackets that only the `&` needed would be a warning.
            syn::Expr::Reference(r) => self.file.text_of(names::peel(&r.expr)).to_owned(),
            other => format!("*{}", self.file.text_of(other)),
        })
    }

    fn replace(&mut self, range: TextRange, key: &str) {
        self.known += 1;
        self.edits.push(TextEdit { range, text: format!("{}[usize::from({key})]", self.name) });
    }

    /// `map` or `map.into_iter()` where its pairs are wanted.
    fn list(&mut self, range: TextRange) {
        self.known += 1;
        self.is_listed = true;
        let text = format!("(0..=u8::MAX).zip({}).filter(|(_, n)| *n > 0)", self.name);
        self.edits.push(TextEdit { range, text });
    }
}

fn is_zero(expr: &syn::Expr) -> bool {
    match names::peel(expr) {
        syn::Expr::Lit(lit) => match &lit.lit {
            syn::Lit::Int(n) => n.base10_digits() == "0",
            syn::Lit::Float(n) => n.base10_parse::<f64>().is_ok_and(|n| n == 0.0),
            _ => false,
        },
        _ => false,
    }
}

impl<'a> Visit<'a> for Uses<'_> {
    fn visit_expr(&mut self, node: &'a syn::Expr) {
        match node {
            // What a closure of its own captures, the array would copy.
            syn::Expr::Closure(c) if c.capture.is_some() => return,
            syn::Expr::Async(_) => return,
            syn::Expr::Binary(b) if super::usage::is_assignment(&b.op) => {
                if let Some(key) = self.entry(&b.left) {
                    let is_above_zero = matches!(names::peel(&b.right), syn::Expr::Lit(_)) && !is_zero(&b.right);
                    self.grows &= matches!(b.op, syn::BinOp::AddAssign(_)) && is_above_zero;
                    let text = self.file.text_of(names::peel(key)).to_owned();
                    self.replace(self.file.range(&*b.left), &text);
                    self.visit_expr(key);
                    self.visit_expr(&b.right);
                    return;
                }
            }
            syn::Expr::MethodCall(call) if call.method == "into_iter" && self.is_map(&call.receiver) => {
                return self.list(self.file.range(node));
            }
            syn::Expr::ForLoop(l) if self.is_map(&l.expr) => {
                self.list(self.file.range(&*l.expr));
                return self.visit_block(&l.body);
            }
            _ => {}
        }
        if let Some(key) = self.looked_up(node) {
            return self.replace(self.file.range(node), &key);
        }
        visit::visit_expr(self, node);
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}
