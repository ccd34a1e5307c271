//! A pprof profile (protocol buffers, `profile.proto` of google/pprof) in; samples with inlined frames and labels out.
//!
//! Locations and functions may stand before or behind the samples that use them, and their ids are any numbers; so the
//! messages are cut first and joined after. A location's lines run from the innermost inlined function to the one that exists.

use super::Format;
use super::document::whole_and_some;
use super::intern::{FastMap, Stacks};
use super::pprof_choice::{Choice, ValueType, choose};
use super::protobuf::{Fields, Value};
use crate::model::{
    AddressBase, AddressFrame, Allocated, Frame, FrameId, Mark, ObjectFile, Problem, Profile, Sample, SourceQuality,
    Unit,
};

/// pprof.
pub const FORMAT: Format = Format { name: "pprof", sniff, open: || whole_and_some(read, some) };

/// So many samples tell a first ranking.
const SOME: usize = 20_000;

/// The first fields are types of values, which hold two numbers each, and nothing is what a profile does not have.
fn sniff(head: &[u8]) -> bool {
    let mut types = 0;
    for (number, value) in Fields::new(head) {
        let fits = match (number, value) {
            (1, Value::Bytes(kind)) => {
                types += 1;
                let mut fields = Fields::new(kind).peekable();
                // A line of number signs after an empty one has the tag and the length, and nothing that can be read.
                fields.peek().is_some() && fields.all(|(n, v)| n <= 2 && matches!(v, Value::Number(_)))
            }
            (2..=6 | 11, Value::Bytes(_)) => true,
            (7..=10 | 12..=15, value) => matches!(value, Value::Number(_) | Value::Bytes(_)),
            _ => false,
        };
        if !fits {
            return false;
        }
    }
    types > 0
}

/// The messages of the file, cut and not yet joined.
#[derive(Default)]
struct Raw<'a> {
    types: Vec<(u64, u64)>,
    samples: Vec<&'a [u8]>,
    mappings: FastMap<u64, Mapping>,
    locations: FastMap<u64, Location>,
    functions: FastMap<u64, Function>,
    strings: Vec<&'a [u8]>,
    period: u64,
    default_type: u64,
    broken: bool,
}

#[derive(Clone, Copy, Default)]
struct Mapping {
    start: u64,
    offset: u64,
    file: u64,
    build_id: u64,
    index: u32,
}

#[derive(Default)]
struct Location {
    mapping: u64,
    address: u64,
    /// Function and line, innermost first.
    lines: Vec<(u64, u64)>,
}

#[derive(Clone, Copy, Default)]
struct Function {
    name: u64,
    system_name: u64,
    file: u64,
}

fn read(bytes: &[u8]) -> (Profile, Vec<Problem>) {
    let raw = cut(bytes);
    let mut problems = Vec::new();
    if raw.broken {
        let what = "this pprof file breaks off or is damaged: what stands before is used";
        problems.push(Problem::warning(what).help("copy the file again, or record again"));
    }
    let (types, choice) = chosen(&raw);
    let mut made = Made::new(&raw);
    for sample in &raw.samples {
        made.sample(sample, &choice);
    }
    problems.extend(choice.problems(&types));
    if raw.samples.is_empty() {
        let help = "record longer, or look whether the profiler was started";
        problems.push(Problem::error("there is no sample in this pprof file").help(help));
    }
    (made.profile(choice), problems)
}

/// The types of values, and which of them count.
fn chosen(raw: &Raw) -> (Vec<ValueType>, Choice) {
    let value = |(kind, unit): &(u64, u64)| ValueType { kind: raw.text(*kind), unit: raw.text(*unit) };
    let types: Vec<ValueType> = raw.types.iter().map(value).collect();
    let choice = choose(&types, &raw.text(raw.default_type));
    (types, choice)
}

/// One of every so many samples, by chance that is the same each time: names stand behind all samples, but the samples need not
/// be read to find them.
fn some(bytes: &[u8]) -> Profile {
    let raw = cut(bytes);
    let choice = chosen(&raw).1;
    let mut made = Made::new(&raw);
    let every = raw.samples.len() / SOME + 1;
    for (at, some) in raw.samples.chunks(every).enumerate() {
        // Always the first of each would see what comes round as often as one thing.
        let chance = (at as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        made.sample(some[chance as usize % some.len()], &choice);
    }
    made.profile(choice)
}

fn cut(bytes: &[u8]) -> Raw<'_> {
    let mut raw = Raw::default();
    let mut fields = Fields::new(bytes);
    for (number, value) in fields.by_ref() {
        match (number, value) {
            (1, Value::Bytes(message)) => raw.types.push(two_numbers(message)),
            (2, Value::Bytes(message)) => raw.samples.push(message),
            (3, Value::Bytes(message)) => raw.mapping(message),
            (4, Value::Bytes(message)) => raw.location(message),
            (5, Value::Bytes(message)) => raw.function(message),
            (6, Value::Bytes(text)) => raw.strings.push(text),
            (12, Value::Number(period)) => raw.period = period,
            (14, Value::Number(kind)) => raw.default_type = kind,
            _ => {}
        }
    }
    raw.broken = fields.broken;
    raw
}

/// The fields 1 and 2 of a message.
fn two_numbers(message: &[u8]) -> (u64, u64) {
    let mut both = (0, 0);
    for (number, value) in Fields::new(message) {
        match number {
            1 => both.0 = value.number().unwrap_or(0),
            2 => both.1 = value.number().unwrap_or(0),
            _ => {}
        }
    }
    both
}

impl Raw<'_> {
    fn mapping(&mut self, message: &[u8]) {
        let (mut id, mut mapping) = (0, Mapping { index: self.mappings.len() as u32, ..Mapping::default() });
        for (number, value) in Fields::new(message) {
            let Some(n) = value.number() else { continue };
            match number {
                1 => id = n,
                2 => mapping.start = n,
                4 => mapping.offset = n,
                5 => mapping.file = n,
                6 => mapping.build_id = n,
                _ => {}
            }
        }
        self.mappings.entry(id).or_insert(mapping);
    }

    fn location(&mut self, message: &[u8]) {
        let (mut id, mut location) = (0, Location::default());
        for (number, value) in Fields::new(message) {
            match (number, value) {
                (1, Value::Number(n)) => id = n,
                (2, Value::Number(n)) => location.mapping = n,
                (3, Value::Number(n)) => location.address = n,
                (4, Value::Bytes(line)) => location.lines.push(two_numbers(line)),
                _ => {}
            }
        }
        self.locations.insert(id, location);
    }

    fn function(&mut self, message: &[u8]) {
        let (mut id, mut function) = (0, Function::default());
        for (number, value) in Fields::new(message) {
            let Some(n) = value.number() else { continue };
            match number {
                1 => id = n,
                2 => function.name = n,
                3 => function.system_name = n,
                4 => function.file = n,
                _ => {}
            }
        }
        self.functions.insert(id, function);
    }

    fn text(&self, index: u64) -> String {
        let text = usize::try_from(index).ok().and_then(|i| self.strings.get(i));
        text.map(|t| String::from_utf8_lossy(t).into_owned()).unwrap_or_default()
    }
}

/// What the labels of a sample tell: `end_timestamp_ns` and `thread id` are Datadog's.
#[derive(Default)]
struct Told {
    time_ns: Option<u64>,
    tid: Option<u64>,
    /// Place among [`REQUEST_LABELS`], and the id.
    request: Option<(usize, String)>,
}

/// Labels that name a request, the one that requests are known by first: OpenTelemetry and the request log, then Pyroscope
/// and Datadog, which name the span at the root.
const REQUEST_LABELS: &[&str] =
    &["trace_id", "trace id", "request", "request_id", "span_id", "local root span id", "span id"];

/// What is made of the samples.
struct Made<'a> {
    raw: &'a Raw<'a>,
    stacks: Stacks,
    /// Frames of a location, innermost first.
    known: FastMap<u64, Vec<FrameId>>,
    addresses: Vec<AddressFrame>,
    profile: Profile,
    malformed: u64,
}

impl<'a> Made<'a> {
    fn new(raw: &'a Raw<'a>) -> Made<'a> {
        let mut objects = vec![ObjectFile::default(); raw.mappings.len()];
        for mapping in raw.mappings.values() {
            let object = ObjectFile { path: raw.text(mapping.file), build_id: raw.text(mapping.build_id) };
            objects[mapping.index as usize] = object;
        }
        let profile = Profile { objects, ..Profile::default() };
        Made { raw, stacks: Stacks::default(), known: FastMap::default(), addresses: Vec::new(), profile, malformed: 0 }
    }

    fn sample(&mut self, message: &[u8], choice: &Choice) {
        let (mut locations, mut values, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        for (number, value) in Fields::new(message) {
            match (number, value) {
                (1, value) => value.numbers(&mut locations),
                (2, value) => value.numbers(&mut values),
                (3, Value::Bytes(label)) => labels.push(label),
                _ => {}
            }
        }
        let mut stack = Vec::new();
        for location in locations {
            stack.extend_from_slice(self.frames(location));
        }
        let leaf = self.stacks.node(&stack);
        let value = |at: Option<usize>| at.and_then(|at| values.get(at)).map(|v| (*v as i64).max(0) as u64);
        if let (Some(blocks), Some(bytes)) = (value(choice.blocks), value(choice.bytes)) {
            self.profile.allocated.push(Allocated { leaf, blocks, bytes });
        }
        let Some(weight) = value(choice.weight) else {
            self.malformed += u64::from(choice.weight.is_some());
            return;
        };
        let Told { time_ns, tid, request } = self.labels(&labels);
        if let Some((_, request)) = request {
            self.profile.marks.push(Mark { sample: self.profile.samples.len() as u32, request });
        }
        self.profile.samples.push(Sample { leaf, weight: weight.saturating_mul(choice.scale), time_ns, tid });
    }

    fn labels(&self, labels: &[&[u8]]) -> Told {
        let mut told = Told::default();
        for label in labels {
            let (mut key, mut text, mut number) = (0, 0, None);
            for (field, value) in Fields::new(label) {
                match field {
                    1 => key = value.number().unwrap_or(0),
                    2 => text = value.number().unwrap_or(0),
                    3 => number = value.number(),
                    _ => {}
                }
            }
            let (key, text) = (self.raw.text(key), self.raw.text(text));
            let number = number.or_else(|| text.parse().ok());
            match key.as_str() {
                "end_timestamp_ns" => told.time_ns = number,
                "thread id" | "thread_id" | "tid" => told.tid = number,
                _ => {}
            }
            let rank = REQUEST_LABELS.iter().position(|known| *known == key);
            if let Some(rank) = rank.filter(|r| told.request.as_ref().is_none_or(|(known, _)| r < known)) {
                let id = if text.is_empty() { number.map(|n| n.to_string()).unwrap_or_default() } else { text };
                told.request = Some((rank, id));
            }
        }
        told
    }

    fn frames(&mut self, location: u64) -> &[FrameId] {
        if !self.known.contains_key(&location) {
            let frames = self.new_frames(location);
            self.known.insert(location, frames);
        }
        &self.known[&location]
    }

    fn new_frames(&mut self, id: u64) -> Vec<FrameId> {
        let unknown = Frame { symbol: "[unknown]".into(), ..Frame::default() };
        let Some(location) = self.raw.locations.get(&id) else {
            self.malformed += 1;
            return vec![self.stacks.frame(unknown)];
        };
        let mapping = self.raw.mappings.get(&location.mapping);
        let object = mapping.map(|m| self.raw.text(m.file)).unwrap_or_default();
        if location.lines.is_empty() {
            let Some(mapping) = mapping else { return vec![self.stacks.frame(Frame { object, ..unknown })] };
            let frame = self.stacks.frame(Frame { symbol: format!("{:#x}", location.address), object, ..unknown });
            let address = location.address.wrapping_sub(mapping.start).wrapping_add(mapping.offset);
            let base = AddressBase::FileOffset;
            if !self.addresses.iter().any(|a| a.frame == frame) {
                let object = mapping.index;
                self.addresses.push(AddressFrame { frame, object, address, base, is_caller: false, is_callee: false });
            }
            return vec![frame];
        }
        let count = location.lines.len();
        let mut frames = Vec::with_capacity(count);
        for (position, (function, line)) in location.lines.iter().enumerate() {
            let function = self.raw.functions.get(function).copied().unwrap_or_default();
            let frame = self.named(function, *line, &object, position + 1 < count);
            frames.push(self.stacks.frame(frame));
        }
        frames
    }

    /// The mangled name says more than the one made for people, where there is one.
    fn named(&self, function: Function, line: u64, object: &str, inlined: bool) -> Frame {
        let (name, system) = (self.raw.text(function.name), self.raw.text(function.system_name));
        let mangled = system.starts_with("_R") || system.starts_with("_ZN");
        let symbol = if mangled || name.is_empty() { system } else { name };
        let symbol = if symbol.is_empty() { "[unknown]".into() } else { symbol };
        let line = u32::try_from(line).unwrap_or(0);
        Frame { symbol, object: object.to_owned(), file: self.raw.text(function.file), line, inlined }
    }

    fn profile(mut self, choice: Choice) -> Profile {
        (self.profile.frames, self.profile.nodes) = self.stacks.into_parts();
        let profile = &mut self.profile;
        profile.addresses = self.addresses;
        profile.unit = if profile.samples.is_empty() { Unit::Unknown } else { choice.unit };
        let unknown = |leaf: u32| {
            let callers = std::iter::successors(Some(leaf), |n| profile.nodes[*n as usize].parent.map(|p| p.0));
            let frame = |n: u32| &profile.frames[profile.nodes[n as usize].frame.0 as usize];
            callers.filter(|n| frame(*n).symbol == "[unknown]").count() as u64
        };
        let leaves = profile.samples.leaves().iter().filter(|l| **l != crate::model::NO_LEAF);
        let quality = SourceQuality {
            format: FORMAT.name.into(),
            samples: profile.samples.len() as u64,
            unresolved: leaves.map(|l| unknown(*l)).sum(),
            malformed: self.malformed,
            event: choice.event,
            unit: profile.unit,
            ..SourceQuality::default()
        };
        profile.sources = vec![quality];
        self.profile
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::sniff;

    /// A number in the wire form.
    fn varint(mut n: u64) -> Vec<u8> {
        let mut out = Vec::new();
        while n >= 0x80 {
            out.push(n as u8 | 0x80);
            n >>= 7;
        }
        out.push(n as u8);
        out
    }

    fn number(field: u64, n: u64) -> Vec<u8> {
        [varint(field << 3), varint(n)].concat()
    }

    fn bytes(field: u64, content: &[u8]) -> Vec<u8> {
        [varint(field << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
    }

    fn message(field: u64, parts: &[Vec<u8>]) -> Vec<u8> {
        bytes(field, &parts.concat())
    }

    const TEXTS: &[&str] = &[
        "",
        "samples",
        "count",
        "cpu",
        "nanoseconds",
        "gw::spin",
        "_RNvCs_2gw4spin",
        "gw::small",
        "src/main.rs",
        "/opt/svc",
        "f4ae",
        "end_timestamp_ns",
        "thread id",
        "span_id",
        "trace_id",
        "4bf92f",
        "00f067",
    ];

    /// Two samples, one with labels; ids that are not dense; the texts stand last.
    fn file() -> Vec<u8> {
        let mut all = vec![
            message(1, &[number(1, 1), number(2, 2)]),
            message(1, &[number(1, 3), number(2, 4)]),
            message(2, &[bytes(1, &[7, 200, 1]), bytes(2, &[3, 30])]),
            message(
                2,
                &[
                    number(1, 999),
                    number(1, 7),
                    number(2, 1),
                    number(2, 10),
                    message(3, &[number(1, 11), number(3, 5_000)]),
                    message(3, &[number(1, 12), number(3, 77)]),
                    message(3, &[number(1, 13), number(2, 16)]),
                    message(3, &[number(1, 14), number(2, 15)]),
                ],
            ),
            message(
                3,
                &[number(1, 4), number(2, 0x1000), number(3, 0x9000), number(4, 0x200), number(5, 9), number(6, 10)],
            ),
            // small, inlined into spin.
            message(
                4,
                &[
                    number(1, 7),
                    number(2, 4),
                    number(3, 0x1234),
                    message(4, &[number(1, 61), number(2, 21)]),
                    message(4, &[number(1, 60), number(2, 12)]),
                ],
            ),
            message(4, &[number(1, 200), number(2, 4), number(3, 0x1500)]),
            message(5, &[number(1, 60), number(2, 5), number(3, 6), number(4, 8)]),
            message(5, &[number(1, 61), number(2, 7), number(4, 8)]),
        ];
        all.extend(TEXTS.iter().map(|t| bytes(6, t.as_bytes())));
        all.push(number(12, 10_000_000));
        all.concat()
    }

    fn stacks(profile: &Profile) -> Vec<String> {
        let stack = |sample: Sample| {
            let nodes = std::iter::successors(sample.leaf, |n| profile.nodes[n.0 as usize].parent);
            let frames = nodes.map(|n| &profile.frames[profile.nodes[n.0 as usize].frame.0 as usize]);
            let all: Vec<String> =
                frames.map(|f| format!("{}:{}{}", f.symbol, f.line, if f.inlined { " inlined" } else { "" })).collect();
            format!("{} {:?} {:?} {}", sample.weight, sample.time_ns, sample.tid, all.join(" < "))
        };
        profile.samples.iter().map(stack).collect()
    }

    #[test]
    fn time_is_chosen_inlined_functions_stand_apart_and_labels_tell_thread_and_time() {
        assert_eq!(sniff(&file()).map(|f| f.name), Some("pprof"));
        let (profile, problems) = read(&file());
        assert_eq!(problems, []);
        assert_eq!(
            stacks(&profile),
            [
                "30 None None gw::small:21 inlined < _RNvCs_2gw4spin:12 < 0x1500:0",
                "10 Some(5000) Some(77) [unknown]:0 < gw::small:21 inlined < _RNvCs_2gw4spin:12",
            ]
        );
        assert_eq!((profile.unit, profile.sources[0].malformed), (Unit::CpuNanoseconds, 1));
        assert_eq!(profile.marks, [Mark { sample: 1, request: "4bf92f".into() }], "the trace, not the span");
    }

    #[test]
    fn what_has_no_name_is_left_to_be_looked_up_by_its_place_in_the_file() {
        let (profile, _) = read(&file());
        assert_eq!(profile.objects, [ObjectFile { path: "/opt/svc".into(), build_id: "f4ae".into() }]);
        let [address] = profile.addresses[..] else { panic!("{:?}", profile.addresses) };
        assert_eq!((address.address, address.base), (0x700, AddressBase::FileOffset));
    }

    #[test]
    fn other_protocol_buffers_are_no_pprof() {
        let span = message(1, &[message(2, &[message(2, &[bytes(1, &[9; 16])])])]);
        assert!(!super::sniff(&span), "an OTLP trace");
        assert!(!super::sniff(b""));
        assert!(!super::sniff(b"\n\nplain text"));
        assert!(!super::sniff(format!("\n{}\n# Summary\n", "#".repeat(80)).as_bytes()), "a build file");
    }

    #[test]
    fn some_of_the_samples_say_about_what_all_of_them_do_and_nothing_is_said_before_the_end() {
        let mut file = message(1, &[number(1, 1), number(2, 2)]);
        for n in 0..60_000 {
            file.extend(message(2, &[number(1, 1 + u64::from(n % 4 == 0)), number(2, 1)]));
        }
        for id in [1, 2] {
            file.extend(message(4, &[number(1, id), message(4, &[number(1, id)])]));
            file.extend(message(5, &[number(1, id), number(2, id + 2)]));
        }
        ["", "samples", "count", "a", "b"].iter().for_each(|text| file.extend(bytes(6, text.as_bytes())));
        let mut reader = (FORMAT.open)();
        reader.feed(&file);
        assert_eq!(reader.snapshot(), Profile::default());
        reader.end();
        let look = reader.snapshot();
        let of = |profile: &Profile, symbol: &str| {
            let leaf = |n: crate::model::NodeId| &profile.frames[profile.nodes[n.0 as usize].frame.0 as usize].symbol;
            profile.samples.iter().filter(|s| s.leaf.is_some_and(|l| leaf(l) == symbol)).count()
        };
        assert_eq!(look.samples.len(), 15_000, "one of four");
        assert!((3_500..4_000).contains(&of(&look, "b")), "{} of every fourth", of(&look, "b"));
        let (all, problems) = reader.finish();
        assert_eq!((of(&all, "a"), of(&all, "b"), problems.len()), (45_000, 15_000, 0));
    }

    #[test]
    fn every_prefix_and_every_flipped_byte_gives_a_profile_or_a_problem() {
        let whole = file();
        for at in 0..whole.len() {
            let (profile, problems) = read(&whole[..at]);
            assert!(!problems.is_empty() || !profile.samples.is_empty(), "cut at {at}");
            for mask in [0xff, 0x80, 1] {
                let mut bytes = whole.clone();
                bytes[at] ^= mask;
                let (profile, problems) = read(&bytes);
                assert!(!problems.is_empty() || !profile.samples.is_empty(), "flipped at {at}");
            }
        }
    }
}
