//! Texts of `slo.toml` in; the values and the messages that people see out.

use super::*;

const WHOLE: &str = r#"
version = "slo/v1"

[service]
name = "payment-gateway"

[[source]]
file = "perf/authorize.perf.data"
binary = "target/release/gateway"
[[source]]
file = "perf/requests.jsonl"

[[slo]]
name = "authorize-latency"
description = "99 % of POST /authorize within 200 ms"
operation = "POST /authorize"
time_window = { duration = "28d", rolling = true }
p99 = "200ms"

[[budget]]
slo = "authorize-latency"
function = "gateway::audit::*"
own = "3ms"
per_call = { allocations = 20, syscalls = 0 }

[limits]
peak_rss = "120MiB"
binary_size = "15MiB"
cache_miss_rate = 0.04
gpu_memory = "24GiB"

[code]
root = "services/gateway"
packages = ["gateway", "risk"]
features = ["default"]
profile = "release"
own = ["pay-*"]
generated = ["src/pb/**"]
clippy = "target/clippy.jsonl"

[[workload]]
slo = "authorize-latency"
build = "cargo build --release --bins"
run = "target/release/gateway --port {port}"
ready = "GET http://127.0.0.1:{port}/health"
load = "target/release/load --port {port} --requests 2000 --log {log}"
test_quick = "cargo test -p gateway"
test = "cargo test --workspace"

[gate]
min_effect = "1%"
confidence = 0.95
max_time = "90s"

[[review]]
role = "security"
when = { paths = ["**/auth/**"] }
[[review]]
role = "concurrency"
when = { touches = "sync-primitives" }

[sprint]
days = 3
slo = "authorize-latency"
"#;

/// The start that every valid file has, so that a test shows only its own lines.
const START: &str = "version = \"slo/v1\"\nservice = { name = \"shop\" }\n";
const SLO: &str = "[[slo]]\nname = \"latency\"\np99 = \"200ms\"\n";

fn problems(text: &str) -> String {
    let parsed = parse("slo.toml", text);
    parsed.problems.iter().map(|p| p.to_string()).collect::<Vec<_>>().join("\n")
}

#[test]
fn reads_the_whole_schema() {
    let parsed = parse("slo.toml", WHOLE);
    assert_eq!(parsed.problems, []);
    insta::assert_debug_snapshot!(parsed.value, @r#"
    Slo {
        service: "payment-gateway",
        objectives: [
            Objective {
                name: "authorize-latency",
                description: "99 % of POST /authorize within 200 ms",
                operation: "POST /authorize",
                target: 0.99,
                limit_ns: 200000000,
                window: Some(
                    (
                        2419200,
                        true,
                    ),
                ),
            },
        ],
        budgets: [
            Budget {
                slo: "authorize-latency",
                function: Some(
                    "gateway::audit::*",
                ),
                span: None,
                own_ns: 3000000,
                allocations: Some(
                    20,
                ),
                syscalls: Some(
                    0,
                ),
            },
        ],
        sources: [
            Source {
                file: "perf/authorize.perf.data",
                binary: Some(
                    "target/release/gateway",
                ),
                commit: None,
                recorded: None,
                line: 7,
            },
            Source {
                file: "perf/requests.jsonl",
                binary: None,
                commit: None,
                recorded: None,
                line: 10,
            },
        ],
        limits: Limits {
            peak_rss: Some(
                125829120,
            ),
            binary_size: Some(
                15728640,
            ),
            cache_miss_rate: Some(
                0.04,
            ),
            gpu_memory: Some(
                25769803776,
            ),
        },
        code: Code {
            root: "services/gateway",
            packages: [
                "gateway",
                "risk",
            ],
            features: [
                "default",
            ],
            profile: "release",
            own: [
                "pay-*",
            ],
            generated: [
                "src/pb/**",
            ],
            clippy: "target/clippy.jsonl",
        },
        workloads: [
            Workload {
                slo: "authorize-latency",
                build: "cargo build --release --bins",
                run: "target/release/gateway --port {port}",
                ready: "GET http://127.0.0.1:{port}/health",
                load: "target/release/load --port {port} --requests 2000 --log {log}",
                test_quick: "cargo test -p gateway",
                test: "cargo test --workspace",
            },
        ],
        gate: Gate {
            min_effect: 0.01,
            confidence: 0.95,
            max_time_ns: 90000000000,
        },
        reviews: [
            ReviewRule {
                role: "security",
                when: Paths(
                    [
                        "**/auth/**",
                    ],
                ),
            },
            ReviewRule {
                role: "concurrency",
                when: SyncPrimitives,
            },
        ],
        sprint: Some(
            SprintPlan {
                days: 3,
                slo: "authorize-latency",
            },
        ),
    }
    "#);
}

#[test]
fn a_minimal_file_gets_the_defaults() {
    let parsed = parse("slo.toml", &format!("{START}{SLO}"));
    assert_eq!(parsed.problems, []);
    assert_eq!((parsed.value.code.root.as_str(), parsed.value.code.profile.as_str()), (".", "release"));
    assert_eq!(parsed.value.objectives[0].operation, "");
}

#[test]
fn several_quantiles_become_several_objectives_and_the_tail_keeps_the_name() {
    let text = format!(
        "{START}[[slo]]\nname = \"a\"\np90 = \"80ms\"\np999 = \"1.5s\"\n[[slo.objective]]\ntarget_percent = 99\nop = \"lte\"\nvalue = \"200ms\"\n"
    );
    let parsed = parse("slo.toml", &text);
    assert_eq!(parsed.problems, []);
    let all: Vec<_> =
        parsed.value.objectives.iter().map(|o| (o.name.as_str(), o.target, o.limit_ns / 1_000_000)).collect();
    assert_eq!(all, [("a", 0.999, 1500), ("a-p99", 0.99, 200), ("a-p90", 0.9, 80)]);
}

#[test]
fn unknown_keys_are_told_with_the_nearest_name() {
    let text =
        format!("{START}[[slo]]\nname = \"a\"\nopreation = \"GET /\"\np99 = \"1s\"\n[limits]\ncolour = 3\n[servcie]\n");
    insta::assert_snapshot!(problems(&text), @r"
    error: [[slo]] has no key `opreation`
      --> slo.toml:5:1
      help: did you mean `operation`?
    error: [limits] has no key `colour`
      --> slo.toml:8:1
      help: [limits] takes `peak_rss`, `binary_size`, `cache_miss_rate` and `gpu_memory`
    error: slo.toml has no key `servcie`
      --> slo.toml:9:2
      help: did you mean `service`?
    ");
}

#[test]
fn a_missing_unit_is_told_with_what_to_write() {
    insta::assert_snapshot!(problems(&format!("{START}[[slo]]\nname = \"a\"\np99 = 200\n")), @r#"
    error: [[slo]]: `p99 = 200` has no unit
      --> slo.toml:5:7
      help: write `p99 = "200ms"`, if ms is meant
    "#);
    insta::assert_snapshot!(problems(&format!("{START}{SLO}[limits]\npeak_rss = \"120\"\n")), @r#"
    error: [limits]: `peak_rss = "120"` has no unit
      --> slo.toml:7:12
      help: write `peak_rss = "120MiB"`, if MiB is meant
    "#);
}

#[test]
fn percent_and_fraction_are_told_apart() {
    let text = format!(
        "{START}[[slo]]\nname = \"a\"\nobjective = {{ target = 99, value = \"200ms\" }}\n[gate]\nconfidence = 95\n"
    );
    insta::assert_snapshot!(problems(&text), @r#"
    error: `objective` of [[slo]]: `target` is 99, a percentage where a fraction is meant
      --> slo.toml:5:24
      help: write `target = 0.99` or `target = "99%"`
    error: [gate]: `confidence` is 95, a percentage where a fraction is meant
      --> slo.toml:7:14
      help: write `confidence = 0.95` or `confidence = "95%"`
    "#);
    let text = format!("{START}[[slo]]\nname = \"a\"\nobjective = {{ target_percent = 0.99, value = \"200ms\" }}\n");
    insta::assert_snapshot!(problems(&text), @r"
    error: `objective` of [[slo]]: `target_percent` is 0.99, a fraction where a percentage is meant
      --> slo.toml:5:32
      help: write `target = 0.99`
    ");
}

#[test]
fn a_quantile_with_a_point_is_told() {
    insta::assert_snapshot!(problems(&format!("{START}[[slo]]\nname = \"a\"\np99.9 = \"1s\"\n")), @r"
    error: `p99.…` in [[slo]]: a point separates keys in TOML
      --> slo.toml:5:1
      help: write the quantile without a point: `p999` for the 99.9th percentile
    ");
}

#[test]
fn an_unknown_objective_is_told_with_the_nearest_name() {
    let text = format!(
        "{START}{SLO}[[budget]]\nslo = \"latncy\"\nspan = \"db\"\nown = \"3ms\"\n[sprint]\nslo = \"checkout\"\n"
    );
    insta::assert_snapshot!(problems(&text), @r#"
    error: [[budget]] names an unknown objective "latncy"
      --> slo.toml:7:7
      help: did you mean "latency"?
    error: [sprint] names an unknown objective "checkout"
      --> slo.toml:11:7
      help: there is `latency`
    "#);
}

#[test]
fn budgets_that_sum_to_more_than_the_objective_are_told() {
    let budget = |function: &str, own: &str| {
        format!("[[budget]]\nslo = \"latency\"\nfunction = \"{function}\"\nown = \"{own}\"\n")
    };
    let text = format!("{START}{SLO}{}{}", budget("a::*", "150ms"), budget("b::*", "50.5ms"));
    insta::assert_snapshot!(problems(&text), @r#"
    error: the budgets of functions of "latency" sum to 200.5ms, more than its 200ms
      --> slo.toml:13:7
      help: lower them until they sum to at most 200ms
    "#);
}

#[test]
fn budgets_of_functions_and_of_spans_are_summed_apart() {
    let text = format!(
        "{START}{SLO}[[budget]]\nslo = \"latency\"\nfunction = \"a::*\"\nown = \"150ms\"\n[[budget]]\nslo = \"latency\"\nspan = \"a\"\nown = \"150ms\"\n"
    );
    assert_eq!(problems(&text), "");
}

#[test]
fn duplicates_are_told_with_the_first_place() {
    let text = format!("{START}{SLO}{SLO}[[source]]\nfile = \"a\"\n[[source]]\nfile = \"a\"\n");
    insta::assert_snapshot!(problems(&text), @r#"
    error: objective "latency" is there twice, first in line 3
      --> slo.toml:6:1
      help: give each [[slo]] a name of its own
    error: source "a" is there twice, first in line 10
      --> slo.toml:12:8
      help: keep one of them
    "#);
}

#[test]
fn wrong_types_are_told() {
    let text = "version = 1\nservice = \"shop\"\nslo = 3\n[code]\npackages = \"gateway\"\n[source]\nfile = [1]\n[[review]]\nrole = true\n";
    insta::assert_snapshot!(problems(text), @r#"
    error: slo.toml: `version` is an integer
      --> slo.toml:1:11
      help: write text in quotes: `version = "…"`
    error: `service` is a string
      --> slo.toml:2:11
      help: write it as a table, [service]
    error: `slo` is an integer
      --> slo.toml:3:7
      help: write it as tables, [[slo]]
    error: [code]: `packages` is a string
      --> slo.toml:5:12
      help: write a list of texts: `packages = ["…"]`
    error: `source` is a single table
      --> slo.toml:6:1
      help: write [[source]]: there may be several
    error: [[source]]: `file` is an array
      --> slo.toml:7:8
      help: write text in quotes: `file = "…"`
    error: [[review]]: `role` is a boolean
      --> slo.toml:9:8
      help: write text in quotes: `role = "…"`
    "#);
}

#[test]
fn what_is_missing_is_told() {
    insta::assert_snapshot!(problems(""), @r#"
    error: slo.toml has no `version`
      --> slo.toml:1:1
      help: add `version = "slo/v1"` as the first line
    error: there is no [service]
      --> slo.toml:1:1
      help: add `[service]` with `name = "my-service"`
    error: there is no objective
      --> slo.toml:1:1
      help: add `[[slo]]` with `name = "authorize-latency"` and `p99 = "200ms"`
    "#);
    insta::assert_snapshot!(problems(&format!("{START}[[slo]]\n[[budget]]\n[[workload]]\n[[source]]\n[[review]]\nwhen = {{}}\n[sprint]\n")), @r#"
    error: [[slo]] has no `name`
      --> slo.toml:3:1
      help: add `name = "authorize-latency"`
    error: [[slo]] has no target
      --> slo.toml:3:1
      help: add `p99 = "200ms"`
    error: [[budget]] has no `slo`
      --> slo.toml:4:1
      help: add `slo = "…"`, the objective it is a part of
    error: [[budget]] says neither `function` nor `span`
      --> slo.toml:4:1
      help: add `function = "gateway::audit::*"` or `span = "fraud-score"`
    error: [[budget]] has no `own`
      --> slo.toml:4:1
      help: add `own = "3ms"`, the time granted per request
    error: [[workload]] has no `slo`
      --> slo.toml:5:1
      help: add `slo = "…"`, the objective it exercises
    error: [[source]] has no `file`
      --> slo.toml:6:1
      help: add `file = "perf/run.perf.data"`, what was measured
    error: [[review]] has no `role`
      --> slo.toml:7:1
      help: add `role = "security"`, who must sign
    error: `when` of [[review]] has no `touches`
      --> slo.toml:8:8
      help: add `touches = "sync-primitives"` or `paths = ["**/auth/**"]`
    error: [sprint] has no `slo`
      --> slo.toml:9:1
      help: add `slo = "…"`, the objective of the sprint
    "#);
}

#[test]
fn names_are_labels() {
    let text = "version = \"slo/v1\"\n[service]\nname = \"Payment Gateway\"\n[[slo]]\nname = \"ÄÖ\"\np99 = \"1s\"\n";
    insta::assert_snapshot!(problems(text), @r#"
    error: [service]: `name` is "Payment Gateway", which is no name
      --> slo.toml:3:8
      help: write `name = "payment-gateway"`: lower-case letters, digits and hyphens, at most 63
    error: [[slo]]: `name` is "ÄÖ", which is no name
      --> slo.toml:5:8
      help: a name is lower-case letters, digits and hyphens, at most 63
    "#);
}

#[test]
fn a_syntax_error_is_told_once_and_the_rest_is_still_read() {
    let text = "version = \"slo/v1\"\n[service]\nname = \"shop\n[[slo]]\nname = \"a\"\np99 = 200\n";
    insta::assert_snapshot!(problems(text), @r#"
    error: this is no TOML: invalid basic string
      --> slo.toml:3:13
      help: expected here: `"`
    error: [[slo]]: `p99 = 200` has no unit
      --> slo.toml:6:7
      help: write `p99 = "200ms"`, if ms is meant
    "#);
    insta::assert_snapshot!(problems("version = \"slo/v1\"\nversion = \"slo/v1\"\n[service]\n[service]\n"), @r"
    error: `version` is given twice
      --> slo.toml:2:1
      help: keep one of them
    error: `service` is given twice
      --> slo.toml:4:2
      help: keep one of them
    ");
}

#[test]
fn columns_count_characters_and_line_ends_may_be_crlf() {
    let text = "version = \"slo/v1\"\r\nservice = { name = \"shop\" }\r\n[[slo]]\r\nname = \"a\"\r\ntime_window = { duration = \"é8d\", roling = true }\r\np99 = \"1s\"\r\n";
    insta::assert_snapshot!(problems(text), @r#"
    error: `time_window` of [[slo]]: `duration` is "é8d", which is no time window
      --> slo.toml:5:28
      help: write a number and a unit, such as "200d"
    error: `time_window` of [[slo]] has no key `roling`
      --> slo.toml:5:35
      help: did you mean `rolling`?
    "#);
}

#[test]
fn odd_values_are_told() {
    let text = format!(
        "{START}[[slo]]\nname = \"a\"\nobjective = {{ target = 0.99, op = \"gte\", value = \"0ms\" }}\n[[slo]]\nname = \"b\"\np100 = \"1s\"\n\
         [[budget]]\nslo = \"a\"\nfunction = \"src/audit.rs\"\nspan = \"x\"\nown = \"3 ms\"\nper_call = {{ allocations = -1 }}\n\
         [[review]]\nrole = \"x\"\nwhen = {{ touches = \"locks\" }}\n[sprint]\ndays = 0\nslo = \"b\"\n"
    );
    insta::assert_snapshot!(problems(&text), @r#"
    error: `objective` of [[slo]]: `op` is "gte"
      --> slo.toml:5:35
      help: write `op = "lte"`: a latency objective is an upper limit
    error: `objective` of [[slo]]: `value` is zero
      --> slo.toml:5:50
      help: no request is served in no time: write a limit such as "200ms"
    error: [[slo]] has no target
      --> slo.toml:6:1
      help: add `p99 = "200ms"`
    error: [[slo]] has no key `p100`
      --> slo.toml:8:1
      help: [[slo]] takes `name`, `description`, `operation`, `time_window`, `objective`, `p50`, `p90`, `p95`, `p99` and `p999`
    error: [[budget]]: `function` is "src/audit.rs", which is no path of a function
      --> slo.toml:11:12
      help: write it as Rust does, with `*` for any: "gateway::audit::*"
    error: [[budget]]: `own` is "3 ms", and " ms" is a unit with spaces
      --> slo.toml:13:7
      help: write "3ms"
    error: `per_call` of [[budget]]: `allocations` is -1
      --> slo.toml:14:28
      help: write a whole number from 0, without quotes
    error: `when` of [[review]]: `touches` is "locks"
      --> slo.toml:17:20
      help: write `touches = "sync-primitives"`
    error: [sprint]: `days` is 0
      --> slo.toml:19:8
      help: a sprint takes 1 to 366 days; 3 is usual
    "#);
}

#[test]
fn commands_of_a_workload_may_mention_port_and_log_only() {
    let text = format!(
        "{START}{SLO}[[workload]]\nslo = \"latency\"\nrun = \"./serve --port {{prot}} ${{HOME}} '{{ }}'\"\nload = \"./load\"\n"
    );
    insta::assert_snapshot!(problems(&text), @r"
    warning: neither `run` nor `load` of [[workload]] writes a {log}
      --> slo.toml:6:1
      help: let one of them write the request log to {log}: without it no quantile is measured
    error: `run` of [[workload]] mentions {prot}, which nothing fills in
      --> slo.toml:8:7
      help: {port} and {log} are filled in
    ");
}

#[test]
fn every_prefix_of_a_file_is_read_without_a_panic() {
    for end in (0..WHOLE.len()).filter(|i| WHOLE.is_char_boundary(*i)) {
        parse("slo.toml", &WHOLE[..end]);
    }
}

#[test]
fn all_commands_are_listed_once() {
    let parsed = parse("slo.toml", WHOLE);
    insta::assert_snapshot!(commands(&parsed.value).join("\n"), @r"
    cargo check --all-targets
    cargo build --release --bins
    target/release/gateway --port {port}
    target/release/load --port {port} --requests 2000 --log {log}
    cargo test -p gateway
    cargo test --workspace
    ");
}
