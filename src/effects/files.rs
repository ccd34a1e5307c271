//! Paths in; texts, decompressed bytes and hashes out, and files written so that a crash leaves the old or the new.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crossbeam_channel::Receiver;
use sha2::Digest;

use crate::model::{ContentHash, Place, Problem};

/// How many bytes of a source are looked at to recognise its format.
pub const HEAD_BYTES: usize = 64 * 1024;

/// Reads a text file; `shown` is the path that messages name.
///
/// # Errors
/// A file that is not there, cannot be read or is not UTF-8, with what to do.
pub fn read_text(path: &Path, shown: &str) -> Result<String, Problem> {
    let bytes = std::fs::read(path).map_err(|e| unreadable(&e, path, shown))?;
    String::from_utf8(bytes).map_err(|e| not_utf8(e.as_bytes(), e.utf8_error().valid_up_to(), shown))
}

/// The nearest folder further out that holds a file of the same name, up to the top of the repository around it.
pub fn further_out(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?;
    let mut shown = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let mut folder = shown.canonicalize().ok()?;
    while !folder.join(".git").exists() {
        folder = folder.parent()?.to_owned();
        shown = if shown == Path::new(".") { PathBuf::from("..") } else { shown.join("..") };
        if folder.join(name).is_file() {
            return Some(shown);
        }
    }
    None
}

/// What stands for standard input where a measured file is named.
pub const STANDARD_INPUT: &str = "-";

/// Opens what was measured as a stream of decompressed bytes: gzip and zstd are told by their first bytes, not by a name.
/// `-` is standard input; a folder has to be Criterion's, and gives one line for each benchmark.
///
/// # Errors
/// A file that is not there, cannot be read, or a folder without benchmarks.
pub fn open_measured(path: &Path, shown: &str) -> Result<Measured, Problem> {
    let fail = |e: io::Error| unreadable(&e, path, shown);
    if shown == STANDARD_INPUT {
        return decompressed(Box::new(io::stdin()), None).map_err(fail);
    }
    let file = File::open(path).map_err(fail)?;
    let about = file.metadata().map_err(fail)?;
    if about.is_dir() {
        if let Some(problem) = in_folder(path, shown) {
            return Err(problem);
        }
        let Some(lines) = super::criterion::lines(path) else {
            return Err(Problem::error(format!("\"{shown}\" is a folder without benchmarks of Criterion"))
                .at(Place::file(shown))
                .help("name the file in it, or the folder `target/criterion`"));
        };
        return decompressed(Box::new(lines), None).map(|m| m.named(shown)).map_err(fail);
    }
    decompressed(Box::new(file), about.is_file().then_some(about.len())).map(|m| m.named(shown)).map_err(fail)
}

/// What the files of a folder hold that `perf record --threads` wrote.
pub struct PerfFolder {
    /// The file `data`.
    pub data: Vec<u8>,
    /// Those beside it in order: `data.0`, `data.1` and so on.
    pub parts: Vec<Vec<u8>>,
}

/// Reads such a folder; `None` for every other.
///
/// # Errors
/// A file that cannot be read.
pub fn perf_folder(path: &Path, shown: &str) -> Result<Option<PerfFolder>, Problem> {
    let is_perf = |data: &Path| {
        let mut magic = [0; 8];
        let read = File::open(data).and_then(|mut file| file.read_exact(&mut magic));
        read.is_ok() && (magic == *b"PERFILE2" || magic == *b"2ELIFREP")
    };
    if !path.is_dir() || !is_perf(&path.join("data")) {
        return Ok(None);
    }
    let read = |name: &str| {
        let (path, shown) = (path.join(name), format!("{shown}/{name}"));
        std::fs::read(&path).map_err(|e| unreadable(&e, &path, &shown))
    };
    let there = (0..).map(|n| format!("data.{n}")).take_while(|name| path.join(name).is_file());
    let parts = there.map(|name| read(&name)).collect::<Result<_, _>>()?;
    Ok(Some(PerfFolder { data: read("data")?, parts }))
}

/// What was measured, where all of it is in memory already.
pub fn measured_bytes(bytes: Vec<u8>, shown: &str) -> Measured {
    Measured {
        bytes: Box::new(io::Cursor::new(bytes)),
        ahead: io::Cursor::default(),
        shown: shown.to_owned(),
        plain: None,
    }
}

/// What is to be said where a recording of perf stands in a folder that is not read as one.
fn in_folder(path: &Path, shown: &str) -> Option<Problem> {
    let inside = ["perf.data", "data"].into_iter().find(|name| path.join(name).exists())?;
    Some(
        Problem::error(format!("\"{shown}\" is a folder with a recording in it"))
            .at(Place::file(shown))
            .help(format!("name the recording: {}/{inside}", shown.trim_end_matches('/'))),
    )
}

/// Opens a part of a plain file.
///
/// # Errors
/// A file that cannot be read.
pub fn open_part(path: &Path, shown: &str, part: std::ops::Range<u64>) -> Result<Measured, Problem> {
    let open = || {
        let mut file = File::open(path)?;
        file.seek(io::SeekFrom::Start(part.start))?;
        Ok(file.take(part.end - part.start))
    };
    let bytes: Box<dyn Read + Send> = Box::new(open().map_err(|e: io::Error| unreadable(&e, path, shown))?);
    Ok(Measured { bytes, ahead: io::Cursor::default(), shown: shown.to_owned(), plain: None })
}

fn decompressed(bytes: Box<dyn Read + Send>, length: Option<u64>) -> io::Result<Measured> {
    let mut reader = BufReader::with_capacity(256 * 1024, bytes);
    let magic = std::io::BufRead::fill_buf(&mut reader)?;
    let (bytes, plain): (Box<dyn Read + Send>, _) = match magic {
        [0x1f, 0x8b, ..] => (Box::new(Beside::new(flate2::bufread::MultiGzDecoder::new(reader))), None),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => (Box::new(Beside::new(zstd::stream::Decoder::with_buffer(reader)?)), None),
        _ => (Box::new(reader), length),
    };
    Ok(Measured { bytes, ahead: io::Cursor::default(), shown: STANDARD_INPUT.to_owned(), plain })
}

/// Decompresses on a thread of its own while what is out is read.
struct Beside {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: io::Cursor<Vec<u8>>,
}

impl Beside {
    fn new(mut from: impl Read + Send + 'static) -> Beside {
        let (sender, pieces) = crossbeam_channel::bounded(4);
        std::thread::spawn(move || {
            loop {
                let mut piece = Vec::with_capacity(256 * 1024);
                let read = from.by_ref().take(256 * 1024).read_to_end(&mut piece);
                let is_last = !matches!(read, Ok(1..));
                // Nobody listens any more: what is left is not wanted.
                if sender.send(read.map(|_| piece)).is_err() || is_last {
                    return;
                }
            }
        });
        Beside { pieces, piece: io::Cursor::default() }
    }
}

impl Read for Beside {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.pieces.recv() {
                Ok(piece) => self.piece = io::Cursor::new(piece?),
                Err(_) => return Ok(0),
            }
        }
    }
}

/// The decompressed bytes of one measured file.
pub struct Measured {
    bytes: Box<dyn Read + Send>,
    /// What was looked at and not taken yet.
    ahead: io::Cursor<Vec<u8>>,
    shown: String,
    /// Bytes of a plain file.
    plain: Option<u64>,
}

impl Measured {
    fn named(self, shown: &str) -> Measured {
        Measured { shown: shown.to_owned(), ..self }
    }

    /// Length of a plain file, parts of which can be opened; `None` for what is compressed, a pipe or a folder.
    pub fn plain(&self) -> Option<u64> {
        self.plain
    }

    /// Looks at the next bytes without taking them, up to [`HEAD_BYTES`]; fewer only at the end of the file.
    ///
    /// # Errors
    /// A compressed stream that is damaged.
    pub fn head(&mut self) -> Result<Vec<u8>, Problem> {
        let mut head = vec![0; HEAD_BYTES];
        let mut filled = 0;
        while filled < head.len() {
            match self.fill(&mut head[filled..])? {
                0 => break,
                n => filled += n,
            }
        }
        head.truncate(filled);
        self.ahead = io::Cursor::new(head.clone());
        Ok(head)
    }

    /// Takes the next bytes; 0 at the end.
    ///
    /// # Errors
    /// A compressed stream that ends early or is damaged.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Problem> {
        let ahead = self.ahead.read(buffer).expect("memory can be read");
        if ahead > 0 {
            return Ok(ahead);
        }
        loop {
            match self.bytes.read(buffer) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                other => return other.map_err(|e| damaged(&e, &self.shown)),
            }
        }
    }
}

/// Takes a file away; one that is not there is no fault.
pub fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
}

/// A folder with nothing in it, whatever stood there.
///
/// # Errors
/// A folder that cannot be written.
pub fn empty_folder(path: &Path) -> Result<(), Problem> {
    let _ = std::fs::remove_dir_all(path);
    std::fs::create_dir_all(path).map_err(|e| {
        Problem::error(format!("cannot write \"{}\": {e}", path.display())).help("check space and permissions")
    })
}

/// The texts of all files of a folder, one after the other by name; empty where there is none.
///
/// # Errors
/// A file that cannot be read.
pub fn texts_of(folder: &Path) -> Result<String, Problem> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|e| e.path()).collect();
    paths.sort();
    paths.iter().map(|path| read_text(path, &path.display().to_string())).collect()
}

/// Size of a file in bytes; `None` where there is none.
pub fn size(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|m| m.len())
}

/// When a file was last written, in seconds since the epoch; `None` where there is none.
pub fn modified(path: &Path) -> Option<u64> {
    let time = std::fs::metadata(path).and_then(|m| m.modified()).ok()?;
    time.duration_since(std::time::UNIX_EPOCH).ok().map(|d| d.as_secs())
}

/// SHA-256 of bytes, in hex.
pub fn hash(bytes: &[u8]) -> ContentHash {
    ContentHash(sha2::Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect())
}

/// Replaces a file as a whole: a neighbour is written, synced and renamed over it; the mode stays.
///
/// # Errors
/// The folder cannot be written; the old file is then as it was.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let shown = path.display().to_string();
    let neighbour = neighbour(path);
    let written = write_synced(&neighbour, path, bytes).and_then(|()| std::fs::rename(&neighbour, path));
    written.map_err(|e| {
        let _ = std::fs::remove_file(&neighbour);
        Problem::error(format!("cannot write \"{shown}\": {e}"))
            .at(Place::file(&shown))
            .help("check space and permissions")
    })
}

/// Writes a small program that can be run, unless exactly it stands there already.
///
/// # Errors
/// A folder that cannot be written.
pub fn write_program(path: &Path, text: &str) -> Result<(), Problem> {
    use std::os::unix::fs::PermissionsExt;
    if std::fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let made = folder
        .and_then(|()| std::fs::write(path, text))
        .and_then(|()| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)));
    made.map_err(|e| {
        Problem::error(format!("cannot write \"{}\": {e}", path.display())).help("check space and permissions")
    })
}

/// Writes a file that must not exist yet.
///
/// # Errors
/// It exists (it is left as it is), or cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let shown = path.display().to_string();
    let written = File::options().write(true).create_new(true).open(path).and_then(|mut f| f.write_all(bytes));
    written.map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => {
            Problem::error(format!("\"{shown}\" is there already")).at(Place::file(&shown)).help("nothing was changed")
        }
        _ => Problem::error(format!("cannot write \"{shown}\": {e}")).at(Place::file(&shown)),
    })
}

/// A name beside the file that no other process of Refit uses.
fn neighbour(path: &Path) -> PathBuf {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.refit-{}", std::process::id()))
}

fn write_synced(neighbour: &Path, old: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(neighbour)?;
    file.write_all(bytes)?;
    if let Ok(metadata) = std::fs::metadata(old) {
        file.set_permissions(metadata.permissions())?;
    }
    file.sync_all()
}

fn unreadable(error: &io::Error, path: &Path, shown: &str) -> Problem {
    let place = Place::file(shown);
    match error.kind() {
        io::ErrorKind::NotFound => Problem::error(format!("\"{shown}\" is not there"))
            .at(place)
            .help(format!("looked for {}", std::path::absolute(path).unwrap_or_else(|_| path.into()).display())),
        io::ErrorKind::PermissionDenied => Problem::error(format!("\"{shown}\" may not be read"))
            .at(place)
            .help(format!("let yourself read it: chmod u+r {shown}")),
        io::ErrorKind::IsADirectory => {
            Problem::error(format!("\"{shown}\" is a folder")).at(place).help("name the file in it")
        }
        _ => Problem::error(format!("\"{shown}\" cannot be read: {error}")).at(place),
    }
}

fn not_utf8(bytes: &[u8], valid: usize, shown: &str) -> Problem {
    let line = bytes[..valid].iter().filter(|b| **b == b'\n').count() as u32 + 1;
    Problem::error(format!("\"{shown}\" is not UTF-8 text"))
        .at(Place::at(shown, line, 0))
        .help(format!("byte {valid} is no part of a letter: save the file as UTF-8"))
}

fn damaged(error: &io::Error, shown: &str) -> Problem {
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => format!("\"{shown}\" ends in the middle of its compressed data"),
        _ => format!("\"{shown}\" cannot be read to its end: {error}"),
    };
    Problem::error(what).at(Place::file(shown)).help("record or copy it again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_written_into_a_folder_that_is_not_there_yet() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("slot/quiet.sh");
        write_program(&path, "#!/bin/sh\n").unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "#!/bin/sh\n");
    }

    fn all(path: &Path) -> Result<Vec<u8>, Problem> {
        let mut measured = open_measured(path, "m")?;
        let head = measured.head()?;
        let mut bytes = Vec::new();
        let mut buffer = [0; 1000];
        loop {
            match measured.fill(&mut buffer)? {
                0 => {
                    assert!(bytes.starts_with(&head));
                    return Ok(bytes);
                }
                n => bytes.extend_from_slice(&buffer[..n]),
            }
        }
    }

    #[test]
    fn compressed_files_read_like_plain_ones_whatever_their_name() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("m.txt");
        let text: Vec<u8> = (0..200_000u32).flat_map(|i| i.to_le_bytes()).collect();
        let gz = |bytes: &[u8]| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).expect("in memory");
            encoder.finish().expect("in memory")
        };
        let (first, second) = text.split_at(1_000);
        for stored in
            [text.clone(), [gz(first), gz(second)].concat(), zstd::encode_all(&text[..], 1).expect("in memory")]
        {
            std::fs::write(&path, stored).expect("written");
            assert_eq!(all(&path), Ok(text.clone()));
        }
        std::fs::write(&path, b"").expect("written");
        assert_eq!(all(&path), Ok(Vec::new()));
    }

    #[test]
    fn a_part_of_a_plain_file_is_its_bytes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("m");
        std::fs::write(&path, b"0123456789").expect("written");
        let whole = open_measured(&path, "m").expect("opens");
        assert_eq!(whole.plain(), Some(10));
        let mut part = open_part(&path, "m", 3..7).expect("opens");
        let mut buffer = [0; 16];
        assert_eq!(part.fill(&mut buffer), Ok(4));
        assert_eq!(&buffer[..4], b"3456");
        std::fs::write(&path, zstd::encode_all(&b"x"[..], 1).expect("in memory")).expect("written");
        assert_eq!(open_measured(&path, "m").expect("opens").plain(), None);
    }

    #[test]
    fn a_criterion_folder_is_a_line_a_benchmark() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, run) in [("sort/quick", "new"), ("sort/quick", "base"), ("parse", "new")] {
            let dir = folder.path().join(name).join(run);
            std::fs::create_dir_all(&dir).expect("made");
            let id = format!("{{\"full_id\":\"{name}\",\n\"title\":\"{run}\"}}");
            std::fs::write(dir.join("benchmark.json"), id).expect("written");
            std::fs::write(dir.join("sample.json"), "{\"iters\":[1],\"times\":[2]}").expect("written");
        }
        let text = String::from_utf8(all(folder.path()).expect("read")).expect("text");
        assert_eq!(
            text,
            "{\"benchmark\":{\"full_id\":\"parse\", \"title\":\"new\"},\"sample\":{\"iters\":[1],\"times\":[2]}}\n\
             {\"benchmark\":{\"full_id\":\"sort/quick\", \"title\":\"new\"},\"sample\":{\"iters\":[1],\"times\":[2]}}\n"
        );
    }

    #[test]
    fn a_truncated_archive_is_told() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("m");
        let stored = zstd::encode_all(&[7u8; 1_000_000][..], 1).expect("in memory");
        std::fs::write(&path, &stored[..stored.len() - 5]).expect("written");
        let problem = all(&path).expect_err("it is damaged");
        assert_eq!(problem.what, "\"m\" ends in the middle of its compressed data");
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = |name: &str| read_text(&folder.path().join(name), name).expect_err("cannot be read").what;
        std::fs::write(folder.path().join("latin"), b"a\nb\xe4").expect("written");
        std::fs::create_dir(folder.path().join("sub")).expect("made");
        assert_eq!(text("none"), "\"none\" is not there");
        assert_eq!(text("latin"), "\"latin\" is not UTF-8 text");
        assert_eq!(text("sub"), "\"sub\" is a folder");
        assert!(open_measured(&folder.path().join("sub"), "sub").is_err());
    }

    #[test]
    fn writing_replaces_as_a_whole_and_leaves_no_neighbour() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.sh");
        write_new(&path, b"old").expect("new");
        assert!(write_new(&path, b"other").is_err());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o750)).expect("set");
        }
        write_atomic(&path, b"new").expect("replaced");
        assert_eq!(std::fs::read(&path).expect("there"), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o750);
        }
        assert!(write_atomic(&folder.path().join("no/such"), b"x").is_err());
    }
}
