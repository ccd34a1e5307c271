//! The ledger in, a Markdown report out.

mod date;
mod rows;

pub use date::utc;

use crate::model::{
    Finding, Objective, ObjectiveMeasurement, ObjectiveSplit, Outcome, Problem, Refusal, Review, Rewrite, RewriteId,
    SourceQuality, Verdict,
};
use crate::template::{self, REPORT};

/// Everything a report tells: what was analysed, decided, proved, landed and measured again.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Name of the service.
    pub service: String,
    /// When the report is made, seconds since the epoch.
    pub at: u64,
    /// The recorded objectives and their splits.
    pub objectives: Vec<ObjectiveSplit>,
    /// Findings of the present code.
    pub findings: Vec<Finding>,
    /// Proposals with what was decided and proved.
    pub proposals: Vec<Entry>,
    /// Findings without a rewrite.
    pub refused: Vec<Refusal>,
    /// What landed and is not undone, oldest first.
    pub landed: Vec<Landed>,
    /// The objectives measured again on the accepted stack.
    pub measured: Vec<ObjectiveMeasurement>,
    /// Quality of the recordings.
    pub sources: Vec<SourceQuality>,
}

/// One proposal as it stands.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The proposal.
    pub rewrite: Rewrite,
    /// What people decided.
    pub review: Review,
    /// What was proved.
    pub verdict: Option<Verdict>,
}

/// One landed commit, as its trailers tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Landed {
    /// Commit id.
    pub commit: String,
    /// Its subject.
    pub title: String,
    /// The proposal, where it is still known.
    pub rewrite: RewriteId,
    /// `Refit-Rule:`.
    pub rule: String,
    /// `Refit-Predicted:`; empty where the recording did not price it.
    pub predicted: String,
    /// `Refit-Measured:`; empty where nothing was measured.
    pub measured: String,
    /// `Reviewed-by:`.
    pub reviewer: String,
    /// `Refit-Forced:`; empty where evidence stood.
    pub forced: String,
}

/// Writes the report.
///
/// What was won is the objective measured again on the accepted stack, by the bound of its interval that claims
/// least; the savings of single proposals are never added up.
///
/// # Errors
/// The template and its values do not fit, which is a fault of Refit.
pub fn markdown(ledger: &Ledger) -> Result<String, Problem> {
    let state =
        |wanted: Outcome| ledger.proposals.iter().filter(move |e| waits(ledger, e) && outcome(e) == Some(wanted));
    let open = ledger.proposals.iter().filter(|e| waits(ledger, e) && outcome(e) != Some(Outcome::Verified));
    template::render(
        REPORT,
        &[
            ("service", &ledger.service),
            ("made", &format!("Made {} by Refit {}.", utc(ledger.at), env!("CARGO_PKG_VERSION"))),
            ("headline", &headline(ledger)),
            ("objectives", &rows::objectives(&ledger.objectives)),
            ("remeasured", &rows::remeasured(&ledger.measured)),
            ("split", &rows::splits(&ledger.objectives)),
            ("landed", &rows::landed(&ledger.landed)),
            ("forced", &rows::forced(&ledger.landed)),
            ("proved", &rows::proposals(state(Outcome::Verified))),
            ("open", &rows::proposals(open)),
            ("rejected", &rows::rejected(&ledger.proposals)),
            ("refused", &rows::refused(&ledger.refused)),
            ("sources", &rows::sources(&ledger.sources)),
            ("method", METHOD),
        ],
    )
}

const METHOD: &str = "\
Milliseconds of a quantile are `E[T_f | L = Q_q(L)]` over the requests around the quantile; brackets are 95 % \
intervals from a bootstrap over requests. The time of a proposal is new over old of the touched function, timed in \
random order in one process beside a base-against-base control. An objective is measured again on the accepted stack \
as a whole.";

fn outcome(entry: &Entry) -> Option<Outcome> {
    entry.verdict.as_ref().map(Verdict::outcome)
}

/// True if a proposal neither landed nor was rejected.
fn waits(ledger: &Ledger, entry: &Entry) -> bool {
    let landed = ledger.landed.iter().any(|l| l.rewrite == entry.rewrite.id);
    !landed && rows::rejection(&entry.review).is_none()
}

/// What was won, said for each objective in one sentence.
fn headline(ledger: &Ledger) -> String {
    let counts = format!(
        "{} findings, {} with a rewrite; {} landed.",
        ledger.findings.len(),
        ledger.proposals.len(),
        ledger.landed.len()
    );
    if ledger.measured.is_empty() {
        return format!("{counts} No objective was measured again, so nothing is claimed to be won.");
    }
    let won: Vec<String> = ledger.measured.iter().map(|m| won(m) + &predicted(ledger)).collect();
    format!("{counts}\n\n{}", won.join("\n\n"))
}

fn won(m: &ObjectiveMeasurement) -> String {
    let (difference, low, high) = m.difference_ms;
    let (after, _, after_high) = m.after_ms;
    let digits = decimals(m.limit_ms);
    let claim = if high < 0.0 {
        format!("at least {:.digits$} ms won (point estimate {:.digits$} ms)", -high, -difference)
    } else if low > 0.0 {
        format!("slower by at least {low:.digits$} ms (point estimate {difference:.digits$} ms)")
    } else {
        String::from("no change shown: the interval of the difference includes zero")
    };
    let met = match (after_high <= m.limit_ms, after <= m.limit_ms) {
        (true, _) => "within the limit",
        (false, true) => "within the limit by its point estimate, not by its whole interval",
        (false, false) => "over the limit",
    };
    format!("**{}**: {claim}; {after:.digits$} ms of {:.digits$} ms, {met}.", m.slo, m.limit_ms)
}

/// What the split of the recording said that the landed proposals win, beside what came out. The most that all of them
/// could is the sum of what they owned; what they should is that times what timing left of each.
fn predicted(ledger: &Ledger) -> String {
    let number = |text: &str, before: &str| -> Option<f64> {
        text.split(before).next()?.rsplit(' ').next()?.parse::<f64>().ok()
    };
    let most: f64 = ledger.landed.iter().filter_map(|l| number(&l.predicted, " ms of the measured quantile")).sum();
    let with_ratio = |l: &&Landed| l.predicted.contains(" ms by the measured ratio");
    let timed: Vec<f64> = ledger
        .landed
        .iter()
        .filter(with_ratio)
        .filter_map(|l| number(&l.predicted, " ms by the measured ratio"))
        .collect();
    if most == 0.0 {
        return String::new();
    }
    let should = match timed.len() {
        0 => String::from("none of them timed"),
        1 => format!("{:.1} ms by the ratio of the one that was timed", timed[0]),
        n => format!("{:.1} ms by the ratios of the {n} that were timed", timed.iter().sum::<f64>()),
    };
    format!(" The split of the recording predicted at most {most:.1} ms less ({should}).")
}

/// Decimals of milliseconds that tell something beside a limit of this size.
pub fn decimals(limit_ms: f64) -> usize {
    match limit_ms {
        limit if limit >= 10.0 => 1,
        limit if limit >= 0.1 => 3,
        _ => 6,
    }
}

/// `p99` for 0.99.
pub fn quantile_name(quantile: f64) -> String {
    let percent = (quantile * 1e6).round() / 1e4;
    format!("p{}", percent.to_string().replace('.', ""))
}

/// The limit of an objective in words: `p99 within 200 ms`.
pub fn limit_words(objective: &Objective) -> String {
    format!("{} within {} ms", quantile_name(objective.target), objective.limit_ns as f64 / 1e6)
}

#[cfg(test)]
mod tests;
