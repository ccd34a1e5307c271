//! A folder in, the workbench on it out.

use std::io::IsTerminal;
use std::path::Path;

use super::answer::{Answer, Outcome};
use super::context::Context;
use crate::model::{Place, Problem};
use crate::slo::nearest;
use crate::tui;

pub(super) fn run(context: &Context, folder: Option<&Path>) -> Outcome {
    let context = match folder {
        Some(folder) if !folder.is_dir() => return Err(vec![no_folder(folder)]),
        Some(folder) => &context.at(folder.to_path_buf()),
        None => context,
    };
    open(context, context.bench)
}

/// Opens the workbench, having made sure that the project opens and that there is a terminal.
pub(super) fn open(context: &Context, options: tui::Options) -> Outcome {
    if !has_terminal() {
        let help =
            "run it in a terminal; every action is also a command: `refit rank`, `refit propose`, `refit --help`";
        return Err(vec![Problem::error("the workbench needs a terminal").help(help)]);
    }
    let workspace = context.open()?;
    if context.trusts() {
        workspace.agree().map_err(|p| vec![p])?;
    }
    show(context, options)
}

/// Opens the workbench on a folder that is made behind its first frame.
pub(super) fn show(context: &Context, options: tui::Options) -> Outcome {
    match tui::open(&context.root, &context.config, options).map_err(|p| vec![p])? {
        0 => Ok(Answer::default()),
        // A signal ended it: its own status, whatever an answer would say.
        status => std::process::exit(status.into()),
    }
}

/// True if keys can be read and a screen can be drawn.
pub(super) fn has_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

fn no_folder(folder: &Path) -> Problem {
    let shown = folder.display().to_string();
    let commands = super::command_names();
    let problem = Problem::error(format!("there is no folder \"{shown}\"")).at(Place::file(&shown));
    match nearest(&shown, commands.iter().map(String::as_str)) {
        Some(command) => problem.help(format!("did you mean `refit {command}`?")),
        None => problem.help("name the folder that holds slo.toml, or a command: `refit --help` lists them"),
    }
}
