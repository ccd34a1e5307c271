//! Call chains as the kernel wrote them in; their stacks out, one step after another from the outermost call inwards.
//!
//! From one sample of a thread to its next most callers stay: their part of the stack is kept, and a step that was made before
//! is one look into a table, whatever it takes to tell what stands at its address.

use std::hash::{Hash, Hasher};

use super::super::intern::FastMap;
use super::bytes::Bytes;
use super::record::Taken;
use crate::model::NodeId;

/// Marks in a call chain say whose addresses follow; all are above this.
const FIRST_MARK: u64 = -4095_i64 as u64;
const MARK_KERNEL: u64 = -128_i64 as u64;
/// Of a hypervisor, of the program, of it once more, and of a guest, its kernel and its programs.
const OTHER_MARKS: [u64; 6] =
    [-32_i64 as u64, -512_i64 as u64, -640_i64 as u64, -2048_i64 as u64, -2176_i64 as u64, -2560_i64 as u64];

/// One address of a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// As it was recorded.
    pub address: u64,
    /// Bits of [`how`].
    pub how: u32,
}

/// How an address is to be read.
pub mod how {
    /// It is of the kernel.
    pub const IN_KERNEL: u32 = 1;
    /// A call returns to it.
    pub const IS_CALLER: u32 = 2;
    /// The leaf of a program, behind whose caller a function may have been entered that has no frame (yet, or any more).
    pub const IS_BEHIND_CALLER: u32 = 4;
    /// Bits in use.
    pub const BITS: u32 = 3;
}

impl Step {
    /// True if all of these bits are set.
    pub fn is(self, bits: u32) -> bool {
        self.how & bits == bits
    }
}

/// The addresses of a sample, the leaf first; true if the chain ran into what is no address and was broken off there.
pub fn steps(taken: &Taken, big: bool, into: &mut Vec<Step>) -> bool {
    into.clear();
    let (mut in_kernel, mut is_first, mut is_told) = (taken.in_kernel, true, false);
    for word in taken.chain.chunks_exact(8) {
        let Some(address) = Bytes::new(word, big).u64() else { break };
        if address >= FIRST_MARK {
            (in_kernel, is_first) = (address == MARK_KERNEL, true);
            if !in_kernel && !OTHER_MARKS.contains(&address) {
                return true;
            }
            continue;
        }
        if !in_kernel && !is_first && !is_told {
            is_told = true;
            into.last_mut().expect("a caller follows what it called").how |= how::IS_BEHIND_CALLER;
        }
        let [kernel, caller] =
            [(in_kernel, how::IN_KERNEL), (!is_first, how::IS_CALLER)].map(|(is, bit)| if is { bit } else { 0 });
        into.push(Step { address, how: kernel | caller });
        is_first = false;
    }
    false
}

/// A step inwards from a stack.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Edge {
    address: u64,
    caller: u32,
    /// Number of the memory, and how the address is read.
    memory: u32,
}

impl Hash for Edge {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.address);
        state.write_u64(u64::from(self.caller) << 32 | u64::from(self.memory));
    }
}

/// All steps that were made.
#[derive(Default)]
pub struct Chains {
    edges: FastMap<Edge, NodeId>,
    /// A number for each version of a memory.
    memories: FastMap<u64, u32>,
    /// The stack of each thread's last chain, the outermost call first.
    last: Vec<Last>,
    by_thread: FastMap<i32, usize>,
    /// The thread that was asked for last: samples of one come in rows.
    current: usize,
    steps: Vec<Step>,
}

#[derive(Default)]
struct Last {
    tid: i32,
    version: u64,
    memory: u32,
    stack: Vec<(Step, NodeId)>,
}

/// Memories that can be told apart beside [`how::BITS`].
const MEMORIES: usize = 1 << (32 - how::BITS);

impl Chains {
    /// The steps of a sample, to be filled and given to [`Chains::node`].
    pub fn steps(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }

    /// The node of a chain of a thread in a memory of this version; only that changes what stands at an address. `make` makes
    /// the node of a step that was not made before: from the caller's node, and the steps from it outwards.
    pub fn node(
        &mut self,
        tid: i32,
        version: u64,
        steps: Vec<Step>,
        mut make: impl FnMut(Option<NodeId>, &[Step]) -> NodeId,
    ) -> Option<NodeId> {
        if self.last.get(self.current).is_none_or(|last| last.tid != tid) {
            self.current = *self.by_thread.entry(tid).or_insert(self.last.len());
            if self.current == self.last.len() {
                self.last.push(Last { tid, ..Last::default() });
            }
        }
        let last = &mut self.last[self.current];
        if last.version != version || last.stack.is_empty() {
            last.stack.clear();
            if self.memories.len() >= MEMORIES {
                self.memories.clear();
                self.edges.clear();
            }
            let next = self.memories.len() as u32;
            (last.version, last.memory) = (version, *self.memories.entry(version).or_insert(next) << how::BITS);
        }
        let same = last.stack.iter().zip(steps.iter().rev()).take_while(|((known, _), step)| known == *step).count();
        last.stack.truncate(same);
        let mut node = last.stack.last().map(|(_, node)| *node);
        for at in (0..steps.len() - same).rev() {
            let Step { address, how } = steps[at];
            let edge = Edge { address, caller: node.map_or(u32::MAX, |n| n.0), memory: last.memory | how };
            let made = match self.edges.get(&edge) {
                Some(known) => *known,
                None => {
                    let made = make(node, &steps[at..]);
                    self.edges.insert(edge, made);
                    made
                }
            };
            last.stack.push((steps[at], made));
            node = Some(made);
        }
        self.steps = steps;
        node
    }
}

#[cfg(test)]
mod tests {
    use super::how::{IN_KERNEL, IS_BEHIND_CALLER, IS_CALLER};
    use super::*;

    const USER: u64 = -512_i64 as u64;

    #[track_caller]
    fn check(in_kernel: bool, chain: &[u64], expected: &[(u64, u32)], is_broken: bool) {
        let bytes: Vec<u8> = chain.iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut found = Vec::new();
        let broken = steps(&Taken { chain: &bytes, in_kernel, ..Taken::default() }, false, &mut found);
        let found: Vec<(u64, u32)> = found.iter().map(|s| (s.address, s.how)).collect();
        assert_eq!((found.as_slice(), broken), (expected, is_broken));
    }

    #[test]
    fn marks_say_whose_addresses_follow() {
        check(false, &[USER, 1, 2, 3], &[(1, IS_BEHIND_CALLER), (2, IS_CALLER), (3, IS_CALLER)], false);
        check(
            true,
            &[MARK_KERNEL, 9, 8, USER, 1, 2],
            &[(9, IN_KERNEL), (8, IN_KERNEL | IS_CALLER), (1, IS_BEHIND_CALLER), (2, IS_CALLER)],
            false,
        );
        check(true, &[9, 8], &[(9, IN_KERNEL), (8, IN_KERNEL | IS_CALLER)], false);
        check(false, &[USER, 1], &[(1, 0)], false);
        check(false, &[], &[], false);
    }

    #[test]
    fn a_chain_ends_at_what_is_neither_an_address_nor_a_mark() {
        check(false, &[USER, 1, -938_i64 as u64], &[(1, 0)], true);
        check(false, &[USER, 1, 2, -416_i64 as u64, 0], &[(1, IS_BEHIND_CALLER), (2, IS_CALLER)], true);
        check(false, &[-1_i64 as u64, 1], &[], true);
    }

    /// The nodes of chains, and which steps had to be made.
    #[derive(Default)]
    struct Made {
        chains: Chains,
        made: Vec<(Option<u32>, u64, usize)>,
    }

    impl Made {
        fn node(&mut self, tid: i32, version: u64, leaf_first: &[u64]) -> Option<u32> {
            let mut steps = self.chains.steps();
            steps.clear();
            steps.extend(leaf_first.iter().map(|address| Step { address: *address, how: 0 }));
            let made = &mut self.made;
            let make = |caller: Option<NodeId>, outwards: &[Step]| {
                made.push((caller.map(|n| n.0), outwards[0].address, outwards.len()));
                NodeId(made.len() as u32 - 1)
            };
            self.chains.node(tid, version, steps, make).map(|n| n.0)
        }
    }

    #[test]
    fn each_step_is_made_once_whoever_makes_it() {
        let mut made = Made::default();
        assert_eq!(made.node(1, 5, &[3, 2, 1]), Some(2));
        assert_eq!(made.made, [(None, 1, 1), (Some(0), 2, 2), (Some(1), 3, 3)]);
        assert_eq!(made.node(1, 5, &[4, 2, 1]), Some(3), "one step beside the last");
        assert_eq!(made.node(2, 5, &[3, 2, 1]), Some(2), "another thread");
        assert_eq!(made.node(1, 5, &[2, 1]), Some(1), "a caller alone");
        assert_eq!(made.node(1, 5, &[]), None);
        assert_eq!(made.node(1, 5, &[3, 2, 1]), Some(2));
        assert_eq!(made.made.len(), 4);
    }

    #[test]
    fn a_step_is_known_in_the_memory_in_which_it_was_made() {
        let mut made = Made::default();
        assert_eq!(made.node(1, 5, &[2, 1]), Some(1));
        assert_eq!(made.node(1, 6, &[2, 1]), Some(3), "what is mapped has changed");
        assert_eq!(made.node(1, 5, &[2, 1]), Some(1));
    }

    #[test]
    fn the_same_address_read_in_another_way_is_another_step() {
        let mut made = Made::default();
        let mut of = |how| {
            let make = |_: Option<NodeId>, _: &[Step]| {
                made.made.push((None, 0, 0));
                NodeId(made.made.len() as u32)
            };
            made.chains.node(1, 5, vec![Step { address: 1, how }], make)
        };
        let all = [of(0), of(IN_KERNEL), of(IS_CALLER), of(IS_BEHIND_CALLER), of(0)];
        assert_eq!(all[0], all[4]);
        assert!((1..4).all(|at| all[..at].iter().all(|before| *before != all[at])));
    }
}
