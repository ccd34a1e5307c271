//! The name of an example in, its files unpacked into a new folder with one commit out.

use std::io::Read;
use std::path::{Component, Path, PathBuf};

use super::git::Git;
use crate::model::{Place, Problem};

/// A whole little service inside the binary.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// What `refit try` calls it, and the folder it is made in.
    pub name: &'static str,
    /// A tar archive compressed by zstd; `tests/it/example.rs` keeps it equal to its folder.
    pub archive: &'static [u8],
}

/// Cargo leaves nested crates out of a package, so that the examples travel as archives.
pub const ALL: &[Example] =
    &[Example { name: "payment-gateway", archive: include_bytes!("../../examples/payment-gateway.tar.zst") }];

/// Author of the first commit where git has no name configured.
const FALLBACK: (&str, &str) = ("Refit example", "refit@example.invalid");

impl Example {
    /// Every file: path relative to the folder, whether it is executable, and its bytes.
    ///
    /// # Errors
    /// An archive that is damaged, or that names a path outside of the folder.
    pub fn files(&self) -> Result<Vec<(PathBuf, bool, Vec<u8>)>, Problem> {
        let damaged = |e: std::io::Error| {
            Problem::error(format!("the example {} inside Refit is damaged: {e}", self.name))
                .help("install Refit again")
        };
        let tar = zstd::decode_all(self.archive).map_err(damaged)?;
        let mut archive = tar::Archive::new(&tar[..]);
        let mut files = Vec::new();
        for entry in archive.entries().map_err(damaged)? {
            let mut entry = entry.map_err(damaged)?;
            let path = entry.path().map_err(damaged)?.into_owned();
            if !path.components().all(|c| matches!(c, Component::Normal(_))) {
                return Err(damaged(std::io::Error::other(format!("it names {}", path.display()))));
            }
            let executable = entry.header().mode().map_err(damaged)? & 0o100 != 0;
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(damaged)?;
            files.push((path, executable, bytes));
        }
        Ok(files)
    }

    /// Writes the example into `folder`, which must be new or empty, and commits it on `main`.
    ///
    /// # Errors
    /// A folder that holds something; one that cannot be written; no git. What was written is then taken away again.
    pub fn unpack(&self, folder: &Path) -> Result<(), Problem> {
        let existed = refuse_occupied(folder)?;
        let done = self.write(folder).and_then(|()| commit(folder, self.name));
        if done.is_err() {
            take_away(folder, existed);
        }
        done
    }

    fn write(&self, folder: &Path) -> Result<(), Problem> {
        let failed = |path: &Path, e: std::io::Error| {
            let shown = path.display().to_string();
            Problem::error(format!("cannot write \"{shown}\": {e}")).at(Place::file(shown))
        };
        for (path, executable, bytes) in self.files()? {
            let path = folder.join(path);
            let parent = path.parent().unwrap_or(folder);
            std::fs::create_dir_all(parent).map_err(|e| failed(parent, e))?;
            std::fs::write(&path, bytes).map_err(|e| failed(&path, e))?;
            if executable {
                make_executable(&path).map_err(|e| failed(&path, e))?;
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// True if the folder exists and is empty.
///
/// # Errors
/// It holds something, or cannot be looked into.
pub fn refuse_occupied(folder: &Path) -> Result<bool, Problem> {
    let shown = folder.display().to_string();
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(true),
        Ok(false) => Err(Problem::error(format!("\"{shown}\" is there already and is not empty"))
            .at(Place::file(&shown))
            .help(format!("open it with `refit {shown}`, or name another folder: `refit try NAME DIR`"))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(Problem::error(format!("\"{shown}\" cannot be used: {e}"))
            .at(Place::file(&shown))
            .help("name another folder: `refit try NAME DIR`")),
    }
}

fn take_away(folder: &Path, existed: bool) {
    let _ = std::fs::remove_dir_all(folder);
    if existed {
        let _ = std::fs::create_dir(folder);
    }
}

/// One commit on `main`, by the person that git knows, else by a neutral author that is not written to any configuration.
fn commit(folder: &Path, name: &str) -> Result<(), Problem> {
    let git = Git::at(folder);
    git.run(&["init", "--quiet", "--initial-branch=main"])?;
    git.run(&["add", "--all", "--force", "."])?;
    let mut git = git.with_setting("commit.gpgSign=false").with_setting("core.hooksPath=/dev/null");
    let known = git.ask(&["config", "--get-regexp", "^user\\.(name|email)$"], b"")?;
    let known = String::from_utf8_lossy(&known.stdout).into_owned();
    for (key, value) in [("user.name", FALLBACK.0), ("user.email", FALLBACK.1)] {
        if !known.lines().any(|line| line.split(' ').next() == Some(key)) {
            git = git.with_setting(format!("{key}={value}"));
        }
    }
    let message = format!("Start from the example {name}\n\nAs it came out of Refit, with its recorded run.\n");
    git.feed(&["commit", "--quiet", "--file=-"], message.as_bytes()).map(drop)
}
