//! Call chains as the kernel wrote them in; the stacks of those that were met before out.
//!
//! A busy program stands in the same few thousand places again and again: a chain that was met is found by its bytes, and its
//! addresses are not looked up one by one.

use super::super::line_table::LineTable;
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
    known: LineTable<Met>,
    key: Vec<u8>,
}

impl Chains {
    /// What the chain of a sample was when it was met before in a memory of this version; only that may change what it is.
    pub fn get(&mut self, taken: &Taken, version: u64) -> Option<Met> {
        self.key.clear();
        self.key.extend(version.to_le_bytes());
        self.key.extend((taken.ip.unwrap_or(0) << 1 | u64::from(taken.in_kernel)).to_le_bytes());
        self.key.extend_from_slice(taken.chain);
        self.known.get(&self.key)
    }

    /// Keeps what the chain was that was asked for last.
    pub fn keep(&mut self, met: Met) {
        self.known.insert(&self.key, met);
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
