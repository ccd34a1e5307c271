//! Model values in, the public JSON of the command line out: versioned, and fields are only ever added.

mod reviews;

use serde::Serialize;

pub(super) use reviews::{Operations, Reviews};

use super::compared::{ComparisonJson, PredictionJson};
use crate::jobs::{Said, Settled};
use crate::model::{
    AllocatedBy, Contribution, Counted, Evidence, Fallen, Finding, FindingCost, Interval, Measurement, ObjectiveSplit,
    Power, Precondition, Problem, Refusal, Rewrite, RewriteId, SetVerdict, SourceQuality, Survivor, TextEdit, Unit,
    Verdict,
};
use crate::pipeline::Analysis;

/// A JSON document with a final newline.
pub(super) fn document<T: Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).expect("wire types have string keys and no failing parts") + "\n"
}

/// Six decimals of a millisecond are a nanosecond: what lies below is no measurement.
fn number(x: f64) -> f64 {
    // Adding zero takes the sign off a negative zero.
    (x * 1e6).round() / 1e6 + 0.0
}

fn pair(low: f64, high: f64) -> [f64; 2] {
    [number(low), number(high)]
}

fn interval(interval: Interval) -> [f64; 2] {
    pair(interval.low, interval.high)
}

fn all<'a, M: 'a, T: From<&'a M>>(values: &'a [M]) -> Vec<T> {
    values.iter().map(T::from).collect()
}

/// A message.
#[derive(Serialize)]
pub(super) struct ProblemJson {
    level: &'static str,
    what: String,
    #[serde(rename = "where")]
    place: Option<String>,
    help: String,
}

impl From<&Problem> for ProblemJson {
    fn from(p: &Problem) -> ProblemJson {
        let place = p.place.as_ref().map(ToString::to_string);
        ProblemJson { level: p.level.word(), what: p.what.clone(), place, help: p.help.clone() }
    }
}

/// Messages as JSON.
pub(super) fn problems(problems: &[Problem]) -> Vec<ProblemJson> {
    all(problems)
}

/// What stands on standard output where a command could not be done.
#[derive(Serialize)]
pub(super) struct Failed {
    schema: &'static str,
    problems: Vec<ProblemJson>,
}

impl From<&[Problem]> for Failed {
    fn from(problems: &[Problem]) -> Failed {
        Failed { schema: "refit.error/1", problems: all(problems) }
    }
}

/// `refit rank --json`.
#[derive(Serialize)]
pub(super) struct Rank {
    schema: &'static str,
    service: String,
    sources: Vec<SourceJson>,
    objectives: Vec<ObjectiveJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    what_if: Vec<PredictionJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<ComparisonJson>,
    problems: Vec<ProblemJson>,
}

impl From<&Analysis> for Rank {
    fn from(a: &Analysis) -> Rank {
        Rank {
            schema: "refit.rank/1",
            service: a.service.clone(),
            sources: sources(a),
            objectives: all(&a.objectives),
            what_if: all(&a.predictions),
            comparison: a.comparison.as_ref().map(ComparisonJson::from),
            problems: all(&a.problems),
        }
    }
}

#[derive(Serialize)]
struct SourceJson {
    file: String,
    format: String,
    samples: u64,
    lost: u64,
    unit: &'static str,
    unresolved: u64,
    truncated: u64,
    malformed: u64,
    event: String,
    bytes: u64,
    /// Seconds since the epoch.
    recorded_at: Option<u64>,
    commit: Option<String>,
    commits_since: Option<u64>,
}

fn sources(analysis: &Analysis) -> Vec<SourceJson> {
    let json = |s: &SourceQuality| {
        let dated = analysis.recordings.iter().find(|r| r.file == s.file).cloned().unwrap_or_default();
        let (recorded_at, commit, commits_since) = (dated.at, dated.commit, dated.since);
        SourceJson { recorded_at, commit, commits_since, ..SourceJson::from(s) }
    };
    analysis.sources.iter().map(json).collect()
}

impl From<&SourceQuality> for SourceJson {
    fn from(s: &SourceQuality) -> SourceJson {
        let unit = match s.unit {
            _ if s.samples == 0 => "none",
            Unit::CpuNanoseconds => "cpu ns",
            Unit::WallNanoseconds => "wall ns",
            Unit::Samples => "samples",
            Unit::Events => "events",
            Unit::Blocks => "blocks",
            Unit::Bytes => "bytes",
            Unit::Unknown => "unknown",
        };
        SourceJson {
            file: s.file.clone(),
            format: s.format.clone(),
            samples: s.samples,
            lost: s.lost,
            unit,
            unresolved: s.unresolved,
            truncated: s.truncated,
            malformed: s.malformed,
            event: s.event.clone(),
            bytes: s.bytes,
            recorded_at: None,
            commit: None,
            commits_since: None,
        }
    }
}

#[derive(Serialize)]
struct ObjectiveJson {
    slo: String,
    operation: String,
    quantile: f64,
    limit_ms: f64,
    measured_ms: Option<f64>,
    ci_ms: Option<[f64; 2]>,
    requests: u64,
    good_ratio: Option<f64>,
    gap_ms: Option<f64>,
    basis: &'static str,
    split: Vec<RowJson>,
    sum_ms: f64,
    smallest_set: Vec<String>,
    smallest_set_ms: f64,
    reachable: bool,
    /// Rows too small for what was measured.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unresolved: Vec<String>,
}

impl From<&ObjectiveSplit> for ObjectiveJson {
    fn from(o: &ObjectiveSplit) -> ObjectiveJson {
        let measured = o.measured_ms;
        ObjectiveJson {
            slo: o.slo.clone(),
            operation: o.operation.clone(),
            quantile: o.quantile,
            limit_ms: number(o.limit_ms),
            measured_ms: measured.map(number),
            ci_ms: measured.map(|_| interval(o.ci_ms)),
            requests: o.requests,
            good_ratio: measured.map(|_| number(o.good_ratio)),
            gap_ms: measured.map(|_| number(o.gap_ms)),
            basis: o.basis.word(),
            split: all(&o.rows),
            sum_ms: number(o.sum_ms),
            smallest_set: o.smallest_set.iter().map(ToString::to_string).collect(),
            smallest_set_ms: number(o.smallest_set_ms),
            reachable: o.reachable,
            unresolved: o.unresolved().map(|r| r.name.clone()).collect(),
        }
    }
}

#[derive(Serialize)]
struct RowJson {
    kind: &'static str,
    name: String,
    file: String,
    line: u32,
    c_ms: f64,
    ci_ms: [f64; 2],
    mean_ms: f64,
    self_ms: f64,
    total_ms: f64,
    share: f64,
    budget_ms: Option<f64>,
    over_ms: f64,
    band: u32,
    samples: u64,
    cohort_samples: u64,
    /// Only where a memory profile was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    allocated: Option<AllocatedJson>,
}

#[derive(Serialize)]
struct AllocatedJson {
    blocks: f64,
    bytes: f64,
    per: &'static str,
}

impl From<AllocatedBy> for AllocatedJson {
    fn from(a: AllocatedBy) -> AllocatedJson {
        AllocatedJson {
            blocks: number(a.blocks),
            bytes: number(a.bytes),
            per: if a.per_request { "request" } else { "recording" },
        }
    }
}

impl From<&Contribution> for RowJson {
    fn from(r: &Contribution) -> RowJson {
        RowJson {
            kind: r.kind.word(),
            name: r.name.clone(),
            file: r.file.clone(),
            line: r.line,
            c_ms: number(r.c_ms),
            ci_ms: interval(r.ci_ms),
            mean_ms: number(r.mean_ms),
            self_ms: number(r.self_ms),
            total_ms: number(r.total_ms),
            share: number(r.share),
            budget_ms: r.budget_ms.map(number),
            over_ms: number(r.over_ms),
            band: r.band,
            samples: r.samples,
            cohort_samples: r.cohort_samples,
            allocated: r.allocated.map(AllocatedJson::from),
        }
    }
}

/// What a finding or a proposal costs.
#[derive(Serialize)]
struct CostJson {
    c_ms: f64,
    ci_ms: [f64; 2],
    basis: &'static str,
}

impl From<&FindingCost> for CostJson {
    fn from(c: &FindingCost) -> CostJson {
        CostJson { c_ms: number(c.c_ms), ci_ms: interval(c.ci_ms), basis: c.basis }
    }
}

/// `refit scan --json`.
#[derive(Serialize)]
pub(super) struct Scan {
    schema: &'static str,
    files: u64,
    lines: u64,
    findings: Vec<FindingJson>,
    problems: Vec<ProblemJson>,
}

impl Scan {
    pub(super) fn new(analysis: &Analysis, findings: &[&Finding]) -> Scan {
        Scan {
            schema: "refit.scan/1",
            files: analysis.files,
            lines: analysis.lines,
            findings: findings.iter().map(|f| FindingJson::from(*f)).collect(),
            problems: all(&analysis.problems),
        }
    }
}

#[derive(Serialize)]
struct FindingJson {
    rule: &'static str,
    eye: &'static str,
    kind: &'static str,
    class: &'static str,
    file: String,
    range: [u32; 2],
    line: u32,
    end_line: u32,
    column: u32,
    function: String,
    message: String,
    cost: Option<CostJson>,
    rewrite: bool,
}

impl From<&Finding> for FindingJson {
    fn from(f: &Finding) -> FindingJson {
        FindingJson {
            rule: f.rule.0,
            eye: f.eye.word(),
            kind: f.kind.word(),
            class: f.class.word(),
            file: f.file.clone(),
            range: [f.range.start, f.range.end],
            line: f.line,
            end_line: f.end_line,
            column: f.column,
            function: f.function.0.clone(),
            message: f.message.clone(),
            cost: f.cost.as_ref().map(CostJson::from),
            rewrite: f.has_rewrite,
        }
    }
}

/// `refit propose --json`.
#[derive(Serialize)]
pub(super) struct Propose {
    schema: &'static str,
    rewrites: Vec<RewriteJson>,
    refused: Vec<RefusalJson>,
    problems: Vec<ProblemJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    together: Option<Together>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdicts: Option<Vec<VerdictJson>>,
}

impl Propose {
    pub(super) fn new(
        rewrites: &[Rewrite],
        refused: &[Refusal],
        problems: &[Problem],
        together: Option<Together>,
        verdicts: Option<&[Verdict]>,
    ) -> Propose {
        Propose {
            schema: "refit.propose/1",
            rewrites: all(rewrites),
            refused: all(refused),
            problems: all(problems),
            together,
            verdicts: verdicts.map(all),
        }
    }
}

/// Proposals that compile as one.
#[derive(Serialize)]
pub(super) struct Together {
    /// Their ids.
    ids: Vec<String>,
    /// All of them in one unified diff.
    diff: String,
    /// Runs of the compiler that settled it.
    compiler_runs: usize,
}

impl From<&Settled> for Together {
    fn from(settled: &Settled) -> Together {
        let stands = |(rewrite, said): &(Rewrite, Said)| (*said == Said::Accepted).then(|| rewrite.id.0.clone());
        Together {
            ids: settled.said.iter().filter_map(stands).collect(),
            diff: settled.together.as_ref().map(|r| r.diff.clone()).unwrap_or_default(),
            compiler_runs: settled.runs,
        }
    }
}

#[derive(Serialize)]
struct RewriteJson {
    id: String,
    rule: &'static str,
    eye: &'static str,
    kind: &'static str,
    class: &'static str,
    file: String,
    line: u32,
    end_line: u32,
    function: String,
    title: String,
    edits: Vec<EditJson>,
    diff: String,
    preconditions: Vec<PreconditionJson>,
    obligations: Vec<String>,
    cost: Option<CostJson>,
}

impl From<&Rewrite> for RewriteJson {
    fn from(r: &Rewrite) -> RewriteJson {
        let edits =
            r.edits.iter().flat_map(|set| set.edits().iter().map(|e| EditJson::new(set.file(), &set.base().0, e)));
        RewriteJson {
            id: r.id.0.clone(),
            rule: r.rule.0,
            eye: r.eye.word(),
            kind: r.kind.word(),
            class: r.class.word(),
            file: r.file.clone(),
            line: r.line,
            end_line: r.end_line,
            function: r.function.0.clone(),
            title: r.title.clone(),
            edits: edits.collect(),
            diff: r.diff.clone(),
            preconditions: all(&r.preconditions),
            obligations: r.obligations.clone(),
            cost: r.cost.as_ref().map(CostJson::from),
        }
    }
}

#[derive(Serialize)]
struct EditJson {
    file: String,
    base: String,
    start: u32,
    end: u32,
    text: String,
}

impl EditJson {
    fn new(file: &str, base: &str, edit: &TextEdit) -> EditJson {
        let (start, end) = (edit.range.start, edit.range.end);
        EditJson { file: file.to_owned(), base: base.to_owned(), start, end, text: edit.text.clone() }
    }
}

#[derive(Serialize)]
struct PreconditionJson {
    text: String,
    answered_by: &'static str,
    state: &'static str,
}

impl From<&Precondition> for PreconditionJson {
    fn from(p: &Precondition) -> PreconditionJson {
        PreconditionJson { text: p.text.clone(), answered_by: p.answered_by.word(), state: p.state.word() }
    }
}

#[derive(Serialize)]
struct RefusalJson {
    rule: &'static str,
    file: String,
    line: u32,
    reason: String,
}

impl From<&Refusal> for RefusalJson {
    fn from(r: &Refusal) -> RefusalJson {
        RefusalJson { rule: r.rule.0, file: r.file.clone(), line: r.line, reason: r.reason.clone() }
    }
}

/// `refit verify --json`.
#[derive(Serialize)]
pub(super) struct Verify {
    schema: &'static str,
    verdicts: Vec<VerdictJson>,
    /// Only where the proposals were proved as one change.
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<SetJson>,
}

#[derive(Serialize)]
struct SetJson {
    members: Vec<String>,
    changed_lines: u32,
    tree: String,
    by: String,
    fell_out: Vec<FallenJson>,
}

#[derive(Serialize)]
struct FallenJson {
    id: String,
    why: String,
    beside: Vec<String>,
}

impl From<&SetVerdict> for Verify {
    fn from(proved: &SetVerdict) -> Verify {
        let ids = |ids: &[RewriteId]| ids.iter().map(|id| id.0.clone()).collect::<Vec<String>>();
        let fallen = |f: &Fallen| FallenJson { id: f.rewrite.0.clone(), why: f.why.clone(), beside: ids(&f.with) };
        let set = SetJson {
            members: ids(proved.set.members()),
            changed_lines: proved.set.lines(),
            tree: proved.tree.clone(),
            by: proved.by.clone(),
            fell_out: proved.fallen.iter().map(fallen).collect(),
        };
        Verify { set: Some(set), ..Verify::from(&proved.verdicts[..]) }
    }
}

impl From<&[Verdict]> for Verify {
    fn from(verdicts: &[Verdict]) -> Verify {
        Verify { schema: "refit.verify/1", verdicts: all(verdicts), set: None }
    }
}

#[derive(Serialize)]
pub(super) struct VerdictJson {
    id: String,
    verdict: &'static str,
    by: String,
    tree: String,
    evidence: Vec<EvidenceJson>,
    measurement: Option<MeasurementJson>,
    /// Only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    power: Option<PowerJson>,
}

impl From<&Verdict> for VerdictJson {
    fn from(v: &Verdict) -> VerdictJson {
        VerdictJson {
            id: v.rewrite().0.clone(),
            verdict: v.outcome().word(),
            by: v.by().to_owned(),
            tree: v.tree().to_owned(),
            evidence: all(v.evidence()),
            measurement: v.measurement().map(MeasurementJson::from),
            power: v.power().map(PowerJson::from),
        }
    }
}

#[derive(Serialize)]
struct PowerJson {
    killed: usize,
    viable: usize,
    share: f64,
    by_twins: usize,
    survivors: Vec<SurvivorJson>,
}

#[derive(Serialize)]
struct SurvivorJson {
    file: String,
    line: u32,
    what: String,
    reached: bool,
}

impl From<&Power> for PowerJson {
    fn from(p: &Power) -> PowerJson {
        let survivor = |s: &Survivor| SurvivorJson {
            file: s.file.clone(),
            line: s.line,
            what: s.what.clone(),
            reached: s.is_reached,
        };
        PowerJson {
            killed: p.killed,
            viable: p.viable,
            share: number(p.share()),
            by_twins: p.by_twins,
            survivors: p.survivors.iter().map(survivor).collect(),
        }
    }
}

#[derive(Serialize)]
struct EvidenceJson {
    rung: &'static str,
    state: &'static str,
    detail: String,
    ms: u64,
    cached: bool,
    /// The end of what it wrote, or its table.
    #[serde(skip_serializing_if = "String::is_empty")]
    log: String,
}

impl From<&Evidence> for EvidenceJson {
    fn from(e: &Evidence) -> EvidenceJson {
        let (rung, state) = (e.rung.word(), e.state.word());
        EvidenceJson { rung, state, detail: e.detail.clone(), ms: e.ms, cached: e.cached, log: e.log.clone() }
    }
}

#[derive(Serialize)]
struct MeasurementJson {
    speed: &'static str,
    ratio: f64,
    ci: [f64; 2],
    pairs: u64,
    calls: u64,
    noise_floor: f64,
    mde: f64,
    old_ns: f64,
    new_ns: f64,
    exercised_by: String,
    witness: String,
    /// What a call of base and candidate does, counted in calls that were not timed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    counted: Vec<CountedJson>,
    /// ns per call of old, new and old again, in the order they were timed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    slices: Vec<[f64; 3]>,
    /// How many of the slices each build of the program gave.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    builds: Vec<u64>,
}

#[derive(Serialize)]
struct CountedJson {
    what: String,
    /// `B`, `ns`, or nothing where it is a number of events.
    #[serde(skip_serializing_if = "String::is_empty")]
    unit: String,
    base: f64,
    candidate: f64,
    /// True for what the proposal's kind should do less of.
    witness: bool,
}

impl From<&Counted> for CountedJson {
    fn from(c: &Counted) -> CountedJson {
        let (what, unit) = (c.what.clone(), c.unit.clone());
        CountedJson { what, unit, base: number(c.old), candidate: number(c.new), witness: c.is_witness }
    }
}

impl From<&Measurement> for MeasurementJson {
    fn from(m: &Measurement) -> MeasurementJson {
        MeasurementJson {
            speed: m.speed.word(),
            ratio: number(m.ratio),
            ci: pair(m.ci.0, m.ci.1),
            pairs: m.pairs,
            calls: m.calls,
            noise_floor: number(m.noise_floor),
            mde: number(m.mde),
            old_ns: number(m.old_ns),
            new_ns: number(m.new_ns),
            exercised_by: m.exercised_by.clone(),
            witness: m.witness.clone(),
            counted: m.counted.iter().map(CountedJson::from).collect(),
            slices: m.slices.iter().map(|s| s.map(number)).collect(),
            builds: m.builds.clone(),
        }
    }
}
