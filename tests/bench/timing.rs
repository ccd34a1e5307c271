//! `cargo bench --bench timing -- [--same N] [--faster N] [--rebuilds N] [--seconds S] [--quiet]`: how often twins of one
//! function call equal bodies different (500 runs of 5 s each unless said), how often they find 3 % less work (100 runs of at
//! most 60 s, a new build for each look), and by how much builds of equal bodies differ in other layouts (none unless said).
//!
//! Two threads keep both cores busy meanwhile unless `--quiet` is said. The twins are those that a proof builds: old and new
//! body in one program, dealt and timed by `templates/instrument/twin.rs`, judged by `verify::timing`. Nothing is asserted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use refit::model::{EditSet, Gate, Kind, RuleId, TextEdit, TextRange};
use refit::source;
use refit::verify::change::Change;
use refit::verify::purity::Effects;
use refit::verify::slices::NEXT_BUILD;
use refit::verify::timing::{Assessed, Question, assess};
use refit::verify::twin::{Ask, Twin, VARIABLE, twin};

/// Calls of very different length, as a service makes them, for as many seconds as the argument says.
const PROGRAM: &str = r#"pub fn work(n: u64) -> u64 {
    let mut sum = n;
    for i in 0..n * 100 / 100 {
        sum = std::hint::black_box(sum ^ i.wrapping_mul(0x9E37_79B9));
    }
    sum
}

fn main() {
    let seconds: f64 = std::env::args().nth(1).and_then(|a| a.parse().ok()).expect("seconds");
    let began = std::time::Instant::now();
    let mut random = 1u64;
    while began.elapsed().as_secs_f64() < seconds {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::hint::black_box(work(2_000 << (random >> 61)));
    }
}
"#;
const BODY: &str = "n * 100 / 100";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, otherwise: usize| {
        let at = arguments.iter().position(|a| a == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(otherwise)
    };
    let seconds = number("--seconds", 5);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..if arguments.iter().any(|a| a == "--quiet") { 0 } else { 2 } {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    std::hint::black_box(0u64);
                }
            });
        }
        let folder = tempfile::tempdir().expect("a folder");
        let same = [Program::build(folder.path(), "same", SAME, 0)];
        tell("equal bodies", number("--same", 500), |_| judged(&same, &[seconds]));
        let faster =
            [0, 1, 2].map(|layout| Program::build(folder.path(), &format!("faster{layout}"), "n * 97 / 100", layout));
        tell("3 % less work", number("--faster", 100), |_| judged(&faster, &[20, 20, 20]));
        layouts(folder.path(), number("--rebuilds", 0), seconds);
        done.store(true, Relaxed);
    });
}

/// Equal bodies that the compiler does not know to be equal.
const SAME: &str = "n * 200 / 200";

/// What equal bodies take of each other in so many builds, each in a layout of its own.
fn layouts(folder: &Path, builds: usize, seconds: usize) {
    let mut logs = Vec::new();
    for layout in 0..builds {
        let program = [Program::build(folder, &format!("layout{layout}"), SAME, layout)];
        let (_, assessed) = run(&program, &[seconds]);
        let Some(m) = assessed.measurement else { continue };
        println!("layout {layout}: {:.4} [{:.4}, {:.4}] of the old time", m.ratio, m.ci.0, m.ci.1);
        logs.push(m.ratio.ln());
    }
    if logs.len() > 1 {
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        let variance = logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (logs.len() - 1) as f64;
        let most = logs.iter().fold(0f64, |most, l| most.max((l - mean).abs()));
        println!(
            "{} layouts: they differ by {:.2} % (standard deviation), {:.2} % at most",
            logs.len(),
            100.0 * variance.sqrt(),
            100.0 * most
        );
    }
}

/// Counts the verdicts of so many runs.
fn tell(what: &str, runs: usize, run: impl Fn(usize) -> (String, f64)) {
    let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
    let mut floors = Vec::new();
    for n in 0..runs {
        let (word, floor) = run(n);
        *verdicts.entry(word).or_default() += 1;
        floors.push(floor);
    }
    floors.sort_by(f64::total_cmp);
    let floor = floors.get(floors.len() / 2).copied().unwrap_or_default() * 100.0;
    let counts: Vec<String> = verdicts.iter().map(|(word, n)| format!("{word} {n}")).collect();
    println!("{what}, {runs} runs: {}; median noise floor {floor:.2} %", counts.join(", "));
}

/// A program with twins of `work` in it.
struct Program {
    binary: PathBuf,
    twins: Vec<Twin>,
}

impl Program {
    fn build(folder: &Path, name: &str, new_body: &str, layout: usize) -> Program {
        let at = PROGRAM.find(BODY).expect("the body");
        let edit = TextEdit { range: TextRange::new(at, at + BODY.len()), text: new_body.to_owned() };
        let edits = EditSet::new("main.rs", source::hash(PROGRAM), vec![edit]).expect("one edit");
        let change = Change::new(&edits, PROGRAM, &PROGRAM.replacen(BODY, new_body, 1));
        let twinned =
            twin(&change, &Effects::of([PROGRAM]), Ask { matched: true, allocator: true, tallies: true, layout }, 0);
        let (source, binary) = (folder.join(format!("{name}.rs")), folder.join(name));
        std::fs::write(&source, &twinned.text).expect("the program is written");
        let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
        let args = ["--edition", "2024", "-O", "--cap-lints", "allow", "-o"];
        let built = Command::new(rustc).args(args).arg(&binary).arg(&source).status().expect("rustc runs");
        assert!(built.success(), "the program with twins compiles");
        Program { binary, twins: twinned.twins }
    }
}

/// The verdict and the noise floor of [`run`].
fn judged(builds: &[Program], seconds: &[usize]) -> (String, f64) {
    let (word, assessed) = run(builds, seconds);
    (word, assessed.measurement.map_or(1.0, |m| m.noise_floor))
}

/// Runs until the numbers decide, at most once for each of these seconds, each time another build if there is one.
fn run(builds: &[Program], seconds: &[usize]) -> (String, Assessed) {
    let written = builds[0].binary.with_extension("timed");
    let _ = std::fs::remove_file(&written);
    let mut looked = None;
    let all = seconds.len();
    for (look, seconds) in seconds.iter().enumerate() {
        let program = &builds[look % builds.len()];
        if look > 0 && builds.len() > 1 {
            let text = std::fs::read_to_string(&written).unwrap_or_default();
            std::fs::write(&written, text + NEXT_BUILD).expect("the next build is marked");
        }
        let ran = Command::new(&program.binary).arg(seconds.to_string()).env(VARIABLE, &written).status();
        assert!(ran.is_ok_and(|status| status.success()), "the program runs to its end");
        let text = std::fs::read_to_string(&written).unwrap_or_default();
        let question = Question {
            twins: &program.twins,
            gate: Gate::default(),
            kind: Kind::Quadratic,
            rule: RuleId("timing-bench"),
            look,
            is_last: look + 1 == all,
            exercised_by: "workload",
        };
        let assessed = assess(&text, &question);
        let is_decided = assessed.is_final() && !(builds.len() > 1 && assessed.needs_another_build());
        looked = Some(assessed);
        if is_decided {
            break;
        }
    }
    let assessed = looked.expect("there is at least one look");
    let word = assessed.detail.split([' ', ':']).next().unwrap_or_default().to_owned();
    (word, assessed)
}
