//! Attributed costs and budgets in; the split of each objective and the hot functions, worst first, out.

mod around;
mod budget;
mod compare;
mod gate;
mod quantile;
mod split;
mod what_if;

use crate::model::{
    AttributedRequest, Attribution, Basis, Contribution, HotFunction, Interval, LineHeat, Objective, ObjectiveSplit,
    Problem, RowKind, Slo,
};
use split::Population;

pub use compare::compare;
pub use gate::percentile;
pub use what_if::what_if;

/// How to rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Seed of the bootstrap: the same seed and inputs give the same ranking to the byte.
    pub seed: u64,
    /// Rank although too much could not be placed on functions.
    pub despite_quality: bool,
}

/// The objectives split over functions, and the functions worst first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranking {
    /// One split per objective, in the order of `slo.toml`.
    pub objectives: Vec<ObjectiveSplit>,
    /// Functions, worst first.
    pub hot: Vec<HotFunction>,
    /// Weights of single lines, where the profile has lines.
    pub heat: Vec<LineHeat>,
    /// What is worth saying, errors first.
    pub problems: Vec<Problem>,
}

/// Splits the quantile of every objective over the rows that own it.
pub fn rank(attribution: &Attribution, slo: &Slo, options: Options) -> Ranking {
    let mut problems = gate::quality(attribution, missing_requests(attribution, slo), options.despite_quality);
    let refused = problems.iter().any(|p| p.level == crate::model::Level::Error);
    let mut objectives = Vec::new();
    let mut heat = Vec::new();
    let mut worst = f64::NEG_INFINITY;
    for objective in &slo.objectives {
        let ranked = rank_objective(attribution, objective, slo, options, refused);
        let excess = ranked.split.gap_ms / ranked.split.limit_ms.max(f64::MIN_POSITIVE);
        if excess > worst && !refused {
            (worst, heat) = (excess, line_heat(attribution, &ranked.cohort));
        }
        problems.extend(ranked.problems);
        objectives.push(ranked.split);
    }
    problems.sort_by_key(|p| std::cmp::Reverse(p.level));
    let hot = if refused { Vec::new() } else { hot_functions(&objectives) };
    Ranking { objectives, hot, heat, problems }
}

/// What each objective measures, without a split; an objective with too few requests is left out.
pub fn latencies(attribution: &Attribution, slo: &Slo) -> Vec<ObjectiveSplit> {
    let of = |objective: &Objective| {
        let of_operation = |r: &usize| is_operation(&objective.operation, &attribution.requests[*r]);
        let requests: Vec<usize> = (0..attribution.requests.len()).filter(of_operation).collect();
        let supported = requests.len() as u64 >= quantile::requests_needed(objective.target);
        supported.then(|| measured(&Population::new(attribution, requests), objective, true))
    };
    slo.objectives.iter().filter_map(of).collect()
}

/// The requests around an objective's quantile, by their index in the profile, in ascending order. `None` where there are too few requests for the quantile.
pub fn around_quantile(attribution: &Attribution, objective: &Objective) -> Option<Vec<u32>> {
    let of_operation = |r: &usize| is_operation(&objective.operation, &attribution.requests[*r]);
    let requests: Vec<usize> = (0..attribution.requests.len()).filter(of_operation).collect();
    let population = Population::new(attribution, requests);
    if (population.len() as u64) < quantile::requests_needed(objective.target) {
        return None;
    }
    let cohort = &population.sorted[quantile::cohort(population.len(), objective.target)];
    let mut around: Vec<u32> = cohort.iter().map(|r| attribution.requests[*r].request).collect();
    around.sort_unstable();
    Some(around)
}

/// The objective that lacks most requests: how many, and its quantile.
fn missing_requests(attribution: &Attribution, slo: &Slo) -> Option<(u64, f64)> {
    let missing = |o: &Objective| {
        let recorded = attribution.requests.iter().filter(|r| is_operation(&o.operation, r)).count() as u64;
        (quantile::requests_needed(o.target).saturating_sub(recorded), o.target)
    };
    slo.objectives.iter().map(missing).filter(|(requests, _)| *requests > 0).max_by_key(|(requests, _)| *requests)
}

struct Ranked {
    split: ObjectiveSplit,
    /// Requests around the quantile; empty where it is not known.
    cohort: Vec<usize>,
    problems: Vec<Problem>,
}

fn rank_objective(
    attribution: &Attribution,
    objective: &Objective,
    slo: &Slo,
    options: Options,
    refused: bool,
) -> Ranked {
    let requests: Vec<usize> = (0..attribution.requests.len())
        .filter(|r| is_operation(&objective.operation, &attribution.requests[*r]))
        .collect();
    let mut problems = Vec::new();
    if requests.is_empty() && !attribution.requests.is_empty() {
        problems.push(gate::no_such_operation(attribution, objective));
    }
    let population = Population::new(attribution, requests);
    let (n, q) = (population.len(), objective.target);
    let supported = n as u64 >= quantile::requests_needed(q);
    if !supported && n > 0 {
        problems.push(gate::too_few(objective, n));
    }
    let basis = if supported { attribution.basis } else { Basis::SampledShare };
    let mut split = measured(&population, objective, supported);
    split.basis = basis;
    let mut jump = None;
    split.rows = match basis {
        Basis::JoinedSamples | Basis::Spans => {
            let (rows, beside) = split::split(&population, q, options.seed);
            jump = beside;
            rows
        }
        Basis::Bounds => split::bounds(&population, q, options.seed),
        // The samples of other operations say nothing about this one.
        Basis::SampledShare if n == 0 && !attribution.requests.is_empty() => Vec::new(),
        Basis::SampledShare => split::shares(&population),
    };
    if refused {
        split.rows = gate::without_functions(split.rows);
    }
    budget::order(&mut split.rows, matches!(basis, Basis::Bounds | Basis::SampledShare));
    finish(&mut split, slo, basis);
    problems.extend(gate::waits_alone(&split));
    problems.extend(gate::few_around(&split));
    problems.extend(jump.map(|jump| gate::beside_a_jump(&split, &jump)));
    problems.extend(gate::unresolved(&split));
    let cohort = if supported { population.sorted[quantile::cohort(n, q)].to_vec() } else { population.sorted };
    Ranked { split, cohort, problems }
}

/// Latency numbers of the objective, without rows.
fn measured(population: &Population, objective: &Objective, supported: bool) -> ObjectiveSplit {
    let n = population.len();
    let limit_ms = objective.limit_ns as f64 / 1e6;
    let latencies: Vec<f64> = (0..n).map(|r| population.latency_ms(r)).collect();
    let good = latencies.partition_point(|l| *l <= limit_ms);
    let measured_ms = supported.then(|| latencies[quantile::order_statistic(n, objective.target)]);
    let interval = if supported { quantile::order_interval(n, objective.target) } else { None };
    ObjectiveSplit {
        slo: objective.name.clone(),
        operation: objective.operation.clone(),
        quantile: objective.target,
        limit_ms,
        measured_ms,
        ci_ms: interval.map_or(Interval::default(), |(l, h)| Interval { low: latencies[l], high: latencies[h] }),
        requests: n as u64,
        good_ratio: if n > 0 { good as f64 / n as f64 } else { 0.0 },
        gap_ms: measured_ms.map_or(0.0, |m| m - limit_ms),
        basis: Basis::SampledShare,
        rows: Vec::new(),
        sum_ms: 0.0,
        smallest_set: Vec::new(),
        smallest_set_ms: 0.0,
        reachable: true,
        histogram: histogram(&latencies),
    }
}

fn finish(split: &mut ObjectiveSplit, slo: &Slo, basis: Basis) {
    split.sum_ms = split.rows.iter().map(|r| r.c_ms).sum();
    if split.measured_ms.is_none() {
        return;
    }
    if basis != Basis::Bounds {
        budget::bands(&mut split.rows);
    }
    budget::grant(&mut split.rows, &split.slo, split.limit_ms, &slo.budgets);
    (split.smallest_set, split.smallest_set_ms, split.reachable) = budget::smallest_set(&split.rows, split.gap_ms);
}

/// An objective without an operation speaks of every request; else the operation, its normal form or the root span's
/// name must be the same.
fn is_operation(operation: &str, request: &AttributedRequest) -> bool {
    let same = |name: &str| !name.is_empty() && normal(name) == normal(operation);
    operation.is_empty() || same(&request.operation) || same(&request.span_name)
}

/// Method in upper case, one blank, no slash at the end.
fn normal(operation: &str) -> String {
    let mut words = operation.split_whitespace();
    let (first, second) = (words.next().unwrap_or(""), words.next());
    match second {
        Some(path) => {
            let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
            let rest: String = words.map(|w| format!(" {w}")).collect();
            format!("{} {path}{rest}", first.to_ascii_uppercase())
        }
        None => first.to_owned(),
    }
}

/// Counts of latencies in 40 buckets that grow by a constant factor: upper edge in ms and count.
fn histogram(sorted_ms: &[f64]) -> Vec<(f64, u64)> {
    const BUCKETS: i32 = 40;
    let (Some(first), Some(last)) = (sorted_ms.first(), sorted_ms.last()) else { return Vec::new() };
    let low = first.max(1e-3);
    let factor = (last.max(low * 1.001) / low).powf(1.0 / f64::from(BUCKETS));
    let mut from = 0;
    let edges = (1..=BUCKETS).map(|i| if i == BUCKETS { f64::INFINITY } else { low * factor.powi(i) });
    edges
        .map(|edge| {
            let to = sorted_ms.partition_point(|l| *l <= edge);
            let count = (to - std::mem::replace(&mut from, to)) as u64;
            (edge.min(last.max(low)), count)
        })
        .collect()
}

/// Functions of the objective that misses by most first, then those that only matter elsewhere.
fn hot_functions(objectives: &[ObjectiveSplit]) -> Vec<HotFunction> {
    let mut order: Vec<&ObjectiveSplit> = objectives.iter().collect();
    order.sort_by(|a, b| (b.gap_ms / b.limit_ms).total_cmp(&(a.gap_ms / a.limit_ms)));
    let mut hot: Vec<HotFunction> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for split in order {
        for row in split.rows.iter().filter(|r| r.samples > 0 || r.c_ms > 0.0) {
            let Some(function) = row.function.clone() else { continue };
            if seen.insert(function.clone()) {
                hot.push(hot_function(function, row, split));
            }
        }
    }
    hot
}

fn hot_function(function: crate::model::FunctionId, row: &Contribution, split: &ObjectiveSplit) -> HotFunction {
    HotFunction {
        function,
        file: row.file.clone(),
        line: row.line,
        contribution: row.clone(),
        slo: split.slo.clone(),
        basis: split.basis,
    }
}

/// Share of each line in what functions own of the cohort (of everything, where there is none).
fn line_heat(attribution: &Attribution, cohort: &[usize]) -> Vec<LineHeat> {
    let mut member = vec![false; attribution.requests.len()];
    cohort.iter().for_each(|r| member[*r] = true);
    let mut total = 0.0;
    let mut by_line: std::collections::BTreeMap<(&str, u32), f64> = std::collections::BTreeMap::new();
    for part in &attribution.lines {
        let counts = cohort.is_empty() || part.request.is_some_and(|r| member[r as usize]);
        let row = &attribution.rows[part.row as usize];
        if !counts || row.kind != RowKind::Function {
            continue;
        }
        total += part.weight;
        if part.line > 0 {
            *by_line.entry((&row.file, part.line)).or_default() += part.weight;
        }
    }
    let mut heat: Vec<LineHeat> = Vec::new();
    for ((file, line), weight) in by_line {
        match heat.last_mut().filter(|h| h.file == file) {
            Some(same) => same.lines.push((line, weight / total)),
            None => heat.push(LineHeat { file: file.to_owned(), lines: vec![(line, weight / total)] }),
        }
    }
    heat
}
