//! A profile whose frames are addresses in; the object files are found, looked up and remembered, and named frames out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::effects::{files, objects};
use crate::model::{ObjectFile, Problem, Profile};
use crate::profile::Whole;
use crate::profile::symbols::{
    Asked, Image, Parts, Table, addresses_of, jit_table, kernel_table, look_up_symbols, look_up_with, parts_of,
    symbolicate,
};

/// Fewer addresses than this are looked up by one thread.
const WORTH_TWO_THREADS: usize = 200;

/// The kernel, as perf names it.
const KERNEL: &str = "[kernel.kallsyms]";

/// Object files of one source, each read once.
pub(super) struct Shelf {
    binary: Option<PathBuf>,
    read: HashMap<ObjectFile, Found>,
}

/// What became of the search for an object file.
#[derive(Clone)]
enum Found {
    /// It is the one that was recorded, as far as can be told.
    Here(Arc<objects::Contents>, PathBuf),
    /// A file of that name has another build id.
    Rebuilt(PathBuf),
    /// There is none.
    Missing,
}

impl Shelf {
    /// An empty shelf; `binary` is what the source entry names.
    pub(super) fn new(root: &Path, binary: Option<&str>) -> Shelf {
        Shelf { binary: binary.map(|b| root.join(b)), read: HashMap::new() }
    }

    /// The bytes of an object file, where it is the one that was recorded.
    pub(super) fn contents(&mut self, object: &ObjectFile) -> Option<Whole> {
        match self.find(object) {
            Found::Here(bytes, _) => Some(bytes),
            Found::Rebuilt(_) | Found::Missing => None,
        }
    }

    /// Names all frames of a profile that are addresses.
    pub(super) fn name(&mut self, profile: Profile) -> (Profile, Vec<Problem>) {
        if profile.addresses.is_empty() {
            return (symbolicate(profile, &[]), Vec::new());
        }
        let mut seen = Seen::default();
        let tables = tables(&profile, |object, wanted| self.table(object, wanted, &mut seen));
        let tables: Vec<Option<&Table>> = tables.iter().map(Option::as_ref).collect();
        (symbolicate(profile, &tables), seen.problems())
    }

    /// Names frames by symbols alone: without lines, and inlined functions count for their callers.
    ///
    /// Build ids stand at the end of a recording: until that was read, an object file that is newer than the recording is
    /// not trusted.
    pub(super) fn name_by_symbols(&mut self, profile: Profile, recorded: Option<u64>) -> Profile {
        let tables = tables(&profile, |object, wanted| self.symbols(object, wanted, recorded));
        let tables: Vec<Option<&Table>> = tables.iter().map(Option::as_ref).collect();
        symbolicate(profile, &tables)
    }

    /// The symbols at addresses of one object file.
    fn symbols(&mut self, object: &ObjectFile, wanted: &[Asked], recorded: Option<u64>) -> Option<Table> {
        if !is_file(object) {
            return None;
        }
        if is_made_at_run_time(object) {
            return Some(jit_table(&objects::made_at_run_time(&object.path)?, &addresses(wanted)));
        }
        let Found::Here(bytes, path) = self.find(object) else { return None };
        if object.build_id.is_empty() && recorded.is_some_and(|at| files::modified(&path) > Some(at)) {
            return None;
        }
        let image = Image::parse(&bytes).ok()?;
        let separate = if image.section(".symtab").is_none() { debug_file(&image) } else { None };
        let debug = separate.as_ref().and_then(|bytes| Image::parse(bytes).ok());
        let mut table = Table::new(image.segments.clone());
        look_up_symbols(&image, debug.as_ref(), &missing(&table, wanted), &mut table);
        Some(table)
    }

    /// What stands at the addresses of one object file: from the cache as far as it goes, else looked up and kept.
    fn table(&mut self, object: &ObjectFile, wanted: &[Asked], seen: &mut Seen) -> Option<Table> {
        if !is_file(object) {
            return None;
        }
        if is_made_at_run_time(object) {
            let list = objects::made_at_run_time(&object.path);
            if list.is_none() {
                seen.without_list.push(object.path.clone());
            }
            return Some(jit_table(&list?, &addresses(wanted)));
        }
        if let Some(table) = kept(&object.build_id).filter(|t| missing(t, wanted).is_empty()) {
            return Some(table);
        }
        let (bytes, path) = match self.find(object) {
            Found::Here(bytes, path) => (bytes, path),
            Found::Rebuilt(path) => {
                seen.rebuilt.push(path);
                return None;
            }
            Found::Missing => {
                if object.path != objects::VDSO {
                    seen.missing.push(object.path.clone());
                }
                return None;
            }
        };
        let image = Image::parse(&bytes).ok()?;
        let key = if image.build_id.is_empty() { files::hash(&bytes).0 } else { image.build_id.clone() };
        let mut table = kept(&key).unwrap_or_else(|| Table::new(image.segments.clone()));
        let addresses = missing(&table, wanted);
        if !addresses.is_empty() {
            seen.look(&image, object, &path);
            let places = objects::candidates(object, self.binary.as_deref());
            let whole = look_up_in_threads(&image, (object, &places), &addresses, &mut table, seen);
            // What misses lines today may have them tomorrow, when the parts are where they belong.
            if whole {
                objects::keep_table(&key, &table.encode());
            }
        }
        Some(table)
    }

    fn find(&mut self, object: &ObjectFile) -> Found {
        if let Some(found) = self.read.get(object) {
            return found.clone();
        }
        let found = find(object, self.binary.as_deref());
        self.read.insert(object.clone(), found.clone());
        found
    }
}

/// A table for each object file that has addresses; the kernel's list is read beside the others.
fn tables(profile: &Profile, mut table: impl FnMut(&ObjectFile, &[Asked]) -> Option<Table>) -> Vec<Option<Table>> {
    let wanted: Vec<Vec<Asked>> = (0..profile.objects.len()).map(|at| addresses_of(profile, at as u32)).collect();
    let is_kernel = |at: &usize| profile.objects[*at].path == KERNEL && !wanted[*at].is_empty();
    std::thread::scope(|scope| {
        let kernel = (0..wanted.len()).find(is_kernel);
        let beside = kernel.map(|at| (&profile.objects[at], &wanted[at]));
        let beside = beside.map(|(object, wanted)| scope.spawn(move || kernel_names(object, wanted)));
        let others = profile.objects.iter().zip(&wanted);
        let other = |(object, wanted): (&ObjectFile, &Vec<Asked>)| {
            if wanted.is_empty() || object.path == KERNEL { None } else { table(object, wanted) }
        };
        let mut tables: Vec<Option<Table>> = others.map(other).collect();
        if let (Some(at), Some(beside)) = (kernel, beside) {
            tables[at] = beside.join().expect("looking up addresses does not panic");
        }
        tables
    })
}

fn kernel_names(object: &ObjectFile, wanted: &[Asked]) -> Option<Table> {
    let addresses = addresses(wanted);
    let highest = addresses.iter().copied().max()?;
    Some(kernel_table(&objects::kernel_symbols(&object.build_id, highest)?, &addresses))
}

fn addresses(wanted: &[Asked]) -> Vec<u64> {
    wanted.iter().map(|asked| asked.address).collect()
}

/// True for what stands in the file system, and for what perf keeps a copy of there; not for the kernel and memory without a
/// file.
fn is_file(object: &ObjectFile) -> bool {
    object.path == objects::VDSO || object.path.starts_with('/') && !object.path.starts_with("//")
}

/// `/tmp/perf-1234.map`: not an object file, but the list of what a runtime compiled.
fn is_made_at_run_time(object: &ObjectFile) -> bool {
    let pid = object.path.strip_prefix("/tmp/perf-").and_then(|rest| rest.strip_suffix(".map"));
    pid.is_some_and(|pid| !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
}

fn find(object: &ObjectFile, binary: Option<&Path>) -> Found {
    let mut other = None;
    for path in objects::candidates(object, binary) {
        let Some(bytes) = objects::bytes(&path) else { continue };
        let Ok(image) = Image::parse(&bytes) else { continue };
        if object.build_id.is_empty() || image.build_id.is_empty() || same_build(&object.build_id, &image.build_id) {
            return Found::Here(Arc::new(bytes), path);
        }
        // The named binary is tried for every object file; only one of the same name can be a newer build of it.
        if path.file_name() == Path::new(&object.path).file_name() {
            other.get_or_insert(path);
        }
    }
    other.map_or(Found::Missing, Found::Rebuilt)
}

/// Older kernels and some formats keep the first twenty bytes only, filled up with zeros.
fn same_build(recorded: &str, here: &str) -> bool {
    recorded == here || recorded.trim_end_matches('0') == here.trim_end_matches('0')
}

fn kept(build_id: &str) -> Option<Table> {
    Table::decode(&objects::kept_table(build_id)?)
}

/// The addresses that the table does not know, in order.
fn missing(table: &Table, wanted: &[Asked]) -> Vec<u64> {
    let mut addresses: Vec<u64> = wanted.iter().filter_map(|asked| table.key(*asked)).collect();
    addresses.retain(|at| !table.knows(*at));
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// Half of the addresses per thread: both halves touch different parts of the debug information. False if parts of it
/// that stand in files of their own are not here.
fn look_up_in_threads(
    image: &Image,
    (object, places): (&ObjectFile, &[PathBuf]),
    addresses: &[u64],
    table: &mut Table,
    seen: &mut Seen,
) -> bool {
    let separate = if image.section(".debug_info").is_none() { debug_file(image) } else { None };
    let debug = separate.as_ref().and_then(|bytes| Image::parse(bytes).ok());
    let image = debug.as_ref().unwrap_or(image);
    let wanted = parts_of(image, addresses);
    let packages = if wanted.is_empty() { Vec::new() } else { packages(places) };
    let package = packages.first().and_then(|bytes| Image::parse(bytes).ok());
    let alone = Parts { package, files: Vec::new() };
    let contents: Vec<_> =
        alone.lacks(&wanted).iter().map(|part| (part.id, objects::bytes(Path::new(&part.path)))).collect();
    let files = contents.iter().filter_map(|(id, bytes)| Some((*id, Image::parse(bytes.as_deref()?).ok()?)));
    let parts = Parts { files: files.collect(), ..alone };
    let lacking = parts.lacks(&wanted);
    if let Some(part) = lacking.first() {
        seen.without_parts.push((object.path.clone(), lacking.len(), part.path.clone()));
    }
    look_up_halves(image, &parts, addresses, table);
    lacking.is_empty()
}

/// The file that the symbols and the debug information of a stripped object file were put in.
fn debug_file(image: &Image) -> Option<objects::Contents> {
    objects::debug_files(&image.build_id).iter().find_map(|path| objects::bytes(path))
}

/// The packed debug information beside any of the places where the binary may stand: perf keeps copies without it.
fn packages(places: &[PathBuf]) -> Vec<objects::Contents> {
    places.iter().flat_map(|place| objects::packages(place)).filter_map(|path| objects::bytes(&path)).collect()
}

fn look_up_halves(image: &Image, parts: &Parts, addresses: &[u64], table: &mut Table) {
    if addresses.len() < WORTH_TWO_THREADS {
        return look_up_with(image, parts, addresses, table);
    }
    let (low, high) = addresses.split_at(addresses.len() / 2);
    let other = std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut other = Table::default();
            look_up_with(image, parts, high, &mut other);
            other
        });
        look_up_with(image, parts, low, table);
        other.join().expect("looking up addresses does not panic")
    });
    table.join(&other);
}

/// What was met on the way.
#[derive(Default)]
struct Seen {
    missing: Vec<String>,
    rebuilt: Vec<PathBuf>,
    without_lines: Vec<PathBuf>,
    /// Binaries, how many parts of their debug information are missing, and one of these.
    without_parts: Vec<(String, usize, String)>,
    /// Lists of code that was made at run time.
    without_list: Vec<String>,
}

impl Seen {
    fn look(&mut self, image: &Image, object: &ObjectFile, path: &Path) {
        let is_ours = !["/usr/", "/lib"].iter().any(|system| object.path.starts_with(system));
        if is_ours && object.path != objects::VDSO && image.section(".debug_line").is_none() {
            self.without_lines.push(path.to_path_buf());
        }
    }

    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for path in &self.rebuilt {
            let what =
                format!("{} was built anew since the recording: its functions stay without names", path.display());
            problems.push(
                Problem::warning(what).help("record again, or put the recorded binary back and name it: `binary = …`"),
            );
        }
        if !self.missing.is_empty() {
            let what = format!("object files of the recording are not here: {}", self.missing.join(", "));
            problems
                .push(Problem::warning(what).help("name the binary in [[source]]: `binary = \"target/release/…\"`"));
        }
        for (path, count, part) in &self.without_parts {
            let what = format!(
                "parts of the debug information of {path} are not here ({count}, {part} for one): inlined functions count \
                 for their callers"
            );
            let help = "keep the folder that it was compiled in, or build with `split-debuginfo = \"packed\"` and keep the .dwp \
                        beside the binary";
            problems.push(Problem::warning(what).help(help));
        }
        for path in &self.without_list {
            let what = format!("code that was made at run time has no names: {path} is not here");
            let help = "let the runtime write it (an option named like `perf map`), and read the recording on the same machine";
            problems.push(Problem::warning(what).help(help));
        }
        for path in &self.without_lines {
            let what = format!("{} has no line tables: inlined functions count for their callers", path.display());
            problems.push(Problem::note(what).help("build with `debug = 1` in the release profile, and record again"));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_of_the_same_name_can_be_a_newer_build() {
        let here = std::env::current_exe().expect("this test has a file");
        let name = here.file_name().expect("a name").to_string_lossy().into_owned();
        let found = |name: &str, build_id: &str| {
            let object = ObjectFile { path: format!("/nowhere/{name}"), build_id: build_id.into() };
            match find(&object, Some(&here)) {
                Found::Here(..) => "here",
                Found::Rebuilt(_) => "rebuilt",
                Found::Missing => "missing",
            }
        };
        let bytes = objects::bytes(&here).expect("it can be read");
        let own = Image::parse(&bytes).expect("an object file").build_id;
        assert_eq!(found(&name, &own), "here");
        // A linker that writes no build id leaves nothing to tell builds apart by.
        if !own.is_empty() {
            assert_eq!((found(&name, "abcd"), found("libc.so.6", "abcd")), ("rebuilt", "missing"));
            assert_eq!(found("renamed", &own), "here");
        }
    }
}
