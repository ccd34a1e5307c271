//! The rung *faster* for a change that touches types and no function: both forms of the type measured beside each other.

use std::time::{Duration, Instant};

use super::faster::{LOOKS, Made, profile, quiet};
use super::{Climb, Found};
use crate::effects::files;
use crate::effects::slots::Arm;
use crate::jobs::stand::Yard;
use crate::model::{Problem, RungState};
use crate::verify::change::Change;
use crate::verify::contention::{self, Contended};
use crate::verify::shadow::shadow;
use crate::verify::timing::{self, Assessed, Question};
use crate::verify::twin;

/// The owner of the changed type with its three forms, to be exercised like any twin.
///
/// # Errors
/// Why the forms cannot live side by side.
pub fn side_by_side(yard: &Yard, changes: &[Change], left_out: &[String]) -> Result<Made, String> {
    let [change] = changes else {
        let why = left_out.first().map_or("the change spreads over several files", String::as_str);
        return Err(why.to_owned());
    };
    if let Some(why) = left_out.first() {
        return Err(why.clone());
    }
    let others = yard.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let made = shadow(change, others, yard.effects())
        .map_err(|why| format!("no function body changes, and old and new form cannot live side by side: {why}"))?;
    Ok(Made { files: vec![(change.file.clone(), made.text)], twins: made.twins, left_out: made.left_out })
}

/// Counters that move apart: threads write both forms at the same time. `None` where the change is of another sort.
///
/// # Errors
/// A slot that cannot be written; no cargo.
pub fn contended(climb: &Climb, changes: &[Change]) -> Result<Option<Found>, Problem> {
    let found = changes.iter().enumerate().find_map(|(i, change)| Some((i, contention::contend(change)?)));
    let Some((at, contended)) = found else { return Ok(None) };
    let file =
        |(i, c): (usize, &Change)| (c.file.clone(), if i == at { contended.text.clone() } else { c.new.clone() });
    let files: Vec<(String, String)> = changes.iter().enumerate().map(file).collect();
    // The file belongs to the library of its package, else to a program.
    let found = run(climb, &contended, &files, &changes[at].file, "--lib")?;
    if found.detail.ends_with(NOT_FOUND) && !climb.yard.ear.cancel.is_cancelled() {
        return run(climb, &contended, &files, &changes[at].file, "--bins").map(Some);
    }
    Ok(Some(found))
}

/// What is said where the program that was built has no such test.
const NOT_FOUND: &str = "its test was not found";

fn run(
    climb: &Climb,
    contended: &Contended,
    files: &[(String, String)],
    file: &str,
    targets: &str,
) -> Result<Found, Problem> {
    let yard = climb.yard;
    let stand = yard.stand_beside(Arm::Twin)?;
    stand.put(yard, files)?;
    let package = yard.package_of(file)?;
    let mut args = vec!["test", "--profile", profile(yard), targets];
    args.extend(package.iter().flat_map(|p| ["-p", p.as_str()]));
    args.push(contention::TEST);
    let written = yard.slots.dir().join("timed");
    files::remove(&written);
    let wrapper = quiet(&stand)?.to_string_lossy().into_owned();
    let command = stand.cargo.command(&args).merged().env("RUSTC_WORKSPACE_WRAPPER", wrapper);
    let command = command.env(twin::VARIABLE, written.to_string_lossy());
    let gate = yard.workspace.slo.gate;
    let (began, limit) = (Instant::now(), Duration::from_nanos(gate.max_time_ns));
    for look in 0..LOOKS {
        let ran = Instant::now();
        yard.step(&format!(
            "threads that write {} at the same time",
            contended.twin.name.trim_start_matches("a write of ")
        ));
        let ended = command.run(&yard.ear.cancel, &mut |line| yard.log(line))?;
        let text = files::read_text(&written, "timings").unwrap_or_default();
        let by = match contention::threads(&text) {
            None => {
                let said = ended.tail.lines().find(|l| l.starts_with("error")).unwrap_or(NOT_FOUND);
                let why = format!("the two forms cannot be written side by side: {said}");
                return Ok(Found::new(RungState::Undecided, why).log(ended.tail));
            }
            Some(0 | 1) => {
                let why = "this machine gives one core: threads cannot write at the same time here";
                return Ok(Found::new(RungState::Undecided, why));
            }
            Some(threads) => format!("{threads} threads that do nothing else"),
        };
        let is_last = look + 1 == LOOKS || began.elapsed() + ran.elapsed() > limit || yard.ear.cancel.is_cancelled();
        let twins = std::slice::from_ref(&contended.twin);
        let question = Question {
            twins,
            gate,
            kind: climb.rewrite.kind,
            rule: climb.rewrite.rule,
            look,
            is_last,
            exercised_by: &by,
        };
        let assessed = timing::assess(&text, &question);
        if assessed.is_final() || is_last {
            return Ok(found(assessed, ended.tail));
        }
    }
    Ok(Found::new(RungState::Undecided, "cancelled"))
}

/// Under threads that only write, padding wins the most that it can: what the service wins is said to be no more.
fn found(assessed: Assessed, tail: String) -> Found {
    let most = if assessed.measurement.is_some() { "; the service wins at most as much" } else { "" };
    let detail = format!("{}{most}", assessed.detail);
    Found { measurement: assessed.measurement, ..Found::new(assessed.state, detail).log(tail) }
}
