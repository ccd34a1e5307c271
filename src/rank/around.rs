//! Latencies of requests and a quantile in; what a row owns of a request that takes as long as the quantile, with the interval
//! of that, out. Pure arithmetic.
//!
//! Two things are uncertain, and each is drawn by itself. *Where the quantile lies*: so many of n requests are faster than
//! the true one as a binomial distribution says, whatever the latencies are (David and Nagaraja, Order Statistics, 7.1).
//! *What a request of that latency spends*: the line through the requests nearest to the quantile has an error, which is
//! Student's where the requests scatter about it (Fan and Gijbels 1996, 3.2).
//!
//! A line never goes across a jump in latency, because requests above it are of another kind: 12 in 1,000 that retry say
//! nothing about the 988 that do not. Where the quantile may lie on either side, the draws come from the lines of both.

use std::ops::Range;

use super::quantile::{self, Random};
use crate::model::Interval;

/// Draws behind an interval.
const DRAWS: usize = 1000;
/// A distance between neighbours of so many times what is usual there is a jump: by chance, one in 160,000 is.
const JUMP: f64 = 12.0;
/// From so many requests on, their scatter about the line is known well enough; with fewer, that of all requests is taken.
const ENOUGH_FOR_SCATTER: usize = 6;

/// The requests near a quantile.
pub struct Around {
    /// Ranks of the requests that lines go through.
    ranks: Vec<usize>,
    /// The line of the quantile first, then those of other sides that draws fell on.
    lines: Vec<Line>,
    draws: Vec<Draw>,
    /// The jump beside which the quantile lies, where it may lie on either side.
    pub jump: Option<Jump>,
}

/// A jump in the latencies of requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jump {
    /// Latency of the slowest request below it.
    pub low: f64,
    /// Latency of the fastest request above it.
    pub high: f64,
    /// Requests above it.
    pub above: usize,
    /// Requests between it and the measured quantile.
    pub apart: usize,
}

/// The line through requests that stand beside one another, taken at the latency of one of them.
struct Line {
    /// Where its requests stand in [`Around::ranks`].
    slots: Range<usize>,
    latencies: Vec<f64>,
    at: f64,
    /// `Σ level·T` is what the line is at [`Self::at`].
    level: Vec<f64>,
    /// `Σ slope·T` is by how much it rises per unit of latency.
    slope: Vec<f64>,
}

/// One draw: how far from a line's place the quantile lies, and how many standard errors the line is off.
struct Draw {
    line: usize,
    away: f64,
    off: f64,
}

impl Around {
    /// Looks at requests, fastest first. There has to be one.
    pub fn new(latencies: &[f64], q: f64, seed: u64) -> Around {
        let (n, centre) = (latencies.len(), quantile::order_statistic(latencies.len(), q));
        let reach = quantile::window(n, q);
        let half = centre - reach.start;
        let (jumps, spacing) = jumps(latencies, centre, half);
        let mut around = Around { ranks: Vec::new(), lines: Vec::new(), draws: Vec::with_capacity(DRAWS), jump: None };
        let mut sides = vec![side(&jumps, centre, n)];
        around.add_line(latencies, &sides[0], centre, half);
        let below = quantile::binomial_cumulative(n, q);
        let mut random = Random::new(seed);
        for _ in 0..DRAWS {
            let (rank, latency) = place(latencies, &jumps, spacing, &below, &mut random);
            let own = side(&jumps, rank, n);
            let known = sides.iter().position(|s| *s == own);
            let line = known.unwrap_or_else(|| {
                around.add_line(latencies, &own, centre.clamp(own.start, own.end - 1), half);
                sides.push(own.clone());
                sides.len() - 1
            });
            let scattered = around.lines[line].latencies.len();
            let few = scattered < ENOUGH_FOR_SCATTER;
            let off = if few { random.normal() } else { random.student((scattered - 2) as f64) };
            around.draws.push(Draw { line, away: latency - around.lines[line].at, off });
        }
        around.jump = around.beside(latencies, &sides, centre);
        around
    }

    fn add_line(&mut self, latencies: &[f64], side: &Range<usize>, centre: usize, half: usize) {
        let (low, high) = (centre.saturating_sub(half), (centre + half + 1).min(latencies.len()));
        // What a jump cuts off on one side is made up for on the other; the end of all requests is not.
        let ranks = match (low < side.start, high > side.end) {
            (true, _) => side.start..(side.start + 2 * half + 1).min(side.end),
            (_, true) => side.end.saturating_sub(2 * half + 1).max(side.start)..side.end,
            _ => low..high,
        };
        let start = self.ranks.len();
        self.ranks.extend(ranks.clone());
        self.lines.push(Line::through(&latencies[ranks.clone()], centre - ranks.start, start));
    }

    /// The jump to the other side that most draws fell on, if they are not by chance alone.
    fn beside(&self, latencies: &[f64], sides: &[Range<usize>], centre: usize) -> Option<Jump> {
        let drawn = |line: usize| self.draws.iter().filter(|d| d.line == line).count();
        let (other, count) = (1..sides.len()).map(|line| (line, drawn(line))).max_by_key(|(_, count)| *count)?;
        let first_above = if sides[other].start > centre { sides[0].end } else { sides[0].start };
        (count as f64 >= 0.025 * DRAWS as f64).then(|| Jump {
            low: latencies[first_above - 1],
            high: latencies[first_above],
            above: latencies.len() - first_above,
            apart: if first_above > centre { first_above - centre } else { centre + 1 - first_above },
        })
    }

    /// Ranks of the requests whose values are asked for.
    pub fn ranks(&self) -> &[usize] {
        &self.ranks
    }

    /// What the values are at the quantile, and its 95 % interval. `values` stand in the order of [`Self::ranks`]; `scatter` is
    /// the standard deviation over all requests.
    pub fn estimate(&self, values: &[f64], scatter: f64) -> (f64, Interval) {
        let fits: Vec<(f64, f64, f64)> = self.lines.iter().map(|line| line.fit(values, scatter)).collect();
        let drawn = |d: &Draw| {
            let (level, slope, error) = fits[d.line];
            level + slope * d.away + d.off * error
        };
        let mut draws: Vec<f64> = self.draws.iter().map(drawn).collect();
        let (level, (low, high)) = (fits[0].0, quantile::middle_95(&mut draws));
        (level, Interval { low: low.min(level), high: high.max(level) })
    }
}

impl Line {
    fn through(latencies: &[f64], centre: usize, start: usize) -> Line {
        let mut level = Vec::new();
        quantile::weights(latencies, centre, &mut level);
        let mean = latencies.iter().sum::<f64>() / latencies.len() as f64;
        let spread: f64 = latencies.iter().map(|l| (l - mean) * (l - mean)).sum();
        let slope = latencies.iter().map(|l| if spread > 0.0 { (l - mean) / spread } else { 0.0 }).collect();
        let slots = start..start + latencies.len();
        Line { slots, latencies: latencies.to_vec(), at: latencies[centre], level, slope }
    }

    /// Level, slope, and standard error of the level.
    fn fit(&self, values: &[f64], scatter: f64) -> (f64, f64, f64) {
        let values = &values[self.slots.clone()];
        let sum = |weights: &[f64]| weights.iter().zip(values).map(|(w, v)| w * v).sum::<f64>();
        let (level, slope) = (sum(&self.level), sum(&self.slope));
        let leverage: f64 = self.level.iter().map(|w| w * w).sum();
        let off = |(latency, value): (&f64, &f64)| (value - level - slope * (latency - self.at)).powi(2);
        let scatter = if values.len() < ENOUGH_FOR_SCATTER {
            scatter
        } else {
            (self.latencies.iter().zip(values).map(off).sum::<f64>() / (values.len() - 2) as f64).sqrt()
        };
        (level, slope, scatter * leverage.sqrt())
    }
}

/// The ranks within `half · 4` of the centre after which a jump stands, and the usual spacing there.
///
/// In a tail without one, logarithms of neighbouring latencies times the number of requests beyond differ by what is
/// exponentially distributed (Sukhatme 1937, Rényi 1953), exactly so for a power law, and nearly so for others among the
/// `half · 2` to either side. Equal latencies, as of a log in whole milliseconds, are taken as evenly spread up to the next one.
fn jumps(latencies: &[f64], centre: usize, half: usize) -> (Vec<usize>, f64) {
    let n = latencies.len();
    let region = centre.saturating_sub(4 * half)..(centre + 4 * half).min(n - 1);
    let log = |rank: usize| latencies[rank].max(f64::MIN_POSITIVE).ln();
    let spacing = |rank: usize| {
        let first = latencies.partition_point(|l| *l < latencies[rank]);
        let last = latencies.partition_point(|l| *l <= latencies[rank]) - 1;
        let step = if last + 1 < n { log(last + 1) - log(last) } else { 0.0 };
        (n - 1 - rank) as f64 * step / (last + 1 - first) as f64
    };
    let spacings: Vec<f64> = region.clone().map(spacing).collect();
    let is_jump = |at: &usize| {
        let near = at.saturating_sub(2 * half)..(at + 2 * half + 1).min(spacings.len());
        let (rank, usual) = (region.start + at, usual(&spacings[near]));
        latencies[rank] < latencies[rank + 1] && usual > 0.0 && spacings[*at] > JUMP * usual
    };
    let found = (0..spacings.len()).filter(is_jump).map(|at| region.start + at).collect();
    (found, usual(&spacings))
}

/// The mean of numbers that are exponentially distributed but for some that are far too large: that of all but the largest
/// tenth, which is 0.744 of it.
fn usual(spacings: &[f64]) -> f64 {
    let kept = spacings.len() - spacings.len().div_ceil(10);
    if kept == 0 {
        return 0.0;
    }
    let mut sorted = spacings.to_vec();
    sorted.select_nth_unstable_by(kept, f64::total_cmp);
    sorted[..kept].iter().sum::<f64>() / kept as f64 / 0.744
}

/// The ranks from one jump to the next that hold a rank.
fn side(jumps: &[usize], rank: usize, n: usize) -> Range<usize> {
    let before = jumps.partition_point(|jump| *jump < rank);
    let start = if before > 0 { jumps[before - 1] + 1 } else { 0 };
    start..jumps.get(before).map_or(n, |jump| jump + 1)
}

/// Draws where the true quantile lies: its latency, and the rank of a request on the same side of all jumps.
///
/// Between two neighbours it is anywhere; in a jump it is at either end of it; beyond the slowest of a side it is as far as
/// the next request of such a tail would be.
fn place(latencies: &[f64], jumps: &[usize], spacing: f64, below: &[f64], random: &mut Random) -> (usize, f64) {
    let (n, drawn) = (latencies.len(), random.uniform());
    let faster = below.partition_point(|sum| *sum < drawn).min(n);
    let (between, next) = (random.uniform(), -random.uniform().ln());
    let Some(rank) = faster.checked_sub(1) else { return (0, latencies[0]) };
    let beyond = latencies[rank] * (spacing * next).min(1.0).exp();
    match (faster == n, jumps.binary_search(&rank).is_ok()) {
        (true, _) => (rank, beyond),
        (false, true) if between < 0.5 => (rank, beyond.min(latencies[rank + 1])),
        (false, true) => (rank + 1, latencies[rank + 1]),
        (false, false) => (rank, latencies[rank] + between * (latencies[rank + 1] - latencies[rank])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(count: usize, mut draw: impl FnMut(&mut Random) -> f64, seed: u64) -> Vec<f64> {
        let mut random = Random::new(seed);
        let mut all: Vec<f64> = (0..count).map(|_| draw(&mut random)).collect();
        all.sort_unstable_by(f64::total_cmp);
        all
    }

    fn rare(random: &mut Random) -> f64 {
        let slow = if random.uniform() < 0.012 { 40.0 + 5.0 * random.uniform() } else { 0.0 };
        5.0 + 2.0 * random.uniform() - random.uniform().ln() + slow
    }

    #[test]
    fn a_jump_is_seen_where_there_is_one_and_in_no_smooth_tail() {
        type Draw = fn(&mut Random) -> f64;
        let smooth: [(&str, Draw); 5] = [
            ("exponential", |r| 5.0 - 3.0 * r.uniform().ln()),
            ("lognormal", |r| 4.0 * r.normal().exp()),
            ("power law", |r| 2.0 * r.uniform().powf(-0.7)),
            ("uniform", |r| 10.0 + r.uniform()),
            ("whole milliseconds", |r| (20.0 + 5.0 * r.normal()).round().max(1.0)),
        ];
        for n in [400, 1_000, 12_000] {
            let region = |l: &[f64]| {
                let centre = quantile::order_statistic(n, 0.99);
                jumps(l, centre, centre - quantile::window(n, 0.99).start).0
            };
            for (name, draw) in smooth {
                let seen = (0..50).filter(|seed| !region(&sorted(n, draw, *seed)).is_empty()).count();
                assert!(seen <= 1, "{name}: a jump in {seen} of 50 recordings of {n}");
            }
            let found = |seed: &u64| {
                let latencies = sorted(n, rare, *seed);
                region(&latencies).iter().any(|rank| latencies[*rank] < 30.0 && latencies[rank + 1] > 30.0)
            };
            let found = (0..50).filter(found).count();
            assert!(found >= 48, "found in {found} of 50 recordings of {n}; in some nothing is slow");
        }
    }

    #[test]
    fn no_line_goes_across_a_jump() {
        let latencies: Vec<f64> = (0..1000).map(|n| if n < 985 { n as f64 } else { 5_000.0 + n as f64 }).collect();
        let around = Around::new(&latencies, 0.99, 1);
        let line = &around.lines[0];
        assert_eq!(line.slots.len(), 11, "from the 986th to the 996th");
        assert!(line.latencies.iter().all(|l| *l > 5_000.0), "{:?}", line.latencies);
        let jump = around.jump.unwrap();
        assert_eq!(jump, Jump { low: 984.0, high: 5_985.0, above: 15, apart: 5 });
    }

    #[test]
    fn what_steps_at_a_jump_has_both_steps_in_its_interval() {
        let latencies: Vec<f64> = (0..1000).map(|n| if n < 991 { n as f64 } else { 5_000.0 + n as f64 }).collect();
        let around = Around::new(&latencies, 0.99, 1);
        let steps: Vec<f64> = around.ranks().iter().map(|r| if *r < 991 { 1.0 } else { 9.0 }).collect();
        let (c, interval) = around.estimate(&steps, 0.1);
        assert!((c - 1.0).abs() < 1e-9 && interval.low <= 1.0 && interval.high >= 9.0, "{c} {interval:?}");
    }

    #[test]
    fn latencies_themselves_are_the_quantile_within_its_own_interval() {
        for seed in 0..20 {
            let latencies = sorted(2_000, rare, seed);
            let around = Around::new(&latencies, 0.99, seed);
            let values: Vec<f64> = around.ranks().iter().map(|r| latencies[*r]).collect();
            let (c, interval) = around.estimate(&values, 1.0);
            assert!((c - latencies[quantile::order_statistic(2_000, 0.99)]).abs() < 1e-9);
            let (low, high) = quantile::order_interval(2_000, 0.99).unwrap();
            let is_near = |end: f64, rank: usize| (latencies[rank - 2]..=latencies[rank + 2]).contains(&end);
            assert!(is_near(interval.low, low) && is_near(interval.high, high), "{seed}: {interval:?}");
        }
    }

    #[test]
    fn few_and_equal_requests_have_a_line_too() {
        for latencies in [vec![3.0], vec![3.0; 2], vec![0.0; 400], vec![0.0, 0.0, 7.0]] {
            let around = Around::new(&latencies, 0.99, 1);
            let values: Vec<f64> = around.ranks().iter().map(|r| latencies[*r]).collect();
            let (c, interval) = around.estimate(&values, 0.0);
            assert!(c.is_finite() && interval.low.is_finite() && interval.high.is_finite(), "{latencies:?}");
            assert!((c - latencies.last().unwrap()).abs() < 1e-9, "{c} of {latencies:?}");
        }
    }
}
