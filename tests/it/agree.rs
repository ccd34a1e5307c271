//! Old and new on the calls of the tests: what differs there is refuted with its arguments, what cannot be compared is said.

use std::collections::BTreeMap;
use std::process::Command;

use refit::jobs::{Ear, prove};
use refit::model::*;
use refit::source;
use refit::verify::agree::{Home, Part, shims, with_runtime};
use refit::verify::change::Change;
use refit::verify::purity::Effects;

use crate::twins::FORMS;
use crate::verify::{UNMEASURED, open, proposal, states, tiny_with};

/// Functions that the tests call, and assert little of.
const LIB: &str = r#"//! What the twins are asked about.
#![deny(warnings)]
use std::collections::HashSet;
use std::sync::Mutex;

/// Where `wanted` stands.
pub fn positions(items: &[u64], wanted: u64) -> Vec<usize> {
    let mut found = Vec::new();
    for (i, item) in items.iter().enumerate() {
        if *item == wanted {
            found.push(i);
        }
    }
    found
}

/// One item.
pub fn pick(items: &[u8], at: usize) -> u8 {
    if at >= items.len() {
        panic!("no item {at} of {}", items.len());
    }
    items[at]
}

/// Appends squares.
pub fn fill(out: &mut Vec<u64>, n: u64) -> usize {
    for i in 0..n {
        out.push(i * i);
    }
    out.len()
}

/// In the order of a set.
pub fn unordered(items: &[u64]) -> Vec<u64> {
    let set: HashSet<u64> = items.iter().copied().collect();
    set.into_iter().collect()
}

/// Writes it down.
pub fn noted(book: &Mutex<Vec<u64>>, item: u64) -> u64 {
    book.lock().unwrap().push(item);
    item + 1
}

/// Only one of it.
pub struct Token(u64);

/// Takes it.
pub fn spend(token: Token) -> u64 {
    token.0 + 2
}

/// The sum.
pub fn sum(items: &[f64]) -> f64 {
    items.iter().fold(0.0, |a, b| a + b)
}

/// The mean, which is no number of nothing.
pub fn mean(items: &[f64]) -> f64 {
    let n = items.len() as f64;
    items.iter().fold(0.0, |a, b| a + b) / n
}

/// Waits.
pub async fn waits(n: u64) -> u64 {
    n + 3
}

/// The largest.
pub fn largest<T: PartialOrd + Copy>(items: &[T]) -> Option<T> {
    let mut best = *items.first()?;
    for item in items {
        if *item > best {
            best = *item;
        }
    }
    Some(best)
}

/// What stands so far from the end.
pub fn from_end<T>(items: &[T], n: usize) -> Option<&T> {
    items.iter().rev().nth(n)
}

/// A pile.
#[derive(Clone, Default)]
pub struct Pile {
    items: Vec<u64>,
    sum: u64,
}

impl std::fmt::Debug for Pile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pile of {} with {:?}", self.sum, self.items)
    }
}

impl Pile {
    /// Puts one on top.
    pub fn put(&mut self, item: u64) -> &u64 {
        self.items.push(item);
        self.sum += item;
        &self.items[self.items.len() - 1]
    }

    /// Takes all but some.
    pub fn keep(&mut self, n: usize) {
        while self.items.len() > n {
            let last = self.items.pop().unwrap();
            self.sum -= last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_called() {
        assert_eq!(positions(&[1, 2], 2), [1]);
        positions(&[5, 5, 6], 5);
        assert_eq!(pick(&[7, 8], 1), 8);
        assert!(std::panic::catch_unwind(|| pick(&[7], 3)).is_err());
        let mut out = Vec::new();
        assert_eq!(fill(&mut out, 3), 3);
        unordered(&(0..50).collect::<Vec<u64>>());
        let book = Mutex::new(Vec::new());
        assert_eq!(noted(&book, 4), 5);
        assert_eq!(book.lock().unwrap().len(), 1, "it was called once");
        assert_eq!(spend(Token(1)), 3);
        sum(&[1.0, 1e16, -1e16]);
        assert!(mean(&[]).is_nan());
        assert_eq!(mean(&[2.0, 4.0]), 3.0);
        drop(waits(1));
        assert_eq!(largest(&[1, 3, 2]), Some(3));
        assert_eq!(largest::<f64>(&[]), None);
        assert_eq!(from_end(&[1, 3, 2], 1), Some(&3));
        let mut pile = Pile::default();
        assert_eq!(*pile.put(4), 4);
        assert_eq!(*pile.put(6), 6);
        pile.keep(1);
        assert_eq!(pile.items, [4]);
    }
}
"#;

const FIND: &str = "    let mut found = Vec::new();
    for (i, item) in items.iter().enumerate() {
        if *item == wanted {
            found.push(i);
        }
    }
    found";

/// Proves all at once; what the twins say of each.
fn twins(changes: &[(&str, &str)]) -> Vec<(RungState, String)> {
    let scene = tiny_with(LIB);
    let rewrites: Vec<Rewrite> = changes.iter().map(|(from, to)| proposal(LIB, from, to)).collect();
    let verdicts = prove(&open(&scene), &rewrites, &UNMEASURED, &Ear::deaf()).expect("the proof runs");
    for verdict in &verdicts {
        assert_eq!(states(verdict)[..2], [("compiles", "passed"), ("tests pass", "passed")], "{verdict:?}");
    }
    let said = |v: &Verdict| v.rung(Rung::TwinsAgree).map(|e| (e.state, e.detail.clone()));
    verdicts.iter().map(|v| said(v).expect("the rung was climbed")).collect()
}

#[track_caller]
fn check(changes: &[(&str, &str, RungState, &str)]) {
    let asked: Vec<(&str, &str)> = changes.iter().map(|(from, to, ..)| (*from, *to)).collect();
    let told = twins(&asked);
    let wanted: Vec<(RungState, String)> =
        changes.iter().map(|(_, _, state, detail)| (*state, (*detail).into())).collect();
    assert_eq!(told, wanted);
}

#[test]
fn what_differs_on_a_call_that_no_test_asserts_is_refuted_with_its_arguments() {
    use RungState::Failed;
    check(&[
        (
            FIND,
            "    items.iter().position(|i| *i == wanted).into_iter().collect()",
            Failed,
            "positions(items = [5, 5, 6], wanted = 5): its result is [0, 1] with the old code and [0] with the new",
        ),
        (
            "panic!(\"no item {at} of {}\", items.len());",
            "panic!(\"no item {at}\");",
            Failed,
            "pick(items = [7], at = 3): its result is panic \"no item 3 of 1\" with the old code and panic \"no item 3\" with the new",
        ),
        (
            "out.push(i * i);",
            "out.push(i + i);",
            Failed,
            "fill(out = [], n = 3): `out` afterwards is [0, 1, 4] with the old code and [0, 2, 4] with the new",
        ),
        (
            "items.iter().fold(0.0, |a, b| a + b)\n",
            "items.iter().rev().fold(0.0, |a, b| a + b)\n",
            Failed,
            "sum(items = [1.0, 1e16, -1e16]): its result is 0.0 with the old code and 1.0 with the new",
        ),
        (
            "            let last = self.items.pop().unwrap();\n            self.sum -= last;",
            "            self.items.pop().unwrap();",
            Failed,
            "keep(self = Pile of 10 with [4, 6], n = 1): `self` afterwards is Pile of 4 with [4] with the old code and Pile of 10 with [4] with the new",
        ),
    ]);
}

#[test]
fn what_agrees_is_counted_and_what_cannot_be_compared_is_said() {
    use RungState::{Passed, Undecided};
    check(&[
        (
            FIND,
            "    items.iter().enumerate().filter(|(_, i)| **i == wanted).map(|(i, _)| i).collect()",
            Passed,
            "2 calls of positions compared, none differs in its result or a panic",
        ),
        (
            "let n = items.len() as f64;\n    items.iter().fold(0.0, |a, b| a + b) / n",
            "let mut all = 0.0;\n    for item in items {\n        all += item;\n    }\n    all / items.len() as f64",
            Passed,
            "2 calls of mean compared, none differs in its result or a panic",
        ),
        (
            "let mut best = *items.first()?;\n    for item in items {",
            "let (first, rest) = items.split_first()?;\n    let mut best = *first;\n    for item in rest {",
            Passed,
            "2 calls of largest compared, none differs in its result or a panic",
        ),
        (
            "items.iter().rev().nth(n)",
            "items.iter().nth_back(n)",
            Undecided,
            "of from_end, its result can be neither compared nor printed",
        ),
        (
            "self.items.push(item);\n        self.sum += item;",
            "self.sum += item;\n        self.items.push(item);",
            Passed,
            "2 calls of put compared, none differs in its result, changed arguments or a panic",
        ),
        (
            "let set: HashSet<u64> = items.iter().copied().collect();\n    set.into_iter().collect()",
            "let set: HashSet<&u64> = items.iter().collect();\n    set.into_iter().copied().collect()",
            Undecided,
            "the old code of unordered differs from itself in its result: it is random or depends on time",
        ),
        (
            "item + 1",
            "1 + item",
            Undecided,
            "noted has effects besides its result (it calls `lock`), so that it is not run twice",
        ),
        (
            "token.0 + 2",
            "2 + token.0",
            Undecided,
            "the argument `token` cannot be cloned, so that spend is not run twice",
        ),
        ("n + 3", "3 + n", Undecided, "waits is async: what it awaits cannot be run twice"),
        (
            "for i in 0..n {\n        out.push(i * i);\n    }",
            "out.extend((0..n).map(|i| i * i));",
            Passed,
            "1 call of fill compared, none differs in its result, changed arguments or a panic",
        ),
    ]);
}

/// Forms that the others do not have: what is taken by value, borrowed from what changes, or named twice.
const MORE: &str = r#"
pub struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    pub fn next(&mut self) -> Option<&'a str> {
        self.at += 10;
        self.text.get(self.at..)
    }

    pub fn rest(self, mut n: u8) -> (&'a str, u8) {
        n += 10;
        (self.text, n)
    }
}

pub fn parsed<T: std::str::FromStr, const N: usize>(text: &str) -> [Option<T>; N] {
    std::array::from_fn(|i| text.split(' ').nth(i + 10).and_then(|t| t.parse().ok()))
}

pub fn swapped<'v>(values: &'v mut [String], names: Vec<&'v str>, text: &mut String) -> &'v mut String {
    text.push_str(names[10]);
    &mut values[10]
}

pub fn boxed(n: Option<Box<dyn Send>>) -> usize {
    n.map_or(10, |b| std::mem::size_of_val(&*b))
}
"#;

#[test]
fn both_bodies_of_every_form_of_function_compile_on_copies_under_deny_warnings() {
    let code = format!("{FORMS}{MORE}");
    let places: Vec<usize> = code.match_indices("10").map(|(at, _)| at).collect();
    let edits = places.iter().map(|at| TextEdit { range: TextRange::new(*at, at + 2), text: "11".into() });
    let set = EditSet::new("lib.rs", source::hash(&code), edits.collect()).unwrap();
    let change = Change::new(&set, &code, &code.replace("10", "11"));
    let reshaped = change.reshaped();
    let part = Part { proposal: 0, change: &change, first_number: 0, reshaped: &reshaped };
    let made = shims(&[part], &Effects::of([code.as_str()]), Home::InFile, &BTreeMap::new());
    let compared: Vec<&str> = made.pairs.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(
        compared,
        ["size", "first", "add", "find", "shown", "sum", "next", "rest", "parsed", "swapped", "boxed"],
        "{:?}",
        made.left_out
    );
    let mut text = code.replace("10", "11");
    for (at, piece) in made.inserts.iter().rev() {
        text.insert_str(*at as usize, piece);
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("lib.rs"), with_runtime(&text, false)).unwrap();
    let args = ["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "lib.rs"];
    let out = Command::new("rustc").args(args).current_dir(dir.path()).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}
