//! A large recording in; what is told of it before all of it was read, out.

use refit::jobs::{Ear, Workspace};
use refit::model::Progress;

use super::scene::Scene;

const SLO: &str = r#"version = "slo/v1"
[service]
name = "till"
[[source]]
file = "perf.txt"
[[slo]]
name = "add"
operation = "add"
p99 = "10ms"
"#;

/// So many samples as `perf script` prints them, three of four in `till::add`.
fn text(samples: usize) -> String {
    let sample = |n: usize| {
        let leaf = if n.is_multiple_of(4) { "till::sub" } else { "till::add" };
        format!(
            "till 7/7 {}.{:06}: 1000000 cpu-clock:\n\t    55d0c0001000 {leaf}+0x10 (/opt/till)\n\t    55d0c0002000 \
             till::main+0x20 (/opt/till)\n\t    7f0000001000 __libc_start_call_main+0x7a (/usr/lib/libc.so.6)\n\n",
            n / 1000,
            n % 1000 * 1000
        )
    };
    (0..samples).map(sample).collect()
}

fn told(samples: usize) -> Vec<String> {
    let scene = Scene::with(&[
        ("Cargo.toml", "[package]\nname = \"till\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
        ("src/main.rs", "fn add() {}\nfn sub() {}\nfn main() { add(); sub() }\n"),
        ("slo.toml", SLO),
    ]);
    std::fs::write(scene.root().join("perf.txt"), text(samples)).unwrap();
    let (progress, steps) = crossbeam_channel::unbounded();
    let workspace = Workspace::open(&scene.root(), "slo.toml".as_ref()).unwrap();
    let analysed = workspace.analyse(false, &Ear { progress, ..Ear::deaf() });
    assert!(analysed.is_ok(), "{analysed:?}");
    let what = steps.try_iter().filter_map(|step| match step {
        Progress::Step { what, .. } => Some(what),
        _ => None,
    });
    what.filter(|what| what.contains(" so far (")).collect()
}

#[test]
fn a_large_recording_is_ranked_with_intervals_while_it_is_read() {
    let told = told(60_000);
    assert!(!told.is_empty(), "a first look needs neither the survey of the code nor luck");
    for look in &told {
        let (_, rows) = look.split_once("): ").unwrap();
        let rows: Vec<&str> = rows.split(" · ").collect();
        assert!(rows[0].starts_with("till::add 75.0 % [7") && rows[1].starts_with("till::sub 25.0 % [2"), "{look}");
    }
}

#[test]
fn of_a_small_recording_nothing_is_told_before_all_is_known() {
    assert!(told(2_000).is_empty());
}
