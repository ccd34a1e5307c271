//! The rungs of the proof, their evidence, the measurement, and the verdict made of them.

use super::{Answer, Precondition, RewriteId};

/// A rung of the ladder, in the order it is climbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// Probes, then the edit: `cargo check`, no new warning.
    Compiles,
    /// The same tests pass as before.
    TestsPass,
    /// Hit counters in the replaced region.
    TestsReach,
    /// Old and new on every call of the tests: results, changed arguments, panics.
    TwinsAgree,
    /// Old and new on made inputs; climbed where it is asked for.
    PropertiesAgree,
    /// Wrong versions of the new code are caught by tests and twins; climbed where it is asked for.
    GateHasPower,
    /// Old and new compiled and compared as machine code; climbed where it is asked for, and before anything is called
    /// faster.
    Codegen,
    /// Timed against the old code in one process.
    Faster,
    /// Memory, binary, start and p50 of the workload beside the base and the limits; climbed where it is asked for.
    NothingWorse,
}

impl Rung {
    /// All rungs in order.
    pub const ALL: &'static [Rung] = &[
        Rung::Compiles,
        Rung::TestsPass,
        Rung::TestsReach,
        Rung::TwinsAgree,
        Rung::PropertiesAgree,
        Rung::GateHasPower,
        Rung::Codegen,
        Rung::Faster,
        Rung::NothingWorse,
    ];

    /// True for a rung that is climbed only where it is asked for: a verdict is whole without it.
    pub fn is_on_demand(self) -> bool {
        matches!(self, Rung::PropertiesAgree | Rung::GateHasPower | Rung::Codegen | Rung::NothingWorse)
    }

    /// What its evidence rests on, in a sentence.
    pub fn rests_on(self) -> &'static str {
        match self {
            Rung::Compiles => {
                "type questions to the compiler, then a check of all targets in a scratch checkout; warnings compared with the base's"
            }
            Rung::TestsPass => {
                "the same tests on base and new code, the base twice to know flaky ones, compared by name; before it lands once more on exactly the tree that lands"
            }
            Rung::TestsReach => "counters on the branches of the replaced code, read while the tests run",
            Rung::TwinsAgree => {
                "old and new run on every call that the tests make, and the workload: results, changed arguments, panics"
            }
            Rung::PropertiesAgree => "old and new called on made inputs, edges first, from a fixed seed",
            Rung::GateHasPower => "wrong versions of the new code, each against tests and twins",
            Rung::Codegen => "the machine code of the touched functions and of all that they reach, old beside new",
            Rung::NothingWorse => {
                "base and candidate built and exercised by the workload in turns; each resource beside its limit of slo.toml"
            }
            Rung::Faster => {
                "old and new timed in turns in one process on real calls; the old code against itself sets the noise floor"
            }
        }
    }

    /// The name shown and written in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Rung::Compiles => "compiles",
            Rung::TestsPass => "tests pass",
            Rung::TestsReach => "tests reach it",
            Rung::TwinsAgree => "twins agree",
            Rung::PropertiesAgree => "properties agree",
            Rung::GateHasPower => "gate has power",
            Rung::Codegen => "codegen",
            Rung::Faster => "faster",
            Rung::NothingWorse => "nothing worse",
        }
    }
}

/// What came out of one rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RungState {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// Zero hits: nothing executes the replaced region.
    Untested,
    /// It could not be decided (time limit, noise floor, no workload).
    Undecided,
    /// It holds, and what says so would not notice much if it did not.
    Weak,
    /// Not run: an earlier rung failed or the person cancelled.
    Skipped,
}

impl RungState {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            RungState::Passed => "passed",
            RungState::Failed => "failed",
            RungState::Untested => "untested",
            RungState::Undecided => "undecided",
            RungState::Weak => "weak",
            RungState::Skipped => "skipped",
        }
    }
}

/// One rung's result.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Which rung.
    pub rung: Rung,
    /// What came out.
    pub state: RungState,
    /// One line for people: `61 tests, the same 61 pass`.
    pub detail: String,
    /// Duration in milliseconds.
    pub ms: u64,
    /// Tail of the log, for the detail pane.
    pub log: String,
    /// True if it was taken from the cache of an equal tree.
    pub cached: bool,
}

/// How many wrong versions of the new code tests and twins catch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Power {
    /// Mutants that a test or a comparison caught.
    pub killed: usize,
    /// Mutants that compile and were run.
    pub viable: usize,
    /// Those of the killed that pass all tests and differ from the old code on a call.
    pub by_twins: usize,
    /// Those that nothing caught.
    pub survivors: Vec<Survivor>,
}

impl Power {
    /// Killed over viable.
    pub fn share(&self) -> f64 {
        self.killed as f64 / self.viable.max(1) as f64
    }
}

/// A wrong version of the new code that nothing caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivor {
    /// File relative to the project root.
    pub file: String,
    /// Line of the new text, from 1.
    pub line: u32,
    /// What was changed: `` `<=` for `<` ``.
    pub what: String,
    /// False if no test comes by.
    pub is_reached: bool,
}

impl Survivor {
    /// ``src/lib.rs:12 `<=` for `<` ``.
    pub fn line_for_people(&self) -> String {
        let but = if self.is_reached { "" } else { " (no test comes by)" };
        format!("{}:{} {}{but}", self.file, self.line, self.what)
    }
}

/// The four verdicts of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Speed {
    /// Upper bound of the ratio below `1 - delta`.
    Improved,
    /// Lower bound above `1 + delta`.
    Regressed,
    /// Interval inside `1 +- delta`: an equivalence claim.
    Same,
    /// None of these.
    Inconclusive,
}

impl Speed {
    /// The word shown and written in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Speed::Improved => "IMPROVED",
            Speed::Regressed => "REGRESSED",
            Speed::Same => "SAME",
            Speed::Inconclusive => "INCONCLUSIVE",
        }
    }
}

/// Old against new of the touched function, paired slices in one process.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// The verdict.
    pub speed: Speed,
    /// Time of new over old, Hodges-Lehmann of the pairs.
    pub ratio: f64,
    /// Bootstrap interval of the ratio.
    pub ci: (f64, f64),
    /// Confidence of that interval, as a fraction: a look that others may follow claims less.
    pub confidence: f64,
    /// Pairs of slices.
    pub pairs: u64,
    /// Calls timed on both sides together.
    pub calls: u64,
    /// Half-width of the A/A control's interval (base against base, 99 %), as a fraction.
    pub noise_floor: f64,
    /// Minimum detectable effect, as a fraction.
    pub mde: f64,
    /// ns per call of the old code: the median over the slices.
    pub old_ns: f64,
    /// ns per call of the new code: the median over the slices.
    pub new_ns: f64,
    /// What exercised it: `workload` or `tests`.
    pub exercised_by: String,
    /// The kind's deterministic witness, or `single witness`.
    pub witness: String,
    /// What calls that were not timed did, base beside candidate.
    pub counted: Vec<Counted>,
    /// The slices in the order they were timed, each as ns per call of old, new and old again; empty where they were not kept.
    pub slices: Vec<[f64; 3]>,
    /// How many of the slices each build of the program gave, in order; empty where that was not kept.
    pub builds: Vec<u64>,
}

impl Measurement {
    /// What was counted beside the witness: `read calls 4.0 to 4.0, locks waited for 61 ns to 60 ns`.
    pub fn also_counted(&self) -> Option<String> {
        let all = self.counted.iter().map(Counted::words);
        let beside: Vec<String> = all.filter(|words| !self.witness.contains(words)).collect();
        (!beside.is_empty()).then(|| beside.join(", "))
    }
}

/// Something that a call of the touched function does, counted in calls that were not timed.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    /// `allocations`, `bytes allocated`, `write calls`, `locks held`, `attempts`.
    pub what: String,
    /// `B`, `ns`, or nothing where it is a number of events.
    pub unit: String,
    /// Per call of the base: a mean, of times a median over groups of calls.
    pub old: f64,
    /// Per call of the candidate.
    pub new: f64,
    /// True for what the proposal's kind should do less of.
    pub is_witness: bool,
}

impl Counted {
    /// One side: `3.0`, `96 B`, `1.2 us`.
    pub fn shown(&self, value: f64) -> String {
        match self.unit.as_str() {
            "ns" => duration(value),
            "" => format!("{value:.1}"),
            unit => format!("{value:.0} {unit}"),
        }
    }

    /// `allocations 3.0 to 1.0`.
    pub fn words(&self) -> String {
        format!("{} {} to {}", self.what, self.shown(self.old), self.shown(self.new))
    }
}

/// A number of nanoseconds: `61 ns`, `61.2 us`, `61.2 ms`.
pub fn duration(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{:.1} us", ns / 1e3),
        ns => format!("{:.1} ms", ns / 1e6),
    }
}

/// The objective before and after the accepted stack, measured in ABBA blocks of the workload.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectiveMeasurement {
    /// Name of the objective.
    pub slo: String,
    /// Limit in ms.
    pub limit_ms: f64,
    /// Quantile before, ms, with its interval.
    pub before_ms: (f64, f64, f64),
    /// Quantile after, ms, with its interval.
    pub after_ms: (f64, f64, f64),
    /// After minus before, ms, with its interval (block bootstrap).
    pub difference_ms: (f64, f64, f64),
    /// Requests per arm.
    pub requests: u64,
    /// Tree of the base and of the stack.
    pub trees: (String, String),
    /// What both spend, beside the limits.
    pub spent: Spent,
}

/// What base and stack spend side by side, in words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spent {
    /// Lines of equal columns, one for each resource.
    pub table: String,
    /// What the stack made worse or took over its limit, each with its numbers.
    pub worse: Vec<String>,
    /// What could not be measured.
    pub unknown: Vec<String>,
}

/// What the evidence of a proposal comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Every rung holds.
    Verified,
    /// A rung failed.
    Refuted,
    /// No rung failed, but one is undecided or untested.
    Inconclusive,
}

impl Outcome {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Verified => "verified",
            Outcome::Refuted => "refuted",
            Outcome::Inconclusive => "inconclusive",
        }
    }
}

/// All evidence of one proposal on one tree; built by [`Verdict::judge`] alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    rewrite: RewriteId,
    tree: String,
    outcome: Outcome,
    by: String,
    evidence: Vec<Evidence>,
    measurement: Option<Measurement>,
    power: Option<Power>,
    is_counted: bool,
}

impl Verdict {
    /// Judges the evidence: the first failed rung refutes; an untested or undecided one leaves it inconclusive.
    ///
    /// `tree` is the git tree id that was compiled and tested. A rewrite of a neutral kind (error handling) is
    /// verified without being faster as long as it did not get slower; and what the twins could not compare is said
    /// and excused, because not every function can be run twice. What is asked for in addition decides nothing; that the
    /// evidence is weak is said.
    pub fn judge(
        rewrite: RewriteId,
        tree: String,
        evidence: Vec<Evidence>,
        measurement: Option<Measurement>,
        neutral_kind: bool,
    ) -> Verdict {
        let failed = evidence.iter().find(|e| e.state == RungState::Failed);
        let open = evidence.iter().find(|e| {
            let excused = (neutral_kind && e.rung == Rung::Faster) || e.rung == Rung::TwinsAgree;
            e.state != RungState::Passed && !excused && !e.rung.is_on_demand()
        });
        let needed = Rung::ALL.iter().filter(|r| !r.is_on_demand());
        let all_there = needed.into_iter().all(|r| evidence.iter().any(|e| e.rung == *r));
        let (outcome, by) = match (failed, open) {
            (Some(e), _) => (Outcome::Refuted, format!("{}: {}", e.rung.word(), e.detail)),
            (None, Some(e)) => (Outcome::Inconclusive, format!("{}: {}", e.rung.word(), e.detail)),
            (None, None) if all_there => {
                let excused = evidence.iter().find(|e| e.state != RungState::Passed && !e.rung.is_on_demand());
                let but = |e: &Evidence| match e.rung {
                    Rung::TwinsAgree => format!("every other rung holds; {}: {}", e.rung.word(), e.detail),
                    _ => format!("every rung holds that this kind needs; {}: {}", e.rung.word(), e.detail),
                };
                (Outcome::Verified, excused.map_or(String::from("every rung holds"), but))
            }
            (None, None) => (Outcome::Inconclusive, String::from("not every rung was climbed")),
        };
        let by = match evidence.iter().find(|e| e.state == RungState::Weak) {
            Some(e) if outcome != Outcome::Refuted => format!("{by}; {}: {}", e.rung.word(), e.detail),
            _ => by,
        };
        Verdict { rewrite, tree, outcome, by, evidence, measurement, power: None, is_counted: false }
    }

    /// The same with what the mutants came to.
    pub fn with_power(self, power: Option<Power>) -> Verdict {
        Verdict { power, ..self }
    }

    /// The same, and whether its tests ran with counters in the code.
    pub fn with_counters(self, is_counted: bool) -> Verdict {
        Verdict { is_counted, ..self }
    }

    /// True if its tests ran with counters in the code: they run once more on the tree itself before that lands.
    pub fn is_counted(&self) -> bool {
        self.is_counted
    }

    /// The proposal.
    pub fn rewrite(&self) -> &RewriteId {
        &self.rewrite
    }

    /// Git tree id that was proved.
    pub fn tree(&self) -> &str {
        &self.tree
    }

    /// What it comes to.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Which rung decided, in words.
    pub fn by(&self) -> &str {
        &self.by
    }

    /// All rungs.
    pub fn evidence(&self) -> &[Evidence] {
        &self.evidence
    }

    /// The timing, where there was one.
    pub fn measurement(&self) -> Option<&Measurement> {
        self.measurement.as_ref()
    }

    /// What the mutants came to, where that was asked for.
    pub fn power(&self) -> Option<&Power> {
        self.power.as_ref()
    }

    /// The rung's evidence.
    pub fn rung(&self, rung: Rung) -> Option<&Evidence> {
        self.evidence.iter().find(|e| e.rung == rung)
    }

    /// The preconditions of the proposal as the proof answered them; what it did not answer stays as it was.
    pub fn answers(&self, preconditions: &[Precondition]) -> Vec<Precondition> {
        let answered = |p: &Precondition| {
            let of = |a: &Answer| self.evidence.iter().any(|e| e.log.lines().any(|l| l == p.answer_line(*a)));
            let state = [Answer::Refuted, Answer::Holds].into_iter().find(of).unwrap_or(p.state);
            Precondition { state, ..p.clone() }
        };
        preconditions.iter().map(answered).collect()
    }

    /// One of the four states that screens show: `proved`, `open`, `refuted`, `untested`.
    pub fn state_word(&self) -> &'static str {
        match self.outcome {
            Outcome::Verified => "proved",
            Outcome::Refuted => "refuted",
            Outcome::Inconclusive => {
                let untested = self.evidence.iter().any(|e| e.state == RungState::Untested);
                if untested { "untested" } else { "open" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(asked: Option<RungState>, all: RungState) -> Verdict {
        let detail = |rung: Rung| if rung.is_on_demand() { "5 of 12 mutants killed" } else { "fine" };
        let evidence = |rung: Rung, state| Evidence {
            rung,
            state,
            detail: detail(rung).into(),
            ms: 1,
            log: String::new(),
            cached: false,
        };
        let rungs = Rung::ALL.iter().filter_map(|r| match r.is_on_demand() {
            true => Some(evidence(*r, asked?)),
            false => Some(evidence(*r, all)),
        });
        Verdict::judge(RewriteId("r1".into()), "t".into(), rungs.collect(), None, false)
    }

    #[test]
    fn a_verdict_is_whole_without_what_nobody_asked_for() {
        let verdict = judged(None, RungState::Passed);
        assert_eq!((verdict.outcome(), verdict.by()), (Outcome::Verified, "every rung holds"));
    }

    #[test]
    fn weak_evidence_is_said_and_decides_nothing() {
        let weak = judged(Some(RungState::Weak), RungState::Passed);
        assert_eq!(
            (weak.outcome(), weak.by()),
            (Outcome::Verified, "every rung holds; properties agree: 5 of 12 mutants killed")
        );
        let refuted = judged(Some(RungState::Weak), RungState::Failed);
        assert_eq!((refuted.outcome(), refuted.by()), (Outcome::Refuted, "compiles: fine"));
        let unknown = judged(Some(RungState::Undecided), RungState::Passed);
        assert_eq!((unknown.outcome(), unknown.by()), (Outcome::Verified, "every rung holds"));
    }
}
