//! Recordings of different kinds of one run in; one split of their requests out.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use refit::jobs::{Ear, Workspace};
use refit::model::{Attribution, Basis, Profile, RowKind, Unit};
use refit::{attribute, profile};

use super::formats::{GOLDEN, told};
use super::profiles::items;
use super::walk::till;

/// A till's thread works, waits for a lock, is preempted, and works on.
const RECORDED: &str = "# reference time: 2026-11-22 01:31:23.000000 = 1795311083.000000 (TOD) = 100.000000 (monotonic)
till-1 41/42   100.001000000:    1000000 cpu-clock: 
\t           16eeb gw::spin+0x3b (/srv/gw)
\t           17148 gw::work+0x238 (/srv/gw)

till-1 41/42   100.002000000:    1000000 cpu-clock: 
\t           16eeb gw::spin+0x3b (/srv/gw)
\t           17148 gw::work+0x238 (/srv/gw)

till-1 41/42   100.003000000:          1 sched:sched_switch: prev_comm=till-1 prev_pid=42 prev_prio=120 prev_state=S ==> next_comm=swapper/0 next_pid=0 next_prio=120
\tffffffff821f8b58 __schedule+0x618 ([kernel.kallsyms])
\tffffffff8143f416 futex_do_wait+0x46 ([kernel.kallsyms])
\t           17148 gw::work+0x238 (/srv/gw)

other 41/43   100.005000000:          1 sched:sched_switch: prev_comm=other prev_pid=43 prev_prio=120 prev_state=S ==> next_comm=till-1 next_pid=42 next_prio=120
\tffffffff821f8b58 __schedule+0x618 ([kernel.kallsyms])

till-1 41/42   100.005500000:          1 sched:sched_switch: prev_comm=till-1 prev_pid=42 prev_prio=120 prev_state=R+ ==> next_comm=x next_pid=9 next_prio=120
\t           17148 gw::work+0x238 (/srv/gw)

till-1 41/42   100.006000000:    1000000 cpu-clock: 
\t           16eeb gw::spin+0x3b (/srv/gw)
\t           17148 gw::work+0x238 (/srv/gw)

";

/// The request as its trace tells it: the time of day, and the runtime's own number for the thread.
const TRACED: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"aa","spanId":"01","name":"pay","kind":2,"startTimeUnixNano":"1795311083000500000","endTimeUnixNano":"1795311083007000000","attributes":[{"key":"thread.id","value":{"intValue":"3"}},{"key":"thread.name","value":{"stringValue":"till-1"}}]}]}]}]}"#;

const HEAP: &str = r#"{"dhatFileVersion":2,"mode":"rust-heap","pps":[{"tb":800,"tbk":100,"fs":[1,2]},{"tb":24,"tbk":1,"fs":[0]}],
"ftbl":["[root]","0x1: alloc::vec::Vec<T,A>::with_capacity_in (src/vec/mod.rs:609:20)","0x2: gw::work (src/main.rs:41:5)"]}"#;

fn read(text: &str) -> Profile {
    let mut reader = (profile::sniff(text.as_bytes()).expect("a known format").open)();
    reader.feed(text.as_bytes());
    reader.finish().0
}

fn attributed(texts: &[&str]) -> (Profile, Attribution) {
    let merged = profile::merge(texts.iter().map(|t| read(t)).collect());
    let attribution = attribute::attribute(&merged, items(), &attribute::Options::default());
    (merged, attribution)
}

#[test]
fn samples_and_scheduler_join_a_trace_of_another_clock_and_other_thread_numbers() {
    let (_, attribution) = attributed(&[RECORDED, TRACED]);
    assert_eq!(attribution.basis, Basis::JoinedSamples, "{:?}", attribution.problems);
    let request = &attribution.requests[0];
    let parts: BTreeMap<(RowKind, &str), f64> = attribution.parts[request.parts.clone()]
        .iter()
        .filter(|p| p.owned_ns != 0.0)
        .map(|p| (&attribution.rows[p.row as usize], p.owned_ns / 1e6))
        .map(|(row, ms)| ((row.kind, row.name.as_str()), ms))
        .collect();
    let expected = BTreeMap::from([
        ((RowKind::Function, "gw::spin"), 3.0),
        ((RowKind::Wait, "lock in gw::work"), 2.0),
        ((RowKind::Wait, "ready, no free core (run queue)"), 0.5),
        ((RowKind::Unattributed, "off CPU in poll (estimate)"), 1.0),
    ]);
    assert_eq!(parts, expected);
    assert_eq!((request.latency_ns, parts.values().sum::<f64>()), (6_500_000, 6.5), "the parts are the latency");
}

#[test]
fn a_trace_whose_clock_is_not_known_is_split_by_its_spans() {
    let without = RECORDED.split_once('\n').expect("a comment").1;
    let (_, attribution) = attributed(&[without, TRACED]);
    assert_eq!(attribution.basis, Basis::Spans);
    assert!(attribution.problems.iter().any(|p| p.help.contains("perf script --header")), "{:?}", attribution.problems);
}

#[test]
fn allocations_stand_in_the_rows_of_time() {
    let (_, attribution) = attributed(&[RECORDED, TRACED, HEAP]);
    let row = |name: &str| attribution.rows.iter().find(|r| r.name == name).expect("a row").cost;
    assert_eq!((row("gw::work").blocks, row("gw::work").bytes), (100.0, 800.0));
    assert_eq!(row("stacks without symbols").blocks, 1.0);
    assert_eq!((row("gw::spin").blocks, row("gw::spin").owned), (0.0, 3e6), "time is what it was");
    assert_eq!(attribution.allocated_over, Some(1));
}

#[test]
fn allocations_alone_are_ranked_by_their_number() {
    let (profile, attribution) = attributed(&[HEAP]);
    assert_eq!((profile.unit, attribution.unit), (Unit::Blocks, Unit::Blocks));
    let work = attribution.rows.iter().find(|r| r.name == "gw::work").expect("a row");
    assert_eq!((work.cost.owned, attribution.placed.total), (100.0, 101.0));
    let shares = attribute::shares(&profile, items(), &attribute::Options::default());
    assert_eq!((shares[0].name.as_str(), shares[0].share), ("gw::work", 100.0 / 101.0));
}

/// What `refit rank --json` says of the till when its recording comes as the slo.toml names it.
fn ranked_from(source: &str, input: std::process::Stdio) -> serde_json::Value {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("till");
    till(&root);
    let slo = std::fs::read_to_string(root.join("slo.toml")).unwrap();
    std::fs::write(root.join("slo.toml"), slo.replace("perf/checkout.perf.txt.zst", source)).unwrap();
    let mut refit = std::process::Command::new(env!("CARGO_BIN_EXE_refit"));
    refit.args(["rank", "--json", "--root"]).arg(&root).env("XDG_CACHE_HOME", dir.path().join("cache")).stdin(input);
    let ran = refit.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[test]
fn a_recording_from_standard_input_is_ranked_as_the_file_is() {
    let recording = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/till/perf/checkout.perf.txt.zst");
    let file = ranked_from("perf/checkout.perf.txt.zst", std::process::Stdio::null());
    let pipe = ranked_from("-", std::fs::File::open(recording).unwrap().into());
    assert_eq!(pipe["sources"][0]["file"], "-");
    assert_eq!(pipe["sources"][0]["samples"], file["sources"][0]["samples"]);
    assert_eq!(pipe["objectives"], file["objectives"]);
    assert!(pipe["objectives"][0]["split"].as_array().is_some_and(|rows| rows.len() > 2), "{pipe}");
}

#[test]
fn every_format_is_known_by_what_it_holds_under_any_name_and_packed() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("till");
    till(&root);
    let workspace = Workspace::open(&root, Path::new("slo.toml")).unwrap();
    for golden in GOLDEN {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(golden.bytes).unwrap();
        let zst = zstd::encode_all(golden.bytes, 1).unwrap();
        // Each name promises something else than what the file holds.
        let files = [("plain.zst", golden.bytes.to_vec()), ("gz.json", gz.finish().unwrap()), ("zst.perf.data", zst)];
        let read = files.map(|(name, bytes)| {
            std::fs::write(root.join(name), bytes).unwrap();
            let (profile, _) =
                workspace.read_older(name, &Ear::deaf()).unwrap_or_else(|p| panic!("{}, {name}: {p:?}", golden.name));
            assert_eq!((profile.sources[0].format.as_str(), profile.sources[0].file.as_str()), (golden.format, name));
            told(&profile)
        });
        assert!(!read[0].is_empty(), "{}", golden.name);
        assert!(read.iter().all(|text| *text == read[0]), "{}: {read:#?}", golden.name);
    }
}
