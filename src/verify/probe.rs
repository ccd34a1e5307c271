//! Questions about types in; overlay texts with probe statements, and answers read back from rustc's warnings, out.
//!
//! A probe stands in code that is type-checked and never built: after a diverging expression the borrow checker and the
//! linker see nothing, so that a probe cannot break what compiles. A type is printed by the lint `trivial_casts` of a
//! cast to `&_`, which is judged after inference has ended; a trait is asked by a deprecated method that autoref
//! specialisation prefers where the bound holds. Both lints are forced on (`--force-warn`), whatever the crate allows.

use super::types::{KnownTypes, answer};
use crate::model::{Answer, Diagnostic, Probe, ProbeQuestion, TextRange};

/// What rustc needs to be told for the probes to be heard, and for nothing else to stop the build.
pub const FLAGS: &[&str] = &["--cap-lints", "warn", "--force-warn", "deprecated", "--force-warn", "trivial_casts"];

/// One file with all its probes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// Path relative to the project root.
    pub file: String,
    /// The text with the probes in it.
    pub text: String,
    /// Where each probe stands.
    slots: Vec<Slot>,
}

/// The places of one probe in the overlay text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Slot {
    id: usize,
    question: ProbeQuestion,
    whole: TextRange,
    subject: TextRange,
    yes: TextRange,
    no: TextRange,
}

/// What came of one probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The number it was asked under.
    pub id: usize,
    /// Yes, no, or not heard.
    pub answer: Answer,
    /// The type as rustc prints it, or what went wrong.
    pub said: String,
}

/// Puts numbered probes of one file into its text.
pub fn sheet(file: &str, text: &str, probes: &[(usize, &Probe)]) -> Sheet {
    let mut ordered: Vec<&(usize, &Probe)> = probes.iter().collect();
    ordered.sort_by_key(|(id, p)| (p.insert_at, *id));
    let mut out = String::with_capacity(text.len() + 400 * probes.len());
    let mut slots = Vec::new();
    let mut at = 0;
    for (id, probe) in ordered {
        let insert = probe.insert_at as usize;
        let (Some(before), Some(subject)) = (text.get(at..insert), text.get(probe.expr.bytes())) else { continue };
        out.push_str(before);
        at = insert;
        slots.push(statement(&mut out, *id, &probe.question, subject));
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Sheet { file: file.to_owned(), text: out, slots }
}

/// Reads the answers. A probe whose controls were not heard (another cfg, a target that is not built) stays open.
pub fn read(sheet: &Sheet, diagnostics: &[Diagnostic], known: &KnownTypes) -> Vec<Told> {
    let here: Vec<&Diagnostic> = diagnostics.iter().filter(|d| d.file == sheet.file).collect();
    sheet.slots.iter().map(|slot| told(slot, &here, known)).collect()
}

/// Numbers of the probes that rustc rejected, with what it said: they must be left out for the others to be heard.
pub fn rejected(sheet: &Sheet, diagnostics: &[Diagnostic]) -> Vec<(usize, String)> {
    let errors: Vec<&Diagnostic> = diagnostics.iter().filter(|d| d.file == sheet.file && d.is_error()).collect();
    let error_in =
        |slot: &Slot| errors.iter().find(|e| slot.whole.contains(e.range)).map(|e| (slot.id, e.message.clone()));
    sheet.slots.iter().filter_map(error_in).collect()
}

/// Writes the probe: definitions, the question, a control that must answer yes and, for a trait, one that must answer no.
fn statement(out: &mut String, id: usize, question: &ProbeQuestion, subject: &str) -> Slot {
    let start = out.len();
    out.push_str("if false { ::core::panic!(); ");
    let bound = match question {
        ProbeQuestion::Copy => Some(("::core::marker::Copy", "0u8", "::std::string::String::new()")),
        ProbeQuestion::Sync => Some(("::core::marker::Sync", "0u8", "::core::cell::Cell::new(0u8)")),
        _ => None,
    };
    let mut put = |text: String| {
        let from = out.len();
        out.push_str(&text);
        TextRange::new(from, out.len())
    };
    // The subject may end in a line comment: its bracket stands on a line of its own.
    let (subject, yes, no) = match bound {
        Some((bound, yes, no)) => {
            put(definitions(bound));
            let ask = |of: &str| format!("(&__refit_ask(&({of}\n))).__refit_answer(); ");
            (put(ask(subject)), put(ask(yes)), put(ask(no)))
        }
        None => {
            let cast = |of: &str| format!("let _ = &({of}\n) as &_; ");
            // What the lint says of one type it says of all: a second control would be a third of all messages.
            (put(cast(subject)), put(cast("::std::string::String::new()")), put(String::new()))
        }
    };
    out.push_str("} ");
    Slot { id, question: question.clone(), whole: TextRange::new(start, out.len()), subject, yes, no }
}

fn definitions(bound: &str) -> String {
    format!(
        "struct __RefitAsk<T: ?Sized>(::core::marker::PhantomData<T>); \
         fn __refit_ask<T: ?Sized>(_: &T) -> __RefitAsk<T> {{ __RefitAsk(::core::marker::PhantomData) }} \
         trait __RefitNo {{ fn __refit_answer(&self) {{}} }} \
         impl<T: ?Sized> __RefitNo for &__RefitAsk<T> {{}} \
         impl<T: ?Sized + {bound}> __RefitAsk<T> {{ #[deprecated(note = \"refit\")] fn __refit_answer(&self) {{}} }} "
    )
}

fn told(slot: &Slot, here: &[&Diagnostic], known: &KnownTypes) -> Told {
    let heard = |range: TextRange| -> Vec<&str> {
        here.iter().filter(|d| range.contains(d.range) && !d.range.is_empty()).filter_map(|d| lint(d)).collect()
    };
    let (subject, yes, no) = (heard(slot.subject), heard(slot.yes), heard(slot.no));
    let open = |said: &str| Told { id: slot.id, answer: Answer::Open, said: said.to_owned() };
    if let ProbeQuestion::Copy | ProbeQuestion::Sync = slot.question {
        if yes.is_empty() || !no.is_empty() {
            return open("the control did not answer: this code was not compiled");
        }
        let answer = if subject.is_empty() { Answer::Refuted } else { Answer::Holds };
        // One target may compile it with another type than the other: only what all of them say counts.
        if !subject.is_empty() && subject.len() < yes.len() {
            return open("the targets disagree");
        }
        return Told { id: slot.id, answer, said: String::new() };
    }
    if yes.is_empty() || yes.iter().any(|t| !matches!(*t, "String" | "std::string::String")) {
        return open("the control did not answer: this code was not compiled");
    }
    let answers: Vec<Option<bool>> = subject.iter().map(|printed| answer(&slot.question, printed, known)).collect();
    match answers.first() {
        Some(Some(first)) if answers.iter().all(|a| *a == Some(*first)) => {
            let answer = if *first { Answer::Holds } else { Answer::Refuted };
            Told { id: slot.id, answer, said: subject[0].to_owned() }
        }
        Some(_) => open(&format!("the type cannot be judged: {}", subject[0])),
        None => open("rustc did not print the type"),
    }
}

/// The type of `trivial cast: `&T` as `&T``, or that a deprecated probe answered.
fn lint(diagnostic: &Diagnostic) -> Option<&str> {
    match diagnostic.code.as_str() {
        "trivial_casts" => diagnostic.message.split('`').nth(1)?.strip_prefix('&').map(str::trim_start),
        "deprecated" if diagnostic.message.contains("__refit_answer") => Some("yes"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(text: &str, before: &str, expr: &str, question: ProbeQuestion) -> Probe {
        let insert_at = text.find(before).unwrap() as u32;
        let start = text.find(expr).unwrap();
        Probe { file: "lib.rs".into(), insert_at, expr: TextRange::new(start, start + expr.len()), question }
    }

    #[test]
    fn probes_at_one_place_stand_in_order_and_leave_the_rest_as_it_was() {
        let text = "fn f(v: &[u8]) { v.len(); }";
        let probes =
            [probe(text, "v.len", "v", ProbeQuestion::Copy), probe(text, "v.len", "v", ProbeQuestion::IsSequence)];
        let sheet = sheet("lib.rs", text, &[(7, &probes[0]), (3, &probes[1])]);
        assert_eq!(sheet.slots.iter().map(|s| s.id).collect::<Vec<_>>(), [3, 7]);
        let without: String = sheet.slots.iter().rev().fold(sheet.text.clone(), |mut t, s| {
            t.replace_range(s.whole.bytes(), "");
            t
        });
        assert_eq!(without, text);
        assert!(syn::parse_file(&sheet.text).is_ok());
    }

    #[test]
    fn silence_of_the_control_is_open_and_not_no() {
        let text = "fn f(v: &[u8]) { v.len(); }";
        let asked = probe(text, "v.len", "v", ProbeQuestion::Copy);
        let sheet = sheet("lib.rs", text, &[(0, &asked)]);
        let told = read(&sheet, &[], &KnownTypes::default());
        assert_eq!(told[0].answer, Answer::Open);
    }

    #[test]
    fn a_subject_with_a_line_comment_still_parses() {
        let text = "fn f(v: &[u8]) { g(v // all\n); }";
        let asked = probe(text, "g(v", "v // all\n", ProbeQuestion::IsSequence);
        assert!(syn::parse_file(&sheet("lib.rs", text, &[(0, &asked)]).text).is_ok());
    }
}
