//! Proposals in; which of them rustc accepts and why it refuses the others, out: few compiler runs for all of them, and
//! nothing of the project is run.

use std::collections::{BTreeMap, BTreeSet};

use super::compiles::{self, Answered, BaseCheck};
use super::join;
use crate::effects::slots::Arm;
use crate::jobs::stand::{Stand, Yard};
use crate::jobs::{Ear, Workspace};
use crate::model::{Diagnostic, EditSet, Problem, Refusal, Rewrite, RewriteId, RungState};
use crate::source;
use crate::verify::blame::Blame;
use crate::verify::diagnostics;

/// What rustc says of proposals before anything is run.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// The proposals in the order they came, with the answers to their preconditions.
    pub said: Vec<(Rewrite, Said)>,
    /// All that were accepted and do not overlap, as one: this whole compiled without a new warning.
    pub together: Option<Rewrite>,
    /// Runs of the compiler, the base's included.
    pub runs: usize,
}

/// What rustc says of one proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Every type question is answered with yes, and the edit compiles among all others without a new warning.
    Accepted,
    /// As good, but it edits what this one edits: one of the two can land.
    Alternative(RewriteId),
    /// A precondition does not hold, or the edit does not compile.
    Refused(String),
    /// A precondition has no answer.
    Open(String),
}

impl Said {
    /// Why a proposal is not shown to anybody; `None` for one that may land.
    pub fn refusal(&self, rewrite: &Rewrite) -> Option<Refusal> {
        let (Said::Refused(why) | Said::Open(why)) = self else { return None };
        Some(Refusal { rule: rewrite.rule, file: rewrite.file.clone(), line: rewrite.line, reason: why.clone() })
    }
}

impl Settled {
    /// Those that may land one after another or as alternatives.
    pub fn accepted(&self) -> impl Iterator<Item = &Rewrite> {
        self.said.iter().filter(|(rewrite, said)| said.refusal(rewrite).is_none()).map(|(rewrite, _)| rewrite)
    }
}

/// Asks all type questions in one run and compiles all edits in a second. Where the whole does not compile, the edits that
/// the messages point at are left out, else it is halved until the bad one stands alone; the others lose nothing.
///
/// # Errors
/// As [`super::prove`].
pub fn settle(workspace: &Workspace, rewrites: &[Rewrite], ear: &Ear) -> Result<Settled, Problem> {
    if rewrites.is_empty() {
        return Ok(Settled { said: Vec::new(), together: None, runs: 0 });
    }
    let yard = Yard::open(workspace, workspace.base()?, ear)?;
    let rewrites: Vec<&Rewrite> = rewrites.iter().collect();
    let packages = yard.packages_of(&rewrites)?;
    let base = compiles::check_base(&yard, yard.stand_base()?, &packages)?;
    let stand = yard.stand_beside(Arm::Candidate)?;
    let answered = compiles::ask(&yard, &stand, &rewrites, &packages)?;
    let runs = 1 + answered.runs;
    let mut court = Court { yard: &yard, stand, base, rewrites, packages, refused: BTreeMap::new(), runs };
    court.settle(&answered.of)
}

/// Compiles proposals together until nothing is against them.
struct Court<'a> {
    yard: &'a Yard<'a>,
    stand: Stand,
    base: BaseCheck,
    rewrites: Vec<&'a Rewrite>,
    packages: Vec<String>,
    refused: BTreeMap<usize, String>,
    runs: usize,
}

/// What a run has against proposals.
#[derive(Default)]
struct Against {
    /// These alone are meant, and by what.
    sure: BTreeMap<usize, String>,
    /// One or more of these are meant.
    doubtful: BTreeSet<usize>,
    /// The first words.
    why: String,
}

impl Court<'_> {
    fn settle(&mut self, answered: &[Answered]) -> Result<Settled, Problem> {
        let (mut open, mut left) = (BTreeMap::new(), Vec::new());
        for (i, (rewrite, answers)) in self.rewrites.iter().zip(answered).enumerate() {
            if let Some(found) = compiles::denied(rewrite, answers) {
                self.refused.insert(i, found.detail);
                continue;
            }
            match compiles::accepted(self.yard, rewrite, answers) {
                found if found.state == RungState::Passed => left.push(i),
                found => drop(open.insert(i, found.detail)),
            }
        }
        let (whole, mut left) = self.together(left)?;
        let mut alternatives: BTreeSet<usize> = BTreeSet::new();
        while !left.is_empty() && !self.yard.ear.cancel.is_cancelled() {
            let (accepted, rest) = self.together(left)?;
            alternatives.extend(accepted);
            left = rest;
        }
        let said = |i: usize| match (self.refused.get(&i), open.get(&i)) {
            (Some(why), _) => Said::Refused(why.clone()),
            (_, Some(why)) => Said::Open(why.clone()),
            _ if whole.contains(&i) => Said::Accepted,
            _ if alternatives.contains(&i) => Said::Alternative(self.overlapped(i, &whole)),
            _ => Said::Open(String::from("stopped before rustc was asked")),
        };
        let with_answers = |i: usize| compiles::with_answers(self.rewrites[i], &answered[i]);
        Ok(Settled {
            said: (0..self.rewrites.len()).map(|i| (with_answers(i), said(i))).collect(),
            together: if whole.is_empty() { None } else { Some(self.joined(&whole)?) },
            runs: self.runs,
        })
    }

    /// The most of these that compile together, in their order, and those that overlap with them.
    fn together(&mut self, group: Vec<usize>) -> Result<(Vec<usize>, Vec<usize>), Problem> {
        let (fitting, overlapping) = self.fitting(group);
        let mut accepted: Vec<usize> = Vec::new();
        let mut waiting = vec![fitting];
        while let Some(group) = waiting.pop().filter(|_| !self.yard.ear.cancel.is_cancelled()) {
            if group.is_empty() {
                continue;
            }
            let Some(against) = self.check(&accepted, &group)? else {
                accepted.extend(group);
                continue;
            };
            waiting.extend(self.dealt(group, against));
        }
        accepted.sort_unstable();
        Ok((accepted, overlapping))
    }

    /// What to try after a run that failed, the last first: what nothing was said against, then each half of the rest.
    fn dealt(&mut self, group: Vec<usize>, against: Against) -> Vec<Vec<usize>> {
        let Against { sure, doubtful, why } = against;
        let doubtful: Vec<usize> = match (sure.is_empty(), doubtful.is_empty()) {
            (true, true) => group.clone(),
            _ => doubtful.into_iter().filter(|i| !sure.contains_key(i)).collect(),
        };
        let others: Vec<usize> =
            group.iter().copied().filter(|i| !sure.contains_key(i) && !doubtful.contains(i)).collect();
        self.refused.extend(sure);
        match doubtful.as_slice() {
            [one] if others.is_empty() && group.len() == 1 => {
                self.refused.insert(*one, why);
                Vec::new()
            }
            _ => {
                let (left, right) = doubtful.split_at(doubtful.len().div_ceil(2));
                vec![right.to_vec(), left.to_vec(), others]
            }
        }
    }

    /// Those that can stand side by side, first come first served, and the others.
    fn fitting(&self, group: Vec<usize>) -> (Vec<usize>, Vec<usize>) {
        let mut files: BTreeMap<String, EditSet> = BTreeMap::new();
        group.into_iter().partition(|i| {
            let joined: Option<Vec<EditSet>> =
                self.rewrites[*i].edits.iter().map(|set| self.beside(files.get(set.file()), set)).collect();
            let Some(joined) = joined else { return false };
            files.extend(joined.into_iter().map(|set| (set.file().to_owned(), set)));
            true
        })
    }

    fn beside(&self, standing: Option<&EditSet>, set: &EditSet) -> Option<EditSet> {
        match standing {
            Some(standing) => source::join(&[standing, set], self.yard.texts.get(set.file())?).ok(),
            None => Some(set.clone()),
        }
    }

    /// Which of these cannot stand beside this one.
    fn overlapped(&self, i: usize, whole: &[usize]) -> RewriteId {
        let meets = |j: &&usize| join(&[self.rewrites[**j], self.rewrites[i]], &self.yard.texts, "").is_err();
        whole.iter().find(meets).map(|j| self.rewrites[*j].id.clone()).unwrap_or_default()
    }

    fn joined(&self, members: &[usize]) -> Result<Rewrite, Problem> {
        let members: Vec<&Rewrite> = members.iter().map(|i| self.rewrites[*i]).collect();
        let joined = join(&members, &self.yard.texts, "together")?;
        let edited = self.yard.edited(&joined)?;
        let old = |file: &String| self.yard.texts.get(file).map_or("", String::as_str);
        let diff = edited.iter().map(|(file, new)| source::diff(file, old(file), new)).collect();
        Ok(Rewrite { diff, ..joined })
    }

    /// Compiles these beside what is accepted; what rustc has against them, `None` for nothing.
    fn check(&mut self, accepted: &[usize], group: &[usize]) -> Result<Option<Against>, Problem> {
        let members: Vec<usize> = accepted.iter().chain(group).copied().collect();
        let rewrites: Vec<&Rewrite> = members.iter().map(|i| self.rewrites[*i]).collect();
        let edited = self.yard.edited(&join(&rewrites, &self.yard.texts, "together")?)?;
        self.stand.put(self.yard, &edited)?;
        self.yard.step(&format!("cargo check with {} proposals", members.len()));
        self.runs += 1;
        let checked = self.yard.check(&self.stand, &self.packages, None)?;
        let added = diagnostics::added(&self.base.0, &checked.diagnostics);
        if added.is_empty() && checked.ended.ok() {
            return Ok(None);
        }
        let said = if added.errors.is_empty() { added.warnings } else { added.errors };
        let new: BTreeMap<String, String> = edited.into_iter().collect();
        let blame = Blame::new(&rewrites, &self.yard.texts, &new);
        let why = said.first().map_or_else(|| format!("cargo check ended with {}", checked.ended.words()), refusal);
        let mut against = Against { why, ..Against::default() };
        for diagnostic in &said {
            let meant: Vec<usize> = blame.of(diagnostic).into_iter().map(|at| members[at]).collect();
            let meant: Vec<usize> = meant.into_iter().filter(|i| group.contains(i)).collect();
            match meant.as_slice() {
                [] => against.doubtful.extend(group),
                [one] => drop(against.sure.entry(*one).or_insert_with(|| refusal(diagnostic))),
                several => against.doubtful.extend(several),
            }
        }
        Ok(Some(against))
    }
}

/// Why a proposal is refused, by a message of the compiler.
fn refusal(diagnostic: &Diagnostic) -> String {
    let said = diagnostic.line_for_people();
    if diagnostic.is_error() { format!("does not compile: {said}") } else { format!("a new warning: {said}") }
}
