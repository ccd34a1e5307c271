//! A parent folder in, a fresh folder that vanishes with its owner out.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::Problem;

/// A private folder for temporary indexes and staged files; removed when dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes a new folder inside `parent`, which is made too.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn new(parent: &Path) -> Result<Scratch, Problem> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        if number == 0 {
            sweep(parent);
        }
        let path = parent.join(format!("{}-{number}", std::process::id()));
        // A process of the same number may have died here.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path)
            .map_err(|e| Problem::error(format!("cannot make the folder {}: {e}", path.display())))?;
        Ok(Scratch { path })
    }

    /// A path inside.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Removes the folders of processes that were killed before they could.
fn sweep(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().to_string();
        let owner = name.split_once('-').and_then(|(pid, _)| pid.parse().ok());
        if owner.is_some_and(is_gone) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(unix)]
fn is_gone(pid: i32) -> bool {
    // SAFETY: signal 0 is sent to nobody; it only asks whether the process is there.
    let there = unsafe { libc::kill(pid, 0) } == 0;
    !there && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
}

#[cfg(not(unix))]
fn is_gone(_: i32) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_dead_are_swept_and_those_of_the_living_stay() {
        let parent = tempfile::tempdir().unwrap();
        let own = Scratch::new(parent.path()).unwrap();
        // No system gives out a number this high.
        std::fs::create_dir(parent.path().join("2147483000-0")).unwrap();
        std::fs::create_dir(parent.path().join("notes")).unwrap();
        sweep(parent.path());
        assert!(own.path().exists() && parent.path().join("notes").exists());
        assert!(!parent.path().join("2147483000-0").exists());
        let path = own.path().to_path_buf();
        drop(own);
        assert!(!path.exists());
    }
}
