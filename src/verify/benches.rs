//! What a project's own benches printed in; the time of each, and which of them got slower, out.

use std::collections::BTreeMap;

/// Slower by less than this is put down to the place of the code in the binary.
const TOLERANCE: f64 = 0.05;

/// One bench of one run, ns per iteration: the lower end of its interval, the estimate, the upper end.
#[derive(Clone, Debug, PartialEq)]
pub struct Bench {
    /// Its name.
    pub name: String,
    /// The interval around the estimate.
    pub ns: (f64, f64, f64),
}

/// Reads what Criterion prints (`parse  time:   [1.20 µs 1.21 µs 1.23 µs]`, the name on the line before where it is long)
/// and what libtest and `bencher` do (`test parse ... bench:  1,204 ns/iter (+/- 31)`).
pub fn read(printed: &str) -> Vec<Bench> {
    let mut found = Vec::new();
    let mut above = "";
    for line in printed.lines() {
        found.extend(criterion(line, above).or_else(|| libtest(line)));
        if !line.trim().is_empty() {
            above = line.trim();
        }
    }
    found
}

fn criterion(line: &str, above: &str) -> Option<Bench> {
    let (name, rest) = line.split_once("time:")?;
    let inside = rest.trim().strip_prefix('[')?.split(']').next()?;
    let words: Vec<&str> = inside.split_whitespace().collect();
    let [low, low_unit, middle, middle_unit, high, high_unit] = words[..] else { return None };
    let ns = (time(low, low_unit)?, time(middle, middle_unit)?, time(high, high_unit)?);
    let name = if name.trim().is_empty() { above } else { name.trim() };
    Some(Bench { name: name.to_owned(), ns })
}

fn libtest(line: &str) -> Option<Bench> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(" ... bench:")?;
    let (value, rest) = rest.trim().split_once(" ns/iter")?;
    let number = |text: &str| text.trim().replace(',', "").parse::<f64>().ok();
    let (middle, by) =
        (number(value)?, rest.split_once("+/-").and_then(|(_, by)| number(by.trim_end().strip_suffix(')')?)));
    let by = by.unwrap_or(0.0);
    Some(Bench { name: name.trim().to_owned(), ns: (middle - by, middle, middle + by) })
}

fn time(number: &str, unit: &str) -> Option<f64> {
    let ns = match unit {
        "ps" => 1e-3,
        "ns" => 1.0,
        "µs" | "μs" | "us" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|n| n * ns)
}

/// Benches that got slower, with their numbers, and how many were compared: all runs of the candidate lie above all of
/// the base, by more than the tolerance.
pub fn slower(base: &[Vec<Bench>], candidate: &[Vec<Bench>]) -> (Vec<String>, usize) {
    let (before, after) = (by_name(base), by_name(candidate));
    let mut slower = Vec::new();
    let mut compared = 0;
    for (name, old) in &before {
        let Some(new) = after.get(name) else { continue };
        compared += 1;
        let most = old.iter().map(|ns| ns.2).fold(f64::MIN, f64::max);
        let least = new.iter().map(|ns| ns.0).fold(f64::MAX, f64::min);
        if least > most * (1.0 + TOLERANCE) {
            let middle =
                |all: &[(f64, f64, f64)]| super::stats::median(&mut all.iter().map(|ns| ns.1).collect::<Vec<_>>());
            let (old, new) = (middle(old), middle(new));
            slower.push(format!("{name} {} to {} ({:+.1} %)", shown(old), shown(new), 100.0 * (new / old - 1.0)));
        }
    }
    (slower, compared)
}

fn by_name(runs: &[Vec<Bench>]) -> BTreeMap<&str, Vec<(f64, f64, f64)>> {
    let mut all: BTreeMap<&str, Vec<(f64, f64, f64)>> = BTreeMap::new();
    for bench in runs.iter().flatten() {
        all.entry(&bench.name).or_default().push(bench.ns);
    }
    all
}

fn shown(ns: f64) -> String {
    match ns {
        ns if ns >= 1e6 => format!("{:.2} ms", ns / 1e6),
        ns if ns >= 1e3 => format!("{:.2} µs", ns / 1e3),
        ns => format!("{ns:.1} ns"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_criterion_and_libtest_print_is_read_and_their_look_alikes_are_not() {
        let printed = "\
Benchmarking parse/short: Collecting 100 samples in estimated 5.0 s
parse/short             time:   [1.2000 µs 1.2100 µs 1.2300 µs]
                        change: [-1.0000% +0.1000% +1.2000%] (p = 0.5 > 0.05)
Found 3 outliers among 100 measurements (3.00%)
a_name/that_is_long/enough_for_a_line_of_its_own
                        time:   [26.0 ms 26.5 ms 27.0 ms]
                        change:
                        time:   [-2.0000% +0.1000% +1.2000%] (p = 0.5 > 0.05)
test lookup ... bench:       1,204.50 ns/iter (+/- 31)
test counts ... ok
test ignored_one ... ignored
it took time: [long]
";
        let found = read(printed);
        let names: Vec<&str> = found.iter().map(|b| b.name.as_str()).collect();
        assert_eq!(names, ["parse/short", "a_name/that_is_long/enough_for_a_line_of_its_own", "lookup"]);
        assert_eq!(found[0].ns, (1200.0, 1210.0, 1230.0));
        assert_eq!(found[1].ns.1, 26.5e6);
        assert_eq!(found[2].ns, (1173.5, 1204.5, 1235.5));
    }

    #[test]
    fn a_bench_is_slower_where_no_run_of_the_one_reaches_into_the_other() {
        let run = |parse: f64, find: f64| {
            let one = |name: &str, ns: f64| Bench { name: name.into(), ns: (ns * 0.98, ns, ns * 1.02) };
            vec![one("parse", parse), one("find", find)]
        };
        let base = [run(1000.0, 50.0), run(1010.0, 52.0)];
        let (slower_ones, compared) = slower(&base, &[run(1300.0, 51.0), run(1310.0, 53.0)]);
        assert_eq!((slower_ones, compared), (vec!["parse 1.00 µs to 1.30 µs (+29.9 %)".to_owned()], 2));
        assert_eq!(slower(&base, &[run(1300.0, 51.0), run(1020.0, 53.0)]).0, [""; 0], "one run as fast as before");
        assert_eq!(slower(&base, &[run(1060.0, 51.0), run(1070.0, 53.0)]).0, [""; 0], "within the tolerance");
        assert_eq!(slower(&base, &[run(100.0, 5.0)]).0, [""; 0], "faster is not slower");
        assert_eq!(slower(&base, &[]), (Vec::new(), 0));
    }
}
