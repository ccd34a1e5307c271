//! `dhat-heap.json` of dhat-rs or Valgrind's DHAT in; what was allocated on which stack out.
//!
//! Format: version 2 of DHAT's output (`dhat-rs`, `src/lib.rs`). Frames are texts in a table, and source paths are cut to their
//! last parts, so files are matched by their ends.

use serde::Deserialize;

use super::Format;
use super::document::{json, whole};
use super::intern::Stacks;
use super::trouble::counted;
use crate::model::{Allocated, Frame, FrameId, Problem, Profile, SourceQuality, Unit};

/// DHAT's heap profile.
pub const FORMAT: Format = Format { name: "DHAT heap profile", sniff, open: || whole(read) };

fn sniff(head: &[u8]) -> bool {
    head.trim_ascii_start().starts_with(b"{") && memchr::memmem::find(head, b"\"dhatFileVersion\"").is_some()
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    mode: String,
    /// Program points.
    pps: Vec<Point>,
    ftbl: Vec<String>,
}

#[derive(Deserialize)]
struct Point {
    /// Bytes in total; units where the mode is ad hoc.
    #[serde(default)]
    tb: u64,
    /// Blocks in total; events where the mode is ad hoc.
    #[serde(default)]
    tbk: u64,
    /// Frames from the innermost outwards.
    #[serde(default)]
    fs: Vec<usize>,
}

fn read(bytes: &[u8]) -> (Profile, Vec<Problem>) {
    match json::<File>(bytes, "DHAT file") {
        Ok(file) => profile(file),
        Err(problem) => (Profile::default(), vec![problem]),
    }
}

fn profile(file: File) -> (Profile, Vec<Problem>) {
    let mut stacks = Stacks::default();
    let frames: Vec<FrameId> = file.ftbl.iter().map(|text| stacks.frame(frame(text))).collect();
    let root = file.ftbl.iter().position(|text| text == "[root]");
    let (mut allocated, mut malformed) = (Vec::with_capacity(file.pps.len()), 0);
    for point in &file.pps {
        let known = |f: &usize| Some(*f) != root;
        let stack: Option<Vec<FrameId>> =
            point.fs.iter().filter(|f| known(f)).map(|f| frames.get(*f).copied()).collect();
        match stack {
            Some(stack) => {
                allocated.push(Allocated { leaf: stacks.node(&stack), blocks: point.tbk, bytes: point.tb });
            }
            None => malformed += 1,
        }
    }
    let problems = problems(&file.mode, allocated.len(), malformed);
    let blocks: u64 = allocated.iter().fold(0, |sum, a: &Allocated| sum.saturating_add(a.blocks));
    let quality = SourceQuality {
        format: FORMAT.name.into(),
        samples: blocks,
        malformed,
        event: "allocations".into(),
        unit: Unit::Blocks,
        ..SourceQuality::default()
    };
    let (frames, nodes) = stacks.into_parts();
    let profile =
        Profile { frames, nodes, allocated, unit: Unit::Blocks, sources: vec![quality], ..Profile::default() };
    (profile, problems)
}

fn problems(mode: &str, points: usize, malformed: u64) -> Vec<Problem> {
    let mut problems = Vec::new();
    if points == 0 {
        let help = "set `dhat::Alloc` as the global allocator, and keep the profiler until the program ends";
        problems.push(Problem::error("there is no allocation in this DHAT file").help(help));
    }
    if malformed > 0 {
        let what = format!("{} a frame that is not in the table: left out", naming(malformed));
        problems.push(Problem::warning(what).help("was the file cut and mended?"));
    }
    if mode == "ad-hoc" {
        problems
            .push(Problem::note("this DHAT file counts events of its own, not allocations: they are shown as blocks"));
    }
    problems
}

fn naming(points: u64) -> String {
    let verb = if points == 1 { "names" } else { "name" };
    format!("{} {verb}", counted(points, "allocation point"))
}

/// `0x10ae8441b: alloc::vec::Vec<T,A>::with_capacity_in (src/vec/mod.rs:609:20)`, `0x1234: main (in /opt/a.out)`.
fn frame(text: &str) -> Frame {
    let named = match text.split_once(": ") {
        Some((address, rest)) if address.starts_with("0x") => rest,
        _ => text,
    };
    let Some((symbol, place)) = named.strip_suffix(')').and_then(|t| t.rsplit_once(" (")) else {
        return Frame { symbol: named.to_owned(), ..Frame::default() };
    };
    let symbol = if symbol == "???" { "[unknown]" } else { symbol }.to_owned();
    if let Some(object) = place.strip_prefix("in ") {
        return Frame { symbol, object: object.to_owned(), ..Frame::default() };
    }
    // The file, its line, and with dhat-rs a column.
    let numbers: Vec<&str> = place.rsplitn(3, ':').collect();
    let (file, line) = match numbers[..] {
        [_column, line, file] if line.parse::<u32>().is_ok() => (file.to_owned(), line),
        _ => match place.rsplit_once(':') {
            Some((file, line)) => (file.to_owned(), line),
            None => (place.to_owned(), "0"),
        },
    };
    Frame { symbol, file, line: line.parse().unwrap_or(0), ..Frame::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_dhat_rs_and_of_valgrind() {
        let of = |text| {
            let frame = frame(text);
            (frame.symbol, frame.object, frame.file, frame.line)
        };
        let is = |s: &str, o: &str, f: &str, l| (s.to_owned(), o.to_owned(), f.to_owned(), l);
        assert_eq!(
            of("0x10ae8441b: alloc::vec::Vec<T,A>::with_capacity_in (src/vec/mod.rs:609:20)"),
            is("alloc::vec::Vec<T,A>::with_capacity_in", "", "src/vec/mod.rs", 609)
        );
        assert_eq!(of("0x48397EF: malloc (vg_replace_malloc.c:381)"), is("malloc", "", "vg_replace_malloc.c", 381));
        assert_eq!(of("0x109197: ??? (in /opt/my app/a.out)"), is("[unknown]", "/opt/my app/a.out", "", 0));
        assert_eq!(of("0x1: <S as T<(u8, u8)>>::f (a b.rs:1:2)"), is("<S as T<(u8, u8)>>::f", "", "a b.rs", 1));
        assert_eq!(of("0x1: no_place"), is("no_place", "", "", 0));
    }

    #[test]
    fn allocations_keep_blocks_and_bytes_by_stack() {
        let text = r#"{"dhatFileVersion":2,"mode":"rust-heap","verb":"Allocated","bklt":true,"tu":"µs","cmd":"svc","pid":7,"te":9,
"pps":[{"tb":800,"tbk":100,"tl":5,"fs":[1,2]},{"tb":24,"tbk":1,"fs":[2]},{"tb":1,"tbk":1,"fs":[9]}],
"ftbl":["[root]","0x1: gw::copy (src/main.rs:4:5)","0x2: gw::main (src/main.rs:9:1)"]}"#;
        assert!(sniff(text.as_bytes()));
        let (profile, problems) = read(text.as_bytes());
        let found: Vec<_> = profile.allocated.iter().map(|a| (a.blocks, a.bytes)).collect();
        assert_eq!((found, profile.sources[0].samples), (vec![(100, 800), (1, 24)], 101));
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].what, "1 allocation point names a frame that is not in the table: left out");
    }
}
