//! The `[[source]]` entries of `slo.toml` in, one merged profile out; each file is read in pieces.

use std::path::Path;
use std::sync::Mutex;

use crossbeam_channel::Sender;

use super::Ear;
use super::reading::{Look, Reading};
use super::symbols::Shelf;
use crate::effects::files::{self, Measured};
use crate::model::{Place, Problem, Profile, Progress, Source};
use crate::profile::{self, Reader};

/// Reads all sources, one thread each, and merges them in the order of `slo.toml`.
///
/// # Errors
/// Every source that is not there, is empty or is of no known format.
pub fn read_sources(root: &Path, sources: &[Source], ear: &Ear) -> Result<(Profile, Vec<Problem>), Vec<Problem>> {
    read_and_show(root, sources, ear, None).map(|(profiles, problems)| (profile::merge(profiles), problems))
}

/// As [`read_sources`], with functions named by their symbols alone, without lines and inlined functions: what stands on the
/// screen before lines are known.
///
/// # Errors
/// As [`read_sources`].
pub fn read_by_symbols(
    root: &Path,
    sources: &[Source],
    callers: Callers,
    ear: &Ear,
) -> Result<(Profile, Vec<Problem>), Vec<Problem>> {
    let read = |source| read_named(root, source, ear, None, Naming::Symbols(callers));
    collected(sources.iter().map(read)).map(|(profiles, problems)| (profile::merge(profiles), problems))
}

/// Which frames a stack has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Those that were recorded, and functions that a call tells were entered where frame pointers skip them.
    Told,
    /// Those that `perf script` prints: to compare with.
    AsPerf,
}

/// How addresses get names.
#[derive(Clone, Copy)]
enum Naming {
    /// With lines and inlined functions.
    Lines,
    /// By symbols alone.
    Symbols(Callers),
}

/// As [`read_sources`], source by source; what is known before the end goes to `looks`.
pub(super) fn read_and_show(
    root: &Path,
    sources: &[Source],
    ear: &Ear,
    looks: Option<&Sender<Look>>,
) -> Result<(Vec<Profile>, Vec<Problem>), Vec<Problem>> {
    let read = std::thread::scope(|scope| {
        let read = |place| {
            scope
                .spawn(move || read_named(root, &sources[place], ear, looks.map(|looks| (place, looks)), Naming::Lines))
        };
        let threads: Vec<_> = (0..sources.len()).map(read).collect();
        threads.into_iter().map(|t| t.join().expect("readers report problems, they do not panic")).collect::<Vec<_>>()
    });
    collected(read)
}

type Read = Result<(Profile, Vec<Problem>), Problem>;

fn collected(read: impl IntoIterator<Item = Read>) -> Result<(Vec<Profile>, Vec<Problem>), Vec<Problem>> {
    let (mut profiles, mut problems, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for one in read {
        match one {
            Ok((profile, found)) => {
                profiles.push(profile);
                problems.extend(found);
            }
            Err(problem) => errors.push(problem),
        }
    }
    if errors.is_empty() { Ok((profiles, problems)) } else { Err(errors) }
}

fn read_named(root: &Path, source: &Source, ear: &Ear, looks: Option<(usize, &Sender<Look>)>, naming: Naming) -> Read {
    let shown = &source.file;
    let path = root.join(shown);
    let mut stream = open(&path, shown)?;
    let head = stream.head()?;
    let format = profile::sniff(&head).ok_or_else(|| unknown(shown, head.is_empty()))?;
    ear.tell(Progress::Step { what: format!("read {shown} ({})", format.name), done: 0, total: 0 });
    let shelf = Mutex::new(Shelf::new(root, source.binary.as_deref()));
    let answer = |reader: &mut dyn Reader| answer(&shelf, reader);
    let (place, looks) = looks.unzip();
    let reading =
        Reading { path: &path, shown, format, ear, looks, place: place.unwrap_or_default(), seen: Default::default() };
    let mut reader = reading.read(stream, &answer)?;
    reader.end();
    answer(&mut *reader);
    reading.show_first(&*reader);
    let (mut profile, mut problems) = reader.finish();
    let mut shelf = shelf.into_inner().expect("nobody panicked while looking for object files");
    let names_callers = !profile.addresses.iter().any(|a| a.is_callee);
    match naming {
        Naming::Lines => {
            reading.show_whole(&profile);
            let (named, found) = shelf.name(profile);
            profile = named;
            problems.extend(found);
        }
        Naming::Symbols(callers) => {
            if callers == Callers::AsPerf {
                profile::symbols::as_perf_names(&mut profile);
            }
            profile = shelf.name_by_symbols(profile, None);
        }
    }
    if names_callers && !matches!(naming, Naming::Symbols(Callers::AsPerf)) {
        problems.extend(profile::mark_lost_callers(&mut profile));
    }
    for quality in &mut profile.sources {
        quality.file.clone_from(shown);
    }
    let here = |p: Problem| {
        let line = p.place.as_ref().map_or(0, |place| place.line);
        p.at(Place::at(shown.clone(), line, 0))
    };
    Ok((profile, problems.into_iter().map(here).collect()))
}

/// Gives a reader the object files that it asks for, until it asks for no more.
fn answer(shelf: &Mutex<Shelf>, reader: &mut dyn Reader) {
    loop {
        let asked = reader.asks();
        if asked.is_empty() {
            return;
        }
        for object in asked {
            let found = shelf.lock().expect("nobody panicked while looking for object files").contents(&object);
            reader.answer(&object, found.as_ref());
        }
    }
}

/// Opens a source; the folder that `perf record --threads` writes is one recording.
fn open(path: &Path, shown: &str) -> Result<Measured, Problem> {
    let Some(folder) = files::perf_folder(path, shown)? else { return files::open_measured(path, shown) };
    let joined = profile::join_perf_folder(&folder.data, &folder.parts).ok_or_else(|| {
        Problem::error(format!("\"{shown}/data\" was cut off before its records"))
            .at(Place::file(shown))
            .help("record again, and end `perf record` with Ctrl-C or SIGINT")
    })?;
    Ok(files::measured_bytes(joined, shown))
}

fn unknown(shown: &str, empty: bool) -> Problem {
    let formats: Vec<_> = profile::REGISTRY.iter().map(|f| f.name).collect();
    let what = if empty { "this recording is empty" } else { "this is no format that Refit reads" };
    let help = match empty {
        true => String::from("record again, and let the recorded program run long enough"),
        false => format!("known are: {}", formats.join(", ")),
    };
    Problem::error(what).at(Place::file(shown)).help(help)
}
