//! What has been read of a profile so far in; the share of each function, with its interval, out.

use std::collections::BTreeMap;

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
    let owners = Owners::new(profile, items, &options.own);
    let weights = node_weights(profile);
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for (node, weight) in weights.iter().enumerate().filter(|(_, w)| **w > 0) {
        let leaf = (node < profile.nodes.len()).then_some(NodeId(node as u32));
        let name = match owners.of(leaf) {
            StackOwner::Item { item, .. } => items[item as usize].id.0.as_str(),
            StackOwner::Label(label) => owners.labels[label as usize].1.as_str(),
        };
        *sums.entry(name).or_default() += *weight as f64;
    }
    let total: f64 = sums.values().sum();
    let drawn = if profile.unit == Unit::Samples { total } else { profile.samples.len() as f64 };
    let share = |(name, weight): (&str, f64)| {
        let share = weight / total;
        Share { name: name.to_owned(), share, interval: wilson(share, drawn) }
    };
    let mut shares: Vec<Share> = sums.into_iter().map(share).collect();
    shares.sort_by(|a, b| b.share.total_cmp(&a.share));
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
