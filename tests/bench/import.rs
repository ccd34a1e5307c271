//! `cargo bench --bench import [-- [--megabytes N] [--inferno PATH]]`: how fast `perf script` text is read, beside inferno, and how
//! fast a profile of ten million samples answers.
//!
//! The text is the example's recording, repeated. Ratios are of processor time, because the machine may be busy; the peer's
//! command stands beside each. Nothing is asserted here.

mod processor_time;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use processor_time::cpu_seconds;
use refit::attribute::{Filter, Lens, Options, shares};
use refit::model::{Brush, Objective, Poll, Profile, Request, Sample, Samples, Slo};
use refit::pipeline::{self, Analysis};
use refit::profile::{Format, Reader, sniff};

const PIECE: usize = 256 * 1024;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1));
    let megabytes: usize = after("--megabytes").and_then(|n| n.parse().ok()).unwrap_or(1000);
    let inferno = after("--inferno").map_or(PathBuf::from("inferno-collapse-perf"), PathBuf::from);
    let place = tempfile::tempdir().expect("a folder for temporary files");
    let path = place.path().join("big.perf.txt");
    let text = recording();
    let size = repeat(&text, &path, megabytes);
    let format = sniff(&text[..65_536]).expect("a known format");
    println!("{:.0} MB of {} text, the example's recording repeated", size as f64 / 1e6, format.name);
    let ours = in_turns(format, &path, size);
    match peer(&inferno, &path) {
        Some(theirs) => println!(
            "{:<34}{:>8.2} s CPU  {:.1} times ours",
            "inferno-collapse-perf -n 1 FILE",
            theirs,
            theirs / ours.seconds
        ),
        None => println!("{} is not installed: `cargo install inferno`", inferno.display()),
    }
    first_shares(format, &text);
    ten_million(&ours.profile);
}

/// The committed recording of the example.
fn recording() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/payment-gateway/perf/authorize.perf.txt.zst");
    zstd::decode_all(File::open(path).expect("the example's recording")).expect("zstd data")
}

fn repeat(text: &[u8], path: &Path, megabytes: usize) -> u64 {
    let mut file = File::create(path).expect("a file for the text");
    for _ in 0..(megabytes * 1_000_000).div_ceil(text.len()) {
        file.write_all(text).expect("room for the text");
    }
    file.metadata().expect("its size").len()
}

struct Run {
    seconds: f64,
    profile: Profile,
}

/// One core and two in turns, because the machine's own speed changes; the best of each is compared.
fn in_turns(format: &Format, path: &Path, size: u64) -> Run {
    let (mut best, mut walls) = (None::<Run>, (f64::MAX, f64::MAX));
    let mut two = f64::MAX;
    for _ in 0..5 {
        let (run, wall) = one_core(format, path, size);
        walls.0 = walls.0.min(wall);
        if best.as_ref().is_none_or(|b| run.seconds < b.seconds) {
            best = Some(run);
        }
        let (longer, wall) = two_cores(format, path, size);
        (two, walls.1) = (two.min(longer), walls.1.min(wall));
    }
    let best = best.expect("five runs");
    println!(
        "{:<34}{:.2} times one core by processor time of the longer core, {:.2} by wall; asked 1.7. Two copies of a loop that \
         only counts: {:.2}",
        "two cores",
        best.seconds / two,
        walls.0 / walls.1,
        what_two_cores_give()
    );
    best
}

/// How much more two threads count than one: two processors may share a core, and then no program gains more than this.
fn what_two_cores_give() -> f64 {
    let count = || {
        let begun = Instant::now();
        std::hint::black_box((0..300_000_000_u64).fold(1_u64, |a, n| a.rotate_left(5).wrapping_mul(n | 1) ^ n));
        begun.elapsed().as_secs_f64()
    };
    let both = || {
        let begun = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(count);
            count();
        });
        begun.elapsed().as_secs_f64()
    };
    let best = |run: &dyn Fn() -> f64| (0..3).map(|_| run()).fold(f64::MAX, f64::min);
    2.0 * best(&count) / best(&both)
}

fn one_core(format: &Format, path: &Path, size: u64) -> (Run, f64) {
    let before = anonymous("RssAnon");
    let (begun, wall) = (cpu_seconds(libc::RUSAGE_THREAD), Instant::now());
    let reader = feed(format, path, 0..size);
    let grown = anonymous("RssAnon").saturating_sub(before);
    let (profile, _) = reader.finish();
    let seconds = cpu_seconds(libc::RUSAGE_THREAD) - begun;
    let wall = wall.elapsed().as_secs_f64();
    let allowed = 64_000 + profile.nodes.len() as u64 * 200 / 1000;
    println!(
        "{:<34}{seconds:>8.2} s CPU  {:.2} GB/s, {wall:.2} s wall, {} samples, {} nodes, {} kB anonymous of {allowed} allowed",
        "one core",
        size as f64 / 1e9 / seconds,
        profile.samples.len(),
        profile.nodes.len(),
        grown,
    );
    (Run { seconds, profile }, wall)
}

/// Processor time of the longer core with the join, and the time of both.
fn two_cores(format: &Format, path: &Path, size: u64) -> (f64, f64) {
    let wall = Instant::now();
    let mut middle = vec![0; 1 << 20];
    let mut file = File::open(path).expect("the text");
    file.seek(SeekFrom::Start(size / 2)).expect("its middle");
    file.read_exact(&mut middle).expect("its middle");
    let cut = size / 2 + (format.open)().boundary(&middle).expect("a place to cut") as u64;
    let timed = |part: Range<u64>| {
        let begun = cpu_seconds(libc::RUSAGE_THREAD);
        let reader = feed(format, path, part);
        (reader, cpu_seconds(libc::RUSAGE_THREAD) - begun)
    };
    let ((mut first, a), (second, b)) = std::thread::scope(|scope| {
        let later = scope.spawn(|| timed(cut..size));
        (timed(0..cut), later.join().expect("a reader"))
    });
    let begun = cpu_seconds(libc::RUSAGE_THREAD);
    first.join(second);
    let (profile, _) = first.finish();
    let joined = cpu_seconds(libc::RUSAGE_THREAD) - begun;
    let longest = a.max(b) + joined;
    let wall = wall.elapsed().as_secs_f64();
    println!(
        "{:<34}{longest:>8.2} s CPU of the longer core and the join ({joined:.3} s), {wall:.2} s wall, {} samples",
        "two cores",
        profile.samples.len(),
    );
    (longest, wall)
}

fn feed(format: &Format, path: &Path, part: Range<u64>) -> Box<dyn Reader + Send> {
    let mut reader = (format.open)();
    let mut file = File::open(path).expect("the text");
    file.seek(SeekFrom::Start(part.start)).expect("the part");
    let mut file = file.take(part.end - part.start);
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece).expect("the text can be read") {
            0 => return reader,
            n => reader.feed(&piece[..n]),
        }
    }
}

/// Processor time of the peer; `None` if it is not there.
fn peer(inferno: &Path, path: &Path) -> Option<f64> {
    let run = || {
        let begun = cpu_seconds(libc::RUSAGE_CHILDREN);
        let status =
            Command::new(inferno).args(["-n", "1"]).arg(path).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.ok().filter(|s| s.success()).map(|_| cpu_seconds(libc::RUSAGE_CHILDREN) - begun)
    };
    (0..3).filter_map(|_| run()).min_by(f64::total_cmp)
}

/// From the first byte to shares with intervals, of the first 100 MB.
fn first_shares(format: &Format, text: &[u8]) {
    let begun = cpu_seconds(libc::RUSAGE_THREAD);
    let mut reader = (format.open)();
    for _ in 0..3 {
        text.chunks(PIECE).for_each(|piece| reader.feed(piece));
    }
    let profile = reader.snapshot();
    let rows = shares(&profile, &[], &Options::default());
    let seconds = cpu_seconds(libc::RUSAGE_THREAD) - begun;
    println!(
        "{:<34}{:>8.1} ms CPU for {:.0} MB, {} rows",
        "provisional shares",
        seconds * 1e3,
        3.0 * text.len() as f64 / 1e6,
        rows.len()
    );
}

/// The recording's samples, repeated one recording after another up to ten million, on 16 threads and with 40,000 requests.
fn ten_million(recorded: &Profile) {
    const SAMPLES: usize = 10_000_000;
    const REQUESTS: u64 = 40_000;
    let sample = |at: usize| Sample {
        time_ns: Some(at as u64 * 1_000),
        tid: Some(at as u64 / 7 % 16),
        ..recorded.samples.at(at % recorded.samples.len())
    };
    let samples: Samples = (0..SAMPLES).map(sample).collect();
    let long = SAMPLES as u64 * 1_000 / REQUESTS;
    let requests = (0..REQUESTS).map(|n| Request { start_ns: n * long, end_ns: (n + 1) * long, ..Request::default() });
    let polls =
        (0..REQUESTS).map(|n| Poll { request: n as u32, tid: n % 16, start_ns: n * long, end_ns: (n + 1) * long });
    let (requests, polls) = (requests.collect(), polls.collect());
    let (frames, nodes) = (recorded.frames.clone(), recorded.nodes.clone());
    let profile = Profile { frames, nodes, samples, requests, polls, unit: recorded.unit, ..Profile::default() };
    let begun = cpu_seconds(libc::RUSAGE_THREAD);
    let lens = Lens::new(&profile, &[], &Options::default());
    println!("{:<34}{:>8.1} ms CPU, once", "10 M samples made ready", (cpu_seconds(libc::RUSAGE_THREAD) - begun) * 1e3);
    let half = SAMPLES as u64 * 500;
    let all = Filter::default();
    let asked = [
        ("ranking", all.clone()),
        ("one thread", Filter { threads: vec![3], ..all.clone() }),
        ("half of the time", Filter { time: Some(half / 2..half / 2 + half), ..all.clone() }),
        ("the worst 400 requests", Filter { requests: Some((0..400).collect()), ..all.clone() }),
        ("every other request", Filter { requests: Some((0..REQUESTS as u32).step_by(2).collect()), ..all.clone() }),
    ];
    for (what, filter) in &asked {
        say(what, || lens.rank(filter).len());
    }
    say("search", || lens.search("sha256", &all).0);
    say("search in half of the time", || lens.search("sha256", &asked[2].1).0);
    drop(lens);
    looks(profile, half);
}

/// What the keys of the workbench ask: the tail, threads, a time, each with call tree and splits.
fn looks(profile: Profile, half: u64) {
    let objective = Objective {
        name: "latency".into(),
        description: String::new(),
        operation: String::new(),
        target: 0.99,
        limit_ns: 20_000_000,
        window: None,
    };
    let slo = Slo { objectives: vec![objective], ..Slo::default() };
    let analysis = Analysis { profile: Arc::new(profile), ..Analysis::default() };
    let begun = cpu_seconds(libc::RUSAGE_THREAD);
    analysis.make_ready(&slo);
    let seconds = cpu_seconds(libc::RUSAGE_THREAD) - begun;
    println!("{:<34}{:>8.1} ms CPU, once, beside the screen", "made ready for the workbench", seconds * 1e3);
    let all = Brush::default();
    let asked = [
        ("T: every sample", false, all.clone()),
        ("T: the tail", true, all.clone()),
        ("B: one thread", false, Brush { threads: vec![3], ..all.clone() }),
        ("B: half of the time", false, Brush { time_ns: Some((half / 2, half / 2 + half)), ..all.clone() }),
        ("B: two threads for a while, tail", true, Brush { threads: vec![3, 4], time_ns: Some((half, 2 * half)) }),
    ];
    for (what, tail, brush) in &asked {
        say(what, || pipeline::look(&analysis, &slo, 0, *tail, brush, None));
    }
}

fn say<T>(what: &str, work: impl Fn() -> T) {
    let run = || {
        let begun = cpu_seconds(libc::RUSAGE_THREAD);
        std::hint::black_box(work());
        (cpu_seconds(libc::RUSAGE_THREAD) - begun) * 1e3
    };
    let mut times: Vec<f64> = (0..15).map(|_| run()).collect();
    times.sort_by(f64::total_cmp);
    println!("{what:<34}{:>8.1} ms CPU median, {:.1} ms largest of 15; asked 50 ms", times[7], times[14]);
}

/// Memory of this process that no file stands behind, in kB.
fn anonymous(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with(field));
    line.and_then(|l| l.split_whitespace().nth(1)).and_then(|n| n.parse().ok()).unwrap_or(0)
}
