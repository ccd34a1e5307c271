//! Ids of proposals in, their evidence and verdicts out; exit status 1 unless every one is verified.

use clap::Args;

use super::answer::{Answer, Outcome};
use super::context::Context;
use super::json;
use super::replayed;
use super::style::Style;
use crate::jobs::{ProveOptions, prove_among, prove_set, replay};
use crate::model::{Measurement, Outcome as Result_, Problem, Rung, RungState, SetVerdict, Verdict};

#[derive(Args)]
pub(super) struct Options {
    /// Ids of proposals, or unique beginnings of them
    #[arg(value_name = "ID", required_unless_present_any = ["all", "replay"], conflicts_with_all = ["all", "replay"])]
    ids: Vec<String>,
    /// Every proposal of hot functions
    #[arg(long)]
    all: bool,
    /// Look again at a commit that Refit landed: its digests and numbers, and its proof on the code before it
    #[arg(long, value_name = "COMMIT", conflicts_with_all = ["all", "set"])]
    replay: Option<String>,
    /// As one change set of at most 400 changed lines: what breaks it is found and left out
    #[arg(long)]
    set: bool,
    /// Take nothing from the evidence of earlier runs
    #[arg(long)]
    fresh: bool,
    /// Stop after the tests, without timing
    #[arg(long)]
    no_measurement: bool,
    /// Stop after the timing: proposals that are named by their ids get every rung else, those of `--all` what is asked for
    #[arg(long)]
    quick: bool,
    /// Ask, too, how many wrong versions of the new code tests and twins catch: a run of the tests for each
    #[arg(long)]
    power: bool,
    /// Call old and new on made inputs, too, and show the smallest on which they differ
    #[arg(long)]
    properties: bool,
    /// Compare the machine code of old and new in any case: what is the same is equivalent and no faster (what was timed
    /// as faster is compared without being asked)
    #[arg(long)]
    codegen: bool,
    /// Compare what base and candidate spend on the workload, too: memory, binary, start and p50, beside [limits]
    #[arg(long)]
    limits: bool,
}

impl Options {
    /// A person who names proposals cares about them: they climb the whole ladder.
    fn how(&self) -> ProveOptions {
        let whole = !self.ids.is_empty() && !self.set && !self.quick && !self.no_measurement;
        ProveOptions {
            properties: self.properties || whole,
            no_measurement: self.no_measurement,
            fresh: self.fresh,
            power: self.power || whole,
            codegen: self.codegen || whole,
            nothing_worse: self.limits || whole,
            ..ProveOptions::default()
        }
    }
}

pub(super) fn run(context: &Context, options: &Options) -> Outcome {
    let workspace = context.open()?;
    context.agree(&workspace).map_err(|p| vec![p])?;
    let listener = context.ear();
    if let Some(commit) = &options.replay {
        let replayed = replay(&workspace, commit, &options.how(), listener.ear())?;
        drop(listener);
        let text = || replayed::text(&replayed, context.style);
        return Ok(Answer::new(context, || replayed::Json::from(&replayed), text).says_no(!replayed.holds()));
    }
    let chosen = context.proposals(&workspace, &options.ids, listener.ear())?;
    let how = options.how();
    if options.set {
        let proved = prove_set(&workspace, &chosen.rewrites(), &how, listener.ear()).map_err(|p| vec![p])?;
        drop(listener);
        let says_no = !proved.is_whole();
        let text = || text(&proved.verdicts, context.style) + &set_text(&proved, context.style);
        return Ok(Answer::new(context, || json::Verify::from(&proved), text)
            .beside(&chosen.analysis.problems)
            .says_no(says_no));
    }
    let others = &chosen.analysis.rewrites;
    let verdicts = prove_among(&workspace, &chosen.rewrites(), others, &how, listener.ear()).map_err(|p| vec![p])?;
    drop(listener);
    if verdicts.is_empty() && !chosen.proposals.is_empty() {
        return Err(vec![
            Problem::error("stopped before anything was proved")
                .help("what was built so far is kept: the next run goes on from there"),
        ]);
    }
    let no = verdicts.iter().any(|v| v.outcome() != Result_::Verified);
    let answer = Answer::new(context, || json::Verify::from(&verdicts[..]), || text(&verdicts, context.style));
    Ok(answer.beside(&chosen.analysis.problems).says_no(no))
}

/// Verdicts with their rungs and numbers.
pub(super) fn text(verdicts: &[Verdict], style: Style) -> String {
    let mut text: String = verdicts.iter().map(|v| verdict(v, style)).collect();
    if verdicts.is_empty() {
        text += "there is nothing to prove\n";
    }
    text
}

/// What holds together, and what fell out of the set and why.
fn set_text(proved: &SetVerdict, style: Style) -> String {
    let (members, asked) = (proved.set.members().len(), proved.verdicts.len());
    let held = match members {
        0 => style.bad("nothing of it holds"),
        _ if proved.fallen.is_empty() => style.good("holds together"),
        _ => style.doubtful("holds without what fell out"),
    };
    let lines = proved.set.lines();
    let mut text =
        format!("{}  {held}: {members} of {asked} proposals, {lines} changed lines\n", style.strong("change set"));
    if members > 0 {
        text += &format!("  tree {}, {}\n", proved.tree, proved.by);
    }
    for fallen in &proved.fallen {
        let with: Vec<&str> = fallen.with.iter().map(|id| id.0.as_str()).collect();
        let with = if with.is_empty() { String::new() } else { format!(" beside {}", with.join(", ")) };
        text += &format!("  {} fell out{with}: {}\n", style.strong(&fallen.rewrite.0), fallen.why);
    }
    text
}

/// One verdict with its rungs and numbers.
pub(super) fn verdict(v: &Verdict, style: Style) -> String {
    let word = match v.outcome() {
        Result_::Verified => style.good("verified"),
        Result_::Refuted => style.bad("refuted"),
        Result_::Inconclusive => style.doubtful("inconclusive"),
    };
    let mut text = format!("{}  {word}: {}\n", style.strong(&v.rewrite().0), v.by());
    for e in v.evidence() {
        let state = match e.state {
            RungState::Passed => style.good(e.state.word()),
            RungState::Failed => style.bad(e.state.word()),
            _ => style.doubtful(e.state.word()),
        };
        let pad = " ".repeat(15usize.saturating_sub(e.rung.word().len()).max(1));
        let time = if e.cached { String::from("known") } else { format!("{:.1} s", e.ms as f64 / 1e3) };
        text += &format!("  {}{pad}{state}, {} ({time})\n", e.rung.word(), e.detail);
    }
    if let Some(e) = v.rung(Rung::NothingWorse).filter(|e| !e.log.is_empty()) {
        text += &e.log.lines().map(|l| format!("    {l}\n")).collect::<String>();
    }
    if let Some(e) = v.rung(Rung::PropertiesAgree).filter(|e| !e.log.is_empty()) {
        text += &format!("  a test that keeps what the old code does:\n\n{}\n", e.log);
    }
    for survivor in v.power().iter().flat_map(|p| &p.survivors) {
        text += &format!("  survived: {}\n", survivor.line_for_people());
    }
    text + &v.measurement().map(measurement).unwrap_or_default() + "\n"
}

fn measurement(m: &Measurement) -> String {
    // A conversion takes a few hundred nanoseconds: in microseconds both would round to nothing.
    let (unit, by, digits) = if m.old_ns < 1e4 { ("ns", 1.0, 0) } else { ("us", 1e3, 1) };
    format!(
        "  {}: {:.3} of the old time [{:.3}, {:.3}], {:.digits$} to {:.digits$} {unit} per call\n  \
         {} pairs, {} calls by {}; noise floor {:.2} %, smallest effect to be seen {:.2} %; {}{}\n",
        m.speed.word(),
        m.ratio,
        m.ci.0,
        m.ci.1,
        m.old_ns / by,
        m.new_ns / by,
        m.pairs,
        m.calls,
        m.exercised_by,
        m.noise_floor * 100.0,
        m.mde * 100.0,
        m.witness,
        m.also_counted().map(|all| format!("\n  also counted: {all} a call")).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::model::Rung;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    /// The rungs that such a line asks for beside those that are always climbed.
    #[track_caller]
    fn check(line: &str, asked: &[Rung]) {
        let how = Line::parse_from(line.split(' ')).options.how();
        let on_demand = Rung::ALL.iter().copied().filter(|r| r.is_on_demand());
        assert_eq!(on_demand.filter(|r| how.asks(*r)).collect::<Vec<_>>(), asked, "{line}");
    }

    #[test]
    fn a_named_proposal_climbs_the_whole_ladder_and_all_of_them_only_what_is_asked_for() {
        let all = [Rung::PropertiesAgree, Rung::GateHasPower, Rung::Codegen, Rung::NothingWorse];
        check("verify r1", &all);
        check("verify r1 r2 --fresh", &all);
        check("verify r1 --quick", &[]);
        check("verify r1 --no-measurement", &[]);
        check("verify r1 --no-measurement --properties", &[Rung::PropertiesAgree]);
        check("verify r1 r2 --set", &[]);
        check("verify --all", &[]);
        check("verify --all --power --codegen", &[Rung::GateHasPower, Rung::Codegen]);
    }
}
