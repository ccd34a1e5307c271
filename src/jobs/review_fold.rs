//! The recorded acts of a review in, its state out: the same for everyone who has the same acts.

use crate::effects::reviews::{Act, Op};
use crate::model::{Comment, Decision, Review, RewriteId};

/// A finding that somebody does not want to see again until the code changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rejection {
    /// The rule.
    pub rule: String,
    /// Hash of the function's text.
    pub code: String,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub author: String,
}

/// The state of one proposal's review. Of two decisions on one hunk the later holds, in the order that all see.
pub(super) fn fold(ops: &[Op], rewrite: &RewriteId, hunks: usize) -> Review {
    let mut review =
        Review { rewrite: rewrite.clone(), decisions: vec![Decision::Undecided; hunks], ..Review::default() };
    for op in ops.iter().filter(|op| op.rewrite == rewrite.0) {
        match &op.act {
            Act::Decide { hunk, decision, reason } => {
                let (Some(slot), Some(decision)) = (review.decisions.get_mut(*hunk), read(decision, reason)) else {
                    continue;
                };
                *slot = decision;
                review.reviewer = op.author.clone();
            }
            Act::Comment { hunk, line, text } => review.comments.push(Comment {
                author: op.author.clone(),
                hunk: *hunk,
                line: *line,
                text: text.clone(),
                at: op.at,
            }),
            Act::Obligations { texts } => {
                let new = texts.iter().filter(|t| !review.obligations_accepted.contains(t)).cloned();
                let new: Vec<String> = new.collect();
                review.obligations_accepted.extend(new);
                review.reviewer = op.author.clone();
            }
            Act::Edit { .. } => review.edited_by = op.author.clone(),
            Act::Sign { .. } | Act::Remember { .. } | Act::Unknown => {}
        }
    }
    review
}

/// The newest edit of a proposal: file and new text.
pub(super) fn edit_of<'a>(ops: &'a [Op], rewrite: &RewriteId) -> Option<(&'a str, &'a str)> {
    ops.iter().rev().find_map(|op| match &op.act {
        Act::Edit { from, file, text } if *from == rewrite.0 => Some((file.as_str(), text.as_str())),
        _ => None,
    })
}

/// The rejections that outlive their proposals: a later acceptance of the same proposal takes them back.
pub(super) fn rejections(ops: &[Op]) -> Vec<Rejection> {
    let mut kept: Vec<(String, Rejection)> = Vec::new();
    for op in ops {
        match &op.act {
            Act::Remember { rule, code, reason } => kept.push((
                op.rewrite.clone(),
                Rejection { rule: rule.clone(), code: code.clone(), reason: reason.clone(), author: op.author.clone() },
            )),
            Act::Decide { decision, .. } if *decision != Decision::Rejected(String::new()).word() => {
                kept.retain(|(rewrite, _)| *rewrite != op.rewrite);
            }
            _ => {}
        }
    }
    kept.into_iter().map(|(_, rejection)| rejection).collect()
}

/// The reason with which a person overrode missing evidence for this proposal on this base.
pub(super) fn overridden(ops: &[Op], rewrite: &RewriteId, person: &str, on: &str) -> Option<String> {
    let own = ops.iter().rev().filter(|op| op.rewrite == rewrite.0 && op.author == person);
    own.into_iter().find_map(|op| match &op.act {
        Act::Sign { forced, base, .. } if base == on => Some(forced.clone()),
        _ => None,
    })?
}

/// A person's newest sign-off of a proposal; none once they decided on it again.
pub(super) fn signature<'a>(ops: &'a [Op], rewrite: &RewriteId, person: &str) -> Option<&'a Op> {
    let newest = ops.iter().rev().filter(|op| op.rewrite == rewrite.0 && op.author == person);
    let newest = newest.into_iter().find(|op| matches!(op.act, Act::Sign { .. } | Act::Decide { .. }));
    newest.filter(|op| matches!(op.act, Act::Sign { .. }))
}

fn read(word: &str, reason: &str) -> Option<Decision> {
    let all = [Decision::Undecided, Decision::Accepted, Decision::Deferred, Decision::Rejected(reason.into())];
    all.into_iter().find(|d| d.word() == word)
}
