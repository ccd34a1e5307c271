//! A file and a private field of one of its structs in; every use of the field out, where all of them are known.

use super::functions::{head, items};
use super::lexer::TokenKind;
use super::visit::code::{self as visit, Visit};
use super::{SourceFile, types};

/// A private field with a name.
#[derive(Clone, Copy)]
pub struct OwnField<'a> {
    /// Its struct.
    pub owner: &'a syn::ItemStruct,
    /// The field.
    pub field: &'a syn::Field,
    /// Its name.
    pub name: &'a syn::Ident,
}

/// What is done with a field.
pub struct FieldUses<'a> {
    /// `self.field` with the expression that holds it directly; `None` where it is a statement or a value of its own.
    pub reached: Vec<(&'a syn::Expr, Option<&'a syn::Expr>)>,
    /// The values that `Owner { field: value }` gives it.
    pub made: Vec<&'a syn::Expr>,
}

/// The private fields whose types are named like one of these, `BTreeMap` of `BTreeMap<u64, Row>`; not those of tests.
pub fn own_fields<'a>(file: &'a SourceFile, types: &[&str]) -> Vec<OwnField<'a>> {
    let structs =
        items(&file.ast).into_iter().filter(|placed| !placed.is_test).filter_map(|placed| match placed.item {
            syn::Item::Struct(item) => Some(item),
            _ => None,
        });
    let private = |field: &&syn::Field| matches!(field.vis, syn::Visibility::Inherited);
    let fields = structs.flat_map(|owner| owner.fields.iter().filter(private).map(move |field| (owner, field)));
    let wanted = fields.filter(|(_, field)| types.contains(&head(&field.ty).as_str()));
    wanted.filter_map(|(owner, field)| Some(OwnField { owner, field, name: field.ident.as_ref()? })).collect()
}

/// All uses of a field in its file, but for those of tests; `None` where one is hidden by a macro or a pattern, or may be of another field of the name.
pub fn uses_of<'a>(file: &'a SourceFile, field: &OwnField<'a>) -> Option<FieldUses<'a>> {
    let found = FieldUses { reached: Vec::new(), made: Vec::new() };
    let mut walk = Uses { file, field: *field, parent: None, seen: 0, is_known: true, found };
    walk.visit_file(&file.ast);
    (walk.is_known && walk.seen == reaches(file, &field.name.to_string())).then_some(walk.found)
}

/// How often `.name` stands in the file and is no call of a method.
fn reaches(file: &SourceFile, name: &str) -> usize {
    let words: Vec<_> = file.tokens.iter().filter(|t| !t.is_comment()).collect();
    let text = |at: usize| words.get(at).map_or("", |t: &&super::lexer::Token| t.text(&file.text));
    let is_it = |at: &usize| {
        let is_name = words[*at].kind == TokenKind::Ident && text(*at) == name;
        is_name && *at > 0 && text(*at - 1) == "." && text(*at + 1) != "(" && !file.is_in_test(words[*at].range)
    };
    (0..words.len()).filter(is_it).count()
}

struct Uses<'a> {
    file: &'a SourceFile,
    field: OwnField<'a>,
    parent: Option<&'a syn::Expr>,
    seen: usize,
    is_known: bool,
    found: FieldUses<'a>,
}

impl Uses<'_> {
    /// True if a path names the owner, `Self` in its `impl` among them.
    fn is_owner(&self, path: &syn::Path) -> bool {
        let Some(last) = path.segments.last() else { return false };
        if last.ident != "Self" {
            return last.ident == self.field.owner.ident;
        }
        self.file.item_around(self.file.range(path)).is_some_and(|item| self.field.owner.ident == item.self_type)
    }
}

impl<'a> Visit<'a> for Uses<'a> {
    fn visit_expr(&mut self, node: &'a syn::Expr) {
        match node {
            syn::Expr::Field(f)
                if matches!(&f.member, syn::Member::Named(name) if name == self.field.name)
                    && !self.file.is_in_test(self.file.range(node)) =>
            {
                self.seen += 1;
                let owner = types::type_of(self.file, &f.base).and_then(|ty| types::head(types::strip(&ty)));
                match owner {
                    Some(owner) if self.field.owner.ident == owner => self.found.reached.push((node, self.parent)),
                    Some(_) => {}
                    None => self.is_known = false,
                }
            }
            syn::Expr::Struct(s) if self.is_owner(&s.path) => {
                let is_it =
                    |value: &&syn::FieldValue| matches!(&value.member, syn::Member::Named(n) if n == self.field.name);
                self.found.made.extend(s.fields.iter().find(is_it).map(|value| &value.expr));
            }
            _ => {}
        }
        let before = self.parent.replace(node);
        visit::visit_expr(self, node);
        self.parent = before;
    }

    fn visit_block(&mut self, node: &'a syn::Block) {
        let before = self.parent.take();
        visit::visit_block(self, node);
        self.parent = before;
    }

    fn visit_local(&mut self, node: &'a syn::Local) {
        self.is_known &= !takes_apart(&node.pat, self.field.name);
        visit::visit_local(self, node);
    }

    fn visit_arm(&mut self, node: &'a syn::Arm) {
        self.is_known &= !takes_apart(&node.pat, self.field.name);
        visit::visit_arm(self, node);
    }
}

/// True if a pattern takes a field of that name out of a struct.
fn takes_apart(pat: &syn::Pat, name: &syn::Ident) -> bool {
    struct Walk<'n>(&'n syn::Ident, bool);
    impl<'a> super::visit::Visit<'a> for Walk<'_> {
        fn visit_pat_struct(&mut self, node: &'a syn::PatStruct) {
            self.1 |= node.fields.iter().any(|f| matches!(&f.member, syn::Member::Named(n) if n == self.0));
            super::visit::visit_pat_struct(self, node);
        }
    }
    let mut walk = Walk(name, false);
    super::visit::Visit::visit_pat(&mut walk, pat);
    walk.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileRole;

    #[track_caller]
    fn check(rest: &str, expected: Option<&[&str]>) {
        let text = format!("struct S {{ rows: Vec<u8> }} struct T {{ rows: u8 }} {rest}");
        let file = SourceFile::parse("a.rs", &text, &FileRole::default()).unwrap();
        let fields = own_fields(&file, &["Vec"]);
        assert_eq!(fields.len(), 1);
        let found = uses_of(&file, &fields[0]).map(|uses| {
            let reached = uses.reached.iter().map(|(_, parent)| parent.map_or("", |p| file.text_of(p)));
            reached.chain(uses.made.iter().map(|made| file.text_of(*made))).map(str::to_owned).collect::<Vec<_>>()
        });
        assert_eq!(found, expected.map(|all| all.iter().map(|t| (*t).to_owned()).collect()), "{rest}");
    }

    #[test]
    fn uses_are_listed_with_what_holds_them() {
        check("impl S { fn f(&mut self) { self.rows.push(1); } }", Some(&["self.rows.push(1)"]));
        check("impl S { fn f() -> S { Self { rows: Vec::new() } } }", Some(&["Vec::new()"]));
        check("fn f(s: &S, t: &T) -> u8 { s.rows[0] + t.rows }", Some(&["s.rows[0]"]));
        check("fn f(s: &S) -> usize { s.rows() }", Some(&[]));
        check("fn f() -> T { T { rows: 1 } }", Some(&[]));
    }

    #[test]
    fn what_is_not_seen_is_not_known() {
        check("fn f(s: &S) { println!(\"{:?}\", s.rows); }", None);
        check("fn f(s: S) { let S { rows } = s; g(rows); }", None);
        check("fn f(s: S) { match s { S { rows } => g(rows) } }", None);
        check("fn f() { let s = make(); s.rows.len(); }", None);
    }
}
