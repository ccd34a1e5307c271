//! Samples one after another in, columns out: a profile of ten million samples has to fit, and each filter reads one column.

use super::NodeId;

/// One sample: a stack with a weight, and when and where it was taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The innermost frame's node; its parents are the callers. `None` for an empty stack.
    pub leaf: Option<NodeId>,
    /// Weight in [`super::Profile::unit`].
    pub weight: u64,
    /// CLOCK_MONOTONIC nanoseconds; `None` where the format has no time.
    pub time_ns: Option<u64>,
    /// OS thread; `None` where the format has none.
    pub tid: Option<u64>,
}

/// Samples in the order of the file, column by column: 8 to 24 bytes each, instead of 48.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// Node of the leaf; [`NO_LEAF`] for an empty stack.
    leaves: Vec<u32>,
    weights: Column,
    /// 0 where there is none, else one more than the time: so that a column without times takes no room.
    times: Column,
    /// 0 where there is none, else one more than the thread.
    tids: Column,
}

/// The leaf of an empty stack.
pub const NO_LEAF: u32 = u32::MAX;

impl Samples {
    /// Adds a sample at the end.
    pub fn push(&mut self, sample: Sample) {
        self.leaves.push(sample.leaf.map_or(NO_LEAF, |n| n.0));
        self.weights.push(sample.weight);
        self.times.push(sample.time_ns.map_or(0, |t| t.saturating_add(1)));
        self.tids.push(sample.tid.map_or(0, |t| t.saturating_add(1)));
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    /// The sample at a place.
    ///
    /// # Panics
    /// A place behind the end.
    pub fn at(&self, at: usize) -> Sample {
        Sample {
            leaf: (self.leaves[at] != NO_LEAF).then_some(NodeId(self.leaves[at])),
            weight: self.weights.at(at),
            time_ns: self.times.at(at).checked_sub(1),
            tid: self.tids.at(at).checked_sub(1),
        }
    }

    /// All samples in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Sample> + '_ {
        (0..self.len()).map(|at| self.at(at))
    }

    /// The leaf column: numbers of nodes, [`NO_LEAF`] for an empty stack.
    pub fn leaves(&self) -> &[u32] {
        &self.leaves
    }

    /// The leaf column, to be numbered anew.
    pub fn leaves_mut(&mut self) -> &mut [u32] {
        &mut self.leaves
    }

    /// The weights.
    pub fn weights(&self) -> &Column {
        &self.weights
    }

    /// Divides every weight.
    pub fn divide_weights(&mut self, by: u64) {
        let divided = (0..self.len()).map(|at| self.weights.at(at) / by.max(1));
        self.weights = divided.collect();
    }

    /// Moves the samples of another profile behind these; their leaves are numbered anew by `nodes`.
    pub fn append(&mut self, other: Samples, nodes: &[NodeId]) {
        let moved = |leaf: u32| if leaf == NO_LEAF { NO_LEAF } else { nodes[leaf as usize].0 };
        self.leaves.extend(other.leaves.into_iter().map(moved));
        self.weights.append(other.weights);
        self.times.append(other.times);
        self.tids.append(other.tids);
    }
}

impl Extend<Sample> for Samples {
    fn extend<I: IntoIterator<Item = Sample>>(&mut self, samples: I) {
        samples.into_iter().for_each(|s| self.push(s));
    }
}

impl FromIterator<Sample> for Samples {
    fn from_iter<I: IntoIterator<Item = Sample>>(samples: I) -> Samples {
        let mut all = Samples::default();
        all.extend(samples);
        all
    }
}

impl<const N: usize> From<[Sample; N]> for Samples {
    fn from(samples: [Sample; N]) -> Samples {
        samples.into_iter().collect()
    }
}

/// Numbers in as few bytes as the largest of them needs; equal numbers take none.
#[derive(Clone, Debug)]
pub enum Column {
    /// So many times the same number.
    Same(u64, usize),
    /// Numbers of up to 32 bits.
    Narrow(Vec<u32>),
    /// Numbers of up to 64 bits.
    Wide(Vec<u64>),
}

impl Default for Column {
    fn default() -> Column {
        Column::Same(0, 0)
    }
}

impl Column {
    /// Number of numbers.
    pub fn len(&self) -> usize {
        match self {
            Column::Same(_, count) => *count,
            Column::Narrow(all) => all.len(),
            Column::Wide(all) => all.len(),
        }
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number at a place.
    ///
    /// # Panics
    /// A place behind the end.
    #[inline]
    pub fn at(&self, at: usize) -> u64 {
        match self {
            Column::Same(value, count) => {
                assert!(at < *count, "a column of {count} has no place {at}");
                *value
            }
            Column::Narrow(all) => u64::from(all[at]),
            Column::Wide(all) => all[at],
        }
    }

    /// Adds a number at the end.
    #[inline]
    pub fn push(&mut self, value: u64) {
        match self {
            Column::Same(same, count) if *count == 0 || *same == value => (*same, *count) = (value, *count + 1),
            Column::Narrow(all) if value <= u64::from(u32::MAX) => all.push(value as u32),
            Column::Wide(all) => all.push(value),
            _ => {
                self.widen(value);
                self.push(value);
            }
        }
    }

    /// Makes room for a number that does not fit the present form.
    fn widen(&mut self, value: u64) {
        let narrow = |n: u64| n <= u64::from(u32::MAX);
        *self = match std::mem::take(self) {
            Column::Same(same, count) if narrow(same) && narrow(value) => Column::Narrow(vec![same as u32; count]),
            Column::Same(same, count) => Column::Wide(vec![same; count]),
            Column::Narrow(all) => Column::Wide(all.into_iter().map(u64::from).collect()),
            wide @ Column::Wide(_) => wide,
        };
    }

    fn append(&mut self, other: Column) {
        match (&mut *self, other) {
            (mine, other) if mine.is_empty() => *mine = other,
            (Column::Narrow(mine), Column::Narrow(other)) => mine.extend(other),
            (Column::Wide(mine), Column::Wide(other)) => mine.extend(other),
            (_, other) => (0..other.len()).for_each(|at| self.push(other.at(at))),
        }
    }
}

impl PartialEq for Column {
    /// The numbers count, not the form they are kept in.
    fn eq(&self, other: &Column) -> bool {
        self.len() == other.len() && (0..self.len()).all(|at| self.at(at) == other.at(at))
    }
}

impl Extend<u64> for Column {
    fn extend<I: IntoIterator<Item = u64>>(&mut self, numbers: I) {
        numbers.into_iter().for_each(|n| self.push(n));
    }
}

impl FromIterator<u64> for Column {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Column {
        let mut column = Column::default();
        column.extend(numbers);
        column
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_gives_back_what_it_took_whatever_it_grew_to() {
        for numbers in [
            vec![],
            vec![7; 5],
            vec![0, 0, 3],
            vec![5, 5, u64::MAX, 1],
            vec![1, 2, 3_000_000_000, 9_000_000_000, 4],
            vec![9_000_000_000, 9_000_000_000, 1],
        ] {
            let column: Column = numbers.iter().copied().collect();
            assert_eq!((0..column.len()).map(|at| column.at(at)).collect::<Vec<_>>(), numbers);
            for other in [vec![7], vec![1, 2], vec![u64::MAX, 0]] {
                let mut joined = column.clone();
                joined.append(other.iter().copied().collect());
                assert_eq!(joined, numbers.iter().chain(&other).copied().collect());
            }
        }
    }

    #[test]
    fn samples_without_time_and_thread_stay_without() {
        let bare = Sample { leaf: None, weight: 3, time_ns: None, tid: None };
        let full = Sample { leaf: Some(NodeId(0)), weight: 4, time_ns: Some(0), tid: Some(0) };
        let mut samples = Samples::from([bare, full]);
        samples.append(Samples::from([full, bare]), &[NodeId(7)]);
        let moved = Sample { leaf: Some(NodeId(7)), ..full };
        assert_eq!(samples.iter().collect::<Vec<_>>(), [bare, full, moved, bare]);
        samples.divide_weights(2);
        assert_eq!(samples.iter().map(|s| s.weight).collect::<Vec<_>>(), [1, 2, 2, 1]);
    }
}
