//! A struct that flushes its file on every call in; the same struct with a buffer that is flushed when it must be, out.

use crate::source::visit::{self, Visit};
use quote::ToTokens;

use super::{Draft, Recipe, borrow, file_of, hoist, holds};
use crate::model::{Finding, FunctionId, Precondition, RuleId, TextEdit, TextRange};
use crate::source::functions::{Function, functions, head, items};
use crate::source::literals::literals;
use crate::source::names::{Use, arguments, imports, mentions, peel, plain_name, uses};
use crate::source::writers::{FlushedCall, Sink, WRITES, field_of, flushed_calls, reader, sinks};
use crate::source::{SourceFile, Template};

/// The recipe.
pub const RECIPE: Recipe = Recipe { rule: RuleId("flush-per-call"), derive };

fn derive(files: &[SourceFile], finding: &Finding) -> Result<Draft, String> {
    let file = file_of(files, finding)?;
    let all = sinks(file);
    let found = all.iter().map(|sink| (sink, flushed_calls(file, sink)));
    let (sink, calls) = found
        .into_iter()
        .find(|(_, calls)| calls.first().is_some_and(|call| file.range(call.flush.stmt) == finding.range))
        .ok_or("the flush is no longer where it was found")?;
    let own = sink.item.ident.to_string();
    if !matches!(sink.field.vis, syn::Visibility::Inherited) {
        return Err(format!("the field `{}` of `{own}` is visible outside of its module", sink.name));
    }
    if let Some(method) = reader(file, &own) {
        return Err(format!(
            "`{own}::{method}` reads, renames or truncates files: it would miss what is still buffered"
        ));
    }
    let mut edits = vec![(file.path.clone(), unflushed(files, file, &calls))];
    if let Some(bare) = sink.bare {
        check_writes_only(file, sink, &calls)?;
        edits.push((file.path.clone(), typed(file, bare)));
        edits.extend(built(files, sink)?);
    }
    let severe = calls.iter().any(|call| severity(files, &call.function).is_some());
    Ok(Draft {
        title: format!("buffer {own}::{} instead of flushing on every call", sink.name),
        edits,
        touched: touched(file, &calls),
        preconditions: preconditions(sink, &own),
        obligations: obligations(&own, &calls, severe),
        hunks_independent: false,
    })
}

fn touched(file: &SourceFile, calls: &[FlushedCall<'_>]) -> Vec<FunctionId> {
    let mut all = Vec::new();
    for call in calls {
        all.extend(file.item_around(file.range(call.flush.stmt)).map(|item| item.id.clone()));
    }
    all.dedup();
    all
}

fn preconditions(sink: &Sink<'_>, own: &str) -> Vec<Precondition> {
    let mut all = vec![
        holds(format!("no method of `{own}` reads, renames or truncates files")),
        holds(format!("the field `{}` is private, and methods that are there to flush stay as they are", sink.name)),
    ];
    if sink.bare.is_some() {
        all.push(holds(format!("every place that builds `{own}` is seen, and its file is only written to")));
        all.push(borrow("a `BufWriter` stands wherever the `File` stood"));
    }
    all
}

fn obligations(own: &str, calls: &[FlushedCall<'_>], severe: bool) -> Vec<String> {
    let mut all = vec![format!(
        "durability: up to 8 KiB of the youngest lines of `{own}`, however old they are, are lost if the process is \
         killed, aborts, or exits without dropping or flushing it"
    )];
    if calls.iter().any(|call| call.flush.syncs) {
        all.push(format!(
            "durability: what `{own}` wrote is no longer forced to the disk, a power cut may lose more of it"
        ));
    }
    if severe {
        all.push("severe events are still flushed at once, and everything before them with them".to_string());
    }
    all.push("an error of the disk shows at a later call, or not at all when it strikes at the drop".to_string());
    all
}

/// The statements gone, or under a condition where the method knows how severe the event is.
fn unflushed(files: &[SourceFile], file: &SourceFile, calls: &[FlushedCall<'_>]) -> Vec<TextEdit> {
    let mut edits = Vec::new();
    for call in calls {
        let stmt = file.range(call.flush.stmt);
        match severity(files, &call.function) {
            Some(condition) if !call.flush.is_value => edits.extend(
                Template::new(file, stmt)
                    .text(format!("if {condition} {{\n    "))
                    .keep_moved(stmt, 1)
                    .text("\n}")
                    .edits(),
            ),
            _ if call.flush.is_value => edits.push(TextEdit { range: stmt, text: "Ok(())".to_string() }),
            _ => edits.push(TextEdit { range: hoist::whole_lines(file, stmt), text: String::new() }),
        }
    }
    edits
}

/// Names of variants that nobody wants to lose.
const SEVERE: &[&str] = &["Error", "Fatal", "Critical", "Severe", "Alert", "Emergency", "Panic"];

/// `matches!(level, Level::Error | Level::Fatal)`, where a parameter of the method says how severe the event is.
fn severity(files: &[SourceFile], function: &Function<'_>) -> Option<String> {
    for input in &function.sig.inputs {
        let syn::FnArg::Typed(typed) = input else { continue };
        let syn::Pat::Ident(name) = &*typed.pat else { continue };
        let ty = match &*typed.ty {
            syn::Type::Reference(reference) => &reference.elem,
            other => other,
        };
        let kind = head(ty);
        if !(kind.ends_with("Level") || kind.ends_with("Severity") || kind.ends_with("Priority")) {
            continue;
        }
        let variants = files.iter().flat_map(|file| items(&file.ast)).find_map(|placed| match placed.item {
            syn::Item::Enum(item) if item.ident == kind => {
                Some(item.variants.iter().map(|v| v.ident.to_string()).collect::<Vec<_>>())
            }
            _ => None,
        })?;
        let path = ty.to_token_stream().to_string().replace(' ', "");
        let severe: Vec<String> =
            variants.iter().filter(|v| SEVERE.contains(&v.as_str())).map(|v| format!("{path}::{v}")).collect();
        if !severe.is_empty() {
            return Some(format!("matches!({}, {})", name.ident, severe.join(" | ")));
        }
    }
    None
}

/// A bare `File` may become a `BufWriter` only where nothing asks it for more than `Write`.
fn check_writes_only(file: &SourceFile, sink: &Sink<'_>, calls: &[FlushedCall<'_>]) -> Result<(), String> {
    let own = sink.item.ident.to_string();
    for function in functions(file).iter().filter(|f| f.self_ty.is_some_and(|ty| head(ty) == own)) {
        let gone: Vec<TextRange> = calls.iter().map(|call| file.range(call.flush.stmt)).collect();
        let mut walk = FileUses { file, sink, function, gone: &gone, other: None };
        walk.visit_block(function.block);
        if let Some(other) = walk.other {
            return Err(format!("`{own}::{}` uses the file otherwise than for writing: {other}", function.sig.ident));
        }
    }
    Ok(())
}

struct FileUses<'a> {
    file: &'a SourceFile,
    sink: &'a Sink<'a>,
    function: &'a Function<'a>,
    gone: &'a [TextRange],
    other: Option<String>,
}

impl FileUses<'_> {
    fn is_field(&self, expr: &syn::Expr) -> bool {
        let is_place = matches!(peel(expr), syn::Expr::Field(_));
        is_place && field_of(self.function, expr).as_deref() == Some(self.sink.name.as_str())
    }

    fn refuse(&mut self, what: impl Into<String>) {
        self.other.get_or_insert(what.into());
    }

    fn check_method(&mut self, method: &str) {
        if !WRITES.contains(&method) && method != "flush" {
            self.refuse(format!("`{method}`"));
        }
    }

    /// A guard of the field must be used as the field is.
    fn check_guard(&mut self, block: &syn::Block, index: usize, name: &str) {
        let Some(found) = uses(&block.stmts[index + 1..], name) else { return self.refuse(format!("`{name}`")) };
        for found in found {
            let range = self.file.range(&found.ident);
            match &found.how {
                _ if self.gone.iter().any(|gone| gone.contains(range)) => {}
                Use::Method(method) => self.check_method(method),
                Use::Format => {}
                Use::Other | Use::Borrow | Use::BorrowMut if is_dropped(block, &found.ident) => {}
                _ => self.refuse(format!("`{name}`")),
            }
        }
    }
}

/// True for `drop(guard)`.
fn is_dropped(block: &syn::Block, ident: &syn::Ident) -> bool {
    block.to_token_stream().to_string().contains(&format!("drop ({ident})"))
}

impl<'a> Visit<'a> for FileUses<'_> {
    fn visit_stmt(&mut self, node: &'a syn::Stmt) {
        let range = self.file.range(node);
        if !self.gone.contains(&range) {
            visit::visit_stmt(self, node);
        }
    }

    fn visit_block(&mut self, node: &'a syn::Block) {
        for (index, stmt) in node.stmts.iter().enumerate() {
            if let syn::Stmt::Local(local) = stmt
                && let syn::Pat::Ident(name) = &local.pat
                && let Some(init) = &local.init
                && mentions(&init.expr, &self.sink.name)
            {
                let name = name.ident.to_string();
                let place: Result<syn::Expr, _> = syn::parse_str(&name);
                if place.is_ok_and(|p| field_of(self.function, &p).as_deref() == Some(self.sink.name.as_str())) {
                    self.check_guard(node, index, &name);
                    continue;
                }
            }
            self.visit_stmt(stmt);
        }
    }

    fn visit_expr_method_call(&mut self, node: &'a syn::ExprMethodCall) {
        if self.is_field(&node.receiver) {
            let method = node.method.to_string();
            match method.as_str() {
                "lock" if !self.sink.wrappers.is_empty() => self.refuse("a lock whose guard is not named"),
                _ => self.check_method(&method),
            }
            node.args.iter().for_each(|arg| self.visit_expr(arg));
        } else {
            visit::visit_expr_method_call(self, node);
        }
    }

    fn visit_expr_field(&mut self, node: &'a syn::ExprField) {
        let is_self = plain_name(&node.base).is_some_and(|base| base == "self");
        let is_ours = matches!(&node.member, syn::Member::Named(name) if *name == self.sink.name);
        if is_self && is_ours {
            self.refuse(format!("`self.{}`", self.sink.name));
        }
        visit::visit_expr_field(self, node);
    }

    fn visit_macro(&mut self, node: &'a syn::Macro) {
        let is_write = node.path.segments.last().is_some_and(|s| s.ident == "write" || s.ident == "writeln");
        let arguments = arguments(node).unwrap_or_default();
        for (index, argument) in arguments.iter().enumerate() {
            if !(is_write && index == 0) {
                self.visit_expr(argument);
            } else if let syn::Expr::Reference(reference) = argument
                && reference.mutability.is_none()
            {
                self.refuse("a shared `&File`");
            }
        }
    }
}

/// `BufWriter` as the file may spell it.
fn buf_writer(file: &SourceFile) -> &'static str {
    if imports(file, "BufWriter") == ["std::io::BufWriter"] { "BufWriter" } else { "std::io::BufWriter" }
}

fn typed(file: &SourceFile, bare: &syn::Type) -> Vec<TextEdit> {
    let range = file.range(bare);
    Template::new(file, range).text(format!("{}<", buf_writer(file))).keep(range).text(">").edits()
}

/// The places that build the struct, with the file wrapped inside of `Mutex` and `Arc`.
fn built(files: &[SourceFile], sink: &Sink<'_>) -> Result<Vec<(String, Vec<TextEdit>)>, String> {
    let own = sink.item.ident.to_string();
    let mut all = Vec::new();
    for file in files {
        for literal in literals(file, &own)? {
            let (line, _) = file.line_column(file.range(literal.node).start);
            let value = literal
                .value(&sink.name)
                .ok_or_else(|| format!("`{own}` is built without its field in {} line {line}", file.path))?;
            let inner = unwrapped(value, &sink.wrappers)
                .ok_or_else(|| format!("the lock of `{own}` is made elsewhere than in {} line {line}", file.path))?;
            let range = file.range(inner);
            let name = if literal.is_shorthand(&sink.name) { format!("{}: ", sink.name) } else { String::new() };
            let text = format!("{name}{}::new(", buf_writer(file));
            all.push((file.path.clone(), Template::new(file, range).text(text).keep(range).text(")").edits()));
        }
    }
    if all.is_empty() {
        return Err(format!("no place that builds `{own}` field by field was found"));
    }
    Ok(all)
}

/// The argument inside of `Arc::new(Mutex::new(…))`.
fn unwrapped<'a>(value: &'a syn::Expr, wrappers: &[String]) -> Option<&'a syn::Expr> {
    let Some((first, rest)) = wrappers.split_first() else { return Some(value) };
    let syn::Expr::Call(call) = peel(value) else { return None };
    let path = call.func.to_token_stream().to_string().replace(' ', "");
    (path.ends_with(&format!("{first}::new")) && call.args.len() == 1).then(|| unwrapped(&call.args[0], rest))?
}

#[cfg(test)]
mod tests {
    use crate::rewrite::testing::{check, check_refuses};

    const RULE: &str = "flush-per-call";

    #[test]
    fn a_buffered_file_is_flushed_no_more() {
        let rewrite = check(
            RULE,
            "struct L {\n    out: BufWriter<File>,\n}\n\nimpl L {\n    fn record(&mut self, s: &[u8]) -> io::Result<()> {\n        self.out.write_all(s)?;\n        // Keep it.\n        self.out.flush()?;\n        Ok(())\n    }\n\n    fn flush(&mut self) -> io::Result<()> {\n        self.out.flush()\n    }\n}\n",
            "struct L {\n    out: BufWriter<File>,\n}\n\nimpl L {\n    fn record(&mut self, s: &[u8]) -> io::Result<()> {\n        self.out.write_all(s)?;\n        // Keep it.\n        Ok(())\n    }\n\n    fn flush(&mut self) -> io::Result<()> {\n        self.out.flush()\n    }\n}\n",
        );
        assert_eq!(rewrite.title, "buffer L::out instead of flushing on every call");
        assert!(rewrite.obligations[0].contains("8 KiB"));
    }

    #[test]
    fn a_bare_file_gets_a_buffer_where_it_is_declared_and_built() {
        check(
            RULE,
            "use std::fs::File;\n\nstruct L {\n    file: File, // append only\n}\n\nimpl L {\n    fn open(p: &Path) -> io::Result<Self> {\n        Ok(L { file: File::create(p)? })\n    }\n\n    fn with(file: File) -> L {\n        L { file }\n    }\n\n    fn record(&mut self, s: &str) -> io::Result<()> {\n        writeln!(self.file, \"{s}\")?;\n        self.file.flush()\n    }\n}\n",
            "use std::fs::File;\n\nstruct L {\n    file: std::io::BufWriter<File>, // append only\n}\n\nimpl L {\n    fn open(p: &Path) -> io::Result<Self> {\n        Ok(L { file: std::io::BufWriter::new(File::create(p)?) })\n    }\n\n    fn with(file: File) -> L {\n        L { file: std::io::BufWriter::new(file) }\n    }\n\n    fn record(&mut self, s: &str) -> io::Result<()> {\n        writeln!(self.file, \"{s}\")?;\n        Ok(())\n    }\n}\n",
        );
    }

    #[test]
    fn a_file_behind_a_lock_is_buffered_inside_of_it() {
        let rewrite = check(
            RULE,
            "use std::io::BufWriter;\n\nstruct L {\n    file: Arc<Mutex<File>>,\n}\n\nimpl L {\n    fn new(f: File) -> L {\n        L { file: Arc::new(Mutex::new(f)) }\n    }\n\n    fn record(&self, s: &str) -> io::Result<()> {\n        let mut file = self.file.lock().unwrap();\n        file.write_all(s.as_bytes())?;\n        file.sync_data()?;\n        drop(file);\n        Ok(())\n    }\n}\n",
            "use std::io::BufWriter;\n\nstruct L {\n    file: Arc<Mutex<BufWriter<File>>>,\n}\n\nimpl L {\n    fn new(f: File) -> L {\n        L { file: Arc::new(Mutex::new(BufWriter::new(f))) }\n    }\n\n    fn record(&self, s: &str) -> io::Result<()> {\n        let mut file = self.file.lock().unwrap();\n        file.write_all(s.as_bytes())?;\n        drop(file);\n        Ok(())\n    }\n}\n",
        );
        assert!(rewrite.obligations[1].contains("power cut"));
    }

    #[test]
    fn severe_events_are_still_flushed_at_once() {
        let rewrite = check(
            RULE,
            "enum Level {\n    Info,\n    Error,\n    Fatal,\n}\n\nstruct L {\n    out: BufWriter<File>,\n}\n\nimpl L {\n    fn log(&mut self, level: Level, s: &str) -> io::Result<()> {\n        writeln!(self.out, \"{s}\")?;\n        self.out.flush()?;\n        Ok(())\n    }\n}\n",
            "enum Level {\n    Info,\n    Error,\n    Fatal,\n}\n\nstruct L {\n    out: BufWriter<File>,\n}\n\nimpl L {\n    fn log(&mut self, level: Level, s: &str) -> io::Result<()> {\n        writeln!(self.out, \"{s}\")?;\n        if matches!(level, Level::Error | Level::Fatal) {\n            self.out.flush()?;\n        }\n        Ok(())\n    }\n}\n",
        );
        assert!(rewrite.obligations.iter().any(|o| o.contains("severe")));
    }

    const RECORD: &str = "fn record(&mut self) -> R { self.f.write_all(b\"a\")?; self.f.flush()?; Ok(()) }";

    #[test]
    fn a_struct_that_reads_its_file_back_refuses() {
        check_refuses(
            RULE,
            &format!(
                "struct L {{ f: BufWriter<File>, path: PathBuf }}\nimpl L {{ {RECORD}\nfn last(&self) -> String {{ std::fs::read_to_string(&self.path).unwrap() }} }}"
            ),
            "`L::last` reads, renames or truncates files: it would miss what is still buffered",
        );
    }

    #[test]
    fn a_file_that_does_more_than_write_refuses() {
        let built = "fn new(f: File) -> L { L { f } }";
        check_refuses(
            RULE,
            &format!(
                "struct L {{ f: File }}\nimpl L {{ {built} {RECORD}\nfn size(&self) -> u64 {{ self.f.metadata().unwrap().len() }} }}"
            ),
            "`L::size` uses the file otherwise than for writing: `metadata`",
        );
        check_refuses(
            RULE,
            &format!("struct L {{ f: File }}\nimpl L {{ {built} {RECORD}\nfn raw(&self) -> &File {{ &self.f }} }}"),
            "`L::raw` uses the file otherwise than for writing: `self.f`",
        );
    }

    #[test]
    fn what_cannot_be_seen_refuses() {
        check_refuses(
            RULE,
            &format!("struct L {{ f: File }}\nimpl L {{ {RECORD} }}"),
            "no place that builds `L` field by field was found",
        );
        check_refuses(
            RULE,
            &format!("struct L {{ pub f: BufWriter<File> }}\nimpl L {{ {RECORD} }}"),
            "the field `f` of `L` is visible outside of its module",
        );
    }
}
