//! Latencies of two arms in blocks in; the difference of their quantile with its interval, or why it cannot be told, out.

use super::stats::{Random, normal};

/// Resamples of the block bootstrap.
const RESAMPLES: usize = 1_000;

/// A quantile before and after, in ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Before, with its interval.
    pub before: (f64, f64, f64),
    /// After, with its interval.
    pub after: (f64, f64, f64),
    /// After minus before, with its interval.
    pub difference: (f64, f64, f64),
    /// Smallest true difference that such a run finds in nine of ten cases, ms.
    pub detectable: f64,
}

impl Difference {
    /// True if the interval excludes no change and the change is one that the run can tell.
    pub fn is_claimed(&self) -> bool {
        let (value, low, high) = self.difference;
        (high < 0.0 || low > 0.0) && value.abs() >= self.detectable
    }
}

/// Requests that each arm needs for this quantile: below 299 for a p99 not even a bound is known (the largest of 298
/// lies below the quantile in 5 % of all runs), from 368 on there is a two-sided 95 % interval.
///
/// From `(1 - tail)^n <= 0.05` and, for two sides, `q^n + (1-q)^n <= 0.05` with the interval of order statistics.
pub fn needed(quantile: f64) -> (u64, u64) {
    let one_sided = (0.05f64.ln() / quantile.ln()).ceil();
    let two_sided = (0.025f64.ln() / quantile.ln()).ceil();
    (one_sided as u64, two_sided as u64)
}

/// Value at a quantile: the order statistic at rank `ceil(q n)`; 0 of nothing.
pub fn quantile(values: &[f64], q: f64) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let mut sorted = values.to_vec();
    let rank = ((q * values.len() as f64).ceil() as usize).clamp(1, values.len()) - 1;
    *sorted.select_nth_unstable_by(rank, f64::total_cmp).1
}

/// Compares a quantile of two arms. Blocks are drawn whole, and requests inside of a drawn block again: neighbouring
/// requests share the machine's moods, and there are few blocks.
pub fn compare(before: &[Vec<f64>], after: &[Vec<f64>], q: f64, confidence: f64) -> Difference {
    let mut random = Random(0xA076_1D64_78BD_642F);
    let mut draws: [Vec<f64>; 3] = Default::default();
    for _ in 0..RESAMPLES {
        let (b, a) = (quantile(&drawn(before, &mut random), q), quantile(&drawn(after, &mut random), q));
        for (list, value) in draws.iter_mut().zip([b, a, a - b]) {
            list.push(value);
        }
    }
    let value = |blocks: &[Vec<f64>]| quantile(&blocks.concat(), q);
    let (b, a) = (value(before), value(after));
    let [of_before, of_after, of_difference] = draws.map(|mut list| interval(&mut list, confidence));
    let half = (of_difference.1 - of_difference.0) / 2.0;
    let z = normal(1.0 - (1.0 - confidence) / 2.0);
    Difference {
        before: (b, of_before.0, of_before.1),
        after: (a, of_after.0, of_after.1),
        difference: (a - b, of_difference.0, of_difference.1),
        detectable: half * (1.0 + normal(0.9) / z),
    }
}

fn drawn(blocks: &[Vec<f64>], random: &mut Random) -> Vec<f64> {
    let mut all = Vec::new();
    for _ in 0..blocks.len() {
        let block = &blocks[random.below(blocks.len())];
        all.extend((0..block.len()).map(|_| block[random.below(block.len())]));
    }
    all
}

fn interval(draws: &mut [f64], confidence: f64) -> (f64, f64) {
    draws.sort_by(f64::total_cmp);
    let at = |p: f64| draws[((p * draws.len() as f64) as usize).min(draws.len() - 1)];
    let tail = (1.0 - confidence) / 2.0;
    (at(tail), at(1.0 - tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(seed: u64, n: usize, shift: f64) -> Vec<Vec<f64>> {
        let mut random = Random(seed);
        (0..4).map(|_| (0..n).map(|_| 100.0 + shift - 20.0 * random.unit().ln()).collect()).collect()
    }

    #[test]
    fn a_p99_needs_299_requests_for_a_bound_and_368_for_an_interval() {
        assert_eq!(needed(0.99), (299, 368));
        assert_eq!(needed(0.999).1, 3688);
        assert_eq!(needed(0.5), (5, 6));
    }

    #[test]
    fn the_quantile_is_an_order_statistic() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!((quantile(&values, 0.99), quantile(&values, 0.5), quantile(&[], 0.5)), (99.0, 50.0, 0.0));
    }

    #[test]
    fn a_large_shift_is_claimed_and_none_is_not() {
        let found = compare(&blocks(1, 400, 0.0), &blocks(2, 400, -80.0), 0.99, 0.95);
        assert!(found.is_claimed() && found.difference.2 < -40.0, "{found:?}");
        let same = compare(&blocks(3, 400, 0.0), &blocks(4, 400, 0.0), 0.99, 0.95);
        assert!(!same.is_claimed(), "{same:?}");
        assert!(same.detectable > 0.0);
    }
}
