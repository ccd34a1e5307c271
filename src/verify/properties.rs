//! Edited files with both bodies of their functions in; tests that call each with made inputs, and what they say, out.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};

use super::agree::{Home, Shims};
use super::change::Change;
use crate::model::{RungState, TextRange};
use crate::source::{FileRole, SourceFile};

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
    /// Its name.
    pub name: String,
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
    /// The type of the value that is made.
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

/// Tests for the functions of a change whose calls are compared. `first_number` is that of its first function.
pub fn plan(change: &Change, shims: &Shims, first_number: usize, home: Home) -> Planned {
    let mut planned =
        Planned { left_out: shims.left_out.iter().map(|l| l.reason.clone()).collect(), ..Planned::default() };
    let Ok(file) = SourceFile::parse(&change.file, &change.new, &FileRole::default()) else { return planned };
    let mut tests = String::new();
    for (i, (old, new)) in change.functions().0.iter().enumerate() {
        let number = first_number + i;
        if shims.pairs.iter().all(|p| p.number != number) {
            continue;
        }
        match subject(&file, new.whole, number) {
            Ok(subject) => {
                let texts = [&change.old[old.whole.bytes()], &change.new[new.whole.bytes()]];
                tests += &test(&subject, &Known::of(&texts), home);
                planned.subjects.push(subject);
            }
            Err(why) => planned.left_out.push(format!("{} {why}", new.name)),
        }
    }
    if !planned.subjects.is_empty() {
        planned.text = format!(
            "\n{RUNTIME}\n#[cfg(test)]\n#[allow(warnings)]\nmod {TESTS} {{\nuse super::__refit_made::{{self as made, Make as _}};\n{tests}}}\n"
        );
    }
    planned
}

fn subject(file: &SourceFile, whole: TextRange, number: usize) -> Result<Subject, String> {
    let is_it = |item: &&syn::Item| matches!(item, syn::Item::Fn(f) if file.range(&*f.block).end == whole.end);
    let Some(syn::Item::Fn(function)) = file.ast.items.iter().find(is_it) else {
        return Err(String::from("is a method or stands inside of something: no test can call it by its name alone"));
    };
    let sig = &function.sig;
    if sig.generics.type_params().next().is_some() || sig.generics.const_params().next().is_some() {
        return Err(String::from("is generic: its types are its callers'"));
    }
    if sig.inputs.is_empty() {
        return Err(String::from("takes no input"));
    }
    let argument = |arg: &syn::FnArg| match arg {
        syn::FnArg::Typed(t) => match &*t.pat {
            syn::Pat::Ident(p) => given(&t.ty, p.ident.to_string())
                .ok_or_else(|| format!("takes `{}`, of which no value can be made", file.text_of(&*t.ty))),
            _ => Err(String::from("has an argument without a name")),
        },
        syn::FnArg::Receiver(_) => Err(String::from("is a method")),
    };
    let arguments = sig.inputs.iter().map(argument).collect::<Result<Vec<_>, _>>()?;
    if arguments.len() > 6 {
        return Err(String::from("takes more than 6 arguments"));
    }
    let is_public = matches!(function.vis, syn::Visibility::Public(_));
    Ok(Subject { number, name: sig.ident.to_string(), arguments, is_public })
}

fn given(ty: &syn::Type, name: String) -> Option<Given> {
    let text = || String::from("::std::string::String");
    let (owned, around) = match ty {
        syn::Type::Reference(r) => match (&*r.elem, r.mutability.is_some()) {
            (syn::Type::Path(p), false) if p.path.is_ident("str") => (text(), ("&", "[..]")),
            (syn::Type::Slice(s), false) if is_text(&s.elem) => (
                format!("::std::vec::Vec<{}>", text()),
                ("&", ".iter().map(|t| &t[..]).collect::<::std::vec::Vec<_>>()[..]"),
            ),
            (syn::Type::Slice(s), false) => (format!("::std::vec::Vec<{}>", owned(&s.elem)?), ("&", "[..]")),
            (syn::Type::Slice(s), true) => (format!("::std::vec::Vec<{}>", owned(&s.elem)?), ("&mut ", "[..]")),
            (other, false) => (owned(other)?, ("&", "")),
            (other, true) => (owned(other)?, ("&mut ", "")),
        },
        other => match optional(other) {
            Some(syn::Type::Reference(r)) if is_text(&syn::Type::Reference(r.clone())) => {
                (format!("::std::option::Option<{}>", text()), ("", ".as_deref()"))
            }
            Some(syn::Type::Reference(r)) if r.mutability.is_none() => {
                (format!("::std::option::Option<{}>", owned(&r.elem)?), ("", ".as_ref()"))
            }
            _ => (owned(other)?, ("", "")),
        },
    };
    Some(Given { name, owned, around })
}

fn is_text(ty: &syn::Type) -> bool {
    let syn::Type::Reference(r) = ty else { return false };
    r.mutability.is_none() && matches!(&*r.elem, syn::Type::Path(p) if p.path.is_ident("str"))
}

fn optional(ty: &syn::Type) -> Option<&syn::Type> {
    let syn::Type::Path(p) = ty else { return None };
    let last = p.path.segments.last().filter(|s| s.ident == "Option")?;
    one_argument(last)
}

fn one_argument(segment: &syn::PathSegment) -> Option<&syn::Type> {
    let syn::PathArguments::AngleBracketed(a) = &segment.arguments else { return None };
    match a.args.first()? {
        syn::GenericArgument::Type(ty) if a.args.len() == 1 => Some(ty),
        _ => None,
    }
}

/// The type by its full name, if values of it can be made.
fn owned(ty: &syn::Type) -> Option<String> {
    const SCALARS: &[&str] = &[
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64", "bool",
        "char",
    ];
    match ty {
        syn::Type::Paren(p) => owned(&p.elem),
        syn::Type::Tuple(t) if (1..=6).contains(&t.elems.len()) => {
            let all = t.elems.iter().map(owned).collect::<Option<Vec<_>>>()?;
            Some(format!("({},)", all.join(", ")))
        }
        syn::Type::Path(p) if p.qself.is_none() => {
            let last = p.path.segments.last()?;
            let name = last.ident.to_string();
            match name.as_str() {
                name if SCALARS.contains(&name) => Some(format!("::std::primitive::{name}")),
                "String" => Some(String::from("::std::string::String")),
                "Vec" => Some(format!("::std::vec::Vec<{}>", owned(one_argument(last)?)?)),
                "Option" => Some(format!("::std::option::Option<{}>", owned(one_argument(last)?)?)),
                _ => None,
            }
        }
        _ => None,
    }
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

fn test(subject: &Subject, known: &Known, home: Home) -> String {
    let Subject { number, name, arguments, .. } = subject;
    let agree = home.path(1);
    let each = |f: &dyn Fn(usize, &Given) -> String| -> String {
        arguments.iter().enumerate().map(|(i, a)| f(i, a)).collect::<Vec<_>>().join(", ")
    };
    let types = each(&|_, a| a.owned.clone());
    let names = each(&|i, _| format!("mut a{i}"));
    let spelled = each(&|i, _| format!("v.{i}.spell()"));
    let numbers: Vec<String> = known.numbers.iter().map(|n| n.to_string()).collect();
    let texts: Vec<String> = known.texts.iter().map(|t| format!("{t:?}")).collect();
    format!(
        "#[test]\nfn f{number}() {{ {agree}::patient(); made::run::<({types},)>({number}, &[{}], &[{}], \
         |({names},)| {{ let _ = super::{name}({}); }}, |v| ::std::vec![{spelled}], {agree}::last, {agree}::write); }}\n",
        numbers.join(", "),
        texts.join(", "),
        call(arguments),
    )
}

/// The number of the function whose test is written on this line.
pub fn tested_in(line: &str) -> Option<usize> {
    let (number, rest) = line.strip_prefix("fn f")?.split_once("() { ")?;
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
    let mut told = Told { made: None, compared: 0, failed: None, is_random: false, cannot: None };
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
            ["X" | "P", site, why] if site == wanted => told.cannot = Some(why),
            _ => {}
        }
    }
    told
}

/// A test that passes with the old code and fails with the new.
fn regression(subject: &Subject, words: &[&str], what: &str, old: &str) -> String {
    let name = &subject.name;
    let bound = |(i, (a, word)): (usize, (&Given, &&str))| {
        let changes = if a.around.0 == "&mut " { "mut " } else { "" };
        format!("    let {changes}a{i} = {word};\n")
    };
    let lets: String = subject.arguments.iter().zip(words).enumerate().map(bound).collect();
    let call = format!("{name}({})", call(&subject.arguments));
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
