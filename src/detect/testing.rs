//! A rule and a text with `$0` around each place to be flagged in; a failed test with the difference out.

use super::{Rule, scan};
use crate::model::Finding;
use crate::source::{FileRole, SourceFile};

/// Parses a file of the crate `pay`.
#[track_caller]
pub(crate) fn parse(text: &str) -> SourceFile {
    let role = FileRole { krate: "pay".into(), edition: "2024".into(), ..FileRole::default() };
    SourceFile::parse("src/lib.rs", text, &role).unwrap_or_else(|problem| panic!("{problem}\n{text}"))
}

/// Findings of one rule in one file.
#[track_caller]
pub(crate) fn findings(rule: &Rule, text: &str) -> Vec<Finding> {
    let (findings, problems) = scan(&[parse(text)], &[rule]);
    assert_eq!(problems, []);
    findings
}

/// The rule flags exactly what stands between `$0` and `$0`.
#[track_caller]
pub(crate) fn check(rule: &Rule, marked: &str) {
    let text = marked.replace("$0", "");
    let found: Vec<String> = findings(rule, &text).iter().map(|f| text[f.range.bytes()].to_owned()).collect();
    let expected: Vec<&str> = marked.split("$0").skip(1).step_by(2).collect();
    assert_eq!(found, expected, "in\n{text}");
}

/// The rule flags nothing in any of these function bodies.
#[track_caller]
pub(crate) fn check_ignores(rule: &Rule, texts: &[&str]) {
    for text in texts {
        assert!(!text.contains("$0"), "a look-alike has no marks:\n{text}");
        check(rule, text);
    }
}

/// The rule flags exactly these slices of the text, in this order.
#[track_caller]
pub(crate) fn check_sites(rule: &Rule, text: &str, expected: &[&str]) {
    let found: Vec<String> = findings(rule, text).iter().map(|f| text[f.range.bytes()].to_owned()).collect();
    assert_eq!(found, expected, "in\n{text}");
}
