//! Questions that code asks in; whether the same question gets the same answer once more, by what the file shows, out.
//!
//! The scan errs towards "no": what is not known to compute from its arguments alone is taken to do more.

pub use super::free_names::roots;
use super::visit::{self, Visit};

use super::functions::{Function, derives, functions, items};
use super::names::{bound_by, peel, root};
use super::usage::{self, How};
use super::{SourceFile, shapes, takes_self_mutably, types};
use crate::model::TextRange;

/// Methods of std and the usual crates that compute from their receiver and arguments alone, beside those that read.
const COMPUTES: &[&str] = &[
    "abs",
    "abs_diff",
    "and_then",
    "atan2",
    "as_millis",
    "as_mut",
    "as_secs",
    "checked_add",
    "checked_div",
    "checked_mul",
    "checked_sub",
    "chain",
    "cbrt",
    "ceil",
    "clamp",
    "collect",
    "cos",
    "count",
    "enumerate",
    "div_ceil",
    "err",
    "escape_debug",
    "escape_default",
    "exp",
    "exp2",
    "filter",
    "filter_map",
    "find_map",
    "flat_map",
    "flatten",
    "floor",
    "fold",
    "hypot",
    "into",
    "into_iter",
    "is_alphabetic",
    "is_alphanumeric",
    "is_ascii",
    "is_ascii_alphabetic",
    "is_ascii_alphanumeric",
    "is_ascii_control",
    "is_ascii_digit",
    "is_ascii_graphic",
    "is_ascii_lowercase",
    "is_ascii_punctuation",
    "is_ascii_uppercase",
    "is_ascii_whitespace",
    "is_control",
    "is_finite",
    "is_infinite",
    "is_lowercase",
    "is_match",
    "is_nan",
    "is_negative",
    "is_none_or",
    "is_numeric",
    "is_ok_and",
    "is_positive",
    "is_sign_negative",
    "is_some_and",
    "is_subset",
    "is_uppercase",
    "is_whitespace",
    "ln",
    "log10",
    "log2",
    "map",
    "map_err",
    "map_or",
    "map_or_else",
    "map_while",
    "max",
    "max_by",
    "max_by_key",
    "min",
    "min_by",
    "min_by_key",
    "next",
    "nth",
    "ok",
    "ok_or",
    "ok_or_else",
    "or_else",
    "partition",
    "peekable",
    "pow",
    "powf",
    "powi",
    "product",
    "rem_euclid",
    "reverse",
    "rev",
    "round",
    "rposition",
    "rsplitn",
    "saturating_add",
    "saturating_mul",
    "saturating_sub",
    "sin",
    "skip",
    "skip_while",
    "split_ascii_whitespace",
    "split_terminator",
    "splitn",
    "sqrt",
    "sum",
    "take",
    "take_while",
    "tan",
    "then",
    "then_with",
    "to_digit",
    "total_cmp",
    "trim_matches",
    "try_from",
    "try_into",
    "unsigned_abs",
    "unwrap",
    "unwrap_or",
    "unwrap_or_default",
    "unwrap_or_else",
    "unzip",
    "wrapping_add",
    "wrapping_mul",
    "wrapping_sub",
    "zip",
];

/// True if a method of this name computes from its receiver and arguments alone, by the names of std.
pub fn computes(name: &str) -> bool {
    COMPUTES.contains(&name) || usage::is_pure_reading_method(name)
}

/// Macros that do nothing but compute from their arguments, or panic.
const MACROS: &[&str] = &[
    "anyhow",
    "assert",
    "assert_eq",
    "assert_ne",
    "bail",
    "ensure",
    "format",
    "matches",
    "panic",
    "unreachable",
    "vec",
];

/// Functions are followed from one another this deep.
const DEPTH: u32 = 4;

/// True if an expression computes from what it names and from nothing else, and changes nothing.
pub fn is_pure(file: &SourceFile, expr: &syn::Expr) -> bool {
    let all = functions(file);
    let mut look =
        Look { file, all: &all, locals: Vec::new(), depth: 0, is_pure: true, is_blind: false, asks_blind: false };
    look.visit_expr(expr);
    look.is_pure
}

/// True if statements compute from what they name, and change nothing but what they bind themselves.
pub fn are_pure<'s>(file: &SourceFile, stmts: impl IntoIterator<Item = &'s syn::Stmt>) -> bool {
    let all = functions(file);
    let mut look =
        Look { file, all: &all, locals: Vec::new(), depth: 0, is_pure: true, is_blind: false, asks_blind: false };
    stmts.into_iter().for_each(|stmt| look.visit_stmt(stmt));
    look.is_pure
}

struct Look<'a> {
    file: &'a SourceFile,
    all: &'a [Function<'a>],
    /// Names that the code looked at binds itself: it may change them.
    locals: Vec<String>,
    depth: u32,
    is_pure: bool,
    /// True if something of an unknown type is asked: it may give another answer though nobody is seen to change it.
    is_blind: bool,
    /// True if that is asked; else nothing more is looked at once the code is seen not to be pure.
    asks_blind: bool,
}

impl Look<'_> {
    fn is_local(&self, expr: &syn::Expr) -> bool {
        root(expr).is_some_and(|name| self.locals.iter().any(|local| name == local))
    }

    /// The one function of the file by that name computes from its arguments alone; `None` where the file has none.
    fn of_file(&mut self, name: &syn::Ident, is_method: bool) -> Option<bool> {
        let named: Vec<_> = self.all.iter().filter(|f| f.sig.ident == *name).collect();
        let [function] = named.as_slice() else { return (!named.is_empty()).then_some(false) };
        let takes_mutably = function.sig.inputs.iter().any(|arg| match arg {
            syn::FnArg::Receiver(r) => matches!(r.kind, syn::ReceiverKind::Reference(_, _, Some(_))),
            syn::FnArg::Typed(t) => matches!(&*t.ty, syn::Type::Reference(r) if r.mutability.is_some()),
        });
        let is_plain = function.sig.asyncness.is_none() && !matches!(function.sig.safety, syn::Safety::Unsafe(_));
        if self.depth >= DEPTH || takes_mutably || !is_plain || function.sig.receiver().is_some() != is_method {
            return Some(false);
        }
        let mut inner = Look { locals: Vec::new(), depth: self.depth + 1, is_pure: true, ..*self };
        inner.visit_block(function.block);
        self.is_blind |= inner.is_blind;
        Some(inner.is_pure)
    }

    fn method(&mut self, call: &syn::ExprMethodCall) {
        let name = call.method.to_string();
        let is_known = computes(&name);
        // What the code made itself it may change.
        let is_own = usage::is_changing_method(&name) && self.is_local(&call.receiver);
        let of_file = self.of_file(&call.method, true);
        // Types are asked for last: they are looked for in the whole function.
        let of_file = of_file.filter(|is_pure| *is_pure || !self.is_of_std(&call.receiver));
        let is_place = usage::place(&call.receiver).is_some() && !self.is_local(&call.receiver);
        // Another type may have a method of a usual name, too: that of the file is meant on `self`.
        let is_seen = of_file.is_some() && (!is_known || root(&call.receiver).is_some_and(|name| name == "self"));
        self.is_blind |= self.asks_blind && is_place && !is_seen && !self.is_of_std(&call.receiver);
        let is_known = is_known && is_as_in_std(call) && (self.is_local(&call.receiver) || !self.advances(call));
        self.is_pure &= of_file.unwrap_or(is_known || is_own);
    }

    /// True if the call takes something out of a place, or moves an iterator on that somebody holds: the next call gives
    /// something else.
    fn advances(&self, call: &syn::ExprMethodCall) -> bool {
        if usage::place(&call.receiver).is_none() {
            return false;
        }
        match (call.method.to_string().as_str(), call.args.len()) {
            ("next" | "next_back" | "take" | "reverse" | "as_mut" | "by_ref", 0) => true,
            ("nth" | "any" | "all" | "position" | "rposition" | "find_map" | "try_fold", _) => true,
            // A text has a method of that name, too.
            ("find", 1) => !matches!(peel(&call.args[0]), syn::Expr::Lit(_)) && !self.is_of_std(&call.receiver),
            _ => false,
        }
    }

    fn call(&mut self, call: &syn::ExprCall) {
        let syn::Expr::Path(path) = peel(&call.func) else {
            self.is_pure = false;
            return;
        };
        let Some(last) = path.path.segments.last() else { return };
        let is_constructor = last.ident.to_string().starts_with(char::is_uppercase);
        let is_conversion = ["from", "new", "with_capacity", "from_utf8", "from_str"].iter().any(|n| last.ident == n)
            && path.path.segments.len() > 1;
        let is_of_std = is_conversion && is_plain(path);
        let is_made = is_constructor && !self.ends_itself(&path.path);
        let is_default =
            last.ident == "default" && !self.ends_itself(&path.path) && is_derived_default(self.file, path);
        self.is_pure &= is_of_std || is_default || self.of_file(&last.ident, false).unwrap_or(is_made);
    }

    /// True for a type, or a variant of one, that the file gives a `Drop`: when such a value is made shows.
    fn ends_itself(&self, path: &syn::Path) -> bool {
        let is_it = |name: &String| path.segments.iter().rev().take(2).any(|s| s.ident == "Self" || s.ident == name);
        self.file.dropped.get_or_init(|| dropped(&self.file.text)).iter().any(is_it)
    }

    /// True if the receiver of a method is of a type of std, so that the file's method of that name is not meant.
    fn is_of_std(&self, receiver: &syn::Expr) -> bool {
        let Some(ty) = types::type_of(self.file, receiver) else { return false };
        let ty = types::strip(&ty);
        types::is_primitive(ty)
            || matches!(ty, syn::Type::Slice(_) | syn::Type::Array(_))
            || types::head(ty).is_some_and(|head| STD_TYPES.contains(&head.as_str()))
    }
}

/// The names that stand behind `Drop for`.
fn dropped(text: &str) -> Vec<String> {
    const IMPL: &str = "Drop for ";
    let name = |(at, _)| {
        let rest: &str = &text[at + IMPL.len()..];
        rest[..rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())].to_owned()
    };
    text.match_indices(IMPL).map(name).collect()
}

/// False for a call with more or fewer arguments than the method of std that only computes: the cell's `get()`, the
/// thread's `join()`, the parser's `parse(input)`.
fn is_as_in_std(call: &syn::ExprMethodCall) -> bool {
    const TAKES: &[(&str, usize)] =
        &[("get", 1), ("join", 1), ("next", 0), ("parse", 0), ("replace", 2), ("skip", 1), ("to_string", 0)];
    TAKES.iter().all(|(name, count)| call.method != name || call.args.len() == *count)
}

/// `Rules::default()` of a struct of the file that derives it from plain types of std.
fn is_derived_default(file: &SourceFile, path: &syn::ExprPath) -> bool {
    let Some(owner) = path.path.segments.iter().rev().nth(1) else { return false };
    let mut structs = items(&file.ast).into_iter().filter_map(|placed| match placed.item {
        syn::Item::Struct(item) if item.ident == owner.ident => Some(item),
        _ => None,
    });
    let is_std = |ty: &syn::Type| {
        types::is_primitive(ty) || types::head(ty).is_some_and(|head| STD_TYPES.contains(&head.as_str()))
    };
    is_plain(path)
        || structs.next().is_some_and(|item| {
            derives(&item.attrs).iter().any(|name| name == "Default") && item.fields.iter().all(|f| is_std(&f.ty))
        })
}

/// Types of std whose methods and defaults only compute.
const STD_TYPES: &[&str] =
    &["String", "str", "Vec", "VecDeque", "HashMap", "BTreeMap", "HashSet", "BTreeSet", "Option", "Result"];

/// `String::from`, `Vec::new`, `str::from_utf8`: what is made of plain types of std.
fn is_plain(path: &syn::ExprPath) -> bool {
    let owner = path.path.segments.iter().rev().nth(1);
    owner.is_some_and(|o| {
        let name = o.ident.to_string();
        ["String", "Vec", "HashSet", "BTreeSet", "HashMap", "BTreeMap", "str"].contains(&name.as_str())
            || name.starts_with(['u', 'i', 'f'])
                && (&name[1..] == "size" || name[1..].chars().all(|c| c.is_ascii_digit()))
    })
}

impl<'ast> Visit<'ast> for Look<'_> {
    fn visit_pat_ident(&mut self, node: &'ast syn::PatIdent) {
        // What is lent to be changed is not the code's own.
        match node.by_ref.is_some() && node.mutability.is_some() {
            true => self.is_pure = false,
            false => self.locals.push(node.ident.to_string()),
        }
        visit::visit_pat_ident(self, node);
    }

    fn visit_expr(&mut self, node: &'ast syn::Expr) {
        use syn::Expr;
        if !self.is_pure && !self.asks_blind {
            return;
        }
        match node {
            Expr::MethodCall(call) => self.method(call),
            Expr::Call(call) => self.call(call),
            Expr::Assign(a) => self.is_pure &= self.is_local(&a.left),
            Expr::Binary(b) if usage::is_assignment(&b.op) => self.is_pure &= self.is_local(&b.left),
            Expr::Reference(r) if r.mutability.is_some() => self.is_pure &= self.is_local(&r.expr),
            Expr::Lit(_) | Expr::Path(_) | Expr::Field(_) | Expr::Index(_) | Expr::Unary(_) | Expr::Binary(_) => {}
            Expr::Cast(_) | Expr::Reference(_) | Expr::Paren(_) | Expr::Group(_) | Expr::Tuple(_) => {}
            Expr::Struct(s) => self.is_pure &= !self.ends_itself(&s.path),
            Expr::Array(_) | Expr::Repeat(_) | Expr::Range(_) | Expr::If(_) | Expr::Match(_) => {}
            Expr::Let(_) | Expr::Block(_) | Expr::Return(_) | Expr::Try(_) | Expr::Closure(_) => {}
            Expr::ForLoop(_) | Expr::While(_) | Expr::Loop(_) | Expr::Break(_) | Expr::Continue(_) => {}
            Expr::Macro(_) => {}
            _ => self.is_pure = false,
        }
        visit::visit_expr(self, node);
    }

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        let list = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
        let is_known = node.path.segments.last().is_some_and(|s| MACROS.iter().any(|name| s.ident == name));
        let arguments = usage::macro_arguments(node).map(|(arguments, _)| arguments);
        let arguments = arguments.or_else(|| Some(node.parse_body_with(list).ok()?.into_iter().collect()));
        let mut inner = Look { locals: self.locals.clone(), is_pure: true, ..*self };
        // Text is written into what the code bound itself.
        let writes = node.path.is_ident("write") || node.path.is_ident("writeln");
        let is_known = is_known || (writes && arguments.iter().flatten().next().is_some_and(|to| self.is_local(to)));
        for argument in arguments.iter().flatten() {
            match argument {
                syn::Expr::Assign(named) => inner.visit_expr(&named.right),
                other => inner.visit_expr(other),
            }
        }
        self.is_blind |= inner.is_blind;
        self.is_pure &= is_known && arguments.is_some() && inner.is_pure;
    }

    fn visit_item(&mut self, _: &'ast syn::Item) {}
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}

/// True if no statement between changes what a value is computed from.
pub fn keeps_roots(file: &SourceFile, value: &syn::Expr, between: &[syn::Stmt]) -> bool {
    let block = syn::Block { brace_token: Default::default(), stmts: between.to_vec() };
    roots(value).iter().all(|root| {
        let is_kept = usage::uses(file, &block, root).iter().all(|u| match &u.how {
            How::Method(name) if root == "self" && u.is_bare => !takes_self_mutably(file, name),
            How::Method(name) => usage::is_reading_method(name),
            How::Iterated | How::Scrutinee | How::Value => true,
            _ => !u.is_change(),
        });
        is_kept && usage::bindings(file, &block, root).is_empty()
    })
}

/// Who may change what a name stands for, besides those who are seen to do so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Nobody: it is behind `&`, or a parameter that is not `mut`.
    Shared,
    /// Its methods: it is a value, so that handing it on would move or copy it.
    Value,
    /// Its methods, and whoever it is handed to: it may be a `&mut`.
    Lent,
    /// Whoever gets hold of it in any way: it is asked by a method that nothing is known of, as a parser is whether it is at
    /// its end, and such a thing may change behind `&`.
    Unknown,
}

/// Methods that change what is behind `&`, where it can be changed there at all: cells, atomics, queues of many threads.
const CHANGES_SHARED: &[&str] = &[
    "borrow_mut",
    "clear",
    "fetch_add",
    "fetch_sub",
    "get_or_init",
    "insert",
    "lock",
    "pop",
    "pop_back",
    "pop_front",
    "push",
    "push_back",
    "push_front",
    "remove",
    "send",
    "set",
    "store",
    "swap",
    "update",
    "write",
];

/// True if the statements leave what the name stands for as it is; what stands in `except` does not count.
pub fn is_unchanged(file: &SourceFile, stmts: &[syn::Stmt], name: &str, held: Held, except: TextRange) -> bool {
    let code = syn::Block { brace_token: Default::default(), stmts: stmts.to_vec() };
    let is_kept = |u: &usage::Use| match &u.how {
        How::Mutate | How::Opaque => false,
        How::Method(method) if held == Held::Unknown => usage::is_reading_method(method) && method != "parse",
        How::Read | How::Value | How::Iterated | How::Scrutinee if held == Held::Unknown => !u.is_bare,
        How::Method(method) if !usage::is_reading_method(method) => {
            held == Held::Shared && !CHANGES_SHARED.contains(&method.as_str())
                || (name == "self" && u.is_bare && is_method_of(file, method) && !takes_self_mutably(file, method))
        }
        How::Value | How::Iterated | How::Scrutinee => held != Held::Lent || !u.is_bare,
        _ => true,
    };
    let mut uses = usage::uses(file, &code, name).into_iter().filter(|u| !except.contains(u.name));
    usage::bindings(file, &code, name).is_empty() && uses.all(|u| is_kept(&u))
}

/// How the function around an expression holds what a name in it stands for.
pub fn held(file: &SourceFile, sig: &syn::Signature, within: &syn::Expr, name: &str) -> Held {
    if asks_unknown(file, within) {
        return Held::Unknown;
    }
    if is_shared(sig, name) {
        return Held::Shared;
    }
    let is_it = |e: &&syn::Expr| matches!(e, syn::Expr::Path(p) if p.path.is_ident(name));
    let of_name = shapes::exprs_in(within).into_iter().find(is_it);
    match of_name.and_then(|expr| types::type_of(file, expr)) {
        Some(syn::Type::Reference(r)) if r.mutability.is_some() => Held::Lent,
        Some(syn::Type::Reference(_)) => Held::Shared,
        Some(_) if name != "self" => Held::Value,
        _ => Held::Lent,
    }
}

/// True if an expression, or a function of the file that it calls, asks something of a type that is not known to be of std.
fn asks_unknown(file: &SourceFile, expr: &syn::Expr) -> bool {
    let all = functions(file);
    let mut look =
        Look { file, all: &all, locals: Vec::new(), depth: 0, is_pure: true, is_blind: false, asks_blind: true };
    look.visit_expr(expr);
    look.is_blind
}

fn is_method_of(file: &SourceFile, name: &str) -> bool {
    file.items.iter().any(|item| item.name == name && !item.self_type.is_empty())
}

/// True if the function holds the name by `&`, or as a parameter that is not `mut`: nobody changes it there.
fn is_shared(sig: &syn::Signature, name: &str) -> bool {
    sig.inputs.iter().any(|arg| match arg {
        syn::FnArg::Receiver(r) => name == "self" && matches!(r.kind, syn::ReceiverKind::Reference(_, _, None)),
        syn::FnArg::Typed(t) => match (&*t.pat, &*t.ty) {
            (syn::Pat::Ident(p), ty) if p.ident == name => {
                p.mutability.is_none() && !matches!(ty, syn::Type::Reference(r) if r.mutability.is_some())
            }
            (pat, _) => {
                bound_by(pat).iter().any(|bound| bound == name)
                    && !matches!(&*t.ty, syn::Type::Reference(r) if r.mutability.is_some())
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileRole, expr_at};

    #[track_caller]
    fn pure(rest: &str, expr: &str) -> bool {
        let text = format!("{rest} fn here() {{ let asked = {expr}; }}");
        let file = SourceFile::parse("a.rs", &text, &FileRole::default()).unwrap();
        let start = text.rfind(expr).unwrap();
        is_pure(&file, expr_at(&file, crate::model::TextRange::new(start, start + expr.len())).unwrap())
    }

    #[test]
    fn what_computes_from_its_arguments_is_pure() {
        for text in [
            "a.b > 1 && !c.is_empty()",
            "names.iter().any(|n| n.len() > max)",
            "matches!(x, Some(1)) || y[0] == z",
            "format!(\"{a}\", a = b.to_string()) == c",
        ] {
            assert!(pure("", text), "{text}");
        }
        for text in
            ["text.chars().next() == Some(b)", "text.find(\"a\").is_some()", "names.iter().find(|n| n.a) == None"]
        {
            assert!(pure("", text), "{text}");
        }
        assert!(pure("fn check(n: &str) -> bool { let mut it = n.chars(); it.next() == it.next() }", "check(&a)"));
        let check = "fn check(n: &str) -> Result<(), E> { let mut k = 0; for c in n.chars() { k += 1; } if k > 9 { return Err(E::Long(k)); } Ok(()) }";
        assert!(pure(check, "check(&a)"));
        assert!(pure(
            "impl V { fn fits(&self, n: &str) -> bool { n.len() < self.max && self.asks(n) } fn asks(&self, n: &str) -> bool { n == \"a\" } }",
            "v.fits(n)"
        ));
    }

    #[test]
    fn what_does_more_or_is_not_seen_is_not() {
        for text in [
            "check(&a)",
            "a.next_id()",
            "{ n += 1; n } > 1",
            "a.lock().len()",
            "path.exists()",
            "show!(a)",
            "f(&mut a)",
            "unsafe { g() }",
        ] {
            assert!(!pure("", text), "{text}");
        }
        let guard = "struct G(u8); impl G { fn new(n: u8) -> Self { Self(n) } } impl Drop for G { fn drop(&mut self) { say() } }";
        assert!(!pure(guard, "G(1)"));
        assert!(!pure(guard, "G::new(1)"));
        assert!(pure(&guard.replace("impl Drop for G", "impl Drop for H"), "G(1)"));
        assert!(!pure("static N: AtomicU8 = x(); fn check(n: u8) -> bool { N.fetch_add(1, R); n > 1 }", "check(a)"));
        assert!(!pure("fn check(n: &mut u8) -> bool { *n > 1 }", "check(a)"));
        assert!(!pure("fn check(n: u8) -> bool { log::warn!(\"{n}\"); n > 1 }", "check(a)"));
        assert!(!pure("async fn check(n: u8) -> bool { n > 1 }", "check(a)"));
        assert!(!pure("fn check(n: u8) -> bool { Instant::now() > n }", "check(a)"));
        for text in [
            "it.next() == Some(b)",
            "self.chars.any(|c| c == 'a')",
            "it.find(|c| c.is_numeric()) == None",
            "slot.take().is_some()",
            "slot.as_mut().map(|v| v.push(1)).is_some()",
            "match slot { Some(ref mut v) => v.pop(), None => None }",
            "cell.get() > 1",
            "thread.join().is_ok()",
            "parser.parse(input).is_ok()",
            "cell.replace(1) == 2",
        ] {
            assert!(!pure("", text), "{text}");
        }
        assert!(!pure("impl A { fn get(&self) -> u8 { self.n.set(1); 1 } }", "a.get() > 1"));
    }
}
