//! Parts of the ledger in, Markdown tables and sentences out.

use super::{Entry, Landed, decimals, quantile_name};
use crate::model::{
    Basis, Decision, ObjectiveMeasurement, ObjectiveSplit, Refusal, Review, RowKind, SourceQuality, Spent, Verdict,
};

/// Rows of the split that a report shows of each objective.
const SHOWN: usize = 12;

pub(super) fn objectives(splits: &[ObjectiveSplit]) -> String {
    let rows = splits.iter().map(|s| {
        let digits = decimals(s.limit_ms);
        let measured = match s.measured_ms {
            Some(ms) => format!("{ms:.digits$} [{:.digits$}, {:.digits$}]", s.ci_ms.low, s.ci_ms.high),
            None => String::from("not measured"),
        };
        let gap = if s.measured_ms.is_some() { format!("{:+.digits$}", s.gap_ms) } else { String::from("–") };
        vec![
            s.slo.clone(),
            s.operation.clone(),
            quantile_name(s.quantile),
            format!("{:.digits$}", s.limit_ms),
            measured,
            gap,
            s.requests.to_string(),
            s.basis.word().to_owned(),
        ]
    });
    let heads =
        ["objective", "operation", "quantile", "limit ms", "recorded ms [95 %]", "over ms", "requests", "basis"];
    table(&heads, rows, "No objective was analysed.")
}

pub(super) fn remeasured(measured: &[ObjectiveMeasurement]) -> String {
    let rows = measured.iter().map(|m| {
        let digits = decimals(m.limit_ms);
        let cell = |(point, low, high): (f64, f64, f64)| format!("{point:.digits$} [{low:.digits$}, {high:.digits$}]");
        let (before, after, difference) = (cell(m.before_ms), cell(m.after_ms), cell(m.difference_ms));
        let trees = format!("{} → {}", short(&m.trees.0), short(&m.trees.1));
        vec![m.slo.clone(), before, after, difference, m.requests.to_string(), trees]
    });
    let heads =
        ["objective", "before ms [95 %]", "after ms [95 %]", "difference ms [95 %]", "requests per arm", "trees"];
    let table = table(&heads, rows, "");
    let spent: String = measured.iter().map(spent).collect();
    if table.is_empty() { table } else { format!("Measured again on the accepted stack:\n\n{table}{spent}") }
}

/// What the stack spends beside the base: the rung *nothing worse* of all that landed.
fn spent(m: &ObjectiveMeasurement) -> String {
    let Spent { table, worse, unknown } = &m.spent;
    if table.is_empty() {
        return String::new();
    }
    let said = match (worse.is_empty(), unknown.is_empty()) {
        (false, _) => format!("**Worse: {}.**", worse.join("; ")),
        (true, true) => String::from("Nothing else got worse."),
        (true, false) => {
            format!("Nothing else that could be measured got worse; not measured: {}.", unknown.join(", "))
        }
    };
    format!("\n\n{said} What base and stack spend on the workload of {}:\n\n```text\n{table}\n```", m.slo)
}

pub(super) fn splits(splits: &[ObjectiveSplit]) -> String {
    let parts: Vec<String> = splits.iter().map(split).collect();
    if parts.is_empty() { String::from("Nothing was split.") } else { parts.join("\n\n") }
}

fn split(split: &ObjectiveSplit) -> String {
    let named = |s: &ObjectiveSplit| format!("{} of {}", quantile_name(s.quantile), s.slo);
    if split.basis == Basis::SampledShare {
        return format!("{}: samples alone tell shares, not the tail; add a request log.", named(split));
    }
    let functions = split.rows.iter().filter(|r| r.kind == RowKind::Function).count();
    let left_out = functions.saturating_sub(SHOWN);
    let mut seen = 0;
    let kept = split.rows.iter().filter(|r| {
        seen += usize::from(r.kind == RowKind::Function);
        r.kind != RowKind::Function || seen <= SHOWN
    });
    let rows = kept.map(|r| {
        let place = if r.file.is_empty() { String::new() } else { format!("{}:{}", r.file, r.line) };
        let interval = format!("{:.2} [{:.2}, {:.2}]", r.c_ms, r.ci_ms.low, r.ci_ms.high);
        let budget = r.budget_ms.map(|b| format!("{b:.2}")).unwrap_or_default();
        vec![r.kind.word().to_owned(), format!("`{}`", r.name), place, interval, format!("{:.2}", r.mean_ms), budget]
    });
    let heads = ["kind", "name", "place", "ms of the quantile [95 %]", "mean ms", "budget ms"];
    let table = table(&heads, rows, "No rows.");
    let rest = match left_out {
        0 => String::new(),
        n => format!(" {n} smaller functions are in the sum and not in the table."),
    };
    format!("{}, basis {}; the rows sum to {:.1} ms.{rest}\n\n{table}", named(split), split.basis.word(), split.sum_ms)
}

pub(super) fn landed(landed: &[Landed]) -> String {
    let rows = landed.iter().map(|l| {
        let measured = if l.measured.is_empty() { "not measured".to_owned() } else { l.measured.clone() };
        let sign = if l.forced.is_empty() { l.reviewer.clone() } else { format!("**FORCED** {}", l.reviewer) };
        vec![short(&l.commit), l.title.clone(), l.rule.clone(), measured, sign]
    });
    table(&["commit", "change", "rule", "time per call, new over old", "signed by"], rows, "Nothing landed yet.")
}

pub(super) fn forced(landed: &[Landed]) -> String {
    let lines: Vec<String> = landed
        .iter()
        .filter(|l| !l.forced.is_empty())
        .map(|l| format!("- **FORCED** {} {}: {}", short(&l.commit), l.title, l.forced))
        .collect();
    if lines.is_empty() { String::new() } else { format!("Landed without full evidence:\n\n{}", lines.join("\n")) }
}

pub(super) fn proposals<'a>(entries: impl Iterator<Item = &'a Entry>) -> String {
    let rows = entries.map(|e| {
        let r = &e.rewrite;
        let cost = r.cost.as_ref().map(|c| format!("{:.2} ({})", c.c_ms, c.basis)).unwrap_or_default();
        let state = e.verdict.as_ref().map_or("open", Verdict::state_word);
        let by = e.verdict.as_ref().map_or("not proved yet", Verdict::by);
        vec![r.id.to_string(), r.title.clone(), format!("{}:{}", r.file, r.line), cost, state.to_owned(), by.to_owned()]
    });
    table(&["id", "change", "place", "wins at most ms (basis)", "state", "by"], rows, "None.")
}

/// The first reason for which a hunk was rejected.
pub(super) fn rejection(review: &Review) -> Option<&str> {
    review.decisions.iter().find_map(|d| match d {
        Decision::Rejected(reason) => Some(reason.as_str()),
        _ => None,
    })
}

pub(super) fn rejected(entries: &[Entry]) -> String {
    let rows = entries.iter().filter_map(|e| {
        let reason = rejection(&e.review)?;
        let r = &e.rewrite;
        Some(vec![
            r.id.to_string(),
            r.title.clone(),
            format!("{}:{}", r.file, r.line),
            reason.to_owned(),
            e.review.reviewer.clone(),
        ])
    });
    table(&["id", "change", "place", "reason", "by"], rows, "None.")
}

pub(super) fn refused(refused: &[Refusal]) -> String {
    let rows = refused.iter().map(|r| vec![r.rule.to_string(), format!("{}:{}", r.file, r.line), r.reason.clone()]);
    table(&["rule", "place", "why there is no rewrite"], rows, "None.")
}

pub(super) fn sources(sources: &[SourceQuality]) -> String {
    let rows = sources.iter().map(|s| {
        let numbers = [s.samples, s.lost, s.unresolved, s.truncated, s.malformed].map(|n| n.to_string());
        [s.file.clone(), s.format.clone()].into_iter().chain(numbers).collect()
    });
    let heads = ["source", "format", "samples", "lost", "unresolved frames", "truncated stacks", "malformed lines"];
    table(&heads, rows, "No recording was read.")
}

/// A Markdown table, or `none` where there are no rows.
fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>, none: &str) -> String {
    let rows: Vec<String> =
        rows.map(|row| format!("| {} |", row.iter().map(|c| cell(c)).collect::<Vec<_>>().join(" | "))).collect();
    if rows.is_empty() {
        return none.to_owned();
    }
    let rule = vec!["---"; heads.len()].join(" | ");
    format!("| {} |\n| {rule} |\n{}", heads.join(" | "), rows.join("\n"))
}

/// A bar or a newline would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn short(id: &str) -> String {
    id.chars().take(8).collect()
}
