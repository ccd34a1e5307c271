//! The state in, a frame out: tabs, the screen, the job line, the keys, and what lies over them.

use std::collections::BTreeMap;
use std::time::Duration;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::keymap::{named, spelled};
use super::message::Task;
use super::pen::Pen;
use super::popups;
use super::screens::{self, REGISTRY, ScreenId};
use super::state::{Job, JobState, Leaving, Notice, Order, Page, Pane, Phase, State};
use super::text::{count, duration, plural, width};
use super::theme::Tone;
use crate::model::Level;

/// How long a note hides the running job.
const NOTE_STAYS: Duration = Duration::from_secs(6);

/// What a click speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A tab.
    Screen(ScreenId),
    /// A row of a pane, counted from its first.
    Row(Pane, usize),
    /// A row of the pop-up.
    Popup(usize),
    /// A frame of the flame pane.
    Flame(u32),
    /// A heading of the split: order by it.
    Order(Order),
    /// A key in the footer.
    Action(&'static str),
}

/// What was drawn: where things stand, and how far each pane is scrolled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// Areas that can be clicked; later ones lie over earlier ones.
    pub hits: Vec<(Rect, Target)>,
    /// Pages of the panes.
    pub pages: BTreeMap<Pane, Page>,
    /// Areas of the panes, for the wheel.
    pub panes: Vec<(Rect, Pane)>,
    /// Where the flame pane stands, and its first level.
    pub flame: Option<(Rect, usize)>,
    /// Content rows computed for this frame.
    pub computed: usize,
}

impl Drawn {
    /// Notes an area that can be clicked.
    pub fn hit(&mut self, area: Rect, target: Target) {
        self.hits.push((area, target));
    }

    /// Notes a pane's area and page.
    pub fn pane(&mut self, pane: Pane, area: Rect, top: usize) {
        self.pages.insert(pane, Page { top, height: usize::from(area.height) });
        self.panes.push((area, pane));
    }

    /// What stands at a cell.
    pub fn at(&self, x: u16, y: u16) -> Option<Target> {
        let inside = |area: &Rect| area.contains(Position::new(x, y));
        self.hits.iter().rev().find(|(area, _)| inside(area)).map(|(_, target)| *target)
    }

    /// The pane at a cell.
    pub fn pane_at(&self, x: u16, y: u16) -> Option<Pane> {
        let inside = |area: &Rect| area.contains(Position::new(x, y));
        self.panes.iter().rev().find(|(area, _)| inside(area)).map(|(_, pane)| *pane)
    }
}

/// Draws the whole screen and says what stands where.
pub fn view(state: &State, frame: &mut Frame<'_>) -> Drawn {
    let area = frame.area();
    let mut drawn = Drawn::default();
    if area.width < 20 || area.height < 5 {
        Pen::new(frame.buffer_mut(), &state.theme, area, 0).put("refit needs 40x10", Tone::Warn);
        return drawn;
    }
    let body = body(area);
    let buffer = frame.buffer_mut();
    tabs(state, buffer, Rect::new(area.x, area.y, area.width, 1), &mut drawn);
    match (&state.phase, state.screen) {
        (Phase::Ready, _) | (_, ScreenId::Jobs) => (screens::of(state.screen).view)(state, buffer, body, &mut drawn),
        (Phase::Reading, _) => screens::opening::reading(state, buffer, body),
        (Phase::Failed(problems), _) => screens::opening::failed(state, problems, buffer, body),
    }
    job_line(state, buffer, Rect::new(area.x, area.bottom() - 2, area.width, 1), &mut drawn);
    footer(state, buffer, Rect::new(area.x, area.bottom() - 1, area.width, 1), &mut drawn);
    if let Some(popup) = &state.popup {
        // Behind a pop-up nothing can be clicked.
        drawn.hits.clear();
        drawn.panes.clear();
        popups::view(state, popup, frame, &mut drawn);
    }
    drawn
}

/// What of the terminal a screen has: tabs stand above it, the job line and the keys below.
pub fn body(area: Rect) -> Rect {
    Rect::new(area.x, area.y + 1, area.width, area.height.saturating_sub(3))
}

fn tabs(state: &State, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    let theme = &state.theme;
    let mut pen = Pen::new(buffer, theme, area, 0);
    let narrow = area.width < 70;
    if !narrow {
        let name = state.project.as_ref().map_or("refit", |p| p.name.as_str());
        pen.put(" ", Tone::Text).put(name, Tone::Title).put("   ", Tone::Text);
    }
    for (i, screen) in REGISTRY.iter().enumerate() {
        let start = pen.x();
        let here = screen.id == state.screen;
        let (open, close) = if here { (theme.glyph("▐", "["), theme.glyph("▌", "]")) } else { (" ", " ") };
        pen.put(if here { open } else { " " }, Tone::Accent);
        let tone = if here { Tone::Selected } else { Tone::Text };
        pen.put(&format!("{}", i + 1), if here { Tone::Selected } else { Tone::Key });
        pen.put(&format!(" {}", screen.title), tone);
        let badge = (screen.badge)(state);
        if !narrow && !badge.is_empty() {
            pen.put(&format!(" {badge}"), if here { Tone::Selected } else { Tone::Dim });
        }
        pen.put(if here { close } else { " " }, Tone::Accent);
        drawn.hit(Rect::new(start, area.y, pen.x() - start, 1), Target::Screen(screen.id));
        if !narrow {
            pen.space(1);
        }
    }
    tab_end(state, &mut pen, narrow);
}

/// What is being worked against, at the right of the tabs.
fn tab_end(state: &State, pen: &mut Pen<'_>, narrow: bool) {
    let Some(project) = state.project.as_ref().filter(|_| !narrow) else { return };
    let text = format!("lands on {} ", project.branch);
    if pen.left() > width(&text) + 2 && pen.move_to_right(width(&text)) {
        pen.put(&text, Tone::Dim);
    }
}

/// The line that always tells what runs, and the newest message.
fn job_line(state: &State, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    let theme = &state.theme;
    let mut pen = Pen::new(buffer, theme, area, 0);
    pen.put(" ", Tone::Text);
    drawn.hit(area, Target::Screen(ScreenId::Jobs));
    let running = state
        .open_jobs()
        .into_iter()
        .find(|j| !matches!(j.state, JobState::Waiting))
        .or(state.open_jobs().first().copied());
    // While a job runs, a note makes room for it again; warnings and errors stay until a key is pressed.
    let stays = |n: &&Notice| n.problem.level > Level::Note || state.now.saturating_sub(n.at) < NOTE_STAYS;
    if let Some(notice) = state.notice.as_ref().filter(|n| running.is_none() || stays(n)) {
        let tone = match notice.problem.level {
            Level::Error => Tone::Bad,
            Level::Warning => Tone::Warn,
            Level::Note => Tone::Accent,
        };
        if notice.problem.level != Level::Note {
            pen.put(&format!("{}: ", notice.problem.level.word()), tone);
        }
        pen.put(&notice.problem.what, tone);
        if !notice.problem.help.is_empty() {
            pen.put(&format!("; {}", notice.problem.help), Tone::Dim);
        }
        let right = format!(" {} ", jobs_in_short(state));
        if running.is_some() && pen.move_to_right(width(&right)) {
            pen.put(&right, Tone::Dim);
        }
        return;
    }
    match running {
        Some(job) => running_job(state, &mut pen, job),
        None => {
            let asking = state.jobs.iter().find(|j| j.is_open() && matches!(j.task, Task::Settle(_)));
            pen.put(asking.map_or("no job running", |job| job.title.as_str()), Tone::Dim);
        }
    }
}

fn jobs_in_short(state: &State) -> String {
    match state.open_jobs().len() {
        1 => String::from("1 job running"),
        n => format!("{n} jobs running or waiting"),
    }
}

fn running_job(state: &State, pen: &mut Pen<'_>, job: &Job) {
    let leaving = if state.leaving == Leaving::WhenIdle { "leaving after this: " } else { "" };
    let verb = match job.state {
        JobState::Stopping(_) => "stopping: ",
        JobState::Waiting => "waiting: ",
        _ => "",
    };
    pen.put(state.theme.glyph("● ", "* "), Tone::Accent);
    let took = duration(job.elapsed(state.now).as_millis() as u64 / 1000 * 1000);
    let waiting = state.open_jobs().len() - 1;
    let more = if waiting > 0 { format!(" · {waiting} more") } else { String::new() };
    // Questions that were asked while something is measured are answered after it.
    let resting =
        state.jobs.iter().filter(|j| j.state == JobState::Waiting && !j.is_listed() && j.step.is_some()).count();
    let more = if resting > 0 { format!("{more} · {} after it", plural(resting, "question")) } else { more };
    let tail = format!(" · {took}{more} · V cancels ");
    let room = pen.left().saturating_sub(width(&tail));
    let mut text = format!("{leaving}{verb}{}", job.title);
    if let Some((what, done, total)) = &job.step {
        let of = if *total > 0 { format!(" {done}/{total}") } else { String::new() };
        text.push_str(&format!(" ·{of} {what}"));
    }
    pen.put(&super::text::clip(&text, room), Tone::Text).put(&tail, Tone::Dim);
}

/// The screen's keys; those that cannot act now are left out, the palette says why.
fn footer(state: &State, buffer: &mut Buffer, area: Rect, drawn: &mut Drawn) {
    let theme = &state.theme;
    let mut pen = Pen::new(buffer, theme, area, 0);
    pen.put(" ", Tone::Text);
    let mut wanted: screens::Footer = match state.phase {
        Phase::Ready => (screens::of(state.screen).footer)(state),
        _ => vec![("refresh", None)],
    };
    wanted.retain(|(name, _)| (named(name).ready)(state).is_ok());
    // On a narrow screen the keys that lead everywhere stand without their names.
    let label = || (area.width < 60).then(String::new);
    wanted.extend([("palette", label()), ("help", label()), ("quit", label())]);
    // The three that lead everywhere are kept; what does not fit before them is left out from the end.
    while wanted.len() > 3 && footer_cells(&wanted) > usize::from(area.width) {
        wanted.remove(wanted.len() - 4);
    }
    for (name, label) in &wanted {
        let binding = named(name);
        let Some(key) = binding.keys.first() else { continue };
        let start = pen.x();
        pen.put(&spelled(*key), Tone::Key);
        let label = label.as_deref().unwrap_or(binding.title);
        if !label.is_empty() {
            pen.put(" ", Tone::Text).put(label, Tone::Text);
        }
        drawn.hit(Rect::new(start, area.y, pen.x() - start, 1), Target::Action(binding.name));
        pen.put("  ", Tone::Text);
    }
}

fn footer_cells(wanted: &[(&'static str, Option<String>)]) -> usize {
    let cells = |(name, label): &(&'static str, Option<String>)| {
        let binding = named(name);
        let key = binding.keys.first().map(|k| spelled(*k)).unwrap_or_default();
        width(&key) + 3 + width(label.as_deref().unwrap_or(binding.title))
    };
    1 + wanted.iter().map(cells).sum::<usize>()
}

/// `4,000 requests`.
pub fn requests(n: u64) -> String {
    if n == 1 { String::from("1 request") } else { format!("{} requests", count(n)) }
}
