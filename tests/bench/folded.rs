//! A profile in, the folded table of its stacks out; and two such tables in, in what they differ and why out.

use std::collections::{BTreeMap, HashMap};

use refit::model::{LOST_CALLER, NO_LEAF, Profile};

/// Stacks of functions that exist (inlined ones count for their callers), the outermost first, each with its weight.
///
/// The thread's name is left out: perf prints the one of the moment, which says nothing of where time was spent.
pub fn table(profile: &Profile) -> BTreeMap<String, u64> {
    let mut by_leaf: HashMap<u32, u64> = HashMap::new();
    for (at, leaf) in profile.samples.leaves().iter().enumerate().filter(|(_, leaf)| **leaf != NO_LEAF) {
        *by_leaf.entry(*leaf).or_default() += profile.samples.weights().at(at);
    }
    let mut texts: Vec<Option<String>> = vec![None; profile.nodes.len()];
    let mut stacks = BTreeMap::new();
    for (leaf, weight) in by_leaf {
        *stacks.entry(text(profile, leaf, &mut texts)).or_default() += weight;
    }
    stacks
}

/// The stack of a node; texts of callers are made once.
fn text(profile: &Profile, node: u32, texts: &mut Vec<Option<String>>) -> String {
    if let Some(known) = &texts[node as usize] {
        return known.clone();
    }
    let at = profile.nodes[node as usize];
    let frame = &profile.frames[at.frame.0 as usize];
    let mut whole = at.parent.map_or(String::new(), |parent| text(profile, parent.0, texts));
    if !frame.inlined {
        if !whole.is_empty() {
            whole.push(';');
        }
        whole.push_str(&name(&frame.symbol, &frame.object));
    }
    texts[node as usize] = Some(whole.clone());
    whole
}

/// As inferno writes a frame: what has no symbol by its object file.
fn name(symbol: &str, object: &str) -> String {
    if symbol != "[unknown]" || object.is_empty() {
        return symbol.replace(';', ":");
    }
    let file = object.rsplit('/').next().unwrap_or(object);
    format!("[{}]", file.trim_start_matches('[').trim_end_matches(']'))
}

/// Lines that say how much of the weight stands on the same stacks in both, and what the rest is.
pub fn difference(ours: &str, theirs: &str) -> Vec<String> {
    let (ours, theirs) = (parsed(ours, false), parsed(theirs, true));
    let total = |table: &BTreeMap<String, u64>| table.values().sum::<u64>();
    let (whole, their_whole) = (total(&ours), total(&theirs));
    let mut left = theirs.clone();
    let mut take = |stack: &str, weight: u64| {
        let there = left.get_mut(stack).map_or(0, |there| {
            let taken = weight.min(*there);
            *there -= taken;
            taken
        });
        weight - there
    };
    let mut rest: Vec<(&String, u64)> = Vec::new();
    for (stack, weight) in &ours {
        let over = take(stack, *weight);
        if over > 0 {
            rest.push((stack, over));
        }
    }
    let same = whole - rest.iter().map(|(_, weight)| weight).sum::<u64>();
    let (mut told, mut others) = (0, Vec::new());
    for (stack, weight) in rest {
        let over =
            without_one(stack).iter().fold(weight, |over, shorter| if over > 0 { take(shorter, over) } else { 0 });
        told += weight - over;
        if over > 0 {
            others.push((over, stack));
        }
    }
    let share = |part: u64| 100.0 * part as f64 / whole.max(1) as f64;
    let mut lines = vec![
        format!("weight {whole} here, {their_whole} there; {:.2} % of it on the same stack", share(same)),
        format!(
            "{:.2} % on the same but for one function, which the call says was entered and frame pointers skip",
            share(told)
        ),
        format!(
            "{:.2} % on others: one address may have several symbols, stubs of imports have none here, and inferno \
             leaves out frames whose object file has a blank in its path",
            share(whole - same - told)
        ),
    ];
    others.sort_unstable_by(|a, b| b.cmp(a));
    left.retain(|_, weight| *weight > 0);
    let end = |stack: &str| stack.rsplit(';').take(3).collect::<Vec<_>>().join(" < ");
    lines.extend(others.iter().take(3).map(|(weight, stack)| format!("  {:.3} % here {}", share(*weight), end(stack))));
    let mut theirs: Vec<(&u64, &String)> = left.iter().map(|(stack, weight)| (weight, stack)).collect();
    theirs.sort_unstable_by(|a, b| b.cmp(a));
    lines.extend(
        theirs.iter().take(3).map(|(weight, stack)| format!("  {:.3} % there {}", share(**weight), end(stack))),
    );
    lines
}

/// A folded table; the peer's stacks begin with the name of the thread.
fn parsed(text: &str, with_thread: bool) -> BTreeMap<String, u64> {
    let mut table = BTreeMap::new();
    for (stack, weight) in text.lines().filter_map(|line| line.rsplit_once(' ')) {
        let stack = if with_thread { stack.split_once(';').map_or("", |(_, stack)| stack) } else { stack };
        *table.entry(stack.to_owned()).or_default() += weight.parse::<u64>().unwrap_or(0);
    }
    table
}

/// The stack without one of the frames near its leaf: where Refit puts in the function that a call entered.
fn without_one(stack: &str) -> Vec<String> {
    let frames: Vec<&str> = stack.split(';').collect();
    let from = frames.len().saturating_sub(40);
    let without = |at: usize| [&frames[..at], &frames[at + 1..]].concat().join(";");
    let lost = frames.iter().rposition(|frame| *frame == LOST_CALLER);
    lost.into_iter().chain((from..frames.len()).rev()).map(without).collect()
}
