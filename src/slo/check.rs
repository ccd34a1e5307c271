//! What was read in; problems that only show when the tables are seen together out.

use std::collections::BTreeMap;

use super::nearest::nearest;
use super::reader::{Reader, list};
use super::schema::Draft;

/// Checks names and references, and that budgets fit into their objectives.
pub(super) fn check(reader: &mut Reader<'_>, draft: &Draft) {
    names_are_unique(reader, draft);
    references_resolve(reader, draft);
    budgets_fit(reader, draft);
}

fn names_are_unique(reader: &mut Reader<'_>, draft: &Draft) {
    let objectives = draft.slo.objectives.iter().map(|o| o.name.as_str());
    twice(reader, "objective", "give each [[slo]] a name of its own", objectives.zip(&draft.objective_spans));
    let sources = draft.slo.sources.iter().map(|s| s.file.as_str());
    twice(reader, "source", "keep one of them", sources.zip(&draft.source_spans));
    let workloads = draft.slo.workloads.iter().map(|w| w.slo.as_str());
    twice(reader, "workload of", "an objective has one [[workload]] at most", workloads.zip(&draft.workload_spans));
}

fn twice<'d>(
    reader: &mut Reader<'_>,
    noun: &str,
    help: &str,
    named: impl Iterator<Item = (&'d str, &'d std::ops::Range<usize>)>,
) {
    let mut first: BTreeMap<&str, u32> = BTreeMap::new();
    for (name, span) in named {
        let line = reader.place(span.start).line;
        if let Some(before) = first.insert(name, line) {
            reader.error(span, format!("{noun} \"{name}\" is there twice, first in line {before}"), help);
        }
    }
}

fn references_resolve(reader: &mut Reader<'_>, draft: &Draft) {
    let mut names: Vec<&str> = draft.declared.iter().map(String::as_str).collect();
    names.dedup();
    for reference in &draft.references {
        let name = reference.name.value.as_str();
        if names.contains(&name) {
            continue;
        }
        let help = match nearest(name, names.iter().copied()) {
            Some(word) => format!("did you mean \"{word}\"?"),
            None if names.is_empty() => String::from("there is no [[slo]] yet"),
            None => format!("there is {}", list(&names)),
        };
        reader.missing(&reference.name.span, format!("{} names an unknown objective \"{name}\"", reference.by), help);
    }
}

/// Functions and spans overlap one another, so each sort is summed by itself.
fn budgets_fit(reader: &mut Reader<'_>, draft: &Draft) {
    for objective in &draft.slo.objectives {
        for (noun, is_span) in [("functions", false), ("spans", true)] {
            let mut sum = 0u64;
            let granted = draft.slo.budgets.iter().zip(&draft.budget_spans);
            for (budget, span) in granted.filter(|(b, _)| b.slo == objective.name && b.span.is_some() == is_span) {
                let before = sum;
                sum = sum.saturating_add(budget.own_ns);
                if sum > objective.limit_ns && before <= objective.limit_ns {
                    let (sum, limit) = (milliseconds(sum), milliseconds(objective.limit_ns));
                    let what =
                        format!("the budgets of {noun} of \"{}\" sum to {sum}, more than its {limit}", objective.name);
                    reader.error(span, what, format!("lower them until they sum to at most {limit}"));
                }
            }
        }
    }
}

/// `43ms`, `1.5ms`.
fn milliseconds(ns: u64) -> String {
    format!("{}ms", ns as f64 / 1e6)
}
