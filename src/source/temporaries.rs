//! An expression in; whether what it makes on its way may still be alive, and be missed when it is dropped sooner, out.

use super::names::peel;
use super::{shapes, usage};

/// What an expression that is looked at leaves alive until its statement ends.
#[derive(Debug)]
pub enum Kept<'a> {
    /// Nothing that anybody could miss.
    Nothing,
    /// Iterators and texts of std, if these places are texts or collections of std.
    OfStd(Vec<&'a syn::Expr>),
    /// Perhaps a guard.
    Unknown,
}

impl PartialEq for Kept<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// Methods that make guards, by the names that std and the usual crates give them.
const GUARDS: &[&str] = &[
    "acquire",
    "blocking_lock",
    "blocking_read",
    "blocking_write",
    "borrow",
    "borrow_mut",
    "drain",
    "enter",
    "entered",
    "guard",
    "lock",
    "peek_mut",
    "pin",
    "read",
    "try_borrow",
    "try_borrow_mut",
    "try_lock",
    "try_read",
    "try_write",
    "upgrade",
    "write",
];

/// Methods of std that take their receiver by value: nothing of it stays behind.
const TAKING: &[&str] = &[
    "and_then",
    "cloned",
    "copied",
    "err",
    "expect",
    "filter",
    "flatten",
    "map",
    "map_err",
    "ok",
    "ok_or",
    "ok_or_else",
    "or",
    "or_else",
    "transpose",
    "unwrap",
    "unwrap_or",
    "unwrap_or_default",
    "unwrap_or_else",
    "zip",
];

/// Methods of texts and collections of std whose result nobody misses when it is dropped.
const CALM: &[&str] = &[
    "as_bytes",
    "as_deref",
    "as_deref_mut",
    "as_mut",
    "as_ref",
    "as_slice",
    "as_str",
    "bytes",
    "char_indices",
    "chars",
    "chunks",
    "clone",
    "cloned",
    "copied",
    "enumerate",
    "filter",
    "filter_map",
    "first",
    "get",
    "get_mut",
    "iter",
    "iter_mut",
    "keys",
    "last",
    "lines",
    "map",
    "rev",
    "rsplit",
    "skip",
    "skip_while",
    "split",
    "split_whitespace",
    "splitn",
    "take_while",
    "to_lowercase",
    "to_owned",
    "to_string",
    "to_uppercase",
    "trim",
    "trim_end",
    "trim_start",
    "values",
    "values_mut",
    "windows",
    "zip",
];

/// What an expression leaves alive, by the names of its calls.
pub fn kept(expr: &syn::Expr) -> Kept<'_> {
    let is_guard = |e: &&syn::Expr| match e {
        syn::Expr::MethodCall(call) => GUARDS.iter().any(|name| call.method == name),
        _ => false,
    };
    let mut roots = Vec::new();
    if shapes::exprs_in(expr).iter().any(is_guard) || !is_moved(expr, &mut roots) {
        return Kept::Unknown;
    }
    if roots.is_empty() { Kept::Nothing } else { Kept::OfStd(roots) }
}

/// True if the value of the expression is moved on, and what was made for it is gone or of std.
fn is_moved<'a>(expr: &'a syn::Expr, roots: &mut Vec<&'a syn::Expr>) -> bool {
    match peel(expr) {
        syn::Expr::Path(_) | syn::Expr::Lit(_) | syn::Expr::Closure(_) => true,
        syn::Expr::Break(_) | syn::Expr::Continue(_) => true,
        syn::Expr::Return(r) => r.expr.as_deref().is_none_or(|e| is_moved(e, roots)),
        syn::Expr::Field(f) => is_lent(&f.base, roots),
        syn::Expr::Index(i) => is_lent(&i.expr, roots) && is_moved(&i.index, roots),
        syn::Expr::Reference(r) => is_lent(&r.expr, roots),
        syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Deref(_)) => is_lent(&u.expr, roots),
        syn::Expr::Unary(u) => is_moved(&u.expr, roots),
        syn::Expr::Cast(c) => is_moved(&c.expr, roots),
        syn::Expr::Tuple(t) => t.elems.iter().all(|e| is_moved(e, roots)),
        syn::Expr::Binary(b) => is_moved(&b.left, roots) && is_moved(&b.right, roots),
        syn::Expr::Assign(a) => is_moved(&a.left, roots) && is_moved(&a.right, roots),
        syn::Expr::Try(t) => is_moved(&t.expr, roots),
        syn::Expr::Await(a) => is_moved(&a.base, roots),
        syn::Expr::Call(call) => {
            matches!(*call.func, syn::Expr::Path(_)) && call.args.iter().all(|e| is_moved(e, roots))
        }
        syn::Expr::MethodCall(call) => {
            let is_taken = TAKING.iter().any(|name| call.method == name);
            let receiver = if is_taken { is_moved(&call.receiver, roots) } else { is_lent(&call.receiver, roots) };
            receiver && call.args.iter().all(|e| is_moved(e, roots))
        }
        syn::Expr::Macro(mac) => is_format(mac),
        _ => false,
    }
}

/// True if what the expression makes, and lends on, is a text or an iterator of std; a place makes nothing.
fn is_lent<'a>(expr: &'a syn::Expr, roots: &mut Vec<&'a syn::Expr>) -> bool {
    let inner = peel(expr);
    if usage::place(inner).is_some() {
        return true;
    }
    match inner {
        syn::Expr::Lit(_) => true,
        syn::Expr::Reference(r) => is_lent(&r.expr, roots),
        syn::Expr::Field(f) => is_lent(&f.base, roots),
        syn::Expr::Index(i) => is_lent(&i.expr, roots) && is_moved(&i.index, roots),
        syn::Expr::Macro(mac) => is_format(mac),
        // A key of several parts: places are copied into it, texts and their like are dropped with it.
        syn::Expr::Tuple(t) => t.elems.iter().all(|e| is_lent(e, roots)),
        syn::Expr::MethodCall(call) if CALM.iter().any(|name| call.method == name) => {
            let root = shapes::chain_root(call.receiver.as_ref());
            let is_known = usage::place(root).is_some();
            if is_known && !roots.iter().any(|known| shapes::same(*known, root)) {
                roots.push(root);
            }
            is_known && is_lent(&call.receiver, roots) && call.args.iter().all(|e| is_moved(e, roots))
        }
        _ => false,
    }
}

/// `format!` and its like end what they lend themselves.
fn is_format(mac: &syn::ExprMacro) -> bool {
    ["format", "println", "eprintln", "vec", "matches"].iter().any(|name| mac.mac.path.is_ident(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> &'static str {
        let expr: syn::Expr = syn::parse_str(text).unwrap();
        match kept(&expr) {
            Kept::Nothing => "nothing",
            Kept::OfStd(_) => "of std",
            Kept::Unknown => "unknown",
        }
    }

    #[test]
    fn places_and_moved_values_leave_nothing() {
        for text in [
            "x",
            "&x.a",
            "self.rows[i]",
            "m.get(&k)",
            "self.find(id, &self.key)",
            "parse(text)",
            "f(x)?",
            "text.parse::<u64>().ok()",
            "rx.recv().await",
            "load(id).map(|x| x.name)",
            "&mut self.cache",
            "m.get(&format!(\"{k}\"))",
        ] {
            assert_eq!(of(text), "nothing", "{text}");
        }
    }

    #[test]
    fn iterators_and_texts_on_the_way_are_asked_about() {
        for text in [
            "xs.iter().find(|x| x.a)",
            "name.trim().strip_prefix(p)",
            "a.b.lines().next()",
            "f(&name.to_string())",
            "m.get(&(name.clone(), id))",
        ] {
            assert_eq!(of(text), "of std", "{text}");
        }
    }

    #[test]
    fn what_may_be_a_guard_is_unknown() {
        for text in [
            "m.lock().unwrap().get(&k)",
            "c.borrow().next",
            "view(m).get(1)",
            "self.session().user()",
            "v.drain(..).next()",
            "f(&self.view())",
            "xs.iter().find_map(|x| x.try_lock().ok())",
            "if a { b } else { c }",
            "m!(x)",
            "m.get(&(make(), id))",
            "m.get(&(m.lock(), id))",
            "(f)(x).y()",
        ] {
            assert_eq!(of(text), "unknown", "{text}");
        }
    }
}
