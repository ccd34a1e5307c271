//! The rung *tests pass*: the base's results known from two runs, the candidate's compared test by test.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Climb, Found, compiles, nextest};
use crate::effects::files;
use crate::effects::process::{Command, Ended, Exit};
use crate::jobs::stand::{Stand, Yard};
use crate::model::{Problem, RungState};
use crate::verify::suite::{self, Compared, Results};
use crate::verify::{diagnostics, tests};

/// A second run of the base tells flaky tests; it is left out where the first took longer than this.
const AGAIN_MS: u64 = 60_000;

/// The tests of a candidate may take this much longer than the base's, and this many times as long, until they count as
/// endless.
const PATIENCE: Duration = Duration::from_secs(30);
const TIMES: u32 = 10;

/// What the tests of the base come to.
pub struct Baseline {
    runs: Vec<Results>,
    /// How long the first run took, without the build; `None` where the command builds for itself.
    took: Option<Duration>,
}

impl Baseline {
    /// Tests that pass on the base, each time, and in this run.
    pub fn steady(&self, with: &Results) -> BTreeSet<String> {
        suite::steady(&self.runs.iter().chain([with]).collect::<Vec<_>>())
    }

    /// How many tests pass each time.
    fn passing(&self) -> usize {
        suite::steady(&self.runs.iter().collect::<Vec<_>>()).len()
    }

    /// True unless the tests of the base failed as a whole: what rests on that is no knowledge of the code.
    pub fn is_sure(&self) -> bool {
        self.runs.iter().all(|run| run.ok || !run.tests.is_empty())
    }

    /// How long the tests of a candidate may take; `None` for as long as anything.
    pub fn limit(&self) -> Option<Duration> {
        self.took.map(|took| PATIENCE + took * TIMES)
    }

    /// A command with this limit.
    pub fn limited(&self, command: Command) -> Command {
        match self.limit() {
            Some(limit) => command.limit(limit),
            None => command,
        }
    }

    /// What fails in a run that passes on the base.
    pub fn broken_by(&self, results: &Results) -> Option<String> {
        match suite::compare(&self.runs, results) {
            broken @ (Compared::Broken(_) | Compared::CommandFailed) => Some(judged(broken).detail),
            Compared::Same { .. } | Compared::NoTests => None,
        }
    }
}

/// The command that runs the tests of these packages, as people would type it.
pub fn command(yard: &Yard, stand: &Stand, packages: &[String]) -> (String, Command) {
    let quick = yard.workspace.slo.workloads.iter().map(|w| w.test_quick.as_str()).find(|t| !t.is_empty());
    if let Some(line) = quick {
        return (line.to_owned(), stand.shell(line).merged());
    }
    if yard.uses_nextest(stand) {
        return nextest::command(yard, stand, packages);
    }
    let mut args = vec!["test", "--no-fail-fast"];
    if packages.is_empty() {
        args.push("--workspace");
    }
    args.extend(packages.iter().flat_map(|p| ["-p", p.as_str()]));
    (format!("cargo {}", args.join(" ")), stand.run(&args).merged())
}

/// As [`command`] for tests with these names alone, where the project has no command of its own. Documentation has none.
pub fn by_name(stand: &Stand, packages: &[String], names: &[String]) -> Command {
    let exact = std::iter::once("--exact").chain(names.iter().map(String::as_str));
    of_tests(stand, packages, &exact.collect::<Vec<_>>())
}

/// As [`by_name`] for the tests whose names contain this.
pub fn containing(stand: &Stand, packages: &[String], part: &str) -> Command {
    of_tests(stand, packages, &[part])
}

fn of_tests(stand: &Stand, packages: &[String], filter: &[&str]) -> Command {
    let mut args = vec!["test", "--tests"];
    if packages.is_empty() {
        args.push("--workspace");
    }
    args.extend(packages.iter().flat_map(|p| ["-p", p.as_str()]));
    args.push("--");
    args.extend(filter);
    stand.run(&args).merged()
}

/// True if the project says how its tests are run: then they cannot be chosen by name.
pub fn has_own_command(yard: &Yard) -> bool {
    yard.workspace.slo.workloads.iter().any(|w| !w.test_quick.is_empty())
}

/// Builds what [`command`] runs, so that the time limit of the tests and the second run of the base do not count the
/// build. A build that fails is told by the run itself; `None` where the command builds for itself.
///
/// # Errors
/// No cargo.
pub fn build(yard: &Yard, stand: &Stand, packages: &[String]) -> Result<Option<Ended>, Problem> {
    if has_own_command(yard) {
        return Ok(None);
    }
    yard.step(&format!("building the tests of {}", shown(packages)));
    let mut args = vec!["test", "--no-run"];
    if packages.is_empty() {
        args.push("--workspace");
    }
    args.extend(packages.iter().flat_map(|p| ["-p", p.as_str()]));
    stand.cargo.command(&args).merged().run(&yard.ear.cancel, &mut |line| yard.log(line)).map(Some)
}

/// The command that runs all tests before landing, where it says more than the quick one.
pub fn full(yard: &Yard, stand: &Stand) -> Option<(String, Command)> {
    let workloads = &yard.workspace.slo.workloads;
    let quick = workloads.iter().map(|w| w.test_quick.as_str()).find(|t| !t.is_empty())?;
    let line = workloads.iter().map(|w| w.test.as_str()).find(|t| !t.is_empty() && *t != quick)?;
    Some((line.to_owned(), stand.shell(line).merged()))
}

/// Runs the base's tests, or reads what an earlier run on the same tree said.
///
/// # Errors
/// Tests that do not even build; a command that cannot be started.
pub fn baseline(yard: &Yard, base: &Stand, packages: &[String]) -> Result<Baseline, Problem> {
    let run = || runs_of(yard, base, Some(packages), &command(yard, base, packages));
    let known = run()?;
    let is_chosen = !yard.chooses_runner() || has_own_command(yard) || !yard.uses_nextest(base);
    if is_chosen || known.runs.iter().all(|run| run.ok) || yard.ear.cancel.is_cancelled() {
        return Ok(known);
    }
    // Programs that test without libtest cannot tell nextest what they test, and some tests need the others beside them in
    // one process: what does not pass under it is run by cargo, and stays there if more passes.
    yard.use_nextest(false);
    let by_cargo = run()?;
    if by_cargo.passing() > known.passing() {
        return Ok(by_cargo);
    }
    yard.use_nextest(true);
    Ok(known)
}

/// What the full tests of the base come to beside one run with the change: nothing, or what broke.
pub fn broken_by(yard: &Yard, out: &str, ok: bool) -> Result<Option<Found>, Problem> {
    let base = yard.stand_base()?;
    let Some(all) = full(yard, base) else { return Ok(None) };
    let known = runs_of(yard, base, None, &all)?;
    let found = judged(suite::compare(&known.runs, &suite::read(out, ok)));
    Ok((found.state == RungState::Failed).then_some(found))
}

/// `packages` are those to build first, where the command is made of them.
fn runs_of(
    yard: &Yard,
    base: &Stand,
    packages: Option<&[String]>,
    (line, command): &(String, Command),
) -> Result<Baseline, Problem> {
    let compiler = yard.compiler()?;
    let name = files::hash(format!("{} {line} {compiler}", yard.base.tree).as_bytes()).0;
    let kept = |run: usize| yard.slots.dir().join(format!("baseline-{}-{run}", &name[..16]));
    let (mut runs, mut took) = (Vec::new(), None);
    for run in 0..2 {
        if let Some((known, ms)) = files::read_text(&kept(run), "kept results").ok().and_then(|text| from_kept(&text)) {
            runs.push(known);
            took = took.or(ms);
            continue;
        }
        if let (0, Some(packages)) = (run, packages) {
            build(yard, base, packages)?;
        }
        yard.step(&format!("{line} (base{})", if run == 0 { "" } else { ", once more for flaky tests" }));
        let ended = command.run(&yard.ear.cancel, &mut |line| yard.log(line))?;
        if matches!(ended.exit, Exit::TimedOut | Exit::Cancelled) {
            break;
        }
        if let Some(fault) = diagnostics::machine_fault(&ended.out).filter(|_| !ended.ok()) {
            return Err(compiles::at_fault("run the tests of the base", fault));
        }
        let results = suite::read(&ended.out, ended.ok());
        // Tests that do not build or start may do so another time: a linker may lack what the code does not.
        if ended.ok() || !results.tests.is_empty() {
            files::write_atomic(&kept(run), to_kept(&ended).as_bytes())?;
        }
        runs.push(results);
        took = took.or(Some(ended.ms));
        if ended.ms > AGAIN_MS && run == 0 {
            break;
        }
    }
    let took = took.filter(|_| packages.is_some() && !has_own_command(yard)).map(Duration::from_millis);
    Ok(Baseline { runs, took })
}

fn shown(packages: &[String]) -> String {
    if packages.is_empty() { String::from("the workspace") } else { packages.join(", ") }
}

fn to_kept(ended: &Ended) -> String {
    format!("{} {}\n{}", if ended.ok() { "passed" } else { "failed" }, ended.ms, ended.out)
}

/// The results and the milliseconds that they took.
fn from_kept(text: &str) -> Option<(Results, Option<u64>)> {
    let (first, out) = text.split_once('\n')?;
    let (word, ms) = first.split_once(' ')?;
    ["passed", "failed"].contains(&word).then(|| (suite::read(out, word == "passed"), ms.parse().ok()))
}

/// What is known of the rung before anything runs: there is nothing to compare with.
pub fn unpinned(climb: &Climb) -> Option<Found> {
    let Some(first) = climb.baseline.runs.first() else {
        return Some(Found::new(RungState::Undecided, "the tests of the base did not end within their time limit"));
    };
    (suite::compare(&climb.baseline.runs, first) == Compared::NoTests).then(|| judged(Compared::NoTests))
}

/// Climbs the rung on the candidate that was just checked.
///
/// # Errors
/// No cargo.
pub fn climb(climb: &Climb) -> Result<Found, Problem> {
    let yard = climb.yard;
    if let Some(found) = unpinned(climb) {
        return Ok(found);
    }
    let packages = yard.packages_of(&[climb.rewrite])?;
    let (line, command) = command(yard, climb.candidate, &packages);
    let command = climb.baseline.limited(command);
    let base = of_packages(&climb.baseline.runs, climb, &packages)?;
    let mut before: Option<Vec<String>> = None;
    build(yard, climb.candidate, &packages)?;
    loop {
        yard.step(&format!("{line} ({})", climb.rewrite.id));
        let ended = command.run(&yard.ear.cancel, &mut |line| yard.log(line))?;
        let compared = match compared(&base, &ended) {
            Ok(compared) => compared,
            Err(late) => return Ok(*late),
        };
        match (compared, before.take()) {
            (Compared::Broken(broken), None) if !yard.ear.cancel.is_cancelled() => before = Some(broken),
            (Compared::Same { .. }, Some(first)) => {
                let detail = format!("passes only now and then with the change: {}", list(&first));
                return Ok(Found::new(RungState::Undecided, detail).log(ended.tail));
            }
            (compared, _) => return Ok(judged(compared).log(excerpt(&ended.out, &ended.tail))),
        }
    }
}

/// What one run of the candidate's tests says beside the base's.
///
/// # Errors
/// Tests of the base that cannot be run.
pub fn judged_by_base(climb: &Climb, ended: &Ended) -> Result<Found, Problem> {
    let base = of_packages(&climb.baseline.runs, climb, &climb.yard.packages_of(&[climb.rewrite])?)?;
    Ok(match compared(&base, ended) {
        Ok(compared) => judged(compared).log(excerpt(&ended.out, &ended.tail)),
        Err(late) => *late,
    })
}

fn compared(base: &[Results], ended: &Ended) -> Result<Compared, Box<Found>> {
    match ended.exit {
        Exit::TimedOut => {
            let late = Found::new(RungState::Undecided, "the tests did not end within their time limit");
            Err(Box::new(late.log(ended.tail.clone())))
        }
        _ => match diagnostics::machine_fault(&ended.out).filter(|_| !ended.ok()) {
            Some(fault) => {
                let why = format!("{} run the tests: {fault}", compiles::AT_FAULT);
                Err(Box::new(Found::new(RungState::Undecided, why).log(ended.tail.clone())))
            }
            None => Ok(suite::compare(base, &suite::read(&ended.out, ended.ok()))),
        },
    }
}

/// The base was run for all proposals together: only the tests of this one's packages are compared, which are those
/// that a run of its packages on the base would have.
fn of_packages(runs: &[Results], climb: &Climb, packages: &[String]) -> Result<Vec<Results>, Problem> {
    if packages == climb.packages {
        return Ok(runs.to_vec());
    }
    let base = climb.yard.stand_base()?;
    Ok(baseline(climb.yard, base, packages)?.runs)
}

fn judged(compared: Compared) -> Found {
    match compared {
        Compared::Same { passing, excused } if excused.is_empty() => {
            Found::new(RungState::Passed, format!("{}, the same {passing} pass", tests(passing)))
        }
        Compared::Same { passing, excused } => {
            let detail =
                format!("{}, the same {passing} pass; failing or flaky before: {}", tests(passing), list(&excused));
            Found::new(RungState::Passed, detail)
        }
        Compared::Broken(broken) => Found::new(
            RungState::Failed,
            format!(
                "{} passed before and {} now: {}",
                tests(broken.len()),
                if broken.len() == 1 { "fails" } else { "fail" },
                list(&broken)
            ),
        ),
        Compared::NoTests => {
            Found::new(RungState::Untested, "the project has no test that passes: behaviour is not pinned")
        }
        Compared::CommandFailed => Found::new(RungState::Failed, "the test command passed before and now fails"),
    }
}

fn list(names: &[String]) -> String {
    let short: Vec<&str> = names.iter().take(3).map(|n| n.rsplit(" :: ").next().unwrap_or(n)).collect();
    let more = names.len().saturating_sub(short.len());
    if more == 0 { short.join(", ") } else { format!("{} and {more} more", short.join(", ")) }
}

/// What failing tests printed, where libtest gathers it, else the end of the output.
fn excerpt(out: &str, tail: &str) -> String {
    match out.find("\nfailures:\n") {
        Some(at) => out[at + 1..].chars().take(8_000).collect(),
        None => tail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_run_reads_as_it_was_and_a_damaged_one_does_not() {
        let out = String::from("test a ... ok\n");
        let ended = Ended { exit: Exit::Code(0), out: out.clone(), tail: String::new(), ms: 1_234 };
        assert_eq!(from_kept(&to_kept(&ended)), Some((suite::read(&out, true), Some(1_234))));
        assert_eq!((from_kept("pas"), from_kept("passed\ntest a ... ok\n")), (None, None));
    }

    #[test]
    fn long_lists_of_tests_are_cut() {
        let names: Vec<String> = (0..5).map(|i| format!("x src/lib.rs :: t{i}")).collect();
        assert_eq!(list(&names), "t0, t1, t2 and 2 more");
    }
}
