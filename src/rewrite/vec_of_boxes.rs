//! A field of boxes in; a field of values, pushed as they are, out.

use crate::source::visit::{self, Visit};

use super::{Draft, Recipe, borrow, file_of, holds, short};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::types::struct_fields;
use crate::source::{self, SourceFile, lexer, names, shapes, usage};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("vec-of-boxes"), derive };

/// Methods through which a box and its value look alike.
const ALIKE: &[&str] =
    &["clear", "first", "get", "is_empty", "iter", "iter_mut", "last", "len", "reserve", "truncate", "windows"];

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (name, element) = (file.slice(captured("name")?), captured("element")?);
    if let Some(local) = finding.capture("local") {
        return in_function(file, finding, name, element, local);
    }
    let namesakes = files.iter().flat_map(struct_fields).filter(|field| field.name == name).count();
    if namesakes != 1 {
        return Err(format!("another struct has a field `{name}`: which one is used cannot be told from the syntax"));
    }
    let mut edits = vec![(file.path.clone(), unboxed_type(file, finding.range, element))];
    for other in files.iter().filter(|f| f.role.krate == file.role.krate) {
        let mut walk =
            Uses { file: other, name, is_local: false, accesses: 0, known: 0, is_odd: false, edits: Vec::new() };
        walk.visit_file(&other.ast);
        if walk.is_odd || walk.accesses != walk.known || walk.accesses != accesses(other, name) {
            return Err(format!("`{name}` is used in {} in a way that may tell a box from its value", other.path));
        }
        edits.push((other.path.clone(), walk.edits));
    }
    Ok(Draft {
        title: format!("keep the values of {name} in one piece"),
        edits,
        preconditions: vec![
            holds(format!("`{name}` is private, and every use of it is known")),
            borrow("values and boxes are used alike"),
        ],
        obligations: vec![
            "addresses: elements move when the vector grows, and nobody keeps a pointer to one".to_owned(),
        ],
        ..Draft::default()
    })
}

/// A local, every use of which its block shows.
fn in_function(
    file: &SourceFile,
    finding: &Finding,
    name: &str,
    element: TextRange,
    local: TextRange,
) -> Result<Draft, String> {
    let odd = || format!("`{name}` is used in a way that may tell a box from its value");
    let (block, index) = source::stmt_around(file, local).ok_or("the block changed")?;
    let made = shapes::plain_let(&block.stmts[index]).ok_or_else(odd)?;
    let unboxed = if is_empty(made.value) { Vec::new() } else { collected(file, made.value).ok_or_else(odd)? };
    let rest = shapes::rest(block, index);
    let mut walk = Uses { file, name, is_local: true, accesses: 0, known: 0, is_odd: false, edits: Vec::new() };
    block.stmts[index + 1..].iter().for_each(|stmt| walk.visit_stmt(stmt));
    let is_shadowed = !usage::bindings(file, &rest, name).is_empty();
    if walk.is_odd || is_shadowed || walk.accesses != walk.known || walk.accesses != shapes::count(&rest, name) {
        return Err(odd());
    }
    let mut edits = unboxed_type(file, finding.range, element);
    edits.extend(walk.edits);
    edits.extend(unboxed);
    Ok(Draft {
        title: format!("keep the values of {} in one piece in {}", made.name, short(&finding.function)),
        edits: vec![(file.path.clone(), edits)],
        preconditions: vec![
            holds(format!("every use of `{name}` is known")),
            borrow("values and boxes are used alike"),
        ],
        obligations: vec![
            "addresses: elements move when the vector grows, and nobody keeps a pointer to one".to_owned(),
        ],
        ..Draft::default()
    })
}

/// `Vec<Box<T>>` without the box.
fn unboxed_type(file: &SourceFile, ty: TextRange, element: TextRange) -> Vec<TextEdit> {
    let text = file.slice(TextRange { start: ty.start, end: element.start });
    let open = text.rfind("Box").map_or(element.start, |at| ty.start + at as u32);
    let close = file.slice(TextRange { start: element.end, end: ty.end }).find('>').map_or(0, |at| at as u32 + 1);
    vec![
        TextEdit { range: TextRange { start: open, end: element.start }, text: String::new() },
        TextEdit { range: TextRange { start: element.end, end: element.end + close }, text: String::new() },
    ]
}

/// The edits that leave out the box of `….map(|x| Box::new(value)).collect()`, or of `vec![Box::new(a), …]`.
fn collected(file: &SourceFile, value: &syn::Expr) -> Option<Vec<TextEdit>> {
    let boxed = |expr: &syn::Expr| {
        let call = shapes::call(expr, &["Box", "new"]).filter(|call| call.args.len() == 1)?;
        let (whole, inner) = (file.range(call), file.range(&call.args[0]));
        let cut = |start: u32, end: u32| TextEdit { range: TextRange { start, end }, text: String::new() };
        Some([cut(whole.start, inner.start), cut(inner.end, whole.end)])
    };
    if let Some(mac) = shapes::macro_call(value, "vec") {
        let parts = names::arguments(mac)?;
        let edits: Option<Vec<_>> = parts.iter().map(boxed).collect();
        return Some(edits?.into_iter().flatten().collect());
    }
    let collect = shapes::method(value, "collect", 0).filter(|call| call.turbofish.is_none())?;
    let map = shapes::method(&collect.receiver, "map", 1)?;
    match map.args.first()? {
        syn::Expr::Closure(closure) => {
            let last = match &*closure.body {
                syn::Expr::Block(b) => match b.block.stmts.last()? {
                    syn::Stmt::Expr(last, None) if shapes::exits(&b.block).is_empty() => last,
                    _ => return None,
                },
                other => other,
            };
            Some(boxed(last)?.to_vec())
        }
        // `.map(Box::new)` at the end hands on what it is given.
        syn::Expr::Path(path) if shapes::ends_with(&path.path, &["Box", "new"]) => {
            let range = TextRange { start: file.range(&*map.receiver).end, end: file.range(map).end };
            Some(vec![TextEdit { range, text: String::new() }])
        }
        _ => None,
    }
}

/// How often `.name` stands in the file other than as a method.
fn accesses(file: &SourceFile, name: &str) -> usize {
    let tokens: Vec<_> = lexer::tokens(&file.text).into_iter().filter(|t| !t.is_comment()).collect();
    let text = |i: usize| tokens.get(i).map_or("", |t| t.text(&file.text));
    let is_path = |i: usize| i > 1 && text(i - 2) == ".";
    (1..tokens.len()).filter(|i| text(*i) == name && text(i - 1) == "." && !is_path(*i) && text(i + 1) != "(").count()
}

/// `sort_by_key(|e| e.n)`, `retain(|e| e.n > 1)` and their kin, whose closures see references to boxes or to values and
/// only look through them.
fn is_ordering(call: &syn::ExprMethodCall) -> bool {
    const ORDERING: &[&str] = &[
        "binary_search_by",
        "binary_search_by_key",
        "dedup_by_key",
        "retain",
        "sort_by",
        "sort_by_cached_key",
        "sort_by_key",
        "sort_unstable_by",
        "sort_unstable_by_key",
    ];
    let looks_through = |closure: &syn::ExprClosure| {
        closure.inputs.iter().all(|input| match input {
            syn::Pat::Ident(p) => {
                let name = p.ident.to_string();
                let mut parts = Parts { name: &name, seen: 0 };
                parts.visit_expr(&closure.body);
                parts.seen == shapes::count(&*closure.body, &name)
            }
            syn::Pat::Wild(_) => true,
            _ => false,
        })
    };
    let method = call.method.to_string();
    (["reverse", "swap"].contains(&method.as_str()))
        || (ORDERING.contains(&method.as_str())
            && call
                .args
                .iter()
                .all(|a| !matches!(a, syn::Expr::Closure(c) if !looks_through(c)) && !matches!(a, syn::Expr::Path(_))))
}

/// Uses of a name as the base of a field or the receiver of a method, which look alike through a box.
struct Parts<'n> {
    name: &'n str,
    seen: usize,
}

impl<'a> Visit<'a> for Parts<'_> {
    fn visit_expr_field(&mut self, node: &'a syn::ExprField) {
        self.seen += usize::from(names::plain_name(&node.base).is_some_and(|n| n == self.name));
        visit::visit_expr_field(self, node);
    }
}

struct Uses<'a> {
    file: &'a SourceFile,
    name: &'a str,
    /// True for a local, false for a field.
    is_local: bool,
    accesses: usize,
    known: usize,
    is_odd: bool,
    edits: Vec<TextEdit>,
}

impl Uses<'_> {
    fn is_field(&self, expr: &syn::Expr) -> bool {
        match expr {
            syn::Expr::Path(p) => self.is_local && p.path.is_ident(self.name),
            syn::Expr::Field(f) => !self.is_local && matches!(&f.member, syn::Member::Named(name) if name == self.name),
            _ => false,
        }
    }

    /// `push(Box::new(value))` becomes `push(value)`.
    fn push(&mut self, argument: &syn::Expr) {
        match shapes::call(argument, &["Box", "new"]).filter(|call| call.args.len() == 1) {
            Some(call) => {
                let (whole, value) = (self.file.range(call), self.file.range(&call.args[0]));
                let range = TextRange { start: whole.start, end: value.start };
                self.edits.push(TextEdit { range, text: String::new() });
                let range = TextRange { start: value.end, end: whole.end };
                self.edits.push(TextEdit { range, text: String::new() });
                self.known += 1;
            }
            None => self.is_odd = true,
        }
    }
}

impl<'a> Visit<'a> for Uses<'_> {
    fn visit_expr(&mut self, node: &'a syn::Expr) {
        self.accesses += usize::from(self.is_field(node));
        match node {
            syn::Expr::MethodCall(call) if self.is_field(&call.receiver) => {
                let method = call.method.to_string();
                if method == "push" && call.args.len() == 1 {
                    self.push(&call.args[0]);
                } else if ALIKE.contains(&method.as_str()) || (self.is_local && is_ordering(call)) {
                    self.known += 1;
                }
            }
            syn::Expr::Index(i) if self.is_field(&i.expr) => self.known += 1,
            syn::Expr::ForLoop(l) => match &*l.expr {
                syn::Expr::Reference(r) if self.is_field(&r.expr) => self.known += 1,
                _ => {}
            },
            syn::Expr::Struct(s) if !self.is_local => {
                for field in &s.fields {
                    if matches!(&field.member, syn::Member::Named(name) if name == self.name) {
                        self.is_odd |= field.colon_token.is_none() || !is_empty(&field.expr);
                    }
                }
            }
            _ => {}
        }
        visit::visit_expr(self, node);
    }

    fn visit_pat_struct(&mut self, node: &'a syn::PatStruct) {
        let is_named = |f: &syn::FieldPat| matches!(&f.member, syn::Member::Named(name) if name == self.name);
        self.is_odd |= !self.is_local && node.fields.iter().any(is_named);
        visit::visit_pat_struct(self, node);
    }
}

/// `Vec::new()`, `vec![]`, `Vec::with_capacity(n)`, `Default::default()`.
fn is_empty(expr: &syn::Expr) -> bool {
    let is = |path: &[&str]| shapes::call(expr, path).is_some();
    is(&["Vec", "new"])
        || is(&["Vec", "with_capacity"])
        || is(&["Default", "default"])
        || is(&["Vec", "default"])
        || shapes::macro_call(expr, "vec").is_some_and(|mac| mac.tokens.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "vec-of-boxes";

    #[test]
    fn the_values_lie_in_one_piece() {
        let rewrite = check(
            RULE,
            "struct Entry {
    amount: u64,
}
struct Book {
    entries: Vec<Box<Entry>>, // in order
}
impl Book {
    fn new() -> Book {
        Book { entries: Vec::new() }
    }
    fn enter(&mut self, amount: u64) {
        self.entries.push(Box::new(Entry { amount /* minor */ }));
    }
    fn total(&self) -> u64 {
        self.entries.iter().map(|e| e.amount).sum::<u64>() + self.entries[0].amount
    }
}
",
            "struct Entry {
    amount: u64,
}
struct Book {
    entries: Vec<Entry>, // in order
}
impl Book {
    fn new() -> Book {
        Book { entries: Vec::new() }
    }
    fn enter(&mut self, amount: u64) {
        self.entries.push(Entry { amount /* minor */ });
    }
    fn total(&self) -> u64 {
        self.entries.iter().map(|e| e.amount).sum::<u64>() + self.entries[0].amount
    }
}
",
        );
        assert_eq!(rewrite.obligations.len(), 1);
    }

    #[test]
    fn a_local_that_is_collected_and_sorted_holds_its_values() {
        check(
            RULE,
            "struct Point {
    ts: u64,
}
fn top(raw: &[u64], k: usize) -> Vec<u64> {
    let mut boxed: Vec<Box<Point>> = raw.iter().map(|&ts| Box::new(Point { ts })).collect(); // all
    boxed.sort_by(|a, b| b.ts.cmp(&a.ts));
    boxed.iter().take(k).map(|p| p.ts).collect()
}
",
            "struct Point {
    ts: u64,
}
fn top(raw: &[u64], k: usize) -> Vec<u64> {
    let mut boxed: Vec<Point> = raw.iter().map(|&ts| Point { ts }).collect(); // all
    boxed.sort_by(|a, b| b.ts.cmp(&a.ts));
    boxed.iter().take(k).map(|p| p.ts).collect()
}
",
        );
        let reason = "`es` is used in a way that may tell a box from its value";
        for body in ["es.sort_by_key(|e| key_of(e));", "es.retain(is_good);", "es.sort();", "es.push(other());"] {
            check_refuses(
                RULE,
                &format!("struct E {{ n: u8 }} fn f() {{ let mut es: Vec<Box<E>> = Vec::new(); {body} }}"),
                reason,
            );
        }
    }

    #[test]
    fn what_may_tell_a_box_from_its_value_refuses() {
        let reason = "`es` is used in src/lib.rs in a way that may tell a box from its value";
        for body in [
            "fn f(&self) -> Vec<Box<E>> { self.es.clone() }",
            "fn f(&mut self, e: Box<E>) { self.es.push(e); }",
            "fn f(&mut self) -> Option<Box<E>> { self.es.pop() }",
            "fn f(&self) { show!(self.es); }",
            "fn f(self) { let B { es } = self; g(es); }",
            "fn f(es: Vec<Box<E>>) -> B { B { es } }",
        ] {
            check_refuses(RULE, &format!("struct E; struct B {{ es: Vec<Box<E>> }} impl B {{ {body} }}"), reason);
        }
        check_refuses(
            RULE,
            "struct E; struct B { es: Vec<Box<E>> } struct C { es: u8 }",
            "another struct has a field `es`: which one is used cannot be told from the syntax",
        );
    }
}
