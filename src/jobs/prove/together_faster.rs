//! The rung *faster* for several proposals at once: all their twins in one build, timed by the same runs, judged apart.

use std::time::{Duration, Instant};

use super::faster::{self, ASKS, Driver, LOOKS, Made};
use super::{Climb, Found};
use crate::effects::files;
use crate::effects::slots::Arm;
use crate::model::{Problem, RungState};
use crate::verify::change::Change;
use crate::verify::timing::{self, Assessed, Question};
use crate::verify::twin::{self, Ask, PER_PROPOSAL, Runtime, Twin};

/// Climbs the rung for all members; those whose functions cannot stand among the others climb alone.
///
/// # Errors
/// A slot that cannot be written; no cargo.
pub fn climb(members: &[Climb], whole: &Climb) -> Result<Vec<Found>, Problem> {
    let mut found: Vec<Option<Found>> = members.iter().map(|_| None).collect();
    let tries = tries(members, whole)?;
    let has_twin = |i: usize| tries[0].twins.iter().any(|t| t.proposal() == i);
    let timed: Vec<usize> = (0..members.len()).filter(|i| has_twin(*i)).collect();
    if timed.len() > 1 {
        time(members, whole, &tries, &timed, &mut found)?;
    }
    for (i, member) in members.iter().enumerate() {
        if found[i].is_none() && !member.yard.ear.cancel.is_cancelled() {
            found[i] = Some(faster::climb(member)?);
        }
    }
    Ok(found.into_iter().map(|f| f.unwrap_or_else(|| Found::skipped("cancelled"))).collect())
}

/// The whole with the twins of all members in it, asked with more and with less.
fn tries(members: &[Climb], whole: &Climb) -> Result<Vec<Made>, Problem> {
    let yard = whole.yard;
    let edited = yard.edited(whole.rewrite)?;
    let root = yard.root_of(whole.rewrite).unwrap_or_default().to_owned();
    let has_allocator = twin::has_allocator(yard.texts.values().map(String::as_str));
    let make = |ask: &Ask| {
        let mut made = Made { files: Vec::new(), twins: Vec::new(), left_out: Vec::new() };
        for (set, (path, new)) in whole.rewrite.edits.iter().zip(&edited) {
            let old = yard.texts.get(path).map_or("", String::as_str);
            let change = Change::new(set, old, new);
            let part = |(i, member): (usize, &Climb)| {
                let own = member.rewrite.edits.iter().find(|e| e.file() == path)?;
                let before = made.twins.iter().filter(|t: &&Twin| t.proposal() == i).count();
                Some((i * PER_PROPOSAL + before, change.part(own)))
            };
            let parts: Vec<(usize, Change)> = members.iter().enumerate().filter_map(part).collect();
            let twinned = twin::twins(&parts, yard.effects(), *ask, Runtime::InRoot);
            made.files.push((path.clone(), twinned.text));
            made.twins.extend(twinned.twins);
        }
        let allocator = ask.allocator && !has_allocator;
        match made.files.iter_mut().find(|(path, _)| *path == root) {
            Some((_, text)) => *text = twin::rooted(text, allocator),
            None => made
                .files
                .push((root.clone(), twin::rooted(yard.texts.get(&root).map_or("", String::as_str), allocator))),
        }
        made
    };
    Ok(ASKS.iter().map(make).collect())
}

/// Times all members that have twins; what the workload does not call is timed by the tests.
fn time(
    members: &[Climb],
    whole: &Climb,
    tries: &[Made],
    timed: &[usize],
    found: &mut [Option<Found>],
) -> Result<(), Problem> {
    let yard = whole.yard;
    let stand = yard.stand_beside(Arm::Twin)?;
    let mut open: Vec<usize> = timed.to_vec();
    for driver in faster::drivers(whole, &stand)? {
        if open.is_empty() || yard.ear.cancel.is_cancelled() {
            break;
        }
        // What does not build together is built alone.
        let Ok(twins) = faster::build(whole, &stand, tries, &driver)? else { return Ok(()) };
        let Ok(assessed) = look(members, whole, &twins, &open, &driver) else { continue };
        for (i, assessed) in open.iter().zip(assessed) {
            let Assessed { state, detail, measurement } = assessed;
            found[*i] = Some(Found { measurement, ..Found::new(state, detail) });
        }
        // Silence of one driver is no answer yet.
        open.retain(|i| {
            let silent = |f: &Found| f.measurement.is_none() && !f.detail.starts_with("void");
            found[*i].as_ref().is_none_or(silent)
        });
    }
    Ok(())
}

/// Runs the driver until the numbers decide for each, at most [`LOOKS`] times and within twice the gate's time.
fn look(
    members: &[Climb],
    whole: &Climb,
    twins: &[Twin],
    open: &[usize],
    driver: &Driver,
) -> Result<Vec<Assessed>, Problem> {
    let yard = whole.yard;
    let written = yard.slots.dir().join("timed");
    files::remove(&written);
    let gate = yard.workspace.slo.gate;
    let (began, limit) = (Instant::now(), Duration::from_nanos(gate.max_time_ns) * 2);
    for look in 0.. {
        let ran = Instant::now();
        yard.step(&format!("timing {} proposals by the {}", open.len(), driver.word()));
        faster::exercise(whole, driver, &written)?;
        let is_last = look + 1 == LOOKS || began.elapsed() + ran.elapsed() > limit || yard.ear.cancel.is_cancelled();
        let text = files::read_text(&written, "timings").unwrap_or_default();
        let assess = |i: &usize| {
            let own: Vec<Twin> = twins.iter().filter(|t| t.proposal() == *i).cloned().collect();
            let kind = members[*i].rewrite.kind;
            let by = driver.word();
            timing::assess(&text, &Question { twins: &own, gate, kind, look, is_last, exercised_by: by })
        };
        let assessed: Vec<Assessed> = open.iter().map(assess).collect();
        let silent = |a: &Assessed| a.state == RungState::Undecided && a.measurement.is_none();
        if is_last || text.is_empty() || assessed.iter().all(|a| a.is_final() || silent(a)) {
            return Ok(assessed);
        }
    }
    Ok(Vec::new())
}
