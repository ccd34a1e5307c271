//! Proposals that do not meet in, evidence of each from shared builds and runs out; split where the whole fails.

use std::collections::BTreeMap;
use std::time::Instant;

use super::{Climb, Found, ProveOptions, compiles, reaches, together_faster};
use crate::jobs::stand::Yard;
use crate::model::{EditSet, Evidence, Measurement, Problem, Rewrite, RewriteId, Rung, RungState, TextRange, Verdict};
use crate::source;
use crate::verify::change;

/// Proposals of one batch: more would share the calls of the workload among too many.
const MOST: usize = 12;

/// Deals proposals into batches, by their indices: those of one batch edit different functions of one crate.
pub fn groups(yard: &Yard, rewrites: &[&Rewrite]) -> Vec<Vec<usize>> {
    let areas: Vec<Vec<(&str, TextRange)>> = rewrites.iter().map(|r| areas(yard, r)).collect();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (i, rewrite) in rewrites.iter().enumerate() {
        let root = yard.root_of(rewrite);
        let fits = |group: &&mut Vec<usize>| {
            group.len() < MOST
                && root.is_some()
                && group.iter().all(|j| yard.root_of(rewrites[*j]) == root && !meet(&areas[i], &areas[*j]))
                && join(&group.iter().map(|j| rewrites[*j]).chain([*rewrite]).collect::<Vec<_>>(), &yard.texts, "")
                    .is_ok()
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(i),
            None => groups.push(vec![i]),
        }
    }
    groups
}

/// The functions that a proposal changes.
fn areas<'r>(yard: &Yard, rewrite: &'r Rewrite) -> Vec<(&'r str, TextRange)> {
    let mut found = Vec::new();
    for set in &rewrite.edits {
        let text = yard.texts.get(set.file()).map_or("", String::as_str);
        let functions = change::functions(set.file(), text).unwrap_or_default();
        for edit in set.edits() {
            let around =
                functions.iter().map(|f| f.whole).filter(|f| f.contains(edit.range) || f.intersects(edit.range));
            found.extend(around.min_by_key(|f| f.len()).map(|f| (set.file(), f)));
        }
    }
    found
}

fn meet(a: &[(&str, TextRange)], b: &[(&str, TextRange)]) -> bool {
    a.iter().any(|(file, x)| b.iter().any(|(other, y)| file == other && x.intersects(*y)))
}

/// All proposals as one.
///
/// # Errors
/// Edits that overlap.
pub fn join(rewrites: &[&Rewrite], texts: &BTreeMap<String, String>, id: &str) -> Result<Rewrite, Problem> {
    let first = *rewrites.first().ok_or_else(|| Problem::error("there is nothing to join"))?;
    let mut sets: BTreeMap<&str, Vec<&EditSet>> = BTreeMap::new();
    for set in rewrites.iter().flat_map(|r| &r.edits) {
        sets.entry(set.file()).or_default().push(set);
    }
    let joined = sets.iter().map(|(file, sets)| source::join(sets, texts.get(*file).map_or("", String::as_str)));
    Ok(Rewrite {
        id: RewriteId(id.into()),
        title: format!("{} proposals together", rewrites.len()),
        edits: joined.collect::<Result<_, _>>()?,
        touched: rewrites.iter().flat_map(|r| r.touched.clone()).collect(),
        diff: String::new(),
        preconditions: Vec::new(),
        obligations: Vec::new(),
        hunks_independent: false,
        ..first.clone()
    })
}

/// Climbs the ladder for all members, in their order.
///
/// # Errors
/// As [`super::prove`].
pub fn climb(members: &[Climb], options: &ProveOptions) -> Result<Vec<Verdict>, Problem> {
    if let [one] = members {
        return Ok(vec![one.run(options)?]);
    }
    // What falls by an answer falls alone.
    if let Some(at) = members.iter().position(|m| compiles::denied(m.rewrite, m.answers).is_some()) {
        let mut verdicts = if at == 0 { Vec::new() } else { climb(&members[..at], options)? };
        verdicts.push(members[at].run(options)?);
        if at + 1 < members.len() {
            verdicts.extend(climb(&members[at + 1..], options)?);
        }
        return Ok(verdicts);
    }
    if let Some(verdicts) = together(members, options)? {
        return Ok(verdicts);
    }
    let (left, right) = members.split_at(members.len() / 2);
    let mut verdicts = climb(left, options)?;
    if !members[0].yard.ear.cancel.is_cancelled() {
        verdicts.extend(climb(right, options)?);
    }
    Ok(verdicts)
}

/// The ladder for all at once; `None` where the whole does not compile or its tests do not pass.
fn together(members: &[Climb], options: &ProveOptions) -> Result<Option<Vec<Verdict>>, Problem> {
    let rewrites: Vec<&Rewrite> = members.iter().map(|m| m.rewrite).collect();
    let Ok(joined) = join(&rewrites, &members[0].yard.texts, &format!("{} together", members.len())) else {
        return Ok(None);
    };
    let whole = Climb { rewrite: &joined, ..members[0] };
    let mut tree = String::new();
    let mut book = Book { members, evidence: members.iter().map(|_| Vec::new()).collect() };
    let began = Instant::now();
    if compiles::check(&whole, &mut tree)?.is_some() {
        return Ok(None);
    }
    let others = match members.len() - 1 {
        1 => String::from(", together with another proposal"),
        n => format!(", together with {n} other proposals"),
    };
    let said = |found: Found| match found.state {
        RungState::Passed => Found { detail: format!("{}{others}", found.detail), ..found },
        _ => found,
    };
    book.enter(
        Rung::Compiles,
        members.iter().map(|m| said(compiles::accepted(m.yard, m.rewrite, m.answers))).collect(),
        began,
    );
    let began = Instant::now();
    let (passed, begun) = reaches::begin(&whole, &rewrites, options.tests)?;
    let is_counted = begun.is_counted;
    if passed.state == RungState::Failed {
        return Ok(None);
    }
    book.enter(Rung::TestsPass, members.iter().map(|_| said(passed.clone())).collect(), began);
    let began = Instant::now();
    let mut reached = begun.finish(&whole, &rewrites)?;
    for (found, member) in reached.iter_mut().zip(members) {
        if found.hits.detail == reaches::UNCOUNTABLE {
            *found = reaches::alone(member)?;
        }
    }
    let (hits, twins) = reached.into_iter().map(|r| (r.hits, r.twins)).unzip();
    book.enter(Rung::TestsReach, hits, began);
    book.enter(Rung::TwinsAgree, twins, Instant::now());
    let began = Instant::now();
    let timed = match options.no_measurement {
        true => members.iter().map(|_| Found::skipped("no measurement was asked for")).collect(),
        false => together_faster::climb(members, &whole)?,
    };
    let measurements: Vec<Option<Measurement>> = timed.iter().map(|f| f.measurement.clone()).collect();
    book.enter(Rung::Faster, timed, began);
    let judge = |(i, m): (usize, Option<Measurement>)| {
        let rewrite = members[i].rewrite;
        let neutral = rewrite.kind.is_neutral();
        Verdict::judge(rewrite.id.clone(), tree.clone(), book.evidence[i].clone(), m, neutral).with_counters(is_counted)
    };
    Ok(Some(measurements.into_iter().enumerate().map(judge).collect()))
}

/// The evidence of each member so far.
struct Book<'a, 'm> {
    members: &'m [Climb<'a>],
    evidence: Vec<Vec<Evidence>>,
}

impl Book<'_, '_> {
    /// Enters what a rung found of each; the time of the shared run is shared.
    fn enter(&mut self, rung: Rung, found: Vec<Found>, began: Instant) {
        let ms = began.elapsed().as_millis() as u64 / self.members.len() as u64;
        for ((member, evidence), mut found) in self.members.iter().zip(&mut self.evidence).zip(found) {
            if member.yard.ear.cancel.is_cancelled() && found.state != RungState::Passed {
                found = Found::skipped("cancelled");
            }
            evidence.push(member.tell(rung, found, ms));
        }
    }
}
