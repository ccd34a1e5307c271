//! The rung *nothing worse*: what a proposal makes the service spend, beside the base and the limits.

use refit::jobs::{Ear, Exercise, PointState, ProveOptions, check, prove};
use refit::model::{Evidence, Outcome, Rung, RungState, Verdict};

use crate::scene::Scene;
use crate::twins::{LIB, NEW, OLD, service};
use crate::verify::{UNMEASURED, open, proposal};

/// The service with `[limits]`, and what the rung says of a new body.
fn proved(requests: usize, limits: &str, new: &str) -> (Verdict, Evidence) {
    let scene: Scene = service(requests);
    let slo = std::fs::read_to_string(scene.root().join("slo.toml")).expect("its budgets");
    scene.write("slo.toml", format!("{slo}[limits]\n{limits}\n"));
    let options = ProveOptions { nothing_worse: true, ..UNMEASURED };
    let verdict = prove(&open(&scene), &[proposal(LIB, OLD, new)], &options, &Ear::deaf()).unwrap().remove(0);
    let evidence = verdict.rung(Rung::NothingWorse).cloned().unwrap_or_else(|| panic!("{:?}", verdict.evidence()));
    (verdict, evidence)
}

#[test]
fn what_spends_no_more_passes_and_every_resource_stands_beside_its_limit() {
    let (verdict, evidence) = proved(40, "peak_rss = \"64MiB\"\nbinary_size = \"40MiB\"\ncache_miss_rate = 0.5", NEW);
    assert_eq!(evidence.state, RungState::Passed, "{}\n{}", evidence.detail, evidence.log);
    assert_ne!(verdict.outcome(), Outcome::Refuted);
    let row = |what: &str| {
        let found = evidence.log.lines().find(|l| l.starts_with(what));
        found.unwrap_or_else(|| panic!("{what} is not in\n{}", evidence.log))
    };
    assert!(row("p50").contains(" ms ["), "{}", evidence.log);
    assert!(row("cold start").contains(" ms"), "{}", evidence.log);
    assert!(row("binary").contains("40.0 MiB"), "{}", evidence.log);
    let gpu = row("GPU memory");
    assert!(gpu.ends_with("not measurable here: there is no GPU that tells") || gpu.contains("MiB"), "{gpu}");
    if cfg!(target_os = "linux") {
        assert!(row("peak memory").contains("64.0 MiB"), "{}", evidence.log);
    }
    let misses = row("D1 mi");
    assert!(misses.contains(" M") || misses.contains("valgrind is not installed"), "{misses}");
}

#[test]
fn instructions_and_misses_stand_there_without_a_limit_wherever_they_can_be_simulated() {
    let (_, evidence) = proved(40, "binary_size = \"40MiB\"", NEW);
    let has_valgrind =
        std::process::Command::new("valgrind").arg("--version").output().is_ok_and(|o| o.status.success());
    for what in ["instructions", "D1 misses"] {
        let row =
            evidence.log.lines().find(|l| l.starts_with(what)).unwrap_or_else(|| panic!("{what}: {}", evidence.log));
        let expected = if has_valgrind { " M" } else { "not measurable here: valgrind is not installed" };
        assert!(row.contains(expected), "{row}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_holds_more_memory_than_the_limit_is_refuted() {
    let held = NEW.replace("seen.len()", "std::mem::forget(std::hint::black_box(vec![1u8; 1 << 20]));\n    seen.len()");
    let (verdict, evidence) = proved(60, "peak_rss = \"32MiB\"", &held);
    assert_eq!((evidence.state, verdict.outcome()), (RungState::Failed, Outcome::Refuted), "{}", evidence.log);
    assert!(
        evidence.detail.contains("peak memory") && evidence.detail.contains("over its limit of 32.0 MiB"),
        "{}",
        evidence.detail
    );
    assert!(verdict.by().starts_with("nothing worse: "), "{}", verdict.by());
}

/// Prints as libtest does, so that no package of a registry is needed.
const BENCH: &str = r#"fn main() {
    let values: Vec<u64> = (0..200).collect();
    let mut times: Vec<f64> = (0..50)
        .map(|_| {
            let begin = std::time::Instant::now();
            (0..20).for_each(|_| drop(std::hint::black_box(tiny::distinct(&values))));
            begin.elapsed().as_nanos() as f64 / 20.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("test distinct_of_200 ... bench: {:>12.2} ns/iter (+/- {:.2})", times[25], times[25] / 50.0);
}
"#;

#[test]
fn a_bench_of_the_project_that_gets_slower_is_told_with_its_times() {
    let scene: Scene = service(40);
    let manifest = format!("{}\n[[bench]]\nname = \"own\"\nharness = false\n", crate::verify::MANIFEST);
    scene.commit(&[("Cargo.toml", &manifest), ("benches/own.rs", BENCH)]);
    let options = ProveOptions { nothing_worse: true, ..UNMEASURED };
    let ask = |new: &str| {
        let verdict = prove(&open(&scene), &[proposal(LIB, OLD, new)], &options, &Ear::deaf()).unwrap().remove(0);
        verdict.rung(Rung::NothingWorse).cloned().unwrap_or_else(|| panic!("{:?}", verdict.evidence()))
    };
    let row = |e: &Evidence| e.log.lines().find(|l| l.starts_with("benches")).map(str::to_owned).unwrap_or_default();
    let slow = ask(&NEW.replace(
        "seen.len()",
        "(0..2000u64).for_each(|n| drop(std::hint::black_box(n.to_string())));\n    seen.len()",
    ));
    assert_eq!(slow.state, RungState::Failed, "{}\n{}", slow.detail, slow.log);
    assert!(slow.detail.contains("benches: distinct_of_200 "), "{}", slow.detail);
    assert!(row(&slow).contains("WORSE: distinct_of_200 "), "{}", slow.log);
    let kept = ask(NEW);
    assert!(row(&kept).ends_with("1 compared"), "{}", kept.log);
}

#[test]
#[cfg(target_os = "linux")]
fn the_check_tells_peak_memory_of_one_run_of_the_workload_where_it_is_asked_to() {
    let scene: Scene = service(40);
    let slo = std::fs::read_to_string(scene.root().join("slo.toml")).expect("its budgets");
    let point = |limit: &str, exercise: Exercise| {
        scene.write("slo.toml", format!("{slo}[limits]\npeak_rss = \"{limit}\"\n"));
        let checked = check(&open(&scene), exercise, &Ear::deaf()).expect("the check runs");
        let found = checked.points.into_iter().find(|p| p.what.starts_with("peak memory")).expect("a limit is set");
        (found.state, found.detail)
    };
    let (state, detail) = point("200MiB", Exercise::Once);
    assert!(state == PointState::Met && detail.ends_with(" MiB in one run of the workload"), "{detail}");
    let (state, detail) = point("1KiB", Exercise::Once);
    assert!(state == PointState::Missed && detail.ends_with(" MiB in one run of the workload"), "{detail}");
    let (state, detail) = point("200MiB", Exercise::Never);
    assert!(state == PointState::Open && detail.contains("`refit check --exercise`"), "{detail}");
}

#[test]
fn without_a_workload_nothing_is_claimed() {
    let scene = crate::verify::tiny_with(LIB);
    let options = ProveOptions { nothing_worse: true, ..UNMEASURED };
    let verdict = prove(&open(&scene), &[proposal(LIB, OLD, NEW)], &options, &Ear::deaf()).unwrap().remove(0);
    let evidence = verdict.rung(Rung::NothingWorse).expect("it was asked for");
    assert_eq!(evidence.state, RungState::Undecided);
    assert!(evidence.detail.starts_with("no [[workload]]"), "{}", evidence.detail);
}
