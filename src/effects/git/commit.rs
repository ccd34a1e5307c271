//! A tree and a message in, a commit made as the user would have made it (hooks, signature, identity) out.

use std::path::{Path, PathBuf};

use super::command::Git;
use super::repository::Repository;
use super::scratch::Scratch;
use crate::effects::Cancel;
use crate::effects::evidence::cache_dir;
use crate::model::Problem;

/// The hooks that `git commit` runs.
const HOOKS: &[&str] = &["pre-commit", "prepare-commit-msg", "commit-msg", "post-commit"];

/// Settings of the user's repository that must not reach the copy in which the hooks run.
const KEPT_BACK: &[&str] = &[
    "core.worktree",
    "core.bare",
    "core.repositoryformatversion",
    "core.hookspath",
    "core.fsmonitor",
    "core.untrackedcache",
    "core.splitindex",
    "core.sparsecheckout",
    "core.sparsecheckoutcone",
];

/// Sections that speak of the repository itself, or name further files.
const SECTIONS_KEPT_BACK: &[&str] = &["extensions.", "include.", "includeif.", "remote.", "branch.", "submodule."];

impl Repository {
    /// Makes the commit object of `tree` on `parent`; no ref moves, and neither checkout nor index is touched.
    ///
    /// Where hooks are configured the commit is made by `git commit` in a repository of its own that borrows the
    /// objects, so that the hooks see a checkout with exactly this change staged.
    ///
    /// # Errors
    /// No name configured, a hook that refuses or changes the files, a signature that cannot be made.
    pub fn make_commit(
        &self,
        branch: &str,
        parent: &str,
        tree: &str,
        message: &str,
        cancel: &Cancel,
    ) -> Result<String, Problem> {
        self.person()?;
        let made = match self.hooks()? {
            Some(hooks) => self.commit_with_hooks(&hooks, branch, (parent, tree), message, cancel),
            None => self.commit_plainly(parent, tree, message, cancel),
        };
        made.map_err(|problem| if cancel.is_cancelled() { cancelled() } else { problem })
    }

    /// True if the user signs commits.
    ///
    /// # Errors
    /// git cannot run.
    pub fn signs_commits(&self) -> Result<bool, Problem> {
        Ok(self.git.ask(&["config", "--type=bool", "--get", "commit.gpgsign"], b"")?.stdout.starts_with(b"true"))
    }

    /// The folder of hooks, if any that `git commit` would run is there, or is named in the configuration.
    fn hooks(&self) -> Result<Option<PathBuf>, Problem> {
        let folder = self.toplevel().join(self.git.line(&["rev-parse", "--git-path", "hooks"])?);
        let configured = || self.git.ask(&["config", "--get-regexp", "^hook\\..*\\.command$"], b"");
        let found = HOOKS.iter().any(|h| is_executable(&folder.join(h))) || configured()?.ok();
        Ok(found.then_some(folder))
    }

    fn commit_plainly(&self, parent: &str, tree: &str, message: &str, cancel: &Cancel) -> Result<String, Problem> {
        let clean = self.git.feed(&["stripspace"], message.as_bytes())?;
        let mut args = vec!["commit-tree", "-F", "-", "-p", parent, tree];
        if self.signs_commits()? {
            args.insert(1, "-S");
        }
        let out = self.git.durable().for_hooks().stoppable(cancel).feed(&args, &clean).map_err(not_signed)?;
        Ok(String::from_utf8_lossy(&out).trim().to_string())
    }

    fn commit_with_hooks(
        &self,
        hooks: &Path,
        branch: &str,
        (parent, tree): (&str, &str),
        message: &str,
        cancel: &Cancel,
    ) -> Result<String, Problem> {
        // Not below the user's repository: cargo, run by a hook, would take the outer workspace for its own.
        let scratch = Scratch::new(&cache_dir()?.join("commit"))?;
        let copy = self.borrowing_repository(scratch.path(), hooks)?;
        let name = format!("refs/heads/{branch}");
        copy.run(&["symbolic-ref", "HEAD", &name])?;
        copy.run(&["update-ref", &name, parent])?;
        copy.with_env("GIT_LFS_SKIP_SMUDGE", "1").run(&["read-tree", "-m", "-u", tree])?;
        let said = copy
            .for_hooks()
            .stoppable(cancel)
            .ask(&["commit", "-q", "--allow-empty", "-F", "-"], message.as_bytes())?;
        if !said.ok() {
            return Err(Problem::error(format!(
                "the repository's hooks or its signing refused the commit: {}",
                said.stderr
            ))
            .help("repair what the hook says, or change the proposal; nothing has landed"));
        }
        let made = copy.line(&["rev-parse", "HEAD"])?;
        if copy.line(&["rev-parse", "HEAD^{tree}"])? != tree {
            return Err(Problem::error(
                "a commit hook changed the files of the commit, so it is no longer what was proved",
            )
            .help("let the hook check instead of rewrite (`cargo fmt --check`), or edit the proposal accordingly"));
        }
        self.bring_back(&copy, &made)
    }

    /// A repository without objects of its own, configured like the user's.
    fn borrowing_repository(&self, dir: &Path, hooks: &Path) -> Result<Git, Problem> {
        let format = format!("--object-format={}", if self.zero().len() == 64 { "sha256" } else { "sha1" });
        Git::at(dir).run(&["init", "-q", "--template=", &format])?;
        let git_dir = dir.join(".git");
        let written = |e: std::io::Error| Problem::error(format!("cannot write {}: {e}", git_dir.display()));
        let objects = format!("{}\n", self.common_dir().join("objects").display());
        std::fs::create_dir_all(git_dir.join("objects/info")).map_err(written)?;
        std::fs::write(git_dir.join("objects/info/alternates"), objects).map_err(written)?;
        let mut config = std::fs::read(git_dir.join("config")).map_err(written)?;
        let users = self.git.run(&["config", "--list", "-z", "--includes"])?;
        config.extend_from_slice(as_config(&String::from_utf8_lossy(&users)).as_bytes());
        config.extend_from_slice(setting("core", "hooksPath", &hooks.to_string_lossy()).as_bytes());
        std::fs::write(git_dir.join("config"), config).map_err(written)?;
        Ok(Git::at(dir))
    }

    /// Copies one commit object: its tree and parent are ours already.
    fn bring_back(&self, copy: &Git, commit: &str) -> Result<String, Problem> {
        let bytes = copy.run(&["cat-file", "commit", commit])?;
        let out = self.git.durable().feed(&["hash-object", "-t", "commit", "-w", "--stdin"], &bytes)?;
        let brought = String::from_utf8_lossy(&out).trim().to_string();
        if brought != commit {
            return Err(Problem::error(format!("the commit {commit} could not be brought back whole")));
        }
        Ok(brought)
    }
}

/// The user's effective settings as text of a configuration file.
fn as_config(listed: &str) -> String {
    let entries = listed.split('\0').filter(|e| !e.is_empty());
    let pairs = entries.map(|e| e.split_once('\n').unwrap_or((e, "true")));
    let kept =
        pairs.filter(|(key, _)| !KEPT_BACK.contains(key) && !SECTIONS_KEPT_BACK.iter().any(|s| key.starts_with(s)));
    kept.filter_map(|(key, value)| {
        let (section, name) = key.rsplit_once('.')?;
        Some(setting(section, name, value))
    })
    .collect()
}

/// `[section "sub"] name = "value"`, quoted as git-config(1) says.
fn setting(section: &str, name: &str, value: &str) -> String {
    let quote = |s: &str| s.replace('\\', "\\\\").replace('"', "\\\"");
    let head = match section.split_once('.') {
        Some((section, sub)) => format!("[{section} \"{}\"]", quote(sub)),
        None => format!("[{section}]"),
    };
    format!("{head}\n\t{name} = \"{}\"\n", quote(value).replace('\n', "\\n").replace('\t', "\\t"))
}

fn cancelled() -> Problem {
    Problem::error("landing was cancelled; nothing has landed")
}

fn not_signed(problem: Problem) -> Problem {
    let signing = problem.what.contains("sign") || problem.what.contains("gpg");
    if !signing {
        return problem;
    }
    problem.help("unlock your signing key (git's `commit.gpgsign` asks for it), then land again; nothing has landed")
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_quotes_line_ends_and_dots_in_subsections() {
        let listed = "user.name\nA \"B\" \\ C\0url.https://x.y/.insteadof\nz\nq\0core.bare\ntrue\0remote.o.url\nu\0push.default\0";
        insta::assert_snapshot!(as_config(listed), @r#"
        [user]
        	name = "A \"B\" \\ C"
        [url "https://x.y/"]
        	insteadof = "z\nq"
        [push]
        	default = "true"
        "#);
    }
}
