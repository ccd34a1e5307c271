//! `cargo bench --bench corpus -- [--keep FOLDER] [CRATE …]`: every proven rewrite of classes A and B, with no profile, applied to
//! widely used crates of the registry; do they build, do their tests pass, is every comment kept?
//!
//! Needs the registry, git and time (an hour or two for all). Each crate is taken as published, put into a repository, its
//! tests are run, `refit propose --all --checked --class A --class B` says what stands, `git apply` applies it, the tests run again.
//! A test that passed before and fails after, a build that fails, a comment lost: each is named. Nothing is asserted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

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
    let mut words = std::env::args().skip(1).filter(|a| a != "--bench");
    let (mut keep, mut named) = (None, Vec::new());
    while let Some(word) = words.next() {
        match word.as_str() {
            "--keep" => keep = words.next().map(PathBuf::from),
            name => named.push(name.to_owned()),
        }
    }
    let temporary = tempfile::tempdir().expect("a folder for temporary files");
    let place = keep.unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&place).expect("a folder for the crates");
    let wanted = |c: &&&str| named.is_empty() || named.iter().any(|n| c.split(' ').next() == Some(n.as_str()));
    let crates: Vec<&str> = CRATES.iter().filter(wanted).copied().collect();
    let sources = fetched(&place, &crates);
    let mut sum = Sum::default();
    for (name, source) in crates.iter().zip(sources) {
        let began = Instant::now();
        let project = place.join(name.replace(' ', "-"));
        let outcome = tried(&project, &source);
        // What was built for all of them together would fill a disk.
        let _ = std::fs::remove_dir_all(project.join("target"));
        println!("{name}: {} ({:.0} s)", outcome.line(), began.elapsed().as_secs_f64());
        outcome.wrong.iter().for_each(|wrong| println!("  WRONG: {wrong}"));
        sum.add(outcome);
    }
    sum.tell();
}

/// Where cargo keeps the sources of these crates, fetched if they are not there.
fn fetched(place: &Path, crates: &[&str]) -> Vec<PathBuf> {
    let manifest = place.join("manifest");
    std::fs::create_dir_all(manifest.join("src")).expect("a folder for the manifest");
    let needs: String = crates.iter().map(|c| c.replacen(' ', " = \"=", 1) + "\"\n").collect();
    let text =
        format!("[package]\nname = \"corpus\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[dependencies]\n{needs}");
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

/// What became of a crate.
#[derive(Default)]
struct Outcome {
    lines: usize,
    proposed: usize,
    refused: usize,
    runs: u64,
    rules: BTreeMap<String, usize>,
    passed_before: usize,
    wrong: Vec<String>,
    note: Option<String>,
}

impl Outcome {
    fn applied(&self) -> usize {
        self.rules.values().sum()
    }

    fn line(&self) -> String {
        if let Some(note) = &self.note {
            return format!("left out: {note}");
        }
        format!(
            "{} lines; {} proposed, {} refused by rustc in {} runs, {} applied; {} tests pass before, {}",
            self.lines,
            self.proposed,
            self.refused,
            self.runs,
            self.applied(),
            self.passed_before,
            if self.wrong.is_empty() { "all of them after" } else { "WRONG after" },
        )
    }
}

#[derive(Default)]
struct Sum {
    crates: usize,
    lines: usize,
    left_out: usize,
    rolled_back: usize,
    tests: usize,
    rules: BTreeMap<String, usize>,
}

impl Sum {
    fn add(&mut self, outcome: Outcome) {
        self.left_out += usize::from(outcome.note.is_some());
        if outcome.note.is_some() {
            return;
        }
        self.crates += 1;
        self.lines += outcome.lines;
        self.rolled_back += usize::from(!outcome.wrong.is_empty());
        self.tests += outcome.passed_before;
        for (rule, n) in outcome.rules {
            *self.rules.entry(rule).or_default() += n;
        }
    }

    fn tell(&self) {
        println!(
            "{} crates of {} lines with {} passing tests; {} rewrites of {} rules applied (asked: 100 of 12); \
             {} crates with something wrong, {} left out",
            self.crates,
            self.lines,
            self.tests,
            self.rules.values().sum::<usize>(),
            self.rules.len(),
            self.rolled_back,
            self.left_out,
        );
        let mut rules: Vec<(&String, &usize)> = self.rules.iter().collect();
        rules.sort_by_key(|(rule, n)| (std::cmp::Reverse(**n), *rule));
        rules.iter().for_each(|(rule, n)| println!("  {n:>4}  {rule}"));
    }
}

/// The whole way of one crate.
fn tried(project: &Path, source: &Path) -> Outcome {
    let mut outcome = Outcome::default();
    let left_out = |why: &str| Outcome { note: Some(why.to_owned()), ..Outcome::default() };
    if let Err(why) = prepared(project, source) {
        return left_out(&why);
    }
    let mut before = tests(project);
    if before.passed.is_none() && without_targets(project).is_some() {
        before = tests(project);
    }
    let Some(passed) = before.passed else {
        return left_out(&format!("it does not build as published: {}", before.why));
    };
    (outcome.passed_before, outcome.lines) = (passed.len(), lines(project));
    let refit = env!("CARGO_BIN_EXE_refit");
    let args = ["propose", "--all", "--checked", "--class", "A", "--class", "B", "--json", "--trust"];
    let out =
        run(Command::new(refit).args(args).current_dir(project).env("XDG_CACHE_HOME", project.join("target/cache")));
    let Ok(said) = serde_json::from_str::<Value>(&out.text) else {
        return left_out(&format!("refit said {}", out.text));
    };
    let Some(together) = said.get("together") else { return left_out(&format!("refit said {}", out.text)) };
    let proposals = said["rewrites"].as_array().map_or(&[][..], |r| r);
    (outcome.proposed, outcome.refused) = (proposals.len(), said["refused"].as_array().map_or(0, Vec::len));
    outcome.runs = together["compiler_runs"].as_u64().unwrap_or_default();
    let ids: BTreeSet<&str> = together["ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let standing = proposals.iter().filter(|r| r["id"].as_str().is_some_and(|id| ids.contains(id)));
    for rule in standing.filter_map(|r| r["rule"].as_str()) {
        *outcome.rules.entry(rule.to_owned()).or_default() += 1;
    }
    let diff = together["diff"].as_str().unwrap_or_default();
    if !diff.is_empty() {
        outcome.wrong = judged(project, diff, &passed);
    }
    outcome
}

/// What is wrong after the diff was applied.
fn judged(project: &Path, diff: &str, passed: &BTreeSet<String>) -> Vec<String> {
    let patch = project.join("target/together.diff");
    std::fs::write(&patch, diff).expect("the diff is written");
    let applied = run(Command::new("git").arg("apply").arg(&patch).current_dir(project));
    if !applied.ok {
        return vec![format!("git apply: {}", applied.text)];
    }
    let mut wrong: Vec<String> = lost_comments(diff).into_iter().map(|c| format!("a comment is lost: {c}")).collect();
    let after = tests(project);
    match after.passed {
        None => wrong.push(format!("it does not build: {}", after.why)),
        Some(after) => wrong.extend(passed.difference(&after).map(|t| format!("passed before and not after: {t}"))),
    }
    wrong
}

/// Comments on removed lines that no added line has.
fn lost_comments(diff: &str) -> Vec<String> {
    let comments = |sign: char| -> Vec<String> {
        let lines = diff.lines().filter(|l| l.starts_with(sign) && !l.starts_with("---") && !l.starts_with("+++"));
        lines.filter_map(|l| Some(l.split_once("//")?.1.trim().to_owned())).filter(|c| !c.is_empty()).collect()
    };
    let mut kept = comments('+');
    let mut lost = Vec::new();
    for comment in comments('-') {
        match kept.iter().position(|k| k.ends_with(comment.as_str())) {
            Some(at) => drop(kept.remove(at)),
            None => lost.push(comment),
        }
    }
    lost
}

/// The crate in a repository of its own, with a `slo.toml`.
fn prepared(project: &Path, source: &Path) -> Result<(), String> {
    let _ = std::fs::remove_dir_all(project);
    let git = |args: &[&str]| {
        let author = ["-c", "user.name=corpus", "-c", "user.email=corpus@localhost", "-c", "core.autocrlf=false"];
        run(Command::new("git").args(author).args(args).current_dir(project))
    };
    let copied = run(Command::new("cp").arg("-R").arg(source).arg(project));
    let _ = std::fs::remove_file(project.join(".cargo-ok"));
    std::fs::write(project.join(".gitignore"), "/target\n").map_err(|e| e.to_string())?;
    for done in
        [copied, git(&["init", "--quiet"]), run(Command::new("cargo").arg("generate-lockfile").current_dir(project))]
    {
        if !done.ok {
            return Err(done.text);
        }
    }
    let init = run(Command::new(env!("CARGO_BIN_EXE_refit")).arg("init").current_dir(project));
    if !init.ok {
        return Err(init.text);
    }
    let committed = [git(&["add", "--all", "--force"]), git(&["commit", "--quiet", "-m", "As published"])];
    committed.into_iter().find(|done| !done.ok).map_or(Ok(()), |done| Err(done.text))
}

/// Takes integration tests and benches away: many are published without the files that they need.
fn without_targets(project: &Path) -> Option<()> {
    let manifest = project.join("Cargo.toml");
    let mut table: toml::Table = std::fs::read_to_string(&manifest).ok()?.parse().ok()?;
    table.remove("test");
    table.remove("bench");
    let package = table.get_mut("package")?.as_table_mut()?;
    package.insert("autotests".into(), false.into());
    package.insert("autobenches".into(), false.into());
    std::fs::write(&manifest, table.to_string()).ok()?;
    let author = ["-c", "user.name=corpus", "-c", "user.email=corpus@localhost"];
    let git = Command::new("git")
        .args(author)
        .args(["commit", "--quiet", "-am", "Leave out targets"])
        .current_dir(project)
        .status();
    git.ok().filter(|s| s.success()).map(drop)
}

struct Tests {
    /// Names of the tests that passed; `None` if something did not build.
    passed: Option<BTreeSet<String>>,
    why: String,
}

/// Runs all tests, those of the documentation too.
fn tests(project: &Path) -> Tests {
    let built = run(Command::new("cargo").args(["test", "--no-run", "--color=never"]).current_dir(project));
    if !built.ok {
        let why = built.errors.lines().find(|l| l.starts_with("error")).unwrap_or("cargo test --no-run").to_owned();
        return Tests { passed: None, why };
    }
    let ran = run(Command::new("cargo").args(["test", "--no-fail-fast", "--color=never"]).current_dir(project));
    let mut passed = BTreeSet::new();
    for line in ran.text.lines() {
        if let Some(name) = line.strip_prefix("test ").and_then(|l| l.strip_suffix(" ... ok")) {
            // A line that an edit moved is the same documentation test.
            passed.insert(name.split(" (line ").next().unwrap_or(name).to_owned());
        }
    }
    Tests { passed: Some(passed), why: String::new() }
}

fn lines(project: &Path) -> usize {
    let files = run(Command::new("git").args(["ls-files", "*.rs"]).current_dir(project));
    files.text.lines().filter_map(|f| std::fs::read_to_string(project.join(f)).ok()).map(|t| t.lines().count()).sum()
}

struct Ran {
    ok: bool,
    /// Standard output, and standard error where it failed.
    text: String,
    errors: String,
}

fn run(command: &mut Command) -> Ran {
    let out = command.stdin(Stdio::null()).output().expect("the program runs");
    let (text, errors) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr).into_owned());
    let ok = out.status.success();
    let text = if ok { text.into_owned() } else { format!("{text}{errors}") };
    Ran { ok, text, errors }
}
