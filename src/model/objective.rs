//! What `slo.toml` says: objectives, budgets, limits, workloads, gate and review policy.

/// A latency target of one operation: at least `target` of the requests within `limit_ns`.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// Name, unique in the file (RFC 1123 label).
    pub name: String,
    /// One sentence for people; may be empty.
    pub description: String,
    /// The root span or request kind it speaks of; empty means every request.
    pub operation: String,
    /// Fraction of good requests, in (0, 1): 0.99 for a p99.
    pub target: f64,
    /// Latency limit in nanoseconds.
    pub limit_ns: u64,
    /// The time window in seconds, and whether it rolls.
    pub window: Option<(u64, bool)>,
}

/// The part of an objective granted to one function or span.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// Name of the objective it is a part of.
    pub slo: String,
    /// Path pattern of the functions (`gateway::audit::*`), if it is for functions.
    pub function: Option<String>,
    /// Name of the span, if it is for a span.
    pub span: Option<String>,
    /// Own (exclusive) time granted per request at the objective's quantile, in nanoseconds.
    pub own_ns: u64,
    /// Allocations granted per call.
    pub allocations: Option<u64>,
    /// System calls granted per call.
    pub syscalls: Option<u64>,
}

/// What a rewrite may not spend.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Peak resident set size in bytes.
    pub peak_rss: Option<u64>,
    /// Size of the binary in bytes.
    pub binary_size: Option<u64>,
    /// Simulated D1 misses per reference.
    pub cache_miss_rate: Option<f64>,
    /// GPU memory in bytes; "not measurable here" without a GPU.
    pub gpu_memory: Option<u64>,
}

/// One measured input named in `slo.toml`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source {
    /// Path relative to `slo.toml`; `-` is standard input.
    pub file: String,
    /// The binary it was recorded from, for lines and inlines.
    pub binary: Option<String>,
    /// The commit it was recorded at, if known.
    pub commit: Option<String>,
    /// When it was recorded, in seconds since the epoch, if it is said.
    pub recorded: Option<u64>,
    /// Line in `slo.toml` where it stands (for messages).
    pub line: u32,
}

/// How to exercise the service for before and after.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workload {
    /// Name of the objective it exercises.
    pub slo: String,
    /// Builds service and load generator once per arm; never timed.
    pub build: String,
    /// Starts the service; `{port}` and `{log}` are filled in.
    pub run: String,
    /// `GET http://127.0.0.1:{port}/health`, asked until it answers 2xx.
    pub ready: String,
    /// Drives the load and ends; `{port}` and `{log}` are filled in.
    pub load: String,
    /// Tests for each proposal; empty means the edited crate and its dependants.
    pub test_quick: String,
    /// Tests once per accepted stack, before landing; empty means the whole workspace.
    pub test: String,
}

/// Where the code is and what counts as ours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Code {
    /// The Cargo root relative to `slo.toml`; `.` by default.
    pub root: String,
    /// Workspace packages to work on; empty means all.
    pub packages: Vec<String>,
    /// Cargo features to build with.
    pub features: Vec<String>,
    /// Cargo profile to measure with; `release` by default.
    pub profile: String,
    /// Crates outside the workspace that get rows of their own.
    pub own: Vec<String>,
    /// Globs of generated files: a labelled row, never a proposal.
    pub generated: Vec<String>,
    /// What `cargo clippy --message-format=json` wrote, relative to `slo.toml`; empty where it is not read.
    pub clippy: String,
}

/// The thresholds of the measurement gate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// Smallest effect worth landing, as a fraction (0.01 for 1 %).
    pub min_effect: f64,
    /// Confidence of every interval.
    pub confidence: f64,
    /// Longest time one measurement may take, in nanoseconds.
    pub max_time_ns: u64,
}

impl Default for Gate {
    fn default() -> Gate {
        Gate { min_effect: 0.01, confidence: 0.95, max_time_ns: 90_000_000_000 }
    }
}

/// When a review rule applies.
#[derive(Clone, Debug, PartialEq)]
pub enum ReviewWhen {
    /// A touched path matches one of these globs.
    Paths(Vec<String>),
    /// A hunk touches synchronisation primitives.
    SyncPrimitives,
    /// Every rewrite.
    Always,
}

/// Who must sign what.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewRule {
    /// The role that must sign.
    pub role: String,
    /// When it must.
    pub when: ReviewWhen,
}

/// A time-boxed run of work towards one objective.
#[derive(Clone, Debug, PartialEq)]
pub struct SprintPlan {
    /// Length in days.
    pub days: u32,
    /// Name of the objective.
    pub slo: String,
}

/// All of `slo.toml`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slo {
    /// Name of the service.
    pub service: String,
    /// Latency objectives.
    pub objectives: Vec<Objective>,
    /// Budgets granted by hand.
    pub budgets: Vec<Budget>,
    /// Measured inputs.
    pub sources: Vec<Source>,
    /// Limits of a rewrite.
    pub limits: Limits,
    /// Where the code is.
    pub code: Code,
    /// Workloads, one per objective at most.
    pub workloads: Vec<Workload>,
    /// Measurement gate.
    pub gate: Gate,
    /// Review policy.
    pub reviews: Vec<ReviewRule>,
    /// The sprint, if one is configured.
    pub sprint: Option<SprintPlan>,
}
