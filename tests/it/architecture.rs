//! Every file of `src` in; what it imports or mentions against the table of the design, and registries that do not fit, out.

mod mentions;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mentions::{Mention, mentions};

/// What a module may import from this crate, and what it never mentions.
struct Row {
    modules: &'static [&'static str],
    may_import: &'static [&'static str],
    never: &'static [&'static str],
}

const STAGES: &[&str] = &["slo", "profile", "attribute", "rank", "price", "detect", "rewrite", "verify", "review"];
const WITH_TEMPLATE: &[&str] = &["apply", "report"];
const WORLD: &[&str] = &[
    "std::fs",
    "std::process",
    "std::env",
    "std::net",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "git2",
    "ratatui",
    "crossterm",
];

/// The import table of the design. `cli` and `main` join everything and stand in no row.
const TABLE: &[Row] = &[
    Row { modules: &["source"], may_import: &["model"], never: WORLD },
    Row { modules: STAGES, may_import: &["model", "source"], never: WORLD },
    Row { modules: WITH_TEMPLATE, may_import: &["model", "source", "template"], never: WORLD },
    Row { modules: &["template"], may_import: &["model"], never: WORLD },
    Row { modules: &["pipeline"], may_import: &["model", "source", "STAGES"], never: WORLD },
    Row { modules: &["effects"], may_import: &["model"], never: &["ratatui", "crossterm", "syn"] },
    Row {
        modules: &["jobs"],
        may_import: &["model", "source", "STAGES", "apply", "report", "template", "pipeline", "effects"],
        never: &["ratatui", "crossterm", "git2", "std::fs", "std::process"],
    },
    Row {
        modules: &["tui"],
        may_import: &["model", "source", "pipeline"],
        never: &["git2", "std::process", "std::fs"],
    },
];

/// Files that may import more than their module, each for a reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    // The one door from the screen to long work.
    ("src/tui/worker.rs", "jobs"),
];

/// Files that print although they are not the command line, each for a reason.
const MAY_PRINT: &[&str] = &[
    // It says where a test killed the process, which nothing can do afterwards.
    "src/effects/failpoint.rs",
];

/// Macros that print: only the command line speaks to people who have no screen.
const PRINTING: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

/// Rust files below a folder of the repository, as paths relative to it.
fn rust_files(folder: &str) -> Vec<String> {
    fn collect(top: &Path, folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("folders of the source can be listed") {
            let path = entry.expect("folders of the source can be listed").path();
            if path.is_dir() && path.file_name().is_some_and(|n| n != "fixtures") {
                collect(top, &path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path.strip_prefix(top).expect("below the top").to_string_lossy().into_owned());
            }
        }
    }
    let top = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    collect(&top, &top.join(folder), &mut found);
    found.sort();
    found
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The module of a file: the first part of its path below `src`.
fn module_of(file: &str) -> String {
    let below = file.strip_prefix("src/").expect("a file of src");
    below.split('/').next().unwrap_or(below).trim_end_matches(".rs").to_owned()
}

/// What is wrong with one file, in words that name it.
fn faults(file: &str, text: &str) -> Vec<String> {
    let module = module_of(file);
    let found = mentions(file, text);
    match module.as_str() {
        "cli" | "main" | "lib" | "bin" => Vec::new(),
        "model" => found.iter().filter_map(|m| model_fault(file, m, &outside_crates())).collect(),
        _ => found.iter().filter_map(|m| fault(file, &module, m)).collect(),
    }
}

/// Names of all crates that the manifest asks for, as paths spell them: `model` mentions none of them.
fn outside_crates() -> BTreeSet<String> {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("the manifest is TOML");
    let tables = ["dependencies", "dev-dependencies"].into_iter().filter_map(|t| manifest.get(t)?.as_table());
    tables.flat_map(|t| t.keys().map(|name| name.replace('-', "_"))).collect()
}

fn model_fault(file: &str, mention: &Mention, outside: &BTreeSet<String>) -> Option<String> {
    match mention {
        Mention::Own(module) if module != "model" => Some(format!("{file}: model may not import {module}")),
        Mention::Outside(path) => {
            let first = path.split("::").next().unwrap_or_default();
            let world = WORLD.iter().any(|w| is_below(path, w));
            (world || outside.contains(first)).then(|| format!("{file}: model may not mention {path}"))
        }
        Mention::Macro(name) if PRINTING.contains(&name.as_str()) => Some(format!("{file}: model may not use {name}!")),
        _ => None,
    }
}

fn fault(file: &str, module: &str, mention: &Mention) -> Option<String> {
    let row = TABLE.iter().find(|r| r.modules.contains(&module));
    let Some(row) = row else { return Some(format!("{file}: the module {module} is not in the import table")) };
    match mention {
        Mention::Own(other) => {
            let listed = row.may_import.contains(&other.as_str())
                || row.may_import.contains(&"STAGES") && STAGES.contains(&other.as_str());
            let excepted = EXCEPTIONS.contains(&(file, other.as_str()));
            (other != module && !listed && !excepted).then(|| format!("{file}: {module} may not import {other}"))
        }
        Mention::Outside(path) => {
            let never = row.never.iter().find(|n| is_below(path, n))?;
            Some(format!("{file}: {module} may not mention {never}"))
        }
        Mention::Macro(name) => {
            let prints = PRINTING.contains(&name.as_str()) && !MAY_PRINT.contains(&file);
            prints.then(|| format!("{file}: only cli may print, and this uses {name}!"))
        }
    }
}

fn is_below(path: &str, above: &str) -> bool {
    path == above || path.strip_prefix(above).is_some_and(|rest| rest.starts_with("::"))
}

#[test]
fn nobody_imports_what_the_table_does_not_allow() {
    let mut all: Vec<String> = rust_files("src").iter().flat_map(|file| faults(file, &read(file))).collect();
    all.sort();
    all.dedup();
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

#[test]
fn every_file_opens_with_what_goes_in_and_what_comes_out() {
    let files = ["src", "tests/it"].into_iter().flat_map(rust_files);
    let silent: Vec<String> = files.filter(|file| !read(file).starts_with("//! ")).collect();
    assert!(silent.is_empty(), "these files do not open with a `//!` sentence:\n{}", silent.join("\n"));
}

#[test]
fn every_module_of_the_crate_has_its_row() {
    let modules: BTreeSet<String> = rust_files("src").iter().map(|f| module_of(f)).collect();
    let joined = ["cli", "main", "lib", "bin", "model"];
    let known = |m: &String| joined.contains(&m.as_str()) || TABLE.iter().any(|r| r.modules.contains(&m.as_str()));
    assert_eq!(modules.iter().filter(|m| !known(m)).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[track_caller]
fn check(file: &str, text: &str, expected: &[&str]) {
    assert_eq!(faults(file, text), expected);
}

#[test]
fn stages_that_reach_for_the_world_or_one_another_are_found() {
    check("src/rank.rs", "use crate::tui::run;", &["src/rank.rs: rank may not import tui"]);
    check(
        "src/rank.rs",
        "use crate::{model::Slo, detect::{self, Rule}};",
        &["src/rank.rs: rank may not import detect"],
    );
    check("src/rank.rs", "use std::{fmt, fs as files};", &["src/rank.rs: rank may not mention std::fs"]);
    check("src/rank.rs", "fn f() { std::env::var(\"A\"); }", &["src/rank.rs: rank may not mention std::env"]);
    check("src/rank.rs", "fn f(x: refit::jobs::Ear) {}", &["src/rank.rs: rank may not import jobs"]);
    check("src/rank.rs", "fn f() { println!(\"x\") }", &["src/rank.rs: only cli may print, and this uses println!"]);
    check(
        "src/detect/loops/a.rs",
        "use super::super::super::jobs;",
        &["src/detect/loops/a.rs: detect may not import jobs"],
    );
    check("src/detect/mod.rs", "mod a { use super::super::tui; }", &["src/detect/mod.rs: detect may not import tui"]);
    check("src/model/a.rs", "use serde::Serialize;", &["src/model/a.rs: model may not mention serde::Serialize"]);
    check("src/tui/view.rs", "use crate::jobs::Ear;", &["src/tui/view.rs: tui may not import jobs"]);
    check("src/new.rs", "use crate::model::Slo;", &["src/new.rs: the module new is not in the import table"]);
    check(
        "src/effects/a.rs",
        "fn f() { crossterm::terminal::size(); }",
        &["src/effects/a.rs: effects may not mention crossterm"],
    );
}

#[test]
fn what_only_looks_like_a_breach_is_left_alone() {
    check("src/rank.rs", "use crate::model::Slo; use std::time::Duration; use std::fmt;", &[]);
    check("src/detect/loops/a.rs", "use super::super::Rule; use super::mod_b;", &[]);
    check("src/rank.rs", "// use crate::tui;\nconst T: &str = \"std::fs\";", &[]);
    check("src/rank.rs", "#[cfg(test)]\nmod tests { use crate::detect; use std::fs; }", &[]);
    check("src/tui/worker.rs", "use crate::jobs::Ear;", &[]);
    check("src/rank.rs", "struct fs; fn f() { env!(\"A\"); }", &[]);
}

#[test]
fn every_rule_has_a_whole_manual_page_and_a_name_of_its_own() {
    let mut names = BTreeSet::new();
    for rule in refit::detect::REGISTRY {
        let id = rule.id.0;
        assert!(names.insert(id), "two rules are called {id}");
        let kebab = id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        assert!(kebab, "{id}: a rule is named in kebab case");
        for part in ["## Why it costs", "## Before", "## After", "## When it is refused"] {
            assert!(rule.explain.contains(part), "{id}: its manual page has no part \"{part}\"");
        }
        assert!(!rule.explain.trim_start().starts_with('#'), "{id}: its manual page begins with what it finds");
        assert!(rule.title.chars().next().is_some_and(|c| !c.is_uppercase()), "{id}: its title starts in lower case");
    }
}

#[test]
fn every_recipe_answers_a_rule_that_exists() {
    let rules: BTreeSet<&str> = refit::detect::REGISTRY.iter().map(|r| r.id.0).collect();
    let mut answered = BTreeSet::new();
    for recipe in refit::rewrite::REGISTRY {
        let rule = recipe.rule.0;
        assert!(rules.contains(rule), "a recipe answers \"{rule}\", which is no rule");
        assert!(answered.insert(rule), "two recipes answer \"{rule}\"");
    }
}

#[test]
fn every_format_has_a_name_of_its_own() {
    let names: BTreeSet<&str> = refit::profile::REGISTRY.iter().map(|f| f.name).collect();
    assert_eq!(names.len(), refit::profile::REGISTRY.len());
}

#[test]
fn no_template_is_forgotten() {
    let listed: BTreeSet<&str> = refit::template::ALL.iter().map(|t| t.path).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let entries = std::fs::read_dir(folder).expect("the folder is there").map(|e| e.expect("it can be listed"));
    let files = entries.filter(|e| e.path().is_file());
    let there: BTreeSet<String> = files.map(|e| format!("templates/{}", e.file_name().to_string_lossy())).collect();
    assert_eq!(there, listed.iter().map(|p| p.to_string()).collect());
}
