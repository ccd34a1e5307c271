//! Pieces of a file that only the whole tells (a JSON document) in; what its format makes of all of them out.

use std::ops::Range;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::thinned::{Part, thinned};
use super::trouble::at_line;
use super::{Reader, Whole};
use crate::model::{Problem, Profile, Sample};

/// What a format makes of a whole file.
type Read = fn(&[u8]) -> (Profile, Vec<Problem>);

/// Opens the reader of a format that has to be seen whole, and in which the samples of the whole file can be told apart before they
/// are read: `some` reads a few of them, spread evenly over all, so that something can be shown before the rest is read.
pub fn whole_and_some(read: Read, some: fn(&[u8]) -> Profile) -> Box<dyn Reader + Send> {
    Box::new(Document { bytes: Bytes::default(), read, some, has_ended: false })
}

struct Document {
    bytes: Bytes,
    read: Read,
    some: fn(&[u8]) -> Profile,
    has_ended: bool,
}

/// What was fed so far.
enum Bytes {
    Copied(Vec<u8>),
    /// So many from the beginning of what lies in memory as a whole.
    Lying(Whole, usize),
}

impl Default for Bytes {
    fn default() -> Bytes {
        Bytes::Copied(Vec::new())
    }
}

impl Bytes {
    fn all(&self) -> &[u8] {
        match self {
            Bytes::Copied(bytes) => bytes,
            Bytes::Lying(whole, end) => &(**whole).as_ref()[..*end],
        }
    }

    fn add(&mut self, more: &[u8]) {
        match self {
            Bytes::Copied(bytes) => bytes.extend_from_slice(more),
            Bytes::Lying(..) => *self = Bytes::Copied([self.all(), more].concat()),
        }
    }
}

impl Reader for Document {
    fn feed(&mut self, bytes: &[u8]) {
        self.bytes.add(bytes);
    }

    fn takes_whole(&self) -> bool {
        true
    }

    fn feed_part(&mut self, whole: &Whole, part: Range<usize>) {
        match &mut self.bytes {
            Bytes::Lying(before, end) if Arc::ptr_eq(before, whole) && *end == part.start => *end = part.end,
            Bytes::Copied(bytes) if bytes.is_empty() && part.start == 0 => {
                self.bytes = Bytes::Lying(whole.clone(), part.end);
            }
            bytes => bytes.add(&(**whole).as_ref()[part]),
        }
    }

    fn end(&mut self) {
        self.has_ended = true;
    }

    /// Nothing can be said before all bytes are there; then a part of the samples says something sooner than all do.
    fn snapshot(&self) -> Profile {
        if self.has_ended { (self.some)(self.bytes.all()) } else { Profile::default() }
    }

    fn finish(self: Box<Self>) -> (Profile, Vec<Problem>) {
        let bytes = self.bytes.all();
        let (mut profile, problems) = (self.read)(bytes);
        profile.sources.iter_mut().for_each(|s| s.bytes = bytes.len() as u64);
        (profile, problems)
    }
}

/// Reads a few samples of a JSON document, spread over all of it: `part` says what they need to be understood. Their times are
/// left out, which may be counted from the sample before.
pub fn some_of(bytes: &[u8], part: &Part, read: Read) -> Profile {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let Some(small) = thinned(bytes, part) else { return Profile::default() };
    let mut profile = read(&small).0;
    profile.samples = profile.samples.iter().map(|sample| Sample { time_ns: None, ..sample }).collect();
    profile
}

/// Reads a JSON document; `what` names it in messages ("speedscope file").
///
/// # Errors
/// What keeps it from being read, with its line.
pub fn json<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, Problem> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| {
        let said = if error.is_eof() { "the file was cut off".to_owned() } else { error.to_string() };
        let problem = Problem::error(format!("this {what} cannot be read: {said}"));
        at_line(problem, error.line() as u64).help("write it again, or copy it again as a whole")
    })
}
