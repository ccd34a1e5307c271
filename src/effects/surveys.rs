//! What a project's files told by themselves in, one file of the user's cache out, and back.
//!
//! Each entry is found by the digest of all that it depends on but the program. The file is a row of segments, each its
//! digest, its length and its entries, so that little that is new is appended to much that is old. A segment is read by
//! exactly the program that wrote it. What is missing, damaged or of another program is nothing: then it is found out again.

use std::collections::HashMap;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::evidence::cache_dir;

/// Digest of what an entry depends on.
pub type Key = [u8; 32];

/// Projects that are kept; the one not used for longest goes first.
const PROJECTS: usize = 64;

/// Bytes of a segment before its entries: the digest and the length.
const HEAD: usize = 32 + 8;

/// The entries of one project.
#[derive(Debug, Default)]
pub struct Shelf {
    path: Option<PathBuf>,
    bytes: Vec<u8>,
    entries: HashMap<Key, Range<usize>>,
    /// Nothing stands behind a segment that cannot be read.
    is_whole: bool,
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
        Shelf::read(path)
    }

    fn read(path: PathBuf) -> Shelf {
        let bytes = std::fs::read(&path).unwrap_or_default();
        let (entries, end) = entries(&bytes);
        Shelf { path: Some(path), is_whole: end == bytes.len(), bytes, entries }
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

    /// Keeps these entries, of which some are `new` and the others on the shelf, and in the end no others.
    ///
    /// That it could not be written is no matter: they are found out again.
    pub fn keep(&self, kept: &[Key], new: &[(Key, &[u8])]) {
        let Some((path, folder)) = self.path.as_ref().and_then(|path| Some((path, path.parent()?))) else { return };
        let old: Vec<(Key, &[u8])> = kept.iter().filter_map(|key| Some((*key, self.get(key)?))).collect();
        let used: usize = old.iter().map(|(_, bytes)| bytes.len() + HEAD).sum();
        if self.is_whole && used * 2 > self.bytes.len() {
            if !new.is_empty() {
                append(path, &segment(new));
            }
            return;
        }
        let all: Vec<(Key, &[u8])> = old.into_iter().chain(new.iter().copied()).collect();
        let beside = path.with_extension(format!("{}", std::process::id()));
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&beside, segment(&all)))
            .and_then(|()| std::fs::rename(&beside, path));
        if written.is_err() {
            let _ = std::fs::remove_file(&beside);
        }
        forget_old(folder);
    }
}

/// Entries as they stand in the file.
fn segment(entries: &[(Key, &[u8])]) -> Vec<u8> {
    let mut segment = Vec::with_capacity(HEAD + entries.iter().map(|(_, bytes)| bytes.len() + HEAD).sum::<usize>());
    segment.resize(HEAD, 0);
    for (key, bytes) in entries {
        segment.extend_from_slice(key);
        segment.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        segment.extend_from_slice(bytes);
    }
    let length = (segment.len() - HEAD) as u64;
    segment[32..HEAD].copy_from_slice(&length.to_le_bytes());
    let digest = key(&[&program(), &segment[HEAD..]]);
    segment[..32].copy_from_slice(&digest);
    segment
}

/// One write, so that two programs do not mix what they append; a part of it that came is no segment.
fn append(path: &Path, segment: &[u8]) {
    if let Ok(mut file) = std::fs::OpenOptions::new().append(true).open(path) {
        let _ = file.write(segment);
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

/// The entries of all segments up to the first that cannot be read, and where they end; the newest of a key counts.
fn entries(bytes: &[u8]) -> (HashMap<Key, Range<usize>>, usize) {
    let mut found = HashMap::new();
    let mut at = 0;
    while let Some((key, range)) = block(bytes, at) {
        let end = range.end;
        if key != self::key(&[&program(), &bytes[range.clone()]]) {
            break;
        }
        let mut entry = range.start;
        while let Some((key, range)) = block(&bytes[..end], entry) {
            entry = range.end;
            found.insert(key, range);
        }
        at = end;
    }
    (found, at)
}

/// What stands at a place: 32 bytes, a length, and so many bytes.
fn block(bytes: &[u8], at: usize) -> Option<(Key, Range<usize>)> {
    let head = bytes.get(at..at.checked_add(HEAD)?)?;
    let length = u64::from_le_bytes(head[32..].try_into().ok()?);
    let start = at + HEAD;
    let end = start.checked_add(usize::try_from(length).ok()?).filter(|end| *end <= bytes.len())?;
    Some((head[..32].try_into().ok()?, start..end))
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
        Shelf::read(path.to_owned())
    }

    #[test]
    fn what_was_put_on_the_shelf_is_found_by_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("surveys").join("a");
        let (one, two) = (key(&[b"one"]), key(&[b"two", b""]));
        shelf(&path).keep(&[], &[(one, b"1"), (two, b"")]);
        let kept = shelf(&path);
        assert_eq!((kept.get(&one), kept.get(&two), kept.len()), (Some(&b"1"[..]), Some(&b""[..]), 2));
        assert_eq!(kept.get(&key(&[b"two"])), None, "lengths count");
        kept.keep(&[], &[(two, b"2")]);
        assert_eq!((shelf(&path).get(&one), shelf(&path).get(&two)), (None, Some(&b"2"[..])));
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no neighbour is left");
    }

    #[test]
    fn little_that_is_new_is_appended_until_much_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let long = vec![7; 1000];
        let keys: Vec<Key> = (0..4u8).map(|n| key(&[&[n]])).collect();
        shelf(&path).keep(&[], &[(keys[0], &long), (keys[1], &long)]);
        let first = std::fs::read(&path).unwrap();
        shelf(&path).keep(&keys[..2], &[(keys[2], b"new")]);
        let second = std::fs::read(&path).unwrap();
        assert!(second.starts_with(&first) && second.len() < first.len() + 200, "{} {}", first.len(), second.len());
        let kept = shelf(&path);
        assert!(keys[..3].iter().all(|key| kept.get(key).is_some()));
        kept.keep(&[keys[2]], &[(keys[3], b"newer")]);
        let kept = shelf(&path);
        assert_eq!((kept.len(), kept.get(&keys[2]), kept.get(&keys[3])), (2, Some(&b"new"[..]), Some(&b"newer"[..])));
        kept.keep(&keys[2..], &[]);
        assert_eq!(shelf(&path).len(), 2, "nothing new is no segment");
    }

    #[test]
    fn a_damaged_or_cut_segment_ends_what_is_on_the_shelf() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let (one, two) = (key(&[b"one"]), key(&[b"two"]));
        shelf(&path).keep(&[], &[(one, b"some bytes")]);
        let first = std::fs::read(&path).unwrap().len();
        shelf(&path).keep(&[one], &[(two, b"more")]);
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(shelf(&path).len(), 2);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(shelf(&path).len(), usize::from(at >= first), "byte {at}");
            std::fs::write(&path, &whole[..at]).unwrap();
            assert_eq!(shelf(&path).len(), usize::from(at >= first), "cut at {at}");
        }
        shelf(&path).keep(&[one], &[(two, b"more")]);
        assert_eq!(shelf(&path).len(), 2, "a file with a broken segment is written anew");
    }
}
