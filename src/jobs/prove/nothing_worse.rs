//! The rung *nothing worse*: base and candidate built and exercised in turns; what each spends beside its limit out.

use std::time::Duration;

use super::Found;
use crate::effects::slots::Arm;
use crate::effects::{files, machine, objects};
use crate::jobs::stand::{Stand, Yard};
use crate::jobs::{Ear, Workspace, measure};
use crate::model::{Power, Problem, Rewrite, RungState, Workload};
use crate::verify::benches::{self, Bench};
use crate::verify::spent::{self, Row, Simulated, Spending};

/// Runs of each arm: so many that none of the one reaches into the other by chance in one of twenty.
const RUNS: usize = 3;

/// A simulated service is some fifty times slower; so many times the gate's time is waited for.
const PATIENCE: u32 = 4;

/// Climbs the rung.
///
/// # Errors
/// A base that does not build or come up; a slot that cannot be written.
pub fn climb(yard: &Yard, rewrite: &Rewrite) -> Result<(Found, Option<Power>), Problem> {
    let Some(workload) = yard.workload().cloned() else {
        let why = "no [[workload]] exercises the service: what it spends cannot be measured";
        return Ok((Found::new(RungState::Undecided, why), None));
    };
    Ok((spent(yard, rewrite, &workload)?, None))
}

fn spent(yard: &Yard, rewrite: &Rewrite, workload: &Workload) -> Result<Found, Problem> {
    let files: Vec<(String, Vec<u8>)> =
        yard.edited(rewrite)?.into_iter().map(|(path, text)| (path, text.into_bytes())).collect();
    let tree = yard.repository.tree_with(&yard.base.tree, &files)?;
    let base = measure::built(yard, Arm::Before, &yard.base.tree, &yard.base.head, workload)?;
    let candidate = measure::built(yard, Arm::After, &tree, &yard.base.head, workload)?;
    let stands = [&base, &candidate];
    let mut arms = stands.map(|stand| spent::Arm { sections: sections(stand, workload), ..spent::Arm::default() });
    for pair in 0..RUNS {
        // One first, then the other first: what drifts steadily hits both alike.
        for arm in if pair % 2 == 0 { [0, 1] } else { [1, 0] } {
            arms[arm].runs.push(measure::run(yard, stands[arm], workload, "", pair)?);
        }
    }
    for (arm, stand) in arms.iter_mut().zip(stands) {
        arm.simulated = in_simulation(yard, stand, workload)?;
    }
    let packages = yard.packages_of(&[rewrite])?;
    let [of_base, of_candidate] = bench(yard, stands, &packages)?;
    (arms[0].benches, arms[1].benches) = (of_base, of_candidate);
    let slo = &yard.workspace.slo;
    Ok(judged(&spent::compare(&arms[0], &arms[1], &slo.limits, &slo.gate)))
}

/// Sections of the binary that `run` begins with.
pub fn sections(stand: &Stand, workload: &Workload) -> Vec<(String, u64)> {
    let word = workload.run.split_whitespace().next().unwrap_or_default();
    objects::loaded_sections(&stand.project.join(word)).unwrap_or_default()
}

/// One run of the service under cachegrind, where a limit asks for it.
///
/// # Errors
/// No free port.
pub fn simulated(yard: &Yard, stand: &Stand, workload: &Workload) -> Result<Result<Simulated, String>, Problem> {
    match yard.workspace.slo.limits.cache_miss_rate {
        Some(_) => in_simulation(yard, stand, workload),
        None => Ok(Err(String::from("[limits] has no `cache_miss_rate`"))),
    }
}

/// One run of the service under cachegrind, where it is installed: what it executes and misses, which no noise disturbs.
fn in_simulation(yard: &Yard, stand: &Stand, workload: &Workload) -> Result<Result<Simulated, String>, Problem> {
    if machine::version("valgrind", &["--version"], &stand.project).is_none() {
        return Ok(Err(String::from("valgrind is not installed")));
    }
    let kept = yard.slots.dir().join("cachegrind.out");
    files::remove(&kept);
    // Without `exec` the shell would be gone before cachegrind has written what it counted.
    let under = format!("exec valgrind --tool=cachegrind --cache-sim=yes --cachegrind-out-file={} ", kept.display());
    let slow = Workload { run: under + &workload.run, ..workload.clone() };
    let (mut exercise, _) = yard.exercise(stand, &slow, "requests-simulated", &[])?;
    let patience = Duration::from_nanos(yard.workspace.slo.gate.max_time_ns) * PATIENCE;
    exercise.load = exercise.load.limit(patience);
    yard.step("the workload under simulation");
    let ended = match exercise.run(&yard.ear.cancel, &mut |line| yard.log(line)) {
        Ok(ended) => ended,
        Err(problem) => return Ok(Err(problem.what)),
    };
    if !ended.ok() {
        return Ok(Err(format!("the load under simulation ended with {}", ended.words())));
    }
    let text = files::read_text(&kept, "cachegrind's output").unwrap_or_default();
    Ok(spent::cachegrind(&text).ok_or_else(|| String::from("cachegrind wrote no summary")))
}

/// Runs of the project's benches on one side, or why there are none.
type Benched = Result<Vec<Vec<Bench>>, String>;

/// The benches of these packages (of all where none is named), base and candidate in turns: one first, then the other.
///
/// # Errors
/// No cargo.
pub fn bench(yard: &Yard, stands: [&Stand; 2], packages: &[String]) -> Result<[Benched; 2], Problem> {
    let packages = yard.with_benches(packages)?;
    let none = |why: String| Ok([Err(why.clone()), Err(why)]);
    if packages.is_empty() {
        return none(String::from("the project has none"));
    }
    let mut args = vec!["bench", "--benches"];
    args.extend(packages.iter().flat_map(|p| ["-p", p.as_str()]));
    let with = |more: &[&'static str]| [&args[..], more].concat();
    for stand in stands {
        yard.step("building the benches");
        let built =
            stand.cargo.command(&with(&["--no-run"])).merged().run(&yard.ear.cancel, &mut |line| yard.log(line))?;
        if !built.ok() {
            return none(format!("`cargo bench --no-run` ended with {}", built.words()));
        }
    }
    let limit = Duration::from_nanos(yard.workspace.slo.gate.max_time_ns) * PATIENCE;
    let mut found = [Vec::new(), Vec::new()];
    for arm in [0, 1, 1, 0] {
        yard.step(if arm == 0 { "benches of the base" } else { "benches of the candidate" });
        let measuring = yard.ear.quiet.measure(&yard.ear.cancel);
        let command = stands[arm].cargo.command(&with(&[])).limit(limit);
        let ended = command.run(&yard.ear.cancel, &mut |line| yard.log(line))?;
        drop(measuring);
        if !ended.ok() {
            return none(format!("`cargo bench` ended with {}", ended.words()));
        }
        found[arm].push(benches::read(&ended.out));
    }
    if found.iter().all(|runs| runs.iter().all(Vec::is_empty)) {
        return none(String::from("what they print is neither Criterion's nor libtest's"));
    }
    Ok(found.map(Ok))
}

fn judged(rows: &[Row]) -> Found {
    let told = spent::told(rows);
    let kept: Vec<&str> = rows.iter().filter(|r| r.spending == Spending::Kept).map(|r| r.what).collect();
    let not = match told.unknown.is_empty() {
        true => String::new(),
        false => format!("; not measured: {}", told.unknown.join(", ")),
    };
    let found = match (told.worse.is_empty(), kept.is_empty()) {
        (false, _) => Found::new(RungState::Failed, told.worse.join("; ") + &not),
        (true, false) => Found::new(RungState::Passed, format!("{} no worse than the base{not}", kept.join(", "))),
        (true, true) => Found::new(RungState::Undecided, format!("nothing could be measured{not}")),
    };
    found.log(told.table)
}

/// What the code as it stands spends: the service built from the base tree, exercised once.
///
/// # Errors
/// Commands that nobody agreed to; a service that does not build or come up, a load that fails.
pub fn spent_by_base(workspace: &Workspace, workload: &Workload, ear: &Ear) -> Result<spent::Arm, Problem> {
    let yard = Yard::open(workspace, workspace.base()?, ear)?;
    let stand = measure::built(&yard, Arm::Before, &yard.base.tree, &yard.base.head, workload)?;
    let run = measure::run(&yard, &stand, workload, "", 0)?;
    let simulated = simulated(&yard, &stand, workload)?;
    Ok(spent::Arm { sections: sections(&stand, workload), runs: vec![run], simulated, ..spent::Arm::default() })
}
