//! A sign-off: obligations ticked one by one, a role, and where evidence is missing a reason that is recorded.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;

use super::{Popup, boxed};
use crate::model::{Outcome, Problem, RewriteId, Verdict};
use crate::tui::message::{Command, Signing, Task};
use crate::tui::pen::Pen;
use crate::tui::state::{Proposal, State};
use crate::tui::text::wrap;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::input::LineInput;

/// What is being signed.
#[derive(Clone, Debug)]
pub struct SignSheet {
    rewrite: RewriteId,
    title: String,
    proof: String,
    proved: bool,
    obligations: Vec<(String, bool)>,
    roles: Vec<String>,
    role: usize,
    reason: LineInput,
    row: usize,
}

impl SignSheet {
    /// The sheet for a proposal; the first role is none.
    pub fn new(proposal: &Proposal, mut roles: Vec<String>) -> SignSheet {
        roles.sort();
        roles.dedup();
        roles.insert(0, String::new());
        let accepted = &proposal.review.obligations_accepted;
        let proved = proposal.verdict.as_ref().is_some_and(|v| v.outcome() == Outcome::Verified);
        SignSheet {
            rewrite: proposal.rewrite.id.clone(),
            title: proposal.rewrite.title.clone(),
            proof: proof_of(proposal.verdict.as_ref()),
            proved,
            obligations: proposal.rewrite.obligations.iter().map(|o| (o.clone(), accepted.contains(o))).collect(),
            roles,
            role: 0,
            reason: LineInput::default(),
            row: 0,
        }
    }

    /// True while the reason is being typed.
    pub fn takes_text(&self) -> bool {
        !self.proved && self.row == self.obligations.len()
    }

    /// Takes pasted text over where a reason is typed.
    pub fn paste(&mut self, text: &str) {
        if self.takes_text() {
            self.reason.insert(text);
        }
    }

    fn rows(&self) -> usize {
        self.obligations.len() + usize::from(!self.proved)
    }

    fn missing(&self) -> Option<&'static str> {
        if self.obligations.iter().any(|(_, ticked)| !ticked) {
            return Some("an obligation is not ticked (Space ticks it)");
        }
        if !self.proved && self.reason.text.trim().is_empty() {
            return Some("it is not proved: Esc and v proves it, or write a reason to sign without proof");
        }
        None
    }
}

fn proof_of(verdict: Option<&Verdict>) -> String {
    match verdict {
        Some(v) if v.outcome() == Outcome::Verified => String::from("proved: every rung holds"),
        Some(v) => format!("{}: {}", v.state_word(), v.by()),
        None => String::from("not proved yet"),
    }
}

/// Ticks, types, or signs.
pub fn key(state: &mut State, mut sheet: Box<SignSheet>, event: &KeyEvent) -> Vec<Command> {
    match event.code {
        KeyCode::Enter => return sign(state, sheet),
        KeyCode::Down => sheet.row = (sheet.row + 1).min(sheet.rows().saturating_sub(1)),
        KeyCode::Up => sheet.row = sheet.row.saturating_sub(1),
        KeyCode::Tab => sheet.role = (sheet.role + 1) % sheet.roles.len(),
        _ if sheet.takes_text() => {
            sheet.reason.key(event);
        }
        KeyCode::Char('j') => sheet.row = (sheet.row + 1).min(sheet.rows().saturating_sub(1)),
        KeyCode::Char('k') => sheet.row = sheet.row.saturating_sub(1),
        KeyCode::Char(' ') => {
            let row = sheet.row;
            if let Some((_, ticked)) = sheet.obligations.get_mut(row) {
                *ticked = !*ticked;
            }
        }
        _ => {}
    }
    state.popup = Some(Popup::Sign(sheet));
    Vec::new()
}

fn sign(state: &mut State, sheet: Box<SignSheet>) -> Vec<Command> {
    if let Some(missing) = sheet.missing() {
        state.say(Problem::note(format!("cannot sign yet: {missing}")));
        state.popup = Some(Popup::Sign(sheet));
        return Vec::new();
    }
    let Some(proposal) = state.proposals.iter().find(|p| p.rewrite.id == sheet.rewrite) else {
        state.say(Problem::note("the proposal has gone; choose another"));
        return Vec::new();
    };
    let signing = Signing {
        rewrite: proposal.rewrite.clone(),
        verdict: proposal.verdict.clone(),
        role: sheet.roles[sheet.role].clone(),
        reason: (!sheet.proved).then(|| sheet.reason.text.trim().to_string()),
        obligations: !sheet.obligations.is_empty(),
    };
    vec![state.start(Task::Sign(Box::new(signing)))]
}

/// Draws the sheet.
pub fn view(state: &State, sheet: &SignSheet, buffer: &mut Buffer, screen: Rect) {
    let theme = &state.theme;
    let width = 76.min(screen.width.saturating_sub(4));
    let lines = lines(sheet, theme, usize::from(width));
    let foot = "Enter signs · Esc";
    let area = boxed(buffer, theme, screen, (width, lines.len() as u16), "sign", foot);
    let cursor = lines.iter().position(|l| l.row == Some(sheet.row)).unwrap_or(0);
    let top = (cursor + 2).saturating_sub(usize::from(area.height));
    for (y, line) in (0..area.height).zip(lines.iter().skip(top)) {
        let mut pen = Pen::new(buffer, theme, area, y);
        if line.row == Some(sheet.row) {
            pen = pen.under(Tone::Selected);
        }
        pen.put(&line.text, line.tone);
        if line.is_reason {
            sheet.reason.draw(&mut pen);
        }
    }
}

/// A line of the sheet.
struct SignLine {
    text: String,
    tone: Tone,
    row: Option<usize>,
    is_reason: bool,
}

fn lines(sheet: &SignSheet, theme: &Theme, width: usize) -> Vec<SignLine> {
    let mut out = Vec::new();
    let mut add = |text: String, tone: Tone, row: Option<usize>, is_reason: bool| {
        out.push(SignLine { text, tone, row, is_reason });
    };
    add(sheet.title.clone(), Tone::Title, None, false);
    let (mark, tone) = if sheet.proved { (theme.glyph("✓", "+"), Tone::Good) } else { ("!", Tone::Warn) };
    for line in wrap(&format!("{mark} {}", sheet.proof), width) {
        add(line, tone, None, false);
    }
    if !sheet.obligations.is_empty() {
        add(String::from("what you answer for (Space ticks):"), Tone::Dim, None, false);
    }
    for (i, (obligation, ticked)) in sheet.obligations.iter().enumerate() {
        let tick = if *ticked { "[x] " } else { "[ ] " };
        for (n, line) in wrap(obligation, width.saturating_sub(4)).into_iter().enumerate() {
            let lead = if n == 0 { tick } else { "    " };
            add(format!("{lead}{line}"), Tone::Text, Some(i), false);
        }
    }
    if !sheet.proved {
        add(String::from("reason to sign without proof, recorded as FORCED in the commit:"), Tone::Warn, None, false);
        add(String::from("> "), Tone::Key, Some(sheet.obligations.len()), true);
    }
    let role = if sheet.roles[sheet.role].is_empty() { "no role" } else { &sheet.roles[sheet.role] };
    let change = if sheet.roles.len() > 1 { " (Tab changes)" } else { "" };
    add(format!("signed as: your name in git's configuration, {role}{change}"), Tone::Dim, None, false);
    out
}
