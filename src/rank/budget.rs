//! Rows of a split and budgets in; order, bands, budget and excess of each row, and the smallest set, out.

use crate::model::{Budget, Contribution, FunctionId, RowKind};

/// Functions by the lower end of their interval, worst first; then waits and what is not placed, dearest first.
pub fn order(rows: &mut [Contribution], by_mean: bool) {
    let place = |kind| match kind {
        RowKind::Function => 0,
        RowKind::Wait => 1,
        RowKind::Unattributed => 2,
    };
    let size = |row: &Contribution| match (by_mean, row.kind) {
        (true, _) => (row.mean_ms, row.share),
        (false, RowKind::Function) => (row.ci_ms.low, row.c_ms),
        (false, _) => (row.c_ms, row.share),
    };
    rows.sort_by(|a, b| {
        let ((a1, a2), (b1, b2)) = (size(a), size(b));
        let by_size = b1.total_cmp(&a1).then(b2.total_cmp(&a2));
        place(a.kind).cmp(&place(b.kind)).then(by_size).then_with(|| a.name.cmp(&b.name))
    });
}

/// Functions whose intervals overlap that of their band's leader share its band. Rows must be in order.
pub fn bands(rows: &mut [Contribution]) {
    let (mut band, mut leader_low) = (0, f64::INFINITY);
    for row in rows.iter_mut().filter(|r| r.kind == RowKind::Function) {
        if row.ci_ms.high < leader_low || band == 0 {
            band += 1;
            leader_low = row.ci_ms.low;
        }
        row.band = band;
    }
}

/// Gives every row its budget in ms: what was granted by hand, the rest of the limit in proportion to what was measured.
///
/// A grant whose pattern matches several rows is one grant: they share it in proportion.
pub fn grant(rows: &mut [Contribution], slo: &str, limit_ms: f64, budgets: &[Budget]) {
    let mut left = limit_ms;
    for budget in budgets.iter().filter(|b| b.slo == slo) {
        let granted = budget.own_ns as f64 / 1e6;
        let matched: Vec<usize> =
            (0..rows.len()).filter(|i| rows[*i].budget_ms.is_none() && is_for(budget, &rows[*i])).collect();
        share_out(rows, &matched, granted);
        left -= if matched.is_empty() { 0.0 } else { granted };
    }
    let rest: Vec<usize> = (0..rows.len()).filter(|i| rows[*i].budget_ms.is_none()).collect();
    share_out(rows, &rest, left.max(0.0));
    for row in rows.iter_mut() {
        row.over_ms = row.budget_ms.map_or(0.0, |b| (row.c_ms - b).max(0.0));
    }
}

fn share_out(rows: &mut [Contribution], among: &[usize], ms: f64) {
    let measured: f64 = among.iter().map(|i| rows[*i].c_ms.max(0.0)).sum();
    for i in among {
        let share = if measured > 0.0 { rows[*i].c_ms.max(0.0) / measured } else { 1.0 / among.len() as f64 };
        rows[*i].budget_ms = Some(ms * share);
    }
}

fn is_for(budget: &Budget, row: &Contribution) -> bool {
    let function = budget.function.as_deref().is_some_and(|p| row.kind == RowKind::Function && matches(p, &row.name));
    let span = budget.span.as_deref().is_some_and(|p| row.kind != RowKind::Function && is_span(p, &row.name));
    function || span
}

/// Rows of spans are called `idle in NAME` and `span NAME without a code location`; named waits by their name.
fn is_span(pattern: &str, name: &str) -> bool {
    let bare = name.strip_prefix("idle in ").unwrap_or(name);
    let bare = bare.strip_prefix("span ").and_then(|n| n.strip_suffix(" without a code location")).unwrap_or(bare);
    matches(pattern, bare)
}

/// `*` stands for any text, `gateway::audit::*` for everything in the module.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The fewest functions whose contributions close the gap, dearest first, with their sum; and whether that is possible.
pub fn smallest_set(rows: &[Contribution], gap_ms: f64) -> (Vec<FunctionId>, f64, bool) {
    let mut functions: Vec<&Contribution> = rows.iter().filter(|r| r.function.is_some() && r.c_ms > 0.0).collect();
    functions.sort_by(|a, b| b.c_ms.total_cmp(&a.c_ms).then_with(|| a.name.cmp(&b.name)));
    let (mut set, mut sum) = (Vec::new(), 0.0);
    for row in functions {
        if sum >= gap_ms {
            break;
        }
        sum += row.c_ms;
        set.extend(row.function.clone());
    }
    (set, sum, sum >= gap_ms)
}

#[cfg(test)]
mod tests {
    use super::super::split::named;
    use super::*;
    use crate::model::Interval;

    fn function(name: &str, c_ms: f64, low: f64, high: f64) -> Contribution {
        let function = Some(FunctionId(name.into()));
        Contribution { c_ms, ci_ms: Interval { low, high }, function, ..named(RowKind::Function, name) }
    }

    fn rows() -> Vec<Contribution> {
        let wait = Contribution { c_ms: 40.0, ..named(RowKind::Wait, "acquirer") };
        vec![
            wait,
            function("a::slow", 30.0, 28.0, 33.0),
            function("a::noisy", 35.0, 20.0, 50.0),
            function("b::cheap", 5.0, 4.0, 6.0),
        ]
    }

    fn budget(function: Option<&str>, span: Option<&str>, own_ms: u64) -> Budget {
        let text = |t: &str| t.to_owned();
        let (function, span) = (function.map(text), span.map(text));
        Budget { slo: "s".into(), function, span, own_ns: own_ms * 1_000_000, allocations: None, syscalls: None }
    }

    #[test]
    fn functions_stand_by_the_lower_end_of_their_interval_and_share_bands_where_they_overlap() {
        let mut rows = rows();
        order(&mut rows, false);
        bands(&mut rows);
        let seen: Vec<_> = rows.iter().map(|r| (r.name.as_str(), r.band)).collect();
        assert_eq!(seen, [("a::slow", 1), ("a::noisy", 1), ("b::cheap", 2), ("acquirer", 0)]);
    }

    #[test]
    fn grants_by_hand_go_first_and_the_rest_follows_the_measurement() {
        let mut rows = rows();
        grant(
            &mut rows,
            "s",
            63.0,
            &[budget(Some("a::*"), None, 13), budget(None, Some("acquirer"), 30), budget(Some("none"), None, 9)],
        );
        let budgets: Vec<f64> = rows.iter().map(|r| r.budget_ms.unwrap()).collect();
        assert_eq!(budgets, [30.0, 6.0, 7.0, 20.0]);
        assert_eq!(rows.iter().map(|r| r.over_ms).collect::<Vec<_>>(), [10.0, 24.0, 28.0, 0.0]);
    }

    #[test]
    fn a_budget_of_another_objective_is_not_used() {
        let mut rows = rows();
        grant(&mut rows, "other", 110.0, &[budget(Some("a::slow"), None, 1)]);
        assert!((rows[1].budget_ms.unwrap() - 30.0).abs() < 1e-9);
    }

    #[test]
    fn the_smallest_set_takes_the_dearest_first_and_says_where_it_cannot_be_met() {
        let name = |n: &str| FunctionId(n.into());
        assert_eq!(smallest_set(&rows(), 34.0), (vec![name("a::noisy")], 35.0, true));
        assert_eq!(smallest_set(&rows(), 36.0), (vec![name("a::noisy"), name("a::slow")], 65.0, true));
        let all = vec![name("a::noisy"), name("a::slow"), name("b::cheap")];
        assert_eq!(smallest_set(&rows(), 71.0), (all, 70.0, false));
        assert_eq!(smallest_set(&rows(), -5.0), (vec![], 0.0, true));
    }

    #[test]
    fn patterns_match_whole_paths() {
        for (pattern, text, expected) in [
            ("a::*", "a::b::c", true),
            ("a::b", "a::b", true),
            ("a::b", "a::bc", false),
            ("*::score", "gw::<S as T>::score", true),
            ("a::*::c", "a::c", false),
            ("a*b*a", "aba", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
