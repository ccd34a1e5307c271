//! A golden file of every format in; what it says, and that no cut, no flipped byte and no split makes a reader fail, out.

use std::fmt::Write;
use std::sync::Arc;

use proptest::prelude::*;
use refit::model::{Problem, Profile};
use refit::profile::{Format, REGISTRY};
use refit::{attribute, profile};

/// A golden file with the format that it is of.
pub struct Golden {
    pub name: &'static str,
    pub format: &'static str,
    pub bytes: &'static [u8],
}

macro_rules! golden {
    ($($file:literal is $format:literal,)*) => {
        &[$(Golden {
            name: $file,
            format: $format,
            bytes: include_bytes!(concat!("fixtures/profiles/golden/", $file)),
        },)*]
    };
}

/// Written by hand after each format's description (Firefox: the versions at which its tables changed), but for `samply.json`: `samply record --save-only -r 150` of samply
/// 0.13.1 wrote it, of a program that sorts and counts on two threads; only the program's folder was renamed.
pub const GOLDEN: &[Golden] = golden! {
    "perf-script.txt" is "perf script",
    "folded.txt" is "folded stacks",
    "tracing-flame.txt" is "folded stacks",
    "request-log.jsonl" is "request log",
    "otlp.json" is "OTLP JSON",
    "otlp.pb" is "OTLP protobuf",
    "otlp-lengths.pb" is "OTLP protobuf",
    "jaeger.json" is "Jaeger JSON",
    "jaeger-store.jsonl" is "Jaeger JSON",
    "chrome.json" is "Chrome trace",
    "perfetto.json" is "Chrome trace",
    "speedscope.json" is "speedscope",
    "dhat-heap.json" is "DHAT heap profile",
    "criterion.jsonl" is "Criterion",
    "perf.data" is "perf.data",
    "perf-pipe.data" is "perf.data",
    "samply.json" is "Firefox profile",
    "firefox-41.json" is "Firefox profile",
    "firefox-50.json" is "Firefox profile",
    "firefox-56.json" is "Firefox profile",
    "firefox-58.json" is "Firefox profile",
    "firefox-60.json" is "Firefox profile",
    "firefox-66.json" is "Firefox profile",
    "firefox-70.json" is "Firefox profile",
    "tempo.json" is "OTLP JSON",
    "pprof.pb" is "pprof",
    "callgrind.out" is "callgrind",
    "cachegrind.out" is "callgrind",
};

impl Golden {
    fn format(&self) -> &'static Format {
        format(self.format)
    }
}

fn read(format: &Format, bytes: &[u8]) -> (Profile, Vec<Problem>) {
    let mut reader = (format.open)();
    reader.feed(bytes);
    reader.finish()
}

/// Everything that a profile says, a line each.
pub fn told(profile: &Profile) -> String {
    let mut text = String::new();
    let frame = |node: refit::model::NodeId| {
        let id = profile.nodes[node.0 as usize].frame;
        let frame = &profile.frames[id.0 as usize];
        // What a recording has an address of has no name yet.
        if let Some(at) = profile.addresses.iter().find(|a| a.frame == id && frame.symbol.is_empty()) {
            let entered = if at.is_callee { "entered at " } else { "" };
            return format!("{entered}{:#x} ({})", at.address, profile.objects[at.object as usize].path);
        }
        let place = if frame.line > 0 { format!(" {}:{}", frame.file, frame.line) } else { String::new() };
        let object = if frame.object.is_empty() { String::new() } else { format!(" ({})", frame.object) };
        format!("{}{place}{object}{}", frame.symbol, if frame.inlined { " inlined" } else { "" })
    };
    let stack = |leaf: Option<refit::model::NodeId>| {
        let callers = std::iter::successors(leaf, |n| profile.nodes[n.0 as usize].parent);
        callers.map(frame).collect::<Vec<_>>().join(" < ")
    };
    for s in profile.samples.iter() {
        let when = s.time_ns.map_or(String::new(), |t| format!(" at {t}"));
        let on = s.tid.map_or(String::new(), |t| format!(" on {t}"));
        writeln!(text, "{}{when}{on}: {}", s.weight, stack(s.leaf)).unwrap();
    }
    for o in &profile.off_cpu {
        writeln!(text, "off {} {}..{}: {}", o.tid, o.start_ns, o.end_ns, stack(o.leaf)).unwrap();
    }
    for a in &profile.allocated {
        writeln!(text, "allocated {} blocks, {} bytes: {}", a.blocks, a.bytes, stack(a.leaf)).unwrap();
    }
    for r in &profile.requests {
        writeln!(text, "request {} {}..{}", r.operation, r.start_ns, r.end_ns).unwrap();
    }
    for p in &profile.polls {
        writeln!(text, "poll of {} on {} {}..{}", p.request, p.tid, p.start_ns, p.end_ns).unwrap();
    }
    for w in &profile.waits {
        writeln!(text, "wait of {} for {} {}..{}", w.request, w.name, w.start_ns, w.end_ns).unwrap();
    }
    for s in &profile.spans {
        let parent = s.parent.map_or(String::new(), |p| format!(" in {p}"));
        let place = if s.line > 0 { format!(" {}:{}", s.file, s.line) } else { String::new() };
        let busy = s.busy_ns.map_or(String::new(), |b| format!(" busy {b} idle {}", s.idle_ns.unwrap_or(0)));
        writeln!(text, "span {}{parent}{place} {}..{}{busy}", s.name, s.start_ns, s.end_ns).unwrap();
    }
    text
}

#[test]
fn every_golden_file_says_what_it_holds() {
    let mut all = String::new();
    for golden in GOLDEN.iter().filter(|g| !is_later(g)) {
        let found = profile::sniff(golden.bytes).map(|f| f.name);
        assert_eq!(found, Some(golden.format), "{}", golden.name);
        let (profile, problems) = read(golden.format(), golden.bytes);
        writeln!(all, "== {} ({:?})", golden.name, profile.unit).unwrap();
        all += &told(&profile);
        problems.iter().for_each(|p| writeln!(all, "{}: {}", p.level.word(), p.what).unwrap());
    }
    insta::assert_snapshot!(all, @r#"
    == perf-script.txt (CpuNanoseconds)
    1003009 at 649547554123 on 12000: svc::apply::<fn(u64) -> u64, [u8; 4]> (/opt/my app/svc) < _ZN3svc4work17h0123456789abcdefE (/opt/my app/svc) < _RNvCs1234_3svc4main (/opt/my app/svc) < [unknown]
    1003009 at 649548554123 on 12000: core::ptr::add /srv/svc/src/main.rs:61 inlined < <S as T<(u8, u8)>>::f::{shim:vtable#0} /srv/svc/src/a b.rs:7 (/opt/svc) < __libc_start_call_main (/usr/lib/libc.so.6)
    1003009 at 649560000000 on 12001: svc::one_line (/opt/svc)
    off 12001 649550000000..649560000000: __schedule ([kernel.kallsyms]) < futex_do_wait ([kernel.kallsyms])
    warning: only samples of cpu-clock:u are used; left out: 1 sample of page-faults
    == folded.txt (Samples)
    2: memcpy_[k] < svc::apply::<fn(u64) -> u64, [u8; 4]> < gw: pool/3
    1: <svc::S as svc::T<u8, u8>>::f < gw: pool/3
    note: folded stacks have no lines, no times and no inlined calls: time counts for the function it was inlined into
    == tracing-flame.txt (WallNanoseconds)
    123456: db src/db.rs:40 < handler src/main.rs:12 < ThreadId(2)-worker
    1000: handler src/main.rs:12 < ThreadId(2)-worker
    == request-log.jsonl (Unknown)
    request GET /hé 2..8
    poll of 0 on 4 5..6
    wait of 0 for acquirer 6..8
    == otlp.json (WallNanoseconds)
    request POST /pay 1000..101000
    request entry 5..5
    poll of 0 on 7 1000..101000
    wait of 0 for bank 11000..61000
    span request 1000..101000
    span bank in 0 src/main.rs:41 11000..61000 busy 0 idle 50000
    span entry 5..5
    note: 0 spans sent twice and 1 span that end before they start were corrected
    == otlp.pb (WallNanoseconds)
    request request 1000..101000
    poll of 0 on 7 1000..101000
    span request 1000..101000
    span work in 0 src/main.rs:41 11000..61000
    == otlp-lengths.pb (WallNanoseconds)
    request request 1000..101000
    poll of 0 on 7 1000..101000
    span request 1000..101000
    span work in 0 src/main.rs:41 11000..61000
    == jaeger.json (WallNanoseconds)
    request POST /pay 1000000..1100000
    span HTTP POST 1000000..1100000
    span score in 0 1010000..1060000 busy 30000 idle 20000
    == jaeger-store.jsonl (WallNanoseconds)
    request pay 1000000..1100000
    span pay 1000000..1100000
    span score in 0 1010000..1060000
    == chrome.json (WallNanoseconds)
    request handle 10500..20000
    request task 1000..4000
    span handle src/main.rs:4 10500..20000
    span score in 0 11000..13250
    span task 1000..4000
    == perfetto.json (WallNanoseconds)
    request outer 0..10000
    span outer 0..10000
    span inner in 0 5000..7000
    == speedscope.json (WallNanoseconds)
    1000: main < t1
    2000: svc::f::<[u8; 4]> src/a.rs:4 < main < t1
    1000: main < t2
    2000: svc::f::<[u8; 4]> src/a.rs:4 < main < t2
    == dhat-heap.json (Blocks)
    allocated 100 blocks, 800 bytes: gw::copy src/main.rs:4 < gw::main src/main.rs:9
    allocated 1 blocks, 24 bytes: gw::main src/main.rs:9
    == criterion.jsonl (WallNanoseconds)
    request sort/quick/10 0..100
    request sort/quick/10 100..250
    request old 250..275
    note: a Criterion sample is the mean of many iterations: its percentiles are narrower than those of single calls
    == perf.data (CpuNanoseconds)
    1003009 at 150 on 8: 0xffffffff81000010 ([kernel.kallsyms]) < 0x40 (/usr/lib/libc.so.6) < entered at 0x1123 (/opt/my app/svc) < 0x1123 (/opt/my app/svc) < 0x11ff (/opt/my app/svc)
    1003009 at 200 on 8: 0x1010 (/opt/my app/svc) < entered at 0x1123 (/opt/my app/svc) < 0x1123 (/opt/my app/svc)
    1003009 at 220 on 9: [unknown] < entered at 0x12ff (/opt/my app/svc) < 0x12ff (/opt/my app/svc)
    warning: only samples of cpu-clock:u are used; left out: 1 sample of page-faults
    == perf-pipe.data (CpuNanoseconds)
    1003009 at 10 on 7: 0x10 (/opt/svc) < 0x123 (/opt/svc)
    1003009 at 11 on 7: 0x7f0010 (/tmp/perf-7.map) < 0x123 (/opt/svc)
    == samply.json (CpuNanoseconds)
    6666667 at 55294371278613 on 5767: 0x1718e (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x176c9 (/srv/prog/target/release/prog) < 0x174b7 (/srv/prog/target/release/prog) < 0x17be2 (/srv/prog/target/release/prog) < 0x17ba8 (/srv/prog/target/release/prog) < 0x40813 (/srv/prog/target/release/prog) < 0x17b9b (/srv/prog/target/release/prog) < 0x27249 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x27304 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x16db0 (/srv/prog/target/release/prog)
    6666667 at 55294409996180 on 5767: 0x1728d (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x176c9 (/srv/prog/target/release/prog) < 0x174b7 (/srv/prog/target/release/prog) < 0x17be2 (/srv/prog/target/release/prog) < 0x17ba8 (/srv/prog/target/release/prog) < 0x40813 (/srv/prog/target/release/prog) < 0x17b9b (/srv/prog/target/release/prog) < 0x27249 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x27304 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x16db0 (/srv/prog/target/release/prog)
    6666667 at 55294448700840 on 5767: 0x1728d (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x176c9 (/srv/prog/target/release/prog) < 0x174b7 (/srv/prog/target/release/prog) < 0x17be2 (/srv/prog/target/release/prog) < 0x17ba8 (/srv/prog/target/release/prog) < 0x40813 (/srv/prog/target/release/prog) < 0x17b9b (/srv/prog/target/release/prog) < 0x27249 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x27304 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x16db0 (/srv/prog/target/release/prog)
    6666667 at 55294471424238 on 5767: 0x193e4 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x176c9 (/srv/prog/target/release/prog) < 0x174b7 (/srv/prog/target/release/prog) < 0x17be2 (/srv/prog/target/release/prog) < 0x17ba8 (/srv/prog/target/release/prog) < 0x40813 (/srv/prog/target/release/prog) < 0x17b9b (/srv/prog/target/release/prog) < 0x27249 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x27304 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x16db0 (/srv/prog/target/release/prog)
    6666667 at 55294498139455 on 5767: 0x172b2 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x176c9 (/srv/prog/target/release/prog) < 0x174b7 (/srv/prog/target/release/prog) < 0x17be2 (/srv/prog/target/release/prog) < 0x17ba8 (/srv/prog/target/release/prog) < 0x40813 (/srv/prog/target/release/prog) < 0x17b9b (/srv/prog/target/release/prog) < 0x27249 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x27304 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x16db0 (/srv/prog/target/release/prog)
    6666667 at 55294515397261 on 5767: 0x17289 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x176c9 (/srv/prog/target/release/prog) < 0x174b7 (/srv/prog/target/release/prog) < 0x17be2 (/srv/prog/target/release/prog) < 0x17ba8 (/srv/prog/target/release/prog) < 0x40813 (/srv/prog/target/release/prog) < 0x17b9b (/srv/prog/target/release/prog) < 0x27249 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x27304 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x16db0 (/srv/prog/target/release/prog)
    6666667 at 55294529127637 on 5767: 0x172ab (/srv/prog/target/release/prog) < 0x176c9 (/srv/prog/target/release/prog) < 0x174b7 (/srv/prog/target/release/prog) < 0x17be2 (/srv/prog/target/release/prog) < 0x17ba8 (/srv/prog/target/release/prog) < 0x40813 (/srv/prog/target/release/prog) < 0x17b9b (/srv/prog/target/release/prog) < 0x27249 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x27304 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x16db0 (/srv/prog/target/release/prog)
    6666667 at 55294548435683 on 5767: 0x18eb9 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x176c9 (/srv/prog/target/release/prog) < 0x174b7 (/srv/prog/target/release/prog) < 0x17be2 (/srv/prog/target/release/prog) < 0x17ba8 (/srv/prog/target/release/prog) < 0x40813 (/srv/prog/target/release/prog) < 0x17b9b (/srv/prog/target/release/prog) < 0x27249 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x27304 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x16db0 (/srv/prog/target/release/prog)
    6666667 at 55294555174379 on 5767: 0x1728d (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x176c9 (/srv/prog/target/release/prog) < 0x174b7 (/srv/prog/target/release/prog) < 0x17be2 (/srv/prog/target/release/prog) < 0x17ba8 (/srv/prog/target/release/prog) < 0x40813 (/srv/prog/target/release/prog) < 0x17b9b (/srv/prog/target/release/prog) < 0x27249 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x27304 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x16db0 (/srv/prog/target/release/prog)
    6666667 at 55294567431453 on 5767: 0x17675 (/srv/prog/target/release/prog) < 0x174b7 (/srv/prog/target/release/prog) < 0x17be2 (/srv/prog/target/release/prog) < 0x17ba8 (/srv/prog/target/release/prog) < 0x40813 (/srv/prog/target/release/prog) < 0x17b9b (/srv/prog/target/release/prog) < 0x27249 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x27304 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x16db0 (/srv/prog/target/release/prog)
    6666667 at 55294580407464 on 5767: 0x1728d (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x17359 (/srv/prog/target/release/prog) < 0x176c9 (/srv/prog/target/release/prog) < 0x174b7 (/srv/prog/target/release/prog) < 0x17be2 (/srv/prog/target/release/prog) < 0x17ba8 (/srv/prog/target/release/prog) < 0x40813 (/srv/prog/target/release/prog) < 0x17b9b (/srv/prog/target/release/prog) < 0x27249 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x27304 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x16db0 (/srv/prog/target/release/prog)
    6666667 at 55294362706300 on 5777: 0x178fa (/srv/prog/target/release/prog) < 0x17bfa (/srv/prog/target/release/prog) < 0x19c90 (/srv/prog/target/release/prog) < 0x4551e (/srv/prog/target/release/prog) < 0x891f4 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x1098eb (/usr/lib/x86_64-linux-gnu/libc.so.6)
    6666667 at 55294397427521 on 5777: 0x1781d (/srv/prog/target/release/prog) < 0x17bfa (/srv/prog/target/release/prog) < 0x19c90 (/srv/prog/target/release/prog) < 0x4551e (/srv/prog/target/release/prog) < 0x891f4 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x1098eb (/usr/lib/x86_64-linux-gnu/libc.so.6)
    6666667 at 55294440161280 on 5777: 0x178f6 (/srv/prog/target/release/prog) < 0x17bfa (/srv/prog/target/release/prog) < 0x19c90 (/srv/prog/target/release/prog) < 0x4551e (/srv/prog/target/release/prog) < 0x891f4 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x1098eb (/usr/lib/x86_64-linux-gnu/libc.so.6)
    6666667 at 55294476690616 on 5777: 0x178f6 (/srv/prog/target/release/prog) < 0x17bfa (/srv/prog/target/release/prog) < 0x19c90 (/srv/prog/target/release/prog) < 0x4551e (/srv/prog/target/release/prog) < 0x891f4 (/usr/lib/x86_64-linux-gnu/libc.so.6) < 0x1098eb (/usr/lib/x86_64-linux-gnu/libc.so.6)
    == firefox-41.json (CpuNanoseconds)
    1000000 at 500000 on 77: gw::spin src/main.rs:12 inlined < 0x42 (/opt/svc)
    1000000 at 2500000 on 77: gw::spin src/main.rs:12 inlined < 0x42 (/opt/svc)
    1000000 at 3500000 on 77: 0x42 (/opt/svc)
    == tempo.json (WallNanoseconds)
    request GET /pay 1000..9000
    request GET /hé 11000..19000
    wait of 0 for charge 2000..5000
    span GET /pay 1000..9000
    span charge in 0 2000..5000 busy 0 idle 3000
    span GET /hé 11000..19000
    == pprof.pb (CpuNanoseconds)
    30: gw::small /srv/gw/src/main.rs:21 (/opt/gw) inlined < _RNvCs_2gw4spin /srv/gw/src/main.rs:12 (/opt/gw) < _RNvCs_2gw4spin /srv/gw/src/main.rs:14 (/opt/gw)
    10 at 5000 on 77: _RNvCs_2gw4spin /srv/gw/src/main.rs:14 (/opt/gw)
    == callgrind.out (Events)
    10: gw::main /srv/gw/src/main.rs:20 (/opt/my app/gw)
    100: gw::work /srv/gw/src/main.rs:30 (/opt/my app/gw) < gw::main /srv/gw/src/main.rs:22 (/opt/my app/gw)
    50: gw::work /srv/gw/src/main.rs:31 (/opt/my app/gw) < gw::main /srv/gw/src/main.rs:22 (/opt/my app/gw)
    50: [unknown] /rustc/abc/library/core/src/num.rs:7 (/opt/my app/gw) < gw::work (/opt/my app/gw) < gw::main /srv/gw/src/main.rs:22 (/opt/my app/gw)
    600: memcpy (/lib/libc.so.6) < gw::work /srv/gw/src/main.rs:31 (/opt/my app/gw) < gw::main /srv/gw/src/main.rs:22 (/opt/my app/gw)
    100: gw::tiny /srv/gw/src/main.rs:50 (/opt/my app/gw) < gw::work /srv/gw/src/main.rs:31 (/opt/my app/gw) < gw::main /srv/gw/src/main.rs:22 (/opt/my app/gw)
    note: only Ir is used; 1 other events are left out
    == cachegrind.out (Events)
    7: gw::main /srv/gw/src/main.rs:12
    8: gw::main /srv/gw/src/main.rs:13
    5: <gw::S as gw::T<[u8; 4]>>::go /srv/gw/src/main.rs:40
    4: [unknown]
    note: only Ir is used; 3 other events are left out
    "#);
}

fn is_later(golden: &Golden) -> bool {
    golden.name.starts_with("firefox-") && golden.name != "firefox-41.json"
}

#[test]
fn every_version_of_a_firefox_profile_says_the_same() {
    let known = |name: &str| read(format("Firefox profile"), GOLDEN.iter().find(|g| g.name == name).unwrap().bytes);
    let (first, problems) = known("firefox-41.json");
    assert_eq!((first.samples.len(), problems), (3, vec![]));
    for golden in GOLDEN.iter().filter(|g| is_later(g)) {
        assert_eq!(profile::sniff(golden.bytes).map(|f| f.name), Some(golden.format), "{}", golden.name);
        let (later, problems) = read(golden.format(), golden.bytes);
        assert_eq!((told(&later), problems), (told(&first), vec![]), "{}", golden.name);
        assert_eq!((&later.addresses, &later.objects), (&first.addresses, &first.objects), "{}", golden.name);
    }
}

#[test]
fn carriage_returns_change_nothing() {
    for golden in GOLDEN.iter().filter(|g| g.bytes.is_ascii() && !g.name.ends_with(".pb") && !g.name.ends_with(".data"))
    {
        let text = std::str::from_utf8(golden.bytes).expect("ASCII").replace('\n', "\r\n");
        assert_eq!(profile::sniff(text.as_bytes()).map(|f| f.name), Some(golden.format), "{}", golden.name);
        let (with, without) = (read(golden.format(), text.as_bytes()).0, read(golden.format(), golden.bytes).0);
        assert_eq!(told(&with), told(&without), "{}", golden.name);
    }
}

/// A value or a problem, and what comes after can take the value.
#[track_caller]
fn survives(golden: &Golden, bytes: &[u8], what: &str) {
    let (profile, problems) = read(golden.format(), bytes);
    let says = !profile.samples.is_empty()
        || !profile.allocated.is_empty()
        || !profile.off_cpu.is_empty()
        || !profile.requests.is_empty();
    assert!(says || !problems.is_empty(), "{}, {what}: neither a value nor a problem", golden.name);
    let merged = profile::merge(vec![profile]);
    attribute::attribute(&merged, &[], &attribute::Options::default());
}

/// What would be shown of a large file before all of it is read.
fn looked_at(golden: &Golden, bytes: &[u8]) {
    let mut reader = (golden.format().open)();
    if reader.takes_whole() {
        let whole: profile::Whole = Arc::new(bytes.to_vec());
        reader.feed_part(&whole, 0..bytes.len() / 2);
        attribute::shares(&reader.snapshot(), &[], &attribute::Options::default());
        reader.feed_part(&whole, bytes.len() / 2..bytes.len());
    } else {
        reader.feed(bytes);
    }
    reader.end();
    attribute::shares(&reader.snapshot(), &[], &attribute::Options::default());
}

#[test]
fn every_prefix_gives_a_value_or_a_problem() {
    for golden in GOLDEN {
        for end in 0..golden.bytes.len() {
            survives(golden, &golden.bytes[..end], &format!("cut at {end}"));
            looked_at(golden, &golden.bytes[..end]);
            let _ = profile::sniff(&golden.bytes[..end]);
        }
    }
}

#[test]
fn every_flipped_byte_gives_a_value_or_a_problem() {
    for golden in GOLDEN {
        let mut bytes = golden.bytes.to_vec();
        for at in 0..bytes.len() {
            // The highest bit breaks UTF-8 and lengths, the lowest one digits, the others quotes and brackets.
            for flip in [0x80, 0x01, 0x02, 0x10, 0xff] {
                bytes[at] ^= flip;
                survives(golden, &bytes, &format!("byte {at} ^ {flip:#x}"));
                bytes[at] ^= flip;
            }
            bytes[at] ^= 0x0f;
            looked_at(golden, &bytes);
            bytes[at] ^= 0x0f;
        }
    }
}

#[test]
fn where_a_compressed_record_breaks_off_is_told_alike_for_pieces_of_any_size() {
    let bytes = include_bytes!("fixtures/profiles/damaged-compressed.data");
    let format = format("perf.data");
    let whole = read(format, bytes);
    assert!(whole.1.iter().any(|p| p.to_string().contains("(byte 160)")), "{:?}", whole.1);
    for size in [1, 7, 48, 200] {
        let mut reader = (format.open)();
        bytes.chunks(size).for_each(|piece| reader.feed(piece));
        assert_eq!(reader.finish(), whole, "pieces of {size}");
    }
}

#[test]
fn every_reader_survives_the_files_of_all_others() {
    for golden in GOLDEN {
        for format in REGISTRY {
            let (profile, _) = read(format, golden.bytes);
            attribute::attribute(&profile, &[], &attribute::Options::default());
        }
    }
}

#[test]
fn two_readers_that_share_a_file_read_what_one_does() {
    for golden in GOLDEN {
        let whole = read(golden.format(), golden.bytes);
        let mut cuts = 0;
        for at in 0..golden.bytes.len() {
            let mut first = (golden.format().open)();
            let Some(offset) = first.boundary(&golden.bytes[at..]) else { continue };
            let (before, after) = golden.bytes.split_at(at + offset);
            first.feed(before);
            let mut second = (golden.format().open)();
            second.feed(after);
            first.join(second);
            assert_eq!(first.finish(), whole, "{} cut at {}", golden.name, at + offset);
            cuts += 1;
        }
        assert!(
            cuts > 0 || !["perf script", "OTLP JSON", "folded stacks"].contains(&golden.format),
            "{} is never shared",
            golden.name
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_of_any_size_make_no_difference(sizes in proptest::collection::vec(1usize..200, 1..20)) {
        for golden in GOLDEN {
            let mut reader = (golden.format().open)();
            let (mut at, mut next) = (0, sizes.iter().cycle());
            while at < golden.bytes.len() {
                let end = (at + next.next().unwrap()).min(golden.bytes.len());
                reader.feed(&golden.bytes[at..end]);
                at = end;
            }
            prop_assert_eq!(reader.finish(), read(golden.format(), golden.bytes), "{}", golden.name);
        }
    }
}

#[test]
fn parts_of_a_file_that_lies_in_memory_say_what_its_pieces_say() {
    for golden in GOLDEN.iter().filter(|g| (g.format().open)().takes_whole()) {
        for end in (0..golden.bytes.len()).step_by(37).chain([golden.bytes.len()]) {
            let bytes = &golden.bytes[..end];
            let whole: profile::Whole = Arc::new(bytes.to_vec());
            for size in [5, 48, 200, 1000] {
                let (mut reader, mut pieces) = ((golden.format().open)(), (golden.format().open)());
                for (at, piece) in bytes.chunks(size).enumerate() {
                    pieces.feed(piece);
                    // Now and then a piece comes from somewhere else.
                    let part = at * size..at * size + piece.len();
                    if at % 7 == 6 { reader.feed(piece) } else { reader.feed_part(&whole, part) }
                }
                assert_eq!(reader.finish(), pieces.finish(), "{} cut at {end}, parts of {size}", golden.name);
            }
        }
    }
}

/// 843 samples of the fixture program at 997 Hz, as `perf script` of perf 6.1 wrote them, and what others make of them.
const SAMPLES: &[u8] = include_bytes!("fixtures/profiles/fp-997hz.txt.zst");
/// `perf report --no-children --sort sym -g none --percent-limit 0` of the same recording: percent and symbol.
const REPORT: &str = include_str!("fixtures/profiles/fp-997hz.report.txt");
/// What inferno-collapse-perf 0.12.8 makes of the same text.
const FOLDED: &[u8] = include_bytes!("fixtures/profiles/fp-997hz.folded.zst");

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    zstd::decode_all(bytes).expect("a whole fixture")
}

#[test]
fn self_shares_are_those_of_perf_report() {
    let (profile, _) = read(format("perf script"), &unpacked(SAMPLES));
    let total: u64 = profile.samples.iter().map(|s| s.weight).sum();
    for line in REPORT.lines() {
        let (percent, symbol) = line.split_once(' ').expect("a percentage and a symbol");
        let is_leaf = |leaf: Option<refit::model::NodeId>| {
            leaf.is_some_and(|n| profile.frames[profile.nodes[n.0 as usize].frame.0 as usize].symbol == symbol)
        };
        let weight: u64 = profile.samples.iter().filter(|s| is_leaf(s.leaf)).map(|s| s.weight).sum();
        let share = 100.0 * weight as f64 / total as f64;
        let percent: f64 = percent.parse().expect("a number");
        assert!((share - percent).abs() < 0.1, "{symbol}: {share:.2} %, perf report says {percent} %");
    }
}

#[test]
fn the_folded_table_is_that_of_inferno_where_inferno_is_right() {
    let (profile, _) = read(format("perf script"), &unpacked(SAMPLES));
    let mut folded = std::collections::BTreeMap::new();
    for sample in profile.samples.iter() {
        let callers = std::iter::successors(sample.leaf, |n| profile.nodes[n.0 as usize].parent);
        let mut stack: Vec<String> = callers
            .map(|n| profile.frames[profile.nodes[n.0 as usize].frame.0 as usize].symbol.replace(';', ":"))
            .collect();
        stack.push("worker".into());
        stack.reverse();
        *folded.entry(stack.join(";")).or_insert(0) += sample.weight;
    }
    let lines: Vec<String> = folded.iter().map(|(stack, weight)| format!("{stack} {weight}")).collect();
    let theirs = String::from_utf8(unpacked(FOLDED)).expect("text");
    let mut theirs: Vec<&str> = theirs.lines().collect();
    theirs.sort_unstable();
    let mut ours: Vec<&str> = lines.iter().map(String::as_str).collect();
    ours.sort_unstable();
    assert_eq!(ours, theirs);
}

fn format(name: &str) -> &'static Format {
    REGISTRY.iter().find(|f| f.name == name).expect("a format of the registry")
}
