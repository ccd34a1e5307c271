//! A proposed change: edits, what must hold for it, and what a reviewer must accept.

use super::{Class, EditSet, Eye, FindingCost, FunctionId, Kind, RuleId, TextRange};

/// Stable id of a proposal: `r` and 8 hex digits over rule, file, base hash and edits.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RewriteId(pub String);

impl std::fmt::Display for RewriteId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who can answer a precondition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnsweredBy {
    /// The syntax tree.
    Syntax,
    /// A probe compiled beside the candidate.
    Type,
    /// rustc accepts the edit or not.
    Borrow,
    /// Evidence from running it.
    Run,
}

impl AnsweredBy {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            AnsweredBy::Syntax => "syntax",
            AnsweredBy::Type => "type",
            AnsweredBy::Borrow => "borrow",
            AnsweredBy::Run => "run",
        }
    }
}

/// What is known of a precondition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// It holds.
    Holds,
    /// It does not hold: the rewrite must not land.
    Refuted,
    /// Not answered yet.
    Open,
}

impl Answer {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Answer::Holds => "holds",
            Answer::Refuted => "refuted",
            Answer::Open => "open",
        }
    }
}

/// What must hold for a rewrite to preserve behaviour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Precondition {
    /// One sentence.
    pub text: String,
    /// Who answers it.
    pub answered_by: AnsweredBy,
    /// The answer so far.
    pub state: Answer,
    /// The probe that answers it, where `answered_by` is [`AnsweredBy::Type`].
    pub probe: Option<Probe>,
}

impl Precondition {
    /// The line of the proof's log that answers it: `precondition holds: the key is hashed as it is compared`.
    pub fn answer_line(&self, answer: Answer) -> String {
        format!("precondition {}: {}", answer.word(), self.text)
    }
}

/// A question to rustc's type checker about an expression; never an error, read back from forced warnings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// File relative to the project root.
    pub file: String,
    /// Where the probe statement is inserted (start of a statement), byte offset of the original file.
    pub insert_at: u32,
    /// The expression asked about, bytes of the original file.
    pub expr: TextRange,
    /// What is asked.
    pub question: ProbeQuestion,
}

/// What a probe can ask of an expression's type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProbeQuestion {
    /// It is (a reference to) `Vec<_>`, `[_]`, `[_; N]` or `VecDeque<_>` of std.
    IsSequence,
    /// Its elements (as of `IsSequence`) implement `Eq + Hash`, and `PartialEq` and `Hash` are known to agree (primitive, `String`, `&str`, tuples of them).
    ElementHashEq,
    /// It implements `Eq + Hash` with agreement as above, after stripping references.
    HashEq,
    /// It implements `Copy`.
    Copy,
    /// It implements `Sync`.
    Sync,
    /// Its `Clone` is plain data (`String`, `Vec`, primitives, maps and structs of the workspace that derive `Clone` over such).
    PlainClone,
    /// It is of this type, spelled with full paths (`std::string::String`).
    IsType(String),
    /// After stripping references it is of one of these types, spelled as for `IsType`.
    IsOneOf(Vec<String>),
}

/// A proposed change with everything that must hold for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rewrite {
    /// Stable id.
    pub id: RewriteId,
    /// The rule it answers.
    pub rule: RuleId,
    /// The eye.
    pub eye: Eye,
    /// The kind.
    pub kind: Kind,
    /// The class.
    pub class: Class,
    /// Path of the finding's file.
    pub file: String,
    /// First line of the finding, from 1.
    pub line: u32,
    /// Last line of the finding, from 1.
    pub end_line: u32,
    /// Function around it.
    pub function: FunctionId,
    /// Imperative, fits a commit subject: `index seen by a set in risk::score`.
    pub title: String,
    /// The finding's sentence: what is slow and why.
    pub finding: String,
    /// Edits, one set per touched file.
    pub edits: Vec<EditSet>,
    /// Functions whose bodies change: the twin shim times these.
    pub touched: Vec<FunctionId>,
    /// Unified diff (`git apply` takes it).
    pub diff: String,
    /// What must hold.
    pub preconditions: Vec<Precondition>,
    /// What a reviewer must accept by name (class B).
    pub obligations: Vec<String>,
    /// True if hunks may land one without another.
    pub hunks_independent: bool,
    /// Upper bound of what it can win.
    pub cost: Option<FindingCost>,
}

/// Why a finding got no rewrite.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The rule.
    pub rule: RuleId,
    /// File relative to the project root.
    pub file: String,
    /// Line from 1.
    pub line: u32,
    /// One sentence: which precondition fails, and how it shows.
    pub reason: String,
}
