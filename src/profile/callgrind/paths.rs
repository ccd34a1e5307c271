//! Costs of functions and of their calls in; the paths from the outermost caller with the costs that fall on each out.
//!
//! A call graph does not say along which path a function cost what. As in gprof, its cost is shared out among its callers in
//! proportion to what their calls cost; a path that takes less than a ten-thousandth of the whole is not followed further,
//! and calls back into a path are left out of it. In the end each function has exactly its own cost again.

use super::super::intern::{FastMap, Stacks};
use crate::model::{Frame, NodeId, Sample, Samples};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Its file.
    pub file: u32,
    /// Its number; 0 where unknown.
    pub line: u32,
}

#[derive(Clone, Debug)]
struct Node {
    function: Function,
    own: Vec<(Place, u64)>,
    /// Where it calls, whom, and what that cost.
    calls: Vec<(Place, u32, u64)>,
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
        self.nodes.push(Node { function, own: Vec::new(), calls: Vec::new(), is_called: false });
        self.by_function.insert(function, at);
        at
    }

    /// A function cost this much at a line, by itself.
    pub fn own(&mut self, function: u32, place: Place, cost: u64) {
        if cost == 0 {
            return;
        }
        self.cost = self.cost.saturating_add(cost);
        let own = &mut self.nodes[function as usize].own;
        match own.iter_mut().find(|(known, _)| *known == place) {
            Some((_, sum)) => *sum = sum.saturating_add(cost),
            None => own.push((place, cost)),
        }
    }

    /// A function's calls of another at a line cost this much, all that was called in turn included.
    pub fn call(&mut self, caller: u32, place: Place, callee: Function, cost: u64) {
        let callee = self.function(callee);
        if callee != caller {
            self.nodes[callee as usize].is_called = true;
            self.nodes[caller as usize].calls.push((place, callee, cost));
        }
    }

    /// The costs as samples with their stacks.
    pub fn samples(&self, texts: &[String], stacks: &mut Stacks) -> Samples {
        let mut walk = Walk { calls: self, texts, stacks, given: Vec::new(), on_path: vec![false; self.nodes.len()] };
        let outermost = |node: &Node| !node.is_called;
        for (at, node) in self.nodes.iter().enumerate().filter(|(_, n)| outermost(n)) {
            walk.follow(at as u32, None, node.total(), 0);
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
            self.nodes.iter().map(|n| n.own.iter().map(|(_, cost)| *cost).collect()).collect();
        for (at, caller, share) in given {
            let node = &self.nodes[at as usize];
            let share = share / reached[at as usize];
            reached[at as usize] -= share * reached[at as usize];
            for (line, (place, _)) in node.own.iter().enumerate() {
                // Shares of what is left, so that rounding loses nothing in the end.
                let left = &mut left[at as usize][line];
                let part = ((*left as f64 * share).round() as u64).min(*left);
                *left -= part;
                if part > 0 {
                    let leaf = Some(walk.frame(node, *place, caller));
                    samples.push(Sample { leaf, weight: part, time_ns: None, tid: None });
                }
            }
        }
        samples
    }
}

impl Node {
    fn total(&self) -> f64 {
        self.own_cost() + self.calls.iter().map(|(.., cost)| *cost as f64).sum::<f64>()
    }

    fn own_cost(&self) -> f64 {
        self.own.iter().map(|(_, cost)| *cost as f64).sum()
    }
}

struct Walk<'a> {
    calls: &'a Calls,
    texts: &'a [String],
    stacks: &'a mut Stacks,
    /// How much of a function's own cost falls on a path: function, caller's node, cost.
    given: Vec<(u32, Option<NodeId>, f64)>,
    on_path: Vec<bool>,
}

impl Walk<'_> {
    /// Shares `flow`, which reaches a function along a path, between its own lines and its calls.
    fn follow(&mut self, at: u32, caller: Option<NodeId>, flow: f64, depth: usize) {
        let node = &self.calls.nodes[at as usize];
        self.on_path[at as usize] = true;
        let open: Vec<_> = node.calls.iter().filter(|(_, callee, _)| !self.on_path[*callee as usize]).collect();
        let total = node.own_cost() + open.iter().map(|(.., cost)| *cost as f64).sum::<f64>();
        if total > 0.0 {
            self.given.push((at, caller, flow * node.own_cost() / total));
            for (place, callee, cost) in open {
                let flow = flow * *cost as f64 / total;
                if flow >= self.calls.cost as f64 * WORTH_FOLLOWING && depth < DEEPEST {
                    let here = self.frame(node, *place, caller);
                    self.follow(*callee, Some(here), flow, depth + 1);
                }
            }
        }
        self.on_path[at as usize] = false;
    }

    /// The node of a function at a line; a line of another file is of something that was inlined.
    fn frame(&mut self, node: &Node, place: Place, caller: Option<NodeId>) -> NodeId {
        let text = |index: u32| self.texts.get(index as usize).map_or("", String::as_str);
        let known = |text: &str| if text == "???" { String::new() } else { text.to_owned() };
        // `fib'2` is what callgrind calls the second level of a recursion.
        let name = text(node.function.name);
        let name = match name.rsplit_once('\'') {
            Some((plain, level)) if !level.is_empty() && level.bytes().all(|b| b.is_ascii_digit()) => plain,
            _ => name,
        };
        let symbol = if known(name).is_empty() { "[unknown]".into() } else { name.to_owned() };
        let object = known(text(node.function.object));
        let is_inlined = place.file != node.function.file;
        let line = if is_inlined { 0 } else { place.line };
        let frame =
            Frame { symbol, object: object.clone(), file: known(text(node.function.file)), line, inlined: false };
        let inlined = is_inlined.then(|| Frame {
            symbol: "[unknown]".into(),
            object,
            file: known(text(place.file)),
            line: place.line,
            // Marked as inlined it would promise that the lines of functions are their own; what is inlined from the same
            // file cannot be told from the function.
            inlined: false,
        });
        let frame = self.stacks.frame(frame);
        let outer = self.stacks.child(caller, frame);
        match inlined {
            Some(inlined) => {
                let inlined = self.stacks.frame(inlined);
                self.stacks.child(Some(outer), inlined)
            }
            None => outer,
        }
    }
}
