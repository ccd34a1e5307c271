//! A repository, a tree and new texts in; scratch checkouts at stable paths of the user's cache folder out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::Cancel;
use super::carry;
use super::evidence::cache_dir;
use super::files;
use super::git::{Git, Repository, TreeEntry};
use crate::model::Problem;

/// All projects together may take this much; the ones not used for longest go first.
const CAP_BYTES: u64 = 16 << 30;
/// No more than this of a project's target folder is copied to seed a slot.
const SEED_BYTES: u64 = 4 << 30;
/// How long one instance waits for another that holds the project's slots, or for what is being stopped in them.
const PATIENCE: Duration = Duration::from_secs(6);

/// Which scratch checkout of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arm {
    /// The code as it stands.
    Base,
    /// The code with a proposal applied.
    Candidate,
    /// Old and new side by side, instrumented.
    Twin,
    /// What was committed before anything landed, to measure the objective.
    Before,
    /// The accepted stack, to measure the objective.
    After,
}

impl Arm {
    /// Name of its folder.
    pub fn word(self) -> &'static str {
        match self {
            Arm::Base => "base",
            Arm::Candidate => "candidate",
            Arm::Twin => "twin",
            Arm::Before => "before",
            Arm::After => "after",
        }
    }
}

/// One project in the cache: its name, bytes and last use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cached {
    /// Its folder.
    pub dir: PathBuf,
    /// Bytes on disk.
    pub bytes: u64,
    /// When its slots were used last.
    pub used: SystemTime,
}

/// What the cache holds, longest unused first.
///
/// # Errors
/// No cache folder is known.
pub fn cached() -> Result<Vec<Cached>, Problem> {
    let slots = cache_dir()?.join("slots");
    let entries = std::fs::read_dir(&slots).into_iter().flatten().filter_map(Result::ok);
    let mut found: Vec<Cached> = entries
        .filter(|e| e.path().is_dir())
        .map(|e| Cached { bytes: carry::bytes_of(&e.path()), used: modified(&e.path().join("lock")), dir: e.path() })
        .collect();
    found.sort_by_key(|c| (c.used, c.dir.clone()));
    Ok(found)
}

/// Name of the folder that holds the slots of the project in `root`.
pub fn folder_name(root: &Path) -> String {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let name = root.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let hash = files::hash(root.to_string_lossy().as_bytes()).0;
    format!("{name}-{}", &hash[..10])
}

/// Removes a project's slots unless an instance uses them; true if they are gone.
pub fn remove(dir: &Path) -> bool {
    let free = match File::open(dir.join("lock")) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(_) => true,
    };
    free && std::fs::remove_dir_all(dir).is_ok()
}

/// The slots of one project, locked against other instances for as long as this lives.
#[derive(Debug)]
pub struct Slots {
    dir: PathBuf,
    repository: Repository,
    _lock: File,
}

impl Slots {
    /// Opens (or makes) and locks the slots of the project in `root`.
    ///
    /// # Errors
    /// Another instance holds them; the cache folder cannot be written.
    pub fn open(repository: &Repository, root: &Path, cancel: &Cancel) -> Result<Slots, Problem> {
        let dir = cache_dir()?.join("slots").join(folder_name(root));
        if !dir.exists() {
            make_room();
        }
        std::fs::create_dir_all(&dir).map_err(|e| unwritable(&dir, &e))?;
        let lock = lock(&dir.join("lock"), cancel)?;
        Ok(Slots { dir, repository: repository.clone(), _lock: lock })
    }

    /// The scratch checkout of an arm; nothing is in it before [`Slot::set`].
    pub fn slot(&self, arm: Arm) -> Slot {
        let dir = self.dir.join(arm.word());
        Slot { checkout: dir.join("checkout"), dir, repository: self.repository.clone() }
    }

    /// Folder for files of this project's proofs (logs, counters).
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// One scratch checkout: a repository of its own that borrows the objects of the user's.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Folder of the arm.
    pub dir: PathBuf,
    /// The checkout, like the top of the user's working tree.
    pub checkout: PathBuf,
    repository: Repository,
}

impl Slot {
    /// The path in this checkout of a path of the model.
    pub fn path(&self, path: &str) -> PathBuf {
        self.checkout.join(self.repository.to_git(path))
    }

    /// Makes the checkout hold exactly this tree with some files replaced (paths of the model); files that are right
    /// already are not touched, so that cargo need not build them again. Returns how many were written.
    ///
    /// # Errors
    /// A missing object; a folder that cannot be written.
    pub fn set(&self, tree: &str, head: &str, overlay: &[(String, Vec<u8>)]) -> Result<usize, Problem> {
        self.prepare(head)?;
        let mut wanted: BTreeMap<String, Wanted> = BTreeMap::new();
        for entry in self.repository.entries(tree)? {
            wanted.insert(entry.path.clone(), Wanted::Object(entry));
        }
        for (path, bytes) in overlay {
            let path = self.repository.to_git(path);
            let mode = match wanted.get(&path) {
                Some(Wanted::Object(entry)) => entry.mode.clone(),
                _ => String::from("100644"),
            };
            wanted.insert(path, Wanted::Text(mode, bytes));
        }
        self.write(&wanted)
    }

    /// Removes what stands in the checkout beside the files of this tree: what tests and build scripts of earlier proofs
    /// wrote, or a crash left. Builds, git's own and carried settings stay. Returns how many files went.
    ///
    /// # Errors
    /// A missing object; a file that cannot be removed.
    pub fn sweep(&self, tree: &str, target: &Path) -> Result<usize, Problem> {
        if !self.checkout.is_dir() {
            return Ok(0);
        }
        let entries = self.repository.entries(tree)?;
        let known = entries.iter().map(|e| self.checkout.join(&e.path)).collect();
        let mut broom = Broom { known, kept: vec![self.checkout.join(".git"), target.to_owned()], gone: 0 };
        broom.kept.extend([".cargo/config.toml", ".cargo/config"].map(|name| self.checkout.join(name)));
        broom.sweep(&self.checkout).map_err(|e| unwritable(&self.checkout, &e))?;
        Ok(broom.gone)
    }

    /// Copies finished dependency builds from another target folder, times kept, if this one has none yet.
    /// Whatever goes wrong only costs a build.
    pub fn seed(&self, from: &Path, to: &Path) -> bool {
        if to.exists() || !from.is_dir() {
            return false;
        }
        let half = to.with_extension("seeding");
        let _ = std::fs::remove_dir_all(&half);
        let done = carry::copy_builds(from, &half, SEED_BYTES).and_then(|()| std::fs::rename(&half, to));
        if done.is_err() {
            let _ = std::fs::remove_dir_all(&half);
        }
        done.is_ok()
    }

    /// Makes the repository around the checkout, and carries over what the user's checkout has from its surroundings.
    fn prepare(&self, head: &str) -> Result<(), Problem> {
        let git_dir = self.checkout.join(".git");
        if !git_dir.join("refit").exists() {
            std::fs::create_dir_all(&self.checkout).map_err(|e| unwritable(&self.checkout, &e))?;
            let git = Git::at(&self.checkout);
            git.run(&["init", "-q", "--template="])?;
            let objects = self.repository.common_dir().join("objects");
            let info = git_dir.join("objects/info");
            std::fs::create_dir_all(&info)
                .and_then(|()| std::fs::write(info.join("alternates"), format!("{}\n", objects.display())))
                .and_then(|()| {
                    std::fs::write(git_dir.join("refit"), "made by refit; remove the whole folder at will\n")
                })
                .map_err(|e| unwritable(&info, &e))?;
            carry::surroundings(self.repository.toplevel(), &self.dir, &self.checkout)?;
        }
        let head_file = git_dir.join("HEAD");
        if std::fs::read_to_string(&head_file).unwrap_or_default().trim() != head {
            std::fs::write(&head_file, format!("{head}\n")).map_err(|e| unwritable(&head_file, &e))?;
        }
        Ok(())
    }

    /// Writes what differs from what stands there. The list of what stands is cut before and completed after the
    /// writing: after a crash the rest counts as unknown and is written again.
    fn write(&self, wanted: &BTreeMap<String, Wanted>) -> Result<usize, Problem> {
        let list = self.dir.join("standing");
        let mut standing = read_standing(&list);
        standing.retain(|path, s| s.stamp == stamp(&self.checkout.join(path)));
        let gone: Vec<String> = standing.keys().filter(|p| !wanted.contains_key(*p)).cloned().collect();
        let stale: Vec<(&String, &Wanted)> =
            wanted.iter().filter(|(path, w)| standing.get(*path).is_none_or(|s| s.key != w.key())).collect();
        if gone.is_empty() && stale.is_empty() {
            return Ok(0);
        }
        standing.retain(|path, s| wanted.get(path).is_some_and(|w| w.key() == s.key));
        write_standing(&list, &standing)?;
        for path in &gone {
            let _ = std::fs::remove_file(self.checkout.join(path));
        }
        let oids: Vec<&str> = stale.iter().filter_map(|(_, w)| w.blob()).collect();
        let mut blobs = self.repository.blobs(&oids)?.into_iter();
        for (path, want) in &stale {
            let bytes = match want {
                Wanted::Text(_, bytes) => bytes.to_vec(),
                Wanted::Object(_) if want.blob().is_some() => blobs.next().unwrap_or_default(),
                Wanted::Object(_) => Vec::new(),
            };
            let at = self.checkout.join(path);
            self.put(&at, path, want.mode(), bytes).map_err(|e| unwritable(&at, &e))?;
            standing.insert((*path).clone(), Standing { key: want.key(), stamp: stamp(&at) });
        }
        write_standing(&list, &standing)?;
        Ok(stale.len() + gone.len())
    }

    fn put(&self, at: &Path, path: &str, mode: &str, bytes: Vec<u8>) -> std::io::Result<()> {
        if let Some(parent) = at.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let _ = std::fs::remove_file(at);
        let original = self.repository.toplevel().join(path);
        match mode {
            "160000" => carry::copy_sources(&original, at),
            "120000" => std::os::unix::fs::symlink(String::from_utf8_lossy(&bytes).as_ref(), at),
            _ => {
                std::fs::write(at, carry::smudged(&original, bytes))?;
                let bits = if mode == "100755" { 0o755 } else { 0o644 };
                std::fs::set_permissions(at, std::fs::Permissions::from_mode(bits))
            }
        }
    }
}

/// Removes files that nobody put there.
struct Broom {
    known: BTreeSet<PathBuf>,
    kept: Vec<PathBuf>,
    gone: usize,
}

impl Broom {
    /// True if the folder is empty now.
    fn sweep(&mut self, folder: &Path) -> std::io::Result<bool> {
        let mut is_empty = true;
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let (path, is_folder) = (entry.path(), entry.file_type()?.is_dir());
            // A submodule is known as a whole; a folder with this tag holds what cargo built.
            let is_kept = self.known.contains(&path)
                || self.kept.contains(&path)
                || (is_folder && path.join("CACHEDIR.TAG").exists());
            if is_kept {
                is_empty = false;
            } else if !is_folder {
                std::fs::remove_file(&path)?;
                self.gone += 1;
            } else if self.sweep(&path)? {
                std::fs::remove_dir(&path)?;
            } else {
                is_empty = false;
            }
        }
        Ok(is_empty)
    }
}

/// What a path is to hold.
enum Wanted<'a> {
    Object(TreeEntry),
    Text(String, &'a [u8]),
}

impl Wanted<'_> {
    fn mode(&self) -> &str {
        match self {
            Wanted::Object(entry) => &entry.mode,
            Wanted::Text(mode, _) => mode,
        }
    }

    fn key(&self) -> String {
        match self {
            Wanted::Object(entry) => format!("{} {}", entry.mode, entry.oid),
            Wanted::Text(mode, bytes) => format!("{mode} text-{}", files::hash(bytes).0),
        }
    }

    fn blob(&self) -> Option<&str> {
        match self {
            Wanted::Object(entry) if entry.mode != "160000" => Some(&entry.oid),
            _ => None,
        }
    }
}

/// What a path holds, and the stamp that shows whether a test or a build script has written over it since.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing {
    key: String,
    stamp: String,
}

fn stamp(path: &Path) -> String {
    let Ok(meta) = std::fs::symlink_metadata(path) else { return String::from("none") };
    if meta.is_dir() {
        return String::from("folder");
    }
    let time = meta.modified().ok().and_then(|t| t.duration_since(SystemTime::UNIX_EPOCH).ok()).unwrap_or_default();
    format!("{}.{}", time.as_nanos(), meta.len())
}

fn read_standing(list: &Path) -> BTreeMap<String, Standing> {
    let mut text = String::new();
    let _ = File::open(list).and_then(|mut f| f.read_to_string(&mut text));
    let entry = |line: &str| {
        let mut parts = line.splitn(3, '\t');
        let (key, stamp, path) = (parts.next()?, parts.next()?, parts.next()?);
        Some((path.to_owned(), Standing { key: key.to_owned(), stamp: stamp.to_owned() }))
    };
    text.split('\0').filter_map(entry).collect()
}

fn write_standing(list: &Path, standing: &BTreeMap<String, Standing>) -> Result<(), Problem> {
    let text: String = standing.iter().map(|(path, s)| format!("{}\t{}\t{path}\0", s.key, s.stamp)).collect();
    files::write_atomic(list, text.as_bytes())
}

fn modified(path: &Path) -> SystemTime {
    std::fs::metadata(path).and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Takes the lock, and notes who holds it.
fn lock(path: &Path, cancel: &Cancel) -> Result<File, Problem> {
    let mut options = File::options();
    let mut file =
        options.read(true).write(true).create(true).truncate(false).open(path).map_err(|e| unwritable(path, &e))?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE && !cancel.is_cancelled() => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(TryLockError::WouldBlock) => {
                let holder = std::fs::read_to_string(path).unwrap_or_default();
                return Err(Problem::error(format!(
                    "another Refit (process {}) is proving in this project",
                    holder.trim()
                ))
                .help("wait until it has finished, or cancel its jobs"));
            }
            Err(TryLockError::Error(e)) => return Err(unwritable(path, &e)),
        }
    }
    let noted = file.set_len(0).and_then(|()| file.write_all(std::process::id().to_string().as_bytes()));
    noted.map_err(|e| unwritable(path, &e))?;
    Ok(file)
}

/// Removes the projects that were not used for longest until a new one has room.
fn make_room() {
    let Ok(found) = cached() else { return };
    let mut total: u64 = found.iter().map(|c| c.bytes).sum();
    for project in found {
        if total <= CAP_BYTES {
            return;
        }
        if remove(&project.dir) {
            total -= project.bytes;
        }
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::error(format!("cannot write {}: {error}", path.display()))
        .help("free some space, or set REFIT_CACHE_DIR to a folder that you can write")
}
