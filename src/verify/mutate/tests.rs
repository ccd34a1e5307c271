//! Functions before and after in; the mutants that stand in what is new, out.

use super::*;
use crate::model::{EditSet, TextEdit};
use crate::source::hash;

/// The mutants of a function whose body is `old()` before and `new` after, by what was changed.
fn of(head: &str, new: &str) -> Vec<String> {
    all(&format!("{head} {{ old() }}"), "old()", new).0
}

fn all(code: &str, from: &str, to: &str) -> (Vec<String>, Mutants) {
    let start = code.find(from).unwrap();
    let edit = TextEdit { range: TextRange::new(start, start + from.len()), text: to.to_owned() };
    let set = EditSet::new("a.rs", hash(code), vec![edit]).unwrap();
    let found = mutants(&Change::new(&set, code, &code.replacen(from, to, 1)), 1);
    (found.all.iter().map(|m| m.what.clone()).collect(), found)
}

#[track_caller]
fn check(head: &str, new: &str, expected: &[&str]) {
    let found = of(head, new);
    let of_result = |what: &&String| what.starts_with("early `return");
    let found: Vec<&str> = found.iter().filter(|w| !of_result(w)).map(String::as_str).collect();
    assert_eq!(found, expected);
}

#[test]
fn operators_are_replaced_by_those_of_the_same_types() {
    check("fn f(a: i32, b: i32) -> i32", "a - b", &["`+` for `-`", "`/` for `-`"]);
    check("fn f(a: i32, b: i32) -> bool", "a < b", &["`<=` for `<`", "`>` for `<`"]);
    check("fn f(a: bool, b: bool) -> bool", "a && !b", &["`||` for `&&`", "`!` left out before `b`"]);
    check("fn f(a: &mut i32, b: i32)", "*a += b;", &["`-=` for `+=`"]);
    check("fn f(a: i32, b: i32) -> bool", "a == b", &["`!=` for `==`"]);
}

#[test]
fn constants_change_and_texts_grow() {
    check("fn f() -> u8", "g(0, 7u8)", &["`1` for `0`", "`8u8` for `7u8`", "`6u8` for `7u8`"]);
    check("fn f() -> f64", "g(1.5)", &["`2.5` for `1.5`"]);
    check(
        "fn f() -> u8",
        "g(\"a\", 'b', true)",
        &["`\"arefit\"` for `\"a\"`", "`'c'` for `'b'`", "`false` for `true`"],
    );
}

#[test]
fn conditions_turn_and_arms_are_swapped_but_patterns_are_not() {
    check("fn f(a: bool) -> u8", "if g(a) { h() } else { k() }", &["arms of `if g(a)` swapped"]);
    check("fn f(a: bool)", "if g(a) { h() }", &["`!(g(a))` for `g(a)`"]);
    check("fn f(a: Option<u8>)", "if let Some(1) = a { h() }", &[]);
    check("fn f(a: Option<u8>)", "if let Some(1..=3) = a && g(a) { h() }", &[]);
    check("fn f(a: bool)", "while g(a) { h() }", &["`while g(a)` never entered"]);
    check("fn f(a: u8, b: u8)", "if a != b { h() }", &["`==` for `!=`"]);
}

#[test]
fn arms_before_a_wildcard_and_guards_can_be_wrong() {
    check(
        "fn f(a: u8) -> u8",
        "match a { 1 => g(), n if g2(n) => h(), _ => k() }",
        &["arm `1` left out", "guard `g2(n)` always true", "guard `g2(n)` always false"],
    );
    check("fn f(a: bool) -> u8", "match a { true => g(), false => h() }", &[]);
}

#[test]
fn calls_assignments_and_early_returns_are_left_out() {
    check("fn f(v: &mut Vec<u8>)", "v.push(g()); v.x = g();", &["`v.push(g())` left out", "`v.x = g()` left out"]);
    let found = of("fn f(v: &[u8]) -> u8", "for x in v { if h(x) { continue; } k(x)?; return g(); } g()");
    assert_eq!(
        found,
        [
            "first of `v` left out",
            "`!(h(x))` for `h(x)`",
            "early `continue` left out",
            "`k(x)?` left out",
            "early `return g()` left out",
            "early `return 0`",
            "early `return 1`"
        ]
    );
}

#[test]
fn iterators_lose_their_first_and_ask_the_opposite() {
    check(
        "fn f(v: &[u8]) -> usize",
        "v.iter().filter(|x| g(x)).count()",
        &["`!(g(x))` in `filter`", "first left out before `count`"],
    );
    check(
        "fn f(v: &[u8]) -> &[u8]",
        "&v[a..b.len()]",
        &["`a + 1` for the start of a range", "`b.len() - 1` for the end of a range", "`b.len() + 1`"],
    );
    check("fn f(v: &[u8]) -> u8", "v.g().min(k)", &["`max` for `min`"]);
    check(
        "fn f(v: &mut [u8])",
        "v.sort_by(|a, b| b.cmp(a));",
        &["`v.sort_by(|a, b| b.cmp(a))` left out", "order of `cmp` reversed"],
    );
}

#[test]
fn results_are_guessed_by_their_types() {
    let of = |output: &str| of(&format!("fn f(a: A) {output}"), "a.b");
    assert_eq!(of("-> bool"), ["early `return true`", "early `return false`"]);
    assert_eq!(of(""), ["early `return`"]);
    assert_eq!(of("-> &str"), ["early `return \"\"`", "early `return \"refit\"`"]);
    assert_eq!(of("-> Option<u8>"), ["early `return ::std::option::Option::None`"]);
    assert_eq!(of("-> Vec<u8>"), ["early `return ::std::default::Default::default()`"]);
    assert_eq!(of("-> impl Iterator<Item = u8>"), [""; 0]);
    assert_eq!(of("-> !"), [""; 0]);
}

#[test]
fn what_a_macro_an_attribute_or_a_comment_holds_is_left_alone() {
    check("fn f(a: u8)", "println!(\"{}\", a + 1); assert!(a < 2);", &[]);
    check("fn f(a: u8)", "#[cfg(feature = \"x\")] let b = g(a); /* a + 1 */ // a < 2\n", &[]);
    check("fn f(a: u8) -> String", "format!(\"{a} < 1\")", &[]);
    check("fn f(a: u8) -> M", "M { a, text: r#\"a + 1\"# }", &["`\"a + 1refit\"` for `r#\"a + 1\"#`"]);
}

#[test]
fn what_the_compiler_computes_is_left_alone() {
    check("fn f() -> [u8; 3]", "[g(); 1 + 2]", &[]);
    check("fn f()", "const N: usize = 1 + 2; static M: u8 = 3; let x: [u8; 4 - 1] = g::<{ 1 + 1 }>();", &[]);
    check("fn f()", "enum E { A = 1 + 2 } const { assert!(1 < 2) }; const fn k() -> u8 { 1 + 1 } g()", &[]);
    let (found, mutants) = all("const fn f(a: u8) -> u8 { a + 1 }", "a + 1", "1 + a");
    assert_eq!(found, [""; 0]);
    assert_eq!(mutants.left_out, ["f is a const fn, in which nothing can be chosen while it runs"]);
}

#[test]
fn what_would_be_undefined_or_do_harm_is_left_alone() {
    check("fn f(a: &[u8], i: usize) -> u8", "unsafe { *a.get_unchecked(i + 1) }", &[]);
    let left_out = |code: &str| all(code, "old()", "g(1 + 2)").1.left_out;
    assert_eq!(left_out("unsafe fn f() -> u8 { old() }"), ["f is unsafe: what a wrong version does is undefined"]);
    assert_eq!(
        left_out("fn f(p: &Path) { fs::remove_dir_all(p.join(\"a\")); old() }"),
        ["f names `remove_dir_all`: a wrong version could do harm outside of its tests"]
    );
}

#[test]
fn room_that_is_made_beforehand_changes_nothing_and_is_left_alone() {
    check("fn f(v: &[u8]) -> Vec<u8>", "let mut a = Vec::with_capacity(v.len() * 2); a.reserve(9); a", &[]);
    check("fn f(g: Guard)", "drop(g);", &[]);
}

#[test]
fn what_stands_beside_the_new_code_is_told_apart() {
    let (found, mutants) =
        all("fn f(a: u8) -> u8 { let b = a * 2; b - old() }\nfn g() -> u8 { 1 + 2 }", "old()", "h() + 3");
    let new: Vec<bool> = mutants.all.iter().map(|m| m.is_new).collect();
    assert_eq!(
        found.iter().map(String::as_str).zip(new).collect::<Vec<_>>(),
        [
            ("`+` for `*`", false),
            ("`/` for `*`", false),
            ("`3` for `2`", false),
            ("`1` for `2`", false),
            ("`-` for `+`", true),
            ("`*` for `+`", true),
            ("`+` for `-`", true),
            ("`/` for `-`", true),
            ("`4` for `3`", true),
            ("`2` for `3`", true),
            ("early `return 0`", true),
            ("early `return 1`", true),
        ]
    );
    assert_eq!(mutants.functions.len(), 1);
}

#[test]
fn numbers_and_lines_go_on_from_where_they_are_told() {
    let code = "fn f(a: u8) -> u8 {\n    let b = a;\n    old()\n}";
    let start = code.find("old()").unwrap();
    let edit = TextEdit { range: TextRange::new(start, start + 5), text: "a + b".to_owned() };
    let set = EditSet::new("a.rs", hash(code), vec![edit]).unwrap();
    let found = mutants(&Change::new(&set, code, &code.replace("old()", "a + b")), 7);
    assert_eq!(found.all.iter().map(|m| (m.number, m.line)).collect::<Vec<_>>(), [(7, 3), (8, 3), (9, 1), (10, 1)]);
}
