//! Packages in; the line that runs their tests by cargo-nextest and the examples of their documentation by cargo out.

use crate::effects::process::Command;
use crate::jobs::stand::{Stand, Yard};

/// As [`super::passes::command`], where nextest runs the tests.
pub fn command(yard: &Yard, stand: &Stand, packages: &[String]) -> (String, Command) {
    let chosen = |names: &[String]| match names {
        [] => String::from("--workspace"),
        names => names.iter().map(|n| format!("-p {n}")).collect::<Vec<_>>().join(" "),
    };
    // It runs no examples; where there are none to run, cargo would say that this is an error.
    let documented: Vec<String> = match yard.packages_named(packages) {
        Ok(named) => named.filter(|p| p.has_doc_tests).map(|p| p.name.clone()).collect(),
        Err(_) => Vec::new(),
    };
    let run = format!("cargo nextest run --no-fail-fast --no-tests=pass {}", chosen(packages));
    let doc = format!("cargo test --doc --no-fail-fast {}", chosen(&documented));
    let flags = stand.cargo.flags(true).join(" ");
    let (run_here, doc_here) = (format!("{run} {flags}"), format!("{doc} {flags}"));
    if documented.is_empty() {
        return (run, stand.script(&run_here).merged());
    }
    // 100 says that tests failed; what else fails leaves nothing to go on with.
    let line = format!("{run_here}; ended=$?; case $ended in 0|100) {doc_here} || ended=$?;; esac; exit $ended");
    (format!("{run}; {doc}"), stand.script(&line).merged())
}
