//! What the comparisons of old and new wrote in; whether the twins agree, with the first call on which they do not, out.

use std::collections::BTreeMap;

use super::agree::{LeftOut, Pair};
use crate::model::RungState;

/// One proposal's functions.
pub struct Asked<'a> {
    /// Those whose calls are compared.
    pub pairs: Vec<&'a Pair>,
    /// Those whose are not, and why.
    pub left_out: Vec<&'a LeftOut>,
}

/// A call on which old and new differ.
struct Difference<'t> {
    what: &'t str,
    arguments: &'t str,
    old: &'t str,
    new: &'t str,
}

/// What was written of one function.
#[derive(Default)]
struct Told<'t> {
    compared: u64,
    seen: u64,
    difference: Option<Difference<'t>>,
    random: Option<&'t str>,
    cannot: Option<&'t str>,
    in_part: Option<&'t str>,
}

/// What the comparisons on the calls of the workload wrote, or why there are none.
pub type ByWorkload<'t> = Result<&'t str, &'t str>;

/// Judges the comparisons of one proposal on the calls of the tests, and on those of the workload where it was run: a
/// call that differs refutes it; what could not be compared leaves it open.
pub fn judge(asked: &Asked, tests: &str, workload: Option<ByWorkload>) -> (RungState, String, String) {
    let of = |p: &&Pair| Both {
        tests: told_of(p.number, tests),
        workload: workload.map(|w| w.map(|written| told_of(p.number, written)).map_err(str::to_owned)),
    };
    let told: Vec<(&Pair, Both)> = asked.pairs.iter().map(|p| (*p, of(p))).collect();
    let log: String = told.iter().map(|(p, t)| logged(p, t)).collect();
    if let Some((pair, Difference { what, arguments, old, new }, source)) = told.iter().find_map(|(p, t)| t.differs(p))
    {
        let name = &pair.name;
        let detail = format!("{name}({arguments}): {what} is {old} with the old code and {new} with the new{source}");
        return (RungState::Failed, detail, log);
    }
    let open = asked.left_out.iter().map(|l| l.reason.clone());
    let open: Vec<String> = open.chain(told.iter().filter_map(|(p, t)| t.reason(p))).collect();
    if asked.pairs.is_empty() && open.is_empty() {
        return (RungState::Undecided, String::from("no function body changes: there is nothing to compare"), log);
    }
    let whole: Vec<&(&Pair, Both)> = told.iter().filter(|(p, t)| t.reason(p).is_none()).collect();
    let counted: Vec<String> = whole.iter().map(|(p, t)| t.calls(p)).collect();
    let agreed = match counted.is_empty() {
        true => String::new(),
        false => {
            let changed = whole.iter().any(|(p, _)| p.changes_arguments);
            let also = if changed { ", changed arguments" } else { "" };
            format!("{}, none differs in its result{also} or a panic", counted.join(", "))
        }
    };
    let failed = match workload {
        Some(Err(why)) => format!("; the workload's calls are not compared: {why}"),
        _ => String::new(),
    };
    match (open.is_empty(), agreed.is_empty()) {
        (true, _) => (RungState::Passed, agreed + &failed, log),
        (false, true) => (RungState::Undecided, open.join("; ") + &failed, log),
        (false, false) => (RungState::Undecided, format!("{}; {agreed}{failed}", open.join("; ")), log),
    }
}

/// What was written of one function on the calls of the tests, and of the workload where it was run.
struct Both<'t> {
    tests: Told<'t>,
    workload: Option<Result<Told<'t>, String>>,
}

impl<'t> Both<'t> {
    fn heard(&self) -> Option<&Told<'t>> {
        self.workload.as_ref().and_then(|w| w.as_ref().ok())
    }

    /// The first call on which old and new differ, and whose it is where both were asked.
    fn differs<'a>(&'a self, pair: &'a Pair) -> Option<(&'a Pair, &'a Difference<'t>, &'static str)> {
        let is_random = |t: &Told| t.random.is_some();
        let by_tests = self.tests.difference.as_ref().filter(|_| !is_random(&self.tests)).map(|d| (pair, d, ""));
        let by_workload = || {
            let workload = self.heard().filter(|w| !is_random(w) && !is_random(&self.tests))?;
            workload.difference.as_ref().map(|d| (pair, d, " (a call of the workload)"))
        };
        by_tests.or_else(by_workload)
    }

    /// Why calls of a function that was asked are not, or not wholly, compared.
    fn reason(&self, pair: &Pair) -> Option<String> {
        let name = &pair.name;
        let of = |find: fn(&Told<'t>) -> Option<&'t str>| find(&self.tests).or_else(|| find(self.heard()?));
        if let Some(what) = of(|t| t.random) {
            return Some(format!(
                "the old code of {name} differs from itself in {what}: it is random or depends on time"
            ));
        }
        if let Some(why) = of(|t| t.cannot) {
            return Some(format!("{why}, so that {name} is not run twice"));
        }
        let compared = self.tests.compared + self.heard().map_or(0, |w| w.compared);
        if let Some(what) = of(|t| t.in_part) {
            let rest = match compared {
                0 => String::new(),
                n => format!("; the rest is the same in {}", of_calls(n)),
            };
            return Some(format!("of {name}, {what} can be neither compared nor printed{rest}"));
        }
        (compared == 0).then(|| match self.heard() {
            None => format!("the tests do not call {name}"),
            Some(_) => format!("neither the tests nor the workload call {name}"),
        })
    }

    /// `450 calls of matches compared`, with what there was no time for; both counts where the workload was run.
    fn calls(&self, pair: &Pair) -> String {
        let name = &pair.name;
        match self.heard() {
            None => self.tests.calls(&format!(" of {name}")) + " compared",
            Some(workload) => {
                let (tests, workload) = (self.tests.calls(&format!(" of {name}")), workload.calls(""));
                format!("{tests} by the tests and {workload} by the workload compared")
            }
        }
    }
}

impl Told<'_> {
    fn calls(&self, of: &str) -> String {
        match self.seen > self.compared {
            true => format!("{} of {}{of}", self.compared, of_calls(self.seen)),
            false => format!("{}{of}", of_calls(self.compared)),
        }
    }
}

fn of_calls(n: u64) -> String {
    if n == 1 { String::from("1 call") } else { format!("{n} calls") }
}

fn logged(pair: &Pair, told: &Both) -> String {
    let mut log = format!("{}\n", told.calls(pair));
    let differences = [told.tests.difference.as_ref(), told.heard().and_then(|w| w.difference.as_ref())];
    for (d, by) in differences.into_iter().zip(["tests", "workload"]).filter_map(|(d, by)| Some((d?, by))) {
        let name = &pair.name;
        log.push_str(&format!(
            "{name}({}), by the {by}\n  {}\n  old: {}\n  new: {}\n",
            d.arguments, d.what, d.old, d.new
        ));
    }
    log
}

fn told_of(number: usize, written: &str) -> Told<'_> {
    let mut told = Told::default();
    let mut most: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    let wanted = number.to_string();
    for line in written.lines() {
        let words: Vec<&str> = line.split('\t').collect();
        match words[..] {
            ["C", process, thread, site, compared, seen] if site == wanted => {
                let (Ok(compared), Ok(seen)) = (compared.parse(), seen.parse()) else { continue };
                let of = most.entry((process, thread)).or_default();
                *of = (of.0.max(compared), of.1.max(seen));
            }
            ["D", site, what, arguments, old, new] if site == wanted => {
                told.difference.get_or_insert(Difference { what, arguments, old, new });
            }
            ["R", site, what] if site == wanted => told.random = told.random.or(Some(what)),
            ["X", site, why] if site == wanted => told.cannot = told.cannot.or(Some(why)),
            ["P", site, what] if site == wanted => told.in_part = told.in_part.or(Some(what)),
            _ => {}
        }
    }
    (told.compared, told.seen) = most.values().fold((0, 0), |(c, s), (compared, seen)| (c + compared, s + seen));
    told
}

/// Where the compiler's errors stand: file as rustc names it, and line.
pub fn error_places(output: &str) -> Vec<(String, u32)> {
    let mut places = Vec::new();
    let mut in_error = false;
    for line in output.lines() {
        if line.starts_with("error") || line.starts_with("warning") {
            in_error = line.starts_with("error");
        } else if let (true, Some(at)) = (in_error, line.trim_start().strip_prefix("--> ")) {
            let mut words = at.rsplitn(3, ':');
            let (_, line, file) = (words.next(), words.next(), words.next());
            if let (Some(Ok(line)), Some(file)) = (line.map(str::parse), file) {
                places.push((file.to_owned(), line));
            }
            in_error = false;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(number: usize, name: &str) -> Pair {
        Pair { number, name: name.into(), changes_arguments: false }
    }

    #[track_caller]
    fn check(pairs: &[Pair], left_out: &[&str], written: &str, expected: (RungState, &str)) {
        let left_out: Vec<LeftOut> = left_out.iter().map(|r| LeftOut { proposal: 0, reason: r.to_string() }).collect();
        let asked = Asked { pairs: pairs.iter().collect(), left_out: left_out.iter().collect() };
        let (state, detail, _) = judge(&asked, written, None);
        assert_eq!((state, detail.as_str()), expected);
    }

    #[test]
    fn calls_are_summed_over_threads_and_processes() {
        check(
            &[pair(0, "f"), pair(1, "g")],
            &[],
            "C\t10\t1\t0\t1\t1\nC\t10\t1\t0\t4\t4\nC\t10\t2\t0\t2\t2\nC\t11\t1\t0\t1\t3\nC\t10\t1\t1\t1\t1\nC\tx\n",
            (
                RungState::Passed,
                "7 of 9 calls of f compared, 1 call of g compared, none differs in its result or a panic",
            ),
        );
    }

    #[test]
    fn a_call_that_differs_is_told_with_its_arguments() {
        check(
            &[pair(256, "f")],
            &[],
            "C\t10\t1\t256\t9\t9\nD\t256\tits result\tv = [1, 1], n = 2\t3\tpanic \"no\"\nD\t256\tits result\tv = []\t1\t2\n",
            (
                RungState::Failed,
                "f(v = [1, 1], n = 2): its result is 3 with the old code and panic \"no\" with the new",
            ),
        );
    }

    #[test]
    fn what_differs_from_itself_refutes_nothing() {
        check(
            &[pair(0, "f")],
            &[],
            "C\t1\t1\t0\t9\t9\nR\t0\tits result\nD\t0\tits result\tv = []\t1\t2\n",
            (
                RungState::Undecided,
                "the old code of f differs from itself in its result: it is random or depends on time",
            ),
        );
    }

    #[test]
    fn what_is_not_compared_is_said() {
        check(&[pair(0, "f")], &[], "C\t1\t1\t1\t9\t9\n", (RungState::Undecided, "the tests do not call f"));
        let cloned = "X\t0\tthe argument `a` cannot be cloned\nC\t1\t1\t0\t0\t9\n";
        check(
            &[pair(0, "f")],
            &[],
            cloned,
            (RungState::Undecided, "the argument `a` cannot be cloned, so that f is not run twice"),
        );
        check(&[], &["f is async"], "", (RungState::Undecided, "f is async"));
        check(&[], &[], "", (RungState::Undecided, "no function body changes: there is nothing to compare"));
        check(
            &[pair(0, "f")],
            &["g is async"],
            "C\t1\t1\t0\t1\t1\n",
            (RungState::Undecided, "g is async; 1 call of f compared, none differs in its result or a panic"),
        );
    }

    #[test]
    fn calls_of_the_workload_are_counted_apart_and_one_that_differs_names_it() {
        #[track_caller]
        fn check(tests: &str, workload: Result<&str, &str>, expected: (RungState, &str)) {
            let (f, asked) = (pair(0, "f"), |f| Asked { pairs: vec![f], left_out: Vec::new() });
            let (state, detail, _) = judge(&asked(&f), tests, Some(workload));
            assert_eq!((state, detail.as_str()), expected);
        }
        let (tests, many) = ("C\t1\t1\t0\t5\t5\n", "C\t2\t1\t0\t700\t900\n");
        let agreed = "5 calls of f by the tests and 700 of 900 calls by the workload compared, none differs in its result or a panic";
        check(tests, Ok(many), (RungState::Passed, agreed));
        let differs = format!("{many}D\t0\tits result\tn = 2\t3\t4\n");
        let said = "f(n = 2): its result is 3 with the old code and 4 with the new (a call of the workload)";
        check(tests, Ok(&differs), (RungState::Failed, said));
        // What the tests do not call, the workload may; and the other way about.
        let alone = "0 calls of f by the tests and 700 of 900 calls by the workload compared, none differs in its result or a panic";
        check("", Ok(many), (RungState::Passed, alone));
        check("", Ok(""), (RungState::Undecided, "neither the tests nor the workload call f"));
        // A workload that fails takes nothing from what the tests showed, and is said.
        let failed = "5 calls of f compared, none differs in its result or a panic; the workload's calls are not compared: no port";
        check(tests, Err("no port"), (RungState::Passed, failed));
        check(
            "",
            Err("no port"),
            (RungState::Undecided, "the tests do not call f; the workload's calls are not compared: no port"),
        );
        // Look-alikes of a difference: what is random in the one source refutes nothing in the other.
        let random = format!("{tests}R\t0\tits result\n");
        let said = "the old code of f differs from itself in its result: it is random or depends on time";
        check(&random, Ok(&differs), (RungState::Undecided, said));
    }

    #[test]
    fn places_of_errors_are_read_and_those_of_warnings_are_not() {
        let out = "   Compiling tiny v0.1.0\nwarning: unused\n --> src/a.rs:1:2\nerror[E0308]: mismatched types\n  --> src/lib.rs:12:5\n   |\n   ::: src/b.rs:3:1\nerror: aborting due to 1 previous error\n";
        assert_eq!(error_places(out), [("src/lib.rs".to_owned(), 12)]);
    }
}
