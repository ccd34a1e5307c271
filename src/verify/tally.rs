//! The body of a function in; what is put around its locks, pauses and tries, so that they are counted, out.

use super::change::Wrap;
use crate::model::TextRange;
use crate::source::names::peel;
use crate::source::visit::{self, Visit};
use crate::source::{FileRole, SourceFile};

/// Methods without an argument that take a lock, and whether nobody else may hold it then.
const LOCKS: &[(&str, bool)] = &[
    ("lock", true),
    ("write", true),
    ("blocking_lock", true),
    ("blocking_write", true),
    ("read", false),
    ("blocking_read", false),
];

/// Calls by which a round of a loop waits, or asks whether there is something yet.
const WAITS: &[&str] = &[
    "sleep",
    "sleep_ms",
    "yield_now",
    "spin_loop",
    "park",
    "park_timeout",
    "recv",
    "recv_timeout",
    "blocking_recv",
    "try_recv",
    "try_lock",
    "try_read",
    "try_write",
    "try_acquire",
    "try_wait",
    "wait",
    "wait_timeout",
    "is_finished",
    "notified",
];

const HEAD: &str = "fn f() ";

/// What goes where in the text of a body, with its braces. Nothing where the body declares items of its own, which must not
/// stand twice, or where a macro hides some of it, so that old and new would not be counted alike.
pub fn wraps(body: &str, module: &str) -> Vec<Wrap> {
    let Ok(file) = SourceFile::parse("body.rs", &format!("{HEAD}{body}"), &FileRole::default()) else {
        return Vec::new();
    };
    let Some(syn::Item::Fn(function)) = file.ast.items.first() else { return Vec::new() };
    let mut gather = Gather { file: &file, module, is_hidden: false, found: Vec::new() };
    gather.visit_block(&function.block);
    if gather.is_hidden { Vec::new() } else { gather.found }
}

struct Gather<'a> {
    file: &'a SourceFile,
    module: &'a str,
    is_hidden: bool,
    found: Vec<Wrap>,
}

impl Gather<'_> {
    fn wrap(&mut self, TextRange { start, end }: TextRange, open: String, close: &'static str) {
        let head = HEAD.len() as u32;
        self.found.push(Wrap { range: TextRange { start: start - head, end: end - head }, open, close });
    }

    /// Around what gives the guard back: for a task the whole `lock().await`.
    fn lock(&mut self, call: &syn::ExprMethodCall, whole: TextRange) {
        let found = LOCKS.iter().find(|(name, _)| call.method == name && call.args.is_empty());
        let Some((_, is_exclusive)) = found else { return };
        let module = self.module;
        // What the receiver takes to be found is no waiting for the lock.
        let asked = if is_place(&call.receiver) { format!("{module}::clock()") } else { String::from("0") };
        self.wrap(whole, format!("{module}::taking({asked}, {is_exclusive}, "), ").taken()");
    }

    /// A loop whose rounds wait, or try again what failed.
    fn round(&mut self, header: Option<&syn::Expr>, body: &syn::Block) {
        let mut waits = Waits(false);
        header.into_iter().for_each(|h| waits.visit_expr(h));
        waits.visit_block(body);
        if waits.0 {
            let inside = TextRange::at(self.file.range(body).start as usize + 1);
            self.wrap(inside, format!(" {}::attempt();", self.module), "");
        }
    }
}

impl<'ast> Visit<'ast> for Gather<'_> {
    fn visit_expr_await(&mut self, node: &'ast syn::ExprAwait) {
        match peel(&node.base) {
            syn::Expr::MethodCall(call) => {
                self.lock(call, self.file.range(node));
                visit::visit_expr_method_call(self, call);
            }
            _ => visit::visit_expr_await(self, node),
        }
    }

    fn visit_expr_method_call(&mut self, node: &'ast syn::ExprMethodCall) {
        self.lock(node, self.file.range(node));
        visit::visit_expr_method_call(self, node);
    }

    fn visit_expr_call(&mut self, node: &'ast syn::ExprCall) {
        if is_named(&node.func, &["sleep"])
            && let (Some(pause), 1) = (node.args.first(), node.args.len())
        {
            self.wrap(self.file.range(pause), format!("{}::paused(", self.module), ")");
        }
        visit::visit_expr_call(self, node);
    }

    fn visit_expr_loop(&mut self, node: &'ast syn::ExprLoop) {
        self.round(None, &node.body);
        visit::visit_expr_loop(self, node);
    }

    fn visit_expr_while(&mut self, node: &'ast syn::ExprWhile) {
        self.round(Some(&node.cond), &node.body);
        visit::visit_expr_while(self, node);
    }

    fn visit_expr_for_loop(&mut self, node: &'ast syn::ExprForLoop) {
        self.round(None, &node.body);
        visit::visit_expr_for_loop(self, node);
    }

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        let text = self.file.slice(self.file.range(node));
        let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        self.is_hidden |= words.any(|w| w == "sleep" || LOCKS.iter().any(|(name, _)| w == *name && w != "read"));
        self.is_hidden |= text.contains(".read()");
    }

    fn visit_item(&mut self, _: &'ast syn::Item) {
        self.is_hidden = true;
    }
}

/// Whether a round waits, or meets a failure and goes on; what closures and loops inside of it do is theirs.
struct Waits(bool);

impl<'ast> Visit<'ast> for Waits {
    fn visit_expr_method_call(&mut self, node: &'ast syn::ExprMethodCall) {
        self.0 |= WAITS.iter().any(|name| node.method == name);
        visit::visit_expr_method_call(self, node);
    }

    fn visit_expr_call(&mut self, node: &'ast syn::ExprCall) {
        self.0 |= is_named(&node.func, WAITS);
        visit::visit_expr_call(self, node);
    }

    fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}
    fn visit_expr_loop(&mut self, _: &'ast syn::ExprLoop) {}
    fn visit_expr_while(&mut self, _: &'ast syn::ExprWhile) {}
    fn visit_expr_for_loop(&mut self, _: &'ast syn::ExprForLoop) {}
    fn visit_item(&mut self, _: &'ast syn::Item) {}
}

fn is_named(function: &syn::Expr, names: &[&str]) -> bool {
    let syn::Expr::Path(path) = function else { return false };
    path.path.segments.last().is_some_and(|s| names.iter().any(|name| s.ident == name))
}

/// True for what is there without a call: `self.ledger`, `books[i]`, `*self.ledger`.
fn is_place(expr: &syn::Expr) -> bool {
    match peel(expr) {
        syn::Expr::Path(_) => true,
        syn::Expr::Field(f) => is_place(&f.base),
        syn::Expr::Index(i) => is_place(&i.expr) && (is_place(&i.index) || matches!(*i.index, syn::Expr::Lit(_))),
        syn::Expr::Unary(u) => matches!(u.op, syn::UnOp::Deref(_)) && is_place(&u.expr),
        syn::Expr::Reference(r) => is_place(&r.expr),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::change::wrapped;

    #[track_caller]
    fn check(body: &str, expected: &str) {
        let text = wrapped(body, wraps(body, "m"));
        assert!(syn::parse_str::<syn::Block>(&text).is_ok(), "{text}");
        assert_eq!(text, expected);
    }

    #[test]
    fn locks_are_taken_through_the_counters() {
        check(
            "{ let g = self.a.lock().unwrap(); b.read().len() }",
            "{ let g = m::taking(m::clock(), true, self.a.lock()).taken().unwrap(); m::taking(m::clock(), false, b.read()).taken().len() }",
        );
        check("{ self.shard(k).write() }", "{ m::taking(0, true, self.shard(k).write()).taken() }");
        check("{ a.lock().await.push(1) }", "{ m::taking(m::clock(), true, a.lock().await).taken().push(1) }");
        check(
            "{ a.lock().unwrap().b.lock().unwrap().n }",
            "{ m::taking(0, true, m::taking(m::clock(), true, a.lock()).taken().unwrap().b.lock()).taken().unwrap().n }",
        );
    }

    #[test]
    fn what_only_is_called_alike_is_left_alone() {
        check(
            "{ file.read(&mut bytes)?; file.write(b\"x\")?; t.sleep(); v.recv() }",
            "{ file.read(&mut bytes)?; file.write(b\"x\")?; t.sleep(); v.recv() }",
        );
    }

    #[test]
    fn rounds_that_wait_and_pauses_are_counted() {
        check(
            "{ while !r.load(A) { thread::sleep(PAUSE); } }",
            "{ while !r.load(A) { m::attempt(); thread::sleep(m::paused(PAUSE)); } }",
        );
        check(
            "{ loop { match rx.try_recv() { Ok(v) => return v, Err(_) => {} } } }",
            "{ loop { m::attempt(); match rx.try_recv() { Ok(v) => return v, Err(_) => {} } } }",
        );
        check("{ while let Ok(v) = rx.recv() { f(v); } }", "{ while let Ok(v) = rx.recv() { m::attempt(); f(v); } }");
        check(
            "{ for n in 0..3 { for m in &v { sleep(m); } } }",
            "{ for n in 0..3 { for m in &v { m::attempt(); sleep(m::paused(m)); } } }",
        );
        check("{ for n in 0..3 { g(n); } }", "{ for n in 0..3 { g(n); } }");
    }

    #[test]
    fn where_some_would_be_counted_and_some_not_none_are() {
        check("{ f(a.lock()); println!(\"{}\", b.lock()) }", "{ f(a.lock()); println!(\"{}\", b.lock()) }");
        check("{ static A: u8 = 1; a.lock() }", "{ static A: u8 = 1; a.lock() }");
        check(
            "{ println!(\"{}\", 1); a.lock() }",
            "{ println!(\"{}\", 1); m::taking(m::clock(), true, a.lock()).taken() }",
        );
    }
}
