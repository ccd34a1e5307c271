//! The rules of errors, layout, rebuilt invariants and logging on the example service: they find what stands there
//! naturally, every proposal applies, all of them together leave nothing to find.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use refit::model::{Class, EditSet, Kind, LineWidth, Rewrite, TextEdit};
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
fn every_rule_flags_the_same_in_a_lean_tree() {
    let mut texts = texts();
    for folder in ["src/source", "src/model", "src/detect/loops", "src/effects"] {
        let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
        for path in entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "rs")) {
            texts.insert(path.display().to_string(), std::fs::read_to_string(&path).unwrap());
        }
    }
    let triggers = detect::Triggers::new(detect::REGISTRY);
    for (path, text) in &texts {
        let [full, lean] = [SourceFile::parse, SourceFile::parse_lean].map(|parse| {
            let file = parse(path, text, &FileRole::default()).unwrap();
            let (mut seen, problems) = triggers.facts(&file);
            // What stands in tests is never flagged.
            seen.iter_mut().for_each(|(_, facts)| facts.retain(|fact| !fact.is_background));
            seen.retain(|(_, facts)| !facts.is_empty());
            (seen, problems, file.items.clone(), refit::source::declarations::declarations(&file))
        });
        assert_eq!(full, lean, "{path}");
    }
}

#[test]
fn every_kind_stands_in_the_example_at_least_twice_with_a_rewrite() {
    let files = parse(&texts());
    let (findings, problems) = detect::scan(&files, detect::REGISTRY);
    assert_eq!(problems, []);
    let (rewrites, _) = rewrite::propose(&files, &findings);
    for kind in Kind::ALL {
        let of_kind = rewrites.iter().filter(|r| r.kind == *kind && r.class != Class::D);
        let places: BTreeSet<(&str, u32)> = of_kind.map(|r| (r.file.as_str(), r.line)).collect();
        assert!(places.len() >= 2, "{}: {places:?}", kind.word());
    }
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

/// What rustfmt makes of a text with the settings of the example; `None` where there is no rustfmt.
fn formatted(text: &str) -> Option<String> {
    let settings = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/payment-gateway");
    let mut command = Command::new("rustfmt");
    command.args(["--edition", "2024", "--emit", "stdout", "--config-path"]).arg(settings);
    let mut rustfmt = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let (mut input, text) = (rustfmt.stdin.take().unwrap(), text.to_owned());
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let out = rustfmt.wait_with_output().unwrap();
    let _ = writer.join();
    // A toolchain without the component has a proxy of that name, which fails.
    out.status.success().then(|| String::from_utf8(out.stdout).unwrap())
}

#[test]
fn every_proposal_of_the_example_is_formatted_as_the_example_is() {
    if formatted("fn f() {}\n").is_none() {
        eprintln!("skipped: there is no rustfmt here (rustup component add rustfmt)");
        return;
    }
    let mut files = parse(&texts());
    // What `project::crates` reads of the example's rustfmt.toml.
    files.iter_mut().for_each(|f| f.role.width = LineWidth(120));
    let (findings, _) = detect::scan(&files, detect::REGISTRY);
    let (rewrites, _) = rewrite::propose(&files, &findings);
    assert!(rewrites.len() > 40, "{}", rewrites.len());
    for rewrite in &rewrites {
        for set in &rewrite.edits {
            let file = files.iter().find(|f| f.path == set.file()).unwrap();
            let new = apply(set, &file.text).unwrap_or_else(|problem| panic!("{problem}"));
            let wanted = formatted(&new).unwrap_or_else(|| panic!("{}: not Rust any more:\n{new}", rewrite.rule.0));
            let differs = refit::source::diff(&file.path, &new, &wanted);
            assert!(new == wanted, "{} in {}:\n{differs}", rewrite.rule.0, file.path);
        }
    }
}
