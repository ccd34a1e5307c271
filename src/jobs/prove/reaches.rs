//! The rung *tests reach it*: counters in the new code, built in the candidate's slot and run with its tests.

use super::{Climb, Found};
use crate::effects::files;
use crate::effects::process::{Command, Exit};
use crate::model::{Problem, Rewrite, RungState};
use crate::verify::change::Change;
use crate::verify::hits::{self, Site};

/// Climbs the rung.
pub fn climb(climb: &Climb) -> Result<Found, Problem> {
    let found = climb_all(climb, &[climb.rewrite])?;
    Ok(found.into_iter().next().unwrap_or_else(|| Found::skipped("there is nothing to count")))
}

/// As [`climb`] for proposals that stand together in `whole`, counted in one run and judged apart.
pub fn climb_all(whole: &Climb, members: &[&Rewrite]) -> Result<Vec<Found>, Problem> {
    let yard = whole.yard;
    let mut sites: Vec<Site> = Vec::new();
    let mut edited = Vec::new();
    for (edits, (path, new)) in whole.rewrite.edits.iter().zip(yard.edited(whole.rewrite)?) {
        let old = yard.texts.get(&path).map_or("", String::as_str);
        let change = Change::new(edits, old, &new);
        let own = |m: &&Rewrite| m.edits.iter().find(|e| e.file() == path).map(|e| change.part(e));
        let parts: Vec<(usize, Change)> = members.iter().enumerate().filter_map(|(i, m)| Some((i, own(m)?))).collect();
        let changes: Vec<Change> = parts.iter().map(|(_, c)| c.clone()).collect();
        let counted = hits::count(&changes, sites.len());
        sites.extend(counted.sites.into_iter().map(|s| Site { part: parts[s.part].0, ..s }));
        edited.push((path, counted.text));
    }
    let judged = |written: &str| -> Vec<Found> {
        let of = |i: usize| -> Vec<Site> { sites.iter().filter(|s| s.part == i).cloned().collect() };
        (0..members.len()).map(|i| found(&of(i), written)).collect()
    };
    if sites.is_empty() {
        return Ok(judged(""));
    }
    whole.candidate.put(yard, &edited)?;
    let packages = yard.packages_of(&[whole.rewrite])?;
    let quick = run(whole, &super::passes::command(yard, whole.candidate, &packages))?;
    if let Some(why) = quick.failure {
        return Ok(members.iter().map(|_| Found::new(RungState::Undecided, why).log(quick.tail.clone())).collect());
    }
    let mut all = judged(&quick.written);
    // What the quick tests leave out the full ones may execute; then they have to pass, too.
    let untested = |f: &Found| f.state == RungState::Untested;
    if let Some(command) = super::passes::full(yard, whole.candidate)
        && all.iter().any(untested)
        && !yard.ear.cancel.is_cancelled()
    {
        let full = run(whole, &command)?;
        let broken = if full.ok { None } else { super::passes::broken_by(yard, &full.out, false)? };
        for (found, full_found) in all.iter_mut().zip(judged(&full.written)) {
            if !untested(found) || untested(&full_found) {
                continue;
            }
            *found = match &broken {
                // One of several may have broken it: each is to be asked alone.
                Some(_) if members.len() > 1 => Found::new(RungState::Undecided, UNCOUNTABLE),
                Some(broken) => Found::new(RungState::Failed, format!("`{}`: {}", command.0, broken.detail)),
                None => {
                    Found { detail: format!("{} (`{}`, which passes)", full_found.detail, command.0), ..full_found }
                }
            };
        }
    }
    Ok(all)
}

/// What one counting run came to.
struct Ran {
    written: String,
    out: String,
    tail: String,
    ok: bool,
    failure: Option<&'static str>,
}

fn run(whole: &Climb, (line, command): &(String, Command)) -> Result<Ran, Problem> {
    let yard = whole.yard;
    let log = yard.slots.dir().join("hits");
    files::remove(&log);
    yard.step(&format!("{line} ({}, counting)", whole.rewrite.id));
    super::passes::build(yard, whole.candidate, &yard.packages_of(&[whole.rewrite])?)?;
    let command = command.clone().env(hits::VARIABLE, log.to_string_lossy());
    let ended = command.run(&yard.ear.cancel, &mut |line| yard.log(line))?;
    let written = files::read_text(&log, "hits").unwrap_or_default();
    // Counters outlive the process that made them: what a run that was cut short did count is counted.
    let failure = match written.is_empty() {
        true if ended.exit == Exit::TimedOut => Some("the counting run did not end within its time limit"),
        true if ended.tail.contains("could not compile") => Some(UNCOUNTABLE),
        _ => None,
    };
    Ok(Ran { written, ok: ended.ok(), out: ended.out, tail: ended.tail, failure })
}

/// What is said where the counters are at fault.
pub const UNCOUNTABLE: &str = "the counters do not compile here";

fn found(sites: &[Site], written: &str) -> Found {
    let (state, detail, log) = hits::judge(sites, written);
    Found::new(state, detail).log(log)
}
