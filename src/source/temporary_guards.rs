//! An expression in; the lock that a temporary in it takes, and which part of it could get a name before the statement, out.

use super::names::peel;
use super::{locks, shapes, usage};

/// Where the expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeadSort {
    /// In the head of a `match` or an `if let`.
    Looked,
    /// In that of a `while let`.
    Repeated,
    /// In that of a `for`.
    Walked,
    /// Among the arguments of a call.
    Lent,
}

impl HeadSort {
    /// All of them.
    pub const ALL: [HeadSort; 4] = [HeadSort::Looked, HeadSort::Repeated, HeadSort::Walked, HeadSort::Lent];

    /// A word for it.
    pub fn word(self) -> &'static str {
        match self {
            HeadSort::Looked => "looked",
            HeadSort::Repeated => "repeated",
            HeadSort::Walked => "walked",
            HeadSort::Lent => "lent",
        }
    }
}

/// What of an expression can be computed before the statement, so that the guard ends there.
pub struct Hoisted<'a> {
    /// The place of the lock.
    pub lock: &'a syn::Expr,
    /// The expression whose value is the guard.
    pub guard: &'a syn::Expr,
    /// What is computed before.
    pub kept: &'a syn::Expr,
    /// What a name for it may begin with.
    pub base: &'static str,
    /// What is put behind it.
    pub behind: &'static str,
    /// The expression that its name takes the place of.
    pub gone: &'a syn::Expr,
    /// True if a reference to it takes the place.
    pub is_lent: bool,
}

/// Methods through which what is guarded is changed in place, or lent without a copy that could be made.
const IN_PLACE: &[&str] = &[
    "as_deref",
    "as_deref_mut",
    "as_mut",
    "as_ref",
    "as_slice",
    "as_str",
    "borrow",
    "borrow_mut",
    "by_ref",
    "entry",
    "first_mut",
    "get_mut",
    "get_or_insert_with",
    "iter_mut",
    "last_mut",
    "lock",
    "peek_mut",
    "read",
    "values_mut",
    "write",
];

/// Methods that lend one thing, as an option.
const LENDS: &[&str] = &["back", "first", "front", "get", "last", "max", "min", "peek"];

/// Reads what can be computed before.
pub fn hoisted(expr: &syn::Expr, sort: HeadSort) -> Option<Hoisted<'_>> {
    let (is_reference, inner) = match peel(expr) {
        syn::Expr::Reference(r) if r.mutability.is_none() => (true, peel(&r.expr)),
        other => (false, other),
    };
    if let Some(found) = swapped(inner).filter(|_| !is_reference) {
        return Some(found);
    }
    let guard = guard(inner)?;
    let taken = locks::acquired(guard)?;
    usage::place(taken.lock)?;
    let methods = methods_behind(inner, guard);
    if methods.iter().any(|m| IN_PLACE.contains(&m.as_str()) && !(sort == HeadSort::Lent && m.starts_with("as_"))) {
        return None;
    }
    let found = |kept, gone, base, behind, is_lent| {
        Some(Hoisted { lock: taken.lock, guard, kept, base, behind, gone, is_lent })
    };
    let mut call = match inner {
        syn::Expr::MethodCall(call) if !std::ptr::eq(inner, guard) => call,
        // A part of what is guarded, or all of it.
        _ if is_reference => {
            let kept = match inner {
                syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => &*u.expr,
                other => other,
            };
            let base = if sort == HeadSort::Walked { "items" } else { "copied" };
            return found(kept, inner, base, ".clone()", false);
        }
        _ => return None,
    };
    // What picks among the items stays where it is.
    const PICKS: &[&str] = &["enumerate", "filter", "rev", "skip", "take"];
    while sort == HeadSort::Walked && PICKS.iter().any(|m| call.method == m) {
        let syn::Expr::MethodCall(below) = peel(&call.receiver) else { return None };
        call = below;
        if !["enumerate", "filter", "iter", "rev", "skip", "take"].iter().any(|m| call.method == m) {
            return None;
        }
    }
    let last = call.method.to_string();
    let is_owned = |name: &str| !LENDS.contains(&name) && !["iter", "values", "keys", "drain"].contains(&name);
    match sort {
        HeadSort::Walked => match last.as_str() {
            "iter" => found(&call.receiver, &call.receiver, "items", ".clone()", false),
            "values" | "keys" => found(inner, inner, "items", ".cloned().collect::<Vec<_>>()", true),
            "cloned" | "copied" => found(inner, inner, "items", ".collect::<Vec<_>>()", false),
            "drain" if call.args.len() == 1 && !is_reference => {
                found(inner, inner, "items", ".collect::<Vec<_>>()", false)
            }
            "clone" | "to_vec" if !is_reference => found(inner, inner, "items", "", false),
            "clone" | "to_vec" => found(inner, inner, "items", "", false),
            _ => None,
        },
        HeadSort::Looked | HeadSort::Repeated if is_reference => None,
        HeadSort::Looked if LENDS.contains(&last.as_str()) => found(inner, inner, "found", ".cloned()", true),
        HeadSort::Looked | HeadSort::Repeated if !is_owned(&last) => None,
        HeadSort::Looked => found(inner, inner, "found", "", false),
        HeadSort::Repeated => found(inner, inner, "found", "", false),
        HeadSort::Lent => {
            // The text stays, what borrows it goes into the call.
            let (kept, _) = borrowed_text(inner);
            let owner = match kept {
                syn::Expr::MethodCall(call) => call.method.to_string(),
                _ => return found(kept, kept, "copied", ".clone()", false),
            };
            const OWNED: &[&str] = &[
                "clone",
                "to_owned",
                "to_string",
                "to_vec",
                "join",
                "concat",
                "len",
                "is_empty",
                "contains",
                "contains_key",
                "cloned",
                "copied",
                "collect",
                "pop",
                "pop_front",
                "sum",
                "count",
            ];
            let is_known = OWNED.contains(&owner.as_str())
                || (["unwrap_or_default", "unwrap_or", "unwrap_or_else"].contains(&owner.as_str())
                    && methods.iter().any(|m| m == "cloned" || m == "copied" || m == "pop" || m == "pop_front"));
            is_known.then(|| found(kept, kept, "copied", "", false)).flatten()
        }
    }
}

/// `text.as_bytes()`, `list.as_slice()`: what is lent, and by how many calls.
fn borrowed_text(expr: &syn::Expr) -> (&syn::Expr, usize) {
    match expr {
        syn::Expr::MethodCall(call)
            if call.args.is_empty()
                && ["as_bytes", "as_str", "as_slice", "as_ref"].iter().any(|m| call.method == m) =>
        {
            let (inner, n) = borrowed_text(&call.receiver);
            (inner, n + 1)
        }
        other => (other, 0),
    }
}

/// `mem::take(&mut *lock.lock().unwrap())`.
fn swapped(expr: &syn::Expr) -> Option<Hoisted<'_>> {
    let call = shapes::call(expr, &["mem", "take"]).filter(|call| call.args.len() == 1)?;
    let syn::Expr::Reference(lent) = peel(&call.args[0]) else { return None };
    lent.mutability.as_ref()?;
    let guard = guard(&lent.expr)?;
    let taken = locks::acquired(guard)?;
    usage::place(taken.lock)?;
    Some(Hoisted { lock: taken.lock, guard, kept: expr, base: "taken", behind: "", gone: expr, is_lent: false })
}

/// The guard at the bottom of a chain of calls, fields, indices and dereferences; it is not the whole chain.
fn guard(expr: &syn::Expr) -> Option<&syn::Expr> {
    fn down(expr: &syn::Expr) -> Option<&syn::Expr> {
        if locks::acquired(expr).is_some() {
            return Some(expr);
        }
        match peel(expr) {
            syn::Expr::MethodCall(call) => down(&call.receiver),
            syn::Expr::Field(f) => down(&f.base),
            syn::Expr::Index(i) => down(&i.expr),
            syn::Expr::Try(t) => down(&t.expr),
            syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => down(&u.expr),
            _ => None,
        }
    }
    down(expr).filter(|found| !std::ptr::eq(*found, expr))
}

/// The methods called behind the guard, innermost first.
fn methods_behind(expr: &syn::Expr, guard: &syn::Expr) -> Vec<String> {
    if std::ptr::eq(expr, guard) {
        return Vec::new();
    }
    match peel(expr) {
        syn::Expr::MethodCall(call) => {
            let mut all = methods_behind(&call.receiver, guard);
            all.push(call.method.to_string());
            all
        }
        syn::Expr::Field(f) => methods_behind(&f.base, guard),
        syn::Expr::Index(i) => methods_behind(&i.expr, guard),
        syn::Expr::Try(t) => methods_behind(&t.expr, guard),
        syn::Expr::Unary(u) => methods_behind(&u.expr, guard),
        _ => Vec::new(),
    }
}
