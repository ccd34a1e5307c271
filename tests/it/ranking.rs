//! Profiles as text in, splits out: the whole way from bytes to milliseconds of the p99.

use refit::model::{
    Attribution, Basis, Contribution, FunctionId, Item, Level, Objective, ObjectiveSplit, Profile, RowKind, Slo,
    TextRange,
};
use refit::{attribute, profile, rank};

pub fn read(text: &[u8]) -> Profile {
    let format = profile::sniff(&text[..text.len().min(65_536)]).expect("a known format");
    let mut reader = (format.open)();
    reader.feed(text);
    reader.finish().0
}

pub fn item(id: &str, name: &str, file: &str, line: u32, end_line: u32) -> Item {
    let modules: Vec<String> = id.split("::").skip(1).map(str::to_owned).collect();
    Item {
        id: FunctionId(id.into()),
        krate: "gw".into(),
        modules: modules[..modules.len() - 1].to_vec(),
        name: name.into(),
        file: file.into(),
        range: TextRange::new(line as usize * 100, end_line as usize * 100),
        line,
        end_line,
        ..Default::default()
    }
}

fn items() -> Vec<Item> {
    vec![item("gw::steady", "steady", "src/lib.rs", 1, 9), item("gw::rare", "rare", "src/lib.rs", 10, 19)]
}

fn slo(limit_ms: u64) -> Slo {
    let objective = Objective {
        name: "latency".into(),
        description: String::new(),
        operation: "GET /".into(),
        target: 0.99,
        limit_ns: limit_ms * 1_000_000,
        window: None,
    };
    Slo { objectives: vec![objective], ..Slo::default() }
}

/// A service with one thread: every request runs `steady` for 2 ms; four in a hundred run `rare` for 20 ms more, then
/// wait 5 ms for the acquirer. One sample a millisecond.
fn scene(requests: u64) -> (String, String) {
    let (mut script, mut log) = (String::new(), String::new());
    let mut now = 1_000_000_000u64;
    for i in 0..requests {
        let slow = i % 25 == 7;
        let start = now;
        let busy = if slow { 22 } else { 2 };
        for ms in 0..busy {
            let at = start + ms * 1_000_000 + 500_000;
            let function = if ms < 2 { "gw::steady" } else { "gw::rare" };
            let place = if ms < 2 { "/build/gw/src/lib.rs:3" } else { "/build/gw/src/lib.rs:12" };
            script.push_str(&format!(
                "svc: worker 1 77 {}.{:09}:    1000000 cpu-clock: \n\t1807d core::slice::sort+0x6 (inlined)\n\
                 \t1807d {function}+0x60d (/build/gw/target/release/gw)\n  {place}\n\t891f4 start_thread+0x304 (libc.so.6)\n\n",
                at / 1_000_000_000,
                at % 1_000_000_000
            ));
        }
        // Latencies are told apart by a few nanoseconds so that every rank is one request.
        let polled = start + busy * 1_000_000 + i;
        let end = if slow { polled + 5_000_000 } else { polled };
        log.push_str(&format!(
            "{{\"request\":\"r{i}\",\"operation\":\"GET /\",\"start_ns\":{start},\"end_ns\":{end}}}\n"
        ));
        log.push_str(&format!(
            "{{\"request\":\"r{i}\",\"tid\":77,\"poll_start_ns\":{start},\"poll_end_ns\":{polled}}}\n"
        ));
        if slow {
            log.push_str(&format!(
                "{{\"request\":\"r{i}\",\"wait\":\"acquirer\",\"start_ns\":{polled},\"end_ns\":{end}}}\n"
            ));
        }
        now = end + 1_000_000;
    }
    (script, log)
}

fn attributed(script: &str, log: &str) -> Attribution {
    let merged = profile::merge(vec![read(script.as_bytes()), read(log.as_bytes())]);
    attribute::attribute(&merged, &items(), &attribute::Options::default())
}

fn row<'a>(split: &'a ObjectiveSplit, name: &str) -> &'a Contribution {
    split.rows.iter().find(|r| r.name == name).unwrap_or_else(|| panic!("no row {name} in {:#?}", split.rows))
}

fn options() -> rank::Options {
    rank::Options { seed: 1, despite_quality: false }
}

#[test]
fn the_rare_function_owns_the_p99_and_not_the_one_that_a_flame_graph_shows() {
    let (script, log) = scene(2000);
    let attribution = attributed(&script, &log);
    assert_eq!(attribution.basis, Basis::JoinedSamples);
    let ranking = rank::rank(&attribution, &slo(20), options());
    assert_eq!(ranking.problems, []);
    let split = &ranking.objectives[0];
    assert!((split.sum_ms - split.measured_ms.unwrap()).abs() < 1e-6);
    assert!((split.measured_ms.unwrap() - 27.0).abs() < 0.01);
    assert!((row(split, "gw::rare").c_ms - 20.0).abs() < 1e-6, "every slow request runs it for 20 ms");
    assert!((row(split, "gw::steady").c_ms - 2.0).abs() < 1e-6);
    assert!((row(split, "acquirer").c_ms - 5.0).abs() < 1e-6);
    assert_eq!(row(split, "acquirer").kind, RowKind::Wait);
    assert!(
        row(split, "gw::steady").mean_ms > row(split, "gw::rare").mean_ms,
        "the flame graph shows it the other way round"
    );
    assert_eq!(split.rows[0].name, "gw::rare");
    assert_eq!(split.smallest_set, [FunctionId("gw::rare".into())]);
    assert!(split.reachable);
    assert_eq!(ranking.hot[0].function.0, "gw::rare");
}

#[test]
fn lines_are_heated_by_what_the_cohort_owns() {
    let (script, log) = scene(2000);
    let ranking = rank::rank(&attributed(&script, &log), &slo(20), options());
    assert_eq!(ranking.heat.len(), 1);
    let lines: Vec<u32> = ranking.heat[0].lines.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [3, 12]);
    assert!((ranking.heat[0].lines[1].1 - 20.0 / 22.0).abs() < 1e-9);
}

#[test]
fn the_same_inputs_rank_the_same_to_the_byte() {
    let (script, log) = scene(800);
    let once = rank::rank(&attributed(&script, &log), &slo(20), options());
    let again = rank::rank(&attributed(&script, &log), &slo(20), options());
    assert_eq!(format!("{once:?}"), format!("{again:?}"));
}

#[test]
fn too_few_requests_for_the_percentile_are_refused_and_means_are_shown() {
    let (script, log) = scene(367);
    let ranking = rank::rank(&attributed(&script, &log), &slo(20), options());
    let split = &ranking.objectives[0];
    assert_eq!((split.measured_ms, split.basis), (None, Basis::SampledShare));
    assert!(ranking.problems[0].what.contains("p99 needs 368 requests for a 95 % interval, 367 were recorded"));
    assert_eq!(ranking.problems[0].help, "record at least 1 more requests; until then means and shares are shown");
    assert!((row(split, "gw::steady").mean_ms - 2.0).abs() < 0.02);
}

#[test]
fn an_operation_that_was_not_recorded_is_an_error_that_lists_those_that_were() {
    let (script, log) = scene(400);
    let mut slo = slo(20);
    slo.objectives[0].operation = "POST /".into();
    let ranking = rank::rank(&attributed(&script, &log), &slo, options());
    assert_eq!(ranking.problems[0].level, Level::Error);
    assert!(ranking.problems[0].help.contains("\"GET /\" (400 requests, p99 27.0 ms)"), "{}", ranking.problems[0].help);
}

#[test]
fn samples_of_another_clock_give_bounds_and_say_so() {
    let (script, log) = scene(2000);
    let log = log.replace("\"tid\":77", "\"tid\":78");
    let attribution = attributed(&script, &log);
    assert_eq!(attribution.basis, Basis::Bounds);
    assert!(
        attribution.problems[0].what.starts_with("tail not identified: samples and requests have no thread in common")
    );
    let split = rank::rank(&attribution, &slo(20), options()).objectives.remove(0);
    let rare = row(&split, "gw::rare");
    assert!((rare.mean_ms - 0.8).abs() < 0.01);
    assert_eq!(rare.ci_ms.low, 0.0);
    assert!((rare.ci_ms.high - 27.0).abs() < 0.1, "min(27 ms, 0.8 ms / 1 %): {}", rare.ci_ms.high);
    assert!((split.sum_ms - split.measured_ms.unwrap()).abs() < 1e-6);
}

#[test]
fn samples_alone_give_shares_and_no_percentile() {
    let (script, _) = scene(400);
    let attribution = attribute::attribute(&read(script.as_bytes()), &items(), &attribute::Options::default());
    let split = rank::rank(&attribution, &slo(20), options()).objectives.remove(0);
    assert_eq!((split.basis, split.measured_ms, split.sum_ms), (Basis::SampledShare, None, 0.0));
    assert!((row(&split, "gw::steady").share - 800.0 / (800.0 + 320.0)).abs() < 1e-9);
}

#[test]
fn a_profile_of_another_program_is_an_error_that_names_what_it_is() {
    let (script, log) = scene(400);
    let script = script.replace("gw::", "other::").replace("/build/gw/src/lib.rs", "/build/other/src/main.rs");
    let attribution = attributed(&script, &log);
    assert_eq!(attribution.problems[0].what, "no function of this workspace is in the profile; it has other, core");
    let ranking = rank::rank(&attribution, &slo(20), options());
    assert_eq!(ranking.problems[0].level, Level::Error);
    assert!(ranking.hot.is_empty());
}

#[test]
fn too_much_without_a_function_is_refused_unless_told_otherwise() {
    let (script, log) = scene(2000);
    let script = script.replace("gw::rare+0x60d", "libother::rare+0x60d").replace("  /build/gw/src/lib.rs:12\n", "");
    let attribution = attributed(&script, &log);
    let ranking = rank::rank(&attribution, &slo(20), options());
    let split = &ranking.objectives[0];
    assert_eq!(ranking.problems, [], "1.6 of 5.6 sampled seconds are libraries': below the limit");
    assert!((row(split, "runtime and libraries").c_ms - 20.0).abs() < 1e-6);

    let script = script.replace("gw::steady+0x60d", "libother::steady+0x60d").replace("  /build/gw/src/lib.rs:3\n", "");
    let script = script.replacen("libother::steady+0x60d", "gw::steady+0x60d", 2000);
    let attribution = attributed(&script, &log);
    let ranking = rank::rank(&attribution, &slo(20), options());
    assert_eq!((ranking.problems[0].level, ranking.hot.len()), (Level::Error, 0));
    for word in ["`debug = 1`", "symbol-mangling-version=v0", "force-frame-pointers=yes", "-F 997"] {
        assert!(ranking.problems[0].help.contains(word), "{word}: {}", ranking.problems[0].help);
    }
    assert!(!ranking.problems[0].help.contains("more requests"), "there are enough");
    let nowhere = script.replace("gw::steady+0x60d", "libother::steady+0x60d");
    let short = log.lines().take(500).fold(String::new(), |log, line| log + line + "\n");
    let few = rank::rank(&attributed(&nowhere, &short), &slo(20), options());
    assert!(few.problems[0].help.ends_with(" more requests, which the p99 needs"), "{:?}", few.problems);
    assert!(ranking.objectives[0].rows.iter().all(|r| r.kind != RowKind::Function));
    assert!((ranking.objectives[0].sum_ms - ranking.objectives[0].measured_ms.unwrap()).abs() < 1e-6);
    let told = rank::rank(&attribution, &slo(20), rank::Options { despite_quality: true, ..options() });
    assert_eq!(told.problems[0].level, Level::Warning);
    assert_eq!(told.hot.len(), 1);
}

#[test]
fn lines_of_another_version_of_the_source_are_not_used() {
    let (script, log) = scene(400);
    let mut items = items();
    for at in 0..10 {
        items.push(item(&format!("gw::f{at}"), &format!("f{at}"), "src/more.rs", 10 * at + 1, 10 * at + 9));
    }
    let mut script = script.replace("/build/gw/src/lib.rs:12", "/build/gw/src/lib.rs:5");
    for at in 0..10 {
        let frame = format!("\t1807d gw::f{at}+0x1 (gw)\n  /build/gw/src/more.rs:{}\n", 200 + at);
        script.push_str(&format!("svc 77 900.000000: 1 cpu-clock: \n{frame}\n"));
    }
    let merged = profile::merge(vec![read(script.as_bytes()), read(log.as_bytes())]);
    let attribution = attribute::attribute(&merged, &items, &attribute::Options::default());
    assert!(attribution.problems.iter().any(|p| p.what.contains("recorded from another version of the source")));
    let owned = |name: &str| attribution.rows.iter().find(|r| r.name == name).unwrap().cost.owned;
    assert_eq!(owned("gw::rare"), 320e6, "the symbol decides where lines do not fit");
}

#[test]
fn paths_that_are_those_of_no_file_are_mapped_where_lines_and_symbols_agree_and_told_of_where_not() {
    let (script, log) = scene(400);
    let mut items = items();
    for at in 0..10 {
        items.push(item(&format!("gw::f{at}"), &format!("f{at}"), "src/more.rs", 10 * at + 1, 10 * at + 9));
    }
    let problems = |line: u32, path: &str| {
        let mut script = script.clone();
        for at in 0..10 {
            let line = 10 * at + line;
            let frame = format!("\t1807d gw::f{at}+0x1 (gw)\n  {path}:{line}\n");
            script.push_str(&format!("svc 77 900.{at:06}: 1 cpu-clock: \n{frame}\n"));
        }
        let merged = profile::merge(vec![read(script.as_bytes()), read(log.as_bytes())]);
        let attribution = attribute::attribute(&merged, &items, &attribute::Options::default());
        attribution.problems.into_iter().find(|p| p.what.contains("source path that no file of it ends in"))
    };
    assert_eq!(problems(5, "/build/gw/src/more.rs"), None, "its own path");
    assert_eq!(problems(5, "/build/gw/more.rs"), None, "without `src`, and each line in its function");
    let told = problems(500, "/build/gw/more.rs").expect("no line is in its function: it may be another file");
    assert_eq!(told.level, Level::Warning);
    assert!(told.what.starts_with("10 of ") && told.what.contains("(\"/build/gw/more.rs\" for one)"), "{}", told.what);
    assert!(told.help.contains("`src=`"), "{}", told.help);
    assert!(problems(5, "/build/gw/other.rs").is_some());
    assert_eq!(problems(5, "/rustc/0a1b/library/core/src/more.rs"), None, "inlined from std");
}
