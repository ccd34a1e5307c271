//! Object files by path and build id in; their bytes, the kernel's symbols and kept tables of symbols out.

use std::fs::File;
use std::io::Read;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use super::evidence::cache_dir;
use super::files::write_atomic;
use crate::model::{ObjectFile, Problem};

/// What the kernel maps into every process to read clocks with; of it there is only the copy that perf keeps.
pub const VDSO: &str = "[vdso]";

/// Places where an object file may stand, best first: perf's own copy, where it was recorded, the binary that was named.
pub fn candidates(object: &ObjectFile, binary: Option<&Path>) -> Vec<PathBuf> {
    let kept_as =
        |name| by_build_id(&object.build_id).and_then(|p| Some(home()?.join(".debug/.build-id").join(p).join(name)));
    if object.path == VDSO {
        return kept_as("vdso").into_iter().collect();
    }
    let recorded = PathBuf::from(&object.path);
    let named = binary.filter(|b| !object.build_id.is_empty() || b.file_name() == recorded.file_name());
    kept_as("elf").into_iter().chain([recorded]).chain(named.map(Path::to_path_buf)).collect()
}

/// Where the symbols and the debug information of a stripped object file may stand: in perf's own copy, or where
/// distributions put them.
pub fn debug_files(build_id: &str) -> Vec<PathBuf> {
    let Some(path) = by_build_id(build_id) else { return Vec::new() };
    let kept = home().map(|home| home.join(".debug/.build-id").join(&path).join("debug"));
    let installed = Path::new("/usr/lib/debug/.build-id").join(path).with_extension("debug");
    kept.into_iter().chain([installed]).collect()
}

/// `ab/cdef…`, as all who keep files by build id write it.
fn by_build_id(build_id: &str) -> Option<PathBuf> {
    let (first, rest) = build_id.split_at_checked(2)?;
    (!rest.is_empty()).then(|| Path::new(first).join(rest))
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from)
}

/// The bytes of an object file, as far as they are looked at: most of a binary with debug information never is.
///
/// A mapped file that somebody shortens in place would end the program at the next look (SIGBUS). So a file is mapped only
/// under a lease, with which Linux makes whoever opens it to write wait until it is given back; any other is copied.
#[derive(Debug)]
pub enum Contents {
    /// The mapping stands first: it goes before the lease does.
    Mapped(memmap2::Mmap, Lease),
    /// What was in the file when it was read.
    Copied(Vec<u8>),
}

impl Deref for Contents {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Contents::Mapped(map, _) => map,
            Contents::Copied(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Contents {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// A file that nobody writes to; closing it gives the lease back.
#[derive(Debug)]
pub struct Lease(#[allow(dead_code, reason = "it is held")] File);

impl Lease {
    /// `None` where the file is another user's, is open for writing, or lies where there are no leases.
    #[cfg(target_os = "linux")]
    fn take(file: &File) -> Option<Lease> {
        use std::os::fd::AsRawFd;
        // From asm-generic/fcntl.h; the libc crate leaves it out.
        const F_SETSIG: libc::c_int = 10;
        let held = file.try_clone().ok()?;
        let fd = held.as_raw_fd();
        // SAFETY: both calls change nothing but the lease of an open file. The signal that tells of a waiting writer is one
        // that does nothing where nobody handles it; the one that would be sent else ends the program.
        let taken = unsafe {
            libc::fcntl(fd, F_SETSIG, libc::SIGURG) == 0 && libc::fcntl(fd, libc::F_SETLEASE, libc::F_RDLCK) == 0
        };
        taken.then_some(Lease(held))
    }

    #[cfg(not(target_os = "linux"))]
    fn take(_: &File) -> Option<Lease> {
        None
    }
}

/// The bytes of a file that can be mapped; `None` where it is empty or has to be copied.
pub fn mapped(path: &Path) -> Option<Contents> {
    let file = File::open(path).ok().filter(|f| f.metadata().is_ok_and(|about| about.is_file() && about.len() > 0))?;
    map(&file, Lease::take(&file)?)
}

fn map(file: &File, lease: Lease) -> Option<Contents> {
    // SAFETY: while the lease is held nobody can write to the file or shorten it (the kernel breaks a lease by force
    // after /proc/sys/fs/lease-break-time, 45 s, which is longer than a file is looked at).
    Some(Contents::Mapped(unsafe { memmap2::Mmap::map(file) }.ok()?, lease))
}

/// The bytes of a file; `None` where it is not there, empty, or may not be read.
pub fn bytes(path: &Path) -> Option<Contents> {
    let mut file = File::open(path).ok().filter(|f| f.metadata().is_ok_and(|about| about.is_file()))?;
    let contents = match Lease::take(&file) {
        Some(lease) => map(&file, lease)?,
        None => {
            let mut copied = Vec::new();
            file.read_to_end(&mut copied).ok()?;
            Contents::Copied(copied)
        }
    };
    (!contents.is_empty()).then_some(contents)
}

/// The list of functions that a runtime made while it ran (`/tmp/perf-PID.map`).
pub fn made_at_run_time(path: &str) -> Option<String> {
    std::fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Where the parts of a binary's debug information may stand that were packed into one file: `gateway.dwp`.
pub fn packages(binary: &Path) -> Vec<PathBuf> {
    let mut appended = binary.as_os_str().to_owned();
    appended.push(".dwp");
    let replaced = binary.with_extension("dwp");
    let appended = PathBuf::from(appended);
    if appended == replaced { vec![appended] } else { vec![appended, replaced] }
}

/// Bytes of an object file that are loaded when it runs: its sections without symbols and debug information, which
/// `strip` takes away. `None` where there is no object file.
pub fn loaded_size(path: &Path) -> Option<u64> {
    Some(loaded_sections(path)?.into_iter().map(|(_, bytes)| bytes).sum())
}

/// Those sections, each with its bytes in the file. `None` where there is no object file.
pub fn loaded_sections(path: &Path) -> Option<Vec<(String, u64)>> {
    use object::{Object, ObjectSection, SectionFlags};
    let cache = object::ReadCache::new(std::fs::File::open(path).ok()?);
    let file = object::File::parse(&cache).ok()?;
    let is_loaded = |flags| matches!(flags, SectionFlags::Elf { sh_flags, .. } if sh_flags & u64::from(object::elf::SHF_ALLOC) != 0);
    let sections = file.sections().filter(|s| is_loaded(s.flags()));
    Some(sections.filter_map(|s| Some((s.name().ok()?.to_owned(), s.file_range()?.1))).collect())
}

/// Makes the folder that a file is to stand in.
///
/// # Errors
/// It cannot be made.
pub fn make_folder_of(path: &Path) -> Result<(), Problem> {
    let Some(folder) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(|e| {
        Problem::error(format!("cannot make the folder \"{}\": {e}", folder.display()))
            .help("check space and permissions")
    })
}

/// The symbols of the running kernel as text, if it is the one with this build id and they may be seen; the largest address
/// that is asked for has to be known.
///
/// perf keeps a copy when it records, and a file is read twenty times faster than the kernel writes its list out. The copy is
/// of this boot if it begins as the list does. Where modules are loaded may have changed since: for them the list is read.
pub fn kernel_symbols(build_id: &str, largest: u64) -> Option<Contents> {
    let notes = std::fs::read("/sys/kernel/notes").ok()?;
    if build_id.is_empty() || kernel_build_id(&notes)? != build_id {
        return None;
    }
    kept_kernel_symbols(build_id, largest).or_else(|| std::fs::read(KERNEL_SYMBOLS).ok().map(Contents::Copied))
}

const KERNEL_SYMBOLS: &str = "/proc/kallsyms";

fn kept_kernel_symbols(build_id: &str, largest: u64) -> Option<Contents> {
    let kept = bytes(&home()?.join(".debug/[kernel.kallsyms]").join(build_id).join("kallsyms"))?;
    let mut head = vec![0; 2048];
    let read = File::open(KERNEL_SYMBOLS).ok()?.read(&mut head).ok()?;
    (read > 0 && kept.starts_with(&head[..read]) && largest < first_module(&kept)?).then_some(kept)
}

/// The address of the first symbol that is of a module; the highest address where there is none.
fn first_module(symbols: &[u8]) -> Option<u64> {
    let Some(module) = memchr::memmem::find(symbols, b"\t[") else { return Some(u64::MAX) };
    let start = memchr::memrchr(b'\n', &symbols[..module]).map_or(0, |end| end + 1);
    let digits = symbols[start..module].split(|b| *b == b' ').next()?;
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The GNU build id among ELF notes: sizes of name and content, kind 3, the name `GNU`, the id.
fn kernel_build_id(notes: &[u8]) -> Option<String> {
    let at = notes.windows(8).position(|w| w == b"\x03\0\0\0GNU\0")?;
    let size = u32::from_ne_bytes(notes.get(at.checked_sub(4)?..at)?.try_into().ok()?);
    let id = notes.get(at + 8..at + 8 + usize::try_from(size).ok()?)?;
    Some(id.iter().map(|b| format!("{b:02x}")).collect())
}

/// The table of symbols that was kept for a build id.
pub fn kept_table(build_id: &str) -> Option<Vec<u8>> {
    std::fs::read(table_path(build_id)?).ok()
}

/// Keeps a table; where the cache cannot be written it is made again the next time.
pub fn keep_table(build_id: &str, table: &[u8]) {
    let Some(path) = table_path(build_id) else { return };
    let folder = path.parent().map(std::fs::create_dir_all);
    if folder.is_some_and(|made| made.is_ok()) {
        let _ = write_atomic(&path, table);
    }
}

fn table_path(build_id: &str) -> Option<PathBuf> {
    let sound = !build_id.is_empty() && build_id.bytes().all(|b| b.is_ascii_hexdigit());
    sound.then(|| Some(cache_dir().ok()?.join("symbols").join(format!("{build_id}.table"))))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_id_is_found_among_other_notes() {
        let mut notes = vec![4, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0];
        notes.extend(b"Xen\0\x01\x02\x03\x04");
        notes.extend([4, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0]);
        notes[20..].fill(0);
        notes.truncate(20);
        notes.extend([4, 0, 0, 0, 3, 0, 0, 0, b'G', b'N', b'U', 0, 0xde, 0xad, 0xbe, 0xef]);
        // The size of the content stands right before its kind.
        assert_eq!(kernel_build_id(&notes).as_deref(), Some("deadbeef"));
        assert_eq!(kernel_build_id(b"nothing"), None);
        assert_eq!(kernel_build_id(b"\x03\0\0\0GNU\0"), None);
    }

    #[test]
    fn a_file_that_is_shortened_while_it_is_looked_at_stays_whole_until_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("binary");
        std::fs::write(&path, vec![7; 1 << 20]).unwrap();
        let contents = bytes(&path).unwrap();
        let shortened = std::thread::spawn({
            let path = path.clone();
            move || File::create(path).unwrap().set_len(0).unwrap()
        });
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert_eq!(contents.iter().map(|b| u64::from(*b)).sum::<u64>(), 7 << 20);
        drop(contents);
        shortened.join().unwrap();
        assert!(bytes(&path).is_none(), "it is empty now");
    }

    #[test]
    fn a_file_that_is_being_written_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("binary");
        let mut open = File::create(&path).unwrap();
        std::io::Write::write_all(&mut open, b"half").unwrap();
        let contents = bytes(&path).unwrap();
        open.set_len(0).unwrap();
        assert_eq!((&*contents, matches!(contents, Contents::Copied(_))), (&b"half"[..], true));
    }

    #[test]
    fn candidates_follow_the_build_id_and_the_name() {
        let object = |build_id: &str| ObjectFile { path: "/opt/svc".into(), build_id: build_id.into() };
        let named = Path::new("target/release/other");
        assert_eq!(
            candidates(&object(""), Some(named)),
            [PathBuf::from("/opt/svc")],
            "another name, and nothing to compare"
        );
        assert!(candidates(&object("abcd"), Some(named)).contains(&named.to_path_buf()));
        let installed = PathBuf::from("/usr/lib/debug/.build-id/ab/cdef.debug");
        assert_eq!(debug_files("abcdef").last(), Some(&installed));
        let vdso = candidates(&ObjectFile { path: VDSO.into(), build_id: "abcdef".into() }, Some(named));
        assert!(vdso.iter().all(|place| place.ends_with(".debug/.build-id/ab/cdef/vdso")), "{vdso:?}");
        assert!(debug_files("ab").is_empty() && debug_files("").is_empty());
    }
}
