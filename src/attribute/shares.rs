//! What has been read of a profile so far in; the share of each function, with its interval, out.

use std::collections::HashMap;

use super::Options;
use super::owners::{Owners, StackOwner};
use crate::model::{Interval, Item, NO_LEAF, NodeId, Profile, Unit};

/// How much of a profile a function owns.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// Function path, or the label of what is not placed.
    pub name: String,
    /// Share of the weight, 0 to 1.
    pub share: f64,
    /// 95 % interval of it, as if samples were drawn one by one (Wilson).
    pub interval: Interval,
}

/// Shares of all functions, largest first. Quick: one pass over the leaves, and each stack is placed once.
pub fn shares(profile: &Profile, items: &[Item], options: &Options) -> Vec<Share> {
    let weights = node_weights(profile);
    let drawn = match profile.unit {
        Unit::Samples => weights.iter().map(|w| *w as f64).sum(),
        _ => profile.samples.len() as f64,
    };
    ranked(&weights, &Placed::new(profile, items, options), drawn)
}

/// The row of every stack.
#[derive(Debug)]
pub struct Placed {
    /// Index into the names, by node; what stands last has no stack.
    rows: Vec<u32>,
    names: Vec<String>,
}

impl Placed {
    /// Places every stack once.
    pub fn new(profile: &Profile, items: &[Item], options: &Options) -> Placed {
        let owners = Owners::new(profile, items, &options.own);
        let mut by_owner: HashMap<(bool, u32), u32> = HashMap::new();
        let mut placed = Placed { rows: Vec::with_capacity(profile.nodes.len() + 1), names: Vec::new() };
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
        placed
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
    use crate::model::{Frame, FrameId, Node, Sample};

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
}
