//! Frames and stacks in, small numbers out: each distinct frame and each distinct stack is kept once.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::model::{Frame, FrameId, Node, NodeId};

/// A map keyed by bytes or ids of a trusted size; profiles are read by the person who recorded them.
pub type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<Folded>>;

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// Hashes eight bytes a step by multiplying to 128 bits and folding the halves.
#[derive(Clone, Copy, Default)]
pub struct Folded(u64);

impl Folded {
    fn mix(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * u128::from(MULTIPLIER);
        self.0 = ((product >> 64) as u64 ^ product as u64).wrapping_add(word);
    }
}

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            self.mix(u64::from_le_bytes(word.try_into().unwrap_or([0; 8])));
        }
        let mut last = [0; 8];
        last[..words.remainder().len()].copy_from_slice(words.remainder());
        self.mix(u64::from_le_bytes(last) ^ (bytes.len() as u64).rotate_left(56));
    }

    fn write_u32(&mut self, value: u32) {
        self.mix(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.mix(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.mix(value as u64);
    }

    fn finish(&self) -> u64 {
        let product = u128::from(self.0) * u128::from(MULTIPLIER);
        (product >> 64) as u64 ^ product as u64
    }
}

/// The frames and the call trie of a profile that is being read.
#[derive(Clone, Default)]
pub struct Stacks {
    frames: Vec<Frame>,
    frame_ids: FastMap<Frame, FrameId>,
    nodes: Vec<Node>,
    node_ids: FastMap<(u32, u32), NodeId>,
    /// The stack added last, root first, with its nodes: most samples share their outer frames with the one before.
    last: Vec<(FrameId, NodeId)>,
}

impl Stacks {
    /// The id of a frame.
    pub fn frame(&mut self, frame: Frame) -> FrameId {
        if let Some(id) = self.frame_ids.get(&frame) {
            return *id;
        }
        let id = FrameId(self.frames.len() as u32);
        self.frames.push(frame.clone());
        self.frame_ids.insert(frame, id);
        id
    }

    /// The id of a frame that the caller knows to be the only one of its kind.
    pub fn only_frame(&mut self, frame: Frame) -> FrameId {
        self.frames.push(frame);
        FrameId(self.frames.len() as u32 - 1)
    }

    /// Number of distinct frames.
    pub fn frames(&self) -> usize {
        self.frames.len()
    }

    /// Number of distinct stacks.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// The caller's node.
    pub fn caller_of(&self, node: NodeId) -> Option<NodeId> {
        self.nodes[node.0 as usize].parent
    }

    /// Takes over the stacks of a reader of what follows; gives the new number of each of its frames and nodes.
    pub fn join(&mut self, later: Stacks) -> (Vec<FrameId>, Vec<NodeId>) {
        self.take(later.frames, &later.nodes)
    }

    /// Takes over frames and nodes; gives the new number of each.
    pub fn take(&mut self, frames: Vec<Frame>, nodes: &[Node]) -> (Vec<FrameId>, Vec<NodeId>) {
        let frames: Vec<FrameId> = frames.into_iter().map(|f| self.frame(f)).collect();
        let mut moved: Vec<NodeId> = Vec::with_capacity(nodes.len());
        for node in nodes {
            let parent = node.parent.map(|p| moved[p.0 as usize]);
            moved.push(self.child(parent, frames[node.frame.0 as usize]));
        }
        (frames, moved)
    }

    /// A frame by its id.
    pub fn get(&self, id: FrameId) -> &Frame {
        &self.frames[id.0 as usize]
    }

    /// The node of a stack given from the leaf outwards; `None` for an empty stack.
    pub fn node(&mut self, leaf_first: &[FrameId]) -> Option<NodeId> {
        let same = leaf_first.iter().rev().zip(&self.last).take_while(|(frame, (known, _))| *frame == known).count();
        self.last.truncate(same);
        for frame in leaf_first.iter().rev().skip(same) {
            let parent = self.last.last().map(|(_, node)| *node);
            let node = self.child(parent, *frame);
            self.last.push((*frame, node));
        }
        self.last.last().map(|(_, node)| *node)
    }

    /// The frame of a node.
    pub fn frame_of(&self, node: NodeId) -> FrameId {
        self.nodes[node.0 as usize].frame
    }

    /// The node of a frame below a caller.
    pub fn child(&mut self, parent: Option<NodeId>, frame: FrameId) -> NodeId {
        let key = (parent.map_or(u32::MAX, |p| p.0), frame.0);
        if let Some(node) = self.node_ids.get(&key) {
            return *node;
        }
        let node = NodeId(self.nodes.len() as u32);
        self.nodes.push(Node { parent, frame });
        self.node_ids.insert(key, node);
        node
    }

    /// Copies of frames and nodes, to be looked at: nothing can be found in them again.
    pub fn contents(&self) -> Stacks {
        Stacks { frames: self.frames.clone(), nodes: self.nodes.clone(), ..Stacks::default() }
    }

    /// Copies of frames and nodes as the model holds them.
    pub fn parts(&self) -> (Vec<Frame>, Vec<Node>) {
        (self.frames.clone(), self.nodes.clone())
    }

    /// Frames and nodes as the model holds them.
    pub fn into_parts(self) -> (Vec<Frame>, Vec<Node>) {
        (self.frames, self.nodes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(symbol: &str) -> Frame {
        Frame { symbol: symbol.into(), ..Frame::default() }
    }

    #[test]
    fn equal_stacks_share_a_node_and_parents_stand_before_children() {
        let mut stacks = Stacks::default();
        let (main, a, b) = (stacks.frame(named("main")), stacks.frame(named("a")), stacks.frame(named("b")));
        let first = stacks.node(&[b, a, main]);
        let other = stacks.node(&[a, main]);
        assert_eq!(stacks.node(&[b, a, main]), first);
        assert_ne!(first, other);
        assert_eq!(stacks.node(&[]), None);
        let (frames, nodes) = stacks.into_parts();
        assert_eq!((frames.len(), nodes.len()), (3, 3));
        assert!(nodes.iter().enumerate().all(|(i, n)| n.parent.is_none_or(|p| (p.0 as usize) < i)));
    }

    #[test]
    fn a_recursive_stack_keeps_every_level() {
        let mut stacks = Stacks::default();
        let f = stacks.frame(named("f"));
        assert_ne!(stacks.node(&[f, f]), stacks.node(&[f, f, f]));
    }
}
