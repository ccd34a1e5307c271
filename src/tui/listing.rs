//! Proposals, a grouping and a filter in; the lines of their list, with sums that count nothing twice, out.

mod filter;

use std::collections::BTreeMap;

pub use filter::Filter;

use super::state::Proposal;
use super::text::{plural, short_path};
use crate::model::{Answer, AnsweredBy, Class, FunctionId, Interval, Precondition, Speed};

/// What the list is grouped by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// Nothing: by ms alone.
    #[default]
    Flat,
    /// By function.
    Function,
    /// By rule.
    Rule,
    /// By eye.
    Eye,
}

impl Grouping {
    /// Every grouping, in the order they are gone through.
    pub const ALL: [Grouping; 4] = [Grouping::Flat, Grouping::Function, Grouping::Rule, Grouping::Eye];

    /// What the list says of it.
    pub fn words(self) -> &'static str {
        match self {
            Grouping::Flat => "by ms to win back",
            Grouping::Function => "by function",
            Grouping::Rule => "by rule",
            Grouping::Eye => "by eye",
        }
    }

    fn name(self, proposal: &Proposal) -> String {
        match self {
            Grouping::Flat => String::new(),
            Grouping::Function => proposal.rewrite.function.0.clone(),
            Grouping::Rule => proposal.rewrite.rule.to_string(),
            Grouping::Eye => String::from(proposal.rewrite.eye.word()),
        }
    }
}

/// What a proposal wins back of the quantile, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Saving {
    /// ms, by the measured ratio, with its interval.
    Proved(f64, Interval),
    /// ms that its code owns: the most that it can win.
    AtMost(f64),
    /// Nothing was measured there.
    Unknown,
    /// It was refuted, so it wins nothing.
    Nothing,
}

/// What is known of a proposal's saving.
pub fn saving(proposal: &Proposal) -> Saving {
    let cost = proposal.rewrite.cost.as_ref();
    match (proposal.verdict.as_ref().map(|v| v.state_word()), cost) {
        (Some("refuted"), _) => Saving::Nothing,
        (Some("proved"), cost) => {
            let ratio = proposal.verdict.as_ref().and_then(|v| v.measurement()).filter(|m| m.speed == Speed::Improved);
            let Some(cost) = cost else { return Saving::Unknown };
            // What is proved to be as fast as before, as tidier error handling is, wins no time.
            let (ratio, (low, high)) = ratio.map_or((1.0, (1.0, 1.0)), |m| (m.ratio, m.ci));
            let won = |ms: f64, ratio: f64| ms * (1.0 - ratio).max(0.0);
            Saving::Proved(
                won(cost.c_ms, ratio),
                Interval { low: won(cost.ci_ms.low, high), high: won(cost.ci_ms.high, low) },
            )
        }
        (_, Some(cost)) => Saving::AtMost(cost.c_ms),
        (_, None) => Saving::Unknown,
    }
}

/// How much a reviewer has to look out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// Behaviour is kept as long as what was asked of compiler and tests holds.
    Low,
    /// A person answers for something by name, or only running it tells.
    Mid,
    /// Locks or atomics are touched, a person completes it, or something does not hold.
    High,
}

impl Risk {
    /// The word in the list and in filters.
    pub fn word(self) -> &'static str {
        match self {
            Risk::Low => "low",
            Risk::Mid => "mid",
            Risk::High => "high",
        }
    }
}

/// The risk of a proposal, and what makes it so.
pub fn risk(proposal: &Proposal) -> (Risk, Vec<String>) {
    let rewrite = &proposal.rewrite;
    let mut found = Vec::new();
    if rewrite.class == Class::C {
        found.push((Risk::High, String::from("class C: a scaffold that a person completes")));
    }
    if rewrite.class == Class::D {
        found.push((Risk::High, String::from("class D: it changes behaviour on purpose")));
    }
    if proposal.hunks.iter().any(|h| h.touches_sync) {
        found.push((Risk::High, String::from("it touches locks, atomics or channels")));
    }
    let preconditions = &rewrite.preconditions;
    if preconditions.iter().any(|p| p.state == Answer::Refuted) {
        found.push((Risk::High, String::from("a precondition does not hold")));
    }
    match proposal.verdict.as_ref().map(|v| v.state_word()) {
        Some("refuted") => found.push((Risk::High, String::from("it was refuted"))),
        Some("untested") => found.push((Risk::Mid, String::from("no test executes it"))),
        _ => {}
    }
    if !rewrite.obligations.is_empty() {
        found.push((Risk::Mid, String::from("a reviewer answers for something by name")));
    }
    // What the compiler answers is no matter of risk: the proof falls where it says no.
    let by_run = |p: &&Precondition| p.state == Answer::Open && p.answered_by == AnsweredBy::Run;
    let open = preconditions.iter().filter(by_run).count();
    if open > 0 {
        found.push((Risk::Mid, format!("{} that only running it answers", plural(open, "precondition"))));
    }
    let most = found.iter().map(|(risk, _)| *risk).max().unwrap_or(Risk::Low);
    (most, found.into_iter().map(|(_, why)| why).collect())
}

/// A line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The heading of a group, by its place among the groups.
    Heading(usize),
    /// A proposal, by its place among the proposals.
    Proposal(usize),
}

/// Sums of several proposals.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    /// How many there are.
    pub count: usize,
    /// ms proved, of each function the largest alone: two savings of one function were not measured together.
    pub proved_ms: f64,
    /// ms that the others can win at most together: never more than their functions own.
    pub at_most_ms: f64,
    /// The plain sum of all, which counts twice what two proposals speak of.
    pub apart_ms: f64,
}

impl Sums {
    /// True if proposals speak of the same milliseconds.
    pub fn overlaps(&self) -> bool {
        self.apart_ms > (self.proved_ms + self.at_most_ms) * 1.005 + 0.005
    }
}

/// The list as it is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// Its lines.
    pub lines: Vec<Line>,
    /// Name and sums of each group.
    pub groups: Vec<(String, Sums)>,
    /// Sums of all that is shown.
    pub all: Sums,
}

impl Listing {
    /// The proposals shown, in their order, by their places.
    pub fn proposals(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.lines.iter().filter_map(|line| match line {
            Line::Proposal(at) => Some(*at),
            Line::Heading(_) => None,
        })
    }

    /// The line on which a proposal stands.
    pub fn line_of(&self, proposal: usize) -> Option<usize> {
        self.lines.iter().position(|line| *line == Line::Proposal(proposal))
    }
}

/// Lists what passes the filter: proved savings first, then by the most that can be won, then what was refuted.
/// `owned_ms` says what a function owns of the quantile.
pub fn list(
    proposals: &[Proposal],
    grouping: Grouping,
    passes: impl Fn(&Proposal) -> bool,
    owned_ms: impl Fn(&FunctionId) -> Option<f64>,
) -> Listing {
    let mut shown: Vec<usize> = (0..proposals.len()).filter(|&i| passes(&proposals[i])).collect();
    shown
        .sort_by(|a, b| place(&proposals[*a]).partial_cmp(&place(&proposals[*b])).unwrap_or(std::cmp::Ordering::Equal));
    let sums = |members: &[usize]| sums(&members.iter().map(|i| &proposals[*i]).collect::<Vec<_>>(), &owned_ms);
    let mut listing = Listing { all: sums(&shown), ..Listing::default() };
    if grouping == Grouping::Flat {
        listing.lines = shown.into_iter().map(Line::Proposal).collect();
        return listing;
    }
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    for at in shown {
        let name = grouping.name(&proposals[at]);
        match groups.iter_mut().find(|(n, _)| *n == name) {
            Some((_, members)) => members.push(at),
            None => groups.push((name, vec![at])),
        }
    }
    for (name, members) in groups {
        listing.lines.push(Line::Heading(listing.groups.len()));
        listing.lines.extend(members.iter().map(|at| Line::Proposal(*at)));
        let shown = if grouping == Grouping::Function { short_path(&name) } else { name };
        listing.groups.push((shown, sums(&members)));
    }
    listing
}

/// What a proposal is ordered by: proved first, then bounds, then unknown, then refuted; most ms first.
fn place(proposal: &Proposal) -> (u8, f64) {
    match saving(proposal) {
        Saving::Proved(ms, _) => (0, -ms),
        Saving::AtMost(ms) => (1, -ms),
        Saving::Unknown => (2, 0.0),
        Saving::Nothing => (3, 0.0),
    }
}

/// What one function's proposals come to.
#[derive(Default)]
struct OfFunction {
    proved: f64,
    bounds: f64,
    largest: f64,
}

fn sums(proposals: &[&Proposal], owned_ms: &impl Fn(&FunctionId) -> Option<f64>) -> Sums {
    let mut sums = Sums { count: proposals.len(), ..Sums::default() };
    let mut functions: BTreeMap<&FunctionId, OfFunction> = BTreeMap::new();
    for proposal in proposals {
        let of = functions.entry(&proposal.rewrite.function).or_default();
        match saving(proposal) {
            Saving::Proved(ms, _) => {
                of.proved = of.proved.max(ms);
                sums.apart_ms += ms;
            }
            Saving::AtMost(ms) => {
                of.bounds += ms;
                of.largest = of.largest.max(ms);
                sums.apart_ms += ms;
            }
            Saving::Unknown | Saving::Nothing => {}
        }
    }
    for (function, of) in functions {
        // A type's users may own more than the function in which it is flagged.
        let owned = owned_ms(function).unwrap_or(0.0).max(of.largest).max(of.proved);
        sums.proved_ms += of.proved;
        sums.at_most_ms += of.bounds.min(owned - of.proved);
    }
    sums
}

#[cfg(test)]
mod tests;
