//! Spans of traces in; the exclusive time of every span on its trace's critical path, as rows and parts, out.
//!
//! The critical path is walked back from the end of the root to the child that ended last, as CRISP does (USENIX ATC
//! 2022): every instant of a request belongs to exactly one span, whatever ran beside it.

use std::collections::HashMap;

use super::files::{Files, MOST_ATTRIBUTES, Match};
use super::index::{Index, Meaning};
use super::owners::Owners;
use super::sampled::{Key, Rows, finish};
use super::symbol::Symbol;
use super::{Options, allocated};
use crate::model::{AttributedRequest, Attribution, Basis, Item, Part, PlacedShare, Profile, RowKind, Span, Unit};

/// Row of the time of a request that no span covers.
pub const UNCOVERED: &str = "not covered by spans";

/// Splits requests over their spans.
pub fn attribute(profile: &Profile, items: &[Item], options: &Options) -> Attribution {
    let mut rows = Rows::default();
    if !profile.allocated.is_empty() {
        allocated::add(profile, &Owners::new(profile, items, &options.own), &mut rows);
    }
    let keys = span_keys(profile, items);
    let children = children(profile);
    let exclusive = critical_path(profile, &children);
    let mut by_request: Vec<Vec<u32>> = vec![Vec::new(); profile.requests.len()];
    for (at, span) in profile.spans.iter().enumerate() {
        by_request[span.request as usize].push(at as u32);
    }
    let mut out = Attribution { basis: Basis::Spans, unit: Unit::WallNanoseconds, ..Attribution::default() };
    out.allocated_over = allocated::requests(profile);
    for (number, (request, spans)) in (0..).zip(profile.requests.iter().zip(&by_request)) {
        let latency_ns = request.end_ns.saturating_sub(request.start_ns);
        let mut own: HashMap<u32, Part> = HashMap::new();
        let mut left = latency_ns as f64;
        for &at in spans {
            let owned = exclusive[at as usize] as f64;
            left -= owned;
            let idle = owned * idle_share(profile, &children, at);
            add(&mut rows, &mut own, &keys[at as usize], owned - idle, &mut out.placed);
            let span = &profile.spans[at as usize];
            let wait = Key::Named(RowKind::Wait, format!("idle in {}", span.name));
            add(&mut rows, &mut own, &wait, idle, &mut out.placed);
            let row = rows.id(keys[at as usize].clone());
            rows.cost(row).total += span.end_ns.saturating_sub(span.start_ns) as f64;
        }
        if left != 0.0 {
            add(&mut rows, &mut own, &Key::Named(RowKind::Unattributed, UNCOVERED.into()), left, &mut out.placed);
        }
        let start = out.parts.len();
        out.parts.extend(own.into_values());
        let root = spans.iter().map(|s| &profile.spans[*s as usize]).find(|s| s.parent.is_none());
        out.requests.push(AttributedRequest {
            request: number,
            operation: request.operation.clone(),
            span_name: root.map_or(String::new(), |r| r.name.clone()),
            latency_ns,
            parts: start..out.parts.len(),
        });
    }
    finish(out, rows, items)
}

fn add(rows: &mut Rows, own: &mut HashMap<u32, Part>, key: &Key, ns: f64, placed: &mut PlacedShare) {
    if ns == 0.0 {
        return;
    }
    let row = rows.id(key.clone());
    let part = own.entry(row).or_insert(Part { row, owned_ns: 0.0, self_ns: 0.0, total_ns: 0.0, samples: 0 });
    part.owned_ns += ns;
    part.self_ns += ns;
    part.total_ns += ns;
    part.samples += 1;
    let cost = rows.cost(row);
    cost.owned += ns;
    cost.self_ += ns;
    cost.samples += 1;
    if matches!(key, Key::Named(RowKind::Wait, _)) {
        return;
    }
    placed.total += ns;
    placed.joined += ns;
    placed.judged += ns;
    placed.samples += 1;
    placed.joined_samples += 1;
    placed.unplaced += if matches!(key, Key::Item(_)) { 0.0 } else { ns };
}

/// What each span stands for: the function at its place, the function of its name, or a label.
fn span_keys<'a>(profile: &'a Profile, items: &[Item]) -> Vec<Key> {
    let (index, files) = (Index::new(items), Files::new(items));
    let mut known: HashMap<(&'a str, &'a str, u32, &'a str), Key> = HashMap::new();
    let mut key = |s: &'a Span| {
        let place = (s.function.as_str(), s.file.as_str(), s.line, s.name.as_str());
        known.entry(place).or_insert_with(|| span_key(s, &index, &files, items)).clone()
    };
    profile.spans.iter().map(&mut key).collect()
}

fn span_key(span: &Span, index: &Index, files: &Files, items: &[Item]) -> Key {
    let file = match files.find(&span.file) {
        Match::Whole { file, .. } | Match::Tail(file) => Some(file),
        Match::None => None,
    };
    if let Some(item) = file.filter(|_| span.line > 0).and_then(|f| attribute_line(files, f, span.line)) {
        return Key::Item(item);
    }
    let label = match index.resolve(&Symbol::parse(&span.function)) {
        Meaning::Item(item) => return Key::Item(item),
        Meaning::Ambiguous(all) => super::owners::ambiguous(&all, items),
        // Before the code was surveyed.
        _ if items.is_empty() && !span.function.is_empty() => span.function.clone(),
        _ => format!("span {} without a code location", span.name),
    };
    Key::Named(RowKind::Unattributed, label)
}

/// The function at a line, or the one that an attribute there stands above.
fn attribute_line(files: &Files, file: &str, line: u32) -> Option<u32> {
    files.at(file, line).or_else(|| (line..line + MOST_ATTRIBUTES).find_map(|l| files.begins_at(file, l)))
}

fn children(profile: &Profile) -> Vec<Vec<u32>> {
    let mut children = vec![Vec::new(); profile.spans.len()];
    for (at, span) in profile.spans.iter().enumerate() {
        if let Some(parent) = span.parent {
            children[parent as usize].push(at as u32);
        }
    }
    children
}

/// Nanoseconds of each span on the critical path, without its children.
fn critical_path(profile: &Profile, children: &[Vec<u32>]) -> Vec<u64> {
    let mut exclusive = vec![0; profile.spans.len()];
    let mut open: Vec<(u32, u64, u64)> = Vec::new();
    for (at, span) in profile.spans.iter().enumerate() {
        if span.parent.is_none() {
            let request = &profile.requests[span.request as usize];
            open.push((at as u32, span.start_ns.max(request.start_ns), span.end_ns.min(request.end_ns)));
        }
    }
    while let Some((at, from, to)) = open.pop() {
        let mut inside = children[at as usize].clone();
        // The one that ends last goes first; a child that outlives its parent is cut to it.
        inside.sort_by_key(|c| std::cmp::Reverse((profile.spans[*c as usize].end_ns.min(to), *c)));
        let mut until = to;
        for child in inside {
            let span = &profile.spans[child as usize];
            let (start, end) = (span.start_ns.max(from), span.end_ns.min(until));
            if start >= end {
                continue;
            }
            exclusive[at as usize] += until - end;
            open.push((child, start, end));
            until = start;
        }
        exclusive[at as usize] += until.saturating_sub(from);
    }
    exclusive
}

/// Share of a span's own time that it spent awaiting, 0 where the trace does not tell.
fn idle_share(profile: &Profile, children: &[Vec<u32>], at: u32) -> f64 {
    let span = &profile.spans[at as usize];
    let (Some(busy), Some(idle)) = (span.busy_ns, span.idle_ns) else { return 0.0 };
    let of_children = |ns: fn(&Span) -> Option<u64>| -> u64 {
        children[at as usize].iter().filter_map(|c| ns(&profile.spans[*c as usize])).sum()
    };
    let own_busy = busy.saturating_sub(of_children(|s| s.busy_ns)) as f64;
    let own_idle = idle.saturating_sub(of_children(|s| s.idle_ns)) as f64;
    if own_busy + own_idle > 0.0 { own_idle / (own_busy + own_idle) } else { 0.0 }
}
