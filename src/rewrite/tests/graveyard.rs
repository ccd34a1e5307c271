//! Code that a linter's fix is documented to have broken in; what Refit does with it: leaves it alone, refuses, or asks.
//!
//! Numbers are issues of rust-clippy unless another project is named. Every test runs the whole catalogue.

use crate::detect;
use crate::model::{Answer, AnsweredBy, Rewrite};
use crate::rewrite::propose;
use crate::rewrite::testing::parse;
use crate::source::apply;

#[track_caller]
fn all(text: &str) -> (Vec<Rewrite>, Vec<String>) {
    let files = [parse(text)];
    let (findings, problems) = detect::scan(&files, detect::REGISTRY);
    assert_eq!(problems, [], "in\n{text}");
    let (rewrites, refusals) = propose(&files, &findings);
    (rewrites, refusals.into_iter().map(|r| r.reason).collect())
}

/// No rule proposes anything.
#[track_caller]
fn left_alone(text: &str) {
    let (rewrites, _) = all(text);
    assert!(rewrites.is_empty(), "{text}\nbecomes\n{}", rewrites[0].diff);
}

/// Something is found, and refused for this reason.
#[track_caller]
fn refused(text: &str, reason: &str) {
    let (rewrites, refusals) = all(text);
    assert!(rewrites.is_empty(), "{text}\nbecomes\n{}", rewrites[0].diff);
    assert!(refusals.iter().any(|r| r == reason), "{refusals:?}");
}

/// What is proposed stands or falls with an answer of rustc that contains these words.
#[track_caller]
fn asked(text: &str, by: AnsweredBy, words: &str) {
    let (rewrites, _) = all(text);
    assert!(!rewrites.is_empty(), "nothing is proposed for\n{text}");
    for rewrite in rewrites {
        let open = |p: &&crate::model::Precondition| p.state == Answer::Open && p.answered_by == by;
        let is_asked = rewrite.preconditions.iter().filter(open).any(|p| p.text.contains(words));
        assert!(is_asked, "{} asks {:?}", rewrite.title, rewrite.preconditions);
    }
}

/// The one rewrite leaves every byte but these as it was.
#[track_caller]
fn becomes(text: &str, after: &str) {
    let (rewrites, refusals) = all(text);
    assert_eq!((rewrites.len(), refusals.len()), (1, 0), "{refusals:?}");
    assert_eq!(apply(&rewrites[0].edits[0], text).unwrap(), after);
}

// needless_range_loop: `take(n)` removed the panic of a short list, a slice added one for an empty range.

#[test]
fn n16003_an_end_that_is_a_number_keeps_its_panic() {
    left_alone("fn f(v: &[u8], n: usize) { for i in 0..n { g(v[i]); } }");
}

#[test]
fn n6930_an_end_that_is_another_length_keeps_its_panic() {
    left_alone("fn f(v: &[u8], w: &[u8]) { for i in 0..w.len() { g(v[i]); } }");
}

#[test]
fn n16231_a_range_from_one_is_not_made_a_slice_that_panics_when_empty() {
    left_alone("fn f(v: &[u8]) { for i in 1..v.len() { g(v[i]); } }");
}

// double_ended_iterator_last: side effects, order and lifetimes of what is skipped.

#[test]
fn n14444_the_last_of_an_iterator_with_effects_still_runs_them_all() {
    left_alone("fn f(v: &[u8]) -> Option<u8> { v.iter().map(|x| { log(x); *x }).last() }");
}

#[test]
fn n15029_the_last_of_an_iterator_by_reference_stays() {
    left_alone("fn f(mut it: impl DoubleEndedIterator<Item = u8>) { let l = it.by_ref().last(); g(l, it.next()); }");
}

#[test]
fn n14238_the_order_in_which_elements_are_dropped_stays() {
    left_alone("fn f(v: Vec<Guard>) -> Option<Guard> { v.into_iter().last() }");
}

// unnecessary_fold: `any` stops early.

#[test]
fn n16324_a_fold_that_runs_every_closure_stays_a_fold() {
    left_alone("fn f(v: &[u8]) -> bool { v.iter().fold(false, |found, x| found | check(x)) }");
}

#[test]
fn n3351_a_fold_with_an_or_that_is_lazy_stays_a_fold() {
    left_alone("fn f(v: &[u8]) -> bool { v.iter().fold(false, |found, x| found || check(x)) }");
}

// Guards and their temporaries.

#[test]
fn n7965_nested_conditions_under_a_borrowed_value_are_not_joined() {
    left_alone("fn f(rx: &Watch) { if let Some(x) = rx.borrow().get() { if x.is_ok() { rx.send(1); } } }");
}

#[test]
fn n12957_a_clone_behind_a_guard_is_what_releases_it() {
    left_alone("fn f(m: &Mutex<Vec<u8>>) { let v = m.lock().unwrap().clone(); g(&v); m.lock().unwrap().push(1); }");
}

#[test]
fn n14028_a_guard_in_a_scrutinee_is_not_cut_short() {
    left_alone("fn f(m: &Mutex<M>) { match m.lock().unwrap().get(&1) { Some(v) => g(v), None => h(m) } }");
}

#[test]
fn n9302_a_guard_in_a_scrutinee_keeps_the_other_branch_out_of_let_else() {
    left_alone(
        "fn f(m: &Mutex<M>) -> u8 { let v = match m.lock().unwrap().get(1) { Some(v) => v, None => return h(m) }; *v }",
    );
}

#[test]
fn n16216_a_guard_that_is_downgraded_is_not_dropped() {
    left_alone(
        "fn f(l: &RwLock<V>) { let mut g = l.write().unwrap(); g.push(1); let r = RwLockWriteGuard::downgrade(g); sleep(&r); std::thread::sleep(D); }",
    );
}

#[test]
fn n11549_what_is_borrowed_through_a_guard_is_for_rustc_to_see() {
    asked(
        "fn f(m: &Mutex<V>) { let g = m.lock().unwrap(); let view = g.view(); std::thread::sleep(D); h(view); }",
        AnsweredBy::Borrow,
        "nothing borrowed through `g`",
    );
}

#[test]
fn n11279_a_guard_that_a_condvar_gives_back_is_left_alone() {
    left_alone(
        "fn f(m: &Mutex<bool>, c: &Condvar) { let mut g = m.lock().unwrap(); while !*g { g = c.wait(g).unwrap(); } std::thread::sleep(D); }",
    );
}

#[test]
fn n17264_a_guard_that_is_handed_on_is_left_alone() {
    left_alone("fn f(m: &Mutex<V>) { let g = m.lock().unwrap(); g.len(); keep(g); std::thread::sleep(D); }");
}

#[test]
fn n11125_a_guard_without_a_name_of_its_own_guards_what_follows() {
    left_alone("fn f(m: &Mutex<()>) { let _g = m.lock().unwrap(); std::fs::write(P, b\"a\").unwrap(); }");
}

// redundant_clone: the clone was not redundant.

#[test]
fn n10870_a_copy_of_what_is_changed_afterwards_is_kept() {
    left_alone("fn f(v: &mut Vec<u8>) { let old = v.clone(); v.push(1); g(&old, v); }");
}

#[test]
fn n10577_a_copy_taken_in_a_loop_is_kept() {
    left_alone("fn f(v: Vec<u8>) { for _ in 0..3 { take(v.clone()); } }");
}

#[test]
fn n10545_a_copy_of_a_shared_pointer_counts() {
    left_alone("fn f(a: Rc<u8>) { let b = a.clone(); assert_eq!(Rc::strong_count(&a), 2); g(&b); }");
}

#[test]
fn n10517_a_copy_of_a_sender_keeps_the_channel_open() {
    left_alone("fn f(tx: Sender<u8>) { let t = tx.clone(); spawn(t); tx.send(1); }");
}

#[test]
fn n10940_a_copy_that_a_closure_owns_is_kept() {
    left_alone("fn f(s: &S) { let name = s.name.clone(); run(move || g(&name)); h(&s.name); }");
}

#[test]
fn n13900_a_copy_whose_original_is_matched_on_later_is_kept() {
    left_alone("fn f(x: Option<String>) { take(x.clone()); if let Some(s) = x { g(s); } }");
}

#[test]
fn n5595_a_copy_of_what_has_a_drop_of_its_own_is_for_rustc_to_judge() {
    asked("fn f(h: Handle2) { take(h.clone()); }", AnsweredBy::Type, "copies plain data");
}

// map_entry: `entry` borrows the map while the value is made.

#[test]
fn n4674_a_value_made_from_the_map_itself_is_left_alone() {
    left_alone(
        "fn f(m: &mut HashMap<u8, u8>, k: u8) { if !m.contains_key(&k) { let n = m.len(); m.insert(k, n as u8); } }",
    );
}

#[test]
fn n9470_a_key_that_is_used_afterwards_is_left_alone() {
    left_alone(
        "fn f(m: &mut HashMap<String, u8>, k: String) { if !m.contains_key(&k) { m.insert(k.clone(), 1); } g(k); }",
    );
}

#[test]
fn n9925_a_value_that_may_fail_is_left_alone() {
    left_alone("fn f(m: &mut HashMap<u8, u8>, k: u8) -> R { if !m.contains_key(&k) { m.insert(k, make()?); } Ok(()) }");
}

#[test]
fn n13306_a_value_that_may_return_is_left_alone() {
    left_alone("fn f(m: &mut HashMap<u8, u8>, k: u8) { if !m.contains_key(&k) { if a { return; } m.insert(k, 1); } }");
}

#[test]
fn n9305_an_insertion_into_another_map_is_left_alone() {
    left_alone("fn f(m: &mut M, n: &mut M, k: u8) { if !m.contains_key(&k) { n.insert(k, 1); } }");
}

#[test]
fn n1450_a_check_without_an_insertion_is_left_alone() {
    left_alone("fn f(m: &M, k: u8) -> bool { if !m.contains_key(&k) { log(); } m.is_empty() }");
}

#[test]
fn n4219_a_map_of_another_kind_is_for_rustc_to_judge() {
    asked("fn f(m: &Registry, k: u8) { if m.contains_key(&k) { g(&m[&k]); } }", AnsweredBy::Type, "is a map of std");
}

#[test]
fn n9057_a_map_behind_a_call_is_left_alone() {
    left_alone("fn f(s: &mut S, k: u8) { if !s.map().contains_key(&k) { s.map().insert(k, 1); } }");
}

#[test]
fn n14449_a_set_whose_value_would_be_copied_each_time_is_left_alone() {
    left_alone("fn f(s: &mut HashSet<String>, k: &str) { if !s.contains(k) { s.insert(k.to_string()); g(); } }");
}

#[test]
fn n17120_a_look_up_under_a_guard_that_holds_without_it_is_left_alone() {
    left_alone("fn f(m: &mut M, k: u8) { if a() || m.contains_key(&k) { g(m[&k]); } }");
}

// needless_collect: the collect is what ends a borrow or orders effects.

#[test]
fn n6420_a_collect_that_ends_a_borrow_is_kept() {
    left_alone("fn f(m: &mut M) { let ks: Vec<u8> = m.keys().copied().collect(); for k in ks { m.remove(&k); } }");
}

#[test]
fn n6066_a_collect_that_starts_all_threads_before_joining_is_kept() {
    left_alone("fn f(v: &[u8]) { let hs: Vec<_> = v.iter().map(|x| spawn(x)).collect(); for h in hs { h.join(); } }");
}

#[test]
fn n7526_a_collect_that_is_used_twice_is_kept() {
    left_alone("fn f(v: &[u8]) { let w: Vec<_> = v.iter().map(g).collect(); if w.len() > 1 { for x in w { h(x); } } }");
}

#[test]
fn n7512_a_collect_into_a_result_is_a_barrier() {
    left_alone(
        "fn f(v: &[u8]) -> R { let w = v.iter().map(g).collect::<Result<Vec<_>, E>>()?; for x in w { h(x); } Ok(()) }",
    );
}

#[test]
fn n8046_a_collect_whose_closure_has_effects_is_kept() {
    left_alone("fn f(v: &[u8]) { let w: Vec<_> = v.iter().map(|x| { log(x); x }).collect(); for x in w { h(x); } }");
}

// Returns, bindings and what is dropped when.

#[test]
fn n9503_a_return_in_an_unsafe_block_stays() {
    left_alone("fn f(p: *const u8) -> u8 { unsafe { return *p; } }");
}

#[test]
fn n5858_a_binding_before_the_end_decides_when_temporaries_go() {
    left_alone("fn f(m: &Mutex<Vec<u8>>) -> usize { let n = m.lock().unwrap().len(); n }");
}

#[test]
fn n16820_a_binding_with_a_pattern_behind_it_is_not_made_a_let_else() {
    left_alone("fn f(x: Option<u8>) -> Option<u8> { let v = match x { v @ Some(_) => v, None => return g() }; v }");
}

#[test]
fn n11982_an_error_that_is_converted_on_return_keeps_its_conversion() {
    left_alone("fn f() -> Result<u8, E> { return Err(g())?; }");
}

#[test]
fn n15058_an_error_wrapped_by_hand_is_not_passed_on_bare() {
    left_alone("fn f() -> Result<u8, E> { let v = match g() { Ok(v) => v, Err(e) => return Err(wrap(e)) }; Ok(v) }");
}

#[test]
fn n15063_code_in_the_arguments_of_an_unknown_macro_is_left_alone() {
    left_alone("fn f(v: &[u8]) { with!(for i in 0..v.len() { g(v[i]); }); }");
}

#[test]
fn n15063_code_in_the_definition_of_a_macro_is_left_alone() {
    left_alone("macro_rules! m { ($v:expr) => { for i in 0..$v.len() { g($v[i]); } }; }");
}

#[test]
fn n5532_what_may_panic_is_not_moved_before_what_has_effects() {
    left_alone("fn f(v: &[String], xs: &[u8]) { for x in xs { log(x); g(v[0].parse::<u8>().unwrap()); } }");
}

// Comments.

#[test]
fn n17376_a_comment_between_arms_refuses() {
    refused(
        "fn f(x: Option<u8>) -> u8 {\n    let v = match x {\n        Some(v) => v,\n        // Never in practice.\n        None => return 0,\n    };\n    v\n}\n",
        "the comment \"// Never in practice.\" would be lost (line 4)",
    );
}

#[test]
fn hashbrown_a_safety_comment_refuses() {
    let (rewrites, refusals) = all(
        "fn f(x: Option<u8>) -> u8 {\n    let v = match x {\n        Some(v) => v,\n        // SAFETY: See explanation above.\n        None => return 0,\n    };\n    v\n}\n",
    );
    assert!(rewrites.is_empty() && refusals.len() == 1 && refusals[0].contains("SAFETY"), "{refusals:?}");
}

#[test]
fn rust_analyzer_17869_comments_of_a_rewritten_loop_stay() {
    becomes(
        "fn f(mut v: Vec<u8>) {\n    // Before.\n    while !v.is_empty() { // head\n        let x = v.remove(0);\n        // Inside.\n        g(x); // last\n    }\n}\n",
        "fn f(mut v: Vec<u8>) {\n    // Before.\n    for x in v.drain(..) { // head\n        // Inside.\n        g(x); // last\n    }\n}\n",
    );
}

// Fixes that were each right alone, or wrong by a name.

#[test]
fn insta_two_closures_over_one_name_are_left_alone() {
    left_alone("fn f(name: Option<String>, s: &str) -> String { name.map(|n| g(n)).unwrap_or_else(|| s.to_string()) }");
}

#[test]
fn clap_an_adaptor_whose_type_is_named_is_left_alone() {
    left_alone("struct I<'a>(Cloned<Iter<'a, u8>>); fn f(v: &[u8]) -> I<'_> { I(v.iter().cloned()) }");
}

#[test]
fn regex_automata_a_name_inside_a_format_string_is_seen() {
    left_alone("fn f(x: Option<u8>) { if x.is_some() { println!(\"{x:?}\"); g(x.unwrap()); } }");
}

#[test]
fn regex_syntax_letters_that_are_not_in_normal_form_stay() {
    becomes(
        "fn f(v: &[u8]) {\n    for i in 0..v.len() {\n        g(v[i], '\u{958}');\n    }\n}\n",
        "fn f(v: &[u8]) {\n    for element in v.iter() {\n        g(*element, '\u{958}');\n    }\n}\n",
    );
}

#[test]
fn rust_65029_line_ends_of_two_bytes_do_not_shift_an_edit() {
    becomes(
        "fn f(mut v: Vec<u8>) {\r\n    let s = \"é\";\r\n    while !v.is_empty() {\r\n        let x = v.remove(0);\r\n        g(x, s);\r\n    }\r\n}\r\n",
        "fn f(mut v: Vec<u8>) {\r\n    let s = \"é\";\r\n    for x in v.drain(..) {\r\n        g(x, s);\r\n    }\r\n}\r\n",
    );
}

#[test]
fn otel_2789_fields_without_names_are_not_reordered() {
    left_alone("#[repr(C)] struct S(u8, u64, u8); fn f() -> S { S(1, 2, 3) }");
}
