//! Samples and the polls of requests in; for each sample the request that it was taken in out.

use std::collections::HashMap;

use crate::model::{Poll, Profile, Sample};

/// The stretches in which threads worked for requests.
pub struct Polls {
    by_thread: HashMap<u64, Vec<Poll>>,
    /// Polls of each request, clipped to it, in the order of time.
    pub of_request: Vec<Vec<Poll>>,
    /// Polls that begin on a thread before the one before them has ended.
    pub overlapping: u64,
}

impl Polls {
    /// Sorts the polls; a request with a thread and no polls was served by that thread whole.
    pub fn new(profile: &Profile) -> Polls {
        let mut of_request: Vec<Vec<Poll>> = vec![Vec::new(); profile.requests.len()];
        for poll in &profile.polls {
            let request = &profile.requests[poll.request as usize];
            let (start_ns, end_ns) = (poll.start_ns.max(request.start_ns), poll.end_ns.min(request.end_ns));
            if start_ns < end_ns {
                of_request[poll.request as usize].push(Poll { start_ns, end_ns, ..*poll });
            }
        }
        for (at, (polls, request)) in of_request.iter_mut().zip(&profile.requests).enumerate() {
            if let (true, Some(tid)) = (polls.is_empty(), request.tid) {
                polls.push(Poll { request: at as u32, tid, start_ns: request.start_ns, end_ns: request.end_ns });
            }
            polls.sort_by_key(|p| (p.start_ns, p.end_ns));
        }
        let mut by_thread: HashMap<u64, Vec<Poll>> = HashMap::new();
        for poll in of_request.iter().flatten() {
            by_thread.entry(poll.tid).or_default().push(*poll);
        }
        let mut overlapping = 0;
        for polls in by_thread.values_mut() {
            polls.sort_by_key(|p| (p.start_ns, p.end_ns, p.request));
            overlapping += polls.windows(2).filter(|pair| pair[1].start_ns < pair[0].end_ns).count() as u64;
        }
        Polls { by_thread, of_request, overlapping }
    }

    /// True if any poll ran on this thread.
    pub fn knows_thread(&self, tid: u64) -> bool {
        self.by_thread.contains_key(&tid)
    }

    /// The request that the sample's thread worked for at the sample's time: the poll begun last, if it has not ended.
    pub fn request_of(&self, sample: &Sample) -> Option<u32> {
        self.around(sample).map(|p| p.request)
    }

    /// When the poll ends that the sample was taken in.
    pub fn end_at(&self, sample: &Sample) -> Option<u64> {
        self.around(sample).map(|p| p.end_ns)
    }

    fn around(&self, sample: &Sample) -> Option<&Poll> {
        let (time, polls) = (sample.time_ns?, self.by_thread.get(&sample.tid?)?);
        let begun = polls.partition_point(|p| p.start_ns <= time);
        polls[..begun].last().filter(|last| time < last.end_ns)
    }
}

/// Disjoint stretches of time in order, half open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stretches(Vec<(u64, u64)>);

impl Stretches {
    /// The union of stretches in any order.
    pub fn union(stretches: impl IntoIterator<Item = (u64, u64)>) -> Stretches {
        let mut sorted: Vec<(u64, u64)> = stretches.into_iter().filter(|(a, b)| a < b).collect();
        sorted.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::with_capacity(sorted.len());
        for (start, end) in sorted {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        Stretches(merged)
    }

    /// Start and end of each.
    pub fn each(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().copied()
    }

    /// Nanoseconds covered.
    pub fn length(&self) -> u64 {
        self.0.iter().map(|(a, b)| b - a).sum()
    }

    /// Nanoseconds of a stretch that are covered.
    pub fn overlap(&self, start: u64, end: u64) -> u64 {
        let first = self.0.partition_point(|(_, b)| *b <= start);
        let within = self.0[first..].iter().take_while(|(a, _)| *a < end);
        within.map(|(a, b)| (*b).min(end) - (*a).max(start)).sum()
    }

    /// True if the moment is covered.
    pub fn holds(&self, moment: u64) -> bool {
        let after = self.0.partition_point(|(a, _)| *a <= moment);
        after > 0 && moment < self.0[after - 1].1
    }

    /// The parts of a stretch that are not covered.
    pub fn gaps(&self, start: u64, end: u64) -> Vec<(u64, u64)> {
        let (mut gaps, mut at) = (Vec::new(), start);
        for (a, b) in self.0.iter().filter(|(a, b)| *b > start && *a < end) {
            if *a > at {
                gaps.push((at, *a));
            }
            at = at.max(*b);
        }
        if at < end {
            gaps.push((at, end));
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Request;

    fn profile() -> Profile {
        let request =
            |id: &str, start_ns, end_ns, tid| Request { id: id.into(), operation: "op".into(), start_ns, end_ns, tid };
        let poll = |request, tid, start_ns, end_ns| Poll { request, tid, start_ns, end_ns };
        Profile {
            requests: vec![request("a", 0, 100, None), request("b", 10, 60, Some(7))],
            polls: vec![poll(0, 1, 0, 20), poll(0, 2, 50, 120)],
            ..Profile::default()
        }
    }

    fn sample(tid: u64, time_ns: u64) -> Sample {
        Sample { leaf: None, weight: 1, time_ns: Some(time_ns), tid: Some(tid) }
    }

    #[test]
    fn samples_join_across_threads_and_only_within_polls() {
        let polls = Polls::new(&profile());
        let request = |tid, time| polls.request_of(&sample(tid, time));
        assert_eq!(request(1, 0), Some(0));
        assert_eq!(request(1, 19), Some(0));
        assert_eq!(request(1, 20), None, "a poll's end is not in it");
        assert_eq!(request(2, 99), Some(0), "another thread, the same request");
        assert_eq!(request(2, 110), None, "polls are clipped to their request");
        assert_eq!(request(7, 30), Some(1), "a thread that served the request whole");
        assert_eq!(request(9, 30), None);
        assert_eq!(polls.request_of(&Sample { time_ns: None, ..sample(1, 0) }), None);
    }

    #[test]
    fn stretches_unite_overlap_and_leave_gaps() {
        let s = Stretches::union([(10, 20), (15, 30), (40, 50), (50, 55), (60, 60)]);
        assert_eq!(s, Stretches(vec![(10, 30), (40, 55)]));
        assert_eq!((s.length(), s.overlap(0, 15), s.overlap(25, 45), s.overlap(56, 90)), (35, 5, 10, 0));
        assert_eq!([9, 10, 29, 30, 54, 55].map(|m| s.holds(m)), [false, true, true, false, true, false]);
        assert_eq!(s.gaps(0, 60), [(0, 10), (30, 40), (55, 60)]);
        assert_eq!(s.gaps(12, 20), []);
    }
}
