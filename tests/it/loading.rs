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

fn told(recording: impl AsRef<[u8]>) -> Vec<String> {
    let scene = Scene::with(&[
        ("Cargo.toml", "[package]\nname = \"till\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
        ("src/main.rs", "fn add() {}\nfn sub() {}\nfn main() { add(); sub() }\n"),
        ("slo.toml", SLO),
    ]);
    std::fs::write(scene.root().join("perf.txt"), recording).unwrap();
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
    let told = told(text(60_000));
    assert!(!told.is_empty(), "a first look needs neither the survey of the code nor luck");
    check(&told, ["till::add 75.0 % [7", "till::sub 25.0 % [2"]);
}

#[track_caller]
fn check(told: &[String], expected: [&str; 2]) {
    for look in told {
        let (_, rows) = look.split_once("): ").unwrap();
        let rows: Vec<&str> = rows.split(" · ").collect();
        assert!(rows[0].starts_with(expected[0]) && rows[1].starts_with(expected[1]), "{look}");
    }
}

#[test]
fn of_a_small_recording_nothing_is_told_before_all_is_known() {
    assert!(told(text(2_000)).is_empty());
    assert!(told(pprof(2_000)).is_empty());
}

/// The same samples as pprof writes them: all names stand behind all samples.
fn pprof(samples: usize) -> Vec<u8> {
    let bytes = |field: u8, content: &[u8]| {
        assert!(content.len() < 128);
        [&[field << 3 | 2, content.len() as u8], content].concat()
    };
    let sample = |n: usize| {
        let leaf = if n.is_multiple_of(4) { 2 } else { 1 };
        bytes(2, &[bytes(1, &[&[leaf][..], &[3; 80]].concat()), bytes(2, &[1])].concat())
    };
    let mut out = bytes(1, &[8, 1, 16, 2]);
    (0..samples).for_each(|n| out.extend(sample(n)));
    for id in 1..=3 {
        out.extend(bytes(4, &[&[8, id][..], &bytes(4, &[8, id, 16, 0])].concat()));
        out.extend(bytes(5, &[8, id, 16, id + 2]));
    }
    ["", "samples", "count", "till::add", "till::sub", "till::main"]
        .iter()
        .for_each(|text| out.extend(bytes(6, text.as_bytes())));
    out
}

const NAMES: &str = r#"{"name":"till::add"},{"name":"till::sub"},{"name":"till::main"}"#;

/// As speedscope itself writes them: frames behind profiles.
fn speedscope(samples: usize) -> String {
    let callers = ["2"; 40].join(",");
    let stacks: Vec<String> = (0..samples).map(|n| format!("[{callers},{}]", u8::from(n.is_multiple_of(4)))).collect();
    let weights = vec!["1"; samples].join(",");
    format!(
        r#"{{"exporter":"speedscope.app/file-format-schema.json","profiles":[{{"type":"sampled","name":"t","unit":"none",
        "samples":[{}],"weights":[{weights}]}}],"shared":{{"frames":[{NAMES}]}}}}"#,
        stacks.join(",")
    )
}

/// As samply writes them, behind markers that say nothing.
fn firefox(samples: usize) -> String {
    let stacks: Vec<&str> = (0..samples).map(|n| if n.is_multiple_of(4) { "2" } else { "1" }).collect();
    let times = vec!["10.125"; samples].join(",");
    format!(
        r#"{{"meta":{{"preprocessedProfileVersion":55,"interval":1,"startTime":0}},"libs":[],"threads":[{{"name":"t","tid":"1",
        "markers":{{"data":[{{"a":"]}}"}}]}},"samples":{{"stack":[{}],"timeDeltas":[{times}],"weight":null,"weightType":"samples"}},
        "stackTable":{{"frame":[2,0,1],"prefix":[null,0,0]}},"frameTable":{{"func":[0,1,2]}},"funcTable":{{"name":[0,1,2]}},
        "stringArray":["till::add","till::sub","till::main"]}}]}}"#,
        stacks.join(",")
    )
}

#[test]
fn what_only_a_whole_file_tells_is_ranked_by_some_of_its_samples_before_the_others_are_read() {
    for recording in [pprof(60_000), speedscope(60_000).into_bytes(), firefox(500_000).into_bytes()] {
        let told = told(recording);
        assert!(!told.is_empty());
        check(&told, ["till::add 7", "till::sub 2"]);
    }
}
