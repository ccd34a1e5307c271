//! A project without budgets in, a starter `slo.toml` and what to do with it out.

use clap::Args;
use serde::Serialize;

use super::answer::{Answer, Outcome};
use super::context::Context;
use super::json::{self, ProblemJson};
use super::rank::thousands;
use super::style::Style;
use crate::jobs::{self, Started};

#[derive(Args)]
pub(super) struct Options {
    /// Operation to write the objective for, one of those found
    #[arg(long, value_name = "OPERATION")]
    operation: Option<String>,
}

#[derive(Serialize)]
struct InitJson {
    schema: &'static str,
    file: String,
    recordings: Vec<RecordingJson>,
    operations: Vec<OperationJson>,
    packages: Vec<String>,
    text: String,
    problems: Vec<ProblemJson>,
}

#[derive(Serialize)]
struct RecordingJson {
    file: String,
    format: String,
}

#[derive(Serialize)]
struct OperationJson {
    operation: String,
    requests: u64,
    p99_ms: f64,
}

pub(super) fn run(context: &Context, options: &Options) -> Outcome {
    let listener = context.ear();
    let started = jobs::init(&context.root, &context.config, options.operation.as_deref(), listener.ear())?;
    drop(listener);
    Ok(Answer::new(context, || to_json(&started), || text(&started, context.style)).beside(&started.problems))
}

fn to_json(started: &Started) -> InitJson {
    let recording = |(file, format): &(String, String)| RecordingJson { file: file.clone(), format: format.clone() };
    let operation = |o: &jobs::OperationSeen| OperationJson {
        operation: o.name.clone(),
        requests: o.requests,
        p99_ms: (o.p99_ms * 1e6).round() / 1e6,
    };
    InitJson {
        schema: "refit.init/1",
        file: started.file.clone(),
        recordings: started.recordings.iter().map(recording).collect(),
        operations: started.operations.iter().map(operation).collect(),
        packages: started.packages.clone(),
        text: started.text.clone(),
        problems: json::problems(&started.problems),
    }
}

fn text(started: &Started, style: Style) -> String {
    let mut text = format!("{} is written\n", style.strong(&started.file));
    text += &format!(
        "  packages: {}\n",
        if started.packages.is_empty() { "none".into() } else { started.packages.join(", ") }
    );
    for (file, format) in &started.recordings {
        text += &format!("  recording: {file} ({format})\n");
    }
    if started.recordings.is_empty() {
        text += "  no recording was found: the file says how to make one\n";
    }
    for o in started.operations.iter().take(10) {
        let few = if o.requests < 368 { ", too few for a 95 % interval of a p99 (368)" } else { "" };
        text += &format!("  operation: {}, {} requests, p99 {:.1} ms{few}\n", o.name, thousands(o.requests), o.p99_ms);
    }
    let next = match started.recordings.is_empty() {
        true => format!("record as {} says, name the recording and the limit there, then", started.file),
        false => format!("write the limit that you promise into {}, then", started.file),
    };
    text + &format!("next: {next} {}\n", style.code("refit rank"))
}
