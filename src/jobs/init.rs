//! A project without budgets in; a starter `slo.toml` made of what stands there out.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Ear, read_sources};
use crate::effects::walk::{self, Found};
use crate::effects::{files, project};
use crate::model::{CrateRoot, Place, Problem, Profile, Source};
use crate::profile;
use crate::template::{self, STARTER};

/// What was written, and what it was made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Started {
    /// The file as shown to people.
    pub file: String,
    /// The text that was written.
    pub text: String,
    /// Recordings found: path and format.
    pub recordings: Vec<(String, String)>,
    /// Operations in them, most frequent first.
    pub operations: Vec<OperationSeen>,
    /// Packages of the workspace.
    pub packages: Vec<String>,
    /// What is worth saying.
    pub problems: Vec<Problem>,
}

/// An operation in the recordings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OperationSeen {
    /// The root span or request kind.
    pub name: String,
    /// Requests of it.
    pub requests: u64,
    /// Their p99 in ms (nearest rank).
    pub p99_ms: f64,
}

/// Files that are never recordings, so that they need not be opened.
const NO_RECORDING: &[&str] =
    &["rs", "toml", "lock", "md", "html", "css", "js", "png", "svg", "jpg", "pdf", "sh", "yml"];

/// Writes a starter `slo.toml`; never over an existing file. Executes nothing.
///
/// # Errors
/// The file is there already, no Cargo.toml anywhere, an operation that no recording has, the folder cannot be written.
pub fn init(root: &Path, config: &Path, operation: Option<&str>, ear: &Ear) -> Result<Started, Vec<Problem>> {
    let path = root.join(config);
    let shown = config.display().to_string();
    if path.exists() {
        let problem = Problem::error(format!("\"{shown}\" is there already")).at(Place::file(&shown));
        return Err(vec![problem.help("mend it by hand; `refit doctor` tells what is wrong with it")]);
    }
    let found = walk::files(root);
    let manifests = manifests(root, &found);
    let mut cargo_roots = cargo_roots(&manifests);
    if cargo_roots.is_empty() {
        return Err(vec![no_cargo(root)]);
    }
    let cargo_root = cargo_roots.remove(0).folder;
    let (crates, mut problems) = project::crates(&manifests, &cargo_root);
    problems.extend(other_roots(&cargo_root, &cargo_roots));
    let recordings = recordings(root, &found);
    let (mut operations, troubles) = operations(root, &recordings, ear);
    if let Some(wanted) = operation {
        choose(&mut operations, wanted).map_err(|p| vec![p])?;
    }
    problems.extend(troubles);
    let packages = packages(&crates);
    let text =
        starter(&service(root, &packages), &cargo_root, &crates, &recordings, &operations).map_err(|p| vec![p])?;
    files::write_new(&path, text.as_bytes()).map_err(|p| vec![p])?;
    Ok(Started { file: shown, text, recordings, operations, packages, problems })
}

/// A folder in which cargo is run: no manifest stands further out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CargoRoot {
    folder: String,
    /// Libraries and programs below it, as its manifests say.
    targets: usize,
}

/// Every Cargo root, the one with the most libraries and programs first; of equal ones the outer, then the first by name.
fn cargo_roots(manifests: &BTreeMap<String, String>) -> Vec<CargoRoot> {
    let folders: Vec<&str> = manifests.keys().filter_map(|path| folder_of(path)).collect();
    let is_below =
        |inner: &str, outer: &str| outer != inner && (outer == "." || inner.starts_with(&format!("{outer}/")));
    let outermost = folders.iter().filter(|folder| !folders.iter().any(|other| is_below(folder, other)));
    let mut roots: Vec<CargoRoot> = outermost
        .map(|folder| {
            let (crates, _) = project::crates(manifests, folder);
            CargoRoot { folder: (*folder).to_owned(), targets: crates.iter().filter(|c| !c.is_test).count() }
        })
        .collect();
    roots.sort_by_key(|r| (std::cmp::Reverse(r.targets), r.folder.matches('/').count(), r.folder.clone()));
    roots
}

/// The folder of a manifest; `None` for other files.
fn folder_of(path: &str) -> Option<&str> {
    if path == "Cargo.toml" { Some(".") } else { path.strip_suffix("/Cargo.toml") }
}

/// Says what the choice of one Cargo root leaves out.
fn other_roots(chosen: &str, others: &[CargoRoot]) -> Option<Problem> {
    if others.is_empty() {
        return None;
    }
    let shown: Vec<&str> = others.iter().take(5).map(|r| r.folder.as_str()).collect();
    let more = if others.len() > shown.len() { " and more" } else { "" };
    let what = format!("cargo is run in {chosen}, which has the most code; not in {}{more}", shown.join(", "));
    Some(Problem::note(what).help("write another folder to `[code] root` in slo.toml if that is the service"))
}

fn no_cargo(root: &Path) -> Problem {
    Problem::error("there is no Cargo.toml here or in a folder below")
        .at(Place::file(root.display().to_string()))
        .help("run `refit init` in the folder of a Rust project, or name it: --root DIR")
}

/// Every path, with the text of the manifests: that is what cargo's rules for targets need.
pub(super) fn manifests(root: &Path, found: &[Found]) -> BTreeMap<String, String> {
    let text = |path: &str| match folder_of(path).is_some() {
        true => files::read_text(&root.join(path), path).unwrap_or_default(),
        false => String::new(),
    };
    found.iter().map(|f| (f.path.clone(), text(&f.path))).collect()
}

fn recordings(root: &Path, found: &[Found]) -> Vec<(String, String)> {
    let may_be = |f: &&Found| {
        let end = f.path.rsplit('.').next().unwrap_or_default();
        f.size > 0 && !NO_RECORDING.contains(&end)
    };
    let format = |f: &Found| {
        let head = files::open_measured(&root.join(&f.path), &f.path).ok()?.head().ok()?;
        profile::sniff(&head).map(|format| (f.path.clone(), format.name.to_owned()))
    };
    found.iter().filter(may_be).filter_map(format).collect()
}

fn operations(root: &Path, recordings: &[(String, String)], ear: &Ear) -> (Vec<OperationSeen>, Vec<Problem>) {
    let sources: Vec<Source> =
        recordings.iter().map(|(file, _)| Source { file: file.clone(), ..Source::default() }).collect();
    if sources.is_empty() {
        return (Vec::new(), Vec::new());
    }
    match read_sources(root, &sources, ear) {
        Ok((profile, problems)) => (seen(&profile), problems),
        Err(problems) => (Vec::new(), problems),
    }
}

/// Puts the wanted operation first.
fn choose(operations: &mut [OperationSeen], wanted: &str) -> Result<(), Problem> {
    match operations.iter().position(|o| o.name == wanted) {
        Some(at) => {
            operations[..=at].rotate_right(1);
            Ok(())
        }
        None => {
            let names: Vec<String> = operations.iter().take(8).map(|o| quoted(&o.name)).collect();
            let help = if names.is_empty() {
                String::from("no recording tells operations")
            } else {
                format!("there is {}", names.join(", "))
            };
            Err(Problem::error(format!("no recording has the operation \"{wanted}\"")).help(help))
        }
    }
}

fn seen(profile: &Profile) -> Vec<OperationSeen> {
    let mut latencies: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for request in &profile.requests {
        latencies.entry(&request.operation).or_default().push(request.end_ns.saturating_sub(request.start_ns));
    }
    let mut seen: Vec<OperationSeen> = latencies.into_iter().map(|(name, all)| one_seen(name, all)).collect();
    seen.sort_by(|a, b| b.requests.cmp(&a.requests).then_with(|| a.name.cmp(&b.name)));
    seen
}

fn one_seen(name: &str, mut latencies: Vec<u64>) -> OperationSeen {
    latencies.sort_unstable();
    let rank = (latencies.len() * 99).div_ceil(100).max(1);
    OperationSeen { name: name.to_owned(), requests: latencies.len() as u64, p99_ms: latencies[rank - 1] as f64 / 1e6 }
}

fn packages(crates: &[CrateRoot]) -> Vec<String> {
    let mut packages: Vec<String> = crates.iter().filter(|c| !c.is_test).map(|c| c.package.clone()).collect();
    packages.sort();
    packages.dedup();
    packages
}

/// A label for the service: the one package, else the folder.
fn service(root: &Path, packages: &[String]) -> String {
    let folder = std::path::absolute(root).unwrap_or_default();
    let folder = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let name = match packages {
        [one] => one.clone(),
        _ => folder,
    };
    label(&name).unwrap_or_else(|| String::from("service"))
}

fn label(name: &str) -> Option<String> {
    let plain = name.to_lowercase().replace(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit(), "-");
    let parts: Vec<&str> = plain.split('-').filter(|p| !p.is_empty()).collect();
    let label: String = parts.join("-").chars().take(50).collect();
    let label = label.trim_end_matches('-').to_owned();
    (!label.is_empty()).then_some(label)
}

fn starter(
    service: &str,
    cargo_root: &str,
    crates: &[CrateRoot],
    recordings: &[(String, String)],
    operations: &[OperationSeen],
) -> Result<String, Problem> {
    let bins: Vec<String> = crates.iter().filter_map(|c| binary(c, cargo_root)).collect();
    let chosen = operations.first().cloned().unwrap_or_default();
    let slo = label(&chosen.name).map_or_else(|| String::from("latency"), |l| format!("{l}-latency"));
    let limit = if chosen.p99_ms > 0.0 { format!("{}ms", nice(chosen.p99_ms)) } else { String::from("200ms") };
    template::render(
        STARTER,
        &[
            ("service", service),
            ("sources", &sources(recordings, &bins)),
            ("operations", &choices(operations)),
            ("slo", &slo),
            ("operation", &operation_line(&chosen.name)),
            ("limit", &limit),
            ("code", &format!("root = {}", quoted(cargo_root))),
            ("workload", &workload(cargo_root, &bins)),
        ],
    )
}

/// A TOML string: what TOML escapes, JSON escapes alike.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Where a binary target is built, relative to the project; `None` for libraries and tests.
fn binary(root: &CrateRoot, cargo_root: &str) -> Option<String> {
    let folder = if cargo_root == "." { String::new() } else { format!("{cargo_root}/") };
    let file = root.root.rsplit('/').next()?;
    let is_bin = root.root.ends_with("src/main.rs") || root.root.contains("src/bin/");
    let name = match file {
        "main.rs" if root.root.contains("src/bin/") => root.root.rsplit('/').nth(1)?.to_owned(),
        "main.rs" => root.package.clone(),
        file => file.strip_suffix(".rs")?.to_owned(),
    };
    (is_bin && !root.is_test).then(|| format!("{folder}target/release/{name}"))
}

fn sources(recordings: &[(String, String)], bins: &[String]) -> String {
    if recordings.is_empty() {
        return String::from(
            "# None was found. Record one; its entry is then written here:\n#   refit record -- COMMAND",
        );
    }
    let entry = |(file, format): &(String, String)| {
        let binary = match bins {
            [one] if format.contains("perf") => format!("\nbinary = {}", quoted(one)),
            _ => String::new(),
        };
        format!("[[source]]   # {format}\nfile = {}{binary}", quoted(file))
    };
    recordings.iter().map(entry).collect::<Vec<_>>().join("\n")
}

fn choices(operations: &[OperationSeen]) -> String {
    if operations.is_empty() {
        return String::from("# No recording tells requests yet, so the limit below is only a form to fill in.");
    }
    let line =
        |o: &OperationSeen| format!("#   {:<32} {:>8} requests, p99 {:.1} ms", quoted(&o.name), o.requests, o.p99_ms);
    let lines: Vec<String> = operations.iter().take(20).map(line).collect();
    format!(
        "# Operations in the recordings; below stands the most frequent one with what it takes now:\n# write what you promise.\n{}",
        lines.join("\n")
    )
}

fn operation_line(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("operation = {}", quoted(name)) }
}

/// Commands that can be known are written, the others are shown.
fn workload(cargo_root: &str, bins: &[String]) -> String {
    // Commands run in the folder of slo.toml, which need not be the Cargo root.
    let manifest = if cargo_root == "." { String::new() } else { format!(" --manifest-path {cargo_root}/Cargo.toml") };
    let bins_only = if bins.is_empty() { "" } else { " --bins" };
    let program = bins.first().map_or("target/release/service", String::as_str);
    format!(
        "build = \"cargo build{manifest} --release{bins_only}\"\ntest = \"cargo test{manifest} --workspace\"\n# run = \"{program} --port {{port}}\"\n# ready = \"GET http://127.0.0.1:{{port}}/health\"\n# load = \"target/release/load --port {{port}} --log {{log}}\"\n# A program that ends by itself (a benchmark, an example) has a load and nothing to run."
    )
}

/// Rounded up to two digits, so that it reads as what a person would write.
fn nice(ms: f64) -> f64 {
    let unit = 10f64.powf((ms.log10().floor() - 1.0).max(-3.0));
    let rounded = (ms / unit).ceil() * unit;
    (rounded * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_starter_can_be_read_back() {
        let bin = CrateRoot {
            name: "pay".into(),
            package: "pay".into(),
            root: "pay/src/main.rs".into(),
            ..CrateRoot::default()
        };
        let recording = |file: &str| (file.to_owned(), String::from("perf script"));
        let operation = OperationSeen { name: "POST /a\"b".into(), requests: 4000, p99_ms: 242.7 };
        for recordings in [vec![], vec![recording("perf/a b.txt")], vec![recording("a"), recording("b")]] {
            for operations in [vec![], vec![operation.clone()]] {
                let text = starter("pay", "services", std::slice::from_ref(&bin), &recordings, &operations)
                    .expect("it renders");
                let parsed = crate::slo::parse("slo.toml", &text);
                assert_eq!(parsed.problems, [], "{text}");
                assert_eq!(parsed.value.sources.len(), recordings.len());
            }
        }
    }

    #[test]
    fn the_quantile_is_one_that_was_measured() {
        let request =
            |ms: u64| crate::model::Request { operation: "a".into(), end_ns: ms * 1_000_000, ..Default::default() };
        let profile = Profile { requests: (1..=200).map(request).collect(), ..Profile::default() };
        assert_eq!(seen(&profile), [OperationSeen { name: "a".into(), requests: 200, p99_ms: 198.0 }]);
    }

    #[test]
    fn limits_read_as_people_write_them() {
        assert_eq!((nice(242.7), nice(9.99), nice(0.034), nice(1000.0)), (250.0, 10.0, 0.034, 1000.0));
    }

    #[test]
    fn names_become_labels() {
        assert_eq!(label("POST /authorize"), Some("post-authorize".into()));
        assert_eq!(label("ÄÖ"), None);
    }

    #[test]
    fn the_cargo_root_is_the_outermost_folder_with_the_most_code() {
        let package = |name: &str| format!("[package]\nname = \"{name}\"\n");
        let chosen = |files: &[(&str, &str)]| {
            let files = files.iter().map(|(p, t)| (p.to_string(), t.to_string())).collect();
            cargo_roots(&files).into_iter().map(|r| format!("{} {}", r.folder, r.targets)).collect::<Vec<_>>()
        };
        let (a, b, c) = (&*package("a"), &*package("b"), &*package("c"));
        let inner = [("x/y/Cargo.toml", a), ("x/y/src/lib.rs", ""), ("z/Cargo.toml", b), ("z/src/lib.rs", "")];
        assert_eq!(chosen(&inner), ["z 1", "x/y 1"], "equally much: the outer one");
        assert_eq!(
            chosen(&[("Cargo.toml", a), ("src/lib.rs", ""), ("c/Cargo.toml", c), ("c/src/lib.rs", "")]),
            [". 1"]
        );
        let workspace = "[workspace]\nmembers = [\"*\"]\n";
        let beside = [
            ("checks/Cargo.toml", c),
            ("checks/tests/all.rs", ""),
            ("rust/Cargo.toml", workspace),
            ("rust/a/Cargo.toml", a),
            ("rust/a/src/lib.rs", ""),
            ("rust/b/Cargo.toml", b),
            ("rust/b/src/main.rs", ""),
        ];
        assert_eq!(chosen(&beside), ["rust 2", "checks 0"], "the workspace, not the suite beside it");
        assert_eq!(chosen(&[("c/NoCargo.toml", "")]), [""; 0]);
    }

    #[test]
    fn what_the_choice_of_a_cargo_root_leaves_out_is_said() {
        let root = |folder: &str| CargoRoot { folder: folder.into(), targets: 1 };
        assert_eq!(other_roots("rust", &[]), None);
        let note = other_roots("rust", &[root("checks"), root("tools")]).expect("a note");
        assert_eq!(note.what, "cargo is run in rust, which has the most code; not in checks, tools");
    }

    #[test]
    fn a_project_without_programs_builds_its_libraries() {
        assert!(
            workload("rust", &[]).starts_with("build = \"cargo build --manifest-path rust/Cargo.toml --release\"\n")
        );
        assert!(workload(".", &["target/release/a".into()]).starts_with("build = \"cargo build --release --bins\"\n"));
    }
}
