//! The rung *faster* for several proposals at once: all their twins in one build, timed by the same runs, judged apart.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::faster::{self, ASKS, Driver, LOOKS, Made};
use super::{Climb, Found};
use crate::effects::files;
use crate::effects::slots::Arm;
use crate::model::{Problem, Progress, RungState};
use crate::verify::agreement;
use crate::verify::change::{self, Change};
use crate::verify::timing::{self, Assessed, Question};
use crate::verify::twin::{self, Ask, PER_PROPOSAL, Runtime, Twin};

/// Climbs the rung for all members; those whose functions cannot stand among the others climb alone.
///
/// # Errors
/// A slot that cannot be written; no cargo.
pub fn climb(members: &[Climb], whole: &Climb) -> Result<Vec<Found>, Problem> {
    let mut found: Vec<Option<Found>> = members.iter().map(|_| None).collect();
    let mut timed: Vec<usize> = (0..members.len()).collect();
    loop {
        let tries = tries(members, whole, &timed, 0)?;
        timed.retain(|i| tries[0].twins.iter().any(|t| t.proposal() == *i));
        if timed.len() < 2 {
            break;
        }
        let Some(failed) = time(members, whole, &tries, &timed, &mut found)? else { break };
        let culprits = culprits(&tries, &failed.log);
        let before = timed.len();
        timed.retain(|i| !culprits.contains(i));
        if timed.len() == before || whole.yard.ear.cancel.is_cancelled() {
            break;
        }
    }
    for (i, member) in members.iter().enumerate() {
        if found[i].is_none() && !member.yard.ear.cancel.is_cancelled() {
            found[i] = Some(faster::climb(member)?);
        }
    }
    Ok(found.into_iter().map(|f| f.unwrap_or_else(|| Found::skipped("cancelled"))).collect())
}

/// Whose twins the compiler's errors stand in: those do not build among the others, and are timed alone.
fn culprits(tries: &[Made], said: &str) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let Some(last) = tries.last() else { return found };
    for (path, line) in agreement::error_places(said) {
        let Some((_, text)) = last.files.iter().find(|(file, _)| file.ends_with(&path)) else { continue };
        let at = text.split_inclusive('\n').take((line as usize).saturating_sub(1)).map(str::len).sum::<usize>() as u32;
        let around = change::functions(&path, text).unwrap_or_default();
        let around = around.into_iter().filter(|f| f.whole.start <= at + 1 && at < f.whole.end);
        let Some(function) = around.min_by_key(|f| f.whole.len()) else { continue };
        found.extend(last.twins.iter().filter(|t| t.name == function.name).map(Twin::proposal));
    }
    found
}

/// The whole with the twins of these members in it, asked with more and with less.
fn tries(members: &[Climb], whole: &Climb, among: &[usize], layout: usize) -> Result<Vec<Made>, Problem> {
    let yard = whole.yard;
    let edited = yard.edited(whole.rewrite)?;
    let root = yard.root_of(whole.rewrite).unwrap_or_default().to_owned();
    let has_allocator = twin::has_allocator(yard.texts.values().map(String::as_str));
    let make = |ask: &Ask| {
        let ask = Ask { allocator: ask.allocator && !has_allocator, layout, ..*ask };
        let mut made = Made { files: Vec::new(), twins: Vec::new(), left_out: Vec::new() };
        for (set, (path, new)) in whole.rewrite.edits.iter().zip(&edited) {
            let old = yard.texts.get(path).map_or("", String::as_str);
            let change = Change::new(set, old, new);
            let part = |(i, member): (usize, &Climb)| {
                among.contains(&i).then_some(())?;
                let own = member.rewrite.edits.iter().find(|e| e.file() == path)?;
                let before = made.twins.iter().filter(|t: &&Twin| t.proposal() == i).count();
                Some((i * PER_PROPOSAL + before, change.part(own)))
            };
            let parts: Vec<(usize, Change)> = members.iter().enumerate().filter_map(part).collect();
            let twinned = twin::twins(&parts, yard.effects(), ask, Runtime::InRoot);
            made.files.push((path.clone(), twinned.text));
            made.twins.extend(twinned.twins);
        }
        match made.files.iter_mut().find(|(path, _)| *path == root) {
            Some((_, text)) => *text = twin::rooted(text, ask),
            None => {
                let text = yard.texts.get(&root).map_or("", String::as_str);
                made.files.push((root.clone(), twin::rooted(text, ask)));
            }
        }
        made
    };
    Ok(ASKS.iter().map(make).collect())
}

/// Times all members that have twins; what the workload does not call is timed by the tests. What does not build comes back.
fn time(
    members: &[Climb],
    whole: &Climb,
    made: &[Made],
    timed: &[usize],
    found: &mut [Option<Found>],
) -> Result<Option<Found>, Problem> {
    let yard = whole.yard;
    let stand = yard.stand_beside(Arm::Twin)?;
    let mut open: Vec<usize> = timed.to_vec();
    let mut failed = None;
    for driver in faster::drivers(whole, &stand)? {
        if open.is_empty() || yard.ear.cancel.is_cancelled() {
            break;
        }
        let built = match faster::build(whole, &stand, made, &driver)? {
            Ok(built) => built,
            Err(failed) => return Ok(Some(failed)),
        };
        let rebuild = |layout: usize| {
            let again = tries(members, whole, timed, layout)?.swap_remove(built.asked);
            faster::build(whole, &stand, &[again], &driver).map(|again| again.is_ok())
        };
        let assessed = match look(members, whole, &built.twins, (&open, &driver), &rebuild) {
            Ok(assessed) => assessed,
            Err(problem) => {
                failed = Some(problem.what);
                continue;
            }
        };
        for (i, assessed) in open.iter().zip(assessed) {
            let Assessed { state, detail, measurement } = faster::beside(assessed, failed.as_deref());
            found[*i] = Some(Found { measurement, ..Found::new(state, detail) });
        }
        // Silence of one driver is no answer yet.
        open.retain(|i| {
            let silent = |f: &Found| f.measurement.is_none() && !f.detail.starts_with("void");
            found[*i].as_ref().is_none_or(silent)
        });
    }
    Ok(None)
}

/// Runs the driver until the numbers decide for each, at most [`LOOKS`] times and within twice the gate's time.
fn look(
    members: &[Climb],
    whole: &Climb,
    twins: &[Twin],
    (open, driver): (&[usize], &Driver),
    rebuild: faster::Rebuild,
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
            let (kind, rule) = (members[*i].rewrite.kind, members[*i].rewrite.rule);
            let by = driver.word();
            timing::assess(&text, &Question { twins: &own, gate, kind, rule, look, is_last, exercised_by: by })
        };
        let assessed: Vec<Assessed> = open.iter().map(assess).collect();
        for (i, assessed) in open.iter().zip(&assessed) {
            if let Some(m) = &assessed.measurement {
                yard.ear.tell(Progress::Measured(members[*i].rewrite.id.clone(), Box::new(m.clone())));
            }
        }
        let silent = |a: &Assessed| a.state == RungState::Undecided && a.measurement.is_none();
        let is_decided = |a: &Assessed| a.is_final() && !a.needs_another_build() || silent(a);
        if is_last || text.is_empty() || assessed.iter().all(is_decided) {
            return Ok(assessed);
        }
        let is_another = faster::next_build(&written, &text, rebuild, look + 1)?;
        if !is_another && assessed.iter().all(|a| a.is_final() || silent(a)) {
            return Ok(assessed);
        }
    }
    Ok(Vec::new())
}
