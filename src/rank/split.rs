//! The requests of one operation in; how the quantile's milliseconds divide over rows, with intervals, out.
//!
//! `C_f(q) = E[T_f | L = Q_q(L)]`, and the C of all rows add up to the quantile (Tasche 2000, "Conditional expectation as
//! quantile derivative"). The expectation is that of the line through the requests around the quantile, taken at it.
//! Intervals: the quantile's place and the line's error drawn anew each time ([`super::around`]).

use std::ops::Range;

use super::around::{Around, Jump};
use super::quantile;
use crate::model::{AllocatedBy, AttributedRow, Attribution, Contribution, Interval, RowKind};

/// Row that closes the sum where the tail is not identified.
pub const NOT_IDENTIFIED: &str = "tail not identified";

/// Nanoseconds to milliseconds.
pub fn ms(ns: f64) -> f64 {
    ns / 1e6
}

/// The requests of one operation, fastest first.
pub struct Population<'a> {
    /// What they belong to.
    pub attribution: &'a Attribution,
    /// Indices of the requests by latency, then by number.
    pub sorted: Vec<usize>,
}

impl<'a> Population<'a> {
    /// Sorts the requests of an operation.
    pub fn new(attribution: &'a Attribution, mut requests: Vec<usize>) -> Population<'a> {
        requests.sort_by_key(|r| (attribution.requests[*r].latency_ns, *r));
        Population { attribution, sorted: requests }
    }

    /// Number of requests.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Latency at a rank from 0, in ms.
    pub fn latency_ms(&self, rank: usize) -> f64 {
        ms(self.attribution.requests[self.sorted[rank]].latency_ns as f64)
    }

    /// Mean latency of ranks in ms.
    pub fn mean_latency_ms(&self, ranks: Range<usize>) -> f64 {
        let count = ranks.len().max(1) as f64;
        ranks.map(|r| self.latency_ms(r)).sum::<f64>() / count
    }

    /// Sums over ranks, per row.
    pub fn sums(&self, ranks: impl Iterator<Item = usize>) -> Vec<Sums> {
        let mut sums = vec![Sums::default(); self.attribution.rows.len()];
        for rank in ranks {
            let request = &self.attribution.requests[self.sorted[rank]];
            for part in &self.attribution.parts[request.parts.clone()] {
                let sum = &mut sums[part.row as usize];
                sum.owned += part.owned_ns;
                sum.squares += part.owned_ns * part.owned_ns;
                sum.self_ += part.self_ns;
                sum.total += part.total_ns;
                sum.samples += u64::from(part.samples);
                sum.touched = true;
            }
        }
        sums
    }
}

/// Nanoseconds of a row over some requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums {
    /// Owned.
    pub owned: f64,
    /// Squares of what each request owned.
    pub squares: f64,
    /// With the function as the leaf.
    pub self_: f64,
    /// With the function on the stack.
    pub total: f64,
    /// Samples owned.
    pub samples: u64,
    /// True if any request has the row.
    pub touched: bool,
}

impl Sums {
    /// Standard deviation over so many requests, those without the row included.
    fn scatter(&self, requests: usize) -> f64 {
        let (count, mean) = (requests.max(1) as f64, self.owned / requests.max(1) as f64);
        (self.squares / count - mean * mean).max(0.0).sqrt()
    }
}

/// A row of the split before its numbers are filled in.
pub fn blank(row: &AttributedRow, attribution: &Attribution) -> Contribution {
    let total = attribution.placed.total;
    Contribution {
        kind: row.kind,
        name: row.name.clone(),
        function: row.function.clone(),
        file: row.file.clone(),
        line: row.line,
        c_ms: 0.0,
        ci_ms: Interval::default(),
        mean_ms: 0.0,
        self_ms: 0.0,
        total_ms: 0.0,
        share: if total > 0.0 { row.cost.owned / total } else { 0.0 },
        budget_ms: None,
        over_ms: 0.0,
        band: 0,
        samples: row.cost.samples,
        cohort_samples: 0,
        allocated: attribution.allocated_over.map(|requests| {
            let (over, cost) = (requests.max(1) as f64, row.cost);
            AllocatedBy { blocks: cost.blocks / over, bytes: cost.bytes / over, per_request: requests > 0 }
        }),
    }
}

/// The row with its means per request.
pub fn with_means(row: &AttributedRow, attribution: &Attribution, all: &Sums, requests: usize) -> Contribution {
    let mean = |ns: f64| ms(ns) / requests.max(1) as f64;
    let (mean_ms, self_ms, total_ms) = (mean(all.owned), mean(all.self_), mean(all.total));
    Contribution { mean_ms, self_ms, total_ms, ..blank(row, attribution) }
}

/// Splits the quantile; the `c_ms` of the rows add up to it.
pub fn split(population: &Population, quantile: f64, seed: u64) -> (Vec<Contribution>, Option<Jump>) {
    let (n, attribution) = (population.len(), population.attribution);
    let (all, cohort) = (population.sums(0..n), population.sums(quantile::window(n, quantile)));
    let (found, jump) = estimates(population, &all, quantile, seed);
    let rows = attribution.rows.iter().enumerate().filter(|(at, row)| all[*at].touched || is_outside(row));
    let row = |(at, row): (usize, &AttributedRow)| Contribution {
        c_ms: found[at].0,
        ci_ms: found[at].1,
        cohort_samples: cohort[at].samples,
        ..with_means(row, attribution, &all[at], n)
    };
    (rows.map(row).collect(), jump)
}

/// What every row owns of the quantile in ms, with its 95 % interval; and the jump beside which the quantile lies.
fn estimates(population: &Population, all: &[Sums], quantile: f64, seed: u64) -> (Vec<(f64, Interval)>, Option<Jump>) {
    let (attribution, n) = (population.attribution, population.len());
    let latencies: Vec<f64> = (0..n).map(|rank| population.latency_ms(rank)).collect();
    let around = Around::new(&latencies, quantile, seed);
    let mut owned = vec![vec![0.0; around.ranks().len()]; attribution.rows.len()];
    for (slot, rank) in around.ranks().iter().enumerate() {
        for part in &attribution.parts[attribution.requests[population.sorted[*rank]].parts.clone()] {
            owned[part.row as usize][slot] += ms(part.owned_ns);
        }
    }
    let estimate = |(at, row): (usize, &AttributedRow)| {
        let (c_ms, ci) = around.estimate(&owned[at], ms(all[at].scatter(n)));
        // Neither a function nor a wait takes less than no time.
        let least = if row.kind == RowKind::Unattributed { f64::NEG_INFINITY } else { 0.0 };
        (c_ms, Interval { low: ci.low.max(least).min(c_ms), high: ci.high })
    };
    (attribution.rows.iter().enumerate().map(estimate).collect(), around.jump)
}

/// Work outside of requests is shown, and is no part of the quantile.
fn is_outside(row: &AttributedRow) -> bool {
    row.kind == RowKind::Unattributed && row.name == crate::model::OUTSIDE_OF_REQUESTS && row.cost.owned > 0.0
}

/// A row that stands for no row of the attribution.
pub fn named(kind: RowKind, name: &str) -> Contribution {
    let row = AttributedRow {
        kind,
        name: name.into(),
        function: None,
        file: String::new(),
        line: 0,
        cost: Default::default(),
    };
    blank(&row, &Attribution::default())
}

/// Mean shares and, with the number of requests, bounds of the tail:
/// `0 <= E[T_f | L >= Q] <= min(E[L | L >= Q], E[T_f] / (1-q))`.
pub fn bounds(population: &Population, quantile: f64, seed: u64) -> Vec<Contribution> {
    let (n, attribution) = (population.len(), population.attribution);
    let at = quantile::order_statistic(n, quantile);
    let (measured, tail) = (population.latency_ms(at), population.mean_latency_ms(at..n));
    let all = population.sums(0..n);
    let (waits, _) = estimates(population, &all, quantile, seed);
    let requests = attribution.requests.len().max(1) as f64;
    let mut rows = Vec::new();
    for (at, (row, sums)) in attribution.rows.iter().zip(&all).enumerate() {
        if row.kind == RowKind::Wait && sums.touched {
            let (c_ms, ci_ms) = waits[at];
            rows.push(Contribution { c_ms, ci_ms, ..with_means(row, attribution, sums, n) });
        }
        if row.cost.samples == 0 {
            continue;
        }
        let known = attribution.unit == crate::model::Unit::CpuNanoseconds;
        let mean = |weight: f64| if known { ms(weight) / requests } else { 0.0 };
        let mean_ms = mean(row.cost.owned);
        rows.push(Contribution {
            c_ms: mean_ms,
            ci_ms: Interval { low: 0.0, high: if known { tail.min(mean_ms / (1.0 - quantile)) } else { tail } },
            mean_ms,
            self_ms: mean(row.cost.self_),
            total_ms: mean(row.cost.total),
            ..with_means(row, attribution, sums, n)
        });
    }
    let known: f64 = rows.iter().map(|r| r.c_ms).sum();
    rows.push(Contribution {
        c_ms: measured - known,
        ci_ms: Interval { low: measured - tail, high: measured },
        ..named(RowKind::Unattributed, NOT_IDENTIFIED)
    });
    rows
}

/// Mean shares alone: nothing is said about the quantile.
pub fn shares(population: &Population) -> Vec<Contribution> {
    let n = population.len();
    let all = population.sums(0..n);
    let rows = population.attribution.rows.iter().zip(&all);
    rows.filter(|(row, sums)| row.cost.owned > 0.0 || sums.touched)
        .map(|(row, sums)| with_means(row, population.attribution, sums, n))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::quantile::Random;
    use super::*;
    use crate::model::{AttributedRequest, Part};

    const NAMES: [&str; 3] = ["steady", "heavy tailed", "acquirer"];

    /// Requests of `1..3 ms + 4·exp(0.8 N) ms + Exp(3 ms)`: what is steady, what makes the tail, and a wait.
    fn draw(n: usize, random: &mut Random) -> Vec<[f64; 3]> {
        let mut one = || {
            let tail = 4.0 * (0.8 * random.normal()).exp();
            [1.0 + 2.0 * random.uniform(), tail, -3.0 * random.uniform().ln()]
        };
        (0..n).map(|_| one()).collect()
    }

    fn attributed(requests: &[[f64; 3]]) -> Attribution {
        let kinds = [RowKind::Function, RowKind::Function, RowKind::Wait];
        let row = |(kind, name): (&RowKind, &&str)| AttributedRow {
            kind: *kind,
            name: name.to_string(),
            function: None,
            file: String::new(),
            line: 0,
            cost: Default::default(),
        };
        let mut out = Attribution { rows: kinds.iter().zip(&NAMES).map(row).collect(), ..Attribution::default() };
        for request in requests {
            let start = out.parts.len();
            let parts = request.iter().enumerate().map(|(row, ms)| Part {
                row: row as u32,
                owned_ns: (ms * 1e6).round(),
                self_ns: 0.0,
                total_ns: 0.0,
                samples: 1,
            });
            out.parts.extend(parts);
            let latency_ns = out.parts[start..].iter().map(|p| p.owned_ns).sum::<f64>() as u64;
            let (operation, span_name, parts) = (String::new(), String::new(), start..out.parts.len());
            out.requests.push(AttributedRequest { request: 0, operation, span_name, latency_ns, parts });
        }
        out
    }

    fn split_of(requests: &[[f64; 3]], seed: u64) -> (Vec<Contribution>, f64) {
        let attribution = attributed(requests);
        let population = Population::new(&attribution, (0..requests.len()).collect());
        let measured = population.latency_ms(quantile::order_statistic(requests.len(), 0.99));
        (split(&population, 0.99, seed).0, measured)
    }

    fn p99(requests: &[[f64; 3]], shrink: [f64; 3]) -> f64 {
        let mut latencies: Vec<f64> = requests.iter().map(|r| (0..3).map(|i| r[i] * (1.0 - shrink[i])).sum()).collect();
        let at = quantile::order_statistic(latencies.len(), 0.99);
        *latencies.select_nth_unstable_by(at, f64::total_cmp).1
    }

    #[test]
    fn a_contribution_is_what_the_quantile_loses_when_the_function_gets_faster() {
        let mut random = Random::new(3);
        let splits: Vec<_> = (0..20).map(|seed| split_of(&draw(4000, &mut random), seed)).collect();
        let measured: f64 = splits.iter().map(|(_, measured)| measured).sum();
        let world = draw(400_000, &mut random);
        let before = p99(&world, [0.0; 3]);
        for (at, name) in NAMES.iter().enumerate() {
            let scaled = |by: f64| p99(&world, std::array::from_fn(|i| if i == at { by } else { 0.0 }));
            let truth = (scaled(-0.15) - scaled(0.15)) / 0.3 / before;
            let rows = splits.iter().filter_map(|(rows, _)| rows.iter().find(|r| r.name == *name));
            let found = rows.map(|r| r.c_ms).sum::<f64>() / measured;
            assert!((found - truth).abs() < 0.03, "{name}: {found} of the quantile against {truth}");
        }
    }

    #[test]
    fn the_column_adds_up_to_the_measured_quantile() {
        for n in [368, 1000, 5000] {
            let (rows, measured) = split_of(&draw(n, &mut Random::new(n as u64)), 1);
            assert!((rows.iter().map(|r| r.c_ms).sum::<f64>() - measured).abs() < 1e-6, "{n}");
            assert_eq!(rows.len(), NAMES.len());
        }
    }

    #[test]
    fn intervals_cover_the_truth_as_often_as_they_claim() {
        // E[T | L = Q99] of eight million draws, mean over the ranks within 0.1 % of the quantile.
        const TRUTH: [f64; 3] = [2.055, 23.70, 6.23];
        let mut random = Random::new(11);
        let (mut hits, mut trials) = (0, 0);
        for seed in 0..40 {
            let (rows, _) = split_of(&draw(4000, &mut random), seed);
            for (name, truth) in NAMES.iter().zip(TRUTH) {
                let ci = rows.iter().find(|r| r.name == *name).unwrap().ci_ms;
                hits += u32::from(ci.low <= truth && truth <= ci.high);
                trials += 1;
            }
        }
        let coverage = f64::from(hits) / f64::from(trials);
        assert!((0.92..=0.98).contains(&coverage), "{coverage}");
    }
}
