//! Samples that name their request in; the same samples on a thread of that request's own, so that they fall into it, out.
//!
//! pprof profiles have no times, but their labels may say which request (or trace) a sample was taken in. Such a request gets a
//! thread that serves it whole, with a number that no thread of an operating system has.

use std::collections::HashMap;

use crate::model::{Poll, Profile, Sample};

/// Numbers of such threads begin here; Linux ends at 2^22.
const FIRST_THREAD: u64 = 1 << 48;

/// Joins what is marked with a request that is known by the same id; other marks stay.
pub fn join(profile: &mut Profile) {
    let by_id: HashMap<&str, u32> =
        profile.requests.iter().enumerate().map(|(at, r)| (r.id.as_str(), at as u32)).collect();
    let known = |mark: &crate::model::Mark| Some((mark.sample, *by_id.get(mark.request.as_str())?));
    let of_sample: HashMap<u32, u32> = profile.marks.iter().filter_map(known).collect();
    if of_sample.is_empty() {
        return;
    }
    let moved = |(at, sample): (usize, Sample)| match of_sample.get(&(at as u32)) {
        Some(request) => {
            let time_ns = Some(profile.requests[*request as usize].start_ns);
            Sample { time_ns, tid: Some(FIRST_THREAD + u64::from(*request)), ..sample }
        }
        None => sample,
    };
    profile.samples = profile.samples.iter().enumerate().map(moved).collect();
    let mut requests: Vec<u32> = of_sample.values().copied().collect();
    requests.sort_unstable();
    requests.dedup();
    for request in requests {
        let served = &profile.requests[request as usize];
        let tid = FIRST_THREAD + u64::from(request);
        profile.polls.push(Poll { request, tid, start_ns: served.start_ns, end_ns: served.end_ns });
    }
    profile.marks.retain(|mark| !of_sample.contains_key(&mark.sample));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Mark, Request};

    #[test]
    fn a_marked_sample_falls_into_its_request_and_no_other() {
        let request =
            |id: &str, start_ns| Request { id: id.into(), start_ns, end_ns: start_ns + 10, ..Request::default() };
        let sample = Sample { leaf: None, weight: 1, time_ns: None, tid: None };
        let mark = |sample, request: &str| Mark { sample, request: request.into() };
        let mut profile = Profile {
            samples: [sample; 4].into(),
            requests: vec![request("a", 100), request("b", 200)],
            marks: vec![mark(0, "b"), mark(2, "a"), mark(3, "gone")],
            ..Profile::default()
        };
        join(&mut profile);
        let places: Vec<_> = profile.samples.iter().map(|s| s.tid.zip(s.time_ns)).collect();
        assert_eq!(places, [Some((FIRST_THREAD + 1, 200)), None, Some((FIRST_THREAD, 100)), None]);
        let polls: Vec<_> = profile.polls.iter().map(|p| (p.request, p.tid, p.start_ns, p.end_ns)).collect();
        assert_eq!(polls, [(0, FIRST_THREAD, 100, 110), (1, FIRST_THREAD + 1, 200, 210)]);
        assert_eq!(profile.marks, [mark(3, "gone")]);
    }
}
