//! A counting build's files in; what old and new came to on the calls of the workload out, for the rung *twins agree*.

use super::{Climb, faster};
use crate::effects::files;
use crate::effects::slots::Arm;
use crate::model::{Problem, Workload};
use crate::verify::agree;

/// Builds the service with both bodies in it, exercises it once, and gives back what the comparisons wrote; or why there
/// is nothing. The load ends by itself or at its time limit, and comparing never takes longer than the rest.
///
/// # Errors
/// A slot that cannot be written.
pub(super) fn compare(
    climb: &Climb,
    made: &[(String, String)],
    workload: &Workload,
) -> Result<Result<String, String>, Problem> {
    let yard = climb.yard;
    let stand = yard.stand_beside(Arm::Twin)?;
    stand.put(yard, made)?;
    yard.step(&format!("{} (old and new side by side)", workload.build));
    let wrapper = faster::quiet(&stand)?;
    let build = stand.shell(&workload.build).env("RUSTC_WORKSPACE_WRAPPER", wrapper.to_string_lossy());
    let built = build.run(&yard.ear.cancel, &mut |line| yard.log(line))?;
    if !built.ok() {
        let said = built.tail.lines().find(|l| l.starts_with("error")).unwrap_or("it said nothing").to_owned();
        return Ok(Err(format!("`{}` ended with {}: {said}", workload.build, built.words())));
    }
    let path = yard.slots.dir().join("agreed-by-workload");
    files::remove(&path);
    let shown = path.to_string_lossy().into_owned();
    // Errors that carry a backtrace print the lines of old and new.
    let variables = [(agree::VARIABLE, shown.as_str()), ("RUST_BACKTRACE", "0"), ("RUST_LIB_BACKTRACE", "0")];
    let (exercise, _) = yard.exercise(&stand, workload, "agreed-requests", &variables)?;
    yard.step("the workload, old and new compared on each of its calls");
    let ended = match exercise.run(&yard.ear.cancel, &mut |line| yard.log(line)) {
        Ok(ended) => ended,
        Err(problem) => return Ok(Err(problem.what)),
    };
    let written = files::read_text(&path, "comparisons").unwrap_or_default();
    // What was compared until it ended is known, however it ended.
    match written.is_empty() && !ended.ok() {
        true => Ok(Err(format!("the load ended with {}", ended.words()))),
        false => Ok(Ok(written)),
    }
}
