//! Expressions in; whether they take a lock, and whether they do work that nobody should wait for behind one, out.

use super::functions::{Function, functions};
use super::names::{peel, root};
use super::visit::code::{self as visit, Visit};
use super::{SourceFile, shapes};

/// What takes a lock: the place of the lock, and how.
pub struct Acquired<'a> {
    /// `self.ledger` of `self.ledger.lock().unwrap()`.
    pub lock: &'a syn::Expr,
    /// The call of `lock`, `read` or `write`.
    pub call: &'a syn::ExprMethodCall,
}

/// Reads `place.lock()`, `place.read()`, `place.write()`, with `.unwrap()`, `.expect("…")`, `?` or `.await` behind.
pub fn acquired(expr: &syn::Expr) -> Option<Acquired<'_>> {
    match peel(expr) {
        syn::Expr::Try(t) => acquired(&t.expr),
        syn::Expr::Await(a) => acquired(&a.base),
        syn::Expr::MethodCall(call) => {
            let name = call.method.to_string();
            match (name.as_str(), call.args.len()) {
                ("unwrap", 0) | ("expect", 1) => acquired(&call.receiver),
                ("unwrap_or_else", 1) => acquired(&call.receiver),
                // A reader reads itself, and is told what to read.
                ("lock" | "read" | "write", 0) if call.turbofish.is_none() && !is_self(&call.receiver) => {
                    root(&call.receiver).map(|_| Acquired { lock: &call.receiver, call })
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn is_self(expr: &syn::Expr) -> bool {
    matches!(expr, syn::Expr::Path(p) if p.path.is_ident("self"))
}

/// How often a file calls `lock()`, `read()` or `write()`: told from the tokens, before anybody walks the tree.
pub fn calls(file: &SourceFile) -> usize {
    let words: Vec<&str> = file.tokens.iter().filter(|t| !t.is_comment()).map(|t| t.text(&file.text)).collect();
    let is_call = |w: &&[&str]| w[0] == "." && ["lock", "read", "write"].contains(&w[1]) && w[2] == "(" && w[3] == ")";
    words.windows(4).filter(is_call).count()
}

/// Work that takes long, or may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slow {
    /// Files, sockets, standard output.
    Io,
    /// Sleeping, joining, receiving.
    Wait,
    /// `.await`.
    Await,
    /// To text or bytes and back.
    Marshal,
    /// A text for each of many items.
    Format,
    /// Lists are walked, built or sorted.
    Compute,
}

impl Slow {
    /// What happens meanwhile, for a sentence that begins with "while".
    pub fn words(self) -> &'static str {
        match self {
            Slow::Io => "input or output goes on",
            Slow::Wait => "the thread waits for something else",
            Slow::Await => "the task is suspended",
            Slow::Marshal => "data is turned into text or back",
            Slow::Format => "a text is made for each of many items",
            Slow::Compute => "lists are walked, built or sorted",
        }
    }
}

const IO_METHODS: &[&str] =
    &["write_all", "flush", "sync_all", "sync_data", "read_line", "read_to_string", "read_to_end", "read_exact"];
const WAIT_METHODS: &[&str] = &["recv", "recv_timeout", "blocking_recv", "block_on"];
const IO_TYPES: &[&str] = &["fs", "File", "TcpStream", "UdpSocket", "UnixStream", "Command"];
const PRINTS: &[&str] = &["print", "println", "eprint", "eprintln"];

/// The functions of a file that are not `async` and do slow work themselves: who calls one waits.
pub fn slow_functions(file: &SourceFile) -> Vec<String> {
    let is_slow = |f: &Function<'_>| f.sig.asyncness.is_none() && f.block.stmts.iter().any(|s| slow_work(s).is_some());
    functions(file).iter().filter(|f| is_slow(f)).map(|f| f.sig.ident.to_string()).collect()
}

/// As [`slow_work`], with calls of functions that are known to be slow.
pub fn slow_work_with(stmt: &syn::Stmt, slow_functions: &[String]) -> Option<Slow> {
    let calls_slow = |tokens: &syn::Stmt| {
        let block = syn::Block { brace_token: syn::token::Brace::default(), stmts: vec![tokens.clone()] };
        shapes::exprs(&block).iter().any(|e| match e {
            syn::Expr::MethodCall(call) => slow_functions.iter().any(|f| call.method == f),
            syn::Expr::Call(call) => match &*call.func {
                syn::Expr::Path(p) => {
                    p.path.segments.last().is_some_and(|s| slow_functions.iter().any(|f| s.ident == f))
                }
                _ => false,
            },
            _ => false,
        })
    };
    slow_work(stmt).or_else(|| (!slow_functions.is_empty() && calls_slow(stmt)).then_some(Slow::Io))
}

/// The first slow thing that a statement does when it runs, not what closures in it may do later.
pub fn slow_work(stmt: &syn::Stmt) -> Option<Slow> {
    struct Find(Option<Slow>);
    impl<'a> Visit<'a> for Find {
        fn visit_expr(&mut self, node: &'a syn::Expr) {
            if self.0.is_none() {
                self.0 = slow_call(node).or_else(|| formats_each(node));
            }
            if !matches!(node, syn::Expr::Closure(_) | syn::Expr::Async(_)) {
                visit::visit_expr(self, node);
            }
        }

        fn visit_macro(&mut self, node: &'a syn::Macro) {
            let is_print = node.path.segments.last().is_some_and(|s| PRINTS.iter().any(|p| s.ident == p));
            if is_print {
                self.0.get_or_insert(Slow::Io);
            }
        }

        fn visit_item(&mut self, _: &'a syn::Item) {}
    }
    let mut find = Find(None);
    Visit::visit_stmt(&mut find, stmt);
    find.0
}

/// The slow thing that an expression does itself, not by its parts.
pub fn slow_call(expr: &syn::Expr) -> Option<Slow> {
    match expr {
        syn::Expr::Await(_) => Some(Slow::Await),
        syn::Expr::MethodCall(call) => {
            let name = call.method.to_string();
            if IO_METHODS.contains(&name.as_str()) {
                Some(Slow::Io)
            } else if WAIT_METHODS.contains(&name.as_str()) {
                Some(Slow::Wait)
            } else {
                None
            }
        }
        syn::Expr::Call(_) if is_sleep(expr) => Some(Slow::Wait),
        syn::Expr::Call(call) => {
            let syn::Expr::Path(callee) = &*call.func else { return None };
            let segments: Vec<String> = callee.path.segments.iter().map(|s| s.ident.to_string()).collect();
            let [.., owner, _] = segments.as_slice() else { return None };
            if IO_TYPES.contains(&owner.as_str()) {
                Some(Slow::Io)
            } else {
                (owner == "serde_json").then_some(Slow::Marshal)
            }
        }
        _ => None,
    }
}

/// A loop, or an iterator's closure, that formats in each round.
fn formats_each(expr: &syn::Expr) -> Option<Slow> {
    let formats = |node: &syn::Expr| shapes::exprs_in(node).iter().any(|e| shapes::macro_call(e, "format").is_some());
    let builds = |e: &&syn::Expr| match e {
        syn::Expr::MethodCall(call) => call.method == "push_str",
        other => ["format", "write", "writeln"].iter().any(|name| shapes::macro_call(other, name).is_some()),
    };
    let formats_in = |block: &syn::Block| shapes::exprs(block).iter().any(builds);
    let is_each = match expr {
        syn::Expr::ForLoop(l) => formats_in(&l.body),
        syn::Expr::While(l) => formats_in(&l.body),
        syn::Expr::MethodCall(call) if ["map", "for_each", "flat_map", "fold"].iter().any(|m| call.method == m) => {
            let is_iterator = matches!(&*call.receiver, syn::Expr::MethodCall(_));
            is_iterator && call.args.iter().any(|a| matches!(a, syn::Expr::Closure(c) if formats(&c.body)))
        }
        _ => false,
    };
    is_each.then_some(Slow::Format)
}

/// `thread::sleep(…)`, with `std::` or without.
pub fn is_sleep(expr: &syn::Expr) -> bool {
    shapes::call(expr, &["thread", "sleep"]).is_some_and(|call| call.args.len() == 1)
}
