//! A profile and the items of the source in; cost per function, requests and what could not be placed out.

mod allocated;
mod blocked;
mod files;
mod flame;
mod index;
mod join;
mod lens;
mod moved;
mod owners;
mod part;
mod remapped;
mod sampled;
mod shares;
mod spans;
mod symbol;
mod text;
mod v0;

pub use flame::compare;

use crate::model::{Attribution, Basis, Item, Place, Problem, Profile, RowKind};
use join::Polls;
pub use lens::{Filter, Lens};
pub use moved::move_lines;
use owners::Owners;
pub use part::part;
pub use shares::{Share, Weighed, shares};

/// What the attribution should know beside the profile.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Crates outside of the workspace whose functions get rows of their own (`[code] own`, `pay-*` allowed).
    pub own: Vec<String>,
}

/// Places every sample and every stretch of a request on a function, a wait or a label.
pub fn attribute(profile: &Profile, items: &[Item], options: &Options) -> Attribution {
    let polls = Polls::new(profile);
    let joined = profile.samples.iter().filter(|s| polls.request_of(s).is_some()).count();
    // Less than one sample in a hundred is chance: another clock, other threads, another run.
    let is_joined = joined * 100 >= profile.samples.len() && joined > 0;
    if !is_joined && !profile.spans.is_empty() {
        let mut out = spans::attribute(profile, items, options);
        out.problems.extend(unused_samples(profile));
        out.problems.extend(allocated::assumption(profile));
        return out;
    }
    let owners = Owners::new(profile, items, &options.own);
    let mut out = sampled::attribute(profile, items, &owners, &polls, is_joined);
    if !is_joined && !profile.samples.is_empty() && !profile.requests.is_empty() {
        out.basis = Basis::Bounds;
        out.problems.push(not_joined(profile, &polls));
    }
    out.problems.extend(allocated::assumption(profile));
    out.problems.extend(strangers(profile, &out));
    out.problems.extend(stale(&owners));
    out.problems.extend(unplaced(profile, &owners));
    out.problems.extend(cut_requests(profile, &out));
    out.problems.extend(overlapping(&polls));
    out
}

fn unused_samples(profile: &Profile) -> Option<Problem> {
    let what = "samples and spans have no clock and thread in common; the split is made of spans alone";
    let help = "tell the thread in the trace (`thread.id`, or a `thread.name` of its own), record with `perf record -k mono` and \
                `perf script --header`; or write the request log beside it";
    (!profile.samples.is_empty()).then(|| Problem::note(what).help(help))
}

/// Why no sample fell into a request.
fn not_joined(profile: &Profile, polls: &Polls) -> Problem {
    let samples = || profile.samples.iter();
    let problem = |why: &str, help: &str| {
        Problem::warning(format!("tail not identified: {why}; means and bounds are shown")).help(help)
    };
    if samples().all(|s| s.time_ns.is_none() || s.tid.is_none()) {
        return problem("the samples have no time or no thread", "import `perf script` text rather than folded stacks");
    }
    if polls.of_request.iter().all(Vec::is_empty) {
        let help = "copy templates/instrument/request_log.rs into the service: it writes polls with their thread";
        return problem("the request log has neither threads nor polls", help);
    }
    if !samples().any(|s| s.tid.is_some_and(|t| polls.knows_thread(t))) {
        let help = "record on the host and log the same thread ids (gettid, not one of a container's own)";
        return problem("samples and requests have no thread in common", help);
    }
    problem("samples and requests do not meet in time", "record with `perf record -k mono` while the log is written")
}

/// A profile in which nothing is ours belongs to another program.
fn strangers(profile: &Profile, out: &Attribution) -> Option<Problem> {
    // A crate of ours whose functions are not in the source was recorded from another version of it.
    let ours = out.rows.iter().any(|r| r.kind == RowKind::Function || r.name.starts_with(owners::NOT_IN_SOURCE));
    if ours || profile.samples.is_empty() {
        return None;
    }
    let mut seen: std::collections::BTreeMap<String, u32> = std::collections::BTreeMap::new();
    for frame in &profile.frames {
        if let Some(krate) = symbol::Symbol::parse(&frame.symbol).crates.first() {
            *seen.entry(krate.clone()).or_default() += 1;
        }
    }
    let mut seen: Vec<(String, u32)> = seen.into_iter().collect();
    seen.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), name.clone()));
    let names: Vec<&str> = seen.iter().take(5).map(|(name, _)| name.as_str()).collect();
    let names = if names.is_empty() { "no Rust crate at all".to_owned() } else { names.join(", ") };
    let what = format!("no function of this workspace is in the profile; it has {names}");
    let place = profile.sources.iter().find(|s| s.samples > 0).map(|s| Place::file(&s.file));
    let problem = Problem::error(what)
        .help("name the profile of this service in [[source]], recorded from a binary with symbols");
    Some(Problem { place, ..problem })
}

fn stale(owners: &Owners) -> Option<Problem> {
    let stale = owners.stale;
    let what = format!(
        "{} of {} source lines in the profile lie outside of the function they belong to: it was recorded from another \
         version of the source; only function names are used",
        stale.elsewhere, stale.compared
    );
    stale.too_much().then(|| Problem::warning(what).help("record again at this commit to see lines"))
}

/// Paths that were changed inside the workspace: by symbols alone much cannot be told.
fn unplaced(profile: &Profile, owners: &Owners) -> Option<Problem> {
    let unplaced = &owners.unplaced;
    let what = format!(
        "{} of {} functions of this workspace in the profile have a source path that no file of it ends in (\"{}\" for one): \
         they are placed by their symbols alone, without lines",
        unplaced.frames, unplaced.of, unplaced.path
    );
    let help = "build with paths that end as in the workspace: `--remap-path-prefix` may take away what stands before it \
                (`$PWD=`), and no part of it (`src=`)";
    let place = profile.sources.iter().find(|s| s.samples > 0).map(|s| Place::file(&s.file));
    let said = unplaced.too_much() && !owners.stale.too_much();
    said.then(|| Problem { place, ..Problem::warning(what).help(help) })
}

fn cut_requests(profile: &Profile, out: &Attribution) -> Option<Problem> {
    let left_out = profile.requests.len() - out.requests.len();
    let what =
        format!("{left_out} of {} requests ran while nothing was sampled and are left out", profile.requests.len());
    (left_out > 0).then(|| Problem::note(what).help("start the profiler before the load and stop it after"))
}

fn overlapping(polls: &Polls) -> Option<Problem> {
    let what = format!("{} polls begin on a thread that has not ended another one", polls.overlapping);
    let help = "a sample counts for the poll begun last; log the outermost span of a request only";
    (polls.overlapping > 0).then(|| Problem::warning(what).help(help))
}
