//! The kinds of evidence that lie on an engineer's disk in; through the real program, one and the same split, out.

use std::io::Write;
use std::process::Command;

use serde_json::{Value, json};

use crate::scene::Scene;

const REQUESTS: u64 = 500;

/// A span: trace, number, number of its parent (0 for none), function, start and length in microseconds.
struct Span {
    trace: u64,
    id: u64,
    parent: u64,
    function: &'static str,
    start: u64,
    length: u64,
}

/// Requests one after the other: `handle` calls `score`, and every tenth `audit`, which takes longest.
fn spans() -> Vec<Span> {
    let request = |n: u64| {
        let start = 1_700_000_000_000_000 + n * 100_000;
        let audit = if n % 10 == 3 { 20_000 + 20 * n } else { 0 };
        let span = |id, parent, function, from: u64, length| Span {
            trace: n + 1,
            id,
            parent,
            function,
            start: start + from,
            length,
        };
        let mut all = vec![
            span(1, 0, "handle", 0, 3_000 + 7 * n % 1_000 + audit),
            span(2, 1, "score", 100, 1_500 + 11 * n % 500),
        ];
        all.extend((audit > 0).then(|| span(3, 1, "audit", 2_500, audit)));
        all
    };
    (0..REQUESTS).flat_map(request).collect()
}

fn otlp(spans: &[&Span]) -> Value {
    let span = |s: &&Span| {
        let parent = if s.parent > 0 { format!("{:016x}", s.parent) } else { String::new() };
        json!({"traceId": format!("{:032x}", s.trace), "spanId": format!("{:016x}", s.id), "parentSpanId": parent,
            "name": s.function, "kind": 1, "startTimeUnixNano": (s.start * 1000).to_string(),
            "endTimeUnixNano": ((s.start + s.length) * 1000).to_string(),
            "attributes": [{"key": "code.function.name", "value": {"stringValue": format!("svc::{}", s.function)}}]})
    };
    json!([{"resource": {}, "scopeSpans": [{"spans": spans.iter().map(span).collect::<Vec<_>>()}]}])
}

fn by_trace(spans: &[Span]) -> Vec<Vec<&Span>> {
    spans.chunk_by(|a, b| a.trace == b.trace).map(|trace| trace.iter().collect()).collect()
}

fn lines(all: impl Iterator<Item = Value>) -> Vec<u8> {
    all.map(|one| format!("{one}\n")).collect::<String>().into_bytes()
}

fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    prost::encode_length_delimiter(content.len(), &mut out).unwrap();
    [out, content.to_vec()].concat()
}

fn protobuf(spans: &[Span]) -> Vec<u8> {
    let fixed = |number: u8, value: u64| [&[number << 3 | 1][..], &value.to_le_bytes()].concat();
    let span = |s: &&Span| {
        let parent = if s.parent > 0 { field(4, &s.parent.to_be_bytes()) } else { Vec::new() };
        let function = field(1, format!("svc::{}", s.function).as_bytes());
        let told = [field(1, b"code.function.name"), field(2, &function)].concat();
        let trace = [[0; 8], s.trace.to_be_bytes()].concat();
        let ids = [field(1, &trace), field(2, &s.id.to_be_bytes()), parent].concat();
        let times = [fixed(7, s.start * 1000), fixed(8, (s.start + s.length) * 1000)].concat();
        field(2, &[ids, field(5, s.function.as_bytes()), vec![6 << 3, 1], times, field(9, &told)].concat())
    };
    let export = |trace: &Vec<&Span>| field(1, &field(2, &trace.iter().flat_map(span).collect::<Vec<u8>>()));
    by_trace(spans).iter().flat_map(export).collect()
}

fn jaeger(s: &Span) -> Value {
    let parent = json!([{"refType": "CHILD_OF", "traceID": s.trace.to_string(), "spanID": s.parent.to_string()}]);
    json!({"traceID": s.trace.to_string(), "spanID": s.id.to_string(), "operationName": s.function,
        "references": if s.parent > 0 { parent } else { json!([]) }, "startTime": s.start, "duration": s.length,
        "tags": [{"key": "code.function.name", "type": "string", "value": format!("svc::{}", s.function)}]})
}

/// As the store has it: names of its own for the parent and the time, and attributes as an object.
fn stored(s: &Span) -> Value {
    let mut span = json!({"traceID": s.trace.to_string(), "spanID": s.id.to_string(), "operationName": s.function,
        "startTime": s.start.to_string(), "startTimeMillis": s.start / 1000, "duration": s.length.to_string(),
        "tag": {"code@function@name": format!("svc::{}", s.function)}});
    if s.parent > 0 {
        span["parentSpanID"] = json!(s.parent.to_string());
    }
    json!({"_index": "jaeger-span", "_source": span})
}

/// As tracing-chrome writes it, without the end of the array.
fn chrome(spans: &[Span]) -> Vec<u8> {
    let event = |s: &Span| {
        json!({"ph": "X", "pid": 1, "tid": 1, "ts": s.start, "dur": s.length, "name": s.function, "cat": "svc"})
            .to_string()
    };
    format!("[\n{}", spans.iter().map(event).collect::<Vec<_>>().join(",\n")).into_bytes()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

/// A project with sources of these names and contents; the objective is on `operation`.
fn project(sources: &[(&str, &[u8])], operation: &str) -> Scene {
    let named: String = sources.iter().map(|(name, _)| format!("[[source]]\nfile = \"{name}\"\n")).collect();
    let slo = format!(
        "version = \"slo/v1\"\n[service]\nname = \"svc\"\n{named}[[slo]]\nname = \"all\"\noperation = \"{operation}\"\np99 = \"20ms\"\n"
    );
    let scene = Scene::with(&[
        ("Cargo.toml", "[package]\nname = \"svc\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
        ("src/main.rs", "fn audit() {}\n\nfn score() {}\n\nfn handle() {}\n\nfn main() {}\n"),
        ("slo.toml", &slo),
    ]);
    sources.iter().for_each(|(name, bytes)| std::fs::write(scene.root().join(name), bytes).unwrap());
    scene
}

fn ranked(scene: &Scene) -> Value {
    let ran = Command::new(env!("CARGO_BIN_EXE_refit")).args(["rank", "--json", "--root"]).arg(scene.root()).output();
    let ran = ran.unwrap();
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&ran.stderr)))
}

/// Name and milliseconds of the rows.
fn split(ranked: &Value) -> Vec<(String, f64)> {
    let row = |row: &Value| (row["name"].as_str().unwrap().to_owned(), row["c_ms"].as_f64().unwrap());
    ranked["objectives"][0]["split"].as_array().unwrap_or_else(|| panic!("{ranked:#}")).iter().map(row).collect()
}

#[test]
fn a_trace_is_split_alike_in_every_format_that_it_may_have() {
    let spans = spans();
    let traces = by_trace(&spans);
    let all: Vec<&Span> = spans.iter().collect();
    let whole = json!({"data": traces.iter().map(|trace| json!({"traceID": trace[0].trace.to_string(),
        "spans": trace.iter().map(|s| jaeger(s)).collect::<Vec<_>>(), "processes": {}})).collect::<Vec<_>>()});
    let spellings: [(&str, &str, Vec<u8>); 9] = [
        ("OTLP JSON", "an export a line", lines(traces.iter().map(|t| json!({"resourceSpans": otlp(t)})))),
        (
            "OTLP JSON",
            "one export, printed nicely",
            serde_json::to_vec_pretty(&json!({"resourceSpans": otlp(&all)})).unwrap(),
        ),
        ("OTLP JSON", "Tempo's batches", lines(traces.iter().map(|t| json!({"batches": otlp(t)})))),
        ("OTLP protobuf", "exports", protobuf(&spans)),
        ("OTLP protobuf", "packed", gz(&protobuf(&spans))),
        ("Jaeger JSON", "an answer of its API", whole.to_string().into_bytes()),
        ("Jaeger JSON", "its store", lines(spans.iter().map(stored))),
        ("Jaeger JSON", "its store, packed", zstd::encode_all(&lines(spans.iter().map(stored))[..], 1).unwrap()),
        ("Chrome trace", "unterminated", chrome(&spans)),
    ];
    let mut expected = None;
    for (format, what, bytes) in spellings {
        let ranked = ranked(&project(&[("trace", &bytes)], "handle"));
        assert_eq!(
            (ranked["sources"][0]["format"].as_str(), ranked["objectives"][0]["requests"].as_u64()),
            (Some(format), Some(REQUESTS)),
            "{what}"
        );
        assert_eq!(ranked["objectives"][0]["basis"], "spans", "{what}");
        let split = split(&ranked);
        assert_eq!(split[0].0, "svc::audit", "{what}");
        assert!((25.0..30.0).contains(&split[0].1) && split.len() == 3, "{what}: {split:?}");
        assert_eq!(&split, expected.get_or_insert(split.clone()), "{what}");
    }
}

/// Samples as pprof writes them, one a label: those of slow requests are in `audit`.
fn pprof(key: &str) -> Vec<u8> {
    let texts = ["", "cpu", "nanoseconds", "svc::audit", "svc::score", key];
    let varint = |mut value: u64| {
        let mut out = Vec::new();
        while value > 127 {
            out.push(value as u8 | 128);
            value >>= 7;
        }
        out.push(value as u8);
        out
    };
    let number = |field: u8, value: u64| [vec![field << 3], varint(value)].concat();
    let mut out = field(1, &[number(1, 1), number(2, 2)].concat());
    for n in 0..REQUESTS {
        let (function, weight) = if n % 10 == 3 { (1, 20_000_000) } else { (2, 1_000_000) };
        let label = [number(1, 5), number(2, 6 + n)].concat();
        out.extend(field(2, &[field(1, &[function]), field(2, &varint(weight)), field(3, &label)].concat()));
    }
    for id in [1, 2] {
        out.extend(field(4, &[number(1, id), field(4, &number(1, id))].concat()));
        out.extend(field(5, &[number(1, id), number(2, id + 2)].concat()));
    }
    let traces = (0..REQUESTS).map(|n| format!("{:032x}", n + 1));
    let texts = texts.into_iter().map(str::to_owned).chain(traces);
    texts.for_each(|text| out.extend(field(6, text.as_bytes())));
    out
}

#[test]
fn samples_that_are_labelled_with_their_trace_split_the_p99_of_its_requests() {
    let spans = spans();
    let trace = lines(by_trace(&spans).iter().map(|t| json!({"resourceSpans": otlp(t)})));
    let ranked = ranked(&project(&[("cpu.pprof", &pprof("trace_id")), ("spans.jsonl", &trace)], "handle"));
    assert_eq!(ranked["objectives"][0]["basis"], "samples+requests", "{:#}", ranked["problems"]);
    let rows = split(&ranked);
    let audit = rows.iter().find(|(name, _)| name == "svc::audit").expect("a row");
    assert!((audit.1 - 20.0).abs() < 0.5, "{rows:?}");
    // Without a label that requests are known by, nothing is joined.
    let other = self::ranked(&project(&[("cpu.pprof", &pprof("colour")), ("spans.jsonl", &trace)], "handle"));
    assert_eq!(other["objectives"][0]["basis"], "spans", "{:#}", other["problems"]);
}

#[test]
fn the_folder_that_criterion_writes_is_a_source() {
    let scene = project(&[], "sort/quick/10");
    for (name, run, base) in [("sort_quick", "new", 100.0), ("sort_quick", "base", 900.0), ("parse", "new", 5.0)] {
        let folder = scene.root().join("target/criterion").join(name).join(run);
        std::fs::create_dir_all(&folder).unwrap();
        let id = if name == "parse" { "parse" } else { "sort/quick/10" };
        let benchmark = json!({"group_id": name, "full_id": id, "title": id});
        let iters: Vec<f64> = (1..=400).map(f64::from).collect();
        let times: Vec<f64> = iters.iter().map(|n| n * (base + n)).collect();
        std::fs::write(folder.join("benchmark.json"), benchmark.to_string()).unwrap();
        let sample = json!({"sampling_mode": "Linear", "iters": iters, "times": times});
        std::fs::write(folder.join("sample.json"), sample.to_string()).unwrap();
    }
    let slo = std::fs::read_to_string(scene.root().join("slo.toml")).unwrap();
    let with_source =
        slo.replace("[[slo]]", "[[source]]\nfile = \"target/criterion\"\n[[slo]]").replace("20ms", "400ns");
    std::fs::write(scene.root().join("slo.toml"), with_source).unwrap();
    let ranked = ranked(&scene);
    assert_eq!(ranked["sources"][0]["format"], "Criterion", "{ranked:#}");
    let objective = &ranked["objectives"][0];
    assert_eq!(objective["requests"], 400, "the newest run of this benchmark alone");
    let measured = objective["measured_ms"].as_f64().unwrap() * 1e6;
    assert!((490.0..500.0).contains(&measured), "a mean of 100 + n ns an iteration: {measured}");
}

#[test]
fn what_runs_below_a_caller_that_frame_pointers_skip_has_a_row_of_its_own() {
    let sample = |n: u64| {
        let (leaf, object) =
            if n.is_multiple_of(4) { ("__memmove_avx", "/usr/lib/libc.so.6") } else { ("svc::score", "/srv/svc") };
        format!(
            "svc 7/7 {}.{:06}: 1000000 cpu-clock: \n\t    1234 {leaf}+0x10 ({object})\n\t    5678 svc::handle+0x20 (/srv/svc)\n\t\
             \x20   9abc start_thread+0x2f (/usr/lib/libc.so.6)\n\n",
            n / 1000,
            n % 1000 * 1000
        )
    };
    let text: String = (0..2_000).map(sample).collect();
    let ranked = ranked(&project(&[("perf.txt", text.as_bytes())], "handle"));
    let row = |name: &str| {
        let rows = ranked["objectives"][0]["split"].as_array().unwrap();
        rows.iter().find(|r| r["name"] == name).map(|r| r["share"].as_f64().unwrap())
    };
    assert_eq!((row("svc::score"), row("below C, caller not recorded")), (Some(0.75), Some(0.25)), "{ranked:#}");
    assert_eq!(row("svc::handle"), None, "it may be the caller's caller: nobody knows");
    let said = serde_json::to_string(&ranked["problems"]).unwrap();
    assert!(said.contains("25.0 % of the samples end in libc"), "{said}");
}
