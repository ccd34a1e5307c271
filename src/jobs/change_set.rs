//! Proposals in, proved together as one change out: what breaks the whole is found, named and left out.

use std::collections::BTreeMap;

use super::prove::join;
use super::{Ear, ProveOptions, Tests, Workspace, prove};
use crate::effects::evidence;
use crate::effects::git::{Base, Repository};
use crate::model::{
    ChangeSet, EditSet, Evidence, Fallen, Outcome, Problem, Progress, Rewrite, RewriteId, Rung, RungState, SetVerdict,
    Verdict,
};
use crate::source;
use crate::verify::minimal::minimal;

/// Proves each proposal, then exactly all that hold as one tree. Where these fail together although each holds, the
/// smallest part that fails is found by delta debugging, and its last member, which wins least, falls out.
///
/// # Errors
/// As [`prove`]; more changed lines than a set may have; proposals whose edits overlap.
pub fn prove_set(
    workspace: &Workspace,
    rewrites: &[Rewrite],
    options: &ProveOptions,
    ear: &Ear,
) -> Result<SetVerdict, Problem> {
    let all: Vec<&Rewrite> = rewrites.iter().collect();
    ChangeSet::new(&all)?;
    let ground = Ground::read(workspace, &all, ear)?;
    ground.check_apart(&all)?;
    let verdicts = prove(workspace, rewrites, options, ear)?;
    let refuted = |v: &&Verdict| v.outcome() == Outcome::Refuted;
    let alone = |v: &Verdict| Fallen { rewrite: v.rewrite().clone(), why: v.by().to_owned(), with: Vec::new() };
    let mut fallen: Vec<Fallen> = verdicts.iter().filter(refuted).map(alone).collect();
    // What was not proved before a cancellation is in no set.
    let known = |id: &RewriteId| verdicts.iter().any(|v| v.rewrite() == id && v.outcome() != Outcome::Refuted);
    let mut left: Vec<&Rewrite> = all.into_iter().filter(|r| known(&r.id)).collect();
    let held = loop {
        match ground.hold(&left, &verdicts)? {
            Ok(held) => break held,
            Err(why) => fallen.push(ground.leave_out(&mut left, why)?),
        }
    };
    let set = if left.is_empty() { ChangeSet::default() } else { ChangeSet::new(&left)? };
    Ok(SetVerdict { set, tree: held.tree, by: held.by, fallen, verdicts })
}

/// What holds: the tree that was compiled and tested, and what that came to.
struct Held {
    tree: String,
    by: String,
}

/// The base with the texts that the proposals edit.
struct Ground<'a> {
    workspace: &'a Workspace,
    repository: Repository,
    base: Base,
    texts: BTreeMap<String, String>,
    ear: &'a Ear,
}

impl<'a> Ground<'a> {
    fn read(workspace: &'a Workspace, rewrites: &[&Rewrite], ear: &'a Ear) -> Result<Ground<'a>, Problem> {
        let repository = workspace.repository()?;
        let base = repository.base(&workspace.branch)?;
        let files: Vec<&str> = rewrites.iter().flat_map(|r| &r.edits).map(EditSet::file).collect();
        let found = repository.read_files(&base.tree, |path| files.contains(&path))?;
        let text = |(path, bytes): (String, Vec<u8>)| Some((path, String::from_utf8(bytes).ok()?));
        Ok(Ground { workspace, texts: found.into_iter().filter_map(text).collect(), repository, base, ear })
    }

    fn joined(&self, rewrites: &[&Rewrite]) -> Result<Rewrite, Problem> {
        join(rewrites, &self.texts, evidence::STACK)
    }

    /// Two proposals that change the same lines are alternatives: that is said before anything is compiled.
    fn check_apart(&self, rewrites: &[&Rewrite]) -> Result<(), Problem> {
        let Err(problem) = self.joined(rewrites) else { return Ok(()) };
        for (i, a) in rewrites.iter().enumerate() {
            for b in &rewrites[i + 1..] {
                if self.joined(&[a, b]).is_err() {
                    let what = format!("{} ({}) and {} ({}) change the same lines", a.id, a.title, b.id, b.title);
                    return Err(Problem::error(what).help("they are alternatives: take one of them out"));
                }
            }
        }
        Err(problem)
    }

    /// Proves exactly these as one tree: compiled and tested, old and new compared, not timed. Comes back with why not.
    fn hold(&self, rewrites: &[&Rewrite], verdicts: &[Verdict]) -> Result<Result<Held, String>, Problem> {
        if rewrites.is_empty() {
            return Ok(Ok(Held { tree: self.base.tree.clone(), by: String::from("nothing is left of it") }));
        }
        let joined = self.joined(rewrites)?;
        let tree = self.tree(&joined)?;
        let of = |r: &&Rewrite| verdicts.iter().find(|v| *v.rewrite() == r.id);
        let is_of_it = |v: &&Verdict| v.tree() == tree && !v.is_counted();
        let proved: Vec<&Verdict> = rewrites.iter().filter_map(of).filter(is_of_it).collect();
        if proved.len() == rewrites.len() {
            return Ok(Ok(Held { tree, by: words(proved[0].evidence()) }));
        }
        let stack = RewriteId(evidence::STACK.into());
        if let Some(known) =
            evidence::load(&self.base.tree, &stack, None).filter(|v| v.tree() == tree && holds(v) && !v.is_counted())
        {
            return Ok(Ok(Held { tree, by: words(known.evidence()) }));
        }
        let what = format!("{} proposals as one change", rewrites.len());
        self.ear.tell(Progress::Step { what, done: 0, total: 0 });
        let tests = Tests::Plain;
        let options = ProveOptions { no_measurement: true, fresh: true, tests, ..ProveOptions::default() };
        let verdicts = prove(self.workspace, &[joined], &options, self.ear)?;
        let stopped = || Problem::error("stopped before the set was proved").help("what was proved so far is kept");
        let verdict = verdicts.first().filter(|_| !self.ear.cancel.is_cancelled()).ok_or_else(stopped)?;
        Ok(match holds(verdict) {
            true => Ok(Held { tree, by: words(verdict.evidence()) }),
            false => Err(verdict.by().to_owned()),
        })
    }

    fn tree(&self, joined: &Rewrite) -> Result<String, Problem> {
        let text = |set: &EditSet| self.texts.get(set.file()).map_or("", String::as_str);
        let new = |set: &EditSet| Ok((set.file().to_owned(), source::apply(set, text(set))?.into_bytes()));
        let files: Vec<(String, Vec<u8>)> = joined.edits.iter().map(new).collect::<Result<_, Problem>>()?;
        self.repository.tree_with(&self.base.tree, &files)
    }

    /// Finds the smallest part that fails and takes its last member out.
    fn leave_out(&self, left: &mut Vec<&Rewrite>, why: String) -> Result<Fallen, Problem> {
        let mut reason = why;
        let part = minimal(left.len(), |part| {
            // Each of them holds by itself: that is known.
            if part.len() < 2 {
                return Ok(false);
            }
            let members: Vec<&Rewrite> = part.iter().map(|i| left[*i]).collect();
            let said = self.hold(&members, &[])?;
            let fails = said.is_err();
            reason = said.err().unwrap_or_else(|| std::mem::take(&mut reason));
            Ok::<bool, Problem>(fails)
        })?;
        let last = *part.last().ok_or_else(|| Problem::error("a change set that fails has no member"))?;
        let with = part.iter().filter(|i| **i != last).map(|i| left[*i].id.clone()).collect();
        let out = left.remove(last);
        Ok(Fallen { rewrite: out.id.clone(), why: reason, with })
    }
}

/// It compiles, the same tests pass, and nothing that was asked besides fails.
fn holds(verdict: &Verdict) -> bool {
    let passed = |rung: Rung| verdict.rung(rung).is_some_and(|e| e.state == RungState::Passed);
    passed(Rung::Compiles) && passed(Rung::TestsPass) && verdict.outcome() != Outcome::Refuted
}

/// `compiles: …; tests pass: …`.
fn words(evidence: &[Evidence]) -> String {
    let said = evidence.iter().filter(|e| e.state == RungState::Passed && e.rung != Rung::Faster);
    said.map(|e| format!("{}: {}", e.rung.word(), e.detail)).collect::<Vec<_>>().join("; ")
}
