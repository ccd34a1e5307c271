//! `cargo bench --bench numbers [-- [--repeat N] NAME…]`: prints how long the things take that a person waits for, beside
//! what is asked.
//!
//! Each number comes from the real binary: commands as processes, the workbench in a pseudo-terminal. Nothing is
//! asserted here, because a shared machine would make such a test fail for no fault of ours.

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
    let all: [Named; 5] = [
        ("first-frame", first_frame),
        ("key-to-frame", key_to_frame),
        ("rank", rank),
        ("scan", scan),
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
    row("refit rank --json", command_times(bench, &["rank", "--json"], bench.repeat), "300 ms");
}

fn scan(bench: &Bench) {
    row("refit scan --all --json", command_times(bench, &["scan", "--all", "--json"], bench.repeat), "200 ms");
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

/// From Enter to the first verdict: the best proposal, with nothing in the caches and again with warm slots.
fn verdict(bench: &Bench) {
    let output = bench.refit(&["propose", "--json"]).output().expect("refit runs");
    let proposals: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    let ids: Vec<_> = proposals["rewrites"].as_array().into_iter().flatten().filter_map(|r| r["id"].as_str()).collect();
    for (id, what, asked) in
        ids.iter().zip([("refit verify, cold", "240 s"), ("refit verify, warm", "60 s")]).map(|(i, (w, a))| (i, w, a))
    {
        row(what, command_times(bench, &["verify", id, "--json", "--trust"], 1), asked);
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
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn first_frame(bench: &Bench) {
    let mut times = Vec::new();
    for n in 0..bench.repeat {
        let begin = Instant::now();
        let terminal = Terminal::open(bench, &["try", "payment-gateway", &format!("first-{n}")], &bench.place);
        if let Ok(at) = terminal.written.recv_timeout(Duration::from_secs(10)) {
            times.push(at - begin);
        }
    }
    row("first frame of refit try", times, "100 ms");
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
