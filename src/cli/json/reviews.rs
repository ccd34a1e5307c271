//! Proposals in review and operations in, their public JSON out.

use serde::Serialize;

use super::all;
use crate::jobs::Reviewed;
use crate::model::{Hunk, Operation, Verdict};

/// `refit review … --json`.
#[derive(Serialize)]
pub(in crate::cli) struct Reviews {
    schema: &'static str,
    proposals: Vec<ReviewedJson>,
}

impl From<&[Reviewed]> for Reviews {
    fn from(reviewed: &[Reviewed]) -> Reviews {
        Reviews { schema: "refit.review/1", proposals: all(reviewed) }
    }
}

#[derive(Serialize)]
struct ReviewedJson {
    id: String,
    rule: &'static str,
    title: String,
    file: String,
    line: u32,
    state: &'static str,
    hunks: Vec<HunkJson>,
    comments: Vec<CommentJson>,
    obligations: Vec<String>,
    obligations_accepted: Vec<String>,
    reviewer: String,
    edited_by: String,
}

impl From<&Reviewed> for ReviewedJson {
    fn from(r: &Reviewed) -> ReviewedJson {
        let comments = r.review.comments.iter().map(|c| CommentJson {
            author: c.author.clone(),
            hunk: c.hunk + 1,
            line: c.line + 1,
            text: c.text.clone(),
            at: c.at,
        });
        ReviewedJson {
            id: r.rewrite.id.0.clone(),
            rule: r.rewrite.rule.0,
            title: r.rewrite.title.clone(),
            file: r.rewrite.file.clone(),
            line: r.rewrite.line,
            state: r.verdict.as_ref().map_or("open", Verdict::state_word),
            hunks: r.hunks.iter().map(|h| HunkJson::new(r, h)).collect(),
            comments: comments.collect(),
            obligations: r.rewrite.obligations.clone(),
            obligations_accepted: r.review.obligations_accepted.clone(),
            reviewer: r.review.reviewer.clone(),
            edited_by: r.review.edited_by.clone(),
        }
    }
}

#[derive(Serialize)]
struct HunkJson {
    /// From 1, as on the command line.
    hunk: usize,
    file: String,
    old_start: u32,
    old_lines: u32,
    new_start: u32,
    new_lines: u32,
    touches_sync: bool,
    decision: &'static str,
    reason: Option<String>,
}

impl HunkJson {
    fn new(reviewed: &Reviewed, hunk: &Hunk) -> HunkJson {
        let decision = reviewed.review.decisions.get(hunk.index).cloned().unwrap_or_default();
        let reason = match &decision {
            crate::model::Decision::Rejected(reason) => Some(reason.clone()),
            _ => None,
        };
        HunkJson {
            hunk: hunk.index + 1,
            file: hunk.file.clone(),
            old_start: hunk.old_start,
            old_lines: hunk.old_lines,
            new_start: hunk.new_start,
            new_lines: hunk.new_lines,
            touches_sync: hunk.touches_sync,
            decision: decision.word(),
            reason,
        }
    }
}

#[derive(Serialize)]
struct CommentJson {
    author: String,
    hunk: usize,
    line: usize,
    text: String,
    at: u64,
}

/// `refit apply|undo|redo|log --json`.
#[derive(Serialize)]
pub(in crate::cli) struct Operations {
    schema: &'static str,
    operations: Vec<OperationJson>,
}

impl From<&[Operation]> for Operations {
    fn from(operations: &[Operation]) -> Operations {
        Operations { schema: "refit.log/1", operations: all(operations) }
    }
}

#[derive(Serialize)]
struct OperationJson {
    number: u64,
    kind: &'static str,
    title: String,
    rewrites: Vec<String>,
    refs: Vec<RefJson>,
    at: u64,
    undone: bool,
}

#[derive(Serialize)]
struct RefJson {
    name: String,
    before: Option<String>,
    after: Option<String>,
}

impl From<&Operation> for OperationJson {
    fn from(o: &Operation) -> OperationJson {
        let there = |id: &String| (!id.is_empty()).then(|| id.clone());
        let refs = o.refs.iter().map(|(name, b, a)| RefJson { name: name.clone(), before: there(b), after: there(a) });
        OperationJson {
            number: o.number,
            kind: o.kind.word(),
            title: o.title.clone(),
            rewrites: o.rewrites.iter().map(ToString::to_string).collect(),
            refs: refs.collect(),
            at: o.at,
            undone: o.undone,
        }
    }
}
