//! Spans of any trace format, in any order, in; requests, linked spans, polls and waits out.
//!
//! A request is a trace's root, or a span whose parent was not recorded here. A span that names its thread and did not
//! await is a stretch in which that thread worked for its request; a call to another service is a wait.

use super::intern::FastMap;
use super::scalar::Scalar;
use super::trouble::counted;
use crate::model::{Poll, Problem, Profile, Request, SourceQuality, Span, Thread, Unit, Wait};

/// A span before it is linked to its trace.
#[derive(Clone, Debug, Default)]
pub struct RawSpan {
    /// Trace id.
    pub trace: String,
    /// Span id.
    pub id: String,
    /// The parent's id; empty for a root.
    pub parent: String,
    /// Span name.
    pub name: String,
    /// Nanoseconds since 1970.
    pub start_ns: u64,
    /// Nanoseconds since 1970.
    pub end_ns: u64,
    /// It waits for another service.
    pub is_call: bool,
    /// What its attributes say.
    pub told: Told,
}

/// The attributes of a span that are used.
#[derive(Clone, Debug, Default)]
pub struct Told {
    method: String,
    route: String,
    function: String,
    namespace: String,
    file: String,
    line: u32,
    busy_ns: Option<u64>,
    idle_ns: Option<u64>,
    thread: Option<u64>,
    thread_name: String,
}

impl RawSpan {
    /// Takes an attribute (OpenTelemetry's names, old and new, and Jaeger's), if it is one that is used.
    pub fn attribute(&mut self, key: &str, value: &Scalar) {
        match key {
            "http.request.method" | "http.method" => self.told.method = value.text(),
            "http.route" => self.told.route = value.text(),
            "code.function.name" | "code.function" => self.told.function = value.text(),
            "code.namespace" | "code.module" => self.told.namespace = value.text(),
            "code.file.path" | "code.filepath" => self.told.file = value.text(),
            "code.line.number" | "code.lineno" => {
                self.told.line = value.whole().and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
            }
            "busy_ns" => self.told.busy_ns = value.whole(),
            "idle_ns" => self.told.idle_ns = value.whole(),
            "thread.id" => self.told.thread = value.whole(),
            "thread.name" => self.told.thread_name = value.text(),
            "span.kind" => self.is_call = ["client", "producer"].contains(&value.text().as_str()),
            _ => {}
        }
    }

    /// Method and route where both are told, else the name.
    fn operation(&self) -> String {
        if self.told.method.is_empty() || self.told.route.is_empty() {
            return self.name.clone();
        }
        format!("{} {}", self.told.method, self.told.route)
    }

    /// The thread that worked on it from its start to its end.
    fn whole_on(&self) -> Option<u64> {
        let awaited = self.told.idle_ns.unwrap_or(0).saturating_mul(100) > self.end_ns.saturating_sub(self.start_ns);
        self.told.thread.filter(|_| !awaited && !self.is_call)
    }

    fn into_span(self, parent: Option<u32>, request: u32) -> Span {
        let end_ns = self.end_ns.max(self.start_ns);
        let away = self.is_call && self.told.busy_ns.is_none();
        let (busy_ns, idle_ns) =
            if away { (Some(0), Some(end_ns - self.start_ns)) } else { (self.told.busy_ns, self.told.idle_ns) };
        Span {
            request,
            parent,
            function: self.function_path(),
            name: self.name,
            file: self.told.file,
            line: self.told.line,
            start_ns: self.start_ns,
            end_ns,
            busy_ns,
            idle_ns,
        }
    }

    /// New attributes hold the whole path, old ones split it; `#[instrument]` tells the module, and names the span
    /// after the function.
    fn function_path(&self) -> String {
        match (self.told.function.as_str(), self.told.namespace.as_str()) {
            (function, _) if function.contains("::") => function.to_owned(),
            ("", "") => String::new(),
            ("", namespace) => format!("{namespace}::{}", self.name),
            (function, "") => function.to_owned(),
            (function, namespace) => format!("{namespace}::{function}"),
        }
    }
}

/// The profile of a trace; `help` says what a file of this format holds, for one without spans.
pub fn profile(raw: Vec<RawSpan>, format: &str, help: &str) -> (Profile, Vec<Problem>) {
    let linked = link(raw);
    let problems = problems(&linked, help);
    let mut profile = Profile { unit: Unit::WallNanoseconds, ..Profile::default() };
    profile.sources = vec![SourceQuality {
        format: format.to_owned(),
        samples: linked.spans.len() as u64,
        unit: Unit::WallNanoseconds,
        ..SourceQuality::default()
    }];
    profile.requests = linked.requests;
    profile.polls = polls(&linked.spans);
    let called = linked.spans.iter().filter(|(span, ..)| span.is_call);
    let wait = |(span, _, request): &(RawSpan, Option<u32>, u32)| {
        let (start_ns, end_ns) = (span.start_ns, span.end_ns.max(span.start_ns));
        Wait { request: *request, name: span.name.clone(), start_ns, end_ns }
    };
    profile.waits = called.map(wait).collect();
    profile.threads = threads(&linked.spans);
    profile.spans = linked.spans.into_iter().map(|(span, parent, request)| span.into_span(parent, request)).collect();
    (profile, problems)
}

/// What each thread worked on for each request, nested spans united.
fn polls(spans: &[(RawSpan, Option<u32>, u32)]) -> Vec<Poll> {
    let poll = |(span, _, request): &(RawSpan, Option<u32>, u32)| {
        Some(Poll { request: *request, tid: span.whole_on()?, start_ns: span.start_ns, end_ns: span.end_ns })
    };
    let mut all: Vec<Poll> = spans.iter().filter_map(poll).filter(|p| p.start_ns < p.end_ns).collect();
    all.sort_by_key(|p| (p.request, p.tid, p.start_ns, p.end_ns));
    let mut united: Vec<Poll> = Vec::with_capacity(all.len());
    for poll in all {
        match united.last_mut() {
            Some(last) if (last.request, last.tid) == (poll.request, poll.tid) && poll.start_ns <= last.end_ns => {
                last.end_ns = last.end_ns.max(poll.end_ns);
            }
            _ => united.push(poll),
        }
    }
    united
}

fn threads(spans: &[(RawSpan, Option<u32>, u32)]) -> Vec<Thread> {
    let named = spans.iter().filter(|(s, ..)| !s.told.thread_name.is_empty());
    let mut threads: Vec<Thread> =
        named.filter_map(|(s, ..)| Some(Thread { tid: s.told.thread?, name: s.told.thread_name.clone() })).collect();
    threads.sort();
    threads.dedup();
    threads
}

fn problems(linked: &Linked, help: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    if linked.spans.is_empty() {
        problems.push(Problem::error("there is no span in this trace").help(help));
    }
    if linked.doubled + linked.backwards > 0 {
        let what = format!(
            "{} sent twice and {} that end before they start were corrected",
            counted(linked.doubled, "span"),
            counted(linked.backwards, "span")
        );
        problems.push(Problem::note(what));
    }
    if linked.orphans > 0 {
        let orphans = counted(linked.orphans, "span");
        let what = format!("the parent of {orphans} was not recorded; they count for the root of their trace");
        problems.push(Problem::note(what).help("sampling by span rather than by trace loses parents"));
    }
    problems
}

/// Traces put together from spans in any order: each span with its parent and its request.
#[derive(Default)]
struct Linked {
    requests: Vec<Request>,
    spans: Vec<(RawSpan, Option<u32>, u32)>,
    doubled: u64,
    backwards: u64,
    orphans: u64,
}

fn link(raw: Vec<RawSpan>) -> Linked {
    let mut out = Linked::default();
    let mut by_id: FastMap<(String, String), u32> = FastMap::default();
    let mut kept: Vec<RawSpan> = Vec::new();
    for span in raw {
        let next = kept.len() as u32;
        if *by_id.entry((span.trace.clone(), span.id.clone())).or_insert(next) == next {
            out.backwards += u64::from(span.end_ns < span.start_ns);
            kept.push(span);
        } else {
            out.doubled += 1;
        }
    }
    let mut parents: Vec<Option<u32>> =
        kept.iter().map(|s| by_id.get(&(s.trace.clone(), s.parent.clone())).copied()).collect();
    let mut true_roots: FastMap<&str, u32> = FastMap::default();
    for (at, span) in kept.iter().enumerate().filter(|(_, s)| s.parent.is_empty()) {
        true_roots.entry(&span.trace).or_insert(at as u32);
    }
    for at in 0..kept.len() {
        if parents[at].is_none() && !kept[at].parent.is_empty() {
            parents[at] = true_roots.get(kept[at].trace.as_str()).copied();
            out.orphans += u64::from(parents[at].is_some());
        }
    }
    cut_circles(&mut parents);
    let requests = number_requests(&kept, &parents, &mut out.requests);
    out.spans = kept.into_iter().zip(parents).zip(requests).map(|((s, p), r)| (s, p, r)).collect();
    out
}

/// The request of each span: that of its outermost ancestor.
fn number_requests(spans: &[RawSpan], parents: &[Option<u32>], requests: &mut Vec<Request>) -> Vec<u32> {
    let mut known: Vec<Option<u32>> = vec![None; spans.len()];
    let mut path = Vec::new();
    for start in 0..spans.len() {
        let mut at = start;
        while known[at].is_none() && parents[at].is_some() {
            path.push(at);
            at = parents[at].map_or(at, |p| p as usize);
        }
        let request = *known[at].get_or_insert_with(|| {
            requests.push(request(&spans[at]));
            requests.len() as u32 - 1
        });
        path.drain(..).for_each(|span| known[span] = Some(request));
    }
    known.into_iter().map(|r| r.unwrap_or(0)).collect()
}

/// A damaged trace may name a span as its own ancestor; the first link that closes a circle is cut.
fn cut_circles(parents: &mut [Option<u32>]) {
    let mut state = vec![0u8; parents.len()];
    for start in 0..parents.len() {
        let (mut path, mut at) = (Vec::new(), Some(start as u32));
        while let Some(span) = at.map(|a| a as usize).filter(|a| state[*a] == 0) {
            state[span] = 1;
            path.push(span);
            at = parents[span];
            if at.is_some_and(|p| state[p as usize] == 1) {
                parents[span] = None;
                at = None;
            }
        }
        path.into_iter().for_each(|span| state[span] = 2);
    }
}

fn request(root: &RawSpan) -> Request {
    Request {
        id: root.trace.clone(),
        operation: root.operation(),
        start_ns: root.start_ns,
        end_ns: root.end_ns.max(root.start_ns),
        tid: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: &str, parent: &str, start_ns: u64, end_ns: u64, attributes: &[(&str, &str)]) -> RawSpan {
        let (trace, id, parent, name) = ("t".into(), id.into(), parent.into(), id.into());
        let mut span = RawSpan { trace, id, parent, name, start_ns, end_ns, ..RawSpan::default() };
        attributes.iter().for_each(|(key, value)| span.attribute(key, &Scalar::Text(value.to_string())));
        span
    }

    #[test]
    fn spans_on_a_thread_are_polls_and_calls_are_waits() {
        let on = |name: &'static str| [("thread.id", "7"), ("thread.name", name)];
        let (profile, problems) = profile(
            vec![
                span("root", "", 0, 100, &on("w")),
                span("inside", "root", 10, 40, &on("w")),
                span("awaiting", "root", 40, 90, &[("thread.id", "8"), ("idle_ns", "30"), ("busy_ns", "20")]),
                span("ask the bank", "awaiting", 50, 80, &[("span.kind", "client"), ("thread.id", "9")]),
                span("elsewhere", "root", 20, 30, &[("thread.id", "10")]),
            ],
            "a trace",
            "",
        );
        assert_eq!(problems, []);
        let poll = |tid, start_ns, end_ns| Poll { request: 0, tid, start_ns, end_ns };
        assert_eq!(profile.polls, [poll(7, 0, 100), poll(10, 20, 30)]);
        assert_eq!(profile.waits.len(), 1);
        assert_eq!((profile.waits[0].name.as_str(), profile.waits[0].start_ns), ("ask the bank", 50));
        assert_eq!((profile.spans[3].busy_ns, profile.spans[3].idle_ns), (Some(0), Some(30)));
        assert_eq!(profile.threads, [Thread { tid: 7, name: "w".into() }]);
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_spans_is_linked_without_recursion() {
        let chain = (0..100_000u64).map(|n| {
            let parent = if n == 0 { String::new() } else { (n - 1).to_string() };
            span(&n.to_string(), &parent, n, 200_000 - n, &[])
        });
        let (profile, _) = profile(chain.collect(), "a trace", "");
        assert_eq!((profile.requests.len(), profile.spans[99_999].parent), (1, Some(99_998)));
    }
}
