//! Files of the base in; what each tells by itself out, looked at by all cores, or kept from the last time.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::effects::surveys::{self, Key, Shelf};
use crate::pipeline::{Depth, FileSurvey, InputFile, Surveyor, kept};
use crate::source;

/// The parser and the rules are recursive: as much stack as the main thread has, and some more.
const STACK: usize = 16 << 20;

/// Fewer bytes than this are looked at sooner than another thread has started.
const WORTH_A_THREAD: usize = 64 * 1024;

/// One file after it was looked at.
struct Looked {
    at: usize,
    survey: FileSurvey,
    key: Key,
    /// What is to be kept, where it was not yet.
    new: Option<Vec<u8>>,
}

/// Looks at every file of the project at `root`, in the order given. A file that is as it was the last time is not parsed.
pub(super) fn look(root: &Path, files: &[InputFile], depth: Depth) -> Vec<FileSurvey> {
    let shelf = Shelf::open(root, &format!("{depth:?}"));
    let mut all = on_all_cores(files, &shelf, &Surveyor::new(depth));
    all.sort_by_key(|looked| looked.at);
    let is_new = |l: &&Looked| l.new.is_some();
    let new: Vec<(Key, &[u8])> = all.iter().filter_map(|l| Some((l.key, l.new.as_deref()?))).collect();
    let kept: Vec<Key> = all.iter().filter(|l| !is_new(l)).map(|l| l.key).collect();
    shelf.keep(&kept, &new);
    all.into_iter().map(|looked| looked.survey).collect()
}

fn on_all_cores(files: &[InputFile], shelf: &Shelf, surveyor: &Surveyor) -> Vec<Looked> {
    // Large files first, so that no core is left with one at the end.
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(files[*at].text.len()));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut seen = Vec::new();
        while let Some(at) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            seen.push(one(*at, &files[*at], shelf, surveyor));
        }
        seen
    };
    let bytes: usize = files.iter().map(|f| f.text.len()).sum();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(bytes / WORTH_A_THREAD).max(1);
    std::thread::scope(|scope| {
        let start = |_| std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let started: Vec<_> = (0..threads).filter_map(|n| start(n).ok()).collect();
        // Where not one thread could be started, this one does the work.
        let own = if started.is_empty() { work() } else { Vec::new() };
        let rest = started.into_iter().flat_map(|t| t.join().expect("rules that panic are caught one by one"));
        own.into_iter().chain(rest).collect()
    })
}

fn one(at: usize, file: &InputFile, shelf: &Shelf, surveyor: &Surveyor) -> Looked {
    let key = surveys::key(&[file.path.as_bytes(), format!("{:?}", file.role).as_bytes(), file.text.as_bytes()]);
    if let Some(survey) = shelf.get(&key).and_then(|bytes| kept::decode(bytes, file)) {
        return Looked { at, survey, key, new: None };
    }
    let survey = surveyor.look(file);
    // No tree is left on this thread.
    source::forget_spans();
    let new = kept::encode(&survey);
    Looked { at, survey, key, new }
}
