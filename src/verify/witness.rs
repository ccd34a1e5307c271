//! What calls that were not timed were counted to do in; whether that bears out what the proposal's kind saves, out.

use std::collections::BTreeMap;

use super::stats::median;
use crate::model::{Counted, Kind, RuleId};

/// Something that is counted: as the twins write it, in words, and its unit.
struct Counter {
    name: &'static str,
    what: &'static str,
    unit: &'static str,
}

const fn counter(name: &'static str, what: &'static str, unit: &'static str) -> Counter {
    Counter { name, what, unit }
}

const COUNTERS: &[Counter] = &[
    counter("allocations", "allocations", ""),
    counter("bytes", "bytes allocated", "B"),
    counter("writes", "write calls", ""),
    counter("reads", "read calls", ""),
    counter("opens", "files opened", ""),
    counter("syncs", "syncs", ""),
    counter("folders", "folders made", ""),
    counter("locks", "locks taken", ""),
    counter("exclusive", "locks taken to write", ""),
    counter("held", "locks held", "ns"),
    counter("waited", "locks waited for", "ns"),
    counter("attempts", "attempts", ""),
    counter("pauses", "pauses", ""),
    counter("paused", "time to pause", "ns"),
];

/// What rules save that is not what their kind saves: nothing, where that is work which none of this counts.
const RULES: &[(&str, &[&str])] = &[
    ("open-per-call", &["opens"]),
    ("open-in-loop", &["opens"]),
    ("sync-in-loop", &["syncs"]),
    ("folder-made-in-loop", &["folders"]),
    ("eager-log-text", &[]),
    ("log-only-value", &[]),
    ("unbuffered-reads", &["reads"]),
    ("unbuffered-writes", &["writes"]),
    ("unbuffered-stream", &["reads", "writes"]),
    ("unbuffered-lent-file", &["reads", "writes"]),
    ("poll-with-sleep", POLLS),
    ("poll-of-own-state", POLLS),
    ("recv-by-polling", POLLS),
    ("pause-after-last-try", POLLS),
];
const POLLS: &[&str] = &["attempts", "pauses", "paused"];

/// What a proposal saves: one of these has to become less.
fn saved_by(kind: Kind, rule: RuleId) -> &'static [&'static str] {
    if let Some((_, names)) = RULES.iter().find(|(name, _)| *name == rule.0) {
        return names;
    }
    match kind {
        Kind::DefensiveCopy | Kind::AllocChurn => &["allocations", "bytes"],
        Kind::FlushLogging => &["writes"],
        Kind::WideLock => &["locks", "exclusive", "held"],
        _ => &[],
    }
}

/// What one touched function was counted to do: for each group of calls how many of each body, and what old, new and old
/// again did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    groups: Vec<(f64, BTreeMap<&'static str, [f64; 3]>)>,
}

impl Counts {
    /// Lines `C number calls` and, for each thing, its name and three counts; what is damaged is left out.
    pub fn of(written: &str, number: usize) -> Counts {
        let read = |line: &str| {
            let words: Vec<&str> = line.strip_prefix("C ")?.split(' ').collect();
            let [n, calls, rest @ ..] = words.as_slice() else { return None };
            let calls = calls.parse::<f64>().ok().filter(|calls| *calls > 0.0)?;
            let one = |part: &[&str]| {
                let [name, old, new, again] = part else { return None };
                let known = COUNTERS.iter().find(|c| c.name == *name)?.name;
                Some((known, [old.parse().ok()?, new.parse().ok()?, again.parse().ok()?]))
            };
            let by_name = rest.chunks(4).map(one).collect::<Option<_>>()?;
            (n.parse() == Ok(number)).then_some((calls, by_name))
        };
        Counts { groups: written.lines().filter_map(read).collect() }
    }

    /// What a call of old, new and old again does: the mean, and of times the median over the groups, in which one
    /// interruption does not outweigh all others. `None` where nobody counted it.
    fn per_call(&self, counter: &Counter) -> Option<[f64; 3]> {
        let arms = |arm: usize| {
            let of = |(calls, by): &(f64, BTreeMap<_, [f64; 3]>)| by.get(counter.name).map_or(0.0, |n| n[arm]) / calls;
            match counter.unit {
                "ns" => median(&mut self.groups.iter().map(of).collect::<Vec<f64>>()),
                _ => {
                    let calls: f64 = self.groups.iter().map(|(calls, _)| calls).sum();
                    self.groups.iter().map(|g| of(g) * g.0).sum::<f64>() / calls
                }
            }
        };
        let is_known = self.groups.iter().any(|(_, by)| by.contains_key(counter.name));
        is_known.then(|| [arms(0), arms(1), arms(2)])
    }

    /// Everything that old or new did, per call; what bears the proposal out is marked.
    pub fn counted(&self, kind: Kind, rule: RuleId) -> Vec<Counted> {
        let saved = saved_by(kind, rule);
        let one = |counter: &Counter| {
            let [old, new, _] = self.per_call(counter)?;
            let is_witness = saved.contains(&counter.name);
            let (what, unit) = (counter.what.to_owned(), counter.unit.to_owned());
            (old > 0.0 || new > 0.0).then_some(Counted { what, unit, old, new, is_witness })
        };
        COUNTERS.iter().filter_map(one).collect()
    }

    /// What old and new do of one thing, and whether new does less: of times by more than old again differs from old.
    fn less(&self, name: &str) -> Option<([f64; 2], bool)> {
        let counter = COUNTERS.iter().find(|c| c.name == name)?;
        let [old, new, again] = self.per_call(counter)?;
        let noise = if counter.unit == "ns" { (old - again).abs() } else { 0.0 };
        Some(([old, new], old - new > noise))
    }

    /// True if what the proposal should do less of was counted, and nothing of it became less; or if a kind that saves calls
    /// of the kernel writes more often.
    pub fn contradict(&self, kind: Kind, rule: RuleId) -> bool {
        let saved: Vec<_> = saved_by(kind, rule).iter().filter_map(|name| self.less(name)).collect();
        let was_counted = saved.iter().any(|([old, _], _)| *old > 0.0);
        let writes_more = || self.less("writes").is_some_and(|([old, new], _)| new > old);
        was_counted && saved.iter().all(|(_, is_less)| !is_less) || kind == Kind::FlushLogging && writes_more()
    }

    /// True if locks are taken less often, by fewer who want them alone, or held for less time.
    pub fn eases_locks(&self) -> bool {
        saved_by(Kind::WideLock, RuleId("")).iter().any(|name| self.less(name).is_some_and(|(_, is_less)| is_less))
    }
}

/// The witness in words: what was counted that bears the proposal out, or that its times stand alone, with what else it saves.
pub fn words(kind: Kind, counted: &[Counted]) -> String {
    let list = |some: Vec<&Counted>| some.iter().map(|c| c.words()).collect::<Vec<_>>().join(", ");
    // Texts of documents are made in memory: how often is no proof, and worth telling.
    let tells = |c: &&Counted| c.is_witness || kind == Kind::Marshalling && c.unit != "ns" && is_memory(c);
    let witnesses: Vec<&Counted> = counted.iter().filter(tells).collect();
    let less: Vec<&Counted> = counted.iter().filter(|c| is_memory(c) && c.new < c.old).collect();
    match (witnesses.is_empty(), less.is_empty()) {
        (false, _) => format!("{} a call", list(witnesses)),
        (true, false) => format!("single witness ({} a call)", list(less)),
        (true, true) => String::from("single witness"),
    }
}

fn is_memory(counted: &Counted) -> bool {
    COUNTERS[..2].iter().any(|c| c.what == counted.what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: RuleId = RuleId("some-rule");

    fn words_of(written: &str, kind: Kind, rule: RuleId) -> String {
        words(kind, &Counts::of(written, 0).counted(kind, rule))
    }

    #[test]
    fn counts_are_told_per_call_of_old_and_new() {
        let written = "C 0 10 allocations 30 10 30 bytes 9600 320 9600\nC 1 10 allocations 70 70 70\nC 0 10 allocations 50 10 50 bytes 0 0 0\n";
        assert_eq!(
            words_of(written, Kind::AllocChurn, ANY),
            "allocations 4.0 to 1.0, bytes allocated 480 B to 16 B a call"
        );
        assert_eq!(
            words_of(written, Kind::Quadratic, ANY),
            "single witness (allocations 4.0 to 1.0, bytes allocated 480 B to 16 B a call)"
        );
        assert_eq!(words_of("", Kind::AllocChurn, ANY), "single witness");
        assert_eq!(
            words_of(
                "C 0 10 allocations 3 x 3\nC 0 10 allocations 3 2\nC 0 0\nC 0\nC\nC 0 10 other 3 2 1\n",
                Kind::AllocChurn,
                ANY
            ),
            "single witness"
        );
    }

    #[test]
    fn times_are_medians_so_that_one_interruption_does_not_speak() {
        let mut written =
            "C 0 10 locks 10 10 10 exclusive 10 10 10 held 20000 5000 20000 waited 400 400 400\n".repeat(4);
        written += "C 0 10 locks 10 10 10 exclusive 10 10 10 held 20000 9000000000 20000\n";
        assert_eq!(
            words_of(&written, Kind::WideLock, ANY),
            "locks taken 1.0 to 1.0, locks taken to write 1.0 to 1.0, locks held 2.0 us to 500 ns a call"
        );
        assert!(Counts::of(&written, 0).eases_locks());
    }

    #[track_caller]
    fn check(written: &str, kind: Kind, rule: &'static str, contradicts: bool) {
        assert_eq!(Counts::of(written, 0).contradict(kind, RuleId(rule)), contradicts, "{written}");
    }

    #[test]
    fn a_kind_is_contradicted_where_nothing_that_it_saves_becomes_less() {
        check("C 0 10 allocations 30 30 30 bytes 900 900 900\n", Kind::DefensiveCopy, "some-rule", true);
        check("C 0 10 allocations 30 30 30 bytes 900 100 900\n", Kind::DefensiveCopy, "some-rule", false);
        check("C 0 10 allocations 0 0 0 bytes 0 0 0\n", Kind::DefensiveCopy, "some-rule", false);
        check("C 0 10 writes 5 5 5\n", Kind::FlushLogging, "some-rule", true);
        check("C 0 10 writes 5 1 5\n", Kind::FlushLogging, "some-rule", false);
        check("C 0 10 allocations 30 30 30\n", Kind::Quadratic, "some-rule", false);
    }

    #[test]
    fn a_lock_must_be_taken_less_often_or_held_for_less_than_chance() {
        let held = |old, new, again| format!("C 0 10 locks 10 10 10 exclusive 10 10 10 held {old} {new} {again}\n");
        check(&held(9000, 2000, 9100), Kind::WideLock, "some-rule", false);
        check(&held(9000, 8950, 9100), Kind::WideLock, "some-rule", true);
        check("C 0 10 locks 10 10 10 exclusive 10 0 10 held 90 90 90\n", Kind::WideLock, "some-rule", false);
        check("C 0 10 locks 80 10 80 exclusive 80 10 80 held 90 95 90\n", Kind::WideLock, "some-rule", false);
    }

    #[test]
    fn a_rule_that_saves_something_else_than_its_kind_is_asked_for_that() {
        check("C 0 10 writes 50 50 50 syncs 50 10 50\n", Kind::FlushLogging, "sync-in-loop", false);
        check("C 0 10 writes 50 50 50 syncs 50 50 50\n", Kind::FlushLogging, "sync-in-loop", true);
        check("C 0 10 writes 50 50 50 opens 50 10 50\n", Kind::FlushLogging, "open-in-loop", false);
        check("C 0 10 writes 50 50 50\n", Kind::FlushLogging, "open-per-call", false);
        check("C 0 10 writes 50 60 50\n", Kind::FlushLogging, "open-per-call", true);
        check("C 0 10 writes 50 50 50\n", Kind::FlushLogging, "eager-log-text", false);
        check("C 0 10 folders 50 10 50\n", Kind::HiddenWait, "folder-made-in-loop", false);
        check("C 0 10 attempts 30 30 30 pauses 30 20 30\n", Kind::HiddenWait, "pause-after-last-try", false);
        check("C 0 10 attempts 30 30 30 pauses 30 30 30\n", Kind::HiddenWait, "pause-after-last-try", true);
        check("C 0 10 attempts 30 30 30\n", Kind::HiddenWait, "await-in-loop", false);
    }
}
