//! `cargo bench --bench types [-- [--candidates N] [--repeat N] [PATH]]`: how often the compiler runs until rustc has said yes or no
//! to 200 proposals, and what the run with all type questions costs beside a plain check.
//!
//! The proposals are those for PATH, a git repository, or for a crate that is made for this: service functions, a third of
//! which look like what the rules mean and have types for which the rewrite is wrong, which rustc alone can tell. Each round
//! begins with an empty cache, so that both checks compile the whole crate. Nothing is asserted.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crossbeam_channel::unbounded;
use refit::jobs::{Ear, Said, Workspace, settle};
use refit::model::Progress;
use refit::pipeline::{Depth, Inputs};

mod processor_time;

const SLO: &str = "version = \"slo/v1\"\n[service]\nname = \"types\"\n[[slo]]\nname = \"all\"\noperation = \"GET /\"\np99 = \"10ms\"\n";
const MANIFEST: &str = "[package]\nname = \"candidates\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";

/// Each with one proposal; `N` is a number. Types come from another file, so syntax does not tell them.
const FORMS: &[&str] = &[
    "pub fn unique_N(orders: &[Order]) -> Vec<Key> {
    let mut seen = Vec::new();
    for order in orders {
        if !seen.contains(&order.key()) {
            seen.push(order.key());
        }
    }
    seen
}
",
    "pub fn known_N(orders: &[Order], rates: Rates) -> usize {
    let mut count = 0;
    for order in orders {
        if rates.list().contains(&order.rate()) {
            count += 1;
        }
    }
    count
}
",
    "pub fn name_length_N(order: &Order) -> usize {
    let name = order.name.clone();
    name.len()
}
",
    "pub fn shelf_length_N(order: &Order) -> usize {
    let shelf = order.shelf.clone();
    shelf.len()
}
",
    "pub fn joined_N(orders: &[Order]) -> String {
    let mut text = String::new();
    for order in orders {
        text.push_str(&format!(\"{};\", order.name));
    }
    text
}
",
    "pub fn kept_N(orders: &[Order]) -> Vec<String> {
    let mut names = Vec::new();
    for order in orders {
        names.push(order.name.clone());
    }
    names
}
",
];
const TYPES: &str = "//! What orders are made of.
use std::cell::Cell;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub u64);

/// Counts how often it is copied.
#[derive(Debug, Default)]
pub struct Shelf(pub String, pub Cell<u32>);

impl Clone for Shelf {
    fn clone(&self) -> Shelf {
        self.1.set(self.1.get() + 1);
        Shelf(self.0.clone(), Cell::new(0))
    }
}

impl Shelf {
    pub fn len(&self) -> usize {
        self.0.len() + self.1.get() as usize
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

pub struct Rates(pub Vec<f64>);

impl Rates {
    pub fn list(&self) -> &Vec<f64> {
        &self.0
    }
}

pub struct Order {
    pub id: u64,
    pub name: String,
    pub shelf: Shelf,
}

impl Order {
    pub fn key(&self) -> Key {
        Key(self.id)
    }
    pub fn rate(&self) -> f64 {
        self.id as f64
    }
}
";

fn main() {
    let mut words: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let mut number = |name: &str, otherwise: usize| {
        let Some(at) = words.iter().position(|a| a == name) else { return otherwise };
        let said = words.drain(at..(at + 2).min(words.len())).nth(1).and_then(|n| n.parse().ok());
        said.unwrap_or_else(|| panic!("{name} takes a number"))
    };
    let (candidates, repeat) = (number("--candidates", 200), number("--repeat", 3));
    let place = tempfile::tempdir().expect("a folder for temporary files");
    let project = words.first().map_or_else(|| made(place.path(), candidates), PathBuf::from);
    for round in 0..repeat {
        // SAFETY: no other thread of this program runs yet, or any more.
        unsafe {
            for folder in ["REFIT_CACHE_DIR", "REFIT_DATA_DIR"] {
                std::env::set_var(folder, place.path().join(format!("{folder}-{round}")));
            }
        }
        ask(&project, candidates);
    }
}

/// Asks rustc about the proposals and prints what each step took.
fn ask(project: &Path, candidates: usize) {
    let workspace = Workspace::open(project, Path::new("slo.toml")).expect("a project with a slo.toml");
    workspace.agree().expect("the commands may run");
    let inputs = Inputs { all: true, depth: Depth::Propose, ..Inputs::default() };
    let analysis = workspace.compose(inputs, &Ear::deaf()).expect("an analysis");
    let mut rewrites = analysis.rewrites;
    rewrites.truncate(candidates);
    let (progress, told) = unbounded();
    let ear = Ear { progress, ..Ear::deaf() };
    let listening = std::thread::spawn(move || {
        let now = || (Instant::now(), processor_time::cpu_seconds(libc::RUSAGE_CHILDREN));
        let mut steps = Vec::new();
        for progress in told {
            if let Progress::Step { what, .. } = progress {
                steps.push((what, now()));
            }
        }
        steps.push((String::new(), now()));
        steps
    });
    let settled = settle(&workspace, &rewrites, &ear).expect("rustc is asked");
    drop(ear);
    let steps = listening.join().expect("the steps");
    let count = |is: fn(&Said) -> bool| settled.said.iter().filter(|(_, said)| is(said)).count();
    println!(
        "{} proposals: {} accepted, {} alternatives, {} refused, {} open, by {} runs of the compiler (asked: 4)",
        rewrites.len(),
        count(|said| matches!(said, Said::Accepted)),
        count(|said| matches!(said, Said::Alternative(_))),
        count(|said| matches!(said, Said::Refused(_))),
        count(|said| matches!(said, Said::Open(_))),
        settled.runs
    );
    let plain = plain_check(project);
    println!("  {:<50} {:>7.2} s CPU       {:>7.2} s", "plain cargo check", plain.0, plain.1);
    for pair in steps.windows(2) {
        let [(what, (began, before)), (_, (ended, after))] = pair else { continue };
        let spent = (after - before, ended.duration_since(*began).as_secs_f64());
        let (by_cpu, by_wall) = (spent.0 / plain.0, spent.1 / plain.1);
        println!("  {what:<50} {:>7.2} s CPU {by_cpu:>6.2}  {:>7.2} s {by_wall:>6.2}", spent.0, spent.1);
    }
}

/// Processor time and clock, in seconds, of checking the workspace's crates anew, their dependencies being there.
fn plain_check(project: &Path) -> (f64, f64) {
    let target = tempfile::tempdir().expect("a folder for a target");
    let cargo = |words: &[&str]| {
        let mut command = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
        command.args(words).current_dir(project).env("CARGO_TARGET_DIR", target.path());
        command.output().expect("cargo runs")
    };
    let said = cargo(&["metadata", "--no-deps", "--format-version", "1"]).stdout;
    let said: serde_json::Value = serde_json::from_slice(&said).expect("one JSON document");
    let names = said["packages"].as_array().into_iter().flatten().filter_map(|package| package["name"].as_str());
    cargo(&["check", "--all-targets"]);
    for name in names {
        cargo(&["clean", "-p", name]);
    }
    let (began, before) = (Instant::now(), processor_time::cpu_seconds(libc::RUSAGE_CHILDREN));
    assert!(cargo(&["check", "--all-targets"]).status.success(), "the project does not build");
    (processor_time::cpu_seconds(libc::RUSAGE_CHILDREN) - before, began.elapsed().as_secs_f64())
}

/// A repository whose crate has so many candidates.
fn made(place: &Path, candidates: usize) -> PathBuf {
    let project = place.join("candidates");
    let files = candidates.div_ceil(FORMS.len() * 4);
    let mut lib = String::from("//! Orders.\npub mod types;\n");
    let mut texts = vec![(String::from("types.rs"), TYPES.to_owned())];
    for file in 0..files {
        let _ = writeln!(lib, "pub mod part_{file};");
        let mut text = String::from("//! Service code.\nuse crate::types::*;\n");
        for n in 0..4 {
            text.extend(FORMS.iter().map(|form| form.replace("_N", &format!("_{n}"))));
        }
        texts.push((format!("part_{file}.rs"), text));
    }
    std::fs::create_dir_all(project.join("src")).expect("a folder");
    texts.push((String::from("lib.rs"), lib));
    for (name, text) in &texts {
        std::fs::write(project.join("src").join(name), text).expect("room for a file");
    }
    std::fs::write(project.join("Cargo.toml"), MANIFEST).expect("room for a file");
    std::fs::write(project.join("slo.toml"), SLO).expect("room for a file");
    std::fs::write(project.join(".gitignore"), "target\nCargo.lock\n").expect("room for a file");
    let name = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"];
    for words in [&["init", "-q"][..], &["add", "-A"], &["commit", "-qm", "start"]] {
        let ran = Command::new("git").args(name).args(words).current_dir(&project).status();
        assert!(ran.is_ok_and(|status| status.success()), "git {words:?}");
    }
    project
}
