//! Prints how fast profiles are read, attributed and ranked: `cargo bench --bench profile [-- FOLDER]`.
//!
//! FOLDER holds `slo.toml`, `src` and the sources that it names; the payment gateway by default.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use refit::model::{Item, Profile, Slo};
use refit::source::{FileRole, SourceFile, told_apart};
use refit::{attribute, profile, rank, slo};

fn main() {
    let named = std::env::args().skip(1).find(|a| !a.starts_with('-'));
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/payment-gateway");
    let folder = named.map_or(here, PathBuf::from);
    let text = fs::read_to_string(folder.join("slo.toml")).expect("slo.toml of the folder");
    let slo = slo::parse("slo.toml", &text).value;
    let mut profiles = Vec::new();
    for source in &slo.sources {
        profiles.push(read(&folder.join(&source.file), &source.file));
    }
    let (merged, time) = timed(|| profile::merge(profiles.clone()));
    say("merge", time, &format!("{} samples, {} requests", merged.samples.len(), merged.requests.len()));
    split(&merged, &items(&folder), &slo);
}

/// Reads one source whole, then in pieces of 64 KiB, and tells the speed of the better of three runs.
fn read(path: &Path, name: &str) -> Profile {
    let mut bytes = Vec::new();
    let file = fs::read(path).expect("a readable source");
    let (_, time) = timed(|| match file.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        true => {
            let mut decoder = zstd::Decoder::new(&file[..]).expect("zstd");
            decoder.window_log_max(31).expect("a window");
            decoder.read_to_end(&mut bytes).expect("zstd data")
        }
        false => file.as_slice().read_to_end(&mut bytes).expect("bytes"),
    });
    say("decompress", time, name);
    let format = profile::sniff(&bytes[..bytes.len().min(65_536)]).expect("a known format");
    let runs = (0..3).map(|_| {
        timed(|| {
            let mut reader = (format.open)();
            bytes.chunks(65_536).for_each(|piece| reader.feed(piece));
            reader.finish()
        })
    });
    let ((profile, problems), time) = runs.min_by_key(|(_, time)| *time).expect("three runs");
    let speed = bytes.len() as f64 / 1e6 / time.as_secs_f64();
    say("read", time, &format!("{name}: {}, {:.1} MB, {speed:.0} MB/s", format.name, bytes.len() as f64 / 1e6));
    problems.iter().for_each(|p| println!("  {p}"));
    profile
}

fn split(merged: &Profile, items: &[Item], slo: &Slo) {
    let (attribution, time) = timed(|| attribute::attribute(merged, items, &attribute::Options::default()));
    let placed = attribution.placed;
    let share = |part: f64, whole: f64| 100.0 * part / whole.max(1.0);
    let unplaced = share(placed.unplaced, placed.judged);
    let joined = share(placed.joined, placed.total);
    say("attribute", time, &format!("{joined:.1} % of the weight in requests, {unplaced:.2} % of that on no function"));
    let (ranking, time) = timed(|| rank::rank(&attribution, slo, rank::Options { seed: 1, despite_quality: true }));
    say("rank", time, &format!("{} objectives", ranking.objectives.len()));
    attribution.problems.iter().chain(&ranking.problems).for_each(|p| println!("  {p}"));
    for split in &ranking.objectives {
        println!(
            "{}: {:?} ms [{:.1}, {:.1}] of {} ms, {} requests, sum {:.6}, set {:?} = {:.1} ms",
            split.slo,
            split.measured_ms,
            split.ci_ms.low,
            split.ci_ms.high,
            split.limit_ms,
            split.requests,
            split.sum_ms,
            split.smallest_set,
            split.smallest_set_ms
        );
        for row in &split.rows {
            println!(
                "{:3} {:9.3} [{:8.3}, {:8.3}] mean {:8.3} self {:8.3} total {:8.3} {:5.1} % budget {:7.2} n {:6} ({:5}) {} {}",
                row.band,
                row.c_ms,
                row.ci_ms.low,
                row.ci_ms.high,
                row.mean_ms,
                row.self_ms,
                row.total_ms,
                100.0 * row.share,
                row.budget_ms.unwrap_or(0.0),
                row.samples,
                row.cohort_samples,
                row.kind.word(),
                row.name
            );
        }
    }
}

/// Items of every file under `src`; module paths follow from the file names.
fn items(folder: &Path) -> Vec<Item> {
    let krate = folder.file_name().map_or(String::new(), |n| n.to_string_lossy().replace('-', "_"));
    let (mut files, mut open) = (Vec::new(), vec![folder.join("src")]);
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).expect("src").flatten() {
            if entry.path().is_dir() { open.push(entry.path()) } else { files.push(entry.path()) }
        }
    }
    files.sort();
    let found = files.iter().filter(|f| f.extension().is_some_and(|e| e == "rs")).flat_map(|file| {
        let relative = file.strip_prefix(folder).unwrap_or(file).to_string_lossy().into_owned();
        let mut modules: Vec<String> =
            relative["src/".len()..relative.len() - 3].split('/').map(str::to_owned).collect();
        let mut krate = krate.clone();
        if modules[0] == "bin" {
            krate = modules[1].clone();
            modules.clear();
        }
        if modules.last().is_some_and(|m| ["lib", "main", "mod"].contains(&m.as_str())) {
            modules.pop();
        }
        let role = FileRole { krate, modules, edition: "2024".into(), ..FileRole::default() };
        let text = fs::read_to_string(file).expect("a source file");
        SourceFile::parse(&relative, &text, &role).map(|f| f.items).unwrap_or_default()
    });
    told_apart(found)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (work(), start.elapsed())
}

fn say(what: &str, time: Duration, detail: &str) {
    println!("{what:>10} {:8.1} ms  {detail}", time.as_secs_f64() * 1e3);
}
