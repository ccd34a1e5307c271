//! A profile with named frames in; the same with a mark where frame pointers did not show who called into libc out.
//!
//! libc keeps no frame pointers. Where stacks were read by them, the frame behind a leaf in libc is that of its caller's
//! caller: what called it is not on the stack. No text says how its stacks were read, but their outer ends do: frame
//! pointers stop at the function of libc that calls `main` or a thread's start, and unwind tables go on to `_start` or `clone`.

use std::collections::HashMap;

use super::symbols::is_without_frames;
use crate::model::{Frame, FrameId, LOST_CALLER, NO_LEAF, Node, NodeId, Problem, Profile};

/// Functions of libc at which frame pointers stop.
const INNER: [&str; 2] = ["__libc_start_call_main", "start_thread"];
/// The outermost functions, which only unwind tables reach.
const OUTER: [&str; 7] = ["_start", "_start_c", "clone", "clone3", "__clone", "__clone3", "thread_start"];

/// Puts [`LOST_CALLER`] behind the leaves whose caller is not shown, and says how many samples that are.
pub fn mark_lost_callers(profile: &mut Profile) -> Option<Problem> {
    if !follows_frame_pointers(profile) {
        return None;
    }
    let mut marked = Marked { lost: FrameId(0), children: HashMap::new(), moved: HashMap::new() };
    let mut leaves: Vec<u32> = profile.samples.leaves().to_vec();
    let mut samples = 0u64;
    for leaf in leaves.iter_mut().filter(|leaf| **leaf != NO_LEAF) {
        if let Some(moved) = marked.moved(NodeId(*leaf), profile) {
            (*leaf, samples) = (moved.0, samples + 1);
        }
    }
    if samples == 0 {
        return None;
    }
    profile.samples.leaves_mut().copy_from_slice(&leaves);
    let share = samples as f64 * 100.0 / profile.samples.len() as f64;
    let what = format!(
        "{share:.1} % of the samples end in libc, whose caller frame pointers do not show: they stand in a row of their own"
    );
    Some(Problem::note(what).help("record with `--call-graph dwarf` to see every caller, or read the perf.data itself"))
}

/// True if the stacks end where frame pointers do; a few others may be among them, of processes that were left early.
fn follows_frame_pointers(profile: &Profile) -> bool {
    let mut ends: Vec<Option<bool>> = Vec::with_capacity(profile.nodes.len());
    for node in &profile.nodes {
        let symbol = profile.frames[node.frame.0 as usize].symbol.split("@@").next().unwrap_or_default();
        let own = match (INNER.contains(&symbol), OUTER.contains(&symbol)) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        ends.push(node.parent.map_or(own, |parent| ends[parent.0 as usize]));
    }
    let of = |which: bool| {
        let leaves = profile.samples.leaves().iter().filter(|leaf| **leaf != NO_LEAF);
        leaves.filter(|leaf| ends[**leaf as usize] == Some(which)).count()
    };
    let (inner, outer) = (of(true), of(false));
    inner > 0 && outer * 20 < inner
}

/// What was put between.
struct Marked {
    lost: FrameId,
    children: HashMap<(NodeId, FrameId), NodeId>,
    moved: HashMap<NodeId, Option<NodeId>>,
}

impl Marked {
    /// The new node of a leaf; `None` where its stack stays as it is.
    fn moved(&mut self, leaf: NodeId, profile: &mut Profile) -> Option<NodeId> {
        if let Some(known) = self.moved.get(&leaf) {
            return *known;
        }
        let moved = self.marked(leaf, profile);
        self.moved.insert(leaf, moved);
        moved
    }

    fn marked(&mut self, leaf: NodeId, profile: &mut Profile) -> Option<NodeId> {
        let mut inner = Vec::new();
        let mut at = leaf;
        let caller = loop {
            let Node { parent, frame } = profile.nodes[at.0 as usize];
            inner.push(frame);
            let object = &profile.frames[frame.0 as usize].object;
            if !is_kernel(object) {
                break if is_without_frames(object) { parent? } else { return None };
            }
            at = parent?;
        };
        let behind = &profile.frames[profile.nodes[caller.0 as usize].frame.0 as usize];
        if is_without_frames(&behind.object) || behind.symbol == LOST_CALLER {
            return None;
        }
        if self.lost == FrameId(0) {
            profile.frames.push(Frame { symbol: LOST_CALLER.into(), ..Frame::default() });
            self.lost = FrameId(profile.frames.len() as u32 - 1);
        }
        inner.push(self.lost);
        Some(inner.into_iter().rev().fold(caller, |caller, frame| self.child(caller, frame, profile)))
    }

    fn child(&mut self, caller: NodeId, frame: FrameId, profile: &mut Profile) -> NodeId {
        *self.children.entry((caller, frame)).or_insert_with(|| {
            profile.nodes.push(Node { parent: Some(caller), frame });
            NodeId(profile.nodes.len() as u32 - 1)
        })
    }
}

/// The kernel and its modules stand in brackets; so does the page of the kernel that runs in the program.
fn is_kernel(object: &str) -> bool {
    object.starts_with('[') && object != "[vdso]" && object != "[unknown]"
}

#[cfg(test)]
mod tests {
    use super::super::intern::Stacks;
    use super::*;
    use crate::model::Sample;

    /// Stacks from the leaf outwards, `symbol@object`.
    fn profile(stacks: &[&[&str]]) -> Profile {
        let mut trie = Stacks::default();
        let samples = stacks.iter().map(|stack| {
            let frame = |text: &&str| {
                let (symbol, object) = text.split_once('@').unwrap_or((text, "/svc"));
                Frame { symbol: symbol.into(), object: object.into(), ..Frame::default() }
            };
            let frames: Vec<FrameId> = stack.iter().map(|text| trie.frame(frame(text))).collect();
            Sample { leaf: trie.node(&frames), weight: 1, time_ns: None, tid: None }
        });
        let samples = samples.collect();
        let (frames, nodes) = trie.into_parts();
        Profile { samples, frames, nodes, ..Profile::default() }
    }

    fn stack(profile: &Profile, sample: usize) -> Vec<&str> {
        let nodes = std::iter::successors(profile.samples.at(sample).leaf, |n| profile.nodes[n.0 as usize].parent);
        nodes.map(|n| profile.frames[profile.nodes[n.0 as usize].frame.0 as usize].symbol.as_str()).collect()
    }

    const THREAD: &str = "start_thread@/lib/libc.so.6";

    #[test]
    fn a_leaf_in_libc_hides_its_caller_where_stacks_stop_at_the_start_of_a_thread() {
        let mut read = profile(&[
            &["memmove@/lib/libc.so.6", "work", THREAD],
            &["do_syscall@[kernel.kallsyms]", "write@/lib/libc.so.6", "work", THREAD],
            &["copy", "work", THREAD],
            &["page_fault@[kernel.kallsyms]", "copy", "work", THREAD],
        ]);
        let said = mark_lost_callers(&mut read).expect("something to say");
        assert!(said.what.starts_with("50.0 % of the samples end in libc"), "{}", said.what);
        assert_eq!(stack(&read, 0), ["memmove", LOST_CALLER, "work", "start_thread"]);
        assert_eq!(stack(&read, 1), ["do_syscall", "write", LOST_CALLER, "work", "start_thread"]);
        assert_eq!(stack(&read, 2), ["copy", "work", "start_thread"]);
        assert_eq!(stack(&read, 3), ["page_fault", "copy", "work", "start_thread"]);
        assert!(read.nodes.iter().enumerate().all(|(at, n)| n.parent.is_none_or(|p| (p.0 as usize) < at)));
        assert_eq!(mark_lost_callers(&mut read), None, "they are marked once");
    }

    #[test]
    fn unwound_stacks_have_lost_nobody() {
        let mut read = profile(&[
            &["memmove@/lib/libc.so.6", "work", THREAD, "clone3@/lib/libc.so.6"],
            &["memmove@/lib/libc.so.6", "work", "main", "_start"],
            &["memmove@/lib/libc.so.6", "work", THREAD],
        ]);
        assert_eq!(mark_lost_callers(&mut read), None);
        assert_eq!(stack(&read, 0).len(), 4);
        let mut nothing = profile(&[&["memmove@/lib/libc.so.6", "work"], &[]]);
        assert_eq!(mark_lost_callers(&mut nothing), None, "nothing tells how these were read");
    }

    #[test]
    fn what_libc_calls_itself_and_a_leaf_that_stands_alone_stay_as_they_are() {
        let mut read = profile(&[&["memmove@/lib/libc.so.6"], &["futex@/lib/libc.so.6", THREAD], &["work", THREAD]]);
        assert_eq!(mark_lost_callers(&mut read), None);
        assert_eq!((stack(&read, 0).len(), stack(&read, 1).len()), (1, 2));
    }
}
