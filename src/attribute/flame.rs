//! A profile and a choice of its samples in, their stacks merged into one call tree out.

use std::collections::HashMap;

use super::join::Polls;
use super::owners;
use super::symbol::Symbol;
use crate::model::{Before, Brush, Flame, FlameName, FlameNode, Frame, Item, Owner, Profile, Request, Sample};

/// Name of the root.
const ALL: &str = "all";

/// Merges the stacks of the samples that the brush leaves and, if asked, that fall into requests for which `chosen` holds.
pub fn flame(
    profile: &Profile,
    items: &[Item],
    own: &[String],
    brush: &Brush,
    chosen: Option<&dyn Fn(&Request) -> bool>,
) -> Flame {
    let (begin, end) = span(profile);
    let polls = chosen.map(|_| Polls::new(profile));
    let wanted: Vec<bool> = chosen.map(|c| profile.requests.iter().map(c).collect()).unwrap_or_default();
    let is_in = |sample: &Sample| {
        let in_request = match &polls {
            Some(polls) => polls.request_of(sample).is_some_and(|r| wanted[r as usize]),
            None => true,
        };
        in_request && brushed(brush, begin, sample)
    };
    let mut tree = Tree::new(profile, items, own);
    let (mut samples, mut threads) = (0, HashMap::new());
    for sample in profile.samples.iter() {
        if let Some(tid) = sample.tid {
            *threads.entry(tid).or_insert(0) += sample.weight;
        }
        if is_in(&sample) {
            samples += 1;
            tree.add(&sample);
        }
    }
    let mut threads: Vec<(u64, u64)> = threads.into_iter().collect();
    threads.sort_by_key(|(tid, weight)| (std::cmp::Reverse(*weight), *tid));
    let requests = chosen.map(|_| wanted.iter().filter(|w| **w).count() as u64);
    let length_ns = end.saturating_sub(begin);
    Flame { unit: profile.unit, samples, requests, threads, length_ns, ..tree.laid_out() }
}

/// Puts an older recording's call tree beside a newer one: nodes meet by the names on their way from the root.
pub fn compare(flame: &mut Flame, older: &Flame) {
    let name = |tree: &Flame, node: &FlameNode| tree.names[node.name as usize].text.clone();
    let mut places: HashMap<(u32, String), u32> = HashMap::new();
    for (at, node) in older.nodes.iter().enumerate().skip(1) {
        places.insert((node.parent, name(older, node)), at as u32);
    }
    // Callers stand before their callees. The root is its own caller.
    let mut met: Vec<Option<u32>> = vec![Some(0)];
    for node in flame.nodes.iter().skip(1) {
        let caller = met[node.parent as usize];
        met.push(caller.and_then(|caller| places.get(&(caller, name(flame, node))).copied()));
    }
    let weights = |at: &Option<u32>| at.map_or((0, 0), |at| (older.node(at).weight, older.node(at).own));
    let nodes: Vec<(u64, u64)> = met.iter().map(weights).collect();
    let weight = older.node(0).weight;
    let gone = weight - nodes.iter().map(|(_, own)| own).sum::<u64>();
    flame.before = Some(Before { nodes, weight, gone, samples: older.samples });
}

/// First and last moment of samples and requests.
fn span(profile: &Profile) -> (u64, u64) {
    let times = profile.samples.iter().filter_map(|s| s.time_ns);
    let (low, high) = times.fold((u64::MAX, 0), |(low, high), t| (low.min(t), high.max(t)));
    if low == u64::MAX { (0, 0) } else { (low, high) }
}

fn brushed(brush: &Brush, begin: u64, sample: &Sample) -> bool {
    let thread = brush.threads.is_empty() || sample.tid.is_some_and(|t| brush.threads.contains(&t));
    let moment = || sample.time_ns.map(|t| t.saturating_sub(begin));
    thread && brush.time_ns.is_none_or(|(from, to)| moment().is_some_and(|t| from <= t && t < to))
}

/// Stacks merged by name: closures and calls of a function by itself count for the frame above them.
struct Tree {
    names: Vec<FlameName>,
    /// Caller and name of each merged node; the root is 0.
    nodes: Vec<(u32, u32)>,
    /// The merged node of each of the profile's nodes.
    merged: Vec<u32>,
    own: Vec<u64>,
}

impl Tree {
    fn new(profile: &Profile, items: &[Item], own: &[String]) -> Tree {
        let (names, of_frame) = names(profile, items, own);
        let mut nodes = vec![(0, 0)];
        let mut known: HashMap<(u32, u32), u32> = HashMap::new();
        let mut merged: Vec<u32> = Vec::with_capacity(profile.nodes.len());
        for node in &profile.nodes {
            let caller = node.parent.map_or(0, |p| merged[p.0 as usize]);
            let name = of_frame[node.frame.0 as usize];
            let place = match nodes[caller as usize].1 == name {
                true => caller,
                false => *known.entry((caller, name)).or_insert_with(|| {
                    nodes.push((caller, name));
                    nodes.len() as u32 - 1
                }),
            };
            merged.push(place);
        }
        let own = vec![0; nodes.len()];
        Tree { names, nodes, merged, own }
    }

    fn add(&mut self, sample: &Sample) {
        let node = sample.leaf.map_or(0, |leaf| self.merged[leaf.0 as usize]);
        self.own[node as usize] += sample.weight;
    }

    /// Level by level; what no sample has is left out.
    fn laid_out(self) -> Flame {
        let mut weight = self.own.clone();
        for at in (1..self.nodes.len()).rev() {
            weight[self.nodes[at].0 as usize] += weight[at];
        }
        let mut children: Vec<Vec<u32>> = vec![Vec::new(); self.nodes.len()];
        for at in (1..self.nodes.len()).filter(|at| weight[*at] > 0) {
            children[self.nodes[at].0 as usize].push(at as u32);
        }
        let text = |node: u32| &self.names[self.nodes[node as usize].1 as usize].text;
        for list in &mut children {
            list.sort_by(|a, b| weight[*b as usize].cmp(&weight[*a as usize]).then_with(|| text(*a).cmp(text(*b))));
        }
        let root = FlameNode { weight: weight[0], own: self.own[0], ..FlameNode::default() };
        let (mut nodes, mut levels, mut level) = (vec![root], vec![1], vec![0_u32]);
        while !level.is_empty() {
            let first = nodes.len() - level.len();
            let mut next = Vec::new();
            for (place, merged) in level.iter().enumerate() {
                let parent = (first + place) as u32;
                let (mut start, depth) = (nodes[first + place].start, nodes[first + place].depth + 1);
                for &child in &children[*merged as usize] {
                    let (name, weight) = (self.nodes[child as usize].1, weight[child as usize]);
                    nodes.push(FlameNode { name, parent, depth, start, weight, own: self.own[child as usize] });
                    start += weight;
                    next.push(child);
                }
            }
            level = next;
            if !level.is_empty() {
                levels.push(nodes.len() as u32);
            }
        }
        Flame { nodes, levels, names: self.names, ..Flame::default() }
    }
}

/// The names of all frames, the root's first, and which of them each frame has.
fn names(profile: &Profile, items: &[Item], own: &[String]) -> (Vec<FlameName>, Vec<u32>) {
    let functions = owners::items_of_frames(&profile.frames, items, own);
    let mut names = vec![FlameName { text: ALL.to_owned(), owner: Owner::Unknown }];
    let mut known: HashMap<(String, Owner), u32> = HashMap::new();
    let of_frame = profile.frames.iter().zip(functions).map(|(frame, function)| {
        let name = name(frame, function.map(|item| &items[item as usize]));
        *known.entry((name.text.clone(), name.owner.clone())).or_insert_with(|| {
            names.push(name);
            names.len() as u32 - 1
        })
    });
    let of_frame = of_frame.collect();
    (names, of_frame)
}

fn name(frame: &Frame, item: Option<&Item>) -> FlameName {
    if let Some(item) = item {
        return FlameName { text: item.id.0.clone(), owner: Owner::Ours(item.id.clone()) };
    }
    let symbol = frame.symbol.trim();
    if symbol.is_empty() || symbol == "[unknown]" {
        let object = frame.object.rsplit('/').next().unwrap_or_default();
        return FlameName { text: format!("[{object}]").replace("[[", "[").replace("]]", "]"), owner: Owner::Unknown };
    }
    if frame.object.starts_with("[kernel") || frame.object.starts_with("[guest.kernel") {
        return FlameName { text: symbol.to_owned(), owner: Owner::Kernel };
    }
    let parsed = Symbol::parse(symbol);
    let text = Some(parsed.shown()).filter(|t| !t.is_empty()).unwrap_or_else(|| symbol.to_owned());
    let owner = parsed.crates.into_iter().next().map_or(Owner::Native, Owner::Crate);
    FlameName { text, owner }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FrameId, Node, NodeId};

    /// `main` calls `a` and `b`; `a` calls itself and then `b`.
    fn profile() -> Profile {
        let frame = |symbol: &str| Frame { symbol: symbol.into(), object: "svc".into(), ..Frame::default() };
        let node = |parent: Option<u32>, frame: u32| Node { parent: parent.map(NodeId), frame: FrameId(frame) };
        let mut profile = Profile {
            frames: ["svc::main", "svc::a", "svc::b"].map(frame).into(),
            nodes: vec![node(None, 0), node(Some(0), 1), node(Some(1), 1), node(Some(2), 2), node(Some(0), 2)],
            ..Profile::default()
        };
        for (at, (leaf, weight)) in [(3, 5), (2, 3), (4, 10), (0, 1), (1, 1)].into_iter().enumerate() {
            let (time_ns, tid) = (Some(1000 + at as u64 * 100), Some(7 + at as u64 % 2));
            profile.samples.push(Sample { leaf: Some(NodeId(leaf)), weight, time_ns, tid });
        }
        profile
    }

    fn shown(flame: &Flame) -> Vec<String> {
        let line = |n: &FlameNode| {
            format!(
                "{}{} {}+{} own {}",
                "  ".repeat(n.depth.into()),
                flame.names[n.name as usize].text,
                n.start,
                n.weight,
                n.own
            )
        };
        flame.nodes.iter().map(line).collect()
    }

    #[test]
    fn stacks_are_merged_by_name_and_the_heaviest_callee_stands_first() {
        let flame = flame(&profile(), &[], &[], &Brush::default(), None);
        insta::assert_snapshot!(shown(&flame).join("\n"), @r"
        all 0+20 own 0
          svc::main 0+20 own 1
            svc::b 0+10 own 10
            svc::a 10+9 own 4
              svc::b 10+5 own 5
        ");
        assert_eq!((flame.samples, flame.length_ns, flame.requests), (5, 400, None));
        assert_eq!(flame.threads, [(7, 16), (8, 4)]);
    }

    #[test]
    fn an_older_recording_stands_in_the_same_places() {
        let (mut now, mut old) = (profile(), profile());
        for sample in [3, 3, 4] {
            old.samples.push(Sample { leaf: Some(NodeId(sample)), weight: 20, time_ns: None, tid: None });
        }
        now.samples = Default::default();
        for (leaf, weight) in [(4, 100), (0, 100)] {
            now.samples.push(Sample { leaf: Some(NodeId(leaf)), weight, time_ns: None, tid: None });
        }
        let older = flame(&old, &[], &[], &Brush::default(), None);
        let mut flame = flame(&now, &[], &[], &Brush::default(), None);
        compare(&mut flame, &older);
        // all, svc::main and the svc::b that main calls; a and the b below it are gone.
        let before = flame.before.clone().unwrap();
        assert_eq!((before.nodes, before.weight), (vec![(80, 0), (80, 1), (30, 30)], 80));
        assert_eq!((before.gone, before.samples), (49, 8));
        let (points, is_sure) = flame.growth(2).unwrap();
        assert!((points - 12.5).abs() < 1e-9 && !is_sure, "two samples tell nothing: {points}");
        assert_eq!(flame.growth(0), Some((0.0, false)));
        flame.samples = 20_000;
        flame.before.as_mut().unwrap().samples = 20_000;
        assert!(flame.growth(2).unwrap().1);
    }

    #[test]
    fn every_level_is_found_by_weight() {
        let flame = flame(&profile(), &[], &[], &Brush::default(), None);
        assert_eq!([0, 9, 10, 18, 19].map(|w| flame.at(2, w)), [Some(2), Some(2), Some(3), Some(3), None]);
        assert_eq!((flame.at(3, 9), flame.at(3, 12), flame.at(4, 0)), (None, Some(4), None));
        assert_eq!((flame.first_child(1), flame.first_child(2), flame.first_child(3)), (Some(2), None, Some(4)));
        assert!(flame.is_below(4, 3) && !flame.is_below(4, 2));
    }

    #[test]
    fn a_brush_leaves_threads_and_moments_out() {
        let of = |threads: &[u64], time_ns| {
            let brush = Brush { threads: threads.to_vec(), time_ns };
            flame(&profile(), &[], &[], &brush, None)
        };
        assert_eq!(of(&[8], None).node(0).weight, 4);
        assert_eq!(of(&[], Some((100, 300))).node(0).weight, 13);
        assert_eq!(of(&[7], Some((100, 300))).node(0).weight, 10);
        assert_eq!(of(&[9], None).nodes.len(), 1);
    }

    #[test]
    fn only_samples_of_chosen_requests_count_if_that_is_asked() {
        let mut profile = profile();
        let request = |id: &str, start_ns, end_ns| Request {
            id: id.into(),
            operation: "GET /".into(),
            start_ns,
            end_ns,
            tid: Some(7),
        };
        profile.requests = vec![request("1", 950, 1050), request("2", 1150, 1250)];
        let slow = |r: &Request| r.id == "2";
        let flame = flame(&profile, &[], &[], &Brush::default(), Some(&slow));
        assert_eq!((flame.node(0).weight, flame.requests), (10, Some(1)));
    }
}
