//! A file in; the vectors that loops empty from their front while they still look at them, with the edits that make queues of
//! them, out.

use super::functions::{derives, functions, head, items};
use super::names::{bound_by, peel, plain_name};
use super::usage::{self, How, Use};
use super::visit::{self, Visit};
use super::{SourceFile, shapes, types, whole_lines};
use crate::model::{TextEdit, TextRange};

/// A vector that is used as a queue.
pub struct Queue {
    /// The `remove(0)` by which it was found.
    pub site: TextRange,
    /// The place of the vector there: `self.pending`.
    pub place: TextRange,
    /// Where its type, or its first value, is written.
    pub declared: TextRange,
    /// What makes a `VecDeque` of it; the word `VecDeque` stands for the path that the place needs.
    pub edits: Vec<TextEdit>,
    /// The field, if it is one, and its struct: no other file may speak of it.
    pub field: Option<(String, String)>,
}

/// All of them, each at the first `remove(0)` in a loop.
pub fn queues(file: &SourceFile) -> Vec<Queue> {
    let mut found: Vec<Queue> = Vec::new();
    for function in functions(file).into_iter().filter(|f| !f.is_test) {
        for call in removals(file, function.block) {
            let queue = match usage::place(&call.receiver).filter(|p| p.is_plain) {
                Some(p) if p.fields.is_empty() && p.root != "self" => local(file, &function, call, &p.root),
                Some(p) if p.fields.len() == 1 && p.root == "self" => {
                    function.self_ty.and_then(|owner| field(file, &head(owner), &p.fields[0], call))
                }
                _ => None,
            };
            found.extend(queue.filter(|q| !found.iter().any(|known| known.declared == q.declared)));
        }
    }
    found
}

/// Every `place.remove(0)` inside a loop of a body, closures left out.
fn removals<'a>(file: &SourceFile, body: &'a syn::Block) -> Vec<&'a syn::ExprMethodCall> {
    let mut found: Vec<&syn::ExprMethodCall> = Vec::new();
    for expr in shapes::exprs(body) {
        let rounds = match expr {
            syn::Expr::While(w) => &w.body,
            syn::Expr::Loop(l) => &l.body,
            syn::Expr::ForLoop(l) => &l.body,
            _ => continue,
        };
        for inner in shapes::exprs(rounds) {
            if let syn::Expr::MethodCall(call) = inner
                && is_removal(call)
                && !is_bounded(file, body, call)
                && !found.iter().any(|known| file.range(*known) == file.range(call))
            {
                found.push(call);
            }
        }
    }
    found
}

/// True behind `if list.len() > 3`: what is kept short is moved quickly.
fn is_bounded(file: &SourceFile, body: &syn::Block, call: &syn::ExprMethodCall) -> bool {
    let asks = |cond: &syn::Expr| match peel(cond) {
        syn::Expr::Binary(b) => {
            let is_more = matches!(b.op, syn::BinOp::Gt(_) | syn::BinOp::Ge(_) | syn::BinOp::Eq(_));
            let len = shapes::method(&b.left, "len", 0);
            is_more && !is_zero(&b.right) && len.is_some_and(|len| shapes::same(&*len.receiver, &*call.receiver))
        }
        _ => false,
    };
    shapes::exprs(body).into_iter().any(|expr| {
        let (cond, block) = match expr {
            syn::Expr::If(node) => (&node.cond, &node.then_branch),
            syn::Expr::While(node) => (&node.cond, &node.body),
            _ => return false,
        };
        file.range(block).contains(file.range(call)) && shapes::conjuncts(cond).into_iter().any(asks)
    })
}

fn is_removal(call: &syn::ExprMethodCall) -> bool {
    call.method == "remove" && call.args.len() == 1 && is_zero(&call.args[0])
}

fn is_zero(expr: &syn::Expr) -> bool {
    matches!(peel(expr), syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(n), .. }) if n.base10_digits() == "0")
}

fn local(
    file: &SourceFile,
    function: &super::functions::Function<'_>,
    call: &syn::ExprMethodCall,
    name: &str,
) -> Option<Queue> {
    let body = function.block;
    let bindings = usage::bindings(file, body, name);
    let is_parameter = function
        .sig
        .inputs
        .iter()
        .any(|arg| matches!(arg, syn::FnArg::Typed(t) if bound_by(&t.pat).iter().any(|n| n == name)));
    let (declared, mut edits) = match (bindings.as_slice(), is_parameter) {
        ([one], false) => of_let(file, body, *one)?,
        ([], true) => of_parameter(file, function, name)?,
        _ => return None,
    };
    let uses: Vec<Use> = usage::uses(file, body, name);
    let is_outside = !loops_around(file, body, file.range(call)).iter().any(|l| l.contains(declared));
    let is_known = is_outside && uses.iter().all(|u| u.fields.is_empty());
    is_known.then_some(())?;
    edits.extend(converted(file, &[body], &uses, name)?);
    Some(Queue { site: file.range(call), place: file.range(&*call.receiver), declared, edits, field: None })
}

/// Loops of a body around a place.
fn loops_around(file: &SourceFile, body: &syn::Block, at: TextRange) -> Vec<TextRange> {
    let is_loop = |e: &&syn::Expr| matches!(e, syn::Expr::While(_) | syn::Expr::Loop(_) | syn::Expr::ForLoop(_));
    shapes::exprs(body).into_iter().filter(is_loop).map(|e| file.range(e)).filter(|r| r.contains(at)).collect()
}

/// `let mut queue: Vec<T> = …;`
fn of_let(file: &SourceFile, body: &syn::Block, name: TextRange) -> Option<(TextRange, Vec<TextEdit>)> {
    let stmts = shapes::blocks_in(body).into_iter().flat_map(|b| &b.stmts);
    let bound = stmts.filter_map(shapes::plain_let).find(|l| file.span_range(l.name.span()) == name && l.is_mut)?;
    let mut edits = Vec::new();
    if let Some(ty) = bound.ty {
        edits.push(renamed(file, ty)?);
    }
    match types::type_of(file, bound.value) {
        Some(ty) if types::head(&ty).as_deref() != Some("Vec") => return None,
        None if bound.ty.is_none() => return None,
        _ => {}
    }
    edits.extend(initialiser(file, bound.value, bound.ty.is_some())?);
    Some((file.range(bound.local), edits))
}

/// `mut queue: Vec<T>` among the parameters.
fn of_parameter(
    file: &SourceFile,
    function: &super::functions::Function<'_>,
    name: &str,
) -> Option<(TextRange, Vec<TextEdit>)> {
    let parameter = function.sig.inputs.iter().find_map(|arg| match arg {
        syn::FnArg::Typed(t) if matches!(&*t.pat, syn::Pat::Ident(p) if p.ident == name) => Some(t),
        _ => None,
    })?;
    let syn::Pat::Ident(pat) = &*parameter.pat else { return None };
    let mutable = file.span_range(pat.mutability.as_ref()?.span);
    (types::head(&parameter.ty)? == "Vec").then_some(())?;
    let first = file.range(function.block.stmts.first()?);
    let indent = super::indent_of(&file.text, first.start);
    let end = file.span_range(pat.ident.span()).start;
    let edits = vec![
        TextEdit { range: TextRange { start: mutable.start, end }, text: String::new() },
        TextEdit {
            range: TextRange { start: first.start, end: first.start },
            text: format!("let mut {name} = VecDeque::from({name});\n{indent}"),
        },
    ];
    Some((file.range(parameter), edits))
}

/// The `Vec` in a written type, renamed.
fn renamed(file: &SourceFile, ty: &syn::Type) -> Option<TextEdit> {
    let syn::Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|s| s.ident == "Vec")?;
    let range = TextRange { start: file.range(&path.path).start, end: file.span_range(last.ident.span()).end };
    Some(TextEdit { range, text: "VecDeque".to_owned() })
}

/// The edits that make a queue of the value that a vector starts from.
fn initialiser(file: &SourceFile, value: &syn::Expr, is_typed: bool) -> Option<Vec<TextEdit>> {
    let range = file.range(value);
    let new = |text: &str| Some(vec![TextEdit { range, text: text.to_owned() }]);
    let of_vec = |name: &str| shapes::call(value, &["Vec", name]);
    if of_vec("new").is_some_and(|c| c.args.is_empty())
        || matches!(value, syn::Expr::Macro(m) if m.mac.path.is_ident("vec") && m.mac.tokens.is_empty())
    {
        return new("VecDeque::new()");
    }
    if let Some(call) = of_vec("with_capacity").filter(|c| c.args.len() == 1) {
        return new(&format!("VecDeque::with_capacity({})", file.text_of(&call.args[0])));
    }
    if let syn::Expr::MethodCall(collect) = value
        && collect.method == "collect"
    {
        return match collect.turbofish.as_ref().and_then(|t| t.args.first()) {
            Some(syn::GenericArgument::Type(ty)) => Some(vec![renamed(file, ty)?]),
            None if is_typed => Some(Vec::new()),
            _ => None,
        };
    }
    let around = |at: u32, text: &str| TextEdit { range: TextRange { start: at, end: at }, text: text.to_owned() };
    Some(vec![around(range.start, "VecDeque::from("), around(range.end, ")")])
}

/// Derives that say the same of a queue as of a vector.
const DERIVES: &[&str] = &["Clone", "Debug", "Default", "Deserialize", "Eq", "PartialEq", "Serialize"];

fn field(file: &SourceFile, owner: &str, name: &str, call: &syn::ExprMethodCall) -> Option<Queue> {
    let all = items(&file.ast);
    let mut structs = all.iter().filter_map(|placed| match placed.item {
        syn::Item::Struct(s) if s.ident == owner && !placed.is_test => Some(s),
        _ => None,
    });
    let (declared, None) = (structs.next()?, structs.next()) else { return None };
    let decl = declared.fields.iter().find(|f| f.ident.as_ref().is_some_and(|i| i == name))?;
    let is_private =
        matches!(decl.vis, syn::Visibility::Inherited) && decl.attrs.iter().all(|a| a.path().is_ident("doc"));
    let is_plain = derives(&declared.attrs).iter().all(|d| DERIVES.contains(&d.as_str()));
    (is_private && is_plain).then_some(())?;
    let mut edits = vec![renamed(file, &decl.ty)?];
    let mut walk = Mentions { file, owner, name, inside: String::new(), edits: Vec::new(), is_known: true };
    walk.visit_file(&file.ast);
    walk.is_known.then_some(())?;
    edits.extend(walk.edits);
    let mut uses = Vec::new();
    let mut bodies = Vec::new();
    for function in functions(file).into_iter().filter(|f| f.self_ty.is_some_and(|ty| head(ty) == owner)) {
        let of_field = usage::uses(file, function.block, "self").into_iter();
        uses.extend(of_field.filter(|u| u.fields.first().is_some_and(|f| f == name)));
        bodies.push(function.block);
    }
    edits.extend(converted(file, &bodies, &uses, &format!("self.{name}"))?);
    let field = Some((owner.to_owned(), name.to_owned()));
    Some(Queue { site: file.range(call), place: file.range(&*call.receiver), declared: file.range(decl), edits, field })
}

/// What a file says of a field other than through `self`.
struct Mentions<'a> {
    file: &'a SourceFile,
    owner: &'a str,
    name: &'a str,
    /// The type of the `impl` around.
    inside: String,
    edits: Vec<TextEdit>,
    /// False where something speaks of the field in a way that is not known.
    is_known: bool,
}

impl Mentions<'_> {
    fn is_owner(&self, path: &syn::Path) -> bool {
        let last = path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
        last == self.owner || (last == "Self" && self.inside == self.owner)
    }
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_item_impl(&mut self, node: &'ast syn::ItemImpl) {
        let before = std::mem::replace(&mut self.inside, head(&node.self_ty));
        visit::visit_item_impl(self, node);
        self.inside = before;
    }

    fn visit_expr_field(&mut self, node: &'ast syn::ExprField) {
        let is_it = matches!(&node.member, syn::Member::Named(n) if n == self.name);
        if is_it && plain_name(&node.base).is_none_or(|n| n != "self") {
            let other = types::type_of(self.file, &node.base).and_then(|ty| types::head(types::strip(&ty)));
            self.is_known &= other.is_some_and(|head| head != self.owner);
        }
        visit::visit_expr_field(self, node);
    }

    fn visit_expr_struct(&mut self, node: &'ast syn::ExprStruct) {
        if self.is_owner(&node.path) {
            for value in node.fields.iter().filter(|f| matches!(&f.member, syn::Member::Named(n) if n == self.name)) {
                let edits = if value.colon_token.is_none() {
                    let range = self.file.range(value);
                    Some(vec![TextEdit { range, text: format!("{}: VecDeque::from({})", self.name, self.name) }])
                } else if shapes::call(&value.expr, &["default"]).is_some() {
                    Some(Vec::new())
                } else {
                    initialiser(self.file, &value.expr, true)
                };
                self.is_known &= edits.is_some();
                self.edits.extend(edits.unwrap_or_default());
            }
        }
        visit::visit_expr_struct(self, node);
    }

    fn visit_pat_struct(&mut self, node: &'ast syn::PatStruct) {
        let speaks = node.fields.iter().any(|f| matches!(&f.member, syn::Member::Named(n) if n == self.name));
        self.is_known &= !(speaks && self.is_owner(&node.path));
        visit::visit_pat_struct(self, node);
    }

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        // Arguments of macros that are known are read with the uses of `self`; any other base is not.
        let text = node.tokens.to_string().replace(' ', "");
        let of_self = text.matches(&format!("self.{}", self.name)).count();
        let is_read = usage::macro_arguments(node).is_some() || of_self == 0;
        self.is_known &= is_read && text.matches(&format!(".{}", self.name)).count() == of_self;
    }
}

/// Methods that a queue has as well, and that do the same.
const SAME: &[&str] = &[
    "clear", "contains", "drain", "extend", "get", "get_mut", "is_empty", "iter", "iter_mut", "len", "reserve",
    "resize", "retain", "swap", "truncate",
];
/// Methods that a queue has under another name.
const RENAMED: &[(&str, &str)] = &[
    ("push", "push_back"),
    ("pop", "pop_back"),
    ("first", "front"),
    ("first_mut", "front_mut"),
    ("last", "back"),
    ("last_mut", "back_mut"),
];

/// The edits that the uses need; `None` where one of them needs a vector.
fn converted(file: &SourceFile, bodies: &[&syn::Block], uses: &[Use], queue: &str) -> Option<Vec<TextEdit>> {
    let exprs: Vec<&syn::Expr> = bodies.iter().flat_map(|body| shapes::exprs(body)).collect();
    let mut edits = Vec::new();
    for u in uses {
        let is_slice = |e: &&syn::Expr| matches!(e, syn::Expr::Index(i) if matches!(peel(&i.index), syn::Expr::Range(_)) && u.place.contains(file.range(*e)));
        if exprs.iter().any(is_slice) {
            return None;
        }
        let whole = exprs.iter().find(|e| file.range(**e) == u.whole).copied();
        let is_itself = file.slice(u.place).split_whitespace().collect::<String>() == queue;
        match (&u.how, whole) {
            // An element of it, or what is in one.
            _ if !is_itself => {}
            // Among the arguments of a macro.
            (How::Read, None) => {}
            (How::Method(name), None) => SAME.contains(&name.as_str()).then_some(())?,
            (How::Method(name), Some(syn::Expr::MethodCall(call))) => match name.as_str() {
                "remove" if is_removal(call) => edits.extend(taken(file, &exprs, call)),
                "insert" if call.args.len() == 2 && is_zero(&call.args[0]) => {
                    let start = file.span_range(call.method.span()).start;
                    let range = TextRange { start, end: file.range(&call.args[1]).start };
                    edits.push(TextEdit { range, text: "push_front(".to_owned() });
                }
                same if SAME.contains(&same) => {}
                other => {
                    let (_, new) = RENAMED.iter().find(|(old, _)| *old == other)?;
                    edits.push(TextEdit { range: file.span_range(call.method.span()), text: (*new).to_owned() });
                }
            },
            (How::Iterated, _) => {}
            // A loop over a reference, or an argument of a formatting macro.
            (How::Read, Some(syn::Expr::Reference(_))) => {
                let is_walked = |e: &&syn::Expr| matches!(e, syn::Expr::ForLoop(l) if file.range(&*l.expr) == u.whole);
                exprs.iter().any(is_walked).then_some(())?;
            }
            (How::Mutate, Some(syn::Expr::Assign(a))) if file.range(&*a.left) == u.place => {
                edits.extend(initialiser(file, &a.right, true)?);
            }
            (How::Mutate, Some(syn::Expr::Reference(_))) => {
                let is_walked = |e: &&syn::Expr| matches!(e, syn::Expr::ForLoop(l) if file.range(&*l.expr) == u.whole);
                exprs.iter().any(is_walked).then_some(())?;
            }
            _ => return None,
        }
    }
    Some(edits)
}

/// `queue.remove(0)`: the head of `while !queue.is_empty()` where it is the first thing there, `pop_front` elsewhere.
fn taken(file: &SourceFile, exprs: &[&syn::Expr], call: &syn::ExprMethodCall) -> Vec<TextEdit> {
    let place = file.text_of(&*call.receiver);
    for expr in exprs {
        let syn::Expr::While(around) = expr else { continue };
        let Some(first) = around.body.stmts.first() else { continue };
        let Some(bound) = shapes::plain_let(first).filter(|l| l.ty.is_none()) else { continue };
        let asks = shapes::denied(&around.cond).and_then(|cond| shapes::method(cond, "is_empty", 0));
        if file.range(bound.value) == file.range(call)
            && asks.is_some_and(|a| shapes::same(&*a.receiver, &*call.receiver))
        {
            let mutable = if bound.is_mut { "mut " } else { "" };
            let text = format!("let Some({mutable}{}) = {place}.pop_front()", bound.name);
            return vec![
                TextEdit { range: file.range(&*around.cond), text },
                TextEdit { range: whole_lines(file, file.range(first)), text: String::new() },
            ];
        }
    }
    let start = file.span_range(call.method.span()).start;
    let range = TextRange { start, end: file.range(call).end };
    vec![TextEdit { range, text: "pop_front().expect(\"the queue is not empty\")".to_owned() }]
}
