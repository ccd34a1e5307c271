//! Call chains as the kernel wrote them in; the stacks of those that were met before out.
//!
//! A busy program stands in the same few thousand places again and again: a chain that was met is found by a hash of its bytes, and its
//! addresses are not looked up one by one.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::super::intern::Folded;
use super::record::Taken;
use crate::model::NodeId;

/// What a chain turned out to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Met {
    /// Its stack.
    pub leaf: Option<NodeId>,
    /// True if it begins in libc.
    pub in_libc: bool,
}

/// All chains that were met.
#[derive(Clone, Default)]
pub struct Chains {
    known: HashMap<Key, Met, BuildHasherDefault<First>>,
    key: Key,
}

/// 128 bits that stand for a chain: of a million chains two are taken for one another once in 10^26 recordings, and a chain
/// that is looked up is one place in memory instead of three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Key(u64, u64);

impl std::hash::Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// The first half of a key is a hash already.
#[derive(Default)]
struct First(u64);

impl Hasher for First {
    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, half: u64) {
        self.0 = half;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Key {
    fn of(taken: &Taken, version: u64) -> Key {
        const OTHER: u64 = 0x5851_F42D_4C95_7F2D;
        let (mut one, mut other) = (Folded::default(), Folded::default());
        other.write_u64(OTHER);
        let mut both = |word: u64| {
            one.write_u64(word);
            other.write_u64(word.rotate_left(32) ^ OTHER);
        };
        both(version);
        both(taken.ip.unwrap_or(0) << 1 | u64::from(taken.in_kernel));
        taken.chain.chunks_exact(8).for_each(|word| both(u64::from_ne_bytes(word.try_into().unwrap_or_default())));
        both(taken.chain.len() as u64);
        Key(one.finish(), other.finish())
    }
}

impl Chains {
    /// What the chain of a sample was when it was met before in a memory of this version; only that may change what it is.
    pub fn get(&mut self, taken: &Taken, version: u64) -> Option<Met> {
        self.key = Key::of(taken, version);
        self.known.get(&self.key).copied()
    }

    /// Keeps what the chain was that was asked for last.
    pub fn keep(&mut self, met: Met) {
        self.known.insert(self.key, met);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_known_in_the_memory_in_which_it_was_met() {
        let (one, other) = ([1; 16], [2; 16]);
        let met = Met { leaf: Some(NodeId(7)), in_libc: true };
        let taken = |chain| Taken { ip: Some(1), chain, ..Taken::default() };
        let mut chains = Chains::default();
        assert_eq!(chains.get(&taken(&one), 5), None);
        chains.keep(met);
        assert_eq!(chains.get(&taken(&one), 5), Some(met));
        assert_eq!(chains.get(&taken(&other), 5), None);
        assert_eq!(chains.get(&taken(&one), 6), None, "what is mapped has changed");
        assert_eq!(chains.get(&Taken { in_kernel: true, ..taken(&one) }, 5), None);
    }
}
