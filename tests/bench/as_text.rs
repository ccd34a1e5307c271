//! `as_text PERF.DATA BINARY`: a perf.data in, the samples that ran BINARY as `perf script` would print them out, with file,
//! line and inlined frames.
//!
//! `perf script` itself asks addr2line, which needs many seconds for the first address of a binary as large as Refit's;
//! perf 6.1 waits five, ends the child, and dies writing into its closed pipe. Refit looks addresses up in its own process.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use refit::jobs::{Ear, read_sources};
use refit::model::{Frame, NodeId, Profile, Sample, Source};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [file, binary] = &args[..] else {
        eprintln!("usage: as_text PERF.DATA BINARY");
        return ExitCode::from(2);
    };
    let source = Source { file: file.clone(), binary: Some(binary.clone()), ..Source::default() };
    match read_sources(Path::new("/"), &[source], &Ear::deaf()) {
        Ok((profile, problems)) => {
            problems.iter().for_each(|p| eprintln!("{p}"));
            match write(&profile, binary, &mut BufWriter::new(std::io::stdout().lock())) {
                Ok(written) => {
                    eprintln!("{written} of {} samples ran {binary}", profile.samples.len());
                    ExitCode::SUCCESS
                }
                Err(error) => {
                    eprintln!("cannot write: {error}");
                    ExitCode::from(3)
                }
            }
        }
        Err(problems) => {
            problems.iter().for_each(|p| eprintln!("{p}"));
            ExitCode::from(2)
        }
    }
}

/// Writes samples and returns how many.
fn write(profile: &Profile, binary: &str, out: &mut impl Write) -> std::io::Result<u64> {
    let name = Path::new(binary).file_name().unwrap_or_default();
    let is_ours = |frame: &Frame| Path::new(&frame.object).file_name() == Some(name);
    let mut written = 0;
    for sample in profile.samples.iter() {
        let stack = stack(profile, &sample);
        if !stack.iter().any(|f| is_ours(f)) {
            continue;
        }
        let (time, tid) = (sample.time_ns.unwrap_or_default(), sample.tid.unwrap_or_default());
        let (seconds, rest) = (time / 1_000_000_000, time % 1_000_000_000);
        writeln!(out, "refit {tid}/{tid} {seconds}.{rest:09}: {:>10} cpu-clock: ", sample.weight)?;
        for (at, frame) in stack.iter().enumerate() {
            let object = if frame.inlined || frame.object.is_empty() { "inlined" } else { &frame.object };
            writeln!(out, "\t{:16x} {}+0x0 ({object})", at + 1, frame.symbol)?;
            if frame.line > 0 {
                let mark = if frame.inlined { " (inlined)" } else { "" };
                writeln!(out, "  {}:{}{mark}", frame.file, frame.line)?;
            }
        }
        writeln!(out)?;
        written += 1;
    }
    out.flush()?;
    Ok(written)
}

/// Frames of a sample, the leaf first.
fn stack<'a>(profile: &'a Profile, sample: &Sample) -> Vec<&'a Frame> {
    let parent = |node: &NodeId| profile.nodes[node.0 as usize].parent;
    let nodes = std::iter::successors(sample.leaf, parent);
    nodes.map(|node| &profile.frames[profile.nodes[node.0 as usize].frame.0 as usize]).collect()
}
