//! Sign-offs in, a commit plan with its message and trailers out.

use std::collections::BTreeMap;

use crate::model::{Answer, CommitPlan, FindingCost, Measurement, Objective, Problem, Rewrite, SignOff, Verdict};
use crate::source;
use crate::template::{self, COMMIT, COMMIT_SET};

/// Longest subject that git's own listings show whole.
const SUBJECT: usize = 72;

/// Plans the commit of one signed proposal on `branch`. `base` holds the text of every file that it touches; the
/// message names the objective that the proposal works for.
///
/// # Errors
/// A file that is not in `base`, or whose text is another than the one the edits were made for.
pub fn plan(
    signed: &SignOff,
    base: &BTreeMap<String, String>,
    branch: &str,
    objective: Option<&Objective>,
) -> Result<CommitPlan, Problem> {
    let rewrite = signed.rewrite();
    let mut files = Vec::new();
    for edits in &rewrite.edits {
        let text = base.get(edits.file()).ok_or_else(|| {
            Problem::error(format!("\"{}\", which {} edits, is not there any more", edits.file(), rewrite.id))
                .help("propose again: the code has changed since")
        })?;
        files.push((edits.file().to_owned(), source::apply(edits, text)?.into_bytes()));
    }
    let proved_tree = match signed.forced() {
        Some(_) => None,
        None => signed.verdict().map(|v| v.tree().to_owned()),
    };
    let message = message(signed, objective)?;
    Ok(CommitPlan { branch: branch.to_owned(), files, message, rewrites: vec![rewrite.id.clone()], proved_tree })
}

/// The commit message: subject, why, proof, and trailers for people who do not have Refit.
///
/// # Errors
/// The template and its values do not fit, which is a fault of Refit.
pub fn message(signed: &SignOff, objective: Option<&Objective>) -> Result<String, Problem> {
    let rewrite = signed.rewrite();
    let verdict = signed.verdict();
    template::render(
        COMMIT,
        &[
            ("subject", &subject(&rewrite.title)),
            ("finding", &wrap(&sentence(&rewrite.finding))),
            ("place", &wrap(&place(rewrite))),
            ("preconditions", &preconditions(rewrite)),
            ("obligations", &obligations(rewrite)),
            ("proof", &verdict.map(proof).unwrap_or_default()),
            ("rule", rewrite.rule.0),
            ("proposal", &rewrite.id.0),
            ("slo", &objective.map(promise).unwrap_or_default()),
            ("predicted", &rewrite.cost.as_ref().map(|c| predicted(c, verdict)).unwrap_or_default()),
            ("measured", &verdict.and_then(Verdict::measurement).map(measured).unwrap_or_default()),
            ("evidence", &verdict.map(evidence).unwrap_or_default()),
            ("forced", &one_line(signed.forced().unwrap_or_default())),
            ("role", &one_line(signed.role())),
            ("reviewer", &one_line(signed.reviewer())),
        ],
    )
}

/// The message of several proposals that land as one commit: what each changes and rests on, and the trailers of each.
///
/// # Errors
/// The template and its values do not fit, which is a fault of Refit.
pub fn set_message(signed: &[SignOff], objective: Option<&Objective>) -> Result<String, Problem> {
    let rewrites: Vec<&Rewrite> = signed.iter().map(SignOff::rewrite).collect();
    let lines: u32 = rewrites.iter().map(|r| r.changed_lines()).sum();
    let about = format!(
        "A change set of {} proposals and {lines} changed lines, which compiled and passed its tests as one tree.",
        signed.len()
    );
    let members: Vec<String> = signed.iter().map(member).collect();
    let trailers: Vec<String> = signed.iter().map(member_trailers).collect();
    let mut reviewers: Vec<String> = signed.iter().map(|s| one_line(s.reviewer())).collect();
    reviewers.dedup();
    template::render(
        COMMIT_SET,
        &[
            ("subject", &set_subject(&rewrites)),
            ("about", &wrap(&about)),
            ("members", &members.join("\n\n")),
            ("trailers", &trailers.join("\n")),
            ("slo", &objective.map(promise).unwrap_or_default()),
            ("reviewer", &reviewers.join("\nReviewed-by: ")),
        ],
    )
}

/// `Refit 3 proposals in risk::score`: the functions as far as they fit.
fn set_subject(rewrites: &[&Rewrite]) -> String {
    let mut functions: Vec<&str> = Vec::new();
    for rewrite in rewrites {
        let name = rewrite.function.0.rsplit("::").next().unwrap_or_default();
        if !name.is_empty() && !functions.contains(&name) {
            functions.push(name);
        }
    }
    let places = if functions.is_empty() { String::new() } else { format!(" in {}", functions.join(", ")) };
    subject(&format!("refit {} proposals{places}", rewrites.len()))
}

/// One proposal of a set: what it changes, what it rests on, what was proved.
fn member(signed: &SignOff) -> String {
    let rewrite = signed.rewrite();
    let parts = [
        wrap(&format!("{}: {}", rewrite.id, one_line(&rewrite.title))),
        wrap(&sentence(&rewrite.finding)),
        wrap(&place(rewrite)),
        preconditions(rewrite),
        obligations(rewrite),
        signed.verdict().map(proof).unwrap_or_default(),
    ];
    parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The trailers of one proposal of a set, which begin with its rule.
fn member_trailers(signed: &SignOff) -> String {
    let (rewrite, verdict) = (signed.rewrite(), signed.verdict());
    let all = [
        ("Rule", rewrite.rule.0.to_owned()),
        ("Proposal", rewrite.id.0.clone()),
        ("Predicted", rewrite.cost.as_ref().map(|c| predicted(c, verdict)).unwrap_or_default()),
        ("Measured", verdict.and_then(Verdict::measurement).map(measured).unwrap_or_default()),
        ("Evidence", verdict.map(evidence).unwrap_or_default()),
        ("Forced", one_line(signed.forced().unwrap_or_default())),
        ("Role", one_line(signed.role())),
    ];
    let told = all.iter().filter(|(_, value)| !value.is_empty());
    told.map(|(name, value)| format!("Refit-{name}: {value}")).collect::<Vec<_>>().join("\n")
}

/// The title as a commit subject: capital first, cut at a word where it is too long.
fn subject(title: &str) -> String {
    let title = capital(&one_line(title));
    if title.chars().count() <= SUBJECT {
        return title;
    }
    let cut: String = title.chars().take(SUBJECT - 1).collect();
    let end = cut.rfind(' ').unwrap_or(cut.len());
    format!("{}…", &cut[..end])
}

fn place(rewrite: &Rewrite) -> String {
    let lines = if rewrite.line == rewrite.end_line {
        format!("{}:{}", rewrite.file, rewrite.line)
    } else {
        format!("{}:{}-{}", rewrite.file, rewrite.line, rewrite.end_line)
    };
    let function = if rewrite.function.0.is_empty() { "This" } else { &rewrite.function.0 };
    match &rewrite.cost {
        Some(cost) => format!(
            "{function} ({lines}) owned {:.1} ms [{:.1}, {:.1}] of the measured quantile (basis: {}), the most that this can win.",
            cost.c_ms, cost.ci_ms.low, cost.ci_ms.high, cost.basis
        ),
        None => format!("{function} ({lines}) was not measured by itself."),
    }
}

fn preconditions(rewrite: &Rewrite) -> String {
    let answered = rewrite.preconditions.iter().filter(|p| p.state == Answer::Holds);
    bullets("What it rests on:", answered.map(|p| format!("{} ({})", p.text, p.answered_by.word())))
}

fn obligations(rewrite: &Rewrite) -> String {
    bullets("Accepted by the reviewer:", rewrite.obligations.iter().cloned())
}

fn proof(verdict: &Verdict) -> String {
    let rungs = verdict.evidence().iter();
    bullets("Proof:", rungs.map(|e| format!("{}: {}, {}", e.rung.word(), e.state.word(), one_line(&e.detail))))
}

fn promise(objective: &Objective) -> String {
    let percent = (objective.target * 1e6).round() / 1e4;
    format!("{} {percent} % within {} ms", objective.name, objective.limit_ns as f64 / 1e6)
}

/// `0.42 [0.40, 0.45] of the time per call, 18.2 us before, 7.6 us after (240 pairs, noise floor 0.8 %, by workload)`.
fn measured(m: &Measurement) -> String {
    format!(
        "{:.3} [{:.3}, {:.3}] of the time per call, {} before, {} after ({}, {} pairs, noise floor {:.1} %, by {}; {})",
        m.ratio,
        m.ci.0,
        m.ci.1,
        duration(m.old_ns),
        duration(m.new_ns),
        m.speed.word(),
        m.pairs,
        m.noise_floor * 100.0,
        one_line(&m.exercised_by),
        one_line(&m.witness),
    )
}

/// `at most 33.2 ms of the measured quantile, 19.3 ms by the measured ratio`: what the split of the recording says.
fn predicted(cost: &FindingCost, verdict: Option<&Verdict>) -> String {
    let by_ratio = verdict.and_then(Verdict::measurement).map(|m| cost.c_ms * (1.0 - m.ratio));
    let by_ratio = by_ratio.map(|ms| format!(", {ms:.1} ms by the measured ratio")).unwrap_or_default();
    format!("at most {:.1} ms of the measured quantile{by_ratio}", cost.c_ms)
}

fn evidence(verdict: &Verdict) -> String {
    let rungs: Vec<String> =
        verdict.evidence().iter().map(|e| format!("{}: {}", e.rung.word(), e.state.word())).collect();
    format!("{} on tree {} ({})", verdict.outcome().word(), verdict.tree(), rungs.join(", "))
}

/// Nanoseconds with the unit that suits.
fn duration(ns: f64) -> String {
    match ns {
        ns if ns >= 1e6 => format!("{:.2} ms", ns / 1e6),
        ns if ns >= 1e3 => format!("{:.2} us", ns / 1e3),
        ns => format!("{ns:.0} ns"),
    }
}

/// A heading with a list below it; empty for an empty list.
fn bullets(heading: &str, items: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = items.map(|i| wrap(&format!("- {}", one_line(&i))).replace('\n', "\n  ")).collect();
    if lines.is_empty() { String::new() } else { format!("{heading}\n{}", lines.join("\n")) }
}

/// Newlines in a value could forge a trailer.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn sentence(text: &str) -> String {
    let stop = if text.is_empty() || text.ends_with('.') { "" } else { "." };
    capital(text) + stop
}

fn capital(text: &str) -> String {
    // A path or a name in backquotes keeps its case.
    let word = text.split(' ').next().unwrap_or("");
    if word.contains("::") || word.contains('`') || word.contains('_') {
        return text.to_owned();
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Breaks at spaces before column 72.
fn wrap(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > SUBJECT {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
