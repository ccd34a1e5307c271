//! What the twins wrote in; the measurement with its verdict, and the state of the rung, out.

use super::stats::{Estimate, confidence_at, estimate, median};
use super::twin::Twin;
use super::witness::{self, Counts};
use crate::model::{Counted, Gate, Kind, Measurement, RuleId, RungState, Speed, duration};

/// Slices that the groups are merged into at most: pairwise means grow with the square.
const SLICES: usize = 160;
/// Fewer slices than this say nothing.
const FEWEST: usize = 12;
/// Groups are merged until the times of slices vary by no more than this (coefficient of variation): inputs of a service
/// differ by orders of magnitude, and slices of few calls would let the many small ones speak for the few that take the time.
/// Where all calls take about as long, every group stays a pair of its own.
const VARIATION: f64 = 0.5;
/// Slices that groups are not merged below.
const SPREAD: usize = 24;
/// Old and new are called the same within this many times the smallest effect worth landing.
const ALIKE: f64 = 5.0;
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
}

/// A group of calls: nanoseconds of old, new and old again.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Group {
    calls: f64,
    ns: [f64; 3],
    is_matched: bool,
}

/// Judges what the touched function with the largest share of time took.
pub fn assess(written: &str, question: &Question) -> Assessed {
    let dominant = question.twins.iter().map(|t| (t, groups(written, t.number)));
    let weight = |groups: &[Group]| groups.iter().map(|g| g.ns[0]).sum::<f64>();
    let Some((twin, groups)) = dominant.max_by(|(_, a), (_, b)| weight(a).total_cmp(&weight(b))) else {
        return Assessed::undecided(String::from("no touched function can be timed"));
    };
    let counts = Counts::of(written, twin.number);
    let counted = counts.counted(question.kind, question.rule);
    let calls: f64 = groups.iter().map(|g| g.calls).sum();
    let slices = slices(&tamed(&groups));
    if slices.len() < FEWEST {
        let made = if calls == 0.0 { String::from("no call") } else { format!("only {} calls", 3.0 * calls) };
        let by = question.exercised_by;
        return Assessed::undecided(format!("{made} of {} by the {by}: too few to time it{}", twin.name, told(&counted)));
    }
    let arms = |s: &Group| s.ns.map(|ns| ns / s.calls);
    let per_call: Vec<[f64; 3]> = slices.iter().map(arms).collect();
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
    let (effect, control) = (arm(&m.slices, 1), arm(&m.slices, 2));
    let (low, high) = effect.interval(m.confidence);
    Some((effect.value.exp(), (low.exp(), high.exp()), floor(control)))
}

/// What an arm takes of the first, as a logarithm.
fn arm(slices: &[[f64; 3]], arm: usize) -> Estimate {
    estimate(&slices.iter().map(|s| (s[arm] / s[0]).ln()).collect::<Vec<f64>>())
}

fn floor(control: Estimate) -> f64 {
    let (low, high) = control.interval(CONTROL);
    ((high - low) / 2.0).exp_m1()
}

fn measurement(
    question: &Question,
    slices: Vec<[f64; 3]>,
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
        "{word} {}: {:.3} of the old time [{:.3}, {:.3}], {} to {} a call; {} pairs, {} calls by the {} {pairing}; \
         noise {}, detectable {}; {}",
        twin.name,
        m.ratio,
        m.ci.0,
        m.ci.1,
        duration(m.old_ns),
        duration(m.new_ns),
        m.pairs,
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

/// Lines `T number matched calls old new again`; what is damaged is left out.
fn groups(written: &str, number: usize) -> Vec<Group> {
    let read = |line: &str| {
        let words: Vec<u64> = line.strip_prefix("T ")?.split(' ').map(|w| w.parse().ok()).collect::<Option<_>>()?;
        let [n, matched, calls, old, new, again] = words[..] else { return None };
        let whole = n as usize == number && calls > 0 && old > 0 && new > 0 && again > 0;
        let ns = [old as f64, new as f64, again as f64];
        whole.then_some(Group { calls: calls as f64, ns, is_matched: matched == 1 })
    };
    written.lines().filter_map(read).collect()
}

/// Cuts what a body cannot have taken by itself (the thread was off its core): an arm that took many times what the
/// other two say it should. All arms are cut alike, so that equal bodies stay equal.
fn tamed(groups: &[Group]) -> Vec<Group> {
    let mut ratios: Vec<f64> = groups.iter().map(|g| g.ns[1] / g.ns[0]).collect();
    let ratio = median(&mut ratios).max(f64::MIN_POSITIVE);
    let tame = |group: &Group| {
        let mut like_old = [group.ns[0], group.ns[1] / ratio, group.ns[2]];
        like_old.sort_by(f64::total_cmp);
        // Calls of one group see the same inputs only if they are matched.
        let most = like_old[1] * if group.is_matched { 3.0 } else { 10.0 };
        let ns = [group.ns[0].min(most), group.ns[1].min(most * ratio), group.ns[2].min(most)];
        Group { ns, ..*group }
    };
    groups.iter().map(tame).collect()
}

/// Merges neighbouring groups, so that large inputs count by the time they take.
fn slices(groups: &[Group]) -> Vec<Group> {
    let per_slice = (groups.len() / SPREAD).min(alike(groups)).max(groups.len().div_ceil(SLICES)).max(1);
    let merged = groups.chunks(per_slice).filter(|c| c.len() == per_slice).map(|chunk| {
        chunk.iter().fold(Group::default(), |sum, g| Group {
            calls: sum.calls + g.calls,
            ns: [sum.ns[0] + g.ns[0], sum.ns[1] + g.ns[1], sum.ns[2] + g.ns[2]],
            is_matched: g.is_matched,
        })
    });
    merged.collect()
}

/// How many groups make sums that vary little: a sum of n varies as one by the square root of n.
fn alike(groups: &[Group]) -> usize {
    let mut times: Vec<f64> = groups.iter().map(|g| g.ns[0].min(g.ns[2])).collect();
    times.sort_by(f64::total_cmp);
    // Both runs interrupted is seldom, and is no large input.
    let most = times.get(times.len() * 49 / 50).copied().unwrap_or_default();
    let n = times.len().max(1) as f64;
    let mean = times.iter().map(|t| t.min(most)).sum::<f64>() / n;
    let variance = times.iter().map(|t| (t.min(most) - mean).powi(2)).sum::<f64>() / n;
    (variance / (mean * VARIATION).powi(2).max(f64::MIN_POSITIVE)).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
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
