//! Entries of the user's index in, the index replaced as a whole under git's own lock out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::base::copy_index;
use super::journal::sync_folder;
use super::oplog::{FileMove, Side};
use super::repository::Repository;
use crate::effects::failpoint;
use crate::model::Problem;

/// First words of our `index.lock`; git's own is empty or begins with `DIRC`.
const MARK: &str = "refit ";

/// Git's lock on the index, taken by Refit: while it is held, no git command changes the index under our hands.
#[derive(Debug)]
pub(super) struct IndexLock {
    path: PathBuf,
}

impl Drop for IndexLock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Repository {
    /// Takes git's lock; one that a killed Refit left is ours to take over, since its own lock is held by us now.
    ///
    /// # Errors
    /// Another program holds it, named where the system tells.
    pub(super) fn lock_index(&self) -> Result<IndexLock, Problem> {
        let path = self.git_dir().join("index.lock");
        let marker = self.own_dir().join("index-mark");
        let failed = |e: std::io::Error| Problem::error(format!("cannot lock the index: {e}"));
        std::fs::write(&marker, format!("{MARK}{}\n", std::process::id())).map_err(failed)?;
        let mut pause = Duration::from_millis(20);
        for _ in 0..8 {
            // A link appears with its content, so that a lock of ours is never taken for a foreign one.
            match std::fs::hard_link(&marker, &path) {
                Ok(()) => return Ok(IndexLock { path }),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && is_ours(&path) => {
                    std::fs::remove_file(&path).map_err(failed)?;
                }
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                    std::thread::sleep(pause);
                    pause *= 2;
                }
                Err(e) => return Err(failed(e)),
            }
        }
        Err(foreign_lock(&path))
    }

    /// The index entries of these paths.
    ///
    /// # Errors
    /// A path with merge conflicts.
    pub(super) fn index_entries(&self, paths: &[&str]) -> Result<BTreeMap<String, Side>, Problem> {
        let out = self.git.run(&["ls-files", "-s", "-z", "--full-name", "--", ":/"])?;
        let mut found = BTreeMap::new();
        for line in out.split(|b| *b == 0).filter_map(|l| std::str::from_utf8(l).ok()) {
            let Some((head, path)) = line.split_once('\t') else { continue };
            let words: Vec<&str> = head.split(' ').collect();
            let [mode, blob, stage] = words[..] else { continue };
            if !paths.contains(&path) {
                continue;
            }
            if stage != "0" {
                return Err(Problem::error(format!("{path} has a merge conflict")).help("resolve it and `git add` it"));
            }
            found.insert(path.to_string(), Side { mode: mode.into(), blob: blob.into() });
        }
        Ok(found)
    }

    /// Puts the entries of the moved files in place, all at once.
    pub(super) fn write_index(&self, _held: &IndexLock, files: &[FileMove]) -> Result<(), Problem> {
        let index = self.git_dir().join("index");
        let scratch = self.scratch()?;
        let copy = scratch.join("index");
        copy_index(&index, &copy)?;
        let git = self.git.with_index(&copy);
        git.feed(&["update-index", "-z", "--index-info"], &index_info(files, &self.zero()))?;
        // Only the recorded times differ without it, and a refresh also fails for what is dirty anyway.
        let _ = git.ask(&["update-index", "-q", "--refresh"], b"");
        failpoint::step("index: before it is replaced");
        let replaced = std::fs::File::open(&copy).and_then(|f| f.sync_all()).and_then(|()| {
            std::fs::rename(&copy, &index)?;
            sync_folder(&index)
        });
        replaced.map_err(|e| Problem::error(format!("cannot write the index: {e}")))?;
        failpoint::step("index: replaced");
        Ok(())
    }
}

/// Removals first: a folder may stand where a file stood.
fn index_info(files: &[FileMove], zero: &str) -> Vec<u8> {
    let moves = files.iter().filter_map(|f| Some((&f.path, &f.index.as_ref()?.after)));
    let (gone, there): (Vec<_>, Vec<_>) = moves.partition(|(_, after)| after.is_none());
    let line = |(path, after): (&String, &Option<Side>)| match after {
        Some(side) => format!("{} {}\t{path}\0", side.mode, side.blob),
        None => format!("0 {zero}\t{path}\0"),
    };
    gone.into_iter().chain(there).map(line).collect::<String>().into_bytes()
}

fn is_ours(lock: &Path) -> bool {
    std::fs::read(lock).is_ok_and(|bytes| bytes.starts_with(MARK.as_bytes()))
}

fn foreign_lock(lock: &Path) -> Problem {
    let shown = lock.display();
    match owner(lock) {
        Some(owner) => Problem::error(format!("the index is locked by {owner} ({shown})"))
            .help("wait until it is done, then try again"),
        None => Problem::error(format!("the index is locked by {shown}, which no running process has open"))
            .help(format!("if no git command is running here, it was left by a crash: remove it with `rm {shown}`")),
    }
}

/// Which process has a file open, as far as the system tells.
fn owner(file: &Path) -> Option<String> {
    let processes = std::fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    let holds = |pid: &Path| {
        let open = std::fs::read_dir(pid.join("fd")).into_iter().flatten().filter_map(Result::ok);
        open.filter_map(|fd| std::fs::read_link(fd.path()).ok()).any(|target| target == file)
    };
    let numbered = |p: &PathBuf| p.file_name().is_some_and(|n| n.to_string_lossy().bytes().all(|b| b.is_ascii_digit()));
    let found = processes.map(|p| p.path()).filter(numbered).find(|pid| holds(pid))?;
    let name = std::fs::read_to_string(found.join("comm")).unwrap_or_default();
    Some(format!("process {} ({})", found.file_name()?.to_string_lossy(), name.trim()))
}
