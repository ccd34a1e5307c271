//! A signed proposal with its evidence in, one line of JSON for a note on its commit out, and back.
//!
//! The commit's message names the line by its digest, so that neither can be changed without the other.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::evidence;
use crate::model::{Problem, RewriteId, SignOff, Verdict};

/// Version of the lines; another version is not read.
const SCHEMA: &str = "refit.attestation/1";

/// What Refit attests of one landed proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    schema: String,
    /// Version of Refit, and of its rules.
    pub refit: String,
    /// Id of the rule.
    pub rule: String,
    /// Class of the rewrite.
    pub class: String,
    /// Id of the proposal.
    pub proposal: String,
    /// Tree that it was proved on, without its edits.
    pub base: String,
    /// Compiler, commands and thresholds; empty where the proof is not in the cache of who landed it.
    pub toolchain: String,
    /// Files and the digests of their new texts.
    pub files: Vec<(String, String)>,
    /// What it rests on, each with who answered, and the answer.
    pub preconditions: Vec<(String, String, String)>,
    /// What the reviewer accepted.
    pub obligations: Vec<String>,
    /// Who signed, and for which role.
    pub reviewer: String,
    /// The role; empty for none.
    pub role: String,
    /// The reason of an override.
    pub forced: Option<String>,
    /// Digest of the timed slices; `None` where nothing was timed.
    pub slices: Option<String>,
    /// The verdict with every rung, sealed.
    pub evidence: Option<String>,
}

impl Attestation {
    /// Attests a signed proposal: `base` is the tree that it was proved on, `files` are its files with their new bytes.
    ///
    /// # Errors
    /// A number that JSON cannot carry.
    pub fn new(
        signed: &SignOff,
        base: &str,
        files: &[(String, Vec<u8>)],
        neutral: bool,
    ) -> Result<Attestation, Problem> {
        let rewrite = signed.rewrite();
        let toolchain = evidence::toolchain(base, &rewrite.id);
        let sealed = |v: &Verdict| evidence::to_text(base, &toolchain, v, neutral);
        let preconditions = match signed.verdict() {
            Some(verdict) => verdict.answers(&rewrite.preconditions),
            None => rewrite.preconditions.clone(),
        };
        let told = preconditions.iter().map(|p| (p.text.clone(), p.answered_by.word().into(), p.state.word().into()));
        Ok(Attestation {
            schema: SCHEMA.into(),
            refit: env!("CARGO_PKG_VERSION").into(),
            rule: rewrite.rule.0.into(),
            class: rewrite.class.word().into(),
            proposal: rewrite.id.0.clone(),
            base: base.into(),
            files: files.iter().map(|(path, bytes)| (path.clone(), digest(bytes))).collect(),
            preconditions: told.collect(),
            obligations: rewrite.obligations.clone(),
            reviewer: signed.reviewer().into(),
            role: signed.role().into(),
            forced: signed.forced().map(str::to_owned),
            slices: None,
            evidence: signed.verdict().map(sealed).transpose()?,
            toolchain,
        }
        .with_slices())
    }

    /// The digest of the slices as they are read back, which is what can be looked at again.
    fn with_slices(self) -> Attestation {
        Attestation { slices: self.verdict().as_ref().and_then(slices), ..self }
    }

    /// The verdict, judged again from its rungs; `None` where there is none, or its seal is broken.
    pub fn verdict(&self) -> Option<Verdict> {
        let id = RewriteId(self.proposal.clone());
        evidence::from_text(self.evidence.as_deref()?, &self.base, &id, None)
    }

    /// True if the timed slices are those that were attested.
    pub fn has_its_slices(&self) -> bool {
        self.verdict().as_ref().and_then(slices) == self.slices
    }

    /// The line.
    ///
    /// # Errors
    /// A number that JSON cannot carry.
    pub fn to_line(&self) -> Result<String, Problem> {
        serde_json::to_string(self).map_err(|e| Problem::error(format!("cannot write the attestation: {e}")))
    }

    /// What such a line says; `None` unless it is one.
    pub fn from_line(line: &str) -> Option<Attestation> {
        serde_json::from_str(line).ok().filter(|a: &Attestation| a.schema == SCHEMA)
    }
}

/// `sha256:` and 64 hex digits.
pub fn digest(bytes: &[u8]) -> String {
    let digits: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256:{digits}")
}

fn slices(verdict: &Verdict) -> Option<String> {
    let slices = verdict.measurement().filter(|m| !m.slices.is_empty()).map(|m| &m.slices)?;
    let bytes: Vec<u8> = slices.iter().flatten().flat_map(|ns| ns.to_le_bytes()).collect();
    Some(digest(&bytes))
}
