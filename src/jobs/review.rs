//! Decisions of people in, reviews and sign-offs kept in the repository's own refs out.

use std::collections::BTreeMap;

use super::Workspace;
use super::review_fold::{Rejection, edit_of, fold, overridden, rejections, signature};
use crate::effects::evidence;
use crate::effects::git::{Base, Repository};
use crate::effects::reviews::{Act, Op};
use crate::model::{Decision, EditSet, Hunk, Place, Problem, Review, Rewrite, SignOff, Verdict};
use crate::review::{Signature, decide_in_bulk, edits_between, may_sign, missing_roles, required_roles};
use crate::rewrite;
use crate::source::{self, FileRole, SourceFile};

/// A proposal with its hunks, the decisions on them and the evidence known for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reviewed {
    /// The proposal, as edited if it was edited.
    pub rewrite: Rewrite,
    /// Its hunks.
    pub hunks: Vec<Hunk>,
    /// Decisions and comments.
    pub review: Review,
    /// The newest verdict on exactly this proposal and the present base.
    pub verdict: Option<Verdict>,
    /// What the person of git's configuration signed before, while it still holds on the present base.
    pub signed: Option<SignOff>,
}

/// What a review needs to know of the repository, read once.
struct Desk {
    repository: Repository,
    session: String,
    base: Base,
    ops: Vec<Op>,
    texts: BTreeMap<String, String>,
}

/// Joins proposals with what was decided and proved before. A proposal whose file has changed meanwhile is left out.
///
/// # Errors
/// The repository cannot be read.
pub fn load_reviews(workspace: &Workspace, rewrites: &[Rewrite]) -> Result<Vec<Reviewed>, Problem> {
    let desk = Desk::open(workspace, rewrites)?;
    let rejected = rejections(&desk.ops);
    let fresh = rewrites.iter().filter(|r| desk.is_fresh(r));
    let mut reviewed: Vec<Reviewed> =
        fresh.map(|r| desk.reviewed(&desk.as_edited(r)?, &rejected)).collect::<Result<_, Problem>>()?;
    desk.put_signatures(&mut reviewed);
    Ok(reviewed)
}

/// Decides one hunk.
///
/// # Errors
/// No such hunk; a rejection without a reason; the repository cannot be written.
pub fn decide(workspace: &Workspace, rewrite: &Rewrite, hunk: usize, decision: Decision) -> Result<Review, Problem> {
    let desk = Desk::open(workspace, std::slice::from_ref(rewrite))?;
    desk.check_hunk(rewrite, hunk)?;
    let mut acts = vec![decided(rewrite, hunk, &decision)?];
    if let Decision::Rejected(reason) = &decision {
        acts.extend(desk.code_of(rewrite).map(|code| Act::Remember {
            rule: rewrite.rule.0.into(),
            code,
            reason: reason.clone(),
        }));
    }
    desk.record(rewrite, acts)
}

/// Accepts every hunk that may be decided together; those that touch synchronisation are returned, to be shown and
/// decided one by one.
///
/// # Errors
/// As [`decide`].
pub fn accept_all(workspace: &Workspace, rewrite: &Rewrite) -> Result<(Review, Vec<usize>), Problem> {
    let desk = Desk::open(workspace, std::slice::from_ref(rewrite))?;
    let hunks = desk.hunks(rewrite)?;
    let together = decide_in_bulk(&hunks);
    let acts: Result<Vec<Act>, Problem> = together.iter().map(|n| decided(rewrite, *n, &Decision::Accepted)).collect();
    let review = desk.record(rewrite, acts?)?;
    let left = (0..hunks.len()).filter(|n| !together.contains(n) && review.decisions[*n] != Decision::Accepted);
    Ok((review.clone(), left.collect()))
}

/// Remarks on a line of a hunk.
///
/// # Errors
/// As [`decide`].
pub fn comment(
    workspace: &Workspace,
    rewrite: &Rewrite,
    hunk: usize,
    line: usize,
    text: &str,
) -> Result<Review, Problem> {
    let desk = Desk::open(workspace, std::slice::from_ref(rewrite))?;
    let lines = desk.check_hunk(rewrite, hunk)?.lines.len();
    if line >= lines {
        return Err(Problem::error(format!(
            "hunk {} of {} has {lines} lines, no line {}",
            hunk + 1,
            rewrite.id,
            line + 1
        )));
    }
    if text.trim().is_empty() {
        return Err(Problem::error("the comment is empty"));
    }
    desk.record(rewrite, vec![Act::Comment { hunk, line, text: text.trim_end().into() }])
}

/// Accepts the obligations of a proposal by name.
///
/// # Errors
/// As [`decide`].
pub fn accept_obligations(workspace: &Workspace, rewrite: &Rewrite) -> Result<Review, Problem> {
    let desk = Desk::open(workspace, std::slice::from_ref(rewrite))?;
    let review = desk.fold(rewrite)?;
    if rewrite.obligations.iter().all(|o| review.obligations_accepted.contains(o)) {
        return Ok(review);
    }
    desk.record(rewrite, vec![Act::Obligations { texts: rewrite.obligations.clone() }])
}

/// Replaces the proposal's new text of one file by what a person wrote; the result is a new proposal with that author.
///
/// # Errors
/// Text that does not parse or loses a comment; the text of before; a file that is not part of the proposal.
pub fn edit(workspace: &Workspace, rewrite: &Rewrite, file: &str, new_text: &str) -> Result<Rewrite, Problem> {
    let desk = Desk::open(workspace, std::slice::from_ref(rewrite))?;
    let edited = desk.edited(rewrite, file, new_text)?;
    if edited.id == rewrite.id {
        return Ok(edited);
    }
    let act = Act::Edit { from: rewrite.id.0.clone(), file: file.into(), text: new_text.into() };
    desk.repository.record(&desk.session, &edited.id, vec![act], &desk.ops)?;
    Ok(edited)
}

/// Signs a reviewed proposal with the name of git's configuration, and keeps the sign-off with its evidence in the
/// review. A reason for an override that the same person gave before counts again.
///
/// # Errors
/// What [`SignOff::sign`] refuses; no name configured; a role that the person may not sign for.
pub fn sign(
    workspace: &Workspace,
    rewrite: &Rewrite,
    verdict: Option<Verdict>,
    role: &str,
    override_reason: Option<String>,
) -> Result<SignOff, Problem> {
    let desk = Desk::open(workspace, std::slice::from_ref(rewrite))?;
    let review = desk.fold(rewrite)?;
    let person = desk.repository.person()?;
    may_sign(&workspace.slo.reviews, role, &person, &review.edited_by)?;
    let reason = override_reason.or_else(|| overridden(&desk.ops, &rewrite.id, &person, &desk.base.tree));
    let at = crate::effects::clock::now();
    let signed = SignOff::sign(rewrite.clone(), &review, verdict, person, role.into(), at, reason)?;
    let neutral = rewrite.kind.is_neutral();
    let evidence = signed.verdict().map(|v| evidence::to_text(&desk.base.tree, "", v, neutral)).transpose()?;
    let forced = signed.forced().map(String::from);
    let act = Act::Sign { role: role.into(), forced, base: desk.base.tree.clone(), evidence };
    desk.repository.record(&desk.session, &rewrite.id, vec![act], &desk.ops)?;
    Ok(signed)
}

/// Brings the reviews of others from a remote, and one's own to it.
///
/// # Errors
/// The remote cannot be reached, or refuses.
pub fn sync_reviews(workspace: &Workspace, remote: &str) -> Result<(), Problem> {
    workspace.repository()?.sync_reviews(remote, session(workspace))
}

/// Refuses to land what a role has still to sign; returns who signed for which role.
pub(super) fn check_roles(
    workspace: &Workspace,
    repository: &Repository,
    sign_off: &SignOff,
    texts: &BTreeMap<String, String>,
) -> Result<Vec<Signature>, Problem> {
    let rules = &workspace.slo.reviews;
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let (rewrite, id) = (sign_off.rewrite(), &sign_off.rewrite().id);
    let required = required_roles(rules, rewrite, &hunks(rewrite, texts)?);
    let ops = repository.review_ops(session(workspace))?;
    let author = ops.iter().rev().find(|op| op.rewrite == id.0 && matches!(op.act, Act::Edit { .. }));
    let author = author.map(|op| op.author.clone()).unwrap_or_default();
    let verified = match repository.checks_signatures()? && !required.is_empty() {
        true => Some(repository.verified_signers(session(workspace), id)?),
        false => None,
    };
    let counts = |by: &String| verified.as_ref().is_none_or(|known| known.contains(by));
    let signatures: Vec<Signature> = ops
        .iter()
        .filter(|op| op.rewrite == id.0)
        .filter_map(|op| match &op.act {
            Act::Sign { role, .. } => {
                Some(Signature { role: role.clone(), by: op.author.clone(), counts: counts(&op.author) })
            }
            _ => None,
        })
        .collect();
    match &missing_roles(&required, &signatures, &author)[..] {
        [] => Ok(signatures.into_iter().filter(|s| s.counts && required.contains(&s.role)).collect()),
        missing => Err(Problem::error(format!("{id} waits for a sign-off as {}", missing.join(" and as ")))
            .at(Place::file(&rewrite.file))
            .help("[[review]] in slo.toml asks for it: sign for the role (`s`, or `refit review sign --role`)")),
    }
}

fn session(workspace: &Workspace) -> &str {
    workspace.branch.strip_prefix("refit/").unwrap_or(&workspace.branch)
}

fn decided(rewrite: &Rewrite, hunk: usize, decision: &Decision) -> Result<Act, Problem> {
    let reason = match decision {
        Decision::Rejected(reason) if reason.trim().is_empty() => {
            return Err(Problem::error(format!("a rejection of {} needs a reason", rewrite.id))
                .help("say in a few words why, so that nobody proposes it again"));
        }
        Decision::Rejected(reason) => reason.trim().to_string(),
        _ => String::new(),
    };
    Ok(Act::Decide { hunk, decision: decision.word().into(), reason })
}

/// The hunks of a proposal over all its files, numbered through.
fn hunks(rewrite: &Rewrite, texts: &BTreeMap<String, String>) -> Result<Vec<Hunk>, Problem> {
    let mut all = Vec::new();
    for set in &rewrite.edits {
        let old = texts.get(set.file()).ok_or_else(|| not_there(set))?;
        all.extend(source::hunks(set.file(), old, &source::apply(set, old)?));
    }
    all.iter_mut().enumerate().for_each(|(n, hunk)| hunk.index = n);
    Ok(all)
}

fn not_there(set: &EditSet) -> Problem {
    Problem::error("this file is not there any more")
        .at(Place::file(set.file()))
        .help("propose again: the code has changed since")
}

impl Desk {
    fn open(workspace: &Workspace, rewrites: &[Rewrite]) -> Result<Desk, Problem> {
        let repository = workspace.repository()?;
        let base = workspace.base()?;
        let touched = |path: &str| rewrites.iter().any(|r| r.edits.iter().any(|set| set.file() == path));
        let files = repository.read_files(&base.tree, touched)?;
        let texts = files.into_iter().filter_map(|(path, bytes)| Some((path, String::from_utf8(bytes).ok()?)));
        let session = session(workspace).to_string();
        let ops = repository.review_ops(&session)?;
        Ok(Desk { texts: texts.collect(), repository, session, base, ops })
    }

    /// True if the files are as the proposal knew them.
    fn is_fresh(&self, rewrite: &Rewrite) -> bool {
        let same = |set: &EditSet| self.texts.get(set.file()).is_some_and(|t| source::hash(t) == *set.base());
        rewrite.edits.iter().all(same)
    }

    fn hunks(&self, rewrite: &Rewrite) -> Result<Vec<Hunk>, Problem> {
        hunks(rewrite, &self.texts)
    }

    fn check_hunk(&self, rewrite: &Rewrite, hunk: usize) -> Result<Hunk, Problem> {
        let mut hunks = self.hunks(rewrite)?;
        let count = hunks.len();
        if hunk >= count {
            return Err(Problem::error(format!("{} has {count} hunks, no hunk {}", rewrite.id, hunk + 1)));
        }
        Ok(hunks.swap_remove(hunk))
    }

    fn fold(&self, rewrite: &Rewrite) -> Result<Review, Problem> {
        Ok(fold(&self.ops, &rewrite.id, self.hunks(rewrite)?.len()))
    }

    /// Records what was done, and folds it with everything that was there.
    fn record(&self, rewrite: &Rewrite, acts: Vec<Act>) -> Result<Review, Problem> {
        let new = self.repository.record(&self.session, &rewrite.id, acts, &self.ops)?;
        let ops = [&self.ops[..], &new].concat();
        Ok(fold(&ops, &rewrite.id, self.hunks(rewrite)?.len()))
    }

    /// Follows the edits that people made to a proposal. An edit that does not fit any more is passed over.
    fn as_edited(&self, rewrite: &Rewrite) -> Result<Rewrite, Problem> {
        let mut now = rewrite.clone();
        let mut seen = vec![now.id.clone()];
        while let Some((file, text)) = edit_of(&self.ops, &now.id) {
            match self.edited(&now, file, text) {
                Ok(next) if !seen.contains(&next.id) => now = next,
                _ => break,
            }
            seen.push(now.id.clone());
        }
        Ok(now)
    }

    fn edited(&self, rewrite: &Rewrite, file: &str, new_text: &str) -> Result<Rewrite, Problem> {
        let position =
            rewrite.edits.iter().position(|set| set.file() == file).ok_or_else(|| {
                Problem::error(format!("{} does not change this file", rewrite.id)).at(Place::file(file))
            })?;
        let old = self.texts.get(file).ok_or_else(|| not_there(&rewrite.edits[position]))?;
        let set = EditSet::new(file, source::hash(old), edits_between(file, old, new_text))?;
        if set.edits().is_empty() {
            return Err(Problem::error(format!("the text is as it was before {}", rewrite.id))
                .at(Place::file(file))
                .help("reject the proposal instead (`x`, or `refit review reject`)"));
        }
        let mut edited = rewrite.clone();
        edited.edits[position] = set;
        edited.diff = self.diff(&edited)?;
        edited.id = rewrite::id(edited.rule, &edited.edits);
        Ok(edited)
    }

    fn diff(&self, rewrite: &Rewrite) -> Result<String, Problem> {
        let mut diff = String::new();
        for set in &rewrite.edits {
            let old = self.texts.get(set.file()).ok_or_else(|| not_there(set))?;
            diff.push_str(&source::diff(set.file(), old, &source::apply(set, old)?));
        }
        Ok(diff)
    }

    fn reviewed(&self, rewrite: &Rewrite, rejected: &[Rejection]) -> Result<Reviewed, Problem> {
        let hunks = self.hunks(rewrite)?;
        let mut review = fold(&self.ops, &rewrite.id, hunks.len());
        let untouched = review.decisions.iter().all(|d| *d == Decision::Undecided);
        if let Some(known) = Some(rewrite).filter(|_| untouched).and_then(|r| self.rejected_before(r, rejected)) {
            review.decisions.fill(Decision::Rejected(known.reason.clone()));
            review.reviewer = known.author.clone();
        }
        let verdict = evidence::load(&self.base.tree, &rewrite.id, None).or_else(|| self.travelled(rewrite));
        let mut rewrite = rewrite.clone();
        if let Some(verdict) = &verdict {
            rewrite.preconditions = verdict.answers(&rewrite.preconditions);
        }
        Ok(Reviewed { rewrite, hunks, review, verdict, signed: None })
    }

    /// Brings back the sign-offs of the person of git's configuration; without a name there, nobody has signed.
    fn put_signatures(&self, reviewed: &mut [Reviewed]) {
        if !self.ops.iter().any(|op| matches!(op.act, Act::Sign { .. })) {
            return;
        }
        let Ok(person) = self.repository.person() else { return };
        for one in reviewed {
            one.signed = self.signed_before(&person, one);
        }
    }

    /// The person's newest sign-off of exactly this proposal on the present base, judged again from what was kept of
    /// it; a decision of theirs that came after it took it back.
    fn signed_before(&self, person: &str, now: &Reviewed) -> Option<SignOff> {
        let op = signature(&self.ops, &now.rewrite.id, person)?;
        let Act::Sign { role, forced, base, evidence } = &op.act else { return None };
        if *base != self.base.tree {
            return None;
        }
        let kept = evidence.as_ref().and_then(|t| evidence::from_text(t, &self.base.tree, &now.rewrite.id, None));
        let (rewrite, role) = (now.rewrite.clone(), role.clone());
        SignOff::sign(rewrite, &now.review, kept, person.into(), role, op.at, forced.clone()).ok()
    }

    /// A rejection of the same rule in the same function's unchanged code, of whatever earlier proposal.
    fn rejected_before<'a>(&self, rewrite: &Rewrite, rejected: &'a [Rejection]) -> Option<&'a Rejection> {
        let mut of_rule = rejected.iter().rev().filter(|r| r.rule == rewrite.rule.0).peekable();
        of_rule.peek()?;
        let code = self.code_of(rewrite)?;
        of_rule.find(|r| r.code == code)
    }

    /// Evidence that came with a sign-off, for the present base: for those who cannot build.
    fn travelled(&self, rewrite: &Rewrite) -> Option<Verdict> {
        let of_this = self.ops.iter().rev().filter(|op| op.rewrite == rewrite.id.0);
        of_this.into_iter().find_map(|op| match &op.act {
            Act::Sign { evidence: Some(text), .. } => evidence::from_text(text, &self.base.tree, &rewrite.id, None),
            _ => None,
        })
    }

    /// Hash of the function around the proposal's first edit; of the finding's lines outside of functions.
    fn code_of(&self, rewrite: &Rewrite) -> Option<String> {
        let set = rewrite.edits.iter().find(|set| set.file() == rewrite.file).or(rewrite.edits.first())?;
        let text = self.texts.get(set.file())?;
        let file = SourceFile::parse(set.file(), text, &FileRole::default()).ok()?;
        let item = set.edits().first().and_then(|edit| file.item_around(edit.range));
        let code = match item {
            Some(item) => file.slice(item.range).to_string(),
            None => {
                let (first, last) = (rewrite.line.max(1) as usize, rewrite.end_line.max(1) as usize);
                text.lines().skip(first - 1).take(last + 1 - first).collect::<Vec<_>>().join("\n")
            }
        };
        Some(source::hash(&code).0)
    }
}
