//! A profile in; what counts rather than samples (callgrind, DHAT), and what knows requests alone (the request log, Criterion's
//! folder), of so many bytes, out.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use refit::model::{NodeId, Profile};

use super::{joined, stacks};

/// Lines of a function that have costs.
const LINES: u64 = 30;

/// A function as callgrind knows it: what it cost by itself, and by whom it was called at which line.
#[derive(Default)]
struct Function<'p> {
    own: u64,
    calls: BTreeMap<(u32, &'p str), u64>,
}

/// As `valgrind --tool=callgrind --combine-dumps=yes` writes it, dump after dump, each with names of its own.
pub fn callgrind(profile: &Profile, out: &mut dyn Write, bytes: usize) -> std::io::Result<()> {
    let functions = functions(profile);
    writeln!(out, "# callgrind format\nversion: 1\ncreator: callgrind-3.19.0\npositions: line\nevents: Ir")?;
    let (mut written, mut part) = (0, 0);
    while written < bytes {
        part += 1;
        let text = dump(&functions, part);
        out.write_all(text.as_bytes())?;
        written += text.len();
    }
    Ok(())
}

fn functions(profile: &Profile) -> BTreeMap<&str, Function<'_>> {
    let mut functions: BTreeMap<&str, Function> = BTreeMap::new();
    for sample in profile.samples.iter() {
        let nodes = std::iter::successors(sample.leaf, |n: &NodeId| profile.nodes[n.0 as usize].parent);
        let frames: Vec<_> = nodes.map(|n| &profile.frames[profile.nodes[n.0 as usize].frame.0 as usize]).collect();
        let Some(leaf) = frames.first() else { continue };
        functions.entry(&leaf.symbol).or_default().own += sample.weight;
        let mut met = Vec::new();
        for pair in frames.windows(2) {
            let (callee, caller) = (pair[0], pair[1]);
            // A call inside of itself costs once.
            if !met.contains(&(&caller.symbol, &callee.symbol)) {
                met.push((&caller.symbol, &callee.symbol));
                let calls = &mut functions.entry(&caller.symbol).or_default().calls;
                *calls.entry((caller.line, &callee.symbol)).or_default() += sample.weight;
            }
        }
    }
    functions
}

fn dump(functions: &BTreeMap<&str, Function>, part: u64) -> String {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut text = format!("\npart: {part}\ntotals: {}\n", functions.values().map(|f| f.own).sum::<u64>());
    for (file, (name, function)) in functions.iter().enumerate() {
        let mut named = |key: &str, name| {
            let next = numbers.len() + 1;
            match numbers.get(name) {
                Some(number) => format!("{key}=({number})\n"),
                None => {
                    numbers.insert(name, next);
                    format!("{key}=({next}) {name}\n")
                }
            }
        };
        text += &format!("\nfl=({file}) /build/src/part_{file}.rs\n{}10 {}\n", named("fn", name), function.own / LINES);
        (1..LINES).for_each(|n| text += &format!("+{} {}\n", 1 + n % 5, function.own / LINES + n));
        for ((line, callee), cost) in &function.calls {
            text += &format!("{}calls={part} 10\n{line} {cost}\n", named("cfn", callee));
        }
    }
    text
}

/// As dhat-rs writes it: every point again and again, as a program has it that allocates on many paths.
pub fn dhat(profile: &Profile, out: &mut dyn Write, bytes: usize) -> std::io::Result<()> {
    write!(
        out,
        r#"{{"dhatFileVersion":2,"mode":"rust-heap","verb":"Allocated","bklt":true,"bkacc":false,"tu":"µs","Mtu":"s","#
    )?;
    write!(out, r#""tuth":10,"cmd":"gateway","pid":7,"tg":1,"te":9,"pps":["#)?;
    let point = |(at, stack): (usize, &Vec<u32>)| {
        let blocks = 1 + (at * 7_919 % 1_000).pow(2) / 100;
        let frames = joined(stack.iter().rev().map(|frame| frame + 1));
        format!(
            r#"{{"tb":{},"tbk":{blocks},"tl":{},"mb":64,"mbk":1,"gb":0,"gbk":0,"eb":0,"ebk":0,"fs":[{frames}]}}"#,
            64 * blocks,
            900 * blocks
        )
    };
    let points: Vec<String> = stacks(profile).iter().enumerate().map(point).collect();
    let (mut written, mut count) = (0, 0);
    while written < bytes {
        let point = &points[count % points.len()];
        write!(out, "{}{point}", if count == 0 { "" } else { "," })?;
        (written, count) = (written + point.len() + 1, count + 1);
    }
    let name = |frame: &refit::model::Frame| {
        let name = format!("0x1000: {} ({}:{}:5)", frame.symbol, frame.file, frame.line);
        serde_json::to_string(&name).expect("a text")
    };
    write!(out, r#"],"ftbl":["[root]",{}]}}"#, joined(profile.frames.iter().map(name)))
}

/// As `templates/instrument/request_log.rs` writes it: requests of two polls and a wait between them.
pub fn request_log(_: &Profile, out: &mut dyn Write, bytes: usize) -> std::io::Result<()> {
    let (mut written, mut count) = (0, 0_u64);
    while written < bytes {
        let start = 1_000_000_000 + count * 2_000_000;
        let [middle, again, end] =
            [300_000, 700_000 + count % 97 * 1_000, 1_000_000 + count % 97 * 10_000].map(|at| start + at);
        let tid = 100 + count % 4;
        let text = format!(
            r#"{{"request":"{count}","tid":{tid},"poll_start_ns":{start},"poll_end_ns":{middle}}}
{{"request":"{count}","wait":"acquirer","start_ns":{middle},"end_ns":{again}}}
{{"request":"{count}","tid":{tid},"poll_start_ns":{again},"poll_end_ns":{end}}}
{{"request":"{count}","operation":"POST /authorize","start_ns":{start},"end_ns":{end}}}
"#
        );
        out.write_all(text.as_bytes())?;
        (written, count) = (written + text.len(), count + 1);
    }
    Ok(())
}

/// Criterion's folder: benchmarks of 1,000 samples each.
///
/// # Errors
/// As writing.
pub fn criterion(folder: &Path, bytes: usize) -> std::io::Result<()> {
    let (mut written, mut count) = (0, 0_u64);
    while written < bytes {
        let run = folder.join(format!("authorize/{count}/new"));
        std::fs::create_dir_all(&run)?;
        let time = |n: u64| format!("{}.{}", n * 1_000 * (9_000 + (n * 7_919 + count) % 1_000), n % 10);
        let (iterations, times) = (joined((1..=1_000).map(|n| format!("{n}.0"))), joined((1..=1_000).map(time)));
        let sample = format!(r#"{{"sampling_mode":"Linear","iters":[{iterations}],"times":[{times}]}}"#);
        let benchmark = r#"{"group_id":"authorize","full_id":"POST /authorize","directory_name":"authorize"}"#;
        std::fs::write(run.join("sample.json"), &sample)?;
        std::fs::write(run.join("benchmark.json"), benchmark)?;
        (written, count) = (written + sample.len() + benchmark.len(), count + 1);
    }
    Ok(())
}
