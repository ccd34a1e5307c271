//! Costs of functions and of their calls in; the paths from the outermost caller with the costs that fall on each out.
//!
//! A call graph does not say along which path a function cost what. As in gprof, its cost is shared out among its callers in
//! proportion to what their calls cost; a path that takes less than a ten-thousandth of the whole is not followed further,
//! and calls back into a path are left out of it. In the end each function has exactly its own cost again.

use super::super::intern::{FastMap, Stacks};
use crate::model::{Frame, FrameId, NodeId, Sample, Samples};

/// Paths are followed while they hold at least this share of all costs.
const WORTH_FOLLOWING: f64 = 1e-4;
/// Longer paths are not followed.
const DEEPEST: usize = 200;

/// A function, by the places of its texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Function {
    /// Its name.
    pub name: u32,
    /// Its file.
    pub file: u32,
    /// Its object file.
    pub object: u32,
}

/// A line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Its file.
    pub file: u32,
    /// Its number; 0 where unknown.
    pub line: u32,
}

#[derive(Clone, Debug)]
struct Node {
    function: Function,
    own: Sums<Place>,
    /// Where it calls and whom, with what that cost.
    calls: Sums<(Place, u32)>,
    is_called: bool,
}

/// The graph of all calls.
#[derive(Clone, Default)]
pub struct Calls {
    nodes: Vec<Node>,
    by_function: FastMap<Function, u32>,
    cost: u64,
}

impl Calls {
    /// True if nothing cost anything.
    pub fn is_empty(&self) -> bool {
        self.cost == 0
    }

    /// The number of a function.
    pub fn function(&mut self, function: Function) -> u32 {
        if let Some(known) = self.by_function.get(&function) {
            return *known;
        }
        let at = self.nodes.len() as u32;
        self.nodes.push(Node { function, own: Sums::default(), calls: Sums::default(), is_called: false });
        self.by_function.insert(function, at);
        at
    }

    /// A function cost this much at a line, by itself.
    pub fn own(&mut self, function: u32, place: Place, cost: u64) {
        if cost > 0 {
            self.cost = self.cost.saturating_add(cost);
            self.nodes[function as usize].own.add(place, cost);
        }
    }

    /// A function's calls of another at a line cost this much, all that was called in turn included.
    pub fn call(&mut self, caller: u32, place: Place, callee: Function, cost: u64) {
        let callee = self.function(callee);
        if callee != caller {
            self.nodes[callee as usize].is_called = true;
            self.nodes[caller as usize].calls.add((place, callee), cost);
        }
    }

    /// The costs as samples with their stacks.
    pub fn samples(&mut self, texts: &[String], stacks: &mut Stacks) -> Samples {
        for node in &mut self.nodes {
            node.own.settle();
            node.calls.settle();
        }
        let mut walk = Walk {
            calls: self,
            texts,
            stacks,
            frames: FastMap::default(),
            given: Vec::new(),
            on_path: vec![false; self.nodes.len()],
        };
        let outermost = |node: &Node| !node.is_called;
        for (at, node) in self.nodes.iter().enumerate().filter(|(_, n)| outermost(n)) {
            walk.follow(at as u32, None, node.own.sum() + node.calls.sum(), 0);
        }
        let mut reached = vec![0.0; self.nodes.len()];
        walk.given.iter().for_each(|(at, _, share)| reached[*at as usize] += share);
        // What only calls in a circle lead to has no outermost caller.
        for (at, reached) in reached.iter_mut().enumerate().filter(|(_, reached)| **reached <= 0.0) {
            walk.given.push((at as u32, None, 1.0));
            *reached = 1.0;
        }
        let given = std::mem::take(&mut walk.given);
        let mut samples = Samples::default();
        let mut left: Vec<Vec<u64>> =
            self.nodes.iter().map(|n| n.own.all.iter().map(|(_, cost)| *cost).collect()).collect();
        for (at, caller, share) in given {
            let share = share / reached[at as usize];
            reached[at as usize] -= share * reached[at as usize];
            for (line, (place, _)) in self.nodes[at as usize].own.all.iter().enumerate() {
                // Shares of what is left, so that rounding loses nothing in the end.
                let left = &mut left[at as usize][line];
                let part = ((*left as f64 * share).round() as u64).min(*left);
                *left -= part;
                if part > 0 {
                    let leaf = Some(walk.node(at, *place, caller));
                    samples.push(Sample { leaf, weight: part, time_ns: None, tid: None });
                }
            }
        }
        samples
    }
}

/// Costs by key. Files of several parts and of functions with inlined code name the same key again and again: equal ones are
/// added up each time their number has doubled, which is quicker than to look for each.
#[derive(Clone, Debug)]
struct Sums<K> {
    all: Vec<(K, u64)>,
    /// How many there were when they were added up last.
    settled: usize,
}

/// Fewer are not added up before the end.
const FEW: usize = 32;

impl<K> Default for Sums<K> {
    fn default() -> Sums<K> {
        Sums { all: Vec::new(), settled: 0 }
    }
}

impl<K: Copy + Ord> Sums<K> {
    fn add(&mut self, key: K, cost: u64) {
        match self.all.last_mut().filter(|(last, _)| *last == key) {
            Some((_, sum)) => *sum = sum.saturating_add(cost),
            None => self.all.push((key, cost)),
        }
        if self.all.len() >= 2 * self.settled + FEW {
            self.settle();
        }
    }

    /// Sorts the keys and leaves each once. What was sorted before is one run for the sort.
    fn settle(&mut self) {
        self.all.sort_by_key(|(key, _)| *key);
        self.all.dedup_by(|(key, cost), (kept, sum)| {
            let is_same = key == kept;
            if is_same {
                *sum = sum.saturating_add(*cost);
            }
            is_same
        });
        self.settled = self.all.len();
    }

    fn sum(&self) -> f64 {
        self.all.iter().map(|(_, cost)| *cost as f64).sum()
    }
}

struct Walk<'a> {
    calls: &'a Calls,
    texts: &'a [String],
    stacks: &'a mut Stacks,
    /// The frames of the lines of functions, made once each: thousands of paths may end in the same function.
    frames: FastMap<(u32, u32, u32), Frames>,
    /// How much of a function's own cost falls on a path: function, caller's node, cost.
    given: Vec<(u32, Option<NodeId>, f64)>,
    on_path: Vec<bool>,
}

/// The function, and what was inlined into it at a line of another file.
#[derive(Clone, Copy)]
struct Frames {
    function: FrameId,
    inlined: Option<FrameId>,
}

impl Walk<'_> {
    /// Shares `flow`, which reaches a function along a path, between its own lines and its calls.
    fn follow(&mut self, at: u32, caller: Option<NodeId>, flow: f64, depth: usize) {
        let calls = self.calls;
        let node = &calls.nodes[at as usize];
        self.on_path[at as usize] = true;
        let own = node.own.sum();
        let open = |walk: &Self, ((_, callee), _): &((Place, u32), u64)| !walk.on_path[*callee as usize];
        let called: f64 = node.calls.all.iter().filter(|c| open(self, c)).map(|(_, cost)| *cost as f64).sum();
        let total = own + called;
        if total > 0.0 {
            self.given.push((at, caller, flow * own / total));
            for call in node.calls.all.iter() {
                let ((place, callee), cost) = *call;
                let flow = flow * cost as f64 / total;
                if open(self, call) && flow >= calls.cost as f64 * WORTH_FOLLOWING && depth < DEEPEST {
                    let here = self.node(at, place, caller);
                    self.follow(callee, Some(here), flow, depth + 1);
                }
            }
        }
        self.on_path[at as usize] = false;
    }

    /// The node of a function at a line; a line of another file is of something that was inlined.
    fn node(&mut self, at: u32, place: Place, caller: Option<NodeId>) -> NodeId {
        let key = (at, place.file, place.line);
        let frames = match self.frames.get(&key) {
            Some(frames) => *frames,
            None => {
                let made = self.made(at, place);
                self.frames.insert(key, made);
                made
            }
        };
        let outer = self.stacks.child(caller, frames.function);
        frames.inlined.map_or(outer, |inlined| self.stacks.child(Some(outer), inlined))
    }

    fn made(&mut self, at: u32, place: Place) -> Frames {
        let Function { name, file, object } = self.calls.nodes[at as usize].function;
        let text = |index: u32| self.texts.get(index as usize).map_or("", String::as_str);
        let known = |text: &str| if text == "???" { String::new() } else { text.to_owned() };
        // `fib'2` is what callgrind calls the second level of a recursion.
        let name = match text(name).rsplit_once('\'') {
            Some((plain, level)) if !level.is_empty() && level.bytes().all(|b| b.is_ascii_digit()) => plain,
            _ => text(name),
        };
        let symbol = if known(name).is_empty() { "[unknown]".into() } else { name.to_owned() };
        let object = known(text(object));
        let is_inlined = place.file != file;
        let line = if is_inlined { 0 } else { place.line };
        let function = Frame { symbol, object: object.clone(), file: known(text(file)), line, inlined: false };
        let inlined = is_inlined.then(|| Frame {
            symbol: "[unknown]".into(),
            object,
            file: known(text(place.file)),
            line: place.line,
            // Marked as inlined it would promise that the lines of functions are their own; what is inlined from the same
            // file cannot be told from the function.
            inlined: false,
        });
        let function = self.stacks.frame(function);
        Frames { function, inlined: inlined.map(|inlined| self.stacks.frame(inlined)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_are_added_up_whenever_they_come() {
        let mut sums = Sums::default();
        for n in 0..10_000_u64 {
            sums.add(n * 7_919 % 50, n);
            assert!(sums.all.len() <= 2 * 50 + FEW, "{} kept", sums.all.len());
        }
        sums.add(50, u64::MAX);
        sums.add(50, 1);
        sums.settle();
        assert!(sums.all.iter().map(|(key, _)| *key).eq(0..51), "in order, each once");
        assert_eq!(sums.all[..50].iter().map(|(_, cost)| cost).sum::<u64>(), 49_995_000);
        assert_eq!(sums.all[50].1, u64::MAX);
    }
}
