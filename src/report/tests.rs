//! Ledgers in, the reports that people read out.

use super::*;
use crate::model::{
    Basis, Class, Contribution, Decision, Evidence, Eye, FindingCost, FunctionId, Interval, Kind, RowKind, RuleId,
    Rung, RungState, Spent,
};

fn row(kind: RowKind, name: &str, c_ms: f64) -> Contribution {
    let is_function = kind == RowKind::Function;
    Contribution {
        kind,
        name: name.into(),
        function: is_function.then(|| FunctionId(name.into())),
        file: if is_function { "src/a.rs".into() } else { String::new() },
        line: 7,
        c_ms,
        ci_ms: Interval { low: c_ms - 1.0, high: c_ms + 1.0 },
        mean_ms: c_ms / 4.0,
        self_ms: 0.1,
        total_ms: c_ms,
        share: 0.1,
        budget_ms: is_function.then_some(3.0),
        over_ms: 0.0,
        band: 1,
        samples: 900,
        cohort_samples: 90,
        allocated: None,
    }
}

fn split() -> ObjectiveSplit {
    ObjectiveSplit {
        slo: "authorize-latency".into(),
        operation: "POST /authorize".into(),
        quantile: 0.99,
        limit_ms: 200.0,
        measured_ms: Some(243.0),
        ci_ms: Interval { low: 236.0, high: 251.0 },
        requests: 4_000,
        good_ratio: 0.95,
        gap_ms: 43.0,
        basis: Basis::JoinedSamples,
        rows: vec![
            row(RowKind::Function, "gateway::audit::write", 121.0),
            row(RowKind::Wait, "acquirer", 88.0),
            row(RowKind::Unattributed, "unplaced", 34.0),
        ],
        sum_ms: 243.0,
        smallest_set: vec![FunctionId("gateway::audit::write".into())],
        smallest_set_ms: 121.0,
        reachable: true,
        histogram: vec![],
    }
}

fn entry(id: &str, decision: Decision, state: RungState) -> Entry {
    let evidence = Rung::ALL.iter().map(|rung| Evidence {
        rung: *rung,
        state,
        detail: "61 tests".into(),
        ms: 1,
        log: String::new(),
        cached: false,
    });
    let id = RewriteId(id.into());
    let verdict = Verdict::judge(id.clone(), "t".into(), evidence.collect(), None, false);
    let review =
        Review { rewrite: id.clone(), decisions: vec![decision], reviewer: "Lead <l@x>".into(), ..Review::default() };
    let rewrite = Rewrite {
        id,
        rule: RuleId("flush-per-call"),
        eye: Eye::Boundary,
        kind: Kind::FlushLogging,
        class: Class::B,
        file: "src/audit.rs".into(),
        line: 20,
        end_line: 24,
        function: FunctionId("gateway::audit::write".into()),
        title: "buffer a|b in audit::write".into(),
        finding: String::new(),
        edits: vec![],
        touched: vec![],
        diff: String::new(),
        preconditions: vec![],
        obligations: vec![],
        hunks_independent: false,
        cost: Some(FindingCost { c_ms: 60.0, ci_ms: Interval::default(), basis: "lines" }),
    };
    Entry { rewrite, review, verdict: Some(verdict) }
}

fn ledger() -> Ledger {
    Ledger {
        service: "payment-gateway".into(),
        at: 1_795_297_380,
        objectives: vec![split()],
        proposals: vec![
            entry("r0000001", Decision::Accepted, RungState::Passed),
            entry("r0000002", Decision::Accepted, RungState::Passed),
            entry("r0000003", Decision::Undecided, RungState::Untested),
            entry("r0000004", Decision::Rejected("audit must be durable".into()), RungState::Passed),
        ],
        landed: vec![
            Landed {
                commit: "4b825dc642cb6eb9".into(),
                title: "Buffer audit::write".into(),
                rewrite: RewriteId("r0000001".into()),
                rule: "flush-per-call".into(),
                predicted: String::new(),
                measured: "0.42 [0.40, 0.45] of the time per call".into(),
                reviewer: "Lead <l@x>".into(),
                forced: String::new(),
            },
            Landed {
                commit: "5c825dc642cb6eb9".into(),
                title: "Hoist Regex::new".into(),
                reviewer: "Lead <l@x>".into(),
                forced: "incident".into(),
                ..Landed::default()
            },
        ],
        sources: vec![SourceQuality {
            file: "perf/r.txt.zst".into(),
            format: "perf script".into(),
            samples: 48_000,
            ..SourceQuality::default()
        }],
        ..Ledger::default()
    }
}

fn measurement(difference_ms: (f64, f64, f64), after_ms: (f64, f64, f64)) -> ObjectiveMeasurement {
    ObjectiveMeasurement {
        slo: "authorize-latency".into(),
        limit_ms: 200.0,
        before_ms: (243.0, 236.0, 251.0),
        after_ms,
        difference_ms,
        requests: 8_000,
        trees: ("aaaaaaaaaaaa".into(), "bbbbbbbbbbbb".into()),
        spent: Spent::default(),
    }
}

#[test]
fn what_the_stack_spends_stands_beside_the_base_and_what_got_worse_is_said_first() {
    let with = |spent: Spent| {
        let mut ledger = ledger();
        ledger.measured =
            vec![ObjectiveMeasurement { spent, ..measurement((-58.0, -66.0, -50.0), (185.0, 179.0, 192.0)) }];
        markdown(&ledger).expect("it renders")
    };
    let table = String::from("             base  candidate\npeak memory  30.5 MiB   31.0 MiB");
    let kept = with(Spent { table: table.clone(), ..Spent::default() });
    assert!(kept.contains(&format!("```text\n{table}\n```")), "{kept}");
    assert!(kept.contains("Nothing else got worse. What base and stack spend on the workload of authorize-latency:"));
    let unknown = with(Spent { table: table.clone(), unknown: vec!["GPU memory".into()], ..Spent::default() });
    assert!(unknown.contains("Nothing else that could be measured got worse; not measured: GPU memory."), "{unknown}");
    let worse =
        with(Spent { table, worse: vec!["peak memory 30.5 MiB to 44.0 MiB (+44 %)".into()], ..Spent::default() });
    assert!(worse.contains("**Worse: peak memory 30.5 MiB to 44.0 MiB (+44 %).**") && !worse.contains("Nothing else"));
    assert!(!with(Spent::default()).contains("```text"), "without a run there is no table");
}

#[test]
fn a_report_tells_what_was_found_changed_proved_and_won() {
    let mut ledger = ledger();
    ledger.measured = vec![measurement((-58.0, -66.0, -50.0), (185.0, 179.0, 192.0))];
    insta::assert_snapshot!(markdown(&ledger).expect("it renders"), @r"
    # payment-gateway: what was found, changed, proved and won

    Made 2026-11-21 21:43 UTC by Refit 0.1.0.

    0 findings, 4 with a rewrite; 2 landed.

    **authorize-latency**: at least 50.0 ms won (point estimate 58.0 ms); 185.0 ms of 200.0 ms, within the limit.

    ## Objectives

    | objective | operation | quantile | limit ms | recorded ms [95 %] | over ms | requests | basis |
    | --- | --- | --- | --- | --- | --- | --- | --- |
    | authorize-latency | POST /authorize | p99 | 200.0 | 243.0 [236.0, 251.0] | +43.0 | 4000 | samples+requests |

    Measured again on the accepted stack:

    | objective | before ms [95 %] | after ms [95 %] | difference ms [95 %] | requests per arm | trees |
    | --- | --- | --- | --- | --- | --- |
    | authorize-latency | 243.0 [236.0, 251.0] | 185.0 [179.0, 192.0] | -58.0 [-66.0, -50.0] | 8000 | aaaaaaaa → bbbbbbbb |

    ## Where the quantile goes

    p99 of authorize-latency, basis samples+requests; the rows sum to 243.0 ms.

    | kind | name | place | ms of the quantile [95 %] | mean ms | budget ms |
    | --- | --- | --- | --- | --- | --- |
    | function | `gateway::audit::write` | src/a.rs:7 | 121.00 [120.00, 122.00] | 30.25 | 3.00 |
    | wait | `acquirer` |  | 88.00 [87.00, 89.00] | 22.00 |  |
    | unattributed | `unplaced` |  | 34.00 [33.00, 35.00] | 8.50 |  |

    ## Landed

    | commit | change | rule | time per call, new over old | signed by |
    | --- | --- | --- | --- | --- |
    | 4b825dc6 | Buffer audit::write | flush-per-call | 0.42 [0.40, 0.45] of the time per call | Lead <l@x> |
    | 5c825dc6 | Hoist Regex::new |  | not measured | **FORCED** Lead <l@x> |

    Landed without full evidence:

    - **FORCED** 5c825dc6 Hoist Regex::new: incident

    ## Proved, waiting to land

    | id | change | place | wins at most ms (basis) | state | by |
    | --- | --- | --- | --- | --- | --- |
    | r0000002 | buffer a\|b in audit::write | src/audit.rs:20 | 60.00 (lines) | proved | every rung holds |

    ## Not proved

    | id | change | place | wins at most ms (basis) | state | by |
    | --- | --- | --- | --- | --- | --- |
    | r0000003 | buffer a\|b in audit::write | src/audit.rs:20 | 60.00 (lines) | untested | compiles: 61 tests |

    ## Rejected by reviewers

    | id | change | place | reason | by |
    | --- | --- | --- | --- | --- |
    | r0000004 | buffer a\|b in audit::write | src/audit.rs:20 | audit must be durable | Lead <l@x> |

    ## Found, without a rewrite

    None.

    ## How it was measured

    | source | format | samples | lost | unresolved frames | truncated stacks | malformed lines |
    | --- | --- | --- | --- | --- | --- | --- |
    | perf/r.txt.zst | perf script | 48000 | 0 | 0 | 0 | 0 |

    Milliseconds of a quantile are `E[T_f | L = Q_q(L)]` over the requests around the quantile; brackets are 95 % intervals from a bootstrap over requests. The time of a proposal is new over old of the touched function, timed in random order in one process beside a base-against-base control. An objective is measured again on the accepted stack as a whole.
    ");
}

#[test]
fn without_a_second_measurement_nothing_is_claimed() {
    let text = markdown(&ledger()).expect("it renders");
    assert!(text.contains(
        "0 findings, 4 with a rewrite; 2 landed. No objective was measured again, so nothing is claimed to be won."
    ));
    assert!(!text.contains("Measured again"));
}

#[test]
fn a_difference_around_zero_is_no_win() {
    let same = measurement((-3.0, -9.0, 2.0), (240.0, 230.0, 250.0));
    insta::assert_snapshot!(won(&same), @"**authorize-latency**: no change shown: the interval of the difference includes zero; 240.0 ms of 200.0 ms, over the limit.");
    let worse = measurement((8.0, 3.0, 12.0), (251.0, 244.0, 258.0));
    insta::assert_snapshot!(won(&worse), @"**authorize-latency**: slower by at least 3.0 ms (point estimate 8.0 ms); 251.0 ms of 200.0 ms, over the limit.");
    let close = measurement((-50.0, -60.0, -40.0), (198.0, 190.0, 206.0));
    insta::assert_snapshot!(won(&close), @"**authorize-latency**: at least 40.0 ms won (point estimate 50.0 ms); 198.0 ms of 200.0 ms, within the limit by its point estimate, not by its whole interval.");
}

#[test]
fn what_the_split_predicted_stands_beside_what_came_out() {
    let mut ledger = ledger();
    ledger.measured = vec![measurement((-50.0, -60.0, -40.0), (190.0, 185.0, 195.0))];
    assert!(!markdown(&ledger).expect("it renders").contains("predicted"));
    ledger.landed[0].predicted = "at most 31.2 ms of the measured quantile, 18.1 ms by the measured ratio".into();
    ledger.landed[1].predicted = "at most 10.0 ms of the measured quantile".into();
    let text = markdown(&ledger).expect("it renders");
    assert!(
        text.contains("The split of the recording predicted at most 41.2 ms less (18.1 ms by the ratio of the one that was timed)."),
        "{text}"
    );
}

#[test]
fn an_empty_ledger_still_makes_a_report() {
    let text = markdown(&Ledger { service: "x".into(), ..Ledger::default() }).expect("it renders");
    assert!(text.contains("Nothing landed yet."));
}

#[test]
fn quantiles_have_their_usual_names() {
    assert_eq!(
        (quantile_name(0.99), quantile_name(0.999), quantile_name(0.5)),
        ("p99".into(), "p999".into(), "p50".into())
    );
}
