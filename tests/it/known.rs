//! A service whose time per function and request is known in; that Refit places, splits and predicts that time out.
//!
//! `fixtures/truth/service.rs` has a clock of its own: what it does takes the time that it says, so that a request that is
//! replayed with a faster function tells what the p99 would have become.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use refit::model::{
    Attribution, Basis, Change, Frame, FrameId, Item, Method, Node, NodeId, Objective, OffCpu, Prediction, Profile,
    RowKind, Slo,
};
use refit::{attribute, profile, rank};

use crate::ranking;
use crate::truth::{Taken, items_of, mapped, perf_data, profile_of};

const SERVICE: &str = include_str!("fixtures/truth/service.rs");
const CLOCK: &str = include_str!("fixtures/truth/clock.rs");
const REQUESTS: &str = "1500";
const PERIOD_NS: u64 = 500_000;
/// Threads of this number and above stand for waits: their stacks are looked up with those of the samples.
const WAITS: u32 = 1_000_000;

/// What each owner is called, by its number from 1.
const OWNERS: [&str; 16] = [
    "truth::generic",
    "truth::apply",
    "truth::with_closure",
    "truth::<Left as Task>::run",
    "truth::<Right as Task>::run",
    "truth::recurse",
    "truth::helper",
    "truth::calls_helper",
    "truth::sorts",
    "truth::first::go",
    "truth::second::go",
    "lock in truth::ledger",
    "truth::ledger",
    "sleep in truth::backoff",
    "truth::step",
    "not running (unnamed)",
];

/// What a run of the service told.
struct Known {
    profile: Profile,
    latencies: Vec<u64>,
    /// Nanoseconds of each owner over all requests.
    times: BTreeMap<usize, u64>,
}

fn program() -> &'static Path {
    static MADE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let make = || {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.rs"), SERVICE).unwrap();
        std::fs::write(folder.path().join("clock.rs"), CLOCK).unwrap();
        let flags = ["--edition", "2024", "--crate-name", "truth", "-O", "-C", "force-frame-pointers=yes"];
        let debug = ["-C", "symbol-mangling-version=v0", "-C", "debuginfo=line-tables-only"];
        let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
        let mut rustc = Command::new(rustc);
        rustc.args(flags).args(debug).args(["-o", "truth", "main.rs"]).current_dir(folder.path());
        let made = rustc.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let program = folder.path().join("truth");
        (folder, program)
    };
    &MADE.get_or_init(make).1
}

fn items() -> Vec<Item> {
    items_of(&[("main.rs", SERVICE, &[])])
}

/// Runs the service; owners named are faster by their factors.
fn run(faster: &[(usize, f64)]) -> Known {
    let factors = faster.iter().map(|(owner, factor)| format!("{owner}={factor}"));
    let ran = Command::new(program()).arg(REQUESTS).args(factors).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let (mut taken, mut waits, mut maps, mut log) = (Vec::new(), Vec::new(), Vec::new(), String::new());
    let (mut latencies, mut times) = (Vec::new(), BTreeMap::new());
    for line in String::from_utf8(ran.stdout).unwrap().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| words[at].parse::<u64>().unwrap();
        let stack = |from: usize| (from..words.len()).map(number).collect();
        match words[0] {
            "S" => taken.push(Taken { tid: number(1) as u32, time_ns: number(2), stack: stack(3) }),
            "W" => {
                let tid = WAITS + waits.len() as u32;
                taken.push(Taken { tid, time_ns: number(2), stack: stack(5) });
                waits.push((number(1), number(2), number(3), words[4].to_owned()));
            }
            "P" => {
                log += &format!(
                    "{{\"request\":\"{}\",\"tid\":{},\"poll_start_ns\":{},\"poll_end_ns\":{}}}\n",
                    words[1], words[2], words[3], words[4]
                )
            }
            "R" => {
                latencies.push(number(3) - number(2));
                log += &format!(
                    "{{\"request\":\"{}\",\"operation\":\"GET /\",\"start_ns\":{},\"end_ns\":{}}}\n",
                    words[1], words[2], words[3]
                );
            }
            "T" => *times.entry(number(2) as usize).or_default() += number(3),
            "M" => maps.extend(mapped(&words)),
            _ => {}
        }
    }
    let recorded = with_waits(profile_of(&perf_data(&maps, &taken, PERIOD_NS)), &waits);
    let profile = profile::merge(vec![recorded, ranking::read(log.as_bytes())]);
    Known { profile, latencies, times }
}

/// Takes the stacks that stand for waits out of the samples, and puts the kernel function that slept on top.
fn with_waits(mut recorded: Profile, waits: &[(u64, u64, u64, String)]) -> Profile {
    let is_wait = |tid: Option<u64>| tid.is_some_and(|t| t >= u64::from(WAITS));
    let samples = std::mem::take(&mut recorded.samples);
    recorded.samples = samples.iter().filter(|s| !is_wait(s.tid)).collect();
    for sample in samples.iter().filter(|s| is_wait(s.tid)) {
        let (tid, start_ns, end_ns, kernel) = &waits[(sample.tid.unwrap() - u64::from(WAITS)) as usize];
        let frame = FrameId(recorded.frames.len() as u32);
        recorded.frames.push(Frame { symbol: kernel.clone(), object: "[kernel.kallsyms]".into(), ..Frame::default() });
        recorded.nodes.push(Node { parent: sample.leaf, frame });
        let leaf = Some(NodeId(recorded.nodes.len() as u32 - 1));
        recorded.off_cpu.push(OffCpu { tid: *tid, start_ns: *start_ns, end_ns: *end_ns, leaf, runnable: false });
    }
    recorded
}

fn slo() -> Slo {
    let objective = Objective {
        name: "latency".into(),
        description: String::new(),
        operation: "GET /".into(),
        target: 0.99,
        limit_ns: 10_000_000,
        window: None,
    };
    Slo { objectives: vec![objective], ..Slo::default() }
}

/// The run in which nothing is faster, attributed once for all tests.
fn base() -> &'static (Known, Attribution) {
    static BASE: OnceLock<(Known, Attribution)> = OnceLock::new();
    BASE.get_or_init(|| {
        let known = run(&[]);
        let attribution = attribute::attribute(&known.profile, &items(), &attribute::Options::default());
        (known, attribution)
    })
}

fn p99_ms(latencies: &[u64]) -> f64 {
    let mut sorted = latencies.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() * 99).div_ceil(100) - 1] as f64 / 1e6
}

#[test]
fn every_function_and_wait_has_the_time_that_it_is_known_to_have() {
    let (known, attribution) = base();
    assert_eq!((attribution.basis, attribution.requests.len()), (Basis::JoinedSamples, known.latencies.len()));
    let all: u64 = known.times.values().sum();
    let mut found: BTreeMap<&str, f64> = BTreeMap::new();
    for part in &attribution.parts {
        *found.entry(attribution.rows[part.row as usize].name.as_str()).or_default() += part.owned_ns;
    }
    for (owner, ns) in &known.times {
        let name = OWNERS[owner - 1];
        let was = found.remove(name).unwrap_or_default();
        let is_wait = [12, 14, 16].contains(owner);
        // A function is known by samples, whose number varies as its root.
        let may_differ = if is_wait { 1.0 } else { 4.0 * (*ns as f64 * PERIOD_NS as f64).sqrt() };
        assert!((was - *ns as f64).abs() <= may_differ, "{name}: {was} ns of {ns} known");
    }
    let others: f64 = found.values().map(|ns| ns.abs()).sum();
    assert!(others <= 0.01 * all as f64, "time in rows that nothing belongs in: {found:#?}");
}

#[test]
fn recursion_counts_once_and_std_counts_for_its_caller() {
    let (known, attribution) = base();
    let row = |name: &str| attribution.rows.iter().find(|r| r.name == name).unwrap_or_else(|| panic!("no {name}")).cost;
    let recurse = row("truth::recurse");
    assert_eq!(recurse.total, recurse.owned, "it calls nothing but itself");
    assert!((recurse.owned / known.times[&6] as f64 - 1.0).abs() < 0.02);
    let sorts = row("truth::sorts");
    assert!(sorts.self_ < sorts.owned, "some of its time passes in std");
    let helper = row("truth::calls_helper");
    assert!(
        (helper.total / (known.times[&7] + known.times[&8]) as f64 - 1.0).abs() < 0.05,
        "what is inlined is below it"
    );
}

#[test]
fn the_split_sums_to_the_measured_p99() {
    let (known, attribution) = base();
    let ranking = rank::rank(attribution, &slo(), rank::Options { seed: 1, despite_quality: false });
    let split = &ranking.objectives[0];
    let p99 = p99_ms(&known.latencies);
    assert_eq!(split.measured_ms, Some(p99));
    assert!((split.sum_ms - p99).abs() < 0.01 * p99, "{} of {p99}", split.sum_ms);
    let rows: f64 = split.rows.iter().map(|r| r.c_ms).sum();
    assert!((rows - p99).abs() < 1e-6, "{rows} of {p99}");
    let unplaced: f64 = split.rows.iter().filter(|r| r.kind == RowKind::Unattributed).map(|r| r.c_ms.abs()).sum();
    assert!(unplaced < 0.02 * p99, "{unplaced} ms of {p99} without a place: {:#?}", split.rows);
}

fn predicted(changes: &[(usize, f64)]) -> Prediction {
    let name = |owner: usize| OWNERS[owner - 1].to_owned();
    let changes: Vec<Change> =
        changes.iter().map(|(owner, factor)| Change { function: name(*owner), saved: 1.0 - factor }).collect();
    let (mut predictions, problems) = rank::what_if(&base().1, &slo(), &changes, 1);
    assert_eq!(problems, []);
    predictions.remove(0)
}

#[test]
fn predicted_changes_of_the_p99_are_those_of_requests_replayed_with_faster_functions() {
    let before = p99_ms(&base().0.latencies);
    let cases: [&[(usize, f64)]; 6] =
        [&[(5, 0.6)], &[(5, 0.2)], &[(11, 0.3)], &[(9, 0.3)], &[(5, 0.8), (9, 0.5)], &[(5, 1.5)]];
    let compared = cases.map(|changes| {
        let prediction = predicted(changes);
        let (said, truth) = (prediction.predicted_ms - before, p99_ms(&run(changes).latencies) - before);
        (changes, said, truth, prediction.method)
    });
    for (changes, said, truth, _) in &compared {
        let is_right = (said - truth).abs() <= 0.1 * truth.abs();
        assert!(is_right, "{changes:?}: {said} ms predicted, {truth} ms in truth; all: {compared:#?}");
    }
    assert!(compared.iter().any(|(.., method)| *method == Method::Replayed));
}
