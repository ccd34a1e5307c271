//! A profile and a brush in; the part of the profile that it leaves, with every index mended, out.

use std::collections::BTreeSet;

use super::{Brush, Profile, Request, Samples, Span};

impl Profile {
    /// The requests that began in the brush's time and were served on its threads, with everything that belongs to them,
    /// and the samples of that time on those threads and on every other thread that served these requests.
    pub fn brushed(&self, brush: &Brush) -> Profile {
        let begin = self.samples.iter().filter_map(|s| s.time_ns).min().unwrap_or(0);
        let is_then = |moment: u64| {
            let since = moment.saturating_sub(begin);
            brush.time_ns.is_none_or(|(from, to)| from <= since && since < to)
        };
        let mut on_thread: Vec<bool> = self.requests.iter().map(|r| brush.has_thread(r.tid)).collect();
        for poll in self.polls.iter().filter(|p| brush.has_thread(Some(p.tid))) {
            on_thread[poll.request as usize] = true;
        }
        let keeps = |(at, request): (usize, &Request)| on_thread[at] && is_then(request.start_ns);
        let kept: Vec<bool> = self.requests.iter().enumerate().map(keeps).collect();
        let place = places(&kept);
        let requests: Vec<Request> = chosen(&self.requests, &kept).cloned().collect();
        let polls = self.polls.iter().filter_map(|p| Some(super::Poll { request: place[p.request as usize]?, ..*p }));
        let polls: Vec<_> = polls.collect();
        let waits =
            self.waits.iter().filter_map(|w| Some(super::Wait { request: place[w.request as usize]?, ..w.clone() }));
        let mut threads: BTreeSet<u64> = brush.threads.iter().copied().collect();
        if !threads.is_empty() {
            threads.extend(polls.iter().map(|p| p.tid).chain(requests.iter().filter_map(|r| r.tid)));
        }
        let mut samples = Samples::default();
        for sample in self.samples.iter() {
            let thread = threads.is_empty() || sample.tid.is_some_and(|t| threads.contains(&t));
            if thread && sample.time_ns.is_none_or(is_then) {
                samples.push(sample);
            }
        }
        Profile {
            samples,
            waits: waits.collect(),
            spans: self.spans_of(&place),
            off_cpu: self.off_cpu.iter().filter(|o| is_then(o.start_ns)).copied().collect(),
            requests,
            polls,
            ..self.clone()
        }
    }

    /// Spans of the requests that have a place; a parent belongs to the same request.
    fn spans_of(&self, place: &[Option<u32>]) -> Vec<Span> {
        let kept: Vec<bool> = self.spans.iter().map(|s| place[s.request as usize].is_some()).collect();
        let new = places(&kept);
        let moved = |span: &Span| Span {
            request: place[span.request as usize].unwrap_or_default(),
            parent: span.parent.and_then(|p| new[p as usize]),
            ..span.clone()
        };
        chosen(&self.spans, &kept).map(moved).collect()
    }
}

impl Brush {
    fn has_thread(&self, tid: Option<u64>) -> bool {
        self.threads.is_empty() || tid.is_some_and(|t| self.threads.contains(&t))
    }
}

/// Where each kept thing stands once the others are gone.
fn places(kept: &[bool]) -> Vec<Option<u32>> {
    let mut next = 0;
    let place = |keep: &bool| {
        next += u32::from(*keep);
        keep.then(|| next - 1)
    };
    kept.iter().map(place).collect()
}

fn chosen<'a, T>(all: &'a [T], kept: &'a [bool]) -> impl Iterator<Item = &'a T> {
    all.iter().zip(kept).filter(|(_, keep)| **keep).map(|(one, _)| one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Poll, Sample, Wait};

    fn profile() -> Profile {
        let mut profile = Profile::default();
        for at in 0..10_u64 {
            let request = at as u32;
            let (start_ns, end_ns) = (1000 + at * 100, 1090 + at * 100);
            profile.requests.push(Request { id: at.to_string(), start_ns, end_ns, ..Request::default() });
            profile.polls.push(Poll { request, tid: 1 + at % 2, start_ns, end_ns });
            profile.waits.push(Wait { request, name: format!("w{at}"), start_ns, end_ns });
            let parent = (at % 2 == 1).then(|| at as u32 - 1);
            profile.spans.push(Span { request: request / 2 * 2, parent, name: at.to_string(), ..Span::default() });
            profile.samples.push(Sample { leaf: None, weight: 1, time_ns: Some(start_ns), tid: Some(1 + at % 2) });
        }
        profile
    }

    fn ids(profile: &Profile) -> Vec<&str> {
        profile.requests.iter().map(|r| r.id.as_str()).collect()
    }

    #[test]
    fn nothing_is_left_out_by_an_empty_brush() {
        assert_eq!(profile().brushed(&Brush::default()), profile());
    }

    #[test]
    fn what_belongs_to_a_request_stays_with_it() {
        let part = profile().brushed(&Brush { threads: vec![2], time_ns: Some((200, 800)) });
        assert_eq!(ids(&part), ["3", "5", "7"]);
        let names: Vec<(u32, &str)> = part.waits.iter().map(|w| (w.request, w.name.as_str())).collect();
        assert_eq!(names, [(0, "w3"), (1, "w5"), (2, "w7")]);
        assert!(part.polls.iter().all(|p| p.tid == 2));
        assert_eq!(part.samples.len(), 3);
    }

    #[test]
    fn spans_keep_their_parents() {
        let part = profile().brushed(&Brush { threads: Vec::new(), time_ns: Some((400, 700)) });
        assert_eq!(ids(&part), ["4", "5", "6"]);
        let shown: Vec<(u32, Option<u32>, &str)> =
            part.spans.iter().map(|s| (s.request, s.parent, s.name.as_str())).collect();
        assert_eq!(shown, [(0, None, "4"), (0, Some(0), "5"), (2, None, "6"), (2, Some(2), "7")]);
    }
}
