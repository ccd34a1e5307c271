//! Lines of text in, what each of them says out; a line is understood once and found by its bytes ever after.

/// How many bytes of distinct lines are kept before they are learned anew: random addresses must not fill the memory.
const KEPT_BYTES: usize = 16 << 20;
/// So many lines with the same quick hash are no accident; from then on every byte is hashed.
const SUSPICIOUS: u32 = 24;

/// An open hash table from lines to small values.
#[derive(Clone)]
pub struct LineTable<V> {
    slots: Vec<Slot<V>>,
    used: usize,
    bytes: Vec<u8>,
    is_thorough: bool,
}

/// Where a line lies in the bytes, and what it says. Both are found with one access to memory.
#[derive(Clone, Copy)]
struct Slot<V> {
    /// Upper half of the hash.
    tag: u32,
    start: u32,
    length: u32,
    /// `None` if the slot is free.
    value: Option<V>,
}

impl<V: Copy> Slot<V> {
    const FREE: Slot<V> = Slot { tag: 0, start: 0, length: 0, value: None };
}

impl<V: Copy> Default for LineTable<V> {
    fn default() -> LineTable<V> {
        LineTable { slots: vec![Slot::FREE; 1 << 10], used: 0, bytes: Vec::new(), is_thorough: false }
    }
}

impl<V: Copy> LineTable<V> {
    /// What this line says, if it is known.
    #[inline]
    pub fn get(&self, line: &[u8]) -> Option<V> {
        let hash = self.hash(line);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = &self.slots[at];
            let value = slot.value?;
            if slot.tag == (hash >> 32) as u32 && self.line(slot) == line {
                return Some(value);
            }
            at = (at + 1) & mask;
        }
    }

    /// Remembers what a line says that was not known.
    pub fn insert(&mut self, line: &[u8], value: V) {
        if self.bytes.len() + line.len() > KEPT_BYTES {
            *self = LineTable { is_thorough: self.is_thorough, ..LineTable::default() };
        }
        let (start, length) = (self.bytes.len() as u32, line.len() as u32);
        self.bytes.extend_from_slice(line);
        self.used += 1;
        let in_the_way = self.enter(Slot { tag: 0, start, length, value: Some(value) });
        if in_the_way > SUSPICIOUS && !self.is_thorough {
            self.is_thorough = true;
            self.enter_all(self.slots.len());
        } else if self.used * 2 > self.slots.len() {
            self.enter_all(self.slots.len() * 2);
        }
    }

    fn enter_all(&mut self, room: usize) {
        let slots = std::mem::replace(&mut self.slots, vec![Slot::FREE; room]);
        for slot in slots.into_iter().filter(|s| s.value.is_some()) {
            self.enter(slot);
        }
    }

    /// Puts a line into its slot; the number of others with the same hash that stood in the way.
    fn enter(&mut self, slot: Slot<V>) -> u32 {
        let hash = self.hash(self.line(&slot));
        let mask = self.slots.len() - 1;
        let tag = (hash >> 32) as u32;
        let (mut at, mut same) = (hash as usize & mask, 0);
        while self.slots[at].value.is_some() {
            same += u32::from(self.slots[at].tag == tag);
            at = (at + 1) & mask;
        }
        self.slots[at] = Slot { tag, ..slot };
        same
    }

    #[inline]
    fn hash(&self, line: &[u8]) -> u64 {
        if self.is_thorough { thorough(line) } else { quick(line) }
    }

    #[inline]
    fn line(&self, slot: &Slot<V>) -> &[u8] {
        &self.bytes[slot.start as usize..(slot.start + slot.length) as usize]
    }
}

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

#[inline]
fn mix(state: u64, word: u64) -> u64 {
    let product = u128::from(state ^ word) * u128::from(MULTIPLIER);
    (product >> 64) as u64 ^ product as u64
}

#[inline]
fn word(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).map_or(0, |b| u64::from_le_bytes(b.try_into().unwrap_or([0; 8])))
}

/// Both ends, the middle and the length: perf writes a frame's address after one blank, to the seventeenth byte; offset
/// and object, or file and line, stand at the end. The bytes are compared in any case.
#[inline]
fn quick(line: &[u8]) -> u64 {
    let length = line.len();
    if length < 32 {
        return thorough(line);
    }
    let ends = mix(word(line, 1), word(line, length - 8)) ^ mix(word(line, 9), word(line, length - 16));
    mix(ends ^ word(line, length / 2), length as u64 ^ MULTIPLIER)
}

fn thorough(line: &[u8]) -> u64 {
    let mut words = line.chunks_exact(8);
    let mut hash = line.len() as u64;
    for bytes in &mut words {
        hash = mix(hash, word(bytes, 0)).wrapping_add(MULTIPLIER);
    }
    let mut last = [0; 8];
    last[..words.remainder().len()].copy_from_slice(words.remainder());
    mix(mix(hash, u64::from_le_bytes(last)).wrapping_add(MULTIPLIER), !hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found_again_and_no_other() {
        let mut table = LineTable::default();
        let line = |n: usize| format!("{:>16x} crate::module::function_{}+0x{:x} (/a/b)", n * 7919, n % 13, n % 97);
        for n in 0..20_000 {
            assert_eq!(table.get(line(n).as_bytes()), None, "{n}");
            table.insert(line(n).as_bytes(), n);
        }
        assert!((0..20_000).all(|n| table.get(line(n).as_bytes()) == Some(n)));
        assert_eq!(table.get(b""), None);
        table.insert(b"", 7);
        assert_eq!(table.get(b""), Some(7));
    }

    #[test]
    fn lines_that_differ_only_where_the_quick_hash_does_not_look_are_told_apart() {
        let mut table = LineTable::default();
        let line = |n: usize| format!("{}{n:08}{}", "a".repeat(20), "b".repeat(60));
        (0..5_000).for_each(|n| table.insert(line(n).as_bytes(), n));
        assert!((0..5_000).all(|n| table.get(line(n).as_bytes()) == Some(n)));
        assert!(table.is_thorough, "a flood of equal hashes changes the hash");
    }

    #[test]
    fn a_full_table_forgets_and_stays_right() {
        let mut table = LineTable::default();
        let line = |n: usize| format!("{n:01000}");
        for n in 0..(KEPT_BYTES / 1000 + 10) {
            table.insert(line(n).as_bytes(), n);
        }
        assert_eq!(table.get(line(3).as_bytes()), None);
        assert_eq!(table.get(line(KEPT_BYTES / 1000 + 9).as_bytes()), Some(KEPT_BYTES / 1000 + 9));
        assert!(table.bytes.len() <= KEPT_BYTES);
    }
}
