//! `cargo bench --bench perf_data [-- RECORDING [BINARY]] [--inferno PATH]`: how fast a `perf.data` becomes a table of named
//! stacks, beside `perf script | inferno-collapse-perf`, whether the tables are the same, and how fast 100,000 addresses of a
//! binary are looked up.
//!
//! The peer knows symbols alone (`--no-inline`), so the table of symbols is compared with its: it is what stands on the screen
//! before lines are known. Beside it stands what the functions cost that calls are told to have entered, and lines and inlined
//! functions, looked up anew and from the cache. Of what is not on the same stack in both it is said why.
//!
//! Without a recording three are made: a small program that is built with frame pointers, by these; this program, with copied
//! stacks; and this program by frame pointers, which it does not keep (unless it was built with
//! `RUSTFLAGS="-C force-frame-pointers=yes"`), so that a sample has two frames instead of ten and perf has little to do for it.
//! Both sides are processes that read a file and write a table; two cores are allowed to both. Times are of one run on one
//! machine: their ratio counts. Nothing is asserted.

mod folded;
mod processor_time;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use processor_time::cpu_seconds;
use refit::jobs::{Callers, Ear, read_by_symbols, read_sources};
use refit::model::Source;
use refit::profile;
use refit::profile::symbols::{Image, Table, look_up};
use refit::source::{FileRole, SourceFile};

/// As in Refit itself: what is timed is what a person waits for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Addresses that are looked up.
const ADDRESSES: usize = 100_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let after = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1));
    if let Some(recording) = after("--table") {
        return print_table(recording, after("--named").map_or("symbols", String::as_str));
    }
    if let Some(seconds) = after("--work").and_then(|s| s.parse().ok()) {
        return work(Duration::from_secs(seconds));
    }
    let inferno = after("--inferno").map_or("inferno-collapse-perf", String::as_str);
    let named: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-') && *a != inferno).collect();
    let place = tempfile::tempdir().expect("a folder for temporary files");
    match named.as_slice() {
        [] => {
            let this = std::env::current_exe().expect("this program has a file");
            let recordings = [
                ("a small program, frame pointers", with_frame_pointers(place.path()), "fp", "9973"),
                ("this program, copied stacks", Some([this.clone(), "--work".into()].into()), "dwarf,16384", "997"),
                (
                    "this program, frame pointers that it lacks",
                    Some([this.clone(), "--work".into()].into()),
                    "fp",
                    "9973",
                ),
            ];
            for (what, command, stacks, rate) in recordings {
                let Some(command) = command else { continue };
                if let Some(recording) = record(place.path(), what, &command, stacks, rate) {
                    compare(&recording, inferno, place.path());
                }
            }
            addresses(&this);
        }
        [recording, rest @ ..] => {
            compare(Path::new(recording), inferno, place.path());
            rest.iter().for_each(|binary| addresses(Path::new(binary)));
        }
    }
}

/// The program that the tests have recordings of, built here.
fn with_frame_pointers(place: &Path) -> Option<Vec<PathBuf>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/profiles/gw/src/main.rs");
    let mut rustc = Command::new("rustc");
    rustc.args(["-O", "-g", "-C", "force-frame-pointers=yes", "--edition", "2021", "-o"]).arg(place.join("gw"));
    let is_built = rustc.arg(source).status().is_ok_and(|status| status.success());
    is_built.then(|| vec![place.join("gw")])
}

/// Records ten seconds of a program at work; `None` where perf is refused.
fn record(place: &Path, what: &str, command: &[PathBuf], stacks: &str, rate: &str) -> Option<PathBuf> {
    let recording = place.join("perf.data");
    let mut perf = Command::new("perf");
    perf.args(["record", "-q", "-k", "mono", "-e", "cpu-clock", "-F", rate, "--call-graph", stacks, "-o"]);
    perf.arg(&recording).arg("--").args(command).arg("10");
    match perf.stdout(Stdio::null()).stderr(Stdio::piped()).output() {
        Ok(output) if output.status.success() => {
            let megabytes = std::fs::metadata(&recording).map_or(0.0, |m| m.len() as f64 / 1e6);
            println!("-- {what}, {rate} Hz: {megabytes:.1} MB");
            Some(recording)
        }
        Ok(output) => {
            let words = String::from_utf8_lossy(&output.stderr);
            println!("perf is refused here ({}): name a recording", words.lines().last().unwrap_or("no words").trim());
            None
        }
        Err(error) => {
            println!("perf cannot be started ({error}): name a recording");
            None
        }
    }
}

/// Two threads that read a profile, parse Rust and look at what they read: many functions, deep stacks.
fn work(time: Duration) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (begun, files) = (Instant::now(), rust_files(&here.join("src")));
    let text =
        std::fs::File::open(here.join("examples/payment-gateway/perf/authorize.perf.txt.zst")).expect("the example");
    let text = zstd::decode_all(text).expect("zstd data");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut at = 0;
            while begun.elapsed() < time {
                let (name, text) = &files[at % files.len()];
                let _ = std::hint::black_box(SourceFile::parse(name, text, &FileRole::default()));
                at += 1;
            }
        });
        while begun.elapsed() < time {
            let mut reader = (profile::sniff(&text[..65_536]).expect("a known format").open)();
            text.chunks(256 * 1024).for_each(|piece| reader.feed(piece));
            let (profile, _) = reader.finish();
            std::hint::black_box(refit::attribute::attribute(&profile, &[], &refit::attribute::Options::default()));
        }
    });
}

fn rust_files(folder: &Path) -> Vec<(String, String)> {
    let (mut files, mut open) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(dir) = open.pop() {
        for path in std::fs::read_dir(dir).expect("a folder").flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                open.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                files.push((path.display().to_string(), text));
            }
        }
    }
    files.retain(|(name, _)| name.ends_with(".rs"));
    files.sort();
    files
}

/// What is timed on our side: a recording read as the workbench reads it, and the table of its stacks printed.
fn print_table(recording: &str, named: &str) {
    let source = [Source { file: recording.to_owned(), ..Source::default() }];
    let (root, ear) = (Path::new("/"), Ear::deaf());
    let read = match named {
        "lines" => read_sources(root, &source, &ear),
        "told" => read_by_symbols(root, &source, Callers::Told, &ear),
        _ => read_by_symbols(root, &source, Callers::AsPerf, &ear),
    };
    let (profile, problems) = read.expect("a recording");
    let mut out = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let stacks =
        folded::write_table(&profile, &mut out).and_then(|stacks| out.flush().map(|()| stacks)).expect("a pipe");
    eprintln!("{stacks} stacks, {} samples, {} frames", profile.samples.len(), profile.frames.len());
    problems.iter().for_each(|p| eprintln!("{p}"));
}

/// A process and what it took.
struct Run {
    wall: f64,
    cpu: f64,
    out: String,
    words: String,
}

fn timed(start: impl FnOnce() -> Option<std::process::Output>) -> Option<Run> {
    let (began, cpu) = (Instant::now(), children_seconds());
    let output = start()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (wall, cpu) = (began.elapsed().as_secs_f64(), children_seconds() - cpu);
    Some(Run { wall, cpu, out: text(output.stdout), words: text(output.stderr) })
}

fn compare(recording: &Path, inferno: &str, place: &Path) {
    let recording = std::fs::canonicalize(recording).expect("a recording");
    let cache = place.join("cache");
    let ours = |named: &str| {
        let mut command = Command::new(std::env::current_exe().expect("this program has a file"));
        command.arg("--table").arg(&recording).args(["--named", named]).env("REFIT_CACHE_DIR", &cache);
        timed(|| command.output().ok()).expect("this program runs")
    };
    let best_of_three = |named: &str| {
        let run = |_| {
            let _ = std::fs::remove_dir_all(&cache);
            ours(named)
        };
        (0..3).map(run).min_by(|a, b| a.wall.total_cmp(&b.wall)).expect("three runs")
    };
    let words = |run: &Run| run.words.trim().replace('\n', "; ");
    let symbols = best_of_three("symbols");
    say("ours, symbols", &symbols, &format!("best of 3; {}", words(&symbols)));
    let told = best_of_three("told");
    say("ours, callers told", &told, "and the functions that calls enter where frame pointers skip them");
    let cold = best_of_three("lines");
    say("ours, lines too", &cold, &format!("nothing cached, best of 3; {}", words(&cold)));
    let warm = ours("lines");
    say("ours, lines cached", &warm, "");
    let Some(peer) = timed(|| peer(&recording, inferno)) else {
        return println!("perf or {inferno} is not here (cargo install inferno; --inferno PATH): no peer");
    };
    let detail = format!("{} stacks: perf script --no-inline --no-demangle | inferno-collapse-perf", lines(&peer.out));
    say("peer, symbols", &peer, &detail);
    for (what, run) in [("the same table", &symbols), ("with lines", &cold), ("with lines, cached", &warm)] {
        let (wall, cpu) = (peer.wall / run.wall, peer.cpu / run.cpu);
        println!("{what:>22} {wall:.1} times by wall, {cpu:.1} by processor time; asked 15");
    }
    folded::difference(&symbols.out, &peer.out).iter().for_each(|line| println!("{:>22} {line}", "table"));
    if let Some(printed) = printed(&recording) {
        let folded::Printed { without_stack, cut_off } = printed;
        println!(
            "{:>22} weight {without_stack} is of samples that perf prints without a stack: their chain holds what is no address",
            ""
        );
        println!("{:>22} weight {cut_off} ends at -1 there: in a caller behind the end of the copied stack", "");
    }
}

/// What perf prints of a recording; not timed.
fn printed(recording: &Path) -> Option<folded::Printed> {
    let mut script = script(recording).spawn().ok()?;
    let printed = folded::printed(std::io::BufReader::new(script.stdout.take()?)).ok();
    let _ = script.wait();
    printed
}

fn script(recording: &Path) -> Command {
    let mut script = Command::new("perf");
    script.args(["script", "--no-inline", "--no-demangle", "-i"]).arg(recording);
    script.stdout(Stdio::piped()).stderr(Stdio::null());
    script
}

fn peer(recording: &Path, inferno: &str) -> Option<std::process::Output> {
    let mut script = script(recording).spawn().ok()?;
    let text = script.stdout.take()?;
    let collapse = Command::new(inferno).stdin(text).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(collapse) = collapse else {
        let _ = script.kill();
        let _ = script.wait();
        return None;
    };
    let output = collapse.wait_with_output().ok();
    let _ = script.wait();
    output
}

/// Distinct addresses spread evenly over all functions, looked up by one thread and by two, kept, and read back.
fn addresses(binary: &Path) {
    let bytes = std::fs::read(binary).expect("a binary");
    let image = Image::parse(&bytes).expect("an object file");
    let code: u64 = image.functions().map(|(_, _, size)| size).sum();
    let step = (code / ADDRESSES as u64).max(1) as usize;
    let all = image.functions().flat_map(|(_, at, size)| (at..at + size).step_by(step));
    let mut addresses: Vec<u64> = all.take(ADDRESSES).collect();
    addresses.sort_unstable();
    addresses.dedup();
    println!("-- {} distinct addresses of {}", addresses.len(), binary.display());
    let (began, cpu) = (Instant::now(), own_seconds());
    let image = Image::parse(&bytes).expect("an object file");
    let mut table = Table::new(image.segments.clone());
    look_up(&image, &addresses, &mut table);
    let functions: usize = addresses.iter().map(|at| table.at(*at).count()).sum();
    step_said("cold, one thread", began, cpu, &format!("{functions} functions with inlined ones"));
    let (began, cpu) = (Instant::now(), own_seconds());
    let (low, high) = addresses.split_at(addresses.len() / 2);
    let mut one = Table::new(image.segments.clone());
    let other = std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut other = Table::default();
            look_up(&image, high, &mut other);
            other
        });
        look_up(&image, low, &mut one);
        other.join().expect("no panic")
    });
    one.join(&other);
    step_said("cold, two threads", began, cpu, "as the workbench does; asked 2 s");
    let kept = table.encode();
    let (began, cpu) = (Instant::now(), own_seconds());
    let read = Table::decode(&kept).expect("what was kept");
    let known = addresses.iter().filter(|at| read.knows(**at)).count();
    let detail = format!("{known} addresses from {:.1} MB; asked 0.2 s", kept.len() as f64 / 1e6);
    step_said("from the cache", began, cpu, &detail);
}

fn lines(text: &str) -> usize {
    text.lines().count()
}

fn say(what: &str, run: &Run, detail: &str) {
    println!("{what:>22} {:8.1} ms wall {:8.1} ms CPU  {detail}", run.wall * 1e3, run.cpu * 1e3);
}

fn step_said(what: &str, began: Instant, cpu: f64, detail: &str) {
    let (wall, cpu) = (began.elapsed().as_secs_f64(), own_seconds() - cpu);
    println!("{what:>22} {:8.1} ms wall {:8.1} ms CPU  {detail}", wall * 1e3, cpu * 1e3);
}

fn own_seconds() -> f64 {
    cpu_seconds(libc::RUSAGE_SELF)
}

fn children_seconds() -> f64 {
    cpu_seconds(libc::RUSAGE_CHILDREN)
}
