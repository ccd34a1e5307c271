//! A profile in, files of so many bytes with its samples again and again out, as other programs write them: names stand behind
//! samples where the format allows it.

#[path = "large_counts.rs"]
mod counts;
#[path = "large_traces.rs"]
mod traces;

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;

use refit::model::{NodeId, Profile};

pub use counts::criterion;

/// Writes a profile to a file of about so many bytes.
pub type Writer = fn(&Profile, &mut dyn Write, usize) -> std::io::Result<()>;

/// Formats by name.
pub const WRITERS: [(&str, Writer); 12] = [
    ("folded stacks", folded),
    ("pprof", pprof),
    ("Firefox profile", firefox),
    ("speedscope", speedscope),
    ("speedscope, events", evented),
    ("Chrome trace", traces::chrome),
    ("OTLP JSON lines", traces::otlp),
    ("OTLP protobuf", traces::otlp_protobuf),
    ("Jaeger JSON", traces::jaeger),
    ("callgrind", counts::callgrind),
    ("DHAT", counts::dhat),
    ("request log", counts::request_log),
];

/// Writes the file.
///
/// # Errors
/// As writing.
pub fn write(profile: &Profile, writer: Writer, path: &Path, bytes: usize) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    writer(profile, &mut out, bytes)?;
    out.flush()
}

/// Stacks of the samples, the outermost frame first.
fn stacks(profile: &Profile) -> Vec<Vec<u32>> {
    let stack = |leaf: Option<NodeId>| {
        let nodes = std::iter::successors(leaf, |n| profile.nodes[n.0 as usize].parent);
        let mut frames: Vec<u32> = nodes.map(|n| profile.nodes[n.0 as usize].frame.0).collect();
        frames.reverse();
        frames
    };
    profile.samples.iter().map(|s| stack(s.leaf)).filter(|s| !s.is_empty()).collect()
}

fn joined<T: ToString>(all: impl Iterator<Item = T>) -> String {
    all.map(|one| one.to_string()).collect::<Vec<_>>().join(",")
}

fn names(profile: &Profile) -> Vec<String> {
    profile.frames.iter().map(|f| serde_json::to_string(&f.symbol).expect("a text")).collect()
}

fn speedscope(profile: &Profile, out: &mut dyn Write, bytes: usize) -> std::io::Result<()> {
    write!(
        out,
        "{{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\"profiles\":[{{\"type\":\"sampled\","
    )?;
    write!(out, "\"name\":\"t\",\"unit\":\"milliseconds\",\"startValue\":0,\"endValue\":1,\"samples\":[")?;
    let stacks: Vec<String> = stacks(profile).iter().map(|stack| format!("[{}]", joined(stack.iter()))).collect();
    let (mut written, mut count) = (0, 0);
    while written < bytes {
        let stack = &stacks[count % stacks.len()];
        write!(out, "{}{stack}", if count == 0 { "" } else { "," })?;
        (written, count) = (written + stack.len() + 3, count + 1);
    }
    write!(out, "],\"weights\":[{}]}}],\"shared\":{{\"frames\":[", joined(std::iter::repeat_n(1, count)))?;
    let frames = names(profile).into_iter().zip(&profile.frames).map(|(name, frame)| {
        let file = serde_json::to_string(&frame.file).expect("a text");
        format!("{{\"name\":{name},\"file\":{file},\"line\":{}}}", frame.line)
    });
    write!(out, "{}]}}}}", joined(frames))
}

/// Every sample opens what the one before has not open, and closes what it has not.
fn evented(profile: &Profile, out: &mut dyn Write, bytes: usize) -> std::io::Result<()> {
    write!(
        out,
        "{{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\"profiles\":[{{\"type\":\"evented\","
    )?;
    write!(out, "\"name\":\"t\",\"unit\":\"milliseconds\",\"startValue\":0,\"endValue\":1,\"events\":[")?;
    let stacks = stacks(profile);
    let (mut written, mut at, mut open): (usize, usize, &[u32]) = (0, 0, &[]);
    let end = |out: &mut dyn Write, kind: &str, frame: &u32, at: usize, written: &mut usize| {
        let event = format!("{{\"type\":\"{kind}\",\"at\":{at},\"frame\":{frame}}}");
        let separator = if *written == 0 { "" } else { "," };
        *written += event.len() + separator.len();
        write!(out, "{separator}{event}")
    };
    while written < bytes {
        let next = &stacks[at % stacks.len()];
        let same = open.iter().zip(next).take_while(|(a, b)| a == b).count();
        open[same..].iter().rev().try_for_each(|frame| end(out, "C", frame, at, &mut written))?;
        next[same..].iter().try_for_each(|frame| end(out, "O", frame, at, &mut written))?;
        (open, at) = (next, at + 1);
    }
    open.iter().rev().try_for_each(|frame| end(out, "C", frame, at, &mut written))?;
    let frames = names(profile).into_iter().map(|name| format!("{{\"name\":{name}}}"));
    write!(out, "]}}],\"shared\":{{\"frames\":[{}]}}}}", joined(frames))
}

/// As collapsers write it: sorted, each stack once. So many different stacks are made by what stands above their leaves.
fn folded(profile: &Profile, out: &mut dyn Write, bytes: usize) -> std::io::Result<()> {
    let mut counted: BTreeMap<Vec<&str>, u64> = BTreeMap::new();
    for stack in stacks(profile) {
        let names = stack.iter().map(|frame| profile.frames[*frame as usize].symbol.as_str()).collect();
        *counted.entry(names).or_default() += 1;
    }
    let line = |(stack, count): (&Vec<&str>, &u64)| {
        let names: Vec<String> = stack.iter().map(|name| name.replace(';', ":")).collect();
        (names.join(";"), *count)
    };
    let lines: Vec<(String, u64)> = counted.iter().map(line).collect();
    let each: usize = lines.iter().map(|(stack, _)| stack.len() + 25).sum();
    let mut all: Vec<String> = (0..bytes.div_ceil(each))
        .flat_map(|n| lines.iter().map(move |(stack, count)| format!("worker {n:06}/{n:06};{stack} {count}")))
        .collect();
    all.sort_unstable();
    all.iter().try_for_each(|line| writeln!(out, "{line}"))
}

fn firefox(profile: &Profile, out: &mut dyn Write, bytes: usize) -> std::io::Result<()> {
    let leaves: Vec<String> = profile.samples.iter().filter_map(|s| Some(s.leaf?.0.to_string())).collect();
    write!(
        out,
        "{{\"meta\":{{\"preprocessedProfileVersion\":55,\"interval\":1,\"startTime\":0}},\"libs\":[],\"threads\":[{{"
    )?;
    write!(out, "\"name\":\"t\",\"tid\":\"1\",\"pid\":\"1\",\"samples\":{{\"stack\":[")?;
    let (mut written, mut count) = (0, 0);
    while written < bytes {
        let leaf = &leaves[count % leaves.len()];
        write!(out, "{}{leaf}", if count == 0 { "" } else { "," })?;
        // As many bytes again are the time.
        (written, count) = (written + leaf.len() + 2 + count.max(1).ilog10() as usize + 2, count + 1);
    }
    write!(out, "],\"time\":[{}],\"weight\":null,\"weightType\":\"samples\",\"length\":{count}}},", joined(0..count))?;
    let callers = profile.nodes.iter().map(|n| n.parent.map_or("null".to_owned(), |p| p.0.to_string()));
    let frames = profile.nodes.iter().map(|n| n.frame.0);
    let of = profile.frames.len();
    write!(out, "\"stackTable\":{{\"prefix\":[{}],\"frame\":[{}]}},", joined(callers), joined(frames))?;
    let lines = joined(profile.frames.iter().map(|f| f.line));
    write!(out, "\"frameTable\":{{\"func\":[{}],\"line\":[{lines}]}},", joined(0..of))?;
    write!(out, "\"funcTable\":{{\"name\":[{}]}},", joined(0..of))?;
    write!(out, "\"stringArray\":[{}]}}]}}", joined(names(profile).into_iter()))
}

fn pprof(profile: &Profile, out: &mut dyn Write, bytes: usize) -> std::io::Result<()> {
    out.write_all(&message(1, &[number(1, 1), number(2, 2)].concat()))?;
    let sample = |stack: &Vec<u32>| {
        let locations: Vec<u8> = stack.iter().rev().flat_map(|frame| varint(u64::from(*frame) + 1)).collect();
        message(2, &[message(1, &locations), message(2, &varint(1))].concat())
    };
    let samples: Vec<Vec<u8>> = stacks(profile).iter().map(sample).collect();
    let (mut written, mut count) = (0, 0);
    while written < bytes {
        let sample = &samples[count % samples.len()];
        out.write_all(sample)?;
        (written, count) = (written + sample.len(), count + 1);
    }
    for (id, frame) in (1..).zip(&profile.frames) {
        let line = [number(1, id), number(2, u64::from(frame.line))].concat();
        out.write_all(&message(4, &[number(1, id), message(4, &line)].concat()))?;
        out.write_all(&message(5, &[number(1, id), number(2, id + 2)].concat()))?;
    }
    let texts = ["", "samples", "count"].into_iter().chain(profile.frames.iter().map(|f| f.symbol.as_str()));
    texts.map(|text| message(6, text.as_bytes())).try_for_each(|text| out.write_all(&text))
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value > 127 {
        out.push(value as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn message(field: u64, content: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}
