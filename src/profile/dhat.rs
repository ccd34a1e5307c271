//! `dhat-heap.json` of dhat-rs or Valgrind's DHAT in; what was allocated on which stack out.
//!
//! Format: version 2 of DHAT's output (`dhat-rs`, `src/lib.rs`). Frames are texts in a table, and source paths are cut to their
//! last parts, so files are matched by their ends.
//!
//! What is shown first are blocks that are drawn from all that were allocated: for that only the counts of the points are read,
//! and the points that were drawn.

mod drawn;

use serde::Deserialize;

use super::Format;
use super::document::{json, whole_and_some};
use super::intern::Stacks;
use super::trouble::counted;
use crate::model::{Allocated, Frame, FrameId, NodeId, Problem, Profile, Sample, SourceQuality, Unit};

/// DHAT's heap profile.
pub const FORMAT: Format = Format { name: "DHAT heap profile", sniff, open: || whole_and_some(read, some) };

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
    let leaves = leaves(&file, &mut stacks);
    let malformed = leaves.iter().filter(|leaf| leaf.is_none()).count() as u64;
    let points = file.pps.iter().zip(leaves).filter_map(|(point, leaf)| Some((point, leaf?)));
    let allocated: Vec<Allocated> =
        points.map(|(point, leaf)| Allocated { leaf, blocks: point.tbk, bytes: point.tb }).collect();
    let problems = problems(&file.mode, allocated.len(), malformed);
    let blocks = allocated.iter().fold(0, |sum: u64, a| sum.saturating_add(a.blocks));
    let quality = SourceQuality { samples: blocks, malformed, is_counted: true, ..quality() };
    let (frames, nodes) = stacks.into_parts();
    let profile =
        Profile { frames, nodes, allocated, unit: Unit::Blocks, sources: vec![quality], ..Profile::default() };
    (profile, problems)
}

fn quality() -> SourceQuality {
    SourceQuality {
        format: FORMAT.name.into(),
        event: "allocations".into(),
        unit: Unit::Blocks,
        ..SourceQuality::default()
    }
}

/// The stack of every point; `None` for one that names a frame which is not in the table.
fn leaves(file: &File, stacks: &mut Stacks) -> Vec<Option<Option<NodeId>>> {
    let frames: Vec<FrameId> = file.ftbl.iter().map(|text| stacks.frame(frame(text))).collect();
    let root = file.ftbl.iter().position(|text| text == "[root]");
    let leaf = |point: &Point| {
        let known = point.fs.iter().filter(|f| Some(**f) != root);
        let stack: Vec<FrameId> = known.map(|f| frames.get(*f).copied()).collect::<Option<_>>()?;
        Some(stacks.node(&stack))
    };
    file.pps.iter().map(leaf).collect()
}

/// Some of the blocks, each of them as likely as any other, as samples of what allocates.
fn some(bytes: &[u8]) -> Profile {
    let Some((small, draws)) = drawn::drawn(bytes) else { return Profile::default() };
    let Ok(file) = json::<File>(&small, "DHAT file") else { return Profile::default() };
    let mut stacks = Stacks::default();
    let points = leaves(&file, &mut stacks).into_iter().zip(draws).filter_map(|(leaf, draws)| Some((leaf?, draws)));
    let sample = |leaf| Sample { leaf, weight: 1, time_ns: None, tid: None };
    let samples = points.flat_map(|(leaf, draws)| std::iter::repeat_n(sample(leaf), draws)).collect();
    let (frames, nodes) = stacks.into_parts();
    Profile {
        frames,
        nodes,
        samples,
        unit: Unit::Blocks,
        sources: vec![SourceQuality { bytes: bytes.len() as u64, ..quality() }],
        ..Profile::default()
    }
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
