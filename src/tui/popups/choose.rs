//! A question with a few answers, each with its letter; the answer carried out.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;

use super::{Popup, boxed};
use crate::model::Problem;
use crate::tui::actions::settling;
use crate::tui::message::{Command, Task};
use crate::tui::pen::Pen;
use crate::tui::state::{Leaving, State};
use crate::tui::text::wrap;
use crate::tui::theme::Tone;
use crate::tui::view::{Drawn, Target};

/// What an answer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Commit what is signed on the branch.
    LandOnBranch,
    /// Commit what is signed on the branch, as one change.
    LandAsOne,
    /// Fast-forward the checkout.
    LandHere,
    /// Take back the newest operation.
    Undo,
    /// Do it again.
    Redo,
    /// Remove the build slots.
    Clean,
    /// Leave once the jobs have ended.
    LeaveWhenIdle,
    /// Stop the jobs and leave.
    LeaveNow,
}

/// The question.
#[derive(Clone, Debug)]
pub struct Choose {
    /// Title of the box.
    pub title: String,
    /// What is asked.
    pub text: String,
    /// Letter, meaning, answer.
    pub choices: Vec<(char, &'static str, Choice)>,
}

/// A letter answers; any other key leaves the question open.
pub fn key(state: &mut State, question: Choose, event: &KeyEvent) -> Vec<Command> {
    let answer = question.choices.iter().find(|(letter, _, _)| event.code == KeyCode::Char(*letter)).map(|c| c.2);
    match answer {
        Some(choice) => carry_out(state, choice),
        None => {
            state.popup = Some(Popup::Choose(question));
            Vec::new()
        }
    }
}

/// An answer was clicked.
pub fn click(state: &mut State, question: Choose, row: usize) -> Vec<Command> {
    match question.choices.get(row) {
        Some((_, _, choice)) => carry_out(state, *choice),
        None => Vec::new(),
    }
}

fn carry_out(state: &mut State, choice: Choice) -> Vec<Command> {
    let task = match choice {
        Choice::LandOnBranch => Task::Apply(state.signed.values().cloned().collect()),
        Choice::LandAsOne => Task::ApplySet(state.signed.values().cloned().collect()),
        Choice::LandHere => Task::LandHere,
        Choice::Undo => Task::Undo,
        Choice::Redo => Task::Redo,
        Choice::Clean => Task::Clean,
        Choice::LeaveNow => return vec![Command::Quit(0)],
        Choice::LeaveWhenIdle => {
            state.leaving = Leaving::WhenIdle;
            state.say(Problem::note("leaving once the jobs have ended; q leaves at once"));
            return Vec::new();
        }
    };
    let mut commands = settling::make_room(state, &task);
    commands.push(state.start(task));
    commands
}

/// Draws the question and its answers.
pub fn view(state: &State, question: &Choose, buffer: &mut Buffer, screen: Rect, drawn: &mut Drawn) {
    let theme = &state.theme;
    let width = 66.min(screen.width.saturating_sub(4));
    let text = wrap(&question.text, usize::from(width));
    let rows = text.len() as u16 + 1 + question.choices.len() as u16;
    let area = boxed(buffer, theme, screen, (width, rows), &question.title, "Esc: none of these");
    // The answers stay on the screen whatever the length of the text above them.
    let answers = (question.choices.len() as u16).min(area.height);
    let room = area.height - answers;
    for (y, line) in (0..room).zip(&text) {
        Pen::new(buffer, theme, area, y).put(line, Tone::Text);
    }
    let start = room.min(text.len() as u16 + 1);
    for (i, (letter, meaning, _)) in question.choices.iter().enumerate() {
        let y = start + i as u16;
        if y >= area.height {
            break;
        }
        Pen::new(buffer, theme, area, y)
            .put(&letter.to_string(), Tone::Key)
            .put("  ", Tone::Text)
            .put(meaning, Tone::Text);
        drawn.hit(Rect::new(area.x, area.y + y, area.width, 1), Target::Popup(i));
    }
}
