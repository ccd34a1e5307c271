//! A folder in; the files below it out, without what cargo, git and other tools keep for themselves.

use std::path::Path;

/// More files than this are not looked at: a starter needs no complete census.
const MOST: usize = 20_000;

/// Folders that hold nothing a person wrote or recorded.
const LEFT_OUT: &[&str] = &["target", "node_modules", "vendor"];

/// A file below a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Path relative to the folder, with `/`.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
}

/// Files below `root`, sorted by path; hidden ones, links and tools' own folders are left out.
pub fn files(root: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    collect(root, "", &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<Found>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Ok(kind) = entry.file_type() else { continue };
        if name.starts_with('.') || found.len() >= MOST {
            continue;
        }
        let path = format!("{prefix}{name}");
        if kind.is_dir() && !LEFT_OUT.contains(&name.as_str()) {
            collect(&entry.path(), &format!("{path}/"), found);
        } else if kind.is_file() {
            let size = entry.metadata().map(|m| m.len()).unwrap_or_default();
            found.push(Found { path, size });
        }
    }
}
