//! Addresses of one object file with what stands at each in; a compact table that is kept on disk, and back, out.
//!
//! Layout of the file, all numbers little endian: `refit-symbols 1\n`, the count of segments and each of them, the count of
//! texts and each with its length, the count of addresses and, for each, how many functions stand there and the symbol,
//! file (both indices of texts) and line of each. A SHA-256 of all that stands before ends the file.

use sha2::{Digest, Sha256};

use super::super::intern::FastMap;
use super::elf::{Segment, image_address};
use crate::model::AddressBase;

const MAGIC: &[u8] = b"refit-symbols 1\n";

/// Marks the key of an address that stands for the function which its call enters; no address before loading is as high.
pub const CALLEE: u64 = 1 << 63;

/// An address as it was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// How it is to be read.
    pub base: AddressBase,
    /// The address.
    pub address: u64,
    /// True if the function is meant that the call there enters.
    pub is_callee: bool,
}

/// One function at an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Standing {
    /// Mangled where the object file says so; empty where unknown.
    pub symbol: String,
    /// Source file; empty where unknown.
    pub file: String,
    /// Line from 1; 0 where unknown.
    pub line: u32,
}

/// What stands at the addresses of one object file.
#[derive(Clone, Debug, Default)]
pub struct Table {
    segments: Vec<Segment>,
    texts: Vec<String>,
    /// Made when a text is added: a table that is read back and knows all that is asked never needs it.
    by_text: FastMap<String, u32>,
    /// First and count in `standing`, by address.
    places: FastMap<u64, (u32, u32)>,
    standing: Vec<Numbered>,
}

/// Symbol and file as numbers of texts, and the line.
pub type Numbered = (u32, u32, u32);

impl Table {
    /// An empty table of an object file with these segments.
    pub fn new(segments: Vec<Segment>) -> Table {
        Table { segments, ..Table::default() }
    }

    /// Number of addresses.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// True if no address is in it.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The key of a recorded address: the address before loading, marked where its call's function is meant.
    pub fn key(&self, asked: Asked) -> Option<u64> {
        let address = image_address(&self.segments, asked.base, asked.address)?;
        Some(if asked.is_callee { address | CALLEE } else { address })
    }

    /// True if the address was looked up already.
    pub fn knows(&self, address: u64) -> bool {
        self.places.contains_key(&address)
    }

    /// Adds an address; innermost function first.
    pub fn insert(&mut self, address: u64, standing: &[Standing]) {
        self.enter(address, standing.iter().map(|one| (one.symbol.as_str(), one.file.as_str(), one.line)));
    }

    /// Adds an address from texts that somebody else holds: symbol, file and line, innermost function first.
    pub fn enter<'t>(&mut self, address: u64, standing: impl Iterator<Item = (&'t str, &'t str, u32)>) {
        let first = self.standing.len() as u32;
        for (symbol, file, line) in standing {
            // Addresses come in order, and most of them stand in the function of the one before.
            let last = self.standing.last().map_or((0, 0), |last| (last.0, last.1));
            let entry = (self.text_near(symbol, last.0), self.text_near(file, last.1), line);
            self.standing.push(entry);
        }
        self.places.insert(address, (first, self.standing.len() as u32 - first));
    }

    /// What stands at an address, innermost function first: symbol, file and line.
    pub fn at(&self, address: u64) -> impl Iterator<Item = (&str, &str, u32)> {
        self.numbers_at(address).iter().map(|(symbol, file, line)| (self.text(*symbol), self.text(*file), *line))
    }

    /// The same as numbers: equal numbers are equal texts.
    pub fn numbers_at(&self, address: u64) -> &[Numbered] {
        let (first, count) = self.places.get(&address).copied().unwrap_or((0, 0));
        &self.standing[first as usize..(first + count) as usize]
    }

    /// The text of a number.
    pub fn text(&self, number: u32) -> &str {
        &self.texts[number as usize]
    }

    /// Takes over what another table of the same object file knows.
    pub fn join(&mut self, other: &Table) {
        let texts: Vec<u32> = other.texts.iter().map(|text| self.number(text)).collect();
        let moved = self.standing.len() as u32;
        let text = |old: &u32| texts[*old as usize];
        self.standing.extend(other.standing.iter().map(|(symbol, file, line)| (text(symbol), text(file), *line)));
        self.places.extend(other.places.iter().map(|(address, (first, count))| (*address, (first + moved, *count))));
    }

    fn text_near(&mut self, text: &str, near: u32) -> u32 {
        match self.texts.get(near as usize) {
            Some(known) if known == text => near,
            _ => self.number(text),
        }
    }

    fn number(&mut self, text: &str) -> u32 {
        if self.by_text.len() != self.texts.len() {
            self.by_text = self.texts.iter().enumerate().map(|(i, t)| (t.clone(), i as u32)).collect();
        }
        if let Some(known) = self.by_text.get(text) {
            return *known;
        }
        let index = self.texts.len() as u32;
        self.texts.push(text.to_owned());
        self.by_text.insert(text.to_owned(), index);
        index
    }

    /// The table as it is kept on disk.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        let word = |n: u64, out: &mut Vec<u8>| out.extend(n.to_le_bytes());
        word(self.segments.len() as u64, &mut out);
        for s in &self.segments {
            [s.offset, s.address, s.size, u64::from(s.code)].into_iter().for_each(|n| word(n, &mut out));
        }
        word(self.texts.len() as u64, &mut out);
        for text in &self.texts {
            word(text.len() as u64, &mut out);
            out.extend(text.as_bytes());
        }
        word(self.places.len() as u64, &mut out);
        let mut places: Vec<_> = self.places.iter().collect();
        places.sort_unstable();
        for (address, (first, count)) in places {
            word(*address, &mut out);
            out.extend(count.to_le_bytes());
            for (symbol, file, line) in &self.standing[*first as usize..(first + count) as usize] {
                [symbol, file, line].into_iter().for_each(|n| out.extend(n.to_le_bytes()));
            }
        }
        let digest = Sha256::digest(&out);
        out.extend(digest);
        out
    }

    /// Reads a table back; `None` where it is damaged or of another version.
    pub fn decode(bytes: &[u8]) -> Option<Table> {
        let (kept, digest) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
        if Sha256::digest(kept).as_slice() != digest {
            return None;
        }
        let mut at = Numbers(kept.strip_prefix(MAGIC)?);
        let mut table = Table::default();
        for _ in 0..at.word()? {
            let [offset, address, size, code] = [at.word()?, at.word()?, at.word()?, at.word()?];
            table.segments.push(Segment { offset, address, size, code: code != 0 });
        }
        for _ in 0..at.word()? {
            let length = usize::try_from(at.word()?).ok()?;
            table.texts.push(String::from_utf8(at.take(length)?.to_vec()).ok()?);
        }
        for _ in 0..at.word()? {
            let (address, count) = (at.word()?, at.half()?);
            table.places.insert(address, (table.standing.len() as u32, count));
            for _ in 0..count {
                let (symbol, file, line) = (at.half()?, at.half()?, at.half()?);
                table.texts.get(symbol.max(file) as usize)?;
                table.standing.push((symbol, file, line));
            }
        }
        Some(table)
    }
}

/// Little-endian numbers, one after the other.
struct Numbers<'a>(&'a [u8]);

impl<'a> Numbers<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn word(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn half(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(symbol: &str, line: u32) -> Standing {
        Standing { symbol: symbol.into(), file: "src/main.rs".into(), line }
    }

    fn table() -> Table {
        let mut table = Table::new(vec![Segment { offset: 0x100, address: 0x1100, size: 0x400, code: true }]);
        table.insert(0x1234, &[standing("inner", 3), standing("outer", 9)]);
        table.insert(0x1300, &[]);
        table
    }

    fn said(table: &Table, address: u64) -> Vec<String> {
        table.at(address).map(|(symbol, file, line)| format!("{symbol} {file}:{line}")).collect()
    }

    #[test]
    fn a_table_is_the_same_after_it_was_kept() {
        let read = Table::decode(&table().encode()).unwrap();
        assert_eq!(said(&read, 0x1234), ["inner src/main.rs:3", "outer src/main.rs:9"]);
        assert_eq!((said(&read, 0x1300).len(), said(&read, 0x9999).len()), (0, 0));
        assert_eq!((read.knows(0x1300), read.knows(0x9999), read.len()), (true, false, 2));
        let asked = Asked { base: AddressBase::FileOffset, address: 0x234, is_callee: false };
        assert_eq!(read.key(asked), Some(0x1234));
        assert_eq!(read.key(Asked { is_callee: true, ..asked }), Some(0x1234 | CALLEE));
        assert_eq!(read.encode(), table().encode());
    }

    #[test]
    fn a_damaged_table_is_none() {
        let bytes = table().encode();
        for at in 0..bytes.len() {
            assert!(Table::decode(&bytes[..at]).is_none(), "cut at {at}");
            let mut flipped = bytes.clone();
            flipped[at] ^= 4;
            assert!(Table::decode(&flipped).is_none(), "flipped at {at}");
        }
    }

    #[test]
    fn tables_of_two_threads_are_joined() {
        let mut one = table();
        let mut other = Table::default();
        other.insert(0x1400, &[standing("inner", 4)]);
        one.join(&other);
        assert_eq!((one.len(), said(&one, 0x1400)), (3, vec!["inner src/main.rs:4".to_owned()]));
    }
}
