//! A file in; the loops out that look at fields of their own struct again after each sleep, with who changes those fields.

use super::functions::{Function, derives, functions, head, items, type_arguments};
use super::names::{imports, peel, plain_name};
use super::polls::slept;
use super::{SourceFile, locks, shapes, usage};
use crate::model::TextRange;

/// A loop that polls its own struct.
pub struct OwnPoll<'a> {
    /// The struct.
    pub owner: &'a syn::ItemStruct,
    /// The loop.
    pub around: &'a syn::Expr,
    /// Its body.
    pub body: &'a syn::Block,
    /// The statement that sleeps, the last of the body.
    pub sleep: &'a syn::Stmt,
    /// For how long.
    pub pause: &'a syn::Expr,
    /// True where a task sleeps.
    pub is_task: bool,
    /// What must hold for another sleep, where one condition says it: the condition, and whether it is turned.
    pub goes_on: Option<(&'a syn::Expr, bool)>,
    /// The field that is waited for.
    pub field: &'a syn::Field,
    /// What it is.
    pub held: Held,
    /// Statements after which who waits has to look again.
    pub writers: Vec<TextRange>,
}

/// What a field holds its value in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// An atomic.
    Atomic,
    /// A mutex of std around what tells by this method that there is nothing.
    Mutex(&'static str),
    /// The same of parking_lot.
    Parked(&'static str),
    /// Anything else.
    Other,
}

/// All such loops of a file.
pub fn own_polls(file: &SourceFile) -> Vec<OwnPoll<'_>> {
    let structs: Vec<&syn::ItemStruct> = items(&file.ast)
        .into_iter()
        .filter_map(|placed| match placed.item {
            syn::Item::Struct(item) if !placed.is_test => Some(item),
            _ => None,
        })
        .collect();
    let all = functions(file);
    let mut found = Vec::new();
    for function in all.iter().filter(|f| !f.is_test) {
        let name = function.self_ty.map(head).unwrap_or_default();
        let mut owners = structs.iter().filter(|s| s.ident == name);
        let (Some(owner), None) = (owners.next(), owners.next()) else { continue };
        for block in shapes::own_blocks(function.block) {
            for stmt in &block.stmts {
                if let syn::Stmt::Expr(around, _) = stmt {
                    found.extend(own_poll(file, &all, function, owner, around));
                }
            }
        }
    }
    found
}

fn own_poll<'a>(
    file: &'a SourceFile,
    all: &[Function<'a>],
    function: &Function<'a>,
    owner: &'a syn::ItemStruct,
    around: &'a syn::Expr,
) -> Option<OwnPoll<'a>> {
    let (body, looks) = looked(around)?;
    let sleep = body.stmts.last()?;
    let slept = slept(sleep)?;
    // A task that puts its thread to sleep is another matter.
    if slept.is_task != function.sig.asyncness.is_some() {
        return None;
    }
    let mut names: Vec<String> = Vec::new();
    for look in &looks {
        let fields = own_fields(look);
        if fields.is_empty() || !is_calm(look) {
            return None;
        }
        names.extend(fields);
    }
    let others: Vec<&Function<'a>> = all
        .iter()
        .filter(|f| f.self_ty.map(head).is_some_and(|ty| owner.ident == ty) && !std::ptr::eq(f.block, function.block))
        .collect();
    let writers_of = |name: &String| others.iter().flat_map(|f| writers(file, f.block, name)).collect::<Vec<_>>();
    let told: Vec<(&String, Vec<TextRange>)> = names.iter().map(|name| (name, writers_of(name))).collect();
    let field_of = |name: &String| owner.fields.iter().find(|f| f.ident.as_ref().is_some_and(|i| i == name));
    let known = told.iter().filter(|(_, writers)| !writers.is_empty());
    let held: Vec<(&syn::Field, Held)> =
        known.filter_map(|(name, _)| field_of(name)).map(|field| (field, held(file, &field.ty))).collect();
    let is_lock = |h: &&(&syn::Field, Held)| matches!(h.1, Held::Mutex(_) | Held::Parked(_));
    let goes_on = goes_on(around, body);
    let (field, held) = match slept.is_task {
        true => *held.first()?,
        false => match held.iter().find(is_lock) {
            Some(lock) => *lock,
            None => *held.iter().find(|h| h.1 == Held::Atomic && goes_on.is_some())?,
        },
    };
    let mut writers: Vec<TextRange> = told.into_iter().flat_map(|(_, writers)| writers).collect();
    writers.sort();
    writers.dedup();
    let (pause, is_task) = (slept.pause, slept.is_task);
    is_pause(pause).then_some(OwnPoll { owner, around, body, sleep, pause, is_task, goes_on, field, held, writers })
}

/// The body of a loop that only looks and sleeps, and what it looks at.
fn looked(around: &syn::Expr) -> Option<(&syn::Block, Vec<&syn::Expr>)> {
    match around {
        syn::Expr::While(w) if !matches!(&*w.cond, syn::Expr::Let(_)) && w.body.stmts.len() == 1 => {
            Some((&w.body, vec![&w.cond]))
        }
        syn::Expr::Loop(l) if l.body.stmts.len() > 1 => {
            let looks = l.body.stmts[..l.body.stmts.len() - 1].iter().map(|stmt| match stmt {
                syn::Stmt::Expr(syn::Expr::If(i), _) if i.else_branch.is_none() && shapes::diverges(&i.then_branch) => {
                    Some(&*i.cond)
                }
                _ => None,
            });
            Some((&l.body, looks.collect::<Option<Vec<_>>>()?))
        }
        _ => None,
    }
}

/// The one condition under which it sleeps again, and whether that is its opposite.
fn goes_on<'a>(around: &'a syn::Expr, body: &'a syn::Block) -> Option<(&'a syn::Expr, bool)> {
    match around {
        syn::Expr::While(w) => Some((&*w.cond, false)),
        _ => match body.stmts.as_slice() {
            [syn::Stmt::Expr(syn::Expr::If(i), _), _] if !matches!(&*i.cond, syn::Expr::Let(_)) => {
                Some((&*i.cond, true))
            }
            _ => None,
        },
    }
}

/// `Duration::from_millis(10)`, a name, a field: what may be computed where nobody sleeps.
fn is_pause(expr: &syn::Expr) -> bool {
    match peel(expr) {
        syn::Expr::Call(call) => {
            matches!(&*call.func, syn::Expr::Path(p) if p.path.segments.iter().any(|s| s.ident == "Duration"))
                && call.args.iter().all(shapes::is_quiet)
        }
        other => shapes::is_quiet(other),
    }
}

/// The fields of `self` that an expression speaks of.
fn own_fields(expr: &syn::Expr) -> Vec<String> {
    let fields = shapes::exprs_in(expr).into_iter().filter_map(|e| match e {
        syn::Expr::Field(f) if plain_name(&f.base).is_some_and(|n| n == "self") => match &f.member {
            syn::Member::Named(name) => Some(name.to_string()),
            syn::Member::Unnamed(_) => None,
        },
        _ => None,
    });
    fields.collect()
}

/// True for looks that call nothing but atomics, locks and methods of std.
fn is_calm(expr: &syn::Expr) -> bool {
    const LOOKS: &[&str] = &["load", "lock", "read", "write", "swap", "compare_exchange"];
    shapes::exprs_in(expr).into_iter().all(|e| match e {
        syn::Expr::MethodCall(call) => {
            let name = call.method.to_string();
            LOOKS.contains(&name.as_str()) || usage::is_reading_method(&name) || usage::is_changing_method(&name)
        }
        syn::Expr::Call(_) | syn::Expr::Macro(_) | syn::Expr::Closure(_) | syn::Expr::Async(_) => false,
        _ => true,
    })
}

/// Statements that put something into a field, or write a new value to it.
fn writers(file: &SourceFile, body: &syn::Block, field: &str) -> Vec<TextRange> {
    let is_field = |expr: &syn::Expr| {
        usage::place(expr)
            .is_some_and(|p| p.is_plain && p.root == "self" && p.fields.len() == 1 && p.fields[0] == field)
    };
    let is_guard = |expr: &syn::Expr| locks::acquired(expr).is_some_and(|a| is_field(a.lock));
    let mut found = Vec::new();
    for block in shapes::blocks_in(body) {
        let mut guards: Vec<String> = Vec::new();
        for stmt in &block.stmts {
            if let Some(bound) = shapes::plain_let(stmt).filter(|l| is_guard(l.value)) {
                guards.push(bound.name.to_string());
            }
            let syn::Stmt::Expr(expr, Some(_)) = stmt else { continue };
            let is_behind =
                |expr: &syn::Expr| is_guard(expr) || plain_name(expr).is_some_and(|n| guards.iter().any(|g| n == g));
            let is_write = match expr {
                syn::Expr::MethodCall(call) => {
                    let name = call.method.to_string();
                    let is_atomic =
                        ["store", "swap", "compare_exchange"].contains(&name.as_str()) || name.starts_with("fetch_");
                    const PUTS: &[&str] =
                        &["append", "extend", "insert", "push", "push_back", "push_front", "push_str", "replace"];
                    (is_atomic && is_field(&call.receiver))
                        || (PUTS.contains(&name.as_str()) && is_behind(&call.receiver))
                }
                syn::Expr::Assign(a) => match peel(&a.left) {
                    syn::Expr::Unary(u) => is_behind(&u.expr),
                    syn::Expr::Field(f) => is_behind(&f.base),
                    _ => false,
                },
                _ => false,
            };
            if is_write {
                found.push(file.range(stmt));
            }
        }
    }
    found
}

/// What a type holds its value in.
fn held(file: &SourceFile, ty: &syn::Type) -> Held {
    let ty = match type_arguments(ty)[..] {
        [inner] if head(ty) == "Arc" => inner,
        _ => ty,
    };
    let syn::Type::Path(path) = ty else { return Held::Other };
    let spelled: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
    let full = match spelled.as_slice() {
        [only] => match imports(file, only).as_slice() {
            [full] => full.clone(),
            _ => only.clone(),
        },
        all => all.join("::"),
    };
    if full.starts_with("std::sync::atomic::Atomic") {
        return Held::Atomic;
    }
    let inner = type_arguments(ty).first().map(|inner| head(inner)).unwrap_or_default();
    let empty = match inner.as_str() {
        "Vec" | "VecDeque" | "BinaryHeap" | "HashMap" | "BTreeMap" | "HashSet" | "BTreeSet" | "String" => "is_empty",
        "Option" => "is_none",
        _ => return Held::Other,
    };
    match full.as_str() {
        "std::sync::Mutex" => Held::Mutex(empty),
        "parking_lot::Mutex" => Held::Parked(empty),
        _ => Held::Other,
    }
}

/// Why the struct cannot get another field, if so.
///
/// # Errors
/// A sentence.
pub fn may_grow(owner: &syn::ItemStruct) -> Result<(), String> {
    let name = &owner.ident;
    if let Some(derived) = derives(&owner.attrs).into_iter().find(|d| !["Debug", "Default"].contains(&d.as_str())) {
        return Err(format!("`{name}` derives `{derived}`, which what one waits by may not have"));
    }
    if owner.attrs.iter().any(|a| a.path().is_ident("repr")) {
        return Err(format!("the layout of `{name}` is fixed by `repr`"));
    }
    let is_open = !matches!(owner.vis, syn::Visibility::Inherited)
        && owner.fields.iter().all(|f| !matches!(f.vis, syn::Visibility::Inherited));
    if is_open {
        return Err(format!("every field of `{name}` is public: it may be built elsewhere"));
    }
    Ok(())
}
