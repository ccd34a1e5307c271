//! A project folder in, a workspace with its budgets, base tree and analysis out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Ear;
use super::provisional;
use super::recordings::{recordings, since};
use super::sources::{read_and_show, read_sources};
use super::survey::{self, Looked};
use crate::effects::git::{Base, Repository};
use crate::effects::{evidence, files, measured, project, trust};
use crate::model::{CrateRoot, Level, Place, Problem, Profile, Slo, Source};
use crate::pipeline::{self, Analysis, Depth, InputFile, Inputs, Survey};
use crate::profile;
use crate::slo;
use crate::source::{self, FileRole};

/// May commands of this `slo.toml` run?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The person agreed to exactly these commands (or the repository was made by `refit try`).
    Trusted,
    /// These commands were never seen; show them and ask.
    Unseen(Vec<String>),
}

/// A project that is open: where it is and what its `slo.toml` says. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The folder that holds `slo.toml`; paths in it and in the model are relative to this.
    pub root: PathBuf,
    /// Path of the configuration.
    pub config: PathBuf,
    /// What it says.
    pub slo: Slo,
    /// Problems of reading it that are not errors.
    pub problems: Vec<Problem>,
    /// Branch that proposals land on, `refit/<name>`.
    pub branch: String,
    /// A base of earlier, in place of the present one.
    pub earlier: Option<Base>,
}

/// The Rust side of a base tree: its files with their roles.
#[derive(Clone, Debug, Default)]
pub struct Code {
    /// Crates of the workspace.
    pub crates: Vec<CrateRoot>,
    /// Rust files that a crate reaches.
    pub files: Vec<InputFile>,
    /// What is worth saying about them.
    pub problems: Vec<Problem>,
}

/// Crates, the files that they reach with their roles, and what is worth saying about them.
type Places = (Vec<CrateRoot>, BTreeMap<String, FileRole>, Vec<Problem>);

impl Workspace {
    /// Opens a project: reads `slo.toml` and finds the repository. Executes nothing of the project.
    ///
    /// # Errors
    /// All problems that keep it from opening, at once.
    pub fn open(root: &Path, config: &Path) -> Result<Workspace, Vec<Problem>> {
        let path = root.join(config);
        let shown = config.display().to_string();
        let text = files::read_text(&path, &shown).map_err(|p| vec![without_config(p, &path)])?;
        let parsed = slo::parse(&shown, &text);
        if parsed.has_errors() {
            return Err(parsed.problems);
        }
        let root = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf();
        let branch = format!("refit/{}", parsed.value.service);
        let mut workspace =
            Workspace { root, config: path, slo: parsed.value, problems: parsed.problems, branch, earlier: None };
        let repository = workspace.repository().map_err(|p| vec![p])?;
        // What a crash cut off is settled first; where it cannot be, everything but changing the repository still works.
        match repository.recover() {
            Ok(settled) => workspace.problems.extend(settled),
            Err(problem) => workspace.problems.push(Problem { level: Level::Warning, ..problem }),
        }
        Ok(workspace)
    }

    /// The repository around the project.
    ///
    /// # Errors
    /// No repository, a bare one, or one that cannot be read.
    pub fn repository(&self) -> Result<Repository, Problem> {
        Repository::discover(&self.root)
    }

    /// The base tree: HEAD plus the tracked changes of the checkout, on top of what has landed.
    ///
    /// # Errors
    /// As [`Repository::base`].
    pub fn base(&self) -> Result<Base, Problem> {
        match &self.earlier {
            Some(base) => Ok(base.clone()),
            None => self.repository()?.base(&self.branch),
        }
    }

    /// Reads profile and sources and composes all stages; `all` looks beyond the files of hot functions.
    ///
    /// # Errors
    /// What keeps the analysis from being made; smaller problems are in the analysis.
    pub fn analyse(&self, all: bool, ear: &Ear) -> Result<Analysis, Vec<Problem>> {
        self.compose(Inputs { all, ..Inputs::default() }, ear)
    }

    /// Reads profile and sources and composes the stages as far as `inputs` says; files, profile and budgets are filled in.
    ///
    /// # Errors
    /// As [`Workspace::analyse`].
    pub fn compose(&self, mut inputs: Inputs, ear: &Ear) -> Result<Analysis, Vec<Problem>> {
        let ranks = inputs.depth == Depth::Rank;
        if ranks && self.slo.sources.is_empty() {
            return Err(vec![self.without_sources()]);
        }
        inputs.slo = self.slo.clone();
        let (surveyed, dated, profile) = std::thread::scope(|scope| {
            let (looks, shown) = crossbeam_channel::unbounded();
            let (found, items) = crossbeam_channel::bounded(1);
            let reader = scope.spawn(move || read_and_show(&self.root, &self.slo.sources, ear, Some(&looks)));
            let dated = scope
                .spawn(|| self.repository().map(|r| recordings(&r, &self.root, &self.slo.sources)).unwrap_or_default());
            scope.spawn(move || provisional::tell(self, &shown, items, ear));
            let surveyed = self.survey(&mut inputs);
            if let Ok((survey, ..)) = &surveyed {
                // Whoever tells of the sources may have told all there is.
                let _ = found.send(survey.items().clone());
            }
            let dated = dated.join().expect("dating a recording does not panic");
            let profile = measured::waiting("profile reader", || reader.join());
            (surveyed, dated, profile.expect("reading a profile does not panic"))
        });
        let (survey, base, found) = surveyed.map_err(|p| vec![p])?;
        let (mut profiles, troubles) = profile?;
        let mut moved: Vec<Problem> = Vec::new();
        if let Ok(repository) = self.repository() {
            // Each recording has its own commit; once they are merged nobody can tell their frames apart.
            for (profile, dated) in profiles.iter_mut().zip(&dated) {
                let since = since(&repository, &self.root, &base, dated, profile);
                let told = since.and_then(|since| pipeline::move_lines(profile, &survey, &since));
                moved.extend(told.map(|problem| problem.at(Place::file(&dated.file))));
            }
            if let Some((file, older)) = &mut inputs.base {
                let dated = recordings(&repository, &self.root, &[Source { file: file.clone(), ..Source::default() }]);
                let since = dated.first().and_then(|dated| since(&repository, &self.root, &base, dated, older));
                let told = since.and_then(|since| pipeline::move_lines(older, &survey, &since));
                moved.extend(told.map(|problem| problem.at(Place::file(file.as_str()))));
            }
        }
        let profile = profile::merge(profiles);
        let mut analysis = pipeline::analyse(&inputs, survey, &profile);
        // No tree is left on this thread, and a workbench analyses again and again.
        source::forget_spans();
        analysis.recordings = dated;
        analysis.profile = Arc::new(profile);
        let before = self.problems.iter().cloned().chain(found).chain(troubles).chain(moved);
        analysis.problems.splice(0..0, before);
        if inputs.depth == Depth::Propose {
            propose_what_builds(&inputs, &base, &mut analysis);
        }
        Ok(analysis)
    }

    /// Reads an older recording, to compare with.
    ///
    /// # Errors
    /// A file that is not there or of no known format.
    pub fn read_older(&self, file: &str, ear: &Ear) -> Result<(Profile, Vec<Problem>), Vec<Problem>> {
        let binary = self.slo.sources.iter().find_map(|s| s.binary.clone());
        read_sources(&self.root, &[Source { file: file.to_owned(), binary, ..Source::default() }], ear)
    }

    /// Reads the base's code into `inputs` and looks at it; also what reading it found worth saying.
    fn survey(&self, inputs: &mut Inputs) -> Result<(Survey, Base, Vec<Problem>), Problem> {
        let base = self.base()?;
        let mut notes = base.notes.clone();
        if !self.slo.code.clippy.is_empty() {
            match files::read_text(&self.root.join(&self.slo.code.clippy), "clippy's output") {
                Ok(text) => inputs.clippy = text,
                Err(problem) => notes.push(Problem {
                    level: Level::Warning,
                    ..problem.help(
                        "write it: `cargo clippy --message-format=json >` that file; or take `clippy` out of [code]",
                    )
                }),
            }
        }
        // Recipes need the trees of all files, and a tree cannot leave its thread.
        let (survey, found) = if inputs.depth == Depth::Propose {
            let code = self.code(&base)?;
            inputs.files = code.files;
            (pipeline::survey(inputs), code.problems)
        } else {
            // What is priced in milliseconds and what clippy says are looked up in the texts.
            let needs_texts = !self.slo.sources.is_empty() || !inputs.clippy.is_empty();
            let Looked { code, told } = survey::look(self, &base, inputs.depth, needs_texts)?;
            inputs.files = code.files;
            (pipeline::survey_of(inputs, told), code.problems)
        };
        Ok((survey, base, notes.into_iter().chain(found).collect()))
    }

    /// The Rust files of a tree with their place in their crates.
    ///
    /// # Errors
    /// A tree that cannot be read.
    pub fn code(&self, base: &Base) -> Result<Code, Problem> {
        let mut problems = Vec::new();
        let mut texts = BTreeMap::new();
        for (path, bytes) in self.repository()?.read_files(&base.tree, is_code)? {
            match String::from_utf8(bytes) {
                Ok(text) => drop(texts.insert(path, text)),
                Err(_) => problems.push(not_utf8(&path)),
            }
        }
        let (crates, roles, found) = self.places(&texts, &texts)?;
        problems.extend(found);
        let file = |(path, role)| Some(InputFile { text: texts.get(&path)?.clone(), path, role });
        Ok(Code { crates, files: roles.into_iter().filter_map(file).collect(), problems })
    }

    /// The crates of the manifests among `texts`, and where files stand in them.
    pub(super) fn places(
        &self,
        texts: &BTreeMap<String, String>,
        files: &impl source::Files,
    ) -> Result<Places, Problem> {
        let (mut crates, mut problems) = project::crates(texts, &self.slo.code.root);
        let packages = &self.slo.code.packages;
        crates.retain(|c| packages.is_empty() || packages.contains(&c.package));
        let generated = self.generated()?;
        let (mut roles, found) = source::roles(&crates, files);
        problems.extend(found.into_iter().filter(|p| p.level != Level::Note));
        roles.iter_mut().for_each(|(path, role)| role.is_generated |= generated.is_match(path));
        Ok((crates, roles, problems))
    }

    fn generated(&self) -> Result<globset::GlobSet, Problem> {
        let mut set = globset::GlobSetBuilder::new();
        for pattern in &self.slo.code.generated {
            let glob = globset::Glob::new(pattern).map_err(|e| {
                Problem::error(format!("[code] generated has a pattern that cannot be read: {e}"))
                    .at(Place::file(self.config.display().to_string()))
            })?;
            set.add(glob);
        }
        set.build().map_err(|e| Problem::error(format!("[code] generated cannot be used: {e}")))
    }

    /// The text of a file of the base tree.
    ///
    /// # Errors
    /// No such file, or it is not UTF-8.
    pub fn text(&self, file: &str) -> Result<String, Problem> {
        let base = self.base()?;
        let found = self.repository()?.read_files(&base.tree, |path| path == file)?;
        let (_, bytes) = found.into_iter().next().ok_or_else(|| {
            Problem::error("no such file in the base").at(Place::file(file)).help("git does not track it: `git add` it")
        })?;
        String::from_utf8(bytes).map_err(|_| Problem::error("this file is not UTF-8").at(Place::file(file)))
    }

    /// Whether the commands of `slo.toml` were agreed to.
    pub fn trust(&self) -> Trust {
        let commands = slo::commands(&self.slo);
        if trust::is_agreed(&self.root, &commands) { Trust::Trusted } else { Trust::Unseen(commands) }
    }

    /// Remembers that the person saw and agreed to the commands as they stand.
    ///
    /// # Errors
    /// The user's data folder cannot be written.
    pub fn agree(&self) -> Result<(), Problem> {
        trust::agree(&self.root, &slo::commands(&self.slo))
    }

    fn without_sources(&self) -> Problem {
        Problem::error("nothing was measured: slo.toml names no [[source]]")
            .at(Place::file(self.config.display().to_string()))
            .help("record one: `refit record -- CMD` writes the entry; or name a file: `[[source]]` `file = \"…\"`")
    }
}

/// Nothing is proposed where the compiler said that the base does not build, or where a file cannot even be parsed and
/// the compiler was not asked.
fn propose_what_builds(inputs: &Inputs, base: &Base, analysis: &mut Analysis) {
    match evidence::build(&base.tree) {
        Some(Ok(())) => {}
        Some(Err(said)) => pipeline::without_proposals(analysis, &said, None),
        None => {
            if let Some(problem) = pipeline::unparsed(inputs, analysis).cloned() {
                pipeline::without_proposals(analysis, &problem.what, problem.place);
            }
        }
    }
}

/// True for Rust files, and for what says what is one.
pub(super) fn is_code(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.ends_with(".rs") || matches!(name, "Cargo.toml" | "rustfmt.toml" | ".rustfmt.toml")
}

pub(super) fn not_utf8(path: &str) -> Problem {
    Problem::warning("this file is not UTF-8 and is left out").at(Place::file(path))
}

fn without_config(problem: Problem, path: &Path) -> Problem {
    if path.exists() {
        return problem;
    }
    let help = match files::further_out(path) {
        Some(folder) => format!("there is one further out: --root {}", folder.display()),
        None => String::from("write one with `refit init`, or look at an example first: `refit try payment-gateway`"),
    };
    Problem::error("there is no slo.toml here").at(Place::file(path.display().to_string())).help(help)
}
