//! Samples, requests and owners in; rows with their costs, and the parts of every request, out.

use std::collections::BTreeMap;

use super::join::{Polls, Stretches};
use super::owners::{Owners, StackOwner};
use super::{allocated, blocked};
use crate::model::{
    AttributedRequest, AttributedRow, Attribution, Basis, Cost, Item, LinePart, NodeId, OUTSIDE_OF_REQUESTS as OUTSIDE,
    Part, PlacedShare, Profile, RowKind, Sample, Unit, Wait,
};

/// Row of the time that a request's task was not polled and nothing says why.
pub const NOT_RUNNING: &str = "not running (unnamed)";
/// Row of the time inside polls without samples: blocked, or waiting for a core; wall time minus sampled CPU time.
pub const OFF_CPU: &str = "off CPU in poll (estimate)";
/// Row of polled time where there are no samples at all.
pub const NOT_SAMPLED: &str = "running, not sampled";

/// A row's key, in the order of the rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// An item.
    Item(u32),
    /// A kind and a name.
    Named(RowKind, String),
}

/// The rows that are being filled.
#[derive(Default)]
pub struct Rows {
    ids: BTreeMap<Key, u32>,
    costs: Vec<Cost>,
}

impl Rows {
    /// The number of a row.
    pub fn id(&mut self, key: Key) -> u32 {
        let next = self.costs.len() as u32;
        let id = *self.ids.entry(key).or_insert(next);
        if id == next {
            self.costs.push(Cost::default());
        }
        id
    }

    /// A row's cost.
    pub fn cost(&mut self, row: u32) -> &mut Cost {
        &mut self.costs[row as usize]
    }

    /// Rows in their order (functions by path, then the others by kind and name), with the new number of each old one.
    pub fn sorted(self, items: &[Item]) -> (Vec<AttributedRow>, Vec<u32>) {
        let mut order: Vec<(Key, u32)> = self.ids.into_iter().collect();
        let path = |key: &Key| match key {
            Key::Item(item) => (0, RowKind::Function, items[*item as usize].id.0.clone()),
            Key::Named(kind, name) => (1, *kind, name.clone()),
        };
        order.sort_by_key(|(key, _)| path(key));
        let mut moved = vec![0; order.len()];
        let rows = order.iter().enumerate().map(|(at, (key, old))| {
            moved[*old as usize] = at as u32;
            row(key, items, self.costs[*old as usize])
        });
        let rows = rows.collect();
        (rows, moved)
    }
}

fn row(key: &Key, items: &[Item], cost: Cost) -> AttributedRow {
    match key {
        Key::Item(item) => {
            let item = &items[*item as usize];
            let (name, function) = (item.id.0.clone(), Some(item.id.clone()));
            AttributedRow { kind: RowKind::Function, name, function, file: item.file.clone(), line: item.line, cost }
        }
        Key::Named(kind, name) => {
            AttributedRow { kind: *kind, name: name.clone(), function: None, file: String::new(), line: 0, cost }
        }
    }
}

/// A sample with its owner and its request.
#[derive(Clone, Copy)]
struct Placed {
    sample: Sample,
    request: Option<u32>,
    /// Index into the stacks.
    stack: u32,
}

/// The rows of one stack, looked up once for all of its samples.
struct Stack {
    owner: u32,
    is_item: bool,
    /// The row of the leaf itself.
    leaf: Option<u32>,
    /// The rows of all functions on it, each once.
    all: Vec<u32>,
}

/// The stacks that have samples.
struct Stacks<'a> {
    owners: &'a Owners,
    /// One more than the stack's number, by node; what stands first has no frames.
    numbers: Vec<u32>,
    all: Vec<Stack>,
}

impl Stacks<'_> {
    fn number(&mut self, leaf: Option<NodeId>, rows: &mut Rows) -> u32 {
        let node = leaf.map_or(0, |n| n.0 as usize + 1);
        if self.numbers[node] == 0 {
            self.all.push(stack(self.owners, leaf, rows));
            self.numbers[node] = self.all.len() as u32;
        }
        self.numbers[node] - 1
    }
}

fn stack(owners: &Owners, leaf: Option<NodeId>, rows: &mut Rows) -> Stack {
    let (owner, is_item) = match owners.of(leaf) {
        StackOwner::Item { item, .. } => (rows.id(Key::Item(item)), true),
        StackOwner::Label(label) => {
            let (kind, name) = &owners.labels[label as usize];
            (rows.id(Key::Named(*kind, name.clone())), *kind == RowKind::Function)
        }
    };
    let mut row = |item: u32| rows.id(Key::Item(item));
    let (on_leaf, all) =
        (owners.leaf_item(leaf).map(&mut row), owners.items_on(leaf).iter().map(|i| row(*i)).collect());
    Stack { owner, is_item, leaf: on_leaf, all }
}

/// Places samples and splits every request that was sampled while it ran.
pub fn attribute(profile: &Profile, items: &[Item], owners: &Owners, polls: &Polls, joined: bool) -> Attribution {
    let mut rows = Rows::default();
    let (placed, stacks) = place(profile, owners, polls, joined, &mut rows);
    allocated::add(profile, owners, &mut rows);
    let share = placed_share(&placed, &stacks, joined);
    let blocked = blocked::waits(profile, items, owners, polls);
    if joined {
        rows.id(Key::Named(RowKind::Unattributed, OUTSIDE.into()));
    }
    let window = sampled_window(profile).filter(|_| joined);
    let scale = if joined { nanoseconds_per_weight(profile, polls, &placed) } else { 1.0 };
    let mut by_request: Vec<Vec<Placed>> = vec![Vec::new(); profile.requests.len()];
    for sample in &placed {
        if let Some(request) = sample.request {
            by_request[request as usize].push(*sample);
        }
    }
    let split =
        Split { profile, stacks: &stacks, polls, waits: waits_by_request(profile, &blocked), scale, sampled: joined };
    let mut out = Attribution { unit: profile.unit, placed: share, ..Attribution::default() };
    out.allocated_over = allocated::requests(profile);
    let mut kept = vec![None; profile.requests.len()];
    for (at, request) in profile.requests.iter().enumerate() {
        if window.is_some_and(|w| request.start_ns < w.0 || request.end_ns > w.1) {
            continue;
        }
        kept[at] = Some(out.requests.len() as u32);
        let start = out.parts.len();
        split.request(at, &by_request[at], &mut rows, &mut out.parts);
        let latency_ns = request.end_ns - request.start_ns;
        let (operation, parts) = (request.operation.clone(), start..out.parts.len());
        let (request, span_name) = (at as u32, String::new());
        out.requests.push(AttributedRequest { request, operation, span_name, latency_ns, parts });
    }
    out.lines = line_parts(owners, &placed, &stacks, &kept);
    out.basis = if joined { Basis::JoinedSamples } else { Basis::SampledShare };
    finish(out, rows, items)
}

/// Numbers the rows in their order.
pub fn finish(mut out: Attribution, rows: Rows, items: &[Item]) -> Attribution {
    let (rows, moved) = rows.sorted(items);
    out.rows = rows;
    out.parts.iter_mut().for_each(|p| p.row = moved[p.row as usize]);
    out.lines.iter_mut().for_each(|l| l.row = moved[l.row as usize]);
    for request in &out.requests {
        out.parts[request.parts.clone()].sort_by_key(|p| p.row);
    }
    out
}

fn place(
    profile: &Profile,
    owners: &Owners,
    polls: &Polls,
    joined: bool,
    rows: &mut Rows,
) -> (Vec<Placed>, Vec<Stack>) {
    let mut placed = Vec::with_capacity(profile.samples.len());
    let mut stacks = Stacks { owners, numbers: vec![0; profile.nodes.len() + 1], all: Vec::new() };
    let outside = Key::Named(RowKind::Unattributed, OUTSIDE.into());
    for sample in profile.samples.iter() {
        let request = if joined { polls.request_of(&sample) } else { None };
        let number = stacks.number(sample.leaf, rows);
        let stack = &stacks.all[number as usize];
        let weight = sample.weight as f64;
        let count = if profile.unit == Unit::Samples { sample.weight } else { 1 };
        let away = if joined && request.is_none() { Some(rows.id(outside.clone())) } else { None };
        for row in [Some(stack.owner), away].into_iter().flatten() {
            rows.cost(row).owned += weight;
            rows.cost(row).samples += count;
        }
        if let Some(row) = stack.leaf {
            rows.cost(row).self_ += weight;
        }
        stack.all.iter().for_each(|row| rows.cost(*row).total += weight);
        placed.push(Placed { sample, request, stack: number });
    }
    (placed, stacks.all)
}

fn placed_share(placed: &[Placed], stacks: &[Stack], joined: bool) -> PlacedShare {
    let mut share = PlacedShare { samples: placed.len() as u64, ..PlacedShare::default() };
    for sample in placed {
        let weight = sample.sample.weight as f64;
        share.total += weight;
        if sample.request.is_some() {
            share.joined += weight;
            share.joined_samples += 1;
        }
        if !joined || sample.request.is_some() {
            share.judged += weight;
            share.unplaced += if stacks[sample.stack as usize].is_item { 0.0 } else { weight };
        }
    }
    share
}

/// From the first to the last sample, with some slack: an idle service has no samples although it is recorded.
fn sampled_window(profile: &Profile) -> Option<(u64, u64)> {
    const SLACK_NS: u64 = 100_000_000;
    let times = || profile.samples.iter().filter_map(|s| s.time_ns);
    Some((times().min()?.saturating_sub(SLACK_NS), times().max()?.saturating_add(SLACK_NS)))
}

/// 1 for nanoseconds; other weights are scaled so that they fill the polled time of all requests.
fn nanoseconds_per_weight(profile: &Profile, polls: &Polls, placed: &[Placed]) -> f64 {
    if profile.unit == Unit::CpuNanoseconds {
        return 1.0;
    }
    let weight: f64 = placed.iter().filter(|p| p.request.is_some()).map(|p| p.sample.weight as f64).sum();
    let polled: u64 = polls.of_request.iter().flatten().map(|p| p.end_ns - p.start_ns).sum();
    if weight > 0.0 { polled as f64 / weight } else { 0.0 }
}

/// Waits that the log or the trace names, and those that the scheduler tells.
fn waits_by_request<'a>(profile: &'a Profile, blocked: &'a [Wait]) -> Vec<Vec<&'a Wait>> {
    let mut waits = vec![Vec::new(); profile.requests.len()];
    for wait in profile.waits.iter().chain(blocked) {
        waits[wait.request as usize].push(wait);
    }
    waits
}

/// Splits one request after another.
struct Split<'a> {
    profile: &'a Profile,
    stacks: &'a [Stack],
    polls: &'a Polls,
    waits: Vec<Vec<&'a Wait>>,
    scale: f64,
    sampled: bool,
}

impl Split<'_> {
    /// Appends the parts of one request; their owned time adds up to its latency.
    fn request(&self, at: usize, samples: &[Placed], rows: &mut Rows, parts: &mut Vec<Part>) {
        let request = &self.profile.requests[at];
        let polled = Stretches::union(self.polls.of_request[at].iter().map(|p| (p.start_ns, p.end_ns)));
        let mut own: BTreeMap<u32, Part> = BTreeMap::new();
        let mut on_cpu = 0.0;
        for placed in samples {
            on_cpu += self.add_sample(placed, &mut own);
        }
        let mut not_polled = (request.end_ns - request.start_ns - polled.length()) as f64;
        let mut silent = polled.length() as f64 - on_cpu;
        for (name, stretches) in self.waits(at) {
            let (off, quiet) = self.wait(&stretches, &polled, samples);
            not_polled -= off;
            silent -= quiet;
            let row = rows.id(Key::Named(RowKind::Wait, name));
            part(&mut own, row).owned_ns += off + quiet;
        }
        let rest = if self.sampled { OFF_CPU } else { NOT_SAMPLED };
        for (kind, name, ns) in [(RowKind::Wait, NOT_RUNNING, not_polled), (RowKind::Unattributed, rest, silent)] {
            if ns != 0.0 {
                let row = rows.id(Key::Named(kind, name.into()));
                part(&mut own, row).owned_ns += ns;
            }
        }
        parts.extend(own.into_values());
    }

    fn add_sample(&self, placed: &Placed, own: &mut BTreeMap<u32, Part>) -> f64 {
        let ns = placed.sample.weight as f64 * self.scale;
        let stack = &self.stacks[placed.stack as usize];
        let owner = part(own, stack.owner);
        owner.owned_ns += ns;
        owner.samples += 1;
        if let Some(row) = stack.leaf {
            part(own, row).self_ns += ns;
        }
        stack.all.iter().for_each(|row| part(own, *row).total_ns += ns);
        ns
    }

    /// The request's named waits by name; where two overlap, the one begun first has the time.
    fn waits(&self, at: usize) -> BTreeMap<String, Stretches> {
        let request = &self.profile.requests[at];
        let mut waits = self.waits[at].clone();
        waits.sort_by_key(|w| (w.start_ns, w.end_ns));
        let mut taken: Vec<(u64, u64)> = Vec::new();
        let mut by_name: BTreeMap<String, Vec<(u64, u64)>> = BTreeMap::new();
        for wait in waits {
            let (start, end) = (wait.start_ns.max(request.start_ns), wait.end_ns.min(request.end_ns));
            if start < end {
                let free = Stretches::union(taken.iter().copied()).gaps(start, end);
                taken.extend(free.iter().copied());
                by_name.entry(wait.name.clone()).or_default().extend(free);
            }
        }
        by_name.into_iter().map(|(name, parts)| (name, Stretches::union(parts))).collect()
    }

    /// A wait owns what of it was not polled, and what was polled without being on a CPU (a thread that blocks).
    fn wait(&self, wait: &Stretches, polled: &Stretches, samples: &[Placed]) -> (f64, f64) {
        let inside: u64 = wait.each().map(|(a, b)| polled.overlap(a, b)).sum();
        let off = (wait.length() - inside) as f64;
        if !self.sampled {
            return (off, 0.0);
        }
        let busy = samples.iter().filter(|p| p.sample.time_ns.is_some_and(|t| wait.holds(t)));
        (off, inside as f64 - busy.map(|p| p.sample.weight as f64 * self.scale).sum::<f64>())
    }
}

fn part(own: &mut BTreeMap<u32, Part>, row: u32) -> &mut Part {
    own.entry(row).or_insert(Part { row, owned_ns: 0.0, self_ns: 0.0, total_ns: 0.0, samples: 0 })
}

fn line_parts(owners: &Owners, placed: &[Placed], stacks: &[Stack], kept: &[Option<u32>]) -> Vec<LinePart> {
    let mut lines: BTreeMap<(Option<u32>, u32, u32), f64> = BTreeMap::new();
    for sample in placed {
        if let StackOwner::Item { line, .. } = owners.of(sample.sample.leaf) {
            let request = sample.request.and_then(|r| kept[r as usize]);
            *lines.entry((request, stacks[sample.stack as usize].owner, line)).or_default() +=
                sample.sample.weight as f64;
        }
    }
    lines.into_iter().map(|((request, row, line), weight)| LinePart { request, row, line, weight }).collect()
}
