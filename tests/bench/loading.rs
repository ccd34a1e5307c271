//! `cargo bench --bench loading [-- --megabytes N] [--repeat N] [--only FORMAT]`: how long it takes in the real workbench until the
//! first provisional ranking of a large recording stands on the screen with its intervals, how often it is refined, and when all
//! is read.
//!
//! Recordings of 100 MB: the example's `perf script` text, repeated; its samples as the writers of every other format write them,
//! names behind the samples where they stand there, as spans of requests, and as counts; and a `perf.data` of this program at work, with
//! copied stacks. The workbench runs in a pseudo-terminal whose screen is read. Looks are taken by bytes (the first after 4 MiB),
//! so every start has them. Of what knows requests alone (the request log, Criterion's folder) the latency of the objective is
//! what is looked for, with its interval. Nothing is asserted; asked are 300 ms.

mod large;
mod watched;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use refit::jobs::{Ear, read_sources};
use refit::model::Source;
use watched::{environment, watch};

const REFIT: &str = env!("CARGO_BIN_EXE_refit");
/// Starts, if no other number is asked for.
const REPEAT: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1));
    if arguments.iter().any(|a| a == "--work") {
        return work();
    }
    let megabytes: u64 = after("--megabytes").and_then(|n| n.parse().ok()).unwrap_or(100);
    let repeat = after("--repeat").and_then(|n| n.parse().ok()).unwrap_or(REPEAT);
    let only = after("--only");
    let is_asked = |format: &str| only.is_none_or(|only| format == only);
    let place = tempfile::tempdir().expect("a folder for temporary files");
    let text = text_project(place.path(), megabytes);
    if is_asked("perf script text") {
        measure("perf script text", place.path(), &text, repeat);
    }
    for (format, writer) in large::WRITERS.into_iter().filter(|(format, _)| is_asked(format)) {
        other_format(&text, writer, megabytes);
        measure(format, place.path(), &text, repeat);
    }
    if is_asked("Criterion") {
        let folder = text.join("perf/large.perf.txt");
        std::fs::remove_file(&folder).expect("it was there");
        large::criterion(&folder, megabytes as usize * 1_000_000).expect("room for the benchmarks");
        measure("Criterion", place.path(), &text, repeat);
    }
    if is_asked("perf.data") {
        match perf_data_project(place.path(), megabytes) {
            Ok(project) => measure("perf.data", place.path(), &project, repeat),
            Err(why) => println!("perf.data: perf is refused here ({why})"),
        }
    }
}

/// The example with its own recording as a plain text, repeated.
fn text_project(place: &Path, megabytes: u64) -> PathBuf {
    let project = place.join("payment-gateway");
    let mut command = Command::new(REFIT);
    command.args(["try", "payment-gateway", "--no-open"]).arg(&project).current_dir(place);
    let made = command.envs(environment(place)).stdout(Stdio::null()).status().expect("refit runs");
    assert!(made.success(), "refit try failed");
    let packed = project.join("perf/authorize.perf.txt.zst");
    let text = zstd::decode_all(std::fs::File::open(&packed).expect("the recording")).expect("zstd data");
    let mut file = std::fs::File::create(project.join("perf/large.perf.txt")).expect("a file");
    for _ in 0..(megabytes * 1_000_000).div_ceil(text.len() as u64) {
        file.write_all(&text).expect("room for the text");
    }
    let slo = std::fs::read_to_string(project.join("slo.toml")).expect("slo.toml");
    let slo = slo.replace("perf/authorize.perf.txt.zst", "perf/large.perf.txt");
    std::fs::write(project.join("slo.toml"), slo).expect("written");
    project
}

/// The same samples in another format.
fn other_format(project: &Path, writer: large::Writer, megabytes: u64) {
    let source = Source { file: "perf/authorize.perf.txt.zst".into(), ..Source::default() };
    let (profile, _) = read_sources(project, &[source], &Ear::deaf()).expect("the example's recording");
    // Formats are told by what they hold: the file keeps its name.
    let file = project.join("perf/large.perf.txt");
    large::write(&profile, writer, &file, megabytes as usize * 1_000_000).expect("room for the recording");
}

/// Refit's own sources with a recording of this program.
fn perf_data_project(place: &Path, megabytes: u64) -> Result<PathBuf, String> {
    let project = place.join("refit");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    copy(&here.join("src"), &project.join("src"));
    copy(&here.join("templates"), &project.join("templates"));
    std::fs::copy(here.join("Cargo.toml"), project.join("Cargo.toml")).expect("copied");
    let this = std::env::current_exe().expect("this program has a file");
    let recording = project.join("work.perf.data");
    // A sample with 16 KiB of its stack is about 16.6 kB; one core works.
    let seconds = 10;
    let rate = (megabytes * 1_000_000 / 16_600 / seconds).max(1).to_string();
    let mut perf = Command::new("perf");
    perf.args(["record", "-q", "-k", "mono", "-e", "cpu-clock", "-F", &rate, "--call-graph", "dwarf,16384", "-o"]);
    perf.arg(&recording).arg("--").arg(&this).args(["--work", &seconds.to_string()]);
    let output = perf.stdout(Stdio::null()).output().map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("no words").to_owned());
    }
    let slo = format!(
        "version = \"slo/v1\"\n[service]\nname = \"refit\"\n[[source]]\nfile = \"work.perf.data\"\nbinary = \"{}\"\n\
         [[slo]]\nname = \"parse\"\noperation = \"parse\"\np99 = \"10ms\"\n[code]\npackages = [\"refit\"]\n",
        this.display()
    );
    std::fs::write(project.join("slo.toml"), slo).expect("written");
    for args in [
        &["init", "-q"][..],
        &["add", "Cargo.toml", "src", "templates", "slo.toml"],
        &["-c", "user.name=Bench", "-c", "user.email=bench@example.org", "commit", "-qm", "start"],
    ] {
        assert!(Command::new("git").args(args).current_dir(&project).status().expect("git runs").success());
    }
    Ok(project)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        match entry.path() {
            path if path.is_dir() => copy(&path, &to.join(entry.file_name())),
            path => drop(std::fs::copy(path, to.join(entry.file_name())).expect("copied")),
        }
    }
}

/// What is recorded: Refit's own sources are parsed again and again.
fn work() {
    use refit::source::{FileRole, SourceFile};
    let seconds = std::env::args().skip_while(|a| a != "--work").nth(1).and_then(|s| s.parse().ok()).unwrap_or(10);
    let (begun, mut open, mut files) =
        (Instant::now(), vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")], Vec::new());
    while let Some(dir) = open.pop() {
        for path in std::fs::read_dir(dir).expect("a folder").flatten().map(|entry| entry.path()) {
            if path.is_dir() { open.push(path) } else { files.extend(std::fs::read_to_string(path)) }
        }
    }
    for text in files.iter().cycle().take_while(|_| begun.elapsed() < Duration::from_secs(seconds)) {
        let _ = std::hint::black_box(SourceFile::parse("src/a.rs", text, &FileRole::default()));
    }
}

/// What was seen on the screen, in milliseconds from the start.
#[derive(Default)]
struct Seen {
    first_frame: Option<f64>,
    first_ranking: Option<f64>,
    refined: Vec<f64>,
    text: String,
    whole: Option<f64>,
}

fn measure(what: &str, place: &Path, project: &Path, repeat: usize) {
    let all: Vec<Seen> = (0..repeat).map(|_| start(place, project)).collect();
    for (n, seen) in all.iter().enumerate() {
        let ms = |t: Option<f64>| t.map_or(String::from("never"), |t| format!("{t:.0} ms"));
        println!(
            "{what:<19}{} frame {}, first ranking {}, refined {} times, whole {}",
            if n == 0 { "first start " } else { "caches warm " },
            ms(seen.first_frame),
            ms(seen.first_ranking),
            seen.refined.len(),
            ms(seen.whole)
        );
    }
    // Where all was read before a first look was taken, the ranking of all of it is the first.
    let mut warm: Vec<f64> =
        all.iter().skip(usize::from(repeat > 1)).filter_map(|s| s.first_ranking.or(s.whole)).collect();
    warm.sort_by(f64::total_cmp);
    let shown = all.iter().rev().find(|s| !s.text.is_empty()).map_or("all was read before", |s| &s.text);
    if let Some(median) = warm.get(warm.len() / 2) {
        println!("{what:<19}first ranking {median:.0} ms median with warm caches; asked 300 ms: {shown}");
    }
}

/// Runs the workbench until it has an analysis, and reads its screen after everything it writes.
fn start(place: &Path, project: &Path) -> Seen {
    let mut seen = Seen::default();
    watch(place, project, |ms, shown| {
        seen.first_frame.get_or_insert(ms);
        // A share with its interval: `spin 41.2 % [39.0, 43.5]`; of requests alone `authorize p99 12.1 ms [11.8, 12.6]`.
        let has_interval = |line: &&str| [" % [", " ms ["].iter().any(|unit| line.contains(unit));
        let ranking = shown.lines().find(|line| line.contains("so far (") && has_interval(line));
        if let Some(line) = ranking {
            if seen.first_ranking.is_none() {
                seen.first_ranking = Some(ms);
            } else if line.trim() != seen.text {
                seen.refined.push(ms);
            }
            seen.text = line.trim().to_owned();
        } else if seen.first_ranking.is_some() || shown.contains("p99 ") {
            seen.whole = Some(ms);
        }
        seen.whole.is_none().then_some(&b""[..])
    });
    seen
}
