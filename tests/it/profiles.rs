//! What profilers really write in, the model's profile and the functions that own it out.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use refit::model::{Attribution, Basis, Item, Problem, Profile, RowKind, Unit};
use refit::source::{FileRole, SourceFile, told_apart};
use refit::{attribute, profile};

/// Recordings of one small program by perf 6.1: `fixtures/profiles/gw` is its source, folders are replaced.
const FP_LEGACY: &str = include_str!("fixtures/profiles/fp-legacy.txt");
const FP_V0: &str = include_str!("fixtures/profiles/fp-v0.txt");
const FP_V0_MANGLED: &str = include_str!("fixtures/profiles/fp-v0-mangled.txt");
const DWARF_V0_LINES: &str = include_str!("fixtures/profiles/dwarf-v0-lines.txt");

/// One sample of the two frame-pointer recordings, in nanoseconds: 39 Hz.
const PERIOD: f64 = 25_641_025.0;

pub fn items() -> &'static [Item] {
    static ITEMS: LazyLock<Vec<Item>> = LazyLock::new(parsed_items);
    &ITEMS
}

fn parsed_items() -> Vec<Item> {
    let file = |path: &str, text: &str, modules: &[&str]| {
        let modules = modules.iter().map(|m| m.to_string()).collect();
        let role = FileRole { krate: "gw".into(), modules, edition: "2021".into(), ..FileRole::default() };
        SourceFile::parse(path, text, &role).unwrap().items
    };
    let mut all = file("src/main.rs", include_str!("fixtures/profiles/gw/src/main.rs"), &[]);
    all.extend(file("src/risk.rs", include_str!("fixtures/profiles/gw/src/risk.rs"), &["risk"]));
    all.extend(file("src/ledger.rs", include_str!("fixtures/profiles/gw/src/ledger.rs"), &["ledger"]));
    told_apart(all)
}

fn read(text: &[u8], piece: usize) -> (&'static str, Profile, Vec<Problem>) {
    let format = profile::sniff(text).expect("a known format");
    let mut reader = (format.open)();
    text.chunks(piece.max(1)).for_each(|p| reader.feed(p));
    let (profile, problems) = reader.finish();
    (format.name, profile, problems)
}

fn attributed(text: &str) -> Attribution {
    let (name, profile, problems) = read(text.as_bytes(), usize::MAX);
    assert_eq!((name, problems), ("perf script", vec![]));
    attribute::attribute(&profile, items(), &attribute::Options::default())
}

/// Samples of each row by self, owned and total.
fn samples(attribution: &Attribution, period: f64) -> BTreeMap<String, [u64; 3]> {
    let count = |weight: f64| (weight / period).round() as u64;
    let rows = attribution.rows.iter();
    rows.map(|r| (r.name.clone(), [r.cost.self_, r.cost.owned, r.cost.total].map(count))).collect()
}

#[track_caller]
fn check(attribution: &Attribution, period: f64, expected: &[(&str, [u64; 3])]) {
    let expected: BTreeMap<String, [u64; 3]> = expected.iter().map(|(n, c)| (n.to_string(), *c)).collect();
    assert_eq!(samples(attribution, period), expected);
}

#[test]
fn legacy_names_get_what_perf_report_says() {
    // perf report --no-children: spin 5, apply 3, quicksort 2, median3_rec 1, Pair<u32>::tree 1, of 12;
    // --children: work 12, spin 5, apply 3, recurse 3, score 2, tree 1. What is sorted in std counts for work.
    let attribution = attributed(FP_LEGACY);
    check(
        &attribution,
        PERIOD,
        &[
            ("gw::spin", [5, 5, 5]),
            ("gw::apply", [3, 3, 3]),
            ("gw::work", [0, 3, 12]),
            ("gw::recurse", [0, 0, 3]),
            ("gw::risk::<Scorer as Score>::score", [0, 0, 2]),
            ("ambiguous: gw::risk::Pair::tree or gw::risk::Pair::tree#2", [0, 1, 0]),
        ],
    );
    assert_eq!((attribution.basis, attribution.unit), (Basis::SampledShare, Unit::CpuNanoseconds));
    assert_eq!(attribution.rows.iter().map(|r| r.cost.owned).sum::<f64>(), 12.0 * PERIOD, "owned time is a partition");
}

#[test]
fn v0_names_get_what_perf_report_says_mangled_or_not() {
    // perf report --no-children: spin 4, Pair<u32>::tree 2, apply 2, Pair<u8>::tree 1, quicksort 1, of 10;
    // --children: work 10, ledger::score 2, recurse 2.
    let expected = [
        ("gw::spin", [4, 4, 4]),
        ("gw::apply", [2, 2, 2]),
        ("gw::work", [0, 1, 10]),
        ("gw::recurse", [0, 0, 2]),
        ("gw::ledger::<Scorer as Score>::score", [0, 0, 2]),
        ("ambiguous: gw::risk::Pair::tree or gw::risk::Pair::tree#2", [0, 3, 0]),
    ];
    check(&attributed(FP_V0), PERIOD, &expected);
    check(&attributed(FP_V0_MANGLED), PERIOD, &expected);
}

#[test]
fn source_lines_tell_apart_what_symbols_cannot_and_see_inlined_calls() {
    let attribution = attributed(DWARF_V0_LINES);
    // The leaves are functions of std that were inlined: no time of their own, all of it owned.
    check(
        &attribution,
        PERIOD,
        &[
            ("gw::spin", [0, 2, 2]),
            ("gw::work", [0, 0, 5]),
            ("gw::main", [0, 0, 5]),
            ("gw::recurse", [0, 0, 1]),
            ("gw::apply", [0, 0, 1]),
            ("gw::ledger::<Scorer as Score>::score", [0, 1, 1]),
            ("gw::risk::Pair::tree", [0, 1, 1]),
            ("gw::risk::Pair::tree#2", [0, 1, 1]),
        ],
    );
    assert_eq!(attribution.problems, []);
    let mut lines: Vec<(&str, u32)> =
        attribution.lines.iter().map(|l| (attribution.rows[l.row as usize].file.as_str(), l.line)).collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [("src/ledger.rs", 7), ("src/main.rs", 14), ("src/main.rs", 15), ("src/risk.rs", 10), ("src/risk.rs", 14)]
    );
}

#[test]
fn a_thread_name_with_colons_and_blanks_does_not_hide_its_samples() {
    let (_, profile, _) = read(FP_LEGACY.as_bytes(), 1000);
    assert_eq!(profile.samples.len(), 12);
    assert!(
        profile
            .samples
            .iter()
            .zip(profile.samples.iter().skip(1))
            .all(|(a, b)| a.time_ns < b.time_ns && a.tid == b.tid)
    );
    assert_eq!(profile.sources[0].truncated, 0, "every stack reaches the thread's start");
}

const TRICKY: &str = "# captured on: somewhere
#
swapper     0     0.000000: PERF_RECORD_MMAP -1/0: [0xffffffff81000000(0x1209988) @ 0xffffffff81000000]: x [kernel.kallsyms]_text
gw 14775  1577.582598:          1 page-faults: 
\tffffffff8175336a elf_load+0x28a ([kernel.kallsyms])

svc: pool/3 w 11999/12000 [001]   649.547554123:    1003009 cpu-clock:u: 
\t           18e99 svc::apply::<fn(u64) -> u64, [u8; 4]>+0x649 (/opt/my app/svc (deleted))
\tec83485354415541 [unknown] ([unknown])

svc 11999/12000 [001]   649.548554123:    1003009 cpu-clock:u:             18e99 svc::one_line+0x1 (/opt/svc)
svc 11999/12001 [000]   649.549554123:    1003009 cpu-clock:u:             18e99 svc::one_line+0x1 (/opt/svc)
svc 12000 [000] 649.551000: sched:sched_switch: prev_comm=a prev_pid=7 ==> next_comm=b (c)
\tffffffff8175336a __schedule+0x28a ([kernel.kallsyms])

svc 12000   649.560000: PERF_RECORD_LOST lost 55
this line is nonsense
svc 11999/12000   649.570000000:    1003009 cpu-clock:u: 
\tnot a frame
";

#[test]
fn the_traps_of_perf_script_text() {
    let (_, profile, problems) = read(TRICKY.as_bytes(), 7);
    let quality = &profile.sources[0];
    assert_eq!((quality.event.as_str(), quality.samples, quality.ignored, quality.lost), ("cpu-clock:u", 4, 1, 55));
    assert_eq!((quality.unit, quality.malformed, quality.unresolved), (Unit::CpuNanoseconds, 2, 1));
    assert_eq!(profile.samples.iter().map(|s| s.tid.unwrap()).collect::<Vec<_>>(), [12000, 12000, 12001, 12000]);
    assert_eq!(profile.samples.at(0).time_ns, Some(649_547_554_123));
    let symbols: Vec<&str> = profile.frames.iter().map(|f| f.symbol.as_str()).collect();
    assert!(symbols.contains(&"svc::apply::<fn(u64) -> u64, [u8; 4]>"), "{symbols:?}");
    let said: Vec<&str> = problems.iter().map(|p| p.what.as_str()).collect();
    assert_eq!(
        said,
        [
            "only samples of cpu-clock:u are used; left out: 1 sample of page-faults",
            "the text ends inside a sample: the recording or its copy was cut off",
            "2 lines could not be read; the first is line 17: neither the header of a sample nor a frame",
        ]
    );
}

#[test]
fn a_text_without_samples_is_an_error() {
    let text = "# header\nswapper     0     0.000000: PERF_RECORD_MMAP -1/0: [0x0(0x1)]: x a\n";
    assert_eq!(read(text.as_bytes(), 99).2[0].what, "there is no sample in this perf script text");
}

const LOG: &str = r#"{"request":"b","tid":4,"poll_start_ns":5,"poll_end_ns":6}
{"request":"a","operation":"POST /authorize","start_ns":1,"end_ns":9,"tid":3}
{"request":"b","operation":"GET /h\u00e9","start_ns":2,"end_ns":8}
{"request":"b","wait":"acquirer","start_ns":6,"end_ns":8}

{"request":"gone","tid":4,"poll_start_ns":5,"poll_end_ns":6}
{"request":"b","tid":4,"poll_start_ns":9,"poll_end_ns":6}
{"request":"#;

#[test]
fn the_request_log_takes_polls_before_their_request_and_says_what_is_broken() {
    let (name, profile, problems) = read(LOG.as_bytes(), 3);
    assert_eq!(name, "request log");
    assert_eq!(
        profile.requests.iter().map(|r| r.operation.as_str()).collect::<Vec<_>>(),
        ["POST /authorize", "GET /hé"]
    );
    assert_eq!((profile.polls.len(), profile.polls[0].request, profile.polls[0].tid), (1, 1, 4));
    assert_eq!((profile.waits[0].name.as_str(), profile.waits[0].request), ("acquirer", 1));
    assert_eq!(problems[0].what, "1 poll or wait line of requests that never ended: left out");
    assert!(problems[1].what.starts_with("2 lines could not be read; the first is line 7: it ends before it starts"));
}

const TRACE: &str = r#"{"resourceSpans":[{"resource":{},"scopeSpans":[{"spans":[
 {"traceId":"aa","spanId":"01","parentSpanId":"","name":"request","kind":2,"startTimeUnixNano":"1000","endTimeUnixNano":"101000","attributes":[{"key":"http.request.method","value":{"stringValue":"POST"}},{"key":"http.route","value":{"stringValue":"/pay"}}]},
 {"traceId":"aa","spanId":"02","parentSpanId":"01","name":"work","startTimeUnixNano":"11000","endTimeUnixNano":"61000","attributes":[{"key":"code.filepath","value":{"stringValue":"src/main.rs"}},{"key":"code.lineno","value":{"intValue":"41"}},{"key":"busy_ns","value":{"intValue":"30000"}},{"key":"idle_ns","value":{"intValue":"20000"}}]},
 {"traceId":"aa","spanId":"03","parentSpanId":"02","name":"score","startTimeUnixNano":"21000","endTimeUnixNano":"31000","attributes":[{"key":"code.function.name","value":{"stringValue":"gw::spin"}}]}
]}]}]}
{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"aa","spanId":"04","parentSpanId":"ff","name":"lost parent","startTimeUnixNano":71000,"endTimeUnixNano":"81000"}]}]}]}
{"batches":[{"instrumentationLibrarySpans":[{"spans":[{"traceId":"bb","spanId":"05","parentSpanId":"cc","name":"entry","startTimeUnixNano":"5","endTimeUnixNano":"4"}]}]}]}
"#;

#[test]
fn otlp_traces_become_requests_whose_spans_add_up_to_their_latency() {
    let (name, profile, problems) = read(TRACE.as_bytes(), 11);
    assert_eq!((name, profile.requests.len(), profile.spans.len()), ("OTLP JSON", 2, 5));
    assert_eq!(profile.requests[0].operation, "POST /pay");
    assert_eq!(problems.len(), 2, "{problems:?}");
    let attribution = attribute::attribute(&profile, items(), &attribute::Options::default());
    assert_eq!(attribution.basis, Basis::Spans);
    let request = &attribution.requests[0];
    assert_eq!((request.span_name.as_str(), request.latency_ns), ("request", 100_000));
    let parts: BTreeMap<(RowKind, &str), f64> = attribution.parts[request.parts.clone()]
        .iter()
        .map(|p| (&attribution.rows[p.row as usize], p.owned_ns))
        .map(|(row, ns)| ((row.kind, row.name.as_str()), ns))
        .collect();
    let expected = BTreeMap::from([
        ((RowKind::Unattributed, "span request without a code location"), 40_000.0),
        ((RowKind::Function, "gw::work"), 24_000.0),
        ((RowKind::Wait, "idle in work"), 16_000.0),
        ((RowKind::Function, "gw::spin"), 10_000.0),
        ((RowKind::Unattributed, "span lost parent without a code location"), 10_000.0),
    ]);
    assert_eq!(parts, expected);
    assert_eq!(parts.values().sum::<f64>(), 100_000.0);
}

#[test]
fn a_trace_that_is_damaged_loses_only_what_is_damaged() {
    let cut = TRACE.replacen("\"lost parent\"", "", 1);
    let (_, profile, problems) = read(cut.as_bytes(), 100);
    assert_eq!(profile.spans.len(), 4);
    assert!(
        problems.iter().any(|p| p.what.starts_with("1 line could not be read; the first is line 6")),
        "{problems:?}"
    );
    let circle = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"a","spanId":"1","parentSpanId":"2","name":"x","startTimeUnixNano":"1","endTimeUnixNano":"9"},{"traceId":"a","spanId":"2","parentSpanId":"1","name":"y","startTimeUnixNano":"1","endTimeUnixNano":"9"}]}]}]}"#;
    let (_, profile, _) = read(circle.as_bytes(), 100);
    assert_eq!(profile.spans.iter().filter(|s| s.parent.is_none()).count(), 1);
}

#[test]
fn every_format_is_recognised_by_what_it_holds() {
    let folded = "gw;gw::work;gw::spin 12\ngw;gw::work 3\n";
    for (text, name) in [
        (FP_LEGACY, "perf script"),
        (LOG, "request log"),
        (TRACE, "OTLP JSON"),
        (folded, "folded stacks"),
        (TRICKY, "perf script"),
    ] {
        assert_eq!(profile::sniff(text.as_bytes()).map(|f| f.name), Some(name));
    }
    for text in ["", "\0\u{1}binary", "{\"a\":1}\n", "fn main() {\n    let x = 1;\n}\n", "PERFILE"] {
        assert!(profile::sniff(text.as_bytes()).is_none(), "{text}");
    }
}

#[test]
fn folded_stacks_are_attributed_by_symbol() {
    let text = "gw;gw::work;<gw::risk::Scorer as gw::Score>::score;gw::spin 12\ngw;gw::work;memcpy 3\n";
    let (_, profile, _) = read(text.as_bytes(), 5);
    let attribution = attribute::attribute(&profile, items(), &attribute::Options::default());
    check(
        &attribution,
        1.0,
        &[("gw::spin", [12, 12, 12]), ("gw::work", [0, 3, 15]), ("gw::risk::<Scorer as Score>::score", [0, 0, 12])],
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_source_reads_the_same_however_it_is_cut(which in 0usize..6, sizes in proptest::collection::vec(1usize..400, 1..40)) {
        let folded = "gw;gw::work;gw::spin 12\r\ngw;gw::work 3\n".repeat(9) + "nonsense\ngw 7";
        let text = [TRICKY, LOG, TRACE, folded.as_str(), FP_V0, DWARF_V0_LINES][which].as_bytes();
        let mut reader = (profile::sniff(text).unwrap().open)();
        let (mut at, mut next) = (0, sizes.iter().cycle());
        while at < text.len() {
            let end = (at + next.next().unwrap()).min(text.len());
            reader.feed(&text[at..end]);
            at = end;
        }
        let whole = read(text, usize::MAX);
        prop_assert_eq!(reader.finish(), (whole.1, whole.2));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(cut in 0usize..3000, at in 0usize..3000, byte: u8) {
        for text in [TRICKY, LOG, TRACE] {
            let mut bytes = text.as_bytes()[..cut.min(text.len())].to_vec();
            if at < bytes.len() {
                bytes[at] = byte;
            }
            for format in profile::REGISTRY {
                let mut reader = (format.open)();
                reader.feed(&bytes);
                let snapshot = reader.snapshot();
                let (profile, _) = reader.finish();
                prop_assert!(snapshot.samples.len() <= profile.samples.len());
                attribute::attribute(&profile, items(), &attribute::Options::default());
            }
        }
    }
}
