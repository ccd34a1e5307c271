//! The rules of errors, layout, rebuilt invariants and logging on the example service: they find what stands there
//! naturally, every proposal applies, all of them together leave nothing to find.

use std::collections::BTreeMap;
use std::path::Path;

use refit::model::{EditSet, Rewrite, TextEdit};
use refit::source::{FileRole, SourceFile, apply};
use refit::{detect, rewrite};

/// Rules, with how many places of the example each must find at least.
const EXPECTED: &[(&str, usize)] = &[
    ("match-to-question", 3),
    ("repeated-map-err", 2),
    ("regex-in-function", 3),
    ("constant-table-rebuilt", 3),
    ("invariant-in-loop", 1),
    ("repr-c-holes", 3),
    ("contended-atomics", 1),
    ("flush-per-call", 2),
    ("flush-in-loop", 3),
    ("open-per-call", 1),
];

fn rules() -> Vec<&'static detect::Rule> {
    EXPECTED.iter().map(|(id, _)| detect::rule(id).unwrap_or_else(|| panic!("no rule {id}"))).collect()
}

fn texts() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/payment-gateway/src");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|ext| ext == "rs"));
    let text = |path: std::path::PathBuf| {
        let name = format!("src/{}", path.file_name().unwrap().to_string_lossy());
        (name, std::fs::read_to_string(path).unwrap())
    };
    files.map(text).collect()
}

fn parse(texts: &BTreeMap<String, String>) -> Vec<SourceFile> {
    let file = |(path, text): (&String, &String)| {
        let module = path.trim_start_matches("src/").trim_end_matches(".rs");
        let modules = if module == "lib" { Vec::new() } else { vec![module.to_string()] };
        let role = FileRole { krate: "gateway".into(), edition: "2024".into(), modules, ..FileRole::default() };
        SourceFile::parse(path, text, &role).unwrap()
    };
    texts.iter().map(file).collect()
}

#[test]
fn the_example_has_natural_places_for_each_rule_and_each_gets_a_rewrite() {
    let files = parse(&texts());
    let (findings, problems) = detect::scan(&files, &rules());
    assert_eq!(problems, []);
    for (rule, least) in EXPECTED {
        let count = findings.iter().filter(|f| f.rule.0 == *rule).count();
        assert!(count >= *least, "{rule} finds {count} places");
    }
    let (rewrites, refusals) = rewrite::propose(&files, &findings);
    assert_eq!(refusals, []);
    assert_eq!(rewrites.len(), findings.len());
    assert!(rewrites.iter().filter(|r| r.class == refit::model::Class::B).all(|r| !r.obligations.is_empty()));
}

#[test]
fn rewrite_after_rewrite_the_example_runs_out_of_findings() {
    let mut texts = texts();
    for round in 0..8 {
        let files = parse(&texts);
        let (findings, _) = detect::scan(&files, &rules());
        let (rewrites, refusals) = rewrite::propose(&files, &findings);
        assert_eq!(refusals, [], "in round {round}");
        if rewrites.is_empty() {
            assert!(round > 1, "alternatives take more than one round");
            return;
        }
        land(&mut texts, &files, &rewrites);
    }
    panic!("the rules still find something after eight rounds");
}

/// Applies every rewrite that does not overlap one before it.
fn land(texts: &mut BTreeMap<String, String>, files: &[SourceFile], rewrites: &[Rewrite]) {
    let mut taken: BTreeMap<&str, Vec<TextEdit>> = BTreeMap::new();
    for rewrite in rewrites {
        let fits = rewrite.edits.iter().all(|set| {
            let before = taken.get(set.file()).cloned().unwrap_or_default();
            EditSet::new(set.file(), set.base().clone(), [before, set.edits().to_vec()].concat()).is_ok()
        });
        if fits {
            for set in &rewrite.edits {
                taken.entry(set.file()).or_default().extend(set.edits().to_vec());
            }
        }
    }
    for (path, edits) in taken {
        let file = files.iter().find(|f| f.path == path).unwrap();
        let set = EditSet::new(path, file.hash.clone(), edits).unwrap();
        let new = apply(&set, &file.text).unwrap_or_else(|problem| panic!("{problem}"));
        texts.insert(path.to_string(), new);
    }
}
