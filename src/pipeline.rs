//! The pure stages composed: inputs in, the whole analysis out.

use crate::model::{
    Finding, HotFunction, Item, LineHeat, ObjectiveSplit, Problem, Profile, Refusal, Rewrite, Slo, SourceQuality,
};
use crate::source::FileRole;

/// One file of the base: path relative to the project root, text, and its place in its crate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputFile {
    /// Path relative to the project root.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Its place in its crate.
    pub role: FileRole,
}

/// Everything the analysis needs, already read.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// What `slo.toml` says.
    pub slo: Slo,
    /// All sources merged.
    pub profile: Profile,
    /// The Rust files of the base tree.
    pub files: Vec<InputFile>,
    /// Findings in every file, not in hot functions alone.
    pub all: bool,
}

/// What the stages made of the inputs.
#[derive(Clone, Debug, Default)]
pub struct Analysis {
    /// Name of the service.
    pub service: String,
    /// Quality of the sources.
    pub sources: Vec<SourceQuality>,
    /// One split per objective, as in `slo.toml`.
    pub objectives: Vec<ObjectiveSplit>,
    /// Functions worst first.
    pub hot: Vec<HotFunction>,
    /// Weight per line of files with hot functions.
    pub heat: Vec<LineHeat>,
    /// Functions of the workspace.
    pub items: Vec<Item>,
    /// Findings, dearest first.
    pub findings: Vec<Finding>,
    /// Proposals, dearest first.
    pub rewrites: Vec<Rewrite>,
    /// Findings without a rewrite, and why.
    pub refused: Vec<Refusal>,
    /// Number of files and lines looked at.
    pub files: u64,
    /// Lines looked at.
    pub lines: u64,
    /// Everything worth saying.
    pub problems: Vec<Problem>,
}
