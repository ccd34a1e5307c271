//! The commands of a project not seen before, shown before any of them runs.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;

use super::{Popup, boxed};
use crate::tui::message::{Command, Task};
use crate::tui::pen::Pen;
use crate::tui::state::State;
use crate::tui::text::wrap;
use crate::tui::theme::Tone;

/// Commands to agree to, and what waits for it.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// The commands as they stand in `slo.toml`.
    pub commands: Vec<String>,
    /// What is done once they are agreed to.
    pub then: Task,
}

/// `y` agrees; everything else leaves them unrun.
pub fn key(state: &mut State, agreement: Agreement, event: &KeyEvent) -> Vec<Command> {
    if event.code != KeyCode::Char('y') {
        state.popup = Some(Popup::Trust(agreement));
        return Vec::new();
    }
    if let Some(project) = &mut state.project {
        project.unseen.clear();
    }
    vec![state.start(Task::Agree), state.start(agreement.then)]
}

/// Draws the commands.
pub fn view(state: &State, agreement: &Agreement, buffer: &mut Buffer, screen: Rect) {
    let theme = &state.theme;
    let width = 76.min(screen.width.saturating_sub(4));
    let intro = "this project's commands were not run here before. Proving builds its code, which can run anything:";
    let mut lines: Vec<(String, Tone)> = wrap(intro, usize::from(width)).into_iter().map(|l| (l, Tone::Text)).collect();
    for command in &agreement.commands {
        lines.push((format!("  {command}"), Tone::Accent));
    }
    let rows = lines.len() as u16 + 2;
    let area = boxed(buffer, theme, screen, (width, rows), "run these commands?", "y runs them · Esc");
    let room = area.height.saturating_sub(1);
    for (y, (line, tone)) in (0..room).zip(&lines) {
        Pen::new(buffer, theme, area, y).put(line, *tone);
    }
    if lines.len() > usize::from(room) && room > 0 {
        let more = format!("  and {} more; slo.toml has them all", lines.len() - usize::from(room) + 1);
        Pen::new(buffer, theme, area, room - 1).put(&more, Tone::Warn).space(usize::from(area.width));
    }
    let mut pen = Pen::new(buffer, theme, area, room);
    pen.put("y", Tone::Key).put("  run them, and remember that for exactly these commands", Tone::Text);
}
