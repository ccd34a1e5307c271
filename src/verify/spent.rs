//! What runs of base and candidate spent in; each resource side by side with its limit, and what got worse, out.

use super::benches::{self, Bench};
use super::quantile;
use crate::model::{Gate, Limits, Spent};

/// Growth that is put down to chance, as a fraction: of a binary (alignment, another order of functions).
const BINARY: f64 = 0.01;
/// Of peak memory, beyond what separates the runs.
const MEMORY: f64 = 0.02;
/// Of the time to the first answer, beyond what separates the runs.
const START: f64 = 0.10;
/// Of simulated events, which are the same in each run of the same code on the same input; requests are not quite that.
const SIMULATED: f64 = 0.02;

/// One run of the workload.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Latencies of its requests, ms.
    pub latencies: Vec<f64>,
    /// Peak resident memory of the service, bytes; `None` where the system does not tell.
    pub peak: Option<u64>,
    /// From its start until the service answered, ms; `None` where the load is the program itself.
    pub start_ms: Option<f64>,
    /// Largest GPU memory that was seen, bytes; `None` without a GPU.
    pub gpu: Option<u64>,
}

/// Events of a simulated run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Simulated {
    /// Instructions.
    pub instructions: f64,
    /// Reads and writes of data.
    pub references: f64,
    /// Those that missed the first-level data cache.
    pub misses: f64,
}

/// One side.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// Sections of the binary that are loaded, with their bytes.
    pub sections: Vec<(String, u64)>,
    /// Runs of the workload.
    pub runs: Vec<Run>,
    /// A run under simulation, or why there is none.
    pub simulated: Result<Simulated, String>,
    /// Runs of the project's own benches, or why there are none.
    pub benches: Result<Vec<Vec<Bench>>, String>,
}

impl Default for Arm {
    fn default() -> Arm {
        let not = || String::from("nobody asked for it");
        Arm { sections: Vec::new(), runs: Vec::new(), simulated: Err(not()), benches: Err(not()) }
    }
}

/// What became of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spending {
    /// No worse than the base, and within its limit.
    Kept,
    /// Worse than the base.
    Worse,
    /// Beyond its limit, which the base keeps.
    OverLimit,
    /// Not measurable here.
    Unknown,
}

/// One resource, base and candidate side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// `peak memory`.
    pub what: &'static str,
    /// Of the base.
    pub base: String,
    /// Of the candidate.
    pub candidate: String,
    /// From `slo.toml`; empty where there is none.
    pub limit: String,
    /// What became of it.
    pub spending: Spending,
    /// What else is to be said: why it is unknown, by how much it is worse.
    pub note: String,
}

/// Compares all that was measured.
pub fn compare(base: &Arm, candidate: &Arm, limits: &Limits, gate: &Gate) -> Vec<Row> {
    let mut rows = vec![latency(base, candidate, gate)];
    rows.push(memory(base, candidate, limits.peak_rss));
    rows.push(start(base, candidate));
    rows.push(binary(base, candidate, limits.binary_size));
    rows.extend(simulated(base, candidate, limits.cache_miss_rate));
    rows.push(gpu(base, candidate, limits.gpu_memory));
    rows.push(benched(base, candidate));
    rows
}

/// The rows in words.
pub fn told(rows: &[Row]) -> Spent {
    let one = |row: &Row| match row.spending {
        Spending::OverLimit => {
            Some(format!("{} {} to {}, over its limit of {}", row.what, row.base, row.candidate, row.limit))
        }
        Spending::Worse if row.base.is_empty() => Some(format!("{}: {}", row.what, row.note)),
        Spending::Worse => Some(format!("{} {} to {} ({})", row.what, row.base, row.candidate, row.note)),
        Spending::Kept | Spending::Unknown => None,
    };
    let unknown = rows.iter().filter(|r| r.spending == Spending::Unknown);
    Spent {
        table: table(rows),
        worse: rows.iter().filter_map(one).collect(),
        unknown: unknown.map(|r| r.what.to_owned()).collect(),
    }
}

/// All rows as lines of equal columns.
pub fn table(rows: &[Row]) -> String {
    let width = |of: fn(&Row) -> &str, head: &str| {
        rows.iter().map(|r| of(r).chars().count()).max().unwrap_or(0).max(head.len())
    };
    let widths = [
        width(|r| r.what, ""),
        width(|r| &r.base, "base"),
        width(|r| &r.candidate, "candidate"),
        width(|r| &r.limit, "limit"),
    ];
    let line = |what: &str, base: &str, candidate: &str, limit: &str, word: &str| {
        let [a, b, c, d] = widths;
        format!("{what:<a$}  {base:>b$}  {candidate:>c$}  {limit:>d$}  {word}").trim_end().to_owned()
    };
    let mut lines = vec![line("", "base", "candidate", "limit", "")];
    for row in rows {
        let word = match row.spending {
            Spending::Kept => "",
            Spending::Worse => "WORSE",
            Spending::OverLimit => "OVER ITS LIMIT",
            Spending::Unknown => "not measurable here",
        };
        let said = match (word, row.note.as_str()) {
            ("", note) => note.to_owned(),
            (word, "") => word.to_owned(),
            (word, note) => format!("{word}: {note}"),
        };
        lines.push(line(row.what, &row.base, &row.candidate, &row.limit, &said));
    }
    lines.join("\n")
}

fn latency(base: &Arm, candidate: &Arm, gate: &Gate) -> Row {
    let blocks = |arm: &Arm| arm.runs.iter().map(|r| r.latencies.clone()).filter(|l| !l.is_empty()).collect::<Vec<_>>();
    let (before, after) = (blocks(base), blocks(candidate));
    if before.is_empty() || after.is_empty() {
        return unknown("p50", "the workload wrote no requests");
    }
    let found = quantile::compare(&before, &after, 0.5, gate.confidence);
    let shown = |(value, low, high): (f64, f64, f64)| format!("{value:.3} ms [{low:.3}, {high:.3}]");
    let is_worse = found.is_claimed() && found.difference.1 > gate.min_effect * found.before.0;
    Row {
        what: "p50",
        base: shown(found.before),
        candidate: shown(found.after),
        limit: String::new(),
        spending: if is_worse { Spending::Worse } else { Spending::Kept },
        note: if is_worse { grown(found.before.0, found.after.0) } else { String::new() },
    }
}

fn memory(base: &Arm, candidate: &Arm, limit: Option<u64>) -> Row {
    let peaks = |arm: &Arm| arm.runs.iter().filter_map(|r| r.peak).map(|b| b as f64).collect::<Vec<f64>>();
    side_by_side("peak memory", (peaks(base), peaks(candidate)), limit.map(|l| l as f64), MEMORY, mebibytes)
        .unwrap_or_else(|| unknown("peak memory", "the workload starts no service, or the system does not tell"))
}

fn start(base: &Arm, candidate: &Arm) -> Row {
    let starts = |arm: &Arm| arm.runs.iter().filter_map(|r| r.start_ms).collect::<Vec<f64>>();
    let ms = |ms: f64| format!("{ms:.0} ms");
    side_by_side("cold start", (starts(base), starts(candidate)), None, START, ms)
        .unwrap_or_else(|| unknown("cold start", "the workload starts no service"))
}

fn gpu(base: &Arm, candidate: &Arm, limit: Option<u64>) -> Row {
    let peaks = |arm: &Arm| arm.runs.iter().filter_map(|r| r.gpu).map(|b| b as f64).collect::<Vec<f64>>();
    side_by_side("GPU memory (seen)", (peaks(base), peaks(candidate)), limit.map(|l| l as f64), MEMORY, mebibytes)
        .unwrap_or_else(|| unknown("GPU memory", "there is no GPU that tells"))
}

fn binary(base: &Arm, candidate: &Arm, limit: Option<u64>) -> Row {
    let sum = |arm: &Arm| arm.sections.iter().map(|(_, bytes)| *bytes).sum::<u64>() as f64;
    if base.sections.is_empty() || candidate.sections.is_empty() {
        return unknown("binary", "`run` of the workload begins with no path of a binary");
    }
    let sums = (vec![sum(base)], vec![sum(candidate)]);
    let mut row = side_by_side("binary", sums, limit.map(|l| l as f64), BINARY, mebibytes).expect("two numbers");
    let moved = sections(base, candidate);
    row.note = [row.note, moved].into_iter().filter(|n| !n.is_empty()).collect::<Vec<_>>().join("; ");
    row
}

fn benched(base: &Arm, candidate: &Arm) -> Row {
    let (before, after) = match (&base.benches, &candidate.benches) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(why), _) | (_, Err(why)) => return unknown("benches", why),
    };
    let (slower, compared) = benches::slower(before, after);
    if compared == 0 {
        return unknown("benches", "base and candidate have none of the same name");
    }
    let spending = if slower.is_empty() { Spending::Kept } else { Spending::Worse };
    let note = if slower.is_empty() { format!("{compared} compared") } else { slower.join(", ") };
    Row { spending, note, ..unknown("benches", "") }
}

/// Sections whose size changed: `.text +1,204 B`.
fn sections(base: &Arm, candidate: &Arm) -> String {
    let size = |arm: &Arm, name: &str| arm.sections.iter().find(|(n, _)| n == name).map_or(0, |(_, b)| *b) as i64;
    let mut names: Vec<&str> = base.sections.iter().chain(&candidate.sections).map(|(n, _)| n.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let moved = names.iter().map(|name| (*name, size(candidate, name) - size(base, name))).filter(|(_, d)| *d != 0);
    moved.map(|(name, difference)| format!("{name} {difference:+} B")).collect::<Vec<_>>().join(", ")
}

fn simulated(base: &Arm, candidate: &Arm, limit: Option<f64>) -> Vec<Row> {
    let (before, after) = match (&base.simulated, &candidate.simulated) {
        (Ok(before), Ok(after)) if before.references > 0.0 && after.references > 0.0 => (before, after),
        (Err(why), _) | (_, Err(why)) => return vec![unknown("instructions", why), unknown("D1 misses", why)],
        _ => return vec![unknown("D1 misses", "the simulation counted nothing")],
    };
    let millions = |n: f64| format!("{:.2} M", n / 1e6);
    let rate = |s: &Simulated| s.misses / s.references;
    let share = |r: f64| format!("{:.2} % of references", 100.0 * r);
    let both = |of: fn(&Simulated) -> f64| (vec![of(before)], vec![of(after)]);
    let rates = (vec![rate(before)], vec![rate(after)]);
    [
        side_by_side("instructions", both(|s| s.instructions), None, SIMULATED, millions),
        side_by_side("D1 misses", both(|s| s.misses), None, SIMULATED, millions),
        // A share grows where references are saved, too: it has a limit, and is no measure of worse.
        side_by_side("D1 miss rate", rates, limit, f64::INFINITY, share),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Worse is what grew by more than the tolerance between the largest of the base and the smallest of the candidate: then
/// no run of the one reaches into the other.
fn side_by_side(
    what: &'static str,
    (base, candidate): (Vec<f64>, Vec<f64>),
    limit: Option<f64>,
    tolerance: f64,
    shown: impl Fn(f64) -> String,
) -> Option<Row> {
    let (before, after) = (middle(&base)?, middle(&candidate)?);
    let most = base.iter().copied().fold(f64::MIN, f64::max);
    let least = candidate.iter().copied().fold(f64::MAX, f64::min);
    let is_worse = least > most * (1.0 + tolerance);
    let spending = match limit {
        // What the base exceeds already is not the proposal's doing, unless it makes it worse.
        Some(limit) if after > limit && before <= limit => Spending::OverLimit,
        _ if is_worse => Spending::Worse,
        _ => Spending::Kept,
    };
    let note = match (spending, limit) {
        (Spending::Kept, Some(limit)) if before > limit && after > limit => {
            String::from("base and candidate exceed it")
        }
        (Spending::Kept, _) => String::new(),
        _ => grown(before, after),
    };
    let limit = limit.map(&shown).unwrap_or_default();
    Some(Row { what, base: shown(before), candidate: shown(after), limit, spending, note })
}

fn middle(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| super::stats::median(&mut values.to_vec()))
}

fn grown(before: f64, after: f64) -> String {
    format!("{:+.1} %", 100.0 * (after / before - 1.0))
}

fn mebibytes(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / f64::from(1 << 20))
}

fn unknown(what: &'static str, why: &str) -> Row {
    let none = String::new;
    Row { what, base: none(), candidate: none(), limit: none(), spending: Spending::Unknown, note: why.to_owned() }
}

/// The summary of a cachegrind file: instructions, references and first-level misses.
pub fn cachegrind(text: &str) -> Option<Simulated> {
    let line = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)).map(|l| l.split_whitespace());
    let numbers: Vec<f64> = line("summary:")?.filter_map(|n| n.parse().ok()).collect();
    let events: Vec<&str> = line("events:")?.collect();
    let of = |name: &str| numbers.get(events.iter().position(|e| *e == name)?).copied();
    Some(Simulated { instructions: of("Ir")?, references: of("Dr")? + of("Dw")?, misses: of("D1mr")? + of("D1mw")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn arm(peaks: [u64; 3], text: u64, p50: f64) -> Arm {
        let run = |(i, peak): (usize, u64)| Run {
            latencies: (0..400).map(|n| p50 + f64::from((n * 37 + i as u32) % 101) / 100.0).collect(),
            peak: Some(peak * MIB / 10),
            start_ms: Some(40.0 + i as f64),
            gpu: None,
        };
        Arm {
            sections: vec![(".rodata".into(), MIB), (".text".into(), text)],
            runs: peaks.into_iter().enumerate().map(run).collect(),
            ..Arm::default()
        }
    }

    fn spending(base: &Arm, candidate: &Arm, limits: &Limits) -> Vec<(&'static str, Spending)> {
        let rows = compare(base, candidate, limits, &Gate::default());
        rows.into_iter().map(|r| (r.what, r.spending)).filter(|(_, s)| *s != Spending::Unknown).collect()
    }

    #[test]
    fn runs_that_reach_into_one_another_are_no_worse() {
        let (base, candidate) = (arm([300, 310, 305], MIB, 10.0), arm([309, 312, 308], MIB + 200, 10.0));
        let all = spending(&base, &candidate, &Limits::default());
        assert_eq!(all.len(), 4);
        assert!(all.iter().all(|(_, s)| *s == Spending::Kept), "{all:?}");
    }

    #[test]
    fn what_is_worse_in_every_run_is_told_with_its_growth() {
        let (base, candidate) = (arm([300, 310, 305], MIB, 10.0), arm([390, 400, 395], 2 * MIB, 14.0));
        let rows = compare(&base, &candidate, &Limits::default(), &Gate::default());
        insta::assert_snapshot!(table(&rows), @r"
                                            base                   candidate  limit
        p50           10.500 ms [10.470, 10.520]  14.500 ms [14.470, 14.530]         WORSE: +38.1 %
        peak memory                     30.5 MiB                    39.5 MiB         WORSE: +29.5 %
        cold start                         41 ms                       41 ms
        binary                           2.0 MiB                     3.0 MiB         WORSE: +50.0 %; .text +1048576 B
        instructions                                                                 not measurable here: nobody asked for it
        D1 misses                                                                    not measurable here: nobody asked for it
        GPU memory                                                                   not measurable here: there is no GPU that tells
        benches                                                                      not measurable here: nobody asked for it
        ");
    }

    #[test]
    fn a_limit_that_the_base_keeps_must_not_be_crossed_and_one_that_it_exceeds_is_no_fault_of_the_candidate() {
        let limits = |mib: u64| Limits { peak_rss: Some(mib * MIB), ..Limits::default() };
        let of = |candidate: [u64; 3], limit: u64| {
            let all = spending(&arm([300, 300, 300], MIB, 10.0), &arm(candidate, MIB, 10.0), &limits(limit));
            all.into_iter().find(|(what, _)| *what == "peak memory").map(|(_, s)| s)
        };
        assert_eq!(of([301, 302, 303], 30), Some(Spending::OverLimit), "30.2 MiB of 30");
        assert_eq!(of([301, 302, 303], 20), Some(Spending::Kept), "both exceed it");
        assert_eq!(of([400, 400, 400], 20), Some(Spending::Worse));
    }

    #[test]
    fn what_cannot_be_measured_is_never_a_zero() {
        let rows = compare(&Arm::default(), &Arm::default(), &Limits::default(), &Gate::default());
        assert!(rows.iter().all(|r| r.spending == Spending::Unknown && r.base.is_empty() && !r.note.is_empty()));
    }

    #[test]
    fn a_rate_of_misses_that_grows_because_references_are_saved_is_no_worse() {
        let with = |references: f64, misses: f64| Arm {
            simulated: Ok(Simulated { instructions: 2.0 * references, references, misses }),
            ..Arm::default()
        };
        let of = |candidate: &Arm, limit: Option<f64>| {
            let limits = Limits { cache_miss_rate: limit, ..Limits::default() };
            spending(&with(1e8, 1e4), candidate, &limits)
        };
        let kept = [("instructions", Spending::Kept), ("D1 misses", Spending::Kept), ("D1 miss rate", Spending::Kept)];
        assert_eq!(of(&with(1e6, 1e4), Some(0.04)), kept);
        assert_eq!(of(&with(1e6, 1e4), Some(0.005))[2].1, Spending::OverLimit);
        assert_eq!(of(&with(1e8, 2e4), None)[1].1, Spending::Worse);
    }

    #[test]
    fn the_summary_of_a_cachegrind_file_is_read_by_the_names_of_its_events() {
        let text = "desc: D1 cache: 32768 B\nevents: Ir I1mr ILmr Dr D1mr DLmr Dw D1mw DLmw\nfn=x\n1 2 3\nsummary: 1000 1 1 300 6 1 100 2 1\n";
        assert_eq!(cachegrind(text), Some(Simulated { instructions: 1000.0, references: 400.0, misses: 8.0 }));
        assert_eq!(cachegrind("events: Ir\nsummary: 5\n"), None);
    }
}
