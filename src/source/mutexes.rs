//! A file in; its locks around nothing but a number or a flag, and what each use of such a lock does to the value, out.

use super::visit::code::{self as visit, Visit};

use super::functions::{head, items, type_arguments};
use super::lexer::{self, TokenKind};
use super::names::{imports, peel, plain_name};
use super::{Node, SourceFile, locks, path_to, shapes, usage};
use crate::model::TextRange;

/// A private field or static that is a `Mutex` of std or parking_lot around a number or a flag.
pub struct Counted<'a> {
    /// Its name.
    pub name: &'a syn::Ident,
    /// Its type, `Mutex<u64>`.
    pub ty: &'a syn::Type,
    /// What the lock holds: `u64`, `bool`.
    pub inner: String,
    /// The struct whose field it is; `None` for a static.
    pub owner: Option<&'a syn::ItemStruct>,
    /// What a static begins as.
    pub begins: Option<&'a syn::Expr>,
    /// True for a lock of parking_lot, which is taken without an `unwrap`.
    pub is_bare: bool,
}

/// A whole access: lock, look or change, unlock.
pub struct Access {
    /// What is replaced, with a semicolon where it stands for statements.
    pub site: TextRange,
    /// The lock, `self.hits`.
    pub lock: TextRange,
    /// What it does.
    pub does: Does,
    /// True if it stands for whole statements.
    pub is_statement: bool,
}

/// What an access does to the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Does {
    /// Reads it.
    Load,
    /// Writes this.
    Store(TextRange),
    /// `fetch_add` and its kin with this, and nobody looks.
    Change(&'static str, TextRange),
    /// The same, and the new value is the value of the block: `+` and its kin, with this.
    ChangeThenLook(&'static str, &'static str, TextRange),
    /// The same, with the old value bound by this `let`.
    LookThenChange(&'static str, TextRange, TextRange),
}

/// Numbers that every target of std has an atomic for, but for the 64-bit ones of a few 32-bit targets.
const NUMBERS: &[(&str, &str)] = &[
    ("u8", "AtomicU8"),
    ("u16", "AtomicU16"),
    ("u32", "AtomicU32"),
    ("u64", "AtomicU64"),
    ("usize", "AtomicUsize"),
    ("i8", "AtomicI8"),
    ("i16", "AtomicI16"),
    ("i32", "AtomicI32"),
    ("i64", "AtomicI64"),
    ("isize", "AtomicIsize"),
    ("bool", "AtomicBool"),
];

impl Counted<'_> {
    /// The atomic that holds the same.
    pub fn atomic(&self) -> &'static str {
        NUMBERS.iter().find(|(inner, _)| *inner == self.inner).map_or("AtomicU64", |(_, atomic)| atomic)
    }
}

/// The locks around numbers that a file declares for itself alone.
pub fn counted(file: &SourceFile) -> Vec<Counted<'_>> {
    let mut found = Vec::new();
    for placed in items(&file.ast).into_iter().filter(|placed| !placed.is_test) {
        match placed.item {
            syn::Item::Struct(item) => {
                let syn::Fields::Named(fields) = &item.fields else { continue };
                for field in fields.named.iter().filter(|f| matches!(f.vis, syn::Visibility::Inherited)) {
                    if let (Some(name), Some((inner, is_bare))) = (&field.ident, held(file, &field.ty))
                        && !has_cfg(&field.attrs)
                    {
                        found.push(Counted { name, ty: &field.ty, inner, owner: Some(item), begins: None, is_bare });
                    }
                }
            }
            syn::Item::Static(item) if matches!(item.vis, syn::Visibility::Inherited) && !has_cfg(&item.attrs) => {
                if let Some((inner, is_bare)) = held(file, &item.ty) {
                    let begins = Some(&*item.expr);
                    found.push(Counted { name: &item.ident, ty: &item.ty, inner, owner: None, begins, is_bare });
                }
            }
            _ => {}
        }
    }
    found
}

fn has_cfg(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|a| a.path().is_ident("cfg"))
}

/// The number in a `Mutex`, and whether that is one of parking_lot rather than of std.
fn held(file: &SourceFile, ty: &syn::Type) -> Option<(String, bool)> {
    let syn::Type::Path(path) = ty else { return None };
    let spelled: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
    let is_of = |full: &str| match spelled.as_slice() {
        [only] => only == "Mutex" && imports(file, "Mutex") == [full],
        whole => whole.join("::") == full,
    };
    let (is_std, is_bare) = (is_of("std::sync::Mutex"), is_of("parking_lot::Mutex"));
    let [inner] = type_arguments(ty)[..] else { return None };
    let inner = head(inner);
    ((is_std || is_bare) && NUMBERS.iter().any(|(name, _)| *name == inner)).then_some((inner, is_bare))
}

/// Every use of the lock in a file.
///
/// # Errors
/// A use that is more than one look or one change, and where it stands.
pub fn accesses(file: &SourceFile, lock: &Counted<'_>) -> Result<Vec<Access>, String> {
    let (name, is_static) = (lock.name.to_string(), lock.owner.is_none());
    let name = name.as_str();
    let mut walk = Accesses { file, name, is_static, is_bare: lock.is_bare, found: Vec::new(), known: 0 };
    walk.visit_file(&file.ast);
    let spelled = spelled(file, name, is_static);
    match walk.known == spelled.len() {
        true => Ok(walk.found),
        false => {
            let is_known = |at: &&TextRange| walk.found.iter().any(|a| a.site.contains(**at));
            let odd = spelled.iter().find(|at| !is_known(at)).map_or(0, |at| file.line_column(at.start).0);
            Err(format!("`{name}` is more than read or written at once in {} line {odd}", file.path))
        }
    }
}

/// Where a file speaks of the lock: `.name` that is no call, or the name of a static but for its declaration.
fn spelled(file: &SourceFile, name: &str, is_static: bool) -> Vec<TextRange> {
    let tokens: Vec<_> = lexer::tokens(&file.text).into_iter().filter(|t| !t.is_comment()).collect();
    let text = |at: Option<usize>| at.and_then(|i| tokens.get(i)).map_or("", |t| t.text(&file.text));
    let is_named = |(i, token): &(usize, &lexer::Token)| {
        let before = text(i.checked_sub(1));
        let is_place = if is_static { before != "static" && before != "." } else { before == "." };
        token.kind == TokenKind::Ident
            && token.text(&file.text) == name
            && is_place
            && (is_static || !["(", "::"].contains(&text(Some(i + 1))))
    };
    tokens.iter().enumerate().filter(is_named).map(|(_, t)| t.range).collect()
}

struct Accesses<'a> {
    file: &'a SourceFile,
    name: &'a str,
    is_static: bool,
    is_bare: bool,
    found: Vec<Access>,
    known: usize,
}

impl Accesses<'_> {
    /// The place of the lock, where the expression locks it and nothing else: `self.hits.lock().unwrap()`.
    fn locked(&self, expr: &syn::Expr) -> Option<TextRange> {
        let taken = locks::acquired(expr)?;
        let is_this = match peel(taken.lock) {
            syn::Expr::Field(f) => {
                !self.is_static
                    && matches!(&f.member, syn::Member::Named(n) if n == self.name)
                    && usage::place(&f.base).is_some_and(|base| base.is_plain)
            }
            other => self.is_static && plain_name(other).is_some_and(|n| n == self.name),
        };
        let behind = TextRange { start: self.file.range(taken.call).end, end: self.file.range(expr).end };
        let behind = self.file.slice(behind).trim();
        // `?` and `.await` lock other things than a mutex of std.
        let is_plain = match self.is_bare {
            true => behind.is_empty(),
            false => {
                let unwraps = [".unwrap()", ".expect(", ".unwrap_or_else("].iter().any(|w| behind.starts_with(w));
                unwraps && behind.ends_with(')') && !behind.contains("await") && !behind.contains('?')
            }
        };
        (taken.call.method == "lock" && is_this && is_plain).then(|| self.file.range(taken.lock))
    }

    /// `*lock.lock().unwrap()`.
    fn value(&self, expr: &syn::Expr) -> Option<TextRange> {
        match peel(expr) {
            syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => self.locked(&u.expr),
            _ => None,
        }
    }

    fn note(&mut self, site: TextRange, lock: TextRange, does: Does, is_statement: bool) {
        self.known += 1;
        self.found.push(Access { site, lock, does, is_statement });
    }

    fn is_noted(&self, range: TextRange) -> bool {
        self.found.iter().any(|access| access.site.contains(range))
    }

    /// Statements in which a guard has a name for one access: how many, and what they do.
    fn named(&self, stmts: &[syn::Stmt]) -> Option<(usize, TextRange, Does)> {
        let guard = shapes::plain_let(stmts.first()?).filter(|l| l.ty.is_none())?;
        let lock = self.locked(guard.value)?;
        let is_guard = |expr: &syn::Expr| match peel(expr) {
            syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => shapes::is_name(&u.expr, guard.name),
            _ => false,
        };
        // Nobody may hold the guard longer than the access: what follows is the end of the block.
        let over = |rest: &[syn::Stmt]| match rest {
            [] => Some(0),
            [syn::Stmt::Expr(drop, Some(_)), ..] if is_drop(drop, guard.name) => Some(1),
            // What the block gives back computes nothing: the lock is held no longer for it.
            [syn::Stmt::Expr(value, None)] if is_calm(value) && shapes::count(value, &guard.name.to_string()) == 0 => {
                Some(0)
            }
            _ => None,
        };
        let changed = |stmt: &syn::Stmt| match stmt {
            syn::Stmt::Expr(syn::Expr::Binary(b), Some(_)) if is_guard(&b.left) && is_calm(&b.right) => {
                change(&b.op).map(|op| (op, self.file.range(&*b.right)))
            }
            _ => None,
        };
        // `*n = n.wrapping_add(by)`, `*n = *n + by`.
        let said_again = |stmt: &syn::Stmt| match stmt {
            syn::Stmt::Expr(syn::Expr::Assign(a), Some(_)) if is_guard(&a.left) => {
                let (op, old, by) = changed_copy(&a.right)?;
                let is_old = is_guard(old) || shapes::is_name(old, guard.name);
                (is_old && is_calm(by)).then(|| (op, self.file.range(by)))
            }
            _ => None,
        };
        match &stmts[1..] {
            [syn::Stmt::Expr(value, None)] if is_guard(value) => Some((2, lock, Does::Load)),
            [first, rest @ ..] if said_again(first).is_some() => {
                let (op, by) = said_again(first)?;
                Some((2 + over(rest)?, lock, Does::Change(op, by)))
            }
            [syn::Stmt::Expr(syn::Expr::Assign(a), Some(_)), rest @ ..] if is_guard(&a.left) => {
                let count = 2 + over(rest).filter(|_| is_calm(&a.right))?;
                Some((count, lock, Does::Store(self.file.range(&*a.right))))
            }
            [first, syn::Stmt::Expr(value, None)] if is_guard(value) => {
                let (op, by) = changed(first)?;
                Some((3, lock, Does::ChangeThenLook(op, again(op)?, by)))
            }
            [first, rest @ ..] if changed(first).is_some() => {
                let (op, by) = changed(first)?;
                Some((2 + over(rest)?, lock, Does::Change(op, by)))
            }
            [old, second, rest @ ..] => {
                let old = shapes::plain_let(old).filter(|l| is_guard(l.value))?;
                let (op, by) = changed(second)?;
                let taken = match rest {
                    [syn::Stmt::Expr(value, None)] if plain_name(value).is_some_and(|n| n == old.name) => 0,
                    other => over(other)?,
                };
                let head = TextRange { start: self.file.range(old.local).start, end: self.file.range(old.value).start };
                Some((3 + taken, lock, Does::LookThenChange(op, by, head)))
            }
            _ => None,
        }
    }
}

/// `drop(guard)`.
fn is_drop(expr: &syn::Expr, guard: &syn::Ident) -> bool {
    shapes::call(expr, &["drop"]).is_some_and(|call| call.args.first().is_some_and(|a| shapes::is_name(a, guard)))
}

/// A value that computes nothing, so that it does not matter whether the lock is held meanwhile.
fn is_calm(expr: &syn::Expr) -> bool {
    match peel(expr) {
        syn::Expr::Lit(_) => true,
        syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Neg(_)) => matches!(*u.expr, syn::Expr::Lit(_)),
        syn::Expr::Cast(c) => is_calm(&c.expr),
        other => usage::place(other).is_some_and(|p| p.is_plain),
    }
}

/// The method of an atomic that does what the operator does. Addition and subtraction wrap.
fn change(op: &syn::BinOp) -> Option<&'static str> {
    match op {
        syn::BinOp::AddAssign(_) => Some("fetch_add"),
        syn::BinOp::SubAssign(_) => Some("fetch_sub"),
        syn::BinOp::BitOrAssign(_) => Some("fetch_or"),
        syn::BinOp::BitAndAssign(_) => Some("fetch_and"),
        syn::BinOp::BitXorAssign(_) => Some("fetch_xor"),
        _ => None,
    }
}

/// The method of an atomic that makes a new value of an old one, the old one, and what it is changed by.
fn changed_copy(value: &syn::Expr) -> Option<(&'static str, &syn::Expr, &syn::Expr)> {
    match peel(value) {
        syn::Expr::MethodCall(call) if call.args.len() == 1 => {
            let op = match call.method.to_string().as_str() {
                "wrapping_add" => "fetch_add",
                "wrapping_sub" => "fetch_sub",
                _ => return None,
            };
            Some((op, &call.receiver, &call.args[0]))
        }
        syn::Expr::Binary(b) => {
            let op = match b.op {
                syn::BinOp::Add(_) => "fetch_add",
                syn::BinOp::Sub(_) => "fetch_sub",
                syn::BinOp::BitOr(_) => "fetch_or",
                syn::BinOp::BitAnd(_) => "fetch_and",
                syn::BinOp::BitXor(_) => "fetch_xor",
                _ => return None,
            };
            Some((op, &b.left, &b.right))
        }
        _ => None,
    }
}

/// The operator that does the same once more to the old value.
fn again(method: &str) -> Option<&'static str> {
    match method {
        "fetch_add" => Some("+"),
        "fetch_sub" => Some("-"),
        _ => None,
    }
}

impl<'a> Visit<'a> for Accesses<'_> {
    fn visit_block(&mut self, node: &'a syn::Block) {
        for at in 0..node.stmts.len() {
            if let Some((count, lock, does)) = self.named(&node.stmts[at..])
                && at + count <= node.stmts.len()
            {
                let (start, end) =
                    (self.file.range(&node.stmts[at]).start, self.file.range(&node.stmts[at + count - 1]).end);
                self.note(TextRange { start, end }, lock, does, true);
            }
        }
        visit::visit_block(self, node);
    }

    fn visit_expr(&mut self, node: &'a syn::Expr) {
        let site = self.file.range(node);
        let whole = match node {
            syn::Expr::Assign(a) => self.value(&a.left).zip(Some(Does::Store(self.file.range(&*a.right)))),
            syn::Expr::Binary(b) => {
                let by = self.file.range(&*b.right);
                change(&b.op).and_then(|op| self.value(&b.left).map(|lock| (lock, Does::Change(op, by))))
            }
            _ => None,
        };
        if let Some((lock, does)) = whole.filter(|_| !self.is_noted(site)) {
            self.note(site, lock, does, false);
            // What is written is computed before the lock is taken; a look at the same lock in it is an access of its own.
            match node {
                syn::Expr::Assign(a) => self.visit_expr(&a.right),
                syn::Expr::Binary(b) => self.visit_expr(&b.right),
                _ => {}
            }
            return;
        }
        if let Some(lock) = self.value(node).filter(|_| !self.is_noted(site) && is_brief(self.file, site)) {
            self.note(site, lock, Does::Load, false);
            return;
        }
        visit::visit_expr(self, node);
    }
}

/// True if nothing runs between the look and the end of the guard, which is the end of the statement.
fn is_brief(file: &SourceFile, site: TextRange) -> bool {
    let path = path_to(file, site);
    for (at, node) in path.iter().enumerate().rev() {
        match node {
            Node::Stmt(stmt) => return is_quiet_around(file, &shapes::exprs(&one(stmt)), site),
            Node::Expr(syn::Expr::Closure(closure)) => {
                return is_quiet_around(file, &shapes::exprs_in(&closure.body), site);
            }
            Node::Expr(syn::Expr::If(node)) if file.range(&*node.cond).contains(site) => {
                let is_let = shapes::exprs_in(&node.cond).iter().any(|e| matches!(e, syn::Expr::Let(_)));
                return !is_let && is_quiet_around(file, &shapes::exprs_in(&node.cond), site);
            }
            Node::Expr(syn::Expr::While(node)) if file.range(&*node.cond).contains(site) => {
                let is_let = shapes::exprs_in(&node.cond).iter().any(|e| matches!(e, syn::Expr::Let(_)));
                return !is_let && is_quiet_around(file, &shapes::exprs_in(&node.cond), site);
            }
            Node::Expr(syn::Expr::Match(_) | syn::Expr::ForLoop(_) | syn::Expr::If(_)) if at > 0 => return false,
            _ => {}
        }
    }
    false
}

fn one(stmt: &syn::Stmt) -> syn::Block {
    syn::Block { brace_token: syn::token::Brace::default(), stmts: vec![stmt.clone()] }
}

/// True if all calls but those inside the look itself only build values or look at them.
fn is_quiet_around(file: &SourceFile, exprs: &[&syn::Expr], site: TextRange) -> bool {
    exprs.iter().all(|expr| match expr {
        syn::Expr::MethodCall(call) => {
            let name = call.method.to_string();
            site.contains(file.range(call)) || usage::is_reading_method(&name) || name == "load" || is_lock_chain(call)
        }
        syn::Expr::Call(call) => match &*call.func {
            syn::Expr::Path(p) => {
                let last = p.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
                last.starts_with(char::is_uppercase) || last == "from"
            }
            _ => false,
        },
        syn::Expr::Macro(mac) => mac.mac.path.is_ident("format"),
        syn::Expr::Await(_) | syn::Expr::Yield(_) | syn::Expr::Assign(_) => false,
        syn::Expr::Match(_) | syn::Expr::ForLoop(_) | syn::Expr::Loop(_) => false,
        _ => true,
    })
}

/// `lock().unwrap()` of this or another lock of a number beside it.
fn is_lock_chain(call: &syn::ExprMethodCall) -> bool {
    ["lock", "unwrap", "expect", "unwrap_or_else"].iter().any(|name| call.method == name)
        && locks::acquired(&syn::Expr::MethodCall(call.clone())).is_some()
        || call.method == "lock" && call.args.is_empty()
}
