//! A workspace in; its locked slots with base, packages and cargo ready to run, and what earlier proofs took, out.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Trust;
use super::{Ear, Workspace};
use crate::effects::cargo::{self, Cargo, Checked, Features, Package, Targets};
use crate::effects::git::{Base, Repository};
use crate::effects::process::Command;
use crate::effects::slots::{Arm, Slot, Slots};
use crate::effects::workload::{Exercise, free_port};
use crate::effects::{files, machine};
use crate::model::{Diagnostic, Evidence, Problem, Progress, Rewrite, Rung, Workload};
use crate::source::{self, FileRole};
use crate::verify::purity::Effects;
use crate::verify::types::KnownTypes;

/// Longest time of one build: several hundred dependencies on a small machine.
const BUILD_LIMIT: Duration = Duration::from_secs(60 * 60);
/// Longest time of one run of the tests or the load.
const LIMIT: Duration = Duration::from_secs(20 * 60);
/// Core seconds that a package of the registry takes to be checked and to be built, and lines of the workspace a core
/// second: rules of thumb for the first estimate, replaced by what it took as soon as something was proved.
const CHECK_S: f64 = 0.7;
const BUILD_S: f64 = 1.2;
const LINES_A_SECOND: f64 = 4_000.0;

/// The key under which evidence is kept: compiler, commands and thresholds.
///
/// # Errors
/// No rustc.
pub fn key(workspace: &Workspace, is_measured: bool, ear: &Ear) -> Result<String, Problem> {
    let toolchain = cargo::toolchain(&workspace.root, &ear.cancel)?;
    let slo = &workspace.slo;
    let commands: Vec<String> = slo
        .workloads
        .iter()
        .map(|w| [&w.build, &w.run, &w.ready, &w.load, &w.test_quick].map(String::as_str).join(" && "))
        .collect();
    let measured = if is_measured { "measured" } else { "not measured" };
    Ok(format!(
        "{toolchain} | {} | {:?} | {:?} | {measured} | proof 5",
        commands.join(" | "),
        slo.code.features,
        slo.gate
    ))
}

/// Nothing of a repository runs before the person has seen its commands and agreed.
fn agreed(workspace: &Workspace) -> Result<(), Problem> {
    match workspace.trust() {
        Trust::Unseen(commands) if !commands.is_empty() => {
            let what = format!("nobody has agreed yet to run these commands of slo.toml: {}", commands.join("; "));
            Err(Problem::error(what).help("read them, then agree in the workbench or with `--trust`"))
        }
        _ => Ok(()),
    }
}

/// Everything a proof needs, held for as long as it runs.
pub struct Yard<'a> {
    /// The project.
    pub workspace: &'a Workspace,
    /// Who listens.
    pub ear: &'a Ear,
    /// The repository.
    pub repository: Repository,
    /// What is proved against.
    pub base: Base,
    /// Rust files of the base by path.
    pub texts: BTreeMap<String, String>,
    /// Where each of them stands in its crate.
    pub roles: BTreeMap<String, FileRole>,
    /// The crate root of each of them, where there is one that certainly leads to it.
    roots: BTreeMap<String, String>,
    /// What is known of their types.
    pub known: KnownTypes,
    /// Scratch checkouts, locked.
    pub slots: Slots,
    steps: AtomicU64,
    on_base: OnceCell<Stand>,
    effects: OnceCell<Effects>,
    packages: OnceCell<Vec<Package>>,
    compiler: OnceCell<String>,
    targets: Cell<Targets>,
    /// Whether nextest runs the tests; `None` until that was looked at.
    nextest: Cell<Option<bool>>,
    /// True once the tests of the base have shown who runs them.
    knows_runner: Cell<bool>,
    /// Other feature sets than the chosen one in which the base compiles, with what the compiler says of it.
    pub sets: OnceCell<Vec<(Features, Vec<Diagnostic>)>>,
    swept: RefCell<Vec<Arm>>,
}

/// One scratch checkout with its cargo.
pub struct Stand {
    /// The checkout.
    pub slot: Slot,
    /// Cargo on it.
    pub cargo: Cargo,
    /// The folder of `slo.toml` in it: the project's own commands run there.
    pub project: PathBuf,
}

impl<'a> Yard<'a> {
    /// Reads the base and locks the slots.
    ///
    /// # Errors
    /// Commands that nobody agreed to; a repository that cannot be read; another instance at work.
    pub fn open(workspace: &'a Workspace, base: Base, ear: &'a Ear) -> Result<Yard<'a>, Problem> {
        agreed(workspace)?;
        let repository = workspace.repository()?;
        let code = workspace.code(&base)?;
        let roots = roots(&code);
        let files = code.files;
        let roles = files.iter().map(|f| (f.path.clone(), f.role.clone())).collect();
        let texts: BTreeMap<String, String> = files.into_iter().map(|f| (f.path, f.text)).collect();
        let known = KnownTypes::of(texts.values().map(String::as_str));
        let slots = Slots::open(&repository, &workspace.root, &ear.cancel)?;
        Ok(Yard {
            workspace,
            ear,
            repository,
            base,
            texts,
            roles,
            roots,
            known,
            slots,
            steps: AtomicU64::new(0),
            on_base: OnceCell::new(),
            effects: OnceCell::new(),
            packages: OnceCell::new(),
            compiler: OnceCell::new(),
            targets: Cell::default(),
            nextest: Cell::default(),
            knows_runner: Cell::default(),
            sets: OnceCell::new(),
            swept: RefCell::default(),
        })
    }

    /// Tells what begins.
    pub fn step(&self, what: &str) {
        let done = self.steps.fetch_add(1, Ordering::Relaxed);
        self.ear.tell(Progress::Step { what: what.to_owned(), done, total: 0 });
    }

    /// Tells a line of output.
    pub fn log(&self, line: &str) {
        self.ear.tell(Progress::Log(line.to_owned()));
    }

    /// `cargo check` on a stand, of the targets that build on the base.
    ///
    /// # Errors
    /// No cargo.
    pub fn check(&self, stand: &Stand, packages: &[String], wrapper: Option<&Path>) -> Result<Checked, Problem> {
        stand.cargo.check(packages, self.targets.get(), wrapper, &self.ear.cancel, &mut |line| self.log(line))
    }

    /// As [`Yard::check`] with other features.
    ///
    /// # Errors
    /// No cargo.
    pub fn check_with(&self, features: &Features, stand: &Stand, packages: &[String]) -> Result<Checked, Problem> {
        let cargo = Cargo { features: features.clone(), ..stand.cargo.clone() };
        cargo.check(packages, self.targets.get(), None, &self.ear.cancel, &mut |line| self.log(line))
    }

    /// The compiler that the base gets.
    ///
    /// # Errors
    /// No rustc.
    pub fn compiler(&self) -> Result<&str, Problem> {
        if self.compiler.get().is_none() {
            let told = cargo::toolchain(&self.stand_base()?.cargo.root, &self.ear.cancel)?;
            let _ = self.compiler.set(told);
        }
        Ok(self.compiler.get().map_or("", String::as_str))
    }

    /// True if this machine has cargo-nextest, and the tests of the base have not shown that cargo is to run them.
    pub fn uses_nextest(&self, stand: &Stand) -> bool {
        let look = || {
            let is_there = machine::version("cargo", &["nextest", "--version"], &stand.cargo.root).is_some();
            self.nextest.set(Some(is_there));
            is_there
        };
        self.nextest.get().unwrap_or_else(look)
    }

    /// Lets nextest run the tests, or cargo itself.
    pub fn use_nextest(&self, is_used: bool) {
        self.nextest.set(Some(is_used));
    }

    /// True the first time: who runs the tests is not asked again, because base and candidate must have the same runner.
    pub fn chooses_runner(&self) -> bool {
        !self.knows_runner.replace(true)
    }

    /// From here on benches are checked no more.
    pub fn leave_out_benches(&self) {
        self.targets.set(Targets::WithoutBenches);
    }

    /// What is said beside evidence that rests on fewer targets than there are.
    pub fn left_out(&self) -> &'static str {
        match self.targets.get() {
            Targets::All => "",
            Targets::WithoutBenches => "; benches are left out, because they do not build on the base",
        }
    }

    /// The base's slot: checked out, its target folder seeded from the project's, dependencies fetched.
    ///
    /// # Errors
    /// A cache that cannot be written; dependencies that cannot be fetched.
    pub fn stand_base(&self) -> Result<&Stand, Problem> {
        if let Some(stand) = self.on_base.get() {
            return Ok(stand);
        }
        let mut stand = self.stand(Arm::Base)?;
        let own = self.workspace.root.join(&self.workspace.slo.code.root).join("target");
        self.step("preparing the scratch checkout of the base");
        stand.slot.seed(&own, &stand.cargo.target);
        stand.put(self, &[])?;
        self.step("fetching dependencies");
        stand.cargo.fetch(&self.ear.cancel, &mut |line| self.log(line))?;
        Ok(self.on_base.get_or_init(|| stand))
    }

    /// Another slot, its target folder seeded from the base's. Its checkout is written after the seeds, so that cargo
    /// takes the dependencies as built and the workspace's own crates as changed.
    ///
    /// # Errors
    /// A cache that cannot be written.
    pub fn stand_beside(&self, arm: Arm) -> Result<Stand, Problem> {
        let base = self.stand_base()?;
        let mut stand = self.stand(arm)?;
        stand.slot.seed(&base.cargo.target, &stand.cargo.target);
        stand.cargo.offline = base.cargo.offline;
        Ok(stand)
    }

    /// A slot, once swept of what an earlier start left in it.
    fn stand(&self, arm: Arm) -> Result<Stand, Problem> {
        let slot = self.slots.slot(arm);
        let code = &self.workspace.slo.code;
        let project = slot.path("");
        let root = slot.path(&code.root);
        let inside = code.root.trim_start_matches("./").trim_matches('/');
        let prefix = if inside.is_empty() || inside == "." { String::new() } else { format!("{inside}/") };
        let features = Features::Chosen(code.features.iter().filter(|f| *f != "default").cloned().collect());
        let cargo = Cargo { target: root.join("target"), root, prefix, features, offline: false, limit: BUILD_LIMIT };
        let is_first = !self.swept.borrow().contains(&arm);
        if is_first {
            slot.sweep(&self.base.tree, &cargo.target)?;
            self.swept.borrow_mut().push(arm);
        }
        Ok(Stand { slot, cargo, project })
    }

    /// Names of the packages that the proposals touch and of those that need them; empty where that is the workspace.
    ///
    /// # Errors
    /// A workspace that cargo cannot read.
    pub fn packages_of(&self, rewrites: &[&Rewrite]) -> Result<Vec<String>, Problem> {
        let (stand, all) = (self.stand_base()?, self.all_packages()?);
        let files = rewrites.iter().flat_map(|r| r.edits.iter().map(|e| e.file()));
        let touched = files.filter_map(|file| package_around(all, file.strip_prefix(&stand.cargo.prefix)?));
        let names = with_dependants(all, touched.map(|p| p.name.clone()).collect());
        Ok(if names.len() == all.len() { Vec::new() } else { names })
    }

    /// The crate root that leads to all files of a proposal.
    pub fn root_of(&self, rewrite: &Rewrite) -> Option<&str> {
        let mut found = rewrite.edits.iter().map(|e| self.roots.get(e.file()).map(String::as_str));
        let first = found.next()??;
        found.all(|other| other == Some(first)).then_some(first)
    }

    /// True for a file of a program, which no other crate sees.
    pub fn is_of_program(&self, file: &str) -> bool {
        self.roots.get(file).is_some_and(|root| root.ends_with("src/main.rs") || root.contains("src/bin/"))
    }

    /// Those of these packages (of all where none is named) that have bench targets.
    ///
    /// # Errors
    /// A workspace that cargo cannot read.
    pub fn with_benches(&self, packages: &[String]) -> Result<Vec<String>, Problem> {
        Ok(self.packages_named(packages)?.filter(|p| p.has_benches).map(|p| p.name.clone()).collect())
    }

    /// The packages with these names; all where none is named.
    ///
    /// # Errors
    /// A workspace that cargo cannot read.
    pub fn packages_named<'y>(&'y self, names: &'y [String]) -> Result<impl Iterator<Item = &'y Package>, Problem> {
        Ok(self.all_packages()?.iter().filter(|p| names.is_empty() || names.contains(&p.name)))
    }

    fn all_packages(&self) -> Result<&[Package], Problem> {
        if self.packages.get().is_none() {
            let _ = self.packages.set(self.stand_base()?.cargo.packages(&self.ear.cancel)?);
        }
        Ok(self.packages.get().map_or(&[], Vec::as_slice))
    }

    /// The package around a file, by its name.
    ///
    /// # Errors
    /// A workspace that cargo cannot read.
    pub fn package_of(&self, file: &str) -> Result<Option<String>, Problem> {
        let (stand, all) = (self.stand_base()?, self.all_packages()?);
        Ok(file.strip_prefix(&stand.cargo.prefix).and_then(|f| package_around(all, f)).map(|p| p.name.clone()))
    }

    /// True if the code of this file can name serde.
    ///
    /// # Errors
    /// A workspace that cargo cannot read.
    pub fn knows_serde(&self, file: &str) -> Result<bool, Problem> {
        let (stand, all) = (self.stand_base()?, self.all_packages()?);
        let around = file.strip_prefix(&stand.cargo.prefix).and_then(|f| package_around(all, f));
        Ok(around.is_some_and(|p| p.knows_serde))
    }

    /// The new texts of the files that a proposal edits.
    ///
    /// # Errors
    /// A file that is not in the base, or an edit that does not apply.
    pub fn edited(&self, rewrite: &Rewrite) -> Result<Vec<(String, String)>, Problem> {
        let apply = |edits: &crate::model::EditSet| {
            let text = self.texts.get(edits.file()).ok_or_else(|| {
                Problem::error(format!("{} is not a Rust file of the base", edits.file())).help("scan again")
            })?;
            Ok((edits.file().to_owned(), source::apply(edits, text)?))
        };
        rewrite.edits.iter().map(apply).collect()
    }

    /// The workload that exercises the service, if one is described.
    pub fn workload(&self) -> Option<&Workload> {
        self.workspace.slo.workloads.iter().find(|w| !w.load.is_empty())
    }

    /// Which functions of the base have effects.
    pub fn effects(&self) -> &Effects {
        self.effects.get_or_init(|| Effects::of(self.texts.values().map(String::as_str)))
    }

    /// A workload made ready to run in a checkout: `{port}` is a free port and `{log}` a fresh file, which comes back.
    ///
    /// # Errors
    /// No free port.
    pub fn exercise(
        &self,
        stand: &Stand,
        workload: &Workload,
        log: &str,
        variables: &[(&str, &str)],
    ) -> Result<(Exercise, PathBuf), Problem> {
        let port = free_port()?;
        let log = self.slots.dir().join(format!("{log}.jsonl"));
        files::remove(&log);
        let fill = |line: &str| line.replace("{port}", &port.to_string()).replace("{log}", &log.to_string_lossy());
        let command = |line: &str| {
            variables.iter().fold(stand.shell(&fill(line)).limit(LIMIT), |c, (name, value)| c.env(name, *value))
        };
        let exercise = Exercise {
            service: (!workload.run.is_empty()).then(|| command(&workload.run)),
            load: command(&workload.load),
            ready: fill(&workload.ready),
            port,
            output: self.slots.dir().join("service.log"),
        };
        Ok((exercise, log))
    }

    /// Seconds per rung for so many proposals that climb it: what it took last time here, else what a small service takes; and what
    /// the base still takes, which stands in the first rung that needs it.
    pub fn estimate(&self, proposals: impl Fn(Rung) -> u64) -> Vec<(Rung, u64)> {
        let took = self.took();
        let of = |rung: &Rung| {
            let one = took.get(rung.word()).copied().unwrap_or(20_000).div_ceil(1000);
            (*rung, proposals(*rung) * one + self.first_time(*rung, &took))
        };
        // What the twins say comes of the run that counts.
        let is_climbed = |r: &&Rung| **r != Rung::TwinsAgree && proposals(**r) > 0;
        Rung::ALL.iter().filter(is_climbed).map(of).collect()
    }

    /// Seconds until the base stands for a rung, where that was never done here.
    fn first_time(&self, rung: Rung, took: &BTreeMap<String, u64>) -> u64 {
        if took.contains_key(rung.word()) {
            return 0;
        }
        let root = self.workspace.root.join(&self.workspace.slo.code.root);
        let lock = files::read_text(&root.join("Cargo.lock"), "Cargo.lock").unwrap_or_default();
        let packages = lock.matches("[[package]]").count() as f64;
        let lines = self.texts.values().map(|t| t.lines().count()).sum::<usize>() as f64;
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        cold_seconds(rung, packages, lines, cores)
    }

    /// Remembers how long a rung took.
    pub fn remember(&self, evidence: &Evidence) {
        let mut took = self.took();
        took.insert(evidence.rung.word().to_owned(), evidence.ms);
        let text: String = took.iter().map(|(rung, ms)| format!("{ms} {rung}\n")).collect();
        // An estimate that is not kept costs nothing but itself.
        let _ = files::write_atomic(&self.slots.dir().join("took"), text.as_bytes());
    }

    fn took(&self) -> BTreeMap<String, u64> {
        let text = files::read_text(&self.slots.dir().join("took"), "took").unwrap_or_default();
        let line = |l: &str| l.split_once(' ').and_then(|(ms, rung)| Some((rung.to_owned(), ms.parse().ok()?)));
        text.lines().filter_map(line).collect()
    }
}

impl Stand {
    /// Puts the base with some files replaced into the checkout.
    ///
    /// # Errors
    /// As [`Slot::set`].
    pub fn put(&self, yard: &Yard, files: &[(String, String)]) -> Result<(), Problem> {
        let bytes: Vec<(String, Vec<u8>)> = files.iter().map(|(p, t)| (p.clone(), t.clone().into_bytes())).collect();
        self.slot.set(&yard.base.tree, &yard.base.head, &bytes).map(drop)
    }

    /// Puts a tree as it is into the checkout.
    ///
    /// # Errors
    /// As [`Slot::set`].
    pub fn put_tree(&self, tree: &str, commit: &str) -> Result<(), Problem> {
        self.slot.set(tree, commit, &[]).map(drop)
    }

    /// A command of `slo.toml`, tied to this checkout.
    pub fn shell(&self, line: &str) -> Command {
        self.cargo.environment(Command::shell(line, &self.project)).limit(BUILD_LIMIT)
    }

    /// Several commands of cargo in a line for the shell that run what was built before.
    pub fn script(&self, line: &str) -> Command {
        self.cargo.environment(Command::shell(line, &self.cargo.root)).limit(LIMIT)
    }

    /// A cargo command that runs what was built before.
    pub fn run(&self, args: &[&str]) -> Command {
        self.cargo.command(args).limit(LIMIT)
    }
}

/// Seconds to build a project of this size for a rung on an idle machine, rounded to half minutes.
fn cold_seconds(rung: Rung, packages: f64, lines: f64, cores: f64) -> u64 {
    let core_seconds = match rung {
        Rung::Compiles => packages * CHECK_S + lines / LINES_A_SECOND,
        Rung::TestsPass | Rung::Faster => packages * BUILD_S + 2.0 * lines / LINES_A_SECOND,
        Rung::TestsReach
        | Rung::TwinsAgree
        | Rung::PropertiesAgree
        | Rung::GateHasPower
        | Rung::Codegen
        | Rung::NothingWorse => 0.0,
    };
    (core_seconds / cores / 30.0).ceil() as u64 * 30
}

fn roots(code: &super::open::Code) -> BTreeMap<String, String> {
    let root = |file: &crate::pipeline::InputFile| {
        let mut of = code.crates.iter().filter(|c| c.name == file.role.krate && !c.is_test);
        match (of.next(), of.next()) {
            (Some(only), None) if !file.role.is_test && !file.role.is_doubled => Some(only.root.clone()),
            _ => None,
        }
    };
    code.files.iter().filter_map(|f| Some((f.path.clone(), root(f)?))).collect()
}

/// The innermost package around a file (path relative to the Cargo root).
fn package_around<'p>(all: &'p [Package], file: &str) -> Option<&'p Package> {
    let holds = |p: &&Package| p.dir.is_empty() || file.strip_prefix(&p.dir).is_some_and(|rest| rest.starts_with('/'));
    all.iter().filter(holds).max_by_key(|p| p.dir.len())
}

/// Packages and everything in the workspace that needs them, directly or not.
fn with_dependants(all: &[Package], mut names: BTreeSet<String>) -> Vec<String> {
    loop {
        let needing = all.iter().filter(|p| p.needs.iter().any(|n| names.contains(n))).map(|p| p.name.clone());
        let more: Vec<String> = needing.filter(|n| !names.contains(n)).collect();
        if more.is_empty() {
            return names.into_iter().collect();
        }
        names.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dir: &str, needs: &[&str]) -> Package {
        let needs = needs.iter().map(|n| n.to_string()).collect();
        Package { name: name.into(), dir: dir.into(), needs, has_tests: true, ..Package::default() }
    }

    #[test]
    fn the_first_proof_of_a_large_workspace_is_expected_to_take_many_minutes() {
        assert_eq!(cold_seconds(Rung::Compiles, 613.0, 140_000.0, 2.0), 240);
        assert_eq!(cold_seconds(Rung::TestsPass, 613.0, 140_000.0, 2.0), 420);
        assert_eq!(cold_seconds(Rung::Compiles, 0.0, 200.0, 2.0), 30, "a small one half a minute");
        assert_eq!(cold_seconds(Rung::TestsReach, 613.0, 140_000.0, 2.0), 0, "it stands by then");
    }

    #[test]
    fn a_file_belongs_to_the_innermost_package_and_brings_all_that_need_it() {
        let all = [
            package("app", "", &["web"]),
            package("web", "crates/web", &["core"]),
            package("core", "crates/core", &[]),
            package("tool", "crates/core-tool", &[]),
        ];
        assert_eq!(package_around(&all, "crates/core/src/lib.rs").map(|p| p.name.as_str()), Some("core"));
        assert_eq!(package_around(&all, "src/main.rs").map(|p| p.name.as_str()), Some("app"));
        assert_eq!(package_around(&all, "crates/core-tool/src/a.rs").map(|p| p.name.as_str()), Some("tool"));
        assert_eq!(with_dependants(&all, BTreeSet::from(["core".to_owned()])), ["app", "core", "web"]);
    }
}
