//! The text of `perf script` in; samples with their stacks, thread and time out.
//!
//! perf documents no grammar; this one follows what perf 6.1 writes. Headers are found by their timestamp, because a
//! thread's name may hold anything; everything that repeats is keyed on its raw bytes, so that each distinct line is
//! read once (a profile has some thousand distinct lines among millions).

use super::Format;
use super::intern::{FastMap, Stacks};
use super::line_table::LineTable;
use super::lines::{Linewise, by_lines};
use super::perf_event::{Event, event_problems, kept_event};
use super::perf_frame::{Line, Source, frame_on_header, read_line};
use super::perf_header::{Anchor, Header, anchored, header, unix_offset};
use super::perf_switch::{Switches, is_switch, read as read_switch};
use super::trouble::Trouble;
use crate::model::{Column, FrameId, NodeId, Problem, Profile, Sample, Samples, SourceQuality, Thread, Unit};

/// `perf script` text.
pub const FORMAT: Format = Format { name: "perf script", sniff, open: by_lines::<State> };

/// A header with a timestamp, within the first lines that are no comments.
fn sniff(head: &[u8]) -> bool {
    let lines = head.split(|b| *b == b'\n').filter(|l| !l.is_empty() && l[0] != b'#');
    lines.take(40).any(|line| line[0] != b'{' && line[0] != b'[' && anchored(line).is_some())
}

#[derive(Clone, Default)]
struct State {
    stacks: Stacks,
    /// What each distinct line inside a sample says.
    known: LineTable<Line>,
    sources: Vec<Source>,
    /// A frame together with the source line printed below it.
    placed: FastMap<(u32, u32), FrameId>,
    /// What is counted of each frame.
    marks: Vec<Mark>,
    events: Vec<Event>,
    samples: Samples,
    event_of: Column,
    switches: Switches,
    threads: FastMap<u64, Box<[u8]>>,
    last_thread: (u64, Vec<u8>),
    unix_offset_ns: Option<u64>,
    open: Option<Open>,
    stack: Vec<FrameId>,
    cut: bool,
    lost: u64,
    unresolved: u64,
    truncated: u64,
}

/// The sample whose lines are being read.
#[derive(Clone, Copy)]
struct Open {
    sample: Sample,
    event: u32,
    /// The frame stood on the header line; the next header ends the sample, there may be no empty line.
    one_line: bool,
    /// The thread leaves the CPU here.
    switch: Option<super::perf_switch::Switch>,
}

/// What a frame says about the quality of its stack.
#[derive(Clone, Copy, Default)]
struct Mark {
    unresolved: bool,
    start: bool,
}

impl Linewise for State {
    fn line(&mut self, line: &[u8], met: &mut Trouble) {
        let Some(first) = line.first() else { return self.end_sample() };
        if self.open.is_some_and(|o| !o.one_line) && first.is_ascii_whitespace() {
            self.inside(line, met);
        } else if *first == b'#' {
            // perf's own comment block; a thread name that starts with '#' is padded with a blank.
            self.unix_offset_ns = self.unix_offset_ns.or_else(|| unix_offset(line));
        } else if let Some(at) = anchored(line) {
            self.end_sample();
            self.header(line, at, met);
        } else if self.open.is_some() && first.is_ascii_whitespace() {
            self.inside(line, met);
        } else {
            met.malformed("neither the header of a sample nor a frame");
        }
    }

    fn end(&mut self, _met: &mut Trouble) {
        self.cut = self.open.is_some_and(|open| self.stack.is_empty() && !open.one_line);
        self.end_sample();
    }

    /// The profile of the event that is kept, and what there is to say about the others.
    fn profile(mut self) -> (Profile, Vec<Problem>) {
        self.end_sample();
        let kept = kept_event(&self.events);
        let mut problems = event_problems(&self.events, kept, !self.switches.is_empty());
        if self.cut {
            let what = "the text ends inside a sample: the recording or its copy was cut off";
            problems.push(Problem::warning(what).help("run `perf script` again and wait for it to end"));
        }
        let samples = of_event(std::mem::take(&mut self.samples), &self.event_of, kept);
        let mut profile = self.shown(samples, kept);
        profile.off_cpu = self.switches.into_stretches();
        (profile.frames, profile.nodes) = self.stacks.into_parts();
        (profile, problems)
    }

    /// Copies what is shown, not what is needed to read on.
    fn snapshot(&self) -> Profile {
        let kept = kept_event(&self.events);
        let samples = of_event(self.samples.clone(), &self.event_of, kept);
        let mut profile = self.shown(samples, kept);
        (profile.frames, profile.nodes) = self.stacks.parts();
        profile
    }

    /// An empty line ends a sample.
    fn boundary(bytes: &[u8]) -> Option<usize> {
        let plain = memchr::memmem::find(bytes, b"\n\n").map(|at| at + 2);
        plain.or_else(|| memchr::memmem::find(bytes, b"\n\r\n").map(|at| at + 3))
    }

    fn join(&mut self, mut later: State) {
        self.end_sample();
        let (_, nodes) = self.stacks.join(std::mem::take(&mut later.stacks));
        let seen = &later.samples;
        let first = |tid| seen.iter().find(|s| s.tid == Some(tid)).and_then(|s| s.time_ns);
        self.switches.join(std::mem::take(&mut later.switches), &nodes, first);
        let events: Vec<u32> =
            later.events.iter().map(|e| self.known_event(e.name.as_bytes(), e.with_period)).collect();
        for (event, later) in events.iter().zip(&later.events) {
            self.events[*event as usize].samples += later.samples;
        }
        self.event_of.extend((0..later.event_of.len()).map(|at| u64::from(events[later.event_of.at(at) as usize])));
        let leaf = |leaf: Option<NodeId>| leaf.map(|n| nodes[n.0 as usize]);
        self.open = later.open;
        self.stack = Vec::new();
        if let Some(open) = &mut self.open {
            open.event = events[open.event as usize];
            open.sample.leaf = leaf(open.sample.leaf);
        }
        self.samples.append(later.samples, &nodes);
        self.threads.extend(later.threads);
        self.unix_offset_ns = self.unix_offset_ns.or(later.unix_offset_ns);
        self.cut |= later.cut;
        self.lost += later.lost;
        self.unresolved += later.unresolved;
        self.truncated += later.truncated;
    }
}

impl State {
    fn header(&mut self, line: &[u8], at: Anchor, met: &mut Trouble) {
        let Some(Header { comm, tid, time_ns, period, event, payload }) = header(line, at) else {
            return met.malformed("a timestamp without a thread id before it");
        };
        if let Some(record) = payload.strip_prefix(b"PERF_RECORD_") {
            self.lost += lost(record);
            return;
        }
        self.name_thread(tid, comm);
        self.switches.runs(tid, time_ns);
        let switch = if is_switch(event) { read_switch(payload) } else { None };
        let event = self.known_event(event, period.is_some());
        self.events[event as usize].samples += 1;
        let sample = Sample { leaf: None, weight: period.unwrap_or(1), time_ns: Some(time_ns), tid: Some(tid) };
        let one_line = frame_on_header(payload);
        self.open = Some(Open { sample, event, one_line, switch });
        if one_line {
            self.inside(payload, met);
        }
    }

    /// A line below a header: a frame, or the source line of the frame above it.
    #[inline]
    fn inside(&mut self, line: &[u8], met: &mut Trouble) {
        let what = match self.known.get(line) {
            Some(what) => what,
            None => self.learn(line, met),
        };
        match what {
            Line::Frame(frame) => {
                self.unresolved += u64::from(self.marks[frame.0 as usize].unresolved);
                self.stack.push(frame);
            }
            Line::Source(source) => self.place(source),
            Line::Nothing => {}
            Line::Malformed => met.malformed("not a frame: an address, a symbol and an object file"),
        }
    }

    fn learn(&mut self, line: &[u8], met: &mut Trouble) -> Line {
        let text = String::from_utf8_lossy(line.trim_ascii_start());
        if matches!(text, std::borrow::Cow::Owned(_)) {
            met.not_utf8();
        }
        let what = read_line(&text, &mut self.stacks, &mut self.sources);
        self.known.insert(line, what);
        self.mark_new_frames();
        what
    }

    fn mark_new_frames(&mut self) {
        for at in self.marks.len()..self.stacks.frames() {
            let symbol = &self.stacks.get(FrameId(at as u32)).symbol;
            self.marks.push(Mark { unresolved: symbol == "[unknown]", start: is_start(symbol) });
        }
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
        self.mark_new_frames();
    }

    fn known_event(&mut self, name: &[u8], with_period: bool) -> u32 {
        let found = self.events.iter().position(|e| e.name.as_bytes() == name);
        let index = found.unwrap_or_else(|| {
            let name = String::from_utf8_lossy(name).into_owned();
            self.events.push(Event { name, samples: 0, with_period });
            self.events.len() - 1
        });
        index as u32
    }

    /// The name that a thread has last.
    fn name_thread(&mut self, tid: u64, comm: &[u8]) {
        if self.last_thread.0 != tid || self.last_thread.1 != comm {
            self.last_thread = (tid, comm.to_vec());
            self.threads.insert(tid, comm.into());
        }
    }

    fn end_sample(&mut self) {
        let Some(open) = self.open.take() else { return };
        let leaf = self.stacks.node(&self.stack);
        let reaches_start = self.stack.last().is_some_and(|f| self.marks[f.0 as usize].start);
        self.truncated += u64::from(!reaches_start);
        self.stack.clear();
        if let (Some(switch), Some(tid), Some(time)) = (open.switch, open.sample.tid, open.sample.time_ns) {
            self.switches.leaves(tid, time, leaf, switch);
        }
        self.samples.push(Sample { leaf, ..open.sample });
        self.event_of.push(u64::from(open.event));
    }

    /// Everything but stacks and times off the CPU.
    fn shown(&self, samples: Samples, kept: Option<usize>) -> Profile {
        let unit = kept.map_or(Unit::Unknown, |k| self.events[k].unit());
        let ignored = self.events.iter().enumerate().filter(|(at, e)| Some(*at) != kept && !e.is_switch());
        let quality = SourceQuality {
            format: FORMAT.name.into(),
            samples: samples.len() as u64,
            ignored: ignored.map(|(_, e)| e.samples).sum(),
            lost: self.lost,
            unresolved: self.unresolved,
            truncated: self.truncated,
            event: kept.map_or(String::new(), |k| self.events[k].name.clone()),
            unit,
            ..SourceQuality::default()
        };
        let named = self.threads.iter();
        let named = named.map(|(tid, name)| Thread { tid: *tid, name: String::from_utf8_lossy(name).into() });
        let mut threads: Vec<Thread> = named.collect();
        threads.sort();
        let unix_offset_ns = self.unix_offset_ns;
        Profile { samples, unit, threads, unix_offset_ns, sources: vec![quality], ..Profile::default() }
    }
}

/// The samples of one event; all of them where there is no other.
fn of_event(samples: Samples, event_of: &Column, kept: Option<usize>) -> Samples {
    let is_kept = |at: &usize| Some(event_of.at(*at) as usize) == kept;
    match event_of {
        Column::Same(..) if kept.is_some() => samples,
        _ => (0..samples.len()).filter(is_kept).map(|at| samples.at(at)).collect(),
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
pub(super) fn is_start(symbol: &str) -> bool {
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
