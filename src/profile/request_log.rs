//! The log of `templates/instrument/request_log.rs` in; requests, polls and named waits out.
//!
//! One JSON object a line, nanoseconds of CLOCK_MONOTONIC; polls and waits may stand before or after their request.

use serde::Deserialize;

use super::Format;
use super::intern::FastMap;
use super::lines::{Linewise, by_lines};
use super::trouble::{Trouble, counted};
use crate::model::{Poll, Problem, Profile, Request, SourceQuality, Unit, Wait};

/// The request log.
pub const FORMAT: Format = Format { name: "request log", sniff, open: by_lines::<State> };

fn sniff(head: &[u8]) -> bool {
    let mut lines = head.split(|b| *b == b'\n').filter(|l| !l.trim_ascii().is_empty());
    lines.next().is_some_and(|line| serde_json::from_slice::<Line>(line).is_ok_and(|l| l.kind().is_some()))
}

#[derive(Clone, Default)]
struct State {
    requests: Vec<Request>,
    by_id: FastMap<String, u32>,
    /// Polls and waits whose request has not been read yet.
    early: Vec<(String, Kind)>,
    polls: Vec<Poll>,
    waits: Vec<Wait>,
    doubles: u64,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    request: std::borrow::Cow<'a, str>,
    operation: Option<String>,
    start_ns: Option<u64>,
    end_ns: Option<u64>,
    tid: Option<u64>,
    poll_start_ns: Option<u64>,
    poll_end_ns: Option<u64>,
    wait: Option<String>,
}

#[derive(Clone)]
enum Kind {
    Request { operation: String, start: u64, end: u64, tid: Option<u64> },
    Poll { tid: u64, start: u64, end: u64 },
    Wait { name: String, start: u64, end: u64 },
}

impl Line<'_> {
    fn kind(&self) -> Option<Kind> {
        if let (Some(tid), Some(start), Some(end)) = (self.tid, self.poll_start_ns, self.poll_end_ns) {
            return Some(Kind::Poll { tid, start, end });
        }
        let (start, end) = (self.start_ns?, self.end_ns?);
        match (&self.wait, &self.operation) {
            (Some(name), _) => Some(Kind::Wait { name: name.clone(), start, end }),
            (None, Some(operation)) => Some(Kind::Request { operation: operation.clone(), start, end, tid: self.tid }),
            (None, None) => None,
        }
    }
}

impl Linewise for State {
    fn line(&mut self, line: &[u8], met: &mut Trouble) {
        if line.trim_ascii().is_empty() {
            return;
        }
        let read = serde_json::from_slice::<Line>(line).map(|l| l.kind().map(|kind| (l.request.into_owned(), kind)));
        match read {
            Ok(Some((_, kind))) if kind.ends_before_it_starts() => {
                met.malformed("it ends before it starts");
            }
            Ok(Some((id, kind))) => self.take(id, kind),
            Ok(None) => met.malformed("neither a request, nor a poll, nor a wait"),
            Err(error) => met.malformed(error.to_string()),
        }
    }

    fn profile(mut self) -> (Profile, Vec<Problem>) {
        let mut orphans = 0;
        for (id, kind) in std::mem::take(&mut self.early) {
            match self.by_id.get(&id).copied() {
                Some(request) => self.add(request, kind),
                None => orphans += 1,
            }
        }
        let problems = self.problems(orphans);
        let quality =
            SourceQuality { format: FORMAT.name.into(), unit: Unit::WallNanoseconds, ..SourceQuality::default() };
        let State { requests, polls, waits, .. } = self;
        (Profile { requests, polls, waits, sources: vec![quality], ..Profile::default() }, problems)
    }
}

impl State {
    fn take(&mut self, id: String, kind: Kind) {
        if let Kind::Request { operation, start, end, tid } = kind {
            let index = self.requests.len() as u32;
            if self.by_id.insert(id.clone(), index).is_some() {
                self.doubles += 1;
            }
            self.requests.push(Request { id, operation, start_ns: start, end_ns: end, tid });
        } else if let Some(request) = self.by_id.get(&id).copied() {
            self.add(request, kind);
        } else {
            self.early.push((id, kind));
        }
    }

    fn add(&mut self, request: u32, kind: Kind) {
        match kind {
            Kind::Poll { tid, start, end } => self.polls.push(Poll { request, tid, start_ns: start, end_ns: end }),
            Kind::Wait { name, start, end } => self.waits.push(Wait { request, name, start_ns: start, end_ns: end }),
            Kind::Request { .. } => {}
        }
    }

    fn problems(&self, orphans: u64) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.requests.is_empty() {
            let help = "a request is {\"request\",\"operation\",\"start_ns\",\"end_ns\"}; was the service stopped before it flushed?";
            problems.push(Problem::error("there is no finished request in this log").help(help));
        }
        if orphans > 0 {
            let what = format!("{} of requests that never ended: left out", counted(orphans, "poll or wait line"));
            problems.push(Problem::note(what));
        }
        if self.doubles > 0 {
            let what = format!("{} used twice; polls go to the request before them", counted_ids(self.doubles));
            problems.push(Problem::warning(what).help("give every request an id of its own"));
        }
        problems
    }
}

fn counted_ids(count: u64) -> String {
    if count == 1 { "1 request id is".into() } else { format!("{count} request ids are") }
}

impl Kind {
    fn ends_before_it_starts(&self) -> bool {
        match self {
            Kind::Request { start, end, .. } | Kind::Poll { start, end, .. } | Kind::Wait { start, end, .. } => {
                end < start
            }
        }
    }
}
