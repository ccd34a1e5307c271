//! Edited files with both bodies of their functions in; tests that call each with made inputs, and what they say, out.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};

use super::agree::{Home, Shims};
use super::change::Change;
use super::purity::Effects;
use crate::model::RungState;
use crate::source::{FileRole, SourceFile};

mod bounds;
mod catalogue;
mod makers;
mod own;
mod recipes;
mod subject;

pub use catalogue::Catalogue;

/// The variable that lets the tests run; `small` in it keeps numbers small.
pub const VARIABLE: &str = "REFIT_PROPERTIES";

/// By which the tests are chosen.
pub const TESTS: &str = "__refit_properties";

const RUNTIME: &str = include_str!("../../templates/instrument/properties.rs");

/// Fewer inputs than this say little.
const FEWEST: u64 = 100;
/// Characters that a comparison tells of a value.
const SHOWN: usize = 240;

/// A function that is called with made inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The number of its pair.
    pub number: usize,
    /// Its name, with its type's where it is a method.
    pub name: String,
    /// How a test beside it calls it: `Stack::push`, `largest::<f64>`.
    pub called: String,
    /// Its arguments in order.
    pub arguments: Vec<Given>,
    /// True if anybody may call it. What calls a private function may never give it such input.
    pub is_public: bool,
}

/// How an argument is made and given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Its name in the function.
    pub name: String,
    /// The type that makes its values.
    pub owned: String,
    /// Before and after the value's name in the call.
    pub around: (&'static str, &'static str),
}

/// What is put behind one file, and why nothing is for some functions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// Text behind the file.
    pub text: String,
    /// Whom it calls.
    pub subjects: Vec<Subject>,
    /// The others.
    pub left_out: Vec<String>,
}

/// Where the tests stand, and what they may build on.
#[derive(Clone, Copy)]
pub struct Ground<'g> {
    /// Where the runtime of the comparison stands.
    pub home: Home,
    /// The files of the workspace, the changed ones as they are with the change.
    pub catalogue: &'g Catalogue,
    /// Which functions have effects.
    pub effects: &'g Effects,
}

/// Tests for the functions of a change whose calls are compared. `first_number` is that of its first function.
pub fn plan(change: &Change, shims: &Shims, first_number: usize, ground: Ground) -> Planned {
    let mut planned =
        Planned { left_out: shims.left_out.iter().map(|l| l.reason.clone()).collect(), ..Planned::default() };
    let Ok(file) = SourceFile::parse(&change.file, &change.new, &FileRole::default()) else { return planned };
    let mut tests = String::new();
    for (i, (old, new)) in change.functions().0.iter().enumerate() {
        let number = first_number + i;
        if shims.pairs.iter().all(|p| p.number != number) {
            continue;
        }
        match subject::of(&file, new.whole, ground) {
            Ok(found) => {
                let texts = [&change.old[old.whole.bytes()], &change.new[new.whole.bytes()]];
                tests += &found.test(number, &Known::of(&texts), ground.home);
                planned.subjects.push(found.into_subject(number));
            }
            Err(why) => planned.left_out.push(format!("{} {why}", new.name)),
        }
    }
    if !planned.subjects.is_empty() {
        planned.text = format!("\n{RUNTIME}\n#[cfg(test)]\n#[allow(warnings)]\nmod {TESTS} {{\n{tests}}}\n");
    }
    planned
}

/// Constants that a function compares its input with, most likely.
#[derive(Default)]
struct Known {
    numbers: BTreeSet<i128>,
    texts: BTreeSet<String>,
}

impl Known {
    fn of(texts: &[&str]) -> Known {
        let mut known = Known::default();
        for text in texts {
            if let Ok(tokens) = text.parse() {
                known.gather(tokens);
            }
        }
        known
    }

    fn gather(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(g) => self.gather(g.stream()),
                TokenTree::Literal(l) => match syn::Lit::new(l) {
                    syn::Lit::Int(n) => self.numbers.extend(n.base10_parse::<i128>()),
                    syn::Lit::Char(c) => drop(self.texts.insert(c.value().to_string())),
                    syn::Lit::Str(s) if s.value().len() <= 40 => drop(self.texts.insert(s.value())),
                    _ => {}
                },
                _ => {}
            }
        }
    }
}

/// The number of the function whose test is written on this line.
pub fn tested_in(line: &str) -> Option<usize> {
    let (number, rest) = line.strip_prefix("mod f")?.split_once(" { ")?;
    rest.contains("made::run::<").then(|| number.parse().ok())?
}

fn call(arguments: &[Given]) -> String {
    let given = |(i, a): (usize, &Given)| format!("{}a{i}{}", a.around.0, a.around.1);
    arguments.iter().enumerate().map(given).collect::<Vec<_>>().join(", ")
}

/// What the tests wrote of one function.
struct Told<'t> {
    made: Option<u64>,
    compared: u64,
    failed: Option<[&'t str; 4]>,
    is_random: bool,
    cannot: Option<&'t str>,
    in_part: Option<&'t str>,
}

/// Judges what was written: an input on which old and new differ refutes, with a test that keeps it from coming back.
pub fn judge(subjects: &[Subject], left_out: &[String], written: &str, ended: &str) -> (RungState, String, String) {
    let mut open: Vec<String> = left_out.to_vec();
    let mut agreed: Vec<String> = Vec::new();
    for subject in subjects {
        let (told, name) = (told_of(subject.number, written), &subject.name);
        if let Some([what, words, old, new]) = told.failed.filter(|_| !told.is_random) {
            let words: Vec<&str> = words.split('\u{1f}').collect();
            let arguments = subject.arguments.iter().zip(&words).map(|(a, w)| format!("{} = {w}", a.name));
            let arguments = arguments.collect::<Vec<_>>().join(", ");
            let said = format!("{name}({arguments}): {what} is {old} with the old code and {new} with the new");
            let test = regression(subject, &words, what, old);
            return match subject.is_public {
                true => (RungState::Failed, said, test),
                false => {
                    (RungState::Undecided, format!("{name} is private, and who calls it may never ask: {said}"), test)
                }
            };
        }
        match (told.made, told.cannot) {
            _ if told.is_random => open.push(format!("the old code of {name} differs from itself")),
            (None, _) => open.push(format!("made inputs end the tests of {name} ({ended})")),
            (_, Some(why)) => open.push(format!("{name}: {why}")),
            _ if told.in_part.is_some() => {
                let what = told.in_part.unwrap_or_default();
                open.push(format!("of {name}, {what} can be neither compared nor printed"));
            }
            (Some(made), None) if told.compared < FEWEST => {
                open.push(format!("only {} of {made} inputs of {name} could be compared", told.compared));
            }
            (Some(_), None) => agreed.push(format!("{} inputs of {name}", told.compared)),
        }
    }
    let agreed = if agreed.is_empty() { String::new() } else { format!("{} made, none differs", agreed.join(", ")) };
    match (open.is_empty(), agreed.is_empty()) {
        (true, true) => {
            (RungState::Undecided, String::from("no function body changes: there is nothing to call"), String::new())
        }
        (true, false) => (RungState::Passed, agreed, String::new()),
        (false, true) => (RungState::Undecided, open.join("; "), String::new()),
        (false, false) => (RungState::Undecided, format!("{}; {agreed}", open.join("; ")), String::new()),
    }
}

fn told_of(number: usize, written: &str) -> Told<'_> {
    let mut told = Told { made: None, compared: 0, failed: None, is_random: false, cannot: None, in_part: None };
    let wanted = number.to_string();
    for line in written.lines() {
        let words: Vec<&str> = line.split('\t').collect();
        match words[..] {
            ["M", site, made] if site == wanted => told.made = made.parse().ok(),
            ["F", site, what, words, old, new] if site == wanted => told.failed = Some([what, words, old, new]),
            ["C", _, _, site, compared, _] if site == wanted => {
                told.compared = told.compared.max(compared.parse().unwrap_or(0));
            }
            ["R", site, _] if site == wanted => told.is_random = true,
            ["X", site, why] if site == wanted => told.cannot = Some(why),
            ["P", site, what] if site == wanted => told.in_part = Some(what),
            _ => {}
        }
    }
    told
}

/// A test that passes with the old code and fails with the new.
fn regression(subject: &Subject, words: &[&str], what: &str, old: &str) -> String {
    let name = subject.name.replace("::", "_").to_lowercase();
    let bound = |(i, (a, word)): (usize, (&Given, &&str))| {
        let changes = if a.around.0 == "&mut " { "mut " } else { "" };
        format!("    let {changes}a{i} = {word};\n")
    };
    let lets: String = subject.arguments.iter().zip(words).enumerate().map(bound).collect();
    let call = format!("{}({})", subject.called, call(&subject.arguments));
    if old == "?" {
        return format!(
            "// What it gives cannot be printed. These arguments tell the new code from the old:\n{lets}{call}\n"
        );
    }
    if let Some(message) = old.strip_prefix("panic \"").and_then(|m| m.strip_suffix('"')) {
        return format!(
            "#[test]\n#[should_panic(expected = \"{message}\")]\nfn {name}_still_panics() {{\n{lets}    {call};\n}}\n"
        );
    }
    let changed = subject.arguments.iter().position(|a| what == format!("`{}` afterwards", a.name));
    let (before, value) = match changed {
        Some(i) => (format!("    {call};\n"), format!("a{i}")),
        None => (String::new(), call),
    };
    let shown = format!("format!(\"{{:?}}\", {value})");
    let check = match old.strip_suffix("...").filter(|_| old.chars().count() >= SHOWN) {
        Some(start) => format!("assert!({shown}.starts_with({start:?}));"),
        None => format!("assert_eq!({shown}, {old:?});"),
    };
    format!("#[test]\nfn {name}_gives_what_it_gave() {{\n{lets}{before}    {check}\n}}\n")
}

#[cfg(test)]
mod tests;
