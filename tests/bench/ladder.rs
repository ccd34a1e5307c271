//! `cargo bench --bench ladder [-- [--repeat N] [--measured] NAME…]`: what the ladder costs on the example, beside what is asked.
//!
//! `overhead`: the example's tests with hit counters and with twins, over the same tests without; `warm`: a second proposal
//! in a warm slot over an incremental `cargo check` and the tests; `batch`: ten proposals at once over ten one by one. All
//! stop after the tests unless `--measured` is said; each is told as soon as it was measured, and named alone measured alone.
//! Each ratio is told by wall clock and by processor time of all children, which a busy machine disturbs less. Nothing is
//! asserted, because a shared machine would make such a test fail.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use refit::model::{EditSet, TextEdit, TextRange};
use refit::source;
use refit::verify::agree::{self, Home, Part};
use refit::verify::change::Change;
use refit::verify::hits;
use refit::verify::purity::Effects;

mod processor_time;

/// The program that is measured, unless `REFIT` names another build of it.
const BUILT: &str = env!("CARGO_BIN_EXE_refit");
/// Proposals of the batch.
const BATCH: usize = 10;
/// Proposals whose functions are instrumented for `overhead`.
const INSTRUMENTED: usize = 3;

/// A name on the command line and what it measures.
type Named = (&'static str, fn(&Bench));

fn main() {
    let mut words: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let mut repeat = 3;
    if let Some(at) = words.iter().position(|a| a == "--repeat") {
        repeat = words.get(at + 1).and_then(|n| n.parse().ok()).expect("--repeat takes a number");
        words.drain(at..at + 2);
    }
    let is_measured = words.iter().any(|w| w == "--measured");
    words.retain(|w| w != "--measured");
    let place = tempfile::tempdir().expect("a folder for temporary files");
    let bench = Bench::new(place.path(), repeat, is_measured);
    println!("{:<52}{:>8}{:>10}{:>12}", "what", "asked", "by wall", "by processor");
    let all: [Named; 3] = [("overhead", overhead), ("warm", warm), ("batch", batch)];
    for (name, run) in all {
        if words.is_empty() || words.iter().any(|w| w == name) {
            let spent = Spent::of(|| run(&bench));
            println!("  {name} took {:.0} s, {:.0} of them the processor's", spent.wall, spent.processor);
        }
    }
}

/// Wall clock and processor time of all children, seconds.
#[derive(Clone, Copy, Default)]
struct Spent {
    wall: f64,
    processor: f64,
}

impl Spent {
    fn of(run: impl FnOnce()) -> Spent {
        let (began, before) = (Instant::now(), processor_time::cpu_seconds(libc::RUSAGE_CHILDREN));
        run();
        let processor = processor_time::cpu_seconds(libc::RUSAGE_CHILDREN) - before;
        Spent { wall: began.elapsed().as_secs_f64(), processor }
    }

    fn and(self, other: Spent) -> Spent {
        Spent { wall: self.wall + other.wall, processor: self.processor + other.processor }
    }
}

/// The middle of several, each number for itself.
fn middle(mut all: Vec<Spent>) -> Spent {
    let mut of = |number: fn(&Spent) -> f64| {
        all.sort_by(|a, b| number(a).total_cmp(&number(b)));
        all.get(all.len() / 2).map_or(f64::NAN, number)
    };
    Spent { wall: of(|s| s.wall), processor: of(|s| s.processor) }
}

fn row(what: &str, asked: f64, new: Spent, old: Spent) {
    println!(
        "{what:<52}{asked:>8.2}{:>10.2}{:>12.2}   ({:.1} s over {:.1} s)",
        new.wall / old.wall,
        new.processor / old.processor,
        new.wall,
        old.wall
    );
}

/// One proposal as `refit propose --json` tells it.
struct Proposal {
    id: String,
    edits: Vec<EditSet>,
}

/// The example, its proposals, and where caches go.
struct Bench {
    place: PathBuf,
    example: PathBuf,
    texts: BTreeMap<String, String>,
    /// One for each function, so that they do not meet.
    proposals: Vec<Proposal>,
    repeat: usize,
    is_measured: bool,
}

impl Bench {
    fn new(place: &Path, repeat: usize, is_measured: bool) -> Bench {
        let example = place.join("payment-gateway");
        let (texts, proposals) = (BTreeMap::new(), Vec::new());
        let mut bench = Bench { place: place.to_owned(), example, texts, proposals, repeat, is_measured };
        let mut unpack = bench.refit(&["try", "payment-gateway", "--no-open"], "cache");
        let unpacked = unpack.arg(&bench.example).current_dir(place).stdout(Stdio::null()).status();
        assert!(unpacked.expect("refit runs").success(), "refit try failed");
        bench.read_texts("src");
        let said = bench.refit(&["propose", "--all", "--json"], "cache").output().expect("refit runs");
        let said: serde_json::Value = serde_json::from_slice(&said.stdout).expect("one JSON document");
        let mut functions = BTreeSet::new();
        for rewrite in said["rewrites"].as_array().into_iter().flatten() {
            if functions.insert(rewrite["function"].as_str().unwrap_or_default().to_owned()) {
                bench.proposals.extend(proposal(rewrite));
            }
        }
        bench
    }

    fn read_texts(&mut self, folder: &str) {
        for entry in std::fs::read_dir(self.example.join(folder)).expect("a folder of sources") {
            let path = entry.expect("a file").path();
            let name = format!("{folder}/{}", path.file_name().expect("a name").to_string_lossy());
            if path.is_dir() {
                self.read_texts(&name);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                self.texts.insert(name, text);
            }
        }
    }

    /// The program, with a cache of this name.
    fn refit(&self, args: &[&str], cache: &str) -> Command {
        let mut command = Command::new(std::env::var("REFIT").as_deref().unwrap_or(BUILT));
        command
            .args(args)
            .env("REFIT_CACHE_DIR", self.place.join(cache))
            .env("REFIT_DATA_DIR", self.place.join("data"));
        if self.example.is_dir() {
            command.current_dir(&self.example);
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        if args.contains(&"--json") {
            command.stdout(Stdio::piped());
        }
        command
    }

    /// Verifies these proposals; a verdict that is not `verified` is no failure of the bench.
    fn verify(&self, ids: &[&str], cache: &str) -> Spent {
        let mut args = vec!["verify", "--trust", "--json", "--fresh"];
        args.push(if self.is_measured { "--quick" } else { "--no-measurement" });
        args.extend(ids);
        Spent::of(|| {
            let said = self.refit(&args, cache).output().expect("refit runs");
            let said: serde_json::Value = serde_json::from_slice(&said.stdout).expect("verdicts");
            assert_eq!(said["verdicts"].as_array().map(Vec::len), Some(ids.len()), "each has its verdict");
        })
    }

    fn cargo(&self, folder: &Path, args: &[&str]) -> bool {
        let mut command = Command::new("cargo");
        command.args(args).arg("--quiet").current_dir(folder).env_remove("CARGO_TARGET_DIR");
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("cargo runs").success()
    }

    /// The example's files in another folder.
    fn copy(&self, name: &str) -> PathBuf {
        let to = self.place.join(name);
        let copied = Command::new("cp").arg("-r").arg(&self.example).arg(&to).status();
        assert!(copied.expect("cp runs").success(), "the example is copied");
        to
    }

    fn change(&self, edits: &EditSet) -> Option<Change> {
        let old = self.texts.get(edits.file())?;
        Some(Change::new(edits, old, &source::apply(edits, old).ok()?))
    }
}

fn proposal(json: &serde_json::Value) -> Option<Proposal> {
    let mut sets: BTreeMap<&str, (&str, Vec<TextEdit>)> = BTreeMap::new();
    for edit in json["edits"].as_array()? {
        let number = |name: &str| edit[name].as_u64().map(|n| n as usize);
        let range = TextRange::new(number("start")?, number("end")?);
        let set = sets.entry(edit["file"].as_str()?).or_insert((edit["base"].as_str()?, Vec::new()));
        set.1.push(TextEdit { range, text: edit["text"].as_str()?.to_owned() });
    }
    let set = |(file, (base, edits)): (&str, (&str, Vec<TextEdit>))| {
        EditSet::new(file, refit::model::ContentHash(base.to_owned()), edits).ok()
    };
    let edits = sets.into_iter().map(set).collect::<Option<Vec<_>>>()?;
    Some(Proposal { id: json["id"].as_str()?.to_owned(), edits })
}

/// The tests of the example with counters, and with twins besides, over the tests of the code as it is. What is built in
/// is what the ladder builds in; building it does not count.
fn overhead(bench: &Bench) {
    let folder = bench.copy("instrumented");
    let plain = tests_of(&folder).expect("the example's tests build");
    let kept = bench.place.join("plain");
    let plain: Vec<PathBuf> = plain.iter().map(|binary| put_aside(binary, &kept)).collect();
    let effects = Effects::of(bench.texts.values().map(String::as_str));
    let mut worst = [(0.0, None), (0.0, None)];
    let mut seen = 0;
    for proposal in &bench.proposals {
        let [edits] = &proposal.edits[..] else { continue };
        let Some(change) = bench.change(edits) else { continue };
        let reshaped = change.reshaped();
        let part = Part { proposal: 0, change: &change, first_number: 0, reshaped: &reshaped };
        let shims = agree::shims(&[part], &effects, Home::InFile, &BTreeMap::new());
        if shims.pairs.is_empty() {
            continue;
        }
        let counted = hits::count_among(std::slice::from_ref(&change), 0, &shims, Some(Home::InFile));
        let file = folder.join(edits.file());
        std::fs::write(&file, agree::with_runtime(&counted.text, false)).expect("the copy can be written");
        let built = tests_of(&folder);
        std::fs::write(&file, &change.old).expect("the copy can be written");
        let (Some(built), log) = (built, bench.place.join("written")) else { continue };
        let mut spent: [Vec<Spent>; 3] = Default::default();
        for _ in 0..bench.repeat {
            let counting = [(hits::VARIABLE, log.as_path())];
            let comparing = [(hits::VARIABLE, log.as_path()), (agree::VARIABLE, &bench.place.join("agreed"))];
            spent[0].push(run(&plain, &folder, &[]));
            spent[1].push(run(&built, &folder, &counting));
            spent[2].push(run(&built, &folder, &comparing));
        }
        let compared = std::fs::read_to_string(bench.place.join("agreed")).unwrap_or_default();
        let _ = (std::fs::remove_file(&log), std::fs::remove_file(bench.place.join("agreed")));
        if !compared.lines().any(|l| l.starts_with("C\t")) {
            continue;
        }
        let [plain, counting, comparing] = spent.map(middle);
        for (worst, new) in worst.iter_mut().zip([counting, comparing]) {
            let ratio = new.processor / plain.processor;
            if ratio > worst.0 {
                *worst = (ratio, Some((new, plain)));
            }
        }
        println!("  {} ({})", proposal.id, shims.pairs.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", "));
        row("    hit counters over the tests", 1.5, counting, plain);
        row("    twins (and counters) over the tests", 3.0, comparing, plain);
        seen += 1;
        if seen == INSTRUMENTED {
            break;
        }
    }
    for ((_, worst), (what, asked)) in worst.into_iter().zip([("hit counters", 1.5), ("twins", 3.0)]) {
        if let Some((new, plain)) = worst {
            row(&format!("{what} over the tests, the worst of {seen} proposals"), asked, new, plain);
        }
    }
}

/// Builds all tests; their programs.
fn tests_of(folder: &Path) -> Option<Vec<PathBuf>> {
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--no-run", "--tests", "--message-format=json"]).current_dir(folder);
    let built = cargo.env_remove("CARGO_TARGET_DIR").env("RUSTFLAGS", "-Awarnings").stderr(Stdio::null()).output();
    let built = built.expect("cargo runs");
    let said = String::from_utf8_lossy(&built.stdout).into_owned();
    let messages = said.lines().filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok());
    let tests =
        messages.filter(|m| m["profile"]["test"] == true).filter_map(|m| Some(m["executable"].as_str()?.into()));
    built.status.success().then(|| tests.collect())
}

/// A copy that the next build does not replace.
fn put_aside(binary: &Path, folder: &Path) -> PathBuf {
    let to = folder.join(binary.file_name().expect("a name"));
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::copy(binary, &to).expect("a program is copied");
    to
}

fn run(programs: &[PathBuf], folder: &Path, variables: &[(&str, &Path)]) -> Spent {
    Spent::of(|| {
        for program in programs {
            let mut command = Command::new(program);
            command.current_dir(folder).env("CARGO_MANIFEST_DIR", folder).stdout(Stdio::null()).stderr(Stdio::null());
            command.envs(variables.iter().copied()).status().expect("the tests run");
        }
    })
}

/// The second proposal in slots that the first has warmed, over what a person would type after the same edit.
fn warm(bench: &Bench) {
    let [first, second, third, ..] = &bench.proposals[..] else { return };
    bench.verify(&[&first.id], "warm");
    let verified: Vec<Spent> = [second, third].iter().map(|p| bench.verify(&[&p.id], "warm")).collect();
    let by_hand = bench.copy("by-hand");
    let all = |folder: &Path| {
        let checked = bench.cargo(folder, &["check", "--all-targets"]);
        let tested = bench.cargo(folder, &["test"]);
        assert!(checked && tested, "the example's own tests pass");
    };
    all(&by_hand);
    let by_hand_after = |proposal: &Proposal| {
        let changes: Vec<Change> = proposal.edits.iter().filter_map(|e| bench.change(e)).collect();
        let write = |text: fn(&Change) -> &String| {
            changes
                .iter()
                .for_each(|c| std::fs::write(by_hand.join(&c.file), text(c)).expect("the copy can be written"))
        };
        write(|c| &c.new);
        let spent = Spent::of(|| {
            bench.cargo(&by_hand, &["check", "--all-targets"]);
            bench.cargo(&by_hand, &["test"]);
        });
        write(|c| &c.old);
        spent
    };
    let edited = [by_hand_after(second), by_hand_after(third)];
    let sum = |all: &[Spent]| all.iter().fold(Spent::default(), |a, b| a.and(*b));
    row("a second and a third proposal over check and tests", 1.2, sum(&verified), sum(&edited));
}

/// Ten at once over ten one by one, each in slots that are warm.
fn batch(bench: &Bench) {
    let ids: Vec<&str> = bench.proposals.iter().take(BATCH).map(|p| p.id.as_str()).collect();
    bench.verify(&ids[..1], "batch");
    let together = bench.verify(&ids, "batch");
    let apart = ids.iter().fold(Spent::default(), |spent, id| spent.and(bench.verify(&[id], "batch")));
    row(&format!("{} proposals at once over one by one", ids.len()), 1.0 / 3.0, together, apart);
}
