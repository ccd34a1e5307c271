//! A project in; whether its budgets are met, its limits kept and its landed changes signed, point by point, out.

use super::prove::spent_by_base;
use super::{Ear, Workspace};
use crate::effects::git::LandedCommit;
use crate::effects::{files, objects};
use crate::model::{Budget, Finding, Limits, Objective, ObjectiveSplit, Problem};
use crate::pipeline::{Depth, Inputs};
use crate::verify::spent::Arm;

/// What became of one point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PointState {
    /// It holds.
    Met,
    /// It does not hold: the check says no.
    Missed,
    /// It cannot be told here; the check says no only where an objective is meant.
    Open,
}

impl PointState {
    /// The word in JSON and on screens.
    pub fn word(self) -> &'static str {
        match self {
            PointState::Met => "met",
            PointState::Missed => "missed",
            PointState::Open => "open",
        }
    }
}

/// One point of the check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// `objective`, `budget`, `limit` or `sign-off`.
    pub about: &'static str,
    /// What is checked.
    pub what: String,
    /// What became of it.
    pub state: PointState,
    /// The numbers or the reason.
    pub detail: String,
}

impl Point {
    /// True if the check says no because of it: it is missed, or it is an objective that nobody measured.
    pub fn fails(&self) -> bool {
        match self.state {
            PointState::Met => false,
            PointState::Missed => true,
            PointState::Open => self.about == "objective",
        }
    }
}

/// All points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    /// In the order of `slo.toml`, then the landed commits.
    pub points: Vec<Point>,
    /// What the rules see in hot functions; it does not make the check fail.
    pub findings: Vec<Finding>,
    /// What is worth saying beside them.
    pub problems: Vec<Problem>,
}

impl Checked {
    /// True if every objective is known to be met and nothing else is missed.
    pub fn passes(&self) -> bool {
        !self.points.iter().any(Point::fails)
    }
}

/// Whether the workload is run for limits that can be told of a running service alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exercise {
    /// None of the project's commands runs.
    Never,
    /// The service is built in a scratch checkout, started, loaded once and stopped.
    Once,
}

/// Checks a project.
///
/// # Errors
/// What keeps the analysis from being made. A workload that fails leaves its points open.
pub fn check(workspace: &Workspace, exercise: Exercise, ear: &Ear) -> Result<Checked, Vec<Problem>> {
    let analysis = workspace.compose(Inputs { depth: Depth::Scan, ..Inputs::default() }, ear)?;
    let slo = &workspace.slo;
    let split = |name: &str| analysis.objectives.iter().find(|o| o.slo == name);
    let mut points: Vec<Point> = slo.objectives.iter().map(|o| objective(o, split(&o.name))).collect();
    points.extend(slo.budgets.iter().map(|b| budget(b, split(&b.slo))));
    let spent = spent(workspace, exercise, ear);
    points.extend(limits(&slo.limits, binary_size(workspace), spent.as_ref().map_err(String::as_str)));
    let landed = workspace.repository().and_then(|r| r.landed(&workspace.branch)).map_err(|p| vec![p])?;
    points.extend(landed.iter().map(signed));
    Ok(Checked { points, findings: analysis.findings, problems: analysis.problems })
}

fn objective(objective: &Objective, split: Option<&ObjectiveSplit>) -> Point {
    let limit = objective.limit_ns as f64 / 1e6;
    let what = format!("{} within {limit} ms", objective.name);
    let Some((split, measured)) = split.and_then(|s| s.measured_ms.map(|m| (s, m))) else {
        return Point { about: "objective", what, state: PointState::Open, detail: String::from("not measured") };
    };
    let digits = crate::report::decimals(limit);
    let interval = format!("[{:.digits$}, {:.digits$}]", split.ci_ms.low, split.ci_ms.high);
    let detail =
        format!("{measured:.digits$} ms {interval}, {} requests, basis {}", split.requests, split.basis.word());
    let state = if measured <= limit { PointState::Met } else { PointState::Missed };
    Point { about: "objective", what, state, detail }
}

/// Budgets granted by hand; what is shared out by measurement is no promise that anybody made.
fn budget(budget: &Budget, split: Option<&ObjectiveSplit>) -> Point {
    let granted = budget.own_ns as f64 / 1e6;
    let name = budget.function.as_ref().or(budget.span.as_ref()).cloned().unwrap_or_default();
    let what = format!("{name} within {granted} ms of {}", budget.slo);
    let rows: Vec<_> = split.map(|s| s.rows.iter().filter(|r| matches(budget, &r.name)).collect()).unwrap_or_default();
    if rows.is_empty() || split.is_some_and(|s| s.measured_ms.is_none()) {
        return Point { about: "budget", what, state: PointState::Open, detail: String::from("not measured") };
    }
    let sum: f64 = rows.iter().map(|r| r.c_ms).sum();
    let state = if sum <= granted { PointState::Met } else { PointState::Missed };
    Point { about: "budget", what, state, detail: format!("{sum:.2} ms in {} rows", rows.len()) }
}

/// True if a budget speaks of the row with this name; `*` stands for any text.
fn matches(budget: &Budget, name: &str) -> bool {
    match (&budget.function, &budget.span) {
        (Some(pattern), _) => fits(pattern, name),
        (None, Some(span)) => span == name,
        (None, None) => false,
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => {
            let Some(rest) = name.strip_prefix(before) else { return false };
            (0..=rest.len()).filter(|i| rest.is_char_boundary(*i)).any(|i| fits(after, &rest[i..]))
        }
    }
}

/// What the service spends on its workload, or why that is not known.
fn spent(workspace: &Workspace, exercise: Exercise, ear: &Ear) -> Result<Arm, String> {
    let limits = &workspace.slo.limits;
    if limits.peak_rss.is_none() && limits.cache_miss_rate.is_none() && limits.gpu_memory.is_none() {
        return Err(String::from("no limit asks for it"));
    }
    let workload = workspace.slo.workloads.iter().find(|w| !w.load.is_empty());
    let workload = workload.ok_or("no [[workload]] exercises the service")?;
    match exercise {
        Exercise::Never => Err(String::from("it takes a run of the workload: `refit check --exercise` makes one")),
        Exercise::Once => spent_by_base(workspace, workload, ear).map_err(|problem| problem.what),
    }
}

/// Bytes of a binary that are loaded, and of its file.
type BinarySize = (u64, u64);

fn limits(limits: &Limits, binary: Option<BinarySize>, spent: Result<&Arm, &str>) -> Vec<Point> {
    let mebibytes = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    let not_here = |what: String, needs: &str| Point {
        about: "limit",
        what,
        state: PointState::Open,
        detail: format!("not measured here: {needs}"),
    };
    let mut points = Vec::new();
    if let Some(limit) = limits.binary_size {
        let what = format!("binary within {}", mebibytes(limit));
        points.push(match binary {
            Some((loaded, file)) => {
                let state = if loaded <= limit { PointState::Met } else { PointState::Missed };
                let detail = match file > loaded + loaded / 10 {
                    true => format!("{}, {} with symbols and debug information", mebibytes(loaded), mebibytes(file)),
                    false => mebibytes(loaded),
                };
                Point { about: "limit", what, state, detail }
            }
            None => not_here(what, "build the `binary` of a [[source]]"),
        });
    }
    let measured =
        |what: String, value: Option<f64>, limit: f64, shown: &dyn Fn(f64) -> String, needs: &str| match value {
            Some(value) => {
                let state = if value <= limit { PointState::Met } else { PointState::Missed };
                Point { about: "limit", what, state, detail: format!("{} in one run of the workload", shown(value)) }
            }
            None => not_here(what, needs),
        };
    let bytes = |value: f64| mebibytes(value as u64);
    let why = |otherwise| spent.err().unwrap_or(otherwise);
    let run = spent.ok().and_then(|arm| arm.runs.first());
    points.extend(limits.peak_rss.map(|l| {
        let peak = run.and_then(|r| r.peak).map(|b| b as f64);
        let needs = why("the workload starts no service, or the system does not tell");
        measured(format!("peak memory within {}", mebibytes(l)), peak, l as f64, &bytes, needs)
    }));
    points.extend(limits.cache_miss_rate.map(|l| {
        let simulated = spent.ok().map(|arm| &arm.simulated);
        let rate =
            simulated.and_then(|s| s.as_ref().ok()).filter(|s| s.references > 0.0).map(|s| s.misses / s.references);
        let needs =
            simulated.and_then(|s| s.as_ref().err()).map_or(why("the simulation counted nothing"), String::as_str);
        let shown = |rate: f64| format!("{rate:.4} of references, simulated,");
        measured(format!("cache misses within {l} of references"), rate, l, &shown, needs)
    }));
    points.extend(limits.gpu_memory.map(|l| {
        let seen = run.and_then(|r| r.gpu).map(|b| b as f64);
        let needs = why("there is no GPU that Refit can ask");
        measured(format!("GPU memory within {}", mebibytes(l)), seen, l as f64, &bytes, needs)
    }));
    points
}

/// The largest binary that a recording names and that stands there. What is loaded counts: the line tables that a
/// recording needs are stripped before a service is shipped, or never read while it runs.
fn binary_size(workspace: &Workspace) -> Option<BinarySize> {
    let binaries = workspace.slo.sources.iter().filter_map(|s| s.binary.as_ref()).map(|b| workspace.root.join(b));
    let size = |path: std::path::PathBuf| {
        let file = files::size(&path)?;
        Some((objects::loaded_size(&path).unwrap_or(file), file))
    };
    binaries.filter_map(size).max()
}

fn signed(commit: &LandedCommit) -> Point {
    let what = format!("{} {}", commit.commit.chars().take(8).collect::<String>(), commit.subject);
    let (reviewer, forced) = (commit.trailer("Reviewed-by"), commit.trailer("Refit-Forced"));
    let evidence = commit.trailer("Refit-Evidence");
    let (state, detail) = match (reviewer, forced, evidence.starts_with("verified")) {
        ("", _, _) => (PointState::Missed, String::from("nobody signed it")),
        (_, "", false) => (PointState::Missed, format!("signed by {reviewer} without evidence and without a reason")),
        (_, "", true) => (PointState::Met, format!("signed by {reviewer}")),
        (_, reason, _) => (PointState::Met, format!("FORCED by {reviewer}: {reason}")),
    };
    Point { about: "sign-off", what, state, detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::spent::{Run, Simulated};

    fn commit(trailers: &[(&str, &str)]) -> LandedCommit {
        let trailers = trailers.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        LandedCommit { commit: "0123456789ab".into(), subject: "Buffer the log".into(), trailers }
    }

    #[test]
    fn a_landed_change_needs_a_name_and_evidence_or_a_reason() {
        let state = |trailers: &[(&str, &str)]| signed(&commit(trailers)).state;
        let (name, proof) = (("Reviewed-by", "Lead <l@x>"), ("Refit-Evidence", "verified on tree 1"));
        assert_eq!(state(&[name, proof]), PointState::Met);
        assert_eq!(state(&[proof]), PointState::Missed);
        assert_eq!(state(&[name]), PointState::Missed);
        assert_eq!(state(&[name, ("Refit-Evidence", "refuted on tree 1")]), PointState::Missed);
        assert_eq!(state(&[name, ("Refit-Forced", "incident")]), PointState::Met);
        assert!(signed(&commit(&[name, ("Refit-Forced", "incident")])).detail.starts_with("FORCED"));
    }

    #[test]
    fn a_binary_is_as_large_as_what_is_loaded_of_it() {
        let limit = Limits { binary_size: Some(30 << 20), ..Limits::default() };
        let point = |loaded: u64, file: u64| limits(&limit, Some((loaded << 20, file << 20)), Err("")).remove(0);
        assert_eq!(point(20, 170).state, PointState::Met);
        assert_eq!(point(20, 170).detail, "20.0 MiB, 170.0 MiB with symbols and debug information");
        assert_eq!((point(31, 31).state, point(31, 31).detail), (PointState::Missed, String::from("31.0 MiB")));
        assert_eq!(limits(&limit, None, Err(""))[0].state, PointState::Open);

        let own = std::env::current_exe().unwrap();
        let (loaded, file) = (objects::loaded_size(&own).unwrap(), files::size(&own).unwrap());
        assert!(loaded > 100_000 && loaded < file, "{loaded} of {file}");
        assert_eq!(objects::loaded_size(std::path::Path::new(file!())), None, "a text is no object file");
    }

    #[test]
    fn a_limit_of_a_running_service_is_met_missed_or_open_with_its_reason() {
        let limit = Limits {
            peak_rss: Some(30 << 20),
            cache_miss_rate: Some(0.04),
            gpu_memory: Some(1 << 30),
            ..Limits::default()
        };
        let run = |peak| Run { peak, ..Run::default() };
        let simulated = Simulated { instructions: 1e6, references: 1e6, misses: 5e4 };
        let said = |arm: Result<&Arm, &str>| -> Vec<String> {
            limits(&limit, None, arm).into_iter().map(|p| format!("{}: {}", p.state.word(), p.detail)).collect()
        };
        let arm = Arm { runs: vec![run(Some(20 << 20))], simulated: Ok(simulated), ..Arm::default() };
        assert_eq!(
            said(Ok(&arm)),
            [
                "met: 20.0 MiB in one run of the workload",
                "missed: 0.0500 of references, simulated, in one run of the workload",
                "open: not measured here: there is no GPU that Refit can ask",
            ]
        );
        let over = Arm {
            runs: vec![run(Some(31 << 20))],
            simulated: Err("valgrind is not installed".into()),
            ..Arm::default()
        };
        assert_eq!(
            said(Ok(&over))[..2],
            ["missed: 31.0 MiB in one run of the workload", "open: not measured here: valgrind is not installed"]
        );
        // What the system does not tell is no zero.
        let unknown = Arm { runs: vec![run(None)], ..Arm::default() };
        assert_eq!(
            said(Ok(&unknown))[0],
            "open: not measured here: the workload starts no service, or the system does not tell"
        );
        assert!(said(Err("it was not run")).iter().all(|s| s == "open: not measured here: it was not run"));
    }

    #[test]
    fn patterns_match_whole_names() {
        assert!(fits("gateway::audit::*", "gateway::audit::write"));
        assert!(fits("*::write", "gateway::audit::write"));
        assert!(!fits("gateway::audit", "gateway::audit::write"));
        assert!(!fits("audit::*", "gateway::audit::write"));
    }

    #[test]
    fn an_objective_that_nobody_measured_does_not_pass() {
        let point = |about, state| Point { about, what: String::new(), state, detail: String::new() };
        let checked = |points| Checked { points, ..Checked::default() };
        assert!(!checked(vec![point("objective", PointState::Open)]).passes());
        assert!(checked(vec![point("objective", PointState::Met), point("limit", PointState::Open)]).passes());
        assert!(!checked(vec![point("limit", PointState::Missed)]).passes());
    }
}
