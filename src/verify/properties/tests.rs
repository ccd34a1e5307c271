//! Functions in, the tests of made inputs out; and what was written in, what it comes to out.

use std::collections::BTreeMap;

use super::*;
use crate::model::{EditSet, TextEdit, TextRange};
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
    let (role, effects) = (FileRole::default(), Effects::of([old]));
    let catalogue = Catalogue::of([("a.rs", change.new.as_str(), &role)]);
    let ground = Ground { home: Home::InFile, catalogue: &catalogue, effects: &effects };
    let planned = plan(&change, &shims, 0, ground);
    let text = agree::with_runtime(&(agree::with_shims(&change.new, &shims) + &planned.text), false);
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
    for (i, given) in ["&a0[..]", "&a1[..]", "a2.as_deref()"].iter().enumerate() {
        assert!(planned.text.contains(&format!("let r{i} = {given};")), "{}", planned.text);
    }
    assert!(planned.text.contains("move || super::super::f(r0, r1, r2, __ref3, r4))"), "{}", planned.text);
    assert!(planned.text.contains("(0, &[1, 2, 300], &[\"x\", \"yz\"], |v|"), "constants of old and new");
    let line = planned.text.lines().find(|l| l.starts_with("mod f0 {")).unwrap();
    assert_eq!((tested_in(line), tested_in("mod f0 {"), tested_in("mod f0 { g() }")), (Some(0), None, None));
}

#[test]
fn what_cannot_be_called_with_made_inputs_says_why() {
    let unknown = "`Config` is no type of std that is known here, nor of this workspace";
    left_out(
        "fn f(c: &Config) -> u8 { c.g(1) }",
        &format!("f takes `c: &Config`, of which no value can be made: {unknown}"),
    );
    left_out("fn f() -> u8 { 1 }", "f takes no input");
    left_out("async fn f(n: u8) -> u8 { n + 1 }", "f is async: what it awaits cannot be run twice");
    let inside = "f stands inside of a function or a module: no test can call it by its name alone";
    left_out("mod m { fn f(n: u8) -> u8 { n + 1 } }", inside);
    left_out("fn k() { fn f(n: u8) -> u8 { n + 1 } }", inside);
    left_out(
        "trait T { fn f(&self) -> u8 { 1 } }",
        "f is given by the trait `T` to all that have it: whose it is to be is open",
    );
    let io = "values of std's `Cell` are not made";
    left_out(
        "use std::cell::Cell; fn f(c: &Cell<u8>) -> u8 { c.get() + 1 }",
        &format!("f takes `c: &Cell<u8>`, of which no value can be made: {io}"),
    );
}

#[test]
fn what_no_value_of_a_type_can_be_made_of_is_named() {
    let private = "S has private fields, and there is no function that makes one (`new`, `Default`, or another that \
                   gives back `Self`) of what can be made";
    let of = |rest: &str, param: &str, why: &str| {
        let code = format!("pub struct S {{ n: u8 }} {rest}");
        left_out(&code, &format!("f takes `{param}`, of which no value can be made: {why}"));
    };
    of("pub fn f(s: &S) -> u8 { s.n + 1 }", "s: &S", private);
    of("impl S { pub fn f(&self) -> u8 { self.n + 1 } }", "&self", private);
    // A function that opens a file, one that nobody sees, and one that is only there for tests make none.
    of(
        "impl S { pub fn new() -> S { S { n: std::fs::read(\"x\").unwrap()[0] } } pub fn f(&self) -> u8 { self.n + 1 } }",
        "&self",
        private,
    );
    of("impl S { fn new(n: u8) -> S { S { n } } } pub fn f(s: &S) -> u8 { s.n + 1 }", "s: &S", private);
    of(
        "impl S { #[cfg(test)] pub fn new(n: u8) -> S { S { n } } } pub fn f(s: &S) -> u8 { s.n + 1 }",
        "s: &S",
        private,
    );
    left_out(
        "pub struct L { pub next: Box<L> } pub fn f(l: &L) -> u8 { g(l, 1) }",
        "f cannot be called with made inputs: every value of L needs another one",
    );
    left_out(
        "pub fn f<T: Draw>(t: T) -> u8 { g(t, 1) }",
        "f is generic: no type can be taken for its type parameter `T`: no type is known here that is `Draw`",
    );
    left_out(
        "pub fn f<T, F: Fn(T) -> u8>(t: T, g: F) -> u8 { g(t) + 1 }",
        "f takes closures, whose effects are not known",
    );
}

#[track_caller]
fn makes(code: &str, called: &str, makers: &[&str]) -> Planned {
    let (planned, _) = planned(code, "1", "2");
    assert_eq!(planned.left_out, [""; 0], "{code}");
    assert_eq!(planned.subjects[0].called, called);
    for maker in makers {
        assert!(planned.text.contains(maker), "{maker}\n--- is not in ---\n{}", planned.text);
    }
    planned
}

#[test]
fn own_types_are_made_by_their_fields_variants_or_functions() {
    makes(
        "pub struct P { pub x: u8, pub t: String } pub fn f(p: &P) -> u8 { p.x + 1 }",
        "f",
        &["enum __Made0 { C0(::std::primitive::u8, ::std::string::String, ),", "P { x: a0.build(), t: a1.build() }"],
    );
    makes(
        "pub enum E { A, B(u8), C { of: Box<E> } } impl E { pub fn f(self) -> u8 { 1 } }",
        "E::f",
        &["enum __Made0 { C0(), C1(::std::primitive::u8, ), C2(made::Boxed<__Made0>, ), }", "random.way(&[1, 1, 2])"],
    );
    let grown = makes(
        "pub struct S { v: Vec<u64> } impl S { pub fn new(n: &str) -> Option<S> { h(n) } \
         pub fn push(&mut self, n: u64) { self.v.push(n) } pub fn with(mut self, n: u64) -> Self { self.v.push(n); self } \
         pub fn save(&mut self) { std::fs::write(\"x\", &self.v).unwrap() } pub fn f(&mut self) -> usize { g(1) } }",
        "S::f",
        &[
            "<S>::new(a0.build()).unwrap()",
            "let _ = <S>::push(&mut it, a0.build());",
            "it = <S>::with(it, a0.build());",
        ],
    );
    assert!(!grown.text.contains("<S>::save("), "what writes a file is not called to make a value");
    assert!(grown.text.contains("(made::Text, )"), "what a value may keep lives for ever");
}

#[test]
fn parameters_of_types_get_one_that_satisfies_their_bounds() {
    let of = |bounds: &str| format!("pub fn f<{bounds}>(v: &[T]) -> usize {{ g(v, 1) }}");
    makes(&of("T: Ord + Clone"), "f::<i64>", &["(::std::vec::Vec<::std::primitive::i64>, )"]);
    makes(&of("T: PartialOrd + Copy"), "f::<f64>", &[]);
    makes(&of("T: AsRef<str>"), "f::<String>", &[]);
    makes(
        "pub fn f<T>(t: T) -> u8 where T: IntoIterator<Item = u8> { g(t, 1) }",
        "f::<_>",
        &["(::std::vec::Vec<::std::primitive::u8>, )"],
    );
    makes("pub fn f(t: impl Into<String>) -> u8 { g(t, 1) }", "f", &["(::std::string::String, )"]);
    makes("pub fn f<const N: usize>(t: [u8; N]) -> u8 { g(t, 1) }", "f::<3>", &["[::std::primitive::u8; 3]"]);
    makes(
        "trait Draw { } pub struct Dot; impl Draw for Dot { } pub fn f<T: Draw>(t: &T) -> u8 { g(t, 1) }",
        "f::<_>",
        &["C0() => { Dot }"],
    );
    makes(
        "pub struct Q<K> { items: Vec<K> } impl<T: Ord> Q<T> { pub fn new() -> Q<T> { h() } pub fn put(&mut self, t: T) { } \
         pub fn f(&mut self, by: usize) -> u8 { g(1) } }",
        "Q::f",
        &["type Value = Q<<::std::primitive::i64 as made::Make>::Value>", "&mut it, a0.build()"],
    );
}

#[test]
fn names_mean_what_they_mean_where_they_stand() {
    let (role, effects) = (FileRole::default(), Effects::default());
    let of = |modules: &[&str]| FileRole { modules: modules.iter().map(|m| m.to_string()).collect(), ..role.clone() };
    let files = [
        (
            "src/lib.rs",
            "use std::time::Duration; use m::Kind; pub fn f(k: &m::Kind, d: Duration, i: m::Id) {}",
            of(&[]),
        ),
        (
            "src/m.rs",
            "pub struct Duration(u8); pub enum Kind { A(Other) } pub struct Other { pub n: u8 } pub type Id = Vec<Other>;",
            of(&["m"]),
        ),
    ];
    let catalogue = Catalogue::of(files.iter().map(|(path, text, role)| (*path, *text, role)));
    let mut recipes = recipes::Recipes::new(&catalogue, 0, &effects);
    let mut recipe = |ty: &str| {
        let ty: syn::Type = syn::parse_str(ty).unwrap();
        recipes.recipe(&ty, &recipes::Scope::of(0)).map(|r| r.text)
    };
    assert_eq!(recipe("Duration").as_deref(), Ok("::std::time::Duration"), "imported from std");
    assert!(recipe("m::Duration").unwrap_err().contains("private fields"), "the workspace's own of the same name");
    assert_eq!(recipe("Kind").as_deref(), Ok("__Made0"));
    assert_eq!(recipe("m::Id").as_deref(), Ok("::std::vec::Vec<__Made1>"));
    assert_eq!((recipes.own[0].value.as_str(), recipes.own[1].value.as_str()), ("Kind", "crate::m::Other"));
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
