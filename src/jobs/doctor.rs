//! A folder in; the state of this machine, its repository and its project, point by point, and the next command out.

use std::path::Path;

use super::record::NO_PERF;
use super::{Trust, Workspace};
use crate::effects::git::{Git, Repository};
use crate::effects::{files, machine, walk};
use crate::model::{Level, Problem, Slo};
use crate::slo;

/// How a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As it should be.
    Good,
    /// Something is left out because of it.
    Doubtful,
    /// Refit cannot work so.
    Bad,
}

impl Health {
    /// The word in JSON and on screens.
    pub fn word(self) -> &'static str {
        match self {
            Health::Good => "good",
            Health::Doubtful => "doubtful",
            Health::Bad => "bad",
        }
    }
}

/// One point that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    /// `machine`, `repository` or `project`.
    pub part: &'static str,
    /// What was looked at.
    pub what: String,
    /// How it is.
    pub health: Health,
    /// What was seen.
    pub detail: String,
    /// What to do; empty where nothing is to be done.
    pub help: String,
}

/// Everything that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// Machine, repository, project.
    pub signs: Vec<Sign>,
    /// The command that leads on.
    pub next: String,
}

/// Looks at everything that Refit needs; executes nothing of the project.
pub fn examine(root: &Path, config: &Path) -> Examined {
    let mut signs = on_machine(root);
    let repository = in_repository(root, &mut signs);
    let shown = config.display().to_string();
    let (next_of_project, config_there) = in_project(root, config, &shown, &mut signs);
    let next = match (&repository, config_there) {
        (Err(_), _) => String::from("git init"),
        (Ok(()), false) => String::from("refit init"),
        (Ok(()), true) => next_of_project,
    };
    Examined { signs, next }
}

fn sign(part: &'static str, what: &str, health: Health, detail: impl Into<String>, help: &str) -> Sign {
    let help = if health == Health::Good { String::new() } else { help.to_owned() };
    Sign { part, what: what.to_owned(), health, detail: detail.into(), help }
}

/// A program: what it is called, its arguments, how bad its absence is, and what it is for.
const PROGRAMS: &[(&str, &[&str], Health, &str)] = &[
    ("git", &["--version"], Health::Bad, "install git: proposals are proved and landed through it"),
    ("cargo", &["--version"], Health::Bad, "install Rust: rustup.rs"),
    ("rustc", &["--version"], Health::Bad, "install Rust: rustup.rs"),
    ("cc", &["--version"], Health::Doubtful, "install a C compiler: many crates need one to build"),
    (
        "perf",
        &["--version"],
        Health::Doubtful,
        "install perf to record profiles; recordings of other machines work without it",
    ),
    ("valgrind", &["--version"], Health::Doubtful, "install valgrind for simulated instruction counts"),
];

fn on_machine(root: &Path) -> Vec<Sign> {
    let mut signs: Vec<Sign> = PROGRAMS
        .iter()
        .map(|(program, args, absent, help)| match machine::version(program, args, root) {
            Some(version) => sign("machine", program, Health::Good, version, ""),
            None => sign("machine", program, *absent, "not there", help),
        })
        .collect();
    let has_perf = signs.iter().any(|s| s.what == "perf" && s.health == Health::Good);
    if has_perf {
        signs.push(match machine::perf_samples(root) {
            Ok(()) => sign("machine", "perf sampling", Health::Good, "cpu-clock can be counted", ""),
            Err(words) => {
                let help = "allow it: sudo sysctl kernel.perf_event_paranoid=1";
                sign("machine", "perf sampling", Health::Doubtful, words, help)
            }
        });
    }
    signs.push(match may_sample(&signs) {
        true => sign("machine", "best route", Health::Good, "perf, read directly: refit record -- CMD", ""),
        false => {
            sign("machine", "best route", Health::Doubtful, "the service's own request log, or its spans", NO_PERF)
        }
    });
    signs
}

fn may_sample(signs: &[Sign]) -> bool {
    signs.iter().any(|s| s.what == "perf sampling" && s.health == Health::Good)
}

/// What to do where nothing was recorded yet.
fn next_recording(signs: &[Sign], slo: &Slo, shown: &str) -> String {
    let is_there = |what: &str| signs.iter().any(|s| s.what == what);
    if may_sample(signs) {
        let binary = slo.sources.iter().find_map(|s| s.binary.clone());
        let run = slo.workloads.iter().find_map(|w| w.run.split_whitespace().next()).map(str::to_owned);
        return format!("refit record -- {}", binary.or(run).unwrap_or_else(|| String::from("CMD")));
    }
    match is_there("perf sampling") {
        true => String::from("sudo sysctl kernel.perf_event_paranoid=1"),
        false => format!("$EDITOR {shown}"),
    }
}

fn in_repository(root: &Path, signs: &mut Vec<Sign>) -> Result<(), Problem> {
    let repository = match Repository::discover(root) {
        Ok(repository) => repository,
        Err(problem) => {
            signs.push(sign("repository", "repository", Health::Bad, &problem.what, &problem.help));
            return Err(problem);
        }
    };
    let git = Git::at(root);
    let ask = |args: &[&str]| git.line(args).unwrap_or_default();
    signs.push(sign("repository", "top", Health::Good, repository.toplevel().display().to_string(), ""));
    signs.push(match repository.commit("HEAD") {
        Ok(Some(commit)) => {
            let branch = ask(&["rev-parse", "--abbrev-ref", "HEAD"]);
            sign(
                "repository",
                "HEAD",
                Health::Good,
                format!("{branch} at {}", commit.chars().take(8).collect::<String>()),
                "",
            )
        }
        _ => sign("repository", "HEAD", Health::Bad, "no commit yet", "commit once: git add -A && git commit"),
    });
    signs.push(in_progress(repository.git_dir()));
    let changed = ask(&["status", "--porcelain", "--untracked-files=no"]).lines().count();
    let dirty = "analysed and proved as they stand; only landing waits for overlapping lines";
    let health = if changed == 0 { Health::Good } else { Health::Doubtful };
    signs.push(sign("repository", "changed files", health, changed.to_string(), dirty));
    let formats = format!("objects {}, refs {}", ask(&["rev-parse", "--show-object-format"]), ref_format(&git));
    signs.push(sign("repository", "formats", Health::Good, formats, ""));
    signs.push(author(&git));
    let signing = if ask(&["config", "--bool", "commit.gpgSign"]) == "true" { "commits are signed" } else { "off" };
    signs.push(sign("repository", "signing", Health::Good, signing, ""));
    let hooks = hooks(&git, root);
    let listed =
        if hooks.is_empty() { String::from("none") } else { format!("{}: landing runs them", hooks.join(", ")) };
    signs.push(sign("repository", "hooks", Health::Good, listed, ""));
    Ok(())
}

/// Git before 2.45 has no other format and does not know the question.
fn ref_format(git: &Git) -> String {
    let answer = git.line(&["rev-parse", "--show-ref-format"]).unwrap_or_default();
    if answer.is_empty() || answer.starts_with("--") { String::from("files") } else { answer }
}

fn in_progress(git_dir: &Path) -> Sign {
    let states = [
        ("MERGE_HEAD", "merge"),
        ("rebase-merge", "rebase"),
        ("rebase-apply", "rebase"),
        ("CHERRY_PICK_HEAD", "cherry-pick"),
        ("REVERT_HEAD", "revert"),
        ("BISECT_LOG", "bisect"),
    ];
    match states.iter().find(|(file, _)| git_dir.join(file).exists()) {
        Some((_, state)) => {
            let help = format!("landing waits: finish or abort the {state}");
            sign("repository", "in progress", Health::Doubtful, format!("a {state}"), &help)
        }
        None => sign("repository", "in progress", Health::Good, "nothing", ""),
    }
}

fn author(git: &Git) -> Sign {
    let value = |key: &str| git.line(&["config", "--get", key]).unwrap_or_default();
    let (name, mail) = (value("user.name"), value("user.email"));
    if name.is_empty() || mail.is_empty() {
        let help = "a sign-off needs a name: git config --global user.name and user.email";
        return sign("repository", "author", Health::Doubtful, "not configured", help);
    }
    sign("repository", "author", Health::Good, format!("{name} <{mail}>"), "")
}

fn hooks(git: &Git, root: &Path) -> Vec<String> {
    let folder = git.line(&["rev-parse", "--git-path", "hooks"]).unwrap_or_default();
    let names = ["pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "reference-transaction"];
    names.iter().filter(|name| files::size(&root.join(&folder).join(name)).is_some()).map(|n| n.to_string()).collect()
}

/// The next command, and whether there is a configuration at all.
fn in_project(root: &Path, config: &Path, shown: &str, signs: &mut Vec<Sign>) -> (String, bool) {
    let path = root.join(config);
    if !path.exists() {
        signs.push(sign("project", shown, Health::Bad, "not there", "write one: refit init"));
        return (String::new(), false);
    }
    let parsed = match files::read_text(&path, shown) {
        Ok(text) => slo::parse(shown, &text),
        Err(problem) => {
            signs.push(sign("project", shown, Health::Bad, problem.what, &problem.help));
            return (format!("$EDITOR {shown}"), true);
        }
    };
    let errors = parsed.problems.iter().filter(|p| p.level == Level::Error).count();
    signs.extend(parsed.problems.iter().map(|p| {
        let health = if p.level == Level::Error { Health::Bad } else { Health::Doubtful };
        let place = p.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
        sign("project", shown, health, format!("{place}{}", p.what), &p.help)
    }));
    if errors > 0 {
        return (format!("$EDITOR {shown}"), true);
    }
    let counted = |n: usize, noun: &str| if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") };
    let (objectives, sources) = (parsed.value.objectives.len(), parsed.value.sources.len());
    let counts = format!("{}, {}", counted(objectives, "objective"), counted(sources, "source"));
    signs.push(sign("project", shown, Health::Good, counts, ""));
    let folder = path.parent().unwrap_or(root);
    let missing = parsed.value.sources.iter().filter(|s| files::size(&folder.join(&s.file)).is_none());
    let missing: Vec<&str> = missing.map(|s| s.file.as_str()).collect();
    for file in &missing {
        signs.push(sign("project", "source", Health::Bad, format!("{file} is not there"), "record it, or take it out"));
    }
    let has_tests =
        parsed.value.workloads.iter().any(|w| !w.test.is_empty() || !w.test_quick.is_empty()) || has_tests(folder);
    if !has_tests {
        let help = "without tests no rewrite can be proved to keep behaviour: write some for the hot functions";
        signs.push(sign("project", "tests", Health::Doubtful, "none found", help));
    }
    signs.extend(trusted(root, config));
    let next = match !missing.is_empty() || parsed.value.sources.is_empty() {
        true => next_recording(signs, &parsed.value, shown),
        false => String::from("refit"),
    };
    (next, true)
}

fn trusted(root: &Path, config: &Path) -> Option<Sign> {
    let workspace = Workspace::open(root, config).ok()?;
    Some(match workspace.trust() {
        Trust::Trusted => sign("project", "commands", Health::Good, "you agreed to them", ""),
        Trust::Unseen(commands) => {
            let detail = format!("{} that nobody agreed to yet", commands.len());
            sign("project", "commands", Health::Doubtful, detail, "you are asked before they run")
        }
    })
}

/// True if some Rust file has a test.
fn has_tests(root: &Path) -> bool {
    let rust = walk::files(root).into_iter().filter(|f| f.path.ends_with(".rs"));
    rust.into_iter().any(|f| {
        files::read_text(&root.join(&f.path), &f.path).is_ok_and(|t| t.contains("#[test]") || t.contains("::test]"))
    })
}
