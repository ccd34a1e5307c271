//! Pieces of a file that only the whole tells (a JSON document) in; what its format makes of all of them out.

use serde::de::DeserializeOwned;

use super::Reader;
use super::trouble::at_line;
use crate::model::{Problem, Profile};

/// Opens the reader of a format that has to be seen whole: `open: || whole(read)`.
pub fn whole(read: fn(&[u8]) -> (Profile, Vec<Problem>)) -> Box<dyn Reader + Send> {
    Box::new(Document { bytes: Vec::new(), read })
}

struct Document {
    bytes: Vec<u8>,
    read: fn(&[u8]) -> (Profile, Vec<Problem>),
}

impl Reader for Document {
    fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Nothing can be said before the end.
    fn snapshot(&self) -> Profile {
        Profile::default()
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
