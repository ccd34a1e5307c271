//! Paired times in; an estimate with its interval, the noise floor and what could have been detected out.
//!
//! The estimate is Hodges and Lehmann's (1963): the median of all pairwise means. Its standard error comes from a
//! moving-block bootstrap (Künsch 1989), because neighbouring slices share the machine's moods; the interval is that
//! error times Student's quantile. Where the program was built more than once, what builds differ by is added to it: a body
//! may be fast by where the linker put it (Mytkowicz et al. 2009).

/// Resamples of the bootstrap: the standard error is known to about 4 % of itself.
const RESAMPLES: usize = 300;
/// Power of the test that the minimum detectable effect is stated for.
const POWER: f64 = 0.9;
/// Shares of the error probability spent at three looks (O'Brien and Fleming 1979, for 5 % two-sided: z = 3.471, 2.454, 2.004).
const SPENT: [f64; 3] = [0.0104, 0.282, 0.902];

/// An estimate and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Hodges-Lehmann estimate.
    pub value: f64,
    /// Standard error by block bootstrap.
    pub error: f64,
    /// Number of values.
    pub n: usize,
    /// Degrees of freedom from which the error is known.
    pub degrees: f64,
}

impl Estimate {
    /// Interval that covers the true value with this probability.
    pub fn interval(self, confidence: f64) -> (f64, f64) {
        let half = self.error * student(1.0 - (1.0 - confidence) / 2.0, self.degrees);
        (self.value - half, self.value + half)
    }

    /// Smallest true effect that an interval of this confidence excludes zero for in nine of ten runs.
    pub fn detectable(self, confidence: f64) -> f64 {
        self.error * (student(1.0 - (1.0 - confidence) / 2.0, self.degrees) + normal(POWER))
    }
}

/// Estimates the centre of values from several builds of one program, each in the order they were taken.
///
/// Two or three builds are too few to be drawn again: a bootstrap over them would know the error of a mean of two from two
/// values. What their own estimates differ by beyond what the blocks inside of each explain is the variance between builds
/// (the moment estimator of a random effect, DerSimonian and Laird 1986); degrees of freedom are Satterthwaite's (1946), so
/// that builds which disagree widen the interval by Student's quantile for so few. Builds that agree by chance widen nothing:
/// where layouts differ by six times the error of one build, 95 % are 76 % with two builds and 84 % with three. Without what
/// the blocks explain taken away they would be, and no effect of 3 % would be found in builds that do agree.
pub fn estimate_over(builds: &[Vec<f64>]) -> Estimate {
    let all = builds.concat();
    let each: Vec<Estimate> = builds.iter().filter(|b| b.len() > 1).map(|b| estimate(b)).collect();
    if each.len() < 2 {
        return estimate(&all);
    }
    let total: f64 = each.iter().map(|e| e.n as f64).sum();
    let share = |e: &Estimate| e.n as f64 / total;
    let k = each.len() as f64;
    let within: f64 = each.iter().map(|e| (share(e) * e.error).powi(2)).sum();
    let mean = each.iter().map(|e| e.value).sum::<f64>() / k;
    let spread = each.iter().map(|e| (e.value - mean).powi(2)).sum::<f64>() / (k - 1.0);
    let explained = each.iter().map(|e| e.error.powi(2)).sum::<f64>() / k;
    let between = (spread - explained).max(0.0) * each.iter().map(|e| share(e).powi(2)).sum::<f64>();
    let variance = (within + between).max(f64::MIN_POSITIVE);
    let known_within: f64 = each.iter().map(|e| (share(e) * e.error).powi(4) / e.degrees).sum();
    let degrees = variance.powi(2) / (known_within + between.powi(2) / (k - 1.0)).max(f64::MIN_POSITIVE);
    Estimate { value: hodges_lehmann(&all), error: variance.sqrt(), n: all.len(), degrees: degrees.max(1.0) }
}

/// Estimates the centre of values in the order they were taken.
pub fn estimate(values: &[f64]) -> Estimate {
    let n = values.len();
    if n < 2 {
        let value = values.first().copied().unwrap_or(0.0);
        return Estimate { value, error: f64::INFINITY, n, degrees: 1.0 };
    }
    let block = block_length(n);
    let mut random = Random(0x5DEE_CE66_D1CE_5EED ^ n as u64);
    let mut resample = Vec::with_capacity(n + block);
    let draws: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            resample.clear();
            while resample.len() < n {
                let start = random.below(n);
                resample.extend((0..block).map(|i| values[(start + i) % n]));
            }
            resample.truncate(n);
            hodges_lehmann(&resample)
        })
        .collect();
    let mean = draws.iter().sum::<f64>() / draws.len() as f64;
    let variance = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (draws.len() - 1) as f64;
    // The bootstrap divides by n where n - 1 is meant.
    let error = (variance * n as f64 / (n - 1) as f64).sqrt();
    // The error is known from whole blocks alone, so these are what counts as independent.
    Estimate { value: hodges_lehmann(values), error, n, degrees: n.div_ceil(block) as f64 }
}

/// Values per block: long enough that what a machine's mood couples stays together (with the usual cube root the
/// intervals of coupled values cover 91 % instead of 95 %).
fn block_length(n: usize) -> usize {
    (n as f64).sqrt().ceil().max(1.0) as usize
}

/// Median of all means of two values, each with itself included.
pub fn hodges_lehmann(values: &[f64]) -> f64 {
    let mut means = Vec::with_capacity(values.len() * (values.len() + 1) / 2);
    for (i, a) in values.iter().enumerate() {
        means.extend(values[i..].iter().map(|b| (a + b) / 2.0));
    }
    median(&mut means)
}

/// Median; 0 of nothing.
pub fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let (middle, is_odd) = (values.len() / 2, values.len() % 2 == 1);
    let (below, at, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let at = *at;
    if is_odd {
        return at;
    }
    let below = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (below + at) / 2.0
}

/// Confidence to use at a look (from 0) so that all looks together err as rarely as one would; the last look has the rest.
pub fn confidence_at(look: usize, is_last: bool, confidence: f64) -> f64 {
    let spent = if is_last { SPENT[2] } else { SPENT[look.min(2)] };
    1.0 - (1.0 - confidence) * spent
}

/// Quantile of the standard normal distribution (Acklam's rational approximation, relative error below 1.2e-9).
pub fn normal(p: f64) -> f64 {
    const A: [f64; 6] = [
        -39.69683028665376,
        220.9460984245205,
        -275.9285104469687,
        138.357_751_867_269,
        -30.66479806614716,
        2.506628277459239,
    ];
    const B: [f64; 5] =
        [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572];
    const C: [f64; 6] = [
        -0.007784894002430293,
        -0.3223964580411365,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 4] = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416];
    let horner = |c: &[f64], x: f64| c.iter().fold(0.0, |sum, c| sum * x + c);
    if p < 0.02425 {
        let q = (-2.0 * p.ln()).sqrt();
        return horner(&C, q) / (horner(&D, q) * q + 1.0);
    }
    if p > 1.0 - 0.02425 {
        return -normal(1.0 - p);
    }
    let q = p - 0.5;
    let r = q * q;
    horner(&A, r) * q / (horner(&B, r) * r + 1.0)
}

/// Quantile of Student's distribution (Cornish and Fisher's expansion; within 1 % from 4 degrees of freedom on).
pub fn student(p: f64, degrees: f64) -> f64 {
    let (z, v) = (normal(p), degrees);
    let g1 = (z.powi(3) + z) / 4.0;
    let g2 = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let g3 = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    z + g1 / v + g2 / v.powi(2) + g3 / v.powi(3)
}

/// A small generator (xorshift64*), so that the same measurement always gives the same interval.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (((self.next() >> 32) * n as u64) >> 32) as usize
    }

    /// A number in (0, 1).
    pub fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, z) in [(0.975, 1.959964), (0.995, 2.575829), (0.5, 0.0), (0.9, 1.281552), (0.001, -3.090232)] {
            assert!((normal(p) - z).abs() < 1e-5, "{p}");
        }
        for (p, degrees, t) in
            [(0.975, 5.0, 2.5706), (0.975, 10.0, 2.2281), (0.995, 30.0, 2.7500), (0.975, 200.0, 1.9719)]
        {
            assert!((student(p, degrees) / t - 1.0).abs() < 0.01, "{p} {degrees}");
        }
    }

    #[test]
    fn the_estimate_is_the_median_of_pairwise_means_and_shrugs_at_outliers() {
        assert_eq!(hodges_lehmann(&[1.0, 2.0, 6.0]), 2.75);
        assert_eq!(hodges_lehmann(&[3.0]), 3.0);
        let mut values: Vec<f64> = (0..50).map(|i| f64::from(i % 5)).collect();
        values[7] = 1e9;
        assert!((hodges_lehmann(&values) - 2.0).abs() < 0.2);
    }

    #[test]
    fn looks_spend_no_more_than_the_whole_error() {
        assert!((confidence_at(0, false, 0.95) - 0.99948).abs() < 1e-5);
        assert!((confidence_at(1, false, 0.95) - 0.9859).abs() < 1e-4);
        assert_eq!(confidence_at(0, true, 0.95), confidence_at(2, false, 0.95));
    }

    /// Log ratios with slowly wandering noise, as a busy machine makes them.
    fn noisy(random: &mut Random, n: usize, sd: f64, effect: f64) -> Vec<f64> {
        let mut mood = 0.0;
        (0..n)
            .map(|_| {
                let z = normal(random.unit());
                mood = 0.3 * mood + z;
                let spike = if random.below(20) == 0 { 6.0 * sd * normal(random.unit()) } else { 0.0 };
                effect + sd * mood + spike
            })
            .collect()
    }

    #[test]
    fn intervals_cover_as_often_as_they_say() {
        let mut random = Random(7);
        let covers = |e: Estimate, c: f64| {
            let (low, high) = e.interval(c);
            low <= 0.1 && 0.1 <= high
        };
        let runs = 200;
        let estimates: Vec<Estimate> = (0..runs).map(|_| estimate(&noisy(&mut random, 48, 0.05, 0.1))).collect();
        let share = |c: f64| estimates.iter().filter(|e| covers(**e, c)).count() as f64 / f64::from(runs);
        assert!((0.91..=0.99).contains(&share(0.95)), "{}", share(0.95));
        assert!(share(0.99) > 0.96, "{}", share(0.99));
        assert!((0.35..0.6).contains(&share(0.5)), "{}", share(0.5));
    }

    /// Slices of so many builds, each of which is off by as much as its layout makes it.
    fn built(random: &mut Random, builds: usize, layout: f64) -> Vec<Vec<f64>> {
        let one = |random: &mut Random| {
            let off = layout * normal(random.unit());
            noisy(random, 24, 0.02, 0.1 + off)
        };
        (0..builds).map(|_| one(random)).collect()
    }

    #[test]
    fn intervals_over_builds_cover_far_more_often_where_layouts_differ_than_that_of_one() {
        let mut random = Random(23);
        let covers = |e: Estimate| {
            let (low, high) = e.interval(0.95);
            low <= 0.1 && 0.1 <= high
        };
        let runs = 50;
        let mut share = |builds: usize, layout: f64| {
            let found = (0..runs).filter(|_| covers(estimate_over(&built(&mut random, builds, layout)))).count();
            found as f64 / f64::from(runs)
        };
        let (one, two, three) = (share(1, 0.03), share(2, 0.03), share(3, 0.03));
        assert!(one < 0.5 && two > 0.65 && three > 0.75, "{one} {two} {three}");
        let same = share(3, 0.0);
        assert!(same > 0.86, "{same}");
    }

    #[test]
    fn builds_that_agree_widen_nothing() {
        let mut random = Random(29);
        let width = |e: Estimate| e.interval(0.95).1 - e.interval(0.95).0;
        let mut shares: Vec<f64> = (0..20)
            .map(|_| {
                let builds = built(&mut random, 3, 0.0);
                width(estimate_over(&builds)) / width(estimate(&builds.concat()))
            })
            .collect();
        let typical = median(&mut shares);
        assert!((0.8..1.35).contains(&typical), "{typical}");
    }

    #[test]
    fn the_detectable_effect_is_detected_nine_times_out_of_ten() {
        let mut random = Random(11);
        let typical = estimate(&noisy(&mut random, 48, 0.05, 0.0)).detectable(0.95);
        let runs = 40;
        let found =
            (0..runs).filter(|_| estimate(&noisy(&mut random, 48, 0.05, typical)).interval(0.95).0 > 0.0).count();
        let share = found as f64 / f64::from(runs);
        assert!((0.7..=1.0).contains(&share), "{share}");
    }
}
