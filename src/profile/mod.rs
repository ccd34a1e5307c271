//! A stream of bytes in, a [`Profile`] out; one file per format.

mod folded;
mod intern;
mod lines;
mod merge;
mod otlp;
mod otlp_json;
mod perf_frame;
mod perf_header;
mod perf_script;
mod request_log;
mod trouble;

use crate::model::{Problem, Profile};

pub use merge::merge;

/// A format that Refit reads: recognised by content, never by name.
pub struct Format {
    /// Name shown in listings, `perf script`.
    pub name: &'static str,
    /// True if the first bytes (up to 64 KiB, decompressed) are of this format.
    pub sniff: fn(&[u8]) -> bool,
    /// Opens a reader.
    pub open: fn() -> Box<dyn Reader + Send>,
}

/// Takes the bytes of one source piece by piece; stays pure.
pub trait Reader {
    /// Takes the next bytes (decompressed).
    fn feed(&mut self, bytes: &[u8]);
    /// What is known so far: a provisional profile.
    fn snapshot(&self) -> Profile;
    /// Ends the stream. Problems name the line or record.
    fn finish(self: Box<Self>) -> (Profile, Vec<Problem>);
}

/// All formats, tried in this order.
pub const REGISTRY: &[&Format] = &[&perf_script::FORMAT, &request_log::FORMAT, &otlp::FORMAT, &folded::FORMAT];

/// The format of a source, told by its first bytes (decompressed).
pub fn sniff(head: &[u8]) -> Option<&'static Format> {
    REGISTRY.iter().copied().find(|f| (f.sniff)(head))
}
