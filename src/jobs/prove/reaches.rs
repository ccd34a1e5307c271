//! The rungs *tests reach it* and *twins agree*: counters in the new code, and old and new body of each touched function on
//! the same calls, in one build in the candidate's slot and one run of its tests.

use std::collections::{BTreeMap, BTreeSet};

use super::{Climb, Found, by_workload};
use crate::effects::files;
use crate::effects::process::{Command, Exit};
use crate::jobs::stand::Yard;
use crate::model::{EditSet, Problem, Rewrite, RungState};
use crate::verify::agree::{self, Home, LeftOut, Pair, Part, Shims};
use crate::verify::agreement::{self, Asked};
use crate::verify::change::Change;
use crate::verify::hits::{self, Site};
use crate::verify::twin::PER_PROPOSAL;

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

/// Climbs both rungs.
pub fn climb(climb: &Climb) -> Result<Reached, Problem> {
    let found = climb_all(climb, &[climb.rewrite])?;
    Ok(found.into_iter().next().unwrap_or_else(|| Reached::unheard("there is nothing to count", "")))
}

/// As [`climb`] for proposals that stand together in `whole`, counted in one run and judged apart.
pub fn climb_all(whole: &Climb, members: &[&Rewrite]) -> Result<Vec<Reached>, Problem> {
    let mut without = BTreeMap::new();
    for attempt in 0..=TRIES {
        let made = make(whole, members, &without)?;
        if made.sites.is_empty() {
            return Ok(made.judged(members.len(), "", ""));
        }
        whole.candidate.put(whole.yard, &made.files)?;
        let quick = run(whole, &quick(whole)?)?;
        let offending = made.offending(&quick.errors);
        if quick.failure == Some(UNCOUNTABLE) && !made.numbers().is_empty() && !whole.yard.ear.cancel.is_cancelled() {
            let said = quick.errors.lines().find(|l| l.starts_with("error")).unwrap_or("the build fails");
            let why = format!("does not compile with both bodies: {said}");
            let all = offending.is_empty() || attempt + 1 >= TRIES;
            let left = if all { made.numbers() } else { offending };
            without.extend(left.into_iter().map(|n| (n, why.clone())));
            continue;
        }
        if let Some(why) = quick.failure {
            return Ok(members.iter().map(|_| Reached::unheard(why, &quick.tail)).collect());
        }
        let mut all = made.judged(members.len(), &quick.hits, &quick.agreed);
        by_full_tests(whole, &made, &mut all)?;
        by_workload(whole, &made, &mut all)?;
        return Ok(all);
    }
    Ok(members.iter().map(|_| Reached::unheard(UNCOUNTABLE, "")).collect())
}

/// What the quick tests leave out the full ones may execute; then they have to pass, too.
fn by_full_tests(whole: &Climb, made: &Made, all: &mut [Reached]) -> Result<(), Problem> {
    let yard = whole.yard;
    let untested = |f: &Found| f.state == RungState::Untested;
    let Some(command) = super::passes::full(yard, whole.candidate) else { return Ok(()) };
    if !all.iter().any(|r| untested(&r.hits)) || yard.ear.cancel.is_cancelled() {
        return Ok(());
    }
    let mut full = run(whole, &command)?;
    let agreed = std::mem::take(&mut full.agreed);
    let mut broken = if full.ok { None } else { super::passes::broken_by(yard, &full.out, false)? };
    if broken.is_some() && !agreed.is_empty() {
        // It may be the comparison that they do not bear.
        let plain = run_with(whole, &command, false)?;
        broken = if plain.ok { None } else { super::passes::broken_by(yard, &plain.out, false)? };
        full = plain;
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
        let text = if holds_runtime { agree::with_runtime(&counted.text) } else { counted.text };
        made.files.push((path.clone(), text));
        made.shims.push(shims);
    }
    if let Some(root) = root.filter(|root| any && made.files.iter().all(|(path, _)| path != root)) {
        let text = yard.texts.get(root).map_or("", String::as_str);
        made.files.push((root.to_owned(), agree::with_runtime(text)));
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

/// What one counting run came to.
struct Ran {
    hits: String,
    agreed: String,
    out: String,
    tail: String,
    /// What the build said, where it failed.
    errors: String,
    ok: bool,
    failure: Option<&'static str>,
}

fn quick(whole: &Climb) -> Result<(String, Command), Problem> {
    let packages = whole.yard.packages_of(&[whole.rewrite])?;
    Ok(super::passes::command(whole.yard, whole.candidate, &packages))
}

fn run(whole: &Climb, command: &(String, Command)) -> Result<Ran, Problem> {
    run_with(whole, command, true)
}

fn run_with(whole: &Climb, (line, command): &(String, Command), compares: bool) -> Result<Ran, Problem> {
    let yard = whole.yard;
    let (log, agreed) = (yard.slots.dir().join("hits"), yard.slots.dir().join("agreed"));
    files::remove(&log);
    files::remove(&agreed);
    let built = super::passes::build(yard, whole.candidate, &yard.packages_of(&[whole.rewrite])?)?;
    if let Some(built) = built.filter(|b| b.out.contains("could not compile")) {
        let (hits, agreed, out) = (String::new(), String::new(), String::new());
        return Ok(Ran {
            hits,
            agreed,
            out,
            tail: built.tail,
            errors: built.out,
            ok: false,
            failure: Some(UNCOUNTABLE),
        });
    }
    yard.step(&format!("{line} ({}, counting and comparing)", whole.rewrite.id));
    let mut command = command.clone().env(hits::VARIABLE, log.to_string_lossy());
    if compares {
        // Errors that carry a backtrace print the lines of old and new.
        let quiet = command.env("RUST_BACKTRACE", "0").env("RUST_LIB_BACKTRACE", "0");
        command = quiet.env(agree::VARIABLE, agreed.to_string_lossy());
    }
    let ended = command.run(&yard.ear.cancel, &mut |line| yard.log(line))?;
    let hits = files::read_text(&log, "hits").unwrap_or_default();
    let agreed = files::read_text(&agreed, "comparisons").unwrap_or_default();
    // Counters outlive the process that made them: what a run that was cut short did count is counted.
    let failure = match hits.is_empty() {
        true if ended.exit == Exit::TimedOut => Some("the counting run did not end within its time limit"),
        true if ended.out.contains("could not compile") => Some(UNCOUNTABLE),
        _ => None,
    };
    let errors = if failure == Some(UNCOUNTABLE) { ended.out.clone() } else { String::new() };
    Ok(Ran { hits, agreed, ok: ended.ok(), errors, out: ended.out, tail: ended.tail, failure })
}

/// What is said where the counters are at fault.
pub const UNCOUNTABLE: &str = "the counters do not compile here";
