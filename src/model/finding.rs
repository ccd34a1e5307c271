//! A place that a rule recognised, and the words for eyes, kinds and classes.

use super::{FunctionId, Interval, TextEdit, TextRange};

/// The stable id of a rule, `quadratic-membership`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub &'static str);

impl std::fmt::Display for RuleId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// Declares an enum of words with their spelling in JSON and on screens.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }
        impl $name {
            /// All values in the order of the design's table.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];
            /// The word in JSON and on screens.
            pub fn word(self) -> &'static str { match self { $($name::$variant => $word,)+ } }
        }
    };
}

words! {
    /// One of the seven lenses.
    Eye {
        /// Growth and repeated work in loops.
        Loops = "loops",
        /// Error handling.
        Errors = "errors",
        /// Cache lines and sizes.
        Layout = "layout",
        /// Copies and allocations.
        Memory = "memory",
        /// Marshalling and logging.
        Boundary = "boundary",
        /// Retries, sleeps, chatty I/O.
        Waiting = "waiting",
        /// Locks.
        Concurrency = "concurrency",
    }
}

words! {
    /// One of the twelve kinds of inefficiency.
    Kind {
        /// Accidental quadratic work, nested loops.
        Quadratic = "quadratic",
        /// Built anew although it never changes.
        RebuiltInvariant = "rebuilt-invariant",
        /// Ladders of `match`/`map_err`.
        ErrorLadder = "error-ladder",
        /// Checks and lookups repeated.
        DefensiveRedundancy = "defensive-redundancy",
        /// Fields and cache lines.
        CacheLayout = "cache-layout",
        /// Large types.
        Footprint = "footprint",
        /// Copies of what is only read.
        DefensiveCopy = "defensive-copy",
        /// Allocations that a buffer or an iterator saves.
        AllocChurn = "alloc-churn",
        /// To text and back.
        Marshalling = "marshalling",
        /// Flush, open or format per call.
        FlushLogging = "flush-logging",
        /// Retries, sleeps, polls.
        HiddenWait = "hidden-wait",
        /// Guards that live too long.
        WideLock = "wide-lock",
    }
}

words! {
    /// How far a rewrite can be trusted to keep behaviour.
    Class {
        /// Automatic: behaviour is preserved if its preconditions hold.
        A = "A",
        /// Automatic, with a named obligation that a reviewer must accept.
        B = "B",
        /// A scaffold that a person completes.
        C = "C",
        /// On request: it changes behaviour on purpose, and says so. Never proposed unless this class is asked for.
        D = "D",
    }
}

impl Kind {
    /// True for kinds whose worth is not speed: what they flag runs as fast as its rewrite.
    pub fn is_neutral(self) -> bool {
        self == Kind::ErrorLadder
    }
}

/// What a finding costs: its function's (or its lines') part of the objective's quantile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FindingCost {
    /// ms of the quantile, an upper bound of what can be won.
    pub c_ms: f64,
    /// Interval of it.
    pub ci_ms: Interval,
    /// Basis word ([`super::Basis::word`], `lines` where line heat placed it, `users` where it is the sum over the
    /// functions that use a type, or `neutral` where a rewrite wins no time).
    pub basis: &'static str,
}

/// Lines of a function, besides the flagged ones, on which a finding costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CostLines {
    /// The function.
    pub function: FunctionId,
    /// Its file, relative to the project root.
    pub file: String,
    /// Lines from 1, in order, each once.
    pub lines: Vec<u32>,
}

/// A place in the source that a rule recognised.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule.
    pub rule: RuleId,
    /// Its eye.
    pub eye: Eye,
    /// Its kind.
    pub kind: Kind,
    /// Class of the rewrite it leads to.
    pub class: Class,
    /// Path relative to the project root.
    pub file: String,
    /// The flagged bytes.
    pub range: TextRange,
    /// First line, from 1.
    pub line: u32,
    /// Last line, from 1.
    pub end_line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The function around it; empty for a type.
    pub function: FunctionId,
    /// One sentence: what and why it costs.
    pub message: String,
    /// Ranges the rule captured for its recipe, by name (`collection`, `key`, `loop`, …).
    pub captures: Vec<(&'static str, TextRange)>,
    /// Where else it costs: the functions that use a flagged type, the lines on which a flagged value is used and dropped.
    pub costs_on: Vec<CostLines>,
    /// What it costs, once priced by the attribution.
    pub cost: Option<FindingCost>,
    /// True if a recipe answers the rule.
    pub has_rewrite: bool,
}

impl Finding {
    /// The captured range of that name.
    pub fn capture(&self, name: &str) -> Option<TextRange> {
        self.captures.iter().find(|(n, _)| *n == name).map(|(_, r)| *r)
    }

    /// All captured ranges of that name.
    pub fn captures_named(&self, name: &str) -> Vec<TextRange> {
        self.captures.iter().filter(|(n, _)| *n == name).map(|(_, r)| *r).collect()
    }
}

/// What another tool found, with the fix that it suggests.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggested {
    /// Its finding.
    pub finding: Finding,
    /// Its fix, all of it in the finding's file; empty where it has none that a machine may apply.
    pub edits: Vec<TextEdit>,
}
