//! Functions in, the tests of made inputs out; and what was written in, what it comes to out.

use std::collections::BTreeMap;

use super::*;
use crate::model::{EditSet, TextEdit};
use crate::source::hash;
use crate::verify::agree::{self, Part};
use crate::verify::purity::Effects;

fn planned(old: &str, from: &str, to: &str) -> (Planned, String) {
    let start = old.find(from).unwrap();
    let edit = TextEdit { range: TextRange::new(start, start + from.len()), text: to.to_owned() };
    let set = EditSet::new("a.rs", hash(old), vec![edit]).unwrap();
    let change = Change::new(&set, old, &old.replacen(from, to, 1));
    let reshaped = change.reshaped();
    let part = Part { proposal: 0, change: &change, first_number: 0, reshaped: &reshaped };
    let shims = agree::shims(&[part], &Effects::of([old]), Home::InFile, &BTreeMap::new());
    let planned = plan(&change, &shims, 0, Home::InFile);
    let text = agree::with_runtime(&(agree::with_shims(&change.new, &shims) + &planned.text));
    assert!(syn::parse_file(&text).is_ok(), "{text}");
    (planned, text)
}

#[track_caller]
fn left_out(code: &str, expected: &str) {
    let (planned, text) = planned(code, "1", "2");
    assert_eq!((planned.subjects.len(), planned.left_out.join("; ").as_str()), (0, expected));
    assert!(!text.contains("mod __refit_properties"));
}

#[test]
fn a_function_of_plain_types_is_called_with_made_ones() {
    let code = "pub fn f(a: &[u8], s: &str, n: Option<&str>, v: &mut Vec<(i32, String)>, w: f64) -> usize { g(1, 'x', \"yz\", 300) }";
    let (planned, _) = planned(code, "g(1", "g(2");
    let subject = &planned.subjects[0];
    assert!(subject.is_public);
    assert_eq!(
        subject.arguments.iter().map(|a| a.owned.as_str()).collect::<Vec<_>>(),
        [
            "::std::vec::Vec<::std::primitive::u8>",
            "::std::string::String",
            "::std::option::Option<::std::string::String>",
            "::std::vec::Vec<(::std::primitive::i32, ::std::string::String,)>",
            "::std::primitive::f64",
        ]
    );
    assert!(planned.text.contains("super::f(&a0[..], &a1[..], a2.as_deref(), &mut a3, a4)"), "{}", planned.text);
    assert!(planned.text.contains("(0, &[1, 2, 300], &[\"x\", \"yz\"], |"), "constants of old and new");
    let line = planned.text.lines().find(|l| l.starts_with("fn f0() {")).unwrap();
    assert_eq!((tested_in(line), tested_in("fn f() {"), tested_in("fn f0() { g() }")), (Some(0), None, None));
}

#[test]
fn what_cannot_be_called_with_made_inputs_says_why() {
    left_out("fn f(c: &Config) -> u8 { c.g(1) }", "f takes `&Config`, of which no value can be made");
    left_out("fn f<T: Clone>(t: T) -> u8 { g(t, 1) }", "f is generic: its types are its callers'");
    left_out("fn f() -> u8 { 1 }", "f takes no input");
    left_out("async fn f(n: u8) -> u8 { n + 1 }", "f is async: what it awaits cannot be run twice");
    let inside = "f is a method or stands inside of something: no test can call it by its name alone";
    left_out("impl S { fn f(&self, n: u8) -> u8 { n + 1 } }", inside);
    left_out("mod m { fn f(n: u8) -> u8 { n + 1 } }", inside);
    left_out("fn k() { fn f(n: u8) -> u8 { n + 1 } }", inside);
}

fn subject(is_public: bool) -> Subject {
    let (planned, _) = planned("fn f(v: &mut [u8], n: u8) -> u8 { g(1) }", "1", "2");
    Subject { is_public, ..planned.subjects.into_iter().next().unwrap() }
}

const DIFFERS: &str = "C\t1\t1\t0\t64\t64\nF\t0\tits result\tvec![0u8]\u{1f}3u8\tSome(\"a\")\tNone\nM\t0\t65\n";

#[test]
fn an_input_on_which_they_differ_refutes_and_becomes_a_test() {
    let (state, detail, log) = judge(&[subject(true)], &[], DIFFERS, "exit status 0");
    assert_eq!(state, RungState::Failed);
    assert_eq!(detail, "f(v = vec![0u8], n = 3u8): its result is Some(\"a\") with the old code and None with the new");
    insta::assert_snapshot!(log, @r#"
    #[test]
    fn f_gives_what_it_gave() {
        let mut a0 = vec![0u8];
        let a1 = 3u8;
        assert_eq!(format!("{:?}", f(&mut a0[..], a1)), "Some(\"a\")");
    }
    "#);
    let (state, detail, _) = judge(&[subject(false)], &[], DIFFERS, "");
    assert_eq!(state, RungState::Undecided, "who calls it may never ask");
    assert!(detail.starts_with("f is private, and who calls it may never ask: f(v = "), "{detail}");
}

#[test]
fn panics_and_changed_arguments_become_tests_too() {
    let test = |what: &str, old: &str| {
        let written = format!("F\t0\t{what}\tvec![]\u{1f}3u8\t{old}\tNone\n");
        let log = judge(&[subject(true)], &[], &written, "").2;
        assert!(syn::parse_file(&log).is_ok(), "{log}");
        log
    };
    assert!(test("its result", "panic \"no \\\"x\\\"\"").contains("#[should_panic(expected = \"no \\\"x\\\"\")]"));
    let changed = test("`v` afterwards", "[1]");
    assert!(changed.contains("    f(&mut a0[..], a1);\n    assert_eq!(format!(\"{:?}\", a0), \"[1]\");"), "{changed}");
    let long = format!("{}...", "x".repeat(240));
    assert!(test("its result", &long).contains(".starts_with(\"xxx"));
}

#[test]
fn what_was_not_compared_often_enough_stays_open() {
    #[track_caller]
    fn check(written: &str, expected: (RungState, &str)) {
        let (state, detail, _) = judge(&[subject(true)], &[], written, "killed by signal 6");
        assert_eq!((state, detail.as_str()), expected);
    }
    check("C\t1\t1\t0\t900\t900\nM\t0\t900\n", (RungState::Passed, "900 inputs of f made, none differs"));
    check("C\t1\t1\t0\t64\t64\n", (RungState::Undecided, "made inputs end the tests of f (killed by signal 6)"));
    check("C\t1\t1\t0\t9\t9\nM\t0\t9\n", (RungState::Undecided, "only 9 of 9 inputs of f could be compared"));
    check(&format!("R\t0\tits result\n{DIFFERS}"), (RungState::Undecided, "the old code of f differs from itself"));
    let (state, detail, _) = judge(&[], &[String::from("g is async")], "", "");
    assert_eq!((state, detail.as_str()), (RungState::Undecided, "g is async"));
}
