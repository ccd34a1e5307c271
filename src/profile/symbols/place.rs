//! A profile with frames that are addresses and tables of what stands there in; the same profile with named frames out.

use std::collections::HashSet;

use super::super::intern::{FastMap, Stacks};
use super::super::perf_script::is_start;
use super::table::{Asked, Numbered, Table};
use crate::model::{AddressBase, AddressFrame, Frame, FrameId, LOST_CALLER, NO_LEAF, Node, NodeId, Profile};

/// Symbol of a frame of which nothing is known.
const UNKNOWN: &str = "[unknown]";

/// The recorded addresses in one object file, each once.
pub fn addresses_of(profile: &Profile, object: u32) -> Vec<Asked> {
    let of_object = profile.addresses.iter().filter(|a| a.object == object);
    let mut all: Vec<Asked> = of_object.map(asked).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn asked(frame: &AddressFrame) -> Asked {
    Asked { base: frame.base, address: frame.address, is_callee: frame.is_callee }
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
    let mut nodes: Vec<Option<NodeId>> = Vec::with_capacity(profile.nodes.len());
    for node in &profile.nodes {
        let named = |node: &Node| &frames[node.frame.0 as usize];
        let mut caller = node.parent.and_then(|p| nodes[p.0 as usize]);
        let entered = node.parent.map(|p| named(&profile.nodes[p.0 as usize])).filter(|parent| parent.is_callee);
        if let Some(entered) = entered.filter(|e| is_skipped(e, named(node), &stacks)) {
            caller = chained(caller, &entered.frames, &mut stacks);
        }
        // Of a function that is entered only what it entered in turn is a stack of its own.
        let own = if named(node).is_callee { caller } else { chained(caller, &named(node).frames, &mut stacks) };
        nodes.push(own);
    }
    let node = |old: u32| nodes[old as usize].map_or(NO_LEAF, |n| n.0);
    for leaf in profile.samples.leaves_mut().iter_mut().filter(|leaf| **leaf != NO_LEAF) {
        *leaf = node(*leaf);
    }
    for off in &mut profile.off_cpu {
        off.leaf = off.leaf.and_then(|leaf| nodes[leaf.0 as usize]);
    }
    for allocated in &mut profile.allocated {
        allocated.leaf = allocated.leaf.and_then(|leaf| nodes[leaf.0 as usize]);
    }
    (profile.frames, profile.nodes) = stacks.into_parts();
    profile.objects.clear();
    profile.addresses.clear();
    count(&mut profile);
    profile
}

/// Leaves what `perf script` names of a `perf.data`: the stacks as they were recorded, without the functions that calls are
/// told to have entered.
///
/// Where stacks follow frame pointers, and in the kernel, perf names what stands at the address that a call returns to, not
/// the call before it: behind a call that never returns that is the next function. Here it is done alike.
pub fn as_perf_names(profile: &mut Profile) {
    let told: HashSet<FrameId> = profile.addresses.iter().filter(|a| a.is_callee).map(|a| a.frame).collect();
    for at in 0..profile.nodes.len() {
        let mut parent = profile.nodes[at].parent;
        // Callers stand before what they call.
        while let Some(skipped) = parent.map(|p| profile.nodes[p.0 as usize]).filter(|p| told.contains(&p.frame)) {
            parent = skipped.parent;
        }
        profile.nodes[at].parent = parent;
    }
    profile.addresses.retain(|a| !a.is_callee);
    for address in profile.addresses.iter_mut().filter(|a| a.is_caller) {
        if !told.is_empty() || address.base == AddressBase::Absolute {
            address.address += 1;
        }
    }
}

fn chained(caller: Option<NodeId>, innermost_first: &[FrameId], stacks: &mut Stacks) -> Option<NodeId> {
    innermost_first.iter().rev().fold(caller, |caller, frame| Some(stacks.child(caller, *frame)))
}

/// What a frame of the profile becomes.
#[derive(Clone, Default)]
struct Named {
    /// The function that exists and those inlined into it, innermost first.
    frames: Vec<FrameId>,
    /// True for the function that a call enters.
    is_callee: bool,
}

/// True if the function that was entered is not the one that stands below it, so that it had no frame of its own to be
/// seen by. Where its name is not known, only C tells that somebody is missing: a call by pointer is no such sign.
fn is_skipped(entered: &Named, below: &Named, stacks: &Stacks) -> bool {
    let (Some(entered), Some(below)) = (entered.frames.last(), below.frames.last()) else { return false };
    let (entered, below) = (stacks.get(*entered), stacks.get(*below));
    match entered.symbol == LOST_CALLER {
        true => is_without_frames(&below.object),
        false => entered.symbol != below.symbol,
    }
}

/// True for object files whose functions keep no frame pointers.
pub fn is_without_frames(object: &str) -> bool {
    let name = object.rsplit('/').next().unwrap_or_default();
    ["libc.so", "libc-", "libm.so", "ld-linux", "ld-musl", "[vdso]"].iter().any(|without| name.starts_with(without))
}

/// For each frame of the profile what it becomes.
fn named(profile: &Profile, tables: &[Option<&Table>], stacks: &mut Stacks) -> Vec<Named> {
    let mut frames: Vec<Named> = vec![Named::default(); profile.frames.len()];
    let mut met = FastMap::default();
    for address in &profile.addresses {
        let old = &profile.frames[address.frame.0 as usize];
        let object = profile.objects.get(address.object as usize).map_or(&old.object, |object| &object.path);
        let table = tables.get(address.object as usize).copied().flatten();
        let at = table.and_then(|t| Some((t, t.key(asked(address))?)));
        let standing = at.map(|(table, at)| standing(table, at, (address.object, object), stacks, &mut met));
        let mut nameless =
            |symbol: &str| vec![stacks.frame(Frame { symbol: symbol.into(), object: object.clone(), ..old.clone() })];
        let named = match (standing, address.is_callee) {
            (Some(standing), true) => standing,
            (None, true) => nameless(LOST_CALLER),
            (Some(standing), false) if !standing.is_empty() => standing,
            (_, false) => nameless(UNKNOWN),
        };
        frames[address.frame.0 as usize] = Named { frames: named, is_callee: address.is_callee };
    }
    for (new, old) in frames.iter_mut().zip(&profile.frames).filter(|(new, _)| !new.is_callee && new.frames.is_empty())
    {
        new.frames.push(stacks.frame(old.clone()));
    }
    frames
}

/// The frames that were made: of an object file, what stands there, and whether it is inlined. A hundred thousand addresses
/// stand in a few thousand functions, whose long names are looked at once.
type Met = FastMap<(u32, Numbered, bool), FrameId>;

fn standing(table: &Table, at: u64, object: (u32, &str), stacks: &mut Stacks, met: &mut Met) -> Vec<FrameId> {
    let all = table.numbers_at(at);
    let frame = |(position, numbers): (usize, &Numbered)| {
        let inlined = position + 1 < all.len();
        *met.entry((object.0, *numbers, inlined)).or_insert_with(|| {
            let (symbol, file, line) = (table.text(numbers.0), table.text(numbers.1), numbers.2);
            let symbol = if symbol.is_empty() { UNKNOWN } else { symbol };
            stacks.frame(Frame { symbol: symbol.into(), object: object.1.into(), file: file.into(), line, inlined })
        })
    };
    all.iter().enumerate().map(frame).collect()
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
    use super::super::table::{CALLEE, Standing};
    use super::*;
    use crate::model::{AddressBase, ObjectFile, Sample, SourceQuality};

    fn unnamed() -> Profile {
        let frame = |symbol: &str| Frame { symbol: symbol.into(), object: "/svc".into(), ..Frame::default() };
        let address = |frame, address| AddressFrame {
            frame: FrameId(frame),
            object: 0,
            address,
            base: AddressBase::Absolute,
            is_caller: false,
            is_callee: false,
        };
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
    fn the_function_that_a_call_enters_stands_where_the_leaf_has_no_frame() {
        let mut profile = unnamed();
        profile.addresses[1].is_callee = true;
        let with = |entered: &str, leaf: &str| {
            let mut table = Table::new(Vec::new());
            let standing = |symbol: &str| [Standing { symbol: symbol.into(), ..Standing::default() }];
            table.insert(0x10, &standing("main"));
            table.insert(0x20 | CALLEE, &standing(entered));
            table.insert(0x30, &standing(leaf));
            stack(&symbolicate(profile.clone(), &[Some(&table)]))
        };
        assert_eq!(with("work", "memmove"), ["memmove:0", "work:0", "main:0"]);
        assert_eq!(with("work", "work"), ["work:0", "main:0"], "it has a frame of its own");
        assert_eq!(with(LOST_CALLER, "work"), ["work:0", "main:0"], "a call by pointer tells nothing");
        profile.frames[2].object = "/lib/libc.so.6".into();
        profile.objects.push(ObjectFile { path: "/lib/libc.so.6".into(), build_id: String::new() });
        profile.addresses[2].object = 1;
        let mut table = Table::new(Vec::new());
        table.insert(0x20 | CALLEE, &[Standing { symbol: LOST_CALLER.into(), ..Standing::default() }]);
        assert_eq!(
            stack(&symbolicate(profile, &[Some(&table), None])),
            ["[unknown]:0", "[caller without a frame]:0", "[unknown]:0"]
        );
    }

    #[test]
    fn without_the_object_file_nothing_is_named() {
        let profile = symbolicate(unnamed(), &[None]);
        assert_eq!(stack(&profile), ["[unknown]:0"; 3]);
        assert_eq!((profile.sources[0].unresolved, profile.sources[0].truncated), (3, 1));
    }
}
