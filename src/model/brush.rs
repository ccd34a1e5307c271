//! A profile and a brush in; the requests that it leaves out.

use super::{Brush, Profile};

impl Profile {
    /// When the first sample was taken; brushes count from there.
    pub fn begin_ns(&self) -> u64 {
        self.samples.iter().filter_map(|s| s.time_ns).min().unwrap_or(0)
    }

    /// The requests that began in the brush's time and were served on its threads, in ascending order; `begin_ns` as
    /// [`Profile::begin_ns`] says.
    pub fn requests_in(&self, brush: &Brush, begin_ns: u64) -> Vec<u32> {
        let is_then = |moment: u64| {
            let since = moment.saturating_sub(begin_ns);
            brush.time_ns.is_none_or(|(from, to)| from <= since && since < to)
        };
        let mut is_in: Vec<bool> = self.requests.iter().map(|r| brush.has_thread(r.tid)).collect();
        for poll in self.polls.iter().filter(|p| brush.has_thread(Some(p.tid))) {
            is_in[poll.request as usize] = true;
        }
        (0..)
            .zip(self.requests.iter().zip(is_in))
            .filter(|(_, (r, on))| *on && is_then(r.start_ns))
            .map(|(at, _)| at)
            .collect()
    }
}

impl Brush {
    fn has_thread(&self, tid: Option<u64>) -> bool {
        self.threads.is_empty() || tid.is_some_and(|t| self.threads.contains(&t))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Poll, Request, Sample};

    /// Ten requests, one every 100 ns, in turns on threads 1 and 2.
    fn profile() -> Profile {
        let mut profile = Profile::default();
        for at in 0..10_u64 {
            let (start_ns, end_ns) = (1000 + at * 100, 1090 + at * 100);
            profile.requests.push(Request { id: at.to_string(), start_ns, end_ns, ..Request::default() });
            profile.polls.push(Poll { request: at as u32, tid: 1 + at % 2, start_ns, end_ns });
            profile.samples.push(Sample { leaf: None, weight: 1, time_ns: Some(start_ns), tid: Some(1 + at % 2) });
        }
        profile
    }

    #[test]
    fn a_brush_leaves_the_requests_of_its_threads_that_began_in_its_time() {
        let left = |threads: &[u64], time_ns| {
            let profile = profile();
            profile.requests_in(&Brush { threads: threads.to_vec(), time_ns }, profile.begin_ns())
        };
        assert_eq!(left(&[], None).len(), 10);
        assert_eq!(left(&[2], Some((200, 800))), [3, 5, 7]);
        assert_eq!(left(&[], Some((400, 700))), [4, 5, 6]);
        assert!(left(&[3], None).is_empty());
    }
}
