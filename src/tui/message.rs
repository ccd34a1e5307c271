//! What happened (`Message`) and what is wanted (`Command`): plain data, so that a session is a list that can be replayed.

use std::sync::Arc;
use std::time::Duration;

use ratatui::crossterm::event::{KeyEvent, MouseEvent};

use super::state::{Project, Proposal, SourceText};
use super::text::plural;
use super::theme::Shade;
use crate::model::{
    Brush, Decision, ObjectiveMeasurement, Operation, Problem, Progress, Refusal, Review, Rewrite, RewriteId, Rung,
    SetVerdict, SignOff, Verdict,
};
use crate::pipeline::{Analysis, Look};

/// The number of a piece of work; answers of superseded work are recognised by it and dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Message {
    /// A key went down.
    Key(KeyEvent),
    /// The mouse was clicked or its wheel turned.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// Time since the workbench opened.
    Now(Duration),
    /// A job started to run.
    Started(JobId),
    /// A job tells how far it is.
    Progress(JobId, Progress),
    /// A job ended.
    Done(JobId, Result<Answer, Vec<Problem>>),
    /// The editor was closed: the text that was given, and what it is now (`None` if it was left unchanged).
    Edited(Box<EditorOrder>, Result<Option<String>, Problem>),
    /// The terminal told whether its background is dark or light.
    Background(Shade),
    /// The system asks the program to end.
    Terminate,
}

/// What a job came back with.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The project is open.
    Opened(Box<Project>),
    /// Profile and sources were read and ranked.
    Analysed(Arc<Analysis>),
    /// Proposals with hunks, decisions and evidence.
    Reviews(Vec<Proposal>),
    /// Text of a file.
    Text(Arc<SourceText>),
    /// A proposal's review as it stands now.
    Reviewed(RewriteId, Review),
    /// A hunk was edited: the proposal it was, the proposal it is now.
    Edited(RewriteId, Box<Proposal>),
    /// A proposal was signed.
    Signed(Box<SignOff>),
    /// Something was landed, undone or redone; and the log that has it.
    Operated(Operation, Vec<Operation>),
    /// The operation log.
    Log(Vec<Operation>),
    /// The call tree of a part of the recording.
    Looked(Wish, Arc<Look>),
    /// The report in Markdown.
    Report(String),
    /// Verdicts of proposals.
    Proved(Vec<Verdict>),
    /// What a change set was proved to be.
    ProvedSet(Box<SetVerdict>),
    /// What rustc says of proposals: `None` for those it accepts.
    Settled(Vec<(RewriteId, Option<Refusal>)>),
    /// The slots are ready.
    Warmed,
    /// The slots are gone, or are in use.
    Cleaned {
        /// Bytes given back.
        freed: u64,
        /// Bytes that the cache still holds.
        held: u64,
        /// Another instance proves in them.
        in_use: bool,
    },
    /// The objective before and after.
    Measured(Box<ObjectiveMeasurement>),
    /// The commands are agreed to.
    Agreed,
}

/// Something that is wanted from the world.
#[derive(Clone, Debug)]
pub enum Command {
    /// Work for a lane.
    Run(JobId, Task),
    /// Stop a job.
    Cancel(JobId),
    /// Hand the terminal to the person's editor.
    Editor(Box<EditorOrder>),
    /// Go to the background (`C-z`).
    Suspend,
    /// Leave; running jobs are stopped. The number is the exit status.
    Quit(u8),
}

/// Text for the person's editor.
#[derive(Clone, Debug, PartialEq)]
pub struct EditorOrder {
    /// The proposal whose new text it is.
    pub rewrite: Rewrite,
    /// The file.
    pub file: String,
    /// The line to start at.
    pub line: u32,
}

/// Which of the two lanes does a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Short questions about the repository.
    Queries,
    /// Compiler runs and measurements.
    Compiles,
}

/// A piece of work.
#[derive(Clone, Debug)]
pub enum Task {
    /// Open the project.
    Open,
    /// Read and rank.
    Analyse,
    /// Join proposals with decisions and evidence.
    Reviews(Vec<Rewrite>),
    /// Read a file of the base.
    Text(String),
    /// Decide a hunk.
    Decide(Box<Rewrite>, usize, Decision),
    /// Remark on a line of a hunk.
    Comment(Box<Rewrite>, usize, usize, String),
    /// Replace the new text of a file.
    Edit(Box<Rewrite>, String, String),
    /// Accept the obligations and sign: with evidence, or with a reason.
    Sign(Box<Signing>),
    /// Land on the branch.
    Apply(Vec<SignOff>),
    /// Land on the branch as one commit.
    ApplySet(Vec<SignOff>),
    /// Fast-forward the checkout.
    LandHere,
    /// Take back the newest operation.
    Undo,
    /// Do it again.
    Redo,
    /// The operation log.
    Log,
    /// Merge the stacks of a part of the recording.
    Look(Arc<Analysis>, Wish),
    /// The report.
    Report,
    /// Remember that the commands are agreed to.
    Agree,
    /// Prove proposals.
    Prove(Vec<Rewrite>),
    /// Prove proposals together, as one change.
    ProveSet(Vec<Rewrite>),
    /// Climb a rung that is climbed only where it is asked for, and what it rests on.
    Ask(Vec<Rewrite>, Rung),
    /// Ask rustc about proposals.
    Settle(Vec<Rewrite>),
    /// Climbs every rung that a proof does not have, because a person cares about it.
    Rest(Vec<Rewrite>),
    /// Prepare the slots.
    Warm,
    /// Remove the slots.
    Clean,
    /// Measure an objective on the accepted stack.
    Measure(String),
}

/// Which part of a recording the flame pane shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Index of the objective.
    pub objective: usize,
    /// Only requests around its quantile.
    pub tail: bool,
    /// Threads and time.
    pub brush: Brush,
    /// The recording to compare with; empty for none.
    pub older: String,
}

/// What a sign-off needs.
#[derive(Clone, Debug)]
pub struct Signing {
    /// The proposal.
    pub rewrite: Rewrite,
    /// Its evidence.
    pub verdict: Option<Verdict>,
    /// The role signed for; empty for none.
    pub role: String,
    /// The reason of an override.
    pub reason: Option<String>,
    /// The person ticked every obligation.
    pub obligations: bool,
}

impl Task {
    /// The lane that does it.
    pub fn lane(&self) -> Lane {
        match self {
            Task::Prove(_) | Task::ProveSet(_) | Task::Ask(..) | Task::Rest(_) => Lane::Compiles,
            Task::Settle(_) | Task::Warm | Task::Clean | Task::Measure(_) => Lane::Compiles,
            _ => Lane::Queries,
        }
    }

    /// The proposals that it proves.
    pub fn proves(&self) -> &[Rewrite] {
        match self {
            Task::Prove(rewrites) | Task::ProveSet(rewrites) | Task::Ask(rewrites, _) | Task::Rest(rewrites) => {
                rewrites
            }
            _ => &[],
        }
    }

    /// What it is called on the job line.
    pub fn title(&self) -> String {
        let text = match self {
            Task::Open => "open the project",
            Task::Analyse => "read profile and sources",
            Task::Reviews(_) => "read reviews",
            Task::Text(file) => return format!("read {file}"),
            Task::Decide(..) => "keep the decision",
            Task::Comment(..) => "keep the comment",
            Task::Edit(..) => "take over the edit",
            Task::Sign(_) => "sign",
            Task::Apply(_) => "land on the branch",
            Task::ApplySet(_) => "land on the branch as one commit",
            Task::LandHere => "land here",
            Task::Undo => "undo",
            Task::Redo => "redo",
            Task::Log => "read the operation log",
            Task::Look(..) => "merge stacks",
            Task::Report => "write the report",
            Task::Agree => "remember the agreement",
            Task::Prove(rewrites) if rewrites.len() == 1 => return format!("prove: {}", rewrites[0].title),
            Task::Prove(rewrites) => return format!("prove {} proposals", rewrites.len()),
            Task::ProveSet(rewrites) => return format!("prove {} proposals as one change set", rewrites.len()),
            Task::Ask(rewrites, rung) => {
                let of = rewrites.first().map_or("", |r| r.title.as_str());
                return format!("{}: {of}", asked_word(*rung));
            }
            Task::Rest(rewrites) => {
                return format!("rest of the ladder: {}", rewrites.first().map_or("", |r| r.title.as_str()));
            }
            Task::Settle(rewrites) => return format!("ask rustc about {}", plural(rewrites.len(), "proposal")),
            Task::Warm => "prepare the build slots",
            Task::Clean => "remove the build slots",
            Task::Measure(slo) => return format!("measure {slo} on the accepted stack"),
        };
        text.to_string()
    }
}

/// What asking for a rung is called.
pub fn asked_word(rung: Rung) -> &'static str {
    match rung {
        Rung::GateHasPower => "mutants",
        Rung::PropertiesAgree => "made inputs",
        Rung::Codegen => "machine code",
        Rung::NothingWorse => "limits",
        other => other.word(),
    }
}
