//! Jobs: what runs and what ran, the ladder as it climbs, and the log's tail.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::review::rung_mark;
use super::{Footer, Screen, ScreenId};
use crate::model::{Evidence, Measurement, Rewrite, RewriteId, Rung, STACK};
use crate::tui::actions::{moving, working};
use crate::tui::message::Task;
use crate::tui::pen::{Pen, vertical_rule};
use crate::tui::state::{Focus, Job, JobState, Page, Pane, State};
use crate::tui::text::{count, duration, estimate, width, wrap};
use crate::tui::theme::Tone;
use crate::tui::view::{Drawn, Target};
use crate::tui::widgets::code::bar;
use crate::tui::widgets::{timing, top_for};

/// The screen.
pub const SCREEN: Screen = Screen { id: ScreenId::Jobs, title: "Jobs", badge, footer, view };

fn badge(state: &State) -> String {
    match state.open_jobs().len() {
        0 => String::new(),
        n => format!("{n} running"),
    }
}

fn footer(state: &State) -> Footer {
    vec![
        ("enter", moving::enter_label(state)),
        ("cancel", Some(String::from("cancel"))),
        ("pane", Some(String::from("log"))),
        ("evidence", None),
        ("prove", None),
        ("power", None),
        ("properties", None),
        ("warm", None),
        ("measure", None),
        ("undo", None),
        ("redo", None),
        ("leave", None),
    ]
}

fn view(state: &State, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    let theme = &state.theme;
    let listed = state.listed_jobs();
    let Some(shown) = state.shown_job() else {
        let text = "nothing was run yet.\n\nv proves the proposals of the selected function; m measures the objective on the accepted stack.";
        for (y, line) in (1..area.height).zip(wrap(text, usize::from(area.width).saturating_sub(4))) {
            Pen::new(buffer, theme, area, y).space(2).put(&line, Tone::Dim);
        }
        return;
    };
    let wide = area.width >= 110;
    let (list, detail) = if wide {
        let cells = area.width * 2 / 5;
        (
            Rect::new(area.x, area.y, cells, area.height),
            Rect::new(area.x + cells, area.y, area.width - cells, area.height),
        )
    } else {
        let rows = (listed.len() as u16).clamp(1, (area.height / 3).max(1));
        (Rect::new(area.x, area.y, area.width, rows), Rect::new(area.x, area.y + rows, area.width, area.height - rows))
    };
    draw_list(state, &listed, shown, buffer, list, drawn);
    if wide {
        vertical_rule(buffer, theme, detail);
        draw_detail(state, shown, buffer, Rect::new(detail.x + 2, detail.y, detail.width - 2, detail.height), drawn);
    } else if detail.height > 1 {
        Pen::new(buffer, theme, detail, 0).rule();
        draw_detail(
            state,
            shown,
            buffer,
            Rect::new(detail.x + 1, detail.y + 1, detail.width - 1, detail.height - 1),
            drawn,
        );
    }
}

fn draw_list(state: &State, listed: &[&Job], shown: &Job, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    let height = usize::from(area.height);
    let cursor = listed.iter().position(|j| j.id == shown.id).unwrap_or(0);
    let top = top_for(Page { height, ..state.page(Pane::Jobs) }, cursor, listed.len(), height);
    drawn.pane(Pane::Jobs, area, top);
    for (y, (index, job)) in (0..area.height).zip(listed.iter().enumerate().skip(top)) {
        let line = Rect::new(area.x, area.y + y, area.width, 1);
        let mut pen = Pen::new(buffer, &state.theme, line, 0);
        let here = job.id == shown.id;
        if here {
            pen = pen.under(if state.focus == Focus::Main { Tone::Selected } else { Tone::SelectedIdle });
        }
        pen.put(if here { state.theme.glyph("▸ ", "> ") } else { "  " }, Tone::Key);
        let (word, tone) = word_of(job);
        let took = duration(job.elapsed(state.now).as_millis() as u64);
        pen.column(word, 10, tone);
        let room = pen.left().saturating_sub(12);
        pen.column(&job.title, room, Tone::Text).right(&took, 12, Tone::Dim);
        drawn.hit(line, Target::Row(Pane::Jobs, index));
        drawn.computed += 1;
    }
}

fn word_of(job: &Job) -> (&'static str, Tone) {
    match &job.state {
        JobState::Waiting => ("waiting", Tone::Dim),
        JobState::Running(_) => ("running", Tone::Accent),
        JobState::Stopping(_) => ("stopping", Tone::Warn),
        JobState::Done(_) => ("done", Tone::Good),
        JobState::Failed(..) => ("failed", Tone::Bad),
        JobState::Cancelled(_) => ("cancelled", Tone::Warn),
    }
}

/// A line of the upper part.
type Line = (String, Tone);

/// The ladder above; below it the plots of what was timed, or the log where nothing was or the log has the keys.
fn draw_detail(state: &State, job: &Job, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    let theme = &state.theme;
    let timed = timed(state, job).filter(|m| state.focus == Focus::Main && !m.slices.is_empty());
    let about = about(state, job, usize::from(area.width));
    let room = match timed {
        Some(_) => area.height.saturating_sub(timing::LEAST_ROWS),
        None => area.height * 3 / 5 + 1,
    };
    let lines = [about.clone(), ladders(state, job, usize::from(room).saturating_sub(about.len()))].concat();
    let plots = timed.filter(|_| area.height >= timing::LEAST_ROWS + 4);
    let room = if plots.is_some() { room } else { area.height * 3 / 5 + 1 };
    let upper = (lines.len() as u16).min(room).min(area.height);
    for (y, (text, tone)) in (0..upper).zip(&lines) {
        Pen::new(buffer, theme, area, y).put(text, *tone);
    }
    let lower = Rect::new(area.x, area.y + upper, area.width, area.height - upper);
    let Some(m) = plots else {
        draw_log(state, job, buffer, lower, drawn);
        return;
    };
    let rows = lower.height.min(MOST_PLOT_ROWS);
    timing::draw(buffer, theme, Rect::new(lower.x, lower.y, lower.width, rows), m);
    let log = Rect::new(lower.x, lower.y + rows, lower.width, lower.height - rows);
    if log.height >= 3 {
        draw_log(state, job, buffer, log, drawn);
    }
}

/// Rows of the plots beyond which they tell no more.
const MOST_PLOT_ROWS: u16 = 18;

/// What was timed of the proposal that stands out: in the running job, else in its verdict.
fn timed<'a>(state: &'a State, job: &'a Job) -> Option<&'a Measurement> {
    let id = &outstanding(state, job)?.id;
    let fresh = job.measured.iter().find(|(of, _)| of == id).map(|(_, m)| m);
    let known = || state.proposals.iter().find(|p| p.rewrite.id == *id)?.verdict.as_ref()?.measurement();
    fresh.or_else(known)
}

/// The proposal of a job that is shown rung by rung: the one at work, else the selected one, else the first.
fn outstanding<'a>(state: &State, job: &'a Job) -> Option<&'a Rewrite> {
    let rewrites = job.task.proves();
    let with = |id: &RewriteId| rewrites.iter().find(|r| r.id == *id);
    let at_work = working::at_work(job).filter(|_| job.is_open()).and_then(|(id, _)| with(&id));
    let selected = || state.proposal.as_ref().and_then(with);
    // Once all are through, what was timed last stays in sight until the job ends.
    let last_timed = || job.measured.last().and_then(|(id, _)| with(id));
    at_work.or_else(selected).or_else(last_timed).or_else(|| rewrites.first())
}

/// What runs, how far it is, and what it was estimated to take.
fn about(state: &State, job: &Job, cells: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    // A job that ended is at no step any more.
    if let Some((what, done, total)) = job.step.as_ref().filter(|_| job.is_open()) {
        let meter = match total {
            0 => String::new(),
            _ => format!("{} {done}/{total}  ", meter(state, *done, *total)),
        };
        lines.push((format!("{meter}{what}"), Tone::Text));
    }
    if !job.estimate.is_empty() {
        let all: u64 = job.estimate.iter().map(|(_, s)| s).sum();
        let each: Vec<String> = job.estimate.iter().map(|(r, s)| format!("{} {}", r.word(), estimate(*s))).collect();
        lines.extend(
            wrap(&format!("estimated {}: {}", estimate(all), each.join(", ")), cells)
                .into_iter()
                .map(|l| (l, Tone::Dim)),
        );
    }
    if let JobState::Failed(_, problems) = &job.state {
        for p in problems {
            lines.extend(wrap(&format!("{}: {}", p.level.word(), p.what), cells).into_iter().map(|l| (l, Tone::Bad)));
            if let Some(place) = &p.place {
                lines.push((format!("  at {place}"), Tone::Dim));
            }
            lines.extend(wrap(&p.help, cells).into_iter().filter(|l| !l.is_empty()).map(|l| (l, Tone::Accent)));
        }
    }
    if let (Task::Measure(_), Some(m)) = (&job.task, &state.measured) {
        let quantiles = |(v, lo, hi): (f64, f64, f64)| format!("{v:.0} ms [{lo:.0}–{hi:.0}]");
        lines.push((format!("{}: {} → {}", m.slo, quantiles(m.before_ms), quantiles(m.after_ms)), Tone::Title));
        let (d, lo, hi) = m.difference_ms;
        let text = format!(
            "difference {d:+.0} ms [{lo:+.0}–{hi:+.0}], limit {:.0} ms, {} requests per arm",
            m.limit_ms,
            count(m.requests)
        );
        lines.push((text, Tone::Text));
    }
    lines
}

fn meter(state: &State, done: u64, total: u64) -> String {
    let (open, close) = (state.theme.glyph("▕", "["), state.theme.glyph("▏", "]"));
    let filled = bar(&state.theme, done as f64 / total.max(1) as f64, 16);
    let pad = 16_usize.saturating_sub(width(&filled));
    format!("{open}{filled}{}{close}", " ".repeat(pad))
}

/// The ladder of each proposal that the job proves: rung by rung where there is room for all, else of one, and a line
/// for each of the others.
fn ladders(state: &State, job: &Job, room: usize) -> Vec<Line> {
    let rewrites = job.task.proves();
    let all: Vec<Line> = rewrites.iter().flat_map(|r| ladder(state, job, r)).chain(together(state, job)).collect();
    if all.len() <= room || rewrites.len() < 2 {
        return all;
    }
    let one = outstanding(state, job);
    let mut lines = vec![(String::new(), Tone::Text)];
    for rewrite in rewrites {
        match one.is_some_and(|r| r.id == rewrite.id) {
            true => lines.extend(ladder(state, job, rewrite).into_iter().skip(1)),
            false => lines.push(in_short(state, job, rewrite)),
        }
    }
    lines.extend(together(state, job));
    lines
}

fn ladder(state: &State, job: &Job, rewrite: &Rewrite) -> Vec<Line> {
    let mut lines = vec![(String::new(), Tone::Text), (rewrite.title.clone(), Tone::Title)];
    let is_there = |rung: Rung| of(job, &rewrite.id, rung).is_some();
    for rung in Rung::ALL.iter().filter(|r| working::is_wanted(job, **r) || is_there(**r)) {
        lines.push(rung_line(state, job, &rewrite.id, *rung));
    }
    lines
}

/// A mark for each rung, and the title.
fn in_short(state: &State, job: &Job, rewrite: &Rewrite) -> Line {
    let mut marks = String::new();
    let mut worst = Tone::Dim;
    for rung in Rung::ALL.iter().filter(|r| working::is_wanted(job, **r)) {
        match of(job, &rewrite.id, *rung) {
            Some(e) => {
                let (mark, tone) = rung_mark(&state.theme, e.state);
                marks.push_str(mark);
                worst = if tone == Tone::Bad || worst != Tone::Bad { tone } else { worst };
            }
            None => marks.push_str(state.theme.glyph("○", "o")),
        }
    }
    (format!("{marks} {}", rewrite.title), worst)
}

/// What exactly these proposals came to as one tree, where that was asked.
fn together(state: &State, job: &Job) -> Vec<Line> {
    let id = RewriteId(STACK.into());
    let rungs: Vec<Rung> = job.rungs.iter().filter(|(of, _)| *of == id).map(|(_, e)| e.rung).collect();
    if rungs.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![(String::new(), Tone::Text), (String::from("together, as one change"), Tone::Title)];
    lines.extend(rungs.into_iter().filter(|r| *r != Rung::Faster).map(|rung| rung_line(state, job, &id, rung)));
    lines
}

fn of<'a>(job: &'a Job, id: &RewriteId, rung: Rung) -> Option<&'a Evidence> {
    job.rungs.iter().find(|(of, e)| of == id && e.rung == rung).map(|(_, e)| e)
}

fn rung_line(state: &State, job: &Job, id: &RewriteId, rung: Rung) -> Line {
    let running = matches!(job.state, JobState::Running(_));
    let here = running && working::at_work(job) == Some((id.clone(), rung));
    match of(job, id, rung) {
        Some(e) => {
            let (mark, tone) = rung_mark(&state.theme, e.state);
            (format!("{mark} {:<16} {:<10} {}", rung.word(), duration(e.ms), e.detail), tone)
        }
        None if here => {
            let mark = state.theme.glyph("▸", ">");
            (format!("{mark} {:<16} running    {}", rung.word(), rung.rests_on()), Tone::Accent)
        }
        None => {
            (format!("{} {:<16}            {}", state.theme.glyph("○", "o"), rung.word(), rung.rests_on()), Tone::Dim)
        }
    }
}

/// The tail of the log; further back with the other pane chosen.
fn draw_log(state: &State, job: &Job, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    if area.height < 2 {
        return;
    }
    let theme = &state.theme;
    if job.logged == 0 {
        let text = if job.is_open() { "nothing printed so far" } else { "this job printed nothing" };
        Pen::new(buffer, theme, area, 0).put(text, Tone::Dim);
        return;
    }
    let mut pen = Pen::new(buffer, theme, area, 0);
    let tone = if state.focus == Focus::Aside { Tone::Key } else { Tone::Dim };
    let kept = if job.logged > job.log.len() as u64 {
        format!(", the last {} kept", count(job.log.len() as u64))
    } else {
        String::new()
    };
    pen.put(&format!("log, {} lines{kept} ", count(job.logged)), tone).rule();
    let body = Rect::new(area.x, area.y + 1, area.width, area.height - 1);
    let height = usize::from(body.height);
    let back = state.log_back.min(job.log.len().saturating_sub(height));
    let top = job.log.len().saturating_sub(height + back);
    drawn.pane(Pane::Log, body, top);
    for (y, line) in (0..body.height).zip(job.log.iter().skip(top)) {
        Pen::new(buffer, theme, body, y).put(line, Tone::Dim);
        drawn.computed += 1;
    }
}
