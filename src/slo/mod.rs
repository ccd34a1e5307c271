//! `slo.toml` text in, a [`Slo`] and every problem found out.

mod add_source;
mod check;
mod nearest;
mod reader;
mod schema;
mod units;

pub use add_source::{NewSource, add_source};
pub use nearest::nearest;

use toml::de::DeTable;

use crate::model::{Parsed, Slo};
use reader::{Reader, Table};

/// Reads the text of an `slo.toml`; `file` is the name used in messages.
///
/// All problems are reported at once, each with file:line:column and what to do. Names follow OpenSLO in snake case.
/// An `[[slo]]` with several quantiles becomes several objectives: the highest keeps the name, the others get
/// `-p90` and the like behind it.
pub fn parse(file: &str, text: &str) -> Parsed<Slo> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader::new(file, text);
    reader.syntax(&errors);
    let root = Table::new(file, 0..0, document.get_ref());
    let draft = schema::read(&mut reader, &root);
    check::check(&mut reader, &draft);
    let mut problems = reader.problems;
    problems.sort_by(|a, b| a.place.cmp(&b.place));
    problems.dedup();
    Parsed { value: draft.slo, problems }
}

/// Every command line of `slo.toml` that proving and measuring would run, in the order of the file, each once.
///
/// What cargo runs without being told (build scripts, tests) stands for itself as a cargo line.
pub fn commands(slo: &Slo) -> Vec<String> {
    let mut commands = vec![String::from("cargo check --all-targets")];
    for workload in &slo.workloads {
        let lines = [&workload.build, &workload.run, &workload.load, &workload.test_quick, &workload.test];
        commands.extend(lines.into_iter().filter(|line| !line.is_empty()).cloned());
    }
    if slo.workloads.iter().all(|w| w.test.is_empty()) {
        commands.push(String::from("cargo test --workspace"));
    }
    let mut seen = std::collections::BTreeSet::new();
    commands.retain(|line| seen.insert(line.clone()));
    commands
}

#[cfg(test)]
mod tests;
