//! Text to read in a box: help, messages, evidence, reasons, the report.

mod table;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;

use super::{Popup, boxed};
use crate::model::{Answer, Level, Problem, RungState};
use crate::tui::keymap::{Chapter, KEYMAP, spelled};
use crate::tui::message::Command;
use crate::tui::pen::Pen;
use crate::tui::screens::ScreenId;
use crate::tui::sources;
use crate::tui::state::{Page, Pane, Proposal, State};
use crate::tui::text::{duration, wrap};
use crate::tui::theme::{Theme, Tone};
use crate::tui::view::Drawn;
use crate::tui::widgets::timing;

/// One line of a sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct SheetLine {
    /// Its text.
    pub text: String,
    /// How it looks.
    pub tone: Tone,
    /// Cells from the left.
    pub indent: usize,
    /// What the text is wrapped beside: keys and the name of what they do. Below it where there is little room.
    pub head: Option<(String, &'static str)>,
    /// Logs are cut at the edge, sentences are wrapped.
    pub verbatim: bool,
}

/// What a sheet is made of.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Line(SheetLine),
    Table(Vec<Vec<String>>),
}

/// A title and lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    title: String,
    parts: Vec<Part>,
    top: usize,
}

impl Sheet {
    fn new(title: &str) -> Sheet {
        Sheet { title: title.to_string(), parts: Vec::new(), top: 0 }
    }

    fn add(&mut self, text: impl Into<String>, tone: Tone, indent: usize) {
        self.push(SheetLine { text: text.into(), tone, indent, head: None, verbatim: false });
    }

    fn push(&mut self, line: SheetLine) {
        self.parts.push(Part::Line(line));
    }

    /// Messages with places and help.
    pub fn problems(title: &str, problems: &[Problem]) -> Sheet {
        let mut sheet = Sheet::new(title);
        for problem in problems {
            let tone = match problem.level {
                Level::Error => Tone::Bad,
                Level::Warning => Tone::Warn,
                Level::Note => Tone::Text,
            };
            sheet.add(format!("{}: {}", problem.level.word(), problem.what), tone, 0);
            if let Some(place) = &problem.place {
                sheet.add(format!("at {place}"), Tone::Dim, 2);
            }
            if !problem.help.is_empty() {
                sheet.add(format!("help: {}", problem.help), Tone::Accent, 2);
            }
        }
        sheet
    }

    /// What was measured: age, commit and quality of each source.
    pub fn sources(state: &State) -> Sheet {
        let mut sheet = Sheet::new("sources");
        for (n, (indent, text, tone)) in sources::lines(state).into_iter().enumerate() {
            if indent == 0 && n > 0 {
                sheet.add("", Tone::Text, 0);
            }
            sheet.add(text, tone, indent);
        }
        sheet
    }

    /// Every rung of a proposal, with its numbers and the tail of its log.
    pub fn evidence(theme: &Theme, proposal: &Proposal) -> Sheet {
        let mut sheet = Sheet::new("evidence");
        sheet.add(proposal.rewrite.title.clone(), Tone::Title, 0);
        let Some(verdict) = &proposal.verdict else { return sheet };
        sheet.add(format!("{}: {}", verdict.state_word(), verdict.by()), Tone::Text, 0);
        for evidence in verdict.evidence() {
            let tone = match evidence.state {
                RungState::Passed => Tone::Good,
                RungState::Failed => Tone::Bad,
                _ => Tone::Warn,
            };
            let cached = if evidence.cached { ", from an equal tree before" } else { "" };
            sheet.add("", Tone::Text, 0);
            sheet.add(
                format!("{}: {} ({}{cached})", evidence.rung.word(), evidence.state.word(), duration(evidence.ms)),
                tone,
                0,
            );
            sheet.add(evidence.detail.clone(), Tone::Text, 2);
            sheet.add(format!("rests on {}", evidence.rung.rests_on()), Tone::Dim, 2);
            for line in evidence.log.lines() {
                let text = line.to_string();
                sheet.push(SheetLine { text, tone: Tone::Dim, indent: 4, head: None, verbatim: true });
            }
        }
        if let Some(m) = verdict.measurement() {
            sheet.add("", Tone::Text, 0);
            for line in measurement_lines(m) {
                sheet.add(line, Tone::Text, 2);
            }
            for text in timing::strips(theme, m, 76) {
                sheet.push(SheetLine { text, tone: Tone::Text, indent: 2, head: None, verbatim: true });
            }
        }
        sheet
    }

    /// Why findings here have no proposal, and what refuted the selected one; `None` where nothing was refused.
    pub fn refusals(state: &State) -> Option<Sheet> {
        let mut sheet = Sheet::new("why refused");
        let selected = state.selected().filter(|_| state.screen == ScreenId::Review);
        if let Some(proposal) = selected {
            sheet.of_proposal(proposal);
        }
        let file = match state.screen {
            ScreenId::Review if !state.opened => None,
            ScreenId::Review => selected.map(|p| p.rewrite.file.clone()),
            ScreenId::Code => state.text.as_ref().map(|t| t.file.clone()),
            _ => state.contribution().map(|c| c.file.clone()).filter(|f| !f.is_empty()),
        };
        let here = state.refused().into_iter().filter(|r| file.as_ref().is_none_or(|f| *f == r.file));
        for refusal in here {
            sheet.add(format!("{} at {}:{}", refusal.rule, refusal.file, refusal.line), Tone::Title, 0);
            sheet.add(refusal.reason.clone(), Tone::Text, 2);
        }
        (!sheet.parts.is_empty()).then_some(sheet)
    }

    fn of_proposal(&mut self, proposal: &Proposal) {
        let refuted: Vec<_> = proposal.rewrite.preconditions.iter().filter(|p| p.state == Answer::Refuted).collect();
        let verdict = proposal.verdict.as_ref().filter(|v| v.state_word() != "proved");
        if refuted.is_empty() && verdict.is_none() {
            return;
        }
        self.add(proposal.rewrite.title.clone(), Tone::Title, 0);
        for precondition in refuted {
            self.add(
                format!("does not hold ({}): {}", precondition.answered_by.word(), precondition.text),
                Tone::Bad,
                2,
            );
        }
        if let Some(verdict) = verdict {
            self.add(format!("{}: {}", verdict.state_word(), verdict.by()), Tone::Warn, 2);
        }
    }

    /// A report in Markdown.
    pub fn markdown(title: &str, text: &str) -> Sheet {
        let mut sheet = Sheet::new(title);
        let mut fenced = false;
        let lines: Vec<&str> = text.lines().collect();
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            let barred = lines[at..].iter().take_while(|l| !fenced && l.trim_start().starts_with('|')).count();
            if let Some(cells) = table::cells(&lines[at..at + barred]) {
                sheet.parts.push(Part::Table(cells));
                at += barred;
                continue;
            }
            at += 1;
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            let heading = line.starts_with('#') && !fenced;
            let tone = match () {
                () if fence => Tone::Dim,
                () if heading => Tone::Title,
                () if fenced && line.starts_with('+') => Tone::Good,
                () if fenced && line.starts_with('-') => Tone::Bad,
                () => Tone::Text,
            };
            let text = if heading { line.trim_start_matches('#').trim() } else { line };
            sheet.push(SheetLine { text: text.to_string(), tone, indent: 0, head: None, verbatim: fenced });
        }
        sheet
    }
}

/// A measurement in two lines for people.
pub fn measurement_lines(m: &crate::model::Measurement) -> Vec<String> {
    let ns = |v: f64| match v {
        v if v >= 1e6 => format!("{:.2} ms", v / 1e6),
        v if v >= 1e3 => format!("{:.2} µs", v / 1e3),
        v => format!("{v:.0} ns"),
    };
    let lines = vec![
        format!("{} {:.3}× [{:.3}–{:.3}] of the old time", m.speed.word(), m.ratio, m.ci.0, m.ci.1),
        format!("{} → {} per call", ns(m.old_ns), ns(m.new_ns)),
        format!(
            "{} calls of the {}, {} pairs",
            crate::tui::text::count(m.calls),
            m.exercised_by,
            crate::tui::text::count(m.pairs)
        ),
        format!("noise floor ±{:.1} %, smallest effect seen {:.1} %", m.noise_floor * 100.0, m.mde * 100.0),
        format!("witness: {}", m.witness),
    ];
    let beside = m.also_counted().map(|all| format!("also counted: {all} a call"));
    lines.into_iter().chain(beside).collect()
}

/// All keys, by chapter.
pub fn help() -> Sheet {
    let mut sheet = Sheet::new("keys");
    for (chapter, name) in [
        (Chapter::Moving, "moving"),
        (Chapter::Proving, "proving"),
        (Chapter::Deciding, "deciding and landing"),
        (Chapter::General, "the workbench"),
    ] {
        if !sheet.parts.is_empty() {
            sheet.add("", Tone::Text, 0);
        }
        sheet.add(name, Tone::Title, 0);
        for binding in KEYMAP.iter().filter(|b| b.chapter == chapter) {
            let keys: Vec<String> = binding.keys.iter().map(|k| spelled(*k)).collect();
            let keys = if keys.is_empty() { String::from("palette") } else { keys.join(" ") };
            let (head, text) = (Some((keys, binding.title)), binding.help.to_string());
            sheet.push(SheetLine { text, tone: Tone::Text, indent: 2, head, verbatim: false });
        }
    }
    sheet.add("", Tone::Text, 0);
    sheet.add("the mouse selects rows, tabs and hunks; the wheel scrolls; pasted text never acts", Tone::Dim, 0);
    sheet
}

/// Scrolls; Enter or `q` close.
pub fn key(state: &mut State, mut sheet: Sheet, event: &KeyEvent) -> Vec<Command> {
    let page = state.page(Pane::Popup).height.saturating_sub(1).max(1);
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    match event.code {
        KeyCode::Enter | KeyCode::Char('q') => return Vec::new(),
        KeyCode::Char('j') | KeyCode::Down => sheet.top += 1,
        KeyCode::Char('k') | KeyCode::Up => sheet.top = sheet.top.saturating_sub(1),
        KeyCode::PageDown | KeyCode::Char(' ') => sheet.top += page,
        KeyCode::Char('d' | 'f') if control => sheet.top += page,
        KeyCode::PageUp => sheet.top = sheet.top.saturating_sub(page),
        KeyCode::Char('u' | 'b') if control => sheet.top = sheet.top.saturating_sub(page),
        KeyCode::Home | KeyCode::Char('g') => sheet.top = 0,
        KeyCode::End | KeyCode::Char('G') => sheet.top = usize::MAX / 2,
        _ => {}
    }
    let rows = rows_of(&sheet, inner_width(state)).len();
    sheet.top = sheet.top.min(rows.saturating_sub(page + 1));
    state.popup = Some(Popup::Sheet(sheet));
    Vec::new()
}

/// Turns the wheel over a sheet.
impl Sheet {
    /// Scrolls by rows.
    pub fn scroll(&mut self, by: isize) {
        self.top = self.top.saturating_add_signed(by).min(10_000);
    }
}

fn inner_width(state: &State) -> usize {
    usize::from(100.min(state.size.0.saturating_sub(4)))
}

/// A row as it is drawn: cells from the left, what is to press, what is said.
struct Row {
    indent: usize,
    keys: String,
    text: String,
    tone: Tone,
}

/// Cells of the keys in front of an action, and of both keys and name.
const KEYS: usize = 14;
const HEAD: usize = 34;

/// Rows of the sheet at a width.
fn rows_of(sheet: &Sheet, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for part in &sheet.parts {
        match part {
            Part::Line(line) => rows.extend(rows_of_line(line, width)),
            Part::Table(cells) => {
                let tone = |n: usize| if n == 0 { Tone::Dim } else { Tone::Text };
                let texts = table::rows(cells, width).into_iter().enumerate();
                rows.extend(texts.map(|(n, text)| Row { indent: 0, keys: String::new(), text, tone: tone(n) }));
            }
        }
    }
    rows
}

fn rows_of_line(line: &SheetLine, width: usize) -> Vec<Row> {
    let row = |indent, text| Row { indent, keys: String::new(), text, tone: line.tone };
    if line.verbatim {
        return vec![row(line.indent, line.text.clone())];
    }
    let Some((keys, name)) = &line.head else {
        return wrap(&line.text, width.saturating_sub(line.indent)).into_iter().map(|t| row(line.indent, t)).collect();
    };
    let keys = format!("{keys:<KEYS$}");
    let beside = width >= line.indent + HEAD + 24;
    let indent = if beside { line.indent + HEAD } else { line.indent + 4 };
    let mut rows: Vec<Row> =
        wrap(&line.text, width.saturating_sub(indent)).into_iter().map(|t| row(indent, t)).collect();
    if beside {
        let first = rows[0].text.clone();
        rows[0] = Row { keys, ..row(line.indent, format!("{name:<0$}{first}", HEAD - KEYS)) };
    } else {
        rows.insert(0, Row { keys, ..row(line.indent, (*name).to_string()) });
    }
    rows
}

/// Draws the visible rows.
pub fn view(state: &State, sheet: &Sheet, buffer: &mut Buffer, screen: Rect, drawn: &mut Drawn) {
    let theme = &state.theme;
    let width = inner_width(state);
    let rows = rows_of(sheet, width);
    let height = (rows.len() as u16).min(screen.height.saturating_sub(4)).max(1);
    let more = rows.len() > usize::from(height);
    let foot = if more { "j k scroll · Esc" } else { "Esc" };
    let area = boxed(buffer, theme, screen, (width as u16, height), &sheet.title, foot);
    let top = sheet.top.min(rows.len().saturating_sub(usize::from(area.height)));
    for (y, line) in (0..area.height).zip(rows.iter().skip(top)) {
        Pen::new(buffer, theme, area, y).space(line.indent).put(&line.keys, Tone::Key).put(&line.text, line.tone);
    }
    drawn.pages.insert(Pane::Popup, Page { top, height: usize::from(area.height) });
}
