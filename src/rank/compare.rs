//! Two attributions of one program in; the difference of each function and line with its interval out.
//!
//! Where both have requests, milliseconds per request are compared, and the interval is that of two means over requests
//! (Welch 1947): requests vary more than samples do. Else shares of everything measured are compared; their interval is that
//! of two proportions of samples, which counts on samples that do not depend on one another.

use std::collections::BTreeMap;

use crate::model::{Attribution, Comparison, Difference, Interval, Measure, RowKind};

/// Two-sided 95 % of the normal distribution.
const NORMAL_95: f64 = 1.959_964;

/// A row or a line: name, file and line; 0 for a function as a whole.
type Key = (String, String, u32);

/// What is known of one row in one recording.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    value: f64,
    /// Square of its standard error.
    variance: f64,
    samples: u64,
}

/// Compares `now` with `base`, which is shown under a name.
pub fn compare(base: &Attribution, now: &Attribution, shown: &str) -> Comparison {
    let requests = !base.requests.is_empty() && !now.requests.is_empty();
    let measure = if requests { Measure::MsPerRequest } else { Measure::Percent };
    let rows = differences(rows(base, measure), rows(now, measure));
    let lines = differences(lines(base, measure), lines(now, measure));
    Comparison { base: shown.to_owned(), measure, rows, lines }
}

fn differences(base: BTreeMap<Key, Known>, now: BTreeMap<Key, Known>) -> Vec<Difference> {
    let keys: std::collections::BTreeSet<&Key> = base.keys().chain(now.keys()).collect();
    let mut all: Vec<Difference> = keys
        .into_iter()
        .map(|key| {
            let known = |of: &BTreeMap<Key, Known>| of.get(key).copied().unwrap_or_default();
            difference(key, known(&base), known(&now))
        })
        .collect();
    let size = |d: &Difference| (d.now - d.base).abs();
    all.sort_by(|a, b| b.is_clear().cmp(&a.is_clear()).then(size(b).total_cmp(&size(a))).then(a.name.cmp(&b.name)));
    all
}

fn difference((name, file, line): &Key, base: Known, now: Known) -> Difference {
    let half = NORMAL_95 * (base.variance + now.variance).sqrt();
    let between = now.value - base.value;
    Difference {
        name: name.clone(),
        file: file.clone(),
        line: *line,
        base: base.value,
        now: now.value,
        difference: Interval { low: between - half, high: between + half },
        samples: (base.samples, now.samples),
    }
}

fn rows(attribution: &Attribution, measure: Measure) -> BTreeMap<Key, Known> {
    let key = |at: usize| {
        let row = &attribution.rows[at];
        let name = if row.kind == RowKind::Wait { format!("wait: {}", row.name) } else { row.name.clone() };
        (name, row.file.clone(), 0)
    };
    match measure {
        Measure::Percent => {
            let weights = attribution.rows.iter().enumerate().map(|(at, r)| (key(at), r.cost.owned));
            shares(attribution, weights)
        }
        Measure::MsPerRequest => {
            let parts = attribution.requests.iter().enumerate().flat_map(|(request, r)| {
                attribution.parts[r.parts.clone()].iter().map(move |p| (request as u32, p.row as usize, p.owned_ns))
            });
            let mut known = means(attribution, parts.map(|(request, row, ns)| (request, key(row), ns / 1e6)));
            for (at, row) in attribution.rows.iter().enumerate() {
                if let Some(known) = known.get_mut(&key(at)) {
                    known.samples = row.cost.samples;
                }
            }
            known
        }
    }
}

fn lines(attribution: &Attribution, measure: Measure) -> BTreeMap<Key, Known> {
    let key = |row: u32, line: u32| {
        let row = &attribution.rows[row as usize];
        (row.name.clone(), row.file.clone(), line)
    };
    let with_line = attribution.lines.iter().filter(|l| l.line > 0);
    match measure {
        Measure::Percent => shares(attribution, with_line.map(|l| (key(l.row, l.line), l.weight))),
        Measure::MsPerRequest => {
            let in_request = with_line.filter_map(|l| Some((l.request?, key(l.row, l.line), l.weight / 1e6)));
            means(attribution, in_request)
        }
    }
}

/// Percent of all weight; the variance is that of a proportion of the samples.
fn shares(attribution: &Attribution, weights: impl Iterator<Item = (Key, f64)>) -> BTreeMap<Key, Known> {
    let (total, samples) = (attribution.placed.total, attribution.placed.samples.max(1) as f64);
    let mut known: BTreeMap<Key, Known> = BTreeMap::new();
    for (key, weight) in weights {
        known.entry(key).or_default().value += if total > 0.0 { weight / total } else { 0.0 };
    }
    for known in known.values_mut() {
        let share = known.value.clamp(0.0, 1.0);
        known.samples = (share * samples).round() as u64;
        // A row without samples may have had one: its share is uncertain too (Agresti and Coull add two to either side).
        let adjusted = (share * samples + 2.0) / (samples + 4.0);
        (known.value, known.variance) = (share * 100.0, adjusted * (1.0 - adjusted) / (samples + 4.0) * 1e4);
    }
    known
}

/// Mean over all requests, those without the row included, and the variance of that mean.
fn means(attribution: &Attribution, parts: impl Iterator<Item = (u32, Key, f64)>) -> BTreeMap<Key, Known> {
    let n = attribution.requests.len() as f64;
    let mut by_request: BTreeMap<(Key, u32), f64> = BTreeMap::new();
    for (request, key, ms) in parts {
        *by_request.entry((key, request)).or_default() += ms;
    }
    let mut sums: BTreeMap<Key, (f64, f64)> = BTreeMap::new();
    for ((key, _), ms) in by_request {
        let (sum, squares) = sums.entry(key).or_default();
        (*sum, *squares) = (*sum + ms, *squares + ms * ms);
    }
    let known = |(sum, squares): (f64, f64)| {
        let mean = sum / n;
        let variance = ((squares / n - mean * mean) / (n - 1.0).max(1.0)).max(0.0);
        Known { value: mean, variance, samples: 0 }
    };
    sums.into_iter().map(|(key, sums)| (key, known(sums))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::quantile::Random;
    use super::*;
    use crate::model::{AttributedRequest, AttributedRow, Cost, LinePart, Part, PlacedShare};

    fn row(name: &str, owned: f64) -> AttributedRow {
        AttributedRow {
            kind: RowKind::Function,
            name: name.into(),
            function: None,
            file: "src/main.rs".into(),
            line: 1,
            cost: Cost { owned, samples: owned as u64, ..Cost::default() },
        }
    }

    fn sampled(spin: f64, work: f64) -> Attribution {
        let placed = PlacedShare { total: spin + work, samples: (spin + work) as u64, ..PlacedShare::default() };
        let lines = vec![
            LinePart { request: None, row: 0, line: 12, weight: spin },
            LinePart { request: None, row: 1, line: 0, weight: work },
        ];
        Attribution {
            rows: vec![row("gw::spin", spin), row("gw::work", work)],
            lines,
            placed,
            ..Attribution::default()
        }
    }

    #[test]
    fn shares_are_compared_where_there_are_no_requests() {
        let compared = compare(&sampled(500.0, 500.0), &sampled(200.0, 800.0), "old");
        assert_eq!((compared.measure, compared.rows.len(), compared.lines.len()), (Measure::Percent, 2, 1));
        let spin = compared.rows.iter().find(|r| r.name == "gw::spin").unwrap();
        assert_eq!((spin.base, spin.now, spin.samples), (50.0, 20.0, (500, 200)));
        assert!(spin.is_clear() && spin.difference.low > -35.0 && spin.difference.high < -25.0, "{spin:?}");
        assert_eq!(compared.lines[0].line, 12);
    }

    #[test]
    fn a_difference_within_chance_is_not_clear() {
        let compared = compare(&sampled(50.0, 50.0), &sampled(46.0, 54.0), "old");
        assert!(compared.rows.iter().all(|r| !r.is_clear()), "{compared:?}");
        let mut gone = sampled(3.0, 97.0);
        gone.rows.remove(0);
        gone.rows[0].cost.owned = 100.0;
        gone.lines.clear();
        let compared = compare(&sampled(3.0, 97.0), &gone, "old");
        let spin = compared.rows.iter().find(|r| r.name == "gw::spin").unwrap();
        assert!(!spin.is_clear(), "three samples of a hundred may be chance: {spin:?}");
    }

    fn served(mean_ms: f64, seed: u64) -> Attribution {
        let mut random = Random::new(seed);
        let (mut requests, mut parts) = (Vec::new(), Vec::new());
        for n in 0..500usize {
            let owned_ns = 1e6 * (mean_ms + random.normal());
            parts.push(Part { row: 0, owned_ns, self_ns: 0.0, total_ns: 0.0, samples: 1 });
            let latency_ns = 20_000_000;
            let (operation, span_name) = ("op".to_owned(), String::new());
            requests.push(AttributedRequest { request: 0, operation, span_name, latency_ns, parts: n..n + 1 });
        }
        Attribution { rows: vec![row("gw::spin", 500.0)], requests, parts, ..Attribution::default() }
    }

    #[test]
    fn milliseconds_are_compared_where_both_have_requests_and_intervals_cover_the_truth() {
        let mut covered = 0;
        for seed in 0..200 {
            let compared = compare(&served(5.0, seed), &served(5.2, seed + 1_000), "old");
            assert_eq!(compared.measure, Measure::MsPerRequest);
            let Interval { low, high } = compared.rows[0].difference;
            covered += u32::from(low <= 0.2 && 0.2 <= high);
        }
        assert!((184..=198).contains(&covered), "{covered} of 200 intervals cover the truth");
    }
}
