//! Proposals with costs and verdicts in; their order, groups, sums, risks and filters looked at.

use super::*;
use crate::model::{
    AnsweredBy, Evidence, Eye, FindingCost, Hunk, Kind, Measurement, Precondition, Review, Rewrite, RewriteId, RuleId,
    Rung, RungState, Verdict,
};
use crate::tui::widgets::diff::DiffRows;

fn proposal(id: &str, function: &str, cost: Option<f64>) -> Proposal {
    let cost = cost.map(|c| FindingCost { c_ms: c, ci_ms: Interval { low: c * 0.9, high: c * 1.1 }, basis: "lines" });
    let rewrite = Rewrite {
        id: RewriteId(id.into()),
        rule: RuleId("quadratic-membership"),
        eye: Eye::Loops,
        kind: Kind::Quadratic,
        class: Class::A,
        file: "src/risk.rs".into(),
        line: 1,
        end_line: 1,
        function: FunctionId(format!("svc::{function}")),
        title: format!("change {function}"),
        finding: String::new(),
        edits: Vec::new(),
        touched: Vec::new(),
        diff: String::new(),
        preconditions: Vec::new(),
        obligations: Vec::new(),
        hunks_independent: false,
        cost,
    };
    let (review, rows) = (Review::default(), DiffRows::default());
    Proposal {
        rewrite,
        hunks: Vec::new(),
        tokens: Vec::new(),
        review,
        verdict: None,
        signed: None,
        rows,
        compiles: false,
    }
}

/// With a verdict: every rung in this state, and this ratio of the old time.
fn proved(mut proposal: Proposal, state: RungState, ratio: f64) -> Proposal {
    let rung =
        |rung: &Rung| Evidence { rung: *rung, state, detail: "d".into(), ms: 1, log: String::new(), cached: false };
    let measurement = Measurement {
        speed: Speed::Improved,
        ratio,
        ci: (ratio - 0.05, ratio + 0.05),
        confidence: 0.95,
        pairs: 40,
        calls: 400,
        noise_floor: 0.01,
        mde: 0.02,
        old_ns: 100.0,
        new_ns: 100.0 * ratio,
        exercised_by: "tests".into(),
        witness: "single witness".into(),
        counted: Vec::new(),
        builds: Vec::new(),
        slices: Vec::new(),
    };
    let rungs = Rung::ALL.iter().map(rung).collect();
    let id = proposal.rewrite.id.clone();
    proposal.verdict = Some(Verdict::judge(id, "t".into(), rungs, Some(measurement), false));
    proposal
}

/// The ids in the order of the list, headings as `[name]`.
fn shown(proposals: &[Proposal], grouping: Grouping) -> Vec<String> {
    let listing = list(proposals, grouping, |_| true, |_| Some(20.0));
    let word = |line: &Line| match line {
        Line::Heading(group) => format!("[{}]", listing.groups[*group].0),
        Line::Proposal(at) => proposals[*at].rewrite.id.0.clone(),
    };
    listing.lines.iter().map(word).collect()
}

#[test]
fn proved_savings_stand_before_larger_bounds_and_what_was_refuted_stands_last() {
    let all = [
        proposal("unmeasured", "a", None),
        proved(proposal("refuted", "b", Some(90.0)), RungState::Failed, 0.1),
        proposal("bound", "c", Some(50.0)),
        proved(proposal("small", "d", Some(5.0)), RungState::Passed, 0.5),
        proposal("larger", "e", Some(60.0)),
        proved(proposal("large", "f", Some(30.0)), RungState::Passed, 0.5),
    ];
    assert_eq!(shown(&all, Grouping::Flat), ["large", "small", "larger", "bound", "unmeasured", "refuted"]);
}

#[test]
fn groups_stand_in_the_order_of_what_is_best_in_them() {
    let mut all = vec![proposal("a1", "a", Some(3.0)), proposal("b1", "b", Some(9.0)), proposal("a2", "a", Some(12.0))];
    assert_eq!(shown(&all, Grouping::Function), ["[svc::a]", "a2", "a1", "[svc::b]", "b1"]);
    all[1].rewrite.eye = Eye::Memory;
    assert_eq!(shown(&all, Grouping::Eye), ["[loops]", "a2", "a1", "[memory]", "b1"]);
    all[0].rewrite.rule = RuleId("defensive-copy");
    assert_eq!(shown(&all, Grouping::Rule), ["[quadratic-membership]", "a2", "b1", "[defensive-copy]", "a1"]);
}

#[test]
fn a_proved_saving_is_the_cost_times_what_timing_left_with_both_uncertainties() {
    let saving = saving(&proved(proposal("r", "a", Some(20.0)), RungState::Passed, 0.4));
    let Saving::Proved(ms, interval) = saving else { panic!("{saving:?}") };
    assert!((ms - 12.0).abs() < 1e-9, "{ms}");
    assert!((interval.low - 18.0 * 0.55).abs() < 1e-9 && (interval.high - 22.0 * 0.65).abs() < 1e-9, "{interval:?}");
}

#[test]
fn sums_of_one_function_are_no_more_than_it_owns() {
    let both = [proposal("r1", "a", Some(20.0)), proposal("r2", "a", Some(15.0)), proposal("r3", "b", Some(4.0))];
    let sums = list(&both, Grouping::Flat, |_| true, |_| Some(20.0)).all;
    assert_eq!((sums.at_most_ms, sums.apart_ms), (24.0, 39.0));
    assert!(sums.overlaps());
    let apart = list(&both[1..], Grouping::Flat, |_| true, |_| Some(20.0)).all;
    assert_eq!((apart.at_most_ms, apart.overlaps()), (19.0, false));
}

#[test]
fn two_savings_proved_apart_in_one_function_count_as_the_larger() {
    let first = proved(proposal("r1", "a", Some(20.0)), RungState::Passed, 0.5);
    let second = proved(proposal("r2", "a", Some(20.0)), RungState::Passed, 0.7);
    let sums = list(&[first, second, proposal("r3", "a", Some(20.0))], Grouping::Flat, |_| true, |_| Some(20.0)).all;
    assert!((sums.proved_ms - 10.0).abs() < 1e-9, "{sums:?}");
    assert!((sums.at_most_ms - 10.0).abs() < 1e-9, "what is won is not there to be won again: {sums:?}");
    assert!(sums.overlaps());
}

#[test]
fn risk_is_the_worst_of_what_a_reviewer_has_to_look_out_for() {
    let plain = proposal("r", "a", None);
    assert_eq!(risk(&plain), (Risk::Low, Vec::new()));
    let mut obliged = plain.clone();
    obliged.rewrite.obligations = vec!["order does not matter".into()];
    assert_eq!(risk(&obliged).0, Risk::Mid);
    let mut locked = obliged.clone();
    locked.hunks = vec![Hunk {
        file: "src/risk.rs".into(),
        index: 0,
        old_start: 1,
        old_lines: 1,
        new_start: 1,
        new_lines: 1,
        lines: Vec::new(),
        touches_sync: true,
    }];
    assert_eq!((risk(&locked).0, risk(&locked).1.len()), (Risk::High, 2));
    let mut open = plain;
    let text = String::from("its elements are hashed as they are compared");
    for (answered_by, expected) in [(AnsweredBy::Type, Risk::Low), (AnsweredBy::Run, Risk::Mid)] {
        let precondition = Precondition { text: text.clone(), answered_by, state: Answer::Open, probe: None };
        open.rewrite.preconditions = vec![precondition];
        assert_eq!(risk(&open).0, expected);
    }
}

#[track_caller]
fn passes(filter: &str, proposal: &Proposal, expected: bool) {
    let read = Filter::read(filter).expect("it reads");
    assert_eq!(read.passes(proposal, false), expected, "{filter}");
}

#[test]
fn filters_ask_for_words_and_for_what_the_columns_say() {
    let mut p = proposal("r1a2b", "risk::score", Some(3.0));
    for (filter, expected) in [
        ("", true),
        ("score", true),
        ("SCORE change", true),
        ("score nothing", false),
        ("risk::score", true),
        ("class:a", true),
        ("class:B", false),
        ("-class:B", true),
        ("rule:membership", true),
        ("eye:loop", true),
        ("eye:oops", false),
        ("state:open", true),
        ("state:proved", false),
        ("risk:low file:risk.rs", true),
        ("set:no", true),
        ("set:yes", false),
        ("class:", false),
        ("-", true),
    ] {
        passes(filter, &p, expected);
    }
    p = proved(p, RungState::Passed, 0.5);
    passes("state:proved", &p, true);
    passes("state:open", &p, false);
}

#[test]
fn an_unknown_name_of_a_filter_is_told_with_the_known_ones() {
    let problem = Filter::read("clas:A").expect_err("no such name");
    assert_eq!(problem.what, "no filter is called `clas`");
    assert!(problem.help.starts_with("one of class, rule, eye"), "{}", problem.help);
}
