//! Files of the base in; what each tells by itself out, looked at by all cores.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::pipeline::{Depth, FileSurvey, InputFile, Surveyor};
use crate::source;

/// The parser and the rules are recursive: as much stack as the main thread has, and some more.
const STACK: usize = 16 << 20;

/// Fewer bytes than this are looked at sooner than another thread has started.
const WORTH_A_THREAD: usize = 64 * 1024;

/// Looks at every file, in the order given. A tree lives no longer than its file is looked at.
pub(super) fn look(files: &[InputFile], depth: Depth) -> Vec<FileSurvey> {
    let surveyor = Surveyor::new(depth);
    // Large files first, so that no core is left with one at the end.
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(files[*at].text.len()));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut seen = Vec::new();
        while let Some(at) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            seen.push((*at, surveyor.look(&files[*at])));
            source::forget_spans();
        }
        seen
    };
    let bytes: usize = files.iter().map(|f| f.text.len()).sum();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(bytes / WORTH_A_THREAD).max(1);
    let mut all: Vec<(usize, FileSurvey)> = std::thread::scope(|scope| {
        let start = |_| std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let started: Vec<_> = (0..threads).filter_map(|n| start(n).ok()).collect();
        // Where not one thread could be started, this one does the work.
        let own = if started.is_empty() { work() } else { Vec::new() };
        let rest = started.into_iter().flat_map(|t| t.join().expect("rules that panic are caught one by one"));
        own.into_iter().chain(rest).collect()
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, survey)| survey).collect()
}
