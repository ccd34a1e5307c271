//! Text to read in a box: help, messages, evidence, reasons, the report.

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
use crate::tui::theme::Tone;
use crate::tui::view::Drawn;

/// One line of a sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct SheetLine {
    /// Its text.
    pub text: String,
    /// How it looks.
    pub tone: Tone,
    /// Cells from the left.
    pub indent: usize,
    /// Cells at the start that are keys to press.
    pub keys: usize,
    /// Logs and tables are cut at the edge, sentences are wrapped.
    pub verbatim: bool,
}

/// A title and lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    title: String,
    lines: Vec<SheetLine>,
    top: usize,
}

impl Sheet {
    fn new(title: &str) -> Sheet {
        Sheet { title: title.to_string(), lines: Vec::new(), top: 0 }
    }

    fn add(&mut self, text: impl Into<String>, tone: Tone, indent: usize) {
        self.lines.push(SheetLine { text: text.into(), tone, indent, keys: 0, verbatim: false });
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
    pub fn evidence(proposal: &Proposal) -> Sheet {
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
            for line in evidence.log.lines() {
                sheet.lines.push(SheetLine {
                    text: line.to_string(),
                    tone: Tone::Dim,
                    indent: 4,
                    keys: 0,
                    verbatim: true,
                });
            }
        }
        if let Some(m) = verdict.measurement() {
            sheet.add("", Tone::Text, 0);
            for line in measurement_lines(m) {
                sheet.add(line, Tone::Text, 2);
            }
        }
        sheet
    }

    /// Why findings here have no proposal, and what refuted the selected one; `None` where nothing was refused.
    pub fn refusals(state: &State) -> Option<Sheet> {
        let analysis = state.analysis.as_ref()?;
        let mut sheet = Sheet::new("why refused");
        let selected = state.selected().filter(|_| state.screen == ScreenId::Review);
        if let Some(proposal) = selected {
            sheet.of_proposal(proposal);
        }
        let file = match state.screen {
            ScreenId::Review => selected.map(|p| p.rewrite.file.clone()),
            ScreenId::Code => state.text.as_ref().map(|t| t.file.clone()),
            _ => state.contribution().map(|c| c.file.clone()).filter(|f| !f.is_empty()),
        };
        let here = analysis.refused.iter().filter(|r| file.as_ref().is_none_or(|f| *f == r.file));
        for refusal in here {
            sheet.add(format!("{} at {}:{}", refusal.rule, refusal.file, refusal.line), Tone::Title, 0);
            sheet.add(refusal.reason.clone(), Tone::Text, 2);
        }
        (!sheet.lines.is_empty()).then_some(sheet)
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
        for line in text.lines() {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            let heading = line.starts_with('#') && !fenced;
            let table = line.trim_start().starts_with('|');
            let tone = match () {
                () if fence => Tone::Dim,
                () if heading => Tone::Title,
                () if fenced && line.starts_with('+') => Tone::Good,
                () if fenced && line.starts_with('-') => Tone::Bad,
                () => Tone::Text,
            };
            let text = if heading { line.trim_start_matches('#').trim() } else { line };
            sheet.lines.push(SheetLine { text: text.to_string(), tone, indent: 0, keys: 0, verbatim: fenced || table });
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
    vec![
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
    ]
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
        if !sheet.lines.is_empty() {
            sheet.add("", Tone::Text, 0);
        }
        sheet.add(name, Tone::Title, 0);
        for binding in KEYMAP.iter().filter(|b| b.chapter == chapter) {
            let keys: Vec<String> = binding.keys.iter().map(|k| spelled(*k)).collect();
            let keys = if keys.is_empty() { String::from("palette") } else { keys.join(" ") };
            let text = format!("{keys:<14}{:<20}{}", binding.title, binding.help);
            sheet.lines.push(SheetLine { text, tone: Tone::Text, indent: 2, keys: 14, verbatim: true });
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
        self.top = self.top.saturating_add_signed(by).min(self.lines.len().saturating_sub(1));
    }
}

fn inner_width(state: &State) -> usize {
    usize::from(100.min(state.size.0.saturating_sub(4)))
}

/// Rows of the sheet at a width.
fn rows_of(sheet: &Sheet, width: usize) -> Vec<SheetLine> {
    let mut rows = Vec::new();
    for line in &sheet.lines {
        if line.verbatim {
            rows.push(line.clone());
            continue;
        }
        let texts = wrap(&line.text, width.saturating_sub(line.indent)).into_iter();
        rows.extend(texts.map(|text| SheetLine { text, ..line.clone() }));
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
        let keys = line.text.char_indices().nth(line.keys).map_or(line.text.len(), |(i, _)| i);
        let (keys, text) = line.text.split_at(if line.keys > 0 { keys } else { 0 });
        Pen::new(buffer, theme, area, y).space(line.indent).put(keys, Tone::Key).put(text, line.tone);
    }
    drawn.pages.insert(Pane::Popup, Page { top, height: usize::from(area.height) });
}
