//! A function in; the texts out that its loops make anew in each round although nothing they are made of changes.

use super::visit::{self, Visit};

use super::SourceFile;
use super::functions::{Function, head, items};
use super::names::{Use, arguments, bound_by, bound_in, is_formatting, mentions, peel, plain_name, root, uses};
use super::rounds::{self, InRounds, Rounds};
use super::usage::is_reading_method;

/// A value that every round of a loop makes anew.
pub struct Invariant<'a> {
    /// The expression that makes it.
    pub value: &'a syn::Expr,
    /// The `let` of the loop's body that names it, if one does.
    pub binding: Option<&'a syn::Stmt>,
    /// The outermost loop in which it does not change.
    pub around: &'a syn::Expr,
    /// The statement before which it can be made.
    pub before: &'a syn::Stmt,
    /// The places it is made of: `query`, `self.name`.
    pub parts: Vec<syn::Expr>,
}

/// Methods of `str` that make a new text and nothing else.
pub const TEXT_METHODS: &[&str] =
    &["to_lowercase", "to_uppercase", "to_ascii_lowercase", "to_ascii_uppercase", "to_string"];

/// The invariants of a function.
pub fn invariants<'a>(function: &Function<'a>) -> Vec<Invariant<'a>> {
    let mut walk = Walk { function: *function, rounds: Rounds::default(), found: Vec::new() };
    walk.visit_block(function.block);
    walk.found
}

/// True if a place stays the same in a loop of the function, and can be seen before the statement around the loop.
pub fn is_fixed(function: &Function<'_>, part: &syn::Expr, around: &syn::Expr, before: &syn::Stmt) -> bool {
    let Some(name) = root(part).map(|ident| ident.to_string()) else { return true };
    // A constant is no text that a loop makes, and a name bound beside the loop is out of reach before it.
    let bound = bound_in(around).contains(&name) || bound_in_stmt(before, around).contains(&name);
    !bound && !name.starts_with(char::is_uppercase) && !is_changed(around, &name, is_settled(function, &name))
}

/// True where the name's declaration lets nobody change it: no `mut`, no `&mut`.
fn is_settled(function: &Function<'_>, name: &str) -> bool {
    for input in &function.sig.inputs {
        match input {
            syn::FnArg::Receiver(receiver) if name == "self" => return !mentions(receiver, "mut"),
            syn::FnArg::Typed(typed) if bound_by(&typed.pat).iter().any(|n| n == name) => {
                return !mentions(typed, "mut");
            }
            _ => {}
        }
    }
    let mut declared = Declarations { name, all: Vec::new() };
    declared.visit_block(function.block);
    declared.all.len() == 1 && declared.all[0]
}

/// True where a text that lives outside the loop serves every use of the name.
pub fn only_looked_at<'a>(stmts: impl IntoIterator<Item = &'a syn::Stmt>, name: &str) -> bool {
    let Some(uses) = uses(stmts, name) else { return false };
    uses.iter().all(|found| match &found.how {
        Use::Method(method) => is_reading_method(method),
        Use::Borrow | Use::Compare | Use::Format | Use::Captured | Use::Index => true,
        _ => false,
    })
}

struct Walk<'a> {
    function: Function<'a>,
    rounds: Rounds<'a>,
    found: Vec<Invariant<'a>>,
}

impl<'a> Walk<'a> {
    /// Goes on with a value of which nothing but a look is wanted: a text that is made for it is noted.
    fn looked_at(&mut self, value: &'a syn::Expr) {
        if parts(value).is_some() {
            self.consider(value, None);
        } else {
            self.visit_expr(value);
        }
    }

    /// Notes `value` if it is a text made of what does not change in the loops around.
    fn consider(&mut self, value: &'a syn::Expr, binding: Option<&'a syn::Stmt>) {
        let Some(parts) = parts(value) else { return };
        let is_fixed = |around, before| parts.iter().all(|part| is_fixed(&self.function, part, around, before));
        if let Some((around, before)) = self.rounds.outermost(is_fixed) {
            self.found.push(Invariant { value, binding, around, before, parts });
        }
    }
}

/// The texts' parts, where `value` is a text made of places and literals alone.
pub fn parts(value: &syn::Expr) -> Option<Vec<syn::Expr>> {
    match value {
        syn::Expr::MethodCall(call) => {
            let makes = match call.args.len() {
                0 => TEXT_METHODS.contains(&call.method.to_string().as_str()),
                // A text made of a list, or of a text, by a literal: `hosts.join(",")`.
                n => {
                    let given = [("join", 1), ("repeat", 1), ("replace", 2)];
                    given.iter().any(|(name, count)| call.method == name && n == *count)
                        && call.args.iter().all(|a| matches!(a, syn::Expr::Lit(_)))
                }
            };
            let of = untrimmed(&call.receiver);
            (makes && call.turbofish.is_none() && is_place(of)).then(|| vec![of.clone()])
        }
        syn::Expr::Macro(mac) if mac.mac.path.is_ident("format") => {
            let arguments = arguments(&mac.mac)?;
            let (text, values) = arguments.split_first()?;
            let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = text else { return None };
            let mut parts = Vec::new();
            for value in values {
                let value = if let syn::Expr::Assign(named) = value { &*named.right } else { value };
                match peel(value) {
                    syn::Expr::Lit(_) => {}
                    place if is_place(place) => parts.push(place.clone()),
                    text => parts.extend(self::parts(text)?),
                }
            }
            let named = |name: &str| {
                values
                    .iter()
                    .any(|v| matches!(v, syn::Expr::Assign(a) if plain_name(&a.left).is_some_and(|i| i == name)))
            };
            for name in captured(&text.value())?.into_iter().filter(|name| !named(name)) {
                parts.push(syn::parse_str(&name).ok()?);
            }
            (!parts.is_empty()).then_some(parts)
        }
        _ => None,
    }
}

/// The text of which a part is lent: `name` of `name.trim()`.
fn untrimmed(expr: &syn::Expr) -> &syn::Expr {
    match peel(expr) {
        syn::Expr::MethodCall(call)
            if call.args.is_empty()
                && ["as_str", "trim", "trim_end", "trim_start"].iter().any(|name| call.method == name) =>
        {
            untrimmed(&call.receiver)
        }
        other => other,
    }
}

/// The names that a format string captures; `None` where it cannot be read.
fn captured(text: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = text.replace("{{", "").replace("}}", "");
    while let Some(at) = rest.find('{') {
        let inner_end = rest[at..].find('}')? + at;
        let inner = rest[at + 1..inner_end].to_string();
        let (name, spec) = inner.split_once(':').unwrap_or((&inner, ""));
        if spec.contains('$') {
            return None;
        }
        if name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            names.push(name.trim().to_string());
        }
        rest = rest[inner_end + 1..].to_string();
    }
    Some(names)
}

/// `name`, `name.field.field`.
fn is_place(expr: &syn::Expr) -> bool {
    match peel(expr) {
        syn::Expr::Field(field) => is_place(&field.base),
        other => plain_name(other).is_some(),
    }
}

/// Names bound in the statement, outside the loop that it holds.
fn bound_in_stmt(stmt: &syn::Stmt, around: &syn::Expr) -> Vec<String> {
    let mut walk = BoundBeside { around, names: Vec::new() };
    walk.visit_stmt(stmt);
    walk.names
}

struct BoundBeside<'a> {
    around: &'a syn::Expr,
    names: Vec<String>,
}

impl<'a> Visit<'a> for BoundBeside<'_> {
    fn visit_expr(&mut self, node: &'a syn::Expr) {
        if !std::ptr::eq(node, self.around) {
            visit::visit_expr(self, node);
        }
    }

    fn visit_pat_ident(&mut self, node: &'a syn::PatIdent) {
        self.names.push(node.ident.to_string());
    }
}

/// For each `let` or pattern that binds the name: whether it lets nobody change it.
struct Declarations<'n> {
    name: &'n str,
    all: Vec<bool>,
}

impl<'a> Visit<'a> for Declarations<'_> {
    fn visit_local(&mut self, node: &'a syn::Local) {
        let mutable = |init: &syn::LocalInit| {
            let text = quote::ToTokens::to_token_stream(&init.expr).to_string();
            text.contains("& mut") || text.contains("_mut")
        };
        if bound_by(&node.pat).iter().any(|name| name == self.name) {
            let changes = mentions(&node.pat, "mut") || node.init.as_ref().is_some_and(mutable);
            self.all.push(!changes && node.init.is_some());
        }
        if let Some(init) = &node.init {
            self.visit_expr(&init.expr);
        }
    }

    fn visit_pat_ident(&mut self, node: &'a syn::PatIdent) {
        // A name that a `for`, a `match` or a closure binds may be a `&mut` that nothing shows.
        if node.ident == self.name {
            self.all.push(false);
        }
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}

/// True unless the loop surely leaves the place as it is.
fn is_changed(around: &syn::Expr, name: &str, settled: bool) -> bool {
    let mut walk = Changes { name, settled, changed: false };
    walk.visit_expr(around);
    walk.changed
}

struct Changes<'n> {
    name: &'n str,
    settled: bool,
    changed: bool,
}

impl Changes<'_> {
    fn is_rooted(&self, expr: &syn::Expr) -> bool {
        root(expr).is_some_and(|ident| ident == self.name)
    }
}

impl<'a> Visit<'a> for Changes<'_> {
    fn visit_expr_assign(&mut self, node: &'a syn::ExprAssign) {
        self.changed |= self.is_rooted(&node.left);
        visit::visit_expr_assign(self, node);
    }

    fn visit_expr_binary(&mut self, node: &'a syn::ExprBinary) {
        let text = quote::ToTokens::to_token_stream(&node.op).to_string();
        let assigns = text.ends_with('=') && !matches!(text.as_str(), "==" | "!=" | "<=" | ">=");
        self.changed |= assigns && self.is_rooted(&node.left);
        visit::visit_expr_binary(self, node);
    }

    fn visit_expr_reference(&mut self, node: &'a syn::ExprReference) {
        self.changed |= node.mutability.is_some() && self.is_rooted(&node.expr);
        visit::visit_expr_reference(self, node);
    }

    fn visit_expr_method_call(&mut self, node: &'a syn::ExprMethodCall) {
        let looks = is_reading_method(&node.method.to_string());
        self.changed |= !self.settled && !looks && self.is_rooted(&node.receiver);
        if !self.is_rooted(&node.receiver) {
            self.visit_expr(&node.receiver);
        }
        node.args.iter().for_each(|arg| self.visit_expr(arg));
    }

    fn visit_expr_call(&mut self, node: &'a syn::ExprCall) {
        self.changed |= !self.settled && node.args.iter().any(|arg| self.is_rooted(arg));
        visit::visit_expr_call(self, node);
    }

    fn visit_macro(&mut self, node: &'a syn::Macro) {
        // A formatting macro borrows what it is given; what any other does cannot be seen.
        self.changed |= mentions(&node.tokens, self.name) && !is_formatting(node) && !self.settled;
    }
}

impl<'a> Visit<'a> for Walk<'a> {
    fn visit_stmt(&mut self, node: &'a syn::Stmt) {
        self.rounds.enter(node);
        if let syn::Stmt::Local(local) = node
            && let Some(init) = local.init.as_ref().filter(|init| init.diverge.is_none())
            && parts(&init.expr).is_some()
        {
            self.consider(&init.expr, Some(node));
        } else {
            visit::visit_stmt(self, node);
        }
        self.rounds.leave();
    }

    fn visit_expr(&mut self, node: &'a syn::Expr) {
        use syn::BinOp::{Eq, Gt, Lt, Ne};
        match node {
            syn::Expr::Binary(inner) if matches!(inner.op, Eq(_) | Ne(_) | Lt(_) | Gt(_)) => {
                self.looked_at(&inner.left);
                self.looked_at(&inner.right);
            }
            syn::Expr::Reference(inner) if inner.mutability.is_none() => self.looked_at(&inner.expr),
            syn::Expr::MethodCall(inner) => {
                if is_reading_method(&inner.method.to_string()) {
                    self.looked_at(&inner.receiver);
                } else {
                    self.visit_expr(&inner.receiver);
                }
                rounds::arguments(self, node, inner);
            }
            _ => rounds::descend(self, node),
        }
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}

impl<'a> InRounds<'a> for Walk<'a> {
    fn rounds(&mut self) -> &mut Rounds<'a> {
        &mut self.rounds
    }
}

/// What the syntax tells of a place's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// `str` or `String`.
    Text,
    /// A primitive number, `bool` or `char`.
    Primitive,
    /// A type that the workspace declares: what its `Display` does is written by hand.
    Workspace,
    /// Nothing, or something else.
    Nothing,
}

/// What parameters, annotations, initialisers and the structs of the workspace tell of a place's type.
pub fn told(files: &[SourceFile], function: &Function<'_>, place: &syn::Expr) -> Told {
    let Some(ty) = type_of(files, function, place) else { return Told::Nothing };
    match head(bare(&ty)).as_str() {
        "str" | "String" => Told::Text,
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "f32"
        | "f64" | "bool" | "char" => Told::Primitive,
        name if files.iter().any(|file| declares(file, name)) => Told::Workspace,
        _ => Told::Nothing,
    }
}

fn declares(file: &SourceFile, name: &str) -> bool {
    items(&file.ast).iter().any(|placed| match placed.item {
        syn::Item::Struct(item) => item.ident == name,
        syn::Item::Enum(item) => item.ident == name,
        _ => false,
    })
}

/// The type without references.
fn bare(ty: &syn::Type) -> &syn::Type {
    match ty {
        syn::Type::Reference(reference) => bare(&reference.elem),
        other => other,
    }
}

fn type_of(files: &[SourceFile], function: &Function<'_>, place: &syn::Expr) -> Option<syn::Type> {
    if let syn::Expr::Field(field) = peel(place) {
        let syn::Member::Named(name) = &field.member else { return None };
        let owner = head(bare(&type_of(files, function, &field.base)?));
        let mut structs = files.iter().flat_map(|file| items(&file.ast)).filter_map(|placed| match placed.item {
            syn::Item::Struct(item) if item.ident == owner && item.generics.type_params().next().is_none() => {
                Some(item)
            }
            _ => None,
        });
        let (only, second) = (structs.next()?, structs.next());
        let found = only.fields.iter().find(|f| f.ident.as_ref() == Some(name)).map(|f| f.ty.clone());
        return found.filter(|_| second.is_none());
    }
    let name = plain_name(place)?;
    for input in &function.sig.inputs {
        match input {
            syn::FnArg::Receiver(_) if name == "self" => return function.self_ty.cloned(),
            syn::FnArg::Typed(typed) if matches!(&*typed.pat, syn::Pat::Ident(ident) if ident.ident == *name) => {
                return Some((*typed.ty).clone());
            }
            _ => {}
        }
    }
    let mut walk = LetTypes { name: name.to_string(), told: Vec::new() };
    walk.visit_block(function.block);
    match walk.told.as_slice() {
        [Some(only)] => Some(only.clone()),
        _ => None,
    }
}

struct LetTypes {
    name: String,
    told: Vec<Option<syn::Type>>,
}

impl<'a> Visit<'a> for LetTypes {
    fn visit_local(&mut self, node: &'a syn::Local) {
        if bound_by(&node.pat).contains(&self.name) {
            let is_text = node.init.as_ref().is_some_and(|init| match peel(&init.expr) {
                syn::Expr::Lit(lit) => matches!(lit.lit, syn::Lit::Str(_)),
                syn::Expr::Macro(mac) => mac.mac.path.is_ident("format"),
                _ => false,
            });
            self.told.push(match &node.pat {
                syn::Pat::Type(typed) => Some((*typed.ty).clone()),
                syn::Pat::Ident(_) if is_text => syn::parse_str("String").ok(),
                _ => None,
            });
        }
        if let Some(init) = &node.init {
            visit::visit_local_init(self, init);
        }
    }

    fn visit_pat_ident(&mut self, node: &'a syn::PatIdent) {
        // A name that something else binds too may be of another type there.
        if node.ident == self.name {
            self.told.push(None);
        }
    }
}
