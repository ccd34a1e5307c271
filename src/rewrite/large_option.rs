//! A field with room for a large value that is mostly missing in; the value in a box out.

use crate::source::visit::{self, Visit};

use super::{Draft, Recipe, borrow, file_of, holds};
use crate::model::{Finding, RuleId, TextEdit, TextRange};
use crate::source::types::{self, struct_fields};
use crate::source::{SourceFile, names, shapes};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("large-option"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let captured = |name| finding.capture(name).ok_or_else(|| format!("the finding has no \"{name}\""));
    let (name, inner) = (file.slice(captured("name")?), captured("inner")?);
    // A private field is seen by its module and by those inside it: fields of that name elsewhere are others.
    let is_private = finding.capture("private").is_some();
    let declares = |f: &SourceFile| struct_fields(f).iter().filter(|field| field.name == name).count();
    let sees = |f: &&SourceFile| {
        let is_inside = f.role.krate == file.role.krate && f.role.modules.starts_with(&file.role.modules);
        if is_private {
            f.path == file.path || (is_inside && declares(f) == 0)
        } else {
            f.role.krate == file.role.krate
        }
    };
    if files.iter().filter(sees).map(declares).sum::<usize>() != 1 {
        return Err(format!("another struct has a field `{name}`: which one is used cannot be told from the syntax"));
    }
    let of: syn::Type = syn::parse_str(file.slice(inner)).map_err(|_| "the type cannot be read")?;
    let mut edits = vec![(file.path.clone(), around(inner, "Box<", ">").to_vec())];
    let mut is_missing = false;
    for other in files.iter().filter(sees) {
        let mut walk = Uses { file: other, name, of: &of, is_missing: false, edits: Vec::new() };
        walk.visit_file(&other.ast);
        is_missing |= walk.is_missing;
        edits.push((other.path.clone(), walk.edits));
    }
    if !is_missing {
        return Err(format!("nothing makes `{name}` without a value: it may well be there mostly"));
    }
    Ok(Draft {
        title: format!("box what {name} holds where there is anything"),
        edits,
        preconditions: vec![
            holds(format!("`{name}` is the only field of its name, and is made without a value")),
            borrow("what is done with the value can be done through a box"),
        ],
        obligations: vec![format!("`{name}` is mostly empty: each value in it now allocates a box")],
        ..Draft::default()
    })
}

fn around(range: TextRange, before: &str, after: &str) -> [TextEdit; 2] {
    let at = |at: u32, text: &str| TextEdit { range: TextRange { start: at, end: at }, text: text.to_owned() };
    [at(range.start, before), at(range.end, after)]
}

struct Uses<'a> {
    file: &'a SourceFile,
    name: &'a str,
    of: &'a syn::Type,
    is_missing: bool,
    edits: Vec<TextEdit>,
}

impl Uses<'_> {
    /// True for `a.name`, `a.name[i]`, `a.name.get_mut(i)?` and the like.
    fn is_rooted(&self, expr: &syn::Expr) -> bool {
        match names::peel(expr) {
            syn::Expr::Field(f) => {
                matches!(&f.member, syn::Member::Named(name) if name == self.name) || self.is_rooted(&f.base)
            }
            syn::Expr::Index(i) => self.is_rooted(&i.expr),
            syn::Expr::Unary(u) => self.is_rooted(&u.expr),
            syn::Expr::Reference(r) => self.is_rooted(&r.expr),
            syn::Expr::Try(t) => self.is_rooted(&t.expr),
            syn::Expr::MethodCall(call) => {
                const LEADING: &[&str] = &[
                    "get",
                    "get_mut",
                    "first",
                    "first_mut",
                    "last",
                    "last_mut",
                    "iter",
                    "iter_mut",
                    "unwrap",
                    "expect",
                ];
                LEADING.iter().any(|name| call.method == name) && self.is_rooted(&call.receiver)
            }
            _ => false,
        }
    }

    /// True for `None`, `vec![None; n]`.
    fn is_none(expr: &syn::Expr) -> bool {
        let is_none = |e: &syn::Expr| names::plain_name(e).is_some_and(|name| name == "None");
        is_none(expr) || shapes::macro_call(expr, "vec").is_some_and(|mac| mac.tokens.to_string().starts_with("None ;"))
    }

    /// `Some(value)` becomes `Some(Box::new(value))` where it goes into the field.
    fn put(&mut self, expr: &syn::Expr) {
        self.is_missing |= Self::is_none(expr);
        if let Some(call) = shapes::call(expr, &["Some"]).filter(|call| call.args.len() == 1) {
            self.edits.extend(around(self.file.range(&call.args[0]), "Box::new(", ")"));
        }
    }

    /// True for `Some(value)` of the type of the field.
    fn is_of_type(&self, expr: &syn::Expr) -> bool {
        let value = shapes::call(expr, &["Some"]).and_then(|call| call.args.first());
        value.and_then(|v| types::type_of(self.file, v)).is_some_and(|ty| shapes::same(types::strip(&ty), self.of))
    }

    fn method(&mut self, call: &syn::ExprMethodCall) {
        if !self.is_rooted(&call.receiver) {
            return;
        }
        let rename = |to: &str| TextEdit { range: self.file.span_range(call.method.span()), text: to.to_owned() };
        match (call.method.to_string().as_str(), call.args.first()) {
            ("as_ref", None) => self.edits.push(rename("as_deref")),
            ("as_mut", None) => self.edits.push(rename("as_deref_mut")),
            ("push", Some(value)) => self.put(value),
            ("insert" | "replace" | "get_or_insert", Some(value)) if call.args.len() == 1 => {
                self.edits.extend(around(self.file.range(value), "Box::new(", ")"));
            }
            ("get_or_insert_with", Some(syn::Expr::Closure(made))) => {
                self.edits.extend(around(self.file.range(&*made.body), "Box::new(", ")"));
            }
            _ => {}
        }
    }
}

impl<'a> Visit<'a> for Uses<'_> {
    fn visit_expr(&mut self, node: &'a syn::Expr) {
        match node {
            syn::Expr::Assign(a) if self.is_rooted(&a.left) => self.put(&a.right),
            syn::Expr::Assign(a) if matches!(&*a.left, syn::Expr::Unary(_)) && self.is_of_type(&a.right) => {
                self.put(&a.right);
            }
            syn::Expr::MethodCall(call) => self.method(call),
            syn::Expr::Struct(s) => {
                for field in &s.fields {
                    if matches!(&field.member, syn::Member::Named(name) if name == self.name) {
                        self.put(&field.expr);
                    }
                }
            }
            _ => {}
        }
        visit::visit_expr(self, node);
    }
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "large-option";

    #[test]
    fn the_value_goes_into_a_box() {
        let rewrite = check(
            RULE,
            "struct Evidence {
    scan: [u8; 1024],
}
struct Account {
    id: u64,
    // Seldom there.
    evidence: Option<Evidence>,
}
fn open(id: u64) -> Account {
    Account { id, evidence: None }
}
fn put(account: &mut Account) {
    account.evidence = Some(Evidence { scan: [0; 1024] });
}
fn first(account: &Account) -> Option<&Evidence> {
    account.evidence.as_ref()
}
",
            "struct Evidence {
    scan: [u8; 1024],
}
struct Account {
    id: u64,
    // Seldom there.
    evidence: Option<Box<Evidence>>,
}
fn open(id: u64) -> Account {
    Account { id, evidence: None }
}
fn put(account: &mut Account) {
    account.evidence = Some(Box::new(Evidence { scan: [0; 1024] }));
}
fn first(account: &Account) -> Option<&Evidence> {
    account.evidence.as_deref()
}
",
        );
        assert_eq!(rewrite.obligations.len(), 1);
    }

    #[test]
    fn slots_of_a_vector_go_into_boxes() {
        check(
            RULE,
            "struct Ring {
    slots: Vec<Option<[u64; 256]>>,
}
impl Ring {
    fn new(n: usize) -> Ring {
        Ring { slots: vec![None; n] }
    }
    fn put(&mut self, i: usize, page: [u64; 256]) {
        if let Some(slot) = self.slots.get_mut(i) {
            *slot = Some(page);
        }
        self.slots[0] = Some([0; 256]);
        self.slots.push(None);
    }
    fn sum(&self, i: usize) -> Option<u64> {
        self.slots.get(i)?.as_ref().map(|p| p.iter().sum())
    }
}
",
            "struct Ring {
    slots: Vec<Option<Box<[u64; 256]>>>,
}
impl Ring {
    fn new(n: usize) -> Ring {
        Ring { slots: vec![None; n] }
    }
    fn put(&mut self, i: usize, page: [u64; 256]) {
        if let Some(slot) = self.slots.get_mut(i) {
            *slot = Some(Box::new(page));
        }
        self.slots[0] = Some(Box::new([0; 256]));
        self.slots.push(None);
    }
    fn sum(&self, i: usize) -> Option<u64> {
        self.slots.get(i)?.as_deref().map(|p| p.iter().sum())
    }
}
",
        );
    }

    #[test]
    fn a_value_that_may_be_common_and_a_namesake_refuse() {
        check_refuses(
            RULE,
            "struct A { id: u64, e: Option<[u8; 900]> } fn f(e: Option<[u8; 900]>) -> A { A { id: 1, e } }",
            "nothing makes `e` without a value: it may well be there mostly",
        );
        check_refuses(
            RULE,
            "struct A { id: u64, e: Option<[u8; 900]> } struct B { e: u8 } fn f() -> A { A { id: 1, e: None } }",
            "another struct has a field `e`: which one is used cannot be told from the syntax",
        );
    }
}
