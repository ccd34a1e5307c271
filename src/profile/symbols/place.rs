//! A profile with frames that are addresses and tables of what stands there in; the same profile with named frames out.

use std::collections::BTreeSet;

use super::super::intern::Stacks;
use super::super::perf_script::is_start;
use super::table::Table;
use crate::model::{AddressBase, Frame, FrameId, NO_LEAF, NodeId, Profile};

/// Symbol of a frame of which nothing is known.
const UNKNOWN: &str = "[unknown]";

/// The recorded addresses in one object file, each once.
pub fn addresses_of(profile: &Profile, object: u32) -> Vec<(AddressBase, u64)> {
    let of_object = profile.addresses.iter().filter(|a| a.object == object);
    of_object.map(|a| (a.base, a.address)).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Names the frames that are addresses; `tables` holds one entry per object file, `None` where it could not be had.
///
/// A frame becomes as many as functions stand at its address: the one that exists and those inlined into it.
pub fn symbolicate(mut profile: Profile, tables: &[Option<&Table>]) -> Profile {
    if profile.addresses.is_empty() {
        profile.objects.clear();
        return profile;
    }
    let mut stacks = Stacks::default();
    let frames = named(&profile, tables, &mut stacks);
    let mut nodes: Vec<NodeId> = Vec::with_capacity(profile.nodes.len());
    for node in &profile.nodes {
        let caller = node.parent.map(|p| nodes[p.0 as usize]);
        let chain = frames[node.frame.0 as usize].iter().rev();
        let leaf = chain.fold(caller, |caller, frame| Some(stacks.child(caller, *frame)));
        nodes.push(leaf.expect("every frame becomes at least one"));
    }
    for leaf in profile.samples.leaves_mut().iter_mut().filter(|leaf| **leaf != NO_LEAF) {
        *leaf = nodes[*leaf as usize].0;
    }
    for off in &mut profile.off_cpu {
        off.leaf = off.leaf.map(|leaf| nodes[leaf.0 as usize]);
    }
    for allocated in &mut profile.allocated {
        allocated.leaf = allocated.leaf.map(|leaf| nodes[leaf.0 as usize]);
    }
    (profile.frames, profile.nodes) = stacks.into_parts();
    profile.objects.clear();
    profile.addresses.clear();
    count(&mut profile);
    profile
}

/// For each frame of the profile the frames that it becomes, innermost first.
fn named(profile: &Profile, tables: &[Option<&Table>], stacks: &mut Stacks) -> Vec<Vec<FrameId>> {
    let mut frames: Vec<Vec<FrameId>> = vec![Vec::new(); profile.frames.len()];
    for address in &profile.addresses {
        let old = &profile.frames[address.frame.0 as usize];
        let table = tables.get(address.object as usize).copied().flatten();
        let at = table.and_then(|t| Some((t, t.address(address.base, address.address)?)));
        let standing: Vec<Frame> = at.map(|(table, at)| standing(table, at, &old.object)).unwrap_or_default();
        frames[address.frame.0 as usize] = match standing.is_empty() {
            true => vec![stacks.frame(Frame { symbol: UNKNOWN.into(), ..old.clone() })],
            false => standing.into_iter().map(|f| stacks.frame(f)).collect(),
        };
    }
    for (new, old) in frames.iter_mut().zip(&profile.frames) {
        if new.is_empty() {
            new.push(stacks.frame(old.clone()));
        }
    }
    frames
}

fn standing(table: &Table, at: u64, object: &str) -> Vec<Frame> {
    let count = table.at(at).count();
    let frame = |(position, (symbol, file, line)): (usize, (&str, &str, u32))| Frame {
        symbol: if symbol.is_empty() { UNKNOWN.into() } else { symbol.into() },
        object: object.into(),
        file: file.into(),
        line,
        inlined: position + 1 < count,
    };
    table.at(at).enumerate().map(frame).collect()
}

/// Counts what stayed without a name, and stacks that do not reach the start of their thread.
fn count(profile: &mut Profile) {
    let mut unknown: Vec<u64> = Vec::with_capacity(profile.nodes.len());
    let mut starts: Vec<bool> = Vec::with_capacity(profile.nodes.len());
    for node in &profile.nodes {
        let frame = &profile.frames[node.frame.0 as usize];
        let (above, start) = match node.parent {
            Some(parent) => (unknown[parent.0 as usize], starts[parent.0 as usize]),
            None => (0, is_start(&frame.symbol) || is_unnamed_libc(frame)),
        };
        unknown.push(above + u64::from(frame.symbol == UNKNOWN));
        starts.push(start);
    }
    let leaves = || profile.samples.leaves().iter().filter(|leaf| **leaf != NO_LEAF).map(|leaf| *leaf as usize);
    let (unresolved, whole) = (leaves().map(|l| unknown[l]).sum(), leaves().filter(|l| starts[*l]).count());
    let truncated = profile.samples.len() - whole;
    if let Some(source) = profile.sources.first_mut() {
        (source.unresolved, source.truncated) = (unresolved, truncated as u64);
    }
}

/// The outermost frame of a complete stack lies in libc, where distributions leave inner functions without a symbol.
fn is_unnamed_libc(frame: &Frame) -> bool {
    let name = frame.object.rsplit('/').next().unwrap_or_default();
    frame.symbol == UNKNOWN && (name.starts_with("libc.so") || name.starts_with("libc-2") || name.starts_with("ld-"))
}

#[cfg(test)]
mod tests {
    use super::super::table::Standing;
    use super::*;
    use crate::model::{AddressFrame, Node, ObjectFile, Sample, SourceQuality};

    fn unnamed() -> Profile {
        let frame = |symbol: &str| Frame { symbol: symbol.into(), object: "/svc".into(), ..Frame::default() };
        let address =
            |frame, address| AddressFrame { frame: FrameId(frame), object: 0, address, base: AddressBase::Absolute };
        Profile {
            frames: vec![frame("0x10"), frame("0x20"), frame("0x30")],
            nodes: vec![
                Node { parent: None, frame: FrameId(0) },
                Node { parent: Some(NodeId(0)), frame: FrameId(1) },
                Node { parent: Some(NodeId(1)), frame: FrameId(2) },
            ],
            samples: [Sample { leaf: Some(NodeId(2)), weight: 1, time_ns: None, tid: None }].into(),
            objects: vec![ObjectFile { path: "/svc".into(), build_id: String::new() }],
            addresses: vec![address(0, 0x10), address(1, 0x20), address(2, 0x30)],
            sources: vec![SourceQuality::default()],
            ..Profile::default()
        }
    }

    fn stack(profile: &Profile) -> Vec<String> {
        let leaf = profile.samples.at(0).leaf;
        let nodes = std::iter::successors(leaf, |n| profile.nodes[n.0 as usize].parent);
        let frames = nodes.map(|n| &profile.frames[profile.nodes[n.0 as usize].frame.0 as usize]);
        frames.map(|f| format!("{}:{}{}", f.symbol, f.line, if f.inlined { " inlined" } else { "" })).collect()
    }

    #[test]
    fn inlined_functions_become_frames_of_their_own() {
        let standing = |symbol: &str, line| Standing { symbol: symbol.into(), file: "a.rs".into(), line };
        let mut table = Table::new(Vec::new());
        table.insert(0x10, &[standing("_start", 0)]);
        table.insert(0x20, &[standing("mix", 3), standing("spin", 9), standing("work", 20)]);
        let profile = symbolicate(unnamed(), &[Some(&table)]);
        assert_eq!(stack(&profile), ["[unknown]:0", "mix:3 inlined", "spin:9 inlined", "work:20", "_start:0"]);
        assert_eq!((profile.sources[0].unresolved, profile.sources[0].truncated), (1, 0));
        assert!(profile.addresses.is_empty() && profile.objects.is_empty());
    }

    #[test]
    fn without_the_object_file_nothing_is_named() {
        let profile = symbolicate(unnamed(), &[None]);
        assert_eq!(stack(&profile), ["[unknown]:0"; 3]);
        assert_eq!((profile.sources[0].unresolved, profile.sources[0].truncated), (3, 1));
    }
}
