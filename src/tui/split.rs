//! The split, an order, a word to filter by and the lines there is room for in; the lines of the table out.

use super::state::Order;
use crate::model::{Contribution, Fold, ObjectiveSplit, RowKind, SplitLine, folded, unfolded};

/// How the table is wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted<'a> {
    /// The order of the functions; waits and what is not placed stand after them.
    pub order: Order,
    /// Only rows with this in name or file, whatever the case; empty for all.
    pub filter: &'a str,
    /// Every row by itself.
    pub is_open: bool,
    /// Lines there is room for.
    pub room: usize,
}

/// The lines of the table and what is folded; `findings` counts them per row.
pub fn lines(
    split: &ObjectiveSplit,
    wanted: &Wanted<'_>,
    findings: impl Fn(&Contribution) -> usize,
) -> (Vec<SplitLine>, Vec<Fold>) {
    let is_whole = wanted.is_open || !wanted.filter.is_empty();
    let (mut lines, folds) = if is_whole { (unfolded(split), Vec::new()) } else { folded(split, wanted.room) };
    let needle = wanted.filter.to_lowercase();
    lines.retain(|line| match *line {
        SplitLine::Row(row) => matches(&split.rows[row], &needle),
        SplitLine::Fold(_) => true,
    });
    sort(split, wanted.order, &mut lines, findings);
    (lines, folds)
}

/// True if a row's name or file has the word, which is in lower case.
pub fn matches(row: &Contribution, needle: &str) -> bool {
    needle.is_empty() || row.name.to_lowercase().contains(needle) || row.file.to_lowercase().contains(needle)
}

/// Functions by the order; everything else, their fold first, keeps its place behind. The order of the split is the
/// ranking and needs no sorting.
fn sort(split: &ObjectiveSplit, order: Order, lines: &mut [SplitLine], findings: impl Fn(&Contribution) -> usize) {
    if order == Order::Quantile {
        return;
    }
    let functions = lines.iter().take_while(|line| is_function(split, line)).count();
    let value = |row: &Contribution| match order {
        Order::Quantile | Order::Name => 0.0,
        Order::Mean => row.share,
        Order::SelfTime => row.self_ms,
        Order::Total => row.total_ms,
        Order::Over => row.over_ms,
        Order::Allocated => row.allocated.map_or(0.0, |a| a.blocks),
        Order::Findings => findings(row) as f64,
    };
    let row = |line: &SplitLine| match *line {
        SplitLine::Row(row) => &split.rows[row],
        SplitLine::Fold(_) => unreachable!("a fold stands behind its functions"),
    };
    lines[..functions].sort_by(|a, b| {
        let (a, b) = (row(a), row(b));
        let by_name = || if order == Order::Name { a.name.cmp(&b.name) } else { std::cmp::Ordering::Equal };
        value(b).total_cmp(&value(a)).then_with(by_name)
    });
}

/// Functions stand first, their fold at their end.
fn is_function(split: &ObjectiveSplit, line: &SplitLine) -> bool {
    match *line {
        SplitLine::Row(row) => split.rows[row].kind == RowKind::Function,
        SplitLine::Fold(_) => false,
    }
}
