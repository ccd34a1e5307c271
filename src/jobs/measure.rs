//! The objective's own quantile, measured once on the accepted stack against the base.

use std::time::{Duration, Instant};

use super::prove::{bench, sections, simulated};
use super::stand::{Stand, Yard};
use super::{Ear, Workspace, read_sources};
use crate::effects::slots::Arm;
use crate::model::{Objective, Problem, Request, Source, Spent, Workload};
use crate::verify::quantile;
use crate::verify::spent::{self, Run};

pub use crate::model::ObjectiveMeasurement;

/// Pairs of blocks at least, so that drawing blocks means something, and at most.
const PAIRS: (usize, usize) = (2, 6);

/// Builds base and stack in two slots and runs the workload in ABBA blocks, each with its own log.
///
/// The base is the commit that is checked out, the stack the tip of the landing branch. Blocks are added until each
/// arm has the requests that a two-sided interval of the quantile needs and the gate's time is used up.
///
/// # Errors
/// No workload, nothing landed, a service that does not build or come up, too few requests for the quantile.
pub fn measure_objective(workspace: &Workspace, slo: &str, ear: &Ear) -> Result<ObjectiveMeasurement, Problem> {
    let (objective, workload) = asked(workspace, slo)?;
    let base = workspace.base()?;
    if base.tip == base.head {
        return Err(Problem::error(format!(
            "nothing has landed on {}: there is no stack to measure",
            workspace.branch
        ))
        .help("land a proposal first (`L`, or `refit apply`)"));
    }
    let yard = Yard::open(workspace, base, ear)?;
    let before_tree = yard.repository.tree_of(&yard.base.head)?;
    let before = built(&yard, Arm::Before, &before_tree, &yard.base.head, workload)?;
    let after = built(&yard, Arm::After, &yard.base.tip_tree, &yard.base.tip, workload)?;
    let stands = [&before, &after];
    let mut arms = stands.map(|s| spent::Arm { sections: sections(s, workload), ..spent::Arm::default() });
    let blocks = |arms: &[spent::Arm; 2]| -> [Vec<Vec<f64>>; 2] {
        [0, 1].map(|i| arms[i].runs.iter().map(|r| r.latencies.clone()).collect())
    };
    let (fewest, enough) = quantile::needed(objective.target);
    let (began, limit) = (Instant::now(), Duration::from_nanos(workspace.slo.gate.max_time_ns));
    for pair in 0..PAIRS.1 {
        // A B, then B A: what drifts steadily hits both arms alike.
        for arm in if pair % 2 == 0 { [0, 1] } else { [1, 0] } {
            arms[arm].runs.push(run(&yard, stands[arm], workload, &objective.operation, pair)?);
        }
        let counted = fewest_requests(&blocks(&arms));
        if pair + 1 >= PAIRS.0 && counted >= enough && began.elapsed() > limit {
            break;
        }
    }
    let blocks = blocks(&arms);
    let requests = fewest_requests(&blocks);
    if requests < fewest {
        return Err(Problem::error(format!(
            "{requests} requests of {} per arm are too few for the quantile {}: {fewest} give a bound, {enough} an interval",
            objective.operation, objective.target
        ))
        .help("raise the number of requests of the workload's `load`"));
    }
    let found = quantile::compare(&blocks[0], &blocks[1], objective.target, workspace.slo.gate.confidence);
    Ok(ObjectiveMeasurement {
        slo: slo.to_owned(),
        limit_ms: objective.limit_ns as f64 / 1e6,
        before_ms: found.before,
        after_ms: found.after,
        difference_ms: claimed(&found),
        requests,
        trees: (before_tree, yard.base.tip_tree.clone()),
        spent: spent_by(&yard, stands, arms, workload)?,
    })
}

fn fewest_requests(blocks: &[Vec<Vec<f64>>; 2]) -> u64 {
    blocks.iter().map(|b| b.iter().map(Vec::len).sum::<usize>()).min().unwrap_or(0) as u64
}

/// The rung *nothing worse* of the whole stack, from the same runs.
fn spent_by(
    yard: &Yard,
    stands: [&Stand; 2],
    mut arms: [spent::Arm; 2],
    workload: &Workload,
) -> Result<Spent, Problem> {
    for (arm, stand) in arms.iter_mut().zip(stands) {
        arm.simulated = simulated(yard, stand, workload)?;
    }
    let [of_base, of_stack] = bench(yard, stands, &[])?;
    (arms[0].benches, arms[1].benches) = (of_base, of_stack);
    let slo = &yard.workspace.slo;
    Ok(spent::told(&spent::compare(&arms[0], &arms[1], &slo.limits, &slo.gate)))
}

/// A difference that the run could not have told from none is shown with an interval that holds zero.
fn claimed(found: &quantile::Difference) -> (f64, f64, f64) {
    let (value, low, high) = found.difference;
    if found.is_claimed() {
        return found.difference;
    }
    (value, low.min(-found.detectable), high.max(found.detectable))
}

fn asked<'w>(workspace: &'w Workspace, slo: &str) -> Result<(&'w Objective, &'w Workload), Problem> {
    let objective = workspace.slo.objectives.iter().find(|o| o.name == slo);
    let objective = objective.ok_or_else(|| Problem::error(format!("there is no objective \"{slo}\" in slo.toml")))?;
    let logs = |w: &Workload| w.run.contains("{log}") || w.load.contains("{log}");
    let runs = |w: &&Workload| w.slo == slo && !w.load.is_empty() && logs(w);
    let workload = workspace.slo.workloads.iter().find(runs).ok_or_else(|| {
        Problem::error(format!("no [[workload]] exercises \"{slo}\": its quantile cannot be measured"))
            .help("describe one in slo.toml whose `run` or `load` writes a request log to {log}")
    })?;
    Ok((objective, workload))
}

/// A tree in a slot, with the workload built.
///
/// # Errors
/// It does not build.
pub(super) fn built(yard: &Yard, arm: Arm, tree: &str, commit: &str, workload: &Workload) -> Result<Stand, Problem> {
    let stand = yard.stand_beside(arm)?;
    stand.put_tree(tree, commit)?;
    yard.step(&format!("{} ({})", workload.build, arm.word()));
    let ended = stand.shell(&workload.build).run(&yard.ear.cancel, &mut |line| yard.log(line))?;
    if yard.ear.cancel.is_cancelled() {
        return Err(Problem::error("cancelled"));
    }
    if ended.ok() {
        return Ok(stand);
    }
    let said = ended.tail.lines().find(|l| l.starts_with("error")).unwrap_or("it said nothing").to_owned();
    Err(Problem::error(format!("`{}` ended with {}: {said}", workload.build, ended.words()))
        .help("make the workload's build pass in the project first"))
}

/// One run of the workload: latencies of an operation (of all where none is named), and what the service took.
///
/// # Errors
/// A service that does not come up, a load that fails, a log that cannot be read.
pub(super) fn run(
    yard: &Yard,
    stand: &Stand,
    workload: &Workload,
    operation: &str,
    pair: usize,
) -> Result<Run, Problem> {
    let arm = stand.slot.dir.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    yard.step(&format!("workload ({arm}, block {})", pair + 1));
    let (exercise, log) = yard.exercise(stand, workload, &format!("requests-{arm}-{pair}"), &[])?;
    let measuring = yard.ear.quiet.measure(&yard.ear.cancel);
    let exercised = exercise.watched(&yard.ear.cancel, &mut |line| yard.log(line))?;
    drop(measuring);
    if yard.ear.cancel.is_cancelled() {
        return Err(Problem::error("cancelled"));
    }
    let ended = &exercised.ended;
    if !ended.ok() {
        return Err(Problem::error(format!("the load of the workload ended with {}", ended.words()))
            .help("run its command by hand"));
    }
    let source = Source { file: log.to_string_lossy().into_owned(), ..Source::default() };
    let (profile, _) = read_sources(&yard.workspace.root, &[source], yard.ear).map_err(|mut problems| {
        let first = problems.drain(..).next();
        first.unwrap_or_else(|| Problem::error("the request log of the workload cannot be read"))
    })?;
    let ours = |r: &&Request| operation.is_empty() || r.operation == operation;
    let latencies = profile.requests.iter().filter(ours);
    let latencies = latencies.map(|r| r.end_ns.saturating_sub(r.start_ns) as f64 / 1e6).collect();
    Ok(Run { latencies, peak: exercised.peak, start_ms: exercised.start_ms, gpu: exercised.gpu })
}
