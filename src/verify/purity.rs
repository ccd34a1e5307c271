//! The texts of a workspace in; which of its functions have effects besides their result, by syntax, out.
//!
//! A function without effects can be called again with the same arguments, old and new beside each other, which takes
//! the variance of the inputs out of the measurement. The scan errs towards effects: then calls are only pooled.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::visit::{self, Visit};

/// Methods of std and of common crates that change or wait for something outside of their own arguments.
const METHODS: &[&str] = &[
    "write",
    "write_all",
    "write_fmt",
    "write_str",
    "flush",
    "sync_all",
    "sync_data",
    "send",
    "try_send",
    "blocking_send",
    "recv",
    "try_recv",
    "lock",
    "try_lock",
    "blocking_lock",
    "read_line",
    "read_to_string",
    "read_to_end",
    "read_exact",
    "borrow_mut",
    "try_borrow_mut",
    "store",
    "fetch_add",
    "fetch_sub",
    "fetch_or",
    "fetch_and",
    "fetch_max",
    "fetch_min",
    "fetch_update",
    "compare_exchange",
    "compare_exchange_weak",
    "set",
    "spawn",
    "connect",
    "accept",
    "execute",
    "query",
    "request",
    "notify_one",
    "notify_all",
    "wait",
    "block_on",
    "incr",
    "observe",
    "record",
    "increment",
    "take_lock",
];
/// Types and modules whose functions reach outside of the process.
const PATHS: &[&str] = &[
    "fs",
    "File",
    "OpenOptions",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
    "Command",
    "process",
    "thread",
    "rand",
    "stdout",
    "stderr",
    "stdin",
    "env",
    "io",
];
const MACROS: &[&str] = &[
    "print",
    "println",
    "eprint",
    "eprintln",
    "dbg",
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "log",
    "event",
    "span",
    "thread_local",
    "counter",
    "gauge",
    "histogram",
    "select",
];

/// What is known of the effects of a workspace's functions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Names with numbers of arguments: an iterator's `collect()` is not the `collect(&mut self, line)` of a reader.
    methods: BTreeSet<(String, usize)>,
    paths: BTreeSet<String>,
}

#[derive(Default)]
struct Seen {
    name: String,
    owner: String,
    is_method: bool,
    /// Arguments besides the receiver.
    arguments: usize,
    /// The first thing that it does besides computing.
    effect: Option<String>,
    methods: BTreeSet<(String, usize)>,
    paths: BTreeSet<String>,
}

impl Effects {
    /// Reads all functions; one has effects if it does something on the lists, or calls one that has.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Effects {
        let mut all = Vec::new();
        for text in texts {
            if let Ok(file) = syn::parse_file(text) {
                let mut gather = Gather { owner: String::new(), found: Vec::new() };
                gather.visit_file(&file);
                all.extend(gather.found);
            }
        }
        let mut effects = Effects::default();
        loop {
            let before = (effects.methods.len(), effects.paths.len());
            for seen in &all {
                if effects.has(seen) {
                    effects.paths.insert(qualified(&seen.owner, &seen.name));
                    if seen.is_method {
                        effects.methods.insert((seen.name.clone(), seen.arguments));
                    }
                }
            }
            if (effects.methods.len(), effects.paths.len()) == before {
                return effects;
            }
        }
    }

    /// True if a function item (as text) does something besides computing its result.
    pub fn in_function(&self, text: &str) -> bool {
        let parsed = syn::parse_str::<syn::ImplItemFn>(text);
        let Ok(function) = parsed else { return true };
        self.has(&look(&function.sig, &function.block, "", &[]))
    }

    /// What a function item (as text) does besides computing its result, where its arguments are copies: those that
    /// it owns or borrows mutably and that are plain text or collections may be written.
    pub fn cause(&self, text: &str) -> Option<String> {
        let Ok(function) = syn::parse_str::<syn::ImplItemFn>(text) else {
            return Some(String::from("it cannot be read"));
        };
        let seen = look(&function.sig, &function.block, "", &plain_arguments(&function.sig));
        let called = || {
            let method = seen.methods.intersection(&self.methods).next();
            let method = method.map(|(name, _)| name);
            method.or_else(|| seen.paths.intersection(&self.paths).next()).map(|n| format!("it calls `{n}`"))
        };
        seen.effect.clone().or_else(called)
    }

    fn has(&self, seen: &Seen) -> bool {
        seen.effect.is_some() || !seen.methods.is_disjoint(&self.methods) || !seen.paths.is_disjoint(&self.paths)
    }
}

fn qualified(owner: &str, name: &str) -> String {
    if owner.is_empty() { name.to_owned() } else { format!("{owner}::{name}") }
}

struct Gather {
    owner: String,
    found: Vec<Seen>,
}

impl<'ast> Visit<'ast> for Gather {
    fn visit_item_impl(&mut self, node: &'ast syn::ItemImpl) {
        let name = match &*node.self_ty {
            syn::Type::Path(p) => p.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default(),
            _ => String::new(),
        };
        let before = std::mem::replace(&mut self.owner, name);
        visit::visit_item_impl(self, node);
        self.owner = before;
    }

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.found.push(look(&node.sig, &node.block, "", &[]));
        visit::visit_item_fn(self, node);
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.found.push(look(&node.sig, &node.block, &self.owner, &[]));
        visit::visit_impl_item_fn(self, node);
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        if let Some(block) = &node.default {
            self.found.push(look(&node.sig, block, "", &[]));
        }
        visit::visit_trait_item_fn(self, node);
    }
}

/// Arguments of plain types that are values or mutable references.
fn plain_arguments(sig: &syn::Signature) -> Vec<String> {
    const PLAIN: &[&str] =
        &["String", "Vec", "VecDeque", "HashMap", "HashSet", "BTreeMap", "BTreeSet", "BinaryHeap", "Bytes", "BytesMut"];
    let is_plain = |ty: &syn::Type| match ty {
        syn::Type::Path(p) => p.path.segments.last().is_some_and(|s| PLAIN.contains(&s.ident.to_string().as_str())),
        syn::Type::Slice(_) => true,
        _ => false,
    };
    let name = |arg: &syn::FnArg| match arg {
        syn::FnArg::Typed(t) => match (&*t.pat, &*t.ty) {
            (syn::Pat::Ident(p), syn::Type::Reference(r)) if r.mutability.is_some() && is_plain(&r.elem) => {
                Some(p.ident.to_string())
            }
            (syn::Pat::Ident(p), ty) if is_plain(ty) => Some(p.ident.to_string()),
            _ => None,
        },
        syn::FnArg::Receiver(_) => None,
    };
    sig.inputs.iter().filter_map(name).collect()
}

fn look(sig: &syn::Signature, block: &syn::Block, owner: &str, locals: &[String]) -> Seen {
    let locals = locals.iter().map(|name| (name.clone(), ())).collect();
    let mut look = Look { locals, owner, seen: Seen::default() };
    look.seen.name = sig.ident.to_string();
    look.seen.owner = owner.to_owned();
    look.seen.is_method = sig.receiver().is_some();
    look.seen.arguments = sig.inputs.len() - usize::from(look.seen.is_method);
    if sig.asyncness.is_some() {
        look.effect(|| String::from("it is async"));
    }
    if matches!(sig.safety, syn::Safety::Unsafe(_)) {
        look.effect(|| String::from("it is unsafe"));
    }
    look.visit_block(block);
    look.seen
}

struct Look<'a> {
    locals: BTreeMap<String, ()>,
    owner: &'a str,
    seen: Seen,
}

impl Look<'_> {
    fn effect(&mut self, what: impl FnOnce() -> String) {
        self.seen.effect.get_or_insert_with(what);
    }
}

impl<'ast> Visit<'ast> for Look<'_> {
    fn visit_pat_ident(&mut self, node: &'ast syn::PatIdent) {
        if node.mutability.is_some() {
            self.locals.insert(node.ident.to_string(), ());
        }
    }

    fn visit_expr_method_call(&mut self, node: &'ast syn::ExprMethodCall) {
        let name = node.method.to_string();
        // A buffer that the function itself made may be written and set as it likes.
        let is_local = root(&node.receiver).is_some_and(|r| self.locals.contains_key(&r));
        if METHODS.contains(&name.as_str()) && !is_local {
            self.effect(|| format!("it calls `{name}`"));
        }
        self.seen.methods.insert((name, node.args.len()));
        visit::visit_expr_method_call(self, node);
    }

    fn visit_expr_call(&mut self, node: &'ast syn::ExprCall) {
        if let syn::Expr::Path(path) = &*node.func {
            let names: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
            if names.iter().any(|n| PATHS.contains(&n.as_str())) {
                self.effect(|| format!("it calls `{}`", names.join("::")));
            }
            let (name, before) = names.split_last().map_or(("", &[][..]), |(n, b)| (n.as_str(), b));
            let owner = match before.last().map(String::as_str) {
                Some("Self") => self.owner,
                Some(ty) if ty.starts_with(|c: char| c.is_uppercase()) => ty,
                _ => "",
            };
            self.seen.paths.insert(qualified(owner, name));
        }
        visit::visit_expr_call(self, node);
    }

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        let name = node.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
        if MACROS.contains(&name.as_str()) {
            self.effect(|| format!("it calls `{name}!`"));
        }
        let tokens = node.tokens.to_string();
        if name == "write" || name == "writeln" {
            let first = tokens.split(',').next().unwrap_or_default().trim().trim_start_matches("& mut ").trim();
            if !self.locals.contains_key(first) {
                self.effect(|| format!("it writes to `{first}`"));
            }
        }
        // What a macro does with calls in its arguments is what they do outside of it.
        let parser = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
        if let Ok(arguments) = syn::parse::Parser::parse2(parser, node.tokens.clone()) {
            let arguments: Vec<syn::Expr> = arguments.into_iter().collect();
            let mut inner = Look { locals: self.locals.clone(), owner: self.owner, seen: Seen::default() };
            for argument in &arguments {
                inner.visit_expr(argument);
            }
            if let Some(what) = inner.seen.effect {
                self.effect(|| what);
            }
            self.seen.methods.extend(inner.seen.methods);
            self.seen.paths.extend(inner.seen.paths);
        }
    }

    fn visit_expr_unsafe(&mut self, _: &'ast syn::ExprUnsafe) {
        self.effect(|| String::from("it holds unsafe code"));
    }

    fn visit_expr_await(&mut self, _: &'ast syn::ExprAwait) {
        self.effect(|| String::from("it awaits"));
    }
}

/// The variable at the root of a place: `a` of `a.b[1].c`.
fn root(expr: &syn::Expr) -> Option<String> {
    match expr {
        syn::Expr::Path(p) => p.path.get_ident().map(|i| i.to_string()),
        syn::Expr::Field(f) => root(&f.base),
        syn::Expr::Index(i) => root(&i.expr),
        syn::Expr::Paren(p) => root(&p.expr),
        syn::Expr::Reference(r) => root(&r.expr),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "
        fn total(v: &[u8]) -> usize { let mut s = String::new(); s.write_str(\"a\"); v.iter().map(|x| weigh(x)).sum() }
        fn weigh(x: &u8) -> usize { format!(\"{}\", x).len() }
        struct Log; impl Log { fn add(&self, t: &str) { self.file.lock().push(t) } fn new() -> Log { File::create(\"x\") } }
        struct Plain; impl Plain { fn new() -> Plain { Plain } }
        fn via(l: &Log) -> u8 { l.add(\"x\"); 1 }
        fn far(l: &Log) -> u8 { via(l) }
    ";

    #[track_caller]
    fn check(function: &str, expected: bool) {
        assert_eq!(Effects::of([CODE]).in_function(function), expected, "{function}");
    }

    #[test]
    fn computing_is_no_effect() {
        check("fn f(v: &[u8]) -> usize { total(v) + Plain::new().n }", false);
        check("fn f(v: &[u8]) -> String { let mut out = String::new(); write!(out, \"{v:?}\").unwrap(); out }", false);
        check("fn f(v: &[u8]) -> usize { let mut seen = Vec::new(); for x in v { seen.push(x); } seen.len() }", false);
    }

    #[test]
    fn effects_are_found_through_calls() {
        check("fn f(l: &Log) -> u8 { far(l) }", true);
        check("fn f() -> Log { Log::new() }", true);
        check("fn f(l: &Log) { l.add(\"y\") }", true);
    }

    #[test]
    fn an_effect_is_named_and_copies_of_plain_arguments_may_be_written() {
        let cause = |text: &str| Effects::of([CODE]).cause(text);
        assert_eq!(cause("fn f(l: &Log) -> u8 { far(l) }").as_deref(), Some("it calls `far`"));
        assert_eq!(cause("fn f(&self) { self.out.flush(); }").as_deref(), Some("it calls `flush`"));
        assert_eq!(cause("fn f(out: &mut String, n: u8) { write!(out, \"{n}\").unwrap(); }"), None);
        assert_eq!(
            cause("fn f(out: &mut W, n: u8) { write!(out, \"{n}\").unwrap(); }").as_deref(),
            Some("it writes to `out`")
        );
    }

    #[test]
    fn a_method_of_another_number_of_arguments_is_another_method() {
        let code =
            "impl R { fn collect(&mut self, n: u8) { self.file.flush() } fn take(&mut self) { self.file.flush() } }";
        let cause = |text: &str| Effects::of([code]).cause(text);
        assert_eq!(cause("fn f(v: &[u8]) -> Vec<u8> { v.iter().take(2).copied().collect() }"), None);
        assert_eq!(cause("fn f(r: &mut R) { r.collect(1) }").as_deref(), Some("it calls `collect`"));
        assert_eq!(cause("fn f(r: &mut R) { r.take() }").as_deref(), Some("it calls `take`"));
    }

    #[test]
    fn look_alikes_of_computing_are_effects() {
        check("fn f(&self) { write!(self.out, \"x\") }", true);
        check("fn f(&self) { println!(\"x\") }", true);
        check("fn f(&self) { self.hits.fetch_add(1, Relaxed); }", true);
        check("fn f(&self) -> u8 { unsafe { *self.p } }", true);
        check("fn f(v: &[u8]) -> String { format!(\"{}\", std::fs::read_to_string(\"x\").unwrap()) }", true);
        check("async fn f() {}", true);
        check("not a function", true);
    }
}
