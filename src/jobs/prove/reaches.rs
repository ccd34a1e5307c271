//! The rungs *tests pass*, *tests reach it* and *twins agree* from one build in the candidate's slot: counters in the new
//! code, and old and new body of each touched function. The tests run once while the counters count, and those that come by
//! once more while old and new are compared.

use std::collections::{BTreeMap, BTreeSet};

use super::{Climb, Found, Tests, by_workload, passes};
use crate::effects::files;
use crate::effects::process::{Command, Ended, Exit};
use crate::jobs::stand::Yard;
use crate::model::{EditSet, Problem, Rewrite, RungState};
use crate::verify::agree::{self, Home, LeftOut, Pair, Part, Shims};
use crate::verify::agreement::{self, Asked};
use crate::verify::change::Change;
use crate::verify::hits::{self, Site};
use crate::verify::power::NAMES;
use crate::verify::twin::PER_PROPOSAL;
use crate::verify::{power, suite, tests};

/// Functions whose old body does not compile beside the new one are left out this often, before all are.
const TRIES: usize = 3;

/// What one run says of one proposal.
#[derive(Clone)]
pub struct Reached {
    /// The rung *tests reach it*.
    pub hits: Found,
    /// The rung *twins agree*.
    pub twins: Found,
    /// What the comparisons on the calls of the tests wrote.
    compared: String,
}

impl Reached {
    /// The counters themselves are at fault.
    fn unheard(why: &str, tail: &str) -> Reached {
        let hits = Found::new(RungState::Undecided, why).log(tail);
        Reached { hits, twins: Found::new(RungState::Undecided, why), compared: String::new() }
    }
}

/// What is left to do for *tests reach it* and *twins agree* once *tests pass* is known.
pub struct Begun {
    /// True if the tests ran with counters in the code.
    pub is_counted: bool,
    next: Next,
}

enum Next {
    /// Counters and comparisons are built and run together.
    Build,
    /// They stand in the slot, and the counters have run.
    Compare(Box<Made>, Ran),
    /// They do not build.
    Unheard(&'static str, String),
    /// Nobody asked for them.
    Nothing,
}

/// Climbs *tests pass* for what stands in `whole`: in the build that counts and compares, while the comparisons rest, so that
/// the tests see the new code alone. What does not pass there is asked again of the code as it is.
///
/// # Errors
/// No cargo; a slot that cannot be written.
pub fn begin(whole: &Climb, members: &[&Rewrite], tests: Tests) -> Result<(Found, Begun), Problem> {
    let then = |next: Next| Begun { is_counted: false, next };
    let known = match tests {
        Tests::Counted => passes::unpinned(whole),
        Tests::Plain => Some(passes::climb(whole)?),
        Tests::PlainAlone => return Ok((passes::climb(whole)?, then(Next::Nothing))),
    };
    if let Some(known) = known {
        return Ok((known, then(Next::Build)));
    }
    let next = match planted(whole, members, Heard::Hits)? {
        Planted::Built(made, ran) => {
            let found = passes::judged_by_base(whole, &ran.ended)?;
            if found.state == RungState::Passed {
                let detail = format!("{}, with counters in the code", found.detail);
                let begun = Begun { is_counted: true, next: Next::Compare(Box::new(made), ran) };
                return Ok((Found { detail, ..found }, begun));
            }
            if ran.ended.exit == Exit::TimedOut {
                return Ok((found, then(Next::Nothing)));
            }
            Next::Build
        }
        Planted::Nothing(_) => Next::Build,
        Planted::Unheard(why, tail) => Next::Unheard(why, tail),
    };
    if whole.yard.ear.cancel.is_cancelled() {
        return Ok((Found::skipped("cancelled"), then(Next::Nothing)));
    }
    whole.candidate.put(whole.yard, &whole.yard.edited(whole.rewrite)?)?;
    Ok((passes::climb(whole)?, then(next)))
}

/// Climbs both rungs for one that did not come through among others.
///
/// # Errors
/// As [`begin`].
pub fn alone(climb: &Climb) -> Result<Reached, Problem> {
    let found = Begun { is_counted: false, next: Next::Build }.finish(climb, &[climb.rewrite])?;
    Ok(found.into_iter().next().unwrap_or_else(|| Reached::unheard("there is nothing to count", "")))
}

impl Begun {
    /// Climbs both rungs for proposals that stand together in `whole`, judged apart.
    ///
    /// # Errors
    /// As [`begin`].
    pub fn finish(self, whole: &Climb, members: &[&Rewrite]) -> Result<Vec<Reached>, Problem> {
        let unheard = |why: &str, tail: &str| members.iter().map(|_| Reached::unheard(why, tail)).collect();
        let (made, ran, compared) = match self.next {
            Next::Nothing => return Ok(Vec::new()),
            Next::Unheard(why, tail) => return Ok(unheard(why, &tail)),
            Next::Compare(made, ran) => {
                let compared = compared(whole, &made, &ran)?;
                (*made, ran, compared)
            }
            Next::Build => match planted(whole, members, Heard::Both)? {
                Planted::Nothing(made) => return Ok(made.judged(members.len(), "", "")),
                Planted::Unheard(why, tail) => return Ok(unheard(why, &tail)),
                Planted::Built(made, mut ran) => {
                    let compared = std::mem::take(&mut ran.agreed);
                    (made, ran, compared)
                }
            },
        };
        if let Some(why) = ran.failure() {
            return Ok(unheard(why, &ran.ended.tail));
        }
        let mut all = made.judged(members.len(), &ran.hits, &compared);
        by_full_tests(whole, &made, &mut all)?;
        by_workload(whole, &made, &mut all)?;
        Ok(all)
    }
}

/// A build with counters and both bodies.
enum Planted {
    /// It was built, and run once.
    Built(Made, Ran),
    /// No code that could be counted changes.
    Nothing(Made),
    /// It does not compile: why, and the end of the output.
    Unheard(&'static str, String),
}

/// Builds it in the slot and runs the tests; functions in which the compiler finds errors are left out of the comparison.
fn planted(whole: &Climb, members: &[&Rewrite], heard: Heard) -> Result<Planted, Problem> {
    let yard = whole.yard;
    let mut without = BTreeMap::new();
    let mut tail = String::new();
    for attempt in 0..=TRIES {
        let made = make(whole, members, &without)?;
        if made.sites.is_empty() {
            return Ok(Planted::Nothing(made));
        }
        whole.candidate.put(yard, &made.files)?;
        let built = passes::build(yard, whole.candidate, &yard.packages_of(&[whole.rewrite])?)?;
        let built = match built.filter(|b| b.out.contains(NOT_COMPILED)) {
            Some(built) => built,
            // A command of the project builds for itself.
            None => match run(whole, &quick(whole)?, heard)? {
                ran if !ran.ended.out.contains(NOT_COMPILED) || !ran.hits.is_empty() => {
                    return Ok(Planted::Built(made, ran));
                }
                ran => ran.ended,
            },
        };
        if made.numbers().is_empty() || yard.ear.cancel.is_cancelled() {
            return Ok(Planted::Unheard(UNCOUNTABLE, built.tail));
        }
        let said = built.out.lines().find(|l| l.starts_with("error")).unwrap_or("the build fails");
        let why = format!("does not compile with both bodies: {said}");
        let offending = made.offending(&built.out);
        let all = offending.is_empty() || attempt + 1 >= TRIES;
        let left = if all { made.numbers() } else { offending };
        without.extend(left.into_iter().map(|n| (n, why.clone())));
        tail = built.tail;
    }
    Ok(Planted::Unheard(UNCOUNTABLE, tail))
}

/// Both bodies on the calls of the tests that come by, as the counters told; what these comparisons wrote.
fn compared(whole: &Climb, made: &Made, ran: &Ran) -> Result<String, Problem> {
    let threads = hits::threads(&ran.hits);
    let compares = made.shims.iter().any(|s| !s.pairs.is_empty());
    if !compares || threads.is_empty() || whole.yard.ear.cancel.is_cancelled() {
        return Ok(String::new());
    }
    let results = suite::read(&ran.ended.out, ran.ended.ok());
    let all: BTreeSet<String> = results.tests.keys().map(|n| suite::short(n).to_owned()).collect();
    let named = power::tests_of(&threads, &all, &all).filter(|names| names.len() <= NAMES);
    let command = match named {
        Some(names) if !passes::has_own_command(whole.yard) => {
            let packages = whole.yard.packages_of(&[whole.rewrite])?;
            let line = format!("{} that come by", tests(names.len()));
            (line, passes::by_name(whole.candidate, &packages, &names))
        }
        _ => quick(whole)?,
    };
    // The tests that have run may have written over it.
    whole.candidate.put(whole.yard, &made.files)?;
    Ok(run(whole, &command, Heard::Comparisons)?.agreed)
}

/// What the quick tests leave out the full ones may execute; then they have to pass, too.
fn by_full_tests(whole: &Climb, made: &Made, all: &mut [Reached]) -> Result<(), Problem> {
    let yard = whole.yard;
    let untested = |f: &Found| f.state == RungState::Untested;
    let Some(command) = passes::full(yard, whole.candidate) else { return Ok(()) };
    if !all.iter().any(|r| untested(&r.hits)) || yard.ear.cancel.is_cancelled() {
        return Ok(());
    }
    let mut full = run(whole, &command, Heard::Both)?;
    let agreed = std::mem::take(&mut full.agreed);
    let broken_by = |ended: &Ended| if ended.ok() { Ok(None) } else { passes::broken_by(yard, &ended.out, false) };
    let mut broken = broken_by(&full.ended)?;
    if broken.is_some() && !agreed.is_empty() {
        // It may be the comparison that they do not bear.
        full = run(whole, &command, Heard::Hits)?;
        broken = broken_by(&full.ended)?;
    }
    let members = all.len();
    for (reached, by_full) in all.iter_mut().zip(made.judged(members, &full.hits, &agreed)) {
        if !untested(&reached.hits) || untested(&by_full.hits) {
            continue;
        }
        (reached.twins, reached.compared) = (by_full.twins, by_full.compared);
        reached.hits = match &broken {
            // One of several may have broken it: each is to be asked alone.
            Some(_) if members > 1 => Found::new(RungState::Undecided, UNCOUNTABLE),
            Some(broken) => Found::new(RungState::Failed, format!("`{}`: {}", command.0, broken.detail)),
            None => {
                Found { detail: format!("{} (`{}`, which passes)", by_full.hits.detail, command.0), ..by_full.hits }
            }
        };
    }
    Ok(())
}

/// The calls of the workload are compared, too, where those of the tests refute nothing.
fn by_workload(whole: &Climb, made: &Made, all: &mut [Reached]) -> Result<(), Problem> {
    let (yard, pairs) = (whole.yard, made.shims.iter().any(|s| !s.pairs.is_empty()));
    let Some(workload) = yard.workload().filter(|_| whole.exercises && pairs).cloned() else { return Ok(()) };
    let is_refuted = |r: &Reached| r.twins.state == RungState::Failed || r.hits.state == RungState::Failed;
    if yard.ear.cancel.is_cancelled() || all.iter().all(is_refuted) {
        return Ok(());
    }
    let found = by_workload::compare(whole, &made.files, &workload)?;
    if yard.ear.cancel.is_cancelled() {
        return Ok(());
    }
    for (i, reached) in all.iter_mut().enumerate().filter(|(_, r)| !is_refuted(r)) {
        let asked = made.asked(i);
        if asked.pairs.is_empty() {
            continue;
        }
        let workload = found.as_ref().map(String::as_str).map_err(String::as_str);
        let (state, detail, log) = agreement::judge(&asked, &reached.compared, Some(workload));
        reached.twins = Found::new(state, detail).log(log);
    }
    Ok(())
}

/// The files of a counting build.
struct Made {
    files: Vec<(String, String)>,
    sites: Vec<Site>,
    shims: Vec<Shims>,
    prefix: String,
}

impl Made {
    fn numbers(&self) -> Vec<usize> {
        self.shims.iter().flat_map(|s| s.numbers.iter().copied()).collect()
    }

    /// The functions in which the compiler found errors.
    fn offending(&self, errors: &str) -> Vec<usize> {
        let places = agreement::error_places(errors);
        let of = |(path, text): &(String, String)| {
            let here = places.iter().filter(|(file, _)| *path == format!("{}{file}", self.prefix));
            let lines: Vec<u32> = here.map(|(_, line)| *line).collect();
            agree::standing_at(text, &self.numbers(), &lines)
        };
        self.files.iter().flat_map(of).collect()
    }

    fn judged(&self, members: usize, hits: &str, agreed: &str) -> Vec<Reached> {
        let one = |i: usize| {
            let sites: Vec<Site> = self.sites.iter().filter(|s| s.part == i).cloned().collect();
            let (state, detail, log) = hits::judge(&sites, hits);
            let hits = Found::new(state, detail).log(log);
            let (state, detail, log) = agreement::judge(&self.asked(i), agreed, None);
            Reached { hits, twins: Found::new(state, detail).log(log), compared: agreed.to_owned() }
        };
        (0..members).map(one).collect()
    }

    /// The functions of one proposal.
    fn asked(&self, i: usize) -> Asked<'_> {
        let pairs = |p: &&Pair| p.number / PER_PROPOSAL == i;
        let left_out = |l: &&LeftOut| l.proposal == i;
        Asked {
            pairs: self.shims.iter().flat_map(|s| &s.pairs).filter(pairs).collect(),
            left_out: self.shims.iter().flat_map(|s| &s.left_out).filter(left_out).collect(),
        }
    }
}

fn make(whole: &Climb, members: &[&Rewrite], without: &BTreeMap<usize, String>) -> Result<Made, Problem> {
    let yard = whole.yard;
    let edited = yard.edited(whole.rewrite)?;
    let root = yard.root_of(whole.rewrite);
    let home = if root.is_some() { Home::InRoot } else { Home::InFile };
    let prefix = whole.candidate.cargo.prefix.clone();
    let mut made = Made { files: Vec::new(), sites: Vec::new(), shims: Vec::new(), prefix };
    let mut numbered = vec![0; members.len()];
    let reshaped = members.iter().map(|m| reshaped(yard, m)).collect::<Result<Vec<_>, _>>()?;
    let apart = root.is_none() && edited.len() > 1;
    let mut all: Vec<(Vec<(usize, Change)>, Shims)> = Vec::new();
    for (edits, (path, new)) in whole.rewrite.edits.iter().zip(&edited) {
        let old = yard.texts.get(path).map_or("", String::as_str);
        let change = Change::new(edits, old, new);
        let own = |m: &&Rewrite| m.edits.iter().find(|e| e.file() == path).map(|e| change.part(e));
        let parts: Vec<(usize, Change)> = members.iter().enumerate().filter_map(|(i, m)| Some((i, own(m)?))).collect();
        let asked: Vec<Part> = parts
            .iter()
            .map(|(i, change)| Part {
                proposal: *i,
                change,
                first_number: i * PER_PROPOSAL + numbered[*i],
                reshaped: &reshaped[*i],
            })
            .collect();
        let mut shims = agree::shims(&asked, yard.effects(), home, without);
        for (i, change) in &parts {
            numbered[*i] += change.functions().0.len();
        }
        if apart {
            let why = String::from("its files belong to no single crate, so that old and new cannot choose together");
            shims = Shims { left_out: vec![LeftOut { proposal: parts[0].0, reason: why }], ..Shims::default() };
        }
        all.push((parts, shims));
    }
    let any = all.iter().any(|(_, shims)| !shims.numbers.is_empty());
    for ((path, new), (parts, shims)) in edited.iter().zip(all) {
        let heard = if root.is_some() { any } else { !shims.numbers.is_empty() };
        let changes: Vec<Change> = parts.iter().map(|(_, c)| c.clone()).collect();
        let counted = match changes.is_empty() {
            true => hits::Counted { text: new.clone(), sites: Vec::new() },
            false => hits::count_among(&changes, made.sites.len(), &shims, heard.then_some(home)),
        };
        made.sites.extend(counted.sites.into_iter().map(|s| Site { part: parts[s.part].0, ..s }));
        let holds_runtime = heard && (home == Home::InFile || root == Some(path.as_str()));
        let text =
            if holds_runtime { agree::with_runtime(&counted.text, yard.knows_serde(path)?) } else { counted.text };
        made.files.push((path.clone(), text));
        made.shims.push(shims);
    }
    if let Some(root) = root.filter(|root| any && made.files.iter().all(|(path, _)| path != root)) {
        let text = yard.texts.get(root).map_or("", String::as_str);
        made.files.push((root.to_owned(), agree::with_runtime(text, yard.knows_serde(root)?)));
    }
    Ok(made)
}

/// Structs of which a proposal changes the fields.
pub(super) fn reshaped(yard: &Yard, rewrite: &Rewrite) -> Result<BTreeSet<String>, Problem> {
    let edited = yard.edited(rewrite)?;
    let of = |(edits, (path, new)): (&EditSet, &(String, String))| {
        Change::new(edits, yard.texts.get(path).map_or("", String::as_str), new).reshaped()
    };
    Ok(rewrite.edits.iter().zip(&edited).flat_map(of).collect())
}

/// What of a build is switched on while it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heard {
    Hits,
    Comparisons,
    Both,
}

/// What one run came to.
struct Ran {
    hits: String,
    agreed: String,
    ended: Ended,
}

impl Ran {
    /// Why the counters tell nothing. They outlive the process that made them: what a run that was cut short did count is
    /// counted.
    fn failure(&self) -> Option<&'static str> {
        let is_late = self.hits.is_empty() && self.ended.exit == Exit::TimedOut;
        is_late.then_some("the counting run did not end within its time limit")
    }
}

fn quick(whole: &Climb) -> Result<(String, Command), Problem> {
    let packages = whole.yard.packages_of(&[whole.rewrite])?;
    Ok(passes::command(whole.yard, whole.candidate, &packages))
}

fn run(whole: &Climb, (line, command): &(String, Command), heard: Heard) -> Result<Ran, Problem> {
    let yard = whole.yard;
    let (log, agreed) = (yard.slots.dir().join("hits"), yard.slots.dir().join("agreed"));
    files::remove(&log);
    files::remove(&agreed);
    let doing = match heard {
        Heard::Hits => "counting",
        Heard::Comparisons => "comparing",
        Heard::Both => "counting and comparing",
    };
    yard.step(&format!("{line} ({}, {doing})", whole.rewrite.id));
    let mut command = command.clone();
    if matches!(heard, Heard::Hits | Heard::Both) {
        command = command.env(hits::VARIABLE, log.to_string_lossy());
    }
    if matches!(heard, Heard::Comparisons | Heard::Both) {
        // Errors that carry a backtrace print the lines of old and new.
        let quiet = command.env("RUST_BACKTRACE", "0").env("RUST_LIB_BACKTRACE", "0");
        command = quiet.env(agree::VARIABLE, agreed.to_string_lossy());
    }
    if let Some(limit) = whole.baseline.limit() {
        // Comparing takes no longer than the rest.
        command = command.limit(limit * if heard == Heard::Hits { 1 } else { 2 });
    }
    let ended = command.run(&yard.ear.cancel, &mut |line| yard.log(line))?;
    let hits = files::read_text(&log, "hits").unwrap_or_default();
    let agreed = files::read_text(&agreed, "comparisons").unwrap_or_default();
    Ok(Ran { hits, agreed, ended })
}

/// What cargo says where something does not compile.
const NOT_COMPILED: &str = "could not compile";

/// What is said where the counters are at fault.
pub const UNCOUNTABLE: &str = "the counters do not compile here";
