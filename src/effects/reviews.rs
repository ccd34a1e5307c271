//! What people did in a review in, lines of their own refs out, and back: one writer each, folded in one order for all.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::clock;
use super::git::Repository;
use crate::model::{Problem, RewriteId};

/// Version of the lines. Lines of a later version are kept and passed over.
const VERSION: u32 = 1;

/// Where reviews stand: `refs/refit/review/<session>/<author>`.
const REVIEW: &str = "refs/refit/review";

/// Where the reviews of others stand after a fetch: `refs/refit/remotes/<remote>/review/<session>/<author>`.
const REMOTES: &str = "refs/refit/remotes/";

/// One thing that a person did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Op {
    v: u32,
    /// Lamport time: one more than everything its author had seen. Wall clocks lie.
    pub clock: u64,
    /// Seconds since the epoch, for people.
    pub at: u64,
    /// `Name <mail>`.
    pub author: String,
    /// The proposal it binds to.
    pub rewrite: String,
    /// What was done.
    #[serde(flatten)]
    pub act: Act,
}

/// What a person can do in a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum Act {
    /// Decided a hunk.
    Decide {
        /// Index of the hunk, from 0.
        hunk: usize,
        /// [`crate::model::Decision::word`].
        decision: String,
        /// Why, for a rejection.
        reason: String,
    },
    /// Remarked on a line of a hunk.
    Comment {
        /// Index of the hunk, from 0.
        hunk: usize,
        /// Index of the line inside it.
        line: usize,
        /// The remark.
        text: String,
    },
    /// Accepted obligations by name.
    Obligations {
        /// Their sentences.
        texts: Vec<String>,
    },
    /// Replaced a file's new text: the proposal it binds to is the result.
    Edit {
        /// The proposal that was edited.
        from: String,
        /// The file.
        file: String,
        /// Its whole new text.
        text: String,
    },
    /// Signed.
    Sign {
        /// The role signed for; empty for none.
        role: String,
        /// The recorded reason of an override.
        forced: Option<String>,
        /// Tree id of the base that the evidence speaks of.
        base: String,
        /// The evidence with its digest, for those who cannot build.
        evidence: Option<String>,
    },
    /// Does not want to see this finding again until the function's code changes.
    Remember {
        /// The rule.
        rule: String,
        /// Hash of the function's text.
        code: String,
        /// Why.
        reason: String,
    },
    /// Something that a later version of Refit knows.
    #[serde(other)]
    Unknown,
}

impl Repository {
    /// Everything that was done in a session (the landing branch's name), in the one order that all see.
    ///
    /// # Errors
    /// git cannot run.
    pub fn review_ops(&self, session: &str) -> Result<Vec<Op>, Problem> {
        let lines = self.log_lines(&[&format!("{REVIEW}/{session}/"), REMOTES])?;
        let of_session = format!("/review/{session}/");
        let lines = lines.into_iter().filter(|l| l.name.contains(&of_session));
        let mut texts: Vec<String> = lines.map(|l| l.text).collect();
        texts.sort_unstable();
        texts.dedup();
        let ops = texts.iter().filter_map(|text| serde_json::from_str::<Op>(text).ok());
        let mut ops: Vec<Op> = ops.filter(|op| op.v <= VERSION && op.act != Act::Unknown).collect();
        // The texts are sorted already, so that equal times of one author stay in one order everywhere.
        ops.sort_by(|a, b| (a.clock, &a.author).cmp(&(b.clock, &b.author)));
        Ok(ops)
    }

    /// Records what the person of git's configuration did, in a ref that nobody else writes; `seen` is what they had
    /// seen. Returns what was recorded.
    ///
    /// # Errors
    /// No name configured; the repository cannot be written; a signature that cannot be made.
    pub fn record(&self, session: &str, rewrite: &RewriteId, acts: Vec<Act>, seen: &[Op]) -> Result<Vec<Op>, Problem> {
        let author = self.person()?;
        let next = seen.iter().map(|op| op.clock).max().unwrap_or(0) + 1;
        let signs = acts.iter().any(|a| matches!(a, Act::Sign { .. }));
        let op = |(clock, act)| Op {
            v: VERSION,
            clock,
            at: clock::now(),
            author: author.clone(),
            rewrite: rewrite.0.clone(),
            act,
        };
        let ops: Vec<Op> = (next..).zip(acts).map(op).collect();
        let lines: Result<Vec<String>, serde_json::Error> = ops.iter().map(serde_json::to_string).collect();
        let lines = lines.map_err(|e| Problem::error(format!("cannot write a review: {e}")))?;
        let subject = if signs { format!("sign {rewrite}") } else { format!("review {rewrite}") };
        let signed = signs && self.signs_commits()?;
        self.append(&format!("{REVIEW}/{session}/{}", author_id(&author)), &lines, &format!("{subject}\n"), signed)?;
        Ok(ops)
    }

    /// Brings the reviews of others from a remote, and the person's own to it. Neither can conflict.
    ///
    /// # Errors
    /// The remote cannot be reached, or refuses.
    pub fn sync_reviews(&self, remote: &str, session: &str) -> Result<(), Problem> {
        let fetched = format!("+{REVIEW}/*:{REMOTES}{remote}/review/*");
        self.network(&["fetch", "-q", "--no-tags", "--no-write-fetch-head", remote, &fetched])?;
        let own = format!("{REVIEW}/{session}/{}", author_id(&self.person()?));
        match self.ref_at(&own)? {
            Some(_) => self.network(&["push", "-q", "--no-verify", remote, &format!("{own}:{own}")]),
            None => Ok(()),
        }
    }

    /// Who signed a proposal with a signature that git finds good, by the log's own commits.
    ///
    /// # Errors
    /// git cannot run.
    pub fn verified_signers(&self, session: &str, rewrite: &RewriteId) -> Result<Vec<String>, Problem> {
        let subject = format!("sign {rewrite}");
        let mut found = Vec::new();
        for (name, _) in self.refs_below(&[&format!("{REVIEW}/{session}/"), REMOTES])? {
            for line in self.commit_lines(&name, "%G?%x09%an <%ae>%x09%s")? {
                let fields: Vec<&str> = line.split('\t').collect();
                let fields = fields[..].try_into().unwrap_or([""; 3]);
                let [status, who, what] = fields;
                // `U` is a good signature of a key that is not ranked by trust.
                if ["G", "U"].contains(&status) && what == subject {
                    found.push(who.to_string());
                }
            }
        }
        Ok(found)
    }

    /// True if git here is set up to tell good signatures from others.
    ///
    /// # Errors
    /// git cannot run.
    pub fn checks_signatures(&self) -> Result<bool, Problem> {
        Ok(self.signs_commits()? || self.setting("gpg.ssh.allowedSignersFile")?.is_some())
    }
}

/// A name for an author's ref: the person's own words may not stand in a ref.
pub fn author_id(author: &str) -> String {
    Sha256::digest(author.as_bytes())[..6].iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_later_version_wrote_is_passed_over() {
        let line = r#"{"v":1,"clock":3,"at":0,"author":"A <a@x>","rewrite":"r1","op":"turn","to":"B"}"#;
        assert_eq!(serde_json::from_str::<Op>(line).unwrap().act, Act::Unknown);
    }

    #[test]
    fn an_op_comes_back_as_it_was() {
        let act = Act::Decide { hunk: 2, decision: "rejected".into(), reason: "order \"matters\"\n".into() };
        let op = Op { v: 1, clock: 9, at: 7, author: "A <a@x>".into(), rewrite: "r1".into(), act };
        let text = serde_json::to_string(&op).unwrap();
        assert!(!text.contains('\n'));
        assert_eq!(serde_json::from_str::<Op>(&text).unwrap(), op);
    }
}
