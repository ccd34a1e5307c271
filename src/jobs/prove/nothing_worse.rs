//! The rung *nothing worse*: base and candidate built and exercised in turns; what each spends beside its limit out.

use std::time::Duration;

use super::Found;
use crate::effects::slots::Arm;
use crate::effects::{files, machine, objects};
use crate::jobs::measure;
use crate::jobs::stand::{Stand, Yard};
use crate::model::{Power, Problem, Rewrite, RungState, Workload};
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
        arm.simulated = simulated(yard, stand, workload)?;
    }
    let slo = &yard.workspace.slo;
    Ok(judged(&spent::compare(&arms[0], &arms[1], &slo.limits, &slo.gate)))
}

/// Sections of the binary that `run` begins with.
fn sections(stand: &Stand, workload: &Workload) -> Vec<(String, u64)> {
    let word = workload.run.split_whitespace().next().unwrap_or_default();
    objects::loaded_sections(&stand.project.join(word)).unwrap_or_default()
}

/// One run of the service under cachegrind, where a limit asks for it.
fn simulated(yard: &Yard, stand: &Stand, workload: &Workload) -> Result<Result<Simulated, String>, Problem> {
    let not = |why: &str| Ok(Err(why.to_owned()));
    if yard.workspace.slo.limits.cache_miss_rate.is_none() {
        return not("[limits] has no `cache_miss_rate`");
    }
    if machine::version("valgrind", &["--version"], &stand.project).is_none() {
        return not("valgrind is not installed");
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

fn judged(rows: &[Row]) -> Found {
    let of = |wanted: &[Spending]| rows.iter().filter(|r| wanted.contains(&r.spending)).collect::<Vec<&Row>>();
    let worse = of(&[Spending::Worse, Spending::OverLimit]);
    let (kept, unknown) = (of(&[Spending::Kept]), of(&[Spending::Unknown]));
    let names = |rows: &[&Row]| rows.iter().map(|r| r.what).collect::<Vec<_>>().join(", ");
    let not = if unknown.is_empty() { String::new() } else { format!("; not measured: {}", names(&unknown)) };
    let found = match (worse.is_empty(), kept.is_empty()) {
        (false, _) => {
            let told = worse.iter().map(|r| match r.spending {
                Spending::OverLimit => {
                    format!("{} {} to {}, over its limit of {}", r.what, r.base, r.candidate, r.limit)
                }
                _ => format!("{} {} to {} ({})", r.what, r.base, r.candidate, r.note),
            });
            Found::new(RungState::Failed, told.collect::<Vec<_>>().join("; ") + &not)
        }
        (true, false) => Found::new(RungState::Passed, format!("{} no worse than the base{not}", names(&kept))),
        (true, true) => Found::new(RungState::Undecided, format!("nothing could be measured{not}")),
    };
    found.log(spent::table(rows))
}
