//! Where the person looks: which pane, how it is laid out and ordered, and what the cursor stands on.

use std::sync::Arc;

use crate::model::{Brush, RowKind};
use crate::pipeline::Look;
use crate::tui::message::Wish;

/// How the diff is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Split {
    /// Side by side where there is room.
    #[default]
    Auto,
    /// One column.
    Unified,
    /// Two columns.
    SideBySide,
}

/// Which pane of a screen the moving keys speak to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// The list, the code or the diff.
    #[default]
    Main,
    /// What stands beside it.
    Aside,
}

/// Which pane a scroll position belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pane {
    /// The table of the split.
    Split,
    /// The source.
    Code,
    /// The list of proposals.
    Proposals,
    /// The diff.
    Diff,
    /// What stands beside the diff.
    Aside,
    /// The list of jobs.
    Jobs,
    /// The log of a job.
    Log,
    /// The pop-up.
    Popup,
}

/// What a pane showed last: its first row and how many rows fitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// First row shown.
    pub top: usize,
    /// Rows that fitted.
    pub height: usize,
}

/// Order of the split's table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By what is owned of the quantile (the ranking).
    #[default]
    Quantile,
    /// By mean share of CPU, as a flame graph would show it.
    Mean,
    /// By mean self time.
    SelfTime,
    /// By mean total time.
    Total,
    /// By what is over budget.
    Over,
    /// By the blocks it allocates, where a memory profile was read.
    Allocated,
    /// By the number of findings.
    Findings,
    /// By name.
    Name,
}

impl Order {
    /// Every order, in the order they are gone through.
    pub const ALL: [Order; 8] = [
        Order::Quantile,
        Order::Mean,
        Order::SelfTime,
        Order::Total,
        Order::Over,
        Order::Allocated,
        Order::Findings,
        Order::Name,
    ];

    /// What the heading of the table says.
    pub fn words(self) -> &'static str {
        match self {
            Order::Quantile => "function",
            Order::Mean => "function, by flame share",
            Order::SelfTime => "function, by self",
            Order::Total => "function, by total",
            Order::Over => "function, by ms over",
            Order::Allocated => "function, by blocks",
            Order::Findings => "function, by findings",
            Order::Name => "function, by name",
        }
    }
}

/// What the cursor of the split stands on, whatever the order and the folds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A row by kind and name.
    Row(RowKind, String),
    /// The fold of a kind.
    Fold(RowKind),
}

/// What the colours of the flame pane tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colouring {
    /// Whose code it is.
    #[default]
    Owner,
    /// What is over its budget.
    Budget,
    /// What has more or less of the weight than in an older recording.
    Growth,
}

/// The flame pane: the call tree and where the person looks.
#[derive(Debug, Default)]
pub struct FlamePane {
    /// It stands in the place of the table.
    pub is_shown: bool,
    /// The call tree, once it came.
    pub look: Option<Arc<Look>>,
    /// What the call tree was asked for.
    pub made_for: Option<Wish>,
    /// The frame that the pane opened on.
    pub home: u32,
    /// The frame that takes the whole width.
    pub zoom: u32,
    /// The selected frame.
    pub cursor: u32,
    /// First level shown below the zoom.
    pub top: usize,
    /// Only requests around the quantile.
    pub is_tail: bool,
    /// What the colours tell.
    pub colouring: Colouring,
    /// The part of the recording.
    pub brush: Brush,
    /// The recording to compare with; empty for none.
    pub older: String,
    /// Which names have the word searched for.
    pub matched: Vec<bool>,
    /// Weight of the frames that have it, callees included.
    pub matched_weight: u64,
}
