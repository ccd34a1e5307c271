//! Decisions of a person in, the state of the reviews out.

use clap::{Args, Subcommand};

use super::answer::{Answer, Outcome};
use super::context::Context;
use super::json;
use super::propose::proposal;
use super::style::Style;
use super::table::{Align, Table};
use super::verify;
use crate::jobs::{self, Reviewed, Workspace, load_reviews};
use crate::model::{Decision, Hunk, LineMark, Problem, Review, SignOff, Verdict};
use crate::pipeline::Depth;

#[derive(Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Proposals with their state
    List {
        /// Proposals of every file, not of hot functions alone
        #[arg(long)]
        all: bool,
    },
    /// One proposal: hunks, decisions, comments, evidence
    Show {
        /// Id of the proposal
        id: String,
    },
    /// Accepts hunks
    Accept(Hunks),
    /// Rejects hunks for a reason, which is remembered
    Reject {
        #[command(flatten)]
        hunks: Hunks,
        /// Why
        #[arg(long, value_name = "REASON")]
        reason: String,
    },
    /// Puts hunks off
    Defer(Hunks),
    /// Remarks on a line of a hunk
    Comment {
        /// Id of the proposal
        id: String,
        /// What to say
        text: String,
        /// Hunk, from 1
        #[arg(long, default_value_t = 1)]
        hunk: usize,
        /// Line of the hunk, from 1
        #[arg(long, default_value_t = 1)]
        line: usize,
    },
    /// Opens the new text of a file in $EDITOR; what you write becomes a proposal of yours
    Edit {
        /// Id of the proposal
        id: String,
        /// File to edit, the first one by default
        #[arg(value_name = "FILE")]
        file: Option<String>,
    },
    /// Brings the reviews of others from a remote, and yours to it
    Sync {
        /// Name of the remote
        #[arg(default_value = "origin")]
        remote: String,
    },
    /// Signs a proposal whose hunks are all accepted
    Sign {
        /// Ids of proposals
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
        /// Role that you sign for
        #[arg(long, default_value = "")]
        role: String,
        /// Accept the proposal's obligations by name
        #[arg(long)]
        accept_obligations: bool,
        /// Sign without full evidence, for this reason, which is recorded as FORCED
        #[arg(long = "override", value_name = "REASON")]
        reason: Option<String>,
    },
}

#[derive(Args)]
struct Hunks {
    /// Id of the proposal
    id: String,
    /// Hunks, from 1; without any, those that may be decided together
    #[arg(value_name = "HUNK")]
    hunks: Vec<usize>,
}

pub(super) fn run(context: &Context, options: &Options) -> Outcome {
    let workspace = context.open()?;
    match options.action.as_ref().unwrap_or(&Action::List { all: false }) {
        Action::List { all } => list(context, &workspace, *all),
        Action::Show { id } => show(context, &workspace, id),
        Action::Accept(hunks) => decide(context, &workspace, hunks, &Decision::Accepted),
        Action::Reject { hunks, reason } => {
            decide(context, &workspace, hunks, &Decision::Rejected(reason.trim().to_owned()))
        }
        Action::Defer(hunks) => decide(context, &workspace, hunks, &Decision::Deferred),
        Action::Comment { id, text, hunk, line } => comment(context, &workspace, id, (*hunk, *line), text),
        Action::Edit { id, file } => edit(context, &workspace, id, file.as_deref()),
        Action::Sync { remote } => {
            jobs::sync_reviews(&workspace, remote).map_err(|p| vec![p])?;
            list(context, &workspace, false)
        }
        Action::Sign { ids, role, accept_obligations, reason } => {
            let signed = sign(context, &workspace, ids, role, *accept_obligations, reason.as_deref())?;
            Ok(Answer::new(context, || json::Reviews::from(&signed.0[..]), || signed_text(&signed.1, context.style)))
        }
    }
}

fn list(context: &Context, workspace: &Workspace, all: bool) -> Outcome {
    let listener = context.ear();
    let analysis = context.analyse(workspace, Depth::Propose, all, listener.ear())?;
    drop(listener);
    let reviewed = load_reviews(workspace, &analysis.rewrites).map_err(|p| vec![p])?;
    let text = || {
        let mut table = Table::new(&[
            ("id", Align::Left),
            ("decided", Align::Left),
            ("evidence", Align::Left),
            ("wins at most", Align::Right),
            ("proposal", Align::Elastic),
        ]);
        for r in &reviewed {
            let cost = r.rewrite.cost.as_ref().map(|c| format!("{:.2} ms", c.c_ms)).unwrap_or_default();
            let evidence = r.verdict.as_ref().map_or("open", Verdict::state_word).to_owned();
            table.row([r.rewrite.id.0.clone(), decided(&r.review), evidence, cost, r.rewrite.title.clone()]);
        }
        if table.is_empty() { String::from("there are no proposals\n") } else { table.render(0, context.width) }
    };
    Ok(Answer::new(context, || json::Reviews::from(&reviewed[..]), text).beside(&analysis.problems))
}

/// `accepted`, or how many of the hunks are decided.
fn decided(review: &Review) -> String {
    let all = &review.decisions;
    match all.first() {
        Some(first) if all.iter().all(|d| d.word() == first.word()) => first.word().to_owned(),
        Some(_) => format!("{} of {}", all.iter().filter(|d| **d != Decision::Undecided).count(), all.len()),
        None => Decision::Undecided.word().to_owned(),
    }
}

fn one(context: &Context, workspace: &Workspace, id: &str) -> Result<Reviewed, Vec<Problem>> {
    let listener = context.ear();
    let chosen = context.proposals(workspace, &[id.to_owned()], listener.ear())?;
    Ok(chosen.proposals.into_iter().next().expect("one id gives one proposal"))
}

fn show(context: &Context, workspace: &Workspace, id: &str) -> Outcome {
    let reviewed = one(context, workspace, id)?;
    let text = || whole(&reviewed, context.style);
    Ok(Answer::new(context, || json::Reviews::from(&[reviewed.clone()][..]), text))
}

fn whole(reviewed: &Reviewed, style: Style) -> String {
    let mut text = proposal(&reviewed.rewrite, None, style);
    for hunk in &reviewed.hunks {
        text += &hunk_text(reviewed, hunk, style);
    }
    text += "\n";
    match &reviewed.verdict {
        Some(verdict) => text + &verify::verdict(verdict, style),
        None => text + &format!("no evidence yet: {}\n", style.code(&format!("refit verify {}", reviewed.rewrite.id))),
    }
}

fn hunk_text(reviewed: &Reviewed, hunk: &Hunk, style: Style) -> String {
    let decision = reviewed.review.decisions.get(hunk.index).cloned().unwrap_or_default();
    let reason = match &decision {
        Decision::Rejected(reason) => format!(": {reason}"),
        _ => String::new(),
    };
    let sync = if hunk.touches_sync { ", touches synchronisation" } else { "" };
    let head = format!("hunk {} of {}, {}{reason}{sync}", hunk.index + 1, reviewed.hunks.len(), decision.word());
    let mut diff = format!("@@ -{},{} +{},{} @@\n", hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines);
    for line in &hunk.lines {
        let sign = match line.mark {
            LineMark::Context => ' ',
            LineMark::Removed => '-',
            LineMark::Added => '+',
        };
        diff += &format!("{sign}{}\n", line.text);
    }
    let remarks = reviewed.review.comments.iter().filter(|c| c.hunk == hunk.index);
    let remarks: String = remarks.map(|c| format!("  line {}, {}: {}\n", c.line + 1, c.author, c.text)).collect();
    format!("\n{}  {}\n{}{remarks}", style.strong(&head), hunk.file, style.diff(&diff))
}

fn decide(context: &Context, workspace: &Workspace, hunks: &Hunks, decision: &Decision) -> Outcome {
    let mut reviewed = one(context, workspace, &hunks.id)?;
    for index in which(&reviewed, &hunks.hunks)? {
        let decided = jobs::decide(workspace, &reviewed.rewrite, index, decision.clone()).map_err(|p| vec![p])?;
        reviewed.review = decided;
    }
    answer(context, &reviewed)
}

/// The hunks that were asked for, from 0. Without any, all; but a hunk that touches synchronisation is decided by itself.
fn which(reviewed: &Reviewed, asked: &[usize]) -> Result<Vec<usize>, Vec<Problem>> {
    let id = &reviewed.rewrite.id;
    let count = reviewed.hunks.len();
    if let Some(wrong) = asked.iter().find(|n| **n == 0 || **n > count) {
        let help = format!("hunks count from 1; `refit review show {id}` lists them");
        return Err(vec![Problem::error(format!("{id} has {count} hunks, and no hunk {wrong}")).help(help)]);
    }
    if !asked.is_empty() {
        return Ok(asked.iter().map(|n| n - 1).collect());
    }
    match reviewed.hunks.iter().find(|h| h.touches_sync) {
        Some(hunk) => {
            let number = hunk.index + 1;
            let what = format!("hunk {number} of {id} touches synchronisation and is decided by itself");
            let help =
                format!("read it with `refit review show {id}`, then name it: `refit review accept {id} {number}`");
            Err(vec![Problem::error(what).help(help)])
        }
        None => Ok((0..count).collect()),
    }
}

fn comment(context: &Context, workspace: &Workspace, id: &str, at: (usize, usize), text: &str) -> Outcome {
    let mut reviewed = one(context, workspace, id)?;
    let hunk = which(&reviewed, &[at.0])?[0];
    let lines = reviewed.hunks[hunk].lines.len();
    if at.1 == 0 || at.1 > lines {
        let what = format!("hunk {} of {id} has {lines} lines, and no line {}", at.0, at.1);
        return Err(vec![Problem::error(what).help("lines count from 1, the `@@` line left out")]);
    }
    reviewed.review = jobs::comment(workspace, &reviewed.rewrite, hunk, at.1 - 1, text).map_err(|p| vec![p])?;
    answer(context, &reviewed)
}

fn edit(context: &Context, workspace: &Workspace, id: &str, file: Option<&str>) -> Outcome {
    let reviewed = one(context, workspace, id)?;
    let rewrite = &reviewed.rewrite;
    let file = file.unwrap_or(&rewrite.file);
    let line = reviewed.hunks.iter().find(|h| h.file == file).map_or(1, |h| h.new_start);
    let written = jobs::edit_in_editor(workspace, rewrite, file, line).map_err(|p| vec![p])?;
    let Some(text) = written else {
        return Ok(Answer::new(
            context,
            || json::Reviews::from(&[reviewed.clone()][..]),
            || format!("{id} is as it was\n"),
        ));
    };
    let edited = jobs::edit(workspace, rewrite, file, &text).map_err(|p| vec![p])?;
    let next = one(context, workspace, &edited.id.0)?;
    answer(context, &next)
}

fn answer(context: &Context, reviewed: &Reviewed) -> Outcome {
    let text = || {
        let id = &reviewed.rewrite.id;
        let next = match reviewed.review.decisions.iter().all(|d| *d == Decision::Accepted) {
            true => format!("refit review sign {id}"),
            false => format!("refit review show {id}"),
        };
        format!("{id}  {}\nnext: {}\n", decided(&reviewed.review), context.style.code(&next))
    };
    Ok(Answer::new(context, || json::Reviews::from(&[reviewed.clone()][..]), text))
}

/// Signs proposals; what cannot be signed is told, all of it at once, and then nothing lands.
pub(super) fn sign(
    context: &Context,
    workspace: &Workspace,
    ids: &[String],
    role: &str,
    accept_obligations: bool,
    reason: Option<&str>,
) -> Result<(Vec<Reviewed>, Vec<SignOff>), Vec<Problem>> {
    let listener = context.ear();
    let mut chosen = context.proposals(workspace, ids, listener.ear())?;
    drop(listener);
    let (mut signed, mut problems) = (Vec::new(), Vec::new());
    for reviewed in &mut chosen.proposals {
        if accept_obligations {
            reviewed.review = jobs::accept_obligations(workspace, &reviewed.rewrite).map_err(|p| vec![p])?;
        }
        let verdict = reviewed.verdict.clone();
        match jobs::sign(workspace, &reviewed.rewrite, verdict, role, reason.map(str::to_owned)) {
            Ok(sign) => signed.push(sign),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok((chosen.proposals, signed)) } else { Err(problems) }
}

fn signed_text(signed: &[SignOff], style: Style) -> String {
    let mut text = String::new();
    for sign in signed {
        let id = &sign.rewrite().id;
        let forced = sign.forced().map(|r| format!(", {}: {r}", style.bad("FORCED"))).unwrap_or_default();
        text += &format!(
            "{id}  signed by {}{forced}\nnext: {}\n",
            sign.reviewer(),
            style.code(&format!("refit apply {id}"))
        );
    }
    text
}
