//! A profile in; for any threads, time and requests the shares of its functions, its call tree, and the weight of what a
//! search finds, out.
//!
//! What a key press asks has to be answered at once, whatever the size: samples are kept by thread and time, so that a
//! filter is a handful of slices, and of two halves the smaller one is summed up.

use std::collections::HashMap;
use std::ops::Range;

use super::Options;
use super::flame::Tree;
use super::join::Polls;
use super::shares::{Placed, Share, Weighed, ranked};
use crate::model::{Brush, Column, Flame, Item, NO_LEAF, Profile, Unit};

/// Which samples count; what is `None` does not limit them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Samples of these OS threads; empty for all.
    pub threads: Vec<u64>,
    /// Samples of a time, CLOCK_MONOTONIC nanoseconds.
    pub time: Option<Range<u64>>,
    /// Samples of some requests, by their index in the profile.
    pub requests: Option<Vec<u32>>,
}

/// A profile made ready for questions.
#[derive(Debug)]
pub struct Lens {
    /// Leaves by thread, then by time; an empty stack has the number behind the last node.
    leaves: Vec<u32>,
    weights: Column,
    times: Column,
    threads: HashMap<Option<u64>, Range<usize>>,
    /// Where the samples of each request lie.
    requests: Vec<Vec<Range<usize>>>,
    all: Sums,
    /// The caller of each node; itself for a root.
    parents: Vec<u32>,
    /// Frame of each node.
    frames: Vec<u32>,
    /// Names of the frames in lower case.
    names: Vec<String>,
    placed: Placed,
    tree: Tree,
    unit: Unit,
    /// Weight of each thread, heaviest first.
    heaviest: Vec<(u64, u64)>,
    /// First and last moment of the samples.
    span: (u64, u64),
}

/// Weight and number of samples of every node as a leaf; what stands last has no stack.
#[derive(Clone, Debug, Default, PartialEq)]
struct Sums {
    weights: Vec<u64>,
    samples: u64,
}

impl Lens {
    /// Sorts the samples and places every stack, once.
    pub fn new(profile: &Profile, items: &[Item], options: &Options) -> Lens {
        let (order, threads) = by_thread_and_time(profile);
        let samples = &profile.samples;
        let nodes = profile.nodes.len() as u32;
        let leaf = |at: &u32| match samples.leaves()[*at as usize] {
            NO_LEAF => nodes,
            leaf => leaf,
        };
        let mut lens = Lens {
            leaves: order.iter().map(leaf).collect(),
            weights: order.iter().map(|at| samples.weights().at(*at as usize)).collect(),
            times: order.iter().map(|at| samples.at(*at as usize).time_ns.unwrap_or(0)).collect(),
            threads,
            requests: Vec::new(),
            all: Sums::default(),
            parents: (0..).zip(&profile.nodes).map(|(at, n)| n.parent.map_or(at, |p| p.0)).collect(),
            frames: profile.nodes.iter().map(|n| n.frame.0).collect(),
            names: profile.frames.iter().map(|f| f.symbol.to_lowercase()).collect(),
            placed: Placed::new(profile, items, options),
            tree: Tree::new(profile, items, &options.own),
            unit: profile.unit,
            heaviest: Vec::new(),
            span: span(profile),
        };
        lens.requests = Polls::new(profile).of_request.iter().map(|polls| lens.slices(polls)).collect();
        let everything = 0..lens.leaves.len();
        lens.all = lens.sum(std::slice::from_ref(&everything));
        let weight = |slice: &Range<usize>| slice.clone().map(|at| lens.weights.at(at)).fold(0, u64::saturating_add);
        let known = lens.threads.iter().filter_map(|(tid, slice)| Some(((*tid)?, weight(slice))));
        lens.heaviest = known.collect();
        lens.heaviest.sort_by_key(|(tid, weight)| (std::cmp::Reverse(*weight), *tid));
        lens
    }

    /// What a brush leaves, and of that the samples of some requests alone where they are given.
    pub fn filter(&self, brush: &Brush, requests: Option<Vec<u32>>) -> Filter {
        let moment = |since: u64| self.span.0.saturating_add(since);
        Filter {
            threads: brush.threads.clone(),
            time: brush.time_ns.map(|(from, to)| moment(from)..moment(to)),
            requests,
        }
    }

    /// The call tree of the samples that count.
    pub fn flame(&self, filter: &Filter) -> Flame {
        let sums = self.sums(filter);
        Flame {
            unit: self.unit,
            samples: sums.samples,
            requests: filter.requests.as_ref().map(|r| r.len() as u64),
            threads: self.heaviest.clone(),
            length_ns: self.span.1 - self.span.0,
            ..self.tree.laid_out(&sums.weights)
        }
    }

    /// When the first sample was taken.
    pub fn begin_ns(&self) -> u64 {
        self.span.0
    }

    /// The shares of all functions among the samples that count, largest first.
    pub fn rank(&self, filter: &Filter) -> Vec<Share> {
        let sums = self.sums(filter);
        let drawn = match self.unit {
            Unit::Samples => sums.weights.iter().fold(0, |sum, w| u64::saturating_add(sum, *w)),
            _ => sums.samples,
        };
        ranked(&sums.weights, &self.placed, drawn as f64)
    }

    /// What all functions have of the samples that count.
    pub fn weighed(&self, filter: &Filter) -> Vec<Weighed> {
        self.placed.weighed(&self.sums(filter).weights, &self.parents)
    }

    /// Weight of every node as a leaf, by its number; what stands last has no stack.
    pub fn weights(&self, filter: &Filter) -> Vec<u64> {
        self.sums(filter).weights
    }

    /// Weight of the stacks that count and hold the text in any frame, whatever its case; and of all that count.
    pub fn search(&self, text: &str, filter: &Filter) -> (u64, u64) {
        let text = text.to_lowercase();
        let holds: Vec<bool> = self.names.iter().map(|name| name.contains(&text)).collect();
        let mut on_stack = vec![false; self.parents.len()];
        for (node, parent) in self.parents.iter().enumerate() {
            // A parent stands before its children.
            on_stack[node] = holds[self.frames[node] as usize] || on_stack[*parent as usize];
        }
        let sums = self.sums(filter);
        let found = sums.weights.iter().zip(&on_stack).filter(|(_, on)| **on).map(|(w, _)| w).sum();
        (found, sums.weights.iter().sum())
    }

    fn sums(&self, filter: &Filter) -> Sums {
        if *filter == Filter::default() {
            return self.all.clone();
        }
        let slices = self.counted(filter);
        let size: usize = slices.iter().map(ExactSizeIterator::len).sum();
        if size * 2 <= self.leaves.len() || filter.requests.is_some() {
            return self.sum(&slices);
        }
        let rest = self.sum(&without(&slices, self.leaves.len()));
        let pairs = self.all.weights.iter().zip(&rest.weights);
        Sums {
            weights: pairs.map(|(all, rest)| all.saturating_sub(*rest)).collect(),
            samples: self.all.samples - rest.samples,
        }
    }

    /// Where the samples lie that count, in order.
    fn counted(&self, filter: &Filter) -> Vec<Range<usize>> {
        let of_time = |r: &Range<usize>| match &filter.time {
            Some(time) => self.before(r, time.start)..self.before(r, time.end),
            None => r.clone(),
        };
        let threads: Vec<&Range<usize>> = match filter.threads.is_empty() {
            true => self.threads.values().collect(),
            false => {
                let wanted: std::collections::BTreeSet<u64> = filter.threads.iter().copied().collect();
                wanted.iter().filter_map(|tid| self.threads.get(&Some(*tid))).collect()
            }
        };
        let on_threads = |r: &Range<usize>| threads.iter().any(|t| t.start <= r.start && r.end <= t.end);
        let mut slices: Vec<Range<usize>> = match &filter.requests {
            Some(requests) => {
                let polls = requests.iter().filter_map(|r| self.requests.get(*r as usize)).flatten();
                polls.filter(|r| filter.threads.is_empty() || on_threads(r)).map(of_time).collect()
            }
            None => threads.into_iter().map(of_time).collect(),
        };
        slices.retain(|r| r.start < r.end);
        slices.sort_by_key(|r| r.start);
        slices
    }

    /// The first sample of a thread's slice that is not before a time.
    fn before(&self, slice: &Range<usize>, time: u64) -> usize {
        let (mut low, mut high) = (slice.start, slice.end.max(slice.start));
        while low < high {
            let middle = low + (high - low) / 2;
            if self.times.at(middle) < time { low = middle + 1 } else { high = middle }
        }
        low
    }

    fn slices(&self, polls: &[crate::model::Poll]) -> Vec<Range<usize>> {
        let slice = |poll: &crate::model::Poll| {
            let thread = self.threads.get(&Some(poll.tid))?;
            let slice = self.before(thread, poll.start_ns)..self.before(thread, poll.end_ns);
            (slice.start < slice.end).then_some(slice)
        };
        polls.iter().filter_map(slice).collect()
    }

    fn sum(&self, slices: &[Range<usize>]) -> Sums {
        let mut sums = Sums { weights: vec![0; self.parents.len() + 1], samples: 0 };
        for slice in slices {
            sums.samples += slice.len() as u64;
            let leaves = &self.leaves[slice.clone()];
            let mut add = |leaf: &u32, weight: u64| {
                let sum = &mut sums.weights[*leaf as usize];
                *sum = sum.saturating_add(weight);
            };
            match &self.weights {
                Column::Same(weight, _) => leaves.iter().for_each(|l| add(l, *weight)),
                Column::Narrow(all) => leaves.iter().zip(&all[slice.clone()]).for_each(|(l, w)| add(l, u64::from(*w))),
                Column::Wide(all) => leaves.iter().zip(&all[slice.clone()]).for_each(|(l, w)| add(l, *w)),
            }
        }
        sums
    }
}

/// First and last moment of the samples.
fn span(profile: &Profile) -> (u64, u64) {
    let times = profile.samples.iter().filter_map(|s| s.time_ns);
    let (low, high) = times.fold((u64::MAX, 0), |(low, high), t| (low.min(t), high.max(t)));
    if low == u64::MAX { (0, 0) } else { (low, high) }
}

/// The places of the samples by thread, then by time, and where each thread's lie.
fn by_thread_and_time(profile: &Profile) -> (Vec<u32>, HashMap<Option<u64>, Range<usize>>) {
    let samples = &profile.samples;
    let mut of_thread: Vec<(Option<u64>, Vec<u32>)> = Vec::new();
    let mut places: HashMap<Option<u64>, usize> = HashMap::new();
    let mut last: Option<(Option<u64>, usize)> = None;
    for (at, sample) in samples.iter().enumerate() {
        let place = match last {
            Some((tid, place)) if tid == sample.tid => place,
            _ => *places.entry(sample.tid).or_insert_with(|| {
                of_thread.push((sample.tid, Vec::new()));
                of_thread.len() - 1
            }),
        };
        last = Some((sample.tid, place));
        of_thread[place].1.push(at as u32);
    }
    let (mut order, mut threads) = (Vec::with_capacity(samples.len()), HashMap::new());
    for (tid, mut places) in of_thread {
        let time = |at: &u32| samples.at(*at as usize).time_ns;
        if !places.is_sorted_by_key(time) {
            places.sort_by_key(time);
        }
        threads.insert(tid, order.len()..order.len() + places.len());
        order.extend(places);
    }
    (order, threads)
}

/// What slices in order leave out.
fn without(slices: &[Range<usize>], end: usize) -> Vec<Range<usize>> {
    let starts = std::iter::once(0).chain(slices.iter().map(|r| r.end));
    let ends = slices.iter().map(|r| r.start).chain([end]);
    starts.zip(ends).map(|(start, end)| start..end).filter(|r| r.start < r.end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Frame, FrameId, Node, NodeId, Poll, Request, Sample};

    /// Two threads take turns, 100 ns a sample; every third sample has no stack.
    fn profile(weights: fn(usize) -> u64) -> Profile {
        let named = |symbol: &str| Frame { symbol: symbol.into(), ..Frame::default() };
        let sample = |at: usize| Sample {
            leaf: (at % 3).checked_sub(1).map(|node| NodeId(node as u32)),
            weight: weights(at),
            time_ns: Some(at as u64 * 100),
            tid: Some(at as u64 % 2),
        };
        Profile {
            frames: vec![named("Outer::run"), named("memcpy")],
            nodes: vec![Node { parent: None, frame: FrameId(0) }, Node { parent: Some(NodeId(0)), frame: FrameId(1) }],
            samples: (0..1200).map(sample).collect(),
            unit: Unit::CpuNanoseconds,
            requests: vec![Request { start_ns: 0, end_ns: 60_000, ..Request::default() }],
            polls: vec![
                Poll { request: 0, tid: 0, start_ns: 0, end_ns: 10_000 },
                Poll { request: 0, tid: 1, start_ns: 50_000, end_ns: 60_000 },
            ],
            ..Profile::default()
        }
    }

    /// Every filter by brute force.
    fn expected(profile: &Profile, filter: &Filter) -> Vec<u64> {
        let polls = Polls::new(profile);
        let mut weights = vec![0; 3];
        for s in profile.samples.iter() {
            let counts = (filter.threads.is_empty() || s.tid.is_some_and(|t| filter.threads.contains(&t)))
                && filter.time.as_ref().is_none_or(|t| s.time_ns.is_some_and(|at| t.contains(&at)))
                && filter.requests.as_ref().is_none_or(|r| polls.request_of(&s).is_some_and(|of| r.contains(&of)));
            weights[s.leaf.map_or(2, |n| n.0 as usize)] += if counts { s.weight } else { 0 };
        }
        weights
    }

    #[test]
    fn every_filter_counts_what_going_through_all_samples_counts() {
        for weights in [|_| 7, |at| at as u64, |at| at as u64 * 5_000_000_000] as [fn(usize) -> u64; 3] {
            let profile = profile(weights);
            let lens = Lens::new(&profile, &[], &Options::default());
            for threads in [vec![], vec![0], vec![1], vec![1, 0, 1], vec![9]] {
                for time in [None, Some(0..0), Some(100..300), Some(0..110_000), Some(50..1_000_000)] {
                    for requests in [None, Some(vec![]), Some(vec![0]), Some(vec![0, 5])] {
                        let filter = Filter { threads: threads.clone(), time: time.clone(), requests };
                        assert_eq!(lens.weights(&filter), expected(&profile, &filter), "{filter:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_search_finds_stacks_by_any_frame_whatever_its_case() {
        let lens = Lens::new(&profile(|_| 1), &[], &Options::default());
        let all = Filter::default();
        assert_eq!(lens.search("outer", &all), (800, 1200));
        assert_eq!(lens.search("MEMCPY", &all), (400, 1200));
        assert_eq!(lens.search("memcpy", &Filter { threads: vec![0], ..all.clone() }), (200, 600));
        assert_eq!(lens.search("nothing", &all).0, 0);
    }

    #[test]
    fn shares_of_a_filter_are_those_of_its_samples() {
        let lens = Lens::new(&profile(|_| 1), &[], &Options::default());
        let shares = lens.rank(&Filter { threads: vec![1], ..Filter::default() });
        assert_eq!(shares.iter().map(|s| s.share).sum::<f64>(), 1.0);
        assert_eq!((shares[0].name.as_str(), shares[0].share), ("runtime and libraries", 2.0 / 3.0));
    }
}
