//! Folded stacks in, one sample per line out; a tracing-flame file is the one dialect that tells source lines.
//!
//! `frame(;frame)* number`, the root first. The format does not say what the number counts: a common divisor of all
//! numbers gives it away, as every weight of a clock profile is a multiple of its period.

use super::Format;
use super::intern::Stacks;
use super::lines::{Linewise, by_lines};
use super::trouble::Trouble;
use crate::model::{Frame, FrameId, Problem, Profile, Sample, Samples, SourceQuality, Unit};

/// Folded stacks.
pub const FORMAT: Format = Format { name: "folded stacks", sniff, open: by_lines::<State> };

/// A divisor this large is a sampling period, not chance.
const PERIOD: u64 = 1000;

/// Nine in ten of the first lines end in a number after a stack, and one has more than one frame.
fn sniff(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let whole = text.rfind('\n').map_or(&*text, |end| &text[..end]);
    let lines: Vec<&str> = whole.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).take(50).collect();
    let good = lines.iter().filter(|l| !l.starts_with(['{', '[', '<', '\t']) && stack_and_weight(l).is_some()).count();
    let deep = lines.iter().any(|l| l.contains(';'));
    deep && good > 0 && good * 10 >= lines.len() * 9
}

#[derive(Clone, Default)]
struct State {
    stacks: Stacks,
    samples: Samples,
    /// Lines that end in two numbers, as differences of two profiles do.
    with_two: u64,
    of_tracing: u64,
}

impl Linewise for State {
    fn line(&mut self, line: &[u8], met: &mut Trouble) {
        let text = String::from_utf8_lossy(line);
        if matches!(text, std::borrow::Cow::Owned(_)) {
            met.not_utf8();
        }
        if text.trim().is_empty() || text.starts_with('#') {
            return;
        }
        let Some((stack, weight)) = stack_and_weight(&text) else {
            return met.malformed("it does not end in a number");
        };
        self.with_two += u64::from(stack_and_weight(stack).is_some());
        let by_thread = stack.starts_with("ThreadId(");
        self.of_tracing += u64::from(by_thread);
        let mut frames: Vec<FrameId> = frames(stack).map(|name| self.stacks.frame(frame(name, by_thread))).collect();
        frames.reverse();
        let leaf = self.stacks.node(&frames);
        self.samples.push(Sample { leaf, weight, time_ns: None, tid: None });
    }

    fn profile(mut self) -> (Profile, Vec<Problem>) {
        let lines = self.samples.len() as u64;
        if lines > 0 && self.with_two == lines {
            let help = "name the two profiles it was made from, each for itself";
            let what =
                "every stack has two numbers: this is the difference of two profiles, which has no cost to split";
            return (Profile::default(), vec![Problem::error(what).help(help)]);
        }
        let unit = self.recover_unit();
        let problems = problems(lines, unit);
        let counts = unit == Unit::Samples;
        let quality = SourceQuality {
            format: FORMAT.name.into(),
            samples: if counts {
                self.samples.iter().fold(0, |sum, s| u64::saturating_add(sum, s.weight))
            } else {
                lines
            },
            unit,
            ..SourceQuality::default()
        };
        let (frames, nodes) = self.stacks.into_parts();
        (Profile { frames, nodes, samples: self.samples, unit, sources: vec![quality], ..Profile::default() }, problems)
    }

    /// Every line stands by itself.
    fn boundary(bytes: &[u8]) -> Option<usize> {
        memchr::memchr(b'\n', bytes).map(|at| at + 1)
    }

    fn join(&mut self, later: State) {
        let (_, nodes) = self.stacks.join(later.stacks);
        self.samples.append(later.samples, &nodes);
        self.with_two += later.with_two;
        self.of_tracing += later.of_tracing;
    }

    /// Collapsers sort by stack: the first lines are those of a few callers.
    const IN_ANY_ORDER: bool = true;
}

impl State {
    /// Turns weights into numbers of samples where a period divides them all.
    fn recover_unit(&mut self) -> Unit {
        if self.of_tracing > 0 && self.of_tracing == self.samples.len() as u64 {
            return Unit::WallNanoseconds;
        }
        let divisor = self.samples.iter().fold(0, |d, s| gcd(d, s.weight));
        let largest = self.samples.iter().map(|s| s.weight).max().unwrap_or(0);
        if divisor >= PERIOD && self.samples.len() > 1 {
            self.samples.divide_weights(divisor);
            Unit::Samples
        } else if largest < 10_000_000 {
            Unit::Samples
        } else {
            Unit::Unknown
        }
    }
}

fn problems(lines: u64, unit: Unit) -> Vec<Problem> {
    if lines == 0 {
        return vec![
            Problem::error("there is no stack in this file").help("was the profile it was folded from empty?"),
        ];
    }
    let what = match unit {
        Unit::Unknown => "the numbers of this folded file have no unit that could be told: only shares are shown",
        _ => {
            "folded stacks have no lines, no times and no inlined calls: time counts for the function it was inlined into"
        }
    };
    let help = "name `perf script` text in [[source]] to see lines and requests";
    if unit == Unit::WallNanoseconds { Vec::new() } else { vec![Problem::note(what).help(help)] }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Splits at the last blank, since names hold blanks; a number may have a fraction.
fn stack_and_weight(line: &str) -> Option<(&str, u64)> {
    let (stack, number) = line.trim_end().rsplit_once(' ')?;
    let digits =
        number.bytes().all(|b| b.is_ascii_digit() || b == b'.') && number.starts_with(|c: char| c.is_ascii_digit());
    let weight = number.parse::<u64>().ok().or_else(|| number.parse::<f64>().ok().map(|w| w.round() as u64));
    let stack = stack.trim_end();
    if digits && !stack.is_empty() { Some((stack, weight?)) } else { None }
}

/// Names from the root to the leaf. A name may hold `[u8; 4]`: there a blank follows, and a bracket is open.
fn frames(stack: &str) -> impl Iterator<Item = &str> {
    let (mut start, mut open) = (0, 0i32);
    let ends = stack.bytes().enumerate().filter_map(move |(at, byte)| {
        match byte {
            b'[' => open += 1,
            b']' => open -= 1,
            b';' if open <= 0 || stack.as_bytes().get(at + 1) != Some(&b' ') => {
                open = 0;
                return Some(at);
            }
            _ => {}
        }
        None
    });
    ends.chain([stack.len()]).map(move |end| {
        let name = &stack[start..end];
        start = end + 1;
        name
    })
}

/// tracing-flame writes `name:file:line`, and the thread as the first frame.
fn frame(name: &str, of_tracing: bool) -> Frame {
    let name = name.trim();
    if of_tracing
        && let Some((rest, line)) = name.rsplit_once(':')
        && let Ok(line) = line.parse()
        && let Some((symbol, file)) = rest.split_once(':')
    {
        return Frame { symbol: symbol.into(), file: file.into(), line, ..Frame::default() };
    }
    Frame { symbol: name.into(), ..Frame::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Profile, Vec<Problem>) {
        let mut reader = (FORMAT.open)();
        reader.feed(text.as_bytes());
        reader.finish()
    }

    fn weights(text: &str) -> (Unit, Vec<u64>) {
        let profile = read(text).0;
        (profile.unit, profile.samples.iter().map(|s| s.weight).collect())
    }

    #[test]
    fn weights_that_share_a_period_are_counted_in_samples() {
        assert_eq!(weights("a;b 1003009\na;c 3009027\n"), (Unit::Samples, vec![1, 3]));
        assert_eq!(weights("a;b 7\na;c 12\n"), (Unit::Samples, vec![7, 12]));
        assert_eq!(weights("a;b 4\na;c 12\n"), (Unit::Samples, vec![4, 12]), "small divisors are chance");
        assert_eq!(weights("a;b 70000001\na;c 12000000\n"), (Unit::Unknown, vec![70_000_001, 12_000_000]));
        assert_eq!(weights("a;b 2.6\n"), (Unit::Samples, vec![3]));
    }

    #[test]
    fn names_keep_their_blanks_and_brackets() {
        let profile = read("gw server;<gw::S as gw::T<u8, u8>>::f;memcpy_[k] 3\n").0;
        let names: Vec<_> = profile.frames.iter().map(|f| f.symbol.as_str()).collect();
        assert_eq!(names, ["gw server", "<gw::S as gw::T<u8, u8>>::f", "memcpy_[k]"]);
        assert_eq!(profile.nodes.len(), 3);
        let arrays: Vec<&str> = frames("gw;f::<[u8; 4], [[u8; 2]; 2]>;a[;b; c;").collect();
        assert_eq!(arrays, ["gw", "f::<[u8; 4], [[u8; 2]; 2]>", "a[", "b", " c", ""]);
    }

    #[test]
    fn a_difference_of_two_profiles_is_refused() {
        let (profile, problems) = read("a;b 10 12\na;c 3 0\n");
        assert_eq!(profile, Profile::default());
        assert!(problems[0].what.contains("difference of two profiles"));
        assert_eq!(
            read("worker 1;f 10\nworker 2 3\n").0.samples.len(),
            2,
            "a name that ends in a number is no difference"
        );
    }

    #[test]
    fn tracing_flame_tells_file_and_line() {
        let (profile, problems) = read("ThreadId(2)-worker;handler:src/main.rs:12;db:src/db.rs:40 123456\n");
        assert_eq!((profile.unit, problems), (Unit::WallNanoseconds, vec![]));
        let frame = &profile.frames[2];
        assert_eq!((frame.symbol.as_str(), frame.file.as_str(), frame.line), ("db", "src/db.rs", 40));
        assert_eq!(profile.frames[0].symbol, "ThreadId(2)-worker");
    }

    #[test]
    fn prose_json_and_perf_script_are_not_folded() {
        assert!(sniff(b"a;b 1\nc;d e 2\n"));
        for text in
            ["", "a b c\n", "{\"a\": 1}\n", "it costs; we know 7\nbut this line does not\nnor this\n", "a 1\nb 2\n"]
        {
            assert!(!sniff(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn an_empty_file_is_an_error() {
        assert_eq!(read("").1[0].what, "there is no stack in this file");
        assert_eq!(
            read("a;b 1\nnonsense\n").1[1].what,
            "1 line could not be read; the first is line 2: it does not end in a number"
        );
    }
}
