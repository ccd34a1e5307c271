//! Pieces of a stream in, whole lines out, wherever the pieces were cut; and the reader of every format made of lines.

use std::any::Any;
use std::ops::Range;
use std::sync::OnceLock;

use super::trouble::Trouble;
use super::{Reader, Whole};
use crate::model::{Problem, Profile};

/// What one format makes of its lines; [`by_lines`] makes a [`Reader`] of it.
pub trait Linewise: Clone + Default + Send + 'static {
    /// True if the lines say the same in any order.
    const IN_ANY_ORDER: bool = false;

    /// True if a part of the lines says nothing, and all of them say something soon: see [`Linewise::look`].
    const LOOKS_AT_WHOLE: bool = false;

    /// A quick look at all lines of a source.
    fn look(_whole: &[u8]) -> Profile {
        Profile::default()
    }

    /// Takes the next line, without its line end.
    fn line(&mut self, line: &[u8], met: &mut Trouble);

    /// Called once, after the last line.
    fn end(&mut self, _met: &mut Trouble) {}

    /// What the lines say. Bytes, malformed lines and what was met on the way are filled in by the reader.
    fn profile(self) -> (Profile, Vec<Problem>);

    /// What the lines say so far.
    fn snapshot(&self) -> Profile {
        self.clone().profile().0
    }

    /// Where another reader may begin, in bytes from the middle of a source.
    fn boundary(_bytes: &[u8]) -> Option<usize> {
        None
    }

    /// Takes over what another state made of the lines that follow; called only where there is a boundary.
    fn join(&mut self, _later: Self) {}
}

/// Opens the reader of a format made of lines.
pub fn by_lines<S: Linewise>() -> Box<dyn Reader + Send> {
    let whole = Looked::default();
    Box::new(LineReader { lines: Lines::default(), state: S::default(), met: Trouble::default(), bytes: 0, whole })
}

struct LineReader<S> {
    lines: Lines,
    state: S,
    met: Trouble,
    bytes: u64,
    whole: Looked,
}

/// All of a source, where it lies in memory, and what a look at it said.
#[derive(Default)]
struct Looked {
    bytes: Option<Whole>,
    said: OnceLock<Profile>,
}

impl<S: Linewise> LineReader<S> {
    fn take_last(&mut self) {
        let LineReader { lines, state, met, .. } = self;
        lines.finish(|line| {
            met.next_line();
            state.line(line, met);
        });
    }

    fn fill_in(bytes: u64, met: &Trouble, profile: &mut Profile) {
        for source in &mut profile.sources {
            (source.bytes, source.malformed) = (bytes, met.count());
        }
    }
}

impl<S: Linewise> Reader for LineReader<S> {
    fn feed(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        let LineReader { lines, state, met, .. } = self;
        lines.feed(bytes, |line| {
            met.next_line();
            state.line(line, met);
        });
    }

    fn takes_whole(&self) -> bool {
        S::LOOKS_AT_WHOLE
    }

    fn feed_part(&mut self, whole: &Whole, part: Range<usize>) {
        self.whole.bytes.get_or_insert_with(|| whole.clone());
        self.feed(&(**whole).as_ref()[part]);
    }

    fn snapshot(&self) -> Profile {
        if let Some(whole) = self.whole.bytes.as_ref().filter(|_| S::LOOKS_AT_WHOLE) {
            let look = || {
                let bytes = (**whole).as_ref();
                let mut said = S::look(bytes);
                said.sources.iter_mut().for_each(|source| source.bytes = bytes.len() as u64);
                said
            };
            return self.whole.said.get_or_init(look).clone();
        }
        let mut profile = self.state.snapshot();
        Self::fill_in(self.bytes, &self.met, &mut profile);
        profile
    }

    fn finish(mut self: Box<Self>) -> (Profile, Vec<Problem>) {
        self.take_last();
        let LineReader { mut state, mut met, bytes, .. } = *self;
        state.end(&mut met);
        let (mut profile, mut problems) = state.profile();
        Self::fill_in(bytes, &met, &mut profile);
        problems.extend(met.problems());
        (profile, problems)
    }

    fn is_in_any_order(&self) -> bool {
        S::IN_ANY_ORDER
    }

    fn boundary(&self, bytes: &[u8]) -> Option<usize> {
        S::boundary(bytes)
    }

    fn join(&mut self, later: Box<dyn Reader + Send>) {
        self.take_last();
        self.state.end(&mut self.met);
        if let Ok(later) = (later as Box<dyn Any + Send>).downcast::<LineReader<S>>() {
            self.state.join(later.state);
            self.met.join(later.met);
            self.lines = later.lines;
            self.bytes += later.bytes;
        }
    }
}

/// Cuts a stream into lines; only a line that spans two pieces is copied.
#[derive(Clone, Default)]
pub struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// Calls `line` with every line that ends in this piece, without its line end.
    pub fn feed(&mut self, mut bytes: &[u8], mut line: impl FnMut(&[u8])) {
        if !self.rest.is_empty() {
            let Some(end) = memchr::memchr(b'\n', bytes) else {
                self.rest.extend_from_slice(bytes);
                return;
            };
            self.rest.extend_from_slice(&bytes[..end]);
            line(without_return(&self.rest));
            self.rest.clear();
            bytes = &bytes[end + 1..];
        }
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            line(without_return(&bytes[start..end]));
            start = end + 1;
        }
        self.rest.extend_from_slice(&bytes[start..]);
    }

    /// The last line, where the stream did not end in a line end.
    pub fn finish(&mut self, mut line: impl FnMut(&[u8])) {
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            line(without_return(&rest));
        }
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_wherever_the_stream_is_cut() {
        let text = b"one\r\n\ntwo words\nlast";
        for size in 1..=text.len() {
            let (mut lines, mut seen) = (Lines::default(), Vec::new());
            for piece in text.chunks(size) {
                lines.feed(piece, |line| seen.push(line.to_vec()));
            }
            lines.finish(|line| seen.push(line.to_vec()));
            assert_eq!(
                seen,
                [b"one".to_vec(), b"".to_vec(), b"two words".to_vec(), b"last".to_vec()],
                "pieces of {size}"
            );
        }
    }
}
