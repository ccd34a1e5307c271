//! Edited files in; insertions that run old and new body of each touched function on copies of its arguments, out.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Argument, Change, Function, Owner, Passing};
use super::compare::{self, Slot};
use super::purity::Effects;
use super::twin::removed_imports;

/// The variable that names the file in which comparisons write.
pub const VARIABLE: &str = "REFIT_AGREE";

const RUNTIME: &str = include_str!("../../templates/instrument/agree.rs");
const SERIALISED: &str = include_str!("../../templates/instrument/serialised.rs");
const MODULE: &str = "__refit_agree";
/// What of the runtime must be in scope where values are asked what they can do.
pub(super) const TRAITS: &str =
    "ByText as _, BySerialised as _, NotCloned as _, NotCompared as _, NotShown as _, ShownSerialised as _";

/// Where the runtime of the comparison stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// In the edited file, where it is the only one.
    InFile,
    /// In the crate's root, so that the functions of several files know of one another.
    InRoot,
}

impl Home {
    /// The path of the runtime from inside so many modules of a file.
    pub fn path(self, depth: usize) -> String {
        self.module(depth, MODULE)
    }

    /// The path of another module that stands beside the runtime.
    pub(super) fn module(self, depth: usize, name: &str) -> String {
        match (self, depth) {
            (Home::InRoot, _) => format!("crate::{name}"),
            (_, 0) => format!("self::{name}"),
            (_, depth) => format!("{}{name}", "super::".repeat(depth)),
        }
    }
}

/// A touched function whose calls are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Number under which it writes; those of proposal `p` begin at `256 p`.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// True if arguments that it changes are compared, too.
    pub changes_arguments: bool,
}

/// A touched function whose calls are not compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Whose function it is, from 0.
    pub proposal: usize,
    /// The function and the reason.
    pub reason: String,
}

/// What is put into one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shims {
    /// Offsets of the new text with what stands there, in order.
    pub inserts: Vec<(u32, String)>,
    /// Numbers of all functions that hold both bodies.
    pub numbers: Vec<usize>,
    /// Those whose calls are compared.
    pub pairs: Vec<Pair>,
    /// Those whose are not, and why.
    pub left_out: Vec<LeftOut>,
}

/// One proposal's part of a file.
pub struct Part<'c> {
    /// Which proposal, from 0.
    pub proposal: usize,
    /// Its edits.
    pub change: &'c Change,
    /// The number of its first function in this file.
    pub first_number: usize,
    /// Structs of which it changes the fields, in any of its files.
    pub reshaped: &'c BTreeSet<String>,
}

/// The shims of one file. `without` are functions by number that did not compile with both bodies, and why.
pub fn shims(parts: &[Part], effects: &Effects, home: Home, without: &BTreeMap<usize, String>) -> Shims {
    let mut shims = Shims::default();
    for part in parts {
        let (pairs, signatures) = part.change.functions();
        let changed = signatures.iter().map(|n| format!("the signature of {n} changes"));
        shims.left_out.extend(changed.map(|reason| LeftOut { proposal: part.proposal, reason }));
        for (i, (old, new)) in pairs.iter().enumerate() {
            let number = part.first_number + i;
            let mut leave = |reason| shims.left_out.push(LeftOut { proposal: part.proposal, reason });
            let shape = || part.reshaped.first().map(|name| other_data(name));
            if let Some(reason) = without.get(&number).cloned().or_else(|| lone(new)).or_else(shape) {
                leave(format!("{} {reason}", new.name));
                continue;
            }
            let prologue = match obstacle(part.change, old, new, effects) {
                Some(reason) => {
                    leave(format!("{} {reason}", new.name));
                    String::new()
                }
                None => {
                    let arguments = new.arguments.as_deref().unwrap_or_default();
                    let changes_arguments = arguments.iter().any(|a| a.passing.is_changed());
                    shims.pairs.push(Pair { number, name: new.name.clone(), changes_arguments });
                    prologue(new, arguments, number, &home.path(new.depth))
                }
            };
            shims.numbers.push(number);
            let imports = if new.depth == 0 { removed_imports(part.change) } else { String::new() };
            let old_body = &part.change.old[old.body.bytes()];
            let module = home.path(new.depth);
            shims.inserts.extend([
                (new.whole.start, String::from("#[allow(warnings)] ")),
                (new.body.start, format!("{{ {prologue}if {module}::is_old({number}) {{ {imports}{old_body} }} else ")),
                (new.body.end, format!(" }} /* refit {number} */")),
            ]);
        }
    }
    shims.inserts.sort_by_key(|(at, _)| *at);
    shims
}

/// The text with what is put into it.
pub fn with_shims(text: &str, shims: &Shims) -> String {
    let (mut out, mut done) = (String::with_capacity(text.len() * 2), 0);
    for (at, piece) in &shims.inserts {
        out.push_str(&text[done..*at as usize]);
        out.push_str(piece);
        done = *at as usize;
    }
    out + &text[done..]
}

/// The text with the runtime behind it; `knows_serde` where the crate can name serde.
pub fn with_runtime(text: &str, knows_serde: bool) -> String {
    let by_serde = if knows_serde { SERIALISED } else { "" };
    format!("{text}\n{}", RUNTIME.replace("    // refit: serialised\n", by_serde))
}

/// Which functions (by number) of a shimmed text stand at one of these lines, from 1.
pub fn standing_at(text: &str, numbers: &[usize], lines: &[u32]) -> Vec<usize> {
    let line_of = |at: usize| text[..at].matches('\n').count() as u32 + 1;
    let is_hit = |number: &&usize| {
        let first = text.find(&format!("{MODULE}::is_old({number}) "));
        let last = text.find(&format!("/* refit {number} */"));
        let (Some(first), Some(last)) = (first, last) else { return false };
        lines.iter().any(|l| (line_of(first)..=line_of(last)).contains(l))
    };
    numbers.iter().filter(is_hit).copied().collect()
}

/// Why both bodies cannot stand in one function.
fn lone(new: &Function) -> Option<String> {
    if new.is_const {
        return Some(String::from("is a const fn, which cannot choose between two bodies"));
    }
    if new.is_async {
        return Some(String::from("is async: what it awaits cannot be run twice"));
    }
    new.is_opaque.then(|| String::from("gives back an `impl Trait`, which is another type for another body"))
}

/// An old body leaves out what the new fields need, and the other way about.
fn other_data(name: &str) -> String {
    format!("works on {name}, whose fields change: old and new body have no data in common")
}

/// Why its calls cannot be run twice.
fn obstacle(change: &Change, old: &Function, new: &Function, effects: &Effects) -> Option<String> {
    if new.takes_closures {
        return Some(String::from("takes closures, whose effects are not known"));
    }
    if new.arguments.is_none() {
        return Some(String::from("has an argument without a name of its own, which cannot be given again"));
    }
    let texts = [&change.old[old.whole.bytes()], &change.new[new.whole.bytes()]];
    let cause = texts.iter().find_map(|text| effects.cause(text))?;
    Some(format!("has effects besides its result ({cause}), so that it is not run twice"))
}

/// What stands before the two bodies: both are run on copies, and what comes of them is compared.
fn prologue(function: &Function, arguments: &[Argument], number: usize, module: &str) -> String {
    let slots: Vec<Slot> = arguments.iter().map(slot).collect();
    let refused: String = arguments.iter().filter(|a| a.passing.is_copied()).map(refused).collect();
    let shown: Vec<String> = arguments.iter().map(|a| format!("(\"{0}\", __R::Of(&{0}).shown())", a.name)).collect();
    format!(
        "if let ::std::option::Option::Some(mut __refit) = {module}::begin({number}) {{ \
         use {module}::{{self as __R, {TRAITS}}}; \
         {refused}{compared} \
         if __refit.differs() {{ __refit.tell(&[{shown}]); }} }} ",
        compared = compare::text(&slots, number, &path(function)),
        shown = shown.join(", "),
    )
}

fn slot(argument: &Argument) -> Slot {
    Slot {
        label: argument.name.clone(),
        given: argument.name.clone(),
        passing: argument.passing,
        copy: format!("{}.copied()", of(argument)),
    }
}

fn refused(argument: &Argument) -> String {
    let asked = of(argument);
    format!("if !{asked}.clones() {{ __refit.cannot(\"the argument `{}` cannot be cloned\"); }} else ", argument.name)
}

/// The argument as the question whether it can be copied.
fn of(argument: &Argument) -> String {
    let name = &argument.name;
    match argument.passing {
        Passing::ChangedSlice => format!("__R::OfSlice(&*{name})"),
        Passing::Changed => format!("__R::Of(&*{name})"),
        _ => format!("__R::Of(&{name})"),
    }
}

/// The function as its own body names it.
fn path(function: &Function) -> String {
    let name = &function.name;
    let path = match &function.owner {
        Owner::Free => name.clone(),
        Owner::Type => format!("Self::{name}"),
        Owner::Trait(path) => format!("<Self as {path}>::{name}"),
    };
    match function.generics.is_empty() {
        true => path,
        false => format!("{path}::<{}>", function.generics.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EditSet, TextEdit, TextRange};
    use crate::source::hash;

    fn shimmed(old: &str, from: &str, to: &str) -> (String, Shims) {
        shimmed_by(old, &[(from, to)])
    }

    fn shimmed_by(old: &str, edits: &[(&str, &str)]) -> (String, Shims) {
        let edit = |(from, to): &(&str, &str)| {
            let start = old.find(from).unwrap();
            TextEdit { range: TextRange::new(start, start + from.len()), text: to.to_string() }
        };
        let set = EditSet::new("a.rs", hash(old), edits.iter().map(edit).collect()).unwrap();
        let new = crate::source::apply(&set, old).unwrap();
        let change = Change::new(&set, old, &new);
        let reshaped = change.reshaped();
        let part = Part { proposal: 0, change: &change, first_number: 0, reshaped: &reshaped };
        let shims = shims(&[part], &Effects::of([old]), Home::InFile, &BTreeMap::new());
        let mut text = new;
        for (at, piece) in shims.inserts.iter().rev() {
            text.insert_str(*at as usize, piece);
        }
        assert!(syn::parse_file(&text).is_ok(), "{text}");
        (text, shims)
    }

    #[track_caller]
    fn left_out(old: &str, from: &str, to: &str, expected: &str) {
        let (text, shims) = shimmed(old, from, to);
        assert_eq!(shims.left_out.iter().map(|l| l.reason.as_str()).collect::<Vec<_>>(), [expected]);
        assert!(shims.pairs.is_empty() && !text.contains("::begin("), "{text}");
    }

    #[test]
    fn arguments_that_can_be_given_again_need_no_copies() {
        let (text, shims) = shimmed("pub fn f(v: &[u8], n: usize) -> usize {\n    old(v) + n\n}\n", "old(v)", "new(v)");
        assert_eq!((shims.pairs.len(), shims.left_out.len()), (1, 0));
        assert!(
            text.contains("if let () = () { let __result = { let __was = { __R::run(0, __R::OLD, move || f(v, n)) };"),
            "{text}"
        );
        assert!(
            text.contains(
                "if self::__refit_agree::is_old(0) { {\n    old(v) + n\n} } else {\n    new(v) + n\n} } /* refit 0 */"
            ),
            "{text}"
        );
    }

    #[test]
    fn what_a_body_may_change_or_take_is_copied_for_each_run() {
        let code = "mod m { impl S { fn f<T: Clone>(&mut self, t: T, v: &mut [u8]) -> u8 { self.n += 1; 1 } } }";
        let (text, shims) = shimmed(code, "+= 1", "+= 2");
        assert!(shims.pairs[0].changes_arguments);
        assert!(text.contains("let __ref0 = &mut __old0; let __ref2 = &mut __old2[..]; __R::run(0, __R::OLD, move || Self::f::<T>(__ref0, __old1, __ref2))"), "{text}");
        assert!(
            text.contains("__refit.part(\"`self` afterwards\"") && text.contains("__refit.part(\"`v` afterwards\"")
        );
        assert!(!text.contains("`t` afterwards"));
        assert!(text.contains("super::__refit_agree::begin(0)"));
    }

    #[test]
    fn what_cannot_be_run_twice_is_left_out_with_its_reason() {
        left_out("const fn f() -> u8 { 1 }", "1", "2", "f is a const fn, which cannot choose between two bodies");
        left_out("async fn f() -> u8 { 1 }", "1", "2", "f is async: what it awaits cannot be run twice");
        left_out(
            "fn f() -> impl Iterator<Item = u8> { g(1) }",
            "1",
            "2",
            "f gives back an `impl Trait`, which is another type for another body",
        );
        left_out(
            "fn f<F>(g: F) -> u8 where F: Fn(u8) -> u8 { g(1) }",
            "1",
            "2",
            "f takes closures, whose effects are not known",
        );
        left_out(
            "fn f((a, b): (u8, u8)) -> u8 { a + 1 }",
            "1",
            "2",
            "f has an argument without a name of its own, which cannot be given again",
        );
        left_out(
            "fn f(w: &W) { w.flush(); g(1) }",
            "1",
            "2",
            "f has effects besides its result (it calls `flush`), so that it is not run twice",
        );
    }

    #[test]
    fn what_keeps_other_data_is_not_compared() {
        let old = "struct S { n: u8 }\nimpl S { fn f(&self) -> u8 { self.n } }";
        let (_, shims) = shimmed_by(old, &[("n: u8", "n: u8, m: u8"), ("self.n", "self.m")]);
        let reasons: Vec<&str> = shims.left_out.iter().map(|l| l.reason.as_str()).collect();
        assert_eq!(reasons, ["f works on S, whose fields change: old and new body have no data in common"]);
        assert!(shims.inserts.is_empty());
    }

    #[test]
    fn a_function_that_is_not_compared_still_follows_the_others() {
        let (text, shims) = shimmed("fn f(w: &W) { w.flush(); g(1) }", "1", "2");
        assert_eq!(shims.numbers, [0]);
        assert!(text.contains("if self::__refit_agree::is_old(0) {"), "{text}");
    }

    #[test]
    fn lines_of_errors_lead_to_the_function_around_them() {
        let (text, _) = shimmed("fn a() {}\nfn f(v: &[u8]) -> usize {\n    old(v)\n}\nfn b() {}\n", "old(v)", "new(v)");
        assert_eq!(standing_at(&text, &[0], &[1]), [0; 0]);
        assert_eq!(standing_at(&text, &[0], &[3]), [0], "{text}");
        assert_eq!(standing_at(&text, &[0], &[5]), [0], "the new body, too");
        assert_eq!(standing_at(&text, &[0], &[7]), [0; 0]);
    }
}
