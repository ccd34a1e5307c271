//! The lock that keeps two Refits apart, and the journal from which an operation that was cut off is finished or taken back.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::oplog::Entry;
use super::repository::Repository;
use crate::effects::failpoint;
use crate::model::Problem;

/// How far an operation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is written down; nothing has changed yet.
    Planned,
    /// Its snapshot stands in the operation log.
    Snapshotted,
    /// Files, index and refs are as after; only the journal is left to be removed.
    Landed,
}

/// What the journal says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Journal {
    /// How far it has come.
    pub state: State,
    /// The commit of its entry.
    pub commit: String,
    /// Where the log stood before.
    pub log_before: Option<String>,
    /// The entry itself.
    pub entry: Entry,
}

/// Held while a repository is changed; released by the system when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a process that another thread is starting just now holds a copy of the descriptor.
        let _ = self.file.unlock();
    }
}

impl Repository {
    /// Takes the lock.
    ///
    /// # Errors
    /// Another Refit holds it.
    pub fn lock(&self) -> Result<Lock, Problem> {
        self.try_lock()?.ok_or_else(|| {
            let owner = std::fs::read_to_string(self.lock_path()).unwrap_or_default();
            let owner = owner.trim();
            let named = if owner.is_empty() { String::new() } else { format!(" (process {owner})") };
            Problem::error(format!("another Refit{named} is changing this repository"))
                .help("wait until it is done, or end it, and try again")
        })
    }

    /// Takes the lock if it is free.
    pub(super) fn try_lock(&self) -> Result<Option<Lock>, Problem> {
        let path = self.lock_path();
        let failed = |e: std::io::Error| Problem::error(format!("cannot write {}: {e}", path.display()));
        std::fs::create_dir_all(self.own_dir()).map_err(failed)?;
        let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).map_err(failed)?;
                Ok(Some(Lock { file }))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(failed(e)),
        }
    }

    /// What was cut off, if anything.
    ///
    /// # Errors
    /// A journal that cannot be read.
    pub(super) fn journal(&self) -> Result<Option<Journal>, Problem> {
        let path = self.journal_path();
        match std::fs::read(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Problem::error(format!("cannot read {}: {e}", path.display()))),
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| {
                Problem::error(format!("the journal {} cannot be read: {e}", path.display()))
                    .help("look into refs/refit/ops for the snapshot, then remove the file")
            }),
        }
    }

    /// Writes the journal so that a crash leaves the old one or the new one.
    pub(super) fn write_journal(&self, journal: &Journal) -> Result<(), Problem> {
        let path = self.journal_path();
        let json = serde_json::to_vec(journal).map_err(|e| Problem::error(format!("cannot write the journal: {e}")))?;
        failpoint::step("journal: before writing");
        let beside = path.with_extension("new");
        let written = write_synced(&beside, &json).and_then(|()| {
            failpoint::step("journal: written beside");
            std::fs::rename(&beside, &path)?;
            sync_folder(&path)
        });
        written.map_err(|e| Problem::error(format!("cannot write {}: {e}", path.display())))?;
        failpoint::step("journal: written");
        Ok(())
    }

    /// Ends the journal: the operation is done, or never was.
    pub(super) fn end_journal(&self) -> Result<(), Problem> {
        let path = self.journal_path();
        let gone = std::fs::remove_file(&path).and_then(|()| sync_folder(&path));
        gone.map_err(|e| Problem::error(format!("cannot remove {}: {e}", path.display())))?;
        failpoint::step("journal: ended");
        Ok(())
    }

    fn journal_path(&self) -> PathBuf {
        self.own_dir().join("journal.json")
    }

    fn lock_path(&self) -> PathBuf {
        self.own_dir().join("lock")
    }
}

/// Writes a file and waits until the disk has it.
pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Waits until the disk has the names in a file's folder.
pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
