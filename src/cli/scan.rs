//! A project and paths in, the findings in them out.

use std::path::PathBuf;

use clap::Args;

use super::answer::{Answer, Outcome};
use super::context::Context;
use super::json;
use super::rank::{ms, thousands};
use super::style::Style;
use crate::model::{Finding, FindingCost, FunctionId};
use crate::pipeline::{Analysis, Depth};

#[derive(Args)]
pub(super) struct Options {
    /// Every file, not hot functions alone
    #[arg(long)]
    all: bool,
    /// Only below these paths, relative to the root
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

pub(super) fn run(context: &Context, options: &Options) -> Outcome {
    let workspace = context.open()?;
    let listener = context.ear();
    let analysis = context.analyse(&workspace, Depth::Scan, options.all, listener.ear())?;
    let findings: Vec<&Finding> = analysis.findings.iter().filter(|f| is_below(&f.file, &options.paths)).collect();
    let text = || text(&analysis, &findings, options.all, context.style);
    Ok(Answer::new(context, || json::Scan::new(&analysis, &findings), text).beside(&analysis.problems))
}

/// True if a file lies in one of the paths; no path means everywhere.
pub(super) fn is_below(file: &str, paths: &[PathBuf]) -> bool {
    let clean = |p: &PathBuf| p.components().filter(|c| *c != std::path::Component::CurDir).collect::<PathBuf>();
    paths.is_empty() || paths.iter().any(|p| std::path::Path::new(file).starts_with(clean(p)))
}

fn text(analysis: &Analysis, findings: &[&Finding], all: bool, style: Style) -> String {
    let mut text: String = findings.iter().map(|f| finding(f, analysis, style)).collect();
    let with_rewrite = findings.iter().filter(|f| f.has_rewrite).count();
    text += &format!(
        "{} findings, {with_rewrite} with a rewrite, in {} files ({} lines)\n",
        findings.len(),
        thousands(analysis.files),
        thousands(analysis.lines)
    );
    if !all {
        text += "in files with hot functions; `--all` looks into every file\n";
    }
    text
}

fn finding(f: &Finding, analysis: &Analysis, style: Style) -> String {
    let place = style.strong(&format!("{}:{}:{}", f.file, f.line, f.column));
    let rewrite = if f.has_rewrite { ", has a rewrite" } else { "" };
    let rule = style.code(f.rule.0);
    let cost = cost(f.cost.as_ref(), share(analysis, &f.function));
    format!("{place}  {rule} ({}{rewrite})\n  {}\n  {cost}\n\n", f.class.word(), f.message)
}

/// The share of all samples that a function owns, 0 to 1; `None` where it was not sampled.
pub(super) fn share(analysis: &Analysis, function: &FunctionId) -> Option<f64> {
    analysis.hot.iter().find(|h| h.function == *function).map(|h| h.contribution.share).filter(|share| *share > 0.0)
}

/// What a finding costs, in words; where only samples speak, what its function has of them.
pub(super) fn cost(cost: Option<&FindingCost>, share: Option<f64>) -> String {
    match (cost, share) {
        (Some(c), _) if c.basis == "neutral" => String::from("runs as fast as its rewrite: it is there to be read"),
        (Some(c), _) => format!(
            "costs at most {} ms of the quantile [{}, {}] (basis {})",
            ms(c.c_ms),
            ms(c.ci_ms.low),
            ms(c.ci_ms.high),
            c.basis
        ),
        (None, Some(share)) => format!("its function owns {:.1} % of the samples", share * 100.0),
        (None, None) => String::from("not measured by itself"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_whole_components() {
        let below = |path: &str| is_below("src/risk/score.rs", &[PathBuf::from(path)]);
        assert!(below("src") && below("./src/risk") && below("src/risk/score.rs") && below("src/"));
        assert!(!below("src/ris") && !below("risk"));
        assert!(is_below("a.rs", &[]));
    }
}
