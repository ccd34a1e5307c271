//! Attributed costs and budgets in; the split of each objective and the hot functions, worst first, out.

use crate::model::{Attribution, HotFunction, LineHeat, ObjectiveSplit, Problem, Slo};

/// How to rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Seed of the bootstrap: the same seed and inputs give the same ranking to the byte.
    pub seed: u64,
    /// Rank although too much could not be placed on functions.
    pub despite_quality: bool,
}

/// The objectives split over functions, and the functions worst first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranking {
    /// One split per objective, in the order of `slo.toml`.
    pub objectives: Vec<ObjectiveSplit>,
    /// Functions, worst first.
    pub hot: Vec<HotFunction>,
    /// Weights of single lines, where the profile has lines.
    pub heat: Vec<LineHeat>,
    /// What is worth saying, errors first.
    pub problems: Vec<Problem>,
}

/// Splits the quantile of every objective over the rows that own it.
pub fn rank(attribution: &Attribution, slo: &Slo, options: Options) -> Ranking {
    let _ = (attribution, slo, options);
    Ranking::default()
}
