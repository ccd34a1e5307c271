//! Everything a screen can show, as one value that only `update` changes.

mod job;
mod panes;
mod project;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub use job::{Job, JobState, LOG_LINES};
pub use panes::{Colouring, FlamePane, Focus, Order, Page, Pane, Place, Split};
pub use project::{LineTokens, Project, Proposal, SourceText};

use super::listing::{self, Filter, Grouping, Listing};
use super::message::{Command, JobId, Task};
use super::popups::Popup;
use super::screens::ScreenId;
use super::split::{Wanted, lines};
use super::text::plural;
use super::theme::Theme;
use super::view::Drawn;
use crate::model::{
    Contribution, Finding, Fold, FunctionId, ObjectiveMeasurement, ObjectiveSplit, Operation, Problem, Refusal,
    Rewrite, RewriteId, SetVerdict, SignOff, SplitLine,
};
use crate::pipeline::Analysis;
use job::kind_of;

/// How far opening has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Phase {
    /// Reading; what was said so far.
    #[default]
    Reading,
    /// It could not be opened or read.
    Failed(Vec<Problem>),
    /// There is an analysis to show.
    Ready,
}

/// A short message on the job line.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What is said.
    pub problem: Problem,
    /// When.
    pub at: Duration,
}

/// How leaving stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leaving {
    /// Nobody asked.
    #[default]
    No,
    /// As soon as no job runs.
    WhenIdle,
}

/// The whole state.
#[derive(Debug)]
pub struct State {
    /// Columns and rows.
    pub size: (u16, u16),
    /// Time since the workbench opened.
    pub now: Duration,
    /// Colours and characters.
    pub theme: Theme,
    /// The screen shown.
    pub screen: ScreenId,
    /// How far opening has come.
    pub phase: Phase,
    /// The project.
    pub project: Option<Project>,
    /// What was read and ranked.
    pub analysis: Option<Arc<Analysis>>,
    /// Proposals in review, dearest first.
    pub proposals: Vec<Proposal>,
    /// What the list of proposals is grouped by.
    pub grouping: Grouping,
    /// What a proposal must have to be listed.
    pub wanted: Filter,
    /// The list of proposals as shown.
    pub listing: Listing,
    /// Proposals taken into the change set, in the order they were taken.
    pub marked: Vec<RewriteId>,
    /// What change sets were proved to be, newest last.
    pub sets: Vec<SetVerdict>,
    /// True once reviews came back for the present analysis.
    pub reviews_read: bool,
    /// Index of the objective shown.
    pub objective: usize,
    /// Order of the split.
    pub order: Order,
    /// Index of the selected row of the split, in the order shown; `None` once the row has gone.
    pub row: Option<usize>,
    /// The file on the code screen.
    pub text: Option<Arc<SourceText>>,
    /// The function that the code screen shows.
    pub function: Option<FunctionId>,
    /// The line under the cursor, from 1.
    pub line: u32,
    /// First column shown of code and diff.
    pub column: usize,
    /// The selected proposal.
    pub proposal: Option<RewriteId>,
    /// The proposal is open, hunk by hunk.
    pub opened: bool,
    /// Row of the diff under the cursor.
    pub diff_row: usize,
    /// How the diff is laid out.
    pub split: Split,
    /// Which pane has the keys.
    pub focus: Focus,
    /// First row of the pane beside the diff.
    pub aside: usize,
    /// Work, oldest first.
    pub jobs: Vec<Job>,
    /// The selected job.
    pub job: Option<JobId>,
    /// Rows the job's log is scrolled back from its end.
    pub log_back: usize,
    /// Sign-offs that have not landed.
    pub signed: BTreeMap<RewriteId, SignOff>,
    /// The operation log, newest first.
    pub operations: Vec<Operation>,
    /// Objective measured on the accepted stack.
    pub measured: Option<ObjectiveMeasurement>,
    /// The last word searched for.
    pub search: String,
    /// What lies over the screen.
    pub popup: Option<Popup>,
    /// The newest message.
    pub notice: Option<Notice>,
    /// Prepare the slots as soon as there is something to prove.
    pub warm: bool,
    /// Ask rustc about proposals while nothing else compiles; false once it could not be asked.
    pub asks: bool,
    /// What rustc said of proposals; `None` for those it accepts.
    pub settled: BTreeMap<RewriteId, Option<Refusal>>,
    /// Proposals that the person has had proved, whose ladder is climbed to its end once nothing else is to be done.
    pub cared: BTreeSet<RewriteId>,
    /// How leaving stands.
    pub leaving: Leaving,
    /// What was drawn last: where a click lands, how far a page goes.
    pub drawn: Drawn,
    /// The flame pane.
    pub flame: FlamePane,
    /// The newest job of each kind of question; answers of others are dropped.
    pub newest: BTreeMap<&'static str, JobId>,
    /// Lines of the split's table as shown.
    pub rows: Vec<SplitLine>,
    /// What is folded in them.
    pub folds: Vec<Fold>,
    /// Small rows of the split stand alone too.
    pub unfolded: bool,
    /// Only rows with this word are shown; empty for all.
    pub filter: String,
    /// When the analysis came, on the clock of [`State::now`].
    pub analysed_at: Duration,
    counts: BTreeMap<FunctionId, (usize, usize)>,
    hottest: Vec<FunctionId>,
    over: BTreeSet<FunctionId>,
    next_job: u64,
}

impl State {
    /// A workbench that has not read anything yet.
    pub fn new(size: (u16, u16), theme: Theme, warm: bool) -> State {
        State {
            size,
            now: Duration::ZERO,
            theme,
            screen: ScreenId::Budget,
            phase: Phase::Reading,
            project: None,
            analysis: None,
            proposals: Vec::new(),
            grouping: Grouping::default(),
            wanted: Filter::default(),
            listing: Listing::default(),
            marked: Vec::new(),
            sets: Vec::new(),
            reviews_read: false,
            objective: 0,
            order: Order::default(),
            row: Some(0),
            text: None,
            function: None,
            line: 1,
            column: 0,
            proposal: None,
            opened: false,
            diff_row: 0,
            split: Split::default(),
            focus: Focus::default(),
            aside: 0,
            jobs: Vec::new(),
            job: None,
            log_back: 0,
            signed: BTreeMap::new(),
            operations: Vec::new(),
            measured: None,
            search: String::new(),
            popup: None,
            notice: None,
            warm,
            asks: false,
            settled: BTreeMap::new(),
            cared: BTreeSet::new(),
            leaving: Leaving::No,
            drawn: Drawn::default(),
            flame: FlamePane { is_tail: true, ..FlamePane::default() },
            newest: BTreeMap::new(),
            rows: Vec::new(),
            folds: Vec::new(),
            unfolded: false,
            filter: String::new(),
            analysed_at: Duration::ZERO,
            counts: BTreeMap::new(),
            hottest: Vec::new(),
            over: BTreeSet::new(),
            next_job: 1,
        }
    }

    /// Registers work and makes the command that starts it.
    pub fn start(&mut self, task: Task) -> Command {
        let id = JobId(self.next_job);
        self.next_job += 1;
        let title = task.title();
        self.newest.insert(kind_of(&task), id);
        self.jobs.push(Job {
            id,
            task: task.clone(),
            title,
            state: JobState::Waiting,
            estimate: Vec::new(),
            step: None,
            log: VecDeque::new(),
            rungs: Vec::new(),
            measured: Vec::new(),
            logged: 0,
        });
        Command::Run(id, task)
    }

    /// True if no newer question of the same kind was asked.
    pub fn is_newest(&self, id: JobId) -> bool {
        self.jobs.iter().find(|j| j.id == id).is_some_and(|j| self.newest.get(kind_of(&j.task)) == Some(&id))
    }

    /// The objective shown: of the part of the recording that is looked at, else of all of it.
    pub fn split(&self) -> Option<&ObjectiveSplit> {
        let part = self.flame.look.as_ref().filter(|_| !self.flame.brush.is_empty());
        if let Some(objectives) = part.and_then(|look| look.objectives.as_ref()) {
            return objectives.get(self.objective);
        }
        self.analysis.as_ref()?.objectives.get(self.objective)
    }

    /// True if a function is over its budget.
    pub fn is_over(&self, function: &FunctionId) -> bool {
        self.over.contains(function)
    }

    /// Counts findings per function and makes the lines of the split's table; after every change of analysis, objective
    /// or proposals.
    pub fn reorder(&mut self) {
        self.counts.clear();
        self.hottest = self.split().map(flame_order).unwrap_or_default();
        let over = self.split().into_iter().flat_map(|s| s.rows.iter().filter(|r| r.over_ms > 0.0));
        self.over = over.filter_map(|r| r.function.clone()).collect();
        if let Some(analysis) = self.analysis.clone() {
            for finding in &analysis.findings {
                self.counts.entry(finding.function.clone()).or_default().0 += 1;
            }
            for proposal in &self.proposals {
                self.counts.entry(proposal.rewrite.function.clone()).or_default().1 += 1;
            }
        }
        self.make_lines();
        self.list();
    }

    /// Makes the list of proposals; after every change of proposals, grouping, filter or marks.
    pub fn list(&mut self) {
        let owned = |function: &FunctionId| {
            let row = self.split()?.rows.iter().find(|r| r.function.as_ref() == Some(function))?;
            Some(row.c_ms)
        };
        let passes = |p: &Proposal| self.wanted.passes(p, self.marked.contains(&p.rewrite.id));
        self.listing = listing::list(&self.proposals, self.grouping, passes, owned);
        self.settle();
    }

    /// No key may speak of a proposal that the filter hides: the first shown is selected then.
    pub fn settle(&mut self) {
        let is_hidden = self.selected_index().is_some_and(|at| self.listing.line_of(at).is_none());
        if is_hidden && !self.opened {
            self.proposal = self.listing.proposals().next().map(|at| self.proposals[at].rewrite.id.clone());
        }
    }

    /// The proposals taken into the change set, in the order they were taken.
    pub fn taken(&self) -> Vec<&Rewrite> {
        let found = |id: &RewriteId| self.proposals.iter().find(|p| p.rewrite.id == *id).map(|p| &p.rewrite);
        self.marked.iter().filter_map(found).collect()
    }

    /// The newest proved change set that a proposal is in or fell out of, with its number from 1.
    pub fn set_of(&self, id: &RewriteId) -> Option<(usize, &SetVerdict)> {
        let speaks = |s: &SetVerdict| s.set.members().contains(id) || s.fallen.iter().any(|f| f.rewrite == *id);
        self.sets.iter().enumerate().rev().find(|(_, s)| speaks(s)).map(|(i, s)| (i + 1, s))
    }

    /// Makes the lines of the split's table; after every change of order, filter, folds or size. The cursor stays on
    /// its row, or on the fold that has taken it in.
    pub fn lay_out(&mut self) {
        let place = self.place();
        self.make_lines();
        self.return_to(place);
    }

    fn make_lines(&mut self) {
        let room = super::screens::budget::room(self);
        let wanted = Wanted { order: self.order, filter: &self.filter, is_open: self.unfolded, room };
        let findings = |row: &Contribution| row.function.as_ref().map_or(0, |f| self.counts_of(f).0);
        let (rows, folds) = self.split().map(|split| lines(split, &wanted, findings)).unwrap_or_default();
        (self.rows, self.folds) = (rows, folds);
    }

    /// Puts the cursor back on what it stood on; gone is gone, not its neighbour.
    pub fn return_to(&mut self, place: Option<Place>) {
        if let Some(place) = place {
            self.row = self.row_of(&place);
        }
    }

    /// What the cursor of the split stands on.
    pub fn place(&self) -> Option<Place> {
        Some(match *self.rows.get(self.row?)? {
            SplitLine::Row(row) => self.split()?.rows.get(row).map(|r| Place::Row(r.kind, r.name.clone()))?,
            SplitLine::Fold(fold) => Place::Fold(self.folds.get(fold)?.sum.kind),
        })
    }

    fn row_of(&self, place: &Place) -> Option<usize> {
        let split = self.split()?;
        let is_it = |line: &SplitLine| match (*line, place) {
            (SplitLine::Row(row), Place::Row(kind, name)) => {
                (split.rows[row].kind, &split.rows[row].name) == (*kind, name)
            }
            (SplitLine::Fold(fold), Place::Fold(kind)) => self.folds[fold].sum.kind == *kind,
            _ => false,
        };
        let has_it = |line: &SplitLine| match (*line, place) {
            (SplitLine::Fold(fold), Place::Row(kind, name)) => {
                self.folds[fold].rows.iter().any(|&r| (split.rows[r].kind, &split.rows[r].name) == (*kind, name))
            }
            (SplitLine::Row(row), Place::Fold(kind)) => split.rows[row].kind == *kind,
            _ => false,
        };
        let of_fold = || match place {
            // What was folded is open now: its rows are the last of their kind.
            Place::Fold(_) => self.rows.iter().rposition(has_it),
            Place::Row(..) => self.rows.iter().position(has_it),
        };
        self.rows.iter().position(is_it).or_else(of_fold)
    }

    /// The function's rank by mean share, if it is among the first three.
    pub fn flame_rank(&self, function: &FunctionId) -> Option<usize> {
        self.hottest.iter().position(|f| f == function).map(|i| i + 1)
    }

    /// Findings in a function, and proposals for it.
    pub fn counts_of(&self, function: &FunctionId) -> (usize, usize) {
        self.counts.get(function).copied().unwrap_or_default()
    }

    /// The selected row of the split; `None` on a fold.
    pub fn contribution(&self) -> Option<&Contribution> {
        match *self.rows.get(self.row?)? {
            SplitLine::Row(row) => self.split()?.rows.get(row),
            SplitLine::Fold(_) => None,
        }
    }

    /// The selected fold of the split.
    pub fn fold(&self) -> Option<&Fold> {
        match *self.rows.get(self.row?)? {
            SplitLine::Row(_) => None,
            SplitLine::Fold(fold) => self.folds.get(fold),
        }
    }

    /// What a line of the split's table shows: its row, or the sums of its fold.
    pub fn line_of(&self, line: SplitLine) -> Option<&Contribution> {
        match line {
            SplitLine::Row(row) => self.split()?.rows.get(row),
            SplitLine::Fold(fold) => self.folds.get(fold).map(|f| &f.sum),
        }
    }

    /// Findings in a function, in the order of the text.
    pub fn findings_of(&self, function: &FunctionId) -> Vec<&Finding> {
        let Some(analysis) = &self.analysis else { return Vec::new() };
        let mut found: Vec<&Finding> = analysis.findings.iter().filter(|f| f.function == *function).collect();
        found.sort_by_key(|f| (f.line, f.column));
        found
    }

    /// Proposals for a function, dearest first.
    pub fn proposals_of(&self, function: &FunctionId) -> Vec<&Proposal> {
        self.proposals.iter().filter(|p| p.rewrite.function == *function).collect()
    }

    /// How many proposals there are, or that they are still being read.
    pub fn proposals_in_words(&self, count: usize) -> String {
        if count == 0 && !self.reviews_read { String::from("reading the proposals") } else { plural(count, "proposal") }
    }

    /// The selected proposal.
    pub fn selected(&self) -> Option<&Proposal> {
        let id = self.proposal.as_ref()?;
        self.proposals.iter().find(|p| p.rewrite.id == *id)
    }

    /// The selected proposal's place in the list.
    pub fn selected_index(&self) -> Option<usize> {
        let id = self.proposal.as_ref()?;
        self.proposals.iter().position(|p| p.rewrite.id == *id)
    }

    /// Jobs that the jobs screen lists, newest first.
    pub fn listed_jobs(&self) -> Vec<&Job> {
        self.jobs.iter().rev().filter(|j| j.is_listed()).collect()
    }

    /// The selected job, or the one that runs, or the newest.
    pub fn shown_job(&self) -> Option<&Job> {
        let listed = self.listed_jobs();
        let by_hand = self.job.and_then(|id| listed.iter().find(|j| j.id == id).copied());
        by_hand
            .or_else(|| listed.iter().find(|j| matches!(j.state, JobState::Running(_))).copied())
            .or_else(|| listed.first().copied())
    }

    /// Compiler runs and other long work that has not ended.
    pub fn open_jobs(&self) -> Vec<&Job> {
        self.jobs.iter().filter(|j| j.is_open() && j.is_listed()).collect()
    }

    /// Why findings got no proposal, and why rustc refuses proposals.
    pub fn refused(&self) -> Vec<&Refusal> {
        let Some(analysis) = &self.analysis else { return Vec::new() };
        let by_rustc = analysis.rewrites.iter().filter_map(|r| self.settled.get(&r.id)?.as_ref());
        analysis.refused.iter().chain(by_rustc).collect()
    }

    /// What a pane showed last.
    pub fn page(&self, pane: Pane) -> Page {
        self.drawn.pages.get(&pane).copied().unwrap_or(Page { top: 0, height: 10 })
    }

    /// Says something on the job line.
    pub fn say(&mut self, problem: Problem) {
        self.notice = Some(Notice { problem, at: self.now });
    }

    /// The seconds that proofs took or were estimated at, per proposal; `None` before there is any number.
    pub fn proof_seconds(&self) -> Option<u64> {
        let job = self
            .jobs
            .iter()
            .rev()
            .find(|j| !j.estimate.is_empty() && !matches!(j.task, Task::Ask(..) | Task::Rest(_)))?;
        let proposals = job.task.proves().len().max(1) as u64;
        Some(job.estimate.iter().map(|(_, s)| s).sum::<u64>().div_ceil(proposals))
    }
}

/// The three functions that a flame graph would show widest.
fn flame_order(split: &ObjectiveSplit) -> Vec<FunctionId> {
    let mut functions: Vec<&Contribution> = split.rows.iter().filter(|r| r.function.is_some()).collect();
    functions.sort_by(|a, b| b.share.total_cmp(&a.share));
    functions.iter().filter_map(|r| r.function.clone()).take(3).collect()
}
