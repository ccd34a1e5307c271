//! The body of one `perf.data` record in; a sample, a mapping or the life of a process out.

use super::super::perf_switch::Switch;
use super::attr::{Attr, holds};
use super::bytes::{Bytes, hex, text};

/// Numbers of the records that are read.
pub mod kind {
    #![allow(missing_docs)]
    pub const MMAP: u32 = 1;
    pub const LOST: u32 = 2;
    pub const COMM: u32 = 3;
    pub const FORK: u32 = 7;
    pub const SAMPLE: u32 = 9;
    pub const MMAP2: u32 = 10;
    pub const LOST_SAMPLES: u32 = 13;
    /// From here on perf writes them, not the kernel.
    pub const FIRST_OF_PERF: u32 = 64;
    pub const HEADER_ATTR: u32 = 64;
    pub const TRACING_DATA: u32 = 66;
    pub const HEADER_BUILD_ID: u32 = 67;
    pub const FINISHED_ROUND: u32 = 68;
    pub const AUXTRACE: u32 = 71;
    pub const HEADER_FEATURE: u32 = 80;
    pub const COMPRESSED: u32 = 81;
    pub const COMPRESSED2: u32 = 83;
    /// Written by nobody: another compressed stream begins, where files were joined.
    pub const NEXT_PART: u32 = 0x7265_6669;
}

const MISC_MODE: u16 = 7;
const MODE_KERNEL: u16 = 1;
const MISC_COMM_EXEC: u16 = 1 << 13;
const MISC_MMAP_DATA: u16 = 1 << 13;
const MISC_MMAP_BUILD_ID: u16 = 1 << 14;
const PROTECTED_EXECUTABLE: u32 = 4;

/// What was taken of one interruption.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taken<'a> {
    /// Address of the instruction.
    pub ip: Option<u64>,
    /// Process.
    pub pid: i32,
    /// Thread, where the event keeps it.
    pub tid: Option<i32>,
    /// Time on the clock of the recording.
    pub time: Option<u64>,
    /// Events since the sample before, where the event keeps it.
    pub period: Option<u64>,
    /// The call chain, eight bytes each, with the kernel's marks in between.
    pub chain: &'a [u8],
    /// Values of the registers named in [`Attr::user_registers`], eight bytes each; empty where they were not taken.
    pub registers: &'a [u8],
    /// The top of the stack, from the stack pointer upwards; empty where it was not taken.
    pub stack: &'a [u8],
    /// What a tracepoint wrote; empty for other events.
    pub raw: &'a [u8],
    /// True if the instruction is of the kernel.
    pub in_kernel: bool,
}

/// A mapping of a file into the memory of a process.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// Process; -1 for the kernel.
    pub pid: i32,
    /// First address.
    pub start: u64,
    /// Bytes.
    pub length: u64,
    /// Offset in the file.
    pub offset: u64,
    /// Path as the kernel names it.
    pub path: String,
    /// Build id in hex; empty where it does not stand here.
    pub build_id: String,
}

/// Reads a sample of an event; `None` where it is shorter than it says.
pub fn sample<'a>(body: &'a [u8], misc: u16, attr: &Attr, big: bool) -> Option<Taken<'a>> {
    let mut at = Bytes::new(body, big);
    let mut taken = Taken { in_kernel: misc & MISC_MODE == MODE_KERNEL, ..Taken::default() };
    at.u64_if(attr.has(holds::IDENTIFIER), 0)?;
    if attr.has(holds::IP) {
        taken.ip = Some(at.u64()?);
    }
    if attr.has(holds::TID) {
        taken.pid = at.u32()? as i32;
        taken.tid = Some(at.u32()? as i32);
    }
    if attr.has(holds::TIME) {
        taken.time = Some(at.u64()?);
    }
    for word in [holds::ADDR, holds::ID, holds::STREAM_ID, holds::CPU] {
        at.u64_if(attr.has(word), 0)?;
    }
    if attr.has(holds::PERIOD) {
        taken.period = Some(at.u64()?);
    }
    if attr.has(holds::READ) {
        skip_counts(&mut at, attr.read_format)?;
    }
    if attr.has(holds::CALLCHAIN) {
        let count = at.u64()?;
        taken.chain = at.take_u64(count.checked_mul(8)?)?;
    }
    if attr.has(holds::RAW) {
        let size = at.u32()?;
        taken.raw = at.take(size as usize)?;
    }
    if attr.has(holds::BRANCH_STACK) {
        skip_branches(&mut at, attr.branch_type)?;
    }
    if attr.has(holds::REGS_USER) && at.u64()? != 0 {
        taken.registers = at.take(attr.user_registers.count_ones() as usize * 8)?;
    }
    if attr.has(holds::STACK_USER) {
        taken.stack = user_stack(&mut at)?;
    }
    Some(taken)
}

/// The part of the dumped stack that the kernel could read.
fn user_stack<'a>(at: &mut Bytes<'a>) -> Option<&'a [u8]> {
    let size = at.u64()?;
    if size == 0 {
        return Some(&[]);
    }
    let dumped = at.take_u64(size)?;
    let used = usize::try_from(at.u64()?).ok()?;
    dumped.get(..used.min(dumped.len()))
}

fn skip_counts(at: &mut Bytes, format: u64) -> Option<()> {
    let [enabled, running, id, group, lost] = [1, 2, 4, 8, 16].map(|bit| format & bit != 0);
    let times = u64::from(enabled) + u64::from(running);
    let each = 1 + u64::from(id) + u64::from(lost);
    match group {
        true => {
            let count = at.u64()?;
            at.skip_words(times.checked_add(count.checked_mul(each)?)?)
        }
        false => at.skip_words(times + each),
    }
}

fn skip_branches(at: &mut Bytes, branch_type: u64) -> Option<()> {
    const HARDWARE_INDEX: u64 = 1 << 17;
    const COUNTERS: u64 = 1 << 19;
    let count = at.u64()?;
    at.u64_if(branch_type & HARDWARE_INDEX != 0, 0)?;
    let words = if branch_type & COUNTERS != 0 { 4 } else { 3 };
    at.skip_words(count.checked_mul(words)?)
}

/// Reads an MMAP or MMAP2 record; `None` where it is short or maps no code.
pub fn mapping(body: &[u8], number: u32, misc: u16, big: bool) -> Option<Mapping> {
    let mut at = Bytes::new(body, big);
    let pid = at.u32()? as i32;
    at.u32()?;
    let (start, length, offset) = (at.u64()?, at.u64()?, at.u64()?);
    let mut build_id = String::new();
    if number == kind::MMAP2 {
        let file = at.take(24)?;
        if misc & MISC_MMAP_BUILD_ID != 0 {
            build_id = file.get(4..4 + usize::from(file[0])).map(hex).unwrap_or_default();
        }
        let protection = at.u32()?;
        at.u32()?;
        if protection & PROTECTED_EXECUTABLE == 0 {
            return None;
        }
    } else if misc & MISC_MMAP_DATA != 0 {
        return None;
    }
    Some(Mapping { pid, start, length, offset, path: text(at.rest()), build_id })
}

/// Process and parent of a FORK record.
pub fn fork(body: &[u8], big: bool) -> Option<(i32, i32)> {
    let mut at = Bytes::new(body, big);
    Some((at.u32()? as i32, at.u32()? as i32))
}

/// What a COMM record says: process, thread, the thread's new name, and whether an `exec` gave the process a new memory.
pub fn comm(body: &[u8], misc: u16, big: bool) -> Option<(i32, u64, String, bool)> {
    let mut at = Bytes::new(body, big);
    let (pid, tid) = (at.u32()? as i32, at.u32()?);
    Some((pid, u64::from(tid), text(at.rest()), misc & MISC_COMM_EXEC != 0))
}

/// What `sched:sched_switch` wrote: 8 common bytes, then name, id and priority of the thread that goes, its state, and
/// name and id of the one that comes.
pub fn switch(raw: &[u8], big: bool) -> Option<Switch> {
    const NAME: usize = 16;
    const REPORTED_STATES: u64 = 0xff;
    let mut at = Bytes::new(raw, big);
    at.take(8 + NAME + 8)?;
    let state = at.u64()?;
    at.take(NAME)?;
    let next = at.u32()?;
    at.u32()?;
    Some(Switch { runnable: state & REPORTED_STATES == 0, next: Some(u64::from(next)) })
}

/// Samples that a LOST or LOST_SAMPLES record says are gone.
pub fn lost(body: &[u8], number: u32, big: bool) -> Option<u64> {
    let mut at = Bytes::new(body, big);
    if number == kind::LOST {
        at.u64()?;
    }
    at.u64()
}

/// Entries of a BUILD_ID feature, or of one HEADER_BUILD_ID record: path and build id.
pub fn build_ids(mut section: &[u8], big: bool) -> Vec<(String, String)> {
    const HAS_SIZE: u16 = 1 << 15;
    let mut found = Vec::new();
    while let Some(mut at) = Some(Bytes::new(section, big)) {
        let Some((misc, size)) = at.u32().and_then(|_| Some((at.u16()?, usize::from(at.u16()?)))) else { break };
        let Some(entry) = section.get(8..size).filter(|e| e.len() > 28) else { break };
        let length = if misc & HAS_SIZE != 0 { usize::from(entry[24]).min(20) } else { 20 };
        found.push((text(&entry[28..]), hex(&entry[4..4 + length])));
        section = &section[size..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|w| w.to_le_bytes()).collect()
    }

    #[test]
    fn a_sample_is_read_whatever_stands_between() {
        let attr = Attr {
            sample_type: holds::IP | holds::TIME | holds::READ | holds::CALLCHAIN | holds::BRANCH_STACK,
            read_format: 1 | 4 | 8,
            ..Attr::default()
        };
        // ip, time, group of two counters with ids, chain of two, one branch.
        let body = words(&[0x10, 77, 2, 9, 1, 11, 2, 22, 2, 0x10, 0x20, 1, 1, 2, 3]);
        let taken = sample(&body, 2, &attr, false).unwrap();
        assert_eq!((taken.ip, taken.time, taken.chain), (Some(0x10), Some(77), words(&[0x10, 0x20]).as_slice()));
        for short in 0..body.len() {
            assert!(sample(&body[..short], 2, &attr, false).is_none(), "{short} bytes");
        }
    }

    #[test]
    fn counts_that_do_not_fit_are_no_sample() {
        let attr = Attr { sample_type: holds::CALLCHAIN, ..Attr::default() };
        assert!(sample(&words(&[u64::MAX, 1]), 2, &attr, false).is_none());
        assert!(sample(&words(&[1 << 61, 1]), 2, &attr, false).is_none());
    }

    #[test]
    fn a_stack_of_which_nothing_could_be_read_is_empty() {
        let attr = Attr { sample_type: holds::REGS_USER | holds::STACK_USER, user_registers: 0b11, ..Attr::default() };
        let taken = |w: &[u64]| sample(&words(w), 2, &attr, false).map(|t| (t.registers.len(), t.stack.len()));
        assert_eq!(taken(&[0, 0]), Some((0, 0)), "a kernel thread");
        assert_eq!(taken(&[2, 5, 6, 16, 1, 2, 8]), Some((16, 8)));
        assert_eq!(taken(&[2, 5, 6, 16, 1, 2, 999]), Some((16, 16)), "more than was dumped");
    }

    #[test]
    fn data_is_no_mapping_of_code() {
        let mut body = words(&[7, 0x1000, 0x2000, 0, 0, 0, 0, 5]);
        body.extend(b"/opt/my app/svc (deleted)\0\0");
        let found = mapping(&body, kind::MMAP2, 2, false).unwrap();
        assert_eq!((found.pid, found.path.as_str()), (7, "/opt/my app/svc (deleted)"));
        body[56] = 3;
        assert_eq!(mapping(&body, kind::MMAP2, 2, false), None);
    }

    #[test]
    fn build_ids_of_any_length_are_read_until_the_section_breaks_off() {
        let mut section = vec![0, 0, 0, 0, 2, 0x80, 48, 0];
        section.extend((-1i32).to_le_bytes());
        section.extend([0xab; 20]);
        section.extend([4, 0, 0, 0]);
        section.extend(b"/opt/svc\0\0\0\0");
        assert_eq!(build_ids(&section, false), [("/opt/svc".to_owned(), "abababab".to_owned())]);
        section.extend([1, 2, 3]);
        assert_eq!(build_ids(&section, false).len(), 1);
    }
}
