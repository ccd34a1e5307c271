//! Cost of functions, the split of an objective's quantile, and the functions that own it.

use super::FunctionId;

/// A number's 95 % interval, in the unit of the number it belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// Where a number comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// Samples joined to requests: the quantile is split exactly.
    JoinedSamples,
    /// Spans alone: exclusive busy time of spans with a code location.
    Spans,
    /// Samples and the number of requests: bounds of the tail only.
    Bounds,
    /// Samples alone: mean shares, percentile unknown.
    #[default]
    SampledShare,
}

impl Basis {
    /// The word shown in tables and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Basis::JoinedSamples => "samples+requests",
            Basis::Spans => "spans",
            Basis::Bounds => "bounds",
            Basis::SampledShare => "shares",
        }
    }
}

/// Weights of one function over the whole profile, in [`super::Unit`] of the profile.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// The function itself is the leaf.
    pub self_: f64,
    /// The nearest workspace frame from the leaf is this function (a partition of all samples).
    pub owned: f64,
    /// The function is anywhere on the stack, counted once per sample.
    pub total: f64,
    /// Number of samples owned.
    pub samples: u64,
    /// Allocated blocks owned, over the whole memory profile.
    pub blocks: f64,
    /// Allocated bytes owned, over the whole memory profile.
    pub bytes: f64,
}

/// Which part of the quantile a row of the split is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKind {
    /// A function of the workspace.
    Function,
    /// Time not on a CPU, named by what was waited for.
    Wait,
    /// On a CPU, or in the request, but not placed on any function.
    Unattributed,
}

impl RowKind {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            RowKind::Function => "function",
            RowKind::Wait => "wait",
            RowKind::Unattributed => "unattributed",
        }
    }
}

/// One row of the split: milliseconds of the objective's quantile that belong to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    /// What kind of row.
    pub kind: RowKind,
    /// Function path, wait name or a label (`ambiguous: a::f or b::f`).
    pub name: String,
    /// The function, where the row is one.
    pub function: Option<FunctionId>,
    /// File relative to the project root; empty where there is none.
    pub file: String,
    /// Line from 1; 0 where there is none.
    pub line: u32,
    /// `C_f = E[T_f | L = Q_q]`, ms of the quantile; with [`Basis::SampledShare`] it is 0 and only the share speaks.
    pub c_ms: f64,
    /// Its interval (bootstrap over requests).
    pub ci_ms: Interval,
    /// Mean ms per request over all requests of the operation.
    pub mean_ms: f64,
    /// Mean self ms per request.
    pub self_ms: f64,
    /// Mean total ms per request.
    pub total_ms: f64,
    /// Share of all samples owned, 0 to 1 (what a flame graph would show).
    pub share: f64,
    /// Budget for this row in ms: granted by hand or shared out by measurement.
    pub budget_ms: Option<f64>,
    /// `c_ms - budget_ms` where positive.
    pub over_ms: f64,
    /// Rank band: rows whose intervals overlap the band's leader share it. From 1; 0 for rows that are not functions.
    pub band: u32,
    /// Samples behind the number.
    pub samples: u64,
    /// Samples in the cohort around the quantile: see [`ObjectiveSplit::is_resolved`].
    pub cohort_samples: u64,
    /// What it allocates; `None` where no memory profile was read.
    pub allocated: Option<AllocatedBy>,
}

/// Allocations of one row, owned like time: a request's mean where requests are known, else the whole recording's sum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AllocatedBy {
    /// Number of blocks.
    pub blocks: f64,
    /// Their bytes.
    pub bytes: f64,
    /// True if the numbers are means per request.
    pub per_request: bool,
}

impl AllocatedBy {
    /// Both together.
    pub fn plus(self, other: AllocatedBy) -> AllocatedBy {
        AllocatedBy { blocks: self.blocks + other.blocks, bytes: self.bytes + other.bytes, ..self }
    }
}

/// One objective, measured and split.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectiveSplit {
    /// Name of the objective.
    pub slo: String,
    /// Operation it speaks of.
    pub operation: String,
    /// Quantile in (0, 1).
    pub quantile: f64,
    /// Limit in ms.
    pub limit_ms: f64,
    /// Measured quantile in ms; `None` where nothing tells latencies.
    pub measured_ms: Option<f64>,
    /// Its interval (order statistics).
    pub ci_ms: Interval,
    /// Number of requests.
    pub requests: u64,
    /// Share of requests within the limit.
    pub good_ratio: f64,
    /// `measured - limit` in ms, negative if met.
    pub gap_ms: f64,
    /// Where the numbers come from.
    pub basis: Basis,
    /// Rows: functions worst first, then waits, window, unattributed.
    pub rows: Vec<Contribution>,
    /// Sum of the rows in ms; equals `measured_ms`.
    pub sum_ms: f64,
    /// The smallest greedy set of functions whose contributions close the gap.
    pub smallest_set: Vec<FunctionId>,
    /// Sum of that set in ms ("together at most").
    pub smallest_set_ms: f64,
    /// False if even all functions together cannot close the gap.
    pub reachable: bool,
    /// Histogram of latencies: upper edge in ms and count.
    pub histogram: Vec<(f64, u64)>,
}

impl ObjectiveSplit {
    /// Samples around the quantile that a sampled row needs: with fewer, one more or less changes it by more than a tenth.
    pub const ENOUGH_SAMPLES: u64 = 10;

    /// True if a row is large enough for what was measured: a function has [`Self::ENOUGH_SAMPLES`] around the quantile, where
    /// samples were taken, and is not smaller than half of the ± of the widest interval. Rows add up to the quantile, so
    /// what one of them may have more, the small ones may have less.
    pub fn is_resolved(&self, row: &Contribution) -> bool {
        if self.measured_ms.is_none() || !matches!(self.basis, Basis::JoinedSamples | Basis::Spans) {
            return true;
        }
        let is_sampled = self.basis == Basis::JoinedSamples && row.kind == RowKind::Function;
        let half = |r: &Contribution| (r.ci_ms.high - r.ci_ms.low) / 2.0;
        let widest = self.rows.iter().map(half).fold(0.0, f64::max);
        (!is_sampled || row.cohort_samples >= Self::ENOUGH_SAMPLES) && row.c_ms >= widest / 2.0
    }

    /// The functions and waits that are too small for what was measured, in their order.
    pub fn unresolved(&self) -> impl Iterator<Item = &Contribution> {
        let speaks = |r: &&Contribution| matches!(r.kind, RowKind::Function | RowKind::Wait) && r.c_ms > 0.0;
        self.rows.iter().filter(speaks).filter(|r| !self.is_resolved(r))
    }
}

/// A function on the ranking, with what it owns of the worst objective.
#[derive(Clone, Debug, PartialEq)]
pub struct HotFunction {
    /// The function.
    pub function: FunctionId,
    /// File relative to the project root.
    pub file: String,
    /// Line from 1.
    pub line: u32,
    /// Its row in the split.
    pub contribution: Contribution,
    /// Objective it was ranked for.
    pub slo: String,
    /// Basis of the numbers.
    pub basis: Basis,
}

/// Weight of single lines of a file: (line, ms of the quantile or share when no requests, samples).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineHeat {
    /// File relative to the project root.
    pub file: String,
    /// Line from 1, and its weight as a share (0..1) of all owned samples in the cohort.
    pub lines: Vec<(u32, f64)>,
}
