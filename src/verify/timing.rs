//! What the twins wrote in; the measurement with its verdict, and the state of the rung, out.

use super::slices::{Group, groups, slices, tamed};
use super::stats::{Estimate, confidence_at, estimate_over, median};
use super::twin::Twin;
use super::witness::{self, Counts};
use crate::model::{Counted, Gate, Kind, Measurement, RuleId, RungState, Speed, duration};

/// Fewer slices than this say nothing.
const FEWEST: usize = 12;
/// Old and new are called the same within this many times the smallest effect worth landing.
const ALIKE: f64 = 5.0;
/// A ratio that is no further than this from 1 may come from where the linker put both bodies: it needs a second build, in
/// which they stand elsewhere.
const BY_LAYOUT: f64 = 0.1;
/// Confidence of the control of base against base.
const CONTROL: f64 = 0.99;

/// What is asked of the numbers.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Touched functions by their numbers.
    pub twins: &'a [Twin],
    /// Thresholds.
    pub gate: Gate,
    /// Kind of the proposal: it decides which witness counts.
    pub kind: Kind,
    /// Its rule: what saves calls that nothing here counts has no witness.
    pub rule: RuleId,
    /// How often the numbers were looked at before.
    pub look: usize,
    /// True if no more numbers will come.
    pub is_last: bool,
    /// `workload` or `tests`.
    pub exercised_by: &'a str,
}

/// What the numbers say.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessed {
    /// State of the rung.
    pub state: RungState,
    /// One line for people.
    pub detail: String,
    /// The measurement, where there were enough numbers.
    pub measurement: Option<Measurement>,
}

impl Assessed {
    fn undecided(detail: String) -> Assessed {
        Assessed { state: RungState::Undecided, detail, measurement: None }
    }

    /// True if more numbers would not change it.
    pub fn is_final(&self) -> bool {
        self.state != RungState::Undecided
    }

    /// True if what one build says is as little as another layout of the same code may make.
    pub fn needs_another_build(&self) -> bool {
        let may_be_layout = |m: &Measurement| m.ci.1 > 1.0 - BY_LAYOUT && m.ci.0 < 1.0 + BY_LAYOUT;
        self.measurement.as_ref().is_some_and(|m| m.builds.len() < 2 && may_be_layout(m))
    }
}

/// Judges what the touched function with the largest share of time took.
pub fn assess(written: &str, question: &Question) -> Assessed {
    let dominant = question.twins.iter().map(|t| (t, groups(written, t.number)));
    let weight = |builds: &[Vec<Group>]| builds.iter().flatten().map(|g| g.ns[0]).sum::<f64>();
    let Some((twin, builds)) = dominant.max_by(|(_, a), (_, b)| weight(a).total_cmp(&weight(b))) else {
        return Assessed::undecided(String::from("no touched function can be timed"));
    };
    let counts = Counts::of(written, twin.number);
    let counted = counts.counted(question.kind, question.rule);
    let calls: f64 = builds.iter().flatten().map(|g| g.calls).sum();
    let slices = slices(&tamed(builds));
    if slices.iter().map(Vec::len).sum::<usize>() < FEWEST {
        let made = if calls == 0.0 { String::from("no call") } else { format!("only {} calls", 3.0 * calls) };
        let by = question.exercised_by;
        return Assessed::undecided(format!(
            "{made} of {} by the {by}: too few to time it{}",
            twin.name,
            told(&counted)
        ));
    }
    let arms = |s: &Group| s.ns.map(|ns| ns / s.calls);
    let per_call: Vec<Vec<[f64; 3]>> = slices.iter().map(|build| build.iter().map(arms).collect()).collect();
    let (effect, control) = (arm(&per_call, 1), arm(&per_call, 2));
    let (low, high) = control.interval(CONTROL);
    let measurement = measurement(question, per_call, calls, effect, control, counted);
    if low > 0.0 || high < 0.0 {
        let off = percent(control.value.exp_m1());
        let detail = format!("void: the old code against itself differs by {off}, so nothing can be said");
        return Assessed { state: RungState::Undecided, detail, measurement: None };
    }
    judged(question, measurement, &counts, twin)
}

/// Ratio, its interval and the noise floor of a measurement, computed from the slices that were kept of it; `None` where
/// none were.
pub fn recomputed(m: &Measurement) -> Option<(f64, (f64, f64), f64)> {
    if m.slices.is_empty() || m.confidence == 0.0 {
        return None;
    }
    let builds = by_build(m);
    let (effect, control) = (arm(&builds, 1), arm(&builds, 2));
    let (low, high) = effect.interval(m.confidence);
    Some((effect.value.exp(), (low.exp(), high.exp()), floor(control)))
}

/// The slices of each build; all of one where it was not kept which is whose.
fn by_build(m: &Measurement) -> Vec<Vec<[f64; 3]>> {
    let mut rest = m.slices.as_slice();
    let mut builds = Vec::new();
    for n in &m.builds {
        let (own, others) = rest.split_at((*n as usize).min(rest.len()));
        builds.push(own.to_vec());
        rest = others;
    }
    builds.push(rest.to_vec());
    builds.retain(|b| !b.is_empty());
    builds
}

/// What an arm takes of the first, as a logarithm.
fn arm(builds: &[Vec<[f64; 3]>], arm: usize) -> Estimate {
    let ratios = |slices: &Vec<[f64; 3]>| slices.iter().map(|s| (s[arm] / s[0]).ln()).collect();
    estimate_over(&builds.iter().map(ratios).collect::<Vec<Vec<f64>>>())
}

fn floor(control: Estimate) -> f64 {
    let (low, high) = control.interval(CONTROL);
    ((high - low) / 2.0).exp_m1()
}

fn measurement(
    question: &Question,
    slices: Vec<Vec<[f64; 3]>>,
    calls: f64,
    effect: Estimate,
    control: Estimate,
    counted: Vec<Counted>,
) -> Measurement {
    let confidence = confidence_at(question.look, question.is_last, question.gate.confidence);
    let (low, high) = effect.interval(confidence);
    let ci = (low.exp(), high.exp());
    let noise_floor = floor(control);
    let delta = question.gate.min_effect.max(2.0 * noise_floor);
    let builds = slices.iter().map(|build| build.len() as u64).collect();
    let slices = slices.concat();
    // As robust as the ratio: in a mean over all calls, one interruption would outweigh thousands of short calls.
    let typical = |arm: usize| median(&mut slices.iter().map(|s| s[arm]).collect::<Vec<f64>>());
    Measurement {
        speed: speed(ci, delta, question.gate.min_effect),
        ratio: effect.value.exp(),
        ci,
        confidence,
        pairs: slices.len() as u64,
        calls: (2.0 * calls) as u64,
        noise_floor,
        mde: effect.detectable(confidence).exp_m1().max(delta),
        old_ns: typical(0),
        new_ns: typical(1),
        exercised_by: question.exercised_by.to_owned(),
        witness: witness::words(question.kind, &counted),
        counted,
        slices,
        builds,
    }
}

/// The four verdicts on an interval of the ratio. That both are the same is an equivalence claim: a noisy run widens
/// `delta`, and must not buy that claim with its noise.
pub fn speed((low, high): (f64, f64), delta: f64, min_effect: f64) -> Speed {
    let alike = delta.min(ALIKE * min_effect);
    if high < 1.0 - delta {
        Speed::Improved
    } else if low > 1.0 + delta {
        Speed::Regressed
    } else if low > 1.0 - alike && high < 1.0 + alike {
        Speed::Same
    } else {
        Speed::Inconclusive
    }
}

fn judged(question: &Question, measurement: Measurement, counts: &Counts, twin: &Twin) -> Assessed {
    let neutral = question.kind.is_neutral();
    let suspect = measurement.speed == Speed::Improved && counts.contradict(question.kind, question.rule);
    // Who else wants the lock gains, and calls one after another do not show that.
    let eased = question.kind == Kind::WideLock && counts.eases_locks();
    let state = match measurement.speed {
        Speed::Improved if suspect => RungState::Undecided,
        Speed::Improved => RungState::Passed,
        Speed::Same if neutral => RungState::Passed,
        Speed::Same if eased => RungState::Undecided,
        Speed::Same | Speed::Regressed => RungState::Failed,
        Speed::Inconclusive => RungState::Undecided,
    };
    let word = if suspect { "LAYOUT-SUSPECT" } else { measurement.speed.word() };
    let eased = match measurement.speed {
        Speed::Same if eased => "; who waits for the lock gains, which calls one after another do not show",
        _ => "",
    };
    let detail = detail(word, &measurement, twin) + eased;
    Assessed { state, detail, measurement: Some(measurement) }
}

/// What was counted although there were too few calls to time.
fn told(counted: &[Counted]) -> String {
    let all: Vec<String> = counted.iter().map(Counted::words).collect();
    if all.is_empty() { String::new() } else { format!("; counted: {} a call", all.join(", ")) }
}

/// `IMPROVED score: 0.42 of the old time [0.40, 0.44], 61.2 us to 25.7 us a call; …`.
fn detail(word: &str, m: &Measurement, twin: &Twin) -> String {
    let pairing = if twin.matched { "on the same calls" } else { "on calls dealt at random" };
    format!(
        "{word} {}: {:.3} of the old time [{:.3}, {:.3}], {} to {} a call; {} pairs{}, {} calls by the {} {pairing}; \
         noise {}, detectable {}; {}",
        twin.name,
        m.ratio,
        m.ci.0,
        m.ci.1,
        duration(m.old_ns),
        duration(m.new_ns),
        m.pairs,
        if m.builds.len() > 1 { format!(" in {} builds", m.builds.len()) } else { String::new() },
        m.calls,
        m.exercised_by,
        percent(m.noise_floor),
        percent(m.mde),
        m.witness,
    )
}

fn percent(fraction: f64) -> String {
    format!("{:.1} %", 100.0 * fraction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::slices::NEXT_BUILD;
    use crate::verify::stats::{Random, normal};

    fn twin() -> [Twin; 1] {
        [Twin { number: 0, name: "score".into(), matched: true }]
    }

    fn question(twins: &[Twin], kind: Kind) -> Question<'_> {
        Question {
            twins,
            gate: Gate::default(),
            kind,
            rule: RuleId("some-rule"),
            look: 0,
            is_last: true,
            exercised_by: "workload",
        }
    }

    /// Groups whose new body takes `ratio` of the old one, with this much noise, now and then interrupted.
    fn written(seed: u64, n: usize, ratio: f64, again: f64, sd: f64) -> String {
        let mut random = Random(seed);
        let mut time = |factor: f64| {
            let spike = if random.below(40) == 0 { 4e6 } else { 0.0 };
            (20_000.0 * factor * (sd * normal(random.unit())).exp() + spike) as u64
        };
        (0..n).map(|_| format!("T 0 1 9 {} {} {}\n", time(1.0), time(ratio), time(again))).collect()
    }

    #[track_caller]
    fn check(written: &str, kind: Kind, state: RungState, begins: &str) {
        let twins = twin();
        let found = assess(written, &question(&twins, kind));
        assert!(found.detail.starts_with(begins) && found.state == state, "{found:?}");
    }

    #[test]
    fn faster_same_and_slower_are_told_apart() {
        check(&written(1, 2000, 0.5, 1.0, 0.05), Kind::Quadratic, RungState::Passed, "IMPROVED score: 0.5");
        check(&written(2, 2000, 1.3, 1.0, 0.05), Kind::Quadratic, RungState::Failed, "REGRESSED score: 1.");
        check(&written(3, 8000, 1.0, 1.0, 0.01), Kind::Quadratic, RungState::Failed, "SAME score: 1.0");
    }

    #[test]
    fn times_per_call_agree_with_their_ratio_although_the_threads_were_interrupted() {
        let twins = twin();
        let found = assess(&written(1, 2000, 0.5, 1.0, 0.05), &question(&twins, Kind::Quadratic));
        let m = found.measurement.expect("it was timed");
        assert!((m.new_ns / m.old_ns - m.ratio).abs() < 0.05, "{m:?}");
    }

    #[test]
    fn a_neutral_kind_only_must_not_be_slower() {
        check(&written(3, 8000, 1.0, 1.0, 0.01), Kind::ErrorLadder, RungState::Passed, "SAME");
        check(&written(2, 2000, 1.3, 1.0, 0.05), Kind::ErrorLadder, RungState::Failed, "REGRESSED");
    }

    #[test]
    fn a_control_that_differs_from_itself_voids_the_run() {
        check(
            &written(4, 2000, 0.5, 1.2, 0.05),
            Kind::Quadratic,
            RungState::Undecided,
            "void: the old code against itself differs by ",
        );
    }

    #[test]
    fn too_few_calls_say_nothing() {
        check(
            &written(5, 5, 0.5, 1.0, 0.05),
            Kind::Quadratic,
            RungState::Undecided,
            "only 135 calls of score by the workload",
        );
        check("", Kind::Quadratic, RungState::Undecided, "no call of score by the workload");
        check("T 0 1\nT 0 1 0 0 0 0\nnonsense\n", Kind::Quadratic, RungState::Undecided, "no call");
    }

    #[test]
    fn few_large_inputs_that_take_the_time_outweigh_many_small_ones() {
        // Nine of ten calls are small and a little slower; the tenth takes a hundred times as long and is much faster.
        let mut random = Random(9);
        let mut line = |i: usize| {
            let mut time = |ns: f64| (ns * (0.05 * normal(random.unit())).exp()) as u64;
            match i % 10 {
                7 => format!("T 0 1 1 {} {} {}\n", time(9e6), time(2e6), time(9e6)),
                _ => format!("T 0 1 1 {} {} {}\n", time(9e4), time(12e4), time(9e4)),
            }
        };
        let written: String = (0..600).map(&mut line).collect();
        check(&written, Kind::Quadratic, RungState::Passed, "IMPROVED score: 0.3");
    }

    #[test]
    fn calls_that_take_as_long_stay_pairs_of_their_own() {
        let twins = twin();
        let found = assess(&written(10, 93, 0.4, 1.0, 0.3), &question(&twins, Kind::Quadratic));
        let measurement = found.measurement.expect("there were enough slices");
        assert_eq!(measurement.speed, Speed::Improved, "{measurement:?}");
        assert!(measurement.pairs >= 40, "{measurement:?}");
    }

    #[test]
    fn an_effect_below_the_noise_is_inconclusive_with_what_could_have_been_seen() {
        let twins = twin();
        let found = assess(&written(6, 60, 0.97, 1.0, 0.3), &question(&twins, Kind::Quadratic));
        let measurement = found.measurement.expect("there were enough slices");
        assert_eq!(measurement.speed, Speed::Inconclusive);
        assert!(measurement.mde > 0.03, "{measurement:?}");
    }

    #[test]
    fn equal_bodies_are_seldom_called_faster() {
        let twins = twin();
        let wrong = (0..40).filter(|seed| {
            let found = assess(&written(100 + seed, 30, 1.0, 1.0, 0.1), &question(&twins, Kind::Quadratic));
            matches!(found.measurement.map(|m| m.speed), Some(Speed::Improved | Speed::Regressed))
        });
        let wrong = wrong.count();
        assert!(wrong <= 2, "{wrong} of 40");
    }

    #[test]
    fn builds_that_disagree_leave_it_open_and_those_that_agree_do_not() {
        let twins = twin();
        let two = |first: f64, second: f64| {
            let text =
                format!("{}{NEXT_BUILD}{}", written(31, 4000, first, 1.0, 0.01), written(37, 4000, second, 1.0, 0.01));
            assess(&text, &question(&twins, Kind::Quadratic))
        };
        let agree = two(0.9, 0.9);
        assert_eq!(agree.state, RungState::Passed, "{agree:?}");
        assert!(agree.detail.contains(" in 2 builds"), "{agree:?}");
        assert!(!agree.needs_another_build());
        let disagree = two(0.85, 0.97);
        assert_eq!(disagree.state, RungState::Undecided, "{disagree:?}");
        let m = disagree.measurement.expect("it was timed");
        let (ratio, ci, floor) = recomputed(&m).expect("slices were kept");
        assert_eq!((ratio, ci, floor), (m.ratio, m.ci, m.noise_floor), "which slices are whose is kept");
    }

    #[test]
    fn only_what_a_layout_may_make_needs_another_build() {
        let needs = |ratio: f64| {
            let found = assess(&written(41, 4000, ratio, 1.0, 0.01), &question(&twin(), Kind::Quadratic));
            found.needs_another_build()
        };
        assert_eq!([0.5, 0.85, 0.95, 1.0, 1.06, 1.3].map(needs), [false, false, true, true, true, false]);
    }

    #[test]
    fn a_copy_saved_must_show_in_the_allocations() {
        let times = written(7, 2000, 0.5, 1.0, 0.05);
        let counted = |new: u64| format!("{times}C 0 10 allocations 30 {new} 30 bytes {0} {0} {0}\n", 640);
        check(&counted(10), Kind::DefensiveCopy, RungState::Passed, "IMPROVED");
        check(&counted(30), Kind::DefensiveCopy, RungState::Undecided, "LAYOUT-SUSPECT");
        check(&times, Kind::DefensiveCopy, RungState::Passed, "IMPROVED");
        check(&format!("{times}C 0 10 writes 5 5 5\n"), Kind::FlushLogging, RungState::Undecided, "LAYOUT-SUSPECT");
    }

    #[test]
    fn a_lock_that_is_held_for_less_is_open_where_its_own_calls_take_as_long() {
        let times = written(3, 8000, 1.0, 1.0, 0.01);
        let held = |new: u64| format!("{times}C 0 10 locks 10 10 10 exclusive 10 10 10 held 90000 {new} 90100\n");
        let twins = twin();
        let found = assess(&held(900), &question(&twins, Kind::WideLock));
        assert_eq!(found.state, RungState::Undecided);
        assert!(found.detail.starts_with("SAME") && found.detail.contains("who waits for the lock gains"), "{found:?}");
        check(&held(90_050), Kind::WideLock, RungState::Failed, "SAME");
        check(&held(900), Kind::Quadratic, RungState::Failed, "SAME");
    }

    #[test]
    fn what_was_counted_is_told_where_there_are_too_few_calls_to_time() {
        let counted = "C 0 1 allocations 3 1 3 bytes 96 32 96\n";
        let found = assess(counted, &question(&twin(), Kind::AllocChurn));
        let begins = "no call of score by the workload: too few to time it; counted: allocations 3.0 to 1.0, bytes";
        assert!(found.detail.starts_with(begins), "{found:?}");
    }

    #[test]
    fn the_function_with_most_time_speaks() {
        let twins = [
            Twin { number: 0, name: "small".into(), matched: true },
            Twin { number: 1, name: "large".into(), matched: false },
        ];
        let large = written(8, 2000, 0.5, 1.0, 0.05).replace("T 0 1", "T 1 0");
        let text = format!("{}{large}", written(9, 100, 1.5, 1.0, 0.05));
        let found = assess(&text, &question(&twins, Kind::Quadratic));
        assert!(found.detail.starts_with("IMPROVED large"), "{}", found.detail);
        assert!(found.detail.contains("calls dealt at random"));
    }
}
