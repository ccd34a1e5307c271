//! The output of test runs in; per-test results, and whether the same tests pass as before, out.

use std::collections::{BTreeMap, BTreeSet};

/// How one test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It was not run.
    Ignored,
}

/// The results of one run by name: `unittests src/lib.rs :: risk::tests::adds`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Results {
    /// Results by name.
    pub tests: BTreeMap<String, Ending>,
    /// True if the command ended with status 0.
    pub ok: bool,
}

/// What a candidate's tests come to, next to the base's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// What passed before passes now.
    Same {
        /// Number of tests that pass on both sides.
        passing: usize,
        /// Tests that fail on both sides, or pass only now and then on the base.
        excused: Vec<String>,
    },
    /// These passed before and do not now.
    Broken(Vec<String>),
    /// The base has no test that passes.
    NoTests,
    /// Names are unknown; the command itself failed where it did not before.
    CommandFailed,
}

/// Reads the output of `cargo test` (both streams in order) or `cargo nextest`.
///
/// Formats: libtest's `test NAME ... ok`, cargo's `Running unittests src/lib.rs (target/…)` and `Doc-tests NAME`,
/// nextest's `PASS [   0.004s] (1/3) CRATE NAME`, which become `CRATE :: NAME`.
pub fn read(output: &str, ok: bool) -> Results {
    let mut tests = BTreeMap::new();
    let mut binary = String::new();
    for line in output.lines() {
        if let Some(name) = binary_name(line) {
            binary = name;
        } else if let Some((name, ending)) = libtest(line) {
            let full = unique(&tests, if binary.is_empty() { name } else { format!("{binary} :: {name}") });
            tests.insert(full, ending);
        } else if let Some((name, ending)) = nextest(line) {
            // What fails is told once more in the end.
            tests.insert(name, ending);
        }
    }
    Results { tests, ok }
}

/// Compares a candidate's run with the base's runs. A test that did not end alike in all runs of the base is flaky.
pub fn compare(base: &[Results], candidate: &Results) -> Compared {
    let names: BTreeSet<&String> = base.iter().flat_map(|r| r.tests.keys()).collect();
    if names.is_empty() {
        return match (base.iter().any(|r| r.ok), candidate.ok) {
            (true, false) => Compared::CommandFailed,
            _ => Compared::NoTests,
        };
    }
    let steady = |name: &&&String| base.iter().all(|r| r.tests.get(**name) == Some(&Ending::Passed));
    let passing: Vec<&String> = names.iter().filter(steady).copied().collect();
    let excused = names.iter().filter(|n| !steady(n) && base.iter().any(|r| r.tests.get(**n) == Some(&Ending::Failed)));
    let excused: Vec<String> = excused.map(|n| (*n).clone()).collect();
    let broken: Vec<String> =
        passing.iter().filter(|n| candidate.tests.get(**n) != Some(&Ending::Passed)).map(|n| (*n).clone()).collect();
    match (passing.is_empty(), broken.is_empty()) {
        (true, _) => Compared::NoTests,
        (false, true) => Compared::Same { passing: passing.len(), excused },
        (false, false) => Compared::Broken(broken),
    }
}

/// Tests that pass in all runs.
pub fn steady(runs: &[&Results]) -> BTreeSet<String> {
    let passes = |name: &&String| runs.iter().all(|r| r.tests.get(*name) == Some(&Ending::Passed));
    runs.first().map(|r| r.tests.keys().filter(passes).cloned().collect()).unwrap_or_default()
}

/// The name of a test as libtest takes it: without its program.
pub fn short(name: &str) -> &str {
    name.split_once(" :: ").map_or(name, |(_, short)| short)
}

/// The test of which a line of output says that it failed.
pub fn failed(line: &str) -> Option<String> {
    let (name, ending) = libtest(line).or_else(|| nextest(line))?;
    (ending == Ending::Failed).then(|| short(&name).to_owned())
}

/// Tests that did not end alike in all runs.
pub fn flaky(runs: &[Results]) -> Vec<String> {
    let names: BTreeSet<&String> = runs.iter().flat_map(|r| r.tests.keys()).collect();
    let endings = |name: &String| runs.iter().map(|r| r.tests.get(name)).collect::<BTreeSet<_>>().len();
    names.into_iter().filter(|n| endings(n) > 1).cloned().collect()
}

fn binary_name(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(format!("doc {name}"));
    }
    let rest = line.strip_prefix("Running ")?;
    let (what, path) = rest.split_once(" (")?;
    // The folder of the binary, without the hash that changes with each build, tells two `src/lib.rs` apart.
    let file = path.trim_end_matches(')').rsplit('/').next()?;
    let krate = file.rsplit_once('-').map_or(file, |(name, _)| name);
    Some(format!("{krate} {}", what.trim_start_matches("unittests ")))
}

fn libtest(line: &str) -> Option<(String, Ending)> {
    let rest = line.strip_prefix("test ")?;
    let (name, ending) = rest.rsplit_once(" ... ")?;
    let ending = match ending.split([' ', ',']).next()? {
        "ok" => Ending::Passed,
        "FAILED" => Ending::Failed,
        "ignored" => Ending::Ignored,
        _ => return None,
    };
    // `src/lib.rs - total (line 12)`: an edit moves the line. `name - should panic` is the name alone.
    let name = name.trim_end_matches(" - should panic");
    let name = name.split_once(" (line ").map_or(name, |(name, _)| name);
    Some((name.to_owned(), ending))
}

fn nextest(line: &str) -> Option<(String, Ending)> {
    let line = line.trim();
    let (word, rest) = line.split_once(" [")?;
    let ending = match word.split(' ').next()? {
        "PASS" | "LEAK" | "FLAKY" => Ending::Passed,
        "FAIL" | "ABORT" | "TIMEOUT" => Ending::Failed,
        signal if signal.starts_with("SIG") => Ending::Failed,
        _ => return None,
    };
    let (_, name) = rest.split_once(']')?;
    let name = name.trim();
    let name = if name.starts_with('(') { name.split_once(')')?.1.trim() } else { name };
    // Its program and the test, as libtest's are named here.
    let (program, test) = name.split_once(' ')?;
    Some((format!("{program} :: {}", test.trim()), ending))
}

/// Doc tests of one item differ by their line alone: they are numbered.
fn unique(tests: &BTreeMap<String, Ending>, name: String) -> String {
    let mut full = name.clone();
    let mut n = 2;
    while tests.contains_key(&full) {
        full = format!("{name} #{n}");
        n += 1;
    }
    full
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "   Compiling gateway v0.1.0
     Running unittests src/lib.rs (target/debug/deps/gateway-0123abcd)

running 3 tests
test risk::tests::adds ... ok
test risk::tests::subtracts ... FAILED
test slow ... ignored, takes hours

     Running tests/api.rs (target/debug/deps/api-77)
test risk::tests::adds ... ok
test panics - should panic ... ok
   Doc-tests gateway
test src/lib.rs - total (line 12) ... ok
test src/lib.rs - total (line 30) ... ok
test src/lib.rs - build (line 44) - compile ... ok
";

    #[test]
    fn libtest_output_is_read_with_its_binaries() {
        let results = read(RUN, false);
        let names: Vec<String> = results.tests.iter().map(|(n, e)| format!("{n} {e:?}")).collect();
        assert_eq!(
            names,
            [
                "api tests/api.rs :: panics Passed",
                "api tests/api.rs :: risk::tests::adds Passed",
                "doc gateway :: src/lib.rs - build Passed",
                "doc gateway :: src/lib.rs - total Passed",
                "doc gateway :: src/lib.rs - total #2 Passed",
                "gateway src/lib.rs :: risk::tests::adds Passed",
                "gateway src/lib.rs :: risk::tests::subtracts Failed",
                "gateway src/lib.rs :: slow Ignored",
            ]
        );
    }

    #[test]
    fn nextest_output_is_read_too() {
        let results = read(
            "        PASS [   0.004s] (1/4) gateway risk::adds\n        FAIL [   0.1s] gateway risk::subs\n  stdout ---\n\n    \
             test risk::subs ... FAILED\n\n  TRY 1 FAIL [   0.1s] (3/4) gateway::api waits\n     SIGABRT [   0.1s] (4/4) \
             gateway::bin/gw aborts\n     Summary [   1.0s] 4 tests run: 2 passed, 2 failed\n   FLAKY 2/2 [   0.1s] (3/4) \
             gateway::api waits\n        FAIL [   0.1s] gateway risk::subs\n   Doc-tests gateway\ntest src/lib.rs - f (line 2) ... ok\n",
            false,
        );
        let names: Vec<String> = results.tests.iter().map(|(n, e)| format!("{n} {e:?}")).collect();
        assert_eq!(
            names,
            [
                "doc gateway :: src/lib.rs - f Passed",
                "gateway :: risk::adds Passed",
                "gateway :: risk::subs Failed",
                "gateway::api :: waits Passed",
                "gateway::bin/gw :: aborts Failed",
            ]
        );
        assert_eq!(failed("        FAIL [   0.1s] (2/2) gateway risk::subs").as_deref(), Some("risk::subs"));
    }

    #[test]
    fn what_a_test_prints_is_no_result() {
        let said = "test data ... maybe\ntesting x ... ok\ntest ok\n note: test x ... ok\n";
        assert_eq!(read(said, true).tests.len(), 0);
    }

    fn run(tests: &[(&str, Ending)]) -> Results {
        let tests: BTreeMap<_, _> = tests.iter().map(|(n, e)| (n.to_string(), *e)).collect();
        let ok = tests.values().all(|e| *e != Ending::Failed);
        Results { tests, ok }
    }

    #[test]
    fn failing_and_flaky_tests_of_the_base_do_not_block_and_are_named() {
        use Ending::*;
        let base =
            [run(&[("a", Passed), ("b", Failed), ("c", Passed)]), run(&[("a", Passed), ("b", Failed), ("c", Failed)])];
        let candidate = run(&[("a", Passed), ("b", Failed), ("c", Failed)]);
        let expected = Compared::Same { passing: 1, excused: vec!["b".into(), "c".into()] };
        assert_eq!(compare(&base, &candidate), expected);
        assert_eq!(flaky(&base), ["c"]);
    }

    #[test]
    fn a_test_that_vanished_or_fails_is_broken() {
        use Ending::*;
        let base = [run(&[("a", Passed), ("b", Passed), ("c", Passed)])];
        let candidate = run(&[("a", Passed), ("b", Failed)]);
        assert_eq!(compare(&base, &candidate), Compared::Broken(vec!["b".into(), "c".into()]));
    }

    #[test]
    fn no_tests_is_said_and_a_nameless_command_counts_by_its_status() {
        assert_eq!(compare(&[run(&[])], &run(&[])), Compared::NoTests);
        let failed = Results { ok: false, ..Results::default() };
        assert_eq!(compare(&[run(&[])], &failed), Compared::CommandFailed);
    }
}
