//! `cargo bench --bench corpus -- [--keep FOLDER] [--refit PROGRAM] [--again] [--no-doc-tests | --library] [CRATE …]`: every proven
//! rewrite of classes A and B, with no profile, applied to widely used crates of the registry; do they build, do their tests
//! pass, is every comment kept, is every byte outside the edits the same?
//!
//! Needs the registry, git and time (an hour or two for all). Each crate is taken as published, put into a repository, its
//! tests are run, `refit propose --all --checked --class A --class B` says what stands, `git apply` applies it, the tests run
//! again. What is wrong after is named: a build or a test that fails, a comment lost, a byte changed. Nothing is asserted.
//! With `--keep`, crates, patches and `results.jsonl` stay; a crate that stands there is not run once more, but with `--again`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

mod corpus_crate;

use corpus_crate::{Outcome, Way, Which, run, tried};

/// Crates of the registry, in these versions: parsers, collections, text, protocols, compilers, geometry, search.
const CRATES: &[&str] = &[
    "regex-automata 0.4.18",
    "regex-syntax 0.8.11",
    "aho-corasick 1.1.5",
    "itertools 0.15.0",
    "hashbrown 0.17.1",
    "indexmap 2.14.2",
    "petgraph 0.8.3",
    "clap_builder 4.6.7",
    "winnow 1.0.5",
    "nom 8.0.0",
    "bstr 1.13.1",
    "time 0.3.55",
    "toml_edit 0.25.18",
    "toml 1.2.1",
    "csv 1.4.0",
    "csv-core 0.1.13",
    "globset 0.4.21",
    "ignore 0.4.34",
    "similar 3.2.1",
    "logos-codegen 0.16.1",
    "pest_meta 2.9.6",
    "zip 9.4.1",
    "tera 2.4.0",
    "minijinja 3.0.5",
    "insta 1.49.0",
    "proptest 1.12.0",
    "fancy-regex 0.20.0",
    "pulldown-cmark 0.13.6",
    "quick-xml 0.42.0",
    "comrak 0.59.0",
    "tokio-util 0.7.20",
    "tracing-subscriber 0.3.23",
    "gimli 0.34.0",
    "object 0.40.0",
    "moka 0.12.16",
    "ndarray 0.17.2",
    "image 0.25.10",
    "rustls 0.23.46",
    "wasmparser 0.263.0",
    "geo 0.33.1",
    "nalgebra 0.35.0",
    "naga 30.0.1",
    "cranelift-codegen 0.135.8",
    "tantivy 0.27.0",
];

fn main() {
    let options = Options::given();
    let temporary = tempfile::tempdir().expect("a folder for temporary files");
    let place = options.keep.unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&place).expect("a folder for the crates");
    let results = place.join("results.jsonl");
    let mut known = recorded(&results);
    if options.again {
        known.retain(|outcome| !options.crates.contains(&outcome.krate.as_str()));
    }
    let is_new = |c: &&str| known.iter().all(|outcome| outcome.krate != **c);
    let open: Vec<&str> = options.crates.iter().copied().filter(is_new).collect();
    for (name, source) in open.iter().zip(fetched(&place, &open)) {
        let began = Instant::now();
        let way = Way {
            project: place.join(name.replace(' ', "-")),
            patch: place.join(format!("{}.diff", name.replace(' ', "-"))),
            refit: options.refit.clone(),
            tests: options.tests,
        };
        let mut outcome = tried(&way, &source);
        // What was built for all of them together would fill a disk.
        let _ = std::fs::remove_dir_all(way.project.join("target"));
        (outcome.krate, outcome.seconds) = ((*name).to_owned(), began.elapsed().as_secs());
        println!("{name}: {} ({} s)", outcome.line(), outcome.seconds);
        outcome.wrong.iter().for_each(|wrong| println!("  WRONG: {wrong}"));
        known.push(outcome);
        record(&results, &known);
    }
    known.retain(|outcome| options.crates.contains(&outcome.krate.as_str()));
    tell(&known);
}

/// What stands on the command line.
struct Options {
    keep: Option<PathBuf>,
    refit: PathBuf,
    again: bool,
    tests: Which,
    crates: Vec<&'static str>,
}

impl Options {
    fn given() -> Options {
        let mut words = std::env::args().skip(1).filter(|a| a != "--bench");
        let refit = PathBuf::from(env!("CARGO_BIN_EXE_refit"));
        let mut options = Options { keep: None, refit, again: false, tests: Which::All, crates: Vec::new() };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--keep" => options.keep = words.next().map(PathBuf::from),
                "--refit" => options.refit = words.next().map(PathBuf::from).expect("the path of a program"),
                "--again" => options.again = true,
                "--no-doc-tests" => options.tests = Which::WithoutDoc,
                "--library" => options.tests = Which::Library,
                name => {
                    let is_it = |c: &&&str| c.split(' ').next() == Some(name);
                    let found = CRATES.iter().find(is_it).unwrap_or_else(|| panic!("{name} is not in the corpus"));
                    options.crates.push(found);
                }
            }
        }
        if options.crates.is_empty() {
            options.crates = CRATES.to_vec();
        }
        options
    }
}

/// What became of crates in runs before this one.
fn recorded(results: &Path) -> Vec<Outcome> {
    let text = std::fs::read_to_string(results).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("a line that this bench wrote")).collect()
}

/// Writes what is known beside the old file first: a run that is ended leaves one of the two whole.
fn record(results: &Path, known: &[Outcome]) {
    let new = results.with_extension("new");
    let mut file = std::fs::File::create(&new).expect("a file for the results");
    for outcome in known {
        writeln!(file, "{}", serde_json::to_string(outcome).expect("JSON")).expect("a result is written");
    }
    std::fs::rename(&new, results).expect("the results are replaced");
}

/// Where cargo keeps the sources of these crates, fetched if they are not there.
fn fetched(place: &Path, crates: &[&str]) -> Vec<PathBuf> {
    let manifest = place.join("manifest");
    std::fs::create_dir_all(manifest.join("src")).expect("a folder for the manifest");
    let needs: String = crates.iter().map(|c| c.replacen(' ', " = \"=", 1) + "\"\n").collect();
    let text = format!(
        "[package]\nname = \"corpus\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n{needs}"
    );
    std::fs::write(manifest.join("Cargo.toml"), text).expect("the manifest is written");
    std::fs::write(manifest.join("src/lib.rs"), "").expect("the library is written");
    let out = run(Command::new("cargo").args(["metadata", "--format-version=1"]).current_dir(&manifest));
    let metadata: Value = serde_json::from_str(&out.text).unwrap_or_else(|_| panic!("cargo metadata: {}", out.text));
    let packages = metadata["packages"].as_array().expect("packages");
    let found = |c: &&str| {
        let named = |p: &&Value| Some(format!("{} {}", p["name"].as_str()?, p["version"].as_str()?));
        let is_it = |p: &&Value| named(p).is_some_and(|n| n == **c || n.starts_with(&format!("{c}+")));
        let package = packages.iter().find(is_it).unwrap_or_else(|| panic!("{c} was not fetched"));
        Path::new(package["manifest_path"].as_str().expect("its path")).parent().expect("its folder").to_owned()
    };
    crates.iter().map(found).collect()
}

/// Prints two tables in Markdown, by crate and by rule, and the sum.
fn tell(all: &[Outcome]) {
    println!("\n| crate | lines | proposed | refused | applied | rules | tests passed before | wrong | s |");
    println!("| --- | --: | --: | --: | --: | --: | --: | --- | --: |");
    all.iter().for_each(|outcome| println!("{}", outcome.row()));
    let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
    for (rule, n) in all.iter().flat_map(|outcome| &outcome.rules) {
        *rules.entry(rule).or_default() += n;
    }
    let applied: usize = rules.values().sum();
    let mut sorted: Vec<(&str, usize)> = rules.iter().map(|(rule, n)| (*rule, *n)).collect();
    sorted.sort_by_key(|(rule, n)| (std::cmp::Reverse(*n), *rule));
    println!("\n| rule | applied |\n| --- | --: |");
    sorted.iter().for_each(|(rule, n)| println!("| `{rule}` | {n} |"));
    let taken: Vec<&Outcome> = all.iter().filter(|o| o.note.is_none()).collect();
    println!(
        "\n{} crates of {} lines with {} passing tests; {applied} rewrites of {} rules applied (asked: 100 of 12); \
         {} crates with something wrong, {} left out",
        taken.len(),
        taken.iter().map(|o| o.lines).sum::<usize>(),
        taken.iter().map(|o| o.passed_before).sum::<usize>(),
        rules.len(),
        taken.iter().filter(|o| !o.wrong.is_empty()).count(),
        all.len() - taken.len(),
    );
}
