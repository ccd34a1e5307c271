//! `cargo bench --bench scan [-- [--lines N] [--repeat N] [--scans N] [--ast-grep PROGRAM] [PATH]]`: what `refit scan --all` costs on
//! a large tree, beside parsing the same files with syn alone in the same run, and beside ast-grep with five patterns.
//!
//! The tree is PATH, copied, or crates of cargo's registry cache up to half a million lines. Both sides are processes that read
//! the files and end; one and two threads are one and two processors that they may run on. Ratios are of processor time and
//! of the clock, each from the medians. Nothing is asserted here, because the machine may be busy.

mod processor_time;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use processor_time::cpu_seconds;
use refit::jobs::{Ear, Workspace};
use refit::pipeline::{Depth, Inputs};
use refit::source;

const REFIT: &str = env!("CARGO_BIN_EXE_refit");

/// Machine-written bindings say little about code that people wait for.
const LEFT_OUT: &[&str] =
    &["windows", "winapi", "-sys", "web-sys", "libc-", "objc2", "linux-raw", "encoding_rs", "typenum", "chrono-tz"];

/// Five of the shapes that rules look for, as ast-grep's patterns.
const PATTERNS: &str = r#"{id: copied, language: rust, rule: {pattern: $A.clone().iter()}}
---
{id: collected, language: rust, rule: {pattern: "for $X in $A.collect::<Vec<_>>() { $$$B }"}}
---
{id: searched, language: rust, rule: {pattern: $A.contains(&$B), inside: {kind: for_expression, stopBy: end}}}
---
{id: formatted, language: rust, rule: {pattern: "$S.push_str(&format!($$$A))"}}
---
{id: mapped, language: rust, rule: {pattern: "$A.map_err(|$E| $E.to_string())"}}
"#;

const SLO: &str = "version = \"slo/v1\"\n[service]\nname = \"tree\"\n[[slo]]\nname = \"all\"\noperation = \"GET /\"\np99 = \"10ms\"\n";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["parse-alone", list] => parse_alone(Path::new(list)),
        ["again", tree, scans] => again(Path::new(tree), scans.parse().expect("a number of scans")),
        _ => measure(&arguments),
    }
}

fn measure(arguments: &[String]) {
    let after = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1));
    let number = |name: &str, otherwise: usize| after(name).map_or(otherwise, |n| n.parse().expect("a number"));
    let named = arguments
        .iter()
        .enumerate()
        .find(|(at, a)| !a.starts_with("--") && (*at == 0 || !arguments[at - 1].starts_with("--")));
    let place = tempfile::tempdir().expect("a folder for temporary files");
    let peer = after("--ast-grep").map(PathBuf::from);
    let bench = Bench { place: place.path().to_path_buf(), repeat: number("--repeat", 5).max(1), peer };
    let tree = bench.tree(named.map(|(_, path)| Path::new(path)), number("--lines", 525_000));
    list(&tree, &bench.place.join("list"));
    println!("{:<46}{:>9}{:>9}{:>11}{:>9}{:>11}", "what", "CPU s", "ratio", "clock s", "ratio", "asked");
    for threads in [1, 2] {
        if run_on(threads) {
            bench.threads(&tree, threads);
        }
    }
    run_on(2);
    println!("peak memory of a scan, nothing kept: {:.0} MB (asked: 200)", bench.peak(&tree));
    let example = bench.example();
    let mut command = bench.quiet(Command::new(std::env::current_exe().expect("this program")));
    command.arg("again").arg(&example).arg(number("--scans", 1000).to_string()).stdout(Stdio::inherit());
    assert!(command.status().expect("this program runs").success());
}

struct Bench {
    place: PathBuf,
    repeat: usize,
    /// The program ast-grep.
    peer: Option<PathBuf>,
}

impl Bench {
    fn quiet(&self, mut command: Command) -> Command {
        command.env("REFIT_CACHE_DIR", self.place.join("cache")).env("REFIT_DATA_DIR", self.place.join("data"));
        command.stdout(Stdio::null());
        command
    }

    fn scan(&self, tree: &Path) -> Command {
        let mut command = self.quiet(Command::new(REFIT));
        command.args(["scan", "--all", "--json"]).current_dir(tree);
        command
    }

    fn threads(&self, tree: &Path, threads: usize) {
        let kept = self.place.join("cache").join("surveys");
        let changed = rust_files(tree).into_iter().max_by_key(|(_, text)| text.len().min(40_000)).expect("a file");
        let mut runs: [Vec<(f64, f64)>; 5] = Default::default();
        for round in 0..self.repeat {
            let mut alone = self.quiet(Command::new(std::env::current_exe().expect("this program")));
            runs[0].push(timed(alone.arg("parse-alone").arg(self.place.join("list"))));
            let _ = std::fs::remove_dir_all(&kept);
            runs[1].push(timed(&mut self.scan(tree)));
            runs[2].push(timed(&mut self.scan(tree)));
            std::fs::write(&changed.0, format!("{}// {round}\n", changed.1)).expect("the file is written");
            runs[3].push(timed(&mut self.scan(tree)));
            std::fs::write(&changed.0, &changed.1).expect("the file is written");
            if let Some(peer) = &self.peer {
                let mut search = self.quiet(Command::new(peer));
                search.args([
                    "scan",
                    "--json=stream",
                    "--inline-rules",
                    PATTERNS,
                    "-j",
                    &threads.to_string(),
                    "crates",
                ]);
                runs[4].push(timed(search.current_dir(tree).stderr(Stdio::null())));
            }
        }
        let [alone, first, second, one, peer] = runs.map(median);
        let over = |a: (f64, f64), b: (f64, f64)| (a.0 / b.0, a.1 / b.1);
        row(&format!("syn alone, {threads} thread(s)"), alone, None, "");
        row("  scan --all, nothing kept", first, Some(over(first, alone)), "1.3");
        row("  scan --all again", second, Some(over(second, first)), "0.1");
        row("  scan --all, one file changed", one, Some(over(one, first)), "");
        if self.peer.is_some() {
            row("ast-grep, five patterns", peer, None, "");
            row("  scan --all, nothing kept, beside it", first, Some(over(first, peer)), "1");
        }
        println!("  one changed file beyond a second scan: {:.0} ms (asked: 30)", (one.1 - second.1) * 1e3);
    }

    /// The most memory that a first scan holds, in MB: from its own high-water mark, because what `getrusage` tells of a child
    /// begins with the memory of whoever started it.
    fn peak(&self, tree: &Path) -> f64 {
        let _ = std::fs::remove_dir_all(self.place.join("cache").join("surveys"));
        let mut child = self.scan(tree).spawn().expect("refit runs");
        let mut most = 0.0f64;
        while child.try_wait().expect("its state").is_none() {
            most = most.max(memory(&child.id().to_string(), "VmHWM:"));
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        most
    }

    fn tree(&self, named: Option<&Path>, lines: usize) -> PathBuf {
        let tree = self.place.join("tree");
        let mut taken = 0;
        let (mut crates, mut files) = (0, 0);
        for from in named.map_or_else(registry, |path| vec![path.to_path_buf()]) {
            if taken >= lines && named.is_none() {
                break;
            }
            let to = tree.join("crates").join(from.file_name().unwrap_or("tree".as_ref()));
            let texts = rust_files(&from);
            taken += texts.iter().map(|(_, text)| text.lines().count()).sum::<usize>();
            files += texts.len();
            crates += 1;
            let manifest = std::fs::read_to_string(from.join("Cargo.toml")).unwrap_or_default();
            let manifest = [(from.join("Cargo.toml"), manifest)];
            for (path, text) in texts.iter().chain(&manifest) {
                let path = to.join(path.strip_prefix(&from).expect("below the crate"));
                std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder for the file");
                std::fs::write(path, text).expect("room for the file");
            }
        }
        std::fs::write(tree.join("Cargo.toml"), "[workspace]\nmembers = [\"crates/*\"]\n").expect("a manifest");
        std::fs::write(tree.join("slo.toml"), SLO).expect("budgets");
        for arguments in [
            &["init", "-q"][..],
            &["add", "-A"],
            &["-c", "user.name=Bench", "-c", "user.email=bench@example.org", "commit", "-qm", "start"],
        ] {
            assert!(Command::new("git").args(arguments).current_dir(&tree).status().expect("git runs").success());
        }
        println!("{taken} lines in {files} files of {crates} crates");
        tree
    }

    fn example(&self) -> PathBuf {
        let example = self.place.join("payment-gateway");
        let mut command = self.quiet(Command::new(REFIT));
        command.args(["try", "payment-gateway", "--no-open"]).arg(&example).current_dir(&self.place);
        assert!(command.status().expect("refit runs").success());
        example
    }
}

fn row(what: &str, (cpu, clock): (f64, f64), ratio: Option<(f64, f64)>, asked: &str) {
    let ratio = ratio.map_or_else(Default::default, |(cpu, clock)| (format!("{cpu:.3}"), format!("{clock:.3}")));
    println!("{what:<46}{cpu:>9.3}{:>9}{clock:>11.3}{:>9}{asked:>11}", ratio.0, ratio.1);
}

/// Processor seconds and seconds of the clock.
fn timed(command: &mut Command) -> (f64, f64) {
    let (before, begin) = (cpu_seconds(libc::RUSAGE_CHILDREN), Instant::now());
    assert!(command.status().expect("it runs").success());
    let clock = begin.elapsed().as_secs_f64();
    (cpu_seconds(libc::RUSAGE_CHILDREN) - before, clock)
}

fn median(runs: Vec<(f64, f64)>) -> (f64, f64) {
    let of = |pick: fn(&(f64, f64)) -> f64| {
        let mut all: Vec<f64> = runs.iter().map(pick).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    if runs.is_empty() { (0.0, 0.0) } else { (of(|r| r.0), of(|r| r.1)) }
}

/// What a line of a process's status says, in MB; 0 where the process is gone.
fn memory(process: &str, line: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let said = status.lines().find_map(|l| l.strip_prefix(line)).unwrap_or_default();
    said.trim().trim_end_matches(" kB").parse::<f64>().map_or(0.0, |kib| kib * 1024.0 / 1e6)
}

/// Lets this program and those it starts run on the first processors alone; false where there are fewer.
fn run_on(processors: usize) -> bool {
    // SAFETY: a `cpu_set_t` of zeros is an empty set, and only this process is asked to keep to it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        for processor in 0..processors {
            libc::CPU_SET(processor, &mut set);
        }
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set);
    }
    std::thread::available_parallelism().is_ok_and(|n| n.get() == processors)
}

/// Crates of cargo's registry cache, the newest version of each.
fn registry() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"))).expect("a home folder");
    let listed = |folder: &Path| -> Vec<PathBuf> {
        let all = std::fs::read_dir(folder).into_iter().flatten().flatten();
        all.map(|entry| entry.path()).collect()
    };
    let mut crates: Vec<PathBuf> = listed(&home.join("registry/src")).iter().flat_map(|dir| listed(dir)).collect();
    crates.sort();
    let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = |path: &Path| name(path).rsplit_once('-').map_or_else(String::new, |(stem, _)| stem.to_owned());
    crates.dedup_by(|later, kept| {
        let is_same = stem(later) == stem(kept);
        if is_same {
            kept.clone_from(later);
        }
        is_same
    });
    crates.retain(|path| !LEFT_OUT.iter().any(|part| name(path).contains(part)));
    // Crates of all sizes in an order that depends on the names alone.
    crates.sort_by_key(|path| source::hash(&stem(path)).0);
    crates
}

fn rust_files(root: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() {
                if name != "target" && name != ".git" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| e == "rs")
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

/// Writes down the files that a scan of the tree looks at.
fn list(tree: &Path, to: &Path) {
    let workspace = Workspace::open(tree, Path::new("slo.toml")).expect("a project");
    let code = workspace.base().and_then(|base| workspace.code(&base)).expect("its code");
    let lines: u64 = code.files.iter().map(|f| f.text.lines().count() as u64).sum();
    println!("{lines} lines in {} files that a crate reaches", code.files.len());
    let paths: Vec<String> = code.files.iter().map(|f| tree.join(&f.path).display().to_string()).collect();
    std::fs::write(to, paths.join("\n")).expect("room for the list");
}

/// Reads and parses listed files on as many threads as there are processors.
fn parse_alone(list: &Path) {
    let list = std::fs::read_to_string(list).expect("a list of files");
    let paths: Vec<&str> = list.lines().collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            let text = std::fs::read_to_string(path).expect("a text");
            let _ = std::hint::black_box(syn::parse_file(&text));
            source::forget_spans();
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            std::thread::Builder::new().stack_size(16 << 20).spawn_scoped(scope, work).expect("a thread");
        }
    });
}

/// Scans a tree many times in one process, every tenth time down to the rewrites, and prints what memory it holds.
fn again(tree: &Path, scans: usize) {
    let workspace = Workspace::open(tree, Path::new("slo.toml")).expect("a project");
    for n in 1..=scans {
        let depth = if n % 10 == 0 { Depth::Propose } else { Depth::Scan };
        let inputs = Inputs { all: true, depth, ..Inputs::default() };
        workspace.compose(inputs, &Ear::deaf()).expect("an analysis");
        if [10, 100, scans / 2, scans].contains(&n) {
            println!("memory after {n} scans of the example: {:.0} MB", memory("self", "VmRSS:"));
        }
    }
}
