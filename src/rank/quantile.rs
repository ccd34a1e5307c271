//! Numbers of requests and quantiles in; order statistics, their intervals and random draws out. Pure arithmetic.

use std::ops::Range;

/// Requests that a two-sided 95 % interval of a quantile needs to exist: the smallest n with `q^n <= 2.5 %`
/// (and the same for `1-q`): 368 for p99, 3,688 for p99.9.
pub fn requests_needed(quantile: f64) -> u64 {
    let extreme = quantile.max(1.0 - quantile);
    (0.025f64.ln() / extreme.ln()).ceil() as u64
}

/// Index from 0 of the order statistic that is the quantile of n values: the smallest value with at least `q·n` at or
/// below it.
pub fn order_statistic(n: usize, quantile: f64) -> usize {
    let rank = (quantile * n as f64 - 1e-9).ceil() as usize;
    rank.clamp(1, n.max(1)) - 1
}

/// Indices from 0 of the order statistics that bound the quantile with 95 % confidence (binomial, distribution-free);
/// `None` with fewer than [`requests_needed`].
pub fn order_interval(n: usize, quantile: f64) -> Option<(usize, usize)> {
    if (n as u64) < requests_needed(quantile) {
        return None;
    }
    let cumulative = binomial_cumulative(n, quantile);
    // The l-th smallest lies above the quantile with P(Bin(n, q) < l); the u-th below it with P(Bin(n, q) >= u).
    let low = (1..=n).rev().find(|l| cumulative[l - 1] <= 0.025)?;
    let high = (1..=n).find(|u| 1.0 - cumulative[u - 1] <= 0.025)?;
    Some((low - 1, high - 1))
}

/// `P(Bin(n, p) <= k)` for k from 0 to n.
pub fn binomial_cumulative(n: usize, p: f64) -> Vec<f64> {
    let mode = (((n + 1) as f64 * p) as usize).min(n);
    let mut mass = vec![0.0; n + 1];
    mass[mode] = 1.0;
    let odds = p / (1.0 - p);
    for k in mode + 1..=n {
        mass[k] = mass[k - 1] * odds * (n - k + 1) as f64 / k as f64;
    }
    for k in (0..mode).rev() {
        mass[k] = mass[k + 1] / odds * (k + 1) as f64 / (n - k) as f64;
    }
    let total: f64 = mass.iter().sum();
    let mut sum = 0.0;
    for m in &mut mass {
        sum += *m / total;
        *m = sum;
    }
    mass
}

/// The least number of requests to either side of the quantile.
const MIN_HALF: usize = 5;

/// Ranks around the quantile whose requests estimate `E[T | L = Q]`: half of those beyond it to either side, at least 5 and,
/// where 40 are beyond, 20; from there on they grow by the power 0.6 of the number of requests.
///
/// A wider window takes in other kinds of requests: with 1,000 requests, 50 of them are the slowest twentieth, and
/// intervals of their mean hold the quantile's split in 0 to 90 % of repeated recordings (`cargo bench --bench coverage`).
pub fn window(n: usize, quantile: f64) -> Range<usize> {
    let beyond = n as f64 * quantile.min(1.0 - quantile);
    let half = if beyond <= 40.0 { beyond * 0.5 } else { 20.0 * (beyond / 40.0).powf(0.6) };
    let half = (half.round() as usize).clamp(MIN_HALF, 200);
    let centre = order_statistic(n, quantile);
    centre.saturating_sub(half)..(centre + half + 1).min(n)
}

/// Ranks around the quantile of the requests that pictures are made of: 0.3 % of n to either side, at least 50 and at most 200
/// in all, moved inwards where the end is near. They are more than [`window`] has, and stand less near.
pub fn cohort(n: usize, quantile: f64) -> Range<usize> {
    let half = ((n as f64 * 0.003).round() as usize).clamp(25, 100);
    let size = (2 * half).min(n);
    let centre = order_statistic(n, quantile);
    let start = centre.saturating_sub(half).min(n - size);
    start..start + size
}

/// How much the request at each rank of the window counts, so that `Σ w T` is the line through the window's requests at the
/// latency of the one at `centre` (local linear regression; Fan and Gijbels 1996, 3.2). The weights add up to 1, and
/// `Σ w L` is that latency: what adds up to the latency of each request adds up to the quantile.
pub fn weights(latencies: &[f64], centre: usize, weights: &mut Vec<f64>) {
    let n = latencies.len() as f64;
    let mean = latencies.iter().sum::<f64>() / n;
    let spread: f64 = latencies.iter().map(|l| (l - mean) * (l - mean)).sum();
    let slope = if spread > 0.0 { (latencies[centre] - mean) / spread } else { 0.0 };
    weights.clear();
    weights.extend(latencies.iter().map(|l| 1.0 / n + slope * (l - mean)));
}

/// Deterministic random numbers (SplitMix64, Steele and others 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in (0, 1).
    pub fn uniform(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Gamma of shape `a >= 1` (Marsaglia and Tsang 2000).
    fn gamma(&mut self, a: f64) -> f64 {
        let d = a - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// Student's t with so many degrees of freedom, at least two.
    pub fn student(&mut self, freedom: f64) -> f64 {
        self.normal() / (2.0 * self.gamma(freedom / 2.0) / freedom).sqrt()
    }
}

/// The 2.5 % and 97.5 % points of draws, which it reorders.
pub fn middle_95(draws: &mut [f64]) -> (f64, f64) {
    if draws.is_empty() {
        return (0.0, 0.0);
    }
    let last = draws.len() - 1;
    let mut point =
        |share: f64| *draws.select_nth_unstable_by((last as f64 * share).round() as usize, f64::total_cmp).1;
    (point(0.025), point(0.975))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_samples_for_an_interval_are_the_known_ones() {
        assert_eq!([0.5, 0.95, 0.99, 0.999].map(requests_needed), [6, 72, 368, 3_688]);
    }

    #[test]
    fn with_368_requests_the_interval_of_p99_reaches_the_largest_and_not_before() {
        assert_eq!(order_interval(367, 0.99), None);
        let (low, high) = order_interval(368, 0.99).unwrap();
        assert_eq!(high, 367);
        assert_eq!(low, 359, "the 360th of 368: P(Bin(368, 0.99) < 360) = 1.3 %, and 3.4 % for the 361st");
    }

    #[test]
    fn the_interval_of_the_median_is_the_textbook_one() {
        // Conover, Practical Nonparametric Statistics: n = 10, ranks 2 and 9 cover the median with 97.9 %.
        assert_eq!(order_interval(10, 0.5), Some((1, 8)));
        assert_eq!(order_interval(100, 0.5), Some((39, 60)));
    }

    #[test]
    fn the_quantile_is_an_order_statistic() {
        assert_eq!(order_statistic(100, 0.99), 98);
        assert_eq!(order_statistic(1000, 0.99), 989);
        assert_eq!(order_statistic(368, 0.99), 364);
        assert_eq!(order_statistic(1, 0.99), 0);
    }

    #[test]
    fn the_window_holds_the_quantile_and_narrows_with_the_number_of_requests() {
        let seen = [50, 368, 1000, 4000, 100_000].map(|n| window(n, 0.99));
        assert_eq!(seen, [44..50, 359..368, 984..995, 3939..3980, 98_861..99_138]);
        assert_eq!(window(3, 0.99), 0..3);
        assert_eq!(window(1000, 0.5), 408..591);
    }

    #[test]
    fn the_cohort_holds_at_least_50_and_the_quantile() {
        for n in [50, 368, 1000, 2500, 100_000] {
            let c = cohort(n, 0.99);
            assert!(c.len() >= 50 && c.end <= n && c.contains(&order_statistic(n, 0.99)), "{n}: {c:?}");
        }
        assert_eq!(cohort(20, 0.99), 0..20);
    }

    #[test]
    fn weighted_latencies_are_the_quantile_whatever_they_are() {
        let mut random = Random::new(5);
        for count in [1, 2, 9, 40] {
            let latencies: Vec<f64> = (0..count).map(|_| 1e9 * (2.0 * random.normal()).exp()).collect();
            for centre in [0, count / 2, count - 1] {
                let mut found = Vec::new();
                weights(&latencies, centre, &mut found);
                let sum: f64 = found.iter().zip(&latencies).map(|(w, l)| w * l).sum();
                assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                assert!((sum / latencies[centre] - 1.0).abs() < 1e-9, "{count}, {centre}: {found:?}");
            }
        }
        let mut equal = Vec::new();
        weights(&[7.0; 4], 2, &mut equal);
        assert_eq!(equal, [0.25; 4]);
    }

    #[test]
    fn drawn_errors_have_the_tails_of_student() {
        // Two-sided 5 % points: 2.776 with 4 degrees of freedom, 2.262 with 9.
        for (freedom, point) in [(4.0, 2.776), (9.0, 2.262)] {
            let mut random = Random::new(7);
            let beyond = (0..20_000).filter(|_| random.student(freedom).abs() > point).count();
            assert!((900..=1_100).contains(&beyond), "{freedom}: {beyond} of 20,000");
        }
    }
}
