//! The rung *properties agree*: old and new body of each touched function on made inputs, in the candidate's slot.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Found, passes, reaches};
use crate::effects::files;
use crate::effects::process::{Ended, Exit};
use crate::effects::slots::Arm;
use crate::jobs::stand::{Stand, Yard};
use crate::model::{Power, Problem, Rewrite, RungState};
use crate::verify::agree::{self, Home, Part};
use crate::verify::change::Change;
use crate::verify::properties::{self, Catalogue, Ground, Planned, Subject};

/// Functions that do not compile with both bodies, or with a test, are left out so often.
const ROUNDS: usize = 4;
/// Longest time of all functions together; each stops by itself after 5 s unless one of its calls does not end.
const LIMIT: Duration = Duration::from_secs(90);
/// Address space: some inputs ask for more room than there is.
const MEMORY: u64 = 8 << 30;

/// Climbs the rung.
///
/// # Errors
/// No cargo; a slot that cannot be written.
pub fn climb(yard: &Yard, rewrite: &Rewrite) -> Result<(Found, Option<Power>), Problem> {
    let candidate = yard.stand_beside(Arm::Candidate)?;
    let packages = yard.packages_of(&[rewrite])?;
    let reshaped = reaches::reshaped(yard, rewrite)?;
    let catalogue = catalogue(yard, rewrite)?;
    let mut without: BTreeMap<usize, String> = BTreeMap::new();
    let mut said = String::from("it was cancelled");
    for _ in 0..ROUNDS {
        let made = make(yard, rewrite, &catalogue, &reshaped, &without)?;
        if made.subjects.is_empty() {
            return Ok((judged(&made, "", ""), None));
        }
        candidate.put(yard, &made.files)?;
        yard.step(&format!("cargo check with tests of made inputs ({})", rewrite.id));
        let checked = yard.check(&candidate, &packages, None)?;
        if checked.ended.ok() {
            return Ok((run(yard, &candidate, &packages, &made)?, None));
        }
        if yard.ear.cancel.is_cancelled() {
            break;
        }
        let numbers: Vec<usize> = made.subjects.iter().map(|s| s.number).collect();
        let mut blamed: BTreeSet<usize> = BTreeSet::new();
        for error in checked.diagnostics.iter().filter(|d| d.is_error()) {
            said = error.line_for_people();
            let text = made.files.iter().find(|(path, _)| *path == error.file).map_or("", |(_, text)| text);
            blamed.extend(agree::standing_at(text, &numbers, &[error.line]));
            let line = text.lines().nth(error.line.saturating_sub(1) as usize).unwrap_or_default();
            blamed.extend(properties::tested_in(line));
        }
        if blamed.is_empty() {
            blamed.extend(numbers);
        }
        without.extend(blamed.into_iter().map(|n| (n, format!("cannot be called with made inputs: {said}"))));
    }
    Ok((Found::new(RungState::Undecided, format!("tests of made inputs do not compile here: {said}")), None))
}

/// The files of one build.
struct Made {
    files: Vec<(String, String)>,
    subjects: Vec<Subject>,
    left_out: Vec<String>,
}

/// The workspace as it is with the proposal.
fn catalogue(yard: &Yard, rewrite: &Rewrite) -> Result<Catalogue, Problem> {
    let edited: BTreeMap<String, String> = yard.edited(rewrite)?.into_iter().collect();
    let text = |path: &String| edited.get(path).or_else(|| yard.texts.get(path)).map_or("", String::as_str);
    Ok(Catalogue::of(yard.roles.iter().map(|(path, role)| (path.as_str(), text(path), role))))
}

fn make(
    yard: &Yard,
    rewrite: &Rewrite,
    catalogue: &Catalogue,
    reshaped: &BTreeSet<String>,
    without: &BTreeMap<usize, String>,
) -> Result<Made, Problem> {
    let edited = yard.edited(rewrite)?;
    let root = yard.root_of(rewrite);
    let home = if root.is_some() { Home::InRoot } else { Home::InFile };
    let mut made = Made { files: Vec::new(), subjects: Vec::new(), left_out: Vec::new() };
    if root.is_none() && edited.len() > 1 {
        made.left_out
            .push(String::from("its files belong to no single crate, so that old and new cannot choose together"));
        return Ok(made);
    }
    let ground = Ground { home, catalogue, effects: yard.effects() };
    let mut first_number = 0;
    for (edits, (path, new)) in rewrite.edits.iter().zip(&edited) {
        let change = Change::new(edits, yard.texts.get(path).map_or("", String::as_str), new);
        let part = Part { proposal: 0, change: &change, first_number, reshaped };
        let shims = agree::shims(&[part], yard.effects(), home, without);
        let planned: Planned = properties::plan(&change, &shims, first_number, ground);
        first_number += change.functions().0.len();
        let mut text = agree::with_shims(new, &shims);
        text.push_str(&planned.text);
        made.files.push((path.clone(), text));
        made.subjects.extend(planned.subjects);
        made.left_out.extend(planned.left_out);
    }
    let holder = root.map_or_else(|| edited[0].0.clone(), String::from);
    let knows_serde = yard.knows_serde(&holder)?;
    match made.files.iter_mut().find(|(path, _)| *path == holder) {
        Some((_, text)) => *text = agree::with_runtime(text, knows_serde),
        None => {
            let text = agree::with_runtime(yard.texts.get(&holder).map_or("", String::as_str), knows_serde);
            made.files.push((holder, text));
        }
    }
    Ok(made)
}

/// Inputs with large numbers first; where they end the process, without.
fn run(yard: &Yard, candidate: &Stand, packages: &[String], made: &Made) -> Result<Found, Problem> {
    let mut last = Found::skipped("cancelled");
    for mode in ["all", "small"] {
        yard.step(&format!("calling {} with made inputs", names(&made.subjects)));
        let path = yard.slots.dir().join("agreed");
        files::remove(&path);
        let command = passes::containing(candidate, packages, properties::TESTS).limit(LIMIT).memory(MEMORY);
        let command = command.env("RUST_BACKTRACE", "0").env("RUST_LIB_BACKTRACE", "0");
        let command = command.env(agree::VARIABLE, path.to_string_lossy()).env(properties::VARIABLE, mode);
        let ended: Ended = command.run(&yard.ear.cancel, &mut |line| yard.log(line))?;
        let written = files::read_text(&path, "what made inputs came to").unwrap_or_default();
        if ended.exit == Exit::Cancelled {
            return Ok(Found::skipped("cancelled"));
        }
        if ended.out.contains("could not compile") {
            return Ok(Found::new(RungState::Undecided, "tests of made inputs do not compile here").log(ended.tail));
        }
        last = judged(made, &written, &ended.words());
        if ended.ok() || last.state == RungState::Failed {
            break;
        }
    }
    Ok(last)
}

fn names(subjects: &[Subject]) -> String {
    subjects.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn judged(made: &Made, written: &str, ended: &str) -> Found {
    let (state, detail, log) = properties::judge(&made.subjects, &made.left_out, written, ended);
    Found::new(state, detail).log(log)
}
