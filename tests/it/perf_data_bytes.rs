//! Small recordings of every kind that `perf.data` comes in; a value or a problem for every prefix and every flipped byte, out.
//!
//! They are cut out of real recordings, so that all of their bytes can be tried: copied stacks with what unwinds them, compressed
//! records, several events in a file and in a pipe. `formats.rs` does the same with the golden files of all formats.

use refit::model::{Problem, Profile};
use refit::{attribute, profile};

use super::formats::GOLDEN;
use super::perf_data::{fixture, read, records};

const COMM: u8 = 3;
const SAMPLE: u8 = 9;
const MMAP2: u8 = 10;
const COMPRESSED: u32 = 81;

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("a word"))
}

/// A record with the length that it has.
fn measured(mut record: Vec<u8>) -> Vec<u8> {
    let length = u16::try_from(record.len()).expect("a short record");
    record[6..8].copy_from_slice(&length.to_le_bytes());
    record
}

/// A recording's head and events with other records; what stands behind them is left out.
fn with_records(whole: &[u8], records: &[u8]) -> Vec<u8> {
    let mut bytes = whole[..word(whole, 40) as usize].to_vec();
    bytes[48..56].copy_from_slice(&(records.len() as u64).to_le_bytes());
    // No feature follows.
    bytes[72..104].fill(0);
    bytes.extend(records);
    bytes
}

/// Bytes of a copied stack that are kept: enough for a few callers.
const STACK: usize = 480;

/// Three samples with registers and the innermost part of their stacks, and what was mapped of the program.
fn copied_stacks() -> Vec<u8> {
    let whole = fixture("dwarf.data");
    let mut kept = Vec::new();
    let mut samples = 0;
    for record in records(&whole) {
        match record[0] {
            COMM => kept.extend_from_slice(record),
            MMAP2 if record.windows(11).any(|w| w == b"/opt/my app") => kept.extend_from_slice(record),
            SAMPLE if samples < 3 => {
                // Head, address, thread, time, data's address and period; callers; which registers, and twenty of them; the stack
                // with its length before and behind it, and what kind of data it was.
                let registers = 56 + 8 * word(record, 48) as usize;
                let stack = registers + 8 + 8 * 20;
                assert_eq!(word(record, stack), 8192, "the stack's length");
                let innermost = &record[stack + 8..stack + 8 + STACK];
                let length = (STACK as u64).to_le_bytes();
                let last = &record[record.len() - 8..];
                kept.extend(measured([&record[..stack], &length, innermost, &length, last].concat()));
                samples += 1;
            }
            _ => {}
        }
    }
    with_records(&whole, &kept)
}

fn golden(name: &str) -> &'static [u8] {
    GOLDEN.iter().find(|g| g.name == name).expect("a golden file").bytes
}

/// The records of the golden file in two compressed ones, of which the second only goes on.
fn compressed() -> Vec<u8> {
    let whole = golden("perf.data");
    let all: Vec<u8> = records(whole).concat();
    let packed = zstd::encode_all(&all[..], 3).expect("zstd");
    let half = packed.len() / 2;
    let record = |part: &[u8]| measured([&COMPRESSED.to_le_bytes()[..], &[0; 4], part].concat());
    with_records(whole, &[record(&packed[..half]), record(&packed[half..])].concat())
}

fn small() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("copied stacks", copied_stacks()),
        ("compressed", compressed()),
        ("several events", golden("perf.data").to_vec()),
        ("pipe", golden("perf-pipe.data").to_vec()),
    ]
}

/// A value or a problem, and what comes after can take it.
#[track_caller]
fn survives(name: &str, bytes: &[u8], what: &str) -> Profile {
    if profile::sniff(bytes).is_none_or(|f| f.name != "perf.data") {
        return Profile::default();
    }
    let (profile, problems): (Profile, Vec<Problem>) = read(bytes, usize::MAX, true);
    assert!(!profile.samples.is_empty() || !problems.is_empty(), "{name}, {what}: neither a value nor a problem");
    assert_eq!(profile.sources[0].samples, profile.samples.len() as u64, "{name}, {what}");
    attribute::attribute(&profile, &[], &attribute::Options::default());
    profile
}

#[test]
fn small_recordings_are_sound_and_small() {
    for (name, bytes) in small() {
        assert!((300..4_000).contains(&bytes.len()), "{name}: {} bytes", bytes.len());
        let (profile, problems) = read(&bytes, usize::MAX, true);
        let is_fine = problems.iter().all(|p| p.what.starts_with("only samples of cpu-clock"));
        assert!(is_fine && profile.samples.len() >= 2, "{name}: {problems:?}");
    }
    let plain = read(golden("perf.data"), usize::MAX, true).0.samples;
    assert_eq!(read(&compressed(), usize::MAX, true).0.samples, plain);
    // The stacks are unwound and not only read: the leaf of each has callers.
    let (unwound, _) = read(&copied_stacks(), usize::MAX, true);
    let depth = |p: &Profile| {
        let callers =
            |leaf| std::iter::successors(leaf, |n: &refit::model::NodeId| p.nodes[n.0 as usize].parent).count();
        p.samples.iter().map(|s| callers(s.leaf)).sum::<usize>()
    };
    assert!(depth(&unwound) >= 3 * unwound.samples.len(), "{} frames", depth(&unwound));
}

#[test]
fn every_prefix_of_a_recording_gives_a_value_or_a_problem() {
    for (name, bytes) in small() {
        for end in 0..bytes.len() {
            survives(name, &bytes[..end], &format!("cut at {end}"));
        }
    }
}

#[test]
fn every_flipped_byte_of_a_recording_gives_a_value_or_a_problem() {
    for (name, mut bytes) in small() {
        let mut changed = 0;
        let sound = survives(name, &bytes, "as it is");
        for at in 0..bytes.len() {
            // The highest bit breaks lengths, the lowest one counts and flags.
            for flip in [0xff, 0x80, 0x01] {
                bytes[at] ^= flip;
                changed += u32::from(survives(name, &bytes, &format!("byte {at} ^ {flip:#x}")) != sound);
                bytes[at] ^= flip;
            }
        }
        assert!(changed as usize > bytes.len() / 2, "{name}: {changed} flips make a difference");
    }
}
