//! A command line in; what was recorded of it, why so, how good it is and what comes next out.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::answer::{Answer, Outcome};
use super::context::Context;
use super::json::{self, ProblemJson};
use super::rank::thousands;
use super::style::Style;
use crate::jobs::{self, RecordOptions, Recorded, StackMode};

/// How stacks are recorded.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Stacks {
    /// The kernel follows frame pointers
    Fp,
    /// Stacks are copied and unwound afterwards
    Dwarf,
}

#[derive(Args)]
pub(super) struct Options {
    /// Where to, relative to slo.toml [default: perf/PROGRAM.perf.data]
    #[arg(long, value_name = "FILE")]
    output: Option<String>,
    /// Samples per second [default: 997, or 297 where stacks are copied]
    #[arg(long, value_name = "HZ")]
    rate: Option<u32>,
    /// How stacks are recorded [default: as the binary was built]
    #[arg(long, value_enum)]
    stacks: Option<Stacks>,
    /// End the program after so many seconds
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<String>,
}

#[derive(Serialize)]
struct RecordJson {
    schema: &'static str,
    file: String,
    bytes: u64,
    command: String,
    reasons: Vec<String>,
    samples: u64,
    /// Only where the service wrote them down itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<u64>,
    lost: u64,
    truncated: u64,
    event: String,
    added: bool,
    next: String,
    problems: Vec<ProblemJson>,
}

pub(super) fn run(context: &Context, options: &Options) -> Outcome {
    let stacks = options.stacks.map(|s| match s {
        Stacks::Fp => StackMode::FramePointers,
        Stacks::Dwarf => StackMode::Dwarf,
    });
    let wanted = RecordOptions {
        command: options.command.clone(),
        output: options.output.clone(),
        rate: options.rate,
        stacks,
        seconds: options.seconds,
    };
    let listener = context.ear();
    let recorded = jobs::record(&context.root, &context.config, &wanted, listener.ear())?;
    drop(listener);
    let config = context.config.display().to_string();
    let answer = Answer::new(context, || to_json(&recorded), || text(&recorded, &config, context.style));
    Ok(answer.beside(&recorded.problems))
}

fn to_json(recorded: &Recorded) -> RecordJson {
    RecordJson {
        schema: "refit.record/1",
        file: recorded.file.clone(),
        bytes: recorded.bytes,
        command: recorded.line.clone(),
        reasons: recorded.reasons.clone(),
        samples: recorded.quality.samples,
        requests: (recorded.requests > 0).then_some(recorded.requests),
        lost: recorded.quality.lost,
        truncated: recorded.quality.truncated,
        event: recorded.quality.event.clone(),
        added: recorded.added,
        next: recorded.next.clone(),
        problems: json::problems(&recorded.problems),
    }
}

fn text(recorded: &Recorded, config: &str, style: Style) -> String {
    let quality = &recorded.quality;
    let what = match recorded.requests {
        0 => format!("{} samples of {}", thousands(quality.samples), quality.event),
        1 => format!("1 request, {}", quality.format),
        requests => format!("{} requests, {}", thousands(requests), quality.format),
    };
    let mut text = format!(
        "{} is recorded: {what}, {:.1} MB\n  {}\n",
        style.strong(&recorded.file),
        recorded.bytes as f64 / 1e6,
        style.code(&recorded.line)
    );
    for reason in &recorded.reasons {
        text += &format!("  {reason}\n");
    }
    let share = |part: u64| if quality.samples == 0 { 0.0 } else { part as f64 * 100.0 / quality.samples as f64 };
    if quality.samples > 0 {
        text += &format!(
            "  {} lost, {:.1} % of the stacks do not reach the start of their thread\n",
            thousands(quality.lost),
            share(quality.truncated)
        );
    }
    if recorded.added {
        text += &format!("  {config}: the source was added\n");
    }
    text + &format!("next: {}\n", style.code(&recorded.next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SourceQuality;

    #[test]
    fn what_was_chosen_is_said_with_its_reason() {
        let quality =
            SourceQuality { samples: 1200, event: "cpu-clock".into(), truncated: 12, ..SourceQuality::default() };
        let recorded = Recorded {
            file: "perf/gw.perf.data".into(),
            bytes: 2_340_000,
            line: "perf record -k mono -e cpu-clock -F 997 --call-graph fp -o perf/gw.perf.data -- ./gw".into(),
            reasons: vec!["--call-graph fp: the functions of this binary keep frame pointers".into()],
            quality,
            requests: 0,
            added: true,
            next: "refit rank".into(),
            problems: vec![],
        };
        insta::assert_snapshot!(text(&recorded, "slo.toml", Style::default()), @r"
        perf/gw.perf.data is recorded: 1,200 samples of cpu-clock, 2.3 MB
          perf record -k mono -e cpu-clock -F 997 --call-graph fp -o perf/gw.perf.data -- ./gw
          --call-graph fp: the functions of this binary keep frame pointers
          0 lost, 1.0 % of the stacks do not reach the start of their thread
          slo.toml: the source was added
        next: refit rank
        ");
    }
}
