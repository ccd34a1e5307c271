//! Refs: moved by compare-and-swap, and used as append-only logs with one writer each.

use super::command::Git;
use super::repository::Repository;
use crate::model::Problem;

/// A ref that moves; `None` where it does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefMove {
    /// Full name, `refs/heads/refit/latency`.
    pub name: String,
    /// Commit before.
    pub before: Option<String>,
    /// Commit after.
    pub after: Option<String>,
}

impl RefMove {
    /// The way back.
    pub fn reversed(&self) -> RefMove {
        RefMove { name: self.name.clone(), before: self.after.clone(), after: self.before.clone() }
    }
}

/// One line of a log that is kept in a ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The ref it stands in.
    pub name: String,
    /// The line.
    pub text: String,
}

/// The file in a log's commits that holds its lines.
const LINES: &str = "ops";

/// How often an append is tried again when the same person appends from a second process.
const APPENDS: u32 = 5;

impl Repository {
    /// Where a ref points.
    ///
    /// # Errors
    /// git cannot run.
    pub fn ref_at(&self, name: &str) -> Result<Option<String>, Problem> {
        Ok(self.resolve(&[name])?.into_iter().next().flatten())
    }

    /// All refs below prefixes (`refs/refit/review/`), sorted by name, with what they point at.
    ///
    /// # Errors
    /// git cannot run.
    pub fn refs_below(&self, prefixes: &[&str]) -> Result<Vec<(String, String)>, Problem> {
        let format = "--format=%(refname) %(objectname)";
        let out = self.git.line(&[&["for-each-ref", format], prefixes].concat())?;
        Ok(out.lines().filter_map(|l| l.split_once(' ')).map(|(n, o)| (n.to_string(), o.to_string())).collect())
    }

    /// The working tree in which a branch is checked out, if it is.
    ///
    /// # Errors
    /// git cannot run.
    pub fn checked_out(&self, branch: &str) -> Result<Option<String>, Problem> {
        let list = self.git.line(&["worktree", "list", "--porcelain"])?;
        let named = format!("branch refs/heads/{branch}");
        let found = list.split("\n\n").find(|entry| entry.lines().any(|l| l == named));
        Ok(found.and_then(|entry| entry.lines().next()?.strip_prefix("worktree ").map(String::from)))
    }

    /// Moves refs in one transaction, each only if it still stands where it was seen. `why` goes to the reflog.
    ///
    /// # Errors
    /// A ref that someone else moved meanwhile: then none has moved.
    pub fn move_refs(&self, moves: &[RefMove], why: &str) -> Result<(), Problem> {
        let mut input = Vec::new();
        for RefMove { name, before, after } in moves {
            let line = match (before, after) {
                (Some(old), Some(new)) => format!("update {name}\0{new}\0{old}\0"),
                (None, Some(new)) => format!("create {name}\0{new}\0"),
                (Some(old), None) => format!("delete {name}\0{old}\0"),
                (None, None) => continue,
            };
            input.extend_from_slice(line.as_bytes());
        }
        self.git.durable().feed(&["update-ref", "-m", why, "--stdin", "-z"], &input).map(drop)
    }

    /// The commit object of a tree, made in Refit's own name: for its logs, never for the user's branches.
    pub(super) fn own_commit(&self, tree: &str, parents: &[&str], message: &str) -> Result<String, Problem> {
        let mut args = vec!["commit-tree", "-F", "-", tree];
        parents.iter().for_each(|p| args.extend(["-p", p]));
        let out = as_refit(&self.git).durable().feed(&args, message.as_bytes())?;
        Ok(String::from_utf8_lossy(&out).trim().to_string())
    }

    /// A flat tree of files.
    pub(super) fn flat_tree(&self, files: &[(String, String)]) -> Result<String, Problem> {
        let lines: String = files.iter().map(|(name, oid)| format!("100644 blob {oid}\t{name}\0")).collect();
        let out = self.git.durable().feed(&["mktree", "-z"], lines.as_bytes())?;
        Ok(String::from_utf8_lossy(&out).trim().to_string())
    }

    /// Adds lines to the log in a ref. With `signed` the commit carries the person's signature.
    ///
    /// # Errors
    /// The repository cannot be written; a signature that cannot be made.
    pub fn append(&self, name: &str, lines: &[String], message: &str, signed: bool) -> Result<(), Problem> {
        let mut last = None;
        for _ in 0..APPENDS {
            let before = self.ref_at(name)?;
            let mut text = before.as_deref().map_or(Ok(Vec::new()), |at| self.lines_at(at))?;
            lines.iter().for_each(|l| text.extend_from_slice(format!("{l}\n").as_bytes()));
            let tree = self.flat_tree(&[(LINES.to_string(), self.write_blob(&text)?)])?;
            let after = self.signed_commit(&tree, before.as_deref(), message, signed)?;
            let moved = RefMove { name: name.to_string(), before, after: Some(after) };
            match self.move_refs(&[moved], "refit: review") {
                Ok(()) => return Ok(()),
                Err(problem) => last = Some(problem),
            }
        }
        Err(last.unwrap_or_else(|| Problem::error(format!("cannot write {name}"))))
    }

    /// The lines of all logs below prefixes, in the order of their refs and of writing.
    ///
    /// # Errors
    /// git cannot run.
    pub fn log_lines(&self, prefixes: &[&str]) -> Result<Vec<LogLine>, Problem> {
        let refs = self.refs_below(prefixes)?;
        let wanted: Vec<String> = refs.iter().map(|(_, at)| format!("{at}:{LINES}")).collect();
        let blobs = self.blobs(&wanted.iter().map(String::as_str).collect::<Vec<_>>())?;
        let mut found = Vec::new();
        for ((name, _), bytes) in refs.iter().zip(blobs) {
            let text = String::from_utf8_lossy(&bytes).to_string();
            found.extend(text.lines().map(|l| LogLine { name: name.clone(), text: l.to_string() }));
        }
        Ok(found)
    }

    /// One line per commit of a ref, newest first, in git's pretty format.
    ///
    /// # Errors
    /// No such ref.
    pub fn commit_lines(&self, name: &str, format: &str) -> Result<Vec<String>, Problem> {
        let text = self.git.line(&["log", &format!("--format={format}"), name, "--"])?;
        Ok(text.lines().map(String::from).collect())
    }

    /// A value of git's configuration.
    ///
    /// # Errors
    /// git cannot run.
    pub fn setting(&self, key: &str) -> Result<Option<String>, Problem> {
        let answer = self.git.ask(&["config", "--get", key], b"")?;
        Ok(answer.ok().then(|| String::from_utf8_lossy(&answer.stdout).trim().to_string()))
    }

    /// A command that speaks with a remote; it may not ask for a password on the terminal.
    pub(in crate::effects) fn network(&self, args: &[&str]) -> Result<(), Problem> {
        self.git.run(args).map(drop).map_err(|p| p.help("try the same `git` command yourself to see what it needs"))
    }

    fn lines_at(&self, commit: &str) -> Result<Vec<u8>, Problem> {
        Ok(self.blobs(&[&format!("{commit}:{LINES}")])?.remove(0))
    }

    fn signed_commit(&self, tree: &str, parent: Option<&str>, message: &str, sign: bool) -> Result<String, Problem> {
        let mut args = vec!["commit-tree", "-F", "-", tree];
        parent.iter().for_each(|p| args.extend(["-p", p]));
        if sign {
            args.insert(1, "-S");
        }
        let out = self.git.durable().for_hooks().feed(&args, message.as_bytes())?;
        Ok(String::from_utf8_lossy(&out).trim().to_string())
    }
}

/// Refit's bookkeeping is no work of the user's, and must not fail where no name is configured.
fn as_refit(git: &Git) -> Git {
    git.with_env("GIT_AUTHOR_NAME", "Refit")
        .with_env("GIT_AUTHOR_EMAIL", "refit@localhost")
        .with_env("GIT_COMMITTER_NAME", "Refit")
        .with_env("GIT_COMMITTER_EMAIL", "refit@localhost")
}
