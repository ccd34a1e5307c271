//! Pieces of a file that only the whole tells (a JSON document) in; what its format makes of all of them out.

use serde::de::DeserializeOwned;

use super::Reader;
use super::trouble::at_line;
use crate::model::{Problem, Profile};

/// What a format makes of a whole file.
type Read = fn(&[u8]) -> (Profile, Vec<Problem>);

/// Opens the reader of a format that has to be seen whole: `open: || whole(read)`.
pub fn whole(read: Read) -> Box<dyn Reader + Send> {
    Box::new(Document { bytes: Vec::new(), read, some: None, has_ended: false })
}

/// The same for a format in which the samples of the whole file can be told apart before they are read: `some` reads a few of
/// them, spread evenly over all, so that something can be shown before the rest is read.
pub fn whole_and_some(read: Read, some: fn(&[u8]) -> Profile) -> Box<dyn Reader + Send> {
    Box::new(Document { bytes: Vec::new(), read, some: Some(some), has_ended: false })
}

struct Document {
    bytes: Vec<u8>,
    read: Read,
    some: Option<fn(&[u8]) -> Profile>,
    has_ended: bool,
}

impl Reader for Document {
    fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn end(&mut self) {
        self.has_ended = true;
    }

    /// Nothing can be said before all bytes are there; then a part of the samples says something sooner than all do.
    fn snapshot(&self) -> Profile {
        self.some.filter(|_| self.has_ended).map(|some| some(&self.bytes)).unwrap_or_default()
    }

    fn finish(self: Box<Self>) -> (Profile, Vec<Problem>) {
        let (mut profile, problems) = (self.read)(&self.bytes);
        profile.sources.iter_mut().for_each(|s| s.bytes = self.bytes.len() as u64);
        (profile, problems)
    }
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
