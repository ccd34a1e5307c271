//! A file with chosen mutants and shims in; one text that holds them all, of which a variable chooses one when it runs,
//! out; and the compiler's errors led back to the mutants that they speak of.

use std::collections::BTreeSet;

use super::agree::{Home, Shims};
use super::mutate::{ASKED, Mutant};
use crate::model::TextRange;

/// The variable that chooses a mutant by its number, or names the file that tells which are come by.
pub const VARIABLE: &str = "REFIT_MUTANT";

const RUNTIME: &str = include_str!("../../templates/instrument/mutants.rs");
const MODULE: &str = "__refit_mutants";

/// A text with mutants in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// File relative to the project root.
    pub file: String,
    /// The text to build.
    pub text: String,
    pieces: Vec<(TextRange, Owner)>,
    places: Vec<(TextRange, usize)>,
}

/// Who put a piece of text there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Mutant(usize),
    Shim,
}

/// What an error speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blamed {
    /// Mutants by number.
    pub mutants: BTreeSet<usize>,
    /// True if it stands in what compares old and new.
    pub shims: bool,
}

/// Puts mutants and shims into the text of a file. `functions` are the starts of the functions that hold mutants.
pub fn sheet(file: &str, text: &str, mutants: &[&Mutant], functions: &[u32], shims: &Shims, home: Home) -> Sheet {
    let mut marks = marks(mutants, home);
    let shim = |at: u32, text: &str| Mark { at, turn: Turn::Between, text: text.to_owned(), owner: Owner::Shim };
    marks.extend(shims.inserts.iter().map(|(at, text)| shim(*at, text)));
    // Warnings speak of the mutants, not of the new code.
    marks.extend(functions.iter().map(|at| shim(*at, "#[allow(warnings)] ")));
    marks.sort_by_key(|m| (m.at, m.turn));
    let mut sheet = Sheet { file: file.to_owned(), ..Sheet::default() };
    let (mut done, mut open) = (0, Vec::new());
    for mark in marks {
        sheet.text.push_str(&text[done..mark.at as usize]);
        done = mark.at as usize;
        let start = sheet.text.len();
        sheet.text.push_str(&mark.text);
        let range = TextRange::new(start, sheet.text.len());
        sheet.pieces.push((range, mark.owner));
        match (mark.turn, mark.owner) {
            (Turn::Open(..), Owner::Mutant(number)) => open.push((number, start)),
            (Turn::Close(..), Owner::Mutant(number)) => {
                if let Some(i) = open.iter().rposition(|(n, _)| *n == number) {
                    let (_, start) = open.remove(i);
                    sheet.places.push((TextRange::new(start, range.end as usize), number));
                }
            }
            _ => {}
        }
    }
    sheet.text.push_str(&text[done..]);
    sheet
}

/// The text with what chooses among the mutants behind it.
pub fn with_runtime(text: &str) -> String {
    format!("{text}\n{RUNTIME}")
}

impl Sheet {
    /// Which mutants an error at these bytes speaks of: the one that wrote them, else the innermost around them, else
    /// all inside of them.
    pub fn blame(&self, error: TextRange) -> Blamed {
        let mut blamed = Blamed::default();
        if let Some((_, owner)) = self.pieces.iter().find(|(range, _)| range.contains(error)) {
            match owner {
                Owner::Mutant(number) => blamed.mutants.extend([*number]),
                Owner::Shim => blamed.shims = true,
            }
            return blamed;
        }
        let around = self.places.iter().filter(|(range, _)| range.contains(error));
        if let Some((_, number)) = around.min_by_key(|(range, _)| range.len()) {
            blamed.mutants.insert(*number);
            return blamed;
        }
        blamed.mutants.extend(self.places.iter().filter(|(range, _)| error.contains(*range)).map(|(_, n)| *n));
        let inserted = self.pieces.iter().filter(|(range, _)| error.contains(*range));
        blamed.mutants.extend(inserted.filter_map(|(_, owner)| match owner {
            Owner::Mutant(number) => Some(*number),
            Owner::Shim => None,
        }));
        blamed
    }
}

/// What is written at one offset of the text.
struct Mark {
    at: u32,
    turn: Turn,
    text: String,
    owner: Owner,
}

/// Marks at one offset stand in this order: what ends, inner ones first; what stands between; what begins, outer ones
/// first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Close(std::cmp::Reverse<u32>, std::cmp::Reverse<usize>),
    Between,
    Open(std::cmp::Reverse<u32>, usize),
}

fn marks(mutants: &[&Mutant], home: Home) -> Vec<Mark> {
    use std::cmp::Reverse;
    let mut marks = Vec::new();
    for m in mutants {
        let asked = format!("{}::is({})", home.module(m.depth, MODULE), m.number);
        let mark =
            |at, turn, text: &str| Mark { at, turn, text: text.replace(ASKED, &asked), owner: Owner::Mutant(m.number) };
        if m.range.is_empty() {
            marks.push(mark(m.range.start, Turn::Between, &m.before));
            continue;
        }
        marks.push(mark(m.range.start, Turn::Open(Reverse(m.range.end), m.number), &m.before));
        marks.push(mark(m.range.end, Turn::Close(Reverse(m.range.start), Reverse(m.number)), &m.after));
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EditSet, TextEdit};
    use crate::source::hash;
    use crate::verify::change::Change;
    use crate::verify::mutate::mutants;

    fn change(old: &str, from: &str, to: &str) -> Change {
        let start = old.find(from).unwrap();
        let edit = TextEdit { range: TextRange::new(start, start + from.len()), text: to.to_owned() };
        Change::new(&EditSet::new("a.rs", hash(old), vec![edit]).unwrap(), old, &old.replacen(from, to, 1))
    }

    fn made(old: &str, from: &str, to: &str) -> (Vec<Mutant>, Sheet) {
        let change = change(old, from, to);
        let found = mutants(&change, 1);
        let all: Vec<&Mutant> = found.all.iter().collect();
        let sheet = sheet("a.rs", &change.new, &all, &found.functions, &Shims::default(), Home::InFile);
        assert!(syn::parse_file(&sheet.text).is_ok(), "{}", sheet.text);
        (found.all, sheet)
    }

    #[test]
    fn mutants_of_one_place_and_of_places_in_places_nest() {
        let (all, sheet) = made("mod m { fn f(a: u8) -> u8 { g(a) } }", "g(a)", "a + 1");
        insta::assert_snapshot!(sheet.text, @"mod m { #[allow(warnings)] fn f(a: u8) -> u8 { if super::__refit_mutants::is(5) { return 0; } if super::__refit_mutants::is(6) { return 1; } (if super::__refit_mutants::is(1) { (a) - (1) } else { (if super::__refit_mutants::is(2) { (a) * (1) } else { a + (if super::__refit_mutants::is(3) { 2 } else { (if super::__refit_mutants::is(4) { 0 } else { 1 }) }) }) }) } }");
        assert_eq!(all.len(), 6);
    }

    #[test]
    fn every_text_of_mutants_parses() {
        made(
            "fn f(v: &mut Vec<u8>, s: &str) -> Option<usize> { old() }",
            "old()",
            "if v.len() > 3 && !s.is_empty() { v.push(1); return None; }\n\
             while let Some(x) = v.pop() && x != 2 { v[0] -= x; }\n\
             for i in 1..v.len() { if i % 2 == 0 { continue; } v[i] = -1i8 as u8; }\n\
             let n = match s { \"a\" => 1, t if t.len() < 9 => 2, _ => 3 };\n\
             let all: Vec<u8> = v.iter().filter(|x| **x > 4).map(|x| x << 1).collect();\n\
             Some(all.iter().map(|x| *x as usize).max()? + n)",
        );
    }

    #[test]
    fn an_error_leads_to_the_mutant_that_wrote_it() {
        let (all, sheet) = made("fn f(a: u8) -> u8 { g(a) }", "g(a)", "h(a + 1)");
        let at = |text: &str| {
            let start = sheet.text.find(text).unwrap();
            TextRange::new(start, start + text.len())
        };
        let blamed = |range| {
            let blamed: Blamed = sheet.blame(range);
            blamed.mutants.iter().map(|n| all[n - 1].what.clone()).collect::<Vec<_>>()
        };
        assert_eq!(blamed(at("(a) * (1)")), ["`*` for `+`"]);
        assert_eq!(blamed(at("return 0;")), ["early `return 0`"]);
        assert_eq!(blamed(at("fn f")), [""; 0]);
        let whole = TextRange::new(sheet.text.find("h(").unwrap(), sheet.text.rfind('}').unwrap());
        assert_eq!(blamed(whole).len(), 4, "all inside of what the error speaks of");
    }

    #[test]
    fn an_error_in_the_code_itself_leads_to_the_innermost_mutant_around_it() {
        let (all, sheet) = made("fn f(a: u8) -> u8 { g(a) }", "g(a)", "h(a) + 1");
        let start = sheet.text.rfind("h(a)").unwrap();
        let blamed = sheet.blame(TextRange::new(start, start + 4));
        let number = blamed.mutants.first().unwrap();
        assert_eq!((blamed.mutants.len(), all[number - 1].what.as_str()), (1, "`*` for `+`"));
    }

    #[test]
    fn an_error_in_a_shim_is_the_shims() {
        let change = change("fn f(a: u8) -> u8 { g(a) }", "g(a)", "h(a)");
        let shims = Shims { inserts: vec![(18, "{ if old() { g(a) } else ".into())], ..Shims::default() };
        let sheet = sheet("a.rs", &change.new, &[], &[], &shims, Home::InFile);
        let start = sheet.text.find("old()").unwrap();
        assert!(sheet.blame(TextRange::new(start, start + 5)).shims, "{}", sheet.text);
    }
}
