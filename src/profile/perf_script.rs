//! The text of `perf script` in; samples with their stacks, thread and time out.
//!
//! perf documents no grammar; this one follows what perf 6.1 writes. Headers are found by their timestamp, because a
//! thread's name may hold anything; everything that repeats is keyed on its raw bytes, so that each distinct line is
//! read once (a profile has some thousand distinct lines among millions).

use super::intern::{FastMap, Stacks};
use super::lines::Lines;
use super::perf_frame::{Line, Source, frame_on_header, read_line};
use super::perf_header::{Header, anchored, header};
use super::trouble::{Trouble, counted};
use super::{Format, Reader};
use crate::model::{FrameId, Problem, Profile, Sample, SourceQuality, Unit};

/// `perf script` text.
pub const FORMAT: Format = Format { name: "perf script", sniff, open };

fn open() -> Box<dyn Reader + Send> {
    Box::new(PerfScript::default())
}

/// A header with a timestamp, within the first lines that are no comments.
fn sniff(head: &[u8]) -> bool {
    let lines = head.split(|b| *b == b'\n').filter(|l| !l.is_empty() && l[0] != b'#');
    lines.take(40).any(|line| line[0] != b'{' && anchored(line).is_some())
}

#[derive(Clone, Default)]
struct PerfScript {
    lines: Lines,
    state: State,
}

#[derive(Clone, Default)]
struct State {
    stacks: Stacks,
    /// What each distinct line inside a sample says, keyed by its bytes without leading blanks.
    known: FastMap<Box<[u8]>, Line>,
    sources: Vec<Source>,
    /// A frame together with the source line printed below it.
    placed: FastMap<(u32, u32), FrameId>,
    events: Vec<Event>,
    samples: Vec<(Sample, u32)>,
    open: Option<Open>,
    stack: Vec<FrameId>,
    trouble: Trouble,
    line: u64,
    bytes: u64,
    lost: u64,
    unresolved: u64,
    truncated: u64,
}

#[derive(Clone)]
struct Event {
    name: String,
    samples: u64,
    with_period: bool,
}

/// The sample whose lines are being read.
#[derive(Clone, Copy)]
struct Open {
    sample: Sample,
    event: u32,
    /// The frame stood on the header line; the next header ends the sample, there may be no empty line.
    one_line: bool,
}

impl Reader for PerfScript {
    fn feed(&mut self, bytes: &[u8]) {
        self.state.bytes += bytes.len() as u64;
        let state = &mut self.state;
        self.lines.feed(bytes, |line| state.line(line));
    }

    fn snapshot(&self) -> Profile {
        let mut state = self.state.clone();
        state.end_sample();
        state.profile().0
    }

    fn finish(mut self: Box<Self>) -> (Profile, Vec<Problem>) {
        let state = &mut self.state;
        self.lines.finish(|line| state.line(line));
        let cut = state.open.is_some_and(|open| state.stack.is_empty() && !open.one_line);
        state.end_sample();
        let trouble = state.trouble.problems();
        let (profile, mut problems) = self.state.profile();
        if cut {
            let what = "the text ends inside a sample: the recording or its copy was cut off";
            problems.push(Problem::warning(what).help("run `perf script` again and wait for it to end"));
        }
        problems.extend(trouble);
        (profile, problems)
    }
}

impl State {
    fn line(&mut self, line: &[u8]) {
        self.line += 1;
        if line.is_empty() {
            self.end_sample();
        } else if line[0] == b'#' {
            // perf's own comment block; a thread name that starts with '#' is padded with a blank.
        } else if self.open.is_some_and(|o| !o.one_line) && line[0].is_ascii_whitespace() {
            self.inside(line);
        } else if let Some(at) = anchored(line) {
            self.end_sample();
            self.header(line, at);
        } else if self.open.is_some() && line[0].is_ascii_whitespace() {
            self.inside(line);
        } else {
            self.trouble.malformed(self.line, "neither the header of a sample nor a frame");
        }
    }

    fn header(&mut self, line: &[u8], at: usize) {
        let Header { tid, time_ns, period, event, payload } = match header(line, at) {
            Some(header) => header,
            None => return self.trouble.malformed(self.line, "a timestamp without a thread id before it"),
        };
        if let Some(record) = payload.strip_prefix(b"PERF_RECORD_") {
            self.lost += lost(record);
            return;
        }
        let event = self.event(event, period.is_some());
        let sample = Sample { leaf: None, weight: period.unwrap_or(1), time_ns: Some(time_ns), tid: Some(tid) };
        let one_line = frame_on_header(payload);
        self.open = Some(Open { sample, event, one_line });
        if one_line {
            self.inside(payload);
        }
    }

    /// A line below a header: a frame, or the source line of the frame above it.
    fn inside(&mut self, line: &[u8]) {
        let line = line.trim_ascii_start();
        let what = match self.known.get(line) {
            Some(what) => *what,
            None => self.learn(line),
        };
        match what {
            Line::Frame(frame) => self.stack.push(frame),
            Line::Source(source) => self.place(source),
            Line::Nothing => {}
            Line::Malformed => {
                self.trouble.malformed(self.line, "not a frame: an address, a symbol and an object file")
            }
        }
    }

    fn learn(&mut self, line: &[u8]) -> Line {
        let text = String::from_utf8_lossy(line);
        if matches!(text, std::borrow::Cow::Owned(_)) {
            self.trouble.not_utf8(self.line);
        }
        let what = read_line(&text, &mut self.stacks, &mut self.sources);
        self.known.insert(line.into(), what);
        what
    }

    /// Gives the last frame the source line that stands below it.
    fn place(&mut self, source: u32) {
        let Some(last) = self.stack.last_mut() else { return };
        let key = (last.0, source);
        if let Some(placed) = self.placed.get(&key) {
            *last = *placed;
            return;
        }
        let mut frame = self.stacks.get(*last).clone();
        let place = &self.sources[source as usize];
        (frame.file, frame.line) = (place.file.clone(), place.line);
        frame.inlined |= place.inlined;
        *last = self.stacks.frame(frame);
        self.placed.insert(key, *last);
    }

    fn event(&mut self, name: &[u8], with_period: bool) -> u32 {
        let found = self.events.iter().position(|e| e.name.as_bytes() == name);
        let index = found.unwrap_or_else(|| {
            let name = String::from_utf8_lossy(name).into_owned();
            self.events.push(Event { name, samples: 0, with_period });
            self.events.len() - 1
        });
        self.events[index].samples += 1;
        index as u32
    }

    fn end_sample(&mut self) {
        let Some(open) = self.open.take() else { return };
        let leaf = self.stacks.node(&self.stack);
        self.unresolved += self.stack.iter().filter(|f| self.stacks.get(**f).symbol == "[unknown]").count() as u64;
        self.truncated += u64::from(!self.stack.last().is_some_and(|f| is_start(&self.stacks.get(*f).symbol)));
        self.stack.clear();
        self.samples.push((Sample { leaf, ..open.sample }, open.event));
    }

    /// The profile of the event that is kept, and what there is to say about the others.
    fn profile(self) -> (Profile, Vec<Problem>) {
        let kept = kept_event(&self.events);
        let problems = event_problems(&self.events, kept);
        let samples: Vec<Sample> =
            self.samples.iter().filter(|(_, event)| Some(*event as usize) == kept).map(|(sample, _)| *sample).collect();
        let unit = kept.map_or(Unit::Unknown, |k| unit(&self.events[k]));
        let quality = SourceQuality {
            format: FORMAT.name.into(),
            samples: samples.len() as u64,
            ignored: self.samples.len() as u64 - samples.len() as u64,
            lost: self.lost,
            unresolved: self.unresolved,
            truncated: self.truncated,
            malformed: self.trouble.count(),
            event: kept.map_or(String::new(), |k| self.events[k].name.clone()),
            unit,
            bytes: self.bytes,
            ..SourceQuality::default()
        };
        let (frames, nodes) = self.stacks.into_parts();
        (Profile { frames, nodes, samples, unit, sources: vec![quality], ..Profile::default() }, problems)
    }
}

/// Clock events first, since only they count time; else the first event of the file.
fn kept_event(events: &[Event]) -> Option<usize> {
    let clock = events.iter().position(|e| is_clock(&e.name) && e.with_period);
    clock.or(if events.is_empty() { None } else { Some(0) })
}

fn event_problems(events: &[Event], kept: Option<usize>) -> Vec<Problem> {
    let Some(kept) = kept else {
        let help = "record with `perf record -k mono -e cpu-clock --call-graph dwarf`, then run `perf script`";
        return vec![Problem::error("there is no sample in this perf script text").help(help)];
    };
    let others: Vec<String> = events
        .iter()
        .enumerate()
        .filter(|(i, _)| *i != kept)
        .map(|(_, e)| format!("{} of {}", counted(e.samples, "sample"), e.name))
        .collect();
    if others.is_empty() {
        return Vec::new();
    }
    let what = format!("only samples of {} are used; left out: {}", events[kept].name, others.join(", "));
    vec![Problem::warning(what).help("different events cannot be added up; give each a file of its own")]
}

fn is_clock(event: &str) -> bool {
    matches!(event.split(':').next(), Some("cpu-clock" | "task-clock"))
}

fn unit(event: &Event) -> Unit {
    match (event.with_period, is_clock(&event.name)) {
        (true, true) => Unit::CpuNanoseconds,
        (true, false) => Unit::Events,
        (false, _) => Unit::Samples,
    }
}

/// The number in `LOST lost 12` and `LOST_SAMPLES lost 12`.
fn lost(record: &[u8]) -> u64 {
    if !record.starts_with(b"LOST") {
        return 0;
    }
    let text = String::from_utf8_lossy(record);
    text.split_whitespace().last().and_then(|n| n.parse().ok()).unwrap_or(1)
}

/// True for the outermost function of a process, a thread or the kernel.
fn is_start(symbol: &str) -> bool {
    const STARTS: [&str; 12] = [
        "_start",
        "_start_c",
        "__libc_start_main",
        "__libc_start_call_main",
        "start_thread",
        "clone",
        "clone3",
        "__clone",
        "__clone3",
        "ret_from_fork",
        "ret_from_fork_asm",
        "thread_start",
    ];
    let name = symbol.split("@@").next().unwrap_or(symbol);
    STARTS.contains(&name) || name.starts_with("__libc_start_main") || name.starts_with("_dl_")
}
