//! The file that `perf record` writes in; samples with their stacks as addresses, thread and time out.
//!
//! Nothing is taken from the file on trust: a count or a size that does not fit ends the reading with a message. Stacks that
//! were dumped rather than walked are unwound here, for which the reader asks for the object files when they are mapped.
//!
//! The records are read here and not by linux-perf-data: that wants to seek in a file of its own and gives one record after the
//! other, where this reader is fed pieces of a stream, reads copied stacks where they lie, shares samples with others, and goes on
//! behind a damaged record.

mod attr;
mod bytes;
mod chains;
mod folder;
mod framing;
mod record;
mod rounds;
mod shares;
mod spaces;
mod trail;
mod unpack;
mod unwind;

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use super::intern::{FastMap, Stacks};
use super::perf_event::{Event, event_problems, kept_event};
use super::perf_switch::{Switch, Switches};
use super::{Format, Reader, Whole};
use crate::model::{Column, NodeId, ObjectFile, Problem, Profile, Sample, Samples, SourceQuality, Thread, Unit};
use attr::{Attr, holds};
use chains::{Chains, Step, how};
use framing::{Framing, Known, Sink, copies_stacks, is_perf_data};
use record::{Taken, kind};
use rounds::{Record, Rounds};
use shares::Share;
use spaces::{Objects, Spaces};
use unwind::Stackwalk;

pub use folder::join_perf_folder;

/// `perf.data`.
pub const FORMAT: Format = Format { name: "perf.data", sniff: is_perf_data, open };

fn open() -> Box<dyn Reader + Send> {
    Box::new(PerfData::default())
}

#[derive(Default)]
struct PerfData {
    framing: Framing,
    work: Work,
    /// The beginning of a record in a file that lies in memory: the next part has the rest of it.
    waiting: Option<(Whole, Range<usize>)>,
}

/// What is made of the records.
#[derive(Default)]
struct Work {
    rounds: Rounds,
    attrs: Vec<Attr>,
    big: bool,
    spaces: Spaces,
    walk: Stackwalk,
    gathered: Gathered,
    share: Share,
    /// Object files that the unwinder needs and did not get yet: the records wait for them.
    wanted: Vec<u32>,
    /// A mapping that waits for its object file.
    held: Option<(record::Mapping, u32)>,
    /// Nothing follows.
    has_ended: bool,
    /// Nobody answers: what was not given is not there.
    unanswered: bool,
}

/// What becomes the profile.
#[derive(Default)]
struct Gathered {
    stacks: Stacks,
    objects: Objects,
    samples: Samples,
    chains: Chains,
    /// Which description each sample belongs to.
    attr_of: Column,
    /// Samples of tracepoints that may be scheduler switches.
    switched: Vec<(usize, Switch)>,
    threads: FastMap<u64, String>,
    lost: u64,
    malformed: u64,
    bytes: u64,
    not_monotonic: bool,
    /// Stacks that follow frame pointers and begin in libc, which has none.
    in_libc: u64,
    /// Chains that ran into what is no address, and the weight of their samples.
    broken: (u64, u64),
}

impl Reader for PerfData {
    fn feed(&mut self, bytes: &[u8]) {
        self.take_waiting();
        self.work.gathered.bytes += bytes.len() as u64;
        self.framing.feed(bytes, &mut self.work);
        self.work.take_ready();
    }

    fn takes_whole(&self) -> bool {
        true
    }

    fn feed_part(&mut self, whole: &Whole, part: Range<usize>) {
        self.work.rounds.lie_in(whole);
        let mut start = part.start;
        match self.waiting.take() {
            Some((before, waiting)) if Arc::ptr_eq(&before, whole) && waiting.end == part.start => {
                start = waiting.start
            }
            other => {
                self.waiting = other;
                self.take_waiting();
            }
        }
        self.work.gathered.bytes += part.len() as u64;
        let taken = self.framing.feed_in_place(&(**whole).as_ref()[start..part.end], &mut self.work);
        let waiting = start + taken..part.end;
        self.waiting = (!waiting.is_empty()).then(|| (whole.clone(), waiting));
        self.work.take_ready();
    }

    fn take_share(&mut self, whole: &[u8], part: usize, of: usize) -> bool {
        let is_worth_it = copies_stacks(whole);
        if is_worth_it {
            self.work.share = Share::new(part, of);
        }
        is_worth_it
    }

    fn join(&mut self, later: Box<dyn Reader + Send>) {
        let later: Box<dyn Any> = later;
        if let Ok(later) = later.downcast::<PerfData>() {
            let take = |work: &mut Work| (std::mem::take(&mut work.gathered), std::mem::take(&mut work.share));
            let mut later = later.work;
            (self.work.gathered, self.work.share) = shares::joined(take(&mut self.work), take(&mut later));
        }
    }

    fn asks(&mut self) -> Vec<ObjectFile> {
        let objects = &self.work.gathered.objects.all;
        self.work.wanted.iter().map(|o| objects[*o as usize].clone()).collect()
    }

    fn answer(&mut self, object: &ObjectFile, whole: Option<&Whole>) {
        let work = &mut self.work;
        let Some(at) = work.wanted.iter().position(|o| work.gathered.objects.all[*o as usize] == *object) else {
            return;
        };
        let object = work.wanted.remove(at);
        if let Some(whole) = whole {
            work.walk.learn(object, whole);
        }
        work.take_ready();
    }

    /// Frames are addresses; what stands there can be looked up in the object files that are known so far.
    fn snapshot(&self) -> Profile {
        self.work.gathered.copied().profile(&self.framing).0
    }

    /// The newest two rounds wait for what may still be older; in a short recording these are all there are.
    fn end(&mut self) {
        if !self.work.has_ended {
            self.work.has_ended = true;
            self.take_waiting();
            self.framing.finish();
            self.work.rounds.end();
            self.work.take_ready();
        }
    }

    fn finish(mut self: Box<Self>) -> (Profile, Vec<Problem>) {
        self.work.unanswered = true;
        self.end();
        self.work.take_ready();
        self.work.gathered.profile(&self.framing)
    }
}

impl PerfData {
    /// Copies what waits: what comes next does not stand behind it.
    fn take_waiting(&mut self) {
        if let Some((whole, waiting)) = self.waiting.take() {
            self.framing.feed(&(*whole).as_ref()[waiting], &mut self.work);
        }
    }
}

impl Sink for Work {
    fn record(&mut self, known: Known, number: u32, misc: u16, body: &[u8]) {
        self.big = known.big;
        if self.attrs.len() != known.attrs.len() {
            self.attrs = known.attrs.to_vec();
        }
        if number == kind::FINISHED_ROUND {
            self.rounds.end_round();
            return self.take_ready();
        }
        let Some(attr) = self.attr_of(number, body) else {
            self.gathered.malformed += u64::from(self.share.is_first());
            return;
        };
        let word = match number {
            kind::SAMPLE => self.attrs[attr].time_word_of_sample().map(|w| w * 8),
            _ => self.attrs[attr].time_word_from_end().and_then(|w| body.len().checked_sub(w * 8)),
        };
        let time = word.and_then(|at| bytes::Bytes::new(body.get(at..)?, self.big).u64());
        self.rounds.push(Record { number, misc, attr, body }, time);
    }
}

impl Work {
    /// The event that a record belongs to; with several events records carry an id.
    fn attr_of(&self, number: u32, body: &[u8]) -> Option<usize> {
        let first = self.attrs.first()?;
        if self.attrs.len() == 1 {
            return Some(0);
        }
        let at = match number {
            kind::SAMPLE => first.id_word_of_sample().map(|w| w * 8),
            _ => first.id_word_from_end().and_then(|w| body.len().checked_sub(w * 8)),
        };
        let id = at.and_then(|at| bytes::Bytes::new(body.get(at..)?, self.big).u64());
        let found = id.and_then(|id| self.attrs.iter().position(|a| a.ids.contains(&id)));
        // What perf writes itself about processes that ran before has the id 0.
        found.or((number != kind::SAMPLE || id == Some(0) || id.is_none()).then_some(0))
    }

    /// Takes what is in order, until an object file is needed that nobody gave yet.
    fn take_ready(&mut self) {
        let mut rounds = std::mem::take(&mut self.rounds);
        while self.may_go_on() {
            match rounds.next() {
                Some(record) => self.take(record),
                None => {
                    rounds.forget_taken();
                    if self.has_ended {
                        rounds.leave_whole();
                    }
                    break;
                }
            }
        }
        self.rounds = rounds;
    }

    /// True unless an object file is waited for; the mapping that it was wanted for is then made known.
    fn may_go_on(&mut self) -> bool {
        if !self.wanted.is_empty() && !self.unanswered {
            return false;
        }
        self.wanted.clear();
        if let Some((mapping, object)) = self.held.take() {
            self.walk.map(&mapping, object, self.registers());
        }
        true
    }

    fn take(&mut self, record: Record) {
        let Record { number, misc, attr, body } = record;
        match number {
            kind::SAMPLE => self.sample(misc, attr, body),
            kind::MMAP | kind::MMAP2 => {
                if let Some(mapping) = record::mapping(body, number, misc, self.big) {
                    self.map(mapping);
                }
            }
            kind::FORK => {
                if let Some((pid, parent)) = record::fork(body, self.big) {
                    self.spaces.fork(pid, parent);
                    self.walk.fork(pid, parent);
                }
            }
            kind::COMM => {
                if let Some((pid, tid, name, is_new)) = record::comm(body, misc, self.big) {
                    self.gathered.threads.insert(tid, name);
                    if is_new {
                        self.spaces.exec(pid);
                        self.walk.exec(pid);
                    }
                }
            }
            kind::LOST | kind::LOST_SAMPLES => {
                let lost = record::lost(body, number, self.big).unwrap_or(0);
                self.gathered.lost = self.gathered.lost.saturating_add(lost);
            }
            _ => {}
        }
    }

    fn sample(&mut self, misc: u16, index: usize, body: &[u8]) {
        let Some(block) = self.share.next() else { return };
        let about = About { attr: &self.attrs[index], index: index as u32, big: self.big };
        match record::sample(body, misc, about.attr, self.big) {
            Some(taken) => self.gathered.sample(&taken, about, &mut self.spaces, &mut self.walk),
            None => self.gathered.malformed += 1,
        }
        self.share.took(block, self.gathered.samples.len());
    }

    fn map(&mut self, mapping: record::Mapping) {
        let mapped = self.spaces.map(&mapping, &mut self.gathered.objects);
        if self.registers() == 0 || mapping.pid < 0 {
            return;
        }
        if mapped.is_new && mapping.path.starts_with('/') && !mapping.path.starts_with("//") {
            self.wanted.push(mapped.object);
        }
        self.held = Some((mapping, mapped.object));
    }

    /// The registers that come with dumped stacks; 0 where stacks were not dumped.
    fn registers(&self) -> u64 {
        let dumped = self.attrs.iter().find(|a| a.has(holds::REGS_USER | holds::STACK_USER));
        dumped.map_or(0, |a| a.user_registers)
    }
}

/// The event of a sample.
#[derive(Clone, Copy)]
struct About<'a> {
    attr: &'a Attr,
    index: u32,
    big: bool,
}

impl Gathered {
    /// What a profile is made of, without what is only needed to read on.
    fn copied(&self) -> Gathered {
        Gathered {
            stacks: self.stacks.contents(),
            objects: self.objects.clone(),
            samples: self.samples.clone(),
            attr_of: self.attr_of.clone(),
            switched: self.switched.clone(),
            threads: self.threads.clone(),
            lost: self.lost,
            malformed: self.malformed,
            bytes: self.bytes,
            not_monotonic: self.not_monotonic,
            in_libc: self.in_libc,
            broken: self.broken,
            ..Gathered::default()
        }
    }

    fn sample(&mut self, taken: &Taken, about: About, spaces: &mut Spaces, walk: &mut Stackwalk) {
        let weight = taken.period.or(about.attr.period).unwrap_or(1);
        let mut steps = self.chains.steps();
        if chains::steps(taken, about.big, &mut steps) {
            self.broken = (self.broken.0 + 1, self.broken.1.saturating_add(weight));
        }
        let is_dumped = !taken.stack.is_empty() && !taken.registers.is_empty();
        if is_dumped {
            // Of the chain the kernel's part counts; the program's is unwound.
            steps.retain(|step| step.is(how::IN_KERNEL));
            walk.walk(taken, about.attr.user_registers, about.big, &mut steps);
        }
        let leaf = self.stack(taken, steps, spaces);
        let tid = taken.tid.and_then(|t| u64::try_from(t).ok());
        if about.attr.kind == attr::TRACEPOINT
            && let Some(switch) = record::switch(taken.raw, about.big)
        {
            self.switched.push((self.samples.len(), switch));
        }
        self.samples.push(Sample { leaf, weight, time_ns: taken.time, tid });
        self.attr_of.push(u64::from(about.index));
        self.not_monotonic |= taken.time.is_some() && !about.attr.monotonic;
        let in_libc = leaf.filter(|_| !is_dumped && !taken.in_kernel).map(|leaf| self.stacks.frame_of(leaf));
        self.in_libc += u64::from(in_libc.is_some_and(|frame| self.objects.is_without_frames(frame)));
    }

    /// The stack of a sample.
    fn stack(&mut self, taken: &Taken, mut steps: Vec<Step>, spaces: &mut Spaces) -> Option<NodeId> {
        if let (true, Some(address)) = (steps.is_empty(), taken.ip) {
            steps.push(Step { address, how: if taken.in_kernel { how::IN_KERNEL } else { 0 } });
        }
        let Gathered { stacks, objects, chains, .. } = self;
        let (pid, version) = (taken.pid, spaces.version(taken.pid));
        chains.node(taken.tid.unwrap_or_default(), version, steps, |mut caller, outwards| {
            let step = outwards[0];
            // Where the leaf has no frame (yet, or any more), the first address behind it is that of its caller's caller.
            if let (true, Some(behind)) = (step.is(how::IS_BEHIND_CALLER), outwards.get(1))
                && let Some(entered) = spaces.callee(pid, behind.address, objects, stacks)
            {
                caller = Some(stacks.child(caller, entered));
            }
            let (in_kernel, is_caller) = (step.is(how::IN_KERNEL), step.is(how::IS_CALLER));
            let frame = spaces.frame(pid, in_kernel, step.address, is_caller, objects, stacks);
            stacks.child(caller, frame)
        })
    }

    fn profile(mut self, framing: &Framing) -> (Profile, Vec<Problem>) {
        self.name_builds(&framing.build_ids);
        let (events, of_attr) = self.events(&framing.attrs);
        let kept = kept_event(&events);
        let mut problems = self.problems(framing);
        let switches = self.switches(&events, &of_attr);
        if !events.is_empty() {
            problems.extend(event_problems(&events, kept, !switches.is_empty()));
        }
        let ignored = events.iter().enumerate().filter(|(at, e)| Some(*at) != kept && !e.is_switch());
        let unit = kept.map_or(Unit::Unknown, |k| events[k].unit());
        let mut quality = SourceQuality {
            format: FORMAT.name.into(),
            ignored: ignored.map(|(_, e)| e.samples).sum(),
            lost: self.lost,
            malformed: self.malformed,
            event: kept.map_or(String::new(), |k| events[k].name.clone()),
            unit,
            bytes: self.bytes,
            ..SourceQuality::default()
        };
        let samples = of_event(self.samples, &self.attr_of, &of_attr, kept);
        quality.samples = samples.len() as u64;
        let mut threads: Vec<Thread> = self.threads.into_iter().map(|(tid, name)| Thread { tid, name }).collect();
        threads.sort();
        let (frames, nodes) = self.stacks.into_parts();
        let profile = Profile {
            frames,
            nodes,
            samples,
            unit,
            threads,
            off_cpu: switches.into_stretches(),
            unix_offset_ns: framing.unix_offset_ns,
            objects: self.objects.all,
            addresses: self.objects.frames,
            sources: vec![quality],
            ..Profile::default()
        };
        (profile, problems)
    }

    /// Follows the threads through all samples, where switches of the scheduler are among them.
    fn switches(&self, events: &[Event], of_attr: &[Option<usize>]) -> Switches {
        let mut switches = Switches::default();
        if !events.iter().any(Event::is_switch) {
            return switches;
        }
        let mut switched = self.switched.iter().copied().peekable();
        for (at, sample) in self.samples.iter().enumerate() {
            let switch = switched.next_if(|(switched, _)| *switched == at).map(|(_, switch)| switch);
            let event = of_attr[self.attr_of.at(at) as usize].map(|e| &events[e]);
            let (Some(time), Some(tid)) = (sample.time_ns, sample.tid) else { continue };
            switches.runs(tid, time);
            if let (Some(switch), true) = (switch, event.is_some_and(Event::is_switch)) {
                switches.leaves(tid, time, sample.leaf, switch);
            }
        }
        switches
    }

    /// Build ids stand at the end of the file, unless mappings carry them.
    fn name_builds(&mut self, known: &[(String, String)]) {
        for object in self.objects.all.iter_mut().filter(|o| o.build_id.is_empty()) {
            if let Some((_, id)) =
                known.iter().find(|(path, _)| path.strip_suffix(" (deleted)").unwrap_or(path) == object.path)
            {
                object.build_id.clone_from(id);
            }
        }
    }

    /// The events that have samples, and for each description which of them it is; several may be of one name.
    fn events(&self, attrs: &[Attr]) -> (Vec<Event>, Vec<Option<usize>>) {
        let mut counts = vec![0; attrs.len()];
        (0..self.attr_of.len()).for_each(|at| counts[self.attr_of.at(at) as usize] += 1);
        let mut events: Vec<Event> = Vec::new();
        let place = |(attr, samples): (&Attr, u64)| {
            let name = attr.shown();
            if samples == 0 {
                return None;
            }
            let known = events.iter().position(|e| e.name == name);
            let at = known.unwrap_or_else(|| {
                let with_period = attr.has(holds::PERIOD) || attr.period.is_some();
                events.push(Event { name, samples: 0, with_period });
                events.len() - 1
            });
            events[at].samples += samples;
            Some(at)
        };
        let of_attr = attrs.iter().zip(counts).map(place).collect();
        (events, of_attr)
    }

    fn problems(&self, framing: &Framing) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(why) = &framing.broken {
            let help = "what stands before is used; copy the file again, or record again";
            problems.push(Problem::warning(format!("this perf.data could not be read to its end: {why}")).help(help));
        }
        if framing.unfinished {
            let what =
                "the recording was killed before it could be completed: build ids and names of events are missing";
            problems.push(Problem::warning(what).help("end `perf record` with Ctrl-C or SIGINT"));
        }
        if self.samples.is_empty() {
            let help = "record with `perf record -k mono -e cpu-clock -g -- CMD`, and long enough";
            problems.push(Problem::error("there is no sample in this perf.data").help(help));
        }
        if self.broken.0 > 0 {
            problems.push(self.broken_chains());
        }
        if self.malformed > 0 {
            let what = format!("{} could not be read", super::trouble::counted(self.malformed, "record"));
            problems.push(Problem::warning(what).help("the rest was read; record again if it matters"));
        }
        if self.not_monotonic {
            let what = "times are those of perf's own clock: samples cannot be told to requests reliably";
            problems.push(Problem::note(what).help("record with `perf record -k mono`"));
        }
        let all = self.samples.len() as u64;
        if self.in_libc * 20 > all {
            let share = self.in_libc as f64 * 100.0 / all as f64;
            let what = format!(
                "{share:.0} % of the samples end in libc, whose caller frame pointers do not show: it is told from the call \
                 one further out, where that names a function"
            );
            problems.push(Problem::note(what).help("record with `--call-graph dwarf` to see every caller"));
        }
        problems
    }
}

impl Gathered {
    /// Without frame pointers the kernel follows whatever stands in the register, until it finds what is no address.
    fn broken_chains(&self) -> Problem {
        let (samples, weight) = self.broken;
        let weights = self.samples.weights();
        let all = (0..weights.len()).fold(0_u64, |all, at| all.saturating_add(weights.at(at)));
        let share = weight as f64 * 100.0 / all.max(1) as f64;
        let what = format!(
            "the call chain of {} ({share:.2} % of the weight, {weight}) runs into what is no address: callers from there on \
             are left out",
            super::trouble::counted(samples, "sample")
        );
        Problem::note(what).help(
            "`perf script` leaves out the whole stack of such a sample; record with `--call-graph dwarf`, or build with \
             `-C force-frame-pointers=yes`",
        )
    }
}

/// The samples of one event; all of them where there is but one description.
fn of_event(samples: Samples, attr_of: &Column, of_attr: &[Option<usize>], kept: Option<usize>) -> Samples {
    let is_kept = |at: &usize| of_attr[attr_of.at(*at) as usize] == kept;
    match attr_of {
        Column::Same(..) if kept.is_some() => samples,
        _ => (0..samples.len()).filter(is_kept).map(|at| samples.at(at)).collect(),
    }
}
