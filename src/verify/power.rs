//! Mutants and what their runs came to in; how many of them the gate catches, and which it lets through, out.

use std::collections::{BTreeMap, BTreeSet};

use super::mutate::Mutant;
use crate::model::{Power, RungState, Survivor};

/// Mutants that are run of one proposal: more would say the same with less patience.
pub const MOST: usize = 40;
/// With fewer, a share says little.
pub const FEWEST: usize = 10;
/// Below this share of mutants the evidence is weak.
pub const ENOUGH: f64 = 0.8;

/// More names of tests than this are no command line.
pub const NAMES: usize = 400;

/// Survivors told in one line.
const TOLD: usize = 3;

/// What became of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A test failed, crashed or did not end.
    KilledByTests,
    /// All tests passed, and a call was different from the old code's.
    KilledByTwins,
    /// Nothing noticed it.
    Survived,
    /// No test comes by it.
    NotReached,
}

/// The mutants to run: of new code as many as fit, evenly spread, with those beside it in the same functions where
/// they are too few.
pub fn chosen<'m>(viable: &[&'m Mutant]) -> Vec<&'m Mutant> {
    let (mut new, mut beside): (Vec<&Mutant>, Vec<&Mutant>) = viable.iter().partition(|m| m.is_new);
    spread(&mut new);
    new.truncate(MOST);
    spread(&mut beside);
    beside.truncate(FEWEST.saturating_sub(new.len()));
    new.extend(beside);
    new.sort_by_key(|m| m.number);
    new
}

/// Any beginning of the list has something of everywhere: first one mutant of each place, in an order that jumps.
fn spread(mutants: &mut [&Mutant]) {
    mutants.sort_by_key(|m| (m.rank, (m.number as u32).wrapping_mul(2_654_435_769)));
}

/// Which threads come by each mutant, from lines `number thread`.
pub fn reached(written: &str) -> BTreeMap<usize, BTreeSet<String>> {
    let mut all: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for line in written.lines() {
        let Some((number, thread)) = line.split_once(' ') else { continue };
        if let Ok(number) = number.parse() {
            all.entry(number).or_default().insert(thread.to_owned());
        }
    }
    all
}

/// The tests to run for a mutant by the names that libtest takes; `None` if other threads than tests' come by, so that
/// it is not known which tests do.
pub fn tests_of(threads: &BTreeSet<String>, steady: &BTreeSet<String>, all: &BTreeSet<String>) -> Option<Vec<String>> {
    if !threads.iter().all(|t| all.contains(t)) {
        return None;
    }
    Some(threads.intersection(steady).cloned().collect())
}

/// What was run of a proposal's mutants.
pub struct Runs<'m> {
    /// Each mutant that was run, or that nothing comes by.
    pub fates: Vec<(&'m Mutant, Fate)>,
    /// Mutants that do not compile.
    pub unviable: usize,
    /// Mutants for which there was no time.
    pub late: usize,
    /// Why there are none of some functions.
    pub left_out: Vec<String>,
}

/// Judges the gate: the share of killed mutants, with the survivors named.
pub fn judge(runs: &Runs) -> (RungState, String, String, Option<Power>) {
    let viable = runs.fates.len();
    if viable == 0 {
        let why = match runs.left_out.is_empty() {
            true if runs.unviable > 0 => format!("none of the {} mutants compiles", runs.unviable),
            true => String::from("no mutant can be made of the new code"),
            false => runs.left_out.join("; "),
        };
        return (RungState::Undecided, why, String::new(), None);
    }
    let count = |fate: Fate| runs.fates.iter().filter(|(_, f)| *f == fate).count();
    let (by_tests, by_twins) = (count(Fate::KilledByTests), count(Fate::KilledByTwins));
    let killed = by_tests + by_twins;
    let survivors: Vec<Survivor> = runs.fates.iter().filter_map(|(m, fate)| survivor(m, *fate)).collect();
    let power = Power { killed, viable, by_twins, survivors };
    let share = power.share();
    let (state, word) = match share {
        share if share < ENOUGH => (RungState::Weak, "weak evidence: "),
        _ if viable < FEWEST => (RungState::Undecided, "too few to tell: "),
        _ => (RungState::Passed, ""),
    };
    let detail = format!("{word}{killed} of {viable} mutants killed ({share:.2}){}", rest(runs, &power));
    (state, detail, log(runs), Some(power))
}

fn survivor(mutant: &Mutant, fate: Fate) -> Option<Survivor> {
    let is_reached = match fate {
        Fate::Survived => true,
        Fate::NotReached => false,
        _ => return None,
    };
    Some(Survivor { file: mutant.file.clone(), line: mutant.line, what: mutant.what.clone(), is_reached })
}

fn rest(runs: &Runs, power: &Power) -> String {
    let mut text = String::new();
    if power.by_twins > 0 {
        text += &format!(", {} by the twins alone", power.by_twins);
    }
    let beside = runs.fates.iter().filter(|(m, _)| !m.is_new).count();
    if beside > 0 {
        text += &format!("; {beside} stand beside the new code, which alone makes {}", runs.fates.len() - beside);
    }
    if runs.late > 0 {
        text += &format!("; no time for {} more", runs.late);
    }
    let told: Vec<String> = power.survivors.iter().take(TOLD).map(Survivor::line_for_people).collect();
    if !told.is_empty() {
        let more = power.survivors.len() - told.len();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        text += &format!("; survived: {}{more}", told.join(", "));
    }
    for left_out in &runs.left_out {
        text += &format!("; {left_out}");
    }
    text
}

fn log(runs: &Runs) -> String {
    let line = |(m, fate): &(&Mutant, Fate)| {
        let fate = match fate {
            Fate::KilledByTests => "killed by tests",
            Fate::KilledByTwins => "killed by the twins",
            Fate::Survived => "survived",
            Fate::NotReached => "survived: no test comes by",
        };
        format!("{}:{} {}: {fate}\n", m.file, m.line, m.what)
    };
    let lines: String = runs.fates.iter().map(line).collect();
    format!("{lines}{} more do not compile\n", runs.unviable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TextRange;

    fn mutant(number: usize, is_new: bool) -> Mutant {
        Mutant {
            number,
            file: "src/lib.rs".into(),
            line: number as u32,
            what: "`<=` for `<`".into(),
            is_new,
            rank: number % 2,
            range: TextRange::new(1, 2),
            before: String::new(),
            after: String::new(),
            depth: 0,
        }
    }

    #[track_caller]
    fn check(fates: &[Fate], expected: (RungState, &str)) {
        let mutants: Vec<Mutant> = (1..=fates.len()).map(|n| mutant(n, true)).collect();
        let fates = mutants.iter().zip(fates.iter().copied()).collect();
        let (state, detail, _, _) = judge(&Runs { fates, unviable: 2, late: 0, left_out: Vec::new() });
        assert_eq!((state, detail.as_str()), expected);
    }

    #[test]
    fn eight_of_ten_are_enough_and_seven_are_weak_with_the_survivors_named() {
        use Fate::*;
        let eight = [[KilledByTests; 8].as_slice(), &[Survived, NotReached]].concat();
        check(
            &eight,
            (
                RungState::Passed,
                "8 of 10 mutants killed (0.80); survived: src/lib.rs:9 `<=` for `<`, src/lib.rs:10 `<=` for `<` (no test comes by)",
            ),
        );
        let seven = [[KilledByTests; 5].as_slice(), &[KilledByTwins; 2], &[Survived; 4]].concat();
        check(
            &seven,
            (
                RungState::Weak,
                "weak evidence: 7 of 11 mutants killed (0.64), 2 by the twins alone; survived: src/lib.rs:8 `<=` for `<`, src/lib.rs:9 `<=` for `<`, src/lib.rs:10 `<=` for `<` and 1 more",
            ),
        );
    }

    #[test]
    fn a_few_killed_mutants_prove_no_power_and_none_says_why() {
        check(&[Fate::KilledByTests; 9], (RungState::Undecided, "too few to tell: 9 of 9 mutants killed (1.00)"));
        check(&[], (RungState::Undecided, "none of the 2 mutants compiles"));
        let left_out = vec![String::from("f is a const fn")];
        let (state, detail, _, power) = judge(&Runs { fates: Vec::new(), unviable: 0, late: 0, left_out });
        assert_eq!((state, detail.as_str(), power), (RungState::Undecided, "f is a const fn", None));
    }

    #[test]
    fn new_code_goes_first_and_what_stands_beside_it_fills_up() {
        let mutants: Vec<Mutant> = (1..=100).map(|n| mutant(n, n <= 4)).collect();
        let chosen_: Vec<&Mutant> = chosen(&mutants.iter().collect::<Vec<_>>());
        assert_eq!(chosen_.len(), FEWEST);
        assert_eq!(chosen_.iter().filter(|m| m.is_new).count(), 4);
        let mutants: Vec<Mutant> = (1..=100).map(|n| mutant(n, true)).collect();
        let chosen_ = chosen(&mutants.iter().collect::<Vec<_>>());
        assert_eq!(chosen_.len(), MOST);
        assert!(chosen_.iter().all(|m| m.rank == 0), "one of each place before a second one");
        assert!(chosen_.windows(2).all(|w| w[0].number < w[1].number) && chosen_[39].number > 80, "spread");
    }

    #[test]
    fn tests_are_known_by_the_names_of_their_threads_or_all_are_run() {
        let reached = reached("1 tests::a\n1 tests::b\n2 tests::a\n2 worker\nx y\n\n3\n");
        let names = |list: &[&str]| list.iter().map(|n| n.to_string()).collect::<BTreeSet<_>>();
        let (all, steady) = (names(&["tests::a", "tests::b"]), names(&["tests::a"]));
        assert_eq!(tests_of(&reached[&1], &steady, &all), Some(vec!["tests::a".to_owned()]));
        assert_eq!(tests_of(&reached[&2], &steady, &all), None);
        assert_eq!(reached.len(), 2);
    }
}
