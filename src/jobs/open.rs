//! A project folder in, a workspace with its budgets, base tree and analysis out.

use std::path::{Path, PathBuf};

use super::Ear;
use crate::model::{Problem, Slo};
use crate::pipeline::Analysis;

/// May commands of this `slo.toml` run?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The person agreed to exactly these commands (or the repository was made by `refit try`).
    Trusted,
    /// These commands were never seen; show them and ask.
    Unseen(Vec<String>),
}

/// A project that is open: where it is and what its `slo.toml` says. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The folder that holds `slo.toml`; paths in it and in the model are relative to this.
    pub root: PathBuf,
    /// Path of the configuration.
    pub config: PathBuf,
    /// What it says.
    pub slo: Slo,
    /// Problems of reading it that are not errors.
    pub problems: Vec<Problem>,
    /// Branch that proposals land on, `refit/<name>`.
    pub branch: String,
}

impl Workspace {
    /// Opens a project: reads `slo.toml` and finds the repository. Executes nothing.
    ///
    /// # Errors
    /// All problems that keep it from opening, at once.
    pub fn open(root: &Path, config: &Path) -> Result<Workspace, Vec<Problem>> {
        let _ = (root, config);
        Err(vec![Problem::error("not built yet")])
    }

    /// Reads profile and sources and composes the stages; `all` looks beyond hot functions.
    ///
    /// # Errors
    /// What keeps the analysis from being made; smaller problems are in the analysis.
    pub fn analyse(&self, all: bool, ear: &Ear) -> Result<Analysis, Vec<Problem>> {
        let _ = (all, ear);
        Err(vec![Problem::error("not built yet")])
    }

    /// Whether the commands of `slo.toml` were agreed to.
    pub fn trust(&self) -> Trust {
        Trust::Unseen(Vec::new())
    }

    /// Remembers that the person saw and agreed to the commands as they stand.
    ///
    /// # Errors
    /// The user's data folder cannot be written.
    pub fn agree(&self) -> Result<(), Problem> {
        Err(Problem::error("not built yet"))
    }
}
