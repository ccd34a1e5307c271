//! The files of a folder that `perf record --threads` wrote in; the bytes of one `perf.data` out.
//!
//! `data` is a whole file with few records; `data.0`, `data.1` and so on hold the records of one thread of perf each, without
//! a header. A thread ends rounds of its own, which say nothing of the others: they are left out, so that all records are
//! brought into the order of time together.

use super::bytes::Bytes;
use super::framing::{frame, is_perf_data, records_part};
use super::record::kind;

/// Joins `data` and the files beside it; `None` where `data` is no whole `perf.data`.
pub fn join_perf_folder(data: &[u8], parts: &[Vec<u8>]) -> Option<Vec<u8>> {
    let big = is_perf_data(data).then(|| data.starts_with(b"2ELIFREP"))?;
    let (start, size, features) = records_part(data, big)?;
    let (start, size) = (usize::try_from(start).ok()?, usize::try_from(size).ok()?);
    let (head, records) = (data.get(..start)?, data.get(start..start.checked_add(size)?)?);
    let mut joined = head.to_vec();
    take_records(records, big, &mut joined);
    for part in parts {
        joined.extend(record(kind::NEXT_PART, big));
        take_records(part, big, &mut joined);
    }
    let now = joined.len() - start;
    joined[48..56].copy_from_slice(&word(now as u64, big));
    // Behind the records stand place and size of each feature, and the features: all of that moves.
    let mut tail = data.get(start + size..)?.to_vec();
    for entry in 0..features as usize {
        let Some(place) = tail.get_mut(entry * 16..entry * 16 + 8) else { break };
        let moved = Bytes::new(place, big).u64()?.wrapping_add(now as u64).wrapping_sub(size as u64);
        place.copy_from_slice(&word(moved, big));
    }
    joined.extend(tail);
    Some(joined)
}

/// Takes records up to one that was cut off.
fn take_records(mut records: &[u8], big: bool, into: &mut Vec<u8>) {
    while let Some(head) = frame(records, big) {
        let Some(whole) = records.get(..head.size).filter(|_| head.size >= 8) else { return };
        // What perf keeps of a processor's own trace is as long as the record says, and stands behind it.
        let behind = match head.number {
            kind::AUXTRACE => Bytes::new(&whole[8..], big).u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0),
            _ => 0,
        };
        let Some(end) = head.size.checked_add(behind).filter(|end| *end <= records.len()) else { return };
        if head.number != kind::FINISHED_ROUND && head.number != kind::AUXTRACE {
            into.extend_from_slice(whole);
        }
        records = &records[end..];
    }
}

fn record(number: u32, big: bool) -> [u8; 8] {
    let [a, b, c, d] = if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let [e, f] = if big { 8u16.to_be_bytes() } else { 8u16.to_le_bytes() };
    [a, b, c, d, 0, 0, e, f]
}

fn word(value: u64, big: bool) -> [u8; 8] {
    if big { value.to_be_bytes() } else { value.to_le_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with records of 16 bytes, one feature that holds the word 7, and room for nothing else.
    fn data(records: &[[u8; 16]]) -> Vec<u8> {
        let mut words = [0u64; 13];
        words[0] = u64::from_le_bytes(*b"PERFILE2");
        (words[1], words[2], words[5], words[6]) = (104, 128, 104, records.len() as u64 * 16);
        words[9] = 1 << 12;
        let mut bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        bytes.extend(records.concat());
        let behind = bytes.len() as u64 + 16;
        [behind, 8, 7].iter().for_each(|w| bytes.extend(w.to_le_bytes()));
        bytes
    }

    fn sized(number: u32, content: u64) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&record(number, false));
        bytes[6] = 16;
        bytes[8..].copy_from_slice(&content.to_le_bytes());
        bytes
    }

    #[test]
    fn records_of_all_threads_stand_in_one_file_and_what_stands_behind_moves() {
        let whole = data(&[sized(3, 1)]);
        let mut part = sized(9, 2).to_vec();
        part.extend(record(kind::FINISHED_ROUND, false));
        part.extend(sized(9, 3));
        part.extend(&sized(9, 4)[..9]);
        let joined = join_perf_folder(&whole, &[part, Vec::new()]).expect("a folder");
        let (start, size, _) = records_part(&joined, false).expect("a header");
        let mut numbers = Vec::new();
        let mut records = &joined[start as usize..(start + size) as usize];
        while let Some(head) = frame(records, false) {
            numbers.push(head.number);
            records = &records[head.size..];
        }
        assert_eq!(numbers, [3, kind::NEXT_PART, 9, 9, kind::NEXT_PART]);
        let table = &joined[(start + size) as usize..];
        let place = u64::from_le_bytes(table[..8].try_into().expect("a word")) as usize;
        assert_eq!(joined[place..], 7u64.to_le_bytes());
    }

    #[test]
    fn what_is_no_perf_data_is_not_joined() {
        assert_eq!(join_perf_folder(b"PERFILE2 cut", &[]), None);
        assert_eq!(join_perf_folder(b"#!/bin/sh", &[]), None);
        let whole = data(&[sized(3, 1)]);
        for end in 0..whole.len() {
            let _ = join_perf_folder(&whole[..end], std::slice::from_ref(&whole));
        }
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 0xff;
            let _ = join_perf_folder(&flipped, &[whole[104..].to_vec()]);
        }
    }
}
