//! Any bytes in; nothing out, unless a reader or what comes after it panics.

use std::sync::Arc;

use refit::attribute::{self, Filter, Lens, Options};
use refit::profile::{self, Format, REGISTRY, Reader, Whole};

/// The format of a name.
///
/// # Panics
/// No such format.
pub fn format(name: &str) -> &'static Format {
    REGISTRY.iter().find(|f| f.name == name).expect("a format of the registry")
}

/// Lets a reader have the bytes in pieces of several sizes, shares them where it can, and asks what it made of them.
///
/// # Panics
/// Where a reader, or what comes after it, is at fault.
pub fn drive(format: &Format, bytes: &[u8]) {
    let _ = profile::sniff(bytes);
    let whole = in_pieces(format, bytes, bytes.len().max(1));
    let cut = in_pieces(format, bytes, 1 + bytes.len() % 61);
    assert!(whole == cut, "{} reads other things in other pieces", format.name);
    cut_in_two(format, bytes);
    by_shares(format, bytes);
    looked_at_in_place(format, bytes);
    let merged = profile::merge(vec![whole.0, cut.0]);
    let attribution = attribute::attribute(&merged, &[], &Options::default());
    assert!(attribution.requests.len() <= merged.requests.len());
    let lens = Lens::new(&merged, &[], &Options::default());
    lens.rank(&Filter { time: Some(5..u64::MAX), requests: Some(vec![0, 1]), ..Filter::default() });
    lens.search("a", &Filter { threads: vec![7], ..Filter::default() });
}

fn in_pieces(format: &Format, bytes: &[u8], size: usize) -> (refit::model::Profile, Vec<refit::model::Problem>) {
    let mut reader = (format.open)();
    for (at, piece) in bytes.chunks(size).enumerate() {
        reader.feed(piece);
        if at == 3 {
            shown(&*reader);
        }
    }
    // Formats that are read whole show some of their samples then.
    reader.end();
    shown(&*reader);
    reader.finish()
}

/// Ranks what is known so far, as the screen does.
fn shown(reader: &dyn Reader) {
    for share in attribute::shares(&reader.snapshot(), &[], &Options::default()) {
        assert!(share.interval.low <= share.interval.high, "{share:?}");
    }
}

/// Some readers look farther than they have read where all lies in memory.
fn looked_at_in_place(format: &Format, bytes: &[u8]) {
    let mut reader = (format.open)();
    if reader.takes_whole() {
        let whole: Whole = Arc::new(bytes.to_vec());
        reader.feed_part(&whole, 0..bytes.len() / 2);
        shown(&*reader);
        reader.feed_part(&whole, bytes.len() / 2..bytes.len());
        reader.end();
        shown(&*reader);
        reader.finish();
    }
}

/// All of the bytes for each of two readers that take a share of the samples, where they can.
fn by_shares(format: &Format, bytes: &[u8]) {
    let whole: Whole = Arc::new(bytes.to_vec());
    let read = |part, of| {
        let mut reader = (format.open)();
        let takes = reader.take_share(bytes, part, of);
        takes.then(|| {
            reader.feed_part(&whole, 0..bytes.len());
            answered_with_nothing(&mut *reader);
            reader.end();
            answered_with_nothing(&mut *reader);
            reader
        })
    };
    if let (Some(mut first), Some(second), Some(alone)) = (read(0, 2), read(1, 2), read(0, 1)) {
        first.join(second);
        assert!(first.finish() == alone.finish(), "{}: shares are not the whole", format.name);
    }
}

fn answered_with_nothing(reader: &mut dyn Reader) {
    while let asked @ [_, ..] = &reader.asks()[..] {
        asked.iter().for_each(|object| reader.answer(object, None));
    }
}

fn cut_in_two(format: &Format, bytes: &[u8]) {
    let mut first = (format.open)();
    if let Some(at) = first.boundary(&bytes[bytes.len() / 2..]) {
        let (before, after) = bytes.split_at(bytes.len() / 2 + at);
        let mut second = (format.open)();
        first.feed(before);
        second.feed(after);
        first.join(second);
        first.finish();
    }
}
