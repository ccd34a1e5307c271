//! The descriptions of events that stand in a `perf.data` in; what their samples hold and what they are called out.
//!
//! Layouts: `perf_event_open(2)` and `tools/perf/Documentation/perf.data-file-format.txt` of Linux.

use super::bytes::{Bytes, text};

/// Bits of `sample_type`, as the kernel numbers them.
pub mod holds {
    #![allow(missing_docs)]
    pub const IP: u64 = 1;
    pub const TID: u64 = 1 << 1;
    pub const TIME: u64 = 1 << 2;
    pub const ADDR: u64 = 1 << 3;
    pub const READ: u64 = 1 << 4;
    pub const CALLCHAIN: u64 = 1 << 5;
    pub const ID: u64 = 1 << 6;
    pub const CPU: u64 = 1 << 7;
    pub const PERIOD: u64 = 1 << 8;
    pub const STREAM_ID: u64 = 1 << 9;
    pub const RAW: u64 = 1 << 10;
    pub const BRANCH_STACK: u64 = 1 << 11;
    pub const REGS_USER: u64 = 1 << 12;
    pub const STACK_USER: u64 = 1 << 13;
    pub const IDENTIFIER: u64 = 1 << 16;
}

/// Kind of event: a tracepoint.
pub const TRACEPOINT: u32 = 2;

const FLAG_FREQUENCY: u64 = 1 << 10;
const FLAG_SAMPLE_ID_ALL: u64 = 1 << 18;
const FLAG_CLOCK_ID: u64 = 1 << 25;
const CLOCK_MONOTONIC: u32 = 1;

/// One event that was recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attr {
    /// Kind of event: 0 hardware, 1 software, 2 tracepoint.
    pub kind: u32,
    /// Which event of its kind.
    pub config: u64,
    /// What a sample holds: bits of [`holds`].
    pub sample_type: u64,
    /// How counts are written in a sample.
    pub read_format: u64,
    /// What a branch stack holds.
    pub branch_type: u64,
    /// Which registers of the program are in a sample.
    pub user_registers: u64,
    /// Events from one sample to the next; `None` where a frequency was asked for.
    pub period: Option<u64>,
    /// True if records that are no samples end in their thread and time too.
    pub id_all: bool,
    /// True if times are those of CLOCK_MONOTONIC.
    pub monotonic: bool,
    /// Ids that samples of this event carry.
    pub ids: Vec<u64>,
    /// Name, where the file gives one.
    pub name: Option<String>,
}

impl Attr {
    /// Reads a `perf_event_attr` of any version.
    pub fn parse(bytes: &[u8], big: bool) -> Option<Attr> {
        let mut at = Bytes::new(bytes, big);
        let kind = at.u32()?;
        let _size = at.u32()?;
        let config = at.u64()?;
        let rate = at.u64()?;
        let sample_type = at.u64()?;
        let read_format = at.u64()?;
        let flags = at.u64()?;
        // From here on an older perf may have written less: wake-up, breakpoint and two more words of configuration.
        let _ = at.take(24);
        let branch_type = at.u64().unwrap_or(0);
        let user_registers = at.u64().unwrap_or(0);
        let _stack_size = at.u32();
        let clock = at.u32().unwrap_or(0);
        Some(Attr {
            kind,
            config,
            sample_type,
            read_format,
            branch_type,
            user_registers,
            period: (flags & FLAG_FREQUENCY == 0 && rate > 0).then_some(rate),
            id_all: flags & FLAG_SAMPLE_ID_ALL != 0,
            monotonic: flags & FLAG_CLOCK_ID != 0 && clock == CLOCK_MONOTONIC,
            ids: Vec::new(),
            name: None,
        })
    }

    /// True if samples hold all of these.
    pub fn has(&self, what: u64) -> bool {
        self.sample_type & what == what
    }

    /// What perf calls the event.
    pub fn shown(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let names: &[&str] = match self.kind {
            0 => HARDWARE,
            1 => SOFTWARE,
            _ => &[],
        };
        // The upper half of a hardware event says on which kind of core it was counted.
        let known = usize::try_from(self.config & 0xffff_ffff).ok().and_then(|i| names.get(i));
        known.map_or_else(|| format!("event {}:{:#x}", self.kind, self.config), |n| (*n).to_owned())
    }

    /// Where the event's id stands in a sample, in words from its start.
    pub fn id_word_of_sample(&self) -> Option<usize> {
        if self.has(holds::IDENTIFIER) {
            return Some(0);
        }
        self.has(holds::ID).then(|| self.words(holds::IP | holds::TID | holds::TIME | holds::ADDR))
    }

    /// Where the event's id stands in a record that is no sample, in words from its end.
    pub fn id_word_from_end(&self) -> Option<usize> {
        if !self.id_all {
            return None;
        }
        if self.has(holds::IDENTIFIER) {
            return Some(1);
        }
        self.has(holds::ID).then(|| self.words(holds::ID | holds::STREAM_ID | holds::CPU))
    }

    /// Where the time stands in a sample, in words from its start.
    pub fn time_word_of_sample(&self) -> Option<usize> {
        self.has(holds::TIME).then(|| self.words(holds::IDENTIFIER | holds::IP | holds::TID))
    }

    /// Where the time stands in a record that is no sample, in words from its end.
    pub fn time_word_from_end(&self) -> Option<usize> {
        let after = holds::TIME | holds::ID | holds::STREAM_ID | holds::CPU | holds::IDENTIFIER;
        (self.id_all && self.has(holds::TIME)).then(|| self.words(after))
    }

    fn words(&self, of: u64) -> usize {
        (self.sample_type & of).count_ones() as usize
    }
}

const HARDWARE: &[&str] = &[
    "cycles",
    "instructions",
    "cache-references",
    "cache-misses",
    "branches",
    "branch-misses",
    "bus-cycles",
    "stalled-cycles-frontend",
    "stalled-cycles-backend",
    "ref-cycles",
];

const SOFTWARE: &[&str] = &[
    "cpu-clock",
    "task-clock",
    "page-faults",
    "context-switches",
    "cpu-migrations",
    "minor-faults",
    "major-faults",
    "alignment-faults",
    "emulation-faults",
    "dummy",
    "bpf-output",
];

/// The names in an EVENT_DESC feature, by the first id of each event (0 where it has none), in the order of the file.
pub fn event_names(section: &[u8], big: bool) -> Option<Vec<(Option<u64>, String)>> {
    let mut at = Bytes::new(section, big);
    let (count, size) = (at.u32()?, at.u32()?);
    let mut names = Vec::new();
    for _ in 0..count {
        at.take(size as usize)?;
        let ids = at.u32()?;
        let length = at.u32()?;
        let name = text(at.take(length as usize)?);
        let first = if ids > 0 { Some(Bytes::new(at.rest(), big).u64()?) } else { None };
        at.skip_words(u64::from(ids))?;
        names.push((first, name));
    }
    Some(names)
}

/// Gives events the names of an EVENT_DESC feature: by id, or by position where there is but one.
pub fn name_events(attrs: &mut [Attr], names: Vec<(Option<u64>, String)>) {
    let in_order = names.len() == attrs.len();
    for (position, (id, name)) in names.into_iter().enumerate() {
        let by_id = id.and_then(|id| attrs.iter().position(|a| a.ids.contains(&id)));
        let found = by_id.or(in_order.then_some(position));
        if let Some(attr) = found.and_then(|i| attrs.get_mut(i)) {
            attr.name = Some(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attr(sample_type: u64) -> Attr {
        Attr { sample_type, id_all: true, ..Attr::default() }
    }

    #[test]
    fn ids_and_times_are_found_where_the_kernel_writes_them() {
        use holds::*;
        let plain = attr(IP | TID | TIME | ID | PERIOD);
        assert_eq!((plain.id_word_of_sample(), plain.id_word_from_end()), (Some(3), Some(1)));
        assert_eq!((plain.time_word_of_sample(), plain.time_word_from_end()), (Some(2), Some(2)));
        let marked = attr(IDENTIFIER | IP | TID | TIME | CPU);
        assert_eq!((marked.id_word_of_sample(), marked.id_word_from_end()), (Some(0), Some(1)));
        assert_eq!((marked.time_word_of_sample(), marked.time_word_from_end()), (Some(3), Some(3)));
        let silent = Attr { id_all: false, ..attr(IP) };
        assert_eq!((silent.time_word_of_sample(), silent.time_word_from_end()), (None, None));
    }

    #[test]
    fn an_event_without_a_name_gets_the_one_of_its_number() {
        let shown = |kind, config| Attr { kind, config, ..Attr::default() }.shown();
        assert_eq!(shown(1, 0), "cpu-clock");
        assert_eq!(shown(0, 0x4_0000_0001), "instructions", "a core of a hybrid processor");
        assert_eq!(shown(2, 0x13b), "event 2:0x13b");
        assert_eq!(shown(1, 99), "event 1:0x63");
    }

    #[test]
    fn an_attribute_that_was_cut_is_none() {
        assert_eq!(Attr::parse(&[0; 47], false), None);
        assert!(Attr::parse(&[0; 64], false).is_some_and(|a| !a.monotonic && a.user_registers == 0));
        assert_eq!(event_names(&[9, 0, 0, 0, 8, 0, 0, 0, 1], false), None);
    }
}
