//! The screens, one file each, and their table: tabs, footer and drawing read it.

pub mod budget;
pub mod code;
mod jobs;
pub mod opening;
mod review;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::state::State;
use super::view::Drawn;

/// Names a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScreenId {
    /// What misses its limit.
    Budget,
    /// The source.
    Code,
    /// Proposals.
    Review,
    /// Work.
    Jobs,
}

/// Names of actions, with a label of their own where the state gives one.
pub type Footer = Vec<(&'static str, Option<String>)>;

/// One screen.
pub struct Screen {
    /// Its name in the program.
    pub id: ScreenId,
    /// Its name on the tab.
    pub title: &'static str,
    /// A few characters behind the title.
    pub badge: fn(&State) -> String,
    /// Names of its first actions for the footer, with a label of their own where the state gives one.
    pub footer: fn(&State) -> Footer,
    /// Draws it.
    pub view: fn(&State, &mut Buffer, Rect, &mut Drawn),
}

/// All screens in the order of their keys.
pub const REGISTRY: &[Screen] = &[budget::SCREEN, code::SCREEN, review::SCREEN, jobs::SCREEN];

/// The screen of a name.
pub fn of(id: ScreenId) -> &'static Screen {
    REGISTRY.iter().find(|s| s.id == id).unwrap_or(&REGISTRY[0])
}
