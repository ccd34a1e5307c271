//! The rows of a split and the lines there is room for in; rows that stand alone, and small ones summed up in one line, out.

use super::{AllocatedBy, Basis, Contribution, Interval, ObjectiveSplit, RowKind};

/// The largest of each kind always stand alone, however little room there is.
fn kept(kind: RowKind) -> usize {
    match kind {
        RowKind::Function => 3,
        RowKind::Wait => 2,
        RowKind::Unattributed => 1,
    }
}

/// Rows of one kind that are each too small for a line of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    /// Indices into the split's rows.
    pub rows: Vec<usize>,
    /// What they are together: a row with their sums, named by how many they are and what each is below. Intervals and
    /// totals do not add up and are left out.
    pub sum: Contribution,
}

/// A line of a split's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitLine {
    /// A row by itself: index into the split's rows.
    Row(usize),
    /// Index into the folds.
    Fold(usize),
}

/// Every row by itself, in the order of the split.
pub fn unfolded(split: &ObjectiveSplit) -> Vec<SplitLine> {
    (0..split.rows.len()).map(SplitLine::Row).collect()
}

/// Folds the smallest rows of each kind until at most `room` lines are left: functions, waits and what is not placed,
/// by the first of 0.01, 0.02, 0.05, 0.1 … ms that is enough (percent where only shares are known). The column still
/// adds up. The functions that are enough to meet the objective stand alone, and so do the largest
/// of each kind.
pub fn folded(split: &ObjectiveSplit, room: usize) -> (Vec<SplitLine>, Vec<Fold>) {
    if split.rows.len() <= room {
        return (unfolded(split), Vec::new());
    }
    let mut best = (unfolded(split), Vec::new());
    for below in steps() {
        let next = fold_below(split, below);
        if next.0.len() < best.0.len() {
            best = next;
        }
        if best.0.len() <= room {
            break;
        }
    }
    best
}

/// 0.01, 0.02, 0.05, 0.1 … 50.
fn steps() -> impl Iterator<Item = f64> {
    (-2..2).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(power)))
}

fn fold_below(split: &ObjectiveSplit, below: f64) -> (Vec<SplitLine>, Vec<Fold>) {
    let (mut lines, mut folds) = (Vec::new(), Vec::new());
    for kind in [RowKind::Function, RowKind::Wait, RowKind::Unattributed] {
        let of_kind: Vec<usize> = (0..split.rows.len()).filter(|&r| split.rows[r].kind == kind).collect();
        let mut by_size = of_kind.clone();
        by_size.sort_by(|a, b| size(split, &split.rows[*b]).total_cmp(&size(split, &split.rows[*a])));
        by_size.truncate(kept(kind));
        let is_small = |row: &usize| {
            // Where even all functions together are not enough, none of them is.
            let counts = split.reachable && split.gap_ms > 0.0;
            let is_enough =
                counts && split.rows[*row].function.as_ref().is_some_and(|f| split.smallest_set.contains(f));
            !is_enough && !by_size.contains(row) && size(split, &split.rows[*row]) < below
        };
        let small: Vec<usize> = of_kind.iter().copied().filter(is_small).collect();
        if small.len() < 2 {
            lines.extend(of_kind.into_iter().map(SplitLine::Row));
            continue;
        }
        lines.extend(of_kind.into_iter().filter(|r| !small.contains(r)).map(SplitLine::Row));
        lines.push(SplitLine::Fold(folds.len()));
        folds.push(Fold { sum: sum(split, kind, &small, below), rows: small });
    }
    (lines, folds)
}

/// What decides whether a row is small: its ms, or its percent where only shares are known.
fn size(split: &ObjectiveSplit, row: &Contribution) -> f64 {
    if split.basis == Basis::SampledShare { row.share * 100.0 } else { row.c_ms.abs() }
}

fn sum(split: &ObjectiveSplit, kind: RowKind, rows: &[usize], below: f64) -> Contribution {
    let noun = match kind {
        RowKind::Function => "functions",
        RowKind::Wait => "waits",
        RowKind::Unattributed => "unplaced",
    };
    let unit = if split.basis == Basis::SampledShare { "%" } else { "ms" };
    let add = |value: fn(&Contribution) -> f64| rows.iter().map(|&r| value(&split.rows[r])).sum::<f64>();
    let count = |value: fn(&Contribution) -> u64| rows.iter().map(|&r| value(&split.rows[r])).sum::<u64>();
    Contribution {
        kind,
        name: format!("{} {noun} below {below} {unit}", rows.len()),
        function: None,
        file: String::new(),
        line: 0,
        c_ms: add(|r| r.c_ms),
        ci_ms: Interval::default(),
        mean_ms: add(|r| r.mean_ms),
        self_ms: add(|r| r.self_ms),
        total_ms: 0.0,
        share: add(|r| r.share),
        budget_ms: None,
        over_ms: add(|r| r.over_ms),
        band: 0,
        samples: count(|r| r.samples),
        cohort_samples: count(|r| r.cohort_samples),
        allocated: rows.iter().filter_map(|&r| split.rows[r].allocated).reduce(AllocatedBy::plus),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FunctionId;

    fn row(kind: RowKind, name: &str, c_ms: f64) -> Contribution {
        let function = (kind == RowKind::Function).then(|| FunctionId(name.into()));
        let ci_ms = Interval { low: c_ms * 0.9, high: c_ms * 1.1 };
        Contribution {
            kind,
            name: name.into(),
            function,
            file: String::new(),
            line: 0,
            c_ms,
            ci_ms,
            mean_ms: c_ms / 2.0,
            self_ms: 0.0,
            total_ms: c_ms,
            share: c_ms / 100.0,
            budget_ms: None,
            over_ms: 0.0,
            band: 1,
            samples: 1,
            cohort_samples: 1,
            allocated: None,
        }
    }

    /// Functions of 32, 16, 8 … ms, three waits, the window and two rows that are not placed.
    fn split() -> ObjectiveSplit {
        let mut rows: Vec<Contribution> =
            (0..14).map(|i| row(RowKind::Function, &format!("f{i}"), 32.0 / f64::from(1 << i))).collect();
        rows.extend(
            [("acquirer", 40.0), ("dns", 0.3), ("disk", 0.2), ("tape", 0.1)].map(|(n, c)| row(RowKind::Wait, n, c)),
        );
        rows.extend([("libc", 3.0), ("kernel", 0.4)].map(|(n, c)| row(RowKind::Unattributed, n, c)));
        let sum_ms = rows.iter().map(|r| r.c_ms).sum();
        ObjectiveSplit {
            slo: "s".into(),
            operation: String::new(),
            quantile: 0.99,
            limit_ms: 50.0,
            measured_ms: Some(sum_ms),
            ci_ms: Interval::default(),
            requests: 1000,
            good_ratio: 0.9,
            gap_ms: sum_ms - 50.0,
            basis: Basis::JoinedSamples,
            rows,
            sum_ms,
            smallest_set: vec![FunctionId("f13".into())],
            smallest_set_ms: 1.0,
            reachable: true,
            histogram: Vec::new(),
        }
    }

    fn names(split: &ObjectiveSplit, room: usize) -> Vec<String> {
        let (lines, folds) = folded(split, room);
        let name = |line: &SplitLine| match *line {
            SplitLine::Row(row) => split.rows[row].name.clone(),
            SplitLine::Fold(fold) => folds[fold].sum.name.clone(),
        };
        lines.iter().map(name).collect()
    }

    #[test]
    fn small_rows_are_summed_up_so_that_waits_and_the_rest_stay_in_sight() {
        let split = split();
        let expected = [
            "f0",
            "f1",
            "f2",
            "f3",
            "f4",
            "f5",
            "f13",
            "7 functions below 1 ms",
            "acquirer",
            "dns",
            "2 waits below 1 ms",
            "libc",
            "kernel",
        ];
        assert_eq!(names(&split, 13), expected);
        assert!(names(&split, 11).len() <= 11);
        assert_eq!(names(&split, 100).len(), split.rows.len(), "nothing is folded where there is room");
    }

    #[test]
    fn the_column_adds_up_whatever_is_folded() {
        let split = split();
        for room in 0..25 {
            let (lines, folds) = folded(&split, room);
            let value = |line: &SplitLine| match *line {
                SplitLine::Row(row) => split.rows[row].c_ms,
                SplitLine::Fold(fold) => folds[fold].sum.c_ms,
            };
            assert!((lines.iter().map(value).sum::<f64>() - split.sum_ms).abs() < 1e-9, "{room}");
        }
    }

    #[test]
    fn what_meets_the_objective_and_the_first_three_never_fold() {
        let split = split();
        for room in 0..25 {
            let names = names(&split, room);
            for kept in ["f0", "f1", "f2", "f13"] {
                assert!(names.iter().any(|n| n == kept), "{kept} of {names:?} in {room} lines");
            }
        }
    }

    #[test]
    fn where_all_functions_are_not_enough_they_fold_like_others() {
        let mut split = split();
        split.smallest_set = split.rows.iter().filter_map(|r| r.function.clone()).collect();
        split.reachable = false;
        assert!(names(&split, 14).len() <= 14, "{:?}", names(&split, 14));
    }

    #[test]
    fn one_small_row_is_no_fold() {
        let mut split = split();
        split.rows.retain(|r| r.kind != RowKind::Wait || r.name != "tape");
        assert!(names(&split, 1).iter().all(|n| !n.contains("waits")), "{:?}", names(&split, 1));
    }
}
