//! Commands in, messages out: two lanes of threads that run jobs, one for questions, one for the compiler.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::message::{Answer, EditorOrder, JobId, Lane, Message, Task};
use super::state::{LineTokens, Project, Proposal, SourceText};
use super::widgets::diff::DiffRows;
use crate::jobs::{self, Ear, Fate, ProveOptions, Quiet, Remeasure, Reviewed, Sweep, Trust, Workspace};
use crate::model::{Hunk, LineMark, Operation, Problem, Progress};
use crate::source::highlight_lines;

/// Where the project is, and what of it is open.
struct Shared {
    root: PathBuf,
    config: PathBuf,
    workspace: Mutex<Option<Workspace>>,
    /// The example that is still to be unpacked.
    example: Mutex<Option<&'static str>>,
    /// Ears of jobs that wait or run, so that they can be stopped.
    ears: Mutex<BTreeMap<JobId, Ear>>,
    /// The lane of questions rests while the other one measures.
    quiet: Quiet,
    outbox: Sender<Message>,
}

/// What a question says that waits for a measurement.
const RESTS: &str = "rests while something is measured";

/// The two lanes.
pub struct Worker {
    shared: Arc<Shared>,
    lanes: Option<[Sender<(JobId, Task)>; 2]>,
    threads: Vec<JoinHandle<()>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A job that panicked left a value behind that is still whole: it is replaced, never half written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker {
    /// Starts both lanes.
    pub fn new(root: PathBuf, config: PathBuf, example: Option<&'static str>, outbox: Sender<Message>) -> Worker {
        let (workspace, example) = (Mutex::new(None), Mutex::new(example));
        let (ears, quiet) = (Mutex::default(), Quiet::default());
        let shared = Arc::new(Shared { root, config, workspace, example, ears, quiet, outbox });
        let (queries, first) = unbounded();
        let (compiles, second) = unbounded();
        let lanes = [("queries", Lane::Queries, first), ("compiles", Lane::Compiles, second)];
        let threads = lanes.map(|(name, lane, orders)| {
            let shared = shared.clone();
            std::thread::Builder::new()
                .name(name.to_string())
                .spawn(move || shared.lane(lane, &orders))
                .expect("a thread can be started")
        });
        Worker { shared, lanes: Some([queries, compiles]), threads: threads.into() }
    }

    /// Queues work in its lane.
    pub fn run(&self, id: JobId, task: Task) {
        let (progress, told) = unbounded();
        let mut ear = Ear { progress, ..Ear::deaf() };
        if task.lane() == Lane::Compiles {
            ear.quiet = self.shared.quiet.clone();
        }
        locked(&self.shared.ears).insert(id, ear);
        let outbox = self.shared.outbox.clone();
        // Ends when the job drops its ear.
        std::thread::spawn(move || {
            for progress in told {
                if outbox.send(Message::Progress(id, progress)).is_err() {
                    break;
                }
            }
        });
        if let Some([queries, compiles]) = &self.lanes {
            let lane = if task.lane() == Lane::Queries { queries } else { compiles };
            let _ = lane.send((id, task));
        }
    }

    /// Asks a job to stop.
    pub fn cancel(&self, id: JobId) {
        if let Some(ear) = locked(&self.shared.ears).get(&id) {
            ear.cancel.cancel();
        }
    }

    /// Stops every job and waits until their processes have ended.
    pub fn stop(mut self) {
        for ear in locked(&self.shared.ears).values() {
            ear.cancel.cancel();
        }
        self.lanes = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }

    /// Opens the new text of a file in the person's editor and returns what it became; blocks, the terminal is theirs.
    ///
    /// # Errors
    /// No project, no editor, or a text that cannot be read back.
    pub fn edit(&self, order: &EditorOrder) -> Result<Option<String>, Problem> {
        let workspace = self.shared.opened()?;
        jobs::edit_in_editor(&workspace, &order.rewrite, &order.file, order.line)
    }
}

impl Shared {
    /// Does one piece of work after another until the workbench closes.
    fn lane(&self, lane: Lane, orders: &Receiver<(JobId, Task)>) {
        for (id, task) in orders {
            let Some(ear) = locked(&self.ears).get(&id).cloned() else { continue };
            let rests = || ear.tell(Progress::Step { what: RESTS.to_owned(), done: 0, total: 0 });
            let _asking = (lane == Lane::Queries).then(|| self.quiet.ask(&ear.cancel, rests));
            let answer = if ear.cancel.is_cancelled() {
                Err(vec![Problem::note("stopped before it began")])
            } else {
                let _ = self.outbox.send(Message::Started(id));
                let work = std::panic::AssertUnwindSafe(|| self.work(task, &ear));
                std::panic::catch_unwind(work).unwrap_or_else(|panic| Err(vec![broken(&*panic)]))
            };
            locked(&self.ears).remove(&id);
            let _ = self.outbox.send(Message::Done(id, answer));
        }
    }

    fn opened(&self) -> Result<Workspace, Problem> {
        let open = locked(&self.workspace).clone();
        open.ok_or_else(|| Problem::error("no project is open").help("r reads it again"))
    }

    fn work(&self, task: Task, ear: &Ear) -> Result<Answer, Vec<Problem>> {
        match task {
            Task::Open => self.open(ear),
            Task::Analyse => {
                let workspace = self.opened().map_err(one)?;
                let analysis = Arc::new(workspace.analyse(false, ear)?);
                jobs::make_ready(&workspace, &analysis, &self.quiet);
                Ok(Answer::Analysed(analysis))
            }
            Task::Report => {
                let workspace = self.opened().map_err(one)?;
                // The objective is measured by its own action (`m`), never in the way of reading.
                Ok(Answer::Report(jobs::report(&workspace, Remeasure::Never, ear)?.markdown))
            }
            other => self.opened().and_then(|workspace| ask(&workspace, other, ear)).map_err(one),
        }
    }

    fn open(&self, ear: &Ear) -> Result<Answer, Vec<Problem>> {
        let example = *locked(&self.example);
        if let Some(name) = example {
            let what = format!("{name}: unpack it into {} and commit it", self.root.display());
            ear.tell(Progress::Step { what, done: 0, total: 0 });
            jobs::try_example(name, &self.root)?;
            *locked(&self.example) = None;
        }
        let workspace = Workspace::open(&self.root, &self.config)?;
        let unseen = match workspace.trust() {
            Trust::Trusted => Vec::new(),
            Trust::Unseen(commands) => commands,
        };
        let folder = self.root.canonicalize().unwrap_or_else(|_| self.root.clone());
        let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let name = if workspace.slo.service.is_empty() { name } else { workspace.slo.service.clone() };
        let project = Project {
            name,
            slo: workspace.slo.clone(),
            problems: workspace.problems.clone(),
            branch: workspace.branch.clone(),
            unseen,
        };
        *locked(&self.workspace) = Some(workspace);
        Ok(Answer::Opened(Box::new(project)))
    }
}

fn one(problem: Problem) -> Vec<Problem> {
    vec![problem]
}

/// A job that panicked: the workbench goes on, the job is given up.
fn broken(panic: &(dyn std::any::Any + Send)) -> Problem {
    let said = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    Problem::error(format!("Refit is at fault: this job broke off with `{}`", said.unwrap_or("no message")))
        .help("the rest goes on; please report it")
}

/// Work that fails for one reason at a time.
fn ask(workspace: &Workspace, task: Task, ear: &Ear) -> Result<Answer, Problem> {
    let reviewed = |rewrite: &crate::model::Rewrite, review| Answer::Reviewed(rewrite.id.clone(), review);
    Ok(match task {
        Task::Open | Task::Analyse | Task::Report => unreachable!("they fail for many reasons at once"),
        Task::Reviews(rewrites) => {
            Answer::Reviews(jobs::load_reviews(workspace, &rewrites)?.into_iter().map(proposal).collect())
        }
        Task::Look(analysis, wish) => {
            let tail = (wish.objective, wish.tail);
            let look = jobs::look(workspace, &analysis, tail, &wish.brush, &wish.older, ear)?;
            Answer::Looked(wish, Arc::new(look))
        }
        Task::Text(file) => Answer::Text(Arc::new(source_text(&file, &workspace.text(&file)?))),
        Task::Decide(rewrite, hunk, decision) => reviewed(&rewrite, jobs::decide(workspace, &rewrite, hunk, decision)?),
        Task::Comment(rewrite, hunk, line, text) => {
            reviewed(&rewrite, jobs::comment(workspace, &rewrite, hunk, line, &text)?)
        }
        Task::Edit(rewrite, file, text) => {
            let edited = jobs::edit(workspace, &rewrite, &file, &text)?;
            let mut loaded = jobs::load_reviews(workspace, &[edited])?;
            let loaded = loaded.pop().ok_or_else(|| Problem::error("the edited proposal cannot be read back"))?;
            Answer::Edited(rewrite.id.clone(), Box::new(proposal(loaded)))
        }
        Task::Sign(s) => {
            if s.obligations {
                jobs::accept_obligations(workspace, &s.rewrite)?;
            }
            Answer::Signed(Box::new(jobs::sign(workspace, &s.rewrite, s.verdict, &s.role, s.reason)?))
        }
        Task::Apply(signed) => operated(workspace, jobs::apply(workspace, &signed, ear)?)?,
        Task::ApplySet(signed) => operated(workspace, jobs::apply_set(workspace, &signed, ear)?)?,
        Task::LandHere => operated(workspace, jobs::land_here(workspace)?)?,
        Task::Undo => operated(workspace, jobs::undo(workspace)?)?,
        Task::Redo => operated(workspace, jobs::redo(workspace)?)?,
        Task::Log => Answer::Log(jobs::log(workspace)?),
        Task::Agree => {
            workspace.agree()?;
            Answer::Agreed
        }
        Task::Prove(rewrites) => Answer::Proved(jobs::prove(workspace, &rewrites, &ProveOptions::default(), ear)?),
        Task::ProveSet(rewrites) => {
            Answer::ProvedSet(Box::new(jobs::prove_set(workspace, &rewrites, &ProveOptions::default(), ear)?))
        }
        Task::Ask(rewrites, rung) => {
            Answer::Proved(jobs::prove(workspace, &rewrites, &ProveOptions::asking(rung), ear)?)
        }
        Task::Rest(rewrites) => Answer::Proved(jobs::prove(workspace, &rewrites, &ProveOptions::whole(), ear)?),
        Task::Settle(rewrites) => {
            let settled = jobs::settle(workspace, &rewrites, ear)?;
            if ear.cancel.is_cancelled() {
                return Err(Problem::note("stopped before rustc had said all"));
            }
            Answer::Settled(settled.said.iter().map(|(r, said)| (r.id.clone(), said.refusal(r))).collect())
        }
        Task::Warm => {
            jobs::warm(workspace, ear)?;
            Answer::Warmed
        }
        Task::Clean => {
            let cleaned = jobs::clean(&Sweep::Project(workspace.root.clone()), false)?;
            let in_use = cleaned.slots.iter().any(|(_, fate)| *fate == Fate::InUse);
            Answer::Cleaned { freed: cleaned.freed(), held: cleaned.held(), in_use }
        }
        Task::Measure(slo) => Answer::Measured(Box::new(jobs::measure_objective(workspace, &slo, ear)?)),
    })
}

fn operated(workspace: &Workspace, operation: Operation) -> Result<Answer, Problem> {
    Ok(Answer::Operated(operation, jobs::log(workspace)?))
}

/// A text in lines with their colours.
pub fn source_text(file: &str, text: &str) -> SourceText {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let tokens = if file.ends_with(".rs") { highlight_lines(body) } else { Vec::new() };
    SourceText { file: file.to_string(), lines: body.lines().map(String::from).collect(), tokens }
}

/// A reviewed proposal, laid out and coloured.
fn proposal(reviewed: Reviewed) -> Proposal {
    let rows = DiffRows::new(&reviewed.hunks, &reviewed.review.comments);
    let tokens = reviewed.hunks.iter().map(hunk_tokens).collect();
    Proposal {
        rewrite: reviewed.rewrite,
        hunks: reviewed.hunks,
        tokens,
        review: reviewed.review,
        verdict: reviewed.verdict,
        signed: reviewed.signed,
        rows,
        compiles: false,
    }
}

/// Colours of a hunk's lines: the old text and the new text are each read as a whole.
pub fn hunk_tokens(hunk: &Hunk) -> Vec<LineTokens> {
    let side = |left_out: LineMark| {
        let lines: Vec<&str> = hunk.lines.iter().filter(|l| l.mark != left_out).map(|l| l.text.as_str()).collect();
        highlight_lines(&lines.join("\n")).into_iter()
    };
    let (mut old, mut new) = (side(LineMark::Added), side(LineMark::Removed));
    let token = |line: &crate::model::HunkLine| match line.mark {
        LineMark::Context => {
            old.next();
            new.next()
        }
        LineMark::Removed => old.next(),
        LineMark::Added => new.next(),
    };
    hunk.lines.iter().map(token).map(Option::unwrap_or_default).collect()
}

/// Notes in Refit's own request log that a frame is on its way, until what it returns is dropped.
pub fn frame(name: &str) -> impl Drop + use<> {
    jobs::frame(name)
}
