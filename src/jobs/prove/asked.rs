//! Rungs that are climbed only where they are asked for, and machine code where something is said to be faster: verdicts
//! in, the same with more evidence out.

use std::time::Instant;

use super::{Found, ProveOptions, codegen, nothing_worse, power, properties, told};
use crate::effects::evidence;
use crate::jobs::stand::Yard;
use crate::model::{
    Evidence, Measurement, Outcome, Power, Problem, Progress, Rewrite, RewriteId, Rung, RungState, Speed, Verdict,
};

type Climb = fn(&Yard, &Rewrite) -> Result<(Found, Option<Power>), Problem>;

/// Each of them with what climbs it, in the order of the ladder.
const RUNGS: &[(Rung, Climb)] = &[
    (Rung::PropertiesAgree, properties::climb),
    (Rung::GateHasPower, power::climb),
    (Rung::Codegen, codegen::climb),
    (Rung::NothingWorse, nothing_worse::climb),
];

/// The rungs that are asked for, or that what was found so far asks for, and that a verdict can have and does not.
pub fn lacking(verdict: &Verdict, options: &ProveOptions) -> Vec<Rung> {
    let is_asked = |rung: Rung| options.asks(rung) || (rung == Rung::Codegen && says_faster(verdict, options));
    let lacks = |rung: &Rung| is_asked(*rung) && verdict.rung(*rung).is_none();
    match verdict.outcome() {
        Outcome::Refuted => Vec::new(),
        _ => RUNGS.iter().map(|(rung, _)| *rung).filter(lacks).collect(),
    }
}

/// Nothing is called faster before its machine code was seen to differ.
fn says_faster(verdict: &Verdict, options: &ProveOptions) -> bool {
    !options.no_measurement && verdict.measurement().is_some_and(|m| m.speed == Speed::Improved)
}

/// What is the same machine code is as fast as itself: a difference that was timed came from elsewhere, as from tests that
/// are built otherwise than the service.
fn take_back(yard: &Yard, id: &RewriteId, evidence: &mut [Evidence], timed: Option<Measurement>) {
    let (Some(timed), Some(faster)) = (timed, evidence.iter_mut().find(|e| e.rung == Rung::Faster)) else { return };
    faster.state = RungState::Undecided;
    faster.detail = format!("void: it was timed as {:.3} of the old time, and is the same machine code", timed.ratio);
    yard.ear.tell(Progress::Rung(id.clone(), faster.clone()));
}

/// Climbs them for the verdicts that lack them, and keeps these with what was found.
///
/// # Errors
/// No cargo; a slot or a cache that cannot be written.
pub fn add(
    yard: &Yard,
    rewrites: &[Rewrite],
    verdicts: &mut [Option<Verdict>],
    options: &ProveOptions,
    key: &str,
) -> Result<(), Problem> {
    for (rewrite, verdict) in rewrites.iter().zip(verdicts) {
        for (rung, climb) in RUNGS {
            let Some(known) = verdict.as_ref().filter(|v| lacking(v, options).contains(rung)) else { continue };
            let began = Instant::now();
            let passes = known.rung(Rung::TestsPass).is_some_and(|e| e.state == RungState::Passed);
            let (found, power) = match passes || *rung != Rung::GateHasPower {
                true => climb(yard, rewrite)?,
                false => (Found::skipped("there are no tests that pass"), None),
            };
            if yard.ear.cancel.is_cancelled() {
                return Ok(());
            }
            let ms = began.elapsed().as_millis() as u64;
            let mut evidence = known.evidence().to_vec();
            evidence.push(told(yard, &rewrite.id, *rung, found, ms));
            evidence.sort_by_key(|e| e.rung);
            let (tree, mut measurement) = (known.tree().to_owned(), known.measurement().cloned());
            if evidence.iter().any(codegen::says_same) {
                take_back(yard, &rewrite.id, &mut evidence, measurement.take_if(|m| m.speed != Speed::Same));
            }
            let power = power.or_else(|| known.power().cloned());
            let neutral = rewrite.kind.is_neutral();
            let with = Verdict::judge(rewrite.id.clone(), tree, evidence, measurement, neutral)
                .with_power(power)
                .with_counters(known.is_counted());
            evidence::save(&yard.base.tree, key, &with, neutral)?;
            *verdict = Some(with);
        }
    }
    Ok(())
}
