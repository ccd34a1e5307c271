//! Files of the checkout: read as they stand, compared with a snapshot, replaced as a whole.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::journal::sync_folder;
use super::oplog::{FileMove, Move, Side};
use super::repository::Repository;
use crate::effects::failpoint;
use crate::model::{Place, Problem};

/// The raw contents of snapshots, by object id.
pub(super) type Contents = BTreeMap<String, Vec<u8>>;

/// What stands at a path of the checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// Octal mode as git writes it.
    pub mode: &'static str,
    /// The bytes, or the target of a link.
    pub bytes: Vec<u8>,
}

impl Repository {
    /// The contents of all snapshots of these files.
    pub(super) fn contents(&self, files: &[FileMove]) -> Result<Contents, Problem> {
        let sides = files.iter().flat_map(|f| &f.file).flat_map(|m| [&m.before, &m.after]).flatten();
        let mut oids: Vec<&str> = sides.map(|s| s.blob.as_str()).collect();
        oids.sort_unstable();
        oids.dedup();
        Ok(oids.iter().map(|o| o.to_string()).zip(self.blobs(&oids)?).collect())
    }

    /// What stands at a path; `None` for nothing.
    ///
    /// # Errors
    /// A folder, a device, a file that cannot be read.
    pub(super) fn standing(&self, path: &str) -> Result<Option<Standing>, Problem> {
        let full = self.toplevel().join(path);
        let failed = |e: std::io::Error| Problem::error(format!("cannot read {path}: {e}"));
        let meta = match full.symlink_metadata() {
            Ok(meta) => meta,
            Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(e) => return Err(failed(e)),
        };
        if meta.is_symlink() {
            let target = std::fs::read_link(&full).map_err(failed)?;
            return Ok(Some(Standing { mode: "120000", bytes: target.into_os_string().into_encoded_bytes() }));
        }
        if !meta.is_file() {
            return Err(Problem::error("something that is no file stands in the way").at(Place::file(path)));
        }
        let bytes = std::fs::read(&full).map_err(failed)?;
        Ok(Some(Standing { mode: mode(&meta), bytes }))
    }

    /// Brings a file from before to after, unless it stands there already.
    ///
    /// # Errors
    /// It is neither as before nor as after: someone changed it meanwhile.
    pub(super) fn put(&self, path: &str, moved: &Move, contents: &Contents) -> Result<(), Problem> {
        let now = self.standing(path)?;
        if is(&now, &moved.after, contents) {
            return Ok(());
        }
        if !is(&now, &moved.before, contents) {
            return Err(changed(path));
        }
        failpoint::step("file: before");
        let full = self.toplevel().join(path);
        let done = match &moved.after {
            None => self.remove(&full),
            Some(side) => self.replace(&full, side, contents.get(&side.blob).map_or(&[][..], Vec::as_slice)),
        };
        done.map_err(|e| Problem::error(format!("cannot write {path}: {e}")))?;
        failpoint::step("file: after");
        Ok(())
    }

    /// Removes what a killed Refit left beside the files it was writing.
    pub(super) fn sweep(&self, files: &[FileMove]) {
        for file in files {
            let _ = std::fs::remove_file(beside(&self.toplevel().join(&file.path)));
        }
    }

    /// Writes beside, brings it to the disk, renames: a reader and a crash see the old file or the new one.
    fn replace(&self, full: &Path, side: &Side, bytes: &[u8]) -> std::io::Result<()> {
        let folder = full.parent().unwrap_or(self.toplevel());
        self.refuse_links(folder)?;
        std::fs::create_dir_all(folder)?;
        let temporary = beside(full);
        let _ = std::fs::remove_file(&temporary);
        if side.mode == "120000" {
            link(bytes, &temporary)?;
        } else {
            let mut file = create(&temporary, side.mode == "100755")?;
            file.write_all(bytes)?;
            file.sync_all()?;
        }
        failpoint::step("file: written beside");
        std::fs::rename(&temporary, full)?;
        sync_folder(full)
    }

    /// Removes a file, and the folders that it leaves empty.
    fn remove(&self, full: &Path) -> std::io::Result<()> {
        std::fs::remove_file(full)?;
        let mut folder = full.parent();
        while let Some(dir) = folder.filter(|d| *d != self.toplevel() && d.starts_with(self.toplevel())) {
            if std::fs::remove_dir(dir).is_err() {
                break;
            }
            folder = dir.parent();
        }
        Ok(())
    }

    /// A folder on the way that is a link would lead the write out of the repository.
    fn refuse_links(&self, folder: &Path) -> std::io::Result<()> {
        let inside = folder.ancestors().take_while(|d| *d != self.toplevel() && d.starts_with(self.toplevel()));
        match inside.into_iter().find(|d| d.is_symlink()) {
            Some(link) => Err(std::io::Error::other(format!("{} is a link", link.display()))),
            None => Ok(()),
        }
    }
}

/// True if what stands there is what the snapshot says.
pub(super) fn is(now: &Option<Standing>, side: &Option<Side>, contents: &Contents) -> bool {
    match (now, side) {
        (None, None) => true,
        (Some(now), Some(side)) => {
            let same_mode = now.mode == side.mode || (!cfg!(unix) && now.mode != "120000");
            same_mode && contents.get(&side.blob) == Some(&now.bytes)
        }
        _ => false,
    }
}

/// The refusal that keeps a person's change.
pub(super) fn changed(path: &str) -> Problem {
    Problem::error("this file was changed since, and that change would be lost")
        .at(Place::file(path))
        .help(format!("keep your change with `git stash push -- {path}` or commit it elsewhere, then try again"))
}

/// The temporary name beside a file: always the same, so that a later start finds what a crash left.
fn beside(full: &Path) -> PathBuf {
    let name = full.file_name().map(|n| n.to_string_lossy().to_string()).unwrap_or_default();
    full.with_file_name(format!(".{name}.refit-new"))
}

#[cfg(unix)]
fn mode(meta: &std::fs::Metadata) -> &'static str {
    use std::os::unix::fs::PermissionsExt;
    if meta.permissions().mode() & 0o100 != 0 { "100755" } else { "100644" }
}

#[cfg(not(unix))]
fn mode(_: &std::fs::Metadata) -> &'static str {
    "100644"
}

#[cfg(unix)]
fn create(path: &Path, executable: bool) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    // As git does: the person's umask takes away from it.
    OpenOptions::new().write(true).create_new(true).mode(if executable { 0o777 } else { 0o666 }).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path, _: bool) -> std::io::Result<std::fs::File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(unix)]
fn link(target: &[u8], path: &Path) -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), path)
}

#[cfg(not(unix))]
fn link(_: &[u8], _: &Path) -> std::io::Result<()> {
    Err(std::io::Error::other("symbolic links cannot be written here; merge this branch with git itself"))
}
