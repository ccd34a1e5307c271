//! The user's checkout in; what a scratch checkout needs from its surroundings (cargo settings, finished builds) out.

use std::path::{Path, PathBuf};

use crate::model::Problem;

/// Carries over what git does not track and cargo reads: settings of the folders above the checkout and untracked ones
/// in it, the toolchain file, and packages that stand beside the repository.
///
/// # Errors
/// A settings file that cannot be read or written.
pub fn surroundings(toplevel: &Path, arm: &Path, checkout: &Path) -> Result<(), Problem> {
    let above = toplevel.parent().map(Path::to_owned).unwrap_or_default();
    let text = merged_settings(&above)?;
    if !text.is_empty() {
        write(&arm.join(".cargo/config.toml"), text.as_bytes())?;
    }
    for name in ["rust-toolchain.toml", "rust-toolchain"] {
        if let Some(file) = above.ancestors().map(|d| d.join(name)).find(|f| f.is_file()) {
            let bytes = std::fs::read(&file).map_err(|e| unreadable(&file, &e))?;
            write(&arm.join(name), &bytes)?;
        }
    }
    for name in [".cargo/config.toml", ".cargo/config"] {
        let file = toplevel.join(name);
        if file.is_file() {
            let bytes = std::fs::read(&file).map_err(|e| unreadable(&file, &e))?;
            write(&checkout.join(name), &bytes)?;
        }
    }
    Ok(())
}

/// The cargo settings of a folder and those above it, merged as cargo merges them: nearer wins, lists are joined with
/// the nearer last (The Cargo Book, "Hierarchical structure"). The home folder's own are left to cargo.
fn merged_settings(folder: &Path) -> Result<String, Problem> {
    let home = cargo_home();
    let mut merged = toml::Table::new();
    let folders: Vec<&Path> = folder.ancestors().collect();
    for dir in folders.into_iter().rev() {
        let own = dir.join(".cargo");
        if Some(&own) == home.as_ref() {
            continue;
        }
        let Some(file) = ["config", "config.toml"].iter().map(|n| own.join(n)).find(|f| f.is_file()) else { continue };
        let text = std::fs::read_to_string(&file).map_err(|e| unreadable(&file, &e))?;
        let mut table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
            Problem::error(format!("cannot read the cargo settings {}: {}", file.display(), e.message()))
        })?;
        anchor(&mut table, dir);
        merge(&mut merged, table);
    }
    Ok(if merged.is_empty() { String::new() } else { merged.to_string() })
}

fn cargo_home() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".cargo")))
}

/// Paths in settings are relative to the folder they stand in: they are made absolute where such a file is there.
fn anchor(table: &mut toml::Table, dir: &Path) {
    fn walk(value: &mut toml::Value, dir: &Path) {
        match value {
            toml::Value::String(text) if text.contains('/') && !text.contains("://") => {
                let file = dir.join(&*text);
                if !text.starts_with('/') && file.exists() {
                    *text = file.to_string_lossy().into_owned();
                }
            }
            toml::Value::Array(values) => values.iter_mut().for_each(|v| walk(v, dir)),
            toml::Value::Table(table) => table.iter_mut().for_each(|(_, v)| walk(v, dir)),
            _ => {}
        }
    }
    table.iter_mut().for_each(|(_, value)| walk(value, dir));
}

fn merge(into: &mut toml::Table, nearer: toml::Table) {
    for (key, value) in nearer {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => merge(old, new),
            (Some(toml::Value::Array(old)), toml::Value::Array(new)) => old.extend(new),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// The bytes that a checkout has for an object: what git LFS fetched in place of its pointer.
pub fn smudged(original: &Path, bytes: Vec<u8>) -> Vec<u8> {
    const POINTER: &[u8] = b"version https://git-lfs";
    if !bytes.starts_with(POINTER) {
        return bytes;
    }
    match std::fs::read(original) {
        Ok(fetched) if !fetched.starts_with(POINTER) => fetched,
        _ => bytes,
    }
}

/// Copies a submodule's files without its git folder and its builds.
///
/// # Errors
/// Those of the file system.
pub fn copy_sources(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        return std::fs::create_dir_all(to);
    }
    copy_tree(from, to, &|name| name != ".git" && name != "target")
}

/// Copies finished builds of a target folder: what cargo needs to see that a dependency is fresh, times kept. Nothing is
/// linked, because rustc writes some files in place. Profiles are left out, the largest first, that together are more
/// than `most` bytes.
///
/// # Errors
/// Those of the file system.
pub fn copy_builds(from: &Path, to: &Path, most: u64) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    let mut left = most;
    for (bytes, profile) in profiles(from) {
        if bytes > left {
            break;
        }
        left -= bytes;
        for part in PARTS {
            copy_tree(&from.join(&profile).join(part), &to.join(&profile).join(part), &|_| true)?;
        }
    }
    let tag = from.join(".rustc_info.json");
    if tag.is_file() {
        copy_file(&tag, &to.join(".rustc_info.json"))?;
    }
    Ok(())
}

/// What cargo needs of a profile to take its dependencies as built.
const PARTS: [&str; 3] = ["deps", "build", ".fingerprint"];

/// Profiles that were built, the smallest first, so that one that is too large costs no other.
fn profiles(target: &Path) -> Vec<(u64, PathBuf)> {
    let folders = std::fs::read_dir(target).into_iter().flatten().filter_map(Result::ok);
    let built = folders.filter(|e| e.path().join(".fingerprint").is_dir());
    let bytes = |profile: &Path| PARTS.iter().map(|part| bytes_of(&target.join(profile).join(part))).sum();
    let mut found: Vec<(u64, PathBuf)> =
        built.map(|e| PathBuf::from(e.file_name())).map(|profile| (bytes(&profile), profile)).collect();
    found.sort();
    found
}

/// Bytes of all files below a folder.
pub fn bytes_of(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let size = |entry: std::fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => bytes_of(&entry.path()),
        Ok(kind) if kind.is_file() => entry.metadata().map_or(0, |m| m.len()),
        _ => 0,
    };
    entries.map(size).sum()
}

fn copy_tree(from: &Path, to: &Path, wanted: &dyn Fn(&str) -> bool) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    let Ok(entries) = std::fs::read_dir(from) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        if !wanted(&entry.file_name().to_string_lossy()) {
            continue;
        }
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(&source, &target, wanted)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(&source)?, &target)?;
        } else {
            copy_file(&source, &target)?;
        }
    }
    Ok(())
}

/// A file may vanish meanwhile where a build runs in the user's checkout: then it is simply not there.
fn copy_file(from: &Path, to: &Path) -> std::io::Result<()> {
    let Ok(meta) = std::fs::metadata(from) else { return Ok(()) };
    std::fs::copy(from, to)?;
    std::fs::File::options().write(true).open(to)?.set_modified(meta.modified()?)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(path, bytes));
    made.map_err(|e| Problem::error(format!("cannot write {}: {e}", path.display())))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::error(format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_above_the_checkout_are_merged_with_the_nearer_ones_winning() {
        let dir = tempfile::tempdir().unwrap();
        let (outer, inner) = (dir.path().join(".cargo"), dir.path().join("a/.cargo"));
        std::fs::create_dir_all(&outer).unwrap();
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::create_dir_all(dir.path().join("vendor/x")).unwrap();
        std::fs::write(
            outer.join("config.toml"),
            "[build]\nrustflags = [\"--cfg\", \"outer\"]\njobs = 1\n[source.v]\ndirectory = \"vendor/x\"\n",
        )
        .unwrap();
        std::fs::write(inner.join("config.toml"), "[build]\nrustflags = [\"--cfg=inner\"]\njobs = 2\n").unwrap();
        let merged: toml::Table = merged_settings(&dir.path().join("a")).unwrap().parse().unwrap();
        assert_eq!(merged["build"]["jobs"].as_integer(), Some(2));
        let flags: Vec<&str> =
            merged["build"]["rustflags"].as_array().unwrap().iter().filter_map(|v| v.as_str()).collect();
        assert_eq!(flags, ["--cfg", "outer", "--cfg=inner"]);
        let vendor = dir.path().join("vendor/x");
        assert_eq!(merged["source"]["v"]["directory"].as_str(), vendor.to_str());
    }

    #[test]
    fn copied_builds_keep_their_times() {
        let dir = tempfile::tempdir().unwrap();
        let deps = dir.path().join("target/debug/deps");
        std::fs::create_dir_all(&deps).unwrap();
        std::fs::create_dir_all(dir.path().join("target/debug/.fingerprint/x-1")).unwrap();
        std::fs::write(deps.join("libx.rlib"), "x").unwrap();
        let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        std::fs::File::options().write(true).open(deps.join("libx.rlib")).unwrap().set_modified(old).unwrap();
        copy_builds(&dir.path().join("target"), &dir.path().join("copy"), 1 << 20).unwrap();
        let copied = dir.path().join("copy/debug/deps/libx.rlib");
        assert_eq!(std::fs::metadata(copied).unwrap().modified().unwrap(), old);
    }

    #[test]
    fn a_profile_that_is_too_large_costs_no_other_its_builds() {
        let dir = tempfile::tempdir().unwrap();
        for (profile, bytes) in [("debug", 4_000), ("release", 100)] {
            let built = dir.path().join("target").join(profile);
            std::fs::create_dir_all(built.join("deps")).unwrap();
            std::fs::create_dir_all(built.join(".fingerprint/x-1")).unwrap();
            std::fs::write(built.join("deps/libx.rlib"), "x".repeat(bytes)).unwrap();
        }
        let copy = dir.path().join("copy");
        copy_builds(&dir.path().join("target"), &copy, 1_000).unwrap();
        assert!(copy.join("release/deps/libx.rlib").exists());
        assert!(!copy.join("debug").exists());
    }
}
