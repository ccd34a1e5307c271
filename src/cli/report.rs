//! A project in, the Markdown report of what was found, changed, proved and won out.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::answer::{Answer, Outcome};
use super::context::Context;
use crate::effects::files;
use crate::jobs::{self, Remeasure};

#[derive(Args)]
pub(super) struct Options {
    /// Write it to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Do not measure the objectives again on the accepted stack
    #[arg(long)]
    no_measurement: bool,
}

#[derive(Serialize)]
struct ReportJson {
    schema: &'static str,
    file: Option<String>,
    markdown: String,
}

pub(super) fn run(context: &Context, options: &Options) -> Outcome {
    let workspace = context.open()?;
    let listener = context.ear();
    let remeasure = if options.no_measurement { Remeasure::Never } else { Remeasure::OnceLanded };
    if remeasure == Remeasure::OnceLanded && jobs::can_remeasure(&workspace) {
        context.agree(&workspace).map_err(|p| vec![p])?;
    }
    let report = jobs::report(&workspace, remeasure, listener.ear())?;
    drop(listener);
    let file = options.output.as_ref().map(|path| path.display().to_string());
    if let Some(path) = &options.output {
        files::write_atomic(path, report.markdown.as_bytes()).map_err(|p| vec![p])?;
    }
    let text = || match &file {
        Some(file) => format!("written to {file}\n"),
        None => report.markdown.clone(),
    };
    let json = || ReportJson { schema: "refit.report/1", file: file.clone(), markdown: report.markdown.clone() };
    Ok(Answer::new(context, json, text).beside(&report.problems))
}
