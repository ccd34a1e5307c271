//! A rule's id and a text in; a failed test where its rewrite is not what was expected, out.

use super::propose;
use crate::detect;
use crate::model::{EditSet, Finding, Refusal, Rewrite};
use crate::source::{FileRole, SourceFile, apply, lexer};

/// Parses a file of the crate `pay`.
#[track_caller]
pub(crate) fn parse(text: &str) -> SourceFile {
    let role = FileRole { krate: "pay".into(), edition: "2024".into(), ..FileRole::default() };
    SourceFile::parse("src/lib.rs", text, &role).unwrap_or_else(|problem| panic!("{problem}\n{text}"))
}

/// What one rule finds and proposes in one file.
#[track_caller]
pub(crate) fn proposals(rule: &str, text: &str) -> (Vec<Finding>, Vec<Rewrite>, Vec<Refusal>) {
    let rule = detect::rule(rule).unwrap_or_else(|| panic!("no rule \"{rule}\" in the registry"));
    let files = [parse(text)];
    let (findings, problems) = detect::scan(&files, &[rule]);
    assert_eq!(problems, []);
    let (rewrites, refusals) = propose(&files, &findings);
    (findings, rewrites, refusals)
}

/// The rule fires once, its rewrite makes `after` of `before`, keeps every comment, and the rule fires no more.
///
/// Checked with LF, CRLF, a BOM and tabs: bytes follow the file.
#[track_caller]
pub(crate) fn check(rule: &str, before: &str, after: &str) -> Rewrite {
    let tabs = |text: &str| text.replace("    ", "\t");
    let crlf = |text: &str| text.replace('\n', "\r\n");
    check_bytes(rule, &tabs(before), &tabs(after));
    check_bytes(rule, &crlf(before), &crlf(after));
    check_bytes(rule, &format!("\u{feff}{before}"), &format!("\u{feff}{after}"));
    check_bytes(rule, before, after)
}

#[track_caller]
fn check_bytes(rule: &str, before: &str, after: &str) -> Rewrite {
    let (findings, rewrites, refusals) = proposals(rule, before);
    assert_eq!(findings.len(), 1, "the rule fires once in\n{before}\nbut says {findings:#?}");
    assert_eq!(refusals, [], "in\n{before}");
    assert_eq!(rewrites.len(), 1, "one rewrite of\n{before}");
    let rewrite = rewrites.into_iter().next().expect("just counted");
    let new = applied(&rewrite.edits, before);
    assert!(new == after, "expected\n{after}\nbut it is\n{new}\n\n{:?}\n{:?}", after, new);
    assert!(lexer::comments(&new).len() >= lexer::comments(before).len());
    let again = proposals(rule, &new).0;
    assert_eq!(again, [], "the rule still fires on\n{new}");
    rewrite
}

#[track_caller]
fn applied(sets: &[EditSet], text: &str) -> String {
    assert_eq!(sets.len(), 1);
    apply(&sets[0], text).unwrap_or_else(|problem| panic!("{problem}"))
}

/// The rule fires, and its recipe refuses for this reason.
#[track_caller]
pub(crate) fn check_refuses(rule: &str, text: &str, reason: &str) {
    let (findings, rewrites, refusals) = proposals(rule, text);
    assert_eq!(findings.len(), 1, "the rule fires once in\n{text}");
    assert_eq!(rewrites, [], "no rewrite of\n{text}");
    let reasons: Vec<_> = refusals.iter().map(|r| r.reason.as_str()).collect();
    assert_eq!(reasons, [reason], "in\n{text}");
}
