//! Commits and texts in, a move of the ref of notes (which git shows beside its log) out, and back.

use super::refs::RefMove;
use super::repository::Repository;
use crate::model::Problem;

/// Where what Refit attests of its commits stands: `git log --notes=refit`.
const NOTES: &str = "refs/notes/refit";

impl Repository {
    /// Drafts notes on commits that have none yet. Objects are written, the ref stays.
    ///
    /// # Errors
    /// The object database cannot be written.
    pub fn note(&self, notes: &[(String, String)]) -> Result<RefMove, Problem> {
        let before = self.ref_at(NOTES)?;
        let scratch = self.scratch()?;
        let git = self.git.with_index(&scratch.join("index"));
        if let Some(at) = &before {
            git.run(&["read-tree", at])?;
        }
        let mut lines = Vec::new();
        for (commit, text) in notes {
            lines.extend_from_slice(format!("100644 {}\t{commit}\0", self.write_blob(text.as_bytes())?).as_bytes());
        }
        git.feed(&["update-index", "-z", "--index-info"], &lines)?;
        let tree = git.durable().line(&["write-tree"])?;
        let parents: Vec<&str> = before.as_deref().into_iter().collect();
        let after = self.own_commit(&tree, &parents, "What was proved of landed commits")?;
        Ok(RefMove { name: NOTES.to_owned(), before, after: Some(after) })
    }

    /// The note on a commit; where there is none, all notes: a rebase makes another commit of the same message.
    ///
    /// # Errors
    /// git cannot run.
    pub fn noted(&self, commit: &str) -> Result<Vec<String>, Problem> {
        let Some(notes) = self.ref_at(NOTES)? else { return Ok(Vec::new()) };
        let entries = self.entries(&self.tree_of(&notes)?)?;
        // git deals many notes to folders of two digits.
        let is_own = |path: &str| path.replace('/', "") == commit;
        let own: Vec<&str> = entries.iter().filter(|e| is_own(&e.path)).map(|e| e.oid.as_str()).collect();
        let all = || entries.iter().map(|e| e.oid.as_str()).collect();
        let blobs = self.blobs(&if own.is_empty() { all() } else { own })?;
        Ok(blobs.into_iter().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect())
    }
}
