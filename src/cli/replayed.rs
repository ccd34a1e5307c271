//! What a landed commit came to when it was looked at again in; text and JSON out.

use serde::Serialize;

use super::json;
use super::style::Style;
use crate::jobs::{Attestation, Compared, Replay, Replayed};

/// Every proposal with each thing that was compared.
pub(super) fn text(replay: &Replay, style: Style) -> String {
    let mut text = format!("{}  {}\n", style.strong(&replay.commit[..replay.commit.len().min(10)]), replay.subject);
    for proposal in &replay.proposals {
        let a = &proposal.attested;
        let signed = if a.role.is_empty() { a.reviewer.clone() } else { format!("{} as {}", a.reviewer, a.role) };
        text += &format!(
            "{}  {} of class {}, Refit {}, signed by {signed}\n",
            style.strong(&a.proposal),
            a.rule,
            a.class,
            a.refit
        );
        for (what, by, answer) in &a.preconditions {
            text += &format!("  precondition {answer}: {what} ({by})\n");
        }
        for point in &proposal.points {
            text += &line(point, style);
        }
    }
    text
}

fn line(point: &Compared, style: Style) -> String {
    let word = match point.agrees {
        Some(true) => style.good("agrees"),
        Some(false) => style.bad("differs"),
        None => style.doubtful("open"),
    };
    let pad = " ".repeat(16usize.saturating_sub(point.what.len()).max(1));
    format!("  {}{pad}{word}, {}\n", point.what, point.detail)
}

/// `refit verify --replay --json`.
#[derive(Serialize)]
pub(super) struct Json {
    schema: &'static str,
    commit: String,
    subject: String,
    holds: bool,
    proposals: Vec<ProposalJson>,
}

#[derive(Serialize)]
struct ProposalJson {
    attested: Attestation,
    compared: Vec<ComparedJson>,
    now: Option<json::VerdictJson>,
}

#[derive(Serialize)]
struct ComparedJson {
    what: &'static str,
    agrees: Option<bool>,
    detail: String,
}

impl From<&Replay> for Json {
    fn from(replay: &Replay) -> Json {
        Json {
            schema: "refit.replay/1",
            commit: replay.commit.clone(),
            subject: replay.subject.clone(),
            holds: replay.holds(),
            proposals: replay.proposals.iter().map(ProposalJson::from).collect(),
        }
    }
}

impl From<&Replayed> for ProposalJson {
    fn from(replayed: &Replayed) -> ProposalJson {
        let compared = |c: &Compared| ComparedJson { what: c.what, agrees: c.agrees, detail: c.detail.clone() };
        ProposalJson {
            attested: replayed.attested.clone(),
            compared: replayed.points.iter().map(compared).collect(),
            now: replayed.now.as_ref().map(json::VerdictJson::from),
        }
    }
}
