//! What two readers made of the same recording, each of its share of the samples, in; as if one had read all of it out.
//!
//! Every reader follows what is mapped where, and takes every so manieth block of samples in the order of time. Put together
//! again in this order, frames and stacks get the numbers that one reader would have given them.

use std::ops::Range;

use super::super::intern::Stacks;
use super::super::perf_switch::Switch;
use super::Gathered;
use super::spaces::{Moved, Objects};
use crate::model::NodeId;

/// Samples of one reader that follow one another: enough that most callers stay, few enough that all readers end together.
const BLOCK: u64 = 64;

/// Which samples a reader takes.
#[derive(Clone, Debug)]
pub struct Share {
    part: u64,
    of: u64,
    /// Samples met, those of others too.
    met: u64,
    /// Blocks that were taken, each with where its samples end among those gathered.
    blocks: Vec<(u64, usize)>,
}

impl Default for Share {
    fn default() -> Share {
        Share::new(0, 1)
    }
}

impl Share {
    /// The share with this number of so many.
    pub fn new(part: usize, of: usize) -> Share {
        Share { part: part as u64, of: of.max(1) as u64, met: 0, blocks: Vec::new() }
    }

    /// True for the reader that counts what every reader meets.
    pub fn is_first(&self) -> bool {
        self.part == 0
    }

    /// The block of the next sample, if it is of this share.
    pub fn next(&mut self) -> Option<u64> {
        let block = self.met / BLOCK;
        self.met += 1;
        (block % self.of == self.part).then_some(block)
    }

    /// A sample of a block was taken, or found to be damaged; so many are gathered now.
    pub fn took(&mut self, block: u64, gathered: usize) {
        match self.blocks.last_mut() {
            _ if self.of == 1 => {}
            Some((last, end)) if *last == block => *end = gathered,
            _ => self.blocks.push((block, gathered)),
        }
    }

    /// The samples of each block.
    fn ranges(&self) -> impl Iterator<Item = (u64, Range<usize>)> + '_ {
        let starts = std::iter::once(0).chain(self.blocks.iter().map(|(_, end)| *end));
        self.blocks.iter().zip(starts).map(|((block, end), start)| (*block, start..*end))
    }

    /// The share of both.
    fn with(self, gathered: usize, blocks: impl Iterator<Item = (u64, usize)>) -> Share {
        let mut end = 0;
        let blocks = blocks.map(|(block, length)| {
            end += length;
            (block, end)
        });
        let blocks = blocks.collect();
        debug_assert_eq!(end, gathered);
        Share { blocks, ..self }
    }
}

/// Puts together what was gathered of two shares.
pub fn joined(mut first: (Gathered, Share), second: (Gathered, Share)) -> (Gathered, Share) {
    let ranges =
        |which: usize, share: &Share| share.ranges().map(|(block, range)| (block, which, range)).collect::<Vec<_>>();
    let mut order = [ranges(0, &first.1), ranges(1, &second.1)].concat();
    order.sort_by_key(|(block, ..)| *block);
    let mut all = Gathered {
        threads: std::mem::take(&mut first.0.threads),
        lost: first.0.lost,
        bytes: first.0.bytes,
        malformed: first.0.malformed + second.0.malformed,
        not_monotonic: first.0.not_monotonic || second.0.not_monotonic,
        in_libc: first.0.in_libc + second.0.in_libc,
        broken: (first.0.broken.0 + second.0.broken.0, first.0.broken.1.saturating_add(second.0.broken.1)),
        ..Gathered::default()
    };
    let mut taking = [&first.0, &second.0].map(|gathered| Taking::new(gathered, &mut all.objects));
    for (_, which, range) in &order {
        taking[*which].take(range.clone(), &mut all);
    }
    let share = first.1.with(all.samples.len(), order.into_iter().map(|(block, _, range)| (block, range.len())));
    (all, share)
}

/// One share that is being taken over.
struct Taking<'g> {
    gathered: &'g Gathered,
    frames: Moved,
    nodes: Vec<Option<NodeId>>,
    /// Samples with a switch that were not taken yet.
    switched: &'g [(usize, Switch)],
    open: Vec<NodeId>,
}

impl<'g> Taking<'g> {
    fn new(gathered: &'g Gathered, objects: &mut Objects) -> Taking<'g> {
        let frames = objects.moving(&gathered.objects, gathered.stacks.frames());
        let nodes = vec![None; gathered.stacks.nodes()];
        Taking { gathered, frames, nodes, switched: &gathered.switched, open: Vec::new() }
    }

    fn take(&mut self, samples: Range<usize>, all: &mut Gathered) {
        for at in samples {
            let mut sample = self.gathered.samples.at(at);
            sample.leaf = sample.leaf.map(|leaf| self.node(leaf, &mut all.stacks, &mut all.objects));
            while let Some(((switched, switch), rest)) = self.switched.split_first().filter(|((of, _), _)| *of <= at) {
                if *switched == at {
                    all.switched.push((all.samples.len(), *switch));
                }
                self.switched = rest;
            }
            all.samples.push(sample);
            all.attr_of.push(self.gathered.attr_of.at(at));
        }
    }

    /// The new number of a stack; its callers come first.
    fn node(&mut self, leaf: NodeId, stacks: &mut Stacks, objects: &mut Objects) -> NodeId {
        let mut caller = None;
        let mut next = Some(leaf);
        while let Some(node) = next {
            caller = self.nodes[node.0 as usize];
            if caller.is_some() {
                break;
            }
            self.open.push(node);
            next = self.gathered.stacks.caller_of(node);
        }
        while let Some(node) = self.open.pop() {
            let frame = self.gathered.stacks.frame_of(node);
            let frame = self.frames.frame(frame, self.gathered.stacks.get(frame), objects, stacks);
            caller = Some(stacks.child(caller, frame));
            self.nodes[node.0 as usize] = caller;
        }
        caller.expect("a stack has a leaf")
    }
}
