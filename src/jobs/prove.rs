//! Proposals in, verdicts out: the ladder climbed in scratch slots.

mod asked;
mod batch;
mod by_workload;
mod codegen;
mod compiles;
mod faster;
mod feature_sets;
mod forms;
mod kept;
mod nextest;
mod nothing_worse;
mod passes;
mod power;
mod properties;
mod reaches;
mod settle;
mod together_faster;

use std::time::Instant;

pub(super) use self::batch::join;
use self::compiles::Answered;
pub(super) use self::nothing_worse::{bench, sections, simulated, spent_by_base};
use self::passes::Baseline;
use self::reaches::Begun;
pub use self::settle::{Said, Settled, settle};
use super::stand::{self, Stand, Yard};
use super::{Ear, Workspace};
use crate::effects::evidence;
use crate::effects::slots::Arm;
use crate::model::{Evidence, Measurement, Problem, Progress, Rewrite, RewriteId, Rung, RungState, Verdict};

/// How far and how long to prove.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProveOptions {
    /// Stop after the tests; do not measure.
    pub no_measurement: bool,
    /// Take nothing from the evidence cache.
    pub fresh: bool,
    /// Ask, too, how many wrong versions of the new code the gate catches.
    pub power: bool,
    /// Call old and new on made inputs, too.
    pub properties: bool,
    /// Compare the machine code of old and new, too; what is found to be faster is compared without being asked.
    pub codegen: bool,
    /// Compare what base and candidate spend on the workload, too: memory, binary, start, p50.
    pub nothing_worse: bool,
    /// What the tests run on.
    pub tests: Tests,
}

/// What the tests of the candidate run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tests {
    /// One build that counts, too, and holds the old bodies for the comparison, which rest until it is their turn. What
    /// fails in it is asked again of the code as it is.
    #[default]
    Counted,
    /// The code as it would land, and the build that counts and compares after it.
    Plain,
    /// The code as it would land, and nothing else.
    PlainAlone,
}

impl ProveOptions {
    /// Every rung there is, for a proposal that a person cares about.
    pub fn whole() -> ProveOptions {
        ProveOptions { power: true, properties: true, codegen: true, nothing_worse: true, ..ProveOptions::default() }
    }

    /// Everything that is always climbed, and one rung that is climbed only where it is asked for.
    pub fn asking(rung: Rung) -> ProveOptions {
        let is = |wanted: Rung| rung == wanted;
        let (power, properties) = (is(Rung::GateHasPower), is(Rung::PropertiesAgree));
        let nothing_worse = is(Rung::NothingWorse);
        ProveOptions { power, properties, codegen: is(Rung::Codegen), nothing_worse, ..ProveOptions::default() }
    }

    /// True if a rung that is not always climbed is asked for, or may turn out to be needed.
    fn may_ask(&self, rung: Rung) -> bool {
        self.asks(rung) || (rung == Rung::Codegen && !self.no_measurement)
    }

    /// True if a rung that is not always climbed is asked for.
    pub fn asks(&self, rung: Rung) -> bool {
        match rung {
            Rung::GateHasPower => self.power,
            Rung::PropertiesAgree => self.properties,
            Rung::Codegen => self.codegen,
            Rung::NothingWorse => self.nothing_worse,
            _ => false,
        }
    }
}

/// Climbs the ladder for each proposal on the base tree, in order; tells estimate, steps, log lines and rungs.
///
/// After a cancellation the verdicts made so far are returned, the interrupted one with its rungs skipped.
///
/// # Errors
/// What keeps any proof from starting (no cargo, a base that does not build, commands nobody agreed to, another
/// instance at work); a refuted proposal is no error.
pub fn prove(
    workspace: &Workspace,
    rewrites: &[Rewrite],
    options: &ProveOptions,
    ear: &Ear,
) -> Result<Vec<Verdict>, Problem> {
    prove_among(workspace, rewrites, &[], options, ear)
}

/// As [`prove`]; where the compiler has to answer type questions for these, it answers those of `others` in the same run, so
/// that they need not be asked when these are proved.
///
/// # Errors
/// As [`prove`].
pub fn prove_among(
    workspace: &Workspace,
    rewrites: &[Rewrite],
    others: &[Rewrite],
    options: &ProveOptions,
    ear: &Ear,
) -> Result<Vec<Verdict>, Problem> {
    let key = stand::key(workspace, !options.no_measurement, ear)?;
    let base = workspace.base()?;
    let known = |r: &Rewrite| if options.fresh { None } else { evidence::load(&base.tree, &r.id, Some(&key)) };
    let mut verdicts: Vec<Option<Verdict>> = rewrites.iter().map(known).collect();
    for verdict in verdicts.iter().flatten() {
        tell_rungs(ear, verdict);
    }
    let open: Vec<&Rewrite> = rewrites.iter().zip(&verdicts).filter(|(_, v)| v.is_none()).map(|(r, _)| r).collect();
    let lacks = |v: &Option<Verdict>| v.as_ref().is_some_and(|v| !asked::lacking(v, options).is_empty());
    if open.is_empty() && !verdicts.iter().any(lacks) {
        return Ok(verdicts.into_iter().flatten().collect());
    }
    let yard = Yard::open(workspace, base, ear)?;
    let waiting = |rung: Rung| match rung.is_on_demand() {
        true => verdicts
            .iter()
            .filter(|v| v.as_ref().map_or(options.may_ask(rung), |v| asked::lacking(v, options).contains(&rung)))
            .count(),
        false => open.len(),
    };
    ear.tell(Progress::Estimate(yard.estimate(|rung| waiting(rung) as u64)));
    if !open.is_empty() {
        let mut fresh = climb_all(&yard, &open, others, options, &key)?.into_iter();
        for verdict in verdicts.iter_mut().filter(|v| v.is_none()) {
            *verdict = fresh.next();
        }
    }
    asked::add(&yard, rewrites, &mut verdicts, options, &key)?;
    Ok(verdicts.into_iter().flatten().collect())
}

/// Prepares the slots (checkout, dependencies, baseline tests) so that the first proof starts warm.
///
/// # Errors
/// As [`prove`].
pub fn warm(workspace: &Workspace, ear: &Ear) -> Result<(), Problem> {
    let yard = Yard::open(workspace, workspace.base()?, ear)?;
    let (_, candidate, _) = ground(&yard, &[])?;
    yard.step("checking the candidate's slot");
    candidate.put(&yard, &[])?;
    yard.check(&candidate, &[], None)?;
    faster::warm(&yard)
}

fn tell_rungs(ear: &Ear, verdict: &Verdict) {
    for rung in verdict.evidence() {
        ear.tell(Progress::Rung(verdict.rewrite().clone(), rung.clone()));
    }
}

/// Base checked and tested, the candidate's slot made beside it.
fn ground(yard: &Yard, packages: &[String]) -> Result<(Baseline, Stand, compiles::BaseCheck), Problem> {
    let base = yard.stand_base()?;
    let checked = compiles::check_base(yard, base, packages)?;
    feature_sets::check_base(yard, base, packages)?;
    let baseline = passes::baseline(yard, base, packages)?;
    let candidate = yard.stand_beside(Arm::Candidate)?;
    Ok((baseline, candidate, checked))
}

fn climb_all(
    yard: &Yard,
    rewrites: &[&Rewrite],
    others: &[Rewrite],
    options: &ProveOptions,
    key: &str,
) -> Result<Vec<Verdict>, Problem> {
    let packages = yard.packages_of(rewrites)?;
    let (baseline, candidate, checked) = ground(yard, &packages)?;
    if yard.ear.cancel.is_cancelled() {
        return Ok(Vec::new());
    }
    let answered = compiles::ask_among(yard, &candidate, rewrites, others, &packages)?;
    let climb = |i: usize| Climb {
        yard,
        rewrite: rewrites[i],
        answers: &answered[i],
        baseline: &baseline,
        base: &checked,
        candidate: &candidate,
        packages: &packages,
        exercises: !options.no_measurement,
    };
    let mut verdicts: Vec<Option<Verdict>> = rewrites.iter().map(|_| None).collect();
    for group in batch::groups(yard, rewrites) {
        if yard.ear.cancel.is_cancelled() {
            break;
        }
        let members: Vec<Climb> = group.iter().map(|i| climb(*i)).collect();
        for (i, verdict) in group.iter().zip(batch::climb(&members, options)?) {
            // What is the machine's fault is not kept.
            let is_known = baseline.is_sure() && !verdict.evidence().iter().any(compiles::is_at_fault);
            if !yard.ear.cancel.is_cancelled() && is_known {
                evidence::save(&yard.base.tree, key, &verdict, rewrites[*i].kind.is_neutral())?;
            }
            verdicts[*i] = Some(verdict);
        }
    }
    Ok(verdicts.into_iter().flatten().collect())
}

/// One proposal on its way up.
#[derive(Clone, Copy)]
struct Climb<'a> {
    yard: &'a Yard<'a>,
    rewrite: &'a Rewrite,
    answers: &'a Answered,
    baseline: &'a Baseline,
    base: &'a compiles::BaseCheck,
    candidate: &'a Stand,
    packages: &'a [String],
    /// True if the workload is run, too.
    exercises: bool,
}

impl Climb<'_> {
    fn run(&self, options: &ProveOptions) -> Result<Verdict, Problem> {
        let mut evidence: Vec<Evidence> = Vec::new();
        let mut measurement = None;
        // One build tells of three rungs.
        let mut begun: Option<Begun> = None;
        let mut twins: Option<Found> = None;
        let mut is_counted = false;
        let mut tree = String::new();
        for rung in Rung::ALL.iter().filter(|r| !r.is_on_demand()) {
            let began = Instant::now();
            let failed = evidence.iter().any(|e| e.state == RungState::Failed);
            let mut step = match (failed || self.yard.ear.cancel.is_cancelled(), rung) {
                (true, _) => Found::skipped(if failed { "an earlier rung failed" } else { "cancelled" }),
                (_, Rung::Compiles) => compiles::climb(self, &mut tree)?,
                (_, Rung::TestsPass) => {
                    let (tests, rest) = reaches::begin(self, &[self.rewrite], options.tests)?;
                    is_counted = rest.is_counted;
                    begun = Some(rest);
                    tests
                }
                (_, Rung::Faster) if options.no_measurement => Found::skipped("no measurement was asked for"),
                (_, Rung::TestsReach) => {
                    let rest = begun.take().map(|rest| rest.finish(self, &[self.rewrite])).transpose()?;
                    let reached = rest.and_then(|all| all.into_iter().next());
                    let (hits, compared) = reached.map(|r| (r.hits, r.twins)).unzip();
                    twins = compared;
                    hits.unwrap_or_else(|| Found::skipped("nothing was run"))
                }
                (_, Rung::TwinsAgree) => twins.take().unwrap_or_else(|| Found::skipped("nothing was run")),
                (_, Rung::PropertiesAgree | Rung::GateHasPower | Rung::Codegen | Rung::NothingWorse) => {
                    Found::skipped("nobody asked for it")
                }
                (_, Rung::Faster) => faster::climb(self)?,
            };
            if self.yard.ear.cancel.is_cancelled() && step.state != RungState::Passed {
                step = Found::skipped("cancelled");
            }
            measurement = step.measurement.take().or(measurement);
            evidence.push(self.tell(*rung, step, began.elapsed().as_millis() as u64));
        }
        let neutral = self.rewrite.kind.is_neutral();
        let verdict = Verdict::judge(self.rewrite.id.clone(), tree, evidence, measurement, neutral);
        Ok(verdict.with_counters(is_counted))
    }

    fn tell(&self, rung: Rung, found: Found, ms: u64) -> Evidence {
        told(self.yard, &self.rewrite.id, rung, found, ms)
    }
}

/// Makes evidence of what a rung found, remembers its time and tells it.
fn told(yard: &Yard, id: &RewriteId, rung: Rung, found: Found, ms: u64) -> Evidence {
    let Found { state, detail, log, .. } = found;
    let told = Evidence { rung, state, detail, ms, log, cached: false };
    yard.remember(&told);
    yard.ear.tell(Progress::Rung(id.clone(), told.clone()));
    told
}

/// What a rung found.
#[derive(Clone)]
struct Found {
    state: RungState,
    detail: String,
    log: String,
    measurement: Option<Measurement>,
}

impl Found {
    fn new(state: RungState, detail: impl Into<String>) -> Found {
        Found { state, detail: detail.into(), log: String::new(), measurement: None }
    }

    fn skipped(why: &str) -> Found {
        Found::new(RungState::Skipped, why)
    }

    fn log(mut self, log: impl Into<String>) -> Found {
        self.log = log.into();
        self
    }
}
