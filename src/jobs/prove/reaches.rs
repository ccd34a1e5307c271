//! The rung *tests reach it*: counters in the new code, built in the candidate's slot and run with its tests.

use super::{Climb, Found};
use crate::effects::files;
use crate::effects::process::Exit;
use crate::model::{Problem, RungState};
use crate::verify::change::Change;
use crate::verify::hits::{self, Site};

/// Climbs the rung.
pub fn climb(climb: &Climb) -> Result<Found, Problem> {
    let yard = climb.yard;
    let mut sites: Vec<Site> = Vec::new();
    let mut edited = Vec::new();
    for (edits, (path, new)) in climb.rewrite.edits.iter().zip(yard.edited(climb.rewrite)?) {
        let old = yard.texts.get(&path).map_or("", String::as_str);
        let counted = hits::count(&Change::new(edits, old, &new), sites.len());
        sites.extend(counted.sites);
        edited.push((path, counted.text));
    }
    if sites.is_empty() {
        return Ok(found(&sites, ""));
    }
    climb.candidate.put(yard, &edited)?;
    let log = yard.slots.dir().join("hits");
    files::remove(&log);
    let packages = yard.packages_of(&[climb.rewrite])?;
    let (line, command) = super::passes::command(yard, climb.candidate, &packages);
    yard.step(&format!("{line} ({}, counting)", climb.rewrite.id));
    super::passes::build(yard, climb.candidate, &packages)?;
    let command = command.env(hits::VARIABLE, log.to_string_lossy());
    let ended = command.run(&yard.ear.cancel, &mut |line| yard.log(line))?;
    let written = files::read_text(&log, "hits").unwrap_or_default();
    // Counters outlive the process that made them: what a run that was cut short did count is counted.
    if written.is_empty() && ended.exit == Exit::TimedOut {
        return Ok(
            Found::new(RungState::Undecided, "the counting run did not end within its time limit").log(ended.tail)
        );
    }
    if written.is_empty() && ended.tail.contains("could not compile") {
        return Ok(Found::new(RungState::Undecided, "the counters do not compile here").log(ended.tail));
    }
    Ok(found(&sites, &written))
}

fn found(sites: &[Site], written: &str) -> Found {
    let (state, detail, log) = hits::judge(sites, written);
    Found::new(state, detail).log(log)
}
