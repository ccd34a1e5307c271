//! Chrome trace JSON (tracing-chrome, Perfetto's JSON, an array that never ended) in; spans and their requests out.
//!
//! "Trace Event Format" of the Chrome project: an array of events, or an object with `traceEvents`. Times are microseconds
//! since the trace began and thread numbers are the writer's own, so nothing of it joins with samples. The outermost span
//! of a thread, or of an asynchronous id, is a request.

use serde::Deserialize;

use super::Format;
use super::Reader;
use super::chrome_events::Events;
use super::intern::FastMap;
use super::scalar::Scalar;
use super::trouble::{Trouble, counted};
use crate::model::{Problem, Profile, Request, SourceQuality, Span, Unit};

/// Chrome trace JSON.
pub const FORMAT: Format = Format { name: "Chrome trace", sniff, open };

fn open() -> Box<dyn Reader + Send> {
    Box::new(ChromeTrace::default())
}

/// An object with `traceEvents`, or an array whose first event has a phase and a time.
fn sniff(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let holds = |name: &str| memchr::memmem::find(text, name.as_bytes()).is_some();
    match text.first() {
        Some(b'{') => holds("\"traceEvents\""),
        Some(b'[') => {
            let mut event = None;
            Events::default().feed(text, |bytes| event = event.take().or(serde_json::from_slice::<Event>(bytes).ok()));
            event.is_some_and(|e| !e.ph.is_empty())
        }
        _ => false,
    }
}

#[derive(Deserialize)]
struct Event {
    ph: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    cat: String,
    #[serde(default)]
    ts: Scalar,
    #[serde(default)]
    dur: Scalar,
    #[serde(default)]
    pid: Scalar,
    #[serde(default)]
    tid: Scalar,
    #[serde(default)]
    id: Scalar,
    /// `{"local": …}` or `{"global": …}`.
    #[serde(default)]
    id2: Scalar,
    #[serde(default, rename = ".file")]
    file: Scalar,
    #[serde(default, rename = ".line")]
    line: Scalar,
}

#[derive(Clone, Default)]
struct ChromeTrace {
    events: Events,
    state: State,
    met: Trouble,
    bytes: u64,
}

#[derive(Clone, Default)]
struct State {
    tracks: FastMap<String, u32>,
    /// Spans that have begun and not ended, one stack a track.
    open: Vec<Vec<Begun>>,
    ended: Vec<Ended>,
    last_ns: u64,
    /// Ends without a beginning.
    unbegun: u64,
}

#[derive(Clone, Default)]
struct Begun {
    name: String,
    function: String,
    file: String,
    line: u32,
    start_ns: u64,
}

#[derive(Clone)]
struct Ended {
    track: u32,
    begun: Begun,
    end_ns: u64,
}

impl Reader for ChromeTrace {
    fn feed(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        let ChromeTrace { events, state, met, .. } = self;
        events.feed(bytes, |event| {
            met.next_line();
            match serde_json::from_slice::<Event>(event) {
                Ok(event) => state.take(event),
                Err(error) => met.malformed(error.to_string()),
            }
        });
    }

    fn snapshot(&self) -> Profile {
        self.state.clone().profile(self.bytes, self.met.count()).0
    }

    fn finish(mut self: Box<Self>) -> (Profile, Vec<Problem>) {
        if self.events.ends_inside() {
            self.met.next_line();
            self.met.malformed("the file ends inside an event");
        }
        let (profile, mut problems) = self.state.profile(self.bytes, self.met.count());
        problems.extend(self.met.problems().into_iter().map(by_event));
        (profile, problems)
    }
}

/// A trace is often one line: its events are counted instead.
fn by_event(problem: Problem) -> Problem {
    Problem { what: problem.what.replace("line", "event"), place: None, ..problem }
}

impl State {
    fn take(&mut self, event: Event) {
        let Some(start_ns) = nanoseconds(&event.ts) else { return };
        self.last_ns = self.last_ns.max(start_ns);
        match event.ph.as_str() {
            "B" => {
                let track = self.track(thread(&event));
                self.open[track as usize].push(begun(event, start_ns));
            }
            "E" => {
                let track = self.track(thread(&event));
                let ended = self.open[track as usize].pop();
                self.end(track, ended, start_ns);
            }
            "X" => {
                let track = self.track(thread(&event));
                let end_ns = start_ns.saturating_add(nanoseconds(&event.dur).unwrap_or(0));
                self.last_ns = self.last_ns.max(end_ns);
                self.end(track, Some(begun(event, start_ns)), end_ns);
            }
            "b" | "S" => {
                let track = self.track(asynchronous(&event));
                self.open[track as usize].push(begun(event, start_ns));
            }
            "e" | "F" => {
                let track = self.track(asynchronous(&event));
                let open = &mut self.open[track as usize];
                let at = open.iter().rposition(|b| b.name == event.name || event.name.is_empty());
                let ended = at.map(|at| open.remove(at));
                self.end(track, ended, start_ns);
            }
            // Instants, counters, flows and metadata take no time.
            _ => {}
        }
    }

    fn track(&mut self, key: String) -> u32 {
        let next = self.open.len() as u32;
        let track = *self.tracks.entry(key).or_insert(next);
        if track == next {
            self.open.push(Vec::new());
        }
        track
    }

    fn end(&mut self, track: u32, begun: Option<Begun>, end_ns: u64) {
        match begun {
            Some(begun) => self.ended.push(Ended { track, end_ns: end_ns.max(begun.start_ns), begun }),
            None => self.unbegun += 1,
        }
    }

    fn profile(mut self, bytes: u64, malformed: u64) -> (Profile, Vec<Problem>) {
        let last = self.last_ns;
        let mut unended = 0;
        for (track, open) in self.open.iter_mut().enumerate() {
            unended += open.len() as u64;
            self.ended.extend(open.drain(..).map(|begun| Ended { track: track as u32, begun, end_ns: last }));
        }
        let problems = problems(self.ended.len() as u64, unended, self.unbegun);
        let quality = SourceQuality {
            format: FORMAT.name.into(),
            samples: self.ended.len() as u64,
            malformed,
            unit: Unit::WallNanoseconds,
            bytes,
            ..SourceQuality::default()
        };
        let mut profile = Profile { unit: Unit::WallNanoseconds, sources: vec![quality], ..Profile::default() };
        nest(self.ended, &mut profile);
        (profile, problems)
    }
}

/// Spans of a track nest by time: the parent is the innermost one that has begun and not ended.
fn nest(mut ended: Vec<Ended>, profile: &mut Profile) {
    ended.sort_by_key(|e| (e.track, e.begun.start_ns, std::cmp::Reverse(e.end_ns)));
    let mut around: Vec<(u32, u64, u32)> = Vec::new();
    for Ended { track, begun, end_ns } in ended {
        while around.last().is_some_and(|(outer, end, _)| *outer != track || *end <= begun.start_ns && *end < end_ns) {
            around.pop();
        }
        let parent = around.last().map(|(_, _, span)| *span);
        let request = match parent {
            Some(parent) => profile.spans[parent as usize].request,
            None => {
                let (operation, start_ns) = (begun.name.clone(), begun.start_ns);
                let id = format!("{operation}#{}", profile.requests.len());
                profile.requests.push(Request { id, operation, start_ns, end_ns, tid: None });
                profile.requests.len() as u32 - 1
            }
        };
        around.push((track, end_ns, profile.spans.len() as u32));
        let Begun { name, function, file, line, start_ns } = begun;
        profile.spans.push(Span { request, parent, name, function, file, line, start_ns, end_ns, ..Span::default() });
    }
}

fn problems(spans: u64, unended: u64, unbegun: u64) -> Vec<Problem> {
    let mut problems = Vec::new();
    if spans == 0 {
        let help = "spans are events of the phases B and E, X, or b and e";
        problems.push(Problem::error("there is no span in this Chrome trace").help(help));
    }
    if unended + unbegun > 0 {
        let what = format!(
            "{} had not ended when the trace did and {} never begun: cut at its ends",
            counted(unended, "span"),
            counted(unbegun, "end")
        );
        problems.push(Problem::note(what).help("keep the guard of the writer until the program ends"));
    }
    problems
}

fn begun(event: Event, start_ns: u64) -> Begun {
    let (file, line) = (event.file.text(), event.line.whole().and_then(|n| u32::try_from(n).ok()).unwrap_or(0));
    let function = match (event.name.contains("::"), event.cat.is_empty()) {
        (true, _) => event.name.clone(),
        // tracing-chrome writes the module as the category.
        (false, false) => format!("{}::{}", event.cat, event.name),
        (false, true) => String::new(),
    };
    Begun { name: event.name, function, file, line, start_ns }
}

fn thread(event: &Event) -> String {
    format!("{}/{}", event.pid.text(), event.tid.text())
}

fn asynchronous(event: &Event) -> String {
    format!("{}/{}/{}/{}", event.pid.text(), event.cat, event.id.text(), event.id2.text())
}

/// Microseconds, perhaps with a fraction; before the start counts as at the start.
fn nanoseconds(micros: &Scalar) -> Option<u64> {
    match micros {
        Scalar::Whole(n) => n.checked_mul(1000),
        other => other.number().map(|n| (n * 1e3).round().max(0.0) as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Profile, Vec<Problem>) {
        assert!(sniff(text.as_bytes()), "{text}");
        let mut reader = open();
        text.as_bytes().chunks(7).for_each(|piece| reader.feed(piece));
        reader.finish()
    }

    fn tree(profile: &Profile) -> Vec<(&str, Option<u32>, u64, u64)> {
        profile.spans.iter().map(|s| (s.name.as_str(), s.parent, s.start_ns, s.end_ns)).collect()
    }

    #[test]
    fn tracing_chrome_tells_functions_with_file_and_line() {
        let text = r#"[
{"ph":"M","pid":1,"name":"thread_name","tid":0,"args":{"name":"0"}},
{"ph":"B","pid":1,"ts":10.5,"name":"handle","cat":"gw","tid":0,".file":"src/main.rs",".line":4},
{"ph":"B","pid":1,"ts":11,"name":"score","cat":"gw::risk","tid":0,".file":"src/risk.rs",".line":9},
{"ph":"E","pid":1,"ts":13.25,"name":"score","cat":"gw::risk","tid":0},
{"ph":"E","pid":1,"ts":20,"name":"handle","cat":"gw","tid":0},
{"ph":"B","pid":1,"ts":21,"name":"handle","cat":"gw","tid":0}"#;
        let (profile, problems) = read(text);
        assert_eq!(
            tree(&profile),
            [("handle", None, 10_500, 20_000), ("score", Some(0), 11_000, 13_250), ("handle", None, 21_000, 21_000)]
        );
        let score = &profile.spans[1];
        assert_eq!((score.function.as_str(), score.file.as_str(), score.line), ("gw::risk::score", "src/risk.rs", 9));
        assert_eq!(profile.requests.len(), 2);
        assert_eq!(problems.len(), 1, "an array without its end is no fault: {problems:?}");
        assert!(problems[0].what.starts_with("1 span had not ended"), "{problems:?}");
    }

    #[test]
    fn complete_events_nest_by_time_in_whatever_order_they_come() {
        let text = r#"{"displayTimeUnit":"ms","otherData":{"a":[{"ph":"no event"}]},"traceEvents":[
{"ph":"X","ts":5,"dur":2,"name":"inner","pid":1,"tid":"main"},{"ph":"X","ts":"0","dur":10,"name":"outer","pid":1,"tid":"main"},
{"ph":"X","ts":6,"dur":9,"name":"overlaps","pid":1,"tid":"main"},{"ph":"X","ts":1,"dur":1,"name":"other","pid":1,"tid":2},
{"ph":"b","cat":"c","id":"0x1","ts":1,"name":"task"},{"ph":"b","cat":"c","id":"0x1","ts":2,"name":"step"},
{"ph":"e","cat":"c","id":"0x1","ts":3,"name":"step"},{"ph":"e","cat":"c","id":"0x1","ts":4,"name":"task"},{"ph":"C","ts":9,"name":"n"}],"x":[{"ph":"X","ts":1}]}"#;
        let (profile, problems) = read(text);
        assert_eq!(
            tree(&profile),
            [
                ("outer", None, 0, 10_000),
                ("inner", Some(0), 5000, 7000),
                ("overlaps", Some(1), 6000, 15_000),
                ("other", None, 1000, 2000),
                ("task", None, 1000, 4000),
                ("step", Some(4), 2000, 3000),
            ]
        );
        assert_eq!(problems, []);
    }

    #[test]
    fn a_damaged_event_costs_only_itself() {
        let text = "[{\"ph\":\"X\",\"ts\":1,\"dur\":2,\"name\":\"a\"},\n{\"ph\":\"X\",\"ts\":1,\"dur\":2,\"name\":\"b},\n{\"ph\":\"X\",\"ts\":4,\"dur\":2,\"name\":\"c\"},{\"ph\":\"X\",\"ts\"";
        let (profile, problems) = read(text);
        assert_eq!(tree(&profile).iter().map(|s| s.0).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(profile.sources[0].malformed, 2);
        assert!(problems[0].what.starts_with("2 events could not be read; the first is event 2:"), "{problems:?}");
        assert_eq!(problems[0].place, None);
    }
}
