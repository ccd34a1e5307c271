//! The way of one crate through the corpus: as published, tested, rewritten, tested again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use refit::source::lexer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Seconds that building, or one run of the tests, may take.
const LIMIT: u32 = 1_500;

/// Where a crate is tried, and how.
pub struct Way {
    /// Folder of the copy.
    pub project: PathBuf,
    /// File for what was applied.
    pub patch: PathBuf,
    /// The program that proposes.
    pub refit: PathBuf,
    /// Which tests are run.
    pub tests: Which,
}

/// Which tests of a crate are run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All, those of the documentation too.
    All,
    /// All but those of the documentation.
    WithoutDoc,
    /// Those in the library itself: integration tests, examples and benches are left out.
    Library,
}

/// What became of a crate.
#[derive(Default, Serialize, Deserialize)]
pub struct Outcome {
    pub krate: String,
    pub seconds: u64,
    pub lines: usize,
    pub proposed: usize,
    pub refused: usize,
    pub runs: u64,
    /// How many were applied of each rule.
    pub rules: BTreeMap<String, usize>,
    pub passed_before: usize,
    pub wrong: Vec<String>,
    /// Why it was left out.
    pub note: Option<String>,
    /// Runs of tests that took too long before anything was changed, and were left out for that.
    pub untested: Vec<String>,
}

impl Outcome {
    fn applied(&self) -> usize {
        self.rules.values().sum()
    }

    /// What is told once it is done.
    pub fn line(&self) -> String {
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

    /// Its row in the table.
    pub fn row(&self) -> String {
        let Outcome { krate, lines, proposed, refused, passed_before, seconds, .. } = self;
        if let Some(note) = &self.note {
            return format!("| {krate} | | | | | | | left out: {note} | {seconds} |");
        }
        let wrong = if self.wrong.is_empty() { "none".to_owned() } else { self.wrong.join("; ") };
        let untested = self.untested.iter().map(|what| format!(", {what} took too long")).collect::<String>();
        let (applied, rules) = (self.applied(), self.rules.len());
        format!(
            "| {krate} | {lines} | {proposed} | {refused} | {applied} | {rules} | {passed_before}{untested} | {wrong} | {seconds} |"
        )
    }
}

/// The whole way of one crate.
pub fn tried(way: &Way, source: &Path) -> Outcome {
    judged(way, source).unwrap_or_else(|why| Outcome { note: Some(why), ..Outcome::default() })
}

fn judged(way: &Way, source: &Path) -> Result<Outcome, String> {
    let project = way.project.as_path();
    prepared(way, source)?;
    let mut outcome = Outcome { lines: lines(project), ..Outcome::default() };
    if list(&proposed(way, &[])?["rewrites"]).is_empty() {
        return Ok(outcome);
    }
    if way.tests == Which::Library {
        without_targets(project, true).ok_or("the targets cannot be left out")?;
    }
    let built =
        built(project).or_else(|why| without_targets(project, false).ok_or(why).and_then(|()| self::built(project)));
    built.map_err(|why| format!("it does not build as published: {why}"))?;
    let said = proposed(way, &["--checked"])?;
    let together = said.get("together").ok_or_else(|| format!("refit said {said}"))?;
    let ids: BTreeSet<&str> = list(&together["ids"]).iter().filter_map(Value::as_str).collect();
    let is_in = |r: &&Value| r["id"].as_str().is_some_and(|id| ids.contains(id));
    let standing: Vec<&Value> = list(&said["rewrites"]).iter().filter(is_in).collect();
    (outcome.proposed, outcome.refused) = (list(&said["rewrites"]).len(), list(&said["refused"]).len());
    outcome.runs = together["compiler_runs"].as_u64().unwrap_or_default();
    for rule in standing.iter().filter_map(|r| r["rule"].as_str()) {
        *outcome.rules.entry(rule.to_owned()).or_default() += 1;
    }
    let diff = together["diff"].as_str().unwrap_or_default();
    if diff.is_empty() {
        return Ok(outcome);
    }
    let before = Tests::run(way, if way.tests == Which::All { &RUNS } else { &RUNS[..1] });
    outcome.passed_before = before.passed.values().sum();
    outcome.wrong = applied(way, diff, &standing);
    match self::built(project) {
        Err(why) => outcome.wrong.push(format!("it does not build: {why}")),
        Ok(()) => outcome.wrong.extend(before.lost(way)),
    }
    outcome.untested = before.too_long;
    Ok(outcome)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// What refit says.
fn proposed(way: &Way, more: &[&str]) -> Result<Value, String> {
    let args = ["propose", "--all", "--class", "A", "--class", "B", "--json", "--trust"];
    let cache = way.project.join("target/cache");
    let out = run(limited(&way.refit).args(args).args(more).current_dir(&way.project).env("XDG_CACHE_HOME", cache));
    serde_json::from_str(&out.text).map_err(|_| format!("refit said {}", out.text))
}

/// Applies the diff; what is wrong with the texts after that.
fn applied(way: &Way, diff: &str, standing: &[&Value]) -> Vec<String> {
    std::fs::write(&way.patch, diff).expect("the diff is written");
    let mut edited: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    for edit in standing.iter().flat_map(|r| list(&r["edits"])) {
        let at = |name: &str| edit[name].as_u64().and_then(|n| usize::try_from(n).ok()).expect("an offset");
        edited.entry(edit["file"].as_str().expect("a file")).or_default().push((at("start"), at("end")));
    }
    let read = |file: &str| std::fs::read_to_string(way.project.join(file)).unwrap_or_default();
    let before: BTreeMap<&str, String> = edited.keys().map(|file| (*file, read(file))).collect();
    let done = run(Command::new("git").arg("apply").arg(&way.patch).current_dir(&way.project));
    if !done.ok {
        return vec![format!("git apply: {}", done.text)];
    }
    let changed = run(Command::new("git").args(["diff", "--name-only"]).current_dir(&way.project)).text;
    let others = changed.lines().filter(|file| !edited.contains_key(file));
    let mut wrong: Vec<String> = others.map(|file| format!("{file} was changed, and is not in the edits")).collect();
    for (file, edits) in edited {
        let (old, new) = (&before[file], read(file));
        wrong.extend(lost_comments(old, &new).into_iter().map(|c| format!("a comment is lost in {file}: {c}")));
        if !is_same_outside(old, &new, edits) {
            wrong.push(format!("bytes outside the edits changed in {file}"));
        }
    }
    wrong
}

/// Comments of the old text that the new one lacks; a moved one may be indented otherwise.
fn lost_comments(old: &str, new: &str) -> Vec<String> {
    let comments = |text: &str| -> Vec<String> {
        let found = lexer::comments(text).into_iter().map(|r| &text[r.start as usize..r.end as usize]);
        found.map(|c| c.lines().map(str::trim).collect::<Vec<_>>().join("\n")).collect()
    };
    let mut kept: BTreeMap<String, usize> = BTreeMap::new();
    comments(new).into_iter().for_each(|c| *kept.entry(c).or_default() += 1);
    let is_lost = |comment: &String| match kept.get_mut(comment) {
        Some(n) if *n > 0 => {
            *n -= 1;
            false
        }
        _ => true,
    };
    comments(old).into_iter().filter(is_lost).collect()
}

/// True if what stands between the edited ranges of the old text stands in the new one, in the same order, from its
/// first byte to its last.
fn is_same_outside(old: &str, new: &str, mut edits: Vec<(usize, usize)>) -> bool {
    edits.sort_unstable();
    let (mut pieces, mut at) = (Vec::new(), 0);
    for (start, end) in edits {
        if start >= at {
            pieces.push(&old[at..start]);
        }
        at = at.max(end);
    }
    let Some((first, inner)) = pieces.split_first() else { return old == new };
    let Some(mut rest) = new.strip_prefix(first).and_then(|new| new.strip_suffix(&old[at..])) else { return false };
    for piece in inner {
        let Some(found) = rest.find(piece) else { return false };
        rest = &rest[found + piece.len()..];
    }
    true
}

/// The crate in a repository of its own, with a `slo.toml`.
fn prepared(way: &Way, source: &Path) -> Result<(), String> {
    let project = way.project.as_path();
    let _ = std::fs::remove_dir_all(project);
    let copied = run(Command::new("cp").arg("-R").arg(source).arg(project));
    let _ = std::fs::remove_file(project.join(".cargo-ok"));
    std::fs::write(project.join(".gitignore"), "/target\n").map_err(|e| e.to_string())?;
    copied.done()?;
    run(Command::new("cargo").arg("generate-lockfile").current_dir(project)).done()?;
    git(project, &["init", "--quiet"]).done()?;
    run(Command::new(&way.refit).arg("init").current_dir(project)).done()?;
    git(project, &["add", "--all", "--force"]).done()?;
    git(project, &["commit", "--quiet", "-m", "As published"]).done()
}

fn git(project: &Path, args: &[&str]) -> Ran {
    let author = ["-c", "user.name=corpus", "-c", "user.email=corpus@localhost", "-c", "core.autocrlf=false"];
    run(Command::new("git").args(author).args(args).current_dir(project))
}

/// Takes integration tests, examples and benches away: many are published without the files that they need.
///
/// Where only the library is tested, the dependencies go that nothing in it names: most belong to benches.
fn without_targets(project: &Path, is_library: bool) -> Option<()> {
    let manifest = project.join("Cargo.toml");
    let mut table: toml::Table = std::fs::read_to_string(&manifest).ok()?.parse().ok()?;
    for kind in ["test", "bench", "example"] {
        table.remove(kind);
    }
    let package = table.get_mut("package")?.as_table_mut()?;
    for kind in ["autotests", "autobenches", "autoexamples"] {
        package.insert(kind.into(), false.into());
    }
    if let Some(toml::Value::Table(needed)) = table.get_mut("dev-dependencies").filter(|_| is_library) {
        let files = run(Command::new("git").args(["ls-files", "src/*.rs"]).current_dir(project));
        let texts: Vec<String> =
            files.text.lines().filter_map(|f| std::fs::read_to_string(project.join(f)).ok()).collect();
        needed.retain(|name, _| texts.iter().any(|text| text.contains(&name.replace('-', "_"))));
    }
    std::fs::write(&manifest, table.to_string()).ok()?;
    run(Command::new("cargo").arg("generate-lockfile").current_dir(project)).done().ok()?;
    git(project, &["commit", "--quiet", "-am", "Leave out targets"]).ok.then_some(())
}

fn built(project: &Path) -> Result<(), String> {
    let built = run(cargo(project).args(["test", "--no-run"]));
    let said = || built.errors.lines().find(|l| l.starts_with("error")).unwrap_or("cargo test --no-run").to_owned();
    if built.ok { Ok(()) } else { Err(said()) }
}

/// The two runs of tests, by the flag of cargo.
const RUNS: [&str; 2] = ["--tests", "--doc"];

/// What runs of the tests showed.
#[derive(Default)]
struct Tests {
    /// How many tests of each name passed.
    passed: BTreeMap<String, usize>,
    /// Runs that came to their end.
    ended: Vec<&'static str>,
    /// Runs that took too long.
    too_long: Vec<String>,
    /// Runs in which nothing failed.
    whole: BTreeSet<&'static str>,
}

impl Tests {
    fn run(way: &Way, flags: &[&'static str]) -> Tests {
        let mut tests = Tests::default();
        for flag in flags {
            let ran = run(cargo(&way.project).args(["test", "--no-fail-fast", flag]));
            if ran.is_too_long {
                tests.too_long.push(format!("`cargo test {flag}`"));
                continue;
            }
            tests.ended.push(flag);
            if ran.ok {
                tests.whole.insert(flag);
            }
            for line in ran.text.lines() {
                if let Some(name) = line.strip_prefix("test ").and_then(|l| l.strip_suffix(" ... ok")) {
                    // A line that an edit moved is the same documentation test.
                    let name = name.split(" (line ").next().unwrap_or(name);
                    *tests.passed.entry(format!("{flag} {name}")).or_default() += 1;
                }
            }
        }
        tests
    }

    /// What passed in these runs and does not now, in two more: some tests fail by chance on a busy machine.
    fn lost(&self, way: &Way) -> Vec<String> {
        let mut lost = self.missing(&Tests::run(way, &self.ended));
        if !lost.is_empty() {
            let again = self.missing(&Tests::run(way, &self.ended));
            lost.retain(|wrong| again.contains(wrong));
        }
        lost
    }

    fn missing(&self, after: &Tests) -> Vec<String> {
        let of = |name: &String| after.passed.get(name).copied().unwrap_or(0);
        let mut wrong: Vec<String> = self
            .passed
            .iter()
            .filter(|(name, n)| of(name) < **n)
            .map(|(name, _)| format!("passed before and not after: {name}"))
            .collect();
        let broken = self.whole.iter().filter(|flag| !after.whole.contains(*flag));
        wrong.extend(broken.map(|flag| format!("`cargo test {flag}` succeeded before and not after")));
        wrong
    }
}

fn lines(project: &Path) -> usize {
    let files = run(Command::new("git").args(["ls-files", "*.rs"]).current_dir(project));
    files.text.lines().filter_map(|f| std::fs::read_to_string(project.join(f)).ok()).map(|t| t.lines().count()).sum()
}

/// Cargo, for at most [`LIMIT`], without what only debuggers and later builds need.
fn cargo(project: &Path) -> Command {
    let mut cargo = limited(Path::new("cargo"));
    cargo.current_dir(project).envs([
        ("CARGO_TERM_COLOR", "never"),
        ("CARGO_INCREMENTAL", "0"),
        ("CARGO_PROFILE_DEV_DEBUG", "0"),
        ("CARGO_PROFILE_TEST_DEBUG", "0"),
    ]);
    cargo
}

/// A program that `timeout` ends, with all that it started.
fn limited(program: &Path) -> Command {
    let mut command = Command::new("timeout");
    command.arg("--kill-after=10").arg(LIMIT.to_string()).arg(program);
    command
}

/// What a program said.
pub struct Ran {
    pub ok: bool,
    /// Standard output, and standard error where it failed.
    pub text: String,
    errors: String,
    is_too_long: bool,
}

impl Ran {
    fn done(self) -> Result<(), String> {
        if self.ok { Ok(()) } else { Err(self.text) }
    }
}

/// Runs a program to its end.
pub fn run(command: &mut Command) -> Ran {
    let out = command.stdin(Stdio::null()).output().expect("the program runs");
    let (text, errors) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr).into_owned());
    let ok = out.status.success();
    let text = if ok { text.into_owned() } else { format!("{text}{errors}") };
    // What `timeout` ended.
    let is_too_long = matches!(out.status.code(), Some(124 | 137));
    Ran { ok, text, errors, is_too_long }
}
