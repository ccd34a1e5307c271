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
    told_of(SLO, &[("perf.txt", recording.as_ref())])
}

fn told_of(slo: &str, recordings: &[(&str, &[u8])]) -> Vec<String> {
    let scene = Scene::with(&[
        ("Cargo.toml", "[package]\nname = \"till\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
        ("src/main.rs", "fn add() {}\nfn sub() {}\nfn main() { add(); sub() }\n"),
        ("slo.toml", slo),
    ]);
    recordings.iter().for_each(|(name, bytes)| std::fs::write(scene.root().join(name), bytes).unwrap());
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

/// As writers of events write them: the outermost frame stays open over all of them.
fn events(samples: usize) -> String {
    let event = |kind: &str, frame: usize, at: usize| format!(r#"{{"type":"{kind}","frame":{frame},"at":{at}}}"#);
    let pair = |n: usize| {
        let leaf = usize::from(n.is_multiple_of(4));
        format!("{},{}", event("O", leaf, n), event("C", leaf, n + 1))
    };
    let pairs: Vec<String> = (0..samples).map(pair).collect();
    format!(
        r#"{{"exporter":"speedscope.app/file-format-schema.json","profiles":[{{"type":"evented","name":"t","unit":"none",
        "events":[{},{},{}]}}],"shared":{{"frames":[{NAMES}]}}}}"#,
        event("O", 2, 0),
        pairs.join(","),
        event("C", 2, samples)
    )
}

#[test]
fn what_only_a_whole_file_tells_is_ranked_by_some_of_its_samples_before_the_others_are_read() {
    let documents = [speedscope(60_000), firefox(500_000), events(80_000)].map(String::into_bytes);
    for recording in documents.into_iter().chain([pprof(60_000)]) {
        let told = told(recording);
        assert!(!told.is_empty());
        check(&told, ["till::add 7", "till::sub 2"]);
    }
}

/// What nobody reads, so that a file is large soon.
fn filler() -> String {
    "x".repeat(4_000)
}

/// Requests of 100 µs: `add` has all but the 25 that `sub` has inside of it.
fn chrome(requests: usize) -> String {
    let event = |n: usize, name: &str, dur: usize, args: &str| {
        format!(r#"{{"ph":"X","pid":1,"tid":1,"ts":{},"dur":{dur},"name":"{name}","cat":"till"{args}}}"#, 1_000 * n)
    };
    let args = format!(r#","args":{{"a":"{}"}}"#, filler());
    let request = |n| format!("{},\n{}", event(n, "add", 100, &args), event(n, "sub", 25, ""));
    format!("[\n{}\n]", (0..requests).map(request).collect::<Vec<_>>().join(",\n"))
}

/// The same, an export a line.
fn otlp(requests: usize) -> String {
    let span = |n: usize, id: u8, parent: &str, name: &str, length: usize, more: &str| {
        let start = 1_000_000 * (n + 1);
        format!(
            r#"{{"traceId":"{n:032x}","spanId":"000000000000000{id}","parentSpanId":"{parent}","name":"{name}","startTimeUnixNano":"{start}",
            "endTimeUnixNano":"{}","attributes":[{{"key":"code.function.name","value":{{"stringValue":"till::{name}"}}}}{more}]}}"#,
            start + 1_000 * length
        )
        .replace('\n', "")
    };
    let more = format!(r#",{{"key":"note","value":{{"stringValue":"{}"}}}}"#, filler());
    let export = |n| {
        let spans = [span(n, 1, "", "add", 100, &more), span(n, 2, "0000000000000001", "sub", 25, "")].join(",");
        format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#) + "\n"
    };
    (0..requests).map(export).collect()
}

/// The same as Jaeger answers: one document.
fn jaeger(requests: usize) -> String {
    let span = |n: usize, id: u8, reference: &str, name: &str, length: usize| {
        format!(
            r#"{{"traceID":"{n:x}","spanID":"{id}","operationName":"{name}","references":[{reference}],"startTime":{},"duration":{length},
            "tags":[{{"key":"code.function.name","value":"till::{name}"}}]}}"#,
            1_000 * n
        )
    };
    let trace = |n| {
        let child = format!(r#"{{"refType":"CHILD_OF","spanID":"1","note":"{}"}}"#, filler());
        format!(r#"{{"traceID":"{n:x}","spans":[{},{}]}}"#, span(n, 1, "", "add", 100), span(n, 2, &child, "sub", 25))
    };
    format!(r#"{{"data":[{}]}}"#, (0..requests).map(trace).collect::<Vec<_>>().join(","))
}

#[test]
fn traces_are_ranked_by_the_time_of_their_requests_before_all_are_read() {
    for recording in [chrome(1_200), otlp(1_200), jaeger(1_200)] {
        let told = told(&recording);
        assert!(!told.is_empty(), "{}", &recording[..100]);
        check(&told, ["till::add 75.0 % [75.0, 75.0]", "till::sub 25.0 % [25.0, 25.0]"]);
    }
}

#[test]
fn a_trace_beside_samples_does_not_take_their_ranking_from_the_screen() {
    let slo = SLO.replace("[[slo]]", "[[source]]\nfile = \"trace.json\"\n[[slo]]");
    let told = told_of(&slo, &[("perf.txt", text(60_000).as_bytes()), ("trace.json", chrome(1_200).as_bytes())]);
    let first = told.iter().position(|look| look.starts_with("perf.txt so far")).expect("samples are ranked");
    assert!(told[first..].iter().all(|look| look.starts_with("perf.txt so far")), "{told:#?}");
}

#[test]
fn a_sorted_file_is_looked_at_in_all_of_its_parts() {
    let line = |n: usize| {
        let leaf = if n < 45_000 { "a;till::main;till::add" } else { "b;till::main;till::sub" };
        format!("{leaf};{};memcpy {}\n", "core::fmt::".repeat(9), 1 + n % 2)
    };
    let told = told((0..60_000).map(line).collect::<String>());
    assert!(!told.is_empty());
    check(&told, ["till::add 7", "till::sub 2"]);
}

/// Costs of two functions, one behind the other: what was read at first is of one alone.
fn callgrind(lines: usize) -> String {
    let function = |name: &str, line: &str| format!("fn={name}\n{}", line.repeat(lines));
    let costs = [function("till::main", "3 1\n"), function("till::add", "1 2\n")].concat();
    format!("# callgrind format\npositions: line\nevents: Ir\nfl=src/main.rs\n{costs}")
}

#[test]
fn of_exact_costs_that_stand_function_by_function_all_are_looked_at_first() {
    const EXACTLY: [&str; 2] = ["till::add 66.7 % [66.7, 66.7]", "till::main 33.3 % [33.3, 33.3]"];
    let looks = told(callgrind(800_000));
    assert!(!looks.is_empty() && looks.iter().all(|look| look.contains(" so far (6 MB")), "{looks:?}");
    check(&looks, EXACTLY);
    // What is unpacked while it is read cannot be looked at before it was.
    check(&told(zstd::encode_all(callgrind(800_000).as_bytes(), 1).unwrap()), EXACTLY);
}

/// Points of one block each at the beginning, and the one that has most of them at the end.
fn dhat(points: usize) -> String {
    let point = |blocks: usize, frame: usize, callers: usize| {
        let fs = [vec![frame], vec![3; callers]].concat();
        format!(
            r#"{{"tb":{},"tbk":{blocks},"tl":0,"mb":0,"mbk":0,"gb":0,"gbk":0,"eb":0,"ebk":0,"fs":{fs:?}}}"#,
            blocks * 8
        )
    };
    let mut all: Vec<String> = (0..points).map(|_| point(1, 2, 60)).collect();
    all.push(point(3 * points, 1, 1));
    format!(
        r#"{{"dhatFileVersion":2,"mode":"rust-heap","verb":"Allocated","pps":[{}],"ftbl":["[root]",
        "0x1: till::add (src/main.rs:1:1)","0x2: till::sub (src/main.rs:2:1)","0x3: till::main (src/main.rs:3:1)"]}}"#,
        all.join(",")
    )
}

#[test]
fn of_allocated_blocks_some_are_drawn_wherever_they_stand() {
    let looks = told(dhat(20_000));
    assert!(!looks.is_empty());
    check(&looks, ["till::add 7", "till::sub 2"]);
    assert!(looks.iter().all(|look| look.contains("till::add 75.0 % [74.") && look.contains(", 75.6]")), "{looks:?}");
}

/// Requests of 10 ms, one in fifty of 30 ms, that wait for a lock for a quarter of it.
fn request_log(requests: usize) -> String {
    let request = |n: usize| {
        let (start, length) = (1_000_000_000 * n, if n.is_multiple_of(50) { 30_000_000 } else { 10_000_000 });
        let (id, end, wait) = (format!("{n:0100}"), start + length, start + length / 4);
        format!(
            "{{\"request\":\"{id}\",\"operation\":\"add\",\"start_ns\":{start},\"end_ns\":{end}}}\n\
             {{\"request\":\"{id}\",\"wait\":\"lock\",\"start_ns\":{start},\"end_ns\":{wait}}}\n"
        )
    };
    (0..requests).map(request).collect()
}

#[test]
fn of_requests_alone_their_latency_and_what_they_wait_for_is_told() {
    let looks = told(request_log(20_000));
    assert!(!looks.is_empty());
    check(&looks, ["add p99 30.0 ms [30.0, 30.0]", "not running (unnamed) 75.0 % [75.0, 75.0]"]);
    assert!(looks.iter().all(|look| look.contains(" · lock 25.0 % [25.0, 25.0]")), "{looks:?}");
}

#[test]
fn a_log_of_requests_does_not_take_the_ranking_of_samples_from_the_screen() {
    let slo = SLO.replace("[[slo]]", "[[source]]\nfile = \"requests.jsonl\"\n[[slo]]");
    let told =
        told_of(&slo, &[("perf.txt", text(60_000).as_bytes()), ("requests.jsonl", request_log(20_000).as_bytes())]);
    let first = told.iter().position(|look| look.starts_with("perf.txt so far")).expect("samples are ranked");
    assert!(told[first..].iter().all(|look| look.starts_with("perf.txt so far")), "{told:#?}");
}

#[test]
fn benchmarks_of_a_folder_are_told_of_while_the_others_are_read() {
    let scene = Scene::with(&[
        ("Cargo.toml", "[package]\nname = \"till\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
        ("src/main.rs", "fn main() {}\n"),
        ("slo.toml", &SLO.replace("perf.txt", "criterion")),
    ]);
    // What comes first by name is what the objective speaks of.
    for (name, samples) in [("add", 20_000), ("later", 320_000)] {
        let run = scene.root().join("criterion").join(name).join("new");
        std::fs::create_dir_all(&run).unwrap();
        std::fs::write(run.join("benchmark.json"), format!("{{\"full_id\":\"{name}\"}}")).unwrap();
        let times: Vec<String> = (0..samples).map(|n| format!("{}.0", 2_000_000 + n % 100)).collect();
        let iterations = vec!["2.0"; samples].join(",");
        std::fs::write(
            run.join("sample.json"),
            format!("{{\"iters\":[{iterations}],\"times\":[{}]}}", times.join(",")),
        )
        .unwrap();
    }
    let (progress, steps) = crossbeam_channel::unbounded();
    let workspace = Workspace::open(&scene.root(), "slo.toml".as_ref()).unwrap();
    workspace.analyse(false, &Ear { progress, ..Ear::deaf() }).unwrap();
    let looks: Vec<String> =
        steps.try_iter().map(|step| format!("{step:?}")).filter(|s| s.contains(" so far (")).collect();
    assert!(looks.iter().all(|look| look.contains("add p99 1.0 ms [1.0, 1.0]")) && !looks.is_empty(), "{looks:?}");
}
