//! Old and new on made inputs: what the tests never ask is asked, and what cannot be asked says why.

use std::process::{Command, Stdio};

use refit::jobs::ProveOptions;
use refit::model::*;

use crate::scene::Scene;
use crate::verify::{LOCK, MANIFEST, UNMEASURED, proposal, prove_one, tiny_with};

const ASKED: ProveOptions = ProveOptions { properties: true, ..UNMEASURED };

const LIB: &str = r#"//! Widths.
#![deny(warnings)]

/// Letters of a name between its blanks.
pub fn width(name: &str, most: usize) -> usize {
    let name = name.trim();
    name.chars().count().min(most)
}

/// A limit.
pub struct Limit(pub usize);

impl Limit {
    /// The limit, or less.
    pub fn of(&self, n: usize) -> usize {
        if n > self.0 { self.0 } else { n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_do_not_count() {
        assert_eq!(width("ab ", 9), 2);
        assert_eq!(width("", 9), 0);
        assert_eq!(width("abc", 2), 2);
    }

    #[test]
    fn limits_hold() {
        assert_eq!((Limit(3).of(5), Limit(3).of(2)), (3, 2));
    }
}
"#;

#[track_caller]
fn check(from: &str, to: &str, state: RungState) -> (Verdict, Evidence) {
    let verdict = prove_one(&tiny_with(LIB), &proposal(LIB, from, to), &ASKED);
    let found = verdict.rung(Rung::PropertiesAgree).expect("it was asked for").clone();
    assert_eq!(found.state, state, "{}\n{}", found.detail, found.log);
    (verdict, found)
}

#[test]
fn a_wrong_rewrite_that_tests_and_twins_let_pass_falls_with_a_small_input_and_a_test() {
    let (verdict, found) = check("let name = name.trim();", "let name = name.trim_end();", RungState::Failed);
    assert_eq!(verdict.rung(Rung::TwinsAgree).map(|e| e.state), Some(RungState::Passed), "{:?}", verdict.evidence());
    assert_eq!(verdict.outcome(), Outcome::Refuted);
    assert!(found.detail.starts_with("width(name = String::from(\""), "{}", found.detail);
    assert!(found.detail.ends_with("its result is 1 with the old code and 2 with the new"), "{}", found.detail);
    assert!(
        found.log.starts_with("#[test]\nfn width_gives_what_it_gave() {\n    let a0 = String::from(\""),
        "{}",
        found.log
    );
    assert!(found.log.contains("    assert_eq!(format!(\"{:?}\", width(&a0[..], a1)), \"1\");\n"), "{}", found.log);
}

#[test]
fn a_right_rewrite_holds_for_thousands_of_made_inputs() {
    let (_, found) = check(
        "let name = name.trim();\n    name.chars().count().min(most)",
        "name.trim().chars().take(most).count()",
        RungState::Passed,
    );
    assert!(found.detail.ends_with(" inputs of width made, none differs"), "{}", found.detail);
    let inputs: u64 = found.detail.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    assert!(inputs >= 1_000, "{inputs}");
}

#[test]
fn a_method_is_called_on_values_of_its_own_type() {
    let (verdict, found) = check("if n > self.0 { self.0 } else { n }", "n.min(self.0.max(1))", RungState::Failed);
    assert_eq!(verdict.rung(Rung::TestsPass).map(|e| e.state), Some(RungState::Passed));
    assert_eq!(verdict.outcome(), Outcome::Refuted);
    let said = "Limit::of(self = Limit(0usize), n = 1usize): its result is 0 with the old code and 1 with the new";
    assert_eq!(found.detail, said);
    let test = "#[test]\nfn limit_of_gives_what_it_gave() {\n    let a0 = Limit(0usize);\n    let a1 = 1usize;\n    \
                assert_eq!(format!(\"{:?}\", Limit::of(&a0, a1)), \"0\");\n}\n";
    assert_eq!(found.log, test);
    let (_, found) = check("if n > self.0 { self.0 } else { n }", "n.min(self.0)", RungState::Passed);
    assert!(found.detail.ends_with(" inputs of Limit::of made, none differs"), "{}", found.detail);
}

/// Types with something to keep, and functions that are told their types.
const OWN: &str = r#"//! Piles.
use std::collections::HashSet;
use std::hash::Hash;

/// Numbers with their sum.
#[derive(Clone, Debug, Default)]
pub struct Pile {
    items: Vec<u32>,
    sum: u64,
}

impl Pile {
    /// Puts one on top.
    pub fn put(&mut self, item: u32) {
        self.items.push(item);
        self.sum += u64::from(item);
    }

    /// Takes all but some.
    pub fn keep(&mut self, n: usize) -> u64 {
        while self.items.len() > n {
            if let Some(last) = self.items.pop() {
                self.sum -= u64::from(last);
            }
        }
        self.sum
    }
}

/// Counts, and cannot be copied.
#[derive(Debug, PartialEq)]
pub struct Counter {
    n: u64,
}

impl Counter {
    /// Begins at a number.
    pub fn from_number(n: u64) -> Option<Counter> {
        (n != 7).then_some(Counter { n })
    }

    /// Goes on.
    pub fn bump(&mut self, by: u64) -> u64 {
        self.n += by;
        self.n
    }
}

/// A sum to be told.
#[derive(Clone, Debug, PartialEq)]
pub enum Sum {
    /// A number.
    Of(i64),
    /// The other way.
    Less(Box<Sum>),
    /// Both.
    And { first: Box<Sum>, second: Box<Sum> },
}

impl Sum {
    /// What it comes to.
    pub fn told(&self) -> i64 {
        match self {
            Sum::Of(n) => *n,
            Sum::Less(of) => of.told().wrapping_neg(),
            Sum::And { first, second } => first.told().wrapping_add(second.told()),
        }
    }
}

/// Each once, in the order of the first.
pub fn distinct<T: Eq + Hash + Clone>(items: &[T]) -> Vec<T> {
    let mut found: Vec<T> = Vec::new();
    for item in items {
        if !found.contains(item) {
            found.push(item.clone());
        }
    }
    found
}

/// A number of fewer than are known.
pub fn fewer(known: &HashSet<u32>, pile: Option<&Pile>) -> usize {
    known.len().min(pile.map_or(0, |p| p.items.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_called() {
        let mut pile = Pile::default();
        pile.put(3);
        pile.put(4);
        assert_eq!((pile.keep(1), pile.sum), (3, 3));
        let mut counter = Counter::from_number(1).unwrap();
        assert_eq!(counter.bump(2), 3);
        assert_eq!(Sum::And { first: Box::new(Sum::Of(2)), second: Box::new(Sum::Less(Box::new(Sum::Of(3)))) }.told(), -1);
        assert_eq!(distinct(&[1, 1, 2]), [1, 2]);
        assert_eq!(fewer(&HashSet::from([1, 2]), Some(&pile)), 1);
    }
}
"#;

/// What the rung says of several rewrites of the same crate, proved one by one.
#[track_caller]
fn of_own(from: &str, to: &str, state: RungState) -> Evidence {
    let verdict = prove_one(&tiny_with(OWN), &proposal(OWN, from, to), &ASKED);
    let found = verdict.rung(Rung::PropertiesAgree).expect("it was asked for").clone();
    assert_eq!(found.state, state, "{to}: {}\n{}", found.detail, found.log);
    found
}

const LOOP: &str = "if let Some(last) = self.items.pop() {
                self.sum -= u64::from(last);
            }
        }
        self.sum";

#[test]
fn a_receiver_is_brought_into_many_states_and_what_is_left_in_it_is_compared() {
    // The result is the same where the sum is told before it is forgotten.
    let wrong = LOOP.replace("\n        self.sum", "\n        let told = self.sum;\n        if self.items.is_empty() && told == 0 {\n            self.sum = 1;\n        }\n        told");
    let found = of_own(LOOP, &wrong, RungState::Failed);
    assert!(found.detail.starts_with("Pile::keep(self = Pile::default(), n = "), "{}", found.detail);
    assert!(
        found.detail.contains("`self` afterwards is Pile { items: [], sum: 0 } with the old code"),
        "{}",
        found.detail
    );
    assert!(found.log.contains("    let mut a0 = Pile::default();\n"), "{}", found.log);
    // A state that takes several steps to reach: three items, of which the last is the largest.
    let wrong = LOOP.replace(
        "self.sum -= u64::from(last);",
        "self.sum -= u64::from(last.min(self.items.last().map_or(last, |i| i + 9)));",
    );
    let found = of_own(LOOP, &wrong, RungState::Failed);
    assert!(found.detail.contains("Pile::keep(self = { let mut it = Pile::default(); it.put("), "{}", found.detail);
    let right = LOOP.replace("self.sum -= u64::from(last);", "self.sum = self.sum - u64::from(last);");
    let found = of_own(LOOP, &right, RungState::Passed);
    assert!(found.detail.ends_with(" inputs of Pile::keep made, none differs"), "{}", found.detail);
}

#[test]
fn what_cannot_be_copied_is_built_once_more() {
    let body = "self.n += by;\n        self.n";
    let found = of_own(body, "self.n = self.n.saturating_add(by);\n        self.n", RungState::Failed);
    assert!(found.detail.starts_with("Counter::bump(self = Counter::from_number("), "{}", found.detail);
    assert!(found.log.contains("#[should_panic(expected = \"attempt to add with overflow\")]"), "{}", found.log);
    let found = of_own(body, "let n = self.n + by;\n        self.n = n;\n        n", RungState::Passed);
    assert!(found.detail.ends_with(" inputs of Counter::bump made, none differs"), "{}", found.detail);
}

#[test]
fn enums_that_hold_themselves_are_made() {
    let body = "Sum::Less(of) => of.told().wrapping_neg(),";
    let wrong = "Sum::Less(of) => match **of {\n                Sum::Less(_) => of.told(),\n                _ => of.told().wrapping_neg(),\n            },";
    let found = of_own(body, wrong, RungState::Failed);
    assert!(found.detail.starts_with("Sum::told(self = "), "{}", found.detail);
    of_own(body, "Sum::Less(of) => 0i64.wrapping_sub(of.told()),", RungState::Passed);
}

#[test]
fn a_generic_function_is_called_with_a_type_that_its_bounds_allow() {
    let body = "let mut found: Vec<T> = Vec::new();
    for item in items {
        if !found.contains(item) {
            found.push(item.clone());
        }
    }
    found";
    let found = of_own(body, "let mut found = items.to_vec();\n    found.dedup();\n    found", RungState::Failed);
    assert!(found.detail.starts_with("distinct(items = vec!["), "{}", found.detail);
    assert!(found.log.contains("distinct::<i64>(&a0[..])"), "{}", found.log);
    let right = "let mut seen = HashSet::new();\n    items.iter().filter(|i| seen.insert(*i)).cloned().collect()";
    let found = of_own(body, right, RungState::Passed);
    assert!(found.detail.ends_with(" inputs of distinct made, none differs"), "{}", found.detail);
}

#[test]
fn collections_and_options_of_own_types_are_made() {
    let body = "known.len().min(pile.map_or(0, |p| p.items.len()))";
    let found = of_own(body, "pile.map_or(0, |p| p.items.len().min(known.len().max(1)))", RungState::Failed);
    assert!(found.detail.starts_with("fewer(known = "), "{}", found.detail);
    of_own(body, "pile.map_or(0, |p| p.items.len().min(known.len()))", RungState::Passed);
}

#[test]
fn what_cannot_be_called_with_made_inputs_stays_open_and_names_the_parameter() {
    let code = LIB.replace("pub struct Limit(pub usize)", "pub struct Limit(usize)");
    let verdict =
        prove_one(&tiny_with(&code), &proposal(&code, "if n > self.0 { self.0 } else { n }", "n.min(self.0)"), &ASKED);
    let found = verdict.rung(Rung::PropertiesAgree).expect("it was asked for");
    assert_eq!(found.state, RungState::Undecided);
    let said = "of takes `&self`, of which no value can be made: Limit has private fields, and there is no function";
    assert!(found.detail.starts_with(said), "{}", found.detail);
    assert_ne!(verdict.outcome(), Outcome::Refuted);
}

const SHOP: &str = r#"//! What a basket comes to.

/// A line of a basket.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What is bought.
    pub sku: u32,
    /// How often.
    pub count: u64,
}

/// Pieces of the lines that are on sale.
pub fn on_sale(lines: &[Line], sale: &[u32]) -> u64 {
    let mut pieces = 0;
    for line in lines {
        if sale.contains(&line.sku) {
            pieces += line.count;
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_on_sale_are_counted() {
        let lines = [Line { sku: 1, count: 2 }, Line { sku: 2, count: 5 }];
        assert_eq!(on_sale(&lines, &[1]), 2);
        assert_eq!(on_sale(&lines, &[]), 0);
    }
}
"#;

/// `refit` on a project, with an editor that forgets the sum; what it printed.
fn program(scene: &Scene, args: &[&str], status: i32) -> String {
    let editor = scene.root().join(".git/editor.sh");
    let script =
        "#!/bin/sh\nsed 's/pieces += line.count/pieces = line.count/' \"$1\" > \"$1.new\" && mv \"$1.new\" \"$1\"\n";
    std::fs::write(&editor, script).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_refit"));
    command.args(args).arg("--root").arg(scene.root()).env_remove("VISUAL");
    command.env("EDITOR", format!("sh {}", editor.display())).stdin(Stdio::null());
    let ran = command.output().expect("refit runs");
    let said = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(ran.status.code(), Some(status), "{args:?}: {said}{}", String::from_utf8_lossy(&ran.stderr));
    said
}

/// The tests of a project's copy with this library: true if they pass.
fn passes(scene: &Scene, lib: &str) -> bool {
    let place = tempfile::tempdir().unwrap();
    for (name, text) in [("Cargo.toml", MANIFEST), ("Cargo.lock", LOCK), ("src/lib.rs", lib)] {
        let path = place.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--offline", "--lib", "--quiet"]).current_dir(place.path());
    // One folder for both builds.
    let ran = cargo.env("CARGO_TARGET_DIR", scene.root().join("target")).output().expect("cargo runs");
    assert!(!String::from_utf8_lossy(&ran.stderr).contains("could not compile"), "{ran:?}");
    ran.status.success()
}

#[test]
fn the_program_refutes_by_made_inputs_alone_what_a_person_edited_and_offers_a_test_that_tells() {
    let scene = tiny_with(SHOP);
    let found: serde_json::Value =
        serde_json::from_str(&program(&scene, &["propose", "--all", "--json"], 0)).expect("one document");
    let id = found["rewrites"][0]["id"].as_str().expect("a rule finds the list");
    let edited = program(&scene, &["review", "edit", id], 0);
    let edited = edited.split(' ').next().unwrap();
    assert_ne!(edited, id);
    let asked = ["verify", edited, "--trust", "--no-measurement", "--properties"];
    let told: serde_json::Value =
        serde_json::from_str(&program(&scene, &[&asked[..], &["--json"]].concat(), 1)).expect("one document");
    let verdict = &told["verdicts"][0];
    let rungs: Vec<(&str, &str)> = verdict["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["rung"].as_str().unwrap(), e["state"].as_str().unwrap()))
        .collect();
    let others = ["compiles", "tests pass", "tests reach it", "twins agree"].map(|rung| (rung, "passed"));
    assert_eq!(rungs[..5], [&others[..], &[("properties agree", "failed")]].concat()[..], "{told:#}");
    assert_eq!(verdict["verdict"], "refuted");
    // Shrunk: two lines of which the second says nothing.
    let by = verdict["by"].as_str().unwrap();
    assert!(by.starts_with("properties agree: on_sale(lines = vec![Line { sku: "), "{by}");
    assert_eq!(by.matches("Line {").count(), 2, "{by}");
    let test = verdict["evidence"][4]["log"].as_str().unwrap();
    assert!(test.starts_with("#[test]\nfn on_sale_gives_what_it_gave() {\n    let a0 = vec![Line {"), "{test}");
    let shown = program(&scene, &asked, 1);
    assert!(shown.contains(&format!("a test that keeps what the old code does:\n\n{test}")), "{shown}");
    // The test that is offered compiles where it is put, holds for the old code and fails for the new.
    let with_test = format!("{}{test}}}\n", SHOP.strip_suffix("}\n").unwrap());
    assert!(passes(&scene, &with_test));
    assert!(!passes(&scene, &with_test.replace("pieces += line.count", "pieces = line.count")));
}
