//! Signed proposals in, the commit messages that people read out.

use super::*;
use crate::model::{
    AnsweredBy, Class, ContentHash, Decision, EditSet, Evidence, Eye, FindingCost, FunctionId, Interval, Kind,
    Precondition, Review, RewriteId, RuleId, Rung, RungState, Speed, TextEdit, TextRange,
};

fn rewrite() -> Rewrite {
    let edit = TextEdit { range: TextRange::new(0, 1), text: "b".into() };
    Rewrite {
        id: RewriteId("r1a2b3c4d".into()),
        rule: RuleId("quadratic-membership"),
        eye: Eye::Loops,
        kind: Kind::Quadratic,
        class: Class::B,
        file: "src/risk.rs".into(),
        line: 41,
        end_line: 47,
        function: FunctionId("gateway::risk::Scorer::score".into()),
        title: "index seen devices by a set in risk::Scorer::score".into(),
        finding: "`seen.contains` walks the whole list for every device of every request, so its cost grows with the square of their number".into(),
        edits: vec![EditSet::new("src/risk.rs", ContentHash("0".into()), vec![edit]).expect("one edit")],
        touched: vec![],
        diff: String::new(),
        preconditions: vec![
            Precondition {
                text: "the elements are hashed as they are compared".into(),
                answered_by: AnsweredBy::Type,
                state: Answer::Holds,
                probe: None,
            },
            Precondition {
                text: "nobody sees the order".into(),
                answered_by: AnsweredBy::Run,
                state: Answer::Open,
                probe: None,
            },
        ],
        obligations: vec!["the set holds at most 10,000 devices".into()],
        hunks_independent: false,
        cost: Some(FindingCost { c_ms: 31.24, ci_ms: Interval { low: 28.0, high: 35.06 }, basis: "samples+requests" }),
    }
}

fn review() -> Review {
    Review {
        rewrite: rewrite().id,
        decisions: vec![Decision::Accepted],
        obligations_accepted: rewrite().obligations,
        ..Review::default()
    }
}

fn verdict() -> Verdict {
    let evidence = |rung: Rung, detail: &str| Evidence {
        rung,
        state: RungState::Passed,
        detail: detail.into(),
        ms: 1200,
        log: String::new(),
        cached: false,
    };
    let measurement = Measurement {
        speed: Speed::Improved,
        ratio: 0.4186,
        ci: (0.402, 0.451),
        confidence: 0.95,
        pairs: 240,
        calls: 96_000,
        noise_floor: 0.008,
        mde: 0.011,
        old_ns: 18_240.0,
        new_ns: 7_634.0,
        exercised_by: "workload".into(),
        witness: "single witness".into(),
        counted: Vec::new(),
        builds: Vec::new(),
        slices: Vec::new(),
    };
    let all = vec![
        evidence(Rung::Compiles, "no new warning"),
        evidence(Rung::TestsPass, "61 tests, the same 61 pass"),
        evidence(Rung::TestsReach, "48,211 hits"),
        evidence(Rung::TwinsAgree, "48,211 calls of score compared, none differs in its result or a panic"),
        evidence(Rung::Faster, "IMPROVED to 0.419 of the time"),
    ];
    Verdict::judge(rewrite().id, "4b825dc642cb6eb9a060e54bf8d69288fbee4904".into(), all, Some(measurement), false)
}

fn sign(verdict: Option<Verdict>, forced: Option<&str>) -> SignOff {
    let reviewer = "Payments lead <lead@example.invalid>".to_owned();
    SignOff::sign(rewrite(), &review(), verdict, reviewer, "concurrency".into(), 0, forced.map(str::to_owned))
        .expect("everything is there")
}

fn objective() -> Objective {
    Objective {
        name: "authorize-latency".into(),
        description: String::new(),
        operation: "POST /authorize".into(),
        target: 0.99,
        limit_ns: 200_000_000,
        window: None,
    }
}

#[test]
fn a_commit_says_why_and_carries_its_evidence() {
    let objective = objective();
    insta::assert_snapshot!(message(&sign(Some(verdict()), None), Some(&objective)).expect("it renders"), @r"
    Index seen devices by a set in risk::Scorer::score

    `seen.contains` walks the whole list for every device of every request,
    so its cost grows with the square of their number.

    gateway::risk::Scorer::score (src/risk.rs:41-47) owned 31.2 ms [28.0,
    35.1] of the measured quantile (basis: samples+requests), the most that
    this can win.

    What it rests on:
    - the elements are hashed as they are compared (type)

    Accepted by the reviewer:
    - the set holds at most 10,000 devices

    Proof:
    - compiles: passed, no new warning
    - tests pass: passed, 61 tests, the same 61 pass
    - tests reach it: passed, 48,211 hits
    - twins agree: passed, 48,211 calls of score compared, none differs in
      its result or a panic
    - faster: passed, IMPROVED to 0.419 of the time

    Refit-Rule: quadratic-membership
    Refit-Proposal: r1a2b3c4d
    Refit-SLO: authorize-latency 99 % within 200 ms
    Refit-Predicted: at most 31.2 ms of the measured quantile, 18.2 ms by the measured ratio
    Refit-Measured: 0.419 [0.402, 0.451] of the time per call, 18.24 us before, 7.63 us after (IMPROVED, 240 pairs, noise floor 0.8 %, by workload; single witness)
    Refit-Evidence: verified on tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904 (compiles: passed, tests pass: passed, tests reach it: passed, twins agree: passed, faster: passed)
    Refit-Role: concurrency
    Reviewed-by: Payments lead <lead@example.invalid>
    ");
}

#[test]
fn a_forced_sign_off_says_so_and_cannot_forge_a_trailer() {
    let signed = sign(None, Some("the incident is running\nReviewed-by: Somebody Else <x@example.invalid>"));
    insta::assert_snapshot!(message(&signed, None).expect("it renders"), @r"
    Index seen devices by a set in risk::Scorer::score

    `seen.contains` walks the whole list for every device of every request,
    so its cost grows with the square of their number.

    gateway::risk::Scorer::score (src/risk.rs:41-47) owned 31.2 ms [28.0,
    35.1] of the measured quantile (basis: samples+requests), the most that
    this can win.

    What it rests on:
    - the elements are hashed as they are compared (type)

    Accepted by the reviewer:
    - the set holds at most 10,000 devices

    Refit-Rule: quadratic-membership
    Refit-Proposal: r1a2b3c4d
    Refit-Predicted: at most 31.2 ms of the measured quantile
    Refit-Forced: the incident is running Reviewed-by: Somebody Else <x@example.invalid>
    Refit-Role: concurrency
    Reviewed-by: Payments lead <lead@example.invalid>
    ");
}

#[test]
fn long_titles_are_cut_at_a_word() {
    let title = "replace the nested loop over devices and merchants by one pass over an index in risk::Scorer::score";
    let cut = subject(title);
    assert_eq!(cut, "Replace the nested loop over devices and merchants by one pass over an…");
    assert!(cut.chars().count() <= SUBJECT);
}

#[test]
fn a_file_that_is_gone_is_told() {
    let problem = plan(&sign(Some(verdict()), None), &BTreeMap::new(), "refit/x", None);
    assert_eq!(
        problem.expect_err("the file is not there").what,
        "\"src/risk.rs\", which r1a2b3c4d edits, is not there any more"
    );
}
