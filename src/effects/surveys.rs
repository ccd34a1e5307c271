//! What a project's files told by themselves in, one file of the user's cache out, and back.
//!
//! Each entry is found by the digest of all that it depends on but the program; the whole file is read by exactly the
//! program that wrote it. What is missing, damaged or of another program is nothing: then it is found out again.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::evidence::cache_dir;

/// Digest of what an entry depends on.
pub type Key = [u8; 32];

/// Projects that are kept; the one not used for longest goes first.
const PROJECTS: usize = 64;

/// The entries of one project.
#[derive(Debug, Default)]
pub struct Shelf {
    path: Option<PathBuf>,
    bytes: Vec<u8>,
    entries: HashMap<Key, Range<usize>>,
}

/// The digest of several pieces, each with its length.
pub fn key(pieces: &[&[u8]]) -> Key {
    let mut digest = Sha256::new();
    for piece in pieces {
        digest.update((piece.len() as u64).to_le_bytes());
        digest.update(piece);
    }
    digest.finalize().into()
}

impl Shelf {
    /// What is kept for the project at `root` under a name.
    pub fn open(root: &Path, name: &str) -> Shelf {
        let Some(path) = place(root, name) else { return Shelf::default() };
        let bytes = std::fs::read(&path).unwrap_or_default();
        let entries = entries(&bytes).unwrap_or_default();
        Shelf { path: Some(path), bytes, entries }
    }

    /// The entry of a key.
    pub fn get(&self, key: &Key) -> Option<&[u8]> {
        self.entries.get(key).map(|range| &self.bytes[range.clone()])
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Keeps exactly these entries. That it could not be written is no matter: they are found out again.
    pub fn replace(&self, entries: &[(Key, &[u8])]) {
        let Some((path, folder)) = self.path.as_ref().and_then(|path| Some((path, path.parent()?))) else { return };
        let mut body = Vec::with_capacity(entries.iter().map(|(_, bytes)| bytes.len() + 40).sum());
        for (key, bytes) in entries {
            body.extend_from_slice(key);
            body.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            body.extend_from_slice(bytes);
        }
        let head = key(&[&program(), &body]);
        let beside = path.with_extension(format!("{}", std::process::id()));
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&beside, [&head[..], &body].concat()))
            .and_then(|()| std::fs::rename(&beside, path));
        if written.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        forget_old(folder);
    }
}

/// Bytes of all that is kept, of every project.
pub fn held() -> u64 {
    cache_dir().map_or(0, |dir| super::carry::bytes_of(&dir.join("surveys")))
}

/// Removes what is kept of every project; true if it is gone.
pub fn forget() -> bool {
    cache_dir().is_ok_and(|dir| std::fs::remove_dir_all(dir.join("surveys")).is_ok())
}

fn place(root: &Path, name: &str) -> Option<PathBuf> {
    let root = root.canonicalize().ok()?;
    let digest = key(&[root.as_os_str().as_encoded_bytes(), name.as_bytes()]);
    let word: String = digest[..12].iter().map(|b| format!("{b:02x}")).collect();
    Some(cache_dir().ok()?.join("surveys").join(word))
}

/// What tells this build of the program from another: its version, length and time of its file.
fn program() -> Vec<u8> {
    let metadata = std::env::current_exe().and_then(std::fs::metadata);
    let time = metadata.as_ref().ok().and_then(|m| m.modified().ok());
    format!("{} {:?} {time:?}", env!("CARGO_PKG_VERSION"), metadata.map(|m| m.len()).ok()).into_bytes()
}

fn entries(bytes: &[u8]) -> Option<HashMap<Key, Range<usize>>> {
    let (head, body) = bytes.split_at_checked(32)?;
    if head != key(&[&program(), body]) {
        return None;
    }
    let mut found = HashMap::new();
    let mut at = 32;
    while at < bytes.len() {
        let key: Key = bytes.get(at..at + 32)?.try_into().ok()?;
        let length = u64::from_le_bytes(bytes.get(at + 32..at + 40)?.try_into().ok()?);
        let start = at + 40;
        let end = start.checked_add(usize::try_from(length).ok()?).filter(|end| *end <= bytes.len())?;
        found.insert(key, start..end);
        at = end;
    }
    Some(found)
}

fn forget_old(folder: &Path) {
    let Ok(listing) = std::fs::read_dir(folder) else { return };
    let time = |entry: &std::fs::DirEntry| entry.metadata().and_then(|m| m.modified()).ok();
    let mut files: Vec<_> = listing.filter_map(Result::ok).map(|entry| (time(&entry), entry.path())).collect();
    files.sort();
    let many = files.len().saturating_sub(PROJECTS);
    for (_, path) in &files[..many] {
        let _ = std::fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf(path: &Path) -> Shelf {
        let bytes = std::fs::read(path).unwrap_or_default();
        let entries = entries(&bytes).unwrap_or_default();
        Shelf { path: Some(path.to_owned()), bytes, entries }
    }

    #[test]
    fn what_was_put_on_the_shelf_is_found_by_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("surveys").join("a");
        let (one, two) = (key(&[b"one"]), key(&[b"two", b""]));
        shelf(&path).replace(&[(one, b"1"), (two, b"")]);
        let kept = shelf(&path);
        assert_eq!((kept.get(&one), kept.get(&two), kept.len()), (Some(&b"1"[..]), Some(&b""[..]), 2));
        assert_eq!(kept.get(&key(&[b"two"])), None, "lengths count");
        kept.replace(&[(two, b"2")]);
        assert_eq!((shelf(&path).get(&one), shelf(&path).get(&two)), (None, Some(&b"2"[..])));
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no neighbour is left");
    }

    #[test]
    fn a_damaged_or_cut_file_is_an_empty_shelf() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        shelf(&path).replace(&[(key(&[b"one"]), b"some bytes")]);
        let whole = std::fs::read(&path).unwrap();
        for at in [0, 31, 40, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            assert!(shelf(&path).is_empty(), "byte {at}");
            std::fs::write(&path, &whole[..at]).unwrap();
            assert!(shelf(&path).is_empty(), "cut at {at}");
        }
    }
}
