//! Command-line arguments in, one command run, an exit status out; one file per command.

mod answer;
mod apply;
mod check;
mod clean;
mod compared;
mod context;
mod doctor;
mod explain;
mod init;
mod json;
mod log;
mod progress;
mod propose;
mod rank;
mod record;
mod redo;
mod replayed;
mod report;
mod review;
mod rules;
mod scan;
mod style;
mod table;
mod try_example;
mod undo;
mod verify;
mod workbench;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use answer::Outcome;
use context::{Color, Context, Shade};

use crate::effects::measured;
use crate::model::Problem;

/// Brings Rust code back inside its latency budget.
#[derive(Parser)]
#[command(name = "refit", bin_name = "refit", version, max_term_width = 100)]
#[command(after_help = EXITS)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
    /// Project to open in the workbench
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

const EXITS: &str = "Without a command the workbench opens. Exit status: 0 done; 1 `check` or `verify` says no; \
                     2 what was asked or given is at fault; 3 Refit is at fault.";

#[derive(Args)]
struct Global {
    /// Folder of the project
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    root: PathBuf,
    /// Budgets, relative to the root
    #[arg(long, global = true, value_name = "FILE", default_value = "slo.toml")]
    config: PathBuf,
    /// When to colour
    #[arg(long, global = true, value_enum, default_value = "auto", conflicts_with = "no_color")]
    color: Color,
    /// Never colour (as NO_COLOR does)
    #[arg(long, global = true)]
    no_color: bool,
    /// Background of the terminal, for the workbench's colours
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "SHADE")]
    theme: Shade,
    /// One JSON document on standard output, and nothing else there
    #[arg(long, global = true)]
    json: bool,
    /// Agree to the commands of slo.toml without being asked
    #[arg(long, global = true)]
    trust: bool,
    /// Rank although too much of the profile could not be placed
    #[arg(long, global = true)]
    despite_quality: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Shows objectives, the split of the quantile and the hot functions
    Rank(rank::Options),
    /// Shows findings in hot functions, or in every file
    Scan(scan::Options),
    /// Shows rewrites with their ids and diffs
    Propose(propose::Options),
    /// Proves rewrites: they compile, pass the tests, are reached by them, and are faster
    Verify(verify::Options),
    /// Lists, decides, comments and signs proposals
    Review(review::Options),
    /// Lands signed-off rewrites as commits on a branch
    Apply(apply::Options),
    /// Takes back the newest operation
    Undo,
    /// Does the newest undone operation again
    Redo,
    /// Shows the operations, newest first
    Log,
    /// Writes what was found, changed, proved and won, as Markdown
    Report(report::Options),
    /// For CI: are the budgets met and is everything signed?
    Check(check::Options),
    /// Removes this project's scratch checkouts from the cache, or shows what it holds
    Clean(clean::Options),
    /// Lists the rules
    Rules,
    /// Shows a rule's manual page
    Explain(explain::Options),
    /// Records a command with what this machine has
    Record(record::Options),
    /// Tells the state of this machine and repository
    Doctor,
    /// Writes a starter slo.toml from what it finds
    Init(init::Options),
    /// Copies an example out of the binary into a new repository and opens it
    Try(try_example::Options),
}

/// Runs the command that the arguments name, and answers with its exit status.
pub fn main() -> ExitCode {
    let color = std::env::args_os().any(|a| a == "--color=always");
    let _log = measured::start();
    answer::fence(color, || {
        let arguments = match Arguments::try_parse_from(calling_form(std::env::args_os().collect())) {
            Ok(arguments) => arguments,
            Err(error) => return answer::usage(&error),
        };
        let context = Context::new(&arguments.global);
        let outcome = run(&context, arguments);
        answer::print(&context, outcome)
    })
}

fn run(context: &Context, arguments: Arguments) -> Outcome {
    let folder = arguments.folder.as_deref();
    let Some(command) = arguments.command else { return workbench::run(context, folder) };
    if let Some(folder) = folder {
        let what = format!("\"{}\" stands before the command", folder.display());
        return Err(vec![Problem::error(what).help("name the project by --root, or leave the command out")]);
    }
    match command {
        Command::Rank(options) => measured::operation("refit rank", || rank::run(context, &options)),
        Command::Scan(options) => measured::operation("refit scan", || scan::run(context, &options)),
        Command::Propose(options) => propose::run(context, &options),
        Command::Verify(options) => verify::run(context, &options),
        Command::Review(options) => review::run(context, &options),
        Command::Apply(options) => apply::run(context, &options),
        Command::Undo => undo::run(context),
        Command::Redo => redo::run(context),
        Command::Log => log::run(context),
        Command::Report(options) => report::run(context, &options),
        Command::Check(options) => check::run(context, &options),
        Command::Clean(options) => clean::run(context, &options),
        Command::Rules => rules::run(context),
        Command::Explain(options) => explain::run(context, &options),
        Command::Record(options) => record::run(context, &options),
        Command::Doctor => doctor::run(context),
        Command::Init(options) => init::run(context, &options),
        Command::Try(options) => try_example::run(context, &options),
    }
}

/// Names of all commands, for a slip of the pen.
fn command_names() -> Vec<String> {
    use clap::CommandFactory;
    Arguments::command().get_subcommands().map(|c| c.get_name().to_owned()).collect()
}

/// Cargo calls `cargo-refit refit …`: the second word is its own.
fn calling_form(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let called_by_cargo =
        arguments.first().is_some_and(|a| Path::new(a).file_stem().is_some_and(|s| s == "cargo-refit"));
    let is_word = arguments.get(1).is_some_and(|a| a == "refit");
    if is_word && (called_by_cargo || !Path::new("refit").is_dir()) {
        arguments.remove(1);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn cargo_may_call() {
        let words = |list: &[&str]| list.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(calling_form(words(&["cargo-refit", "refit", "rank"])), words(&["cargo-refit", "rank"]));
        assert_eq!(calling_form(words(&["refit", "rank"])), words(&["refit", "rank"]));
    }
}
