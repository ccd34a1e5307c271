//! What has been read of a profile so far in; the share of each function, with its interval, out.

use std::collections::HashMap;

use super::owners::{Owners, StackOwner};
use super::{Options, spans};
use crate::model::{AttributedRow, Attribution, Interval, Item, NO_LEAF, NodeId, Profile};

/// How much of a profile a function owns.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// Function path, or the label of what is not placed.
    pub name: String,
    /// Share of the weight, 0 to 1.
    pub share: f64,
    /// 95 % interval of it: as if samples were drawn one by one (Wilson), or requests with all of their spans.
    pub interval: Interval,
}

/// Weights of a function, or of what is not placed.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighed {
    /// Function path, or the label.
    pub name: String,
    /// Of the stacks that it owns.
    pub owned: f64,
    /// Of the stacks that it is the leaf of.
    pub self_: f64,
    /// Of the stacks that it is on, each once.
    pub total: f64,
}

/// Shares of all functions, largest first; where there are spans or requests alone, of the time of the requests. Quick: one pass
/// over the leaves, and each stack is placed once.
pub fn shares(profile: &Profile, items: &[Item], options: &Options) -> Vec<Share> {
    if profile.samples.is_empty() && !profile.spans.is_empty() {
        return of_requests(&spans::attribute(profile, items, options));
    }
    if profile.samples.is_empty() && !profile.requests.is_empty() {
        return of_requests(&super::attribute(profile, items, options));
    }
    ranked(&node_weights(profile), &Placed::new(profile, items, options), drawn(profile))
}

/// How many draws of one weight say as much as the samples do (Kish 1965): of a file whose writer has added up equal stacks, a part
/// has a whole stack or nothing of it. What was counted says all that there is to say.
fn drawn(profile: &Profile) -> f64 {
    if !profile.sources.is_empty() && profile.sources.iter().all(|source| source.is_counted) {
        return f64::INFINITY;
    }
    let (mut sum, mut squares) = (0.0, 0.0);
    for weight in profile.samples.iter().map(|s| s.weight as f64) {
        sum += weight;
        squares += weight * weight;
    }
    if squares > 0.0 { sum * sum / squares } else { 0.0 }
}

/// Shares of the time of all requests. What a function has differs from request to request more than chance alone would have it,
/// so requests are what is drawn: the interval is that of a ratio of two means (Cochran 1977, 6.3).
fn of_requests(split: &Attribution) -> Vec<Share> {
    let count = split.requests.len() as f64;
    let whole: f64 = split.requests.iter().map(|r| r.latency_ns as f64).sum();
    let squares: f64 = split.requests.iter().map(|r| (r.latency_ns as f64).powi(2)).sum();
    // By row: its time, its square, and its product with the time of the request.
    let mut sums = vec![[0.0; 3]; split.rows.len()];
    for request in &split.requests {
        for part in &split.parts[request.parts.clone()] {
            let [time, square, product] = &mut sums[part.row as usize];
            *time += part.owned_ns;
            *square += part.owned_ns.powi(2);
            *product += part.owned_ns * request.latency_ns as f64;
        }
    }
    let share = |(row, [time, square, product]): (&AttributedRow, &[f64; 3])| {
        let share = time / whole;
        let variance = (square - 2.0 * share * product + share * share * squares).max(0.0) * count / (count - 1.0);
        // One request says nothing of others.
        let half = if count > 1.0 { 1.959_964 * variance.sqrt() / whole } else { 1.0 };
        let interval = Interval { low: (share - half).clamp(0.0, 1.0), high: (share + half).clamp(0.0, 1.0) };
        Share { name: row.name.clone(), share, interval }
    };
    let mut shares: Vec<Share> =
        split.rows.iter().zip(&sums).filter(|(_, [time, ..])| *time > 0.0 && whole > 0.0).map(share).collect();
    shares.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.name.cmp(&b.name)));
    shares
}

/// The row of every stack.
#[derive(Debug)]
pub struct Placed {
    /// Index into the names, by node; what stands last has no stack.
    rows: Vec<u32>,
    names: Vec<String>,
    /// By node: the row of its own frame where that is a function.
    own: Vec<Option<u32>>,
    /// By node: true if no caller of it is the same function.
    is_outermost: Vec<bool>,
}

impl Placed {
    /// Places every stack once.
    pub fn new(profile: &Profile, items: &[Item], options: &Options) -> Placed {
        let owners = Owners::new(profile, items, &options.own);
        let mut by_owner: HashMap<(bool, u32), u32> = HashMap::new();
        let rows = Vec::with_capacity(profile.nodes.len() + 1);
        let mut placed = Placed { rows, names: Vec::new(), own: Vec::new(), is_outermost: Vec::new() };
        let leaves = (0..profile.nodes.len()).map(|node| Some(NodeId(node as u32))).chain([None]);
        for leaf in leaves {
            let (key, name) = match owners.of(leaf) {
                StackOwner::Item { item, .. } => ((true, item), &items[item as usize].id.0),
                StackOwner::Label(label) => ((false, label), &owners.labels[label as usize].1),
            };
            let row = *by_owner.entry(key).or_insert_with(|| {
                placed.names.push(name.clone());
                placed.names.len() as u32 - 1
            });
            placed.rows.push(row);
        }
        // A function that is on a stack owns the stack that ends with it, so that it has a row.
        let item = |node: NodeId| owners.own_item(node);
        for node in (0..profile.nodes.len() as u32).map(NodeId) {
            let mut callers =
                std::iter::successors(profile.nodes[node.0 as usize].parent, |n| profile.nodes[n.0 as usize].parent);
            placed.is_outermost.push(!callers.any(|caller| item(caller) == item(node)));
            placed.own.push(item(node).map(|item| by_owner[&(true, item)]));
        }
        placed
    }

    /// What each row has of the nodes' weights as leaves; `parents` hold a root itself.
    pub fn weighed(&self, weights: &[u64], parents: &[u32]) -> Vec<Weighed> {
        let row = |name: &String| Weighed { name: name.clone(), owned: 0.0, self_: 0.0, total: 0.0 };
        let mut rows: Vec<Weighed> = self.names.iter().map(row).collect();
        for (weight, row) in weights.iter().zip(&self.rows) {
            rows[*row as usize].owned += *weight as f64;
        }
        let mut below: Vec<f64> = weights.iter().map(|w| *w as f64).collect();
        // A parent stands before its children.
        for node in (0..parents.len()).rev() {
            if let Some(row) = self.own[node] {
                rows[row as usize].self_ += weights[node] as f64;
                rows[row as usize].total += if self.is_outermost[node] { below[node] } else { 0.0 };
            }
            if parents[node] as usize != node {
                below[parents[node] as usize] += below[node];
            }
        }
        rows
    }
}

/// The rows that have any weight, largest first; `drawn` is the number of samples behind them.
pub fn ranked(weights: &[u64], placed: &Placed, drawn: f64) -> Vec<Share> {
    let mut sums = vec![0.0; placed.names.len()];
    for (weight, row) in weights.iter().zip(&placed.rows) {
        sums[*row as usize] += *weight as f64;
    }
    let total: f64 = sums.iter().sum();
    let share = |(weight, name): (&f64, &String)| {
        let share = weight / total;
        Share { name: name.clone(), share, interval: wilson(share, drawn) }
    };
    let mut shares: Vec<Share> = sums.iter().zip(&placed.names).filter(|(w, _)| **w > 0.0).map(share).collect();
    shares.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.name.cmp(&b.name)));
    shares
}

/// The weight of every node as a leaf; empty stacks stand last.
fn node_weights(profile: &Profile) -> Vec<u64> {
    let mut weights = vec![0u64; profile.nodes.len() + 1];
    for (at, leaf) in profile.samples.leaves().iter().enumerate() {
        let node = if *leaf == NO_LEAF { profile.nodes.len() } else { *leaf as usize };
        weights[node] = weights[node].saturating_add(profile.samples.weights().at(at));
    }
    weights
}

/// Wilson's interval of a share among `n` draws (Wilson 1927).
fn wilson(share: f64, n: f64) -> Interval {
    const Z: f64 = 1.959_964;
    let n = n.max(1.0);
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).max(0.0).sqrt();
    Interval { low: (middle - half).max(0.0), high: (middle + half).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Frame, FrameId, Node, Request, Sample, SourceQuality, Span, Unit, Wait};

    #[test]
    fn shares_have_intervals_that_narrow_with_the_number_of_samples() {
        let of = |n: usize| {
            let sample = |at: usize| Sample {
                leaf: (!at.is_multiple_of(4)).then_some(NodeId(0)),
                weight: 10,
                time_ns: None,
                tid: None,
            };
            let profile = Profile {
                frames: vec![Frame { symbol: "memcpy".into(), ..Frame::default() }],
                nodes: vec![Node { parent: None, frame: FrameId(0) }],
                samples: (0..n).map(sample).collect(),
                unit: Unit::CpuNanoseconds,
                ..Profile::default()
            };
            shares(&profile, &[], &Options::default())
        };
        let (few, many) = (of(40), of(4000));
        assert_eq!((many[0].name.as_str(), many[0].share), ("runtime and libraries", 0.75));
        assert_eq!((many[1].name.as_str(), many[1].share), ("stacks without symbols", 0.25));
        let width = |s: &Share| s.interval.high - s.interval.low;
        assert!(few[0].interval.low < 0.75 && 0.75 < few[0].interval.high);
        assert!(width(&many[0]) * 5.0 < width(&few[0]), "{:?} {:?}", many[0], few[0]);
        assert_eq!(of(0), []);
    }

    #[test]
    fn stacks_that_were_added_up_say_less_than_their_sum() {
        let of = |weights: &[u64]| {
            let sample = |weight: &u64| Sample { leaf: None, weight: *weight, time_ns: None, tid: None };
            drawn(&Profile { samples: weights.iter().map(sample).collect(), unit: Unit::Samples, ..Profile::default() })
        };
        assert_eq!((of(&[1; 100]), of(&[7; 100]), of(&[])), (100.0, 100.0, 0.0));
        assert!((of(&[1_000, 1, 1, 1]) - 1.006).abs() < 0.001);
    }

    #[test]
    fn what_was_counted_has_no_interval() {
        let of = |is_counted| {
            let sample = |n: u32| Sample { leaf: (n < 2).then_some(NodeId(0)), weight: 1, time_ns: None, tid: None };
            let profile = Profile {
                frames: vec![Frame { symbol: "memcpy".into(), ..Frame::default() }],
                nodes: vec![Node { parent: None, frame: FrameId(0) }],
                samples: (0..3).map(sample).collect(),
                unit: Unit::Events,
                sources: vec![SourceQuality { is_counted, ..SourceQuality::default() }],
                ..Profile::default()
            };
            shares(&profile, &[], &Options::default())[0].interval
        };
        assert_eq!(of(true), Interval { low: 2.0 / 3.0, high: 2.0 / 3.0 });
        assert!(of(false).low < 0.5 && of(false).high > 0.8, "{:?}", of(false));
    }

    #[test]
    fn of_requests_alone_what_they_waited_for_has_shares_of_their_time() {
        let request = |n: u64| Request { start_ns: 1_000 * n, end_ns: 1_000 * n + 100, ..Request::default() };
        let wait =
            |n: u64| Wait { request: n as u32, name: "lock".into(), start_ns: 1_000 * n, end_ns: 1_000 * n + 30 };
        let profile = Profile {
            requests: (0..50).map(request).collect(),
            waits: (0..50).map(wait).collect(),
            ..Profile::default()
        };
        let shares = shares(&profile, &[], &Options::default());
        assert_eq!(shares.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["not running (unnamed)", "lock"]);
        for (share, expected) in shares.iter().zip([0.7, 0.3]) {
            let Interval { low, high } = share.interval;
            assert!([share.share, low, high].iter().all(|x| (x - expected).abs() < 1e-6), "{share:?}");
        }
    }

    /// Traces of two spans each: `handle` and inside of it `score`, which takes so many of its 100 ns.
    fn traces(scores: impl Iterator<Item = u64>) -> Vec<Share> {
        let mut profile = Profile { unit: Unit::WallNanoseconds, ..Profile::default() };
        for (request, score) in (0..).zip(scores) {
            let start_ns = 1_000 * u64::from(request);
            let span = |parent, name: &str, length| Span {
                request,
                parent,
                name: name.into(),
                function: format!("gw::{name}"),
                start_ns,
                end_ns: start_ns + length,
                ..Span::default()
            };
            profile.requests.push(Request { start_ns, end_ns: start_ns + 100, ..Request::default() });
            profile.spans.extend([span(None, "handle", 100), span(Some(2 * request), "score", score)]);
        }
        shares(&profile, &[], &Options::default())
    }

    #[test]
    fn of_spans_alone_requests_are_what_is_drawn() {
        let even = traces([40; 100].into_iter());
        assert_eq!((even[0].name.as_str(), even[0].share, even[1].name.as_str()), ("gw::handle", 0.6, "gw::score"));
        assert_eq!(even[0].interval, Interval { low: 0.6, high: 0.6 }, "every request says the same");
        let rare = traces((0..100).map(|n| if n % 10 == 0 { 90 } else { 0 }));
        let score = rare.iter().find(|s| s.name == "gw::score").expect("a row");
        // A tenth of the requests has it: 0.09 with a standard error of 0.27 / 10.
        assert!((score.share - 0.09).abs() < 1e-9 && (score.interval.high - score.share - 0.0532).abs() < 0.001);
        assert_eq!(traces([40].into_iter())[0].interval, Interval { low: 0.0, high: 1.0 });
    }
}
