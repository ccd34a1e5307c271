//! The rung *gate has power*: wrong versions of the new code in one build of the candidate's slot, and whether tests and
//! twins catch each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::passes::{self, Baseline};
use super::{Found, reaches};
use crate::effects::Cancel;
use crate::effects::files;
use crate::effects::process::{Command, Ended, Exit};
use crate::effects::slots::Arm;
use crate::jobs::stand::{Stand, Yard};
use crate::model::{Power, Problem, Rewrite, RungState};
use crate::verify::agree::{self, Home, Part, Shims};
use crate::verify::agreement::{self, Asked};
use crate::verify::change::Change;
use crate::verify::mutate::{self, Mutant, Mutants};
use crate::verify::power::{self, Fate, Runs};
use crate::verify::schemata::{self, Sheet};
use crate::verify::suite;

/// How often mutants that do not compile are left out, before the rest is given up.
const ROUNDS: usize = 10;
/// All mutants of a proposal together may run for so long.
const TIME: Duration = Duration::from_secs(10 * 60);
/// A mutant may take this much longer than the code, and this many times as long, until it counts as endless.
const PATIENCE: Duration = Duration::from_secs(10);
const TIMES: u32 = 3;
/// Address space of a mutant: one that fills a list without end stops there.
const MEMORY: u64 = 8 << 30;

/// Climbs the rung.
///
/// # Errors
/// No cargo; a slot that cannot be written.
pub fn climb(yard: &Yard, rewrite: &Rewrite) -> Result<(Found, Option<Power>), Problem> {
    let field = Field::new(yard, rewrite)?;
    let judged = |runs: &Runs| {
        let (state, detail, log, power) = power::judge(runs);
        (Found::new(state, detail).log(log), power)
    };
    let undecided = |why: String, log: String| (Found::new(RungState::Undecided, why).log(log), None);
    let mut runs = Runs { fates: Vec::new(), unviable: 0, late: 0, left_out: field.left_out() };
    if field.all().next().is_none() {
        return Ok(judged(&runs));
    }
    let planted = match field.plant()? {
        Ok(planted) => planted,
        Err(why) => return Ok(undecided(format!("the mutants do not compile here: {why}"), String::new())),
    };
    runs.unviable = planted.dead.len();
    let viable: Vec<&Mutant> = field.all().filter(|m| !planted.dead.contains(&m.number)).collect();
    let chosen = power::chosen(&viable);
    if chosen.is_empty() || yard.ear.cancel.is_cancelled() {
        return Ok(judged(&runs));
    }
    let trial = match Trial::new(&field, &planted, &chosen)? {
        Ok(trial) => trial,
        Err((why, log)) => return Ok(undecided(why, log)),
    };
    let began = Instant::now();
    for (i, mutant) in chosen.iter().enumerate() {
        if yard.ear.cancel.is_cancelled() {
            break;
        }
        if began.elapsed() > TIME {
            runs.late = chosen.len() - i;
            break;
        }
        yard.step(&format!("mutant {} of {}: {} in {}:{}", i + 1, chosen.len(), mutant.what, mutant.file, mutant.line));
        runs.fates.push((mutant, trial.fate(mutant)?));
    }
    Ok(judged(&runs))
}

/// One proposal's changes with what can be wrong in them.
struct Field<'a> {
    yard: &'a Yard<'a>,
    rewrite: &'a Rewrite,
    candidate: Stand,
    packages: Vec<String>,
    changes: Vec<(Change, Mutants)>,
    reshaped: BTreeSet<String>,
}

/// A build with mutants in it.
struct Planted {
    sheets: Vec<Sheet>,
    shims: Vec<Shims>,
    files: Vec<(String, String)>,
    /// Mutants that do not compile.
    dead: BTreeSet<usize>,
}

impl<'a> Field<'a> {
    fn new(yard: &'a Yard<'a>, rewrite: &'a Rewrite) -> Result<Field<'a>, Problem> {
        let edited = yard.edited(rewrite)?;
        let mut changes: Vec<(Change, Mutants)> = Vec::new();
        for (edits, (path, new)) in rewrite.edits.iter().zip(&edited) {
            let change = Change::new(edits, yard.texts.get(path).map_or("", String::as_str), new);
            let first = 1 + changes.iter().map(|(_, m)| m.all.len()).sum::<usize>();
            let mutants = mutate::mutants(&change, first);
            changes.push((change, mutants));
        }
        let candidate = yard.stand_beside(Arm::Candidate)?;
        let packages = yard.packages_of(&[rewrite])?;
        let reshaped = reaches::reshaped(yard, rewrite)?;
        Ok(Field { yard, rewrite, candidate, packages, changes, reshaped })
    }

    fn all(&self) -> impl Iterator<Item = &Mutant> {
        self.changes.iter().flat_map(|(_, m)| &m.all)
    }

    fn left_out(&self) -> Vec<String> {
        self.changes.iter().flat_map(|(_, m)| m.left_out.clone()).collect()
    }

    /// Leaves out what does not compile until the rest does.
    fn plant(&self) -> Result<Result<Planted, String>, Problem> {
        let yard = self.yard;
        let (mut dead, mut without): (BTreeSet<usize>, BTreeMap<usize, String>) = Default::default();
        let mut said = String::from("it was cancelled");
        for round in 0..ROUNDS {
            if yard.ear.cancel.is_cancelled() {
                break;
            }
            let planted = self.made(&dead, &without)?;
            self.candidate.put(yard, &planted.files)?;
            yard.step(&format!("cargo check with {} mutants", self.all().count() - dead.len()));
            let checked = yard.check(&self.candidate, &self.packages, None)?;
            if checked.ended.ok() {
                return Ok(Ok(planted));
            }
            let before = (dead.len(), without.len());
            let mut lost = false;
            for error in checked.diagnostics.iter().filter(|d| d.is_error() && !d.file.is_empty()) {
                said = error.line_for_people();
                let Some((sheet, shims)) = planted.at(&error.file) else { continue };
                let blamed = sheet.blame(error.range);
                lost |= blamed.mutants.is_empty();
                dead.extend(blamed.mutants);
                let numbers: Vec<usize> = shims.numbers.clone();
                let shimmed =
                    if blamed.shims { agree::standing_at(&sheet.text, &numbers, &[error.line]) } else { Vec::new() };
                without.extend(shimmed.into_iter().map(|n| (n, said.clone())));
            }
            if (dead.len(), without.len()) == before || (lost && round + 2 >= ROUNDS) {
                let shimmed: Vec<usize> = planted.shims.iter().flat_map(|s| s.numbers.clone()).collect();
                if shimmed.is_empty() {
                    return Ok(Err(said));
                }
                without.extend(shimmed.into_iter().map(|n| (n, said.clone())));
            }
        }
        Ok(Err(said))
    }

    fn made(&self, dead: &BTreeSet<usize>, without: &BTreeMap<usize, String>) -> Result<Planted, Problem> {
        let yard = self.yard;
        let root = yard.root_of(self.rewrite);
        let home = if root.is_some() { Home::InRoot } else { Home::InFile };
        let apart = root.is_none() && self.changes.len() > 1;
        let mut planted = Planted { sheets: Vec::new(), shims: Vec::new(), files: Vec::new(), dead: dead.clone() };
        let mut first_number = 0;
        for (change, mutants) in &self.changes {
            let part = Part { proposal: 0, change, first_number, reshaped: &self.reshaped };
            first_number += change.functions().0.len();
            let shims = match apart {
                true => Shims::default(),
                false => agree::shims(&[part], yard.effects(), home, without),
            };
            let alive: Vec<&Mutant> = mutants.all.iter().filter(|m| !dead.contains(&m.number)).collect();
            let functions = if alive.is_empty() { &[][..] } else { &mutants.functions };
            planted.sheets.push(schemata::sheet(&change.file, &change.new, &alive, functions, &shims, home));
            planted.shims.push(shims);
        }
        let heard = planted.shims.iter().any(|s| !s.numbers.is_empty());
        let with_runtimes = |path: &str, text: &str| -> Result<String, Problem> {
            let text = schemata::with_runtime(text);
            Ok(if heard { agree::with_runtime(&text, yard.knows_serde(path)?) } else { text })
        };
        for sheet in &planted.sheets {
            let holds = home == Home::InFile || root == Some(sheet.file.as_str());
            let text = if holds { with_runtimes(&sheet.file, &sheet.text)? } else { sheet.text.clone() };
            planted.files.push((sheet.file.clone(), text));
        }
        if let Some(root) = root.filter(|root| planted.files.iter().all(|(path, _)| path != root)) {
            let text = with_runtimes(root, yard.texts.get(root).map_or("", String::as_str))?;
            planted.files.push((root.to_owned(), text));
        }
        Ok(planted)
    }
}

impl Planted {
    fn at(&self, file: &str) -> Option<(&Sheet, &Shims)> {
        self.sheets.iter().zip(&self.shims).find(|(sheet, _)| sheet.file == file)
    }

    /// True if old and new differ on a call that was written down.
    fn differs(&self, agreed: &str) -> bool {
        let pairs = self.shims.iter().flat_map(|s| &s.pairs).collect();
        agreement::judge(&Asked { pairs, left_out: Vec::new() }, agreed, None).0 == RungState::Failed
    }
}

/// How the tests of a build are run with one mutant after the other.
struct Trial<'a> {
    field: &'a Field<'a>,
    planted: &'a Planted,
    baseline: Baseline,
    reached: BTreeMap<usize, BTreeSet<String>>,
    /// Names as libtest takes them: of tests that always pass, and of all.
    steady: BTreeSet<String>,
    all: BTreeSet<String>,
    /// True if tests can be chosen by their names.
    by_name: bool,
    compares: bool,
    /// Address space that the tests can do with, run as `by_name` says.
    memory: Option<u64>,
    /// Longest time of all tests, and of those chosen by name.
    limits: (Duration, Duration),
}

impl<'a> Trial<'a> {
    /// Builds, and runs the tests without any mutant; why nothing can be said, with the end of the output, where they do
    /// not pass like that.
    fn new(
        field: &'a Field<'a>,
        planted: &'a Planted,
        chosen: &[&Mutant],
    ) -> Result<Result<Trial<'a>, (String, String)>, Problem> {
        let yard = field.yard;
        let baseline = passes::baseline(yard, yard.stand_base()?, &field.packages)?;
        if let Some(built) = passes::build(yard, &field.candidate, &field.packages)?.filter(|b| !b.ok()) {
            return Ok(Err((String::from("the tests do not build with the mutants"), built.tail)));
        }
        let mut trial = Trial {
            field,
            planted,
            baseline,
            reached: BTreeMap::new(),
            steady: BTreeSet::new(),
            all: BTreeSet::new(),
            by_name: false,
            compares: planted.shims.iter().any(|s| !s.pairs.is_empty()),
            memory: None,
            limits: (Duration::MAX, Duration::MAX),
        };
        for compares in [trial.compares, false] {
            trial.compares = compares;
            let ended = trial.watch()?;
            let results = suite::read(&ended.out, ended.ok());
            let differs = compares && planted.differs(&trial.agreed());
            match trial.baseline.broken_by(&results) {
                None if !differs && !matches!(ended.exit, Exit::TimedOut | Exit::Cancelled) => {
                    trial.know(&results, ended.ms);
                    trial.by_name(chosen)?;
                    return Ok(Ok(trial));
                }
                // It may be the comparison that they do not bear.
                _ if compares && !yard.ear.cancel.is_cancelled() => {}
                why => {
                    let why = why.unwrap_or_else(|| ended.words());
                    return Ok(Err((format!("the tests do not bear the mutants' build: {why}"), ended.tail)));
                }
            }
        }
        Ok(Err((String::from("the tests do not bear the mutants' build"), String::new())))
    }

    /// The tests once without a mutant, with what they come by written down.
    fn watch(&mut self) -> Result<Ended, Problem> {
        let yard = self.field.yard;
        let (line, command) = passes::command(yard, &self.field.candidate, &self.field.packages);
        let path = yard.slots.dir().join("mutants");
        files::remove(&path);
        yard.step(&format!("{line} ({}, without a mutant)", self.field.rewrite.id));
        let command = self.heard(command).env(schemata::VARIABLE, path.to_string_lossy());
        let ended = command.run(&yard.ear.cancel, &mut |line| yard.log(line))?;
        self.reached = power::reached(&files::read_text(&path, "what tests come by").unwrap_or_default());
        Ok(ended)
    }

    fn know(&mut self, results: &suite::Results, ms: u64) {
        let steady = self.baseline.steady(results);
        let unsteady: BTreeSet<&str> =
            results.tests.keys().filter(|n| !steady.contains(*n)).map(|n| suite::short(n)).collect();
        let names = steady.iter().map(|n| suite::short(n));
        self.steady = names.filter(|n| !unsteady.contains(n)).map(String::from).collect();
        self.all = results.tests.keys().map(|n| suite::short(n).to_owned()).collect();
        self.limits.0 = PATIENCE + Duration::from_millis(ms) * TIMES;
    }

    /// Tries whether the tests that come by can be run alone, and within bounds of memory.
    fn by_name(&mut self, chosen: &[&Mutant]) -> Result<(), Problem> {
        let yard = self.field.yard;
        let own_command = passes::has_own_command(yard);
        let mut names: BTreeSet<String> = BTreeSet::new();
        for mutant in chosen {
            names.extend(self.tests_of(mutant).into_iter().flatten());
        }
        let named = !own_command && !names.is_empty() && names.len() <= power::NAMES;
        let names: Vec<String> = names.into_iter().collect();
        for (by_name, memory) in [(true, Some(MEMORY)), (true, None), (false, Some(MEMORY))] {
            if by_name && !named {
                continue;
            }
            (self.by_name, self.memory) = (by_name, memory);
            yard.step("the tests that come by, without a mutant");
            let ended = self.command(by_name.then_some(&names[..])).run(&yard.ear.cancel, &mut |l| yard.log(l))?;
            let passes = match by_name {
                true => ended.ok(),
                false => self.baseline.broken_by(&suite::read(&ended.out, ended.ok())).is_none(),
            };
            if passes {
                self.limits.1 = PATIENCE + Duration::from_millis(ended.ms) * TIMES;
                return Ok(());
            }
        }
        (self.by_name, self.memory) = (false, None);
        Ok(())
    }

    fn tests_of(&self, mutant: &Mutant) -> Option<Vec<String>> {
        power::tests_of(self.reached.get(&mutant.number)?, &self.steady, &self.all)
    }

    fn command(&self, names: Option<&[String]>) -> Command {
        let (yard, stand, packages) = (self.field.yard, &self.field.candidate, &self.field.packages);
        let command = match names {
            Some(names) => passes::by_name(stand, packages, names),
            None => passes::command(yard, stand, packages).1,
        };
        let command = self.heard(command);
        match self.memory.filter(|_| names.is_some() == self.by_name) {
            Some(bytes) => command.memory(bytes),
            None => command,
        }
    }

    fn heard(&self, command: Command) -> Command {
        if !self.compares {
            return command;
        }
        files::remove(&self.agreed_path());
        // Errors that carry a backtrace print the lines of old and new.
        let quiet = command.env("RUST_BACKTRACE", "0").env("RUST_LIB_BACKTRACE", "0");
        quiet.env(agree::VARIABLE, self.agreed_path().to_string_lossy())
    }

    fn agreed_path(&self) -> PathBuf {
        self.field.yard.slots.dir().join("agreed")
    }

    fn agreed(&self) -> String {
        files::read_text(&self.agreed_path(), "comparisons").unwrap_or_default()
    }

    /// Runs the tests that come by a mutant, until one fails.
    fn fate(&self, mutant: &Mutant) -> Result<Fate, Problem> {
        let yard = self.field.yard;
        if !self.reached.contains_key(&mutant.number) {
            return Ok(Fate::NotReached);
        }
        let names = if self.by_name { self.tests_of(mutant) } else { None };
        if names.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Fate::NotReached);
        }
        let command = self.command(names.as_deref()).env(schemata::VARIABLE, mutant.number.to_string());
        let stop: Cancel = yard.ear.cancel.part();
        let limit = if names.is_some() { self.limits.1 } else { self.limits.0 };
        let ended = command.limit(limit).run(&stop, &mut |line| {
            yard.log(line);
            if suite::failed(line).is_some_and(|name| self.steady.contains(&name)) {
                stop.cancel();
            }
        })?;
        let results = suite::read(&ended.out, ended.ok());
        let fails = match &names {
            Some(_) => !ended.ok(),
            None => self.baseline.broken_by(&results).is_some(),
        };
        Ok(match (fails || matches!(ended.exit, Exit::TimedOut | Exit::Cancelled), self.compares) {
            (true, _) => Fate::KilledByTests,
            (false, true) if self.planted.differs(&self.agreed()) => Fate::KilledByTwins,
            (false, _) => Fate::Survived,
        })
    }
}
