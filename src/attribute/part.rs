//! An attribution and some of its requests in; the attribution of these requests alone out.

use std::collections::HashMap;

use super::shares::Weighed;
use crate::model::{AttributedRequest, Attribution, Cost, Part, PlacedShare};

/// Keeps the requests of these indices into the profile, in ascending order. What they own of each row is known already, so
/// that nothing is placed again.
///
/// Without samples in requests the rows have what the samples that are looked at weigh.
pub fn part(whole: &Attribution, requests: &[u32], weighed: &[Weighed]) -> Attribution {
    let mut out = Attribution { lines: Vec::new(), problems: Vec::new(), ..clone_without_requests(whole) };
    let is_kept = |r: &&AttributedRequest| requests.binary_search(&r.request).is_ok();
    for request in whole.requests.iter().filter(is_kept) {
        let start = out.parts.len();
        out.parts.extend_from_slice(&whole.parts[request.parts.clone()]);
        out.requests.push(AttributedRequest { parts: start..out.parts.len(), ..request.clone() });
    }
    let is_sampled = whole.placed.joined_samples > 0;
    let costs = if is_sampled { costs_of(&out.parts, whole.rows.len()) } else { costs_by(weighed, whole) };
    for (row, cost) in out.rows.iter_mut().zip(costs) {
        row.cost = Cost { blocks: row.cost.blocks, bytes: row.cost.bytes, ..cost };
    }
    let total = out.rows.iter().map(|r| r.cost.owned).sum();
    let samples = out.rows.iter().map(|r| r.cost.samples).sum();
    out.placed = PlacedShare { total, joined: total, judged: total, unplaced: 0.0, samples, joined_samples: samples };
    out
}

fn clone_without_requests(whole: &Attribution) -> Attribution {
    Attribution {
        basis: whole.basis,
        unit: whole.unit,
        rows: whole.rows.clone(),
        placed: whole.placed,
        allocated_over: whole.allocated_over,
        ..Attribution::default()
    }
}

/// What has samples was sampled; the rest of a request is no part of a profile.
fn costs_of(parts: &[Part], rows: usize) -> Vec<Cost> {
    let mut costs = vec![Cost::default(); rows];
    for part in parts {
        let cost = &mut costs[part.row as usize];
        cost.owned += if part.samples > 0 { part.owned_ns } else { 0.0 };
        cost.self_ += part.self_ns;
        cost.total += part.total_ns;
        cost.samples += u64::from(part.samples);
    }
    costs
}

/// Samples are counted as if all weighed the same.
fn costs_by(weighed: &[Weighed], whole: &Attribution) -> Vec<Cost> {
    let by_name: HashMap<&str, &Weighed> = weighed.iter().map(|w| (w.name.as_str(), w)).collect();
    let of_one = if whole.placed.samples > 0 { whole.placed.total / whole.placed.samples as f64 } else { 0.0 };
    let cost = |name: &str| {
        let Some(Weighed { owned, self_, total, .. }) = by_name.get(name).copied() else { return Cost::default() };
        let samples = if of_one > 0.0 { (owned / of_one).round() as u64 } else { 0 };
        Cost { owned: *owned, self_: *self_, total: *total, samples, ..Cost::default() }
    };
    whole.rows.iter().map(|row| cost(&row.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{Filter, Lens, Options, attribute};
    use crate::model::{Frame, FrameId, Node, NodeId, Profile, Request, Sample, Unit};
    use crate::source::{FileRole, SourceFile};

    /// Three requests of 2, 4 and 6 ms on one thread, sampled each millisecond in turns in `a` and `b`.
    fn profile() -> Profile {
        let frame = |symbol: &str| Frame { symbol: symbol.into(), ..Frame::default() };
        let node = |frame| Node { parent: None, frame: FrameId(frame) };
        let mut profile = Profile {
            frames: vec![frame("std::a"), frame("")],
            nodes: vec![node(0), node(1)],
            unit: Unit::CpuNanoseconds,
            ..Profile::default()
        };
        let mut now = 0;
        for ms in [2u64, 4, 6] {
            let end_ns = now + ms * 1_000_000;
            profile.requests.push(Request { start_ns: now, end_ns, tid: Some(1), ..Request::default() });
            for at in 0..ms {
                let (leaf, time_ns) = (Some(NodeId((at % 2) as u32)), Some(now + at * 1_000_000 + 500_000));
                profile.samples.push(Sample { leaf, weight: 1_000_000, time_ns, tid: Some(1) });
            }
            now = end_ns;
        }
        profile
    }

    #[test]
    fn some_requests_are_attributed_as_a_recording_of_them_alone_is() {
        let whole = attribute(&profile(), &[], &Options::default());
        let some = part(&whole, &[0, 2], &[]);
        let mut alone = profile();
        alone.requests.remove(1);
        alone.samples =
            alone.samples.iter().filter(|s| !(2_000_000..6_000_000).contains(&s.time_ns.unwrap())).collect();
        let expected = attribute(&alone, &[], &Options::default());
        let cost = |a: &Attribution| a.rows.iter().map(|r| (r.name.clone(), r.cost)).collect::<Vec<_>>();
        assert_eq!(cost(&some), cost(&expected));
        let latencies = |a: &Attribution| a.requests.iter().map(|r| r.latency_ns).collect::<Vec<_>>();
        assert_eq!((latencies(&some), some.parts.clone()), (latencies(&expected), expected.parts));
        assert_eq!(some.placed.total, 8e6);
    }

    #[test]
    fn without_requests_the_samples_looked_at_are_the_rows() {
        let mut profile = profile();
        profile.requests.clear();
        let lens = Lens::new(&profile, &[], &Options::default());
        let weighed = lens.weighed(&Filter { time: Some(0..2_000_000), ..Filter::default() });
        let some = part(&attribute(&profile, &[], &Options::default()), &[], &weighed);
        let cost: Vec<(f64, u64)> = some.rows.iter().map(|r| (r.cost.owned, r.cost.samples)).collect();
        assert_eq!(cost, [(1e6, 1), (1e6, 1)]);
    }

    #[test]
    fn looking_at_all_samples_weighs_what_attributing_them_does() {
        let text = "pub fn a(n: u64) { b(n); a(n - 1) }\npub fn b(n: u64) {}\n";
        let role = FileRole { krate: "gw".into(), ..FileRole::default() };
        let items = SourceFile::parse("src/lib.rs", text, &role).unwrap().items;
        let mut profile = profile();
        profile.requests.clear();
        let frame = |symbol: &str| Frame { symbol: symbol.into(), ..Frame::default() };
        profile.frames = ["gw::a", "gw::b", "memcpy"].map(frame).into();
        // a calls itself, and b, which copies.
        let node = |parent: Option<u32>, frame| Node { parent: parent.map(NodeId), frame: FrameId(frame) };
        profile.nodes = vec![node(None, 0), node(Some(0), 0), node(Some(1), 1), node(Some(2), 2), node(None, 1)];
        let leaf = |at: usize, s: Sample| Sample { leaf: (at < 10).then_some(NodeId(at as u32 % 5)), ..s };
        profile.samples = profile.samples.iter().enumerate().map(|(at, s)| leaf(at, s)).collect();
        let (whole, lens) =
            (attribute(&profile, &items, &Options::default()), Lens::new(&profile, &items, &Options::default()));
        let weighed = lens.weighed(&Filter::default());
        assert_eq!(part(&whole, &[], &weighed).rows, whole.rows);
        let a = whole.rows.iter().find(|r| r.name == "gw::a").unwrap().cost;
        assert_eq!((a.owned, a.self_, a.total), (4e6, 4e6, 8e6), "twice on a stack is once");
    }
}
