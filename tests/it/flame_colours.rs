//! The flame pane of the real program in a pseudo-terminal: what its cells are coloured by, what its switches leave, and the mouse.

use std::cell::Cell;

use crate::pty::{Output, Session};
use crate::scene::Scene;

const SLO: &str = r#"version = "slo/v1"
[service]
name = "svc"
[[source]]
file = "perf/now.txt"
[[source]]
file = "perf/requests.jsonl"
[[slo]]
name = "work-latency"
operation = "GET /work"
p99 = "60ms"
[[budget]]
slo = "work-latency"
function = "svc::over"
own = "1ms"
[[budget]]
slo = "work-latency"
function = "svc::under"
own = "55ms"
"#;

/// What stands below `main`, root first, each with the object file that it is in.
const STACKS: [&[(&str, &str)]; 4] = [
    &[("svc::over", "/srv/svc"), ("serde_json::to_vec", "/srv/svc"), ("ksys_write", "[kernel.kallsyms]")],
    &[("svc::over", "/srv/svc")],
    &[("svc::under", "/srv/svc"), ("core::fmt::write", "/srv/svc"), ("memcpy", "/usr/lib/libc.so.6")],
    &[("svc::under", "/srv/svc")],
];

const REQUESTS: u64 = 400;

fn is_slow(request: u64) -> bool {
    request.is_multiple_of(4)
}

/// What perf would have written: ten samples in every request; slow requests have all of them in `over`.
fn samples(stack_of: impl Fn(u64, u64) -> usize) -> String {
    let mut text = String::new();
    for request in 0..REQUESTS {
        for n in 1..=10_u64 {
            let micros = request * 1_000_000 + n * 4_000;
            text +=
                &format!("svc     1/1     {}.{:06}:   4000000 cpu-clock:u: \n", micros / 1_000_000, micros % 1_000_000);
            let frames = STACKS[stack_of(request, n)].iter().rev().chain(&[("svc::main", "/srv/svc")]);
            frames.for_each(|(symbol, object)| text += &format!("\t    5588c0de1010 {symbol}+0x10 ({object})\n"));
            text.push('\n');
        }
    }
    text
}

fn service() -> Scene {
    let request = |n: u64| {
        let (start, length) = (n * 1_000_000_000, if is_slow(n) { 80_000_000 } else { 45_000_000 + n });
        let end = start + length;
        format!(r#"{{"request":"{n}","operation":"GET /work","start_ns":{start},"end_ns":{end},"tid":1}}"#) + "\n"
    };
    let now = samples(|request, n| if is_slow(request) { usize::from(n == 1) } else { 1 + (n % 3) as usize });
    let before = samples(|_, n| if n == 1 { 0 } else { 3 });
    Scene::with(&[
        ("Cargo.toml", "[package]\nname = \"svc\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
        ("src/main.rs", "fn over() {}\n\nfn under() {}\n\nfn main() {\n    over();\n    under();\n}\n"),
        ("slo.toml", SLO),
        ("perf/now.txt", &now),
        ("perf/before.txt", &before),
        ("perf/requests.jsonl", &(0..REQUESTS).map(request).collect::<String>()),
    ])
}

/// The flame pane, open; the cursor stands on `main`.
fn opened(scene: &Scene) -> Session {
    let mut session = Session::open(&scene.root(), &[("COLORTERM", "truecolor")]);
    session.shows("GET /work");
    session.keys("F");
    session.shows("around the p99");
    session
}

/// The row below the heading and its legend.
fn body(output: &Output) -> u16 {
    let heading = ["around the p99", "every sample"].iter().find_map(|text| output.place(text, 0));
    heading.map_or(u16::MAX, |(row, _)| row + 1)
}

/// Waits until every frame has the colour of its word in the legend.
#[track_caller]
fn coloured(session: &Session, frames: &[(&str, &str)]) {
    session.until(&format!("the colours of {frames:?}"), |o| {
        let body = body(o);
        let legend = |word: &str| o.background(&format!(" {word} "), body.saturating_sub(1));
        frames.iter().all(|(frame, word)| {
            let colour = o.background(frame, body);
            colour.is_some() && colour != Some(vt100::Color::Default) && colour == legend(word)
        })
    });
    session.until("as many colours as words", |o| {
        let words: std::collections::BTreeSet<&str> = frames.iter().map(|(_, word)| *word).collect();
        let colours: std::collections::HashSet<String> =
            frames.iter().map(|(frame, _)| format!("{:?}", o.background(frame, body(o)))).collect();
        colours.len() == words.len()
    });
}

#[test]
fn frames_are_coloured_by_owner_and_by_what_is_over_its_budget() {
    let scene = service();
    let mut session = opened(&scene);
    session.keys("T");
    session.shows("every sample");
    let owners = [
        ("svc::over", "ours"),
        ("svc::under", "ours"),
        ("serde_json", "crates"),
        ("core::fmt", "std"),
        ("ksys_write", "kernel"),
        ("memcpy", "C"),
    ];
    coloured(&session, &owners);
    session.keys("C");
    let budgets = [
        ("svc::over", "over budget"),
        ("svc::under", "ours"),
        ("serde_json", "the rest"),
        ("core::fmt", "the rest"),
        ("ksys_write", "the rest"),
    ];
    coloured(&session, &budgets);
    session.keys("C");
    coloured(&session, &owners);
    session.keys("qq");
    assert_eq!(session.ends().0, 0);
}

#[test]
fn only_tail_requests_or_every_sample_are_in_the_tree() {
    let scene = service();
    let mut session = opened(&scene);
    // All of the slow requests' time is in `over`.
    session.until("the tail", |o| o.place("svc::over", body(o)).is_some() && o.place("svc::under", body(o)).is_none());
    session.keys("T");
    session.shows("every sample · 4,000 samples");
    session.until("all", |o| o.place("svc::over", body(o)).is_some() && o.place("svc::under", body(o)).is_some());
    session.keys("T");
    session.shows("around the p99");
    session.until("the tail again", |o| o.place("svc::under", body(o)).is_none());
    session.keys("qq");
    assert_eq!(session.ends().0, 0);
}

#[test]
fn a_frame_that_has_grown_since_another_recording_has_another_colour_than_one_that_shrank() {
    let scene = service();
    let mut session = opened(&scene);
    session.keys("TD");
    session.keys("perf/before.txt\r");
    session.shows("against perf/before.txt");
    session.until("more and less", |o| {
        let (body, heading) = (body(o), body(o) - 1);
        let growth = |points: &str| {
            let row = o.place(points, body)?.0;
            o.background(points, row)
        };
        let legend = |word: &str| o.background(&format!(" {word} "), heading);
        growth("svc::over").is_some()
            && growth("svc::over") == legend("more")
            && growth("svc::under") == legend("less")
            && legend("more") != legend("less")
    });
    session.keys("qq");
    assert_eq!(session.ends().0, 0);
}

#[test]
fn a_click_selects_and_a_second_one_zooms() {
    let scene = service();
    let mut session = opened(&scene);
    session.keys("T");
    session.shows("every sample");
    let place = Cell::new(None);
    session.until("the frame", |o| {
        place.set(o.place("svc::under", body(o)));
        place.get().is_some()
    });
    let (row, column) = place.get().expect("it was found");
    let click = format!("\x1b[<0;{0};{1}M\x1b[<0;{0};{1}m", column + 2, row + 1);
    session.keys(&click);
    // What is known of the selected frame stands below the tree.
    session.shows("svc::under  52.5 %");
    session.until("the other frame", |o| o.place("svc::over", body(o)).is_some());
    session.keys(&click);
    session.until("the zoom", |o| o.place("svc::over", body(o)).is_none() && o.place("svc::under", body(o)).is_some());
    session.keys("\x1b");
    session.until("the whole tree", |o| o.place("svc::over", body(o)).is_some());
    session.keys("qq");
    assert_eq!(session.ends().0, 0);
}
