//! The rung *faster*: twins built in a slot of their own and timed on the calls of the workload, else of the tests.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Climb, Found, forms};
use crate::effects::files;
use crate::effects::process::{Command, Ended};
use crate::effects::slots::Arm;
use crate::jobs::stand::{Stand, Yard};
use crate::model::{Problem, Progress, Rewrite, RungState};
use crate::verify::change::Change;
use crate::verify::slices;
use crate::verify::timing::{self, Assessed, Question};
use crate::verify::twin::{self, Ask, Twin};

/// The numbers are looked at this often at most.
pub(super) const LOOKS: usize = 3;

/// What is tried in turn until it compiles.
pub(super) const ASKS: [Ask; 4] = [
    Ask { matched: true, allocator: true, tallies: true, layout: 0 },
    Ask { matched: true, allocator: true, tallies: false, layout: 0 },
    Ask { matched: false, allocator: true, tallies: false, layout: 0 },
    Ask { matched: false, allocator: false, tallies: false, layout: 0 },
];

/// Climbs the rung.
pub fn climb(climb: &Climb) -> Result<Found, Problem> {
    let yard = climb.yard;
    let changes = changes(yard, climb.rewrite)?;
    let mut tries: Vec<Made> = ASKS.iter().map(|ask| make(yard, &changes, *ask)).collect();
    if tries[0].twins.is_empty() {
        if let Some(found) = forms::contended(climb, &changes)? {
            return Ok(found);
        }
        match forms::side_by_side(yard, &changes, &tries[0].left_out) {
            Ok(made) => tries = vec![made],
            Err(why) => return Ok(Found::new(RungState::Undecided, format!("single witness missing: {why}"))),
        }
    }
    let stand = yard.stand_beside(Arm::Twin)?;
    let mut last = Found::new(RungState::Undecided, "nothing exercises it: there is neither a workload nor a test");
    let mut failed = None;
    for driver in drivers(climb, &stand)? {
        let built = match build(climb, &stand, &tries, &driver)? {
            Ok(built) => built,
            Err(found) => return Ok(found),
        };
        let rebuild = |layout: usize| {
            let Some(ask) = ASKS.get(built.asked).filter(|_| tries.len() == ASKS.len()) else { return Ok(false) };
            let made = make(yard, &changes, Ask { layout, ..*ask });
            build(climb, &stand, &[made], &driver).map(|again| again.is_ok())
        };
        // A service that does not come up with twins in it says nothing of the other proposals.
        let (assessed, tail) = match look(climb, &built.twins, &driver, &rebuild) {
            Ok(looked) => looked,
            Err(problem) => {
                failed = Some(problem.what.clone());
                last = Found::new(RungState::Undecided, problem.what);
                continue;
            }
        };
        let assessed = beside(assessed, failed.as_deref());
        let silent = assessed.measurement.is_none() && !assessed.detail.starts_with("void");
        last = Found { measurement: assessed.measurement, ..Found::new(assessed.state, assessed.detail).log(tail) };
        if !silent || yard.ear.cancel.is_cancelled() {
            break;
        }
    }
    Ok(last)
}

/// What the tests' calls say where the workload, whose calls matter, failed: slower on inputs that are not those of the
/// service refutes nothing.
pub(super) fn beside(assessed: Assessed, failed: Option<&str>) -> Assessed {
    let Some(why) = failed else { return assessed };
    let state = match assessed.state {
        RungState::Failed => RungState::Undecided,
        state => state,
    };
    Assessed { state, detail: format!("{}; the workload failed: {why}", assessed.detail), ..assessed }
}

pub(super) fn changes(yard: &Yard, rewrite: &Rewrite) -> Result<Vec<Change>, Problem> {
    let edited = yard.edited(rewrite)?;
    let old = |path: &str| yard.texts.get(path).map_or("", String::as_str);
    Ok(rewrite.edits.iter().zip(&edited).map(|(e, (path, new))| Change::new(e, old(path), new)).collect())
}

/// The files of a twin build, their touched functions, and why others have no twin.
pub(super) struct Made {
    pub files: Vec<(String, String)>,
    pub twins: Vec<Twin>,
    pub left_out: Vec<String>,
}

/// The runtime stands in each edited file of its own: bodies of different files then choose apart, which adds noise and
/// no bias. The allocator can only stand once.
fn make(yard: &Yard, changes: &[Change], ask: Ask) -> Made {
    let mut made = Made { files: Vec::new(), twins: Vec::new(), left_out: Vec::new() };
    let mut allocator = ask.allocator && !twin::has_allocator(yard.texts.values().map(String::as_str));
    for change in changes {
        let twinned = twin::twin(change, yard.effects(), Ask { allocator, ..ask }, made.twins.len());
        allocator &= twinned.twins.is_empty();
        made.files.push((change.file.clone(), twinned.text));
        made.twins.extend(twinned.twins);
        made.left_out.extend(twinned.left_out);
    }
    made
}

/// What makes the calls.
pub(super) enum Driver {
    Workload(Box<crate::model::Workload>),
    Tests(Box<Command>, Box<Command>),
}

impl Driver {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Driver::Workload(_) => "workload",
            Driver::Tests(..) => "tests",
        }
    }
}

/// The workload first, because its calls are those that matter; the tests where it makes none.
pub(super) fn drivers(climb: &Climb, stand: &Stand) -> Result<Vec<Driver>, Problem> {
    let mut drivers = Vec::new();
    if let Some(workload) = climb.yard.workload() {
        drivers.push(Driver::Workload(Box::new(workload.clone())));
    }
    let packages = climb.yard.packages_of(&[climb.rewrite])?;
    let mut args = vec!["test", "--profile", profile(climb.yard), "--all-targets", "--no-fail-fast"];
    if packages.is_empty() {
        args.push("--workspace");
    }
    args.extend(packages.iter().flat_map(|p| ["-p", p.as_str()]));
    let run = stand.cargo.command(&args);
    args.push("--no-run");
    drivers.push(Driver::Tests(Box::new(stand.cargo.command(&args)), Box::new(run.merged())));
    Ok(drivers)
}

/// The profile that is measured.
pub(super) fn profile<'y>(yard: &'y Yard) -> &'y str {
    match yard.workspace.slo.code.profile.as_str() {
        "" => "release",
        named => named,
    }
}

/// What was built.
pub(super) struct Built {
    pub twins: Vec<Twin>,
    /// Which of the tries it was.
    pub asked: usize,
}

/// Builds the same in another layout; false where that is not to be had.
pub(super) type Rebuild<'a> = &'a dyn Fn(usize) -> Result<bool, Problem>;

/// Builds the twins with as much as compiles.
pub(super) fn build(
    climb: &Climb,
    stand: &Stand,
    tries: &[Made],
    driver: &Driver,
) -> Result<Result<Built, Found>, Problem> {
    let yard = climb.yard;
    let wrapper = quiet(stand)?;
    let mut tail = String::new();
    let mut tried = Vec::new();
    for (asked, made) in tries.iter().enumerate() {
        if tried.contains(&&made.files) {
            continue;
        }
        stand.put(yard, &made.files)?;
        yard.step(&format!("building old and new of {} side by side", made.twins[0].name));
        let command = match driver {
            Driver::Workload(workload) => stand.shell(&workload.build),
            Driver::Tests(build, _) => (**build).clone(),
        };
        let command = command.env("RUSTC_WORKSPACE_WRAPPER", wrapper.to_string_lossy());
        let ended = command.run(&yard.ear.cancel, &mut |line| yard.log(line))?;
        if ended.ok() {
            return Ok(Ok(Built { twins: made.twins.clone(), asked }));
        }
        if yard.ear.cancel.is_cancelled() {
            break;
        }
        tail = ended.tail;
        tried.push(&made.files);
    }
    let said = tail.lines().find(|l| l.starts_with("error")).unwrap_or("the build failed").to_owned();
    Ok(Err(Found::new(RungState::Undecided, format!("old and new cannot stand side by side: {said}")).log(tail)))
}

/// Builds the base in the twins' slot, so that the dependencies of the measured profile stand when a proof begins.
///
/// # Errors
/// A slot that cannot be written; a build that fails only costs the warmth.
pub fn warm(yard: &Yard) -> Result<(), Problem> {
    let Some(workload) = yard.workload() else { return Ok(()) };
    let stand = yard.stand_beside(Arm::Twin)?;
    stand.put(yard, &[])?;
    yard.step(&format!("{} (for timing)", workload.build));
    let command = stand.shell(&workload.build).env("RUSTC_WORKSPACE_WRAPPER", quiet(&stand)?.to_string_lossy());
    command.run(&yard.ear.cancel, &mut |line| yard.log(line)).map(drop)
}

/// A wrapper around the workspace's own compilations: generated code must not trip over lints.
pub(super) fn quiet(stand: &Stand) -> Result<PathBuf, Problem> {
    let wrapper = stand.slot.dir.join("quiet.sh");
    files::write_program(&wrapper, "#!/bin/sh\nexec \"$@\" --cap-lints allow\n")?;
    Ok(wrapper)
}

/// Runs the driver until the numbers decide, at most [`LOOKS`] times and within the gate's time; each time in another build.
fn look(climb: &Climb, twins: &[Twin], driver: &Driver, rebuild: Rebuild) -> Result<(Assessed, String), Problem> {
    let yard = climb.yard;
    let written = yard.slots.dir().join("timed");
    files::remove(&written);
    let gate = yard.workspace.slo.gate;
    let (began, limit) = (Instant::now(), Duration::from_nanos(gate.max_time_ns));
    let mut look = 0;
    loop {
        let ran = Instant::now();
        yard.step(&format!("timing {} by the {}", twins[0].name, driver.word()));
        let ended = exercise(climb, driver, &written)?;
        look += 1;
        let is_last = look == LOOKS || began.elapsed() + ran.elapsed() > limit || yard.ear.cancel.is_cancelled();
        let text = files::read_text(&written, "timings").unwrap_or_default();
        let question = Question {
            twins,
            gate,
            kind: climb.rewrite.kind,
            rule: climb.rewrite.rule,
            look: look - 1,
            is_last,
            exercised_by: driver.word(),
        };
        let assessed = timing::assess(&text, &question);
        if let Some(m) = &assessed.measurement {
            yard.ear.tell(Progress::Measured(climb.rewrite.id.clone(), Box::new(m.clone())));
        }
        // What never calls the function will not call it the next time.
        let is_decided = assessed.is_final() && !assessed.needs_another_build();
        if is_decided
            || is_last
            || text.is_empty()
            || !next_build(&written, &text, rebuild, look)? && assessed.is_final()
        {
            return Ok((assessed, ended.tail));
        }
    }
}

/// Builds the next layout and marks what it will write; false where there is none, and the same program goes on.
pub(super) fn next_build(written: &Path, text: &str, rebuild: Rebuild, layout: usize) -> Result<bool, Problem> {
    let is_another = rebuild(layout)?;
    if is_another {
        files::write_atomic(written, format!("{text}{}", slices::NEXT_BUILD).as_bytes())?;
    }
    Ok(is_another)
}

/// Makes the calls; a workload that fails before anything was timed is tried once more, for a port may have been taken.
///
/// # Errors
/// A service that does not come up, a load that fails with nothing timed.
pub(super) fn exercise(climb: &Climb, driver: &Driver, written: &Path) -> Result<Ended, Problem> {
    let yard = climb.yard;
    let _measuring = yard.ear.quiet.measure(&yard.ear.cancel);
    match driver {
        Driver::Workload(workload) => match serve(climb, workload, written) {
            Err(problem) if !yard.ear.cancel.is_cancelled() => {
                yard.step(&format!("the workload once more: {}", problem.what));
                serve(climb, workload, written)
            }
            ended => ended,
        },
        Driver::Tests(_, run) => {
            let command = (**run).clone().env(twin::VARIABLE, format!("{};patient", written.display()));
            let wrapper = quiet(&yard.stand_beside(Arm::Twin)?)?;
            let command = command.env("RUSTC_WORKSPACE_WRAPPER", wrapper.to_string_lossy());
            command.run(&yard.ear.cancel, &mut |line| yard.log(line))
        }
    }
}

fn serve(climb: &Climb, workload: &crate::model::Workload, written: &Path) -> Result<Ended, Problem> {
    let yard = climb.yard;
    let stand = yard.stand_beside(Arm::Twin)?;
    let value = written.to_string_lossy().into_owned();
    let (exercise, _) = yard.exercise(&stand, workload, "twin-requests", &[(twin::VARIABLE, &value)])?;
    let ended = exercise.run(&yard.ear.cancel, &mut |line| yard.log(line))?;
    let timed = files::read_text(written, "timings").unwrap_or_default();
    if !ended.ok() && !timed.lines().any(|l| l.starts_with("T ")) {
        let said = ended.tail.lines().last().unwrap_or("it said nothing").to_owned();
        return Err(Problem::error(format!("`{}` failed: {said}", workload.load)));
    }
    Ok(ended)
}
