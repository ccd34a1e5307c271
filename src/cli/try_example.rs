//! The name of an example in, a new repository with it out, opened in the workbench.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::answer::{Answer, Outcome};
use super::context::Context;
use super::workbench;
use crate::jobs;
use crate::tui;

#[derive(Args)]
pub(super) struct Options {
    /// Name of the example
    #[arg(value_name = "NAME")]
    name: String,
    /// Folder to make, `./NAME` by default
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Only copy
    #[arg(long)]
    no_open: bool,
}

#[derive(Serialize)]
struct TryJson {
    schema: &'static str,
    name: String,
    folder: String,
}

pub(super) fn run(context: &Context, options: &Options) -> Outcome {
    let folder = options.folder.clone().unwrap_or_else(|| PathBuf::from(&options.name));
    if !options.no_open && workbench::has_terminal() {
        // What cannot work is said here; what takes time is done behind the first frame.
        let example = Some(jobs::can_try(&options.name, &folder)?);
        return workbench::show(&context.at(folder), tui::Options { warm: true, example, ..context.bench });
    }
    jobs::try_example(&options.name, &folder)?;
    let shown = folder.display().to_string();
    let json = || TryJson { schema: "refit.try/1", name: options.name.clone(), folder: shown.clone() };
    Ok(Answer::new(context, json, || {
        format!("{} is in {shown}\nnext: {}\n", options.name, context.style.code(&format!("refit {shown}")))
    }))
}
