//! Sign-offs and a base in, the trees and messages of their commits out, each checked against what was proved.

use std::collections::{BTreeMap, BTreeSet};

use super::prove::join;
use super::{Workspace, review};
use crate::apply;
use crate::effects::attestation::{self, Attestation};
use crate::effects::evidence;
use crate::effects::git::{Base, Repository};
use crate::model::{
    CommitPlan, EditSet, LineMark, Objective, Place, Problem, Rewrite, RewriteId, Rung, RungState, SignOff, Verdict,
};
use crate::review::Signature;
use crate::source;

/// One commit to make.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// Its message, and what it carries.
    pub plan: CommitPlan,
    /// Its tree.
    pub tree: String,
    /// What the proof of exactly this stack would have run on: the checkout as it stands, and the edits so far.
    proof_tree: String,
    /// What the proof of this proposal alone ran on.
    alone_tree: String,
    /// Trailers for the roles that were signed for.
    roles: String,
    /// What is attested of its proposals, a line each.
    pub attested: Vec<String>,
}

/// The texts that the edits are put into.
struct Texts {
    /// In the base tree: what the proposals were made for.
    base: BTreeMap<String, String>,
    /// On the branch's tip: what the commits change.
    tip: BTreeMap<String, Vec<u8>>,
}

/// Plans the commits in the order of the sign-offs; edits of one file are joined, never shifted by guess.
///
/// # Errors
/// A file that changed since, edits that overlap one another or uncommitted lines, evidence of another tree, a role
/// that has not signed.
pub(super) fn plan(
    workspace: &Workspace,
    repository: &Repository,
    base: &Base,
    signed: &[SignOff],
) -> Result<Vec<Step>, Problem> {
    let texts = read(repository, base, signed)?;
    let mut edits: BTreeMap<String, Vec<&EditSet>> = BTreeMap::new();
    let (mut proof, mut landing) = (BTreeMap::new(), BTreeMap::new());
    let mut steps = Vec::new();
    for sign_off in signed {
        let signatures = review::check_roles(workspace, repository, sign_off, &texts.base)?;
        let mut plan = apply::plan(sign_off, &texts.base, &workspace.branch, objective(workspace))?;
        for set in &sign_off.rewrite().edits {
            let file = set.file();
            edits.entry(file.into()).or_default().push(set);
            let joined = source::join(&edits[file], &texts.base[file])
                .map_err(|p| p.help("land one of the two, then propose again"))?;
            let new = source::apply(&joined, &texts.base[file])?;
            landing.insert(file.to_string(), texts.landed(repository, &joined, &new)?);
            proof.insert(file.to_string(), new.into_bytes());
        }
        let alone_tree = repository.tree_with(&base.tree, &plan.files)?;
        let alone = std::mem::replace(&mut plan.files, list(&landing));
        let roles = roles(sign_off, &signatures);
        let neutral = sign_off.rewrite().kind.is_neutral();
        let attested = vec![Attestation::new(sign_off, &base.tree, &alone, neutral)?.to_line()?];
        plan.message.push_str(&roles);
        plan.message.push_str(&proved_with(base));
        plan.message.push_str(&attestations(&attested));
        let tree = repository.tree_with(&base.tip_tree, &plan.files)?;
        let proof_tree = repository.tree_with(&base.tree, &list(&proof))?;
        steps.push(Step { plan, tree, proof_tree, alone_tree, roles, attested });
    }
    Ok(steps)
}

/// All commits as one: the last one's tree, and a message with the evidence of each.
///
/// # Errors
/// The template and its values do not fit, which is a fault of Refit.
pub(super) fn one_commit(
    workspace: &Workspace,
    base: &Base,
    signed: &[SignOff],
    steps: Vec<Step>,
) -> Result<Step, Problem> {
    let mut message = apply::set_message(signed, objective(workspace))?;
    let roles: BTreeSet<&str> = steps.iter().flat_map(|s| s.roles.lines()).collect();
    roles.iter().for_each(|line| message.push_str(&format!("{line}\n")));
    message.push_str(&proved_with(base));
    let attested: Vec<String> = steps.iter().flat_map(|s| s.attested.clone()).collect();
    message.push_str(&attestations(&attested));
    let rewrites = steps.iter().flat_map(|s| s.plan.rewrites.clone()).collect();
    let last = steps.into_iter().last().ok_or_else(|| Problem::error("there is nothing to land"))?;
    Ok(Step { plan: CommitPlan { message, rewrites, ..last.plan }, attested, ..last })
}

fn read(repository: &Repository, base: &Base, signed: &[SignOff]) -> Result<Texts, Problem> {
    let edited = signed.iter().flat_map(|s| &s.rewrite().edits);
    let touched: BTreeSet<&str> = edited.map(EditSet::file).collect();
    let wanted = |path: &str| touched.contains(path);
    let text = |(path, bytes): (String, Vec<u8>)| match String::from_utf8(bytes) {
        Ok(text) => Ok((path, text)),
        Err(_) => Err(Problem::error("this file is not UTF-8").at(Place::file(path))),
    };
    let in_base = repository.read_files(&base.tree, wanted)?;
    let tip = match base.tree == base.tip_tree {
        true => in_base.clone(),
        false => repository.read_files(&base.tip_tree, wanted)?,
    };
    Ok(Texts { base: in_base.into_iter().map(text).collect::<Result<_, _>>()?, tip: tip.into_iter().collect() })
}

impl Texts {
    /// The file's new bytes on the branch: without the uncommitted lines that the proposal was made beside.
    fn landed(&self, repository: &Repository, edits: &EditSet, new: &str) -> Result<Vec<u8>, Problem> {
        let (file, base) = (edits.file(), &self.base[edits.file()]);
        let tip = self.tip.get(file).ok_or_else(|| {
            Problem::error("this file is not committed yet, so a change of it cannot land")
                .at(Place::file(file))
                .help("commit it first: `git commit`")
        })?;
        if tip == base.as_bytes() {
            return Ok(new.as_bytes().to_vec());
        }
        let merged = repository.merge_bytes(base.as_bytes(), tip, new.as_bytes())?;
        merged.ok_or_else(|| overlap(edits, &String::from_utf8_lossy(tip), base))
    }
}

/// Names the uncommitted lines that an edit meets.
fn overlap(edits: &EditSet, tip: &str, base: &str) -> Problem {
    let line = |offset: u32| base[..offset as usize].matches('\n').count() as u32 + 1;
    let touched: Vec<(u32, u32)> =
        edits.edits().iter().map(|e| (line(e.range.start).saturating_sub(1), line(e.range.end) + 1)).collect();
    let met = |n: &u32| touched.iter().any(|(a, b)| (*a..=*b).contains(n));
    let mut near: Vec<u32> = Vec::new();
    for hunk in source::hunks(edits.file(), tip, base) {
        let mut next = hunk.new_start;
        for l in &hunk.lines {
            let at = l.new.unwrap_or(next);
            next = l.new.map_or(next, |n| n + 1);
            near.extend(Some(at).filter(|n| l.mark != LineMark::Context && met(n)));
        }
    }
    let first = near.first().copied().unwrap_or(0);
    let range = match near.last() {
        Some(last) if *last > first => format!("lines {first} to {last}"),
        Some(_) => format!("line {first}"),
        None => String::from("the changed lines"),
    };
    Problem::error("the proposal overlaps lines that are not committed yet: it can be proved, and waits to land")
        .at(Place::at(edits.file(), first, 0))
        .help(format!("commit or stash {range} first"))
}

/// Nothing lands unless exactly that tree compiled and passed, or a person overrode it with a recorded reason.
///
/// Proposals that were proved one by one may land together, those that were proved in a batch without the others of it,
/// and those whose tests ran with counters in the code, once exactly the stack was proved: true if that is still to be
/// done.
///
/// # Errors
/// Evidence of a tree that is neither the proposal's alone nor the stack's.
pub(super) fn is_open_together(base: &Base, signed: &[SignOff], steps: &[Step]) -> Result<bool, Problem> {
    let mut alone = false;
    for (sign_off, step) in signed.iter().zip(steps) {
        let id = &sign_off.rewrite().id;
        let tree = match sign_off.verdict() {
            Some(verdict) if sign_off.forced().is_none() => verdict.tree(),
            _ => continue,
        };
        // What was proved in a batch was proved on the tree of the batch, which stands on this base or on another.
        let in_batch = || evidence::load(&base.tree, id, None).is_some_and(|known| known.tree() == tree);
        if tree != step.proof_tree && tree != step.alone_tree && !in_batch() {
            return Err(Problem::error(format!(
                "the evidence of {id} is of another tree than the one that would land"
            ))
            .help("prove it again on the present base (`v`, or `refit verify`), or override with a reason"));
        }
        alone |= tree != step.proof_tree || sign_off.verdict().is_some_and(Verdict::is_counted);
    }
    let last = steps.last().map(|s| s.proof_tree.as_str()).unwrap_or_default();
    // A batch of exactly these was compiled and tested as the tree that lands.
    let is_of_last = |v: &Verdict| v.tree() == last && !v.is_counted();
    let as_batch = signed.iter().all(|s| s.forced().is_none() && s.verdict().is_some_and(is_of_last));
    Ok(alone && !as_batch && !stack_passed(&base.tree, last))
}

/// All signed proposals as one, to be proved as a stack.
///
/// # Errors
/// Edits that overlap.
pub(super) fn together(repository: &Repository, base: &Base, signed: &[SignOff]) -> Result<Rewrite, Problem> {
    let rewrites: Vec<&Rewrite> = signed.iter().map(SignOff::rewrite).collect();
    join(&rewrites, &read(repository, base, signed)?.base, evidence::STACK)
}

/// True if the evidence of a whole stack says that exactly this tree compiles and passes its tests.
fn stack_passed(base: &str, tree: &str) -> bool {
    let stack = RewriteId(evidence::STACK.into());
    let Some(verdict) = evidence::load(base, &stack, None) else { return false };
    let passed = |rung: Rung| verdict.rung(rung).is_some_and(|e| e.state == RungState::Passed);
    verdict.tree() == tree && !verdict.is_counted() && passed(Rung::Compiles) && passed(Rung::TestsPass)
}

/// A trailer for each role that was signed for, besides the sign-off that lands.
fn roles(sign_off: &SignOff, signatures: &[Signature]) -> String {
    let others = signatures.iter().filter(|s| s.role != sign_off.role() || s.by != sign_off.reviewer());
    let lines: BTreeSet<String> = others.map(|s| format!("Refit-Signed: {} by {}\n", s.role, s.by)).collect();
    lines.into_iter().collect()
}

/// A trailer for the reader of the history, where the proof ran beside uncommitted changes.
fn proved_with(base: &Base) -> String {
    match &base.dirty[..] {
        [] => String::new(),
        dirty => format!("Refit-Proved-With: uncommitted changes in {}\n", dirty.join(", ")),
    }
}

/// A trailer for each attestation: the note holds what has this digest.
fn attestations(lines: &[String]) -> String {
    let trailer = |line: &String| format!("Refit-Attestation: {}\n", attestation::digest(line.as_bytes()));
    lines.iter().map(trailer).collect()
}

/// The objective that the message names: the sprint's, else the first.
fn objective(workspace: &Workspace) -> Option<&Objective> {
    let slo = &workspace.slo;
    let of_sprint = slo.sprint.as_ref().and_then(|s| slo.objectives.iter().find(|o| o.name == s.slo));
    of_sprint.or(slo.objectives.first())
}

fn list(files: &BTreeMap<String, Vec<u8>>) -> Vec<(String, Vec<u8>)> {
    files.iter().map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
}
