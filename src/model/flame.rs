//! A call tree with weights, laid out level by level, and the choice of samples it is made of.

use super::{FunctionId, Unit};

/// The part of a recording that is looked at; empty for all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brush {
    /// OS threads; empty for all.
    pub threads: Vec<u64>,
    /// From and to, in nanoseconds since the first sample or request of the recording.
    pub time_ns: Option<(u64, u64)>,
}

impl Brush {
    /// True if nothing is left out.
    pub fn is_empty(&self) -> bool {
        self.threads.is_empty() && self.time_ns.is_none()
    }
}

/// Whose code a frame is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A function of the workspace.
    Ours(FunctionId),
    /// A crate, by name: ours without a function in the text, the standard library, a dependency.
    Crate(String),
    /// The kernel.
    Kernel,
    /// Code without a crate: C libraries.
    Native,
    /// No symbol.
    #[default]
    Unknown,
}

/// A name that frames share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlameName {
    /// For people: `gateway::risk::score`.
    pub text: String,
    /// Whose code it is.
    pub owner: Owner,
}

/// One frame below its callers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlameNode {
    /// Index into [`Flame::names`].
    pub name: u32,
    /// Index of the caller; the root is its own.
    pub parent: u32,
    /// Distance from the root.
    pub depth: u16,
    /// Weight that lies left of it on its level and on all levels above.
    pub start: u64,
    /// Weight of the samples that have it, callees included.
    pub weight: u64,
    /// Weight of the samples in which it is the leaf.
    pub own: u64,
}

impl FlameNode {
    /// Where it ends on its level.
    pub fn end(&self) -> u64 {
        self.start + self.weight
    }
}

/// Stacks merged by name. Nodes stand level by level, each level in the order of `start`; children stand below their
/// caller from its start on, the heaviest first, and what is left at its end is its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flame {
    /// The root, which stands for everything chosen, and all below it.
    pub nodes: Vec<FlameNode>,
    /// Where each level ends in `nodes`.
    pub levels: Vec<u32>,
    /// Names.
    pub names: Vec<FlameName>,
    /// Unit of the weights.
    pub unit: Unit,
    /// Samples chosen.
    pub samples: u64,
    /// Requests they belong to; `None` where samples were not chosen by request.
    pub requests: Option<u64>,
    /// Threads of the recording with their weights, heaviest first.
    pub threads: Vec<(u64, u64)>,
    /// Length of the recording in nanoseconds; 0 where samples have no time.
    pub length_ns: u64,
    /// What an older recording had in the same places, where one is compared with.
    pub before: Option<Before>,
}

/// An older recording in the places of a newer one's call tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Before {
    /// Per node of the newer tree: weight with callees, and its own.
    pub nodes: Vec<(u64, u64)>,
    /// Weight of all samples.
    pub weight: u64,
    /// Weight of the samples whose last frame the newer tree does not have.
    pub gone: u64,
    /// Samples.
    pub samples: u64,
}

impl Flame {
    /// Nodes of a level; empty below the deepest.
    pub fn level(&self, depth: usize) -> &[FlameNode] {
        let end = self.levels.get(depth).copied().unwrap_or_default() as usize;
        let start = if depth == 0 { 0 } else { self.levels.get(depth - 1).copied().unwrap_or_default() as usize };
        self.nodes.get(start..end.max(start)).unwrap_or_default()
    }

    /// Index of the node of a level that covers a weight, found in logarithmic time.
    pub fn at(&self, depth: usize, weight: u64) -> Option<u32> {
        let level = self.level(depth);
        let before = level.partition_point(|n| n.start <= weight);
        let place = before.checked_sub(1)?;
        (weight < level[place].end()).then_some((self.levels[depth] as usize - level.len() + place) as u32)
    }

    /// The node of a level that covers a weight, or the next one to its right.
    pub fn at_or_after(&self, depth: usize, weight: u64) -> Option<u32> {
        let level = self.level(depth);
        let place = level.partition_point(|n| n.end() <= weight);
        (place < level.len()).then(|| (self.levels[depth] as usize - level.len() + place) as u32)
    }

    /// The node of a level that covers a weight, or the next one to its left.
    pub fn at_or_before(&self, depth: usize, weight: u64) -> Option<u32> {
        let level = self.level(depth);
        let place = level.partition_point(|n| n.start <= weight).checked_sub(1)?;
        Some((self.levels[depth] as usize - level.len() + place) as u32)
    }

    /// A node.
    pub fn node(&self, index: u32) -> FlameNode {
        self.nodes.get(index as usize).copied().unwrap_or_default()
    }

    /// Its name.
    pub fn name(&self, index: u32) -> Option<&FlameName> {
        self.names.get(self.node(index).name as usize)
    }

    /// Its heaviest callee.
    pub fn first_child(&self, index: u32) -> Option<u32> {
        let node = self.node(index);
        let child = self.at(usize::from(node.depth) + 1, node.start)?;
        (self.node(child).parent == index).then_some(child)
    }

    /// By how many percentage points a node's share of the weight has grown since the older recording, and whether that is
    /// more than samples vary by chance: 1.96 standard errors of a difference of two shares.
    pub fn growth(&self, index: u32) -> Option<(f64, bool)> {
        let before = self.before.as_ref().filter(|b| b.weight > 0 && b.samples > 0 && self.samples > 0)?;
        let share = |weight: u64, of: u64| weight as f64 / of.max(1) as f64;
        let now = share(self.node(index).weight, self.node(0).weight);
        let then = share(before.nodes.get(index as usize)?.0, before.weight);
        let variance = |share: f64, samples: u64| share * (1.0 - share) / samples as f64;
        let error = (variance(now, self.samples) + variance(then, before.samples)).sqrt();
        Some(((now - then) * 100.0, (now - then).abs() > 1.96 * error && now != then))
    }

    /// True if `inner` is `outer` or stands below it.
    pub fn is_below(&self, inner: u32, outer: u32) -> bool {
        let (inner, outer) = (self.node(inner), self.node(outer));
        inner.depth >= outer.depth && inner.start >= outer.start && inner.end() <= outer.end()
    }
}
