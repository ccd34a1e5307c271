//! A profile in, the folded table of its stacks out; two such tables in, in what they differ and why out; and what perf prints
//! of a recording in, how much of it no table of its stacks can hold out.

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
        // By caller, 0 for none, its callees: few enough to be looked through.
        let mut known: Vec<Vec<(u32, u32)>> = vec![Vec::new()];
        let mut stack_of: Vec<Option<u32>> = Vec::with_capacity(profile.nodes.len());
        for node in &profile.nodes {
            let caller = node.parent.and_then(|parent| stack_of[parent.0 as usize]);
            stack_of.push(match names[node.frame.0 as usize] {
                None => caller,
                Some(name) => {
                    let place = caller.map_or(0, |caller| caller as usize + 1);
                    let found = known[place].iter().find(|(known, _)| *known == name).map(|(_, stack)| *stack);
                    Some(found.unwrap_or_else(|| {
                        let new = table.stacks.len() as u32;
                        known[place].push((name, new));
                        table.stacks.push((caller, name));
                        known.push(Vec::new());
                        new
                    }))
                }
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
    let (ours, theirs) = (parsed(ours, false), parsed(theirs, true));
    let total = |table: &BTreeMap<String, u64>| table.values().sum::<u64>();
    let (whole, their_whole) = (total(&ours), total(&theirs));
    let [mut rest, mut left] = [ours, theirs].map(|table| table.into_iter().collect::<Vec<(String, u64)>>());
    let share = |part: u64| 100.0 * part as f64 / whole.max(1) as f64;
    let mut lines = vec![format!("weight {whole} here, {their_whole} there")];
    let mut same = 0;
    for (what, here, there) in ALIKE {
        let found = pair(&mut rest, &mut left, here, there);
        same += found;
        if found > 0 || same == found {
            lines.push(format!("{:.2} % {what}", share(found)));
        }
    }
    lines.push(format!("{:.2} % on others", share(whole - same)));
    for (side, stacks) in [("here", &mut rest), ("there", &mut left)] {
        stacks.sort_unstable_by_key(|(_, weight)| std::cmp::Reverse(*weight));
        let said =
            stacks.iter().take(3).map(|(stack, weight)| format!("  {:.3} % {side} {}", share(*weight), ends(stack)));
        lines.extend(said);
    }
    lines
}

/// Takes away the weight that stands on stacks which are spelled alike; gives it.
fn pair(here: &mut Vec<(String, u64)>, there: &mut Vec<(String, u64)>, ours: Spelled, theirs: Spelled) -> u64 {
    let mut spelled: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, (stack, _)) in there.iter().enumerate() {
        theirs(stack).into_iter().for_each(|other| spelled.entry(other).or_default().push(at));
    }
    let mut found = 0;
    for (stack, weight) in here.iter_mut() {
        let others = ours(stack).into_iter().filter_map(|other| spelled.get(&other));
        for at in others.flatten() {
            let taken = (*weight).min(there[*at].1);
            (*weight, there[*at].1, found) = (*weight - taken, there[*at].1 - taken, found + taken);
        }
    }
    here.retain(|(_, weight)| *weight > 0);
    there.retain(|(_, weight)| *weight > 0);
    found
}

/// The outermost function and the three innermost ones.
fn ends(stack: &str) -> String {
    let inner = stack.rsplit(';').take(3).collect::<Vec<_>>().join(" < ");
    format!("{inner} … {}", stack.split(';').next().unwrap_or_default())
}

/// How a stack may be spelled here and there so that both are alike, what is most alike first, and what that means.
type Spelled = fn(&str) -> Vec<String>;
const ALIKE: [(&str, Spelled, Spelled); 7] = [
    ("on the same stack", plain, plain),
    (
        "on the same stack, where perf puts `[unknown]` for the caller that it could not read: the copied stack ends there",
        plain,
        known,
    ),
    ("goes further out here: perf ends sooner", without_outer, known),
    ("goes further out there", plain, without_outer_known),
    ("has one more function here: perf follows frame pointers where it finds no unwind table", without_one, plain),
    ("goes further out here and has one more function", |stack| each_without_one(without_outer(stack)), known),
    ("has one function of another name", with_one_covered, with_one_covered),
];

fn plain(stack: &str) -> Vec<String> {
    vec![stack.to_owned()]
}

/// The stack without what has no name outside of it.
fn known(stack: &str) -> Vec<String> {
    let mut rest = stack;
    while let Some(inner) = rest.strip_prefix("[unknown];") {
        rest = inner;
    }
    plain(rest)
}

fn without_outer_known(stack: &str) -> Vec<String> {
    known(stack).iter().flat_map(|stack| without_outer(stack)).collect()
}

fn each_without_one(stacks: Vec<String>) -> Vec<String> {
    stacks.iter().flat_map(|stack| without_one(stack)).collect()
}

/// The stack with one of the functions near its leaf made unrecognisable.
fn with_one_covered(stack: &str) -> Vec<String> {
    let frames: Vec<&str> = stack.split(';').collect();
    let covered = |at: usize| [&frames[..at], &["?"], &frames[at + 1..]].concat().join(";");
    (frames.len().saturating_sub(4)..frames.len()).map(covered).collect()
}

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

/// What `perf script` prints that decides how its table differs: weights of samples.
#[derive(Debug, Default)]
pub struct Printed {
    /// Without any stack: perf throws a call chain away as a whole if anything in it is no address, and inferno leaves out
    /// what has no stack.
    pub without_stack: u64,
    /// Whose outermost address is -1: what perf says of a caller that stood behind the end of the copied stack.
    pub cut_off: u64,
}

/// Reads what `perf script` prints.
///
/// # Errors
/// As reading.
pub fn printed(text: impl std::io::BufRead) -> std::io::Result<Printed> {
    let (mut printed, mut weight, mut outermost) = (Printed::default(), None::<u64>, String::new());
    for line in text.split(b'\n').chain([Ok(Vec::new())]) {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        if line.trim().is_empty() {
            match (weight.take(), outermost.as_str()) {
                (Some(weight), "") => printed.without_stack += weight,
                (Some(weight), "ffffffffffffffff") => printed.cut_off += weight,
                _ => {}
            }
            outermost.clear();
        } else if line.starts_with(char::is_whitespace) && weight.is_some() {
            outermost = line.split_whitespace().next().unwrap_or_default().to_owned();
        } else {
            // `comm 123 45.678901:     100270 cpu-clock:`
            weight = line.split(": ").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        }
    }
    Ok(printed)
}
