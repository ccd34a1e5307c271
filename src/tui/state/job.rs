//! A piece of work as the screen knows it: what it does, where it stands, what it said.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::{Evidence, Measurement, Problem, RewriteId, Rung};
use crate::tui::message::{JobId, Task};

/// How a job ended, or that it has not.
#[derive(Clone, Debug, PartialEq)]
pub enum JobState {
    /// Waits for its lane.
    Waiting,
    /// Runs since then.
    Running(Duration),
    /// Was asked to stop.
    Stopping(Duration),
    /// Came back after so long.
    Done(Duration),
    /// Could not be done.
    Failed(Duration, Vec<Problem>),
    /// Was stopped by the person.
    Cancelled(Duration),
}

/// A piece of work and what it said.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// What it does.
    pub task: Task,
    /// What it is called.
    pub title: String,
    /// Where it stands.
    pub state: JobState,
    /// Seconds estimated per rung.
    pub estimate: Vec<(Rung, u64)>,
    /// What runs, how far, of how many (0 where unknown).
    pub step: Option<(String, u64, u64)>,
    /// The last lines of output.
    pub log: VecDeque<String>,
    /// Rungs that ended.
    pub rungs: Vec<(RewriteId, Evidence)>,
    /// What was timed so far.
    pub measured: Vec<(RewriteId, Measurement)>,
    /// Lines of output in all.
    pub logged: u64,
}

/// Lines of output kept per job.
pub const LOG_LINES: usize = 2000;

impl Job {
    /// True until it ended.
    pub fn is_open(&self) -> bool {
        matches!(self.state, JobState::Waiting | JobState::Running(_) | JobState::Stopping(_))
    }

    /// True if the jobs screen lists it: compiler runs, and whatever changes refs.
    pub fn is_listed(&self) -> bool {
        match self.task {
            Task::Prove(_) | Task::ProveSet(_) | Task::Ask(..) | Task::Rest(_) => true,
            Task::Warm | Task::Clean | Task::Measure(_) | Task::Analyse => true,
            Task::Apply(_) | Task::ApplySet(_) | Task::LandHere | Task::Undo | Task::Redo => true,
            _ => matches!(self.state, JobState::Failed(..)),
        }
    }

    /// It was asked to stop.
    pub fn stop(&mut self, now: Duration) {
        self.state = match self.state {
            JobState::Running(since) => JobState::Stopping(since),
            _ => JobState::Stopping(now),
        };
    }

    /// How long it has run, or ran.
    pub fn elapsed(&self, now: Duration) -> Duration {
        match &self.state {
            JobState::Waiting => Duration::ZERO,
            JobState::Running(since) | JobState::Stopping(since) => now.saturating_sub(*since),
            JobState::Done(took) | JobState::Failed(took, _) | JobState::Cancelled(took) => *took,
        }
    }
}

/// Questions of one kind supersede one another; work that changes something never does.
pub(super) fn kind_of(task: &Task) -> &'static str {
    match task {
        Task::Open => "open",
        Task::Analyse => "analyse",
        Task::Reviews(_) => "reviews",
        Task::Text(_) => "text",
        Task::Log => "log",
        Task::Report => "report",
        Task::Look(..) => "look",
        Task::Decide(..) => "decide",
        Task::Comment(..) => "comment",
        Task::Edit(..) => "edit",
        Task::Sign(_) => "sign",
        Task::Apply(_) | Task::ApplySet(_) => "apply",
        Task::LandHere => "land",
        Task::Undo => "undo",
        Task::Redo => "redo",
        Task::Agree => "agree",
        Task::Prove(_) | Task::ProveSet(_) | Task::Ask(..) => "prove",
        Task::Rest(_) => "rest",
        Task::Settle(_) => "settle",
        Task::Warm => "warm",
        Task::Clean => "clean",
        Task::Measure(_) => "measure",
    }
}
