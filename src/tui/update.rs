//! A message in, the state changed and what is wanted next out; nothing else changes the state.

use std::time::Duration;

use ratatui::crossterm::event::{KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};

use super::actions::{choosing, deciding, flame, moving, settling};
use super::keymap::{bound, named, perform};
use super::message::{Answer, Command, EditorOrder, JobId, Message, Task};
use super::popups::{self, Popup, Sheet};
use super::screens::ScreenId;
use super::state::{Focus, Job, JobState, LOG_LINES, Leaving, Pane, Phase, Proposal, State};
use super::theme::Shade;
use super::view::Target;
use super::widgets::diff::{DiffRows, side_by_side};
use crate::model::{Decision, Operation, OperationKind, Problem, Progress, Review, RewriteId, Verdict};
use crate::tui::message::Lane;

/// How long a message stays on the job line, whatever is pressed.
const NOTICE_STAYS: Duration = Duration::from_millis(1500);

/// How long after the start the terminal may say what its background is.
const BACKGROUND_WAITS: Duration = Duration::from_secs(2);

/// Takes a message in.
pub fn update(state: &mut State, message: Message) -> Vec<Command> {
    match message {
        Message::Key(event) => key(state, &event),
        Message::Mouse(event) => mouse(state, &event),
        Message::Paste(text) => {
            if let Some(popup) = &mut state.popup {
                popups::paste(popup, &text);
            }
            Vec::new()
        }
        Message::Resize(columns, rows) => resize(state, columns, rows),
        Message::Now(now) => {
            state.now = now;
            Vec::new()
        }
        Message::Started(id) => {
            let now = state.now;
            if let Some(job) = state.jobs.iter_mut().find(|j| j.id == id && j.state == JobState::Waiting) {
                job.state = JobState::Running(now);
            }
            Vec::new()
        }
        Message::Progress(id, progress) => {
            told(state, id, progress);
            Vec::new()
        }
        Message::Done(id, answer) => done(state, id, answer),
        Message::Edited(order, text) => edited(state, order, text),
        Message::Background(shade) => {
            background(state, shade);
            Vec::new()
        }
        Message::Terminate => vec![Command::Quit(143)],
    }
}

/// Opens the project: the first work of every run.
pub fn begin(state: &mut State) -> Vec<Command> {
    vec![state.start(Task::Open)]
}

fn key(state: &mut State, event: &KeyEvent) -> Vec<Command> {
    // Windows tells releases too; acting on them would do everything twice.
    if event.kind == KeyEventKind::Release {
        return Vec::new();
    }
    if state.notice.as_ref().is_some_and(|n| state.now.saturating_sub(n.at) >= NOTICE_STAYS) {
        state.notice = None;
    }
    if let Some(popup) = state.popup.take() {
        return popups::key(state, popup, event);
    }
    match bound(event) {
        Some(binding) => perform(state, binding),
        None => Vec::new(),
    }
}

/// The terminal's own word counts, unless it comes so late that colours would change under the person's eyes.
fn background(state: &mut State, shade: Shade) {
    if state.now <= BACKGROUND_WAITS {
        state.theme.shade = shade;
    }
}

/// The diff's cursor stays on its hunk when the width changes the layout.
fn resize(state: &mut State, columns: u16, rows: u16) -> Vec<Command> {
    let place = deciding::hunk_at(state);
    let before = side_by_side(state);
    state.size = (columns, rows);
    if let (Some(place), Some(proposal)) = (place, state.selected())
        && side_by_side(state) != before
    {
        state.diff_row = proposal.rows.row_of(side_by_side(state), place);
    }
    state.lay_out();
    Vec::new()
}

fn mouse(state: &mut State, event: &MouseEvent) -> Vec<Command> {
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => click(state, event.column, event.row),
        MouseEventKind::ScrollDown => wheel(state, event, 3),
        MouseEventKind::ScrollUp => wheel(state, event, -3),
        _ => Vec::new(),
    }
}

/// A click selects; on tabs and footer keys it acts, as the key would.
fn click(state: &mut State, x: u16, y: u16) -> Vec<Command> {
    match state.drawn.at(x, y) {
        Some(Target::Screen(ScreenId::Code)) => perform(state, named("code")),
        Some(Target::Screen(screen)) => moving::go(state, screen),
        Some(Target::Action(name)) => perform(state, named(name)),
        Some(Target::Popup(row)) => popups::click(state, row),
        Some(Target::Flame(node)) => flame::click(state, node),
        Some(Target::Order(order)) => moving::order_by(state, order),
        Some(Target::Row(pane, row)) => {
            state.focus = if matches!(pane, Pane::Aside | Pane::Log) { Focus::Aside } else { Focus::Main };
            moving::to_row(state, row);
            Vec::new()
        }
        None => Vec::new(),
    }
}

fn wheel(state: &mut State, event: &MouseEvent, by: isize) -> Vec<Command> {
    if let Some(Popup::Sheet(sheet)) = &mut state.popup {
        sheet.scroll(by);
        return Vec::new();
    }
    if flame::has_keys(state)
        && state.drawn.flame.is_some_and(|(area, _)| area.contains((event.column, event.row).into()))
    {
        return flame::step(state, by.signum());
    }
    let Some(pane) = state.drawn.pane_at(event.column, event.row) else { return Vec::new() };
    state.focus = if matches!(pane, Pane::Aside | Pane::Log) { Focus::Aside } else { Focus::Main };
    moving::step(state, by)
}

fn told(state: &mut State, id: JobId, progress: Progress) {
    let Some(job) = state.jobs.iter_mut().find(|j| j.id == id) else { return };
    match progress {
        Progress::Estimate(estimate) => job.estimate = estimate,
        Progress::Step { what, done, total } => job.step = Some((what, done, total)),
        Progress::Log(line) => {
            job.logged += 1;
            if job.log.len() == LOG_LINES {
                job.log.pop_front();
            }
            job.log.push_back(super::text::printable(&line));
        }
        Progress::Measured(rewrite, measurement) => {
            job.measured.retain(|(r, _)| *r != rewrite);
            job.measured.push((rewrite, *measurement));
        }
        Progress::Rung(rewrite, evidence) => {
            job.rungs.retain(|(r, e)| *r != rewrite || e.rung != evidence.rung);
            job.rungs.push((rewrite, evidence));
        }
    }
}

fn done(state: &mut State, id: JobId, answer: Result<Answer, Vec<Problem>>) -> Vec<Command> {
    let now = state.now;
    let superseded = !state.is_newest(id);
    let Some(job) = state.jobs.iter_mut().find(|j| j.id == id) else { return Vec::new() };
    let took = job.elapsed(now);
    let stopping = matches!(job.state, JobState::Stopping(_));
    let task = job.task.clone();
    job.state = match &answer {
        Err(_) if stopping => JobState::Cancelled(took),
        Err(problems) => JobState::Failed(took, problems.clone()),
        Ok(_) => JobState::Done(took),
    };
    settling::care(state, &task, stopping);
    let mut commands = match answer {
        Err(_) if stopping && matches!(task, Task::Settle(_) | Task::Rest(_)) => Vec::new(),
        Err(_) if stopping => {
            state.say(Problem::note(format!("stopped: {}", task.title())));
            Vec::new()
        }
        Err(_) if superseded && task.lane() == Lane::Queries && is_question(&task) => Vec::new(),
        Err(problems) => failed(state, &task, problems),
        Ok(_) if superseded && is_question(&task) => Vec::new(),
        Ok(Answer::Proved(verdicts)) if stopping && matches!(task, Task::Rest(_)) => {
            take_verdicts(state, verdicts);
            read_reviews(state)
        }
        Ok(answer) => answered(state, answer),
    };
    commands.extend(settling::go_on(state));
    forget_old_jobs(state);
    if state.leaving == Leaving::WhenIdle && state.open_jobs().is_empty() {
        commands.push(Command::Quit(0));
    }
    commands
}

/// Questions can be superseded; what changes something cannot.
fn is_question(task: &Task) -> bool {
    matches!(
        task,
        Task::Open | Task::Analyse | Task::Reviews(_) | Task::Text(_) | Task::Log | Task::Report | Task::Look(..)
    )
}

/// Short questions that came back are forgotten; long work is kept to be read, up to a hundred.
fn forget_old_jobs(state: &mut State) {
    state.jobs.retain(|j| j.is_open() || j.is_listed());
    let closed = state.jobs.iter().filter(|j| !j.is_open()).count();
    let mut surplus = closed.saturating_sub(100);
    state.jobs.retain(|j| {
        let drop = surplus > 0 && !j.is_open();
        surplus -= usize::from(drop);
        !drop
    });
}

fn failed(state: &mut State, task: &Task, problems: Vec<Problem>) -> Vec<Command> {
    match task {
        Task::Open | Task::Analyse if state.phase != Phase::Ready => state.phase = Phase::Failed(problems.clone()),
        // The decision was shown before it was kept; what the repository has is read again.
        Task::Decide(..) => {
            say_first(state, &problems);
            return read_reviews(state);
        }
        Task::Reviews(_) => state.reviews_read = true,
        // The base may not build: then what was proposed is taken back.
        _ if problems.iter().any(|p| p.what.starts_with("the base does not build")) => {
            say_first(state, &problems);
            return vec![state.start(Task::Analyse)];
        }
        Task::Settle(_) => state.asks = false,
        // What cannot be compared with is not asked for again and again.
        Task::Look(..) => state.flame.older.clear(),
        _ => {}
    }
    say_first(state, &problems);
    Vec::new()
}

fn say_first(state: &mut State, problems: &[Problem]) {
    if let Some(first) = problems.iter().max_by_key(|p| p.level) {
        state.say(first.clone());
    }
}

fn answered(state: &mut State, answer: Answer) -> Vec<Command> {
    match answer {
        Answer::Opened(project) => {
            state.project = Some(*project);
            vec![state.start(Task::Analyse), state.start(Task::Log)]
        }
        Answer::Analysed(analysis) => analysed(state, analysis),
        Answer::Reviews(proposals) => {
            set_proposals(state, proposals);
            Vec::new()
        }
        Answer::Settled(said) => {
            settling::settled(state, said);
            Vec::new()
        }
        Answer::Text(text) => {
            state.line = state.line.clamp(1, (text.lines.len() as u32).max(1));
            // While it was read nothing was drawn that could keep the place.
            if state.text.replace(text).is_none() {
                moving::show_near_top(state);
            }
            Vec::new()
        }
        Answer::Reviewed(id, review) => {
            reviewed(state, &id, review);
            Vec::new()
        }
        Answer::Edited(before, proposal) => {
            replace(state, &before, *proposal);
            state.say(Problem::note("the edit is a proposal of its own now, with you as its author: v proves it"));
            Vec::new()
        }
        Answer::Signed(signed) => {
            let title = signed.rewrite().title.clone();
            state.signed.insert(signed.rewrite().id.clone(), *signed);
            state.say(Problem::note(format!("signed: {title}; L lands it")));
            read_reviews(state)
        }
        Answer::Operated(operation, log) => {
            // The log comes with it: the very next key may take the operation back.
            state.operations = log;
            operated(state, operation)
        }
        Answer::Log(operations) => {
            state.operations = operations;
            Vec::new()
        }
        Answer::Looked(wish, look) => flame::looked(state, wish, look),
        Answer::Report(text) => {
            state.popup = Some(Popup::Sheet(Sheet::markdown("report", &text)));
            Vec::new()
        }
        Answer::Proved(verdicts) => proved(state, verdicts),
        Answer::ProvedSet(verdict) => choosing::proved(state, *verdict),
        Answer::Warmed => {
            state.say(Problem::note("build slots are ready: the next proof starts at once"));
            // The compiler has said that the base builds: what was not proposed is proposed now.
            let was_broken = state.analysis.as_ref().is_some_and(|a| a.broken.is_some());
            if was_broken { vec![state.start(Task::Analyse)] } else { Vec::new() }
        }
        Answer::Cleaned { in_use: true, .. } => {
            let kept = Problem::warning("the build slots stay: another Refit proves in them");
            state.say(kept.help("try again when it has ended"));
            Vec::new()
        }
        Answer::Cleaned { freed, held, .. } => {
            let (freed, held) = (super::text::bytes(freed), super::text::bytes(held));
            state.say(Problem::note(format!("build slots removed: {freed} freed, {held} still in the cache")));
            Vec::new()
        }
        Answer::Measured(measured) => {
            let (after, low, high) = measured.after_ms;
            let met = if high <= measured.limit_ms { "within" } else { "not surely within" };
            let text =
                format!("{}: {after:.0} ms [{low:.0}–{high:.0}], {met} {:.0} ms", measured.slo, measured.limit_ms);
            state.measured = Some(*measured);
            state.say(Problem::note(text));
            Vec::new()
        }
        Answer::Agreed => Vec::new(),
    }
}

/// Keeps the cursor on what the person looked at: the same function or row by name; gone is gone, not its neighbour.
fn analysed(state: &mut State, analysis: std::sync::Arc<crate::pipeline::Analysis>) -> Vec<Command> {
    let first = state.analysis.is_none();
    let place = state.place();
    let objective = state.split().map(|s| s.slo.clone());
    state.objective = match objective {
        Some(slo) => analysis.objectives.iter().position(|o| o.slo == slo).unwrap_or(0),
        None => worst(&analysis),
    };
    state.analysis = Some(analysis.clone());
    state.phase = Phase::Ready;
    state.analysed_at = state.now;
    state.reorder();
    if first {
        state.row = (!state.rows.is_empty()).then_some(0);
    } else {
        state.return_to(place);
    }
    let mut commands = read_reviews(state);
    // What is looked at was made of the recording before.
    state.flame.made_for = None;
    commands.extend(flame::ask(state));
    if let Some(text) = &state.text {
        commands.push(state.start(Task::Text(text.file.clone())));
    }
    commands
}

/// The objective that misses its limit by most of it, else the first.
fn worst(analysis: &crate::pipeline::Analysis) -> usize {
    let over = |i: &usize| analysis.objectives[*i].gap_ms / analysis.objectives[*i].limit_ms.max(f64::MIN_POSITIVE);
    let missed = (0..analysis.objectives.len()).filter(|i| analysis.objectives[*i].gap_ms > 0.0);
    missed.max_by(|a, b| over(a).total_cmp(&over(b))).unwrap_or(0)
}

fn read_reviews(state: &mut State) -> Vec<Command> {
    let Some(analysis) = state.analysis.clone() else { return Vec::new() };
    vec![state.start(Task::Reviews(analysis.rewrites.clone()))]
}

/// What was selected stays selected while it exists; what was taken into the change set stays in it.
pub fn set_proposals(state: &mut State, mut proposals: Vec<Proposal>) {
    let is_refused = |p: &Proposal| p.verdict.is_none() && matches!(state.settled.get(&p.rewrite.id), Some(Some(_)));
    proposals.retain(|p| !is_refused(p));
    for proposal in &mut proposals {
        proposal.compiles = matches!(state.settled.get(&proposal.rewrite.id), Some(None));
        put_decisions_on_their_way(&state.jobs, &proposal.rewrite.id, &mut proposal.review);
    }
    let place = deciding::hunk_at(state);
    let row = state.place();
    state.proposals = proposals;
    state.reviews_read = true;
    choosing::forget_gone(state);
    state.reorder();
    state.return_to(row);
    let kept = state.selected().is_some();
    if !kept {
        // The hunk under the cursor has gone: no key may fall on another one in its place.
        state.opened = false;
        let first = state.listing.proposals().next().map(|at| state.proposals[at].rewrite.id.clone());
        state.proposal = first.filter(|_| state.proposal.is_none());
    } else if let (Some(place), Some(proposal)) = (place, state.selected()) {
        state.diff_row = proposal.rows.row_of(side_by_side(state), place);
    }
    take_signatures(state);
}

/// Decisions on a proposal that are not kept yet, oldest first.
fn decisions_on_their_way<'a>(jobs: &'a [Job], id: &'a RewriteId) -> impl Iterator<Item = (usize, &'a Decision)> {
    jobs.iter().filter(|j| j.is_open()).filter_map(move |j| match &j.task {
        Task::Decide(rewrite, hunk, decision) if rewrite.id == *id => Some((*hunk, decision)),
        _ => None,
    })
}

/// A review that was read before a decision was kept does not know it; the person has seen it taken.
fn put_decisions_on_their_way(jobs: &[Job], id: &RewriteId, review: &mut Review) {
    for (hunk, decision) in decisions_on_their_way(jobs, id) {
        if let Some(place) = review.decisions.get_mut(hunk) {
            *place = decision.clone();
        }
    }
}

/// Sign-offs of earlier sessions count again; a proposal that is being decided on right now has none.
fn take_signatures(state: &mut State) {
    let known = state.proposals.iter().filter_map(|p| Some((p.rewrite.id.clone(), p.signed.clone()?)));
    let decided = |id: &RewriteId| decisions_on_their_way(&state.jobs, id).next().is_none();
    let known: Vec<_> = known.filter(|(id, _)| decided(id)).collect();
    let ids: Vec<RewriteId> = state.proposals.iter().map(|p| p.rewrite.id.clone()).collect();
    state.signed.retain(|id, _| ids.contains(id));
    state.signed.extend(known);
}

fn reviewed(state: &mut State, id: &RewriteId, mut review: Review) {
    put_decisions_on_their_way(&state.jobs, id, &mut review);
    let place = deciding::hunk_at(state);
    let side = side_by_side(state);
    let selected = state.proposal.as_ref() == Some(id);
    let Some(proposal) = state.proposals.iter_mut().find(|p| p.rewrite.id == *id) else { return };
    let remarks_changed = proposal.review.comments != review.comments;
    proposal.review = review;
    if remarks_changed {
        proposal.rows = DiffRows::new(&proposal.hunks, &proposal.review.comments);
        if let Some(place) = place.filter(|_| selected) {
            state.diff_row = proposal.rows.row_of(side, place);
        }
    }
}

fn replace(state: &mut State, before: &RewriteId, proposal: Proposal) {
    state.signed.remove(before);
    if state.proposal.as_ref() == Some(before) {
        state.proposal = Some(proposal.rewrite.id.clone());
        state.diff_row = 0;
    }
    if let Some(place) = state.proposals.iter_mut().find(|p| p.rewrite.id == *before) {
        *place = proposal;
    }
    choosing::forget_gone(state);
    state.list();
}

/// Keeps verdicts and says what they come to.
pub(super) fn proved(state: &mut State, verdicts: Vec<Verdict>) -> Vec<Command> {
    let said = take_verdicts(state, verdicts);
    if !said.is_empty() {
        state.say(Problem::note(said.join("; ")));
    }
    // Preconditions that the proof answered come back with the reviews.
    read_reviews(state)
}

/// Gives proposals their verdicts; what they come to, in words.
fn take_verdicts(state: &mut State, verdicts: Vec<Verdict>) -> Vec<String> {
    let mut said = Vec::new();
    for verdict in verdicts {
        if let Some(p) = state.proposals.iter_mut().find(|p| p.rewrite.id == *verdict.rewrite()) {
            let speed =
                verdict.measurement().map(|m| format!(", {} {:.2}×", m.speed.word(), m.ratio)).unwrap_or_default();
            said.push(format!("{}: {}{speed}", verdict.state_word(), p.rewrite.title));
            p.verdict = Some(verdict);
        }
    }
    said
}

/// After landing, undo or redo the base has changed: everything derives from the new tip.
fn operated(state: &mut State, operation: Operation) -> Vec<Command> {
    if operation.kind == OperationKind::Apply {
        state.signed.retain(|id, _| !operation.rewrites.contains(id));
    }
    let hint = match operation.kind {
        OperationKind::Apply => "; u takes it back, L again lands it here",
        OperationKind::LandHere | OperationKind::Redo => "; u takes it back",
        OperationKind::Undo => "; U does it again",
    };
    state.say(Problem::note(format!("{}: {}{hint}", operation.kind.word(), operation.title)));
    vec![state.start(Task::Analyse)]
}

fn edited(state: &mut State, order: Box<EditorOrder>, text: Result<Option<String>, Problem>) -> Vec<Command> {
    match text {
        Ok(Some(text)) => vec![state.start(Task::Edit(Box::new(order.rewrite), order.file, text))],
        Ok(None) => {
            state.say(Problem::note("nothing was changed"));
            Vec::new()
        }
        Err(problem) => {
            state.say(problem);
            Vec::new()
        }
    }
}
