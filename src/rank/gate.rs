//! An attribution and its splits in; what must be said before anybody believes the ranking out.

use super::around::Jump;
use super::quantile::{order_statistic, requests_needed, window};
use super::split::named;
use crate::model::{Attribution, Basis, Contribution, Interval, Objective, ObjectiveSplit, Problem, RowKind};

/// Above this share of sampled time without a function, nothing is ranked.
const MOST_UNPLACED: f64 = 0.30;
/// Requests beyond the quantile from which on intervals hold the truth as often as they say, whatever its shape.
const ENOUGH_BEYOND: f64 = 10.0;
/// How rows of symbols begin that only an older source explains.
const NOT_IN_SOURCE: &str = "not in the source: ";
/// Row that stands for all functions where they are not ranked.
const NOT_RANKED: &str = "functions, not ranked";

/// Whether enough of the measured time lies on functions; an error refuses the ranking. `missing` is how many more requests
/// which quantile needs.
pub fn quality(attribution: &Attribution, missing: Option<(u64, f64)>, despite: bool) -> Vec<Problem> {
    let placed = attribution.placed;
    let share = if placed.judged > 0.0 { placed.unplaced / placed.judged } else { 0.0 };
    let mut largest: Vec<_> =
        attribution.rows.iter().filter(|r| r.kind == RowKind::Unattributed && r.cost.samples > 0).collect();
    largest.sort_by(|a, b| b.cost.owned.total_cmp(&a.cost.owned).then_with(|| a.name.cmp(&b.name)));
    let names: Vec<String> = largest
        .iter()
        .filter(|r| r.name != crate::model::OUTSIDE_OF_REQUESTS)
        .take(3)
        .map(|r| format!("{} {:.0} %", r.name, 100.0 * r.cost.owned / placed.total))
        .collect();
    if share <= MOST_UNPLACED {
        return Vec::new();
    }
    let what = format!(
        "{:.0} % of the measured time lies on no function of this workspace ({}); above {:.0} % the ranking would mislead",
        share * 100.0,
        names.join(", "),
        MOST_UNPLACED * 100.0
    );
    // A row says so where a symbol names a crate of ours and no function of the sources.
    let gone: f64 = largest.iter().filter(|r| r.name.starts_with(NOT_IN_SOURCE)).map(|r| r.cost.owned).sum();
    let other_source = "the profile was recorded from another version of the source: record again at this commit, or check \
                        out the one that it was recorded at";
    let no_stacks = "record whole stacks with symbols: build with `debug = 1` and `-C symbol-mangling-version=v0`, then \
                `perf record -k mono -e cpu-clock -F 997 --call-graph dwarf` (or frame pointers: `-C \
                force-frame-pointers=yes` and `--call-graph fp`); or rank all the same, on request";
    let mut help = if gone > placed.unplaced / 2.0 { other_source } else { no_stacks }.to_owned();
    if let Some((requests, quantile)) = missing {
        help += &format!("; and let it serve {requests} more requests, which the {} needs", percentile(quantile));
    }
    let problem = if despite { Problem::warning(what) } else { Problem::error(what) };
    vec![problem.help(help)]
}

/// Folds the functions into one row, so that the column still adds up.
pub fn without_functions(rows: Vec<Contribution>) -> Vec<Contribution> {
    let mut folded = named(RowKind::Unattributed, NOT_RANKED);
    let mut rest = Vec::new();
    for row in rows {
        if row.kind != RowKind::Function {
            rest.push(row);
            continue;
        }
        folded.c_ms += row.c_ms;
        folded.mean_ms += row.mean_ms;
        folded.share += row.share;
        folded.samples += row.samples;
        folded.cohort_samples += row.cohort_samples;
        let ci = folded.ci_ms;
        folded.ci_ms = Interval { low: ci.low + row.ci_ms.low, high: ci.high + row.ci_ms.high };
    }
    rest.push(folded);
    rest
}

/// The objective speaks of an operation that nobody asked for.
pub fn no_such_operation(attribution: &Attribution, objective: &Objective) -> Problem {
    let mut latencies: std::collections::BTreeMap<&str, Vec<u64>> = std::collections::BTreeMap::new();
    for request in &attribution.requests {
        latencies.entry(&request.operation).or_default().push(request.latency_ns);
    }
    let seen: Vec<String> = latencies.iter_mut().take(8).map(|(name, l)| seen_operation(name, l)).collect();
    let what =
        format!("objective {}: no request of operation \"{}\" was recorded", objective.name, objective.operation);
    Problem::error(what).help(format!("recorded are {}", seen.join(", ")))
}

fn seen_operation(name: &str, latencies: &mut [u64]) -> String {
    latencies.sort_unstable();
    let p99 = latencies[order_statistic(latencies.len(), 0.99)] as f64 / 1e6;
    format!("\"{name}\" ({} requests, p99 {p99:.1} ms)", latencies.len())
}

/// The percentile needs more requests than there are.
pub fn too_few(objective: &Objective, n: usize) -> Problem {
    let (needed, percent) = (requests_needed(objective.target), percentile(objective.target));
    let what = format!(
        "objective {}: {percent} needs {needed} requests for a 95 % interval, {n} were recorded",
        objective.name
    );
    let help = format!("record at least {} more requests; until then means and shares are shown", needed - n as u64);
    Problem::warning(what).help(help)
}

/// `p99`, `p99.9`.
pub fn percentile(quantile: f64) -> String {
    let percent = (quantile * 1e6).round() / 1e4;
    format!("p{percent}")
}

/// If waits alone are over the limit, no rewrite of code can help.
pub fn waits_alone(split: &ObjectiveSplit) -> Option<Problem> {
    let waits: f64 = split.rows.iter().filter(|r| r.kind == RowKind::Wait).map(|r| r.c_ms).sum();
    if split.measured_ms.is_none() || waits <= split.limit_ms {
        return None;
    }
    let dearest = split.rows.iter().find(|r| r.kind == RowKind::Wait).map_or("", |r| r.name.as_str());
    let what = format!(
        "objective {}: waits alone take {waits:.1} ms of a limit of {:.1} ms; no rewrite of code can meet it",
        split.slo, split.limit_ms
    );
    Some(Problem::warning(what).help(format!("shorten the waits first; the longest is \"{dearest}\"")))
}

/// So few requests lie around the quantile that what is drawn from them varies less than what is recorded would.
pub fn few_around(split: &ObjectiveSplit) -> Option<Problem> {
    let few = split.requests as f64 * (1.0 - split.quantile).min(split.quantile) < ENOUGH_BEYOND;
    let with_tail = matches!(split.basis, Basis::JoinedSamples | Basis::Spans);
    if split.measured_ms.is_none() || !few || !with_tail {
        return None;
    }
    let around = window(split.requests as usize, split.quantile).len();
    let what = format!(
        "objective {}: the split rests on the {around} requests around the {}: its intervals may be too narrow",
        split.slo,
        percentile(split.quantile)
    );
    let enough = (ENOUGH_BEYOND / (1.0 - split.quantile).min(split.quantile)).round();
    Some(Problem::note(what).help(format!("record at least {enough} requests")))
}

/// The quantile may lie on either side of a jump in latency: rows that differ between the sides have wide intervals.
pub fn beside_a_jump(split: &ObjectiveSplit, jump: &Jump) -> Problem {
    let (n, name) = (split.requests as f64, percentile(split.quantile));
    let what = format!(
        "objective {}: the {name} lies beside a jump in latency from {:.1} to {:.1} ms, with {} of {} requests above it: it may be \
         on either side, and intervals span both",
        split.slo, jump.low, jump.high, jump.above, split.requests
    );
    // Two standard deviations of the number of requests beyond the quantile tell the sides apart.
    let deviation = (n * split.quantile * (1.0 - split.quantile)).sqrt();
    let times = (2.0 * deviation / jump.apart as f64).powi(2).max(1.5);
    let help = if times <= 50.0 {
        format!("about {:.0} requests tell on which side it is", (n * times / 100.0).ceil() * 100.0)
    } else {
        let share = 100.0 * (1.0 - split.quantile);
        format!(
            "what is above it happens to about {share:.2} % of the requests, so that the {name} goes back and forth by itself"
        )
    };
    Problem::note(what).help(help)
}

/// Functions that the smallest set rests on, although too few samples stand behind them.
pub fn unresolved(split: &ObjectiveSplit) -> Option<Problem> {
    const ENOUGH: u64 = ObjectiveSplit::ENOUGH_SAMPLES;
    let weak = |r: &&Contribution| {
        r.cohort_samples < ENOUGH && r.function.as_ref().is_some_and(|f| split.smallest_set.contains(f))
    };
    let names: Vec<String> =
        split.rows.iter().filter(weak).map(|r| format!("{} ({} samples)", r.name, r.cohort_samples)).collect();
    if names.is_empty() {
        return None;
    }
    let least = split.rows.iter().filter(weak).map(|r| r.cohort_samples.max(1)).min().unwrap_or(1);
    let more = (ENOUGH as f64 / least as f64 * split.requests as f64).ceil() as u64;
    let what = format!("objective {}: not resolved around the quantile: {}", split.slo, names.join(", "));
    Some(
        Problem::note(what)
            .help(format!("{ENOUGH} samples each need about {more} requests, or a higher sampling rate")),
    )
}
