//! A stream of bytes in, a [`Profile`] out; one file per format.

mod align;
mod callgrind;
mod chrome_events;
mod chrome_trace;
mod criterion;
mod dhat;
mod document;
mod firefox;
mod folded;
mod intern;
mod jaeger;
mod line_table;
mod lines;
mod lost_callers;
mod marks;
mod merge;
mod otlp;
mod otlp_json;
mod otlp_protobuf;
mod perf_data;
mod perf_event;
mod perf_frame;
mod perf_header;
mod perf_script;
mod perf_switch;
mod pprof;
mod pprof_choice;
mod protobuf;
mod request_log;
mod scalar;
mod speedscope;
pub mod symbols;
mod thinned;
mod trace;
mod trouble;

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use crate::model::{ObjectFile, Problem, Profile};

pub use lost_callers::mark_lost_callers;
pub use merge::merge;
pub use perf_data::join_perf_folder;

/// A format that Refit reads: recognised by content, never by name.
pub struct Format {
    /// Name shown in listings, `perf script`.
    pub name: &'static str,
    /// True if the first bytes (up to 64 KiB, decompressed) are of this format.
    pub sniff: fn(&[u8]) -> bool,
    /// Opens a reader.
    pub open: fn() -> Box<dyn Reader + Send>,
}

/// All bytes of a source, in a place where they stay.
pub type Whole = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Takes the bytes of one source piece by piece; stays pure. Formats made of lines have it from [`lines::by_lines`],
/// those that only a whole file tells from [`document::whole_and_some`].
pub trait Reader: Any {
    /// Takes the next bytes (decompressed).
    fn feed(&mut self, bytes: &[u8]);
    /// True if it gains from [`Reader::feed_part`].
    fn takes_whole(&self) -> bool {
        false
    }
    /// Takes the next bytes, which are a part of the whole source: what has to wait need not be copied.
    fn feed_part(&mut self, whole: &Whole, part: Range<usize>) {
        self.feed(&(**whole).as_ref()[part]);
    }
    /// From now on it takes one of so many shares of the samples, as other readers that are given the same whole source take
    /// the others; false if one reader has to take all. Once all have ended they are joined in the order of their parts.
    fn take_share(&mut self, _whole: &[u8], _part: usize, _of: usize) -> bool {
        false
    }
    /// Object files that it needs before it can go on; it goes on once each was answered, or at the end without.
    fn asks(&mut self) -> Vec<ObjectFile> {
        Vec::new()
    }
    /// The bytes of an object file that it asked for; `None` where that is not to be had.
    fn answer(&mut self, _object: &ObjectFile, _bytes: Option<&Whole>) {}
    /// Nothing follows. What waited for the end is taken now, and may ask for object files; whoever cannot answer goes straight
    /// to [`Reader::finish`].
    fn end(&mut self) {}
    /// What is known so far: a provisional profile.
    fn snapshot(&self) -> Profile;
    /// Ends the stream. Problems name the line or record.
    fn finish(self: Box<Self>) -> (Profile, Vec<Problem>);

    /// True if its lines say the same in any order, so that their writers sort them: what is known before the end is then taken
    /// from all over the source.
    fn is_in_any_order(&self) -> bool {
        false
    }

    /// Where in these bytes from the middle of a source another reader may begin; `None` if one reader has to take all.
    fn boundary(&self, _bytes: &[u8]) -> Option<usize> {
        None
    }

    /// Takes over what a reader of the same format made of the bytes that follow, or of another share: as if this one had read
    /// them.
    fn join(&mut self, _later: Box<dyn Reader + Send>) {}
}

/// All formats, tried in this order.
pub const REGISTRY: &[&Format] = &[
    &pprof::FORMAT,
    &firefox::FORMAT,
    &callgrind::FORMAT,
    &perf_data::FORMAT,
    &criterion::FORMAT,
    &dhat::FORMAT,
    &speedscope::FORMAT,
    &chrome_trace::FORMAT,
    &perf_script::FORMAT,
    &request_log::FORMAT,
    &jaeger::FORMAT,
    &otlp::FORMAT,
    &otlp_protobuf::FORMAT,
    &folded::FORMAT,
];

/// The format of a source, told by its first bytes (decompressed).
pub fn sniff(head: &[u8]) -> Option<&'static Format> {
    REGISTRY.iter().copied().find(|f| (f.sniff)(head))
}
