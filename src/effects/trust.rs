//! Which commands a person has seen and agreed to: one small file per content in the user's data folder.

use std::path::{Path, PathBuf};

use sha2::Digest;

use crate::model::{Place, Problem};

/// The folder for what Refit remembers of a user: `REFIT_DATA_DIR`, else `XDG_DATA_HOME/refit`, else `~/.local/share/refit`.
pub fn data_dir() -> Option<PathBuf> {
    let own = std::env::var_os("REFIT_DATA_DIR").map(PathBuf::from);
    let xdg = || std::env::var_os("XDG_DATA_HOME").map(|d| PathBuf::from(d).join("refit"));
    let home = || std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".local/share/refit"));
    own.or_else(xdg).or_else(home)
}

/// True if these commands were agreed to for the project at `root`.
pub fn is_agreed(root: &Path, commands: &[String]) -> bool {
    data_dir().is_some_and(|dir| dir.join("trust").join(key(root, commands)).is_file())
}

/// Remembers that a person saw these commands and agreed to them for the project at `root`.
///
/// # Errors
/// No home folder, or it cannot be written.
pub fn agree(root: &Path, commands: &[String]) -> Result<(), Problem> {
    let dir = data_dir()
        .ok_or_else(|| Problem::error("no folder to remember your consent in").help("set HOME or REFIT_DATA_DIR"))?
        .join("trust");
    let file = dir.join(key(root, commands));
    std::fs::create_dir_all(&dir).and_then(|()| std::fs::write(&file, commands.join("\n") + "\n")).map_err(|e| {
        Problem::error(format!("cannot remember your consent: {e}")).at(Place::file(file.display().to_string()))
    })
}

/// Another folder or one changed letter of a command is another content.
fn key(root: &Path, commands: &[String]) -> String {
    let mut hash = sha2::Sha256::new();
    let root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    hash.update(root.as_os_str().as_encoded_bytes());
    for command in commands {
        hash.update([0]);
        hash.update(command.as_bytes());
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}
