//! An expression in; whether anybody would notice if it were not evaluated, and which functions of the workspace that hangs
//! on, out.

use super::visit::{self, Visit};
use proc_macro2::Ident;

use super::functions::functions;
use super::names::{arguments, peel};
use super::usage::{self, is_reading_method};
use super::{SourceFile, names, pure, shapes};

/// Methods of std that compute something of their receiver, iterators' among them, and can neither fail nor be noticed.
const COMPUTES: &[&str] = &[
    "abs",
    "as_secs",
    "as_millis",
    "as_nanos",
    "chain",
    "collect",
    "copied",
    "count",
    "display",
    "enumerate",
    "filter",
    "filter_map",
    "flat_map",
    "flatten",
    "fold",
    "into_iter",
    "is_some_and",
    "is_none_or",
    "map",
    "map_or",
    "max",
    "max_by",
    "max_by_key",
    "min",
    "min_by",
    "min_by_key",
    "ok",
    "product",
    "rev",
    "saturating_add",
    "saturating_sub",
    "skip",
    "sum",
    "take",
    "to_bits",
    "to_lowercase",
    "to_string_lossy",
    "to_uppercase",
    "unwrap_or",
    "unwrap_or_default",
    "unwrap_or_else",
    "wrapping_add",
    "wrapping_mul",
    "zip",
];

/// Methods that reach through a shared reference, wait, or do what stays done.
const NOTICED: &[&str] = &[
    "await",
    "borrow_mut",
    "compare_exchange",
    "emit",
    "flush",
    "inc",
    "load",
    "lock",
    "next_id",
    "notify_all",
    "notify_one",
    "observe",
    "read_line",
    "record",
    "recv",
    "send",
    "set",
    "spawn",
    "store",
    "try_lock",
    "try_recv",
    "try_send",
    "wait",
    "write_all",
    "write_fmt",
];

/// How deep functions of the workspace are followed.
const DEPTH: u32 = 3;

/// The functions of the workspace that an expression calls, where nothing else in it could be noticed; `None` where
/// something could: a change, input or output, a panic, a macro that is not known.
pub fn unnoticed(expr: &syn::Expr) -> Option<Vec<Ident>> {
    let mut calls = Vec::new();
    is_calm(expr, &mut calls).then_some(calls)
}

fn is_calm(expr: &syn::Expr, calls: &mut Vec<Ident>) -> bool {
    match peel(expr) {
        syn::Expr::Lit(_) | syn::Expr::Path(_) => true,
        syn::Expr::Field(f) => is_calm(&f.base, calls),
        syn::Expr::Reference(r) => r.mutability.is_none() && is_calm(&r.expr, calls),
        syn::Expr::Unary(u) => !matches!(u.op, syn::UnOp::Neg(_)) && is_calm(&u.expr, calls),
        syn::Expr::Cast(c) => is_calm(&c.expr, calls),
        syn::Expr::Tuple(t) => t.elems.iter().all(|e| is_calm(e, calls)),
        syn::Expr::Closure(c) => c.capture.is_none() && is_calm(&c.body, calls),
        syn::Expr::Binary(b) => {
            use syn::BinOp::*;
            // Arithmetic may overflow, and a division may be by zero.
            let compares = matches!(b.op, Eq(_) | Ne(_) | Lt(_) | Le(_) | Gt(_) | Ge(_) | And(_) | Or(_) | BitXor(_));
            compares && is_calm(&b.left, calls) && is_calm(&b.right, calls)
        }
        syn::Expr::Macro(m) => {
            let is_text = m.mac.path.is_ident("format") || m.mac.path.is_ident("vec");
            let parts = arguments(&m.mac).filter(|_| is_text);
            parts.is_some_and(|parts| {
                parts.iter().all(|part| match part {
                    syn::Expr::Assign(named) => is_calm(&named.right, calls),
                    other => is_calm(other, calls),
                })
            })
        }
        syn::Expr::MethodCall(call) => {
            let name = call.method.to_string();
            if !(is_reading_method(&name) || COMPUTES.contains(&name.as_str())) {
                if name == "unwrap" || name == "expect" {
                    return is_text_of_json(&call.receiver, calls);
                }
                if NOTICED.contains(&name.as_str()) || usage::is_changing_method(&name) {
                    return false;
                }
                calls.push(call.method.clone());
            }
            is_calm(&call.receiver, calls) && call.args.iter().all(|a| is_calm(a, calls))
        }
        syn::Expr::Call(call) => {
            let syn::Expr::Path(path) = &*call.func else { return false };
            let last = &path.path.segments[path.path.segments.len() - 1].ident;
            let is_built =
                last.to_string().starts_with(char::is_uppercase) || shapes::ends_with(&path.path, &["String", "from"]);
            if !is_built && !is_text_of_json(expr, &mut Vec::new()) {
                calls.push(last.clone());
            }
            call.args.iter().all(|a| is_calm(a, calls))
        }
        _ => false,
    }
}

/// `serde_json::to_string(&x)`: fails for nothing but maps with odd keys.
fn is_text_of_json(expr: &syn::Expr, calls: &mut Vec<Ident>) -> bool {
    let of = |name: &str| shapes::call(expr, &["serde_json", name]);
    let call = of("to_string").or_else(|| of("to_string_pretty")).or_else(|| of("to_vec"));
    call.is_some_and(|call| call.args.iter().all(|a| is_calm(a, calls)))
}

/// True if every function of that name in the workspace, of which there is one, only computes its result from what it is
/// lent.
pub fn is_unnoticed(files: &[SourceFile], name: &str) -> bool {
    follow(files, name, 0)
}

fn follow(files: &[SourceFile], name: &str, depth: u32) -> bool {
    let mut found = 0;
    for function in files.iter().flat_map(functions).filter(|f| f.sig.ident == name) {
        found += 1;
        let is_shared = |input: &syn::FnArg| match input {
            syn::FnArg::Receiver(r) => !names::mentions(r, "mut"),
            syn::FnArg::Typed(t) => !names::mentions(&*t.ty, "mut") && !names::mentions(&*t.ty, "FnMut"),
        };
        let is_plain = function.sig.asyncness.is_none() && matches!(function.sig.safety, syn::Safety::Default);
        let lent = function.sig.inputs.iter().flat_map(|input| match input {
            syn::FnArg::Receiver(_) => vec!["self".to_owned()],
            syn::FnArg::Typed(t) if matches!(*t.ty, syn::Type::Reference(_)) => names::bound_by(&t.pat),
            syn::FnArg::Typed(_) => Vec::new(),
        });
        let mut walk = Body { files, lent: lent.collect(), depth, is_calm: true };
        walk.visit_block(function.block);
        if !is_plain || !walk.is_calm || !function.sig.inputs.iter().all(is_shared) {
            return false;
        }
    }
    found > 0
}

/// Methods that change their receiver only by consuming it, as an option.
const CONSUMES: &[&str] = &["expect", "into", "unwrap", "unwrap_or", "unwrap_or_default", "unwrap_or_else"];

/// What a function that is lent all it gets does beside computing.
struct Body<'f> {
    files: &'f [SourceFile],
    /// `self`, and the parameters that are references.
    lent: Vec<String>,
    depth: u32,
    is_calm: bool,
}

impl Body<'_> {
    fn call(&mut self, name: &str) {
        self.is_calm &= self.depth < DEPTH && follow(self.files, name, self.depth + 1);
    }
}

impl<'a> Visit<'a> for Body<'_> {
    fn visit_expr(&mut self, node: &'a syn::Expr) {
        match node {
            syn::Expr::Unsafe(_) | syn::Expr::Await(_) | syn::Expr::Loop(_) | syn::Expr::Async(_) => {
                self.is_calm = false
            }
            syn::Expr::MethodCall(call) => {
                let name = call.method.to_string();
                // What changes can change locals alone: nothing else is lent for it.
                const OF_ENTRIES: &[&str] = &["and_modify", "or_default", "or_insert", "or_insert_with"];
                let is_std = is_reading_method(&name)
                    || usage::is_changing_method(&name)
                    || [COMPUTES, OF_ENTRIES].iter().any(|known| known.contains(&name.as_str()))
                    || pure::computes(&name);
                let changes = usage::is_changing_method(&name) || name == "replace" && call.args.len() == 1;
                let is_lent = names::root(&call.receiver).is_some_and(|root| self.lent.iter().any(|lent| root == lent));
                // What is lent by `&` and changes all the same is a cell or a lock.
                let is_cell = changes && is_lent && !CONSUMES.contains(&name.as_str()) && !name.starts_with("into_");
                if NOTICED.contains(&name.as_str()) || name.starts_with("fetch_") || is_cell {
                    self.is_calm = false;
                } else if !is_std {
                    self.call(&name);
                }
            }
            syn::Expr::Call(call) => {
                if let syn::Expr::Path(path) = &*call.func {
                    let segments: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
                    let is_upper = |s: &String| s.starts_with(char::is_uppercase);
                    let is_built = segments.last().is_some_and(is_upper);
                    const MADE: &[&str] = &["new", "with_capacity", "from", "default"];
                    const OUTSIDE: &[&str] = &["File", "Instant", "SystemTime", "Command", "TcpStream", "Uuid"];
                    let is_made = segments.len() > 1
                        && is_upper(&segments[segments.len() - 2])
                        && !OUTSIDE.contains(&segments[segments.len() - 2].as_str())
                        && MADE.contains(&segments[segments.len() - 1].as_str());
                    if !is_built && !is_made {
                        self.call(segments.last().map_or("", String::as_str));
                    }
                } else {
                    self.is_calm = false;
                }
            }
            _ => {}
        }
        visit::visit_expr(self, node);
    }

    fn visit_macro(&mut self, node: &'a syn::Macro) {
        const KNOWN: &[&str] = &["format", "vec", "write", "writeln", "matches"];
        let is_known = node.path.segments.last().is_some_and(|s| KNOWN.iter().any(|known| s.ident == known));
        match arguments(node) {
            Some(parts) if is_known => parts.iter().for_each(|part| match part {
                syn::Expr::Assign(named) => self.visit_expr(&named.right),
                other => self.visit_expr(other),
            }),
            _ => self.is_calm &= is_known && node.path.is_ident("matches"),
        }
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileRole;

    #[track_caller]
    fn check(text: &str, expected: Option<&[&str]>) {
        let expr: syn::Expr = syn::parse_str(text).unwrap();
        let found = unnoticed(&expr).map(|calls| calls.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(
            found.as_deref().map(|f| f.iter().map(String::as_str).collect::<Vec<_>>()).as_deref(),
            expected,
            "{text}"
        );
    }

    #[test]
    fn what_only_computes_is_told_from_what_could_be_noticed() {
        check("format!(\"{} {x}\", self.name.len())", Some(&[]));
        check("xs.iter().map(|x| x.to_string()).collect::<Vec<_>>().join(\",\")", Some(&[]));
        check("serde_json::to_string(r).unwrap_or_default()", Some(&[]));
        check("serde_json::to_string(&r).unwrap()", Some(&[]));
        check("fingerprint(records)", Some(&["fingerprint"]));
        check("self.book.dump()", Some(&["dump"]));
        for text in
            ["xs[0]", "a / b", "q.pop()", "x.unwrap()", "m.lock()", "other!(x)", "f(&mut x)", "x?", "x = 1", "-x"]
        {
            check(text, None);
        }
    }

    #[test]
    fn functions_are_followed_to_what_they_do() {
        let text = "fn good(xs: &[R]) -> String { let mut s = String::new(); for x in xs { s.push_str(&format!(\"{}\", x.n)); } deep(&s) }
            fn deep(s: &str) -> String { s.trim().to_string() }
            fn counts(n: &mut u64) -> u64 { *n += 1; *n }
            fn prints(n: u64) -> u64 { println!(\"{n}\"); n }
            fn locks(m: &M) -> u64 { m.n.lock().unwrap().len() }
            fn keeps(m: &M) -> u64 { m.cache.insert(1, 2); 1 }
            fn swaps(m: &M) -> u64 { m.last.replace(2) }
            fn far(m: &M) -> u64 { elsewhere(m) }
            async fn later() -> u64 { 1 }";
        let files = [SourceFile::parse("a.rs", text, &FileRole::default()).unwrap()];
        let calm: Vec<&str> =
            ["good", "deep", "counts", "prints", "locks", "keeps", "swaps", "far", "later", "unknown"]
                .into_iter()
                .filter(|name| is_unnoticed(&files, name))
                .collect();
        assert_eq!(calm, ["good", "deep"]);
    }
}
