//! `cargo bench --bench coverage [-- --recordings N]`: how often the 95 % intervals of a split hold what they speak of, in 1,000
//! recordings drawn from each of seven services whose split is known.
//!
//! Beside a cliff at 400 requests nearly every row is too small to resolve, and the recordings that claim a few are not like the
//! others: what holds of all intervals need not hold of those. Both are said.

#[path = "../it/repeated.rs"]
mod repeated;

use repeated::{Coverage, PARTS, SERVICES};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let after = args.iter().position(|a| a == "--recordings").and_then(|at| args.get(at + 1)?.parse().ok());
    let recordings = after.unwrap_or(1000);
    let mut missed = false;
    for service in &SERVICES {
        let truth = service.measure_truth();
        let is_right = truth.iter().zip(service.truth).all(|(t, constant)| (t - constant).abs() < 0.03 * t + 0.05);
        assert!(is_right, "{}: in truth {truth:.2?}", service.name);
        for requests in [400, 1_000, 4_000, 12_000] {
            let coverage = service.coverage(requests, recordings);
            let share = coverage.share();
            missed |= !(0.92..=0.98).contains(&share);
            println!(
                "{:<58}{requests:>7} requests {:>6.1} % of {recordings} recordings; asked 92 to 98;{}; all intervals, of \
                 rows too small to resolve too: {:.1} %",
                service.name,
                share * 100.0,
                parts(&coverage),
                f64::from(coverage.held_of_all) / f64::from(coverage.all.max(1)) * 100.0
            );
        }
    }
    std::process::exit(i32::from(missed));
}

fn parts(coverage: &Coverage) -> String {
    let part = |at: usize| {
        let (held, claimed) = (f64::from(coverage.held[at]), f64::from(coverage.claimed[at]));
        format!(" {} {:.1} % of {claimed}", PARTS[at], held / claimed.max(1.0) * 100.0)
    };
    (0..3).map(part).collect::<Vec<_>>().join(",")
}
