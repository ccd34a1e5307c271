//! One opened source and the reader of its format in; the reader with everything read out.
//!
//! A large plain file is shared by the cores where its format allows it. Now and then a copy of what is known is handed out,
//! so that something can be shown before the end.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_channel::Sender;

use super::Ear;
use crate::effects::files::{self, Measured};
use crate::effects::objects;
use crate::model::{Problem, Profile};
use crate::profile::{Format, Reader, Whole};

/// Bytes that a reader is fed at once: small enough to stay in the second-level cache.
const PIECE: usize = 256 * 1024;

/// A part that one core reads is at least this large.
const PART: u64 = 8 << 20;

/// How far behind a cut a place is sought where a reader may begin.
const SOUGHT: u64 = 1 << 20;

/// The first look at a source is taken when so many bytes of it were read. Bytes tell when, never the clock: the same source
/// gives the same looks on every machine, however busy it is.
const FIRST_LOOK: u64 = 4 << 20;

/// Between two looks at most so many bytes are read.
const LONGEST_STEP: u64 = 32 << 20;

/// A larger recording is not mapped: whoever wants to write to it would have to wait for too long.
const LARGEST_WHOLE: u64 = 2 << 30;

/// A look at what is in any order is taken at so many places.
const PLACES: u64 = 64;

/// More readers would mostly do what each has to do: every one follows all records.
const MOST_SHARES: u64 = 4;

/// What is known of a source before all of it was read.
pub(super) struct Look {
    /// The source as named in `slo.toml`.
    pub(super) source: String,
    /// What its reader knows.
    pub(super) profile: Profile,
    /// Bytes read of it.
    pub(super) bytes: u64,
    /// Where the source stands in `slo.toml`: its frames may be addresses that still have to be named.
    pub(super) place: usize,
}

/// A source, and who wants to know of it.
pub(super) struct Reading<'a> {
    pub(super) path: &'a Path,
    pub(super) shown: &'a str,
    pub(super) format: &'static Format,
    pub(super) ear: &'a Ear,
    pub(super) looks: Option<&'a Sender<Look>>,
    pub(super) place: usize,
    pub(super) seen: Seen,
}

/// What became of a source so far.
#[derive(Default)]
pub(super) struct Seen {
    bytes: AtomicU64,
    is_shown: AtomicBool,
}

/// What is done after every piece.
pub(super) type Each<'e> = dyn Fn(&mut dyn Reader) + Sync + 'e;

/// What one of several readers adds to what is known before the end.
#[derive(Clone, Copy, PartialEq)]
enum Looks {
    /// It is shown.
    Shown,
    /// Its bytes are counted.
    Counted,
    /// Another reader has the same bytes.
    OfAnother,
}

fn cores() -> u64 {
    std::thread::available_parallelism().map_or(1, |n| n.get() as u64)
}

impl Reading<'_> {
    /// Reads to the end. `each` is called after every piece.
    ///
    /// # Errors
    /// A file that cannot be read or is damaged; a person who cancelled.
    pub(super) fn read(&self, mut stream: Measured, each: &Each) -> Result<Box<dyn Reader + Send>, Problem> {
        let mut reader = (self.format.open)();
        let looks = if reader.is_in_any_order() { Looks::Counted } else { Looks::Shown };
        if let Some(length) = stream.plain().filter(|_| looks == Looks::Counted) {
            self.look_around(length)?;
        }
        if let Some(parts) = stream.plain().and_then(|length| self.parts(length, &*reader)) {
            return self.share(reader, &parts, looks);
        }
        match self.whole(&stream, &*reader) {
            Some(whole) => {
                let read = self.divide(reader, &whole, each);
                // To give back a large mapping takes the kernel a while, for which nobody has to wait.
                std::thread::spawn(move || drop(whole));
                read
            }
            None => {
                self.feed(&mut *reader, looks, each, copied(&mut stream))?;
                Ok(reader)
            }
        }
    }

    /// Looks at the same small share of a plain file everywhere, then at a larger one.
    fn look_around(&self, length: u64) -> Result<(), Problem> {
        let sizes = [FIRST_LOOK, 4 * FIRST_LOOK].into_iter().filter(|size| self.looks.is_some() && *size <= length);
        for size in sizes {
            let (mut reader, mut piece) = ((self.format.open)(), vec![0; (size / PLACES) as usize]);
            for at in (0..PLACES).map(|place| length / PLACES * place) {
                let mut there = files::open_part(self.path, self.shown, at..at + piece.len() as u64)?;
                let filled = fill(&mut there, &mut piece)?;
                let begin = if at > 0 { reader.boundary(&piece[..filled]) } else { Some(0) };
                let end = memchr::memrchr(b'\n', &piece[..filled]).map(|at| at + 1);
                if let (Some(begin), Some(end)) = (begin, end) {
                    reader.feed(&piece[begin..end]);
                }
            }
            self.show(reader.snapshot(), size);
        }
        Ok(())
    }

    /// A plain file as it lies in memory, for a reader that gains from it.
    fn whole(&self, stream: &Measured, reader: &dyn Reader) -> Option<Whole> {
        let fits = reader.takes_whole() && stream.plain().is_some_and(|length| length <= LARGEST_WHOLE);
        fits.then(|| Some(Arc::new(objects::mapped(self.path)?) as Whole))?
    }

    /// All of a mapped file for each of several readers, where each can take a share of the samples; else for one.
    fn divide(
        &self,
        mut first: Box<dyn Reader + Send>,
        whole: &Whole,
        each: &Each,
    ) -> Result<Box<dyn Reader + Send>, Problem> {
        let bytes = (**whole).as_ref();
        let count = cores().min(MOST_SHARES).min(bytes.len() as u64 / PART) as usize;
        if count < 2 || !first.take_share(bytes, 0, count) {
            self.feed(&mut *first, Looks::Shown, each, in_place(whole))?;
            return Ok(first);
        }
        let end = |reader: &mut dyn Reader| {
            reader.end();
            each(reader);
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..count)
                .map(|part| {
                    scope.spawn(move || {
                        let mut reader = (self.format.open)();
                        reader.take_share(bytes, part, count);
                        self.feed(&mut *reader, Looks::OfAnother, each, in_place(whole))?;
                        end(&mut *reader);
                        Ok(reader)
                    })
                })
                .collect();
            self.feed(&mut *first, Looks::Shown, each, in_place(whole))?;
            end(&mut *first);
            for other in others {
                first.join(other.join().expect("readers report problems, they do not panic")?);
            }
            Ok(first)
        })
    }

    /// Hands out what a reader knows when it has all bytes, where it could say nothing before.
    pub(super) fn show_first(&self, reader: &dyn Reader) {
        if self.is_large() && !self.seen.is_shown.load(Ordering::Relaxed) {
            self.show(reader.snapshot(), self.seen.bytes.load(Ordering::Relaxed));
        }
    }

    /// Hands out what was read, where nothing was shown yet or its frames are addresses: all of it can be named by symbols before
    /// lines are found.
    pub(super) fn show_whole(&self, profile: &Profile) {
        let is_news = !profile.addresses.is_empty() || !self.seen.is_shown.load(Ordering::Relaxed);
        if self.is_large() && is_news && self.looks.is_some() {
            self.show(profile.clone(), self.seen.bytes.load(Ordering::Relaxed));
        }
    }

    fn is_large(&self) -> bool {
        self.looks.is_some() && self.seen.bytes.load(Ordering::Relaxed) >= FIRST_LOOK
    }

    fn show(&self, profile: Profile, bytes: u64) {
        let says_something = !profile.samples.is_empty() || !profile.spans.is_empty() || !profile.requests.is_empty();
        if let Some(looks) = self.looks.filter(|_| says_something) {
            self.seen.is_shown.store(true, Ordering::Relaxed);
            // A reader that has all of it in memory may have looked farther than it has read.
            let bytes = profile.sources.first().map_or(bytes, |source| bytes.max(source.bytes));
            // Nobody looks any more: the analysis needs no provisional numbers.
            let _ = looks.send(Look { source: self.shown.to_owned(), profile, bytes, place: self.place });
        }
    }

    /// Where the file is cut, one part a core; `None` if one reader takes all.
    fn parts(&self, length: u64, reader: &(dyn Reader + Send)) -> Option<Vec<Range<u64>>> {
        let count = cores().min(length / PART);
        let mut cuts = vec![0];
        for at in (1..count).map(|n| length / count * n) {
            let mut piece = vec![0; SOUGHT as usize];
            let mut there = files::open_part(self.path, self.shown, at..(at + SOUGHT).min(length)).ok()?;
            let filled = fill(&mut there, &mut piece).ok()?;
            cuts.push(at + reader.boundary(&piece[..filled])? as u64);
        }
        cuts.push(length);
        let parts: Vec<Range<u64>> = cuts.windows(2).map(|pair| pair[0]..pair[1]).collect();
        (count > 1 && parts.iter().all(|p| p.start < p.end)).then_some(parts)
    }

    fn share(
        &self,
        first: Box<dyn Reader + Send>,
        parts: &[Range<u64>],
        looks: Looks,
    ) -> Result<Box<dyn Reader + Send>, Problem> {
        let open = |part: &Range<u64>| files::open_part(self.path, self.shown, part.clone());
        std::thread::scope(|scope| {
            let later: Vec<_> = parts[1..]
                .iter()
                .map(|part| {
                    scope.spawn(move || {
                        let mut reader = (self.format.open)();
                        self.feed(&mut *reader, Looks::Counted, &|_| {}, copied(&mut open(part)?))?;
                        Ok(reader)
                    })
                })
                .collect();
            let mut reader = first;
            self.feed(&mut *reader, looks, &|_| {}, copied(&mut open(&parts[0])?))?;
            for part in later {
                reader.join(part.join().expect("readers report problems, they do not panic")?);
            }
            Ok(reader)
        })
    }

    /// Feeds a reader piece by piece; `next` feeds one and gives its length.
    fn feed(
        &self,
        reader: &mut (dyn Reader + Send),
        looks: Looks,
        each: &Each,
        mut next: impl FnMut(&mut dyn Reader) -> Result<usize, Problem>,
    ) -> Result<(), Problem> {
        // Of a file that is shared only this part decides: what others have read by now is chance.
        let (mut next_look, mut bytes) = (FIRST_LOOK, 0);
        loop {
            if self.ear.cancel.is_cancelled() {
                return Err(Problem::error("stopped"));
            }
            let read = next(reader)?;
            if read == 0 {
                return Ok(());
            }
            each(reader);
            bytes += read as u64;
            if looks != Looks::OfAnother {
                self.seen.bytes.fetch_add(read as u64, Ordering::Relaxed);
            }
            if self.looks.is_some() && looks == Looks::Shown && bytes >= next_look {
                // Half as much again: what is copied for all looks stays a small multiple of what is read.
                next_look = bytes + (bytes / 2).min(LONGEST_STEP);
                self.show(reader.snapshot(), bytes);
            }
        }
    }
}

/// Feeds what a stream gives.
fn copied(stream: &mut Measured) -> impl FnMut(&mut dyn Reader) -> Result<usize, Problem> {
    let mut piece = vec![0; PIECE];
    move |reader| {
        let read = stream.fill(&mut piece)?;
        if read > 0 {
            reader.feed(&piece[..read]);
        }
        Ok(read)
    }
}

/// Feeds what lies in memory.
fn in_place(whole: &Whole) -> impl FnMut(&mut dyn Reader) -> Result<usize, Problem> {
    let mut at = 0;
    move |reader| {
        let end = (at + PIECE).min((**whole).as_ref().len());
        let part = std::mem::replace(&mut at, end)..end;
        if !part.is_empty() {
            reader.feed_part(whole, part.clone());
        }
        Ok(part.len())
    }
}

/// Fills a buffer as far as the stream reaches.
fn fill(stream: &mut Measured, buffer: &mut [u8]) -> Result<usize, Problem> {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.fill(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}
