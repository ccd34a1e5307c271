//! An edited file in; its text with old and new body of each touched function side by side out.

use std::collections::BTreeSet;

use crate::model::TextRange;
use crate::source::visit::{self, Visit};

use super::change::{self, Change, Function, Owner, Wrap};
use super::purity::Effects;
use super::tally;

/// The variable that names the file in which the twins write, with `;patient` where calls may be repeated for long.
pub const VARIABLE: &str = "REFIT_TWIN";

const RUNTIME: &str = include_str!("../../templates/instrument/twin.rs");
const ALLOCATOR: &str = include_str!("../../templates/instrument/allocator.rs");
const TALLIES: &str = include_str!("../../templates/instrument/tallies.rs");
const KERNEL: &str = include_str!("../../templates/instrument/kernel.rs");
const MODULE: &str = "__refit_twin";

/// How much may be asked of the twins; what does not compile is asked with less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Repeat calls whose arguments allow it, so that old and new see the same inputs.
    pub matched: bool,
    /// Build in an allocator that counts; like all that replaces a part of the program it can only stand once.
    pub allocator: bool,
    /// Count locks, pauses and tries of the functions, and files that the program opens, in calls that are not timed.
    pub tallies: bool,
    /// Which layout: in another one the bodies stand elsewhere and in another order, and do the same.
    pub layout: usize,
}

/// Numbers of one proposal's functions, where several proposals stand in one program.
pub const PER_PROPOSAL: usize = 256;

/// A touched function with both bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twin {
    /// Number under which it writes.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// True if old and new see the same calls.
    pub matched: bool,
}

impl Twin {
    /// Which of the proposals in the program it belongs to, from 0.
    pub fn proposal(&self) -> usize {
        self.number / PER_PROPOSAL
    }
}

/// An edited file with its twins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twinned {
    /// The text to build.
    pub text: String,
    /// Its touched functions; none where only types or signatures changed.
    pub twins: Vec<Twin>,
    /// Why other touched functions have no twin.
    pub left_out: Vec<String>,
}

/// Where the runtime of the twins stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// In each edited file: bodies of different files choose apart, which adds noise and no bias.
    InFile,
    /// In the crate's root ([`rooted`]), so that proposals of several files know of one another.
    InRoot,
}

/// Makes each touched function a shim over its two bodies. Everything else of the file is the new text: an old body
/// that needs what the edit removed does not compile, and then there is no twin.
pub fn twin(change: &Change, effects: &Effects, ask: Ask, first_number: usize) -> Twinned {
    twins(&[(first_number, change.clone())], effects, ask, Runtime::InFile)
}

/// As [`twin`] for several proposals that stand in one text: each with the number of its first function.
pub fn twins(parts: &[(usize, Change)], effects: &Effects, ask: Ask, runtime_at: Runtime) -> Twinned {
    let Some((_, whole)) = parts.first() else {
        return Twinned { text: String::new(), twins: Vec::new(), left_out: Vec::new() };
    };
    let mut left_out: Vec<String> = Vec::new();
    let mut inserts: Vec<(u32, String)> = Vec::new();
    let mut all = Vec::new();
    for (first_number, change) in parts {
        let (pairs, signatures) = change.functions();
        left_out.extend(signatures.iter().map(|n| format!("the signature of {n} changes")));
        let reshaped = change.reshaped();
        let mut number = *first_number;
        for (old, new) in &pairs {
            if let Some(reason) = obstacle(old, new).or_else(|| built(&change.old[old.whole.bytes()], old, &reshaped)) {
                left_out.push(reason);
                continue;
            }
            let texts = [&change.old[old.whole.bytes()], &change.new[new.whole.bytes()]];
            let matched = ask.matched && new.repeatable.is_some() && texts.iter().all(|t| !effects.in_function(t));
            let twin = Twin { number, name: new.name.clone(), matched };
            inserts.extend(shim(change, old, new, &twin, ask, runtime_at));
            all.push(twin);
            number += 1;
        }
    }
    let mut text = inserted(&whole.new, inserts);
    if !all.is_empty() && runtime_at == Runtime::InFile {
        text.push('\n');
        text.push_str(&runtime(ask));
    }
    Twinned { text, twins: all, left_out }
}

/// The text of a crate's root with the runtime in it.
pub fn rooted(root: &str, ask: Ask) -> String {
    format!("{root}\n{}", runtime(ask))
}

/// True if one of the texts brings an allocator of its own.
pub fn has_allocator<'a>(texts: impl IntoIterator<Item = &'a str>) -> bool {
    texts.into_iter().any(|t| t.contains("global_allocator"))
}

fn obstacle(old: &Function, new: &Function) -> Option<String> {
    if new.is_const {
        return Some(format!("{} is a const fn, which cannot look at a clock", new.name));
    }
    if new.is_async && (old.has_hidden_awaits || new.has_hidden_awaits) {
        return Some(format!("{} awaits inside of a macro, where waiting cannot be told from working", new.name));
    }
    None
}

/// A body that builds a struct by its old fields does not compile beside the new ones.
fn built(text: &str, function: &Function, reshaped: &BTreeSet<String>) -> Option<String> {
    struct Literals<'r>(&'r BTreeSet<String>, Option<String>);
    impl<'ast> Visit<'ast> for Literals<'_> {
        fn visit_expr_struct(&mut self, node: &'ast syn::ExprStruct) {
            let name = node.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
            if name == "Self" || self.0.contains(&name) {
                self.1 = Some(name);
            }
            visit::visit_expr_struct(self, node);
        }
    }
    let parsed = syn::parse_str::<syn::ImplItemFn>(text).ok().filter(|_| !reshaped.is_empty())?;
    let mut literals = Literals(reshaped, None);
    literals.visit_block(&parsed.block);
    literals.1.map(|name| format!("{} builds {name}, whose fields change", function.name))
}

/// The shim around the new body, as insertions into the new text.
fn shim(
    change: &Change,
    old: &Function,
    new: &Function,
    twin: &Twin,
    ask: Ask,
    runtime_at: Runtime,
) -> Vec<(u32, String)> {
    let (number, matched) = (twin.number, twin.matched);
    let module = match (runtime_at, new.depth) {
        (Runtime::InRoot, _) => format!("crate::{MODULE}"),
        (_, 0) => format!("self::{MODULE}"),
        (_, depth) => format!("{}{MODULE}", "super::".repeat(depth)),
    };
    let mut head = String::from("{ ");
    let enter = if matched { "enter_matched" } else { "enter" };
    if matched {
        let call = call(new);
        head.push_str(&format!(
            "if let ::std::option::Option::Some(mut __refit_calls) = {module}::matched({number}) \
             {{ while __refit_calls.next() {{ let _ = ::std::hint::black_box({call}); }} }} "
        ));
    }
    head.push_str(&format!("let __refit = {module}::{enter}({number}); "));
    let imports = if new.depth == 0 { removed_imports(change) } else { String::new() };
    let (old_text, new_text) = (&change.old[old.body.bytes()], &change.new[new.body.bytes()]);
    if ask.tallies {
        head.push_str(&counted((old, old_text), (new, new_text), &imports, &module));
    }
    head.push_str(&moved(ask.layout));
    let old_body = change::wrapped(old_text, polled(old, &module, old.body.start));
    let old_body = format!("{{ {imports}{old_body} }}");
    let behind = match ask.layout % 2 {
        0 => format!(" else {old_body} }}"),
        _ => String::from(" }"),
    };
    head.push_str(&match ask.layout % 2 {
        0 => String::from("if __refit.is_new() "),
        _ => format!("if !__refit.is_new() {old_body} else "),
    });
    let mut inserts = vec![(new.body.start, head)];
    for Wrap { range, open, close } in polled(new, &module, 0) {
        inserts.extend([(range.start, open), (range.end, close.to_owned())]);
    }
    inserts.push((new.body.end, behind));
    inserts
}

/// Moves what follows by some bytes, at the cost of a few cycles of each call, whatever its body.
fn moved(layout: usize) -> String {
    let nops = vec!["\"nop\""; layout * 11 % 32].join(", ");
    match layout {
        0 => String::new(),
        _ => format!("unsafe {{ ::std::arch::asm!({nops}, options(nomem, nostack, preserves_flags)) }}; "),
    }
}

/// Both bodies once more for calls that are counted, so that what is timed stays as it is; nothing where there is nothing to
/// count in them.
fn counted(
    (old, old_text): (&Function, &str),
    (new, new_text): (&Function, &str),
    imports: &str,
    module: &str,
) -> String {
    let (of_old, of_new) = (tally::wraps(old_text, module), tally::wraps(new_text, module));
    if of_old.is_empty() && of_new.is_empty() {
        return String::new();
    }
    let body = |function: &Function, text: &str, found: Vec<Wrap>| {
        let waits = polled(function, module, function.body.start);
        change::wrapped(text, found.into_iter().chain(waits).collect())
    };
    format!(
        "if __refit.is_counted() {{ use {module}::{{Guards as _, Others as _}}; \
         if __refit.is_new() {} else {{ {imports}{} }} }} else ",
        body(new, new_text, of_new),
        body(old, old_text, of_old),
    )
}

/// The function called once more with the same arguments.
fn call(function: &Function) -> String {
    let arguments = function.repeatable.as_deref().unwrap_or_default().join(", ");
    let name = &function.name;
    match &function.owner {
        Owner::Free => format!("{name}({arguments})"),
        Owner::Type => format!("Self::{name}({arguments})"),
        Owner::Trait(path) => format!("<Self as {path}>::{name}({arguments})"),
    }
}

/// Every `E.await` of an async function becomes `polled(&guard, E).await`, so that the clock stands while it waits.
fn polled(function: &Function, module: &str, base: u32) -> Vec<Wrap> {
    if !function.is_async {
        return Vec::new();
    }
    let wrap = |r: &TextRange| Wrap {
        range: TextRange { start: r.start - base, end: r.end - base },
        open: format!("{module}::polled(&__refit, "),
        close: ")",
    };
    function.awaits.iter().map(wrap).collect()
}

/// Imports at the top of the old file that the new one does not have: the old body may need them.
pub(super) fn removed_imports(change: &Change) -> String {
    let imports = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().filter(|l| l.starts_with("use ") && l.trim_end().ends_with(';'));
        lines.map(|l| l.trim_end().to_owned()).collect()
    };
    let (old, new) = (imports(&change.old), imports(&change.new));
    old.difference(&new).map(|line| format!("{line} ")).collect()
}

/// Insertions at one place stand in the order given.
fn inserted(text: &str, mut inserts: Vec<(u32, String)>) -> String {
    inserts.sort_by_key(|(at, _)| *at);
    let mut out = String::with_capacity(text.len() + inserts.iter().map(|(_, t)| t.len()).sum::<usize>());
    let mut done = 0;
    for (at, piece) in inserts {
        out.push_str(&text[done..at as usize]);
        out.push_str(&piece);
        done = at as usize;
    }
    out.push_str(&text[done..]);
    out
}

/// What old and new are timed with.
pub(super) fn runtime(ask: Ask) -> String {
    let mut text = RUNTIME.to_owned();
    if ask.tallies {
        // The kernel's calls are replaced like the allocator: once.
        let kernel = if ask.allocator { KERNEL } else { "" };
        text = text.replace("    // refit: tallies\n", &format!("{TALLIES}\n{kernel}"));
    }
    if ask.allocator {
        text = text.replace("COUNTS_ALLOCATIONS: bool = false", "COUNTS_ALLOCATIONS: bool = true");
        text = text.replace("    // refit: allocator\n", ALLOCATOR);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EditSet, TextEdit, TextRange};
    use crate::source::hash;

    fn change(old: &str, from: &str, to: &str) -> Change {
        let start = old.find(from).unwrap();
        let edit = TextEdit { range: TextRange::new(start, start + from.len()), text: to.to_owned() };
        Change::new(&EditSet::new("a.rs", hash(old), vec![edit]).unwrap(), old, &old.replacen(from, to, 1))
    }

    const ASK: Ask = Ask { matched: true, allocator: true, tallies: true, layout: 0 };

    fn shims(old: &str, from: &str, to: &str, ask: Ask) -> String {
        let twinned = twin(&change(old, from, to), &Effects::of([old]), ask, 0);
        assert!(syn::parse_file(&twinned.text).is_ok(), "{}", twinned.text);
        let end = twinned.text.find("#[doc(hidden)]").unwrap_or(twinned.text.len());
        twinned.text[..end].trim_end().to_owned()
    }

    #[test]
    fn a_function_of_shared_arguments_runs_both_bodies_on_the_same_call() {
        insta::assert_snapshot!(shims("pub fn f(v: &[u8], n: usize) -> usize {\n    old(v) + n\n}\n", "old(v)", "new(v)", ASK), @"
        pub fn f(v: &[u8], n: usize) -> usize { if let ::std::option::Option::Some(mut __refit_calls) = self::__refit_twin::matched(0) { while __refit_calls.next() { let _ = ::std::hint::black_box(f(v, n)); } } let __refit = self::__refit_twin::enter_matched(0); if __refit.is_new() {
            new(v) + n
        } else { {
            old(v) + n
        } } }
        ");
    }

    #[test]
    fn a_method_that_changes_something_pools_its_calls() {
        let code = "mod m { impl S { fn f(&mut self) -> u8 { self.n += 1; self.n } } }";
        insta::assert_snapshot!(shims(code, "+= 1", "+= 2", ASK), @"mod m { impl S { fn f(&mut self) -> u8 { let __refit = super::__refit_twin::enter(0); if __refit.is_new() { self.n += 2; self.n } else { { self.n += 1; self.n } } } } }");
    }

    #[test]
    fn what_an_async_function_awaits_is_polled_with_the_clock_stopped() {
        let code = "async fn f(c: C) -> u8 { g(c.h().await).await }";
        insta::assert_snapshot!(shims(code, "g(", "k(", ASK), @"async fn f(c: C) -> u8 { let __refit = self::__refit_twin::enter(0); if __refit.is_new() { self::__refit_twin::polled(&__refit, k(self::__refit_twin::polled(&__refit, c.h()).await)).await } else { { self::__refit_twin::polled(&__refit, g(self::__refit_twin::polled(&__refit, c.h()).await)).await } } }");
    }

    #[test]
    fn an_import_that_the_edit_removes_comes_back_for_the_old_body() {
        let old = "use a::b;\nfn f() -> u8 { b(1) }\n";
        let edits = [("use a::b;\n", ""), ("b(1)", "2")].map(|(from, to)| {
            let start = old.find(from).unwrap();
            TextEdit { range: TextRange::new(start, start + from.len()), text: to.to_owned() }
        });
        let set = EditSet::new("a.rs", hash(old), edits.to_vec()).unwrap();
        let change = Change::new(&set, old, "fn f() -> u8 { 2 }\n");
        let twinned =
            twin(&change, &Effects::default(), Ask { matched: false, allocator: false, tallies: false, layout: 0 }, 0);
        assert!(twinned.text.contains("else { use a::b; { b(1) } }"), "{}", twinned.text);
    }

    #[test]
    fn what_cannot_have_a_twin_is_left_out_with_its_reason() {
        let twinned = twin(&change("const fn f() -> u8 { 1 }", "1", "2"), &Effects::default(), ASK, 0);
        assert_eq!(
            (twinned.twins.len(), twinned.left_out),
            (0, vec!["f is a const fn, which cannot look at a clock".to_owned()])
        );
        let twinned =
            twin(&change("struct S { a: u8, b: u64 }", "a: u8, b: u64", "b: u64, a: u8"), &Effects::default(), ASK, 0);
        assert_eq!((twinned.text.as_str(), twinned.twins.len()), ("struct S { b: u64, a: u8 }", 0));
    }

    #[test]
    fn a_constructor_of_a_struct_with_other_fields_has_no_twin_and_its_methods_have() {
        let old = "struct B { p: P }\nimpl B {\n    fn new(p: P) -> Self { B { p } }\n    fn f(&self) -> u8 { open(&self.p) }\n}\n";
        let edits =
            [("p: P }", "p: P, f: F }"), ("B { p }", "B { p, f: F::new() }"), ("open(&self.p)", "kept(&self.f)")];
        let edit = |(from, to): &(&str, &str)| {
            let start = old.find(from).unwrap();
            TextEdit { range: TextRange::new(start, start + from.len()), text: to.to_string() }
        };
        let set = EditSet::new("a.rs", hash(old), edits.iter().map(edit).collect()).unwrap();
        let new = edits.iter().fold(old.to_owned(), |text, (from, to)| text.replacen(from, to, 1));
        let twinned = twin(&Change::new(&set, old, &new), &Effects::of([old]), ASK, 0);
        assert_eq!(twinned.twins.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["f"]);
        assert_eq!(twinned.left_out, ["new builds B, whose fields change"]);
    }

    #[test]
    fn a_trait_method_is_called_through_its_trait() {
        let text = shims("impl Score<u8> for S { fn f(&self) -> u8 { 1 } }", "1", "2", ASK);
        assert!(text.contains("black_box(<Self as Score<u8>>::f(self))"), "{text}");
    }
}
