//! A profile in, the folded table of its stacks out; and two such tables in, in what they differ and why out.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::Write;

use refit::model::{Frame, NO_LEAF, Profile};

/// A table that is being made: names and stacks as numbers, so that a text is written once for each stack.
struct Table<'p> {
    names: Vec<Cow<'p, str>>,
    /// Caller and name of every stack; stacks of callers stand before.
    stacks: Vec<(Option<u32>, u32)>,
    weights: Vec<u64>,
}

/// Writes stacks of functions that exist (inlined ones count for their callers), the outermost first, each with its weight;
/// gives their number.
///
/// The thread's name is left out: perf prints the one of the moment, which says nothing of where time was spent.
///
/// # Errors
/// As writing.
pub fn write_table(profile: &Profile, out: &mut impl Write) -> std::io::Result<usize> {
    let table = Table::of(profile);
    let (mut line, mut frames, mut count) = (Vec::new(), Vec::new(), 0);
    for (at, weight) in table.weights.iter().enumerate().filter(|(_, weight)| **weight > 0) {
        frames.extend(std::iter::successors(Some(at as u32), |at| table.stacks[*at as usize].0));
        for at in frames.drain(..).rev() {
            line.extend_from_slice(table.names[table.stacks[at as usize].1 as usize].as_bytes());
            line.push(b';');
        }
        line.pop();
        writeln!(line, " {weight}")?;
        out.write_all(&line)?;
        line.clear();
        count += 1;
    }
    Ok(count)
}

impl<'p> Table<'p> {
    fn of(profile: &'p Profile) -> Table<'p> {
        let mut table = Table { names: Vec::new(), stacks: Vec::new(), weights: Vec::new() };
        let names = table.names_of(profile);
        let mut known: HashMap<(Option<u32>, u32), u32> = HashMap::new();
        let mut stack_of: Vec<Option<u32>> = Vec::with_capacity(profile.nodes.len());
        for node in &profile.nodes {
            let caller = node.parent.and_then(|parent| stack_of[parent.0 as usize]);
            stack_of.push(match names[node.frame.0 as usize] {
                None => caller,
                Some(name) => Some(*known.entry((caller, name)).or_insert_with(|| {
                    table.stacks.push((caller, name));
                    table.stacks.len() as u32 - 1
                })),
            });
        }
        table.weights = vec![0; table.stacks.len()];
        for (at, leaf) in profile.samples.leaves().iter().enumerate().filter(|(_, leaf)| **leaf != NO_LEAF) {
            if let Some(stack) = stack_of[*leaf as usize] {
                table.weights[stack as usize] += profile.samples.weights().at(at);
            }
        }
        table
    }

    /// The number of each frame's name; none for what is inlined.
    fn names_of(&mut self, profile: &'p Profile) -> Vec<Option<u32>> {
        let mut known: HashMap<Cow<'p, str>, u32> = HashMap::new();
        let mut number = |frame: &'p Frame| {
            let name = name(&frame.symbol, &frame.object);
            *known.entry(name.clone()).or_insert_with(|| {
                self.names.push(name);
                self.names.len() as u32 - 1
            })
        };
        profile.frames.iter().map(|frame| (!frame.inlined).then(|| number(frame))).collect()
    }
}

/// As inferno writes a frame: what has no symbol by its object file.
fn name<'f>(symbol: &'f str, object: &str) -> Cow<'f, str> {
    if symbol != "[unknown]" || object.is_empty() {
        return if symbol.contains(';') { symbol.replace(';', ":").into() } else { symbol.into() };
    }
    let file = object.rsplit('/').next().unwrap_or(object);
    format!("[{file}]").into()
}

/// Lines that say how much of the weight stands on the same stacks in both, and what the rest is.
pub fn difference(ours: &str, theirs: &str) -> Vec<String> {
    let (ours, mut left) = (parsed(ours, false), parsed(theirs, true));
    let total = |table: &BTreeMap<String, u64>| table.values().sum::<u64>();
    let (whole, their_whole) = (total(&ours), total(&left));
    let mut rest: Vec<(String, u64)> = ours.into_iter().collect();
    let share = |part: u64| 100.0 * part as f64 / whole.max(1) as f64;
    let mut lines = vec![format!("weight {whole} here, {their_whole} there")];
    let mut same = 0;
    for (what, alike) in ALIKE {
        let mut found = 0;
        for (stack, weight) in &mut rest {
            for other in alike(stack) {
                if let Some(there) = left.get_mut(&other).filter(|_| *weight > 0) {
                    let taken = (*weight).min(*there);
                    (*weight, *there, found) = (*weight - taken, *there - taken, found + taken);
                }
            }
        }
        rest.retain(|(_, weight)| *weight > 0);
        same += found;
        lines.push(format!("{:.2} % {what}", share(found)));
    }
    lines.push(format!("{:.2} % on others", share(whole - same)));
    rest.sort_unstable_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    left.retain(|_, weight| *weight > 0);
    let mut theirs: Vec<(String, u64)> = left.into_iter().collect();
    theirs.sort_unstable_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    for (side, stacks) in [("here", rest), ("there", theirs)] {
        let said =
            stacks.iter().take(3).map(|(stack, weight)| format!("  {:.3} % {side} {}", share(*weight), ends(stack)));
        lines.extend(said);
    }
    lines
}

/// The outermost function and the three innermost ones.
fn ends(stack: &str) -> String {
    let inner = stack.rsplit(';').take(3).collect::<Vec<_>>().join(" < ");
    format!("{inner} … {}", stack.split(';').next().unwrap_or_default())
}

/// How the stack of one table may be spelled in the other, what is most alike first, and why.
type Alike = fn(&str) -> Vec<String>;
const ALIKE: [(&str, Alike); 4] = [
    ("on the same stack", |stack| vec![stack.to_owned()]),
    ("goes further out here: perf ends sooner", without_outer),
    ("has one more function here: perf follows frame pointers where it finds no unwind table", without_one),
    ("both", |stack| without_outer(stack).iter().flat_map(|shorter| without_one(shorter)).collect()),
];

/// The stack without its outermost functions, so many as there are.
fn without_outer(stack: &str) -> Vec<String> {
    stack.match_indices(';').map(|(at, _)| stack[at + 1..].to_owned()).collect()
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

/// The stack without one of the functions near its leaf.
fn without_one(stack: &str) -> Vec<String> {
    let frames: Vec<&str> = stack.split(';').collect();
    let without = |at: usize| [&frames[..at], &frames[at + 1..]].concat().join(";");
    (frames.len().saturating_sub(40)..frames.len()).rev().map(without).collect()
}
