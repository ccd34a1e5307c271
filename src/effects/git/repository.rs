//! A project folder in; its git repository, with paths mapped between the two, out.

use std::path::{Component, Path, PathBuf};

use super::command::Git;
use super::objects;
use super::scratch::Scratch;
use crate::model::Problem;

/// The repository around a project. The project may be a subfolder of it: paths in the model are relative to the project.
#[derive(Clone, Debug)]
pub struct Repository {
    pub(super) git: Git,
    toplevel: PathBuf,
    git_dir: PathBuf,
    common_dir: PathBuf,
    prefix: String,
    hash_hex: usize,
}

/// One entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// Octal mode: `100644`, `100755`, `120000` (link), `160000` (submodule).
    pub mode: String,
    /// Object id.
    pub oid: String,
    /// Path relative to the top of the repository.
    pub path: String,
}

/// A difference between two trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeChange {
    /// Path relative to the top of the repository.
    pub path: String,
    /// Mode and object id before; `None` for a new file.
    pub before: Option<(String, String)>,
    /// Mode and object id after; `None` for a removed file.
    pub after: Option<(String, String)>,
}

/// A file that has another path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The old path, relative to the top of the repository.
    pub from: String,
    /// The new one.
    pub to: String,
    /// Object ids before and after.
    pub oids: [String; 2],
}

impl Repository {
    /// Finds the repository that holds `root`, the folder of `slo.toml`.
    ///
    /// # Errors
    /// No repository, a bare one, one that git distrusts, or no git at all.
    pub fn discover(root: &Path) -> Result<Repository, Problem> {
        let root = root.canonicalize().map_err(|e| Problem::error(format!("cannot open {}: {e}", root.display())))?;
        if let Some(place) = objects::place(&root) {
            return Ok(Repository {
                git: Git::at(&place.toplevel),
                toplevel: place.toplevel,
                git_dir: place.git_dir,
                common_dir: place.common_dir,
                prefix: place.prefix,
                hash_hex: 40,
            });
        }
        let asked = [
            "--is-bare-repository",
            "--absolute-git-dir",
            "--git-common-dir",
            "--show-prefix",
            "--show-object-format",
            "--show-toplevel",
        ];
        let answer = Git::at(&root).ask(&[&["rev-parse"], &asked[..]].concat(), b"")?;
        let text = String::from_utf8_lossy(&answer.stdout).to_string();
        let lines: Vec<&str> = text.lines().collect();
        if lines.first() == Some(&"true") {
            return Err(Problem::error("this repository is bare: it has no files to work on")
                .help("clone it, and run refit in the clone"));
        }
        let [_, git_dir, common, prefix, format, toplevel] = lines[..] else {
            return Err(not_a_repository(&root, &answer.stderr));
        };
        Ok(Repository {
            git: Git::at(toplevel),
            toplevel: PathBuf::from(toplevel),
            git_dir: PathBuf::from(git_dir),
            common_dir: root.join(common).canonicalize().unwrap_or_else(|_| root.join(common)),
            prefix: prefix.to_string(),
            hash_hex: if format == "sha256" { 64 } else { 40 },
        })
    }

    /// Top of the working tree.
    pub fn toplevel(&self) -> &Path {
        &self.toplevel
    }

    /// The git folder of this working tree.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The git folder that all working trees share.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// The same repository with another folder in the place of its checkout.
    pub(super) fn at_top(&self, toplevel: &Path) -> Repository {
        Repository { toplevel: toplevel.to_path_buf(), ..self.clone() }
    }

    /// Where Refit keeps its lock, its journal and its temporary files.
    pub fn own_dir(&self) -> PathBuf {
        self.common_dir.join("refit")
    }

    /// A fresh temporary folder on the repository's own file system.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn scratch(&self) -> Result<Scratch, Problem> {
        Scratch::new(&self.own_dir().join("tmp"))
    }

    /// The path in the repository of a path of the model.
    pub fn to_git(&self, path: &str) -> String {
        let mut parts: Vec<&str> = self.prefix.split('/').filter(|p| !p.is_empty()).collect();
        for part in Path::new(path).components() {
            match part {
                Component::ParentDir => drop(parts.pop()),
                Component::Normal(name) => parts.push(name.to_str().unwrap_or_default()),
                _ => {}
            }
        }
        parts.join("/")
    }

    /// The path in the model of a path of the repository; `None` outside of the project.
    pub fn from_git(&self, path: &str) -> Option<String> {
        path.strip_prefix(&self.prefix).map(String::from)
    }

    /// The id that stands for "no object" in ref updates.
    pub fn zero(&self) -> String {
        "0".repeat(self.hash_hex)
    }

    /// Resolves revisions to object ids in one run; `None` for what does not exist.
    ///
    /// # Errors
    /// git cannot run.
    pub fn resolve(&self, names: &[&str]) -> Result<Vec<Option<String>>, Problem> {
        if let Some(found) = objects::resolve(&self.git_dir, names) {
            return Ok(found);
        }
        let input: String = names.iter().map(|n| format!("{n}\n")).collect();
        let out = self.git.feed(&["cat-file", "--batch-check=%(objectname)"], input.as_bytes())?;
        let text = String::from_utf8_lossy(&out).to_string();
        Ok(text.lines().map(|line| (!line.contains(' ')).then(|| line.to_string())).collect())
    }

    /// The commit of a revision.
    ///
    /// # Errors
    /// git cannot run.
    pub fn commit(&self, name: &str) -> Result<Option<String>, Problem> {
        Ok(self.resolve(&[&format!("{name}^{{commit}}")])?.into_iter().next().flatten())
    }

    /// True if an object is in this repository.
    ///
    /// # Errors
    /// git cannot run.
    pub fn has(&self, id: &str) -> Result<bool, Problem> {
        Ok(self.resolve(&[id])?.iter().all(Option::is_some))
    }

    /// The tree of a commit.
    ///
    /// # Errors
    /// No such commit.
    pub fn tree_of(&self, commit: &str) -> Result<String, Problem> {
        match objects::tree_of(&self.git_dir, commit) {
            Some(tree) => Ok(tree),
            None => self.git.line(&["rev-parse", "--verify", &format!("{commit}^{{tree}}")]),
        }
    }

    /// True if `old` is an ancestor of `new`, or the same.
    ///
    /// # Errors
    /// git cannot run.
    pub fn is_ancestor(&self, old: &str, new: &str) -> Result<bool, Problem> {
        if let Some(answer) = objects::is_ancestor(&self.git_dir, old, new) {
            return Ok(old == new || answer);
        }
        Ok(old == new || self.git.ask(&["merge-base", "--is-ancestor", old, new], b"")?.ok())
    }

    /// Every entry of a tree, below its folders.
    ///
    /// # Errors
    /// No such tree.
    pub fn entries(&self, tree: &str) -> Result<Vec<TreeEntry>, Problem> {
        if let Some(entries) = objects::entries(&self.git_dir, tree) {
            return Ok(entries);
        }
        let out = self.git.run(&["ls-tree", "-r", "-z", "--full-tree", tree])?;
        Ok(out.split(|b| *b == 0).filter_map(entry).collect())
    }

    /// What differs between two trees.
    ///
    /// # Errors
    /// No such tree; a changed path that is not UTF-8.
    pub fn changes(&self, old: &str, new: &str) -> Result<Vec<TreeChange>, Problem> {
        if old == new {
            return Ok(Vec::new());
        }
        if let Some(changes) = objects::changes(&self.git_dir, old, new) {
            return Ok(changes);
        }
        let out = self.git.run(&["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new])?;
        let fields: Vec<&[u8]> = out.split(|b| *b == 0).filter(|f| !f.is_empty()).collect();
        fields.chunks(2).map(change).collect()
    }

    /// The files that have another path in a newer tree, found by their text as `git diff -M` finds them.
    ///
    /// # Errors
    /// As [`Repository::changes`].
    pub fn renames(&self, old: &str, new: &str) -> Result<Vec<Rename>, Problem> {
        let args = ["diff-tree", "-r", "-z", "--raw", "-M", "--diff-filter=R", "--no-abbrev", old, new];
        let out = self.git.run(&args)?;
        let fields: Vec<&[u8]> = out.split(|b| *b == 0).filter(|f| !f.is_empty()).collect();
        fields.chunks(3).map(rename).collect()
    }

    /// The bytes of objects, in the order asked for.
    ///
    /// # Errors
    /// An object that is missing (named in the message).
    pub fn blobs(&self, oids: &[&str]) -> Result<Vec<Vec<u8>>, Problem> {
        if oids.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(blobs) = objects::blobs(&self.git_dir, oids) {
            return Ok(blobs);
        }
        let input: String = oids.iter().map(|o| format!("{o}\n")).collect();
        let out = self.git.feed(&["cat-file", "--batch"], input.as_bytes())?;
        let mut rest = &out[..];
        oids.iter().map(|oid| take_object(&mut rest).ok_or_else(|| missing(oid))).collect()
    }

    /// Writes bytes as an object, unfiltered.
    ///
    /// # Errors
    /// The object database cannot be written.
    pub fn write_blob(&self, bytes: &[u8]) -> Result<String, Problem> {
        let out = self.git.durable().feed(&["hash-object", "-w", "--stdin", "--no-filters"], bytes)?;
        Ok(String::from_utf8_lossy(&out).trim().to_string())
    }

    /// The files of a tree whose path in the model passes the filter, with their bytes as git stores them.
    ///
    /// # Errors
    /// No such tree, or an object that is missing.
    pub fn read_files(&self, tree: &str, wanted: impl Fn(&str) -> bool) -> Result<Vec<(String, Vec<u8>)>, Problem> {
        let (paths, oids): (Vec<String>, Vec<String>) = self.list_files(tree, wanted)?.into_iter().unzip();
        let bytes = self.blobs(&oids.iter().map(String::as_str).collect::<Vec<_>>())?;
        Ok(paths.into_iter().zip(bytes).collect())
    }

    /// The files of a tree whose path in the model passes the filter, with the object ids of their bytes.
    ///
    /// # Errors
    /// No such tree.
    pub fn list_files(&self, tree: &str, wanted: impl Fn(&str) -> bool) -> Result<Vec<(String, String)>, Problem> {
        let files = self.entries(tree)?.into_iter().filter(|e| e.mode.starts_with("100"));
        let named = files.filter_map(|e| Some((self.from_git(&e.path)?, e.oid)));
        Ok(named.filter(|(path, _)| wanted(path)).collect())
    }

    /// The tree that comes of putting new bytes in place of files (paths of the model); modes stay, new files are plain.
    ///
    /// # Errors
    /// No such tree; the object database cannot be written.
    pub fn tree_with(&self, tree: &str, files: &[(String, Vec<u8>)]) -> Result<String, Problem> {
        let old = self.entries(tree)?;
        let mut lines = Vec::new();
        for (path, bytes) in files {
            let path = self.to_git(path);
            let mode = old.iter().find(|e| e.path == path).map_or("100644", |e| e.mode.as_str());
            lines.extend_from_slice(format!("{mode} {}\t{path}\0", self.write_blob(bytes)?).as_bytes());
        }
        let scratch = self.scratch()?;
        let git = self.git.with_index(&scratch.join("index"));
        git.run(&["read-tree", tree])?;
        git.feed(&["update-index", "-z", "--index-info"], &lines)?;
        git.durable().line(&["write-tree"])
    }

    /// The person of git's configuration, as `Name <mail>`.
    ///
    /// # Errors
    /// No name or mail is configured.
    pub fn person(&self) -> Result<String, Problem> {
        let answer = self.git.ask(&["config", "--get-regexp", "^user\\.(name|email)$"], b"")?;
        let text = String::from_utf8_lossy(&answer.stdout).to_string();
        let value = |key: &str| text.lines().rev().find_map(|l| l.strip_prefix(key)).map(|v| v.trim().to_string());
        let env = |name: &str| std::env::var(name).ok().filter(|v| !v.trim().is_empty());
        let name = env("GIT_AUTHOR_NAME").or_else(|| value("user.name "));
        let mail = env("GIT_AUTHOR_EMAIL").or_else(|| value("user.email "));
        match (name, mail) {
            (Some(name), Some(mail)) if !name.is_empty() && !mail.is_empty() => Ok(format!("{name} <{mail}>")),
            _ => Err(Problem::error("git does not know who you are")
                .help("set it with `git config user.name` and `git config user.email`")),
        }
    }

    /// What git is in the middle of (`merge`, `rebase`, …), if anything.
    ///
    /// # Errors
    /// git cannot run.
    pub fn in_progress(&self) -> Result<Option<&'static str>, Problem> {
        let by_file = [
            ("rebase-merge", "rebase"),
            ("rebase-apply", "rebase"),
            ("BISECT_LOG", "bisect"),
            ("MERGE_HEAD", "merge"),
            ("CHERRY_PICK_HEAD", "cherry-pick"),
            ("REVERT_HEAD", "revert"),
        ];
        if let Some((_, what)) = by_file.iter().find(|(file, _)| self.git_dir.join(file).exists()) {
            return Ok(Some(what));
        }
        // With refs in tables the heads of a merge are no files.
        let heads = self.resolve(&["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"])?;
        Ok(heads.iter().zip(["merge", "cherry-pick", "revert"]).find(|(oid, _)| oid.is_some()).map(|(_, what)| what))
    }
}

fn not_a_repository(root: &Path, said: &str) -> Problem {
    if said.contains("dubious ownership") {
        return Problem::error(said.to_string()).help("tell git that you trust this folder, as its message says");
    }
    if said.contains("must be run in a work tree") {
        return Problem::error("this is the inside of a git folder, not a working tree")
            .help("run refit in the project's own folder");
    }
    Problem::error(format!("{} is in no git repository", root.display()))
        .help("make one: `git init && git add -A && git commit -m start`")
}

/// `mode type oid\tpath`.
fn entry(line: &[u8]) -> Option<TreeEntry> {
    let text = std::str::from_utf8(line).ok()?;
    let (head, path) = text.split_once('\t')?;
    let mut words = head.split(' ');
    let (mode, _, oid) = (words.next()?, words.next()?, words.next()?);
    Some(TreeEntry { mode: mode.to_string(), oid: oid.to_string(), path: path.to_string() })
}

/// `:oldmode newmode oldoid newoid letter`, then the path.
fn rename(fields: &[&[u8]]) -> Result<Rename, Problem> {
    let broken = || Problem::error("cannot read git's list of renames");
    let [head, from, to] = fields else { return Err(broken()) };
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| broken());
    let head = text(head)?;
    let words: Vec<&str> = head.split(' ').collect();
    let [_, _, old, new, _] = words[..] else { return Err(broken()) };
    Ok(Rename { from: text(from)?, to: text(to)?, oids: [old.to_owned(), new.to_owned()] })
}

fn change(fields: &[&[u8]]) -> Result<TreeChange, Problem> {
    let broken = || Problem::error("cannot read git's list of changes");
    let [head, path] = fields else { return Err(broken()) };
    let head = std::str::from_utf8(head).map_err(|_| broken())?;
    let path = std::str::from_utf8(path).map_err(|_| {
        Problem::error(format!("the path {} is not UTF-8", String::from_utf8_lossy(path)))
            .help("rename the file, or merge this branch with git itself")
    })?;
    let words: Vec<&str> = head.trim_start_matches(':').split(' ').collect();
    let [old_mode, new_mode, old, new, _] = words[..] else { return Err(broken()) };
    let side = |mode: &str, oid: &str| (mode != "000000").then(|| (mode.to_string(), oid.to_string()));
    Ok(TreeChange { path: path.to_string(), before: side(old_mode, old), after: side(new_mode, new) })
}

/// `oid type size\n`, the bytes, `\n`.
fn take_object(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let end = rest.iter().position(|b| *b == b'\n')?;
    let head = std::str::from_utf8(&rest[..end]).ok()?;
    let size: usize = head.split(' ').nth(2)?.parse().ok()?;
    let bytes = rest.get(end + 1..end + 1 + size)?.to_vec();
    *rest = rest.get(end + 2 + size..)?;
    Some(bytes)
}

fn missing(oid: &str) -> Problem {
    Problem::error(format!("git does not have the object {oid}"))
        .help("run `git fsck`; in a partial or shallow clone, fetch the rest")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncated_answer_of_git_is_told_and_not_read_beyond() {
        let mut rest = &b"abc blob 10\nshort"[..];
        assert_eq!(take_object(&mut rest), None);
        let mut gone = &b"abc missing\n"[..];
        assert_eq!(take_object(&mut gone), None);
    }

    #[test]
    fn objects_with_line_ends_inside_are_read_by_their_size() {
        let mut rest = &b"a blob 3\n\n\n\n\nb blob 0\n\n"[..];
        assert_eq!(take_object(&mut rest), Some(b"\n\n\n".to_vec()));
        assert_eq!(take_object(&mut rest), Some(Vec::new()));
        assert!(rest.is_empty());
    }
}
