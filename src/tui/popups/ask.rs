//! A line of text asked for: a word to find, a reason, a comment.

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;

use super::{Popup, boxed};
use crate::model::{Decision, Problem, RewriteId};
use crate::tui::actions::{choosing, deciding, flame, moving};
use crate::tui::message::{Command, Task};
use crate::tui::pen::Pen;
use crate::tui::state::State;
use crate::tui::theme::Tone;
use crate::tui::widgets::input::LineInput;

/// What the text is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A word to find.
    Search,
    /// Threads and time to look at.
    Brush,
    /// A recording to compare with.
    Older,
    /// A word that rows of the split must have.
    Filter,
    /// Words that listed proposals must have.
    Wanted,
    /// Why a hunk is rejected.
    Reject(RewriteId, usize),
    /// A remark on a line of a hunk.
    Comment(RewriteId, usize, usize),
}

/// The question and what was typed.
#[derive(Clone, Debug)]
pub struct Question {
    what: Ask,
    /// What was typed.
    pub input: LineInput,
}

impl Question {
    /// A question with text already in it.
    pub fn new(what: Ask, text: &str) -> Question {
        Question { what, input: LineInput::new(text) }
    }
}

/// Edits the text; Enter answers.
pub fn key(state: &mut State, mut question: Question, event: &KeyEvent) -> Vec<Command> {
    if event.code != KeyCode::Enter {
        question.input.key(event);
        state.popup = Some(Popup::Ask(question));
        return Vec::new();
    }
    let text = question.input.text.trim().to_string();
    match (&question.what, text.is_empty()) {
        (Ask::Brush, _) => return flame::brush(state, &text),
        (Ask::Older, _) => return flame::compare(state, text),
        (Ask::Filter, _) => return moving::filter_by(state, text),
        (Ask::Wanted, _) => return choosing::filter_by(state, &text),
        (Ask::Search, true) => {
            state.search.clear();
            flame::match_names(state);
        }
        (Ask::Search, false) => {
            state.search = text;
            return moving::find(state, true);
        }
        (_, true) => {
            state.say(Problem::note("nothing was written; type a text, or Esc"));
            state.popup = Some(Popup::Ask(question));
        }
        (Ask::Reject(id, hunk), false) => return deciding::decide_hunk(state, id, *hunk, Decision::Rejected(text)),
        (Ask::Comment(id, hunk, line), false) => return comment(state, id, *hunk, *line, text),
    }
    Vec::new()
}

fn comment(state: &mut State, id: &RewriteId, hunk: usize, line: usize, text: String) -> Vec<Command> {
    let rewrite = state.proposals.iter().find(|p| p.rewrite.id == *id).map(|p| Box::new(p.rewrite.clone()));
    match rewrite {
        Some(rewrite) => vec![state.start(Task::Comment(rewrite, hunk, line, text))],
        None => Vec::new(),
    }
}

/// Draws the question.
pub fn view(state: &State, question: &Question, buffer: &mut Buffer, screen: Rect) {
    let theme = &state.theme;
    let (title, prompt, foot) = match &question.what {
        Ask::Search => ("search", String::from("a word on this screen"), "Enter finds · n N more · Esc"),
        Ask::Brush => ("part of the recording", flame::brush_choices(state), "Enter looks at it · Esc"),
        Ask::Older => (
            "compare with",
            String::from("the file of an older recording, relative to slo.toml; nothing ends it"),
            "Enter compares · Esc",
        ),
        Ask::Filter => (
            "filter",
            String::from("only rows with this in function or file; nothing shows every row"),
            "Enter filters · Esc",
        ),
        Ask::Wanted => (
            "filter proposals",
            String::from("words, class:A rule: eye: state:open risk:low file: set:yes; -word leaves out"),
            "Enter filters · Esc",
        ),
        Ask::Reject(_, hunk) => (
            "reject",
            format!("why hunk {} is left; it is remembered until the code changes", hunk + 1),
            "Enter rejects · Esc",
        ),
        Ask::Comment(_, hunk, line) => {
            ("comment", format!("on line {} of hunk {}", line + 1, hunk + 1), "Enter keeps it · Esc")
        }
    };
    let area = boxed(buffer, theme, screen, (72, 2), title, foot);
    Pen::new(buffer, theme, area, 0).put(&prompt, Tone::Dim);
    let mut pen = Pen::new(buffer, theme, area, 1);
    pen.put("> ", Tone::Key);
    question.input.draw(&mut pen);
}
