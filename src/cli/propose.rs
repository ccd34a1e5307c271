//! A project and paths in, rewrites with their ids and diffs out.

use std::path::PathBuf;

use clap::Args;

use super::answer::{Answer, Outcome};
use super::context::Context;
use super::json;
use super::scan::{cost, is_below, share};
use super::style::Style;
use super::verify;
use crate::detect;
use crate::jobs::{ProveOptions, Settled, prove, settle};
use crate::model::{Answer as State, Problem, Refusal, Rewrite};
use crate::pipeline::{Analysis, Depth};
use crate::slo::nearest;

const CLASSES: [&str; 4] = ["A", "B", "C", "D"];

#[derive(Args)]
pub(super) struct Options {
    /// Every file, not hot functions alone
    #[arg(long)]
    all: bool,
    /// Ask rustc, too, in few runs for all of them; show what it accepts, and why it refuses the rest
    #[arg(long)]
    checked: bool,
    /// Prove them too
    #[arg(long)]
    prove: bool,
    /// Only of this class (A, B or C); may be given several times. D changes behaviour, and is shown only if asked for
    #[arg(long, value_name = "CLASS", ignore_case = true, value_parser = CLASSES)]
    class: Vec<String>,
    /// Only of this rule
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Only below these paths, relative to the root
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

pub(super) fn run(context: &Context, options: &Options) -> Outcome {
    if let Some(rule) = &options.rule {
        known(rule).map_err(|p| vec![p])?;
    }
    let workspace = context.open()?;
    if options.prove || options.checked {
        context.agree(&workspace).map_err(|p| vec![p])?;
    }
    let listener = context.ear();
    let analysis = context.analyse(&workspace, Depth::Propose, options.all, listener.ear())?;
    let mut list = List::of(&analysis, options);
    if options.checked {
        list.settle(settle(&workspace, &list.rewrites, listener.ear()).map_err(|p| vec![p])?);
    }
    let verdicts = match options.prove {
        true => Some(prove(&workspace, &list.rewrites, &ProveOptions::default(), listener.ear()).map_err(|p| vec![p])?),
        false => None,
    };
    drop(listener);
    let json = || {
        let together = list.settled.as_ref().map(json::Together::from);
        json::Propose::new(&list.rewrites, &list.refused, &analysis.problems, together, verdicts.as_deref())
    };
    let text = || {
        let proved = verdicts.as_deref().map(|v| verify::text(v, context.style)).unwrap_or_default();
        text(&analysis, &list, context.style) + &proved
    };
    Ok(Answer::new(context, json, text).beside(&analysis.problems))
}

/// What is shown: proposals, and findings without one.
struct List {
    rewrites: Vec<Rewrite>,
    refused: Vec<Refusal>,
    settled: Option<Settled>,
}

impl List {
    fn of(analysis: &Analysis, options: &Options) -> List {
        let wanted =
            |rule: &str, file: &str| options.rule.as_ref().is_none_or(|r| r == rule) && is_below(file, &options.paths);
        let of_class = |r: &Rewrite| {
            options.class.is_empty() || options.class.iter().any(|c| c.eq_ignore_ascii_case(r.class.word()))
        };
        let asked = if options.class.is_empty() { &[][..] } else { &analysis.on_request[..] };
        let rewrites = analysis.rewrites.iter().chain(asked).filter(|r| wanted(r.rule.0, &r.file) && of_class(r));
        List {
            rewrites: rewrites.cloned().collect(),
            refused: analysis.refused.iter().filter(|r| wanted(r.rule.0, &r.file)).cloned().collect(),
            settled: None,
        }
    }

    /// Leaves what rustc accepts, and adds why it refuses the rest.
    fn settle(&mut self, settled: Settled) {
        self.rewrites = settled.accepted().cloned().collect();
        self.refused.extend(settled.said.iter().filter_map(|(rewrite, said)| said.refusal(rewrite)));
        self.settled = Some(settled);
    }
}

/// The rule's name, if there is such a rule.
pub(super) fn known(rule: &str) -> Result<&'static detect::Rule, Problem> {
    if let Some(found) = detect::REGISTRY.iter().find(|r| r.id.0 == rule) {
        return Ok(found);
    }
    let help = match nearest(rule, detect::REGISTRY.iter().map(|r| r.id.0)) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => String::from("`refit rules` lists them"),
    };
    Err(Problem::error(format!("there is no rule \"{rule}\"")).help(help))
}

fn text(analysis: &Analysis, list: &List, style: Style) -> String {
    let List { rewrites, refused, settled } = list;
    let one = |r: &Rewrite| proposal(r, share(analysis, &r.function), style) + &style.diff(&r.diff) + "\n";
    let mut text: String = rewrites.iter().map(one).collect();
    text += &format!("{} rewrites, {} findings without one\n", rewrites.len(), refused.len());
    for refusal in refused {
        text += &format!("  {}:{}  {}: {}\n", refusal.file, refusal.line, refusal.rule, refusal.reason);
    }
    if let Some(settled) = settled {
        text += &format!("rustc was asked {} times about {} proposals\n", settled.runs, settled.said.len());
    }
    if let Some(first) = rewrites.first() {
        text += &format!("next: {}\n", style.code(&format!("refit verify {}", first.id)));
    }
    text
}

/// A proposal without its diff: what it is, what it can win, what must hold and what must be accepted.
pub(super) fn proposal(r: &Rewrite, share: Option<f64>, style: Style) -> String {
    let mut text = format!("{}  {}\n", style.strong(&r.id.0), r.title);
    text += &format!("  {}:{}  {} (class {})\n", r.file, r.line, style.code(r.rule.0), r.class.word());
    text += &format!("  {}\n", cost(r.cost.as_ref(), share));
    for p in &r.preconditions {
        let state = match p.state {
            State::Holds => style.good("holds  "),
            State::Refuted => style.bad("refuted"),
            State::Open => style.doubtful("open   "),
        };
        text += &format!("  {state}  {} ({})\n", p.text, p.answered_by.word());
    }
    for obligation in &r.obligations {
        text += &format!("  {}   {obligation}\n", style.doubtful("accept"));
    }
    text
}
