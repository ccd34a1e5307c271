//! Profiles of one run in; the same with one clock and one numbering of threads out.
//!
//! Traces tell the time of day and number threads as their runtime does; samples tell the monotonic clock and the
//! system's threads. The recording says how far the clocks lie apart, and thread names tell which thread is which.

use super::intern::FastMap;
use crate::model::Profile;

/// Times after this are nanoseconds since 1970 (it is in 2001); a machine that has run so long would be 31 years up.
const SINCE_1970: u64 = 1_000_000_000_000_000_000;

/// perf keeps so many bytes of a thread's name.
const NAME_BYTES: usize = 15;

/// Brings what traces tell to the clock and the threads of the samples, where both are known.
pub fn align(profiles: &mut [Profile]) {
    let is_sampled = |p: &Profile| !p.samples.is_empty() || !p.off_cpu.is_empty();
    let offset = profiles.iter().filter(|p| is_sampled(p)).find_map(|p| p.unix_offset_ns);
    let threads = threads_by_name(profiles.iter().filter(|p| is_sampled(p)));
    for profile in profiles.iter_mut().filter(|p| !is_sampled(p)) {
        if let Some(offset) = offset.filter(|_| profile.requests.iter().any(|r| r.start_ns > SINCE_1970)) {
            move_back(profile, offset);
        }
        rename_threads(profile, &threads);
    }
}

fn move_back(profile: &mut Profile, offset: u64) {
    let requests = profile.requests.iter_mut().map(|r| (&mut r.start_ns, &mut r.end_ns));
    let polls = profile.polls.iter_mut().map(|p| (&mut p.start_ns, &mut p.end_ns));
    let waits = profile.waits.iter_mut().map(|w| (&mut w.start_ns, &mut w.end_ns));
    let spans = profile.spans.iter_mut().map(|s| (&mut s.start_ns, &mut s.end_ns));
    for (start, end) in requests.chain(polls).chain(waits).chain(spans) {
        (*start, *end) = (start.saturating_sub(offset), end.saturating_sub(offset));
    }
}

/// What is known of the threads that were sampled.
struct Sampled {
    ids: FastMap<u64, ()>,
    /// `None` where several threads have the name.
    by_name: FastMap<Vec<u8>, Option<u64>>,
}

fn threads_by_name<'a>(sampled: impl Iterator<Item = &'a Profile>) -> Sampled {
    let mut known = Sampled { ids: FastMap::default(), by_name: FastMap::default() };
    for thread in sampled.flat_map(|p| &p.threads) {
        known.ids.insert(thread.tid, ());
        let same = known.by_name.entry(short(&thread.name)).or_insert(Some(thread.tid));
        *same = same.filter(|tid| *tid == thread.tid);
    }
    known
}

fn short(name: &str) -> Vec<u8> {
    name.bytes().take(NAME_BYTES).collect()
}

/// A trace's own number becomes the system's where a single sampled thread has its name.
fn rename_threads(profile: &mut Profile, sampled: &Sampled) {
    let mut moved: FastMap<u64, u64> = FastMap::default();
    for thread in &profile.threads {
        if let (false, Some(Some(tid))) =
            (sampled.ids.contains_key(&thread.tid), sampled.by_name.get(&short(&thread.name)))
        {
            moved.insert(thread.tid, *tid);
        }
    }
    let rename = |tid: &mut u64| *tid = moved.get(tid).copied().unwrap_or(*tid);
    profile.polls.iter_mut().for_each(|p| rename(&mut p.tid));
    profile.threads.iter_mut().for_each(|t| rename(&mut t.tid));
    profile.requests.iter_mut().filter_map(|r| r.tid.as_mut()).for_each(rename);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Poll, Request, Sample, Span, Thread};

    const DAY: u64 = 1_795_305_600_000_000_000;

    fn thread(tid: u64, name: &str) -> Thread {
        Thread { tid, name: name.into() }
    }

    fn pair(names: &[(u64, &str)]) -> [Profile; 2] {
        let sampled = Profile {
            samples: [Sample { leaf: None, weight: 1, time_ns: Some(50), tid: Some(4711) }].into(),
            threads: names.iter().map(|(tid, name)| thread(*tid, name)).collect(),
            unix_offset_ns: Some(DAY),
            ..Profile::default()
        };
        let traced = Profile {
            requests: vec![Request { start_ns: DAY + 40, end_ns: DAY + 90, ..Request::default() }],
            polls: vec![Poll { request: 0, tid: 3, start_ns: DAY + 40, end_ns: DAY + 90 }],
            spans: vec![Span { start_ns: DAY + 40, end_ns: DAY + 90, ..Span::default() }],
            threads: vec![thread(3, "worker-of-the-till")],
            ..Profile::default()
        };
        [sampled, traced]
    }

    #[test]
    fn a_trace_moves_to_the_clock_and_the_threads_of_the_samples() {
        let mut both = pair(&[(4711, "worker-of-the-t"), (4712, "other")]);
        align(&mut both);
        let [_, traced] = &both;
        assert_eq!((traced.requests[0].start_ns, traced.spans[0].end_ns), (40, 90));
        assert_eq!((traced.polls[0].tid, traced.polls[0].start_ns), (4711, 40));
    }

    #[test]
    fn a_name_that_two_threads_have_names_none() {
        let mut both = pair(&[(4711, "worker-of-the-t"), (4712, "worker-of-the-t")]);
        align(&mut both);
        assert_eq!(both[1].polls[0].tid, 3);
    }

    #[test]
    fn a_log_on_the_monotonic_clock_stays_where_it_is() {
        let mut both = pair(&[]);
        both[1].requests[0].start_ns = 40;
        let before = both[1].polls.clone();
        align(&mut both);
        assert_eq!(both[1].polls, before);
    }
}
