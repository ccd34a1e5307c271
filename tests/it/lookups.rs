//! The rules of look-ups and copies on the example service: what is proposed applies, one after the other, to the end.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use refit::detect::{self, Rule};
use refit::model::Finding;
use refit::rewrite;
use refit::source::{FileRole, SourceFile, apply, lexer};

const RULES: [&str; 6] = [
    "quadratic-membership",
    "linear-lookup-in-loop",
    "nested-loop-join",
    "clone-of-iterated",
    "clone-then-read",
    "clone-at-last-use",
];

/// Texts of the example's own files, by path.
fn texts() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/payment-gateway/src");
    let files = fs::read_dir(folder).expect("the example").map(|entry| entry.expect("an entry").path());
    files
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy();
            (format!("src/{name}"), fs::read_to_string(&path).expect("a text"))
        })
        .collect()
}

fn parse(texts: &BTreeMap<String, String>) -> Vec<SourceFile> {
    let role = |path: &str| FileRole {
        krate: "payment_gateway".into(),
        modules: vec![path.trim_start_matches("src/").trim_end_matches(".rs").to_owned()],
        edition: "2024".into(),
        ..FileRole::default()
    };
    texts.iter().map(|(path, text)| SourceFile::parse(path, text, &role(path)).expect("it parses")).collect()
}

fn rules() -> Vec<&'static Rule> {
    RULES.iter().map(|id| detect::rule(id).expect("a rule of that id")).collect()
}

fn count(findings: &[Finding], kind: &str) -> usize {
    findings.iter().filter(|f| f.kind.word() == kind).count()
}

#[test]
fn the_example_has_lookups_and_copies_and_each_gets_a_rewrite() {
    let files = parse(&texts());
    let (findings, problems) = detect::scan(&files, &rules());
    assert_eq!(problems, []);
    assert!(count(&findings, "quadratic") >= 3 && count(&findings, "defensive-copy") >= 3, "{findings:#?}");
    let (rewrites, refused) = rewrite::propose(&files, &findings);
    assert_eq!(refused, []);
    assert_eq!(rewrites.len(), findings.len());
}

#[test]
fn proposals_applied_one_after_the_other_come_to_an_end_and_keep_every_comment() {
    let mut texts = texts();
    let comments = |texts: &BTreeMap<String, String>| texts.values().map(|t| lexer::comments(t).len()).sum::<usize>();
    let before = comments(&texts);
    let (mut seen, mut rounds) = (Vec::new(), 0);
    loop {
        let files = parse(&texts);
        let (findings, _) = detect::scan(&files, &rules());
        let (rewrites, _) = rewrite::propose(&files, &findings);
        let Some(first) = rewrites.first() else { break };
        assert!(!seen.contains(&first.id), "{} is proposed again", first.title);
        for set in &first.edits {
            let new = apply(set, &texts[set.file()]).expect("the edits apply");
            texts.insert(set.file().to_owned(), new);
        }
        seen.push(first.id.clone());
        rounds += 1;
        assert!(rounds < 60, "the proposals do not end");
    }
    assert!(rounds >= 6, "only {rounds} proposals");
    assert_eq!(comments(&texts), before);
}
