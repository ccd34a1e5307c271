//! What callgrind and cachegrind write in; instructions per function and line, on the call paths they were counted for, out.
//!
//! Grammar: "Callgrind Format Specification" of Valgrind. Files, objects and functions are named once and by number after;
//! places and costs may be given relative to the line before. Nothing is sampled: counts are exact, and are no time.
//!
//! Costs stand function by function, so that a part of a file says nothing of the rest. What is shown first is therefore all of
//! it, read once without its lines: that takes a fifth of the time.

mod paths;
mod words;

use super::Format;
use super::intern::{FastMap, Stacks};
use super::lines::{Linewise, by_lines};
use super::trouble::Trouble;
use crate::model::{Problem, Profile, SourceQuality, Unit};
use paths::{Calls, Function, Place};
use words::{Words, number};

/// callgrind and cachegrind.
pub const FORMAT: Format = Format { name: "callgrind", sniff, open: by_lines::<State> };

/// callgrind says so; cachegrind has events and then files and functions.
fn sniff(head: &[u8]) -> bool {
    if head.starts_with(b"# callgrind format") {
        return true;
    }
    let mut lines = head.split(|b| *b == b'\n').take(200);
    let has_events = lines.by_ref().any(|l| l.starts_with(b"events:"));
    has_events && lines.any(|l| l.starts_with(b"fl=") || l.starts_with(b"fn=") || l.starts_with(b"ob="))
}

/// Names by number: of objects, of files, of functions.
#[derive(Clone, Copy)]
enum Space {
    Object,
    File,
    Function,
}

#[derive(Clone, Default)]
struct State {
    names: [FastMap<u64, u32>; 3],
    texts: Vec<String>,
    by_text: FastMap<String, u32>,
    event: String,
    events: usize,
    /// How many numbers of a line say where: address, line or both.
    positions: Positions,
    /// The last place, to which others are relative.
    last: [u64; 2],
    object: u32,
    /// The file of the function, and the one that its lines are of just now.
    file: u32,
    inlined_file: u32,
    function: Option<u32>,
    called: Called,
    /// The next line is what a call cost, all that it called included.
    of_call: bool,
    calls: Calls,
    /// Only functions are told apart, not their lines.
    without_lines: bool,
}

/// What the lines before `calls=` say of the function that is called.
#[derive(Clone, Default)]
struct Called {
    object: Option<u32>,
    file: Option<u32>,
    function: Option<u32>,
}

#[derive(Clone, Copy)]
struct Positions {
    address: bool,
    line: bool,
}

impl Default for Positions {
    fn default() -> Positions {
        Positions { address: false, line: true }
    }
}

impl Positions {
    /// How many words of a line say where.
    fn words(self) -> usize {
        usize::from(self.address) + usize::from(self.line)
    }
}

impl Linewise for State {
    const LOOKS_AT_WHOLE: bool = true;

    fn line(&mut self, line: &[u8], met: &mut Trouble) {
        if self.read(line).is_none() {
            met.malformed("neither a header, a position nor costs");
        }
    }

    /// What each function cost by itself and through its calls, without the lines of it.
    fn look(whole: &[u8]) -> Profile {
        let mut state = State { without_lines: true, ..State::default() };
        let mut rest = whole;
        while !rest.is_empty() {
            rest = state.add_up(rest);
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let _ = state.read(&rest[..end]);
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        state.profile().0
    }

    /// Those that were read so far say nothing of the others.
    fn snapshot(&self) -> Profile {
        Profile::default()
    }

    fn profile(mut self) -> (Profile, Vec<Problem>) {
        let mut problems = Vec::new();
        if self.calls.is_empty() {
            let help = "let the program run to its end under `valgrind --tool=callgrind --dump-instr=no`";
            return (Profile::default(), vec![Problem::error("there is no cost in this callgrind file").help(help)]);
        }
        if self.events > 1 {
            let what = format!("only {} is used; {} other events are left out", self.event, self.events - 1);
            problems.push(Problem::note(what).help("instructions are exact and are no time"));
        }
        let mut stacks = Stacks::default();
        let samples = self.calls.samples(&self.texts, &mut stacks);
        let quality = SourceQuality {
            format: FORMAT.name.into(),
            samples: samples.len() as u64,
            event: self.event,
            unit: Unit::Events,
            is_counted: true,
            ..SourceQuality::default()
        };
        let (frames, nodes) = stacks.into_parts();
        (Profile { frames, nodes, samples, unit: Unit::Events, sources: vec![quality], ..Profile::default() }, problems)
    }
}

impl State {
    /// Takes a line; `None` where nothing is known of its kind.
    fn read(&mut self, line: &[u8]) -> Option<()> {
        let line = line.trim_ascii();
        match line.first() {
            None | Some(b'#') => Some(()),
            Some(b'0'..=b'9' | b'+' | b'-' | b'*') => self.costs(Words(line)),
            Some(_) => {
                let at = memchr::memchr2(b'=', b':', line)?;
                let (key, value) = (&line[..at], &line[at + 1..]);
                if line[at] == b'=' { self.position(key, value.trim_ascii()) } else { self.header(key, value) }
            }
        }
    }

    /// Adds up the costs of the function that stand in the lines from here on, which most lines are; gives those behind them.
    fn add_up<'b>(&mut self, mut lines: &'b [u8]) -> &'b [u8] {
        let (Some(function), false) = (self.function, self.of_call) else { return lines };
        let (words, mut sum) = (self.positions.words(), 0_u64);
        while let Some((cost, behind)) = words::cost(lines, words) {
            (sum, lines) = (sum.saturating_add(cost), behind);
        }
        self.calls.own(function, Place { file: self.file, line: 0 }, sum);
        lines
    }

    /// `key: value`.
    fn header(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let value = String::from_utf8_lossy(value);
        match key {
            b"positions" => {
                self.positions = Positions { address: value.contains("instr"), line: value.contains("line") };
            }
            b"events" => {
                let mut events = value.split_whitespace();
                self.event = events.next().unwrap_or_default().to_owned();
                self.events = 1 + events.count();
            }
            _ => {}
        }
        Some(())
    }

    /// `fn=(3) gw::spin`: what the lines that follow belong to.
    fn position(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"ob" => self.object = self.name(Space::Object, value)?,
            b"fl" => {
                self.file = self.name(Space::File, value)?;
                self.inlined_file = self.file;
            }
            b"fi" | b"fe" => self.inlined_file = self.name(Space::File, value)?,
            b"fn" => {
                let name = self.name(Space::Function, value)?;
                self.inlined_file = self.file;
                self.function = Some(self.calls.function(Function { name, file: self.file, object: self.object }));
            }
            b"cob" => self.called.object = Some(self.name(Space::Object, value)?),
            b"cfl" | b"cfi" => self.called.file = Some(self.name(Space::File, value)?),
            b"cfn" => self.called.function = Some(self.name(Space::Function, value)?),
            b"calls" => self.of_call = true,
            // Conditional and plain jumps cost nothing by themselves.
            b"jump" | b"jcnd" => {}
            _ => return None,
        }
        Some(())
    }

    /// `(3) name` names a number, `(3)` uses it, a name alone is one.
    fn name(&mut self, space: Space, value: &[u8]) -> Option<u32> {
        let numbered = value.strip_prefix(b"(").and_then(|v| Some((v, memchr::memchr(b')', v)?)));
        let numbered = numbered.and_then(|(v, end)| Some((number(&v[..end])?, v[end + 1..].trim_ascii())));
        let Some((number, name)) = numbered else { return Some(self.text(value)) };
        // Every part of a file names its numbers, mostly as the part before did.
        let known = self.names[space as usize].get(&number).copied();
        if name.is_empty() || known.is_some_and(|known| self.texts[known as usize].as_bytes() == name) {
            return known;
        }
        let name = self.text(name);
        self.names[space as usize].insert(number, name);
        Some(name)
    }

    fn text(&mut self, text: &[u8]) -> u32 {
        let text = String::from_utf8_lossy(text);
        if let Some(known) = self.by_text.get(&*text) {
            return *known;
        }
        if self.texts.is_empty() {
            // cachegrind names no object files: what has none has the first text.
            self.texts.push(String::new());
        }
        self.texts.push(text.clone().into_owned());
        let index = self.texts.len() as u32 - 1;
        self.by_text.insert(text.into_owned(), index);
        index
    }

    /// A place and the counts of each event there; missing counts are zero.
    fn costs(&mut self, mut words: Words) -> Option<()> {
        let place = self.place(&mut words)?;
        let cost = words.next().map_or(Some(0), number)?;
        let function = self.function?;
        if !std::mem::take(&mut self.of_call) {
            self.calls.own(function, place, cost);
            return Some(());
        }
        let called = std::mem::take(&mut self.called);
        let callee = Function {
            name: called.function?,
            file: called.file.unwrap_or(self.inlined_file),
            object: called.object.unwrap_or(self.object),
        };
        self.calls.call(function, place, callee, cost);
        Some(())
    }

    /// The line that costs are told of; the function's file and no line where lines are not told apart.
    fn place(&mut self, words: &mut Words) -> Option<Place> {
        if self.without_lines {
            (0..self.positions.words()).try_for_each(|_| words.next().map(drop))?;
            return Some(Place { file: self.file, line: 0 });
        }
        if self.positions.address {
            self.last[0] = words::relative(self.last[0], words.next()?)?;
        }
        if self.positions.line {
            self.last[1] = words::relative(self.last[1], words.next()?)?;
        }
        Some(Place { file: self.inlined_file, line: u32::try_from(self.last[1]).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::sniff;

    const CALLGRIND: &str = "\
# callgrind format
version: 1
creator: callgrind-3.19.0
positions: line
events: Ir Dr

ob=(1) /opt/my app/gw
fl=(1) /build/gw/src/main.rs
fn=(1) gw::main
20 10 1
cfn=(2) gw::work
calls=2 30
+2 900
fn=(2)
30 100
fi=(2) /rustc/abc/library/core/src/num.rs
7 50
fe=(1)
* 0
cob=(2) /lib/libc.so.6
cfi=(3) ???
cfn=(3) memcpy
calls=5 0
31 600
cfn=(4) gw::tiny'2
calls=1 50
32 150

ob=(2)
fl=(3)
fn=(3)
0 600

ob=(1)
fl=(1)
fn=(4)
50 150

summary: 910 1
totals: 910 1
";

    fn read(text: &str) -> (Profile, Vec<Problem>) {
        let format = sniff(text.as_bytes()).expect("a known format");
        assert_eq!(format.name, "callgrind");
        let mut reader = (format.open)();
        reader.feed(text.as_bytes());
        reader.finish()
    }

    /// Weight of each stack, root first.
    fn stacks(profile: &Profile) -> Vec<String> {
        let stack = |leaf| {
            let nodes = std::iter::successors(leaf, |n: &crate::model::NodeId| profile.nodes[n.0 as usize].parent);
            let frames = nodes.map(|n| &profile.frames[profile.nodes[n.0 as usize].frame.0 as usize]);
            let file = |f: &str| f.rsplit('/').next().unwrap_or_default().to_owned();
            let mut all: Vec<String> = frames.map(|f| format!("{}@{}:{}", f.symbol, file(&f.file), f.line)).collect();
            all.reverse();
            all.join(" > ")
        };
        let mut all: Vec<String> = profile.samples.iter().map(|s| format!("{} {}", s.weight, stack(s.leaf))).collect();
        all.sort();
        all
    }

    #[test]
    fn costs_stand_on_the_paths_they_were_counted_for() {
        let (profile, problems) = read(CALLGRIND);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(
            stacks(&profile),
            [
                "10 gw::main@main.rs:20",
                "100 gw::main@main.rs:22 > gw::work@main.rs:30",
                "150 gw::main@main.rs:22 > gw::work@main.rs:32 > gw::tiny@main.rs:50",
                "50 gw::main@main.rs:22 > gw::work@main.rs:0 > [unknown]@num.rs:7",
                "600 gw::main@main.rs:22 > gw::work@main.rs:31 > memcpy@:0",
            ]
        );
        assert_eq!((profile.unit, profile.sources[0].event.as_str()), (Unit::Events, "Ir"));
    }

    #[test]
    fn a_function_that_calls_itself_keeps_all_of_its_cost() {
        let text =
            "events: Ir\nfl=a.rs\nfn=main\n1 1\ncfn=fib\ncalls=1 5\n2 100\nfn=fib\n5 100\ncfn=fib\ncalls=9 5\n6 900\n";
        let (profile, _) = read(text);
        assert_eq!(stacks(&profile), ["1 main@a.rs:1", "100 main@a.rs:2 > fib@a.rs:5"]);
    }

    #[test]
    fn functions_that_nobody_calls_and_circles_are_not_lost() {
        let text = "events: Ir\nfl=a.rs\nfn=a\n1 10\ncfn=b\ncalls=1 2\n1 20\nfn=b\n2 20\ncfn=a\ncalls=1 1\n2 10\n";
        let (profile, _) = read(text);
        assert_eq!(profile.samples.iter().map(|s| s.weight).sum::<u64>(), 30, "{:?}", stacks(&profile));
    }

    #[test]
    fn two_callers_share_a_function_by_what_their_calls_cost() {
        let text = "events: Ir\nfl=a.rs\nfn=x\n1 0\ncfn=f\ncalls=1 9\n1 300\nfn=y\n2 0\ncfn=f\ncalls=1 9\n2 100\nfn=f\n9 400\n";
        assert_eq!(stacks(&read(text).0), ["100 y@a.rs:2 > f@a.rs:9", "300 x@a.rs:1 > f@a.rs:9"]);
    }

    #[test]
    fn cachegrind_has_no_calls() {
        let text =
            "desc: I1 cache\ncmd: ./gw\nevents: Ir I1mr\nfl=/a/main.rs\nfn=gw::main\n12 7 1\n13 8 0\nsummary: 15 1\n";
        assert_eq!(stacks(&read(text).0), ["7 gw::main@main.rs:12", "8 gw::main@main.rs:13"]);
    }

    #[test]
    fn places_may_be_relative_and_addresses_may_stand_before_lines() {
        let text = "# callgrind format\npositions: instr line\nevents: Ir\nfl=a.rs\nfn=f\n0x401000 10 1\n+4 +2 2\n* -1 3\n+0x10 * 4\n";
        assert_eq!(stacks(&read(text).0), ["1 f@a.rs:10", "2 f@a.rs:12", "7 f@a.rs:11"]);
    }

    /// Costs by function and its callers.
    fn by_function(profile: &Profile) -> Vec<String> {
        let mut sums = std::collections::BTreeMap::new();
        for stack in stacks(profile) {
            let (cost, frames) = stack.split_once(' ').unwrap();
            let named = frames.split(" > ").map(|frame| frame.split_once('@').unwrap().0).filter(|s| *s != "[unknown]");
            *sums.entry(named.collect::<Vec<_>>().join(" > ")).or_insert(0) += cost.parse::<u64>().unwrap();
        }
        sums.into_iter().map(|(stack, cost)| format!("{cost} {stack}")).collect()
    }

    #[test]
    fn a_look_says_of_functions_what_all_says() {
        let addresses = "# callgrind format\npositions: instr line\nevents: Ir Dr\nfl=a.rs\nfn=f\n0x401000 10 1 5\n+4 +2 2\n* -1 3\n\
                         fi=b.rs\n+0x10 * 4\n+1 +1\nfn=g\n0x1 1 1234567890123 9\ncfn=f\ncalls=2 0x401000 10\n0x2 2 70 1\n+1 +1 30\n0x9 9";
        let cachegrind =
            "desc: I1 cache\ncmd: ./gw\nevents: Ir I1mr\nfl=/a/main.rs\nfn=gw::main\n12 7 1\n13 8 0\nsummary: 15 1\n";
        let strange =
            CALLGRIND.replace("20 10 1", "20\t 10\n+1   5 \njump=3 17\n18\n19 x\n20 -4\n21 99999999999999999999");
        let twice = format!("{CALLGRIND}{}", CALLGRIND.replace("(2) gw::work", "(2) gw::other").replace("(4)", "(40)"));
        for text in [CALLGRIND, addresses, cachegrind, &strange, &twice, &CALLGRIND.replace('\n', "\r\n")] {
            assert_eq!(by_function(&State::look(text.as_bytes())), by_function(&read(text).0), "{text}");
        }
    }

    #[test]
    fn every_prefix_and_every_flipped_byte_gives_a_profile_or_a_problem() {
        for at in 30..CALLGRIND.len() {
            let (profile, problems) = read(&CALLGRIND[..at]);
            assert!(!problems.is_empty() || !profile.samples.is_empty(), "cut at {at}");
            let mut bytes = CALLGRIND.as_bytes().to_vec();
            bytes[at] ^= 0x13;
            let mut reader = (FORMAT.open)();
            reader.feed(&bytes);
            let (profile, problems) = reader.finish();
            assert!(!problems.is_empty() || !profile.samples.is_empty(), "flipped at {at}");
        }
    }
}
