//! Several profiles in, one profile with all of their samples, requests and spans out.

use super::align::align;
use super::intern::Stacks;
use super::marks;
use crate::model::{Allocated, Mark, NodeId, OffCpu, Poll, Profile, Sample, Span, Unit, Wait};

/// Joins what was read from several sources; ids are counted on.
///
/// Weights of different units are never added: the unit of the first source with samples stands, samples of another
/// unit are counted in [`crate::model::SourceQuality::ignored`].
///
/// Where only allocations were recorded, they are the samples: blocks, in the order of the file.
pub fn merge(mut profiles: Vec<Profile>) -> Profile {
    align(&mut profiles);
    let mut merged = Profile::default();
    let mut stacks = Stacks::default();
    let with_samples = profiles.iter().find(|p| !p.samples.is_empty());
    merged.unit = with_samples.or(profiles.first()).map_or(Unit::Unknown, |p| p.unit);
    for profile in profiles {
        add(&mut merged, &mut stacks, profile);
    }
    (merged.frames, merged.nodes) = stacks.into_parts();
    marks::join(&mut merged);
    if merged.samples.is_empty() && merged.off_cpu.is_empty() && !merged.allocated.is_empty() {
        let counts_blocks = merged.allocated.iter().any(|a| a.blocks > 0);
        let weight = |a: &Allocated| if counts_blocks { a.blocks } else { a.bytes };
        let sample = |a: &Allocated| Sample { leaf: a.leaf, weight: weight(a), time_ns: None, tid: None };
        merged.samples = merged.allocated.iter().map(sample).collect();
        merged.unit = if counts_blocks { Unit::Blocks } else { Unit::Bytes };
    }
    merged
}

fn add(merged: &mut Profile, stacks: &mut Stacks, profile: Profile) {
    let requests = merged.requests.len() as u32;
    let spans = merged.spans.len() as u32;
    let mut sources = profile.sources;
    let (_, nodes) = stacks.take(profile.frames, &profile.nodes);
    let moved = |leaf: Option<NodeId>| leaf.map(|n| nodes[n.0 as usize]);
    merged.off_cpu.extend(profile.off_cpu.into_iter().map(|o| OffCpu { leaf: moved(o.leaf), ..o }));
    merged.allocated.extend(profile.allocated.into_iter().map(|a| Allocated { leaf: moved(a.leaf), ..a }));
    if profile.unit == merged.unit || profile.samples.is_empty() {
        let before = merged.samples.len() as u32;
        merged.marks.extend(profile.marks.into_iter().map(|m| Mark { sample: m.sample + before, ..m }));
        merged.samples.append(profile.samples, &nodes);
    } else {
        sources.iter_mut().for_each(|s| s.ignored += std::mem::take(&mut s.samples));
    }
    merged.requests.extend(profile.requests);
    merged.polls.extend(profile.polls.into_iter().map(|p| Poll { request: p.request + requests, ..p }));
    merged.waits.extend(profile.waits.into_iter().map(|w| Wait { request: w.request + requests, ..w }));
    let moved = |s: Span| Span { request: s.request + requests, parent: s.parent.map(|p| p + spans), ..s };
    merged.spans.extend(profile.spans.into_iter().map(moved));
    merged.threads.extend(profile.threads);
    merged.unix_offset_ns = merged.unix_offset_ns.or(profile.unix_offset_ns);
    merged.sources.extend(sources);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Frame, FrameId, Node, Request, SourceQuality};

    fn sampled(symbol: &str, unit: Unit) -> Profile {
        Profile {
            frames: vec![Frame { symbol: symbol.into(), ..Frame::default() }],
            nodes: vec![Node { parent: None, frame: FrameId(0) }],
            samples: [Sample { leaf: Some(NodeId(0)), weight: 5, time_ns: None, tid: None }].into(),
            unit,
            sources: vec![SourceQuality { samples: 1, unit, ..SourceQuality::default() }],
            ..Profile::default()
        }
    }

    fn logged() -> Profile {
        Profile {
            requests: vec![Request { id: "a".into(), ..Request::default() }],
            polls: vec![Poll { request: 0, tid: 1, start_ns: 0, end_ns: 1 }],
            spans: vec![Span::default(), Span { parent: Some(0), ..Span::default() }],
            ..Profile::default()
        }
    }

    #[test]
    fn ids_of_the_second_source_are_counted_on() {
        let merged = merge(vec![logged(), sampled("a", Unit::Samples), logged(), sampled("b", Unit::Samples)]);
        assert_eq!(merged.polls.iter().map(|p| p.request).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(merged.spans[3].parent, Some(2));
        assert_eq!(merged.samples.iter().map(|s| s.leaf).collect::<Vec<_>>(), [Some(NodeId(0)), Some(NodeId(1))]);
        assert_eq!((merged.unit, merged.frames.len()), (Unit::Samples, 2));
    }

    #[test]
    fn allocations_are_ranked_where_nothing_else_was_recorded_and_stand_beside_samples_otherwise() {
        let heap = || Profile {
            frames: vec![Frame { symbol: "copy".into(), ..Frame::default() }],
            nodes: vec![Node { parent: None, frame: FrameId(0) }],
            allocated: vec![Allocated { leaf: Some(NodeId(0)), blocks: 7, bytes: 70 }],
            unit: Unit::Blocks,
            ..Profile::default()
        };
        let alone = merge(vec![heap(), logged()]);
        assert_eq!((alone.samples.at(0).weight, alone.unit), (7, Unit::Blocks));
        let beside = merge(vec![sampled("a", Unit::Samples), heap()]);
        assert_eq!((beside.samples.len(), beside.unit, beside.allocated[0].leaf), (1, Unit::Samples, Some(NodeId(1))));
    }

    #[test]
    fn samples_of_another_unit_are_counted_and_not_added() {
        let merged = merge(vec![sampled("a", Unit::CpuNanoseconds), sampled("a", Unit::Events)]);
        assert_eq!((merged.samples.len(), merged.unit), (1, Unit::CpuNanoseconds));
        assert_eq!((merged.sources[1].samples, merged.sources[1].ignored), (0, 1));
    }
}
