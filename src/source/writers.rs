//! A file in; the structs that write to files, where they flush, and where they open a file anew, out.

use super::visit::code::{self as visit, Visit};
use quote::ToTokens;

use super::functions::{Function, functions, head, items, type_arguments};
use super::names::{Use, arguments, imports, mentions, mentions_any, peel, plain_name, uses};
use super::{SourceFile, shapes};

/// A field that holds a file to write to.
pub struct Sink<'a> {
    /// The struct.
    pub item: &'a syn::ItemStruct,
    /// The field.
    pub field: &'a syn::Field,
    /// Its name.
    pub name: String,
    /// What stands around the writer, outermost first: `Arc`, `Mutex`.
    pub wrappers: Vec<String>,
    /// The `File` inside, where nothing buffers it.
    pub bare: Option<&'a syn::Type>,
}

/// A statement that flushes or syncs.
#[derive(Clone, Copy)]
pub struct Flush<'a> {
    /// The statement.
    pub stmt: &'a syn::Stmt,
    /// What is flushed: `self.out`, `file`.
    pub place: &'a syn::Expr,
    /// True for `sync_data` and `sync_all`.
    pub syncs: bool,
    /// True where its result is the value of the block.
    pub is_value: bool,
}

/// A call that flushes what it has just written.
pub struct FlushedCall<'a> {
    /// The method.
    pub function: Function<'a>,
    /// The statement.
    pub flush: Flush<'a>,
}

/// Methods that write to a writer or flush it, and nothing else.
pub const WRITES: &[&str] = &["write", "write_all", "write_fmt", "write_vectored", "by_ref"];

/// Names of methods that are there to flush, or that people call to make things durable.
const FLUSHES: &[&str] =
    &["flush", "close", "finish", "shutdown", "sync", "commit", "checkpoint", "rotate", "drop", "stop", "seal", "end"];

/// The fields of a file's structs that hold a `File` or a `BufWriter<File>`, also behind `Mutex` and `Arc`.
pub fn sinks(file: &SourceFile) -> Vec<Sink<'_>> {
    let is_std = imports(file, "File").iter().all(|full| full == "std::fs::File");
    let mut found = Vec::new();
    for placed in items(&file.ast).iter().filter(|p| !p.is_test && is_std) {
        let syn::Item::Struct(item) = placed.item else { continue };
        let syn::Fields::Named(fields) = &item.fields else { continue };
        for field in &fields.named {
            let Some(name) = field.ident.as_ref().map(ToString::to_string) else { continue };
            if let Some((wrappers, bare)) = writer(&field.ty) {
                found.push(Sink { item, field, name, wrappers, bare });
            }
        }
    }
    found
}

fn writer(ty: &syn::Type) -> Option<(Vec<String>, Option<&syn::Type>)> {
    let name = head(ty);
    match name.as_str() {
        "File" if !mentions(ty, "tokio") && !mentions(ty, "async_std") => Some((Vec::new(), Some(ty))),
        "BufWriter" if type_arguments(ty).first().is_some_and(|inner| head(inner) == "File") => {
            (!mentions(ty, "tokio")).then_some((Vec::new(), None))
        }
        "Mutex" | "Arc" => {
            let (mut wrappers, bare) = writer(type_arguments(ty).first()?)?;
            wrappers.insert(0, name);
            (!mentions(ty, "tokio")).then_some((wrappers, bare))
        }
        _ => None,
    }
}

/// The methods of the sink's struct that write to it and flush it, each time they are called.
pub fn flushed_calls<'a>(file: &'a SourceFile, sink: &Sink<'_>) -> Vec<FlushedCall<'a>> {
    let own = sink.item.ident.to_string();
    let mut found = Vec::new();
    for function in functions(file) {
        let is_method = function.self_ty.is_some_and(|ty| head(ty) == own) && !function.in_trait;
        let name = function.sig.ident.to_string();
        let is_explicit = FLUSHES.iter().any(|word| name.split('_').any(|part| part == *word));
        if function.is_test || !is_method || is_explicit {
            continue;
        }
        for block in unconditional(function.block) {
            for (index, stmt) in block.stmts.iter().enumerate() {
                let Some(flush) = flush_of(stmt, index + 1 == block.stmts.len()) else { continue };
                let reaches = field_of(&function, flush.place).as_deref() == Some(sink.name.as_str());
                if reaches && block.stmts[..index].iter().any(|stmt| writes_to(stmt, flush.place)) {
                    found.push(FlushedCall { function, flush });
                }
            }
        }
    }
    found
}

/// The block and the plain blocks in it: what every call passes through.
fn unconditional(block: &syn::Block) -> Vec<&syn::Block> {
    let mut all = vec![block];
    for stmt in &block.stmts {
        if let syn::Stmt::Expr(syn::Expr::Block(inner), _) = stmt {
            all.extend(unconditional(&inner.block));
        }
    }
    all
}

/// A flush, whatever is done with its result.
pub fn flush_of(stmt: &syn::Stmt, is_last: bool) -> Option<Flush<'_>> {
    let (expr, is_value) = match stmt {
        syn::Stmt::Expr(expr, semi) => (expr, semi.is_none() && is_last),
        syn::Stmt::Local(local) if matches!(local.pat, syn::Pat::Wild(_)) => (&*local.init.as_ref()?.expr, false),
        _ => return None,
    };
    let is_value = is_value && !matches!(expr, syn::Expr::Try(_));
    let call = unhandled(expr)?;
    let method = call.method.to_string();
    if !call.args.is_empty() || !matches!(method.as_str(), "flush" | "sync_data" | "sync_all") {
        return None;
    }
    let place = match peel(&call.receiver) {
        syn::Expr::MethodCall(inner) if inner.method == "get_ref" || inner.method == "get_mut" => &*inner.receiver,
        _ => &*call.receiver,
    };
    let is_place = plain_name(place).is_some() || matches!(peel(place), syn::Expr::Field(_));
    is_place.then_some(Flush { stmt, place, syncs: method != "flush", is_value })
}

/// The call under `?`, `.map_err(…)`, `.unwrap()` and the like.
fn unhandled(expr: &syn::Expr) -> Option<&syn::ExprMethodCall> {
    match peel(expr) {
        syn::Expr::Try(inner) => unhandled(&inner.expr),
        syn::Expr::MethodCall(call) => match call.method.to_string().as_str() {
            "map_err" | "unwrap" | "expect" | "ok" | "unwrap_or_default" | "context" | "with_context" => {
                unhandled(&call.receiver)
            }
            _ => Some(call),
        },
        _ => None,
    }
}

/// The field of `self` that a place stands for: `out` of `self.out`, and of a guard or borrow of it.
pub fn field_of(function: &Function<'_>, place: &syn::Expr) -> Option<String> {
    match peel(place) {
        syn::Expr::Field(field) if plain_name(&field.base).is_some_and(|base| base == "self") => match &field.member {
            syn::Member::Named(name) => Some(name.to_string()),
            syn::Member::Unnamed(_) => None,
        },
        other => {
            let name = plain_name(other)?.to_string();
            let init = let_of(function.block, &name)?;
            guarded(init)
        }
    }
}

/// The field behind `self.out.lock().unwrap()` or `&mut self.out`.
fn guarded(init: &syn::Expr) -> Option<String> {
    match peel(init) {
        syn::Expr::Reference(reference) => guarded(&reference.expr),
        syn::Expr::Try(inner) => guarded(&inner.expr),
        syn::Expr::MethodCall(call) => match call.method.to_string().as_str() {
            "lock" | "unwrap" | "expect" | "unwrap_or_else" | "map_err" | "as_mut" | "borrow_mut" => {
                guarded(&call.receiver)
            }
            _ => None,
        },
        syn::Expr::Field(field) if plain_name(&field.base).is_some_and(|base| base == "self") => match &field.member {
            syn::Member::Named(name) => Some(name.to_string()),
            syn::Member::Unnamed(_) => None,
        },
        _ => None,
    }
}

/// The only `let` of that name in a block, by its initialiser.
pub fn let_of<'a>(block: &'a syn::Block, name: &str) -> Option<&'a syn::Expr> {
    struct Lets<'a, 'n> {
        name: &'n str,
        found: Vec<&'a syn::Expr>,
    }
    impl<'a> Visit<'a> for Lets<'a, '_> {
        fn visit_local(&mut self, node: &'a syn::Local) {
            if super::names::bound_by(&node.pat).iter().any(|bound| bound == self.name)
                && let Some(init) = &node.init
            {
                self.found.push(&init.expr);
            }
            visit::visit_local(self, node);
        }
    }
    let mut lets = Lets { name, found: Vec::new() };
    lets.visit_block(block);
    match lets.found.as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

/// True where the statement writes to the place, by a method of `Write` or by `write!`.
pub fn writes_to(stmt: &syn::Stmt, place: &syn::Expr) -> bool {
    let mut walk = WritesTo { place: words(place), found: false };
    walk.visit_stmt(stmt);
    walk.found
}

struct WritesTo {
    place: String,
    found: bool,
}

impl<'a> Visit<'a> for WritesTo {
    fn visit_expr_method_call(&mut self, node: &'a syn::ExprMethodCall) {
        self.found |= WRITES.contains(&node.method.to_string().as_str()) && words(&node.receiver) == self.place;
        visit::visit_expr_method_call(self, node);
    }

    fn visit_macro(&mut self, node: &'a syn::Macro) {
        let is_write = node.path.segments.last().is_some_and(|s| s.ident == "write" || s.ident == "writeln");
        let first = is_write.then(|| arguments(node)).flatten().and_then(|all| all.into_iter().next());
        self.found |= first.is_some_and(|first| words(bare(&first)) == self.place);
    }
}

/// The expression without `&mut` before it.
fn bare(expr: &syn::Expr) -> &syn::Expr {
    match peel(expr) {
        syn::Expr::Reference(reference) => bare(&reference.expr),
        other => other,
    }
}

fn words(expr: &syn::Expr) -> String {
    expr.to_token_stream().to_string()
}

/// A flush in each round of a `for` loop that could stand after it.
pub struct LoopFlush<'a> {
    /// The function.
    pub function: Function<'a>,
    /// The loop.
    pub around: &'a syn::ExprForLoop,
    /// The flush.
    pub flush: Flush<'a>,
}

/// Parts of the names of calls by which a loop waits for somebody, or hears from him.
const HEARS: &[&str] = &[
    "accept",
    "ack",
    "acked",
    "acknowledge",
    "acknowledged",
    "acks",
    "answer",
    "await",
    "confirm",
    "confirmed",
    "poll",
    "prompt",
    "receive",
    "received",
    "recv",
    "reply",
    "response",
    "sleep",
    "wait",
];

/// True if a call in a loop is named as one that waits: `printer.wait_ack()`.
fn calls_that_wait(body: &syn::Block) -> bool {
    let name = |expr: &syn::Expr| match expr {
        syn::Expr::MethodCall(call) => Some(call.method.to_string()),
        syn::Expr::Call(call) => match &*call.func {
            syn::Expr::Path(p) => p.path.segments.last().map(|s| s.ident.to_string()),
            _ => None,
        },
        _ => None,
    };
    let mut names = shapes::exprs(body).into_iter().filter_map(name);
    names.any(|name| name.split('_').any(|part| HEARS.contains(&part)))
}

/// True if no method is called on a writer in a loop that is not one of writers: another may read what was answered.
fn only_writes(around: &syn::ExprForLoop, place: &syn::Expr) -> bool {
    const WRITES: &[&str] =
        &["by_ref", "flush", "lock", "write", "write_all", "write_fmt", "write_str", "write_vectored"];
    shapes::exprs(&around.body).into_iter().all(|expr| match expr {
        syn::Expr::MethodCall(call) if shapes::same(super::names::peel(&call.receiver), super::names::peel(place)) => {
            WRITES.iter().any(|name| call.method == name)
        }
        _ => true,
    })
}

/// What shows that a loop waits for somebody who may be waiting for what it writes.
const WAITS: &[&str] = &[
    "accept",
    "await",
    "incoming",
    "join",
    "park",
    "poll",
    "prompt",
    "read",
    "read_exact",
    "read_line",
    "read_to_end",
    "read_to_string",
    "receiver",
    "recv",
    "recv_timeout",
    "rx",
    "sleep",
    "stdin",
    "listener",
    "wait",
    "try_recv",
];
/// Ends of a conversation: what is not flushed is not answered.
const CONVERSES: &[&str] =
    &["TcpStream", "UnixStream", "ChildStdin", "Stream", "Socket", "PipeWriter", "tokio", "AsyncWrite", "ChildStdout"];
/// What holds lines back until it is flushed.
const HOLDS: &[&str] = &["BufWriter", "LineWriter", "Write", "stdout", "Stdout", "StdoutLock", "W"];

/// The flushes in loops of a file.
pub fn loop_flushes(file: &SourceFile) -> Vec<LoopFlush<'_>> {
    let mut found = Vec::new();
    for function in functions(file).into_iter().filter(|f| !f.is_test && f.sig.asyncness.is_none()) {
        let mut walk = Loops { file, function, found: Vec::new() };
        walk.visit_block(function.block);
        found.extend(walk.found);
    }
    found
}

struct Loops<'a> {
    file: &'a SourceFile,
    function: Function<'a>,
    found: Vec<LoopFlush<'a>>,
}

impl<'a> Loops<'a> {
    /// True where what is written to is known to hold lines back, and nobody waits at its other end.
    fn holds_back(&self, place: &syn::Expr) -> bool {
        let told = match field_of(&self.function, place) {
            Some(field) => self.field_type(&field),
            None => plain_name(place).and_then(|name| self.local(&name.to_string())),
        };
        told.is_some_and(|tokens| mentions_any(&tokens, HOLDS) && !mentions_any(&tokens, CONVERSES))
    }

    /// Looks for flushes first: whether a loop waits is asked of all of its tokens.
    fn visit_loop(&mut self, around: &'a syn::ExprForLoop) {
        let flushes = |(at, stmt)| Some((at, flush_of(stmt, false).filter(|flush| !flush.syncs)?));
        let flushes: Vec<(usize, Flush<'a>)> = around.body.stmts.iter().enumerate().filter_map(flushes).collect();
        if flushes.is_empty() || mentions_any(around, WAITS) || calls_that_wait(&around.body) {
            return;
        }
        let bound = super::names::bound_by(&around.pat);
        for (index, flush) in flushes {
            let root = super::names::root(flush.place).map(ToString::to_string).unwrap_or_default();
            let is_own = bound.contains(&root) || let_of(&around.body, &root).is_some();
            let mut others = around.body.stmts.iter().enumerate().filter(|(i, _)| *i != index);
            let is_writer = only_writes(around, flush.place);
            if !is_own
                && is_writer
                && self.holds_back(flush.place)
                && others.any(|(_, stmt)| writes_to(stmt, flush.place))
            {
                self.found.push(LoopFlush { function: self.function, around, flush });
            }
        }
    }

    fn field_type(&self, field: &str) -> Option<proc_macro2::TokenStream> {
        let own = self.function.self_ty.map(head)?;
        let structs = items(&self.file.ast).into_iter().filter_map(|placed| match placed.item {
            syn::Item::Struct(item) if item.ident == own => Some(item),
            _ => None,
        });
        let mut fields = structs.flat_map(|item| item.fields.iter());
        fields.find(|f| f.ident.as_ref().is_some_and(|name| name == field)).map(|f| f.ty.to_token_stream())
    }

    /// The tokens that tell a local's type: its parameter with the bounds of the function, or its initialiser.
    fn local(&self, name: &str) -> Option<proc_macro2::TokenStream> {
        for input in &self.function.sig.inputs {
            if let syn::FnArg::Typed(typed) = input
                && matches!(&*typed.pat, syn::Pat::Ident(ident) if ident.ident == name)
            {
                let generics = &self.function.sig.generics;
                let (ty, clause) = (&typed.ty, &generics.where_clause);
                let is_generic = generics.type_params().any(|p| mentions(ty, &p.ident.to_string()));
                return Some(if is_generic { quote::quote!(#ty #generics #clause) } else { ty.to_token_stream() });
            }
        }
        let_of(self.function.block, name).map(ToTokens::to_token_stream)
    }
}

impl<'a> Visit<'a> for Loops<'a> {
    fn visit_stmt(&mut self, node: &'a syn::Stmt) {
        if let syn::Stmt::Expr(syn::Expr::ForLoop(around), _) = node {
            self.visit_loop(around);
        }
        visit::visit_stmt(self, node);
    }

    fn visit_item(&mut self, _: &'a syn::Item) {}
}

/// A file that a method opens for appending each time it is called.
pub struct Opening<'a> {
    /// The method or function.
    pub function: Function<'a>,
    /// The block with the `let`.
    pub block: &'a syn::Block,
    /// Index of the `let` in its block.
    pub index: usize,
    /// The name it gets.
    pub name: &'a syn::Ident,
    /// The initialiser: the opening and what is done with its error.
    pub init: &'a syn::Expr,
    /// The field of `self` that holds the path, if it is one.
    pub path: Option<String>,
}

/// The openings of a file.
pub fn openings(file: &SourceFile) -> Vec<Opening<'_>> {
    let mut found = Vec::new();
    for function in functions(file).into_iter().filter(|f| !f.is_test && f.sig.asyncness.is_none()) {
        for block in unconditional(function.block) {
            for (index, stmt) in block.stmts.iter().enumerate() {
                found.extend(opening(function, block, index, stmt));
            }
        }
    }
    found
}

fn opening<'a>(
    function: Function<'a>,
    block: &'a syn::Block,
    index: usize,
    stmt: &'a syn::Stmt,
) -> Option<Opening<'a>> {
    let syn::Stmt::Local(local) = stmt else { return None };
    let syn::Pat::Ident(name) = &local.pat else { return None };
    let init = &*local.init.as_ref().filter(|init| init.diverge.is_none())?.expr;
    let call = unhandled(init).filter(|call| call.method == "open" && call.args.len() == 1)?;
    let options = call.receiver.to_token_stream().to_string();
    let appends = (options.contains("OpenOptions") || options.contains("File :: options"))
        && options.contains("append (true)")
        && !options.contains("tokio")
        && !options.contains("read (true)");
    if !appends {
        return None;
    }
    let rest = &block.stmts[index + 1..];
    let found = uses(rest, &name.ident.to_string())?;
    let only_writes = found.iter().all(|u| match &u.how {
        Use::Method(method) => {
            WRITES.contains(&method.as_str()) || matches!(method.as_str(), "flush" | "sync_data" | "sync_all")
        }
        Use::Format => true,
        _ => false,
    });
    let place: syn::Expr = syn::parse_str(&name.ident.to_string()).ok()?;
    let writes = rest.iter().any(|stmt| writes_to(stmt, &place));
    let path = match bare(&call.args[0]) {
        syn::Expr::Field(_) => field_of(&function, bare(&call.args[0])),
        _ => None,
    };
    (only_writes && writes).then_some(Opening { function, block, index, name: &name.ident, init, path })
}

/// A function of the struct that reads a file, which would miss what is still buffered.
pub fn reader(file: &SourceFile, own: &str) -> Option<String> {
    const READS: &[&str] =
        &["read_to_string", "read_to_end", "BufReader", "read_line", "read_exact", "rename", "remove_file", "set_len"];
    let all = functions(file);
    let reads = all.iter().filter(|f| !f.is_test && f.self_ty.is_some_and(|ty| head(ty) == own)).find(|f| {
        let text = f.block.to_token_stream().to_string();
        mentions_any(f.block, READS) || text.contains("File :: open") || text.contains("fs :: read")
    });
    reads.map(|function| function.sig.ident.to_string())
}
