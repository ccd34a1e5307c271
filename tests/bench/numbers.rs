//! `cargo bench --bench numbers [-- [--repeat N] NAME…]`: prints how long the things take that a person waits for, beside
//! what is asked.
//!
//! Each number comes from the real binary: commands as processes, the workbench in a pseudo-terminal. Nothing is
//! asserted here, because a shared machine would make such a test fail for no fault of ours. Beside each time stands what
//! starting `true` took in the same moments: where that is far from a millisecond, the machine is busy with other things.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const REFIT: &str = env!("CARGO_BIN_EXE_refit");

fn main() {
    let mut wanted: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let mut repeat = 20;
    if let Some(at) = wanted.iter().position(|a| a == "--repeat") {
        repeat = wanted.get(at + 1).and_then(|n| n.parse().ok()).expect("--repeat takes a number");
        wanted.drain(at..at + 2);
    }
    let place = tempfile::tempdir().expect("a folder for temporary files");
    let example = unpack(place.path());
    println!("{:<44}{:>10}{:>10}{:>10}{:>12}", "what", "median", "p95", "n", "asked");
    let all: [Named; 7] = [
        ("first-frame", first_frame),
        ("key-to-frame", key_to_frame),
        ("flame", flame),
        ("rank", rank),
        ("scan", scan),
        ("build", build),
        ("verdict", verdict),
    ];
    let bench = Bench { place: place.path().to_path_buf(), example, repeat };
    for (name, run) in all {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            run(&bench);
        }
    }
}

/// A name on the command line and what it measures.
type Named = (&'static str, fn(&Bench));

/// Where the example lies and where caches may go.
struct Bench {
    place: PathBuf,
    example: PathBuf,
    repeat: usize,
}

impl Bench {
    fn refit(&self, args: &[&str]) -> Command {
        let mut command = Command::new(REFIT);
        command.args(args).current_dir(&self.example);
        for (name, value) in environment(&self.place) {
            command.env(name, value);
        }
        command
    }
}

/// The user's folders are replaced, the toolchain's are not.
fn environment(place: &Path) -> [(&'static str, PathBuf); 2] {
    [("REFIT_CACHE_DIR", place.join("cache")), ("REFIT_DATA_DIR", place.join("data"))]
}

fn unpack(place: &Path) -> PathBuf {
    let example = place.join("payment-gateway");
    let mut command = Command::new(REFIT);
    command.args(["try", "payment-gateway", "--no-open"]).arg(&example).current_dir(place);
    command.envs(environment(place));
    let status = command.stdout(std::process::Stdio::null()).status().expect("refit runs");
    assert!(status.success(), "refit try failed");
    example
}

fn row(what: &str, mut times: Vec<Duration>, asked: &str) {
    times.sort();
    let at = |q: f64| times.get(((times.len() as f64 * q) as usize).min(times.len().saturating_sub(1))).copied();
    let ms = |t: Option<Duration>| t.map_or(String::from("-"), |t| format!("{:.1} ms", t.as_secs_f64() * 1e3));
    println!("{what:<44}{:>10}{:>10}{:>10}{asked:>12}", ms(at(0.5)), ms(at(0.95)), times.len());
}

fn rank(bench: &Bench) {
    beside_true("refit rank --json", &["rank", "--json"], "300 ms", bench);
}

fn scan(bench: &Bench) {
    beside_true("refit scan --all --json", &["scan", "--all", "--json"], "200 ms", bench);
}

/// A command and, after each of its runs, the start of a program that does nothing.
fn beside_true(what: &str, args: &[&str], asked: &str, bench: &Bench) {
    let (mut times, mut idle) = (Vec::new(), Vec::new());
    for _ in 0..bench.repeat {
        times.extend(command_times(bench, args, 1));
        idle.push(start_of_true());
    }
    row(what, times, asked);
    row("  `true` in the same moments", idle, "");
}

fn start_of_true() -> Duration {
    let begin = Instant::now();
    let status = Command::new("true").status().expect("`true` runs");
    assert!(status.success());
    begin.elapsed()
}

fn command_times(bench: &Bench, args: &[&str], n: usize) -> Vec<Duration> {
    let run = || {
        let begin = Instant::now();
        let output = bench.refit(args).output().expect("refit runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        begin.elapsed()
    };
    (0..n).map(|_| run()).collect()
}

/// The example and all of its dependencies from an empty target directory.
fn build(bench: &Bench) {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--target-dir"]).arg(bench.place.join("cold")).current_dir(&bench.example);
    let begin = Instant::now();
    assert!(cargo.status().expect("cargo runs").success(), "the example does not build");
    row("cargo build of the example, cold", vec![begin.elapsed()], "90 s");
}

/// From Enter to the first verdict: the best proposal, with nothing in the caches and again with warm slots.
fn verdict(bench: &Bench) {
    let output = bench.refit(&["propose", "--json"]).output().expect("refit runs");
    let proposals: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    let ids: Vec<_> = proposals["rewrites"].as_array().into_iter().flatten().filter_map(|r| r["id"].as_str()).collect();
    for (id, what, asked) in
        ids.iter().zip([("refit verify, cold", "240 s"), ("refit verify, warm", "60 s")]).map(|(i, (w, a))| (i, w, a))
    {
        row(what, command_times(bench, &["verify", id, "--quick", "--json", "--trust"], 1), asked);
    }
}

/// A program in a pseudo-terminal: what is typed, and the moments at which it wrote.
struct Terminal {
    writer: Box<dyn Write + Send>,
    written: Receiver<Instant>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    _pair: portable_pty::PtyPair,
}

impl Terminal {
    fn open(bench: &Bench, args: &[&str], cwd: &Path) -> Terminal {
        let size = PtySize { rows: 40, cols: 140, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(REFIT);
        command.args(args);
        command.cwd(cwd);
        command.env("TERM", "xterm-256color");
        for (name, value) in environment(&bench.place) {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("refit starts");
        let mut reader = pair.master.try_clone_reader().expect("its output");
        let writer = pair.master.take_writer().expect("its input");
        let (sender, written) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while reader.read(&mut buffer).is_ok_and(|n| n > 0) {
                if sender.send(Instant::now()).is_err() {
                    break;
                }
            }
        });
        Terminal { writer, written, child, _pair: pair }
    }

    /// The last write before `quiet` of silence.
    fn settle(&self, quiet: Duration) -> Option<Instant> {
        let mut last = None;
        loop {
            match self.written.recv_timeout(quiet) {
                Ok(at) => last = Some(at),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return last,
            }
        }
    }
}

impl Drop for Terminal {
    /// Leaves as a person would, so that Refit's own request log is whole; `s` stops jobs where that is asked.
    fn drop(&mut self) {
        for key in [b"q", b"s"] {
            let _ = self.writer.write_all(key).and_then(|()| self.writer.flush());
            for _ in 0..100 {
                if matches!(self.child.try_wait(), Ok(Some(_))) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn first_frame(bench: &Bench) {
    let (mut times, mut idle) = (Vec::new(), Vec::new());
    for n in 0..bench.repeat {
        idle.push(start_of_true());
        let begin = Instant::now();
        let terminal = Terminal::open(bench, &["try", "payment-gateway", &format!("first-{n}")], &bench.place);
        if let Ok(at) = terminal.written.recv_timeout(Duration::from_secs(10)) {
            times.push(at - begin);
        }
    }
    row("first frame of refit try", times, "100 ms");
    row("  `true` in the same moments", idle, "");
}

/// Key to frame in the flame pane of a million samples.
fn flame(bench: &Bench) {
    let project = million(&bench.place.join("million")).expect("a recording of a million samples is written");
    let mut terminal = Terminal::open(bench, &[], &project);
    terminal.settle(Duration::from_secs(20));
    terminal.writer.write_all(b"F").expect("the key is typed");
    terminal.settle(Duration::from_secs(5));
    terminal.writer.write_all(b"T").expect("the key is typed");
    terminal.settle(Duration::from_secs(5));
    let mut times = Vec::new();
    for _ in 0..bench.repeat.max(2) {
        for key in ["j", "j", "l", "\r", "j", "h", "\x1b", "k", "C", "l", "l", "g"] {
            let begin = Instant::now();
            terminal.writer.write_all(key.as_bytes()).expect("the key is typed");
            if let Ok(at) = terminal.written.recv_timeout(Duration::from_millis(300)) {
                times.push(at - begin);
            }
            terminal.settle(Duration::from_millis(if key == "\x1b" { 80 } else { 15 }));
        }
    }
    row("key to frame, flame pane, 1,000,000 samples", times, "16 ms");
}

/// A project whose recording has a million samples in a tree of 40,000 stacks.
fn million(root: &Path) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(root.join("src"))?;
    std::fs::write(root.join("Cargo.toml"), "[package]\nname = \"svc\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")?;
    std::fs::write(root.join("src/main.rs"), "fn main() {}\n")?;
    let slo = "version = \"slo/v1\"\n[service]\nname = \"svc\"\n[[source]]\nfile = \"perf.txt\"\n[[source]]\n\
               file = \"requests.jsonl\"\n[[slo]]\nname = \"all\"\noperation = \"GET /\"\np99 = \"10ms\"\n";
    std::fs::write(root.join("slo.toml"), slo)?;
    let mut perf = std::io::BufWriter::new(std::fs::File::create(root.join("perf.txt"))?);
    let mut log = std::io::BufWriter::new(std::fs::File::create(root.join("requests.jsonl"))?);
    for request in 0..10_000_u64 {
        let start = request * 20_000_000;
        let end = start + 5_000_000 + request % 97 * 100_000;
        writeln!(
            log,
            "{{\"request\":\"{request}\",\"operation\":\"GET /\",\"start_ns\":{start},\"end_ns\":{end},\"tid\":1}}"
        )?;
        for n in 0..100_u64 {
            let micros = request * 20_000 + n * 49;
            let stack = (request * 100 + n) * 7919 % 40_000;
            writeln!(
                perf,
                "svc     1/1     {}.{:06}:      49000 cpu-clock:u: ",
                micros / 1_000_000,
                micros % 1_000_000
            )?;
            // Eight levels, wider the deeper: 40,000 distinct stacks, some hundred distinct functions.
            let (mut rest, mut symbols) = (stack, Vec::new());
            for level in 0..8 {
                symbols.push(format!("svc::level{level}::call{}", rest % 4));
                rest /= 4;
            }
            for symbol in symbols.iter().rev() {
                writeln!(perf, "\t    5588c0de1010 {symbol}+0x10 (/srv/svc)")?;
            }
            writeln!(perf, "\t    5588c0de2020 svc::main+0x20 (/srv/svc)\n")?;
        }
    }
    for args in [
        &["init", "-q"][..],
        &["add", "Cargo.toml", "src", "slo.toml"],
        &["-c", "user.name=Bench", "-c", "user.email=bench@example.org", "commit", "-qm", "start"],
    ] {
        assert!(Command::new("git").args(args).current_dir(root).status()?.success());
    }
    Ok(root.to_path_buf())
}

fn key_to_frame(bench: &Bench) {
    let mut terminal = Terminal::open(bench, &[], &bench.example);
    terminal.settle(Duration::from_secs(3));
    let mut times = Vec::new();
    for round in 0..bench.repeat.max(2) {
        for key in ["j", "j", "k", "2", "j", "k", "3", "j", "1"] {
            let begin = Instant::now();
            terminal.writer.write_all(key.as_bytes()).expect("the key is typed");
            if let Ok(at) = terminal.written.recv_timeout(Duration::from_millis(200)) {
                times.push(at - begin);
            }
            terminal.settle(Duration::from_millis(15));
        }
        if round == 0 {
            terminal.settle(Duration::from_millis(500));
            times.clear();
        }
    }
    row("key to frame", times, "16 ms p95");
}
