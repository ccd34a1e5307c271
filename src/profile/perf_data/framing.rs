//! The bytes of a `perf.data` in pieces in; its events, its records one by one, and what stands behind them out.
//!
//! A recorded file says in its header where events and records stand; features such as build ids follow the records. What is
//! written to a pipe has a short header, and everything else comes as records. Layout:
//! `tools/perf/Documentation/perf.data-file-format.txt` of Linux.

use super::attr::{Attr, event_names, holds, name_events};
use super::bytes::Bytes;
use super::record::{build_ids, kind};
use super::unpack::Unpack;

/// Bytes before the records, or behind them, that a sound file does not exceed.
const LARGEST_PART: u64 = 256 << 20;
const FILE_HEADER: u64 = 104;
const PIPE_HEADER: u64 = 16;
const FEATURE_BUILD_ID: usize = 2;
const FEATURE_EVENT_DESC: usize = 12;
const FEATURE_COMPRESSED: usize = 27;
const FEATURE_CLOCK_DATA: usize = 29;

/// True if the bytes begin a `perf.data`, of either byte order.
pub fn is_perf_data(head: &[u8]) -> bool {
    head.starts_with(b"PERFILE2") || head.starts_with(b"2ELIFREP")
}

/// What is known of the file when a record of it is met.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The events.
    pub attrs: &'a [Attr],
    /// Byte order of the recording machine.
    pub big: bool,
}

/// What takes the records.
pub trait Sink {
    /// One record of the kernel, or a FINISHED_ROUND.
    fn record(&mut self, known: Known, number: u32, misc: u16, body: &[u8]);
}

/// Where the reader stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    /// The header, and what stands before the records.
    Head,
    /// Records; how many bytes of them are left, where the header says.
    Records { left: Option<u64> },
    /// Bytes of no interest.
    Skip { left: u64, then: Option<u64> },
    /// Features.
    Tail,
}

/// Cuts the file.
pub struct Framing {
    part: Part,
    pending: Vec<u8>,
    unpack: Unpack,
    /// Bytes taken from the file.
    offset: u64,
    /// Where the record that is read begins in the bytes that are not taken yet.
    within: u64,
    header: Header,
    /// Byte order of the recording machine.
    pub big: bool,
    /// The events.
    pub attrs: Vec<Attr>,
    /// Path and build id, as far as they stand in features.
    pub build_ids: Vec<(String, String)>,
    /// What has to be added to times to get nanoseconds since 1970.
    pub unix_offset_ns: Option<u64>,
    /// What broke the reading off, and where.
    pub broken: Option<String>,
    /// True if the header was never completed: the recording was killed.
    pub unfinished: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Header {
    attr_size: u64,
    attrs: (u64, u64),
    data: (u64, u64),
    features: [u64; 4],
}

impl Default for Framing {
    fn default() -> Framing {
        Framing {
            part: Part::Head,
            pending: Vec::new(),
            unpack: Unpack::default(),
            offset: 0,
            within: 0,
            header: Header::default(),
            big: false,
            attrs: Vec::new(),
            build_ids: Vec::new(),
            unix_offset_ns: None,
            broken: None,
            unfinished: false,
        }
    }
}

impl Framing {
    /// Takes the next bytes of the file.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut dyn Sink) {
        let taken = self.feed_in_place(bytes, sink);
        if taken < bytes.len() {
            self.copy(&bytes[taken..], sink);
        }
    }

    /// Takes the next bytes of the file, but for the beginning of a record that they do not hold as a whole; gives the number of
    /// bytes that were taken. The next ones begin behind them: a record of 16 KB need not be copied because a piece ends in it.
    pub fn feed_in_place(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> usize {
        let mut rest = bytes;
        while let Part::Records { left } = self.part {
            let before = (self.part, rest.len());
            rest = self.complete(rest);
            // Records that lie whole in this piece are taken where they are.
            if self.pending.is_empty() {
                let taken = self.records(rest, left, sink);
                self.offset += taken as u64;
                rest = &rest[taken..];
            } else {
                self.pending_records(left, sink);
            }
            if before == (self.part, rest.len()) {
                break;
            }
        }
        if matches!(self.part, Part::Records { .. }) && self.pending.is_empty() {
            return bytes.len() - rest.len();
        }
        self.copy(rest, sink);
        bytes.len()
    }

    /// Takes bytes that may have to wait for others.
    fn copy(&mut self, bytes: &[u8], sink: &mut dyn Sink) {
        self.pending.extend_from_slice(bytes);
        loop {
            let before = (self.part, self.pending.len());
            match self.part {
                Part::Head => self.head(),
                Part::Records { left } => self.pending_records(left, sink),
                Part::Skip { left, then } => self.skip(left, then),
                Part::Tail => self.limit_tail(),
            }
            if before == (self.part, self.pending.len()) {
                return;
            }
        }
    }

    /// The file has ended: reads the features, or says what is missing.
    pub fn finish(&mut self) {
        match self.part {
            Part::Head => self.stop("the file ends before its records"),
            Part::Records { left: None } if self.pending.is_empty() => {}
            Part::Records { .. } | Part::Skip { .. } => self.stop("the file ends within its records: it was cut off"),
            Part::Tail => {
                let tail = std::mem::take(&mut self.pending);
                self.features(&tail);
            }
        }
    }

    fn stop(&mut self, why: &str) {
        if self.broken.is_none() {
            self.broken = Some(format!("{why} (byte {})", self.offset + self.within));
        }
    }

    fn consume(&mut self, count: usize) {
        self.pending.drain(..count);
        self.offset += count as u64;
    }

    fn head(&mut self) {
        let Some(header) = self.pending.get(8..16) else { return };
        self.big = self.pending.starts_with(b"2ELIFREP");
        match Bytes::new(header, self.big).u64() {
            Some(PIPE_HEADER) => {
                self.consume(PIPE_HEADER as usize);
                self.part = Part::Records { left: None };
            }
            _ => self.file_head(),
        }
    }

    fn file_head(&mut self) {
        let Some(bytes) = self.pending.get(..FILE_HEADER as usize) else { return };
        self.header = file_header(bytes, self.big).unwrap_or_default();
        let start = self.header.data.0;
        if !(FILE_HEADER..=LARGEST_PART).contains(&start) {
            self.stop(&format!("the header says that the records begin at byte {start}"));
            self.part = Part::Skip { left: u64::MAX, then: None };
            return;
        }
        if (self.pending.len() as u64) < start {
            return;
        }
        let head = self.pending[..start as usize].to_vec();
        self.attrs = file_attrs(&head, &self.header, self.big);
        self.consume(start as usize);
        self.unfinished = self.header.data.1 == 0;
        self.part = Part::Records { left: (!self.unfinished).then_some(self.header.data.1) };
    }

    fn skip(&mut self, left: u64, then: Option<u64>) {
        let count = (self.pending.len() as u64).min(left);
        self.consume(count as usize);
        self.part = match left - count {
            0 => Part::Records { left: then },
            left => Part::Skip { left, then },
        };
    }

    fn limit_tail(&mut self) {
        if self.pending.len() as u64 > LARGEST_PART {
            self.stop("too much stands behind the records");
            self.consume(self.pending.len());
        }
    }

    /// Completes the record that the piece before began; gives the bytes that are left.
    fn complete<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let mut rest = bytes;
        let mut fill = |pending: &mut Vec<u8>, size: usize| {
            let missing = size.saturating_sub(pending.len()).min(rest.len());
            pending.extend_from_slice(&rest[..missing]);
            rest = &rest[missing..];
        };
        if !self.pending.is_empty() {
            fill(&mut self.pending, 8);
            if let Some(frame) = frame(&self.pending, self.big) {
                fill(&mut self.pending, frame.size);
            }
        }
        rest
    }

    fn pending_records(&mut self, left: Option<u64>, sink: &mut dyn Sink) {
        let pending = std::mem::take(&mut self.pending);
        let taken = self.records(&pending, left, sink);
        self.pending = pending;
        self.consume(taken);
    }

    /// Takes all records that are there as a whole; gives the number of their bytes.
    fn records(&mut self, bytes: &[u8], mut left: Option<u64>, sink: &mut dyn Sink) -> usize {
        if self.broken.is_some() {
            // What follows a broken record cannot be told apart; only the features behind are.
            self.part =
                if left == Some(0) { Part::Tail } else { Part::Skip { left: left.unwrap_or(u64::MAX), then: Some(0) } };
            return 0;
        }
        let mut at = 0;
        let mut next = None;
        while left != Some(0) {
            let Some(frame) = frame(&bytes[at..], self.big) else { break };
            let size = frame.size as u64;
            self.within = at as u64;
            if frame.size < 8 || left.is_some_and(|l| size > l) {
                self.stop("a record has an impossible size");
                break;
            }
            let Some(body) = bytes[at..].get(8..frame.size) else { break };
            at += frame.size;
            left = left.map(|l| l - size);
            let skipped = self.take(frame, body, sink);
            if skipped > 0 {
                next = Some(Part::Skip { left: skipped, then: left.map(|l| l.saturating_sub(skipped)) });
                break;
            }
            if self.broken.is_some() {
                break;
            }
        }
        self.within = 0;
        self.part = next.unwrap_or(if left == Some(0) { Part::Tail } else { Part::Records { left } });
        at
    }

    /// Takes one record; returns how many bytes of no interest follow it.
    fn take(&mut self, frame: Frame, body: &[u8], sink: &mut dyn Sink) -> u64 {
        match frame.number {
            kind::COMPRESSED => self.unpack_records(body, sink),
            kind::COMPRESSED2 => {
                let mut at = Bytes::new(body, self.big);
                match at.u64().and_then(|size| at.take_u64(size)) {
                    Some(packed) => self.unpack_records(packed, sink),
                    None => self.stop("a compressed record is longer than its place"),
                }
            }
            kind::NEXT_PART => self.unpack = Unpack::default(),
            kind::AUXTRACE => return Bytes::new(body, self.big).u64().unwrap_or(0),
            kind::TRACING_DATA => {
                let size = Bytes::new(body, self.big).u32().unwrap_or(0);
                return u64::from(size).next_multiple_of(8);
            }
            _ => self.take_plain(frame, body, sink),
        }
        0
    }

    fn take_plain(&mut self, frame: Frame, body: &[u8], sink: &mut dyn Sink) {
        match frame.number {
            kind::HEADER_ATTR => self.attrs.extend(pipe_attr(body, self.big)),
            kind::HEADER_FEATURE => self.pipe_feature(body),
            kind::HEADER_BUILD_ID => {
                // One entry of the feature as a record of its own: the entry's header is that of the record.
                let mut entry = vec![0; 4];
                let size = body.len() as u16 + 8;
                let words = if self.big {
                    [frame.misc.to_be_bytes(), size.to_be_bytes()]
                } else {
                    [frame.misc.to_le_bytes(), size.to_le_bytes()]
                };
                entry.extend(words.concat());
                entry.extend_from_slice(body);
                self.build_ids.extend(build_ids(&entry, self.big));
            }
            number if number < kind::FIRST_OF_PERF || number == kind::FINISHED_ROUND => {
                let known = Known { attrs: &self.attrs, big: self.big };
                sink.record(known, number, frame.misc, body);
            }
            _ => {}
        }
    }

    fn unpack_records(&mut self, packed: &[u8], sink: &mut dyn Sink) {
        let mut unpacked = match self.unpack.take(packed) {
            Ok(unpacked) => unpacked,
            Err(why) => return self.stop(&format!("compressed records cannot be read: {why}")),
        };
        let mut at = 0;
        while let Some(frame) = frame(&unpacked[at..], self.big) {
            if frame.size < 8 {
                return self.stop("a compressed record has an impossible size");
            }
            let Some(body) = unpacked[at..].get(8..frame.size) else { break };
            self.take_plain(frame, body, sink);
            at += frame.size;
        }
        unpacked.drain(..at);
        self.unpack.give_back(unpacked);
    }

    fn pipe_feature(&mut self, body: &[u8]) {
        let Some(number) = Bytes::new(body, self.big).u64() else { return };
        match usize::try_from(number) {
            Ok(FEATURE_BUILD_ID) => self.build_ids.extend(build_ids(&body[8..], self.big)),
            Ok(FEATURE_EVENT_DESC) => self.describe(&body[8..]),
            Ok(FEATURE_CLOCK_DATA) => self.unix_offset_ns = unix_offset(&body[8..], self.big),
            _ => {}
        }
    }

    fn describe(&mut self, section: &[u8]) {
        if let Some(names) = event_names(section, self.big) {
            name_events(&mut self.attrs, names);
        }
    }

    /// Behind the records: place and size of each feature that is there, then the features.
    fn features(&mut self, tail: &[u8]) {
        let start = self.header.data.0 + self.header.data.1;
        let mut table = Bytes::new(tail, self.big);
        for number in 0..256 {
            if self.header.features[number / 64] >> (number % 64) & 1 == 0 {
                continue;
            }
            let (Some(offset), Some(size)) = (table.u64(), table.u64()) else {
                return self.stop("the table of what stands behind the records was cut off");
            };
            let section = offset.checked_sub(start).and_then(|from| {
                let from = usize::try_from(from).ok()?;
                tail.get(from..from.checked_add(usize::try_from(size).ok()?)?)
            });
            match (number, section) {
                (FEATURE_BUILD_ID, Some(section)) => self.build_ids.extend(build_ids(section, self.big)),
                (FEATURE_EVENT_DESC, Some(section)) => self.describe(section),
                (FEATURE_CLOCK_DATA, Some(section)) => self.unix_offset_ns = unix_offset(section, self.big),
                (FEATURE_BUILD_ID | FEATURE_EVENT_DESC, None) => {
                    self.stop("what stands behind the records was cut off")
                }
                _ => {}
            }
        }
    }
}

/// A moment on both clocks, behind a version and the number of the clock.
fn unix_offset(section: &[u8], big: bool) -> Option<u64> {
    let mut at = Bytes::new(section, big);
    at.u64()?;
    let (unix, recorded) = (at.u64()?, at.u64()?);
    unix.checked_sub(recorded)
}

/// The head of a record.
#[derive(Clone, Copy)]
pub struct Frame {
    /// Its kind.
    pub number: u32,
    misc: u16,
    /// Its bytes with this head.
    pub size: usize,
}

/// Reads the head of the record that begins here.
pub fn frame(bytes: &[u8], big: bool) -> Option<Frame> {
    let mut at = Bytes::new(bytes, big);
    Some(Frame { number: at.u32()?, misc: at.u16()?, size: usize::from(at.u16()?) })
}

/// Where the records of a file begin, how many bytes they are, and how many features stand behind them.
pub fn records_part(bytes: &[u8], big: bool) -> Option<(u64, u64, u32)> {
    let header = file_header(bytes.get(..FILE_HEADER as usize)?, big)?;
    let features = header.features.iter().map(|word| word.count_ones()).sum();
    (FILE_HEADER..=LARGEST_PART).contains(&header.data.0).then_some((header.data.0, header.data.1, features))
}

/// True for a file whose samples hold copies of stacks, as they are and not packed: to unwind these takes most of the time.
pub fn copies_stacks(whole: &[u8]) -> bool {
    let head = || {
        let big = is_perf_data(whole).then(|| whole.starts_with(b"2ELIFREP"))?;
        let header = file_header(whole.get(..FILE_HEADER as usize)?, big)?;
        let head = whole.get(..usize::try_from(header.data.0).ok()?)?;
        let is_packed = header.features[FEATURE_COMPRESSED / 64] >> (FEATURE_COMPRESSED % 64) & 1 == 1;
        (!is_packed && header.data.1 > 0).then(|| file_attrs(head, &header, big))
    };
    head().is_some_and(|attrs| attrs.iter().any(|attr| attr.has(holds::REGS_USER | holds::STACK_USER)))
}

fn file_header(bytes: &[u8], big: bool) -> Option<Header> {
    let mut at = Bytes::new(bytes.get(16..)?, big);
    let attr_size = at.u64()?;
    let attrs = (at.u64()?, at.u64()?);
    let data = (at.u64()?, at.u64()?);
    at.skip_words(2)?;
    Some(Header { attr_size, attrs, data, features: [at.u64()?, at.u64()?, at.u64()?, at.u64()?] })
}

/// The events of a file: descriptions of equal size, each with the place of its ids behind it.
fn file_attrs(head: &[u8], header: &Header, big: bool) -> Vec<Attr> {
    const PLACE: usize = 16;
    let part = |(start, size): (u64, u64)| {
        let start = usize::try_from(start).ok()?;
        head.get(start..start.checked_add(usize::try_from(size).ok()?)?)
    };
    let (Some(section), Ok(size)) = (part(header.attrs), usize::try_from(header.attr_size)) else { return Vec::new() };
    if size <= PLACE {
        return Vec::new();
    }
    let read = |bytes: &[u8]| {
        let mut attr = Attr::parse(&bytes[..size - PLACE], big)?;
        let mut place = Bytes::new(&bytes[size - PLACE..], big);
        let ids = part((place.u64()?, place.u64()?)).unwrap_or_default();
        attr.ids = words(ids, big);
        Some(attr)
    };
    section.chunks_exact(size).filter_map(read).collect()
}

/// One event of a pipe: its description, whose size it tells itself, and then its ids.
fn pipe_attr(body: &[u8], big: bool) -> Option<Attr> {
    let mut size = Bytes::new(body.get(4..)?, big);
    let size = match size.u32()? as usize {
        0 => 64,
        size => size,
    };
    let (attr, ids) = body.split_at_checked(size)?;
    let mut attr = Attr::parse(attr, big)?;
    attr.ids = words(ids, big);
    Some(attr)
}

fn words(bytes: &[u8], big: bool) -> Vec<u64> {
    bytes.chunks_exact(8).filter_map(|word| Bytes::new(word, big).u64()).collect()
}
