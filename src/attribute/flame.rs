//! A profile in, the call tree of its stacks out, ready to be weighed for any choice of samples.

use std::collections::HashMap;

use super::owners;
use super::symbol::Symbol;
use crate::model::{Before, Flame, FlameName, FlameNode, Frame, Item, Owner, Profile};

/// Name of the root.
const ALL: &str = "all";

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

/// Stacks merged by name: closures and calls of a function by itself count for the frame above them.
#[derive(Debug)]
pub struct Tree {
    names: Vec<FlameName>,
    /// Caller and name of each merged node; the root is 0.
    nodes: Vec<(u32, u32)>,
    /// The merged node of each of the profile's nodes; the root for what has no stack, which stands last.
    merged: Vec<u32>,
}

impl Tree {
    /// Merges the stacks of a profile, once.
    pub fn new(profile: &Profile, items: &[Item], own: &[String]) -> Tree {
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
        merged.push(0);
        Tree { names, nodes, merged }
    }

    /// The tree with the weights of the profile's nodes as leaves, level by level; what has no weight is left out.
    pub fn laid_out(&self, leaves: &[u64]) -> Flame {
        let mut own = vec![0; self.nodes.len()];
        for (node, weight) in self.merged.iter().zip(leaves) {
            own[*node as usize] += weight;
        }
        let mut weight = own.clone();
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
        let root = FlameNode { weight: weight[0], own: own[0], ..FlameNode::default() };
        let (mut nodes, mut levels, mut level) = (vec![root], vec![1], vec![0_u32]);
        while !level.is_empty() {
            let first = nodes.len() - level.len();
            let mut next = Vec::new();
            for (place, merged) in level.iter().enumerate() {
                let parent = (first + place) as u32;
                let (mut start, depth) = (nodes[first + place].start, nodes[first + place].depth + 1);
                for &child in &children[*merged as usize] {
                    let (name, weight) = (self.nodes[child as usize].1, weight[child as usize]);
                    nodes.push(FlameNode { name, parent, depth, start, weight, own: own[child as usize] });
                    start += weight;
                    next.push(child);
                }
            }
            level = next;
            if !level.is_empty() {
                levels.push(nodes.len() as u32);
            }
        }
        Flame { nodes, levels, names: self.names.clone(), ..Flame::default() }
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
    use crate::attribute::{Filter, Lens, Options};
    use crate::model::{FrameId, Node, NodeId, Request, Sample};

    fn flame(profile: &Profile, filter: &Filter) -> Flame {
        Lens::new(profile, &[], &Options::default()).flame(filter)
    }

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
        let flame = flame(&profile(), &Filter::default());
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
        let older = flame(&old, &Filter::default());
        let mut flame = flame(&now, &Filter::default());
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
        let flame = flame(&profile(), &Filter::default());
        assert_eq!([0, 9, 10, 18, 19].map(|w| flame.at(2, w)), [Some(2), Some(2), Some(3), Some(3), None]);
        assert_eq!((flame.at(3, 9), flame.at(3, 12), flame.at(4, 0)), (None, Some(4), None));
        assert_eq!((flame.first_child(1), flame.first_child(2), flame.first_child(3)), (Some(2), None, Some(4)));
        assert!(flame.is_below(4, 3) && !flame.is_below(4, 2));
    }

    #[test]
    fn a_brush_leaves_threads_and_moments_out() {
        let lens = Lens::new(&profile(), &[], &Options::default());
        let of = |threads: &[u64], time_ns| {
            lens.flame(&lens.filter(&crate::model::Brush { threads: threads.to_vec(), time_ns }, None))
        };
        assert_eq!(of(&[8], None).node(0).weight, 4);
        assert_eq!(of(&[], Some((100, 300))).node(0).weight, 13);
        assert_eq!(of(&[7], Some((100, 300))).node(0).weight, 10);
        assert_eq!(of(&[9], None).nodes.len(), 1);
        assert_eq!((of(&[9], None).threads, of(&[8], None).length_ns), (vec![(7, 16), (8, 4)], 400));
    }

    #[test]
    fn only_samples_of_chosen_requests_count_if_that_is_asked() {
        let mut profile = profile();
        let request = |start_ns, end_ns| Request { start_ns, end_ns, tid: Some(7), ..Request::default() };
        profile.requests = vec![request(950, 1050), request(1150, 1250)];
        let flame = flame(&profile, &Filter { requests: Some(vec![1]), ..Filter::default() });
        assert_eq!((flame.node(0).weight, flame.requests), (10, Some(1)));
    }
}
