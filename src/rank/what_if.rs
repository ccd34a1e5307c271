//! An attribution and functions made faster in thought in; what each objective's quantile would be out.
//!
//! With `L_i` the latency of request i and `T_i` what the functions own of it, the quantile of `L_i - a T_i` is taken anew.
//! Where `T_i` is known from a sample or two only, its noise would hide the quantile: then the first-order answer
//! `Q - a C` is given, `C` being the functions' part of the quantile (Tasche 2000), and is called so.

use super::around::Around;
use super::quantile::{self, Random};
use super::split::Population;
use crate::model::{
    Attribution, Basis, Change, FunctionId, Interval, Method, Objective, Prediction, Problem, RowKind, Slo,
};

/// Samples of the functions per request around the quantile from which requests are replayed: noise is then below a third.
const ENOUGH_SAMPLES: f64 = 10.0;
const DRAWS: usize = 400;

/// Predicts every objective whose quantile was measured.
pub fn what_if(attribution: &Attribution, slo: &Slo, changes: &[Change], seed: u64) -> (Vec<Prediction>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut saved = vec![0.0; attribution.rows.len()];
    for change in changes {
        match rows_of(attribution, &change.function) {
            Ok(rows) => rows.into_iter().for_each(|row| saved[row] = change.saved),
            Err(problem) => problems.push(problem),
        }
    }
    if saved.iter().all(|s| *s == 0.0) {
        return (Vec::new(), problems);
    }
    let predicted = slo.objectives.iter().filter_map(|o| predict(attribution, o, &saved, seed));
    let predictions: Vec<Prediction> = predicted.collect();
    if predictions.is_empty() {
        let what = "no objective has a measured quantile, so nothing can be predicted for one";
        problems.push(Problem::warning(what).help("add a request log or a trace with enough requests"));
    }
    (predictions, problems)
}

/// The rows of a function: by its whole path, or by the end of it where that is one function alone.
fn rows_of(attribution: &Attribution, named: &str) -> Result<Vec<usize>, Problem> {
    let functions = || attribution.rows.iter().enumerate().filter(|(_, r)| r.kind == RowKind::Function);
    let is_end = |name: &str| name == named || name.strip_suffix(named).is_some_and(|before| before.ends_with("::"));
    let exact: Vec<usize> = functions().filter(|(_, r)| r.name == named).map(|(at, _)| at).collect();
    let ends: Vec<usize> = functions().filter(|(_, r)| is_end(&r.name)).map(|(at, _)| at).collect();
    match (exact.is_empty(), &ends[..]) {
        (false, _) => Ok(exact),
        (true, [_]) => Ok(ends),
        (true, []) => {
            let help = "`refit rank --all` lists the functions that were measured";
            Err(Problem::error(format!("no function \"{named}\" was measured")).help(help))
        }
        (true, several) => {
            let names: Vec<&str> = several.iter().take(5).map(|at| attribution.rows[*at].name.as_str()).collect();
            Err(Problem::error(format!("\"{named}\" may be {}", names.join(" or "))).help("write more of its path"))
        }
    }
}

fn predict(attribution: &Attribution, objective: &Objective, saved: &[f64], seed: u64) -> Option<Prediction> {
    let is_ours = |r: &usize| super::is_operation(&objective.operation, &attribution.requests[*r]);
    let population = Population::new(attribution, (0..attribution.requests.len()).filter(is_ours).collect());
    let (n, q) = (population.len(), objective.target);
    let identified = matches!(attribution.basis, Basis::JoinedSamples | Basis::Spans);
    if !identified || (n as u64) < quantile::requests_needed(q) {
        return None;
    }
    let requests: Vec<Shortened> = (0..n).map(|rank| shortened(&population, rank, saved)).collect();
    let window = quantile::window(n, q);
    let samples: u32 = requests[window.clone()].iter().map(|r| r.samples).sum();
    let dense = attribution.basis == Basis::Spans || f64::from(samples) >= ENOUGH_SAMPLES * window.len() as f64;
    let method = if dense { Method::Replayed } else { Method::FirstOrder };
    let measured_ms = population.latency_ms(quantile::order_statistic(n, q));
    let (difference, difference_ms) = match method {
        Method::Replayed => replayed(&requests, q, seed),
        Method::FirstOrder => first_order(&requests, q, seed),
    };
    let functions =
        attribution.rows.iter().zip(saved).filter(|(_, s)| **s != 0.0).filter_map(|(r, _)| r.function.clone());
    Some(Prediction {
        slo: objective.name.clone(),
        quantile: q,
        functions: functions.collect::<Vec<FunctionId>>(),
        measured_ms,
        predicted_ms: (measured_ms + difference).max(0.0),
        difference_ms,
        limit_ms: objective.limit_ns as f64 / 1e6,
        method,
    })
}

/// A request with and without what is saved, in ms; requests stand fastest first.
struct Shortened {
    latency: f64,
    saved: f64,
    samples: u32,
}

fn shortened(population: &Population, rank: usize, saved: &[f64]) -> Shortened {
    let request = &population.attribution.requests[population.sorted[rank]];
    let latency = request.latency_ns as f64 / 1e6;
    let parts = &population.attribution.parts[request.parts.clone()];
    let changed = || parts.iter().filter(|p| saved[p.row as usize] != 0.0);
    let total: f64 = changed().map(|p| p.owned_ns * saved[p.row as usize]).sum::<f64>() / 1e6;
    Shortened { latency, saved: total.min(latency), samples: changed().map(|p| p.samples).sum() }
}

/// The quantile of the shortened requests minus that of the requests, with its interval over requests drawn anew.
fn replayed(requests: &[Shortened], q: f64, seed: u64) -> (f64, Interval) {
    let (n, mut random) = (requests.len(), Random::new(seed));
    let everyone: Vec<usize> = (0..n).collect();
    let draw = |_| {
        let mut drawn: Vec<usize> = (0..n).map(|_| ((random.uniform() * n as f64) as usize).min(n - 1)).collect();
        drawn.sort_unstable();
        difference(requests, &drawn, q)
    };
    let mut draws: Vec<f64> = (0..DRAWS).map(draw).collect();
    let (low, high) = quantile::middle_95(&mut draws);
    (difference(requests, &everyone, q), Interval { low, high })
}

/// Of requests drawn, in ascending order.
fn difference(requests: &[Shortened], drawn: &[usize], q: f64) -> f64 {
    let at = quantile::order_statistic(drawn.len(), q);
    let mut without: Vec<f64> = drawn.iter().map(|r| requests[*r].latency - requests[*r].saved).collect();
    let (_, quantile, _) = without.select_nth_unstable_by(at, f64::total_cmp);
    *quantile - requests[drawn[at]].latency
}

/// Minus what is saved of a request that takes as long as the quantile, as the split has it.
fn first_order(requests: &[Shortened], q: f64, seed: u64) -> (f64, Interval) {
    let latencies: Vec<f64> = requests.iter().map(|r| r.latency).collect();
    let around = Around::new(&latencies, q, seed);
    let saved: Vec<f64> = around.ranks().iter().map(|rank| requests[*rank].saved).collect();
    let count = requests.len() as f64;
    let mean = requests.iter().map(|r| r.saved).sum::<f64>() / count;
    let scatter = (requests.iter().map(|r| (r.saved - mean).powi(2)).sum::<f64>() / count).sqrt();
    let (c, Interval { low, high }) = around.estimate(&saved, scatter);
    (-c, Interval { low: -high, high: -low })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AttributedRequest, AttributedRow, Cost, Part};

    fn row(name: &str) -> AttributedRow {
        AttributedRow {
            kind: RowKind::Function,
            name: name.into(),
            function: Some(FunctionId(name.into())),
            file: "src/main.rs".into(),
            line: 1,
            cost: Cost::default(),
        }
    }

    /// `steady` takes 1 to 2 ms of every request, `rare` 20 to 40 ms of one in fifty; nothing else takes time.
    fn service(samples: u32) -> Attribution {
        let mut random = Random::new(3);
        let (mut requests, mut parts) = (Vec::new(), Vec::new());
        for n in 0..5_000 {
            let steady = 1e6 * (1.0 + random.uniform());
            let rare = if n % 50 == 0 { 1e6 * (20.0 + 20.0 * random.uniform()) } else { 0.0 };
            let start = parts.len();
            for (row, owned_ns) in [steady, rare].into_iter().enumerate() {
                parts.push(Part { row: row as u32, owned_ns, self_ns: 0.0, total_ns: 0.0, samples });
            }
            requests.push(AttributedRequest {
                request: n,
                operation: "op".into(),
                span_name: String::new(),
                latency_ns: (steady + rare) as u64,
                parts: start..parts.len(),
            });
        }
        let rows = vec![row("gw::steady"), row("gw::rare::burst")];
        Attribution { basis: Basis::JoinedSamples, rows, requests, parts, ..Attribution::default() }
    }

    fn slo() -> Slo {
        let objective = Objective {
            name: "fast".into(),
            description: String::new(),
            operation: "op".into(),
            target: 0.99,
            limit_ns: 20_000_000,
            window: None,
        };
        Slo { objectives: vec![objective], ..Slo::default() }
    }

    fn change(function: &str, saved: f64) -> Vec<Change> {
        vec![Change { function: function.into(), saved }]
    }

    /// The p99 of the same requests with the change made for real.
    fn truth(attribution: &Attribution, row: u32, saved: f64) -> f64 {
        let mut all: Vec<f64> = attribution
            .requests
            .iter()
            .map(|r| {
                let part = attribution.parts[r.parts.clone()].iter().find(|p| p.row == row).unwrap();
                (r.latency_ns as f64 - saved * part.owned_ns) / 1e6
            })
            .collect();
        all.sort_by(f64::total_cmp);
        all[quantile::order_statistic(all.len(), 0.99)]
    }

    #[test]
    fn replayed_requests_tell_what_a_large_change_does() {
        let attribution = service(50);
        for (name, row, saved) in
            [("gw::rare::burst", 1, 0.4), ("burst", 1, 0.95), ("steady", 0, 0.5), ("burst", 1, -0.5)]
        {
            let (predictions, problems) = what_if(&attribution, &slo(), &change(name, saved), 1);
            assert_eq!(problems, []);
            let predicted = &predictions[0];
            let truth = truth(&attribution, row, saved);
            assert!((predicted.predicted_ms - truth).abs() < 0.01, "{name}: {predicted:?}, in truth {truth}");
            assert_eq!(predicted.method, Method::Replayed);
            let difference = predicted.predicted_ms - predicted.measured_ms;
            let ci = predicted.difference_ms;
            assert!(ci.low <= difference && difference <= ci.high, "{predicted:?}");
        }
    }

    #[test]
    fn with_a_sample_or_two_per_request_the_first_order_answer_is_given_and_named() {
        let (predictions, _) = what_if(&service(1), &slo(), &change("burst", 0.1), 1);
        assert_eq!(predictions[0].method, Method::FirstOrder);
        let truth = truth(&service(1), 1, 0.1);
        assert!(
            (predictions[0].predicted_ms - truth).abs() < 0.1 * (predictions[0].measured_ms - truth),
            "{predictions:?}, in truth {truth}"
        );
    }

    #[test]
    fn a_name_that_fits_none_or_several_is_a_problem() {
        let said = |name: &str| what_if(&service(1), &slo(), &change(name, 0.1), 1).1.remove(0).what;
        assert_eq!(said("urst"), "no function \"urst\" was measured");
        let mut attribution = service(1);
        attribution.rows.push(row("other::steady"));
        let problems = what_if(&attribution, &slo(), &change("steady", 0.1), 1).1;
        assert_eq!(problems[0].what, "\"steady\" may be gw::steady or other::steady");
    }

    #[test]
    fn without_enough_requests_nothing_is_predicted() {
        let mut attribution = service(50);
        attribution.requests.truncate(300);
        let (predictions, problems) = what_if(&attribution, &slo(), &change("burst", 0.1), 1);
        assert!(predictions.is_empty() && problems[0].what.starts_with("no objective has a measured quantile"));
    }
}
